//! The tree as RFC 6962 §2.1 defines it, by recursion on slices: slow, short and written from the definitions alone. Also the
//! keys and the random numbers that several tests share.

use tabellion_tlog::{Hash, SigningKey, leaf_hash, node_hash};

/// The leaf hashes that all tree tests use.
pub(crate) fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&entry(index))).collect()
}

/// The entry behind leaf `index`.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The largest power of two below `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// MTH(D[n]).
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// PATH(m, D[n]).
pub(crate) fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut inner, sibling) = if index < left.len() {
        (path(index, left), root(right))
    } else {
        (path(index - left.len(), right), root(left))
    };
    inner.push(sibling);
    inner
}

/// PROOF(m, D[n]) for 0 < m <= n.
pub(crate) fn consistency(old: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(old, leaves, true)
}

fn subproof(old: usize, leaves: &[Hash], is_whole_old_tree: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_whole_old_tree { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut inner, sibling) = if old <= left.len() {
        (subproof(old, left, is_whole_old_tree), root(right))
    } else {
        (subproof(old - left.len(), right, false), root(left))
    };
    inner.push(sibling);
    inner
}

/// On which side each step from the leaf up finds its sibling: `true` for right. A proof for other numbers with the same turns is
/// the same proof, for size and index are not hashed: a checkpoint's signature binds them.
pub(crate) fn turns(index: u64, size: u64) -> Vec<bool> {
    if size <= 1 {
        return Vec::new();
    }
    let left = size.next_power_of_two() / 2;
    let (mut inner, is_left) =
        if index < left { (turns(index, left), true) } else { (turns(index - left, size - left), false) };
    inner.push(is_left);
    inner
}

/// A repeatable stream of numbers (`SplitMix64`).
pub(crate) struct Numbers(u64);

impl Numbers {
    /// Prints the seed, so that a failure can be repeated.
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A key for tests only.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}
