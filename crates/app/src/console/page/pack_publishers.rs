//! Publishers of packs: who is trusted with which key, what waits for a second person; put forward, trusted, removed.
//!
//! Promises: whoever trusts a key sees all of it. Must never: show a key that waits as one that is trusted.

use serde_json::{Value, json};

use super::packs;
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::segment;
use crate::console::table::{Column, Listing, Row, column, in_order, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::Tone;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::forms::Reason;
use crate::work::packs::{LayerForm, NewPublisher, Pin, Publisher, PublisherWaiting, Trust};

/// The form that puts a publisher forward.
const PROPOSE: &str = "propose-publisher";
/// The form by which a second person trusts it.
const TRUST: &str = "trust-publisher";
/// The form that ends the trust.
const REMOVE: &str = "remove-publisher";

const COLUMNS: &[Column] = &[
    column("name", "Publisher"),
    column("state", "State"),
    column("layers", "Layers"),
    column("pins", "Lowest versions"),
    column("waiting", "Waits for a second person"),
];

/// The publishers, and the form that puts one forward.
pub(super) fn part(visit: &Visit<'_>, refused: Option<&Refused<'_>>) -> Result<Vec<Block>, Refusal> {
    let mut rows = Vec::new();
    for publisher in visit.desk.pack_publishers()?.publishers {
        let href = path(&publisher.name);
        let cells = vec![
            Cell::text(&publisher.name).to(href.clone()),
            state(&publisher),
            layers(&publisher.layers),
            pins(&publisher.pins),
            match publisher.waiting {
                Some(_) => Cell::text("its key is to be trusted").to(href.clone()),
                None => Cell::unknown("nothing"),
            },
        ];
        rows.push(Row { href, cells });
    }
    let listing = Listing::plain(
        "publishers",
        "Publishers of packs",
        COLUMNS,
        nothing(
            "Nobody is trusted to publish packs",
            "A publisher is trusted by its key: one person puts it forward, another compares it with what the publisher says elsewhere, and trusts it.",
            None,
        ),
    );
    let mut blocks = vec![listing.table(visit, in_order(rows))?];
    if visit.can(Permission::PublishPolicies) {
        blocks.push(form().folded(visit, "Put a publisher forward", refused)?);
    }
    Ok(blocks)
}

/// Puts a publisher forward.
pub(crate) fn propose(visit: &Visit<'_>) -> Answered {
    let form = &visit.form;
    let layers: Vec<&str> = form.all("layers").collect();
    let pins: Vec<Value> =
        form.text("pins").lines().filter(|line| !line.trim().is_empty()).map(pin).collect();
    let body = json!({"key": form.text("key").trim(), "layers": layers, "pins": pins, "note": form.text("note").trim()});
    let done = visit
        .read::<NewPublisher>("proposePackPublisher", body)
        .and_then(|new| visit.desk.propose_publisher(visit.actor()?, &visit.given(), &new));
    visit.after(PROPOSE, done, |publisher| path(&publisher.name), packs::page)
}

/// A pack and its lowest version, as `data-terms 3`; what is none is left for the schema to refuse.
fn pin(line: &str) -> Value {
    let (pack, version) = line.trim().rsplit_once(' ').unwrap_or((line.trim(), ""));
    json!({"pack": pack.trim(), "version": version.parse::<u64>().ok()})
}

/// One publisher.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    one(visit, 200, None)
}

/// Trusts what somebody else put forward.
pub(crate) fn trust(visit: &Visit<'_>) -> Answered {
    let body = json!({"proposed": visit.form.text("proposed"), "reason": visit.form.text("reason").trim()});
    let done = visit.read::<Trust>("trustPackPublisher", body).and_then(|wanted| {
        visit.desk.trust_publisher(visit.actor()?, &visit.given(), visit.parts.text("publisher"), &wanted)
    });
    after(visit, TRUST, done)
}

/// Ends the trust.
pub(crate) fn remove(visit: &Visit<'_>) -> Answered {
    let body = json!({"reason": visit.form.text("reason").trim()});
    let done = visit.read::<Reason>("removePackPublisher", body).and_then(|why| {
        visit.desk.remove_publisher(visit.actor()?, &visit.given(), visit.parts.text("publisher"), &why)
    });
    after(visit, REMOVE, done)
}

fn after(visit: &Visit<'_>, form: &'static str, done: Result<(Publisher, Written), Refusal>) -> Answered {
    visit.after(form, done, |publisher| path(&publisher.name), one)
}

fn path(name: &str) -> String {
    format!("/pack-publishers/{}", segment(name))
}

