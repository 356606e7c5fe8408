//! The key files of one data directory (docs/formats.md §13.4).
//!
//! Promises: a key is durable before anything signed with it can be; a file that is missing, foreign or damaged is named with the
//! key id that is needed. Must never: put a secret into a log line, an error or `Debug`.

mod ml_dsa;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tabellion_model::{CredentialId, KeyId, Micros, Purpose};
use tabellion_tlog::SigningKey;
use zeroize::{Zeroize as _, Zeroizing};

use crate::disk::{self, Disk};
use crate::entropy::Entropy;
use crate::error::OpenError;

pub use ml_dsa::{create_ml_dsa, load_ml_dsa};

/// Directory of the key files, below the data directory.
pub(crate) const KEY_DIR: &str = "keys";
/// A key file is one short line; more is not a key file.
const MAX_KEY_FILE: u64 = 4096;
const FORMAT: &str = "tabellion.key/1";
const ED25519: &str = "ed25519";
/// Domain of secrets that are derived from the pseudonym key.
const DERIVED_INFO: &[u8] = b"tabellion.derived/1\0";

/// The symmetric keys, each for one purpose only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretPurpose {
    /// Wraps the vault's keys.
    Vault,
    /// Idempotency tags and request fingerprints.
    Idempotency,
    /// Subject tags: finds a subject's keys without storing the subject.
    Pseudonym,
}

impl SecretPurpose {
    const ALL: [Self; 3] = [Self::Vault, Self::Idempotency, Self::Pseudonym];

    fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Idempotency => "idempotency",
            Self::Pseudonym => "pseudonym",
        }
    }

    fn alg(self) -> &'static str {
        match self {
            Self::Vault => "aes-256-gcm",
            Self::Idempotency | Self::Pseudonym => "hmac-sha-256",
        }
    }

    fn path(self) -> String {
        format!("{KEY_DIR}/{}.key", self.name())
    }
}

/// A signing key with what its file says about it.
#[derive(Clone)]
pub struct KeyPair {
    /// What the key may sign.
    pub purpose: Purpose,
    /// The credential that speaks with it.
    pub credential: CredentialId,
    /// When it was made.
    pub created_at: Micros,
    /// The key.
    pub key: Arc<SigningKey>,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPair({} {})", self.purpose, self.key_id().0)
    }
}

