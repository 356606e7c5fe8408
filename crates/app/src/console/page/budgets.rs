//! Budgets: those in force with what is used of them now, those ended apart, and one with its alerts, its history and the forms that change it.
//!
//! Promises: numbers are those of the API; what is only reserved is told apart. Must never: show a budget that cannot be read as one with room.

use tabellion_model::{CredentialId, SystemId};

use super::budget_form;
use super::versions::{self, Version};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section, fold, section};
use crate::console::cell::Cell;
use crate::console::form::Refused;
use crate::console::gauge::{Gauge, gauges};
use crate::console::link::Link;
use crate::console::money;
use crate::console::table::{Column, Listing, Row, Rows, column, in_order, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count, machine_time};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::budget_alerts::Alert;
use crate::work::budgets::{Amounts, Budget, BudgetVersion, Says, ScopeForm, StateForm, WindowForm};

/// Budgets that have a bar on the list; the table has all.
const BARS: usize = 12;

const COLUMNS: &[Column] = &[
    column("name", "Budget"),
    column("state", "State"),
    column("whose", "Whose calls"),
    column("window", "In"),
    column("money", "Money"),
    column("tokens", "Tokens"),
    column("calls", "Calls"),
    column("used", "Most used of a cap"),
    column("alerts", "Alerts"),
    more("begins", "Begins anew"),
    more("note", "Why"),
    more("entry", "Entry"),
];
const ALERTS: &[Column] = &[
    column("alert", "When"),
    column("percent", "Share"),
    column("cap", "Of"),
    column("limit", "Cap then"),
    column("taken", "Used then"),
    column("stands", "Of the window of now"),
    column("resolved", "Over because"),
    column("record", "Entry"),
];
const HISTORY: &[Column] = &[
    column("version", "Version"),
    column("at", "When"),
    column("by", "By"),
    column("says", "What it says"),
    column("why", "Why"),
    column("recorded", "Entry"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let all = visit.desk.budgets(visit.actor()?)?.budgets;
    let (ended, held): (Vec<Budget>, Vec<Budget>) =
        all.into_iter().partition(|budget| budget.state == StateForm::Ended);
    let listing = listing("budgets", "Budgets", "name or note", visit);
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows(visit, held.iter().chain(&ended))?)).into());
    }
    let bars = held.iter().take(BARS).flat_map(|budget| bars(budget, true)).collect();
    let mut blocks = vec![gauges(bars)?, listing.table(visit, Rows::All(rows(visit, held.iter())?))?];
    if !ended.is_empty() {
        let listing = listing_without_tools("ended", "Budgets that were ended");
        let table = listing.table(visit, in_order(rows(visit, ended.iter())?))?;
        blocks.push(fold("ended", "Ended", false, table)?);
    }
    let content = Content {
        lead: "A budget stops a call before it is sent. What calls under way may take is reserved, and counts as used.".to_owned(),
        action: visit.can(Permission::ChangeBudgets).then(set_one),
        blocks,
        ..Content::titled("Budgets")
    };
    visit.show(content)
}

fn set_one() -> Action {
    Action { label: "Set a budget", href: "/budgets/new".to_owned() }
}

/// The budgets that hold for a system and its keys, with the way to all and to what was spent.
pub(crate) fn of_system(visit: &Visit<'_>, system: SystemId) -> Result<Block, Refusal> {
    let mut own = Vec::new();
    for budget in visit.desk.budgets(visit.actor()?)?.budgets {
        if budget.state != StateForm::Ended && is_of(visit, &budget, system)? {
            own.push(budget);
        }
    }
    let mut blocks = vec![gauges(own.iter().take(BARS).flat_map(|budget| bars(budget, true)).collect())?];
    let listing = listing_without_tools("system-budgets", "Budgets of this system and its keys");
    blocks.push(listing.table(visit, in_order(rows(visit, own.iter())?))?);
    let part = Section {
        id: "budgets",
        title: "Budgets".to_owned(),
        lead: "Those of everybody's calls stand in the list of all.".to_owned(),
        action: Some(Action { label: "See all budgets", href: "/budgets".to_owned() }),
        blocks,
    };
    Block::of(&part)
}

