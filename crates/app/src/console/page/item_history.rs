//! The history of an item: who did what when, and which fields each revision changed from what to what.

use askama::Template;
use serde_json::Value;
use tabellion_model::CredentialId;
use tabellion_model::register::Register;

use super::said::{Said, prose};
use crate::console::block::Block;
use crate::console::cell::Cell;
use crate::console::visit::Visit;
use crate::console::words::{self, Tone};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::registers::{Change, Event};

struct Changed {
    label: String,
    material: bool,
    before: Said,
    after: Said,
}

struct Told {
    tone: &'static str,
    when: Cell,
    who: Cell,
    what: String,
    entry: Cell,
    /// In somebody's own words.
    words: String,
    notes: Vec<Cell>,
    changes: Vec<Changed>,
    /// How many fields changed, in words; empty: none, or it is not known.
    extent: String,
}

#[derive(Template)]
#[template(path = "console/history.html")]
struct Events {
    events: Vec<Told>,
}

/// Events, newest first.
pub(crate) fn block(visit: &Visit<'_>, register: &Register, events: &[Event]) -> Result<Block, Refusal> {
    let events = events.iter().map(|event| told(visit, register, event)).collect::<Result<Vec<_>, _>>()?;
    Block::of(&Events { events })
}

fn told(visit: &Visit<'_>, register: &Register, event: &Event) -> Result<Told, Refusal> {
    let who = visit.who_or(Some(&event.by), "nobody")?;
    let (what, tone) = what(register, event);
    let let_in_by = event.let_in_by.as_deref().and_then(CredentialId::from_hex);
    let mut notes: Vec<Cell> = visit.let_in_by(let_in_by)?.into_iter().collect();
    if let Some(digest) = &event.digest {
        notes.push(Cell::id(digest));
    }
    if let Some(due) = event.next_review_at {
        notes.push(Cell { text: format!("next review {}", words::day(due.0)), ..Cell::text("") });
    }
    if let (Some(call), Some("model_not_named")) = (&event.cause, event.trigger)
        && visit.can(Permission::ReadCalls)
    {
        notes.push(Cell::text("the call that showed it").to(format!("/calls/{call}")));
    }
    let said: Vec<&str> = [event.reason.as_deref(), event.conditions.as_deref()]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty() && event.kind != "refused")
        .collect();
    let changes = event.changes.iter().flatten();
    Ok(Told {
        tone: tone.class(),
        when: visit.time(event.at.0),
        who,
        what,
        entry: visit.entry(event.recorded.index),
        words: said.iter().map(|text| prose(text)).collect::<Vec<_>>().join(" On the condition: "),
        notes,
        changes: changes.map(|change| changed(visit, register, change)).collect::<Result<Vec<_>, _>>()?,
        extent: match (&event.changes, event.kind.as_str()) {
            (Some(changes), "saved") if !changes.is_empty() => {
                words::counted(changes.len() as u64, "field changed", "fields changed")
            }
            _ => String::new(),
        },
    })
}

fn changed(visit: &Visit<'_>, register: &Register, change: &Change) -> Result<Changed, Refusal> {
    let field = register.field(&change.field);
    let said = |value: &Value| Said::of(visit, field, value);
    Ok(Changed {
        label: Cell::text(&change.label).text,
        material: change.material,
        before: said(&change.before)?,
        after: said(&change.after)?,
    })
}

fn what(register: &Register, event: &Event) -> (String, Tone) {
    let role = event.role.map(|role| format!(" as {}", role.replace('_', " "))).unwrap_or_default();
    match (event.kind.as_str(), event.decision) {
        ("saved", _) => (
            match (event.revision, &event.changes) {
                (Some(1), _) => "opened it with revision 1".to_owned(),
                (Some(number), Some(_)) => format!("saved revision {number}"),
                (number, _) => {
                    let number = number.map(|number| number.to_string()).unwrap_or_default();
                    format!("saved revision {number}; what it changed is erased")
                }
            },
            Tone::Quiet,
        ),
        ("submitted", _) => ("put it before an approver".to_owned(), Tone::Fair),
        ("decided", Some("approved")) => (format!("approved it{role}"), Tone::Good),
        ("decided", Some(_)) => (format!("gave it back{role}"), Tone::Bad),
        ("decided", None) => ("decided on it; how is erased".to_owned(), Tone::Bad),
        ("moved", _) => {
            let state = event.state.as_deref();
            let title = state.and_then(|name| register.state(name)).map(|state| state.title.as_str());
            (format!("moved it to {}", title.or(state).unwrap_or("a state that is erased")), Tone::Quiet)
        }
        ("refresh_opened", _) => (
            match (&event.model, event.trigger) {
                (Some(model), _) => {
                    format!("asked for a new look: {} answered, and it is not named", Cell::text(model).text)
                }
                (None, Some("material_change")) => format!(
                    "asked for a new look: {} changed",
                    event.fields.as_ref().map(|fields| fields.join(", ")).unwrap_or_default()
                ),
                _ => "asked for a new look".to_owned(),
            },
            Tone::Fair,
        ),
        ("noted", _) => (
            if event.reason.is_some() { "commented" } else { "commented; what is erased" }.to_owned(),
            Tone::Quiet,
        ),
        ("refused", _) => ("tried to decide on their own work, and was refused".to_owned(), Tone::Bad),
        (other, _) => (other.replace('_', " "), Tone::Quiet),
    }
}
