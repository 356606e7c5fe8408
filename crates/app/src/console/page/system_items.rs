//! Registers beside systems: what they hold about one, and models in traffic that the inventory does not name.

use tabellion_model::register::About;
use tabellion_model::{ItemId, SystemId};
use tabellion_views::query::Subject;

use super::registers::path;
use super::work_items;
use crate::console::block::{Block, Section, section};
use crate::console::cell::Cell;
use crate::console::link::Link;
use crate::console::looks;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::Visit;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::forms::Time;
use crate::work::registers::{GapKind, INVENTORY, ItemQuery, opening};

/// Items of each register that the page of a system shows.
const OF_SYSTEM: u64 = 5;

/// What the registers hold about one system: the newest items of each, and where there is none yet.
pub(crate) fn of_system(visit: &Visit<'_>, system: SystemId) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for register in visit.desk.registers().registers {
        let definition = visit.desk.register(&register.name)?;
        if definition.about == About::Organisation {
            continue;
        }
        let query = ItemQuery { system: Some(system), limit: Some(OF_SYSTEM), ..ItemQuery::default() };
        let found = visit.desk.register_items(visit.actor()?, &register.name, &query)?;
        let list = || {
            let list = Link::to(&format!("/registers/{}", register.name)).with("system", &system.to_hex());
            Cell::text(&register.title).to(list.href())
        };
        if found.items.is_empty() {
            let start =
                Link::to(&format!("/registers/{}/new", register.name)).with("system", &system.to_hex());
            let opens = visit.actor().and_then(|actor| opening(actor, definition));
            let writes = match opens {
                Ok(permission) => visit.can_change(permission, system)?,
                Err(_) => false,
            };
            let none = Cell::unknown("nothing about this system yet");
            let none = if writes { none.to(start.href()) } else { none };
            let unknown = || Cell::unknown("–");
            rows.push(Row {
                href: String::new(),
                cells: vec![list(), none, unknown(), unknown(), unknown()],
            });
        }
        for item in &found.items {
            let href = path(item);
            let due = item.approval.as_ref().and_then(|approval| approval.next_review_at);
            let cells = vec![
                list(),
                Cell::maybe(item.name.as_deref(), "no name yet").to(href.clone()),
                Cell::state(looks::standing(item.standing)),
                if item.due.is_some() {
                    work_items::due(item)
                } else {
                    due.map_or_else(|| Cell::unknown("–"), |due| visit.time(due.0))
                },
                visit.time(item.changed_at.0),
            ];
            rows.push(Row { href, cells });
        }
    }
    let listing = Listing::plain(
        "items",
        "What the registers hold about it",
        const {
            &[
                column("register", "Register"),
                column("name", "Item"),
                column("standing", "How it stands"),
                column("due", "Due"),
                column("changed", "Changed"),
            ]
        },
        nothing("No register", "Registers come with the program.", None),
    );
    section("registers", "Registers", vec![listing.table(visit, Rows::Whole(rows))?])
}

/// The items about one system, for what happened to them.
pub(crate) fn subjects(visit: &Visit<'_>, system: SystemId) -> Result<Vec<Subject>, Refusal> {
    let mut subjects = Vec::new();
    for register in visit.desk.registers().registers {
        let query = ItemQuery { system: Some(system), limit: Some(OF_SYSTEM), ..ItemQuery::default() };
        let found = visit.desk.register_items(visit.actor()?, &register.name, &query)?;
        let ids = found.items.iter().filter_map(|item| ItemId::from_hex(&item.id));
        subjects.extend(ids.map(|id| Subject::Item(register.name.clone(), id)));
    }
    Ok(subjects)
}

/// Models in traffic that the inventory does not name.
pub(crate) fn gaps(visit: &Visit<'_>) -> Result<Option<Block>, Refusal> {
    let found = visit.desk.inventory_gaps(visit.actor()?)?;
    if found.gaps.is_empty() {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for gap in &found.gaps {
        let system = SystemId::from_hex(&gap.system).ok_or_else(|| Refusal::not_found("system"))?;
        let entry = format!("/registers/{INVENTORY}/{}", gap.system);
        let call = |id: &str, at: Time| {
            let cell = visit.time(at.0);
            if visit.can(Permission::ReadCalls) { cell.to(format!("/calls/{id}")) } else { cell }
        };
        let why = match gap.kind {
            GapKind::NoEntry => Cell::text("The system has no entry here").to(Link::to(&format!(
                "/registers/{INVENTORY}/new"
            ))
            .with("system", &gap.system)
            .href()),
            GapKind::NotApproved => Cell::text("Its entry was never approved").to(entry),
            GapKind::NotNamed => Cell::text("Its approved entry does not name the model").to(entry),
        };
        let cells = vec![
            visit.names.system(visit.desk, system)?,
            Cell::text(&gap.model),
            why,
            call(&gap.first_call, gap.first_at),
            call(&gap.last_call, gap.last_at),
        ];
        rows.push(Row { href: String::new(), cells });
    }
    let listing = Listing::plain(
        "gaps",
        "Models that were called and are not named",
        const {
            &[
                column("system", "System"),
                column("model", "Model"),
                column("why", "What is missing"),
                column("first", "First call"),
                column("last", "Last call"),
            ]
        },
        nothing("No gap", "Every model that was called is named.", None),
    );
    let part = Section {
        id: "gaps",
        title: "In traffic, and not in the inventory".to_owned(),
        lead: "Found by comparing what the gateway recorded with what is approved here.".to_owned(),
        action: None,
        blocks: vec![listing.table(visit, Rows::Whole(rows))?],
    };
    Block::of(&part).map(Some)
}
