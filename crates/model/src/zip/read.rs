//! Reading a package: one walk over the directory and the local headers side by side.
//!
//! Each header is rebuilt from the few values that may differ and compared byte for byte, so every other byte form is refused
//! in one place. The content's CRC-32 is left to [`ZipFile::check_crc`], which callers may run in parallel.

use super::layout::{
    CENTRAL_BYTES, END_BYTES, LOCAL_BYTES, Member, central_difference, central_header, end_record,
    local_difference, local_header,
};
use super::{MAX_PACKAGE_BYTES, NameFault, check_name};

/// Why bytes are not a package container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipReadError {
    /// 4 GiB or more.
    #[error("the file has {bytes} bytes; a package is smaller than 4 GiB")]
    TooLarge {
        /// Its length.
        bytes: u64,
    },
    /// The last 22 bytes are not an end record: cut off, or something follows it.
    #[error(
        "the last 22 bytes are not the end record of a package: the file is cut off or something follows it"
    )]
    End,
    /// The end record contradicts the length of the file or has a field that must be zero.
    #[error("the end record ({field}) does not match the file")]
    EndField {
        /// Which field.
        field: &'static str,
    },
    /// The directory ends inside a header.
    #[error("the directory is cut off at file {number}")]
    DirectoryCut {
        /// Position of the file in the directory, from 0.
        number: usize,
    },
    /// A name that no package holds.
    #[error("file {number} of the directory: the name {fault} ({name:?})")]
    Name {
        /// Position in the directory, from 0.
        number: usize,
        /// The name, lossily as text.
        name: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// Names must ascend, each once.
    #[error("file {name:?} stands at the wrong place in the directory or is there twice")]
    Order {
        /// The name.
        name: String,
    },
    /// A header field differs from the one form.
    #[error("file {name:?}: {field} in the {part} is not as it must be")]
    Header {
        /// The file.
        name: String,
        /// `directory` or `local header`.
        part: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The content would run into the directory.
    #[error("file {name:?} is cut off")]
    Cut {
        /// The file.
        name: String,
    },
    /// Bytes between the last file and the directory.
    #[error("{bytes} bytes between the last file and the directory")]
    Gap {
        /// How many.
        bytes: usize,
    },
    /// The content does not have the CRC-32 of its header.
    #[error("file {name:?}: the content does not have the CRC-32 that its header names")]
    Crc {
        /// The file.
        name: String,
    },
}

/// One file of a package, borrowed from the input.
#[derive(Clone, Copy, Debug)]
pub struct ZipFile<'a> {
    /// Its name, checked.
    pub name: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
    crc: u32,
}

impl ZipFile<'_> {
    /// Compares the content with the CRC-32 in the headers.
    pub fn check_crc(&self) -> Result<(), ZipReadError> {
        if crc32fast::hash(self.content) == self.crc {
            Ok(())
        } else {
            Err(ZipReadError::Crc { name: self.name.to_owned() })
        }
    }
}

/// The files of a package in ascending order of their names.
#[derive(Clone, Debug)]
pub struct ZipArchive<'a> {
    files: Vec<ZipFile<'a>>,
}

impl<'a> ZipArchive<'a> {
    /// Reads the container; refuses every byte form but the one that [`super::ZipWriter`] writes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ZipReadError> {
        if bytes.len() as u64 >= MAX_PACKAGE_BYTES {
            return Err(ZipReadError::TooLarge { bytes: bytes.len() as u64 });
        }
        let (body, end) =
            bytes.split_at_checked(bytes.len().wrapping_sub(END_BYTES)).ok_or(ZipReadError::End)?;
        let (count, directory_offset) = read_end(body.len(), end)?;
        let (contents, directory) = body
            .split_at_checked(directory_offset)
            .ok_or(ZipReadError::EndField { field: "directory offset" })?;
        let mut walk = Walk { contents, directory, offset: 0, files: Vec::new() };
        for number in 0..count {
            walk.next_file(number)?;
        }
        if !walk.directory.is_empty() {
            return Err(ZipReadError::EndField { field: "number of files" });
        }
        if walk.offset != contents.len() {
            return Err(ZipReadError::Gap { bytes: contents.len() - walk.offset });
        }
        Ok(Self { files: walk.files })
    }

    /// All files, by name.
    pub fn files(&self) -> &[ZipFile<'a>] {
        &self.files
    }

    /// One file by its name.
    pub fn get(&self, name: &str) -> Option<ZipFile<'a>> {
        let position = self.files.binary_search_by(|file| file.name.as_bytes().cmp(name.as_bytes())).ok()?;
        self.files.get(position).copied()
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|chunk| u16::from_le_bytes(*chunk))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|chunk| u32::from_le_bytes(*chunk))
}

/// Number of files and offset of the directory.
fn read_end(body_bytes: usize, end: &[u8]) -> Result<(usize, usize), ZipReadError> {
    if !end.starts_with(b"PK\x05\x06") {
        return Err(ZipReadError::End);
    }
    let count = u16_at(end, 10).ok_or(ZipReadError::End)?;
    let directory_bytes = u32_at(end, 12).ok_or(ZipReadError::End)?;
    let offset = u32_at(end, 16).ok_or(ZipReadError::End)?;
    if u64::from(offset) + u64::from(directory_bytes) != body_bytes as u64 {
        return Err(ZipReadError::EndField { field: "directory offset and size" });
    }
    if end != end_record(count, directory_bytes, offset) {
        return Err(ZipReadError::EndField { field: "disk numbers, counts or comment" });
    }
    // Below body_bytes, checked above, so it fits.
    Ok((usize::from(count), usize::try_from(offset).map_err(|_| ZipReadError::End)?))
}

