//! A whole message as a chat's answer.
//!
//! What a model thought is left out, as a chat has no place for it; any other block that is not understood makes it no answer.

use crate::translate::members::{Lost, Members, NOT_AS_DESCRIBED};
use crate::translate::tree::{Node, Object, list, quoted};
use crate::translate::usage::Counts;

/// Why a message stopped, as a chat says it. `None`: no reason that a chat has.
pub(crate) fn finish_reason(stop_reason: &str) -> Option<&'static str> {
    Some(match stop_reason {
        "end_turn" | "stop_sequence" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => return None,
    })
}

/// The answer.
pub(crate) fn answer(body: &Node<'_>, created_s: u64) -> Result<String, Lost> {
    // What a message says of itself beside its content is not looked at: providers add to it.
    let mut members = Members::of(body, "")?;
    if members.word("type")? != "message" {
        return Err(Lost::new("type", NOT_AS_DESCRIBED));
    }
    let (id, model) = (members.need_string("id")?, members.need_string("model")?);
    let (text, calls) = content(members.need("content")?)?;
    let reason = members.word("stop_reason")?;
    let reason = finish_reason(&reason).ok_or_else(|| Lost::new("stop_reason", NOT_AS_DESCRIBED))?;
    let usage =
        Counts::of_message(members.take("usage")).ok_or_else(|| Lost::new("usage", NOT_AS_DESCRIBED))?;
    let said = text.map_or_else(|| "null".to_owned(), |text| quoted(&text));
    let mut message = Object::new().text("role", "assistant").raw("content", &said).raw("refusal", "null");
    if !calls.is_empty() {
        message = message.raw("tool_calls", &list(&calls));
    }
    let choice = Object::new()
        .count("index", 0)
        .raw("message", &message.end())
        .raw("logprobs", "null")
        .text("finish_reason", reason);
    let answer = Object::new()
        .raw("id", id)
        .text("object", "chat.completion")
        .count("created", created_s)
        .raw("model", model)
        .raw("choices", &list(&[choice.end()]));
    Ok(answer.some("usage", usage.as_chat().as_deref()).end())
}

fn content(blocks: &Node<'_>) -> Result<(Option<String>, Vec<String>), Lost> {
    let blocks = blocks.items().ok_or_else(|| Lost::new("content", NOT_AS_DESCRIBED))?;
    let (mut said, mut calls) = (None::<String>, Vec::new());
    for (at, node) in blocks.iter().enumerate() {
        let mut block = Members::of(node, &format!("content.{at}"))?;
        match block.word("type")?.as_str() {
            "text" => {
                block.nothing("citations", Node::is_empty, NOT_AS_DESCRIBED)?;
                said.get_or_insert_default().push_str(&block.word("text")?);
                block.end()?;
            }
            "tool_use" => {
                block.harmless("caller");
                let (id, name) = (block.need_string("id")?, block.need_string("name")?);
                let input = block.need("input")?;
                if !input.is_object() {
                    return Err(Lost::new(block.way("input"), NOT_AS_DESCRIBED));
                }
                let function = Object::new().raw("name", name).text("arguments", input.raw).end();
                block.end()?;
                calls.push(
                    Object::new().raw("id", id).text("type", "function").raw("function", &function).end(),
                );
            }
            "thinking" | "redacted_thinking" => {}
            _ => return Err(Lost::new(block.way("type"), NOT_AS_DESCRIBED)),
        }
    }
    Ok((said, calls))
}
