//! A caller of one vendor's interface reaches a provider of the other's, and is governed as on its own: decided, masked, looked at by guards, recorded.

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSide, UpstreamConfig};
use tabellion_model::body::{Delivered, Outcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai};

use crate::client;
use crate::fixture::{Fixture, Setup, say, say_streaming};

const EMAIL: &str = "ada.lovelace@example.org";
const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// The scripted provider speaks `api`; the model `model-t` is one of another provider at the same address that is translated for.
fn fixture(api: Api, script: impl Into<Script>, guards: Vec<GuardConfig>) -> (Fixture, Upstream) {
    let provider = Upstream::start(script);
    let other = UpstreamConfig {
        api,
        models: vec!["model-t".to_owned()],
        translate: true,
        ..UpstreamConfig::new("translated", provider.base_url())
    };
    let setup = Setup { others: vec![other], guards, ..Setup::default() };
    (Fixture::with(Answer::silence(), setup), provider)
}

fn chat(text: &str, stream: bool) -> Vec<u8> {
    json!({ "model": "model-t", "stream": stream, "messages": [{ "role": "user", "content": text }] })
        .to_string()
        .into_bytes()
}

fn message(text: &str, stream: bool) -> Vec<u8> {
    json!({ "model": "model-t", "max_tokens": 64, "stream": stream, "messages": [{ "role": "user", "content": text }] })
        .to_string()
        .into_bytes()
}

fn sent(provider: &Upstream) -> Value {
    serde_json::from_slice(&provider.requests().remove(0).body).expect("what was sent is JSON")
}

fn events(answer: &client::Answer) -> Vec<Value> {
    answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// What a message's stream says in its deltas under `name`.
fn heard(answer: &client::Answer, name: &str) -> String {
    events(answer).iter().filter_map(|event| event["delta"][name].as_str().map(str::to_owned)).collect()
}

/// The last text of a request of either interface.
fn asked(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let last = body["messages"].as_array().and_then(|messages| messages.last()).expect("a turn");
    let content = &last["content"];
    content.as_str().or_else(|| content[0]["text"].as_str()).expect("a text").to_owned()
}

fn pieces(text: &str) -> Vec<String> {
    text.chars().collect::<Vec<_>>().chunks(3).map(|piece| piece.iter().collect()).collect()
}

/// Requirement: G01, G17. A chat is answered by a provider of messages: masked, given back, counted, and on record with what both sides were sent.
#[test]
fn a_chat_reaches_a_provider_of_messages() {
    let text = format!("I am {EMAIL}.");
    let answers = Script::by(|request, _| {
        let said = asked(&request.body);
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        if body["stream"] == true {
            Answer::events(anthropic::stream_of(&pieces(&said))).in_pieces(29)
        } else {
            Answer::json(200, anthropic::message_of(&said))
                .header("anthropic-ratelimit-requests-remaining", "5")
        }
    });
    let (fixture, provider) = fixture(Api::Anthropic, answers, Vec::new());
    let asked = chat(&text, false);
    let answer = fixture.call("POST", CHAT, &[("openai-beta", "assistants=v2")], &asked);
    assert_eq!((answer.status, answer.content()), (200, text.clone()), "{}", answer.text());
    assert_eq!(answer.header("tabellion-translated"), Some("anthropic"), "the caller cannot tell");
    assert_eq!(
        answer.header("anthropic-ratelimit-requests-remaining"),
        Some("5"),
        "limits of the provider pass"
    );
    let request = provider.requests().remove(0);
    assert_eq!(request.path(), MESSAGES);
    assert_eq!(
        request.header("anthropic-version"),
        Some("2023-06-01"),
        "the provider refuses a request without it"
    );
    assert_eq!(request.header("openai-beta"), None, "features of another interface");
    assert!(!request.text().contains("lovelace"), "the mask did not hold: {}", request.text());
    assert_eq!(sent(&provider)["max_tokens"], 4096, "the provider wants a limit");
    let authorised = fixture.authorised().remove(0);
    assert_eq!(
        (authorised.surface.as_str(), authorised.translated.as_deref()),
        ("openai.chat_completions", Some("anthropic"))
    );
    assert_eq!(authorised.received_salted_sha256, answer.salted(&asked), "what the caller sent");
    assert_eq!(
        authorised.forwarded_salted_sha256,
        answer.salted(&request.body),
        "what the provider was sent"
    );
    let end = fixture.end();
    assert_eq!(end.released_salted_sha256, answer.salted(&answer.body), "what the caller got");
    assert_ne!(
        end.received_salted_sha256, end.released_salted_sha256,
        "what the provider gave is of another form"
    );
    let usage = end.answered.usage.expect("the provider counted");
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (11, 7));

    let streamed = fixture.call("POST", CHAT, &[], &chat(&text, true));
    assert_eq!(streamed.content(), text, "{}", streamed.text());
    assert_eq!(streamed.events().pop().as_deref(), Some("[DONE]"), "the library waits for it");
    assert!(!streamed.text().contains("\"choices\":[]"), "nobody asked for the counts");
    let end = fixture.ended(2).remove(1);
    assert_eq!((end.outcome, end.delivered), (Outcome::Answered, Delivered::Whole));
    let usage = end.answered.usage.expect("the provider counted");
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (11, 7), "a stream is charged as well");
}

