//! Rules over numbers: those in force with their numbers, those ended apart, and one with when it fired, its history and the forms that change it.
//!
//! Promises: numbers are those of the API; a number that is not wholly known is shown as a span. Must never: show a rule whose number is unknown as one that holds.

use tabellion_model::SystemId;
use tabellion_model::body::{RuleComparison, RuleMeasure, RuleMetric};
use tabellion_model::charge::Currency;

use super::rule_form;
use super::versions::{self, Version};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section, fold, section};
use crate::console::cell::Cell;
use crate::console::form::Refused;
use crate::console::money;
use crate::console::table::{Column, Listing, Row, Rows, column, in_order, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count, counted, duration};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::rule_forms::{Crossing, Reading};
use crate::work::rules::{Rule, RuleSays, RuleVersion, StateForm};

const COLUMNS: &[Column] = &[
    column("name", "Rule"),
    column("state", "State"),
    column("since", "Since"),
    column("number", "Number"),
    column("says", "Fires when"),
    column("over", "Of"),
    column("observations", "Observations"),
    column("lacking", "Why unknown"),
    more("why", "What for"),
    more("note", "Changed last"),
    more("entry", "Entry"),
];
const CROSSINGS: &[Column] = &[
    column("crossed", "When"),
    column("way", "What"),
    column("found", "Number then"),
    column("threshold", "Threshold then"),
    column("made_of", "Observations then"),
    column("version_then", "Version"),
    column("record", "Entry"),
    more("from", "Window from"),
    more("to", "Window to"),
    more("size", "Log size"),
];
const HISTORY: &[Column] = &[
    column("version", "Version"),
    column("at", "When"),
    column("by", "By"),
    column("said", "Fires when"),
    column("changed", "Why"),
    column("recorded", "Entry"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let all = visit.desk.rules(visit.actor()?)?.rules;
    let (ended, held): (Vec<Rule>, Vec<Rule>) =
        all.into_iter().partition(|rule| rule.state == StateForm::Ended);
    let listing = listing(visit);
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows(visit, held.iter().chain(&ended))?)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows(visit, held.iter())?))?];
    if !ended.is_empty() {
        let listing = Listing::plain(
            "ended",
            "Rules that were ended",
            COLUMNS,
            nothing("No rule was ended", "Ended rules keep their history.", None),
        );
        let table = listing.table(visit, in_order(rows(visit, ended.iter())?))?;
        blocks.push(fold("ended", "Ended", false, table)?);
    }
    let content = Content {
        lead: "A rule watches a number of the ledger. When the number goes beyond the threshold that is a record, and so is its coming back; calls go on.".to_owned(),
        action: visit.can(Permission::ChangeRules).then(set_one),
        blocks,
        ..Content::titled("Metric rules")
    };
    visit.show(content)
}

fn set_one() -> Action {
    Action { label: "Set a rule", href: "/rules/new".to_owned() }
}

/// The rules in force over calls of a system alone; none: there are none.
pub(crate) fn of_system(visit: &Visit<'_>, system: SystemId) -> Result<Option<Block>, Refusal> {
    let is_own = |rule: &Rule| {
        let of = rule.says.as_ref().and_then(|says| says.system.as_deref());
        of.and_then(SystemId::from_hex) == Some(system)
    };
    let mut own = visit.desk.rules(visit.actor()?)?.rules;
    own.retain(is_own);
    if own.is_empty() {
        return Ok(None);
    }
    let listing = Listing::plain(
        "system-rules",
        "Metric rules of this system",
        COLUMNS,
        nothing("No rule is over its calls alone", "Somebody with the right to set rules can.", None),
    );
    let part = Section {
        id: "rules",
        title: "Metric rules".to_owned(),
        lead: "Those over everybody's calls stand in the list of all.".to_owned(),
        action: Some(Action { label: "See all rules", href: "/rules".to_owned() }),
        blocks: vec![listing.table(visit, in_order(rows(visit, own.iter())?))?],
    };
    Block::of(&part).map(Some)
}

fn listing(visit: &Visit<'_>) -> Listing {
    let empty = nothing(
        "No rule is in force",
        "A rule is over calls, denials, errors, guards, tokens, money or durations, of one system or all, in a window of minutes to a month.",
        visit.can(Permission::ChangeRules).then(set_one),
    );
    Listing::plain("rules", "Metric rules", COLUMNS, empty).searched("name, purpose or note")
}

fn rows<'r>(visit: &Visit<'_>, rules: impl Iterator<Item = &'r Rule>) -> Result<Vec<Row>, Refusal> {
    rules.map(|rule| row(visit, rule)).collect()
}

