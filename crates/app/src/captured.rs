//! What was captured of prompts and answers: in which fields of which records it stands.
//!
//! The mask replaces what it finds; what it does not find (a name, a diagnosis) stands there in plain text. So these fields count as content about
//! persons wherever that is withheld, whatever unit they are in.

use tabellion_ledger::EntryView;
use tabellion_model::body::{self, Body as _, CallAuthorised, CallCompleted};

/// Fields of call records that hold what was said.
const FIELDS: [&str; 2] = ["prompt", "answer"];

/// Whether `field` of this entry holds what was said.
pub(crate) fn is_captured(view: &EntryView, field: &str) -> bool {
    let is_call = view.entry.header().is_some_and(|header| {
        matches!(header.record_type.as_str(), CallAuthorised::TYPE | CallCompleted::TYPE)
    });
    is_call && FIELDS.contains(&field)
}

/// Whether `field` of this entry holds what a placeholder stands for. Whoever may see the entry, that is shown by unmasking alone, and goes into no package.
pub(crate) fn is_original(view: &EntryView, field: &str) -> bool {
    view.entry.header().is_some_and(|header| body::is_original(header.record_type.as_str(), field))
}
