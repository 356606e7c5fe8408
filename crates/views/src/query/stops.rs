//! Emergency stops, in force and lifted, each with what it did.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::StopScope;
use tabellion_model::{CredentialId, Micros, RecordId, StopId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, optional_id, optional_number, optional_said, optional_time, time};
use crate::views::Views;

/// When a stop was lifted, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopLift {
    /// The record's entry.
    pub entry: u64,
    /// Its commit time.
    pub at: Micros,
    /// Who lifted it.
    pub by: CredentialId,
    /// Why; none when erased.
    pub reason: Option<String>,
}

/// A call that a stop refused or cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopEffect {
    /// Entry of the record that says so.
    pub entry: u64,
    /// Its commit time.
    pub at: Micros,
}

/// One stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRow {
    /// Its id.
    pub stop: StopId,
    /// Version of its stream.
    pub version: u64,
    /// Entry of the record that ordered it.
    pub entry: u64,
    /// That record.
    pub record_id: RecordId,
    /// When it was ordered, by the clock of whoever sealed it.
    pub ordered_at: Micros,
    /// When that was durable: its commit time.
    pub durable_at: Micros,
    /// Who ordered it.
    pub by: CredentialId,
    /// The session in which they did.
    pub session: Option<RecordId>,
    /// What it is for; none: it cannot be read, and holds for every call.
    pub scope: Option<StopScope>,
    /// Whether it is an exercise; none when erased.
    pub drill: Option<bool>,
    /// Why; none when erased.
    pub reason: Option<String>,
    /// Its lifting; none: it is in force.
    pub lifted: Option<StopLift>,
    /// Calls that it refused.
    pub refused: u64,
    /// The first of them.
    pub first_refused: Option<StopEffect>,
    /// Calls that ran and that it cut.
    pub cut: u64,
    /// The last of them.
    pub last_cut: Option<StopEffect>,
}

const STOPS: &str = "SELECT * FROM stops LEFT JOIN stopped ON ordered = record_id";

impl Views {
    /// Every stop, also those lifted, the last ordered first.
    pub fn stops(&self, page: Page) -> Result<Rows<StopRow>, ViewsError> {
        self.ask(|db| Where::default().page(db, STOPS, "entry", page, row, |row| row.entry))
    }

    /// One stop.
    pub fn emergency_stop(&self, stop: &StopId) -> Result<Option<StopRow>, ViewsError> {
        let sql = format!("{STOPS} WHERE stop = ?1");
        self.ask(|db| Ok(db.prepare_cached(&sql)?.query_row(params![stop.as_bytes()], row).optional()?))
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<StopRow> {
    Ok(StopRow {
        stop: id(row, "stop")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        ordered_at: time(row, "observed_at")?,
        durable_at: time(row, "at")?,
        by: id(row, "actor")?,
        session: optional_id(row, "session")?,
        scope: optional_said(row, "scope")?,
        drill: row.get("drill")?,
        reason: row.get("reason")?,
        lifted: lifted(row)?,
        refused: optional_number(row, "refused")?.unwrap_or(0),
        first_refused: effect(row, "refused_entry", "refused_at")?,
        cut: optional_number(row, "cut")?.unwrap_or(0),
        last_cut: effect(row, "cut_entry", "cut_at")?,
    })
}

fn lifted(row: &Row<'_>) -> rusqlite::Result<Option<StopLift>> {
    let Some(entry) = optional_number(row, "lifted_entry")? else { return Ok(None) };
    let (at, by, reason) = (time(row, "lifted_at")?, id(row, "lifted_by")?, row.get("lifted_reason")?);
    Ok(Some(StopLift { entry, at, by, reason }))
}

fn effect(row: &Row<'_>, entry: &str, at: &str) -> rusqlite::Result<Option<StopEffect>> {
    let found = optional_number(row, entry)?.zip(optional_time(row, at)?);
    Ok(found.map(|(entry, at)| StopEffect { entry, at }))
}
