//! Findings: one row each, from its opening to its closing.

use rusqlite::{Connection, params};
use tabellion_model::FindingId;
use tabellion_model::body::{FindingClosed, FindingOpened};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const FINDINGS: Projection =
    Projection { name: "findings", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "findings",
    key: "finding",
    tagged: &[
        TaggedColumns { unit: "unit", values: &["said"] },
        TaggedColumns { unit: "closed_unit", values: &["closed_reason"] },
    ],
}];

/// Whether a finding is closed follows from headers alone; `said` is the body as JSON.
const DDL: &str = "
CREATE TABLE findings (
    finding BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    said TEXT,
    unit BLOB,
    closed_entry INTEGER,
    closed_at INTEGER,
    closed_by BLOB,
    closed_reason TEXT,
    closed_unit BLOB
) STRICT;
CREATE INDEX findings_entry ON findings (entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<FindingOpened>() {
        return opened(db, record);
    }
    if record.is::<FindingClosed>() {
        return closed(db, record);
    }
    Ok(Applied::Passed)
}

fn opened(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((finding, version)): Option<(FindingId, u64)> = record.stream_id("finding/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another finding than the stream is as good as none.
    let body = record.body::<FindingOpened>().filter(|body| body.value.finding == finding);
    let sql = "INSERT INTO findings (finding, version, entry, record_id, at, said, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            finding.as_bytes(),
            int(version),
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            body.as_ref().and_then(|body| serde_json::to_string(&body.value).ok()),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the finding was opened before"))
}

fn closed(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((finding, version)): Option<(FindingId, u64)> = record.stream_id("finding/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let body = record.body::<FindingClosed>();
    let sql = "UPDATE findings SET version = ?2, closed_entry = ?3, closed_at = ?4, closed_by = ?5, closed_reason = ?6, closed_unit = ?7
        WHERE finding = ?1 AND closed_entry IS NULL";
    let rows = run(
        db,
        sql,
        params![
            finding.as_bytes(),
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            body.as_ref().map(|body| &body.value.reason),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "it names no finding that is open"))
}
