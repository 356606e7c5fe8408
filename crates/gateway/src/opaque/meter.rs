//! What an answer that is passed on says it took, read on its way.
//!
//! Promises: what goes on is what came, byte for byte; of a binary stream only whole and right frames go on. Must never: hold more of an answer than is named
//! here, or take what it could not read for nothing.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::frames::{Frames, Hostile};
use super::lines::Lines;
use super::settle::Over;
use crate::answer::parts::Tokens;
use crate::declared::Counts;

/// Largest answer whose counts are read: an hour of speech as text with its times takes less, a picture in base64 takes more, and then what was reserved stands.
const MAX_READ_BYTES: usize = 4 << 20;
/// Longest line of a stream of events that is read.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Type of a binary stream of events.
pub(super) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// How the answer comes.
enum Form {
    /// As one JSON text, kept to be read at its end; none: too long.
    Whole(Option<BytesMut>),
    /// As events in lines.
    Lines(Lines),
    /// As frames.
    Frames(Box<Frames>),
    /// As something that is not read.
    Passed,
}

/// Reads one answer.
pub(super) struct Meter {
    counts: Counts,
    form: Form,
    said: Said,
    /// Whether the provider said within its answer that something went wrong.
    pub(super) has_failed: bool,
    /// What the provider calls what it made, of a whole answer.
    pub(super) named: Named,
}

/// Names that an answer gives to what is at the provider.
#[derive(Default)]
pub(super) struct Named {
    /// Of what it is about.
    pub(super) id: Option<String>,
    /// Of the file with a batch's answers.
    pub(super) output_file: Option<String>,
    /// Of the file with those of a batch's requests that failed.
    pub(super) error_file: Option<String>,
    /// What it says of a batch that is over.
    pub(super) over: Option<Over>,
}

impl Meter {
    /// For an answer of this type; `max_frame` limits one frame.
    pub(super) fn new(counts: Counts, content_type: &str, max_frame: usize, names_own: bool) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let form = match kind.as_str() {
            EVENT_STREAM if counts == Counts::Bedrock => Form::Frames(Box::new(Frames::new(max_frame))),
            _ if counts == Counts::Nothing && !names_own => Form::Passed,
            "application/json" => Form::Whole(Some(BytesMut::new())),
            "text/event-stream" => Form::Lines(Lines::new(MAX_LINE_BYTES)),
            _ => Form::Passed,
        };
        Self { counts, form, said: Said::default(), has_failed: false, named: Named::default() }
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
            Form::Lines(lines) => lines.push(&data, |line| match line {
                Some(line) => found.extend(event(line).map(<[u8]>::to_vec)),
                None => self.said.unreadable = true,
            }),
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
                self.has_failed |= frames.has_failed;
                if let Some(metadata) = &frames.metadata {
                    self.take(metadata);
                }
            }
            Form::Whole(Some(text)) => self.take(&text),
            // Its last line may end with the answer.
            Form::Lines(mut lines) => match lines.rest() {
                Some(line) => event(&line).into_iter().for_each(|event| self.take(event)),
                // What it may have counted is lost.
                None => self.said.unreadable = true,
            },
            Form::Whole(None) | Form::Passed => {}
        }
        // Something that went wrong ends an answer that was not whole: what was reserved stands.
        Ok(if self.has_failed { Tokens::default() } else { self.said.tokens(self.counts) })
    }

    fn take(&mut self, json: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
        let named = &mut self.named;
        for (member, name) in [
            ("id", &mut named.id),
            ("output_file_id", &mut named.output_file),
            ("error_file_id", &mut named.error_file),
        ] {
            if let Some(id) = value.get(member).and_then(Value::as_str) {
                *name = Some(id.to_owned());
            }
        }
        named.over = Over::of(&value);
        // Gemini answers a stream without `alt=sse` as an array of answers; each says what there was so far.
        let parts = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for part in parts {
            self.has_failed |=
                self.counts != Counts::Nothing && part.get("error").is_some_and(|error| !error.is_null());
            self.said.take(self.counts, part);
        }
    }
}

/// What `json` says it took, by the names of the interface that `counts` so.
pub(super) fn said_by(counts: Counts, json: &Value) -> Tokens {
    let mut said = Said::default();
    said.take(counts, json);
    said.tokens(counts)
}

/// The data that a line of a stream of events holds.
fn event(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(b"data:").map(<[u8]>::trim_ascii)
}

