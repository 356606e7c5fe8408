//! Where texts stand in a body whose words may be changed, and where every byte has to stay.
//!
//! Promises: changed is what people and models say to one another and what a tool is called with, by a list of such places; all else stays: roles, ids, names,
//! numbers, a model's thinking and whatever proves it, definitions, and what is not known here. A text that stands in both kinds of place is changed in neither.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use tabellion_guard::service::EditFault;
use tabellion_mask::json::{Limits, Path, RawString, Scalar, Step, Visitor, walk};
use tabellion_mask::{Content, Edits, Place, RetextError, retext_string};

use crate::guards::edits::Wanted;
use crate::surface::Surface;

/// Members at the top of a request in which somebody speaks.
const SPOKEN: [&str; 4] = ["messages", "system", "input", "instructions"];
/// Members that hold what is said, and that hold what a tool is called with, whatever its members are called.
const SAID: [&str; 7] = ["content", "text", "input", "output", "refusal", "system", "instructions"];
const CALLED_WITH: [&str; 2] = ["input", "arguments"];
/// What a model thought, told in short.
const SUMMARY: &str = "summary";
/// Kinds of objects that hold what a model thought: a provider takes it back as it gave it.
const THOUGHT: [&str; 2] = ["reasoning", "thinking"];
/// Pieces of an answer with their probabilities: the answer once more.
const LOGPROBS: &str = "logprobs";

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// A request's.
    Prompt,
    /// Those of an answer on this route, or of an event of one.
    Answer(Surface),
}

/// Most bytes that go into one body, at all places together: one text can stand at a million of them.
const MAX_PUT_IN_BYTES: usize = 10 << 20;

/// How often something went into each text, and how much of it.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Applied {
    times: BTreeMap<String, usize>,
    bytes: usize,
}

impl Applied {
    /// Whether all that is wanted went in.
    pub(crate) fn fits(&self, wanted: &Wanted) -> Result<(), EditFault> {
        if self.bytes > MAX_PUT_IN_BYTES {
            return Err(EditFault::Unfit);
        }
        // A number, for example, is shown and stands in no place where words may change.
        if self.times.len() == wanted.len() { Ok(()) } else { Err(EditFault::Sealed) }
    }
}

/// A body with everything put in.
pub(crate) struct Rewritten {
    pub(crate) bytes: Bytes,
    pub(crate) applied: Applied,
}

/// Puts all that is wanted into a body, wherever its texts stand.
pub(crate) fn rewritten(
    json: &Bytes,
    of: Of,
    limits: &Limits,
    wanted: &Wanted,
) -> Result<Rewritten, EditFault> {
    let (mut edits, mut applied) = (Edits::new(), Applied::default());
    rewrite((json, &BTreeSet::new()), of, limits, wanted, (&mut edits, &mut applied))?;
    applied.fits(wanted)?;
    Ok(Rewritten { bytes: Bytes::from(edits.apply(json)), applied })
}

/// The same as edits, but for strings at places that are `known`: pieces of texts, which are no texts by themselves.
pub(crate) fn rewrite(
    (json, known): (&[u8], &BTreeSet<usize>),
    of: Of,
    limits: &Limits,
    wanted: &Wanted,
    (edits, applied): (&mut Edits, &mut Applied),
) -> Result<(), EditFault> {
    let mut thoughts = Thoughts::default();
    walk(json, limits, &mut thoughts).map_err(|_| EditFault::Unfit)?;
    let mut reader =
        Reader { of, known, wanted, thoughts, said: Vec::new(), is_sealed: false, has_logprobs: false };
    walk(json, limits, &mut reader).map_err(|_| EditFault::Unfit)?;
    let Reader { said, is_sealed, has_logprobs, .. } = reader;
    if has_logprobs {
        return Err(EditFault::Logprobs);
    }
    if is_sealed {
        return Err(EditFault::Sealed);
    }
    for place in said {
        put_in(place, wanted, edits, applied)?;
    }
    Ok(())
}

/// Puts what is wanted into one string.
fn put_in(
    place: Place<'_>,
    wanted: &Wanted,
    edits: &mut Edits,
    applied: &mut Applied,
) -> Result<(), EditFault> {
    let mut look = counting(wanted, applied);
    retext_string(place, &mut look, edits).map_err(fault)
}

/// What is wanted of a text, counted when somebody asks.
pub(crate) fn counting<'w>(
    wanted: &'w Wanted,
    applied: &mut Applied,
) -> impl FnMut(&str) -> Option<&'w [tabellion_mask::Replacement]> {
    move |text: &str| {
        let found = wanted.get(text)?;
        *applied.times.entry(text.to_owned()).or_default() += 1;
        let bytes = found.iter().map(|(_, with)| with.len());
        applied.bytes = bytes.fold(applied.bytes, usize::saturating_add);
        // What is too much is not used, nor written down first.
        (applied.bytes <= MAX_PUT_IN_BYTES).then_some(found)
    }
}

