//! The part of a log that a saved state speaks for: its segments are there and follow each other, and the last of them ends in the checkpoint of that state.

use tabellion_tlog::{CompactRange, decompose};

use super::{Scan, check_checkpoint};
use crate::batches::BatchRef;
use crate::disk::{self, OpenMode};
use crate::error::OpenError;
use crate::read::{self, LogBlocks};
use crate::state::LogState;
use crate::tree::{BLOCK, LeafSource as _};
use crate::wal::BATCH_ALIGN;
use crate::wal::batch::Batch;
use crate::wal::segment::{SegmentHeader, segment_path};

impl Scan<'_> {
    /// Whether segment `number` is one that need not be read; `previous` is then what the segment after it names.
    pub(super) fn passes(&self, number: u32, previous: &mut String) -> Result<bool, OpenError> {
        let Some(known) = self.known.as_ref().filter(|known| number <= known.segment) else {
            return Ok(false);
        };
        if number == known.segment {
            previous.clone_from(&known.previous);
            return Ok(false);
        }
        let path = segment_path(number);
        let read = || OpenError::io("read", &path);
        let mut page = vec![0; usize::try_from(BATCH_ALIGN).unwrap_or(usize::MAX)];
        let file = self.disk.open(&path, OpenMode::Read).map_err(read())?;
        disk::read_exact_at(file.as_ref(), 0, &mut page).map_err(read())?;
        let header = SegmentHeader::read(&page);
        let header = header.ok_or_else(|| self.corrupt(&path, 0, "its header is damaged"))?;
        self.check_header(&path, number, &header.previous, &header)?;
        Ok(true)
    }

    /// Log size at which segment `number` has to begin.
    pub(super) fn begin_of(&self, number: u32) -> u64 {
        let known = self.known.as_ref().filter(|known| number <= known.segment);
        let state = self.state.as_ref().filter(|_| known.is_some());
        state.and_then(|state| state.batches.first_in(number)).map_or(self.size(), |batch| batch.first)
    }

    /// Whether the batch at `offset` of segment `number` is in the saved state.
    pub(super) fn knows(&self, number: u32, offset: u64) -> bool {
        self.known.as_ref().is_some_and(|known| number == known.segment && offset < known.end)
    }

    /// Takes a batch that is in the saved state.
    pub(super) fn pass(&mut self, at: &BatchRef, batch: &Batch<'_>) -> Result<(), String> {
        let state = self.state.as_ref().ok_or("no state")?;
        if state.batch_of(at.first) != Some(*at) {
            return Err(format!("entries from {} on are not where the saved state has them", at.first));
        }
        if at.size_after() == state.size() {
            check_checkpoint(state, batch.checkpoint)?;
            self.checkpoint =
                String::from_utf8(batch.checkpoint.to_vec()).map_err(|_| "the checkpoint is not text")?;
        }
        Ok(())
    }

    /// The newest entries of the saved state, those that no kept node of the tree covers, hash to its root.
    pub(super) fn check_edge(&self) -> Result<(), OpenError> {
        let (Some(known), Some(state)) = (&self.known, &self.state) else { return Ok(()) };
        let begin = known.size / BLOCK * BLOCK;
        let kept = decompose(0, begin).into_iter().filter_map(|(level, index)| state.tree.kept(level, index));
        let leaves = LogBlocks { disk: self.disk, state }.leaves(begin, known.size);
        let root = leaves.and_then(|leaves| {
            let edge =
                CompactRange::from_nodes(0, begin, kept.collect()).map_err(|error| error.to_string())?;
            let edge = leaves.into_iter().fold(edge, |mut edge, leaf| {
                edge.push(leaf);
                edge
            });
            edge.root().map_err(|error| error.to_string())
        });
        match root {
            Ok(root) if root == known.root => Ok(()),
            Ok(_) => {
                Err(OpenError::Corrupt(format!("entries from {begin} on do not hash to the saved root")))
            }
            Err(what) => Err(OpenError::Corrupt(what)),
        }
    }

    /// What is remembered of sizes that were not folded here fits the tree as well.
    pub(super) fn check_known(&self, state: &LogState) -> Result<(), OpenError> {
        let Some(known) = &self.known else { return Ok(()) };
        for (who, size, _) in self.roots().filter(|(_, size, _)| *size > 0 && *size < known.size) {
            let root = read::root_at(self.disk, state, size);
            root.and_then(|root| self.check_fork(size, root))
                .map_err(|what| OpenError::Corrupt(format!("{who}: {what}. Restore from a backup")))?;
        }
        Ok(())
    }
}
