//! The simulated provider: an OpenAI-compatible server on loopback that answers by rule, for the demo and for trying things without a model.
//!
//! It says back what it was asked, in pieces when a stream is asked for; calls the first tool that it is offered; and misbehaves when it is
//! asked for a model of that name (`examples/demo/loan-support/README.md`). Promises: listens on 127.0.0.1 alone, on a port that was free; every
//! connection and body has a limit; ends with its handle. Must never: pass for a model. Its answers say whose they are.

mod answer;
mod speech;

use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::http::{read_body, read_head};
use answer::{Answer, answer};
pub(crate) use speech::{OPENING, last_turn};

/// Largest request: as much as the gateway lets through.
const MAX_BODY_BYTES: usize = 10 << 20;
/// Most connections at a time, each a thread: more than a person who tries things opens.
const MAX_CONNECTIONS: usize = 64;
/// How long a connection may take for each of its bytes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long accepting pauses when the system is out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A serving provider; it ends when this is dropped.
pub(crate) struct Simulated {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Simulated {
    /// Starts it on a free port.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread =
            thread::Builder::new().name("simulated".to_owned()).spawn(move || serve(&listener, &stopped))?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Its base URL, up to and including `/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Accepting waits for somebody: let it be us.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            drop(thread.join());
        }
    }
}

fn serve(listener: &TcpListener, stop: &AtomicBool) {
    let open = AtomicUsize::new(0);
    thread::scope(|scope| {
        loop {
            let accepted = listener.accept();
            if stop.load(Ordering::Acquire) {
                return;
            }
            let Ok((stream, _)) = accepted else {
                thread::sleep(PAUSE);
                continue;
            };
            if open.load(Ordering::Acquire) >= MAX_CONNECTIONS {
                continue; // dropped: the gateway tells its client that the provider broke off
            }
            open.fetch_add(1, Ordering::AcqRel);
            let open = &open;
            scope.spawn(move || {
                // A connection that breaks is its peer's affair.
                drop(converse(&stream));
                open.fetch_sub(1, Ordering::AcqRel);
            });
        }
    });
}

/// One request and its answer; the connection ends with it.
fn converse(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let Some(head) = read_head(&mut reader)? else { return Ok(()) };
    let body = read_body(&mut reader, &head, false, MAX_BODY_BYTES)?;
    match answer(&head.first, &body.bytes) {
        Answer::Whole { status, media, text } => {
            let length = text.len();
            let reason = if status == 200 { "OK" } else { "Refused" };
            write!(
                &*stream,
                "HTTP/1.1 {status} {reason}\r\ncontent-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
            )
        }
        Answer::Stream { events, ends } => write_stream(stream, &events, ends),
    }
}

fn write_stream(mut stream: &TcpStream, events: &[String], ends: bool) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
    )?;
    for event in events {
        let text = format!("data: {event}\n\n");
        write!(stream, "{:x}\r\n{text}\r\n", text.len())?;
    }
    if ends { stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

#[cfg(test)]
mod tests;
