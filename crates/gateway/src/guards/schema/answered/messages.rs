//! Messages: their text blocks are one text to who reads them.

use serde_json::Value;

use super::{Answered, Choice, NOTHING, Said, list_or_none, place, said, text_or_none};

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Text,
    /// A call of a tool that the client runs.
    Call,
    /// A model's thinking, a tool that the provider runs.
    Other,
}

impl Answered {
    /// Takes a whole message; `None`: it can be read in more than one way.
    pub(super) fn whole_message(&mut self, message: &Value) -> Option<()> {
        self.only_choice();
        if message.get("type")? != "message" {
            return None;
        }
        for (at, block) in message.get("content")?.as_array()?.iter().enumerate() {
            self.block(at, block)?;
        }
        Some(())
    }

    /// Takes an event of one.
    pub(super) fn message_event(&mut self, event: &Value) -> Option<()> {
        self.only_choice();
        let at = || place(event, "index");
        match event.get("type")?.as_str()? {
            "message_start" => {
                let begun = event.get("message").map_or(Some(NOTHING), |it| list_or_none(it, "content"))?;
                return begun.is_empty().then_some(());
            }
            "content_block_start" => {
                let at = at()?;
                let kind = self.block(at, event.get("content_block")?)?;
                // Of two blocks that begin at one place readers keep the one or the other.
                return self.begun.insert(at, kind).is_none().then_some(());
            }
            "content_block_delta" => return self.piece(at()?, event.get("delta")?),
            // It is whole, and none of a stream.
            "message" => return None,
            _ => {}
        }
        Some(())
    }

    fn only_choice(&mut self) -> &mut Choice {
        let choice = self.choice(0, Said::First);
        choice.is_one_text = true;
        choice
    }

    /// Takes a block, or its beginning.
    fn block(&mut self, at: usize, block: &Value) -> Option<Block> {
        match block.get("type")?.as_str()? {
            "text" => {
                self.only_choice().say(at, text_or_none(block, "text")?);
                Some(Block::Text)
            }
            "tool_use" => {
                self.only_choice().call(at, block.get("name"), said(block, "input"));
                Some(Block::Call)
            }
            _ => Some(Block::Other),
        }
    }

    fn piece(&mut self, at: usize, delta: &Value) -> Option<()> {
        let kind = *self.begun.get(&at)?;
        match (delta.get("type")?.as_str()?, kind) {
            ("text_delta", Block::Text) => self.only_choice().say(at, text_or_none(delta, "text")?),
            ("input_json_delta", Block::Call) => {
                text_or_none(delta, "partial_json")?;
                self.only_choice().call(at, None, delta.get("partial_json"));
            }
            // A tool that the provider runs.
            ("input_json_delta", Block::Other) => {}
            ("text_delta" | "input_json_delta", _) => return None,
            _ => {}
        }
        Some(())
    }
}
