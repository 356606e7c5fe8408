//! Answers of `POST /v1/chat/completions`.
//!
//! Promises: choices and tool calls are told apart by their own index, wherever it stands in the text.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use tabellion_mask::Place;
use tabellion_mask::json::{JsonFault, Kind, Limits, Path, Scalar, Step, Visitor, walk};

use crate::answer::parts::{Channel, Parts, Stage, Text, Tokens, json, small, text};
use crate::guards::suite::is_flag;
use crate::names::Named;
use crate::sse::event_of;
use crate::words;

/// The members that every event of a stream repeats.
const HEAD: [&str; 5] = ["id", "object", "created", "model", "system_fingerprint"];
/// Texts of a message, by name.
const MEMBERS: [&str; 4] = ["content", "refusal", "reasoning_content", "reasoning"];
/// What a spoken answer says, beside its sound.
const SAID: &str = "transcript";

/// Reads an answer, or an event of one.
pub(crate) fn read<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Parts<'b>, JsonFault> {
    let mut reader = Reader::default();
    walk(bytes, limits, &mut reader)?;
    Ok(reader.finish())
}

/// An event with a piece of text alone (`escaped`: as it stands between quotes), in the form of those around it.
pub(crate) fn own_event(head: &[u8], choice: usize, channel: &Channel, escaped: &str) -> Bytes {
    let delta = match channel {
        Channel::Member(name) => format!("\"{name}\":\"{escaped}\""),
        Channel::Tool(index) => {
            format!("\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":\"{escaped}\"}}}}]")
        }
        Channel::Custom(index) => {
            format!("\"tool_calls\":[{{\"index\":{index},\"custom\":{{\"input\":\"{escaped}\"}}}}]")
        }
        _ => format!("\"function_call\":{{\"arguments\":\"{escaped}\"}}"),
    };
    let mut data = b"{".to_vec();
    data.extend_from_slice(head);
    data.extend_from_slice(
        format!("\"choices\":[{{\"index\":{choice},\"delta\":{{{delta}}},\"finish_reason\":null}}]}}")
            .as_bytes(),
    );
    event_of(&data)
}

