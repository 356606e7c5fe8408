//! One call as a story: who asked, what was masked, what guards said, what decided and why, what the provider got and said, what it took, and the proof.
//!
//! Must never: show what was captured before whoever may see it said why, and that is on record.

use askama::Template;
use serde_json::json;

use super::calls::{captured_readable, day_of};
use super::{assessed, came, enriched, stops, tools, unmask};
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Line, Note, Text, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::page::entry::Proof;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, call_state, count, duration, short};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::Refusal;
use crate::work::calls::{Call, CallEvidence, GuardSaid};
use crate::work::viewing::NewViewing;

/// Longest part of a captured body that a page shows, in characters; the record has all of it.
const MAX_CAPTURED_CHARS: usize = 20_000;

/// The code of a call that an emergency stop refused or cut.
const STOPPED: &str = "stopped";

/// One step of a call's story.
pub(super) struct Step {
    pub(super) title: &'static str,
    /// `good`, `fair`, `bad` or `quiet`.
    pub(super) tone: &'static str,
    /// What happened, in a sentence.
    pub(super) said: String,
    pub(super) blocks: Vec<Block>,
}

#[derive(Template)]
#[template(path = "console/story.html")]
struct Story {
    steps: Vec<Step>,
}

/// The page of a call.
pub(crate) fn show(visit: &Visit<'_>, call: &Call) -> Answered {
    page(visit, call, 200, None)
}

/// The page, with a form that was refused.
pub(super) fn page(visit: &Visit<'_>, call: &Call, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    // What ended later is not known as of then.
    let later = |index: u64| visit.moment.is_some_and(|moment| index >= moment.size);
    let ended = call.proof.ended.as_ref().filter(|end| !later(end.index));
    let word = if ended.is_none() && call.proof.ended.is_some() { "open" } else { call.state.as_str() };
    let state = call_state(word);
    let own = tools::title(call);
    let mut steps = vec![asked(visit, call)?];
    if own.is_none() {
        let mut masked = masked(call)?;
        masked.blocks.extend(unmask::offered(visit, call, refused)?);
        steps.push(masked);
        steps.extend(guarded(call)?);
        steps.extend(opened(visit, call)?);
    }
    steps.push(decided(visit, call)?);
    match own {
        Some(_) if call.decision.permitted => steps.push(tools::done(call)?),
        None if call.decision.permitted && word != "open" => {
            steps.push(answered(visit, call, state, refused)?);
        }
        _ => {}
    }
    let story = Block::of(&Story { steps })?;
    let mut blocks = vec![story];
    blocks.extend(assessed::of_call(visit, call)?);
    blocks.extend(enriched::of_call(visit, call)?);
    blocks.extend(came::attempts(visit, call)?);
    if visit.can(Permission::ReadEntries) {
        blocks.push(proof(visit, call, ended.map(|end| end.index))?);
    }
    let model = call.model.as_deref().unwrap_or("a model");
    let title = own.map_or_else(|| format!("Call to {}", Cell::text(model).text), str::to_owned);
    let content = Content {
        trail: vec![("Calls".to_owned(), "/calls".to_owned())],
        lead: lead(word, call),
        badges: vec![Cell::state(state)],
        blocks,
        ..Content::titled(&title)
    };
    visit.show_with(status, content)
}

fn lead(word: &str, call: &Call) -> String {
    let id = short(&call.id);
    match (word, &call.decision.reason) {
        ("denied", Some(reason)) => {
            format!("Not let through: {}. Call {id}.", Cell::text(reason.trim_end_matches('.')).text)
        }
        ("open", _) => format!("Let through; its end is not recorded yet. Call {id}."),
        _ => format!("Call {id}, decided {}.", day_of(call)),
    }
}

fn asked(visit: &Visit<'_>, call: &Call) -> Result<Step, Refusal> {
    let key = match tabellion_model::CredentialId::from_hex(&call.key) {
        Some(id) => visit.who(id)?,
        None => Cell::id(&call.key),
    };
    let system = match call.system.as_deref().and_then(tabellion_model::SystemId::from_hex) {
        Some(id) => visit.names.system(visit.desk, id)?,
        None => Cell::unknown("none"),
    };
    let facts = Facts::default().with("System", system).with("API key", key);
    let facts = came::caller(call, facts)
        .with("Purpose", Cell::maybe(call.purpose.as_deref(), "not said"))
        .with("Model", Cell::maybe(call.model.as_deref(), "not said"))
        .with("Route", Cell::maybe(call.surface.as_deref(), "erased"))
        .with_all(
            "Request",
            digest(call.evidence.request_sha256.as_deref(), call.evidence.request_salted_sha256.as_deref()),
        );
    let facts = match call.evidence.references.as_slice() {
        [] => facts,
        references => facts.with("Stands on, by its own word", Cell::text(&references.join(", "))),
    };
    let facts = came::attempt(visit, call, facts);
    Ok(Step {
        title: "Who asked",
        tone: Tone::Quiet.class(),
        said: came::said(call),
        blocks: vec![facts.block()?],
    })
}

