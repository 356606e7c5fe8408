//! Talking to a running server.
//!
//! Promises: one request, one answer, or a sentence that says whether anything can have happened. Must never: repeat a request by itself.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{MAX_SOCKET_PATH, MESSAGE_TIMEOUT, frame};
use crate::directory::SOCKET;
use crate::failure::Failure;
use crate::request::{Request, Response};

/// Longest wait for an answer: an erasure reads the whole log.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(10);

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the server of `dir`; `None` when there is none.
    pub fn connect(dir: &Path) -> Result<Option<Self>, Failure> {
        let path = dir.join(SOCKET);
        if path.as_os_str().as_bytes().len() > MAX_SOCKET_PATH {
            return Ok(None); // no server can have bound it
        }
        let failed = |error: &io::Error| Failure::io("talk to the server at", &path, error);
        let stream = match UnixStream::connect(&path) {
            Ok(stream) => stream,
            // A socket without a listener is left by a server that was killed.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(&error)),
        };
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(|error| failed(&error))?;
        stream.set_write_timeout(Some(MESSAGE_TIMEOUT)).map_err(|error| failed(&error))?;
        Ok(Some(Self { stream }))
    }

    /// Sends a request and waits for its answer.
    pub fn ask(&mut self, request: &Request) -> Result<Response, Failure> {
        let bytes = serde_json::to_vec(request)
            .map_err(|error| Failure::malformed(format!("the request cannot be sent: {error}")))?;
        frame::write(&mut self.stream, &bytes).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Failure::malformed(format!("{error}; send less at a time")),
            _ => unknown(&error.to_string()),
        })?;
        match frame::read(&mut self.stream) {
            Ok(Some(answer)) => serde_json::from_slice(&answer)
                .map_err(|error| unknown(&format!("its answer cannot be read ({error})"))),
            Ok(None) => Err(unknown("it closed the connection without an answer")),
            Err(error) => Err(unknown(&error.to_string())),
        }
    }
}

fn unknown(what: &str) -> Failure {
    Failure::failed(format!(
        "the server did not answer: {what}. Whether the request was carried out is not known here; look with tabellion log tail, and \
         repeat it with its idempotency key if it had one"
    ))
}
