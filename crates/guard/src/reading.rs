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
        let mut rest = piece;
        while !rest.is_empty() {
            rest = self.read_plain(rest, out);
            // What is left begins with a character that takes a closer look.
            let mut characters = rest.chars();
            let Some(c) = characters.next() else { return };
            rest = characters.as_str();
            if let Some(c) = self.unescaped(c) {
                self.take(c, out, &mut carries);
            }
        }
    }

    /// Reads the letters, digits and signs of ASCII that `piece` begins with, and single spaces between them, which most of any text is; gives the rest.
    fn read_plain<'p>(&mut self, piece: &'p str, out: &mut String) -> &'p str {
        let is_within_escape = self.escapes.as_ref().is_some_and(|escape| !escape.is_plain());
        if is_within_escape {
            return piece;
        }
        let is_json = self.escapes.is_some();
        let mut after_space = self.after_space;
        let plain = piece.bytes().take_while(|byte| {
            let is_space = *byte == b' ';
            let goes_on =
                (byte.is_ascii_graphic() && !(is_json && *byte == b'\\')) || (is_space && !after_space);
            after_space = is_space;
            goes_on
        });
        let (plain, rest) = piece.split_at(plain.count());
        let Some(last) = plain.bytes().next_back() else { return piece };
        self.watch.see_shapes();
        self.after_space = last == b' ';
        let from = out.len();
        out.push_str(plain);
        if let Some(added) = out.get_mut(from..) {
            added.make_ascii_lowercase();
        }
        rest
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
    /// Whether a character that comes now stands for itself.
    fn is_plain(self) -> bool {
        matches!(self.state, State::Plain)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is between plain letters: spaces in rows, what is longer than a byte, what has no shape, what begins an escape or could end one.
    const PIECES: [&str; 24] = [
        "a",
        "Z",
        "word ",
        "  ",
        " ",
        "\t",
        "\n",
        "\u{7f}",
        "\u{0}",
        "\\",
        "\\u00e4",
        "\\ud83d",
        "\\ude00",
        "\\n",
        "\"",
        "\u{200b}",
        "\u{200b}\u{200b}\u{200b}\u{200b}",
        "\u{1f3f4}\u{e0067}",
        "\u{fe0f}",
        "\u{ff21}",
        "\u{c4}",
        "\u{1d400}",
        "\u{2019}",
        "d83d",
    ];

    /// The text, read character by character.
    fn slowly(text: &str, json: bool) -> (String, Vec<&'static str>) {
        let (mut reading, mut out, mut carried) = (Reading::new(json), String::new(), Vec::new());
        for c in text.chars() {
            if let Some(c) = reading.unescaped(c) {
                reading.take(c, &mut out, &mut |what| carried.push(what));
            }
        }
        (out, carried)
    }

    #[test]
    fn what_is_read_many_letters_at_a_time_is_what_is_read_one_by_one() {
        let mut seed = 7u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).expect("31 bits") % below
        };
        for _ in 0..20_000 {
            let text: String = (0..next(12)).map(|_| PIECES[next(PIECES.len())]).collect();
            let cut = text.char_indices().map(|(at, _)| at).nth(next(8)).unwrap_or(text.len());
            for json in [false, true] {
                let (mut reading, mut out, mut carried) = (Reading::new(json), String::new(), Vec::new());
                for piece in [&text[..cut], &text[cut..]] {
                    reading.read(piece, &mut out, |what| carried.push(what));
                }
                assert_eq!((out, carried), slowly(&text, json), "{text:?}, cut at {cut}, JSON: {json}");
            }
        }
    }
}
