//! What detectors said of calls that had ended: one row for each record, found by its call.

use rusqlite::{Connection, params};
use tabellion_model::body::{CallEnriched, EnrichOutcome, Enrichment};

use super::{Applied, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const ENRICHMENTS: Projection =
    Projection { name: "enrichments", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[Table {
    name: "enrichments",
    key: "entry",
    tagged: &[TaggedColumns { unit: "unit", values: &["said"] }],
}];

/// `call` is the record of the permission. `said` is what is counted, in words; the scores stand in the record.
const DDL: &str = "
CREATE TABLE enrichments (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    call BLOB NOT NULL,
    system BLOB,
    at INTEGER NOT NULL,
    said TEXT,
    unit BLOB
) STRICT;
CREATE UNIQUE INDEX enrichments_call ON enrichments (call);
CREATE INDEX enrichments_at ON enrichments (at);
";

/// What the record of a call that was let through is to this one.
const AUTHORISED: &str = "authorised";
/// What stands before the reason of one that did not look; no label begins with it.
pub(crate) const NOT_RUN: char = '!';

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<CallEnriched>() {
        return Ok(Applied::Passed);
    }
    let Some(call) = record.parent(AUTHORISED) else { return Ok(Applied::Unplaced("it names no call")) };
    let body = record.body::<CallEnriched>();
    let said = body.as_ref().map(|body| written(&body.value.enrichments));
    let sql = "INSERT INTO enrichments (entry, record_id, call, system, at, said, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            record.header.record_id.as_bytes(),
            call.as_bytes(),
            record.header.system.map(|(system, _)| *system.as_bytes()),
            int(record.committed_at.0),
            said,
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, "its call has one already"))
}

/// `<name>@<version>/<side>=<label>+<label>` for each, `=!<why>` for one that did not look.
fn written(all: &[Enrichment]) -> String {
    let one = |one: &Enrichment| {
        // What a service calls itself stands behind a space, and is nothing to count by.
        let version = one.version.split(' ').next().unwrap_or_default();
        let side = word(&one.side).unwrap_or_default();
        let result = match one.outcome {
            EnrichOutcome::NotRun => format!("{NOT_RUN}{}", one.why.as_deref().unwrap_or_default()),
            EnrichOutcome::Ran => {
                one.labels.iter().map(|label| label.label.as_str()).collect::<Vec<_>>().join("+")
            }
        };
        format!("{}@{version}/{side}={result}", one.enrichment)
    };
    all.iter().map(one).collect::<Vec<_>>().join(" ")
}
