//! The demo as a client: one request and its answer over a connection of its own, and the control plane's API on top of it.
//!
//! Promises: everything waited for has an end; an answer that was cut off is told apart from a whole one; what the control plane refuses is said
//! in its own words. Must never: put a token or key into a text.

use std::fmt::Write as _;
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::http::{Body, Head, read_body, read_head};
use crate::terminal;

/// How long connecting may take: it is this machine.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long the next byte may take: a small model on a busy machine thinks for a minute.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// Largest answer: far above any of the demo.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A request on its way.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    /// A key or a session's token.
    pub(super) bearer: Option<&'a str>,
    /// Other headers; names and values without line ends.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// A body of type application/json.
    pub(super) body: Option<&'a [u8]>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: Head,
    pub(super) body: Body,
}

/// Sends one request and takes its answer in to its end.
pub(super) fn send(address: SocketAddr, request: &Outgoing<'_>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(&written(address, request))?;
    let mut reader = BufReader::new(&stream);
    let head = read_head(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status =
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer has no status"))?;
    let body = read_body(&mut reader, &head, true, MAX_ANSWER_BYTES)?;
    Ok(Answer { status, head, body })
}

fn written(address: SocketAddr, request: &Outgoing<'_>) -> Vec<u8> {
    let mut head =
        format!("{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", request.method, request.path);
    if let Some(bearer) = request.bearer {
        let _ = write!(head, "authorization: Bearer {bearer}\r\n");
    }
    for (name, value) in request.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if let Some(body) = request.body {
        let _ = write!(head, "content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(request.body.unwrap_or_default());
    bytes
}

/// The control plane, as somebody who is signed in.
pub(super) struct Api {
    address: SocketAddr,
    token: String,
}

impl Api {
    /// Comes in with a one-time link's token.
    pub(super) fn sign_in(address: SocketAddr, link: &str) -> Result<Self, Failure> {
        let mut api = Self { address, token: String::new() };
        let opened = api.post("/api/v1/session", &json!({"link": link, "for": "program"}))?;
        text(&opened, "/token")?.clone_into(&mut api.token);
        Ok(api)
    }

    /// Reads.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask("GET", path, &[], None)
    }

    /// Makes something or has something done.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask("POST", path, &[], Some(body))
    }

    /// Puts something in place of its version `replaced`; `None`: nothing is there yet.
    pub(super) fn put(&self, path: &str, replaced: Option<u64>, body: &Value) -> Result<Value, Failure> {
        let tag = replaced.map(|version| format!("\"{version}\""));
        let headers: Vec<(&str, &str)> = tag.iter().map(|tag| ("if-match", tag.as_str())).collect();
        self.ask("PUT", path, &headers, Some(body))
    }

    fn ask(
        &self,
        method: &'static str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let body = body.map(|body| body.to_string().into_bytes());
        let bearer = Some(self.token.as_str()).filter(|token| !token.is_empty());
        let request = Outgoing { method, path, bearer, headers, body: body.as_deref() };
        let answer = send(self.address, &request).map_err(|error| {
            Failure::failed(format!(
                "{method} {path}: the control plane at {} gave no answer: {error}; run the demo again",
                self.address
            ))
        })?;
        let content = serde_json::from_slice(&answer.body.bytes).unwrap_or(Value::Null);
        if (200..300).contains(&answer.status) && answer.body.whole {
            return Ok(content);
        }
        let said = |member: &str| content.get(member).and_then(Value::as_str).unwrap_or("-").to_owned();
        Err(Failure::failed(terminal::printable(&format!(
            "{method} {path}: status {}, {} [{}]. {}",
            answer.status,
            said("detail"),
            said("code"),
            said("remedy")
        ))))
    }
}

/// A text in an answer of the control plane, by its JSON Pointer.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str, Failure> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| {
        Failure::failed(format!(
            "an answer of the control plane has no {pointer}; this is a fault of tabellion, please report it"
        ))
    })
}

/// A list in an answer of the control plane, by its JSON Pointer.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> Result<&'v [Value], Failure> {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| {
        Failure::failed(format!(
            "an answer of the control plane has no {pointer}; this is a fault of tabellion, please report it"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that reads one request, answers with `answer` and hangs up; gives its address and what it read.
    fn server(answer: &'static str) -> (SocketAddr, thread::JoinHandle<(Head, Body)>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut reader = BufReader::new(&stream);
            let head = read_head(&mut reader).expect("a head").expect("a request");
            let body = read_body(&mut reader, &head, false, 1 << 20).expect("a body");
            stream.write_all(answer.as_bytes()).expect("a reader");
            (head, body)
        });
        (address, thread)
    }

    #[test]
    fn a_change_names_its_version_and_its_answer_is_read() {
        let (address, server) = server("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}");
        let api = Api { address, token: "tbs_x".to_owned() };
        let answer = api.put("/api/v1/policies/house", Some(3), &json!({"text": "ü"})).expect("an answer");
        assert_eq!(answer, json!({"a": 1}));
        let (head, body) = server.join().expect("the server is done");
        assert_eq!(head.first, "PUT /api/v1/policies/house HTTP/1.1");
        assert_eq!(head.header("authorization"), Some("Bearer tbs_x"));
        assert_eq!(head.header("if-match"), Some("\"3\""), "somebody else's change would be overwritten");
        assert_eq!(body.bytes, "{\"text\":\"ü\"}".as_bytes());
    }

    #[test]
    fn a_refusal_is_said_in_its_own_words_and_half_an_answer_is_none() {
        for (answer, parts) in [
            (
                "HTTP/1.1 403 Forbidden\r\n\r\n{\"code\":\"not_permitted\",\"detail\":\"no role\",\"remedy\":\"Ask.\"}",
                ["403", "no role [not_permitted]", "Ask."],
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", ["200", "/x", "GET"]),
            ("", ["no answer", "run the demo again", "/x"]),
        ] {
            let (address, _server) = server(answer);
            let api = Api { address, token: "tbs_secret".to_owned() };
            let error = api.get("/x").expect_err("a refusal would pass for consent").to_string();
            for part in parts {
                assert!(error.contains(part), "{error} does not say {part:?}");
            }
            assert!(!error.contains("tbs_secret"), "a token ends in somebody's terminal");
        }
    }
}
