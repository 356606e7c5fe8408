//! The way into the log for a command: through the server when one runs, else by holding the log itself.
//!
//! Promises: both ways carry out the same requests with the same refusals; a log that was held is closed (its epoch ended) before the
//! command ends, also when the command failed. Must never: take the log while a server holds it.

use std::path::Path;
use std::sync::Arc;

use tabellion_ledger::lock::DirLock;
use tabellion_ledger::{Ledger, OpenError};

use crate::directory::Directory;
use crate::failure::Failure;
use crate::held::Held;
use crate::perform::perform;
use crate::request::{Answer, Appended, Request, Response};
use crate::socket::Client;
use crate::terminal;

/// An open way into a log.
pub(crate) enum Writer {
    /// This process holds the log.
    Own(Box<OwnLog>),
    /// A server holds it.
    Served(Client),
}

/// A log that this process holds.
pub(crate) struct OwnLog {
    held: Held,
    _lock: DirLock,
}

impl Writer {
    /// Opens a way, lets `work` use it, and closes it whatever happened.
    pub(crate) fn with<T>(
        directory: &Directory,
        work: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut writer = Self::open(directory)?;
        let worked = work(&mut writer);
        let closed = writer.close();
        let worked = worked?;
        closed.map(|()| worked)
    }

    fn open(directory: &Directory) -> Result<Self, Failure> {
        if let Some(client) = Client::connect(directory.path())? {
            return Ok(Self::Served(client));
        }
        directory.check_configured()?;
        let lock = match take_lock(directory.path()) {
            // A server may have started, or become ready, between the two.
            Err(OpenError::Locked(text)) => {
                return match Client::connect(directory.path())? {
                    Some(client) => Ok(Self::Served(client)),
                    None => Err(Failure::failed(text)),
                };
            }
            other => other?,
        };
        let disk = directory.disk()?;
        let ledger = Ledger::open(Arc::clone(&disk), &directory.options(false)?)?;
        directory.check_env(ledger.reader())?;
        terminal::say_notes(ledger.notes());
        let held = Held::new(
            ledger,
            disk,
            directory.path(),
            Arc::new(|_| {}),
            directory.config().observation.0,
            directory.config().gateway.upstream_names(),
        );
        Ok(Self::Own(Box::new(OwnLog { held, _lock: lock })))
    }

    /// Has a request carried out, and gives the answer or the refusal.
    pub(crate) fn respond(&mut self, request: &Request) -> Result<Response, Failure> {
        match self {
            Self::Own(own) => Ok(perform(&own.held, request)),
            Self::Served(client) => client.ask(request),
        }
    }

    /// Has a request carried out; a refusal is a failure.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        match self.respond(request)? {
            Response::Done(answer) => Ok(answer),
            Response::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Has records appended.
    pub(crate) fn append(&mut self, request: &Request) -> Result<Vec<Appended>, Failure> {
        appended(self.ask(request)?)
    }

    /// The text of an entry's receipt.
    pub(crate) fn receipt(&mut self, index: u64) -> Result<String, Failure> {
        match self.ask(&Request::Receipt { index })? {
            Answer::Receipt { text } => Ok(text),
            other => Err(unexpected(&other)),
        }
    }

    /// The log that this process holds; `None`: a server does.
    pub(crate) fn own(&self) -> Option<&Held> {
        match self {
            Self::Own(own) => Some(&own.held),
            Self::Served(_) => None,
        }
    }

    fn close(self) -> Result<(), Failure> {
        match self {
            Self::Own(own) => Ok(own.held.close()?),
            Self::Served(_) => Ok(()),
        }
    }
}

/// What an append was answered with.
pub(crate) fn appended(answer: Answer) -> Result<Vec<Appended>, Failure> {
    match answer {
        Answer::Appended { records } => Ok(records),
        other => Err(unexpected(&other)),
    }
}

/// Takes the lock of `dir`, or says who has it.
pub(crate) fn take_lock(dir: &Path) -> Result<DirLock, OpenError> {
    DirLock::acquire(dir)
}

/// An answer to another question: the server is of another version.
pub(crate) fn unexpected(answer: &Answer) -> Failure {
    let name = serde_json::to_value(answer).ok();
    let name = name
        .as_ref()
        .and_then(|value| value.get("answer"))
        .and_then(|name| name.as_str())
        .unwrap_or("unknown")
        .to_owned();
    Failure::failed(format!(
        "the server gave an answer of kind {name:?} to another question; run the same version of tabellion on both sides"
    ))
}