fn state(publisher: &Publisher) -> Cell {
    Cell::state(if publisher.trusted { ("Trusted", Tone::Good) } else { ("Not trusted", Tone::Quiet) })
}

fn layers(layers: &[LayerForm]) -> Cell {
    let words: Vec<&str> = layers.iter().map(|known| packs::layer(*known)).collect();
    Cell::maybe(Some(words.join(", ").as_str()), "none")
}

fn pins(pins: &[Pin]) -> Cell {
    let words: Vec<String> =
        pins.iter().map(|pin| format!("{} {}", pin.pack.as_str(), pin.version)).collect();
    Cell::maybe(Some(words.join(", ").as_str()), "none")
}

fn one(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let publisher = visit.desk.pack_publisher(visit.parts.text("publisher"))?;
    let publish = visit.can(Permission::PublishPolicies);
    let facts = Facts::default()
        .with("Key", publisher.key.as_deref().map_or_else(|| Cell::unknown("none is trusted"), Cell::text))
        .with("Layers that its packs may stand in", layers(&publisher.layers))
        .with("Never loaded below", pins(&publisher.pins));
    let mut blocks = vec![facts.block()?];
    if let Some(waiting) = &publisher.waiting {
        blocks.push(its_waiting(visit, &publisher, waiting, refused)?);
    }
    if publish && publisher.trusted {
        let action = format!("{}/remove", path(&publisher.name));
        let consequence =
            "Nothing more of the publisher is loaded, also not what waits. What is in force stays.";
        let form = Form::ending(REMOVE, action, "Trust it no more", publisher.version, consequence);
        blocks.push(form.folded(visit, "End the trust", refused)?);
    }
    let content = Content {
        trail: vec![("Packs".to_owned(), "/packs".to_owned())],
        badges: vec![state(&publisher)],
        blocks,
        ..Content::titled(&format!("Publisher {}", Cell::text(&publisher.name).text))
    };
    visit.show_with(status, content)
}

fn its_waiting(
    visit: &Visit<'_>,
    publisher: &Publisher,
    waiting: &PublisherWaiting,
    refused: Option<&Refused<'_>>,
) -> Result<Block, Refusal> {
    let facts = Facts::default()
        .with("Key", waiting.key.as_deref().map_or_else(|| Cell::unknown("erased"), Cell::text))
        .with("Layers that its packs may stand in", layers(&waiting.layers))
        .with("Never loaded below", pins(&waiting.pins))
        .with("Who that is", Cell::maybe(waiting.note.as_deref(), "erased"))
        .with("Put forward by", visit.who_by_id(&waiting.by)?)
        .with("When", visit.time(waiting.at.0));
    let mut blocks = vec![facts.block()?];
    if visit.can(Permission::PublishPolicies) {
        let fields = vec![
            Field::new("reason", "Why it is to be trusted", Kind::Area(2))
                .hint("How you compared the key with what the publisher says elsewhere."),
        ];
        let action = format!("{}/trust", path(&publisher.name));
        let mut form = Form::new(TRUST, action, "Trust this key", fields);
        form.version = Some(publisher.version);
        form.said = vec![("proposed", waiting.proposed.clone())];
        form.consequence = "Packs that it signed can be put forward and loaded, each by two people. It replaces the key that was trusted before. Whoever put it forward cannot trust it.";
        blocks.push(form.block(visit, refused)?);
    }
    Block::of(&Section {
        id: "waiting",
        title: "Waits for a second person".to_owned(),
        lead: "Nothing that this key signed can be loaded yet.".to_owned(),
        action: None,
        blocks,
    })
}

fn form() -> Form {
    let layers = [LayerForm::Organisation, LayerForm::Unit, LayerForm::System].map(|known| {
        let word = match known {
            LayerForm::Organisation => "organisation",
            LayerForm::Unit => "unit",
            LayerForm::System => "system",
        };
        (word.to_owned(), packs::layer(known).to_owned())
    });
    let fields = vec![
        Field::new("key", "Its key", Kind::Line)
            .hint("One line that begins with the publisher's name, as the publisher hands it out: vendor+…"),
        Field::new("layers", "Layers that its packs may stand in", Kind::Checks(layers.to_vec())),
        Field::new("pins", "Never loaded below", Kind::Area(2))
            .optional()
            .hint("A pack and its lowest version on each line, such as: data-terms 3"),
        Field::new("note", "Who that is, and how you came by the key", Kind::Area(2)),
    ];
    let mut form = Form::new(PROPOSE, "/pack-publishers".to_owned(), "Put it forward", fields);
    form.consequence = "Nobody is trusted by that: somebody else compares the key and trusts it.";
    form
}
