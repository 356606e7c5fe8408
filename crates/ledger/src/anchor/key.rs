//! Keys that anchors sign with: files of an operator's own naming, one line of 64 hex digits.
//!
//! Promises: a key file is used only when nobody else may read it; a file that is there is never replaced; a path that is wrong is an error and makes no new
//! key. Must never: show a secret.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use k256::ecdsa::SigningKey as EvmSigningKey;
use tabellion_tlog::anchor::evm::{Transaction, keccak256};
use tabellion_tlog::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// A line of 64 digits, its end, and room to notice more.
const MAX_FILE_BYTES: u64 = 128;

/// Why a key file cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum AnchorKeyError {
    /// A file operation failed.
    #[error("the anchor's key file {path} cannot be {action}: {source}. {hint}")]
    Io {
        /// The file.
        path: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// Others may read it.
    #[error("the anchor's key file {0} can be read by others; make it private: chmod 600 {0}")]
    Open(String),
    /// Not a key.
    #[error("the anchor's key file {0} is not one line of 64 hex digits that make a key")]
    Form(String),
}

/// Makes a key file that does not exist yet.
pub fn new_anchor_key(path: &Path, entropy: &dyn Entropy) -> Result<(), AnchorKeyError> {
    let failed = |source| AnchorKeyError::Io {
        path: path.display().to_string(),
        action: "made",
        source,
        hint: "A key that exists is never replaced: name another file",
    };
    let mut secret = Zeroizing::new([0; 32]);
    entropy.fill(secret.as_mut()).map_err(failed)?;
    let line = Zeroizing::new(format!("{}\n", hex::encode(secret.as_ref())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn read(path: &Path) -> Result<Zeroizing<[u8; 32]>, AnchorKeyError> {
    let name = path.display().to_string();
    let failed = |source| AnchorKeyError::Io {
        path: path.display().to_string(),
        action: "read",
        source,
        hint: "Correct key_file, or make a key there: tabellion anchor key --out FILE",
    };
    let facts = fs::metadata(path).map_err(failed)?;
    if facts.permissions().mode() & 0o077 != 0 {
        return Err(AnchorKeyError::Open(name));
    }
    let mut text = Zeroizing::new(String::new());
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
        .map_err(failed)?;
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), secret.as_mut()).map_err(|_| AnchorKeyError::Form(name))?;
    Ok(secret)
}

/// An Ed25519 key for data items.
pub struct Ed25519AnchorKey(SigningKey);

impl Ed25519AnchorKey {
    /// From its file.
    pub fn load(path: &Path) -> Result<Self, AnchorKeyError> {
        Ok(Self(SigningKey::from_seed(&*read(path)?)))
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        *self.0.public().as_bytes()
    }

    pub(super) fn signer(&self) -> &dyn Signer {
        &self.0
    }
}

/// A secp256k1 key for transactions.
pub struct EvmKey(EvmSigningKey);

impl EvmKey {
    /// From its file.
    pub fn load(path: &Path) -> Result<Self, AnchorKeyError> {
        let secret = read(path)?;
        EvmSigningKey::from_slice(secret.as_ref())
            .map(Self)
            .map_err(|_| AnchorKeyError::Form(path.display().to_string()))
    }

    /// The account: the last 20 bytes of Keccak-256 of the public key.
    pub fn address(&self) -> [u8; 20] {
        let point = self.0.verifying_key().to_sec1_point(false);
        let hash = keccak256(point.as_bytes().get(1..).unwrap_or_default());
        let (_, address) = hash.split_last_chunk::<20>().unwrap_or((&[], &[0; 20]));
        *address
    }

    /// The signed transaction.
    pub(super) fn sign(&self, transaction: &Transaction) -> Vec<u8> {
        let (signature, recovery) = self.0.sign_prehash_recoverable(&transaction.signing_hash());
        let (r, s) = signature.split_bytes();
        transaction.signed(recovery.is_y_odd(), &r.into(), &s.into())
    }
}
