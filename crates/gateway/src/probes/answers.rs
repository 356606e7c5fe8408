//! Answers that the stand-in of a provider gives, in the words of each interface: whole, or as a stream cut within words.

use serde_json::{Value, json};

use crate::surface::Surface;

/// Characters of each piece of a stream: less than most words, so that what a guard must find comes in several.
const PIECE: usize = 5;
/// Most pieces: a long text is cut into longer ones.
const MAX_PIECES: usize = 64;
/// What the stand-in calls itself.
const MODEL: &str = "tabellion-probe";

/// What to answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) text: String,
    /// Whether the provider says that it withheld something.
    pub(super) is_withheld: bool,
    pub(super) stream: bool,
}

/// The body of an answer on `surface`.
pub(super) fn answer(surface: Surface, wanted: &Wanted) -> String {
    let Wanted { text, is_withheld, stream } = wanted;
    match (surface, *stream) {
        (Surface::OpenAiChat, false) => chat(text, *is_withheld).to_string(),
        (Surface::OpenAiChat, true) => chat_stream(text, *is_withheld),
        (Surface::OpenAiResponses, false) => response(text, *is_withheld).to_string(),
        (Surface::OpenAiResponses, true) => response_stream(text, *is_withheld),
        (Surface::AnthropicMessages, false) => message(text, *is_withheld).to_string(),
        (Surface::AnthropicMessages, true) => message_stream(text, *is_withheld),
        (Surface::OpenAiEmbeddings, _) => json!({
            "object": "list", "model": MODEL, "data": [{ "object": "embedding", "index": 0, "embedding": [0] }],
            "usage": { "prompt_tokens": 1, "total_tokens": 1 }
        })
        .to_string(),
        (Surface::AnthropicCountTokens, _) => json!({ "input_tokens": 1 }).to_string(),
    }
}

fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(PIECE.max(letters.len() / MAX_PIECES)).map(|piece| piece.iter().collect()).collect()
}

fn chat_reason(is_withheld: bool) -> &'static str {
    if is_withheld { "content_filter" } else { "stop" }
}

fn chat(text: &str, is_withheld: bool) -> Value {
    json!({
        "id": "chatcmpl-probe", "object": "chat.completion", "created": 0, "model": MODEL,
        "choices": [{
            "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": chat_reason(is_withheld)
        }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 }
    })
}

fn chat_stream(text: &str, is_withheld: bool) -> String {
    let chunk = |delta: Value, reason: Option<&str>| {
        let chunk = json!({
            "id": "chatcmpl-probe", "object": "chat.completion.chunk", "created": 0, "model": MODEL,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }]
        });
        format!("data: {chunk}\n\n")
    };
    let mut stream = chunk(json!({ "role": "assistant", "content": "" }), None);
    for piece in pieces(text) {
        stream += &chunk(json!({ "content": piece }), None);
    }
    stream += &chunk(json!({}), Some(chat_reason(is_withheld)));
    let counts = json!({
        "id": "chatcmpl-probe", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 }
    });
    format!("{stream}data: {counts}\n\ndata: [DONE]\n\n")
}

fn named(name: &str, mut data: Value) -> String {
    if let Some(members) = data.as_object_mut() {
        members.insert("type".to_owned(), name.into());
    }
    format!("event: {name}\ndata: {data}\n\n")
}

fn response(text: &str, is_withheld: bool) -> Value {
    let (status, details) = if is_withheld {
        ("incomplete", json!({ "reason": "content_filter" }))
    } else {
        ("completed", Value::Null)
    };
    json!({
        "id": "resp_probe", "object": "response", "created_at": 0, "status": status, "error": null,
        "incomplete_details": details, "instructions": null, "model": MODEL,
        "output": [{
            "id": "msg_probe", "type": "message", "status": status, "role": "assistant",
            "content": [{ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }]
        }],
        "usage": { "input_tokens": 1, "output_tokens": 1, "total_tokens": 2 }
    })
}

fn response_stream(text: &str, is_withheld: bool) -> String {
    let begun = json!({
        "response": { "id": "resp_probe", "object": "response", "status": "in_progress", "output": [], "model": MODEL }
    });
    let item = json!({ "id": "msg_probe", "type": "message", "status": "in_progress", "role": "assistant", "content": [] });
    let at = |mut data: Value| {
        if let Some(members) = data.as_object_mut() {
            members.insert("item_id".to_owned(), "msg_probe".into());
            members.insert("output_index".to_owned(), 0.into());
            members.insert("content_index".to_owned(), 0.into());
        }
        data
    };
    let mut events = vec![
        ("response.created", begun),
        ("response.output_item.added", json!({ "output_index": 0, "item": item })),
    ];
    let deltas = pieces(text).into_iter().map(|piece| at(json!({ "delta": piece, "logprobs": [] })));
    events.extend(deltas.map(|delta| ("response.output_text.delta", delta)));
    events.push(("response.output_text.done", at(json!({ "text": text, "logprobs": [] }))));
    let part = json!({ "type": "output_text", "text": text, "annotations": [] });
    events.push(("response.content_part.done", at(json!({ "part": part }))));
    let end = if is_withheld { "response.incomplete" } else { "response.completed" };
    events.push((end, json!({ "response": response(text, is_withheld) })));
    let numbered = events.into_iter().enumerate().map(|(number, (name, mut data))| {
        if let Some(members) = data.as_object_mut() {
            members.insert("sequence_number".to_owned(), number.into());
        }
        named(name, data)
    });
    numbered.collect()
}

fn stop_reason(is_withheld: bool) -> &'static str {
    if is_withheld { "refusal" } else { "end_turn" }
}

fn message(text: &str, is_withheld: bool) -> Value {
    json!({
        "id": "msg_probe", "type": "message", "role": "assistant", "model": MODEL,
        "content": [{ "type": "text", "text": text }],
        "stop_reason": stop_reason(is_withheld), "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 }
    })
}

fn message_stream(text: &str, is_withheld: bool) -> String {
    let begun = json!({
        "id": "msg_probe", "type": "message", "role": "assistant", "model": MODEL, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 1 }
    });
    let mut stream = named("message_start", json!({ "message": begun }));
    let block = json!({ "type": "text", "text": "" });
    stream += &named("content_block_start", json!({ "index": 0, "content_block": block }));
    for piece in pieces(text) {
        let delta = json!({ "type": "text_delta", "text": piece });
        stream += &named("content_block_delta", json!({ "index": 0, "delta": delta }));
    }
    stream += &named("content_block_stop", json!({ "index": 0 }));
    let delta = json!({ "stop_reason": stop_reason(is_withheld), "stop_sequence": null });
    stream += &named("message_delta", json!({ "delta": delta, "usage": { "output_tokens": 1 } }));
    stream + &named("message_stop", json!({}))
}
