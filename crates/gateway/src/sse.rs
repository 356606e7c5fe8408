//! Server-sent events as bytes: where one ends, and where its data lies in it.
//!
//! Promises: what is read is given back byte for byte, so that an untouched event is forwarded as it came; the events are the same however
//! the bytes were split on their way; an event has a limit. Must never: interpret the data.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// A remark that says nothing, and keeps a connection alive.
pub(crate) const REMARK: &[u8] = b":\n\n";

/// What may stand before a stream's first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether these bytes are such remarks and nothing else.
pub(crate) fn is_remarks(bytes: &[u8]) -> bool {
    bytes.chunks(REMARK.len()).all(|chunk| chunk == REMARK)
}

/// An event that is larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// What a line of an event is that is no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Beside {
    Comment,
    /// The event's name.
    Name,
    Id,
    /// Any other, such as `retry`; what it says is all of it.
    Other,
}

/// One event: its lines, the blank line that ended it included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// As received.
    pub(crate) raw: Bytes,
    data: Data,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    /// A comment, or fields of other names alone.
    None,
    /// One `data` line: its value in `raw`.
    One(Range<usize>),
    /// Several, joined by line feeds.
    Many(Bytes),
}

impl Event {
    /// The event that these bytes are.
    pub(crate) fn new(raw: Bytes) -> Self {
        let mut values: Vec<Range<usize>> = Vec::new();
        for line in lines(&raw) {
            if let Some(value) = data_value(&raw, &line) {
                values.push(value);
            }
        }
        let data = match values.as_slice() {
            [] => Data::None,
            [one] => Data::One(one.clone()),
            many => {
                let parts: Vec<&[u8]> = many.iter().filter_map(|range| raw.get(range.clone())).collect();
                Data::Many(Bytes::from(parts.join(&b'\n')))
            }
        };
        Self { raw, data }
    }

    /// Its data; `None` for a comment.
    pub(crate) fn data(&self) -> Option<Bytes> {
        match &self.data {
            Data::None => None,
            Data::One(range) => Some(self.raw.slice(range.clone())),
            Data::Many(joined) => Some(joined.clone()),
        }
    }

    /// Its lines beside its data: what they are, and what they say.
    pub(crate) fn beside(&self) -> Vec<(Beside, &[u8])> {
        let mut found = Vec::new();
        for line in lines(&self.raw) {
            let text = self.raw.get(line.clone()).unwrap_or_default();
            if text.is_empty() || data_value(&self.raw, &line).is_some() {
                continue;
            }
            let text = text.strip_prefix(BYTE_ORDER_MARK).filter(|_| line.start == 0).unwrap_or(text);
            let (kind, said) = if let Some(said) = text.strip_prefix(b":") {
                (Beside::Comment, said)
            } else if let Some(said) = text.strip_prefix(b"event:") {
                (Beside::Name, said)
            } else if let Some(said) = text.strip_prefix(b"id:") {
                (Beside::Id, said)
            } else {
                (Beside::Other, text)
            };
            found.push((kind, said.strip_prefix(b" ").unwrap_or(said)));
        }
        found
    }

    /// The event as its data and its name alone, where it has more: lines that nobody looks at, and a name that its data does not say. `None`: it has no more.
    pub(crate) fn without_more(&self) -> Option<Self> {
        let data = self.data()?;
        let mut name = None;
        let mut has_more = false;
        for line in lines(&self.raw) {
            let text = self.raw.get(line.clone()).unwrap_or_default();
            let said = text.strip_prefix(b"event: ").or_else(|| text.strip_prefix(b"event:"));
            if let Some(said) = said.filter(|said| name.is_none() && is_said(said, &data)) {
                name = Some(said);
            } else {
                // The mark of byte order before the first line is no part of it either.
                let is_data = data_value(&self.raw, &line).is_some() && text.starts_with(b"data");
                has_more |= !text.is_empty() && !is_data;
            }
        }
        has_more.then(|| match name {
            Some(name) => Self::new(named_event(&String::from_utf8_lossy(name), &data)),
            None => Self::new(event_of(&data)),
        })
    }

