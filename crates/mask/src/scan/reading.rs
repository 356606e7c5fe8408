//! A text as it is read at last: what `\uXXXX` stands for, however often it was escaped, and digits without what nobody
//! sees between them.
//!
//! Promises: one pass, whatever the text; and a way back, so that a value is replaced with all the escapes that wrote it.

use std::ops::Range;

use super::window::note;
use crate::origins::Origins;

/// Bytes of an escape: a backslash, `u` and four digits.
const ESCAPE_LEN: usize = 6;
/// Bytes that are looked at together.
const CHUNK: usize = 64;

/// The text, and where it stands in the one it was read from.
pub(crate) struct Reading {
    pub(crate) text: String,
    origins: Origins,
}

impl Reading {
    /// None when the text is read as it is written.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if !may_differ(text) {
            return None;
        }
        let mut reading = Self { text: String::with_capacity(text.len()), origins: Origins::new(0) };
        for (at, c) in text.char_indices() {
            let behind = at.saturating_add(c.len_utf8());
            if is_invisible(c) && reading.joins() {
                reading.leave_out(at..behind);
                continue;
            }
            reading.text.push(c);
            if c.is_ascii_hexdigit() {
                reading.resolve(behind);
            }
        }
        (!reading.origins.is_empty()).then_some(reading)
    }

    /// Where a range stands in the text that was read.
    pub(crate) fn written(&self, range: Range<usize>) -> Range<usize> {
        self.origins.range(range)
    }

    /// Whether a range of the text that was read has whole escapes only.
    pub(crate) fn is_whole(&self, written: &Range<usize>) -> bool {
        !self.origins.cuts(written.start) && !self.origins.cuts(written.end)
    }

    /// Whether what is invisible here is left out: behind a digit, or a letter of an account number.
    fn joins(&self) -> bool {
        self.text.bytes().next_back().is_some_and(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    }

    fn leave_out(&mut self, raw: Range<usize>) {
        let at = self.text.len();
        self.origins.push(at..at, raw);
    }

    /// Makes characters of the escapes that the text ends with. One may complete another: `\u005cu0034`, `\u003\u0034`.
    fn resolve(&mut self, raw_end: usize) {
        while let Some((start, c)) = self.escape() {
            let raw = self.origins.place(start)..raw_end;
            self.origins.truncate(start);
            self.text.truncate(start);
            if is_invisible(c) && self.joins() {
                return self.leave_out(raw);
            }
            self.text.push(c);
            self.origins.push(start..self.text.len(), raw);
        }
    }

    /// The escape that the text ends with: where it begins and what it stands for. All backslashes before it are its own,
    /// since each string within a string doubles them.
    fn escape(&self) -> Option<(usize, char)> {
        let (at, unit) = self.unit(self.text.len())?;
        if !(0xd800..=0xdfff).contains(&unit) {
            return Some((at, char::from_u32(unit)?));
        }
        let (at, high) = self.unit(at).filter(|(_, high)| (0xd800..0xdc00).contains(high))?;
        let code = 0x1_0000 + ((high - 0xd800) << 10) + unit.checked_sub(0xdc00)?;
        Some((at, char::from_u32(code)?))
    }

    /// The code unit whose escape ends at a place, and where that begins.
    fn unit(&self, end: usize) -> Option<(usize, u32)> {
        let at = end.checked_sub(ESCAPE_LEN)?;
        let bytes = self.text.as_bytes();
        let [b'\\', b'u', digits @ ..] = bytes.get(at..end)? else { return None };
        let unit = digits.iter().try_fold(0, |unit, byte| {
            let digit = char::from(*byte).to_digit(16)?;
            Some(unit << 4 | digit)
        })?;
        let before = bytes.get(..at)?.iter().rev().take_while(|byte| **byte == b'\\').count();
        note(before);
        Some((at.saturating_sub(before), unit))
    }
}

/// The value with its escapes resolved; the same value for every writing of it.
pub(crate) fn resolved(value: &str) -> std::borrow::Cow<'_, str> {
    match Reading::of(value) {
        Some(reading) => reading.text.into(),
        None => value.into(),
    }
}

/// Whether the text has anything that is read otherwise than it is written. Most has not, and costs a glance.
fn may_differ(text: &str) -> bool {
    let special = |chunk: &[u8]| {
        chunk.iter().fold(0, |bits, byte| bits | (byte & 0x80) | u8::from(*byte == b'\\')) != 0
    };
    text.as_bytes().chunks(CHUNK).any(special) && (text.contains("\\u") || text.contains(is_invisible))
}

/// Characters that have no width, so that a number reads the same with and without them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}
