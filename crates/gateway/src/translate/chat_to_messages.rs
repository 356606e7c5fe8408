//! A chat request as a request for a message.

use std::borrow::Cow;

use crate::translate::members::{Lost, Members, NO_COUNTERPART, NOT_AS_DESCRIBED};
use crate::translate::tree::{Node, Object, Value, list};
use crate::translate::turns::Turns;

/// Highest temperature that a message can be asked for with.
const HIGHEST_TEMPERATURE: f64 = 1.0;
/// Members at the top that change nothing of what is asked: where the provider looks for a cached beginning, and what of the answer's counts a stream says
/// (the gateway sees to that itself).
const HARMLESS: [&str; 2] = ["prompt_cache_key", "stream_options"];
const NO_TEXT: &str = "only text can stand here";
const ONE_LIMIT: &str = "max_tokens and max_completion_tokens differ; send one of them";
const ONE_USER: &str = "user and safety_identifier differ; send one of them";
const SYSTEM_FIRST: &str = "the provider's interface has instructions before the conversation only";
pub(crate) const PREFILLED: &str =
    "a conversation that ends with the assistant is gone on with by one vendor and answered by the other";

/// The request, and the most tokens that its answer may have; `max_tokens` where it names no limit.
pub(crate) fn request(body: &Node<'_>, max_tokens: u64) -> Result<(String, u64), Lost> {
    let mut members = Members::of(body, "")?;
    let model = members.need_string("model")?;
    let limit = limit(&mut members)?.unwrap_or(max_tokens);
    let (system, turns) = conversation(members.need("messages")?)?;
    let mut out = Object::new().raw("model", model).count("max_tokens", limit);
    if !system.is_empty() {
        out = out.raw("system", &list(&system));
    }
    out = out.raw("messages", &turns);
    out = sampling(&mut members, out)?;
    out = tools(&mut members, out)?;
    out = format(&mut members, out)?;
    let user = user(&mut members)?;
    if let Some(user) = user {
        out = out.raw("metadata", &Object::new().raw("user_id", user).end());
    }
    if members.flag("stream")? == Some(true) {
        out = out.raw("stream", "true");
    }
    nothing_else(&mut members)?;
    members.end()?;
    Ok((out.end(), limit))
}

fn limit(members: &mut Members<'_, '_>) -> Result<Option<u64>, Lost> {
    let mut limit = None;
    for name in ["max_completion_tokens", "max_tokens"] {
        let Some(node) = members.take(name) else { continue };
        let count = node.count().ok_or_else(|| Lost::new(name, NOT_AS_DESCRIBED))?;
        if limit.replace(count).is_some_and(|other| other != count) {
            return Err(Lost::new(name, ONE_LIMIT));
        }
    }
    Ok(limit)
}

fn user<'n>(members: &mut Members<'n, '_>) -> Result<Option<&'n str>, Lost> {
    let (user, identifier) = (members.string("user")?, members.string("safety_identifier")?);
    match (user, identifier) {
        (Some(user), Some(other)) if user != other => Err(Lost::new("user", ONE_USER)),
        (user, identifier) => Ok(user.or(identifier)),
    }
}

fn sampling(members: &mut Members<'_, '_>, mut out: Object) -> Result<Object, Lost> {
    if let Some(node) = members.take("temperature") {
        let temperature = node.number().ok_or_else(|| Lost::new("temperature", NOT_AS_DESCRIBED))?;
        if temperature > HIGHEST_TEMPERATURE {
            let why = "the provider's interface has temperatures from 0 to 1, and a lower one is another";
            return Err(Lost::new("temperature", why));
        }
        out = out.raw("temperature", node.raw);
    }
    if let Some(node) = members.take("top_p") {
        node.number().ok_or_else(|| Lost::new("top_p", NOT_AS_DESCRIBED))?;
        out = out.raw("top_p", node.raw);
    }
    match members.take("stop") {
        None => {}
        Some(node) if node.text().is_some() => out = out.raw("stop_sequences", &format!("[{}]", node.raw)),
        Some(node) if node.items().is_some_and(|items| items.iter().all(|item| item.text().is_some())) => {
            out = out.raw("stop_sequences", node.raw);
        }
        Some(_) => return Err(Lost::new("stop", NOT_AS_DESCRIBED)),
    }
    Ok(out)
}

