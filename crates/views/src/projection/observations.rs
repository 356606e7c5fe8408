//! Observations of policies: texts that are tried on calls beside those in force, the newest of each name marked.

use rusqlite::{Connection, params};
use tabellion_model::body::{PolicyObservationEnded, PolicyObserved};

use super::versions::Versions;
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns};
use crate::record::Record;

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

const VERSIONS: Versions = Versions {
    streams: "policy/",
    ending: "/observed",
    supersede: "UPDATE policy_observations SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: NO_STREAM,
};

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let ended = if record.is::<PolicyObserved>() {
        false
    } else if record.is::<PolicyObservationEnded>() {
        true
    } else {
        return Ok(Applied::Passed);
    };
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let observed = version.own(record.body::<PolicyObserved>(), |said| &said.name);
    let end = version.own(record.body::<PolicyObservationEnded>(), |said| &said.name);
    let text = observed.as_ref().map(|said| &said.value.text);
    let digest =
        observed.as_ref().map(|said| &said.value.digest).or(end.as_ref().map(|said| &said.value.digest));
    let note = observed.as_ref().map(|said| &said.value.note).or(end.as_ref().map(|said| &said.value.reason));
    let unit = observed.as_ref().map(|said| said.unit).or(end.as_ref().map(|said| said.unit));
    let sql = "INSERT INTO policy_observations (name, version, entry, at, actor, record_id, session, newest, ended, text, digest, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?11, ?12)";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            record.header.record_id.as_bytes(),
            record.session(),
            ended,
            text,
            digest,
            note,
            unit.as_ref().map(tabellion_model::Id::as_bytes),
        ],
    )
}
