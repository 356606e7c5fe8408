//! Measurements of guards: what came of sending the corpus through each.

use rusqlite::{Connection, params};
use tabellion_model::body::GuardMeasured;
use tabellion_model::measure::MeasureCounts;

use super::{Applied, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const MEASUREMENTS: Projection =
    Projection { name: "measurements", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "measurements",
    key: "entry",
    tagged: &[TaggedColumns { unit: "unit", values: &["cause", "corpus", "valid_s", "guards"] }],
}];

/// The counts are from the header. `guards` is the JSON of the body's member.
const DDL: &str = "
CREATE TABLE measurements (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    tried INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    flagged INTEGER NOT NULL,
    got_through INTEGER NOT NULL,
    untested INTEGER NOT NULL,
    benign_tried INTEGER NOT NULL,
    benign_hit INTEGER NOT NULL,
    cause TEXT,
    corpus TEXT,
    valid_s INTEGER,
    guards TEXT,
    unit BLOB
) STRICT;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<GuardMeasured>() {
        return Ok(Applied::Passed);
    }
    let Some(counts) = MeasureCounts::of(record.header) else {
        return Ok(Applied::Unplaced("it does not say what came of it"));
    };
    let body = record.body::<GuardMeasured>();
    let said = body.as_ref().map(|body| &body.value);
    let sql = "INSERT INTO measurements (entry, record_id, at, tried, stopped, flagged, got_through, untested, benign_tried, benign_hit, cause, corpus, valid_s, guards, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            int(counts.tried),
            int(counts.stopped),
            int(counts.flagged),
            int(counts.got_through),
            int(counts.untested),
            int(counts.benign_tried),
            int(counts.benign_hit),
            said.and_then(|said| word(&said.cause)),
            said.map(|said| said.corpus.as_str()),
            said.map(|said| int(said.valid_s)),
            said.and_then(|said| serde_json::to_string(&said.guards).ok()),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}
