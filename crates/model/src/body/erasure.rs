//! Erasures that take two people: that they do, and that one asks and another confirms or declines.

use serde::{Deserialize, Serialize};

/// `erasure.requested`, stream `erasure-request/<request>`: somebody asks that content be erased. Nothing is erased by it. A data subject is named in a
/// unit about that very subject, so that the name goes with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequested {
    /// `subject`, `record`, `call` or `system`.
    pub scope: String,
    /// The entry, for a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The record that began the call, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The system, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// For the deletion of a system: seconds from the confirmation until its content goes. Absent: it goes at once, and the system goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
    /// Why.
    pub reason: String,
}

/// `erasure.confirmed`, the same stream, its actor another person: the order, or the `system.deletion_requested` of a deletion, follows in the same batch.
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

/// `retention.rules_set`, written by the log itself: from here on a server lets content expire by these rules, and by no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRulesSet {
    /// All of them, in order; none: nothing expires by itself.
    pub rules: Vec<KeptFor>,
}

/// `retention.clock_doubted`, written by the log itself, once for each such stretch: content is due, and stays, because nothing but this machine's clock says that this time has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionClockDoubted {
    /// Up to when it is believed, in microseconds since 1970.
    pub from: u64,
    /// The next time that is known of.
    pub to: u64,
    /// What the clock said.
    pub clock: u64,
}

/// `retention.clock_confirmed`, written by the log itself for its operator: the clock is right, and what waited goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionClockConfirmed {
    /// What it said, in microseconds since 1970.
    pub clock: u64,
    /// How they know.
    pub reason: String,
    /// The account of the operating system that the command ran under; absent: the record is of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// How long content of one class is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFor {
    /// The class.
    pub class: String,
    /// The system whose content this is about, hex; absent: every other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Whole months after the month that it counts from.
    pub months: u32,
    /// The first month, yyyymm, that content counts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_from: Option<u32>,
}

/// `erasure.rule_set`, written by the log itself: from here on it takes two people to erase what somebody names. Nothing takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRuleSet {
    /// Always `required`.
    pub second_person: String,
}
