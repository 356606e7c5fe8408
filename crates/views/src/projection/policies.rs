//! Policies: every version of each, and what was put forward of each, the newest of both marked.

use rusqlite::{Connection, params};
use tabellion_model::UnitId;
use tabellion_model::body::{PolicyConfirmed, PolicyProposed, PolicyPublished, PolicyWithdrawn};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const POLICIES: Projection =
    Projection { name: "policies", version: 2, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[
    Table {
        name: "policies",
        key: "name, version",
        tagged: &[TaggedColumns { unit: "unit", values: &["text", "digest", "note", "confirmed"] }],
    },
    Table {
        name: "policy_proposals",
        key: "name, version",
        tagged: &[TaggedColumns { unit: "unit", values: &["said"] }],
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
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX policy_proposals_newest ON policy_proposals (name) WHERE newest = 1;
CREATE INDEX policy_proposals_record ON policy_proposals (record_id);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PolicyPublished>() {
        let body = record.body::<PolicyPublished>();
        let said = body.map(|body| Said {
            name: body.value.name,
            text: Some(body.value.text),
            digest: Some(body.value.digest),
            note: body.value.note,
            confirmed: column(body.value.confirmed.as_ref()),
            unit: body.unit,
        });
        return version(db, record, false, said);
    }
    if record.is::<PolicyWithdrawn>() {
        let body = record.body::<PolicyWithdrawn>();
        let said = body.map(|body| Said {
            name: body.value.name,
            text: None,
            digest: None,
            note: body.value.reason,
            confirmed: column(body.value.confirmed.as_ref()),
            unit: body.unit,
        });
        return version(db, record, true, said);
    }
    if record.is::<PolicyProposed>() {
        return proposal(db, record);
    }
    Ok(Applied::Passed)
}

/// What a version's content says.
struct Said {
    name: String,
    text: Option<String>,
    digest: Option<String>,
    note: String,
    confirmed: Option<String>,
    unit: UnitId,
}

/// By which a second person decided, as its column has it.
fn column(confirmed: Option<&PolicyConfirmed>) -> Option<String> {
    confirmed.and_then(|confirmed| serde_json::to_string(confirmed).ok())
}

fn proposal(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let place = record
        .stream_name("policy/")
        .and_then(|(rest, version)| Some((rest.strip_suffix(PROPOSED)?, version)));
    let Some((name, version)) = place else { return Ok(Applied::Unplaced(NO_STREAM)) };
    // Content that speaks of another policy than the stream is as good as none.
    let body = record.body::<PolicyProposed>().filter(|said| said.value.name == name);
    let said = body.as_ref().and_then(|said| serde_json::to_string(&said.value).ok());
    run(db, "UPDATE policy_proposals SET newest = 0 WHERE name = ?1 AND newest = 1", params![name])?;
    let sql = "INSERT INTO policy_proposals (name, version, entry, record_id, at, actor, session, newest, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9)";
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
            said,
            body.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn version(
    db: &Connection,
    record: &Record<'_>,
    withdrawn: bool,
    said: Option<Said>,
) -> rusqlite::Result<Applied> {
    let Some((name, version)) = record.stream_name("policy/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another policy than the stream is as good as none.
    let said = said.filter(|said| said.name == name);
    run(db, "UPDATE policies SET newest = 0 WHERE name = ?1 AND newest = 1", params![name])?;
    let sql =
        "INSERT INTO policies (name, version, entry, at, actor, newest, withdrawn, text, digest, note, confirmed, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10, ?11)";
    let rows = run(
        db,
        sql,
        params![
            name,
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            withdrawn,
            said.as_ref().and_then(|said| said.text.as_ref()),
            said.as_ref().and_then(|said| said.digest.as_ref()),
            said.as_ref().map(|said| &said.note),
            said.as_ref().and_then(|said| said.confirmed.as_ref()),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