/// Whether a budget is for calls of this system alone.
fn is_of(visit: &Visit<'_>, budget: &Budget, system: SystemId) -> Result<bool, Refusal> {
    let Some(says) = &budget.says else { return Ok(false) };
    let subject = says.subject.as_deref();
    Ok(match says.scope {
        ScopeForm::System => subject.and_then(SystemId::from_hex) == Some(system),
        ScopeForm::Key => match subject.and_then(CredentialId::from_hex) {
            Some(key) => visit.desk.views().credential(&key)?.is_some_and(|row| row.system == system),
            None => false,
        },
        // Callers are no system's.
        ScopeForm::Tenant | ScopeForm::Person | ScopeForm::Team | ScopeForm::Agent => false,
    })
}

fn listing(id: &'static str, caption: &'static str, search: &'static str, visit: &Visit<'_>) -> Listing {
    let empty = nothing(
        "No budget holds",
        "A budget caps money, tokens or calls of a person, a team, an agent, a key, a system or everybody, in a day, a month or for ever. Without one nothing but a provider's bill ends what calls take.",
        visit.can(Permission::ChangeBudgets).then(set_one),
    );
    Listing::plain(id, caption, COLUMNS, empty).searched(search)
}

fn listing_without_tools(id: &'static str, caption: &'static str) -> Listing {
    Listing::plain(
        id,
        caption,
        COLUMNS,
        nothing("No budget is for it alone", "Somebody with the right to set budgets can.", None),
    )
}

fn rows<'b>(visit: &Visit<'_>, budgets: impl Iterator<Item = &'b Budget>) -> Result<Vec<Row>, Refusal> {
    budgets.map(|budget| row(visit, budget)).collect()
}

fn row(visit: &Visit<'_>, budget: &Budget) -> Result<Row, Refusal> {
    let href = visit.to(&path(budget));
    let (says, used) = (budget.says.as_ref(), budget.used);
    let of = |cap: Option<u64>, used: Option<u64>| match (cap, used) {
        (Some(cap), Some(used)) => Cell::quantity(&format!("{} of {}", count(used), count(cap)), used),
        _ => Cell::unknown("–"),
    };
    let money =
        says.and_then(|says| says.micros.zip(says.currency)).zip(used).map(|((cap, currency), used)| {
            let text = format!("{} of {}", money::amount(used.micros), money::shown(cap, currency));
            Cell::quantity(&text, used.micros)
        });
    let standing = budget.alerts.iter().filter(|alert| alert.stands).count() as u64;
    let cells = vec![
        Cell::text(&budget.name).to(href.clone()),
        Cell::state(state(budget.state)),
        whose(visit, says)?,
        says.map_or_else(|| Cell::unknown("–"), |says| Cell::text(window(says.window))),
        money.unwrap_or_else(|| Cell::unknown("–")),
        of(says.and_then(|says| says.tokens), used.map(|used| used.tokens)),
        of(says.and_then(|says| says.calls), used.map(|used| used.calls)),
        most_used(budget)
            .map_or_else(|| Cell::unknown("–"), |percent| Cell::quantity(&format!("{percent} %"), percent)),
        if standing == 0 { Cell::unknown("none") } else { Cell::number(standing) },
        budget.to.map_or_else(|| Cell::unknown("never"), |to| visit.time(to.0)),
        Cell::maybe(budget.note.as_deref(), "erased"),
        visit.entry(budget.changed.index),
    ];
    Ok(Row { href, cells })
}

/// The page of a budget, whose name is a short word.
pub(super) fn path(budget: &Budget) -> String {
    format!("/budgets/{}", budget.name)
}

pub(super) fn state(state: StateForm) -> (&'static str, Tone) {
    match state {
        StateForm::Within => ("Within", Tone::Good),
        StateForm::NearlyUsed => ("Nearly used up", Tone::Fair),
        StateForm::Used => ("Used up", Tone::Bad),
        StateForm::Ended => ("Ended", Tone::Quiet),
        StateForm::Unreadable => ("Erased: every call is denied", Tone::Bad),
    }
}

fn window(window: WindowForm) -> &'static str {
    match window {
        WindowForm::Day => "a day",
        WindowForm::Month => "a month",
        WindowForm::Total => "all time",
    }
}

fn whose(visit: &Visit<'_>, says: Option<&Says>) -> Result<Cell, Refusal> {
    let Some(says) = says else { return Ok(Cell::unknown("–")) };
    let subject = says.subject.as_deref();
    Ok(match says.scope {
        ScopeForm::Tenant => Cell::text("everybody's"),
        ScopeForm::System => match subject.and_then(SystemId::from_hex) {
            Some(id) => visit.names.system(visit.desk, id)?,
            None => Cell::unknown("erased"),
        },
        ScopeForm::Key => match subject.and_then(CredentialId::from_hex) {
            Some(id) => visit.who(id)?,
            None => Cell::unknown("erased"),
        },
        ScopeForm::Person => behind("person", subject),
        ScopeForm::Team => behind("team", subject),
        ScopeForm::Agent => behind("agent", subject),
    })
}

