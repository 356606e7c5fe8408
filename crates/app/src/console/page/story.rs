//! One call as a story: who asked, what was masked, what decided and why, what the provider got and said, what it took, and the proof.
//!
//! Must never: show what was captured before somebody who may see it asks for it.

use askama::Template;

use super::calls::{captured_readable, day_of};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Line, Note, Text};
use crate::console::cell::Cell;
use crate::console::link::Link;
use crate::console::page::entry::Proof;
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, call_state, count, duration, short};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::Refusal;
use crate::work::calls::{Call, CallEvidence};

/// Longest part of a captured body that a page shows, in characters; the record has all of it.
const MAX_CAPTURED_CHARS: usize = 20_000;

struct Step {
    title: &'static str,
    /// `good`, `fair`, `bad` or `quiet`.
    tone: &'static str,
    /// What happened, in a sentence.
    said: String,
    blocks: Vec<Block>,
}

#[derive(Template)]
#[template(path = "console/story.html")]
struct Story {
    steps: Vec<Step>,
}

/// The page of a call.
pub(crate) fn show(visit: &Visit<'_>, call: &Call) -> Answered {
    // What ended later is not known as of then.
    let later = |index: u64| visit.moment.is_some_and(|moment| index >= moment.size);
    let ended = call.proof.ended.as_ref().filter(|end| !later(end.index));
    let word = if ended.is_none() && call.proof.ended.is_some() { "open" } else { call.state.as_str() };
    let state = call_state(word);
    let mut steps = vec![asked(visit, call)?, masked(call)?, decided(visit, call)?];
    if call.decision.permitted && word != "open" {
        steps.push(answered(visit, call, state)?);
    }
    let story = Block::of(&Story { steps })?;
    let mut blocks = vec![story];
    if visit.can(Permission::ReadEntries) {
        blocks.push(proof(visit, call, ended.map(|end| end.index))?);
    }
    let model = call.model.as_deref().unwrap_or("a model");
    let content = Content {
        trail: vec![("Calls".to_owned(), "/calls".to_owned())],
        lead: lead(word, call),
        badges: vec![Cell::state(state)],
        blocks,
        ..Content::titled(&format!("Call to {}", Cell::text(model).text))
    };
    visit.show(content)
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
    let facts = Facts::default()
        .with("System", system)
        .with("API key", key)
        .with("Purpose", Cell::maybe(call.purpose.as_deref(), "not said"))
        .with("Model", Cell::maybe(call.model.as_deref(), "not said"))
        .with("Route", Cell::maybe(call.surface.as_deref(), "erased"))
        .with("Request", digest(call.evidence.request_sha256.as_deref()));
    Ok(Step {
        title: "Who asked",
        tone: Tone::Quiet.class(),
        said: "An application asked with an API key; the key says for which system.".to_owned(),
        blocks: vec![facts.block()?],
    })
}

fn masked(call: &Call) -> Result<Step, Refusal> {
    let total: u64 = call.evidence.masked.iter().map(|masked| masked.count).sum();
    let facts = call.evidence.masked.iter().fold(Facts::default(), |facts, masked| {
        facts.with(class(&masked.class), Cell::quantity(&format!("{} ×", count(masked.count)), masked.count))
    });
    let said = match (call.decision.permitted, total) {
        (false, _) => "Nothing left this place, so nothing had to be masked.".to_owned(),
        (true, 0) => "No personal data was found to mask.".to_owned(),
        (true, 1) => "One value was replaced by a placeholder before anything left.".to_owned(),
        (true, more) => format!("{} values were replaced by placeholders before anything left.", count(more)),
    };
    let blocks = if total > 0 { vec![facts.block()?] } else { Vec::new() };
    Ok(Step { title: "What was masked", tone: Tone::Quiet.class(), said, blocks })
}

fn class(class: &str) -> &'static str {
    match class {
        "email" => "E-mail addresses",
        "iban" => "Bank accounts (IBAN)",
        "payment_card" => "Payment cards",
        _ => "Other values",
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
    if let Some(basis) = decision.basis {
        facts = facts.with(
            "Log size it saw",
            Cell::number(basis).to(Link::to("/policies").with("as_of", &basis.to_string()).href()),
        );
    }
    let policies = decision.policies.iter().flatten().map(|digest| Cell::id(digest)).collect();
    let facts = facts.with_all("Policies in force", policies);
    let (tone, said) = if decision.permitted {
        (Tone::Good, "Policy let it through, and that was durable before anything was sent.".to_owned())
    } else {
        let reason = decision.reason.as_deref().unwrap_or("its reason is erased");
        (Tone::Bad, format!("Not let through: {}", crate::console::form::sentence(&Cell::text(reason).text)))
    };
    Ok(Step { title: "What decided", tone: tone.class(), said, blocks: vec![facts.block()?] })
}

