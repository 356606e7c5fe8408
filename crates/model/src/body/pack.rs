//! Packs of policies: who may publish them, what was put forward, and what came into force by it (docs/packs.md).
//!
//! Each change takes two people: what the first puts forward is a record, and the second's names it.

use serde::{Deserialize, Serialize};

use super::PolicyReplayed;
use crate::{RecordId, SystemId};

/// Where policies stand, the outermost first: a lower one can only tighten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyLayer {
    /// For every system of the log.
    Organisation,
    /// For the systems of a unit.
    Unit,
    /// For single systems.
    System,
}

impl PolicyLayer {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Unit => "unit",
            Self::System => "system",
        }
    }
}

/// The lowest version of a pack that may be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPin {
    /// The pack's name.
    pub pack: String,
    /// Its lowest version.
    pub version: u64,
}

/// What is said of a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPublisherSaid {
    /// Its name: that of its key, and what its packs call their publisher.
    pub publisher: String,
    /// Its Ed25519 key as a verifier key of signed notes.
    pub key: String,
    /// Layers that its packs may stand in.
    pub layers: Vec<PolicyLayer>,
    /// Packs of which no lower version is ever loaded, whatever was loaded before.
    pub pins: Vec<PackPin>,
}

/// `pack_publisher.proposed`, stream `pack-publisher/<name>/proposed`: somebody wants packs of this publisher to be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPublisherProposed {
    /// Who, and how far.
    #[serde(flatten)]
    pub said: PackPublisherSaid,
    /// Who that is, and how their key was come by.
    pub note: String,
}

/// `pack_publisher.trusted`, stream `pack-publisher/<name>`: packs that this key signed may be put forward from here on, in place of those of a key before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPublisherTrusted {
    /// Who, and how far.
    #[serde(flatten)]
    pub said: PackPublisherSaid,
    /// The `pack_publisher.proposed` of somebody else.
    pub proposed: RecordId,
    /// Why.
    pub reason: String,
}

/// `pack_publisher.removed`, stream `pack-publisher/<name>`: nothing more of this publisher is loaded; what is in force stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPublisherRemoved {
    /// The publisher.
    pub publisher: String,
    /// Why.
    pub reason: String,
}

/// What is to become of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackAct {
    /// A version comes into force, not below the pin.
    Load,
    /// A version that was in force before comes into force again, and the pin is lowered to what is said.
    GoBack,
    /// Nothing of the pack is in force any more.
    Remove,
}

/// `policy_pack.proposed`, stream `policy-pack/<name>/proposed`: somebody wants this to become of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackProposed {
    /// The pack's name.
    pub name: String,
    /// What.
    pub act: PackAct,
    /// The whole file, with its signatures; none where the pack is to be removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// SHA-256 of the file, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// What the unit is called, of a pack for one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// The systems that it holds for; none: a pack of the organisation, which holds for all.
    pub systems: Vec<SystemId>,
    /// Lowest version that may be loaded once it is in force.
    pub pin: u64,
    /// Why.
    pub note: String,
}

/// `policy_pack.loaded`, stream `policy-pack/<name>`: this version is in force from here on, in place of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackLoaded {
    /// The pack's name.
    pub name: String,
    /// [`PackAct::Load`] or [`PackAct::GoBack`].
    pub act: PackAct,
    /// Its version: a whole number that rises.
    pub pack_version: u64,
    /// What people call that version.
    pub version_text: String,
    /// Who signed it.
    pub publisher: String,
    /// Where it stands.
    pub layer: PolicyLayer,
    /// The whole file, with its signatures.
    pub file: String,
    /// SHA-256 of the file, lower-case hex: what decisions name.
    pub digest: String,
    /// What the unit is called, of a pack for one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// The systems that it holds for; none: all.
    pub systems: Vec<SystemId>,
    /// Lowest version that may be loaded from here on.
    pub pin: u64,
    /// The `policy_pack.proposed` of somebody else.
    pub proposed: RecordId,
    /// Why.
    pub reason: String,
    /// What it came to on recorded decisions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replay: Option<PolicyReplayed>,
}

/// `policy_pack.removed`, stream `policy-pack/<name>`: nothing of this pack is in force any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRemoved {
    /// The pack's name.
    pub name: String,
    /// Lowest version that may be loaded again.
    pub pin: u64,
    /// The `policy_pack.proposed` of somebody else.
    pub proposed: RecordId,
    /// Why.
    pub reason: String,
    /// What it came to on recorded decisions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replay: Option<PolicyReplayed>,
}

/// `policy_pack.refused`, stream `policy-pack/<name>/refused`: a file that calls itself this pack was not taken, or somebody tried to bring into force what
/// they put forward themselves; what was in force stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRefused {
    /// The pack's name, as the file has it.
    pub name: String,
    /// SHA-256 of the file, lower-case hex; none where it was not about a file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// Why: a code of the API.
    pub code: String,
}
