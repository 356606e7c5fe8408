//! The tree's hashes that must be at hand: the right edge, every node from level 8 up, and the newest leaves.
//!
//! One hash per 256 entries is kept for good (about 0.13 bytes an entry); a proof about a new entry reads and hashes next to nothing; one about an old entry
//! reads the leaves of its block of 256 entries. Must never: answer for a size beyond what is committed, or from leaves that do not hash to what is kept.

use std::cell::RefCell;
use std::collections::VecDeque;

use tabellion_tlog::{CompactRange, Hash, NodeSource, node_hash, root_of};

use crate::saved::pack::{Packer, Unpacker};

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

/// Reads leaf hashes again.
pub(crate) trait LeafSource {
    /// Those of a whole block of [`BLOCK`] entries, from wherever that is quickest; they may be wrong.
    fn quick_block(&self, block: u64) -> Option<Vec<Hash>>;
    /// Those of the entries `begin … end − 1`, from the entries.
    fn leaves(&self, begin: u64, end: u64) -> Result<Vec<Hash>, String>;
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

    pub(crate) fn pack(&self, out: &mut Packer) {
        out.number(self.size());
        out.list(self.upper.first().map(Vec::as_slice).unwrap_or_default(), Packer::hash);
        out.list(self.edge.nodes(), Packer::hash);
    }

    /// The newest leaves are not kept: they are read again where they are asked for.
    pub(crate) fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let size = from.number()?;
        let mut row: Vec<Hash> = from.list(Unpacker::hash)?;
        let edge = CompactRange::from_nodes(0, size, from.list(Unpacker::hash)?).ok()?;
        (row.len() as u64 == size / BLOCK).then_some(())?;
        let mut upper = Vec::new();
        while !row.is_empty() {
            let pairs = row.chunks_exact(2).filter_map(|pair| pair.first().zip(pair.get(1)));
            let above = pairs.map(|(left, right)| node_hash(left, right)).collect();
            upper.push(std::mem::replace(&mut row, above));
        }
        Some(Self { edge, upper, recent: Default::default() })
    }

    /// The node over a block of [`BLOCK`] entries.
    pub(crate) fn kept_block(&self, block: u64) -> Option<Hash> {
        self.kept(KEPT_LEVEL, block)
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
    index: &'a TreeIndex,
    source: &'a dyn LeafSource,
    /// The block that was read last: one proof asks for eight nodes of it.
    last: RefCell<Option<(u64, Vec<Hash>)>>,
}

impl<'a> TreeView<'a> {
    pub(crate) fn new(index: &'a TreeIndex, source: &'a dyn LeafSource) -> Self {
        Self { index, source, last: RefCell::default() }
    }

    /// Leaf hashes of `[begin, end)`, which lie in one block.
    fn leaves(&self, begin: u64, end: u64) -> Result<Vec<Hash>, String> {
        let block = begin / BLOCK;
        let Some(root) = self.index.kept(KEPT_LEVEL, block) else { return self.source.leaves(begin, end) };
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(known, _)| *known != block) {
            *last = Some((block, self.block(block, root)?));
        }
        let skip = usize::try_from(begin - block * BLOCK).unwrap_or(usize::MAX);
        let take = usize::try_from(end - begin).unwrap_or(0);
        Ok(last.iter().flat_map(|(_, leaves)| leaves.iter().skip(skip).take(take)).copied().collect())
    }

    /// Leaf hashes of a block with this root.
    fn block(&self, block: u64, root: Hash) -> Result<Vec<Hash>, String> {
        let is_right =
            |leaves: &Vec<Hash>| leaves.len() as u64 == BLOCK && perfect_root(leaves.clone()) == root;
        if let Some(leaves) = self.source.quick_block(block).filter(is_right) {
            return Ok(leaves);
        }
        let (begin, end) = (block * BLOCK, (block + 1) * BLOCK);
        let leaves = self.source.leaves(begin, end)?;
        if is_right(&leaves) {
            return Ok(leaves);
        }
        Err(format!(
            "entries {begin}…{} do not hash to the log's tree: the disk changed them. Run tabellion fsck",
            end - 1
        ))
    }
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
        let leaves = self.leaves(begin, end)?;
        if leaves.len() as u64 == end - begin {
            Ok(perfect_root(leaves))
        } else {
            Err(format!("entries {begin}…{} are not all there", end - 1))
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

    /// Counts what is read from entries. Every second block can be had quickly, and every fourth of those is wrong.
    struct Blocks(Cell<u32>);
    impl LeafSource for Blocks {
        fn quick_block(&self, block: u64) -> Option<Vec<Hash>> {
            let wrong = u64::from(block % 8 == 6);
            let leaves = (block * BLOCK..(block + 1) * BLOCK).map(|i| leaf_hash(&(i + wrong).to_be_bytes()));
            block.is_multiple_of(2).then(|| leaves.collect())
        }
        fn leaves(&self, begin: u64, end: u64) -> Result<Vec<Hash>, String> {
            self.0.set(self.0.get() + 1);
            Ok((begin..end).map(|i| leaf_hash(&i.to_be_bytes())).collect())
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
        let view = TreeView::new(&index, &blocks);
        for i in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5, 6 * BLOCK + 9, size / 2, size - 2, size - 1] {
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
