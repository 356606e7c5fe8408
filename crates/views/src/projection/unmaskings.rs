//! Unmaskings: who asked to see what placeholders of a call stand for, which, when, and why.

use rusqlite::{Connection, params};
use tabellion_model::RecordId;
use tabellion_model::body::MaskingUnmasked;

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const UNMASKINGS: Projection =
    Projection { name: "unmaskings", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What the names of its streams begin with.
const STREAMS: &str = "unmasking/";

const TABLES: &[Table] = &[Table {
    name: "unmaskings",
    key: "entry",
    tagged: &[TaggedColumns { unit: "unit", values: &["reason", "placeholders"] }],
}];

/// `call` is the id of the record that decided the call; `placeholders` stand with line feeds between.
const DDL: &str = "
CREATE TABLE unmaskings (
    entry INTEGER PRIMARY KEY,
    call BLOB NOT NULL,
    actor BLOB NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT,
    placeholders TEXT,
    unit BLOB
) STRICT;
CREATE INDEX unmaskings_call ON unmaskings (call, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<MaskingUnmasked>() {
        return Ok(Applied::Passed);
    }
    let call: Option<RecordId> = record.stream_id(STREAMS).map(|(call, _)| call);
    let Some(call) = call else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let said = record.body::<MaskingUnmasked>();
    let sql = "INSERT INTO unmaskings (entry, call, actor, at, reason, placeholders, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            call.as_bytes(),
            record.header.actor.as_bytes(),
            int(record.committed_at.0),
            said.as_ref().map(|said| &said.value.reason),
            said.as_ref().map(|said| said.value.placeholders.join("\n")),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "its place is taken"))
}
