//! The key files of one data directory (docs/formats.md §13.4).
//!
//! Promises: a key is durable before anything signed with it can be; a file that is missing, foreign or damaged is named with the
//! key id that is needed. Must never: put a secret into a log line, an error or `Debug`.

mod access;
mod backup_key;
mod encrypt;
mod file;
mod ml_dsa;
mod protected;
mod vault_key;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hkdf::Hkdf;
use sha2::Sha256;
use tabellion_model::{CredentialId, KeyId, Micros, Purpose};
use tabellion_tlog::{PublicKey, Signer, SigningKey};
use zeroize::Zeroizing;

use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::OpenError;
use crate::postings::TagKey;
use crate::vault::{MasterKey, MasterKeys};
use file::{Head, KeyFile, Protection, bytes_of, wrapped_bytes_of, write_new};

pub use access::{
    AskPassphrase, KeyAccess, MAX_PASSPHRASE_BYTES, MAX_WRAPPED_BYTES, MIN_PASSPHRASE_CHARS, Passphrase,
    Token, WrappedSecret,
};
pub(crate) use backup_key::{BackupKey, destroy_backup_key, ended_backup_keys, protect_backup_keys};
pub use encrypt::encrypt_keys;
pub use ml_dsa::MlDsaFile;
pub(crate) use ml_dsa::list_ml_dsa;
pub(crate) use vault_key::{adopt_next_vault_key, make_next_vault_key, tidy_next_vault_key};

/// Directory of the key files, below the data directory.
pub(crate) const KEY_DIR: &str = "keys";
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
    /// Signs with it.
    pub key: Arc<dyn Signer>,
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

/// Path of the file that holds a signing key.
pub fn key_path(purpose: Purpose, key_id: &KeyId) -> String {
    let id = key_id.0.to_hex();
    format!("{KEY_DIR}/{}-{}.key", purpose.as_str(), id.get(..16).unwrap_or(&id))
}

/// Every signing key of one purpose that has a file here, by its id. Nothing is opened.
pub fn list_keys(disk: &dyn Disk, purpose: Purpose) -> Result<Vec<KeyId>, OpenError> {
    let prefix = format!("{}-", purpose.as_str());
    let names = disk.list(KEY_DIR).map_err(OpenError::io("list", KEY_DIR))?;
    let matching =
        names.iter().filter(|name| name.strip_suffix(".key").is_some_and(|stem| stem.starts_with(&prefix)));
    let ids = matching.map(|name| {
        let file = KeyFile::read(disk, &format!("{KEY_DIR}/{name}"))?;
        let id = file.head.key_id.as_deref().and_then(KeyId::from_hex);
        id.ok_or_else(|| file.wrong("it names no key id"))
    });
    ids.collect()
}

/// Whether the keys of the directory are encrypted: what is made from now on is too.
pub fn are_encrypted(disk: &dyn Disk) -> Result<bool, OpenError> {
    for purpose in [SecretPurpose::Vault, SecretPurpose::Idempotency] {
        let path = purpose.path();
        if !disk.exists(&path).map_err(OpenError::io("look for", &path))? {
            return Ok(false);
        }
        // A key that a token keeps says nothing of those in files.
        let protection = KeyFile::read(disk, &path)?.head.protection;
        if protection != Protection::Pkcs11 {
            return Ok(protection == Protection::Pkcs8);
        }
    }
    Ok(false)
}

impl KeyAccess {
    /// Makes a new signing key, of `credential` or of a new one, and keeps it durably. An existing file is never replaced.
    pub fn create(
        &self,
        disk: &dyn Disk,
        purpose: Purpose,
        credential: Option<CredentialId>,
        created_at: Micros,
        entropy: &dyn Entropy,
    ) -> Result<KeyPair, OpenError> {
        let mut seed = Zeroizing::new([0; 32]);
        let mut fresh = [0; 16];
        entropy
            .fill(seed.as_mut())
            .and_then(|()| entropy.fill(&mut fresh))
            .map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
        let credential = credential.unwrap_or_else(|| CredentialId::from_bytes(fresh));
        let in_token = self.in_token.contains(&purpose);
        let key: Arc<dyn Signer> = if in_token {
            let made = self.token().and_then(|token| token.create(purpose));
            made.map_err(|why| OpenError::Mismatch(format!("the new {purpose} key cannot be made: {why}")))?
        } else {
            Arc::new(SigningKey::from_seed(&seed))
        };
        let pair = KeyPair { purpose, credential, created_at, key };
        let public = pair.key.public();
        let mut head = Head::new(ED25519, created_at.0, purpose.as_str());
        head.credential = Some(credential.to_string());
        head.key_id = Some(public.key_id().to_hex());
        head.public = Some(BASE64.encode(public.as_bytes()));
        let secret = if in_token { None } else { Some(&*seed) };
        write_new(
            disk,
            &key_path(purpose, &pair.key_id()),
            &bytes_of(head, secret, self.encrypts(disk, entropy)?)?,
        )?;
        Ok(pair)
    }

