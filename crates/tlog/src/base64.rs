//! Base64 in the one form that every format here uses: RFC 4648 §4, padded, without stray bits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `None` for anything but the one form of some bytes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The base64 of exactly 32 bytes.
pub(crate) fn decode_hash(text: &str) -> Option<Hash> {
    Some(Hash(decode(text)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_is_read() {
        assert_eq!(decode("AA=="), Some(vec![0]), "the canonical form must be read");
        for other in ["AB==", "AA", "AA=", "AA==\n", " AA==", "A A==", "AA==AA==", "_w==", "AA==="] {
            assert_eq!(decode(other), None, "{other:?} is a second spelling and must be refused");
        }
    }
}
