//! Guards: whether each stops what it must, on each route, by what probes showed.
//!
//! Promises: a state is shown with the record that it stands on. Must never: call a route guarded because a configuration says so.

use super::configuration;
use crate::console::answer::{Answered, Reply};
use crate::console::block::{Block, Facts, Note, section};
use crate::console::cell::Cell;
use crate::console::form::{Form, Refused};
use crate::console::link::Link;
use crate::console::table::{Column, Listing, Row, Rows, column, in_order, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count, counted};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::measurements::{Measured, State as MeasureState};
use crate::work::probes::{Place, Probes, State};

/// The form that sends canaries.
const RUN: &str = "probe-guards";
/// Where the page is.
const PATH: &str = "/guards";
/// Seconds of a day.
const DAY_S: u64 = 24 * 60 * 60;

const COLUMNS: &[Column] = &[
    column("surface", "Route"),
    column("guard", "Guard"),
    column("side", "Looks at"),
    column("stream", "Answer"),
    column("state", "State"),
    column("result", "Newest canary"),
    column("at", "Tried"),
    column("upstream", "In place of"),
    column("why", "Why"),
    more("version", "Version"),
];

/// Columns of what guards found of the corpus. What is chosen of the places' columns is not chosen of these.
const MEASURED: &[Column] = &[
    column("of_guard", "Guard"),
    column("of_class", "Looks for"),
    column("of_state", "State"),
    column("of_found", "Found"),
    column("of_false", "False hits"),
    column("of_untested", "Not tested"),
    column("of_at", "Measured"),
    more("of_version", "Version"),
    column("of_missed", "Missed"),
    more("of_hit", "Hit wrongly"),
    column("of_why", "Why not tested"),
];

/// How every guard stands.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Sends a canary to each.
pub(crate) fn run(visit: &Visit<'_>) -> Answered {
    match visit.desk.run_probes() {
        Ok(probes) => {
            let entry = probes.newest.map(|round| round.recorded.index.to_string());
            Ok(Reply::See(Link::to(PATH).with_some("sent", entry.as_deref()).href()).into())
        }
        Err(refusal) => visit.again(RUN, &refusal, page),
    }
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let probes = visit.desk.probes()?;
    let mut places: Vec<&Place> = probes.places.iter().collect();
    // What can be bypassed is read first.
    places.sort_by_key(|place| std::cmp::Reverse(place.state));
    let round = probes.newest.as_ref().map(|round| round.recorded.index);
    let rows = places.into_iter().map(|place| row(visit, place, round)).collect();
    let listing = Listing::plain(
        "guards",
        "Guards by route",
        COLUMNS,
        nothing(
            "No gateway runs here",
            "Guards are tried where a gateway has a provider. Until then nothing is enforced here, and nothing proven.",
            None,
        ),
    );
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks =
        vec![facts(visit, &probes)?, listing.table(visit, Rows::All(rows))?, measurement(visit, &probes)?];
    blocks.push(configuration::lately(visit, &["guard.", "probes"])?);
    // The gateway records a round, so the shell, which says what the reader recorded, does not speak of it.
    if let Some(round) =
        probes.newest.as_ref().filter(|round| visit.query.number("sent") == Some(round.recorded.index))
    {
        let index = round.recorded.index;
        let note = Note {
            tone: if round.got_through == 0 { Tone::Good } else { Tone::Bad },
            title: format!("Canaries were sent: recorded at #{}", count(index)),
            text: format!(
                "{} stopped, {} flagged, {} got through, {} not tested.",
                round.stopped, round.flagged, round.got_through, round.untested
            ),
            action: None,
        };
        blocks.insert(0, Block::of(&note)?);
    }
    if visit.can(Permission::ProbeGuards) && probes.has_gateway {
        let mut form = Form::new(RUN, PATH.to_owned(), "Send canaries now", Vec::new());
        form.consequence = "Each guard gets a canary through the whole path of the gateway, but for the provider. What comes of it is on record.";
        let form = section("probe", "Try them now", vec![form.block(visit, refused)?])?;
        // What was refused is read before anything else.
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, form);
    }
    let content = Content {
        lead: "Whether guards and masking stop what they must: proven by a canary that was stopped, set up but not proven, or open to be bypassed. Guards that look when a call is over (when = \"after\") stop nothing and are not tried."
            .to_owned(),
        blocks,
        ..Content::titled("Guards")
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, probes: &Probes) -> Result<Block, Refusal> {
    let every = match (probes.has_gateway, probes.every_s) {
        (false, _) => Cell::unknown("no gateway runs here"),
        (true, None) => Cell::state(("Off: only when somebody asks", Tone::Fair)),
        (true, Some(seconds)) => Cell::text(&format!("every {}", counted(seconds / 60, "minute", "minutes"))),
    };
    let then = if probes.denies { "calls that the guard is for are denied" } else { "calls go on" };
    let mut facts =
        Facts::default().with("Canaries are sent", every).with("When one gets through", Cell::text(then));
    facts = match &probes.newest {
        None => facts.with("Newest round", Cell::unknown("there was none")),
        Some(round) => facts
            .with("Newest round", visit.time(round.at.0))
            .with("Stopped", Cell::number(round.stopped))
            .with("Flagged", Cell::number(round.flagged))
            .with("Got through", Cell::number(round.got_through))
            .with("Not tested", Cell::number(round.untested))
            .with("Record", visit.entry(round.recorded.index)),
    };
    for route in &probes.routes {
        facts = facts.with(route.surface.clone(), state(route.state));
    }
    facts.block()
}

