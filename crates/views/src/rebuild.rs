//! Rebuilding the file while nothing uses it: beside the old one, then in its place.
//!
//! Promises: until the new file is whole and synced the old one stays; a crash in between leaves one of them, or none, and a start without a file
//! makes it anew. Must never: leave a write-ahead file beside a database that it does not belong to.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Transaction, TransactionBehavior};
use tabellion_ledger::Reader;

use crate::database;
use crate::digest::{self, ViewsDigest};
use crate::error::ViewsError;
use crate::fold;
use crate::read;

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The digest of the views that were there, when they had read as much of the log and could be read.
    pub before: Option<ViewsDigest>,
    /// The digest of the new ones.
    pub after: ViewsDigest,
    /// Time it took to make them.
    pub took: Duration,
}

impl Rebuilt {
    /// Whether the views that were there had other rows than the log gives: a fault in them, or in the disk.
    pub fn differed(&self) -> bool {
        self.before.is_some_and(|before| before != self.after)
    }
}

pub(crate) fn beside(path: &Path, reader: &Reader) -> Result<Rebuilt, ViewsError> {
    let started = Instant::now();
    let new = path.with_extension("sqlite.new");
    database::remove(&new)?;
    let after = build(&new, reader)?;
    let took = started.elapsed();
    let before = digest_of(path).filter(|before| before.position == after.position);
    File::open(&new).and_then(|file| file.sync_all()).map_err(|error| failed("sync", &new, error))?;
    database::remove(path)?;
    fs::rename(&new, path).map_err(|error| failed("move into place", &new, error))?;
    if let Some(parent) = path.parent() {
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(|error| failed("sync", parent, error))?;
    }
    Ok(Rebuilt { before, after, took })
}

/// Builds the whole file; its write-ahead file is gone when this returns.
fn build(path: &Path, reader: &Reader) -> Result<ViewsDigest, ViewsError> {
    let (db, mut cursors, _) = database::open(path, reader)?;
    let tx = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
    read::batches(reader, 0, reader.size(), |batch| fold::batch(&tx, &mut cursors, &batch).map(drop))?;
    fold::save(&tx, &cursors)?;
    tx.commit()?;
    let digest = digest::of(&db)?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(ViewsError::Database)?;
    // The last connection that closes removes the write-ahead file.
    db.close().map_err(|(_, error)| error)?;
    Ok(digest)
}

/// The digest of an old file, when it has one.
fn digest_of(path: &Path) -> Option<ViewsDigest> {
    if !path.exists() {
        return None;
    }
    let db = rusqlite::Connection::open(path).ok()?;
    digest::of(&db).ok()
}

fn failed(what: &'static str, path: &Path, error: std::io::Error) -> ViewsError {
    ViewsError::File { what, path: path.display().to_string(), error }
}