impl KeyPair {
    /// The key's id (RFC 9679 thumbprint).
    pub fn key_id(&self) -> KeyId {
        KeyId(self.key.public().key_id())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    alg: String,
    created_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    protection: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    purpose: String,
    secret: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// Path of the file that holds a signing key.
pub fn key_path(purpose: Purpose, key_id: &KeyId) -> String {
    let id = key_id.0.to_hex();
    format!("{KEY_DIR}/{}-{}.key", purpose.as_str(), id.get(..16).unwrap_or(&id))
}

/// Makes a new signing key. Nothing is written.
pub fn new_key(purpose: Purpose, created_at: Micros, entropy: &dyn Entropy) -> Result<KeyPair, OpenError> {
    let mut seed = Zeroizing::new([0; 32]);
    let mut credential = [0; 16];
    entropy
        .fill(seed.as_mut())
        .and_then(|()| entropy.fill(&mut credential))
        .map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
    let key = Arc::new(SigningKey::from_seed(&seed));
    Ok(KeyPair { purpose, credential: CredentialId::from_bytes(credential), created_at, key })
}

/// Writes a signing key durably. An existing file is never replaced.
pub fn store_key(disk: &dyn Disk, pair: &KeyPair) -> Result<String, OpenError> {
    let path = key_path(pair.purpose, &pair.key_id());
    let public = pair.key.public();
    let file = KeyFile {
        alg: ED25519.to_owned(),
        created_at: pair.created_at.0,
        credential: Some(pair.credential.to_string()),
        format: FORMAT.to_owned(),
        key_id: Some(public.key_id().to_hex()),
        protection: "none".to_owned(),
        public: Some(BASE64.encode(public.as_bytes())),
        purpose: pair.purpose.as_str().to_owned(),
        secret: BASE64.encode(pair.key.seed().as_ref()),
    };
    write_file(disk, &path, &file)?;
    Ok(path)
}

/// Reads the file of one signing key and checks that it holds that very key.
pub fn load_key(disk: &dyn Disk, purpose: Purpose, key_id: &KeyId) -> Result<KeyPair, OpenError> {
    let path = key_path(purpose, key_id);
    if !disk.exists(&path).map_err(OpenError::io("look for", &path))? {
        return Err(OpenError::Mismatch(format!(
            "the {} key {} is in force, but its file {path} is missing. Put the file back from your key backup, or revoke the key and \
             grant a new one with the root key (tabellion key)",
            purpose.as_str(),
            key_id.0
        )));
    }
    let pair = read_pair(disk, &path)?;
    if pair.purpose == purpose && pair.key_id() == *key_id {
        return Ok(pair);
    }
    Err(OpenError::Mismatch(format!(
        "{path} holds the {} key {}, but the log needs the {} key {}. Put the right file back from your key backup",
        pair.purpose.as_str(),
        pair.key_id().0,
        purpose.as_str(),
        key_id.0
    )))
}

/// Every signing key of one purpose that has a file here.
pub fn list_keys(disk: &dyn Disk, purpose: Purpose) -> Result<Vec<KeyPair>, OpenError> {
    let prefix = format!("{}-", purpose.as_str());
    let names = disk.list(KEY_DIR).map_err(OpenError::io("list", KEY_DIR))?;
    let matching =
        names.iter().filter(|name| name.strip_suffix(".key").is_some_and(|stem| stem.starts_with(&prefix)));
    matching.map(|name| read_pair(disk, &format!("{KEY_DIR}/{name}"))).collect()
}

fn read_pair(disk: &dyn Disk, path: &str) -> Result<KeyPair, OpenError> {
    let file = read_file(disk, path)?;
    let wrong = |what: &str| {
        OpenError::Mismatch(format!(
            "{path} is not a usable key file: {what}. Restore it from your key backup"
        ))
    };
    if file.alg != ED25519 {
        return Err(wrong("its algorithm is not ed25519"));
    }
    let purpose = Purpose::parse(&file.purpose).ok_or_else(|| wrong("its purpose is unknown"))?;
    let credential = file
        .credential
        .as_deref()
        .and_then(CredentialId::from_hex)
        .ok_or_else(|| wrong("it names no credential"))?;
    let key = Arc::new(SigningKey::from_seed(
        &*secret_of(&file).ok_or_else(|| wrong("its secret is not 32 bytes of base64"))?,
    ));
    if file.key_id.as_deref() != Some(key.public().key_id().to_hex().as_str()) {
        return Err(wrong("its secret does not belong to its key id"));
    }
    Ok(KeyPair { purpose, credential, created_at: Micros(file.created_at), key })
}

/// The symmetric secrets of a directory.
pub(crate) struct Secrets {
    pub(crate) vault: Zeroizing<[u8; 32]>,
    pub(crate) idempotency: Zeroizing<[u8; 32]>,
    pub(crate) pseudonym: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// Makes the three secrets and writes their files durably.
    pub(crate) fn create(disk: &dyn Disk, now: Micros, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        for purpose in SecretPurpose::ALL {
            let mut secret = Zeroizing::new([0; 32]);
            entropy.fill(secret.as_mut()).map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
            let file = KeyFile {
                alg: purpose.alg().to_owned(),
                created_at: now.0,
                credential: None,
                format: FORMAT.to_owned(),
                key_id: None,
                protection: "none".to_owned(),
                public: None,
                purpose: purpose.name().to_owned(),
                secret: BASE64.encode(secret.as_ref()),
            };
            write_file(disk, &purpose.path(), &file)?;
        }
        Self::load(disk)
    }

    pub(crate) fn load(disk: &dyn Disk) -> Result<Self, OpenError> {
        Ok(Self {
            vault: load_secret(disk, SecretPurpose::Vault)?,
            idempotency: load_secret(disk, SecretPurpose::Idempotency)?,
            pseudonym: load_secret(disk, SecretPurpose::Pseudonym)?,
        })
    }

    /// HKDF-SHA-256(ikm = pseudonym key, info = `tabellion.derived/1`, zero, purpose).
    pub(crate) fn derived(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let info = [DERIVED_INFO, purpose.as_bytes()].concat();
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8160 bytes (RFC 5869)")]
        Hkdf::<Sha256>::new(None, self.pseudonym.as_ref()).expand(&info, key.as_mut()).expect("32 bytes");
        key
    }
}

fn load_secret(disk: &dyn Disk, purpose: SecretPurpose) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    let path = purpose.path();
    if !disk.exists(&path).map_err(OpenError::io("look for", &path))? {
        let name = purpose.name();
        return Err(OpenError::Mismatch(format!(
            "the {name} key file {path} is missing. Without it records cannot be sealed or shown; put it back from your key backup"
        )));
    }
    let file = read_file(disk, &path)?;
    let usable = file.purpose == purpose.name() && file.alg == purpose.alg();
    secret_of(&file).filter(|_| usable).ok_or_else(|| {
        OpenError::Mismatch(format!(
            "{path} does not hold a {} key. Restore it from your key backup",
            purpose.name()
        ))
    })
}

fn secret_of(file: &KeyFile) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(BASE64.decode(&file.secret).ok()?);
    Some(Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?))
}

fn write_file(disk: &dyn Disk, path: &str, file: &KeyFile) -> Result<(), OpenError> {
    if disk.exists(path).map_err(OpenError::io("look for", path))? {
        return Err(OpenError::Mismatch(format!(
            "{path} exists already; a key file is never replaced. Move it away first"
        )));
    }
    let mut line = Zeroizing::new(
        serde_json::to_vec(file).map_err(|error| OpenError::Corrupt(format!("{path}: {error}")))?,
    );
    line.push(b'\n');
    disk::write_file_durably(disk, path, &line).map_err(OpenError::io("write", path))
}

fn read_file(disk: &dyn Disk, path: &str) -> Result<KeyFile, OpenError> {
    let bytes =
        Zeroizing::new(disk::read_all(disk, path, MAX_KEY_FILE).map_err(OpenError::io("read", path))?);
    let file: KeyFile = serde_json::from_slice(&bytes).map_err(|_| {
        // The parser's own message could quote the secret, so it is not passed on.
        OpenError::Mismatch(format!(
            "{path} is not a key file of this version. Restore it from your key backup"
        ))
    })?;
    if file.format == FORMAT && file.protection == "none" {
        return Ok(file);
    }
    Err(OpenError::Mismatch(format!(
        "{path} is of another format or protection than this version reads ({FORMAT}, unprotected)"
    )))
}
