//! Roots and proofs agree with the definition by recursion and with the `ct-merkle` crate.

use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use sha2::Sha256;
use tabellion_tlog::{
    CompactRange, Hash, NodeSource, RangeError, consistency_path, decompose, inclusion_path,
    inclusion_path_of, root_of, verify_consistency, verify_inclusion,
};

use crate::reference::{self, Numbers};

/// Every perfect node of a tree, by level.
struct Nodes(Vec<Vec<Hash>>);

impl Nodes {
    fn of(leaves: &[Hash]) -> Self {
        let (mut rows, mut range) = (Vec::<Vec<Hash>>::new(), CompactRange::new(0));
        for leaf in leaves {
            range.push_with(*leaf, |level, index, hash| {
                let level = usize::from(level);
                rows.resize(rows.len().max(level + 1), Vec::new());
                assert_eq!(rows[level].len() as u64, index, "a perfect node was reported out of order");
                rows[level].push(hash);
            });
        }
        Self(rows)
    }
}

impl NodeSource for Nodes {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[usize::from(level)][usize::try_from(index).unwrap()])
    }
}

#[test]
fn growing_root_is_the_root_from_scratch_for_every_size_to_4096() {
    let leaves = reference::leaves(4096);
    let mut range = CompactRange::new(0);
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 0..=leaves.len() {
        let root = range.root().unwrap();
        assert_eq!(
            root,
            reference::root(&leaves[..size]),
            "after {size} appends the root is not that of the entries"
        );
        assert_eq!(
            root.as_bytes().as_slice(),
            theirs.root().as_bytes().as_slice(),
            "ct-merkle has another root at {size}"
        );
        assert_eq!(
            range.nodes().len(),
            size.count_ones() as usize,
            "the edge of {size} leaves holds more than it needs"
        );
        if let Some(leaf) = leaves.get(size) {
            range.push(*leaf);
            theirs.push(reference::entry(size as u64));
        }
    }
}

#[test]
fn every_inclusion_proof_to_size_130_is_the_defined_one() {
    let leaves = reference::leaves(130);
    let nodes = Nodes::of(&leaves);
    for size in 1..=leaves.len() {
        let part = &leaves[..size];
        let root = reference::root(part);
        for (index, leaf) in part.iter().enumerate() {
            let (at, of) = (index as u64, size as u64);
            let path = inclusion_path(at, of, &nodes).unwrap();
            assert_eq!(
                path,
                reference::path(index, part),
                "proof of {index} in {size} is not that of RFC 6962"
            );
            assert_eq!(
                inclusion_path_of(part, at),
                Some(path.clone()),
                "the in-memory proof of {index} in {size} differs"
            );
            assert_eq!(
                verify_inclusion(leaf, at, of, &path, &root),
                Ok(()),
                "the proof of {index} in {size} was refused"
            );
        }
        assert!(
            inclusion_path(size as u64, size as u64, &nodes).is_err(),
            "a proof of an entry behind the end was made"
        );
        assert_eq!(inclusion_path_of(part, size as u64), None, "a proof of an entry behind the end was made");
    }
}

#[test]
fn every_consistency_proof_to_size_130_is_the_defined_one() {
    let leaves = reference::leaves(130);
    let nodes = Nodes::of(&leaves);
    for new in 0..=leaves.len() {
        let new_root = reference::root(&leaves[..new]);
        for old in 0..=new {
            let old_root = reference::root(&leaves[..old]);
            let path = consistency_path(old as u64, new as u64, &nodes).unwrap();
            let defined = if old == 0 { Vec::new() } else { reference::consistency(old, &leaves[..new]) };
            assert_eq!(path, defined, "the proof from {old} to {new} is not that of RFC 6962");
            let held = verify_consistency(old as u64, &old_root, new as u64, &new_root, &path);
            assert_eq!(held, Ok(()), "the proof from {old} to {new} was refused");
        }
    }
}

