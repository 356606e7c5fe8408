//! The sections `[keys]` and `[pkcs11]`: where the passphrase of encrypted key files is, and the token that holds keys instead of files.
//!
//! Promises: names of places alone; a secret written here is refused. Must never: read one (`secret.rs` does, when it is needed).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_ledger::keyring::KeyAccess;
use tabellion_model::Purpose;

use super::Setting;
use super::gateway::is_variable;
use crate::failure::Failure;
use crate::secret::{self, Asked, SecretPlace};
use crate::token::Pkcs11Token;

/// Keys of `[keys]`.
pub(super) const PASSPHRASE_KEYS: &[&str] = &["passphrase_file", "passphrase_env", "passphrase_credential"];
/// Keys of `[pkcs11]`.
pub(super) const TOKEN_KEYS: &[&str] =
    &["module", "token", "pin_file", "pin_env", "pin_credential", "purposes"];

/// The word of `purposes` for the vault's wrapping key, which signs nothing.
const VAULT: &str = "vault";

/// How the installation comes to its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeySettings {
    /// Where the passphrase is; `None`: a default credential, or the terminal.
    passphrase: Option<SecretPlace>,
    token: TokenSettings,
}

/// A PKCS#11 token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TokenSettings {
    /// The vendor's library.
    pub(crate) module: Option<PathBuf>,
    /// The token's label.
    pub(crate) label: String,
    /// Where its PIN is.
    pub(crate) pin: Option<SecretPlace>,
    /// Whose new keys are made in it.
    pub(crate) purposes: Option<Vec<Purpose>>,
    /// Whether the vault's wrapping key is kept under a key of it.
    pub(crate) vault: bool,
}

impl KeySettings {
    /// The library that speaks to the token: code that this program runs.
    pub(crate) fn module(&self) -> Option<&Path> {
        self.token.module.as_deref()
    }

    /// How keys are used under these settings.
    pub(crate) fn access(&self, asked: Asked) -> KeyAccess {
        let place = self.passphrase.clone();
        let access =
            KeyAccess::default().with_passphrase(Box::new(move || secret::passphrase(place.as_ref(), asked)));
        if self.token.module.is_none() {
            return access;
        }
        let purposes = self.token.purposes.clone().unwrap_or_else(|| vec![Purpose::Log]);
        let access = access.with_token(Arc::new(Pkcs11Token::new(self.token.clone())), purposes);
        if self.token.vault { access.with_vault_in_token() } else { access }
    }

    /// The same with the passphrase elsewhere.
    pub(crate) fn with_passphrase_at(&self, place: SecretPlace) -> Self {
        Self { passphrase: Some(place), ..self.clone() }
    }

    /// One key of the two sections. A later place takes the place of an earlier one.
    pub(super) fn apply(&mut self, setting: &Setting) -> Result<(), Failure> {
        let value = setting.value.as_str();
        if value.is_empty() {
            return Err(setting.refused("is empty; leave it out or name what it stands for"));
        }
        match (setting.section.as_str(), setting.key.as_str()) {
            ("keys", key) if key.starts_with("passphrase_") => self.passphrase = Some(place(setting)?),
            ("pkcs11", key) if key.starts_with("pin_") => self.token.pin = Some(place(setting)?),
            ("pkcs11", "module") => self.token.module = Some(PathBuf::from(value)),
            ("pkcs11", "token") => value.clone_into(&mut self.token.label),
            ("pkcs11", "purposes") => {
                let words: Vec<&str> = value.split(',').map(str::trim).collect();
                let signing = words.iter().filter(|word| **word != VAULT).map(|word| Purpose::parse(word));
                self.token.purposes = Some(signing.collect::<Option<Vec<_>>>().ok_or_else(|| {
                    setting.refused("names something else than root, log, writer, package, actor, vault")
                })?);
                self.token.vault = words.contains(&VAULT);
            }
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    /// For the record: the places, never what they hold; `None` where nothing is set.
    pub(super) fn effective(&self) -> Option<(Value, Value)> {
        if *self == Self::default() {
            return None;
        }
        let purposes = self.token.purposes.iter().flatten().map(|purpose| purpose.as_str());
        let purposes = purposes.chain(self.token.vault.then_some(VAULT));
        let token = json!({
            "module": self.token.module,
            "pin": self.token.pin.as_ref().map(named),
            "purposes": purposes.collect::<Vec<_>>(),
            "token": self.token.label,
        });
        Some((json!({ "passphrase": self.passphrase.as_ref().map(named) }), token))
    }

    /// The lines of a configuration file that say the same about the passphrase; `None` where no place is set.
    pub(crate) fn passphrase_line(&self) -> Option<String> {
        let (key, value) = match self.passphrase.as_ref()? {
            SecretPlace::File(path) => ("passphrase_file", path.display().to_string()),
            SecretPlace::Variable(name) => ("passphrase_env", name.clone()),
            SecretPlace::Credential(name) => ("passphrase_credential", name.clone()),
        };
        Some(format!("{key} = {}", toml::Value::String(value)))
    }
}

/// A place as it is named on record.
fn named(place: &SecretPlace) -> Value {
    match place {
        SecretPlace::File(path) => json!({ "file": path }),
        SecretPlace::Variable(name) => json!({ "env": name }),
        SecretPlace::Credential(name) => json!({ "credential": name }),
    }
}

fn place(setting: &Setting) -> Result<SecretPlace, Failure> {
    let value = setting.value.as_str();
    let is_file_name = |name: &str| !name.contains('/') && name != "." && name != "..";
    match setting.key.rsplit_once('_').map(|(_, kind)| kind) {
        Some("file") => Ok(SecretPlace::File(PathBuf::from(value))),
        // What has not the form of a name may be the secret itself.
        Some("env") if is_variable(value) => Ok(SecretPlace::Variable(value.to_owned())),
        Some("env") => Err(setting.refused_unseen("is not the name of a variable such as NOTARY_PASSPHRASE")),
        Some("credential") if is_file_name(value) => Ok(SecretPlace::Credential(value.to_owned())),
        Some("credential") => {
            Err(setting.refused_unseen("is not the name of a credential such as tabellion-passphrase"))
        }
        _ => Err(setting.unknown()),
    }
}
