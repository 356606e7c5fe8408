//! What guards said of calls that had ended: one row for each record, found by its call.

use rusqlite::{Connection, params};
use tabellion_model::body::{AwaitedLook, CallAssessed, EnrichedSide, Guarded};

use super::{Applied, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const ASSESSMENTS: Projection =
    Projection { name: "assessments", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "assessments",
    key: "entry",
    tagged: &[TaggedColumns { unit: "unit", values: &["said"] }],
}];

/// `call` is the record of the permission. `said` is what is counted: what was found stands in the record.
const DDL: &str = "
CREATE TABLE assessments (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    call BLOB NOT NULL,
    said TEXT,
    unit BLOB
) STRICT;
CREATE UNIQUE INDEX assessments_call ON assessments (call);
";

/// What the record of a call that was let through is to this one.
const AUTHORISED: &str = "authorised";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<CallAssessed>() {
        return Ok(Applied::Passed);
    }
    let Some(call) = record.parent(AUTHORISED) else { return Ok(Applied::Unplaced("it names no call")) };
    let body = record.body::<CallAssessed>();
    let sql = "INSERT INTO assessments (entry, record_id, call, said, unit) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            record.header.record_id.as_bytes(),
            call.as_bytes(),
            body.as_ref().map(|body| said(&body.value)),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "its call has one already"))
}

/// `<guard>@<version>/<side>=<outcome>` for each look.
fn said(assessed: &CallAssessed) -> String {
    let of = |side: EnrichedSide, all: &[Guarded]| -> Vec<String> {
        let one = |one: &Guarded| {
            let outcome = word(&one.outcome).unwrap_or_default();
            format!("{}={outcome}", look(&one.guard, &one.version, side))
        };
        all.iter().map(one).collect()
    };
    [of(EnrichedSide::Prompt, &assessed.prompt), of(EnrichedSide::Answer, &assessed.answer)]
        .concat()
        .join(" ")
}

/// The looks that a call waits for, each as [`said`] begins; none where none is for it.
pub(super) fn awaited(looks: &[AwaitedLook]) -> Option<String> {
    let words = looks.iter().map(|one| look(&one.guard, &one.version, one.side));
    (!looks.is_empty()).then(|| words.collect::<Vec<_>>().join(" "))
}

fn look(guard: &str, version: &str, side: EnrichedSide) -> String {
    // What a service calls itself stands behind a space, and is nothing to count by: it may be another one each time.
    let version = version.split(' ').next().unwrap_or_default();
    format!("{guard}@{version}/{}", word(&side).unwrap_or_default())
}
