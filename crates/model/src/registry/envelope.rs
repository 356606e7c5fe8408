//! What the record of an imported envelope says (`docs/formats.md` §8).

use serde_json::{Map, Value as Json};
use tabellion_tlog::Hash;

use super::object;
use crate::envelope::{PROOF_BUNDLE_FORMAT, Profile};
use crate::form::{FormFault, Members};

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// One envelope of this profile.
    Envelope(Profile),
    /// A leaf with its proof and the checkpoint's envelope, whose signature carries the whole.
    ProofBundle,
}

impl EnvelopeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Envelope(Profile::Agent),
        Self::Envelope(Profile::Mlflow),
        Self::Envelope(Profile::Events),
        Self::Envelope(Profile::Legacy),
        Self::ProofBundle,
    ];

    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Envelope(profile) => profile.as_str(),
            Self::ProofBundle => PROOF_BUNDLE_FORMAT,
        }
    }

    /// Reads the word of records.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// States that an envelope that others signed was checked and put on record. Its signature held, or it would not be here; nothing is said of what was
/// not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeImported {
    /// SHA-256 over the canonical bytes of the envelope, its signature included.
    pub digest: Hash,
    /// What it is.
    pub kind: EnvelopeKind,
    /// Whether its payload was there and is the one that was signed for.
    pub payload_checked: bool,
    /// SHA-256 of the payload, as signed.
    pub payload_hash: Hash,
    /// The Ed25519 public key that it names, 32 bytes.
    pub signer: [u8; 32],
    /// Whether whoever imported it had that key another way.
    pub signer_known: bool,
}

impl EnvelopeImported {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("digest", self.digest.to_hex().into()),
            ("kind", self.kind.as_str().into()),
            ("payload_checked", self.payload_checked.into()),
            ("payload_hash", self.payload_hash.to_hex().into()),
            ("signer", Hash(self.signer).to_hex().into()),
            ("signer_known", self.signer_known.into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let kind = members.text("kind")?;
        Ok(Self {
            kind: EnvelopeKind::parse(&kind)
                .ok_or_else(|| members.fault("kind", "names no kind of envelope"))?,
            digest: members.digest("digest")?,
            payload_checked: members.flag("payload_checked")?,
            payload_hash: members.digest("payload_hash")?,
            signer: members.digest("signer")?.0,
            signer_known: members.flag("signer_known")?,
        })
    }
}
