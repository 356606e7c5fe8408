//! Content in backups: its keys are wrapped under a key of that backup's own, which ends on a day (docs/formats.md §13.8).
//!
//! Promises: once the backup's key is gone, or its day is over, the backup gives the log and no content; what was erased since the backup, as far as a newer
//! copy of the log says so, stays erased in what comes back; nothing that is lacking is taken for an empty vault unless its operator says so. Must never: put a
//! backup's key beside the backup.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tabellion_model::{Micros, Origin, VaultKeyId};
use tabellion_tlog::{SignedCheckpoint, sha256};

use super::{BackupError, BackupList, check_file, io_error};
use crate::disk::{self, Disk};
use crate::error::OpenError;
use crate::keyring::{BackupKey, Secrets};
use crate::ledger::{self, OpenOptions};
use crate::lost;
use crate::read;
use crate::recover::{self, FoldOnly, KeysUsed, ScanOptions};
use crate::vault::{KeyTable, TABLE_PATH, TableOf, VAULT_DIR, WRAPPING_PATH};

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
    let table = table_of(to, to, (list, content), options)?;
    write_table(to, &table, (list, &secrets), options, erased)
}

/// The table of a backup, which is in `from`; its key is among those in `keys`.
fn table_of(
    from: &dyn Disk,
    keys: &dyn Disk,
    (list, content): (&BackupList, &BackupContent),
    options: &OpenOptions,
) -> Result<KeyTable, BackupError> {
    let (at, now) = (Micros(content.expires_at), options.clock.now());
    if now >= at {
        return Err(BackupError::Expired { at, now });
    }
    let key = BackupKey::load(keys, &options.keys, &content.key)?;
    let key = key.ok_or_else(|| BackupError::KeyGone { key: content.key.clone() })?;
    let origin = sha256(list.origin.as_bytes());
    KeyTable::open_backup(from, &origin, key.master(at)).map_err(|_| BackupError::Damaged {
        path: TABLE_PATH.to_owned(),
        what: "does not open with the backup's key, or the day that it ends on was changed".to_owned(),
    })
}

/// Writes `table` as the log's own, without what `erased` names.
fn write_table(
    to: &dyn Disk,
    table: &KeyTable,
    (list, secrets): (&BackupList, &Secrets),
    options: &OpenOptions,
    erased: &LaterErasures,
) -> Result<(), BackupError> {
    let origin = sha256(list.origin.as_bytes());
    let gone: BTreeSet<VaultKeyId> = erased.keys.iter().copied().collect();
    let master = secrets.masters().vault;
    let bytes = table
        .wrapped_under((&master, TableOf::Log), &origin, &gone, options.entropy.as_ref())
        .map_err(io_error("read", TABLE_PATH))?;
    disk::write_file_durably(to, TABLE_PATH, &bytes).map_err(io_error("write", TABLE_PATH))
}

/// What came back of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultBack {
    /// Keys of content that can be used again.
    pub keys: usize,
    /// Keys that the log needs and the backup does not have: of what was recorded since.
    pub missing: usize,
}

/// Takes the vault of the log in `to`, whose own is lost, from the backup in `from`; what this log erased since stays erased. The caller holds the directory's
/// lock.
///
/// Errors: [`BackupError::List`] where `to` still has a table of keys, which may hold what the backup lacks, or is of another log or older than the backup; else
/// as [`restore_content`].
pub fn restore_vault(
    to: &dyn Disk,
    from: &dyn Disk,
    list: &BackupList,
    options: &OpenOptions,
) -> Result<VaultBack, BackupError> {
    let there = to.exists(TABLE_PATH).map_err(io_error("look for", TABLE_PATH))?;
    if there && !lost::is_said(to)? {
        return Err(BackupError::List(format!(
            "{TABLE_PATH} is there, and may hold keys that the backup lacks: move it away first, and keep it until you know. Nothing was changed"
        )));
    }
    let Some(content) = &list.content else {
        return Err(BackupError::List(
            "an earlier version made this backup, under the log's own wrapping key: copy its vault/ into the data directory. Nothing was changed".to_owned(),
        ));
    };
    let erased = LaterErasures::read(to, list)?;
    let secrets = Secrets::load(to, &options.keys)?;
    check_file(from, list, TABLE_PATH)?;
    let table = table_of(from, to, (list, content), options)?;
    let mut used = KeysUsed::default();
    let origin = Origin::new(&list.origin).map_err(|error| BackupError::List(error.to_string()))?;
    recover::scan(to, ScanOptions::read_only(Some(&origin)), None, &mut used)?;
    let missing = used.keys().filter(|key| !table.knows(key)).count();
    let keys = used.keys().filter(|key| table.is_live(key) && !erased.keys.contains(key)).count();
    disk::create_dir_durably(to, VAULT_DIR).map_err(io_error("create", VAULT_DIR))?;
    // What it says of a wrapping key is of the table that is gone. Cut short here, the next run begins where this one did.
    if to.exists(WRAPPING_PATH).map_err(io_error("look for", WRAPPING_PATH))? {
        to.remove(WRAPPING_PATH)
            .and_then(|()| to.sync_dir(VAULT_DIR))
            .map_err(io_error("remove", WRAPPING_PATH))?;
    }
    write_table(to, &table, (list, &secrets), options, &erased)?;
    Ok(VaultBack { keys, missing })
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
