//! What the program said about itself: configurations taken, requests that nobody stood behind.

use rusqlite::{Connection, params};
use tabellion_model::body::{ConfigLoaded, NoiseCounted};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const OPERATIONS: Projection =
    Projection { name: "operations", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table {
        name: "configurations",
        key: "entry",
        tagged: &[TaggedColumns { unit: "unit", values: &["digest", "program"] }],
    },
    Table {
        name: "noise",
        key: "entry",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &["since", "until", "unauthenticated", "bad_key", "malformed", "rate_limited"],
        }],
    },
];

const DDL: &str = "
CREATE TABLE configurations (
    entry INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    digest TEXT,
    program TEXT,
    unit BLOB
) STRICT;
CREATE TABLE noise (
    entry INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    since INTEGER,
    until INTEGER,
    unauthenticated INTEGER,
    bad_key INTEGER,
    malformed INTEGER,
    rate_limited INTEGER,
    unit BLOB
) STRICT;
CREATE INDEX noise_at ON noise (at);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<ConfigLoaded>() {
        return configuration(db, record);
    }
    if record.is::<NoiseCounted>() {
        return noise(db, record);
    }
    Ok(Applied::Passed)
}

fn configuration(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let body = record.body::<ConfigLoaded>();
    let sql = "INSERT INTO configurations (entry, at, digest, program, unit) VALUES (?1, ?2, ?3, ?4, ?5)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            int(record.committed_at.0),
            body.as_ref().map(|body| &body.value.digest),
            body.as_ref().map(|body| &body.value.version),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

fn noise(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let body = record.body::<NoiseCounted>();
    let value = body.as_ref().map(|body| &body.value);
    let sql =
        "INSERT INTO noise (entry, at, since, until, unauthenticated, bad_key, malformed, rate_limited, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            int(record.committed_at.0),
            value.map(|value| int(value.from)),
            value.map(|value| int(value.to)),
            value.map(|value| int(value.unauthenticated)),
            value.map(|value| int(value.bad_key)),
            value.map(|value| int(value.malformed)),
            value.map(|value| int(value.rate_limited)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
