//! What keeps the bytes of a call from being guessed by their digests: a salt that its caller alone is given.
//!
//! Promises: every request has a salt of its own, drawn anew; whoever does not have it learns from the digests on record nothing of which bytes they are of,
//! however few these could be; whoever has it can show them (docs/decisions/0049-salted-digests-of-calls.md). Must never: put a salt into a record, a
//! log or a metric, or make one where none could be drawn.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tabellion_ledger::{Entropy as _, OsEntropy};
use zeroize::Zeroizing;

use crate::words::hex_of;

/// As long as that of a field (docs/formats.md, 3): nobody tries 2^128 of them.
const SALT_BYTES: usize = 16;
/// What a salt that derives from one is for.
const OF_INPUT: &[u8] = b"what the rules were given";
/// Where its caller is given it, in hex.
const SALT: HeaderName = HeaderName::from_static("tabellion-salt");

/// The salt of one request, for all digests of its attempts.
#[derive(Clone)]
pub(crate) struct Salt(Zeroizing<[u8; SALT_BYTES]>);

impl Salt {
    /// A new one. `None`: the machine gives no random bytes, and without them nothing may be recorded.
    pub(crate) fn fresh() -> Option<Self> {
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        OsEntropy.fill(salt.as_mut_slice()).ok().map(|()| Self(salt))
    }

    /// What salts the digest of what the rules were given, where a person is in it. It stands on record beside that person; who has it cannot go back from it to
    /// this salt, which is of the bytes, and no bytes have it as their digest.
    pub(crate) fn of_input(&self) -> [u8; SALT_BYTES] {
        let digest: [u8; 32] =
            Sha256::new().chain_update(OF_INPUT).chain_update(self.0.as_slice()).finalize().into();
        let mut salt = [0; SALT_BYTES];
        salt.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        salt
    }

    /// The digest of `bytes` as it may be on record.
    pub(crate) fn commit(&self, bytes: &[u8]) -> Commitment {
        let mut committing = self.begin();
        committing.update(bytes);
        committing.commitment()
    }

    /// The same of bytes that come one after another.
    pub(crate) fn begin(&self) -> Committing {
        Committing { hash: Sha256::new().chain_update(self.0.as_slice()), is_empty: true }
    }

    /// Gives it to the caller, in the headers of the answer.
    pub(crate) fn give(&self, headers: &mut HeaderMap) {
        // Digits alone; always a valid value.
        if let Ok(mut value) = HeaderValue::from_str(&hex::encode(self.0.as_slice())) {
            value.set_sensitive(true);
            headers.insert(SALT, value);
        }
    }
}

/// A digest under way.
#[derive(Clone)]
pub(crate) struct Committing {
    hash: Sha256,
    is_empty: bool,
}

impl Committing {
    /// More bytes of it.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.is_empty &= bytes.is_empty();
        self.hash.update(bytes);
    }

    /// The digest of all that came so far.
    pub(crate) fn commitment(&self) -> Commitment {
        if self.is_empty {
            Commitment::OfNothing
        } else {
            Commitment::Salted(self.hash.clone().finalize().into())
        }
    }
}

/// What is on record of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commitment {
    /// That there were none, or that none are committed to: the plain digest of no bytes, which everybody knows.
    OfNothing,
    /// SHA-256 of the salt, then the bytes. The salt has one length, so that no part of it can be taken for bytes.
    Salted([u8; 32]),
}

impl Commitment {
    /// As the two members of a record, in hex: the plain digest and the salted one. Never both.
    pub(crate) fn members(self) -> (Option<String>, Option<String>) {
        match self {
            Self::OfNothing => (Some(hex_of(Sha256::digest(b"").into())), None),
            Self::Salted(digest) => (None, Some(hex_of(digest))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salt() -> Salt {
        Salt::fresh().expect("random bytes")
    }

    #[test]
    fn the_caller_can_show_what_it_sent_by_the_salt_that_it_was_given() {
        let salt = salt();
        let mut headers = HeaderMap::new();
        salt.give(&mut headers);
        let given = hex::decode(&headers["tabellion-salt"]).expect("hex");
        assert_eq!(given.len(), SALT_BYTES, "a salt that is short can be tried");
        let due = hex::encode(Sha256::digest([given.as_slice(), b"call 555 0100"].concat()));
        assert_eq!(
            salt.commit(b"call 555 0100").members(),
            (None, Some(due)),
            "nobody could show what was sent"
        );
        let said = format!("{headers:?}");
        assert!(
            !said.contains(&hex::encode(given)),
            "whoever logs headers for debugging would log salts: {said}"
        );
    }

    #[test]
    fn the_same_text_under_two_salts_has_nothing_in_common() {
        assert_ne!(salt().commit(b"a").members(), salt().commit(b"a").members(), "texts could be linked");
    }

    #[test]
    fn pieces_come_to_the_digest_of_the_whole_and_nothing_to_that_of_nothing() {
        let salt = salt();
        let mut pieces = salt.begin();
        assert_eq!(pieces.commitment(), Commitment::OfNothing, "no bytes are no secret");
        for piece in [&b"one"[..], b"", b" two"] {
            pieces.update(piece);
        }
        assert_eq!(
            pieces.commitment(),
            salt.commit(b"one two"),
            "a stream would be of other bytes than an answer"
        );
        let nothing = hex::encode(Sha256::digest(b""));
        assert_eq!(
            salt.commit(b"").members(),
            (Some(nothing), None),
            "who has no salt cannot see that there was nothing"
        );
    }
}
