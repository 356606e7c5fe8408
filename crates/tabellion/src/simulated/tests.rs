//! The simulated provider over real sockets: what the demo's data says of it holds.

use super::*;
use crate::http::{Body, Head};
use serde_json::{Value, json};

/// Sends one request to a provider of its own.
fn ask(first: &str, body: &str) -> (Head, Body) {
    let provider = Simulated::start().expect("loopback is there");
    let stream = TcpStream::connect(provider.address).expect("it listens");
    write!(&stream, "{first} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut reader = BufReader::new(&stream);
    let head = read_head(&mut reader).expect("a head").expect("an answer");
    let body = read_body(&mut reader, &head, true, MAX_BODY_BYTES).expect("a body");
    (head, body)
}

fn chat(request: &Value) -> (Head, Body) {
    ask("POST /v1/chat/completions", &request.to_string())
}

fn json_of(body: &Body) -> Value {
    assert!(body.whole, "the answer was cut off");
    serde_json::from_slice(&body.bytes).expect("an answer in JSON")
}

fn events(body: &Body) -> Vec<Value> {
    let text = String::from_utf8(body.bytes.clone()).expect("events are UTF-8");
    let data = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}

fn asked(text: &str, more: Value) -> Value {
    let mut request = json!({"model": "simulated-large", "messages": [{"role": "user", "content": text}]});
    let Value::Object(more) = more else { panic!("members are an object") };
    request.as_object_mut().expect("an object").extend(more);
    request
}

#[test]
fn it_says_back_what_it_was_asked_whole_and_in_pieces() {
    let text = "Write to <EMAIL_7Q2K4F>, „bitte“ 📉";
    let (_, whole) = chat(&asked(text, json!({})));
    let said = json_of(&whole)["choices"][0]["message"]["content"].clone();
    assert_eq!(
        said,
        format!("Simulated answer. You said: {text}"),
        "the demo could not show what a provider saw"
    );

    let (head, body) = chat(&asked(text, json!({"stream": true})));
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    let events = events(&body);
    let streamed: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(json!(streamed), said, "a stream says something else than the whole answer");
    assert_eq!(events.last(), Some(&json!("[DONE]")), "a client would take the stream for cut off");
    assert!(events.len() > 5, "nothing is cut into pieces, so a stream shows nothing");
    assert!(events.iter().all(|event| event.get("usage").is_none()), "token counts that nobody asked for");
}

#[test]
fn tokens_are_counted_when_a_stream_is_asked_for_them_and_choices_when_several_are() {
    let (_, body) = chat(&asked("a b c", json!({"stream": true, "stream_options": {"include_usage": true}})));
    let events = events(&body);
    let usage = &events[events.len() - 2];
    assert_eq!(usage["choices"], json!([]), "the count comes in a chunk of its own");
    assert_eq!(usage["usage"], json!({"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}));

    let (_, body) = chat(&asked("a b c", json!({"n": 2, "max_tokens": 2})));
    let answer = json_of(&body);
    assert_eq!(answer["choices"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer["choices"][1]["message"]["content"], "Simulated answer.");
    assert_eq!(
        answer["choices"][1]["finish_reason"], "length",
        "a client would take half a text for a whole one"
    );
}

#[test]
fn it_calls_the_first_tool_with_the_address_that_it_finds() {
    let properties =
        json!({"to": {"type": "string"}, "text": {"type": "string"}, "months": {"type": "integer"}});
    let tool = json!({"type": "function", "function": {"name": "draft_mail", "parameters": {"properties": properties}}});
    let tools = json!({"tools": [tool]});
    let (_, body) = chat(&asked("Mail to <EMAIL_7Q2K4F>, after 48 months.", tools.clone()));
    let call = json_of(&body)["choices"][0]["message"]["tool_calls"][0]["function"].clone();
    let arguments: Value =
        serde_json::from_str(call["arguments"].as_str().expect("text")).expect("arguments are JSON");
    assert_eq!(call["name"], "draft_mail");
    assert_eq!(
        arguments["to"], "<EMAIL_7Q2K4F>",
        "nothing would show that an address comes back in arguments"
    );

    let mut streamed = tools;
    streamed["stream"] = json!(true);
    let (_, body) = chat(&asked("Mail to ada@example.org, after 48 months.", streamed));
    let parts = events(&body);
    let text: String = parts
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str())
        .collect();
    let arguments: Value = serde_json::from_str(&text).expect("the pieces make JSON");
    assert_eq!(arguments, json!({"to": "ada@example.org", "text": "simulated", "months": 48}));
}

#[test]
fn it_misbehaves_by_the_models_name() {
    let named = |model: &str| chat(&asked("a long story", json!({"model": model, "stream": true})));
    let (head, body) = named("simulated-busy");
    assert!(head.first.starts_with("HTTP/1.1 503 "), "{}", head.first);
    assert_eq!(json_of(&body)["error"]["code"], "overloaded");

    let (head, body) = named("simulated-rubbish");
    assert!(head.first.starts_with("HTTP/1.1 200 "), "{}", head.first);
    assert!(body.bytes.starts_with(b"<!doctype html>"));

    let (_, body) = named("simulated-breaks-off");
    assert!(!body.whole, "a provider that breaks off ended as it should");
    assert!(events(&body).len() > 1, "it broke off before it said anything");
}

#[test]
fn what_it_does_not_know_is_an_error_in_the_providers_form() {
    for (first, body, status) in [
        ("POST /v1/embeddings", "{}", 404),
        ("POST /v1/chat/completions", "{", 400),
        ("POST /v1/chat/completions", "{}", 400),
    ] {
        let (head, answer) = ask(first, body);
        assert!(head.first.starts_with(&format!("HTTP/1.1 {status} ")), "{first}: {}", head.first);
        assert!(
            json_of(&answer)["error"]["message"].is_string(),
            "a client's library cannot tell what is wrong"
        );
    }
    let (_, models) = ask("GET /v1/models", "");
    assert_eq!(json_of(&models)["data"][0]["id"], "simulated-large");
}
