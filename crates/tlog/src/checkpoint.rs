//! Checkpoints (C2SP tlog-checkpoint): the signed size and root of a log.
//!
//! Promises one byte form; extension lines are refused, because no version of Tabellion gives one a meaning. A checkpoint that was
//! parsed is not yet believed: `verify_with` says who signed it.

use crate::base64;
use crate::hash::Hash;
use crate::key::Signer;
use crate::note::{Note, NoteError, NoteSignature, VerifiedSignature, sign_note};
use crate::range::MAX_TREE_SIZE;
use crate::vkey::{SignatureType, VerifierKey, is_key_name};

/// Longest origin.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// Why a checkpoint cannot be read, signed or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not that of a checkpoint.
    #[error("line {line} of the checkpoint is wrong: {needed}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What belongs there.
        needed: &'static str,
    },
    /// The key does not speak for this log.
    #[error("a key for {key} cannot sign checkpoints of {origin}")]
    OtherOrigin {
        /// The checkpoint's origin.
        origin: String,
        /// The key's name.
        key: String,
    },
}

/// Size and root of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// RFC 9162 root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The note text: three lines, each ended by a newline.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64::encode(self.root.as_bytes()))
    }

    /// Reads a text that [`text`](Self::text) writes, and no other.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read(text)?;
        if checkpoint.has_wrong_empty_root() {
            let needed = "a log without entries has the root of the empty tree";
            return Err(CheckpointError::Line { line: 3, needed });
        }
        Ok(checkpoint)
    }

    /// Whether it gives a log without entries another root than the empty tree's.
    pub(crate) fn has_wrong_empty_root(&self) -> bool {
        self.size == 0 && self.root != Hash::empty_root()
    }

    /// The same without a look at the root of a log without entries.
    pub(crate) fn read(text: &str) -> Result<Self, CheckpointError> {
        let wrong = |line, needed| CheckpointError::Line { line, needed };
        let mut lines = text.strip_suffix('\n').ok_or(wrong(3, "it has to end with a newline"))?.split('\n');
        let origin = lines.next().filter(|origin| is_origin(origin));
        let origin =
            origin.ok_or(wrong(1, "an origin of 1 to 255 bytes without spaces and '+' belongs there"))?;
        let size = lines.next().and_then(parse_decimal).filter(|size| *size <= MAX_TREE_SIZE);
        let size = size.ok_or(wrong(2, "the number of entries belongs there, in decimal"))?;
        let root =
            lines.next().and_then(base64::decode_hash).ok_or(wrong(3, "32 bytes of base64 belong there"))?;
        if lines.next().is_some() {
            return Err(wrong(4, "a checkpoint has three lines; extension lines are not accepted"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A checkpoint with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The note around it.
    pub note: Note,
    /// The note's byte form.
    pub bytes: String,
}

impl SignedCheckpoint {
    /// Reads a signed note whose text is a checkpoint. Checks no signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(&note.text)?;
        let bytes = note.to_string();
        Ok(Self { checkpoint, note, bytes })
    }

    /// The same checkpoint with these signature lines after its own; lines that it has already are left out.
    #[must_use]
    pub fn with_signatures(&self, lines: &[NoteSignature]) -> Self {
        let mut note = self.note.clone();
        for line in lines {
            if !note.signatures.contains(line) {
                note.signatures.push(line.clone());
            }
        }
        let bytes = note.to_string();
        Self { checkpoint: self.checkpoint.clone(), note, bytes }
    }

    /// Whether the log's `key` signed this: its name must be the origin.
    pub fn verify_with(&self, key: &VerifierKey) -> Result<(), CheckpointError> {
        let origin = &self.checkpoint.origin;
        if key.name() != origin || key.kind() != SignatureType::Ed25519 {
            return Err(CheckpointError::OtherOrigin { origin: origin.clone(), key: key.name().to_owned() });
        }
        self.note.verify(std::slice::from_ref(key))?;
        Ok(())
    }

    /// The signatures made by `keys`, of the log or of witnesses. An error when one of them is wrong or when there is none.
    pub fn verify_any(&self, keys: &[VerifierKey]) -> Result<Vec<VerifiedSignature>, CheckpointError> {
        Ok(self.note.verify(keys)?)
    }

    /// Signs as the log: a note under a key name equal to the origin.
    pub fn sign(checkpoint: &Checkpoint, signer: &dyn Signer) -> Result<String, CheckpointError> {
        let text = checkpoint.text();
        // What is signed must be readable, or a log could commit to something that nobody can check.
        Checkpoint::parse(&text)?;
        Ok(sign_note(&text, &checkpoint.origin, signer)?)
    }
}

/// An origin doubles as a key name, so the bounds of both hold.
fn is_origin(text: &str) -> bool {
    text.len() <= MAX_ORIGIN_BYTES && is_key_name(text)
}

/// A decimal number without sign and leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
