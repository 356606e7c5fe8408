//! Inclusion and consistency proofs over any sizes, indexes and paths.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_tlog::{Hash, root_from_inclusion, verify_consistency};

fuzz_target!(|data: &[u8]| {
    let Some((numbers, hashes)) = data.split_at_checked(16) else { return };
    let (first, second) = numbers.split_at(8);
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
    let (a, b) = (number(first), number(second));
    let path: Vec<Hash> =
        hashes.chunks_exact(Hash::SIZE).map(|hash| Hash(hash.try_into().expect("32 bytes"))).collect();
    let Some((leaf, path)) = path.split_first() else { return };
    if root_from_inclusion(leaf, a, b, path).is_ok() {
        assert!(a < b, "a leaf outside the tree was placed in it");
    }
    if let Some((root, path)) = path.split_first() {
        if verify_consistency(a, leaf, b, root, path).is_ok() {
            assert!(a <= b, "a tree was found consistent with a larger past");
        }
    }
});
