//! The next segment, made ready before it is needed.
//!
//! Promises: whoever takes it only writes its header and gives it its name, so a commit never waits for the reservation of a whole segment; its
//! space is the log's already, so what was promised room (`Ledger::reserve`) is recorded even when the disk is full meanwhile. Must never: carry a
//! segment's name before its header is durable.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::BATCH_ALIGN;
use super::segment::SEGMENT_DIR;
use super::segments::final_error;
use crate::disk::{self, Disk, DiskFile, OpenMode};

/// Zeros written at a time, so that commits in between do not wait long for the disk.
const FILL_BYTES: usize = 1 << 20;

/// Where the spare lies until it becomes a segment.
pub(crate) fn spare_path() -> String {
    format!("{SEGMENT_DIR}/spare")
}

/// Holds at most one file.
#[derive(Default)]
pub(crate) struct Spare {
    ready: Mutex<Option<Box<dyn DiskFile>>>,
    /// Held while one is made: the keeper and a committer that cannot wait may both want to.
    making: Mutex<()>,
}

impl Spare {
    pub(crate) fn is_ready(&self) -> bool {
        self.ready().is_some()
    }

    /// Makes one of `bytes` bytes unless there is one. `filled`: its bytes are written once, because a first write to reserved space costs the
    /// file system a journal entry that overwriting does not.
    pub(crate) fn prepare(&self, disk: &dyn Disk, bytes: u64, filled: bool) -> io::Result<()> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_ready() {
            return Ok(());
        }
        let file = match left_over(disk, bytes)? {
            Some(file) => file,
            None => make(disk, bytes, filled)?,
        };
        *self.ready() = Some(file);
        Ok(())
    }

    /// Takes the spare, when there is one, with `header` at its start, under the durable name `path`.
    pub(crate) fn take(
        &self,
        disk: &dyn Disk,
        path: &str,
        header: &[u8],
    ) -> Option<io::Result<Box<dyn DiskFile>>> {
        let file = self.ready().take()?;
        let name = || disk.rename(&spare_path(), path).and_then(|()| disk.sync_dir(SEGMENT_DIR));
        let named =
            file.write_at(0, header).and_then(|()| file.sync()).and_then(|()| name().map_err(final_error));
        Some(named.map(|()| file))
    }

    fn ready(&self) -> MutexGuard<'_, Option<Box<dyn DiskFile>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The spare of an earlier process, when it is of this size and nobody began to use it.
fn left_over(disk: &dyn Disk, bytes: u64) -> io::Result<Option<Box<dyn DiskFile>>> {
    if !disk.exists(&spare_path())? {
        return Ok(None);
    }
    let file = disk.open(&spare_path(), OpenMode::ReadWrite)?;
    let mut first = vec![0; usize::try_from(BATCH_ALIGN).map_err(io::Error::other)?];
    let whole = file.len()? == bytes && disk::read_exact_at(file.as_ref(), 0, &mut first).is_ok();
    if whole && first.iter().all(|byte| *byte == 0) {
        return Ok(Some(file));
    }
    drop(file);
    disk.remove(&spare_path())?;
    Ok(None)
}

fn make(disk: &dyn Disk, bytes: u64, filled: bool) -> io::Result<Box<dyn DiskFile>> {
    let file = disk.open(&spare_path(), OpenMode::CreateNew)?;
    let made = file.allocate(bytes).and_then(|()| if filled { fill(file.as_ref(), bytes) } else { Ok(()) });
    if let Err(error) = made {
        // Give the space back; the error that matters is the first one.
        let _ = disk.remove(&spare_path());
        return Err(error);
    }
    Ok(file)
}

fn fill(file: &dyn DiskFile, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; FILL_BYTES];
    let mut at = 0;
    while at < bytes {
        let count = usize::try_from(bytes - at).map_or(FILL_BYTES, |left| left.min(FILL_BYTES));
        file.write_at(at, zeros.get(..count).unwrap_or(&zeros))?;
        file.sync()?;
        at += count as u64;
    }
    Ok(())
}
