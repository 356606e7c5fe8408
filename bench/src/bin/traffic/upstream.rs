//! A model provider that answers every request the same, and a guard that lets everything pass.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use crate::wire::{Incoming, contains, send};

const EVENTS: usize = 20;
/// Of a model whose streams stand still after their first event, with the milliseconds behind it.
const STILL: &[u8] = b"\"model\":\"bench-still-";
const JSON: &[u8] = b"\"model\":\"bench-json\"";
const STREAM: &[u8] = b"\"stream\":true";
const CHECK: &[u8] = b"/check HTTP/1.1\r\n";

/// Everything that is ever sent.
struct Answers {
    prose: Vec<u8>,
    json: Vec<u8>,
    verdict: Vec<u8>,
    /// A stream to the end of its first event, and the rest of it.
    stream: (Vec<u8>, Vec<u8>),
}

pub(crate) async fn upstream(address: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    let text = "The application meets the conditions that were asked about. ".repeat(8);
    let answers = Arc::new(Answers {
        prose: whole_answer(&text),
        json: whole_answer(&format!("{{\\\"reason\\\":\\\"{text}\\\",\\\"meets\\\":true}}")),
        verdict: whole("{\"verdict\":\"pass\"}"),
        stream: streamed_answer(),
    });
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let mut incoming = Incoming::new();
            while let Ok(request) = incoming.message(&connection).await {
                if answers.give(&connection, &request).await.is_err() {
                    return;
                }
            }
        });
    }
}

impl Answers {
    async fn give(&self, connection: &TcpStream, request: &[u8]) -> std::io::Result<()> {
        let line = request.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.ends_with(CHECK) {
            return send(connection, &self.verdict).await;
        }
        if !contains(request, STREAM) {
            return send(connection, if contains(request, JSON) { &self.json } else { &self.prose }).await;
        }
        let (first, rest) = &self.stream;
        let Some(time) = still(request) else {
            return send(connection, &[first.as_slice(), rest].concat()).await;
        };
        send(connection, first).await?;
        tokio::time::sleep(time).await;
        send(connection, rest).await
    }
}

/// How long a stream stands still after its first event.
fn still(request: &[u8]) -> Option<Duration> {
    let at = request.windows(STILL.len()).position(|part| part == STILL)? + STILL.len();
    let digits = request.get(at..)?.split(|byte| *byte == b'"').next()?;
    Some(Duration::from_millis(std::str::from_utf8(digits).ok()?.parse().ok()?))
}

fn whole(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn whole_answer(content: &str) -> Vec<u8> {
    whole(&format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"bench-1\",\"choices\":[{{\"index\":0,\"message\":\
         {{\"role\":\"assistant\",\"content\":\"{content}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":200,\
         \"completion_tokens\":90,\"total_tokens\":290}}}}"
    ))
}

fn streamed_answer() -> (Vec<u8>, Vec<u8>) {
    let mut first =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let mut rest = String::new();
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    for n in 0..EVENTS {
        let reason = if n + 1 == EVENTS { "\"stop\"" } else { "null" };
        let event = chunk(&format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench-1\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\"word \"}},\"finish_reason\":{reason}}}]}}\n\n"
        ));
        if n == 0 { &mut first } else { &mut rest }.push_str(&event);
    }
    rest.push_str(&chunk("data: [DONE]\n\n"));
    rest.push_str("0\r\n\r\n");
    (first.into_bytes(), rest.into_bytes())
}
