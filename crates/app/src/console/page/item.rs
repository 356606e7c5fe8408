//! One item of a register: what is missing first, how it stands, what it says beside what was approved, who did what, and what can be done.

use serde_json::json;
use tabellion_model::register::Register;
use tabellion_model::{CredentialId, ItemId};
use tabellion_views::query::Subject;

use super::{happened, item_history, item_notes, item_work, registers, said, work_items};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::looks;
use crate::console::visit::{Content, Visit};
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::registers::{Event, History, Item, NewState, Standing, Submission};

/// Events that the page shows; the history has the rest.
const EVENTS: usize = 6;
/// Fields of work that stand above, in the title and the facts.
const IN_FACTS: [&str; 4] = ["name", "owner", "due", "references"];

/// An item with all that its pages need.
pub(crate) struct Opened<'a> {
    pub(crate) register: &'a Register,
    pub(crate) id: ItemId,
    pub(crate) item: Item,
    pub(crate) path: String,
    pub(crate) name: String,
    /// What was approved, where that is not the newest revision.
    pub(crate) approved: Option<tabellion_model::register::Content>,
    pub(crate) history: History,
    /// Whether whoever is here may write it.
    pub(crate) may_edit: bool,
}

/// Reads the item that the address names.
pub(crate) fn opened<'a>(visit: &Visit<'a>) -> Result<Opened<'a>, Refusal> {
    let register = visit.desk.register(visit.parts.text("register"))?;
    let id = ItemId::from_hex(visit.parts.text("item")).ok_or_else(|| Refusal::not_found("item"))?;
    let actor = visit.actor()?;
    let mut item = visit.desk.register_item(actor, &register.name, id)?;
    // Nothing is done in the past.
    if visit.moment.is_some() {
        item.may_decide = false;
        item.next_states.clear();
    }
    let approved = match &item.summary.approval {
        Some(approval) if item.digest.as_ref() != Some(&approval.digest) => {
            visit.desk.approved_content(actor, &register.name, id)?.content
        }
        _ => None,
    };
    Ok(Opened {
        register,
        id,
        path: registers::path(&item.summary),
        name: Cell::maybe(item.summary.name.as_deref(), &format!("Unnamed {}", register.item)).text,
        approved,
        history: visit.desk.register_history(actor, &register.name, id)?,
        may_edit: visit.moment.is_none()
            && item.summary.standing != Standing::Ended
            && visit.desk.may_edit_item(actor, register, id)?,
        item,
    })
}

impl Opened<'_> {
    /// The newest event of this kind.
    pub(crate) fn last(&self, kind: &str) -> Option<&Event> {
        self.history.events.iter().find(|event| event.kind == kind)
    }

    /// The steps above its pages.
    pub(crate) fn trail(&self) -> Vec<(String, String)> {
        vec![
            ("Registers".to_owned(), "/registers".to_owned()),
            (self.register.title.clone(), format!("/registers/{}", self.register.name)),
        ]
    }

    /// Whether its newest revision can be put forward.
    fn can_be_put_forward(&self) -> bool {
        self.may_edit
            && self.register.approves()
            && self.item.missing.is_empty()
            && self.item.digest.is_some()
            && self.item.summary.review != Some("in_review")
            && self.item.summary.standing != Standing::Approved
    }
}

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Puts the newest revision before an approver.
pub(crate) fn submit(visit: &Visit<'_>) -> Answered {
    let (register, id) = named(visit)?;
    let done = visit
        .read::<Submission>("submitRegisterItem", json!({"digest": visit.form.text("digest")}))
        .and_then(|new| visit.desk.submit_register_item(visit.actor()?, &visit.given(), register, id, &new));
    after(visit, "submit", done)
}

/// Moves it to another state.
pub(crate) fn state(visit: &Visit<'_>) -> Answered {
    let (register, id) = named(visit)?;
    let body = json!({"state": visit.form.text("state"), "reason": visit.form.text("reason").trim()});
    let done = visit
        .read::<NewState>("moveRegisterItem", body)
        .and_then(|new| visit.desk.move_register_item(visit.actor()?, &visit.given(), register, id, &new));
    after(visit, "state", done)
}

