//! One system: what is missing first, then what is said of it, its keys, its calls, its history, and what can be done.

use serde_json::json;
use tabellion_model::SystemId;
use tabellion_model::body::SystemStage;
use tabellion_views::Depth;
use tabellion_views::query::{CallFilter, Subject};

use super::{budgets, calls, happened, keys, openings, rules, stops, system_items, systems};
use crate::console::answer::Answered;
use crate::console::block::{Action, Beside, Block, Facts, Note, Section, section};
use crate::console::cell::Cell;
use crate::console::chart::Calls;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, stage as stage_look};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::calls::CallQuery;
use crate::work::capturing::possible;
use crate::work::forms::{capture_word, stage_word};
use crate::work::systems::{NewCapture, NewStage, System};

/// Calls that are shown; the list has the rest.
const CALLS: u32 = 5;

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Moves it to another stage.
pub(crate) fn stage(visit: &Visit<'_>) -> Answered {
    let id = visit.system()?;
    let body = json!({"stage": visit.form.text("stage"), "reason": visit.form.text("reason").trim()});
    let done = visit
        .read::<NewStage>("changeStage", body)
        .and_then(|new| visit.desk.change_stage(visit.actor()?, &visit.given(), id, &new));
    after(visit, "stage", done)
}

/// Switches what is kept of prompts and answers.
pub(crate) fn capture(visit: &Visit<'_>) -> Answered {
    let id = visit.system()?;
    let body = json!({"capture": visit.form.text("capture"), "reason": visit.form.text("reason").trim()});
    let done = visit
        .read::<NewCapture>("changeCapture", body)
        .and_then(|new| visit.desk.change_capture(visit.actor()?, &visit.given(), id, &new));
    after(visit, "capture", done)
}

fn after(
    visit: &Visit<'_>,
    form: &'static str,
    done: Result<(System, crate::work::Written), Refusal>,
) -> Answered {
    visit.after(form, done, |system| format!("/systems/{}", system.id), page)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let id = visit.system()?;
    let system = visit.desk.system(visit.actor()?, id)?;
    let (may_change, path) = (visit.can_change(Permission::ChangeSystems, id)?, format!("/systems/{id}"));
    let mut blocks = missing(visit, &system, may_change)?;
    if let Some(refused) = refused.filter(|_| !may_change) {
        // Its form is not drawn: what was typed is shown by the page that refuses.
        return Err(refused.refusal.clone());
    }
    blocks.push(facts(visit, &system)?.block()?);
    blocks.push(happened::to(visit, &subjects(visit, id)?, None)?);
    if visit.desk.may(visit.actor()?, Permission::ReadRegisters, Some(id))? {
        blocks.push(system_items::of_system(visit, id)?);
    }
    if visit.desk.may(visit.actor()?, Permission::ReadKeys, Some(id))? {
        blocks.push(its_keys(visit, id)?);
    }
    if visit.can(Permission::ReadCalls) {
        blocks.push(its_calls(visit, id)?);
    }
    if visit.desk.depth() == Depth::Everything
        && visit.desk.may(visit.actor()?, Permission::ReadSpend, Some(id))?
    {
        blocks.push(budgets::of_system(visit, id)?);
    }
    if visit.desk.depth() == Depth::Everything
        && visit.desk.may(visit.actor()?, Permission::ReadRules, Some(id))?
    {
        blocks.extend(rules::of_system(visit, id)?);
    }
    blocks.extend(stops::offered(visit, "system", &id.to_hex(), id)?);
    blocks.extend(openings::of_system(visit, id)?);
    if may_change {
        let forms = forms(visit, &system, &path, refused)?;
        if !forms.is_empty() {
            blocks.push(section("change", "Change", forms)?);
        }
    }
    let edit = may_change.then(|| Action { label: "Edit description", href: format!("{path}/edit") });
    let content = Content {
        trail: vec![("Systems".to_owned(), "/systems".to_owned())],
        lead: Cell::maybe(system.description.as_deref(), "No description yet.").text,
        badges: vec![Cell::state(stage_look(stage_word(system.stage)))],
        action: edit,
        blocks,
        charts: true,
        ..Content::titled(&Cell::maybe(system.name.as_deref(), "An erased system").text)
    };
    visit.show_with(status, content)
}

