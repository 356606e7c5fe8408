//! The page of an item that is worked on rather than approved: whose turn it is, the next step; and, of every item, what people remarked.

use std::collections::BTreeSet;

use serde_json::json;
use tabellion_model::body::Role;
use tabellion_model::register::{Transition, Waits};

use super::item::{Opened, after, named};
use super::{item_history, registers};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Note, Section};
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::visit::Visit;
use crate::console::words::Tone;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::registers::{NewNote, Standing, any_of};

/// Remarks that the page shows; the history has the rest.
const REMARKS: usize = 20;
/// Lines of the field for a remark.
const LINES: u8 = 3;

/// Adds a remark.
pub(crate) fn note(visit: &Visit<'_>) -> Answered {
    let (register, id) = named(visit)?;
    let done = visit
        .read::<NewNote>("noteRegisterItem", json!({"text": visit.form.text("text").trim()}))
        .and_then(|new| visit.desk.note_register_item(visit.actor()?, &visit.given(), register, id, &new));
    after(visit, "note", done)
}

/// Fields that the steps from where it stands need.
fn next_needs<'o>(opened: &'o Opened<'_>) -> Vec<&'o str> {
    let state = opened.item.summary.state.as_deref().unwrap_or_default();
    let steps = opened.register.transitions.iter().filter(|step| step.from.contains(state));
    let mut needs: Vec<&str> = steps.flat_map(|step| step.needs.iter().map(String::as_str)).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// Whether whoever is here can take such a step now.
fn takes(opened: &Opened<'_>, wanted: impl Fn(&Transition) -> bool) -> bool {
    let state = opened.item.summary.state.as_deref().unwrap_or_default();
    let mut next = opened.item.next_states.iter();
    next.any(|to| opened.register.transition(state, to).is_some_and(&wanted))
}

/// Whose turn it is, by the register's file.
fn turn(opened: &Opened<'_>) -> Option<Waits> {
    opened.item.summary.state.as_deref().and_then(|state| opened.register.state(state))?.waits
}

/// Whether what the next step needs is filled in.
fn is_answered(opened: &Opened<'_>) -> bool {
    let content = opened.item.content.as_ref();
    next_needs(opened).iter().all(|field| content.is_some_and(|content| content.contains_key(*field)))
}

/// The one thing that is next.
pub(crate) fn primary(opened: &Opened<'_>) -> Option<Action> {
    let step = |label| Some(Action { label, href: "#part-change".to_owned() });
    let edit = |label| Some(Action { label, href: format!("{}/edit", opened.path) });
    match turn(opened) {
        Some(Waits::SecondPerson) if takes(opened, |step| step.second_person) => {
            step("Close it or send it back")
        }
        Some(Waits::Owner) if opened.may_edit && !is_answered(opened) => edit("Fill in what is asked"),
        Some(Waits::Owner) if takes(opened, |step| !step.needs.is_empty()) => step("Hand it over"),
        _ if opened.may_edit => edit("Edit"),
        _ => None,
    }
}

/// Whose turn it is, and that none of it is evidence.
pub(crate) fn notes(opened: &Opened<'_>) -> Result<Vec<Block>, Refusal> {
    let mut blocks = Vec::new();
    let mut note = |tone, title: &str, text: String, action| -> Result<(), Refusal> {
        blocks.push(Block::of(&Note { tone, title: title.to_owned(), text, action })?);
        Ok(())
    };
    let summary = &opened.item.summary;
    match summary.standing {
        Standing::PastDue => {
            let day = summary.due.as_deref().unwrap_or_default();
            note(Tone::Bad, "It is overdue", format!("It was due on {day}."), None)?;
        }
        Standing::ToClose => {
            let action = primary(opened).filter(|action| action.href.starts_with('#'));
            let text = if action.is_some() {
                "Read what was done and where it shows; close it, or send it back with a reason.".to_owned()
            } else {
                closers(opened)
            };
            note(Tone::Fair, "It waits for a second person", text, action)?;
        }
        _ => {}
    }
    note(
        Tone::Quiet,
        "It changes no status",
        "Clauses and controls stand by evidence alone. What comes of this may be evidence; that it is open, answered or closed is none.".to_owned(),
        None,
    )?;
    Ok(blocks)
}

/// Who can close it, as a sentence.
fn closers(opened: &Opened<'_>) -> String {
    let state = opened.item.summary.state.as_deref().unwrap_or_default();
    let steps = opened.register.transitions.iter();
    let roles: BTreeSet<Role> = steps
        .filter(|step| step.second_person && step.from.contains(state))
        .flat_map(|step| step.roles.iter().copied())
        .collect();
    format!("It takes {} who wrote none of the answer and did not hand it over.", any_of(roles.iter()))
}

/// The steps to other states that this person may take now, in the open.
pub(crate) fn steps(
    visit: &Visit<'_>,
    opened: &Opened<'_>,
    refused: Option<&Refused<'_>>,
) -> Result<Option<Block>, Refusal> {
    let titled = opened.item.next_states.iter().filter_map(|name| opened.register.state(name));
    let next: Vec<(String, String)> = titled.map(|state| (state.name.clone(), state.title.clone())).collect();
    if next.is_empty() && refused.is_none_or(|refused| refused.id != "state") {
        return Ok(None);
    }
    let fields = vec![
        Field::new("state", "To", Kind::Select(next)),
        Field::new("reason", "Reason", Kind::Line).hint("For the reader of the history."),
    ];
    let mut form = Form::new("state", format!("{}/state", opened.path), "Take the step", fields);
    form.version = Some(opened.item.summary.version);
    form.consequence = match (opened.item.summary.standing, turn(opened)) {
        (Standing::Ended, _) => "It is open again then, and waits for its owner.",
        (_, Some(Waits::SecondPerson)) => {
            "Closed takes a second person to open again; sent back, it waits for its owner."
        }
        _ => "Whoever wrote the answer or hands it over does not close it: a second person does.",
    };
    let part = Section {
        id: "change",
        title: "Next step".to_owned(),
        lead: String::new(),
        action: None,
        blocks: vec![form.block(visit, refused)?],
    };
    Block::of(&part).map(Some)
}

/// What people remarked, and the way to remark something.
pub(crate) fn remarks(
    visit: &Visit<'_>,
    opened: &Opened<'_>,
    refused: Option<&Refused<'_>>,
) -> Result<Option<Block>, Refusal> {
    let said = opened.history.events.iter().filter(|event| event.kind == "noted");
    let said: Vec<_> = said.take(REMARKS).cloned().collect();
    let may = visit.moment.is_none() && visit.can(Permission::NoteRegisters);
    if said.is_empty() && !may {
        return Ok(None);
    }
    let mut blocks = Vec::new();
    if !said.is_empty() {
        blocks.push(item_history::block(visit, opened.register, &said)?);
    }
    if may {
        let field = Field::new("text", "Comment", Kind::Area(LINES))
            .hint("Anybody who may read this item reads it. Leave out personal data.");
        let mut form = Form::new(
            "note",
            format!("{}/notes", registers::path(&opened.item.summary)),
            "Add the comment",
            vec![field],
        );
        form.consequence =
            "A comment is a record of its own: it stays in the history, and changes nothing of the item.";
        blocks.push(form.block(visit, refused.filter(|refused| refused.id == "note"))?);
    }
    let part =
        Section { id: "notes", title: "Comments".to_owned(), lead: String::new(), action: None, blocks };
    Block::of(&part).map(Some)
}
