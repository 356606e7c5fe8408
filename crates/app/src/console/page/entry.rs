//! One entry: what it says, what of it may be seen, its way through the tree to a signed checkpoint, and the button that checks all that here.

use askama::Template;
use tabellion_model::probe::PROBE_SYSTEM;
use tabellion_views::query::Subject;

use super::happened;
use super::ledger::content;
use crate::console::answer::{Answered, Reply};
use crate::console::assets::ASSETS;
use crate::console::block::{Action, Block, Facts, Section, section};
use crate::console::cell::Cell;
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, count, short, size};
use crate::printable::visible_value;
use crate::refusal::Refusal;
use crate::work::around::{Around, RecordedFile, file_in};
use crate::work::entries::{EntryForm, UnitForm};

/// Longest value of one field that is shown, in characters.
const MAX_VALUE_CHARS: usize = 2000;
/// Width of the drawing of the tree, in its own units.
const DRAWN_WIDTH: u64 = 1000;
/// The narrowest that a part is drawn, so that it is seen.
const DRAWN_LEAST: u64 = 4;

/// Proofs that can be checked in the browser.
#[derive(Template)]
#[template(path = "console/proof.html")]
pub(crate) struct Proof {
    module: &'static str,
    origin: String,
    entries: Vec<Provable>,
}

struct Provable {
    what: &'static str,
    index: u64,
    shown: String,
    entry_href: String,
}

impl Proof {
    /// The proofs of some entries, each by what it is.
    pub(crate) fn of(visit: &Visit<'_>, entries: &[(&'static str, u64)]) -> Result<Block, Refusal> {
        let entries = entries.iter().map(|(what, index)| Provable {
            what,
            index: *index,
            shown: count(*index),
            entry_href: visit.to(&format!("/ledger/{index}")),
        });
        let origin = visit.desk.ledger().reader().origin().as_str().to_owned();
        Block::of(&Self { module: &ASSETS.proof.href, origin, entries: entries.collect() })
    }
}

/// One level of the way from the entry to the root.
struct Level {
    /// The part that is proved so far.
    own: Part,
    /// The part whose hash is given.
    sibling: Part,
    side: &'static str,
    hash: String,
    y: u64,
}

/// A range of entries as the drawing has it.
struct Part {
    first: u64,
    end: u64,
    x: u64,
    width: u64,
}

impl Part {
    fn of((first, end): (u64, u64), size: u64) -> Self {
        let scaled = |entries: u64| {
            u64::try_from(u128::from(entries) * u128::from(DRAWN_WIDTH) / u128::from(size.max(1)))
                .unwrap_or(DRAWN_WIDTH)
        };
        let width = scaled(end - first).max(DRAWN_LEAST);
        Self { first, end, x: scaled(first).min(DRAWN_WIDTH - width), width }
    }

    fn said(&self) -> String {
        if self.end - self.first == 1 {
            format!("#{}", count(self.first))
        } else {
            format!("#{} to #{}", count(self.first), count(self.end - 1))
        }
    }
}

#[derive(Template)]
#[template(path = "console/tree.html")]
struct Tree {
    levels: Vec<Level>,
    height: u64,
    size: String,
    root: String,
}

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let index = visit.parts.number("index").ok_or_else(|| Refusal::not_found("entry"))?;
    if index >= visit.size() {
        return Err(Refusal::not_found("entry"));
    }
    let entry = visit.desk.entry(visit.actor()?, index)?;
    let around = visit.desk.around(visit.actor()?, index)?;
    let mut blocks = vec![facts(visit, &entry, &around)?];
    if let Some(file) = file_in(&entry) {
        blocks.push(file_block(index, &file)?);
    }
    for unit in &entry.units {
        blocks.push(unit_block(visit, unit, &around)?);
    }
    if let Some(stream) = &entry.stream {
        let subject = Subject::Stream(stream.clone());
        blocks.push(happened::titled(visit, "In the same stream", &[subject], None)?);
    }
    blocks.push(Proof::of(visit, &[("This entry", index)])?);
    blocks.push(section("path", "Its way to the checkpoint", vec![tree(visit, index)?])?);
    let mut badges = vec![Cell::text(entry.record_type.as_deref().unwrap_or("seal of a commit"))];
    if !entry.units.is_empty() {
        badges.push(content(&entry));
    }
    let content = Content {
        trail: vec![("Ledger".to_owned(), "/ledger".to_owned())],
        badges,
        blocks,
        ..Content::titled(&format!("Entry #{}", count(index)))
    };
    visit.show(content)
}

