//! What placeholders of a call stand for: the form that asks why, the page that shows it once, and who asked before.
//!
//! Must never: show a value before the reason is on record, on a page that can be opened again, or to a browser that keeps what it typed.

use serde_json::{Map, Value, json};
use tabellion_model::SystemId;

use super::story;
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Line, Note, Text, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, list as words_of};
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count, counted};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::calls::Call;
use crate::work::unmasking::{NewUnmasking, PseudonymsForm, Unmasked};

/// The form.
const FORM: &str = "unmask";
/// Longest value on the page, in characters: as long as a URL that is masked as one.
const MAX_VALUE_CHARS: usize = 2048;

/// What the call's record says of its placeholders, where a rule of masking says something.
pub(super) fn said(call: &Call, facts: Facts) -> Facts {
    let Some(pseudonyms) = &call.evidence.pseudonyms else { return facts };
    let PseudonymsForm { scope, given_back, kept, kept_withheld } = pseudonyms;
    let reach = match scope.as_str() {
        "call" => "the same value has another one in the next call",
        "conversation" => "the same value has the same one in this conversation",
        _ => "the same value has the same one in all calls of the system",
    };
    let answers = if *given_back { "the answer got the values" } else { "the answer kept them" };
    let keeping = match (kept, kept_withheld) {
        (_, Some(_)) => "not kept: it has values of too many people".to_owned(),
        (Some(kept), None) => format!("kept of {}", counted(*kept, "placeholder", "placeholders")),
        (None, None) => "not kept".to_owned(),
    };
    facts
        .with("Placeholders", Cell::text(&format!("{reach}; {answers}")))
        .with("What they stand for", Cell::text(&keeping))
}

/// The way to see what is kept, and who asked before.
pub(super) fn offered(
    visit: &Visit<'_>,
    call: &Call,
    refused: Option<&Refused<'_>>,
) -> Result<Vec<Block>, Refusal> {
    let kept = call.evidence.pseudonyms.as_ref().and_then(|pseudonyms| pseudonyms.kept).unwrap_or_default();
    let mut blocks = Vec::new();
    if kept > 0 && may(visit, call, Permission::UnmaskValues)? {
        blocks.push(form(call).folded(visit, "See what placeholders stand for", refused)?);
    }
    if may(visit, call, Permission::ReadCaptured)? {
        blocks.extend(asked_before(visit, kept > 0)?);
    }
    Ok(blocks)
}

/// Whether the reader may do this with what is kept of this very call.
pub(super) fn may(visit: &Visit<'_>, call: &Call, permission: Permission) -> Result<bool, Refusal> {
    let system = call.system.as_deref().and_then(SystemId::from_hex);
    visit.desk.may(visit.actor()?, permission, system)
}

fn form(call: &Call) -> Form {
    let fields = vec![
        Field::new("reason", "Reason", Kind::Line)
            .hint("Why you need to see it, for whoever asks later: a complaint, a request of a data subject, an incident."),
        Field::new("placeholders", "Placeholders", Kind::Line)
            .hint("Those that you need, with commas between them, such as <EMAIL_7Q2K4F>. Nothing: all of them.")
            .optional(),
    ];
    let mut form = Form::new(FORM, format!("/calls/{}/unmask", call.id), "Show the values", fields);
    form.consequence = "That you asked, why, and for which placeholders is recorded first. The values are shown on the next page, once.";
    form.keeps_no_draft = true;
    form
}

