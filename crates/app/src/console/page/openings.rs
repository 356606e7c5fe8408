//! Openings of declared routes: what waits for a second person, what is open until when, what is over; asking, confirming, withdrawing.
//!
//! Promises: beside what is opened stands what nothing looks into. Must never: call open what waits, or what is over.

use serde_json::json;
use tabellion_model::body::Role;
use tabellion_model::{OpeningId, SystemId};
use tabellion_views::Depth;

use super::{opening_form, opening_words, systems};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section, fold, section};
use crate::console::cell::Cell;
use crate::console::form::Refused;
use crate::console::link::Link;
use crate::console::page::calls;
use crate::console::table::{Column, Filter, Listing, Row, Rows, choices, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, day, machine_time, role};
use crate::permission::{Permission, Reach, permitted};
use crate::refusal::Refusal;
use crate::work::calls::CallQuery;
use crate::work::forms::{Reason, Time};
use crate::work::openings::{NewOpening, Opening, StateForm, Step};

pub(crate) use super::opening_words::class;

/// The form that asks.
pub(super) const REQUEST: &str = "request-opening";
/// The form that confirms.
pub(super) const CONFIRM: &str = "confirm-opening";
/// The form that withdraws.
pub(super) const WITHDRAW: &str = "withdraw-opening";
/// Calls that are shown; the list has the rest.
const CALLS: u32 = 5;

const COLUMNS: &[Column] = &[
    column("class", "What"),
    column("system", "System"),
    column("state", "State"),
    column("until", "Ends"),
    column("provider", "Provider"),
    column("asked", "Asked for"),
    column("by", "By"),
    column("confirmed", "Confirmed by"),
    column("reason", "Why"),
    more("withdrawn", "Withdrawn by"),
    more("entry", "Entry"),
];

/// The list, and the form that asks for one more.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Asks for one.
pub(crate) fn request(visit: &Visit<'_>) -> Answered {
    let form = &visit.form;
    let provider = Some(form.text("provider").trim()).filter(|provider| !provider.is_empty());
    let body = json!({
        "system": form.text("system").trim(), "class": form.text("class"), "provider": provider, "until": form.text("until").trim(),
        "reason": form.text("reason").trim(),
    });
    let asked = visit
        .read::<NewOpening>("requestOpening", body)
        .and_then(|new| visit.desk.request_opening(visit.actor()?, &visit.given(), &new));
    visit.after(REQUEST, asked, |opening| format!("/openings/{}", opening.id), page)
}

/// One opening.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// Opens what somebody else asked for.
pub(crate) fn confirm(visit: &Visit<'_>) -> Answered {
    let id = id(visit)?;
    let done = visit
        .read::<Reason>("confirmOpening", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| visit.desk.confirm_opening(visit.actor()?, &visit.given(), id, &why));
    after(visit, CONFIRM, id, done)
}

/// Closes it, or takes the request back.
pub(crate) fn withdraw(visit: &Visit<'_>) -> Answered {
    let id = id(visit)?;
    let done = visit
        .read::<Reason>("withdrawOpening", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| visit.desk.withdraw_opening(visit.actor()?, &visit.given(), id, &why));
    after(visit, WITHDRAW, id, done)
}

fn after(
    visit: &Visit<'_>,
    form: &'static str,
    id: OpeningId,
    done: Result<(Opening, crate::work::Written), Refusal>,
) -> Answered {
    visit.after(form, done, |_| format!("/openings/{id}"), one)
}

fn id(visit: &Visit<'_>) -> Result<OpeningId, Refusal> {
    OpeningId::from_hex(visit.parts.text("opening")).ok_or_else(|| Refusal::not_found("opening"))
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let (state, system) = (visit.query.get("state"), visit.query.get("system"));
    let mut rows = Vec::new();
    for opening in visit.desk.openings()?.openings {
        let is_wanted = state.is_none_or(|state| state == stands(opening.state))
            && system.is_none_or(|system| opening.system.as_deref() == Some(system.trim()));
        if is_wanted {
            rows.push(row(visit, &opening)?);
        }
    }
    let listing = listing(visit)?;
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    if visit.can(Permission::ChangeOpenings) {
        let form = opening_form::request(visit)?.block(visit, refused)?;
        // A button on a system's page leads here with the form filled in.
        let open = refused.is_some() || visit.query.get("ask").is_some();
        blocks.insert(0, fold(REQUEST, "Ask for an opening", open, form)?);
    }
    let content = Content {
        lead: format!(
            "Files, pictures, speech, batches, conversations in real time and other providers' own interfaces pass the gateway unread: not masked, and no guard looks. Each class is closed to every system until two people opened it for that system, until a day. Whoever asked does not confirm: {}.",
            confirmers()
        ),
        blocks,
        ..Content::titled("Openings")
    };
    visit.show_with(status, content)
}

