//! The file `views/views.sqlite`: how it is opened, which views it holds, and up to where each has read.
//!
//! Promises: a file of another log, of another layout or that is no database is thrown away, with a line for the operator; a view whose definition
//! changed begins anew. Must never: hold anything that a rebuild would not bring back.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, params};
use tabellion_ledger::Reader;
use tabellion_model::Entry;
use tabellion_tlog::{Hash, leaf_hash, sha256};

use crate::error::ViewsError;
use crate::projection::{self, Projection};
use crate::values::int;

/// Layout of the tables in [`OWN_TABLES`]; `PRAGMA user_version`.
const LAYOUT: i64 = 1;
/// How long a connection waits for a lock; the projector alone writes, so only a checkpoint or a copy is ever in the way.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(5);
/// Prepared statements kept: all projections together have about 40.
const STATEMENTS: usize = 128;
/// Page cache of the writer, in KiB: the upper levels of every index of a million calls.
const CACHE_KIB: i64 = 16 * 1024;
/// Pages in the write-ahead file before it is put into the database: 32 MiB. The pages that every call changes are put there once for many calls.
const CHECKPOINT_PAGES: i64 = 8192;

/// Ending of the file that says that a question found the database damaged.
const DAMAGED: &str = "-damaged";

const OWN_TABLES: &str = "
CREATE TABLE log (genesis BLOB NOT NULL) STRICT;
CREATE TABLE views (
    name TEXT PRIMARY KEY,
    definition BLOB NOT NULL,
    tables TEXT NOT NULL,
    position INTEGER NOT NULL,
    seal BLOB
) STRICT;
CREATE TABLE unplaced (
    entry INTEGER NOT NULL,
    view TEXT NOT NULL,
    record_type TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (entry, view)
) STRICT;
";

/// Up to where one view has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Entries folded.
    pub(crate) position: u64,
    /// Leaf hash of the seal before `position`: stands for all that was folded.
    pub(crate) seal: Option<Hash>,
}

/// Opens the file at `path` for writing, makes what is missing and begins anew what cannot be continued. Gives the connection, the cursor of each
/// view of [`projection::ALL`] and what the operator should know.
pub(crate) fn open(
    path: &Path,
    reader: &Reader,
) -> Result<(Connection, Vec<Cursor>, Vec<String>), ViewsError> {
    let mut notes = Vec::new();
    if !path.exists() {
        // What lies beside a file that is gone belongs to no database.
        remove(path)?;
    }
    let looked = if must_be_looked_at(path) { look(path) } else { None };
    if let Some(wrong) = looked {
        notes.push(format!("{}: {wrong}; all views are made anew", path.display()));
        remove(path)?;
    }
    let mut db = match usable(path, reader) {
        Ok(Ok(db)) => db,
        Ok(Err(reason)) => {
            notes.push(format!("{}: {reason}; all views are made anew", path.display()));
            remove(path)?;
            create(path, reader)?
        }
        Err(error) if is_damage(&error) => {
            notes.push(format!("{}: {error}; all views are made anew", path.display()));
            remove(path)?;
            create(path, reader)?
        }
        Err(error) => return Err(error.into()),
    };
    let cursors = continue_views(&mut db, reader, &mut notes)?;
    Ok((db, cursors, notes))
}

/// Makes an empty file at `path` that is its owner's alone, where there is none: views hold what the vault encrypts. What `SQLite` puts beside it
/// gets the same mode. Where it fails, opening the file says why.
pub(crate) fn make_private(path: &Path) {
    drop(OpenOptions::new().append(true).create(true).mode(0o600).open(path));
}

/// A connection that writes, with the settings of every writer.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    make_private(path);
    let db = Connection::open(path)?;
    db.busy_timeout(LOCK_WAIT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Statements of a fold are planned once: without this, a bound value that could have told of a better plan has one planned anew each time it changes.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // A lost tail is read again from the log; a file is never torn in WAL mode.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    // What an erasure blanks must not linger in free pages.
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(db)
}

