//! What came of a canary, from the records of its call and from what reached the provider and the client.
//!
//! Must never: take a canary for stopped that something else kept from being sent.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;
use tabellion_model::RecordId;
use tabellion_model::body::{CallAuthorised, CallCompleted, CallDenied, GuardOutcome, Guarded, ProbeResult};

use super::canary::Canary;
use super::places::Place;
use crate::code::Code;
use crate::guards::config::Side;

/// Why a canary got through a guard that could not look, and that is set up to let go on what it could not look at.
pub(super) const UNSEEN: &str = "unseen";

/// Why nobody knows of a guard that could not look, and that denies what it could not look at.
pub(super) const ERRED: &str = "errored";

/// Everything that is known of a call.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) authorised: Option<CallAuthorised>,
    pub(super) denied: Option<CallDenied>,
    pub(super) completed: Option<CallCompleted>,
    /// Its records, in their order.
    pub(super) records: Vec<RecordId>,
    /// What the provider got.
    pub(super) received: Vec<Bytes>,
    /// What the client got.
    pub(super) given: Bytes,
}

/// A result and why.
type Verdict = (ProbeResult, Option<String>);

fn untested(why: impl Into<String>) -> Verdict {
    (ProbeResult::Untested, Some(why.into()))
}

fn got_through(why: impl Into<String>) -> Verdict {
    (ProbeResult::GotThrough, Some(why.into()))
}

/// What came of the canary of `place`.
pub(super) fn of(place: &Place, seen: &Seen) -> Verdict {
    if seen.records.is_empty() {
        return untested("no_record");
    }
    if let Canary::Personal { cores, is_blocked, .. } = &place.canary {
        return of_masking(cores, *is_blocked, seen);
    }
    match place.side {
        Side::Prompt => of_prompt(place, seen),
        Side::Answer => of_answer(place, seen),
    }
}

fn of_masking(cores: &[(&'static str, Cow<'static, str>)], is_blocked: bool, seen: &Seen) -> Verdict {
    let holds = |core: &str| {
        seen.received.iter().any(|body| body.windows(core.len()).any(|window| window == core.as_bytes()))
    };
    let leaked: Vec<&str> = cores.iter().filter(|(_, core)| holds(core)).map(|(class, _)| *class).collect();
    match (&seen.denied, leaked.is_empty()) {
        (_, false) => got_through(leaked.join(" ")),
        (Some(denied), true) if denied.code == Code::DataNotPermitted.as_str() => {
            (ProbeResult::Stopped, None)
        }
        (Some(denied), true) => untested(denied.code.clone()),
        (None, true) if is_blocked => got_through("not_refused"),
        (None, true) if seen.received.is_empty() => untested("not_sent"),
        (None, true) => (ProbeResult::Stopped, None),
    }
}

fn said<'s>(name: &str, results: &'s [Guarded]) -> Option<&'s Guarded> {
    results.iter().find(|result| result.guard == name)
}

/// A guard that is set up to block, and let it go on with a word, stops nothing.
fn flagged(place: &Place) -> Verdict {
    if place.blocks { got_through("only_flagged") } else { (ProbeResult::Flagged, None) }
}

fn of_prompt(place: &Place, seen: &Seen) -> Verdict {
    let results = match (&seen.denied, &seen.authorised) {
        (Some(denied), _) => denied.guards.as_slice(),
        (None, Some(authorised)) => authorised.guards.as_slice(),
        (None, None) => return untested("no_record"),
    };
    let code = seen.denied.as_ref().map(|denied| denied.code.as_str());
    match (said(&place.guard, results).map(|said| said.outcome), code) {
        (Some(GuardOutcome::Blocked), Some(_)) if !seen.received.is_empty() => got_through("sent"),
        (Some(GuardOutcome::Blocked), Some(_)) => (ProbeResult::Stopped, None),
        (Some(GuardOutcome::Blocked), None) => got_through("not_refused"),
        (Some(GuardOutcome::Flagged), _) => flagged(place),
        (Some(GuardOutcome::Passed), _) => got_through("not_found"),
        (Some(GuardOutcome::Errored), Some(_)) => untested(ERRED),
        (Some(GuardOutcome::Errored), None) => got_through(UNSEEN),
        (Some(GuardOutcome::NotRun), None) => got_through("not_run"),
        (Some(GuardOutcome::NotRun) | None, Some(code)) => untested(code),
        (None, None) => got_through("not_asked"),
    }
}

fn of_answer(place: &Place, seen: &Seen) -> Verdict {
    if let Some(denied) = &seen.denied {
        return untested(denied.code.clone());
    }
    let Some(completed) = &seen.completed else { return untested("no_end") };
    let code = completed.code.as_deref();
    match said(&place.guard, &completed.guards).map(|said| said.outcome) {
        // Its word is not enough: none of the canary may have gone on.
        Some(GuardOutcome::Blocked) if is_released(place, seen) => got_through("released"),
        Some(GuardOutcome::Blocked) if code == Some(Code::GuardBlocked.as_str()) => {
            (ProbeResult::Stopped, None)
        }
        Some(GuardOutcome::Blocked) => got_through("not_refused"),
        Some(GuardOutcome::Flagged) => flagged(place),
        Some(GuardOutcome::Passed) => got_through("not_found"),
        Some(GuardOutcome::Errored) if code.is_none() => got_through(UNSEEN),
        Some(GuardOutcome::Errored) => untested(ERRED),
        Some(GuardOutcome::NotRun) => untested(code.unwrap_or("not_run")),
        None if code.is_some() => untested(code.unwrap_or_default()),
        None => got_through("not_asked"),
    }
}

/// Whether the client got all that the guard must find.
fn is_released(place: &Place, seen: &Seen) -> bool {
    matches!(&place.canary, Canary::Text(text) if said_in(&seen.given).contains(text.as_str()))
}

/// All text of an answer, whole or of each event, in its order.
fn said_in(given: &Bytes) -> String {
    let text = String::from_utf8_lossy(given);
    let mut said = String::new();
    if let Ok(whole) = serde_json::from_str(&text) {
        gather(&whole, &mut said);
        return said;
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("data:")) {
        if let Ok(event) = serde_json::from_str(line.trim()) {
            gather(&event, &mut said);
        }
    }
    said
}

fn gather(value: &Value, said: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if ["content", "text", "delta"].contains(&name.as_str()) => {
                        said.push_str(text);
                    }
                    other => gather(other, said),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, said)),
        _ => {}
    }
}