fn masked(call: &Call) -> Result<Step, Refusal> {
    let total: u64 = call.evidence.masked.iter().map(|masked| masked.count).sum();
    let facts = call.evidence.masked.iter().fold(Facts::default(), |facts, masked| {
        let how = masked.operator.as_deref().map(operator).unwrap_or_default();
        let words = format!("{} ×{how}", count(masked.count));
        facts.with(data_class(&masked.class), Cell::quantity(&words, masked.count))
    });
    let facts = call.evidence.passed.iter().fold(facts, |facts, passed| {
        let words = format!("{} × sent as they were", count(passed.count));
        facts.with(data_class(&passed.class), Cell::state((&words, Tone::Fair)))
    });
    let facts = match call.evidence.masking.as_slice() {
        [] => facts,
        rules => facts.with("Rules of masking", Cell::text(&rules.join(", "))),
    };
    let facts = unmask::said(call, facts);
    let is_plain = total == 0 && call.evidence.passed.is_empty() && call.evidence.masking.is_empty();
    let said = match (call.decision.permitted, total) {
        (true, _) if call.evidence.opened.is_some() => came::unmasked(call).unwrap_or_default(),
        (false, _) if shown_to_others(call) => "Nothing was sent to the provider. Guards that others run were shown the prompt, with placeholders in place of what was found.".to_owned(),
        (false, _) => "Nothing left this place, so nothing had to be masked.".to_owned(),
        (true, 0) if !call.evidence.passed.is_empty() => {
            "Rules of masking let personal data go on as it was.".to_owned()
        }
        (true, 0) => "No personal data was found to mask.".to_owned(),
        (true, 1) => "One value was replaced before anything left.".to_owned(),
        (true, more) => format!("{} values were replaced before anything left.", count(more)),
    };
    let blocks = if is_plain { Vec::new() } else { vec![facts.block()?] };
    Ok(Step { title: "What was masked", tone: Tone::Quiet.class(), said, blocks })
}

/// Whether a guard that somebody else runs was asked about the prompt.
fn shown_to_others(call: &Call) -> bool {
    let is_others = |said: &GuardSaid| ["http.", "grpc."].iter().any(|kind| said.version.starts_with(kind));
    let asked = |said: &GuardSaid| is_others(said) && said.outcome != "not_run";
    call.evidence.guards.iter().any(|said| said.side == "prompt" && asked(said))
}

/// Whether the provider certainly got nothing of a call that was let through.
fn is_unsent(call: &Call) -> bool {
    let unsent = ["upstream_circuit_open", "upstream_unreachable", "upstream_untrusted"];
    call.code.as_deref().is_some_and(|code| unsent.contains(&code))
}

/// What took the place of values, where it was no placeholder.
fn operator(operator: &str) -> &'static str {
    match operator {
        "hash" => " as a digest",
        "mask" => " as the name of their class",
        "drop" => " left out",
        _ => "",
    }
}

/// A class of personal data as people call it; those without a name of their own by their word in the record.
pub(super) fn data_class(class: &str) -> String {
    match class {
        "email" => "E-mail addresses".to_owned(),
        "iban" => "Bank accounts (IBAN)".to_owned(),
        "payment_card" => "Payment cards".to_owned(),
        other => sentence_case(other),
    }
}

fn sentence_case(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .map(|c| if c == '_' { ' ' } else { c })
        .collect()
}

