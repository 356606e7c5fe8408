//! Answers of each interface as clients put them together, and those of which two readings are possible.

use serde_json::json;

use super::*;

const CHAT: Surface = Surface::OpenAiChat;
const RESPONSES: Surface = Surface::OpenAiResponses;
const MESSAGES: Surface = Surface::AnthropicMessages;

fn whole(surface: Surface, said: &Value) -> Answered {
    let mut answered = Answered::default();
    answered.take(surface, true, said.to_string().as_bytes());
    answered
}

fn stream(surface: Surface, events: &[Value]) -> Answered {
    let mut answered = Answered::default();
    for event in events {
        answered.take(surface, false, event.to_string().as_bytes());
    }
    answered
}

fn calls(answered: &Answered) -> Vec<(&str, &str)> {
    assert!(!answered.is_unreadable());
    answered.calls().into_iter().collect()
}

fn texts(answered: &Answered) -> Vec<String> {
    assert!(!answered.is_unreadable());
    answered.texts()
}

fn piece(choice: usize, delta: &Value) -> Value {
    json!({ "choices": [{ "index": choice, "delta": delta, "message": null }] })
}

#[test]
fn a_whole_chat_is_read_by_where_its_choices_stand() {
    let chat = json!({ "choices": [
        { "index": 1, "message": { "content": "{}", "refusal": null } },
        { "index": 1, "message": { "content": [{ "type": "text", "text": "[1" }, { "type": "text", "text": "]" }] } },
        { "index": 2, "message": { "content": null, "tool_calls": [
            { "index": 0, "function": { "name": "f", "arguments": "{\"a\":1}" } },
            { "index": 0, "function": { "name": "g", "arguments": [1] } }, { "custom": { "name": "c", "input": "free" } }] } },
        { "index": 3, "message": { "content": null, "refusal": "I will not." } },
    ] });
    let answered = whole(CHAT, &chat);
    assert_eq!(texts(&answered), ["{}", "[1]", ""], "choices of one index were one text");
    assert_eq!(
        calls(&answered),
        [("c", "{}"), ("f", "{\"a\":1}"), ("g", "?")],
        "one call of two at one index, or a list for none"
    );
}

#[test]
fn a_chat_in_pieces_is_put_together_by_index() {
    let call = |name: Value, piece: &str| json!({ "tool_calls": [{ "index": 4, "function": { "name": name, "arguments": piece } }] });
    let answered = stream(
        CHAT,
        &[
            piece(0, &json!({ "role": "assistant", "content": "" })),
            piece(1, &json!({ "content": "[" })),
            piece(0, &json!({ "content": "{" })),
            piece(1, &call(json!("f"), "{\"a\"")),
            piece(0, &json!({ "content": "}" })),
            piece(1, &call(Value::Null, ":1}")),
            json!({ "choices": [], "usage": { "prompt_tokens": 1 } }),
        ],
    );
    assert_eq!(texts(&answered), ["{}", "["], "text beside a call has to be JSON as well");
    assert_eq!(calls(&answered), [("f", "{\"a\":1}")]);
}

#[test]
fn a_response_is_put_together_from_all_that_says_it() {
    let message =
        |text: &str| json!({ "type": "message", "content": [{ "type": "output_text", "text": text }] });
    let call = json!({ "type": "function_call", "name": "f", "arguments": "{}" });
    let response = json!({ "object": "response", "output": [{ "type": "reasoning", "summary": [] }, message("{}"), call] });
    let answered = whole(RESPONSES, &response);
    assert_eq!((texts(&answered), calls(&answered)), (vec!["{}".to_owned()], vec![("f", "{}")]));
    let event = |kind: &str, member: &str, value: Value| json!({ "type": format!("response.{kind}"), "output_index": 1, member: value });
    let answered = stream(
        RESPONSES,
        &[
            json!({ "type": "response.created", "response": { "output": [] } }),
            event("output_text.delta", "delta", json!("1")),
            event("output_text.delta", "delta", json!("2")),
            event("output_text.done", "text", json!("3")),
            event("content_part.done", "part", json!({ "type": "output_text", "text": "4" })),
            event("output_item.done", "item", message("5")),
            event(
                "output_item.added",
                "item",
                json!({ "type": "function_call", "name": "f", "arguments": "" }),
            ),
            event("function_call_arguments.delta", "delta", json!("[6]")),
            event("function_call_arguments.done", "arguments", json!("[7]")),
            event(
                "output_item.done",
                "item",
                json!({ "type": "function_call", "name": "g", "arguments": "[8]" }),
            ),
            json!({ "type": "response.completed", "response": { "output": [message("9"), call] } }),
        ],
    );
    assert_eq!(texts(&answered), ["12", "3", "4", "5", "9"], "who reads one of them reads something unseen");
    assert_eq!(calls(&answered), [("f", "[6]"), ("f", "[7]"), ("f", "{}"), ("g", "[8]")]);
}

