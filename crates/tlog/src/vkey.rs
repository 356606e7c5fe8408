//! Verifier keys of signed notes (C2SP signed-note, "Verifier keys"): name, key id, signature type, public key.
//!
//! Promises that the key id is the one its parts hash to and that a vkey has one spelling. Knows Ed25519 notes (0x01), Ed25519
//! cosignatures (0x04) and ML-DSA-44 cosignatures (0x06); another type is an error that names it.

use std::fmt;
use std::str::FromStr;

use crate::base64;
use crate::cosignature::MAX_COSIGNER_NAME_BYTES;
use crate::hash::sha256;
use crate::key::{PublicKey, PublicKeyError};
use crate::ml_dsa::MlDsaPublicKey;

/// Longest key name: an origin (at most 255 bytes) and a suffix such as `/root`, with as much again to spare.
pub const MAX_KEY_NAME_BYTES: usize = 512;
/// Hex digits of a key id.
const KEY_ID_DIGITS: usize = 8;

/// What a key signs, as the type byte of its vkey says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// 0x01: the note's text.
    Ed25519,
    /// 0x04: a checkpoint and the time at which a witness saw it (C2SP tlog-cosignature, `cosignature/v1`).
    CosignatureV1,
    /// 0x06: the same with ML-DSA-44, over name, time, origin, size and root (`subtree/v1`).
    MlDsa44,
}

impl SignatureType {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
            Self::MlDsa44 => 0x06,
        }
    }

    /// Whether keys of this type are a witness's.
    pub fn is_cosignature(self) -> bool {
        matches!(self, Self::CosignatureV1 | Self::MlDsa44)
    }
}

/// A public key of either algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// Ed25519.
    Ed25519(PublicKey),
    /// ML-DSA-44.
    MlDsa44(MlDsaPublicKey),
}

impl KeyMaterial {
    /// The key's bytes: 32, or 1,312.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(public) => public.as_bytes(),
            Self::MlDsa44(public) => public.as_bytes(),
        }
    }
}

/// Why something is not a usable verifier key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// Not `name+hex+base64`.
    #[error("this is not a verifier key; one looks like example.com/log+530d903a+AekyeR…")]
    Form,
    /// A name that no note can carry.
    #[error("a key name is 1 to 512 bytes without spaces, control characters and '+'")]
    Name,
    /// The id does not belong to the name and the key.
    #[error("the key id of {name} should be {needed:08x}, not {found:08x}: the name or the key was changed")]
    KeyId {
        /// The key's name.
        name: String,
        /// What the parts hash to.
        needed: u32,
        /// What is written.
        found: u32,
    },
    /// A type of signature that is not supported.
    #[error(
        "the key of {name} has signature type 0x{kind:02x}, which is not supported; 0x01 (Ed25519), 0x04 and 0x06 (cosignatures) are"
    )]
    UnknownType {
        /// The key's name.
        name: String,
        /// The type byte.
        kind: u8,
    },
    /// Not as many bytes as the type has.
    #[error("the key of {name} has {found} bytes instead of {needed}")]
    KeyLength {
        /// The key's name.
        name: String,
        /// Bytes behind the type byte.
        found: usize,
        /// Bytes of such a key.
        needed: usize,
    },
    /// An Ed25519 key under a type that is not Ed25519's.
    #[error("an Ed25519 key signs notes of type 0x01 or 0x04, not 0x06")]
    OtherType,
    /// A name that an ML-DSA-44 cosignature cannot commit to.
    #[error("the name of an ML-DSA-44 cosigner is 1 to 255 bytes")]
    CosignerName,
    /// 32 bytes that are not a safe key.
    #[error("the key of {name} cannot be used: {source}")]
    Key {
        /// The key's name.
        name: String,
        /// What is wrong with it.
        source: PublicKeyError,
    },
}

/// A name with the key that signs under it. `Display` and `FromStr` are the vkey form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: SignatureType,
    material: KeyMaterial,
}

