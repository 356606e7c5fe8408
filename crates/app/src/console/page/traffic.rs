//! Traffic in numbers: how calls ended and why they were denied, by system, model and provider, what guards came to, and how long answers took.
//!
//! Promises: every number leads to the list that it counts, in which each attempt at a provider is a call of its own; numbers are those of the API.
//! Must never: lead to a list of another length.

use serde_json::{Map, Value};
use tabellion_model::SystemId;
use tabellion_views::query::CallFilter;

use super::home::{Figure, Figures};
use super::{calls, enriched, systems};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Note, Section};
use crate::console::cell::Cell;
use crate::console::chart::{Calls, OverTime};
use crate::console::link::Link;
use crate::console::table::{Column, Filter, Listing, Row, Rows, Takes, column, in_order, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{DAY, Tone, call_state, count, counted, duration, machine_time, moment};
use crate::refusal::{Code, Refusal};
use crate::work::guards::{Looks, OutcomesQuery};
use crate::work::traffic::{CallSum, EndSum, TimesOf, TrafficQuery, TrafficSums};

/// Lines of a table that stands beside others: those with most calls.
const MAX_LINES: usize = 50;
/// What shares are of: tenths of a per cent.
const WHOLE: u64 = 1000;

const ENDS: &[Column] = &[
    column("outcome", "Outcome"),
    column("why", "Reason"),
    column("calls", "Calls"),
    column("share", "Share of all"),
];
const SUMS: &[Column] = &[
    column("of", "Of"),
    column("all", "Calls"),
    column("answered", "Answered"),
    column("not_answered", "Not answered"),
    column("open", "Open"),
    column("denied", "Denied"),
    column("erased", "End erased"),
];
const LOOKS: &[Column] = &[
    column("guard", "Guard"),
    column("side", "Looks at"),
    column("of_system", "System"),
    column("looks", "Looks"),
    column("passed", "Passed"),
    column("flagged", "Flagged"),
    column("blocked", "Stopped it"),
    column("errored", "Could not look"),
    column("not_run", "Did not look"),
    more("version", "Version"),
];
const TIMES: &[Column] = &[
    column("provider", "Provider"),
    column("model", "Model"),
    column("answers", "Answers"),
    column("first", "First byte, half within"),
    column("median", "Half within"),
    column("p95", "95 of 100 within"),
    column("longest", "Longest"),
];

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let query = query(visit)?;
    let sums = visit.desk.traffic_sums(visit.actor()?, &query)?;
    let list = list(&sums, query.system);
    let ends = ends(visit, &sums, &list);
    let listing = listing(visit)?;
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(ends)).into());
    }
    let mut blocks = vec![figures(&sums, &list)?];
    blocks.extend(over_time(visit, &sums, query.system)?);
    blocks.extend(by(visit, &sums, &list)?);
    blocks.push(guards(visit, &sums, query.system)?);
    blocks.extend(enriched(visit, &sums, query.system)?);
    blocks.push(times(visit, &sums)?);
    let content = Content {
        lead: lead(&sums),
        blocks: vec![listing.table(visit, Rows::All(ends))?, Block::of(&OverTime { blocks })?],
        charts: true,
        ..Content::titled("Traffic")
    };
    visit.show(content)
}

/// What detectors said; where it is too much to be counted, that alone is missing.
fn enriched(
    visit: &Visit<'_>,
    sums: &TrafficSums,
    system: Option<SystemId>,
) -> Result<Option<Block>, Refusal> {
    match enriched::in_numbers(visit, (sums.from, sums.to), system) {
        Err(refusal) if refusal.code.status() < 500 => Block::of(&Note {
            tone: Tone::Fair,
            title: "What detectors said is not counted here".to_owned(),
            text: refusal.detail,
            action: None,
        })
        .map(Some),
        told => told,
    }
}

fn lead(sums: &TrafficSums) -> String {
    let window = format!("From {} to {}.", moment(sums.from.0), moment(sums.to.0));
    let attempts = match sums.further_attempts {
        0 => String::new(),
        further => format!(" Of them {}.", counted(further, "is a further attempt", "are further attempts")),
    };
    format!(
        "{window} {}, each attempt at a provider a call of its own, here and in the lists behind the numbers.{attempts}",
        counted(sums.calls, "call", "calls")
    )
}

