//! Detectors: what a text is like, and not whether it may pass. The siblings of guards: they say, and never stop anything.
//!
//! Promises: the same text gives the same answer; linear time; a detector that cannot read a text says so ([`NotRead`]) and never that nothing was found.
//! Must never: quote the text, or judge whoever wrote it: callers take out what is somebody's first.

mod language;
mod sentiment;
mod toxicity;

use crate::findings::Findings;
use crate::reading::read_term;
use crate::rule::{Rule, RuleFault, Topic};
use crate::screen::{Content, Screen};

pub use language::LANGUAGE_DETECTOR;

/// A measure's whole: ten-thousandths.
pub const WHOLE: i64 = 10_000;
/// The language whose words the word lists are of, as detectors of languages call it (ISO 639-3).
const ENGLISH: &str = "eng";

/// What a detector looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detector {
    /// In which language it is written.
    Language,
    /// Whether it speaks well or ill of things, in English, by a list of words: a heuristic.
    Sentiment,
    /// Insults, threats and the like, in English, by a list of phrases: a heuristic.
    Toxicity,
    /// Which of these topics it is about, by their terms.
    Topics(Vec<Topic>),
}

/// What a detector found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detected {
    /// What, and how often.
    pub labels: Vec<(String, u64)>,
    /// A measure in ten-thousandths, where it has one.
    pub score_per_10000: Option<i64>,
}

/// Why a detector did not read a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRead {
    /// There is no letter in it.
    NoText,
    /// It is written in a language that the detector does not know.
    Language,
}

impl NotRead {
    /// The word for it in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoText => "no_text",
            Self::Language => "language",
        }
    }
}

/// A detector, made ready.
#[derive(Debug)]
pub struct Detecting(Ready);

#[derive(Debug)]
enum Ready {
    Language,
    Sentiment,
    Toxicity(Screen),
    Topics(Screen),
}

impl Detecting {
    /// Makes it ready; topics may be ones that cannot be looked for.
    pub fn new(detector: &Detector) -> Result<Self, RuleFault> {
        let screen = |rule: Rule| Screen::new(&[rule]).map_err(|(_, fault)| fault);
        Ok(Self(match detector {
            Detector::Language => Ready::Language,
            Detector::Sentiment => Ready::Sentiment,
            Detector::Toxicity => Ready::Toxicity(screen(toxicity::rule())?),
            Detector::Topics(topics) => Ready::Topics(screen(Rule::Topics(topics.clone()))?),
        }))
    }

    /// Looks at a whole text.
    pub fn look(&self, text: &str) -> Result<Detected, NotRead> {
        if !text.chars().any(char::is_alphabetic) {
            return Err(NotRead::NoText);
        }
        match &self.0 {
            Ready::Language => Ok(language::detect(text)),
            Ready::Sentiment => sentiment::detect(text),
            Ready::Toxicity(screen) => toxicity::detect(screen, text),
            Ready::Topics(screen) => Ok(Detected {
                labels: found(screen, text).map(|label| (label, 1)).collect(),
                score_per_10000: None,
            }),
        }
    }
}

/// The labels of what the one rule of a screen finds in a text.
fn found(screen: &Screen, text: &str) -> impl Iterator<Item = String> {
    let mut findings = Findings::default();
    let mut screening = screen.begin(Content::Text);
    screen.push(&mut screening, text, &mut findings);
    screen.finish(screening, &mut findings);
    findings.labels(0).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Words that English uses all the time and other languages do not have.
const ENGLISH_WORDS: [&str; 18] = [
    "the", "you", "and", "what", "how", "this", "that", "with", "your", "my", "it", "are", "not", "does",
    "have", "please", "which", "they",
];

/// Whether a text may be read by words of English: it is in English, or too short to tell and holds some of its words.
fn is_read_as_english(text: &str, holds_some: bool) -> bool {
    if let Some(language) = language::of(text) {
        return language == ENGLISH;
    }
    let read = read_term(text);
    holds_some || read.split(|c: char| !c.is_alphanumeric()).any(|word| ENGLISH_WORDS.contains(&word))
}

/// A share in ten-thousandths.
fn share(part: u64, whole: u64) -> i64 {
    let whole_share = u64::try_from(WHOLE).unwrap_or(u64::MAX);
    i64::try_from(part.saturating_mul(whole_share) / whole.max(1)).unwrap_or(WHOLE)
}
