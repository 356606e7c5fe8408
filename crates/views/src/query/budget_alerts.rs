//! Alerts of budgets: which shares of which caps were passed, and when.

use rusqlite::{Row, params};
use tabellion_model::body::{BudgetAlertEnd, CapKind};
use tabellion_model::{Micros, RecordId};

use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, optional_number, optional_time, optional_word, time};
use crate::views::Views;

/// What an alert says; gone when its content was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossedSaid {
    /// The cap.
    pub cap: CapKind,
    /// What it was then.
    pub limit: u64,
    /// The share that was passed, in per cent.
    pub percent: u64,
    /// What was used and reserved then.
    pub used: u64,
    /// Where the window begins.
    pub window_start: Micros,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetAlertRow {
    /// Its entry.
    pub entry: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// What it says.
    pub said: Option<CrossedSaid>,
    /// The record that says it is over; none: none does.
    pub resolved: Option<ResolvedRow>,
}

/// That an alert is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedRow {
    /// The entry that says so.
    pub entry: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// Why; none: erased.
    pub end: Option<BudgetAlertEnd>,
}

impl Views {
    /// Alerts of a budget, newest first, `limit` at most.
    pub fn budget_alerts(&self, name: &str, limit: u64) -> Result<Vec<BudgetAlertRow>, ViewsError> {
        let sql = "SELECT * FROM budget_alerts WHERE name = ?1 ORDER BY entry DESC LIMIT ?2";
        self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let rows = select.query_map(params![name, int(limit)], row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<BudgetAlertRow> {
    let said = match (optional_word(row, "cap")?, optional_time(row, "window_start")?) {
        (Some(cap), Some(window_start)) => Some(CrossedSaid {
            cap,
            limit: optional_number(row, "cap_limit")?.unwrap_or_default(),
            percent: optional_number(row, "percent")?.unwrap_or_default(),
            used: optional_number(row, "used")?.unwrap_or_default(),
            window_start,
        }),
        _ => None,
    };
    let resolved = match (
        optional_number(row, "resolved_entry")?,
        optional_id(row, "resolved_record")?,
        optional_time(row, "resolved_at")?,
    ) {
        (Some(entry), Some(record_id), Some(at)) => {
            Some(ResolvedRow { entry, record_id, at, end: optional_word(row, "resolved_end")? })
        }
        _ => None,
    };
    Ok(BudgetAlertRow {
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        said,
        resolved,
    })
}
