//! What placeholders of a call stand for: how far they reach, whether they were given back, what is kept of them, and who asked to see it.

use serde::{Deserialize, Serialize};

use super::{Body as _, CallAuthorised};

/// What the names of fields begin with that hold what a placeholder of a call stands for. Each is in a unit about the person whose value it may be.
pub const ORIGINAL_FIELDS: &str = "original_";

/// How far a placeholder reaches: within it the same value has the same one, and beyond it another. From the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PseudonymScope {
    /// All calls of a system.
    #[default]
    System,
    /// The calls of a system that name the same conversation.
    Conversation,
    /// One attempt of one call.
    Call,
}

impl PseudonymScope {
    /// Every one, the widest first.
    pub const ALL: [Self; 3] = [Self::System, Self::Conversation, Self::Call];

    /// The word that configuration and records say.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Conversation => "conversation",
            Self::Call => "call",
        }
    }

    /// The scope of this [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// How the placeholders of a call were made and what becomes of them, where a rule of masking says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pseudonyms {
    /// How far they reach.
    pub scope: PseudonymScope,
    /// Whether the answer gets the values for them.
    pub given_back: bool,
    /// For how many of them the value is kept, sealed, in fields of their own; none: nothing was to be kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kept: Option<u64>,
    /// Why not: `too_many`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kept_withheld: Option<String>,
}

/// What one placeholder stands for: the value of a field whose name begins with [`ORIGINAL_FIELDS`]. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// The placeholder, as the provider saw it.
    pub placeholder: String,
    /// The class.
    pub class: String,
    /// The value, as it came.
    pub value: String,
}

/// Whether a field of a record of this type holds what a placeholder stands for. It is shown by unmasking alone, whoever may see the rest.
pub fn is_original(record_type: &str, field: &str) -> bool {
    record_type == CallAuthorised::TYPE && field.starts_with(ORIGINAL_FIELDS)
}

/// `masking.unmasked`, stream `unmasking/<id of the record that decided the call>`, its actor the person: they asked to see what placeholders of the call
/// stand for. It is durable before any of it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskingUnmasked {
    /// Why, in their own words.
    pub reason: String,
    /// Which placeholders.
    pub placeholders: Vec<String>,
}
