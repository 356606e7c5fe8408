//! Hash envelopes (RFC 9995): a statement whose payload is the digest of an artefact that lies elsewhere.

use minicbor::Encoder;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::header::Label;
use super::{ForeignError, MAX_FOREIGN_HEADER_BYTES};
use crate::cbor;
use crate::cose::{ALG_EDDSA, tbs};
use crate::key::{Signer, SignerError};

/// `payload-hash-alg`.
pub(super) const HASH_ALG: i64 = 258;
/// `preimage content type`.
pub(super) const PREIMAGE_TYPE: i64 = 259;
/// `payload-location`.
pub(super) const LOCATION: i64 = 260;

/// The hash functions of an envelope (RFC 9054).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// SHA-256, −16.
    Sha256,
    /// SHA-384, −43.
    Sha384,
    /// SHA-512, −44.
    Sha512,
}

impl PayloadHash {
    /// Its number in the registry of COSE algorithms.
    pub fn number(self) -> i64 {
        match self {
            Self::Sha256 => -16,
            Self::Sha384 => -43,
            Self::Sha512 => -44,
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Bytes of a digest.
    pub fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `artefact`.
    pub fn of(self, artefact: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(artefact).to_vec(),
            Self::Sha384 => Sha384::digest(artefact).to_vec(),
            Self::Sha512 => Sha512::digest(artefact).to_vec(),
        }
    }

    pub(super) fn parse(label: &Label) -> Result<Self, ForeignError> {
        let known = [Self::Sha256, Self::Sha384, Self::Sha512];
        known.into_iter().find(|hash| *label == Label::Number(hash.number())).ok_or(ForeignError::Envelope(
            "the hash (258) is none of SHA-256 (-16), SHA-384 (-43), SHA-512 (-44)",
        ))
    }
}

/// What an envelope says of the artefact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashEnvelope {
    /// How the digest is made.
    pub hash: PayloadHash,
    /// What the artefact is: a media type, or the number of a `CoAP` content format.
    pub preimage_type: Option<String>,
    /// Where the artefact is.
    pub location: Option<String>,
}

impl HashEnvelope {
    pub(super) fn check(&self, payload: &[u8]) -> Result<(), ForeignError> {
        if payload.len() == self.hash.bytes() {
            return Ok(());
        }
        Err(ForeignError::Envelope(
            "the payload has not the length of a digest by the hash that is named (258)",
        ))
    }

    /// Signs that `issuer` states something of `subject`: the artefact with this digest. By `EdDSA`, the key's thumbprint as its id.
    pub fn sign(
        &self,
        digest: &[u8],
        issuer: &str,
        subject: &str,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, EnvelopeError> {
        let protected = self.protected(issuer, subject, signer);
        if protected.len() > MAX_FOREIGN_HEADER_BYTES {
            return Err(
                ForeignError::Envelope("issuer, subject, type and location are too long together").into()
            );
        }
        let signature = signer.sign(&tbs(&protected, digest))?;
        let bytes = cbor::encode(|out| {
            out.tag(minicbor::data::Tag::new(super::SIGN1_TAG))?.array(4)?.bytes(&protected)?.map(0)?;
            out.bytes(digest)?.bytes(&signature)?.ok()
        });
        // What is signed must be readable, or nobody could register it.
        super::ForeignStatement::parse(&bytes)?;
        Ok(bytes)
    }

    fn protected(&self, issuer: &str, subject: &str, signer: &dyn Signer) -> Vec<u8> {
        let optional = usize::from(self.preimage_type.is_some()) + usize::from(self.location.is_some());
        let pairs = 4 + optional as u64;
        let kid = signer.public().key_id();
        cbor::encode(|out: &mut Encoder<Vec<u8>>| {
            out.map(pairs)?.i64(1)?.i64(ALG_EDDSA)?.i64(4)?.bytes(kid.as_bytes())?;
            out.i64(15)?.map(2)?.i64(1)?.str(issuer)?.i64(2)?.str(subject)?;
            out.i64(HASH_ALG)?.i64(self.hash.number())?;
            if let Some(preimage_type) = &self.preimage_type {
                out.i64(PREIMAGE_TYPE)?.str(preimage_type)?;
            }
            if let Some(location) = &self.location {
                out.i64(LOCATION)?.str(location)?;
            }
            out.ok()
        })
    }
}

/// Why an envelope could not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It would not be readable.
    #[error(transparent)]
    Form(#[from] ForeignError),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
}
