//! One pack: what is in force of it, what waits and what that comes to on recorded decisions; loaded by a second person, led back, taken out.
//!
//! Promises: whoever loads a pack is shown exactly what they load. Must never: go back or take out by one person alone.

use serde_json::json;
use tabellion_model::SystemId;

use super::packs::{act, holds_for, layer, path, state};
use super::{pack_contents, policy_replay};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::table::{Listing, Row, column, in_order, nothing};
use crate::console::visit::{Content, Visit};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::Written;
use crate::work::packs::{ActForm, GoingBack, PackReplay, PackShown, Removal, VersionShown, Waiting, Wanted};

/// The form by which a second person loads what waits.
const LOAD: &str = "load-pack";
/// The form that puts an earlier version forward.
const GO_BACK: &str = "go-back-pack";
/// The form that puts the end of the pack forward.
const REMOVE: &str = "remove-pack";

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Has come into force what somebody else put forward.
pub(crate) fn load(visit: &Visit<'_>) -> Answered {
    let body = json!({
        "proposed": visit.form.text("proposed"), "reason": visit.form.text("reason").trim(), "replay": policy_replay::typed(visit),
    });
    let done = visit.read::<Wanted>("loadPolicyPack", body).and_then(|wanted| {
        visit.desk.load_pack(visit.actor()?, &visit.given(), visit.parts.text("pack"), &wanted)
    });
    after(visit, LOAD, done)
}

/// Puts forward that an earlier version comes back.
pub(crate) fn go_back(visit: &Visit<'_>) -> Answered {
    let form = &visit.form;
    let body = json!({
        "pack_version": form.number("pack_version"), "pin": form.number("pin"), "reason": form.text("reason").trim(),
    });
    let done = visit.read::<GoingBack>("goBackPolicyPack", body).and_then(|new| {
        visit.desk.propose_going_back(visit.actor()?, &visit.given(), visit.parts.text("pack"), &new)
    });
    after(visit, GO_BACK, done)
}

/// Puts forward that nothing of it is in force any more.
pub(crate) fn remove(visit: &Visit<'_>) -> Answered {
    let body = json!({"reason": visit.form.text("reason").trim()});
    let done = visit.read::<Removal>("removePolicyPack", body).and_then(|why| {
        visit.desk.propose_pack_removal(visit.actor()?, &visit.given(), visit.parts.text("pack"), &why)
    });
    after(visit, REMOVE, done)
}

