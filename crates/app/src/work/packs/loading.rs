//! What is put forward of a pack, and what a second person makes of it.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_ledger::Draft;
use tabellion_model::body::{Body, PackAct, PackLoaded, PackProposed, PackRemoved, PolicyReplayed};
use tabellion_model::{RecordId, SystemId};
use tabellion_policy::SignedPack;
use tabellion_views::query::{PackSaid, Proposed};

use super::super::asking::all;
use super::super::forms::{IdForm, Time, Word};
use super::super::prose::Prose;
use super::super::replays::{Acknowledged, Asked, PackChange, Replay};
use super::super::writing::{Earlier, draft_of, foreign, key_of};
use super::super::{Actor, Desk, Given, Written};
use super::checking::{Coming, faulty};
use super::{PackShown, check_second, pin_of, stream};
use crate::refusal::{Code, Refusal};

/// What bringing into force is called in idempotency keys.
const LOAD: &str = "load-pack";

/// A pack to put forward.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPolicyPack")]
pub struct NewPack {
    /// The whole file, as `tabellion policy pack build` wrote it.
    #[schemars(length(min = 1, max = 262_144))]
    pub file: String,
    /// What the unit is called, of a pack for one.
    #[serde(default)]
    pub unit: Option<Word>,
    /// The systems that it is to hold for; none: a pack of the organisation.
    #[serde(default)]
    #[schemars(with = "Vec<IdForm>", length(max = 1000))]
    pub systems: Vec<SystemId>,
    /// Why.
    pub note: Prose,
}

/// An earlier version to bring into force again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyPackGoingBack")]
pub struct GoingBack {
    /// The version of the pack; it was in force before.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub pack_version: u64,
    /// What the pin is lowered to: the lowest version that may be loaded afterwards.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub pin: u64,
    /// Why.
    pub reason: Prose,
}

/// A pack to take out of force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyPackRemoval")]
pub struct Removal {
    /// Why.
    pub reason: Prose,
}

/// What a second person brings into force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyPackDecision")]
pub struct Wanted {
    /// The record of what was put forward, as it was shown.
    #[schemars(with = "IdForm")]
    pub proposed: RecordId,
    /// Why.
    pub reason: Prose,
    /// What was looked at of what the change comes to, where that is needed.
    #[serde(default)]
    pub replay: Option<Acknowledged>,
}

/// Over which decisions what is put forward is replayed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPolicyPackReplay")]
pub struct PackReplay {
    /// Over decisions recorded at or after; with it nothing can be acknowledged.
    #[serde(default)]
    pub from: Option<Time>,
    /// Over decisions recorded before; with it nothing can be acknowledged.
    #[serde(default)]
    pub to: Option<Time>,
}

/// What is put forward, read.
struct Read {
    said: PackProposed,
    signed: Option<SignedPack>,
}

impl Read {
    fn of(proposed: Proposed<PackProposed>) -> Result<Self, Refusal> {
        let said = proposed.said.ok_or_else(|| {
            Refusal::new(Code::StateImpossible, "what was put forward is erased; put it forward again")
        })?;
        let signed = said.file.as_ref().map(|file| SignedPack::read(file.as_bytes())).transpose();
        Ok(Self { signed: signed.map_err(|fault| faulty(&fault))?, said })
    }

    fn coming(&self) -> Option<Coming<'_>> {
        let (unit, systems, pin) = (self.said.unit.as_deref(), self.said.systems.as_slice(), self.said.pin);
        self.signed.as_ref().map(|signed| Coming { signed, act: self.said.act, unit, systems, pin })
    }

    fn asked(&self, size: u64) -> Asked<'_> {
        let pack = PackChange { signed: self.signed.as_ref(), systems: &self.said.systems };
        Asked { name: &self.said.name, text: None, pack: Some(pack), size, from: None, to: None }
    }
}

impl Desk {
    /// Puts a pack forward.
    pub fn propose_pack(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewPack,
    ) -> Result<(PackShown, Written), Refusal> {
        let signed = SignedPack::read(new.file.as_bytes()).map_err(|fault| faulty(&fault))?;
        let name = signed.pack().name.clone();
        let mut systems = new.systems.clone();
        systems.sort_unstable();
        let said = PackProposed {
            name,
            act: PackAct::Load,
            file: Some(new.file.clone()),
            digest: Some(signed.digest().to_owned()),
            unit: new.unit.as_ref().map(|unit| unit.as_str().to_owned()),
            systems,
            pin: signed.pack().version,
            note: new.note.to_text(),
        };
        self.put_forward(actor, given, &Read { said, signed: Some(signed) })
    }

