//! One process per data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::OpenError;

/// File name of the lock.
const LOCK_FILE: &str = "lock";
/// A process id and a newline.
const MAX_HOLDER: u64 = 64;

/// Holds the directory until dropped, or until the process ends however it ends.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the lock of `dir`, or says who has it.
    pub fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(LOCK_FILE);
        let shown = path.display().to_string();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(OpenError::io("open", &shown))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(held_by(&mut file, dir))),
            Err(TryLockError::Error(error)) => return Err(OpenError::io("lock", &shown)(error)),
        }
        let note = format!("{}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(note.as_bytes()))
            .map_err(OpenError::io("write", &shown))?;
        Ok(Self { _file: file })
    }
}

fn held_by(file: &mut File, dir: &Path) -> String {
    let mut holder = String::new();
    let _ = file.take(MAX_HOLDER).read_to_string(&mut holder);
    let holder = holder.trim();
    let who = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
    format!(
        "{} is in use by {who}. Only one process may write a log; stop it, or talk to it through its socket",
        dir.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_has_the_directory() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let held = DirLock::acquire(dir.path()).expect("the first process gets the directory");
        let refused = DirLock::acquire(dir.path()).expect_err("two writers would fork the log").to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "the operator must learn who holds it: {refused}"
        );
        drop(held);
        DirLock::acquire(dir.path()).expect("a directory is free again when its holder ends");
    }
}
