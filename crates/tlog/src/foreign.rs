//! Statements that others signed (RFC 9943): `COSE_Sign1` with an issuer, a subject and a payload, as somebody asks a log to register them.
//!
//! Promises: what is registered has one outer spelling, so that its bytes can be told again from a transparent statement; a header that is marked
//! critical and not understood refuses the whole; the signature is checked under a key that the caller already knows. Must never: take a
//! key, an issuer or a certificate from the statement itself for known, or say anything about what the payload means.

mod envelope;
mod header;
mod key;

use minicbor::data::{Tag, Type};
use minicbor::decode::Decoder;

use crate::cbor;
use crate::cose::tbs;
use crate::key::SignatureError;

pub use envelope::{EnvelopeError, HashEnvelope, PayloadHash};
pub use header::{ForeignHeader, Label};
pub use key::{IssuerAlgorithm, IssuerKey, IssuerKeyError};

/// Most bytes of a statement: an artefact that is larger is stated by its digest (RFC 9995).
pub const MAX_FOREIGN_BYTES: usize = 256 * 1024;
/// Most bytes of a protected header: claims and a short certificate chain.
const MAX_FOREIGN_HEADER_BYTES: usize = 16 * 1024;
/// Bytes of a signature, Ed25519 as well as ES256.
const SIGNATURE_BYTES: usize = 64;
/// CBOR tag of `COSE_Sign1`.
const SIGN1_TAG: u64 = 18;
/// Receipts in the unprotected header of a transparent statement (RFC 9942 §2).
const RECEIPTS: i64 = 394;
/// Most receipts of one statement, as in our own.
const MAX_RECEIPTS: usize = crate::cose::MAX_RECEIPTS;
/// Most bytes of a receipt that carries the entry it is about: twice that of one without.
pub const MAX_REGISTRATION_BYTES: usize = 2 * crate::cose::MAX_RECEIPT_BYTES;
/// Most bytes of a transparent statement.
pub const MAX_FOREIGN_TRANSPARENT_BYTES: usize =
    MAX_FOREIGN_BYTES + MAX_RECEIPTS * (MAX_REGISTRATION_BYTES + 3) + 16;

/// Why a statement cannot be registered. None of them is about who the issuer is: that is for whoever keeps the keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// Too many bytes.
    #[error(
        "the statement has {found} bytes, the most is {most}; state a large artefact by its digest in a hash envelope (RFC 9995)"
    )]
    TooLong {
        /// Bytes given.
        found: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// Not a `COSE_Sign1` of the accepted form.
    #[error("this is not a COSE_Sign1 of the accepted form: {0}")]
    Form(String),
    /// Something stands in the header that nobody signed.
    #[error("the unprotected header has to be empty: nobody signs what stands there")]
    Unprotected,
    /// Nothing is stated, or elsewhere.
    #[error(
        "the payload is detached, and the log has to see what it registers; attach it, or state its digest in a hash envelope (RFC 9995)"
    )]
    NoPayload,
    /// No signature, or none of the known length.
    #[error("the signature has {0} bytes; Ed25519 and ES256 have 64")]
    Unsigned(usize),
    /// Another algorithm.
    #[error("algorithm {0} is not accepted; EdDSA (-8), Ed25519 (-19), ES256 (-7) and ESP256 (-9) are")]
    Algorithm(String),
    /// A critical parameter that is not understood.
    #[error("header parameter {0} is marked critical and is not understood here")]
    Critical(Label),
    /// A claim is missing.
    #[error("the CWT claims (header 15) name no {0}, which a registered statement has to (RFC 9943)")]
    NoClaim(&'static str),
    /// A hash envelope that contradicts itself.
    #[error("the hash envelope (RFC 9995) is wrong: {0}")]
    Envelope(&'static str),
    /// One of our own.
    #[error(
        "a statement of content type {0} belongs to the log's own kinds and is not registered as somebody else's"
    )]
    OwnKind(String),
    /// The signature does not verify.
    #[error("the signature does not fit the statement under the issuer's key")]
    Signature(#[from] SignatureError),
}

impl From<minicbor::decode::Error> for ForeignError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Form(error.to_string())
    }
}

/// The three parts of a statement that its issuer made, and the receipts around them.
struct Parts {
    protected: Vec<u8>,
    payload: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
    receipts: Vec<Vec<u8>>,
}

/// A statement that was read; nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignStatement {
    /// What its signed header says.
    pub header: ForeignHeader,
    /// The payload; in a hash envelope the digest of the artefact.
    pub payload: Vec<u8>,
    protected: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
}

