//! What requests and answers say of emergency stops.

use serde::{Deserialize, Serialize};

/// A stop to order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopOrder {
    /// `tenant`, `system`, `key`, `model` or `provider`.
    pub scope: String,
    /// Which; absent for the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why; recorded.
    pub reason: String,
    /// Whether it is an exercise.
    pub drill: bool,
}

/// One stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopLine {
    /// Its id, hex.
    pub id: String,
    /// Whether calls are refused by it.
    pub in_force: bool,
    /// What is stopped; absent: that was erased, and everything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Which; absent for the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether it is an exercise; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
    /// Why; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who ordered it: the id of a person, or of the operator's key.
    pub by: String,
    /// When the order was durable, RFC 3339.
    pub durable_at: String,
    /// Calls that it refused.
    pub calls_refused: u64,
    /// Milliseconds from the order to the first of them; absent: none was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_refused_after_ms: Option<u64>,
    /// Calls that ran and that it cut.
    pub calls_cut: u64,
    /// Milliseconds from the order to the last of them; absent: none was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cut_after_ms: Option<u64>,
    /// When it was lifted, RFC 3339; absent: it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_at: Option<String>,
    /// Index of the record that ordered it.
    pub index: u64,
}