    /// Reads the file of one signing key and checks that it holds that very key.
    pub fn load(&self, disk: &dyn Disk, purpose: Purpose, key_id: &KeyId) -> Result<KeyPair, OpenError> {
        let path = key_path(purpose, key_id);
        if !disk.exists(&path).map_err(OpenError::io("look for", &path))? {
            return Err(OpenError::Mismatch(format!(
                "the {} key {} is in force, but its file {path} is missing. Put the file back from your key backup, or revoke the key and \
                 grant a new one with the root key (tabellion key)",
                purpose.as_str(),
                key_id.0
            )));
        }
        let pair = self.read_pair(disk, &path)?;
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

    fn read_pair(&self, disk: &dyn Disk, path: &str) -> Result<KeyPair, OpenError> {
        let file = KeyFile::read(disk, path)?;
        if file.head.alg != ED25519 {
            return Err(file.wrong("its algorithm is not ed25519"));
        }
        let purpose =
            Purpose::parse(&file.head.purpose).ok_or_else(|| file.wrong("its purpose is unknown"))?;
        let credential = file
            .head
            .credential
            .as_deref()
            .and_then(CredentialId::from_hex)
            .ok_or_else(|| file.wrong("it names no credential"))?;
        let key: Arc<dyn Signer> = match file.head.protection {
            Protection::Pkcs11 => self.signer_in_token(&file)?,
            Protection::None | Protection::Pkcs8 => Arc::new(SigningKey::from_seed(&*file.secret(self)?)),
        };
        if file.head.key_id.as_deref() != Some(key.public().key_id().to_hex().as_str()) {
            return Err(file.wrong("its secret does not belong to its key id"));
        }
        Ok(KeyPair { purpose, credential, created_at: Micros(file.head.created_at), key })
    }

    fn signer_in_token(&self, file: &KeyFile) -> Result<Arc<dyn Signer>, OpenError> {
        let bytes = file.head.public.as_deref().and_then(|text| BASE64.decode(text).ok());
        let public = bytes.and_then(|bytes| PublicKey::from_bytes(&bytes.try_into().ok()?).ok());
        let public = public.ok_or_else(|| file.wrong("it names no public key"))?;
        let found = self.token().and_then(|token| token.signer(&KeyId(public.key_id()), &public));
        found.map_err(|why| {
            OpenError::Mismatch(format!("the key of {} is in a token that cannot be used: {why}", file.path))
        })
    }

    /// By what a new file is encrypted; `None`: it is not.
    fn encrypts<'a>(
        &'a self,
        disk: &dyn Disk,
        entropy: &'a dyn Entropy,
    ) -> Result<Option<(&'a Self, &'a dyn Entropy)>, OpenError> {
        Ok((self.encrypt || are_encrypted(disk)?).then_some((self, entropy)))
    }
}

/// The symmetric secrets of a directory.
pub(crate) struct Secrets {
    pub(crate) vault: Zeroizing<[u8; 32]>,
    /// The one that takes its place, while the vault's keys are moved to it.
    vault_next: Option<Zeroizing<[u8; 32]>>,
    pub(crate) idempotency: Zeroizing<[u8; 32]>,
    pub(crate) pseudonym: Zeroizing<[u8; 32]>,
}

impl Secrets {
    /// Makes the three secrets and writes their files durably.
    pub(crate) fn create(
        disk: &dyn Disk,
        access: &KeyAccess,
        now: Micros,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        for purpose in SecretPurpose::ALL {
            let mut secret = Zeroizing::new([0; 32]);
            entropy.fill(secret.as_mut()).map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
            let head = Head::new(purpose.alg(), now.0, purpose.name());
            let bytes = if purpose == SecretPurpose::Vault && access.vault_in_token {
                wrapped_bytes_of(head, &secret, access, None)?
            } else {
                bytes_of(head, Some(&secret), access.encrypts(disk, entropy)?)?
            };
            write_new(disk, &purpose.path(), &bytes)?;
        }
        Self::load(disk, access)
    }

    pub(crate) fn load(disk: &dyn Disk, access: &KeyAccess) -> Result<Self, OpenError> {
        Ok(Self {
            vault: load_secret(disk, access, SecretPurpose::Vault)?,
            vault_next: vault_key::load_next(disk, access)?,
            idempotency: load_secret(disk, access, SecretPurpose::Idempotency)?,
            pseudonym: load_secret(disk, access, SecretPurpose::Pseudonym)?,
        })
    }

    /// What the vault's keys may be wrapped under.
    pub(crate) fn masters(&self) -> MasterKeys {
        let next = self.vault_next.as_ref().map(|key| MasterKey::new(key));
        MasterKeys { vault: MasterKey::new(&self.vault), next }
    }

    /// What entries are looked up by.
    pub(crate) fn tag_key(&self) -> TagKey {
        TagKey::new(&self.derived("postings"))
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

fn load_secret(
    disk: &dyn Disk,
    access: &KeyAccess,
    purpose: SecretPurpose,
) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    let path = purpose.path();
    if !disk.exists(&path).map_err(OpenError::io("look for", &path))? {
        let name = purpose.name();
        return Err(OpenError::Mismatch(format!(
            "the {name} key file {path} is missing. Without it records cannot be sealed or shown; put it back from your key backup"
        )));
    }
    let file = KeyFile::read(disk, &path)?;
    if file.head.purpose == purpose.name() && file.head.alg == purpose.alg() {
        return file.secret(access);
    }
    Err(OpenError::Mismatch(format!(
        "{path} does not hold a {} key. Restore it from your key backup",
        purpose.name()
    )))
}
