//! Outside sources: who is complete up to which number, what is missing, and who went silent (docs/completeness.md).
//!
//! Promises: what is missing, and what nobody looked at, is said before anything else. Must never: call a source complete that the rule does not.

use tabellion_model::{ProducerId, SystemId};
use tabellion_views::query::{GapFound, Loss};

use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Note, section};
use crate::console::cell::Cell;
use crate::console::table::{CSV_ROWS, Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count};
use crate::refusal::Refusal;
use crate::work::sources::{Source, SourceEpoch, SourceQuery, SourceState};

/// Sources on one page: of each the epochs are read.
const ROWS: u32 = 50;
const COLUMNS: &[Column] = &[
    column("source", "Source"),
    column("state", "State"),
    column("words", "In words"),
    column("system", "System"),
    column("records", "Records"),
    column("missing", "Missing"),
    column("lost", "Declared lost"),
    column("heard", "Last heard of"),
    more("sampled", "Without content"),
    more("epochs", "Epochs"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let mut query = SourceQuery { before: visit.query.number("before"), limit: Some(ROWS) };
    if visit.wants_csv() {
        let mut rows = Vec::new();
        loop {
            let page = visit.desk.sources(visit.actor()?, &query)?;
            rows.extend(page.sources.iter().map(|source| row(visit, source)).collect::<Result<Vec<_>, _>>()?);
            query.before = page.next;
            if page.next.is_none() || rows.len() >= CSV_ROWS {
                return Ok(listing().csv(visit, Rows::Newest(rows, None)).into());
            }
        }
    }
    let page = visit.desk.sources(visit.actor()?, &query)?;
    let rows = page.sources.iter().map(|source| row(visit, source)).collect::<Result<_, _>>()?;
    let content = Content {
        lead: "An application that counts what it sends leaves nothing out unseen: each number is here, declared lost, or missing.".to_owned(),
        blocks: vec![listing().table(visit, Rows::Newest(rows, page.next))?],
        ..Content::titled("Sources")
    };
    visit.show(content)
}

fn listing() -> Listing {
    Listing::plain(
        "sources",
        "Sources",
        COLUMNS,
        nothing(
            "No source yet",
            "Applications of the systems within your reach stand here once they count what they send: with the client in Python, or by POST /api/v1/sources/{source}/deliveries (docs/completeness.md).",
            None,
        ),
    )
}

fn row(visit: &Visit<'_>, source: &Source) -> Result<Row, Refusal> {
    let href = format!("/sources/{}", source.id);
    let sum = |of: fn(&SourceEpoch) -> u64| Cell::number(source.epochs.iter().map(of).sum());
    let cells = vec![
        Cell::id(&source.id).to(href.clone()),
        Cell::state(state(source.state)),
        Cell::long(&source.words),
        system(visit, source)?,
        sum(|epoch| epoch.records),
        sum(|epoch| epoch.missing),
        sum(|epoch| epoch.lost),
        visit.time(source.last_at.0),
        sum(|epoch| epoch.sampled),
        Cell::number(source.epochs.len() as u64 + source.epochs_settled + source.epochs_not_looked_at),
    ];
    Ok(Row { href, cells })
}

fn state(state: SourceState) -> (&'static str, Tone) {
    match state {
        SourceState::Complete => ("Complete", Tone::Good),
        SourceState::Gap => ("Numbers missing", Tone::Bad),
        SourceState::Silent => ("Silent", Tone::Fair),
        SourceState::Unknown => ("End unknown", Tone::Quiet),
    }
}

fn system(visit: &Visit<'_>, source: &Source) -> Result<Cell, Refusal> {
    match source.system.as_deref().and_then(SystemId::from_hex) {
        Some(id) => visit.names.system(visit.desk, id),
        None => Ok(Cell::unknown("none")),
    }
}

/// One source.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let id = ProducerId::from_hex(visit.parts.text("source")).ok_or_else(|| Refusal::not_found("source"))?;
    let source = visit.desk.source(visit.actor()?, id)?;
    let (gaps, losses) = visit.desk.source_gaps(visit.actor()?, id)?;
    let mut blocks = Vec::new();
    blocks.extend(note(&source).map(|note| Block::of(&note)).transpose()?);
    blocks.push(facts(visit, &source)?);
    blocks.push(section("missing", "Missing now", vec![missing(visit, &source)?])?);
    blocks.push(section("epochs", "Epochs", vec![epochs(visit, &source)?])?);
    blocks.push(section("found", "Gaps that the log named", vec![found(visit, &gaps)?])?);
    blocks.push(section("lost", "Declared lost by the source", vec![lost(visit, &losses)?])?);
    let content = Content {
        trail: vec![("Sources".to_owned(), "/sources".to_owned())],
        lead: "What this source says that it sent, held against what is in the log.".to_owned(),
        badges: vec![Cell::state(state(source.state))],
        blocks,
        ..Content::titled(&format!("Source {}", Cell::id(&source.id).text))
    };
    visit.show(content)
}

