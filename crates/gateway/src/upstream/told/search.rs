//! A key looked for in bytes that come in pieces.
//!
//! Promises: it is found as it is sent and as JSON writes it, each of its characters in either form, however the bytes are cut; what could be the beginning of it is told, so that
//! it can wait. Where no byte of a piece begins it, looking costs one pass for that byte. Must never: show the key.

use std::mem;

use bytes::{Bytes, BytesMut};
use hyper::header::HeaderValue;
use memchr::memchr2;
use zeroize::Zeroizing;

/// What stands before a key in its header.
const BEARER: &[u8] = b"Bearer ";
/// How an escape of JSON begins.
const ESCAPE: u8 = b'\\';
/// Where an escape stands that has begun: behind its backslash, and behind its `u`. Three more steps are digits, and the last one ends it.
const BACKSLASH: u8 = 1;
const LETTER: u8 = 2;

/// The key is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told;

/// A place at which the key may have begun.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Candidate {
    /// Where.
    from: u64,
    /// Bytes of the key that are there.
    matched: usize,
    /// How far the next one is written, where it is written as an escape.
    escape: u8,
}

/// Looks for one provider's key. It has no `Debug`, which would show it.
pub(crate) struct KeySearch {
    /// As it stands in its header.
    line: HeaderValue,
    /// Sorted by where they begin, no two in the same state: six for each byte of the key at most.
    live: Vec<Candidate>,
    /// Room for the next step.
    spare: Vec<Candidate>,
}

impl KeySearch {
    /// For the key in the value of this header.
    pub(crate) fn new(line: &HeaderValue) -> Self {
        Self { line: line.clone(), live: Vec::new(), spare: Vec::new() }
    }

    /// One for the same key that has seen nothing.
    pub(crate) fn anew(&self) -> Self {
        Self::new(&self.line)
    }

    /// The key.
    pub(super) fn key(&self) -> &[u8] {
        let line = self.line.as_bytes();
        line.strip_prefix(BEARER).unwrap_or(line)
    }

    /// The key as it stands in the name of a header, which is in small letters whatever was sent.
    pub(super) fn in_names(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key().to_ascii_lowercase())
    }

    /// How long the key is, in bytes.
    pub(crate) fn key_bytes(&self) -> usize {
        self.key().len()
    }

    /// Whether anything in `bytes` could be the beginning of it.
    pub(crate) fn begins_in(&self, bytes: &[u8]) -> bool {
        self.next_start(bytes).is_some()
    }

    fn next_start(&self, bytes: &[u8]) -> Option<usize> {
        memchr2(*self.key().first()?, ESCAPE, bytes)
    }

    /// Takes in the bytes at `at`, which follow those before.
    pub(crate) fn push(&mut self, bytes: &[u8], at: u64) -> Result<(), Told> {
        let (mut rest, mut at) = (bytes, at);
        loop {
            if self.live.is_empty() {
                let Some(skipped) = self.next_start(rest) else { return Ok(()) };
                rest = rest.get(skipped..).unwrap_or_default();
                at += skipped as u64;
            }
            let Some((byte, after)) = rest.split_first() else { return Ok(()) };
            self.step(*byte, at)?;
            (rest, at) = (after, at + 1);
        }
    }

    /// Whether it is in `bytes`, which are all that there is.
    pub(crate) fn is_in(&mut self, bytes: &[u8]) -> bool {
        self.forget();
        let found = self.push(bytes, 0).is_err();
        self.forget();
        found
    }

    /// What follows does not go on with what was.
    pub(crate) fn forget(&mut self) {
        self.live.clear();
    }

    /// Where the key may have begun that is not there whole yet: the first such place.
    pub(crate) fn begun(&self) -> Option<u64> {
        self.live.first().map(|candidate| candidate.from)
    }

    /// Most bytes of the key that may be there.
    pub(crate) fn matched(&self) -> usize {
        self.live.iter().map(|candidate| candidate.matched).max().unwrap_or(0)
    }

    fn step(&mut self, byte: u8, at: u64) -> Result<(), Told> {
        let mut before = mem::replace(&mut self.live, mem::take(&mut self.spare));
        let new = Candidate { from: at, matched: 0, escape: 0 };
        for candidate in before.drain(..).chain([new]) {
            for next in self.after(candidate, byte).into_iter().flatten() {
                if next.matched == self.key().len() {
                    self.live.clear();
                    return Err(Told);
                }
                let is_like =
                    |known: &Candidate| (known.matched, known.escape) == (next.matched, next.escape);
                if !self.live.iter().any(is_like) {
                    self.live.push(next);
                }
            }
        }
        self.spare = before;
        Ok(())
    }

    /// What becomes of a candidate by its next byte: where that is a backslash, it may be one of the key or the beginning of an escape.
    fn after(&self, candidate: Candidate, byte: u8) -> [Option<Candidate>; 2] {
        let Some(due) = self.key().get(candidate.matched).copied() else { return [None, None] };
        let whole = Candidate { matched: candidate.matched + 1, escape: 0, ..candidate };
        let further = Candidate { escape: candidate.escape + 1, ..candidate };
        let digit = |value: u8| {
            char::from_digit(u32::from(value), 16)
                .is_some_and(|digit| byte.eq_ignore_ascii_case(&u8::try_from(digit).unwrap_or_default()))
        };
        match candidate.escape {
            0 => [(byte == due).then_some(whole), (byte == ESCAPE).then_some(further)],
            BACKSLASH => [
                (byte == due && matches!(due, b'"' | b'\\' | b'/')).then_some(whole),
                (byte == b'u').then_some(further),
            ],
            // Every character of a header is below 0x80.
            LETTER | 3 => [(byte == b'0').then_some(further), None],
            4 => [digit(due >> 4).then_some(further), None],
            _ => [digit(due & 0xf).then_some(whole), None],
        }
    }
}

