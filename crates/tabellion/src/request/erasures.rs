//! What requests and answers say of erasures and of content whose time is over.

use serde::{Deserialize, Serialize};

use super::{Appended, Target};

/// How long content is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepRule {
    /// The retention class.
    pub class: String,
    /// The system that this is about, hex; absent: every other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Whole months after the month that it counts from.
    pub months: u32,
    /// The first month, yyyymm, that content counts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_from: Option<u32>,
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// The system that was purged; absent for other erasures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The orders.
    pub orders: Vec<Appended>,
    /// Keys destroyed.
    pub keys: usize,
    /// Units whose content is gone.
    pub units: usize,
    /// When the content goes, microseconds, for a deletion that was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<u64>,
}

/// What a rule found, and what went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiring {
    /// The rule.
    pub rule: KeepRule,
    /// The last month, yyyymm, that has been kept for its time.
    pub until: u32,
    /// Keys of content that is due and not on hold.
    pub keys: usize,
    /// Keys of content that is due and on hold: it stays.
    pub held: usize,
    /// The holds, hex.
    pub holds: Vec<String>,
    /// What went; absent in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erased>,
}

/// A system whose deletion is due and whose content stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldSystem {
    /// The system, hex.
    pub system: String,
    /// Which hold, and what to do.
    pub why: String,
}

/// An erasure that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Its id, hex.
    pub request: String,
    /// Index of its record.
    pub index: u64,
    /// Who asked, hex; absent: the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What is to go; absent: it cannot be read any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// For the deletion of a system: seconds from the confirmation until its content goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
    /// Why; absent: it cannot be read any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
