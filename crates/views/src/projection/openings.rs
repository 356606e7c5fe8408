//! Openings of declared routes: one row each, from the request to its end; and the files and batches that calls made at providers.

use rusqlite::{Connection, params};
use tabellion_model::body::{
    BatchSettled, Body as _, FileKept, ObjectKept, OpeningConfirmed, OpeningRequested, OpeningWithdrawn,
    RouteClass,
};
use tabellion_model::{OpeningId, UnitId};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const OPENINGS: Projection =
    Projection { name: "openings", version: 3, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[
    Table {
        name: "openings",
        key: "opening",
        tagged: &[
            TaggedColumns { unit: "unit", values: &["system", "class", "provider", "until", "reason"] },
            TaggedColumns { unit: "confirmed_unit", values: &["confirmed_reason"] },
            TaggedColumns { unit: "withdrawn_unit", values: &["withdrawn_reason"] },
        ],
    },
    Table {
        name: "kept_files",
        key: "entry",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &["file", "class", "provider", "models", "requests", "batch"],
        }],
    },
];

/// Whether an opening was confirmed or withdrawn follows from headers alone; what it is for does not, and one that cannot be read opens nothing.
const DDL: &str = "
CREATE TABLE openings (
    opening BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    system BLOB,
    class TEXT,
    provider TEXT,
    until INTEGER,
    reason TEXT,
    unit BLOB,
    confirmed_entry INTEGER,
    confirmed_at INTEGER,
    confirmed_by BLOB,
    confirmed_reason TEXT,
    confirmed_unit BLOB,
    withdrawn_entry INTEGER,
    withdrawn_at INTEGER,
    withdrawn_by BLOB,
    withdrawn_reason TEXT,
    withdrawn_unit BLOB
) STRICT;
CREATE INDEX openings_entry ON openings (entry);
CREATE TABLE kept_files (
    entry INTEGER PRIMARY KEY,
    system BLOB,
    file TEXT,
    class TEXT,
    provider TEXT,
    models TEXT,
    requests TEXT,
    batch TEXT,
    unit BLOB,
    call BLOB,
    call_hash BLOB,
    settled_entry INTEGER
) STRICT;
CREATE INDEX kept_files_call ON kept_files (call);
";

/// What the call is to what it made.
const MADE_BY: &str = "authorised";
const CONFIRMED: &str = "UPDATE openings SET version = ?2, confirmed_entry = ?3, confirmed_at = ?4, confirmed_by = ?5, confirmed_reason = ?6,
    confirmed_unit = ?7 WHERE opening = ?1 AND confirmed_entry IS NULL AND withdrawn_entry IS NULL";
const WITHDRAWN: &str = "UPDATE openings SET version = ?2, withdrawn_entry = ?3, withdrawn_at = ?4, withdrawn_by = ?5, withdrawn_reason = ?6,
    withdrawn_unit = ?7 WHERE opening = ?1 AND withdrawn_entry IS NULL";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<OpeningRequested>() {
        return requested(db, record);
    }
    if record.is::<OpeningConfirmed>() {
        let said = record.body::<OpeningConfirmed>();
        let reason = said.as_ref().map(|said| said.value.reason.as_str());
        return stepped(
            db,
            record,
            CONFIRMED,
            reason,
            said.as_ref().map(|said| said.unit.as_bytes().as_slice()),
        );
    }
    // A withdrawal of a later version is one too: it takes away, whatever it says.
    if record.header.record_type.as_str() == OpeningWithdrawn::TYPE {
        let said = record.body::<OpeningWithdrawn>().filter(|_| record.is::<OpeningWithdrawn>());
        let reason = said.as_ref().map(|said| said.value.reason.as_str());
        return stepped(
            db,
            record,
            WITHDRAWN,
            reason,
            said.as_ref().map(|said| said.unit.as_bytes().as_slice()),
        );
    }
    if record.is::<FileKept>() {
        let said = record.body::<FileKept>();
        return kept(db, record, said.as_ref().map(|said| (OfProvider::of_file(&said.value), said.unit)));
    }
    if record.is::<ObjectKept>() {
        let said = record.body::<ObjectKept>();
        return kept(db, record, said.as_ref().map(|said| (OfProvider::of_object(&said.value), said.unit)));
    }
    if record.is::<BatchSettled>() {
        return settled(db, record);
    }
    Ok(Applied::Passed)
}

