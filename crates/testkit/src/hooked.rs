//! A disk on which the test decides what becomes of changes to files: held, failed, or only pretended.
//!
//! Promises: everything else is the disk inside, unchanged.

use std::io;
use std::sync::Arc;

use tabellion_ledger::disk::{Disk, DiskFile, FileIdentity, OpenMode};

use crate::sim_disk::SimDisk;

/// A change that a file is about to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Bytes are written.
    Write,
    /// Space is reserved.
    Allocate,
    /// What was written is made durable.
    Sync,
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made.
    Made,
    /// It is said to be made.
    Pretended,
}

/// Asked before every change, with the path that its file was opened by. It may wait; an error is what the caller gets.
pub type Hook = Arc<dyn Fn(&str, Change) -> io::Result<Fate> + Send + Sync>;

/// The disk inside, each change of a file under a [`Hook`].
#[derive(Clone)]
pub struct HookedDisk {
    inner: Arc<dyn Disk>,
    hook: Hook,
}

impl HookedDisk {
    /// Puts the changes of `inner` under `hook`.
    pub fn new(
        inner: Arc<dyn Disk>,
        hook: impl Fn(&str, Change) -> io::Result<Fate> + Send + Sync + 'static,
    ) -> Self {
        Self { inner, hook: Arc::new(hook) }
    }

    /// A disk whose file syncs below `prefix` do nothing: the build with its sync call removed. The empty prefix forgets all.
    pub fn forgetful(inner: SimDisk, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        Self::new(Arc::new(inner), move |path, change| {
            let forgotten = change == Change::Sync && path.starts_with(&prefix);
            Ok(if forgotten { Fate::Pretended } else { Fate::Made })
        })
    }
}

impl Disk for HookedDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let file = self.inner.open(path, mode)?;
        Ok(Box::new(HookedFile { file, path: path.to_owned(), hook: Arc::clone(&self.hook) }))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn identity(&self, path: &str) -> io::Result<FileIdentity> {
        self.inner.identity(path)
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

struct HookedFile {
    file: Box<dyn DiskFile>,
    path: String,
    hook: Hook,
}

impl HookedFile {
    fn under_hook(&self, change: Change, make: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match (self.hook)(&self.path, change)? {
            Fate::Made => make(),
            Fate::Pretended => Ok(()),
        }
    }
}

impl DiskFile for HookedFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.under_hook(Change::Write, || self.file.write_at(offset, bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.under_hook(Change::Sync, || self.file.sync())
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        self.file.identity()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.under_hook(Change::Allocate, || self.file.allocate(len))
    }
}
