//! One process per data directory.
//!
//! Promises: the directory itself is locked, not only a file in it that anybody can remove; the file says who holds it. Where a file system locks no
//! directories (some that are mounted over a network), the file alone counts, and its holder looks before every batch whether it is still there. Must
//! never: wait.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::OpenError;

/// File name of the lock.
pub(crate) const LOCK_FILE: &str = "lock";
/// A process id and a newline.
const MAX_HOLDER: u64 = 64;

/// Holds the directory until dropped, or until the process ends however it ends.
#[derive(Debug)]
pub struct DirLock {
    _directory: Option<File>,
    _file: File,
}

impl DirLock {
    /// Takes the lock of `dir`, or says who has it.
    pub fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let directory = lock_directory(dir)?;
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
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(held_by(Some(&mut file), dir))),
            Err(TryLockError::Error(error)) => return Err(OpenError::io("lock", &shown)(error)),
        }
        let note = format!("{}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(note.as_bytes()))
            .map_err(OpenError::io("write", &shown))?;
        Ok(Self { _directory: directory, _file: file })
    }
}

/// Locks the directory's own descriptor, which no removed name takes away; `None` where the file system locks no directories.
fn lock_directory(dir: &Path) -> Result<Option<File>, OpenError> {
    let shown = dir.display().to_string();
    let directory = File::open(dir).map_err(OpenError::io("open", &shown))?;
    match directory.try_lock() {
        Ok(()) => Ok(Some(directory)),
        Err(TryLockError::WouldBlock) => {
            let mut file = File::open(dir.join(LOCK_FILE)).ok();
            Err(OpenError::Locked(held_by(file.as_mut(), dir)))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn held_by(file: Option<&mut File>, dir: &Path) -> String {
    let mut holder = String::new();
    if let Some(file) = file {
        let _ = file.take(MAX_HOLDER).read_to_string(&mut holder);
    }
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

    #[test]
    fn a_lock_file_that_is_removed_lets_nobody_else_in() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let held = DirLock::acquire(dir.path()).expect("the first process gets the directory");
        std::fs::remove_file(dir.path().join(LOCK_FILE)).expect("somebody removes the lock");
        let refused = DirLock::acquire(dir.path()).expect_err("two writers would fork the log").to_string();
        assert!(refused.contains("another process"), "the operator must learn that it is held: {refused}");
        assert!(
            !dir.path().join(LOCK_FILE).exists(),
            "a refused process leaves a lock that it does not hold"
        );
        drop(held);
        DirLock::acquire(dir.path()).expect("a directory is free again when its holder ends");
    }
}
