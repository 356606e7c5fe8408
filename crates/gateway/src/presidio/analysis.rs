//! `POST /analyze`: what the mask finds in a text, told as Presidio tells it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tabellion_mask::{Class, Classes, Finding, scan};

use crate::decide::Refusal;

use super::letters::Place;
use super::reading::{Form, check_text, is_language, request};
use super::{Counts, Done, JSON, MAX_FINDINGS, entities, malformed, too_large};

/// What looks: the forms and checks of the mask, and its model of names.
pub(super) const RECOGNIZERS: [&str; 2] = [FORMS, NAMES];
const FORMS: &str = "TabellionForms";
const NAMES: &str = "TabellionNames";
/// The mask says yes or no. What a form and its check tell, or a form and a word beside it, is told as certain.
const SCORE_OF_FORMS: f64 = 1.0;
/// A name is what a model takes for one. Presidio gives what its own models find the same by default.
const SCORE_OF_NAMES: f64 = 0.85;
/// Most texts of one request.
const MAX_TEXTS: usize = 1024;
/// Most texts that are not to be told.
const MAX_ALLOWED: usize = 4096;
const FORM: Form = Form {
    members: &[
        "text",
        "language",
        "entities",
        "score_threshold",
        "return_decision_process",
        "ad_hoc_recognizers",
        "context",
        "allow_list",
        "allow_list_match",
        "regex_flags",
        "correlation_id",
    ],
    wanted: "this is no request of Presidio's /analyze: text is a text or an array of texts, language a text such as en; entities and allow_list are arrays of texts, score_threshold is a number, return_decision_process true or false",
};

/// A request.
#[derive(Deserialize)]
struct Asked {
    text: Texts,
    language: String,
    entities: Option<Vec<String>>,
    score_threshold: Option<f64>,
    return_decision_process: Option<bool>,
    ad_hoc_recognizers: Option<Vec<IgnoredAny>>,
    context: Option<Vec<IgnoredAny>>,
    allow_list: Option<Vec<String>>,
    allow_list_match: Option<String>,
}

/// One text, or several at once.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// A finding, its members in the order in which Presidio writes them.
#[derive(Serialize)]
struct Told {
    analysis_explanation: Option<Explained>,
    end: usize,
    entity_type: Cow<'static, str>,
    recognition_metadata: Metadata,
    score: f64,
    start: usize,
}

#[derive(Serialize)]
struct Metadata {
    recognizer_identifier: &'static str,
    recognizer_name: &'static str,
}

/// Why it is one, where that is asked for. No expression is told: the checks are code.
#[derive(Serialize)]
struct Explained {
    original_score: f64,
    pattern: Option<&'static str>,
    pattern_name: &'static str,
    recognizer: &'static str,
    regex_flags: Option<u64>,
    score: f64,
    score_context_improvement: f64,
    supportive_context_word: &'static str,
    textual_explanation: &'static str,
    validation_result: Option<bool>,
}

/// What is looked for, and what of it is told.
struct Wanted<'a> {
    classes: Classes,
    threshold: f64,
    allowed: BTreeSet<&'a str>,
    explained: bool,
}

/// Answers a request; `looked_for` is what is looked for where it does not say.
pub(super) fn analyze(body: &[u8], looked_for: Classes) -> Result<Done, Refusal> {
    let asked: Asked = request(body, &FORM)?;
    check(&asked)?;
    let wanted = Wanted::of(&asked, looked_for)?;
    let mut passed = Counts::new();
    let mut left = MAX_FINDINGS;
    let mut told = Vec::new();
    for text in asked.text.as_slice() {
        let found = wanted.find(text, &mut passed, left)?;
        left = left.saturating_sub(found.len());
        told.push(found);
    }
    let written = match (&asked.text, told.first()) {
        (Texts::One(_), Some(found)) => serde_json::to_vec(found),
        _ => serde_json::to_vec(&told),
    };
    let written = written.map_err(|_| malformed("the findings cannot be written as JSON"))?;
    Ok(Done { passed, ..Done::of(JSON, Bytes::from(written)) })
}