/// The register and item that the address names.
pub(crate) fn named<'v>(visit: &'v Visit<'_>) -> Result<(&'v str, ItemId), Refusal> {
    let id = ItemId::from_hex(visit.parts.text("item")).ok_or_else(|| Refusal::not_found("item"))?;
    Ok((visit.parts.text("register"), id))
}

pub(crate) fn after(
    visit: &Visit<'_>,
    form: &'static str,
    done: Result<(Item, Written), Refusal>,
) -> Answered {
    visit.after(form, done, |item| registers::path(&item.summary), page)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let opened = opened(visit)?;
    let mut blocks = item_notes::notes(visit, &opened)?;
    if !opened.register.approves() {
        blocks.extend(item_work::notes(&opened)?);
    }
    // What was refused is read before anything else.
    let forward = forward(visit, &opened, refused)?;
    if refused.is_some_and(|refused| refused.id == "submit") {
        blocks.extend(forward.clone());
    }
    blocks.push(facts(visit, &opened)?);
    let remarks = item_work::remarks(visit, &opened, refused)?;
    // Of work the history says the same, and more.
    if opened.register.approves() {
        let whole = Action { label: "See all of it", href: format!("{}/history", opened.path) };
        let subject = Subject::Item(opened.register.name.clone(), opened.id);
        // What others asked of it, and what was refused, are streams beside its own.
        let beside =
            ["refresh", "refused"].map(|branch| Subject::Stream(format!("{}/{branch}", subject.stream())));
        let [asked, refusals] = beside;
        blocks.push(happened::to(visit, &[subject, asked, refusals], Some(whole))?);
    }
    blocks.push(content(visit, &opened)?);
    if refused.is_none_or(|refused| refused.id != "submit") {
        blocks.extend(forward);
    }
    blocks.extend(if opened.register.approves() {
        steps(visit, &opened, refused)?
    } else {
        item_work::steps(visit, &opened, refused)?
    });
    blocks.extend(remarks);
    blocks.push(history_part(visit, &opened)?);
    let page = Content {
        trail: opened.trail(),
        lead: lead(&opened),
        badges: badges(&opened),
        action: primary(&opened),
        blocks,
        ..Content::titled(&opened.name)
    };
    visit.show_with(status, page)
}

/// How it stands; of what was never approved not also a state, which would read as if it were in force.
fn badges(opened: &Opened<'_>) -> Vec<Cell> {
    let summary = &opened.item.summary;
    if !opened.register.approves() {
        let (_, tone) = looks::standing(summary.standing);
        let state = registers::state(opened.register, summary.state.as_deref());
        let late = (summary.standing == Standing::PastDue).then(|| Cell::state(("Overdue", tone)));
        return late.into_iter().chain([Cell::state((&state.text, tone))]).collect();
    }
    let state = || registers::state(opened.register, summary.state.as_deref());
    let in_force = summary.approval.as_ref().map(|_| state());
    std::iter::once(Cell::state(looks::standing(summary.standing))).chain(in_force).collect()
}

fn lead(opened: &Opened<'_>) -> String {
    let about = registers::about(&opened.item.summary).text;
    let what = &opened.register.item;
    let article = if what.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) { "An" } else { "A" };
    format!("{article} {what}, about {about}.")
}

/// The one thing that is next.
fn primary(opened: &Opened<'_>) -> Option<Action> {
    if !opened.register.approves() {
        return item_work::primary(opened);
    }
    let edit = |label| Some(Action { label, href: format!("{}/edit", opened.path) });
    if opened.item.may_decide {
        return Some(Action { label: "Decide on it", href: format!("{}/decide", opened.path) });
    }
    if !opened.may_edit {
        return None;
    }
    match opened.item.summary.standing {
        _ if opened.can_be_put_forward()
            && matches!(opened.item.summary.standing, Standing::Draft | Standing::Changing) =>
        {
            Some(Action { label: "Put it forward", href: "#part-forward".to_owned() })
        }
        Standing::Draft | Standing::Changing => edit("Go on writing"),
        Standing::Returned => edit("Correct it"),
        Standing::RefreshNeeded | Standing::Overdue => edit("Look at it again"),
        _ => edit("Edit"),
    }
}

