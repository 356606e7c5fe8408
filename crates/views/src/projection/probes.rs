//! Probes: what came of each round, and the calls that rounds are made of, which are none of traffic.

use rusqlite::{Connection, params};
use tabellion_model::body::{Body as _, CallAuthorised, CallBroken, CallCompleted, GuardProbed};
use tabellion_model::probe::{ProbeCounts, is_probe};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const PROBES: Projection =
    Projection { name: "probes", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table {
        name: "probe_rounds",
        key: "entry",
        tagged: &[TaggedColumns { unit: "unit", values: &["cause", "valid_s", "places"] }],
    },
    Table { name: "probe_calls_open", key: "entry", tagged: &[] },
];

/// The counts are from the header. `places` is the JSON of the body's member. Of calls those alone are kept that have no end: a start ends them.
const DDL: &str = "
CREATE TABLE probe_rounds (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    flagged INTEGER NOT NULL,
    got_through INTEGER NOT NULL,
    untested INTEGER NOT NULL,
    cause TEXT,
    valid_s INTEGER,
    places TEXT,
    unit BLOB
) STRICT;
CREATE TABLE probe_calls_open (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    system BLOB,
    key BLOB NOT NULL
) STRICT;
CREATE INDEX probe_calls_open_record ON probe_calls_open (record_id);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<GuardProbed>() {
        return round(db, record);
    }
    if record.header.type_version != 1 || !is_probe(record.header) {
        return Ok(Applied::Passed);
    }
    match record.header.record_type.as_str() {
        CallAuthorised::TYPE => began(db, record),
        CallCompleted::TYPE | CallBroken::TYPE => ended(db, record),
        // What was not let through is over.
        _ => Ok(Applied::Passed),
    }
}

fn round(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(counts) = ProbeCounts::of(record.header) else {
        return Ok(Applied::Unplaced("it does not say what came of it"));
    };
    let body = record.body::<GuardProbed>();
    let said = body.as_ref().map(|body| &body.value);
    let sql = "INSERT INTO probe_rounds (entry, record_id, at, stopped, flagged, got_through, untested, cause, valid_s, places, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            int(counts.stopped),
            int(counts.flagged),
            int(counts.got_through),
            int(counts.untested),
            said.and_then(|said| word(&said.cause)),
            said.map(|said| int(said.valid_s)),
            said.and_then(|said| serde_json::to_string(&said.places).ok()),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}

fn began(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let header = record.header;
    let sql = "INSERT INTO probe_calls_open (entry, record_id, system, key) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let system = header.system.map(|(system, _)| *system.as_bytes());
    let rows = run(
        db,
        sql,
        params![int(record.index), header.record_id.as_bytes(), system, header.actor.as_bytes()],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn ended(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let not_open = "it names no probe that was open";
    let Some(call) = record.parent("authorised") else { return Ok(Applied::Unplaced(not_open)) };
    let rows = run(db, "DELETE FROM probe_calls_open WHERE record_id = ?1", params![call.as_bytes()])?;
    Ok(changed(rows, not_open))
}
