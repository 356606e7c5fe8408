//! The events of a message as the chunks of a chat.
//!
//! Promises: blocks come one after the other, each with its beginning and its end, as that interface has it; what is otherwise is refused.

use crate::sse::event_of;
use crate::translate::is_short;
use crate::translate::members::{Lost, Members, NOT_AS_DESCRIBED};
use crate::translate::stream::{Out, Step, remark};
use crate::translate::tree::{Node, Object, Value, list};
use crate::translate::usage::Counts;
use crate::translate::whole_to_chat::finish_reason;

/// The data of the last event.
const DONE: &[u8] = b"[DONE]";

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    /// A call, and whether any of its input came.
    Tool {
        number: u64,
        said: bool,
    },
    /// What the model thought: a chat has no place for it.
    Thought,
}

/// The state of one stream.
pub(crate) struct ToChat {
    created_s: u64,
    /// Identifier and model, as they were written; none: the message has not begun.
    begun: Option<(String, String)>,
    open: Option<Block>,
    /// Blocks so far, the open one included.
    blocks: u64,
    tools: u64,
    counts: Counts,
    stopped: bool,
}

fn lost(at: &str) -> Lost {
    Lost::new(at, NOT_AS_DESCRIBED)
}

impl ToChat {
    /// Of a call that came at `created_s`.
    pub(crate) fn new(created_s: u64) -> Self {
        Self {
            created_s,
            begun: None,
            open: None,
            blocks: 0,
            tools: 0,
            counts: Counts::default(),
            stopped: false,
        }
    }

    /// Takes one event in.
    pub(crate) fn event(&mut self, event: &Node<'_>, out: &mut Out) -> Result<Step, Lost> {
        let mut members = Members::of(event, "")?;
        let kind = members.word("type")?;
        match kind.as_str() {
            "ping" => {
                remark(out);
                return Ok(Step::Goes);
            }
            "message_start" if self.begun.is_none() => return self.begin(members, out),
            _ if self.begun.is_none() => return Err(lost("type")),
            _ => {}
        }
        match kind.as_str() {
            "content_block_start" => self.open(members, out)?,
            "content_block_delta" => self.delta(members, out)?,
            "content_block_stop" => self.close(members, out)?,
            "message_delta" => self.stop(members, out)?,
            "message_stop" if self.stopped => {
                self.count(out);
                out.extend_from_slice(&event_of(DONE));
                return Ok(Step::Over);
            }
            _ => return Err(lost("type")),
        }
        Ok(Step::Goes)
    }

    fn begin(&mut self, mut members: Members<'_, '_>, out: &mut Out) -> Result<Step, Lost> {
        let mut message = Members::of(members.need("message")?, "message")?;
        let (id, model) = (message.need_string("id")?, message.need_string("model")?);
        if !is_short(id) || !is_short(model) {
            return Err(lost("message.id"));
        }
        message.nothing("content", Node::is_empty, NOT_AS_DESCRIBED)?;
        self.merge(message.take("usage"))?;
        self.begun = Some((id.to_owned(), model.to_owned()));
        let delta = Object::new().text("role", "assistant").text("content", "").raw("refusal", "null");
        self.chunk(&delta.end(), None, out);
        Ok(Step::Goes)
    }

    fn merge(&mut self, usage: Option<&Node<'_>>) -> Result<(), Lost> {
        self.counts.merge(Counts::of_message(usage).ok_or_else(|| lost("usage"))?);
        Ok(())
    }

    fn open(&mut self, mut members: Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        // Each block is over before the next one begins; none begins after the reason to stop.
        if self.open.is_some() || self.stopped || members.need("index")?.count() != Some(self.blocks) {
            return Err(lost("index"));
        }
        self.blocks += 1;
        let mut block = Members::of(members.need("content_block")?, "content_block")?;
        self.open = Some(match block.word("type")?.as_str() {
            "text" => {
                block.nothing("citations", Node::is_empty, NOT_AS_DESCRIBED)?;
                self.say(block.need_string("text")?, out);
                Block::Text
            }
            "tool_use" => {
                // Its input comes in pieces; one that stood here whole could not be gone on with.
                block.nothing("input", Node::is_empty, NOT_AS_DESCRIBED)?;
                let number = self.tools;
                self.tools += 1;
                let function =
                    Object::new().raw("name", block.need_string("name")?).text("arguments", "").end();
                let call = Object::new()
                    .count("index", number)
                    .raw("id", block.need_string("id")?)
                    .text("type", "function")
                    .raw("function", &function);
                self.calls(&call.end(), out);
                Block::Tool { number, said: false }
            }
            "thinking" | "redacted_thinking" => Block::Thought,
            _ => return Err(lost("content_block.type")),
        });
        Ok(())
    }

