//! Guards of answers by schema as somebody meets them who wants to get past one, or to make it slow.

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSchemaConfig, GuardSchemaOf, GuardSide};
use tabellion_model::body::{Delivered, GuardOutcome, Outcome};
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::fixture::{Fixture, Setup};
use crate::guards::told;

const CARD: &str = "4111111111111111";
const PROSE: &str = "This is no JSON at all.";

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

fn fixture(script: impl Into<Script>, api: Api, guard: GuardConfig) -> Fixture {
    Fixture::with(script, Setup { guards: vec![guard], api, ..Setup::default() })
}

fn asking(schema: &Value) -> Value {
    let format = json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": schema } });
    json!({ "model": "model-a", "messages": [{ "role": "user", "content": "hi" }], "response_format": format })
}

fn numbers() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "number" }, "properties": { "Anna.Mueller-Huber": { "type": "number" } } })
}

/// A call of one of the interfaces that declares the tool `f` alone.
fn with_tool(path: &str, stream: bool) -> (Api, String) {
    let (schema, said) = (json!({ "type": "object" }), json!([{ "role": "user", "content": "hi" }]));
    let (api, body) = match path {
        "/v1/chat/completions" => {
            let tool = json!({ "type": "function", "function": { "name": "f", "parameters": schema } });
            (Api::OpenAi, json!({ "model": "model-a", "stream": stream, "messages": said, "tools": [tool] }))
        }
        "/v1/responses" => {
            let tool = json!({ "type": "function", "name": "f", "parameters": schema });
            (Api::OpenAi, json!({ "model": "model-a", "stream": stream, "input": "hi", "tools": [tool] }))
        }
        _ => {
            let tool = json!({ "name": "f", "input_schema": schema });
            (
                Api::Anthropic,
                json!({ "model": "model-a", "max_tokens": 9, "stream": stream, "messages": said, "tools": [tool] }),
            )
        }
    };
    (api, body.to_string())
}

/// Requirement: N20, P15. Neither a number that came back in place of its placeholder nor a name of the caller's stands in a record.
#[test]
fn no_name_of_a_member_is_told_that_may_be_anybodys() {
    let echo = || {
        Script::by(|request, _| {
            let said = json!({ (openai::last_message(&request.body)): "x" }).to_string();
            Answer::json(200, openai::chat_of(&said))
        })
    };
    let fixture = fixture(echo(), Api::OpenAi, given(&numbers()));
    let answer = fixture.chat(
        json!({ "model": "model-a", "messages": [{ "role": "user", "content": CARD }] })
            .to_string()
            .as_bytes(),
    );
    assert!(!fixture.upstream.requests()[0].text().contains(CARD), "it was not masked on its way");
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(!answer.text().contains(CARD), "{}", answer.text());
    assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::Blocked, vec!["type /*"])]);
    let named = r#"{"Anna.Mueller-Huber": "x"}"#;
    let asked = self::fixture(Answer::json(200, openai::chat_of(named)), Api::OpenAi, requested());
    let answer = asked.chat(asking(&numbers()).to_string().as_bytes());
    assert!(!answer.text().contains("Mueller"), "{}", answer.text());
    assert_eq!(told(&asked.end().guards), [("form", GuardOutcome::Blocked, vec!["type /*"])]);
}

