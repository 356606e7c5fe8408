//! What a model answered, put together: the text of each choice, and the tools that it calls with their arguments.
//!
//! Promises: read by the shape of what came, which differs for each interface, so that no text is passed over that a client puts together; what is said in pieces and
//! again as a whole is there twice, since clients read either.

use std::collections::BTreeMap;

use serde_json::Value;
use tabellion_mask::{Placing, Scope, restore_text};

/// The place of the one call of the older form of chats.
const OLD_CALL: usize = usize::MAX;
/// What a call without arguments is read as.
const NO_ARGUMENTS: &str = "{}";

/// One choice of an answer.
#[derive(Debug, Default)]
struct Choice {
    /// Its texts: of a response each message is one by itself.
    texts: BTreeMap<usize, String>,
    calls: BTreeMap<usize, Call>,
}

/// A call of a tool.
#[derive(Debug, Default)]
struct Call {
    name: String,
    arguments: String,
}

impl Choice {
    fn say(&mut self, item: usize, text: &str) {
        self.texts.entry(item).or_default().push_str(text);
    }

    /// More of the call at `place`.
    fn call(&mut self, place: usize, name: Option<&Value>, arguments: Option<&Value>) {
        let call = self.calls.entry(place).or_default();
        if let Some(name) = name.and_then(Value::as_str).filter(|name| !name.is_empty()) {
            name.clone_into(&mut call.name);
        }
        match arguments {
            Some(Value::String(piece)) => call.arguments.push_str(piece),
            Some(Value::Object(members)) if !members.is_empty() => {
                call.arguments = Value::Object(members.clone()).to_string();
            }
            _ => {}
        }
    }

    fn texts(&self) -> Vec<&str> {
        let said: Vec<&str> =
            self.texts.values().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
        // Who calls tools has not answered yet; who says nothing at all has answered with what is no JSON.
        if said.is_empty() && self.calls.is_empty() { vec![""] } else { said }
    }
}

/// An answer, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    choices: BTreeMap<usize, Choice>,
    /// What the end of a stream says again.
    again: Option<Choice>,
    /// Whether something came that could not be read.
    is_unread: bool,
}

impl Answered {
    /// Takes a whole answer, or one event of a stream.
    pub(crate) fn take(&mut self, json: &[u8]) {
        let Ok(said) = serde_json::from_slice::<Value>(json) else {
            self.is_unread = true;
            return;
        };
        if let Some(choices) = said.get("choices").and_then(Value::as_array) {
            for (at, choice) in choices.iter().enumerate() {
                self.chat(index(choice).unwrap_or(at), choice);
            }
            return;
        }
        let kind = said.get("type").and_then(Value::as_str).unwrap_or_default();
        if let Some(event) = kind.strip_prefix("response.") {
            self.response_event(event, &said);
        } else if let Some(items) = said.get("output").and_then(Value::as_array) {
            whole_response(self.choices.entry(0).or_default(), items);
        } else {
            self.message(kind, &said);
        }
    }

    /// One choice of a chat, or a piece of it.
    fn chat(&mut self, at: usize, choice: &Value) {
        let known = self.choices.entry(at).or_default();
        let Some(message) = choice.get("message").or(choice.get("delta")) else { return };
        match message.get("content") {
            Some(Value::String(text)) => known.say(0, text),
            Some(Value::Array(parts)) => {
                for text in parts.iter().filter_map(|part| part.get("text")?.as_str()) {
                    known.say(0, text);
                }
            }
            _ => {}
        }
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        for (at, call) in calls.enumerate() {
            let at = index(call).unwrap_or(at);
            let function = call.get("function");
            let inner = function.or(call.get("custom")).unwrap_or(&Value::Null);
            // What a tool takes that is no function is no JSON.
            known.call(at, inner.get("name"), function.and_then(|function| function.get("arguments")));
        }
        if let Some(call) = message.get("function_call").filter(|call| !call.is_null()) {
            known.call(OLD_CALL, call.get("name"), call.get("arguments"));
        }
    }

    /// An event of a response.
    fn response_event(&mut self, event: &str, said: &Value) {
        let known = self.choices.entry(0).or_default();
        let at = said.get("output_index").and_then(place).unwrap_or_default();
        match event {
            "output_text.delta" => {
                known.say(at, said.get("delta").and_then(Value::as_str).unwrap_or_default());
            }
            "function_call_arguments.delta" => known.call(at, None, said.get("delta")),
            "output_item.added" => {
                let item = said.get("item").unwrap_or(&Value::Null);
                if is_call(item) {
                    // Its arguments come in pieces.
                    known.call(at, item.get("name"), None);
                }
            }
            "completed" | "incomplete" => {
                let items = said.get("response").and_then(|response| response.get("output")?.as_array());
                if let Some(items) = items.filter(|items| !items.is_empty()) {
                    whole_response(self.again.get_or_insert_default(), items);
                }
            }
            _ => {}
        }
    }

