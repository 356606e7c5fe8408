//! One key file: a line of JSON that says what the key is, and, where it is encrypted, the secret after it as PEM (docs/formats.md §13.4).
//!
//! Promises: written durably and never over another one, but for the same key under another protection. Must never: let a parser's message, which could
//! quote a secret, out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::access::{KeyAccess, MAX_WRAPPED_BYTES, WrappedSecret};
use super::protected::{self, Kind};
use crate::disk::{self, Disk};
use crate::entropy::Entropy;
use crate::error::OpenError;

/// A line of some 400 bytes and a PEM block of as many; more is not a key file.
pub(super) const MAX_KEY_FILE: u64 = 4096;
pub(super) const FORMAT: &str = "tabellion.key/1";

/// Where the secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protection {
    /// In the line itself.
    None,
    /// After the line, encrypted.
    Pkcs8,
    /// In a token.
    Pkcs11,
}

/// The line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) alg: String,
    pub(super) created_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credential: Option<String>,
    /// Of the key of a backup: when it is destroyed, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<u64>,
    pub(super) format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<String>,
    pub(super) protection: Protection,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) public: Option<String>,
    pub(super) purpose: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Of a secret that a token wrapped: which of its keys opens it, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_key: Option<String>,
    /// What the token made of it, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wrapped: Option<String>,
}

impl Drop for Head {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Head {
    /// Of a key that has no file yet.
    pub(super) fn new(alg: &str, created_at: u64, purpose: &str) -> Self {
        Self {
            alg: alg.to_owned(),
            created_at,
            credential: None,
            expires_at: None,
            format: FORMAT.to_owned(),
            key_id: None,
            protection: Protection::None,
            public: None,
            purpose: purpose.to_owned(),
            secret: None,
            token_key: None,
            wrapped: None,
        }
    }
}

/// A file as it was read.
pub(super) struct KeyFile {
    pub(super) path: String,
    pub(super) head: Head,
    pem: Zeroizing<String>,
}

impl KeyFile {
    /// Reads the file; opens nothing.
    pub(super) fn read(disk: &dyn Disk, path: &str) -> Result<Self, OpenError> {
        let bytes =
            Zeroizing::new(disk::read_all(disk, path, MAX_KEY_FILE).map_err(OpenError::io("read", path))?);
        let not_one = || {
            OpenError::Mismatch(format!(
                "{path} is not a key file of this version. Restore it from your key backup"
            ))
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| not_one())?;
        let (line, pem) = text.split_once('\n').unwrap_or((text, ""));
        let head: Head = serde_json::from_str(line).map_err(|_| not_one())?;
        let whole = head.format == FORMAT
            && head.secret.is_some() == (head.protection == Protection::None)
            && pem.is_empty() == (head.protection != Protection::Pkcs8);
        if !whole {
            return Err(not_one());
        }
        Ok(Self { path: path.to_owned(), pem: Zeroizing::new(pem.to_owned()), head })
    }

    /// The secret, by whatever its protection asks for.
    pub(super) fn secret(&self, access: &KeyAccess) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        let path = &self.path;
        match self.head.protection {
            Protection::None => {
                self.plain().ok_or_else(|| self.wrong("its secret is not 32 bytes of base64"))
            }
            Protection::Pkcs8 => {
                let kind =
                    Kind::of_alg(&self.head.alg).ok_or_else(|| self.wrong("its algorithm is unknown"))?;
                let passphrase = access.passphrase().map_err(|why| {
                    OpenError::Mismatch(format!("the key file {path} is encrypted, and {why}"))
                })?;
                protected::open(kind, &self.pem, &passphrase).ok_or_else(|| {
                    OpenError::Mismatch(format!(
                        "the key file {path} does not open with the passphrase given: the passphrase is wrong, or the file is damaged. Give the right \
                         one, or restore the file from your key backup"
                    ))
                })
            }
            Protection::Pkcs11 => self.unwrapped(access),
        }
    }

