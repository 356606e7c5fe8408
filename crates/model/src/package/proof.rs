//! `proof.json` (formats §11.2): what places the range, and entries outside it, in the checkpoint's tree.
//!
//! Reads and writes the form; the tree check that uses it is in [`super::tree`].

use serde_json::json;
use tabellion_tlog::Hash;

use crate::form::{FormFault, Members, hash_list};
use crate::jcs::{JcsError, parse_jcs, to_jcs};
use crate::placed::PlacedEntry;

/// The format name in every proof file.
pub const PROOF_FORMAT: &str = "tabellion.proof/1";

/// Why bytes are not a proof file.
#[derive(Debug, thiserror::Error)]
pub enum RangeProofError {
    /// Not canonical JSON.
    #[error("proof.json: {0}")]
    Jcs(#[from] JcsError),
    /// Canonical JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
}

/// The content of `proof.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeProof {
    /// Entries outside the range that a verifier needs, by ascending index.
    pub extra: Vec<PlacedEntry>,
    /// Roots of the maximal perfect subtrees of `[0, first)`, left to right.
    pub left: Vec<Hash>,
    /// The same for `[first + count, size)`.
    pub right: Vec<Hash>,
}

impl RangeProof {
    /// The bytes of `proof.json`.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RangeProofError> {
        let extra: Vec<_> = self.extra.iter().map(PlacedEntry::to_json).collect();
        let value = json!({
            "extra": extra, "format": PROOF_FORMAT, "left": hash_list(&self.left), "right": hash_list(&self.right),
        });
        Ok(to_jcs(&value)?)
    }

    /// Reads `proof.json`.
    pub fn parse(bytes: &[u8]) -> Result<Self, RangeProofError> {
        let mut members = Members::of("proof.json", parse_jcs(bytes)?)?;
        members.fixed("format", PROOF_FORMAT)?;
        let extra = PlacedEntry::list_from_json("proof.json: `extra`", members.list("extra")?)?;
        let proof = Self { extra, left: members.hashes("left")?, right: members.hashes("right")? };
        members.finish()?;
        Ok(proof)
    }
}
