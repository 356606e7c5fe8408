//! What stops did: calls that were refused and cut, counted for each stop that their records name as a parent. From headers alone, so that no erasure
//! changes a report.

use rusqlite::{Connection, params};
use tabellion_model::body::{Body as _, CallCompleted, CallDenied};
use tabellion_model::probe::is_probe;

use super::{Applied, Projection, Table, run};
use crate::record::Record;
use crate::values::int;

pub(super) const STOPPED: Projection =
    Projection { name: "stopped", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What a stop is to the record of a call that it refused or cut.
const PARENT_ROLE: &str = "stop";

const TABLES: &[Table] = &[Table { name: "stopped", key: "ordered", tagged: &[] }];

/// `ordered` is the id of the record that ordered the stop.
const DDL: &str = "
CREATE TABLE stopped (
    ordered BLOB PRIMARY KEY,
    refused INTEGER NOT NULL,
    refused_entry INTEGER,
    refused_at INTEGER,
    cut INTEGER NOT NULL,
    cut_entry INTEGER,
    cut_at INTEGER
) STRICT;
";

/// The first that was refused stays; of those that were cut the last.
const REFUSED: &str = "INSERT INTO stopped (ordered, refused, refused_entry, refused_at, cut) VALUES (?1, 1, ?2, ?3, 0)
    ON CONFLICT (ordered) DO UPDATE SET refused = refused + 1, refused_entry = coalesce(refused_entry, ?2), refused_at = coalesce(refused_at, ?3)";
const CUT: &str = "INSERT INTO stopped (ordered, refused, cut, cut_entry, cut_at) VALUES (?1, 0, 1, ?2, ?3)
    ON CONFLICT (ordered) DO UPDATE SET cut = cut + 1, cut_entry = ?2, cut_at = ?3";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    // A stop holds for probes too, and its report is of traffic.
    if is_probe(record.header) {
        return Ok(Applied::Passed);
    }
    let sql = match record.header.record_type.as_str() {
        CallDenied::TYPE => REFUSED,
        CallCompleted::TYPE => CUT,
        _ => return Ok(Applied::Passed),
    };
    let mut applied = Applied::Passed;
    for stop in record.header.parents.iter().filter(|parent| parent.role == PARENT_ROLE) {
        run(db, sql, params![stop.record_id.as_bytes(), int(record.index), int(record.committed_at.0)])?;
        applied = Applied::Changed;
    }
    Ok(applied)
}
