//! What requests and answers say of probes.

use serde::{Deserialize, Serialize};

/// One place at which a guard is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeLine {
    /// `proven`, `configured` or `bypassable`.
    pub state: String,
    /// The route.
    pub surface: String,
    /// The provider in whose place canaries are taken.
    pub upstream: String,
    /// The guard.
    pub guard: String,
    /// `prompt` or `answer`.
    pub side: String,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// What the newest canary came to; absent: none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why it got through, or is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When that was recorded, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What one guard, or one class of masking, found of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureLine {
    /// `measured`, `stale` or `unmeasured`.
    pub state: String,
    /// The guard.
    pub guard: String,
    /// Its version.
    pub version: String,
    /// Of masking, the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Inputs that it must find and of which it is known what came of them.
    pub tried: u64,
    /// Of these, stopped or masked.
    pub stopped: u64,
    /// Of these, found and let go on.
    pub flagged: u64,
    /// Of these, not found.
    pub got_through: u64,
    /// Inputs of which nobody knows.
    pub untested: u64,
    /// Benign inputs of which it is known what came of them.
    pub benign_tried: u64,
    /// Of these, those in which it found something.
    pub benign_hit: u64,
    /// Inputs that it did not find, by their names in the corpus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
    /// Benign inputs that it hit, by their names in the corpus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hit: Vec<String>,
    /// Why some or all could not be tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
