//! The head record: a second memory of how far the log has come (docs/formats.md §13.2), outside `log/`, so that an older copy of that
//! directory alone is noticed.
//!
//! Promises: of two slots written in turn, a torn write leaves the other one readable, because that one is durable before the write begins.
//! The head is written after a commit and not waited for, so it may lag; it never runs ahead. Must never: be the reason for an
//! acknowledgement.

use std::io;

use tabellion_tlog::{Hash, sha256};

use crate::disk::{self, Disk, DiskFile, OpenMode};
use crate::error::OpenError;

/// Path of the head file.
pub(crate) const HEAD_PATH: &str = "head";
const MAGIC: &[u8; 8] = b"TBLHEAD1";
const SLOT: usize = 512;
/// Both slots.
const FILE_BYTES: u64 = 1024;
/// Bytes of a slot before its checksum.
const BODY: usize = SLOT - 4;

/// One remembered place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) generation: u64,
    pub(crate) segment: u32,
    /// Offset at which the batch after it would start.
    pub(crate) end: u64,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) origin: Hash,
}

impl Head {
    fn to_slot(self) -> Vec<u8> {
        let mut slot = Vec::with_capacity(SLOT);
        slot.extend_from_slice(MAGIC);
        slot.extend_from_slice(&self.generation.to_le_bytes());
        slot.extend_from_slice(&self.segment.to_le_bytes());
        slot.extend_from_slice(&[0; 4]);
        slot.extend_from_slice(&self.end.to_le_bytes());
        slot.extend_from_slice(&self.size.to_le_bytes());
        slot.extend_from_slice(self.root.as_bytes());
        slot.extend_from_slice(self.origin.as_bytes());
        slot.resize(BODY, 0);
        let crc = crc32c::crc32c(&slot);
        slot.extend_from_slice(&crc.to_le_bytes());
        slot
    }

    fn from_slot(slot: &[u8]) -> Option<Self> {
        let (body, crc) = slot.split_at_checked(BODY)?;
        if crc != crc32c::crc32c(body).to_le_bytes() {
            return None;
        }
        let rest = body.strip_prefix(MAGIC.as_slice())?;
        let (generation, rest) = rest.split_first_chunk::<8>()?;
        let (segment, rest) = rest.split_first_chunk::<4>()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let (end, rest) = rest.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (root, rest) = rest.split_first_chunk::<32>()?;
        let (origin, _) = rest.split_first_chunk::<32>()?;
        Some(Self {
            generation: u64::from_le_bytes(*generation),
            segment: u32::from_le_bytes(*segment),
            end: u64::from_le_bytes(*end),
            size: u64::from_le_bytes(*size),
            root: Hash(*root),
            origin: Hash(*origin),
        })
    }
}

/// The head file, open for writing.
pub(crate) struct HeadFile {
    file: Box<dyn DiskFile>,
    origin: Hash,
    generation: u64,
    /// Whether the newest slot may not be durable; so it is after a start, when the process before may have died before its sync.
    unsynced: bool,
}

impl HeadFile {
    /// What the head remembers; `None` when no commit has reached it yet. A head that is not there is refused: it is made before the log's
    /// first byte.
    pub(crate) fn load(disk: &dyn Disk) -> Result<Option<Head>, OpenError> {
        if !disk.exists(HEAD_PATH).map_err(OpenError::io("look for", HEAD_PATH))? {
            return Err(OpenError::Corrupt(format!(
                "the file {HEAD_PATH} is missing. It guards against a shortened log: restore it with the newest backup. If it is lost, compare \
                 the log with a kept receipt or checkpoint (tabellion fsck --against), then put an empty file in its place"
            )));
        }
        let bytes = disk::read_all(disk, HEAD_PATH, FILE_BYTES).map_err(OpenError::io("read", HEAD_PATH))?;
        let newest = bytes.chunks(SLOT).filter_map(Head::from_slot).max_by_key(|head| head.generation);
        // One slot that was never written beside one that was torn is how a first write ends when the power goes.
        let both_written = bytes.chunks(SLOT).all(|slot| slot.iter().any(|byte| *byte != 0));
        if newest.is_none() && both_written && !bytes.is_empty() {
            return Err(OpenError::Corrupt(format!(
                "{HEAD_PATH} is damaged in both places. It guards against a shortened log: compare the log with a kept receipt or checkpoint \
                 (tabellion fsck --against), then put an empty file in its place"
            )));
        }
        Ok(newest)
    }

    /// Makes an empty head file, durably.
    pub(crate) fn create(disk: &dyn Disk, origin: &str) -> Result<Self, OpenError> {
        let file = disk
            .open(HEAD_PATH, OpenMode::CreateNew)
            .and_then(|file| file.allocate(FILE_BYTES).map(|()| file))
            .and_then(|file| file.sync().map(|()| file))
            .map_err(OpenError::io("create", HEAD_PATH))?;
        disk.sync_dir(disk::parent(HEAD_PATH)).map_err(OpenError::io("sync", "the data directory"))?;
        Ok(Self { file, origin: sha256(origin.as_bytes()), generation: 0, unsynced: false })
    }

