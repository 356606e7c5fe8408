//! The real disk: a directory of the operating system.
//!
//! Promises: directories are 0700 and files 0600 from the moment they exist; `sync` is `fdatasync`, `sync_dir` is `fsync`
//! of the directory; `allocate` reserves blocks, so that a full disk is known before a batch is written.
//!
//! Must never: follow a path out of its root directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::{Disk, DiskFile, FileIdentity, OpenMode, check_path};

/// Only the owner may enter: the directory holds keys and content.
const DIR_PERMISSIONS: u32 = 0o700;
/// Only the owner may read or write.
const FILE_PERMISSIONS: u32 = 0o600;
/// Zeros written at a time where the file system cannot reserve space.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A directory of the operating system.
#[derive(Clone, Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The tree below `root`, which is created (0700) when missing, durably.
    pub fn create(root: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let root = root.into();
        if !root.is_dir() {
            DirBuilder::new().recursive(true).mode(DIR_PERMISSIONS).create(&root)?;
            // Every new ancestor's name must be durable; syncing an old one too costs nothing that matters.
            let absolute = root.canonicalize()?;
            for ancestor in absolute.ancestors().skip(1) {
                match sync_directory(ancestor) {
                    // A directory that we may enter but not open existed before us: its names are not ours to sync.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
                    done => done?,
                }
            }
        }
        Ok(RealDisk { root })
    }

    /// The tree below an existing directory.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let root = root.into();
        if !fs::metadata(&root)?.is_dir() {
            let text = format!("{} is not a directory", root.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
        }
        Ok(RealDisk { root })
    }

    /// Where the tree is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        check_path(path)?;
        Ok(self.root.join(path))
    }
}

fn identity_of(metadata: &fs::Metadata) -> FileIdentity {
    FileIdentity { device: metadata.dev(), inode: metadata.ino() }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Disk for RealDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(mode != OpenMode::Read).mode(FILE_PERMISSIONS);
        let file = options.create_new(mode == OpenMode::CreateNew).open(self.resolve(path)?)?;
        Ok(Box::new(RealFile { file }))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.resolve(path)?.try_exists()
    }

    fn identity(&self, path: &str) -> io::Result<FileIdentity> {
        Ok(identity_of(&fs::metadata(self.resolve(path)?)?))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.resolve(dir)?)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            let name = entry.file_name().into_string().map_err(|name| {
                let text = format!("file name {} in {dir:?} is not UTF-8", name.display());
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?;
            names.push(name);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir_all(&self, dir: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIR_PERMISSIONS).create(self.resolve(dir)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.resolve(from)?, self.resolve(to)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.resolve(path)?)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        sync_directory(&self.resolve(dir)?)
    }
}

struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                // A signal arrived before any byte did: nothing happened yet.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        Ok(identity_of(&self.file.metadata()?))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let present = self.len()?;
        if len <= present {
            return Ok(());
        }
        loop {
            match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, len) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
                Err(error) => return Err(error.into()),
            }
        }
        // Some file systems cannot reserve: zeros take the space just as well.
        let mut offset = present;
        while offset < len {
            let count = usize::try_from(len - offset).map_or(ZEROS.len(), |rest| rest.min(ZEROS.len()));
            self.write_at(offset, ZEROS.get(..count).unwrap_or(&ZEROS))?;
            offset += count as u64;
        }
        Ok(())
    }
}
