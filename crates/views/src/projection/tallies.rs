//! Tallies: how many calls of each system were permitted, denied and ended on each day. From headers alone, so that no erasure changes a count.
//!
//! A window of any length is a sum over days, and one record changes one row.

use rusqlite::{Connection, params};
use tabellion_model::body::{Body as _, CallAuthorised, CallBroken, CallCompleted, CallDenied};

use super::{Applied, Projection, Table, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const TALLIES: Projection =
    Projection { name: "tallies", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// Microseconds of a day.
pub(crate) const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

const TABLES: &[Table] = &[Table { name: "tallies", key: "day, system", tagged: &[] }];

/// `day` counts days in UTC from 1 January 1970, by commit time. A call without a system has the empty one.
const DDL: &str = "
CREATE TABLE tallies (
    day INTEGER NOT NULL,
    system BLOB NOT NULL,
    permitted INTEGER NOT NULL,
    denied INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    broken INTEGER NOT NULL,
    last_entry INTEGER NOT NULL,
    PRIMARY KEY (day, system)
) STRICT, WITHOUT ROWID;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.header.type_version != 1 {
        return Ok(Applied::Passed);
    }
    let counted = match record.header.record_type.as_str() {
        CallAuthorised::TYPE => [1, 0, 0, 0],
        CallDenied::TYPE => [0, 1, 0, 0],
        CallCompleted::TYPE => [0, 0, 1, 0],
        CallBroken::TYPE => [0, 0, 0, 1],
        _ => return Ok(Applied::Passed),
    };
    let sql = "INSERT INTO tallies (day, system, permitted, denied, completed, broken, last_entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (day, system) DO UPDATE SET permitted = permitted + excluded.permitted, denied = denied + excluded.denied,
        completed = completed + excluded.completed, broken = broken + excluded.broken, last_entry = excluded.last_entry";
    let system = record.header.system.map(|(system, _)| system.as_bytes().to_vec()).unwrap_or_default();
    let [permitted, denied, completed, broken] = counted;
    let day = int(record.committed_at.0 / DAY_US);
    let rows = run(db, sql, params![day, system, permitted, denied, completed, broken, int(record.index)])?;
    Ok(changed(rows, "its day cannot be counted"))
}
