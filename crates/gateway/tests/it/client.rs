//! An HTTP client of a few lines, so that a test sees and cuts the very bytes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// How long a read waits; a healthy run needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// Received and not yet taken.
    pub(crate) buffer: Vec<u8>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// `error.code` of an error in the provider's form; in Amazon's, what its message begins with.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        let amazons = || body["message"].as_str().and_then(|message| Some(message.split_once(':')?.0));
        body["error"]["code"].as_str().or_else(amazons).unwrap_or_default().to_owned()
    }

    /// What a record holds of `bytes` under the salt that came with this answer; of no bytes, nothing.
    pub(crate) fn salted(&self, bytes: &[u8]) -> Option<String> {
        salted(self.header("tabellion-salt").expect("the answer has a salt"), bytes)
    }

    /// The data of each event of a stream.
    pub(crate) fn events(&self) -> Vec<String> {
        self.text()
            .split("\n\n")
            .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")))
            .map(str::to_owned)
            .collect()
    }

    /// The text that a stream or a whole answer gives.
    pub(crate) fn content(&self) -> String {
        if let Ok(whole) = serde_json::from_slice::<Value>(&self.body) {
            return whole["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned();
        }
        self.deltas(|delta| delta["content"].as_str().map(str::to_owned))
    }

    /// The arguments of the first tool call of a stream.
    pub(crate) fn arguments(&self) -> String {
        self.deltas(|delta| delta["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned))
    }

    fn deltas(&self, of: impl Fn(&Value) -> Option<String>) -> String {
        self.events()
            .iter()
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|event| of(&event["choices"][0]["delta"]))
            .collect()
    }
}

/// The digest of `bytes` under `salt`, as whoever made a call computes it; of no bytes, none.
pub(crate) fn salted(salt: &str, bytes: &[u8]) -> Option<String> {
    let salt = hex::decode(salt).expect("a salt is hex");
    assert_eq!(salt.len(), 16, "a salt that is shorter can be tried");
    (!bytes.is_empty()).then(|| hex::encode(Sha256::digest([salt.as_slice(), bytes].concat())))
}

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: gateway\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

impl Client {
    /// Whether anything has come that was not taken yet, without waiting for it.
    pub(crate) fn has_answered(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a setting");
        let there = self.stream.peek(&mut [0; 1]);
        self.stream.set_nonblocking(false).expect("a setting");
        !self.buffer.is_empty() || there.is_ok()
    }

    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("an option can be set");
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the gateway reads");
    }

    /// The salt in the head of an answer that was read and not taken yet.
    pub(crate) fn salt(&self) -> String {
        let text = String::from_utf8_lossy(&self.buffer);
        let line = text.lines().find_map(|line| line.strip_prefix("tabellion-salt: "));
        line.expect("a streamed answer has its salt before its first event").to_owned()
    }

    /// Sends as much as the gateway takes.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads until what was received holds `text`.
    pub(crate) fn read_until(&mut self, text: &str) {
        while !self.buffer.windows(text.len()).any(|window| window == text.as_bytes()) {
            assert!(
                self.fill(),
                "the connection ended before {text:?}: {}",
                String::from_utf8_lossy(&self.buffer)
            );
        }
    }

    /// Reads on until what came last holds `text`, and forgets what came before.
    pub(crate) fn drain_until(&mut self, text: &str) {
        while !self.buffer.windows(text.len()).any(|window| window == text.as_bytes()) {
            let old = self.buffer.len().saturating_sub(text.len());
            self.buffer.drain(..old);
            assert!(self.fill(), "the connection ended before {text:?}");
        }
    }

    /// Whether anything comes within `time`.
    pub(crate) fn silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("a timeout can be set");
        let mut byte = [0; 1];
        let silent = self.stream.peek(&mut byte).is_err();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        silent
    }

    /// Goes away, at once and for good.
    pub(crate) fn leave(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn fill(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(read) => {
                self.buffer.extend_from_slice(&piece[..read]);
                true
            }
            Err(error) => panic!("reading: {error}; so far {}", String::from_utf8_lossy(&self.buffer)),
        }
    }

    /// Takes in what comes next; whether nothing comes any more.
    pub(crate) fn is_over(&mut self) -> bool {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(read) => {
                self.buffer.extend_from_slice(&piece[..read]);
                read == 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => true,
            Err(error) => panic!("reading: {error}; so far {:?}", self.buffer),
        }
    }

    fn take_line(&mut self) -> String {
        self.read_until("\r\n");
        let at = self.buffer.windows(2).position(|pair| pair == b"\r\n").expect("just read");
        let line = String::from_utf8(self.buffer[..at].to_vec()).expect("a head is text");
        self.buffer.drain(..at + 2);
        line
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.fill(), "the connection ended in the middle of a body");
        }
        self.buffer.drain(..count).collect()
    }

    /// Reads a whole answer; the connection can be used again.
    pub(crate) fn answer(&mut self) -> Answer {
        let status_line = self.take_line();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let mut headers = Vec::new();
        loop {
            let line = self.take_line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").expect("a header");
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        if answer.header("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(&self.take_line(), 16).expect("the size of a chunk");
                let chunk = self.take(size);
                self.take(2);
                if size == 0 {
                    break;
                }
                answer.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().expect("a length");
            answer.body = self.take(length);
        }
        answer
    }
}

impl Client {
    /// Waits for the first bytes of an answer, or for the end of the connection; whether either came.
    pub(crate) fn ended_or_answered(&mut self) -> bool {
        let mut byte = [0; 1];
        self.stream
            .peek(&mut byte)
            .map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true)
    }

    /// Reads whatever still comes; whether the gateway then closed the connection.
    pub(crate) fn ended(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
