//! What a request names that its provider keeps: files, earlier answers, conversations and the like, in the forms in which the interfaces name them.
//!
//! Promises: a file that the model would be given is found wherever an interface lets one be named, in whatever case its member is written; what an application
//! calls its own tools with, and what an earlier answer cited, names nothing. Must never: let many names cost more than a few.

use std::collections::BTreeSet;

use tabellion_mask::json::{RawString, Step};

/// Most different files of one request: each is looked up among all that are on record.
const MAX_FILES: usize = 256;
/// What a request with more is answered with.
pub(crate) const TOO_MANY: &str = "it names more than 256 files of the provider's; name fewer at once";

/// Members that name files, wherever an interface has them.
const FILES: [&str; 2] = ["file_id", "file_ids"];
/// The file in a message's block, and what holds it: a document or picture, a part of a chat.
const HOLDERS: [&str; 2] = ["source", "file"];
/// Members below which data are the application's own: what its tools are called with and how they are described.
const OF_APPLICATIONS: [&str; 7] =
    ["input", "arguments", "parameters", "input_schema", "input_examples", "schema", "metadata"];
/// Members below which an earlier answer says what it stood on: nothing is read again for it.
const CITED: [&str; 4] = ["annotations", "citations", "results", "outputs"];
/// A part of a conversation that stands for an earlier one.
const ITEM: &str = "item_reference";

/// What a request names.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    files: BTreeSet<String>,
    kinds: BTreeSet<&'static str>,
    is_over: bool,
}

impl Kept {
    /// Takes in the string at these steps, the outermost first.
    pub(crate) fn take(&mut self, steps: &[Step<'_>], string: RawString<'_>) {
        let Some(kind) = kind(steps, string) else { return };
        self.kinds.insert(kind);
        if kind != "file" {
            return;
        }
        if self.files.len() < MAX_FILES {
            self.files.insert(string.value().into_owned());
        } else {
            self.is_over |= !self.files.contains(string.value().as_ref());
        }
    }

    /// Ids of the files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Of which kinds things are named, as policies have them, in order.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.kinds.iter().copied().collect()
    }

