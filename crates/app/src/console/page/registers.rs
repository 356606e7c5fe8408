//! Registers: the list of them, and the items of one.

use tabellion_model::Micros;
use tabellion_model::body::Role;
use tabellion_model::register::{About, Register};

use super::register_filters::{DUE_SOON_DAYS, filters, query, views};
use super::system_items::gaps;
use super::work_items;
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Empty, Note};
use crate::console::cell::{Cell, Piece};
use crate::console::link::Link;
use crate::console::looks;
use crate::console::table::{
    CSV_ROWS, Column, Listing, PAGE_ROWS, Row, Rows, column, more, nothing, skipped,
};
use crate::console::visit::{Content, Visit};
use crate::console::words::{DAY, Tone};
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::forms::Time;
use crate::work::registers::{INVENTORY, ItemQuery, ItemSummary, opening};

/// Items that the desk gives at once.
const STEP: u64 = 200;
/// Columns that items can be sorted by.
const SORTED_BY: &[(&str, &str)] = &[("changed", "descending"), ("name", "ascending"), ("due", "ascending")];
const COLUMNS: &[Column] = &[
    column("name", "Name"),
    column("system", "System"),
    column("standing", "How it stands"),
    column("state", "State"),
    column("owner", "Owner"),
    column("due", "Due"),
    column("changed", "Changed"),
    more("approved", "Approved"),
    more("approver", "Approved by"),
    more("saved", "Last saved by"),
    more("revision", "Revision"),
    more("references", "Clauses and controls"),
    more("id", "Id"),
];

/// The list of registers.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let soon = Time(Micros(visit.now().0.saturating_add(DUE_SOON_DAYS * DAY)));
    let mut rows = Vec::new();
    for register in visit.desk.registers().registers {
        let href = format!("/registers/{}", register.name);
        let count = |query: ItemQuery| -> Result<u64, Refusal> {
            let query = ItemQuery { limit: Some(1), ..query };
            Ok(visit.desk.register_items(visit.actor()?, &register.name, &query)?.total)
        };
        let review = |word: &str| {
            let number = count(ItemQuery { review: Some(word.to_owned()), ..ItemQuery::default() })?;
            Ok::<_, Refusal>(Cell::number(number).to(Link::to(&href).with("review", word).href()))
        };
        // What has ended is no longer due; of what is reviewed it never was.
        let open = (!register.approves).then(|| "true".to_owned());
        let due = count(ItemQuery { due_before: Some(soon), open, ..ItemQuery::default() })?;
        let approvals = |cell: Result<Cell, Refusal>| {
            if register.approves { cell } else { Ok(Cell::unknown("not approved here")) }
        };
        let refresh = count(ItemQuery { refresh: Some("open".to_owned()), ..ItemQuery::default() })?;
        let serves = register.serves.iter().map(|reference| Piece {
            class: "",
            text: reference.clone(),
            title: format!("Evidence for {reference}"),
        });
        let cells = vec![
            Cell::text(&register.title).to(href.clone()),
            Cell::long(&register.purpose),
            Cell::tags(serves.collect()),
            Cell::number(count(ItemQuery::default())?).to(href.clone()),
            approvals(review("approved"))?,
            approvals(review("draft"))?,
            approvals(review("in_review"))?,
            Cell::number(due).to(Link::to(&href)
                .with("within", &DUE_SOON_DAYS.to_string())
                .with_some("open", (!register.approves).then_some("true"))
                .href()),
            approvals(Ok(Cell::number(refresh).to(Link::to(&href).with("refresh", "open").href())))?,
        ];
        rows.push(Row { href, cells });
    }
    let listing = Listing::plain(
        "registers",
        "Registers",
        const {
            &[
                column("title", "Register"),
                column("purpose", "What it is for"),
                column("serves", "Evidence for"),
                column("items", "Items"),
                column("approved", "Approved"),
                column("drafts", "Drafts"),
                column("waiting", "Wait for a decision"),
                column("due", "Due in 30 days"),
                column("refresh", "Need a new look"),
            ]
        },
        nothing("No register", "Registers come with the program.", None),
    )
    .searched("title or purpose");
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    visit.show(Content {
        lead: "What is kept about AI, drafted by whoever knows it and approved by a second person. Approved items are evidence; drafts are not, and neither are work and requests, which are worked on and closed.".to_owned(),
        blocks: vec![listing.table(visit, Rows::All(rows))?],
        ..Content::titled("Registers")
    })
}