/// How it stands, and by whom.
pub(crate) fn facts(visit: &Visit<'_>, opened: &Opened<'_>) -> Result<Block, Refusal> {
    let (item, summary) = (&opened.item, &opened.item.summary);
    let who = |id: &str| visit.who_or(Some(id), "nobody");
    let authors = item.authors.iter().map(|id| who(id)).collect::<Result<Vec<_>, _>>()?;
    let mut facts = Facts::default()
        .with("About", registers::about(summary))
        .with("Owner", summary.owner.as_deref().map_or_else(|| Ok(Cell::unknown("nobody yet")), who)?);
    if summary.due.is_some() {
        facts = facts.with("Due", work_items::due(summary));
    }
    if work_items::names(opened.register) {
        facts = facts.with_all("Clauses and controls", work_items::references(visit, &summary.references));
    }
    facts = facts.with("Opened by", who(&item.opened_by)?).with("Revision", Cell::number(summary.revision));
    if opened.register.approves() || item.authors != [item.opened_by.as_str()] {
        facts = facts.with_all("Written by", authors);
    }
    if !opened.register.approves() {
        return ends(visit, opened, facts);
    }
    facts = facts.with(
        "Put forward by",
        match (&item.submitter, summary.review) {
            (Some(person), _) => who(person)?,
            (None, _) => Cell::unknown("nobody yet"),
        },
    );
    facts = match &summary.approval {
        None => facts.with("Approved by", Cell::unknown("nobody yet: it is no evidence so far")),
        Some(approval) => {
            let event = opened.history.events.iter().find(|event| event.recorded.index == approval.index);
            let role = event.and_then(|event| event.role).map(|role| role.replace('_', " "));
            let let_in = event.and_then(|event| event.let_in_by.as_deref()).and_then(CredentialId::from_hex);
            let by = who(&approval.by)?;
            let role = role.map_or_else(
                || Cell::unknown("under a role that is no longer readable"),
                |role| Cell::text(&format!("as {role}")),
            );
            let by = [by, role].into_iter().chain(visit.let_in_by(let_in)?).collect();
            let mut facts = facts
                .with_all("Approved by", by)
                .with_all("Approved", vec![visit.time(approval.at.0), visit.entry(approval.index)])
                .with(
                    "Next review",
                    approval
                        .next_review_at
                        .map_or_else(|| Cell::unknown("never by itself"), |due| visit.time(due.0)),
                )
                .with("Digest approved", Cell::id(&approval.digest));
            if !approval.conditions.is_empty() {
                facts = facts.with(
                    "On the condition",
                    Cell { text: said::prose(&approval.conditions), ..Cell::text("") },
                );
            }
            facts
        }
    };
    ends(visit, opened, facts)
}

fn ends(visit: &Visit<'_>, opened: &Opened<'_>, facts: Facts) -> Result<Block, Refusal> {
    let item = &opened.item;
    let digest = item.digest.as_deref().map_or_else(|| Cell::unknown("erased"), Cell::id);
    let facts = facts
        .with("Digest of the newest revision", digest)
        .with("Newest revision", visit.entry(item.saved.index));
    if item.saved.index == item.created.index {
        return facts.block();
    }
    facts.with("First record", visit.entry(item.created.index)).block()
}

