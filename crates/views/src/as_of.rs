//! What the rules look at, as of an earlier log size: the same fold, in memory, over the entries up to there.
//!
//! Promises: the same size and vault give the same facts, whenever somebody asks. Takes as long as reading the log up to there. Must never: write a
//! file; what it holds in memory is content.

mod trail;

use rusqlite::Connection;
use tabellion_ledger::Reader;
use tabellion_model::Micros;
use tabellion_model::register::Registers;
use tabellion_model::status::facts::Facts;

use crate::database;
use crate::error::ViewsError;
use crate::fold;
use crate::query::{SoaApproval, SoaRow, facts, soa_at};
use crate::read;
pub use trail::{RegisterRecord, Trail};

/// What stood at one log size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// Commit time of the last batch: the time that windows end at.
    pub at: Micros,
    /// What the rules look at.
    pub facts: Facts,
    /// The Statement of Applicability, in the standard's order.
    pub soa: Vec<SoaRow>,
    /// Its newest approval.
    pub approval: Option<SoaApproval>,
    /// Where to look for what was counted.
    pub trail: Trail,
}

/// What stood at `size`, the end of a commit.
pub fn as_of(reader: &Reader, size: u64, registers: &Registers) -> Result<AsOf, ViewsError> {
    let db = Connection::open_in_memory()?;
    let mut cursors = database::begin_in(&db, reader)?;
    let mut at = Micros(0);
    let tx = db.unchecked_transaction()?;
    read::batches(reader, 0, size, |batch| {
        at = batch.committed_at;
        fold::batch(&tx, &mut cursors, &batch).map(drop)
    })?;
    fold::save(&tx, &cursors)?;
    tx.commit()?;
    let facts = facts::read(&db, reader, registers, at, &mut facts::Kept::default())?;
    let (soa, approval) = soa_at(&db)?;
    Ok(AsOf { at, facts, soa, approval, trail: trail::read(&db)? })
}
