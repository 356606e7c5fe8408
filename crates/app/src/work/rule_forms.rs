//! How rules' numbers, verdicts and crossings are written in answers.
//!
//! Must never: write a span of numbers as one number.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use tabellion_model::body::{RuleMetric, RuleTest, RuleVerdict};
use tabellion_views::query::{RuleCrossingRow, RuleLacking, RuleReading};

use super::asking::refer;
use super::forms::{Reference, Time};

/// A number that rules are over.
pub(crate) struct MetricForm;

impl JsonSchema for MetricForm {
    fn schema_name() -> Cow<'static, str> {
        "RuleMetric".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": RuleMetric::ALL.map(RuleMetric::as_str),
            "description": "A number that rules are over; its unit is in its name."
        })
    }
}

/// On which side of the threshold a rule fires.
pub(crate) struct ComparisonForm;

impl JsonSchema for ComparisonForm {
    fn schema_name() -> Cow<'static, str> {
        "RuleComparison".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": ["above", "below"],
            "description": "On which side of the threshold a rule fires; the threshold itself is on neither."
        })
    }
}

/// A rule's number, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RuleReading")]
pub struct Reading {
    /// How it stands to the threshold.
    #[schemars(extend("enum" = ["within", "beyond", "unknown"]))]
    pub verdict: &'static str,
    /// Why nothing can be said; null: it can, or what is not known of single calls decides.
    #[schemars(extend("enum" = ["too_few", "too_many", "too_young", "behind", null]))]
    pub lacking: Option<&'static str>,
    /// What it is at least; null: there is none.
    pub low: Option<u64>,
    /// What it is at most, the same where all is known; null: there is none, or it has no bound.
    pub high: Option<u64>,
    /// Observations that it is made of.
    pub observations: u64,
    /// Calls and looks of which it is not known what they add: erased, broken off, only reserved, without a price.
    pub unknown: u64,
    /// Where the window begins, by commit time.
    pub from: Time,
    /// Before which moment it ends: when the rule was looked at.
    pub to: Time,
    /// Entries of the log that it was computed from.
    pub size: u64,
}

impl Reading {
    pub(super) fn of(test: &RuleTest, reading: &RuleReading) -> Self {
        Self {
            verdict: match reading.verdict(test) {
                RuleVerdict::Within => "within",
                RuleVerdict::Beyond => "beyond",
                RuleVerdict::Unknown => "unknown",
            },
            lacking: reading.lacking.map(|lacking| match lacking {
                RuleLacking::TooFew => "too_few",
                RuleLacking::TooMany => "too_many",
                RuleLacking::TooYoung => "too_young",
                RuleLacking::Behind => "behind",
            }),
            low: reading.low,
            high: reading.high,
            observations: reading.observations,
            unknown: reading.unknown,
            from: Time(reading.from),
            to: Time(reading.to),
            size: reading.size,
        }
    }
}

/// A rule that fired or resolved. What it says is null where it was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RuleCrossing")]
pub struct Crossing {
    /// Whether it fired; else it resolved.
    pub fired: bool,
    /// When it was recorded.
    pub at: Time,
    /// The rule's version.
    pub version: Option<u64>,
    /// The number.
    #[schemars(with = "Option<MetricForm>")]
    pub metric: Option<RuleMetric>,
    /// The threshold then.
    pub threshold: Option<u64>,
    /// What the number was at least.
    pub low: Option<u64>,
    /// What it was at most; null: without a bound, too.
    pub high: Option<u64>,
    /// Observations that it was made of.
    pub observations: Option<u64>,
    /// Where the window began.
    pub from: Option<Time>,
    /// Before which moment it ended.
    pub to: Option<Time>,
    /// Entries of the log that it was computed from.
    pub size: Option<u64>,
    /// Its record.
    pub recorded: Reference,
}

impl From<&RuleCrossingRow> for Crossing {
    fn from(row: &RuleCrossingRow) -> Self {
        let said = row.said;
        Self {
            fired: row.fired,
            at: Time(row.at),
            version: said.map(|said| said.version),
            metric: said.map(|said| said.metric),
            threshold: said.map(|said| said.threshold),
            low: said.map(|said| said.low),
            high: said.and_then(|said| said.high),
            observations: said.map(|said| said.observations),
            from: said.map(|said| Time(said.from)),
            to: said.map(|said| Time(said.to)),
            size: said.map(|said| said.size),
            recorded: refer(row.entry, row.record_id),
        }
    }
}
