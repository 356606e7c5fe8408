//! The ledger explorer: the newest checkpoint, commits, and entries with filters.

use tabellion_model::Entry;
use tabellion_tlog::SignedCheckpoint;

use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, section};
use crate::console::cell::Cell;
use crate::console::table::{CSV_ROWS, Column, Filter, Listing, Row, Rows, Takes, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::entries::{EntryForm, EntryQuery};

/// Commits that are shown.
const COMMITS: usize = 10;
const COLUMNS: &[Column] = &[
    column("index", "Entry"),
    column("when", "When"),
    column("type", "Type"),
    column("who", "Who"),
    column("system", "System"),
    column("content", "Content"),
    more("stream", "Stream"),
    more("version", "Version"),
    more("record", "Record id"),
    more("leaf", "Leaf hash"),
];

/// The page.
pub(crate) fn explorer(visit: &Visit<'_>) -> Answered {
    let mut query = EntryQuery {
        system: visit
            .query
            .get("system")
            .map(|text| {
                tabellion_model::SystemId::from_hex(text)
                    .ok_or_else(|| Refusal::new(Code::Malformed, "there is no such system"))
            })
            .transpose()?,
        record_type: visit.query.get("type").map(|text| text.trim().to_owned()),
        before: Some(visit.query.number("before").unwrap_or(u64::MAX).min(visit.size())),
        limit: None,
    };
    if visit.wants_csv() {
        let mut rows = Vec::new();
        query.limit = Some(200);
        loop {
            let page = visit.desk.entries(visit.actor()?, &query)?;
            rows.extend(shown(visit, page.entries)?);
            query.before = page.next;
            if page.next.is_none() || rows.len() >= CSV_ROWS {
                return Ok(listing(visit)?.csv(visit, Rows::Newest(rows, None)).into());
            }
        }
    }
    let page = visit.desk.entries(visit.actor()?, &query)?;
    let rows = shown(visit, page.entries)?;
    let mut blocks = Vec::new();
    if visit.query.number("before").is_none() {
        blocks.push(checkpoint(visit)?);
    }
    blocks.push(section(
        "entries",
        "Entries",
        vec![listing(visit)?.table(visit, Rows::Newest(rows, page.next))?],
    )?);
    if visit.reach(Permission::ReadEntries) == Reach::All && visit.query.number("before").is_none() {
        blocks.push(section("commits", "Latest commits", vec![commits(visit)?])?);
    }
    let content = Content {
        lead: "Everything that changed anything here, in the order in which it became durable. Nothing is ever changed or left out.".to_owned(),
        blocks,
        ..Content::titled("Ledger")
    };
    visit.show(content)
}

fn listing(visit: &Visit<'_>) -> Result<Listing, Refusal> {
    let of_type = |name: &str| vec![("type", name.to_owned())];
    Ok(Listing {
        id: "entries",
        caption: "Entries",
        columns: COLUMNS,
        filters: vec![
            Filter { name: "type", label: "Type", takes: Takes::Text },
            super::systems::filter(visit)?,
        ],
        search: "",
        views: vec![
            ("All", Vec::new()),
            ("Denied calls", of_type("call.denied")),
            ("Policies", of_type("policy.published")),
            ("Packages", of_type("package.exported")),
            ("Erasures", of_type("erasure.done")),
        ],
        empty: nothing(
            "No entry within your reach",
            "Entries of the systems that you answer for stand here.",
            None,
        ),
    })
}

fn shown(visit: &Visit<'_>, entries: Vec<EntryForm>) -> Result<Vec<Row>, Refusal> {
    let rows = entries.into_iter().map(|entry| {
        let href = visit.to(&format!("/ledger/{}", entry.index));
        let system = entry.system.as_deref().and_then(tabellion_model::SystemId::from_hex);
        let cells = vec![
            Cell::quantity(&format!("#{}", count(entry.index)), entry.index).to(href.clone()),
            visit.time(entry.at.0),
            entry
                .record_type
                .as_deref()
                .map_or_else(|| Cell::state(("seal of a commit", Tone::Quiet)), Cell::text),
            visit.who_or(entry.actor.as_deref(), "the log")?,
            system.map_or_else(|| Ok(Cell::unknown("–")), |id| visit.names.system(visit.desk, id))?,
            content(&entry),
            Cell::maybe(entry.stream.as_deref(), "–"),
            Cell::maybe_number(entry.stream_version),
            entry.record_id.as_deref().map_or_else(|| Cell::unknown("–"), Cell::id),
            Cell::id(&entry.leaf_hash),
        ];
        Ok(Row { href, cells })
    });
    rows.collect()
}

/// What is left of an entry's content, and what of it the reader may see.
pub(crate) fn content(entry: &EntryForm) -> Cell {
    let has = |state: &str| entry.units.iter().any(|unit| unit.state == state);
    if entry.units.is_empty() {
        Cell::unknown("none")
    } else if has("erased") {
        Cell::state(("Erased", Tone::Quiet))
    } else if has("withheld") {
        Cell::state(("Withheld from you", Tone::Fair))
    } else if has("missing") {
        Cell::state(("Never given here", Tone::Quiet))
    } else {
        Cell::text("shown")
    }
}

fn checkpoint(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let reader = visit.desk.ledger().reader();
    let size = visit.size();
    let signed = SignedCheckpoint::parse(reader.checkpoint_at(size)?.as_bytes());
    let signed = signed.map_err(|error| {
        Refusal::new(Code::Broken, format!("the checkpoint of size {size} cannot be read: {error}"))
    })?;
    let caption = if visit.moment.is_some() { "The checkpoint of then" } else { "The newest checkpoint" };
    let facts = Facts::default()
        .with("Entries", Cell::number(size))
        .with("Root hash", Cell::id(&signed.checkpoint.root.to_hex()))
        .with("Log", Cell::text(reader.origin().as_str()))
        .with("As a file", Cell::text("checkpoint, C2SP form").to("/api/v1/checkpoint".to_owned()))
        .with("Whom to believe", Cell::text("trust file of this log").to("/settings/trust.txt".to_owned()));
    section("checkpoint", caption, vec![facts.block()?])
}

/// The last commits, found backwards from seal to seal.
fn commits(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let reader = visit.desk.ledger().reader();
    let (mut rows, mut size) = (Vec::new(), visit.size());
    while size > 0 && rows.len() < COMMITS {
        let view = reader.entry(size - 1)?;
        let Entry::Seal(sealed) = &view.entry else { break };
        let seal = &sealed.seal;
        let href = visit.to(&format!("/ledger/{}", view.index));
        rows.push(Row {
            href: href.clone(),
            cells: vec![
                Cell::number(size).to(href),
                visit.time(seal.committed_at),
                Cell::number(seal.count),
                Cell::text(&format!("#{} to #{}", count(seal.first), count(view.index))),
                Cell::id(&seal.root.to_hex()),
            ],
        });
        size = seal.first;
    }
    let listing = Listing::plain(
        "commits",
        "Latest commits",
        const {
            &[
                column("size", "Log size after"),
                column("when", "Committed"),
                column("records", "Records"),
                column("entries", "Entries"),
                column("root", "Root of its records"),
            ]
        },
        nothing("No commit", "", None),
    );
    listing.table(visit, Rows::All(rows))
}
