//! Calls: one row each, from its permission or denial to its end.
//!
//! Bodies, prompts and answers stay in the vault; a row holds what lists filter and the overview adds up. Ids are 128 random bits: an index over them
//! would change a page of its own for each call, so ids are filed in sorted runs (`filed.rs`) and only open calls are indexed by theirs.

use rusqlite::{Connection, OptionalExtension as _, Params, params};
use tabellion_model::UnitId;
use tabellion_model::body::{
    Body as _, CallAuthorised, CallBroken, CallCompleted, CallDenied, Guarded, Masked,
};
use tabellion_model::probe::is_probe;

use super::assessments::awaited;
use super::{Applied, Projection, Table, TaggedColumns, changed, filed, run};
use crate::record::Record;
use crate::values::{int, number, word};

pub(crate) const CALLS: Projection =
    Projection { name: "calls", version: 6, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// How a call stands. By the types of its records alone.
pub(crate) mod state {
    pub(crate) const OPEN: i64 = 0;
    pub(crate) const COMPLETED: i64 = 1;
    pub(crate) const BROKEN: i64 = 2;
    pub(crate) const DENIED: i64 = 3;
}

/// The table of calls, whose units are filed.
pub(super) const CALLS_TABLE: &str = "calls";

const TABLES: &[Table] = &[
    Table { name: "call_ids", key: "run, record_id", tagged: &[] },
    Table { name: "call_units", key: "run, unit, entry", tagged: &[] },
    Table {
        name: CALLS_TABLE,
        key: "entry",
        tagged: &[
            TaggedColumns {
                unit: "asked_unit",
                values: &[
                    "surface",
                    "model",
                    "upstream",
                    "purpose",
                    "stream",
                    "request_bytes",
                    "request_masked",
                    "retry",
                    "observed_policies",
                    "observed_verdict",
                    "observed_rules",
                    "asked_guards",
                    "after_guards",
                ],
            },
            TaggedColumns {
                unit: "ended_unit",
                values: &[
                    "outcome",
                    "status",
                    "upstream_status",
                    "code",
                    "delivered",
                    "answered_model",
                    "prompt_tokens",
                    "completion_tokens",
                    "answer_bytes",
                    "answer_masked",
                    "duration_us",
                    "first_byte_us",
                    "ended_guards",
                ],
            },
        ],
    },
];

/// `at` never falls as `entry` grows. `attempt_of` is the record of the call that a row is a further attempt of; such a row is no call by itself. What a list filters by and few calls have is indexed for those few.
const DDL: &str = "
CREATE TABLE calls (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    state INTEGER NOT NULL,
    system BLOB,
    key BLOB,
    basis INTEGER,
    at INTEGER NOT NULL,
    end_entry INTEGER,
    ended_at INTEGER,
    attempt_of BLOB,
    surface TEXT,
    model TEXT,
    upstream TEXT,
    purpose TEXT,
    stream INTEGER,
    request_bytes INTEGER,
    request_masked INTEGER,
    retry INTEGER,
    observed_policies TEXT,
    observed_verdict TEXT,
    observed_rules TEXT,
    asked_guards TEXT,
    after_guards TEXT,
    asked_unit BLOB,
    outcome TEXT,
    status INTEGER,
    upstream_status INTEGER,
    code TEXT,
    delivered TEXT,
    answered_model TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    answer_bytes INTEGER,
    answer_masked INTEGER,
    duration_us INTEGER,
    first_byte_us INTEGER,
    ended_guards TEXT,
    ended_unit BLOB
) STRICT;
CREATE UNIQUE INDEX calls_open ON calls (record_id) WHERE state = 0;
CREATE INDEX calls_attempts ON calls (attempt_of, entry) WHERE attempt_of IS NOT NULL;
CREATE INDEX calls_at ON calls (at);
CREATE INDEX calls_system ON calls (system, entry);
CREATE INDEX calls_key ON calls (key, entry);
CREATE INDEX calls_said ON calls (purpose, model, entry);
CREATE INDEX calls_broken ON calls (entry) WHERE state = 2;
CREATE INDEX calls_denied ON calls (entry, code) WHERE state = 3;
CREATE INDEX calls_code ON calls (code, entry) WHERE code IS NOT NULL;
CREATE INDEX calls_unanswered ON calls (outcome, entry) WHERE outcome <> 'answered';
CREATE INDEX calls_end_erased ON calls (entry) WHERE state = 1 AND ended_unit IS NULL;
CREATE INDEX calls_after ON calls (ended_at) WHERE after_guards IS NOT NULL;
CREATE INDEX calls_observed ON calls (entry) WHERE observed_verdict IS NOT NULL;
CREATE INDEX calls_answered_by ON calls (system, coalesce(answered_model, model)) WHERE state = 1 AND ended_unit IS NOT NULL;
CREATE INDEX calls_answered_by_unknown ON calls (system, at) WHERE state = 1 AND (ended_unit IS NULL OR coalesce(answered_model, model) IS NULL);
CREATE TABLE call_ids (
    run INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (run, record_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE call_units (
    run INTEGER NOT NULL,
    unit BLOB NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (run, unit, entry)
) STRICT, WITHOUT ROWID;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    // A probe is no traffic: `probes.rs` has it.
    if record.header.type_version != 1 || is_probe(record.header) {
        return Ok(Applied::Passed);
    }
    let fold = match record.header.record_type.as_str() {
        CallAuthorised::TYPE => authorised,
        CallCompleted::TYPE => completed,
        CallBroken::TYPE => broken,
        CallDenied::TYPE => denied,
        _ => return Ok(Applied::Passed),
    };
    fold(db, record)
}

fn count(masked: &[Masked]) -> i64 {
    int(masked.iter().map(|class| class.count).fold(0, u64::saturating_add))
}

/// Words as one column has them: each is of a-z, 0-9, `-`, `_` and a dot, so a space parts them.
fn list(words: &[String]) -> String {
    words.join(" ")
}

/// What the first permission of a call is to the records of its further attempts.
pub(crate) const ATTEMPT_OF: &str = "attempt_of";

/// What guards said as one column has it, `<guard>@<version>=<outcome>` for each; none where none was for the call.
fn said(guards: &[Guarded]) -> Option<String> {
    let outcome = |guarded: &Guarded| word(&guarded.outcome).unwrap_or_default();
    // What a service calls itself stands behind a space, and is nothing to count by: it may be another one each time.
    let version = |guarded: &Guarded| guarded.version.split(' ').next().unwrap_or_default().to_owned();
    let words = guards.iter().map(|one| format!("{}@{}={}", one.guard, version(one), outcome(one)));
    (!guards.is_empty()).then(|| list(&words.collect::<Vec<_>>()))
}

const TWICE: &str = "a call with its id is open";

fn authorised(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let header = record.header;
    let asked = record.body::<CallAuthorised>();
    let body = asked.as_ref().map(|asked| &asked.value);
    let observed = body.and_then(|body| body.observed.as_ref());
    let sql = "INSERT INTO calls (entry, record_id, state, system, key, basis, at, surface, model, upstream, purpose, stream,
        request_bytes, request_masked, retry, asked_unit, observed_policies, observed_verdict, observed_rules, attempt_of,
        asked_guards, after_guards)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) ON CONFLICT (record_id) WHERE state = 0 DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            header.record_id.as_bytes(),
            state::OPEN,
            header.system.map(|(system, _)| *system.as_bytes()),
            header.actor.as_bytes(),
            header.basis.map(int),
            int(record.committed_at.0),
            body.map(|body| &body.surface),
            body.map(|body| &body.model),
            body.map(|body| &body.upstream),
            body.map(|body| &body.purpose),
            body.map(|body| body.stream),
            body.map(|body| int(body.received_bytes)),
            body.map(|body| count(&body.masked)),
            body.map(|body| int(body.retry)),
            asked.as_ref().map(|asked| asked.unit.as_bytes()),
            observed.map(|observed| list(&observed.policies)),
            observed.map(|observed| &observed.verdict),
            observed.map(|observed| list(&observed.rules)),
            record.parent(ATTEMPT_OF).map(|call| *call.as_bytes()),
            body.and_then(|body| said(&body.guards)),
            body.and_then(|body| awaited(&body.guards_after)),
        ],
    )?;
    Ok(changed(rows, TWICE))
}

