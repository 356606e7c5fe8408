//! The keys of backups: each wraps the content keys of one backup and is destroyed when that ends (docs/formats.md §13.8).
//!
//! Promises: a key whose day is over is overwritten before its file goes; the day is a part of what is derived from the key, so that another one opens nothing.
//! Must never: be in the backup that it opens.

use hkdf::Hkdf;
use sha2::Sha256;
use tabellion_model::Micros;
use zeroize::Zeroizing;

use super::access::KeyAccess;
use super::file::{Head, KeyFile, MAX_KEY_FILE, bytes_of, wrapped_bytes_of, write_new};
use super::{KEY_DIR, SecretPurpose, vault_key};
use crate::disk::{self, Disk, OpenMode};
use crate::entropy::Entropy;
use crate::error::OpenError;
use crate::vault::MasterKey;

const PURPOSE: &str = "backup";
const PREFIX: &str = "backup-";
/// Domain of what wraps a backup's content keys.
const INFO: &[u8] = b"tabellion.backup/2\0";
/// Hex digits of a key's name.
const NAME_DIGITS: usize = 32;

/// The key of one backup.
pub(crate) struct BackupKey(Zeroizing<[u8; 32]>);

impl BackupKey {
    /// Makes a key that ends at `expires_at` and writes its file durably. Returns its name as well.
    pub(crate) fn create(
        disk: &dyn Disk,
        access: &KeyAccess,
        (now, expires_at): (Micros, Micros),
        entropy: &dyn Entropy,
    ) -> Result<(String, Self), OpenError> {
        let (mut name, mut secret) = ([0; NAME_DIGITS / 2], Zeroizing::new([0; 32]));
        entropy
            .fill(&mut name)
            .and_then(|()| entropy.fill(secret.as_mut()))
            .map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
        let name = hex::encode(name);
        let mut head = Head::new(SecretPurpose::Vault.alg(), now.0, PURPOSE);
        head.expires_at = Some(expires_at.0);
        // Whoever keeps the vault's key from us keeps that of its backups, too.
        let bytes = match vault_key::token_key(disk)? {
            Some(key) => wrapped_bytes_of(head, &secret, access, Some(key))?,
            None => bytes_of(head, Some(&secret), access.encrypts(disk, entropy)?)?,
        };
        write_new(disk, &path(&name), &bytes)?;
        Ok((name, Self(secret)))
    }

    /// The key of that name; `None`: its file is not there.
    pub(crate) fn load(disk: &dyn Disk, access: &KeyAccess, name: &str) -> Result<Option<Self>, OpenError> {
        let is_name = name.len() == NAME_DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = path(name);
        if !is_name || !disk.exists(&path).map_err(OpenError::io("look for", &path))? {
            return Ok(None);
        }
        let file = KeyFile::read(disk, &path)?;
        if file.head.purpose != PURPOSE {
            return Err(file.wrong("it does not hold the key of a backup"));
        }
        file.secret(access).map(|secret| Some(Self(secret)))
    }

    /// What wraps the content keys of the backup that ends at `expires_at`: HKDF-SHA-256(ikm = key, info = `tabellion.backup/2`, zero, microseconds as u64
    /// little-endian).
    pub(crate) fn master(&self, expires_at: Micros) -> MasterKey {
        let mut key = Zeroizing::new([0; 32]);
        let info = [INFO, &expires_at.0.to_le_bytes()].concat();
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8160 bytes (RFC 5869)")]
        Hkdf::<Sha256>::new(None, self.0.as_ref()).expand(&info, key.as_mut()).expect("32 bytes");
        MasterKey::new(&key)
    }
}

fn path(name: &str) -> String {
    format!("{KEY_DIR}/{PREFIX}{name}.key")
}

/// The key of a backup that ended.
pub(crate) struct EndedKey {
    /// Its file.
    pub(crate) path: String,
    /// From when until when it was there to be used; `None`: the file was overwritten already.
    pub(crate) lived: Option<(Micros, Micros)>,
}

/// The keys of backups whose day was over by `now`.
pub(crate) fn ended_backup_keys(disk: &dyn Disk, now: Micros) -> Result<Vec<EndedKey>, OpenError> {
    let mut ended = Vec::new();
    for name in disk.list(KEY_DIR).map_err(OpenError::io("list", KEY_DIR))? {
        if !name.starts_with(PREFIX) || name.strip_suffix(".key").is_none() {
            continue;
        }
        let path = format!("{KEY_DIR}/{name}");
        let lived = |file: KeyFile| {
            let until = file.head.expires_at.filter(|at| file.head.purpose == PURPOSE && *at <= now.0)?;
            Some((Micros(file.head.created_at), Micros(until)))
        };
        let lived = KeyFile::read(disk, &path).ok().and_then(lived);
        // What cannot be read as a key is left alone, but for one that was overwritten and not removed because the process died between the two.
        if lived.is_some() || is_overwritten(disk, &path) {
            ended.push(EndedKey { path, lived });
        }
    }
    Ok(ended)
}

/// Destroys the key of a backup, durably.
pub(crate) fn destroy_backup_key(disk: &dyn Disk, path: &str) -> Result<(), OpenError> {
    destroy(disk, path).map_err(OpenError::io("destroy", path))
}

/// Keeps the keys of backups as the vault's wrapping key is kept now: in the open, encrypted, or wrapped by the token, so that whoever takes that away takes these away as well. Each is
/// replaced whole or not at all.
pub(crate) fn protect_backup_keys(
    disk: &dyn Disk,
    access: &KeyAccess,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let token_key = vault_key::token_key(disk)?;
    for name in disk.list(KEY_DIR).map_err(OpenError::io("list", KEY_DIR))? {
        let path = format!("{KEY_DIR}/{name}");
        if !name.starts_with(PREFIX) || name.strip_suffix(".key").is_none() || is_overwritten(disk, &path) {
            continue;
        }
        let file = KeyFile::read(disk, &path)?;
        let wrapped_by = file.wrapped_secret().map(|wrapped| wrapped.key);
        if file.head.purpose != PURPOSE || wrapped_by == token_key {
            continue;
        }
        let secret = file.secret(access)?;
        let mut head = Head::new(SecretPurpose::Vault.alg(), file.head.created_at, PURPOSE);
        head.expires_at = file.head.expires_at;
        let bytes = match token_key {
            Some(key) => wrapped_bytes_of(head, &secret, access, Some(key))?,
            None => bytes_of(head, Some(&secret), access.encrypts(disk, entropy)?)?,
        };
        disk::write_file_durably(disk, &path, &bytes).map_err(OpenError::io("write", &path))?;
    }
    Ok(())
}

fn is_overwritten(disk: &dyn Disk, path: &str) -> bool {
    disk::read_all(disk, path, MAX_KEY_FILE).is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn destroy(disk: &dyn Disk, path: &str) -> std::io::Result<()> {
    let file = disk.open(path, OpenMode::ReadWrite)?;
    let bytes = usize::try_from(file.len()?).map_err(std::io::Error::other)?;
    file.write_at(0, &vec![0; bytes])?;
    file.sync()?;
    disk.remove(path)?;
    disk.sync_dir(KEY_DIR)
}
