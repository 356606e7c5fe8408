//! A service that a guard asks, as an operator writes it down.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tabellion_guard::service::{Analysis, MAX_WORD_CHARS, Service, is_word};

/// Longest that one question may take. Whoever calls waits for it.
pub(crate) const MAX_TIMEOUT_MS: u64 = 60_000;
/// Unless somebody says otherwise: what asks a model of its own takes about a second.
const TIMEOUT_MS: u64 = 2_000;
/// Questions that one service is asked at once, at most and unless somebody says otherwise.
const MAX_AT_ONCE: u32 = 1_024;
const AT_ONCE: u32 = 64;
/// Kinds of personal data that one guard looks for.
const MAX_ENTITIES: usize = 64;
/// From which score on a finding counts, in hundredths, unless somebody says otherwise.
const THRESHOLD_PERCENT: u8 = 50;
const LANGUAGE: &str = "en";

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// In our own form (docs/guards.md).
    Tabellion,
    /// As the analyser of Presidio.
    Presidio,
    /// As a guardrail of `LiteLLM`'s generic interface.
    Litellm,
    /// In our own form over gRPC.
    Grpc,
}

/// What becomes of a call that a service gives no verdict on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It is stopped.
    #[default]
    Deny,
    /// It goes on unseen, and its record says so.
    Flag,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Where it is asked, with its path: `https://host/check`. Over gRPC it has none: `https://host:50051`.
    pub url: String,
    /// How it is spoken to.
    pub shape: Shape,
    /// Its version, as whoever sets it up knows it; records name it. `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 32.
    pub version: String,
    /// Longest that it may take, connecting included.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// How many questions it may be asked at once; one more is an error.
    #[serde(default = "at_once")]
    pub at_once: u32,
    /// What becomes of a call that it gives no verdict on.
    #[serde(default)]
    pub on_error: OnError,
    /// It may be at an address of this machine or of a private network, and without TLS.
    #[serde(default)]
    pub private_network: bool,
    /// Environment variable that holds its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// File that holds its key, alone on its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// File with the certificate authorities (PEM) that alone may vouch for it. Absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Of `presidio`: the kinds that it looks for, as Presidio names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<String>,
    /// Of `presidio`: the language of the texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of `presidio`: from which score on a finding counts, in hundredths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_percent: Option<u8>,
}

fn timeout_ms() -> u64 {
    TIMEOUT_MS
}

fn at_once() -> u32 {
    AT_ONCE
}

impl ServiceConfig {
    /// A service in the public network that stops what it gives no verdict on.
    pub fn new(url: impl Into<String>, shape: Shape, version: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            shape,
            version: version.into(),
            timeout_ms: TIMEOUT_MS,
            at_once: AT_ONCE,
            on_error: OnError::Deny,
            private_network: false,
            key_env: None,
            key_file: None,
            ca_file: None,
            entities: Vec::new(),
            language: None,
            threshold_percent: None,
        }
    }

    /// What asks it; the error says what cannot work.
    pub(crate) fn service(&self) -> Result<Service, String> {
        if !is_word(&self.version) {
            return Err(format!(
                "version {:?} is not of letters, digits and . _ -, at most {MAX_WORD_CHARS}; records name what judged a call by it",
                self.version
            ));
        }
        if !(1..=MAX_TIMEOUT_MS).contains(&self.timeout_ms) {
            return Err(format!("timeout_ms is 1 to {MAX_TIMEOUT_MS}: whoever calls waits for it"));
        }
        if !(1..=MAX_AT_ONCE).contains(&self.at_once) {
            return Err(format!("at_once is 1 to {MAX_AT_ONCE}"));
        }
        match self.shape {
            Shape::Presidio => self.analysis().map(Service::Presidio),
            _ if !self.entities.is_empty() || self.language.is_some() || self.threshold_percent.is_some() => {
                Err("entities, language and threshold_percent are for shape = \"presidio\"; remove them"
                    .to_owned())
            }
            Shape::Tabellion => Ok(Service::Tabellion),
            Shape::Litellm => Ok(Service::LiteLlm),
            Shape::Grpc => Ok(Service::Grpc),
        }
    }

    fn analysis(&self) -> Result<Analysis, String> {
        let is_entity = |name: &String| {
            (1..=MAX_WORD_CHARS).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if self.entities.is_empty()
            || self.entities.len() > MAX_ENTITIES
            || !self.entities.iter().all(is_entity)
        {
            return Err(format!(
                "entities are the kinds to look for, such as [\"IBAN_CODE\", \"CREDIT_CARD\"]: 1 to {MAX_ENTITIES}, of A-Z, 0-9 and _, at most {MAX_WORD_CHARS}"
            ));
        }
        let language = self.language.as_deref().unwrap_or(LANGUAGE);
        if !(2..=3).contains(&language.len()) || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(format!("language {language:?} is no code of a language such as \"en\""));
        }
        let threshold = self.threshold_percent.unwrap_or(THRESHOLD_PERCENT);
        if threshold > 100 {
            return Err("threshold_percent is 0 to 100".to_owned());
        }
        Ok(Analysis::new(language, self.entities.clone(), threshold))
    }
}