#[test]
fn a_text_beside_the_items_of_a_response_is_read_as_well() {
    let message = json!({ "type": "message", "content": [{ "type": "output_text", "text": "{}" }] });
    let with = |beside: Value| json!({ "object": "response", "output": [message], "output_text": beside });
    assert_eq!(texts(&whole(RESPONSES, &with(json!("{}")))), ["{}"]);
    assert_eq!(texts(&whole(RESPONSES, &with(Value::Null))), ["{}"]);
    assert_eq!(
        texts(&whole(RESPONSES, &with(json!("no")))),
        ["{}", "no"],
        "who reads it alone reads something unseen"
    );
    let alone = json!({ "object": "response", "output": [], "output_text": "no" });
    assert_eq!(texts(&whole(RESPONSES, &alone)), ["no"]);
    let ends = |beside: Value| json!({ "type": "response.completed", "response": with(beside) });
    assert_eq!(texts(&stream(RESPONSES, &[ends(json!("no"))])), ["{}", "no"]);
    assert!(whole(RESPONSES, &with(json!(["no"]))).is_unreadable());
    let begins = json!({ "type": "response.created", "response": { "output": [], "output_text": "no" } });
    assert!(stream(RESPONSES, &[begins]).is_unreadable(), "what came before its time");
}

#[test]
fn a_message_is_put_together_from_its_blocks() {
    let message = json!({ "type": "message", "choices": [{ "message": { "content": "[]" } }],
        "content": [{ "type": "thinking", "thinking": "x" }, { "type": "text", "text": "{" },
            { "type": "text", "text": "}" }, { "type": "tool_use", "name": "f", "input": { "a": "b\"" } }] });
    let answered = whole(MESSAGES, &message);
    assert_eq!(texts(&answered), ["{}"], "read as an answer of another interface");
    assert_eq!(calls(&answered), [("f", "{\"a\":\"b\\\"\"}")]);
    let answered = stream(
        MESSAGES,
        &[
            json!({ "type": "message_start", "message": { "type": "message", "content": [] } }),
            begun(0, &json!({ "type": "text", "text": "" })),
            delta(0, &json!({ "type": "text_delta", "text": "{" })),
            begun(1, &json!({ "type": "tool_use", "name": "f", "input": {} })),
            delta(1, &json!({ "type": "input_json_delta", "partial_json": "{\"a\"" })),
            delta(1, &json!({ "type": "input_json_delta", "partial_json": ":1}" })),
            delta(0, &json!({ "type": "text_delta", "text": "}" })),
            begun(2, &json!({ "type": "server_tool_use", "name": "web_search", "input": {} })),
            delta(2, &json!({ "type": "input_json_delta", "partial_json": "{}" })),
            json!({ "type": "message_stop" }),
        ],
    );
    assert_eq!((texts(&answered), calls(&answered)), (vec!["{}".to_owned()], vec![("f", "{\"a\":1}")]));
}

fn begun(at: usize, block: &Value) -> Value {
    json!({ "type": "content_block_start", "index": at, "content_block": block })
}

fn delta(at: usize, delta: &Value) -> Value {
    json!({ "type": "content_block_delta", "index": at, "delta": delta })
}

#[test]
fn what_readers_take_for_different_answers_is_unreadable() {
    let tool = |id: &str, name: &str| {
        piece(
            0,
            &json!({ "tool_calls": [{ "index": 0, "id": id, "function": { "name": name, "arguments": "" } }] }),
        )
    };
    let text = || begun(0, &json!({ "type": "text", "text": "{}" }));
    let cases = [
        (CHAT, vec![json!({ "choices": [{ "delta": { "content": "{}" }, "message": { "content": "x" } }] })]),
        (CHAT, vec![piece(0, &json!({ "content": { "text": "x" } }))]),
        (CHAT, vec![tool("a", "f"), tool("b", "f")]),
        (CHAT, vec![tool("a", "f"), tool("", "g")]),
        (RESPONSES, vec![json!({ "object": "response", "output": [] })]),
        (
            RESPONSES,
            vec![json!({ "type": "response.created", "response": { "output": [{ "type": "message" }] } })],
        ),
        (MESSAGES, vec![text(), text()]),
        (MESSAGES, vec![delta(0, &json!({ "type": "text_delta", "text": "x" }))]),
        (MESSAGES, vec![json!({ "type": "message", "content": [] })]),
        (
            MESSAGES,
            vec![
                json!({ "type": "message_start", "message": { "content": [{ "type": "text", "text": "x" }] } }),
            ],
        ),
    ];
    for (surface, events) in cases {
        assert!(stream(surface, &events).is_unreadable(), "{events:?} is read as one of two answers");
    }
    let nested = (0..127).fold(json!(1), |inner, _| json!([inner]));
    let deep =
        json!({ "type": "message", "content": [{ "type": "tool_use", "name": "f", "input": nested }] });
    for (surface, said) in [
        (CHAT, json!({ "choices": [{ "message": { "content": "{}" }, "delta": { "content": "x" } }] })),
        (
            CHAT,
            json!({ "choices": [{ "message": { "content": [{ "type": "text", "text": { "value": "x" } }] } }] }),
        ),
        (MESSAGES, json!({ "type": "message", "content": "x" })),
        (MESSAGES, deep),
    ] {
        assert!(whole(surface, &said).is_unreadable(), "{surface:?} is read as one of two answers");
    }
}

#[test]
fn an_answer_of_which_nothing_is_known_has_no_json() {
    assert_eq!(stream(CHAT, &[]).texts(), [""]);
    assert_eq!(stream(MESSAGES, &[json!({ "type": "ping" })]).texts(), [""]);
    assert_eq!(
        stream(RESPONSES, &[json!({ "type": "response.completed", "response": { "output": [] } })]).texts(),
        [""]
    );
    let blank = json!({ "choices": [{ "index": 0, "message": { "content": " \n" } }] });
    assert_eq!(whole(CHAT, &blank).texts(), [""]);
}
