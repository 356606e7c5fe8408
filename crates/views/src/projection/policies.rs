//! Policies: every version of each, the newest marked.

use rusqlite::{Connection, params};
use tabellion_model::body::{PolicyPublished, PolicyWithdrawn};

use super::versions::Versions;
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns};
use crate::record::Record;

pub(super) const POLICIES: Projection =
    Projection { name: "policies", version: 1, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[Table {
    name: "policies",
    key: "name, version",
    tagged: &[TaggedColumns { unit: "unit", values: &["text", "digest", "note"] }],
}];

const DDL: &str = "
CREATE TABLE policies (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    newest INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    text TEXT,
    digest TEXT,
    note TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX policies_newest ON policies (name) WHERE newest = 1;
";

const VERSIONS: Versions = Versions {
    streams: "policy/",
    ending: "",
    supersede: "UPDATE policies SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: NO_STREAM,
};

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PolicyPublished>() {
        return published(db, record);
    }
    if record.is::<PolicyWithdrawn>() {
        return withdrawn(db, record);
    }
    Ok(Applied::Passed)
}

fn published(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<PolicyPublished>(), |said| &said.name);
    let said = body.as_ref().map(|body| &body.value);
    let sql =
        "INSERT INTO policies (name, version, entry, at, actor, newest, withdrawn, text, digest, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, ?7, ?8, ?9)";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            said.map(|said| &said.text),
            said.map(|said| &said.digest),
            said.map(|said| &said.note),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )
}

fn withdrawn(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<PolicyWithdrawn>(), |said| &said.name);
    let sql = "INSERT INTO policies (name, version, entry, at, actor, newest, withdrawn, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7)";
    let reason = body.as_ref().map(|body| &body.value.reason);
    VERSIONS.add(db, &version, sql, params![reason, body.as_ref().map(|body| body.unit.as_bytes())])
}
