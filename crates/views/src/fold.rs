//! Folding committed batches into the views: the one place that writes rows.
//!
//! Promises: rows and cursors change in one transaction, so each record is folded exactly once; positions are always ends of batches. Must never:
//! pass over a critical record that it does not know, or a tombstone that it cannot read.

use rusqlite::{Connection, params};
use tabellion_ledger::PlainContent;
use tabellion_model::registry::{self, Facts, Recognition};
use tabellion_model::{Header, Micros, UnitId, open_unit_plaintext, tombstone};
use tabellion_tlog::Hash;

use crate::database::{self, Cursor};
use crate::error::ViewsError;
use crate::projection::{self, Applied, Projection, Table, calls, filed, ledger, spend, tallies};
use crate::read::{Batch, Folded};
use crate::record::Record;
use crate::values::int;

/// What a fold did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Rows that the gateway decides by may have changed.
    pub(crate) gate: bool,
    /// What was spent, or what something costs, may have changed: of the gate, budgets and prices alone.
    pub(crate) spend: bool,
    /// Content was blanked.
    pub(crate) blanked: bool,
}

impl Touched {
    /// Adds what another fold did.
    pub(crate) fn add(&mut self, other: Self) {
        self.gate |= other.gate;
        self.spend |= other.spend;
        self.blanked |= other.blanked;
    }
}

/// Folds one batch into every view that has not read it, and moves their cursors.
pub(crate) fn batch(tx: &Connection, cursors: &mut [Cursor], batch: &Batch) -> Result<Touched, ViewsError> {
    let behind: Vec<&'static Projection> = projection::ALL
        .iter()
        .zip(cursors.iter())
        .filter(|(_, cursor)| cursor.position < batch.size_after)
        .map(|(projection, _)| projection)
        .collect();
    let folds = |view: &Projection| behind.iter().any(|projection| projection.name == view.name);
    if folds(&calls::CALLS) {
        filed::file(tx, batch.begin())?;
    }
    let mut touched = Touched::default();
    for view in &batch.entries {
        touched.add(entry(tx, &behind, batch, view)?);
    }
    if folds(&ledger::LEDGER) {
        ledger::batch(tx, batch)?;
    }
    if folds(&tallies::TALLIES) {
        tallies::batch(tx, batch)?;
    }
    let reached = Cursor { position: batch.size_after, seal: Some(batch.seal) };
    for cursor in cursors.iter_mut().filter(|cursor| cursor.position < reached.position) {
        *cursor = reached;
    }
    Ok(touched)
}

/// Folds one entry by which somebody changed something, out of a log that is not read as a whole. What lies at `size` or above was not there.
pub(crate) fn change(
    tx: &Connection,
    view: &Folded,
    committed_at: Micros,
    size: u64,
) -> Result<(), ViewsError> {
    let (entries, leaves) = (Vec::new(), Vec::new());
    let batch = Batch { entries, leaves, committed_at, size_after: size, seal: Hash([0; 32]) };
    let all: Vec<&'static Projection> = projection::ALL.iter().collect();
    entry(tx, &all, &batch, view).map(drop)
}

/// Writes the cursors; the last thing in a transaction.
pub(crate) fn save(tx: &Connection, cursors: &[Cursor]) -> rusqlite::Result<()> {
    if let Some(first) = cursors.first().filter(|first| cursors.iter().all(|cursor| cursor == *first)) {
        return database::set_cursors(tx, first);
    }
    for (projection, cursor) in projection::ALL.iter().zip(cursors) {
        database::set_cursor(tx, projection.name, cursor)?;
    }
    Ok(())
}

/// Entries that every view has folded.
pub(crate) fn position(cursors: &[Cursor]) -> u64 {
    cursors.iter().map(|cursor| cursor.position).min().unwrap_or(0)
}

fn entry(
    tx: &Connection,
    behind: &[&'static Projection],
    batch: &Batch,
    view: &Folded,
) -> Result<Touched, ViewsError> {
    let header = view.header();
    if registry::recognise(header) == Recognition::UnknownCritical {
        return Err(ViewsError::UnknownCritical {
            index: view.index,
            record_type: header.record_type.to_string(),
            type_version: header.type_version,
        });
    }
    if let Some(Facts::ErasureDone(done)) = facts(view.index, header)? {
        return erase(tx, behind, view, done.erased);
    }
    // A statement speaks for whoever signed it; what the product itself did, its writer sealed.
    if !view.is_record {
        return Ok(Touched::default());
    }
    let record = Record { index: view.index, committed_at: batch.committed_at, header, units: &view.units };
    let mut touched = Touched::default();
    for projection in behind {
        match (projection.apply)(tx, &record)? {
            Applied::Changed => {
                touched.gate |= projection.feeds_gate;
                touched.spend |= projection.name == spend::SPEND.name;
            }
            Applied::Passed => {}
            Applied::Unplaced(why) => {
                let sql = "INSERT INTO unplaced (entry, view, record_type, why) VALUES (?1, ?2, ?3, ?4)";
                let values = params![int(view.index), projection.name, header.record_type.as_str(), why];
                tx.prepare_cached(sql)?.execute(values)?;
            }
        }
    }
    Ok(touched)
}

fn facts(index: u64, header: &Header) -> Result<Option<Facts>, ViewsError> {
    registry::facts(header).map_err(|error| ViewsError::Malformed { index, reason: error.to_string() })
}

/// Blanks what the tombstones of one record name.
fn erase(
    tx: &Connection,
    behind: &[&'static Projection],
    view: &Folded,
    said: u64,
) -> Result<Touched, ViewsError> {
    let shown = view.units.iter().filter_map(|unit| match &unit.content {
        PlainContent::Shown(plaintext) => open_unit_plaintext(plaintext).ok(),
        PlainContent::Erased | PlainContent::Missing => None,
    });
    let erased: Vec<UnitId> =
        shown.flatten().filter_map(|disclosure| tombstone::erased_unit(&disclosure)).collect();
    let mut touched = Touched::default();
    for projection in behind {
        let rows = blank(tx, projection.tables, &erased)?;
        touched.blanked |= rows > 0;
        touched.gate |= rows > 0 && projection.feeds_gate;
        touched.spend |= rows > 0 && projection.name == spend::SPEND.name;
    }
    let read = erased.len() as u64;
    if read == said {
        return Ok(touched);
    }
    Err(ViewsError::Malformed {
        index: view.index,
        reason: format!(
            "it states {said} erasures and {read} of them can be read here, so the views cannot tell what to blank"
        ),
    })
}

/// Blanks what `units` said, in every table.
fn blank(tx: &Connection, tables: &[Table], units: &[UnitId]) -> rusqlite::Result<usize> {
    let mut rows = 0;
    for table in tables {
        let filed = if table.is_filed() { filed::take(tx, units)? } else { Vec::new() };
        for tagged in table.tagged {
            let values: String = tagged.values.iter().flat_map(|value| [*value, " = NULL, "]).collect();
            let (name, column) = (table.name, tagged.unit);
            let sql = if table.goes() {
                format!("DELETE FROM {name} WHERE {column} = ?1")
            } else {
                format!("UPDATE {name} SET {values}{column} = NULL WHERE {column} = ?1")
            };
            if table.is_filed() {
                let mut blank = tx.prepare_cached(&format!("{sql} AND entry = ?2"))?;
                for (unit, entry) in &filed {
                    rows += blank.execute(params![unit.as_bytes(), int(*entry)])?;
                }
                continue;
            }
            let mut blank = tx.prepare_cached(&sql)?;
            for unit in units {
                rows += blank.execute(params![unit.as_bytes()])?;
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
