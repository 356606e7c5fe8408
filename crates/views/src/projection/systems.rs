//! AI systems: what was last said about each, and where it stands.

use rusqlite::{Connection, params};
use tabellion_model::body::{SystemRegistered, SystemStageChanged};
use tabellion_model::registry::{self, Facts};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, list, word};

pub(super) const SYSTEMS: Projection =
    Projection { name: "systems", version: 3, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[Table {
    name: "systems",
    key: "system",
    tagged: &[
        TaggedColumns {
            unit: "described_unit",
            values: &["name", "owner", "purposes", "description", "capture", "capture_reason", "cost_centre"],
        },
        TaggedColumns { unit: "stage_unit", values: &["stage", "stage_reason"] },
    ],
}];

const DDL: &str = "
CREATE TABLE systems (
    system BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    registered_entry INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    changed_entry INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    described_entry INTEGER NOT NULL,
    name TEXT,
    owner BLOB,
    purposes TEXT,
    description TEXT,
    capture TEXT,
    capture_reason TEXT,
    cost_centre TEXT,
    described_unit BLOB,
    stage_entry INTEGER,
    stage TEXT,
    stage_reason TEXT,
    stage_unit BLOB,
    deletion_due INTEGER,
    purged_entry INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX systems_registered ON systems (registered_entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<SystemRegistered>() {
        return registered(db, record);
    }
    if record.is::<SystemStageChanged>() {
        return stage_changed(db, record);
    }
    deletion(db, record)
}

/// The system and its new version, when header and stream name the same one.
fn subject(record: &Record<'_>) -> Option<([u8; 16], i64)> {
    let (system, version) = record.stream_id("system/")?;
    let (named, _) = record.header.system?;
    (system == named).then(|| (*system.as_bytes(), int(version)))
}

fn registered(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((system, version)) = subject(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let described = record.body::<SystemRegistered>();
    let body = described.as_ref().map(|described| &described.value);
    let sql = "INSERT INTO systems (system, version, registered_entry, registered_at, changed_entry, changed_at, described_entry, name, owner,
        purposes, description, capture, capture_reason, described_unit, cost_centre)
        VALUES (?1, ?2, ?3, ?4, ?3, ?4, ?3, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (system) DO UPDATE SET version = excluded.version, changed_entry = excluded.changed_entry,
        changed_at = excluded.changed_at, described_entry = excluded.described_entry, name = excluded.name, owner = excluded.owner,
        purposes = excluded.purposes, description = excluded.description, capture = excluded.capture,
        capture_reason = excluded.capture_reason, described_unit = excluded.described_unit, cost_centre = excluded.cost_centre";
    run(
        db,
        sql,
        params![
            system,
            version,
            int(record.index),
            int(record.committed_at.0),
            body.map(|body| &body.name),
            body.map(|body| *body.owner.as_bytes()),
            body.map(|body| list(&body.purposes)),
            body.map(|body| &body.description),
            body.and_then(|body| word(&body.capture)),
            body.and_then(|body| body.capture_reason.as_ref()),
            described.as_ref().map(|described| described.unit.as_bytes()),
            body.and_then(|body| body.cost_centre.as_ref()),
        ],
    )?;
    Ok(Applied::Changed)
}

const UNKNOWN: &str = "the system was never registered";

fn stage_changed(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((system, version)) = subject(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let stage = record.body::<SystemStageChanged>();
    let body = stage.as_ref().map(|stage| &stage.value);
    let sql = "UPDATE systems SET version = ?2, changed_entry = ?3, changed_at = ?4, stage_entry = ?3, stage = ?5, stage_reason = ?6,
        stage_unit = ?7 WHERE system = ?1";
    let rows = run(
        db,
        sql,
        params![
            system,
            version,
            int(record.index),
            int(record.committed_at.0),
            body.and_then(|body| word(&body.stage)),
            body.map(|body| &body.reason),
            stage.as_ref().map(|stage| stage.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, UNKNOWN))
}

/// What the ledger says of a system's deletion, in clear and for good.
fn deletion(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let facts = registry::facts(record.header).ok().flatten();
    let (Some(facts), Some((system, _))) = (facts, record.header.system) else { return Ok(Applied::Passed) };
    let system = system.as_bytes();
    let rows = match facts {
        Facts::DeletionRequested(due) => {
            run(db, "UPDATE systems SET deletion_due = ?2 WHERE system = ?1", params![system, int(due.0)])?
        }
        Facts::DeletionCancelled => {
            run(db, "UPDATE systems SET deletion_due = NULL WHERE system = ?1", params![system])?
        }
        Facts::SystemPurged(_) => run(
            db,
            "UPDATE systems SET purged_entry = ?2 WHERE system = ?1",
            params![system, int(record.index)],
        )?,
        _ => return Ok(Applied::Passed),
    };
    // A system that calls never named can be deleted too.
    Ok(if rows == 0 { Applied::Passed } else { Applied::Changed })
}
