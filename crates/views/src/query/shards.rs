//! Shards: what this log, as a root log, knows of the logs whose checkpoints it takes.

use rusqlite::types::FromSqlError;
use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::registry::Divergence;
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_tlog::{Hash, PublicKey};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, optional_number, optional_time, time};
use crate::views::Views;

/// Most conflicts of one shard that an answer names, the newest: one is enough to act upon.
const MAX_CONFLICTS: u32 = 16;

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRow {
    /// SHA-256 of its origin.
    pub shard: Hash,
    /// Version of its stream.
    pub version: u64,
    /// The entry that registered it, or its keys anew.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who registered it.
    pub by: CredentialId,
    /// The system whose API keys hand in its checkpoints.
    pub system: Option<SystemId>,
    /// Its origin.
    pub origin: String,
    /// The key that signs its checkpoints.
    pub key: PublicKey,
    /// Its root key.
    pub root_key: PublicKey,
    /// Size of its newest checkpoint here; 0: there is none.
    pub size: u64,
    /// Root of that.
    pub root: Option<Hash>,
    /// Entry of that.
    pub newest: Option<u64>,
    /// Commit time of that entry.
    pub newest_at: Option<Micros>,
    /// How many checkpoints of it there are.
    pub checkpoints: u64,
    /// Longest time between two of them, microseconds.
    pub longest_us: u64,
    /// How many conflicts were found.
    pub conflicts: u64,
}

/// One conflict of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardConflictRow {
    /// The entry that names it.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// How the trees differ.
    pub kind: Divergence,
    /// Whether the shard's own signatures prove it.
    pub proved: bool,
    /// Size of what the shard showed.
    pub size: u64,
    /// Size of the newest checkpoint here then.
    pub known_size: u64,
}

impl Views {
    /// Every shard, the last registered first.
    pub fn shards(&self, page: Page) -> Result<Rows<ShardRow>, ViewsError> {
        self.ask(|db| Where::default().page(db, "SELECT * FROM shards", "entry", page, row, |row| row.entry))
    }

    /// One shard, by the SHA-256 of its origin.
    pub fn shard(&self, shard: &Hash) -> Result<Option<ShardRow>, ViewsError> {
        let sql = "SELECT * FROM shards WHERE shard = ?1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![shard.0], row).optional()?))
    }

    /// The root and the entry of a shard's checkpoint of exactly this size.
    pub fn shard_checkpoint(&self, shard: &Hash, size: u64) -> Result<Option<(Hash, u64)>, ViewsError> {
        let sql = "SELECT root, entry FROM shard_checkpoints WHERE shard = ?1 AND size = ?2";
        let one = |row: &Row<'_>| Ok((Hash(row.get(0)?), number(row, 1)?));
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![shard.0, int(size)], one).optional()?))
    }

    /// The conflicts of a shard, the newest first, 16 at most.
    pub fn shard_conflicts(&self, shard: &Hash) -> Result<Vec<ShardConflictRow>, ViewsError> {
        let sql = format!(
            "SELECT entry, at, kind, proved, size, known_size FROM shard_conflicts WHERE shard = ?1 ORDER BY entry DESC LIMIT {MAX_CONFLICTS}"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![shard.0], conflict)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Whether such a conflict was recorded while the newest checkpoint was of this size.
    pub fn has_shard_conflict(
        &self,
        shard: &Hash,
        known_size: u64,
        kind: Divergence,
        proved: bool,
    ) -> Result<bool, ViewsError> {
        let sql = "SELECT 1 FROM shard_conflicts WHERE shard = ?1 AND known_size = ?2 AND kind = ?3 AND proved = ?4";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.exists(params![shard.0, int(known_size), kind.as_str(), proved])?)
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ShardRow> {
    let root: Option<[u8; 32]> = row.get("root")?;
    Ok(ShardRow {
        shard: Hash(row.get("shard")?),
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        system: optional_id(row, "system")?,
        origin: row.get("origin")?,
        key: key(row, "key")?,
        root_key: key(row, "root_key")?,
        size: number(row, "size")?,
        root: root.map(Hash),
        newest: optional_number(row, "newest")?,
        newest_at: optional_time(row, "newest_at")?,
        checkpoints: number(row, "checkpoints")?,
        longest_us: number(row, "longest_us")?,
        conflicts: number(row, "conflicts")?,
    })
}

fn conflict(row: &Row<'_>) -> rusqlite::Result<ShardConflictRow> {
    let kind: String = row.get("kind")?;
    Ok(ShardConflictRow {
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        kind: Divergence::parse(&kind).ok_or(FromSqlError::InvalidType)?,
        proved: row.get("proved")?,
        size: number(row, "size")?,
        known_size: number(row, "known_size")?,
    })
}

fn key(row: &Row<'_>, at: &str) -> rusqlite::Result<PublicKey> {
    PublicKey::from_bytes(&row.get(at)?).map_err(|_| FromSqlError::InvalidType.into())
}
