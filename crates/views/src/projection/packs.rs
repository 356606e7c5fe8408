//! Packs of policies and their publishers: every version of each with the newest marked, and what was put forward last.
//!
//! What a record says stands whole in one column, tagged with its unit: which row there is follows from headers alone.

use rusqlite::{Connection, params};
use serde::Serialize;
use tabellion_model::body::{
    PackLoaded, PackProposed, PackPublisherProposed, PackPublisherRemoved, PackPublisherTrusted, PackRemoved,
};

use super::versions::{Version, Versions};
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed};
use crate::record::{Record, Tagged};

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

const VERSIONS: Versions = Versions {
    streams: PACK_STREAMS,
    ending: "",
    supersede: "UPDATE policy_packs SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: NO_STREAM,
};

/// What the names of its streams begin with.
const PACK_STREAMS: &str = "policy-pack/";
const PUBLISHER_STREAMS: &str = "pack-publisher/";
/// What the names of streams of proposals end with.
const PROPOSED: &str = "/proposed";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PackLoaded>() {
        return pack(db, record, false, record.body::<PackLoaded>(), |said| &said.name);
    }
    if record.is::<PackRemoved>() {
        return pack(db, record, true, record.body::<PackRemoved>(), |said| &said.name);
    }
    if record.is::<PackPublisherTrusted>() {
        return publisher(db, record, false, record.body::<PackPublisherTrusted>(), |said| {
            &said.said.publisher
        });
    }
    if record.is::<PackPublisherRemoved>() {
        return publisher(db, record, true, record.body::<PackPublisherRemoved>(), |said| &said.publisher);
    }
    if record.is::<PackProposed>() {
        let said = record.body::<PackProposed>();
        return proposal(db, record, (PACK_STREAMS, "policy_pack_proposals"), said, |said| &said.name);
    }
    if record.is::<PackPublisherProposed>() {
        let said = record.body::<PackPublisherProposed>();
        let of = (PUBLISHER_STREAMS, "pack_publisher_proposals");
        return proposal(db, record, of, said, |said| &said.said.publisher);
    }
    Ok(Applied::Passed)
}

/// What a record says, as its column has it, and the unit that it stands in.
fn columns<T: Serialize>(said: Option<&Tagged<T>>) -> (Option<String>, Option<&[u8; 16]>) {
    (said.and_then(|said| serde_json::to_string(&said.value).ok()), said.map(|said| said.unit.as_bytes()))
}

fn pack<T: Serialize>(
    db: &Connection,
    record: &Record<'_>,
    removed: bool,
    said: Option<Tagged<T>>,
    name: fn(&T) -> &str,
) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let said = version.own(said, name);
    let (said, unit) = columns(said.as_ref());
    let sql = "INSERT INTO policy_packs (name, version, entry, at, actor, newest, removed, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)";
    VERSIONS.add(db, &version, sql, params![removed, said, unit])
}

fn publisher<T: Serialize>(
    db: &Connection,
    record: &Record<'_>,
    removed: bool,
    said: Option<Tagged<T>>,
    name: fn(&T) -> &str,
) -> rusqlite::Result<Applied> {
    let Some(version) = Version::of(record, PUBLISHER_STREAMS, "") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let said = version.own(said, name);
    let (said, unit) = columns(said.as_ref());
    let sql = "INSERT INTO pack_publishers (name, version, entry, at, actor, removed, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (name) DO UPDATE SET version = excluded.version, entry = excluded.entry, at = excluded.at, actor = excluded.actor,
        removed = excluded.removed, said = excluded.said, unit = excluded.unit";
    Ok(changed(version.write(db, sql, params![removed, said, unit])?, NO_STREAM))
}

fn proposal<T: Serialize>(
    db: &Connection,
    record: &Record<'_>,
    (streams, table): (&str, &str),
    said: Option<Tagged<T>>,
    name: fn(&T) -> &str,
) -> rusqlite::Result<Applied> {
    let Some(version) = Version::of(record, streams, PROPOSED) else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let said = version.own(said, name);
    let (said, unit) = columns(said.as_ref());
    let sql = format!(
        "INSERT INTO {table} (name, version, entry, at, actor, record_id, session, said, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (name) DO UPDATE SET version = excluded.version, entry = excluded.entry, record_id = excluded.record_id, at = excluded.at,
        actor = excluded.actor, session = excluded.session, said = excluded.said, unit = excluded.unit"
    );
    let proposed = params![record.header.record_id.as_bytes(), record.session(), said, unit];
    Ok(changed(version.write(db, &sql, proposed)?, NO_STREAM))
}
