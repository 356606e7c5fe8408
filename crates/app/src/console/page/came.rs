//! How a call came: who was behind its key, through which opening it went, for which interface it was translated, and its attempts.
//!
//! Must never: say that something was looked into that nothing looked into.

use tabellion_model::RecordId;

use super::{calls, openings};
use crate::console::block::{Block, Facts, Section};
use crate::console::cell::Cell;
use crate::console::visit::Visit;
use crate::console::words::{Tone, count, counted};
use crate::refusal::Refusal;
use crate::work::called::{Caller, ThroughOpening};
use crate::work::calls::Call;

/// What the record says of who asked, in a sentence.
pub(super) fn said(call: &Call) -> String {
    let what = match &call.caller {
        Some(caller) if caller.shown == "certificate" => {
            "An application showed a certificate; the API key that was written down for it says for which system."
        }
        Some(_) => {
            "An application showed an access token; the API key that was written down for its client says for which system."
        }
        None => "An application asked with an API key; the key says for which system.",
    };
    what.to_owned()
}

/// Who was behind the key, and how they showed it.
pub(super) fn caller(call: &Call, facts: Facts) -> Facts {
    let Some(caller) = &call.caller else {
        let is_erased = !call.evidence.knows_request();
        let shown = if is_erased { Cell::unknown("erased") } else { Cell::text("the key's secret") };
        return facts.with("Shown", shown);
    };
    let absent = match caller.person_withheld {
        Some("erased") => "erased",
        Some(_) => "your role sees nothing about people",
        None => "nobody was named",
    };
    let facts = facts
        .with("Person", Cell::maybe(caller.person.as_deref(), absent))
        .with("Agent", Cell::maybe(caller.agent.as_deref(), "none was named"));
    let facts = match caller.groups.as_slice() {
        [] => facts,
        groups => facts.with_all("Groups", groups.iter().map(|group| Cell::text(group)).collect()),
    };
    facts.with_all("Shown", vec![Cell::text(&shown(caller)), Cell::id(&caller.sha256)])
}

fn shown(caller: &Caller) -> String {
    let by = &caller.by;
    match caller.shown.as_str() {
        "certificate" => format!("a client's certificate ({by}), known by its digest"),
        "token_id" => format!("a token of {by}, known by the digest of its identifier"),
        _ => format!("a token of {by}, known by its digest"),
    }
}

/// What became of what was to be masked, where nothing looks into a call or its lines alone are looked into; none: on a route that is governed.
pub(super) fn unmasked(call: &Call) -> Option<String> {
    let opened = call.evidence.opened.as_ref()?;
    let total: u64 = call.evidence.masked.iter().map(|masked| masked.count).sum();
    Some(match opened.lines {
        Some(lines) => format!(
            "{} of the batch's file {} masked, each by itself: {} replaced.",
            counted(lines, "request", "requests"),
            if lines == 1 { "was" } else { "were" },
            counted(total, "value was", "values were")
        ),
        None => "Nothing was masked: nothing looks into what passes here, in either direction.".to_owned(),
    })
}

/// What an opening let pass, as far as its record can say.
pub(super) fn opened(visit: &Visit<'_>, opened: &ThroughOpening) -> Result<Block, Refusal> {
    let path = format!("/openings/{}", opened.opening);
    Facts::default()
        .with("Opened for", Cell::text(openings::class(opened.class)).to(visit.to(&path)))
        .with("Asked at the provider", Cell::text(&opened.target))
        .with("Kind of body", Cell::maybe(opened.content_type.as_deref(), "none came"))
        .with(
            "Requests in a batch's file",
            opened.lines.map_or_else(|| Cell::unknown("no such file"), Cell::number),
        )
        .block()
}

/// For whose interface a request was translated.
pub(super) fn translated(call: &Call, facts: Facts) -> Facts {
    let Some(interface) = call.evidence.translated.as_deref() else { return facts };
    let vendor = match interface {
        "openai" => "OpenAI's",
        "anthropic" => "Anthropic's",
        other => other,
    };
    let text = format!(
        "for {} interface; rules, masking and guards saw it as the caller has it",
        Cell::text(vendor).text
    );
    facts.with("Translated", Cell::text(&text))
}

/// Which attempt it was, and why there was another before.
pub(super) fn attempt(visit: &Visit<'_>, call: &Call, facts: Facts) -> Facts {
    let Some(attempt) = &call.attempt else { return facts };
    let said = format!("{}, after {}", count(attempt.number), attempt.because);
    facts.with("Attempt", Cell::text(&said).to(visit.to(&format!("/calls/{}", attempt.of))))
}

/// Every attempt of the call, the newest first; nothing where there was one alone.
pub(super) fn attempts(visit: &Visit<'_>, call: &Call) -> Result<Option<Block>, Refusal> {
    let first = call.attempt.as_ref().map_or(call.id.as_str(), |attempt| attempt.of.as_str());
    let Some(first) = RecordId::from_hex(first) else { return Ok(None) };
    let mut rows = visit.desk.attempt_rows(visit.actor()?, first)?;
    rows.retain(|row| row.entry < visit.size());
    if rows.len() < 2 {
        return Ok(None);
    }
    rows.reverse();
    let part = Section {
        id: "attempts",
        title: "Attempts".to_owned(),
        lead: "Each was decided by itself and is on record by itself; the last says how the call ended."
            .to_owned(),
        action: None,
        blocks: vec![calls::table(visit, "attempts", rows, None)?],
    };
    Block::of(&part).map(Some)
}

/// What guards that are set up for the system said of what nothing looks into.
pub(super) fn unguarded(call: &Call) -> Option<(Tone, &'static str)> {
    call.evidence.opened.as_ref()?;
    Some((Tone::Fair, "No guard looked into it: two people opened this route for the system, and said why."))
}