fn requested(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((opening, version)): Option<(OpeningId, u64)> = record.stream_id("opening/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another opening than the stream is as good as none.
    let said = record.body::<OpeningRequested>().filter(|said| said.value.opening == opening);
    let body = said.as_ref().map(|said| &said.value);
    let sql = "INSERT INTO openings (opening, version, entry, record_id, at, actor, session, system, class, provider, until, reason, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            opening.as_bytes(),
            int(version),
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            body.map(|body| body.system.as_bytes()),
            body.map(|body| body.class.as_str()),
            body.and_then(|body| body.provider.as_deref()),
            body.map(|body| int(body.until.0)),
            body.map(|body| &body.reason),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the opening was requested before"))
}

fn stepped(
    db: &Connection,
    record: &Record<'_>,
    sql: &str,
    reason: Option<&str>,
    unit: Option<&[u8]>,
) -> rusqlite::Result<Applied> {
    let Some((opening, version)): Option<(OpeningId, u64)> = record.stream_id("opening/") else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let rows = run(
        db,
        sql,
        params![
            opening.as_bytes(),
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            reason,
            unit,
        ],
    )?;
    Ok(changed(rows, "it names no opening that waits for this step"))
}

/// Something of a system's at a provider.
struct OfProvider<'a> {
    name: &'a str,
    class: RouteClass,
    provider: &'a str,
    /// What a batch of it asks for, as JSON.
    models: Option<String>,
    /// What its requests may take, of a batch, as JSON.
    requests: Option<String>,
    /// The batch whose answers it holds.
    batch: Option<&'a str>,
}

impl<'a> OfProvider<'a> {
    fn of_file(said: &'a FileKept) -> Self {
        let FileKept { file, provider, models, .. } = said;
        let models = models.as_ref().and_then(|models| serde_json::to_string(models).ok());
        Self { name: file, class: RouteClass::Files, provider, models, requests: None, batch: None }
    }

    fn of_object(said: &'a ObjectKept) -> Self {
        let ObjectKept { object, class, provider, requests, batch, .. } = said;
        let requests = requests.as_ref().and_then(|requests| serde_json::to_string(requests).ok());
        let batch = batch.as_deref();
        Self { name: object, class: *class, provider, models: None, requests, batch }
    }
}

fn kept(
    db: &Connection,
    record: &Record<'_>,
    said: Option<(OfProvider<'_>, UnitId)>,
) -> rusqlite::Result<Applied> {
    let (body, unit) = said.unzip();
    let body = body.as_ref();
    let call = record.header.parents.iter().find(|parent| parent.role == MADE_BY);
    let sql = "INSERT INTO kept_files (entry, system, file, class, provider, models, unit, requests, batch, call, call_hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    run(
        db,
        sql,
        params![
            int(record.index),
            record.header.system.as_ref().map(|(system, _)| system.as_bytes()),
            body.map(|body| body.name),
            body.map(|body| body.class.as_str()),
            body.map(|body| body.provider),
            body.and_then(|body| body.models.as_ref()),
            unit.as_ref().map(UnitId::as_bytes),
            body.and_then(|body| body.requests.as_ref()),
            body.and_then(|body| body.batch),
            call.map(|call| call.record_id.as_bytes()),
            call.map(|call| call.hash.0),
        ],
    )?;
    Ok(Applied::Changed)
}

/// The batch that a call began was settled: it is not settled again.
fn settled(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(call) = record.parent(MADE_BY) else { return Ok(Applied::Unplaced("it names no call")) };
    let sql = "UPDATE kept_files SET settled_entry = ?2 WHERE call = ?1 AND settled_entry IS NULL";
    let rows = run(db, sql, params![call.as_bytes(), int(record.index)])?;
    Ok(if rows > 0 { Applied::Changed } else { Applied::Passed })
}
