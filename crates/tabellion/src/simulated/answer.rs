//! What the simulated provider answers: the whole rule, without a socket.

use serde_json::{Value, json};

use super::speech::{self, Speech};

/// Answers 503 with an error of its own.
const BUSY: &str = "simulated-busy";
/// Ends the connection after half a stream.
const BREAKS_OFF: &str = "simulated-breaks-off";
/// Answers 200 and a page of HTML.
const RUBBISH: &str = "simulated-rubbish";
/// What it lists.
const MODELS: [&str; 5] = ["simulated-large", "simulated-frontier", BUSY, BREAKS_OFF, RUBBISH];
/// Most answers to one question.
const MAX_CHOICES: u64 = 8;
/// The second in which everything was created: it has no clock.
const CREATED: u64 = 1_767_225_600;
const RUBBISH_PAGE: &str =
    "<!doctype html><title>Welcome</title><p>This is not the page you are looking for.";

/// An answer on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// In one piece.
    Whole { status: u16, media: &'static str, text: String },
    /// Piece by piece.
    Stream {
        /// The data of each event.
        events: Vec<String>,
        /// Whether the connection is ended as it should be.
        ends: bool,
    },
}

/// The answer to a request: its first line and its body.
pub(super) fn answer(first: &str, body: &[u8]) -> Answer {
    match first.split_once(" HTTP/").map(|(request, _)| request) {
        Some("POST /v1/chat/completions") => chat(body),
        Some("GET /v1/models") => {
            let models = MODELS
                .map(|id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "simulated"}));
            whole(200, &json!({"object": "list", "data": models}))
        }
        _ => {
            error(404, "not_found", "the simulated provider has POST /v1/chat/completions and GET /v1/models")
        }
    }
}

fn chat(body: &[u8]) -> Answer {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return error(400, "invalid_json", "the body is no JSON");
    };
    let Some(model) = request.get("model").and_then(Value::as_str) else {
        return error(400, "missing_model", "the body names no model");
    };
    match model {
        BUSY => return error(503, "overloaded", "the simulated provider is busy, as its name says"),
        RUBBISH => {
            return Answer::Whole { status: 200, media: "text/html", text: RUBBISH_PAGE.to_owned() };
        }
        _ => {}
    }
    let speech = speech::to(&request);
    let choices = request.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, MAX_CHOICES);
    let usage = usage(&request, &speech, choices);
    if request.get("stream").and_then(Value::as_bool) != Some(true) {
        return completion(model, &speech, choices, &usage);
    }
    let asked = request.pointer("/stream_options/include_usage").and_then(Value::as_bool) == Some(true);
    let mut events = chunks(model, &speech, choices, asked.then_some(&usage));
    let ends = model != BREAKS_OFF;
    if !ends {
        events.truncate(events.len() / 2);
    }
    Answer::Stream { events, ends }
}

fn completion(model: &str, speech: &Speech, choices: u64, usage: &Value) -> Answer {
    let message = match speech {
        Speech::Text { text, .. } => json!({"role": "assistant", "content": text, "refusal": null}),
        Speech::Call { name, arguments } => json!({
            "role": "assistant", "content": null, "refusal": null,
            "tool_calls": [{"id": "call_simulated_1", "type": "function", "function": {"name": name, "arguments": arguments}}],
        }),
    };
    let choice =
        |index| json!({"index": index, "message": message, "logprobs": null, "finish_reason": speech.ends()});
    let choices: Vec<Value> = (0..choices).map(choice).collect();
    whole(
        200,
        &json!({
            "id": "chatcmpl-simulated", "object": "chat.completion", "created": CREATED, "model": model,
            "choices": choices, "usage": usage,
        }),
    )
}

/// The events of a stream. With `usage`, the last but one counts tokens, as clients that meter ask for.
fn chunks(model: &str, speech: &Speech, choices: u64, usage: Option<&Value>) -> Vec<String> {
    let chunk = |choices: Value, counts: &Value| {
        let mut chunk = json!({
            "id": "chatcmpl-simulated", "object": "chat.completion.chunk", "created": CREATED, "model": model, "choices": choices,
        });
        if let (Some(_), Some(members)) = (usage, chunk.as_object_mut()) {
            members.insert("usage".to_owned(), counts.clone());
        }
        chunk.to_string()
    };
    let mut events = Vec::new();
    for index in 0..choices {
        let mut say = |delta: Value, reason: Option<&str>| {
            let choice = json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": reason}]);
            events.push(chunk(choice, &Value::Null));
        };
        say(json!({"role": "assistant", "content": speech.begins()}), None);
        for delta in speech.deltas() {
            say(delta, None);
        }
        say(json!({}), Some(speech.ends()));
    }
    if let Some(usage) = usage {
        events.push(chunk(json!([]), usage));
    }
    events.push("[DONE]".to_owned());
    events
}

/// It counts words as tokens.
fn usage(request: &Value, speech: &Speech, choices: u64) -> Value {
    let prompt = speech::words_of(request);
    let completion = speech.words() * choices;
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
}

fn whole(status: u16, body: &Value) -> Answer {
    Answer::Whole { status, media: "application/json", text: body.to_string() }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let kind = if status >= 500 { "server_error" } else { "invalid_request_error" };
    whole(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
}
