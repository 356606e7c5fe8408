//! What a request names that its provider keeps: files, earlier answers, conversations and the like, in the forms in which the interfaces name them.
//!
//! Promises: a file that the model would be given is found wherever an interface lets one be named, in whatever letters some readers take for its
//! member's; what an application calls its own tools with, and what an earlier answer cited, names nothing. Must never: let many names cost more than a few.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_mask::json::{RawString, Step};

use crate::names::Named;
use crate::surface::alike::folds;

/// Most different files of one request: each is looked up among all that are on record.
const MAX_FILES: usize = 256;
/// Most other things: a long conversation names an item for each tool that was called.
const MAX_OTHERS: usize = 2_048;
/// What a request with more is answered with.
pub(crate) const TOO_MANY: &str =
    "it names more than 256 files, or more than 2048 other things, of the provider's; name fewer at once";

/// The kind of a file.
const FILE: &str = "file";
/// The kind of an item, and what it is where a request names it outside of its list.
const ITEM: &str = "item";
/// The kind of a stored prompt, which may stand in the place of what is asked.
const PROMPT: &str = "prompt";
/// The kind of a skill.
const SKILL: &str = "skill";
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
const REFERENCE: &str = "item_reference";
/// An item that says all that it is where it has content; without, its provider completes it by its id.
const MESSAGE: &str = "message";
/// Items that say all that they are, whoever made them; the provider looks nothing up for them.
const WHOLE_ITEMS: [&str; 9] = [
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "computer_call_output",
    "local_shell_call_output",
    "shell_call_output",
    "apply_patch_call_output",
    "mcp_approval_response",
];
/// Members of an item, and of a skill, that tell together whether it names something.
const OF_ITEMS: [&str; 3] = ["id", "type", "role"];
const OF_SKILLS: [&str; 2] = ["skill_id", "type"];
/// A vendor's own skill, which every account has.
const OF_VENDOR: &str = "anthropic";

/// What stands beside each other in one entry of a list, and tells together whether it names something.
#[derive(Debug, Default)]
struct Entry {
    ids: BTreeSet<String>,
    /// Whether it says that it stands for another, or says what it is in letters that not every reader takes for the member's.
    is_reference: bool,
    /// Whether it says who speaks: a message may leave out its kind.
    has_role: bool,
    has_content: bool,
    said: Said,
}

/// Which kind an entry says that it is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Said {
    /// None.
    #[default]
    Nothing,
    /// A message.
    Message,
    /// One that is whole in itself.
    Whole,
    /// One of which the provider has more, one that is not known here, or two at once.
    Other,
}

impl Said {
    fn of_item(kind: &str) -> Self {
        match kind {
            MESSAGE => Self::Message,
            kind if WHOLE_ITEMS.contains(&kind) => Self::Whole,
            _ => Self::Other,
        }
    }

    fn of_skill(kind: &str) -> Self {
        if kind == OF_VENDOR { Self::Whole } else { Self::Other }
    }

    /// This, where `self` was said before.
    fn and(self, next: Self) -> Self {
        if self == Self::Nothing || self == next { next } else { Self::Other }
    }
}

/// What a request names.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    files: BTreeSet<String>,
    others: BTreeSet<Named>,
    /// Items of `input`, by their places, and skills of `container`.
    items: BTreeMap<usize, Entry>,
    skills: BTreeMap<usize, Entry>,
    is_over: bool,
}

