//! What of a call is looked at: what its caller asked last, and what the model said, without what is somebody's.
//!
//! Must never: hand a text on in which masking finds something, or part of one as if it were all.

use std::ops::Range;

use serde_json::Value;
use tabellion_mask::{Classes, scan, stand_ins};

use crate::enrich::suite::why;

/// Largest body whose text is looked for: a conversation of hundreds of pages; what is larger holds pictures or files.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Largest text that is looked at: as much as is kept of an answer, unless somebody says otherwise. One that is larger is not read in part, which could be
/// taken for all of it.
pub(crate) const MAX_TEXT_BYTES: usize = 256 << 10;
/// How often a text is looked through: nobody writes values within values within values but to be read through.
const MAX_ROUNDS: usize = 8;

/// The newest text of the caller in a request: of a conversation its last message from the user, else the whole input.
pub(super) fn asked(body: &[u8]) -> Result<String, &'static str> {
    if body.len() > MAX_BODY_BYTES {
        return Err(why::TOO_LARGE);
    }
    // It was walked strictly before it was let through.
    let Ok(request) = serde_json::from_slice::<Value>(body) else { return Err(why::NO_TEXT) };
    let messages = request.get("messages").and_then(Value::as_array);
    let text = match (messages, request.get("input")) {
        (Some(messages), _) => newest(messages),
        (None, Some(Value::String(text))) => Some(text.clone()),
        (None, Some(Value::Array(items))) if items.iter().all(Value::is_string) => Some(joined(items.iter())),
        (None, Some(Value::Array(items))) => newest(items),
        (None, _) => None,
    };
    match text.filter(|text| !text.trim().is_empty()) {
        None => Err(why::NO_TEXT),
        Some(text) if text.len() > MAX_TEXT_BYTES => Err(why::TOO_LARGE),
        Some(text) => Ok(text),
    }
}

/// The text of the last message from the user that holds any.
fn newest(messages: &[Value]) -> Option<String> {
    let of_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let said = |message: &Value| match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => joined(parts.iter().filter_map(|part| part.get("text"))),
        _ => String::new(),
    };
    messages.iter().rev().filter(of_user).map(said).find(|text| !text.trim().is_empty())
}

fn joined<'v>(texts: impl Iterator<Item = &'v Value>) -> String {
    texts.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// A text without what stands in it for what was masked, and without what masking finds in the rest: what goes may bring together what was no value before. `None`:
/// it holds another one each time.
pub(super) fn impersonal(text: &str, classes: Classes) -> Option<String> {
    let mut rest = without(text, stand_ins(text).into_iter().map(|stand_in| stand_in.range));
    for _ in 0..MAX_ROUNDS {
        let found: Vec<_> = scan(&rest, classes).map(|finding| finding.range).collect();
        if found.is_empty() {
            return Some(rest);
        }
        rest = without(&rest, found.into_iter());
    }
    None
}

/// A text with a blank in the place of each of these ranges, which are in order.
fn without(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> String {
    let (mut out, mut kept) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        out.push_str(text.get(kept..range.start).unwrap_or_default());
        out.push(' ');
        kept = range.end.max(kept);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_in(body: &str) -> Result<String, &'static str> {
        asked(body.as_bytes())
    }

    #[test]
    fn what_was_asked_last_is_found_in_every_interface() {
        let chat = r#"{"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"yes"},{"role":"user","content":[{"type":"text","text":"one"},
            {"type":"image_url","image_url":{"url":"data:x"}},{"type":"text","text":"two"}]},{"role":"tool","content":"42"}]}"#;
        assert_eq!(asked_in(chat), Ok("one\ntwo".to_owned()));
        let result = r#"{"messages":[{"role":"user","content":"what is it?"},{"role":"user","content":[{"type":"tool_result","content":"42"}]}]}"#;
        assert_eq!(
            asked_in(result),
            Ok("what is it?".to_owned()),
            "a tool's result is nothing that somebody asked"
        );
        for input in [
            r#"{"input":"hello"}"#,
            r#"{"input":[{"role":"user","content":"hello"}]}"#,
            r#"{"input":["hello"]}"#,
        ] {
            assert_eq!(asked_in(input), Ok("hello".to_owned()), "{input}");
        }
        for none in [r#"{"messages":[{"role":"system","content":"x"}]}"#, r#"{"input":[[1,2]]}"#, "{}", "{"] {
            assert_eq!(asked_in(none), Err(why::NO_TEXT), "{none}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_read_in_part() {
        let of = |size: usize| format!(r#"{{"input":"{}"}}"#, "a".repeat(size));
        assert!(asked_in(&of(MAX_TEXT_BYTES)).is_ok());
        assert_eq!(asked_in(&of(MAX_TEXT_BYTES + 1)), Err(why::TOO_LARGE));
        assert_eq!(asked_in(&of(MAX_BODY_BYTES)), Err(why::TOO_LARGE));
    }

    #[test]
    fn nothing_of_a_person_is_looked_at() {
        let of = |text: &str| impersonal(text, Classes::FORMS).expect("it has an end");
        let text =
            "Write to ada@example.org or <EMAIL_7Q2K4F>, <EMAIL#0123456789ABCDEF>, a < b and <EMAIL_7Q2K4F";
        assert_eq!(of(text), "Write to   or  ,  , a < b and < ");
        // What only looks so is a text's own.
        for own in ["one<BR>two", "<B> and <H1> and <SECTION_3>", "<TODO_7Q2K4F>", "<EMAIL_7Q>"] {
            assert_eq!(of(own), own, "words of a text are taken for a placeholder");
        }
    }

    #[test]
    fn what_goes_brings_no_value_together() {
        let is_found = |text: &str| scan(text, Classes::FORMS).next().is_some();
        for text in [
            "+49 <EMAIL_7Q2K4F>170 1234567",
            "DE89 3704<EMAIL_7Q2K4F> 0440 5320 1300 0",
            "4111 ada@example.org 1111 1111 1111",
        ] {
            let rest = impersonal(text, Classes::FORMS).expect("it has an end");
            assert!(!is_found(&rest), "a detector is shown a value: {rest}");
        }
    }
}
