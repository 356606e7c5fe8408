//! What the rules were given of a call, as far as nothing else of its record says it.

use serde::{Deserialize, Serialize};

use crate::Micros;

/// What the rules were given of a call beside what its record holds anyway, and a digest of all of it: so that they can be asked the very same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// When the call arrived: the hour and the day that rules saw are those of this moment.
    pub at: Micros,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Names of the tools that the model was offered, each once, in order; without those that may not stand in a record.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tools: Vec<String>,
    /// How many tools are not named here.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub unnamed_tools: u64,
    /// The purpose that counted, where the record does not say it elsewhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// SHA-256 of everything that the rules were given, in the form of docs/records.md, hex; none where a person is in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// SHA-256 of a salt and of the same, hex, where a person is in it: the salt stands with that person, in the unit about them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub salted_sha256: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
