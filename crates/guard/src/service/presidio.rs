//! Presidio's analyser (`POST /analyze`): one text, the kinds of personal data to look for, and what it found of them.
//!
//! Where it may have texts changed, each range that it found gives way to the name of its kind in angle brackets; of ranges that overlap, as Presidio's often do, all
//! of it gives way to the kind with the highest score.
//!
//! Texts of one question are joined, each on lines of its own. Many questions together are a list of such texts, which is answered by as many lists of findings
//! (since <https://github.com/microsoft/presidio/pull/1806>; older versions take one text alone).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::findings::MAX_LABELS;
use crate::service::{EditFault, Fault, Question, Ruling, TextEdit, Verdict, written};

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
struct Asked<'a, T> {
    text: T,
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
        self.asked(question.texts.join(BETWEEN))
    }

    pub(super) fn ask_batch(&self, questions: &[Question<'_>]) -> Vec<u8> {
        let texts: Vec<String> = questions.iter().map(|question| question.texts.join(BETWEEN)).collect();
        self.asked(texts)
    }

    fn asked(&self, text: impl Serialize) -> Vec<u8> {
        let (language, entities) = (&self.language, &self.entities);
        written(&Asked { text, language, score_threshold: self.threshold(), entities })
    }

    pub(super) fn read(&self, question: &Question<'_>, answer: &[u8]) -> Result<Verdict, Fault> {
        let findings: Vec<Finding> = serde_json::from_slice(answer).map_err(|_| Fault::Malformed)?;
        self.judge(question, &findings)
    }

    pub(super) fn read_batch(
        &self,
        questions: &[Question<'_>],
        answer: &[u8],
    ) -> Result<Vec<Verdict>, Fault> {
        let all: Vec<Vec<Finding>> = serde_json::from_slice(answer).map_err(|_| Fault::Malformed)?;
        if all.len() != questions.len() {
            return Err(Fault::Miscounted);
        }
        questions.iter().zip(&all).map(|(question, findings)| self.judge(question, findings)).collect()
    }

    fn judge(&self, question: &Question<'_>, findings: &[Finding]) -> Result<Verdict, Fault> {
        let texts = question.texts.iter().map(|text| text.chars().count() as u64);
        let between = BETWEEN.len() as u64 * (question.texts.len() as u64).saturating_sub(1);
        let chars = texts.sum::<u64>() + between;
        let mut found = BTreeSet::new();
        let mut spans: Vec<Span<'_>> = Vec::new();
        for finding in findings {
            let is_finding =
                finding.start <= finding.end && finding.end <= chars && (0.0..=1.0).contains(&finding.score);
            if !is_finding {
                return Err(Fault::Malformed);
            }
            // Only what was asked for can become a label, so an answer cannot write its own.
            let asked_for = self.entities.iter().find(|entity| **entity == finding.entity_type);
            let counts = asked_for.filter(|_| finding.score >= self.threshold());
            found.extend(counts.cloned());
            let (start, end, score) = (finding.start, finding.end, finding.score);
            spans.extend(counts.map(|kind| Span { start, end, score, kind }));
        }
        let labels = || found.iter().take(MAX_LABELS).cloned().collect();
        if found.is_empty() {
            return Ok(Verdict::of(Ruling::Pass, Vec::new()));
        }
        if !question.may_edit || spans.iter().any(|span| span.start == span.end) {
            // What has no length cannot be taken away.
            return Ok(Verdict::of(Ruling::Block, labels()));
        }
        let edits = edits(question.texts, &apart(spans))?;
        Ok(Verdict::of(Ruling::Flag, labels()).with_edits(edits))
    }
}

/// What counts of a finding, in characters of what was asked about.
struct Span<'a> {
    start: u64,
    end: u64,
    score: f64,
    kind: &'a str,
}

/// The same in order, those that overlap as one: of the kind with the highest score, and of these the one that begins first.
fn apart(mut spans: Vec<Span<'_>>) -> Vec<Span<'_>> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut apart: Vec<Span<'_>> = Vec::new();
    for span in spans {
        match apart.last_mut().filter(|last| span.start < last.end) {
            Some(last) => {
                last.end = last.end.max(span.end);
                if span.score > last.score {
                    (last.score, last.kind) = (span.score, span.kind);
                }
            }
            None => apart.push(span),
        }
    }
    apart
}

/// Edits that put a kind in place of each span; the error says that one does not lie within a text.
fn edits(texts: &[&str], spans: &[Span<'_>]) -> Result<Vec<TextEdit>, Fault> {
    let mut edits = Vec::with_capacity(spans.len());
    let mut left = spans;
    let mut before = 0_u64;
    for (number, text) in texts.iter().enumerate() {
        let end = before + text.chars().count() as u64;
        let (within, rest) = left.split_at(left.partition_point(|span| span.start < end));
        left = rest;
        if within.iter().any(|span| span.start < before || span.end > end) {
            return Err(Fault::Edit(EditFault::Range));
        }
        let borders = within.iter().flat_map(|span| [span.start - before, span.end - before]);
        let places = bytes_of(text, borders);
        for (span, place) in within.iter().zip(places.chunks_exact(2)) {
            let [start, end] = *place else { continue };
            let (replacement, label) = (format!("<{}>", span.kind), span.kind.to_owned());
            edits.push(TextEdit { text: number, range: start..end, replacement, label });
        }
        before = end + BETWEEN.len() as u64;
    }
    // One that begins between two texts, or behind them all, is in none.
    if edits.len() == spans.len() { Ok(edits) } else { Err(Fault::Edit(EditFault::Range)) }
}

/// Where these characters of a text stand in its bytes; they come in order.
fn bytes_of(text: &str, chars: impl Iterator<Item = u64>) -> Vec<usize> {
    let mut chars = chars.peekable();
    let mut places = Vec::new();
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    for (number, at) in (0_u64..).zip(starts) {
        while chars.next_if_eq(&number).is_some() {
            places.push(at);
        }
    }
    places
}
