//! The serving side: a thread per connection, each request carried out on the one open log.
//!
//! Promises: a request that was read is answered before the server stops; a silent or slow peer holds nothing but its own connection; at
//! most [`MAX_CONNECTIONS`] at a time. A fatal error of the log stops the server. Must never: acknowledge what the ledger did not.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{MAX_SOCKET_PATH, MESSAGE_TIMEOUT, frame};
use crate::directory::SOCKET;
use crate::failure::Failure;
use crate::held::Held;
use crate::perform::perform;
use crate::request::{Refusal, RefusalKind, Request, Response};

/// Most connections at a time. Each is a thread with at most one message; local commands are few, and clients keep theirs open.
pub const MAX_CONNECTIONS: usize = 64;
/// A connection that is silent this long is closed; clients connect again at no cost.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

/// Ends a server from elsewhere: a signal, or a connection that saw the log fail.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    stopping: Arc<AtomicBool>,
    /// A second handle of the listening socket: the name in the file system may be gone, or another's.
    listening: Arc<UnixStream>,
    socket: PathBuf,
}

impl Stop {
    /// Asks the server to stop. Can be asked any number of times, and does all of it each time.
    pub(crate) fn now(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, and refuses whoever comes from now on. Linux takes this of a listening socket; where a system does not, a
        // connection wakes it.
        if self.listening.shutdown(Shutdown::Both).is_err() {
            drop(UnixStream::connect(&self.socket));
        }
    }

    fn asked(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// A bound socket.
pub(crate) struct Server {
    listener: UnixListener,
    held: Arc<Held>,
    stop: Stop,
    fatal: Arc<Mutex<Option<String>>>,
}

/// The connections that are open, to close them from outside.
#[derive(Default)]
struct Connections {
    next: u64,
    open: BTreeMap<u64, (UnixStream, JoinHandle<()>)>,
}

impl Server {
    /// Binds the socket of `dir`, whose lock the caller holds, private to its owner. A socket left by a killed server is replaced.
    pub(crate) fn bind(dir: &Path, held: Arc<Held>) -> Result<Self, Failure> {
        let path = dir.join(SOCKET);
        let length = path.as_os_str().as_bytes().len();
        if length > MAX_SOCKET_PATH {
            return Err(Failure::malformed(format!(
                "the socket's path {} has {length} bytes, the system allows {MAX_SOCKET_PATH}; serve a directory with a shorter path, or give \
                 a relative --dir",
                path.display()
            )));
        }
        let failed = |action: &'static str| {
            let path = path.clone();
            move |error: io::Error| Failure::io(action, &path, &error)
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("replace")(error)),
            _ => {}
        }
        // The process's file mask already keeps others out; the explicit mode says so even where a mask was overridden.
        let listener = UnixListener::bind(&path).map_err(failed("bind the socket"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .map_err(failed("make private the socket"))?;
        let second = listener.try_clone().map_err(failed("hold the socket"))?;
        let listening = Arc::new(UnixStream::from(OwnedFd::from(second)));
        let stop = Stop { stopping: Arc::new(AtomicBool::new(false)), listening, socket: path };
        Ok(Self { listener, held, stop, fatal: Arc::default() })
    }

    /// The handle that stops it.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Serves until stopped: then no connection is accepted, every request that was read is answered, and all threads have ended.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut connections = Connections::default();
        let accepted = self.accept(&mut connections);
        let fatal = Arc::clone(&self.fatal);
        self.drain(connections);
        let reason = fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
        reason.map_or(accepted, |reason| Err(Failure::failed(reason)))
    }

    fn accept(&self, connections: &mut Connections) -> Result<(), Failure> {
        while !self.stop.asked() {
            match self.listener.accept() {
                Ok((stream, _)) if !self.stop.asked() => self.admit(stream, connections),
                Ok(_) => {}
                Err(_) if self.stop.asked() => {}
                // A peer that left before it was accepted is its own affair.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                    ) => {}
                Err(error) => return Err(Failure::io("accept connections at", &self.stop.socket, &error)),
            }
        }
        Ok(())
    }

    fn admit(&self, mut stream: UnixStream, connections: &mut Connections) {
        connections.open.retain(|_, (_, thread)| !thread.is_finished());
        let prepared = stream
            .set_read_timeout(Some(IDLE_TIMEOUT))
            .and_then(|()| stream.set_write_timeout(Some(MESSAGE_TIMEOUT)))
            .and_then(|()| stream.try_clone());
        let Ok(handle) = prepared else { return };
        if connections.open.len() >= MAX_CONNECTIONS {
            let text = format!(
                "the server has {MAX_CONNECTIONS} connections open, its most; try again when one is closed"
            );
            answer(&mut stream, &unavailable(text));
            return;
        }
        let (held, stop, fatal) = (Arc::clone(&self.held), self.stop.clone(), Arc::clone(&self.fatal));
        let name = format!("connection-{}", connections.next);
        let spawned = thread::Builder::new().name(name).spawn(move || converse(stream, &held, &stop, &fatal));
        if let Ok(thread) = spawned {
            connections.open.insert(connections.next, (handle, thread));
            connections.next += 1;
        }
    }

    /// Lets every connection finish the request it has read, and ends it.
    fn drain(self, connections: Connections) {
        // Whichever way it came to its end: handles of the socket are kept elsewhere too, and nobody is to wait at it.
        self.stop.now();
        drop(self.listener);
        // The lock is still held, so no other server can have bound the name meanwhile.
        drop(fs::remove_file(&self.stop.socket));
        for (stream, _) in connections.open.values() {
            // Only the reading half: an answer under way still leaves.
            drop(stream.shutdown(Shutdown::Read));
        }
        for (_, thread) in connections.open.into_values() {
            drop(thread.join());
        }
    }
}

/// One connection from its first request to its end, which the peer sees at once: the handle that the server keeps of it does not keep it open.
fn converse(mut stream: UnixStream, held: &Held, stop: &Stop, fatal: &Mutex<Option<String>>) {
    answer_all(&mut stream, held, stop, fatal);
    drop(stream.shutdown(Shutdown::Both));
}

/// Answers until the peer leaves, is silent too long or breaks the form.
fn answer_all(stream: &mut UnixStream, held: &Held, stop: &Stop, fatal: &Mutex<Option<String>>) {
    loop {
        let bytes = match frame::read(stream) {
            Ok(Some(bytes)) => bytes,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                answer(stream, &rejected(error.to_string()));
                return;
            }
            Ok(None) | Err(_) => return,
        };
        let response = match serde_json::from_slice::<Request>(&bytes) {
            Ok(request) => perform(held, &request),
            Err(error) => rejected(format!("the request cannot be read: {error}")),
        };
        let alive = answer(stream, &response);
        if let Response::Refused(Refusal { kind: RefusalKind::Fatal, message, .. }) = response {
            fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
            stop.now();
            return;
        }
        if !alive {
            return;
        }
    }
}

/// Sends an answer; `false` when the peer is gone or too slow to take it.
fn answer(stream: &mut UnixStream, response: &Response) -> bool {
    match serde_json::to_vec(response) {
        Ok(bytes) => frame::write(stream, &bytes).is_ok(),
        Err(_) => false,
    }
}

fn rejected(message: String) -> Response {
    Response::Refused(Refusal { kind: RefusalKind::Rejected, code: Some("malformed".to_owned()), message })
}

fn unavailable(message: String) -> Response {
    Response::Refused(Refusal { kind: RefusalKind::Unavailable, code: None, message })
}
