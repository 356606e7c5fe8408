//! Places of an answer that are no strings and matter to masking: what a tool is called with as JSON of the body itself, and tokens with their probabilities.

use std::ops::Range;

use bytes::Bytes;
use tabellion_mask::Edits;
use tabellion_mask::json::{Kind, Limits, Path, Scalar, Step, Visitor, walk};

use crate::surface::Surface;

/// Tokens with their probabilities, wherever an interface puts them.
const PROBABILITIES: &str = "logprobs";
const EMPTY: &[u8] = b"[]";
/// Members of a response, or of an event of one, below which the model speaks.
const SPOKEN: [&str; 3] = ["output", "item", "part"];

/// What a tool is called with, where it stands in a message as JSON and not as a string: in order, and disjoint.
pub(crate) fn inputs(surface: Surface, json: &[u8], limits: &Limits) -> Vec<Range<usize>> {
    if surface != Surface::AnthropicMessages {
        return Vec::new();
    }
    let is_input = |steps: &[Step<'_>]| match steps {
        [Step::Name(content), Step::Index(_), Step::Name(input)] => content == "content" && input == "input",
        [Step::Name(block), Step::Name(input)] => block == "content_block" && input == "input",
        _ => false,
    };
    spots(json, limits, is_input).into_iter().map(|(_, range)| range).collect()
}

/// The body without tokens and their probabilities; `None`: it has none.
pub(crate) fn without_probabilities(surface: Surface, json: &Bytes, limits: &Limits) -> Option<Bytes> {
    let found = match surface {
        Surface::OpenAiChat => spots(json, limits, of_chat),
        Surface::OpenAiResponses => spots(json, limits, of_response),
        Surface::OpenAiEmbeddings | Surface::AnthropicMessages | Surface::AnthropicCountTokens => Vec::new(),
    };
    let mut edits = Edits::new();
    // An empty list says that already.
    for (kind, range) in found.into_iter().filter(|(_, range)| range.len() > EMPTY.len()) {
        // As an interface says that there are none: a list of them is empty, an object is none.
        let none: &[u8] = if kind == Kind::Array { EMPTY } else { b"null" };
        // They are disjoint: none of them is within another.
        let _ = edits.replace(range, none);
    }
    (!edits.is_empty()).then(|| Bytes::from(edits.apply(json)))
}

fn of_chat(steps: &[Step<'_>]) -> bool {
    matches!(steps, [Step::Name(choices), Step::Index(_), Step::Name(name)] if choices == "choices" && name == PROBABILITIES)
}

fn of_response(steps: &[Step<'_>]) -> bool {
    let below = match steps {
        [Step::Name(response), below @ ..] if response == "response" => below,
        steps => steps,
    };
    match below {
        [Step::Name(name)] => name == PROBABILITIES,
        [Step::Name(top), .., Step::Name(last)] => SPOKEN.contains(&top.as_ref()) && last == PROBABILITIES,
        _ => false,
    }
}

/// Objects and lists at such places, in order.
fn spots(json: &[u8], limits: &Limits, is_one: impl Fn(&[Step<'_>]) -> bool) -> Vec<(Kind, Range<usize>)> {
    let mut spots = Spots { is_one, found: Vec::new() };
    // It was walked before, so it can be.
    let _ = walk(json, limits, &mut spots);
    spots.found
}

struct Spots<F> {
    is_one: F,
    found: Vec<(Kind, Range<usize>)>,
}

impl<'b, F: Fn(&[Step<'_>]) -> bool> Visitor<'b> for Spots<F> {
    fn scalar(&mut self, _: Path<'_, 'b>, _: Scalar<'b>, _: Range<usize>) {}

    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        if (self.is_one)(path.steps()) {
            // What is within it ended before it.
            while self.found.pop_if(|(_, inner)| inner.start >= range.start).is_some() {}
            self.found.push((kind, range));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: V40. What says the answer once more, token by token, is left out, and nothing beside it.
    #[test]
    fn tokens_with_their_probabilities_are_left_out() {
        let limits = Limits { max_bytes: 1 << 20, max_depth: 64 };
        let of = |surface, json: &str| {
            let made = without_probabilities(surface, &Bytes::from(json.to_owned()), &limits);
            made.map(|bytes| String::from_utf8(bytes.to_vec()).expect("text"))
        };
        let chat = r#"{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}},{"logprobs":null}]}"#;
        assert_eq!(
            of(Surface::OpenAiChat, chat).as_deref(),
            Some(r#"{"choices":[{"delta":{"content":"a"},"logprobs":null},{"logprobs":null}]}"#)
        );
        let event = r#"{"type":"response.output_text.delta","delta":"a","logprobs":[{"token":"a","top_logprobs":[]}]}"#;
        assert_eq!(
            of(Surface::OpenAiResponses, event).as_deref(),
            Some(r#"{"type":"response.output_text.delta","delta":"a","logprobs":[]}"#)
        );
        let whole = r#"{"response":{"output":[{"content":[{"text":"a","logprobs":[{"token":"a"}]}]}],"tools":[{"logprobs":{}}]}}"#;
        assert_eq!(
            of(Surface::OpenAiResponses, whole).as_deref(),
            Some(
                r#"{"response":{"output":[{"content":[{"text":"a","logprobs":[]}]}],"tools":[{"logprobs":{}}]}}"#
            )
        );
        let message = r#"{"content":[{"type":"tool_use","input":{"logprobs":[1],"input":{"a":1}}}]}"#;
        assert_eq!(of(Surface::AnthropicMessages, message), None, "what a tool is called with is its own");
        let found = inputs(Surface::AnthropicMessages, message.as_bytes(), &limits);
        let [input] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(message.get(input.clone()), Some(r#"{"logprobs":[1],"input":{"a":1}}"#));
    }
}