/// What guards said; nothing where none is for such a call.
fn guarded(call: &Call) -> Result<Option<Step>, Refusal> {
    let said = &call.evidence.guards;
    if said.is_empty() {
        return Ok(None);
    }
    let facts = said.iter().fold(Facts::default(), |facts, said| {
        let (word, tone) = guard_outcome(&said.outcome);
        let found = said.told();
        facts.with(format!("{}, {}", said.guard, said.side), Cell::state((&format!("{word}{found}"), tone)))
    });
    let any = |outcome: &str| said.iter().any(|said| said.outcome == outcome);
    let (tone, words) = if any("blocked") {
        (Tone::Bad, "A guard stopped it. What it found is named by a label; the text is not kept for it.")
    } else if any("errored") {
        (
            Tone::Bad,
            "A guard could not look at it. That stops a call, unless the guard is set up to let it go on.",
        )
    } else if any("flagged") {
        (Tone::Fair, "A guard found something and let it go on, as it is set up to.")
    } else if said.iter().all(|said| said.outcome == "not_run") {
        came::unguarded(call).unwrap_or((Tone::Quiet, "No guard had anything to look at."))
    } else {
        (Tone::Good, "No guard found anything in what it looked at.")
    };
    Ok(Some(Step {
        title: "What guards said",
        tone: tone.class(),
        said: words.to_owned(),
        blocks: vec![facts.block()?],
    }))
}

/// By which opening it passed what looks into calls; nothing on a route that is governed.
fn opened(visit: &Visit<'_>, call: &Call) -> Result<Option<Step>, Refusal> {
    let Some(opened) = &call.evidence.opened else { return Ok(None) };
    let said = match opened.lines {
        Some(_) => {
            "It went through an opening: its requests were read line by line for rules and masking, and no guard looked at them."
        }
        None => {
            "It went through an opening: rules, budgets and stops held, its sizes and digests are on record, and its content was not read."
        }
    };
    Ok(Some(Step {
        title: "Not looked into",
        tone: Tone::Fair.class(),
        said: said.to_owned(),
        blocks: vec![came::opened(visit, opened)?],
    }))
}

/// How a guard's look ended, in words.
pub(super) fn guard_outcome(outcome: &str) -> (&'static str, Tone) {
    match outcome {
        "passed" => ("Passed", Tone::Good),
        "flagged" => ("Flagged", Tone::Fair),
        "blocked" => ("Stopped it", Tone::Bad),
        "errored" => ("Could not look", Tone::Bad),
        _ => ("Did not look", Tone::Quiet),
    }
}

fn decided(visit: &Visit<'_>, call: &Call) -> Result<Step, Refusal> {
    let decision = &call.decision;
    let rules = decision.rules.iter().flatten().map(|rule| rule_cell(visit, rule)).collect();
    let mut facts =
        Facts::default().with("When", visit.time(decision.at.0)).with_all("Rules that decided", rules);
    if let Some(code) = &decision.code {
        facts = facts.with(
            "Reason code",
            Cell::code(code).to(Link::to("/calls").with("state", "denied").with("code", code).href()),
        );
    }
    if decision.code.as_deref() == Some(STOPPED) {
        facts = facts.with_all("Refused by", stops::of_record(visit, call.proof.decided.index)?);
    }
    if let Some(basis) = decision.basis {
        facts = facts.with(
            "Log size it saw",
            Cell::number(basis).to(Link::to("/policies").with("as_of", &basis.to_string()).href()),
        );
    }
    let policies = decision.policies.iter().flatten().map(|digest| Cell::id(digest)).collect();
    let facts = facts.with_all("Policies in force", policies);
    let (tone, said) = if decision.permitted && tools::title(call).is_some() {
        (Tone::Good, "The key and its system are in order; rules are for calls to models.".to_owned())
    } else if decision.permitted {
        (Tone::Good, "Policy let it through, and that was durable before anything was sent.".to_owned())
    } else {
        let reason = decision.reason.as_deref().unwrap_or("its reason is erased");
        (Tone::Bad, format!("Not let through: {}", crate::console::form::sentence(&Cell::text(reason).text)))
    };
    Ok(Step { title: "What decided", tone: tone.class(), said, blocks: vec![facts.block()?] })
}

/// A rule's id is its policy's name and its own, with a dot between them.
pub(super) fn rule_cell(visit: &Visit<'_>, rule: &str) -> Cell {
    let cell = Cell::text(rule);
    match rule.split_once('.') {
        Some((policy, _)) if crate::work::forms::Word::fits(policy) => {
            cell.to(visit.to(&format!("/policies/{policy}")))
        }
        _ => cell,
    }
}

