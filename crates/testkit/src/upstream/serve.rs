//! The threads behind an upstream: one accepts, one per connection reads requests and plays their answers.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::Shared;
use super::answer::{Answer, End, Framing, Part};
use super::request::Reader;

/// An open connection and the thread that serves it.
pub(super) struct Connection {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Connection {
    /// Ends it under its thread, which then ends too.
    pub(super) fn cut(self) -> JoinHandle<()> {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.thread
    }
}

/// A named thread, so that a stuck test shows where.
#[expect(clippy::expect_used, reason = "a test that can start no thread has to stop")]
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).expect("the system gives no thread")
}

/// Accepts until the upstream is stopped.
pub(super) fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        let Ok(kept) = stream.try_clone() else { continue };
        let mut state = shared.state();
        if state.stopped {
            return;
        }
        let number = state.connections;
        state.connections += 1;
        let thread = spawn("upstream-serve", {
            let shared = Arc::clone(shared);
            move || {
                let serving = Serving { stream, number, shared: &shared };
                // What a broken connection means is the gateway's to tell; here it ends the connection.
                let _ = serving.run();
            }
        });
        state.open.insert(number, Connection { stream: kept, thread });
        drop(state);
        shared.changed.notify_all();
    }
}

/// Makes a waiting `accept` return.
pub(super) fn wake(address: SocketAddr) {
    let _ = TcpStream::connect(address);
}

/// One connection being served. Dropped, also by a panicking script, it lets go of the connection, so that it closes.
struct Serving<'a> {
    stream: TcpStream,
    number: usize,
    shared: &'a Shared,
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.shared.change(|state| state.open.remove(&self.number));
    }
}

impl Serving<'_> {
    fn run(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)?; // pieces go out as they are cut
        let mut reader = Reader::new(&self.stream, self.number);
        while let Some(request) = reader.next()? {
            let number = self.shared.change(|state| {
                state.requests.push(request.clone());
                state.requests.len() - 1
            });
            let answer = (self.shared.script.0)(&request, number);
            let stopped = self.shared.change(|state| {
                state.gates.extend(answer.gates().cloned());
                state.stopped
            });
            if stopped {
                return Ok(());
            }
            if let Err(error) = play(&self.stream, &answer) {
                self.hung_up();
                return Err(error);
            }
            match answer.end {
                End::Whole if answer.framing != Framing::UntilClose => {}
                End::Whole | End::Close => return self.stream.shutdown(Shutdown::Write),
                // With no time to linger, closing is resetting.
                End::Reset => {
                    return set_socket_linger(&self.stream, Some(Duration::ZERO)).map_err(io::Error::from);
                }
                End::Silence => {
                    reader.until_hang_up();
                    self.hung_up();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn hung_up(&self) {
        self.shared.change(|state| state.hang_ups += 1);
    }
}

/// Sends an answer up to its end; an error is the other side's hanging up.
fn play(mut stream: &TcpStream, answer: &Answer) -> io::Result<()> {
    pass(answer.held.as_ref())?;
    stream.write_all(answer.head().as_bytes())?;
    let chunked = answer.framing == Framing::Chunked && !answer.raw;
    for part in &answer.parts {
        match part {
            Part::Bytes(bytes) => stream.write_all(&framed(bytes, chunked))?,
            Part::Pause(gate) => pass(Some(gate))?,
            Part::Forever(bytes) => {
                let bytes = framed(bytes, chunked);
                while !bytes.is_empty() {
                    stream.write_all(&bytes)?;
                }
            }
        }
    }
    if chunked && answer.end == End::Whole {
        stream.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

fn pass(gate: Option<&super::Gate>) -> io::Result<()> {
    if gate.is_none_or(super::Gate::pass) { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
}

/// One piece as it goes out. An empty one is nothing: as a chunk it would end the body.
fn framed(bytes: &[u8], chunked: bool) -> Vec<u8> {
    if !chunked || bytes.is_empty() {
        return bytes.to_vec();
    }
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend(bytes);
    chunk.extend(b"\r\n");
    chunk
}
