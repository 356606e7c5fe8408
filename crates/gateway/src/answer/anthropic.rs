//! Answers of `POST /v1/messages` and `POST /v1/messages/count_tokens`.
//!
//! Promises: thinking and signatures are never touched, since the provider takes a conversation back only with each of their bytes. Everything else that a
//! block says is text.

use bytes::Bytes;
use tabellion_mask::Place;
use tabellion_mask::json::{JsonFault, Kind, Limits, Path, RawString, Scalar, Step, Visitor, walk};

use crate::answer::parts::{Channel, Parts, Stage, Text, Tokens, json, small, text};
use crate::names::Named;
use crate::sse::named_event;
use crate::words;

/// Members of a block that are no text of the model's, or must stay as they are.
const NOT_TEXT: [&str; 8] =
    ["type", "id", "tool_use_id", "name", "thinking", "signature", "data", "encrypted_content"];
/// Pieces of text, by the member that holds them in a delta: what the delta is called.
const TEXT: &str = "text_delta";
const INPUT: &str = "input_json_delta";
/// A model's thinking, which goes on byte for byte.
const THOUGHT: &str = "thinking_delta";

/// Reads an answer, or an event of one.
pub(crate) fn read<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Parts<'b>, JsonFault> {
    let mut reader = Reader::default();
    walk(bytes, limits, &mut reader)?;
    Ok(reader.finish())
}

/// Reads a count of tokens. It says what asking would cost, and is itself no use of the model.
pub(crate) fn read_count<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Parts<'b>, JsonFault> {
    let mut reader = Reader::default();
    walk(bytes, limits, &mut reader)?;
    let is_answer = reader.counted;
    let parts = reader.finish();
    Ok(Parts { is_answer, tokens: Tokens::default(), ..parts })
}

/// An event with a piece of text alone (`escaped`: as it stands between quotes).
pub(crate) fn own_event(block: usize, channel: &Channel, escaped: &str) -> Bytes {
    let (kind, member) = match channel {
        Channel::Block(INPUT) => (INPUT, "partial_json"),
        _ => (TEXT, "text"),
    };
    let data = format!(
        "{{\"type\":\"content_block_delta\",\"index\":{block},\"delta\":{{\"type\":\"{kind}\",\"{member}\":\"{escaped}\"}}}}"
    );
    named_event("content_block_delta", data.as_bytes())
}