/// Requirement: G01, G17.
#[test]
fn a_message_reaches_a_provider_of_chats() {
    let text = format!("I am {EMAIL}.");
    let answers = Script::by(|request, _| {
        let said = asked(&request.body);
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        if body["stream"] == true {
            Answer::events(openai::stream_of(&pieces(&said))).in_pieces(31)
        } else {
            Answer::json(200, openai::chat_of(&said))
        }
    });
    let (fixture, provider) = fixture(Api::OpenAi, answers, Vec::new());
    let headers = [("anthropic-version", "2023-06-01"), ("anthropic-beta", "some-1")];
    let answer = fixture.call("POST", MESSAGES, &headers, &message(&text, false));
    let body = answer.json();
    assert_eq!((answer.status, &body["content"][0]["text"]), (200, &json!(text)), "{body}");
    assert_eq!(answer.header("tabellion-translated"), Some("openai"));
    let request = provider.requests().remove(0);
    assert_eq!(request.path(), CHAT);
    assert!(request.header("anthropic-version").is_none() && request.header("anthropic-beta").is_none());
    assert!(!request.text().contains("lovelace"), "the mask did not hold: {}", request.text());
    assert_eq!(sent(&provider)["max_completion_tokens"], 64, "budgets reserved this much");

    let streamed = fixture.call("POST", MESSAGES, &headers, &message(&text, true));
    assert_eq!(heard(&streamed, "text"), text, "{}", streamed.text());
    assert_eq!(events(&streamed).pop().map(|event| event["type"].clone()), Some(json!("message_stop")));
    let end = fixture.ended(2).remove(1);
    assert_eq!(end.outcome, Outcome::Answered);
    assert_eq!(
        end.answered.usage, None,
        "this provider counted nothing in its stream, and nothing is made up"
    );
}

/// Requirement: G17. Values come back in what a tool is called with, on either side.
#[test]
fn tools_are_called_with_values_and_not_with_placeholders() {
    let text = format!("Write to {EMAIL}");
    let arguments = |request: &tabellion_testkit::upstream::Request| {
        let said = asked(&request.body);
        let placeholder = said.trim_start_matches("Write to ").to_owned();
        pieces(&json!({ "to": placeholder }).to_string())
    };
    let due = json!({ "to": EMAIL }).to_string();
    let answers =
        Script::by(move |request, _| Answer::events(anthropic::tool_stream_of("send", &arguments(request))));
    let (fixture, provider) = fixture(Api::Anthropic, answers, Vec::new());
    let answer = fixture.call("POST", CHAT, &[], &chat(&text, true));
    assert_eq!(answer.arguments(), due, "{}", answer.text());
    assert!(!provider.requests().remove(0).text().contains("lovelace"));
    assert_eq!(fixture.end().answered.tools, ["send"], "what the model asked for is on record");
    let answers =
        Script::by(move |request, _| Answer::events(openai::tool_stream_of("send", &arguments(request))));
    let (fixture, _provider) = self::fixture(Api::OpenAi, answers, Vec::new());
    let answer = fixture.call("POST", MESSAGES, &[], &message(&text, true));
    assert_eq!(heard(&answer, "partial_json"), due, "{}", answer.text());
    assert_eq!(fixture.end().answered.finish_reason.as_deref(), Some("tool_use"));
}

