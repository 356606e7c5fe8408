//! What a model said, gathered from its pieces: to count personal data that it brought up, and to keep its answer where the system wants that.
//!
//! Promises: bounded; what is kept is masked as a prompt is. Must never: decide what a client gets.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tabellion_mask::{Classes, Scope, mask_text, scan};
use tabellion_model::body::Masked;

use crate::answer::parts::{Channel, Text};
use crate::surface::request::counted;

/// The texts by choice and channel, as the provider sent them.
#[derive(Clone)]
pub(crate) struct Transcript {
    texts: BTreeMap<(usize, Channel), String>,
    /// Bytes that may still be taken in.
    room: usize,
    truncated: bool,
    classes: Classes,
}

impl Transcript {
    /// Takes in at most `limit` bytes, in which `classes` are looked for.
    pub(crate) fn new(limit: usize, classes: Classes) -> Self {
        Self { texts: BTreeMap::new(), room: limit, truncated: false, classes }
    }

    /// The same before it took anything in.
    pub(crate) fn begun_anew(&self) -> Self {
        Self::new(self.room + self.bytes(), self.classes)
    }

    /// Appends a piece.
    pub(crate) fn push(&mut self, text: &Text<'_>) {
        let value = text.place.string.value();
        if value.is_empty() {
            return;
        }
        if self.truncated || value.len() > self.room {
            self.truncated = true;
            return;
        }
        self.room -= value.len();
        self.texts.entry((text.choice, text.channel.clone())).or_default().push_str(&value);
    }

    /// Personal data that is no placeholder: the model brought it up itself. Of the first bytes only, where there were more than it takes.
    pub(crate) fn found(&self) -> Vec<Masked> {
        let mut counts = BTreeMap::new();
        for text in self.texts.values() {
            for finding in scan(text, self.classes) {
                *counts.entry(finding.class).or_default() += 1;
            }
        }
        counted(&counts)
    }

    /// Whether there was more than it takes.
    pub(crate) fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.values().map(String::len).sum()
    }

    /// What was said to a reader: no arguments of tools, no thinking.
    pub(crate) fn spoken(&self) -> String {
        let is_said = |channel: &Channel| match channel {
            Channel::Member(name) => matches!(*name, "content" | "refusal"),
            Channel::Block(kind) => *kind == "text_delta",
            Channel::Item(kind, _) => matches!(*kind, "output_text" | "refusal"),
            Channel::Tool(_) | Channel::Custom(_) | Channel::Function => false,
        };
        let said = self.texts.iter().filter(|((_, channel), _)| is_said(channel));
        said.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The texts as JSON, masked; `None` when there was more than it takes, or when it cannot be masked.
    pub(crate) fn masked(&self, scope: &mut Scope) -> Option<String> {
        if self.truncated {
            return None;
        }
        let mut choices: BTreeMap<usize, serde_json::Map<String, Value>> = BTreeMap::new();
        for ((choice, channel), text) in &self.texts {
            let (text, _) = mask_text(text, self.classes, scope).ok()?;
            let members = choices.entry(*choice).or_default();
            match channel {
                Channel::Member(name) => {
                    members.insert((*name).to_owned(), Value::from(text));
                }
                Channel::Block(kind) => {
                    let name = if kind == &"input_json_delta" { "tool_input" } else { "text" };
                    members.insert(name.to_owned(), Value::from(text));
                }
                Channel::Item(kind, part) => {
                    let name = if *part == 0 { (*kind).to_owned() } else { format!("{kind}_{part}") };
                    members.insert(name, Value::from(text));
                }
                Channel::Function => {
                    members.insert("function_arguments".to_owned(), Value::from(text));
                }
                Channel::Tool(_) | Channel::Custom(_) => {
                    let calls = members.entry("tool_arguments").or_insert_with(|| json!([]));
                    if let Value::Array(calls) = calls {
                        calls.push(Value::from(text));
                    }
                }
            }
        }
        let choices: Vec<Value> = choices
            .into_iter()
            .map(|(index, mut members)| {
                members.insert("index".to_owned(), Value::from(index));
                Value::Object(members)
            })
            .collect();
        Some(json!({ "choices": choices }).to_string())
    }
}
