//! Each member of either interface: what becomes of it, or the name by which it is refused.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tabellion_mask::json::Limits;

use super::*;

const NAMED_LIMIT: u64 = 4_096;

fn to(api: Interface) -> Translation {
    Translation { to: api, created_s: 1_767_225_600, max_tokens: NAMED_LIMIT, ask_usage: true }
}

fn request(api: Interface, body: &Value) -> Result<(Value, u64), String> {
    let body = Bytes::from(body.to_string());
    let translated = to(api).request(&body, &Limits::default()).map_err(|refusal| {
        assert_eq!(refusal.code, Code::NotTranslatable, "{}", refusal.reason);
        refusal.reason.to_string()
    });
    translated.map(|(bytes, limit)| (serde_json::from_slice(&bytes).expect("JSON"), limit))
}

/// A chat with more members.
fn chat(more: &Value) -> Value {
    merged(json!({ "model": "m", "messages": [{ "role": "user", "content": "Hello" }] }), more)
}

/// A message with more members.
fn message(more: &Value) -> Value {
    merged(
        json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": "Hello" }] }),
        more,
    )
}

fn merged(mut body: Value, more: &Value) -> Value {
    let members = more.as_object().expect("members");
    body.as_object_mut().expect("an object").extend(members.clone());
    body
}

fn said(text: &str) -> Value {
    json!([{ "role": "user", "content": [{ "type": "text", "text": text }] }])
}

/// Requirement: G01.
#[test]
fn each_member_of_a_chat_becomes_its_counterpart() {
    let schema = json!({ "type": "object", "properties": { "z": { "type": "string" }, "a": {} } });
    for (more, due) in [
        (json!({}), json!({})),
        (json!({ "max_completion_tokens": 5 }), json!({ "max_tokens": 5 })),
        (json!({ "max_tokens": 5, "max_completion_tokens": 5 }), json!({ "max_tokens": 5 })),
        (json!({ "temperature": 1, "top_p": 0.25 }), json!({ "temperature": 1, "top_p": 0.25 })),
        (json!({ "stop": "x" }), json!({ "stop_sequences": ["x"] })),
        (json!({ "stop": ["x", "y"] }), json!({ "stop_sequences": ["x", "y"] })),
        (json!({ "user": "u" }), json!({ "metadata": { "user_id": "u" } })),
        (json!({ "safety_identifier": "u", "user": "u" }), json!({ "metadata": { "user_id": "u" } })),
        (json!({ "stream": true, "stream_options": { "include_usage": true } }), json!({ "stream": true })),
        (
            json!({ "stream": false, "n": 1, "seed": null, "logprobs": false, "store": false, "logit_bias": {}, "modalities": ["text"],
                "presence_penalty": 0, "frequency_penalty": 0.0, "service_tier": "auto", "reasoning_effort": "none",
                "response_format": { "type": "text" }, "prompt_cache_key": "k", "parallel_tool_calls": false }),
            json!({}),
        ),
        (
            json!({ "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "parameters": schema, "strict": true } }] }),
            json!({ "tools": [{ "name": "f", "description": "d", "input_schema": schema, "strict": true }] }),
        ),
        (
            json!({ "tools": [{ "type": "function", "function": { "name": "f" } }], "parallel_tool_calls": false }),
            json!({ "tools": [{ "name": "f", "input_schema": { "type": "object", "properties": {} } }],
                "tool_choice": { "type": "auto", "disable_parallel_tool_use": true } }),
        ),
        (json!({ "tool_choice": "required" }), json!({ "tool_choice": { "type": "any" } })),
        (json!({ "tool_choice": "none" }), json!({ "tool_choice": { "type": "none" } })),
        (
            json!({ "tool_choice": { "type": "function", "function": { "name": "f" } }, "parallel_tool_calls": true }),
            json!({ "tool_choice": { "type": "tool", "name": "f" } }),
        ),
        (
            json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "n", "strict": true, "schema": schema } } }),
            json!({ "output_config": { "format": { "type": "json_schema", "schema": schema } } }),
        ),
    ] {
        let (sent, limit) =
            request(Interface::Anthropic, &chat(&more)).unwrap_or_else(|why| panic!("{more}: {why}"));
        let plain = json!({ "model": "m", "max_tokens": NAMED_LIMIT, "messages": said("Hello") });
        assert_eq!(sent, merged(plain, &due), "{more}");
        assert_eq!(sent["max_tokens"], limit, "what is reserved of budgets is what may come");
    }
}