impl ForeignStatement {
    /// Reads a statement as it is registered, without receipts. Checks no signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, ForeignError> {
        let Parts { protected, payload, signature, receipts } = Parts::parse(bytes, MAX_FOREIGN_BYTES)?;
        if !receipts.is_empty() {
            return Err(ForeignError::Unprotected);
        }
        let header = ForeignHeader::parse(&protected)?;
        if let Some(envelope) = &header.envelope {
            envelope.check(&payload)?;
        }
        Ok(Self { header, payload, protected, signature })
    }

    /// Whether `key` signed this. The algorithm has to be the key's.
    pub fn verify(&self, key: &IssuerKey) -> Result<(), ForeignError> {
        if self.header.algorithm != key.algorithm() {
            return Err(SignatureError.into());
        }
        Ok(key.verify(&tbs(&self.protected, &self.payload), &self.signature)?)
    }
}

/// Makes a transparent statement of a statement that was registered: the same with its receipts, each with the entry it places.
pub fn attach_registrations(statement: &[u8], receipts: &[Vec<u8>]) -> Result<Vec<u8>, ForeignError> {
    let mut parts = Parts::parse(statement, MAX_FOREIGN_BYTES)?;
    if !parts.receipts.is_empty() {
        return Err(ForeignError::Unprotected);
    }
    parts.receipts = receipts.to_vec();
    let bytes = parts.encode();
    Parts::parse(&bytes, MAX_FOREIGN_TRANSPARENT_BYTES)?;
    Ok(bytes)
}

/// Takes such a transparent statement apart: the statement as it was registered, and its 1 to 16 receipts. What the statement's own header says is not
/// looked at: the log did that when it took it in.
pub fn detach_registrations(bytes: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), ForeignError> {
    let mut parts = Parts::parse(bytes, MAX_FOREIGN_TRANSPARENT_BYTES)?;
    let receipts = std::mem::take(&mut parts.receipts);
    if receipts.is_empty() {
        return Err(ForeignError::Form("it carries no receipts".to_owned()));
    }
    let statement = parts.encode();
    if statement.len() > MAX_FOREIGN_BYTES {
        return Err(ForeignError::TooLong { found: statement.len(), most: MAX_FOREIGN_BYTES });
    }
    Ok((statement, receipts))
}

impl Parts {
    /// Reads either form and refuses any that would be written differently.
    fn parse(bytes: &[u8], most: usize) -> Result<Self, ForeignError> {
        if bytes.len() > most {
            return Err(ForeignError::TooLong { found: bytes.len(), most });
        }
        let form = |text: &str| ForeignError::Form(text.to_owned());
        let mut decoder = Decoder::new(bytes);
        if decoder.datatype()? != Type::Tag || decoder.tag()?.as_u64() != SIGN1_TAG {
            return Err(form("it does not begin with tag 18"));
        }
        if cbor::array(&mut decoder, 4)? != 4 {
            return Err(form("it is not an array of four"));
        }
        let protected = cbor::bytes(&mut decoder, MAX_FOREIGN_HEADER_BYTES)?.to_vec();
        let receipts = receipts(&mut decoder)?;
        if decoder.datatype()? == Type::Null {
            return Err(ForeignError::NoPayload);
        }
        let payload = decoder.bytes()?.to_vec();
        let signature = decoder.bytes()?;
        let signature = signature.try_into().map_err(|_| ForeignError::Unsigned(signature.len()))?;
        let parts = Self { protected, payload, signature, receipts };
        if parts.encode() != bytes {
            return Err(form(
                "its outer array is not in the shortest, definite spelling, or something follows it",
            ));
        }
        Ok(parts)
    }

    fn encode(&self) -> Vec<u8> {
        cbor::encode(|out| {
            out.tag(Tag::new(SIGN1_TAG))?.array(4)?.bytes(&self.protected)?;
            if self.receipts.is_empty() {
                out.map(0)?;
            } else {
                out.map(1)?.i64(RECEIPTS)?.array(self.receipts.len() as u64)?;
                self.receipts.iter().try_for_each(|receipt| out.bytes(receipt)?.ok())?;
            }
            out.bytes(&self.payload)?.bytes(&self.signature)?.ok()
        })
    }
}

/// The unprotected header: empty, or receipts alone.
fn receipts(decoder: &mut Decoder<'_>) -> Result<Vec<Vec<u8>>, ForeignError> {
    let pairs = decoder.map()?;
    if pairs == Some(0) {
        return Ok(Vec::new());
    }
    if pairs != Some(1) || !matches!(decoder.i64(), Ok(RECEIPTS)) {
        return Err(ForeignError::Unprotected);
    }
    Ok(cbor::byte_strings(decoder, MAX_RECEIPTS, MAX_REGISTRATION_BYTES)?)
}
