//! Text cut into words, numbers and marks. Promises that a token is at most [`MAX_TOKEN_BYTES`] long, but for one that is
//! passed over unread, and that a token's end does not depend on text that is not there yet.

use super::words;

/// Longest word or number that is read. No name of one word is longer; what is longer is an encoding.
pub(super) const MAX_TOKEN_BYTES: usize = 40;
/// Most blanks between two tokens that belong together: a line break and the indent of an address.
pub(super) const MAX_BLANK_BYTES: usize = 16;

/// What a token looks like. The numbers are part of the model: a new one needs a new training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Shape {
    /// Before the text and behind it.
    Edge = 0,
    /// `Anna`
    Title = 1,
    /// `ANNA`
    Upper = 2,
    /// `A`
    Initial = 3,
    /// `anna`
    Lower = 4,
    /// `McDonald`, `SpaceX`
    Camel = 5,
    /// One or two digits.
    Short = 6,
    /// Three digits.
    Three = 7,
    /// Four digits.
    Four = 8,
    /// Five digits.
    Five = 9,
    /// Six digits and more.
    Digits = 10,
    /// `12b`, `42nd`, `N1`, `SW1A`
    Mixed = 11,
    /// Letters, digits and underscores in another way.
    Code = 12,
    /// Longer than a token may be.
    Long = 13,
    /// More blanks than belong between two tokens.
    Gap = 14,
    /// One character that is neither letter nor digit.
    Mark = 15,
}

/// A piece of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) shape: Shape,
    /// No blank before it.
    pub(super) glued: bool,
    /// Line breaks before it, two at most.
    pub(super) lines: u8,
    /// What it is among the small words, if it is in lower case.
    pub(super) role: u8,
}

impl Token {
    pub(super) fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// What stands at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Token(Token),
    /// Nothing but blanks, and the text is over.
    End,
    /// What follows decides.
    More,
}

/// The blanks from a place on.
struct Blank {
    end: usize,
    lines: u8,
}

fn char_at(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at)? {
        byte if byte.is_ascii() => Some(char::from(*byte)),
        _ => text.get(at..)?.chars().next(),
    }
}

/// A letter, or a mark that is written over one.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && (c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c)))
}

fn is_word(c: char) -> bool {
    is_letter(c) || c.is_ascii_digit() || c == '_'
}

