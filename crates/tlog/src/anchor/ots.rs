//! `OpenTimestamps` proofs: from a digest by plain operations to what a calendar or a Bitcoin block attests.
//!
//! The format is that of the reference implementation (python-opentimestamps, `DetachedTimestampFile`); files are read by it and its files are read here.
//!
//! Promises: a proof that was read is written as the same bytes; operations are computed, never believed; an attestation of a kind that is not known
//! here stays in the proof and counts for nothing. Must never: take a calendar's promise for a confirmation.

mod walk;
mod wire;

use crate::hash::{Hash, sha256};

/// Largest proof that is read.
pub const MAX_PROOF_BYTES: usize = 64 << 10;
/// Most operations in a row, as in the reference implementation.
pub const MAX_DEPTH: usize = 256;
/// Longest message that an operation gives or argument that it takes, as in the reference implementation.
pub const MAX_MESSAGE_BYTES: usize = 4_096;
/// Most bytes of messages that the operations of one proof are computed on, each message counted as at least [`MIN_COUNTED_BYTES`]. A proof of nothing
/// but hashes and what is put beside them stays below it, however long it is; one that hashes a long message over and over does not.
pub const MAX_HASHED_BYTES: usize = 512 << 10;
/// What an operation counts for, however short its message is: computing a hash has a price of its own.
pub const MIN_COUNTED_BYTES: usize = 128;
/// Bytes of the random argument that hides the digest from the calendar.
pub const NONCE_BYTES: usize = 16;
/// Bytes of a Bitcoin block header.
pub const HEADER_BYTES: usize = 80;

/// Why a proof cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtsError {
    /// More bytes than any proof has.
    #[error("{0} bytes are too long for a proof; the most is 65536")]
    TooLong(usize),
    /// Not the form of a proof.
    #[error("not an OpenTimestamps proof at byte {at}: {needed}")]
    Form {
        /// Offset in bytes.
        at: usize,
        /// What belongs there.
        needed: &'static str,
    },
    /// More to compute than any proof asks for.
    #[error(
        "the proof has operations on {0} bytes of messages; the most is 524288, each counted as at least 128"
    )]
    TooMuch(usize),
    /// The proof is of something else.
    #[error("the proof is of {given}, not of {due}")]
    Digest {
        /// What was to be stamped.
        due: Hash,
        /// What the proof is of.
        given: Hash,
    },
    /// No such promise stands in the proof.
    #[error("the calendar's answer belongs to no promise in this proof")]
    NoPromise,
}

/// One operation on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Puts bytes behind it.
    Append(Vec<u8>),
    /// Puts bytes before it.
    Prepend(Vec<u8>),
    /// SHA-256 of it.
    Sha256,
    /// SHA-1 of it.
    Sha1,
    /// RIPEMD-160 of it; read, not computed.
    Ripemd160,
    /// Keccak-256 of it.
    Keccak256,
    /// Its bytes backwards.
    Reverse,
    /// Its hex digits.
    Hexlify,
}

/// Who vouches for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// A calendar that promises to commit to it; it is asked at this URL.
    Pending(String),
    /// The Bitcoin block of this height, whose Merkle root the message is.
    Bitcoin(u64),
    /// Of a kind that is not known here: its tag and content.
    Unknown([u8; 8], Vec<u8>),
}

/// What follows from a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Branch {
    /// It is attested.
    Attested(Attestation),
    /// An operation makes another message of it, of which more follows.
    Then(Op, Timestamp),
}

/// What is known of one message: at least one branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// In the order of the file.
    pub branches: Vec<Branch>,
}

/// A proof for a digest (`.ots`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtsProof {
    /// SHA-256 of what was stamped.
    pub digest: Hash,
    /// What is known of it.
    pub timestamp: Timestamp,
}

/// An attestation and the message it is about; `None` where an operation on the way cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested<'a> {
    /// The message.
    pub message: Option<Vec<u8>>,
    /// Who vouches for it.
    pub attestation: &'a Attestation,
}

impl OtsProof {
    /// What a calendar is given for `digest`: SHA-256 of digest ‖ nonce. The calendar learns nothing of the digest.
    pub fn commitment(digest: &Hash, nonce: &[u8; NONCE_BYTES]) -> Hash {
        sha256(&[digest.as_bytes().as_slice(), nonce].concat())
    }