/// The member that holds the counts, and those of it that are read.
const fn members(counts: Counts) -> (&'static str, &'static [&'static str]) {
    match counts {
        // A conversation is counted where it is passed on (`session/tally.rs`).
        Counts::Nothing | Counts::Session => ("", &[]),
        Counts::OpenAi => (
            "usage",
            &["input_tokens", "prompt_tokens", "output_tokens", "completion_tokens", "total_tokens"],
        ),
        Counts::Google => (
            "usageMetadata",
            &[
                "promptTokenCount",
                "toolUsePromptTokenCount",
                "candidatesTokenCount",
                "thoughtsTokenCount",
                "cachedContentTokenCount",
                "totalTokenCount",
            ],
        ),
        Counts::Raw => (
            "usage",
            &["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"],
        ),
        Counts::Bedrock => (
            "usage",
            &["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "totalTokens"],
        ),
    }
}

/// What an answer, or all events of one so far, say it took, by the names of its interface.
#[derive(Default)]
struct Said {
    /// Whether there were counts at all.
    any: bool,
    /// Whether something was said that cannot be read: then nothing is counted.
    unreadable: bool,
    numbers: BTreeMap<&'static str, u64>,
}

impl Said {
    /// Takes in what `json` says; what it does not say, or says to be less, stays as it was said before: counts have all that came until then.
    fn take(&mut self, counts: Counts, json: &Value) {
        let (place, names) = members(counts);
        let Some(usage) = json.get(place).filter(|usage| !usage.is_null()) else { return };
        self.any = true;
        self.unreadable |= !usage.is_object();
        for &name in names {
            match usage.get(name) {
                None | Some(Value::Null) => {}
                Some(said) => match said.as_u64() {
                    Some(number) => {
                        let largest = self.numbers.entry(name).or_default();
                        *largest = number.max(*largest);
                    }
                    None => self.unreadable = true,
                },
            }
        }
    }

    fn tokens(&self, counts: Counts) -> Tokens {
        if self.unreadable {
            return Tokens::default();
        }
        let number = |name: &str| self.numbers.get(name).copied();
        match counts {
            Counts::Nothing | Counts::Session => Tokens::default(),
            Counts::OpenAi => Tokens {
                prompt: number("input_tokens").or_else(|| number("prompt_tokens")),
                completion: number("output_tokens").or_else(|| number("completion_tokens")),
                total: number("total_tokens"),
                ..Tokens::default()
            },
            Counts::Google => {
                let and = |one: Option<u64>, other: &str| {
                    one.map(|one| one.saturating_add(number(other).unwrap_or(0)))
                };
                // What a model thinks is paid, and stands beside what it says; what tools brought in beside the prompt.
                let said = number("candidatesTokenCount").or_else(|| self.any.then_some(0));
                Tokens {
                    prompt: and(number("promptTokenCount"), "toolUsePromptTokenCount"),
                    completion: and(said, "thoughtsTokenCount"),
                    cached: number("cachedContentTokenCount"),
                    total: number("totalTokenCount"),
                    ..Tokens::default()
                }
            }
            Counts::Raw => counted(
                number("input_tokens"),
                number("output_tokens"),
                number("cache_read_input_tokens"),
                number("cache_creation_input_tokens"),
            ),
            Counts::Bedrock => Tokens {
                total: number("totalTokens"),
                ..counted(
                    number("inputTokens"),
                    number("outputTokens"),
                    number("cacheReadInputTokens"),
                    number("cacheWriteInputTokens"),
                )
            },
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
        ..Tokens::default()
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
            // The last line ends with the answer, and says less than the one before it.
            (
                Counts::Google,
                "text/event-stream",
                "data: {\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":1,\"thoughtsTokenCount\":10}}\n\ndata: {\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":6}}",
                (Some(4), Some(16)),
            ),
            (
                Counts::Google,
                "application/json",
                r#"{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":"9"}}"#,
                (None, None),
            ),
            (
                Counts::Google,
                "application/json",
                r#"{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":9,"thoughtsTokenCount":1.5}}"#,
                (None, None),
            ),
            // What went wrong on its way counted nothing that holds.
            (
                Counts::Google,
                "text/event-stream",
                "data: {\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":1}}\n\ndata: {\"error\":{\"code\":500}}\n\n",
                (None, None),
            ),
        ] {
            for size in [1, 5, body.len()] {
                assert_eq!(read(counts, kind, body, size), due, "{counts:?} {body} by {size}");
            }
        }
    }
}