struct Walk<'a> {
    contents: &'a [u8],
    /// What is left of the directory.
    directory: &'a [u8],
    /// Where the next local header must stand.
    offset: usize,
    files: Vec<ZipFile<'a>>,
}

impl<'a> Walk<'a> {
    fn next_file(&mut self, number: usize) -> Result<(), ZipReadError> {
        let cut = || ZipReadError::DirectoryCut { number };
        let name_bytes = usize::from(u16_at(self.directory, 28).ok_or_else(cut)?);
        let (header, rest) = self.directory.split_at_checked(CENTRAL_BYTES + name_bytes).ok_or_else(cut)?;
        let raw_name = header.get(CENTRAL_BYTES..).ok_or_else(cut)?;
        let name = check_name(raw_name).map_err(|fault| ZipReadError::Name {
            number,
            name: String::from_utf8_lossy(raw_name).chars().take(80).collect(),
            fault,
        })?;
        if self.files.last().is_some_and(|last| last.name.as_bytes() >= name.as_bytes()) {
            return Err(ZipReadError::Order { name: name.to_owned() });
        }
        let crc = u32_at(header, 16).ok_or_else(cut)?;
        let size = u32_at(header, 24).ok_or_else(cut)?;
        let offset = u32::try_from(self.offset).map_err(|_| cut())?;
        let member = Member { name, crc, size, offset };
        if let Some(field) = central_difference(header, &central_header(&member)) {
            return Err(ZipReadError::Header { name: name.to_owned(), part: "directory", field });
        }
        let content = self.local(&member)?;
        self.files.push(ZipFile { name, content, crc });
        self.directory = rest;
        Ok(())
    }

    fn local(&mut self, member: &Member<'_>) -> Result<&'a [u8], ZipReadError> {
        let cut = || ZipReadError::Cut { name: member.name.to_owned() };
        let start = self.offset + LOCAL_BYTES + member.name.len();
        let header = self.contents.get(self.offset..start).ok_or_else(cut)?;
        if let Some(field) = local_difference(header, &local_header(member)) {
            return Err(ZipReadError::Header { name: member.name.to_owned(), part: "local header", field });
        }
        let size = usize::try_from(member.size).map_err(|_| cut())?;
        let end = start.checked_add(size).ok_or_else(cut)?;
        let content = self.contents.get(start..end).ok_or_else(cut)?;
        self.offset = end;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ZipWriter;
    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = ZipWriter::new(Vec::new());
        for (name, content) in [("a", &b"first"[..]), ("b/c.txt", b""), ("b/d", b"third")] {
            writer.add(name, content).unwrap();
        }
        writer.finish().unwrap()
    }

    fn accepts(bytes: &[u8]) -> bool {
        ZipArchive::parse(bytes).is_ok_and(|zip| zip.files().iter().all(|file| file.check_crc().is_ok()))
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = sample();
        let zip = ZipArchive::parse(&bytes).unwrap();
        let names: Vec<_> = zip.files().iter().map(|file| file.name).collect();
        assert_eq!(names, ["a", "b/c.txt", "b/d"], "a file of the package is lost");
        assert_eq!(zip.get("b/d").unwrap().content, b"third", "a file has another one's content");
        assert!(zip.get("b").is_none(), "a directory is not a file");
        assert!(
            accepts(&ZipWriter::new(Vec::new()).finish().unwrap()),
            "an empty container has one form too"
        );
    }

    #[test]
    fn no_other_byte_form_is_read() {
        let bytes = sample();
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                assert!(!accepts(&changed), "bit {bit} of byte {position} can be changed unnoticed");
            }
            assert!(!accepts(&bytes[..position]), "the package can be cut at {position} unnoticed");
            let mut longer = bytes.clone();
            longer.insert(position, 0);
            assert!(!accepts(&longer), "a byte can be added at {position} unnoticed");
        }
        assert!(!accepts(&[&bytes[..], b"x"].concat()), "bytes can be added at the end unnoticed");
    }

    #[test]
    fn refusals_name_the_file_and_the_field() {
        let bytes = sample();
        let mut changed = bytes.clone();
        changed[8] = 8;
        let error = ZipArchive::parse(&changed).unwrap_err().to_string();
        assert!(
            error.contains("\"a\"") && error.contains("compression method"),
            "unhelpful refusal: {error}"
        );
        let climbing: Vec<u8> = {
            let mut copy = bytes.clone();
            let at = copy.windows(3).rposition(|w| w == b"b/d").unwrap();
            copy[at..at + 3].copy_from_slice(b"../");
            copy
        };
        let error = ZipArchive::parse(&climbing).unwrap_err().to_string();
        assert!(error.contains("climbs") || error.contains("directory"), "unhelpful refusal: {error}");
    }

    #[test]
    fn the_writer_refuses_what_the_reader_would_refuse() {
        let mut writer = ZipWriter::new(Vec::new());
        writer.add("b", b"").unwrap();
        assert!(writer.add("b", b"").is_err(), "the same name twice");
        assert!(writer.add("a", b"").is_err(), "names out of order");
        assert!(writer.add("../c", b"").is_err(), "a climbing name");
    }
}
