//! Streams both ways: the same however they were cut, and cut off where they are not what they must be.

use serde_json::{Value, json};

use super::stream::Translator;
use crate::code::Code;
use crate::translate::Interface;

fn streamed(from: Interface, pieces: &[&[u8]]) -> (String, Result<(), Code>) {
    let mut translator = Translator::new(from, 1_767_225_600, 1 << 16);
    let mut out = Vec::new();
    let read = pieces
        .iter()
        .try_for_each(|piece| translator.push(piece, &mut out))
        .and_then(|()| translator.finish(&mut out));
    (String::from_utf8(out).expect("text"), read)
}

fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a name"))
}

fn message_stream() -> Vec<Value> {
    vec![
        json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
            "usage": { "input_tokens": 11, "output_tokens": 1 } } }),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "thinking", "thinking": "", "signature": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "thinking_delta", "thinking": "hm" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "text_delta", "text": "Grüße " } }),
        json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "text_delta", "text": "\"you\"" } }),
        json!({ "type": "content_block_stop", "index": 1 }),
        json!({ "type": "content_block_start", "index": 2, "content_block": { "type": "tool_use", "id": "c1", "name": "f", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 2, "delta": { "type": "input_json_delta", "partial_json": "{\"a\"" } }),
        json!({ "type": "content_block_delta", "index": 2, "delta": { "type": "input_json_delta", "partial_json": ": 1.50}" } }),
        json!({ "type": "content_block_stop", "index": 2 }),
        json!({ "type": "content_block_start", "index": 3, "content_block": { "type": "tool_use", "id": "c2", "name": "g", "input": {} } }),
        json!({ "type": "content_block_stop", "index": 3 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use", "stop_sequence": null }, "usage": { "output_tokens": 7 } }),
        json!({ "type": "message_stop" }),
    ]
}

fn written(events: &[Value]) -> String {
    events.iter().map(event).collect()
}

#[test]
fn a_message_streams_as_a_chat_and_back() {
    let (chat, read) = streamed(Interface::Anthropic, &[written(&message_stream()).as_bytes()]);
    assert_eq!(read, Ok(()));
    assert!(chat.ends_with("data: [DONE]\n\n"), "the library waits for the end: {chat}");
    let seen = events(&chat);
    let delta = |name: &str| -> String {
        seen.iter()
            .filter_map(|event| event["choices"][0]["delta"][name].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(delta("content"), "Grüße \"you\"");
    let calls: Vec<&Value> = seen
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| call.is_object())
        .collect();
    let arguments = |index: u64| -> String {
        calls
            .iter()
            .filter(|call| call["index"] == index)
            .filter_map(|call| call["function"]["arguments"].as_str())
            .collect()
    };
    assert_eq!((arguments(0).as_str(), arguments(1).as_str()), ("{\"a\": 1.50}", "{}"), "{chat}");
    assert!(!chat.contains("hm"), "what was thought has no place in a chat");
    let last = seen.last().expect("counts");
    assert_eq!(
        (&last["usage"]["prompt_tokens"], &last["usage"]["completion_tokens"]),
        (&json!(11), &json!(7))
    );
    let (message, read) = streamed(Interface::OpenAi, &[chat.as_bytes()]);
    assert_eq!(read, Ok(()));
    let kinds: Vec<Value> = events(&message).iter().map(|event| event["type"].clone()).collect();
    assert_eq!(kinds.first(), Some(&json!("message_start")));
    assert_eq!(kinds.iter().filter(|kind| *kind == "content_block_start").count(), 3, "{message}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "content_block_stop").count(), 3, "each block is over");
    let end = &events(&message)[kinds.len() - 2];
    assert_eq!(
        (&end["delta"]["stop_reason"], &end["usage"]["input_tokens"]),
        (&json!("tool_use"), &json!(11))
    );
}

#[test]
fn the_same_comes_out_however_the_bytes_were_cut() {
    let message = written(&message_stream());
    let (chat, _) = streamed(Interface::Anthropic, &[message.as_bytes()]);
    for (api, stream) in [(Interface::Anthropic, message.as_bytes()), (Interface::OpenAi, chat.as_bytes())] {
        let whole = streamed(api, &[stream]);
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            assert_eq!(streamed(api, &[head, tail]), whole, "{api:?}: cut at {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(streamed(api, &bytes), whole, "{api:?}: byte by byte");
        for end in 0..stream.len().saturating_sub(2) {
            let (_, read) = streamed(api, &[&stream[..end]]);
            let is_whole = api == Interface::OpenAi
                && stream[..end].windows(13).any(|window| window == b"\"tool_calls\"}");
            assert!(read.is_err() || is_whole, "{api:?}: a stream that ends at {end} passed for whole");
        }
    }
}

#[test]
fn hostile_streams_of_messages_are_cut() {
    let edited = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut events = message_stream();
        edit(&mut events);
        streamed(Interface::Anthropic, &[written(&events).as_bytes()]).1
    };
    let malformed = Err(Code::UpstreamMalformed);
    assert_eq!(
        edited(&|events| events.insert(1, json!({ "type": "surprise" }))),
        malformed,
        "an event of another kind"
    );
    assert_eq!(edited(&|events| drop(events.remove(0))), malformed, "no beginning");
    assert_eq!(edited(&|events| drop(events.remove(8))), malformed, "a block begins within another");
    assert_eq!(edited(&|events| events.swap(10, 13)), malformed, "two blocks are mixed");
    assert_eq!(
        edited(&|events| events[10]["index"] = json!(1)),
        malformed,
        "a piece of a block that is over"
    );
    assert_eq!(
        edited(&|events| events[10]["delta"] = json!({ "type": "text_delta", "text": "x" })),
        malformed,
        "text in a call"
    );
    assert_eq!(
        edited(&|events| events[15]["delta"]["stop_reason"] = json!("pause_turn")),
        malformed,
        "a reason without counterpart"
    );
    assert_eq!(edited(&|events| drop(events.remove(15))), malformed, "an end without its reason");
    assert_eq!(edited(&|events| drop(events.pop())), Err(Code::UpstreamBrokeOff), "no end");
    assert_eq!(
        edited(&|events| events[0]["message"]["id"] = json!("x".repeat(600))),
        malformed,
        "each event would repeat it"
    );
    let long = vec![b'x'; (1 << 16) + 1];
    assert_eq!(streamed(Interface::Anthropic, &[&long]).1, Err(Code::UpstreamTooLarge), "a line without end");
    let error =
        event(&json!({ "type": "error", "error": { "type": "overloaded_error", "message": "later" } }));
    let (out, read) = streamed(Interface::Anthropic, &[error.as_bytes()]);
    assert_eq!((events(&out)[0]["error"]["message"].as_str(), read), (Some("later"), Ok(())));
}

fn chunk(delta: &Value, reason: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
    format!(
        "data: {}\n\n",
        json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] })
    )
}