/// Collects by place in the arrays; indexes are known only when the walk is over.
#[derive(Default)]
struct Reader<'b> {
    parts: Parts<'b>,
    texts: Vec<(usize, Member, Place<'b>)>,
    /// What a spoken answer says: it goes on as it is.
    untouched: Vec<(usize, Place<'b>)>,
    finished: Vec<(usize, String)>,
    choice_index: HashMap<usize, usize>,
    tool_index: HashMap<(usize, usize), usize>,
    tokens: Tokens,
    /// Places of choices: their number, also of those without any text.
    choices: usize,
    is_error: bool,
}

/// Where a text stands in its choice.
enum Member {
    Named(&'static str),
    ToolAt(usize),
    CustomAt(usize),
    Function,
}

impl<'b> Reader<'b> {
    fn finish(self) -> Parts<'b> {
        let mut parts = self.parts;
        let choice_of = |place: usize| self.choice_index.get(&place).copied().unwrap_or(place);
        let tool_of = |place: usize, at: usize| self.tool_index.get(&(place, at)).copied().unwrap_or(at);
        for (place, member, string) in self.texts {
            let channel = match member {
                Member::Named(name) => Channel::Member(name),
                Member::Function => Channel::Function,
                Member::ToolAt(at) => Channel::Tool(tool_of(place, at)),
                Member::CustomAt(at) => Channel::Custom(tool_of(place, at)),
            };
            let choice = choice_of(place);
            parts.opened.push(choice);
            parts.texts.push(Text { choice, channel, place: string });
        }
        for (place, string) in self.untouched {
            let choice = choice_of(place);
            parts.untouched.push(Text { choice, channel: Channel::Member(SAID), place: string });
        }
        let refused = parts
            .texts
            .iter()
            .any(|text| text.channel == Channel::Member("refusal") && !text.place.string.value().is_empty());
        let flagged = self.finished.iter().map(|(_, reason)| reason).find(|reason| is_flag(reason));
        parts.flag = flagged.cloned().or_else(|| refused.then(|| "refusal".to_owned()));
        parts.reason = self.finished.first().map(|(_, reason)| reason.clone());
        parts.closed = self.finished.iter().map(|(place, _)| choice_of(*place)).collect();
        parts.tokens = self.tokens;
        parts.stage = if self.is_error {
            Stage::Refused
        } else if self.choices == 0 && self.tokens.prompt.is_some() {
            Stage::Counts
        } else {
            Stage::Goes
        };
        parts
    }

    fn top(&mut self, name: &str, scalar: Scalar<'b>, range: &Range<usize>) {
        if let Some(known) = HEAD.into_iter().find(|known| *known == name) {
            self.parts.head.push((known, range.clone()));
        }
        match (name, scalar) {
            ("model", Scalar::String(model)) => {
                self.parts.model = Some(words::recorded(&model.value(), words::is_answering_model));
            }
            ("error", Scalar::Null) => {}
            ("error", _) => self.is_error = true,
            _ => {}
        }
    }

    /// A value below `choices[place]`; `rest` is the way from there.
    fn in_choice(&mut self, place: usize, rest: &[Step<'b>], scalar: Scalar<'b>, at: usize) {
        match (rest, scalar) {
            ([Step::Name(name)], Scalar::Number(number)) if name == "index" => match small(number) {
                Some(index) => drop(self.choice_index.insert(place, index)),
                None => self.parts.is_object = false,
            },
            // Some servers write an empty one where others write `null`: that is no end.
            ([Step::Name(name)], Scalar::String(reason))
                if name == "finish_reason" && !reason.value().is_empty() =>
            {
                self.finished.push((place, words::recorded(&reason.value(), words::is_word)));
            }
            ([Step::Name(message), below @ ..], scalar) if message == "delta" || message == "message" => {
                self.in_message(place, below, scalar, at);
            }
            _ => {}
        }
    }

    fn in_message(&mut self, place: usize, rest: &[Step<'b>], scalar: Scalar<'b>, at: usize) {
        match (rest, scalar) {
            ([Step::Name(calls), Step::Index(call), below @ ..], scalar) if calls == "tool_calls" => {
                self.in_tool_call(place, *call, below, scalar, at);
            }
            ([Step::Name(call), Step::Name(member)], Scalar::String(string)) if call == "function_call" => {
                match member.as_ref() {
                    "arguments" => {
                        self.text(place, Member::Function, json(string, at));
                    }
                    "name" => self.parts.tool(&string.value()),
                    _ => {}
                }
            }
            ([Step::Name(audio), Step::Name(member)], Scalar::String(string))
                if audio == "audio" && member == "id" =>
            {
                self.parts.kept.push(Named::new("audio", string.value()));
            }
            ([Step::Name(audio), Step::Name(member)], Scalar::String(string))
                if audio == "audio" && member == SAID =>
            {
                // What is spoken cannot be given values, so neither is what is written of it.
                self.untouched.push((place, text(string, at)));
            }
            ([Step::Name(member), ..], Scalar::String(string)) => {
                // Text itself, or a part `{"type": "text", "text": …}` of it.
                let is_text =
                    rest.len() == 1 || matches!(rest.last(), Some(Step::Name(last)) if last == "text");
                if let Some(known) = MEMBERS.into_iter().find(|known| known == member).filter(|_| is_text) {
                    self.text(place, Member::Named(known), text(string, at));
                }
            }
            _ => {}
        }
    }

    fn in_tool_call(&mut self, place: usize, call: usize, rest: &[Step<'b>], scalar: Scalar<'b>, at: usize) {
        match (rest, scalar) {
            ([Step::Name(name)], Scalar::Number(number)) if name == "index" => match small(number) {
                Some(index) => drop(self.tool_index.insert((place, call), index)),
                None => self.parts.is_object = false,
            },
            ([Step::Name(kind), Step::Name(name)], Scalar::String(string)) => {
                match (kind.as_ref(), name.as_ref()) {
                    ("function", "arguments") => {
                        self.text(place, Member::ToolAt(call), json(string, at));
                    }
                    ("custom", "input") => {
                        self.text(place, Member::CustomAt(call), text(string, at));
                    }
                    ("function" | "custom", "name") => self.parts.tool(&string.value()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, place: usize, member: Member, string: Place<'b>) {
        self.texts.push((place, member, string));
    }
}

impl<'b> Visitor<'b> for Reader<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match path.steps() {
            [Step::Name(name)] => self.top(name, scalar, &range),
            [Step::Name(usage), Step::Name(name)] if usage == "usage" => {
                let Scalar::Number(number) = scalar else { return };
                match name.as_ref() {
                    "prompt_tokens" => self.tokens.prompt = number.parse().ok(),
                    "completion_tokens" => self.tokens.completion = number.parse().ok(),
                    "total_tokens" => self.tokens.total = number.parse().ok(),
                    _ => {}
                }
            }
            [Step::Name(usage), Step::Name(details), Step::Name(name)]
                if usage == "usage" && details == "prompt_tokens_details" =>
            {
                let Scalar::Number(number) = scalar else { return };
                match name.as_ref() {
                    "cached_tokens" => self.tokens.cached = number.parse().ok(),
                    "cache_write_tokens" => self.tokens.cache_write = number.parse().ok(),
                    _ => {}
                }
            }
            [Step::Name(choices), Step::Index(place), rest @ ..] if choices == "choices" => {
                self.in_choice(*place, rest, scalar, range.start);
            }
            _ => {}
        }
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        match path.steps() {
            [] => self.parts.is_object = kind == Kind::Object,
            [Step::Name(name)] if name == "error" => self.is_error = true,
            [Step::Name(name)] if name == "choices" => self.parts.is_answer = kind == Kind::Array,
            [Step::Name(name), Step::Index(_)] if name == "choices" => self.choices += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: G19. A choice ends by a reason: an empty one, as some servers write it in every chunk, is none.
    #[test]
    fn an_empty_reason_ends_no_choice() {
        let ended = |reason: &str| {
            let json = format!(
                r#"{{"choices":[{{"index":3,"delta":{{"content":"a"}},"finish_reason":{reason}}}]}}"#
            );
            let parts = read(json.as_bytes(), &Limits::default()).expect("JSON");
            (parts.closed, parts.reason)
        };
        for none in ["null", "\"\""] {
            assert_eq!(ended(none), (Vec::new(), None), "{none} ends a choice that goes on");
        }
        assert_eq!(ended("\"stop\""), (vec![3], Some("stop".to_owned())));
    }
}
