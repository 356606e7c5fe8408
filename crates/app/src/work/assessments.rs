//! What guards said of a call: in its path, and when it was over.
//!
//! Must never: show a look that nobody took yet, or of which nothing can be read any more, as one that found nothing.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::body::{CallAssessed, CallCompleted, Guarded};
use tabellion_views::query::CallDetail;

use super::calls::{GuardSaid, denial, word};

/// What guards said of a call when it was over; they stopped nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CallAssessments")]
pub struct Assessments {
    /// `recorded`; `awaited`: they have said nothing yet; `erased`: nobody can read it any more.
    #[schemars(extend("enum" = ["recorded", "awaited", "erased"]))]
    pub state: &'static str,
    /// What each said; none where they have said nothing yet, or it was erased.
    pub guards: Vec<GuardSaid>,
    /// From the call's end to the last word, milliseconds; null: they have said nothing yet, or it was erased.
    pub after_ms: Option<u64>,
}

/// What guards said of a call when it was over; none: none is for it.
pub(super) fn of(call: &CallDetail) -> Option<Assessments> {
    let of = |state| Assessments { state, guards: Vec::new(), after_ms: None };
    let awaited = || call.authorised.as_ref().is_some_and(|call| !call.guards_after.is_empty());
    match call.assessed.as_ref().map(|assessed| &assessed.body) {
        None => awaited().then(|| of("awaited")),
        Some(None) => Some(of("erased")),
        Some(Some(CallAssessed { prompt, answer, after_ms })) => Some(Assessments {
            guards: prompt.iter().map(said("prompt")).chain(answer.iter().map(said("answer"))).collect(),
            after_ms: Some(*after_ms),
            ..of("recorded")
        }),
    }
}

/// What guards said in its path, of the prompt and of the answer.
pub(super) fn in_path(call: &CallDetail, end: Option<&CallCompleted>) -> Vec<GuardSaid> {
    let of_prompt =
        call.authorised.as_ref().map(|call| &call.guards).or(denial(call).map(|call| &call.guards));
    let of_prompt = of_prompt.into_iter().flatten().map(said("prompt"));
    of_prompt.chain(end.iter().flat_map(|end| &end.guards).map(said("answer"))).collect()
}

/// What a guard said of this side of a call, as it is shown.
pub(super) fn said(side: &'static str) -> impl Fn(&Guarded) -> GuardSaid {
    move |guarded| GuardSaid {
        guard: guarded.guard.clone(),
        version: guarded.version.clone(),
        side,
        outcome: word(&guarded.outcome).unwrap_or_default(),
        found: guarded.found.clone(),
        edits: guarded.edits,
    }
}
