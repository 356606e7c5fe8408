//! Erasures that take two people: one asks, another confirms or declines.

use serde::{Deserialize, Serialize};

/// `erasure.requested`, stream `erasure-request/<request>`: somebody asks that content be erased. Nothing is erased by it. A data subject is named in a
/// unit about that very subject, so that the name goes with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequested {
    /// `subject`, `record` or `system`.
    pub scope: String,
    /// The entry, for a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The system, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Why.
    pub reason: String,
}

/// `erasure.confirmed`, the same stream, its actor another person: the order follows in the same batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureConfirmed {
    /// Why.
    pub reason: String,
}

/// `erasure.declined`, the same stream: nothing is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureDeclined {
    /// Why.
    pub reason: String,
}
