//! Bodies in the chat format of `OpenAI`: recorded ones, and ones made from text that a test brings.
//!
//! Written from the public format of chat completions, chunks and errors. The files are in `crates/testkit/wire/openai`.

use serde_json::{Value, json};

/// A completion: numbers, members and spacing that a rewritten body would not keep; `\u` escapes, surrogates among them.
pub const CHAT: &str = include_str!("../../wire/openai/chat.json");
/// A completion that calls two tools; the arguments are JSON in a string, with odd spacing and escapes.
pub const CHAT_TOOLS: &str = include_str!("../../wire/openai/chat-tools.json");
/// The text of [`CHAT`] as a stream.
pub const STREAM: &str = include_str!("../../wire/openai/stream.sse");
/// The same with `stream_options.include_usage`: `usage` in every chunk, and a last one without choices.
pub const STREAM_USAGE: &str = include_str!("../../wire/openai/stream-usage.sse");
/// The tool calls of [`CHAT_TOOLS`] as a stream, their arguments cut inside words and inside an escape.
pub const STREAM_TOOLS: &str = include_str!("../../wire/openai/stream-tools.sse");
/// A stream that turns into an error after some text and ends without `[DONE]`.
pub const STREAM_ERROR: &str = include_str!("../../wire/openai/stream-error.sse");
/// [`STREAM`] with what the event-stream format also allows: comments, CRLF, `event`, `id` and `retry` lines, data over two
/// lines, no space after the colon, `\u` escapes.
pub const STREAM_ODD: &str = include_str!("../../wire/openai/stream-odd.sse");
/// Answer to `GET /v1/models`: `wire-small` and `wire-large`.
pub const MODELS: &str = include_str!("../../wire/openai/models.json");
/// Error with status 400.
pub const ERROR_400: &str = include_str!("../../wire/openai/error-400.json");
/// Error with status 401: the key is not one of the provider's.
pub const ERROR_401: &str = include_str!("../../wire/openai/error-401.json");
/// Error with status 429.
pub const ERROR_429: &str = include_str!("../../wire/openai/error-429.json");
/// Error with status 500.
pub const ERROR_500: &str = include_str!("../../wire/openai/error-500.json");
/// Error with status 503.
pub const ERROR_503: &str = include_str!("../../wire/openai/error-503.json");

/// The text that [`CHAT`], [`STREAM`], [`STREAM_USAGE`] and [`STREAM_ODD`] say.
pub const TEXT: &str =
    "An instalment loan is repaid in equal monthly amounts. Über die Laufzeit sinkt der Zinsanteil 📉.";
/// The arguments of the first tool call in [`CHAT_TOOLS`] and [`STREAM_TOOLS`], byte for byte.
pub const TOOL_ARGUMENTS: &str =
    r#"{"product": "instalment loan", "term_months":48, "note": "\u00fc \"quoted\" \n"}"#;
/// The last event of a whole stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// A completion that says `text`.
pub fn chat_of(text: &str) -> String {
    json!({
        "id": "chatcmpl-made", "object": "chat.completion", "created": 1_767_225_600, "model": "wire-small",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    })
    .to_string()
}

/// A stream that says `pieces`, one chunk each: put the cuts where a masked value must survive them.
pub fn stream_of<T: AsRef<str>>(pieces: &[T]) -> String {
    let mut stream = event_of(&json!({"role": "assistant", "content": ""}), None);
    for piece in pieces {
        stream += &content_event(piece.as_ref());
    }
    stream + &event_of(&json!({}), Some("stop")) + DONE
}

/// One event that says `text`, blank line and all: for streams that never end.
pub fn content_event(text: &str) -> String {
    event_of(&json!({ "content": text }), None)
}

/// A stream whose one tool call has `pieces`, joined, as its arguments.
pub fn tool_stream_of<T: AsRef<str>>(name: &str, pieces: &[T]) -> String {
    let opening = json!({"index": 0, "id": "call_made", "type": "function", "function": {"name": name, "arguments": ""}});
    let mut stream = event_of(&json!({"role": "assistant", "content": null, "tool_calls": [opening]}), None);
    for piece in pieces {
        let call = json!({"index": 0, "function": {"arguments": piece.as_ref()}});
        stream += &event_of(&json!({ "tool_calls": [call] }), None);
    }
    stream + &event_of(&json!({}), Some("tool_calls")) + DONE
}

/// The text of a request's last message, whatever the request holds: for an upstream that echoes.
pub fn last_message(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let last = body.get("messages").and_then(Value::as_array).and_then(|messages| messages.last());
    last.and_then(|message| message.get("content")?.as_str()).unwrap_or_default().to_owned()
}

fn event_of(delta: &Value, finish_reason: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-made", "object": "chat.completion.chunk", "created": 1_767_225_600, "model": "wire-small",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    });
    format!("data: {chunk}\n\n")
}
