//! A text as a person or a model reads it: one form for all the ways in which the same words can be written.
//!
//! Letters are small; full-width and mathematical letters are plain ones; every run of spaces, tabs and line ends is one space; typographic quotes and
//! dashes are plain; characters without a shape are not there. In JSON within a string, escapes are read.

use crate::invisible::{Seen, Watch};

/// Reads one text, in pieces.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    watch: Watch,
    /// The last character was a space, or there was none yet.
    after_space: bool,
    escapes: Option<Escape>,
}

/// Where in an escape of JSON (RFC 8259, 7) the text stands.
#[derive(Debug, Clone, Copy, Default)]
struct Escape {
    state: State,
    /// First half of a pair that stands for one character.
    high: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Plain,
    Backslash,
    /// So many digits of four, and their value.
    Digits(u8, u16),
}

/// A character that is no letter, for what cannot be read.
const UNREADABLE: char = '\u{FFFD}';

impl Reading {
    /// A text of which nothing was read yet; `json`: it is JSON, whose escapes stand for characters.
    pub(crate) fn new(json: bool) -> Self {
        Self { watch: Watch::default(), after_space: true, escapes: json.then(Escape::default) }
    }

    /// Reads a piece: appends its readable form to `out`; gives what its invisible characters carry.
    pub(crate) fn read(&mut self, piece: &str, out: &mut String, mut carries: impl FnMut(&'static str)) {
        for c in piece.chars() {
            if let Some(c) = self.unescaped(c) {
                self.take(c, out, &mut carries);
            }
        }
    }

    /// The character that `c` completes.
    fn unescaped(&mut self, c: char) -> Option<char> {
        let Some(escape) = &mut self.escapes else { return Some(c) };
        match (escape.state, c) {
            (State::Plain, '\\') => {
                escape.state = State::Backslash;
                None
            }
            (State::Plain, c) => Some(c),
            (State::Backslash, 'u') => {
                escape.state = State::Digits(0, 0);
                None
            }
            (State::Backslash, c) => {
                escape.state = State::Plain;
                Some(if matches!(c, 'n' | 'r' | 't' | 'b' | 'f') { ' ' } else { c })
            }
            (State::Digits(count, value), c) => {
                let Some(digit) = c.to_digit(16).and_then(|digit| u16::try_from(digit).ok()) else {
                    *escape = Escape::default();
                    return Some(c);
                };
                let value = value << 4 | digit;
                if count < 3 {
                    escape.state = State::Digits(count + 1, value);
                    return None;
                }
                escape.state = State::Plain;
                escape.unit(value)
            }
        }
    }

    fn take(&mut self, c: char, out: &mut String, carries: &mut impl FnMut(&'static str)) {
        match self.watch.see(c) {
            Seen::Shape => {}
            Seen::Nothing => return,
            Seen::Carries(what) => return carries(what),
        }
        if c.is_control() && !c.is_whitespace() {
            return;
        }
        if c.is_whitespace() {
            if !self.after_space {
                out.push(' ');
                self.after_space = true;
            }
            return;
        }
        self.after_space = false;
        let plain = plain(c);
        if plain.is_ascii() {
            out.push(plain.to_ascii_lowercase());
        } else {
            out.extend(plain.to_lowercase());
        }
    }
}

impl Escape {
    /// The character of a UTF-16 unit, or of a pair's second one.
    fn unit(&mut self, unit: u16) -> Option<char> {
        let first = self.high.take();
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return None;
        }
        let units = first.into_iter().chain([unit]);
        Some(char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(UNREADABLE))
    }
}

/// Letters of mathematics in the block of letterlike symbols.
const LETTERLIKE: [(char, char); 25] = [
    ('\u{2102}', 'c'),
    ('\u{210A}', 'g'),
    ('\u{210B}', 'h'),
    ('\u{210C}', 'h'),
    ('\u{210D}', 'h'),
    ('\u{210E}', 'h'),
    ('\u{2110}', 'i'),
    ('\u{2111}', 'i'),
    ('\u{2112}', 'l'),
    ('\u{2113}', 'l'),
    ('\u{2115}', 'n'),
    ('\u{2119}', 'p'),
    ('\u{211A}', 'q'),
    ('\u{211B}', 'r'),
    ('\u{211C}', 'r'),
    ('\u{211D}', 'r'),
    ('\u{2124}', 'z'),
    ('\u{2128}', 'z'),
    ('\u{212C}', 'b'),
    ('\u{212D}', 'c'),
    ('\u{212F}', 'e'),
    ('\u{2130}', 'e'),
    ('\u{2131}', 'f'),
    ('\u{2133}', 'm'),
    ('\u{2134}', 'o'),
];

/// The plain form of a character that only looks different.
fn plain(c: char) -> char {
    let from = |base: u8, offset: u32| {
        u8::try_from(offset).ok().and_then(|offset| base.checked_add(offset)).map_or(c, char::from)
    };
    let code = u32::from(c);
    match c {
        '\u{FF01}'..='\u{FF5E}' => from(b'!', code - 0xFF01),
        // Mathematical letters: alphabets of 52, large then small, one after the other; digits at the end.
        '\u{1D400}'..='\u{1D6A3}' => match (code - 0x1D400) % 52 {
            large @ 0..26 => from(b'A', large),
            small => from(b'a', small - 26),
        },
        // Mathematical letters that had a place before the others.
        '\u{2102}'..='\u{2134}' => {
            LETTERLIKE.iter().find(|(letterlike, _)| *letterlike == c).map_or(c, |(_, plain)| *plain)
        }
        '\u{1D7CE}'..='\u{1D7FF}' => from(b'0', (code - 0x1D7CE) % 10),
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{02BC}' => '\'',
        '\u{201C}'..='\u{201F}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c,
    }
}

/// A term as it reads, without spaces around it.
pub(crate) fn read_term(term: &str) -> String {
    let mut out = String::with_capacity(term.len());
    Reading::new(false).read(term, &mut out, |_| {});
    out.truncate(out.trim_end().len());
    out
}
