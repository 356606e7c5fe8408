//! Decisions on calls as they were recorded, for whoever asks them again by other rules.
//!
//! Promises: newest first, each with its whole record as far as that is still disclosed; systems as they were described where a decision was made. Must never:
//! hold more than one record in memory: it may carry what was captured of a prompt.

use rusqlite::{OptionalExtension as _, params};
use tabellion_model::body::{Body as _, CallAuthorised, CallDenied, SystemRegistered};
use tabellion_model::{Header, Micros, RecordId, SystemId};

use super::call_groups::first_at;
use super::{MAX_ROWS, Page, Subject, body};
use crate::error::ViewsError;
use crate::values::{int, number, time};
use crate::views::Views;

/// Which decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionsWanted {
    /// Of entries below this one.
    pub below: u64,
    /// Recorded at this time or later.
    pub from: Option<Micros>,
    /// Recorded before this time.
    pub to: Option<Micros>,
    /// The newest so many.
    pub most: u64,
}

/// Where decisions stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// How many there are, also of those that are not listed.
    pub count: u64,
    /// Entries of the newest, newest first.
    pub entries: Vec<u64>,
}

/// What one decision says.
#[derive(Debug, Clone, PartialEq)]
pub enum DecisionBody {
    /// `call.authorised`; none: erased.
    Authorised(Option<Box<CallAuthorised>>),
    /// `call.denied`; none: erased.
    Denied(Option<Box<CallDenied>>),
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// Its record.
    pub record_id: RecordId,
    /// The record's header.
    pub header: Header,
    /// What it says.
    pub body: DecisionBody,
}

/// What was said of a system from an entry on; none: erased.
pub type DescribedFrom = (u64, Option<SystemRegistered>);

impl Views {
    /// Where the decisions stand that are wanted.
    pub fn decisions(&self, wanted: &DecisionsWanted) -> Result<Decisions, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            // Commit times never fall as entries grow, so that times are entries.
            let from = match wanted.from {
                Some(at) => first_at(&moment, at)?.unwrap_or(u64::MAX),
                None => 0,
            };
            let below = match wanted.to {
                Some(at) => first_at(&moment, at)?.unwrap_or(u64::MAX).min(wanted.below),
                None => wanted.below,
            };
            // Counted in the index by time, which is a tenth of the table.
            let sql = "SELECT count(*) FROM calls WHERE at >= 0 AND +entry >= ?1 AND +entry < ?2";
            let bounds = params![int(from), int(below)];
            let count = moment.prepare_cached(sql)?.query_row(bounds, |row| number(row, 0))?;
            let sql = "SELECT entry FROM calls WHERE entry >= ?1 AND entry < ?2 ORDER BY entry DESC LIMIT ?3";
            let mut select = moment.prepare_cached(sql)?;
            let entries = select
                .query_map(params![int(from), int(below), int(wanted.most)], |row| number(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Decisions { count, entries })
        })
    }

    /// When the first decision at entry `from` or later was recorded.
    pub fn decided_after(&self, from: u64) -> Result<Option<Micros>, ViewsError> {
        let sql = "SELECT at FROM calls WHERE entry >= ?1 ORDER BY entry LIMIT 1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![int(from)], |row| time(row, "at")).optional()?)
        })
    }

    /// The decision at `entry`, which [`Self::decisions`] gave.
    pub fn decision(&self, entry: u64) -> Result<DecisionRecord, ViewsError> {
        let view = self.reader().entry(entry)?;
        let header = view.entry.header().cloned().ok_or_else(|| ViewsError::Malformed {
            index: entry,
            reason: "it is a seal and no record".to_owned(),
        })?;
        let body = if header.record_type.as_str() == CallDenied::TYPE {
            DecisionBody::Denied(body(&view).map(Box::new))
        } else {
            DecisionBody::Authorised(body(&view).map(Box::new))
        };
        Ok(DecisionRecord { record_id: header.record_id, header, body })
    }

    /// Everything that was ever said of a system, oldest first.
    pub fn described(&self, system: SystemId) -> Result<Vec<DescribedFrom>, ViewsError> {
        let mut page = Page { before: None, limit: MAX_ROWS };
        let mut described = Vec::new();
        loop {
            let found = self.history(Some(&Subject::System(system)), page)?;
            for change in found.rows {
                if change.record_type == SystemRegistered::TYPE {
                    let view = self.reader().entry(change.entry)?;
                    described.push((change.entry, body(&view)));
                }
            }
            if found.next.is_none() {
                described.reverse();
                return Ok(described);
            }
            page.before = found.next;
        }
    }
}
