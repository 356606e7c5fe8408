//! What detectors said of calls: of one call, and how often of many.
//!
//! Promises: what was not looked at and what is erased stand apart from what was looked at. Must never: take silence for a finding, or for none.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use tabellion_model::body::{CallEnriched, EnrichedSide};
use tabellion_model::{RecordId, SystemId};

use super::spend::SpendFilter;
use super::{Where, body, bytes};
use crate::error::ViewsError;
use crate::projection::NOT_ENRICHED;
use crate::values::{id, number, optional_id};
use crate::views::Views;

/// Most groups of calls of one answer; one with so many may leave some out.
pub const MAX_ENRICHMENT_GROUPS: usize = 10_000;

/// What was said of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrichedCall {
    /// The entry that says it.
    pub entry: u64,
    /// Id of its record.
    pub record_id: RecordId,
    /// What it says; none: erased.
    pub body: Option<CallEnriched>,
}

/// Looks of one detector in one version at one side, of one system's calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnrichmentKey {
    /// The system.
    pub system: Option<SystemId>,
    /// The enrichment's name.
    pub enrichment: String,
    /// Its version.
    pub version: String,
    /// What it looked at.
    pub side: EnrichedSide,
}

/// What came of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnrichmentCounts {
    /// Texts that were looked at.
    pub ran: u64,
    /// Of these, in how many nothing was found.
    pub nothing: u64,
    /// In how many what was found; a text may have several labels.
    pub labels: BTreeMap<String, u64>,
    /// Texts that were not looked at, by why.
    pub not_run: BTreeMap<String, u64>,
}

/// What detectors came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnrichmentReport {
    /// Calls that have a record of it.
    pub calls: u64,
    /// Of these, calls of which what it says was erased.
    pub erased: u64,
    /// By detector.
    pub enrichments: BTreeMap<EnrichmentKey, EnrichmentCounts>,
    /// Groups of calls that were added up.
    pub groups: usize,
}

/// Calls of which the same was said.
struct Group {
    system: Option<SystemId>,
    said: Option<String>,
    calls: u64,
}

impl Views {
    /// What was said of the call that this record let through; none: nothing, so nobody looked at it.
    pub fn enriched(&self, call: &RecordId) -> Result<Option<EnrichedCall>, ViewsError> {
        let found = self.ask(|db| {
            let sql = "SELECT entry, record_id FROM enrichments WHERE call = ?1";
            let row = |row: &Row<'_>| Ok((number(row, "entry")?, id(row, "record_id")?));
            Ok(db.prepare_cached(sql)?.query_row(params![call.as_bytes()], row).optional()?)
        })?;
        let read = |(entry, record_id)| {
            Ok(EnrichedCall { entry, record_id, body: body(&self.reader().entry(entry)?) })
        };
        found.map(read).transpose()
    }

    /// What detectors came to in records of the time that `filter` lets through.
    pub fn enrichment_report(&self, filter: &SpendFilter) -> Result<EnrichmentReport, ViewsError> {
        let mut wanted = Where::default();
        wanted.times("at", filter.from, filter.to);
        if let Some(systems) = &filter.systems {
            let list = systems.iter().map(|system| {
                wanted.values.push(Value::Blob(bytes(*system)));
                format!("?{}", wanted.values.len())
            });
            let list: Vec<String> = list.collect();
            wanted.only(&format!("system IN ({})", list.join(", ")));
        }
        let sql = format!(
            "SELECT system, said, count(*) AS calls FROM enrichments{} GROUP BY 1, 2 LIMIT {MAX_ENRICHMENT_GROUPS}",
            wanted.sql()
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let groups = select.query_map(params_from_iter(wanted.values), group)?;
            let mut report = EnrichmentReport::default();
            for group in groups {
                report.take(&group?);
            }
            Ok(report)
        })
    }
}

fn group(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group { system: optional_id(row, "system")?, said: row.get("said")?, calls: number(row, "calls")? })
}

impl EnrichmentReport {
    fn take(&mut self, group: &Group) {
        self.groups += 1;
        self.calls += group.calls;
        let Some(said) = &group.said else {
            self.erased += group.calls;
            return;
        };
        for word in said.split(' ').filter(|word| !word.is_empty()) {
            let (enrichment, version, side, result) = read(word);
            let key = EnrichmentKey { system: group.system, enrichment, version, side };
            self.enrichments.entry(key).or_default().add(result, group.calls);
        }
    }
}

impl EnrichmentCounts {
    fn add(&mut self, result: &str, calls: u64) {
        if let Some(why) = result.strip_prefix(NOT_ENRICHED) {
            *self.not_run.entry(why.to_owned()).or_default() += calls;
            return;
        }
        self.ran += calls;
        if result.is_empty() {
            self.nothing += calls;
        }
        for label in result.split('+').filter(|label| !label.is_empty()) {
            *self.labels.entry(label.to_owned()).or_default() += calls;
        }
    }
}

/// One word of the column (`projection/enrichments.rs`).
fn read(word: &str) -> (String, String, EnrichedSide, &str) {
    let (name, result) = word.rsplit_once('=').unwrap_or((word, ""));
    let (name, side) = name.rsplit_once('/').unwrap_or((name, ""));
    let (enrichment, version) = name.split_once('@').unwrap_or((name, ""));
    let side = if side == "answer" { EnrichedSide::Answer } else { EnrichedSide::Prompt };
    (enrichment.to_owned(), version.to_owned(), side, result)
}
