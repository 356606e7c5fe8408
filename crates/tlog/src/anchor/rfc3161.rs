//! Time-stamps by an authority (RFC 3161): the query, the answer, and what the answer shows.
//!
//! Promises: a token counts only when its imprint is the digest, its signer has a certificate for time-stamping alone, by a chain to an authority that the
//! reader names, at the time it states, and the signer's certificate is bound into what was signed (RFC 5035). Must never: trust a certificate because
//! the token brings it, or accept a status other than granted.
//!
//! Limits: ECDSA on P-256 and P-384 and RSA (PKCS #1 v1.5) from 2,048 bits with SHA-256, -384 or -512; other signatures are refused by name.
//! Revocation is not looked up: that needs the network, and an answer of today says little about then.

mod authority;
mod certificate;
mod signature;
mod token;
mod verify;

pub(super) use authority::check_authority;
pub use verify::{TimeStamp, check_roots, verify};

use super::der::{self, DerError, NULL, OCTET_STRING, OID, SEQUENCE};
use crate::hash::Hash;

/// Largest answer of an authority that is read: tokens with their chain have 2 to 8 KiB.
pub const MAX_RESPONSE_BYTES: usize = 64 << 10;
/// Bytes of a query's nonce: 64 bits, which authorities take; some refuse more.
pub const NONCE_BYTES: usize = 8;

/// id-sha256 (RFC 5754).
pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// What the answer must fit.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// What was to be stamped.
    pub imprint: &'a Hash,
    /// The nonce of the query, where it is known: it shows that the answer was made after it.
    pub nonce: Option<&'a [u8; NONCE_BYTES]>,
    /// The policy that the token has to be made under, in dotted decimals.
    pub policy: Option<&'a str>,
}

/// Why an answer shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeStampError {
    /// More bytes than any answer has.
    #[error("{0} bytes are too long for a time-stamp; the most is 65536")]
    TooLong(usize),
    /// Not the form of an answer.
    #[error("the answer is no time-stamp: {0}")]
    Form(#[from] DerError),
    /// A form that the standard allows and this reader does not know.
    #[error("the time-stamp uses {0}, which this version does not read")]
    Unsupported(String),
    /// The authority refused.
    #[error("the time-stamp authority refused: status {status}{text}")]
    Refused {
        /// `PKIStatus`.
        status: u64,
        /// What it said, with a colon before it.
        text: String,
    },
    /// Of something else.
    #[error("the time-stamp is of other data: its imprint is {given}, not {due}")]
    Imprint {
        /// What was to be stamped.
        due: Hash,
        /// What was stamped, in hex.
        given: String,
    },
    /// An answer to another question.
    #[error("the time-stamp answers another query: its nonce differs")]
    Nonce,
    /// Made under other rules.
    #[error("the time-stamp was made under policy {given}, not {due}")]
    Policy {
        /// What was asked for.
        due: String,
        /// What it says.
        given: String,
    },
    /// The signed attributes do not cover the content, or do not bind the signer's certificate.
    #[error("the time-stamp is not bound together: {0}")]
    Binding(&'static str),
    /// The signer's certificate is not there, or may not sign time-stamps.
    #[error("the signer of the time-stamp {0}")]
    Signer(&'static str),
    /// No chain leads to an authority that is trusted.
    #[error("no chain leads from the time-stamp's signer to a trusted authority")]
    UnknownAuthority,
    /// The chain has a fault.
    #[error("the certificate of the time-stamp's signer is not trusted: {0}")]
    Chain(String),
    /// The signature is wrong.
    #[error("the signature of the time-stamp does not verify")]
    Signature,
    /// No authority to trust was named, or what was named is no certificate.
    #[error("{0}")]
    Roots(&'static str),
}

/// Whether `text` is an object identifier in dotted decimals, as policies are named by.
pub fn is_policy(text: &str) -> bool {
    der::object_identifier(text).is_some()
}

/// The query for a stamp on `imprint` (RFC 3161 §2.4.1): version 1, SHA-256, a nonce, and the signer's certificate wanted in the answer.
///
/// `policy` in dotted decimals; `None` when it is none.
pub fn query(imprint: &Hash, nonce: &[u8; NONCE_BYTES], policy: Option<&str>) -> Option<Vec<u8>> {
    let algorithm = der::element(SEQUENCE, &[der::element(OID, SHA256), der::element(NULL, &[])].concat());
    let mut parts = der::integer(&[1]);
    parts.extend(der::element(
        SEQUENCE,
        &[algorithm, der::element(OCTET_STRING, imprint.as_bytes())].concat(),
    ));
    if let Some(policy) = policy {
        parts.extend(der::element(OID, &der::object_identifier(policy)?));
    }
    parts.extend(der::integer(nonce));
    parts.extend(der::element(der::BOOLEAN, &[0xff]));
    Some(der::element(SEQUENCE, &parts))
}
