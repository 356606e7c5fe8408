//! Words and topics that an operator listed, as they come in texts.

use super::attacks::{between, wide};
use super::{Draws, around};
use crate::guards::config::{GuardConfig, TopicConfig};

/// A text with a word of the list, in one of the ways in which the same word is written.
pub(super) fn word(draws: &mut Draws, words: &[String], turn: usize) -> String {
    let Some(word) = words.get(draws.below(words.len())) else { return String::new() };
    let written = match turn % 6 {
        0 => word.clone(),
        1 => word.to_uppercase(),
        2 => wide(word),
        3 => between(word, '\u{200B}'),
        4 => word.replace(' ', "  \n"),
        _ => format!("({word})"),
    };
    around(draws, &written)
}

/// A text with as many terms of a topic as make it one.
pub(super) fn topic(draws: &mut Draws, topics: &[TopicConfig], turn: usize) -> String {
    let Some(topic) = topics.get(turn % topics.len().max(1)) else { return String::new() };
    let from = draws.below(topic.terms.len());
    let terms = apart(topic, from);
    // A term within another counts as one with it, so that there may be too few.
    if terms.len() < topic.at_least {
        return String::new();
    }
    let terms: Vec<&str> = terms.into_iter().take(topic.at_least).collect();
    let joint = draws.pick(&[", ", " and ", ". Then ", " or ", "; "]);
    around(draws, &terms.join(joint))
}

/// Texts that name one term too few of a topic.
pub(super) fn short_of_topic(topics: &[TopicConfig]) -> Vec<String> {
    let one_less = |topic: &TopicConfig| {
        let few: Vec<&str> = apart(topic, 0).into_iter().take(topic.at_least.saturating_sub(1)).collect();
        let text = format!("A word that I looked up: {}.", few.join(", "));
        let of_any = |other: &TopicConfig| {
            let held = other.terms.iter().filter(|term| is_in(term, &text)).count();
            held >= other.at_least
        };
        (!few.is_empty() && !topics.iter().any(of_any)).then_some(text)
    };
    topics.iter().filter_map(one_less).collect()
}

/// Terms of a topic, from the one at `from` on, none within another.
fn apart(topic: &TopicConfig, from: usize) -> Vec<&str> {
    let mut apart: Vec<&str> = Vec::new();
    for term in topic.terms.iter().cycle().skip(from).take(topic.terms.len()) {
        if !apart.iter().any(|known| is_in(known, term) || is_in(term, known)) {
            apart.push(term);
        }
    }
    apart
}

fn is_in(term: &str, text: &str) -> bool {
    text.to_lowercase().contains(&term.trim().to_lowercase())
}

/// Whether a text holds any word or term that the guard lists.
pub(super) fn holds(guard: &GuardConfig, text: &str) -> bool {
    let terms = guard.topics.iter().flat_map(|topic| &topic.terms);
    guard.words.iter().chain(terms).any(|term| is_in(term, text))
}
