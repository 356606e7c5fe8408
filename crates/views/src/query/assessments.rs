//! What guards said of calls that had ended, and of which calls they owe it.
//!
//! Must never: take silence for a pass.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::{AwaitedLook, CallAssessed, EnrichedSide};
use tabellion_model::{RecordId, SystemId};

use super::{Reference, body, reference};
use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id};
use crate::views::Views;

/// What guards said of one call when it was over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssessedCall {
    /// The entry that says it.
    pub entry: u64,
    /// Id of its record.
    pub record_id: RecordId,
    /// What it says; none: erased.
    pub body: Option<CallAssessed>,
}

/// A call that guards were to look at when it was over, and of which nobody recorded that they did, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnassessedCall {
    /// Its `call.authorised`: the parent of the record that says so.
    pub authorised: Reference,
    /// The system.
    pub system: Option<SystemId>,
    /// The looks that it waits for.
    pub awaited: Vec<AwaitedLook>,
}

impl Views {
    /// What guards said of the call that this record let through, when it was over; none: nothing yet, or none is for it.
    pub fn assessed(&self, call: &RecordId) -> Result<Option<AssessedCall>, ViewsError> {
        let found = self.ask(|db| {
            let sql = "SELECT entry, record_id FROM assessments WHERE call = ?1";
            let row = |row: &Row<'_>| Ok((number(row, "entry")?, id(row, "record_id")?));
            Ok(db.prepare_cached(sql)?.query_row(params![call.as_bytes()], row).optional()?)
        })?;
        let read = |(entry, record_id)| {
            Ok(AssessedCall { entry, record_id, body: body(&self.reader().entry(entry)?) })
        };
        found.map(read).transpose()
    }

    /// Calls without a record of what guards said of them when they were over, oldest first: those that are open, and those that ended at most `within_us`
    /// microseconds before the newest end of such a call. To be asked at a start, once the views have read everything: nobody looks at them any more.
    pub fn unassessed(&self, within_us: u64) -> Result<Vec<UnassessedCall>, ViewsError> {
        let missing = "after_guards IS NOT NULL AND NOT EXISTS (SELECT 1 FROM assessments WHERE assessments.call = calls.record_id)";
        let newest = "SELECT max(ended_at) FROM calls INDEXED BY calls_after WHERE after_guards IS NOT NULL";
        let sql = format!(
            "SELECT entry, system, after_guards FROM calls INDEXED BY calls_after WHERE ended_at IS NULL AND {missing}
            UNION ALL SELECT entry, system, after_guards FROM calls INDEXED BY calls_after WHERE ended_at >= ({newest}) - ?1 AND {missing}
            ORDER BY 1"
        );
        let found: Vec<(u64, Option<SystemId>, String)> = self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![int(within_us)], |row| {
                Ok((number(row, "entry")?, optional_id(row, "system")?, row.get("after_guards")?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        found
            .into_iter()
            .map(|(entry, system, awaited)| {
                let awaited = awaited.split(' ').map(look).collect();
                Ok(UnassessedCall { authorised: reference(self.reader(), entry)?, system, awaited })
            })
            .collect()
    }
}

/// One word of the column (`projection/assessments.rs`).
pub(super) fn look(word: &str) -> AwaitedLook {
    let (name, side) = word.rsplit_once('/').unwrap_or((word, ""));
    let (guard, version) = name.split_once('@').unwrap_or((name, ""));
    let side = if side == "answer" { EnrichedSide::Answer } else { EnrichedSide::Prompt };
    AwaitedLook { guard: guard.to_owned(), version: version.to_owned(), side }
}
