//! Emergency stops, as the gateway decides by them.
//!
//! Must never: leave out a stop that is in force and cannot be read; the gateway refuses every call by it.

use std::sync::Arc;

use rusqlite::Connection;
use tabellion_ledger::Reader;
use tabellion_model::StopId;
use tabellion_model::body::{StopScope, StopSubject};

use super::Gate;
use crate::error::ViewsError;
use crate::query::{Reference, reference};
use crate::values::{id, number, optional_said};

/// One stop in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateStop {
    /// Its id.
    pub stop: StopId,
    /// The record that ordered it.
    pub ordered: Reference,
    /// What it is for; none: its content was erased, or is of a kind that is not known here, and it holds for every call.
    pub scope: Option<StopScope>,
}

impl GateStop {
    /// Whether it holds for a call.
    pub fn holds(&self, call: &StopSubject<'_>) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.holds(call))
    }
}

/// The stops in force, in the place that they had before where nothing changed; `notes` get what the operator should know.
pub(super) fn stops(
    db: &Connection,
    reader: &Reader,
    before: &Gate,
    notes: &mut Vec<String>,
) -> Result<Arc<Vec<GateStop>>, ViewsError> {
    let sql = "SELECT stop, entry, scope FROM stops WHERE lifted_entry IS NULL ORDER BY entry";
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut stops = Vec::new();
    while let Some(row) = rows.next()? {
        let (stop, entry, scope) = (id(row, "stop")?, number(row, "entry")?, optional_said(row, "scope")?);
        let known = before.stops.iter().find(|known| known.ordered.entry == entry);
        let ordered = known.map_or_else(|| reference(reader, entry), |known| Ok(known.ordered))?;
        if scope.is_none() {
            notes.push(format!(
                "what the stop {stop} is for cannot be read, so it holds for every call until it is lifted (tabellion stop lift)"
            ));
        }
        stops.push(GateStop { stop, ordered, scope });
    }
    Ok(if stops == *before.stops { Arc::clone(&before.stops) } else { Arc::new(stops) })
}
