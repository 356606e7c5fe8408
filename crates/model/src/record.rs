//! Sealed records: the header as the one canonical JSON object that the ledger keeps (`docs/formats.md` §3).
//!
//! Promises: [`SealedRecord::parse`] accepts exactly the bytes that [`SealedRecord::to_bytes`] writes, so a changed byte either is refused or
//! is another record with another leaf hash. Nothing here knows content: bodies are digests.

mod quick;
mod read;
mod template;
mod write;

use tabellion_tlog::MAX_ENTRY_BYTES;

use crate::form::FormFault;
use crate::header::{Header, HeaderError};
use crate::jcs::JcsError;
use crate::registry::{self, RegistryError};

pub use template::{Numbers, NumbersError, RecordTemplate};

/// The `format` member.
pub const RECORD_FORMAT: &str = "tabellion.record/1";
/// The `digest_alg` member.
pub const DIGEST_ALG: &str = "sha-256";

/// A record as the ledger keeps it: its header, whose units stand for the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// Everything there is.
    pub header: Header,
}

/// Why bytes are not a sealed record, or a header cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Larger than an entry may be.
    #[error(
        "the record has {0} bytes, an entry holds at most {MAX_ENTRY_BYTES}; use fewer fields, parents or clear members"
    )]
    TooLarge(usize),
    /// Not strict JSON, or not in canonical form.
    #[error("the record: {0}")]
    Json(#[from] JcsError),
    /// A member is missing, unknown or of the wrong type.
    #[error(transparent)]
    Form(#[from] FormFault),
    /// A limit of the header is broken.
    #[error("the record: {0}")]
    Header(#[from] HeaderError),
    /// The record is not what its type says it must be.
    #[error("the record: {0}")]
    Registry(#[from] RegistryError),
}

impl SealedRecord {
    /// The one canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        self.header.check()?;
        registry::check(&self.header)?;
        let bytes = write::canonical(&self.header)?;
        if bytes.len() > MAX_ENTRY_BYTES { Err(RecordError::TooLarge(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads a record; refuses anything but the form of `docs/formats.md` §3.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(RecordError::TooLarge(bytes.len()));
        }
        if let Some(header) = quick::header(bytes) {
            let record = Self { header };
            if record.to_bytes().is_ok_and(|written| written == bytes) {
                return Ok(record);
            }
        }
        let header = read::header(bytes)?;
        header.check()?;
        read::check_canonical(&write::canonical(&header)?, bytes)?;
        registry::check(&header)?;
        Ok(Self { header })
    }
}
