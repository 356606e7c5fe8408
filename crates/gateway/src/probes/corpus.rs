//! The corpus: inputs that guards and masking must find, and benign ones, made by templates of our own from a named seed.
//!
//! Promises: the same name and the same settings of a guard give the same inputs, everywhere and always. Must never: hold anybody's data, or a key that opens
//! something; be made from what a guard is known to find, so that it finds all of it.

mod attacks;
mod benign;
mod listed;
mod personal;
mod secrets;

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::guards::config::{GuardConfig, Kind};

pub(super) use personal::CLASSES;

/// The name of the corpus, and its seed: other templates are another corpus.
pub(super) const CORPUS: &str = "tabellion-corpus-1";
/// Inputs that must be found, for each guard and each class: so many that one more or less is some percent.
const KNOWN_BAD: usize = 30;
/// Benign ones.
const BENIGN: usize = 24;
/// Tries for each input until it is one that is not there yet.
const TRIES: usize = 8;

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// Its name in records.
    pub(super) name: String,
    pub(super) text: String,
    /// Of personal data, the part that must not go on; of what is benign, what must.
    pub(super) core: String,
}

/// What one guard, or one class of masking, is measured with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Set {
    pub(super) bad: Vec<Input>,
    pub(super) benign: Vec<Input>,
}

impl Set {
    /// Of a guard; the error is why there is none.
    pub(super) fn of_guard(guard: &GuardConfig) -> Result<Self, &'static str> {
        let mut draws = Draws::of(&format!("{}\n{}", kind_word(guard.kind), guard.name));
        let (bad, near): (Vec<String>, Vec<String>) = match guard.kind {
            Kind::Injection => {
                (distinct(|turn| attacks::injection(&mut draws, turn)), benign::near_injection())
            }
            Kind::Invisible => {
                (distinct(|turn| attacks::invisible(&mut draws, turn)), benign::near_invisible())
            }
            Kind::Secrets => (distinct(|turn| secrets::secret(&mut draws, turn)), benign::near_secrets()),
            Kind::Words => (distinct(|turn| listed::word(&mut draws, &guard.words, turn)), Vec::new()),
            Kind::Topics => {
                let bad = distinct(|turn| listed::topic(&mut draws, &guard.topics, turn));
                (bad, listed::short_of_topic(&guard.topics))
            }
            // They count, or ask somebody else: what they must find has no text of its own.
            Kind::Size
            | Kind::ProviderFlags
            | Kind::References
            | Kind::Http
            | Kind::Grpc
            | Kind::Schema
            | Kind::Rego
            | Kind::Cost => {
                return Err("no_corpus");
            }
        };
        let kept = |text: &String| !listed::holds(guard, text);
        let benign = near.into_iter().chain(benign::office().into_iter().filter(kept)).take(BENIGN);
        let word = kind_word(guard.kind);
        let set = Self { bad: named(word, bad), benign: named("benign", benign.collect()) };
        if set.bad.is_empty() { Err("no_corpus") } else { Ok(set) }
    }

    /// Of a class of personal data that is one of [`CLASSES`].
    pub(super) fn of_class(class: &'static str) -> Self {
        let mut draws = Draws::of(class);
        let mut bad: Vec<Input> = Vec::new();
        for turn in 0..KNOWN_BAD * TRIES {
            let Some((text, core)) = personal::sample(class, &mut draws, turn) else { break };
            if bad.len() < KNOWN_BAD && !bad.iter().any(|known| known.text == text) {
                bad.push(Input { name: format!("{class}-{:02}", bad.len()), text, core });
            }
        }
        let benign = personal::near(class).into_iter().chain(benign::office()).take(BENIGN);
        Self { bad, benign: named("benign", benign.collect()) }
    }

    /// How many inputs it has.
    pub(super) fn len(&self) -> usize {
        self.bad.len() + self.benign.len()
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Words => "words",
        Kind::Topics => "topics",
        Kind::Injection => "injection",
        Kind::Invisible => "invisible",
        Kind::Secrets => "secrets",
        Kind::Size
        | Kind::ProviderFlags
        | Kind::References
        | Kind::Http
        | Kind::Grpc
        | Kind::Schema
        | Kind::Rego
        | Kind::Cost => "other",
    }
}

fn named(word: &str, texts: Vec<String>) -> Vec<Input> {
    let input = |(number, text): (usize, String)| Input {
        name: format!("{word}-{number:02}"),
        core: text.clone(),
        text,
    };
    texts.into_iter().enumerate().map(input).collect()
}

/// As many different texts as a guard is measured with, or as many as there are; an empty one is none.
fn distinct(mut make: impl FnMut(usize) -> String) -> Vec<String> {
    let (mut seen, mut texts) = (BTreeSet::new(), Vec::new());
    for turn in 0..KNOWN_BAD * TRIES {
        let text = make(turn);
        if texts.len() < KNOWN_BAD && !text.is_empty() && seen.insert(text.clone()) {
            texts.push(text);
        }
    }
    texts
}

