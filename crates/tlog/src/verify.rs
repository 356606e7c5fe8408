//! Checks inclusion and consistency proofs, step by step as RFC 9162 §2.1.3.2 and §2.1.4.2 describe them.
//!
//! Promises that a proof has exactly the length its sizes demand and that every hash of it is used. Allocates nothing.

use crate::hash::{Hash, node_hash};
use crate::range::MAX_TREE_SIZE;

/// Most hashes of an inclusion path: one per level of the largest tree.
pub const MAX_PATH_HASHES: usize = 63;

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree has no such leaf.
    #[error("there is no entry {index} in a tree of {size} entries")]
    Index {
        /// The leaf named.
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
    /// A hash is missing.
    #[error("the proof has {found} hashes, fewer than its sizes need")]
    TooShort {
        /// Hashes given.
        found: usize,
    },
    /// A hash is left over.
    #[error("the proof has {found} hashes, more than its sizes need")]
    TooLong {
        /// Hashes given.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to root {computed}, not to {claimed}")]
    Root {
        /// What the proof hashes to.
        computed: Hash,
        /// What it should hash to.
        claimed: Hash,
    },
    /// A consistency proof does not contain the old tree.
    #[error(
        "the proof leads to old root {computed}, not to {claimed}: the log has changed what it held before"
    )]
    OldRoot {
        /// What the proof hashes to.
        computed: Hash,
        /// What it should hash to.
        claimed: Hash,
    },
}

/// The root that a leaf at `index` in a tree of `size` leaves has by this path (RFC 9162 §2.1.3.2).
pub fn root_from_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, ProofError> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(ProofError::Index { index, size });
    }
    let (mut at, mut last) = (index, size - 1);
    let mut root = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(ProofError::TooLong { found: path.len() });
        }
        if at & 1 == 1 || at == last {
            root = node_hash(sibling, &root);
            skip_missing_levels(&mut at, &mut last);
        } else {
            root = node_hash(&root, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::TooShort { found: path.len() });
    }
    Ok(root)
}

/// Whether the tree of `size` leaves with `root` holds `leaf` at `index`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let computed = root_from_inclusion(leaf, index, size, path)?;
    if computed == *root { Ok(()) } else { Err(ProofError::Root { computed, claimed: *root }) }
}

/// Whether the tree of `new_size` leaves with `new_root` extends that of `old_size` leaves with `old_root`.
///
/// Every tree extends the empty one and itself, by an empty path; the roots are compared all the same.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size || new_size > MAX_TREE_SIZE {
        return Err(ProofError::Sizes { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return trivially_consistent(old_size, old_root, new_size, new_root, path);
    }
    // When the old tree is perfect its root is the first hash of the climb and is not sent.
    let (mut old, mut new, rest) = if old_size.is_power_of_two() {
        (*old_root, *old_root, path)
    } else {
        let (first, rest) = path.split_first().ok_or(ProofError::TooShort { found: 0 })?;
        (*first, *first, rest)
    };
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    let shared = at.trailing_ones();
    at >>= shared;
    last >>= shared;
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::TooLong { found: path.len() });
        }
        if at & 1 == 1 || at == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            skip_missing_levels(&mut at, &mut last);
        } else {
            new = node_hash(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::TooShort { found: path.len() });
    }
    if old != *old_root {
        return Err(ProofError::OldRoot { computed: old, claimed: *old_root });
    }
    if new == *new_root { Ok(()) } else { Err(ProofError::Root { computed: new, claimed: *new_root }) }
}

/// The sizes whose consistency needs no hashing: an empty old tree, or one tree twice.
fn trivially_consistent(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if !path.is_empty() {
        return Err(ProofError::TooLong { found: path.len() });
    }
    let empty = Hash::empty_root();
    if old_size == 0 && *old_root != empty {
        return Err(ProofError::OldRoot { computed: empty, claimed: *old_root });
    }
    if old_size == new_size && old_root != new_root {
        return Err(ProofError::OldRoot { computed: *new_root, claimed: *old_root });
    }
    Ok(())
}

/// A node on the right edge that is a left child has no sibling: its levels are skipped until it becomes a right child.
fn skip_missing_levels(at: &mut u64, last: &mut u64) {
    if *at & 1 == 0 && *at != 0 {
        let levels = at.trailing_zeros();
        *at >>= levels;
        *last >>= levels;
    }
}
