//! Budgets: every version of each, the newest marked.

use rusqlite::{Connection, params};
use tabellion_model::body::{BudgetEnded, BudgetScope, BudgetSet};

use super::versions::Versions;
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns};
use crate::record::Record;
use crate::values::{int, list};

pub(super) const BUDGETS: Projection =
    Projection { name: "budgets", version: 3, tables: TABLES, ddl: DDL, feeds_gate: true, apply };

const TABLES: &[Table] = &[Table {
    name: "budgets",
    key: "name, version",
    tagged: &[TaggedColumns {
        unit: "unit",
        values: &[
            "scope",
            "subject",
            "caller",
            "span",
            "micros",
            "currency",
            "tokens",
            "calls",
            "calls_per_minute",
            "calls_at_once",
            "alert_percent",
            "alert_at",
            "note",
        ],
    }],
}];

const DDL: &str = "
CREATE TABLE budgets (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    newest INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    scope TEXT,
    subject BLOB,
    caller TEXT,
    span TEXT,
    micros INTEGER,
    currency TEXT,
    tokens INTEGER,
    calls INTEGER,
    calls_per_minute INTEGER,
    calls_at_once INTEGER,
    alert_percent INTEGER,
    alert_at TEXT,
    note TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX budgets_newest ON budgets (name) WHERE newest = 1;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<BudgetSet>() {
        return set(db, record);
    }
    if record.is::<BudgetEnded>() {
        return ended(db, record);
    }
    Ok(Applied::Passed)
}

const VERSIONS: Versions = Versions {
    streams: "budget/",
    ending: "",
    supersede: "UPDATE budgets SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: "the budget has this version already",
};

fn set(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<BudgetSet>(), |said| &said.name);
    let said = body.as_ref().map(|body| &body.value);
    let caps = said.map(|said| said.caps).unwrap_or_default();
    let subject = said.and_then(|said| match said.scope {
        BudgetScope::System(system) => Some(*system.as_bytes()),
        BudgetScope::Key(key) => Some(*key.as_bytes()),
        BudgetScope::Tenant | BudgetScope::Person(_) | BudgetScope::Team(_) | BudgetScope::Agent(_) => None,
    });
    let sql = "INSERT INTO budgets (name, version, entry, at, actor, newest, ended, scope, subject, span, micros, currency, tokens, calls,
        calls_per_minute, calls_at_once, alert_percent, note, unit, alert_at, caller)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) ON CONFLICT DO NOTHING";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            said.map(|said| said.scope.kind()),
            subject,
            said.map(|said| said.window.as_str()),
            caps.micros.map(int),
            caps.currency.map(|currency| currency.to_string()),
            caps.tokens.map(int),
            caps.calls.map(int),
            caps.calls_per_minute.map(int),
            caps.calls_at_once.map(int),
            said.and_then(|said| said.alert_percent).map(int),
            said.map(|said| &said.note),
            body.as_ref().map(|body| body.unit.as_bytes()),
            said.map(|said| list(&said.alert_at)),
            said.and_then(|said| said.scope.caller()),
        ],
    )
}

fn ended(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<BudgetEnded>(), |said| &said.name);
    let sql = "INSERT INTO budgets (name, version, entry, at, actor, newest, ended, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7) ON CONFLICT DO NOTHING";
    let reason = body.as_ref().map(|body| &body.value.reason);
    VERSIONS.add(db, &version, sql, params![reason, body.as_ref().map(|body| body.unit.as_bytes())])
}
