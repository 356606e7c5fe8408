//! Responses. A stream says most things up to five times: in pieces, when a text is over, its part, its item, and once more at the end.

use serde_json::Value;

use super::{Answered, NOTHING, Said, list_or_none, place, said, text_or_none};

/// The member of a response with all that it says to a reader as one text.
const BESIDE: &str = "output_text";

impl Answered {
    /// Takes a response that is whole; `None`: it can be read in more than one way.
    pub(super) fn whole_response(&mut self, response: &Value) -> Option<()> {
        self.choice(0, Said::First);
        for (at, item) in response.get("output")?.as_array()?.iter().enumerate() {
            self.item(Said::First, at, item)?;
        }
        self.beside(response)
    }

    /// Takes the text that some servers put beside the items, as clients put it together for themselves: who reads that reads nothing else.
    fn beside(&mut self, response: &Value) -> Option<()> {
        let text = text_or_none(response, BESIDE)?;
        if !text.is_empty() {
            self.choice(0, Said::Beside).say(0, text);
        }
        Some(())
    }

    /// Takes an event of one.
    pub(super) fn response_event(&mut self, event: &Value) -> Option<()> {
        let kind = event.get("type")?.as_str()?;
        let kind = kind.strip_prefix("response.").unwrap_or_default();
        self.choice(0, Said::First);
        let at = || place(event, "output_index");
        match kind {
            "output_text.delta" => {
                let text = text_or_none(event, "delta")?;
                self.choice(0, Said::First).say(at()?, text);
            }
            "output_text.done" => {
                let text = text_or_none(event, "text")?;
                self.choice(0, Said::TextDone).say(at()?, text);
            }
            "function_call_arguments.delta" => {
                self.choice(0, Said::First).call(at()?, None, event.get("delta"));
            }
            "function_call_arguments.done" => {
                let at = at()?;
                let begun = self.choice(0, Said::First).calls.get(&at).map(|call| call.name.clone());
                let name = said(event, "name").cloned().or(begun.map(Value::String));
                self.choice(0, Said::TextDone).call(at, name.as_ref(), event.get("arguments"));
            }
            // What it has already is where its pieces go on.
            "content_part.added" => self.part(Said::First, at()?, event.get("part")?)?,
            "content_part.done" => self.part(Said::PartDone, at()?, event.get("part")?)?,
            "output_item.added" => self.item(Said::First, at()?, event.get("item")?)?,
            "output_item.done" => self.item(Said::ItemDone, at()?, event.get("item")?)?,
            "completed" | "incomplete" => {
                let items = event.get("response").map_or(Some(NOTHING), |of| list_or_none(of, "output"))?;
                for (at, item) in items.iter().enumerate() {
                    self.item(Said::End, at, item)?;
                }
                self.beside(event.get("response").unwrap_or(&Value::Null))?;
            }
            // A response that has only begun has nothing in it yet.
            "created" | "queued" | "in_progress" => {
                let begun = event.get("response").map_or(Some(NOTHING), |of| list_or_none(of, "output"))?;
                let beside = event.get("response").map_or(Some(""), |of| text_or_none(of, BESIDE))?;
                return (begun.is_empty() && beside.is_empty()).then_some(());
            }
            _ => {}
        }
        Some(())
    }

    fn item(&mut self, way: Said, at: usize, item: &Value) -> Option<()> {
        if is_call(item) {
            self.choice(0, way).call(at, item.get("name"), item.get("arguments"));
        }
        if item.get("type").is_some_and(|kind| kind == "message") {
            for part in list_or_none(item, "content")? {
                self.part(way, at, part)?;
            }
        }
        Some(())
    }

    fn part(&mut self, way: Said, at: usize, part: &Value) -> Option<()> {
        if part.get("type").is_some_and(|kind| kind == "output_text") {
            self.choice(0, way).say(at, text_or_none(part, "text")?);
        }
        Some(())
    }
}

/// Whether an item of a response calls a tool that the client runs.
fn is_call(item: &Value) -> bool {
    matches!(item.get("type").and_then(Value::as_str), Some("function_call" | "custom_tool_call"))
}