const NOT_OPEN: &str = "it names no call that was open";

/// Ends an open call by `sql`, which gives its entry.
fn end(
    db: &Connection,
    record: &Record<'_>,
    unit: Option<UnitId>,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Applied> {
    let call = db.prepare_cached(sql)?.query_row(params, |row| number(row, 0)).optional()?;
    let Some(call) = call else { return Ok(Applied::Unplaced(NOT_OPEN)) };
    if let Some(unit) = unit {
        filed::file_late(db, call, record.index, &unit)?;
    }
    Ok(Applied::Changed)
}

fn completed(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(call) = record.parent("authorised") else { return Ok(Applied::Unplaced(NOT_OPEN)) };
    let ended = record.body::<CallCompleted>();
    let body = ended.as_ref().map(|ended| &ended.value);
    let usage = body.and_then(|body| body.answered.usage);
    let sql = "UPDATE calls SET state = ?2, end_entry = ?3, ended_at = ?4, outcome = ?5, status = ?6, upstream_status = ?7, code = ?8,
        delivered = ?9, answered_model = ?10, prompt_tokens = ?11, completion_tokens = ?12, answer_bytes = ?13, answer_masked = ?14,
        duration_us = ?15, first_byte_us = ?16, ended_unit = ?17, ended_guards = ?18 WHERE record_id = ?1 AND state = 0 RETURNING entry";
    let unit = ended.as_ref().map(|ended| ended.unit);
    end(
        db,
        record,
        unit,
        sql,
        params![
            call.as_bytes(),
            state::COMPLETED,
            int(record.index),
            int(record.committed_at.0),
            body.and_then(|body| word(&body.outcome)),
            body.map(|body| int(body.status)),
            body.and_then(|body| body.upstream_status).map(int),
            body.and_then(|body| body.code.as_ref()),
            body.and_then(|body| word(&body.delivered)),
            body.and_then(|body| body.answered.model.as_ref()),
            usage.map(|usage| int(usage.prompt_tokens)),
            usage.map(|usage| int(usage.completion_tokens)),
            body.map(|body| int(body.received_bytes)),
            body.map(|body| count(&body.masked)),
            body.map(|body| int(body.duration_us)),
            body.and_then(|body| body.first_byte_us).map(int),
            ended.as_ref().map(|ended| ended.unit.as_bytes()),
            body.and_then(|body| said(&body.guards)),
        ],
    )
}

fn broken(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(call) = record.parent("authorised") else { return Ok(Applied::Unplaced(NOT_OPEN)) };
    let ended = record.body::<CallBroken>();
    let body = ended.as_ref().map(|ended| &ended.value);
    let sql = "UPDATE calls SET state = ?2, end_entry = ?3, ended_at = ?4, code = ?5, delivered = ?6, ended_unit = ?7
        WHERE record_id = ?1 AND state = 0 RETURNING entry";
    let unit = ended.as_ref().map(|ended| ended.unit);
    end(
        db,
        record,
        unit,
        sql,
        params![
            call.as_bytes(),
            state::BROKEN,
            int(record.index),
            int(record.committed_at.0),
            body.map(|body| &body.code),
            body.and_then(|body| word(&body.delivered)),
            ended.as_ref().map(|ended| ended.unit.as_bytes()),
        ],
    )
}

fn denied(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let header = record.header;
    let denied = record.body::<CallDenied>();
    let body = denied.as_ref().map(|denied| &denied.value);
    let observed = body.and_then(|body| body.observed.as_ref());
    let sql = "INSERT INTO calls (entry, record_id, state, system, key, basis, at, end_entry, ended_at, surface, model, purpose,
        request_bytes, retry, asked_unit, code, status, ended_unit, observed_policies, observed_verdict, observed_rules, attempt_of,
        asked_guards)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?1, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?13, ?16, ?17, ?18, ?19, ?20) ON CONFLICT (entry) DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            header.record_id.as_bytes(),
            state::DENIED,
            header.system.map(|(system, _)| *system.as_bytes()),
            header.actor.as_bytes(),
            header.basis.map(int),
            int(record.committed_at.0),
            body.map(|body| &body.surface),
            body.and_then(|body| body.model.as_ref()),
            body.and_then(|body| body.purpose.as_ref()),
            body.map(|body| int(body.received_bytes)),
            body.map(|body| int(body.retry)),
            denied.as_ref().map(|denied| denied.unit.as_bytes()),
            body.map(|body| &body.code),
            body.map(|body| int(body.status)),
            observed.map(|observed| list(&observed.policies)),
            observed.map(|observed| &observed.verdict),
            observed.map(|observed| list(&observed.rules)),
            record.parent(ATTEMPT_OF).map(|call| *call.as_bytes()),
            body.and_then(|body| said(&body.guards)),
        ],
    )?;
    Ok(changed(rows, TWICE))
}
