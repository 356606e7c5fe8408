//! Packs of policies: those in force by layer, what waits for a second person, who may publish them; a file put forward.
//!
//! Must never: show what waits as if it were in force.

use serde_json::json;

use super::pack_publishers;
use crate::console::answer::Answered;
use crate::console::block::section;
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, list as words_of};
use crate::console::link::segment;
use crate::console::table::{Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::permission::Permission;
use crate::work::packs::{ActForm, LayerForm, NewPack, PackShown};

/// The form that puts a pack forward.
const PROPOSE: &str = "propose-pack";

const COLUMNS: &[Column] = &[
    column("name", "Name"),
    column("layer", "Layer"),
    column("state", "State"),
    column("version", "Version"),
    column("pin", "Pin"),
    column("publisher", "Publisher"),
    column("for", "Holds for"),
    column("waiting", "Waits for a second person"),
    more("digest", "Digest"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Puts a pack forward.
pub(crate) fn propose(visit: &Visit<'_>) -> Answered {
    let form = &visit.form;
    let unit = Some(form.text("unit").trim()).filter(|unit| !unit.is_empty());
    // A form sends line breaks as CR and LF; a signed note has LF alone, the last line too.
    let mut file = form.text("file").replace("\r\n", "\n");
    if !file.is_empty() && !file.ends_with('\n') {
        file.push('\n');
    }
    let body = json!({"file": file, "unit": unit, "systems": words_of(form.text("systems")), "note": form.text("note").trim()});
    let done = visit
        .read::<NewPack>("proposePolicyPack", body)
        .and_then(|new| visit.desk.propose_pack(visit.actor()?, &visit.given(), &new));
    visit.after(PROPOSE, done, |pack| path(&pack.name), page)
}

/// A page of the list, also with what was refused of one of its forms.
pub(super) fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let mut packs = visit.desk.packs()?.packs;
    packs.sort_by_key(|pack| pack.layer.map_or(u8::MAX, rank));
    let rows = packs.iter().map(|pack| row(visit, pack)).collect();
    let listing = listing();
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    if visit.can(Permission::PublishPolicies) {
        blocks.insert(0, form().folded(visit, "Put a pack forward", refused)?);
    }
    blocks.push(section("publishers", "Publishers", pack_publishers::part(visit, refused)?)?);
    let content = Content {
        lead: "Policies that somebody else publishes, in one signed file with their cases and sources. One person puts a pack forward, another loads it. What a pack below the organisation says can only tighten what holds already.".to_owned(),
        blocks,
        ..Content::titled("Packs")
    };
    visit.show_with(status, content)
}

/// The address of a pack.
pub(super) fn path(name: &str) -> String {
    format!("/packs/{}", segment(name))
}

fn listing() -> Listing {
    let empty = nothing(
        "No pack yet",
        "First two people trust a publisher, below. Then somebody puts a file of theirs forward here, and somebody else loads it. Two packs to start from lie in examples/packs.",
        None,
    );
    Listing::plain("packs", "Packs", COLUMNS, empty).searched("name, publisher or unit")
}

fn row(visit: &Visit<'_>, pack: &PackShown) -> Row {
    let href = visit.to(&path(&pack.name));
    let version = match (pack.pack_version, pack.version_text.as_deref()) {
        (Some(number), Some(text)) => Cell::quantity(&format!("{number} ({text})"), number),
        (Some(number), None) => Cell::number(number),
        (None, _) => Cell::unknown("none"),
    };
    let cells = vec![
        Cell::text(&pack.name).to(href.clone()),
        pack.layer.map_or_else(|| Cell::unknown("–"), |known| Cell::text(layer(known))),
        state(pack),
        version,
        Cell::number(pack.pin),
        Cell::maybe(pack.publisher.as_deref(), "–"),
        holds_for(pack.layer, pack.unit.as_deref(), &pack.systems),
        match &pack.waiting {
            Some(waiting) => Cell::text(act(waiting.act)).to(href.clone()),
            None => Cell::unknown("nothing"),
        },
        pack.digest.as_deref().map_or_else(|| Cell::unknown("–"), Cell::id),
    ];
    Row { href, cells }
}

/// Whether a pack is in force; one whose record was erased denies every call.
pub(super) fn state(pack: &PackShown) -> Cell {
    Cell::state(match (pack.in_force, pack.file.is_some(), pack.version) {
        (true, true, _) => ("In force", Tone::Good),
        (true, false, _) => ("Erased: every call is denied", Tone::Bad),
        (false, _, 0) => ("Never loaded", Tone::Quiet),
        (false, ..) => ("Taken out", Tone::Quiet),
    })
}

/// For what a pack holds.
pub(super) fn holds_for(layer: Option<LayerForm>, unit: Option<&str>, systems: &[String]) -> Cell {
    let count = counted(systems.len() as u64, "system", "systems");
    match (layer, unit) {
        (None, _) => Cell::unknown("–"),
        (Some(LayerForm::Organisation), _) => Cell::text("every system"),
        (Some(_), Some(unit)) => Cell::text(&format!("{unit}: {count}")),
        (Some(_), None) => Cell::text(&count),
    }
}

fn rank(layer: LayerForm) -> u8 {
    match layer {
        LayerForm::Organisation => 0,
        LayerForm::Unit => 1,
        LayerForm::System => 2,
    }
}

/// A layer as people call it.
pub(super) fn layer(layer: LayerForm) -> &'static str {
    match layer {
        LayerForm::Organisation => "Organisation",
        LayerForm::Unit => "Unit",
        LayerForm::System => "Single systems",
    }
}

/// What is to become of a pack.
pub(super) fn act(act: Option<ActForm>) -> &'static str {
    match act {
        Some(ActForm::Load) => "A version is to come into force",
        Some(ActForm::GoBack) => "An earlier version is to come back",
        Some(ActForm::Remove) => "It is to be taken out of force",
        None => "Erased: it has to be put forward again",
    }
}

fn form() -> Form {
    let fields = vec![
        Field::new("file", "The pack's file", Kind::Code(8)).hint(
            "All of its text, from its first line to its last signature, as its publisher handed it out.",
        ),
        Field::new("unit", "Name of the unit", Kind::Line).optional().hint("Of a pack for a unit."),
        Field::new("systems", "Systems that it is to hold for", Kind::Area(3))
            .optional()
            .hint("Their ids, one on a line. Nothing for a pack of the organisation."),
        Field::new("note", "Why", Kind::Area(2)).hint("The second person reads it."),
    ];
    let mut form = Form::new(PROPOSE, "/packs".to_owned(), "Put it forward", fields);
    form.consequence = "It is checked: signature, publisher, pin, its own cases, and that it only tightens what stands above. Nothing of it is in force until somebody else loads it.";
    form.keeps_no_draft = true;
    form
}
