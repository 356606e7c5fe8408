//! Publishers of packs: put forward with their key by one person, trusted by another, removed by anybody who may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::RecordId;
use tabellion_model::body::{
    Body, PackPin, PackPublisherProposed, PackPublisherRemoved, PackPublisherSaid, PackPublisherTrusted,
    PolicyLayer,
};
use tabellion_tlog::VerifierKey;
use tabellion_views::query::Proposed;

use super::super::asking::all;
use super::super::forms::{IdForm, PolicyNameForm, Reason, Time, Word};
use super::super::prose::Prose;
use super::super::writing::{Earlier, draft_of, foreign};
use super::super::{Actor, Desk, Given, Written};
use super::{LayerForm, check_second};
use crate::refusal::{Code, Refusal};

/// A lowest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackPin")]
pub struct Pin {
    /// The pack.
    pub pack: Word,
    /// Its lowest version.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub version: u64,
}

/// A publisher to put forward.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPackPublisher")]
pub struct NewPublisher {
    /// Its Ed25519 key as a verifier key of signed notes, as `tabellion policy pack show` and the publisher's own page print it; the name in it is the
    /// publisher's.
    #[schemars(length(min = 1, max = 512))]
    pub key: String,
    /// Layers that its packs may stand in.
    #[schemars(length(min = 1, max = 3))]
    pub layers: Vec<LayerForm>,
    /// Packs of which no lower version is ever loaded.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub pins: Vec<Pin>,
    /// Who that is, and how you came by the key.
    pub note: Prose,
}

/// Trust of a second person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackPublisherTrust")]
pub struct Trust {
    /// The record of what was put forward, as it was shown.
    #[schemars(with = "IdForm")]
    pub proposed: RecordId,
    /// Why.
    pub reason: Prose,
}

/// What waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackPublisherWaiting")]
pub struct PublisherWaiting {
    /// Its record: what is decided on.
    #[schemars(with = "IdForm")]
    pub proposed: String,
    /// The key; null: erased.
    pub key: Option<String>,
    /// Layers.
    pub layers: Vec<LayerForm>,
    /// Pins.
    pub pins: Vec<Pin>,
    /// Who that is; null: erased.
    pub note: Option<String>,
    /// Who put it forward.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
}

/// A publisher as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackPublisher")]
pub struct Publisher {
    /// Its name.
    #[schemars(with = "PolicyNameForm")]
    pub name: String,
    /// Whether its packs may be loaded.
    pub trusted: bool,
    /// Its key; null: not trusted.
    pub key: Option<String>,
    /// Layers that its packs may stand in.
    pub layers: Vec<LayerForm>,
    /// Packs of which no lower version is ever loaded.
    pub pins: Vec<Pin>,
    /// What waits for a second person.
    pub waiting: Option<PublisherWaiting>,
    /// Version, as in the `ETag`.
    pub version: u64,
}

/// Publishers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PackPublishers")]
pub struct Publishers {
    /// By name; also those that wait or are trusted no more.
    pub publishers: Vec<Publisher>,
}

