//! Packs of policies: put forward by one person, brought into force by another; every version stays readable (docs/packs.md).
//!
//! Promises: what is in force was signed by a trusted publisher, passed its own cases, is not below its pin, and permits nothing that a layer above forbids;
//! anything else leaves in force what was, and is on record. Must never: load anything by itself, or lower a pin without two people and a reason.

mod checking;
mod loading;
mod publishers;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::{PackAct, PackLoaded, PackProposed, PackRefused, PolicyLayer};
use tabellion_model::{CredentialId, RecordId, SystemId};
use tabellion_views::query::{PackSaid, PackVersion, Proposed};

pub use loading::{GoingBack, NewPack, PackReplay, Removal, Wanted};
pub use publishers::{NewPublisher, Pin, Publisher, PublisherWaiting, Publishers, Trust};

use super::asking::all;
use super::forms::{DigestForm, IdForm, PolicyNameForm, Reference, Time};
use super::{Actor, Desk};
use crate::refusal::{Code, Refusal};

/// Most systems that one pack is loaded for: a unit's, and what a person can look through.
const MAX_SYSTEMS: usize = 1000;

/// Where policies stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PolicyLayer")]
pub enum LayerForm {
    /// For every system.
    Organisation,
    /// For the systems of a unit.
    Unit,
    /// For single systems.
    System,
}

impl From<PolicyLayer> for LayerForm {
    fn from(layer: PolicyLayer) -> Self {
        match layer {
            PolicyLayer::Organisation => Self::Organisation,
            PolicyLayer::Unit => Self::Unit,
            PolicyLayer::System => Self::System,
        }
    }
}

impl From<LayerForm> for PolicyLayer {
    fn from(layer: LayerForm) -> Self {
        match layer {
            LayerForm::Organisation => Self::Organisation,
            LayerForm::Unit => Self::Unit,
            LayerForm::System => Self::System,
        }
    }
}

/// What is to become of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PackAct")]
pub enum ActForm {
    /// A version comes into force.
    Load,
    /// An earlier version comes into force again.
    GoBack,
    /// Nothing of it is in force any more.
    Remove,
}

impl From<PackAct> for ActForm {
    fn from(act: PackAct) -> Self {
        match act {
            PackAct::Load => Self::Load,
            PackAct::GoBack => Self::GoBack,
            PackAct::Remove => Self::Remove,
        }
    }
}

/// What waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackWaiting")]
pub struct Waiting {
    /// Its record: what is decided on.
    #[schemars(with = "IdForm")]
    pub proposed: String,
    /// What is to become of the pack; null: erased.
    pub act: Option<ActForm>,
    /// The whole file; null: it is to be removed, or erased.
    pub file: Option<String>,
    /// SHA-256 of the file.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// What the unit is called.
    pub unit: Option<String>,
    /// The systems that it would hold for; none: all.
    #[schemars(with = "Vec<IdForm>")]
    pub systems: Vec<String>,
    /// Lowest version that could be loaded afterwards; null: erased.
    pub pin: Option<u64>,
    /// Why; null: erased.
    pub note: Option<String>,
    /// Who put it forward.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
}

/// One version that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackVersion")]
pub struct VersionShown {
    /// What was done.
    pub act: ActForm,
    /// The pack's version; null: removed or erased.
    pub pack_version: Option<u64>,
    /// What people call it.
    pub version_text: Option<String>,
    /// SHA-256 of its file.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// Lowest version that could be loaded from then on.
    pub pin: Option<u64>,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// The second person.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
    /// Its record.
    pub recorded: Reference,
}

