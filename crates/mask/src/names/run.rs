//! The parts of a text that are shown to the model: runs of capitalised words, numbers and what joins them, and values behind
//! a key. Promises one pass, and that where a run begins and ends depends on nothing but what was before and a bounded piece of
//! what is behind.

use super::code::Lead;
use super::features::{BEFORE, BEHIND, Seen, is_word};
use super::model::{Model, known};
use super::token::{self, Next, Shape, Token};
use super::{LOOK_AHEAD_BYTES, MAX_RUN_BYTES, words};

/// Most tokens of one run: an address over five lines has some twenty.
pub(super) const MAX_RUN_TOKENS: usize = 24;
/// Words in lower case that stand together in a run, at most, when they neither join nor stand behind a key.
const MAX_LOWER: usize = 2;
/// Longest number within an address.
const MAX_NUMBER_BYTES: usize = 6;
/// Tokens for which a small word of another language tells that a text is in it.
const TOLD_TOKENS: u8 = 12;
/// Tokens between a key's colon and its value: a quote, a bracket.
const MAX_KEY_AGE: u8 = 2;

/// A part of a text that may hold names.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) tokens: Vec<Token>,
    /// What is seen of each.
    pub(super) seen: Vec<Seen>,
    /// What stands before and behind.
    pub(super) past: [Seen; BEFORE],
    pub(super) behind: [Seen; BEHIND],
    /// What the key before says, as bits of the lexicon.
    pub(super) key: u16,
    /// Begins with a word in lower case that no key or list asks for.
    lower: bool,
    /// Stands in German text.
    pub(super) german: bool,
    /// Stands in text of another language whose sentences the model has not learnt.
    pub(super) foreign: bool,
}

impl Run {
    /// Whether the key before asks for a name.
    pub(super) fn is_keyed(&self) -> bool {
        self.key & !known::PLAIN_KEY != 0
    }

    /// What is seen of the three tokens before, its own, the two behind.
    pub(super) fn around(&self) -> Vec<Seen> {
        let mut seen = Vec::with_capacity(self.seen.len().saturating_add(BEFORE + BEHIND));
        seen.extend(self.past);
        seen.extend(&self.seen);
        seen.extend(self.behind);
        seen
    }
}

/// Whether a word is one that anybody uses, and no name in any list. To be a part of some town's name, as `Bad` is, makes it none.
pub(super) fn is_ordinary(seen: &Seen) -> bool {
    let name = (known::NAME & !known::PART) | known::FIRM | known::STREET;
    seen.known & (known::COMMON | known::RARE) != 0 && seen.known & name == 0
}

impl Default for Seen {
    fn default() -> Self {
        Self::EDGE
    }
}

/// Walks a text from run to run. Between two pieces of a text it is all that is remembered.
pub(super) struct Walk<'m> {
    model: Model<'m>,
    past: [Seen; BEFORE],
    /// Passed tokens of the current piece that are not in `past` yet, the last three at most.
    passed: [Option<Token>; BEFORE],
    key: u16,
    key_age: u8,
    announced: bool,
    fresh: bool,
    within_long: bool,
    lead: Lead,
    /// Tokens for which the text counts as German.
    german: u8,
    /// The same of other languages than English.
    foreign: u8,
    run: Run,
}

impl<'m> Walk<'m> {
    /// At the start of a text; `key` is what the field's name says.
    pub(super) fn new(model: Model<'m>, key: u16) -> Self {
        Self {
            model,
            past: [Seen::EDGE; BEFORE],
            passed: [None; BEFORE],
            key,
            key_age: 0,
            announced: true,
            fresh: true,
            within_long: false,
            lead: Lead::default(),
            german: 0,
            foreign: 0,
            run: Run::default(),
        }
    }

    /// Shows every run from `start` on to `take`; says up to where the text is decided.
    pub(super) fn runs(&mut self, text: &str, start: usize, more: bool, mut take: impl FnMut(&Run)) -> usize {
        let mut at = start;
        if self.within_long {
            at = token::rest_of_long(text, at);
            self.within_long = at == text.len() && more;
        }
        let settled = loop {
            at = self.pass_small(text, at);
            match token::next(text, at, self.fresh, more) {
                Next::End => break text.len(),
                Next::More => break at,
                Next::Token(first) if !self.lead.holds(&first) && self.opens(text, &first) => {
                    let Some(end) = self.gather(text, first, more) else { break at };
                    at = end;
                    let run = std::mem::take(&mut self.run);
                    if Self::is_worth(&run) {
                        take(&run);
                        self.key = 0;
                    }
                    self.pass_run(text, &run);
                    self.run = run;
                }
                Next::Token(token) => {
                    self.pass(text, &token);
                    at = token.end;
                    self.within_long = token.shape == Shape::Long && at == text.len() && more;
                }
            }
        };
        self.remember(text);
        settled
    }

