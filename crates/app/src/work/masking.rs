//! Rules of masking tried on a text, for whoever writes them.
//!
//! Must never: record, log or keep the text or what becomes of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::SystemId;

use super::Desk;
use super::forms::IdForm;
use crate::refusal::{Code, Refusal};
use crate::running::{Masking, Running};

/// Longest text that is tried, in bytes: a long letter; `tabellion mask text` takes more.
pub const MAX_SAMPLE_BYTES: usize = 64 << 10;

/// A text, and the call it would be of.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The system that would send it; absent: one that no rule names.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// The purpose; absent: one that no rule names.
    #[serde(default)]
    #[schemars(length(min = 1, max = 63))]
    pub purpose: Option<String>,
    /// The provider it would go to, by its name in the configuration; absent: one that no rule names.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub upstream: Option<String>,
    /// The text.
    #[schemars(length(min = 1, max = 65_536))]
    pub text: String,
}

/// Values of one class, and what would become of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewCount {
    /// The class.
    pub class: String,
    /// `pass`, `pseudonymise`, `hash`, `mask`, `drop` or `block`.
    pub operator: String,
    /// How many.
    pub count: u64,
}

/// What would become of a text.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskingPreview {
    /// As it would be sent; the codes of placeholders and digests are `*`. Null: it would not be sent.
    pub sent: Option<String>,
    /// What was found.
    pub found: Vec<PreviewCount>,
    /// Classes for which it would not be sent; none: it would be.
    pub blocked: Vec<String>,
    /// Rules that are for such a call, as `<name>@<version>`; none: the default holds.
    pub rules: Vec<String>,
}

impl Desk {
    /// What the rules make of a text. Nothing is recorded.
    pub fn preview_masking(&self, running: &Running, sample: &Sample) -> Result<MaskingPreview, Refusal> {
        let masking = rules(running)?;
        if sample.text.len() > MAX_SAMPLE_BYTES {
            let what = format!(
                "the text has more than {MAX_SAMPLE_BYTES} bytes; give less of it, or use tabellion mask text"
            );
            return Err(Refusal::at(Code::Malformed, "/text", what));
        }
        let _place = self.place_to_try()?;
        (masking.preview)(sample).map_err(|why| Refusal::at(Code::Malformed, "/text", why))
    }
}

/// The rules, where they can be read.
pub(crate) fn rules(running: &Running) -> Result<&Masking, Refusal> {
    running.masking.as_ref().ok_or_else(|| {
        Refusal::new(
            Code::Unavailable,
            "the rules of masking cannot be read here; the server said at its start why",
        )
    })
}
