//! What came of probing guards.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::{ProbeCause, ProbedPlace};
use tabellion_model::probe::ProbeCounts;
use tabellion_model::{Micros, RecordId};

use super::{OpenCall, reference};
use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, optional_number, optional_said, optional_word, time};
use crate::views::Views;

/// What a round says; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRoundSaid {
    /// Why it was done.
    pub cause: ProbeCause,
    /// For how long what it proves counts, in seconds.
    pub valid_s: u64,
    /// The places that were tried.
    pub places: Vec<ProbedPlace>,
}

/// One round: every place was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRoundRow {
    /// Its entry.
    pub entry: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Commit time of that.
    pub at: Micros,
    /// How many places came to what.
    pub counts: ProbeCounts,
    /// What it says.
    pub said: Option<ProbeRoundSaid>,
}

impl Views {
    /// The newest round; none: guards were never probed.
    pub fn newest_probe_round(&self) -> Result<Option<ProbeRoundRow>, ViewsError> {
        let sql = "SELECT * FROM probe_rounds ORDER BY entry DESC LIMIT 1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row([], row).optional()?))
    }

    /// How many canaries got through in the newest round; from a header, so that no erasure ends an alarm.
    pub fn canaries_through(&self) -> Result<u64, ViewsError> {
        let sql = "SELECT got_through FROM probe_rounds ORDER BY entry DESC LIMIT 1";
        self.ask(|db| {
            let newest = db.prepare_cached(sql)?.query_row([], |row| number(row, 0)).optional()?;
            Ok(newest.unwrap_or_default())
        })
    }

    /// Probes that were let through below entry `below` and have no end, oldest first, as [`Views::open_calls`] has calls.
    pub fn open_probes(&self, below: u64) -> Result<Vec<OpenCall>, ViewsError> {
        let sql = "SELECT entry, system, key FROM probe_calls_open WHERE entry < ?1 ORDER BY entry";
        let open = self.ask(|db| {
            let mut select = db.prepare_cached(sql)?;
            let rows = select.query_map(params![int(below)], |row| {
                Ok((number(row, "entry")?, optional_id(row, "system")?, id(row, "key")?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        open.into_iter()
            .map(|(entry, system, key)| {
                Ok(OpenCall { authorised: reference(self.reader(), entry)?, system, key, attempt_of: None })
            })
            .collect()
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ProbeRoundRow> {
    let said =
        match (optional_word(row, "cause")?, optional_number(row, "valid_s")?, optional_said(row, "places")?)
        {
            (Some(cause), Some(valid_s), Some(places)) => Some(ProbeRoundSaid { cause, valid_s, places }),
            _ => None,
        };
    Ok(ProbeRoundRow {
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        at: time(row, "at")?,
        counts: ProbeCounts {
            stopped: number(row, "stopped")?,
            flagged: number(row, "flagged")?,
            got_through: number(row, "got_through")?,
            untested: number(row, "untested")?,
        },
        said,
    })
}