/// What the address asks for, with the window as the list of calls takes it.
fn query(visit: &Visit<'_>) -> Result<TrafficQuery, Refusal> {
    let mut asked = Map::new();
    if let Some(system) = visit.query.get("system") {
        asked.insert("system".to_owned(), Value::from(system.trim()));
    }
    let read: Result<TrafficQuery, _> = serde_json::from_value(Value::Object(asked));
    let mut query = read.map_err(|error| {
        Refusal::new(Code::Malformed, format!("a filter is not one that can be: {error}"))
    })?;
    query.from = visit.query.get("from").map(calls::time).transpose()?;
    query.to = visit.query.get("to").map(calls::until).transpose()?;
    Ok(query)
}

/// The list of all calls that are counted.
fn list(sums: &TrafficSums, system: Option<SystemId>) -> Link {
    Link::to("/calls")
        .with_some("system", system.map(|system| system.to_hex()).as_deref())
        .with("from", &machine_time(sums.from.0))
        .with("to", &machine_time(sums.to.0))
}

/// A number that leads to what it counts. How calls ended that were open then is not known as of then, so that only denials are a list of their own there.
pub(crate) fn number(visit: &Visit<'_>, calls: u64, list: Link, state: Option<&str>) -> Cell {
    let cell = Cell::number(calls);
    let is_listed = visit.moment.is_none() || state.is_none_or(|state| state == "denied");
    if calls == 0 || !is_listed { cell } else { cell.to(list.with_some("state", state).href()) }
}

fn listing(visit: &Visit<'_>) -> Result<Listing, Refusal> {
    let since = |days: u64| {
        let from = visit.now().0.saturating_sub(days * DAY);
        vec![("from", machine_time(tabellion_model::Micros(from)))]
    };
    Ok(Listing {
        id: "ends",
        caption: "How calls ended",
        columns: ENDS,
        filters: vec![
            systems::filter(visit)?,
            Filter { name: "from", label: "From", takes: Takes::Day },
            Filter { name: "to", label: "Until", takes: Takes::Day },
        ],
        search: "outcome or reason",
        views: vec![("Last 7 days", Vec::new()), ("Last 24 h", since(1)), ("Last 30 days", since(30))],
        empty: nothing(
            "No call in this window",
            "Numbers of calls stand here: how they ended, why some were denied, and for whom. Choose a longer window, or wait for the first call through the gateway.",
            None,
        ),
    })
}

fn ends(visit: &Visit<'_>, sums: &TrafficSums, list: &Link) -> Vec<Row> {
    // A list can be asked for by a reason, and not for those without one.
    let is_alone = |end: &EndSum| sums.ends.iter().filter(|other| other.state == end.state).count() == 1;
    let row = |end: &EndSum| {
        let led = end.code.is_some() || is_alone(end);
        let list = list.clone().with_some("code", end.code.as_deref());
        let calls =
            if led { number(visit, end.calls, list, Some(end.state)) } else { Cell::number(end.calls) };
        let share = (end.calls * WHOLE + sums.calls / 2).checked_div(sums.calls).unwrap_or_default();
        Row {
            href: calls.href.clone(),
            cells: vec![
                Cell::state(call_state(end.state)),
                end.code.as_deref().map_or_else(|| Cell::unknown("–"), Cell::code),
                calls,
                Cell::quantity(&format!("{}.{} %", share / 10, share % 10), share),
            ],
        }
    };
    sums.ends.iter().map(row).collect()
}

