//! Erasures that take two people: asked for here, confirmed by somebody else.
//!
//! Promises: what is confirmed is what the page shows, as it was asked for, with who asked, why, and how much goes. Must never: be shown to whoever may not confirm.

use serde_json::{Value, json};
use tabellion_model::{CredentialId, ErasureRequestId};

use crate::console::answer::{Answered, Reply};
use crate::console::block::{Block, Facts, fold, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::count;
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::Given;
use crate::work::access::NewAccess;
use crate::work::erasures::{ErasureDecision, NewErasure, WaitingErasure};

/// Entries that a page lists; a call has a few, and the API has all.
const MAX_ENTRIES: usize = 50;
/// The form that asks.
const ASK: &str = "ask-erasure";
/// What the form that asks does.
const CONSEQUENCE: &str =
    "Nothing is erased yet. Somebody else has to confirm it; your request is on record under your name.";
/// The form for what is kept about a person.
const ACCESS: &str = "give-access";
/// What may go of a call, in the form's words.
pub(super) const CALL: &str = "call";
/// An export of a provider's usage, in the form's words.
pub(super) const USAGE_REPORT: &str = "usage_report";
/// The form that decides.
const DECIDE: &str = "decide-erasure";

/// What waits, and the form that asks for more.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Asks for an erasure.
pub(crate) fn request(visit: &Visit<'_>) -> Answered {
    let asked = || {
        let mut body = json!({"reason": visit.form.text("reason")});
        let named = visit.form.text("named").trim();
        let (member, value) = match visit.form.text("scope") {
            "record" => {
                let index: u64 = named.parse().map_err(|_| {
                    Refusal::at(Code::Malformed, "/named", "an entry is named by its index, a whole number")
                })?;
                ("record", Value::from(index))
            }
            "system" => ("system", Value::from(named)),
            "call" => ("call", Value::from(named)),
            "usage_report" => ("usage_report", Value::from(named)),
            _ => ("subject", Value::from(named)),
        };
        if let Some(members) = body.as_object_mut() {
            members.insert(member.to_owned(), value);
        }
        let new: NewErasure = visit.read("requestErasure", body)?;
        visit.desk.request_erasure(visit.actor()?, &visit.given(), &new)
    };
    match asked() {
        Ok((_, written)) => Ok(visit.recorded("/erasures", &written)),
        Err(refusal) => {
            let pointer = refusal.pointer.as_deref().map(|pointer| match pointer {
                "/subject" | "/record" | "/call" | "/usage_report" | "/system" => "/named".to_owned(),
                other => other.to_owned(),
            });
            let refusal = Refusal { pointer, ..refusal };
            let refused = Refused { id: ASK, typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), Some(&refused))
        }
    }
}

/// What is kept about a person, as a file for them.
pub(crate) fn access(visit: &Visit<'_>) -> Answered {
    let asked = || {
        let mut body =
            json!({"reason": visit.form.text("reason"), "subject": visit.form.text("subject").trim()});
        let from = visit.form.text("from").trim();
        if !from.is_empty() {
            let from: u64 = from.parse().map_err(|_| {
                Refusal::at(Code::Malformed, "/from", "an entry is named by its index, a whole number")
            })?;
            if let Some(members) = body.as_object_mut() {
                members.insert("from".to_owned(), from.into());
            }
        }
        let new: NewAccess = visit.read("giveAccess", body)?;
        // The page stays in the browser with its form: each time it is sent is another file, and a record of its own.
        visit.desk.give_access(visit.actor()?, &Given::default(), &new)
    };
    match asked() {
        Ok((file, _)) => Ok(Reply::File(file.name(), "application/zip", file.bytes).into()),
        Err(refusal) => {
            let refused = Refused { id: ACCESS, typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), Some(&refused))
        }
    }
}

/// One of them, to be decided on.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// Confirms or declines it.
pub(crate) fn decide(visit: &Visit<'_>) -> Answered {
    let id = id(visit)?;
    let body = json!({"confirmed": visit.form.get("decision") == Some("confirm"), "reason": visit.form.text("reason")});
    let decided = visit
        .read::<ErasureDecision>("decideErasure", body)
        .and_then(|new| visit.desk.decide_erasure(visit.actor()?, id, &new));
    match decided {
        Ok((_, written)) => Ok(visit.recorded("/erasures", &written)),
        Err(refusal) if refusal.code == Code::NotFound => Err(refusal),
        Err(refusal) => {
            let refused = Refused { id: DECIDE, typed: &visit.form, refusal: &refusal };
            one(visit, refusal.code.status(), Some(&refused))
        }
    }
}

