//! The seam between the ledger and whatever keeps its bytes: a directory tree with explicit durability.
//!
//! Promises: every path is relative, `/`-joined and stays below the root; nothing is durable before a `sync` (file
//! content and length) or a `sync_dir` (names) has returned `Ok`. After a sync has failed, the state of the bytes it
//! covered is unknown, for good: a second sync that succeeds proves nothing about them.
//!
//! Must never: retry, cache or reorder an operation. The one who calls owns those decisions.

use std::io;

use together::Together;

pub mod real;
pub(crate) mod together;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading only.
    Read,
    /// An existing file, for reading and writing.
    ReadWrite,
    /// A file that must not exist yet, for reading and writing. Its name is durable after [`Disk::sync_dir`].
    CreateNew,
}

/// Which file it is, whatever name leads to it: the same for a name and an open file exactly if the name leads to that file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

/// A directory tree. Paths are relative to its root, `/`-joined; the root itself is `""`.
///
/// Errors are those of the operating system; a path that is absolute or climbs is `InvalidInput`.
pub trait Disk: Send + Sync {
    /// Opens a file. `NotFound` when it is missing, `AlreadyExists` for [`OpenMode::CreateNew`] on an existing name.
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;
    /// Whether a file or directory has this name.
    fn exists(&self, path: &str) -> io::Result<bool>;
    /// Which file `path` leads to. `NotFound` when it leads to none.
    fn identity(&self, path: &str) -> io::Result<FileIdentity>;
    /// Names of the files directly in `dir` (no directories), in bytewise order.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Creates `dir` and its missing parents. Durable after [`Disk::sync_dir`] of each parent.
    fn create_dir_all(&self, dir: &str) -> io::Result<()>;
    /// Renames a file, replacing `to` if it exists. Durable after [`Disk::sync_dir`] of both directories.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_dir`] of its directory.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes the names in `dir` durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
}

/// An open file. Offsets and lengths are in bytes.
pub trait DiskFile: Send + Sync {
    /// Reads at `offset` into `buf`; the number of bytes read is smaller than `buf` only at the end of the file.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`, extending the file where needed. After an error any part may be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes every earlier write and length change of this file durable (`fdatasync`).
    fn sync(&self) -> io::Result<()>;
    /// Which file this is; an open file keeps its identity when its name is removed.
    fn identity(&self) -> io::Result<FileIdentity>;
    /// Present length of the file.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Reserves space for, and extends the file to, `len` bytes; new bytes read as zero. `StorageFull` when it does not
    /// fit. Never shortens a file.
    fn allocate(&self, len: u64) -> io::Result<()>;
}

/// The directory part of `path`; `""` is the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Refuses a path that is absolute, empty in a part, or has a `.` or `..` part. The root is `""`.
pub fn check_path(path: &str) -> io::Result<()> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if path.is_empty() || path.split('/').all(plain) {
        return Ok(());
    }
    let text = format!("path {path:?} must be relative, without empty, `.` or `..` parts");
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// Fills `buf` from `offset`; `UnexpectedEof` when the file ends before.
pub fn read_exact_at(file: &dyn DiskFile, offset: u64, buf: &mut [u8]) -> io::Result<()> {
    if file.read_at(offset, buf)? == buf.len() {
        return Ok(());
    }
    let text = format!("file ends inside {} bytes wanted at offset {offset}", buf.len());
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
}

/// Reads a whole file of at most `limit` bytes; a larger one is `FileTooLarge`, read not at all.
pub fn read_all(disk: &dyn Disk, path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(path, OpenMode::Read)?;
    let len = file.len()?;
    let size = usize::try_from(len).ok().filter(|_| len <= limit);
    let Some(size) = size else {
        let text = format!("{path} has {len} bytes, more than the {limit} it may have");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    };
    let mut bytes = vec![0; size];
    read_exact_at(file.as_ref(), 0, &mut bytes)?;
    Ok(bytes)
}

/// Name of the file that [`write_file_durably`] writes before it takes the place of `path`.
pub fn temporary_name(path: &str) -> String {
    format!("{path}.tmp")
}

/// Puts `bytes` at `path` so that after a crash the name holds the old content or the new, whole; after `Ok`, the new.
pub fn write_file_durably(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let mut one = Together::new(disk);
    one.write(path.to_owned(), bytes)?;
    one.settle()
}

/// Creates `dir` with its missing parents and makes every one of those names durable.
pub fn create_dir_durably(disk: &dyn Disk, dir: &str) -> io::Result<()> {
    disk.create_dir_all(dir)?;
    let mut child = dir;
    while !child.is_empty() {
        child = parent(child);
        disk.sync_dir(child)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_root() {
        for good in ["", "log", "log/segments/00000000.seg", "a..b"] {
            assert!(check_path(good).is_ok(), "{good:?} is a plain path and must be usable");
        }
        for bad in ["/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\0b"] {
            assert!(check_path(bad).is_err(), "{bad:?} could reach a file outside the data directory");
        }
    }

    #[test]
    fn the_parent_of_a_top_level_name_is_the_root() {
        assert_eq!(parent("head"), "", "a name without a directory lives in the root");
        assert_eq!(parent("log/head"), "log", "the wrong directory would be synced");
    }
}
