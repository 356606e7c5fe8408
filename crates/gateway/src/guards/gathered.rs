//! The texts of one prompt or answer as services are shown them.
//!
//! Promises: each text once, in the order in which it came first; what escapes of JSON in a text stand for is there as well; bounded. Must never: leave a text
//! out without saying so ([`Gathered::is_over`]).

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use tabellion_mask::json::{Limits, Path, RawString, Scalar, Visitor, walk};
use tabellion_mask::{MAX_NESTED_JSON, SHORTEST_NUMBER};

/// Most bytes of texts that services are asked about: as many as a request's body has at most, unless an operator says otherwise.
pub(crate) const MAX_BYTES: usize = 10 << 20;
/// Most texts: a service that takes each for itself would take for ever.
const MAX_TEXTS: usize = 65_536;
/// How JSON in a text is read; it is within a body that was accepted.
const WITHIN: Limits = Limits { max_bytes: MAX_BYTES, max_depth: 64 };

/// Texts so far.
#[derive(Default)]
pub(crate) struct Gathered {
    texts: Vec<Arc<str>>,
    known: HashSet<Arc<str>>,
    bytes: usize,
    is_over: bool,
}

impl Gathered {
    /// Texts of which none can be shown.
    pub(crate) fn lost() -> Self {
        Self { is_over: true, ..Self::default() }
    }

    /// One more text.
    pub(crate) fn add(&mut self, text: &str) {
        self.add_within(text, 0);
    }

    /// A number, where it is long enough to be somebody's.
    pub(crate) fn add_number(&mut self, number: &str) {
        if number.len() >= SHORTEST_NUMBER && number.bytes().all(|byte| byte.is_ascii_digit()) {
            self.add(number);
        }
    }

    fn add_within(&mut self, text: &str, level: usize) {
        if text.trim().is_empty() || self.known.contains(text) {
            return;
        }
        if self.bytes + text.len() > MAX_BYTES || self.texts.len() == MAX_TEXTS {
            self.is_over = true;
            return;
        }
        self.bytes += text.len();
        let kept: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&kept));
        self.known.insert(kept);
        if text.trim_start().starts_with(['{', '[']) && text.contains('\\') {
            if level == MAX_NESTED_JSON {
                // What stands deeper could not be shown.
                self.is_over = true;
                return;
            }
            let mut found = Escaped(Vec::new());
            if walk(text.as_bytes(), &WITHIN, &mut found).is_ok() {
                for text in found.0 {
                    self.add_within(&text, level + 1);
                }
            } else {
                // Readers that are less strict than ours take it for JSON all the same: a member twice, half of a pair of surrogates, one level more.
                self.add_within(&unescaped(text), level + 1);
            }
        }
    }

    /// Whether there is nothing to look at.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty() && !self.is_over
    }

    /// Whether there was more than is kept.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Bytes of them.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of them.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(AsRef::as_ref).collect()
    }
}

/// A text with what the escapes of JSON (RFC 8259, 7) in it stand for, wherever they stand; half of a pair of surrogates stands for nothing, and stays.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let (stands, taken) = escape(after);
        match stands {
            Some(character) => plain.push(character),
            None => plain.push('\\'),
        }
        rest = after.get(taken..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// What an escape stands for, and how many bytes of `after`, what follows its backslash, belong to it.
fn escape(after: &str) -> (Option<char>, usize) {
    let plain = match after.as_bytes().first() {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'"') => '"',
        Some(b'/') => '/',
        Some(b'\\') => '\\',
        Some(b'u') => return unit(after),
        _ => return (None, 0),
    };
    (Some(plain), 1)
}

/// The same of `uXXXX`, and of a pair of these.
fn unit(after: &str) -> (Option<char>, usize) {
    let number = |digits: Option<&str>| {
        digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
    };
    let Some(first) = number(after.get(1..5)) else { return (None, 0) };
    let second = after.get(5..7).filter(|begin| *begin == "\\u").and_then(|_| number(after.get(7..11)));
    let pair = [Some(first), second].into_iter().flatten();
    match char::decode_utf16(pair).next() {
        Some(Ok(character)) if character.len_utf16() == 2 => (Some(character), 11),
        Some(Ok(character)) => (Some(character), 5),
        _ => (None, 0),
    }
}

/// Strings with escapes: the others can be seen as they stand.
struct Escaped(Vec<String>);

impl Escaped {
    fn take(&mut self, string: RawString<'_>) {
        if string.raw().contains('\\') {
            self.0.push(string.value().into_owned());
        }
    }
}

impl<'b> Visitor<'b> for Escaped {
    fn scalar(&mut self, _: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        if let Scalar::String(string) = scalar {
            self.take(string);
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, _: Range<usize>) {
        self.take(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Gathered {
        let mut gathered = Gathered::default();
        for text in texts {
            gathered.add(text);
        }
        gathered
    }

    #[test]
    fn each_text_is_shown_once_and_no_escape_hides_one() {
        let inner = r#"{"q":"ada\u0040example.org","plain":"x"}"#;
        let outer = serde_json::json!({ "arguments": inner }).to_string();
        let gathered = of(&["user", "hello", "user", " \n", inner, &outer]);
        assert_eq!(gathered.texts(), ["user", "hello", inner, "ada@example.org", outer.as_str()]);
        assert!(!gathered.is_over() && of(&[" "]).is_empty());
    }

    /// Requirement: N21.
    #[test]
    fn an_escape_is_shown_also_where_only_others_take_it_for_json() {
        let deep = format!("{}\"h\\u0065ron\"{}", "[".repeat(65), "]".repeat(65));
        for text in [deep.as_str(), r#"{"a":1,"a":"h\u0065ron"}"#, r#"{"a":"\ud800","b":"h\u0065ron"}"#] {
            assert!(of(&[text]).texts().iter().any(|shown| shown.contains("heron")), "{text}");
        }
        assert_eq!(unescaped(r"\ud83d\ude00 \u00e9\n\q\u12 \ud800x"), "😀 é\n\\q\\u12 \\ud800x");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let large = "x".repeat(MAX_BYTES - 1);
        assert!(!of(&[&large]).is_over());
        assert!(of(&[&large, "yy"]).is_over(), "a text would be passed over in silence");
        let mut nested = r#""\n""#.to_owned();
        for _ in 0..MAX_NESTED_JSON + 2 {
            nested = serde_json::json!([nested]).to_string();
        }
        assert!(
            of(&[&nested]).is_over(),
            "what stands in JSON in JSON in JSON would be passed over in silence"
        );
        let mut gathered = Gathered::default();
        for number in ["1767225600", "4111111111111111", "-0.0123456789"] {
            gathered.add_number(number);
        }
        assert_eq!(gathered.texts(), ["4111111111111111"]);
    }
}