#[test]
fn random_large_trees_agree_with_ct_merkle() {
    let mut numbers = Numbers::new(0x7ab3_1110);
    let size = 20_011u64;
    let leaves = reference::leaves(size);
    let nodes = Nodes::of(&leaves);
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    (0..size).for_each(|index| theirs.push(reference::entry(index)));
    let root = root_of(leaves.iter().copied());
    assert_eq!(root.as_bytes().as_slice(), theirs.root().as_bytes().as_slice(), "ct-merkle has another root");
    for _ in 0..200 {
        let (index, old) = (numbers.below(size), 1 + numbers.below(size - 1));
        let path = inclusion_path(index, size, &nodes).unwrap();
        let bytes: Vec<u8> = path.iter().flat_map(|hash| hash.0).collect();
        let their_path = theirs.prove_inclusion(usize::try_from(index).unwrap());
        assert_eq!(bytes, their_path.as_bytes(), "ct-merkle has another proof of {index}");
        let proof = InclusionProof::<Sha256>::try_from_bytes(bytes).unwrap();
        let held = theirs.root().verify_inclusion(&reference::entry(index), index, &proof);
        assert!(held.is_ok(), "ct-merkle refuses our proof of {index}: {held:?}");

        let path = consistency_path(old, size, &nodes).unwrap();
        let bytes: Vec<u8> = path.iter().flat_map(|hash| hash.0).collect();
        let their_path = theirs.prove_consistency(usize::try_from(size - old).unwrap());
        assert_eq!(bytes, their_path.as_bytes(), "ct-merkle has another proof from {old} to {size}");
        let old_root = root_of(leaves.iter().copied().take(usize::try_from(old).unwrap()));
        let their_old_root = RootHash::<Sha256>::new(old_root.0.into(), old);
        let proof = ConsistencyProof::<Sha256>::try_from_bytes(bytes).unwrap();
        let held = theirs.root().verify_consistency(&their_old_root, &proof);
        assert!(held.is_ok(), "ct-merkle refuses our proof from {old}: {held:?}");
        assert_eq!(
            verify_consistency(old, &old_root, size, &root, &path),
            Ok(()),
            "our proof from {old} was refused"
        );
    }
}

/// Node hashes that need no tree, to reach sizes no memory holds.
struct Everywhere;

impl NodeSource for Everywhere {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        // Perfect subtrees of equal leaves: one hash per level is enough.
        let _ = index;
        let mut hash = reference::leaves(1)[0];
        (0..level).for_each(|_| hash = tabellion_tlog::node_hash(&hash, &hash));
        Ok(hash)
    }
}

#[test]
fn the_largest_trees_can_be_proved() {
    for size in [tabellion_tlog::MAX_TREE_SIZE, (1 << 62) + 1, (1 << 53) - 1, 1 << 62] {
        let nodes = decompose(0, size)
            .into_iter()
            .map(|(level, index)| Everywhere.node(level, index).unwrap())
            .collect();
        let root = CompactRange::from_nodes(0, size, nodes).unwrap().root().unwrap();
        let leaf = Everywhere.node(0, 0).unwrap();
        for index in [0, 1, size / 2, size - 2, size - 1] {
            let path = inclusion_path(index, size, &Everywhere).unwrap();
            assert!(path.len() <= tabellion_tlog::MAX_PATH_HASHES, "a path is longer than a verifier reads");
            assert_eq!(
                verify_inclusion(&leaf, index, size, &path, &root),
                Ok(()),
                "entry {index} of {size} has no proof"
            );
            let old = index + 1;
            let old_nodes =
                decompose(0, old).into_iter().map(|(level, index)| Everywhere.node(level, index).unwrap());
            let old_root = CompactRange::from_nodes(0, old, old_nodes.collect()).unwrap().root().unwrap();
            let path = consistency_path(old, size, &Everywhere).unwrap();
            assert_eq!(
                verify_consistency(old, &old_root, size, &root, &path),
                Ok(()),
                "no proof from {old} to {size}"
            );
        }
    }
    let too_large = tabellion_tlog::MAX_TREE_SIZE + 1;
    assert!(inclusion_path(0, too_large, &Everywhere).is_err(), "a tree larger than any was accepted");
    assert!(consistency_path(1, too_large, &Everywhere).is_err(), "a tree larger than any was accepted");
}

