//! The log as C2SP tlog-tiles serves it: hashes by tile, entries by bundle, and the checkpoint that was published.
//!
//! Promises: every tile and bundle of every size up to the committed one is there, partial ones included; a full one always has the same bytes.
//! Must never: give a hash or an entry that is not committed.

use tabellion_tlog::{Hash, TILE_WIDTH, TileId, bundle_path, leaf_hash, push_entry};

use crate::derive::{self, CHECKPOINT_PATH, MAX_CHECKPOINT_FILE, TILE_DIR};
use crate::disk;
use crate::error::LedgerError;
use crate::reader::Reader;

/// Levels of the tree in one level of tiles.
const TILE_HEIGHT: u8 = 8;

impl Reader {
    /// The hashes of `tile`, 32 bytes each; none: the tree has not got so far.
    pub fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(level) = tile.level().checked_mul(TILE_HEIGHT).filter(|level| *level < 64) else {
            return Ok(None);
        };
        let Some((begin, end)) = self.bounds(tile.index(), tile.width(), level) else { return Ok(None) };
        if level == 0 {
            if let Some(whole) = self.derived_file(&tile.path(), tile.is_full(), end, Some(end - begin)) {
                return Ok(Some(whole));
            }
            return Ok(Some(bytes_of(&self.leaves(begin, end)?)));
        }
        let state = self.state();
        let hashes = (begin..end).map(|index| state.tree.kept(level, index)).collect::<Option<Vec<_>>>();
        Ok(hashes.map(|hashes| bytes_of(&hashes)))
    }

    /// The bundle of entries `256 × index` to `256 × index + width − 1`: of each its length in two bytes, then itself. None: the log has not got so far.
    pub fn bundle(&self, index: u64, width: u16) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some((begin, end)) = self.bounds(index, width, 0) else { return Ok(None) };
        if let Some(whole) = self.derived_file(&bundle_path(index, width), width == TILE_WIDTH, end, None) {
            return Ok(Some(whole));
        }
        let mut bundle = Vec::new();
        self.raw_entries(begin, end, |entry| {
            push_entry(&mut bundle, entry.bytes).map_err(|error| LedgerError::Fatal(error.to_string()))
        })?;
        Ok(Some(bundle))
    }

    /// The checkpoint that was published last: at most about a second old while the log grows. None: nothing was published yet.
    pub fn published(&self) -> Result<Option<String>, LedgerError> {
        let disk = self.shared.disk.as_ref();
        let unavailable =
            |error: std::io::Error| LedgerError::Unavailable(format!("{CHECKPOINT_PATH}: {error}"));
        if !disk.exists(CHECKPOINT_PATH).map_err(unavailable)? {
            return Ok(None);
        }
        let bytes = disk::read_all(disk, CHECKPOINT_PATH, MAX_CHECKPOINT_FILE).map_err(unavailable)?;
        String::from_utf8(bytes).map(|text| Some(self.with_cosignatures(&text))).map_err(|_| {
            LedgerError::Unavailable(format!(
                "{CHECKPOINT_PATH} is not text; it is written again with the next commit"
            ))
        })
    }

    /// First and last but one node of a tile at this level of the tree, when all of them are perfect by now.
    fn bounds(&self, index: u64, width: u16, level: u8) -> Option<(u64, u64)> {
        let begin = index.checked_mul(u64::from(TILE_WIDTH))?;
        let end = begin.checked_add(u64::from(width))?;
        (begin < end && end <= self.size() >> level).then_some((begin, end))
    }

    fn leaves(&self, begin: u64, end: u64) -> Result<Vec<Hash>, LedgerError> {
        if let Some(leaves) = self.state().tree.recent_leaves(begin, end) {
            return Ok(leaves);
        }
        let mut leaves = Vec::new();
        self.raw_entries(begin, end, |entry| {
            leaves.push(leaf_hash(entry.bytes));
            Ok(())
        })?;
        Ok(leaves)
    }

    /// A full tile or bundle that was derived already. What is not there, or is not as long as it has to be, is made from the log.
    fn derived_file(&self, path: &str, is_full: bool, end: u64, hashes: Option<u64>) -> Option<Vec<u8>> {
        let disk = self.shared.disk.as_ref();
        if !is_full || derive::derived(disk).ok()? < end {
            return None;
        }
        let bytes = disk::read_all(disk, &format!("{TILE_DIR}/{path}"), derive::MAX_BUNDLE_FILE).ok()?;
        hashes.is_none_or(|hashes| bytes.len() as u64 == hashes * 32).then_some(bytes)
    }
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
