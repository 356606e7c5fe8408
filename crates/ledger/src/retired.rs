//! A copy of a log that must not go on, because newer checkpoints of that log are known: it is read, verified and exported, and nothing is appended.
//!
//! To append to an older copy would sign a second history, which witnesses and everybody with a newer receipt would rightly call a fork.

use std::io;

use crate::disk::{self, Disk};
use crate::error::OpenError;

/// The mark; its text says why.
pub(crate) const RETIRED_PATH: &str = "retired";
/// Largest mark.
const MAX_TEXT: u64 = 4096;

/// Marks the log below `disk`, durably. `why`: a line for whoever meets it.
pub fn retire(disk: &dyn Disk, why: &str) -> io::Result<()> {
    disk::write_file_durably(disk, RETIRED_PATH, format!("{why}\n").as_bytes())
}

/// Why the log below `disk` must not go on; `None`: it may.
pub fn retired(disk: &dyn Disk) -> io::Result<Option<String>> {
    if !disk.exists(RETIRED_PATH)? {
        return Ok(None);
    }
    let text = disk::read_all(disk, RETIRED_PATH, MAX_TEXT)?;
    Ok(Some(String::from_utf8_lossy(&text).trim().to_owned()))
}

/// Refuses to write to a log that is marked.
pub(crate) fn check(disk: &dyn Disk) -> Result<(), OpenError> {
    match retired(disk).map_err(OpenError::io("look for", RETIRED_PATH))? {
        None => Ok(()),
        Some(why) => Err(OpenError::Mismatch(format!(
            "nothing is appended to this copy of the log: {why}. It can be read, verified and exported. Restore a newer backup, or go on in a new log \
             that cites this one: tabellion init --continues DIR"
        ))),
    }
}
