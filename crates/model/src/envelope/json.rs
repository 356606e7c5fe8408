//! JSON as others sign it: any number of RFC 8785, any layout, one meaning.
//!
//! Promises: what [`parse`] accepts has one canonical form, which [`Value::to_canonical`] writes; two members of one name, half surrogate pairs and
//! numbers that readers round differently are refused. The recursion is bounded by [`MAX_ENVELOPE_NESTING`].

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::EnvelopeError;
use super::number;

/// Most levels of arrays and objects inside each other, as the family's envelope specification (v1.4, §2) fixes for every verifier.
pub const MAX_ENVELOPE_NESTING: usize = 128;

/// A JSON value; members of objects in canonical order.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// An integer from 0 that a double holds exactly.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "compared with what it came from"
    )]
    pub(super) fn as_count(&self) -> Option<u64> {
        let Self::Number(number) = self else { return None };
        let count = *number as u64;
        (count <= crate::MAX_INTEGER && (count as f64).to_bits() == number.to_bits()).then_some(count)
    }

    /// A member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_text)
    }

    /// An object of these members.
    pub(super) fn object(members: impl IntoIterator<Item = (String, Self)>) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_by(|(left, _), (right, _)| in_order(left, right));
        Self::Object(members)
    }

    /// The bytes of RFC 8785.
    pub(super) fn to_canonical(&self) -> Vec<u8> {
        let mut out = String::new();
        self.write(&mut out);
        out.into_bytes()
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(number) => number::write(*number, out),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => write_members(members.iter().map(|(name, value)| (name, value)), out),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The canonical bytes of an object of these members, which are in canonical order.
pub(super) fn canonical_of<'v>(members: impl Iterator<Item = (&'v String, &'v Value)>) -> Vec<u8> {
    let mut out = String::new();
    write_members(members, &mut out);
    out.into_bytes()
}

fn write_members<'v>(members: impl Iterator<Item = (&'v String, &'v Value)>, out: &mut String) {
    out.push('{');
    for (position, (name, value)) in members.enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        value.write(out);
    }
    out.push('}');
}

/// RFC 8785 §3.2.2.2.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// RFC 8785 §3.2.3: by UTF-16 code units.
fn in_order(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Reads one JSON text in any layout.
pub(super) fn parse(bytes: &[u8], limit: usize) -> Result<Value, EnvelopeError> {
    if bytes.len() > limit {
        return Err(EnvelopeError::TooLarge { size: bytes.len(), limit });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| EnvelopeError::NotJson { at: error.valid_up_to() })?;
    let mut reader = Reader { rest: text, size: text.len() };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.not_json()) }
}

/// What is still to be read.
struct Reader<'t> {
    rest: &'t str,
    size: usize,
}

impl<'t> Reader<'t> {
    fn at(&self) -> usize {
        self.size - self.rest.len()
    }

    fn not_json(&self) -> EnvelopeError {
        EnvelopeError::NotJson { at: self.at() }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes `token` when it comes next.
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the next `count` bytes; `None` past the end or within a character.
    fn take(&mut self, count: usize) -> Option<&'t str> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn value(&mut self, depth: usize) -> Result<Value, EnvelopeError> {
        self.skip_space();
        match self.rest.bytes().next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.text().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.takes("true") => Ok(Value::Bool(true)),
            _ if self.takes("false") => Ok(Value::Bool(false)),
            _ if self.takes("null") => Ok(Value::Null),
            _ => Err(self.not_json()),
        }
    }

    fn open(&mut self, bracket: &str, depth: usize) -> Result<usize, EnvelopeError> {
        if depth == MAX_ENVELOPE_NESTING {
            return Err(EnvelopeError::TooDeep { at: self.at() });
        }
        let _ = self.takes(bracket);
        self.skip_space();
        Ok(depth + 1)
    }

    fn list(&mut self, depth: usize) -> Result<Value, EnvelopeError> {
        let depth = self.open("[", depth)?;
        let mut items = Vec::new();
        if self.takes("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            if self.takes("]") {
                return Ok(Value::List(items));
            }
            if !self.takes(",") {
                return Err(self.not_json());
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, EnvelopeError> {
        let start = self.at();
        let depth = self.open("{", depth)?;
        let mut members = Vec::new();
        if self.takes("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if !self.rest.starts_with('"') {
                return Err(self.not_json());
            }
            let name = self.text()?;
            self.skip_space();
            if !self.takes(":") {
                return Err(self.not_json());
            }
            members.push((name, self.value(depth)?));
            self.skip_space();
            if self.takes("}") {
                break;
            }
            if !self.takes(",") {
                return Err(self.not_json());
            }
        }
        let object = Value::object(members);
        let Value::Object(members) = &object else { return Err(self.not_json()) };
        let is_twice = |pair: &[(String, Value)]| matches!(pair, [(left, _), (right, _)] if left == right);
        if members.windows(2).any(is_twice) {
            return Err(EnvelopeError::DuplicateMember { at: start });
        }
        Ok(object)
    }

    fn number(&mut self) -> Result<Value, EnvelopeError> {
        let at = self.at();
        let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let count = self.rest.bytes().take_while(|byte| is_part(*byte)).count();
        let text = self.take(count).unwrap_or_default();
        number::read(text).map(Value::Number).ok_or(EnvelopeError::Number { at })
    }

    fn text(&mut self) -> Result<String, EnvelopeError> {
        let _ = self.takes("\"");
        let mut out = String::new();
        loop {
            let plain =
                self.rest.find(|c| c == '"' || c == '\\' || c < ' ').ok_or_else(|| self.not_json())?;
            out.push_str(self.take(plain).unwrap_or_default());
            if self.takes("\"") {
                return Ok(out);
            }
            if !self.takes("\\") {
                return Err(self.not_json());
            }
            out.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, EnvelopeError> {
        let at = self.at();
        let malformed = EnvelopeError::NotJson { at };
        match self.take(1) {
            Some("\"") => Ok('"'),
            Some("\\") => Ok('\\'),
            Some("/") => Ok('/'),
            Some("b") => Ok('\u{8}'),
            Some("f") => Ok('\u{c}'),
            Some("n") => Ok('\n'),
            Some("r") => Ok('\r'),
            Some("t") => Ok('\t'),
            Some("u") => {
                let first = self.code_unit().ok_or(malformed)?;
                if let Some(plain) = char::from_u32(first) {
                    return Ok(plain);
                }
                let second = if self.takes("\\u") { self.code_unit() } else { None };
                pair(first, second).ok_or(EnvelopeError::LoneSurrogate { at })
            }
            _ => Err(malformed),
        }
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.take(4).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    }
}

/// The character of a surrogate pair.
fn pair(high: u32, low: Option<u32>) -> Option<char> {
    let high = high.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let low = low?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x1_0000 + (high << 10) + low)
}
