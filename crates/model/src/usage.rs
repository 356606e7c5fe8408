//! What a provider says that it counted, read from its export, and held against the calls that went through the gateway (`docs/unseen.md`).
//!
//! Promises: an export is read whole or refused with its place; numbers are whole and bounded; a bucket is counted once. Must never: take an export for more than
//! it covers, or read a number that could be another one.

mod anthropic;
mod compare;
mod gathering;
mod openai;
mod table;

use serde::{Deserialize, Serialize};

use crate::Micros;

pub use compare::{
    Amounts, Compared, Comparison, Counted, Lane, Reason, Verdict, Wanted, compare, off_gateway,
};

/// Microseconds of a day.
pub const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;
/// Longest export, in bytes: with its quotes written out and its cells beside it, it fits into one record.
pub const MAX_USAGE_BYTES: usize = 400 << 10;
/// Most cells of one export: days × accounts × models. Ask for fewer days, or for fewer accounts at once.
pub const MAX_USAGE_CELLS: usize = 2_000;
/// Most buckets of one export: a week by minutes.
pub const MAX_USAGE_BUCKETS: u64 = 10_080;
/// Most separate stretches of time of one export: one with more holes says little.
pub const MAX_USAGE_SPANS: usize = 100;
/// Longest window of one export, in days.
pub const MAX_USAGE_DAYS: u64 = 92;
/// Longest name of a model or account, in bytes.
pub const MAX_USAGE_NAME_BYTES: usize = 200;
/// Largest sum: what a record holds.
pub const MAX_USAGE_NUMBER: u64 = (1 << 53) - 1;
/// Largest difference in tokens that may be let pass as rounding, in thousandths of what was counted here.
pub const MAX_TOLERANCE_PER_MILLE: u64 = 50;

/// Whose export it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageFormat {
    /// Pages of `GET /v1/organization/usage/completions` of `OpenAI`.
    OpenaiUsage,
    /// Pages of `GET /v1/organizations/usage_report/messages` of Anthropic.
    AnthropicUsage,
    /// A table in the columns of `docs/unseen.md`.
    Csv,
}

impl UsageFormat {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiUsage => "openai_usage",
            Self::AnthropicUsage => "anthropic_usage",
            Self::Csv => "csv",
        }
    }
}

/// What a provider counted in one day for one account, key and model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCell {
    /// Where the day begins, UTC.
    pub day: Micros,
    /// The account: project or workspace, as the provider names it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The provider's API key, by its id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// The model, as the provider names it.
    pub model: String,
    /// Requests; none: the provider does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub requests: Option<u64>,
    /// Tokens of prompts, those from its cache and into it among them.
    pub input: u64,
    /// Tokens of answers.
    pub output: u64,
}

/// A stretch of time that an export covers without a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSpan {
    /// Its first moment.
    pub from: Micros,
    /// The first moment after it.
    pub until: Micros,
}

/// Which of the gateway's upstreams an account at the provider belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageAccount {
    /// The upstream, by its name in the configuration.
    pub upstream: String,
    /// The account or key at the provider that this upstream calls with; none: whatever no other upstream is given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
}

/// An export that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageExport {
    /// By day, account, key and model.
    pub cells: Vec<UsageCell>,
    /// The times that it covers, in order.
    pub covered: Vec<UsageSpan>,
    /// How many buckets it had.
    pub buckets: u64,
}

impl UsageExport {
    /// Its first moment.
    pub fn from(&self) -> Micros {
        self.covered.first().map_or(Micros(0), |span| span.from)
    }

    /// The first moment after it.
    pub fn until(&self) -> Micros {
        self.covered.last().map_or(Micros(0), |span| span.until)
    }
}

/// Why an export was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct UsageFault {
    /// The line, or the path in the JSON.
    pub place: String,
    /// What is wrong there, and what to do.
    pub what: String,
}

impl UsageFault {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// Reads an export.
pub fn read(format: UsageFormat, text: &str) -> Result<UsageExport, UsageFault> {
    if text.len() > MAX_USAGE_BYTES {
        let what = format!(
            "the export has {} bytes, at most {MAX_USAGE_BYTES} are read; export fewer days at once",
            text.len()
        );
        return Err(UsageFault::new("the file", what));
    }
    match format {
        UsageFormat::OpenaiUsage => openai::read(text),
        UsageFormat::AnthropicUsage => anthropic::read(text),
        UsageFormat::Csv => table::read(text),
    }
}

#[cfg(test)]
mod tests;
