//! A copy of a log, taken while it is written or not, from which it can be put back (docs/formats.md §13.8).
//!
//! Promises: segments, keys of content and evidence first, the list with the signed checkpoint last, so that a copy that was cut short is never taken
//! for one; every file has its digest in the list; content's keys are as of the very commit that the checkpoint is of, so that no erasure is lost
//! between them. Must never: hold the log up, or copy the keys that sign and that wrap content's keys: those are backed up apart.

mod content;
mod ended;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tabellion_model::Micros;
use tabellion_tlog::{SignedCheckpoint, sha256};

use crate::anchor::ANCHOR_DIR;
use crate::disk::{self, Disk, OpenMode, parent};
use crate::error::{LedgerError, OpenError};
use crate::head::HEAD_PATH;
use crate::keyring::BackupKey;
use crate::ledger::OpenOptions;
use crate::reader::Reader;
use crate::retired::RETIRED_PATH;
use crate::vault::{SLOT, TABLE_PATH, TableOf};
use crate::wal::segment::{SEGMENT_DIR, segment_path};
use crate::witnessed::COSIGNED_PATH;
pub use content::{
    BackupContent, DEFAULT_CONTENT_DAYS, LaterErasures, MAX_CONTENT_DAYS, VaultBack, restore_content,
    restore_vault, restore_without_content,
};

/// The list of a backup's files, written last.
pub const BACKUP_LIST: &str = "backup.json";
const FORMAT: &str = "tabellion.backup/2";
/// What earlier versions wrote: content's keys as they are in the log, under its own wrapping key.
const FORMAT_1: &str = "tabellion.backup/1";
/// Bytes of a slot of the table that say which key it is and whether it is destroyed; the rest changes with the wrapping key.
const SAID_OF_KEY: usize = 132;
/// Largest list: a hundred thousand files.
const MAX_LIST_BYTES: u64 = 32 << 20;
/// Largest table of content's keys that is copied; the table's own limit.
const MAX_TABLE_BYTES: u64 = 4 << 30;
/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;
/// How often the table of content's keys is read until nothing was destroyed meanwhile.
const TRIES: usize = 100;
/// Files beside the log that a restored one needs, where they are there. The mark of a copy that must not go on is one of them.
const BESIDE: [&str; 5] = ["tabellion.toml", "trust.txt", "witnesses.txt", COSIGNED_PATH, RETIRED_PATH];

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupList {
    format: String,
    /// The log.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The log's signed checkpoint of that size.
    pub checkpoint: String,
    /// How its content can be read; `None`: under the wrapping key of then, as earlier versions had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<BackupContent>,
    /// Every file.
    pub files: Vec<BackupFile>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFile {
    /// Where it is, below the backup and below the data directory alike.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// Why there is no backup, or why it cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what, below the backup or the data directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The log could not be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Keys were destroyed each time that their table was read.
    #[error(
        "content is being erased without pause, so that its keys could not be copied as of one commit; try again later"
    )]
    Restless,
    /// Its content can no longer be read, by its day.
    #[error(
        "the backup's content could be read until {at}, and this machine's clock says {now}: it cannot be any more, so that nothing that was erased lives on in \
         backups. Set the clock right if it is wrong. Else use a newer backup, or restore the log without its content: --without-content [backup_expired]"
    )]
    Expired {
        /// The day.
        at: Micros,
        /// What the clock says.
        now: Micros,
    },
    /// Its content cannot be read, because its key is not among the keys.
    #[error(
        "the key of this backup's content, keys/backup-{key}.key, is not there. Name the copy of the keys that was made with the backup or after it; \
         to take the vault alone, copy that file into the keys/ of the log. If it is nowhere, restore the log without its content: --without-content [backup_key_missing]"
    )]
    KeyGone {
        /// Its name.
        key: String,
    },
    /// The directory has no list, or one that cannot be used.
    #[error("{0}")]
    List(String),
    /// A file is not what the list says.
    #[error("{path} in the backup {what}; use another backup. Nothing was restored")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

fn io_error(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { action, path, source }
}

/// Copies the log in `from` to the empty `to`. A server may hold it: nothing is locked, and commits after the copied one are left out. Its content can be read
/// for [`DEFAULT_CONTENT_DAYS`].
pub fn back_up(
    from: &Arc<dyn Disk>,
    options: &OpenOptions,
    to: &dyn Disk,
) -> Result<BackupList, BackupError> {
    back_up_for(from, options, to, DEFAULT_CONTENT_DAYS)
}

/// The same, with content that can be read for so many days, 1 to [`MAX_CONTENT_DAYS`]. The key for it is made in the `keys/` of `from`, and destroyed there when
/// they are over; keys of backups that ended are destroyed now.
pub fn back_up_for(
    from: &Arc<dyn Disk>,
    options: &OpenOptions,
    to: &dyn Disk,
    content_days: u64,
) -> Result<BackupList, BackupError> {
    let now = options.clock.now();
    let expires_at = content::expiry(now, content_days)?;
    let (name, key) =
        BackupKey::create(from.as_ref(), &options.keys, (now, expires_at), options.entropy.as_ref())?;
    let content = BackupContent { key: name, expires_at: expires_at.0 };
    // The key of a backup that fails stays until its day: what failed last may be there whole all the same.
    copy_log(from, options, to, (&key, content))
}

