//! Every change to a proof is refused, unless it is no change: sizes with the same shape are told apart by checkpoints.

use tabellion_tlog::{Hash, MAX_TREE_SIZE, ProofError, verify_consistency, verify_inclusion};

use crate::reference::{self, leaves, turns};

/// All the ways to break a list of hashes.
fn broken(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..path.len() {
        for bit in [0, 100, 255] {
            let mut changed = path.to_vec();
            changed[at].0[bit / 8] ^= 1 << (bit % 8);
            all.push(changed);
        }
        let mut dropped = path.to_vec();
        dropped.remove(at);
        all.push(dropped);
        let mut doubled = path.to_vec();
        doubled.insert(at, path[at]);
        all.push(doubled);
        if at > 0 {
            let mut swapped = path.to_vec();
            swapped.swap(at - 1, at);
            all.push(swapped);
        }
    }
    let mut longer = path.to_vec();
    longer.push(Hash([7; 32]));
    all.push(longer);
    let mut earlier = path.to_vec();
    earlier.insert(0, Hash([7; 32]));
    all.push(earlier);
    all
}

#[test]
fn changed_inclusion_proofs_are_refused() {
    let leaves = leaves(40);
    for size in 1..=leaves.len() {
        let part = &leaves[..size];
        let root = reference::root(part);
        for (index, leaf) in part.iter().enumerate() {
            let (at, of) = (index as u64, size as u64);
            let path = reference::path(index, part);
            for changed in broken(&path) {
                let held = verify_inclusion(leaf, at, of, &changed, &root);
                assert!(held.is_err(), "a changed proof of {index} in {size} was accepted");
            }
            for other in (0..=of + 1).filter(|other| *other != at) {
                let held = verify_inclusion(leaf, other, of, &path, &root);
                assert!(held.is_err(), "the proof of {index} in {size} was accepted for {other}");
            }
            for other in (0..=2 * of + 2).filter(|other| *other != of) {
                let held = verify_inclusion(leaf, at, other, &path, &root).is_ok();
                let same_shape = at < other && turns(at, other) == turns(at, of);
                assert_eq!(
                    held, same_shape,
                    "the proof of {index} in {size} was judged wrongly for size {other}"
                );
            }
            let foreign = Hash([9; 32]);
            assert!(
                verify_inclusion(&foreign, at, of, &path, &root).is_err(),
                "a foreign entry was accepted"
            );
            assert!(verify_inclusion(leaf, at, of, &path, &foreign).is_err(), "a foreign root was accepted");
        }
    }
}

#[test]
fn changed_consistency_proofs_are_refused() {
    let leaves = leaves(24);
    let roots: Vec<_> = (0..=leaves.len()).map(|size| reference::root(&leaves[..size])).collect();
    for new in 1..=leaves.len() {
        for old in 1..=new {
            let path = reference::consistency(old, &leaves[..new]);
            let check = |o: usize, n: usize, o_root: &Hash, n_root: &Hash, path: &[Hash]| {
                verify_consistency(o as u64, o_root, n as u64, n_root, path)
            };
            for changed in broken(&path) {
                let held = check(old, new, &roots[old], &roots[new], &changed);
                assert!(held.is_err(), "a changed proof from {old} to {new} was accepted");
            }
            for other in (0..=new).filter(|other| *other != old) {
                let held = check(other, new, &roots[old], &roots[new], &path);
                assert!(held.is_err(), "the proof from {old} to {new} was accepted for {other}");
                let held = check(old, new, &roots[other], &roots[new], &path);
                assert!(held.is_err(), "another old root was accepted from {old} to {new}");
            }
            for other in (0..roots.len()).filter(|other| *other != new) {
                let held = check(old, new, &roots[old], &roots[other], &path);
                assert!(held.is_err(), "another new root was accepted from {old} to {new}");
            }
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_named() {
    let (one, two) = (reference::root(&leaves(1)), reference::root(&leaves(2)));
    let empty = Hash::empty_root();
    let check = |old, old_root, new, new_root| verify_consistency(old, old_root, new, new_root, &[]);
    assert_eq!(
        check(2, &two, 1, &one),
        Err(ProofError::Sizes { old: 2, new: 1 }),
        "a log that shrank was accepted"
    );
    assert!(check(0, &one, 2, &two).is_err(), "a root that is not that of the empty tree passed for one");
    assert!(check(1, &one, 1, &two).is_err(), "two roots at one size were accepted: a split view");
    assert!(check(0, &one, 0, &one).is_err(), "an empty log with a made-up root was accepted");
    assert_eq!(check(0, &empty, 2, &two), Ok(()), "every log extends the empty one");
    assert_eq!(check(0, &empty, 0, &empty), Ok(()), "the empty log extends itself");
    for size in [MAX_TREE_SIZE + 1, u64::MAX] {
        let error = Err(ProofError::Index { index: 0, size });
        assert_eq!(
            verify_inclusion(&one, 0, size, &[two; 64], &two),
            error,
            "a tree larger than any was accepted"
        );
        let error = Err(ProofError::Sizes { old: 1, new: size });
        assert_eq!(
            verify_consistency(1, &one, size, &two, &[two; 64]),
            error,
            "a tree larger than any was accepted"
        );
    }
}
