//! Streams of versions as they are asked for: the newest of every name, the newest of one, and all of one.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Page, Rows, Where};
use crate::error::ViewsError;

/// A table with a row for each version of a name, the newest marked.
pub(super) struct Versions<T> {
    /// The SQL that gives its rows.
    pub(super) select: &'static str,
    /// Reads one.
    pub(super) read: fn(&Row<'_>) -> rusqlite::Result<T>,
    /// The entry of one.
    pub(super) entry: fn(&T) -> u64,
}

impl<T> Versions<T> {
    /// The newest version of every name, also of those that were ended; the last changed first.
    pub(super) fn newest(&self, db: &Connection, page: Page) -> Result<Rows<T>, ViewsError> {
        let mut wanted = Where::default();
        wanted.only("newest = 1");
        wanted.page(db, self.select, "entry", page, self.read, self.entry)
    }

    /// The newest version of `name`.
    pub(super) fn newest_of(&self, db: &Connection, name: &str) -> Result<Option<T>, ViewsError> {
        let sql = format!("{} WHERE name = ?1 AND newest = 1", self.select);
        Ok(db.prepare_cached(&sql)?.query_row(params![name], self.read).optional()?)
    }

    /// All versions of `name`, newest first.
    pub(super) fn all_of(&self, db: &Connection, name: &str, page: Page) -> Result<Rows<T>, ViewsError> {
        let mut wanted = Where::default();
        wanted.with("name = ?", Some(name.to_owned()));
        wanted.page(db, self.select, "entry", page, self.read, self.entry)
    }
}
