//! Alerts of budgets: a row for each share of a cap that was passed, as the log says it.

use rusqlite::{Connection, params};
use tabellion_model::body::{BudgetAlertResolved, BudgetCrossed};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const BUDGET_ALERTS: Projection =
    Projection { name: "budget_alerts", version: 2, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "budget_alerts",
    key: "entry",
    tagged: &[
        TaggedColumns {
            unit: "unit",
            values: &["budget_version", "cap", "cap_limit", "percent", "used", "window_start"],
        },
        TaggedColumns { unit: "resolved_unit", values: &["resolved_end"] },
    ],
}];

const DDL: &str = "
CREATE TABLE budget_alerts (
    entry INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    budget_version INTEGER,
    cap TEXT,
    cap_limit INTEGER,
    percent INTEGER,
    used INTEGER,
    window_start INTEGER,
    unit BLOB,
    resolved_entry INTEGER,
    resolved_record BLOB,
    resolved_at INTEGER,
    resolved_end TEXT,
    resolved_unit BLOB
) STRICT;
CREATE INDEX budget_alerts_name ON budget_alerts (name, entry);
CREATE INDEX budget_alerts_record ON budget_alerts (record_id);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<BudgetAlertResolved>() {
        return resolved(db, record);
    }
    if !record.is::<BudgetCrossed>() {
        return Ok(Applied::Passed);
    }
    let Some(name) = budget_of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    // Content that speaks of another budget than the stream is as good as none.
    let body = record.body::<BudgetCrossed>().filter(|body| body.value.name == name);
    let said = body.as_ref().map(|body| &body.value);
    let sql = "INSERT INTO budget_alerts (entry, name, record_id, at, budget_version, cap, cap_limit, percent, used, window_start, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            name,
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            said.map(|said| int(said.version)),
            said.and_then(|said| word(&said.cap)),
            said.map(|said| int(said.limit)),
            said.map(|said| int(said.percent)),
            said.map(|said| int(said.used)),
            said.map(|said| int(said.window_start.0)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}

/// The budget whose alerts the record's stream has.
fn budget_of<'a>(record: &'a Record<'_>) -> Option<&'a str> {
    record.stream_name("budget/").and_then(|(rest, _)| rest.strip_suffix("/crossed"))
}

fn resolved(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let (Some(name), Some(crossed)) = (budget_of(record), record.parent("crossed")) else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let body = record.body::<BudgetAlertResolved>().filter(|body| body.value.name == name);
    let sql = "UPDATE budget_alerts SET resolved_entry = ?3, resolved_record = ?4, resolved_at = ?5, resolved_end = ?6, resolved_unit = ?7
        WHERE record_id = ?1 AND name = ?2 AND resolved_entry IS NULL";
    let rows = run(
        db,
        sql,
        params![
            crossed.as_bytes(),
            name,
            int(record.index),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            body.as_ref().and_then(|body| word(&body.value.end)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "it names no alert that stands"))
}
