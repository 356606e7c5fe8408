//! A whole chat's answer as a message.
//!
//! What a model thought is left out: a message has thinking only with its vendor's signature. Any other member of the answer's message that is not understood
//! makes it no answer.

use crate::translate::chat_to_messages::input;
use crate::translate::members::{Lost, Members, NOT_AS_DESCRIBED};
use crate::translate::tree::{Node, Object, list};
use crate::translate::usage::Counts;

/// What a model thought, as servers of this interface call it.
pub(crate) const THOUGHT: [&str; 3] = ["reasoning", "reasoning_content", "reasoning_details"];

/// Why a chat stopped, as a message says it. `None`: no reason that a message has.
pub(crate) fn stop_reason(finish_reason: &str) -> Option<&'static str> {
    Some(match finish_reason {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        _ => return None,
    })
}

/// The reason of an answer: one that has calls stopped for them, whatever the server says; one that refuses says so.
pub(crate) fn reason(said: &'static str, calls: bool, refused: bool) -> &'static str {
    match said {
        "end_turn" if refused => "refusal",
        "end_turn" if calls => "tool_use",
        said => said,
    }
}

/// The answer.
pub(crate) fn answer(body: &Node<'_>) -> Result<String, Lost> {
    let mut members = Members::of(body, "")?;
    let (id, model) = (members.need_string("id")?, members.need_string("model")?);
    let [choice] = members.list("choices")? else { return Err(Lost::new("choices", NOT_AS_DESCRIBED)) };
    let mut choice = Members::of(choice, "choices.0")?;
    let said = choice.word("finish_reason")?;
    let said = stop_reason(&said).ok_or_else(|| Lost::new("choices.0.finish_reason", NOT_AS_DESCRIBED))?;
    let message = Members::of(choice.need("message")?, "choices.0.message")?;
    let Content { blocks, calls, refused } = content(message)?;
    let usage = Counts::of_chat(members.take("usage")).ok_or_else(|| Lost::new("usage", NOT_AS_DESCRIBED))?;
    let answer = Object::new()
        .raw("id", id)
        .text("type", "message")
        .text("role", "assistant")
        .raw("model", model)
        .raw("content", &list(&blocks))
        .text("stop_reason", reason(said, calls, refused))
        .raw("stop_sequence", "null")
        .raw("usage", &usage.as_message());
    Ok(answer.end())
}

struct Content {
    blocks: Vec<String>,
    calls: bool,
    refused: bool,
}

fn content(mut message: Members<'_, '_>) -> Result<Content, Lost> {
    message.harmless("role");
    for name in THOUGHT {
        message.harmless(name);
    }
    message.nothing("annotations", Node::is_empty, NOT_AS_DESCRIBED)?;
    let mut blocks = Vec::new();
    let mut text = |raw: Option<&str>| {
        let said = raw.filter(|raw| raw.len() > 2)?;
        blocks.push(Object::new().text("type", "text").raw("text", said).end());
        Some(())
    };
    text(message.string("content")?);
    let refused = text(message.string("refusal")?).is_some();
    let calls = message.list("tool_calls")?;
    for (at, call) in calls.iter().enumerate() {
        let mut call = Members::of(call, &format!("tool_calls.{at}"))?;
        call.harmless("index");
        let id = call.need_string("id")?;
        if call.take("type").is_some_and(|kind| kind.text().as_deref() != Some("function")) {
            return Err(Lost::new(call.way("type"), NOT_AS_DESCRIBED));
        }
        let mut function = Members::of(call.need("function")?, "function")?;
        call.end()?;
        let name = function.need_string("name")?;
        let arguments = function.word("arguments")?;
        let input = input(&arguments).ok_or_else(|| Lost::new("arguments", NOT_AS_DESCRIBED))?;
        function.end()?;
        let block = Object::new().text("type", "tool_use").raw("id", id).raw("name", name);
        blocks.push(block.raw("input", &input).end());
    }
    message.end()?;
    Ok(Content { blocks, calls: !calls.is_empty(), refused })
}
