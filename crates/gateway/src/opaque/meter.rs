//! What an answer that is passed on says it took, read on its way.
//!
//! Promises: what goes on is what came, byte for byte; of a binary stream only whole and right frames go on. Must never: hold more of an answer than is named
//! here, or take what it could not read for nothing.

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::frames::{Frames, Hostile};
use crate::answer::parts::Tokens;
use crate::declared::Counts;

/// Largest answer whose counts are read: an hour of speech as text with its times takes less, a picture in base64 takes more, and then what was reserved stands.
const MAX_READ_BYTES: usize = 4 << 20;
/// Longest line of a stream of events that is read.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Type of a binary stream of events.
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// How the answer comes.
enum Form {
    /// As one JSON text, kept to be read at its end; none: too long.
    Whole(Option<BytesMut>),
    /// As events in lines; what of the newest line has come, none: it is too long.
    Lines(Option<Vec<u8>>),
    /// As frames.
    Frames(Box<Frames>),
    /// As something that is not read.
    Passed,
}

/// Reads one answer.
pub(super) struct Meter {
    counts: Counts,
    form: Form,
    tokens: Tokens,
    /// What the provider calls what it made, of a whole answer.
    pub(super) id: Option<String>,
}

impl Meter {
    /// For an answer of this type; `max_frame` limits one frame.
    pub(super) fn new(counts: Counts, content_type: &str, max_frame: usize, wants_id: bool) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let form = match kind.as_str() {
            EVENT_STREAM if counts == Counts::Bedrock => Form::Frames(Box::new(Frames::new(max_frame))),
            _ if counts == Counts::Nothing && !wants_id => Form::Passed,
            "application/json" => Form::Whole(Some(BytesMut::new())),
            "text/event-stream" => Form::Lines(Some(Vec::new())),
            _ => Form::Passed,
        };
        Self { counts, form, tokens: Tokens::default(), id: None }
    }

    /// Takes bytes in; `out` gets what of them may go on.
    pub(super) fn push(&mut self, data: Bytes, out: &mut Vec<Bytes>) -> Result<(), Hostile> {
        let mut found = Vec::new();
        match &mut self.form {
            Form::Frames(frames) => return frames.push(&data, out),
            Form::Whole(kept) => {
                if kept.as_ref().is_some_and(|kept| kept.len() + data.len() > MAX_READ_BYTES) {
                    *kept = None;
                }
                if let Some(kept) = kept {
                    kept.extend_from_slice(&data);
                }
            }
            Form::Lines(line) => found = lines(line, &data),
            Form::Passed => {}
        }
        for event in found {
            self.take(&event);
        }
        out.push(data);
        Ok(())
    }

    /// The answer is over; what it took.
    pub(super) fn finish(&mut self) -> Result<Tokens, Hostile> {
        match std::mem::replace(&mut self.form, Form::Passed) {
            Form::Frames(frames) => {
                frames.finish()?;
                // An event that says that something went wrong ends a stream that was not whole: what was reserved stands.
                if let Some(metadata) = frames.metadata.as_ref().filter(|_| !frames.has_failed) {
                    self.take(metadata);
                }
            }
            Form::Whole(Some(text)) => self.take(&text),
            Form::Whole(None) | Form::Lines(_) | Form::Passed => {}
        }
        Ok(self.tokens)
    }

    fn take(&mut self, json: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
        if let Some(id) = value.get("id").and_then(Value::as_str) {
            self.id = Some(id.to_owned());
        }
        // Gemini answers a stream without `alt=sse` as an array of answers; each says what there was so far.
        let parts = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for part in parts {
            self.tokens.merge(tokens(self.counts, part));
        }
    }
}

/// The data of the events that end in `data`, which follows `line`.
fn lines(line: &mut Option<Vec<u8>>, data: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut pieces = data.split(|byte| *byte == b'\n').peekable();
    while let Some(piece) = pieces.next() {
        if let Some(kept) = line.as_mut().filter(|kept| kept.len() + piece.len() <= MAX_LINE_BYTES) {
            kept.extend_from_slice(piece);
        } else {
            *line = None;
        }
        if pieces.peek().is_some() {
            let whole = line.replace(Vec::new()).unwrap_or_default();
            let event = whole.strip_prefix(b"data:").map(<[u8]>::trim_ascii);
            found.extend(event.map(<[u8]>::to_vec));
        }
    }
    found
}