impl Kept {
    /// Takes in the string at these steps, the outermost first.
    pub(crate) fn take(&mut self, steps: &[Step<'_>], string: RawString<'_>) {
        if self.entry(steps, string) {
            return;
        }
        let Some(kind) = kind(steps, string) else { return };
        // Of a part that stands for an earlier one where none should, nobody knows where its id would be.
        let id = if kind == ITEM { String::new() } else { string.value().into_owned() };
        if kind == FILE {
            self.is_over |= self.files.len() >= MAX_FILES && !self.files.contains(&id);
            if !self.is_over {
                self.files.insert(id);
            }
        } else {
            self.others.insert(Named { kind, id });
            self.is_over |= self.others.len() > MAX_OTHERS;
        }
    }

    /// Takes in a string of an entry that has to be seen whole; `false`: it is none.
    fn entry(&mut self, steps: &[Step<'_>], string: RawString<'_>) -> bool {
        if let [Step::Name(top), Step::Index(at), Step::Name(name), ..] = steps
            && top == "input"
            && name == "content"
        {
            // What stands in it may name things of its own.
            self.items.entry(*at).or_default().has_content = true;
            return false;
        }
        let (entries, at, name, known, said) = match steps {
            [Step::Name(top), Step::Index(at), Step::Name(name)] if top == "input" => {
                (&mut self.items, at, name, &OF_ITEMS[..], Said::of_item as fn(&str) -> Said)
            }
            [Step::Name(top), Step::Name(list), Step::Index(at), Step::Name(name)]
                if top == "container" && list == "skills" =>
            {
                (&mut self.skills, at, name, &OF_SKILLS[..], Said::of_skill as fn(&str) -> Said)
            }
            _ => return false,
        };
        let Some(member) = known.iter().copied().find(|known| folds(name, known)) else { return false };
        let entry = entries.entry(*at).or_default();
        let value = string.value();
        entry.is_reference |= name != member || (member == "type" && value == REFERENCE);
        match member {
            "type" => entry.said = entry.said.and(said(&value)),
            "role" => entry.has_role |= !value.is_empty(),
            _ => drop(entry.ids.insert(value.into_owned())),
        }
        true
    }

    /// Ids of the files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// All else that is named.
    pub(crate) fn others(&self) -> Vec<Named> {
        let items = self.items.values().flat_map(Entry::named).map(|id| Named::new(ITEM, id));
        let skills = self.skills.values().flat_map(Entry::named).map(|id| Named::new(SKILL, id));
        self.others.iter().cloned().chain(items).chain(skills).collect()
    }

    /// Whether it names a prompt.
    pub(crate) fn has_prompt(&self) -> bool {
        self.others.iter().any(|name| name.kind == PROMPT)
    }

    /// Of which kinds things are named, as policies have them, in order.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let file = (!self.files.is_empty()).then_some(FILE);
        let kinds: BTreeSet<&'static str> =
            self.others().into_iter().map(|name| name.kind).chain(file).collect();
        kinds.into_iter().collect()
    }

    /// Whether there are more than are looked up.
    pub(crate) fn is_over(&self) -> bool {
        let listed = self.items.values().chain(self.skills.values()).flat_map(Entry::named).count();
        self.is_over || self.others.len() + listed > MAX_OTHERS
    }
}

impl Entry {
    /// What the provider would look up: all that it has an id of, unless it says itself what it is.
    fn named(&self) -> impl Iterator<Item = &str> {
        let is_whole = match self.said {
            Said::Nothing => self.has_role && self.has_content,
            Said::Message => self.has_content,
            Said::Whole => true,
            Said::Other => false,
        };
        let is_named = self.is_reference || !is_whole;
        // One without an id stands for something that nobody knows.
        let unknown = (self.is_reference && self.ids.is_empty()).then_some("");
        self.ids.iter().map(String::as_str).filter(move |_| is_named).chain(unknown)
    }
}

/// What the string at these steps names; `None`: nothing that a provider keeps.
fn kind(steps: &[Step<'_>], string: RawString<'_>) -> Option<&'static str> {
    let is = |step: &Step<'_>, name: &str| matches!(step, Step::Name(known) if folds(known, name));
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
            let tops = [("conversation", "conversation"), ("container", "container"), (PROMPT, PROMPT)];
            return tops.into_iter().find(|(name, _)| is(top, name)).map(|(_, kind)| kind);
        }
        _ => {}
    }
    // What fills a provider's own template has names of the template's.
    let is_own = any(inner, &OF_APPLICATIONS) || any(inner, &CITED) || is(top, "metadata");
    if is_own && !is(top, "prompt") {
        return None;
    }
    if named("type") && string.value() == REFERENCE {
        return Some(ITEM);
    }
    if named("vector_store_ids") {
        return Some("vector_store");
    }
    if named("container_id") || (is(top, "tools") && named("container")) {
        return Some("container");
    }
    if named("skill_id") {
        return Some(SKILL);
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
    (!is(top, "messages") || is_block || is_held).then_some(FILE)
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
            (
                responses,
                json!({ "tools": [{ "type": "code_interpreter", "container": { "type": "auto", "file_id\u{17f}": ["f"] } }] }),
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
            (json!({ "input": [{ "id": "msg_1" }] }), "item"),
            (json!({ "input": [{ "ID": "msg_1", "type": null }] }), "item"),
            (json!({ "input": [{ "type": "item_reference", "Type": "message", "id": "msg_1" }] }), "item"),
            (json!({ "input": [{ "role": "user", "type": "item_reference" }] }), "item"),
            (
                json!({ "input": [{ "type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA" }] }),
                "item",
            ),
            (json!({ "input": [{ "type": "image_generation_call", "id": "ig_1", "result": null }] }), "item"),
            (json!({ "input": [{ "type": "file_search_call", "id": "fs_1", "results": null }] }), "item"),
            (
                json!({ "input": [{ "type": "code_interpreter_call", "container_id": "cntr_1" }] }),
                "container",
            ),
            (json!({ "tools": [{ "type": "file_search", "vector_store_ids": ["vs_1"] }] }), "vector_store"),
            (
                json!({ "tools": [{ "type": "file_search", "vector_\u{17f}tore_ids": ["vs_1"] }] }),
                "vector_store",
            ),
            (json!({ "input": [{ "type": "reasoning", "role": "assistant", "id": "rs_1" }] }), "item"),
            (
                json!({ "input": [{ "type": "reasoning", "role": "user", "content": "x", "id": "rs_1" }] }),
                "item",
            ),
            (json!({ "input": [{ "type": "anthropic", "id": "rs_1" }] }), "item"),
            (json!({ "input": [{ "type": "message", "id": "msg_1" }] }), "item"),
            (json!({ "input": [{ "type": "message", "role": "assistant", "id": "msg_1" }] }), "item"),
            (json!({ "input": [{ "role": "assistant", "id": "msg_1", "content": [] }] }), "item"),
            (json!({ "input": [{ "role": "assistant", "id": "msg_1", "Content": "x" }] }), "item"),
            (json!({ "tools": [{ "type": "code_interpreter", "container": "cntr_1" }] }), "container"),
        ] {
            assert_eq!(named(Surface::OpenAiResponses, &body), (vec![], vec![kind]), "{body}");
        }
        let anthropic =
            json!({ "container": { "id": "c", "skills": [{ "type": "custom", "skill_id": "s" }] } });
        assert_eq!(named(Surface::AnthropicMessages, &anthropic).1, ["container", "skill"]);
        for skill in [
            json!({ "type": "custom", "role": "x", "skill_id": "s" }),
            json!({ "type": "message", "skill_id": "s" }),
            json!({ "type": "function_call", "skill_id": "s" }),
        ] {
            let body = json!({ "container": { "skills": [skill] } });
            assert_eq!(named(Surface::AnthropicMessages, &body).1, ["skill"], "{body}");
        }
        let spoken = json!({ "messages": [{ "role": "assistant", "audio": { "id": "audio_1" } }] });
        assert_eq!(named(Surface::OpenAiChat, &spoken).1, ["audio"]);
        assert_eq!(named(Surface::OpenAiResponses, &json!({ "previous_response_id": null })).1, [""; 0]);
    }

    /// Requirement: N22. What says itself what it is names nothing: a conversation that the application keeps goes on without any record, and a vendor's own skill
    /// is everybody's.
    #[test]
    fn what_says_itself_what_it_is_names_nothing() {
        let said = json!([{ "type": "output_text", "text": "x" }]);
        for item in [
            json!({ "type": "message", "role": "assistant", "id": "msg_1", "content": said }),
            json!({ "role": "assistant", "id": "msg_1", "content": said }),
            json!({ "type": "function_call", "id": "fc_1", "call_id": "c", "name": "t", "arguments": "{}" }),
            json!({ "type": "function_call_output", "id": "fo_1", "call_id": "c", "output": "x" }),
            json!({ "type": "reasoning", "summary": [], "encrypted_content": "gAAA" }),
        ] {
            let body = json!({ "input": [item] });
            assert_eq!(named(Surface::OpenAiResponses, &body).1, [""; 0], "{body}");
        }
        let skills = json!({ "container": { "skills": [{ "type": "anthropic", "skill_id": "pptx" }] } });
        assert_eq!(named(Surface::AnthropicMessages, &skills).1, [""; 0]);
    }

    /// Requirement: N22. Each thing is told by its own name, those in lists of one another's too.
    #[test]
    fn each_thing_is_told_by_its_name() {
        let body = json!({ "model": "m", "previous_response_id": "resp_1", "input": [
            { "type": "item_reference", "id": "msg_1" }, { "id": "rs_1", "type": "reasoning" }, { "role": "user", "content": "x" }],
            "tools": [{ "type": "file_search", "vector_store_ids": ["vs_1", "vs_2"] }] });
        let body = Bytes::from(body.to_string());
        let request = Request::read(Surface::OpenAiResponses.form(), &body, &Limits::default()).expect("one");
        let named: Vec<String> =
            request.kept.others().iter().map(|name| format!("{} {}", name.kind, name.id)).collect();
        assert_eq!(
            named,
            ["response resp_1", "vector_store vs_1", "vector_store vs_2", "item msg_1", "item rs_1"]
        );
        let hidden = json!({ "model": "m", "input": [{ "role": "user", "content": [{ "type": "item_reference", "id": "msg_1" }] }] });
        let hidden = Bytes::from(hidden.to_string());
        let request =
            Request::read(Surface::OpenAiResponses.form(), &hidden, &Limits::default()).expect("one");
        assert_eq!(request.kept.kinds(), ["item"], "a reference where none should be goes on");
        let many: Vec<_> = (0..2_049).map(|number| json!({ "id": format!("rs_{number}") })).collect();
        let many = Bytes::from(json!({ "model": "m", "input": many }).to_string());
        let refused = Request::read(Surface::OpenAiResponses.form(), &many, &Limits::default()).err();
        assert!(refused.is_some_and(|why| why.contains("2048 other things")), "each of them is looked up");
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