/// Requirement: N20, V17. Whoever sends prose and then an error has not answered: the error goes back, and nothing of what came before it.
#[test]
fn a_stream_that_ends_in_an_error_gives_nothing_of_what_was_held() {
    let pieces = [PROSE];
    let up_to = |stream: String, event: &str| {
        let end = stream.find(event).expect("the event");
        stream[..end].to_owned()
    };
    let chat = up_to(openai::stream_of(&pieces), openai::DONE);
    let called = up_to(openai::tool_stream_of("delete_all", &["{}"]), openai::DONE);
    let message = up_to(anthropic::stream_of(&pieces), "event: message_delta");
    let begun = up_to(anthropic::stream_of(&pieces), "event: message_stop");
    let response = up_to(responses::stream_of(&pieces), "event: response.completed");
    let overloaded =
        anthropic::event("error", json!({ "error": { "type": "overloaded_error", "message": "x" } }));
    let failed = anthropic::event(
        "response.failed",
        json!({ "sequence_number": 99, "response": { "status": "failed", "output": [] } }),
    );
    let (text, tools) = (given(&numbers()), guard(None, true));
    let cases = [
        ("/v1/chat/completions", &text, chat.clone(), "data: {\"error\":{\"message\":\"x\"}}\n\n".to_owned()),
        ("/v1/chat/completions", &text, chat, "data: {\"error\":{}}\n\n".to_owned()),
        ("/v1/chat/completions", &tools, called, "data: {\"error\":{}}\n\n".to_owned()),
        ("/v1/messages", &text, message, overloaded.clone()),
        ("/v1/messages", &text, begun, overloaded),
        ("/v1/responses", &text, response, failed),
    ];
    for (path, guard, before, error) in cases {
        let (api, request) = with_tool(path, true);
        let fixture = fixture(Answer::events(format!("{before}{error}")), api, guard.clone());
        let answer = fixture.call("POST", path, &[], request.as_bytes());
        assert_eq!(
            answer.text(),
            error,
            "{path}: the provider's own words, and nothing that no guard looked at"
        );
        let end = fixture.end();
        assert_eq!((end.outcome, end.delivered), (Outcome::Refused, Delivered::Nothing), "{path} {error}");
        assert_eq!(told(&end.guards), [("form", GuardOutcome::NotRun, vec![])], "{path} {error}");
    }
}

/// Requirement: N20. An error that is an answer as well is neither: the client gets an error of the gateway's.
#[test]
fn an_error_with_an_answer_in_it_is_not_passed_on() {
    let error = json!({ "error": {}, "choices": [{ "index": 0, "delta": { "content": PROSE } }] });
    let fixture = fixture(Answer::events(format!("data: {error}\n\n")), Api::OpenAi, given(&numbers()));
    let (_, request) = with_tool("/v1/chat/completions", true);
    let answer = fixture.chat(request.as_bytes());
    assert!(!answer.text().contains(PROSE) && answer.text().contains("guard_errored"), "{}", answer.text());
    let end = fixture.end();
    assert_eq!((end.outcome, end.delivered), (Outcome::Cut, Delivered::Nothing));
}

/// Requirement: N20. What no guard could hold an answer to, or only for a long time, is refused before anybody is paid for it, and nobody asks again.
#[test]
fn a_schema_that_cannot_be_read_costs_nothing() {
    let slow = json!({ "pattern": "[ab]*a[ab]{5000}c" });
    let many: serde_json::Map<String, Value> = (0..1_500)
        .map(|number| (format!("p{number}"), json!({ "pattern": format!("^[a-z]{{{number}}}x") })))
        .collect();
    let names: serde_json::Map<String, Value> =
        (0..1_500).map(|number| (format!("^n{number}[a-z]+$"), json!(true))).collect();
    let large = json!({ "description": "x".repeat(66 << 10) });
    for schema in [
        slow,
        json!({ "properties": many }),
        json!({ "patternProperties": names }),
        large,
        json!({ "$ref": "#" }),
        json!({ "items": { "$schema": "http://json-schema.org/draft-07/schema#" } }),
    ] {
        let fixture = fixture(Answer::json(200, openai::chat_of("{}")), Api::OpenAi, requested());
        let answer = fixture.chat(asking(&schema).to_string().as_bytes());
        let what = answer.text();
        assert_eq!((answer.status, answer.header("x-should-retry")), (400, Some("false")), "{what}");
        assert!(what.contains("the guard form") && !what.contains("try again later"), "{what}");
        assert!(fixture.upstream.requests().is_empty(), "the provider was asked: {what}");
        let denied = fixture.denied();
        assert_eq!(told(&denied[0].guards), [("form", GuardOutcome::Errored, vec!["schema"])], "{what}");
    }
}

