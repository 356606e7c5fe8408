//! Every route is governed as the first one: masked and given back, whole and streamed, recorded, refused in its caller's own dialect.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tabellion_gateway::Api;
use tabellion_model::body::Outcome;
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::client;
use crate::fixture::{Fixture, Setup, api_key};

const EMAIL: &str = "ada.lovelace@example.org";
const CARD: &str = "4111 1111 1111 1111";

fn anthropic_of(script: impl Into<Script>) -> Fixture {
    Fixture::with(script, Setup { api: Api::Anthropic, ..Setup::default() })
}

/// The first text of a request's last message or input.
fn said(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).expect("what was sent on is JSON");
    let last =
        body["messages"].as_array().and_then(|messages| messages.last()).map(|message| &message["content"]);
    last.unwrap_or(&body["input"]).as_str().expect("one text").to_owned()
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(size).map(|piece| piece.iter().collect()).collect()
}

fn events(answer: &client::Answer) -> Vec<Value> {
    answer.events().iter().map(|data| serde_json::from_str(data).expect("data is JSON")).collect()
}

fn message(text: &str, stream: bool) -> Vec<u8> {
    json!({ "model": "model-a", "max_tokens": 64, "stream": stream, "messages": [{ "role": "user", "content": text }] })
        .to_string()
        .into_bytes()
}

fn input(text: &str, stream: bool) -> Vec<u8> {
    json!({ "model": "model-a", "stream": stream, "input": text }).to_string().into_bytes()
}

/// Requirement: G01, G17. Anthropic's messages: the provider sees placeholders, the client its own values, whole and however a stream is cut.
#[test]
fn messages_are_masked_and_given_back_whole_and_streamed() {
    let text = format!("I am {EMAIL}, card {CARD}; again {EMAIL}.");
    let fixture =
        anthropic_of(Script::by(|request, _| Answer::json(200, anthropic::message_of(&said(&request.body)))));
    let answer =
        fixture.call("POST", "/v1/messages", &[("anthropic-version", "2023-06-01")], &message(&text, false));
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["content"][0]["text"], text, "the values must come back as they were");
    let sent = fixture.upstream.requests().remove(0);
    assert!(!sent.text().contains("lovelace") && !sent.text().contains("1111"), "{}", sent.text());
    assert_eq!(sent.path(), "/v1/messages", "the provider's own route");
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"), "the version is the client's choice");
    assert_eq!(sent.header("authorization"), None, "this provider reads its key elsewhere");
    assert!(sent.header("x-api-key").is_some_and(|key| key != api_key()), "the client's key must not leave");
    let end = fixture.end();
    let usage = end.answered.usage.expect("the provider counted");
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (11, 7), "what the call used");
    assert_eq!(
        fixture.authorised().remove(0).surface,
        "anthropic.messages",
        "rules and readers know the route"
    );
    for size in [1, 2, 5, 100] {
        let fixture = anthropic_of(Script::by(move |request, _| {
            Answer::events(anthropic::stream_of(&pieces(&said(&request.body), size))).in_pieces(37)
        }));
        let answer = fixture.call("POST", "/v1/messages", &[], &message(&text, true));
        let heard: String = events(&answer)
            .iter()
            .filter_map(|event| event["delta"]["text"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(heard, text, "in pieces of {size}");
        let names = answer.text().lines().filter(|line| line.starts_with("event: ")).count();
        assert_eq!(names, events(&answer).len(), "the library passes over events without a name");
        assert_eq!(events(&answer).last().map(|event| event["type"].clone()), Some("message_stop".into()));
        let end = fixture.end();
        assert_eq!(end.outcome, Outcome::Answered, "the stream is whole");
        let usage = end.answered.usage.expect("counted in two events");
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (11, 7), "as in a whole answer");
        assert_eq!(
            end.released_salted_sha256,
            answer.salted(answer.text().as_bytes()),
            "what the client got"
        );
    }
}

