//! Policies: every version of each, and what was put forward of each, the newest of both marked.

use rusqlite::{Connection, params};
use tabellion_model::body::{
    PolicyConfirmed, PolicyProposalWithdrawn, PolicyProposed, PolicyPublished, PolicyWithdrawn,
};

use super::versions::Versions;
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const POLICIES: Projection =
    Projection { name: "policies", version: 3, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[
    Table {
        name: "policies",
        key: "name, version",
        tagged: &[TaggedColumns { unit: "unit", values: &["text", "digest", "note", "confirmed"] }],
    },
    Table {
        name: "policy_proposals",
        key: "name, version",
        tagged: &[
            TaggedColumns { unit: "unit", values: &["said"] },
            TaggedColumns { unit: "withdrawn_unit", values: &["withdrawn_reason"] },
        ],
    },
];

/// What the names of streams of proposals end with.
const PROPOSED: &str = "/proposed";

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
    confirmed TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX policies_newest ON policies (name) WHERE newest = 1;
CREATE TABLE policy_proposals (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    newest INTEGER NOT NULL,
    said TEXT,
    unit BLOB,
    withdrawn_entry INTEGER,
    withdrawn_at INTEGER,
    withdrawn_reason TEXT,
    withdrawn_unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX policy_proposals_newest ON policy_proposals (name) WHERE newest = 1;
CREATE INDEX policy_proposals_record ON policy_proposals (record_id);
";

const VERSIONS: Versions = Versions {
    streams: "policy/",
    ending: "",
    supersede: "UPDATE policies SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: NO_STREAM,
};

const PROPOSALS: Versions = Versions {
    streams: "policy/",
    ending: PROPOSED,
    supersede: "UPDATE policy_proposals SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: NO_STREAM,
};

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PolicyPublished>() {
        return published(db, record);
    }
    if record.is::<PolicyWithdrawn>() {
        return withdrawn(db, record);
    }
    if record.is::<PolicyProposed>() {
        return proposed(db, record);
    }
    if record.is::<PolicyProposalWithdrawn>() {
        return taken_back(db, record);
    }
    Ok(Applied::Passed)
}

/// By which a second person decided, as its column has it.
fn column(confirmed: Option<&PolicyConfirmed>) -> Option<String> {
    confirmed.and_then(|confirmed| serde_json::to_string(confirmed).ok())
}

fn published(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<PolicyPublished>(), |said| &said.name);
    let said = body.as_ref().map(|body| &body.value);
    let sql =
        "INSERT INTO policies (name, version, entry, at, actor, newest, withdrawn, text, digest, note, confirmed, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, ?7, ?8, ?9, ?10)";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            said.map(|said| &said.text),
            said.map(|said| &said.digest),
            said.map(|said| &said.note),
            said.and_then(|said| column(said.confirmed.as_ref())),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )
}

fn withdrawn(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<PolicyWithdrawn>(), |said| &said.name);
    let said = body.as_ref().map(|body| &body.value);
    let sql =
        "INSERT INTO policies (name, version, entry, at, actor, newest, withdrawn, note, confirmed, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7, ?8)";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            said.map(|said| &said.reason),
            said.and_then(|said| column(said.confirmed.as_ref())),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )
}

fn proposed(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = PROPOSALS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<PolicyProposed>(), |said| &said.name);
    let said = body.as_ref().and_then(|said| serde_json::to_string(&said.value).ok());
    let sql =
        "INSERT INTO policy_proposals (name, version, entry, at, actor, newest, record_id, session, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9)";
    PROPOSALS.add(
        db,
        &version,
        sql,
        params![
            record.header.record_id.as_bytes(),
            record.session(),
            said,
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )
}

/// What was put forward last is taken back; its row has the version that its stream has now.
fn taken_back(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let named = record
        .stream_name("policy/")
        .and_then(|(rest, version)| Some((rest.strip_suffix(PROPOSED)?, version)));
    let Some((name, version)) = named else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = record.body::<PolicyProposalWithdrawn>().filter(|body| body.value.name == name);
    let sql = "UPDATE policy_proposals SET version = ?2, withdrawn_entry = ?3, withdrawn_at = ?4, withdrawn_reason = ?5, withdrawn_unit = ?6
        WHERE name = ?1 AND newest = 1 AND withdrawn_entry IS NULL";
    let rows = run(
        db,
        sql,
        params![
            name,
            int(version),
            int(record.index),
            int(record.committed_at.0),
            body.as_ref().map(|body| &body.value.reason),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "nothing is put forward"))
}
