//! Compact ranges: a contiguous run of leaves `[begin, end)`, remembered as the roots of its maximal perfect subtrees.
//!
//! Promises that a range built leaf by leaf, joined from parts or restored from its nodes is the same range, and that a range
//! from 0 has the RFC 9162 root. Holds at most 2 × 63 hashes, whatever the log's size.

use crate::hash::{Hash, node_hash};

/// Most leaves a tree may have: 2^63 − 1, the bound of C2SP tlog-witness; at a million entries a second it lasts 292,000 years.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// Nodes that a vector of one range is made for: enough for a range from 0 to a thousand million leaves without growing.
const USUAL_NODES: usize = 32;

/// Why ranges cannot be restored, joined or hashed to a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// `begin` lies behind `end`, or `end` is larger than any tree.
    #[error("a range from {begin} to {end} does not exist: the ends are reversed or beyond the largest tree")]
    Bounds {
        /// First leaf.
        begin: u64,
        /// One behind the last leaf.
        end: u64,
    },
    /// The number of hashes is not that of the decomposition.
    #[error("the range [{begin}, {end}) has {needed} hashes, not {found}")]
    NodeCount {
        /// First leaf.
        begin: u64,
        /// One behind the last leaf.
        end: u64,
        /// Perfect subtrees of the range.
        needed: usize,
        /// Hashes given.
        found: usize,
    },
    /// The right range does not start where the left one ends.
    #[error("a range that starts at {found} cannot follow one that ends at {needed}")]
    Gap {
        /// End of the left range.
        needed: u64,
        /// Begin of the right range.
        found: u64,
    },
    /// Only a range from the first leaf has a root.
    #[error("a range that starts at {begin} has no root of its own: join it to the range before it")]
    NotFromZero {
        /// First leaf.
        begin: u64,
    },
}

/// The leaves `[begin, end)` as the roots of their maximal aligned perfect subtrees, from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactRange {
    begin: u64,
    end: u64,
    nodes: Vec<Hash>,
}

impl CompactRange {
    /// The empty range at leaf `begin`.
    pub fn new(begin: u64) -> Self {
        Self { begin, end: begin, nodes: Vec::with_capacity(USUAL_NODES) }
    }

    /// Restores a range from the hashes that [`nodes`](Self::nodes) gave; their number must be that of the decomposition.
    pub fn from_nodes(begin: u64, end: u64, nodes: Vec<Hash>) -> Result<Self, RangeError> {
        if begin > end || end > MAX_TREE_SIZE {
            return Err(RangeError::Bounds { begin, end });
        }
        let needed = subtrees(begin, end).count();
        if nodes.len() != needed {
            return Err(RangeError::NodeCount { begin, end, needed, found: nodes.len() });
        }
        Ok(Self { begin, end, nodes })
    }

    /// Index of the first leaf.
    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// One behind the index of the last leaf; for a range from 0 the tree's size.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Roots of the maximal perfect subtrees, from left to right, as [`decompose`] places them.
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends one leaf: one node hash on average, no allocation in the usual case.
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends one leaf and reports every perfect node that it completes, the leaf itself (level 0) first.
    pub fn push_with(&mut self, leaf: Hash, on_node: impl FnMut(u8, u64, Hash)) {
        self.append(0, leaf, on_node);
    }

    /// Appends the leaves of `right`, which must start where this range ends. Refused ranges leave this one unchanged.
    pub fn join(&mut self, right: &Self) -> Result<(), RangeError> {
        if right.begin != self.end {
            return Err(RangeError::Gap { needed: self.end, found: right.begin });
        }
        for ((level, _), node) in subtrees(right.begin, right.end).zip(&right.nodes) {
            self.append(level, *node, |_, _, _| {});
        }
        Ok(())
    }

    /// The RFC 9162 root of the leaves; only for a range from 0. Without leaves it is [`Hash::empty_root`].
    pub fn root(&self) -> Result<Hash, RangeError> {
        if self.begin != 0 {
            return Err(RangeError::NotFromZero { begin: self.begin });
        }
        Ok(fold(&self.nodes).unwrap_or_else(Hash::empty_root))
    }

    /// Appends the root of the perfect subtree of `level` that starts at `end`, and merges what becomes perfect by it.
    fn append(&mut self, level: u8, node: Hash, mut on_node: impl FnMut(u8, u64, Hash)) {
        let (mut level, mut hash) = (level, node);
        let mut index = self.end >> level;
        self.end = self.end.saturating_add(1 << level);
        on_node(level, index, hash);
        // INVARIANT: when the left sibling lies inside the range it is maximal, for its parent was not complete until now;
        // so it is the last node.
        while index & 1 == 1 && (index - 1) << level >= self.begin {
            let Some(left) = self.nodes.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            on_node(level, index, hash);
        }
        self.nodes.push(hash);
    }
}

/// Root over the subtrees of a range from 0: they shrink from left to right, so the tree hangs to the right.
pub(crate) fn fold(nodes: &[Hash]) -> Option<Hash> {
    nodes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// The maximal aligned perfect subtrees of `[begin, end)` from left to right, each as (level, index): it holds the leaves
/// `index << level .. (index + 1) << level`. Empty when `begin >= end`.
pub fn decompose(begin: u64, end: u64) -> Vec<(u8, u64)> {
    subtrees(begin, end).collect()
}

/// [`decompose`] without the vector.
pub(crate) fn subtrees(begin: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = begin;
    std::iter::from_fn(move || {
        let left = end.checked_sub(at).filter(|left| *left > 0)?;
        // The largest subtree that is aligned at `at` and fits into what is left.
        let level = at.trailing_zeros().min(left.ilog2());
        let index = at >> level;
        at += 1 << level;
        Some((u8::try_from(level).ok()?, index))
    })
}

/// The RFC 9162 root over `leaves`.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut range = CompactRange::new(0);
    leaves.into_iter().for_each(|leaf| range.push(leaf));
    fold(&range.nodes).unwrap_or_else(Hash::empty_root)
}
