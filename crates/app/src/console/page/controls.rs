//! Clauses and controls: all of them, how each stands in its six parts, and why.

use tabellion_model::status::Target;

use super::coverage::figures;
use super::coverage_chart;
use super::work_items::{self, Open};
use crate::console::answer::Answered;
use crate::console::block::Block;
use crate::console::cell::{Cell, Piece};
use crate::console::looks;
use crate::console::moment;
use crate::console::table::{Column, Filter, Listing, Row, Rows, Takes, choices, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::Tone;
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::controls::{Basis, ControlRow, Controls, PartMark};

const COLUMNS: &[Column] = &[
    column("reference", "Reference"),
    column("title", "Title"),
    column("status", "Status"),
    column("parts", "Parts"),
    column("qualifiers", "Limits"),
    column("newest", "Newest record"),
    column("owner", "Owner of open work"),
    column("due", "Next due"),
    more("work", "Open work"),
    more("because", "Weightiest reason"),
    more("kind", "Kind"),
    more("area", "Area"),
    more("design", "Design"),
    more("population", "Population"),
    more("operation", "Operation"),
    more("sample", "Sample"),
    more("integrity", "Integrity"),
    more("findings", "Findings"),
];
const WORK: [(&str, &str); 3] =
    [("open", "Something is open"), ("overdue", "Something is overdue"), ("none", "Nothing is open")];
const STATUSES: [&str; 4] = ["covered", "partial", "gap", "not_applicable"];
const QUALIFIERS: [&str; 9] = [
    "not_exercised",
    "inherited",
    "attested_only",
    "sample_due",
    "not_reconciled",
    "integrity_failed",
    "exclusion_stale",
    "no_source",
    "overdue",
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let all = visit.desk.controls()?;
    let asked = |name: &str| visit.query.get(name);
    let area = |row: &ControlRow, wanted: &str| {
        row.reference.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
    };
    let work = work_items::by_reference(visit)?;
    let mut rows = Vec::new();
    for row in &all.controls {
        let open = work.get(row.reference);
        let fits = asked("status").is_none_or(|wanted| row.status == wanted)
            && asked("kind").is_none_or(|wanted| (wanted == "control") == row.is_control)
            && asked("area").is_none_or(|wanted| area(row, wanted))
            && asked("qualifier").is_none_or(|wanted| row.qualifiers.contains(&wanted))
            && asked("work").is_none_or(|wanted| has_work(open, wanted));
        if fits {
            rows.push(shown(visit, &all, row, open)?);
        }
    }
    let status = |word: &'static str| (word, looks::overall(word).0);
    let listing = Listing {
        id: "controls",
        caption: "Clauses and controls",
        columns: COLUMNS,
        filters: vec![
            Filter { name: "status", label: "Status", takes: choices(STATUSES.map(status)) },
            Filter {
                name: "kind",
                label: "Kind",
                takes: choices([("control", "Control of Annex A"), ("clause", "Clause")]),
            },
            Filter { name: "area", label: "Area", takes: areas(&all) },
            Filter {
                name: "qualifier",
                label: "Limits",
                takes: choices(QUALIFIERS.map(|word| (word, looks::qualifier(word).0))),
            },
            Filter { name: "work", label: "Work", takes: choices(WORK) },
        ],
        search: "reference, title or reason",
        views: vec![
            ("All", Vec::new()),
            ("Gaps", vec![("status", "gap".into())]),
            ("Partial", vec![("status", "partial".into())]),
            ("Covered", vec![("status", "covered".into())]),
            ("Controls", vec![("kind", "control".into())]),
            ("Clauses", vec![("kind", "clause".into())]),
            ("Overdue work", vec![("work", "overdue".into())]),
        ],
        empty: nothing("No clause or control", "The catalogue comes with the program.", None),
    };
    let rows = Rows::Whole(rows);
    if visit.wants_csv() {
        return Ok(listing.csv(visit, rows).into());
    }
    let controls = all.controls.iter().filter(|row| row.is_control).count();
    let lead = format!(
        "ISO/IEC 42001: {controls} controls, {} clauses. What is evidenced, computed from records by rules that are data; nobody types a status in.",
        all.controls.len() - controls
    );
    let mut blocks = vec![figures(&all.counts)?];
    blocks.extend(coverage_chart::chart(visit, &all.counts)?);
    blocks.extend([legend()?, listing.table(visit, rows)?, basis(&all.basis)?]);
    visit.show(Content { lead, charts: true, blocks, ..Content::titled("Controls") })
}

fn areas(all: &Controls) -> Takes {
    let areas = all.headings.iter().map(|heading| {
        let depth = heading.id.trim_start_matches("A.").matches('.').count();
        (heading.id.to_owned(), format!("{}{} {}", "· ".repeat(depth), heading.id, heading.title))
    });
    Takes::Choice(areas.collect())
}

/// Whether the work that is open about a control is as wanted.
fn has_work(open: Option<&Open>, wanted: &str) -> bool {
    match wanted {
        "overdue" => open.is_some_and(|open| open.late > 0),
        "open" => open.is_some(),
        _ => open.is_none(),
    }
}

fn shown(visit: &Visit<'_>, all: &Controls, row: &ControlRow, open: Option<&Open>) -> Result<Row, Refusal> {
    let href = format!("/controls/{}", row.reference);
    let heading = all.headings.iter().find(|heading| heading.id == row.heading);
    let mut cells = vec![
        reference(row.reference).to(href.clone()),
        Cell::text(&row.title).to(href.clone()),
        Cell { title: Cell::long(&row.because).whole, ..Cell::state(looks::overall(row.status)) },
        parts(&row.parts),
        looks::qualifiers(&row.qualifiers),
        newest(visit, row.newest)?,
    ];
    cells.extend(work_items::cells(visit, open)?);
    cells.extend([
        Cell::long(&row.because),
        Cell::text(if row.is_control { "Control" } else { "Clause" }),
        heading.map_or_else(
            || Cell::text(row.heading),
            |heading| Cell::text(&format!("{} {}", heading.id, heading.title)),
        ),
    ]);
    cells.extend(row.parts.iter().map(|part| Cell::state(looks::mark(part.mark))));
    Ok(Row { href, cells })
}

/// A reference, sorted in the standard's order: clauses before controls, 10 after 9.
pub(crate) fn reference(text: &str) -> Cell {
    let numbers = text.trim_start_matches("A.").split('.').map(|part| part.parse::<u64>().unwrap_or(0));
    let place = numbers.chain(std::iter::repeat(0)).take(4).fold(0_u64, |place, part| place * 100 + part);
    let annex = u64::from(text.starts_with("A.")) * 1_000_000_000;
    Cell { order: crate::console::cell::Order::Number(annex + place), ..Cell::text(text) }
}

/// The six marks as letters in their shapes.
pub(crate) fn parts(parts: &[PartMark]) -> Cell {
    let pieces = parts.iter().map(|part| {
        let ((name, _), (word, tone)) = (looks::part(part.part), looks::mark(part.mark));
        Piece {
            class: tone.class(),
            text: name.chars().take(1).collect(),
            title: format!("{name}: {}", word.to_lowercase()),
        }
    });
    let holding = parts.iter().filter(|part| part.mark == "holds").count();
    Cell::marks(pieces.collect(), holding as u64)
}

/// When the newest record that speaks for it was committed.
pub(crate) fn newest(visit: &Visit<'_>, entry: Option<u64>) -> Result<Cell, Refusal> {
    let Some(entry) = entry else { return Ok(Cell::unknown("none")) };
    let at = moment::of_entry(visit.desk, entry)?;
    let cell = visit.time(at);
    Ok(if visit.reach(Permission::ReadEntries) == Reach::All {
        cell.to(format!("/ledger/{entry}"))
    } else {
        cell
    })
}

#[derive(askama::Template)]
#[template(path = "console/legend.html")]
struct Legend {
    parts: Vec<(String, &'static str)>,
    marks: Vec<(&'static str, &'static str)>,
}

fn legend() -> Result<Block, Refusal> {
    let parts = ["design", "population", "operation", "sample", "integrity", "findings"];
    let marks = ["holds", "short", "missing", "not_asked"];
    Block::of(&Legend {
        parts: parts
            .iter()
            .map(|part| {
                let (name, asks) = looks::part(part);
                (name.to_owned(), asks)
            })
            .collect(),
        marks: marks
            .iter()
            .map(|word| {
                let (word, tone): (&str, Tone) = looks::mark(word);
                (word, tone.class())
            })
            .collect(),
    })
}

#[derive(askama::Template)]
#[template(path = "console/basis.html")]
struct BasisView {
    size: String,
    at: String,
    version: u64,
    digest: Cell,
}

/// By what the statuses were computed.
pub(crate) fn basis(basis: &Basis) -> Result<Block, Refusal> {
    Block::of(&BasisView {
        size: crate::console::words::count(basis.size),
        at: crate::console::words::moment(basis.at.0),
        version: basis.rules_version,
        digest: Cell::id(&basis.rules_digest),
    })
}

/// Where a target leads for this person; none: their role does not open it.
pub(crate) fn open(visit: &Visit<'_>, target: &Target) -> Option<(String, &'static str)> {
    let (href, label, permission) = looks::target(target);
    visit.can(permission).then_some((href, label))
}
