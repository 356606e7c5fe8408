//! Streams as a provider sends them that has something to hide in them, through the relay and cut in several ways.

use hyper::header::HeaderValue;
use serde_json::{Value, json};
use tabellion_mask::{Classes, Scope, ScopeKey};

use super::super::{Flow, Relay};
use super::members::MAX_STRINGS;
use crate::answer::stream::Asked;
use crate::code::Code;
use crate::config::Limits;
use crate::surface::Surface;
use crate::upstream::told::KeySearch;

/// No character but the hyphen is there twice.
const KEY: &str = "sk-live-Qm7tZr2V";
/// Characters of it that pass, of a text and of all else.
const OF_TEXT: usize = 3;
const OF_OTHERS: usize = 7;

/// What went on of these bytes in pieces of `size`, and where the stream stands then.
fn relayed(surface: Surface, stream: &str, size: usize) -> (String, Result<Flow, Code>) {
    let asked = Asked { surface, usage_wanted: true, translation: None };
    let scope = Scope::new(&ScopeKey::new([7; 32]));
    let line = HeaderValue::from_str(&format!("Bearer {KEY}")).expect("a header's value");
    let mut relay = Relay::new(&Limits::default(), Classes::NONE, scope, asked, (None, None), None)
        .without_key(Some(KeySearch::new(&line)));
    let (mut out, mut flow) = (Vec::new(), Ok(Flow::Goes));
    for piece in stream.as_bytes().chunks(size) {
        flow = relay.push(piece, &mut out);
        if flow != Ok(Flow::Goes) {
            break;
        }
    }
    if flow == Ok(Flow::Whole) {
        out.extend(relay.take_held());
    }
    (String::from_utf8(out.concat()).expect("text"), flow)
}

/// Each piece of the key is in one of `events`, `most` of which may go on behind what stands before them.
fn goes_nowhere(surface: Surface, before: &str, events: &[String], most: usize) {
    let stream = [before, &events.concat()].concat();
    let allowed = before.len() + events.iter().take(most).map(String::len).sum::<usize>();
    for size in [1, 7, 4096] {
        let (out, flow) = relayed(surface, &stream, size);
        assert_eq!(flow, Err(Code::UpstreamMalformed), "by {size} it got out: {out}");
        assert!(stream.starts_with(&out) && out.len() <= allowed, "by {size} too much of it got out: {out}");
        assert!(out.starts_with(before), "by {size} what came before is kept back: {out}");
    }
}

/// One event for each character of the key.
fn letters(event: impl Fn(&str, usize) -> String) -> Vec<String> {
    KEY.char_indices().map(|(at, letter)| event(&letter.to_string(), at)).collect()
}

fn data(json: &Value) -> String {
    format!("data: {json}\n\n")
}

