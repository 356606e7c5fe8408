//! Guards that hold answers against JSON Schemas: whatever the interface and however it comes, what does not satisfy one is not let go, and no record repeats it.

use serde_json::{Value, json};
use tabellion_gateway::{
    Api, Gateway, GatewayConfig, GuardConfig, GuardKind, GuardMode, GuardSchemaConfig, GuardSchemaOf,
    GuardSide,
};
use tabellion_model::body::{Delivered, GuardOutcome, Outcome};
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::fixture::{Fixture, Setup};
use crate::guards::{routes, told};

const GOOD: &str = r#"{"amount": 12, "lines": [{"text": "kumquats"}]}"#;
const EMAIL: &str = "ada.lovelace@example.org";

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["amount"], "additionalProperties": false,
        "properties": {
            "amount": { "type": "number", "minimum": 0.5 },
            "lines": { "type": "array", "items": { "$ref": "#/$defs/line" } },
        },
        "$defs": { "line": { "type": "object", "properties": { "text": { "type": "string", "pattern": "^[a-z]+$" } } } },
    })
}

fn guard(of: Option<GuardSchemaOf>, tools: bool) -> GuardConfig {
    let schema = Some(GuardSchemaConfig { of, tools });
    GuardConfig { on: vec![GuardSide::Answer], schema, ..GuardConfig::new("form", GuardKind::Schema) }
}

fn given(schema: &Value) -> GuardConfig {
    guard(Some(GuardSchemaOf::Given(schema.to_string())), false)
}

fn requested() -> GuardConfig {
    guard(Some(GuardSchemaOf::Requested), false)
}

