//! Alerts of budgets: a row for each share of a cap that was passed, as the log says it.

use rusqlite::{Connection, params};
use tabellion_model::body::BudgetCrossed;

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const BUDGET_ALERTS: Projection =
    Projection { name: "budget_alerts", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "budget_alerts",
    key: "entry",
    tagged: &[TaggedColumns {
        unit: "unit",
        values: &["budget_version", "cap", "cap_limit", "percent", "used", "window_start"],
    }],
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
    unit BLOB
) STRICT;
CREATE INDEX budget_alerts_name ON budget_alerts (name, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<BudgetCrossed>() {
        return Ok(Applied::Passed);
    }
    let named = record.stream_name("budget/").and_then(|(rest, _)| rest.strip_suffix("/crossed"));
    let Some(name) = named else { return Ok(Applied::Unplaced(NO_STREAM)) };
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
