//! Usage: a row for each export of a provider, and one for each comparison that is on record.

use rusqlite::{Connection, params};
use tabellion_model::body::{UsageReconciled, UsageReported};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const USAGE: Projection =
    Projection { name: "usage", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table {
        name: "usage_reports",
        key: "entry",
        tagged: &[TaggedColumns { unit: "unit", values: &["said"] }],
    },
    Table {
        name: "usage_comparisons",
        key: "entry",
        tagged: &[TaggedColumns { unit: "unit", values: &["said"] }],
    },
];

/// `said` is the body as JSON, without the export itself, which stays in the vault.
const DDL: &str = "
CREATE TABLE usage_reports (
    entry INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    version INTEGER NOT NULL,
    said TEXT,
    unit BLOB
) STRICT;
CREATE INDEX usage_reports_record ON usage_reports (record_id);
CREATE INDEX usage_reports_provider ON usage_reports (provider, entry);
CREATE TABLE usage_comparisons (
    entry INTEGER PRIMARY KEY,
    report BLOB NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    said TEXT,
    unit BLOB
) STRICT;
CREATE INDEX usage_comparisons_report ON usage_comparisons (report, entry);
";

/// What a comparison is to the export that it is of.
const REPORT: &str = "report";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<UsageReported>() {
        return reported(db, record);
    }
    if record.is::<UsageReconciled>() {
        return reconciled(db, record);
    }
    Ok(Applied::Passed)
}

fn reported(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((provider, version)) = record.stream_name("usage/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another provider than the stream is as good as none.
    let body = record.body::<UsageReported>().filter(|body| body.value.provider == provider);
    let said = body.as_ref().and_then(|body| {
        let said = UsageReported { content: String::new(), ..body.value.clone() };
        serde_json::to_string(&said).ok()
    });
    let sql = "INSERT INTO usage_reports (entry, provider, record_id, at, actor, version, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            provider,
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            int(version),
            said,
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}

fn reconciled(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(report) = record.parent(REPORT) else {
        return Ok(Applied::Unplaced("it names no report that it is of"));
    };
    let body = record.body::<UsageReconciled>();
    let said = body.as_ref().and_then(|body| serde_json::to_string(&body.value).ok());
    let sql = "INSERT INTO usage_comparisons (entry, report, record_id, at, said, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            report.as_bytes(),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            said,
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}
