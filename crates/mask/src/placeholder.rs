//! The form of a placeholder, `<EMAIL_7Q2K4F>`, and how it is recognised after a model has had it in its hands.
//!
//! Recognised in any case, with escapes added (`\_`, `\<`, `&lt;`, `\u003c`), without its brackets, between quotes and
//! before a possessive. What is recognised may still be one that nobody issued.

use std::ops::Range;

use crate::class::Class;

/// Characters of a code: 6 of 32, thirty bits.
pub(crate) const CODE_LEN: usize = 6;
/// Characters of a digest that stands for a value: 16 of 32, eighty bits, so that of a million values no two are likely to share one.
const HASH_LEN: usize = 16;
/// The bytes of a digest in it.
const HASH_BYTES: usize = 10;
/// Digits and letters without those that are mistaken for others (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Most backslashes in a row that still are escapes of a bracket or underscore: two levels of JSON around Markdown's own.
const MAX_BACKSLASHES: usize = 8;
/// Letters of the longest label.
const MAX_LABEL: usize = 13;
/// Most bytes of a placeholder as it may come back: brackets as `u003c` or `&lt;`, a label, a code, three runs of backslashes.
pub(crate) const MAX_PLACEHOLDER_BYTES: usize = 3 * MAX_BACKSLASHES + 5 + MAX_LABEL + 1 + CODE_LEN + 5;

/// The placeholder as it is issued.
pub(crate) fn write(class: Class, code: [u8; CODE_LEN]) -> String {
    format!("<{}_{}>", class.label(), String::from_utf8_lossy(&code))
}

/// The code in the first thirty bits of a digest.
pub(crate) fn code_of(digest: &[u8; 32]) -> [u8; CODE_LEN] {
    let [a, b, c, d, ..] = *digest;
    let bits = u32::from_be_bytes([a, b, c, d]);
    let mut code = [b'0'; CODE_LEN];
    for (place, letter) in code.iter_mut().enumerate() {
        let index = (bits >> (27_usize.saturating_sub(5 * place))) & 31;
        *letter = ALPHABET.get(index as usize).copied().unwrap_or(b'0');
    }
    code
}

/// A digest in place of a value, which nobody gives back: no code of a placeholder has this sign before it or so many characters.
pub(crate) fn write_hash(class: Class, digest: &[u8; 32]) -> String {
    let bits = digest.iter().take(HASH_BYTES).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letters = (0..HASH_LEN).rev().map(|place| {
        let index = (bits >> (5 * place)) & 31;
        char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'0'))
    });
    format!("<{}#{}>", class.label(), letters.collect::<String>())
}

/// What stands at a place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// No placeholder begins here.
    No,
    /// What follows the text decides.
    More,
    /// A placeholder, issued or not.
    Here {
        /// With its brackets and escapes.
        range: Range<usize>,
        class: Class,
        code: [u8; CODE_LEN],
    },
}

/// Whether a placeholder can begin with this byte.
pub(crate) fn may_begin(byte: u8) -> bool {
    matches!(byte, b'<' | b'&' | b'\\') || byte.is_ascii_alphabetic()
}

/// The placeholder that begins at a place, where `more` says that text may follow.
pub(crate) fn at(text: &str, start: usize, more: bool) -> Place {
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).and_then(|place| bytes.get(place)).copied();
    let reader = Reader { bytes, more };
    match reader.placeholder(start, before) {
        Ok((range, class, code)) => Place::Here { range, class, code },
        Err(Stop::No) => Place::No,
        Err(Stop::More) => Place::More,
    }
}

enum Stop {
    No,
    More,
}

