//! `POST /anonymize`: a text with something else in the place of what was found in it, by whomever.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::decide::Refusal;
use crate::words::UNRECOGNISED;

use super::conflicts::{Span, resolved};
use super::letters::Letters;
use super::operators::{MakeSalt, Operator, Written};
use super::reading::{Form, check_text, request};
use super::{Counts, Done, JSON, MAX_FINDINGS, entities, malformed, too_large};

/// Most bytes of all that takes the place of values: findings that overlap, and texts that replace, could make very much of little.
const MAX_WRITTEN_BYTES: usize = 4 << 20;
/// Longest name of an entity.
const MAX_ENTITY_BYTES: usize = 128;
/// Most operators.
const MAX_OPERATORS: usize = 1024;
/// Which operator is for what has none of its own.
const DEFAULT: &str = "DEFAULT";
const FORM: Form = Form {
    members: &["text", "anonymizers", "analyzer_results"],
    wanted: "this is no request of Presidio's /anonymize: text is a text; analyzer_results is an array of objects with start, end, score and entity_type; anonymizers has an object with a type, and with nothing but what that type takes, for each entity or DEFAULT",
};

/// A request.
#[derive(Deserialize)]
struct Asked {
    text: String,
    anonymizers: Option<BTreeMap<String, Written>>,
    analyzer_results: Vec<Found>,
}

/// A finding of whoever looked. What else it says, such as why, is not needed.
#[derive(Deserialize)]
struct Found {
    start: usize,
    end: usize,
    score: f64,
    entity_type: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    text: String,
    items: Vec<Item<'a>>,
}

/// One replacement, where it stands in the new text.
#[derive(Serialize)]
struct Item<'a> {
    start: usize,
    end: usize,
    entity_type: &'a str,
    text: Cow<'a, str>,
    operator: &'static str,
    score: f64,
}

/// Answers a request.
pub(super) fn anonymize(body: &[u8], salt: MakeSalt<'_>) -> Result<Done, Refusal> {
    let asked: Asked = request(body, &FORM)?;
    check_text(asked.text.len())?;
    let operators = operators(asked.anonymizers)?;
    let letters = Letters::of(&asked.text);
    let entities = check(&asked.analyzer_results, &letters)?;
    let number = |entity: &str| entities.binary_search(&entity).unwrap_or_default();
    let spans = asked.analyzer_results.iter().map(|found| Span {
        start: found.start,
        end: found.end,
        score: found.score,
        entity: number(&found.entity_type),
    });
    let spans = resolved(spans.collect(), &letters);
    let operator =
        |entity: &str| operators.get(entity).or_else(|| operators.get(DEFAULT)).unwrap_or(&Operator::DEFAULT);
    let mut rewriting = Rewriting::of(&letters);
    let (mut masked, mut passed) = (Counts::new(), Counts::new());
    for span in spans {
        let entity = entities.get(span.entity).copied().unwrap_or_default();
        let operator = operator(entity);
        let value = letters.at(span.start..span.end);
        let written = operator.apply(value, entity, salt)?;
        // A mask of no character, a text in its own place: what is written counts, not what was asked for.
        let done = operator.recorded().filter(|_| written != value);
        if !value.is_empty() {
            let counts = if done.is_some() { &mut masked } else { &mut passed };
            *counts.entry((class(entity), done)).or_default() += 1;
        }
        rewriting.replace(span, entity, written, operator.name())?;
    }
    let written = serde_json::to_vec(&rewriting.finish());
    let written = written.map_err(|_| malformed("the new text cannot be written as JSON"))?;
    Ok(Done { masked, passed, ..Done::of(JSON, Bytes::from(written)) })
}

fn operators(written: Option<BTreeMap<String, Written>>) -> Result<BTreeMap<String, Operator>, Refusal> {
    let written = written.unwrap_or_default();
    if written.len() > MAX_OPERATORS {
        return Err(too_large(format!("there are more than {MAX_OPERATORS} anonymizers; send fewer")));
    }
    written.into_iter().map(|(entity, written)| Ok((entity, Operator::of(written)?))).collect()
}