/// The word for what cannot be put in.
pub(crate) fn fault(error: RetextError) -> EditFault {
    match error {
        RetextError::Overlap => EditFault::Order,
        RetextError::Name => EditFault::Sealed,
        RetextError::Json => EditFault::Json,
        RetextError::TooLong => EditFault::Unfit,
    }
}

/// Where objects stand that hold what a model thought.
#[derive(Default)]
struct Thoughts(BTreeSet<String>);

impl Thoughts {
    fn hold(&self, steps: &[Step<'_>]) -> bool {
        let holds = |length: usize| steps.get(..length).is_some_and(|front| self.0.contains(&key(front)));
        !self.0.is_empty() && (0..=steps.len()).any(holds)
    }
}

impl<'b> Visitor<'b> for Thoughts {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        if let ([front @ .., Step::Name(name)], Scalar::String(kind)) = (path.steps(), scalar)
            && name == "type"
            && THOUGHT.iter().any(|thought| kind.value().contains(thought))
        {
            self.0.insert(key(front));
        }
    }
}

/// A way as a text.
fn key(steps: &[Step<'_>]) -> String {
    let mut key = String::new();
    for step in steps {
        match step {
            Step::Name(name) => key.push_str(name),
            Step::Index(index) => key.push_str(&index.to_string()),
        }
        key.push('\0');
    }
    key
}

/// Finds where words may be changed, and whether what is wanted is of anything else.
struct Reader<'b, 'a> {
    of: Of,
    known: &'a BTreeSet<usize>,
    wanted: &'a Wanted,
    thoughts: Thoughts,
    said: Vec<Place<'b>>,
    is_sealed: bool,
    has_logprobs: bool,
}

impl<'b> Visitor<'b> for Reader<'b, '_> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match scalar {
            Scalar::String(string) => self.string(path.steps(), string, range.start),
            Scalar::Number(number) => self.is_sealed |= self.wanted.get(number).is_some(),
            Scalar::Null | Scalar::Bool(_) => {}
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, _: Range<usize>) {
        self.is_sealed |= self.wanted.speaks_of(&name.value());
    }
}

impl<'b> Reader<'b, '_> {
    fn string(&mut self, steps: &[Step<'b>], string: RawString<'b>, at: usize) {
        let names: Vec<&str> = names(steps);
        self.has_logprobs |= self.of != Of::Prompt && names.contains(&LOGPROBS);
        if self.known.contains(&at) {
            return;
        }
        if is_said(self.of, &names) && !self.thoughts.hold(steps) {
            let is_json = names.last() == Some(&"arguments");
            let content = if is_json { Content::Json } else { Content::Text };
            self.said.push(Place { string, at, content });
        } else {
            self.is_sealed |= self.wanted.speaks_of(&string.value());
        }
    }
}