/// Requirement: G01.
#[test]
fn each_member_of_a_message_becomes_its_counterpart() {
    let schema = json!({ "type": "object", "properties": { "z": { "type": "string" }, "a": {} } });
    for (more, due) in [
        (json!({}), json!({})),
        (json!({ "temperature": 0.5, "top_p": 1 }), json!({ "temperature": 0.5, "top_p": 1 })),
        (json!({ "stop_sequences": ["x"] }), json!({ "stop": ["x"] })),
        (json!({ "metadata": { "user_id": "u" } }), json!({ "user": "u" })),
        (json!({ "stream": true }), json!({ "stream": true, "stream_options": { "include_usage": true } })),
        (json!({ "stream": false, "thinking": { "type": "disabled" }, "service_tier": "auto" }), json!({})),
        (
            json!({ "tools": [{ "name": "f", "description": "d", "input_schema": schema, "cache_control": { "type": "ephemeral" } }] }),
            json!({ "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "parameters": schema } }] }),
        ),
        (
            json!({ "tool_choice": { "type": "any", "disable_parallel_tool_use": true } }),
            json!({ "tool_choice": "required", "parallel_tool_calls": false }),
        ),
        (json!({ "tool_choice": { "type": "none" } }), json!({ "tool_choice": "none" })),
        (
            json!({ "tool_choice": { "type": "tool", "name": "f" } }),
            json!({ "tool_choice": { "type": "function", "function": { "name": "f" } } }),
        ),
        (
            json!({ "output_config": { "format": { "type": "json_schema", "schema": schema } } }),
            json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "answer", "strict": true, "schema": schema } } }),
        ),
    ] {
        let (sent, limit) =
            request(Interface::OpenAi, &message(&more)).unwrap_or_else(|why| panic!("{more}: {why}"));
        let plain = json!({ "model": "m", "max_completion_tokens": 9, "messages": [{ "role": "user", "content": "Hello" }] });
        assert_eq!((sent, limit), (merged(plain, &due), 9), "{more}");
    }
    let system = json!({ "system": [{ "type": "text", "text": "Be kind", "cache_control": { "type": "ephemeral" } }] });
    let (sent, _) = request(Interface::OpenAi, &message(&system)).expect("instructions");
    assert_eq!(
        sent["messages"][0],
        json!({ "role": "system", "content": "Be kind" }),
        "one text is a string: not every server reads parts"
    );
}

fn turn(turn: &Value) -> Value {
    json!({ "messages": [{ "role": "user", "content": "x" }, turn, { "role": "user", "content": "y" }] })
}

fn part(part: &Value) -> Value {
    json!({ "messages": [{ "role": "user", "content": [part] }] })
}

