//! Content in backups: its keys are wrapped under a key of that backup's own, which ends on a day (docs/formats.md §13.8).
//!
//! Promises: once the backup's key is gone, or its day is over, the backup gives the log and no content; what was erased since the backup, as far as a newer
//! copy of the log says so, stays erased in what comes back; nothing that is lacking is taken for an empty vault unless its operator says so. Must never: put a
//! backup's key beside the backup.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tabellion_model::{Micros, Origin, VaultKeyId};
use tabellion_tlog::{SignedCheckpoint, sha256};

use super::{BackupError, BackupList, io_error};
use crate::disk::{self, Disk};
use crate::error::OpenError;
use crate::keyring::{BackupKey, Secrets};
use crate::ledger::{self, OpenOptions};
use crate::lost;
use crate::read;
use crate::recover::{self, FoldOnly, KeysUsed, ScanOptions};
use crate::vault::{KeyTable, MasterKeys, TABLE_PATH, VAULT_DIR};

/// How long a backup's content can be read unless its operator says otherwise: a month, in which a request to erase is to be answered (Regulation (EU)
/// 2016/679, Art. 12(3)).
pub const DEFAULT_CONTENT_DAYS: u64 = 30;
/// The longest that can be said: a year. Whoever wants content for longer has it in the log.
pub const MAX_CONTENT_DAYS: u64 = 366;
const MICROS_PER_DAY: u64 = 86_400 * 1_000_000;

/// How the content of a backup can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupContent {
    /// The backup's key, hex: `keys/backup-<key>.key` of the log that was copied.
    pub key: String,
    /// From when on it cannot, microseconds.
    pub expires_at: u64,
}

/// The day that a backup's content ends on which is taken `now`; `days`: 1 to [`MAX_CONTENT_DAYS`].
pub(super) fn expiry(now: Micros, days: u64) -> Result<Micros, BackupError> {
    if days == 0 || days > MAX_CONTENT_DAYS {
        return Err(BackupError::List(format!(
            "content of a backup can be read for 1 to {MAX_CONTENT_DAYS} days, not {days}"
        )));
    }
    Ok(Micros(now.0.saturating_add(days * MICROS_PER_DAY)))
}

/// What a newer copy of a log says was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaterErasures {
    /// How many entries that copy has: what was erased after them it does not know.
    pub size: u64,
    /// The keys that are destroyed, or ordered destroyed.
    keys: Vec<VaultKeyId>,
}

impl LaterErasures {
    /// Reads them from the data directory in `disk`, whose vault and keys are not needed. Refused where it is not a copy of the log that `list` is a backup of,
    /// at least as long.
    pub fn read(disk: &dyn Disk, list: &BackupList) -> Result<Self, BackupError> {
        let origin = Origin::new(&list.origin).map_err(|error| BackupError::List(error.to_string()))?;
        let recovered = recover::scan(disk, ScanOptions::read_only(Some(&origin)), None, &mut FoldOnly)?;
        let state = &recovered.state;
        let signed = SignedCheckpoint::parse(list.checkpoint.as_bytes())
            .map_err(|error| BackupError::List(error.to_string()))?;
        if state.size() < list.size {
            return Err(BackupError::List(format!(
                "the copy that erasures are to be taken from has {} entries and the backup {}: it is the older one",
                state.size(),
                list.size
            )));
        }
        let root = read::root_at(disk, state, list.size).map_err(BackupError::List)?;
        if root != signed.checkpoint.root {
            return Err(BackupError::List(
                "the copy that erasures are to be taken from is not of the log that was backed up: their roots differ".to_owned(),
            ));
        }
        Ok(Self { size: state.size(), keys: state.erased_keys.clone() })
    }

    /// Of several copies: what any of them says, up to the longest.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.size = self.size.max(other.size);
        self.keys.extend(other.keys);
        self
    }
}

/// Gives the restored content in `to` back to the log's own wrapping key, which lies in its `keys/` with the key of the backup; what `erased` names is left out
/// for good. The caller has put the backup's files and the keys there.
///
/// Errors: [`BackupError::Expired`] and [`BackupError::KeyGone`], where the content cannot be had any more; then [`restore_without_content`] is what is left.
pub fn restore_content(
    to: &dyn Disk,
    list: &BackupList,
    options: &OpenOptions,
    erased: &LaterErasures,
) -> Result<(), BackupError> {
    let secrets = Secrets::load(to, &options.keys)?;
    let Some(content) = &list.content else {
        return destroy_again(to, options, &secrets, erased);
    };
    let at = Micros(content.expires_at);
    if options.clock.now() >= at {
        return Err(BackupError::Expired { at });
    }
    let key = BackupKey::load(to, &options.keys, &content.key)?;
    let key = key.ok_or_else(|| BackupError::KeyGone { key: content.key.clone() })?;
    let origin = sha256(list.origin.as_bytes());
    let masters = MasterKeys { vault: key.master(at), next: None };
    let table = KeyTable::open(to, &origin, masters, &[]).map_err(|_| BackupError::Damaged {
        path: TABLE_PATH.to_owned(),
        what: "does not open with the backup's key, or the day that it ends on was changed".to_owned(),
    })?;
    let gone: BTreeSet<VaultKeyId> = erased.keys.iter().copied().collect();
    let bytes = table
        .wrapped_under(&secrets.masters().vault, &origin, &gone, options.entropy.as_ref())
        .map_err(io_error("read", TABLE_PATH))?;
    disk::write_file_durably(to, TABLE_PATH, &bytes).map_err(io_error("write", TABLE_PATH))
}

/// A backup of an earlier version: its table is under the log's own wrapping key.
fn destroy_again(
    to: &dyn Disk,
    options: &OpenOptions,
    secrets: &Secrets,
    erased: &LaterErasures,
) -> Result<(), BackupError> {
    if erased.keys.is_empty() {
        return Ok(());
    }
    let scan = ScanOptions::read_only(options.origin.as_ref());
    let recovered = recover::scan(to, scan, None, &mut FoldOnly)?;
    let mut vault = ledger::open_vault(to, &recovered.state, secrets)?;
    vault.destroy(&erased.keys).map_err(io_error("write", TABLE_PATH))
}

/// Restores the log in `to` without any content, as its operator says: every key that it needs is known and gone, and the first start for writing records
/// that. Returns how many.
pub fn restore_without_content(to: &dyn Disk, options: &OpenOptions) -> Result<usize, BackupError> {
    let secrets = Secrets::load(to, &options.keys)?;
    let mut used = KeysUsed::default();
    let scan = ScanOptions::read_only(options.origin.as_ref());
    let recovered = recover::scan(to, scan, None, &mut used)?;
    lost::table(to, &recovered, secrets.masters(), &used)?;
    to.sync_dir(VAULT_DIR).map_err(OpenError::io("sync", VAULT_DIR))?;
    Ok(used.keys().count())
}