/// Requirement: N20. A pattern that is slow on a long text is not begun, and who asked is not told to wait.
#[test]
fn a_long_text_is_not_held_against_a_slow_pattern() {
    let said = json!("ab".repeat(32_000)).to_string();
    let fixture = fixture(Answer::json(200, openai::chat_of(&said)), Api::OpenAi, requested());
    let answer = fixture.chat(asking(&json!({ "pattern": "[ab]*a[ab]{500}c" })).to_string().as_bytes());
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(
        !answer.text().contains("try again later") && answer.text().contains("simpler"),
        "{}",
        answer.text()
    );
    assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::Errored, vec!["too_costly"])]);
}

/// Requirement: N20. What is judged is what the caller's library reads, whatever else stands beside it.
#[test]
fn an_answer_is_read_as_its_own_interface_has_it() {
    let (text, tools) = (given(&numbers()), guard(None, true));
    let mut both: Value = serde_json::from_str(&anthropic::message_of(PROSE)).expect("JSON");
    both["choices"] = json!([{ "index": 0, "message": { "content": "{}" } }]);
    let call = json!({ "type": "function_call", "id": "c", "call_id": "c", "name": "delete_all", "arguments": "{}", "status": "completed" });
    let ended = json!({ "sequence_number": 2, "response": { "status": "completed", "output": [] } });
    let late = anthropic::event(
        "response.created",
        json!({ "sequence_number": 0, "response": { "status": "in_progress", "output": [] } }),
    ) + &anthropic::event(
        "response.output_item.done",
        json!({ "sequence_number": 1, "output_index": 0, "item": call }),
    ) + &anthropic::event("response.completed", ended);
    let called = |name: &str| json!({ "index": 0, "id": name, "type": "function", "function": { "name": name, "arguments": "{}" } });
    let message =
        json!({ "role": "assistant", "content": null, "tool_calls": [called("delete_all"), called("f")] });
    let twice = json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": message, "finish_reason": "tool_calls" }], "usage": { "prompt_tokens": 1, "completion_tokens": 1 } });
    let cases = [
        ("/v1/messages", &text, Answer::json(200, both.to_string()), "not_json"),
        ("/v1/responses", &tools, Answer::events(late), "tool_not_offered"),
        ("/v1/chat/completions", &tools, Answer::json(200, twice.to_string()), "tool_not_offered"),
    ];
    for (path, guard, answer, label) in cases {
        let is_stream = path.ends_with("responses");
        let (api, request) = with_tool(path, is_stream);
        let fixture = fixture(answer, api, guard.clone());
        let answer = fixture.call("POST", path, &[], request.as_bytes());
        assert!(answer.text().contains("guard_blocked"), "{path}: {}", answer.text());
        let end = fixture.end();
        assert_eq!(told(&end.guards), [("form", GuardOutcome::Blocked, vec![label])], "{path}");
        assert_eq!(end.delivered, Delivered::Nothing, "{path}");
    }
    let mut pieces = openai::stream_of(&["{}"]);
    pieces = pieces.replace("\"delta\":", "\"message\":null,\"delta\":");
    let (_, request) = with_tool("/v1/chat/completions", true);
    let fixture = fixture(Answer::events(pieces), Api::OpenAi, text);
    let answer = fixture.chat(request.as_bytes());
    assert_eq!(told(&fixture.end().guards), [("form", GuardOutcome::Passed, vec![])], "{}", answer.text());
}

/// Requirement: N20. However deep the input of a tool is, it is looked at or not let go.
#[test]
fn the_input_of_a_tool_is_not_too_deep_to_be_looked_at() {
    let (api, request) = with_tool("/v1/messages", false);
    for levels in [30, 40, 100, 122, 123, 124, 125, 126, 127, 128] {
        let input = (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        let call = json!({ "type": "tool_use", "id": "t", "name": "f", "input": input });
        let fixture = fixture(Answer::json(200, anthropic::message(&[call])), api, guard(None, true));
        let answer = fixture.call("POST", "/v1/messages", &[], request.as_bytes());
        let end = fixture.end();
        let is_looked_at = levels == 30;
        assert_eq!(end.delivered == Delivered::Whole, is_looked_at, "{levels}: {}", answer.text());
        assert_eq!(answer.status == 200, is_looked_at, "{levels}: {}", answer.text());
    }
}
