//! Looking for everything at once, in texts that come in pieces.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::findings::Findings;
use crate::injection;
use crate::reading::Reading;
use crate::rule::{Rule, RuleFault, terms, topics};

/// What a string holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text,
    /// JSON, whose escapes are read: arguments of a tool.
    Json,
}

/// What a pattern belongs to.
#[derive(Debug)]
enum Of {
    /// A word, by its place in the list.
    Word(usize),
    /// A topic's term.
    Term { topic: usize, term: usize },
    /// A phrase of this family.
    Family(&'static str),
}

#[derive(Debug)]
struct Pattern {
    rule: usize,
    of: Of,
    /// Its first and last character are of a word, so that the match must not be a part of one.
    edges: (bool, bool),
}

/// A topic as it is told.
#[derive(Debug)]
struct Reached {
    name: String,
    at_least: usize,
}

/// Rules, made ready. Rules are known by their position.
#[derive(Debug)]
pub struct Screen {
    automaton: Option<AhoCorasick>,
    patterns: Vec<Pattern>,
    /// Topics by rule.
    topics: Vec<Vec<Reached>>,
    /// Rules that look for invisible characters.
    invisible: Vec<usize>,
    /// By rule, the characters of its longest pattern.
    longest: Vec<usize>,
    longest_bytes: usize,
}

impl Screen {
    /// Makes `rules` ready. The error names the rule by its position.
    pub fn new(rules: &[Rule]) -> Result<Self, (usize, RuleFault)> {
        let mut made = Self {
            automaton: None,
            patterns: Vec::new(),
            topics: Vec::new(),
            invisible: Vec::new(),
            longest: vec![0; rules.len()],
            longest_bytes: 0,
        };
        let mut texts = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            made.add(number, rule, &mut texts).map_err(|fault| (number, fault))?;
        }
        if !texts.is_empty() {
            let built = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&texts);
            // What can fail is a number of states beyond 32 bits: the limits on terms are far below.
            made.automaton = Some(built.map_err(|_| (0, RuleFault::TooMany(texts.len())))?);
        }
        Ok(made)
    }

    fn add(&mut self, number: usize, rule: &Rule, texts: &mut Vec<String>) -> Result<(), RuleFault> {
        let mut reached = Vec::new();
        let mut found: Vec<(Of, String)> = Vec::new();
        match rule {
            Rule::Words(words) => {
                found.extend(
                    terms(words)?.into_iter().enumerate().map(|(place, word)| (Of::Word(place), word)),
                );
            }
            Rule::Topics(written) => {
                for (topic, terms) in topics(written)?.into_iter().enumerate() {
                    let of = |(term, text)| (Of::Term { topic, term }, text);
                    found.extend(terms.into_iter().enumerate().map(of));
                }
                let told =
                    |topic: &crate::Topic| Reached { name: topic.name.clone(), at_least: topic.at_least };
                reached.extend(written.iter().map(told));
            }
            Rule::Injection => {
                found.extend(injection::phrases().map(|(family, phrase)| (Of::Family(family), phrase)));
            }
            Rule::Invisible => self.invisible.push(number),
        }
        self.topics.push(reached);
        for (of, text) in found {
            let edges =
                (text.chars().next().is_some_and(in_word), text.chars().next_back().is_some_and(in_word));
            if let Some(longest) = self.longest.get_mut(number) {
                *longest = (*longest).max(text.chars().count());
            }
            self.longest_bytes = self.longest_bytes.max(text.len());
            self.patterns.push(Pattern { rule: number, of, edges });
            texts.push(text);
        }
        Ok(())
    }

    /// How many characters of a text, as it is read, have to be seen behind a place until it is certain that nothing which `rules` look for began
    /// there.
    pub fn window(&self, rules: impl IntoIterator<Item = usize>) -> u64 {
        let longest = rules.into_iter().filter_map(|rule| self.longest.get(rule)).max().copied().unwrap_or(0);
        // One more: whether a word ends shows with the next character.
        if longest == 0 { 0 } else { longest as u64 + 1 }
    }

    /// A text of which nothing is known yet.
    pub fn begin(&self, content: Content) -> Screening {
        Screening {
            reading: Reading::new(content == Content::Json),
            text: String::new(),
            settled: 0,
            read: 0,
        }
    }

    /// Looks at the next piece of a text.
    pub fn push(&self, text: &mut Screening, piece: &str, findings: &mut Findings) {
        let before = text.text.len();
        text.reading.read(piece, &mut text.text, |carries| {
            for rule in &self.invisible {
                findings.add(*rule, carries);
            }
        });
        let added = text.text.get(before..).unwrap_or_default();
        if added.is_empty() {
            return;
        }
        text.read += added.chars().count() as u64;
        // The last character only tells where the one before it stands.
        let last = text.text.chars().next_back().map_or(0, char::len_utf8);
        self.settle(text, text.text.len() - last, findings);
    }

    /// The text is whole.
    pub fn finish(&self, mut text: Screening, findings: &mut Findings) {
        let end = text.text.len();
        self.settle(&mut text, end, findings);
    }

    /// Looks for what ends behind what is settled, and not behind `until`.
    fn settle(&self, text: &mut Screening, until: usize, findings: &mut Findings) {
        if let Some(automaton) = &self.automaton {
            for found in automaton.find_overlapping_iter(&text.text) {
                let fresh = found.end() > text.settled && found.end() <= until;
                let Some(pattern) = self.patterns.get(found.pattern().as_usize()).filter(|_| fresh) else {
                    continue;
                };
                let before = text.text.get(..found.start()).and_then(|text| text.chars().next_back());
                let behind = text.text.get(found.end()..).and_then(|text| text.chars().next());
                let cuts = |edge: bool, beside: Option<char>| edge && beside.is_some_and(in_word);
                if !cuts(pattern.edges.0, before) && !cuts(pattern.edges.1, behind) {
                    self.note(pattern, findings);
                }
            }
        }
        text.settled = until;
        // What can still begin a match, and the character before it.
        let mut keep = until.saturating_sub(self.longest_bytes + char::MAX.len_utf8());
        while !text.text.is_char_boundary(keep) {
            keep -= 1;
        }
        // Moving the rest is linear in what is kept: only when as much came in between.
        if keep > self.longest_bytes + char::MAX.len_utf8() {
            text.text.drain(..keep);
            text.settled -= keep;
        }
    }

    fn note(&self, pattern: &Pattern, findings: &mut Findings) {
        match &pattern.of {
            Of::Word(place) => findings.add(pattern.rule, format!("word {}", place + 1)),
            Of::Family(family) => findings.add(pattern.rule, *family),
            Of::Term { topic, term } => {
                let count = findings.term(pattern.rule, *topic, *term);
                let reached = self.topics.get(pattern.rule).and_then(|topics| topics.get(*topic));
                if let Some(reached) = reached.filter(|reached| count >= reached.at_least) {
                    findings.add(pattern.rule, reached.name.clone());
                }
            }
        }
    }
}

/// One text on its way.
#[derive(Debug, Clone)]
pub struct Screening {
    reading: Reading,
    /// The end of it, as it reads.
    text: String,
    /// Up to here everything that ends was looked at.
    settled: usize,
    read: u64,
}

impl Screening {
    /// Characters so far, as they read.
    pub fn read(&self) -> u64 {
        self.read
    }
}

/// Whether a character is of a word that spaces end. Scripts that write words without spaces have no such edges.
fn in_word(c: char) -> bool {
    let unspaced = matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{2E80}'..);
    c.is_alphanumeric() && !unspaced
}