/// Who asked before.
fn asked_before(visit: &Visit<'_>, is_kept: bool) -> Result<Option<Block>, Refusal> {
    let unmaskings = visit.desk.unmaskings(visit.actor()?, visit.record("call")?)?.unmaskings;
    if unmaskings.is_empty() && !is_kept {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for one in unmaskings.iter().filter(|one| one.recorded.index < visit.size()) {
        let placeholders = one.placeholders.as_ref().map(|placeholders| placeholders.join(", "));
        rows.push(Row {
            href: String::new(),
            cells: vec![
                visit.time(one.at.0),
                visit.who_by_id(&one.by)?,
                Cell::maybe(one.reason.as_deref(), "erased"),
                Cell::maybe(placeholders.as_deref(), "erased"),
                visit.entry(one.recorded.index),
            ],
        });
    }
    let listing = Listing::plain(
        "unmasked",
        "Who asked what placeholders stand for",
        const {
            &[
                column("when", "When"),
                column("who", "Who"),
                column("why", "Why"),
                column("which", "Which"),
                column("entry", "Entry"),
            ]
        },
        nothing(
            "Nobody has asked",
            "Whoever sees what placeholders stand for says why, and stands here.",
            None,
        ),
    );
    let table = listing.table(visit, Rows::Whole(rows))?;
    section("unmasked", "Who asked what placeholders stand for", vec![table]).map(Some)
}

/// Records why somebody wants to see it, then shows it.
pub(crate) fn unmask(visit: &Visit<'_>) -> Answered {
    let id = visit.record("call")?;
    let done = visit
        .read::<NewUnmasking>("unmaskCall", typed(visit))
        .and_then(|new| visit.desk.unmask(visit.actor()?, &visit.given(), id, &new));
    match done {
        Ok((unmasked, written)) => shown_once(visit, &id.to_hex(), &unmasked, &written),
        Err(refusal) => {
            let refused = Refused { id: FORM, typed: &visit.form, refusal: &refusal };
            let call = visit.desk.call(visit.actor()?, id)?;
            story::page(visit, &call, refusal.code.status(), Some(&refused))
        }
    }
}

fn typed(visit: &Visit<'_>) -> Value {
    let mut body = Map::new();
    body.insert("reason".to_owned(), Value::from(visit.form.text("reason").trim()));
    let placeholders = words_of(visit.form.text("placeholders"));
    if !placeholders.is_empty() {
        body.insert("placeholders".to_owned(), json!(placeholders));
    }
    Value::Object(body)
}

fn shown_once(visit: &Visit<'_>, call: &str, unmasked: &Unmasked, written: &Written) -> Answered {
    let back = Action { label: "Back to the call", href: format!("/calls/{call}") };
    let mut blocks = Vec::new();
    match &unmasked.values {
        None => blocks.push(Block::of(&Note {
            tone: Tone::Quiet,
            title: "They were shown before".to_owned(),
            text: "This was sent twice; it was carried out once, and the values were shown then. Ask again, with a reason, if nobody has them.".to_owned(),
            action: Some(back),
        })?),
        Some(values) => {
            for value in values {
                let text = visible(&value.value, MAX_VALUE_CHARS);
                let line = Line { class: "same", number: String::new(), text };
                let caption = format!("{} ({})", value.placeholder, story::data_class(&value.class));
                blocks.push(Block::of(&Text { caption, lines: vec![line] })?);
            }
            blocks.push(Block::of(&Note {
                tone: Tone::Quiet,
                title: "Shown once".to_owned(),
                text: format!(
                    "That you asked is recorded as entry #{}. This page cannot be opened again; it was not kept by the browser.",
                    count(written.index)
                ),
                action: Some(back),
            })?);
        }
    }
    if unmasked.erased > 0 {
        blocks.push(Block::of(&Note {
            tone: Tone::Fair,
            title: "Some were erased".to_owned(),
            text: format!(
                "Of {} of this call nobody can show any more what they stood for.",
                counted(unmasked.erased, "placeholder", "placeholders")
            ),
            action: None,
        })?);
    }
    let content = Content {
        trail: vec![("Calls".to_owned(), "/calls".to_owned()), ("Call".to_owned(), format!("/calls/{call}"))],
        blocks,
        ..Content::titled("What placeholders stand for")
    };
    visit.show(content)
}