fn row(visit: &Visit<'_>, rule: &Rule) -> Result<Row, Refusal> {
    let href = visit.to(&path(rule));
    let says = rule.says.as_ref();
    let now = says.zip(rule.now.as_ref());
    let cells = vec![
        Cell::text(&rule.name).to(href.clone()),
        Cell::state(state(rule.state)),
        rule.since.map_or_else(|| Cell::unknown("–"), |since| visit.time(since.0)),
        now.map_or_else(|| Cell::unknown("–"), |(says, now)| number(says, now)),
        says.map_or_else(|| Cell::unknown("–"), |says| Cell::long(&in_words(says))),
        over(visit, says)?,
        rule.now.as_ref().map_or_else(|| Cell::unknown("–"), |now| Cell::number(now.observations)),
        rule.now.as_ref().and_then(doubt).map_or_else(|| Cell::unknown("–"), |why| Cell::long(&why)),
        Cell::maybe(says.map(|says| says.why.as_str()), "erased"),
        Cell::maybe(rule.note.as_deref(), "erased"),
        visit.entry(rule.changed.index),
    ];
    Ok(Row { href, cells })
}

/// The page of a rule, whose name is a short word.
pub(super) fn path(rule: &Rule) -> String {
    format!("/rules/{}", rule.name)
}

fn state(state: StateForm) -> (&'static str, Tone) {
    match state {
        StateForm::Holds => ("Holds", Tone::Good),
        StateForm::Fired => ("Fired", Tone::Bad),
        StateForm::Unknown => ("Unknown", Tone::Fair),
        StateForm::Ended => ("Ended", Tone::Quiet),
    }
}

/// What a number is called.
pub(super) fn label(metric: RuleMetric) -> &'static str {
    match metric {
        RuleMetric::Calls => "Calls",
        RuleMetric::Denied => "Share of calls denied",
        RuleMetric::Failed => "Share of calls that the provider failed",
        RuleMetric::Cut => "Share of answers cut",
        RuleMetric::GuardsBlocked => "Share that guards blocked",
        RuleMetric::GuardsFlagged => "Share that guards flagged",
        RuleMetric::GuardsErrored => "Share that guards could not look at",
        RuleMetric::GuardsNotRun => "Share that guards did not look at",
        RuleMetric::Tokens => "Tokens",
        RuleMetric::Cost => "Money",
        RuleMetric::DurationMedian => "Duration that half of the answers took",
        RuleMetric::Duration95 => "Duration that 95 of 100 answers took",
    }
}

/// A number in its unit.
fn amount(metric: RuleMetric, currency: Option<Currency>, number: u64) -> String {
    match (metric.measure(), currency) {
        (RuleMeasure::Share, _) => format!("{}.{:02} %", number / 100, number % 100),
        (RuleMeasure::Rank, _) => duration(number),
        (RuleMeasure::Sum, Some(currency)) => money::shown(number, currency),
        (RuleMeasure::Sum, None) => count(number),
    }
}

/// A number, or a span of numbers where not all is known.
fn span(metric: RuleMetric, currency: Option<Currency>, low: u64, high: Option<u64>) -> String {
    let shown = |number| amount(metric, currency, number);
    match high {
        Some(high) if high == low => shown(low),
        Some(high) => format!("{} to {}", shown(low), shown(high)),
        None => format!("at least {}", shown(low)),
    }
}

fn number(says: &RuleSays, now: &Reading) -> Cell {
    match now.low {
        Some(low) => Cell::quantity(&span(says.metric, says.currency, low, now.high), low),
        None => Cell::unknown("unknown"),
    }
}

/// Why a number does not say how the rule stands; none: it does.
fn doubt(now: &Reading) -> Option<String> {
    let why = match now.lacking {
        Some("too_few") => "fewer observations than the rule asks for".to_owned(),
        Some("too_many") => {
            "more calls in the window than are looked at: a shorter window or one system".to_owned()
        }
        Some("too_young") => "no whole window since the first call".to_owned(),
        Some(_) => "views are being made anew".to_owned(),
        None if now.verdict == "unknown" => {
            format!("nothing is known of {}", counted(now.unknown, "call or look", "calls and looks"))
        }
        None => return None,
    };
    Some(why)
}

/// What a rule says, in a line.
fn in_words(says: &RuleSays) -> String {
    let side = match says.comparison {
        RuleComparison::Above => "above",
        RuleComparison::Below => "below",
    };
    let of = match says.at_least {
        0 => String::new(),
        at_least => format!(", of at least {}", count(at_least)),
    };
    format!(
        "{} {side} {} in {}{of}",
        label(says.metric),
        amount(says.metric, says.currency, says.threshold),
        window(says.window_minutes)
    )
}

fn window(minutes: u64) -> String {
    match minutes {
        _ if minutes.is_multiple_of(24 * 60) => counted(minutes / (24 * 60), "day", "days"),
        _ if minutes.is_multiple_of(60) => counted(minutes / 60, "hour", "hours"),
        _ => counted(minutes, "minute", "minutes"),
    }
}

/// Which calls.
fn over(visit: &Visit<'_>, says: Option<&RuleSays>) -> Result<Cell, Refusal> {
    let Some(says) = says else { return Ok(Cell::unknown("–")) };
    let named = [("guard", &says.guard), ("provider", &says.upstream), ("model", &says.model)];
    let parts = named.iter().filter_map(|(kind, name)| name.as_ref().map(|name| format!("{kind} {name}")));
    let parts: Vec<String> = parts.collect();
    let system = match says.system.as_deref().and_then(SystemId::from_hex) {
        Some(id) => visit.names.system(visit.desk, id)?,
        None => Cell::text("all systems"),
    };
    if parts.is_empty() {
        return Ok(system);
    }
    let text = format!("{}, {}", system.text, parts.join(", "));
    Ok(Cell { href: system.href, ..Cell::long(&text) })
}

