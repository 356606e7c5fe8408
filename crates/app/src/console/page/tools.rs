//! The story of a call that asked no model: the gateway looked at a text for somebody, or told what there is.
//!
//! Must never: say that something was sent, masked or answered by a provider that nobody asked.

use crate::console::block::Facts;
use crate::console::cell::Cell;
use crate::console::page::story::{Step, data_class};
use crate::console::words::{Tone, count};
use crate::refusal::Refusal;
use crate::work::calls::Call;

/// What its page is called; none: a model was asked.
pub(super) fn title(call: &Call) -> Option<&'static str> {
    Some(match call.surface.as_deref()? {
        "presidio.analyze" => "Text that was analysed",
        "presidio.anonymize" => "Text that was anonymised",
        "openai.models" => "List of models",
        surface if surface.starts_with("presidio.") => "Question about what is looked for",
        _ => return None,
    })
}

/// What was done with it.
pub(super) fn done(call: &Call) -> Result<Step, Refusal> {
    let masked = call.evidence.masked.iter().map(|masked| {
        let how = masked.operator.as_deref().unwrap_or("replaced");
        (data_class(&masked.class), format!("{} × {how}", count(masked.count)))
    });
    let passed = call.evidence.passed.iter();
    let passed = passed.map(|passed| {
        (data_class(&passed.class), format!("{} × found, left as it was", count(passed.count)))
    });
    let found: Vec<(String, String)> = masked.chain(passed).collect();
    let said = if call.surface.as_deref() == Some("openai.models") {
        "The gateway told which models the caller may use."
    } else if found.is_empty() {
        "Nothing was found in it."
    } else {
        "This was found in the text that the caller handed over, and went back to the caller alone."
    };
    let facts = found
        .into_iter()
        .fold(Facts::default(), |facts, (class, words)| facts.with(class, Cell::text(&words)));
    let facts = facts.with("Sent to a provider", Cell::unknown("nothing"));
    Ok(Step {
        title: "What was done",
        tone: Tone::Quiet.class(),
        said: said.to_owned(),
        blocks: vec![facts.block()?],
    })
}