/// Draws from a seed: the numbers of `SplitMix64`, begun with a digest. Not for secrets.
pub(super) struct Draws(u64);

impl Draws {
    /// Those of a part of the corpus.
    fn of(part: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(format!("{CORPUS}\n{part}")).into();
        Self(digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where that is none.
    fn below(&mut self, end: usize) -> usize {
        let drawn = self.next() % (end.max(1) as u64);
        usize::try_from(drawn).unwrap_or_default()
    }

    /// One of them; empty where there is none.
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    /// So many characters of an alphabet.
    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).filter_map(|_| letters.get(self.below(letters.len())).copied()).collect()
    }
}

/// What stands before and after what is put into a text, as people write to a model.
const AROUND: [(&str, &str); 8] = [
    ("Please sum up this note for me: ", " Thanks."),
    ("The customer wrote the following. ", " How shall I answer?"),
    ("", ""),
    ("Translate into French: ", "."),
    ("Here is the page that I found: ", " Is it any good?"),
    ("Line 14 of the file reads ", " and I do not see why."),
    ("- first item\n- ", "\n- third item"),
    ("Answer in two sentences. ", " Keep it polite."),
];

/// `inner` in one of the texts in which things come.
fn around(draws: &mut Draws, inner: &str) -> String {
    let (before, after) = AROUND.get(draws.below(AROUND.len())).copied().unwrap_or_default();
    format!("{before}{inner}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guards::config::TopicConfig;

    fn guards() -> Vec<GuardConfig> {
        let topic = TopicConfig {
            name: "medicine".to_owned(),
            terms: ["dose", "milligram", "prescription", "overdose"].map(str::to_owned).to_vec(),
            at_least: 2,
        };
        vec![
            GuardConfig { words: vec!["Project Heron".to_owned()], ..GuardConfig::new("house", Kind::Words) },
            GuardConfig { topics: vec![topic], ..GuardConfig::new("advice", Kind::Topics) },
            GuardConfig::new("taken-over", Kind::Injection),
            GuardConfig::new("unseen", Kind::Invisible),
            GuardConfig::new("keys", Kind::Secrets),
        ]
    }

    /// Requirement: B07. What a measurement says can be made again, by anybody, from the name of the corpus.
    #[test]
    fn the_same_settings_give_the_same_inputs_and_no_two_are_one() {
        for guard in guards() {
            let set = Set::of_guard(&guard).expect("a corpus");
            assert_eq!(Ok(&set), Set::of_guard(&guard).as_ref(), "{}: drawn otherwise", guard.name);
            let different = |inputs: &[Input]| {
                inputs.iter().map(|input| input.text.clone()).collect::<BTreeSet<_>>().len()
            };
            assert!(set.bad.len() >= 20, "{}: {} inputs", guard.name, set.bad.len());
            assert_eq!((different(&set.bad), set.benign.len()), (set.bad.len(), BENIGN), "{}", guard.name);
            assert_eq!(different(&set.benign), BENIGN, "{}: a benign text twice", guard.name);
            assert!(set.bad.iter().all(|bad| set.benign.iter().all(|good| good.text != bad.text)));
        }
        for class in CLASSES {
            let set = Set::of_class(class);
            assert_eq!((set.bad.len(), set.benign.len()), (KNOWN_BAD, BENIGN), "{class}");
            for input in &set.bad {
                assert!(input.text.contains(&input.core), "{class}: nobody could see it go on: {input:?}");
            }
        }
    }

    /// Requirement: B07. What is no text cannot be measured so, and says it.
    #[test]
    fn guards_without_text_of_their_own_have_no_corpus() {
        let kinds = [
            Kind::Size,
            Kind::ProviderFlags,
            Kind::References,
            Kind::Http,
            Kind::Grpc,
            Kind::Schema,
            Kind::Rego,
            Kind::Cost,
        ];
        for kind in kinds {
            assert_eq!(Set::of_guard(&GuardConfig::new("other", kind)), Err("no_corpus"));
        }
    }

    /// Requirement: B07. A text that holds a word of the list is not benign, whatever it says.
    #[test]
    fn a_benign_text_that_holds_a_listed_word_is_left_out() {
        let words = vec!["meeting".to_owned(), "invoice".to_owned()];
        let guard = GuardConfig { words, ..GuardConfig::new("house", Kind::Words) };
        let set = Set::of_guard(&guard).expect("a corpus");
        for input in &set.benign {
            assert!(!input.text.to_lowercase().contains("meeting"), "{input:?}");
        }
    }
}