fn facts(visit: &Visit<'_>, entry: &EntryForm, around: &Around) -> Result<Block, Refusal> {
    let mut facts = Facts::default()
        .with("When", visit.time(entry.at.0))
        .with("Who", visit.who_or(entry.actor.as_deref(), "the log itself")?);
    if let Some(told) = happened::told(visit, entry.index)? {
        facts = facts.with("What it did", told);
    }
    if let Some(system) = entry.system.as_deref().and_then(tabellion_model::SystemId::from_hex) {
        facts = facts.with("System", visit.names.system(visit.desk, system)?);
    }
    if let Some(stream) = &entry.stream {
        facts = facts.with(
            "Stream",
            Cell::text(&format!("{stream}, version {}", entry.stream_version.unwrap_or_default())),
        );
    }
    if let Some(record) = &entry.record_id {
        facts = facts.with("Record id", Cell::id(record));
    }
    facts = facts.with("Leaf hash", Cell::id(&entry.leaf_hash));
    let mut follows = Vec::new();
    for (role, record) in &around.parents {
        let (role, id) = (role.replace('_', " "), record.to_hex());
        let is_call = visit.desk.views().call(record)?.is_some();
        follows.push(if is_call {
            Cell::text(&format!("{role}: the call")).to(format!("/calls/{id}"))
        } else {
            Cell { title: id.clone(), ..Cell::text(&format!("{role}: record {}", short(&id))) }
        });
    }
    if !follows.is_empty() {
        facts = facts.with_all("Follows from", follows);
    }
    if entry.record_type.as_deref().is_some_and(|name| name.starts_with("call."))
        && entry.record_type.as_deref() != Some("call.completed")
        && entry.system.as_deref() != Some(PROBE_SYSTEM.to_hex().as_str())
    {
        let call = entry.record_id.as_deref().unwrap_or_default();
        facts = facts.with("Call", Cell::text("open the call").to(visit.to(&format!("/calls/{call}"))));
    }
    facts.block()
}

/// The file that the record is about.
fn file_block(index: u64, file: &RecordedFile) -> Result<Block, Refusal> {
    let facts = Facts::default()
        .with("Name", Cell::maybe(Some(&file.name), "none"))
        .with("Media type", Cell::maybe(file.media_type.as_deref(), "not said"))
        .with(
            "Size",
            file.size_bytes.map_or_else(|| Cell::unknown("not said"), |bytes| Cell::text(&size(bytes))),
        )
        .with("SHA-256", Cell::id(&file.sha256));
    let part = Section {
        id: "file",
        title: "The file".to_owned(),
        lead: if file.is_kept {
            String::new()
        } else {
            "Recorded by its digest: whoever has the file can prove that it is this one.".to_owned()
        },
        action: file
            .is_kept
            .then(|| Action { label: "Download the file", href: format!("/ledger/{index}/file") }),
        blocks: vec![facts.block()?],
    };
    Block::of(&part)
}

/// The bytes of the file in an entry. They are handed out to be kept, never shown here: they are somebody else's.
pub(crate) fn file(visit: &Visit<'_>) -> Answered {
    let index = visit.parts.number("index").ok_or_else(|| Refusal::not_found("entry"))?;
    let (name, bytes) = visit.desk.recorded_file(visit.actor()?, index)?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let name: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let name = name.trim_start_matches('.');
    let name = if name.is_empty() { format!("entry-{index}") } else { name.to_owned() };
    Ok(Reply::File(name, "application/octet-stream", bytes).into())
}