/// Somebody behind calls, as records of calls have them.
fn behind(kind: &str, subject: Option<&str>) -> Cell {
    subject.map_or_else(|| Cell::unknown("erased"), |name| Cell::text(&format!("{kind} {name}")))
}

/// Each cap with what is used and reserved of it: what of, in words, and the three amounts.
fn caps(budget: &Budget) -> Vec<(&'static str, String, (u64, u64, u64))> {
    let (Some(says), Some(used)) = (&budget.says, budget.used) else { return Vec::new() };
    let reserved = budget.reserved.unwrap_or(Amounts { micros: 0, tokens: 0, calls: 0 });
    let mut caps = Vec::new();
    if let Some((cap, currency)) = says.micros.zip(says.currency) {
        let said = format!(
            "{} of {} used, {} of that reserved",
            money::amount(used.micros),
            money::shown(cap, currency),
            money::amount(reserved.micros)
        );
        caps.push(("Money", said, (used.micros, reserved.micros, cap)));
    }
    let counts = [
        ("Tokens", says.tokens, used.tokens, reserved.tokens),
        ("Calls", says.calls, used.calls, reserved.calls),
    ];
    for (label, cap, used, reserved) in counts {
        let Some(cap) = cap else { continue };
        let under_way = if label == "Calls" { "under way" } else { "reserved" };
        let said = format!("{} of {} used, {} of that {under_way}", count(used), count(cap), count(reserved));
        caps.push((label, said, (used, reserved, cap)));
    }
    caps
}

/// The largest share of a cap that is used, in per cent.
fn most_used(budget: &Budget) -> Option<u64> {
    let share = |(_, _, (used, _, cap)): &(&str, String, (u64, u64, u64))| {
        let share = (u128::from(*used) * 100).checked_div(u128::from(*cap)).unwrap_or(100);
        u64::try_from(share).unwrap_or(u64::MAX)
    };
    caps(budget).iter().map(share).max()
}

/// A bar for each cap; `named`: with the budget's name.
fn bars(budget: &Budget, named: bool) -> Vec<Gauge> {
    let (_, tone) = state(budget.state);
    caps(budget)
        .into_iter()
        .map(|(label, said, amounts)| {
            let label =
                if named { format!("{}, {}", budget.name, label.to_lowercase()) } else { label.to_owned() };
            Gauge::new(label, said, tone, amounts)
        })
        .collect()
}

/// One budget.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// One budget, with a form that was refused.
pub(super) fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let name = visit.parts.text("budget");
    let budget = visit.desk.budget(visit.actor()?, name)?;
    let mut blocks = vec![gauges(bars(&budget, false))?, facts(visit, &budget)?];
    if !budget.alerts.is_empty() {
        blocks.push(section("alerts", "Shares that were passed", vec![alerts(visit, &budget)?])?);
    }
    let versions = visit.desk.budget_history(visit.actor()?, name)?.versions;
    blocks.push(section("history", "History", vec![history(visit, &versions)?])?);
    if visit.can(Permission::ChangeBudgets) {
        let forms = budget_form::forms(visit, &budget, refused)?;
        // What was refused is read before anything else.
        let place = if refused.is_some() { 0 } else { blocks.len() };
        if visit.moment.is_none() {
            blocks.insert(place, section("change", "Change", forms)?);
        }
    }
    let content = Content {
        trail: vec![("Budgets".to_owned(), "/budgets".to_owned())],
        lead: Cell::maybe(budget.note.as_deref(), "What was said of it is erased.").text,
        badges: vec![Cell::state(state(budget.state))],
        action: Some(Action { label: "See what was spent", href: "/costs".to_owned() }),
        blocks,
        ..Content::titled(&format!("Budget {}", budget.name))
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, budget: &Budget) -> Result<Block, Refusal> {
    let says = budget.says.as_ref();
    let number = |cap: Option<u64>| cap.map_or_else(|| Cell::unknown("not capped"), Cell::number);
    let mut facts = Facts::default().with("Whose calls", whose(visit, says)?);
    if let Some(says) = says {
        let alert_at: Vec<String> = says.alert_at.iter().map(|share| format!("{share} %")).collect();
        facts = facts
            .with("In", Cell::text(window(says.window)))
            .with("Calls in a minute", number(says.calls_per_minute))
            .with("Calls at the same time", number(says.calls_at_once))
            .with(
                "Nearly used up from",
                says.alert_percent
                    .map_or_else(|| Cell::unknown("not set"), |share| Cell::text(&format!("{share} %"))),
            )
            .with("Recorded at", Cell::maybe(Some(&alert_at.join(", ")), "no share"));
    }
    if let Some(from) = budget.from {
        facts = facts
            .with("This window began", visit.time(from.0))
            .with("Begins anew", budget.to.map_or_else(|| Cell::unknown("never"), |to| visit.time(to.0)));
    }
    if let Some(list) = calls_of(budget) {
        facts = facts.with("Calls in this window", Cell::text("see them, denied ones too").to(list.href()));
    }
    facts.with("Newest record", visit.entry(budget.changed.index)).block()
}