/// The items of one register.
pub(crate) fn items(visit: &Visit<'_>) -> Answered {
    let register = visit.desk.register(visit.parts.text("register"))?;
    let asked = query(visit)?;
    let csv = visit.wants_csv();
    let (found, total) =
        if csv { every(visit, register, &asked)? } else { one_page(visit, register, &asked)? };
    let mut rows = Vec::new();
    for item in &found {
        rows.push(row(visit, register, item)?);
    }
    let start = start(visit, register);
    let listing = Listing {
        id: "items",
        caption: "Items of the register",
        columns: COLUMNS,
        filters: filters(visit, register)?,
        search: "name",
        views: views(register),
        empty: empty(register, start.clone()),
    };
    let rows = Rows::Part(rows, total, SORTED_BY);
    if csv {
        return Ok(listing.csv(visit, rows).into());
    }
    let mut blocks = vec![serves(visit, register)?];
    match none_about(visit, register, &asked, total)? {
        Some(none) => blocks.push(none),
        None => blocks.push(listing.table(visit, rows)?),
    }
    if register.name == INVENTORY {
        blocks.extend(gaps(visit)?);
    }
    visit.show(Content {
        trail: vec![("Registers".to_owned(), "/registers".to_owned())],
        lead: register.purpose.clone(),
        action: start,
        blocks,
        ..Content::titled(&register.title)
    })
}

/// What stands where a register is empty.
fn empty(register: &Register, action: Option<Action>) -> Empty {
    if register.approves() {
        return Empty {
            title: "Nothing in this register yet",
            text: "Somebody who knows the matter drafts an item, puts it forward, and a second person approves exactly that. From then on it is evidence for the clauses and controls above.",
            action,
            sample: "Draft → put forward → approved by a second person → reviewed in time",
        };
    }
    Empty {
        title: "Nothing in this register yet",
        text: "Somebody says what is needed, who answers and until when; the one who is named answers, and a second person closes it or sends it back. It changes no status.",
        action,
        sample: "Open → answered → closed by a second person, or sent back",
    }
}

/// Where a system was asked for alone and has no item yet: how to begin, with the system at hand.
fn none_about(
    visit: &Visit<'_>,
    register: &Register,
    asked: &ItemQuery,
    total: u64,
) -> Result<Option<Block>, Refusal> {
    let Some(system) = asked.system else { return Ok(None) };
    let alone = ItemQuery { system: Some(system), sort: asked.sort, ..ItemQuery::default() };
    if total > 0 || *asked != alone {
        return Ok(None);
    }
    let name = visit.names.system(visit.desk, system)?.text;
    let start = start(visit, register).map(|start| Action { label: "Start it", ..start });
    let text = match start {
        _ if !register.approves() => {
            "What people have to do about it, and what auditors asked, stands here.".to_owned()
        }
        Some(_) => format!("Somebody who knows {name} drafts it, and a second person approves exactly that."),
        None => "Whoever answers for the system, or keeps the registers, starts it.".to_owned(),
    };
    let all = Action { label: "Show those of every system", href: format!("/registers/{}", register.name) };
    let note = Note {
        tone: Tone::Quiet,
        title: format!("{name} has no {} yet", register.item),
        text,
        action: Some(start.unwrap_or(all)),
    };
    Block::of(&note).map(Some)
}

/// The items of the page that is asked for, and how many there are on all.
fn one_page(
    visit: &Visit<'_>,
    register: &Register,
    asked: &ItemQuery,
) -> Result<(Vec<ItemSummary>, u64), Refusal> {
    let ask = |skip| {
        let page = ItemQuery { skip: Some(skip), limit: Some(PAGE_ROWS as u64), ..asked.clone() };
        visit.desk.register_items(visit.actor()?, &register.name, &page)
    };
    let page = visit.query.number("page").unwrap_or(1).clamp(1, CSV_ROWS as u64);
    let mut some = ask((page - 1) * PAGE_ROWS as u64)?;
    if some.items.is_empty() && some.total > 0 {
        some = ask(skipped(visit, some.total))?;
    }
    Ok((some.items, some.total))
}

/// Every item, as far as a file takes them.
fn every(
    visit: &Visit<'_>,
    register: &Register,
    asked: &ItemQuery,
) -> Result<(Vec<ItemSummary>, u64), Refusal> {
    let mut found = Vec::new();
    loop {
        let skip = found.len() as u64;
        let page = ItemQuery { skip: Some(skip), limit: Some(STEP), ..asked.clone() };
        let some = visit.desk.register_items(visit.actor()?, &register.name, &page)?;
        let last = some.items.is_empty() || skip + some.items.len() as u64 >= some.total;
        found.extend(some.items);
        if last || found.len() >= CSV_ROWS {
            return Ok((found, some.total));
        }
    }
}

