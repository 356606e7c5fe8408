//! The chunks of a chat as the events of a message.
//!
//! Promises: every block is over before the next begins; calls whose pieces are mixed, or that go on after the reason to stop, are refused. The end comes only
//! when the chat has ended, with what was counted by then.

use crate::sse::named_event;
use crate::translate::is_short;
use crate::translate::members::{Lost, Members, NOT_AS_DESCRIBED};
use crate::translate::stream::{Out, Step, remark};
use crate::translate::tree::{Node, Object, Value};
use crate::translate::usage::Counts;
use crate::translate::whole_to_message::{THOUGHT, reason, stop_reason};

/// What the open block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    /// The newest call.
    Tool,
}

/// The state of one stream.
#[derive(Default)]
pub(crate) struct ToMessage {
    begun: bool,
    open: Option<Block>,
    /// Blocks so far, the open one included.
    blocks: u64,
    /// Identifiers of the calls so far, as they were written.
    tools: Vec<String>,
    refused: bool,
    stopped: Option<&'static str>,
    counts: Counts,
}

/// Most calls of one answer; providers allow fewer.
const MAX_TOOLS: usize = 1024;

fn lost(at: &str) -> Lost {
    Lost::new(at, NOT_AS_DESCRIBED)
}

impl ToMessage {
    /// Takes one chunk in.
    pub(crate) fn event(&mut self, chunk: &Node<'_>, out: &mut Out) -> Result<Step, Lost> {
        let mut members = Members::of(chunk, "")?;
        if let Some(usage) = members.take("usage") {
            self.counts.merge(Counts::of_chat(Some(usage)).ok_or_else(|| lost("usage"))?);
        }
        let choices = members.need("choices")?.items().ok_or_else(|| lost("choices"))?;
        let choice = match choices {
            [] => {
                remark(out);
                return Ok(Step::Goes);
            }
            [choice] => choice,
            _ => return Err(lost("choices")),
        };
        if !self.begun {
            self.begin(&mut members, out)?;
        }
        let mut choice = Members::of(choice, "choices.0")?;
        if choice.take("index").is_some_and(|index| index.count() != Some(0)) {
            return Err(lost("choices.0.index"));
        }
        if let Some(delta) = choice.take("delta") {
            self.delta(Members::of(delta, "choices.0.delta")?, out)?;
        }
        if let Some(node) = choice.take("finish_reason") {
            let said =
                node.text().and_then(|said| stop_reason(&said)).ok_or_else(|| lost("finish_reason"))?;
            if self.stopped.is_some_and(|before| before != said) {
                return Err(lost("choices.0.finish_reason"));
            }
            self.close(out);
            self.stopped = Some(said);
        }
        Ok(Step::Goes)
    }

    /// The chat has ended: the reason to stop, the counts, and the end.
    pub(crate) fn end(&mut self, out: &mut Out) -> Result<(), Lost> {
        let said = self.stopped.ok_or_else(|| lost("finish_reason"))?;
        let reason = reason(said, !self.tools.is_empty(), self.refused);
        let delta = Object::new().text("stop_reason", reason).raw("stop_sequence", "null").end();
        let event = Object::new().text("type", "message_delta").raw("delta", &delta);
        give("message_delta", event.raw("usage", &self.counts.as_message()), out);
        give("message_stop", Object::new().text("type", "message_stop"), out);
        Ok(())
    }