    /// Whether a run may hold a name. One of ordinary words alone does not, as at the start of most sentences.
    fn is_worth(run: &Run) -> bool {
        if run.is_keyed() || run.lower {
            // `"name": "search"` names no person.
            let words = run.tokens.iter().zip(&run.seen).filter(|(token, _)| token.shape != Shape::Mark);
            let mut words = words.peekable();
            return words.peek().is_none()
                || words.any(|(token, seen)| token.shape != Shape::Lower || !is_ordinary(seen));
        }
        let numbers = run.tokens.iter().any(|token| !is_word(token.shape) && token.shape != Shape::Mark);
        let words = run
            .tokens
            .iter()
            .zip(&run.seen)
            .filter(|(token, _)| is_word(token.shape) && token.shape != Shape::Lower);
        words.into_iter().any(|(_, seen)| numbers || !is_ordinary(seen))
    }

    /// Takes the tokens of a run as ones that were.
    fn pass_run(&mut self, text: &str, run: &Run) {
        if run.seen.is_empty() {
            for token in &run.tokens {
                self.pass(text, token);
            }
            return;
        }
        for seen in run.seen.iter().skip(run.seen.len().saturating_sub(BEFORE)) {
            let [_, b, c] = self.past;
            self.past = [b, c, Seen { known: 0, ..*seen }];
        }
        self.fresh = false;
        self.lead.pass_run();
        for token in &run.tokens {
            self.age_language(token);
        }
        self.announced = run.tokens.last().is_some_and(|token| token.role & words::ANNOUNCES != 0);
        self.age_key(u8::try_from(run.tokens.len()).unwrap_or(u8::MAX));
    }

    fn age_key(&mut self, tokens: u8) {
        self.key_age = self.key_age.saturating_add(tokens);
        if self.key_age > MAX_KEY_AGE + 1 {
            self.key = 0;
        }
    }

    fn age_language(&mut self, token: &Token) {
        self.german = if is_german(token) { TOLD_TOKENS } else { self.german.saturating_sub(1) };
        let is_told = token.role & words::FOREIGN != 0;
        self.foreign = if is_told { TOLD_TOKENS } else { self.foreign.saturating_sub(1) };
    }

    /// Passes the words of small letters that follow, each behind one blank, as long as none opens a run: most of any prose. It does
    /// to each what [`Self::opens`] and [`Self::pass`] do. Says where it stopped.
    fn pass_small(&mut self, text: &str, start: usize) -> usize {
        let mut at = start;
        let (mut last, mut passed) = ([None; BEFORE], 0_usize);
        while let Some(token) = token::next_small(text, at) {
            if self.opens(text, &token) {
                break;
            }
            if let Some(place) = last.get_mut(passed % BEFORE) {
                *place = Some(token);
            }
            passed = passed.wrapping_add(1);
            self.age_language(&token);
            self.announced = token.role & words::ANNOUNCES != 0;
            self.age_key(1);
            at = token.end;
        }
        if at > start {
            last.rotate_left(passed % BEFORE);
            for token in last.into_iter().flatten() {
                let [_, b, c] = self.passed;
                self.passed = [b, c, Some(token)];
            }
            self.fresh = false;
            // Nothing leans on a word with a blank before it.
            self.lead.pass_run();
        }
        at
    }

    /// Takes a token as one that was.
    fn pass(&mut self, text: &str, token: &Token) {
        let [_, b, c] = self.passed;
        self.passed = [b, c, Some(*token)];
        self.fresh = false;
        self.lead.pass(text, token, self.announced);
        self.age_language(token);
        self.announced = false;
        match token.shape {
            Shape::Mark if matches!(text.as_bytes().get(token.start), Some(b':' | b'=' | b'>')) => {
                self.open_key(text);
            }
            Shape::Lower => self.announced = token.role & words::ANNOUNCES != 0,
            _ => {}
        }
        self.age_key(1);
    }

    /// Moves passed tokens into what outlasts the piece.
    fn remember(&mut self, text: &str) {
        for token in std::mem::take(&mut self.passed).into_iter().flatten() {
            let [_, b, c] = self.past;
            self.past = [b, c, Seen::past(text, &token)];
        }
    }

    /// A colon or its like: what stands before may be a key.
    fn open_key(&mut self, text: &str) {
        self.remember(text);
        let [c, b, _] = self.past;
        let word = if b.look & 15 == Shape::Mark as u8 { c } else { b };
        self.key = 0;
        if word.look & 15 != Shape::Edge as u8 && word.look & 15 != Shape::Mark as u8 {
            self.key = self.model.known(word.key) & known::ANY_KEY;
        }
        self.key_age = 0;
    }

    fn keyed(&self) -> bool {
        self.key & !known::PLAIN_KEY != 0
    }

    fn is_unusual(&self, text: &str, token: &Token) -> bool {
        let known = self.model.known(super::hash::word(token.of(text)));
        token.end.saturating_sub(token.start) > 2 && known & (known::COMMON | known::RARE) == 0
    }

