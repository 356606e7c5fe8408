//! A segment seen through a window that moves along it, so that a start needs memory for a batch and not for a file.
//!
//! Promises: what it shows is what the file held when the window came there. Must never: be larger than a batch and one step.

use std::io;

use super::BATCH_ALIGN;
use super::batch::{Batch, BatchHeader};
use crate::disk::{Disk, DiskFile, OpenMode};

/// Bytes read at a time.
const STEP: usize = 1 << 20;

/// One segment, open for reading.
pub(crate) struct Window {
    file: Box<dyn DiskFile>,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Opens a file of at most `limit` bytes; a larger one is `FileTooLarge`, read not at all.
    pub(crate) fn open(disk: &dyn Disk, path: &str, limit: u64) -> io::Result<Self> {
        let file = disk.open(path, OpenMode::Read)?;
        let len = file.len()?;
        if len > limit {
            let text = format!("{path} has {len} bytes, more than the {limit} it may have");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        Ok(Self { file, len, start: 0, bytes: Vec::new() })
    }

    /// Length of the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Forgets what it holds, to see what was written meanwhile.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// The bytes from `at`: `want` of them or more, fewer only at the end of the file.
    pub(crate) fn at(&mut self, at: u64, want: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let want = want.min(left);
        let here = at.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        if let Some(skip) = here.filter(|skip| self.bytes.len().saturating_sub(*skip) >= want) {
            return Ok(self.bytes.get(skip..).unwrap_or_default());
        }
        self.bytes.resize(want.max(STEP).min(left), 0);
        self.start = at;
        let count = self.file.read_at(at, &mut self.bytes)?;
        self.bytes.truncate(count);
        Ok(&self.bytes)
    }

    /// The whole batch at `at`, if there is one.
    pub(crate) fn batch(&mut self, at: u64) -> io::Result<Option<Batch<'_>>> {
        let Some(header) = BatchHeader::peek(self.at(at, BatchHeader::size())?) else { return Ok(None) };
        Ok(Batch::read(self.at(at, header.bytes as usize)?))
    }

    /// The first batch that is whole at a page after `at`.
    pub(crate) fn later_batch(&mut self, at: u64) -> io::Result<Option<BatchHeader>> {
        let mut page = at + BATCH_ALIGN;
        while page < self.len {
            if let Some(batch) = self.batch(page)? {
                return Ok(Some(batch.header));
            }
            page += BATCH_ALIGN;
        }
        Ok(None)
    }

    /// Where the last byte from `from` up to `to` that is not zero ends; `None` when all are.
    pub(crate) fn used(&mut self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let (mut at, mut used) = (from, None);
        while at < to.min(self.len) {
            let left = usize::try_from(to - at).unwrap_or(usize::MAX);
            let shown = self.at(at, left.min(STEP))?;
            let shown = shown.get(..left.min(shown.len())).unwrap_or_default();
            if shown.is_empty() {
                break;
            }
            let last = shown.iter().rposition(|byte| *byte != 0);
            used = last.map(|last| at + last as u64 + 1).or(used);
            at += shown.len() as u64;
        }
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::real::RealDisk;
    use crate::wal::batch::BatchWriter;

    /// Batches of every size up to more than a step, some of which lie across the end of a window.
    fn segment() -> (Vec<u8>, Vec<(u64, u64)>) {
        let (mut bytes, mut places) = (vec![0; 4096], Vec::new());
        for (n, size) in [10, 700_000, 400_000, 1_500_000, 20, 1_040_000].into_iter().enumerate() {
            let mut batch = BatchWriter::new(0, n as u64, Vec::new());
            batch.push_entry(&vec![b'e'; size]);
            batch.push_entry(b"seal");
            let at = bytes.len() as u64;
            bytes.extend(batch.finish(b"checkpoint of 16"));
            places.push((at, bytes.len() as u64));
            bytes.resize(bytes.len().next_multiple_of(4096), 0);
        }
        bytes.resize(bytes.len() + 3_000_000, 0);
        (bytes, places)
    }

    #[test]
    fn a_window_shows_what_the_whole_file_shows() {
        let (bytes, places) = segment();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let disk = RealDisk::create(directory.path()).expect("a disk");
        disk.open("segment", OpenMode::CreateNew).expect("a file").write_at(0, &bytes).expect("written");
        let mut window = Window::open(&disk, "segment", bytes.len() as u64).expect("opens");
        for (n, (at, end)) in (0..).zip(&places) {
            let batch =
                window.batch(*at).expect("read").expect("a batch across the end of a window is whole");
            assert_eq!(batch.header.first, n, "another batch");
            assert!(window.batch(at + 8).expect("read").is_none(), "a batch where none begins");
            assert_eq!(window.used(*at, *end + 5).expect("read"), Some(*end), "the end of batch {n}");
        }
        let (last, end) = places[places.len() - 1];
        assert_eq!(window.used(end, bytes.len() as u64).expect("read"), None, "zeros are nothing");
        let later = window.later_batch(places[1].0).expect("read").expect("there is one");
        assert_eq!(later.first, 2, "damage before a valid batch would be cut as a torn tail");
        assert_eq!(window.later_batch(last).expect("read"), None, "a torn tail would be refused as damage");
        assert!(Window::open(&disk, "segment", 4096).is_err(), "a file of any size is read");
    }
}