fn listing(visit: &Visit<'_>) -> Result<Listing, Refusal> {
    const STATES: [(&str, &str); 3] =
        [("waiting", "Waiting for a second person"), ("open", "Open"), ("over", "Over")];
    let view = |label, state: &str| (label, vec![("state", state.to_owned())]);
    Ok(Listing {
        id: "openings",
        caption: "Openings",
        columns: COLUMNS,
        filters: vec![
            Filter { name: "state", label: "State", takes: choices(STATES) },
            systems::filter(visit)?,
        ],
        search: "system, provider or reason",
        views: vec![
            ("All", Vec::new()),
            view("Waiting", "waiting"),
            view("Open", "open"),
            view("Over", "over"),
        ],
        empty: nothing(
            "Nothing is open",
            "Every route that the gateway does not look into is closed. Where a system needs one, somebody asks for it here with a reason and a last day, and a second person confirms it.",
            None,
        ),
    })
}

/// One of the three ways in which a list tells openings apart.
fn stands(state: StateForm) -> &'static str {
    match state {
        StateForm::Requested => "waiting",
        StateForm::Open => "open",
        StateForm::Ended | StateForm::Withdrawn | StateForm::Unreadable => "over",
    }
}

fn row(visit: &Visit<'_>, opening: &Opening) -> Result<Row, Refusal> {
    let href = visit.to(&format!("/openings/{}", opening.id));
    let by = |step: Option<&Step>| {
        step.map_or_else(|| Ok(Cell::unknown("nobody")), |step| visit.who_by_id(&step.by))
    };
    let cells = vec![
        opening
            .class
            .map_or_else(|| Cell::unknown("erased"), |class_of| Cell::text(class(class_of)))
            .to(href.clone()),
        its_system(visit, opening)?,
        state(opening.state),
        opening.until.map_or_else(|| Cell::unknown("erased"), |Time(until)| visit.time(until)),
        provider(opening),
        visit.time(opening.requested.at.0),
        visit.who_by_id(&opening.requested.by)?,
        by(opening.confirmed.as_ref())?,
        Cell::maybe(opening.requested.reason.as_deref(), "erased"),
        by(opening.withdrawn.as_ref())?,
        visit.entry(opening.requested.recorded.index),
    ];
    Ok(Row { href, cells })
}

fn system_of(opening: &Opening) -> Option<SystemId> {
    opening.system.as_deref().and_then(SystemId::from_hex)
}

fn its_system(visit: &Visit<'_>, opening: &Opening) -> Result<Cell, Refusal> {
    system_of(opening).map_or_else(|| Ok(Cell::unknown("erased")), |id| visit.names.system(visit.desk, id))
}

fn provider(opening: &Opening) -> Cell {
    let otherwise = if opening.class.is_some() { "every one" } else { "erased" };
    Cell::maybe(opening.provider.as_deref(), otherwise)
}

fn state(state: StateForm) -> Cell {
    Cell::state(match state {
        StateForm::Requested => ("Waits for a second person", Tone::Quiet),
        StateForm::Open => ("Open", Tone::Fair),
        StateForm::Ended => ("Ended", Tone::Quiet),
        StateForm::Withdrawn => ("Withdrawn", Tone::Quiet),
        StateForm::Unreadable => ("Erased, nothing is open", Tone::Quiet),
    })
}

/// Roles that confirm.
pub(super) fn confirmers() -> String {
    let confirms = |role: &Role| permitted(*role, Permission::ConfirmOpenings) != Reach::Nothing;
    let roles: Vec<String> =
        Role::ALL.into_iter().filter(confirms).map(|known| role(known).to_lowercase()).collect();
    match roles.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nobody".to_owned(),
    }
}

fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let opening = visit.desk.opening(id(visit)?)?;
    let mut blocks = vec![facts(visit, &opening)?];
    let forms = opening_form::steps(visit, &opening, refused)?;
    if !forms.is_empty() {
        let part = section("decide", "What can be done", forms)?;
        // What was refused is read before anything else.
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, part);
    }
    blocks.push(section("steps", "Who did what", vec![steps(visit, &opening)?])?);
    blocks.extend(its_calls(visit, &opening)?);
    let name = opening.class.map_or("Opening that is erased", class);
    let content = Content {
        trail: vec![("Openings".to_owned(), "/openings".to_owned())],
        badges: vec![state(opening.state)],
        lead: lead(&opening),
        blocks,
        ..Content::titled(name)
    };
    visit.show_with(status, content)
}

fn lead(opening: &Opening) -> String {
    let until = opening.until.map(|Time(until)| day(until)).unwrap_or_default();
    match opening.state {
        StateForm::Requested => "Nothing is open by it: a second person has to confirm it first.".to_owned(),
        StateForm::Open => format!("Open until {until}, when it ends by itself."),
        StateForm::Ended if opening.confirmed.is_none() => {
            format!("Nobody confirmed it before {until}; nothing was ever open by it.")
        }
        StateForm::Ended => format!("It ended by itself on {until}; nothing is open by it."),
        StateForm::Withdrawn => "It was withdrawn; nothing is open by it.".to_owned(),
        StateForm::Unreadable => "What it was for is erased; nothing is open by it.".to_owned(),
    }
}