    fn delta(&mut self, mut members: Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        self.is_of_open(&mut members)?;
        let mut delta = Members::of(members.need("delta")?, "delta")?;
        let kind = delta.word("type")?;
        match (kind.as_str(), self.open) {
            ("text_delta", Some(Block::Text)) => {
                self.say(delta.need_string("text")?, out);
                delta.end()
            }
            ("input_json_delta", Some(Block::Tool { number, said })) => {
                let piece = delta.need("partial_json")?;
                if !matches!(piece.value, Value::String(_)) {
                    return Err(lost("delta.partial_json"));
                }
                if !piece.is_empty() {
                    self.argue(number, piece.raw, out);
                }
                self.open = Some(Block::Tool { number, said: said || !piece.is_empty() });
                delta.end()
            }
            ("thinking_delta" | "signature_delta", Some(Block::Thought)) => {
                remark(out);
                Ok(())
            }
            _ => Err(lost("delta.type")),
        }
    }

    fn close(&mut self, mut members: Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        self.is_of_open(&mut members)?;
        // A tool without input is called with an empty object, which a chat has written down.
        if let Some(Block::Tool { number, said: false }) = self.open {
            self.argue(number, "\"{}\"", out);
        }
        self.open = None;
        Ok(())
    }

    fn is_of_open(&self, members: &mut Members<'_, '_>) -> Result<(), Lost> {
        let index = members.need("index")?.count();
        let is_open =
            self.open.is_some() && index.and_then(|index| index.checked_add(1)) == Some(self.blocks);
        if is_open { Ok(()) } else { Err(lost("index")) }
    }

    fn stop(&mut self, mut members: Members<'_, '_>, out: &mut Out) -> Result<(), Lost> {
        if self.open.is_some() || self.stopped {
            return Err(lost("type"));
        }
        let mut delta = Members::of(members.need("delta")?, "delta")?;
        let reason = delta.word("stop_reason")?;
        let reason = finish_reason(&reason).ok_or_else(|| lost("delta.stop_reason"))?;
        self.merge(members.take("usage"))?;
        self.stopped = true;
        self.chunk("{}", Some(reason), out);
        Ok(())
    }

    fn say(&self, raw: &str, out: &mut Out) {
        // Between the quotes.
        if raw.len() > 2 {
            self.chunk(&Object::new().raw("content", raw).end(), None, out);
        }
    }

    fn argue(&self, number: u64, raw: &str, out: &mut Out) {
        let function = Object::new().raw("arguments", raw).end();
        let call = Object::new().count("index", number).raw("function", &function).end();
        self.calls(&call, out);
    }

    fn calls(&self, call: &str, out: &mut Out) {
        self.chunk(&Object::new().raw("tool_calls", &list(&[call.to_owned()])).end(), None, out);
    }

    fn chunk(&self, delta: &str, reason: Option<&str>, out: &mut Out) {
        let choice = Object::new().count("index", 0).raw("delta", delta).raw("logprobs", "null");
        let choice = match reason {
            Some(reason) => choice.text("finish_reason", reason),
            None => choice.raw("finish_reason", "null"),
        };
        let chunk = self.head().raw("choices", &list(&[choice.end()])).end();
        out.extend_from_slice(&event_of(chunk.as_bytes()));
    }

    /// The event that has the token counts alone, where all were counted.
    fn count(&self, out: &mut Out) {
        let Some(usage) = self.counts.as_chat() else { return };
        let chunk = self.head().raw("choices", "[]").raw("usage", &usage).end();
        out.extend_from_slice(&event_of(chunk.as_bytes()));
    }

    fn head(&self) -> Object {
        let (id, model) = self.begun.as_ref().map_or(("\"\"", "\"\""), |(id, model)| (id, model));
        Object::new()
            .raw("id", id)
            .text("object", "chat.completion.chunk")
            .count("created", self.created_s)
            .raw("model", model)
    }
}