fn content(visit: &Visit<'_>, opened: &Opened<'_>) -> Result<Block, Refusal> {
    let nothing = tabellion_model::register::Content::new();
    let said = opened.item.content.as_ref().unwrap_or(&nothing);
    let lead = match (&opened.approved, &opened.item.summary.approval) {
        (Some(_), _) => {
            "What was approved still holds. Where the newest revision differs, both stand beside each other."
        }
        (None, Some(approval)) if opened.item.digest.as_ref() != Some(&approval.digest) => {
            "What was approved can no longer be read, so the newest revision stands alone."
        }
        (None, Some(_)) => "This is what was approved.",
        (None, None) => "",
    };
    // What is approved is shown whole, as it was decided on.
    let elsewhere: &[&str] = if opened.register.approves() { &[] } else { &IN_FACTS };
    let part = Section {
        id: "content",
        title: "What it says".to_owned(),
        lead: lead.to_owned(),
        action: None,
        blocks: vec![said::sections(visit, opened.register, said, opened.approved.as_ref(), elsewhere)?],
    };
    Block::of(&part)
}

/// The form that puts it before an approver: exactly one digest.
fn forward(
    visit: &Visit<'_>,
    opened: &Opened<'_>,
    refused: Option<&Refused<'_>>,
) -> Result<Option<Block>, Refusal> {
    let was_refused = refused.is_some_and(|refused| refused.id == "submit");
    let Some(digest) = opened.item.digest.clone().filter(|_| was_refused || opened.can_be_put_forward())
    else {
        return Ok(None);
    };
    let mut form =
        Form::new("submit", format!("{}/submit", opened.path), "Put it before an approver", Vec::new());
    form.version = Some(opened.item.summary.version);
    form.consequence = "Whoever puts it forward cannot decide on it. Saving it again takes it back.";
    form.said = vec![("digest", digest.clone())];
    let part = Section {
        id: "forward",
        title: "Put it forward".to_owned(),
        lead: format!("Revision {}, exactly as it stands above: {digest}.", opened.item.summary.revision),
        action: None,
        blocks: vec![form.block(visit, refused)?],
    };
    Block::of(&part).map(Some)
}

/// The steps to other states that this person may take now.
fn steps(
    visit: &Visit<'_>,
    opened: &Opened<'_>,
    refused: Option<&Refused<'_>>,
) -> Result<Option<Block>, Refusal> {
    let next: Vec<(String, String)> = opened
        .item
        .next_states
        .iter()
        .filter_map(|name| opened.register.state(name))
        .map(|state| (state.name.clone(), state.title.clone()))
        .collect();
    let is_refused = refused.is_some_and(|refused| refused.id == "state");
    if next.is_empty() && !is_refused {
        return Ok(None);
    }
    let fields = vec![
        Field::new("state", "To", Kind::Select(next)),
        Field::new("reason", "Reason", Kind::Line).hint("For the reader of the history."),
    ];
    let mut form = Form::new("state", format!("{}/state", opened.path), "Move it", fields);
    form.version = Some(opened.item.summary.version);
    form.consequence = "In a state that has ended nothing is written and nothing counts; what leads out of it, if anything does, takes a second person.";
    let block = form.folded(visit, "Move to another state", refused)?;
    section("change", "Change", vec![block]).map(Some)
}

fn history_part(visit: &Visit<'_>, opened: &Opened<'_>) -> Result<Block, Refusal> {
    // Comments stand in a part of their own.
    let events: Vec<Event> =
        opened.history.events.iter().filter(|event| event.kind != "noted").take(EVENTS).cloned().collect();
    let more = opened.history.events.len() > events.len();
    let part = Section {
        id: "history",
        title: "History".to_owned(),
        lead: String::new(),
        action: more.then(|| Action { label: "See all of it", href: format!("{}/history", opened.path) }),
        blocks: vec![item_history::block(visit, opened.register, &events)?],
    };
    Block::of(&part)
}

/// The whole history.
pub(crate) fn history(visit: &Visit<'_>) -> Answered {
    let opened = opened(visit)?;
    let mut trail = opened.trail();
    trail.push((opened.name.clone(), opened.path.clone()));
    let lead = if opened.history.more {
        "The newest records about it; older ones are in the ledger."
    } else {
        "Every record about it, with what each revision changed."
    };
    visit.show(Content {
        trail,
        lead: lead.to_owned(),
        blocks: vec![item_history::block(visit, opened.register, &opened.history.events)?],
        ..Content::titled(&format!("History of {}", opened.name))
    })
}
