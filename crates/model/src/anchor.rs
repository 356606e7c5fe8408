//! An anchor's evidence as it travels in a package: `anchors/NNNNNNNN.json` (formats §11.3).
//!
//! Promises: one byte form. Says nothing about whether any of it is true; [`crate::package`] checks that.

use serde_json::json;
use tabellion_tlog::Hash;
use tabellion_tlog::anchor::{AnchorKind, MAX_EVIDENCE_BYTES};

use crate::form::{FormFault, Members, base64_text, hash_list};
use crate::jcs::{JcsError, parse_jcs, to_jcs};
use crate::placed::PlacedEntry;

/// The format name in every such file.
pub const ANCHOR_FORMAT: &str = "tabellion.anchor/1";

/// Why bytes are no anchor file.
#[derive(Debug, thiserror::Error)]
pub enum AnchorFileError {
    /// Not canonical JSON.
    #[error("{place}: {fault}")]
    Jcs {
        /// Name of the file.
        place: String,
        /// What is wrong.
        fault: JcsError,
    },
    /// Canonical JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
}

/// Evidence that a checkpoint of the log existed at a time, and the record that the log made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorFile {
    /// Who confirmed.
    pub anchor: AnchorKind,
    /// The signed checkpoint that was confirmed.
    pub checkpoint: String,
    /// Consistency path from it to the package's checkpoint (RFC 9162 §2.1.4).
    pub consistency: Vec<Hash>,
    /// The evidence in the anchor's own format.
    pub evidence: Vec<u8>,
    /// The `anchor.confirmed` record that names the evidence, in the tree of the package's checkpoint.
    pub record: PlacedEntry,
}

impl AnchorFile {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JcsError> {
        to_jcs(&json!({
            "anchor": self.anchor.as_str(), "checkpoint": self.checkpoint, "consistency": hash_list(&self.consistency),
            "evidence": base64_text(&self.evidence), "format": ANCHOR_FORMAT, "record": self.record.to_json(),
        }))
    }

    /// Reads the file called `place`.
    pub fn parse(place: &str, bytes: &[u8]) -> Result<Self, AnchorFileError> {
        let value =
            parse_jcs(bytes).map_err(|fault| AnchorFileError::Jcs { place: place.to_owned(), fault })?;
        let mut members = Members::of(place, value)?;
        members.fixed("format", ANCHOR_FORMAT)?;
        let anchor = members.text("anchor")?;
        let record = members.any("record")?;
        let file = Self {
            anchor: AnchorKind::from_name(&anchor)
                .ok_or_else(|| members.fault("anchor", "names no kind of anchor"))?,
            checkpoint: members.text("checkpoint")?,
            consistency: members.hashes("consistency")?,
            evidence: members.bytes("evidence")?,
            record: PlacedEntry::from_json(&format!("{place}: `record`"), record)?,
        };
        if file.evidence.len() > MAX_EVIDENCE_BYTES {
            return Err(members.fault("evidence", "is larger than any evidence").into());
        }
        members.finish()?;
        Ok(file)
    }
}
