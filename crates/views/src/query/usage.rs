//! Usage: exports of providers, comparisons on record, and what went through the gateway in their window.
//!
//! Promises: a call counts where it is certain, and as perhaps where it is not; the answer grows with the kinds of calls and not with their number.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::{UsageReconciled, UsageReported};
use tabellion_model::usage::{Amounts, Counted, DAY_US, Lane};
use tabellion_model::{CredentialId, Micros, RecordId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, int, number, time};
use crate::views::Views;

/// Most kinds of calls of one window: days × models × keys of an organisation are far fewer. An answer with so many may leave some out.
pub const MAX_LANES: usize = 20_000;
/// How far clocks of others may be from ours, and a request from its record: within so much of midnight a call may count in either day.
const ABOUT_MIDNIGHT_US: u64 = 60_000_000;
/// A call that began longer before a window does not last into it.
const LONGEST_CALL_US: u64 = DAY_US;
/// While some calls of a window are still without their end, it is looked at again no sooner than this: on a busy day each look would be a record.
const LOOK_AGAIN_US: u64 = 10 * 60 * 1_000_000;

/// How many calls were open where a comparison does not say it: more than there can be, so that it is looked at again once.
const NOT_RECORDED: u64 = (1 << 53) - 1;

/// An export on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReportRow {
    /// Its entry.
    pub entry: u64,
    /// The provider.
    pub provider: String,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// Who put it on record.
    pub by: CredentialId,
    /// Version of the provider's stream.
    pub version: u64,
    /// What it says, the export itself left out; none: erased.
    pub said: Option<UsageReported>,
}

/// A comparison on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageComparisonRow {
    /// Its entry.
    pub entry: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// What came of it; none: erased.
    pub said: Option<UsageReconciled>,
}

impl Views {
    /// Exports, the newest first.
    pub fn usage_reports(&self, page: Page) -> Result<Rows<UsageReportRow>, ViewsError> {
        let select = "SELECT * FROM usage_reports";
        self.ask(|db| Where::default().page(db, select, "entry", page, report, |row| row.entry))
    }

    /// One export, by its record.
    pub fn usage_report(&self, record: &RecordId) -> Result<Option<UsageReportRow>, ViewsError> {
        let sql = "SELECT * FROM usage_reports WHERE record_id = ?1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![record.as_bytes()], report).optional()?))
    }

    /// Exports that nobody compared yet, the oldest first; ten at most. Those that were erased are not among them.
    pub fn usage_reports_due(&self) -> Result<Vec<UsageReportRow>, ViewsError> {
        let sql = "SELECT * FROM usage_reports WHERE said IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM usage_comparisons WHERE report = usage_reports.record_id) ORDER BY entry LIMIT 10";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let rows = select.query_map([], report)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Exports that were compared while calls of their time had no end, of which fewer are without one now, the oldest first; ten at most. One compared before that was
    /// counted is among them once. Those that were erased are not.
    pub fn usage_reports_settled(&self, now: Micros) -> Result<Vec<UsageReportRow>, ViewsError> {
        let sql = format!(
            "WITH doubtful AS MATERIALIZED (
                SELECT usage_reports.entry AS entry, last.at AS looked,
                    coalesce(json_extract(last.said, '$.open'), {NOT_RECORDED}) AS was,
                    json_extract(usage_reports.said, '$.from') / {DAY_US} * {DAY_US} - {LONGEST_CALL_US} AS begins,
                    (json_extract(usage_reports.said, '$.until') + {DAY_US} - 1) / {DAY_US} * {DAY_US} + {ABOUT_MIDNIGHT_US} AS ends
                FROM usage_reports JOIN usage_comparisons AS last
                    ON last.entry = (SELECT max(entry) FROM usage_comparisons WHERE report = usage_reports.record_id)
                WHERE usage_reports.said IS NOT NULL AND last.said IS NOT NULL
                    AND coalesce(json_extract(last.said, '$.open'), {NOT_RECORDED}) > 0),
            counted AS MATERIALIZED (
                SELECT entry, looked, was, (SELECT count(*) FROM charges INDEXED BY charges_open
                    WHERE known = 'open' AND at >= begins AND at < ends) AS open
                FROM doubtful)
            SELECT usage_reports.* FROM usage_reports JOIN counted ON counted.entry = usage_reports.entry
            WHERE counted.open < counted.was AND (counted.open = 0 OR counted.looked <= ?1)
            ORDER BY usage_reports.entry LIMIT 10"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![int(now.0.saturating_sub(LOOK_AGAIN_US))], report)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// How many calls have no end that may count from `from` until `until`, which are days of UTC: what they took is not known yet.
    pub fn usage_calls_open(&self, from: Micros, until: Micros) -> Result<u64, ViewsError> {
        let sql = "SELECT count(*) AS open FROM charges INDEXED BY charges_open WHERE known = 'open' AND at >= ?1 AND at < ?2";
        let (begins, ends) = reach(from, until);
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            Ok(select.query_row(params![int(begins), int(ends)], |row| number(row, "open"))?)
        })
    }