/// Collects by place; what an event is may stand behind all else that it says.
#[derive(Default)]
struct Reader<'b> {
    parts: Parts<'b>,
    kind: String,
    index: Option<usize>,
    /// Texts of a whole message's blocks.
    blocks: Vec<(usize, Place<'b>)>,
    /// Pieces, by what they are.
    pieces: Vec<(&'static str, Place<'b>)>,
    /// Other texts of an event.
    beside: Vec<Place<'b>>,
    /// Thinking, with its block where the message is whole.
    thoughts: Vec<(Option<usize>, Place<'b>)>,
    has_content: bool,
    counted: bool,
    is_error: bool,
    /// Tokens of the prompt: read anew, put into the provider's cache, taken from it.
    prompt: [Option<u64>; 3],
}

impl<'b> Reader<'b> {
    fn finish(self) -> Parts<'b> {
        let mut parts = self.parts;
        let block = self.index.unwrap_or_default();
        parts.tokens.prompt = self.prompt[0]
            .map(|read| self.prompt[1..].iter().flatten().fold(read, |sum, more| sum.saturating_add(*more)));
        [_, parts.tokens.cache_write, parts.tokens.cached] = self.prompt;
        parts.is_answer = self.kind == "message" && self.has_content;
        for (block, place) in self.blocks {
            parts.texts.push(Text { choice: block, channel: Channel::Block(TEXT), place });
        }
        for (kind, place) in self.pieces {
            parts.texts.push(Text { choice: block, channel: Channel::Block(kind), place });
        }
        for (of, place) in self.thoughts {
            let choice = of.unwrap_or(block);
            parts.untouched.push(Text { choice, channel: Channel::Block(THOUGHT), place });
        }
        parts.repeated = self.beside;
        parts.stage = match self.kind.as_str() {
            _ if self.is_error => Stage::Refused,
            "message_delta" => Stage::Closing,
            "message_stop" => Stage::Whole,
            _ => Stage::Goes,
        };
        match self.kind.as_str() {
            "content_block_start" => parts.opened.push(block),
            "content_block_stop" => parts.closed.push(block),
            _ => {}
        }
        parts
    }

    fn top(&mut self, name: &str, scalar: Scalar<'b>) {
        match (name, scalar) {
            ("type", Scalar::String(kind)) => {
                let kind = kind.value();
                self.is_error |= kind == "error";
                self.kind = kind.into_owned();
            }
            ("index", Scalar::Number(number)) => {
                self.index = small(number);
                self.parts.is_object &= self.index.is_some();
            }
            ("input_tokens", Scalar::Number(number)) => self.counted = number.parse::<u64>().is_ok(),
            _ => self.of_message(name, scalar),
        }
    }

    /// What a message says of itself: at the top of a whole one, below `message` and `delta` in a stream.
    fn of_message(&mut self, name: &str, scalar: Scalar<'b>) {
        let Scalar::String(string) = scalar else { return };
        match name {
            "model" => self.parts.model = Some(words::recorded(&string.value(), words::is_answering_model)),
            "stop_reason" => self.parts.reason = Some(words::recorded(&string.value(), words::is_word)),
            _ => {}
        }
    }

    fn tokens(&mut self, name: &str, scalar: Scalar<'_>) {
        let Scalar::Number(number) = scalar else { return };
        let count = number.parse().ok();
        match name {
            "input_tokens" => self.prompt[0] = count,
            "cache_creation_input_tokens" => self.prompt[1] = count,
            "cache_read_input_tokens" => self.prompt[2] = count,
            "output_tokens" => self.parts.tokens.completion = count,
            _ => {}
        }
    }

    /// A string within block `block` of a whole message; `rest` is the way from there.
    fn in_block(&mut self, block: usize, rest: &[Step<'b>], string: RawString<'b>, at: usize) {
        if matches!(rest, [Step::Name(name)] if name == "name") {
            return self.parts.tool(&string.value());
        }
        if is_thought(rest) {
            self.thoughts.push((Some(block), text(string, at)));
        }
        if is_text(rest) {
            self.blocks.push((block, text(string, at)));
        }
    }

    fn in_delta(&mut self, rest: &[Step<'b>], string: RawString<'b>, at: usize) {
        match rest {
            [Step::Name(name)] if name == "text" => self.pieces.push((TEXT, text(string, at))),
            [Step::Name(name)] if name == "partial_json" => self.pieces.push((INPUT, json(string, at))),
            [Step::Name(name)] if name == "stop_reason" => self.of_message(name, Scalar::String(string)),
            _ if is_thought(rest) => self.thoughts.push((None, text(string, at))),
            _ if is_text(rest) => self.beside.push(text(string, at)),
            _ => {}
        }
    }
}

/// Whether what stands below these steps is the message's own.
fn is_of_message(around: &[Step<'_>]) -> bool {
    matches!(around, []) || matches!(around, [Step::Name(name)] if name == "message" || name == "delta")
}

/// Whether a string of a block is what the model thought.
fn is_thought(rest: &[Step<'_>]) -> bool {
    matches!(rest, [Step::Name(name)] if name == "thinking")
}

/// Whether a string of a block is said to people or tools. What stands in a tool's input is, whatever its name there.
fn is_text(rest: &[Step<'_>]) -> bool {
    if matches!(rest.first(), Some(Step::Name(first)) if first == "input") {
        return true;
    }
    rest.iter().all(|step| match step {
        Step::Name(name) => !NOT_TEXT.contains(&name.as_ref()),
        Step::Index(_) => true,
    })
}

impl<'b> Visitor<'b> for Reader<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: std::ops::Range<usize>) {
        match (path.steps(), scalar) {
            // Whole, in the event that begins a message, and in the one that ends it.
            ([around @ .., Step::Name(container), Step::Name(id)], Scalar::String(string))
                if container == "container" && id == "id" && is_of_message(around) =>
            {
                self.parts.kept.push(Named::new("container", string.value()));
            }
            ([Step::Name(name)], scalar) => self.top(name, scalar),
            ([Step::Name(usage), Step::Name(name)], scalar) if usage == "usage" => self.tokens(name, scalar),
            ([Step::Name(message), Step::Name(usage), Step::Name(name)], scalar)
                if message == "message" && usage == "usage" =>
            {
                self.tokens(name, scalar);
            }
            ([Step::Name(message), Step::Name(name)], scalar) if message == "message" => {
                self.of_message(name, scalar);
            }
            ([Step::Name(content), Step::Index(block), rest @ ..], Scalar::String(string))
                if content == "content" =>
            {
                self.in_block(*block, rest, string, range.start);
            }
            ([Step::Name(delta), rest @ ..], Scalar::String(string)) if delta == "delta" => {
                self.in_delta(rest, string, range.start);
            }
            ([Step::Name(block), rest @ ..], Scalar::String(string)) if block == "content_block" => {
                match rest {
                    [Step::Name(name)] if name == "name" => self.parts.tool(&string.value()),
                    [Step::Name(name)] if name == "text" => {
                        self.pieces.push((TEXT, text(string, range.start)));
                    }
                    _ if is_thought(rest) => self.thoughts.push((None, text(string, range.start))),
                    _ if is_text(rest) => self.beside.push(text(string, range.start)),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        match path.steps() {
            [] => self.parts.is_object = kind == Kind::Object,
            [Step::Name(name)] if name == "content" => self.has_content = kind == Kind::Array,
            [Step::Name(name)] if name == "error" => self.is_error = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(json: &str) -> Parts<'_> {
        read(json.as_bytes(), &Limits::default()).expect("JSON")
    }

    #[test]
    fn a_message_says_its_texts_tools_and_tokens() {
        let json = r#"{"content":[{"type":"thinking","thinking":"<EMAIL_AAAAAA>","signature":"c2ln"},
            {"type":"text","text":"Hello"},
            {"type":"tool_use","id":"t","name":"send","input":{"to":["a"],"name":"b"}}],
            "model":"claude-x","stop_reason":"tool_use","type":"message",
            "usage":{"input_tokens":3,"cache_creation_input_tokens":4,"cache_read_input_tokens":5,"output_tokens":6}}"#;
        let parts = parts(json);
        assert!(parts.is_answer && parts.stage == Stage::Goes, "it is a whole answer");
        let texts: Vec<_> = parts.texts.iter().map(|text| (text.choice, text.place.string.value())).collect();
        let due = [(1, "Hello"), (2, "a"), (2, "b")].map(|(block, text)| (block, text.into()));
        assert_eq!(texts, due, "thinking must stay as it is, and a tool gets real values");
        assert_eq!(parts.tools, ["send"], "what the model asked for");
        let usage = parts.tokens.usage().expect("it is counted");
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (12, 6), "cached tokens are used as well");
        assert_eq!(parts.reason.as_deref(), Some("tool_use"));
    }

    #[test]
    fn events_say_where_they_stand() {
        for (json, stage) in [
            (
                r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}"#,
                Stage::Goes,
            ),
            (r#"{"type":"ping"}"#, Stage::Goes),
            (
                r#"{"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9},"type":"message_delta"}"#,
                Stage::Closing,
            ),
            (r#"{"type":"message_stop"}"#, Stage::Whole),
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"later"}}"#, Stage::Refused),
        ] {
            assert_eq!(parts(json).stage, stage, "{json}");
        }
        let piece = parts(
            r#"{"delta":{"partial_json":"{\"a","type":"input_json_delta"},"index":2,"type":"content_block_delta"}"#,
        );
        assert_eq!(piece.texts.len(), 1, "a piece of a tool's input");
        assert_eq!((piece.texts[0].choice, piece.texts[0].channel.clone()), (2, Channel::Block(INPUT)));
        for untouched in ["thinking", "signature"] {
            let json = format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"x","{untouched}":"y"}}}}"#
            );
            let parts = read(json.as_bytes(), &Limits::default()).expect("JSON");
            assert!(parts.texts.is_empty() && parts.repeated.is_empty(), "{untouched} must pass as it came");
        }
    }
}
