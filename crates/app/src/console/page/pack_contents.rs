//! What stands in a pack's file: its policies, where each rule comes from, and the cases that it must come out by.

use serde_json::Value;
use tabellion_policy::SignedPack;

use crate::console::block::{Block, Facts, Line, Note, Text};
use crate::console::cell::Cell;
use crate::console::words::Tone;
use crate::printable::visible;
use crate::refusal::Refusal;

/// Longest text of a policy that is shown, in characters: the longest that can be published.
const MAX_TEXT_CHARS: usize = 65_536;

/// The blocks of one file; of one that cannot be read, that it cannot.
pub(super) fn of(file: &str) -> Result<Vec<Block>, Refusal> {
    let Ok(signed) = SignedPack::read(file.as_bytes()) else {
        let note = Note {
            tone: Tone::Bad,
            title: "The file cannot be read".to_owned(),
            text: "It is no pack in the form that this version knows.".to_owned(),
            action: None,
        };
        return Ok(vec![Block::of(&note)?]);
    };
    let pack = signed.pack();
    let mut facts = Facts::default()
        .with("Signed by", Cell::text(&pack.publisher))
        .with("Licence", Cell::text(&pack.licence))
        .with("Signatures", Cell::number(signed.signatures().len() as u64));
    for source in &pack.sources {
        facts =
            facts.with(format!("Source of {}", Cell::text(&source.rule).text), Cell::text(&source.source));
    }
    let mut blocks = vec![facts.block()?];
    for policy in &pack.policies {
        let line = |(text, number): (&str, u32)| Line {
            class: "same",
            number: number.to_string(),
            text: text.to_owned(),
        };
        let text = visible(&policy.text, MAX_TEXT_CHARS).replace('↵', "");
        let lines = text.lines().zip(1..).map(line).collect();
        let caption = format!("Policy {}, in Cedar", Cell::text(&policy.name).text);
        blocks.push(Block::of(&Text { caption, lines })?);
    }
    let table = serde_json::to_value(&pack.cases).unwrap_or_default();
    let cases = table.get("case").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let facts = cases.iter().fold(Facts::default(), |facts, case| {
        let word = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or("not said");
        facts.with(format!("Case: {}", Cell::text(word("name")).text), Cell::text(word("expect")))
    });
    blocks.push(facts.block()?);
    Ok(blocks)
}
