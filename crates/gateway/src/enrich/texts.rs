//! What of a call is looked at: what its caller asked last, and what the model said, without what is somebody's.
//!
//! Must never: hand a text on in which masking finds something, or part of one as if it were all.

use serde_json::Value;
use tabellion_mask::{Classes, scan};

use crate::enrich::suite::why;

/// Largest body whose text is looked for: a conversation of hundreds of pages; what is larger holds pictures or files.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Largest text that is looked at: as much as is kept of an answer, unless somebody says otherwise. One that is larger is not read in part, which could be
/// taken for all of it.
pub(crate) const MAX_TEXT_BYTES: usize = 256 << 10;
/// Longest placeholder, brackets included: a label, a sign and sixteen letters.
const MAX_PLACEHOLDER_BYTES: usize = 40;

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

/// A text without what masking finds in it, and without placeholders.
pub(super) fn impersonal(text: &str, classes: Classes) -> String {
    let (mut out, mut kept) = (String::with_capacity(text.len()), 0);
    for finding in scan(text, classes) {
        out.push_str(text.get(kept..finding.range.start).unwrap_or_default());
        out.push(' ');
        kept = finding.range.end.max(kept);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    without_placeholders(&out)
}

/// A text without what has the form of a placeholder, `<EMAIL_7Q2K4F>`: its letters are no words.
fn without_placeholders(text: &str) -> String {
    let is_letter =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'#');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let inner = from
            .as_bytes()
            .iter()
            .skip(1)
            .take(MAX_PLACEHOLDER_BYTES)
            .take_while(|byte| is_letter(byte))
            .count();
        if inner > 1 && from.as_bytes().get(inner + 1) == Some(&b'>') {
            out.push(' ');
            rest = from.get(inner + 2..).unwrap_or_default();
        } else {
            out.push('<');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
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
        let text = "Write to ada@example.org or <EMAIL_7Q2K4F>, a < b and <B> and <EMAIL_7Q2K4F";
        assert_eq!(impersonal(text, Classes::FORMS), "Write to   or  , a < b and <B> and <EMAIL_7Q2K4F");
    }
}