/// A chunk of a chat with one choice.
fn chunk(delta: &Value, reason: &Value) -> String {
    data(&json!({ "id": "c", "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }))
}

fn call(call: &Value) -> String {
    chunk(&json!({ "tool_calls": [call] }), &Value::Null)
}

fn message_event(kind: &str, index: usize, more: &Value) -> String {
    let mut event = json!({ "type": kind, "index": index });
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    format!("event: {kind}\n{}", data(&event))
}

fn text_delta(index: usize, text: &str) -> String {
    message_event("content_block_delta", index, &json!({ "delta": { "type": "text_delta", "text": text } }))
}

fn response_event(kind: &str, item: usize, more: &Value) -> String {
    let mut event =
        json!({ "type": format!("response.{kind}"), "output_index": item, "item_id": format!("i{item}") });
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    data(&event)
}

/// Requirement: G19. A reason to stop ends no text for the key's sake: clients put behind it what comes after it, whether the reason is empty, said with each piece, or said once.
#[test]
fn a_key_in_a_text_that_ends_and_goes_on_goes_nowhere() {
    let before = chunk(&json!({ "content": "Look: " }), &Value::Null);
    let reasons: [fn(usize) -> Value; 4] = [
        |_| json!(""),
        |_| json!("stop"),
        |at| if at == 5 { json!("stop") } else { Value::Null },
        |at| if at == 9 { json!("length") } else { json!("") },
    ];
    for reason in reasons {
        for member in ["content", "refusal", "reasoning_content"] {
            let events = letters(|letter, at| chunk(&json!({ member: letter }), &reason(at)));
            goes_nowhere(Surface::OpenAiChat, &before, &events, OF_TEXT);
        }
    }
    let done = letters(|letter, at| {
        let delta = response_event("output_text.delta", 0, &json!({ "content_index": 0, "delta": letter }));
        let done = response_event("output_text.done", 0, &json!({ "content_index": 0, "text": "x" }));
        if at == 5 { delta + &done } else { delta }
    });
    goes_nowhere(Surface::OpenAiResponses, "", &done, OF_TEXT);
    let stopped = letters(|letter, at| {
        let stop = message_event("content_block_stop", 0, &json!({}));
        if at == 5 { text_delta(0, letter) + &stop } else { text_delta(0, letter) }
    });
    goes_nowhere(Surface::AnthropicMessages, "", &stopped, OF_TEXT);
}

/// Requirement: G19. In a chat, whatever member brings it in pieces: names and ids of calls, tokens one by one, reasons, what nobody knows; with another choice or call between, or
/// two pieces in one event.
#[test]
fn a_key_in_members_of_a_chat_goes_nowhere() {
    let members: [fn(&str) -> String; 12] = [
        |letter| call(&json!({ "index": 0, "function": { "name": letter, "arguments": "" } })),
        |letter| call(&json!({ "index": 0, "id": letter })),
        |letter| call(&json!({ "index": 1, "custom": { "name": letter } })),
        |letter| chunk(&json!({ "function_call": { "name": letter } }), &Value::Null),
        |letter| chunk(&json!({ "annotations": [{ "title": letter }] }), &Value::Null),
        |letter| chunk(&json!({ "hidden": letter, "content": "x" }), &Value::Null),
        |letter| chunk(&json!({ "content": "x" }), &json!(letter)),
        |letter| data(&json!({ "id": letter, "choices": [] })),
        |letter| {
            let tokens = json!({ "content": [{ "token": letter, "top_logprobs": [{ "token": "x" }] }] });
            data(&json!({ "choices": [{ "index": 0, "delta": { "content": "x" }, "logprobs": tokens }] }))
        },
        |letter| {
            let tokens = json!({ "content": [{ "token": "x", "top_logprobs": [{ "token": letter }] }] });
            data(&json!({ "choices": [{ "index": 0, "delta": { "content": "x" }, "logprobs": tokens }] }))
        },
        |letter| {
            let of = |index: usize, name: &str| json!({ "index": index, "delta": { "tool_calls": [{ "index": 0, "function": { "name": name } }] } });
            data(&json!({ "choices": [of(0, letter)] })) + &data(&json!({ "choices": [of(1, "x")] }))
        },
        |letter| {
            let of = |index: usize, name: &str| json!({ "index": index, "function": { "name": name } });
            chunk(&json!({ "tool_calls": [of(1, "x"), of(0, letter)] }), &Value::Null)
        },
    ];
    for member in members {
        goes_nowhere(Surface::OpenAiChat, "", &letters(|letter, _| member(letter)), OF_OTHERS);
    }
    let of = |text: &str| json!({ "index": 0, "delta": { "content": text } });
    let pairs: Vec<String> = (0..KEY.len())
        .step_by(2)
        .map(|at| data(&json!({ "choices": [of(&KEY[at..=at]), of(&KEY[at + 1..at + 2])] })))
        .collect();
    goes_nowhere(Surface::OpenAiChat, "", &pairs, 1);
}

/// Requirement: G19. In a message: in each kind of delta, over the beginning of a block and its deltas, over blocks that follow each other or alternate, in a tool's name.
#[test]
fn a_key_in_members_of_a_message_goes_nowhere() {
    let delta =
        |index: usize, delta: Value| message_event("content_block_delta", index, &json!({ "delta": delta }));
    let start = |index: usize, block: Value| {
        message_event("content_block_start", index, &json!({ "content_block": block }))
    };
    let cases: Vec<(Vec<String>, usize)> = vec![
        (letters(|letter, _| delta(0, json!({ "type": "thinking_delta", "thinking": letter }))), OF_TEXT),
        (
            letters(|letter, _| delta(0, json!({ "type": "input_json_delta", "partial_json": letter }))),
            OF_TEXT,
        ),
        (letters(|letter, _| delta(0, json!({ "type": "signature_delta", "signature": letter }))), OF_OTHERS),
        (
            letters(|letter, _| {
                delta(0, json!({ "type": "citations_delta", "citation": { "title": letter } }))
            }),
            OF_OTHERS,
        ),
        (
            letters(|letter, _| start(0, json!({ "type": "tool_use", "name": letter, "input": {} }))),
            OF_OTHERS,
        ),
        (letters(|letter, at| start(at, json!({ "type": "text", "text": letter }))), OF_TEXT),
        (letters(|letter, at| text_delta(at, letter)), OF_TEXT),
        (letters(|letter, _| text_delta(0, letter) + &text_delta(1, "x")), OF_TEXT),
        (
            letters(|letter, at| {
                if at == 0 {
                    start(0, json!({ "type": "text", "text": letter }))
                } else {
                    text_delta(0, letter)
                }
            }),
            OF_TEXT,
        ),
    ];
    for (events, most) in cases {
        goes_nowhere(Surface::AnthropicMessages, "", &events, most);
    }
}

/// Requirement: G19. In a response: in pieces of each kind, known or not, over the beginning of an item and its pieces, in a function's name, with another item between.
#[test]
fn a_key_in_members_of_a_response_goes_nowhere() {
    let delta = |kind: &str, item: usize, text: &str| {
        response_event(&format!("{kind}.delta"), item, &json!({ "content_index": 0, "delta": text }))
    };
    let first =
        |events: Vec<String>, first: String| [vec![first], events.into_iter().skip(1).collect()].concat();
    let (one, _) = KEY.split_at(1);
    let part = response_event(
        "content_part.added",
        0,
        &json!({ "content_index": 0, "part": { "type": "output_text", "text": one } }),
    );
    let item = response_event(
        "output_item.added",
        0,
        &json!({ "item": { "type": "function_call", "arguments": one } }),
    );
    let texts = letters(|letter, _| delta("output_text", 0, letter));
    let calls =
        letters(|letter, _| response_event("function_call_arguments.delta", 0, &json!({ "delta": letter })));
    let cases: Vec<(Vec<String>, usize)> = vec![
        (texts.clone(), OF_TEXT),
        (letters(|letter, _| delta("reasoning_summary_text", 0, letter)), OF_TEXT),
        (letters(|letter, _| delta("audio.transcript", 0, letter)), OF_TEXT),
        (letters(|letter, at| delta("output_text", at, letter)), OF_TEXT),
        (letters(|letter, _| delta("output_text", 0, letter) + &delta("output_text", 1, "x")), OF_TEXT),
        (letters(|letter, _| delta("new", 0, letter) + &delta("newer", 0, "x")), OF_OTHERS),
        (first(texts, part), OF_OTHERS),
        (first(calls, item), OF_OTHERS),
        (
            letters(|letter, _| {
                response_event(
                    "output_item.added",
                    0,
                    &json!({ "item": { "type": "function_call", "name": letter } }),
                )
            }),
            OF_OTHERS,
        ),
        (
            letters(|letter, _| {
                response_event(
                    "output_text.delta",
                    0,
                    &json!({ "delta": "x", "logprobs": [{ "token": letter }] }),
                )
            }),
            OF_OTHERS,
        ),
    ];
    for (events, most) in cases {
        goes_nowhere(Surface::OpenAiResponses, "", &events, most);
    }
}

/// Requirement: G19. What stands beside the data: remarks, the ids and names of events, lines that nobody knows; over several events and over the lines of one.
#[test]
fn a_key_in_lines_beside_the_data_goes_nowhere() {
    let text = chunk(&json!({ "content": "x" }), &Value::Null);
    let lines: [fn(&str, &str) -> String; 7] = [
        |letter, _| format!(": {letter}\n\n"),
        |letter, _| format!(":{letter}\r\n\r\n"),
        |letter, text| format!(": {letter}\n{text}"),
        |letter, text| format!("id: {letter}\n{text}"),
        |letter, text| format!("event:{letter}\n{text}"),
        |letter, text| format!("{letter}\n{text}"),
        |letter, text| format!("id: {letter}\n: x\n{text}"),
    ];
    for line in lines {
        goes_nowhere(Surface::OpenAiChat, "", &letters(|letter, _| line(letter, &text)), OF_OTHERS);
    }
    let remarks = letters(|letter, _| format!(": {letter}\n")).concat();
    goes_nowhere(Surface::OpenAiChat, &text, &[format!("{remarks}\n")], 0);
}

/// Requirement: G19. Wherever a name in two pieces is cut, it is found.
#[test]
fn a_key_in_a_name_is_found_at_every_cut() {
    for cut in 1..KEY.len() {
        let (one, two) = KEY.split_at(cut);
        let events = [one, two].map(|piece| call(&json!({ "index": 0, "function": { "name": piece } })));
        let most = usize::from(cut <= OF_OTHERS);
        goes_nowhere(Surface::OpenAiChat, "", &events, most);
    }
}

/// Requirement: G19. What merely begins as a key passes byte for byte wherever it stands, and an id that ends so keeps nothing waiting.
#[test]
fn what_merely_begins_as_a_key_passes_in_every_member() {
    let (begin, _) = KEY.split_at(12);
    let done = "data: [DONE]\n\n";
    for events in [
        vec![
            call(&json!({ "index": 0, "function": { "name": begin } })),
            call(&json!({ "index": 0, "function": { "name": "no" } })),
        ],
        vec![format!(": {begin}\n\n"), ": no\n\n".to_owned()],
        vec![format!("id: {begin}\n{}", chunk(&json!({ "content": begin }), &json!("")))],
        vec![
            chunk(&json!({ "content": begin }), &json!("stop")),
            chunk(&json!({ "content": "more" }), &Value::Null),
        ],
    ] {
        let stream = events.concat() + done;
        for size in [1, 50, 4096] {
            let (out, flow) = relayed(Surface::OpenAiChat, &stream, size);
            assert_eq!((out.as_str(), flow), (stream.as_str(), Ok(Flow::Whole)), "by {size}");
        }
    }
    let (begin, _) = KEY.split_at(OF_OTHERS);
    let event = data(
        &json!({ "id": format!("c-{begin}"), "choices": [{ "index": 0, "delta": { "content": "a" } }] }),
    );
    let stream = event.repeat(3);
    assert_eq!(
        relayed(Surface::OpenAiChat, &stream, 4096),
        (stream, Ok(Flow::Goes)),
        "an id keeps a stream waiting"
    );
}

/// Requirement: G19. An event of more strings than anybody could put together is refused, and one of as many as a provider writes is not.
#[test]
fn the_strings_of_an_event_are_bounded() {
    let event = |strings: usize| {
        let tokens = vec!["s"; strings].join("\",\"");
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tokens\":[\"{tokens}\"]}}}}]}}\n\n")
    };
    let many = event(20_000);
    assert_eq!(relayed(Surface::OpenAiChat, &many, 4096), (many, Ok(Flow::Goes)));
    let (out, flow) = relayed(Surface::OpenAiChat, &event(MAX_STRINGS + 1), 4096);
    assert_eq!((out.as_str(), flow), ("", Err(Code::UpstreamMalformed)), "one event keeps a thread busy");
}