fn id(visit: &Visit<'_>) -> Result<ErasureRequestId, Refusal> {
    ErasureRequestId::from_hex(visit.parts.text("erasure")).ok_or_else(|| Refusal::not_found("erasure"))
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let waiting = visit.desk.waiting_erasures(visit.actor()?)?.erasures;
    let rows = waiting.iter().map(|waiting| {
        let cells = vec![
            what(waiting),
            by(visit, waiting)?,
            Cell::maybe(waiting.reason.as_deref(), "erased"),
            visit.entry(waiting.recorded.index),
        ];
        Ok(Row { href: format!("/erasures/{}", waiting.id), cells })
    });
    let listing = Listing {
        id: "erasures",
        caption: "Erasures that wait for a second person",
        columns: const {
            &[
                column("what", "What goes"),
                column("by", "Asked for by"),
                column("reason", "Why"),
                column("entry", "Entry"),
            ]
        },
        filters: Vec::new(),
        search: "",
        views: Vec::new(),
        empty: nothing(
            "No erasure waits",
            "Somebody asks for an erasure, somebody else confirms it; nothing goes before that.",
            None,
        ),
    };
    let mut blocks = vec![listing.table(visit, Rows::All(rows.collect::<Result<_, Refusal>>()?))?];
    if visit.can(Permission::OrderErasures) {
        let refused = refused.filter(|refused| refused.id == ASK);
        let form = ask_form().block(visit, refused)?;
        blocks.push(fold(ASK, "Ask for an erasure", refused.is_some(), form)?);
    }
    let wanted = [Permission::BuildPackages, Permission::ReadPersonal, Permission::ReadCaptured];
    if wanted.into_iter().all(|permission| visit.reach(permission) == Reach::All) {
        let refused = refused.filter(|refused| refused.id == ACCESS);
        let form = access_form().block(visit, refused)?;
        blocks.push(fold(ACCESS, "Give somebody what is kept about them", refused.is_some(), form)?);
    }
    let content = Content {
        lead: "Content is erased by destroying its key. Every proof stays valid, and nothing brings the content back: so it takes two people.".to_owned(),
        blocks,
        ..Content::titled("Erasures")
    };
    visit.show_with(status, content)
}

fn ask_form() -> Form {
    let scopes = [
        ("subject", "Everything about one person, in every system"),
        ("record", "The content of one entry that was recorded as erasable alone"),
        (CALL, "What is kept of one call: prompt, answer and what was said of them"),
        (USAGE_REPORT, "One export of what a provider counted"),
        ("system", "Everything recorded for one system"),
    ];
    let scopes = scopes.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec();
    let fields = vec![
        Field::new("scope", "What goes", Kind::Select(scopes)),
        Field::new("named", "Which", Kind::Line).hint(
            "The person as in the records (an account number, say), the entry's index, or the id of the call, the export or the system.",
        ),
        Field::new("reason", "Why", Kind::Area(3)).hint("Whoever confirms it reads this."),
    ];
    let mut form = Form::new(ASK, "/erasures".to_owned(), "Ask for it", fields);
    form.consequence = CONSEQUENCE;
    form
}

fn access_form() -> Form {
    let fields = vec![
        Field::new("subject", "About whom", Kind::Line)
            .hint("The person as in the records, an account number or an address, say; a person of the console by name, too. The file lists the writings that were looked for."),
        Field::new("from", "Continue from entry", Kind::Line)
            .hint("Where the file before ended; it says so. Empty: from the beginning.")
            .optional(),
        Field::new("reason", "Why", Kind::Area(3))
            .hint("Whose request it answers, and how they were known to be this person."),
    ];
    let mut form = Form::new(ACCESS, "/erasures/access".to_owned(), "Download it", fields);
    form.consequence = "That the file was made, by whom and why, is on record. Whoever has it reads it for good, also what is erased here later.";
    form
}

