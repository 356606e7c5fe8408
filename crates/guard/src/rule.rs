//! What a guard looks for, as people write it down.

use std::collections::BTreeSet;

use crate::reading::read_term;

/// Most words, phrases and terms of one rule.
pub const MAX_TERMS: usize = 4096;
/// Longest word or phrase, in characters as they are read. What begins a match is held back for as long in streams.
pub const MAX_TERM_CHARS: usize = 200;
/// Longest name of a topic, which stands in records.
const MAX_TOPIC_NAME: usize = 48;

/// What one guard looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Any of these words or phrases, whole words only.
    Words(Vec<String>),
    /// Several terms of one of these topics.
    Topics(Vec<Topic>),
    /// Phrases by which a text tries to take a model over. A heuristic.
    Injection,
    /// Characters that people do not see, where they carry something.
    Invisible,
}

/// A topic, known by its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name in records: of `a-z`, `0-9`, `-`.
    pub name: String,
    /// Words and phrases that speak of it.
    pub terms: Vec<String>,
    /// How many different ones make it the topic.
    pub at_least: usize,
}

/// Why a rule cannot be used. Each text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// It looks for nothing.
    #[error("the list is empty; name at least one word, or leave the guard out")]
    Empty,
    /// Too much to look for.
    #[error("{0} words and phrases are more than {MAX_TERMS}; make two guards of them, or shorten the list")]
    TooMany(usize),
    /// A term with nothing to see.
    #[error("word {0} holds no letter, digit or sign; remove it")]
    Blank(usize),
    /// A term that is too long.
    #[error("word {0} has more than {MAX_TERM_CHARS} characters; keep its telling part")]
    TooLong(usize),
    /// A topic's name cannot stand in records.
    #[error(
        "a topic is named with a-z, 0-9 and -, at most {MAX_TOPIC_NAME} characters, each name once; {0:?} is not such a name"
    )]
    TopicName(String),
    /// A topic that is always or never there.
    #[error("topic {0}: at_least is 1 to the number of its different terms")]
    AtLeast(String),
}

/// A term as it is looked for: as it reads.
pub(crate) fn terms(written: &[String]) -> Result<Vec<String>, RuleFault> {
    if written.is_empty() {
        return Err(RuleFault::Empty);
    }
    if written.len() > MAX_TERMS {
        return Err(RuleFault::TooMany(written.len()));
    }
    let read = |(position, term): (usize, &String)| {
        let term = read_term(term);
        if term.is_empty() {
            return Err(RuleFault::Blank(position + 1));
        }
        if term.chars().count() > MAX_TERM_CHARS {
            return Err(RuleFault::TooLong(position + 1));
        }
        Ok(term)
    };
    written.iter().enumerate().map(read).collect()
}

/// Terms of each topic, as they are looked for.
pub(crate) fn topics(written: &[Topic]) -> Result<Vec<Vec<String>>, RuleFault> {
    if written.is_empty() {
        return Err(RuleFault::Empty);
    }
    let mut names = BTreeSet::new();
    let read = |topic: &Topic| {
        let fits = |name: &str| {
            (1..=MAX_TOPIC_NAME).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        if !fits(&topic.name) || !names.insert(topic.name.clone()) {
            return Err(RuleFault::TopicName(topic.name.clone()));
        }
        let different: BTreeSet<String> = terms(&topic.terms)?.into_iter().collect();
        if !(1..=different.len()).contains(&topic.at_least) {
            return Err(RuleFault::AtLeast(topic.name.clone()));
        }
        Ok(different.into_iter().collect())
    };
    let all: Vec<Vec<String>> = written.iter().map(read).collect::<Result<_, _>>()?;
    let count = all.iter().map(Vec::len).sum();
    if count > MAX_TERMS { Err(RuleFault::TooMany(count)) } else { Ok(all) }
}
