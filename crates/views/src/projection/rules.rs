//! Rules over numbers: every version of each, the newest marked, and every crossing of their thresholds, as the log says it.

use rusqlite::{Connection, params};
use tabellion_model::body::{RuleCrossing, RuleEnded, RuleFired, RuleResolved, RuleSet};

use super::versions::Versions;
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::{Record, Tagged};
use crate::values::{int, word};

pub(super) const RULES: Projection =
    Projection { name: "rules", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table {
        name: "rules",
        key: "name, version",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &[
                "why",
                "metric",
                "system",
                "guard",
                "upstream",
                "model",
                "currency",
                "window_minutes",
                "comparison",
                "threshold",
                "at_least",
                "note",
            ],
        }],
    },
    Table {
        name: "rule_crossings",
        key: "entry",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &[
                "rule_version",
                "metric",
                "comparison",
                "threshold",
                "low",
                "high",
                "observations",
                "unknown",
                "window_from",
                "window_to",
                "size",
            ],
        }],
    },
];

/// `step` is the version of the stream of a rule's crossings: whoever adds one says after which.
const DDL: &str = "
CREATE TABLE rules (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    newest INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    why TEXT,
    metric TEXT,
    system BLOB,
    guard TEXT,
    upstream TEXT,
    model TEXT,
    currency TEXT,
    window_minutes INTEGER,
    comparison TEXT,
    threshold INTEGER,
    at_least INTEGER,
    note TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX rules_newest ON rules (name) WHERE newest = 1;
CREATE TABLE rule_crossings (
    entry INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    fired INTEGER NOT NULL,
    rule_version INTEGER,
    metric TEXT,
    comparison TEXT,
    threshold INTEGER,
    low INTEGER,
    high INTEGER,
    observations INTEGER,
    unknown INTEGER,
    window_from INTEGER,
    window_to INTEGER,
    size INTEGER,
    unit BLOB
) STRICT;
CREATE INDEX rule_crossings_name ON rule_crossings (name, entry);
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<RuleSet>() {
        return set(db, record);
    }
    if record.is::<RuleEnded>() {
        return ended(db, record);
    }
    if record.is::<RuleFired>() {
        let body = record.body::<RuleFired>();
        return crossed(db, record, true, body.map(|body| Tagged { value: body.value.0, unit: body.unit }));
    }
    if record.is::<RuleResolved>() {
        let body = record.body::<RuleResolved>();
        return crossed(db, record, false, body.map(|body| Tagged { value: body.value.0, unit: body.unit }));
    }
    Ok(Applied::Passed)
}

const VERSIONS: Versions = Versions {
    streams: "rule/",
    ending: "",
    supersede: "UPDATE rules SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: "the rule has this version already",
};

fn set(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<RuleSet>(), |said| &said.name);
    let said = body.as_ref().map(|body| &body.value);
    let test = said.map(|said| &said.test);
    let scope = test.map(|test| &test.scope);
    let sql = "INSERT INTO rules (name, version, entry, at, actor, newest, ended, why, metric, system, guard, upstream, model, currency,
        window_minutes, comparison, threshold, at_least, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT DO NOTHING";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            said.map(|said| &said.why),
            test.map(|test| test.metric.as_str()),
            scope.and_then(|scope| scope.system).map(|system| *system.as_bytes()),
            scope.and_then(|scope| scope.guard.as_ref()),
            scope.and_then(|scope| scope.upstream.as_ref()),
            scope.and_then(|scope| scope.model.as_ref()),
            test.and_then(|test| test.currency).map(|currency| currency.to_string()),
            test.map(|test| int(test.window_minutes)),
            test.map(|test| test.comparison.as_str()),
            test.map(|test| int(test.threshold)),
            test.map(|test| int(test.at_least)),
            said.map(|said| &said.note),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )
}

fn ended(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<RuleEnded>(), |said| &said.name);
    let sql = "INSERT INTO rules (name, version, entry, at, actor, newest, ended, note, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7) ON CONFLICT DO NOTHING";
    let reason = body.as_ref().map(|body| &body.value.reason);
    VERSIONS.add(db, &version, sql, params![reason, body.as_ref().map(|body| body.unit.as_bytes())])
}

fn crossed(
    db: &Connection,
    record: &Record<'_>,
    fired: bool,
    body: Option<Tagged<RuleCrossing>>,
) -> rusqlite::Result<Applied> {
    let named =
        record.stream_name("rule/").and_then(|(rest, step)| Some((rest.strip_suffix("/state")?, step)));
    let Some((name, step)) = named else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = body.filter(|body| body.value.name == name);
    let said = body.as_ref().map(|body| &body.value);
    let sql = "INSERT INTO rule_crossings (entry, name, step, record_id, at, fired, rule_version, metric, comparison, threshold, low, high,
        observations, unknown, window_from, window_to, size, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            name,
            int(step),
            record.header.record_id.as_bytes(),
            int(record.committed_at.0),
            fired,
            said.map(|said| int(said.version)),
            said.and_then(|said| word(&said.metric)),
            said.and_then(|said| word(&said.comparison)),
            said.map(|said| int(said.threshold)),
            said.map(|said| int(said.low)),
            said.and_then(|said| said.high).map(int),
            said.map(|said| int(said.observations)),
            said.map(|said| int(said.unknown)),
            said.map(|said| int(said.from.0)),
            said.map(|said| int(said.to.0)),
            said.map(|said| int(said.size)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "the entry is there already"))
}
