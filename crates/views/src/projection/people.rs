//! People, what they may do, the links they came in by and their sessions.
//!
//! That a person was added is in the header for ever; who it is can be erased, and then the row says only that there was somebody.

use rusqlite::{Connection, params};
use tabellion_model::body::{
    Body as _, LinkIssued, PersonAdded, PersonDetails, Role, RoleGranted, RoleRevoked, SessionClosed,
    SessionOpened,
};
use tabellion_model::{CredentialId, CredentialKind};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::{Record, Tagged};
use crate::values::{digest_bytes, int};

pub(super) const PEOPLE: Projection =
    Projection { name: "people", version: 2, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[
    Table {
        name: "people",
        key: "person",
        tagged: &[TaggedColumns { unit: "details_unit", values: &["name", "email"] }],
    },
    Table { name: "roles", key: "entry", tagged: &[TaggedColumns { unit: "role_unit", values: &["role"] }] },
    Table {
        name: "links",
        key: "entry",
        tagged: &[TaggedColumns { unit: "link_unit", values: &["token_sha256", "expires_at"] }],
    },
    Table {
        name: "sessions",
        key: "entry",
        tagged: &[TaggedColumns { unit: "session_unit", values: &["token_sha256", "expires_at"] }],
    },
    Table {
        name: "session_ends",
        key: "entry",
        tagged: &[TaggedColumns { unit: "end_unit", values: &["token_sha256"] }],
    },
];

const DDL: &str = "
CREATE TABLE people (
    person BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    added_entry INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    added_by BLOB NOT NULL,
    name TEXT,
    email TEXT,
    details_unit BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX people_added ON people (added_entry);
CREATE TABLE roles (
    entry INTEGER PRIMARY KEY,
    person BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    granted INTEGER NOT NULL,
    role TEXT,
    role_unit BLOB
) STRICT;
CREATE INDEX roles_person ON roles (person, entry);
CREATE TABLE links (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL UNIQUE,
    person BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    used_entry INTEGER,
    token_sha256 BLOB,
    expires_at INTEGER,
    link_unit BLOB
) STRICT;
CREATE INDEX links_token ON links (token_sha256) WHERE token_sha256 IS NOT NULL;
CREATE TABLE sessions (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL UNIQUE,
    person BLOB NOT NULL,
    at INTEGER NOT NULL,
    link BLOB,
    token_sha256 BLOB,
    expires_at INTEGER,
    session_unit BLOB
) STRICT;
CREATE INDEX sessions_token ON sessions (token_sha256) WHERE token_sha256 IS NOT NULL;
CREATE TABLE session_ends (
    entry INTEGER PRIMARY KEY,
    person BLOB NOT NULL,
    at INTEGER NOT NULL,
    link BLOB,
    session BLOB,
    token_sha256 BLOB,
    end_unit BLOB
) STRICT;
CREATE INDEX session_ends_person ON session_ends (person, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.header.type_version != 1 {
        return Ok(Applied::Passed);
    }
    let place: Fold = match record.header.record_type.as_str() {
        PersonAdded::TYPE => added,
        RoleGranted::TYPE => granted,
        RoleRevoked::TYPE => revoked,
        LinkIssued::TYPE => link,
        SessionOpened::TYPE => session,
        SessionClosed::TYPE => session_end,
        _ => return Ok(Applied::Passed),
    };
    let Some((person, version)) = record.stream_id::<CredentialKind>("person/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    if record.header.record_type.as_str() != PersonAdded::TYPE {
        let known = "UPDATE people SET version = ?2 WHERE person = ?1";
        if run(db, known, params![person.as_bytes(), int(version)])? == 0 {
            return Ok(Applied::Unplaced("the person was never added"));
        }
    }
    place(db, record, &person, version)
}

type Fold = fn(&Connection, &Record<'_>, &CredentialId, u64) -> rusqlite::Result<Applied>;

/// Content that speaks of another person than the stream is as good as none.
fn about<T>(
    person: &CredentialId,
    content: Option<Tagged<T>>,
    named: impl Fn(&T) -> CredentialId,
) -> Option<Tagged<T>> {
    content.filter(|content| named(&content.value) == *person)
}

fn added(
    db: &Connection,
    record: &Record<'_>,
    person: &CredentialId,
    version: u64,
) -> rusqlite::Result<Applied> {
    let details = record.group::<PersonDetails>();
    let sql = "INSERT INTO people (person, version, added_entry, added_at, added_by, name, email, details_unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (person) DO UPDATE SET version = excluded.version, name = excluded.name, email = excluded.email,
        details_unit = excluded.details_unit";
    let rows = run(
        db,
        sql,
        params![
            person.as_bytes(),
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            details.as_ref().map(|details| &details.value.name),
            details.as_ref().map(|details| &details.value.email),
            details.as_ref().map(|details| details.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn granted(db: &Connection, record: &Record<'_>, person: &CredentialId, _: u64) -> rusqlite::Result<Applied> {
    let body = about(person, record.body::<RoleGranted>(), |body| body.person);
    let role = body.map(|body| Tagged { value: body.value.role, unit: body.unit });
    note_role(db, record, person, role.as_ref())
}

fn revoked(db: &Connection, record: &Record<'_>, person: &CredentialId, _: u64) -> rusqlite::Result<Applied> {
    let body = about(person, record.body::<RoleRevoked>(), |body| body.person);
    let role = body.map(|body| Tagged { value: body.value.role, unit: body.unit });
    note_role(db, record, person, role.as_ref())
}

fn note_role(
    db: &Connection,
    record: &Record<'_>,
    person: &CredentialId,
    role: Option<&Tagged<Role>>,
) -> rusqlite::Result<Applied> {
    let sql = "INSERT INTO roles (entry, person, at, actor, granted, role, role_unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            person.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.is::<RoleGranted>(),
            role.map(|role| role.value.as_str()),
            role.map(|role| role.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn link(db: &Connection, record: &Record<'_>, person: &CredentialId, _: u64) -> rusqlite::Result<Applied> {
    let body = about(person, record.body::<LinkIssued>(), |body| body.person);
    let value = body.as_ref().map(|body| &body.value);
    let sql = "INSERT INTO links (entry, record_id, person, at, actor, session, token_sha256, expires_at, link_unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (record_id) DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            record.header.record_id.as_bytes(),
            person.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            value.and_then(|value| digest_bytes(&value.token_sha256)),
            value.map(|value| int(value.expires_at.0)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "a record with its id was there before"))
}

fn session(db: &Connection, record: &Record<'_>, person: &CredentialId, _: u64) -> rusqlite::Result<Applied> {
    // The link is spent by what the header says, whether or not anyone can still read which token it had.
    let link = record.parent("link");
    let sql = "UPDATE links SET used_entry = ?2 WHERE record_id = ?1 AND person = ?3 AND used_entry IS NULL";
    let spent = match link {
        None => 0,
        Some(link) => run(db, sql, params![link.as_bytes(), int(record.index), person.as_bytes()])?,
    };
    if spent == 0 {
        return Ok(Applied::Unplaced("it names no link that was still unused"));
    }
    let body = about(person, record.body::<SessionOpened>(), |body| body.person);
    let value = body.as_ref().map(|body| &body.value);
    let sql =
        "INSERT INTO sessions (entry, record_id, person, at, link, token_sha256, expires_at, session_unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (record_id) DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            record.header.record_id.as_bytes(),
            person.as_bytes(),
            int(record.committed_at.0),
            link.map(|link| *link.as_bytes()),
            value.and_then(|value| digest_bytes(&value.token_sha256)),
            value.map(|value| int(value.expires_at.0)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "a record with its id was there before"))
}

fn session_end(
    db: &Connection,
    record: &Record<'_>,
    person: &CredentialId,
    _: u64,
) -> rusqlite::Result<Applied> {
    let body = about(person, record.body::<SessionClosed>(), |body| body.person);
    let sql = "INSERT INTO session_ends (entry, person, at, link, session, token_sha256, end_unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            person.as_bytes(),
            int(record.committed_at.0),
            record.parent("link").map(|link| *link.as_bytes()),
            record.parent("session").map(|session| *session.as_bytes()),
            body.as_ref().and_then(|body| digest_bytes(&body.value.token_sha256)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
