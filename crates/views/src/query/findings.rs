//! Findings: what is open, and what was closed and why.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::FindingOpened;
use tabellion_model::{CredentialId, FindingId, Micros, RecordId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, optional_id, optional_time, time};
use crate::views::Views;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// Its id.
    pub finding: FindingId,
    /// Version of its stream.
    pub version: u64,
    /// Entry that opened it.
    pub entry: u64,
    /// That record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// What was found; none: erased.
    pub said: Option<FindingOpened>,
    /// When it was closed; none: it is open.
    pub closed_at: Option<Micros>,
    /// Who closed it.
    pub closed_by: Option<CredentialId>,
    /// Why; none: it is open, or that was erased.
    pub closed_reason: Option<String>,
}

impl Views {
    /// Findings, the newest first.
    pub fn findings(&self, page: Page) -> Result<Rows<FindingRow>, ViewsError> {
        let select = "SELECT * FROM findings";
        self.ask(|db| Where::default().page(db, select, "entry", page, finding, |row| row.entry))
    }

    /// One finding.
    pub fn finding(&self, finding: &FindingId) -> Result<Option<FindingRow>, ViewsError> {
        let sql = "SELECT * FROM findings WHERE finding = ?1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![finding.as_bytes()], self::finding).optional()?)
        })
    }
}

fn finding(row: &Row<'_>) -> rusqlite::Result<FindingRow> {
    let said: Option<String> = row.get("said")?;
    Ok(FindingRow {
        finding: id(row, "finding")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        said: said.and_then(|said| serde_json::from_str(&said).ok()),
        closed_at: optional_time(row, "closed_at")?,
        closed_by: optional_id(row, "closed_by")?,
        closed_reason: row.get("closed_reason")?,
    })
}
