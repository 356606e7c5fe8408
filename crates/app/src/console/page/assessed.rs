//! What guards said of a call when it was over.
//!
//! Must never: show a look that nobody took as one that found nothing, or what was said later as known before.

use crate::console::block::{Block, Facts, Section};
use crate::console::cell::Cell;
use crate::console::page::story::guard_outcome;
use crate::console::visit::Visit;
use crate::console::words::Tone;
use crate::refusal::Refusal;
use crate::work::calls::{Call, GuardSaid};

/// What is said of a flag in one word: nothing went back for it.
const FLAGGED: &str = "Found something";

/// What they said of one call; nothing where none is for it.
pub(super) fn of_call(visit: &Visit<'_>, call: &Call) -> Result<Option<Block>, Refusal> {
    let Some(assessed) = &call.assessments else { return Ok(None) };
    // What was said later is not known as of then.
    let record = call.proof.assessed.as_ref();
    let record = record.filter(|record| visit.moment.is_none_or(|moment| record.index < moment.size));
    let facts = match (record, assessed.state) {
        (None, _) => Facts::default().with("Said", Cell::unknown("nothing yet")),
        (Some(_), "erased") => Facts::default().with("Said", Cell::unknown("erased")),
        (Some(_), _) => assessed.guards.iter().fold(Facts::default(), |facts, said| {
            facts.with(format!("{}, {}", said.guard, said.side), outcome(said))
        }),
    };
    let facts = match record {
        Some(record) => facts.with("Record", visit.entry(record.index)),
        None => facts,
    };
    let part = Section {
        id: "assessments",
        title: "What guards said afterwards".to_owned(),
        lead:
            "These guards looked when the call was over: they stopped nothing, and nothing waited for them."
                .to_owned(),
        action: None,
        blocks: vec![facts.block()?],
    };
    Block::of(&part).map(Some)
}

fn outcome(said: &GuardSaid) -> Cell {
    let (word, tone) = match said.outcome.as_str() {
        "flagged" => (FLAGGED, Tone::Fair),
        other => guard_outcome(other),
    };
    Cell::state((&format!("{word}{}", said.told()), tone))
}
