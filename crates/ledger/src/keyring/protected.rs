//! Secrets under a passphrase: PKCS#8 `EncryptedPrivateKeyInfo` (RFC 5958) with PBES2 of scrypt (RFC 7914) and AES-256-CBC, as PEM.
//!
//! Promises: what is written, `openssl pkey` opens, where it is a signing key. Must never: tell a wrong passphrase from damage, which cannot be told.

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::PemLabel as _;
use pkcs8::der::{Decode as _, SecretDocument};
use pkcs8::pkcs5::{EncryptionScheme, pbes2, scrypt};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::access::Passphrase;
use crate::entropy::Entropy;

/// scrypt with 16 MiB five times over, as OWASP's password storage cheat sheet has it where memory is bounded; twice the memory is above what OpenSSL
/// lets a key file ask for.
const LOG_N: u8 = 14;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 5;
/// What a file may ask for at most, so that a strange one cannot take the machine: 1 GiB.
const MAX_COST: u64 = 1 << 30;
const SALT_BYTES: usize = 16;

/// RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 9881: id-ml-dsa-44.
const ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");
/// RFC 5084: id-aes256-GCM.
const AES_256_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46");
/// RFC 8018: id-hmacWithSHA256.
const HMAC_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
/// Before the 32 bytes of an Ed25519 seed: the tag and length of a `CurvePrivateKey` (RFC 8410).
const CURVE_PRIVATE_KEY: [u8; 2] = [0x04, 0x20];

/// Before the 32 bytes of an ML-DSA seed: the tag and length of the choice `seed` of an `ML-DSA-44-PrivateKey` (RFC 9881).
const SEED: [u8; 2] = [0x80, 0x20];

/// What kind of secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An Ed25519 seed.
    Ed25519,
    /// An ML-DSA-44 seed.
    MlDsa44,
    /// An AES-256-GCM key.
    Aes256Gcm,
    /// An HMAC-SHA-256 key.
    HmacSha256,
}

impl Kind {
    /// By the `alg` of a key file.
    pub(super) fn of_alg(alg: &str) -> Option<Self> {
        match alg {
            "ed25519" => Some(Self::Ed25519),
            "ml-dsa-44" => Some(Self::MlDsa44),
            "aes-256-gcm" => Some(Self::Aes256Gcm),
            "hmac-sha-256" => Some(Self::HmacSha256),
            _ => None,
        }
    }

    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Ed25519 => ED25519,
            Self::MlDsa44 => ML_DSA_44,
            Self::Aes256Gcm => AES_256_GCM,
            Self::HmacSha256 => HMAC_SHA_256,
        }
    }

    /// What stands before the secret in the octets of the `PrivateKey`.
    fn before(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &CURVE_PRIVATE_KEY,
            Self::MlDsa44 => &SEED,
            Self::Aes256Gcm | Self::HmacSha256 => &[],
        }
    }

    /// The octets of the `PrivateKey`.
    fn octets(self, secret: &[u8; 32]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.before(), secret.as_slice()].concat())
    }

    fn secret(self, octets: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        Some(Zeroizing::new(octets.strip_prefix(self.before())?.try_into().ok()?))
    }
}

/// The secret as a PEM block of `ENCRYPTED PRIVATE KEY`.
pub(super) fn seal(
    kind: Kind,
    secret: &[u8; 32],
    passphrase: &Passphrase,
    entropy: &dyn Entropy,
) -> Result<Zeroizing<String>, String> {
    let (mut salt, mut iv) = ([0; SALT_BYTES], [0; 16]);
    entropy.fill(&mut salt).and_then(|()| entropy.fill(&mut iv)).map_err(|error| error.to_string())?;
    let failed = |what: &dyn std::fmt::Display| format!("the secret cannot be encrypted: {what}");
    let cost = scrypt::Params::new(LOG_N, BLOCK_SIZE, PARALLELISM).map_err(|error| failed(&error))?;
    let scheme =
        pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(|error| failed(&error))?;
    let octets = kind.octets(secret);
    let octets = OctetStringRef::new(&octets).map_err(|error| failed(&error))?;
    let algorithm = AlgorithmIdentifierRef { oid: kind.oid(), parameters: None };
    let sealed = PrivateKeyInfoRef::new(algorithm, octets)
        .encrypt_with_params(scheme, passphrase.bytes())
        .map_err(|error| failed(&error))?;
    sealed.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).map_err(|error| failed(&error))
}

/// The secret of a PEM block; `None`: the passphrase is wrong, or the block is damaged or of another kind.
pub(super) fn open(kind: Kind, pem: &str, passphrase: &Passphrase) -> Option<Zeroizing<[u8; 32]>> {
    let (label, document) = SecretDocument::from_pem(pem).ok()?;
    let sealed = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes()).ok()?;
    if label != EncryptedPrivateKeyInfoRef::PEM_LABEL || !is_affordable(&sealed.encryption_algorithm) {
        return None;
    }
    let opened = sealed.decrypt(passphrase.bytes()).ok()?;
    let info = PrivateKeyInfoRef::from_der(opened.as_bytes()).ok()?;
    if info.algorithm.oid != kind.oid() {
        return None;
    }
    kind.secret(info.private_key.as_bytes())
}

fn is_affordable(scheme: &EncryptionScheme) -> bool {
    match scheme {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            pbes2::Kdf::Scrypt(scrypt) => {
                let memory = scrypt.cost_parameter.saturating_mul(128 * u64::from(scrypt.block_size));
                memory.saturating_mul(u64::from(scrypt.parallelization)) <= MAX_COST
            }
            pbes2::Kdf::Pbkdf2(_) => true,
            _ => false,
        },
        _ => false,
    }
}
