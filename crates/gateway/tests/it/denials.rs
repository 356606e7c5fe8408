//! What is not let through: an error in the library's form, one record, and a provider that hears nothing.

use std::sync::Arc;

use serde_json::json;
use tabellion_model::body::SystemStage;
use tabellion_testkit::upstream::{Answer, openai};

use crate::client::request;
use crate::fixture::{Fixture, POSITION, api_key, policy, say};

/// Checks a recorded denial.
fn assert_denied(fixture: &Fixture, answer: &crate::client::Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
    assert_eq!(
        answer.header("x-should-retry"),
        Some("false"),
        "{code}: one denial would become three records"
    );
    let record = fixture.of_type("call.denied").pop().expect("a denial is a record");
    let id = record.header.record_id.to_hex();
    assert_eq!(answer.header("tabellion-record"), Some(id.as_str()), "{code}: the answer names its record");
    assert_eq!(record.fields["code"], code, "{code}: on record");
    assert_eq!(record.fields["reason"], answer.json()["error"]["message"], "{code}: as the client was told");
    assert!(record.header.basis.is_some_and(|basis| basis >= POSITION), "{code}: what the decision had seen");
    assert_eq!(fixture.upstream.connections(), 0, "{code}: the provider must not hear of it");
    assert!(fixture.authorised().is_empty(), "{code}: nothing was permitted");
}

#[test]
fn a_system_that_is_not_live_is_denied() {
    for stage in [SystemStage::Draft, SystemStage::Paused, SystemStage::Retired] {
        let fixture = Fixture::new(Answer::silence());
        fixture.change_systems(|system| system.stage = stage);
        assert_denied(&fixture, &fixture.chat(&say("Hello")), 403, "system_not_live");
    }
    let fixture = Fixture::new(Answer::silence());
    fixture.change(|gate| Arc::make_mut(&mut gate.systems).clear());
    assert_denied(&fixture, &fixture.chat(&say("Hello")), 403, "system_not_live");
}

#[test]
fn a_purpose_that_is_not_the_keys_is_denied() {
    let fixture = Fixture::new(Answer::silence());
    let headers = [("Tabellion-Purpose", "marketing")];
    let answer = fixture.call("POST", "/v1/chat/completions", &headers, &say("Hello"));
    assert_denied(&fixture, &answer, 403, "purpose_not_permitted");
    assert_eq!(fixture.denied()[0].purpose.as_deref(), Some("marketing"), "the claim is on record");
    let twice = [("Tabellion-Purpose", "testing"), ("Tabellion-Purpose", "loan-support")];
    let answer = fixture.call("POST", "/v1/chat/completions", &twice, &say("Hello"));
    assert_denied(&fixture, &answer, 403, "purpose_not_permitted");
}

#[test]
fn a_model_outside_the_keys_list_is_denied() {
    let fixture = Fixture::new(Answer::silence());
    fixture.change_keys(|key| key.models = vec!["gpt-5".to_owned()]);
    assert_denied(&fixture, &fixture.chat(&say("Hello")), 403, "model_not_permitted");
    assert_eq!(fixture.denied()[0].model.as_deref(), Some("model-a"), "what was asked for is on record");
}

#[test]
fn a_model_that_nobody_serves_is_denied() {
    let fixture = Fixture::new(Answer::silence());
    let answer = fixture.chat(br#"{"model":"elsewhere","messages":[]}"#);
    assert_denied(&fixture, &answer, 404, "unknown_model");
}

#[test]
fn rules_deny_and_are_named() {
    let fixture = Fixture::new(Answer::silence());
    let forbids = r#"@id("all") permit (principal, action, resource);
        @id("no-streams") forbid (principal, action, resource) when { context.stream == false };"#;
    fixture.change(|gate| gate.policies = Arc::new(vec![policy(forbids)]));
    assert_denied(&fixture, &fixture.chat(&say("Hello")), 403, "policy_denied");
    assert_eq!(fixture.denied()[0].rules, ["base.no-streams"], "the rule that forbade it is on record");
    fixture.change(|gate| Arc::make_mut(&mut gate.policies).clear());
    assert_denied(&fixture, &fixture.chat(&say("Hello")), 403, "policy_denied");
    let record = fixture.denied().pop().expect("a denial");
    assert!(record.rules.is_empty() && record.policies.is_empty(), "with no rule in force none is named");
}

#[test]
fn rules_that_cannot_be_evaluated_deny() {
    for text in [
        "this is no rule",
        "permit (principal, action, resource) when { context.received_bytes + 9223372036854775807 > 0 };",
    ] {
        let fixture = Fixture::new(Answer::silence());
        fixture.change(|gate| gate.policies = Arc::new(vec![policy(text)]));
        assert_denied(&fixture, &fixture.chat(&say("Hello")), 403, "policy_error");
    }
}

#[test]
fn a_changed_policy_holds_from_the_next_call_on() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "permitted at first");
    fixture.change(|gate| gate.policies = Arc::new(vec![policy("forbid (principal, action, resource);")]));
    assert_eq!(fixture.chat(&say("Hello")).code(), "policy_denied", "an old rule was still in force");
}