/// A pack as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyPack")]
pub struct PackShown {
    /// Its name.
    #[schemars(with = "PolicyNameForm")]
    pub name: String,
    /// Whether a version is in force.
    pub in_force: bool,
    /// The version in force.
    pub pack_version: Option<u64>,
    /// What people call it.
    pub version_text: Option<String>,
    /// Who signed it.
    pub publisher: Option<String>,
    /// Where it stands.
    pub layer: Option<LayerForm>,
    /// What the unit is called.
    pub unit: Option<String>,
    /// The systems that it holds for; none: all.
    #[schemars(with = "Vec<IdForm>")]
    pub systems: Vec<String>,
    /// The whole file, with its signatures.
    pub file: Option<String>,
    /// SHA-256 of the file: what decisions name.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// Lowest version that may be loaded; 0: none was yet.
    pub pin: u64,
    /// What waits for a second person.
    pub waiting: Option<Waiting>,
    /// Version, as in the `ETag`.
    pub version: u64,
}

/// Packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyPacks")]
pub struct Packs {
    /// By name; also those that wait or are not in force any more.
    pub packs: Vec<PackShown>,
}

/// The history of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyPackHistory")]
pub struct PackHistory {
    /// Oldest first.
    pub versions: Vec<VersionShown>,
}

impl Desk {
    /// Every pack.
    pub fn packs(&self) -> Result<Packs, Refusal> {
        let proposed = all(|page| self.views.packs_proposed(page))?;
        let mut packs: Vec<PackShown> =
            proposed.iter().map(|row| self.pack(&row.name)).collect::<Result<_, _>>()?;
        packs.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Packs { packs })
    }

    /// One pack.
    pub fn pack(&self, name: &str) -> Result<PackShown, Refusal> {
        let (row, proposed) = (self.views.pack(name)?, self.views.pack_proposed(name)?);
        if row.is_none() && proposed.is_none() {
            return Err(Refusal::not_found("policy pack"));
        }
        let waiting = proposed.as_ref().filter(|proposed| proposed.open).map(shown_waiting);
        let version = row.as_ref().map_or(0, |row| row.version);
        let pin = pin_of(row.as_slice());
        let in_force = row.as_ref().is_some_and(|row| !matches!(row.said, PackSaid::Removed(_)));
        let said = row.and_then(|row| match row.said {
            PackSaid::Loaded(said) => Some(*said),
            PackSaid::Removed(_) | PackSaid::Erased => None,
        });
        let text = |of: fn(&PackLoaded) -> &String| said.as_ref().map(|said| of(said).clone());
        Ok(PackShown {
            name: name.to_owned(),
            in_force,
            pack_version: said.as_ref().map(|said| said.pack_version),
            version_text: text(|said| &said.version_text),
            publisher: text(|said| &said.publisher),
            layer: said.as_ref().map(|said| said.layer.into()),
            unit: said.as_ref().and_then(|said| said.unit.clone()),
            systems: hex(said.as_ref().map(|said| said.systems.as_slice()).unwrap_or_default()),
            file: text(|said| &said.file),
            digest: text(|said| &said.digest),
            pin,
            waiting,
            version,
        })
    }

    /// Every change of one pack.
    pub fn pack_history(&self, name: &str) -> Result<PackHistory, Refusal> {
        self.pack(name)?;
        let newest_first = all(|page| self.views.pack_versions(name, page))?;
        let versions = newest_first.into_iter().rev().map(|row| self.shown_version_of(row));
        Ok(PackHistory { versions: versions.collect::<Result<_, _>>()? })
    }

    /// The newest version of every pack as the views have it, by name.
    pub(super) fn pack_rows(&self) -> Result<Vec<PackVersion>, Refusal> {
        let mut rows = all(|page| self.views.packs(page))?;
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    fn shown_version_of(&self, row: PackVersion) -> Result<VersionShown, Refusal> {
        let recorded = self.reference(row.entry)?;
        let pin = Some(pin_of(std::slice::from_ref(&row))).filter(|pin| *pin > 0);
        let (by, at) = (row.by.to_hex(), Time(row.at));
        Ok(match row.said {
            PackSaid::Loaded(said) => VersionShown {
                act: said.act.into(),
                pack_version: Some(said.pack_version),
                version_text: Some(said.version_text),
                digest: Some(said.digest),
                pin,
                reason: Some(said.reason),
                by,
                at,
                recorded,
            },
            PackSaid::Erased => {
                let act = ActForm::Load;
                VersionShown {
                    act,
                    pack_version: None,
                    version_text: None,
                    digest: None,
                    pin,
                    reason: None,
                    by,
                    at,
                    recorded,
                }
            }
            PackSaid::Removed(said) => {
                let (act, reason) = (ActForm::Remove, said.map(|said| said.reason));
                VersionShown {
                    act,
                    pack_version: None,
                    version_text: None,
                    digest: None,
                    pin,
                    reason,
                    by,
                    at,
                    recorded,
                }
            }
        })
    }

    /// Records that a pack was not taken: once for each person, file and reason.
    fn record_pack_refusal(
        &self,
        actor: &Actor,
        name: &str,
        digest: Option<&str>,
        code: Code,
    ) -> Result<(), Refusal> {
        let code = code.as_str().to_owned();
        let key = format!("pack-refused/{name}/{}/{code}/{}", digest.unwrap_or("none"), actor.name());
        let body = PackRefused { name: name.to_owned(), digest: digest.map(str::to_owned), code };
        self.record_attempt(self.attempt(actor, &body, &stream(name), key)?)
    }
}

