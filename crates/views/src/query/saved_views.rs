//! The views of tables that a person keeps.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::{CredentialId, ViewId};

use super::MAX_ROWS;
use crate::error::ViewsError;
use crate::values::{id, number};
use crate::views::Views;

/// One view; those whose content was erased are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedViewRow {
    /// Which.
    pub view: ViewId,
    /// Version of its stream.
    pub version: u64,
    /// What its person calls it.
    pub name: String,
    /// Path of the list's page.
    pub page: String,
    /// The query of the page's address.
    pub query: String,
}

impl Views {
    /// The views that `person` keeps, the oldest first, [`MAX_ROWS`] at most.
    pub fn saved_views(&self, person: &CredentialId) -> Result<Vec<SavedViewRow>, ViewsError> {
        let sql = format!(
            "SELECT * FROM saved_views WHERE person = ?1 AND unit IS NOT NULL ORDER BY entry LIMIT {MAX_ROWS}"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![person.as_bytes()], row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many records there are about a view of `person`; none: it is not there, or not any more.
    pub fn saved_view_version(
        &self,
        person: &CredentialId,
        view: &ViewId,
    ) -> Result<Option<u64>, ViewsError> {
        let sql = "SELECT version FROM saved_views WHERE person = ?1 AND view = ?2";
        self.ask(|db| {
            let values = params![person.as_bytes(), view.as_bytes()];
            Ok(db.prepare_cached(sql)?.query_row(values, |row| number(row, "version")).optional()?)
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<SavedViewRow> {
    Ok(SavedViewRow {
        view: id(row, "view")?,
        version: number(row, "version")?,
        name: row.get("name")?,
        page: row.get("page")?,
        query: row.get("query")?,
    })
}
