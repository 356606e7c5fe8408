//! What the model is told of a word: the word, its neighbours, how they look and what they are known as. Part of the model:
//! whoever changes a feature must train anew.

use super::hash::{self, pair};
use super::model::{Model, known};
use super::token::{Shape, Token};

/// What is seen of a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) hash: u64,
    /// The word as a key: `first_name` is one, though the model is told only that it is code.
    pub(super) key: u64,
    pub(super) look: u8,
    pub(super) known: u16,
}

impl Seen {
    /// What stands outside the text.
    pub(super) const EDGE: Self = Self { hash: 1, key: 0, look: Shape::Edge as u8, known: 0 };

    /// A token as a neighbour: what it is known as is looked up only for words of a run.
    pub(super) fn past(text: &str, token: &Token) -> Self {
        let glue = (u8::from(token.glued) << 4) | (token.lines.min(2) << 5);
        let hash = match token.shape {
            Shape::Mark => hash::word(token.of(text)).wrapping_add(u64::from(token.glued)),
            Shape::Long
            | Shape::Gap
            | Shape::Code
            | Shape::Mixed
            | Shape::Short
            | Shape::Three
            | Shape::Four
            | Shape::Five
            | Shape::Digits => token.shape as u64,
            _ => hash::word(token.of(text)),
        };
        let key = if token.shape == Shape::Code { hash::word(token.of(text)) } else { hash };
        Self { hash, key, look: token.shape as u8 | glue, known: 0 }
    }

    /// A token with what it is known as.
    pub(super) fn whole(text: &str, token: &Token, model: &Model<'_>) -> Self {
        let mut seen = Self::past(text, token);
        if is_word(token.shape) {
            seen.known = model.known(seen.hash) & !known::ANY_KEY;
        }
        seen
    }

    fn shape(self) -> u64 {
        u64::from(self.look & 15)
    }
}

/// Whether a token is made of letters.
pub(super) fn is_word(shape: Shape) -> bool {
    matches!(shape, Shape::Title | Shape::Upper | Shape::Initial | Shape::Lower | Shape::Camel)
}

/// Words before and behind that the model is told of.
pub(super) const BEFORE: usize = 3;
pub(super) const BEHIND: usize = 2;

/// The words around one, three before and two behind, and more that is known of it.
pub(super) struct Around<'s> {
    pub(super) seen: &'s [Seen; BEFORE + 1 + BEHIND],
    /// The beginnings and ends of the word: three and four last, three first characters.
    pub(super) ends: [u64; 3],
    /// What two words are known as: this with the one before, this with the one behind.
    pub(super) both: [u16; 2],
    /// What the key before the run says.
    pub(super) key: u16,
    /// Tokens since the last number of the run, 0 for none.
    pub(super) number: u8,
}

/// Gives every feature of a word to `take`.
#[inline]
pub(super) fn each(around: &Around<'_>, mut take: impl FnMut(u64)) {
    let [third, second, first, at, next, after] = *around.seen;
    let mut tell = |kind: u64, value: u64| take(pair(kind.wrapping_mul(0x2545_f491_4f6c_dd1d), value));
    let of = |seen: Seen| u64::from(seen.known);
    let (shape, look) = (at.shape(), u64::from(at.look));
    if at.known != 0 || is_letters(at) || at.shape() == Shape::Mark as u64 {
        tell(1, at.hash);
        tell(6, pair(first.hash, at.hash));
        tell(7, pair(at.hash, next.hash));
    }
    if is_letters(at) {
        let [three, four, head] = around.ends;
        tell(9, three);
        tell(10, four);
        tell(11, head);
    }
    tell(2, first.hash);
    tell(3, next.hash);
    tell(4, second.hash);
    tell(5, after.hash);
    tell(8, pair(second.hash, first.hash));
    tell(12, look | u64::from(first.look) << 8 | u64::from(next.look) << 16);
    tell(13, of(at) << 8 | shape);
    tell(14, of(at) << 32 | of(first) << 8 | first.shape());
    tell(15, of(at) << 32 | of(next) << 8 | next.shape());
    tell(16, pair(first.hash, shape));
    tell(17, pair(next.hash, shape));
    tell(19, u64::from(around.both[0]) << 24 | u64::from(around.both[1]) << 4 | shape);
    tell(20, pair(first.hash, of(at)));
    tell(21, pair(second.hash, of(at) | shape << 20));
    tell(22, u64::from(around.number) << 24 | of(at) << 4 | shape);
    tell(23, pair(of(first) << 32 | of(at) << 16 | of(next), first.shape() << 8 | next.shape()));
    tell(
        24,
        look | u64::from(first.look) << 8
            | u64::from(second.look) << 16
            | u64::from(next.look) << 24
            | u64::from(after.look) << 32,
    );
    tell(25, pair(third.hash, shape));
    if around.key != 0 {
        tell(18, u64::from(around.key) << 8 | shape);
        tell(26, u64::from(around.key) << 32 | of(at) << 8 | shape);
    }
}

fn is_letters(seen: Seen) -> bool {
    (Shape::Title as u8..=Shape::Camel as u8).contains(&(seen.look & 15))
}
