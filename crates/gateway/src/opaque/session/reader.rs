//! Frames of a socket (RFC 6455, 5), read on their way in one direction.
//!
//! Promises: what passes is what came, byte for byte, up to a frame that closes; that one is held, whole, for whoever records the end. However the bytes are cut, the same
//! is read. Must never: hold more of a message than is named here, or let pass what two readers could read in two ways.

use std::ops::Range;

/// Longest message of a provider that is read.
const MAX_READ_BYTES: usize = 1 << 20;
/// Longest payload of a frame of control.
const MAX_CONTROL_BYTES: u64 = 125;
/// Longest head of a frame: two bytes, eight of length, four of mask.
const MAX_HEAD_BYTES: usize = 14;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const CONTINUED: u8 = 0x0;
const TEXT: u8 = 0x1;
const BYTES: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The frames are not what they have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hostile;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// A client: its payloads are masked, and not read.
    Client,
    /// A provider: its texts are read.
    Provider,
}

/// A text of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// All of it.
    Whole(Vec<u8>),
    /// It was too long to be read.
    TooLong,
}

/// What came of some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// How many of them go on now: all but those of a frame that closes.
    pub(super) bytes: usize,
    /// Texts that ended in them.
    pub(super) texts: Vec<Text>,
    /// Pieces of a provider's texts, by where they stand among the bytes, in order.
    pub(super) pieces: Vec<Piece>,
    /// The same of a provider's signs of life, which say what it likes.
    pub(super) signs: Vec<Piece>,
}

/// A piece of a text, or of a sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: Range<usize>,
    /// Whether that ends with it.
    pub(super) is_last: bool,
}

/// A frame that has begun.
struct Frame {
    is_last: bool,
    opcode: u8,
    left: u64,
}

/// A message that has begun.
struct Message {
    bytes: u64,
    /// What is read of it; none: it is no text, or too long.
    text: Option<Vec<u8>>,
    is_text: bool,
}

/// Reads one direction.
pub(super) struct Reader {
    sender: Sender,
    max_message: u64,
    head: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Message>,
    /// The frame that closes, as far as it has come.
    close: Vec<u8>,
    is_closed: bool,
    /// Whole messages so far.
    pub(super) messages: u64,
}

impl Reader {
    /// Of what `sender` sends, in messages of at most so many bytes.
    pub(super) fn new(sender: Sender, max_message: u64) -> Self {
        Self {
            sender,
            max_message,
            head: Vec::with_capacity(MAX_HEAD_BYTES),
            frame: None,
            message: None,
            close: Vec::new(),
            is_closed: false,
            messages: 0,
        }
    }

    /// The frame that closed, once it is whole.
    pub(super) fn closed(&self) -> Option<&[u8]> {
        self.is_closed.then_some(self.close.as_slice())
    }

    /// Whether a frame could be put behind what has passed so far.
    pub(super) fn is_between_frames(&self) -> bool {
        self.frame.is_none() && self.head.is_empty()
    }

    /// Takes bytes in. What comes behind a frame that closed is nobody's.
    pub(super) fn push(&mut self, data: &[u8]) -> Result<Passed, Hostile> {
        let closing = !self.close.is_empty() || self.head.first().copied().is_some_and(closes);
        let bytes = if closing { 0 } else { data.len() };
        let mut passed = Passed { bytes, ..Passed::default() };
        let mut rest = data;
        while !self.is_closed {
            if let Some(frame) = &mut self.frame {
                let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(rest.len());
                let (payload, after) = rest.split_at(here);
                frame.left -= payload.len() as u64;
                let (is_over, opcode) = (frame.left == 0, frame.opcode);
                let is_last = is_over && frame.is_last;
                let begins = data.len() - rest.len();
                rest = after;
                self.take(opcode, payload);
                let piece = Piece { at: begins..begins + here, is_last };
                if self.is_read(opcode) {
                    passed.pieces.push(piece);
                } else if matches!(opcode, PING | PONG) && self.sender == Sender::Provider {
                    passed.signs.push(piece);
                }
                if !is_over {
                    break;
                }
                passed.texts.extend(self.end_frame());
            } else {
                let Some((first, after)) = rest.split_first() else { break };
                if self.head.is_empty() && closes(*first) {
                    passed.bytes = data.len() - rest.len();
                }
                self.head.push(*first);
                rest = after;
                if let Some(frame) = self.begun()? {
                    if frame.opcode == CLOSE {
                        self.close.append(&mut self.head);
                    }
                    self.head.clear();
                    self.frame = Some(frame);
                }
            }
        }
        Ok(passed)
    }

