//! What a record says about a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tabellion_ledger::MAX_DRAFT_BYTES;
use tabellion_tlog::Hash;

use crate::failure::Failure;

/// Largest content that is kept: as base64 it must fit where a draft would fit, with room for the other fields.
const MAX_CONTENT_BYTES: u64 = (MAX_DRAFT_BYTES as u64 - 4096) / 4 * 3;
/// Read at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// A file as it was when it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileFacts {
    /// Where it is.
    pub(super) path: PathBuf,
    name: String,
    size: u64,
    /// Hex.
    pub(super) sha256: String,
    content: Option<String>,
}

impl FileFacts {
    /// Reads `path` once, whatever its size; keeps its content when asked to.
    pub(super) fn of(path: &Path, with_content: bool) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::malformed(Failure::io("record", path, &error).to_string());
        let name = path
            .file_name()
            .ok_or_else(|| Failure::malformed(format!("{} names no file; name one", path.display())))?;
        let mut file = File::open(path).map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        if facts.is_dir() {
            return Err(Failure::malformed(format!(
                "{} is a directory; name the files in it",
                path.display()
            )));
        }
        if with_content && facts.len() > MAX_CONTENT_BYTES {
            return Err(Failure::malformed(format!(
                "{} has {} bytes, at most {MAX_CONTENT_BYTES} of content can be kept in a record; record it without --with-content and keep \
                 the file yourself, its SHA-256 is recorded",
                path.display(),
                facts.len()
            )));
        }
        let mut content = with_content.then(Vec::new);
        let (size, sha256) = digest(&mut file, content.as_mut()).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            name: name.to_string_lossy().into_owned(),
            size,
            sha256,
            content: content.map(|bytes| STANDARD.encode(bytes)),
        })
    }

    /// The fields of its record.
    pub(super) fn fields(&self) -> Vec<(String, Value)> {
        let mut fields = vec![
            ("name".to_owned(), Value::from(self.name.as_str())),
            ("sha256".to_owned(), Value::from(self.sha256.as_str())),
            ("size".to_owned(), Value::from(self.size)),
        ];
        fields.extend(
            self.content.as_ref().map(|content| ("content".to_owned(), Value::from(content.as_str()))),
        );
        fields
    }
}

/// Size and SHA-256 of what `file` holds; keeps the bytes where `kept` is given.
fn digest(file: &mut impl Read, mut kept: Option<&mut Vec<u8>>) -> io::Result<(u64, String)> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = chunk.get(..count).unwrap_or_default();
        hasher.update(bytes);
        size += bytes.len() as u64;
        if let Some(kept) = kept.as_deref_mut() {
            if kept.len() as u64 + bytes.len() as u64 > MAX_CONTENT_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "it grew beyond what a record can keep while it was read",
                ));
            }
            kept.extend_from_slice(bytes);
        }
    }
    Ok((size, Hash(hasher.finalize().into()).to_hex()))
}