/// The database at `path` when it is of this layout and log; otherwise why not.
fn usable(path: &Path, reader: &Reader) -> rusqlite::Result<Result<Connection, String>> {
    let db = connect(path)?;
    let layout: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout == 0 {
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return if tables == 0 {
            begin(&db, reader).map(|()| Ok(db))
        } else {
            Ok(Err("it holds tables of something else".to_owned()))
        };
    }
    if layout != LAYOUT {
        return Ok(Err(format!("its layout is {layout}, this version writes {LAYOUT}")));
    }
    let genesis: Option<[u8; 32]> =
        db.query_row("SELECT genesis FROM log", [], |row| row.get(0)).optional()?;
    if genesis != Some(reader.genesis().0) {
        return Ok(Err("it was made from another log".to_owned()));
    }
    Ok(Ok(db))
}

fn create(path: &Path, reader: &Reader) -> Result<Connection, ViewsError> {
    let db = connect(path)?;
    begin(&db, reader)?;
    Ok(db)
}

fn begin(db: &Connection, reader: &Reader) -> rusqlite::Result<()> {
    let tx = db.unchecked_transaction()?;
    tx.execute_batch(OWN_TABLES)?;
    tx.execute("INSERT INTO log (genesis) VALUES (?1)", params![reader.genesis().0])?;
    tx.pragma_update(None, "user_version", LAYOUT)?;
    tx.commit()
}

/// Makes every view in an empty database, with its cursor at entry 0.
pub(crate) fn begin_in(db: &Connection, reader: &Reader) -> Result<Vec<Cursor>, ViewsError> {
    begin(db, reader)?;
    for projection in projection::ALL {
        make(db, projection)?;
    }
    Ok(projection::ALL.iter().map(|_| Cursor { position: 0, seal: None }).collect())
}

/// What of the file's views can be continued; the rest begins at entry 0.
fn continue_views(
    db: &mut Connection,
    reader: &Reader,
    notes: &mut Vec<String>,
) -> Result<Vec<Cursor>, ViewsError> {
    let tx = db.transaction()?;
    drop_unknown(&tx, notes)?;
    let mut cursors = Vec::new();
    for projection in projection::ALL {
        cursors.push(continue_view(&tx, projection, reader, notes)?);
    }
    tx.commit()?;
    Ok(cursors)
}

fn continue_view(
    tx: &Connection,
    projection: &Projection,
    reader: &Reader,
    notes: &mut Vec<String>,
) -> Result<Cursor, ViewsError> {
    let name = projection.name;
    let found = tx
        .query_row("SELECT definition, position, seal FROM views WHERE name = ?1", params![name], |row| {
            let position: i64 = row.get(1)?;
            let seal: Option<[u8; 32]> = row.get(2)?;
            Ok((row.get::<_, [u8; 32]>(0)?, u64::try_from(position).unwrap_or(u64::MAX), seal.map(Hash)))
        })
        .optional()?;
    let Some((definition, position, seal)) = found else {
        make(tx, projection)?;
        return Ok(Cursor { position: 0, seal: None });
    };
    let cursor = Cursor { position, seal };
    let why = if definition != fingerprint(projection) {
        Some("its definition changed")
    } else if !continues(&cursor, reader)? {
        Some("the log no longer holds what it was made from")
    } else {
        None
    };
    let Some(why) = why else { return Ok(cursor) };
    notes.push(format!("the view {name} is made anew: {why}"));
    drop_view(tx, name)?;
    make(tx, projection)?;
    Ok(Cursor { position: 0, seal: None })
}

/// Whether the log still has what `cursor` has read: the seal before its position, which signs the root of everything below.
fn continues(cursor: &Cursor, reader: &Reader) -> Result<bool, ViewsError> {
    let Some(last) = cursor.position.checked_sub(1) else { return Ok(true) };
    if cursor.position > reader.size() {
        return Ok(false);
    }
    let view = reader.entry(last)?;
    Ok(matches!(view.entry, Entry::Seal(_)) && Some(leaf_hash(&view.bytes)) == cursor.seal)
}

