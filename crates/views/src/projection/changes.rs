//! The history of each system, key, policy, person, register item and row of the Statement of Applicability: who changed it when, by which record. From headers alone.

use rusqlite::{Connection, params};

use super::{Applied, Projection, Table, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const CHANGES: Projection =
    Projection { name: "changes", version: 3, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What streams of these kinds are about.
const KINDS: [&str; 6] = ["system/", "credential/", "policy/", "person/", "register/", "soa/"];

const TABLES: &[Table] = &[Table { name: "changes", key: "entry", tagged: &[] }];

const DDL: &str = "
CREATE TABLE changes (
    entry INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    record_type TEXT NOT NULL,
    actor BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_stream ON changes (stream, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((stream, version)) = &record.header.stream else { return Ok(Applied::Passed) };
    if !KINDS.iter().any(|kind| stream.as_str().starts_with(kind)) {
        return Ok(Applied::Passed);
    }
    let sql = "INSERT INTO changes (entry, stream, version, record_id, record_type, actor, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            stream.as_str(),
            int(*version),
            record.header.record_id.as_bytes(),
            record.header.record_type.as_str(),
            record.header.actor.as_bytes(),
            int(record.committed_at.0),
        ],
    )?;
    Ok(changed(rows, "its place is taken"))
}