/// Requirement: G17. A tool of an agent is called with real values; what a model thought goes both ways byte for byte.
#[test]
fn tools_get_real_values_and_thinking_is_never_touched() {
    let fixture = anthropic_of(Script::by(|request, _| {
        let placeholder = said(&request.body);
        let thought = json!({ "type": "thinking", "thinking": placeholder, "signature": "c2lnbmF0dXJl" });
        let call =
            json!({ "type": "tool_use", "id": "t", "name": "send_mail", "input": { "to": [placeholder] } });
        Answer::json(200, anthropic::message(&[thought, call]))
    }));
    let answer = fixture.call("POST", "/v1/messages", &[], &message(EMAIL, false));
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["content"][1]["input"]["to"][0], EMAIL, "the mail would go to a placeholder");
    let thought = body["content"][0]["thinking"].as_str().expect("a text").to_owned();
    assert!(thought.starts_with("<EMAIL_"), "the provider would refuse the next turn: {thought}");
    assert_eq!(fixture.end().answered.tools, ["send_mail"], "what the model asked for");
    // The next turn brings the thought back.
    let turn = json!({ "model": "model-a", "max_tokens": 9, "messages": [
        { "role": "assistant", "content": [{ "type": "thinking", "thinking": thought, "signature": "c2lnbmF0dXJl" }] },
        { "role": "user", "content": EMAIL }] });
    fixture.call("POST", "/v1/messages", &[], turn.to_string().as_bytes());
    let sent: Value = serde_json::from_slice(&fixture.upstream.requests().remove(1).body).expect("JSON");
    assert_eq!(sent["messages"][0]["content"][0]["thinking"], thought, "as it came");
    for size in [1, 3, 64] {
        let fixture = anthropic_of(Script::by(move |request, _| {
            let input = json!({ "to": said(&request.body), "note": "\"quoted\"" }).to_string();
            Answer::events(anthropic::tool_stream_of("send_mail", &pieces(&input, size)))
        }));
        let answer = fixture.call("POST", "/v1/messages", &[], &message(EMAIL, true));
        let input: String = events(&answer)
            .iter()
            .filter_map(|event| event["delta"]["partial_json"].as_str().map(str::to_owned))
            .collect();
        let input: Value = serde_json::from_str(&input).expect("the input is JSON in pieces of any size");
        assert_eq!(input, json!({ "to": EMAIL, "note": "\"quoted\"" }));
        assert_eq!(fixture.end().answered.tools, ["send_mail"]);
    }
}

/// Requirement: G02. A member's name hides nothing: what only the provider could read goes on untouched only where it has that form.
#[test]
fn what_calls_itself_encrypted_is_read_all_the_same() {
    let token = format!("gAAAAAB-{}_{}==", "aB3+/".repeat(20), "Zz9".repeat(9));
    let block = |signature: &str, data: &str| {
        json!({ "model": "model-a", "max_tokens": 9, "messages": [{ "role": "assistant", "content": [
            { "type": "thinking", "thinking": "x", "signature": signature }, { "type": "redacted_thinking", "data": data }] }] })
        .to_string()
    };
    let reasoning = |text: &str| {
        json!({ "model": "model-a", "input": [{ "type": "reasoning", "encrypted_content": text }] })
            .to_string()
    };
    let claude = anthropic_of(Answer::json(200, anthropic::message_of("Hello")));
    let gpt = Fixture::new(Answer::json(200, responses::response_of("Hello").to_string()));
    for hidden in [EMAIL.to_owned(), format!("Ada: {CARD}"), format!("{token} {EMAIL}")] {
        for (fixture, path, body) in [
            (&claude, "/v1/messages", block(&hidden, &token)),
            (&claude, "/v1/messages", block(&token, &hidden)),
            (&gpt, "/v1/responses", reasoning(&hidden)),
        ] {
            assert_eq!(fixture.call("POST", path, &[], body.as_bytes()).status, 200, "{body}");
            let sent = fixture.upstream.requests().pop().expect("it was sent").text();
            assert!(!sent.contains("lovelace") && !sent.contains("1111"), "a name hid the value: {sent}");
        }
    }
    for (fixture, path, body) in
        [(&claude, "/v1/messages", block(&token, &token)), (&gpt, "/v1/responses", reasoning(&token))]
    {
        fixture.call("POST", path, &[], body.as_bytes());
        let sent = fixture.upstream.requests().pop().expect("it was sent").text();
        assert_eq!(sent, body, "the provider takes no other bytes back");
    }
}

