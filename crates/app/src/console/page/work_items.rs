//! Work and requests: what is open, who answers for it, until when; on the page of a control, in the list of controls and at home.
//!
//! Promises: only what is within reach; it says that none of it changes a status. Must never: know a register by its name.

use std::collections::BTreeMap;

use askama::Template;
use tabellion_model::CredentialId;
use tabellion_model::catalogue::Reference;

use super::registers;
use crate::console::block::{Block, Section};
use crate::console::cell::{Cell, Piece};
use crate::console::link::Link;
use crate::console::looks;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::Visit;
use crate::console::words::Tone;
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::registers::{ItemSummary, Standing, names_controls, opening};

/// Items that Home shows; the registers have the rest.
const AT_HOME: usize = 8;

/// Buttons that begin something: label and address.
#[derive(Template)]
#[template(path = "console/start.html")]
struct Starts {
    starts: Vec<(String, String)>,
}

/// When an item is due; what is late says so.
pub(crate) fn due(item: &ItemSummary) -> Cell {
    match (&item.due, item.standing) {
        (None, _) => Cell::unknown("no day"),
        (Some(day), Standing::PastDue) => {
            let text = Cell::state((&format!("{day}, overdue"), Tone::Bad));
            Cell { whole: day.clone(), ..text }
        }
        (Some(day), _) => Cell::text(day),
    }
}

/// Whether items of `register` say which clauses and controls they are about.
pub(crate) fn names(register: &tabellion_model::register::Register) -> bool {
    names_controls(register)
}

/// The clauses and controls that an item names, each leading to its page.
pub(crate) fn references(visit: &Visit<'_>, ids: &[String]) -> Vec<Cell> {
    let opens = visit.can(Permission::ReadControls);
    let known = ids.iter().filter_map(|id| Reference::parse(id).ok());
    let cell = |reference: Reference| {
        let cell = Cell { title: reference.item().title.to_string(), ..Cell::text(reference.as_str()) };
        if opens { cell.to(format!("/controls/{reference}")) } else { cell }
    };
    known.map(cell).collect()
}

/// Open items as a table.
pub(crate) fn table(
    visit: &Visit<'_>,
    id: &'static str,
    caption: &'static str,
    items: &[ItemSummary],
    none: &'static str,
) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for item in items {
        let register = visit.desk.register(&item.register)?;
        let href = registers::path(item);
        let owner = item.owner.as_deref().and_then(CredentialId::from_hex);
        let tags = item.references.iter().map(|id| Piece {
            class: "",
            text: id.clone(),
            title: format!("About {id}"),
        });
        let cells = vec![
            Cell::maybe(item.name.as_deref(), "no name any more").to(href.clone()),
            Cell::text(&register.item),
            owner.map_or_else(|| Ok(Cell::unknown("nobody")), |owner| visit.who(owner))?,
            due(item),
            Cell {
                text: registers::state(register, item.state.as_deref()).text,
                ..Cell::state(looks::standing(item.standing))
            },
            Cell::tags(tags.collect()),
        ];
        rows.push(Row { href, cells });
    }
    let listing = Listing::plain(
        id,
        caption,
        const {
            &[
                column("name", "Title"),
                column("kind", "What it is"),
                column("owner", "Owner"),
                column("due", "Due"),
                column("state", "State"),
                column("references", "Clauses and controls"),
            ]
        },
        nothing(
            if visit.reach(Permission::ReadRegisters) == Reach::All {
                "Nothing is open"
            } else {
                "Nothing that you may see is open"
            },
            none,
            None,
        ),
    );
    listing.table(visit, Rows::Whole(rows))
}

/// The work and requests that are open about one clause or control, and how to begin another.
pub(crate) fn of_control(visit: &Visit<'_>, reference: &str) -> Result<Option<Block>, Refusal> {
    if !visit.can(Permission::ReadRegisters) {
        return Ok(None);
    }
    let Ok(reference) = Reference::parse(reference) else { return Ok(None) };
    let items = visit.desk.open_work(visit.actor()?, Some(reference))?;
    let none = "Work to do and requests that name this clause or control stand here, with who answers for them and until when.";
    let part = Section {
        id: "work",
        title: "Work and requests".to_owned(),
        lead: "What people have to do about it, and what auditors asked. None of it changes the status above: only evidence does.".to_owned(),
        action: None,
        blocks: vec![table(visit, "work", "Work and requests that are open", &items, none)?, starts(visit, reference)?],
    };
    Block::of(&part).map(Some)
}

