//! Ids of calls and of their units, filed: sorted runs of a fixed length of the log, written once in order, instead of an index in which each of them
//! would change a page of its own.
//!
//! Promises: what is filed when follows from indexes of entries alone; the newest calls, of the run that is not over, are found by looking through them.
//! Must never: keep the id of a unit whose content was blanked.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use tabellion_model::{RecordId, UnitId};

use super::run;
use crate::values::{int, number};

/// Entries of one run. Longer ones make fewer places to look, and more newest calls to look through: here some 30,000, in about 20 ms.
pub(crate) const RUN_ENTRIES: u64 = if cfg!(test) { 16 } else { 1 << 16 };

/// The first entry of the run that is not over.
fn unfiled(db: &Connection) -> rusqlite::Result<u64> {
    let last = "SELECT coalesce(max(run) + 1, 0) FROM call_ids";
    Ok(db.prepare_cached(last)?.query_row([], |row| number(row, 0))? * RUN_ENTRIES)
}

/// Files the calls of every run that is over, each once: before a batch that begins at `index` is folded. A batch may hold the end of one run and the beginning
/// of the next, so that the newest call says nothing about the run before its own.
pub(crate) fn file(db: &Connection, index: u64) -> rusqlite::Result<()> {
    let over = index / RUN_ENTRIES * RUN_ENTRIES;
    loop {
        let next = db
            .prepare_cached(
                "SELECT entry FROM calls WHERE entry >= ?1 AND entry < ?2 ORDER BY entry LIMIT 1",
            )?
            .query_row(params![int(unfiled(db)?), int(over)], |row| number(row, 0))
            .optional()?;
        match next {
            Some(entry) => file_run(db, entry / RUN_ENTRIES)?,
            None => return Ok(()),
        }
    }
}

fn file_run(db: &Connection, number: u64) -> rusqlite::Result<()> {
    let from = number * RUN_ENTRIES;
    let bounds = params![int(number), int(from), int(from + RUN_ENTRIES)];
    let ids = "INSERT OR IGNORE INTO call_ids (run, record_id, entry) SELECT ?1, record_id, entry FROM calls
        WHERE entry >= ?2 AND entry < ?3 ORDER BY record_id";
    run(db, ids, bounds)?;
    // A denial has both its units in one.
    let units = "INSERT OR IGNORE INTO call_units (run, unit, entry)
        SELECT ?1, asked_unit, entry FROM calls WHERE entry >= ?2 AND entry < ?3 AND asked_unit IS NOT NULL
        UNION SELECT ?1, ended_unit, entry FROM calls WHERE entry >= ?2 AND entry < ?3 AND ended_unit IS NOT NULL
        ORDER BY 2";
    run(db, units, bounds).map(drop)
}

/// Files the unit of a call's end at `index`, when the call's own run was filed before.
pub(super) fn file_late(db: &Connection, call: u64, index: u64, unit: &UnitId) -> rusqlite::Result<()> {
    let its = call / RUN_ENTRIES;
    if its == index / RUN_ENTRIES || its * RUN_ENTRIES >= unfiled(db)? {
        return Ok(());
    }
    let sql = "INSERT INTO call_units (run, unit, entry) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    run(db, sql, params![int(its), unit.as_bytes(), int(call)]).map(drop)
}

/// Entries of the calls that hold content of each of `units`; what is filed of them is taken out.
pub(crate) fn take(db: &Connection, units: &[UnitId]) -> rusqlite::Result<Vec<(UnitId, u64)>> {
    let begin = unfiled(db)?;
    let wanted: BTreeMap<[u8; 16], UnitId> = units.iter().map(|unit| (*unit.as_bytes(), *unit)).collect();
    let mut found = Vec::new();
    let mut newest =
        db.prepare_cached("SELECT entry, asked_unit, ended_unit FROM calls WHERE entry >= ?1")?;
    let mut rows = newest.query(params![int(begin)])?;
    while let Some(row) = rows.next()? {
        for column in 1..3 {
            let unit: Option<[u8; 16]> = row.get(column)?;
            if let Some(unit) = unit.and_then(|unit| wanted.get(&unit)) {
                found.push((*unit, number(row, 0)?));
            }
        }
    }
    let mut filed =
        db.prepare_cached("DELETE FROM call_units WHERE run = ?1 AND unit = ?2 RETURNING entry")?;
    for run in 0..begin / RUN_ENTRIES {
        // In the order of the run, so that pages are read once.
        for (bytes, unit) in &wanted {
            let entries = filed.query_map(params![int(run), bytes], |row| number(row, 0))?;
            for entry in entries {
                found.push((*unit, entry?));
            }
        }
    }
    Ok(found)
}

/// The entry of the call with this id.
pub(crate) fn entry_of(db: &Connection, record: &RecordId) -> rusqlite::Result<Option<u64>> {
    let begin = unfiled(db)?;
    let mut filed = db.prepare_cached("SELECT entry FROM call_ids WHERE run = ?1 AND record_id = ?2")?;
    for run in (0..begin / RUN_ENTRIES).rev() {
        let found = filed.query_row(params![int(run), record.as_bytes()], |row| number(row, 0)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let newest = "SELECT entry FROM calls WHERE entry >= ?1 AND record_id = ?2 LIMIT 1";
    db.prepare_cached(newest)?
        .query_row(params![int(begin), record.as_bytes()], |row| number(row, 0))
        .optional()
}

#[cfg(test)]
mod tests;
