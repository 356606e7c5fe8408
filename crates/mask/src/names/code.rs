//! What is no name because of the marks that lean on it: parts of paths, addresses of the web, code and keys. A false hit there breaks what
//! a program sent, so that these rules stand above the model. Promises to remember three bytes, and to look at two tokens behind.

use super::token::{Shape, Token};

/// Longest title with a dot and no blank behind it: `Prof.Meier`.
const MAX_TITLE_BYTES: usize = 4;
/// Fewest letters and digits behind a `+` or a slash that can show an encoding, and most that are looked at.
const ENCODED_BYTES: std::ops::RangeInclusive<usize> = 6..=40;

/// What stands before the next token, as far as it leans on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lead {
    /// The mark that was passed last; 0 where it was something else.
    last: u8,
    /// The mark before that one.
    before: u8,
    /// The mark passed last is a dot that leans on a word: `os.`, but not `mr.`
    dotted: bool,
    /// Within an address of the web, from `://` to a blank, a quote, a bracket or the question mark.
    address: bool,
    /// Within base64 and its like, from a word that no language has to a blank.
    encoded: bool,
}

impl Lead {
    /// Takes a token as one that was passed; `title` says that the one before it was a small word such as `mr`.
    pub(super) fn pass(&mut self, text: &str, token: &Token, title: bool) {
        let glued = token.glued;
        let mark = match token.shape {
            Shape::Mark => text.as_bytes().get(token.start).copied().unwrap_or(0),
            _ => 0,
        };
        let slashes = mark == b'/' && glued && self.last == b'/' && self.before == b':';
        let ends = matches!(
            mark,
            b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'?' | b'`'
        );
        let dotted = mark == b'.' && glued && self.last == 0 && !title;
        *self = Self {
            last: mark,
            before: if glued { self.last } else { 0 },
            dotted,
            address: slashes || (self.address && glued && !ends),
            encoded: matches!(token.shape, Shape::Code | Shape::Long) || (self.encoded && glued && !ends),
        };
    }

    /// Takes a run as passed.
    pub(super) fn pass_run(&mut self) {
        *self = Self::default();
    }

    /// Whether a token is part of code, a path or an address.
    pub(super) fn holds(self, token: &Token) -> bool {
        let word =
            !matches!(token.shape, Shape::Short | Shape::Three | Shape::Four | Shape::Five | Shape::Digits);
        token.glued
            && (self.address
                || match self.last {
                    b'/' | b'\\' | b'$' | b'@' | b'%' | b'~' => true,
                    b'#' => word,
                    b'+' => self.encoded,
                    b':' => self.before == b':',
                    b'>' => self.before == b'-',
                    b'.' => self.dotted,
                    _ => false,
                })
    }
}

/// Whether what leans on a name's first token within its run shows that it is none: a path or a member, behind words that are no name. A title
/// with its dot is short.
pub(super) fn leads(text: &str, before: &[Token]) -> bool {
    let [.., word, mark] = before else { return false };
    let glued = mark.glued && mark.shape == Shape::Mark;
    let long = word.end.saturating_sub(word.start) > MAX_TITLE_BYTES;
    match text.as_bytes().get(mark.start) {
        Some(b'/') => glued,
        Some(b'.') => glued && long && word.shape != Shape::Mark,
        _ => false,
    }
}

/// Whether a name is an identifier or a date: a letter, a dash and a digit without a blank, as in `Llama-3`, `12-Mar-1985`.
pub(super) fn is_numbered(name: &str) -> bool {
    let mut bytes = name.bytes().zip(name.bytes().skip(1)).zip(name.bytes().skip(2));
    bytes
        .any(|((letter, dash), digit)| letter.is_ascii_alphabetic() && dash == b'-' && digit.is_ascii_digit())
}

/// Whether what leans on a name from behind shows that it is none: a call, a key, a path, a version. The name ends at `end`; `lower` says that its
/// last word is in lower case, as parts of identifiers are.
pub(super) fn leans(text: &str, end: usize, lower: bool) -> bool {
    let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or(0);
    let second = byte(end.saturating_add(1));
    match byte(end) {
        b'(' | b'{' | b'[' | b'=' | b'@' => true,
        b':' | b'"' | b'\'' | b'`' => second == b':',
        b'/' if second.is_ascii_lowercase() || second == b'*' => true,
        b'.' => second.is_ascii_lowercase() || second == b'*',
        b'+' | b'/' => is_encoded(text, end.saturating_add(1)),
        b'-' if lower => second.is_ascii_alphanumeric() || second == b'>',
        b'-' => second == b'>' || (second.is_ascii_digit() && !byte(end.saturating_sub(1)).is_ascii_digit()),
        _ => false,
    }
}

/// Whether the letters and digits from a place on are base64 and no word: capitals, small letters and digits in one. A `+` alone says nothing,
/// since forms write blanks so: `name=Anna+Berg`.
fn is_encoded(text: &str, start: usize) -> bool {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let word = rest.iter().take(*ENCODED_BYTES.end()).take_while(|byte| byte.is_ascii_alphanumeric());
    let (mut bytes, mut upper, mut lower, mut digit) = (0_usize, false, false, false);
    for byte in word {
        bytes = bytes.saturating_add(1);
        upper |= byte.is_ascii_uppercase();
        lower |= byte.is_ascii_lowercase();
        digit |= byte.is_ascii_digit();
    }
    ENCODED_BYTES.contains(&bytes) && upper && lower && digit
}