/// The calls that a budget is for, in its window of now.
fn calls_of(budget: &Budget) -> Option<Link> {
    let (says, from) = (budget.says.as_ref()?, budget.from?);
    let list = Link::to("/calls");
    let list = match says.scope {
        ScopeForm::Tenant => list,
        ScopeForm::System => list.with_some("system", says.subject.as_deref()),
        ScopeForm::Key => list.with_some("key", says.subject.as_deref()),
        // The list of calls is not narrowed down by who was behind them.
        ScopeForm::Person | ScopeForm::Team | ScopeForm::Agent => return None,
    };
    Some(if says.window == WindowForm::Total { list } else { list.with("from", &machine_time(from.0)) })
}

fn alerts(visit: &Visit<'_>, budget: &Budget) -> Result<Block, Refusal> {
    let currency = budget.says.as_ref().and_then(|says| says.currency);
    let row = |alert: &Alert| {
        let amount = |amount: Option<u64>| match (amount, alert.cap, currency) {
            (None, ..) => Cell::unknown("erased"),
            (Some(micros), Some("micros"), Some(currency)) => {
                Cell::quantity(&money::shown(micros, currency), micros)
            }
            (Some(micros), Some("micros"), None) => Cell::quantity(&money::amount(micros), micros),
            (Some(amount), ..) => Cell::number(amount),
        };
        let cap = alert.cap.map(|cap| if cap == "micros" { "money" } else { cap });
        let stands = if alert.stands { ("Yes", Tone::Fair) } else { ("No longer", Tone::Quiet) };
        let resolved = match &alert.resolved {
            None => Cell::unknown(if alert.stands { "it stands" } else { "not on record yet" }),
            Some(resolved) => {
                let words = match resolved.end {
                    Some("window_over") => "its window ended",
                    Some("cap_changed") => "the cap was changed",
                    Some(_) => "the budget was ended",
                    None => "erased",
                };
                let place = visit.entry(resolved.recorded.index);
                Cell { title: place.text, ..Cell::text(words).to(place.href) }
            }
        };
        let cells = vec![
            visit.time(alert.at.0),
            alert.percent.map_or_else(
                || Cell::unknown("erased"),
                |share| Cell::quantity(&format!("{share} %"), share),
            ),
            Cell::maybe(cap, "erased"),
            amount(alert.limit),
            amount(alert.used),
            Cell::state(stands),
            resolved,
            visit.entry(alert.recorded.index),
        ];
        Row { href: String::new(), cells }
    };
    let listing = Listing::plain(
        "alerts",
        "Shares that were passed",
        ALERTS,
        nothing("No share was passed", "A share that is set here is recorded when it is passed.", None),
    );
    listing.table(visit, in_order(budget.alerts.iter().map(row).collect()))
}

fn history(visit: &Visit<'_>, versions: &[BudgetVersion]) -> Result<Block, Refusal> {
    let versions = versions.iter().map(|version| Version {
        number: version.version,
        at: version.at,
        by: &version.by,
        ended: version.ended,
        says: version.says.as_ref().map(in_words),
        note: version.note.as_deref(),
        entry: version.recorded.index,
    });
    versions::history(visit, HISTORY, "Every version of a budget is a record.", versions)
}

/// The limits of a version, in a line.
fn in_words(says: &Says) -> String {
    let money = says.micros.zip(says.currency).map(|(micros, currency)| money::shown(micros, currency));
    let counted = |cap: Option<u64>, of: &str| cap.map(|cap| format!("{} {of}", count(cap)));
    let parts = [
        money,
        counted(says.tokens, "tokens"),
        counted(says.calls, "calls"),
        counted(says.calls_per_minute, "calls a minute"),
        counted(says.calls_at_once, "calls at once"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