fn facts(visit: &Visit<'_>, opening: &Opening) -> Result<Block, Refusal> {
    let mut facts = Facts::default();
    if let Some(class) = opening.class {
        facts = facts
            .with("What it opens", Cell::long(opening_words::opens(class)))
            .with("What nothing looks into", Cell::long(opening_words::unseen(class)))
            .with("What holds all the same", Cell::long(opening_words::HOLDS));
    }
    facts
        .with("For the system", its_system(visit, opening)?)
        .with("At the provider", provider(opening))
        .with(
            "Ends by itself",
            opening.until.map_or_else(|| Cell::unknown("erased"), |Time(until)| visit.time(until)),
        )
        .with(
            "Who may confirm it",
            Cell::text(&format!(
                "{}, and not who asked, nor in a session that they let in or that let them in",
                confirmers()
            )),
        )
        .block()
}

fn steps(visit: &Visit<'_>, opening: &Opening) -> Result<Block, Refusal> {
    let named = [
        ("Asked for", Some(&opening.requested)),
        ("Confirmed", opening.confirmed.as_ref()),
        ("Withdrawn", opening.withdrawn.as_ref()),
    ];
    let mut facts = Facts::default();
    for (name, step) in named {
        let Some(step) = step else {
            facts = facts.with(name, Cell::unknown("no"));
            continue;
        };
        let why = Cell::maybe(step.reason.as_deref(), "its reason is erased");
        let cells =
            vec![visit.who_by_id(&step.by)?, visit.time(step.at.0), why, visit.entry(step.recorded.index)];
        facts = facts.with_all(name, cells);
    }
    facts.block()
}

/// The calls on its routes since it was opened, until it was over; nothing where it never was open, or the reader sees none.
fn its_calls(visit: &Visit<'_>, opening: &Opening) -> Result<Option<Block>, Refusal> {
    let (Some(confirmed), Some(system), Some(class)) =
        (&opening.confirmed, system_of(opening), opening.class)
    else {
        return Ok(None);
    };
    if !visit.can(Permission::ReadCalls) {
        return Ok(None);
    }
    let withdrawn = opening.withdrawn.as_ref().map(|step| step.at);
    let to = [withdrawn, opening.until].into_iter().flatten().min();
    let (route, from) = (opening_words::route(class), confirmed.at);
    let query = CallQuery {
        system: Some(system),
        route: Some(route.to_owned()),
        upstream: opening.provider.clone(),
        from: Some(from),
        to,
        before: visit.moment.map(|moment| moment.size),
        ..CallQuery::default()
    };
    let found = visit.desk.call_rows(visit.actor()?, &query, None, CALLS)?;
    let list = Link::to("/calls")
        .with("system", &system.to_hex())
        .with("route", route)
        .with_some("upstream", opening.provider.as_deref())
        .with("from", &machine_time(from.0))
        .with_some("to", to.map(|Time(to)| machine_time(to)).as_deref());
    let part = Section {
        id: "calls",
        title: "Calls on its routes while it was open".to_owned(),
        lead: "Each is on record with its sizes and digests, and says what did not look.".to_owned(),
        action: Some(Action { label: "See all of them", href: list.href() }),
        blocks: vec![calls::table(visit, "opening-calls", found.rows, None)?],
    };
    Block::of(&part).map(Some)
}

/// The part of a system's page that says what is open to it; nothing where nothing is and the reader may not ask.
pub(crate) fn of_system(visit: &Visit<'_>, system: SystemId) -> Result<Option<Block>, Refusal> {
    if visit.desk.depth() != Depth::Everything || !visit.can(Permission::ReadOpenings) {
        return Ok(None);
    }
    let its = visit.desk.openings()?.openings.into_iter().filter(|one| system_of(one) == Some(system));
    let held: Vec<Opening> = its.filter(|one| stands(one.state) != "over").collect();
    let may_ask = visit.can_change(Permission::ChangeOpenings, system)?;
    if held.is_empty() && !may_ask {
        return Ok(None);
    }
    let mut facts = Facts::default();
    for opening in &held {
        let until = opening.until.map(|Time(until)| day(until)).unwrap_or_default();
        let words = if opening.state == StateForm::Open {
            format!("open until {until}")
        } else {
            "waits for a second person".to_owned()
        };
        let name = opening.class.map_or("Erased", class);
        facts = facts.with(name, Cell::text(&words).to(visit.to(&format!("/openings/{}", opening.id))));
    }
    let form = Link::to("/openings").with("ask", &system.to_hex()).href();
    let part = Section {
        id: "openings",
        title: "Openings".to_owned(),
        lead: "Routes that the gateway does not look into are closed to it, but for these.".to_owned(),
        action: may_ask
            .then(|| Action { label: "Ask for an opening", href: format!("{form}#fold-{REQUEST}") }),
        blocks: if held.is_empty() { Vec::new() } else { vec![facts.block()?] },
    };
    Block::of(&part).map(Some)
}