/// One rule.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// One rule, with a form that was refused.
pub(super) fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let name = visit.parts.text("rule");
    let rule = visit.desk.rule(visit.actor()?, name)?;
    let versions = visit.desk.rule_history(visit.actor()?, name)?.versions;
    let mut blocks = vec![
        facts(visit, &rule)?,
        section("crossings", "When it fired and resolved", vec![crossings(visit, &rule)?])?,
        section("history", "History", vec![history(visit, &versions)?])?,
    ];
    if visit.can(Permission::ChangeRules) && visit.moment.is_none() {
        let forms = rule_form::forms(visit, &rule, refused)?;
        // What was refused is read before anything else.
        let place = if refused.is_some() { 0 } else { blocks.len() };
        blocks.insert(place, section("change", "Change", forms)?);
    }
    let lead = rule.says.as_ref().map(|says| says.why.as_str()).or(rule.note.as_deref());
    let content = Content {
        trail: vec![("Metric rules".to_owned(), "/rules".to_owned())],
        lead: Cell::maybe(lead, "What was said of it is erased.").text,
        badges: vec![Cell::state(state(rule.state))],
        blocks,
        ..Content::titled(&format!("Rule {}", rule.name))
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, rule: &Rule) -> Result<Block, Refusal> {
    let mut facts = Facts::default();
    if let Some(says) = &rule.says {
        facts = facts
            .with("Fires when", Cell::long(&in_words(says)))
            .with("Of", over(visit, Some(says))?)
            .with("Number in records", Cell::text(says.metric.as_str()));
        facts = match &rule.now {
            None => facts.with("Number", Cell::unknown("not known as of this moment")),
            Some(now) => facts
                .with("Number", number(says, now))
                .with("Made of", Cell::text(&counted(now.observations, "observation", "observations")))
                .with("Not known of", Cell::text(&counted(now.unknown, "call or look", "calls and looks")))
                .with("Window from", visit.time(now.from.0))
                .with("Looked at", visit.time(now.to.0))
                .with("At log size", Cell::number(now.size)),
        };
        if let Some(why) = rule.now.as_ref().and_then(doubt) {
            facts = facts.with("Why unknown", Cell::long(&why));
        }
        if rule.state == StateForm::Unknown && rule.now.as_ref().is_some_and(|now| now.verdict == "beyond") {
            facts = facts.with("Not on record yet", Cell::text("the next look records that it fired"));
        }
    }
    if let Some(since) = rule.since {
        facts = facts.with("So since", visit.time(since.0));
    }
    facts.with("Newest change", visit.entry(rule.changed.index)).block()
}

fn crossings(visit: &Visit<'_>, rule: &Rule) -> Result<Block, Refusal> {
    let currency = rule.says.as_ref().and_then(|says| says.currency);
    let listing = Listing::plain(
        "crossings",
        "When it fired and resolved",
        CROSSINGS,
        nothing("It never fired", "A number that goes beyond the threshold is recorded once.", None),
    );
    let rows = rule.crossings.iter().map(|crossing| crossed(visit, crossing, currency)).collect();
    listing.table(visit, in_order(rows))
}

fn crossed(visit: &Visit<'_>, crossing: &Crossing, currency: Option<Currency>) -> Row {
    let erased = || Cell::unknown("erased");
    let way = if crossing.fired { ("Fired", Tone::Bad) } else { ("Resolved", Tone::Good) };
    let found = crossing.metric.zip(crossing.low).map(|(metric, low)| {
        let currency = currency.filter(|_| metric == RuleMetric::Cost);
        Cell::quantity(&span(metric, currency, low, crossing.high), low)
    });
    let threshold = crossing.metric.zip(crossing.threshold).map(|(metric, threshold)| {
        let currency = currency.filter(|_| metric == RuleMetric::Cost);
        Cell::quantity(&amount(metric, currency, threshold), threshold)
    });
    let cells = vec![
        visit.time(crossing.at.0),
        Cell::state(way),
        found.unwrap_or_else(erased),
        threshold.unwrap_or_else(erased),
        crossing.observations.map_or_else(erased, Cell::number),
        crossing.version.map_or_else(erased, Cell::number),
        visit.entry(crossing.recorded.index),
        crossing.from.map_or_else(erased, |from| visit.time(from.0)),
        crossing.to.map_or_else(erased, |to| visit.time(to.0)),
        crossing.size.map_or_else(erased, Cell::number),
    ];
    Row { href: String::new(), cells }
}

fn history(visit: &Visit<'_>, versions: &[RuleVersion]) -> Result<Block, Refusal> {
    let versions = versions.iter().map(|version| Version {
        number: version.version,
        at: version.at,
        by: &version.by,
        ended: version.ended,
        says: version.says.as_ref().map(in_words),
        note: version.note.as_deref(),
        entry: version.recorded.index,
    });
    versions::history(visit, HISTORY, "Every version of a rule is a record.", versions)
}
