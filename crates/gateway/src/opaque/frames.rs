//! Binary streams of events as Bedrock sends them (`application/vnd.amazon.eventstream`): frames with two checksums each.
//!
//! Promises: a frame is let go whole and right, or not at all; the metadata event is read. No I/O. Must never: hold more than one frame.

use bytes::{Buf as _, Bytes, BytesMut};

/// Lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
/// Prelude and the checksum of all.
const FRAME_OVERHEAD: usize = PRELUDE_BYTES + 4;
/// Longest headers of a frame: the format's own limit is 128 KiB, and real ones take a hundred bytes.
const MAX_HEADER_BYTES: usize = 8 << 10;
/// Most headers of a frame.
const MAX_HEADERS: usize = 32;
/// The event that counts tokens.
const METADATA: &[u8] = b"metadata";

/// It is no such stream, or was changed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hostile;

/// What of a stream has come so far.
pub(super) struct Frames {
    waiting: BytesMut,
    max_bytes: usize,
    /// Payload of the metadata event.
    pub(super) metadata: Option<Bytes>,
    /// Whether the provider said that something went wrong.
    pub(super) has_failed: bool,
}

impl Frames {
    /// A stream whose frames have at most so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { waiting: BytesMut::new(), max_bytes, metadata: None, has_failed: false }
    }

    /// Takes bytes in; `out` gets the frames that are whole.
    pub(super) fn push(&mut self, data: &[u8], out: &mut Vec<Bytes>) -> Result<(), Hostile> {
        self.waiting.extend_from_slice(data);
        while let Some(frame) = self.next()? {
            self.read(&frame)?;
            out.push(frame);
        }
        Ok(())
    }

    /// The stream is over.
    pub(super) fn finish(&self) -> Result<(), Hostile> {
        if self.waiting.is_empty() { Ok(()) } else { Err(Hostile) }
    }

    fn next(&mut self) -> Result<Option<Bytes>, Hostile> {
        let Some(prelude) = self.waiting.get(..PRELUDE_BYTES) else { return Ok(None) };
        let (mut fields, covered) = (prelude, prelude.get(..8).unwrap_or_default());
        let (total, headers, checksum) = (fields.get_u32(), fields.get_u32(), fields.get_u32());
        let (total, headers) = (total as usize, headers as usize);
        let fits =
            total >= FRAME_OVERHEAD + headers && total <= self.max_bytes && headers <= MAX_HEADER_BYTES;
        if crc32fast::hash(covered) != checksum || !fits {
            return Err(Hostile);
        }
        Ok((self.waiting.len() >= total).then(|| self.waiting.split_to(total).freeze()))
    }

    fn read(&mut self, frame: &Bytes) -> Result<(), Hostile> {
        let end = frame.len() - 4;
        let (covered, mut checksum) = frame.split_at(end);
        if crc32fast::hash(covered) != checksum.get_u32() {
            return Err(Hostile);
        }
        let headers = covered.get(4..8).map(|mut field| field.get_u32() as usize).ok_or(Hostile)?;
        let payload = PRELUDE_BYTES + headers;
        let Kinds { event, message } = kinds(covered.get(PRELUDE_BYTES..payload).ok_or(Hostile)?)?;
        self.has_failed |= matches!(message, Some(b"exception" | b"error"));
        if event == Some(METADATA) {
            self.metadata = Some(frame.slice(payload..end));
        }
        Ok(())
    }
}

/// What the headers of a frame say of it.
#[derive(Default)]
struct Kinds<'f> {
    event: Option<&'f [u8]>,
    message: Option<&'f [u8]>,
}

/// Which event and which message a frame is, by its headers.
fn kinds(mut rest: &[u8]) -> Result<Kinds<'_>, Hostile> {
    let mut kinds = Kinds::default();
    for _ in 0..MAX_HEADERS {
        let Some((length, after)) = rest.split_first() else { return Ok(kinds) };
        let (name, after) = after.split_at_checked(usize::from(*length)).ok_or(Hostile)?;
        let (kind, after) = after.split_first().ok_or(Hostile)?;
        let (size, after) = match kind {
            0 | 1 => (0, after),
            2 => (1, after),
            3 => (2, after),
            4 => (4, after),
            5 | 8 => (8, after),
            9 => (16, after),
            6 | 7 => {
                let (length, after) = after.split_first_chunk::<2>().ok_or(Hostile)?;
                (usize::from(u16::from_be_bytes(*length)), after)
            }
            _ => return Err(Hostile),
        };
        let (value, after) = after.split_at_checked(size).ok_or(Hostile)?;
        match name {
            b":event-type" if *kind == 7 => kinds.event = Some(value),
            b":message-type" if *kind == 7 => kinds.message = Some(value),
            _ => {}
        }
        rest = after;
    }
    if rest.is_empty() { Ok(kinds) } else { Err(Hostile) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of this event.
    fn frame(event: &str, payload: &[u8]) -> Vec<u8> {
        let mut headers = Vec::new();
        for (name, value) in [(":event-type", event), (":message-type", "event")] {
            headers.push(u8::try_from(name.len()).expect("short"));
            headers.extend_from_slice(name.as_bytes());
            headers.push(7);
            headers.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
            headers.extend_from_slice(value.as_bytes());
        }
        let total = u32::try_from(FRAME_OVERHEAD + headers.len() + payload.len()).expect("short");
        let mut frame = total.to_be_bytes().to_vec();
        frame.extend_from_slice(&u32::try_from(headers.len()).expect("short").to_be_bytes());
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        frame.extend_from_slice(&headers);
        frame.extend_from_slice(payload);
        let checksum = crc32fast::hash(&frame);
        frame.extend_from_slice(&checksum.to_be_bytes());
        frame
    }

    /// Requirement: N22. However a stream is cut, what goes on is the same, and the counts are read.
    #[test]
    fn frames_go_on_whole_however_they_came() {
        let usage = br#"{"usage":{"inputTokens":3,"outputTokens":5}}"#;
        let stream = [frame("contentBlockDelta", br#"{"delta":{}}"#), frame("metadata", usage)].concat();
        for size in [1, 7, stream.len()] {
            let (mut frames, mut out) = (Frames::new(1 << 20), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece, &mut out).expect("frames as the format has them");
            }
            assert_eq!(frames.finish(), Ok(()));
            assert_eq!(out.concat(), stream, "a piece of {size} bytes changed the stream");
            assert_eq!(frames.metadata.as_deref(), Some(&usage[..]), "what it took is not known");
        }
    }

    /// Requirement: N22. A frame that was changed, or lies about its size, goes nowhere.
    #[test]
    fn hostile_frames_are_refused() {
        let good = frame("metadata", b"{}");
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 1;
            let (mut frames, mut out) = (Frames::new(1 << 20), Vec::new());
            let refused = frames.push(&changed, &mut out).and_then(|()| frames.finish()).is_err();
            assert!(refused && out.is_empty(), "byte {at} can be changed unseen");
        }
        let mut frames = Frames::new(good.len() - 1);
        assert_eq!(
            frames.push(&good, &mut Vec::new()),
            Err(Hostile),
            "a frame without a limit fills the memory"
        );
        let mut frames = Frames::new(1 << 20);
        frames.push(&good[..good.len() - 1], &mut Vec::new()).expect("more may come");
        assert_eq!(frames.finish(), Err(Hostile), "half a frame passes for a whole stream");
    }
}
