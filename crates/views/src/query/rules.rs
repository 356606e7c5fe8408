//! Rules over numbers as they stand, their versions, and when their numbers crossed the threshold.

use rusqlite::{Row, params};
use tabellion_model::body::{RuleComparison, RuleMetric, RuleScope, RuleTest};
use tabellion_model::{CredentialId, Micros, RecordId};

use super::versions::Versions;
use super::{Page, Rows};
use crate::error::ViewsError;
use crate::values::{
    id, int, number, optional_currency, optional_id, optional_number, optional_time, optional_word, time,
};
use crate::views::Views;

/// What a version of a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSaid {
    /// What it is for.
    pub why: String,
    /// What is measured, and against what.
    pub test: RuleTest,
}

/// One version of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVersion {
    /// The rule's name.
    pub name: String,
    /// The version: that of its stream.
    pub version: u64,
    /// The version that last ended the name before; 0: it never was. Crossings of it and those before are another rule's.
    pub since: u64,
    /// The entry of that.
    pub since_entry: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who wrote it.
    pub by: CredentialId,
    /// Whether it ended the rule.
    pub ended: bool,
    /// What it says; none: it ended the rule, or its content was erased.
    pub said: Option<RuleSaid>,
    /// What changed and why; none: erased.
    pub note: Option<String>,
}

/// What a crossing says; gone when its content was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleCrossed {
    /// The rule's version.
    pub version: u64,
    /// The number.
    pub metric: RuleMetric,
    /// On which side it fires.
    pub comparison: RuleComparison,
    /// The threshold then.
    pub threshold: u64,
    /// What the number was at least.
    pub low: u64,
    /// What it was at most; none: without a bound.
    pub high: Option<u64>,
    /// Observations.
    pub observations: u64,
    /// Calls and looks of which nothing was known.
    pub unknown: u64,
    /// Where the window began.
    pub from: Micros,
    /// Where it ended.
    pub to: Micros,
    /// Entries that it was computed from.
    pub size: u64,
}

/// One crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCrossingRow {
    /// Its entry.
    pub entry: u64,
    /// The version that it made of the stream of crossings.
    pub step: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// Whether the rule fired; else it resolved.
    pub fired: bool,
    /// What it says.
    pub said: Option<RuleCrossed>,
}

const RULES: Versions<RuleVersion> =
    Versions { select: VERSIONS, read: version, entry: |version| version.entry };

const VERSIONS: &str = "SELECT *,
    coalesce((SELECT max(version) FROM rules AS ends WHERE ends.name = rules.name AND ends.ended = 1 AND ends.version < rules.version), 0) AS since,
    coalesce((SELECT max(entry) FROM rules AS ends WHERE ends.name = rules.name AND ends.ended = 1 AND ends.version < rules.version), 0) AS since_entry
    FROM rules";

impl Views {
    /// The newest version of every rule, also of those ended; the last changed first.
    pub fn rules(&self, page: Page) -> Result<Rows<RuleVersion>, ViewsError> {
        self.ask(|db| RULES.newest(db, page))
    }

    /// The newest version of one rule.
    pub fn rule(&self, name: &str) -> Result<Option<RuleVersion>, ViewsError> {
        self.ask(|db| RULES.newest_of(db, name))
    }

    /// All versions of one rule, newest first.
    pub fn rule_versions(&self, name: &str, page: Page) -> Result<Rows<RuleVersion>, ViewsError> {
        self.ask(|db| RULES.all_of(db, name, page))
    }

    /// Crossings of a rule, newest first, `limit` at most.
    pub fn rule_crossings(&self, name: &str, limit: u64) -> Result<Vec<RuleCrossingRow>, ViewsError> {
        let sql = "SELECT * FROM rule_crossings WHERE name = ?1 ORDER BY entry DESC LIMIT ?2";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let rows = select.query_map(params![name, int(limit)], crossing)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn version(row: &Row<'_>) -> rusqlite::Result<RuleVersion> {
    Ok(RuleVersion {
        name: row.get("name")?,
        version: number(row, "version")?,
        since: number(row, "since")?,
        since_entry: number(row, "since_entry")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        ended: row.get("ended")?,
        said: said(row)?,
        note: row.get("note")?,
    })
}

fn said(row: &Row<'_>) -> rusqlite::Result<Option<RuleSaid>> {
    let why: Option<String> = row.get("why")?;
    let (metric, comparison) = (optional_word(row, "metric")?, optional_word(row, "comparison")?);
    let (Some(why), Some(metric), Some(comparison)) = (why, metric, comparison) else { return Ok(None) };
    let scope = RuleScope {
        system: optional_id(row, "system")?,
        guard: row.get("guard")?,
        upstream: row.get("upstream")?,
        model: row.get("model")?,
    };
    let test = RuleTest {
        metric,
        scope,
        currency: optional_currency(row, "currency")?,
        window_minutes: number(row, "window_minutes")?,
        comparison,
        threshold: number(row, "threshold")?,
        at_least: number(row, "at_least")?,
    };
    Ok(Some(RuleSaid { why, test }))
}

fn crossing(row: &Row<'_>) -> rusqlite::Result<RuleCrossingRow> {
    let said = match (optional_word(row, "metric")?, optional_word(row, "comparison")?) {
        (Some(metric), Some(comparison)) => Some(RuleCrossed {
            version: number(row, "rule_version")?,
            metric,
            comparison,
            threshold: number(row, "threshold")?,
            low: number(row, "low")?,
            high: optional_number(row, "high")?,
            observations: number(row, "observations")?,
            unknown: number(row, "unknown")?,
            from: optional_time(row, "window_from")?.unwrap_or_default(),
            to: optional_time(row, "window_to")?.unwrap_or_default(),
            size: number(row, "size")?,
        }),
        _ => None,
    };
    Ok(RuleCrossingRow {
        entry: number(row, "entry")?,
        step: number(row, "step")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        fired: row.get("fired")?,
        said,
    })
}
