//! Makes inclusion and consistency proofs (RFC 9162 §2.1.3, §2.1.4) from the perfect nodes of a tree.
//!
//! Promises to ask the source only for perfect nodes inside the given size, and for at most 2 × 63 of them per proof. Never
//! decides whether a proof is good: that is `verify`.

use crate::hash::Hash;
use crate::range::{MAX_TREE_SIZE, fold, root_of, subtrees};

/// Where the hashes of a tree come from.
pub trait NodeSource {
    /// Why a node cannot be had.
    type Error;
    /// Root of the perfect subtree over the leaves `index << level .. (index + 1) << level`; level 0 are leaf hashes.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The tree has no such leaf.
    #[error("there is no entry {index} in a tree of {size} entries")]
    Index {
        /// The leaf asked for.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The old tree is larger than the new one, or the new one larger than any tree.
    #[error("a tree of {new} entries cannot be an extension of one of {old}")]
    Sizes {
        /// The size that should be a prefix.
        old: u64,
        /// The size that should extend it.
        new: u64,
    },
    /// The source has no answer.
    #[error("a hash of the tree could not be read: {0}")]
    Source(E),
}

/// The inclusion path of leaf `index` in the tree of `size` leaves, from the leaf's sibling up to the root's child.
pub fn inclusion_path<S: NodeSource>(
    index: u64,
    size: u64,
    source: &S,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(ProveError::Index { index, size });
    }
    path_above(0, index, size, source).map_err(ProveError::Source)
}

/// The consistency path from the tree of `old` leaves to that of `new` leaves. Empty when the sizes are equal or `old` is 0.
pub fn consistency_path<S: NodeSource>(
    old: u64,
    new: u64,
    source: &S,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if old > new || new > MAX_TREE_SIZE {
        return Err(ProveError::Sizes { old, new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    // The last maximal perfect subtree of the old tree is part of both trees; the proof climbs from there. When it is the whole
    // old tree, the verifier holds its root already.
    let level = u8::try_from(old.trailing_zeros()).unwrap_or(u8::MAX);
    let index = (old >> level) - 1;
    let mut path = Vec::new();
    if index > 0 {
        path.push(source.node(level, index).map_err(ProveError::Source)?);
    }
    path.extend(path_above(level, index, new, source).map_err(ProveError::Source)?);
    Ok(path)
}

/// The inclusion path of a leaf among `leaves`, all in memory: for batches. `None` when there is no such leaf.
pub fn inclusion_path_of(leaves: &[Hash], index: u64) -> Option<Vec<Hash>> {
    let (mut begin, mut end) = (0usize, leaves.len());
    let index = usize::try_from(index).ok().filter(|index| *index < end)?;
    let mut path = Vec::new();
    // From the root down: the larger left part is the largest power of two below the number of leaves.
    while end - begin > 1 {
        let split = begin + (1 << (end - begin - 1).ilog2());
        if index < split {
            path.push(root_of(leaves.get(split..end)?.iter().copied()));
            end = split;
        } else {
            path.push(root_of(leaves.get(begin..split)?.iter().copied()));
            begin = split;
        }
    }
    path.reverse();
    Some(path)
}

/// Siblings of node (level, index) and of its ancestors in the tree of `size` leaves.
fn path_above<S: NodeSource>(level: u8, index: u64, size: u64, source: &S) -> Result<Vec<Hash>, S::Error> {
    let (mut level, mut index) = (level, index);
    let mut path = Vec::new();
    // `last` is the rightmost node of the level, perfect or not; at the root's level it is 0.
    let mut last = (size - 1) >> level;
    while last > 0 {
        let sibling = index ^ 1;
        if sibling < last {
            path.push(source.node(level, sibling)?);
        } else if sibling == last {
            path.push(edge_root(last << level, size, source)?);
        }
        level += 1;
        index >>= 1;
        last >>= 1;
    }
    Ok(path)
}

/// Root over the leaves from `begin` to the tree's edge, where `begin` starts the last subtree of a level, perfect or cut off.
fn edge_root<S: NodeSource>(begin: u64, size: u64, source: &S) -> Result<Hash, S::Error> {
    let nodes: Result<Vec<_>, _> =
        subtrees(begin, size).map(|(level, index)| source.node(level, index)).collect();
    Ok(fold(&nodes?).unwrap_or_else(Hash::empty_root))
}