/// The step that begins an item, for whoever may.
fn start(visit: &Visit<'_>, register: &Register) -> Option<Action> {
    let permission = visit.actor().and_then(|actor| opening(actor, register)).ok()?;
    let within = match visit.reach(permission) {
        Reach::Nothing => false,
        Reach::Own => register.about != About::Organisation,
        Reach::All => true,
    };
    let label = if register.approves() { "Start a draft" } else { "Open a new one" };
    let href = Link::to(&format!("/registers/{}/new", register.name))
        .with_some("system", visit.query.get("system"))
        .href();
    within.then_some(Action { label, href })
}

fn row(visit: &Visit<'_>, register: &Register, item: &ItemSummary) -> Result<Row, Refusal> {
    let href = path(item);
    let approval = item.approval.as_ref();
    let cells = vec![
        Cell::maybe(item.name.as_deref(), "no name yet").to(href.clone()),
        about(item),
        Cell::state(looks::standing(item.standing)),
        state(register, item.state.as_deref()),
        visit.who_or(item.owner.as_deref(), "nobody yet")?,
        match (approval, approval.and_then(|approval| approval.next_review_at)) {
            _ if item.due.is_some() || !register.approves() => work_items::due(item),
            (None, _) => Cell::unknown("after approval"),
            (Some(_), None) => Cell::unknown("never"),
            (Some(_), Some(due)) => visit.time(due.0),
        },
        visit.time(item.changed_at.0),
        approval.map_or_else(|| Cell::unknown("not yet"), |approval| visit.time(approval.at.0)),
        visit.who_or(approval.map(|approval| approval.by.as_str()), "nobody yet")?,
        visit.who_or(Some(&item.saved_by), "nobody")?,
        Cell::number(item.revision),
        Cell::text(&item.references.join(", ")),
        Cell::id(&item.id),
    ];
    Ok(Row { href, cells })
}

/// The address of an item.
pub(crate) fn path(item: &ItemSummary) -> String {
    format!("/registers/{}/{}", item.register, item.id)
}

/// What an item is about.
pub(crate) fn about(item: &ItemSummary) -> Cell {
    match (&item.system, &item.system_name) {
        (Some(id), Some(name)) => Cell::text(name).to(format!("/systems/{id}")),
        (Some(id), None) => Cell::id(id).to(format!("/systems/{id}")),
        (None, _) if item.organisation_wide => {
            Cell::state(("the whole organisation: says nothing about any system", Tone::Fair))
        }
        (None, _) => Cell::text("the organisation"),
    }
}

/// Where an item stands, in the register's own words.
pub(crate) fn state(register: &Register, state: Option<&str>) -> Cell {
    match state.and_then(|name| register.state(name)) {
        Some(state) => Cell::text(&state.title),
        None => Cell::unknown("no longer readable"),
    }
}

/// What the register is evidence for, who approves, how often it is looked at.
fn serves(visit: &Visit<'_>, register: &Register) -> Result<Block, Refusal> {
    let references = register.serves.iter().map(|reference| {
        let cell = Cell::text(reference);
        if visit.can(Permission::ReadControls) { cell.to(format!("/controls/{reference}")) } else { cell }
    });
    let words = |roles: &mut dyn Iterator<Item = &Role>| {
        roles.map(|role| crate::console::words::role(*role)).collect::<Vec<_>>().join(" or ")
    };
    let by = register.approval.as_ref().map(|approval| {
        let second = if approval.four_eyes { ", who wrote none of it" } else { "" };
        format!("{}{second}", words(&mut approval.roles.iter()))
    });
    Block::of(&Serves {
        references: references.collect(),
        by: by.unwrap_or_default(),
        opened_by: words(&mut register.opened_by.iter()),
        review: match register.review_months {
            0 => "never by itself".to_owned(),
            1 => "every month".to_owned(),
            months => format!("every {months} months"),
        },
        definition: Cell::id(&register.digest.to_hex()),
    })
}

#[derive(askama::Template)]
#[template(path = "console/serves.html")]
struct Serves {
    references: Vec<Cell>,
    /// Who approves; empty: nobody.
    by: String,
    /// Who opens items; empty: whoever may write them.
    opened_by: String,
    review: String,
    definition: Cell,
}
