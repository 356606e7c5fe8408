//! Chats: choices of a whole one by where they stand, pieces of a stream by their own index.

use serde_json::Value;

use super::{Answered, Said, list_or_none, place, said, text_or_none};

/// The place of the one call of the older form.
const OLD_CALL: usize = usize::MAX;
/// Parts of a message in which a model thinks aloud; the others are text.
const THOUGHTS: &str = "thinking";

impl Answered {
    /// Takes a whole chat; `None`: it can be read in more than one way.
    pub(super) fn whole_chat(&mut self, chat: &Value) -> Option<()> {
        for (at, choice) in chat.get("choices")?.as_array()?.iter().enumerate() {
            self.choice(at, Said::First);
            if said(choice, "delta").is_some() {
                return None;
            }
            let Some(message) = said(choice, "message") else { continue };
            self.content(at, message)?;
            for (place, call) in list_or_none(message, "tool_calls")?.iter().enumerate() {
                self.chat_call(at, place, call)?;
            }
            self.old_call(at, message);
        }
        Some(())
    }

    /// Takes an event of one.
    pub(super) fn chat_event(&mut self, event: &Value) -> Option<()> {
        for (position, choice) in list_or_none(event, "choices")?.iter().enumerate() {
            let at = place(choice, "index").unwrap_or(position);
            self.choice(at, Said::First);
            // Some readers take the one, some the other.
            if said(choice, "message").is_some() {
                return None;
            }
            let Some(delta) = said(choice, "delta") else { continue };
            self.content(at, delta)?;
            for (position, call) in list_or_none(delta, "tool_calls")?.iter().enumerate() {
                let place = place(call, "index").unwrap_or(position);
                self.is_of_the_same_call(at, place, call)?;
                self.chat_call(at, place, call)?;
            }
            self.old_call(at, delta);
        }
        Some(())
    }

    fn content(&mut self, at: usize, message: &Value) -> Option<()> {
        let known = self.choice(at, Said::First);
        match said(message, "content") {
            None => {}
            Some(Value::String(text)) => known.say(0, text),
            Some(Value::Array(parts)) => {
                for part in parts.iter().filter(|part| part.get("type").is_none_or(|kind| kind != THOUGHTS)) {
                    known.say(0, part.get("text")?.as_str()?);
                }
            }
            Some(_) => return None,
        }
        Some(())
    }

    fn chat_call(&mut self, at: usize, place: usize, call: &Value) -> Option<()> {
        let inner = match (said(call, "function"), said(call, "custom")) {
            (Some(_), Some(_)) => return None,
            (function, custom) => function.or(custom),
        };
        // What a tool takes that is no function is no JSON.
        let arguments = said(call, "function").and_then(|function| function.get("arguments"));
        self.choice(at, Said::First).call(place, inner.and_then(|inner| inner.get("name")), arguments);
        Some(())
    }

    /// Whether a piece belongs to the call that is known at its place: some readers begin another where its id or name is.
    fn is_of_the_same_call(&mut self, at: usize, place: usize, call: &Value) -> Option<()> {
        let id = text_or_none(call, "id")?;
        let known = self.ids.entry((at, place)).or_default();
        if !id.is_empty() && !known.is_empty() && id != known {
            return None;
        }
        if !id.is_empty() {
            id.clone_into(known);
        }
        let name = said(call, "function")
            .or(said(call, "custom"))
            .map_or(Some(""), |it| text_or_none(it, "name"))?;
        let begun = self.choice(at, Said::First).calls.get(&place).map_or("", |call| call.name.as_str());
        (name.is_empty() || begun.is_empty() || name == begun).then_some(())
    }

    fn old_call(&mut self, at: usize, message: &Value) {
        if let Some(call) = said(message, "function_call") {
            self.choice(at, Said::First).call(OLD_CALL, call.get("name"), call.get("arguments"));
        }
    }
}
