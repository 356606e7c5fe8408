//! Who asked to see what was captured of a call.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::{CredentialId, Micros, RecordId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, time};
use crate::views::Views;

/// One viewing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewingRow {
    /// Its entry.
    pub entry: u64,
    /// Who asked.
    pub by: CredentialId,
    /// Its commit time.
    pub at: Micros,
    /// Why; none when erased.
    pub reason: Option<String>,
}

impl Views {
    /// Who asked to see what was captured of the call that the record `call` decided, newest first.
    pub fn viewings(&self, call: &RecordId, page: Page) -> Result<Rows<ViewingRow>, ViewsError> {
        let mut wanted = Where::default();
        wanted.with("call = ?", Some(call.as_bytes().to_vec()));
        self.ask(|db| wanted.page(db, "SELECT * FROM viewings", "entry", page, row, |row| row.entry))
    }

    /// When `person` last asked to see it.
    pub fn viewed_at(&self, call: &RecordId, person: &CredentialId) -> Result<Option<Micros>, ViewsError> {
        let sql = "SELECT at FROM viewings WHERE call = ?1 AND actor = ?2 ORDER BY entry DESC LIMIT 1";
        self.ask(|db| {
            let values = params![call.as_bytes(), person.as_bytes()];
            Ok(db.prepare_cached(sql)?.query_row(values, |row| time(row, "at")).optional()?)
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ViewingRow> {
    Ok(ViewingRow {
        entry: number(row, "entry")?,
        by: id(row, "actor")?,
        at: time(row, "at")?,
        reason: row.get("reason")?,
    })
}
