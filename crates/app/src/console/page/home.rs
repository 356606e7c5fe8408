//! Home: what is asked of this person, what happened, what changed; one primary action for each role.

use askama::Template;
use tabellion_model::Micros;
use tabellion_model::body::Role;
use tabellion_views::query::{CallFilter, Page};

use crate::console::answer::Answered;
use crate::console::block::{Action, Beside, Block, Note, Section, section};
use crate::console::cell::Cell;
use crate::console::chart::Calls;
use crate::console::link::Link;
use crate::console::page::{calls, coverage, happened, inbox, work_items};
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{DAY, Tone, count, machine_time};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::Actor;
use crate::work::calls::CallQuery;

/// Changes that are shown; the ledger has the rest.
const CHANGES: usize = 8;
/// Changes that are looked through for those within reach.
const LOOKED_THROUGH: u32 = 100;
/// Denied calls that are shown to somebody who sees their own systems alone.
const DENIED: u32 = 5;

/// A number that opens what it counts.
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) href: String,
    pub(crate) note: String,
    pub(crate) tone: &'static str,
}

/// Numbers beside each other.
#[derive(Template)]
#[template(path = "console/figures.html")]
pub(crate) struct Figures {
    pub(crate) figures: Vec<Figure>,
}

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    if matches!(&visit.actor, Some(Actor::Person { roles, .. }) if roles.is_empty()) {
        return without_role(visit);
    }
    // Nothing is asked of anybody in the past.
    let asked = if visit.moment.is_none() { inbox::asked(visit)? } else { Vec::new() };
    let mut blocks = Vec::new();
    blocks.extend(without_policy(visit)?);
    if !asked.is_empty() {
        blocks.push(section("asked", "Asked of you", vec![inbox::table(visit, &asked)?])?);
    }
    blocks.extend(work_items::at_home(visit)?);
    blocks.extend(coverage::part(visit)?);
    match visit.reach(Permission::ReadCalls) {
        Reach::All => {
            let (figures, denials) = traffic(visit)?;
            blocks.push(figures);
            blocks.extend(over_time(visit)?);
            let beside = Beside { blocks: vec![denials, changes(visit)?] };
            blocks.push(Block::of(&beside)?);
        }
        Reach::Own => {
            blocks.extend(over_time(visit)?);
            blocks.extend([own_denials(visit)?, changes(visit)?]);
        }
        Reach::Nothing => blocks.push(changes(visit)?),
    }
    let content = Content {
        lead: lead(visit, asked.len()),
        action: primary(visit),
        blocks,
        charts: true,
        ..Content::titled("Home")
    };
    visit.show(content)
}

/// That nothing is in force, for everybody who may know it: what is denied then looks like any other denial elsewhere.
fn without_policy(visit: &Visit<'_>) -> Result<Option<Block>, Refusal> {
    let asked = visit.moment.is_none() && visit.can(Permission::ReadPolicies);
    if !asked || !visit.desk.is_without_policy()? {
        return Ok(None);
    }
    let text = "Nothing is permitted until a rule permits it: the gateway denies every call, and records that it did. Somebody who may publish policies brings one into force.";
    let may = visit.can(Permission::PublishPolicies);
    Block::of(&Note {
        tone: Tone::Bad,
        title: "No policy is in force: every call is denied".to_owned(),
        text: text.to_owned(),
        action: may.then(|| Action { label: "Publish a policy", href: "/policies/new".to_owned() }),
    })
    .map(Some)
}

/// For somebody who may not do anything yet: whom to ask, by what they are. Names are for whoever may read people.
fn without_role(visit: &Visit<'_>) -> Answered {
    let whom = "Ask whoever sent you your link, or another administrator, for one.";
    let note = Note {
        tone: Tone::Fair,
        title: "You have no role here yet".to_owned(),
        text: format!(
            "{whom} Until then nothing is shown to you. You can sign out at the top, under your name."
        ),
        action: None,
    };
    visit.show(Content { blocks: vec![Block::of(&note)?], ..Content::titled("Home") })
}

fn lead(visit: &Visit<'_>, asked: usize) -> String {
    let waiting = match asked {
        _ if visit.moment.is_some() => "What stood here then.".to_owned(),
        0 => "Nothing waits for you.".to_owned(),
        1 => "One thing waits for you.".to_owned(),
        more => format!("{more} things wait for you."),
    };
    match visit.reach(Permission::ReadCalls) {
        Reach::Own => format!("{waiting} You see the systems that you answer for."),
        _ => waiting,
    }
}