fn call(index: u64, id: Option<&str>, arguments: &str) -> Value {
    let name = id.map(|_| "f");
    json!({ "tool_calls": [{ "index": index, "id": id, "function": { "name": name, "arguments": arguments } }] })
}

#[test]
fn hostile_streams_of_chats_are_cut() {
    let said = chunk(&json!({ "role": "assistant", "content": "Hi" }), None);
    let (first, second) = (chunk(&call(0, Some("a"), ""), None), chunk(&call(1, Some("b"), ""), None));
    let stop = chunk(&json!({}), Some("stop"));
    let done = "data: [DONE]\n\n";
    let two = json!({ "id": "c", "model": "m", "choices": [{ "index": 0, "delta": {} }, { "index": 1, "delta": {} }] });
    let more = |index, id| chunk(&call(index, id, "{}"), None);
    for (stream, why) in [
        (format!("{said}{done}"), "an end without its reason"),
        (format!("{first}{second}{}", more(0, None)), "two calls are mixed"),
        (more(1, Some("a")), "a call out of order"),
        (more(0, None), "a call without a name"),
        (format!("{first}{said}{}", more(0, None)), "a call that goes on after text"),
        (format!("{first}{}", more(0, Some("z"))), "a call of another identifier"),
        (format!("{stop}{said}"), "text after the reason to stop"),
        (format!("{stop}{}", chunk(&json!({}), Some("length"))), "two reasons"),
        (chunk(&json!({}), Some("surprise")), "a reason without counterpart"),
        (chunk(&json!({ "audio": { "data": "x" } }), None), "what is no text"),
        (format!("data: {two}\n\n"), "two answers"),
        ("data: {}\n\n".to_owned(), "no chunk"),
        ("data: {\"a\":\n\n".to_owned(), "no JSON"),
    ] {
        assert_eq!(
            streamed(Interface::OpenAi, &[stream.as_bytes()]).1,
            Err(Code::UpstreamMalformed),
            "{why}"
        );
    }
    assert_eq!(streamed(Interface::OpenAi, &[said.as_bytes()]).1, Err(Code::UpstreamBrokeOff), "no end");
    let whole = [said, stop].concat();
    let (out, read) = streamed(Interface::OpenAi, &[whole.as_bytes()]);
    assert!(
        read == Ok(()) && out.contains("message_stop"),
        "some providers close without a last event: {out}"
    );
}