    /// The event with other data: the same lines around it, where it had one line.
    pub(crate) fn with_data(&self, data: &[u8]) -> Bytes {
        let Data::One(range) = &self.data else { return event_of(data) };
        let (before, after) =
            (self.raw.get(..range.start).unwrap_or_default(), self.raw.get(range.end..).unwrap_or_default());
        if memchr2(b'\n', b'\r', data).is_some() {
            return event_of(data);
        }
        let mut bytes = BytesMut::with_capacity(before.len() + data.len() + after.len());
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(after);
        bytes.freeze()
    }
}

/// Whether an event's name is one that its data says as a string, as interfaces have it whose events have names.
fn is_said(name: &[u8], data: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    let quoted = [b"\"", name, b"\""].concat();
    !name.is_empty() && name.iter().all(is_name) && memchr::memmem::find(data, &quoted).is_some()
}

/// An event of our own that carries `data`.
pub(crate) fn event_of(data: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(data.len() + 8);
    for line in data.split(|byte| *byte == b'\n' || *byte == b'\r') {
        bytes.extend_from_slice(b"data: ");
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\n");
    }
    bytes.extend_from_slice(b"\n");
    bytes.freeze()
}

/// The same with a name, for libraries that read an event by its name.
pub(crate) fn named_event(name: &str, data: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(name.len() + data.len() + 16);
    bytes.extend_from_slice(b"event: ");
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b"\n");
    bytes.extend_from_slice(&event_of(data));
    bytes.freeze()
}

/// Ranges of the lines of `raw`, without their ends.
fn lines(raw: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < raw.len() {
        let rest = raw.get(start..).unwrap_or_default();
        let (length, terminator) = match memchr2(b'\n', b'\r', rest) {
            None => (rest.len(), 0),
            Some(at) if rest.get(at..at + 2) == Some(b"\r\n") => (at, 2),
            Some(at) => (at, 1),
        };
        found.push(start..start + length);
        start += length + terminator;
    }
    found
}

/// Where the value of a `data` line lies; `None` for any other line.
fn data_value(raw: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    let text = raw.get(line.clone())?;
    let mark = if line.start == 0 && text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let text = text.get(mark..)?;
    let value = match text.strip_prefix(b"data")? {
        [] => return Some(line.end..line.end),
        [b':', b' ', value @ ..] | [b':', value @ ..] => value,
        _ => return None,
    };
    Some(line.end - value.len()..line.end)
}

/// Cuts a stream into events.
#[derive(Debug)]
pub(crate) struct EventReader {
    buffer: BytesMut,
    /// Up to here no event ends.
    scanned: usize,
    /// Where the line at `scanned` began.
    line: usize,
    limit: usize,
}

