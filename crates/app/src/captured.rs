//! What was captured of prompts and answers, and what names a person outside a unit about them: in which fields of which records it stands.
//!
//! The mask replaces what it finds; what it does not find (a name, a diagnosis) stands there in plain text. So these fields count as content about
//! persons wherever that is withheld, whatever unit they are in.

use tabellion_ledger::EntryView;
use tabellion_model::Disclosure;
use tabellion_model::body::{
    self, Body as _, BudgetSet, CallAuthorised, CallCompleted, CallDenied, StopOrdered,
};

/// Fields of call records that hold what was said.
const FIELDS: [&str; 2] = ["prompt", "answer"];

/// Whether `field` of this entry holds what was said.
pub(crate) fn is_captured(view: &EntryView, field: &str) -> bool {
    let is_call = view.entry.header().is_some_and(|header| {
        matches!(header.record_type.as_str(), CallAuthorised::TYPE | CallCompleted::TYPE)
    });
    is_call && FIELDS.contains(&field)
}

/// Whether a field that is in no unit about a data subject names a person all the same: who called, or was given a budget, in records of before such units, and whom a
/// stop is for. It is shown as if it were in one.
pub(crate) fn names_person(view: &EntryView, field: &Disclosure) -> bool {
    let Some(header) = view.entry.header() else { return false };
    match (header.record_type.as_str(), field.name()) {
        (CallAuthorised::TYPE | CallDenied::TYPE, "caller") => field.value().get("person").is_some(),
        (BudgetSet::TYPE | StopOrdered::TYPE, "scope") => {
            field.value().get("kind").and_then(serde_json::Value::as_str) == Some("person")
        }
        _ => false,
    }
}

/// Whether `field` of this entry holds what a placeholder stands for. Whoever may see the entry, that is shown by unmasking alone, and goes into no package.
pub(crate) fn is_original(view: &EntryView, field: &str) -> bool {
    view.entry.header().is_some_and(|header| body::is_original(header.record_type.as_str(), field))
}
