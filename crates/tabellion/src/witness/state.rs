//! What a witness remembers: of each log the newest checkpoint it cosigned, one synced file for each (docs/formats.md §13.6).
//!
//! Promises: a file holds the old checkpoint or the new one, whole, whatever happens; the new one is durable before anybody is told. After a
//! write has failed nobody knows what is on disk, so nothing more is remembered and nothing more said. Must never: forget a checkpoint.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::disk::{self, Disk as _};
use tabellion_tlog::{MAX_NOTE_BYTES, SignedCheckpoint, VerifierKey, sha256};

use crate::failure::Failure;

/// Where the files are.
pub(crate) const STATE_DIR: &str = "state";

/// The files.
pub(crate) struct States {
    disk: RealDisk,
    failed: AtomicBool,
}

/// The name under which a log's checkpoint is kept and asked for: SHA-256 of its origin, hex.
pub(crate) fn name_of(origin: &str) -> String {
    sha256(origin.as_bytes()).to_hex()
}

impl States {
    /// Opens the state of the witness in `dir`, which the caller has locked.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let disk = RealDisk::open(dir).map_err(|error| Failure::io("open", dir, &error))?;
        disk::create_dir_durably(&disk, STATE_DIR)
            .map_err(|error| Failure::io("create", &dir.join(STATE_DIR), &error))?;
        Ok(Self { disk, failed: AtomicBool::new(false) })
    }

    /// The newest checkpoint of `origin` that these keys cosigned. A file that is not that is refused: to begin anew would be to forget.
    pub(crate) fn load(
        &self,
        origin: &str,
        keys: &[VerifierKey],
    ) -> Result<Option<SignedCheckpoint>, Failure> {
        let path = format!("{STATE_DIR}/{}", name_of(origin));
        let refused = |why: &dyn std::fmt::Display| {
            Failure::failed(format!(
                "{path}, the newest checkpoint of {origin} cosigned here, cannot be used: {why}. Restore the newest copy; only when this witness \
                 never cosigned for that log may the file be removed"
            ))
        };
        if !self.disk.exists(&path).map_err(|error| refused(&error))? {
            return Ok(None);
        }
        let bytes =
            disk::read_all(&self.disk, &path, MAX_NOTE_BYTES as u64).map_err(|error| refused(&error))?;
        let signed = SignedCheckpoint::parse(&bytes).map_err(|error| refused(&error))?;
        if signed.checkpoint.origin != origin {
            return Err(refused(&format!("it is of {}", signed.checkpoint.origin)));
        }
        signed.verify_any(keys).map_err(|error| refused(&error))?;
        Ok(Some(signed))
    }

    /// Remembers a checkpoint, durably.
    pub(crate) fn keep(&self, signed: &SignedCheckpoint) -> Result<(), String> {
        if self.has_failed() {
            return Err("an earlier checkpoint could not be written".to_owned());
        }
        let path = format!("{STATE_DIR}/{}", name_of(&signed.checkpoint.origin));
        disk::write_file_durably(&self.disk, &path, signed.bytes.as_bytes()).map_err(|error| {
            self.failed.store(true, Ordering::Release);
            format!("{path} cannot be written: {error}")
        })
    }

    /// Whether a write has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}
