//! A text that is looked at from a place within it, never outside its bounds. Promises that a question about what lies past
//! the end of an unfinished text is told from one about the end of a finished one.

use std::cell::Cell;
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

/// Bytes that begin or mark a value: digits; the at sign and what may be an escaped one; what stands behind the name of a
/// secret and between the groups of an address; what stands in the prefix of a key.
const TRIGGERS: [bool; 256] = {
    let mut table = [false; 256];
    let mut bytes: &[u8] = b"0123456789@%\\:=-_";
    while let [byte, rest @ ..] = bytes {
        let (front, _) = table.split_at_mut(*byte as usize + 1);
        if let Some(place) = front.last_mut() {
            *place = true;
        }
        bytes = rest;
    }
    table
};

/// What a check says that [`settle`](Window::settle) was asked about.
pub(crate) enum Answer<T> {
    No,
    More,
    Found(T),
}

/// The text and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Window<'t> {
    pub(crate) text: &'t str,
    /// End of the last finding; no value begins before it.
    pub(crate) floor: usize,
    /// Whether text may follow.
    pub(crate) more: bool,
    /// Whether something was asked that only text still to come can answer.
    short: Cell<bool>,
}

impl<'t> Window<'t> {
    pub(crate) const fn new(text: &'t str, floor: usize, more: bool) -> Self {
        Self { text, floor, more, short: Cell::new(false) }
    }

    /// What a check comes to that asks with [`at`](Self::at) and [`ahead`](Self::ahead) alone: where it had to look past the
    /// end of an unfinished text, whatever it answered, what follows decides. That is all a check has to do for streams.
    pub(crate) fn settle<T>(&self, check: impl FnOnce(&Self) -> Option<T>) -> Answer<T> {
        self.short.set(false);
        match check(self) {
            _ if self.short.get() => Answer::More,
            Some(found) => Answer::Found(found),
            None => Answer::No,
        }
    }

    /// The byte here; 0 behind the end.
    #[inline]
    pub(crate) fn at(&self, at: usize) -> u8 {
        note(1);
        if let Some(byte) = self.text.as_bytes().get(at) {
            return *byte;
        }
        self.short.set(self.short.get() || self.more);
        0
    }

    /// The byte before; 0 at the front.
    #[inline]
    pub(crate) fn before(&self, at: usize) -> u8 {
        self.byte_before(at).unwrap_or(0)
    }

    /// So many bytes from here, or what there is of them.
    #[inline]
    pub(crate) fn ahead(&self, at: usize, count: usize) -> &'t [u8] {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        if let Some(bytes) = rest.get(..count) {
            return bytes;
        }
        self.short.set(self.short.get() || self.more);
        rest
    }

    /// First byte from here, `limit` bytes on at most, that is not `wanted`.
    #[inline]
    pub(crate) fn end_of(&self, from: usize, limit: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let mut at = from;
        while at.saturating_sub(from) < limit && wanted(self.at(at)) {
            at = at.saturating_add(1);
        }
        at
    }

    /// First byte of what is `wanted` and ends here, `limit` bytes back at most and not before the last finding.
    #[inline]
    pub(crate) fn start_of(&self, end: usize, limit: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let mut at = end;
        while at > self.floor && end.saturating_sub(at) < limit && wanted(self.before(at)) {
            at = at.saturating_sub(1);
        }
        at
    }

    #[inline]
    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        note(1);
        self.text.as_bytes().get(at).copied()
    }

    #[inline]
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

    /// The next byte that can begin or mark a value.
    #[inline]
    pub(crate) fn next_trigger(&self, from: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(from..)?;
        let offset = rest.iter().position(|byte| TRIGGERS.get(usize::from(*byte)) == Some(&true))?;
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

    /// First byte behind the letters and digits that begin here.
    pub(crate) fn run_end(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        note(run.saturating_add(1));
        from.saturating_add(run)
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
        self.before_token(start)
    }

    /// Where what belongs to the token that begins here may begin: a bracket (`(415) 555-0132`), two letters and a blank
    /// (`AB 12 34 56 C`), a month (`March 12`).
    fn before_token(&self, start: usize) -> usize {
        let before = |at: usize| self.byte_before(at).unwrap_or(0);
        let further = match before(start) {
            b'(' if self.byte(start).is_none_or(|byte| byte.is_ascii_digit() || byte == b'+') => {
                start.saturating_sub(1)
            }
            b' ' => match super::two_letters(self, start) {
                Some(letters) => letters,
                None => super::date::month_start(self, start).unwrap_or(start),
            },
            _ => start,
        };
        if further < self.floor { start } else { further }
    }
}

/// Counts bytes looked at, for the test that holds a scan to its cost; nothing otherwise.
pub(crate) fn note(bytes: usize) {
    #[cfg(test)]
    super::cost::note(bytes);
    #[cfg(not(test))]
    let _ = bytes;
}
