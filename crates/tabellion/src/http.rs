//! HTTP/1.1 as far as the demo's client and the simulated provider speak it: one request and one answer on a connection of loopback.
//!
//! Promises: heads and bodies have a limit; a body that ends before its announced end is told apart from one that is whole (RFC 9112, 8).
//! Must never: serve or call anything but the demo.

use std::io::{self, BufRead, Read};

/// Largest head, first line included.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Longest line before a chunk: sixteen hex digits and room for extensions, which are passed over.
const MAX_CHUNK_LINE_BYTES: u64 = 256;

/// First line and headers of a message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// The request or status line.
    pub(crate) first: String,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn says(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word))
    }
}

/// What came after a head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Body {
    /// The bytes, without the form of their transfer.
    pub(crate) bytes: Vec<u8>,
    /// Whether the end that the sender announced was reached.
    pub(crate) whole: bool,
}

/// Reads a head; `None`: the other side closed before it began one.
pub(crate) fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut room = MAX_HEAD_BYTES;
    let Some(first) = read_line(reader, &mut room)? else { return Ok(None) };
    let mut head = Head { first, headers: Vec::new() };
    loop {
        let line =
            read_line(reader, &mut room)?.ok_or_else(|| fault("the connection ended inside a head"))?;
        if line.is_empty() {
            return Ok(Some(head));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| fault("a line of the head is no header"))?;
        head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// Reads the body that follows `head`. `to_end`: without an announced length it lasts until the connection ends, as answers do.
pub(crate) fn read_body(
    reader: &mut impl BufRead,
    head: &Head,
    to_end: bool,
    limit: usize,
) -> io::Result<Body> {
    if head.says("transfer-encoding", "chunked") {
        return read_chunks(reader, limit);
    }
    let Some(length) = head.header("content-length") else {
        let mut body = Body { bytes: Vec::new(), whole: true };
        if to_end {
            body.whole = read_up_to(reader, limit.saturating_add(1), &mut body.bytes)?;
            within(body.bytes.len(), limit)?;
        }
        return Ok(body);
    };
    let length: usize = length.parse().map_err(|_| fault("content-length is no number"))?;
    within(length, limit)?;
    let mut bytes = Vec::new();
    read_up_to(reader, length, &mut bytes)?;
    Ok(Body { whole: bytes.len() == length, bytes })
}

fn read_chunks(reader: &mut impl BufRead, limit: usize) -> io::Result<Body> {
    let mut body = Body::default();
    loop {
        let mut line = Vec::new();
        if !ends_well(reader.by_ref().take(MAX_CHUNK_LINE_BYTES).read_until(b'\n', &mut line))?
            || !line.ends_with(b"\n")
        {
            return Ok(body);
        }
        let line = String::from_utf8_lossy(&line);
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| fault("a chunk has no size"))?;
        within(body.bytes.len().saturating_add(size), limit)?;
        let expected = body.bytes.len() + size;
        read_up_to(reader, size, &mut body.bytes)?;
        let mut end = Vec::new();
        read_up_to(reader, 2, &mut end)?;
        if body.bytes.len() != expected || end != b"\r\n" {
            return Ok(body);
        }
        if size == 0 {
            body.whole = true;
            return Ok(body);
        }
    }
}

/// Reads at most `count` bytes. A reset is an end like any other, but not a good one: `false`.
fn read_up_to(reader: &mut impl BufRead, count: usize, into: &mut Vec<u8>) -> io::Result<bool> {
    ends_well(reader.by_ref().take(count as u64).read_to_end(into))
}

fn ends_well(read: io::Result<usize>) -> io::Result<bool> {
    match read {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn read_line(reader: &mut impl BufRead, room: &mut usize) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = reader.by_ref().take(*room as u64).read_until(b'\n', &mut line)?;
    if read == 0 && *room > 0 {
        return Ok(None);
    }
    *room -= read;
    if !line.ends_with(b"\n") {
        return Err(fault("a head is cut off or too large"));
    }
    let line = String::from_utf8(line).map_err(|_| fault("a head is not UTF-8"))?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn within(size: usize, limit: usize) -> io::Result<()> {
    if size <= limit { Ok(()) } else { Err(fault("a body is larger than its limit")) }
}

fn fault(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str, to_end: bool) -> io::Result<(Head, Body)> {
        let mut reader = io::BufReader::with_capacity(3, message.as_bytes());
        let head = read_head(&mut reader)?.expect("a head");
        let body = read_body(&mut reader, &head, to_end, 32)?;
        Ok((head, body))
    }

    #[test]
    fn bodies_are_read_in_each_form_and_a_missing_end_is_noticed() {
        for (message, to_end, bytes, whole) in [
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd", false, "abc", true),
            ("POST / HTTP/1.1\r\n\r\nabc", false, "", true),
            ("HTTP/1.1 200 OK\r\n\r\nabc", true, "abc", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", true, "abc", false),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
                true,
                "abc",
                true,
            ),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", true, "ab", false),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab", true, "ab", false),
        ] {
            let (_, body) = read(message, to_end).expect("a message of this form");
            assert_eq!(String::from_utf8_lossy(&body.bytes), bytes, "content was lost: {message:?}");
            assert_eq!(body.whole, whole, "half an answer passes for a whole one: {message:?}");
        }
    }

    #[test]
    fn what_is_no_message_or_has_no_end_is_refused() {
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
        let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(33));
        for message in [
            "GET / HTTP/1.1\r\nno header\r\n\r\n",
            "GET / HTTP/1.1\r\nx: y\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            &long,
            &large,
        ] {
            assert!(read(message, true).is_err(), "a sender could fill memory or be misread: {message:.60}");
        }
        let nothing = read_head(&mut io::BufReader::new(&b""[..])).expect("an end is no fault");
        assert!(nothing.is_none(), "a connection closed between two messages is no fault");
    }

    #[test]
    fn header_names_have_no_case() {
        let (head, _) = read("HTTP/1.1 200 OK\r\nTabellion-Code:  x \r\n\r\n", true).expect("a head");
        assert_eq!(head.header("tabellion-code"), Some("x"), "a header written otherwise was missed");
    }
}
