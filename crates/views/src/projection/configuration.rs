//! Changes of safeguards in the configuration: one row each, with the words in which somebody explained it.

use rusqlite::{Connection, params};
use tabellion_model::ConfigurationChangeId;
use tabellion_model::body::{ConfigurationChanged, ConfigurationExplained};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const CONFIGURATION: Projection =
    Projection { name: "configuration", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "configuration_changes",
    key: "change",
    tagged: &[
        TaggedColumns { unit: "unit", values: &["said"] },
        TaggedColumns { unit: "explained_unit", values: &["explained_reason"] },
    ],
}];

/// That a change was explained follows from headers alone; `said` is the body as JSON.
const DDL: &str = "
CREATE TABLE configuration_changes (
    change BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    said TEXT,
    unit BLOB,
    explained_entry INTEGER,
    explained_at INTEGER,
    explained_by BLOB,
    explained_reason TEXT,
    explained_unit BLOB
) STRICT;
CREATE INDEX configuration_changes_entry ON configuration_changes (entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<ConfigurationChanged>() {
        return found(db, record);
    }
    if record.is::<ConfigurationExplained>() {
        return explained(db, record);
    }
    Ok(Applied::Passed)
}

fn found(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((change, version)): Option<(ConfigurationChangeId, u64)> = record.stream_id("configuration/")
    else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another change than the stream is as good as none.
    let body = record.body::<ConfigurationChanged>().filter(|body| body.value.change == change);
    let sql = "INSERT INTO configuration_changes (change, version, entry, record_id, at, said, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            change.as_bytes(),
            int(version),
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            body.as_ref().and_then(|body| serde_json::to_string(&body.value).ok()),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the change is there already"))
}

/// The newest explanation stands.
fn explained(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((change, version)): Option<(ConfigurationChangeId, u64)> = record.stream_id("configuration/")
    else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let body = record.body::<ConfigurationExplained>();
    let sql = "UPDATE configuration_changes SET version = ?2, explained_entry = ?3, explained_at = ?4, explained_by = ?5, explained_reason = ?6,
        explained_unit = ?7 WHERE change = ?1";
    let rows = run(
        db,
        sql,
        params![
            change.as_bytes(),
            int(version),
            int(record.index),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            body.as_ref().map(|body| &body.value.reason),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "it names no change that is there"))
}
