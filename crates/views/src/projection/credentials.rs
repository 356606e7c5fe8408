//! API keys: one row each, and one for each revocation, because which of several ends a key first is content.

use rusqlite::{Connection, params};
use tabellion_model::body::{CredentialIssued, CredentialRevoked};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{digest_bytes, int, list};

pub(super) const CREDENTIALS: Projection =
    Projection { name: "credentials", version: 1, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[
    Table {
        name: "credentials",
        key: "credential",
        tagged: &[TaggedColumns {
            unit: "issued_unit",
            values: &["name", "secret_sha256", "purposes", "models", "expires_at", "replaces"],
        }],
    },
    Table {
        name: "revocations",
        key: "entry",
        tagged: &[TaggedColumns { unit: "revoked_unit", values: &["effective_at", "reason"] }],
    },
];

const DDL: &str = "
CREATE TABLE credentials (
    credential BLOB PRIMARY KEY,
    system BLOB NOT NULL,
    version INTEGER NOT NULL,
    issued_entry INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    issued_by BLOB NOT NULL,
    issued_again_entry INTEGER,
    name TEXT,
    secret_sha256 BLOB,
    purposes TEXT,
    models TEXT,
    expires_at INTEGER,
    replaces BLOB,
    issued_unit BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_issued ON credentials (issued_entry);
CREATE INDEX credentials_system ON credentials (system, issued_entry);
CREATE TABLE revocations (
    entry INTEGER PRIMARY KEY,
    credential BLOB NOT NULL,
    at INTEGER NOT NULL,
    revoked_by BLOB NOT NULL,
    effective_at INTEGER,
    reason TEXT,
    revoked_unit BLOB
) STRICT;
CREATE INDEX revocations_credential ON revocations (credential);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<CredentialIssued>() {
        return issued(db, record);
    }
    if record.is::<CredentialRevoked>() {
        return revoked(db, record);
    }
    Ok(Applied::Passed)
}

fn issued(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let (Some((credential, version)), Some((system, _))) =
        (record.stream_id::<tabellion_model::CredentialKind>("credential/"), record.header.system)
    else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let issued = record.body::<CredentialIssued>();
    let body = issued.as_ref().map(|issued| &issued.value);
    // A second issue of one id would give it another secret or system. Nobody does that in good order, so such a key is out of use.
    let sql = "INSERT INTO credentials (credential, system, version, issued_entry, issued_at, issued_by, name, secret_sha256, purposes,
        models, expires_at, replaces, issued_unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (credential) DO UPDATE SET version = excluded.version, issued_again_entry = excluded.issued_entry";
    run(
        db,
        sql,
        params![
            credential.as_bytes(),
            system.as_bytes(),
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            body.map(|body| &body.name),
            body.and_then(|body| digest_bytes(&body.secret_sha256)),
            body.map(|body| list(&body.purposes)),
            body.map(|body| list(&body.models)),
            body.and_then(|body| body.expires_at).map(|at| int(at.0)),
            body.and_then(|body| body.replaces).map(|key| *key.as_bytes()),
            issued.as_ref().map(|issued| issued.unit.as_bytes()),
        ],
    )?;
    Ok(Applied::Changed)
}

fn revoked(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((credential, version)) = record.stream_id::<tabellion_model::CredentialKind>("credential/")
    else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let known = "UPDATE credentials SET version = ?2 WHERE credential = ?1";
    if run(db, known, params![credential.as_bytes(), int(version)])? == 0 {
        return Ok(Applied::Unplaced("the key was never issued"));
    }
    let revoked = record.body::<CredentialRevoked>();
    let body = revoked.as_ref().map(|revoked| &revoked.value);
    let sql =
        "INSERT INTO revocations (entry, credential, at, revoked_by, effective_at, reason, revoked_unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            credential.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            body.map(|body| int(body.effective_at.0)),
            body.map(|body| &body.reason),
            revoked.as_ref().map(|revoked| revoked.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
