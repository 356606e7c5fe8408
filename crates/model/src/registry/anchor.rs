//! What the record of a confirmed anchor says (`docs/formats.md` §8).

use serde_json::{Map, Value as Json};
use tabellion_tlog::Hash;
use tabellion_tlog::anchor::AnchorKind;

use super::object;
use crate::form::{FormFault, Members};

/// States that somebody outside confirmed a checkpoint. Whatever follows it in the log is younger than the evidence it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnchorConfirmed {
    /// Who confirmed.
    pub anchor: AnchorKind,
    /// SHA-256 of the evidence.
    pub evidence_sha256: Hash,
    /// Root of the checkpoint.
    pub root: Hash,
    /// Size of the checkpoint.
    pub size: u64,
}

impl AnchorConfirmed {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("anchor", self.anchor.as_str().into()),
            ("evidence_sha256", self.evidence_sha256.to_hex().into()),
            ("root", self.root.to_hex().into()),
            ("size", self.size.into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let anchor = members.text("anchor")?;
        Ok(Self {
            anchor: AnchorKind::from_name(&anchor)
                .ok_or_else(|| members.fault("anchor", "names no kind of anchor"))?,
            evidence_sha256: members.digest("evidence_sha256")?,
            root: members.digest("root")?,
            size: members.natural("size")?,
        })
    }
}