/// What may be there with the one value with which it is nothing.
fn nothing_else(members: &mut Members<'_, '_>) -> Result<(), Lost> {
    let is_zero = |node: &Node<'_>| node.number().is_some_and(|number| number == 0.0);
    let is_word = |word: &'static str| move |node: &Node<'_>| node.text().as_deref() == Some(word);
    members.nothing("n", |node| node.count() == Some(1), "the provider gives one answer; send 1")?;
    members.nothing("frequency_penalty", is_zero, NO_COUNTERPART)?;
    members.nothing("presence_penalty", is_zero, NO_COUNTERPART)?;
    members.nothing("logprobs", |node| node.bool() == Some(false), NO_COUNTERPART)?;
    members.nothing("logit_bias", Node::is_empty, NO_COUNTERPART)?;
    members.nothing("store", |node| node.bool() == Some(false), NO_COUNTERPART)?;
    members.nothing("metadata", Node::is_empty, NO_COUNTERPART)?;
    members.nothing("service_tier", is_word("auto"), NO_COUNTERPART)?;
    members.nothing(
        "reasoning_effort",
        is_word("none"),
        "how much a model thinks is said otherwise there",
    )?;
    let is_text = |node: &Node<'_>| {
        node.items().is_some_and(|items| items.iter().all(|item| item.text().as_deref() == Some("text")))
    };
    members.nothing("modalities", is_text, NO_COUNTERPART)?;
    for name in HARMLESS {
        members.harmless(name);
    }
    Ok(())
}

fn tools(members: &mut Members<'_, '_>, mut out: Object) -> Result<Object, Lost> {
    let mut offered = Vec::new();
    for (at, tool) in members.list("tools")?.iter().enumerate() {
        offered.push(self::tool(tool, &format!("tools.{at}"))?);
    }
    if !offered.is_empty() {
        out = out.raw("tools", &list(&offered));
    }
    let choice = members.take("tool_choice").map(choice).transpose()?;
    let parallel = members.flag("parallel_tool_calls")?;
    let choice = match (choice, parallel) {
        // Without tools there are no calls, and none at once.
        (None, Some(false)) if !offered.is_empty() => Some(Object::new().text("type", "auto")),
        (choice, _) => choice,
    };
    Ok(match (choice, parallel) {
        (None, _) => out,
        (Some(choice), Some(false)) => {
            out.raw("tool_choice", &choice.raw("disable_parallel_tool_use", "true").end())
        }
        (Some(choice), _) => out.raw("tool_choice", &choice.end()),
    })
}

fn tool(tool: &Node<'_>, at: &str) -> Result<String, Lost> {
    let mut members = Members::of(tool, at)?;
    if members.word("type")? != "function" {
        return Err(Lost::new(members.way("type"), "only functions can be offered"));
    }
    let mut function = Members::of(members.need("function")?, &members.way("function"))?;
    members.end()?;
    let mut out = Object::new().raw("name", function.need_string("name")?);
    out = out.some("description", function.string("description")?);
    let schema = function.take("parameters");
    if schema.is_some_and(|schema| !schema.is_object()) {
        return Err(Lost::new(function.way("parameters"), NOT_AS_DESCRIBED));
    }
    // A function without parameters takes none; the other interface has that written down.
    let none = r#"{"type":"object","properties":{}}"#;
    out = out.raw("input_schema", schema.map_or(none, |schema| schema.raw));
    if function.flag("strict")? == Some(true) {
        out = out.raw("strict", "true");
    }
    function.end()?;
    Ok(out.end())
}

