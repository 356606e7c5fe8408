//! An enrichment as an operator writes it down.

use serde::{Deserialize, Serialize};

use crate::guards::config::{Side, TopicConfig, sides_fault};
use crate::guards::outside::config::{OnError, ServiceConfig};

/// What a detector tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// In which language a text is written.
    Language,
    /// Whether it speaks well or ill of things: a heuristic, in English.
    Sentiment,
    /// Insults, threats and the like: a heuristic, in English.
    Toxicity,
    /// Which topics it is about, by their terms.
    Topic,
    /// How many values of personal data of which class masking found.
    Pii,
    /// What a service of somebody else's says, which is asked over HTTP.
    Http,
}

/// One enrichment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrichConfig {
    /// Its name in records: `[a-z0-9-]`, at most 64.
    pub name: String,
    /// What it tells.
    pub kind: Kind,
    /// What it looks at.
    #[serde(default = "both")]
    pub on: Vec<Side>,
    /// Ids of the systems it is for; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
    /// Purposes it is for; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// Of `topic`: the topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicConfig>,
    /// Of `http`: who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceConfig>,
}

fn both() -> Vec<Side> {
    vec![Side::Prompt, Side::Answer]
}

impl EnrichConfig {
    /// An enrichment of this name and kind over prompts and answers of all calls.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            on: both(),
            systems: Vec::new(),
            purposes: Vec::new(),
            topics: Vec::new(),
            service: None,
        }
    }

    /// What is set that its kind does not have, or missing that it needs.
    pub(crate) fn misfit(&self) -> Option<&'static str> {
        if self.topics.is_empty() == (self.kind == Kind::Topic) {
            return Some("kind topic takes topics, and no other kind does");
        }
        if self.service.is_some() != (self.kind == Kind::Http) {
            return Some(
                "kind http takes a service: url, shape and version; no other kind takes any of its settings",
            );
        }
        if self.service.as_ref().is_some_and(|service| service.on_error != OnError::Deny) {
            return Some(
                "on_error is for guards: no call waits for an enrichment, so there is nothing to deny; remove it",
            );
        }
        sides_fault(&self.on)
    }
}
