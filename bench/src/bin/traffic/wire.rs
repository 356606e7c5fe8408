//! Messages over one connection, no more of HTTP than both peers use.

use std::io;

use tokio::net::TcpStream;

/// Room for the largest answer.
const BUFFER: usize = 64 << 10;
/// How an event of a stream begins.
const EVENT: &[u8] = b"data:";

pub(crate) async fn send(connection: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        connection.writable().await?;
        match connection.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The messages that come over one connection, one after the other.
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    part: Vec<u8>,
}

impl Incoming {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::with_capacity(BUFFER), part: vec![0; BUFFER] }
    }

    /// The next whole message, head and body.
    pub(crate) async fn message(&mut self, connection: &TcpStream) -> io::Result<Vec<u8>> {
        loop {
            if let Some(len) = message_len(&self.bytes) {
                return Ok(self.bytes.drain(..len).collect());
            }
            self.more(connection).await?;
        }
    }

    /// Waits until the next message has begun to say something: its first event, or all of it when it is no stream.
    pub(crate) async fn first_event(&mut self, connection: &TcpStream) -> io::Result<()> {
        while !contains(&self.bytes, EVENT) && message_len(&self.bytes).is_none() {
            self.more(connection).await?;
        }
        Ok(())
    }

    /// What is there of the next message.
    pub(crate) fn so_far(&self) -> &[u8] {
        &self.bytes
    }

    async fn more(&mut self, connection: &TcpStream) -> io::Result<()> {
        loop {
            connection.readable().await?;
            match connection.try_read(&mut self.part) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.bytes.extend_from_slice(self.part.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

pub(crate) fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// Length of the message at the start of `bytes`, once it is all there: what both peers send is simple enough for this.
pub(crate) fn message_len(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?.to_ascii_lowercase();
    if let Some((_, after)) = text.split_once("content-length: ") {
        let length: usize = after.split("\r\n").next()?.trim().parse().ok()?;
        return (bytes.len() >= head + length).then_some(head + length);
    }
    const LAST: &[u8] = b"\r\n0\r\n\r\n";
    bytes.windows(LAST.len()).position(|part| part == LAST).map(|at| at + LAST.len())
}