fn choice(node: &Node<'_>) -> Result<Object, Lost> {
    let at = "tool_choice";
    if let Some(word) = node.text() {
        return match word.as_ref() {
            "auto" => Ok(Object::new().text("type", "auto")),
            "required" => Ok(Object::new().text("type", "any")),
            "none" => Ok(Object::new().text("type", "none")),
            _ => Err(Lost::new(at, NO_COUNTERPART)),
        };
    }
    let mut members = Members::of(node, at)?;
    if members.word("type")? != "function" {
        return Err(Lost::new("tool_choice.type", NO_COUNTERPART));
    }
    let mut function = Members::of(members.need("function")?, "tool_choice.function")?;
    let out = Object::new().text("type", "tool").raw("name", function.need_string("name")?);
    function.end()?;
    members.end()?;
    Ok(out)
}

fn format(members: &mut Members<'_, '_>, out: Object) -> Result<Object, Lost> {
    let Some(node) = members.take("response_format") else { return Ok(out) };
    let at = "response_format";
    let mut format = Members::of(node, at)?;
    let kind = format.word("type")?;
    if kind == "text" {
        format.end()?;
        return Ok(out);
    }
    if kind != "json_schema" {
        return Err(Lost::new("response_format.type", "only text and json_schema can be asked for"));
    }
    let mut schema = Members::of(format.need("json_schema")?, "response_format.json_schema")?;
    // A label of the caller's. What is asked for is the schema, which is kept to there in any case.
    schema.harmless("name");
    schema.flag("strict")?;
    let inner = schema.need("schema")?;
    schema.end()?;
    format.end()?;
    let wanted = Object::new().text("type", "json_schema").raw("schema", inner.raw).end();
    Ok(out.raw("output_config", &Object::new().raw("format", &wanted).end()))
}

/// The instructions before the conversation, and its turns.
fn conversation(messages: &Node<'_>) -> Result<(Vec<String>, String), Lost> {
    let messages = messages.items().ok_or_else(|| Lost::new("messages", NOT_AS_DESCRIBED))?;
    let (mut system, mut turns) = (Vec::new(), Turns::default());
    for (at, message) in messages.iter().enumerate() {
        let at = format!("messages.{at}");
        let mut members = Members::of(message, &at)?;
        match members.word("role")?.as_str() {
            "system" | "developer" if turns.is_empty() => {
                let way = members.way("content");
                system.extend(texts(members.need("content")?, &way)?);
            }
            "system" | "developer" => return Err(Lost::new(members.way("role"), SYSTEM_FIRST)),
            "user" => {
                let content = user_content(&mut members)?;
                turns.add("user", &content);
            }
            "assistant" => {
                let content = assistant(&mut members)?;
                turns.add("assistant", &content);
            }
            "tool" => {
                let result = tool_result(&mut members)?;
                turns.add_result(result);
            }
            _ => return Err(Lost::new(members.way("role"), NO_COUNTERPART)),
        }
        members.end()?;
    }
    if turns.ends_with("assistant") {
        return Err(Lost::new("messages", PREFILLED));
    }
    Ok((system, turns.end()))
}

fn text_block(raw: &str) -> String {
    Object::new().text("type", "text").raw("text", raw).end()
}

/// Content that is text alone and stands at `at`, as blocks.
fn texts(content: &Node<'_>, at: &str) -> Result<Vec<String>, Lost> {
    match &content.value {
        Value::String(_) => Ok(vec![text_block(content.raw)]),
        Value::Array(parts) => {
            let part = |(number, part): (usize, &Node<'_>)| {
                let mut part = Members::of(part, &format!("{at}.{number}"))?;
                if part.word("type")? != "text" {
                    return Err(Lost::new(part.way("type"), NO_TEXT));
                }
                let block = text_block(part.need_string("text")?);
                part.end()?;
                Ok(block)
            };
            parts.iter().enumerate().map(part).collect()
        }
        _ => Err(Lost::new(at, NOT_AS_DESCRIBED)),
    }
}

fn user_content(members: &mut Members<'_, '_>) -> Result<Vec<String>, Lost> {
    let at = members.way("content");
    let content = members.need("content")?;
    match &content.value {
        Value::String(_) => Ok(vec![text_block(content.raw)]),
        Value::Array(parts) => {
            let parts = parts.iter().enumerate();
            parts.map(|(number, node)| part(node, &format!("{at}.{number}"))).collect()
        }
        _ => Err(Lost::new(at, NOT_AS_DESCRIBED)),
    }
}