#[test]
fn decompositions_are_maximal_aligned_and_whole() {
    for end in 0..200u64 {
        for begin in 0..=end {
            let parts = decompose(begin, end);
            let mut at = begin;
            for (level, index) in &parts {
                assert_eq!(index << level, at, "[{begin}, {end}) has a gap at {at}");
                let parent = index >> 1;
                let (parent_begin, parent_end) = (parent << (level + 1), (parent + 1) << (level + 1));
                assert!(
                    parent_begin < begin || parent_end > end,
                    "({level}, {index}) of [{begin}, {end}) is not maximal"
                );
                at += 1 << level;
            }
            assert_eq!(at, end, "[{begin}, {end}) is not covered");
        }
    }
    assert_eq!(decompose(5, 3), [], "a reversed range was decomposed");
    assert_eq!(decompose(0, u64::MAX).len(), 64, "the largest numbers have to work too");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_join_to_the_same_range_however_they_are_cut(begin in 0u64..70, a in 0u64..200, b in 0u64..200, c in 0u64..200) {
        let leaves = reference::leaves(begin + a + b + c);
        let grown = |from: u64, to: u64| {
            let mut range = CompactRange::new(from);
            leaves[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()].iter().for_each(|leaf| range.push(*leaf));
            range
        };
        let (one, two, end) = (begin + a, begin + a + b, begin + a + b + c);
        let whole = grown(begin, end);
        let mut joined = grown(begin, one);
        joined.join(&grown(one, two)).unwrap();
        joined.join(&grown(two, end)).unwrap();
        prop_assert_eq!(&joined, &whole);
        let mut right_first = grown(one, two);
        right_first.join(&grown(two, end)).unwrap();
        let mut joined = grown(begin, one);
        joined.join(&right_first).unwrap();
        prop_assert_eq!(&joined, &whole);
        prop_assert_eq!(whole.nodes().len(), decompose(begin, end).len());
        let restored = CompactRange::from_nodes(begin, end, whole.nodes().to_vec()).unwrap();
        prop_assert_eq!(&restored, &whole);
        let mut from_zero = grown(0, begin);
        from_zero.join(&whole).unwrap();
        prop_assert_eq!(from_zero.root().unwrap(), reference::root(&leaves));
        let of_its_own = whole.root() != Err(RangeError::NotFromZero { begin });
        prop_assert_eq!(of_its_own, begin == 0, "a range behind the first leaf has no root");
    }
}

#[test]
fn ranges_that_do_not_fit_are_refused() {
    let hash = reference::leaves(1)[0];
    let bounds = RangeError::Bounds { begin: 2, end: 1 };
    assert_eq!(CompactRange::from_nodes(2, 1, vec![]), Err(bounds), "a reversed range was restored");
    for count in [0, 1, 3] {
        let error = RangeError::NodeCount { begin: 0, end: 3, needed: 2, found: count };
        assert_eq!(
            CompactRange::from_nodes(0, 3, vec![hash; count]),
            Err(error),
            "{count} hashes passed for 3 leaves"
        );
    }
    assert!(
        CompactRange::from_nodes(0, u64::MAX, vec![hash; 64]).is_err(),
        "a tree larger than any was restored"
    );
    let mut range = CompactRange::new(0);
    range.push(hash);
    let before = range.clone();
    let gap = RangeError::Gap { needed: 1, found: 2 };
    assert_eq!(range.join(&CompactRange::new(2)), Err(gap), "ranges with a gap were joined");
    assert_eq!(range, before, "a refused join changed the range");
}
