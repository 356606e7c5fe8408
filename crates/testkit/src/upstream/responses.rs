//! Bodies in the format of `OpenAI`'s responses, made from text that a test brings, after its public description.

use serde_json::{Value, json};

use super::anthropic::event;

/// A response that says `text`.
pub fn response_of(text: &str) -> Value {
    json!({
        "id": "resp_made", "object": "response", "created_at": 1_767_225_600, "status": "completed", "error": null,
        "incomplete_details": null, "instructions": null, "model": "wire-small",
        "output": [{ "id": "msg_made", "type": "message", "status": "completed", "role": "assistant",
            "content": [{ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }] }],
        "usage": { "input_tokens": 11, "output_tokens": 7, "total_tokens": 18 }
    })
}

/// A stream that says `pieces`, one event each, and then all of it twice more.
pub fn stream_of<T: AsRef<str>>(pieces: &[T]) -> String {
    let text: String = pieces.iter().map(AsRef::as_ref).collect();
    let begun = json!({ "id": "resp_made", "object": "response", "status": "in_progress", "output": [], "model": "wire-small" });
    let item = json!({ "id": "msg_made", "type": "message", "status": "in_progress", "role": "assistant", "content": [] });
    let place = json!({ "item_id": "msg_made", "output_index": 0, "content_index": 0 });
    let mut events = vec![
        ("response.created", json!({ "response": begun })),
        ("response.output_item.added", json!({ "output_index": 0, "item": item })),
    ];
    for piece in pieces {
        events.push((
            "response.output_text.delta",
            with(&place, &json!({ "delta": piece.as_ref(), "logprobs": [] })),
        ));
    }
    events.push(("response.output_text.done", with(&place, &json!({ "text": text, "logprobs": [] }))));
    let part = json!({ "type": "output_text", "text": text, "annotations": [] });
    events.push(("response.content_part.done", with(&place, &json!({ "part": part }))));
    events.push(("response.completed", json!({ "response": response_of(&text) })));
    numbered(events)
}

/// The events in order, each with its number.
fn numbered(events: Vec<(&str, Value)>) -> String {
    let mut stream = String::new();
    for (number, (name, data)) in events.into_iter().enumerate() {
        stream += &event(name, with(&data, &json!({ "sequence_number": number })));
    }
    stream
}

fn with(one: &Value, other: &Value) -> Value {
    let mut members = one.as_object().cloned().unwrap_or_default();
    members.extend(other.as_object().cloned().unwrap_or_default());
    Value::Object(members)
}
