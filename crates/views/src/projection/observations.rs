//! Observations of policies: texts that are tried on calls beside those in force, the newest of each name marked.

use rusqlite::{Connection, params};
use tabellion_model::body::{PolicyObservationEnded, PolicyObserved};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const OBSERVATIONS: Projection =
    Projection { name: "observations", version: 1, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[Table {
    name: "policy_observations",
    key: "name, version",
    tagged: &[TaggedColumns { unit: "unit", values: &["text", "digest", "note"] }],
}];

/// A row for each record: an observation, or the end of the one before.
const DDL: &str = "
CREATE TABLE policy_observations (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    newest INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    text TEXT,
    digest TEXT,
    note TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX policy_observations_newest ON policy_observations (name) WHERE newest = 1;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let ended = if record.is::<PolicyObserved>() {
        false
    } else if record.is::<PolicyObservationEnded>() {
        true
    } else {
        return Ok(Applied::Passed);
    };
    let named = record
        .stream_name("policy/")
        .and_then(|(rest, version)| Some((rest.strip_suffix("/observed")?, version)));
    let Some((name, version)) = named else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let observed = record.body::<PolicyObserved>().filter(|said| said.value.name == name);
    let end = record.body::<PolicyObservationEnded>().filter(|said| said.value.name == name);
    let text = observed.as_ref().map(|said| &said.value.text);
    let digest =
        observed.as_ref().map(|said| &said.value.digest).or(end.as_ref().map(|said| &said.value.digest));
    let note = observed.as_ref().map(|said| &said.value.note).or(end.as_ref().map(|said| &said.value.reason));
    let unit = observed.as_ref().map(|said| said.unit).or(end.as_ref().map(|said| said.unit));
    run(db, "UPDATE policy_observations SET newest = 0 WHERE name = ?1 AND newest = 1", params![name])?;
    let sql = "INSERT INTO policy_observations (name, version, entry, record_id, at, actor, session, newest, ended, text, digest, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?11, ?12)";
    let rows = run(
        db,
        sql,
        params![
            name,
            int(version),
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            ended,
            text,
            digest,
            note,
            unit.as_ref().map(tabellion_model::Id::as_bytes),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
