//! Values published by others: RFC 6962 test data, and the variant that doubles the last leaf.

use tabellion_tlog::{
    CompactRange, Hash, inclusion_path_of, leaf_hash, node_hash, root_of, verify_consistency,
    verify_inclusion,
};

use crate::reference;

/// The eight leaves of the Certificate Transparency test data.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Roots over the first 0 to 8 of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect()
}

/// Requirement: R26
#[test]
fn published_roots_are_ours() {
    for (size, published) in ROOTS.iter().enumerate() {
        let ours = root_of(leaves().into_iter().take(size));
        assert_eq!(ours.to_hex(), *published, "a tree of {size} leaves would not verify anywhere else");
    }
}

/// Requirement: R26
#[test]
fn published_inclusion_paths_are_ours() {
    let published: [(u64, usize, &[&str]); 4] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ];
    for (index, size, path) in published {
        let path: Vec<_> = path.iter().map(|hash| Hash::from_hex(hash).unwrap()).collect();
        let leaves = &leaves()[..size];
        assert_eq!(
            inclusion_path_of(leaves, index),
            Some(path.clone()),
            "a proof of ours would not verify elsewhere"
        );
        let root = Hash::from_hex(ROOTS[size]).unwrap();
        let held =
            verify_inclusion(&leaves[usize::try_from(index).unwrap()], index, size as u64, &path, &root);
        assert_eq!(held, Ok(()), "a published proof of leaf {index} of {size} was refused");
    }
}

#[test]
fn published_consistency_paths_hold() {
    let published: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (old, new, path) in published {
        let path: Vec<_> = path.iter().map(|hash| Hash::from_hex(hash).unwrap()).collect();
        let (old_root, new_root) = (Hash::from_hex(ROOTS[old]).unwrap(), Hash::from_hex(ROOTS[new]).unwrap());
        let held = verify_consistency(old as u64, &old_root, new as u64, &new_root, &path);
        assert_eq!(held, Ok(()), "the published proof from {old} to {new} was refused");
    }
}

/// A tree that pairs a lone node with itself gives the leaves a, b, c and a, b, c, c one root (CVE-2012-2459). Ours must not, and
/// must refuse proofs made that way.
///
/// Requirement: R26
#[test]
fn doubling_the_last_leaf_is_refused() {
    for size in (3..=33u64).filter(|size| !size.is_power_of_two()) {
        let leaves = reference::leaves(size);
        let (root, doubled_root) = (root_of(leaves.iter().copied()), root_by_doubling(&leaves));
        assert_ne!(root, doubled_root, "{size} leaves: the tree doubles its last leaf");
        let mut twice = leaves.clone();
        twice.push(leaves[leaves.len() - 1]);
        assert_ne!(
            root_of(twice.iter().copied()),
            root,
            "an entry could be claimed twice under the root of {size} leaves"
        );

        let (leaf, path) = (leaves[leaves.len() - 1], path_by_doubling(&leaves));
        for (claimed_index, claimed_size, claimed_root) in [
            (size - 1, size, root),
            (size, size + 1, root),
            (size - 1, size, doubled_root),
            (size, size, doubled_root),
        ] {
            let held = verify_inclusion(&leaf, claimed_index, claimed_size, &path, &claimed_root);
            assert!(
                held.is_err(),
                "{size} leaves: a proof of the doubled last leaf was accepted at {claimed_index} of {claimed_size}"
            );
        }
    }
}

fn root_by_doubling(leaves: &[Hash]) -> Hash {
    let mut row = leaves.to_vec();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| node_hash(&pair[0], pair.get(1).unwrap_or(&pair[0]))).collect();
    }
    row[0]
}

/// The path of the last leaf in the doubling tree.
fn path_by_doubling(leaves: &[Hash]) -> Vec<Hash> {
    let (mut row, mut path) = (leaves.to_vec(), Vec::new());
    while row.len() > 1 {
        let last = row.len() - 1;
        path.push(if last % 2 == 1 { row[last - 1] } else { row[last] });
        row = row.chunks(2).map(|pair| node_hash(&pair[0], pair.get(1).unwrap_or(&pair[0]))).collect();
    }
    path
}

#[test]
fn an_empty_range_has_the_published_root() {
    assert_eq!(
        CompactRange::new(0).root(),
        Ok(Hash::from_hex(ROOTS[0]).unwrap()),
        "an empty log has no root that others know"
    );
}
