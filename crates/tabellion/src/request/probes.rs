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
