//! Statements: sealed records signed by their actor, as `COSE_Sign1` (`docs/formats.md` §4).
//!
//! Promises: a parsed statement says the same in its protected header and in its record. Whether the key may speak for the actor is for
//! [`crate::KeyChain`] to say.

use tabellion_tlog::{CoseError, MAX_ENTRY_BYTES, Protected, PublicKey, Sign1, Signer, Unprotected, sign1};

use crate::id::KeyId;
use crate::record::{RecordError, SealedRecord};
use crate::registry::{self, RegistryError};

/// Content type of a statement.
pub const STATEMENT_CONTENT_TYPE: &str = "application/tabellion-record+json";

/// A sealed record with its actor's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What is stated.
    pub record: SealedRecord,
    /// The signed object.
    pub sign1: Sign1,
    /// The key that it names.
    pub kid: KeyId,
}

/// Why bytes are not a statement, or a record cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not a `COSE_Sign1` of the one form, not signable, or the signature does not verify.
    #[error("the statement: {0}")]
    Cose(#[from] CoseError),
    /// The payload is not a sealed record.
    #[error("the statement: {0}")]
    Record(#[from] RecordError),
    /// The record is of a type that is not sealed as it is.
    #[error("the statement: {0}")]
    Registry(#[from] RegistryError),
    /// The protected header is not that of a statement.
    #[error("the statement's protected header is not that of a statement: {0}")]
    Protected(&'static str),
    /// The unprotected header is not empty.
    #[error("the statement carries an unprotected header; an entry has none (detach the receipts first)")]
    Unprotected,
    /// The payload is missing.
    #[error("the statement has no payload")]
    Detached,
    /// Larger than an entry.
    #[error("the statement has {0} bytes, an entry holds at most {MAX_ENTRY_BYTES}")]
    TooLarge(usize),
    /// The key given is not the one that the statement names.
    #[error("the statement names another key than {0}")]
    OtherKey(KeyId),
}

impl Statement {
    /// Reads a statement without verifying its signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(StatementError::TooLarge(bytes.len()));
        }
        Self::from_sign1(Sign1::parse(bytes)?)
    }

    /// Reads the record in an object that is already parsed.
    pub(crate) fn from_sign1(sign1: Sign1) -> Result<Self, StatementError> {
        if sign1.unprotected != Unprotected::Empty {
            return Err(StatementError::Unprotected);
        }
        let record = SealedRecord::parse(sign1.payload.as_deref().ok_or(StatementError::Detached)?)?;
        let kid = sign1.protected.kid.ok_or(StatementError::Protected("it names no key"))?;
        let kid = KeyId(tabellion_tlog::Hash(kid));
        if sign1.protected != protected(&record, &kid) {
            return Err(StatementError::Protected("content type, issuer or subject differ from the record"));
        }
        Ok(Self { record, sign1, kid })
    }

    /// Signs `record` with the actor's key and gives the bytes of the entry.
    pub fn sign(record: &SealedRecord, signer: &dyn Signer) -> Result<Vec<u8>, StatementError> {
        registry::check_sealable(&record.header)?;
        let payload = record.to_bytes()?;
        let protected = protected(record, &KeyId::of(&signer.public()));
        let bytes = sign1(&protected, &payload, true, signer)?.encode();
        if bytes.len() > MAX_ENTRY_BYTES { Err(StatementError::TooLarge(bytes.len())) } else { Ok(bytes) }
    }

    /// Verifies the signature with the key that the statement names.
    pub fn verify(&self, key: &PublicKey) -> Result<(), StatementError> {
        let given = KeyId::of(key);
        if given != self.kid {
            return Err(StatementError::OtherKey(given));
        }
        Ok(self.sign1.verify(key, None)?)
    }
}

fn protected(record: &SealedRecord, kid: &KeyId) -> Protected {
    Protected {
        content_type: Some(STATEMENT_CONTENT_TYPE.to_owned()),
        kid: Some(*kid.as_bytes()),
        cwt_iss: Some(record.header.actor.to_hex()),
        cwt_sub: Some(record.header.record_id.to_hex()),
        vds: None,
    }
}