fn words(words: &str) -> GuardConfig {
    GuardConfig {
        on: vec![GuardSide::Answer],
        words: vec![words.to_owned()],
        ..GuardConfig::new("codeword", GuardKind::Words)
    }
}

/// A guard stops what the caller would get, whole and in a stream, and the caller's library raises its own error.
#[test]
fn guards_look_at_what_was_translated() {
    for (api, path, body) in [
        (Api::Anthropic, CHAT, chat as fn(&str, bool) -> Vec<u8>),
        (Api::OpenAi, MESSAGES, message as fn(&str, bool) -> Vec<u8>),
    ] {
        for stream in [false, true] {
            let is_anthropic = api == Api::Anthropic;
            let answer = match (is_anthropic, stream) {
                (true, false) => Answer::json(200, anthropic::message_of("the codeword is blue heron")),
                (true, true) => Answer::events(anthropic::stream_of(&pieces("the codeword is blue heron"))),
                (false, false) => Answer::json(200, openai::chat_of("the codeword is blue heron")),
                (false, true) => Answer::events(openai::stream_of(&pieces("the codeword is blue heron"))),
            };
            let (fixture, _provider) = fixture(api, answer, vec![words("blue heron")]);
            let answer = fixture.call("POST", path, &[], &body("Hello", stream));
            let got =
                if stream { answer.content() + &heard(&answer, "text") } else { answer.text().to_owned() };
            assert!(!got.contains("blue heron"), "{api:?}, stream {stream}: {}", answer.text());
            assert!(answer.text().contains("guard_blocked"), "{api:?}, stream {stream}: {}", answer.text());
            let end = fixture.end();
            assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Cut, Some("guard_blocked")));
        }
    }
}

