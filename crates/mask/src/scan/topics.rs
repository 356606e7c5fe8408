//! What the words around a number say it is. Promises that a word counts as a whole word (`lic` is not in `public`), that
//! only words near by count, and that each word is looked up once however many numbers stand around it.

use super::window::{Window, note};
use super::words::{is_unspaced, lookup, unspaced_at};

/// How far before a value a word may begin.
const REACH_BYTES: usize = 80;
/// How far behind a value a word may begin.
pub(crate) const REACH_BEHIND_BYTES: usize = 40;
/// Words behind a value that are looked at.
const WORDS_BEHIND: usize = 6;
/// Bytes of the last word behind a value that are read: what is longer says nothing there.
const WORD_BYTES_BEHIND: usize = 16;
/// Longer words are none.
const MAX_WORD_BYTES: usize = 40;
/// Words with a meaning that are kept. More within reach is a list of field names, of which the nearest count.
const KEPT: usize = 8;

/// A set of subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topics(pub(crate) u128);

impl Topics {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn touches(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A word with a meaning.
#[derive(Clone, Copy, Default)]
struct Hit {
    start: usize,
    topics: Topics,
}

/// The words before the place that a scan has come to, and what the field's name says of the whole text.
pub(crate) struct Nearby {
    field: Topics,
    at: usize,
    hits: [Hit; KEPT],
    next: usize,
}

impl Nearby {
    pub(crate) fn new(field: Topics) -> Self {
        Self { field, at: 0, hits: [Hit::default(); KEPT], next: 0 }
    }

    /// What the words before a place say.
    pub(crate) fn before(&mut self, window: &Window<'_>, start: usize) -> Topics {
        self.within(window, start, REACH_BYTES)
    }

    /// What the words say that begin so many bytes before a place, or nearer.
    pub(crate) fn within(&mut self, window: &Window<'_>, start: usize, reach: usize) -> Topics {
        self.read(window, start);
        let near = |hit: &&Hit| hit.start >= start.saturating_sub(reach) && hit.start < start;
        self.hits.iter().filter(near).fold(self.field, |all, hit| all.or(hit.topics))
    }

    /// Reads on. Places are asked for in their order, but for a few bytes.
    fn read(&mut self, window: &Window<'_>, until: usize) {
        // Words further back are out of reach, from here and from all that is still to come.
        self.at = self.at.max(until.saturating_sub(REACH_BYTES.saturating_add(MAX_WORD_BYTES)));
        while !window.text.is_char_boundary(self.at) {
            self.at = self.at.saturating_add(1);
        }
        let bytes = window.text.as_bytes().get(..until).unwrap_or_default();
        while self.at < until {
            let (end, topics) = piece(bytes, self.at);
            if let (true, Some(hit)) = (topics != Topics::NONE, self.hits.get_mut(self.next)) {
                *hit = Hit { start: self.at, topics };
                self.next = self.next.saturating_add(1) % KEPT;
            }
            self.at = end;
        }
    }
}

/// What the words that begin up to `reach` bytes behind a value say, on its line.
pub(crate) fn behind(window: &Window<'_>, end: usize, reach: usize) -> Topics {
    let ahead = window.ahead(end, reach.saturating_add(WORD_BYTES_BEHIND));
    let line = ahead.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(ahead.len());
    let line = ahead.get(..line).unwrap_or_default();
    let (mut at, mut words, mut all) = (0, 0_usize, Topics::NONE);
    while at < line.len().min(reach) && words < WORDS_BEHIND {
        let (end, topics) = piece(line, at);
        words =
            words.saturating_add(usize::from(line.get(at).is_some_and(|byte| is_letter(line, at, *byte))));
        all = all.or(topics);
        at = end;
    }
    all
}

/// What a name of a field says: `phoneNumber`, `customer_ssn`, `e-mail`.
pub(crate) fn topics_of(name: &str) -> Topics {
    let name = name.as_bytes().get(..name.len().min(2 * MAX_WORD_BYTES)).unwrap_or_default();
    let (mut at, mut all) = (0, Topics::NONE);
    while at < name.len() {
        let (end, topics) = piece(name, at);
        all = all.or(topics);
        at = end;
    }
    // `apiKey` and `api_key` are one word that was cut in two.
    let joined: Vec<u8> = name.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    all.or(lookup(&joined))
}

/// The end of the word or separator here, and what the word says.
fn piece(text: &[u8], at: usize) -> (usize, Topics) {
    let first = text.get(at).copied().unwrap_or(0);
    if !is_letter(text, at, first) {
        note(1);
        return (at.saturating_add(char_len(first)), Topics::NONE);
    }
    if is_unspaced(first) {
        let rest = text.get(at..).unwrap_or_default();
        return (at.saturating_add(char_len(first)), unspaced_at(rest));
    }
    let (mut end, mut hump) = (at, None);
    let mut previous = b'A';
    while let Some(byte) = text.get(end).copied() {
        if !byte.is_ascii_alphabetic()
            && (byte.is_ascii() || !is_letter(text, end, byte) || is_unspaced(byte))
        {
            break;
        }
        if previous.is_ascii_lowercase() && byte.is_ascii_uppercase() && hump.is_none() {
            hump = Some(end);
        }
        previous = byte;
        end = end.saturating_add(char_len(byte));
    }
    let word = |end: usize| {
        let word = text.get(at..end.min(text.len())).unwrap_or_default();
        note(word.len());
        if word.len() > MAX_WORD_BYTES { Topics::NONE } else { lookup(word) }
    };
    // `IdNr` is a word, `userPhone` is two.
    match hump {
        Some(hump) if word(end) == Topics::NONE => (hump, word(hump)),
        _ => (end, word(end)),
    }
}

/// Whether a character is part of a word, by its first bytes: punctuation beyond ASCII is not.
fn is_letter(text: &[u8], at: usize, byte: u8) -> bool {
    match byte {
        // The letter of an escape such as `\\n` is not the front of the word behind it.
        b'n' | b'r' | b't' => at.checked_sub(1).and_then(|before| text.get(before)) != Some(&b'\\'),
        byte if byte.is_ascii() => byte.is_ascii_alphabetic(),
        0xc2 | 0xe2 | 0xef.. => false,
        0xe3 => text.get(at.saturating_add(1)).is_some_and(|next| *next != 0x80),
        _ => true,
    }
}

/// Bytes of the character that begins so.
fn char_len(first: u8) -> usize {
    match first {
        0..=0xbf => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    }
}