/// What stands between the system and being fit to call, first.
fn missing(visit: &Visit<'_>, system: &System, may_change: bool) -> Result<Vec<Block>, Refusal> {
    let mut blocks = Vec::new();
    let mut note = |title: &str, text: &str, action: Option<Action>| -> Result<(), Refusal> {
        let note = Note { tone: Tone::Fair, title: title.to_owned(), text: text.to_owned(), action };
        blocks.push(Block::of(&note)?);
        Ok(())
    };
    let edit = || {
        may_change.then(|| Action { label: "Name an owner", href: format!("/systems/{}/edit", system.id) })
    };
    if system.name.is_none() {
        note(
            "What was said of this system is erased",
            "Its calls are refused until it is described anew.",
            None,
        )?;
    } else if !system.owner_known {
        note("Nobody who is known answers for this system", "It cannot go live without an owner.", edit())?;
    }
    if system.stage == SystemStage::Draft {
        note("A draft does not call", "Issue it a key and move it to live, when it is approved.", None)?;
    }
    if visit.desk.views().system(&visit.system()?)?.is_some_and(|row| row.deletion_due.is_some()) {
        note(
            "Its deletion was asked for",
            "Its content goes on the day that the ledger names, unless that is cancelled.",
            None,
        )?;
    }
    Ok(blocks)
}

/// What is said of a system.
pub(crate) fn facts(visit: &Visit<'_>, system: &System) -> Result<Facts, Refusal> {
    let owner = match (system.owner, system.owner_known) {
        (Some(owner), true) => visit.who(owner)?,
        (Some(_), false) => Cell::unknown("nobody who is known"),
        (None, _) => Cell::unknown("erased"),
    };
    let purposes = system.purposes.iter().flatten().map(|word| Cell::text(word)).collect();
    Ok(Facts::default()
        .with("Owner", owner)
        .with_all("Purposes", purposes)
        .with("Cost centre", Cell::maybe(system.cost_centre.as_deref(), "none"))
        .with(
            "Kept of prompts and answers",
            system.capture.map_or_else(
                || Cell::unknown("erased"),
                |capture| Cell::text(systems::kept(capture_word(capture))),
            ),
        )
        .with("Why", kept_because(system))
        .with_all("Lost by what is not kept", lost(system))
        .with("Registered", visit.time(system.registered_at.0))
        .with("Newest record", visit.entry(system.changed.index))
        .with("Id", Cell::id(&system.id)))
}

/// Why this much is kept of prompts and answers.
fn kept_because(system: &System) -> Cell {
    match (&system.capture_reason, system.capture) {
        (Some(reason), _) => Cell::text(reason),
        (None, Some(_)) => Cell::unknown("nobody was asked"),
        (None, None) => Cell::unknown("erased"),
    }
}

/// What is lost by what is not kept of prompts and answers.
fn lost(system: &System) -> Vec<Cell> {
    let lost = possible(system.capture).into_iter().filter(|one| one.works != Some(true));
    lost.map(|one| Cell::text(one.what)).collect()
}

fn its_keys(visit: &Visit<'_>, id: SystemId) -> Result<Block, Refusal> {
    let rows = visit.desk.key_rows(visit.actor()?)?.into_iter().filter(|row| row.system == id).collect();
    let issue = visit.can_change(Permission::ChangeKeys, id)?;
    let href = Link::to("/keys/new").with("system", &id.to_hex()).href();
    let part = Section {
        id: "keys",
        title: "API keys".to_owned(),
        lead: String::new(),
        action: issue.then_some(Action { label: "Issue a key", href }),
        blocks: vec![keys::table(visit, "system-keys", rows)?],
    };
    Block::of(&part)
}

