//! What is evidenced in all, and the steps that raise the most, for whoever comes to close gaps.

use askama::Template;

use super::controls::open;
use crate::console::block::{Action, Block, Section};
use crate::console::cell::{Cell, Piece};
use crate::console::link::Link;
use crate::console::looks;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::Visit;
use crate::console::words::{count, counted};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::controls::Counts;
use crate::work::coverage::NextStep;

/// Steps that are shown.
const STEPS: usize = 5;
/// References that a step names; how many more there are stands behind them.
const NAMED: usize = 8;

struct Figure {
    label: &'static str,
    value: String,
    href: String,
    note: String,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "console/figures.html")]
struct Figures {
    figures: Vec<Figure>,
}

/// How many stand how, each opening its list.
pub(crate) fn figures(counts: &Counts) -> Result<Block, Refusal> {
    let figure = |word: &str, number: u64, note: &str| {
        let (label, tone) = looks::overall(word);
        Figure {
            label,
            value: count(number),
            href: Link::to("/controls").with("status", word).href(),
            note: note.to_owned(),
            tone: tone.class(),
        }
    };
    Block::of(&Figures {
        figures: vec![
            figure("covered", counts.covered, "every part holds"),
            figure("partial", counts.partial, "some of it is there"),
            figure("gap", counts.gap, "something needed is not there"),
            figure("not_applicable", counts.not_applicable, "excluded by the approved statement"),
        ],
    })
}

/// What comes of a step: the references that rise by it, or with how many others of its kind they would.
fn raises(step: &NextStep) -> Vec<Piece> {
    let piece = |text: String, title: String| Piece { class: "", text, title };
    if step.raises.is_empty() {
        let (together, others) = (&step.together.0, step.together.1 as u64);
        let needed = count(step.needed_for.len() as u64);
        let text = if together.is_empty() {
            format!("None by itself; needed for {needed}")
        } else {
            format!(
                "{} with {}",
                count(together.len() as u64),
                counted(others, "other like it", "others like it")
            )
        };
        return vec![piece(text, format!("Needed for {}", step.needed_for.join(", ")))];
    }
    let named = step.raises.iter().take(NAMED);
    let mut raises: Vec<Piece> =
        named.map(|reference| piece((*reference).to_owned(), format!("Would raise {reference}"))).collect();
    let rest = step.raises.len().saturating_sub(NAMED);
    if rest > 0 {
        raises.push(piece(format!("{rest} more"), String::new()));
    }
    raises
}

/// The section of the first page; none for those who come for something else.
pub(crate) fn part(visit: &Visit<'_>) -> Result<Option<Block>, Refusal> {
    // Those who keep the statement, and those who read everything.
    if !(visit.can(Permission::DecideApplicability) || visit.can(Permission::ReadPersonal)) {
        return Ok(None);
    }
    let coverage = visit.desk.coverage()?;
    let mut rows = Vec::new();
    for step in coverage.steps.iter().take(STEPS) {
        let found = open(visit, &step.target);
        let href = found.map(|(href, _)| href).unwrap_or_default();
        let raises = raises(step);
        let text = Cell::text(&step.text);
        rows.push(Row {
            cells: vec![if href.is_empty() { text } else { text.to(href.clone()) }, Cell::tags(raises)],
            href,
        });
    }
    let listing = Listing::plain(
        "steps",
        "Steps that raise the most",
        const { &[column("step", "What to do next"), column("raises", "Would raise")] },
        nothing(
            "Nothing is left to do here",
            "What still has no evidence source stands under Controls.",
            None,
        ),
    );
    let part = Section {
        id: "coverage",
        title: "ISO/IEC 42001, as evidenced".to_owned(),
        lead: "Clauses and controls by what records show. Every number opens its list, every step the page where it is done.".to_owned(),
        action: Some(Action { label: "See all controls", href: "/controls".to_owned() }),
        blocks: vec![figures(&coverage.counts)?, listing.table(visit, Rows::Whole(rows))?],
    };
    Block::of(&part).map(Some)
}