/// The entities that findings are of, in order; or what is wrong with a finding.
fn check<'a>(found: &'a [Found], letters: &Letters<'_>) -> Result<Vec<&'a str>, Refusal> {
    if found.len() > MAX_FINDINGS {
        return Err(too_large(format!(
            "there are more than {MAX_FINDINGS} analyzer_results; send the text in parts"
        )));
    }
    // A number of a caller's may be anything, also somebody's: places are named, and not what stands there.
    for (number, Found { start, end, entity_type, .. }) in found.iter().enumerate() {
        if start > end {
            return Err(malformed(format!(
                "Invalid input, start index of /analyzer_results/{number} must be smaller than end index"
            )));
        }
        let length = letters.len();
        if *end > length {
            return Err(malformed(format!(
                "Invalid analyzer result, /analyzer_results/{number} ends behind the text, whose length is only {length}."
            )));
        }
        if entity_type.is_empty() || entity_type.len() > MAX_ENTITY_BYTES {
            return Err(malformed(format!(
                "Invalid input, /analyzer_results/{number} must contain entity_type, of at most {MAX_ENTITY_BYTES} bytes"
            )));
        }
    }
    let mut entities: Vec<&str> = found.iter().map(|found| found.entity_type.as_str()).collect();
    entities.sort_unstable();
    entities.dedup();
    Ok(entities)
}

/// Under which class a record counts an entity: a name of the caller's own making could hold anything.
fn class(entity: &str) -> String {
    entities::class(entity).map_or(UNRECOGNISED, tabellion_mask::Class::name).to_owned()
}

/// The new text, made from its end to its start.
struct Rewriting<'a> {
    letters: &'a Letters<'a>,
    /// Pieces of the new text, the last one first.
    pieces: Vec<Cow<'a, str>>,
    /// Code points of all of them.
    made: usize,
    /// Up to here the old text is not used yet.
    left: usize,
    /// Items with the code points from their start to the end of the new text.
    items: Vec<(usize, Item<'a>)>,
    written_bytes: usize,
}

impl<'a> Rewriting<'a> {
    fn of(letters: &'a Letters<'a>) -> Self {
        let left = letters.len();
        Self { letters, pieces: Vec::new(), made: 0, left, items: Vec::new(), written_bytes: 0 }
    }

    /// Replaces what stands at `span`; of two that overlap the later one keeps its front, and the earlier one ends there.
    fn replace(
        &mut self,
        span: Span,
        entity: &'a str,
        written: Cow<'a, str>,
        operator: &'static str,
    ) -> Result<(), Refusal> {
        self.written_bytes = self.written_bytes.saturating_add(written.len());
        if self.written_bytes > MAX_WRITTEN_BYTES {
            return Err(too_large(format!(
                "what would take the place of values is more than {MAX_WRITTEN_BYTES} bytes; send the text in parts"
            )));
        }
        let end = span.end.min(self.left);
        let length = written.chars().count();
        self.pieces.push(Cow::Borrowed(self.letters.at(end..self.left)));
        self.pieces.push(written.clone());
        self.made += self.left.saturating_sub(end) + length;
        self.left = span.start;
        let item =
            Item { start: 0, end: length, entity_type: entity, text: written, operator, score: span.score };
        self.items.push((self.made, item));
        Ok(())
    }

    fn finish(mut self) -> Answer<'a> {
        self.pieces.push(Cow::Borrowed(self.letters.at(0..self.left)));
        let length = self.left + self.made;
        let placed = |(from_end, item): (usize, Item<'a>)| {
            let start = length.saturating_sub(from_end);
            Item { start, end: start + item.end, ..item }
        };
        let items = self.items.into_iter().map(placed).collect();
        Answer { text: self.pieces.into_iter().rev().collect(), items }
    }
}