/// Lets pieces of an answer go that hold no key: what could be its beginning waits for what follows.
pub(crate) struct KeySieve {
    /// None: the provider was asked without one.
    search: Option<KeySearch>,
    /// Bytes that have come.
    at: u64,
    /// What waits: at most a key, each of its bytes written as an escape.
    held: BytesMut,
}

impl KeySieve {
    pub(crate) fn new(search: Option<KeySearch>) -> Self {
        Self { search, at: 0, held: BytesMut::new() }
    }

    /// Takes a piece in; `out` gets what may go on. Behind an error nothing may.
    pub(crate) fn push(&mut self, mut piece: Bytes, out: &mut Vec<Bytes>) -> Result<(), Told> {
        let Some(search) = &mut self.search else {
            out.push(piece);
            return Ok(());
        };
        search.push(&piece, self.at)?;
        self.at += piece.len() as u64;
        let waits = search.begun().map_or(0, |from| usize::try_from(self.at - from).unwrap_or(usize::MAX));
        let of_piece = waits.min(piece.len());
        let of_held = (waits - of_piece).min(self.held.len());
        let earlier = self.held.split_to(self.held.len() - of_held).freeze();
        self.held.extend_from_slice(&piece.split_off(piece.len() - of_piece));
        out.extend([earlier, piece].into_iter().filter(|bytes| !bytes.is_empty()));
        Ok(())
    }

