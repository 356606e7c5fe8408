//! Answers of `POST /v1/responses`.
//!
//! A stream says most texts three times: in pieces, whole when a part is over, and whole once more in the response at its end. Promises: each of them is
//! given its values; reasoning that only the provider can read is never touched.

use std::ops::Range;

use bytes::Bytes;
use tabellion_mask::Place;
use tabellion_mask::json::{JsonFault, Kind, Limits, Path, RawString, Scalar, Step, Visitor, walk};

use crate::answer::parts::{Channel, Parts, Stage, Text, json, small, text};
use crate::guards::suite::is_flag;
use crate::names::Named;
use crate::sse::named_event;
use crate::words;

/// Members that are no text of the model's, or must stay as they are.
const NOT_TEXT: [&str; 9] =
    ["type", "id", "call_id", "item_id", "name", "status", "role", "encrypted_content", "result"];
/// What the model says in place of an answer that it will not give.
const REFUSAL: &str = "refusal";
/// What pieces come of: by the event `response.<name>.delta`, and whether they are JSON.
const PIECES: [(&str, bool); 8] = [
    ("output_text", false),
    (REFUSAL, false),
    ("reasoning_text", false),
    ("reasoning_summary_text", false),
    ("function_call_arguments", true),
    ("mcp_call_arguments", true),
    ("custom_tool_call_input", false),
    ("code_interpreter_call_code", false),
];
/// Pieces of what is not known here, such as a spoken answer's transcript: they go on as they are.
const OTHER: &str = "other";
/// Items by which the model asks for a tool.
const CALLS: &str = "_call";

/// Reads an answer, or an event of one.
pub(crate) fn read<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Parts<'b>, JsonFault> {
    let mut reader = Reader::default();
    walk(bytes, limits, &mut reader)?;
    Ok(reader.finish())
}

/// An event with a piece of text alone (`escaped`: as it stands between quotes), at `number` in its stream. `head` names its item.
pub(crate) fn own_event(head: &[u8], number: u64, item: usize, channel: &Channel, escaped: &str) -> Bytes {
    let (kind, part) = match channel {
        Channel::Item(kind, part) => (*kind, *part),
        _ => ("output_text", 0),
    };
    let event = format!("response.{kind}.delta");
    let index = if kind == "reasoning_summary_text" { "summary_index" } else { "content_index" };
    let logprobs = if kind == "output_text" { ",\"logprobs\":[]" } else { "" };
    let mut data = format!("{{\"type\":\"{event}\",").into_bytes();
    data.extend_from_slice(head);
    data.extend_from_slice(
        format!("\"output_index\":{item},\"{index}\":{part},\"delta\":\"{escaped}\"{logprobs},\"sequence_number\":{number}}}")
            .as_bytes(),
    );
    named_event(&event, &data)
}