fn names<'p>(steps: &'p [Step<'_>]) -> Vec<&'p str> {
    let names = steps.iter().filter_map(|step| match step {
        Step::Name(name) => Some(name.as_ref()),
        Step::Index(_) => None,
    });
    names.collect()
}

/// Whether the string at the end of these names is said to somebody, or called with.
fn is_said(of: Of, names: &[&str]) -> bool {
    match of {
        Of::Prompt => is_asked(names),
        Of::Answer(Surface::OpenAiChat) => is_said_in_chat(names),
        Of::Answer(Surface::AnthropicMessages) => {
            matches!(names, ["content", "text"] | ["content", "input", ..])
        }
        Of::Answer(Surface::OpenAiResponses) => match names {
            ["response", "output", rest @ ..] | ["output" | "item", rest @ ..] => {
                matches!(rest, ["content", "text" | "refusal"] | ["arguments" | "input"])
            }
            ["part", "text" | "refusal"]
            | ["text" | "refusal" | "arguments" | "input" | "output_text"]
            | ["response", "output_text"] => true,
            _ => false,
        },
        // Their answers are numbers.
        Of::Answer(Surface::OpenAiEmbeddings | Surface::AnthropicCountTokens) => false,
    }
}

fn is_asked(names: &[&str]) -> bool {
    let [top, inner @ ..] = names else { return false };
    if !SPOKEN.contains(top) {
        return false;
    }
    if inner.iter().any(|name| CALLED_WITH.contains(name)) {
        return true;
    }
    !inner.contains(&SUMMARY) && names.last().is_some_and(|last| SAID.contains(last))
}

fn is_said_in_chat(names: &[&str]) -> bool {
    let ["choices", "message" | "delta", rest @ ..] = names else { return false };
    matches!(
        rest,
        ["content" | "refusal"]
            | ["content" | "refusal", "text"]
            | ["tool_calls", "function", "arguments"]
            | ["tool_calls", "custom", "input"]
            | ["function_call", "arguments"]
    )
}

#[cfg(test)]
mod tests {
    use tabellion_guard::service::TextEdit;

    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_depth: 64 };

    fn of(body: &serde_json::Value, of: Of, text: &str) -> Result<String, EditFault> {
        let edit =
            TextEdit { text: 0, range: 0..text.len(), replacement: "[x]".to_owned(), label: "x".to_owned() };
        let wanted = Wanted::of(&[text], &[edit])?;
        let body = Bytes::from(body.to_string());
        let made = rewritten(&body, of, &LIMITS, &wanted)?;
        Ok(String::from_utf8(made.bytes.to_vec()).expect("text"))
    }

    /// Requirement: N21. A short text can stand at so many places that a replacement is a flood.
    #[test]
    fn so_much_goes_in_and_no_more() {
        let part = serde_json::json!({ "type": "text", "text": "aa" });
        let body = |parts: usize| {
            let content = vec![part.clone(); parts];
            Bytes::from(
                serde_json::json!({ "messages": [{ "role": "user", "content": content }] }).to_string(),
            )
        };
        let replacement = "x".repeat(16 << 10);
        let edit = TextEdit { text: 0, range: 0..1, replacement, label: "x".to_owned() };
        let wanted = Wanted::of(&["aa"], &[edit]).unwrap_or_else(|fault| panic!("{fault:?}"));
        let made = |parts: usize| {
            let made = rewritten(&body(parts), Of::Prompt, &LIMITS, &wanted);
            made.map(|made| made.bytes.len() > parts << 14)
        };
        assert_eq!(made(640), Ok(true), "10 MiB");
        assert_eq!(made(641), Err(EditFault::Unfit));
    }

    /// Requirement: N21. Said or sealed, by where it stands; and a text in both kinds of place is changed in neither.
    #[test]
    fn what_is_said_may_change_and_all_else_stays() {
        use serde_json::json;
        let prompt = json!({
            "model": "m", "metadata": { "who": "meta" }, "system": [{ "type": "text", "text": "rules" }],
            "tools": [{ "name": "tool", "description": "described" }],
            "messages": [
                { "role": "user", "content": "asked", "name": "who" },
                { "role": "assistant", "content": [
                    { "type": "thinking", "thinking": "thought", "signature": "signed", "text": "beside" },
                    { "type": "tool_use", "id": "call", "name": "tool", "input": { "to": "called", "key": 123_456_789_012_u64 } } ] },
                { "role": "tool", "content": "{\"k\":\"v\"}" } ],
            "input": [{ "type": "reasoning", "content": [{ "type": "reasoning_text", "text": "reasoned" }],
                "summary": [{ "type": "summary_text", "text": "summed" }] }],
        });
        for said in ["asked", "rules", "called"] {
            assert_eq!(
                of(&prompt, Of::Prompt, said).as_deref(),
                Ok(prompt.to_string().replace(said, "[x]").as_str())
            );
        }
        let sealed = [
            "meta",
            "described",
            "tool",
            "user",
            "who",
            "thought",
            "signed",
            "beside",
            "call",
            "key",
            "123456789012",
            "reasoned",
            "summed",
            "nowhere",
        ];
        for sealed in sealed {
            assert_eq!(of(&prompt, Of::Prompt, sealed).as_deref(), Err(&EditFault::Sealed), "{sealed}");
        }
        assert_eq!(of(&prompt, Of::Prompt, "{\"k\":\"v\"}").as_deref(), Err(&EditFault::Json));
        let twice = json!({ "messages": [{ "role": "user", "content": "user" }] });
        assert_eq!(of(&twice, Of::Prompt, "user").as_deref(), Err(&EditFault::Sealed));
        let chat = json!({ "choices": [{ "message": { "role": "assistant", "content": "said", "reasoning_content": "thought" },
            "logprobs": null }] });
        let chats = Of::Answer(Surface::OpenAiChat);
        assert!(of(&chat, chats, "said").is_ok());
        assert_eq!(of(&chat, chats, "thought").as_deref(), Err(&EditFault::Sealed));
        let told = chat.to_string().replace("null", r#"{"content":[{"token":"sa"}]}"#);
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(of(&told, chats, "said").as_deref(), Err(&EditFault::Logprobs));
    }
}
