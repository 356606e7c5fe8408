//! A ZIP file with one possible byte form (formats §11).
//!
//! Promises: [`ZipWriter`] writes the same bytes for the same files on every machine and day, and [`ZipArchive::parse`]
//! accepts those bytes and no others. There is no compression, so nothing can inflate; nothing is copied, so memory stays
//! bounded by the input. It never touches a file system: names are checked as text, and a climbing or absolute name is refused
//! before anybody could use it as a path.

mod layout;
mod name;
mod read;
mod write;

pub use name::{NameFault, check_name};
pub use read::{ZipArchive, ZipFile, ZipReadError};
pub use write::{ZipWriteError, ZipWriter};

/// Longest file name inside a package, in bytes: what every file system an auditor may unpack on can hold.
pub const MAX_NAME_BYTES: usize = 255;
/// Most files in one package: the 16-bit counter of the ZIP end record; there is no ZIP64 form.
pub const MAX_FILES: usize = 65_535;
/// A package is smaller than this many bytes: offsets are 32 bits wide and there is no ZIP64 form.
pub const MAX_PACKAGE_BYTES: u64 = u32::MAX as u64;