/// A provider that says `text` on every route, whole or in pieces.
fn says(text: &str) -> Script {
    let text = text.to_owned();
    Script::by(move |request, _| {
        let pieces: Vec<String> = text.chars().map(String::from).collect();
        match (request.path(), request.text().contains("\"stream\":true")) {
            ("/v1/chat/completions", false) => Answer::json(200, openai::chat_of(&text)),
            ("/v1/chat/completions", true) => Answer::events(openai::stream_of(&pieces)),
            ("/v1/responses", false) => Answer::json(200, responses::response_of(&text).to_string()),
            ("/v1/responses", true) => Answer::events(responses::stream_of(&pieces)),
            ("/v1/messages", false) => Answer::json(200, anthropic::message_of(&text)),
            ("/v1/messages", true) => Answer::events(anthropic::stream_of(&pieces)),
            ("/v1/messages/count_tokens", _) => Answer::json(200, r#"{"input_tokens":3}"#),
            _ => {
                let vector = json!({ "object": "embedding", "index": 0, "embedding": [0.5] });
                let usage = json!({ "prompt_tokens": 1, "total_tokens": 1 });
                let answer = json!({ "object": "list", "data": [vector], "model": "m", "usage": usage });
                Answer::json(200, answer.to_string())
            }
        }
    })
}

fn fixture(script: impl Into<Script>, api: Api, guard: GuardConfig) -> Fixture {
    Fixture::with(script, Setup { guards: vec![guard], api, ..Setup::default() })
}

/// One chat, and what the guard said of its answer.
fn outcome(script: impl Into<Script>, guard: GuardConfig, request: &Value) -> (GuardOutcome, Vec<String>) {
    let fixture = fixture(script, Api::OpenAi, guard);
    let answer = fixture.chat(request.to_string().as_bytes());
    let end = fixture.end();
    let [said] = end.guards.as_slice() else { panic!("{:?}: {}", end.guards, answer.text()) };
    let is_stopped = matches!(said.outcome, GuardOutcome::Blocked | GuardOutcome::Errored);
    assert_eq!(end.outcome == Outcome::Cut, is_stopped, "{said:?}: {}", answer.text());
    assert_eq!(end.delivered == Delivered::Nothing, is_stopped, "{said:?}: {}", answer.text());
    (said.outcome, said.found.clone())
}

fn chat() -> Value {
    json!({ "model": "model-a", "messages": [{ "role": "user", "content": "what does it cost?" }] })
}

fn with(mut request: Value, member: &str, value: Value) -> Value {
    request.as_object_mut().expect("an object").insert(member.to_owned(), value);
    request
}

fn word(said: &str) -> Vec<String> {
    vec![said.to_owned()]
}

/// Requirement: N20. Every route, whole and streamed.
#[test]
fn an_answer_that_is_not_as_the_schema_has_it_is_let_go_on_no_route() {
    let cases = [
        (GOOD, GuardOutcome::Passed, ""),
        (r#"{"amount": 0.25}"#, GuardOutcome::Blocked, "minimum /amount"),
        (r#"{"amount": 1, "Ada Lovelace": 1}"#, GuardOutcome::Blocked, "additionalProperties"),
        (r#"{"lines": []}"#, GuardOutcome::Blocked, "required"),
        (
            r#"{"amount": 1, "lines": [{}, {"text": "Kumquats!"}]}"#,
            GuardOutcome::Blocked,
            "pattern /lines/1/text",
        ),
        ("It costs 12.", GuardOutcome::Blocked, "not_json"),
        (r#"{"amount": 1, "li"#, GuardOutcome::Blocked, "not_json"),
        (r#"{"amount": 1, "amount": 0}"#, GuardOutcome::Blocked, "not_json"),
        ("```json\n{\"amount\": 1}\n```", GuardOutcome::Blocked, "not_json"),
    ];
    for (text, wanted, label) in cases {
        for stream in [false, true] {
            for (path, api, body) in routes("what does it cost?", stream) {
                let fixture = fixture(says(text), api, given(&schema()));
                let answer = fixture.call("POST", path, &[], &body);
                let end = fixture.end();
                let what = format!("{text} {path} stream={stream}: {}", answer.text());
                if path.ends_with("embeddings") || path.ends_with("count_tokens") {
                    assert_eq!(told(&end.guards), [("form", GuardOutcome::NotRun, vec![])], "{what}");
                    continue;
                }
                let labels: Vec<&str> = Some(label).filter(|label| !label.is_empty()).into_iter().collect();
                assert_eq!(told(&end.guards), [("form", wanted, labels)], "{what}");
                let passes = wanted == GuardOutcome::Passed;
                assert_eq!(
                    end.delivered,
                    if passes { Delivered::Whole } else { Delivered::Nothing },
                    "{what}"
                );
                assert_eq!(answer.text().contains("guard_blocked"), !passes, "{what}");
                assert!(!answer.text().contains("Lovelace") && !answer.text().contains("umquats!"), "{what}");
            }
        }
    }
}

/// Requirement: N20. What a request asks for is what its answer has to be; who asks for nothing gets anything.
#[test]
fn an_answer_is_held_against_what_its_request_asks_for() {
    let format = json!({ "type": "json_schema", "json_schema": { "name": "price", "strict": true, "schema": schema() } });
    let asking = with(chat(), "response_format", format);
    assert_eq!(outcome(says(GOOD), requested(), &asking), (GuardOutcome::Passed, vec![]));
    let missing = outcome(says("{}"), requested(), &asking);
    assert_eq!(missing, (GuardOutcome::Blocked, word("required")));
    assert_eq!(outcome(says("It costs 12."), requested(), &chat()), (GuardOutcome::NotRun, vec![]));
    let object = with(chat(), "response_format", json!({ "type": "json_object" }));
    assert_eq!(outcome(says("[]"), requested(), &object), (GuardOutcome::Blocked, word("type")));
    // What cannot be read is not taken for nothing, and where it does not stop calls it is said of the answer.
    for bad in [
        json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": { "$ref": "#" } } }),
        json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": { "pattern": "(?=x)" } } }),
        json!({ "type": "regex", "regex": "x" }),
    ] {
        let asking = with(chat(), "response_format", bad);
        let stopping = fixture(says(GOOD), Api::OpenAi, requested());
        let answer = stopping.chat(asking.to_string().as_bytes());
        assert_eq!((answer.status, answer.code()), (400, "malformed_body".to_owned()), "{}", answer.text());
        assert_eq!(told(&stopping.denied()[0].guards), [("form", GuardOutcome::Errored, vec!["schema"])]);
        let flagging = fixture(says(GOOD), Api::OpenAi, GuardConfig { mode: GuardMode::Flag, ..requested() });
        assert_eq!(flagging.chat(asking.to_string().as_bytes()).content(), GOOD, "{asking}");
        assert_eq!(
            told(&flagging.end().guards),
            [("form", GuardOutcome::Errored, vec!["schema"])],
            "{asking}"
        );
    }
    let flagging = GuardConfig { mode: GuardMode::Flag, ..requested() };
    let fixture = fixture(says("{}"), Api::OpenAi, flagging);
    assert_eq!(fixture.chat(asking.to_string().as_bytes()).content(), "{}");
    assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::Flagged, vec!["required"])]);
}

/// Requirement: N20. Every choice; a refusal and an answer that was cut off are no JSON; who calls a tool has not answered yet.
#[test]
fn every_choice_counts() {
    let choice = |index: u64, message: Value, reason: &str| json!({ "index": index, "message": message, "finish_reason": reason });
    let says = |choices: Value| {
        let answer = json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices,
            "usage": { "prompt_tokens": 1, "completion_tokens": 1 } });
        outcome(Answer::json(200, answer.to_string()), given(&schema()), &chat())
    };
    let text = |text: &str| json!({ "role": "assistant", "content": text });
    let calls = json!({ "role": "assistant", "content": null,
        "tool_calls": [{ "id": "1", "type": "function", "function": { "name": "f", "arguments": "{}" } }] });
    assert_eq!(
        says(json!([choice(0, text(GOOD), "stop"), choice(1, text(GOOD), "stop")])).0,
        GuardOutcome::Passed
    );
    let second = says(json!([choice(0, text(GOOD), "stop"), choice(1, text("{}"), "stop")]));
    assert_eq!(second, (GuardOutcome::Blocked, word("required")), "the second choice is not looked at");
    let cut = says(json!([choice(0, text(r#"{"amount": 1"#), "length")]));
    assert_eq!(cut, (GuardOutcome::Blocked, word("not_json")));
    let refusal = json!({ "role": "assistant", "content": null, "refusal": "I will not." });
    assert_eq!(says(json!([choice(0, refusal, "stop")])), (GuardOutcome::Blocked, word("not_json")));
    assert_eq!(says(json!([choice(0, calls, "tool_calls")])).0, GuardOutcome::NotRun);
    assert_eq!(says(json!([])), (GuardOutcome::Blocked, word("not_json")), "an answer of nothing passes");
}

/// Requirement: N20. Arguments against what the request declares of the tool, whole and in pieces.
#[test]
fn arguments_of_tools_are_held_against_what_their_request_declares() {
    let parameters =
        json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    let chat_tools =
        json!([{ "type": "function", "function": { "name": "weather", "parameters": parameters } }]);
    let message_tools = json!([{ "name": "weather", "input_schema": parameters }]);
    let cases = [
        (r#"{"city": "Graz"}"#, "weather", GuardOutcome::Passed, vec![]),
        (r#"{"city": 7}"#, "weather", GuardOutcome::Blocked, vec!["arguments type /*"]),
        ("{}", "weather", GuardOutcome::Blocked, vec!["arguments required"]),
        (r#"{"city": "#, "weather", GuardOutcome::Blocked, vec!["arguments not_json"]),
        (r#"{"city": "Graz"}"#, "delete_all", GuardOutcome::Blocked, vec!["tool_not_offered"]),
    ];
    for (arguments, name, wanted, labels) in cases {
        let pieces: Vec<String> = arguments.chars().map(String::from).collect();
        let of_chat = Answer::events(openai::tool_stream_of(name, &pieces));
        let of_message = Answer::events(anthropic::tool_stream_of(name, &pieces));
        let routes = [
            ("/v1/chat/completions", Api::OpenAi, of_chat, with(chat(), "tools", chat_tools.clone())),
            (
                "/v1/messages",
                Api::Anthropic,
                of_message,
                with(with(chat(), "tools", message_tools.clone()), "max_tokens", json!(9)),
            ),
        ];
        for (path, api, answer, request) in routes {
            let fixture = fixture(answer, api, guard(None, true));
            let request = with(request, "stream", json!(true));
            let answer = fixture.call("POST", path, &[], request.to_string().as_bytes());
            let said = fixture.end();
            assert_eq!(
                told(&said.guards),
                [("form", wanted, labels.clone())],
                "{path} {arguments}: {}",
                answer.text()
            );
            let delivered =
                if wanted == GuardOutcome::Passed { Delivered::Whole } else { Delivered::Nothing };
            assert_eq!(said.delivered, delivered, "{path} {arguments}");
        }
    }
    let whole = json!({ "type": "tool_use", "id": "t", "name": "weather", "input": { "city": 7 } });
    let fixture = fixture(Answer::json(200, anthropic::message(&[whole])), Api::Anthropic, guard(None, true));
    let request = with(with(chat(), "tools", message_tools), "max_tokens", json!(9));
    let answer = fixture.call("POST", "/v1/messages", &[], request.to_string().as_bytes());
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::Blocked, vec!["arguments type /*"])]);
}

/// Requirement: N20, P15. What is judged is what the caller reads: with the values that placeholders stand for.
#[test]
fn values_are_in_place_when_an_answer_is_judged() {
    let schema = json!({ "type": "object", "properties": { "to": { "type": "string", "pattern": "^[a-z.]+@[a-z.]+$" } }, "required": ["to"] });
    let echo = |stream: bool| {
        Script::by(move |request, _| {
            let said = json!({ "to": openai::last_message(&request.body) }).to_string();
            let pieces: Vec<String> = said.chars().map(String::from).collect();
            if stream {
                Answer::events(openai::stream_of(&pieces))
            } else {
                Answer::json(200, openai::chat_of(&said))
            }
        })
    };
    for stream in [false, true] {
        let fixture = fixture(echo(stream), Api::OpenAi, given(&schema));
        let request = json!({ "model": "model-a", "stream": stream, "messages": [{ "role": "user", "content": EMAIL }] });
        let answer = fixture.chat(request.to_string().as_bytes());
        assert_eq!(
            answer.content(),
            json!({ "to": EMAIL }).to_string(),
            "stream={stream}: {}",
            answer.text()
        );
        assert!(!fixture.upstream.requests()[0].text().contains("lovelace"), "it was not masked on its way");
        assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::Passed, vec![])]);
    }
}

/// Requirement: N20. The provider's own error is nobody's answer; a stream that broke off was not looked at, and none of it was let go.
#[test]
fn what_is_no_answer_is_not_judged() {
    let refused = json!({ "error": { "message": "too many", "type": "rate_limit_error" } });
    let fixture = fixture(Answer::json(400, refused.to_string()), Api::OpenAi, given(&schema()));
    assert_eq!(fixture.chat(chat().to_string().as_bytes()).status, 400);
    assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::NotRun, vec![])]);
    let stream = openai::stream_of(&["{\"amount\": 1}"]);
    let half = stream.len() / 2;
    let broken = self::fixture(Answer::events(stream).cut_after(half), Api::OpenAi, given(&schema()));
    let answer = broken.chat(with(chat(), "stream", json!(true)).to_string().as_bytes());
    assert!(!answer.text().contains("amount"), "{}", answer.text());
    assert_eq!(told(&broken.end().guards), [("form", GuardOutcome::NotRun, vec![])]);
}

/// Requirement: N20. What would take for ever is not begun: an answer that doubles the work at each level stops the call, and the next one is served.
#[test]
fn what_would_take_for_ever_is_not_begun() {
    let twice = json!({ "allOf": [{ "properties": { "a": { "$ref": "#" } } }, { "properties": { "a": { "$ref": "#" } } }] });
    let nested = |levels: usize| (0..levels).fold("1".to_owned(), |inner, _| format!("{{\"a\":{inner}}}"));
    for (text, label) in [(nested(30), "too_costly"), (nested(40), "too_deep")] {
        let said = outcome(says(&text), given(&twice), &chat());
        assert_eq!(said, (GuardOutcome::Errored, word(label)));
    }
    assert_eq!(outcome(says(&nested(3)), given(&twice), &chat()).0, GuardOutcome::Passed);
    // A pattern on which engines that look back take for ever.
    let slow = json!({ "type": "string", "pattern": "^(a+)+$" });
    let text = Value::String(format!("{}!", "a".repeat(20_000))).to_string();
    assert_eq!(outcome(says(&text), given(&slow), &chat()), (GuardOutcome::Blocked, word("pattern")));
}

/// Requirement: N19. What cannot work keeps the gateway from starting, and says what to do.
#[test]
fn a_schema_that_cannot_be_held_against_anything_refuses_the_start() {
    let refused = |guard: GuardConfig| {
        let config = GatewayConfig { guards: vec![guard], ..GatewayConfig::default() };
        Gateway::check(&config).expect_err("it is taken").to_string()
    };
    let cases = [
        (given(&json!({ "$ref": "https://example.org/schema" })), "$ref"),
        (given(&json!({ "$ref": "#" })), "leads back"),
        (given(&json!({ "unevaluatedProperties": false })), "unevaluatedProperties"),
        (given(&json!({ "type": "money" })), "not valid by the draft"),
        (given(&json!({ "pattern": "(?=x)" })), "looking back or ahead"),
        (given(&json!({ "pattern": "(" })), "not valid by the draft"),
        (guard(Some(GuardSchemaOf::Given("{".to_owned())), false), "not JSON"),
        (guard(None, false), "tools = true"),
        (GuardConfig::new("form", GuardKind::Schema), "schema or tools"),
        (GuardConfig { on: vec![GuardSide::Prompt], ..requested() }, "answers alone"),
        (GuardConfig { kind: GuardKind::Injection, ..requested() }, "schema or tools"),
    ];
    for (guard, why) in cases {
        let said = refused(guard);
        assert!(said.contains("[guard.form]") && said.contains(why), "{said}");
    }
}
