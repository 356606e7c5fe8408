//! What the record of an export says (`docs/formats.md` §8).

use serde_json::{Map, Value as Json};
use tabellion_tlog::Hash;

use super::object;
use crate::form::{FormFault, Members};

/// States that a package was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageExported {
    /// First entry of the package.
    pub first: u64,
    /// Entries in it.
    pub count: u64,
    /// Checkpoint size it proves against.
    pub size: u64,
    /// SHA-256 of its manifest.json.
    pub manifest_sha256: Hash,
}

impl PackageExported {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("count", self.count.into()),
            ("first", self.first.into()),
            ("manifest_sha256", self.manifest_sha256.to_hex().into()),
            ("size", self.size.into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            first: members.natural("first")?,
            count: members.natural("count")?,
            size: members.natural("size")?,
            manifest_sha256: members.digest("manifest_sha256")?,
        })
    }
}