/// First place behind what belongs to a token that was too long to be read.
pub(super) fn rest_of_long(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at.saturating_add(rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
}

fn blank(text: &str, at: usize, more: bool) -> Option<Blank> {
    match text.as_bytes().get(at..at.saturating_add(2)) {
        Some([byte, _]) if byte.is_ascii_alphanumeric() => return Some(Blank { end: at, lines: 0 }),
        Some([b' ', byte]) if byte.is_ascii_alphanumeric() => {
            return Some(Blank { end: at.saturating_add(1), lines: 0 });
        }
        _ => {}
    }
    let mut found = Blank { end: at, lines: 0 };
    while found.end.saturating_sub(at) <= MAX_BLANK_BYTES {
        let Some(c) = char_at(text, found.end) else { break };
        let width = match c {
            '\n' => {
                found.lines = found.lines.saturating_add(1).min(2);
                1
            }
            ' ' | '\t' | '\r' => 1,
            // Text that quotes JSON has its line breaks as escapes.
            '\\' => match text.as_bytes().get(found.end.saturating_add(1)) {
                Some(b'n') => {
                    found.lines = found.lines.saturating_add(1).min(2);
                    2
                }
                Some(b't' | b'r') => 2,
                None if more => return None,
                _ => break,
            },
            c if !c.is_ascii() && c.is_whitespace() => c.len_utf8(),
            _ => break,
        };
        found.end = found.end.saturating_add(width);
    }
    Some(found)
}

/// How many of the first bytes are small letters of ASCII, eight looked at together; more than [`MAX_TOKEN_BYTES`] where there are more.
fn small_letters(bytes: &[u8]) -> usize {
    /// A one in each byte.
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = 0x80 * EACH;
    let mut found = 0_usize;
    while found <= MAX_TOKEN_BYTES {
        let rest = bytes.get(found..).unwrap_or_default();
        let Some(eight) = rest.first_chunk() else {
            return found.saturating_add(rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count());
        };
        let eight = u64::from_le_bytes(*eight);
        // No byte's sum carries into the next: seven bits each, and less than eight are added.
        let low = eight & !HIGH;
        let from_a = low + u64::from(0x80 - b'a') * EACH;
        let behind_z = low + u64::from(0x80 - b'z' - 1) * EACH;
        let others = !(from_a & !behind_z & !eight) & HIGH;
        if others != 0 {
            return found.saturating_add(others.trailing_zeros() as usize / 8);
        }
        found = found.saturating_add(8);
    }
    found
}

/// The length of the word of small letters that these bytes begin with, shorter than `limit`, if what stands behind it ends every word.
fn small_word(bytes: &[u8], limit: usize) -> Option<usize> {
    let small = small_letters(bytes);
    let ends = matches!(bytes.get(small), Some(b' ' | b',' | b'.' | b'\n' | b'"'));
    (small > 0 && small < limit && ends).then_some(small)
}

/// The token that [`next`] finds at a place, if it is a word of small letters behind one blank, as most are in prose.
pub(super) fn next_small(text: &str, at: usize) -> Option<Token> {
    let [b' ', word @ ..] = text.as_bytes().get(at..)? else { return None };
    let small = small_word(word, MAX_TOKEN_BYTES)?;
    let (start, role) = (at.saturating_add(1), words::role(word, small));
    let end = start.saturating_add(small);
    Some(Token { start, end, shape: Shape::Lower, glued: false, lines: 0, role })
}

/// The token at or behind a place; `fresh` says that nothing stands before it.
pub(super) fn next(text: &str, at: usize, fresh: bool, more: bool) -> Next {
    let Some(blank) = blank(text, at, more) else { return Next::More };
    let start = blank.end;
    let token = |end: usize, shape: Shape| {
        let role = match shape {
            Shape::Lower => {
                words::role(text.as_bytes().get(start..).unwrap_or_default(), end.saturating_sub(start))
            }
            _ => 0,
        };
        Next::Token(Token { start, end, shape, glued: start == at && !fresh, lines: blank.lines, role })
    };
    if start.saturating_sub(at) > MAX_BLANK_BYTES {
        return token(start, Shape::Gap);
    }
    let Some(first) = char_at(text, start) else {
        return if more { Next::More } else { Next::End };
    };
    if !is_word(first) {
        return token(start.saturating_add(first.len_utf8()), Shape::Mark);
    }
    // Most words: small letters but for the first, then a blank, a comma, a full stop or a quote.
    let bytes = text.as_bytes().get(start..).unwrap_or_default();
    let capital = usize::from(first.is_ascii_uppercase());
    if let Some(small) = small_word(bytes.get(capital..).unwrap_or_default(), MAX_TOKEN_BYTES - capital) {
        let end = start.saturating_add(capital).saturating_add(small);
        return token(end, if capital == 0 { Shape::Lower } else { Shape::Title });
    }
    match word_end(text, start, more) {
        WordEnd::At(end) => token(end, shape_of(text.get(start..end).unwrap_or_default())),
        WordEnd::Long(end) => token(end, Shape::Long),
        WordEnd::More => Next::More,
    }
}

enum WordEnd {
    At(usize),
    Long(usize),
    More,
}

fn word_end(text: &str, start: usize, more: bool) -> WordEnd {
    let mut end = start;
    loop {
        let rest = text.as_bytes().get(end..).unwrap_or_default();
        let plain = rest
            .iter()
            .take(MAX_TOKEN_BYTES + 1)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
        end = end.saturating_add(plain.count());
        if end.saturating_sub(start) > MAX_TOKEN_BYTES {
            return WordEnd::Long(rest_of_long(text, end));
        }
        let Some(c) = char_at(text, end) else {
            return if more { WordEnd::More } else { WordEnd::At(end) };
        };
        if is_word(c) {
            end = end.saturating_add(c.len_utf8());
            continue;
        }
        if c != '\'' && c != '\u{2019}' {
            return WordEnd::At(end);
        }
        match joins(text, end.saturating_add(c.len_utf8()), more) {
            Some(true) => end = end.saturating_add(c.len_utf8()),
            Some(false) => return WordEnd::At(end),
            None => return WordEnd::More,
        }
    }
}

/// Whether what stands behind an apostrophe belongs to the word before it: `O'Brien` is one word, `Anna's` ends at the `a`.
fn joins(text: &str, at: usize, more: bool) -> Option<bool> {
    let Some(first) = char_at(text, at) else { return if more { None } else { Some(false) } };
    if !is_letter(first) {
        return Some(false);
    }
    if first != 's' && first != 'S' {
        return Some(true);
    }
    match char_at(text, at.saturating_add(1)) {
        Some(c) => Some(is_word(c)),
        None if more => None,
        None => Some(false),
    }
}

/// How many characters of each kind a word has.
#[derive(Default)]
struct Kinds {
    upper: u32,
    lower: u32,
    digits: u32,
    other: u32,
    first_upper: bool,
}

impl Kinds {
    fn of(word: &str) -> Self {
        let mut kinds = Self::default();
        if word.is_ascii() {
            for byte in word.bytes() {
                kinds.upper += u32::from(byte.is_ascii_uppercase());
                kinds.lower += u32::from(byte.is_ascii_lowercase());
                kinds.digits += u32::from(byte.is_ascii_digit());
                kinds.other += u32::from(byte == b'_');
            }
            kinds.first_upper = word.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
            return kinds;
        }
        for c in word.chars() {
            match c {
                '0'..='9' => kinds.digits += 1,
                '_' => kinds.other += 1,
                c if c.is_uppercase() => kinds.upper += 1,
                c if c.is_alphabetic() => kinds.lower += 1,
                _ => {}
            }
        }
        kinds.first_upper = word.chars().next().is_some_and(char::is_uppercase);
        kinds
    }
}

fn shape_of(word: &str) -> Shape {
    let Kinds { upper, lower, digits, other, first_upper } = Kinds::of(word);
    if digits > 0 || other > 0 {
        return match (digits, upper + lower, other) {
            (1 | 2, 0, 0) => Shape::Short,
            (3, 0, 0) => Shape::Three,
            (4, 0, 0) => Shape::Four,
            (5, 0, 0) => Shape::Five,
            (_, 0, 0) => Shape::Digits,
            (1..=5, 1..=2, 0) => Shape::Mixed,
            (1..=2, 3, 0) if lower == 0 => Shape::Mixed,
            _ => Shape::Code,
        };
    }
    match (first_upper, upper, lower) {
        (true, 1, 0) => Shape::Initial,
        (true, 1, _) => Shape::Title,
        (true, _, 0) => Shape::Upper,
        // O'Brien, D'Angelo
        (true, 2, _) if word.contains(['\'', '\u{2019}']) => Shape::Title,
        (_, 0, _) => Shape::Lower,
        _ => Shape::Camel,
    }
}
