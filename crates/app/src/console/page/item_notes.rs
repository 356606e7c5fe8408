//! What stands between an item and being evidence, said first: what is missing, whose turn it is, why a new look is asked for.

use super::item::Opened;
use super::said;
use crate::console::block::{Action, Block, Note};
use crate::console::cell::Cell;
use crate::console::visit::Visit;
use crate::console::words::{self, Tone};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::registers::{RefreshShown, Standing, any_of};

/// Missing fields that the page names at its top; each is marked in its place.
const NAMED: usize = 8;

/// What stands between the item and being evidence, first.
pub(crate) fn notes(visit: &Visit<'_>, opened: &Opened<'_>) -> Result<Vec<Block>, Refusal> {
    let (item, summary) = (&opened.item, &opened.item.summary);
    let mut blocks = Vec::new();
    let mut note = |tone, title: String, text: String, action| -> Result<(), Refusal> {
        blocks.push(Block::of(&Note { tone, title, text, action })?);
        Ok(())
    };
    let edit = |label| opened.may_edit.then(|| Action { label, href: format!("{}/edit", opened.path) });
    if item.content.is_none() {
        let stays = "Its records stay, and prove that something was said and decided; what it was is gone.";
        let text = if opened.may_edit { format!("{stays} Save it anew to go on.") } else { stays.to_owned() };
        note(Tone::Bad, "What the newest revision said is erased".to_owned(), text, edit("Write it anew"))?;
    }
    // Nothing is filled in any more where it has ended.
    if !item.missing.is_empty() && summary.standing != Standing::Ended {
        let labels: Vec<&str> = item
            .missing
            .iter()
            .filter_map(|name| opened.register.field(name))
            .map(|field| field.label.as_str())
            .collect();
        let title = format!(
            "Not filled in yet: {} of {} that are needed",
            labels.len(),
            opened.register.fields().filter(|field| field.required).count()
        );
        let more = labels.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let named = labels.get(..NAMED).unwrap_or(&labels).join(", ");
        note(Tone::Fair, title, format!("{named}{more}."), edit("Fill them in"))?;
    }
    if let Some(returned) = opened.last("decided").filter(|_| summary.standing == Standing::Returned) {
        let why = returned.reason.as_deref().map_or("the reason was erased".to_owned(), said::prose);
        note(Tone::Bad, "It was given back".to_owned(), why, edit("Correct it"))?;
    }
    for refresh in &item.refreshes {
        let (title, text, action) = new_look(visit, refresh);
        note(Tone::Fair, title, text, action)?;
    }
    if summary.standing == Standing::Overdue {
        let text = "Look at it again, and have it approved anew; until then it counts less and less.";
        note(Tone::Bad, "Its review is overdue".to_owned(), text.to_owned(), edit("Look at it again"))?;
    }
    if summary.organisation_wide {
        let text = "One document for the whole organisation says nothing about any one system. Clauses and controls count what names a system.";
        note(Tone::Fair, "It names no system".to_owned(), text.to_owned(), None)?;
    }
    if summary.standing == Standing::InReview {
        let (title, text) = waits(visit, opened);
        let action = item
            .may_decide
            .then(|| Action { label: "Read it and decide", href: format!("{}/decide", opened.path) });
        note(Tone::Fair, title, text, action)?;
    }
    Ok(blocks)
}

/// Whose turn it is, and why perhaps not the reader's.
fn waits(visit: &Visit<'_>, opened: &Opened<'_>) -> (String, String) {
    if opened.item.may_decide {
        return (
            "It waits for your decision".to_owned(),
            "Read exactly what is to hold; approve it, or give it back with a reason.".to_owned(),
        );
    }
    ("It waits for a decision".to_owned(), why_not(visit, opened))
}

/// Why whoever is here cannot decide, as a sentence that says who can.
pub(crate) fn why_not(visit: &Visit<'_>, opened: &Opened<'_>) -> String {
    let roles = opened.register.approval.iter().flat_map(|approval| &approval.roles);
    let roles = any_of(roles);
    let others = format!("It takes somebody else: {roles}.");
    let four_eyes = opened.register.approval.as_ref().is_some_and(|approval| approval.four_eyes);
    let me = visit.actor.as_ref().and_then(crate::work::Actor::credential).map(|id| id.to_hex());
    let wrote = me.as_ref().is_some_and(|me| opened.item.authors.contains(me));
    if four_eyes && wrote {
        return format!("You wrote some of it, and nobody approves their own work. {others}");
    }
    if four_eyes && me.is_some() && opened.item.submitter == me {
        return format!("You put it forward, and nobody approves their own work. {others}");
    }
    format!(
        "It takes {roles} who wrote none of it, and who neither came in by the link of somebody who did nor let them in."
    )
}

/// Why a new look is asked for, with the way to what showed it.
fn new_look(visit: &Visit<'_>, refresh: &RefreshShown) -> (String, String, Option<Action>) {
    match (refresh.trigger, &refresh.model) {
        (Some("model_not_named"), Some(model)) => (
            format!("A model answered that it does not name: {}", Cell::text(model).text),
            format!(
                "Since {} calls are answered by it. Say what that changes, name it, and have it approved.",
                words::moment(refresh.at.0)
            ),
            refresh
                .cause
                .as_ref()
                .filter(|_| visit.can(Permission::ReadCalls))
                .map(|call| Action { label: "Open the call", href: format!("/calls/{call}") }),
        ),
        (Some("material_change"), _) => (
            "Something that it rests on changed".to_owned(),
            format!("Approved otherwise since: {}.", refresh.fields.join(", ")),
            visit.can(Permission::ReadEntries).then(|| Action {
                label: "Open the record",
                href: format!("/ledger/{}", refresh.recorded.index),
            }),
        ),
        _ => ("A new look is asked for".to_owned(), "What asked for it was erased.".to_owned(), None),
    }
}