/// What `json` says it took.
fn tokens(counts: Counts, json: &Value) -> Tokens {
    let number = |of: Option<&Value>, name: &str| of.and_then(|of| of.get(name)).and_then(Value::as_u64);
    match counts {
        Counts::Nothing => Tokens::default(),
        Counts::OpenAi => {
            let usage = json.get("usage");
            Tokens {
                prompt: number(usage, "input_tokens").or_else(|| number(usage, "prompt_tokens")),
                completion: number(usage, "output_tokens").or_else(|| number(usage, "completion_tokens")),
                ..Tokens::default()
            }
        }
        Counts::Google => {
            let usage = json.get("usageMetadata");
            let and = |one: Option<u64>, other: &str| {
                one.map(|one| one.saturating_add(number(usage, other).unwrap_or(0)))
            };
            // What a model thinks is paid, and stands beside what it says; what tools brought in beside the prompt.
            let said = number(usage, "candidatesTokenCount").or_else(|| usage.map(|_| 0));
            Tokens {
                prompt: and(number(usage, "promptTokenCount"), "toolUsePromptTokenCount"),
                completion: and(said, "thoughtsTokenCount"),
                cached: number(usage, "cachedContentTokenCount"),
                ..Tokens::default()
            }
        }
        Counts::Raw => {
            let usage = json.get("usage");
            let (cached, written) =
                (number(usage, "cache_read_input_tokens"), number(usage, "cache_creation_input_tokens"));
            counted(number(usage, "input_tokens"), number(usage, "output_tokens"), cached, written)
        }
        Counts::Bedrock => {
            let usage = json.get("usage");
            let (cached, written) =
                (number(usage, "cacheReadInputTokens"), number(usage, "cacheWriteInputTokens"));
            counted(number(usage, "inputTokens"), number(usage, "outputTokens"), cached, written)
        }
    }
}

/// Counts of an interface whose prompt is told without what was read from, and written to, its cache.
fn counted(
    prompt: Option<u64>,
    completion: Option<u64>,
    cached: Option<u64>,
    cache_write: Option<u64>,
) -> Tokens {
    let beside = cached.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    Tokens {
        prompt: prompt.map(|prompt| prompt.saturating_add(beside)),
        completion,
        cached,
        cache_write,
        prompt_alone: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counts: Counts, kind: &str, body: &str, size: usize) -> (Option<u64>, Option<u64>) {
        let mut meter = Meter::new(counts, kind, 1 << 20, false);
        let mut out = Vec::new();
        for piece in body.as_bytes().chunks(size) {
            meter.push(Bytes::copy_from_slice(piece), &mut out).expect("nothing to refuse");
        }
        assert_eq!(out.concat(), body.as_bytes(), "what passes is changed");
        let tokens = meter.finish().expect("whole");
        (tokens.prompt, tokens.completion)
    }

    /// Requirement: N22. What each interface counts is what the call is charged, however its answer was cut.
    #[test]
    fn each_interface_is_read_in_its_own_words() {
        for (counts, kind, body, due) in [
            (
                Counts::OpenAi,
                "application/json; charset=utf-8",
                r#"{"text":"a","usage":{"input_tokens":7,"output_tokens":2}}"#,
                (Some(7), Some(2)),
            ),
            (
                Counts::Google,
                "text/event-stream",
                "data: {\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":1}}\r\n\r\ndata: {\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":6,\"thoughtsTokenCount\":10}}\r\n\r\n",
                (Some(4), Some(16)),
            ),
            (
                Counts::Google,
                "application/json",
                r#"[{"usageMetadata":{"promptTokenCount":4}},{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":3}}]"#,
                (Some(4), Some(3)),
            ),
            (
                Counts::Bedrock,
                "application/json",
                r#"{"usage":{"inputTokens":3,"outputTokens":5,"cacheReadInputTokens":10}}"#,
                (Some(13), Some(5)),
            ),
            (
                Counts::Raw,
                "application/json",
                r#"{"usage":{"input_tokens":3,"output_tokens":5,"cache_creation_input_tokens":2}}"#,
                (Some(5), Some(5)),
            ),
            (Counts::OpenAi, "application/json", r#"{"text":"a"}"#, (None, None)),
            (Counts::OpenAi, "audio/mpeg", "sound", (None, None)),
        ] {
            for size in [1, 5, body.len()] {
                assert_eq!(read(counts, kind, body, size), due, "{counts:?} {body} by {size}");
            }
        }
    }
}