/// What has to be known before the numbers are read.
fn note(source: &Source) -> Option<Note> {
    let (tone, title, text) = match source.state {
        SourceState::Complete => return None,
        SourceState::Gap => (
            Tone::Bad,
            "Numbers are missing",
            "What stood under them nobody here can say. A retry may still bring them; a package of this time is undetermined until it does.",
        ),
        SourceState::Silent => (
            Tone::Fair,
            "Nothing was heard for twice the time that it named",
            "What it saw since is not known. Look whether the application runs, and at the status of its client.",
        ),
        SourceState::Unknown => (
            Tone::Quiet,
            "What came after its last number is not known",
            "A life of it ended without a word, no heartbeat came, or there are more lives than were looked at.",
        ),
    };
    let text = format!("{text} {}.", sentence(&source.words));
    Some(Note { tone, title: title.to_owned(), text, action: None })
}

/// With its first letter in upper case.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn facts(visit: &Visit<'_>, source: &Source) -> Result<Block, Refusal> {
    let beat = source.epochs.first().and_then(|epoch| epoch.stated);
    let mut facts = Facts::default()
        .with("In words", Cell::long(&source.words))
        .with("System", system(visit, source)?)
        .with("Last heard of", visit.time(source.last_at.0))
        .with("Last heartbeat", beat.map_or_else(|| Cell::unknown("none came"), |beat| visit.time(beat.at.0)))
        .with(
            "Waiting at the source",
            beat.map_or_else(|| Cell::unknown("not known"), |beat| Cell::number(beat.spooled)),
        )
        .with("Id", Cell::id(&source.id))
        .with("Heartbeats signed with", signing_key(visit, source));
    if source.epochs_settled > 0 {
        facts = facts.with("Earlier epochs, complete", Cell::number(source.epochs_settled));
    }
    if source.epochs_not_looked_at > 0 {
        facts = facts.with("Epochs not looked at", Cell::number(source.epochs_not_looked_at));
    }
    facts.block()
}

/// The key of the source, and the entry that says so.
fn signing_key(visit: &Visit<'_>, source: &Source) -> Cell {
    match &source.key {
        Some(key) => {
            let href = visit.to(&format!("/ledger/{}", key.since.index));
            let cell = Cell::id(&key.id);
            if visit.opens(key.since.index) { cell.to(href) } else { cell }
        }
        None => Cell::unknown("no key of its own"),
    }
}

/// A table without filters, of whatever there is.
fn table(
    visit: &Visit<'_>,
    (id, caption): (&'static str, &'static str),
    columns: &'static [Column],
    rows: Vec<Row>,
    (title, text): (&'static str, &'static str),
) -> Result<Block, Refusal> {
    Listing::plain(id, caption, columns, nothing(title, text, None)).table(visit, Rows::Whole(rows))
}

/// An epoch is a name more than a number, mostly a time: it stands as everywhere else.
fn epoch_number(epoch: u64) -> Cell {
    Cell::quantity(&epoch.to_string(), epoch)
}

fn numbers(first: u64, last: u64) -> Cell {
    let text = if first == last { count(first) } else { format!("{} to {}", count(first), count(last)) };
    Cell::quantity(&text, first)
}