/// What has no counterpart is refused by its name, and nothing of what it holds is repeated.
#[test]
fn what_a_message_cannot_say_is_refused_by_its_name() {
    for (more, name) in [
        (json!({ "n": 2 }), "n "),
        (json!({ "seed": 7 }), "seed"),
        (json!({ "logprobs": true }), "logprobs"),
        (json!({ "top_logprobs": 2 }), "top_logprobs"),
        (json!({ "temperature": 1.5 }), "temperature"),
        (json!({ "presence_penalty": 0.5 }), "presence_penalty"),
        (json!({ "logit_bias": { "1": 1 } }), "logit_bias"),
        (json!({ "max_tokens": 5, "max_completion_tokens": 6 }), "max_tokens"),
        (json!({ "user": "a", "safety_identifier": "b" }), "user"),
        (json!({ "reasoning_effort": "high" }), "reasoning_effort"),
        (json!({ "modalities": ["text", "audio"] }), "modalities"),
        (json!({ "audio": { "voice": "x" } }), "audio"),
        (json!({ "store": true }), "store"),
        (json!({ "response_format": { "type": "json_object" } }), "response_format.type"),
        (
            json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": {}, "description": "d" } } }),
            "response_format.json_schema.description",
        ),
        (json!({ "functions": [{ "name": "f" }] }), "functions"),
        (json!({ "web_search_options": {} }), "web_search_options"),
        (json!({ "tools": [{ "type": "custom", "custom": { "name": "f" } }] }), "tools.0.type"),
        (json!({ "some_new_member": 1 }), "some_new_member"),
        (json!({ "ada@example.org": 1 }), "unrecognised"),
        (turn(&json!({ "role": "system", "content": "late" })), "messages.1.role"),
        (turn(&json!({ "role": "function", "name": "f", "content": "x" })), "messages.1.role"),
        (turn(&json!({ "role": "assistant", "content": "x", "name": "Ada" })), "messages.1.name"),
        (turn(&json!({ "role": "assistant", "content": null, "refusal": "no" })), "messages.1.refusal"),
        (
            turn(
                &json!({ "role": "assistant", "tool_calls": [{ "id": "c", "type": "function", "function": { "name": "f", "arguments": "[1]" } }] }),
            ),
            "messages.1.tool_calls.0.function.arguments",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": "x" }, { "role": "assistant", "content": "so" }] }),
            "messages ",
        ),
        (part(&json!({ "type": "input_audio", "input_audio": {} })), "messages.0.content.0.type"),
        (
            part(&json!({ "type": "image_url", "image_url": { "url": "http://x.example/a.png" } })),
            "messages.0.content.0.image_url.url",
        ),
        (
            part(
                &json!({ "type": "image_url", "image_url": { "url": "https://x.example/a.png", "detail": "high" } }),
            ),
            "messages.0.content.0.image_url.detail",
        ),
    ] {
        let why = request(Interface::Anthropic, &chat(&more))
            .err()
            .unwrap_or_else(|| panic!("{more} was dropped in silence"));
        assert!(why.starts_with(name), "{more}: {why}");
        assert!(!why.contains("example"), "what was sent is repeated: {why}");
    }
}

#[test]
fn what_a_chat_cannot_say_is_refused_by_its_name() {
    for (more, name) in [
        (json!({ "top_k": 5 }), "top_k"),
        (json!({ "thinking": { "type": "enabled", "budget_tokens": 2000 } }), "thinking"),
        (json!({ "output_config": { "effort": "low" } }), "output_config.effort"),
        (json!({ "service_tier": "standard_only" }), "service_tier"),
        (json!({ "metadata": { "user_id": "u", "more": 1 } }), "metadata.more"),
        (json!({ "container": "c" }), "container"),
        (json!({ "mcp_servers": [{}] }), "mcp_servers"),
        (json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }), "tools.0.type"),
        (
            turn(
                &json!({ "role": "assistant", "content": [{ "type": "thinking", "thinking": "t", "signature": "s" }] }),
            ),
            "messages.1.content.0.type",
        ),
        (
            turn(
                &json!({ "role": "assistant", "content": [{ "type": "tool_use", "id": "c", "name": "f", "input": {} }, { "type": "text", "text": "x" }] }),
            ),
            "messages.1.content.1.type",
        ),
        (part(&json!({ "type": "document", "source": {} })), "messages.0.content.0.type"),
        (part(&json!({ "type": "text", "text": "x", "citations": [{}] })), "messages.0.content.0.citations"),
        (
            part(&json!({ "type": "tool_result", "tool_use_id": "c", "content": "x", "is_error": true })),
            "messages.0.content.0.is_error",
        ),
        (
            part(
                &json!({ "type": "tool_result", "tool_use_id": "c", "content": [{ "type": "image", "source": {} }] }),
            ),
            "messages.0.content.0.content.0.type",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": "x" }, { "role": "assistant", "content": "so" }] }),
            "messages ",
        ),
    ] {
        let why = request(Interface::OpenAi, &message(&more))
            .err()
            .unwrap_or_else(|| panic!("{more} was dropped in silence"));
        assert!(why.starts_with(name), "{more}: {why}");
    }
}

