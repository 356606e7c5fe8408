//! What an answer, or one event of a stream, says, read where it stands.
//!
//! Promises: unknown members are passed over and left as they are; choices and tool calls are told apart by their own index, wherever it stands
//! in the text. Must never: be the reason that a byte of an answer changes.

use std::collections::HashMap;
use std::ops::Range;

use tabellion_mask::json::{JsonFault, Kind, Limits, Path, RawString, Scalar, Step, Visitor, walk};
use tabellion_mask::{Content, Place};
use tabellion_model::body::Usage;

use crate::words;

/// Most names of called tools that a record keeps: what an end record has room for.
const MAX_TOOLS: usize = 32;

/// Which text of a choice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Channel {
    /// `content`, `refusal`, `reasoning_content`, `reasoning`: a member of the message.
    Member(&'static str),
    /// Arguments of the tool call with this index.
    Tool(usize),
    /// Input of the custom tool call with this index: text, not JSON.
    Custom(usize),
    /// Arguments of the one function call of the older form.
    Function,
}

/// Text that a client will show or act on.
#[derive(Clone)]
pub(crate) struct Text<'b> {
    pub(crate) choice: usize,
    pub(crate) channel: Channel,
    pub(crate) place: Place<'b>,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Parts<'b> {
    pub(crate) is_object: bool,
    /// A member `error` at the top that is not null.
    pub(crate) error: bool,
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<Usage>,
    /// Places of choices: their number, also of those without any text.
    pub(crate) choices: usize,
    pub(crate) has_choices: bool,
    pub(crate) texts: Vec<Text<'b>>,
    /// Choices that say why they stopped.
    pub(crate) finished: Vec<(usize, String)>,
    pub(crate) tools: Vec<String>,
    /// Members that every event of a stream repeats, as written: name and value.
    pub(crate) head: Vec<(&'static str, Range<usize>)>,
}

/// The members that every event of a stream repeats.
const HEAD: [&str; 5] = ["id", "object", "created", "model", "system_fingerprint"];
/// Texts of a message, by name.
const MEMBERS: [&str; 4] = ["content", "refusal", "reasoning_content", "reasoning"];

impl<'b> Parts<'b> {
    /// Reads `json`.
    pub(crate) fn read(json: &'b [u8], limits: &Limits) -> Result<Self, JsonFault> {
        let mut reader = Reader::default();
        walk(json, limits, &mut reader)?;
        Ok(reader.finish())
    }
}

/// Collects by place in the arrays; indexes are known only when the walk is over.
#[derive(Default)]
struct Reader<'b> {
    parts: Parts<'b>,
    texts: Vec<(usize, Member, Place<'b>)>,
    finished: Vec<(usize, String)>,
    choice_index: HashMap<usize, usize>,
    tool_index: HashMap<(usize, usize), usize>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
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
            parts.texts.push(Text { choice: choice_of(place), channel, place: string });
        }
        parts.finished =
            self.finished.into_iter().map(|(place, reason)| (choice_of(place), reason)).collect();
        parts.usage = match (self.prompt_tokens, self.completion_tokens) {
            (Some(prompt_tokens), completion) => {
                Some(Usage { prompt_tokens, completion_tokens: completion.unwrap_or(0) })
            }
            _ => None,
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
            ("error", _) => self.parts.error = true,
            _ => {}
        }
    }

    /// A value below `choices[place]`; `rest` is the way from there.
    fn in_choice(&mut self, place: usize, rest: &[Step<'b>], scalar: Scalar<'b>, at: usize) {
        match (rest, scalar) {
            ([Step::Name(name)], Scalar::Number(number)) if name == "index" => {
                if let Some(index) = small(number) {
                    self.choice_index.insert(place, index);
                }
            }
            ([Step::Name(name)], Scalar::String(reason)) if name == "finish_reason" => {
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
                        self.text(place, Member::Function, string_place(string, at, Content::Json));
                    }
                    "name" => self.tool(&string.value()),
                    _ => {}
                }
            }
            ([Step::Name(member), ..], Scalar::String(string)) => {
                // Text itself, or a part `{"type": "text", "text": …}` of it.
                let is_text =
                    rest.len() == 1 || matches!(rest.last(), Some(Step::Name(last)) if last == "text");
                if let Some(known) = MEMBERS.into_iter().find(|known| known == member).filter(|_| is_text) {
                    self.text(place, Member::Named(known), string_place(string, at, Content::Text));
                }
            }
            _ => {}
        }
    }

    fn in_tool_call(&mut self, place: usize, call: usize, rest: &[Step<'b>], scalar: Scalar<'b>, at: usize) {
        match (rest, scalar) {
            ([Step::Name(name)], Scalar::Number(number)) if name == "index" => {
                if let Some(index) = small(number) {
                    self.tool_index.insert((place, call), index);
                }
            }
            ([Step::Name(kind), Step::Name(name)], Scalar::String(string)) => {
                match (kind.as_ref(), name.as_ref()) {
                    ("function", "arguments") => {
                        self.text(place, Member::ToolAt(call), string_place(string, at, Content::Json));
                    }
                    ("custom", "input") => {
                        self.text(place, Member::CustomAt(call), string_place(string, at, Content::Text));
                    }
                    ("function" | "custom", "name") => self.tool(&string.value()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, place: usize, member: Member, string: Place<'b>) {
        self.texts.push((place, member, string));
    }

    fn tool(&mut self, name: &str) {
        if !name.is_empty() && self.parts.tools.len() < MAX_TOOLS {
            self.parts.tools.push(words::recorded(name, words::is_word));
        }
    }
}

impl<'b> Visitor<'b> for Reader<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match path.steps() {
            [Step::Name(name)] => self.top(name, scalar, &range),
            [Step::Name(usage), Step::Name(name)] if usage == "usage" => {
                let Scalar::Number(number) = scalar else { return };
                match name.as_ref() {
                    "prompt_tokens" => self.prompt_tokens = number.parse().ok(),
                    "completion_tokens" => self.completion_tokens = number.parse().ok(),
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
            [Step::Name(name)] if name == "error" => self.parts.error = true,
            [Step::Name(name)] if name == "choices" => self.parts.has_choices = kind == Kind::Array,
            [Step::Name(name), Step::Index(_)] if name == "choices" => self.parts.choices += 1,
            _ => {}
        }
    }
}

fn string_place(string: RawString<'_>, at: usize, content: Content) -> Place<'_> {
    Place { string, at, content }
}

/// An index as providers count choices and calls: far below this.
fn small(number: &str) -> Option<usize> {
    number.parse().ok().filter(|index| *index < 4096)
}
