//! What runs beside the control plane, as the program tells it: providers of the gateway with their circuits, and rules of masking.
//!
//! Promises: read only; what is shown is of the configuration that the process started with, and of its state now. Must never: hold a key of a provider, or
//! where one is kept.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::work::forms::Time;
use crate::work::masking::{MaskingPreview, Sample};

/// Every provider, as it stands now.
pub type ProvidersNow = Arc<dyn Fn() -> Vec<Provider> + Send + Sync>;
/// What rules of masking make of a text; the error says why they make nothing of it. Keeps neither.
pub type TryMasking = Arc<dyn Fn(&Sample) -> Result<MaskingPreview, String> + Send + Sync>;

/// What runs beside the control plane.
#[derive(Clone, Default)]
pub struct Running {
    /// Providers of the gateway; none: no gateway runs in this process.
    pub providers: Option<ProvidersNow>,
    /// Rules of masking; none: they cannot be read.
    pub masking: Option<Masking>,
}

/// Rules of masking, and the way to try them.
#[derive(Clone)]
pub struct Masking {
    /// What they say.
    pub rules: MaskingRules,
    /// Tries them.
    pub preview: TryMasking,
}

/// A provider of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in the configuration.
    pub name: String,
    /// Whose interface it has.
    #[schemars(extend("enum" = ["openai", "anthropic", "gemini", "vertex", "bedrock"]))]
    pub interface: &'static str,
    /// The host that calls are sent to.
    pub host: String,
    /// Where it processes, as declared; null: not declared.
    pub region: Option<String>,
    /// For how many days it keeps what it was sent, as declared; null: not declared.
    pub retention_days: Option<u64>,
    /// Whether it trains on it, as declared: `no`, `yes` or `unknown`.
    pub training: String,
    /// Where that is written.
    pub terms: Option<String>,
    /// The day on which somebody last read it there.
    pub terms_seen: Option<String>,
    /// Models it serves, as the configuration has them.
    pub models: Vec<String>,
    /// Own names of its models.
    pub aliases: Vec<Alias>,
    /// Models that are asked when one of its own fails.
    pub fallback: Vec<Fallback>,
    /// How often a call is sent to it again.
    pub retries: u64,
    /// Whether calls are sent to it now.
    pub circuit: Circuit,
}

/// An own name of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelAlias")]
pub struct Alias {
    /// The name.
    pub name: String,
    /// The model, as its provider is given it.
    pub model: String,
}

/// What is asked when a model fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelFallback")]
pub struct Fallback {
    /// The model, as it stands in the configuration.
    pub model: String,
    /// The models that are asked then, in order.
    pub then: Vec<String>,
}

/// Whether calls are sent to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Circuit {
    /// Whether nothing is sent to it, but for one call at a time that tries.
    pub open: bool,
    /// Failures in a row that are counted now, while it is closed.
    pub failures: u64,
    /// As many failures open it; 0: it never opens.
    pub opens_at: u64,
    /// Since when it is open.
    pub since: Option<Time>,
    /// From when on a call may try.
    pub until: Option<Time>,
    /// Calls that tried since.
    pub trials: u64,
    /// Requests that were not sent since.
    pub not_sent: u64,
}

/// Rules of masking as they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskingRules {
    /// Classes that get a placeholder where no rule says otherwise.
    pub usual: Vec<String>,
    /// The rules, in the order of the configuration.
    pub rules: Vec<MaskingRule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskingRule {
    /// Its name in records.
    pub name: String,
    /// Another one when what it says is another.
    pub version: String,
    /// What it treats: `prompt`, what is sent; `answer`, what a model brings up itself; or both.
    pub on: Vec<String>,
    /// Ids of the systems it is for; none: all.
    pub systems: Vec<String>,
    /// Purposes it is for; none: all.
    pub purposes: Vec<String>,
    /// Providers it is for; none: all.
    pub upstreams: Vec<String>,
    /// What becomes of which class.
    pub classes: Vec<ClassRule>,
    /// What it says of placeholders; null: nothing, and other rules or the default hold.
    pub placeholders: Option<PlaceholderRule>,
}

/// What a rule says of placeholders; what it does not say is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MaskingPlaceholders")]
pub struct PlaceholderRule {
    /// Within what one value has one placeholder: `system`, `conversation` or `call`.
    pub scope: Option<String>,
    /// Whether answers get the values: `always` or `never`.
    pub rehydrate: Option<String>,
    /// Whether records keep what placeholders stand for.
    pub keep: Option<bool>,
    /// Which generation of keys they derive from.
    pub generation: Option<u32>,
}

/// What becomes of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MaskingClass")]
pub struct ClassRule {
    /// The class.
    pub class: String,
    /// `pass`, `pseudonymise`, `hash`, `mask`, `drop` or `block`.
    pub operator: String,
}