fn copy_log(
    from: &Arc<dyn Disk>,
    options: &OpenOptions,
    to: &dyn Disk,
    (key, content): (&BackupKey, BackupContent),
) -> Result<BackupList, BackupError> {
    if to.exists(BACKUP_LIST).map_err(io_error("look for", BACKUP_LIST))? {
        return Err(BackupError::List(format!(
            "there is a backup already ({BACKUP_LIST}); name a new directory"
        )));
    }
    let reader = settled(from, options)?;
    reader.end_backups()?;
    let master = key.master(Micros(content.expires_at));
    let origin = sha256(reader.origin().as_str().as_bytes());
    let keys = reader
        .shared
        .vault()
        .wrapped_under((&master, TableOf::Backup), &origin, &BTreeSet::new(), options.entropy.as_ref())
        .map_err(io_error("copy", TABLE_PATH))?;
    let mut files = Vec::new();
    for (path, bytes) in segments(&reader) {
        files.push(copy(from.as_ref(), to, &path, Some(bytes))?);
    }
    put(to, TABLE_PATH, &keys)?;
    files.push(BackupFile { path: TABLE_PATH.to_owned(), bytes: keys.len() as u64, sha256: digest(&keys) });
    for path in beside(from.as_ref())? {
        files.push(copy(from.as_ref(), to, &path, None)?);
    }
    let list = BackupList {
        format: FORMAT.to_owned(),
        origin: reader.origin().as_str().to_owned(),
        size: reader.size(),
        checkpoint: reader.checkpoint().to_string(),
        content: Some(content),
        files,
    };
    let text = serde_json::to_vec_pretty(&list).map_err(|error| BackupError::List(error.to_string()))?;
    disk::write_file_durably(to, BACKUP_LIST, &text).map_err(io_error("write", BACKUP_LIST))?;
    Ok(list)
}

/// The log, with the table of content's keys as of its newest commit: no key in it was destroyed by an order that the log does not have yet, because
/// the table reads the same before and after. Keys that were added meanwhile belong to later commits and do no harm.
fn settled(from: &Arc<dyn Disk>, options: &OpenOptions) -> Result<Reader, BackupError> {
    let table =
        || disk::read_all(from.as_ref(), TABLE_PATH, MAX_TABLE_BYTES).map_err(io_error("read", TABLE_PATH));
    let mut before = table()?;
    for _ in 0..TRIES {
        let (reader, _) = Reader::open_whole(Arc::clone(from), options)?;
        let after = table()?;
        if grown_only(&before, &after) {
            return Ok(reader);
        }
        before = after;
    }
    Err(BackupError::Restless)
}

/// Whether `after` has every written key of `before` as it was, under whichever wrapping key.
fn grown_only(before: &[u8], after: &[u8]) -> bool {
    after.len() >= before.len()
        && before.chunks(SLOT).zip(after.chunks(SLOT)).all(|(old, new)| {
            old.get(..SAID_OF_KEY) == new.get(..SAID_OF_KEY) || old.iter().all(|byte| *byte == 0)
        })
}

/// Every segment with the bytes of it that are committed.
fn segments(reader: &Reader) -> Vec<(String, u64)> {
    let state = reader.state();
    let mut found: Vec<(u32, u64)> = Vec::new();
    for batch in state.batches.iter() {
        let end = batch.end();
        match found.last_mut().filter(|(number, _)| *number == batch.segment) {
            Some((_, last)) => *last = end,
            None => found.push((batch.segment, end)),
        }
    }
    found.into_iter().map(|(number, end)| (segment_path(number), end)).collect()
}

fn beside(from: &dyn Disk) -> Result<Vec<String>, BackupError> {
    let mut found = Vec::new();
    for path in BESIDE {
        if from.exists(path).map_err(io_error("look for", path))? {
            found.push(path.to_owned());
        }
    }
    if from.exists(ANCHOR_DIR).map_err(io_error("look for", ANCHOR_DIR))? {
        let names = from.list(ANCHOR_DIR).map_err(io_error("list", ANCHOR_DIR))?;
        let kept = names.iter().filter(|name| *name != "lock" && name.strip_suffix(".tmp").is_none());
        found.extend(kept.map(|name| format!("{ANCHOR_DIR}/{name}")));
    }
    Ok(found)
}

