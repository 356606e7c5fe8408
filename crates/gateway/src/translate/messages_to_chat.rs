//! A request for a message as a chat request.

use crate::translate::chat_to_messages::PREFILLED;
use crate::translate::members::{Lost, Members, NO_COUNTERPART, NOT_AS_DESCRIBED};
use crate::translate::tree::{Node, Object, Value, list, quoted};

/// What a schema is called where the other interface wants a name for it.
const SCHEMA_NAME: &str = "answer";
/// Where a block may be kept in the provider's cache: changes what a call costs and nothing of what is asked.
const CACHE: &str = "cache_control";
const NO_TEXT: &str = "only text can stand here";
const THOUGHT: &str = "what a model thought can be checked by the vendor that signed it alone";

/// The request, and the most tokens that its answer may have.
pub(crate) fn request(body: &Node<'_>, ask_usage: bool) -> Result<(String, u64), Lost> {
    let mut members = Members::of(body, "")?;
    let model = members.need_string("model")?;
    let limit = members.need("max_tokens")?;
    let limit = limit.count().ok_or_else(|| Lost::new("max_tokens", NOT_AS_DESCRIBED))?;
    let messages = messages(&mut members)?;
    let mut out = Object::new()
        .raw("model", model)
        .count("max_completion_tokens", limit)
        .raw("messages", &list(&messages));
    out = sampling(&mut members, out)?;
    out = tools(&mut members, out)?;
    out = format(&mut members, out)?;
    if let Some(node) = members.take("metadata") {
        let mut metadata = Members::of(node, "metadata")?;
        out = out.some("user", metadata.string("user_id")?);
        metadata.end()?;
    }
    if members.flag("stream")? == Some(true) {
        out = out.raw("stream", "true");
        if ask_usage {
            out = out.raw("stream_options", r#"{"include_usage":true}"#);
        }
    }
    let is_off = |node: &Node<'_>| node.get("type").and_then(Node::text).as_deref() == Some("disabled");
    members.nothing("thinking", is_off, "how much a model thinks is said otherwise there")?;
    let is_auto = |node: &Node<'_>| node.text().as_deref() == Some("auto");
    members.nothing("service_tier", is_auto, NO_COUNTERPART)?;
    members.harmless(CACHE);
    members.end()?;
    Ok((out.end(), limit))
}

fn sampling(members: &mut Members<'_, '_>, mut out: Object) -> Result<Object, Lost> {
    for name in ["temperature", "top_p"] {
        let Some(node) = members.take(name) else { continue };
        node.number().ok_or_else(|| Lost::new(name, NOT_AS_DESCRIBED))?;
        out = out.raw(name, node.raw);
    }
    if let Some(node) = members.take("stop_sequences") {
        let texts = node.items().filter(|items| items.iter().all(|item| item.text().is_some()));
        let texts = texts.ok_or_else(|| Lost::new("stop_sequences", NOT_AS_DESCRIBED))?;
        if !texts.is_empty() {
            out = out.raw("stop", node.raw);
        }
    }
    Ok(out)
}

fn tools(members: &mut Members<'_, '_>, mut out: Object) -> Result<Object, Lost> {
    let mut offered = Vec::new();
    for (at, tool) in members.list("tools")?.iter().enumerate() {
        offered.push(self::tool(tool, &format!("tools.{at}"))?);
    }
    if !offered.is_empty() {
        out = out.raw("tools", &list(&offered));
    }
    let Some(node) = members.take("tool_choice") else { return Ok(out) };
    let mut choice = Members::of(node, "tool_choice")?;
    let chosen = match choice.word("type")?.as_str() {
        "auto" => quoted("auto"),
        "any" => quoted("required"),
        "none" => quoted("none"),
        "tool" => {
            let name = Object::new().raw("name", choice.need_string("name")?).end();
            Object::new().text("type", "function").raw("function", &name).end()
        }
        _ => return Err(Lost::new("tool_choice.type", NO_COUNTERPART)),
    };
    out = out.raw("tool_choice", &chosen);
    if choice.flag("disable_parallel_tool_use")? == Some(true) {
        out = out.raw("parallel_tool_calls", "false");
    }
    choice.end()?;
    Ok(out)
}

fn tool(tool: &Node<'_>, at: &str) -> Result<String, Lost> {
    let mut members = Members::of(tool, at)?;
    let is_own = |node: &Node<'_>| node.text().as_deref() == Some("custom");
    members.nothing("type", is_own, "only the caller's own tools can be offered")?;
    members.harmless(CACHE);
    let mut function = Object::new().raw("name", members.need_string("name")?);
    function = function.some("description", members.string("description")?);
    let schema = members.need("input_schema")?;
    if !schema.is_object() {
        return Err(Lost::new(members.way("input_schema"), NOT_AS_DESCRIBED));
    }
    function = function.raw("parameters", schema.raw);
    if members.flag("strict")? == Some(true) {
        function = function.raw("strict", "true");
    }
    members.end()?;
    Ok(Object::new().text("type", "function").raw("function", &function.end()).end())
}

fn format(members: &mut Members<'_, '_>, out: Object) -> Result<Object, Lost> {
    let Some(node) = members.take("output_config") else { return Ok(out) };
    let mut config = Members::of(node, "output_config")?;
    let Some(node) = config.take("format") else {
        config.end()?;
        return Ok(out);
    };
    config.end()?;
    let mut format = Members::of(node, "output_config.format")?;
    if format.word("type")? != "json_schema" {
        return Err(Lost::new("output_config.format.type", NO_COUNTERPART));
    }
    let schema = Object::new()
        .text("name", SCHEMA_NAME)
        .raw("strict", "true")
        .raw("schema", format.need("schema")?.raw)
        .end();
    format.end()?;
    let wanted = Object::new().text("type", "json_schema").raw("json_schema", &schema).end();
    Ok(out.raw("response_format", &wanted))
}

fn messages(members: &mut Members<'_, '_>) -> Result<Vec<String>, Lost> {
    let mut out = Vec::new();
    if let Some(system) = members.take("system") {
        let content = joined(&texts(system, "system")?);
        out.push(Object::new().text("role", "system").raw("content", &content).end());
    }
    let messages = members.need("messages")?;
    let messages = messages.items().ok_or_else(|| Lost::new("messages", NOT_AS_DESCRIBED))?;
    let mut last = String::new();
    for (at, message) in messages.iter().enumerate() {
        let mut members = Members::of(message, &format!("messages.{at}"))?;
        last = members.word("role")?;
        let at = members.way("content");
        let content = members.need("content")?;
        match last.as_str() {
            "user" => user(content, &at, &mut out)?,
            "assistant" => out.push(assistant(content, &at)?),
            _ => return Err(Lost::new(members.way("role"), NO_COUNTERPART)),
        }
        members.end()?;
    }
    if last == "assistant" {
        return Err(Lost::new("messages", PREFILLED));
    }
    Ok(out)
}

/// A block, its kind read and what changes nothing put aside.
fn block<'n, 'b>(node: &'n Node<'b>, at: &str, number: usize) -> Result<(String, Members<'n, 'b>), Lost> {
    let mut members = Members::of(node, &format!("{at}.{number}"))?;
    members.harmless(CACHE);
    let kind = members.word("type")?;
    Ok((kind, members))
}

/// What a block of text says, as it is written.
fn text_of<'n>(mut block: Members<'n, '_>) -> Result<&'n str, Lost> {
    block.nothing("citations", Node::is_empty, NO_COUNTERPART)?;
    let text = block.need_string("text")?;
    block.end()?;
    Ok(text)
}

fn text_part(text: &str) -> String {
    Object::new().text("type", "text").raw("text", text).end()
}

/// Content that is text alone, as it is written.
fn texts<'n>(content: &'n Node<'_>, at: &str) -> Result<Vec<&'n str>, Lost> {
    match &content.value {
        Value::String(_) => Ok(vec![content.raw]),
        Value::Array(blocks) => {
            let text = |(number, node): (usize, &'n Node<'_>)| match block(node, at, number)? {
                (kind, block) if kind == "text" => text_of(block),
                (_, block) => Err(Lost::new(block.way("type"), NO_TEXT)),
            };
            blocks.iter().enumerate().map(text).collect()
        }
        _ => Err(Lost::new(at, NOT_AS_DESCRIBED)),
    }
}

/// One text as a string, which says the same and is read by servers that know no parts.
fn joined(texts: &[&str]) -> String {
    match texts {
        [] => quoted(""),
        [one] => (*one).to_owned(),
        more => list(&more.iter().map(|text| text_part(text)).collect::<Vec<_>>()),
    }
}

/// A user's turn: what tools answered, each as a message of its own, then the rest.
fn user(content: &Node<'_>, at: &str, out: &mut Vec<String>) -> Result<(), Lost> {
    let message = |content: &str| Object::new().text("role", "user").raw("content", content).end();
    let Some(blocks) = content.items() else {
        out.push(message(&joined(&texts(content, at)?)));
        return Ok(());
    };
    let (mut parts, mut said) = (Vec::new(), Vec::new());
    for (number, node) in blocks.iter().enumerate() {
        let (kind, block) = block(node, at, number)?;
        match kind.as_str() {
            "text" => {
                let text = text_of(block)?;
                said.push(text);
                parts.push(text_part(text));
            }
            "image" => parts.push(image(block)?),
            "tool_result" if parts.is_empty() => out.push(tool_result(block)?),
            "tool_result" => {
                let why = "what tools answered has to stand before all else of its turn";
                return Err(Lost::new(block.way("type"), why));
            }
            _ => {
                let why = "only text, pictures and what tools answered can be translated";
                return Err(Lost::new(block.way("type"), why));
            }
        }
    }
    if parts.len() == said.len() && !said.is_empty() {
        out.push(message(&joined(&said)));
    } else if !parts.is_empty() || blocks.is_empty() {
        out.push(message(&list(&parts)));
    }
    Ok(())
}

fn image(mut block: Members<'_, '_>) -> Result<String, Lost> {
    let mut source = Members::of(block.need("source")?, &block.way("source"))?;
    let url = match source.word("type")?.as_str() {
        "url" => {
            let node = source.need("url")?;
            let url = node.text().filter(|url| url.starts_with("https://"));
            if url.is_none() {
                return Err(Lost::new(source.way("url"), "only https addresses can be translated"));
            }
            node.raw.to_owned()
        }
        "base64" => {
            let (kind, data) = (source.word("media_type")?, source.word("data")?);
            quoted(&format!("data:{kind};base64,{data}"))
        }
        _ => return Err(Lost::new(source.way("type"), NO_COUNTERPART)),
    };
    source.end()?;
    block.end()?;
    let url = Object::new().raw("url", &url).end();
    Ok(Object::new().text("type", "image_url").raw("image_url", &url).end())
}

fn tool_result(mut block: Members<'_, '_>) -> Result<String, Lost> {
    let call = block.need_string("tool_use_id")?;
    let is_no_error = |node: &Node<'_>| node.bool() == Some(false);
    block.nothing(
        "is_error",
        is_no_error,
        "a tool's message has no mark of failure there; say it in its content",
    )?;
    let at = block.way("content");
    let content = match block.take("content") {
        None => quoted(""),
        Some(content) => joined(&texts(content, &at)?),
    };
    block.end()?;
    Ok(Object::new().text("role", "tool").raw("tool_call_id", call).raw("content", &content).end())
}

fn assistant(content: &Node<'_>, at: &str) -> Result<String, Lost> {
    let message = Object::new().text("role", "assistant");
    let Some(blocks) = content.items() else {
        return Ok(message.raw("content", &joined(&texts(content, at)?)).end());
    };
    let (mut said, mut calls) = (Vec::new(), Vec::new());
    for (number, node) in blocks.iter().enumerate() {
        let (kind, block) = block(node, at, number)?;
        match kind.as_str() {
            "text" if calls.is_empty() => said.push(text_of(block)?),
            "text" => {
                return Err(Lost::new(block.way("type"), "text after a call of a tool has no place there"));
            }
            "tool_use" => calls.push(tool_call(block)?),
            "thinking" | "redacted_thinking" => return Err(Lost::new(block.way("type"), THOUGHT)),
            _ => return Err(Lost::new(block.way("type"), "only text and calls of tools can be translated")),
        }
    }
    let content = if said.is_empty() { "null".to_owned() } else { joined(&said) };
    let mut message = message.raw("content", &content);
    if !calls.is_empty() {
        message = message.raw("tool_calls", &list(&calls));
    }
    Ok(message.end())
}

fn tool_call(mut block: Members<'_, '_>) -> Result<String, Lost> {
    let is_direct = |node: &Node<'_>| node.get("type").and_then(Node::text).as_deref() == Some("direct");
    block.nothing("caller", is_direct, NO_COUNTERPART)?;
    let (id, name) = (block.need_string("id")?, block.need_string("name")?);
    let input = block.need("input")?;
    if !input.is_object() {
        return Err(Lost::new(block.way("input"), NOT_AS_DESCRIBED));
    }
    let function = Object::new().raw("name", name).text("arguments", input.raw).end();
    block.end()?;
    Ok(Object::new().raw("id", id).text("type", "function").raw("function", &function).end())
}