    /// Puts forward that an earlier version comes into force again.
    pub fn propose_going_back(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &GoingBack,
    ) -> Result<(PackShown, Written), Refusal> {
        self.pack(name)?;
        let rows = all(|page| self.views.pack_versions(name, page))?;
        let earlier = rows.into_iter().find_map(|row| match row.said {
            PackSaid::Loaded(said) if said.pack_version == new.pack_version => Some(*said),
            _ => None,
        });
        let text = "this version was never in force here, or is erased; load it";
        let earlier = earlier.ok_or_else(|| Refusal::at(Code::UnknownReference, "/pack_version", text))?;
        if new.pin > new.pack_version {
            let text = "the pin cannot be above the version that comes into force";
            return Err(Refusal::at(Code::Malformed, "/pin", text));
        }
        let signed = SignedPack::read(earlier.file.as_bytes()).map_err(|fault| faulty(&fault))?;
        let said = PackProposed {
            name: name.to_owned(),
            act: PackAct::GoBack,
            file: Some(earlier.file),
            digest: Some(earlier.digest),
            unit: earlier.unit,
            systems: earlier.systems,
            pin: new.pin,
            note: new.reason.to_text(),
        };
        self.put_forward(actor, given, &Read { said, signed: Some(signed) })
    }

    /// Puts forward that nothing of a pack is in force any more.
    pub fn propose_pack_removal(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Removal,
    ) -> Result<(PackShown, Written), Refusal> {
        self.pack(name)?;
        let said = PackProposed {
            name: name.to_owned(),
            act: PackAct::Remove,
            file: None,
            digest: None,
            unit: None,
            systems: Vec::new(),
            pin: pin_of(&all(|page| self.views.pack_versions(name, page))?),
            note: why.reason.to_text(),
        };
        self.put_forward(actor, given, &Read { said, signed: None })
    }

    fn put_forward(
        &self,
        actor: &Actor,
        given: &Given,
        read: &Read,
    ) -> Result<(PackShown, Written), Refusal> {
        let name = read.said.name.clone();
        let written = self.once(actor, "propose-pack", given, |earlier| {
            if earlier.is_none() {
                self.check_forward(read)?;
            }
            let current = self.views.pack_proposed(&name)?.map_or(0, |row| row.version);
            let stream = format!("{}/proposed", stream(&name));
            // What the caller read is the pack; what is put forward has a stream of its own.
            let expected = earlier.and_then(Earlier::version_before).unwrap_or(current);
            Ok(vec![draft_of(&read.said, stream, expected)?])
        });
        self.recorded_if_refused(actor, &name, read.said.digest.as_deref(), written.as_ref().err())?;
        let written = written?;
        Ok((self.pack(&name)?, written))
    }

    fn check_forward(&self, read: &Read) -> Result<(), Refusal> {
        let _place = self.place_to_try()?;
        match read.coming() {
            Some(coming) => self.check_coming(&coming),
            None => match self.views.pack(&read.said.name)?.map(|row| row.said) {
                Some(PackSaid::Loaded(_) | PackSaid::Erased) => Ok(()),
                Some(PackSaid::Removed(_)) | None => {
                    Err(Refusal::new(Code::AlreadySo, "nothing of this pack is in force"))
                }
            },
        }
    }

    /// What is put forward of a pack would come to, on recorded decisions.
    pub fn replay_pack(&self, actor: &Actor, name: &str, new: &PackReplay) -> Result<Replay, Refusal> {
        let _place = self.place_to_try()?;
        self.refresh()?;
        let read = Read::of(self.open_proposal(name)?)?;
        let mut asked = read.asked(self.replayable_size());
        (asked.from, asked.to) = (new.from.map(|time| time.0), new.to.map(|time| time.0));
        self.replay_change(actor, &asked)
    }

