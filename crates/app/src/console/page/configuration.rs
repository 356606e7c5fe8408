//! What starts changed of guards, rules of masking and other safeguards: rule by rule, who, and why.
//!
//! Promises: a change of which nobody said why says so. Must never: show settings to somebody who may not read entries.

use serde_json::json;
use tabellion_model::ConfigurationChangeId;

use super::inbox::{Ask, When};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Note, Section as Part, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::table::{Column, Listing, Row, Rows, column, in_order, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::configuration::{Change, Section};
use crate::work::forms::Reason;

/// The form that says why.
const EXPLAIN: &str = "explain-configuration";
/// Where the list is.
const PATH: &str = "/configuration-changes";
/// Changes that stand on the page of what they are of; the list has the rest.
const LATELY: usize = 5;

const CHANGES: &[Column] = &[
    column("change_at", "When"),
    column("change_what", "What"),
    column("change_why", "Why"),
    column("change_account", "Run by"),
    more("change_by", "Explained by"),
    more("change_program", "Program"),
    column("change_entry", "Entry"),
];
const MEMBERS: &[Column] = &[
    column("section", "Section"),
    column("turn", "Became"),
    column("member", "Setting"),
    column("before", "Before, or what went"),
    column("after", "After, or what came"),
];

/// Every change.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let changes = visit.desk.configuration_changes(visit.actor()?)?.changes;
    let rows = changes.iter().map(|change| row(visit, change)).collect::<Result<Vec<_>, _>>()?;
    if visit.wants_csv() {
        return Ok(listing().csv(visit, Rows::All(rows)).into());
    }
    let content = Content {
        lead: "Guards, rules of masking, probes, and who publishes and erases are set in the configuration. What a start changes of them is on record before anything is let through; the newest 100 changes stand here."
            .to_owned(),
        blocks: vec![listing().table(visit, Rows::All(rows))?],
        ..Content::titled("Changes of safeguards")
    };
    visit.show(content)
}

/// What was changed lately of sections whose names begin so, for the page that shows them.
pub(super) fn lately(visit: &Visit<'_>, kinds: &[&str]) -> Result<Block, Refusal> {
    let changes = visit.desk.configuration_changes(visit.actor()?)?.changes;
    let is_of = |section: &Section| kinds.iter().any(|kind| section.section.starts_with(kind));
    // Of what nothing says what it changed may be of these.
    let found =
        changes.iter().filter(|change| change.sections.is_empty() || change.sections.iter().any(is_of));
    let rows = found.take(LATELY).map(|change| row(visit, change)).collect::<Result<Vec<_>, _>>()?;
    Block::of(&Part {
        id: "changed",
        title: "Changed by starts".to_owned(),
        lead: "What starts of the program changed of it, and why.".to_owned(),
        action: Some(Action { label: "See every change", href: PATH.to_owned() }),
        blocks: vec![listing().table(visit, in_order(rows))?],
    })
}

/// What is asked of whoever may say why.
pub(super) fn asks(visit: &Visit<'_>, asked: &mut Vec<Ask>) -> Result<(), Refusal> {
    for change in visit.desk.configuration_changes(visit.actor()?)?.changes {
        if change.unexplained {
            asked.push(Ask {
                title: format!("Say why a start {}", what(&change)),
                why: "Safeguards were changed, and no reason was given",
                href: format!("{PATH}/{}", change.id),
                at: When::At(change.at.0),
                tone: Tone::Bad,
            });
        }
    }
    Ok(())
}

/// One change.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// Says why.
pub(crate) fn explain(visit: &Visit<'_>) -> Answered {
    let id = change_id(visit)?;
    let done = visit
        .read::<Reason>("explainConfigurationChange", json!({"reason": visit.form.text("reason").trim()}))
        .and_then(|why| visit.desk.explain_configuration(visit.actor()?, &visit.given(), id, &why));
    visit.after(EXPLAIN, done, |change| format!("{PATH}/{}", change.id), one)
}

fn change_id(visit: &Visit<'_>) -> Result<ConfigurationChangeId, Refusal> {
    ConfigurationChangeId::from_hex(visit.parts.text("change"))
        .ok_or_else(|| Refusal::not_found("configuration change"))
}

fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let change = visit.desk.configuration_change(visit.actor()?, change_id(visit)?)?;
    let mut blocks = vec![facts(visit, &change)?];
    if change.withheld {
        blocks.push(Block::of(&Note {
            tone: Tone::Quiet,
            title: "Settings are left out".to_owned(),
            text: "What they were and are is for whoever may read entries of the whole log.".to_owned(),
            action: None,
        })?);
    }
    let rows = change.sections.iter().flat_map(member_rows).collect();
    let members = Listing::plain(
        "differences",
        "What differs",
        MEMBERS,
        nothing(
            "Not known",
            "What held before cannot be read any more, so nobody can say what differs.",
            None,
        ),
    );
    blocks.push(section("members", "What differs", vec![members.table(visit, in_order(rows))?])?);
    if change.unlisted > 0 {
        let text = counted(change.unlisted, "setting more differs", "settings more differ");
        blocks.push(Block::of(&Note {
            tone: Tone::Fair,
            title: format!("{text} than are listed"),
            text: "The record of the settings at each start (config.loaded) has all of them.".to_owned(),
            action: None,
        })?);
    }
    if visit.can(Permission::PublishPolicies) {
        let hint = "What it was changed for, and who decided it. It is on record under your name.";
        let fields = vec![Field::new("reason", "Why", Kind::Area(3)).hint(hint)];
        let action = format!("{PATH}/{}/explain", change.id);
        let mut form = Form::new(EXPLAIN, action, "Put it on record", fields);
        form.version = Some(change.version);
        let part = section("explain", "Say why", vec![form.block(visit, refused)?])?;
        // What was refused is read before anything else.
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, part);
    }
    let content = Content {
        trail: vec![("Changes of safeguards".to_owned(), PATH.to_owned())],
        badges: if change.unexplained { vec![why(&change)] } else { Vec::new() },
        blocks,
        ..Content::titled(&format!("A start {}", what(&change)))
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, change: &Change) -> Result<Block, Refusal> {
    let digest = |digest: Option<&String>, otherwise: &str| {
        let otherwise = if change.withheld { "left out" } else { otherwise };
        digest.map_or_else(|| Cell::unknown(otherwise), |digest| Cell::id(digest))
    };
    let mut facts = Facts::default()
        .with("When", visit.time(change.at.0))
        .with("Run by the account", Cell::maybe(change.account.as_deref(), "erased"))
        .with("Program", Cell::maybe(change.program.as_deref(), "erased"))
        .with("Why", why(change));
    if let Some(explained) = &change.explained {
        facts = facts
            .with("Explained by", visit.who_or(explained.by.as_deref(), "not known")?)
            .with("Explained", visit.time(explained.at.0));
    }
    facts
        .with("Digest before", digest(change.before.as_ref(), "not known"))
        .with("Digest after", digest(change.after.as_ref(), "erased"))
        .with("Entry", visit.entry(change.recorded.index))
        .block()
}

fn member_rows(section: &Section) -> Vec<Row> {
    // Whole: what a guard lets through now may stand at its end.
    let side = |text: Option<&str>| {
        text.filter(|text| !text.is_empty()).map_or_else(|| Cell::unknown("–"), Cell::whole)
    };
    let turn = || {
        Cell::state(match section.turn {
            "added" => ("Added", Tone::Good),
            "removed" => ("Removed", Tone::Bad),
            _ => ("Changed", Tone::Fair),
        })
    };
    let row = |member: &str, before: Option<&str>, after: Option<&str>| Row {
        href: String::new(),
        cells: vec![Cell::text(&section.section), turn(), Cell::text(member), side(before), side(after)],
    };
    if section.members.is_empty() {
        return vec![row("", None, None)];
    }
    let each = section.members.iter();
    each.map(|one| row(&one.member, one.before.as_deref(), one.after.as_deref())).collect()
}

fn listing() -> Listing {
    let empty = nothing(
        "Nothing was changed",
        "A start that finds other guards, rules of masking or probes in its configuration than the start before records what differs. None has.",
        None,
    );
    Listing::plain("configuration_changes", "Changes of safeguards", CHANGES, empty)
}

fn row(visit: &Visit<'_>, change: &Change) -> Result<Row, Refusal> {
    let href = visit.to(&format!("{PATH}/{}", change.id));
    let by = change.explained.as_ref().and_then(|explained| explained.by.as_deref());
    let cells = vec![
        visit.time(change.at.0),
        Cell::text(&what(change)).to(href.clone()),
        why(change),
        Cell::maybe(change.account.as_deref(), "erased"),
        visit.who_or(by, "nobody")?,
        Cell::maybe(change.program.as_deref(), "erased"),
        visit.entry(change.recorded.index),
    ];
    Ok(Row { href, cells })
}

/// Why, by whoever said it last.
fn why(change: &Change) -> Cell {
    let explained = change.explained.as_ref();
    match (explained, change.reason.as_deref()) {
        (Some(explained), _) => Cell::maybe(explained.reason.as_deref(), "erased"),
        (None, Some(reason)) => Cell::text(reason),
        (None, None) if change.unexplained => Cell::state(("Not given", Tone::Bad)),
        (None, None) if change.first == Some(true) => Cell::text("the first start"),
        (None, None) => Cell::unknown("erased"),
    }
}

/// What became of which sections, in a few words, what is gone first: `removed guard.old; changed guard.arms`.
fn what(change: &Change) -> String {
    const NAMED: usize = 3;
    let turn = |turn: &str| {
        let sections = change.sections.iter().filter(|section| section.turn == turn);
        let names: Vec<&str> = sections.map(|section| section.section.as_str()).collect();
        match names.len() {
            0 => None,
            few if few <= NAMED => Some(format!("{turn} {}", names.join(", "))),
            many => Some(format!("{turn} {many} sections")),
        }
    };
    let turns: Vec<String> = ["removed", "changed", "added"].into_iter().filter_map(turn).collect();
    if turns.is_empty() { "changed safeguards".to_owned() } else { turns.join("; ") }
}
