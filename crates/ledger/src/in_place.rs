//! Whether a file that the log writes into still stands under its name.
//!
//! A file that was removed, moved away or replaced takes writes and syncs without a word, and everything in it is gone when the process ends. So
//! this is asked before every batch, and nothing is acknowledged that would be lost. The process goes on: it may hold the last copy.

use std::io;

use crate::disk::{Disk, DiskFile};
use crate::error::LedgerError;

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
