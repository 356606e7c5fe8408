//! The logs whose checkpoints this one takes, its shards (`docs/shards.md`).
//!
//! Promises: all of it is in headers, so no erasure changes a row; the newest checkpoint only grows. A record that does not continue what stands here is left
//! unplaced and shown as that.

use rusqlite::{Connection, params};
use tabellion_model::registry::{
    self, Facts, SHARD_STREAMS, ShardCheckpoint, ShardConflict, ShardKeyRotated, ShardRegistered, shard_name,
};
use tabellion_tlog::Hash;

use super::{Applied, NO_STREAM, Projection, Table, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const SHARDS: Projection =
    Projection { name: "shards", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table { name: "shards", key: "shard", tagged: &[] },
    Table { name: "shard_checkpoints", key: "shard, size", tagged: &[] },
    Table { name: "shard_conflicts", key: "entry", tagged: &[] },
];

const DDL: &str = "
CREATE TABLE shards (
    shard BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    system BLOB,
    origin TEXT NOT NULL,
    key BLOB NOT NULL,
    root_key BLOB NOT NULL,
    size INTEGER NOT NULL,
    root BLOB,
    newest INTEGER,
    newest_at INTEGER,
    checkpoints INTEGER NOT NULL,
    longest_us INTEGER NOT NULL,
    conflicts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX shards_registered ON shards (entry);
CREATE TABLE shard_checkpoints (
    shard BLOB NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (shard, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE shard_conflicts (
    entry INTEGER PRIMARY KEY,
    shard BLOB NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    proved INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    known_size INTEGER NOT NULL
) STRICT;
CREATE INDEX shard_conflicts_of ON shard_conflicts (shard, known_size);
";

/// A record about a shard, at its place.
struct Placed<'a> {
    record: &'a Record<'a>,
    shard: Hash,
    version: u64,
}

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.header.clear.is_none() {
        return Ok(Applied::Passed);
    }
    let Ok(Some(facts)) = registry::facts(record.header) else { return Ok(Applied::Passed) };
    let origin = match &facts {
        Facts::ShardRegistered(said) => &said.origin,
        Facts::ShardKeyRotated(said) => &said.origin,
        Facts::ShardCheckpointRecorded(said) => &said.origin,
        Facts::ShardConflictFound(said) => &said.shown.origin,
        _ => return Ok(Applied::Passed),
    };
    let shard = shard_name(origin);
    let version = record
        .stream_name(SHARD_STREAMS)
        .and_then(|(name, version)| (Hash::from_hex(name)? == shard).then_some(version));
    let Some(version) = version else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let placed = Placed { record, shard, version };
    match &facts {
        Facts::ShardRegistered(said) => registered(db, &placed, said),
        Facts::ShardKeyRotated(said) => rotated(db, &placed, said),
        Facts::ShardCheckpointRecorded(said) => recorded(db, &placed, said),
        Facts::ShardConflictFound(said) => conflict(db, &placed, said),
        _ => Ok(Applied::Passed),
    }
}

fn registered(db: &Connection, placed: &Placed<'_>, said: &ShardRegistered) -> rusqlite::Result<Applied> {
    let record = placed.record;
    let system = record.header.system.as_ref().map(|(system, _)| *system.as_bytes());
    let sql = "INSERT INTO shards
        (shard, version, entry, at, actor, system, origin, key, root_key, size, checkpoints, longest_us, conflicts)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, 0, 0)
        ON CONFLICT (shard) DO UPDATE SET version = excluded.version, entry = excluded.entry, at = excluded.at, actor = excluded.actor,
        system = excluded.system, key = excluded.key, root_key = excluded.root_key";
    let rows = run(
        db,
        sql,
        params![
            placed.shard.0,
            int(placed.version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            system,
            said.origin.as_str(),
            said.key.public.as_bytes(),
            said.root_key.public.as_bytes(),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn rotated(db: &Connection, placed: &Placed<'_>, said: &ShardKeyRotated) -> rusqlite::Result<Applied> {
    let sql = "UPDATE shards SET key = ?2, version = ?3 WHERE shard = ?1";
    let rows =
        run(db, sql, params![placed.shard.0, said.rotation.key.public.as_bytes(), int(placed.version)])?;
    Ok(changed(rows, "no such shard is registered"))
}

fn recorded(db: &Connection, placed: &Placed<'_>, said: &ShardCheckpoint) -> rusqlite::Result<Applied> {
    let (entry, at) = (int(placed.record.index), int(placed.record.committed_at.0));
    let sql =
        "UPDATE shards SET version = ?2, size = ?3, root = ?4, newest = ?5, checkpoints = checkpoints + 1,
        longest_us = max(longest_us, ?6 - ifnull(newest_at, ?6)), newest_at = ?6 WHERE shard = ?1 AND size < ?3";
    let rows =
        run(db, sql, params![placed.shard.0, int(placed.version), int(said.size), said.root.0, entry, at])?;
    if rows == 0 {
        return Ok(Applied::Unplaced("the shard is not registered or has a checkpoint as large"));
    }
    let sql = "INSERT INTO shard_checkpoints (shard, size, root, entry) VALUES (?1, ?2, ?3, ?4)";
    let rows = run(db, sql, params![placed.shard.0, int(said.size), said.root.0, entry])?;
    Ok(changed(rows, NO_STREAM))
}

fn conflict(db: &Connection, placed: &Placed<'_>, said: &ShardConflict) -> rusqlite::Result<Applied> {
    let sql = "UPDATE shards SET version = ?2, conflicts = conflicts + 1 WHERE shard = ?1";
    if run(db, sql, params![placed.shard.0, int(placed.version)])? == 0 {
        return Ok(Applied::Unplaced("no such shard is registered"));
    }
    let sql = "INSERT INTO shard_conflicts (entry, shard, at, kind, proved, size, root, known_size)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let rows = run(
        db,
        sql,
        params![
            int(placed.record.index),
            placed.shard.0,
            int(placed.record.committed_at.0),
            said.kind.as_str(),
            said.proved,
            int(said.shown.size),
            said.shown.root.0,
            int(said.known_size),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