fn after(visit: &Visit<'_>, form: &'static str, done: Result<(PackShown, Written), Refusal>) -> Answered {
    visit.after(form, done, |pack| path(&pack.name), page)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let pack = visit.desk.pack(visit.parts.text("pack"))?;
    let versions = visit.desk.pack_history(&pack.name)?.versions;
    let mut blocks = vec![facts(visit, &pack)?];
    if let Some(waiting) = &pack.waiting {
        // What waits is what most come here for, and what was refused of it is read first.
        blocks.insert(0, its_waiting(visit, &pack, waiting, refused)?);
    }
    if let Some(file) = &pack.file {
        blocks.push(section("contents", "What is in force", pack_contents::of(file)?)?);
    }
    blocks.push(history(visit, &versions)?);
    if visit.can(Permission::PublishPolicies) && pack.version > 0 {
        let back = going_back(&pack, &versions);
        blocks.push(back.folded(visit, "Go back to an earlier version", refused)?);
        if pack.in_force {
            blocks.push(removal(&pack).folded(visit, "Take it out of force", refused)?);
        }
    }
    let content = Content {
        trail: vec![("Packs".to_owned(), "/packs".to_owned())],
        badges: vec![state(&pack)],
        blocks,
        ..Content::titled(&Cell::text(&pack.name).text)
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, pack: &PackShown) -> Result<Block, Refusal> {
    Facts::default()
        .with("Version in force", Cell::maybe_number(pack.pack_version))
        .with("Called", Cell::maybe(pack.version_text.as_deref(), "–"))
        .with("Layer", pack.layer.map_or_else(|| Cell::unknown("–"), |known| Cell::text(layer(known))))
        .with("Holds for", holds_for(pack.layer, pack.unit.as_deref(), &pack.systems))
        .with_all("Systems", systems(visit, &pack.systems)?)
        .with("Publisher", Cell::maybe(pack.publisher.as_deref(), "–"))
        .with("Pin: nothing below it is loaded", Cell::number(pack.pin))
        .with(
            "Digest that decisions name",
            pack.digest.as_deref().map_or_else(|| Cell::unknown("none in force"), Cell::id),
        )
        .block()
}

fn systems(visit: &Visit<'_>, ids: &[String]) -> Result<Vec<Cell>, Refusal> {
    let cell = |id: &String| match SystemId::from_hex(id) {
        Some(system) => visit.names.system(visit.desk, system),
        None => Ok(Cell::id(id)),
    };
    ids.iter().map(cell).collect()
}

/// What waits for a second person, all of it, and the form that loads it.
fn its_waiting(
    visit: &Visit<'_>,
    pack: &PackShown,
    waiting: &Waiting,
    refused: Option<&Refused<'_>>,
) -> Result<Block, Refusal> {
    let facts = Facts::default()
        .with("Put forward by", visit.who_by_id(&waiting.by)?)
        .with("When", visit.time(waiting.at.0))
        .with("Why", Cell::maybe(waiting.note.as_deref(), "erased"))
        .with("Unit", Cell::maybe(waiting.unit.as_deref(), "none"))
        .with_all("Systems", systems(visit, &waiting.systems)?)
        .with("Pin afterwards", Cell::maybe_number(waiting.pin))
        .with("Digest", waiting.digest.as_deref().map_or_else(|| Cell::unknown("no file"), Cell::id));
    let mut blocks = vec![facts.block()?];
    if let Some(file) = &waiting.file {
        blocks.extend(pack_contents::of(file)?);
    }
    let mut action = None;
    if visit.can(Permission::PublishPolicies) {
        let mut fields = vec![
            Field::new("reason", "Why it is to be so", Kind::Area(2))
                .hint("What you looked at. It is on record under your name."),
        ];
        let asked_for = refused.is_some_and(|refused| {
            refused.id == LOAD && matches!(refused.refusal.code, Code::ReplayNeeded | Code::ReplayOutdated)
        });
        if asked_for || visit.query.get("replay").is_some() {
            let new = PackReplay { from: None, to: None };
            let replay = visit.desk.replay_pack(visit.actor()?, &pack.name, &new)?;
            let (shown, tick) = policy_replay::with_tick(visit, &replay)?;
            blocks.push(shown);
            fields.extend(tick);
        } else {
            let href = Link::to(&path(&pack.name)).with("replay", "yes").href();
            action = Some(Action { label: "See what it comes to", href });
        }
        let mut form = Form::new(LOAD, format!("{}/load", path(&pack.name)), "Have it so", fields);
        form.version = Some(pack.version);
        form.said = vec![("proposed", waiting.proposed.clone())];
        form.consequence =
            "It counts from the next call on. Whoever put it forward cannot do this; an attempt is recorded.";
        blocks.push(form.block(visit, refused)?);
    }
    Block::of(&Section {
        id: "waiting",
        title: act(waiting.act).to_owned(),
        lead: "It waits for a second person. Until then, what is in force stays.".to_owned(),
        action,
        blocks,
    })
}

fn history(visit: &Visit<'_>, versions: &[VersionShown]) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for version in versions.iter().rev() {
        let cells = vec![
            version
                .pack_version
                .map_or_else(|| Cell::unknown("–"), |number| Cell::quantity(&number.to_string(), number)),
            Cell::text(match version.act {
                ActForm::Load => "loaded",
                ActForm::GoBack => "went back to",
                ActForm::Remove => "taken out",
            }),
            Cell::maybe_number(version.pin),
            visit.time(version.at.0),
            visit.who_by_id(&version.by)?,
            Cell::maybe(version.reason.as_deref(), "erased"),
            visit.entry(version.recorded.index),
        ];
        rows.push(Row { href: String::new(), cells });
    }
    let listing = Listing::plain(
        "pack-versions",
        "Versions that were in force",
        const {
            &[
                column("version", "Version"),
                column("act", "What was done"),
                column("pin", "Pin"),
                column("when", "When"),
                column("by", "By the second person"),
                column("why", "Why"),
                column("entry", "Entry"),
            ]
        },
        nothing("Nothing of it was ever in force", "Each version that two people load stands here.", None),
    );
    section("versions", "Versions", vec![listing.table(visit, in_order(rows))?])
}

fn going_back(pack: &PackShown, versions: &[VersionShown]) -> Form {
    let mut numbers: Vec<u64> = versions
        .iter()
        .filter(|version| version.digest.is_some())
        .filter_map(|version| version.pack_version)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let choices = numbers.into_iter().rev().map(|number| (number.to_string(), format!("Version {number}")));
    let fields = vec![
        Field::new("pack_version", "Back to", Kind::Select(choices.collect())),
        Field::new("pin", "Pin afterwards", Kind::Line).hint(
            "The lowest version that may be loaded from then on; not above the version that comes back.",
        ),
        Field::new("reason", "Why", Kind::Area(2)).hint("The second person reads it."),
    ];
    let mut form = Form::new(GO_BACK, format!("{}/go-back", path(&pack.name)), "Put it forward", fields);
    form.consequence = "Nothing changes by that: a second person loads it, as a pack is loaded.";
    form
}

fn removal(pack: &PackShown) -> Form {
    let fields = vec![Field::new("reason", "Why", Kind::Area(2)).hint("The second person reads it.")];
    let mut form = Form::new(REMOVE, format!("{}/remove", path(&pack.name)), "Put its end forward", fields);
    form.ends = true;
    form.consequence =
        "Nothing changes by that: it goes out of force when a second person says so. Its pin stays.";
    form
}
