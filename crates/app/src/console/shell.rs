//! What stands around every page: navigation, the bar at the top, the banner of an earlier moment, where a change was recorded.
//!
//! Promises: what the role may not see is not drawn; a log that is not for production cannot be mistaken for one that is.

use askama::Template;
use tabellion_model::Env;
use tabellion_model::body::{Role, StopScope};

use super::assets::{ASSETS, ChartAssets};
use super::block::{Action, Block};
use super::cell::Cell;
use super::form::sentence;
use super::link::segment;
use super::pages::{Area, History, NAVIGATION};
use super::visit::{Content, Visit};
use super::words;
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::Actor;

struct Item {
    label: &'static str,
    /// Other words that people look for it by.
    words: &'static str,
    href: String,
    current: bool,
}

struct Group {
    label: &'static str,
    items: Vec<Item>,
}

struct AsOf {
    size: String,
    at: String,
    leave: String,
}

/// Where the change that led here was recorded.
struct Recorded {
    index: u64,
    shown: String,
    what: String,
    /// Whether the reader may open the entry.
    open: bool,
}

/// What is around the page.
pub(crate) struct Shell {
    signed_in: bool,
    person: String,
    roles: String,
    profile: String,
    tenant: String,
    origin: String,
    environment: &'static str,
    groups: Vec<Group>,
    as_of: Option<AsOf>,
    /// What is wrong with the clock, for whoever can see to it; empty: nothing, or they cannot.
    clock: String,
    asked_as_of: String,
    kept_by_as_of: Vec<(String, String)>,
    answers_history: bool,
    recorded: Option<Recorded>,
    /// Why the log is stopped.
    alarm: Option<String>,
    /// Guards whose canaries got through.
    bypassed: Vec<String>,
    /// What follows from that.
    bypassed_then: &'static str,
    /// What emergency stops that are in force are for.
    stops: Vec<String>,
    csrf: String,
    theme: &'static str,
    q: String,
    path: String,
    size: String,
    reads_entries: bool,
}

#[derive(Template)]
#[template(path = "console/page.html")]
struct PageView<'a> {
    shell: &'a Shell,
    style: &'static str,
    script: &'static str,
    early: &'static str,
    writing: &'static str,
    htmx: &'static str,
    mark: &'static str,
    charts: Option<&'static ChartAssets>,
    title: String,
    trail: Vec<(String, String)>,
    lead: String,
    badges: Vec<Cell>,
    action: Option<Action>,
    blocks: Vec<Block>,
    unsent: bool,
}

impl Shell {
    fn production(&self) -> bool {
        self.environment == words::environment(Env::Production)
    }

    /// The surroundings of a visit.
    pub(crate) fn of(visit: &Visit<'_>) -> Result<Self, Refusal> {
        let reader = visit.desk.ledger().reader();
        let origin = reader.origin();
        let (person, roles, profile) = match &visit.actor {
            Some(Actor::Person { id, roles, .. }) => {
                let row = visit.desk.present().person(id)?;
                let name = row
                    .and_then(|row| row.details)
                    .map_or_else(|| words::short(&id.to_hex()), |said| said.name);
                let roles: Vec<&str> = roles.iter().map(|role| words::role(*role)).collect();
                (Cell::text(&name).text, roles.join(", "), format!("/people/{id}"))
            }
            _ => (String::new(), String::new(), String::new()),
        };
        Ok(Self {
            signed_in: visit.actor.is_some(),
            person,
            roles: if roles.is_empty() { "No role yet".to_owned() } else { roles },
            profile,
            tenant: origin.tenant().to_owned(),
            origin: origin.as_str().to_owned(),
            environment: words::environment(reader.env()),
            groups: groups(visit),
            as_of: visit.moment.map(|moment| AsOf {
                size: words::count(moment.size),
                at: words::moment(moment.at),
                leave: visit.here().keep(&visit.query, &["as_of", "before", "page", "recorded"]).href(),
            }),
            clock: clock(visit),
            asked_as_of: visit.query.text("as_of").to_owned(),
            kept_by_as_of: visit
                .query
                .iter()
                .filter(|(name, text)| {
                    !text.is_empty() && !matches!(*name, "as_of" | "before" | "page" | "recorded" | "format")
                })
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
            answers_history: visit.page.history != History::Present,
            recorded: recorded(visit)?,
            alarm: reader.conflict().filter(|_| visit.actor.is_some()).map(|conflict| conflict.to_string()),
            bypassed: bypassed(visit)?,
            bypassed_then: if visit.desk.canary_denies() {
                "Calls that these guards are for are denied."
            } else {
                "What should be stopped may not be."
            },
            stops: stops(visit),
            csrf: visit.csrf.clone().unwrap_or_default(),
            theme: visit.theme.map_or("", super::visit::Theme::as_str),
            q: if visit.path == "/search" { visit.query.text("q").to_owned() } else { String::new() },
            path: visit.here().keep(&visit.query, &["recorded"]).href(),
            size: words::count(reader.size()),
            reads_entries: visit.can(Permission::ReadEntries),
        })
    }
}

/// Guards that the newest round of probes found to let canaries through, also on pages of an earlier moment.
fn bypassed(visit: &Visit<'_>) -> Result<Vec<String>, Refusal> {
    if !visit.can(Permission::ReadPolicies) || visit.desk.present().canaries_through()? == 0 {
        return Ok(Vec::new());
    }
    visit.desk.bypassed()
}