/// A conversation with pictures and tools that were called at once.
#[test]
fn a_conversation_crosses_and_comes_back() {
    let picture = "data:image/png;base64,aGVsbG8=";
    let call = |id: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } });
    let written = "{\"b\": 1.50, \"a\":12345678901234567890123}";
    let chat = json!({
        "model": "m", "max_completion_tokens": 9,
        "messages": [
            { "role": "system", "content": "Be kind" },
            { "role": "user", "content": [
                { "type": "text", "text": "What is \"this\"?\n" },
                { "type": "image_url", "image_url": { "url": picture } },
                { "type": "image_url", "image_url": { "url": "https://x.example/a.png" } }
            ] },
            { "role": "assistant", "content": "I look", "tool_calls": [call("c1", written), call("c2", "{}")] },
            { "role": "tool", "tool_call_id": "c1", "content": "one" },
            { "role": "tool", "tool_call_id": "c2", "content": [{ "type": "text", "text": "two" }, { "type": "text", "text": "three" }] },
            { "role": "user", "content": "And?" }
        ]
    });
    let (there, _) = request(Interface::Anthropic, &chat).expect("everything has a counterpart");
    assert_eq!(there["system"], json!([{ "type": "text", "text": "Be kind" }]));
    let turns = there["messages"].as_array().expect("turns");
    assert_eq!(turns.len(), 4, "what two tools answered is one turn: {there}");
    assert_eq!(
        turns[0]["content"][1]["source"],
        json!({ "type": "base64", "media_type": "image/png", "data": "aGVsbG8=" })
    );
    assert_eq!(turns[2]["content"][1]["tool_use_id"], "c2");
    let bytes = Bytes::from(chat.to_string());
    let (sent, _) = to(Interface::Anthropic).request(&bytes, &Limits::default()).expect("the same");
    let sent_text = String::from_utf8(sent.to_vec()).expect("text");
    assert!(sent_text.contains(&format!("\"input\":{written}")), "a number was written anew: {sent_text}");
    let (back, _) = to(Interface::OpenAi).request(&sent, &Limits::default()).expect("and back");
    let back: Value = serde_json::from_slice(&back).expect("JSON");
    assert_eq!(back, chat, "something was lost on the way there or back");
}

fn answer(api: Interface, status: u16, body: &Value) -> Option<Value> {
    let body = Bytes::from(body.to_string());
    let translated = to(api).answer(&body, status, &Limits::default())?;
    Some(serde_json::from_slice(&translated).expect("JSON"))
}

#[test]
fn whole_answers_say_the_same_on_the_other_side() {
    let usage = json!({ "input_tokens": 3, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 5, "output_tokens": 7 });
    let message = |content: Value, reason: &str| {
        json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content,
            "stop_reason": reason, "stop_sequence": null, "usage": usage })
    };
    let blocks = json!([{ "type": "thinking", "thinking": "t", "signature": "s" }, { "type": "text", "text": "Hi " }, { "type": "text", "text": "you" },
        { "type": "tool_use", "id": "c", "name": "f", "input": { "b": 1 } }]);
    let chat = answer(Interface::Anthropic, 200, &message(blocks, "tool_use")).expect("an answer");
    let choice = &chat["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &json!("Hi you"))
    );
    assert_eq!(
        choice["message"]["tool_calls"][0]["function"],
        json!({ "name": "f", "arguments": "{\"b\":1}" })
    );
    assert_eq!(
        chat["usage"],
        json!({ "prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17, "prompt_tokens_details": { "cached_tokens": 5, "cache_write_tokens": 2 } })
    );
    assert_eq!((&chat["created"], &chat["model"]), (&json!(1_767_225_600), &json!("claude")));
    let back = answer(Interface::OpenAi, 200, &chat).expect("an answer");
    assert_eq!(
        back["content"],
        json!([{ "type": "text", "text": "Hi you" }, { "type": "tool_use", "id": "c", "name": "f", "input": { "b": 1 } }])
    );
    assert_eq!((&back["usage"], &back["stop_reason"]), (&usage, &json!("tool_use")));
    for (stop, finish) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("refusal", "content_filter"),
    ] {
        let chat =
            answer(Interface::Anthropic, 200, &message(json!([{ "type": "text", "text": "x" }]), stop))
                .expect("an answer");
        assert_eq!(chat["choices"][0]["finish_reason"], finish, "{stop}");
    }
    let strange = json!([{ "type": "server_tool_use", "id": "c", "name": "f", "input": {} }]);
    for wrong in [
        message(json!([]), "pause_turn"),
        message(json!([]), "another"),
        message(strange, "end_turn"),
        json!({ "id": "x", "type": "message", "model": "m", "content": [] }),
        json!({ "ok": true }),
    ] {
        assert_eq!(answer(Interface::Anthropic, 200, &wrong), None, "passed on as an answer: {wrong}");
    }
}

