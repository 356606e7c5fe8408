//! The log itself: which numbers of which producer were seen, and the tree of all entries, computed again from their bytes.
//!
//! Promises: folded batch by batch, seals and statements included. What the log signed is compared with it when somebody asks.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use tabellion_model::ProducerId;
use tabellion_tlog::{CompactRange, Hash, RangeError};

use super::{Applied, Projection, Table, run};
use crate::read::{Batch, Folded};
use crate::record::Record;
use crate::values::{int, number};

pub(crate) const LEDGER: Projection =
    Projection { name: "ledger", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table { name: "numbers", key: "producer, epoch", tagged: &[] },
    Table { name: "tree", key: "size", tagged: &[] },
];

/// `tree` has one row: the hashes of the maximal perfect subtrees of `size` entries, left to right, 32 bytes each.
const DDL: &str = "
CREATE TABLE numbers (
    producer BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    last INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (producer, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE tree (
    size INTEGER PRIMARY KEY,
    nodes BLOB NOT NULL
) STRICT;
";

/// Everything is done by whole batches: what stands between records belongs to the tree too.
#[expect(clippy::unnecessary_wraps, reason = "the form of every projection")]
fn apply(_: &Connection, _: &Record<'_>) -> rusqlite::Result<Applied> {
    Ok(Applied::Passed)
}

/// Folds one batch, its seal included.
pub(crate) fn batch(db: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let sql = "INSERT INTO numbers (producer, epoch, last, records) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (producer, epoch) DO UPDATE SET last = max(last, excluded.last), records = records + excluded.records";
    let mut numbers: BTreeMap<(ProducerId, u64), (u64, u64)> = BTreeMap::new();
    for header in batch.entries.iter().map(Folded::header) {
        let (last, records) = numbers.entry((header.producer, header.epoch)).or_default();
        *last = header.seq.max(*last);
        *records += 1;
    }
    for ((producer, epoch), (last, records)) in numbers {
        run(db, sql, params![producer.as_bytes(), int(epoch), int(last), int(records)])?;
    }
    let mut range = tree(db)?.unwrap_or_else(|| CompactRange::new(0));
    for leaf in batch.leaves.iter().chain([&batch.seal]) {
        range.push(*leaf);
    }
    let nodes: Vec<u8> = range.nodes().iter().flat_map(|node| node.0).collect();
    let row = params![int(range.end()), nodes];
    if run(db, "UPDATE tree SET size = ?1, nodes = ?2", row)? == 0 {
        run(db, "INSERT INTO tree (size, nodes) VALUES (?1, ?2)", row)?;
    }
    Ok(())
}

/// The tree as far as it was folded; none: nothing was.
pub(crate) fn tree(db: &Connection) -> rusqlite::Result<Option<CompactRange>> {
    let row = db
        .prepare_cached("SELECT size, nodes FROM tree")?
        .query_row([], |row| Ok((number(row, "size")?, row.get::<_, Vec<u8>>("nodes")?)))
        .optional()?;
    let Some((size, bytes)) = row else { return Ok(None) };
    let nodes = bytes.chunks_exact(32).filter_map(|node| node.try_into().ok().map(Hash)).collect();
    let unsound = |error: RangeError| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    CompactRange::from_nodes(0, size, nodes).map(Some).map_err(unsound)
}
