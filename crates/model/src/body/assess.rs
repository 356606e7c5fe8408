//! What guards said of a call after it had ended: they stopped nothing.

use serde::{Deserialize, Serialize};

use super::{EnrichedSide, Guarded};

/// A look that a guard will take when the call is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedLook {
    /// The guard's name in the configuration.
    pub guard: String,
    /// What it does and with which settings, as [`Guarded`] has it.
    pub version: String,
    /// What it looks at.
    pub side: EnrichedSide,
}

/// `call.assessed`: what guards said of a call that had ended, or that they did not look, and why. Parent `authorised`, which names them (`guards_after`). A call
/// whose permission names some and that has no such record was looked at by none of them yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAssessed {
    /// What those of prompts said.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub prompt: Vec<Guarded>,
    /// What those of answers said.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub answer: Vec<Guarded>,
    /// From the call's end to the last word on it, milliseconds: its bound is in the configuration. 0 where nobody was asked.
    pub after_ms: u64,
}