/// The form that asks for the erasure of what a page shows; nothing where that is not for the reader, or the page shows the past.
pub(super) fn asked_here(
    visit: &Visit<'_>,
    (scope, what): (&'static str, &'static str),
    id: &str,
) -> Result<Option<Block>, Refusal> {
    if visit.moment.is_some() || !visit.can(Permission::OrderErasures) {
        return Ok(None);
    }
    let fields = vec![
        Field::new("scope", "What goes", Kind::Select(vec![(scope.to_owned(), what.to_owned())]))
            .value(scope),
        Field::new("named", "Which", Kind::Line).value(id),
        Field::new("reason", "Why", Kind::Area(3)).hint("Whoever confirms it reads this."),
    ];
    let mut form = Form::new(ASK, "/erasures".to_owned(), "Ask for it", fields);
    form.consequence = CONSEQUENCE;
    fold(ASK, "Ask for its erasure", false, form.block(visit, None)?).map(Some)
}

fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let id = id(visit)?.to_hex();
    let waiting = visit.desk.waiting_erasures(visit.actor()?)?.erasures;
    let waiting = waiting.into_iter().find(|waiting| waiting.id == id);
    let waiting = waiting.ok_or_else(|| Refusal::not_found("erasure"))?;
    let goes = Cell::quantity(&count(waiting.keys), waiting.keys);
    let mut facts =
        Facts::default().with("What goes", what(&waiting)).with("Content keys that it takes", goes);
    if let Some(entries) = &waiting.entries {
        let cells = entries.iter().take(MAX_ENTRIES).map(|index| visit.entry(*index));
        facts = facts.with_all("Entries whose content it takes", cells.collect());
    }
    let facts = facts
        .with("Asked for by", by(visit, &waiting)?)
        .with("Why", Cell::maybe(waiting.reason.as_deref(), "erased"))
        .with("Entry", visit.entry(waiting.recorded.index))
        .block()?;
    let decisions = vec![
        (
            "confirm".to_owned(),
            "Confirm".to_owned(),
            "The keys of this content are destroyed now. Nothing brings it back.".to_owned(),
        ),
        ("decline".to_owned(), "Decline".to_owned(), "The content stays.".to_owned()),
    ];
    let fields = vec![
        Field::new("decision", "Decision", Kind::Radio(decisions)),
        Field::new("reason", "Why", Kind::Area(3)),
    ];
    let mut form = Form::new(DECIDE, format!("/erasures/{id}"), "Decide", fields);
    form.ends = true;
    form.consequence = "Your decision is on record under your name. Whoever asked cannot confirm, and can take it back by declining.";
    "/erasures".clone_into(&mut form.cancel);
    let decision = section("decision", "Your decision", vec![form.block(visit, refused)?])?;
    let content = Content {
        trail: vec![("Erasures".to_owned(), "/erasures".to_owned())],
        lead: "Somebody asks that this content be erased for good.".to_owned(),
        // What was refused is read before anything else.
        blocks: if refused.is_some() { vec![decision, facts] } else { vec![facts, decision] },
        ..Content::titled("Erasure")
    };
    visit.show_with(status, content)
}

fn what(waiting: &WaitingErasure) -> Cell {
    match (waiting.scope.as_deref(), &waiting.subject, waiting.record, &waiting.system) {
        (_, Some(subject), _, _) => Cell::text(&format!("everything about {subject}")),
        (Some("subject"), None, _, _) => Cell::text("everything about one person"),
        (_, _, Some(index), _) => Cell::text(&format!("entry {index}")),
        (Some(CALL), ..) => {
            Cell::text(&format!("what is kept of the call {}", waiting.call.as_deref().unwrap_or_default()))
        }
        (_, _, _, Some(system)) => Cell::text(&match waiting.grace_hours {
            Some(hours) => format!("system {system}, deleted {hours} hours after the confirmation"),
            None => format!("system {system}"),
        }),
        _ => Cell::unknown("erased already"),
    }
}

fn by(visit: &Visit<'_>, waiting: &WaitingErasure) -> Result<Cell, Refusal> {
    match waiting.by.as_deref().and_then(CredentialId::from_hex) {
        Some(person) => visit.who(person),
        None => Ok(Cell::text("the operator")),
    }
}
