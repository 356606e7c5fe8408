//! SHA-256 as the tree uses it (RFC 9162 §2.1.1): leaves and nodes are hashed under different first bytes.
//!
//! Promises no allocation on any hashing path. Knows nothing about the shape of a tree.

use std::fmt;

use sha2::{Digest, Sha256};

/// First byte of everything hashed into a leaf, so that no entry can pass for a node.
const LEAF_PREFIX: u8 = 0x00;
/// First byte of everything hashed into a node.
const NODE_PREFIX: u8 = 0x01;

/// A SHA-256 value. `Display` and `Debug` are 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Length in bytes.
    pub const SIZE: usize = 32;

    /// Root of the tree without leaves: SHA-256 of nothing (RFC 9162 §2.1.1).
    pub fn empty_root() -> Self {
        sha256(&[])
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        let mut digits = [0; 2 * Self::SIZE];
        hex_digits(&self.0, &mut digits).to_owned()
    }

    /// Reads exactly 64 lower-case hex digits; anything else is `None`.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; Self::SIZE];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Writes `bytes` as lower-case hex digits into `digits`, which must have two places for each; with any other number of places the text is empty.
///
/// Ids and hashes are written for every record, and `hex::encode` goes character by character.
pub fn hex_digits<'d>(bytes: &[u8], digits: &'d mut [u8]) -> &'d str {
    if hex::encode_to_slice(bytes, digits).is_err() {
        return "";
    }
    std::str::from_utf8(digits).unwrap_or_default()
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex_digits(&self.0, &mut [0; 2 * Hash::SIZE]))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// Leaf hash of an entry: SHA-256(0x00 ‖ entry). Pure, so a caller may hash many entries on many threads.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([LEAF_PREFIX]).chain_update(entry).finalize().into())
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([NODE_PREFIX])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_one_form() {
        let hash = leaf_hash(b"one");
        assert_eq!(
            Hash::from_hex(&hash.to_hex()),
            Some(hash),
            "a hash that was printed must be readable again"
        );
        assert_eq!(
            format!("{hash} {hash:?}"),
            format!("{0} {0}", hash.to_hex()),
            "logs and files must show the same digits"
        );
        assert_eq!(
            Hash::from_hex(&hash.to_hex().to_uppercase()),
            None,
            "a second spelling of one hash was accepted"
        );
        assert_eq!(Hash::from_hex(&hash.to_hex()[1..]), None, "a short hash was accepted");
    }

    #[test]
    fn leaves_and_nodes_never_collide_by_shape() {
        let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let entry = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(leaf_hash(&entry), node_hash(&left, &right), "an entry could pass for an inner node");
        assert_eq!(
            leaf_hash(b"").to_hex(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "published hash of the empty leaf (RFC 6962 test data)"
        );
    }
}
