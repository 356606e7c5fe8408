//! Viewings: who asked to see what was captured of a call, when, and why. Whether somebody may read it now follows from the header alone.

use rusqlite::{Connection, params};
use tabellion_model::RecordId;
use tabellion_model::body::ContentViewed;

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const VIEWINGS: Projection =
    Projection { name: "viewings", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What the names of its streams begin with.
const STREAMS: &str = "content/";

const TABLES: &[Table] = &[Table {
    name: "viewings",
    key: "entry",
    tagged: &[TaggedColumns { unit: "unit", values: &["reason"] }],
}];

/// `call` is the id of the record that decided the call.
const DDL: &str = "
CREATE TABLE viewings (
    entry INTEGER PRIMARY KEY,
    call BLOB NOT NULL,
    actor BLOB NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT,
    unit BLOB
) STRICT;
CREATE INDEX viewings_call ON viewings (call, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<ContentViewed>() {
        return Ok(Applied::Passed);
    }
    let call: Option<RecordId> = record.stream_id(STREAMS).map(|(call, _)| call);
    let Some(call) = call else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let said = record.body::<ContentViewed>();
    let sql = "INSERT INTO viewings (entry, call, actor, at, reason, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            call.as_bytes(),
            record.header.actor.as_bytes(),
            int(record.committed_at.0),
            said.as_ref().map(|said| &said.value.reason),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "its place is taken"))
}