    /// A message, or an event of one.
    fn message(&mut self, kind: &str, said: &Value) {
        let known = self.choices.entry(0).or_default();
        let at = index(said).unwrap_or_default();
        match kind {
            "message" => {
                let blocks = said.get("content").and_then(Value::as_array).into_iter().flatten();
                for (at, block) in blocks.enumerate() {
                    message_block(known, at, block);
                }
            }
            "content_block_start" => {
                message_block(known, at, said.get("content_block").unwrap_or(&Value::Null));
            }
            "content_block_delta" => {
                let delta = said.get("delta").unwrap_or(&Value::Null);
                match delta.get("type").and_then(Value::as_str) {
                    Some("text_delta") => {
                        known.say(0, delta.get("text").and_then(Value::as_str).unwrap_or_default());
                    }
                    Some("input_json_delta") if known.calls.contains_key(&at) => {
                        known.call(at, None, delta.get("partial_json"));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Puts values in place of placeholders, as they are put there for the client.
    pub(crate) fn restore(&mut self, scope: &Scope) {
        if scope.is_empty() {
            return;
        }
        for choice in self.choices.values_mut().chain(&mut self.again) {
            for text in choice.texts.values_mut() {
                *text = restore_text(text, scope, Placing::Text).into_owned();
            }
            for call in choice.calls.values_mut() {
                call.arguments = restore_text(&call.arguments, scope, Placing::Json).into_owned();
            }
        }
    }

    /// Every text that is an answer. An answer without any says so by one that is empty.
    pub(crate) fn texts(&self) -> Vec<&str> {
        if self.is_unread || self.choices.is_empty() {
            return vec![""];
        }
        self.choices.values().chain(&self.again).flat_map(Choice::texts).collect()
    }

    /// Every call of a tool: its name and its arguments.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        let calls = self.choices.values().chain(&self.again).flat_map(|choice| choice.calls.values());
        calls.map(|call| {
            let is_bare = call.arguments.trim().is_empty();
            (call.name.as_str(), if is_bare { NO_ARGUMENTS } else { call.arguments.as_str() })
        })
    }
}

/// Takes the items of a response that is whole.
fn whole_response(choice: &mut Choice, items: &[Value]) {
    for (at, item) in items.iter().enumerate() {
        if is_call(item) {
            choice.call(at, item.get("name"), item.get("arguments"));
        }
        let parts = item.get("content").and_then(Value::as_array).into_iter().flatten();
        for part in parts.filter(|part| part.get("type").is_some_and(|kind| kind == "output_text")) {
            choice.say(at, part.get("text").and_then(Value::as_str).unwrap_or_default());
        }
    }
}

/// Whether an item of a response calls a tool that the client runs.
fn is_call(item: &Value) -> bool {
    matches!(item.get("type").and_then(Value::as_str), Some("function_call" | "custom_tool_call"))
}

/// Takes a block of a message, or its beginning.
fn message_block(choice: &mut Choice, at: usize, block: &Value) {
    match block.get("type").and_then(Value::as_str) {
        // The blocks of a message are one text to who reads them.
        Some("text") => choice.say(0, block.get("text").and_then(Value::as_str).unwrap_or_default()),
        Some("tool_use") => choice.call(at, block.get("name"), block.get("input")),
        _ => {}
    }
}

fn index(of: &Value) -> Option<usize> {
    of.get("index").and_then(place)
}

fn place(number: &Value) -> Option<usize> {
    number.as_u64().and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(said: &[Value]) -> Answered {
        let mut answered = Answered::default();
        for said in said {
            answered.take(said.to_string().as_bytes());
        }
        answered
    }

    fn calls(answered: &Answered) -> Vec<(&str, &str)> {
        answered.calls().collect()
    }

    #[test]
    fn a_chat_is_put_together_by_choice() {
        let whole = json!({ "choices": [
            { "index": 1, "message": { "content": "{}", "refusal": null } },
            { "index": 0, "message": { "content": [{ "type": "text", "text": "[1" }, { "type": "text", "text": "]" }] } },
            { "index": 2, "message": { "content": null, "tool_calls": [
                { "function": { "name": "f", "arguments": "{\"a\":1}" } }, { "custom": { "name": "c", "input": "free" } }] } },
            { "index": 3, "message": { "content": null, "refusal": "I will not." } },
        ] });
        let answered = of(&[whole]);
        assert_eq!(answered.texts(), ["[1]", "{}", ""], "a refusal is no JSON, a call is no answer yet");
        assert_eq!(calls(&answered), [("f", "{\"a\":1}"), ("c", "{}")]);
        let piece = |choice: usize, delta: Value| json!({ "choices": [{ "index": choice, "delta": delta }] });
        let call = |name: Value, piece: &str| json!({ "tool_calls": [{ "index": 4, "function": { "name": name, "arguments": piece } }] });
        let answered = of(&[
            piece(0, json!({ "role": "assistant", "content": "" })),
            piece(1, json!({ "content": "[" })),
            piece(0, json!({ "content": "{" })),
            piece(1, call(json!("f"), "{\"a\"")),
            piece(0, json!({ "content": "}" })),
            piece(1, call(Value::Null, ":1}")),
            json!({ "choices": [], "usage": { "prompt_tokens": 1 } }),
        ]);
        assert_eq!(answered.texts(), ["{}", "["], "text beside a call has to be JSON as well");
        assert_eq!(calls(&answered), [("f", "{\"a\":1}")]);
    }

    #[test]
    fn a_response_is_put_together_from_its_pieces_and_its_end() {
        let message =
            |text: &str| json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] });
        let call = json!({ "type": "function_call", "name": "f", "arguments": "{}" });
        let whole = json!({ "object": "response", "output": [{ "type": "reasoning", "summary": [] }, message("{}"), call] });
        let answered = of(&[whole]);
        assert_eq!((answered.texts(), calls(&answered)), (vec!["{}"], vec![("f", "{}")]));
        let answered = of(&[
            json!({ "type": "response.created", "response": { "output": [] } }),
            json!({ "type": "response.output_text.delta", "output_index": 0, "delta": "{" }),
            json!({ "type": "response.output_text.delta", "output_index": 0, "delta": "}" }),
            json!({ "type": "response.output_item.added", "output_index": 1, "item": { "type": "function_call", "name": "f", "arguments": "" } }),
            json!({ "type": "response.function_call_arguments.delta", "output_index": 1, "delta": "[1]" }),
            json!({ "type": "response.completed", "response": { "output": [message("[]"), call] } }),
        ]);
        assert_eq!(answered.texts(), ["{}", "[]"], "who reads the end alone reads something else");
        assert_eq!(calls(&answered), [("f", "[1]"), ("f", "{}")]);
    }

    #[test]
    fn a_message_is_put_together_from_its_blocks() {
        let whole = json!({ "type": "message", "content": [{ "type": "thinking", "thinking": "x" }, { "type": "text", "text": "{" },
            { "type": "text", "text": "}" }, { "type": "tool_use", "name": "f", "input": { "a": "b\"" } }] });
        let answered = of(&[whole]);
        assert_eq!((answered.texts(), calls(&answered)), (vec!["{}"], vec![("f", "{\"a\":\"b\\\"\"}")]));
        let delta =
            |at: usize, delta: Value| json!({ "type": "content_block_delta", "index": at, "delta": delta });
        let answered = of(&[
            json!({ "type": "message_start", "message": { "type": "message", "content": [] } }),
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
            delta(0, json!({ "type": "text_delta", "text": "{}" })),
            json!({ "type": "content_block_start", "index": 1, "content_block": { "type": "tool_use", "name": "f", "input": {} } }),
            delta(1, json!({ "type": "input_json_delta", "partial_json": "{\"a\"" })),
            delta(1, json!({ "type": "input_json_delta", "partial_json": ":1}" })),
            json!({ "type": "content_block_start", "index": 2, "content_block": { "type": "server_tool_use", "name": "web_search", "input": {} } }),
            delta(2, json!({ "type": "input_json_delta", "partial_json": "{}" })),
            json!({ "type": "message_stop" }),
        ]);
        assert_eq!((answered.texts(), calls(&answered)), (vec!["{}"], vec![("f", "{\"a\":1}")]));
    }

    #[test]
    fn an_answer_of_which_nothing_is_known_has_no_json() {
        assert_eq!(of(&[]).texts(), [""]);
        assert_eq!(of(&[json!({ "something": "else" })]).texts(), [""]);
        assert_eq!(
            of(&[json!({ "choices": [{ "index": 0, "message": { "content": " \n" } }] })]).texts(),
            [""]
        );
    }
}
