//! What a model answered, put together as clients put it together: the text of each choice, and the tools that it calls with their arguments.
//!
//! Promises: read by the interface that the caller asked, and by where a stream stands; no text is passed over that a client puts together. What is said in pieces
//! and again as a whole is there once for each way of saying it, since clients read either. What clients may take for different answers is unreadable, never
//! one of them.

mod chat;
mod messages;
mod responses;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tabellion_mask::{Placing, Scope, restore_text};

use crate::surface::Surface;

/// What a call without arguments is read as.
const NO_ARGUMENTS: &str = "{}";
/// A list that is not there.
const NOTHING: &[Value] = &[];
/// In place of arguments that are neither text nor an object: no JSON.
const NO_JSON: &str = "?";

/// One choice of an answer, in one of the ways in which it was said.
#[derive(Debug, Default)]
struct Choice {
    /// Its texts: of a response each message is one by itself.
    texts: BTreeMap<usize, String>,
    calls: BTreeMap<usize, Call>,
    /// Whether its texts are one to who reads them.
    is_one_text: bool,
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
            Some(Value::Object(members)) if members.is_empty() => {}
            Some(object @ Value::Object(_)) => call.arguments.push_str(&object.to_string()),
            None | Some(Value::Null) => {}
            Some(_) => call.arguments.push_str(NO_JSON),
        }
    }

    fn texts(&self) -> Vec<String> {
        let texts = self.texts.values().cloned();
        let texts: Vec<String> = if self.is_one_text { vec![texts.collect()] } else { texts.collect() };
        texts.into_iter().filter(|text| !text.trim().is_empty()).collect()
    }
}

/// In which way something is said of one choice, or of the only one.
type Way = (usize, Said);

/// Ways in which a stream says the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// As a whole answer, or in pieces.
    First,
    /// When a text, or the arguments of a call, are over.
    TextDone,
    PartDone,
    ItemDone,
    /// At the end.
    End,
    /// As one text beside its items.
    Beside,
}

/// An answer, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    choices: BTreeMap<Way, Choice>,
    /// Blocks of a message that have begun.
    begun: BTreeMap<usize, messages::Block>,
    /// Ids of calls in pieces, by choice and place.
    ids: BTreeMap<(usize, usize), String>,
    /// Whether something came that could not be read, or may be read differently.
    is_unreadable: bool,
}

impl Answered {
    /// Takes a whole answer of `surface`, or one event of a stream.
    pub(crate) fn take(&mut self, surface: Surface, is_whole: bool, json: &[u8]) {
        let Ok(said) = serde_json::from_slice::<Value>(json) else {
            self.is_unreadable = true;
            return;
        };
        let read = match (surface, is_whole) {
            (Surface::OpenAiChat, true) => self.whole_chat(&said),
            (Surface::OpenAiChat, false) => self.chat_event(&said),
            (Surface::OpenAiResponses, true) => self.whole_response(&said),
            (Surface::OpenAiResponses, false) => self.response_event(&said),
            (Surface::AnthropicMessages, true) => self.whole_message(&said),
            (Surface::AnthropicMessages, false) => self.message_event(&said),
            // Their answers are numbers, and errors are not taken.
            (Surface::OpenAiEmbeddings | Surface::AnthropicCountTokens, _) => None,
        };
        self.is_unreadable |= read.is_none();
    }

    /// Whether clients may read something else than is here.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    fn choice(&mut self, at: usize, said: Said) -> &mut Choice {
        self.choices.entry((at, said)).or_default()
    }

    /// Puts values in place of placeholders, as they are put there for the client.
    pub(crate) fn restore(&mut self, scope: &Scope) {
        if scope.is_empty() {
            return;
        }
        for choice in self.choices.values_mut() {
            for text in choice.texts.values_mut() {
                *text = restore_text(text, scope, Placing::Text).into_owned();
            }
            for call in choice.calls.values_mut() {
                call.arguments = restore_text(&call.arguments, scope, Placing::Json).into_owned();
            }
        }
    }

    /// Every text that is an answer, each once. A choice that says nothing and calls nothing answers with one that is empty.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        let mut texts = Vec::new();
        let mut put = |text: String| {
            if known.insert(text.clone()) {
                texts.push(text);
            }
        };
        let numbers: BTreeSet<usize> = self.choices.keys().map(|(number, _)| *number).collect();
        for number in &numbers {
            let ways = || self.choices.iter().filter(|((of, _), _)| of == number).map(|(_, choice)| choice);
            let said: Vec<String> = ways().flat_map(Choice::texts).collect();
            // Who calls tools has not answered yet; who says nothing at all has answered with what is no JSON.
            if said.is_empty() && ways().all(|choice| choice.calls.is_empty()) {
                put(String::new());
            }
            said.into_iter().for_each(&mut put);
        }
        if numbers.is_empty() {
            put(String::new());
        }
        texts
    }

    /// Every call of a tool, each once: its name and its arguments.
    pub(crate) fn calls(&self) -> BTreeSet<(&str, &str)> {
        let calls = self.choices.values().flat_map(|choice| choice.calls.values());
        let read = calls.map(|call| {
            let is_bare = call.arguments.trim().is_empty();
            (call.name.as_str(), if is_bare { NO_ARGUMENTS } else { call.arguments.as_str() })
        });
        read.collect()
    }
}

/// What stands there, unless it is null.
fn said<'v>(of: &'v Value, name: &str) -> Option<&'v Value> {
    of.get(name).filter(|value| !value.is_null())
}

/// A text that stands there, or none; `None`: something else does.
fn text_or_none<'v>(of: &'v Value, name: &str) -> Option<&'v str> {
    said(of, name).map_or(Some(""), Value::as_str)
}

/// A list that stands there, or none; `None`: something else does.
fn list_or_none<'v>(of: &'v Value, name: &str) -> Option<&'v [Value]> {
    said(of, name).map_or(Some(NOTHING), |list| list.as_array().map(Vec::as_slice))
}

fn place(of: &Value, name: &str) -> Option<usize> {
    of.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests;
