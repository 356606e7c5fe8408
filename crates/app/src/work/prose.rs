//! Why something is done: text for the reader of the history.
//!
//! Promises: somebody can read something in it, and it holds nothing that hides or turns what stands beside it; the same check as a register's text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tabellion_model::text;

use super::forms::MAX_TEXT_CHARS;

/// A paragraph: 1 to [`MAX_TEXT_CHARS`] characters, at least one of which can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prose(String);

impl Prose {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, for a record.
    pub fn to_text(&self) -> String {
        self.0.clone()
    }
}

impl<'de> Deserialize<'de> for Prose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text::fault(&text, u64::from(MAX_TEXT_CHARS), true) {
            None => Ok(Self(text)),
            Some(fault) => Err(D::Error::custom(fault)),
        }
    }
}

impl JsonSchema for Prose {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Prose".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARS, "pattern": "[^\\s\\u200b-\\u200f\\u2060-\\u206f\\u00ad]"})
    }
}

/// Reads a text that may be empty, and otherwise is [`Prose`].
pub(super) fn or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text::fault(&text, u64::from(MAX_TEXT_CHARS), true) {
        Some(fault) if !text.is_empty() => Err(D::Error::custom(fault)),
        _ => Ok(text),
    }
}