    /// Opens the head file of the log `origin` for writing.
    pub(crate) fn open(disk: &dyn Disk, origin: &str) -> Result<Self, OpenError> {
        let Some(head) = Self::load(disk)? else {
            let file = disk.open(HEAD_PATH, OpenMode::ReadWrite).map_err(OpenError::io("open", HEAD_PATH))?;
            return Ok(Self { file, origin: sha256(origin.as_bytes()), generation: 0, unsynced: true });
        };
        if head.origin != sha256(origin.as_bytes()) {
            return Err(OpenError::Mismatch(format!(
                "{HEAD_PATH} belongs to another log than {origin}. Restore both from one backup"
            )));
        }
        let file = disk.open(HEAD_PATH, OpenMode::ReadWrite).map_err(OpenError::io("open", HEAD_PATH))?;
        Ok(Self { file, origin: head.origin, generation: head.generation, unsynced: true })
    }

    /// Writes the slot that is not the newest, after making the newest durable: were neither, one power cut could tear both. What is
    /// written here is not synced.
    pub(crate) fn write(&mut self, segment: u32, end: u64, size: u64, root: Hash) -> io::Result<()> {
        if self.unsynced {
            self.sync()?;
        }
        let generation = self.generation + 1;
        let head = Head { generation, segment, end, size, root, origin: self.origin };
        self.file.write_at(generation % 2 * SLOT as u64, &head.to_slot())?;
        self.generation = generation;
        self.unsynced = true;
        Ok(())
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.unsynced = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::real::RealDisk;

    const ORIGIN: &str = "test.example/log/acme";

    fn disk() -> (tempfile::TempDir, RealDisk) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk = RealDisk::create(dir.path()).expect("a data directory");
        disk.create_dir_all("log").expect("a directory");
        (dir, disk)
    }

    fn bytes(disk: &RealDisk) -> Vec<u8> {
        disk::read_all(disk, HEAD_PATH, FILE_BYTES).expect("the head can be read")
    }

    fn put(disk: &RealDisk, bytes: &[u8]) {
        disk.open(HEAD_PATH, OpenMode::ReadWrite).and_then(|file| file.write_at(0, bytes)).expect("a write");
    }

    #[test]
    fn a_slot_has_the_bytes_that_the_format_page_says() {
        let (_dir, disk) = disk();
        let mut file = HeadFile::create(&disk, ORIGIN).expect("a new head");
        file.write(3, 4096, 77, Hash([9; 32])).expect("a write");
        let slot = bytes(&disk).split_off(SLOT); // generation 1 is odd: the second slot
        let mut expected = b"TBLHEAD1\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0".to_vec();
        expected.extend_from_slice(b"M\0\0\0\0\0\0\0");
        expected.extend_from_slice(&[9; 32]);
        expected.extend_from_slice(sha256(ORIGIN.as_bytes()).as_bytes());
        expected.resize(508, 0);
        expected.extend_from_slice(&crc32c::crc32c(&expected).to_le_bytes());
        assert_eq!(slot, expected, "a head written by this version could not be read by another one");
    }

    #[test]
    fn a_torn_slot_never_hides_the_older_one() {
        let (_dir, disk) = disk();
        let mut file = HeadFile::create(&disk, ORIGIN).expect("a new head");
        for size in 1..=6 {
            let before = bytes(&disk);
            file.write(0, size * 4096, size, Hash([1; 32])).expect("a write");
            let after = bytes(&disk);
            for torn in 0..after.len() {
                let mixed = [after.get(..torn), before.get(torn..)].map(Option::unwrap_or_default).concat();
                put(&disk, &mixed);
                let head = HeadFile::load(&disk).expect("one slot is always whole");
                let found = head.map_or(0, |head| head.size);
                assert!(
                    (size - 1..=size).contains(&found),
                    "torn at byte {torn}, size {size}: the head says {found}"
                );
            }
            put(&disk, &after);
        }
    }

    #[test]
    fn a_head_of_another_log_or_without_a_whole_slot_is_refused() {
        let (_dir, disk) = disk();
        let mut file = HeadFile::create(&disk, ORIGIN).expect("a new head");
        file.write(0, 4096, 1, Hash([1; 32]))
            .and_then(|()| file.write(0, 8192, 2, Hash([2; 32])))
            .expect("writes");
        let foreign = HeadFile::open(&disk, "test.example/log/other").err().map(|error| error.to_string());
        assert!(
            foreign.is_some_and(|text| text.contains("another log")),
            "a foreign head would guard nothing"
        );
        let damaged: Vec<u8> = bytes(&disk).into_iter().map(|byte| byte ^ 0x10).collect();
        put(&disk, &damaged);
        let refused = HeadFile::load(&disk).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            refused.contains("head") && refused.contains("fsck"),
            "the refusal names no way out: {refused}"
        );
        disk.remove(HEAD_PATH).expect("removed");
        assert!(
            HeadFile::open(&disk, ORIGIN).is_err(),
            "a head taken away would guard nothing, without a word"
        );
        disk.open(HEAD_PATH, OpenMode::CreateNew).expect("the way out");
        HeadFile::open(&disk, ORIGIN).expect("an empty head is the operator's word");
    }
}