/// Collects by place; what an event is may stand behind all else that it says.
#[derive(Default)]
struct Reader<'b> {
    parts: Parts<'b>,
    kind: String,
    is_response: bool,
    item: Option<usize>,
    part: Option<usize>,
    delta: Option<(RawString<'b>, usize)>,
    /// Texts of items: of a whole response, or of the one that an event shows.
    items: Vec<(usize, usize, Place<'b>)>,
    /// Names of items, with the items' kinds beside them.
    names: Vec<(usize, String)>,
    kinds: Vec<(usize, String)>,
    repeated: Vec<Place<'b>>,
    /// All that a response says as one text, which some servers put beside its items.
    beside: Option<Place<'b>>,
    is_error: bool,
    /// What stands at the top as the answer's own name: of an event it is none.
    own_name: Option<Named>,
}

impl<'b> Reader<'b> {
    fn finish(self) -> Parts<'b> {
        let mut parts = self.parts;
        if let Some(name) = self.own_name.filter(|_| self.is_response) {
            parts.kept.insert(0, name);
        }
        let item = self.item.unwrap_or_default();
        let is_event = !self.is_response;
        parts.is_answer &= self.is_response;
        parts.stage = match self.kind.as_str() {
            "error" | "response.failed" => Stage::Refused,
            "response.completed" | "response.incomplete" => Stage::Whole,
            // A response that failed says why in its own form; anything else with an error is the provider's refusal.
            _ if self.is_error && is_event => Stage::Refused,
            _ => Stage::Goes,
        };
        let says = |suffix| self.kind.strip_prefix("response.").and_then(|kind| kind.strip_suffix(suffix));
        let known = |kind: &str| PIECES.into_iter().find(|(name, _)| *name == kind);
        if let (Some((kind, is_json)), Some((string, at))) = (says(".delta").and_then(known), self.delta) {
            let place = if is_json { json(string, at) } else { text(string, at) };
            if kind == REFUSAL {
                parts.flag = Some(REFUSAL.to_owned());
            }
            let channel = Channel::Item(kind, self.part.unwrap_or_default());
            parts.texts.push(Text { choice: item, channel, place });
        }
        if let (Some(kind), Some((string, at))) = (says(".delta"), self.delta)
            && known(kind).is_none()
        {
            let channel = Channel::Item(OTHER, self.part.unwrap_or_default());
            parts.untouched.push(Text { choice: item, channel, place: text(string, at) });
        }
        if says(".done").and_then(known).is_some() {
            parts.closed.push(item);
        }
        // Said in the event that begins the item, and again later.
        if !is_event || self.kind == "response.output_item.added" {
            for (at, name) in &self.names {
                if self.kinds.iter().any(|(place, kind)| place == at && kind.ends_with(CALLS)) {
                    parts.tool(name);
                }
            }
        }
        parts.repeated = self.repeated;
        if let Some(place) = self.beside {
            if is_event || repeats(&self.items, place) {
                parts.repeated.push(place);
            } else {
                // One that says something else is a text of its own, behind the items.
                let own = self.items.iter().map(|(item, ..)| item.saturating_add(1)).max().unwrap_or(0);
                let channel = Channel::Item("output_text", 0);
                parts.texts.push(Text { choice: own, channel, place });
            }
        }
        for (item, part, place) in self.items {
            if is_event {
                parts.repeated.push(place);
            } else {
                parts.texts.push(Text { choice: item, channel: Channel::Item("output_text", part), place });
            }
        }
        parts
    }

    fn top(&mut self, name: &str, scalar: Scalar<'b>, range: Range<usize>) {
        match (name, scalar) {
            ("type", Scalar::String(kind)) => self.kind = kind.value().into_owned(),
            ("error", error) => self.is_error = error != Scalar::Null,
            ("object", Scalar::String(object)) => self.is_response = object.value() == "response",
            ("sequence_number", Scalar::Number(number)) => {
                self.parts.number = number.parse().ok().map(|number| (number, range));
            }
            ("id", Scalar::String(id)) => self.own_name = Some(Named::new("response", id.value())),
            ("item_id", _) => self.parts.head.push(("item_id", range)),
            ("output_index", Scalar::Number(number)) => {
                self.item = small(number);
                self.parts.is_object &= self.item.is_some();
            }
            ("content_index" | "summary_index", Scalar::Number(number)) => {
                self.part = small(number);
                self.parts.is_object &= self.part.is_some();
            }
            ("delta", Scalar::String(string)) => self.delta = Some((string, range.start)),
            ("arguments", Scalar::String(string)) => self.repeated.push(json(string, range.start)),
            ("text" | "refusal" | "input" | "code", Scalar::String(string)) => {
                self.repeated.push(text(string, range.start));
            }
            _ => self.of_response(name, scalar, range.start),
        }
    }

    /// What a response says of itself: at the top of a whole one, below `response` in a stream.
    fn of_response(&mut self, name: &str, scalar: Scalar<'b>, at: usize) {
        let Scalar::String(string) = scalar else { return };
        match name {
            "model" => self.parts.model = Some(words::recorded(&string.value(), words::is_answering_model)),
            "status" => self.parts.reason = Some(words::recorded(&string.value(), words::is_word)),
            // The provider says again what it was told.
            "instructions" => self.parts.echoed.push(text(string, at)),
            "output_text" => self.beside = Some(text(string, at)),
            _ => {}
        }
    }

    fn deeper(&mut self, steps: &[Step<'b>], scalar: Scalar<'b>, at: usize) {
        match (steps, scalar) {
            ([Step::Name(usage), Step::Name(name)], Scalar::Number(number)) if usage == "usage" => {
                match name.as_ref() {
                    "input_tokens" => self.parts.tokens.prompt = number.parse().ok(),
                    "output_tokens" => self.parts.tokens.completion = number.parse().ok(),
                    "total_tokens" => self.parts.tokens.total = number.parse().ok(),
                    _ => {}
                }
            }
            ([Step::Name(usage), Step::Name(details), Step::Name(name)], Scalar::Number(number))
                if usage == "usage" && details == "input_tokens_details" && name == "cached_tokens" =>
            {
                self.parts.tokens.cached = number.parse().ok();
            }
            ([Step::Name(details), Step::Name(reason)], Scalar::String(string))
                if details == "incomplete_details" && reason == "reason" =>
            {
                let reason = words::recorded(&string.value(), words::is_word);
                self.parts.flag = is_flag(&reason).then(|| reason.clone());
                self.parts.reason = Some(reason);
            }
            ([Step::Name(output), Step::Index(item), rest @ ..], Scalar::String(string))
                if output == "output" =>
            {
                self.in_item(*item, rest, string, at);
            }
            ([Step::Name(name), ..], Scalar::String(string)) if name == "instructions" => {
                self.parts.echoed.push(text(string, at));
            }
            _ => {}
        }
    }

    /// A string of an item; whole responses and events that hold an item say it alike.
    fn in_item(&mut self, item: usize, rest: &[Step<'b>], string: RawString<'b>, at: usize) {
        match rest {
            [Step::Name(name)] if name == "id" => self.parts.kept.push(Named::new("item", string.value())),
            [Step::Name(name)] if name == "container_id" => {
                self.parts.kept.push(Named::new("container", string.value()));
            }
            // A hosted shell says it one level down: `environment` of a `shell_call` (OpenAI's reference of responses).
            [Step::Name(holder), Step::Name(name)] if holder == "environment" && name == "container_id" => {
                self.parts.kept.push(Named::new("container", string.value()));
            }
            [Step::Name(name)] if name == "name" => self.names.push((item, string.value().into_owned())),
            [Step::Name(name)] if name == "type" => self.kinds.push((item, string.value().into_owned())),
            [.., Step::Name(name)] if name == REFUSAL => {
                self.parts.flag = Some(REFUSAL.to_owned());
                let part = rest
                    .iter()
                    .find_map(|step| if let Step::Index(part) = step { Some(*part) } else { None });
                self.items.push((item, part.unwrap_or_default(), text(string, at)));
            }
            [Step::Name(name)] if name == "arguments" => self.items.push((item, 0, json(string, at))),
            _ if is_text(rest) => {
                let part = rest
                    .iter()
                    .find_map(|step| if let Step::Index(part) = step { Some(*part) } else { None });
                self.items.push((item, part.unwrap_or_default(), text(string, at)));
            }
            _ => {}
        }
    }
}

/// Whether a text is what the items say, one after the other.
fn repeats(items: &[(usize, usize, Place<'_>)], beside: Place<'_>) -> bool {
    let said: String = items.iter().map(|(_, _, place)| place.string.value()).collect();
    said.contains(beside.string.value().as_ref())
}

fn is_text(rest: &[Step<'_>]) -> bool {
    rest.iter().all(|step| match step {
        Step::Name(name) => !NOT_TEXT.contains(&name.as_ref()),
        Step::Index(_) => true,
    })
}

impl<'b> Visitor<'b> for Reader<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match path.steps() {
            [Step::Name(name)] => self.top(name, scalar, range),
            [Step::Name(response), Step::Name(name)] if response == "response" => {
                if let ("id", Scalar::String(id)) = (name.as_ref(), scalar) {
                    self.parts.kept.push(Named::new("response", id.value()));
                }
                self.of_response(name, scalar, range.start);
            }
            [Step::Name(response), rest @ ..] if response == "response" => {
                self.deeper(rest, scalar, range.start);
            }
            [Step::Name(item), rest @ ..] if item == "item" || item == "part" => {
                let Scalar::String(string) = scalar else { return };
                self.in_item(0, rest, string, range.start);
            }
            steps => self.deeper(steps, scalar, range.start),
        }
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        match path.steps() {
            [] => self.parts.is_object = kind == Kind::Object,
            [Step::Name(name)] if name == "output" => self.parts.is_answer = kind == Kind::Array,
            [Step::Name(name)] if name == "error" => self.is_error = true,
            _ => {}
        }
    }
}