fn part(node: &Node<'_>, at: &str) -> Result<String, Lost> {
    let mut part = Members::of(node, at)?;
    let block = match part.word("type")?.as_str() {
        "text" => text_block(part.need_string("text")?),
        "image_url" => {
            let mut image = Members::of(part.need("image_url")?, &part.way("image_url"))?;
            image.nothing("detail", |node| node.text().as_deref() == Some("auto"), NO_COUNTERPART)?;
            let url = image.need("url")?;
            let text = url.text().ok_or_else(|| Lost::new(image.way("url"), NOT_AS_DESCRIBED))?;
            let source = source(&text).ok_or_else(|| {
                Lost::new(image.way("url"), "only https addresses and data:image/…;base64 can be translated")
            })?;
            image.end()?;
            Object::new().text("type", "image").raw("source", &source).end()
        }
        _ => return Err(Lost::new(part.way("type"), "only text and pictures can be translated")),
    };
    part.end()?;
    Ok(block)
}

fn source(url: &str) -> Option<String> {
    if url.starts_with("https://") {
        return Some(Object::new().text("type", "url").text("url", url).end());
    }
    let (media_type, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let kind = media_type.strip_prefix("image/")?;
    let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_kind
        .then(|| Object::new().text("type", "base64").text("media_type", media_type).text("data", data).end())
}

fn assistant(members: &mut Members<'_, '_>) -> Result<Vec<String>, Lost> {
    let calls = members.list("tool_calls")?;
    members.nothing("refusal", Node::is_empty, NO_COUNTERPART)?;
    members.nothing("annotations", Node::is_empty, NO_COUNTERPART)?;
    let at = members.way("content");
    let mut blocks = match members.take("content") {
        None if calls.is_empty() => return Err(Lost::new(at, "it is missing")),
        None => Vec::new(),
        // The other interface has no empty text, and calls alone say the same.
        Some(content) if content.is_empty() && !calls.is_empty() => Vec::new(),
        Some(content) => texts(content, &at)?,
    };
    blocks.extend(tool_uses(members, calls)?);
    Ok(blocks)
}

fn tool_uses(members: &Members<'_, '_>, calls: &[Node<'_>]) -> Result<Vec<String>, Lost> {
    let use_of = |(number, call): (usize, &Node<'_>)| {
        let mut call = Members::of(call, &format!("{}.{number}", members.way("tool_calls")))?;
        let id = call.need_string("id")?;
        if call.word("type")? != "function" {
            return Err(Lost::new(call.way("type"), NO_COUNTERPART));
        }
        let mut function = Members::of(call.need("function")?, &call.way("function"))?;
        call.end()?;
        let name = function.need_string("name")?;
        let arguments = function.word("arguments")?;
        let input = input(&arguments).ok_or_else(|| {
            Lost::new(function.way("arguments"), "only a JSON object can be a tool's input")
        })?;
        function.end()?;
        let block = Object::new().text("type", "tool_use").raw("id", id).raw("name", name);
        Ok(block.raw("input", &input).end())
    };
    calls.iter().enumerate().map(use_of).collect()
}

/// What a tool was called with, as the object that it is. Models write nothing where a tool takes nothing.
pub(crate) fn input(arguments: &str) -> Option<Cow<'_, str>> {
    if arguments.trim().is_empty() {
        return Some(Cow::Borrowed("{}"));
    }
    let node = Node::parse(arguments.as_bytes(), &super::inner_limits(arguments.len())).ok()?;
    node.is_object().then(|| Cow::Owned(node.raw.to_owned()))
}

fn tool_result(members: &mut Members<'_, '_>) -> Result<String, Lost> {
    let call = members.need_string("tool_call_id")?;
    let at = members.way("content");
    let content = members.need("content")?;
    let content = match &content.value {
        Value::String(_) => content.raw.to_owned(),
        Value::Array(_) => list(&texts(content, &at)?),
        _ => return Err(Lost::new(at, NOT_AS_DESCRIBED)),
    };
    let result = Object::new().text("type", "tool_result").raw("tool_use_id", call);
    Ok(result.raw("content", &content).end())
}
