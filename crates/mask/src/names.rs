//! Finds names of persons, places and organisations in text, without a dictionary file or a service: runs of capitalised words
//! and values behind a key are shown to a small linear model that is compiled in.
//!
//! Promises: linear time on any text; spans in order, disjoint, on character borders; a text in pieces gives what it gives in
//! one, since nothing before the part that is not settled is ever read again and what is read behind a name has a limit. No file, no
//! clock, no randomness. What a [`NameFinder`] remembers between pieces is three words as hashes.

mod code;
mod decode;
mod doubt;
mod features;
mod hash;
mod model;
mod run;
mod token;
#[cfg(test)]
#[path = "../training/train.rs"]
mod train;
mod words;

use std::ops::Range;

use decode::Paths;
use doubt::Reading;
use features::{Around, BEFORE, BEHIND, Seen};
use model::{LABELS, Model, Scores, known};
use run::{Run, Walk};
use token::{Shape, Token};

/// Longest name or address that is found in one piece.
pub const MAX_RUN_BYTES: usize = 240;
/// How far behind a name a decision may look.
pub const LOOK_AHEAD_BYTES: usize = 48;
/// How far before the unsettled part of a text anything is read: not at all.
pub const LOOK_BACK_BYTES: usize = 0;
/// Most bytes that are not settled when a piece has been looked at: the blanks before a run, the longest run, then a word that might
/// belong to it, or what is read behind it.
pub const MAX_HELD_BYTES: usize = 2 * (token::MAX_BLANK_BYTES + 4) + MAX_RUN_BYTES + LOOK_AHEAD_BYTES;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A person, without titles.
    Person,
    /// A city, country, region or street address.
    Location,
    /// A company, a school, an authority.
    Organisation,
}

/// A name that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSpan {
    /// What it names.
    pub kind: NameKind,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// How sure that is, 0 to 100: by how much the likeliest reading beats the likeliest one without this name.
    pub score: u8,
}

/// Scores have sixteen parts to one nat.
const PARTS_PER_NAT: i32 = 16;

/// Appends the names in a whole text. `field` is the name of the field that the text is the value of, such as `first_name`.
pub fn find(text: &str, field: Option<&str>, out: &mut Vec<NameSpan>) {
    NameFinder::new(field).find_from(text, 0, false, out);
}

/// Finds names in a text that arrives in pieces.
pub struct NameFinder {
    model: Model<'static>,
    walk: Walk<'static>,
}

impl NameFinder {
    /// At the start of a text, the value of a field with this name.
    pub fn new(field: Option<&str>) -> Self {
        let model = model::built_in();
        Self { model, walk: Walk::new(model, key_of(field, &model)) }
    }

    /// Appends the names in `text` from `start` on and says up to where the text is settled. `start` is where the last call settled,
    /// 0 at first; text before it may be gone and its ranges moved. `more` says that text may follow: then what may still become
    /// part of a name is not settled, and is to be shown again with what follows.
    pub fn find_from(&mut self, text: &str, start: usize, more: bool, out: &mut Vec<NameSpan>) -> usize {
        let model = self.model;
        self.walk.runs(text, start, more, |run| name(text, run, &model, out))
    }
}

/// Whether a field of this name says of its value that it is a name, or that it is none: `first_name`, `status`.
pub(crate) fn is_key(field: &str) -> bool {
    key_of(Some(field), &model::built_in()) != 0
}

/// Whether a field of this name has a name for its value, however short that is.
pub(crate) fn is_name_key(field: &str) -> bool {
    key_of(Some(field), &model::built_in()) & !known::PLAIN_KEY != 0
}

/// What a field's name says of its value, as bits of the lexicon.
fn key_of(field: Option<&str>, model: &Model<'_>) -> u16 {
    field.map_or(0, |field| model.known(hash::word(field)) & known::ANY_KEY)
}

/// Gives every feature of every token of a run to `take`, with the token's number.
fn describe(text: &str, run: &Run, seen: &[Seen], model: &Model<'_>, mut take: impl FnMut(usize, u64)) {
    let (mut number, mut before) = (0_u8, 0_u16);
    for (at, (token, window)) in run.tokens.iter().zip(seen.windows(BEFORE + 1 + BEHIND)).enumerate() {
        let Ok(window) = <&[Seen; BEFORE + 1 + BEHIND]>::try_from(window) else { continue };
        let [_, _, _, this, next, _] = window;
        let after = match this.known & next.known & known::PART {
            0 => 0,
            _ => model.known(hash::pair(this.hash, next.hash)) & known::NAME,
        };
        let word = token.of(text);
        let ends = [hash::tail(word, 3), hash::tail(word, 4), hash::head(word, 3)];
        let around = Around { seen: window, ends, both: [before, after], key: run.key, number };
        features::each(&around, |feature| take(at, feature));
        before = after;
        number = match token.shape {
            Shape::Short | Shape::Three | Shape::Four | Shape::Five | Shape::Digits | Shape::Mixed => 1,
            _ if number == 0 => 0,
            _ => number.saturating_add(1).min(7),
        };
    }
}