    fn opens(&self, text: &str, token: &Token) -> bool {
        match token.shape {
            Shape::Lower => {
                token.role & words::BEGINS != 0
                    || self.keyed()
                    || (self.announced || token.lines > 0) && self.is_unusual(text, token)
            }
            Shape::Mark => false,
            _ => is_solid(text, token),
        }
    }

    fn continues(&self, text: &str, token: &Token, lower: usize) -> bool {
        match token.shape {
            Shape::Lower => {
                token.role & words::JOINS != 0
                    || self.keyed()
                    || lower < MAX_LOWER && self.is_unusual(text, token)
            }
            Shape::Mark => match text.as_bytes().get(token.start) {
                Some(b'.' | b',' | b'-' | b'&' | b'/' | b'#' | b'(' | b')') => true,
                Some(byte) if byte.is_ascii() => false,
                _ => matches!(token.of(text), "º" | "ª" | "–"),
            },
            _ => is_solid(text, token),
        }
    }

    /// Looks at the words of the run, if it has a word that could be a name's.
    fn see(&mut self, text: &str) {
        let run = &mut self.run;
        run.seen.clear();
        let asked = run.is_keyed() || run.tokens.first().is_some_and(|token| token.shape == Shape::Lower);
        if asked || run.tokens.iter().any(|token| is_word(token.shape) && token.shape != Shape::Lower) {
            run.seen.extend(run.tokens.iter().map(|token| Seen::whole(text, token, &self.model)));
        }
    }

    /// Collects the run that begins with a token; says where it ends, or nothing if that is not known yet.
    fn gather(&mut self, text: &str, first: Token, more: bool) -> Option<usize> {
        let mut tokens = std::mem::take(&mut self.run.tokens);
        tokens.clear();
        tokens.push(first);
        let (start, mut end, mut lower) = (first.start, first.end, 0_usize);
        let mut solid = end;
        while tokens.len() < MAX_RUN_TOKENS {
            let token = match token::next(text, end, false, more) {
                Next::Token(token) => token,
                Next::End => break,
                Next::More => {
                    self.run.tokens = tokens;
                    return None;
                }
            };
            let within = token.lines < 2 && token.end.saturating_sub(start) <= MAX_RUN_BYTES;
            if !within || !self.continues(text, &token, lower) {
                break;
            }
            lower = if token.shape == Shape::Lower { lower.saturating_add(1) } else { 0 };
            end = token.end;
            if token.shape != Shape::Mark {
                solid = end;
            }
            tokens.push(token);
        }
        tokens.retain(|token| token.end <= solid);
        let behind = behind(text, solid, more);
        self.run.tokens = tokens;
        let (behind, roles) = behind?;
        self.run.behind = behind;
        let is_foreign = |token: &Token| token.role & words::FOREIGN != 0;
        self.run.german =
            self.german > 0 || roles & words::GERMAN != 0 || self.run.tokens.iter().any(is_german);
        self.run.foreign =
            self.foreign > 0 || roles & words::FOREIGN != 0 || self.run.tokens.iter().any(is_foreign);
        self.remember(text);
        self.run.past = self.past;
        self.run.key = self.key;
        self.see(text);
        self.run.lower = first.shape == Shape::Lower && first.role & words::BEGINS == 0;
        Some(solid)
    }
}

/// What may be part of a name wherever it stands: a capitalised word, a short number.
fn is_solid(text: &str, token: &Token) -> bool {
    match token.shape {
        Shape::Camel => token.of(text).chars().next().is_some_and(char::is_uppercase),
        Shape::Title
        | Shape::Upper
        | Shape::Initial
        | Shape::Short
        | Shape::Three
        | Shape::Four
        | Shape::Five
        | Shape::Mixed => true,
        Shape::Digits => token.end.saturating_sub(token.start) <= MAX_NUMBER_BYTES,
        _ => false,
    }
}

/// Whether a token tells of German. A particle of a Dutch name does not.
fn is_german(token: &Token) -> bool {
    token.role & words::GERMAN != 0 && token.role & words::JOINS == 0
}

/// The tokens behind a run, as far as [`LOOK_AHEAD_BYTES`] go, and what they are among the small words; nothing if they are not there yet.
fn behind(text: &str, end: usize, more: bool) -> Option<([Seen; BEHIND], u8)> {
    let mut limit = end.saturating_add(LOOK_AHEAD_BYTES);
    let beyond = limit < text.len();
    while !text.is_char_boundary(limit) && limit < text.len() {
        limit = limit.saturating_sub(1);
    }
    let view = text.get(..limit).unwrap_or(text);
    let mut seen = [Seen::EDGE; BEHIND];
    let (mut at, mut roles) = (end, 0);
    for place in &mut seen {
        match token::next(view, at, false, beyond || more) {
            Next::Token(token) if token.shape == Shape::Long => break,
            Next::Token(token) => {
                *place = Seen::past(view, &token);
                roles |= token.role;
                at = token.end;
            }
            Next::More if !beyond => return None,
            Next::End | Next::More => break,
        }
    }
    Some((seen, roles))
}
