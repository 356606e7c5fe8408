//! What a request offers and asks for is read as any reader of it would: tools wherever they are listed, and no member that some take for another.

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig};
use tabellion_testkit::upstream::{Answer, openai};

use crate::client;
use crate::fixture::{Fixture, Setup};
use crate::rego::rego;

fn without_payments(api: Api) -> Fixture {
    let guards: Vec<GuardConfig> =
        vec![rego("payments", "deny contains \"pays\" if \"pay_now\" in input.tools")];
    Fixture::with(Answer::json(200, openai::chat_of("fine")), Setup { guards, api, ..Setup::default() })
}

fn ask(fixture: &Fixture, path: &str, body: &Value) -> client::Answer {
    fixture.call("POST", path, &[], body.to_string().as_bytes())
}

/// Requirement: G04, N17. A rule about tools holds for those in a namespace and those that are handed over in the conversation too.
#[test]
fn a_tool_is_offered_wherever_it_is_listed() {
    let pays = json!({ "type": "function", "name": "pay_now", "parameters": {} });
    let space = json!({ "type": "namespace", "name": "bank", "tools": [{ "type": "namespace", "name": "in", "tools": [pays] }] });
    let fixture = without_payments(Api::OpenAi);
    for (what, tools, input) in [
        ("a list", json!([pays]), json!("now")),
        ("a namespace", json!([space]), json!("now")),
        ("what a search found", json!([]), json!([{ "type": "tool_search_output", "tools": [pays] }])),
        (
            "a namespace that a search found",
            json!([]),
            json!([{ "type": "tool_search_output", "tools": [space] }]),
        ),
        ("more of them", json!([]), json!([{ "type": "additional", "additional_tools": [pays] }])),
    ] {
        let answer =
            ask(&fixture, "/v1/responses", &json!({ "model": "model-a", "input": input, "tools": tools }));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "guard_blocked"),
            "{what}: {}",
            answer.text()
        );
    }
    assert!(fixture.upstream.requests().is_empty(), "a tool that a rule is against was offered");
    // A name in a tool's own schema is nobody's tool.
    let schema = json!({ "type": "function", "name": "f", "parameters": { "properties": { "name": { "const": "pay_now" } } } });
    let chat = json!({ "model": "model-a", "messages": [{ "role": "user", "content": "hi" }], "tools": [{ "type": "function", "function": schema }] });
    assert_eq!(ask(&fixture, "/v1/chat/completions", &chat).status, 200);
}

/// Requirement: G04. Of `model` and `Model` some providers take the last; what was decided here would be about another request.
#[test]
fn a_member_in_other_letters_is_refused_where_it_decides() {
    let fixture = without_payments(Api::OpenAi);
    let plain = json!({ "model": "model-a", "messages": [{ "role": "user", "content": "hi" }] });
    for (name, value) in [
        ("Model", json!("model-b")),
        ("Tools", json!([{ "type": "function", "function": { "name": "pay_now" } }])),
        ("Max_Tokens", json!(5)),
        ("N", json!(100)),
        ("\u{17f}tream", json!(true)),
    ] {
        let mut body = plain.clone();
        body[name] = value;
        let answer = ask(&fixture, "/v1/chat/completions", &body);
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(answer.text().contains("letters' case"), "{name}: {}", answer.text());
    }
    let mut body = plain.clone();
    body["tools"] = json!([{ "type": "function", "function": { "name": "f", "Name": "pay_now" } }]);
    assert_eq!(ask(&fixture, "/v1/chat/completions", &body).status, 400, "a tool has two names");
    assert!(fixture.upstream.requests().is_empty(), "it was sent on");
    let mut body = plain;
    body["X-Model"] = json!("anything");
    assert_eq!(ask(&fixture, "/v1/chat/completions", &body).status, 200, "other members are the provider's");
}
