//! What was found in one conversation or answer, however many texts it has.

use std::collections::{BTreeMap, BTreeSet};

/// Most labels that are kept of one rule: a record has room for a few, and one is enough to act on.
pub const MAX_LABELS: usize = 4;

/// What was found, by the number of the rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    labels: BTreeMap<usize, BTreeSet<String>>,
    /// Terms seen of topics that are not reached yet: rule, topic, terms.
    terms: BTreeMap<(usize, usize), BTreeSet<usize>>,
}

impl Findings {
    /// Whether a rule found anything.
    pub fn any(&self, rule: usize) -> bool {
        self.labels.contains_key(&rule)
    }

    /// Labels of what a rule found, at most [`MAX_LABELS`], in order.
    pub fn labels(&self, rule: usize) -> impl Iterator<Item = &str> {
        self.labels.get(&rule).into_iter().flatten().map(String::as_str)
    }

    pub(crate) fn add(&mut self, rule: usize, label: impl Into<String>) {
        let labels = self.labels.entry(rule).or_default();
        if labels.len() < MAX_LABELS {
            labels.insert(label.into());
        }
    }

    /// A term of a topic; gives how many different ones there are by now.
    pub(crate) fn term(&mut self, rule: usize, topic: usize, term: usize) -> usize {
        let seen = self.terms.entry((rule, topic)).or_default();
        seen.insert(term);
        seen.len()
    }
}