#[test]
fn answers_of_chats_that_are_not_understood_are_none() {
    let chat = |message: Value, reason: &str| {
        json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m", "system_fingerprint": "fp",
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }] })
    };
    let plain = answer(
        Interface::OpenAi,
        200,
        &chat(json!({ "role": "assistant", "content": "x", "reasoning_content": "hm" }), "stop"),
    )
    .expect("an answer");
    assert_eq!(plain["content"], json!([{ "type": "text", "text": "x" }]), "what was thought has no place");
    assert_eq!(plain["usage"]["output_tokens"], Value::Null, "nothing was counted, and nothing is made up");
    let refused =
        answer(Interface::OpenAi, 200, &chat(json!({ "content": null, "refusal": "I cannot" }), "stop"))
            .expect("an answer");
    assert_eq!(
        (&refused["stop_reason"], &refused["content"][0]["text"]),
        (&json!("refusal"), &json!("I cannot"))
    );
    let two = json!({ "id": "c", "model": "m", "choices": [{ "message": { "content": "a" }, "finish_reason": "stop" }, { "message": { "content": "b" }, "finish_reason": "stop" }] });
    let call = |arguments: &str| json!({ "content": null, "tool_calls": [{ "id": "c", "type": "function", "function": { "name": "f", "arguments": arguments } }] });
    assert_eq!(
        answer(Interface::OpenAi, 200, &chat(call(""), "tool_calls")).expect("an answer")["content"][0]["input"],
        json!({})
    );
    for wrong in [
        two,
        chat(call("{\"a\":"), "tool_calls"),
        chat(call("[]"), "tool_calls"),
        chat(json!({ "content": "x", "audio": { "data": "" } }), "stop"),
        chat(json!({ "content": "x", "annotations": [{}] }), "stop"),
        chat(json!({ "content": "x" }), "another"),
    ] {
        assert_eq!(answer(Interface::OpenAi, 200, &wrong), None, "passed on as an answer: {wrong}");
    }
}

#[test]
fn errors_are_errors_of_the_callers_library() {
    let theirs = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "later" }, "request_id": "r" });
    assert_eq!(
        answer(Interface::Anthropic, 529, &theirs),
        Some(
            json!({ "error": { "message": "later", "type": "overloaded_error", "param": null, "code": null } })
        )
    );
    for theirs in [
        json!({ "error": { "message": "slow down", "type": "tokens", "code": "rate_limit" } }),
        json!({ "error": "slow down" }),
    ] {
        assert_eq!(
            answer(Interface::OpenAi, 429, &theirs),
            Some(json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "slow down" } }))
        );
    }
}

proptest! {
    /// Whatever text and input is said, it is the same after both ways, whole and streamed.
    #[test]
    fn texts_and_inputs_come_back_as_they_were(text in ".{1,40}", value in ".{0,40}", number in any::<i64>()) {
        let input = json!({ "b": value, "a": number });
        let content = json!([{ "type": "text", "text": text }, { "type": "tool_use", "id": "c", "name": "f", "input": input }]);
        let message = json!({ "id": "i", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "tool_use",
            "stop_sequence": null, "usage": { "input_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 2 } });
        let chat = answer(Interface::Anthropic, 200, &message).expect("an answer");
        prop_assert_eq!(answer(Interface::OpenAi, 200, &chat).expect("an answer"), message);
        let conversation = json!({ "model": "m", "max_tokens": 9, "messages": [
            { "role": "user", "content": [{ "type": "text", "text": text }] }, { "role": "assistant", "content": content },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c", "content": value }, { "type": "text", "text": text }] } ] });
        let (there, _) = request(Interface::OpenAi, &conversation).expect("a chat");
        let (back, _) = request(Interface::Anthropic, &there).expect("and back");
        // What tools answered and what is said after it are two turns on the way back; the provider reads them as one.
        prop_assert_eq!(&back["messages"][1], &conversation["messages"][1]);
        prop_assert_eq!(&back["messages"][2]["content"][0], &conversation["messages"][2]["content"][0]);
        prop_assert_eq!(&back["messages"][3]["content"][0], &conversation["messages"][2]["content"][1]);
    }
}
