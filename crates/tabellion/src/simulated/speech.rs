//! What the simulated provider says to a conversation: the last turn back, or a call of the first tool.

use serde_json::{Map, Value, json};

/// What a text of its own begins with: nobody takes it for a model's.
pub(crate) const OPENING: &str = "Simulated answer. You said: ";
/// Characters of one piece of a stream: few, so that what must stay together is cut.
const PIECE_CHARACTERS: usize = 7;
/// What a number is when the text has none.
const ANY_NUMBER: u64 = 12;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speech {
    /// A text; `cut`: `max_tokens` ended it.
    Text { text: String, cut: bool },
    /// A tool to be called.
    Call { name: String, arguments: String },
}

/// The speech that a request is answered with.
pub(super) fn to(request: &Value) -> Speech {
    let asked = last_turn(request);
    if let Some(function) = request.pointer("/tools/0/function")
        && let Some(name) = function.get("name").and_then(Value::as_str)
    {
        return Speech::Call { name: name.to_owned(), arguments: arguments(function, &asked) };
    }
    let is_json = request
        .pointer("/response_format/type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.starts_with("json"));
    let text = if is_json {
        json!({"simulated": true, "asked": asked}).to_string()
    } else {
        format!("{OPENING}{asked}")
    };
    let limit = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| request.get(name)?.as_u64());
    cut(text, limit.and_then(|limit| usize::try_from(limit).ok()))
}

impl Speech {
    /// Why it stopped.
    pub(super) fn ends(&self) -> &'static str {
        match self {
            Self::Text { cut: true, .. } => "length",
            Self::Text { .. } => "stop",
            Self::Call { .. } => "tool_calls",
        }
    }

    /// `content` of the first piece of a stream.
    pub(super) fn begins(&self) -> Value {
        match self {
            Self::Text { .. } => json!(""),
            Self::Call { .. } => Value::Null,
        }
    }

    /// The pieces of a stream.
    pub(super) fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Text { text, .. } => {
                pieces(text).into_iter().map(|piece| json!({"content": piece})).collect()
            }
            Self::Call { name, arguments } => {
                let first = json!({"tool_calls": [{
                    "index": 0, "id": "call_simulated_1", "type": "function", "function": {"name": name, "arguments": ""},
                }]});
                let part =
                    |piece: String| json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
                std::iter::once(first).chain(pieces(arguments).into_iter().map(part)).collect()
            }
        }
    }

    /// How many words it has.
    pub(super) fn words(&self) -> u64 {
        match self {
            Self::Text { text, .. } => count(text),
            Self::Call { arguments, .. } => count(arguments),
        }
    }
}

/// How many words a request's messages have.
pub(super) fn words_of(request: &Value) -> u64 {
    messages(request).iter().map(|message| count(&text_of(message))).sum()
}

fn count(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn messages(request: &Value) -> &[Value] {
    request.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The text of a request's last message: what it says back.
pub(crate) fn last_turn(request: &Value) -> String {
    messages(request).last().map(text_of).unwrap_or_default()
}

/// A message's content: a text, or the texts of its parts.
fn text_of(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

/// The first `limit` words, with what stands between them.
fn cut(text: String, limit: Option<usize>) -> Speech {
    let Some(limit) = limit else { return Speech::Text { text, cut: false } };
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let kept: String = words.iter().take(limit).copied().collect();
    Speech::Text { cut: kept.len() < text.len(), text: kept.trim_end().to_owned() }
}

/// An address for `to`, numbers for numbers, words for words.
fn arguments(function: &Value, asked: &str) -> String {
    let properties = function.pointer("/parameters/properties").and_then(Value::as_object);
    let filled: Map<String, Value> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let kind = schema.get("type").and_then(Value::as_str).unwrap_or("string");
            let value = match (name.as_str(), kind) {
                ("to", _) => json!(address(asked).unwrap_or("nobody")),
                (_, "integer" | "number") => json!(number(asked).unwrap_or(ANY_NUMBER)),
                (_, "boolean") => json!(true),
                (_, "array") => json!([]),
                (_, "object") => json!({}),
                _ => json!("simulated"),
            };
            (name.clone(), value)
        })
        .collect();
    Value::Object(filled).to_string()
}

/// The word that is an e-mail address, or what stands for one once it is masked: `<EMAIL_7Q2K4F>`.
fn address(text: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '<' | '>' | '_');
    let words = text.split_whitespace().map(|word| word.trim_matches(|c| !plain(c)));
    words.into_iter().find(|word| word.contains('@') || word.starts_with("<EMAIL_"))
}

fn number(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok())
}

fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(PIECE_CHARACTERS).map(|piece| piece.iter().collect()).collect()
}