/// How much each guard found of what it must find.
fn measurement(visit: &Visit<'_>, probes: &Probes) -> Result<Block, Refusal> {
    let every = match (probes.has_gateway, probes.corpus_s) {
        (false, _) => Cell::unknown("no gateway runs here"),
        (true, None) => Cell::state(("Off: only when somebody asks", Tone::Fair)),
        (true, Some(seconds)) => Cell::text(&format!("every {}", counted(seconds / DAY_S, "day", "days"))),
    };
    let facts = Facts::default().with("Guards are measured", every);
    let facts = match &probes.measurement {
        None => facts.with("Newest measurement", Cell::unknown("there was none")),
        Some(newest) => facts
            .with("Newest measurement", visit.time(newest.at.0))
            .with("Corpus", Cell::maybe(newest.corpus.as_deref(), "erased"))
            .with("Record", visit.entry(newest.recorded.index)),
    };
    let listing = Listing::plain(
        "measured",
        "What guards found of the corpus",
        MEASURED,
        nothing("No guard is set up here", "Guards are measured where a gateway has one.", None),
    );
    let rows = probes.measured.iter().map(|guard| measured(visit, guard)).collect();
    section("measured", "Measured", vec![facts.block()?, listing.table(visit, in_order(rows))?])
}

fn measured(visit: &Visit<'_>, guard: &Measured) -> Row {
    let share = |percent: Option<u64>, of: u64, from: u64| match (percent, from) {
        (_, 0) => Cell::unknown("nothing tried"),
        (Some(percent), _) => Cell::quantity(&format!("{of} of {from} ({percent} %)"), percent),
        // Only the numbers of then: nothing follows from them now.
        (None, _) => Cell::text(&format!("{of} of {from}, then")),
    };
    let cells = vec![
        Cell::text(&guard.guard),
        Cell::maybe(guard.class.as_deref(), "its own settings"),
        match guard.state {
            // That it was measured says nothing of how good it is.
            MeasureState::Measured => Cell::text("Measured"),
            MeasureState::Stale => Cell::state(("Stale", Tone::Fair)),
            MeasureState::Unmeasured => Cell::state(("Not measured", Tone::Fair)),
        },
        share(guard.found_percent, guard.stopped.saturating_add(guard.flagged), guard.tried),
        share(guard.false_percent, guard.benign_hit, guard.benign_tried),
        Cell::number(guard.untested),
        guard.at.map_or_else(|| Cell::unknown("never"), |at| visit.time(at.0)),
        Cell::code(&guard.version),
        Cell::long(&guard.missed.join(" ")),
        Cell::long(&guard.hit.join(" ")),
        Cell::maybe(guard.why.as_deref(), "nothing to say"),
    ];
    Row { href: String::new(), cells }
}

fn row(visit: &Visit<'_>, place: &Place, round: Option<u64>) -> Row {
    let cells = vec![
        Cell::text(&place.surface),
        Cell::text(&place.guard),
        Cell::text(&place.side),
        Cell::text(if place.stream { "stream" } else { "whole" }),
        state(place.state),
        match place.result {
            Some("stopped") => Cell::state(("Stopped", Tone::Good)),
            Some("flagged") => Cell::state(("Flagged", Tone::Good)),
            Some("got_through") => Cell::state(("Got through", Tone::Bad)),
            Some(_) => Cell::state(("Not tested", Tone::Fair)),
            None => Cell::unknown("none was sent"),
        },
        tried(visit, place, round),
        Cell::text(&place.upstream),
        Cell::maybe(place.why.as_deref(), "nothing to say"),
        Cell::code(&place.version),
    ];
    Row { href: String::new(), cells }
}

/// When a place was tried: leads to the record of that round, which names the canaries' calls; they are in no list of calls.
fn tried(visit: &Visit<'_>, place: &Place, round: Option<u64>) -> Cell {
    let Some(at) = place.at else { return Cell::unknown("never") };
    let cell = visit.time(at.0);
    match round.filter(|index| visit.opens(*index)) {
        Some(index) => cell.to(visit.to(&format!("/ledger/{index}"))),
        None => cell,
    }
}

fn state(state: State) -> Cell {
    Cell::state(match state {
        State::Proven => ("Proven", Tone::Good),
        State::Configured => ("Configured, not proven", Tone::Fair),
        State::Bypassable => ("Can be bypassed", Tone::Bad),
    })
}