/// Requirement: G01, G17. Responses say a text three times in a stream; each time it is given its values, and the events stay numbered.
#[test]
fn responses_are_masked_and_given_back_whole_and_streamed() {
    let text = format!("I am {EMAIL}, card {CARD}.");
    let fixture = Fixture::new(Script::by(|request, _| {
        Answer::json(200, responses::response_of(&said(&request.body)).to_string())
    }));
    let answer = fixture.call("POST", "/v1/responses", &[], &input(&text, false));
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["output"][0]["content"][0]["text"], text, "the values must come back as they were");
    assert!(!fixture.upstream.requests().remove(0).text().contains("lovelace"), "the provider saw the value");
    assert_eq!(fixture.end().answered.finish_reason.as_deref(), Some("completed"));
    for size in [1, 4, 100] {
        let fixture = Fixture::new(Script::by(move |request, _| {
            Answer::events(responses::stream_of(&pieces(&said(&request.body), size)))
        }));
        let answer = fixture.call("POST", "/v1/responses", &[], &input(&text, true));
        let all = events(&answer);
        let heard: String = all.iter().filter_map(|event| event["delta"].as_str()).collect();
        assert_eq!(heard, text, "in pieces of {size}");
        let of = |kind: &str| all.iter().find(|event| event["type"] == kind).expect("it came").clone();
        assert_eq!(of("response.output_text.done")["text"], text, "said whole");
        assert_eq!(of("response.content_part.done")["part"]["text"], text, "said again");
        assert_eq!(
            of("response.completed")["response"]["output"][0]["content"][0]["text"],
            text,
            "and at the end"
        );
        let numbers: Vec<u64> = all.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
        let due: Vec<u64> = (0..all.len() as u64).collect();
        assert_eq!(numbers, due, "events of our own are counted like the provider's");
        let end = fixture.end();
        assert_eq!(
            (end.outcome, end.answered.finish_reason.as_deref()),
            (Outcome::Answered, Some("completed"))
        );
        assert_eq!(end.answered.usage.map(|usage| usage.completion_tokens), Some(7), "counted at its end");
    }
}

/// Requirement: G01. Nothing that ends an answer passes before its record, on any route; a stream without its end is cut.
#[test]
fn a_stream_that_breaks_off_is_cut_in_its_own_dialect() {
    let whole = anthropic::stream_of(&["Hello"]);
    let cut = whole.split("event: message_delta").next().expect("it has one").to_owned();
    let fixture = anthropic_of(Answer::events(cut));
    let answer = fixture.call("POST", "/v1/messages", &[], &message("Hello", true));
    let last = events(&answer).pop().expect("an event");
    assert_eq!((&last["type"], fixture.end().outcome), (&json!("error"), Outcome::Failed), "{last}");
    assert!(answer.text().contains("event: error\n"), "the library reads errors by the event's name");
    let whole = responses::stream_of(&["Hello"]);
    let cut = whole.split("event: response.completed").next().expect("it has one").to_owned();
    let fixture = Fixture::new(Answer::events(cut));
    let answer = fixture.call("POST", "/v1/responses", &[], &input("Hello", true));
    assert!(answer.text().contains("upstream_broke_off"), "{}", answer.text());
    assert_eq!(fixture.end().outcome, Outcome::Failed);
}

