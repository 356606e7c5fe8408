//! Small forms that requests and answers share, each with the schema that is published and enforced.
//!
//! Promises: what deserialises fits its schema. Must never: accept two spellings of one value.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tabellion_model::body::{Capture, Role, SystemStage};
use tabellion_model::register::MAX_LINE_CHARS;
use tabellion_model::{Micros, text};

use super::Written;
use super::prose::Prose;

/// Longest free text (descriptions, reasons), in characters: a paragraph.
pub const MAX_TEXT_CHARS: u32 = 2000;

macro_rules! schema_only {
    ($($(#[$doc:meta])* $name:ident $title:literal = $schema:tt;)*) => {
        $($(#[$doc])*
        pub(crate) struct $name;
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { $title.into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema { json_schema!($schema) }
        })*
    };
}

schema_only! {
    /// 32 lower-case hex digits.
    IdForm "Id" = {"type": "string", "pattern": "^[0-9a-f]{32}$", "minLength": 32, "maxLength": 32, "description": "An id: 32 lower-case hex digits."};
    /// A SHA-256.
    DigestForm "Sha256" = {"type": "string", "pattern": "^[0-9a-f]{64}$", "minLength": 64, "maxLength": 64, "description": "A SHA-256: 64 lower-case hex digits."};
    /// A role.
    RoleForm "Role" = {"type": "string", "enum": ["administrator", "developer", "governance_engineer", "compliance_officer", "business_owner", "approver", "auditor"], "description": "What a person may be."};
    /// A stage.
    StageForm "Stage" = {"type": "string", "enum": ["draft", "live", "paused", "retired"], "description": "Where a system stands; only live systems may call."};
    /// What is captured.
    CaptureForm "Capture" = {"type": "string", "enum": ["none", "masked_prompt", "masked_answer", "masked"], "description": "How much of prompts and answers is kept: nothing but digests and counts, what the provider saw, what it answered, or both."};
    /// A clause or control.
    ReferenceForm "ClauseOrControl" = {"type": "string", "pattern": "^(A\\.)?[0-9]{1,2}(\\.[0-9]{1,2}){1,3}$", "minLength": 3, "maxLength": 8, "description": "A leaf clause or a control of ISO/IEC 42001, such as 8.4 or A.6.2.8."};
    /// What is evidenced.
    OverallForm "Evidenced" = {"type": "string", "enum": ["gap", "partial", "covered", "not_applicable"], "description": "What is evidenced; says nothing of conformity."};
    /// How a part stands.
    MarkForm "Mark" = {"type": "string", "enum": ["missing", "short", "holds", "not_asked"], "description": "How one part of a status stands."};
    /// A part of a status.
    PartForm "StatusPart" = {"type": "string", "enum": ["design", "population", "operation", "sample", "integrity", "findings"], "description": "A part of a status; the whole is never better than the worst."};
    /// What to know beside a status.
    QualifierForm "Qualifier" = {"type": "string", "enum": ["not_exercised", "inherited", "attested_only", "sample_due", "not_reconciled", "integrity_failed", "exclusion_stale", "no_source", "overdue"], "description": "What to know beside a status."};
    /// Where to look or act.
    TargetForm "Target" = {"type": "object", "properties": {"at": {"type": "string", "enum": ["calls", "systems", "system", "register", "people", "policies", "control", "applicability", "ledger"]}, "system": {"type": "string"}, "register": {"type": "string"}, "reference": {"type": "string"}}, "required": ["at"], "additionalProperties": false, "description": "Where the records behind a reason are, or where somebody can act."};
    /// What was decided of a control.
    ApplicabilityForm "Applicability" = {"type": "string", "enum": ["applied", "excluded", "inherited"], "description": "Whether a control applies; inherited: another party carries it out."};
    /// A currency.
    CurrencyForm "Currency" = {"type": "string", "pattern": "^[A-Z]{3}$", "minLength": 3, "maxLength": 3, "description": "A currency by its three letters (ISO 4217)."};
    /// The name of a policy.
    PolicyNameForm "PolicyName" = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$", "minLength": 1, "maxLength": 63, "description": "The name of a policy."};
}

/// A time, RFC 3339 in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Micros);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Micros::parse_date(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A time as in RFC 3339 with at most microseconds, years 1970 to 9999; a day alone, YYYY-MM-DD, is its midnight in UTC."
        })
    }
}

/// A short word such as `loan-support`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Word(String);

impl Word {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a word.
    pub fn new(text: &str) -> Option<Self> {
        Self::fits(text).then(|| Self(text.to_owned()))
    }

    /// Whether `text` is one.
    pub fn fits(text: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        (1..=63).contains(&text.len())
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|byte| plain(byte) || byte == b'-')
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if Self::fits(&text) {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom(
            "a short word has 1 to 63 lower-case letters, digits and hyphens, the first no hyphen",
        ))
    }
}

impl JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9][a-z0-9-]{0,62}$",
            "minLength": 1,
            "maxLength": 63,
            "description": "A short word such as loan-support."
        })
    }
}

/// A name that fits on one line: 1 to 200 characters, none of them a control character, something of it to be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line(String);

impl Line {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a line.
    pub fn new(text: &str) -> Option<Self> {
        text::fault(text, MAX_LINE_CHARS, false).is_none().then(|| Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "it has to fit on one line: 1 to 200 characters, no control characters or marks that turn the direction of reading, and something of it to be seen",
            )
        })
    }
}

impl JsonSchema for Line {
    fn schema_name() -> Cow<'static, str> {
        "Line".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$",
            "description": "A text of one line, not only white space."
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something is done, for the reader of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why.
    pub reason: Prose,
}

/// Where something was recorded: the handle of its receipt and proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Index of the entry: `/api/v1/entries/{index}`.
    pub index: u64,
    /// Id of the record.
    #[schemars(with = "IdForm")]
    pub record_id: String,
}

/// A change and where it was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Index of the entry: `/api/v1/entries/{index}`.
    pub index: u64,
    /// Id of the record.
    #[schemars(with = "IdForm")]
    pub record_id: String,
    /// Log size of the checkpoint that covers it.
    pub size: u64,
    /// Whether an earlier request with the same idempotency key had recorded it.
    pub repeated: bool,
}

impl From<&Written> for Recorded {
    fn from(written: &Written) -> Self {
        Self {
            index: written.index,
            record_id: written.record_id.to_hex(),
            size: written.size,
            repeated: written.repeated,
        }
    }
}

/// The word of a stage.
pub fn stage_word(stage: SystemStage) -> &'static str {
    match stage {
        SystemStage::Draft => "draft",
        SystemStage::Live => "live",
        SystemStage::Paused => "paused",
        SystemStage::Retired => "retired",
    }
}

/// A role by its word.
pub fn role_of(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == word)
}

/// The word of what is captured.
pub fn capture_word(capture: Capture) -> &'static str {
    match capture {
        Capture::None => "none",
        Capture::Masked => "masked",
        Capture::MaskedPrompt => "masked_prompt",
        Capture::MaskedAnswer => "masked_answer",
    }
}
