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
    /// Held by whoever works on the file under its spare name: while one is made, and until the one that was taken has its own name. Without it a
    /// new one would be found where the old one still is, and two segments would be one file.
    name: Mutex<()>,
}

impl Spare {
    pub(crate) fn is_ready(&self) -> bool {
        self.ready().is_some()
    }

    /// Makes one of `bytes` bytes unless there is one. `filled`: its bytes are written once, because a first write to reserved space costs the
    /// file system a journal entry that overwriting does not.
    pub(crate) fn prepare(&self, disk: &dyn Disk, bytes: u64, filled: bool) -> io::Result<()> {
        let _name = self.name();
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
        // Nobody waits here for one that is being made: it is not ready yet.
        if !self.is_ready() {
            return None;
        }
        let _name = self.name();
        let file = self.ready().take()?;
        let name = || disk.rename(&spare_path(), path).and_then(|()| disk.sync_dir(SEGMENT_DIR));
        let named =
            file.write_at(0, header).and_then(|()| file.sync()).and_then(|()| name().map_err(final_error));
        Some(named.map(|()| file))
    }

    fn ready(&self) -> MutexGuard<'_, Option<Box<dyn DiskFile>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> MutexGuard<'_, ()> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::disk::real::RealDisk;

    const SEGMENTS: u32 = 500;
    const BYTES: u64 = 2 * BATCH_ALIGN;

    /// The keeper makes spares while the committer takes them: each becomes one segment, and no segment is touched again.
    #[test]
    fn a_spare_that_is_being_named_is_nobody_elses() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let disk = RealDisk::create(directory.path()).expect("a disk");
        disk.create_dir_all(SEGMENT_DIR).expect("a directory");
        let (spare, done) = (Spare::default(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    spare.prepare(&disk, BYTES, false).expect("a spare can be made");
                }
            });
            let take = |n: u32| {
                let path = format!("{SEGMENT_DIR}/{n}");
                loop {
                    match spare.take(&disk, &path, &n.to_le_bytes()) {
                        Some(taken) => return taken.map(drop),
                        None => thread::yield_now(),
                    }
                }
            };
            let taken: io::Result<()> = (0..SEGMENTS).try_for_each(take);
            done.store(true, Ordering::Release);
            taken.expect("a segment keeps its file while it gets its name");
        });
        for n in 0..SEGMENTS {
            let bytes = disk::read_all(&disk, &format!("{SEGMENT_DIR}/{n}"), BYTES).expect("a segment");
            assert!(bytes.starts_with(&n.to_le_bytes()), "segment {n} was begun again as another one");
        }
    }
}
