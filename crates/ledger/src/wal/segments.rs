//! The segment being written: finding room for the next batch, and moving on to a new segment when there is none.

use std::io;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::BATCH_ALIGN;
use super::segment::{SEGMENT_DIR, SegmentHeader, SegmentLog, segment_path};
use super::spare::Spare;
use crate::disk::{Disk, DiskFile, OpenMode};

/// Where a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

/// The newest segment, open for writing.
pub(crate) struct Segments {
    file: Arc<dyn DiskFile>,
    number: u32,
    end: u64,
    capacity: u64,
    /// Over the checkpoints of this segment: what the next segment's header names.
    checkpoints: Sha256,
    /// Size of segments made from now on.
    segment_bytes: u64,
}

impl Segments {
    /// Takes over an existing segment whose committed batches end at `end`.
    pub(crate) fn resume(
        file: Box<dyn DiskFile>,
        number: u32,
        end: u64,
        checkpoints: Sha256,
        segment_bytes: u64,
    ) -> io::Result<Self> {
        let capacity = file.len()?;
        Ok(Self { file: file.into(), number, end, capacity, checkpoints, segment_bytes })
    }

    /// Makes segment `number` durable and empty. A file of that name can only be the remains of an earlier attempt that never held a
    /// batch; it is replaced.
    pub(crate) fn create(
        disk: &dyn Disk,
        spare: &Spare,
        number: u32,
        logs: Vec<SegmentLog>,
        previous: String,
        segment_bytes: u64,
    ) -> io::Result<Self> {
        let path = segment_path(number);
        if disk.exists(&path)? {
            disk.remove(&path)?;
        }
        let header = SegmentHeader::new(number, logs, previous).to_bytes().map_err(io::Error::other)?;
        let file = match spare.take(disk, &path, &header) {
            Some(taken) => taken?,
            None => create_file(disk, &path, &header, segment_bytes)?,
        };
        let capacity = file.len()?;
        Ok(Self {
            file: file.into(),
            number,
            end: BATCH_ALIGN,
            capacity,
            checkpoints: Sha256::new(),
            segment_bytes,
        })
    }

    /// Largest batch that a fresh segment holds.
    pub(crate) fn max_batch_bytes(&self) -> usize {
        usize::try_from(self.segment_bytes.saturating_sub(BATCH_ALIGN)).unwrap_or(usize::MAX)
    }

    /// A place for `len` bytes; moves on to a new segment when this one has no room. On an error nothing changed.
    pub(crate) fn reserve(
        &mut self,
        disk: &dyn Disk,
        spare: &Spare,
        logs: impl FnOnce() -> Vec<SegmentLog>,
        len: usize,
    ) -> io::Result<Place> {
        if self.end + len as u64 > self.capacity {
            let previous = hex::encode(self.checkpoints.clone().finalize());
            *self = Self::create(disk, spare, self.number + 1, logs(), previous, self.segment_bytes)?;
        }
        Ok(Place { segment: self.number, offset: self.end })
    }

    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file)
    }

    /// Notes that a batch with this checkpoint is being written and takes `bytes`.
    pub(crate) fn written(&mut self, checkpoint: &str, bytes: usize) {
        self.checkpoints.update(checkpoint.as_bytes());
        self.end = (self.end + bytes as u64).next_multiple_of(BATCH_ALIGN);
    }

    /// Bytes left in this segment.
    pub(crate) fn left(&self) -> u64 {
        self.capacity.saturating_sub(self.end)
    }

    /// Offset at which the next batch would start.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }
}

/// A new file of `bytes` bytes under its durable name, `header` at its start.
fn create_file(disk: &dyn Disk, path: &str, header: &[u8], bytes: u64) -> io::Result<Box<dyn DiskFile>> {
    let file = disk.open(path, OpenMode::CreateNew)?;
    if let Err(error) = file.allocate(bytes) {
        // Give the space back; the error that matters is the first one.
        let _ = disk.remove(path);
        return Err(error);
    }
    file.write_at(0, header)
        .and_then(|()| file.sync())
        .and_then(|()| disk.sync_dir(SEGMENT_DIR))
        .map_err(final_error)?;
    Ok(file)
}

/// An error after which a segment with a header may be there or not: it names the checkpoints of the segment before, so nothing may be added to that
/// one any more. Never a full disk that one could go on with.
pub(super) fn final_error(error: io::Error) -> io::Error {
    io::Error::other(error)
}
