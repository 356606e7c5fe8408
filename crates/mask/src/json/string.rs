//! Strings of a JSON text: checked, read, written, and mapped back to where each character stands.

use std::borrow::Cow;
use std::ops::Range;

use super::fault::{JsonFault, Problem};
use crate::origins::Origins;

/// A checked JSON string as it stands in a text, quotes and escapes included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawString<'b> {
    raw: &'b str,
    escaped: bool,
}

impl<'b> RawString<'b> {
    /// Takes a string that was cut out of a body, with its quotes and nothing behind them.
    pub fn parse(raw: &'b str) -> Result<Self, JsonFault> {
        let string = Self::read(raw)?;
        if string.raw.len() < raw.len() {
            return Err(Problem::Trailing.at(string.raw.len()));
        }
        Ok(string)
    }

    /// Takes the string that a text begins with.
    pub(super) fn read(text: &'b str) -> Result<Self, JsonFault> {
        let bytes = text.as_bytes();
        match bytes.first() {
            Some(b'"') => {}
            Some(_) => return Err(Problem::Syntax.at(0)),
            None => return Err(Problem::Truncated.at(0)),
        }
        let mut at = 1;
        let mut escaped = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            at = at.saturating_add(plain.ok_or(Problem::Truncated.at(bytes.len()))?);
            match bytes.get(at) {
                Some(b'"') => {
                    let raw = text.get(..=at).unwrap_or_default();
                    return Ok(Self { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    let (_, len) =
                        escape(text.get(at..).unwrap_or_default()).map_err(|problem| problem.at(at))?;
                    at = at.saturating_add(len);
                }
                _ => return Err(Problem::Control.at(at)),
            }
        }
    }

    /// As it stands in the text, with its quotes.
    pub fn raw(&self) -> &'b str {
        self.raw
    }

    /// Between its quotes.
    fn inside(&self) -> &'b str {
        self.raw.get(1..self.raw.len().saturating_sub(1)).unwrap_or_default()
    }

    /// What it says; borrowed when it has no escape.
    pub fn value(&self) -> Cow<'b, str> {
        if !self.escaped {
            return Cow::Borrowed(self.inside());
        }
        Cow::Owned(self.unescaped().text.into_owned())
    }

    /// What it says, and where each part of that stands in [`raw`](Self::raw).
    pub fn unescaped(&self) -> Unescaped<'b> {
        let inside = self.inside();
        if !self.escaped {
            return Unescaped { text: Cow::Borrowed(inside), origins: Origins::new(1) };
        }
        let mut text = String::with_capacity(inside.len());
        let mut origins = Origins::new(1);
        let mut at = 0;
        while let Some(offset) = inside.get(at..).and_then(|rest| rest.find('\\')) {
            let start = at.saturating_add(offset);
            text.push_str(inside.get(at..start).unwrap_or_default());
            // Checked when it was read; a replacement character could only stand for a fault of ours.
            let (c, len) = escape(inside.get(start..).unwrap_or_default()).unwrap_or(('\u{fffd}', 1));
            let from = text.len();
            text.push(c);
            at = start.saturating_add(len);
            origins.push(from..text.len(), start.saturating_add(1)..at.saturating_add(1));
        }
        text.push_str(inside.get(at..).unwrap_or_default());
        Unescaped { text: Cow::Owned(text), origins }
    }
}

/// The text of a string, with a map back to the raw one.
#[derive(Clone)]
pub struct Unescaped<'b> {
    /// What the string says.
    pub text: Cow<'b, str>,
    origins: Origins,
}

impl Unescaped<'_> {
    /// Where a range of [`text`](Self::text) stands in the raw string with its quotes. The range lies on character borders;
    /// an escape is taken whole.
    pub fn raw_range(&self, range: Range<usize>) -> Range<usize> {
        self.origins.range(range)
    }

    /// Whether a place of the raw string lies within an escape.
    pub(crate) fn cuts(&self, raw: usize) -> bool {
        self.origins.cuts(raw)
    }
}

/// The character that an escape at the front of a text stands for, and the escape's length.
fn escape(text: &str) -> Result<(char, usize), Problem> {
    let simple = match text.as_bytes().get(1) {
        None => return Err(Problem::Truncated),
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(text),
        Some(_) => return Err(Problem::Escape),
    };
    Ok((simple, 2))
}

fn unicode_escape(text: &str) -> Result<(char, usize), Problem> {
    let first = code_unit(text)?;
    if !(0xd800..=0xdfff).contains(&first) {
        return Ok((char::from_u32(first).ok_or(Problem::Escape)?, 6));
    }
    let second = text.get(6..).filter(|rest| rest.starts_with("\\u")).ok_or(Problem::Escape)?;
    let second = code_unit(second)?;
    if first >= 0xdc00 || !(0xdc00..=0xdfff).contains(&second) {
        return Err(Problem::Escape);
    }
    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Ok((char::from_u32(code).ok_or(Problem::Escape)?, 12))
}

/// The four digits behind `\u`.
fn code_unit(text: &str) -> Result<u32, Problem> {
    let digits = text.as_bytes().get(2..6).ok_or(Problem::Truncated)?;
    digits.iter().try_fold(0, |unit, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or(Problem::Escape)?;
        Ok(unit << 4 | digit)
    })
}

/// A text as the inside of a JSON string; borrowed when nothing needs an escape.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_add(8));
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control @ '\0'..='\u{1f}' => {
                let code = u32::from(control);
                out.push_str("\\u00");
                for digit in [code >> 4, code & 15] {
                    out.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}