/// Copies one file durably, or its first `bytes`; a file that ends before is continued by the zeros that nobody wrote.
fn copy(from: &dyn Disk, to: &dyn Disk, path: &str, bytes: Option<u64>) -> Result<BackupFile, BackupError> {
    let source = from.open(path, OpenMode::Read).map_err(io_error("open", path))?;
    let len = source.len().map_err(io_error("read", path))?;
    let bytes = bytes.unwrap_or(len);
    let target = create(to, path)?;
    let (mut hash, mut offset, mut buffer) = (Sha256::new(), 0, vec![0; CHUNK]);
    while offset < bytes {
        let want = usize::try_from(bytes - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
        let part = buffer.get_mut(..want).unwrap_or_default();
        part.fill(0);
        source.read_at(offset, part).map_err(io_error("read", path))?;
        hash.update(&*part);
        target.write_at(offset, part).map_err(io_error("write", path))?;
        offset += want as u64;
    }
    target.sync().map_err(io_error("write", path))?;
    to.sync_dir(parent(path)).map_err(io_error("write", path))?;
    Ok(BackupFile { path: path.to_owned(), bytes, sha256: hex::encode(hash.finalize()) })
}

fn put(to: &dyn Disk, path: &str, bytes: &[u8]) -> Result<(), BackupError> {
    let file = create(to, path)?;
    file.write_at(0, bytes)
        .and_then(|()| file.sync())
        .and_then(|()| to.sync_dir(parent(path)))
        .map_err(io_error("write", path))
}

fn create(to: &dyn Disk, path: &str) -> Result<Box<dyn disk::DiskFile>, BackupError> {
    disk::create_dir_durably(to, parent(path)).map_err(io_error("create", parent(path)))?;
    to.open(path, OpenMode::CreateNew).map_err(io_error("create", path))
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What the backup in `from` holds; refused when it has no whole list.
pub fn backup_list(from: &dyn Disk) -> Result<BackupList, BackupError> {
    let bytes = disk::read_all(from, BACKUP_LIST, MAX_LIST_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::List(format!(
            "there is no {BACKUP_LIST}: it is no backup, or one that was cut short. Use another one"
        )),
        _ => io_error("read", BACKUP_LIST)(error),
    })?;
    let unusable =
        |why: String| BackupError::List(format!("{BACKUP_LIST} cannot be used: {why}. Use another backup"));
    let list: BackupList = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
    let expected = if list.content.is_some() { FORMAT } else { FORMAT_1 };
    if list.format != expected {
        return Err(unusable(format!("its format is {:?}, this version reads {FORMAT}", list.format)));
    }
    let checkpoint =
        SignedCheckpoint::parse(list.checkpoint.as_bytes()).map_err(|error| unusable(error.to_string()))?;
    let stated = &checkpoint.checkpoint;
    if stated.size != list.size || stated.origin != list.origin {
        return Err(unusable("its checkpoint is of another log or size".to_owned()));
    }
    let allowed = |path: &str| {
        let known = [format!("{SEGMENT_DIR}/"), format!("{ANCHOR_DIR}/")];
        disk::check_path(path).is_ok()
            && (path == TABLE_PATH
                || BESIDE.contains(&path)
                || known.iter().any(|dir| path.starts_with(dir.as_str())))
    };
    match list.files.iter().find(|file| !allowed(&file.path)) {
        Some(file) => Err(unusable(format!("{:?} is no file of a backup", file.path))),
        None => Ok(list),
    }
}

/// Refuses a file of a backup that is not what the list says.
fn check_file(from: &dyn Disk, list: &BackupList, path: &str) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::Damaged { path: path.to_owned(), what };
    let listed = list.files.iter().find(|file| file.path == path);
    let listed = listed.ok_or_else(|| damaged("is not in its list".to_owned()))?;
    let bytes = disk::read_all(from, path, MAX_TABLE_BYTES)
        .map_err(|error| damaged(format!("cannot be read: {error}")))?;
    if digest(&bytes) == listed.sha256 {
        Ok(())
    } else {
        Err(damaged("is not what was backed up".to_owned()))
    }
}

/// Copies the files of a backup to the empty `to`, each checked against its digest. What is there afterwards has neither been opened nor compared with
/// anything, and its content is still under the backup's key ([`restore_content`]).
pub fn put_back(from: &dyn Disk, to: &dyn Disk, list: &BackupList) -> Result<(), BackupError> {
    for file in &list.files {
        let there = from.open(&file.path, OpenMode::Read).and_then(|source| source.len());
        let damaged = |what: String| BackupError::Damaged { path: file.path.clone(), what };
        match there {
            Ok(bytes) if bytes == file.bytes => {}
            Ok(bytes) => return Err(damaged(format!("has {bytes} bytes and had {}", file.bytes))),
            Err(error) => return Err(damaged(format!("cannot be read: {error}"))),
        }
        let copied = copy(from, to, &file.path, None)?;
        if copied.sha256 != file.sha256 {
            return Err(damaged("is not what was backed up".to_owned()));
        }
    }
    // The second memory of how far the log came begins anew: what it was compared with instead is the caller's to say.
    put(to, HEAD_PATH, &[])
}
