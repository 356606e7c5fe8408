//! Transparency log proofs (C2SP tlog-proof): an entry's index and inclusion path with the checkpoint they lead to.
//!
//! Promises one byte form and a well-formed checkpoint inside. The extra data is opaque here and signed by nobody.

use std::fmt;

use crate::base64;
use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, parse_decimal};
use crate::hash::Hash;
use crate::verify::{MAX_PATH_HASHES, ProofError, verify_inclusion};

/// Most bytes of a proof: an entry, its keys and its disclosures in the extra line are all outside data.
pub const MAX_PROOF_BYTES: usize = 4 * 1024 * 1024;
/// First line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Too many bytes.
    #[error("a proof of {0} bytes is too long; the most is 4194304")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("a proof is UTF-8 text")]
    NotText,
    /// A line in another form.
    #[error("line {line} of the proof is wrong: {needed}")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What belongs there.
        needed: &'static str,
    },
    /// No checkpoint behind the path.
    #[error("the proof's checkpoint is wrong: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// A proof that an entry is in a log. `Display` is its byte form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Opaque data of the application, not empty; nothing authenticates it.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// Inclusion path, from the leaf's sibling to the root's child.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads a proof and refuses any that would be written differently.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(TlogProofError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TlogProofError::NotText)?;
        let mut reader = Lines { rest: text, number: 0 };
        if reader.next() != Some(HEADER) {
            return Err(reader.wrong("c2sp.org/tlog-proof@v1 belongs there"));
        }
        let mut line = reader.next();
        let extra = match line.and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) => {
                let extra = base64::decode(extra).filter(|extra| !extra.is_empty());
                let extra =
                    extra.ok_or_else(|| reader.wrong("\"extra \" is followed by base64, or left out"))?;
                line = reader.next();
                Some(extra)
            }
            None => None,
        };
        let index = line.and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.ok_or_else(|| reader.wrong("\"index \" and a decimal number belong there"))?;
        let path = read_path(&mut reader)?;
        let checkpoint = SignedCheckpoint::parse(reader.rest.as_bytes())?.bytes;
        Ok(Self { extra, index, path, checkpoint })
    }

    /// The checkpoint, parsed; its signatures are not checked.
    pub fn signed_checkpoint(&self) -> Result<SignedCheckpoint, CheckpointError> {
        SignedCheckpoint::parse(self.checkpoint.as_bytes())
    }

    /// Whether the path leads from `leaf` to the root of `checkpoint`, which the caller has verified.
    pub fn verify_inclusion(&self, leaf: &Hash, checkpoint: &Checkpoint) -> Result<(), ProofError> {
        verify_inclusion(leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = self.extra.as_deref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", base64::encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", base64::encode(hash.as_bytes())))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Lines ended by newlines, and what follows them.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    fn wrong(&self, needed: &'static str) -> TlogProofError {
        TlogProofError::Line { line: self.number, needed }
    }
}

/// The hashes up to and with the empty line.
fn read_path(reader: &mut Lines<'_>) -> Result<Vec<Hash>, TlogProofError> {
    let mut path = Vec::new();
    loop {
        let line =
            reader.next().ok_or_else(|| reader.wrong("an empty line and a checkpoint belong there"))?;
        if line.is_empty() {
            return Ok(path);
        }
        if path.len() == MAX_PATH_HASHES {
            return Err(reader.wrong("no path has more than 63 hashes"));
        }
        path.push(base64::decode_hash(line).ok_or_else(|| reader.wrong("32 bytes of base64 belong there"))?);
    }
}