/// What is not served is refused: an answer without it would look like an answer with it.
fn check(asked: &Asked) -> Result<(), Refusal> {
    let texts = asked.text.as_slice();
    let bytes = texts.iter().map(String::len).fold(0, usize::saturating_add);
    check_text(bytes)?;
    if texts.len() > MAX_TEXTS {
        return Err(too_large(format!("there are more than {MAX_TEXTS} texts; send fewer at once")));
    }
    if bytes == 0 {
        return Err(malformed("No text provided"));
    }
    if !is_language(&asked.language) {
        return Err(malformed("language is no short name of one; send en"));
    }
    if asked.ad_hoc_recognizers.as_ref().is_some_and(|recognizers| !recognizers.is_empty()) {
        return Err(malformed(
            "ad_hoc_recognizers are not served: expressions of a caller are not run here; leave them out",
        ));
    }
    if asked.context.as_ref().is_some_and(|words| !words.is_empty()) {
        return Err(malformed(
            "context is not served: words count where they stand in the text; leave it out",
        ));
    }
    if asked.allow_list_match.as_deref().is_some_and(|how| how != "exact") {
        return Err(malformed("of allow_list_match only exact is served"));
    }
    if asked.allow_list.as_ref().is_some_and(|list| list.len() > MAX_ALLOWED) {
        return Err(too_large(format!("allow_list has more than {MAX_ALLOWED} texts; send fewer")));
    }
    Ok(())
}

impl<'a> Wanted<'a> {
    fn of(asked: &'a Asked, looked_for: Classes) -> Result<Self, Refusal> {
        let threshold = asked.score_threshold.unwrap_or_default();
        if !(0.0..=1.0).contains(&threshold) {
            return Err(malformed("score_threshold is not between 0 and 1"));
        }
        // As Presidio has it, an empty list asks for everything.
        let named = asked.entities.as_deref().filter(|entities| !entities.is_empty());
        let mut classes = if named.is_some() { Classes::NONE } else { looked_for };
        for (number, entity) in named.unwrap_or_default().iter().enumerate() {
            classes = classes.and(entities::classes(entity).ok_or_else(|| unknown(number))?);
        }
        let allowed = asked.allow_list.iter().flatten().map(String::as_str).collect();
        let explained = asked.return_decision_process.unwrap_or_default();
        Ok(Self { classes, threshold, allowed, explained })
    }

    /// What is found in `text`, the surest first, as Presidio orders it; `most` is how much there may be.
    fn find(&self, text: &str, counts: &mut Counts, most: usize) -> Result<Vec<Told>, Refusal> {
        let mut told = Vec::new();
        // A URL and what is within it are both told: whoever asks may let URLs stay.
        let urls = self.classes.except(self.classes.without(Class::Url));
        for classes in [self.classes.without(Class::Url), urls] {
            let mut place = Place::at_the_start_of(text);
            for finding in scan(text, classes).filter(|finding| self.is_told(finding)) {
                if told.len() == most {
                    return Err(too_large(format!(
                        "there are more than {MAX_FINDINGS} findings; send the text in parts"
                    )));
                }
                *counts.entry((finding.class.name().to_owned(), None)).or_default() += 1;
                let (start, end) = (place.of(finding.range.start), place.of(finding.range.end));
                told.push(Told::of(finding.class, start, end, self.explained));
            }
        }
        told.sort_by(|one, other| {
            let length = |told: &Told| Reverse(told.end.saturating_sub(told.start));
            let place = |told: &Told| (told.start, length(told));
            other.score.total_cmp(&one.score).then_with(|| place(one).cmp(&place(other)))
        });
        Ok(told)
    }

    fn is_told(&self, finding: &Finding<'_>) -> bool {
        score(finding.class) >= self.threshold && !self.allowed.contains(finding.value)
    }
}

impl Told {
    fn of(class: Class, start: usize, end: usize, explained: bool) -> Self {
        let (score, recognizer) = (score(class), recognizer(class));
        let explained = explained.then(|| Explained {
            original_score: score,
            pattern: None,
            pattern_name: class.name(),
            recognizer,
            regex_flags: None,
            score,
            score_context_improvement: 0.0,
            supportive_context_word: "",
            textual_explanation: "Found by its form, its check or a word beside it, or by the model of names (docs/masking.md)",
            validation_result: None,
        });
        Self {
            analysis_explanation: explained,
            end,
            entity_type: entities::name(class),
            recognition_metadata: Metadata {
                recognizer_identifier: class.name(),
                recognizer_name: recognizer,
            },
            score,
            start,
        }
    }
}

fn score(class: Class) -> f64 {
    if Classes::NAMES.has(class) { SCORE_OF_NAMES } else { SCORE_OF_FORMS }
}

fn recognizer(class: Class) -> &'static str {
    if Classes::NAMES.has(class) { NAMES } else { FORMS }
}

/// That nobody looks for the entity of this number here. Presidio itself passes over one that it does not know, as if the text held nothing of it. What a caller wrote
/// there may be anything, and is not repeated.
fn unknown(number: usize) -> Refusal {
    malformed(format!(
        "/entities/{number} is not looked for here, so that no answer could say whether it is there; GET /presidio/supportedentities lists what is"
    ))
}
