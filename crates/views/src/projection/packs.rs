//! Packs of policies and their publishers: every version of each with the newest marked, and what was put forward last.
//!
//! What a record says stands whole in one column, tagged with its unit: which row there is follows from headers alone.

use rusqlite::{Connection, params};
use serde::Serialize;
use tabellion_model::UnitId;
use tabellion_model::body::{
    PackLoaded, PackProposed, PackPublisherProposed, PackPublisherRemoved, PackPublisherTrusted, PackRemoved,
};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::{Record, Tagged};
use crate::values::int;

pub(super) const PACKS: Projection =
    Projection { name: "packs", version: 1, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[
    Table { name: "policy_packs", key: "name, version", tagged: SAID },
    Table { name: "policy_pack_proposals", key: "name", tagged: SAID },
    Table { name: "pack_publishers", key: "name", tagged: SAID },
    Table { name: "pack_publisher_proposals", key: "name", tagged: SAID },
];

const SAID: &[TaggedColumns] = &[TaggedColumns { unit: "unit", values: &["said"] }];

/// `removed`: 1 where the record took it out.
const DDL: &str = "
CREATE TABLE policy_packs (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    newest INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    said TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX policy_packs_newest ON policy_packs (name) WHERE newest = 1;
CREATE TABLE policy_pack_proposals (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    said TEXT,
    unit BLOB
) STRICT;
CREATE TABLE pack_publishers (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    removed INTEGER NOT NULL,
    said TEXT,
    unit BLOB
) STRICT;
CREATE TABLE pack_publisher_proposals (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    said TEXT,
    unit BLOB
) STRICT;
";

/// What the names of its streams begin with.
const PACK_STREAMS: &str = "policy-pack/";
const PUBLISHER_STREAMS: &str = "pack-publisher/";
/// What the names of streams of proposals end with.
const PROPOSED: &str = "/proposed";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PackLoaded>() {
        let said = record.body::<PackLoaded>();
        return pack(
            db,
            record,
            false,
            said.filter(|said| is_of(record, PACK_STREAMS, &said.value.name)).as_ref().map(column),
        );
    }
    if record.is::<PackRemoved>() {
        let said = record.body::<PackRemoved>();
        return pack(
            db,
            record,
            true,
            said.filter(|said| is_of(record, PACK_STREAMS, &said.value.name)).as_ref().map(column),
        );
    }
    if record.is::<PackPublisherTrusted>() {
        let said = record.body::<PackPublisherTrusted>();
        let said = said.filter(|said| is_of(record, PUBLISHER_STREAMS, &said.value.said.publisher));
        return publisher(db, record, false, said.as_ref().map(column));
    }
    if record.is::<PackPublisherRemoved>() {
        let said = record.body::<PackPublisherRemoved>();
        let said = said.filter(|said| is_of(record, PUBLISHER_STREAMS, &said.value.publisher));
        return publisher(db, record, true, said.as_ref().map(column));
    }
    if record.is::<PackProposed>() {
        let said = record.body::<PackProposed>();
        let said = said.filter(|said| is_of(record, PACK_STREAMS, &said.value.name));
        return proposal(db, record, PACK_STREAMS, PACK_PROPOSAL, said.as_ref().map(column));
    }
    if record.is::<PackPublisherProposed>() {
        let said = record.body::<PackPublisherProposed>();
        let said = said.filter(|said| is_of(record, PUBLISHER_STREAMS, &said.value.said.publisher));
        return proposal(db, record, PUBLISHER_STREAMS, PUBLISHER_PROPOSAL, said.as_ref().map(column));
    }
    Ok(Applied::Passed)
}

/// What a record says, as its column has it, and the unit that it stands in.
type Said = (Option<String>, UnitId);

fn column<T: Serialize>(said: &Tagged<T>) -> Said {
    (serde_json::to_string(&said.value).ok(), said.unit)
}

/// Whether content speaks of what its stream is of; else it is as good as none.
fn is_of(record: &Record<'_>, streams: &str, name: &str) -> bool {
    let place = record.stream_name(streams);
    place.is_some_and(|(of, _)| of.strip_suffix(PROPOSED).unwrap_or(of) == name)
}

fn pack(
    db: &Connection,
    record: &Record<'_>,
    removed: bool,
    said: Option<Said>,
) -> rusqlite::Result<Applied> {
    let Some((name, version)) = record.stream_name(PACK_STREAMS) else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    run(db, "UPDATE policy_packs SET newest = 0 WHERE name = ?1 AND newest = 1", params![name])?;
    let sql = "INSERT INTO policy_packs (name, version, entry, at, actor, newest, removed, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)";
    let (said, unit) = said.unzip();
    let rows = run(
        db,
        sql,
        params![
            name,
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            removed,
            said.flatten(),
            unit.as_ref().map(tabellion_model::Id::as_bytes),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn publisher(
    db: &Connection,
    record: &Record<'_>,
    removed: bool,
    said: Option<Said>,
) -> rusqlite::Result<Applied> {
    let Some((name, version)) = record.stream_name(PUBLISHER_STREAMS) else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let sql = "INSERT INTO pack_publishers (name, version, entry, at, actor, removed, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (name) DO UPDATE SET version = excluded.version, entry = excluded.entry, at = excluded.at, actor = excluded.actor,
        removed = excluded.removed, said = excluded.said, unit = excluded.unit";
    let (said, unit) = said.unzip();
    let rows = run(
        db,
        sql,
        params![
            name,
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            removed,
            said.flatten(),
            unit.as_ref().map(tabellion_model::Id::as_bytes),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

const PACK_PROPOSAL: &str = "INSERT INTO policy_pack_proposals (name, version, entry, record_id, at, actor, session, said, unit)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, entry = excluded.entry, record_id = excluded.record_id, at = excluded.at,
    actor = excluded.actor, session = excluded.session, said = excluded.said, unit = excluded.unit";
const PUBLISHER_PROPOSAL: &str = "INSERT INTO pack_publisher_proposals (name, version, entry, record_id, at, actor, session, said, unit)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, entry = excluded.entry, record_id = excluded.record_id, at = excluded.at,
    actor = excluded.actor, session = excluded.session, said = excluded.said, unit = excluded.unit";

fn proposal(
    db: &Connection,
    record: &Record<'_>,
    streams: &str,
    sql: &str,
    said: Option<Said>,
) -> rusqlite::Result<Applied> {
    let place =
        record.stream_name(streams).and_then(|(rest, version)| Some((rest.strip_suffix(PROPOSED)?, version)));
    let Some((name, version)) = place else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let (said, unit) = said.unzip();
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
            said.flatten(),
            unit.as_ref().map(tabellion_model::Id::as_bytes),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
