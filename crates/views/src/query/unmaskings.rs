//! Who asked to see what placeholders of a call stand for.

use rusqlite::Row;
use tabellion_model::{CredentialId, Micros, RecordId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, time};
use crate::views::Views;

/// One unmasking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmaskingRow {
    /// Its entry.
    pub entry: u64,
    /// Who asked.
    pub by: CredentialId,
    /// Its commit time.
    pub at: Micros,
    /// Why, and for which placeholders; none when erased.
    pub said: Option<(String, Vec<String>)>,
}

impl Views {
    /// Who asked to see what placeholders of the call that the record `call` decided stand for, newest first.
    pub fn unmaskings(&self, call: &RecordId, page: Page) -> Result<Rows<UnmaskingRow>, ViewsError> {
        let mut wanted = Where::default();
        wanted.with("call = ?", Some(call.as_bytes().to_vec()));
        self.ask(|db| wanted.page(db, "SELECT * FROM unmaskings", "entry", page, row, |row| row.entry))
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<UnmaskingRow> {
    let reason: Option<String> = row.get("reason")?;
    let placeholders: Option<String> = row.get("placeholders")?;
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    Ok(UnmaskingRow {
        entry: number(row, "entry")?,
        by: id(row, "actor")?,
        at: time(row, "at")?,
        said: reason.zip(placeholders.map(lines)),
    })
}
