//! Policies: every version of each, the newest marked.

use rusqlite::{Connection, params};
use tabellion_model::UnitId;
use tabellion_model::body::{PolicyPublished, PolicyWithdrawn};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

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

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PolicyPublished>() {
        let body = record.body::<PolicyPublished>();
        let said = body.map(|body| Said {
            name: body.value.name,
            text: Some(body.value.text),
            digest: Some(body.value.digest),
            note: body.value.note,
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
            unit: body.unit,
        });
        return version(db, record, true, said);
    }
    Ok(Applied::Passed)
}

/// What a version's content says.
struct Said {
    name: String,
    text: Option<String>,
    digest: Option<String>,
    note: String,
    unit: UnitId,
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
        "INSERT INTO policies (name, version, entry, at, actor, newest, withdrawn, text, digest, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10)";
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
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