    /// The newest version of the stream of a provider's exports; 0: there is none.
    pub fn usage_version(&self, provider: &str) -> Result<u64, ViewsError> {
        let sql = "SELECT coalesce(max(version), 0) AS version FROM usage_reports WHERE provider = ?1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![provider], |row| number(row, "version"))?)
        })
    }

    /// Whether any call went to the upstream of this name, or would have.
    pub fn has_called(&self, upstream: &str) -> Result<bool, ViewsError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM calls WHERE upstream = ?1)";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![upstream], |row| row.get(0))?))
    }

    /// The newest comparison of an export that is on record.
    pub fn usage_comparison(&self, report: &RecordId) -> Result<Option<UsageComparisonRow>, ViewsError> {
        let sql = "SELECT * FROM usage_comparisons WHERE report = ?1 ORDER BY entry DESC LIMIT 1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![report.as_bytes()], comparison).optional()?)
        })
    }

    /// What went to providers from `from` until `until`, calls alike together, and of those of which too little is known the most that they can have taken.
    /// `now`: how long calls under way have lasted. At most [`MAX_LANES`].
    pub fn usage_lanes(&self, from: Micros, until: Micros, now: Micros) -> Result<Vec<Lane>, ViewsError> {
        // What was not sent took nothing; where its end is erased nobody knows that. Counting tokens takes none, and is a request perhaps.
        let sql = format!(
            "SELECT (charges.at - {ABOUT_MIDNIGHT_US}) / {DAY_US} AS first_day,
                (max(coalesce(calls.ended_at, ?3), charges.at) + {ABOUT_MIDNIGHT_US}) / {DAY_US} AS last_day,
                calls.upstream AS upstream, calls.model AS asked, calls.answered_model AS answered,
                CASE WHEN charges.known = 'nothing' OR calls.surface LIKE '%.count_tokens' THEN 'request'
                    WHEN charges.known = 'counted' THEN 'whole' ELSE 'at_most' END AS counted,
                count(*) AS requests, sum(charges.input) AS input, sum(charges.output) AS output
            FROM charges LEFT JOIN calls ON calls.entry = charges.entry
            WHERE charges.at >= ?1 AND charges.at < ?2
                AND NOT (charges.known = 'nothing' AND calls.ended_unit IS NOT NULL AND calls.upstream_status IS NULL)
            GROUP BY 1, 2, 3, 4, 5, 6 LIMIT {MAX_LANES}"
        );
        let (begin, end) = reach(from, until);
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let lanes = select.query_map(params![int(begin), int(end), int(now.0)], lane)?;
            Ok(lanes.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// When the calls began that may count from `from` until `until`.
fn reach(from: Micros, until: Micros) -> (u64, u64) {
    (from.0.saturating_sub(LONGEST_CALL_US), until.0.saturating_add(ABOUT_MIDNIGHT_US))
}

fn lane(row: &Row<'_>) -> rusqlite::Result<Lane> {
    let day = |column| Ok::<_, rusqlite::Error>(Micros(number(row, column)?.saturating_mul(DAY_US)));
    let counted: String = row.get("counted")?;
    Ok(Lane {
        first_day: day("first_day")?,
        last_day: day("last_day")?,
        upstream: row.get("upstream")?,
        asked: row.get("asked")?,
        answered: row.get("answered")?,
        counted: match counted.as_str() {
            "whole" => Counted::Whole,
            "request" => Counted::Request,
            _ => Counted::AtMost,
        },
        amounts: Amounts {
            requests: number(row, "requests")?,
            input: number(row, "input")?,
            output: number(row, "output")?,
        },
    })
}

fn report(row: &Row<'_>) -> rusqlite::Result<UsageReportRow> {
    let said: Option<String> = row.get("said")?;
    Ok(UsageReportRow {
        entry: number(row, "entry")?,
        provider: row.get("provider")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        version: number(row, "version")?,
        said: said.and_then(|said| serde_json::from_str(&said).ok()),
    })
}

fn comparison(row: &Row<'_>) -> rusqlite::Result<UsageComparisonRow> {
    let said: Option<String> = row.get("said")?;
    Ok(UsageComparisonRow {
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        said: said.and_then(|said| serde_json::from_str(&said).ok()),
    })
}
