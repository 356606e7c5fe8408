//! Changes of safeguards in the configuration, and where configurations were taken.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::ConfigurationChanged;
use tabellion_model::{ConfigurationChangeId, CredentialId, Micros, RecordId};

use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, optional_number, optional_said, optional_time, time};
use crate::views::Views;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationChangeRow {
    /// Its id.
    pub change: ConfigurationChangeId,
    /// Version of its stream.
    pub version: u64,
    /// Entry that recorded it.
    pub entry: u64,
    /// That record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// What changed; none: erased.
    pub said: Option<ConfigurationChanged>,
    /// Entry of the explanation; none: nobody gave one after the start.
    pub explained_entry: Option<u64>,
    /// Commit time of that.
    pub explained_at: Option<Micros>,
    /// Who explained it.
    pub explained_by: Option<CredentialId>,
    /// Why; none: nobody said, or that was erased.
    pub explained_reason: Option<String>,
}

impl Views {
    /// Changes of safeguards, the newest first, `limit` at most.
    pub fn configuration_changes(&self, limit: u64) -> Result<Vec<ConfigurationChangeRow>, ViewsError> {
        let sql = "SELECT * FROM configuration_changes ORDER BY entry DESC LIMIT ?1";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let rows = select.query_map(params![int(limit)], row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// One change.
    pub fn configuration_change(
        &self,
        change: &ConfigurationChangeId,
    ) -> Result<Option<ConfigurationChangeRow>, ViewsError> {
        let sql = "SELECT * FROM configuration_changes WHERE change = ?1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![change.as_bytes()], row).optional()?))
    }

    /// The last entry before `entry` at which a configuration was taken.
    pub fn configuration_taken_before(&self, entry: u64) -> Result<Option<u64>, ViewsError> {
        let sql = "SELECT entry FROM configurations WHERE entry < ?1 ORDER BY entry DESC LIMIT 1";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            Ok(select.query_row(params![int(entry)], |row| number(row, "entry")).optional()?)
        })
    }

    /// Entries at which configurations were taken, the newest first, `limit` at most.
    pub fn configurations_taken(&self, limit: u64) -> Result<Vec<u64>, ViewsError> {
        let sql = "SELECT entry FROM configurations ORDER BY entry DESC LIMIT ?1";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let rows = select.query_map(params![int(limit)], |row| number(row, "entry"))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ConfigurationChangeRow> {
    Ok(ConfigurationChangeRow {
        change: id(row, "change")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        said: optional_said(row, "said")?,
        explained_entry: optional_number(row, "explained_entry")?,
        explained_at: optional_time(row, "explained_at")?,
        explained_by: optional_id(row, "explained_by")?,
        explained_reason: row.get("explained_reason")?,
    })
}
