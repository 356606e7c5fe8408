//! Ed25519 keys (RFC 8032), strictly: one encoding per key, no key or commitment of small order, canonical S, cofactorless.
//!
//! Promises that a `PublicKey` that exists is safe to verify with, and that a `SigningKey` shows its secret only through `seed`
//! and is wiped when dropped. Makes no keys: seeds come from the caller.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash as StdHash, Hasher};

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use zeroize::Zeroizing;

use crate::hash::{Hash, sha256};

/// Canonical CBOR of the COSE key {1: 1 (OKP), −1: 6 (Ed25519), −2: …} up to its 32 bytes of public key (RFC 9679 §3).
const THUMBPRINT_PREFIX: [u8; 8] = [0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20];

/// Why 32 bytes are not a usable public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not the encoding of a point.
    #[error("these 32 bytes are not an Ed25519 public key")]
    NotAPoint,
    /// A second encoding of a point.
    #[error("these 32 bytes are a second encoding of an Ed25519 key; only the canonical one is accepted")]
    NotCanonical,
    /// A key under which one signature fits many messages.
    #[error("this Ed25519 public key has small order, so its signatures prove nothing")]
    SmallOrder,
}

/// A signature that does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the bytes and the key")]
pub struct SignatureError;

/// A signer that could not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key could not sign: {0}")]
pub struct SignerError(pub String);

/// An Ed25519 public key. Compared and ordered by its 32 bytes.
#[derive(Clone, Copy)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the encoding of RFC 8032; refuses a second encoding of a point and points of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| PublicKeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(PublicKeyError::SmallOrder);
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(PublicKeyError::NotCanonical);
        }
        Ok(Self(key))
    }

    /// The encoding of RFC 8032.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Verifies strictly: canonical S, R not of small order, cofactorless equation.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), SignatureError> {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| SignatureError)
    }

    /// SHA-256 COSE Key Thumbprint (RFC 9679).
    pub fn key_id(&self) -> Hash {
        let mut key = [0u8; THUMBPRINT_PREFIX.len() + 32];
        let (prefix, public) = key.split_at_mut(THUMBPRINT_PREFIX.len());
        prefix.iter_mut().zip(THUMBPRINT_PREFIX).for_each(|(to, from)| *to = from);
        public.copy_from_slice(self.as_bytes());
        sha256(&key)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl StdHash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.as_bytes()))
    }
}

/// Something that holds an Ed25519 key and signs with it: a key in memory, or one kept elsewhere.
pub trait Signer: Send + Sync {
    /// The key that verifies what [`sign`](Self::sign) returns.
    fn public(&self) -> PublicKey;
    /// The RFC 8032 signature over `message`.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError>;
}

/// An Ed25519 secret key in memory. Neither printed nor compared; wiped when dropped.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// The key of an RFC 8032 seed of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        // INVARIANT: a clamped scalar is a multiple of 8 below 2^255, which is less than 8 times the group's prime order: so never
        // a multiple of that order, and its point never of small order. The encoding is made here, so it is canonical.
        let public = PublicKey(secret.verifying_key());
        Self { secret, public }
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The RFC 8032 signature over `message`; a key in memory never fails.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    /// The seed, to be written to a key file.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {:?})", self.public)
    }
}

impl Signer for SigningKey {
    fn public(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(Self::sign(self, message))
    }
}
