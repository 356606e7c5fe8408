//! Several files that become durable together.

use std::collections::BTreeSet;
use std::io;

use super::{Disk, DiskFile, OpenMode, parent, temporary_name};

/// Files whose content is written and whose names do not stand yet.
///
/// Each of them synced by itself is a commit of a file system's journal by itself, and whoever appends to the log meanwhile waits for it. When all of them are
/// written before the first is synced, that first sync puts all of them away.
pub(crate) struct Together<'d> {
    disk: &'d dyn Disk,
    written: Vec<(String, Box<dyn DiskFile>)>,
}

impl<'d> Together<'d> {
    /// None yet.
    pub(crate) fn new(disk: &'d dyn Disk) -> Self {
        Self { disk, written: Vec::new() }
    }

    /// Writes what is to stand at `path` beside it; its directory has to exist.
    pub(crate) fn write(&mut self, path: String, bytes: &[u8]) -> io::Result<()> {
        let temporary = temporary_name(&path);
        if self.disk.exists(&temporary)? {
            self.disk.remove(&temporary)?; // left by a crash; nobody reads it
        }
        let file = self.disk.open(&temporary, OpenMode::CreateNew)?;
        file.write_at(0, bytes)?;
        self.written.push((path, file));
        Ok(())
    }

    /// Makes them durable under their names: after a crash each name holds the old content or the new, whole; after `Ok`, the new. Content first, then names: a
    /// rename that outlived an unsynced content would show an empty file.
    pub(crate) fn settle(self) -> io::Result<()> {
        for (_, file) in &self.written {
            file.sync()?;
        }
        let mut directories = BTreeSet::new();
        for (path, _) in &self.written {
            self.disk.rename(&temporary_name(path), path)?;
            directories.insert(parent(path));
        }
        directories.into_iter().try_for_each(|directory| self.disk.sync_dir(directory))
    }
}
