//! Deciding on an item: exactly the content and digest that will hold, what is unusual about it, and nothing chosen beforehand.

use serde_json::json;

use super::item::{Opened, facts, named, opened};
use super::item_notes::why_not;
use super::{registers, said, typed};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Note, Section, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::looks;
use crate::console::pairs::Pairs;
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::refusal::{Code, Refusal};
use crate::work::registers::{NewDecision, Standing};

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Approves it or gives it back.
pub(crate) fn decide(visit: &Visit<'_>) -> Answered {
    let (register, id) = named(visit)?;
    let done = typed(visit)
        .and_then(|new| visit.desk.decide_register_item(visit.actor()?, &visit.given(), register, id, &new));
    match done {
        Ok((item, written)) => Ok(visit.recorded(&registers::path(&item.summary), &written)),
        Err(refusal) => {
            // What was chosen over other content is not chosen again over this.
            let changed = matches!(refusal.code, Code::Stale | Code::Conflict | Code::NotWhatWasShown);
            let kept = visit.form.iter().filter(|(name, _)| !changed || *name != "decision");
            let kept = Pairs::new(kept.map(|(name, text)| (name.to_owned(), text.to_owned())).collect());
            let refused = Refused { id: "decision", typed: &kept, refusal: &refusal };
            page(visit, refusal.code.status(), Some(&refused))
        }
    }
}

fn typed(visit: &Visit<'_>) -> Result<NewDecision, Refusal> {
    let Some(decision) = visit.form.get("decision") else {
        return Err(Refusal::at(Code::Malformed, "/decision", "say whether it holds or goes back"));
    };
    let (reason, conditions) = (visit.form.text("reason").trim(), visit.form.text("conditions").trim());
    if reason.is_empty() {
        return Err(Refusal::at(Code::Malformed, "/reason", "say why, for whoever reads it years later"));
    }
    let mut body = json!({"digest": visit.form.text("digest"), "decision": decision, "reason": reason});
    if !conditions.is_empty()
        && let Some(body) = body.as_object_mut()
    {
        body.insert("conditions".to_owned(), conditions.into());
    }
    visit.read("decideRegisterItem", body)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let opened = opened(visit)?;
    if !opened.register.approves() {
        return Err(Refusal::not_found("decision in this register"));
    }
    let mut blocks = Vec::new();
    if let (Some(digest), true) = (&opened.item.digest, opened.item.may_decide) {
        blocks.extend(unusual(&opened)?);
        let shown = exactly(visit, &opened, digest)?;
        let form = form(visit, &opened, digest, refused)?;
        // What was refused is read before anything else.
        blocks.extend(if refused.is_some() { [form, shown] } else { [shown, form] });
    } else {
        blocks.push(cannot(visit, &opened, refused)?);
        if let Some(refused) = refused {
            blocks.extend(typed::block(visit, refused.refusal)?);
        }
    }
    let mut trail = opened.trail();
    trail.push((opened.name.clone(), opened.path.clone()));
    let content = Content {
        trail,
        lead: "What you approve is exactly the content below, under its digest, and nothing besides."
            .to_owned(),
        badges: vec![Cell::state(looks::standing(opened.item.summary.standing))],
        blocks,
        ..Content::titled(&format!("Decide on {}", opened.name))
    };
    visit.show_with(status, content)
}

/// Why there is nothing to decide for this person, and what helps.
fn cannot(visit: &Visit<'_>, opened: &Opened<'_>, refused: Option<&Refused<'_>>) -> Result<Block, Refusal> {
    let open = Action { label: "Open it", href: opened.path.clone() };
    let (title, text) = match (refused, opened.item.summary.standing) {
        (Some(refused), _) => {
            (crate::console::form::sentence(&refused.refusal.detail), why_not(visit, opened))
        }
        (None, Standing::InReview) => ("You cannot decide on this one".to_owned(), why_not(visit, opened)),
        (None, Standing::Approved) => {
            ("There is nothing to decide".to_owned(), "The newest revision is approved already.".to_owned())
        }
        (None, _) => (
            "Nobody has put it forward".to_owned(),
            "An author puts a revision before an approver; until then it is being written.".to_owned(),
        ),
    };
    Block::of(&Note { tone: Tone::Fair, title, text, action: Some(open) })
}