    /// Has come into force what somebody else put forward.
    pub fn load_pack(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Wanted,
    ) -> Result<(PackShown, Written), Refusal> {
        let written = self.loaded(actor, given, name, wanted);
        let digest = self.views.pack_proposed(name)?.and_then(|row| row.said).and_then(|said| said.digest);
        self.recorded_if_refused(actor, name, digest.as_deref(), written.as_ref().err())?;
        let written = written?;
        Ok((self.pack(name)?, written))
    }

    fn loaded(&self, actor: &Actor, given: &Given, name: &str, wanted: &Wanted) -> Result<Written, Refusal> {
        self.refresh()?;
        let key = key_of(actor, LOAD, given)?;
        let cleared = if self.earlier(key.as_deref(), false)?.is_some() {
            None
        } else {
            let read = self.decidable(actor, name, wanted)?;
            let newest = read.asked(self.replayable_size());
            self.clear_asked(actor, (LOAD, given), newest, wanted.replay.as_ref())?
        };
        let _held = self.hold_observations();
        self.once(actor, LOAD, given, |earlier| {
            if let Some(earlier) = earlier {
                return loaded_before(earlier, name);
            }
            let read = self.decidable(actor, name, wanted)?;
            let replay = self.replay_said(cleared.as_ref(), None)?;
            let current = self.views.pack(name)?.map_or(0, |row| row.version);
            let expected = given.expected(None, current);
            Ok(vec![draft_of_load(&read, wanted, replay, expected)?])
        })
    }

    /// What is put forward, when `actor` may bring it into force and everything still holds of it.
    fn decidable(&self, actor: &Actor, name: &str, wanted: &Wanted) -> Result<Read, Refusal> {
        let proposed = self.open_proposal(name)?;
        check_second(self, actor, &proposed, wanted.proposed)?;
        let read = Read::of(proposed)?;
        self.check_forward(&read)?;
        Ok(read)
    }

    fn open_proposal(&self, name: &str) -> Result<Proposed<PackProposed>, Refusal> {
        self.views.pack_proposed(name)?.ok_or_else(|| Refusal::not_found("policy pack"))
    }

    /// Puts a refusal on record where it says something of the pack or of who wanted it.
    fn recorded_if_refused(
        &self,
        actor: &Actor,
        name: &str,
        digest: Option<&str>,
        refusal: Option<&Refusal>,
    ) -> Result<(), Refusal> {
        match refusal.map(|refusal| refusal.code) {
            Some(
                code @ (Code::PackUnsigned
                | Code::PackPublisherUnknown
                | Code::PackBelowPin
                | Code::PackTaken
                | Code::PackTestsFail
                | Code::PackWidens
                | Code::OwnWork
                | Code::OwnLink),
            ) => self.record_pack_refusal(actor, name, digest, code),
            _ => Ok(()),
        }
    }
}

fn draft_of_load(
    read: &Read,
    wanted: &Wanted,
    replay: Option<PolicyReplayed>,
    expected: u64,
) -> Result<Draft, Refusal> {
    let (said, reason, proposed) = (&read.said, wanted.reason.to_text(), wanted.proposed);
    let stream = stream(&said.name);
    let Some(signed) = &read.signed else {
        let body = PackRemoved { name: said.name.clone(), pin: said.pin, proposed, reason, replay };
        return draft_of(&body, stream, expected);
    };
    let pack = signed.pack();
    let body = PackLoaded {
        name: said.name.clone(),
        act: said.act,
        pack_version: pack.version,
        version_text: pack.version_text.clone(),
        publisher: pack.publisher.clone(),
        layer: pack.layer,
        file: said.file.clone().unwrap_or_default(),
        digest: signed.digest().to_owned(),
        unit: said.unit.clone(),
        systems: said.systems.clone(),
        pin: said.pin,
        proposed,
        reason,
        replay,
    };
    draft_of(&body, stream, expected)
}

/// The draft of an earlier request of the same key.
fn loaded_before(earlier: &Earlier, name: &str) -> Result<Vec<Draft>, Refusal> {
    let version = earlier.version_before().ok_or_else(foreign)?;
    let fields = earlier.fields.clone();
    let draft = if earlier.header.record_type.as_str() == PackRemoved::TYPE {
        draft_of(&PackRemoved::read(fields).map_err(|_| foreign())?, stream(name), version)?
    } else {
        draft_of(&PackLoaded::read(fields).map_err(|_| foreign())?, stream(name), version)?
    };
    Ok(vec![draft])
}