/// A rule's id is its policy's name and its own, with a dot between them.
fn rule_cell(visit: &Visit<'_>, rule: &str) -> Cell {
    let cell = Cell::text(rule);
    match rule.split_once('.') {
        Some((policy, _)) if crate::work::forms::Word::fits(policy) => {
            cell.to(visit.to(&format!("/policies/{policy}")))
        }
        _ => cell,
    }
}

fn answered(visit: &Visit<'_>, call: &Call, (word, tone): (&'static str, Tone)) -> Result<Step, Refusal> {
    let evidence = &call.evidence;
    let delivered = evidence.delivered.as_deref().map(delivered);
    let mut facts = Facts::default()
        .with("Provider", Cell::maybe(evidence.upstream.as_deref(), "erased"))
        .with("Sent to it", digest(evidence.forwarded_sha256.as_deref()))
        .with("Model that answered", Cell::maybe(evidence.answered_by.as_deref(), "it did not say"))
        .with("HTTP status given", Cell::maybe_number(evidence.status))
        .with("Given to the client", Cell::maybe(delivered, "not recorded"))
        .with("Released bytes", digest(evidence.released_sha256.as_deref()))
        .with("Tokens", tokens(evidence));
    if let Some(us) = evidence.duration_us {
        facts = facts.with("Took", Cell::quantity(&duration(us), us));
    }
    if let Some(code) = &call.code {
        facts = facts.with("Why it did not end well", Cell::code(code));
    }
    if !evidence.tools.is_empty() {
        facts = facts
            .with_all("Tools it asked for", evidence.tools.iter().map(|tool| Cell::text(tool)).collect());
    }
    let mut blocks = vec![facts.block()?];
    blocks.extend(captured(visit, call)?);
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

fn digest(digest: Option<&str>) -> Cell {
    digest.map_or_else(|| Cell::unknown("erased or never there"), Cell::id)
}

/// What was captured: how to see it, or it, or why it is not here.
fn captured(visit: &Visit<'_>, call: &Call) -> Result<Vec<Block>, Refusal> {
    let evidence = &call.evidence;
    if let Some(why) = &evidence.withheld {
        let text = match why.as_str() {
            "capture_off" => "Prompts and answers of this system are not kept; their digests are.",
            "too_large" => "It was too large to be kept; its digest is.",
            "not_permitted" => "Kept, and none of your roles may see it.",
            _ => "It was erased. The digests stay, and every proof still holds.",
        };
        return Ok(vec![Block::of(&Note {
            tone: Tone::Quiet,
            title: "Prompt and answer".into(),
            text: text.into(),
            action: None,
        })?]);
    }
    let bodies = [("What the provider got", &evidence.prompt), ("What it answered", &evidence.answer)];
    if !captured_readable(visit) || bodies.iter().all(|(_, body)| body.is_none()) {
        return Ok(Vec::new());
    }
    if visit.query.get("content").is_none() {
        let action =
            Action { label: "Show prompt and answer", href: visit.here().with("content", "shown").href() };
        let text = "Kept as the provider saw it, with placeholders for what was masked. Open it only for a reason that you could give.";
        return Ok(vec![Block::of(&Note {
            tone: Tone::Quiet,
            title: "Prompt and answer".into(),
            text: text.into(),
            action: Some(action),
        })?]);
    }
    let texts = bodies.into_iter().filter_map(|(caption, body)| {
        let shown = visible(body.as_deref()?, MAX_CAPTURED_CHARS);
        let line = Line { class: "same", number: String::new(), text: shown };
        Some(Block::of(&Text { caption: caption.to_owned(), lines: vec![line] }))
    });
    texts.collect()
}

fn proof(visit: &Visit<'_>, call: &Call, ended: Option<u64>) -> Result<Block, Refusal> {
    let mut entries = vec![("The decision", call.proof.decided.index)];
    entries.extend(ended.map(|index| ("The end", index)));
    Proof::of(visit, &entries)
}
