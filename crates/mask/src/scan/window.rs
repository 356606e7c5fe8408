//! A text that is looked at from a place within it, never outside its bounds. Promises that a question about what lies past
//! the end of an unfinished text is told from one about the end of a finished one.

use std::ops::Range;

use super::email;

/// What a check around one place says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// No value here, whatever follows.
    No,
    /// What follows the text decides.
    More,
    /// A value.
    Found(Range<usize>),
}

/// The text and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'t> {
    pub(crate) text: &'t str,
    /// End of the last finding; no value begins before it.
    pub(crate) floor: usize,
    /// Whether text may follow.
    pub(crate) more: bool,
}

impl<'t> Window<'t> {
    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        note(1);
        self.text.as_bytes().get(at).copied()
    }

    pub(crate) fn byte_before(&self, at: usize) -> Option<u8> {
        self.byte(at.checked_sub(1)?)
    }

    pub(crate) fn char_at(&self, at: usize) -> Option<char> {
        match self.byte(at)? {
            byte if byte.is_ascii() => Some(char::from(byte)),
            _ => self.text.get(at..)?.chars().next(),
        }
    }

    pub(crate) fn char_before(&self, at: usize) -> Option<char> {
        match self.byte_before(at)? {
            byte if byte.is_ascii() => Some(char::from(byte)),
            _ => self.text.get(..at)?.chars().next_back(),
        }
    }

    /// The text from a place on.
    pub(crate) fn from(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or_default()
    }

    /// The text up to a place.
    pub(crate) fn until(&self, at: usize) -> &'t str {
        self.text.get(..at).unwrap_or_default()
    }

    /// Whether what stands at this place is not known yet.
    pub(crate) fn unknown(&self, at: usize) -> bool {
        self.more && at >= self.text.len()
    }

    /// The next byte that can begin or mark a value: a digit, an at sign, or what can be an escaped at sign.
    pub(crate) fn next_trigger(&self, from: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(from..)?;
        let offset = rest.iter().position(|byte| matches!(byte, b'0'..=b'9' | b'@' | b'%' | b'\\'))?;
        note(offset);
        Some(from.saturating_add(offset))
    }

    /// First byte behind the digits that begin here.
    pub(crate) fn digits_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        note(digits.saturating_add(1));
        from.saturating_add(digits)
    }

    /// Whether a value may begin here as far as its left neighbour goes: not behind an ASCII letter or digit, unless that
    /// belongs to an escape (`\n`, `%2C`).
    pub(crate) fn begins_apart(&self, at: usize) -> bool {
        match self.byte_before(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => self.behind_escape(at),
            _ => true,
        }
    }

    /// Whether an escape such as `\n` or `%2C` ends here. Text quotes JSON and URLs without being either.
    pub(crate) fn behind_escape(&self, at: usize) -> bool {
        let before = self.until(at).as_bytes();
        match before {
            [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
            [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
            _ => false,
        }
    }

    /// Where the token that ends here begins: text that may turn out to be the local part of an address, so many bytes of
    /// it at most.
    pub(crate) fn token_start(&self, end: usize, max_bytes: usize) -> usize {
        if !self.more {
            return end;
        }
        let mut start = end;
        while let Some(before) = self.char_before(start) {
            let next = start.saturating_sub(before.len_utf8());
            let within = end.saturating_sub(next) <= max_bytes && next >= self.floor;
            if !within || !(email::is_local(before) || before == '\\') {
                break;
            }
            start = next;
        }
        start
    }
}

/// Counts bytes looked at, for the test that holds a scan to its cost; nothing otherwise.
pub(crate) fn note(bytes: usize) {
    #[cfg(test)]
    super::cost::note(bytes);
    #[cfg(not(test))]
    let _ = bytes;
}
