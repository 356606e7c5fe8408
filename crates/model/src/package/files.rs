//! File digests: check sums of the container and SHA-256 of the manifest, over every file, on all cores.

use std::collections::BTreeMap;

use tabellion_tlog::{Hash, sha256};

use super::container::Container;
use crate::manifest::{FileRow, Manifest};
use crate::verdict::Problems;
use crate::workers::in_parallel;

/// The two files that the manifest cannot list.
pub(crate) const UNLISTED: [&str; 2] = ["manifest.cose", "manifest.json"];

/// Digest and check sum of every file.
pub(crate) struct Digests<'a> {
    found: BTreeMap<&'a str, (Hash, u64)>,
    /// Files whose content does not have the check sum of its header.
    pub(crate) container: Problems,
    damaged: Vec<&'a str>,
}

impl<'a> Digests<'a> {
    /// Reads every byte of the package once.
    pub(crate) fn of(container: &Container<'a>) -> Self {
        let results = in_parallel(container.zip.files(), |file| {
            (file.name, sha256(file.content), file.content.len() as u64, file.check_crc().err())
        });
        let mut digests =
            Self { found: BTreeMap::new(), container: Problems::default(), damaged: Vec::new() };
        for (name, digest, size, fault) in results {
            digests.found.insert(name, (digest, size));
            if let Some(fault) = fault {
                digests.damaged.push(name);
                digests.container.malformed(|| fault.to_string());
            }
        }
        digests
    }

    /// Whether it is worth going on: nothing is damaged, or the damage lies in entries or disclosures, where later checks can
    /// say which record or batch it hit.
    pub(crate) fn can_name_more(&self) -> bool {
        self.damaged.is_empty()
            || self
                .damaged
                .iter()
                .any(|name| name.starts_with("entries/") || name.starts_with("disclosures/"))
    }

    /// Compares with the manifest's list, both ways.
    pub(crate) fn compare(&self, manifest: &Manifest) -> Problems {
        let mut problems = Problems::default();
        let listed: BTreeMap<&str, &FileRow> =
            manifest.files.iter().map(|row| (row.path.as_str(), row)).collect();
        for (name, (digest, size)) in &self.found {
            match listed.get(name) {
                _ if UNLISTED.contains(name) => {}
                None => problems.broken(|| format!("{name}: the manifest does not list it")),
                Some(row) if row.size != *size => {
                    problems.broken(|| format!("{name}: has {size} bytes, the manifest says {}", row.size));
                }
                Some(row) if row.sha256 != *digest => {
                    problems
                        .broken(|| format!("{name}: has SHA-256 {digest}, the manifest says {}", row.sha256));
                }
                Some(_) => {}
            }
        }
        for name in listed.keys() {
            if !self.found.contains_key(name) || UNLISTED.contains(name) {
                problems.broken(|| format!("{name}: the manifest lists it and it is not there"));
            }
        }
        problems
    }
}
