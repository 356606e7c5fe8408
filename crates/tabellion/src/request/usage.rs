//! What requests and answers say of providers' usage.

use serde::{Deserialize, Serialize};

/// An export to put on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageImport {
    /// The provider.
    pub provider: String,
    /// `openai_usage`, `anthropic_usage` or `csv`.
    pub format: String,
    /// The export.
    pub content: String,
    /// The name of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Upstreams, each with the account that it calls with.
    pub accounts: Vec<(String, Option<String>)>,
    /// Difference in tokens that is let pass, in thousandths.
    pub tolerance_per_mille: u64,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageOutcome {
    /// The record of the export, hex.
    pub report: String,
    /// Its entry.
    pub index: u64,
    /// Days of models on which both counted the same.
    pub agrees: u64,
    /// Those on which the provider counted less.
    pub more_here: u64,
    /// Those of which it cannot be said.
    pub not_comparable: u64,
    /// Days on which the provider counted more than can have come from here, in words.
    pub more_there: Vec<String>,
    /// Calls of that time without an end: when they have ended, it is compared again.
    #[serde(default)]
    pub open: u64,
}
