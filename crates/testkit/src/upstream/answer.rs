//! What goes out for one request: a status line and headers, a body in pieces, and how it ends.
//!
//! Every method that changes an answer takes and gives it, so that a script reads as one sentence:
//! `Answer::events(STREAM).every_byte().cut_after(300)`.

use std::fmt::Write as _;

use super::gate::Gate;

/// How the body's end is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` with this number of bytes, true or not.
    Length(u64),
    /// `Transfer-Encoding: chunked`, one chunk per piece: a reader gets the pieces as they were cut, however TCP joins them.
    Chunked,
    /// Neither: the body ends where the connection does.
    UntilClose,
}

/// What happens after the last piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The body is ended as its framing asks, and the connection stays for the next request where the framing allows it.
    Whole,
    /// The connection is closed at once: to the reader, the provider died.
    Close,
    /// The connection is reset at once (TCP RST): the provider, or something on the way, was killed. A reader may then lose
    /// what it has not read yet, so only what a gate held back until it was read is sure to arrive.
    Reset,
    /// Nothing more is sent and the connection stays, until the other side hangs up.
    Silence,
}

/// One part of a body.
#[derive(Clone)]
pub(super) enum Part {
    /// One write, and one chunk when the framing is chunked.
    Bytes(Vec<u8>),
    /// Waits for the test.
    Pause(Gate),
    /// Sent again and again until the other side hangs up.
    Forever(Vec<u8>),
}

/// The answer to one request.
#[must_use = "an answer that no script gives is never sent"]
#[derive(Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    /// Before the status line.
    pub(super) held: Option<Gate>,
    pub(super) parts: Vec<Part>,
    pub(super) end: End,
    /// Parts are all there is: no status line, no headers, no framing.
    pub(super) raw: bool,
}

impl Answer {
    /// `body` with a `Content-Length` and this content type.
    pub fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            framing: Framing::Length(body.len() as u64),
            held: None,
            parts: vec![Part::Bytes(body)],
            end: End::Whole,
            raw: false,
        }
    }

    /// A JSON body, right or wrong, with a `Content-Length`.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::with_body(status, "application/json", body)
    }

    /// A stream of server-sent events with status 200, chunked, one chunk per event (up to and with its blank line).
    pub fn events(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut answer = Self::with_body(200, "text/event-stream; charset=utf-8", Vec::new());
        answer.framing = Framing::Chunked;
        answer.parts = events_of(&body).into_iter().map(Part::Bytes).collect();
        answer
    }

    /// Exactly these bytes instead of an HTTP answer, then a close.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut answer = Self::with_body(200, "", bytes);
        answer.raw = true;
        answer.end = End::Close;
        answer
    }

    /// No answer, ever: the request is taken and the connection stays open.
    pub fn silence() -> Self {
        let mut answer = Self::raw(Vec::new());
        answer.end = End::Silence;
        answer
    }

    /// One more header. Its name and value go out as they are.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another framing of the same body; with [`Framing::Length`] it need not be true.
    pub fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// The body one byte at a time.
    pub fn every_byte(self) -> Self {
        self.in_pieces(1)
    }

    /// The body in pieces of `size_bytes`, across the borders there were; pauses stay where they are.
    pub fn in_pieces(mut self, size_bytes: usize) -> Self {
        let size_bytes = size_bytes.max(1);
        let mut parts = Vec::new();
        let mut run = Vec::new();
        let flush = |run: &mut Vec<u8>, parts: &mut Vec<Part>| {
            parts.extend(run.chunks(size_bytes).map(|piece| Part::Bytes(piece.to_vec())));
            run.clear();
        };
        for part in self.parts {
            match part {
                Part::Bytes(bytes) => run.extend(bytes),
                other => {
                    flush(&mut run, &mut parts);
                    parts.push(other);
                }
            }
        }
        flush(&mut run, &mut parts);
        self.parts = parts;
        self
    }

    /// Sends nothing, not even the status line, before `gate` opens.
    pub fn held_at(mut self, gate: &Gate) -> Self {
        self.held = Some(gate.clone());
        self
    }

    /// Waits at `gate` after this many bytes of body. Past the body's end: at its end, before the framing is ended.
    pub fn pause_after(mut self, bytes: usize, gate: &Gate) -> Self {
        let later = self.split_off(bytes);
        self.parts.push(Part::Pause(gate.clone()));
        self.parts.extend(later);
        self
    }

    /// Stops after this many bytes of body; then as `end` says. The framing still promises the whole.
    pub fn stop_after(mut self, bytes: usize, end: End) -> Self {
        let _never_sent = self.split_off(bytes);
        self.end = end;
        self
    }

    /// Dies after this many bytes of body: closes the connection.
    pub fn cut_after(self, bytes: usize) -> Self {
        self.stop_after(bytes, End::Close)
    }

    /// Sends `bytes` again and again after the body, each time as one piece, until the other side hangs up.
    pub fn then_forever(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.parts.push(Part::Forever(bytes.into()));
        self
    }

    /// The body without its pauses.
    pub fn body(&self) -> Vec<u8> {
        let bytes = self.parts.iter().filter_map(|part| match part {
            Part::Bytes(bytes) => Some(bytes.as_slice()),
            Part::Pause(_) | Part::Forever(_) => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// The status line and headers as they go out; nothing for a raw answer.
    pub(super) fn head(&self) -> String {
        if self.raw {
            return String::new();
        }
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = match self.framing {
            Framing::Length(bytes) => write!(head, "content-length: {bytes}\r\n"),
            Framing::Chunked => write!(head, "transfer-encoding: chunked\r\n"),
            Framing::UntilClose => write!(head, "connection: close\r\n"),
        };
        head + "\r\n"
    }

    /// The gates at which it may wait.
    pub(super) fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.held.iter().chain(self.parts.iter().filter_map(|part| match part {
            Part::Pause(gate) => Some(gate),
            Part::Bytes(_) | Part::Forever(_) => None,
        }))
    }

    /// Takes out what comes after the first `bytes` bytes of body.
    fn split_off(&mut self, bytes: usize) -> Vec<Part> {
        let mut left = bytes;
        let mut later = Vec::new();
        for part in std::mem::take(&mut self.parts) {
            match part {
                part if !later.is_empty() => later.push(part),
                Part::Bytes(mut piece) if piece.len() > left => {
                    later.push(Part::Bytes(piece.split_off(left)));
                    self.parts.push(Part::Bytes(piece));
                }
                Part::Bytes(piece) => {
                    left -= piece.len();
                    self.parts.push(Part::Bytes(piece));
                }
                part => self.parts.push(part),
            }
        }
        later
    }
}

/// A stream cut after each blank line.
fn events_of(body: &[u8]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut event: Vec<u8> = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        event.extend(line);
        if line == b"\n" || line == b"\r\n" {
            events.push(std::mem::take(&mut event));
        }
    }
    events.extend((!event.is_empty()).then_some(event));
    events
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Told To",
    }
}