impl EventReader {
    /// A reader that refuses an event of more than `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), scanned: 0, line: 0, limit }
    }

    /// Takes in the next bytes, in whatever pieces they come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event. `Ok(None)`: more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, TooLarge> {
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(at) = memchr2(b'\n', b'\r', rest) else {
                self.scanned = self.buffer.len();
                break;
            };
            let end = self.scanned + at;
            let terminator = match (rest.get(at), rest.get(at + 1)) {
                // Whether a line feed follows is not known yet; deciding now would make the result depend on the split.
                (Some(b'\r'), None) => {
                    self.scanned = end;
                    break;
                }
                (Some(b'\r'), Some(b'\n')) => 2,
                _ => 1,
            };
            let blank = end == self.line;
            self.scanned = end + terminator;
            self.line = self.scanned;
            // Blank lines between events belong to the next one, so that nothing is lost or reordered.
            if blank && end > 0 && self.has_content(end) {
                return self.take(self.scanned).map(Some);
            }
        }
        if self.buffer.len() > self.limit { Err(TooLarge) } else { Ok(None) }
    }

    /// What is left when the stream has ended: an event whose blank line is missing, or nothing.
    pub(crate) fn finish(&mut self) -> Result<Option<Event>, TooLarge> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.take(self.buffer.len()).map(Some)
    }

    fn has_content(&self, end: usize) -> bool {
        self.buffer.get(..end).unwrap_or_default().iter().any(|byte| !matches!(byte, b'\n' | b'\r'))
    }

    fn take(&mut self, end: usize) -> Result<Event, TooLarge> {
        if end > self.limit {
            return Err(TooLarge);
        }
        let raw = self.buffer.split_to(end).freeze();
        self.scanned = 0;
        self.line = 0;
        Ok(Event::new(raw))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1 << 10;

    fn events(pieces: &[&[u8]]) -> Vec<Event> {
        let mut reader = EventReader::new(LIMIT);
        let mut found = Vec::new();
        for piece in pieces {
            reader.push(piece);
            while let Some(event) = reader.next().expect("small events") {
                found.push(event);
            }
        }
        found.extend(reader.finish().expect("small events"));
        found
    }

    fn data(stream: &[u8]) -> Vec<Option<Vec<u8>>> {
        events(&[stream]).iter().map(|event| event.data().map(|data| data.to_vec())).collect()
    }

    #[test]
    fn every_line_end_comment_and_field_is_read_as_the_format_says() {
        assert_eq!(
            data(b"data: {\"a\":1}\n\ndata:[DONE]\r\n\r\n: alive\r\revent: x\ndata: 1\ndata: 2\n\ndata\n\n"),
            [
                Some(b"{\"a\":1}".to_vec()),
                Some(b"[DONE]".to_vec()),
                None,
                Some(b"1\n2".to_vec()),
                Some(Vec::new())
            ],
            "a client's library reads these events, so must the gateway"
        );
        assert_eq!(
            data(b"\xef\xbb\xbfdata: x\n\ndatabase: y\n\n"),
            [Some(b"x".to_vec()), None],
            "a mark at the start is no part of a name, and a longer name is another field"
        );
    }

    #[test]
    fn what_stands_beside_the_data_is_told_by_its_kind() {
        let events = events(&[b"\xef\xbb\xbf: a\r\nid:b\nevent: c\ndata: d\nretry: 1\n:\nid\n\n"]);
        let due: [(Beside, &[u8]); 6] = [
            (Beside::Comment, b"a"),
            (Beside::Id, b"b"),
            (Beside::Name, b"c"),
            (Beside::Other, b"retry: 1"),
            (Beside::Comment, b""),
            (Beside::Other, b"id"),
        ];
        assert_eq!(events[0].beside(), due, "a line that a client sees would be searched by nobody");
    }

    #[test]
    fn the_end_without_a_blank_line_is_not_lost() {
        assert_eq!(
            data(b"data: 1\n\ndata: [DONE]\n"),
            [Some(b"1".to_vec()), Some(b"[DONE]".to_vec())],
            "a provider that closes right after its last line would look as if it had broken off"
        );
    }

    #[test]
    fn an_event_without_end_is_refused_at_the_limit() {
        let mut reader = EventReader::new(LIMIT);
        reader.push(&vec![b'x'; LIMIT + 1]);
        assert_eq!(reader.next(), Err(TooLarge), "a provider could fill the gateway's memory with one line");
    }

    #[test]
    fn other_data_keeps_the_lines_around_it() {
        let event = &events(&[b"event: m\r\ndata: old\r\nid: 7\r\n\r\n"])[0];
        assert_eq!(
            event.with_data(b"new").as_ref(),
            b"event: m\r\ndata: new\r\nid: 7\r\n\r\n",
            "an edit must touch nothing but the data"
        );
        let event = &events(&[b"data: {\ndata: }\n\n"])[0];
        assert_eq!(
            event.with_data(b"{\n1}").as_ref(),
            b"data: {\ndata: 1}\n\n",
            "data of several lines stays one event"
        );
    }

    proptest! {
        #[test]
        fn the_split_never_matters_and_no_byte_is_lost(
            parts in prop::collection::vec(prop::sample::select(vec!["data: a", ": c", "x: y", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "[DONE]", "é"]), 0..40),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let stream = parts.concat().into_bytes();
            let whole = events(&[&stream]);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            at.extend([0, stream.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&events(&pieces), &whole, "events depend on how the network cut them");
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&events(&bytes), &whole, "events depend on how the network cut them");
            let back: Vec<u8> = whole.iter().flat_map(|event| event.raw.to_vec()).collect();
            prop_assert_eq!(back, stream, "bytes were lost or changed");
        }
    }
}