/// What is disclosed of one unit; structural facts are one too.
fn unit_block(visit: &Visit<'_>, unit: &UnitForm, around: &Around) -> Result<Block, Refusal> {
    let (word, tone, said) = match unit.state.as_str() {
        "shown" => ("Shown", Tone::Good, ""),
        "withheld" => (
            "Withheld from you",
            Tone::Fair,
            "Your roles do not show you all of it, or it is what was said in a call, which is opened on the call's page with a reason. That it is there, and unchanged, is proved all the same.",
        ),
        "erased" => (
            "Erased",
            Tone::Quiet,
            "Its key was destroyed. What was sealed can still be proved not to have been changed before that.",
        ),
        _ => ("Never given here", Tone::Quiet, "Only its digests are known here."),
    };
    let fields = unit
        .fields
        .iter()
        .map(|(name, value)| (Cell::text(name).text, visible_value(value, MAX_VALUE_CHARS)));
    let part = UnitPart {
        proved: around.erased.get(&unit.id).map(|entry| visit.entry(*entry)),
        badge: Cell::state((word, tone)),
        personal: unit.personal,
        said,
        fields: fields.collect(),
    };
    Block::of(&part)
}

#[derive(Template)]
#[template(path = "console/unit.html")]
struct UnitPart {
    /// The entry that proves that it was erased.
    proved: Option<Cell>,
    badge: Cell,
    personal: bool,
    said: &'static str,
    /// Name and value.
    fields: Vec<(String, String)>,
}

/// The way of an entry through the tree, drawn to scale, with its table.
fn tree(visit: &Visit<'_>, index: u64) -> Result<Block, Refusal> {
    let (reader, size) = (visit.desk.ledger().reader(), visit.size());
    let hashes = reader.inclusion(index, size)?;
    let levels =
        steps(index, size).into_iter().zip(hashes).zip(0..).map(|(((own, sibling), hash), level)| Level {
            side: if sibling.0 < own.0 { "left" } else { "right" },
            own: Part::of(own, size),
            sibling: Part::of(sibling, size),
            hash: hash.to_hex(),
            y: level * 14,
        });
    let levels: Vec<Level> = levels.collect();
    let height = (levels.len() as u64) * 14 + 14;
    Block::of(&Tree { levels, height, size: count(size), root: reader.root_at(size)?.to_hex() })
}

/// From the leaf up: the range that is proved so far and the one beside it (RFC 9162 §2.1.3).
fn steps(index: u64, size: u64) -> Vec<((u64, u64), (u64, u64))> {
    let (mut begin, mut end) = (0, size);
    let mut steps = Vec::new();
    while end - begin > 1 {
        // The left part is the largest power of two that is smaller than the whole.
        let middle = begin + (1 << (end - begin - 1).ilog2());
        let (left, right) = ((begin, middle), (middle, end));
        if index < middle {
            steps.push((left, right));
            end = middle;
        } else {
            steps.push((right, left));
            begin = middle;
        }
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_path_make_up_the_whole_log() {
        for size in 1..70_u64 {
            for index in 0..size {
                let mut proved = (index, index + 1);
                for (own, sibling) in steps(index, size) {
                    assert_eq!(
                        own, proved,
                        "the drawing would show another part as proved ({index} of {size})"
                    );
                    let left = own.0.min(sibling.0);
                    proved = (left, own.1.max(sibling.1));
                    assert_eq!(
                        own.1 - own.0 + (sibling.1 - sibling.0),
                        proved.1 - proved.0,
                        "parts overlap ({index} of {size})"
                    );
                    let first = if own.0 == left { own } else { sibling };
                    assert!(
                        (first.1 - first.0).is_power_of_two(),
                        "the left part is no whole subtree ({index} of {size})"
                    );
                }
                assert_eq!(proved, (0, size), "the path would not end at the root ({index} of {size})");
            }
        }
    }
}