fn missing(visit: &Visit<'_>, source: &Source) -> Result<Block, Refusal> {
    let named = |named: bool| if named { ("On record", Tone::Bad) } else { ("Not yet", Tone::Fair) };
    let rows = source.epochs.iter().flat_map(|epoch| {
        epoch.gaps.iter().map(|gap| Row {
            href: String::new(),
            cells: vec![
                epoch_number(epoch.epoch),
                numbers(gap.first, gap.last),
                Cell::number(gap.last - gap.first + 1),
                visit.time(gap.since.0),
                Cell::state(named(gap.named)),
            ],
        })
    });
    let columns = const {
        &[
            column("epoch", "Epoch"),
            column("numbers", "Numbers"),
            column("count", "How many"),
            column("since", "Due since"),
            column("named", "Named in the log"),
        ]
    };
    let empty = (
        "Nothing is missing",
        "Every number up to the last of each epoch that is listed is here or declared lost.",
    );
    let caption = ("missing-numbers", "Numbers that are neither here nor declared lost");
    table(visit, caption, columns, rows.collect(), empty)
}

fn epochs(visit: &Visit<'_>, source: &Source) -> Result<Block, Refusal> {
    let rows = source.epochs.iter().map(|epoch| Row {
        href: String::new(),
        cells: vec![
            epoch_number(epoch.epoch),
            Cell::state(match (epoch.missing, epoch.closed) {
                (0, true) => ("Complete, closed", Tone::Good),
                (0, false) => ("Complete so far", Tone::Fair),
                (_, true) => ("Numbers missing, closed", Tone::Bad),
                (_, false) => ("Numbers missing", Tone::Bad),
            }),
            Cell::number(epoch.complete_through),
            Cell::number(epoch.last_seq),
            Cell::number(epoch.records),
            Cell::number(epoch.sampled),
            Cell::number(epoch.lost),
            Cell::number(epoch.missing),
            epoch.stated.map_or_else(|| Cell::unknown("none came"), |stated| visit.time(stated.at.0)),
            Cell::maybe_number(epoch.stated.map(|stated| stated.last_seq)),
            Cell::maybe_number(epoch.stated.map(|stated| stated.spooled)),
        ],
    });
    let columns = const {
        &[
            column("epoch", "Epoch"),
            column("state", "State"),
            column("through", "Complete up to"),
            column("last", "Last number"),
            column("records", "Records"),
            column("sampled", "Without content"),
            column("lost", "Declared lost"),
            column("missing", "Missing"),
            column("beat", "Last heartbeat"),
            more("counted", "It had counted to"),
            more("spooled", "It had waiting"),
        ]
    };
    table(
        visit,
        ("epoch-rows", "Lives of this source"),
        columns,
        rows.collect(),
        ("No epoch", "Nothing came yet."),
    )
}

fn found(visit: &Visit<'_>, gaps: &[GapFound]) -> Result<Block, Refusal> {
    let rows = gaps.iter().map(|gap| Row {
        href: visit.to(&format!("/ledger/{}", gap.entry)),
        cells: vec![
            epoch_number(gap.span.life.epoch),
            numbers(gap.span.first, gap.span.last),
            Cell::text(match gap.why.as_str() {
                "heartbeat" => "the source says that they were sent",
                "jump" => "a later number came",
                other => other,
            }),
            visit.time(gap.at),
            visit.entry(gap.entry),
            gap.filled_at.map_or_else(|| Cell::state(("Open", Tone::Bad)), |at| visit.time(at)),
        ],
    });
    let columns = const {
        &[
            column("epoch", "Epoch"),
            column("numbers", "Numbers"),
            column("why", "Because"),
            column("at", "Named"),
            column("entry", "Entry"),
            column("filled", "Filled"),
        ]
    };
    let empty = (
        "The log named no gap",
        "A number that a later one overtook is named after a minute, in a record of its own.",
    );
    table(visit, ("found-gaps", "Gaps that the log named, the latest first"), columns, rows.collect(), empty)
}

fn lost(visit: &Visit<'_>, losses: &[Loss]) -> Result<Block, Refusal> {
    let rows = losses.iter().map(|loss| Row {
        href: String::new(),
        cells: vec![
            epoch_number(loss.span.life.epoch),
            numbers(loss.span.first, loss.span.last),
            visit.time(loss.since),
        ],
    });
    let columns =
        const { &[column("epoch", "Epoch"), column("numbers", "Numbers"), column("since", "Declared")] };
    let empty = (
        "The source declared nothing lost",
        "It does when its spool was full or damaged, or when the log refused a record for good.",
    );
    table(visit, ("losses", "Numbers that the source declared lost"), columns, rows.collect(), empty)
}