/// Whether `proposed` may be decided by `actor` at all: a person, another one, and exactly what was shown to them.
pub(super) fn check_second<T>(
    desk: &Desk,
    actor: &Actor,
    proposed: &Proposed<T>,
    wanted: RecordId,
) -> Result<(), Refusal> {
    if !matches!(actor, Actor::Person { .. }) {
        let text = "a second person brings it into force: sign in";
        return Err(Refusal::new(Code::NotPermitted, text));
    }
    if !proposed.open {
        return Err(Refusal::new(Code::AlreadySo, "nothing is put forward: it was decided already"));
    }
    if proposed.record_id != wanted {
        return Err(Refusal::at(Code::NotWhatWasShown, "/proposed", "something else is put forward by now"));
    }
    let second = desk.second_person(actor)?;
    if second.is(proposed.by) {
        return Err(Refusal::new(
            Code::OwnWork,
            "you put this forward, and a second person has to decide on it; it stays as it was",
        ));
    }
    second.check_let_in_by_others(std::iter::once::<&CredentialId>(&proposed.by), proposed.session.iter())
}

/// The lowest version that may be loaded after `rows`, newest first; 0: any. Where the newest is erased, the pin is that of the one before: an erasure lowers
/// none.
fn pin_of(rows: &[PackVersion]) -> u64 {
    let pin = |row: &PackVersion| match &row.said {
        PackSaid::Loaded(said) => Some(said.pin),
        PackSaid::Removed(said) => said.as_ref().map(|said| said.pin),
        PackSaid::Erased => None,
    };
    rows.iter().find_map(pin).unwrap_or(0)
}

fn shown_waiting(proposed: &Proposed<PackProposed>) -> Waiting {
    let said = proposed.said.as_ref();
    Waiting {
        proposed: proposed.record_id.to_hex(),
        act: said.map(|said| said.act.into()),
        file: said.and_then(|said| said.file.clone()),
        digest: said.and_then(|said| said.digest.clone()),
        unit: said.and_then(|said| said.unit.clone()),
        systems: hex(said.map(|said| said.systems.as_slice()).unwrap_or_default()),
        pin: said.map(|said| said.pin),
        note: said.map(|said| said.note.clone()),
        by: proposed.by.to_hex(),
        at: Time(proposed.at),
    }
}

fn hex(systems: &[SystemId]) -> Vec<String> {
    systems.iter().map(tabellion_model::Id::to_hex).collect()
}

/// The stream of a pack.
fn stream(name: &str) -> String {
    format!("policy-pack/{name}")
}
