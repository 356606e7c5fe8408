//! The tree's hashes that must be at hand: the right edge, every node from level 8 up, and the newest leaves.
//!
//! One hash per 256 entries is kept for good (about 0.13 bytes an entry); a proof about a new entry reads and hashes next to nothing; one about an old entry
//! hashes its block of 256 entries again from the segments. Must never: answer for a size beyond what is committed.

use std::collections::VecDeque;

use tabellion_tlog::{CompactRange, Hash, NodeSource, node_hash, root_of};

/// Level whose nodes are kept for ever: 2^8 entries, the width of a tile.
const KEPT_LEVEL: u8 = 8;
/// Entries in one block of that level.
pub(crate) const BLOCK: u64 = 1 << KEPT_LEVEL;
/// Newest leaves kept, with the nodes over them below [`KEPT_LEVEL`], so that receipts asked for soon after the append read nothing: 32 Ki leaves and what is
/// over them are 2 MiB.
const RECENT_LEAVES: usize = 32 << 10;

/// Hashes of one log's tree.
#[derive(Clone)]
pub(crate) struct TreeIndex {
    edge: CompactRange,
    /// `upper[l - 8][i]` is the perfect node (l, i).
    upper: Vec<Vec<Hash>>,
    /// `recent[l]` holds the newest perfect nodes of level l, for every level below [`KEPT_LEVEL`].
    recent: [VecDeque<Hash>; KEPT_LEVEL as usize],
}

/// Reads the leaf hashes of one block of [`BLOCK`] entries again.
pub(crate) trait BlockSource {
    /// Leaf hashes of entries `block · 256 … block · 256 + 255`.
    fn block(&self, block: u64) -> Result<Vec<Hash>, String>;
}

impl TreeIndex {
    pub(crate) fn new() -> Self {
        Self { edge: CompactRange::new(0), upper: Vec::new(), recent: Default::default() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.edge.end()
    }

    /// The right edge, to try a batch on before it is committed.
    pub(crate) fn edge(&self) -> &CompactRange {
        &self.edge
    }

    pub(crate) fn root(&self) -> Hash {
        self.edge.root().unwrap_or_else(|_| Hash::empty_root())
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        let Self { edge, upper, recent } = self;
        edge.push_with(leaf, |level, _, node| {
            if let Some(newest) = recent.get_mut(usize::from(level)) {
                newest.push_back(node);
                if newest.len() > RECENT_LEAVES >> level {
                    newest.pop_front();
                }
                return;
            }
            let row = usize::from(level - KEPT_LEVEL);
            if row == upper.len() {
                upper.push(Vec::new());
            }
            if let Some(row) = upper.get_mut(row) {
                row.push(node);
            }
        });
    }

    /// A perfect node of level 8 or more.
    pub(crate) fn kept(&self, level: u8, index: u64) -> Option<Hash> {
        let row = self.upper.get(usize::from(level.checked_sub(KEPT_LEVEL)?))?;
        row.get(usize::try_from(index).ok()?).copied()
    }

    /// A perfect node below level 8, while it is among the newest.
    fn recent(&self, level: u8, index: u64) -> Option<Hash> {
        let newest = self.recent.get(usize::from(level))?;
        let first = (self.size() >> level) - newest.len() as u64;
        newest.get(usize::try_from(index.checked_sub(first)?).ok()?).copied()
    }

    /// Leaf hashes of `[begin, end)`, while they are among the newest.
    pub(crate) fn recent_leaves(&self, begin: u64, end: u64) -> Option<Vec<Hash>> {
        let [leaves, ..] = &self.recent;
        let first = self.size() - leaves.len() as u64;
        let from = usize::try_from(begin.checked_sub(first)?).ok()?;
        let count = usize::try_from(end - begin).ok()?;
        (end <= self.size()).then(|| leaves.iter().skip(from).take(count).copied().collect())
    }
}

/// The tree together with a way to read old blocks: answers for every perfect node.
pub(crate) struct TreeView<'a> {
    pub(crate) index: &'a TreeIndex,
    pub(crate) blocks: &'a dyn BlockSource,
}

impl NodeSource for TreeView<'_> {
    type Error = String;

    fn node(&self, level: u8, index: u64) -> Result<Hash, String> {
        if level >= KEPT_LEVEL {
            let kept = self.index.kept(level, index);
            return kept.ok_or_else(|| format!("tree node ({level}, {index}) is beyond the log's size"));
        }
        if let Some(node) = self.index.recent(level, index) {
            return Ok(node);
        }
        let (begin, end) = (index << level, (index + 1) << level);
        let block = begin / BLOCK;
        let leaves = self.blocks.block(block)?;
        let skip = usize::try_from(begin - block * BLOCK).unwrap_or(usize::MAX);
        let take = usize::try_from(end - begin).unwrap_or(0);
        let part: Vec<Hash> = leaves.into_iter().skip(skip).take(take).collect();
        if part.len() == take {
            Ok(perfect_root(part))
        } else {
            Err(format!("block {block} of the log is not whole"))
        }
    }
}

/// Root of a power-of-two number of leaves.
pub(crate) fn perfect_root(mut row: Vec<Hash>) -> Hash {
    while row.len() > 1 {
        row = row
            .chunks(2)
            .filter_map(|pair| pair.first().zip(pair.get(1)))
            .map(|(l, r)| node_hash(l, r))
            .collect();
    }
    row.first().copied().unwrap_or_else(|| root_of([]))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tabellion_tlog::{inclusion_path, leaf_hash, verify_inclusion};

    use super::*;

    struct Blocks(Cell<u32>);
    impl BlockSource for Blocks {
        fn block(&self, block: u64) -> Result<Vec<Hash>, String> {
            self.0.set(self.0.get() + 1);
            Ok((block * BLOCK..(block + 1) * BLOCK).map(|i| leaf_hash(&i.to_be_bytes())).collect())
        }
    }

    #[test]
    fn old_and_new_entries_prove_against_the_same_root() {
        let mut index = TreeIndex::new();
        let size = RECENT_LEAVES as u64 + 3 * BLOCK + 77;
        for i in 0..size {
            index.push(leaf_hash(&i.to_be_bytes()));
        }
        let blocks = Blocks(Cell::new(0));
        let view = TreeView { index: &index, blocks: &blocks };
        for i in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5, size / 2, size - 2, size - 1] {
            let path = inclusion_path(i, size, &view).expect("every committed entry has a proof");
            let leaf = leaf_hash(&i.to_be_bytes());
            verify_inclusion(&leaf, i, size, &path, &index.root())
                .expect("a receipt of a committed entry must verify");
        }
        assert!(
            blocks.0.get() > 0,
            "old entries must have been read again, or the test proves nothing about them"
        );
        blocks.0.set(0);
        for i in size - RECENT_LEAVES as u64 + BLOCK..size {
            inclusion_path(i, size, &view).expect("every committed entry has a proof");
        }
        assert_eq!(blocks.0.get(), 0, "a receipt asked for soon after the append would read from the disk");
    }
}