/// Appends the names of a run.
fn name(text: &str, run: &Run, model: &Model<'_>, out: &mut Vec<NameSpan>) {
    let seen = run.around();
    let mut scores: Vec<Scores> = vec![[0; LABELS]; run.tokens.len()];
    describe(text, run, &seen, model, |at, feature| {
        if let Some(scores) = scores.get_mut(at) {
            model.add(feature, scores);
        }
    });
    let labels = Paths::of(model, &scores).labels();
    let mut open: Option<Open<'_>> = None;
    let mut last = None;
    for (at, (token, (label, sure))) in run.tokens.iter().zip(labels).enumerate() {
        let stray = token.shape == Shape::Lower
            && token.role & words::JOINS == 0
            && !run.is_keyed()
            && open
                .as_ref()
                .is_some_and(|open| open.kind == NameKind::Person && open.first.shape != Shape::Lower);
        let label = if stray { 0 } else { label };
        let goes_on = label != 0 && label.is_multiple_of(2);
        match (&mut open, kind_of(label)) {
            (Some(open), Some(_)) if goes_on => open.take(at, token, sure),
            (Some(open), Some(NameKind::Location)) if open.is_address_before(text, token) => {
                open.take(at, token, sure);
            }
            (slot, kind) => {
                if let Some(done) = slot.take() {
                    done.close(text, run, model, out);
                }
                let named =
                    last.is_some_and(|last| run.tokens.get(last..at).is_some_and(|since| since.len() <= 2));
                let before = run.tokens.get(..at).filter(|_| token.glued && !named).unwrap_or_default();
                *slot = kind.filter(|_| !code::leads(text, before)).map(|kind| Open {
                    kind,
                    first: token,
                    last: token,
                    own: at..at.saturating_add(1),
                    sure,
                });
            }
        }
        if open.is_some() {
            last = Some(at);
        }
    }
    if let Some(done) = open {
        done.close(text, run, model, out);
    }
}

fn kind_of(label: usize) -> Option<NameKind> {
    match label {
        1 | 2 => Some(NameKind::Person),
        3 | 4 => Some(NameKind::Location),
        5 | 6 => Some(NameKind::Organisation),
        _ => None,
    }
}

/// A name whose end is not reached.
struct Open<'r> {
    kind: NameKind,
    first: &'r Token,
    last: &'r Token,
    /// The numbers of its tokens.
    own: Range<usize>,
    sure: i32,
}

impl<'r> Open<'r> {
    fn take(&mut self, at: usize, token: &'r Token, sure: i32) {
        self.last = token;
        self.own.end = at.saturating_add(1);
        self.sure = self.sure.max(sure);
    }

    /// Whether a place behind this one is the rest of an address: the town behind street and number.
    fn is_address_before(&self, text: &str, token: &Token) -> bool {
        let own = text.get(self.first.start..self.last.end).unwrap_or_default();
        let between = text.get(self.last.end..token.start).unwrap_or_default();
        self.kind == NameKind::Location
            && own.bytes().any(|byte| byte.is_ascii_digit())
            && between.chars().all(|c| c.is_whitespace() || matches!(c, ',' | '.' | '-'))
    }

    fn close(self, text: &str, run: &Run, model: &Model<'_>, out: &mut Vec<NameSpan>) {
        let lower = self.last.shape == Shape::Lower;
        let reading = Reading { text, run, model, kind: self.kind, own: self.own, sure: self.sure };
        let range = self.first.start..self.last.end;
        let name = text.get(range.clone()).unwrap_or_default();
        let is_name = name.chars().any(char::is_alphabetic) && !code::is_numbered(name);
        if !is_name || !reading.counts() || code::leans(text, self.last.end, lower) {
            return;
        }
        let score = u8::try_from((self.sure / (PARTS_PER_NAT / 8)).clamp(0, 100)).unwrap_or(100);
        out.push(NameSpan { kind: self.kind, range, score });
    }
}