/// The one thing that this role most likely came for.
fn primary(visit: &Visit<'_>) -> Option<Action> {
    let Some(Actor::Person { roles, .. }) = &visit.actor else { return None };
    let action = |label, path: &str| Some(Action { label, href: path.to_owned() });
    match roles.iter().next()? {
        Role::Administrator => action("Add a person", "/people/new"),
        Role::Developer | Role::BusinessOwner => action("Register a system", "/systems/new"),
        Role::GovernanceEngineer => action("Publish a policy", "/policies/new"),
        Role::ComplianceOfficer | Role::Auditor => action("Build a package", "/packages"),
        Role::Approver => action("Open the inbox", "/inbox"),
    }
}

/// What the gateway did in a day: its sums, and why it denied.
fn traffic(visit: &Visit<'_>) -> Result<(Block, Block), Refusal> {
    let now = visit.now();
    let since = Micros(now.0.saturating_sub(DAY));
    // Each attempt is a call of its own, as in the lists that the numbers lead to.
    let sums = visit.desk.views().overview_of_attempts(since, Micros(now.0 + DAY))?;
    let from = machine_time(since);
    let calls = |state: Option<&str>| Link::to("/calls").with_some("state", state).with("from", &from).href();
    let figure = |label, number: u64, href, note: &str, tone| Figure {
        label,
        value: count(number),
        href,
        note: note.to_owned(),
        tone,
    };
    let quiet = |number: u64, tone| if number == 0 { "" } else { tone };
    let total = sums.authorised + sums.denied;
    let share =
        (sums.denied * 100).checked_div(total).map(|share| format!("{share}% of all")).unwrap_or_default();
    let figures = Figures {
        figures: vec![
            figure("Calls", total, calls(None), "let through and denied", ""),
            figure("Denied", sums.denied, calls(Some("denied")), &share, quiet(sums.denied, "bad")),
            figure("Open", sums.open, calls(Some("open")), "no end recorded yet", ""),
            figure(
                "End unknown",
                sums.broken,
                calls(Some("broken")),
                "found open by a start",
                quiet(sums.broken, "bad"),
            ),
        ],
    };
    let denied = sums.denied_by_code.iter().map(|row| {
        let href = Link::to("/calls")
            .with("state", "denied")
            .with_some("code", row.code.as_deref())
            .with("from", &from)
            .href();
        Row {
            href: href.clone(),
            cells: vec![
                row.code.as_deref().map_or_else(|| Cell::unknown("erased"), Cell::code).to(href),
                Cell::number(row.calls),
            ],
        }
    });
    let listing = Listing::plain(
        "denials",
        "Why calls were denied",
        const { &[column("code", "Reason"), column("calls", "Calls")] },
        nothing("No call was denied", "Every call of the last day that was decided was let through.", None),
    );
    let denied = listing.table(visit, Rows::All(denied.collect()))?;
    let part = Section {
        id: "traffic",
        title: "The last 24 hours".to_owned(),
        lead: "Every number opens the calls that it counts, each attempt at a provider a call of its own; the chart has a call that was tried again once, by its last attempt.".to_owned(),
        action: Some(Action { label: "Open traffic", href: Link::to("/traffic").with("from", &from).href() }),
        blocks: vec![Block::of(&figures)?],
    };
    Ok((Block::of(&part)?, section("denials", "Why calls were denied", vec![denied])?))
}

/// Calls of the last day, the one that the figures above count, and what became of them.
fn over_time(visit: &Visit<'_>) -> Result<Option<Block>, Refusal> {
    let since = Micros(visit.now().0.saturating_sub(DAY));
    let filter = CallFilter { from: Some(since), ..CallFilter::default() };
    let traffic = visit.desk.traffic(visit.actor()?, filter, Some(visit.size()), Some(visit.now()))?;
    let list = Some(Link::to("/calls"));
    Calls { id: "calls", title: "Calls of the last 24 hours", traffic: &traffic, list }.chart()
}

fn own_denials(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let query = CallQuery { state: Some("denied".to_owned()), ..CallQuery::default() };
    let rows = visit.desk.call_rows(visit.actor()?, &query, None, DENIED)?;
    let block = calls::table(visit, "denied", rows.rows, None)?;
    section("denied", "Denied lately in your systems", vec![block])
}

fn changes(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let recent = visit.desk.views().history(None, Page { before: None, limit: LOOKED_THROUGH })?;
    let mut rows = Vec::new();
    for row in recent.rows {
        if rows.len() == CHANGES {
            break;
        }
        if happened::within(visit, &row)? {
            rows.push(Row {
                href: String::new(),
                cells: vec![
                    visit.time(row.at),
                    visit.who(row.by)?,
                    happened::what(visit, &row)?,
                    visit.entry(row.entry),
                ],
            });
        }
    }
    let listing = Listing::plain(
        "changes",
        "What changed",
        const { &[column("when", "When"), column("who", "Who"), column("what", "What"), column("entry", "Entry")] },
        nothing(
            "Nothing has changed yet",
            "Every change of systems, keys, policies and people is a record, and the newest stand here.",
            None,
        ),
    );
    section("changes", "What changed", vec![listing.table(visit, Rows::All(rows))?])
}