/// Requirement: G01. Vectors and counts come back as they are; what cannot be read here is not sent on.
#[test]
fn embeddings_and_counts_are_governed_too() {
    let vector = json!({ "object": "list", "model": "wire-small", "data": [{ "object": "embedding", "index": 0, "embedding": "AACAPw==" }],
        "usage": { "prompt_tokens": 5, "total_tokens": 5 } })
    .to_string();
    let fixture = Fixture::new(Answer::json(200, vector.clone()));
    let body =
        json!({ "model": "model-a", "input": ["one", EMAIL], "encoding_format": "base64" }).to_string();
    let answer = fixture.call("POST", "/v1/embeddings", &[], body.as_bytes());
    assert_eq!(answer.text(), vector, "byte for byte");
    assert!(!fixture.upstream.requests().remove(0).text().contains("lovelace"), "the provider saw the value");
    assert_eq!(fixture.end().answered.usage.map(|usage| usage.prompt_tokens), Some(5));
    for tokens in
        [json!([1, 2, 3]), json!([[1, 2], [3]]), json!(["text", 7]), json!({ "text": "x" }), json!(null)]
    {
        let body = json!({ "model": "model-a", "input": tokens }).to_string();
        let answer = fixture.call("POST", "/v1/embeddings", &[], body.as_bytes());
        assert_eq!(
            (answer.status, fixture.upstream.requests().len()),
            (400, 1),
            "{tokens} holds what nobody read"
        );
    }
    let fixture = anthropic_of(Answer::json(200, r#"{"input_tokens":14}"#));
    let answer = fixture.call("POST", "/v1/messages/count_tokens", &[], &message(EMAIL, false));
    assert_eq!(answer.text(), r#"{"input_tokens":14}"#);
    let sent = fixture.upstream.requests().remove(0);
    assert!(!sent.text().contains("lovelace") && sent.path() == "/v1/messages/count_tokens");
    assert_eq!(fixture.end().answered.usage, None, "a count is no use of the model");
}

/// Requirement: N20. Who is refused is told so as its own library raises it, on every route; and nothing is sent.
#[test]
fn refusals_are_in_the_callers_own_dialect() {
    let fixture = anthropic_of(Answer::json(200, anthropic::message_of("Hello")));
    let beta = fixture.call("POST", "/v1/messages?beta=true", &[], &message("Hello", false));
    assert_eq!(beta.status, 200, "what the library puts behind the address means nothing: {}", beta.text());
    let cases = [
        ("/v1/messages", "{}", 400, "invalid_request_error", "malformed_body"),
        ("/v1/messages/of_nobody", "{}", 404, "not_found_error", "unknown_route"),
        ("/v1/messages/batches", "{}", 403, "permission_error", "opaque_not_enabled"),
        ("/v1/messages?x=y", "{}", 400, "invalid_request_error", "unexpected_query"),
    ];
    for (path, body, status, kind, code) in cases {
        let answer = fixture.call("POST", path, &[], body.as_bytes());
        let said: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.status, &said["error"]["type"]), (status, &json!(kind)), "{path}: {said}");
        assert_eq!(answer.header("tabellion-code"), Some(code), "{path}");
        assert!(answer.header("request-id").is_some(), "{path}: the library shows the record's id");
    }
    // A model of a provider with another interface.
    let answer = fixture.call("POST", "/v1/chat/completions", &[], &crate::fixture::say("Hello"));
    assert_eq!(
        (answer.status, answer.header("tabellion-code")),
        (404, Some("unknown_model")),
        "{}",
        answer.text()
    );
    let background = json!({ "model": "model-a", "input": "x", "background": true }).to_string();
    let answer = fixture.call("POST", "/v1/responses", &[], background.as_bytes());
    assert_eq!(answer.status, 400, "its answer would be fetched past the gateway");
    assert_eq!(fixture.upstream.requests().len(), 1, "nothing that was refused was sent");
    let codes: BTreeSet<String> = fixture.denied().into_iter().map(|denied| denied.code).collect();
    assert_eq!(codes.len(), 5, "each refusal is on record: {codes:?}");
}

/// Requirement: G04. A key is read where either vendor's library puts it; two that differ are none.
#[test]
fn a_key_is_read_where_each_library_puts_it() {
    let fixture = anthropic_of(Answer::json(200, anthropic::message_of("Hello")));
    let (key, bearer) = (api_key(), format!("Bearer {}", api_key()));
    let body = message("Hello", false);
    for (headers, status) in [
        (vec![("x-api-key", key.as_str())], 200),
        (vec![("authorization", bearer.as_str())], 200),
        (vec![("authorization", bearer.as_str()), ("x-api-key", key.as_str())], 200),
        (vec![("authorization", bearer.as_str()), ("x-api-key", "tbl_other")], 401),
        (vec![("x-api-key", key.as_str()), ("x-api-key", key.as_str())], 401),
        (vec![("x-api-key", "tbl_other")], 401),
        (vec![], 401),
    ] {
        let mut client = fixture.connect();
        client.send(&client::request("POST", "/v1/messages", &headers, &body));
        let answer = client.answer();
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        if status == 401 {
            let said: Value = serde_json::from_slice(&answer.body).expect("JSON");
            assert_eq!(said["error"]["type"], "authentication_error", "as its library raises it");
        }
    }
}

/// Requirement: G04. The list of models comes as the caller's library reads it.
#[test]
fn models_are_listed_in_the_callers_dialect() {
    let fixture = anthropic_of(Answer::json(200, anthropic::message_of("Hello")));
    let list = |headers: &[(&str, &str)], path: &str| -> Value {
        serde_json::from_slice(&fixture.call("GET", path, headers, b"").body).expect("JSON")
    };
    let version = [("anthropic-version", "2023-06-01")];
    let all = list(&version, "/v1/models");
    assert_eq!((&all["data"][0]["type"], &all["has_more"]), (&json!("model"), &json!(false)), "{all}");
    assert_eq!(all["first_id"], all["data"][0]["id"]);
    assert_eq!(list(&version, "/v1/models/model-a")["id"], "model-a");
    assert_eq!(list(&[], "/v1/models")["object"], "list", "the other library's form");
}

/// An error of the provider is passed on as its own, and as the end of a stream.
#[test]
fn the_providers_own_error_is_passed_on() {
    let fixture = anthropic_of(Answer::json(529, anthropic::error("overloaded_error", "later")));
    let answer = fixture.call("POST", "/v1/messages", &[], &message("Hello", false));
    assert_eq!((answer.status, fixture.end().outcome), (529, Outcome::Refused), "{}", answer.text());
    let stream =
        anthropic::event("error", json!({ "error": { "type": "overloaded_error", "message": "later" } }));
    let fixture = anthropic_of(Answer::events(stream.clone()));
    let answer = fixture.call("POST", "/v1/messages", &[], &message("Hello", true));
    assert_eq!((answer.text(), fixture.end().outcome), (stream.as_str(), Outcome::Refused));
    for (path, body) in [("/v1/responses", input("Hello", false)), ("/v1/embeddings", input("Hello", false))]
    {
        let fixture = Fixture::new(Answer::json(429, openai::ERROR_429));
        let answer = fixture.call("POST", path, &[], &body);
        assert_eq!(
            (answer.status, answer.text()),
            (429, openai::ERROR_429),
            "{path}: the library would not wait"
        );
        assert_eq!(fixture.end().outcome, Outcome::Refused, "{path}");
    }
    let stream =
        anthropic::event("error", json!({ "code": "server_error", "message": "later", "param": null }));
    let fixture = Fixture::new(Answer::events(stream.clone()));
    let answer = fixture.call("POST", "/v1/responses", &[], &input("Hello", true));
    assert_eq!((answer.text(), fixture.end().outcome), (stream.as_str(), Outcome::Refused));
    let mut failed = responses::response_of("");
    failed["status"] = "failed".into();
    failed["error"] = json!({ "code": "server_error", "message": "later" });
    let fixture = Fixture::new(Answer::json(200, failed.to_string()));
    let answer = fixture.call("POST", "/v1/responses", &[], &input("Hello", false));
    assert_eq!(
        (answer.status, answer.text()),
        (200, failed.to_string().as_str()),
        "a response says itself that it failed"
    );
    assert_eq!(fixture.end().answered.finish_reason.as_deref(), Some("failed"), "and so does its record");
    let fixture = anthropic_of(Answer::json(200, openai::CHAT));
    let answer = fixture.call("POST", "/v1/messages", &[], &message("Hello", false));
    assert_eq!(answer.status, 502, "another interface's answer is none of this one");
}
