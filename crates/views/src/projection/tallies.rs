//! Tallies: how many calls of each system were permitted, denied and ended on each day. From headers alone, so that no erasure changes a count. A call that was
//! tried more than once counts by its first attempt.
//!
//! A window of any length is a sum over days, and a batch changes one row for each system in it.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use tabellion_model::body::{Body as _, CallAuthorised, CallBroken, CallCompleted, CallDenied};
use tabellion_model::probe::{asks_no_model, is_probe};
use tabellion_model::{Header, SystemId};

use super::calls::ATTEMPT_OF;
use super::{Applied, Projection, Table, run};
use crate::read::Batch;
use crate::record::Record;
use crate::values::int;

pub(crate) const TALLIES: Projection =
    Projection { name: "tallies", version: 3, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

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

/// Everything is done by whole batches: a day is counted on once for all calls of a system.
#[expect(clippy::unnecessary_wraps, reason = "the form of every projection")]
fn apply(_: &Connection, _: &Record<'_>) -> rusqlite::Result<Applied> {
    Ok(Applied::Passed)
}

/// Counts of one system in one batch, and the last entry among them.
#[derive(Default)]
struct Counted {
    states: [u64; 4],
    last_entry: u64,
}

/// Whether a record is of a further attempt of a call.
fn is_attempt(header: &Header) -> bool {
    header.parents.iter().any(|parent| parent.role == ATTEMPT_OF)
}

/// Folds one batch.
pub(crate) fn batch(db: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let mut counted: BTreeMap<Option<SystemId>, Counted> = BTreeMap::new();
    for (index, header) in batch.records() {
        let place = match header.record_type.as_str() {
            // A call is counted once: its further attempts are none, nor is a probe, nor what asked no model.
            _ if header.type_version != 1
                || is_attempt(header)
                || is_probe(header)
                || asks_no_model(header) =>
            {
                continue;
            }
            CallAuthorised::TYPE => 0,
            CallDenied::TYPE => 1,
            CallCompleted::TYPE => 2,
            CallBroken::TYPE => 3,
            _ => continue,
        };
        let of_system = counted.entry(header.system.map(|(system, _)| system)).or_default();
        of_system.states.iter_mut().skip(place).take(1).for_each(|count| *count += 1);
        of_system.last_entry = index;
    }
    let sql = "INSERT INTO tallies (day, system, permitted, denied, completed, broken, last_entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (day, system) DO UPDATE SET permitted = permitted + excluded.permitted, denied = denied + excluded.denied,
        completed = completed + excluded.completed, broken = broken + excluded.broken, last_entry = excluded.last_entry";
    let day = int(batch.committed_at.0 / DAY_US);
    for (system, Counted { states, last_entry }) in counted {
        let system = system.map(|system| system.as_bytes().to_vec()).unwrap_or_default();
        let [permitted, denied, completed, broken] = states.map(int);
        run(db, sql, params![day, system, permitted, denied, completed, broken, int(last_entry)])?;
    }
    Ok(())
}
