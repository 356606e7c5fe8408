//! Presidio's analyser (`POST /analyze`): one text, the kinds of personal data to look for, and what it found of them.
//!
//! Texts are joined, each on lines of its own, since older versions take one text alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::findings::MAX_LABELS;
use crate::service::{Fault, Question, Ruling, Verdict, written};

/// Between two texts.
const BETWEEN: &str = "\n";

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    language: String,
    entities: Vec<String>,
    threshold_percent: u8,
}

#[derive(Serialize)]
struct Asked<'a> {
    text: &'a str,
    language: &'a str,
    score_threshold: f64,
    entities: &'a [String],
}

/// One finding. Versions differ in what else they tell.
#[derive(Deserialize)]
struct Finding {
    entity_type: String,
    start: u64,
    end: u64,
    score: f64,
}

impl Analysis {
    /// Looks for `entities` in a text of this language; a finding counts from this score on, in hundredths.
    pub fn new(language: impl Into<String>, entities: Vec<String>, threshold_percent: u8) -> Self {
        Self { language: language.into(), entities, threshold_percent }
    }

    fn threshold(&self) -> f64 {
        f64::from(self.threshold_percent) / 100.0
    }

    pub(super) fn ask(&self, question: &Question<'_>) -> Vec<u8> {
        written(&Asked {
            text: &question.texts.join(BETWEEN),
            language: &self.language,
            score_threshold: self.threshold(),
            entities: &self.entities,
        })
    }

    pub(super) fn read(&self, question: &Question<'_>, answer: &[u8]) -> Result<Verdict, Fault> {
        let findings: Vec<Finding> = serde_json::from_slice(answer).map_err(|_| Fault::Malformed)?;
        let texts = question.texts.iter().map(|text| text.chars().count() as u64);
        let between = BETWEEN.len() as u64 * (question.texts.len() as u64).saturating_sub(1);
        let chars = texts.sum::<u64>() + between;
        let mut found = BTreeSet::new();
        for finding in &findings {
            let is_finding =
                finding.start <= finding.end && finding.end <= chars && (0.0..=1.0).contains(&finding.score);
            if !is_finding {
                return Err(Fault::Malformed);
            }
            // Only what was asked for can become a label, so an answer cannot write its own.
            let asked_for = self.entities.iter().find(|entity| **entity == finding.entity_type);
            found.extend(asked_for.filter(|_| finding.score >= self.threshold()).cloned());
        }
        let ruling = if found.is_empty() { Ruling::Pass } else { Ruling::Block };
        Ok(Verdict::of(ruling, found.into_iter().take(MAX_LABELS).collect()))
    }
}
