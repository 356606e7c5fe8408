//! A request as it arrived, byte for byte.

use std::io::{self, Read};

/// Most bytes of a request's head; a gateway that sends more is at fault.
const MAX_HEAD_BYTES: usize = 1 << 20;
/// Most bytes of a request's body, well above what any gateway should let through.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Where the head ends.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The connection it came on, counted from 0.
    pub connection: usize,
    /// Request line and headers, with the blank line.
    pub head: String,
    /// The body, its framing taken off.
    pub body: Vec<u8>,
}

impl Request {
    /// `POST`.
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// `/v1/chat/completions`, with its query.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.split("\r\n").skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text; what is not UTF-8 shows as U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Reads requests from one connection and keeps what was read too far.
pub(super) struct Reader<R> {
    from: R,
    connection: usize,
    ahead: Vec<u8>,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(from: R, connection: usize) -> Self {
        Self { from, connection, ahead: Vec::new() }
    }

    /// The next request; `None` where the other side has ended the connection between two.
    pub(super) fn next(&mut self) -> io::Result<Option<Request>> {
        let end = loop {
            if let Some(at) = self.ahead.windows(HEAD_END.len()).position(|window| window == HEAD_END) {
                break at + HEAD_END.len();
            }
            if self.ahead.len() > MAX_HEAD_BYTES {
                return Err(io::Error::other("a request's head has no end"));
            }
            if !self.more()? {
                return if self.ahead.is_empty() { Ok(None) } else { Err(cut()) };
            }
        };
        let head = String::from_utf8_lossy(&self.take(end)?).into_owned();
        let mut request = Request { connection: self.connection, head, body: Vec::new() };
        let chunked =
            request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        request.body = match request.header("content-length").map(str::parse::<usize>) {
            _ if chunked => self.chunks()?,
            None => Vec::new(),
            Some(Ok(length)) => self.take(length)?,
            Some(Err(_)) => return Err(io::Error::other("content-length is no number")),
        };
        Ok(Some(request))
    }

    /// Waits until the other side ends the connection; whatever it still sends is dropped.
    pub(super) fn until_hang_up(&mut self) {
        loop {
            self.ahead.clear();
            if !matches!(self.more(), Ok(true)) {
                return;
            }
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(size, 16).map_err(|_| io::Error::other("a chunk has no size"))?;
            if body.len() + size > MAX_BODY_BYTES {
                return Err(io::Error::other("a request's body is too long"));
            }
            body.extend(self.take(size)?);
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            self.line()?;
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.ahead.windows(2).position(|window| window == b"\r\n") {
                let mut line = self.take(at + 2)?;
                line.truncate(at);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            if self.ahead.len() > MAX_BODY_BYTES || !self.more()? {
                return Err(cut());
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > MAX_BODY_BYTES {
            return Err(io::Error::other("a request's body is too long"));
        }
        while self.ahead.len() < length {
            if !self.more()? {
                return Err(cut());
            }
        }
        let rest = self.ahead.split_off(length);
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    fn more(&mut self) -> io::Result<bool> {
        let mut block = [0; 16 * 1024];
        let read = self.from.read(&mut block)?;
        self.ahead.extend(block.iter().take(read));
        Ok(read > 0)
    }
}

fn cut() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
