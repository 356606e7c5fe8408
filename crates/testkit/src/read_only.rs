//! A disk that takes no change: a mounted backup, or a directory that an auditor may only read.

use std::io;

use tabellion_ledger::disk::{Disk, DiskFile, FileIdentity, OpenMode};

use crate::sim_disk::SimDisk;

/// Like the disk inside; everything that would change it, syncs included, says that the file system is read-only.
#[derive(Clone)]
pub struct ReadOnlyDisk(SimDisk);

impl ReadOnlyDisk {
    /// Shows `inner` and protects it.
    pub fn new(inner: SimDisk) -> Self {
        Self(inner)
    }
}

fn refused() -> io::Error {
    io::ErrorKind::ReadOnlyFilesystem.into()
}

impl Disk for ReadOnlyDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        match mode {
            OpenMode::Read => Ok(Box::new(ReadOnlyFile(self.0.open(path, mode)?))),
            OpenMode::ReadWrite | OpenMode::CreateNew => Err(refused()),
        }
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.0.exists(path)
    }

    fn identity(&self, path: &str) -> io::Result<FileIdentity> {
        self.0.identity(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn create_dir_all(&self, _dir: &str) -> io::Result<()> {
        Err(refused())
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _path: &str) -> io::Result<()> {
        Err(refused())
    }

    fn sync_dir(&self, _dir: &str) -> io::Result<()> {
        Err(refused())
    }
}

struct ReadOnlyFile(Box<dyn DiskFile>);

impl DiskFile for ReadOnlyFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Err(refused())
    }

    fn sync(&self) -> io::Result<()> {
        Err(refused())
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        self.0.identity()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        Err(refused())
    }
}
