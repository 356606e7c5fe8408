//! Openings of declared routes: asked for, open, and over.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::RouteClass;
use tabellion_model::{CredentialId, Micros, OpeningId, RecordId, SystemId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, optional_id, optional_number, optional_time, optional_word, time};
use crate::views::Views;

/// A step of an opening after its request, and who took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningStep {
    /// The record's entry.
    pub entry: u64,
    /// Its commit time.
    pub at: Micros,
    /// Who took it.
    pub by: CredentialId,
    /// Why; none when erased.
    pub reason: Option<String>,
}

/// One opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningRow {
    /// Its id.
    pub opening: OpeningId,
    /// Version of its stream.
    pub version: u64,
    /// Entry of the record that asked for it.
    pub entry: u64,
    /// That record.
    pub record_id: RecordId,
    /// When it was asked for: its commit time.
    pub at: Micros,
    /// Who asked.
    pub by: CredentialId,
    /// The session in which they did.
    pub session: Option<RecordId>,
    /// The system; none: erased, and nothing is open by it.
    pub system: Option<SystemId>,
    /// Which routes; none: erased, or of a class that is not known here, and nothing is open by it.
    pub class: Option<RouteClass>,
    /// The one provider it is for.
    pub provider: Option<String>,
    /// When it ends by itself; none when erased.
    pub until: Option<Micros>,
    /// Why; none when erased.
    pub reason: Option<String>,
    /// Its confirmation; none: nobody has opened it.
    pub confirmed: Option<OpeningStep>,
    /// Its withdrawal.
    pub withdrawn: Option<OpeningStep>,
}

const OPENINGS: &str = "SELECT * FROM openings";

impl Views {
    /// Every opening, also those that are over, the last asked for first.
    pub fn openings(&self, page: Page) -> Result<Rows<OpeningRow>, ViewsError> {
        self.ask(|db| Where::default().page(db, OPENINGS, "entry", page, row, |row| row.entry))
    }

    /// One opening.
    pub fn opening(&self, opening: &OpeningId) -> Result<Option<OpeningRow>, ViewsError> {
        let sql = format!("{OPENINGS} WHERE opening = ?1");
        self.ask(|db| Ok(db.prepare_cached(&sql)?.query_row(params![opening.as_bytes()], row).optional()?))
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<OpeningRow> {
    Ok(OpeningRow {
        opening: id(row, "opening")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        session: optional_id(row, "session")?,
        system: optional_id(row, "system")?,
        class: optional_word(row, "class")?,
        provider: row.get("provider")?,
        until: optional_time(row, "until")?,
        reason: row.get("reason")?,
        confirmed: step(row, ["confirmed_entry", "confirmed_at", "confirmed_by", "confirmed_reason"])?,
        withdrawn: step(row, ["withdrawn_entry", "withdrawn_at", "withdrawn_by", "withdrawn_reason"])?,
    })
}

fn step(row: &Row<'_>, [entry, at, by, reason]: [&str; 4]) -> rusqlite::Result<Option<OpeningStep>> {
    let Some(entry) = optional_number(row, entry)? else { return Ok(None) };
    Ok(Some(OpeningStep { entry, at: time(row, at)?, by: id(row, by)?, reason: row.get(reason)? }))
}
