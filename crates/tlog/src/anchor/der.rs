//! DER (X.690), as much of it as time-stamp tokens and certificates need.
//!
//! Promises: definite and shortest lengths only; nothing is read beyond its end; what was read can be had as the very bytes. Must never: recurse by
//! itself, so that nesting is bounded by who reads.

/// What could not be read, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not DER where {0} belongs")]
pub struct DerError(pub &'static str);

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The constructed context-specific tag `[number]`, number ≤ 30.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// The primitive context-specific tag `[number]`, number ≤ 30.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Tag, length and content.
    pub(crate) whole: &'a [u8],
}

/// Elements that follow each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a> {
    rest: &'a [u8],
}

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self, what: &'static str) -> Result<Element<'a>, DerError> {
        let (element, rest) = split(self.rest).ok_or(DerError(what))?;
        self.rest = rest;
        Ok(element)
    }

    /// The content of the next element, which must have `tag`.
    pub(crate) fn expect(&mut self, tag: u8, what: &'static str) -> Result<&'a [u8], DerError> {
        match self.any(what)? {
            element if element.tag == tag => Ok(element.content),
            _ => Err(DerError(what)),
        }
    }

    /// The elements of the next element, which must have `tag`.
    pub(crate) fn enter(&mut self, tag: u8, what: &'static str) -> Result<Self, DerError> {
        Ok(Self::new(self.expect(tag, what)?))
    }

    /// The next element if it has `tag`.
    pub(crate) fn optional(&mut self, tag: u8, what: &'static str) -> Result<Option<Element<'a>>, DerError> {
        if self.rest.first() == Some(&tag) { self.any(what).map(Some) } else { Ok(None) }
    }

    /// Refuses what is left.
    pub(crate) fn finish(self, what: &'static str) -> Result<(), DerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DerError(what)) }
    }
}

/// The first element and what follows it.
fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        return None; // tags above 30 occur in nothing that is read here
    }
    let (&first, after) = after.split_first()?;
    let (length, after) = match first {
        0..=0x7f => (usize::from(first), after),
        // 0x80 is the indefinite length, which DER has not; lengths above 24 bits are beyond every limit here.
        0x81..=0x83 => {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            let shortest = if digits.len() == 1 { length > 0x7f } else { digits.first() != Some(&0) };
            (shortest.then_some(length)?, after)
        }
        _ => return None,
    };
    let (content, rest) = after.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - rest.len())?;
    Some((Element { tag, content, whole }, rest))
}

/// An element of these bytes.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    let digits = length.to_be_bytes();
    let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        // At most eight digits.
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        out.extend_from_slice(&digits);
    }
    out.extend_from_slice(content);
    out
}

/// The content of a non-negative INTEGER as a number; `None` when it is negative, not shortest or too large.
pub(crate) fn unsigned(content: &[u8]) -> Option<u64> {
    let digits = magnitude(content)?;
    (digits.len() <= 8).then(|| digits.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
}

/// The digits of a non-negative INTEGER, without leading zeros; `None` when it is negative or not in its shortest form.
pub(crate) fn magnitude(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0] => Some(&[]),
        [0, rest @ ..] if rest.first().is_some_and(|digit| *digit >= 0x80) => Some(rest),
        [] | [0 | 0x80..=0xff, ..] => None,
        digits => Some(digits),
    }
}

/// An INTEGER of these digits.
pub(crate) fn integer(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|digit| *digit >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, digits].concat())
}

/// An object identifier in dotted decimals; `None` when its bytes are none.
pub(crate) fn dotted(content: &[u8]) -> Option<String> {
    if content.last().is_none_or(|last| *last >= 0x80) {
        return None;
    }
    let (mut arcs, mut value) = (Vec::new(), 0u64);
    for byte in content {
        value = value.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if *byte < 0x80 {
            if arcs.is_empty() {
                let top = (value / 40).min(2);
                arcs.push(top.to_string());
                value -= top * 40;
            }
            arcs.push(value.to_string());
            value = 0;
        }
    }
    Some(arcs.join("."))
}

/// The bytes of an object identifier in dotted decimals; `None` when the text is none.
pub(crate) fn object_identifier(text: &str) -> Option<Vec<u8>> {
    let arcs = text.split('.').map(|arc| arc.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
    let (&[top, second], rest) = arcs.split_first_chunk::<2>()?;
    if top > 2 || (top < 2 && second >= 40) {
        return None;
    }
    let mut out = Vec::new();
    for arc in std::iter::once(top.checked_mul(40)?.checked_add(second)?).chain(rest.iter().copied()) {
        let mut digits = vec![u8::try_from(arc & 0x7f).ok()?];
        let mut left = arc >> 7;
        while left > 0 {
            digits.push(0x80 | u8::try_from(left & 0x7f).ok()?);
            left >>= 7;
        }
        out.extend(digits.into_iter().rev());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_is_read() {
        for (bytes, good) in [
            (&[0x04, 0x01, 0xff][..], true),
            (&[0x04, 0x81, 0x01, 0xff], false),
            (&[0x04, 0x80, 0xff, 0, 0], false),
            (&[0x04, 0x02, 0xff], false),
            (&[0x1f, 0x01, 0xff], false),
        ] {
            let read = Der::new(bytes).any("x").is_ok();
            assert_eq!(read, good, "two spellings of one token would be accepted: {bytes:?}");
        }
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let written = element(OCTET_STRING, &vec![7; length]);
            let read = Der::new(&written).any("x").map(|read| read.content.len());
            assert_eq!(read, Ok(length), "what is written cannot be read");
        }
    }

    #[test]
    fn numbers_and_identifiers_keep_their_value() {
        for (digits, content) in [(&[][..], &[0][..]), (&[0, 0x7f], &[0x7f]), (&[0x80], &[0, 0x80])] {
            let written = integer(digits);
            assert_eq!(written.get(2..), Some(content), "a nonce would change on its way: {digits:?}");
        }
        assert_eq!(
            (unsigned(&[0]), unsigned(&[1, 0]), unsigned(&[0xff]), unsigned(&[0, 1])),
            (Some(0), Some(256), None, None)
        );
        for text in ["1.2.3.4.1", "2.16.840.1.101.3.4.2.1", "0.4.0.2023.1.1", "1.3.6.1.5.5.7.3.8"] {
            let bytes = object_identifier(text).unwrap_or_default();
            assert_eq!(dotted(&bytes).as_deref(), Some(text), "a policy would be compared with another one");
        }
    }
}