    fn begin(&mut self, members: &mut Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        let (id, model) = (members.need_string("id")?, members.need_string("model")?);
        if !is_short(id) || !is_short(model) {
            return Err(lost("id"));
        }
        self.begun = true;
        // A chat tells its counts at its end; the last event says them all.
        let message = Object::new()
            .raw("id", id)
            .text("type", "message")
            .text("role", "assistant")
            .raw("model", model)
            .raw("content", "[]")
            .raw("stop_reason", "null")
            .raw("stop_sequence", "null")
            .raw("usage", r#"{"input_tokens":0,"output_tokens":0}"#)
            .end();
        give("message_start", Object::new().text("type", "message_start").raw("message", &message), out);
        Ok(())
    }

    fn delta(&mut self, mut delta: Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        delta.harmless("role");
        for name in THOUGHT {
            if delta.take(name).is_some() {
                remark(out);
            }
        }
        delta.nothing("annotations", Node::is_empty, NOT_AS_DESCRIBED)?;
        let (content, refusal) = (delta.string("content")?, delta.string("refusal")?);
        for raw in [content, refusal].into_iter().flatten().filter(|raw| raw.len() > 2) {
            self.text(raw, out)?;
        }
        self.refused |= refusal.is_some_and(|raw| raw.len() > 2);
        for call in delta.list("tool_calls")? {
            self.call(Members::of(call, "choices.0.delta.tool_calls")?, out)?;
        }
        delta.end()
    }

    fn text(&mut self, raw: &str, out: &mut Out) -> Result<(), Lost> {
        self.is_going()?;
        if self.open != Some(Block::Text) {
            self.close(out);
            self.begin_block(Block::Text, &Object::new().text("type", "text").text("text", "").end(), out);
        }
        self.piece(&Object::new().text("type", "text_delta").raw("text", raw).end(), out);
        Ok(())
    }

    fn call(&mut self, mut call: Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        self.is_going()?;
        let index = call.need("index")?.count().and_then(|index| usize::try_from(index).ok());
        let index = index.ok_or_else(|| lost("tool_calls.index"))?;
        if call.take("type").is_some_and(|kind| kind.text().as_deref() != Some("function")) {
            return Err(lost("tool_calls.type"));
        }
        let id = call.string("id")?.filter(|id| id.len() > 2);
        let mut function = match call.take("function") {
            Some(node) => Members::of(node, "tool_calls.function")?,
            None => return Err(lost("tool_calls.function")),
        };
        call.end()?;
        let name = function.string("name")?.filter(|name| name.len() > 2);
        if index == self.tools.len() {
            let (Some(id), Some(name)) = (id, name) else { return Err(lost("tool_calls.id")) };
            if index >= MAX_TOOLS || !is_short(id) {
                return Err(lost("tool_calls.index"));
            }
            self.close(out);
            self.tools.push(id.to_owned());
            let block = Object::new().text("type", "tool_use").raw("id", id).raw("name", name);
            self.begin_block(Block::Tool, &block.raw("input", "{}").end(), out);
        } else {
            // Only the newest call can go on. Some servers say its identifier with each piece.
            let is_newest = index.checked_add(1) == Some(self.tools.len()) && self.open == Some(Block::Tool);
            let is_same = id.is_none_or(|id| self.tools.last().is_some_and(|known| known == id));
            if !is_newest || !is_same || name.is_some() {
                return Err(lost("tool_calls.index"));
            }
        }
        if let Some(arguments) = function.take("arguments") {
            if !matches!(arguments.value, Value::String(_)) {
                return Err(lost("tool_calls.function.arguments"));
            }
            if !arguments.is_empty() {
                let piece = Object::new().text("type", "input_json_delta").raw("partial_json", arguments.raw);
                self.piece(&piece.end(), out);
            }
        }
        function.end()
    }

    /// Nothing is said after the reason to stop.
    fn is_going(&self) -> Result<(), Lost> {
        if self.stopped.is_some() { Err(lost("choices.0.delta")) } else { Ok(()) }
    }

    fn begin_block(&mut self, kind: Block, block: &str, out: &mut Out) {
        let event = Object::new().text("type", "content_block_start").count("index", self.blocks);
        give("content_block_start", event.raw("content_block", block), out);
        self.blocks += 1;
        self.open = Some(kind);
    }

    fn piece(&self, delta: &str, out: &mut Out) {
        let index = self.blocks.saturating_sub(1);
        let event = Object::new().text("type", "content_block_delta").count("index", index);
        give("content_block_delta", event.raw("delta", delta), out);
    }

    fn close(&mut self, out: &mut Out) {
        if self.open.take().is_some() {
            let index = self.blocks.saturating_sub(1);
            give(
                "content_block_stop",
                Object::new().text("type", "content_block_stop").count("index", index),
                out,
            );
        }
    }
}

/// Writes an event whose data says its name again.
fn give(name: &str, event: Object, out: &mut Out) {
    out.extend_from_slice(&named_event(name, event.end().as_bytes()));
}
