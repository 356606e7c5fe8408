//! Event envelopes of the ar.io family: read, checked, and made (`docs/envelopes.md`).
//!
//! An envelope is a small signed JSON object that commits to a payload by its SHA-256: `ario.mlflow/v1` (written by an `MLflow` plugin), `ario.agent/v1`
//! (by an agent that watches files, payload inside) and `ario.events/v1` (by an anchoring library). Their format is described in the family's own
//! `specs/envelope-spec.md` v1.4 (github.com/ar-io/ar-io-proof).
//!
//! Promises: pure functions; a version whose major is not known is refused, whatever its signature says; what was not checked is never reported as
//! fine. Must never: take a member that stands outside the signed scope for something that the signer said.

mod batch;
mod chain;
mod check;
mod json;
mod number;
mod read;
mod version;
mod write;

#[cfg(test)]
mod tests;

use tabellion_tlog::{Hash, PublicKey};

pub use batch::{InclusionReceipt, PROOF_BUNDLE_FORMAT, ProofBundle};
pub use chain::{Chain, ChainLink, ChainStart, Previous, chains};
pub use check::verify_envelope;
pub use json::MAX_ENVELOPE_NESTING;
pub use read::{Envelope, Found, GENESIS};
pub use version::{Profile, SpecVersion};
pub use write::{EventRecord, ExportedEnvelope, export_event};

/// What `environment` says of what was made for trying out.
const DEV: &str = "dev";
/// Largest envelope or proof that is read. A usual one has 400 to 700 bytes; the room is for payloads that stand inside, and as base64 it still fits
/// into a record's content.
pub const MAX_ENVELOPE_BYTES: usize = 256 << 10;
/// Largest payload that is compared: as much as a record's content may have.
pub const MAX_PAYLOAD_BYTES: usize = 2 << 20;
/// Most members of one envelope. The family's formats have up to twelve; every one beyond them is tried as an addition when a signature does not fit.
pub const MAX_ENVELOPE_MEMBERS: usize = 64;

/// Why bytes are not an envelope that can be checked. Texts never carry values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// More bytes than are read.
    #[error("it has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes given.
        size: usize,
        /// Bytes read.
        limit: usize,
    },
    /// Not JSON.
    #[error("it is not valid JSON near byte {at}")]
    NotJson {
        /// Offset in bytes.
        at: usize,
    },
    /// Two members of one name in one object.
    #[error("an object holds a member twice, near byte {at}; readers would disagree which one counts")]
    DuplicateMember {
        /// Offset in bytes.
        at: usize,
    },
    /// Half of a surrogate pair, which UTF-8 cannot hold.
    #[error("a text holds half of a surrogate pair near byte {at}, which no canonical form has")]
    LoneSurrogate {
        /// Offset in bytes.
        at: usize,
    },
    /// Too many arrays and objects inside each other.
    #[error("it nests deeper than {MAX_ENVELOPE_NESTING} levels near byte {at}")]
    TooDeep {
        /// Offset in bytes.
        at: usize,
    },
    /// A number that not every reader holds exactly.
    #[error("the number near byte {at} is not one that every reader holds alike")]
    Number {
        /// Offset in bytes.
        at: usize,
    },
    /// Something else than an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// More members than are read.
    #[error("it has {0} members, at most {MAX_ENVELOPE_MEMBERS} are read")]
    TooManyMembers(usize),
    /// No `spec_version`.
    #[error(
        "member spec_version is missing; an envelope from before that member existed is accepted only when asked for (--legacy)"
    )]
    MissingVersion,
    /// A `spec_version` of another family or major, or one that is not of its form.
    #[error(
        "spec_version is not one of ario.agent/v1, ario.mlflow/v1 and ario.events/v1, with a numeric minor or none; another version may mean \
         something else by the same members"
    )]
    UnsupportedVersion,
    /// A member that the profile must have.
    #[error("member {0} is missing")]
    MissingMember(&'static str),
    /// A member of another form than the family's.
    #[error("member {member} {problem}")]
    MemberForm {
        /// Which.
        member: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A member that the profile must not have.
    #[error("member {0} has no place in the envelope of this profile, which keeps it in the payload")]
    Misplaced(&'static str),
}

impl EnvelopeError {
    /// The code, stable for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotJson { .. } => "not_json",
            Self::DuplicateMember { .. } => "duplicate_member",
            Self::LoneSurrogate { .. } => "lone_surrogate",
            Self::TooDeep { .. } => "too_deep",
            Self::Number { .. } => "number_form",
            Self::NotAnObject => "not_an_object",
            Self::TooManyMembers(_) => "too_many_members",
            Self::MissingVersion => "missing_spec_version",
            Self::UnsupportedVersion => "unsupported_spec_version",
            Self::MissingMember(_) => "missing_member",
            Self::MemberForm { .. } => "member_form",
            Self::Misplaced(_) => "misplaced_member",
        }
    }
}

/// What a check of an envelope may rest on besides the envelope.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvelopeContext<'a> {
    /// Keys that are believed, got another way than the envelope; empty: none is, and who signed stays unknown.
    pub keys: &'a [PublicKey],
    /// The payload's bytes, where it does not stand inside.
    pub payload: Option<&'a [u8]>,
    /// Proof that the envelope stands in a batch, and the record that the batch's checkpoint commits to.
    pub inclusion: Option<(&'a InclusionReceipt, &'a [u8])>,
    /// Whether an envelope that marks itself as made for trying out may pass.
    pub allow_dev: bool,
    /// Whether an envelope without `spec_version` may pass.
    pub allow_legacy: bool,
}

/// SHA-256 as the formats write it.
fn sha256_hex(bytes: &[u8]) -> String {
    tabellion_tlog::sha256(bytes).to_hex()
}

/// Reads 64 lower-case hex digits.
fn hash_of(text: &str) -> Option<Hash> {
    Hash::from_hex(text).filter(|hash| hash.to_hex() == text)
}