    /// Whether there are more files than are looked up.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}

/// What the string at these steps names; `None`: nothing that a provider keeps.
fn kind(steps: &[Step<'_>], string: RawString<'_>) -> Option<&'static str> {
    let is =
        |step: &Step<'_>, name: &str| matches!(step, Step::Name(known) if known.eq_ignore_ascii_case(name));
    let any =
        |steps: &[Step<'_>], names: &[&str]| steps.iter().any(|step| names.iter().any(|name| is(step, name)));
    let (top, inner) = steps.split_first()?;
    // In a list of ids the name is that of the list.
    let at = steps.iter().rposition(|step| matches!(step, Step::Name(_)))?;
    let (last, before) = (steps.get(at)?, steps.get(..at)?);
    let named = |name: &str| is(last, name);
    match inner {
        [] if named("previous_response_id") => return Some("response"),
        [] if named("conversation") => return Some("conversation"),
        [] if named("container") => return Some("container"),
        [id] if is(id, "id") => {
            let tops = [("conversation", "conversation"), ("container", "container"), ("prompt", "prompt")];
            return tops.into_iter().find(|(name, _)| is(top, name)).map(|(_, kind)| kind);
        }
        _ => {}
    }
    // What fills a provider's own template has names of the template's.
    let is_own = any(inner, &OF_APPLICATIONS) || any(inner, &CITED) || is(top, "metadata");
    if is_own && !is(top, "prompt") {
        return None;
    }
    if named("type") && string.value() == ITEM {
        return Some("item");
    }
    if named("vector_store_ids") {
        return Some("vector_store");
    }
    if named("container_id") || (is(top, "tools") && named("container")) {
        return Some("container");
    }
    if named("skill_id") {
        return Some("skill");
    }
    if is(top, "messages") && named("id") && before.last().is_some_and(|holder| is(holder, "audio")) {
        return Some("audio");
    }
    if !FILES.into_iter().any(named) {
        return None;
    }
    // Blocks of messages: what a provider's tool left there before is told deeper, and is not given to the model again.
    let is_block = matches!(before, [_, Step::Index(_), content, Step::Index(_)] if is(content, "content"));
    let is_held = before.last().is_some_and(|holder| HOLDERS.into_iter().any(|name| is(holder, name)));
    (!is(top, "messages") || is_block || is_held).then_some("file")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};
    use tabellion_mask::json::Limits;

    use crate::surface::Surface;
    use crate::surface::request::Request;

    fn named(surface: Surface, more: &Value) -> (Vec<String>, Vec<&'static str>) {
        let mut body = match surface {
            Surface::OpenAiResponses => json!({ "model": "m", "input": "hello" }),
            _ => json!({ "model": "m", "messages": [] }),
        };
        let members = body.as_object_mut().expect("an object");
        members.extend(more.as_object().cloned().expect("an object"));
        let body = Bytes::from(body.to_string());
        let request = Request::read(surface.form(), &body, &Limits::default()).expect("a request");
        (request.kept.files().map(str::to_owned).collect(), request.kept.kinds())
    }

    /// Requirement: N22. Wherever an interface lets a file be named, it is found.
    #[test]
    fn a_file_is_found_wherever_it_can_be_named() {
        let (chat, responses, messages) =
            (Surface::OpenAiChat, Surface::OpenAiResponses, Surface::AnthropicMessages);
        let user = |block: Value| json!({ "messages": [{ "role": "user", "content": [block] }] });
        let input = |item: Value| json!({ "input": [item] });
        let source = json!({ "type": "file", "file_id": "f" });
        for (surface, body) in [
            (chat, user(json!({ "type": "file", "file": { "file_id": "f" } }))),
            (chat, user(json!({ "type": "file", "file": { "File_ID": "f" } }))),
            (
                responses,
                input(json!({ "role": "user", "content": [{ "type": "input_file", "file_id": "f" }] })),
            ),
            (
                responses,
                input(json!({ "role": "user", "content": [{ "type": "input_image", "file_id": "f" }] })),
            ),
            (responses, input(json!({ "type": "computer_call_output", "output": { "file_id": "f" } }))),
            (
                responses,
                input(
                    json!({ "type": "function_call_output", "output": [{ "type": "input_file", "file_id": "f" }] }),
                ),
            ),
            (
                responses,
                json!({ "prompt": { "id": "p", "variables": { "input": { "type": "input_file", "file_id": "f" } } } }),
            ),
            (
                responses,
                json!({ "tools": [{ "type": "code_interpreter", "container": { "type": "auto", "file_ids": ["f"] } }] }),
            ),
            (
                responses,
                json!({ "tools": [{ "type": "image_generation", "input_image_mask": { "file_id": "f" } }] }),
            ),
            (messages, user(json!({ "type": "document", "source": source }))),
            (messages, user(json!({ "type": "container_upload", "file_id": "f" }))),
            (
                messages,
                user(json!({ "type": "tool_result", "content": [{ "type": "image", "source": source }] })),
            ),
        ] {
            assert_eq!(named(surface, &body).0, ["f"], "a file of another system's would be read: {body}");
        }
    }

    /// Requirement: N22. What an application calls its own tools with, and what was cited before, names nothing.
    #[test]
    fn what_is_the_applications_own_names_nothing() {
        let cited = json!({ "type": "output_text", "text": "x", "annotations": [{ "type": "file_citation", "file_id": "f" }] });
        let told = json!({ "type": "bash_code_execution_tool_result", "content": { "content": [{ "file_id": "f" }] } });
        for (surface, body) in [
            (
                Surface::AnthropicMessages,
                json!({ "messages": [{ "role": "assistant", "content": [
                { "type": "tool_use", "name": "t", "input": { "file_id": "f", "source": { "file_id": "f" } } }, told] }] }),
            ),
            (
                Surface::AnthropicMessages,
                json!({ "tools": [{ "name": "t", "input_schema": { "default": { "file_id": "f" } } }] }),
            ),
            (
                Surface::OpenAiResponses,
                json!({ "input": [{ "role": "assistant", "content": [cited] },
                { "type": "file_search_call", "results": [{ "file_id": "f" }] }], "metadata": { "file_id": "f", "id": "x" } }),
            ),
            (
                Surface::OpenAiChat,
                json!({ "tools": [{ "function": { "name": "t", "parameters": { "examples": [{ "file_id": "f" }] } } }] }),
            ),
        ] {
            assert_eq!(named(surface, &body), (vec![], vec![]), "{body}");
        }
    }

    /// Requirement: P32. What else a provider keeps is told by its kind.
    #[test]
    fn what_else_is_kept_is_told_by_its_kind() {
        for (body, kind) in [
            (json!({ "previous_response_id": "resp_1" }), "response"),
            (json!({ "conversation": "conv_1" }), "conversation"),
            (json!({ "conversation": { "id": "conv_1" } }), "conversation"),
            (json!({ "prompt": { "id": "pmpt_1" } }), "prompt"),
            (json!({ "input": [{ "type": "item_reference", "id": "msg_1" }] }), "item"),
            (json!({ "tools": [{ "type": "file_search", "vector_store_ids": ["vs_1"] }] }), "vector_store"),
            (json!({ "tools": [{ "type": "code_interpreter", "container": "cntr_1" }] }), "container"),
        ] {
            assert_eq!(named(Surface::OpenAiResponses, &body), (vec![], vec![kind]), "{body}");
        }
        let anthropic =
            json!({ "container": { "id": "c", "skills": [{ "type": "custom", "skill_id": "s" }] } });
        assert_eq!(named(Surface::AnthropicMessages, &anthropic).1, ["container", "skill"]);
        let spoken = json!({ "messages": [{ "role": "assistant", "audio": { "id": "audio_1" } }] });
        assert_eq!(named(Surface::OpenAiChat, &spoken).1, ["audio"]);
        assert_eq!(named(Surface::OpenAiResponses, &json!({ "previous_response_id": null })).1, [""; 0]);
    }

    /// Requirement: N22. Very many names are refused, before each is looked up.
    #[test]
    fn very_many_files_are_refused() {
        let body = |count: usize| {
            let ids: Vec<String> = (0..count).map(|number| format!("f{number}")).collect();
            let tool =
                json!({ "type": "code_interpreter", "container": { "type": "auto", "file_ids": ids } });
            Bytes::from(json!({ "model": "m", "input": "hello", "tools": [tool] }).to_string())
        };
        let form = Surface::OpenAiResponses.form();
        assert!(Request::read(form, &body(256), &Limits::default()).is_ok());
        let refused = Request::read(form, &body(257), &Limits::default()).err().expect("too many");
        assert!(refused.contains("more than 256 files"), "{refused}");
    }
}
