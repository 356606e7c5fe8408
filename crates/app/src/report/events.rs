//! What happened to content in the range: erasures, holds and deletions of systems, one row each.
//!
//! Promises: a reason is shown only where the package discloses it.

use tabellion_ledger::EntryView;
use tabellion_model::registry::{ErasureScope, Facts, Kind, facts};
use tabellion_model::{Header, Micros};

use super::words::{counted, moment, row_time, short};
use crate::export::{Subject, Survey, shown};
use crate::printable::visible_value;

/// Characters of a reason: a sentence or two.
const REASON_CHARACTERS: usize = 300;
/// The body field that says why.
const REASON: &str = "reason";

/// One erasure, hold or deletion.
pub(super) struct EventRow {
    pub(super) index: u64,
    pub(super) time: String,
    pub(super) what: String,
    pub(super) detail: String,
    pub(super) reason: String,
}

/// The rows and how many there are besides them.
pub(super) struct Events {
    pub(super) rows: Vec<EventRow>,
    pub(super) more: u64,
}

pub(super) fn events(subject: &Subject<'_>, survey: &Survey) -> Events {
    let rows: Vec<EventRow> = survey.events.iter().filter_map(|view| event(subject, view)).collect();
    Events { more: survey.event_count.saturating_sub(rows.len() as u64), rows }
}

fn event(subject: &Subject<'_>, view: &EntryView) -> Option<EventRow> {
    let header = view.entry.header()?;
    let (what, detail) = match facts(header) {
        Ok(Some(facts)) => in_words(header, &facts),
        // A later version of the type: named, not explained.
        _ => (header.record_type.as_str().to_owned(), String::new()),
    };
    let committed = subject.span.committed_at(view.index).unwrap_or(Micros(0));
    let reason = match Kind::of(&header.record_type) {
        Some(Kind::ErasureDone) => "as its order says".to_owned(),
        _ => reason(subject, view).unwrap_or_else(|| "not shown".to_owned()),
    };
    Some(EventRow { index: view.index, time: row_time(committed), what, detail, reason })
}

fn reason(subject: &Subject<'_>, view: &EntryView) -> Option<String> {
    let mut fields = view.units.iter().flat_map(|unit| shown(view, unit, subject.request));
    let field = fields.find(|field| field.name() == REASON)?;
    Some(visible_value(field.value(), REASON_CHARACTERS))
}

fn in_words(header: &Header, facts: &Facts) -> (String, String) {
    let system = || match header.system {
        Some((system, _)) => format!("system {}", short(&system.to_string())),
        None => "no system".to_owned(),
    };
    let (what, detail) = match facts {
        Facts::ErasureOrdered(order) => {
            let scope = match order.scope {
                ErasureScope::Subject => "of one data subject",
                ErasureScope::Record => "of one record",
                ErasureScope::Retention => "of content whose retention has ended",
                ErasureScope::System => "of one system",
            };
            let keys = counted(order.keys.len() as u64, "content key", "content keys");
            ("Erasure ordered", format!("{keys} {scope}, order {}", short(&header.record_id.to_string())))
        }
        Facts::ErasureDone(done) => {
            let end = if done.last { "the order is carried out" } else { "more follows" };
            let units = counted(done.erased, "unit", "units");
            ("Erasure done", format!("{units} erased under order {}; {end}", short(&done.order.to_string())))
        }
        Facts::HoldPlaced(hold) => {
            let over = match &hold.keys {
                Some(keys) => counted(keys.len() as u64, "content key", "content keys"),
                None => system(),
            };
            ("Legal hold placed", format!("hold {} over {over}", short(&hold.hold.to_string())))
        }
        Facts::HoldReleased(hold) => ("Legal hold released", format!("hold {}", short(&hold.to_string()))),
        Facts::DeletionRequested(due) => {
            ("Deletion requested", format!("{}, due {}", system(), moment(*due)))
        }
        Facts::DeletionCancelled => ("Deletion cancelled", system()),
        Facts::SystemPurged(Some(order)) => {
            ("System purged", format!("{} under order {}", system(), short(&order.to_string())))
        }
        Facts::SystemPurged(None) => ("System purged", format!("{}; it had no content left", system())),
        _ => (header.record_type.as_str(), String::new()),
    };
    (what.to_owned(), detail)
}
