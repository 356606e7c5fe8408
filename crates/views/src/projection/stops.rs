//! Emergency stops: one row each, from its order to its lifting.

use rusqlite::{Connection, params};
use tabellion_model::StopId;
use tabellion_model::body::{Body as _, StopLifted, StopOrdered};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const STOPS: Projection =
    Projection { name: "stops", version: 1, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[Table {
    name: "stops",
    key: "stop",
    tagged: &[
        TaggedColumns { unit: "unit", values: &["scope", "drill", "reason"] },
        TaggedColumns { unit: "lifted_unit", values: &["lifted_reason"] },
    ],
}];

/// `observed_at` is the sealer's clock, `at` the commit's. Whether a stop is in force follows from headers alone.
const DDL: &str = "
CREATE TABLE stops (
    stop BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    observed_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    scope TEXT,
    drill INTEGER,
    reason TEXT,
    unit BLOB,
    lifted_entry INTEGER,
    lifted_at INTEGER,
    lifted_by BLOB,
    lifted_reason TEXT,
    lifted_unit BLOB
) STRICT;
CREATE INDEX stops_entry ON stops (entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    // An order of a later version is one too, and holds for everybody: what it says cannot be read here.
    if record.header.record_type.as_str() == StopOrdered::TYPE {
        return ordered(db, record);
    }
    if record.is::<StopLifted>() {
        return lifted(db, record);
    }
    Ok(Applied::Passed)
}

fn ordered(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((stop, version)): Option<(StopId, u64)> = record.stream_id("stop/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another stop than the stream is as good as none.
    let said =
        record.body::<StopOrdered>().filter(|said| said.value.stop == stop && record.is::<StopOrdered>());
    let body = said.as_ref().map(|said| &said.value);
    let sql = "INSERT INTO stops (stop, version, entry, record_id, observed_at, at, actor, session, scope, drill, reason, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            stop.as_bytes(),
            int(version),
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.header.observed_at.0),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            body.and_then(|body| serde_json::to_string(&body.scope).ok()),
            body.map(|body| body.drill),
            body.map(|body| &body.reason),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the stop was ordered before"))
}

fn lifted(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((stop, version)): Option<(StopId, u64)> = record.stream_id("stop/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let said = record.body::<StopLifted>();
    let sql = "UPDATE stops SET version = ?2, lifted_entry = ?3, lifted_at = ?4, lifted_by = ?5, lifted_reason = ?6, lifted_unit = ?7
        WHERE stop = ?1 AND lifted_entry IS NULL";
    let rows = run(
        db,
        sql,
        params![
            stop.as_bytes(),
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            said.as_ref().map(|said| &said.value.reason),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "it names no stop that is in force"))
}