fn figures(sums: &TrafficSums, list: &Link) -> Result<Block, Refusal> {
    let of = |state: &str| sums.ends.iter().filter(|end| end.state == state).map(|end| end.calls).sum();
    let figure = |label, number: u64, state: Option<&str>, note: &str, tone| Figure {
        label,
        value: count(number),
        href: list.clone().with_some("state", state).href(),
        note: note.to_owned(),
        tone: if number == 0 { "" } else { tone },
    };
    Block::of(&Figures {
        figures: vec![
            figure("Calls", sums.calls, None, "each attempt is one", ""),
            figure("Answered", of("answered"), Some("answered"), "whole, to the client", ""),
            figure("Denied", of("denied"), Some("denied"), "not let through", "bad"),
            figure("Failed", of("failed"), Some("failed"), "no answer of a provider", "bad"),
        ],
    })
}

fn over_time(
    visit: &Visit<'_>,
    sums: &TrafficSums,
    system: Option<SystemId>,
) -> Result<Option<Block>, Refusal> {
    let (from, to) = (Some(sums.from.0), Some(sums.to.0));
    let filter = CallFilter { system, from, to, ..CallFilter::default() };
    let traffic = visit.desk.traffic(visit.actor()?, filter, Some(visit.size()), to)?;
    let id = system.map(|system| system.to_hex());
    let list = Some(Link::to("/calls").with_some("system", id.as_deref()));
    let title = "Calls over time, one that was tried again once, by its last attempt";
    Calls { id: "calls", title, traffic: &traffic, list }.chart()
}

fn by(visit: &Visit<'_>, sums: &TrafficSums, list: &Link) -> Result<[Block; 3], Refusal> {
    let models = |of: &str| list.clone().with("model", of);
    let providers = |of: &str| list.clone().with("upstream", of);
    let named = |of: &str| Cell::text(of);
    let mut systems = Vec::new();
    for sum in sums.systems.iter().take(MAX_LINES) {
        let id = sum.of.as_deref().and_then(SystemId::from_hex);
        let cell = id.map(|id| visit.names.system(visit.desk, id)).transpose()?;
        // Where one system is looked at, the list is of it already.
        let list = match (id, visit.query.get("system")) {
            (Some(id), None) => Some(list.clone().with("system", &id.to_hex())),
            (Some(_), Some(_)) => Some(list.clone()),
            (None, _) => None,
        };
        systems.push(sum_row(visit, sum, cell.unwrap_or_else(|| Cell::unknown("none")), list.as_ref()));
    }
    let rows = |sums: &[CallSum], to: &dyn Fn(&str) -> Link| -> Vec<Row> {
        let row = |sum: &CallSum| {
            let cell = sum.of.as_deref().map_or_else(|| Cell::unknown("not said, or erased"), named);
            sum_row(visit, sum, cell, sum.of.as_deref().filter(|of| can_be_asked_for(of)).map(to).as_ref())
        };
        sums.iter().take(MAX_LINES).map(row).collect()
    };
    Ok([
        sums_table(visit, "systems", "By system", "", systems)?,
        sums_table(visit, "models", "By model, as it was asked for", "", rows(&sums.models, &models))?,
        sums_table(
            visit,
            "providers",
            "By provider",
            "Calls that were let through; one that was denied went to none.",
            rows(&sums.providers, &providers),
        )?,
    ])
}

/// Whether a name can stand in a field of a filter without hiding or turning what is around it.
pub(super) fn can_be_asked_for(name: &str) -> bool {
    Cell::text(name).text == name
}

/// One line of sums; `list` is of what it counts, where there is such a list.
fn sum_row(visit: &Visit<'_>, sum: &CallSum, of: Cell, list: Option<&Link>) -> Row {
    let led = |calls: u64, state: Option<&str>| match list {
        Some(list) => number(visit, calls, list.clone(), state),
        None => Cell::number(calls),
    };
    // Several outcomes are no list of their own.
    let cells = vec![
        of,
        led(sum.calls, None),
        led(sum.answered, Some("answered")),
        Cell::number(sum.not_answered),
        led(sum.open, Some("open")),
        led(sum.denied, Some("denied")),
        led(sum.erased, Some("erased")),
    ];
    Row { href: String::new(), cells }
}

fn sums_table(
    visit: &Visit<'_>,
    id: &'static str,
    title: &'static str,
    lead: &str,
    rows: Vec<Row>,
) -> Result<Block, Refusal> {
    let listing =
        Listing::plain(id, title, SUMS, nothing("No call in this window", "Choose a longer one.", None));
    part(id, title, lead, None, vec![listing.table(visit, in_order(rows))?])
}

