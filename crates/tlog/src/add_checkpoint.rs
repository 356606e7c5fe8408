//! `add-checkpoint`, the request by which a log asks a witness for its cosignature (C2SP tlog-witness).
//!
//! Promises one byte form, and that every rule of the specification about sizes, roots and proofs stands in [`AddCheckpoint::check`]. Who
//! signed the checkpoint is for the caller, who knows the log's keys: [`SignedCheckpoint::verify_any`] first, then the check.

use std::fmt;

use crate::base64;
use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, parse_decimal};
use crate::hash::Hash;
use crate::note::{MAX_NOTE_BYTES, Note};
use crate::range::MAX_TREE_SIZE;
use crate::verify::{MAX_PATH_HASHES, ProofError, verify_consistency};

/// Most hashes of a consistency proof, by the specification.
pub const MAX_CONSISTENCY_HASHES: usize = MAX_PATH_HASHES;
/// Most bytes of a request: the largest note, 63 lines of 45 bytes, and the line of the old size.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = MAX_NOTE_BYTES + 63 * 45 + 32;
/// Media type of a conflict's answer, the size of the newest checkpoint that the witness has cosigned.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";
/// Most bytes of that answer: twenty digits and a newline.
pub const MAX_SIZE_BYTES: usize = 21;

/// Why a request cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// Too many bytes.
    #[error("a request of {0} bytes is too long; the most is 527155")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("a request is UTF-8 text")]
    NotText,
    /// A line in another form.
    #[error("line {line} of the request is wrong: {needed}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What belongs there.
        needed: &'static str,
    },
    /// No checkpoint behind the proof.
    #[error("the request's checkpoint is wrong: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// Why a witness does not cosign what it can read, in the order in which it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The old size is above the checkpoint's own: status 400.
    #[error("the old size {old} is above the checkpoint's size {new}")]
    Sizes {
        /// As the request says.
        old: u64,
        /// The checkpoint's.
        new: u64,
    },
    /// The newest cosigned checkpoint has another size: status 409.
    #[error("the newest checkpoint cosigned here has size {latest}; send a proof from there")]
    OtherSize {
        /// Its size; 0 when there is none.
        latest: u64,
    },
    /// An empty log has a root that is not the empty tree's: status 422.
    #[error("a log without entries has the root of the empty tree")]
    EmptyRoot,
    /// The new tree does not extend the old one: status 422.
    #[error("the checkpoint is no extension of the newest one cosigned here: {0}")]
    Inconsistent(ProofError),
}

/// A request for a cosignature. `Display` is its byte form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the newest checkpoint that the log believes the witness has cosigned; 0: none.
    pub old_size: u64,
    /// Consistency path from the old size to the checkpoint's.
    pub proof: Vec<Hash>,
    /// What is to be cosigned. Its root is whatever the request says, an empty log's too.
    pub checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// Reads a request and refuses any that would be written differently.
    pub fn parse(bytes: &[u8]) -> Result<Self, AddCheckpointError> {
        if bytes.len() > MAX_ADD_CHECKPOINT_BYTES {
            return Err(AddCheckpointError::TooLong(bytes.len()));
        }
        let mut rest = std::str::from_utf8(bytes).map_err(|_| AddCheckpointError::NotText)?;
        let mut number = 0;
        let mut next = |needed| -> Result<(&str, AddCheckpointError), AddCheckpointError> {
            number += 1;
            let wrong = AddCheckpointError::Line { line: number, needed };
            let (line, after) = rest.split_once('\n').ok_or_else(|| wrong.clone())?;
            rest = after;
            Ok((line, wrong))
        };
        let (line, wrong) = next("\"old \" and a decimal number belong there")?;
        let old_size = line.strip_prefix("old ").and_then(parse_decimal);
        let old_size = old_size.filter(|size| *size <= MAX_TREE_SIZE).ok_or(wrong)?;
        let mut proof = Vec::new();
        loop {
            let (line, wrong) =
                next("32 bytes of base64, at most 63 times, or an empty line and a checkpoint belong there")?;
            if line.is_empty() {
                break;
            }
            let hash = base64::decode_hash(line).filter(|_| proof.len() < MAX_CONSISTENCY_HASHES);
            proof.push(hash.ok_or(wrong)?);
        }
        let note = Note::parse(rest.as_bytes()).map_err(CheckpointError::from)?;
        let checkpoint = Checkpoint::read(&note.text)?;
        let bytes = note.to_string();
        Ok(Self { old_size, proof, checkpoint: SignedCheckpoint { checkpoint, note, bytes } })
    }

    /// Whether a witness whose newest cosigned checkpoint of this log is `latest` may cosign. `Ok`: it may, once it has verified the log's
    /// signature, and has to remember the new checkpoint before it answers.
    pub fn check(&self, latest: Option<&Checkpoint>) -> Result<(), Refused> {
        let new = &self.checkpoint.checkpoint;
        if self.old_size > new.size {
            return Err(Refused::Sizes { old: self.old_size, new: new.size });
        }
        let latest_size = latest.map_or(0, |latest| latest.size);
        if self.old_size != latest_size {
            return Err(Refused::OtherSize { latest: latest_size });
        }
        if new.has_wrong_empty_root() {
            return Err(Refused::EmptyRoot);
        }
        let old_root = latest.map_or_else(Hash::empty_root, |latest| latest.root);
        verify_consistency(self.old_size, &old_root, new.size, &new.root, &self.proof)
            .map_err(Refused::Inconsistent)
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", base64::encode(hash.as_bytes())))?;
        write!(f, "\n{}", self.checkpoint.bytes)
    }
}

/// Reads the size in a conflict's answer.
pub fn parse_conflict_size(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_SIZE_BYTES)?;
    parse_decimal(text.strip_suffix('\n')?).filter(|size| *size <= MAX_TREE_SIZE)
}
