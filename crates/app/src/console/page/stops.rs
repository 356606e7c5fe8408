//! Emergency stops: those in force and those lifted with what they did, the form that orders one, and the one by which a second person lifts it.
//!
//! Promises: a time is shown where a record has one, and else that there was none. Must never: call a stop lifted that holds.

use serde_json::json;
use tabellion_model::StopId;
use tabellion_model::body::StopScope;
use tabellion_views::query::{StopEffect, StopRow};

use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, fold, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::shell::stopped;
use crate::console::table::{Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, duration};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::forms::Reason;
use crate::work::stops::NewStop;

/// The form that orders.
const ORDER: &str = "order-stop";
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
    match ordered {
        Ok((stop, written)) => Ok(visit.recorded(&format!("/stops/{}", stop.id), &written)),
        Err(refusal) => {
            let refused = Refused { id: ORDER, typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), Some(&refused))
        }
    }
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
    match lifted {
        Ok((_, written)) => Ok(visit.recorded(&format!("/stops/{id}"), &written)),
        Err(refusal) => {
            let refused = Refused { id: LIFT, typed: &visit.form, refusal: &refusal };
            one(visit, refusal.code.status(), Some(&refused))
        }
    }
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
    let listing = Listing {
        id: "stops",
        caption: "Emergency stops",
        columns: COLUMNS,
        filters: Vec::new(),
        search: "",
        views: Vec::new(),
        empty: nothing(
            "Nothing was ever stopped",
            "A stop refuses every new call in its scope at once and cuts those that run. One person orders it, another lifts it. An exercise shows how long it takes.",
            None,
        ),
    };
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    if visit.can(Permission::OrderStops) {
        let form = order_form().block(visit, refused)?;
        blocks.insert(0, fold(ORDER, "Stop something now", refused.is_some(), form)?);
    }
    let content = Content {
        lead: "What goes through the gateway is stopped at once by one person, and lifted by a second one."
            .to_owned(),
        blocks,
        ..Content::titled("Emergency stops")
    };
    visit.show_with(status, content)
}

fn order_form() -> Form {
    let scopes = [
        ("tenant", "Everything"),
        ("system", "One system, with all its keys"),
        ("key", "One API key"),
        ("model", "One model"),
        ("provider", "One provider"),
    ];
    let scopes = scopes.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec();
    let drill = vec![("yes".to_owned(), "This is an exercise".to_owned())];
    let fields = vec![
        Field::new("scope", "What is stopped", Kind::Select(scopes)),
        Field::new("subject", "Which", Kind::Line).optional().hint(
            "The id of the system or key; the name of the model, with * at its end for all that begin so; the provider's name in the configuration. Nothing for everything.",
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
