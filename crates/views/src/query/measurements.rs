//! How much guards found of what they must find.

use rusqlite::{OptionalExtension as _, Row};
use tabellion_model::body::{MeasuredGuard, ProbeCause};
use tabellion_model::measure::MeasureCounts;
use tabellion_model::{Micros, RecordId};

use crate::error::ViewsError;
use crate::values::{id, number, optional_number, optional_said, optional_word, time};
use crate::views::Views;

/// What a measurement says; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasurementSaid {
    /// Why it was done.
    pub cause: ProbeCause,
    /// The corpus.
    pub corpus: String,
    /// For how long it counts, in seconds.
    pub valid_s: u64,
    /// The guards.
    pub guards: Vec<MeasuredGuard>,
}

/// One measurement: the corpus was sent through every guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasurementRow {
    /// Its entry.
    pub entry: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// The sums.
    pub counts: MeasureCounts,
    /// What it says.
    pub said: Option<MeasurementSaid>,
}

impl Views {
    /// The newest measurement; none: guards were never measured.
    pub fn newest_measurement(&self) -> Result<Option<MeasurementRow>, ViewsError> {
        let sql = "SELECT * FROM measurements ORDER BY entry DESC LIMIT 1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row([], row).optional()?))
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<MeasurementRow> {
    let guards = optional_said(row, "guards")?;
    let cause = optional_word(row, "cause")?;
    let said = match (cause, row.get("corpus")?, optional_number(row, "valid_s")?, guards) {
        (Some(cause), Some(corpus), Some(valid_s), Some(guards)) => {
            Some(MeasurementSaid { cause, corpus, valid_s, guards })
        }
        _ => None,
    };
    Ok(MeasurementRow {
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        counts: MeasureCounts {
            tried: number(row, "tried")?,
            stopped: number(row, "stopped")?,
            flagged: number(row, "flagged")?,
            got_through: number(row, "got_through")?,
            untested: number(row, "untested")?,
            benign_tried: number(row, "benign_tried")?,
            benign_hit: number(row, "benign_hit")?,
        },
        said,
    })
}
