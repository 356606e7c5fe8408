//! How far each witness has come, in a small file (docs/formats.md §13). It spares a question after a restart and nothing more: a witness that is
//! asked with an old size says what it has.

use std::collections::BTreeMap;
use std::path::Path;

use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::disk::{self, Disk as _};

use crate::failure::Failure;

/// The file, below the data directory.
const PROGRESS_PATH: &str = "log/witnesses";
/// Thirty-two addresses with a number each.
const MAX_PROGRESS_BYTES: u64 = 64 << 10;

/// Size of the newest checkpoint that each witness cosigned, by its address.
pub(crate) struct Progress {
    disk: RealDisk,
    sizes: BTreeMap<String, u64>,
    changed: bool,
}

impl Progress {
    /// What an earlier process wrote; nothing, where that cannot be read.
    pub(crate) fn load(dir: &Path) -> Result<Self, Failure> {
        let disk = RealDisk::open(dir).map_err(|error| Failure::io("open", dir, &error))?;
        let read = || disk::read_all(&disk, PROGRESS_PATH, MAX_PROGRESS_BYTES).ok();
        let there = disk.exists(PROGRESS_PATH).unwrap_or(false).then(read).flatten();
        let sizes = there.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { disk, sizes, changed: false })
    }

    /// What the witness at `url` cosigned last, as far as is known; 0: nothing.
    pub(crate) fn of(&self, url: &str) -> u64 {
        self.sizes.get(url).copied().unwrap_or(0)
    }

    /// Notes what it has. Not written yet.
    pub(crate) fn set(&mut self, url: &str, size: u64) {
        self.changed |= self.sizes.insert(url.to_owned(), size) != Some(size);
    }

    /// Writes what changed. That it cannot be written costs a question at the next start.
    pub(crate) fn write(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        if let Ok(bytes) = serde_json::to_vec(&self.sizes) {
            let _ = disk::write_file_durably(&self.disk, PROGRESS_PATH, &bytes);
        }
    }
}