    /// The frame whose head is whole; none: more of it has to come.
    fn begun(&mut self) -> Result<Option<Frame>, Hostile> {
        let &[first, second, ref more @ ..] = self.head.as_slice() else { return Ok(None) };
        let is_masked = second & MASKED != 0;
        if first & RESERVED != 0 || is_masked != (self.sender == Sender::Client) {
            return Err(Hostile);
        }
        let extended = match second & LENGTH {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if is_masked { 4 } else { 0 };
        if more.len() < extended + mask {
            return Ok(None);
        }
        let number = more.iter().take(extended).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let length = match extended {
            0 => u64::from(second & LENGTH),
            // A length is written as short as it can be, and below 2^63.
            2 if number < 126 => return Err(Hostile),
            8 if u16::try_from(number).is_ok() || number >> 63 != 0 => return Err(Hostile),
            _ => number,
        };
        let (is_last, opcode) = (first & FIN != 0, first & OPCODE);
        match opcode {
            CONTINUED | TEXT | BYTES => self.go_on(opcode, length)?,
            CLOSE | PING | PONG if is_last && length <= MAX_CONTROL_BYTES => {}
            _ => return Err(Hostile),
        }
        Ok(Some(Frame { is_last, opcode, left: length }))
    }

    /// A message begins, or goes on, by so many bytes.
    fn go_on(&mut self, opcode: u8, length: u64) -> Result<(), Hostile> {
        if (opcode == CONTINUED) != self.message.is_some() {
            return Err(Hostile);
        }
        let is_text = opcode == TEXT;
        let read = is_text && self.sender == Sender::Provider;
        let message =
            self.message.get_or_insert_with(|| Message { bytes: 0, text: read.then(Vec::new), is_text });
        message.bytes = message.bytes.saturating_add(length);
        if message.bytes > self.max_message { Err(Hostile) } else { Ok(()) }
    }

    /// Whether a frame of this kind is of a text that is read.
    fn is_read(&self, opcode: u8) -> bool {
        let of_text = self.message.as_ref().is_some_and(|message| message.is_text);
        opcode <= BYTES && of_text && self.sender == Sender::Provider
    }

    fn take(&mut self, opcode: u8, payload: &[u8]) {
        match opcode {
            CLOSE => self.close.extend_from_slice(payload),
            CONTINUED | TEXT | BYTES => {
                let Some(message) = &mut self.message else { return };
                let fits = |text: &Vec<u8>| text.len() + payload.len() <= MAX_READ_BYTES;
                message.text = message.text.take().filter(fits);
                if let Some(text) = &mut message.text {
                    text.extend_from_slice(payload);
                }
            }
            _ => {}
        }
    }

    /// A frame is whole; gives the text that ended with it.
    fn end_frame(&mut self) -> Option<Text> {
        let frame = self.frame.take()?;
        if frame.opcode == CLOSE {
            self.is_closed = true;
        }
        if !frame.is_last || frame.opcode > BYTES {
            return None;
        }
        let message = self.message.take()?;
        self.messages += 1;
        let is_read = message.is_text && self.sender == Sender::Provider;
        is_read.then(|| message.text.map_or(Text::TooLong, Text::Whole))
    }
}

/// Whether a frame that begins so closes.
fn closes(first: u8) -> bool {
    first & OPCODE == CLOSE
}

/// A frame that closes with `code` and `why`, as a provider sends it, or under `mask` as a client does.
pub(super) fn closing(code: u16, why: &str, mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    // Both fit: every code of ours is a short word.
    payload.extend(why.bytes().take(64));
    let length = u8::try_from(payload.len()).unwrap_or_default();
    let mut frame = vec![FIN | CLOSE, if mask.is_some() { MASKED | length } else { length }];
    if let Some(mask) = mask {
        frame.extend_from_slice(&mask);
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    }
    frame.extend_from_slice(&payload);
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    /// A frame as a provider sends it, its length written as short as it can be.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(u8::try_from(short).expect("short")),
            medium @ 126..=65_535 => {
                frame.push(126);
                frame.extend(u16::try_from(medium).expect("medium").to_be_bytes());
            }
            long => {
                frame.push(127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        frame
    }

    /// Everything that is read of `bytes`, cut into pieces of `size`: what passed, the texts, the frame that closed, the messages.
    type All = (Vec<u8>, Vec<Text>, Option<Vec<u8>>, u64);

    fn read(bytes: &[u8], size: usize) -> Result<All, Hostile> {
        let mut reader = Reader::new(Sender::Provider, LIMIT);
        let (mut out, mut texts, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for piece in bytes.chunks(size.max(1)) {
            let passed = reader.push(piece)?;
            out.extend_from_slice(&piece[..passed.bytes]);
            for Piece { at, is_last } in passed.pieces {
                said.extend_from_slice(&piece[at]);
                said.extend(is_last.then_some(b'\n'));
            }
            texts.extend(passed.texts);
        }
        // However it is cut, its pieces are what is read of the texts.
        for text in &texts {
            let Text::Whole(text) = text else { continue };
            assert!(
                said.starts_with(text) && said.get(text.len()) == Some(&b'\n'),
                "a piece of a text is missing"
            );
            said.drain(..=text.len());
        }
        Ok((out, texts, reader.closed().map(<[u8]>::to_vec), reader.messages))
    }

    /// Requirement: N22. However a conversation is cut on its way, the same passes and the same is read; a frame that closes is held.
    #[test]
    fn a_conversation_is_read_the_same_however_it_is_cut() {
        let long = "x".repeat(70_000);
        let close = closing(1000, "bye", None);
        let before = [
            frame(0x81, b"{\"type\":\"a\"}"),
            frame(0x01, b"{\"ty"),
            frame(0x89, b"ping"),
            frame(0x00, b"pe\":"),
            frame(0x80, b"\"b\"}"),
            frame(0x82, &[7; 300]),
            frame(0x81, long.as_bytes()),
            frame(0x8a, b""),
        ]
        .concat();
        let whole = [before.clone(), close.clone(), frame(0x81, b"behind")].concat();
        let due = vec![
            Text::Whole(b"{\"type\":\"a\"}".to_vec()),
            Text::Whole(b"{\"type\":\"b\"}".to_vec()),
            Text::Whole(long.into_bytes()),
        ];
        for size in [1, 2, 3, 7, 64, 1000, whole.len()] {
            let (out, texts, closed, messages) = read(&whole, size).expect("frames");
            assert!(out == before, "by {size}: {} of {} bytes passed", out.len(), before.len());
            assert_eq!(closed, Some(close.clone()), "by {size}");
            assert_eq!((texts, messages), (due.clone(), 4), "by {size}");
        }
    }

    /// Requirement: N22.
    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (what, bytes) in [
            ("a bit of an extension", frame(0xc1, b"a")),
            ("an unknown kind", frame(0x83, b"a")),
            ("an unknown kind of control", frame(0x8b, b"a")),
            ("a mask from a provider", vec![0x81, 0x81, 1, 2, 3, 4, b'a' ^ 1]),
            ("control in pieces", frame(0x09, b"a")),
            ("control that is long", frame(0x89, &[0; 126])),
            ("a piece of no message", frame(0x80, b"a")),
            ("a message within another", [frame(0x01, b"a"), frame(0x81, b"b")].concat()),
            ("a length that is longer than it must be", vec![0x81, 126, 0, 1, b'a']),
            ("the same in eight bytes", [vec![0x81, 127, 0, 0, 0, 0, 0, 0, 1, 0], vec![0; 256]].concat()),
            ("a length that is negative to some", vec![0x81, 127, 0x80, 0, 0, 0, 0, 1, 0, 0]),
            ("a message that is too large", frame(0x82, &vec![0; 1 + (1 << 20)])),
            (
                "the same in two pieces",
                [frame(0x02, &vec![0; 1 << 19]), frame(0x80, &vec![0; 1 + (1 << 19)])].concat(),
            ),
        ] {
            assert_eq!(read(&bytes, bytes.len()).err(), Some(Hostile), "{what} passes");
        }
        let mut client = Reader::new(Sender::Client, LIMIT);
        assert_eq!(client.push(&frame(0x81, b"a")).err(), Some(Hostile), "a client's text without a mask");
    }

    /// Requirement: N22. What is too long to be read passes, and is known for that.
    #[test]
    fn a_text_that_is_too_long_is_known_for_one() {
        let mut reader = Reader::new(Sender::Provider, 4 << 20);
        let passed = reader.push(&frame(0x81, &vec![b'x'; MAX_READ_BYTES + 1])).expect("a frame");
        assert_eq!(passed.texts, [Text::TooLong], "what it took would be taken for nothing");
    }

    proptest! {
        /// Requirement: N22. Whatever bytes come, and however they are cut: no panic, and the same is refused or passes.
        #[test]
        fn any_bytes_are_read_alike_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
            prop_assert_eq!(read(&bytes, size).ok(), read(&bytes, bytes.len().max(1)).ok());
        }
    }
}
