//! Encrypting the key files of a directory that has them in the open, or under another passphrase.
//!
//! Promises: every file is opened before the first is written; each is replaced whole or not at all, so that a run that was cut short is made good by
//! another one. Must never: touch a file that it could not open again.

use base64::Engine as _;
use tabellion_tlog::{MlDsaSigningKey, SigningKey};

use super::access::KeyAccess;
use super::file::{Head, KeyFile, Protection, bytes_of};
use super::protected::Kind;
use super::{BASE64, KEY_DIR, SecretPurpose};
use crate::disk::{self, Disk};
use crate::entropy::Entropy;
use crate::error::OpenError;

/// Encrypts every key file below `disk` under the passphrase of `new`; what is encrypted already is opened with `old`, or with `new`. The caller holds
/// the directory's lock. Returns how many files were written; keys in a token have nothing to encrypt.
pub fn encrypt_keys(
    disk: &dyn Disk,
    old: &KeyAccess,
    new: &KeyAccess,
    entropy: &dyn Entropy,
) -> Result<usize, OpenError> {
    new.new_passphrase().map_err(OpenError::Mismatch)?;
    let mut names = disk.list(KEY_DIR).map_err(OpenError::io("list", KEY_DIR))?;
    // The vault's key first: new keys are encrypted when it is.
    let vault = SecretPurpose::Vault.path();
    names.sort_by_key(|name| format!("{KEY_DIR}/{name}") != vault);
    let mut opened = Vec::new();
    for name in names.iter().filter(|name| name.strip_suffix(".key").is_some()) {
        let file = KeyFile::read(disk, &format!("{KEY_DIR}/{name}"))?;
        if file.head.protection == Protection::Pkcs11 {
            continue;
        }
        // A run before this one may have come this far.
        let secret = match file.secret(new) {
            Ok(_) if file.head.protection == Protection::Pkcs8 => continue,
            Ok(secret) => secret,
            Err(_) => file.secret(old)?,
        };
        check_whose(&file, &secret)?;
        opened.push((file, secret));
    }
    for (file, secret) in &opened {
        let mut head = Head::new(&file.head.alg, file.head.created_at, &file.head.purpose);
        head.credential.clone_from(&file.head.credential);
        head.expires_at = file.head.expires_at;
        head.key_id.clone_from(&file.head.key_id);
        head.public.clone_from(&file.head.public);
        let bytes = bytes_of(head, Some(secret), Some((new, entropy)))?;
        disk::write_file_durably(disk, &file.path, &bytes).map_err(OpenError::io("write", &file.path))?;
    }
    Ok(opened.len())
}

/// A signing key that is not the one its line names would be lost under a good name.
fn check_whose(file: &KeyFile, secret: &[u8; 32]) -> Result<(), OpenError> {
    let head = &file.head;
    let is_its_own = match Kind::of_alg(&head.alg) {
        Some(Kind::Ed25519) => head.key_id == Some(SigningKey::from_seed(secret).public().key_id().to_hex()),
        Some(Kind::MlDsa44) => {
            let public = BASE64.encode(MlDsaSigningKey::from_seed(secret).public().as_bytes());
            head.public.as_ref() == Some(&public)
        }
        _ => true,
    };
    if is_its_own { Ok(()) } else { Err(file.wrong("its secret does not belong to its public key")) }
}