fn answered(
    visit: &Visit<'_>,
    call: &Call,
    (word, tone): (&'static str, Tone),
    refused: Option<&Refused<'_>>,
) -> Result<Step, Refusal> {
    let evidence = &call.evidence;
    let delivered = evidence.delivered.as_deref().map(delivered);
    let mut facts = Facts::default()
        .with("Provider", Cell::maybe(evidence.upstream.as_deref(), "erased"))
        .with_all(
            if is_unsent(call) { "Ready to be sent, and not sent" } else { "Sent to it" },
            digest(evidence.forwarded_sha256.as_deref(), evidence.forwarded_salted_sha256.as_deref()),
        )
        .with("Model that answered", Cell::maybe(evidence.answered_by.as_deref(), "it did not say"))
        .with("HTTP status given", Cell::maybe_number(evidence.status))
        .with("Given to the client", Cell::maybe(delivered, "not recorded"))
        .with_all(
            "Released bytes",
            digest(evidence.released_sha256.as_deref(), evidence.released_salted_sha256.as_deref()),
        )
        .with("Tokens", tokens(evidence));
    facts = came::translated(call, facts);
    if let Some(us) = evidence.duration_us {
        facts = facts.with("Took", Cell::quantity(&duration(us), us));
    }
    if let Some(code) = &call.code {
        facts = facts.with("Why it did not end well", Cell::code(code));
    }
    if let (Some(STOPPED), Some(end)) = (call.code.as_deref(), &call.proof.ended) {
        facts = facts.with_all("Cut by", stops::of_record(visit, end.index)?);
    }
    if !evidence.tools.is_empty() {
        facts = facts
            .with_all("Tools it asked for", evidence.tools.iter().map(|tool| Cell::text(tool)).collect());
    }
    let mut blocks = vec![facts.block()?];
    blocks.extend(captured(visit, call, refused)?);
    let said = match tone {
        Tone::Good => {
            "The provider answered; the end was durable before the answer's last byte was given.".to_owned()
        }
        Tone::Quiet => "How it ended was erased; that it ended is still proved.".to_owned(),
        Tone::Fair | Tone::Bad => format!("{word}."),
    };
    Ok(Step { title: "What the provider got and said", tone: tone.class(), said, blocks })
}

fn delivered(word: &str) -> &'static str {
    match word {
        "whole" => "the whole answer",
        "partial" => "a part of the answer, and no more",
        "unknown" => "nobody knows: the process ended in between",
        _ => "nothing of the answer",
    }
}

fn tokens(evidence: &CallEvidence) -> Cell {
    match (evidence.prompt_tokens, evidence.completion_tokens) {
        (Some(prompt), Some(completion)) => {
            Cell::text(&format!("{} in, {} out, as the provider counted", count(prompt), count(completion)))
        }
        _ => Cell::unknown("the provider did not count"),
    }
}

/// The digest that is on record of some bytes of a call.
fn digest(plain: Option<&str>, salted: Option<&str>) -> Vec<Cell> {
    match (salted, plain) {
        (Some(salted), _) => vec![Cell::id(salted), Cell::text("salted: whoever made the call has the salt")],
        (None, Some(plain)) => vec![Cell::id(plain)],
        (None, None) => vec![Cell::unknown("erased or never there")],
    }
}

/// What was captured: the way to see it, or it, or why it is not here; and who looked before.
fn captured(visit: &Visit<'_>, call: &Call, refused: Option<&Refused<'_>>) -> Result<Vec<Block>, Refusal> {
    let evidence = &call.evidence;
    let note = |text: &str| {
        Block::of(&Note {
            tone: Tone::Quiet,
            title: "Prompt and answer".into(),
            text: text.into(),
            action: None,
        })
    };
    let mut blocks = match evidence.withheld.as_deref() {
        Some("reason_needed") if visit.moment.is_some() => {
            vec![note("Kept. Open it on the page of the present, with a reason.")?]
        }
        Some("reason_needed") => vec![ask(visit, call, refused)?],
        Some("capture_off") => {
            let text = match (&evidence.prompt, &evidence.answer) {
                (Some(_), _) => "Answers of this system are not kept; their digests are.",
                (None, Some(_)) => "Prompts of this system are not kept; their digests are.",
                (None, None) => "Prompts and answers of this system are not kept; their digests are.",
            };
            vec![note(text)?]
        }
        Some("too_large") => vec![note("It was too large to be kept; its digest is.")?],
        Some("opaque") => {
            vec![note("What passes through an opening is never kept; its digests and sizes are.")?]
        }
        Some("no_room") => vec![note("The disk had no room for it; its digest is kept.")?],
        Some("no_answer") => vec![note("There was no answer of the provider to keep.")?],
        Some("not_permitted") => return Ok(vec![note(not_yours(visit))?]),
        Some(_) => vec![note("It was erased. The digests stay, and every proof still holds.")?],
        None => Vec::new(),
    };
    // What may not be seen is not there; of what is kept, one may be without the other.
    blocks.extend(said(call)?);
    if unmask::may(visit, call, Permission::ReadCaptured)? {
        blocks.extend(looked(visit, call)?);
    } else if captured_readable(visit) {
        blocks.push(note("Who looked at it before is for whoever answers for the system, and for roles that reach further than yours.")?);
    }
    Ok(blocks)
}

