//! One clause or control: its six parts with their reasons, down to the records; what would change it; by which rule.

use askama::Template;
use tabellion_model::SystemId;
use tabellion_views::query::{Page, Subject};

use super::controls::{basis, open};
use super::{keep, work_items};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Note, Section, section};
use crate::console::cell::Cell;
use crate::console::form::sentence;
use crate::console::looks;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::controls::{Because, Control};

/// Records that are brought together.
const RECORDS: usize = 24;
/// Decisions about a control that are shown.
const DECISIONS: u32 = 10;

struct Reason {
    tone: &'static str,
    text: String,
    hatched: bool,
    open: Option<(String, &'static str)>,
    entries: Vec<Cell>,
}

struct Part {
    name: &'static str,
    asks: &'static str,
    word: &'static str,
    tone: &'static str,
    reasons: Vec<Reason>,
}

#[derive(Template)]
#[template(path = "console/parts.html")]
struct Parts {
    parts: Vec<Part>,
}

#[derive(Template)]
#[template(path = "console/steps.html")]
struct Steps {
    steps: Vec<(String, Option<(String, &'static str)>)>,
}

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let control = visit.desk.control(visit.parts.text("control"))?;
    let row = &control.control;
    let mut badges = vec![Cell::state(looks::overall(row.status))];
    if !row.qualifiers.is_empty() {
        badges.push(looks::qualifiers(&row.qualifiers));
    }
    let mut blocks = Vec::new();
    if let Some(mistaken) = &control.often_mistaken {
        let title = format!("Often mistaken for: {}", mistaken.taken_for);
        blocks.push(Block::of(&Note {
            tone: Tone::Quiet,
            title,
            text: sentence(&mistaken.really),
            action: None,
        })?);
    }
    blocks.push(section("parts", "Why it stands so", vec![status(visit, &control)?])?);
    blocks.push(happened(visit, &control)?);
    blocks.extend(steps(visit, &control)?);
    blocks.extend(work_items::of_control(visit, row.reference)?);
    blocks.extend(for_the_auditor(visit, &control)?);
    if !control.systems.is_empty() {
        blocks.push(systems(visit, &control)?);
    }
    blocks.push(rule(&control)?);
    if !control.crosswalk.is_empty() {
        blocks.push(crosswalk(visit, &control)?);
    }
    let statement = row
        .is_control
        .then(|| Action { label: "Open in the statement", href: format!("/soa/{}", row.reference) });
    visit.show(Content {
        trail: vec![("Controls".to_owned(), "/controls".to_owned())],
        lead: control.hint.clone(),
        badges,
        action: statement,
        blocks,
        ..Content::titled(&format!("{} {}", row.reference, row.title))
    })
}

/// The records that the status rests on, what was decided about the control itself, and the newest in the registers that serve it.
fn happened(visit: &Visit<'_>, control: &Control) -> Result<Block, Refusal> {
    let mut entries: Vec<u64> =
        control.because.iter().flat_map(|because| because.entries.iter().copied()).collect();
    if control.control.is_control {
        let stream = Subject::Applicability(control.control.reference.to_owned());
        let page = Page { before: None, limit: DECISIONS };
        entries.extend(visit.desk.views().history(Some(&stream), page)?.rows.iter().map(|row| row.entry));
    }
    for register in visit.desk.registers().registers {
        if register.serves.iter().any(|served| served == control.control.reference) {
            let page = Page { before: None, limit: DECISIONS };
            let found = visit.desk.views().history(Some(&Subject::Register(register.name)), page)?;
            entries.extend(found.rows.iter().map(|row| row.entry));
        }
    }
    entries.sort_unstable_by_key(|entry| std::cmp::Reverse(*entry));
    entries.dedup();
    super::happened::at(visit, "What bears on it", entries.into_iter().take(RECORDS))
}

fn status(visit: &Visit<'_>, control: &Control) -> Result<Block, Refusal> {
    let shown = control.control.parts.iter().map(|part| {
        let ((name, asks), (word, tone)) = (looks::part(part.part), looks::mark(part.mark));
        let reasons = control.because.iter().filter(|because| because.part == part.part);
        Part {
            name,
            asks,
            word,
            tone: tone.class(),
            reasons: reasons.map(|because| reason(visit, because)).collect(),
        }
    });
    Block::of(&Parts { parts: shown.collect() })
}

fn reason(visit: &Visit<'_>, because: &Because) -> Reason {
    let unknown = ["not exercised", "not reconciled", "no evidence source", "not known", "nothing to test"];
    Reason {
        tone: looks::mark(because.mark).1.class(),
        hatched: because.mark != "holds" && unknown.iter().any(|words| because.text.contains(words)),
        text: sentence(&Cell::long(&because.text).whole),
        open: because.target.as_ref().and_then(|target| open(visit, target)),
        entries: because.entries.iter().map(|entry| visit.entry(*entry)).collect(),
    }
}

/// What would turn it green, each with the way to the page where it is done.
fn steps(visit: &Visit<'_>, control: &Control) -> Result<Option<Block>, Refusal> {
    if control.would_change.is_empty() {
        return Ok(None);
    }
    let steps =
        control.would_change.iter().map(|step| (Cell::long(&step.text).whole, open(visit, &step.target)));
    let mut steps: Vec<_> = steps.collect();
    if control.would_change_left_out > 0 {
        let more = counted(control.would_change_left_out, "further step", "further steps");
        steps.push((format!("And {more} like these"), None));
    }
    let block = Block::of(&Steps { steps })?;
    section("steps", "What would raise this", vec![block]).map(Some)
}

/// What no step of anybody changes in this version, and what is worth keeping all the same: with the way to put it on record, for whoever may.
fn for_the_auditor(visit: &Visit<'_>, control: &Control) -> Result<Option<Block>, Refusal> {
    let action = visit
        .can(Permission::Record)
        .then(|| Action { label: "Keep a file", href: keep::place(control.control.reference) });
    if control.no_source.is_empty() && action.is_none() {
        return Ok(None);
    }
    let mut blocks = Vec::new();
    let mut lead = "What shows something about it and lies elsewhere can be put on record by its digest. That changes no status.".to_owned();
    if !control.no_source.is_empty() {
        let essential = control.no_source.iter().any(|lack| lack.essential);
        let stays = if essential { "a gap" } else { "partial" };
        lead = format!(
            "This version takes no evidence of what follows, so the status stays {stays} whatever is recorded. Keep what shows it, and record the \
             file: an auditor will ask for it."
        );
        let lacks = control.no_source.iter().map(|lack| Cell::text(&lack.what)).collect();
        blocks.push(Facts::default().with_all("No evidence source yet", lacks).block()?);
    }
    let part = Section { id: "keep", title: "Keep for the auditor".to_owned(), lead, action, blocks };
    Block::of(&part).map(Some)
}

fn systems(visit: &Visit<'_>, control: &Control) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for system in &control.systems {
        let href = format!("/systems/{}", system.system);
        let name = match SystemId::from_hex(&system.system) {
            Some(id) => visit.names.system(visit.desk, id)?,
            None => Cell::maybe(system.name.as_deref(), "not known any more"),
        };
        rows.push(Row { href, cells: vec![name, Cell::state(looks::overall(system.status))] });
    }
    let listing = Listing::plain(
        "systems",
        "Each system by what is about it alone",
        const { &[column("system", "System"), column("status", "By what is about it alone")] },
        nothing("No system", "No system is in scope.", None),
    );
    section("systems", "Systems in scope", vec![listing.table(visit, Rows::Whole(rows))?])
}

fn rule(control: &Control) -> Result<Block, Refusal> {
    let cap = match control.rule.cap {
        "A" => "A: machine evidence can be enough",
        "B" => "B: it takes a dated human review besides",
        _ => "H: the human record is what counts; machines show only that it happened",
    };
    let mut facts = Facts::default()
        .with("Looks back", Cell::text(&counted(control.rule.window_days, "day", "days")))
        .with("How far machines go", Cell::text(cap))
        .with(
            "Document asked for by the standard",
            Cell::text(if control.documented { "Yes" } else { "No" }),
        );
    if !control.rule.not_automated.is_empty() {
        facts = facts.with("What no machine can say", Cell::long(&control.rule.not_automated));
    }
    section("rule", "The rule", vec![facts.block()?, basis(&control.basis)?])
}

/// A framework as people call it.
fn framework(word: &str) -> &str {
    match word {
        "EU_AI_ACT" => "EU AI Act",
        "ISO27001_2022" => "ISO/IEC 27001:2022",
        "NIST_AI_600_1" => "NIST AI 600-1",
        "NIST_AI_RMF_1.0" => "NIST AI RMF 1.0",
        other => other,
    }
}

fn crosswalk(visit: &Visit<'_>, control: &Control) -> Result<Block, Refusal> {
    let rows = control.crosswalk.iter().map(|row| Row {
        href: String::new(),
        cells: vec![
            Cell::text(framework(row.framework)),
            Cell::text(&row.place),
            Cell::text(match row.relation {
                "superset" => "this holds all of it",
                _ => "they share something; neither holds the other",
            }),
            Cell::code(row.confidence),
            Cell::text(&row.basis),
        ],
    });
    let listing = Listing::plain(
        "crosswalk",
        "Places in other frameworks",
        const {
            &[
                column("framework", "Framework"),
                column("place", "Place there"),
                column("relation", "Relation"),
                column("confidence", "Confidence"),
                column("basis", "What that rests on"),
            ]
        },
        nothing("None", "No other framework is mapped to it.", None),
    );
    let part = Section {
        id: "crosswalk",
        title: "Frameworks that share the evidence".to_owned(),
        lead: "Evidence for one is worth looking at for the other; it is never the same as fulfilling it."
            .to_owned(),
        action: None,
        blocks: vec![listing.table(visit, Rows::Whole(rows.collect()))?],
    };
    Block::of(&part)
}
