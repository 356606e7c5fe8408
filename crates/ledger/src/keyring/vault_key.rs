//! The file of the vault's next wrapping key, while the vault's keys are moved to it (docs/formats.md §13.3).
//!
//! Order, and why: it is durable before the first key is wrapped under it, and takes the place of the one before only after nothing is wrapped under that
//! any more, so that at every moment the files that are there open every key.

use tabellion_model::Micros;
use tabellion_model::body::VaultKeyKeeping;
use zeroize::Zeroizing;

use super::access::KeyAccess;
use super::file::{Head, KeyFile, Protection, bytes_of, wrapped_bytes_of, write_new};
use super::{KEY_DIR, SecretPurpose};
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::OpenError;

/// Its file.
const NEXT_PATH: &str = "keys/vault-next.key";

/// The next key, where there is one.
pub(super) fn load_next(
    disk: &dyn Disk,
    access: &KeyAccess,
) -> Result<Option<Zeroizing<[u8; 32]>>, OpenError> {
    if !is_there(disk)? {
        return Ok(None);
    }
    let file = match KeyFile::read(disk, NEXT_PATH) {
        // It took the place of the one before since.
        Err(OpenError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        file => file?,
    };
    let purpose = SecretPurpose::Vault;
    if file.head.purpose == purpose.name() && file.head.alg == purpose.alg() {
        return file.secret(access).map(Some);
    }
    Err(file.wrong("it does not hold a vault key"))
}

/// Makes the next key and writes its file durably, in the place of one that nothing was ever wrapped under.
pub(crate) fn make_next_vault_key(
    disk: &dyn Disk,
    access: &KeyAccess,
    now: Micros,
    entropy: &dyn Entropy,
) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    tidy_next_vault_key(disk)?;
    let mut secret = Zeroizing::new([0; 32]);
    entropy.fill(secret.as_mut()).map_err(OpenError::io("draw random bytes for", NEXT_PATH))?;
    let purpose = SecretPurpose::Vault;
    let head = Head::new(purpose.alg(), now.0, purpose.name());
    let bytes = if access.vault_in_token {
        wrapped_bytes_of(head, &secret, access, None)?
    } else {
        bytes_of(head, Some(&secret), access.encrypts(disk, entropy)?)?
    };
    write_new(disk, NEXT_PATH, &bytes)?;
    Ok(secret)
}

impl KeyAccess {
    /// How the vault's wrapping key is kept, where its file can be read, and how the next one will be.
    pub(crate) fn vault_keeping(
        &self,
        disk: &dyn Disk,
        entropy: &dyn Entropy,
    ) -> Result<(Option<VaultKeyKeeping>, VaultKeyKeeping), OpenError> {
        let file = KeyFile::read(disk, &SecretPurpose::Vault.path()).ok();
        let now = file.map(|file| match file.head.protection {
            Protection::None => VaultKeyKeeping::File,
            Protection::Pkcs8 => VaultKeyKeeping::Passphrase,
            Protection::Pkcs11 => VaultKeyKeeping::Token,
        });
        let next = if self.vault_in_token {
            VaultKeyKeeping::Token
        } else if self.encrypts(disk, entropy)?.is_some() {
            VaultKeyKeeping::Passphrase
        } else {
            VaultKeyKeeping::File
        };
        Ok((now, next))
    }
}

/// The token's key that the vault's wrapping key is kept under; `None`: it is kept in a file.
pub(super) fn token_key(disk: &dyn Disk) -> Result<Option<[u8; 16]>, OpenError> {
    let file = KeyFile::read(disk, &SecretPurpose::Vault.path())?;
    Ok(file.wrapped_secret().map(|wrapped| wrapped.key))
}

/// Puts the next key in the place of the one before, durably; again where that was done.
pub(crate) fn adopt_next_vault_key(disk: &dyn Disk) -> Result<(), OpenError> {
    let path = SecretPurpose::Vault.path();
    if is_there(disk)? {
        disk.rename(NEXT_PATH, &path).map_err(OpenError::io("replace", &path))?;
    }
    disk.sync_dir(KEY_DIR).map_err(OpenError::io("sync", KEY_DIR))
}

/// Removes the file of a next key that nothing is wrapped under.
pub(crate) fn tidy_next_vault_key(disk: &dyn Disk) -> Result<(), OpenError> {
    if is_there(disk)? {
        disk.remove(NEXT_PATH)
            .and_then(|()| disk.sync_dir(KEY_DIR))
            .map_err(OpenError::io("remove", NEXT_PATH))?;
    }
    Ok(())
}

fn is_there(disk: &dyn Disk) -> Result<bool, OpenError> {
    disk.exists(NEXT_PATH).map_err(OpenError::io("look for", NEXT_PATH))
}
