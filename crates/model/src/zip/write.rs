//! Writing a package: files in name order, in one pass, without seeking.

use std::io::Write;

use super::layout::{
    CENTRAL_BYTES, END_BYTES, LOCAL_BYTES, Member, central_header, end_record, local_header,
};
use super::{MAX_FILES, MAX_PACKAGE_BYTES, NameFault, check_name};

/// Why a package could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ZipWriteError {
    /// A name that no verifier would accept.
    #[error("package file {name:?}: the name {fault}")]
    Name {
        /// The refused name.
        name: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// Files must be added in ascending bytewise order of their names, each once.
    #[error(
        "package file {name:?} was added after {previous:?}; files are written in ascending order of names"
    )]
    Order {
        /// The name added too late.
        name: String,
        /// The name before it.
        previous: String,
    },
    /// The package would reach 4 GiB or 65,536 files.
    #[error("the package would be too large at file {name:?}; export a shorter range")]
    TooLarge {
        /// The file that did not fit.
        name: String,
    },
    /// The destination refused the bytes.
    #[error("writing package file {name:?}: {source}")]
    Io {
        /// The file being written.
        name: String,
        /// What the destination said.
        source: std::io::Error,
    },
}

/// Writes a package to `W`; [`ZipWriter::finish`] must be called, or the file has no directory and no reader accepts it.
pub struct ZipWriter<W: Write> {
    out: W,
    offset: u64,
    directory: Vec<u8>,
    files: u16,
    last_name: String,
}

impl<W: Write> ZipWriter<W> {
    /// A writer at the start of an empty destination.
    pub fn new(out: W) -> Self {
        Self { out, offset: 0, directory: Vec::new(), files: 0, last_name: String::new() }
    }

    /// Adds one file, stored as it is.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), ZipWriteError> {
        check_name(name.as_bytes()).map_err(|fault| ZipWriteError::Name { name: name.to_owned(), fault })?;
        if self.files > 0 && name.as_bytes() <= self.last_name.as_bytes() {
            return Err(ZipWriteError::Order { name: name.to_owned(), previous: self.last_name.clone() });
        }
        let too_large = || ZipWriteError::TooLarge { name: name.to_owned() };
        let size = u32::try_from(content.len()).map_err(|_| too_large())?;
        let offset = u32::try_from(self.offset).map_err(|_| too_large())?;
        let header_bytes = LOCAL_BYTES + CENTRAL_BYTES + 2 * name.len() + END_BYTES;
        let end = self.offset + u64::from(size) + (header_bytes + self.directory.len()) as u64;
        if end >= MAX_PACKAGE_BYTES || usize::from(self.files) >= MAX_FILES {
            return Err(too_large());
        }
        let member = Member { name, crc: crc32fast::hash(content), size, offset };
        let header = local_header(&member);
        let io = |source| ZipWriteError::Io { name: name.to_owned(), source };
        self.out.write_all(&header).map_err(io)?;
        self.out.write_all(content).map_err(io)?;
        self.directory.extend_from_slice(&central_header(&member));
        self.offset += header.len() as u64 + u64::from(size);
        self.files += 1;
        name.clone_into(&mut self.last_name);
        Ok(())
    }

    /// Writes the directory and the end record, flushes and gives the destination back.
    pub fn finish(mut self) -> Result<W, ZipWriteError> {
        let name = || "central directory".to_owned();
        let too_large = || ZipWriteError::TooLarge { name: name() };
        let offset = u32::try_from(self.offset).map_err(|_| too_large())?;
        let bytes = u32::try_from(self.directory.len()).map_err(|_| too_large())?;
        let io = |source| ZipWriteError::Io { name: name(), source };
        self.out.write_all(&self.directory).map_err(io)?;
        self.out.write_all(&end_record(self.files, bytes, offset)).map_err(io)?;
        self.out.flush().map_err(io)?;
        Ok(self.out)
    }
}
