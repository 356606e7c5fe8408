//! Bodies in the format of Anthropic's messages, made from text that a test brings, after its public description.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A message that says `text`.
pub fn message_of(text: &str) -> String {
    message(&[json!({ "type": "text", "text": text })])
}

/// A message of these blocks.
pub fn message(blocks: &[Value]) -> String {
    json!({
        "id": "msg_made", "type": "message", "role": "assistant", "model": "claude-made", "content": blocks,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": { "input_tokens": 11, "output_tokens": 7 }
    })
    .to_string()
}

/// A stream of one block of text that says `pieces`, one event each.
pub fn stream_of<T: AsRef<str>>(pieces: &[T]) -> String {
    let deltas: Vec<Value> =
        pieces.iter().map(|piece| json!({ "type": "text_delta", "text": piece.as_ref() })).collect();
    stream(&[(json!({ "type": "text", "text": "" }), deltas)])
}

/// A stream whose one tool call has `pieces`, joined, as its input.
pub fn tool_stream_of<T: AsRef<str>>(name: &str, pieces: &[T]) -> String {
    let start = json!({ "type": "tool_use", "id": "toolu_made", "name": name, "input": {} });
    let deltas: Vec<Value> = pieces
        .iter()
        .map(|piece| json!({ "type": "input_json_delta", "partial_json": piece.as_ref() }))
        .collect();
    stream(&[(start, deltas)])
}

/// A stream of blocks: how each begins, and its deltas.
pub fn stream(blocks: &[(Value, Vec<Value>)]) -> String {
    let begun = json!({
        "id": "msg_made", "type": "message", "role": "assistant", "model": "claude-made", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 11, "output_tokens": 1 }
    });
    let mut stream = event("message_start", json!({ "message": begun }));
    stream += &event("ping", json!({}));
    for (index, (start, deltas)) in blocks.iter().enumerate() {
        stream += &event("content_block_start", json!({ "index": index, "content_block": start }));
        for delta in deltas {
            stream += &event("content_block_delta", json!({ "index": index, "delta": delta }));
        }
        stream += &event("content_block_stop", json!({ "index": index }));
    }
    let end = json!({ "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": { "output_tokens": 7 } });
    stream + &event("message_delta", end) + &event("message_stop", json!({}))
}

/// One event with this name, which its data says again.
pub fn event(name: &str, mut data: Value) -> String {
    if let Some(members) = data.as_object_mut() {
        members.insert("type".to_owned(), name.into());
    }
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(text, "event: {name}\ndata: {data}\n\n");
    text
}

/// An error as the provider answers one.
pub fn error(kind: &str, message: &str) -> String {
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_made" })
        .to_string()
}
