//! A disk whose file sync does nothing: the build with its sync call removed.

use std::io;

use tabellion_ledger::disk::{Disk, DiskFile, OpenMode};

use crate::sim_disk::SimDisk;

/// Like the disk inside, but syncing a file whose path begins with the prefix only pretends.
#[derive(Clone)]
pub struct ForgetfulDisk {
    inner: SimDisk,
    prefix: String,
}

impl ForgetfulDisk {
    /// Forgets every file sync below `prefix`; the empty prefix forgets all.
    pub fn new(inner: SimDisk, prefix: &str) -> Self {
        Self { inner, prefix: prefix.to_owned() }
    }
}

impl Disk for ForgetfulDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let file = self.inner.open(path, mode)?;
        if path.starts_with(&self.prefix) { Ok(Box::new(ForgetfulFile(file))) } else { Ok(file) }
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn create_dir_all(&self, dir: &str) -> io::Result<()> {
        self.inner.create_dir_all(dir)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }
}

struct ForgetfulFile(Box<dyn DiskFile>);

impl DiskFile for ForgetfulFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.0.allocate(len)
    }
}
