//! What detectors said of the texts of a call, after it had ended: they describe traffic and decide nothing.

use serde::{Deserialize, Serialize};

/// Which text of a call a detector looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrichedSide {
    /// What was asked.
    Prompt,
    /// What was answered.
    Answer,
}

/// Whether a detector looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrichOutcome {
    /// It read the whole text; `labels` says what came of it, and none that nothing did.
    Ran,
    /// It did not; `why` says why. Never to be read as "nothing was found".
    NotRun,
}

/// One thing that a detector found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrichLabel {
    /// What: a language, a topic, a class of personal data; never a word of the text.
    pub label: String,
    /// How often: values of a class, sentences of a kind; 1 where there is nothing to count.
    pub count: u64,
}

/// What one detector said of one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrichment {
    /// Its name in the configuration.
    pub enrichment: String,
    /// Which detector in which version and with which settings, as guards have it.
    pub version: String,
    /// What it looked at.
    pub side: EnrichedSide,
    /// Whether it did.
    pub outcome: EnrichOutcome,
    /// Why it did not: one of our own words, `too_large`, `no_text`, `opaque` and the others of docs/enrichments.md.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
    /// What it found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<EnrichLabel>,
    /// A measure in ten-thousandths, where the detector has one: how sure it is of a language, where between -10000 and 10000 a mood lies, which share of
    /// sentences holds abuse.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub score_per_10000: Option<i64>,
}

/// `call.enriched`: what detectors said of a call that had ended. Parent `authorised`. A call without it was looked at by none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnriched {
    /// Each detector that was for the call, for each text that it is for.
    pub enrichments: Vec<Enrichment>,
}
