//! How a command ends when it does not succeed: a sentence or two for a person, an exit code for a script.
//!
//! Promises: every text says what failed, on what, and what to do; the codes are those of docs/formats.md §12 and mean the same for
//! every command. Must never: quote a secret or a record's content.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

use tabellion_gateway::StartError;
use tabellion_ledger::{LedgerError, OpenError, RejectCode};
use tabellion_views::ViewsError;

use crate::request::{Refusal, RefusalKind};

/// What a script sees. 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something is broken, refused or failed.
    Failed = 1,
    /// The input is malformed, or the command was used wrongly.
    Malformed = 2,
    /// Nothing is broken, but something that is required is unknown.
    Undetermined = 3,
}

/// Why a command did not succeed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code; `None` when there is nothing to complain about (the reader of our output went away).
    exit: Option<Exit>,
    text: String,
}

impl Failure {
    /// Something is broken, was refused, or could not be done.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { exit: Some(Exit::Failed), text: text.into() }
    }

    /// What the caller gave cannot be used.
    pub fn malformed(text: impl Into<String>) -> Self {
        Self { exit: Some(Exit::Malformed), text: text.into() }
    }

    /// Nothing is broken, and what was asked for is not there.
    pub fn undetermined(text: impl Into<String>) -> Self {
        Self { exit: Some(Exit::Undetermined), text: text.into() }
    }

    /// A file operation failed.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "; check the path",
            io::ErrorKind::PermissionDenied => "; run as the user who owns it, or change its permissions",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; free some space and run the command again"
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                "; the file system is mounted read-only, mount it for writing"
            }
            _ => "",
        };
        Self::failed(format!("cannot {action} {}: {error}{hint}", path.display()))
    }

    /// The command already said everything on standard output; only the exit code is left to give.
    pub fn told(exit: Exit) -> Self {
        Self { exit: Some(exit), text: String::new() }
    }

    /// Whoever read our output went away: nothing to say, nobody to say it to.
    pub fn reader_gone() -> Self {
        Self { exit: None, text: String::new() }
    }

    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        self.exit.map_or(0, |exit| exit as u8)
    }

    /// The same failure with more said about it.
    #[must_use]
    pub fn with(mut self, more: &str) -> Self {
        self.text.push_str(more);
        self
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let hint = match &error {
            OpenError::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    ". Run as the user who owns the data directory, or give that user access"
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    ". The file system is mounted read-only; mount it for writing"
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    ". The disk is full; free space below the data directory and start again"
                }
                _ => "",
            },
            _ => "",
        };
        Self::failed(format!("{error}{hint}"))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error.code() {
            Some(RejectCode::Malformed | RejectCode::TooLarge) => Self::malformed(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<ViewsError> for Failure {
    fn from(error: ViewsError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match (refusal.kind, refusal.code.as_deref()) {
            (RefusalKind::Rejected, Some("malformed" | "too_large")) => Self::malformed(refusal.message),
            _ => Self::failed(refusal.message),
        }
    }
}