fn part(
    id: &'static str,
    title: &str,
    lead: &str,
    action: Option<Action>,
    blocks: Vec<Block>,
) -> Result<Block, Refusal> {
    Block::of(&Section { id, title: title.to_owned(), lead: lead.to_owned(), action, blocks })
}

fn guards(visit: &Visit<'_>, sums: &TrafficSums, system: Option<SystemId>) -> Result<Block, Refusal> {
    let (from, to) = (Some(sums.from), Some(sums.to));
    let outcomes = visit.desk.guard_outcomes(visit.actor()?, &OutcomesQuery { from, to, system })?;
    let mut rows = Vec::new();
    for looks in outcomes.guards.iter().take(MAX_LINES) {
        rows.push(Row { href: String::new(), cells: looks_cells(visit, looks)? });
    }
    let listing = Listing::plain(
        "guards",
        "What guards came to",
        LOOKS,
        nothing(
            "No guard looked at these calls",
            "A guard is set up by a section [guard.NAME] of the configuration. It stops or flags what must not go to a model or come from one, and every look is on record.",
            None,
        ),
    );
    let all = &outcomes.all;
    let lead = format!(
        "One look for each call and side. {} had no guard; of {} what guards said is erased. What was not looked at is never counted as passed.",
        counted(all.without, "call", "calls"),
        counted(all.erased, "call", "calls")
    );
    let csv = Link::to("/api/v1/guards/outcomes.csv")
        .with("from", &machine_time(sums.from.0))
        .with("to", &machine_time(sums.to.0))
        .with_some("system", system.map(|system| system.to_hex()).as_deref());
    let action = visit.moment.is_none().then(|| Action { label: "Export CSV", href: csv.href() });
    part(
        "guards",
        "What guards came to",
        &lead,
        action.filter(|_| !outcomes.guards.is_empty()),
        vec![listing.table(visit, in_order(rows))?],
    )
}

fn looks_cells(visit: &Visit<'_>, looks: &Looks) -> Result<Vec<Cell>, Refusal> {
    let system = match looks.system.as_deref().and_then(SystemId::from_hex) {
        Some(id) => visit.names.system(visit.desk, id)?,
        None => Cell::unknown("none"),
    };
    let outcomes = &looks.outcomes;
    Ok(vec![
        Cell::text(&looks.guard),
        Cell::text(if looks.side == "prompt" { "Prompts" } else { "Answers" }),
        system,
        Cell::number(looks.looks),
        Cell::number(outcomes.passed),
        Cell::number(outcomes.flagged),
        Cell::number(outcomes.blocked),
        Cell::number(outcomes.errored),
        Cell::number(outcomes.not_run),
        Cell::text(&looks.version),
    ])
}

fn times(visit: &Visit<'_>, sums: &TrafficSums) -> Result<Block, Refusal> {
    let row = |times: &TimesOf| {
        let time = |us: u64| Cell::quantity(&duration(us), us);
        let cells = vec![
            Cell::maybe(times.provider.as_deref(), "erased"),
            Cell::maybe(times.model.as_deref(), "erased"),
            Cell::number(times.calls),
            times.first_byte_median_us.map_or_else(|| Cell::unknown("–"), time),
            time(times.median_us),
            time(times.p95_us),
            time(times.longest_us),
        ];
        Row { href: String::new(), cells }
    };
    let listing = Listing::plain(
        "times",
        "How long answers took",
        TIMES,
        nothing(
            "No answer in this window",
            "How long a call took is in the record of its end, from the request's last byte on.",
            None,
        ),
    );
    let lead = if sums.times_partial {
        "Of the newest answers of the window alone: there are more than are looked at one by one."
    } else {
        "From the request's last byte to the end of the answer, as the records of the ends have it."
    };
    let rows = sums.times.iter().take(MAX_LINES).map(row).collect();
    part("times", "How long answers took", lead, None, vec![listing.table(visit, in_order(rows))?])
}
