//! The signatures of time-stamps and of the certificates behind them, all in Rust: ECDSA on P-256 and P-384, RSA with PKCS #1 v1.5.
//!
//! Promises: public values only, so nothing here needs constant time. RSA keys have 2,048 to 8,192 bits and a small odd exponent.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::anchor::der::{Der, INTEGER, SEQUENCE, magnitude};

/// Bytes of an RSA modulus.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Most bytes of an RSA exponent: 65537 has three, and a long one would only cost time.
const EXPONENT_BYTES: usize = 4;

/// A digest that signatures are made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// By its object identifier (RFC 5754).
    pub(super) fn of(oid: &[u8]) -> Option<Self> {
        let last = oid.strip_prefix(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02])?;
        match last {
            [1] => Some(Self::Sha256),
            [2] => Some(Self::Sha384),
            [3] => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn hash(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// What stands before the digest in a PKCS #1 v1.5 signature (RFC 8017 §9.2, note 1).
    fn prefix(self) -> [u8; 19] {
        let (number, length) = match self {
            Self::Sha256 => (1, 32),
            Self::Sha384 => (2, 48),
            Self::Sha512 => (3, 64),
        };
        [
            0x30,
            17 + length,
            0x30,
            0x0d,
            0x06,
            0x09,
            0x60,
            0x86,
            0x48,
            0x01,
            0x65,
            0x03,
            0x04,
            0x02,
            number,
            0x05,
            0x00,
            0x04,
            length,
        ]
    }
}

/// The digest of a signature algorithm (RFC 5754, RFC 5758); for plain `rsaEncryption` that of the signer.
pub(super) fn digest_of(signature: &[u8], signer: Digest) -> Option<Digest> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    if let Some(last) = signature.strip_prefix(RSA) {
        return match last {
            [1] => Some(signer),
            [11] => Some(Digest::Sha256),
            [12] => Some(Digest::Sha384),
            [13] => Some(Digest::Sha512),
            _ => None,
        };
    }
    match signature.strip_prefix(ECDSA)? {
        [2] => Some(Digest::Sha256),
        [3] => Some(Digest::Sha384),
        [4] => Some(Digest::Sha512),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    P256,
    P384,
    Rsa,
}

/// One way to sign.
#[derive(Debug)]
pub(super) struct Algorithm {
    key: Key,
    pub(super) digest: Digest,
}

const fn algorithm(key: Key, digest: Digest) -> Algorithm {
    Algorithm { key, digest }
}

/// Every way that is accepted.
pub(super) static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 9] = [
    &algorithm(Key::P256, Digest::Sha256),
    &algorithm(Key::P256, Digest::Sha384),
    &algorithm(Key::P256, Digest::Sha512),
    &algorithm(Key::P384, Digest::Sha256),
    &algorithm(Key::P384, Digest::Sha384),
    &algorithm(Key::P384, Digest::Sha512),
    &algorithm(Key::Rsa, Digest::Sha256),
    &algorithm(Key::Rsa, Digest::Sha384),
    &algorithm(Key::Rsa, Digest::Sha512),
];

/// The ways to sign over this digest.
pub(super) fn over(digest: Digest) -> [Algorithm; 3] {
    [Key::P256, Key::P384, Key::Rsa].map(|key| algorithm(key, digest))
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let digest = self.digest.hash(message);
        let verified = match self.key {
            Key::P256 => p256_holds(public_key, &digest, signature),
            Key::P384 => p384_holds(public_key, &digest, signature),
            Key::Rsa => rsa_holds(public_key, self.digest, &digest, signature),
        };
        if verified == Some(true) { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.key {
            Key::P256 => alg_id::ECDSA_P256,
            Key::P384 => alg_id::ECDSA_P384,
            Key::Rsa => alg_id::RSA_ENCRYPTION,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match (self.key, self.digest) {
            (Key::P256 | Key::P384, Digest::Sha256) => alg_id::ECDSA_SHA256,
            (Key::P256 | Key::P384, Digest::Sha384) => alg_id::ECDSA_SHA384,
            (Key::P256 | Key::P384, Digest::Sha512) => alg_id::ECDSA_SHA512,
            (Key::Rsa, Digest::Sha256) => alg_id::RSA_PKCS1_SHA256,
            (Key::Rsa, Digest::Sha384) => alg_id::RSA_PKCS1_SHA384,
            (Key::Rsa, Digest::Sha512) => alg_id::RSA_PKCS1_SHA512,
        }
    }
}

fn p256_holds(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    Some(key.verify_prehash(digest, &signature).is_ok())
}

fn p384_holds(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<bool> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    Some(key.verify_prehash(digest, &signature).is_ok())
}

/// Whether a key of this algorithm (the content of its `AlgorithmIdentifier`) could verify anything.
pub(super) fn is_usable(algorithm: &[u8], key: &[u8]) -> bool {
    match algorithm {
        id if id == alg_id::ECDSA_P256.as_ref() => p256::ecdsa::VerifyingKey::from_sec1_bytes(key).is_ok(),
        id if id == alg_id::ECDSA_P384.as_ref() => p384::ecdsa::VerifyingKey::from_sec1_bytes(key).is_ok(),
        _ => rsa_numbers(key).is_some(),
    }
}

/// Modulus and exponent of an RSA key of a size that is read here.
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = Der::new(key).enter(SEQUENCE, "an RSA key").ok()?;
    let modulus = magnitude(parts.expect(INTEGER, "an RSA modulus").ok()?)?;
    let exponent = magnitude(parts.expect(INTEGER, "an RSA exponent").ok()?)?;
    parts.finish("the end of an RSA key").ok()?;
    let fits = MODULUS_BYTES.contains(&modulus.len()) && exponent.len() <= EXPONENT_BYTES;
    let is_odd = exponent.last().is_some_and(|last| last % 2 == 1) && exponent != [1];
    (fits && is_odd).then_some((modulus, exponent))
}

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2): the signature to the power of the exponent must be the one encoding of the digest.
fn rsa_holds(key: &[u8], kind: Digest, digest: &[u8], signature: &[u8]) -> Option<bool> {
    let (modulus, exponent) = rsa_numbers(key)?;
    let length = modulus.len();
    if signature.len() != length {
        return None;
    }
    let n = BoxedUint::from_be_slice_vartime(modulus);
    let precision = n.bits_precision();
    let s = BoxedUint::from_be_slice(signature, precision).ok()?;
    if s >= n {
        return None;
    }
    let params = BoxedMontyParams::new_vartime(Option::from(Odd::new(n))?);
    let e = BoxedUint::from_be_slice_vartime(exponent);
    let message = BoxedMontyForm::new(s, &params).pow(&e).retrieve().to_be_bytes();
    let (zeros, message) = message.split_at_checked(message.len().checked_sub(length)?)?;
    let tail = [&[0][..], &kind.prefix(), digest].concat();
    let padding = length.checked_sub(tail.len() + 2)?;
    let due = [&[0, 1][..], &vec![0xff; padding], &tail].concat();
    Some(zeros.iter().all(|byte| *byte == 0) && message == due)
}
