//! What it takes to use keys that do not lie in the open: a passphrase for encrypted files, a token for keys that are no files.
//!
//! Promises: the passphrase is asked for once, and only when a file needs it. Must never: show a passphrase, in `Debug` or in an error.

use std::sync::{Arc, Mutex, PoisonError};

use tabellion_model::{KeyId, Purpose};
use tabellion_tlog::{PublicKey, Signer};
use zeroize::Zeroizing;

/// Longest passphrase: a line of text, or a key of 4,096 bits in hex.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;
/// Shortest passphrase that something new is encrypted under. What is shorter falls to anyone who has a copy of the file and an afternoon.
pub const MIN_PASSPHRASE_CHARS: usize = 12;

/// A passphrase. Neither printed nor compared; wiped when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase of 1 to [`MAX_PASSPHRASE_BYTES`] bytes without control characters; `None` for anything else.
    pub fn new(text: Zeroizing<String>) -> Option<Self> {
        let plain =
            !text.is_empty() && text.len() <= MAX_PASSPHRASE_BYTES && !text.chars().any(char::is_control);
        plain.then_some(Self(text))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Gives the passphrase, or says in a sentence why there is none and what to do.
pub type AskPassphrase = Box<dyn Fn() -> Result<Passphrase, String> + Send + Sync>;

/// Most bytes of a secret as a token wrapped it: the secret, and what a mechanism adds.
pub const MAX_WRAPPED_BYTES: usize = 256;

/// A secret that a token wrapped, with a key that never leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedSecret {
    /// Which of the token's keys it is.
    pub key: [u8; 16],
    /// What the token made of the secret, at most [`MAX_WRAPPED_BYTES`].
    pub bytes: Vec<u8>,
}

/// A device that makes signing keys and lets none of them out.
pub trait Token: Send + Sync {
    /// Makes an Ed25519 key.
    fn create(&self, purpose: Purpose) -> Result<Arc<dyn Signer>, String>;
    /// The signer of a key that was made there.
    fn signer(&self, key_id: &KeyId, public: &PublicKey) -> Result<Arc<dyn Signer>, String>;
    /// Wraps a secret, with the key of that id or with a new one.
    fn wrap(&self, _key: Option<[u8; 16]>, _secret: &[u8; 32]) -> Result<WrappedSecret, String> {
        Err("the token wraps no keys".to_owned())
    }
    /// The secret that was wrapped there.
    fn unwrap(&self, _wrapped: &WrappedSecret) -> Result<Zeroizing<[u8; 32]>, String> {
        Err("the token wraps no keys".to_owned())
    }
}

/// How the keys of one directory are used. The default knows no passphrase and no token.
#[derive(Clone, Default)]
pub struct KeyAccess {
    ask: Option<Arc<AskPassphrase>>,
    known: Arc<Mutex<Option<Passphrase>>>,
    token: Option<Arc<dyn Token>>,
    pub(super) in_token: Vec<Purpose>,
    /// Whether the vault's next wrapping key is kept under a key of the token.
    pub(super) vault_in_token: bool,
    pub(super) encrypt: bool,
}

impl KeyAccess {
    /// With a way to the passphrase.
    #[must_use]
    pub fn with_passphrase(self, ask: AskPassphrase) -> Self {
        Self { ask: Some(Arc::new(ask)), known: Arc::default(), ..self }
    }

    /// With a token, in which the keys for `purposes` are made from now on.
    #[must_use]
    pub fn with_token(self, token: Arc<dyn Token>, purposes: Vec<Purpose>) -> Self {
        Self { token: Some(token), in_token: purposes, ..self }
    }

    /// With a vault whose next wrapping key is kept under a key of the token, and opens with that alone.
    #[must_use]
    pub fn with_vault_in_token(self) -> Self {
        Self { vault_in_token: true, ..self }
    }

    /// Encrypts every key file that it writes. Without this a directory whose keys are encrypted stays so, and another stays open.
    #[must_use]
    pub fn encrypting(self) -> Self {
        Self { encrypt: true, ..self }
    }

    /// The passphrase, asked for when it is not known yet.
    pub(super) fn passphrase(&self) -> Result<Passphrase, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(passphrase) = known.as_ref() {
            return Ok(passphrase.clone());
        }
        let ask = self.ask.as_ref().ok_or(
            "no passphrase was given. Name where it is: [keys] passphrase_file or passphrase_env, or the systemd credential tabellion-passphrase",
        )?;
        Ok(known.insert(ask()?).clone())
    }

    /// The passphrase, when it is long enough for something new.
    pub(super) fn new_passphrase(&self) -> Result<Passphrase, String> {
        let passphrase = self.passphrase()?;
        if passphrase.0.chars().count() < MIN_PASSPHRASE_CHARS {
            return Err(format!(
                "the passphrase is too short. Choose one of {MIN_PASSPHRASE_CHARS} characters or more: whoever copies the files can try as often as they like"
            ));
        }
        Ok(passphrase)
    }

    /// The token.
    pub(super) fn token(&self) -> Result<&dyn Token, String> {
        self.token
            .as_deref()
            .ok_or_else(|| "no token is configured. Name its module and label: [pkcs11]".to_owned())
    }
}
