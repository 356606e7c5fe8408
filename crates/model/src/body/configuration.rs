//! Changes of what a configuration says of safeguards: what holds from a start on that did not hold before, and in whose words why.

use serde::{Deserialize, Serialize};

use crate::ConfigurationChangeId;

/// What became of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafeguardTurn {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// Some of its members differ.
    Changed,
}

impl SafeguardTurn {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A member of a section that differs. Of lists, only the items that are not on both sides; of a text of more than 300 characters, what stands around the first
/// difference, with its line, its length and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    /// Its name, within nested settings with the path that leads to it: `service.on_error`, `topics[1].over`.
    pub member: String,
    /// What it was; none: it was not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// What it is; none: it is not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
}

/// A section that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafeguardChange {
    /// The section, as a configuration names it: `guard.no-weapons`, `masking.abroad`, `policies`.
    pub section: String,
    /// What became of it.
    pub turn: SafeguardTurn,
    /// Its members that differ, by name.
    pub members: Vec<MemberChange>,
}

/// `configuration.changed`, stream `configuration/<change>`: a start found other safeguards in its configuration than those that held before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationChanged {
    /// The change, as in the stream.
    pub change: ConfigurationChangeId,
    /// SHA-256 of the safeguards before, hex; none: nothing that can be read says what held.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// SHA-256 of those from here on, hex.
    pub after: String,
    /// Those from here on, as canonical JSON; secrets by the name of the variable or file that holds them. None: they are too long, and `config.loaded` has them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub safeguards: Option<String>,
    /// Whether nothing was before: the first start of the log, or the first that put on record what holds.
    pub first: bool,
    /// What differs, by section.
    pub changes: Vec<SafeguardChange>,
    /// Members that differ and are not listed.
    pub unlisted: u64,
    /// The account of the operating system that the program ran under.
    pub account: String,
    /// Version of the program; another one may have other defaults.
    pub version: String,
    /// Why, as whoever started the program said; none: they said nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// `configuration.explained`, same stream: somebody says why, after the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationExplained {
    /// The change.
    pub change: ConfigurationChangeId,
    /// Why.
    pub reason: String,
}