/// How a bracket may come back.
struct Forms {
    plain: [&'static [u8]; 2],
    /// Behind a backslash.
    escaped: &'static [u8],
}

const OPENING: Forms = Forms { plain: [b"<", b"&lt;"], escaped: b"u003c" };
const CLOSING: Forms = Forms { plain: [b">", b"&gt;"], escaped: b"u003e" };

/// A bracket that was found.
#[derive(Clone, Copy)]
struct Bracket {
    /// Where it begins without the backslashes that may not be its own.
    sign: usize,
    end: usize,
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    bytes: &'t [u8],
    more: bool,
}

impl Reader<'_> {
    fn placeholder(
        self,
        start: usize,
        before: Option<u8>,
    ) -> Result<(Range<usize>, Class, [u8; CODE_LEN]), Stop> {
        if before == Some(b'\\') && self.bytes.get(start) == Some(&b'\\') {
            return Err(Stop::No); // within a run of backslashes that was too long at its front
        }
        let word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if word && self.bytes.get(start).is_some_and(u8::is_ascii_alphabetic) {
            return Err(Stop::No);
        }
        let open = self.bracket(start, &OPENING)?;
        if open.is_none() && word {
            return Err(Stop::No);
        }
        let label = open.map_or(start, |open| open.end);
        let (class, end) = self.label(label)?;
        let underscore = self.backslashes(end)?;
        let escaped = underscore > end;
        let code_at = self.literal(underscore, b"_")?.ok_or(Stop::No)?;
        let (code, end) = self.code(code_at)?;
        if let Some(open) = open
            && let Some(close) = self.bracket(end, &CLOSING)?
        {
            // Backslashes before the placeholder may be the text's own (`DOMAIN\<EMAIL_…>`): they go with it when it is
            // escaped elsewhere too.
            let from = if escaped || close.sign > end { start } else { open.sign };
            return Ok((from..close.end, class, code));
        }
        match self.bytes.get(end) {
            None if self.more => Err(Stop::More),
            Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_' => Err(Stop::No),
            // An opening bracket without its partner belongs to the text.
            _ => Ok((label..end, class, code)),
        }
    }

    /// The bracket here, if there is one.
    fn bracket(self, at: usize, forms: &Forms) -> Result<Option<Bracket>, Stop> {
        let sign = self.backslashes(at)?;
        for form in forms.plain {
            if let Some(end) = self.literal(sign, form)? {
                return Ok(Some(Bracket { sign, end }));
            }
        }
        let count = sign.saturating_sub(at);
        if count == 0 {
            return Ok(None);
        }
        // The last backslash is the escape's own; of an even number the one before escapes that.
        let sign = sign.saturating_sub(if count.is_multiple_of(2) { 2 } else { 1 });
        Ok(self.literal(at.saturating_add(count), forms.escaped)?.map(|end| Bracket { sign, end }))
    }

    /// Behind the backslashes here; none of them when they are too many.
    fn backslashes(self, at: usize) -> Result<usize, Stop> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| **byte == b'\\').take(MAX_BACKSLASHES + 1).count();
        if count > MAX_BACKSLASHES {
            return Err(Stop::No);
        }
        if count == rest.len() && self.more { Err(Stop::More) } else { Ok(at.saturating_add(count)) }
    }

    /// Behind these bytes in any case, if they are here.
    fn literal(self, at: usize, wanted: &[u8]) -> Result<Option<usize>, Stop> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let known = rest.len().min(wanted.len());
        let same = rest.iter().zip(wanted).all(|(byte, want)| byte.eq_ignore_ascii_case(want));
        match (same, known == wanted.len()) {
            (true, true) => Ok(Some(at.saturating_add(known))),
            (true, false) if self.more => Err(Stop::More),
            _ => Ok(None),
        }
    }

    fn label(self, at: usize) -> Result<(Class, usize), Stop> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let len = rest.iter().take(MAX_LABEL + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let front = rest.get(..len).unwrap_or_default();
        if len == rest.len() && self.more {
            return Err(if len <= MAX_LABEL && Class::any_label_begins(front) {
                Stop::More
            } else {
                Stop::No
            });
        }
        let class = Class::from_label(front).ok_or(Stop::No)?;
        Ok((class, at.saturating_add(len)))
    }

    fn code(self, at: usize) -> Result<([u8; CODE_LEN], usize), Stop> {
        let mut code = [b'0'; CODE_LEN];
        let mut end = at;
        for letter in &mut code {
            match self.bytes.get(end).map(u8::to_ascii_uppercase) {
                Some(byte) if ALPHABET.contains(&byte) => *letter = byte,
                None if self.more => return Err(Stop::More),
                _ => return Err(Stop::No),
            }
            end = end.saturating_add(1);
        }
        Ok((code, end))
    }
}
