//! Emergency stops: those in force and those lifted with what they did, the form that orders one, and the one by which a second person lifts it.
//!
//! Promises: a time is shown where a record has one, and else that there was none. Must never: call a stop lifted that holds.

use serde_json::json;
use tabellion_model::body::{Role, StopScope};
use tabellion_model::{StopId, SystemId};
use tabellion_views::Depth;
use tabellion_views::query::{StopEffect, StopRow};

use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section, fold, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::shell::stopped;
use crate::console::table::{Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, duration, role};
use crate::permission::{Permission, Reach, permitted};
use crate::refusal::Refusal;
use crate::work::forms::Reason;
use crate::work::stops::NewStop;

/// The form that orders.
const ORDER: &str = "order-stop";
/// What a stop is to the record of a call that it refused or cut.
const STOP_ROLE: &str = "stop";
/// The form that lifts.
const LIFT: &str = "lift-stop";

const COLUMNS: &[Column] = &[
    column("what", "What is stopped"),
    column("state", "State"),
    column("when", "Ordered"),
    column("by", "By"),
    column("refused", "Calls refused"),
    column("cut", "Calls cut"),
    column("reason", "Why"),
    more("lifted", "Lifted"),
    more("entry", "Entry"),
];

/// The list, and the form that orders one more.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Orders one.
pub(crate) fn order(visit: &Visit<'_>) -> Answered {
    let form = &visit.form;
    let subject = Some(form.text("subject").trim()).filter(|subject| !subject.is_empty());
    let body = json!({
        "scope": form.text("scope"), "subject": subject, "reason": form.text("reason").trim(), "drill": form.get("drill") == Some("yes"),
    });
    let ordered = visit
        .read::<NewStop>("orderStop", body)
        .and_then(|new| visit.desk.order_stop(visit.actor()?, &visit.given(), &new));
    visit.after(ORDER, ordered, |stop| format!("/stops/{}", stop.id), page)
}

/// One stop.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// Lifts it.
pub(crate) fn lift(visit: &Visit<'_>) -> Answered {
    let id = id(visit)?;
    let lifted = visit
        .read::<Reason>("liftStop", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| visit.desk.lift_stop(visit.actor()?, &visit.given(), id, &why));
    visit.after(LIFT, lifted, |_| format!("/stops/{id}"), one)
}

fn id(visit: &Visit<'_>) -> Result<StopId, Refusal> {
    StopId::from_hex(visit.parts.text("stop")).ok_or_else(|| Refusal::not_found("stop"))
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let mut rows = Vec::new();
    for stop in visit.desk.stop_rows()? {
        let href = visit.to(&format!("/stops/{}", stop.stop));
        let cells = vec![
            what(visit, &stop)?.to(href.clone()),
            state(&stop),
            visit.time(stop.durable_at),
            visit.who(stop.by)?,
            Cell::number(stop.refused),
            Cell::number(stop.cut),
            Cell::maybe(stop.reason.as_deref(), "erased"),
            lifted_at(visit, &stop),
            visit.entry(stop.entry),
        ];
        rows.push(Row { href, cells });
    }
    let listing = Listing::plain(
        "stops",
        "Emergency stops",
        COLUMNS,
        nothing(
            "Nothing was ever stopped",
            "A stop refuses every new call in its scope at once and cuts those that run. One person orders it, another lifts it. An exercise shows how long it takes.",
            None,
        ),
    );
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    if visit.can(Permission::OrderStops) {
        let form = order_form(visit).block(visit, refused)?;
        // A button on a system's or key's page leads here with the form filled in.
        let open = refused.is_some() || visit.query.get("scope").is_some();
        blocks.insert(0, fold(ORDER, "Stop something now", open, form)?);
    }
    let content = Content {
        lead: format!(
            "What goes through the gateway is stopped at once by one person, and lifted by a second one: {}.",
            lifters()
        ),
        blocks,
        ..Content::titled("Emergency stops")
    };
    visit.show_with(status, content)
}

/// Roles that lift stops.
fn lifters() -> String {
    let lifts = |role: &Role| permitted(*role, Permission::LiftStops) != Reach::Nothing;
    let roles: Vec<String> =
        Role::ALL.into_iter().filter(lifts).map(|known| role(known).to_lowercase()).collect();
    match roles.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nobody".to_owned(),
    }
}

