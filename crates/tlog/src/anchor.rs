//! Anchors: what somebody outside says of a checkpoint, in the formats of those who say it, and what that shows.
//!
//! Promises: every format is read with limits and in one form; a verdict says exactly what was checked, and what was not is never reported
//! as fine. Must never: do I/O, read a clock, or take a claim inside the evidence for the proof of it.
//!
//! What is anchored is always the same 32 bytes: [`digest`] of the checkpoint's note text, so that signatures added later change nothing.

pub mod ans104;
mod dates;
mod der;
pub mod evm;
mod kind;
pub mod ots;
pub mod rfc3161;
mod trust;
mod verdict;

pub use kind::AnchorKind;
pub use trust::{AnchorTrust, AnchorTrustError, BitcoinBlock, EvmBlock, MAX_ANCHOR_LINES};
pub use verdict::{AnchorFinding, TimeSpan, verify_evidence};

use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, sha256};

/// Most bytes of one anchor's evidence: a time-stamp with a long chain has a tenth of it, a block's Merkle proof likewise.
pub const MAX_EVIDENCE_BYTES: usize = 256 << 10;

/// The 32 bytes that every anchor gets: SHA-256 over the checkpoint's note text (origin, size, root, each with its newline), without signatures.
pub fn digest(checkpoint: &Checkpoint) -> Hash {
    sha256(checkpoint.text().as_bytes())
}