impl Desk {
    /// Every publisher.
    pub fn pack_publishers(&self) -> Result<Publishers, Refusal> {
        let proposed = all(|page| self.views.pack_publishers_proposed(page))?;
        let mut publishers: Vec<Publisher> =
            proposed.iter().map(|row| self.pack_publisher(&row.name)).collect::<Result<_, _>>()?;
        publishers.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Publishers { publishers })
    }

    /// One publisher.
    pub fn pack_publisher(&self, name: &str) -> Result<Publisher, Refusal> {
        let (row, proposed) = (self.views.pack_publisher(name)?, self.views.pack_publisher_proposed(name)?);
        if row.is_none() && proposed.is_none() {
            return Err(Refusal::not_found("publisher of policy packs"));
        }
        let version = row.as_ref().map_or(0, |row| row.version);
        let said = row.and_then(|row| row.said).map(|trusted| trusted.said);
        let (layers, pins) = said.as_ref().map(shown).unwrap_or_default();
        Ok(Publisher {
            name: name.to_owned(),
            trusted: said.is_some(),
            key: said.map(|said| said.key),
            layers,
            pins,
            waiting: proposed.filter(|proposed| proposed.open).map(waiting),
            version,
        })
    }

    /// Puts a publisher forward.
    pub fn propose_publisher(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewPublisher,
    ) -> Result<(Publisher, Written), Refusal> {
        let at_key = |what: String| Refusal::at(Code::Malformed, "/key", what);
        let key: VerifierKey = new.key.parse().map_err(|error| at_key(format!("{error}")))?;
        if key.ed25519().is_none() || key.kind().is_cosignature() || !Word::fits(key.name()) {
            let text = "packs are signed with Ed25519 (type 0x01), under a name of 1 to 63 of a-z, 0-9 and -";
            return Err(at_key(text.to_owned()));
        }
        let name = key.name().to_owned();
        let mut layers: Vec<PolicyLayer> = new.layers.iter().map(|layer| (*layer).into()).collect();
        layers.sort_unstable();
        layers.dedup();
        let pins =
            new.pins.iter().map(|pin| PackPin { pack: pin.pack.as_str().to_owned(), version: pin.version });
        let said =
            PackPublisherSaid { publisher: name.clone(), key: new.key.clone(), layers, pins: pins.collect() };
        let body = PackPublisherProposed { said, note: new.note.to_text() };
        let written = self.once(actor, "propose-publisher", given, |earlier| {
            let current = self.views.pack_publisher_proposed(&name)?.map_or(0, |row| row.version);
            let expected = earlier.and_then(Earlier::version_before).unwrap_or(current);
            Ok(vec![draft_of(&body, format!("{}/proposed", stream(&name)), expected)?])
        })?;
        Ok((self.pack_publisher(&name)?, written))
    }

    /// Trusts a publisher that somebody else put forward.
    pub fn trust_publisher(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Trust,
    ) -> Result<(Publisher, Written), Refusal> {
        let written = self.once(actor, "trust-publisher", given, |earlier| {
            let current = self.views.pack_publisher(name)?.map_or(0, |row| row.version);
            let body = match earlier {
                Some(earlier) => PackPublisherTrusted::read(earlier.fields.clone()).map_err(|_| foreign())?,
                None => self.trusted(actor, name, wanted)?,
            };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, current))?])
        })?;
        Ok((self.pack_publisher(name)?, written))
    }

    fn trusted(&self, actor: &Actor, name: &str, wanted: &Trust) -> Result<PackPublisherTrusted, Refusal> {
        let proposed = self.views.pack_publisher_proposed(name)?;
        let proposed = proposed.ok_or_else(|| Refusal::not_found("publisher of policy packs"))?;
        check_second(self, actor, &proposed, wanted.proposed)?;
        let said = proposed.said.ok_or_else(|| {
            Refusal::new(Code::StateImpossible, "what was put forward is erased; put it forward again")
        })?;
        Ok(PackPublisherTrusted {
            said: said.said,
            proposed: wanted.proposed,
            reason: wanted.reason.to_text(),
        })
    }

    /// Loads nothing more of a publisher; what is in force stays.
    pub fn remove_publisher(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Reason,
    ) -> Result<(Publisher, Written), Refusal> {
        let _held = self.hold_observations();
        let written = self.once_taking(actor, "remove-publisher", given, |earlier| {
            let row = self.views.pack_publisher(name)?;
            let row = row.ok_or_else(|| Refusal::not_found("publisher of policy packs"))?;
            if earlier.is_none() && row.removed {
                return Err(Refusal::new(Code::AlreadySo, "the publisher is not trusted"));
            }
            let body = PackPublisherRemoved { publisher: name.to_owned(), reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.pack_publisher(name)?, written))
    }
}

fn shown(said: &PackPublisherSaid) -> (Vec<LayerForm>, Vec<Pin>) {
    let pin = |pin: &PackPin| Some(Pin { pack: Word::new(&pin.pack)?, version: pin.version });
    (said.layers.iter().map(|layer| (*layer).into()).collect(), said.pins.iter().filter_map(pin).collect())
}

fn waiting(proposed: Proposed<PackPublisherProposed>) -> PublisherWaiting {
    let (layers, pins) = proposed.said.as_ref().map(|said| shown(&said.said)).unwrap_or_default();
    let (key, note) = proposed.said.map(|said| (said.said.key, said.note)).unzip();
    PublisherWaiting {
        proposed: proposed.record_id.to_hex(),
        key,
        layers,
        pins,
        note,
        by: proposed.by.to_hex(),
        at: Time(proposed.at),
    }
}

fn stream(name: &str) -> String {
    format!("pack-publisher/{name}")
}