/// What a careful approver would want to know first.
fn unusual(opened: &Opened<'_>) -> Result<Option<Block>, Refusal> {
    let mut said = Vec::new();
    if let (Some(before), Some(now)) = (&opened.approved, &opened.item.content) {
        let changes = tabellion_model::register::changes(opened.register, before, now);
        let material: Vec<&str> =
            changes.iter().filter(|change| change.material).map(|change| change.label.as_str()).collect();
        said.push(format!(
            "{} from what was approved.",
            counted(changes.len() as u64, "field differs", "fields differ")
        ));
        if !material.is_empty() {
            said.push(format!("Material: {}. Others may be asked to look again.", material.join(", ")));
        }
    }
    let asked = opened.item.refreshes.len() as u64;
    if asked > 0 {
        said.push(format!(
            "{} open; your approval answers {}. Is what caused it said below?",
            counted(asked, "wish for a new look is", "wishes for a new look are"),
            if asked == 1 { "it" } else { "them" }
        ));
    }
    if opened.item.summary.organisation_wide {
        said.push("It names no system, and so says nothing about any.".to_owned());
    }
    if opened.item.summary.approval.is_none() {
        said.push("Nothing of it was approved before: this is its first approval.".to_owned());
    }
    if said.is_empty() {
        return Ok(None);
    }
    let note =
        Note { tone: Tone::Fair, title: "Before you read".to_owned(), text: said.join(" "), action: None };
    Block::of(&note).map(Some)
}

fn exactly(visit: &Visit<'_>, opened: &Opened<'_>, digest: &str) -> Result<Block, Refusal> {
    let nothing = tabellion_model::register::Content::new();
    let content = opened.item.content.as_ref().unwrap_or(&nothing);
    let part = Section {
        id: "exactly",
        title: format!("Revision {}", opened.item.summary.revision),
        lead: format!("SHA-256 of what stands here, with the item and the number of the revision: {digest}"),
        action: None,
        blocks: vec![
            said::sections(visit, opened.register, content, opened.approved.as_ref(), &[])?,
            section("who", "Who, and what before", vec![facts(visit, opened)?])?,
        ],
    };
    Block::of(&part)
}

fn form(
    visit: &Visit<'_>,
    opened: &Opened<'_>,
    digest: &str,
    refused: Option<&Refused<'_>>,
) -> Result<Block, Refusal> {
    let review = match opened.register.review_months {
        0 => "It holds from now on.".to_owned(),
        months => format!(
            "It holds from now on, is evidence for {}, and is due for review in {}.",
            opened.register.serves.join(", "),
            counted(u64::from(months), "month", "months")
        ),
    };
    let fields = vec![
        Field::new(
            "decision",
            "Your decision",
            Kind::Radio(vec![
                ("approved".to_owned(), "Approve".to_owned(), review),
                (
                    "returned".to_owned(),
                    "Give it back".to_owned(),
                    "It goes to its authors with your reason; what was approved before still holds."
                        .to_owned(),
                ),
            ]),
        ),
        Field::new("reason", "Reason", Kind::Area(3))
            .hint("What you looked at and why you decide so. It is on record under your name."),
        Field::new("conditions", "Conditions", Kind::Area(2))
            .hint("What the approval depends on. Leave it empty when you give it back.")
            .optional(),
    ];
    let mut form = Form::new("decision", format!("{}/decide", opened.path), "Record my decision", fields);
    form.version = Some(opened.item.summary.version);
    form.said = vec![("digest", digest.to_owned())];
    form.cancel.clone_from(&opened.path);
    section("decision", "Decide", vec![form.block(visit, refused)?])
}
