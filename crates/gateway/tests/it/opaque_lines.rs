//! Lines of a batch's file as what they are, calls: what a policy flags in one is on record, and each is decided again as itself when the batch is begun.

use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_gateway::{GuardConfig, GuardKind, GuardMode, GuardRegoConfig, GuardSide};
use tabellion_model::body::{GuardOutcome, RouteClass};
use tabellion_testkit::upstream::{Answer, Script};

use crate::client::Answer as Answered;
use crate::fixture::{Fixture, Setup, policy};
use crate::opaque::{opened, upload};

/// Both ends of the batch's way.
const CLASSES: [RouteClass; 2] = [RouteClass::Files, RouteClass::Batches];

fn line(id: usize, body: &Value) -> String {
    json!({ "custom_id": format!("r-{id}"), "method": "POST", "url": "/v1/chat/completions", "body": body })
        .to_string()
}

fn say(text: &str) -> Value {
    json!({ "model": "model-a", "messages": [{ "role": "user", "content": text }] })
}

fn offering(tool: &str) -> Value {
    let mut body = say("pay it");
    body["tools"] = json!([{ "type": "function", "function": { "name": tool, "parameters": {} } }]);
    body
}

fn script() -> Script {
    Script::by(|request, _| match request.path() {
        "/v1/files" => Answer::json(200, r#"{"id":"file-42","object":"file"}"#),
        _ => Answer::json(200, r#"{"id":"batch_7","status":"validating"}"#),
    })
}

fn begin(fixture: &Fixture) -> Answered {
    fixture
        .send_json("/v1/batches", &json!({ "input_file_id": "file-42", "endpoint": "/v1/chat/completions" }))
}

/// Requirement: P32, N22. A flag of a policy on a line lets the file go on, and the file's record says which policy, by which ids, and on how many lines.
#[test]
fn a_flag_on_a_line_is_on_the_record_of_the_file() {
    let flags = GuardConfig {
        mode: GuardMode::Flag,
        on: vec![GuardSide::Prompt],
        rego: Some(GuardRegoConfig {
            policy: "package house\n\ndeny contains \"mail\" if input.masked.email > 0\n".to_owned(),
            query: "data.house.deny".to_owned(),
            content: false,
        }),
        ..GuardConfig::new("mails", GuardKind::Rego)
    };
    let fixture = opened(script(), &CLASSES, Setup { guards: vec![flags], ..Setup::default() });
    let file = [
        line(1, &say("hello")),
        line(2, &say("write to ada@example.org")),
        line(3, &say("write to bob@example.org")),
    ];
    let answer = fixture.send_form("/v1/files", &upload("batch", &file.join("\n")));
    assert_eq!(answer.status, 200, "a flag stopped the file: {}", answer.text());
    let guards = fixture.authorised().remove(0).guards;
    let said = guards.iter().find(|said| said.guard == "mails").expect("what the policy said");
    assert_eq!(said.outcome, GuardOutcome::Flagged, "what was flagged is on no record: {guards:?}");
    assert!(said.found.contains(&"mail".to_owned()), "{said:?}");
    assert!(said.found.contains(&"lines 2, first 2".to_owned()), "nobody knows where: {said:?}");
}

/// Requirement: N22, G07. When the batch is begun, rules are asked of the tools and the sizes of its requests, as of calls, and not of the request that begins it.
#[test]
fn a_batch_is_decided_again_by_tools_and_sizes() {
    let fixture = opened(script(), &CLASSES, Setup::default());
    let long = "a".repeat(4000);
    let file = [line(1, &say("hello")), line(2, &say(&long)), line(3, &offering("transfer_funds"))];
    assert_eq!(fixture.send_form("/v1/files", &upload("batch", &file.join("\n"))).status, 200);
    assert_eq!(begin(&fixture).status, 200);
    let under = |rule: &str| {
        let text = format!("@id(\"all\") permit (principal, action, resource);\n@id(\"no\") {rule}");
        fixture.change(|gate| gate.policies = Arc::new(vec![policy(&text)]));
        begin(&fixture)
    };
    let chat = r#"forbid (principal, action == Action::"chat", resource)"#;
    for condition in [
        r#"when { context.tools.contains("transfer_funds") };"#,
        "when { context.received_bytes > 3000 };",
        "when { context.received_bytes < 200 };",
    ] {
        let answer = under(&format!("{chat} {condition}"));
        assert_eq!(answer.code(), "policy_denied", "{condition} does not hold in a batch: {}", answer.text());
    }
    for condition in
        [r#"when { context.tools.contains("search") };"#, "when { context.received_bytes > 100000 };"]
    {
        let answer = under(&format!("{chat} {condition}"));
        assert_eq!(answer.status, 200, "{condition} is for none of its requests: {}", answer.text());
    }
}