fn its_calls(visit: &Visit<'_>, id: SystemId) -> Result<Block, Refusal> {
    let list = Link::to("/calls").with("system", &id.to_hex());
    let part = |lead: &str, blocks| Section {
        id: "calls",
        title: "Calls".to_owned(),
        lead: lead.to_owned(),
        action: Some(Action { label: "See all calls", href: list.href() }),
        blocks,
    };
    if visit.desk.depth() == Depth::Changes {
        // The log is too long for its calls to be folded up to then; their list reads them from the log.
        return Block::of(&part("Its calls as of then are in the list of calls.", Vec::new()));
    }
    let filter =
        CallFilter { system: Some(id), from: Some(calls::weeks_ago(visit)), ..CallFilter::default() };
    let traffic = visit.desk.traffic(visit.actor()?, filter, Some(visit.size()), Some(visit.now()))?;
    let drawn = |id, title| Calls { id, title, traffic: &traffic, list: Some(list.clone()) };
    let charts: Vec<Block> =
        [drawn("calls", "Calls over time").chart()?, drawn("tokens", "Tokens over time").tokens()?]
            .into_iter()
            .flatten()
            .collect();
    let mut blocks = Vec::new();
    if !charts.is_empty() {
        blocks.push(Block::of(&Beside { blocks: charts })?);
    }
    let query = CallQuery { system: Some(id), ..CallQuery::default() };
    let found = visit.desk.call_rows(visit.actor()?, &query, None, CALLS)?;
    blocks.push(calls::table(visit, "system-calls", found.rows, None)?);
    Block::of(&part("", blocks))
}

fn forms(
    visit: &Visit<'_>,
    system: &System,
    path: &str,
    refused: Option<&Refused<'_>>,
) -> Result<Vec<Block>, Refusal> {
    let mut blocks = Vec::new();
    let next: &[(&str, &str)] = match system.stage {
        SystemStage::Live => &[("paused", "Paused"), ("retired", "Retired")],
        SystemStage::Draft | SystemStage::Paused => &[("live", "Live"), ("retired", "Retired")],
        SystemStage::Retired => &[],
    };
    if !next.is_empty() {
        let fields = vec![
            Field::new(
                "stage",
                "To",
                Kind::Select(
                    next.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect(),
                ),
            ),
            Field::new("reason", "Reason", Kind::Line).hint("For the reader of the history."),
        ];
        let mut form = Form::new("stage", format!("{path}/stage"), "Move the system", fields);
        form.version = Some(system.version);
        form.consequence =
            "Live systems may call; paused ones are refused until they are live again; retired is for good.";
        blocks.push(form.folded(visit, "Move to another stage", refused)?);
    }
    if system.stage != SystemStage::Retired {
        let now = system.capture.map_or("none", capture_word);
        let fields = vec![
            Field::new("capture", "What is kept", systems::capture_choices()).value(now),
            Field::new("reason", "Reason", Kind::Line)
                .hint("For whoever asks later why this was kept, or was not."),
        ];
        let mut form = Form::new("capture", format!("{path}/capture"), "Switch what is kept", fields);
        form.version = Some(system.version);
        form.consequence = "It counts from the next call on; what was kept or not kept before stays so.";
        blocks.push(form.folded(visit, "What is kept of prompts and answers", refused)?);
    }
    Ok(blocks)
}

/// The system itself, its keys, and what the registers hold about it.
fn subjects(visit: &Visit<'_>, id: SystemId) -> Result<Vec<Subject>, Refusal> {
    let actor = visit.actor()?;
    let mut subjects = vec![Subject::System(id)];
    if visit.desk.may(actor, Permission::ReadKeys, Some(id))? {
        let keys = visit.desk.key_rows(actor)?.into_iter().filter(|row| row.system == id);
        subjects.extend(keys.map(|row| Subject::Credential(row.credential)));
    }
    if visit.desk.may(actor, Permission::ReadRegisters, Some(id))? {
        subjects.extend(system_items::subjects(visit, id)?);
    }
    Ok(subjects)
}
