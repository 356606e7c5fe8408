//! `COSE_Sign1` (RFC 9052) in the closed form of this system: Ed25519, tagged, deterministic, a handful of headers.
//!
//! Promises that a message has one byte form and that a header outside the closed set is refused: what cannot be understood cannot
//! be verified. Knows nothing about what a payload says.

mod header;
mod wire;

pub use header::{InclusionProof, Protected, Unprotected};
pub use wire::tbs;

use crate::hash::Hash;
use crate::key::{PublicKey, SignatureError, Signer, SignerError};

/// COSE algorithm `EdDSA`, here always Ed25519.
pub const ALG_EDDSA: i64 = -8;
/// Verifiable data structure `RFC9162_SHA256` (RFC 9942 §4).
pub const VDS_RFC9162_SHA256: i64 = 1;
/// Most bytes of a payload: what an entry can hold; the manifest of a package is signed detached.
pub const MAX_PAYLOAD_BYTES: usize = 65_535;
/// Most receipts on one transparent statement: one per log, for a statement that is in many.
pub const MAX_RECEIPTS: usize = 16;
/// Most bytes of a receipt: 63 path hashes of 34 bytes, claims of at most 1 KiB, signature.
pub const MAX_RECEIPT_BYTES: usize = 4 * 1024;
/// Most bytes of a message: an entry with as many receipts as it may carry.
pub const MAX_COSE_BYTES: usize = 65_535 + MAX_RECEIPTS * (MAX_RECEIPT_BYTES + 3) + 16;

/// Why a COSE message cannot be read, made or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// Too many bytes.
    #[error("a COSE_Sign1 message of {found} bytes is too long; the most is {most}")]
    TooLong {
        /// Bytes given.
        found: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// Not CBOR of the expected shape.
    #[error("this is not a COSE_Sign1 message of the accepted form: {0}")]
    Form(String),
    /// Some other algorithm.
    #[error("COSE algorithm {0} is not supported; -8 (EdDSA with Ed25519) is")]
    Algorithm(i64),
    /// A header outside the closed set.
    #[error("the {place} header holds parameter {label}, which is not accepted there")]
    Header {
        /// `protected` or `unprotected`.
        place: &'static str,
        /// The parameter.
        label: i64,
    },
    /// Some other verifiable data structure.
    #[error("verifiable data structure {0} is not supported; 1 (RFC9162_SHA256) is")]
    DataStructure(i64),
    /// A second spelling.
    #[error("the COSE_Sign1 message is not in its canonical (deterministic) form")]
    NotCanonical,
    /// The payload is both attached and given, or neither.
    #[error("the payload has to be either in the message or beside it, not {0}")]
    Payload(&'static str),
    /// The header names some other key.
    #[error("the message is signed by key {named}, not by key {given}")]
    OtherKey {
        /// The `kid`.
        named: Hash,
        /// Id of the key at hand.
        given: Hash,
    },
    /// The signature does not verify.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// A `COSE_Sign1` message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign1 {
    /// Signed parameters.
    pub protected: Protected,
    /// Parameters that nobody signed.
    pub unprotected: Unprotected,
    /// The payload, unless it is detached.
    pub payload: Option<Vec<u8>>,
    /// Ed25519 over [`tbs`].
    pub signature: [u8; 64],
    /// `protected` as signed.
    pub protected_bytes: Vec<u8>,
}

impl Sign1 {
    /// Reads a message and refuses any that would be written differently. Checks no signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, CoseError> {
        let message = wire::parse(bytes)?;
        if message.encode() == bytes { Ok(message) } else { Err(CoseError::NotCanonical) }
    }

    /// The tagged message.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Whether `key` signed this. `detached` is the payload of a message that does not carry it, else `None`.
    pub fn verify(&self, key: &PublicKey, detached: Option<&[u8]>) -> Result<(), CoseError> {
        let payload = match (&self.payload, detached) {
            (Some(payload), None) => payload,
            (None, Some(payload)) => payload,
            (Some(_), Some(_)) => return Err(CoseError::Payload("both")),
            (None, None) => return Err(CoseError::Payload("neither")),
        };
        must_be_named(&self.protected, key)?;
        Ok(key.verify(&tbs(&self.protected_bytes, payload), &self.signature)?)
    }
}

/// Signs `payload`. With `attach` the message carries it, else its payload is `nil`. A `kid` must be that of the signer.
pub fn sign1(
    protected: &Protected,
    payload: &[u8],
    attach: bool,
    signer: &dyn Signer,
) -> Result<Sign1, CoseError> {
    if attach && payload.len() > MAX_PAYLOAD_BYTES {
        return Err(CoseError::TooLong { found: payload.len(), most: MAX_PAYLOAD_BYTES });
    }
    must_be_named(protected, &signer.public())?;
    let protected_bytes = protected.encode();
    // What is signed must be readable, or a statement could be made that no verifier accepts.
    header::parse_protected(&protected_bytes)?;
    let signature = signer.sign(&tbs(&protected_bytes, payload))?;
    let payload = attach.then(|| payload.to_vec());
    Ok(Sign1 {
        protected: protected.clone(),
        unprotected: Unprotected::Empty,
        payload,
        signature,
        protected_bytes,
    })
}

impl From<minicbor::decode::Error> for CoseError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Form(error.to_string())
    }
}

fn must_be_named(protected: &Protected, key: &PublicKey) -> Result<(), CoseError> {
    let given = key.key_id();
    match protected.kid.map(Hash) {
        Some(named) if named != given => Err(CoseError::OtherKey { named, given }),
        _ => Ok(()),
    }
}