    /// What a token wrapped and alone opens.
    fn unwrapped(&self, access: &KeyAccess) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        let wrapped = self.wrapped_secret();
        let wrapped = wrapped.ok_or_else(|| self.wrong("its secret is in a token and cannot be had"))?;
        access.token().and_then(|token| token.unwrap(&wrapped)).map_err(|why| {
            OpenError::Mismatch(format!(
                "the secret of {} opens with a key that is kept in a token, and that cannot be had: {why}. Until it is back no content can be read and nothing \
                 recorded; nothing is lost, and the log can be verified [vault_key_withdrawn]",
                self.path
            ))
        })
    }

    /// What the file says of a secret that a token wrapped.
    pub(super) fn wrapped_secret(&self) -> Option<WrappedSecret> {
        let key = hex::decode(self.head.token_key.as_deref()?).ok()?.try_into().ok()?;
        let bytes = BASE64.decode(self.head.wrapped.as_deref()?).ok()?;
        (bytes.len() <= MAX_WRAPPED_BYTES).then_some(WrappedSecret { key, bytes })
    }

    fn plain(&self) -> Option<Zeroizing<[u8; 32]>> {
        let bytes = Zeroizing::new(BASE64.decode(self.head.secret.as_deref()?).ok()?);
        Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
    }

    /// A file that cannot be used, and why.
    pub(super) fn wrong(&self, what: &str) -> OpenError {
        OpenError::Mismatch(format!(
            "{} is not a usable key file: {what}. Restore it from your key backup",
            self.path
        ))
    }
}

/// The bytes of a file: encrypted when `access` is given, else in the open. The key of a token has no `secret`.
pub(super) fn bytes_of(
    mut head: Head,
    secret: Option<&[u8; 32]>,
    encrypt: Option<(&KeyAccess, &dyn Entropy)>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let cannot = |why: String| OpenError::Mismatch(format!("the {} key cannot be kept: {why}", head.purpose));
    let mut pem = Zeroizing::new(String::new());
    let (protection, plain) = match (secret, encrypt) {
        (None, _) => (Protection::Pkcs11, None),
        (Some(secret), None) => (Protection::None, Some(BASE64.encode(secret))),
        (Some(secret), Some((access, entropy))) => {
            let kind =
                Kind::of_alg(&head.alg).ok_or_else(|| cannot("its algorithm is unknown".to_owned()))?;
            let passphrase = access.new_passphrase().map_err(cannot)?;
            pem = protected::seal(kind, secret, &passphrase, entropy).map_err(cannot)?;
            (Protection::Pkcs8, None)
        }
    };
    head.protection = protection;
    head.secret.zeroize();
    head.secret = plain;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_KEY_FILE).unwrap_or_default()));
    serde_json::to_writer(&mut *bytes, &head).map_err(|error| OpenError::Corrupt(error.to_string()))?;
    bytes.push(b'\n');
    bytes.extend_from_slice(pem.as_bytes());
    Ok(bytes)
}

/// The bytes of a file whose secret `access` has wrapped by its token, with the token's key of that id or with a new one.
pub(super) fn wrapped_bytes_of(
    mut head: Head,
    secret: &[u8; 32],
    access: &KeyAccess,
    key: Option<[u8; 16]>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let wrapped = access.token().and_then(|token| {
        let wrapped = token.wrap(key, secret)?;
        // What the token could not open again would be lost with its first start.
        if *token.unwrap(&wrapped)? == *secret {
            Ok(wrapped)
        } else {
            Err("it opens to another secret".to_owned())
        }
    });
    let wrapped = wrapped.map_err(|why| {
        OpenError::Mismatch(format!(
            "the {} key cannot be kept under a key of the token: {why}",
            head.purpose
        ))
    })?;
    head.token_key = Some(hex::encode(wrapped.key));
    head.wrapped = Some(BASE64.encode(wrapped.bytes));
    bytes_of(head, None, None)
}

/// Writes the file of a key that has none.
pub(super) fn write_new(disk: &dyn Disk, path: &str, bytes: &[u8]) -> Result<(), OpenError> {
    if disk.exists(path).map_err(OpenError::io("look for", path))? {
        return Err(OpenError::Mismatch(format!(
            "{path} exists already; a key file is never replaced. Move it away first"
        )));
    }
    disk::write_file_durably(disk, path, bytes).map_err(OpenError::io("write", path))
}