    /// The proof that a calendar's answer to [`commitment`](Self::commitment) gives.
    pub fn begin(digest: Hash, nonce: &[u8; NONCE_BYTES], answer: &[u8]) -> Result<Self, OtsError> {
        let answer = Timestamp::parse(answer)?;
        let hashed = Timestamp { branches: vec![Branch::Then(Op::Sha256, answer)] };
        let timestamp = Timestamp { branches: vec![Branch::Then(Op::Append(nonce.to_vec()), hashed)] };
        Self { digest, timestamp }.bounded()
    }

    /// The proof with what another calendar answered to the same commitment beside it.
    pub fn join(&self, nonce: &[u8; NONCE_BYTES], answer: &[u8]) -> Result<Self, OtsError> {
        let answer = Timestamp::parse(answer)?;
        let mut next = self.clone();
        let [Branch::Then(Op::Append(argument), hashed)] = next.timestamp.branches.as_mut_slice() else {
            return Err(OtsError::NoPromise);
        };
        let [Branch::Then(Op::Sha256, committed)] = hashed.branches.as_mut_slice() else {
            return Err(OtsError::NoPromise);
        };
        if argument != nonce {
            return Err(OtsError::NoPromise);
        }
        merge(committed, answer);
        next.bounded()
    }

    /// Refuses what would take long to compute.
    fn bounded(self) -> Result<Self, OtsError> {
        let bytes = walk::counted_bytes(&self.timestamp, Some(self.digest.as_bytes().len()));
        if bytes > MAX_HASHED_BYTES { Err(OtsError::TooMuch(bytes)) } else { Ok(self) }
    }

    /// The calendars' promises with the message that each is asked for.
    pub fn promises(&self) -> Vec<(String, Vec<u8>)> {
        let promise = |attested: Attested<'_>| match (attested.attestation, attested.message) {
            (Attestation::Pending(url), Some(message)) => Some((url.clone(), message)),
            _ => None,
        };
        self.attestations().into_iter().filter_map(promise).collect()
    }

    /// Puts a calendar's later answer about `message` in the place of its promise.
    pub fn upgrade(&mut self, message: &[u8], answer: &[u8]) -> Result<(), OtsError> {
        let answer = Timestamp::parse(answer)?;
        let mut next = self.clone();
        if !walk::replace(&mut next.timestamp, self.digest.as_bytes(), message, &answer) {
            return Err(OtsError::NoPromise);
        }
        *self = next.bounded()?;
        Ok(())
    }

    /// Every attestation in it.
    pub fn attestations(&self) -> Vec<Attested<'_>> {
        let mut found = Vec::new();
        walk::collect(&self.timestamp, Some(self.digest.as_bytes()), &mut found);
        found
    }

    /// Heights of the Bitcoin blocks that attest it.
    pub fn bitcoin_heights(&self) -> Vec<u64> {
        let height = |attested: &Attested<'_>| match attested.attestation {
            Attestation::Bitcoin(height) => Some(*height),
            _ => None,
        };
        self.attestations().iter().filter_map(height).collect()
    }

    /// Whether the block of `height` with this `header` attests it: then the header's time, in seconds since 1970.
    pub fn attested_by(&self, height: u64, header: &[u8; HEADER_BYTES]) -> Option<u64> {
        self.attestations().iter().find_map(|attested| attested.by_block(height, header))
    }
}

/// Adds what `from` knows of a message to what is known of it. Readers keep what follows from a message by the operation: the same one must not stand twice.
/// Both were parsed, so neither is deeper than [`MAX_DEPTH`].
fn merge(into: &mut Timestamp, from: Timestamp) {
    for branch in from.branches {
        match branch {
            Branch::Then(op, next) => {
                let known = into.branches.iter_mut().find_map(|known| match known {
                    Branch::Then(same, known) if *same == op => Some(known),
                    _ => None,
                });
                match known {
                    Some(known) => merge(known, next),
                    None => into.branches.push(Branch::Then(op, next)),
                }
            }
            attested @ Branch::Attested(_) => {
                if !into.branches.contains(&attested) {
                    into.branches.push(attested);
                }
            }
        }
    }
}

impl Attested<'_> {
    /// Whether it is by the block of `height` with this `header`: then the header's time, in seconds since 1970.
    pub fn by_block(&self, height: u64, header: &[u8; HEADER_BYTES]) -> Option<u64> {
        let (_, rest) = header.split_at_checked(36)?;
        let (root, rest) = rest.split_at_checked(32)?;
        let (time, _) = rest.split_first_chunk::<4>()?;
        let fits = *self.attestation == Attestation::Bitcoin(height) && self.message.as_deref() == Some(root);
        fits.then(|| u64::from(u32::from_le_bytes(*time)))
    }
}