impl VerifierKey {
    /// A key for note signatures of type 0x01.
    pub fn new(name: &str, public: PublicKey) -> Result<Self, VerifierKeyError> {
        Self::with_type(name, public, SignatureType::Ed25519)
    }

    /// An Ed25519 key for signatures of `kind`.
    pub fn with_type(name: &str, public: PublicKey, kind: SignatureType) -> Result<Self, VerifierKeyError> {
        if kind == SignatureType::MlDsa44 {
            return Err(VerifierKeyError::OtherType);
        }
        Self::of(name, kind, KeyMaterial::Ed25519(public))
    }

    /// A key for ML-DSA-44 cosignatures, type 0x06.
    pub fn ml_dsa(name: &str, public: MlDsaPublicKey) -> Result<Self, VerifierKeyError> {
        if name.len() > MAX_COSIGNER_NAME_BYTES {
            return Err(VerifierKeyError::CosignerName);
        }
        Self::of(name, SignatureType::MlDsa44, KeyMaterial::MlDsa44(public))
    }

    fn of(name: &str, kind: SignatureType, material: KeyMaterial) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Name);
        }
        let id = key_id(name, kind.byte(), material.as_bytes());
        Ok(Self { name: name.to_owned(), id, kind, material })
    }

    /// The name that signature lines carry.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that signature lines carry: the first four bytes of SHA-256(name ‖ 0x0a ‖ type ‖ key), big-endian.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What the key signs.
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The public key.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The public key, when it is one of Ed25519.
    pub fn ed25519(&self) -> Option<PublicKey> {
        match &self.material {
            KeyMaterial::Ed25519(public) => Some(*public),
            KeyMaterial::MlDsa44(_) => None,
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[self.kind.byte()], self.material.as_bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, base64::encode(&material))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The base64 part may hold '+' too, the other two may not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        if !is_key_name(name) {
            return Err(VerifierKeyError::Name);
        }
        let found = parse_key_id(id).ok_or(VerifierKeyError::Form)?;
        let material = base64::decode(material).ok_or(VerifierKeyError::Form)?;
        let (kind, bytes) = material.split_first().ok_or(VerifierKeyError::Form)?;
        let key = match kind {
            0x01 => Self::with_type(name, read_ed25519(name, bytes)?, SignatureType::Ed25519)?,
            0x04 => Self::with_type(name, read_ed25519(name, bytes)?, SignatureType::CosignatureV1)?,
            0x06 => Self::ml_dsa(name, MlDsaPublicKey::from_bytes(exactly(name, bytes)?))?,
            kind => return Err(VerifierKeyError::UnknownType { name: name.to_owned(), kind: *kind }),
        };
        if key.id != found {
            return Err(VerifierKeyError::KeyId { name: name.to_owned(), needed: key.id, found });
        }
        Ok(key)
    }
}

fn read_ed25519(name: &str, bytes: &[u8]) -> Result<PublicKey, VerifierKeyError> {
    PublicKey::from_bytes(exactly(name, bytes)?)
        .map_err(|source| VerifierKeyError::Key { name: name.to_owned(), source })
}

fn exactly<'b, const N: usize>(name: &str, bytes: &'b [u8]) -> Result<&'b [u8; N], VerifierKeyError> {
    let wrong = |_| VerifierKeyError::KeyLength { name: name.to_owned(), found: bytes.len(), needed: N };
    bytes.try_into().map_err(wrong)
}

/// Whether a note may carry this name: not empty, no Unicode space, no control character, no `+`.
pub(crate) fn is_key_name(name: &str) -> bool {
    (1..=MAX_KEY_NAME_BYTES).contains(&name.len())
        && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

fn parse_key_id(text: &str) -> Option<u32> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == KEY_ID_DIGITS && text.bytes().all(lower))
        .then(|| u32::from_str_radix(text, 16).ok())
        .flatten()
}

fn key_id(name: &str, kind: u8, public: &[u8]) -> u32 {
    let digest = sha256(&[name.as_bytes(), b"\n", &[kind], public].concat());
    let [a, b, c, d, ..] = digest.0;
    u32::from_be_bytes([a, b, c, d])
}
