//! Whatever a service asks for: nothing panics, and what no range names is what it was.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tabellion_guard::service::{Of as Side, Question, Service, Verdict};
use tabellion_mask::Classes;
use tabellion_mask::json::Limits;

use crate::answer::edited::edited;
use crate::guards::asking::shown_of_prompt;
use crate::guards::edits::Wanted;
use crate::guards::edits::places::{Of, rewritten};
use crate::sse::{Event, event_of};
use crate::surface::Surface;

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_depth: 64 };
/// Of what JSON, escapes and placeholders are made.
const TEXT: &str = r#"(\[|\{|\]|\}|"|\\|:|,|n|u|0|a|ü|<|>|<EMAIL_7Q2K4F>|\{"a\\"":"b\\"c"\}| ){0,12}"#;

/// Which text, from where to where, what goes there.
type Junk = (usize, usize, usize, String);

fn junk() -> impl Strategy<Value = Vec<Junk>> {
    vec((0_usize..8, 0_usize..24, 0_usize..24, TEXT), 0..4)
}

/// The verdict that asks for these, where it is one.
fn verdict(texts: &[&str], edits: &[Junk]) -> Option<Verdict> {
    let edit = |(text, start, end, new): &Junk| json!({ "text": text % texts.len(), "start": start, "end": end, "replacement": new, "label": "x" });
    let edits: Vec<Value> = edits.iter().map(edit).collect();
    let answer = json!({ "verdict": "flag", "edits": edits }).to_string();
    let question = Question {
        guard: "outside",
        version: "1",
        of: Side::Prompt,
        model: "m",
        purpose: "testing",
        system: "51",
        texts,
        may_edit: true,
    };
    Service::Tabellion.read(&question, answer.as_bytes()).ok()
}

/// What is wanted, and what the text `said` then says: `None` where another text is named too.
fn wanted(texts: &[&str], edits: &[Junk], said: &str) -> Option<(Wanted, Option<String>)> {
    let verdict = verdict(texts, edits)?;
    let wanted = Wanted::of(texts, &verdict.edits).ok()?;
    wanted.check(Classes::NONE).ok()?;
    let mut after = said.to_owned();
    for edit in verdict.edits.iter().rev() {
        if texts.get(edit.text) != Some(&said) {
            return Some((wanted, None));
        }
        after.replace_range(edit.range.clone(), &edit.replacement);
    }
    Some((wanted, Some(after)))
}

proptest! {
    /// Requirement: N21.
    #[test]
    fn junk_changes_nothing_beside_its_ranges(said in TEXT, edits in junk()) {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": said, "name": "who" }], "n": 1 });
        let bytes = Bytes::from(body.to_string());
        let shown = shown_of_prompt(Surface::OpenAiChat, &bytes, 64);
        if let Some((wanted, after)) = wanted(&shown.texts(), &edits, &said)
            && let Ok(made) = rewritten(&bytes, Of::Prompt, &LIMITS, &wanted)
        {
            let made: Value = serde_json::from_slice(&made.bytes).expect("it stays JSON");
            if let Some(after) = after {
                body["messages"][0]["content"] = after.into();
                prop_assert_eq!(made, body);
            } else {
                // A string within the text was named: all else stays.
                body["messages"][0]["content"] = made["messages"][0]["content"].clone();
                prop_assert_eq!(made, body);
            }
        }
    }

    /// Requirement: N21. The same in the pieces of a stream.
    #[test]
    fn junk_changes_no_other_event(pieces in vec(TEXT, 1..5), edits in junk()) {
        let event = |delta: Value| {
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
            Event::new(event_of(json!({ "id": "x", "object": "chat.completion.chunk", "choices": [choice] }).to_string().as_bytes()))
        };
        let mut events = vec![event(json!({ "role": "assistant", "content": "" }))];
        events.extend(pieces.iter().map(|piece| event(json!({ "content": piece }))));
        events.push(Event::new(event_of(b"[DONE]")));
        let said = pieces.concat();
        if said.trim().is_empty() {
            return Ok(());
        }
        let texts = ["assistant", said.as_str(), "x"];
        if let Some((wanted, after)) = wanted(&texts, &edits, &said)
            && let Ok(made) = edited(&events, Surface::OpenAiChat, &LIMITS, &wanted)
        {
            prop_assert_eq!(made.len(), events.len());
            prop_assert_eq!((&made[0], made.last()), (&events[0], events.last()), "an event changed that has no such text");
            let content = |event: &Event| -> String {
                let event: Value = serde_json::from_slice(&event.data().expect("data")).unwrap_or_default();
                event["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
            };
            prop_assert_eq!(Some(made.iter().map(content).collect::<String>()), after, "only a text that is there can have been changed");
        }
    }
}
