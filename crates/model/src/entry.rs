//! Entries: what the log consists of (`docs/formats.md` §2), told apart by their first byte and content type.

use tabellion_tlog::{CoseError, MAX_ENTRY_BYTES, Sign1};

use crate::header::Header;
use crate::record::{RecordError, SealedRecord};
use crate::registry;
use crate::seal::{BatchSealEntry, SEAL_CONTENT_TYPE, SealError};
use crate::statement::{STATEMENT_CONTENT_TYPE, Statement, StatementError};

/// First byte of a sealed record.
const OPEN_BRACE: u8 = b'{';
/// First byte of a tagged `COSE_Sign1`.
const COSE_SIGN1_TAG: u8 = 0xd2;

/// One entry of a log.
#[expect(
    clippy::large_enum_variant,
    reason = "entries are read one at a time and taken apart at once; a box would cost each an allocation"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An unsigned sealed record, attributed by the seal of its batch.
    Record(SealedRecord),
    /// A signed sealed record.
    Statement(Statement),
    /// The end of a batch.
    Seal(BatchSealEntry),
}

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// No bytes, or more than an entry holds.
    #[error("an entry has 1 to {MAX_ENTRY_BYTES} bytes, not {0}")]
    Size(usize),
    /// Neither a record nor a `COSE_Sign1`.
    #[error("an entry begins with {{ or byte 0xd2, not with byte {0:#04x}")]
    FirstByte(u8),
    /// A `COSE_Sign1` that is neither statement nor seal.
    #[error("a signed entry has the content type of a statement or of a seal")]
    ContentType,
    /// Not a `COSE_Sign1` of the one form.
    #[error("the entry: {0}")]
    Cose(#[from] CoseError),
    /// Not a sealed record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Not a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Not a seal.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Entry {
    /// Reads an entry; signatures are not verified here.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::Size(bytes.len()));
        }
        match bytes.first() {
            None => Err(EntryError::Size(0)),
            Some(&OPEN_BRACE) => Self::parse_record(bytes),
            Some(&COSE_SIGN1_TAG) => Self::parse_signed(bytes),
            Some(&other) => Err(EntryError::FirstByte(other)),
        }
    }

    fn parse_record(bytes: &[u8]) -> Result<Self, EntryError> {
        let record = SealedRecord::parse(bytes)?;
        registry::check_unsigned(&record.header).map_err(RecordError::Registry)?;
        Ok(Self::Record(record))
    }

    fn parse_signed(bytes: &[u8]) -> Result<Self, EntryError> {
        let sign1 = Sign1::parse(bytes)?;
        match sign1.protected.content_type.as_deref() {
            Some(STATEMENT_CONTENT_TYPE) => Ok(Self::Statement(Statement::from_sign1(sign1)?)),
            Some(SEAL_CONTENT_TYPE) => Ok(Self::Seal(BatchSealEntry::from_sign1(sign1)?)),
            _ => Err(EntryError::ContentType),
        }
    }

    /// The header of a record or statement; a seal has none.
    pub fn header(&self) -> Option<&Header> {
        match self {
            Self::Record(record) => Some(&record.header),
            Self::Statement(statement) => Some(&statement.record.header),
            Self::Seal(_) => None,
        }
    }
}
