//! This installation: what it runs as, which configuration is in force, whom to believe. Read-only; a change is a change of the file.

use crate::console::answer::{Answered, Reply};
use crate::console::block::Block;
use crate::console::block::{Action, Facts, Section, section};
use crate::console::cell::Cell;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::environment;
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let reader = visit.desk.ledger().reader();
    let origin = reader.origin();
    let facts = Facts::default()
        .with("Log", Cell::text(origin.as_str()))
        .with("Organisation", Cell::text(origin.tenant()))
        .with("Environment", Cell::text(environment(reader.env())))
        .with("Genesis", Cell::id(&reader.genesis().to_hex()))
        .with("Entries", Cell::number(reader.size()))
        .with("Version", Cell::text(concat!("tabellion ", env!("CARGO_PKG_VERSION"))))
        .with("Address", Cell::text(&visit.settings.public_url))
        .with("API", Cell::text("OpenAPI description").to("/api/openapi.json".to_owned()));
    let keys = Section {
        id: "trust",
        title: "Whom to believe".to_owned(),
        lead: "The trust file names the keys that speak for this log. Hand it to an auditor by another way than the evidence: whoever can replace both can forge both.".to_owned(),
        action: Some(Action { label: "Download the trust file", href: "/settings/trust.txt".to_owned() }),
        blocks: Vec::new(),
    };
    let mut blocks = vec![facts.block()?, Block::of(&keys)?];
    if visit.reach(Permission::ReadPeople) == Reach::All {
        blocks.push(section("configuration", "Configuration in force", vec![configuration(visit)?])?);
    }
    let content = Content {
        lead: "Read only: the operator changes the configuration in its file.".to_owned(),
        blocks,
        ..Content::titled("This installation")
    };
    visit.show(content)
}

fn configuration(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let rows = visit.settings.configuration.iter().map(|line| Row {
        href: String::new(),
        cells: vec![Cell::text(&line.key), Cell::text(&line.value), Cell::text(&line.place)],
    });
    let empty = nothing(
        "Everything is as it is by default",
        "What the operator sets in tabellion.toml or by variables stands here, with the place where it was set. Secrets never stand in the configuration.",
        None,
    );
    let listing = Listing::plain(
        "configuration",
        "Configuration in force",
        const { &[column("key", "Key"), column("value", "Value"), column("place", "Set in")] },
        empty,
    )
    .searched("key or value");
    listing.table(visit, Rows::All(rows.collect()))
}

/// The trust file.
pub(crate) fn trust(visit: &Visit<'_>) -> Answered {
    Ok(Reply::File("trust.txt".to_owned(), "text/plain; charset=utf-8", trust_file(visit)?.into_bytes())
        .into())
}

/// The text of the trust file.
pub(crate) fn trust_file(visit: &Visit<'_>) -> Result<String, Refusal> {
    crate::trust_text(visit.desk.ledger().reader())
        .map_err(|error| Refusal::new(Code::Broken, error.to_string()))
}
