//! Rebuilding the file while nothing uses it: beside the old one, then in its place.
//!
//! Promises: until the new file is whole and synced the old one stays; a crash in between leaves one of them, or none, and a start without a file
//! makes it anew. Must never: leave a write-ahead file beside a database that it does not belong to.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tabellion_ledger::Reader;

use crate::database::{self, Cursor};
use crate::digest::{self, ViewsDigest};
use crate::error::ViewsError;
use crate::fold;
use crate::read;

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The digest of the views that were there, once they had read the rest of the log too; `None`: there were none, or they were of another
    /// version or log, or damaged.
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
    File::open(&new).and_then(|file| file.sync_all()).map_err(|error| failed("sync", &new, error))?;
    // Only now: it changes the old ones.
    let before = caught_up(path, reader);
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

/// The digest of the views at `path` after they have read on to the end of the log; `None` when they cannot. Changes the file.
fn caught_up(path: &Path, reader: &Reader) -> Option<ViewsDigest> {
    if !path.exists() {
        return None;
    }
    let (db, mut cursors, notes) = database::open(path, reader).ok()?;
    if !notes.is_empty() {
        // Something in it was thrown away, so that it says nothing of what was there.
        return None;
    }
    read_on(&db, &mut cursors, reader).ok()?;
    digest::of(&db).ok()
}

/// Folds what the log has beyond `cursors`, in one transaction.
fn read_on(db: &Connection, cursors: &mut [Cursor], reader: &Reader) -> Result<(), ViewsError> {
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    let from = fold::position(cursors);
    if from < reader.size() {
        read::batches(reader, from, reader.size(), |batch| fold::batch(&tx, cursors, &batch).map(drop))?;
    }
    fold::save(&tx, cursors)?;
    tx.commit()?;
    Ok(())
}

/// What a comparison of the views with the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// There are no views.
    None,
    /// Every row is what the log gives.
    Same(ViewsDigest),
    /// They are damaged, of another log or version, or have other rows; why, for the operator.
    Differ(String),
}

/// Compares the views at `path` with a fold of the whole log, and changes nothing: a copy is read on and compared, and thrown away. `reader` opens
/// the log once the copy is made, so that it has all that the views have.
pub(crate) fn compare<E: From<ViewsError>>(
    path: &Path,
    reader: impl FnOnce() -> Result<Reader, E>,
) -> Result<Compared, E> {
    if !path.exists() {
        return Ok(Compared::None);
    }
    let (copy, new) = (path.with_extension("sqlite.copy"), path.with_extension("sqlite.check"));
    let compared = compared(path, &copy, &new, reader);
    // Where nothing can be removed, nothing could be made.
    drop(database::remove(&copy));
    drop(database::remove(&new));
    compared
}

fn compared<E: From<ViewsError>>(
    path: &Path,
    copy: &Path,
    new: &Path,
    reader: impl FnOnce() -> Result<Reader, E>,
) -> Result<Compared, E> {
    // What a comparison that was cut short left behind.
    database::remove(copy)?;
    database::remove(new)?;
    match copy_to(path, copy) {
        Ok(()) => {}
        Err(error) if database::is_damage(&error) => {
            return Ok(Compared::Differ(format!("they cannot be read: {error}")));
        }
        Err(error) => return Err(ViewsError::Database(error).into()),
    }
    let reader = reader()?;
    let (db, mut cursors, notes) = database::open(copy, &reader)?;
    if let Some(note) = notes.first() {
        let why = note.rsplit_once(": ").map_or(note.as_str(), |(_, why)| why);
        return Ok(Compared::Differ(why.to_owned()));
    }
    read_on(&db, &mut cursors, &reader)?;
    let (found, due) = (digest::of(&db)?, build(new, &reader)?);
    if found == due {
        return Ok(Compared::Same(due));
    }
    Ok(Compared::Differ(format!("their rows have the digest {found}, those that the log gives have {due}")))
}

/// A consistent copy, while somebody else may be writing.
fn copy_to(path: &Path, copy: &Path) -> rusqlite::Result<()> {
    // It takes an empty file for none.
    database::make_private(copy);
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.busy_timeout(database::LOCK_WAIT)?;
    db.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    Ok(())
}

fn failed(what: &'static str, path: &Path, error: std::io::Error) -> ViewsError {
    ViewsError::File { what, path: path.display().to_string(), error }
}
