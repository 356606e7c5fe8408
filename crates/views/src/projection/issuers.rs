//! Issuers of statements: one row for each key. Whether it counts is in the header; whose it is says only its content.

use rusqlite::{Connection, params};
use tabellion_model::body::{IssuerAdded, IssuerRemoved};
use tabellion_tlog::Hash;

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const ISSUERS: Projection =
    Projection { name: "issuers", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What the names of its streams begin with.
const STREAMS: &str = "issuer/";

const TABLES: &[Table] = &[Table {
    name: "issuers",
    key: "key_id",
    tagged: &[TaggedColumns { unit: "unit", values: &["issuer", "algorithm", "public", "kid", "note"] }],
}];

const DDL: &str = "
CREATE TABLE issuers (
    key_id BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    removed_at INTEGER,
    issuer TEXT,
    algorithm TEXT,
    public TEXT,
    kid TEXT,
    note TEXT,
    unit BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX issuers_added ON issuers (entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let (adds, removes) = (record.is::<IssuerAdded>(), record.is::<IssuerRemoved>());
    if !adds && !removes {
        return Ok(Applied::Passed);
    }
    let place =
        record.stream_name(STREAMS).and_then(|(name, version)| Some((Hash::from_hex(name)?, version)));
    let Some((key_id, version)) = place else { return Ok(Applied::Unplaced(NO_STREAM)) };
    if removes {
        let sql = "UPDATE issuers SET removed_at = ?2, version = ?3 WHERE key_id = ?1 AND removed_at IS NULL";
        let rows = run(db, sql, params![key_id.0, int(record.committed_at.0), int(version)])?;
        return Ok(changed(rows, "no such key of an issuer counts"));
    }
    let said = record.body::<IssuerAdded>();
    let value = said.as_ref().map(|said| &said.value);
    let sql = "INSERT INTO issuers (key_id, version, entry, at, actor, issuer, algorithm, public, kid, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (key_id) DO UPDATE SET version = excluded.version, entry = excluded.entry, at = excluded.at, actor = excluded.actor,
        removed_at = NULL, issuer = excluded.issuer, algorithm = excluded.algorithm, public = excluded.public, kid = excluded.kid,
        note = excluded.note, unit = excluded.unit";
    let rows = run(
        db,
        sql,
        params![
            key_id.0,
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            value.map(|said| &said.issuer),
            value.map(|said| &said.algorithm),
            value.map(|said| &said.public),
            value.map(|said| &said.kid),
            value.map(|said| &said.note),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
