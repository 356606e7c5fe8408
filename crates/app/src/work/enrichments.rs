//! What detectors said of calls: of one, and how often of many.
//!
//! Must never: count a text that nobody looked at, or what was erased, as one without a finding; show what lies outside the reader's reach.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::body::{EnrichLabel, EnrichOutcome, EnrichedSide, Enrichment};
use tabellion_views::query::{
    EnrichedCall, EnrichmentCounts, EnrichmentKey, EnrichmentReport, MAX_ENRICHMENT_GROUPS, SpendFilter,
};

use super::forms::{IdForm, Time};
use super::guards::OutcomesQuery;
use super::windows::check_kinds;
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::Refusal;

/// The window when nobody names one, in days: a month.
const USUAL_DAYS: u64 = 31;
/// What shares are of: hundredths of a per cent.
const WHOLE: u64 = 10_000;

/// One thing that a detector found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnrichmentLabel")]
pub struct Label {
    /// What: a language, a topic, a class of personal data; never a word of the text.
    pub label: String,
    /// How often.
    pub count: u64,
}

/// What one detector said of one text of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrichmentSaid {
    /// Its name in the configuration.
    pub enrichment: String,
    /// Which detector in which version and with which settings.
    pub version: String,
    /// What it looked at.
    #[schemars(extend("enum" = ["prompt", "answer"]))]
    pub side: &'static str,
    /// Whether it looked: `ran` or `not_run`.
    #[schemars(extend("enum" = ["ran", "not_run"]))]
    pub outcome: &'static str,
    /// Why it did not look; null: it did.
    pub why: Option<String>,
    /// What it found; none where it looked: nothing.
    pub labels: Vec<Label>,
    /// Its measure in ten-thousandths, where it has one.
    #[schemars(range(min = -10_000, max = 10_000))]
    pub score_per_10000: Option<i64>,
}

/// How many texts have a label, and which share of those that were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnrichmentShare")]
pub struct Share {
    /// What was found, or why nobody looked.
    pub label: String,
    /// Texts.
    pub texts: u64,
    /// Share of the texts that were looked at; null: none was, or it is why nobody looked.
    #[schemars(range(max = 10_000))]
    pub per_10000: Option<u64>,
}

/// What came of the looks of one detector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnrichmentLooks")]
pub struct Looks {
    /// Its name in the configuration.
    pub enrichment: String,
    /// Which detector in which version and with which settings.
    pub version: String,
    /// What it looked at.
    #[schemars(extend("enum" = ["prompt", "answer"]))]
    pub side: &'static str,
    /// The system whose calls they were; null: none.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// Texts that it looked at.
    pub ran: u64,
    /// Of these, texts in which it found nothing.
    pub nothing: u64,
    /// What it found in how many of them, the most frequent first; a text may have several labels.
    pub labels: Vec<Share>,
    /// Texts that it did not look at, by why; never counted as texts without a finding.
    pub not_run: Vec<Share>,
}

/// What detectors came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrichments {
    /// Where the window begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// Calls that have a record of it in the window; a call without one was looked at by nobody.
    pub calls: u64,
    /// Of these, calls of which what it says was erased.
    pub erased: u64,
    /// By system, detector and side.
    pub enrichments: Vec<Looks>,
}

impl Desk {
    /// What detectors came to on calls within reach.
    pub fn enrichments(&self, actor: &Actor, query: &OutcomesQuery) -> Result<Enrichments, Refusal> {
        let (from, to) = self.window(query.from, query.to, USUAL_DAYS)?;
        let systems = self.systems_asked_for(actor, Permission::ReadCalls, query.system)?;
        let filter = SpendFilter { from: Some(from), to: Some(to), systems };
        let report = self.views.enrichment_report(&filter)?;
        check_kinds(report.groups, MAX_ENRICHMENT_GROUPS)?;
        let EnrichmentReport { calls, erased, enrichments, .. } = report;
        let enrichments = enrichments.into_iter().map(looks).collect();
        Ok(Enrichments { from: Time(from), to: Time(to), calls, erased, enrichments })
    }
}

/// What was said of one call; nothing where nobody looked at it or it was erased.
pub(super) fn said(enriched: Option<&EnrichedCall>) -> Vec<EnrichmentSaid> {
    let body = enriched.and_then(|enriched| enriched.body.as_ref());
    body.map(|body| body.enrichments.iter().map(shown).collect()).unwrap_or_default()
}

fn shown(said: &Enrichment) -> EnrichmentSaid {
    let label = |found: &EnrichLabel| Label { label: found.label.clone(), count: found.count };
    EnrichmentSaid {
        enrichment: said.enrichment.clone(),
        version: said.version.clone(),
        side: side(said.side),
        outcome: match said.outcome {
            EnrichOutcome::Ran => "ran",
            EnrichOutcome::NotRun => "not_run",
        },
        why: said.why.clone(),
        labels: said.labels.iter().map(label).collect(),
        score_per_10000: said.score_per_10000,
    }
}

fn side(side: EnrichedSide) -> &'static str {
    match side {
        EnrichedSide::Prompt => "prompt",
        EnrichedSide::Answer => "answer",
    }
}

fn looks((key, counts): (EnrichmentKey, EnrichmentCounts)) -> Looks {
    let EnrichmentCounts { ran, nothing, labels, not_run } = counts;
    Looks {
        enrichment: key.enrichment,
        version: key.version,
        side: side(key.side),
        system: key.system.map(|system| system.to_hex()),
        ran,
        nothing,
        labels: shares(labels, ran),
        not_run: shares(not_run, 0),
    }
}

/// The most frequent first; shares are of `whole`.
fn shares(counts: BTreeMap<String, u64>, whole: u64) -> Vec<Share> {
    let share = |(label, texts): (String, u64)| Share {
        label,
        texts,
        per_10000: texts.saturating_mul(WHOLE).checked_div(whole),
    };
    let mut shares: Vec<Share> = counts.into_iter().map(share).collect();
    shares.sort_by(|a, b| b.texts.cmp(&a.texts).then_with(|| a.label.cmp(&b.label)));
    shares
}