/// Requirement: G01. Whatever a client tries besides the governed routes is refused, recorded, and never heard of by a provider.
#[test]
fn paths_that_are_not_governed_are_denied_and_recorded() {
    let fixture = Fixture::new(Answer::silence());
    let upstream = fixture.upstream.address();
    let around = format!("http://{upstream}/v1/chat/completions");
    let attempts = [
        ("GET", "/v1/embeddings"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/uploads"),
        ("POST", "/v1/audio/voices"),
        ("POST", "/anthropic/v1/messages"),
        ("GET", "/v1/chat/completions"),
        ("PUT", "/v1/chat/completions"),
        ("PATCH", "/v1/chat/completions"),
        ("TRACE", "/v1/chat/completions"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "//v1/chat/completions"),
        ("POST", "/v1/./chat/completions"),
        ("POST", "/v1/models/../chat/completions"),
        ("POST", "/v1/%63hat/completions"),
        ("POST", "/V1/chat/completions"),
        ("POST", "/v1/uploads?path=/v1/chat/completions"),
        ("OPTIONS", "/v1/chat/completions"),
        ("OPTIONS", "*"),
        ("DELETE", "/v1/models/model-a"),
        ("GET", "/"),
        // As if the gateway were a proxy: the target names a host.
        ("POST", around.as_str()),
        ("POST", "http://gateway/v1/chat/completions"),
        ("GET", "https://api.example.com/v1/models"),
    ];
    for (method, path) in attempts {
        let answer = fixture.call(method, path, &[], &say("Hello"));
        assert_denied(&fixture, &answer, 404, "unknown_route");
    }
    assert_eq!(fixture.denied().len(), attempts.len(), "each is one record");
}

/// Requirement: G01. A connection cannot be turned into something that nobody reads.
#[test]
fn a_connection_cannot_be_turned_into_a_tunnel() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let (bearer, upstream) = (format!("Bearer {}", api_key()), fixture.upstream.address());
    let mut client = fixture.connect();
    client.send(
        format!("CONNECT {upstream} HTTP/1.1\r\nHost: {upstream}\r\nAuthorization: {bearer}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    );
    client.read_until("unknown_route");
    let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")];
    let answer = fixture.call("GET", "/v1/realtime?model=model-a", &upgrade, b"");
    assert_denied(&fixture, &answer, 403, "opaque_not_enabled");
    for path in ["/v1/files", "/v1/chat/completions", "/v1/models", "/v1/models/model-a"] {
        let answer = fixture.call("GET", path, &upgrade, b"");
        assert_denied(&fixture, &answer, 404, "unknown_route");
    }
    assert_eq!(fixture.upstream.connections(), 0, "a tunnel reached the provider");
    // On a governed route the wish is not heard: the call is governed, and the provider learns nothing of it.
    let upgrade =
        [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")];
    let answer = fixture.call("POST", "/v1/chat/completions", &upgrade, &say("Hello"));
    assert_eq!((answer.status, answer.text()), (200, openai::CHAT), "an answer like any other");
    let head = fixture.upstream.requests().remove(0).head.to_ascii_lowercase();
    assert!(
        !head.contains("upgrade") && !head.contains("http2-settings"),
        "the provider was asked to switch: {head}"
    );
    assert_eq!(fixture.ended(1).len(), 1, "and it is on record");
}

/// Requirement: G01. Two requests in one cannot be made by lengths that contradict each other.
#[test]
fn a_request_hidden_in_another_is_not_carried_on() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let hidden = "POST /v1/embeddings HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n";
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {}\r\n", api_key());
    for lengths in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 4\r\nContent-Length: 5\r\n"]
    {
        let mut client = fixture.connect();
        client.try_send(format!("{head}{lengths}\r\n0\r\n\r\n{hidden}").as_bytes());
        assert!(client.ended_or_answered(), "the gateway neither answers nor hangs up");
    }
    assert_eq!(fixture.upstream.connections(), 0, "a hidden request reached the provider");
    assert!(fixture.authorised().is_empty(), "nothing of it was permitted");
}

/// Requirement: G08. Names that the application makes up are no way past the mask, neither to the provider nor into the log.
#[test]
fn a_model_or_purpose_that_is_no_name_is_refused_and_not_on_record() {
    let fixture = Fixture::new(Answer::silence());
    let asked = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
    for model in ["gpt-ada@example.org", " gpt-5", "gpt-5\n", "gpt-Ada Lovelace", "gpt-4111-1111-1111-1111"] {
        let body = asked(model).to_string();
        assert_denied(&fixture, &fixture.chat(body.as_bytes()), 404, "unknown_model");
        assert_eq!(
            fixture.denied().pop().expect("a denial").model.as_deref(),
            Some("unrecognised"),
            "{model:?}"
        );
    }
    let answer = fixture.call("GET", "/v1/models/ada@example.org", &[], b"");
    assert_denied(&fixture, &answer, 404, "unknown_model");
    for purpose in ["ada@example.org", "4111-1111-1111-1111", "Loan support"] {
        let headers = [("Tabellion-Purpose", purpose)];
        let answer = fixture.call("POST", "/v1/chat/completions", &headers, &say("Hello"));
        assert_denied(&fixture, &answer, 403, "purpose_not_permitted");
        let recorded = fixture.denied().pop().expect("a denial").purpose;
        assert_eq!(recorded.as_deref(), Some("unrecognised"), "{purpose:?}");
    }
    let all = format!("{:?}", fixture.records().iter().map(|seen| &seen.fields).collect::<Vec<_>>());
    assert!(!all.contains("ada@") && !all.contains("4111") && !all.contains("Lovelace"), "on record: {all}");
}

#[test]
fn a_query_is_refused_and_not_dropped_in_silence() {
    let fixture = Fixture::new(Answer::silence());
    for (method, path) in [
        ("POST", "/v1/chat/completions?api-version=2026-01-01"),
        ("POST", "/v1/chat/completions?user=ada@example.org"),
        ("GET", "/v1/models?limit=1"),
        ("GET", "/v1/models/model-a?expand=all"),
    ] {
        let answer = fixture.call(method, path, &[], &say("Hello"));
        assert_denied(&fixture, &answer, 400, "unexpected_query");
        let record = format!("{:?}", fixture.of_type("call.denied").pop().expect("a record").fields);
        assert!(
            !record.contains("ada@") && !record.contains("api-version"),
            "a query is on record: {record}"
        );
    }
}

#[test]
fn a_denied_head_request_has_no_body() {
    let fixture = Fixture::new(Answer::silence());
    let bearer = format!("Bearer {}", api_key());
    let mut client = fixture.connect();
    client.send(&request("HEAD", "/v1/models", &[("Authorization", &bearer), ("Connection", "close")], b""));
    client.read_until("\r\n\r\n");
    let head = String::from_utf8_lossy(&client.buffer).into_owned();
    assert!(head.starts_with("HTTP/1.1 404") && head.contains("tabellion-record"), "{head}");
    assert_eq!(fixture.denied().len(), 1, "recorded as every denial");
}

#[test]
fn a_denial_commits_to_the_bytes_that_came() {
    let fixture = Fixture::new(Answer::silence());
    let sent = say("I am ada@example.org");
    fixture.change(|gate| Arc::make_mut(&mut gate.policies).clear());
    let answer = fixture.chat(&sent);
    assert_denied(&fixture, &answer, 403, "policy_denied");
    let record = fixture.denied().remove(0);
    assert_eq!(record.received_salted_sha256, answer.salted(&sent), "what was refused can be shown later");
    assert_eq!(record.received_sha256, None, "anybody could try what it was");
    assert_eq!(record.received_bytes, sent.len() as u64, "and how much it was");
}