/// Why prompt and answer of this call are not for the reader: none of their roles is for it, or one is and reaches other systems alone.
fn not_yours(visit: &Visit<'_>) -> &'static str {
    if captured_readable(visit) {
        "What is kept of it, and who looked, is not for you: your role may see that of systems that you answer for, and you do not answer for this one."
    } else {
        "Kept, and none of your roles may see it."
    }
}

/// The form that asks for a reason.
fn ask(visit: &Visit<'_>, call: &Call, refused: Option<&Refused<'_>>) -> Result<Block, Refusal> {
    let fields = vec![
        Field::new("reason", "Reason", Kind::Line)
            .hint("Why you need to read it, for whoever asks later: a complaint, a review, an incident."),
    ];
    let mut form =
        Form::new("content", format!("/calls/{}/content", call.id), "Show prompt and answer", fields);
    form.consequence = "Kept as the provider saw it, with placeholders for what was masked. That you looked, and why, is recorded first; it is shown to you for an hour.";
    form.block(visit, refused)
}

fn said(call: &Call) -> Result<Vec<Block>, Refusal> {
    let bodies =
        [("What the provider got", &call.evidence.prompt), ("What it answered", &call.evidence.answer)];
    let texts = bodies.into_iter().filter_map(|(caption, body)| {
        let shown = visible(body.as_deref()?, MAX_CAPTURED_CHARS);
        let line = Line { class: "same", number: String::new(), text: shown };
        Some(Block::of(&Text { caption: caption.to_owned(), lines: vec![line] }))
    });
    texts.collect()
}

/// Who asked to see it.
fn looked(visit: &Visit<'_>, call: &Call) -> Result<Option<Block>, Refusal> {
    let viewings = visit.desk.viewings(visit.actor()?, visit.record("call")?)?.viewings;
    let kept = call.evidence.prompt.is_some() || call.evidence.answer.is_some();
    if viewings.is_empty() && !kept && call.evidence.withheld.as_deref() != Some("reason_needed") {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for one in viewings.iter().filter(|one| one.recorded.index < visit.size()) {
        let by = tabellion_model::CredentialId::from_hex(&one.by);
        rows.push(Row {
            href: String::new(),
            cells: vec![
                visit.time(one.at.0),
                by.map_or_else(|| Ok(Cell::id(&one.by)), |id| visit.who(id))?,
                Cell::maybe(one.reason.as_deref(), "erased"),
                visit.entry(one.recorded.index),
            ],
        });
    }
    let listing = Listing {
        id: "looked",
        caption: "Who looked before",
        columns: const {
            &[column("when", "When"), column("who", "Who"), column("why", "Why"), column("entry", "Entry")]
        },
        filters: Vec::new(),
        search: "",
        views: Vec::new(),
        empty: nothing(
            "Nobody has looked",
            "Whoever opens prompt and answer says why, and stands here.",
            None,
        ),
    };
    let table = listing.table(visit, Rows::Whole(rows))?;
    section("looked", "Who looked", vec![table]).map(Some)
}

/// Records why somebody wants to see what was captured, then shows it.
pub(crate) fn view(visit: &Visit<'_>) -> Answered {
    let id = visit.record("call")?;
    let done = visit
        .read::<NewViewing>("viewCaptured", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|new| visit.desk.view_captured(visit.actor()?, &visit.given(), id, &new));
    match done {
        Ok((_, written)) => Ok(visit.recorded(&format!("/calls/{id}"), &written)),
        Err(refusal) => {
            let refused = Refused { id: "content", typed: &visit.form, refusal: &refusal };
            let call = visit.desk.call(visit.actor()?, id)?;
            page(visit, &call, refusal.code.status(), Some(&refused))
        }
    }
}

fn proof(visit: &Visit<'_>, call: &Call, ended: Option<u64>) -> Result<Block, Refusal> {
    let mut entries = vec![("The decision", call.proof.decided.index)];
    entries.extend(ended.map(|index| ("The end", index)));
    Proof::of(visit, &entries)
}
