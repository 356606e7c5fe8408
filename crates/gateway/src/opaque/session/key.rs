//! The provider's key in what it says in a conversation.
//!
//! Promises: a text that holds it, in one frame or in several, or a sign of life goes no further than to where it begins; sound and other bytes pass unread. Must never: keep what
//! cannot be a part of a key, or more than is named here.

use std::borrow::Cow;
use std::mem;

use super::reader::{Passed, Piece};
use crate::upstream::told::KeySearch;

/// Most bytes that wait for the end of what could be a key. A key takes some hundred; more can only be frames of control between pieces of one.
const MAX_WAITING_BYTES: usize = 64 << 10;

/// It holds the key, or nobody can tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tells;

/// What passes from the provider, but for its key.
pub(super) struct Passing {
    /// Of texts and of signs of life, which may stand between the pieces of one. None: it was asked without one.
    searches: Option<[KeySearch; 2]>,
    /// Bytes that have come.
    at: u64,
    waiting: Vec<u8>,
}

impl Passing {
    pub(super) fn new(search: Option<KeySearch>) -> Self {
        Self { searches: search.map(|search| [search.anew(), search]), at: 0, waiting: Vec::new() }
    }

    /// Takes bytes in, of which `read` says what they are; gives those that may go on.
    pub(super) fn push<'d>(&mut self, data: &'d [u8], read: &Passed) -> Result<Cow<'d, [u8]>, Tells> {
        let Some(searches) = &mut self.searches else { return Ok(Cow::Borrowed(data)) };
        for (search, pieces) in searches.iter_mut().zip([&read.pieces, &read.signs]) {
            for Piece { at, is_last } in pieces {
                let text = data.get(at.clone()).ok_or(Tells)?;
                search.push(text, self.at + at.start as u64).map_err(|_| Tells)?;
                if *is_last {
                    search.forget();
                }
            }
        }
        self.at += data.len() as u64;
        let begun = searches.iter().filter_map(KeySearch::begun).min();
        let waits = begun.map_or(0, |from| usize::try_from(self.at - from).unwrap_or(usize::MAX));
        if waits > MAX_WAITING_BYTES {
            return Err(Tells);
        }
        if self.waiting.is_empty() {
            let (goes, waits) = data.split_at(data.len().saturating_sub(waits));
            self.waiting.extend_from_slice(waits);
            return Ok(Cow::Borrowed(goes));
        }
        self.waiting.extend_from_slice(data);
        let waits = self.waiting.split_off(self.waiting.len().saturating_sub(waits));
        Ok(Cow::Owned(mem::replace(&mut self.waiting, waits)))
    }

    /// Whether the frame that closes holds the key: what it says is often an error in words.
    pub(super) fn is_in(&self, close: &[u8]) -> bool {
        self.searches.iter().flatten().any(|search| search.anew().is_in(close))
    }

    /// Whether anything waits.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What waits, to which no text is added any more.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.searches.iter_mut().flatten().for_each(KeySearch::forget);
        mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::super::reader::{Reader, Sender};
    use super::*;

    const KEY: &str = "sk-live-Qm7tZr2V";

    fn frame(first: u8, payload: &str) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        [&[first, length], payload.as_bytes()].concat()
    }

    /// What goes on of these bytes in pieces of these sizes, and whether the key was found.
    fn passed(bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, bool) {
        let mut reader = Reader::new(Sender::Provider, 1 << 20);
        let mut passing = Passing::new(Some(KeySearch::new(&HeaderValue::from_static(KEY))));
        let (mut out, mut rest) = (Vec::new(), bytes);
        for cut in cuts.iter().copied().chain([usize::MAX]) {
            let (data, after) = rest.split_at(cut.min(rest.len()));
            rest = after;
            let read = reader.push(data).expect("frames");
            if reader.closed().is_some_and(|close| passing.is_in(close)) {
                return (out, true);
            }
            let Ok(goes) = passing.push(&data[..read.bytes], &read) else { return (out, true) };
            out.extend_from_slice(&goes);
        }
        out.extend(passing.rest());
        (out, false)
    }

    /// Requirement: G19, N22. However a conversation is cut, a key in a text does not go on: in one frame, in the pieces of a message with a frame of control between them, or
    /// with its characters as escapes; nor does one in a sign of life, or in the frame that closes.
    #[test]
    fn a_key_in_a_text_is_found_however_it_is_cut() {
        let (one, two) = KEY.split_at(7);
        let escaped = KEY.replace('-', "\\u002d");
        for told in [
            frame(0x81, &format!("{{\"a\":\"{KEY}\"}}")),
            frame(0x81, &format!("{{\"a\":\"{escaped}\"}}")),
            [
                frame(0x01, &format!("{{\"a\":\"{one}")),
                frame(0x89, "ping"),
                frame(0x80, &format!("{two}\"}}")),
            ]
            .concat(),
            frame(0x89, KEY),
            [frame(0x01, "a"), frame(0x8a, &format!("x {KEY}")), frame(0x80, "b")].concat(),
            frame(0x88, &format!("\u{3}p{KEY}")),
        ] {
            let bytes = [frame(0x81, "{\"type\":\"s\"}"), told, frame(0x81, "later")].concat();
            for one in 0..bytes.len() {
                for two in 0..bytes.len() - one {
                    let (out, found) = passed(&bytes, &[one, two]);
                    assert!(found, "cut at {one} and {two} it gets out");
                    assert!(out.len() < bytes.len() && bytes.starts_with(&out));
                    assert!(
                        !String::from_utf8_lossy(&out).contains("sk-live"),
                        "a part of it goes on: {out:?}"
                    );
                }
            }
            assert!(passed(&bytes, &vec![1; bytes.len()]).1, "byte by byte it gets out");
        }
    }

    /// Requirement: N22. Sound passes, whatever its bytes are, and so does what merely begins as a key; two texts are not one, nor is a text with a sign of life in it.
    #[test]
    fn what_is_no_key_in_a_text_passes_as_it_came() {
        let (one, two) = KEY.split_at(7);
        let bytes = [
            frame(0x82, KEY),
            frame(0x81, one),
            frame(0x81, two),
            frame(0x01, "sk-liv"),
            frame(0x00, ""),
            frame(0x80, "-e"),
            frame(0x89, one),
            frame(0x8a, two),
            frame(0x01, one),
            frame(0x89, two),
            frame(0x80, " no"),
        ]
        .concat();
        for size in 1..=bytes.len() {
            assert_eq!(passed(&bytes, &vec![size; bytes.len() / size]), (bytes.clone(), false), "by {size}");
        }
    }

    /// Requirement: N22. Frames of control between two pieces of a text fill no memory while it waits.
    #[test]
    fn what_waits_for_the_end_of_a_text_is_bounded() {
        let mut bytes = frame(0x01, "sk-live");
        let ping = frame(0x89, &"p".repeat(125));
        for _ in 0..=MAX_WAITING_BYTES / ping.len() {
            bytes.extend_from_slice(&ping);
        }
        assert!(passed(&bytes, &[]).1, "what waits has no bound");
    }
}
