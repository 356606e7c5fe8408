//! Words that tell patterns and literals apart in every way in which a word can.
//!
//! Promises: for any word there is one here that matches the same of the patterns and equals the same of the literals. Takes no more steps than
//! [`MAX_STATES`] and one for each letter allow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cedar_policy::pst::PatternElem;

/// How many ways to be partly matched are followed: a rule that people read has a handful.
const MAX_STATES: usize = 1024;

/// How far a word has matched each pattern: the places in it that may come next.
type State = Vec<BTreeSet<usize>>;

/// The words; `None` where there are too many ways.
pub(super) fn witnesses(patterns: &[Vec<PatternElem>], literals: &BTreeSet<String>) -> Option<Vec<String>> {
    let all: Vec<Vec<PatternElem>> = patterns
        .iter()
        .cloned()
        .chain(literals.iter().map(|literal| literal.chars().map(PatternElem::Char).collect()))
        .collect();
    let letters = letters(&all);
    let start: State = all.iter().map(|pattern| reached(pattern, BTreeSet::from([0]))).collect();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    let mut waiting = VecDeque::from([(start, String::new())]);
    while let Some((state, word)) = waiting.pop_front() {
        let matches = all.iter().zip(&state).map(|(pattern, at)| at.contains(&pattern.len())).collect();
        found.entry(matches).or_insert_with(|| word.clone());
        for letter in &letters {
            let next: State =
                all.iter().zip(&state).map(|(pattern, at)| step(pattern, at, *letter)).collect();
            if seen.insert(next.clone()) {
                if seen.len() > MAX_STATES {
                    return None;
                }
                waiting.push_back((next, format!("{word}{letter}")));
            }
        }
    }
    Some(found.into_values().collect())
}

/// Every letter that a pattern names, and one that none does: to the patterns all others are like it.
fn letters(all: &[Vec<PatternElem>]) -> Vec<char> {
    let named: BTreeSet<char> = all
        .iter()
        .flatten()
        .filter_map(|element| match element {
            PatternElem::Char(letter) => Some(*letter),
            PatternElem::Wildcard => None,
        })
        .collect();
    let other = ('a'..=char::MAX).find(|letter| !named.contains(letter));
    named.iter().copied().chain(other).collect()
}

/// The places after `letter`.
fn step(pattern: &[PatternElem], at: &BTreeSet<usize>, letter: char) -> BTreeSet<usize> {
    let next = at.iter().filter_map(|place| match pattern.get(*place) {
        Some(PatternElem::Char(due)) if *due == letter => Some(place + 1),
        Some(PatternElem::Wildcard) => Some(*place),
        _ => None,
    });
    reached(pattern, next.collect())
}

/// The places that are reached without a letter: a wildcard may stand for none.
fn reached(pattern: &[PatternElem], mut at: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut place = at.first().copied().unwrap_or(pattern.len());
    while place < pattern.len() {
        if at.contains(&place) && matches!(pattern.get(place), Some(PatternElem::Wildcard)) {
            at.insert(place + 1);
        }
        place += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Vec<PatternElem> {
        text.chars().map(|c| if c == '*' { PatternElem::Wildcard } else { PatternElem::Char(c) }).collect()
    }

    #[test]
    fn every_way_to_match_has_its_word() {
        let literals = BTreeSet::from(["batch-1".to_owned()]);
        let words = witnesses(&[pattern("batch-*"), pattern("*-1")], &literals).expect("few states");
        let ways: BTreeSet<(bool, bool, bool)> = words
            .iter()
            .map(|word| (word.starts_with("batch-"), word.ends_with("-1"), word == "batch-1"))
            .collect();
        assert_eq!(ways.len(), words.len(), "a word says nothing that another does not say: {words:?}");
        let expected = [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (true, true, false),
            (true, true, true),
        ];
        assert_eq!(ways, BTreeSet::from(expected), "a rule would be called unreachable that is not");
    }
}