/// What the stops in force now are for, also on pages of an earlier moment.
fn stops(visit: &Visit<'_>) -> Vec<String> {
    if !visit.can(Permission::ReadStops) {
        return Vec::new();
    }
    let gate = visit.desk.present().gate_now();
    let mut named: Vec<String> =
        gate.stops.iter().take(STOPS_NAMED).map(|stop| named(visit, stop.scope.as_ref())).collect();
    let more = gate.stops.len().saturating_sub(STOPS_NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named
}

/// What a stop is for, by the names that people know.
fn named(visit: &Visit<'_>, scope: Option<&StopScope>) -> String {
    let known = match scope {
        Some(StopScope::System(id)) => {
            visit.names.system(visit.desk, *id).map(|cell| format!("system {}", cell.text))
        }
        Some(StopScope::Key(id)) => visit.who(*id).map(|cell| format!("key {}", cell.text)),
        _ => return stopped(scope),
    };
    known.unwrap_or_else(|_| stopped(scope))
}

/// Stops that the banner names; the page has them all.
const STOPS_NAMED: usize = 3;

/// What a stop is for, in words.
pub(crate) fn stopped(scope: Option<&StopScope>) -> String {
    match scope {
        Some(StopScope::Tenant) => "every call".to_owned(),
        Some(StopScope::System(id)) => format!("system {}", words::short(&id.to_hex())),
        Some(StopScope::Key(id)) => format!("key {}", words::short(&id.to_hex())),
        Some(StopScope::Model(name)) => format!("model {}", Cell::text(name).text),
        Some(StopScope::Provider(name)) => format!("provider {}", Cell::text(name).text),
        Some(StopScope::Person(person)) => format!("person {}", Cell::text(person).text),
        Some(StopScope::Agent(agent)) => format!("agent {}", Cell::text(agent).text),
        None => "every call, since what it was for is erased".to_owned(),
    }
}

/// What administrators are told of a clock that was ahead, while the log's time has not fallen into step again.
fn clock(visit: &Visit<'_>) -> String {
    let administers =
        matches!(&visit.actor, Some(Actor::Person { roles, .. }) if roles.contains(&Role::Administrator));
    if !administers {
        return String::new();
    }
    let trouble = visit.desk.ledger().reader().clock_trouble();
    trouble.map(|trouble| sentence(&trouble)).unwrap_or_default()
}

/// The whole page as text.
pub(crate) fn page(shell: &Shell, visit: &Visit<'_>, content: Content) -> Result<String, Refusal> {
    let trail = content.trail.into_iter().map(|(label, path)| (label, visit.to(&path))).collect();
    let view = PageView {
        shell,
        style: &ASSETS.style.href,
        script: &ASSETS.script.href,
        early: &ASSETS.early.href,
        writing: &ASSETS.writing.href,
        htmx: &ASSETS.htmx.href,
        mark: &ASSETS.mark.href,
        charts: content.charts.then_some(&ASSETS.charts),
        title: content.title,
        trail,
        lead: content.lead,
        unsent: content.unsent,
        badges: content.badges,
        // Nothing is done in the past.
        action: content.action.filter(|_| visit.moment.is_none()),
        blocks: match visit.query.get("as_of").filter(|_| visit.moment.is_some()) {
            Some(as_of) => content.blocks.into_iter().map(|block| block.bound(&segment(as_of))).collect(),
            None => content.blocks,
        },
    };
    view.render()
        .map_err(|error| Refusal::new(Code::Broken, format!("the page could not be written: {error}")))
}

/// The groups of the rail, with what this role may see.
fn groups(visit: &Visit<'_>) -> Vec<Group> {
    if visit.actor.is_none() {
        return Vec::new();
    }
    let groups = NAVIGATION.iter().map(|(label, items)| {
        let items = items.iter().filter(|item| visit.reach(item.permission) != Reach::Nothing);
        let items = items.map(|item| Item {
            label: item.label,
            words: also_called(item.path),
            href: visit.to(item.path),
            current: visit.page.area == item.area && visit.page.area != Area::None,
        });
        Group { label, items: items.collect() }
    });
    groups.filter(|group| !group.items.is_empty()).collect()
}

/// Other words for a page, in lower case.
fn also_called(path: &str) -> &'static str {
    match path {
        "/soa" => "soa annex a",
        "/controls" => "iso 42001 clauses gaps status",
        "/packages" => "evidence export auditor",
        "/registers" => "inventory impact assessment risks tasks work requests",
        "/records/new" => "file evidence auditor upload",
        "/people" => "users access",
        "/keys" => "credentials tokens",
        "/traffic" => "numbers latency denied guards outcomes",
        "/providers" => "upstreams models circuit fallback terms",
        "/budgets" => "caps limits quota spend",
        "/rules" => "alerts thresholds metrics fired resolved",
        "/costs" => "spend money prices tokens unpriced",
        "/masking" => "personal data pii anonymise pseudonymise rules",
        "/guards" => "probes canaries enforcement proven bypass",
        "/stops" => "kill switch halt block drill",
        "/packs" => "policy packs publishers layers signed vendor",
        "/playground" => "try test simulate call draft policy what if",
        "/openings" => "declared routes files images audio batches passthrough unread",
        _ => "",
    }
}

/// What the log says of the entry that a change led here with, when it was this person who made it.
fn recorded(visit: &Visit<'_>) -> Result<Option<Recorded>, Refusal> {
    let Some(index) = visit.query.number("recorded") else { return Ok(None) };
    let (Some(actor), true) = (&visit.actor, index < visit.desk.ledger().reader().size()) else {
        return Ok(None);
    };
    let view = visit.desk.ledger().reader().entry(index)?;
    let Some(header) = view.entry.header().filter(|header| Some(header.actor) == actor.credential()) else {
        return Ok(None);
    };
    let record_type = header.record_type.as_str();
    Ok(Some(Recorded {
        index,
        shown: words::count(index),
        what: words::change(record_type).to_owned(),
        open: visit.desk.entry(actor, index).is_ok(),
    }))
}
