//! The keys that an issuer publishes (RFC 7517), and signatures held against them.
//!
//! Promises: a key verifies what its own kind and declared algorithm allow and nothing else; of two keys that a token could mean, neither is taken. Must never:
//! take a secret for a public key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, alg_id};
use serde_json::{Map, Value};

use super::config::Algorithm;
use super::jose::{MAX_KID_BYTES, Token, object};

/// Largest set of keys; those of the largest providers have a tenth of it.
pub(super) const MAX_SET_BYTES: usize = 256 << 10;
/// Most keys of a set.
const MAX_KEYS: usize = 64;
/// Bytes of a coordinate on P-256, and of a key of Ed25519.
const COORDINATE_BYTES: usize = 32;
/// What an uncompressed point begins with (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Tags of DER.
const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    Ed25519,
}

/// One public key.
#[derive(Debug)]
pub(super) struct Key {
    kid: Option<String>,
    /// The only algorithm that it is for, where its issuer says one.
    algorithm: Option<Algorithm>,
    kind: Kind,
    /// As a certificate would hold it.
    public: Vec<u8>,
}

/// All keys of an issuer.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a set; keys for other uses are passed over. `None`: it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let set = object(bytes, MAX_SET_BYTES)?;
        let keys = set.get("keys")?.as_array()?;
        if keys.len() > MAX_KEYS {
            return None;
        }
        Some(Self(keys.iter().filter_map(|key| Key::read(key.as_object()?)).collect()))
    }

    /// Whether there is none that could verify anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one key that `token` can be signed by.
    pub(super) fn find(&self, token: &Token<'_>) -> Option<&Key> {
        let mut found = self.0.iter().filter(|key| key.is_for(token));
        match (found.next(), found.next()) {
            (Some(key), None) => Some(key),
            _ => None,
        }
    }
}

impl Key {
    fn read(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok().filter(|bytes| !bytes.is_empty());
        // Whoever publishes a private key has lost it.
        let verifies = match members.get("key_ops") {
            None => true,
            Some(uses) => uses.as_array()?.iter().any(|used| used == "verify"),
        };
        if members.contains_key("d") || !verifies || members.get("use").is_some_and(|used| used != "sig") {
            return None;
        }
        let of_length = |name: &str| bytes(name).filter(|bytes| bytes.len() == COORDINATE_BYTES);
        let (kind, public) = match (text("kty")?, text("crv")) {
            ("RSA", None) => (Kind::Rsa, rsa(&bytes("n")?, &bytes("e")?)),
            ("EC", Some("P-256")) => {
                (Kind::P256, [vec![UNCOMPRESSED], of_length("x")?, of_length("y")?].concat())
            }
            ("OKP", Some("Ed25519")) => (Kind::Ed25519, of_length("x")?),
            _ => return None,
        };
        let algorithm = match members.get("alg") {
            None => None,
            // One that is for an algorithm of which nothing is known here is for none of ours.
            Some(name) => Some(Algorithm::from_name(name.as_str()?)?),
        };
        let named = match members.get("kid") {
            None => None,
            Some(name) => Some(name.as_str().filter(|name| name.len() <= MAX_KID_BYTES)?.to_owned()),
        };
        Some(Self { kid: named, algorithm, kind, public })
    }

    /// Whether `token` can be signed by it: one that names a key is signed by no other.
    fn is_for(&self, token: &Token<'_>) -> bool {
        let is_named = token.kid.is_none() || self.kid == token.kid;
        let is_allowed = self.algorithm.is_none_or(|only| only == token.algorithm);
        is_named && is_allowed && self.kind == Kind::of(token.algorithm)
    }

    /// Whether the signature of `token` is of this key.
    pub(super) fn signed(&self, token: &Token<'_>) -> bool {
        let signature = match self.kind {
            Kind::P256 => ecdsa(&token.signature),
            Kind::Rsa | Kind::Ed25519 => Some(token.signature.clone()),
        };
        let (Some(signature), Some(verifier)) = (signature, verifier(token.algorithm)) else { return false };
        verifier.verify_signature(&self.public, token.signed, &signature).is_ok()
    }
}

impl Kind {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Self::Rsa,
            Algorithm::Es256 => Self::P256,
            Algorithm::EdDsa => Self::Ed25519,
        }
    }
}

/// What verifies signatures of certificates verifies those of tokens: RSA of 2048 to 8192 bits, and the two curves.
fn verifier(algorithm: Algorithm) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    let (scheme, key): (SignatureScheme, AlgorithmIdentifier) = match algorithm {
        Algorithm::Rs256 => (SignatureScheme::RSA_PKCS1_SHA256, alg_id::RSA_ENCRYPTION),
        Algorithm::Ps256 => (SignatureScheme::RSA_PSS_SHA256, alg_id::RSA_ENCRYPTION),
        Algorithm::Es256 => (SignatureScheme::ECDSA_NISTP256_SHA256, alg_id::ECDSA_P256),
        Algorithm::EdDsa => (SignatureScheme::ED25519, alg_id::ED25519),
    };
    let known = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.mapping;
    let (_, verifiers) = known.iter().find(|(known, _)| *known == scheme)?;
    verifiers.iter().copied().find(|verifier| verifier.public_key_alg_id() == key)
}

/// A public key of RSA as RFC 8017 writes it (`RSAPublicKey`).
fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    sequence(&[integer(modulus), integer(exponent)].concat())
}

/// The two halves of a signature (RFC 7518 §3.4) as RFC 3279 §2.2.3 writes them.
fn ecdsa(halves: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = halves.split_at_checked(COORDINATE_BYTES).filter(|(_, s)| s.len() == COORDINATE_BYTES)?;
    Some(sequence(&[integer(r), integer(s)].concat()))
}

fn sequence(content: &[u8]) -> Vec<u8> {
    tagged(SEQUENCE, content)
}

/// A positive number: no zero before it but the one that keeps it positive.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let digits = bytes.get(first..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    tagged(INTEGER, &[sign, digits].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    let length = length.get(significant..).unwrap_or_default();
    let mut out = vec![tag];
    if let [short @ 0..0x80] = length {
        out.push(*short);
    } else {
        // The number of bytes that the length takes: at most eight.
        out.push(0x80 | u8::try_from(length.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(length);
    }
    out.extend_from_slice(content);
    out
}