/// The part of a system's or key's page that stops it; nothing where the reader may not.
pub(crate) fn offered(
    visit: &Visit<'_>,
    scope: &'static str,
    subject: &str,
    system: SystemId,
) -> Result<Option<Block>, Refusal> {
    if visit.desk.depth() != Depth::Everything {
        // Of a log that is too long to be folded up to then, nobody knows here what was stopped.
        return Ok(None);
    }
    let holds = |stop: &StopRow| match &stop.scope {
        Some(StopScope::System(id)) => scope == "system" && id.to_hex() == subject,
        Some(StopScope::Key(id)) => scope == "key" && id.to_hex() == subject,
        _ => false,
    };
    let in_force = visit.desk.stop_rows()?.into_iter().filter(|stop| stop.lifted.is_none() && holds(stop));
    let stopped: Vec<Cell> = in_force.map(|stop| named(visit, &stop)).collect();
    let may_order = visit.can_change(Permission::OrderStops, system)?;
    if stopped.is_empty() && !may_order {
        return Ok(None);
    }
    let label = if scope == "key" { "Stop this key" } else { "Stop this system" };
    let form = Link::to("/stops").with("scope", scope).with("subject", subject);
    let blocks = if stopped.is_empty() {
        Vec::new()
    } else {
        vec![Facts::default().with_all("Stopped now by", stopped).block()?]
    };
    let part = Section {
        id: "stop",
        title: "Emergency stop".to_owned(),
        lead: format!(
            "Refuses its new calls at once and cuts those that run. Somebody else lifts it: {}.",
            lifters()
        ),
        action: may_order.then(|| Action { label, href: format!("{}#fold-{ORDER}", form.href()) }),
        blocks,
    };
    Block::of(&part).map(Some)
}

/// A stop by when it was ordered, leading to its page.
fn named(visit: &Visit<'_>, stop: &StopRow) -> Cell {
    let at = visit.time(stop.durable_at);
    Cell { text: format!("the stop ordered {}", at.text), ..Cell::text(&at.title) }
        .to(visit.to(&format!("/stops/{}", stop.stop)))
}

/// The stops that the record at `entry` names as what refused or cut its call.
pub(crate) fn of_record(visit: &Visit<'_>, entry: u64) -> Result<Vec<Cell>, Refusal> {
    let view = visit.desk.ledger().reader().entry(entry)?;
    let Some(header) = view.entry.header() else { return Ok(Vec::new()) };
    let parents = header.parents.iter().filter(|parent| parent.role == STOP_ROLE);
    let named_there: Vec<_> = parents.map(|parent| parent.record_id).collect();
    if named_there.is_empty() {
        return Ok(Vec::new());
    }
    let stops = visit.desk.stop_rows()?.into_iter().filter(|stop| named_there.contains(&stop.record_id));
    Ok(stops.map(|stop| named(visit, &stop)).collect())
}

fn order_form(visit: &Visit<'_>) -> Form {
    let scopes = [
        ("tenant", "Everything"),
        ("system", "One system, with all its keys"),
        ("key", "One API key"),
        ("model", "One model"),
        ("provider", "One provider"),
        ("person", "One person behind calls"),
        ("agent", "One agent behind calls"),
    ];
    let scopes = scopes.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec();
    let drill = vec![("yes".to_owned(), "This is an exercise".to_owned())];
    let fields = vec![
        Field::new("scope", "What is stopped", Kind::Select(scopes)).value(visit.query.text("scope")),
        Field::new("subject", "Which", Kind::Line).optional().value(visit.query.text("subject")).hint(
            "The id of the system or key; the name of the model, with * at its end for all that begin so; the provider's name in the configuration; the person or agent as calls show them, corp|4711. Nothing for everything.",
        ),
        Field::new("reason", "Why", Kind::Area(2)).hint("Callers are not told."),
        Field::new("drill", "Exercise", Kind::Checks(drill))
            .optional()
            .hint("It is on record as one, and is in force like any other."),
    ];
    let mut form = Form::new(ORDER, "/stops".to_owned(), "Stop it now", fields);
    form.ends = true;
    form.consequence = "New calls are refused and running ones cut, within two seconds. You cannot lift it yourself: somebody else has to.";
    form
}

fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let stop = visit.desk.stop_row(id(visit)?)?;
    let mut blocks =
        vec![facts(visit, &stop)?, section("report", "What it did", vec![report(visit, &stop)?])?];
    if visit.can(Permission::LiftStops) && stop.lifted.is_none() {
        let fields = vec![Field::new("reason", "Why", Kind::Area(2)).hint("For the reader of the history.")];
        let mut form = Form::new(LIFT, format!("/stops/{}/lift", stop.stop), "Lift the stop", fields);
        form.version = Some(stop.version);
        form.consequence = "Calls are let through again, as far as no other stop holds. Whoever ordered it cannot lift it; an attempt is recorded.";
        let lift = section("lift", "Lift it", vec![form.block(visit, refused)?])?;
        // What was refused is read before anything else.
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, lift);
    }
    let content = Content {
        trail: vec![("Emergency stops".to_owned(), "/stops".to_owned())],
        badges: vec![state(&stop)],
        blocks,
        ..Content::titled(&format!("Stop of {}", stopped(stop.scope.as_ref())))
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, stop: &StopRow) -> Result<Block, Refusal> {
    let drill = match stop.drill {
        Some(true) => Cell::text("yes"),
        Some(false) => Cell::text("no"),
        None => Cell::unknown("erased"),
    };
    let mut facts = Facts::default()
        .with("What is stopped", what(visit, stop)?)
        .with("Ordered by", visit.who(stop.by)?)
        .with("Why", Cell::maybe(stop.reason.as_deref(), "erased"))
        .with("Exercise", drill)
        .with(
            "Who may lift it",
            Cell::text(&format!(
                "{}, and not who ordered it, nor in a session that they let in or that let them in",
                lifters()
            )),
        )
        .with("Record", visit.entry(stop.entry));
    if let Some(lifted) = &stop.lifted {
        facts = facts
            .with("Lifted by", visit.who(lifted.by)?)
            .with("Why it was lifted", Cell::maybe(lifted.reason.as_deref(), "erased"))
            .with("Record of that", visit.entry(lifted.entry));
    }
    facts.block()
}

fn report(visit: &Visit<'_>, stop: &StopRow) -> Result<Block, Refusal> {
    Facts::default()
        .with("Ordered", visit.time(stop.ordered_at))
        .with("Durable", visit.time(stop.durable_at))
        .with("Calls refused", Cell::number(stop.refused))
        .with_all("First call refused", effect(visit, stop, stop.first_refused, "no call was refused"))
        .with("Running calls cut", Cell::number(stop.cut))
        .with_all("Last running call cut", effect(visit, stop, stop.last_cut, "no call was cut"))
        .with("Lifted", lifted_at(visit, stop))
        .block()
}

/// How long after the order something happened, and its record.
fn effect(visit: &Visit<'_>, stop: &StopRow, effect: Option<StopEffect>, none: &str) -> Vec<Cell> {
    let Some(effect) = effect else { return vec![Cell::unknown(none)] };
    let after = effect.at.since(stop.durable_at);
    vec![Cell::quantity(&format!("{} after the order", duration(after)), after), visit.entry(effect.entry)]
}

fn lifted_at(visit: &Visit<'_>, stop: &StopRow) -> Cell {
    stop.lifted.as_ref().map_or_else(|| Cell::unknown("not lifted"), |lifted| visit.time(lifted.at))
}

fn state(stop: &StopRow) -> Cell {
    Cell::state(match (stop.lifted.is_some(), stop.drill == Some(true)) {
        (true, false) => ("Lifted", Tone::Quiet),
        (true, true) => ("Exercise, lifted", Tone::Quiet),
        (false, false) => ("In force", Tone::Bad),
        (false, true) => ("Exercise, in force", Tone::Bad),
    })
}

fn what(visit: &Visit<'_>, stop: &StopRow) -> Result<Cell, Refusal> {
    match &stop.scope {
        Some(StopScope::System(id)) => visit.names.system(visit.desk, *id),
        Some(StopScope::Key(id)) => visit.names.key(visit.desk, visit.actor()?, *id),
        scope => Ok(Cell::text(&stopped(scope.as_ref()))),
    }
}