/// Makes the tables of a view, empty.
pub(crate) fn make(tx: &Connection, projection: &Projection) -> rusqlite::Result<()> {
    tx.execute_batch(&projection::definition(projection))?;
    let tables: Vec<&str> = projection.tables.iter().map(|table| table.name).collect();
    tx.execute(
        "INSERT INTO views (name, definition, tables, position) VALUES (?1, ?2, ?3, 0)",
        params![projection.name, fingerprint(projection), tables.join(" ")],
    )?;
    Ok(())
}

/// Drops the tables of a view and its cursor.
pub(crate) fn drop_view(tx: &Connection, name: &str) -> rusqlite::Result<()> {
    let tables: Option<String> = tx
        .query_row("SELECT tables FROM views WHERE name = ?1", params![name], |row| row.get(0))
        .optional()?;
    for table in tables.iter().flat_map(|tables| tables.split(' ')).filter(|table| is_plain(table)) {
        tx.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    tx.execute("DELETE FROM unplaced WHERE view = ?1", params![name])?;
    tx.execute("DELETE FROM views WHERE name = ?1", params![name])?;
    Ok(())
}

/// Views of another version would never hear of an erasure again.
fn drop_unknown(tx: &Connection, notes: &mut Vec<String>) -> Result<(), ViewsError> {
    let names: Vec<String> = tx
        .prepare("SELECT name FROM views ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for name in names {
        if projection::ALL.iter().all(|projection| projection.name != name) {
            notes.push(format!("the view {name} is not known to this version and was dropped"));
            drop_view(tx, &name)?;
        }
    }
    Ok(())
}

/// Table names come from the file; only such as we make are put into SQL.
fn is_plain(table: &str) -> bool {
    !table.is_empty() && table.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Moves the cursor of a view, in the transaction that changes its rows.
pub(crate) fn set_cursor(tx: &Connection, name: &str, cursor: &Cursor) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE views SET position = ?2, seal = ?3 WHERE name = ?1")?.execute(params![
        name,
        int(cursor.position),
        cursor.seal.map(|seal| seal.0)
    ])?;
    Ok(())
}

/// Moves the cursors of all views at once, as when none is behind.
pub(crate) fn set_cursors(tx: &Connection, cursor: &Cursor) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE views SET position = ?1, seal = ?2")?
        .execute(params![int(cursor.position), cursor.seal.map(|seal| seal.0)])?;
    Ok(())
}

/// What makes a view: its name, version and whole SQL.
fn fingerprint(projection: &Projection) -> [u8; 32] {
    let text = format!("{}\n{}\n{}", projection.name, projection.version, projection::definition(projection));
    sha256(text.as_bytes()).0
}

pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// Whether the file may be damaged: whoever wrote it did not come to its end, or a question failed on it.
fn must_be_looked_at(path: &Path) -> bool {
    let size = |ending| fs::metadata(beside(path, ending)).map_or(0, |facts| facts.len());
    path.exists() && (size("-wal") > 0 || beside(path, DAMAGED).exists())
}

/// What is wrong with the file at `path`, if anything. Reads all of it.
pub(crate) fn look(path: &Path) -> Option<String> {
    if beside(path, DAMAGED).exists() {
        return Some("a question found it damaged".to_owned());
    }
    let looked = Connection::open(path).and_then(|db| {
        db.busy_timeout(LOCK_WAIT)?;
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    match looked {
        Ok(word) if word == "ok" => None,
        Ok(wrong) => Some(format!("it is damaged: {wrong}")),
        Err(error) if is_damage(&error) => Some(format!("it is damaged: {error}")),
        // Whatever else there is, such as a lock, is met again where the file is used.
        Err(_) => None,
    }
}

/// Leaves word that the file is damaged, for the next start. Where that fails, the next question finds it again.
pub(crate) fn mark_damaged(path: &Path) {
    drop(fs::write(beside(path, DAMAGED), []));
}

/// The name of what lies beside the file.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Removes the file and what `SQLite` keeps beside it, the main file first: what lies beside alone is nothing.
pub(crate) fn remove(path: &Path) -> Result<(), ViewsError> {
    for ending in ["", "-wal", "-shm", DAMAGED] {
        let name = beside(path, ending);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(ViewsError::File { what: "remove", path: name.display().to_string(), error });
            }
            _ => {}
        }
    }
    Ok(())
}
