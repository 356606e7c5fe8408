//! Whether a file that the log writes into still stands under its name.
//!
//! A file that was removed, moved away or replaced takes writes and syncs without a word, and everything in it is gone when the process ends. So
//! this is asked before every batch, and nothing is acknowledged that would be lost. The process goes on: it may hold the last copy.

use std::io;

use crate::disk::{Disk, DiskFile, FileIdentity};
use crate::error::{LedgerError, OpenError};
use crate::lock::LOCK_FILE;

/// The lock file as it was when the log was opened; `None` on a disk without one, which nobody else can open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldLock(Option<FileIdentity>);

impl HeldLock {
    /// As it is now, while the caller holds it.
    pub(crate) fn of(disk: &dyn Disk) -> Result<Self, OpenError> {
        match disk.identity(LOCK_FILE) {
            Ok(identity) => Ok(Self(Some(identity))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(OpenError::io("look at", LOCK_FILE)(error)),
        }
    }

    /// Of whoever only reads.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Refuses when another file stands in its place or none: somebody may take the log for free.
    pub(crate) fn check(&self, disk: &dyn Disk) -> Result<(), LedgerError> {
        let Some(held) = self.0 else { return Ok(()) };
        if disk.identity(LOCK_FILE).is_ok_and(|named| named == held) {
            return Ok(());
        }
        Err(LedgerError::Unavailable(format!(
            "the file {LOCK_FILE} that keeps a second writer out was removed or replaced under process {}. Nothing was recorded; everything acknowledged \
             is kept. End this process, see that no other one writes the log, then start again",
            std::process::id()
        )))
    }
}

/// Refuses when `path` does not lead to `file`.
pub(crate) fn check(disk: &dyn Disk, path: &str, file: &dyn DiskFile) -> Result<(), LedgerError> {
    let happened = match (disk.identity(path), file.identity()) {
        (Ok(named), Ok(open)) if named == open => return Ok(()),
        (Ok(_), Ok(_)) => "another file stands in its place".to_owned(),
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
            "it was removed or moved away".to_owned()
        }
        (Err(error), _) | (_, Err(error)) => error.to_string(),
    };
    let process = std::process::id();
    Err(LedgerError::Unavailable(format!(
        "{path} is no longer what this process writes into: {happened}. Nothing was recorded. Do not stop the process yet, it holds what may be \
         the last copy: find it by `ls -l /proc/{process}/fd`, copy it to where it was, then start again"
    )))
}