/// Buttons for a new item about `reference`, for whoever may open one.
fn starts(visit: &Visit<'_>, reference: Reference) -> Result<Block, Refusal> {
    let mut starts = Vec::new();
    for register in visit.desk.registers().registers {
        let register = visit.desk.register(&register.name)?;
        let may = visit.moment.is_none() && opening(visit.actor()?, register).is_ok();
        if names_controls(register) && may {
            let new = Link::to(&format!("/registers/{}/new", register.name));
            starts.push((format!("New {}", register.item), new.with("reference", reference.as_str()).href()));
        }
    }
    if starts.is_empty() { Ok(Block::nothing()) } else { Block::of(&Starts { starts }) }
}

/// What Home says of it: to an auditor what they asked, to whoever sees everything what is open.
pub(crate) fn at_home(visit: &Visit<'_>) -> Result<Vec<Block>, Refusal> {
    let mut blocks = Vec::new();
    if !visit.can(Permission::ReadRegisters) {
        return Ok(blocks);
    }
    let asked = visit.desk.asked_by(visit.actor()?)?;
    if !asked.is_empty() {
        let answered = asked.iter().filter(|item| item.standing == Standing::ToClose).count();
        let lead = match answered {
            0 => "None of them is answered yet.".to_owned(),
            1 => "One of them is answered: read it, then close it or ask again.".to_owned(),
            more => format!("{more} of them are answered: read them, then close them or ask again."),
        };
        blocks.push(first(visit, "requests", "What you asked for", lead, &asked)?);
    }
    if visit.reach(Permission::EditRegisters) == Reach::All {
        let open = visit.desk.open_work(visit.actor()?, None)?;
        if !open.is_empty() {
            let late = open.iter().filter(|item| item.standing == Standing::PastDue).count();
            let lead = match late {
                0 => format!("{} open, none overdue.", open.len()),
                late => format!("{} open, {late} overdue.", open.len()),
            };
            blocks.push(first(visit, "work", "Work and requests", lead, &open)?);
        }
    }
    Ok(blocks)
}

fn first(
    visit: &Visit<'_>,
    id: &'static str,
    title: &'static str,
    lead: String,
    items: &[ItemSummary],
) -> Result<Block, Refusal> {
    let shown = items.get(..AT_HOME).unwrap_or(items);
    let more = items.len() - shown.len();
    let lead = if more == 0 {
        lead
    } else {
        format!("{lead} The first {AT_HOME} to be due; the registers have the rest.")
    };
    let part = Section {
        id,
        title: title.to_owned(),
        lead,
        action: None,
        blocks: vec![table(visit, id, title, shown, "")?],
    };
    Block::of(&part)
}

/// What is open about one clause or control, for the list of all.
#[derive(Default)]
pub(crate) struct Open {
    /// How many.
    pub(crate) count: u64,
    /// How many of them are late.
    pub(crate) late: u64,
    /// The one that is due first.
    pub(crate) next: Option<ItemSummary>,
}

/// What is open, by clause and control.
pub(crate) fn by_reference(visit: &Visit<'_>) -> Result<BTreeMap<String, Open>, Refusal> {
    let mut all: BTreeMap<String, Open> = BTreeMap::new();
    if !visit.can(Permission::ReadRegisters) {
        return Ok(all);
    }
    for item in visit.desk.open_work(visit.actor()?, None)? {
        for reference in &item.references {
            let open = all.entry(reference.clone()).or_default();
            open.count += 1;
            open.late += u64::from(item.standing == Standing::PastDue);
            if open.next.is_none() {
                open.next = Some(item.clone());
            }
        }
    }
    Ok(all)
}

/// Cells of the list of controls: who answers for what is due next, when that is, and how much is open.
pub(crate) fn cells(visit: &Visit<'_>, open: Option<&Open>) -> Result<[Cell; 3], Refusal> {
    let Some((open, next)) = open.and_then(|open| Some((open, open.next.as_ref()?))) else {
        return Ok(["–", "–", "none open"].map(Cell::unknown));
    };
    let owner = next.owner.as_deref().and_then(CredentialId::from_hex);
    let owner = owner.map_or_else(|| Ok(Cell::unknown("nobody")), |owner| visit.who(owner))?;
    Ok([owner, due(next).to(registers::path(next)), Cell::number(open.count)])
}