    /// What waits, which nothing follows.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        if let Some(search) = &mut self.search {
            search.forget();
        }
        (!self.held.is_empty()).then(|| self.held.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = r#"sk-"s\k/Qm7t"#;

    fn search(key: &str) -> KeySearch {
        let line = HeaderValue::from_str(&format!("Bearer {key}")).expect("a header's value");
        KeySearch::new(&line)
    }

    /// Each character as JSON may write it.
    fn escaped(key: &str, how: impl Fn(usize, char) -> String) -> String {
        key.chars().enumerate().map(|(at, letter)| how(at, letter)).collect()
    }

    /// All forms: as it is, with the escapes that JSON asks for, with every one that it allows, and every other character in one.
    fn forms(key: &str) -> Vec<String> {
        let unicode = |letter: char| format!("\\u{:04X}", u32::from(letter));
        vec![
            key.to_owned(),
            escaped(key, |_, letter| match letter {
                '"' | '\\' => format!("\\{letter}"),
                other => other.to_string(),
            }),
            escaped(key, |_, letter| match letter {
                '"' | '\\' | '/' => format!("\\{letter}"),
                other => other.to_string(),
            }),
            escaped(key, |_, letter| unicode(letter)),
            escaped(key, |_, letter| unicode(letter).to_lowercase()),
            escaped(key, |at, letter| if at % 2 == 0 { unicode(letter) } else { letter.to_string() }),
        ]
    }

    /// What goes on of these pieces, and whether the key was found.
    fn sieved(key: &str, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let (mut sieve, mut out) = (KeySieve::new(Some(search(key))), Vec::new());
        for piece in pieces {
            if sieve.push(Bytes::copy_from_slice(piece), &mut out).is_err() {
                return (out.concat(), true);
            }
        }
        out.extend(sieve.rest());
        (out.concat(), false)
    }

    /// Requirement: G19. Whatever two or three pieces an answer comes in, and in whatever form it has the key, not a byte of that goes on, and all before it does.
    #[test]
    fn a_key_is_found_at_every_split_and_nothing_of_it_goes_on() {
        for form in forms(KEY) {
            let text = format!("{{\"a\":\"sk-sk-\\u0073 {form} and more\"}}");
            let due = text.find(&form).expect("it is there");
            let bytes = text.as_bytes();
            for one in 0..=bytes.len() {
                for two in one..=bytes.len() {
                    let (out, found) = sieved(KEY, &[&bytes[..one], &bytes[one..two], &bytes[two..]]);
                    assert!(found, "{form} cut at {one} and {two} gets out");
                    assert!(bytes[..due].starts_with(&out), "a part of {form} goes on: {out:?}");
                }
            }
            let (out, found) = sieved(KEY, &bytes.chunks(1).collect::<Vec<_>>());
            assert!(found && out == bytes[..due], "byte by byte: {}", String::from_utf8_lossy(&out));
        }
    }

    /// Requirement: G19. What merely looks like the beginning of a key passes byte for byte, its end too.
    #[test]
    fn what_is_no_key_passes_as_it_came() {
        let text = br#"{"a":"sk-\"s\\k/Qm7 sk-\u0022s\u005ck\/Qm7 \\u0073k-"} sk-"s\k/Qm7"#;
        for size in 1..=text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(sieved(KEY, &pieces), (text.to_vec(), false), "by {size}");
        }
    }

    /// Requirement: G19. Names of headers come in small letters, so a key is looked for there in these.
    #[test]
    fn a_key_is_looked_for_in_names_as_they_come() {
        let name = hyper::header::HeaderName::from_bytes(b"X-Echo-sk-Live-Qm7tZr").expect("a name");
        let due = search("sk-Live-Qm7t").in_names();
        let found = memchr::memmem::find(name.as_str().as_bytes(), &due);
        assert_eq!(found, Some(7), "a header's name would tell it");
    }

    /// Requirement: G19. A key that begins within itself is found where it begins the second time.
    #[test]
    fn a_key_that_repeats_itself_is_found() {
        let key = "abcabcabd";
        let bytes: Vec<&[u8]> = b"abcabcabcabd".chunks(1).collect();
        assert_eq!(sieved(key, &bytes), (b"abc".to_vec(), true));
        assert_eq!(sieved("aaaaaaaa", &[&[b'a'; 7], b"b"]), ([&[b'a'; 7][..], b"b"].concat(), false));
    }

    proptest! {
        /// Requirement: G19. Whatever comes, in whatever pieces: what goes on is what came, unless the key was found, and it is found as if all came at once.
        #[test]
        fn pieces_are_searched_as_the_whole(
            parts in prop::collection::vec(prop_oneof!["[s\\\\u0k\"-]{0,6}", Just("sk-\"s".to_owned()), Just("\\u0073k".to_owned()), Just("\\k/Qm7t".to_owned())], 0..12),
            size in 1_usize..9,
        ) {
            let text = parts.concat();
            let whole = search(KEY).is_in(text.as_bytes());
            let (out, found) = sieved(KEY, &text.as_bytes().chunks(size).collect::<Vec<_>>());
            prop_assert_eq!(whole, found);
            prop_assert!(text.as_bytes().starts_with(&out));
            prop_assert!(found || out == text.as_bytes());
        }
    }
}
