//! Guards of answers by schema as somebody meets them who wants to get past one, or to make it slow.

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSchemaConfig, GuardSchemaOf, GuardSide};
use tabellion_model::body::{Delivered, GuardOutcome, Outcome};
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::fixture::{Fixture, Setup};
use crate::guards::told;

const PROSE: &str = "This is no JSON at all.";

fn guard(of: Option<GuardSchemaOf>, tools: bool) -> GuardConfig {
    let schema = Some(GuardSchemaConfig { of, tools });
    GuardConfig { on: vec![GuardSide::Answer], schema, ..GuardConfig::new("form", GuardKind::Schema) }
}

fn given(schema: &Value) -> GuardConfig {
    guard(Some(GuardSchemaOf::Given(schema.to_string())), false)
}

fn fixture(script: impl Into<Script>, api: Api, guard: GuardConfig) -> Fixture {
    Fixture::with(script, Setup { guards: vec![guard], api, ..Setup::default() })
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
