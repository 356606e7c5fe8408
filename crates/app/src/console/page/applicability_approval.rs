//! The approval of the Statement of Applicability as a whole, by a second person.
//!
//! Promises: what is approved is exactly the digest and the rows that the page shows; whoever approves is told the same doubts as whoever decides.

use serde_json::json;

use super::applicability::{document, facts, notes, standing};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Note, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, sentence};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::refusal::{Code, Refusal};
use crate::work::applicability::{NewApproval, Statement};

/// The approval: the whole document, its digest, and one act.
pub(crate) fn approval(visit: &Visit<'_>) -> Answered {
    approval_page(visit, 200, None)
}

/// Approves the statement.
pub(crate) fn approve(visit: &Visit<'_>) -> Answered {
    let read = || {
        if visit.form.get("read") != Some("yes") {
            return Err(Refusal::at(Code::Malformed, "/read", "say that you read all of it"));
        }
        visit.read::<NewApproval>("approveStatement", json!({"digest": visit.form.text("digest")}))
    };
    let done = read().and_then(|new| visit.desk.approve_statement(visit.actor()?, &visit.given(), &new));
    match done {
        Ok((_, written)) => Ok(visit.recorded("/soa", &written)),
        Err(refusal) => approval_page(visit, refusal.code.status(), Some(&refusal)),
    }
}

fn approval_page(visit: &Visit<'_>, status: u16, refusal: Option<&Refusal>) -> Answered {
    let statement = visit.desk.statement()?;
    let may = visit.desk.may_approve_statement(visit.actor()?)?;
    let mut blocks = Vec::new();
    if let Some(digest) = statement.digest.as_deref().filter(|_| may) {
        let empty = crate::console::pairs::Pairs::default();
        let refused = refusal.map(|refusal| Refused { id: "approval", typed: &empty, refusal });
        let form = approval_form(visit, digest, refused.as_ref())?;
        let stale = visit.desk.contradicted(&statement.rows)?;
        blocks.extend(notes(visit, &statement, &stale, true)?);
        blocks.extend([facts(visit, &statement)?, document(visit, &statement, &stale, false)?]);
        // What was refused is read before anything else.
        let place = if refused.is_some() { 0 } else { blocks.len() };
        blocks.insert(place, form);
    } else {
        let (title, text) = cannot(&statement, refusal);
        let action = Some(Action { label: "Open the statement", href: "/soa".to_owned() });
        blocks.push(Block::of(&Note { tone: Tone::Fair, title, text, action })?);
    }
    let content = Content {
        trail: vec![("Statement of Applicability".to_owned(), "/soa".to_owned())],
        lead: "You approve exactly what stands below, all 38 rows of it, under its digest.".to_owned(),
        badges: vec![Cell::state(standing(&statement))],
        blocks,
        ..Content::titled("Approve the Statement of Applicability")
    };
    visit.show_with(status, content)
}

fn cannot(statement: &Statement, refusal: Option<&Refusal>) -> (String, String) {
    let current = statement.approval.as_ref().is_some_and(|approval| approval.is_current);
    let text = if statement.digest.is_none() {
        let open = statement.rows.len() as u64 - statement.decided;
        format!("{} not decided yet.", counted(open, "control is", "controls are"))
    } else if current {
        "It is approved as it stands.".to_owned()
    } else {
        "You decided on at least one of its controls, or one of you who did and you let the other in; nobody approves their own work. Somebody else who is approver or compliance officer has to.".to_owned()
    };
    let title =
        refusal.map_or_else(|| "You cannot approve it now".to_owned(), |refusal| sentence(&refusal.detail));
    (title, text)
}

fn approval_form(visit: &Visit<'_>, digest: &str, refused: Option<&Refused<'_>>) -> Result<Block, Refusal> {
    let fields = vec![Field::new(
        "read",
        "Your approval",
        Kind::Checks(vec![("yes".to_owned(), "I read all of it, and approve it as it stands".to_owned())]),
    )];
    let mut form = Form::new("approval", "/soa/approve".to_owned(), "Approve the statement", fields);
    form.said = vec![("digest", digest.to_owned())];
    form.consequence = "It is on record under your name. A row that is changed later is not covered by it.";
    "/soa".clone_into(&mut form.cancel);
    let shown = Facts::default().with("SHA-256 of all 38 rows", Cell::text(digest)).block()?;
    section("approval", "Approve", vec![shown, form.block(visit, refused)?])
}
