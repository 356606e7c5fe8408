//! The keys of issuers: Ed25519 and ECDSA on P-256, as a `SubjectPublicKeyInfo` (RFC 5280), and their ids.

use std::fmt;

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};

use super::ForeignError;
use super::header::Label;
use crate::base64;
use crate::cbor;
use crate::hash::{Hash, sha256};
use crate::key::{PublicKey, PublicKeyError, SignatureError};

/// `SubjectPublicKeyInfo` of Ed25519 (RFC 8410) up to its 32 bytes.
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// `SubjectPublicKeyInfo` of an uncompressed point on P-256 (RFC 5480) up to its 65 bytes.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Bytes of an uncompressed point on P-256.
const P256_POINT_BYTES: usize = 65;
/// Most characters of a key in PEM: one of P-256 has 178.
const MAX_PEM_BYTES: usize = 1024;
/// Letters on one line of PEM (RFC 7468).
const PEM_LINE: usize = 64;
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// How a statement is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerAlgorithm {
    /// Ed25519: `EdDSA` (−8) or the fully specified `Ed25519` (−19).
    EdDsa,
    /// ECDSA with SHA-256 on P-256: `ES256` (−7) or the fully specified `ESP256` (−9).
    Es256,
}

impl IssuerAlgorithm {
    pub(super) fn parse(label: &Label) -> Result<Self, ForeignError> {
        match label {
            Label::Number(-8 | -19) => Ok(Self::EdDsa),
            Label::Number(-7 | -9) => Ok(Self::Es256),
            other => Err(ForeignError::Algorithm(other.to_string())),
        }
    }

    /// The name in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

/// Why bytes are no issuer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerKeyError {
    /// Not PEM of one public key.
    #[error("this is not one public key in PEM (-----BEGIN PUBLIC KEY-----)")]
    Pem,
    /// Not one of the two kinds.
    #[error("this public key is neither Ed25519 nor ECDSA on P-256 with an uncompressed point")]
    Kind,
    /// Not a point on P-256.
    #[error("this is not a point on P-256")]
    NotAPoint,
    /// Not a usable Ed25519 key.
    #[error(transparent)]
    Ed25519(#[from] PublicKeyError),
}

/// The public key of an issuer.
#[derive(Clone, PartialEq, Eq)]
pub enum IssuerKey {
    /// Ed25519.
    Ed25519(PublicKey),
    /// P-256.
    P256(Box<VerifyingKey>),
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerKey({} {})", self.algorithm().as_str(), self.key_id())
    }
}

impl IssuerKey {
    /// Reads a key in PEM, as `openssl pkey -pubout` writes it.
    pub fn from_pem(text: &str) -> Result<Self, IssuerKeyError> {
        let body = text.trim().strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
        let body = body.filter(|_| text.len() <= MAX_PEM_BYTES).ok_or(IssuerKeyError::Pem)?;
        let body: String = body.lines().map(str::trim).collect();
        Self::from_spki(&base64::decode(&body).ok_or(IssuerKeyError::Pem)?)
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub fn from_spki(der: &[u8]) -> Result<Self, IssuerKeyError> {
        if let Some(key) = der.strip_prefix(&ED25519_SPKI) {
            let key: &[u8; 32] = key.try_into().map_err(|_| IssuerKeyError::Kind)?;
            return Ok(Self::Ed25519(PublicKey::from_bytes(key)?));
        }
        let point = der.strip_prefix(&P256_SPKI).filter(|point| point.len() == P256_POINT_BYTES);
        let point = point.ok_or(IssuerKeyError::Kind)?;
        let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| IssuerKeyError::NotAPoint)?;
        Ok(Self::P256(Box::new(key)))
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        let body = base64::encode(&self.spki());
        let mut text = format!("{PEM_BEGIN}\n");
        for (position, letter) in body.chars().enumerate() {
            if position > 0 && position % PEM_LINE == 0 {
                text.push('\n');
            }
            text.push(letter);
        }
        text + "\n" + PEM_END + "\n"
    }

    /// The `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => [&ED25519_SPKI[..], key.as_bytes()].concat(),
            Self::P256(key) => [&P256_SPKI[..], key.to_sec1_point(false).as_bytes()].concat(),
        }
    }

    /// The algorithm that it signs by.
    pub fn algorithm(&self) -> IssuerAlgorithm {
        match self {
            Self::Ed25519(_) => IssuerAlgorithm::EdDsa,
            Self::P256(_) => IssuerAlgorithm::Es256,
        }
    }

    /// SHA-256 COSE Key Thumbprint (RFC 9679).
    pub fn key_id(&self) -> Hash {
        match self {
            Self::Ed25519(key) => key.key_id(),
            Self::P256(key) => {
                let point = key.to_sec1_point(false);
                // INVARIANT: an uncompressed point is one byte, then x and y of 32 bytes each.
                let (x, y) =
                    point.as_bytes().get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
                sha256(&cbor::encode(|out| {
                    out.map(4)?.i64(1)?.i64(2)?.i64(-1)?.i64(1)?.i64(-2)?.bytes(x)?.i64(-3)?.bytes(y)?.ok()
                }))
            }
        }
    }

    /// Whether this key made `signature` over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), SignatureError> {
        match self {
            Self::Ed25519(key) => key.verify(message, signature),
            Self::P256(key) => {
                let signature = Signature::from_slice(signature).map_err(|_| SignatureError)?;
                key.verify(message, &signature).map_err(|_| SignatureError)
            }
        }
    }
}
