//! Invoices of providers: one row each.

use rusqlite::{Connection, params};
use tabellion_model::body::InvoiceRecorded;

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const INVOICES: Projection =
    Projection { name: "invoices", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] =
    &[Table { name: "invoices", key: "entry", tagged: &[TaggedColumns { unit: "unit", values: &["said"] }] }];

/// `said` is the body as JSON.
const DDL: &str = "
CREATE TABLE invoices (
    entry INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    record_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    said TEXT,
    unit BLOB
) STRICT;
CREATE INDEX invoices_record ON invoices (record_id);
CREATE INDEX invoices_provider ON invoices (provider, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<InvoiceRecorded>() {
        return Ok(Applied::Passed);
    }
    let Some((provider, version)) = record.stream_name("invoice/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another provider than the stream is as good as none.
    let body = record.body::<InvoiceRecorded>().filter(|body| body.value.provider == provider);
    let sql = "INSERT INTO invoices (entry, provider, record_id, version, at, actor, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            provider,
            record.header.record_id.as_bytes(),
            int(version),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            body.as_ref().and_then(|body| serde_json::to_string(&body.value).ok()),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}