/// A provider's error is one of the caller's interface, with its status and what it says of asking again.
#[test]
fn the_providers_error_is_translated() {
    let error = Answer::json(529, anthropic::error("overloaded_error", "later")).header("retry-after", "3");
    let (fixture, _provider) = fixture(Api::Anthropic, error, Vec::new());
    let answer = fixture.call("POST", CHAT, &[], &chat("Hello", false));
    assert_eq!(
        (answer.status, &answer.json()["error"]["message"]),
        (529, &json!("later")),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert_eq!(fixture.end().outcome, Outcome::Refused);
    let (fixture, _provider) = self::fixture(Api::OpenAi, Answer::json(429, openai::ERROR_429), Vec::new());
    let answer = fixture.call("POST", MESSAGES, &[], &message("Hello", true));
    let error = answer.json();
    assert_eq!(
        (answer.status, &error["type"], &error["error"]["type"]),
        (429, &json!("error"), &json!("rate_limit_error"))
    );
    let stream =
        anthropic::event("error", json!({ "error": { "type": "overloaded_error", "message": "later" } }));
    let (fixture, _provider) = self::fixture(Api::Anthropic, Answer::events(stream), Vec::new());
    let answer = fixture.call("POST", CHAT, &[], &chat("Hello", true));
    assert_eq!(events(&answer)[0]["error"]["message"], "later", "{}", answer.text());
    assert_eq!(fixture.end().outcome, Outcome::Refused);
}

/// What is no answer of the provider's interface is never passed on as one of the caller's.
#[test]
fn an_answer_that_is_not_understood_is_not_passed_on() {
    for answer in [
        Answer::json(200, openai::CHAT),
        Answer::json(200, "{}"),
        Answer::json(
            200,
            anthropic::message(&[json!({ "type": "server_tool_use", "id": "x", "name": "y", "input": {} })]),
        ),
    ] {
        let (fixture, _provider) = fixture(Api::Anthropic, answer, Vec::new());
        let answer = fixture.call("POST", CHAT, &[], &chat("Hello", false));
        assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_malformed"), "{}", answer.text());
    }
    let whole = anthropic::stream_of(&["Hello"]);
    let cut = whole.split("event: message_stop").next().expect("a beginning").to_owned();
    let (fixture, _provider) = fixture(Api::Anthropic, Answer::events(cut), Vec::new());
    let answer = fixture.call("POST", CHAT, &[], &chat("Hello", true));
    assert!(
        answer.text().contains("upstream_broke_off") && !answer.text().contains("[DONE]"),
        "{}",
        answer.text()
    );
    assert_eq!(fixture.end().outcome, Outcome::Failed);
}

/// What the provider's interface cannot say is refused before anything is sent; without `translate` nothing crosses.
#[test]
fn what_cannot_be_translated_is_refused_and_on_record() {
    let (fixture, provider) = fixture(Api::Anthropic, Answer::json(200, r#"{"input_tokens":3}"#), Vec::new());
    let body = json!({ "model": "model-t", "seed": 7, "messages": [{ "role": "user", "content": "Hello" }] })
        .to_string();
    let answer = fixture.call("POST", CHAT, &[], body.as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (400, "not_translatable"), "{}", answer.text());
    assert_eq!(answer.header("x-should-retry"), Some("false"), "one refusal would become three");
    assert!(
        answer.json()["error"]["message"].as_str().is_some_and(|text| text.starts_with("seed ")),
        "{}",
        answer.text()
    );
    assert_eq!(fixture.denied().remove(0).code, "not_translatable");
    let counted = fixture.call("POST", "/v1/messages/count_tokens", &[], &message("Hello", false));
    assert_eq!(counted.status, 200, "its own interface is reached as ever: {}", counted.text());
    let plain = fixture.call(
        "POST",
        MESSAGES,
        &[],
        &json!({ "model": "model-a", "max_tokens": 1, "messages": [] }).to_string().into_bytes(),
    );
    assert_eq!(plain.status, 404, "the other provider does not translate: {}", plain.text());
    assert_eq!(provider.requests().len(), 1);
    let models = fixture.call("GET", "/v1/models/model-t", &[], b"").json();
    assert_eq!(
        models["surfaces"],
        json!(["openai.chat_completions", "anthropic.messages", "anthropic.count_tokens"])
    );
}

/// Requirement: N25. The model that is asked in place of another may be of the other vendor.
#[test]
fn a_fallback_crosses_to_the_other_vendor() {
    for stream in [false, true] {
        let second = Upstream::start(Script::by(move |_, _| {
            if stream {
                Answer::events(anthropic::stream_of(&["Here I am"]))
            } else {
                Answer::json(200, anthropic::message_of("Here I am"))
            }
        }));
        let other = UpstreamConfig {
            api: Api::Anthropic,
            models: vec!["model-b".to_owned()],
            translate: true,
            ..UpstreamConfig::new("second", second.base_url())
        };
        let setup = Setup {
            fallback: [("model-a".to_owned(), vec!["model-b".to_owned()])].into(),
            others: vec![other],
            ..Setup::default()
        };
        let fixture = Fixture::with(Answer::json(500, openai::ERROR_500), setup);
        let asked = if stream { say_streaming("Hello") } else { say("Hello") };
        let answer = fixture.chat(&asked);
        assert_eq!((answer.status, answer.content().as_str()), (200, "Here I am"), "{}", answer.text());
        assert_eq!(sent(&second)["model"], "model-b");
        let authorised = fixture.authorised();
        let translated: Vec<_> = authorised.iter().map(|record| record.translated.as_deref()).collect();
        assert_eq!(translated, [None, Some("anthropic")], "which attempt was translated is on record");
    }
}
