//! Declared paths of Gemini, Vertex and Bedrock: each with its vendor's key and counts, and no path beside them.

use serde_json::json;
use tabellion_gateway::Api;
use tabellion_model::body::{BudgetScope, Delivered, Outcome, RouteClass};
use tabellion_model::charge::{Spent, Window};
use tabellion_testkit::upstream::{Answer, Script};

use crate::budgets::{budget, organisation, tokens};
use crate::client::Answer as Answered;
use crate::fixture::{Fixture, Setup, api_key};
use crate::opaque::{open_by_records, opened};

fn of_api(api: Api, script: impl Into<Script>) -> Fixture {
    opened(script, &[RouteClass::Passthrough], Setup { api, ..Setup::default() })
}

fn ask(fixture: &Fixture, path: &str) -> Answered {
    fixture.send_json(path, &json!({ "contents": [{ "parts": [{ "text": "Hello" }] }] }))
}

fn counted(fixture: &Fixture) -> Option<(u64, u64)> {
    fixture.end().answered.usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens))
}

/// A frame of a binary stream.
fn frame(event: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [(":event-type", event), (":message-type", "event")] {
        headers.push(u8::try_from(name.len()).expect("short"));
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = u32::try_from(16 + headers.len() + payload.len()).expect("short");
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend_from_slice(&u32::try_from(headers.len()).expect("short").to_be_bytes());
    frame.extend_from_slice(&checksum(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    let all = checksum(&frame);
    frame.extend_from_slice(&all.to_be_bytes());
    frame
}

/// CRC-32 as in ISO-HDLC, bit by bit: written once more here, so that the test does not trust what it tests.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}

/// Requirement: N22. Each vendor is asked with its own key at its own path, and what it counts is on record.
#[test]
fn each_vendor_is_asked_in_its_own_way_and_its_counts_are_recorded() {
    let gemini = r#"{"candidates":[],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":6}}"#;
    let bedrock = r#"{"output":{},"usage":{"inputTokens":3,"outputTokens":5}}"#;
    for (api, path, answer, header, due) in [
        (Api::Gemini, "/v1beta/models/gpt-g:generateContent", gemini, "x-goog-api-key", (4, 6)),
        (
            Api::Vertex,
            "/v1/projects/p/locations/eu/publishers/google/models/gpt-v:generateContent",
            gemini,
            "authorization",
            (4, 6),
        ),
        (Api::Bedrock, "/model/gpt-b/converse", bedrock, "authorization", (3, 5)),
    ] {
        let fixture = of_api(api, Answer::json(200, answer));
        let answered = ask(&fixture, path);
        assert_eq!((answered.status, answered.text()), (200, answer), "{path}");
        let sent = fixture.upstream.requests().remove(0);
        assert_eq!(sent.path(), format!("/v1{path}"), "below the base URL of the test's provider");
        let key = sent.header(header).expect("the vendor's key");
        assert!(key.ends_with("sk-provider-secret"), "{path}: {key}");
        assert!(!sent.head.contains(&api_key()), "{path}: the client's key left");
        assert_eq!(counted(&fixture), Some(due), "{path}");
        let surface = fixture.authorised().remove(0).surface;
        assert!(surface.starts_with("passthrough."), "rules would take it for another: {surface}");
    }
}

/// Requirement: N22. Google's libraries send their key in a header of their own, and it is known there.
#[test]
fn a_key_in_googles_header_is_one() {
    let fixture = of_api(Api::Gemini, Answer::json(200, "{}"));
    let mut client = fixture.connect();
    let (key, kind) = (api_key(), "application/json");
    let headers = [("x-goog-api-key", key.as_str()), ("Content-Type", kind)];
    client.send(&crate::client::request("POST", "/v1beta/models/gpt-g:countTokens", &headers, b"{}"));
    assert_eq!(client.answer().status, 200);
}

/// Requirement: N22. A binary stream goes on frame by frame and its counts are read; a frame that was changed goes nowhere, and the stream breaks off.
#[test]
fn a_binary_stream_is_checked_on_its_way() {
    let stream = [
        frame("contentBlockDelta", r#"{"delta":{"text":"Hi"}}"#),
        frame("metadata", r#"{"usage":{"inputTokens":3,"outputTokens":5}}"#),
    ]
    .concat();
    let kind = "application/vnd.amazon.eventstream";
    let path = "/model/gpt-b/converse-stream";
    let fixture = of_api(Api::Bedrock, Answer::with_body(200, kind, stream.clone()).in_pieces(7));
    assert!(ask(&fixture, path).body == stream, "the stream was changed");
    assert_eq!(counted(&fixture), Some((3, 5)));

    let mut hostile = stream;
    let last = hostile.len() - 1;
    hostile[last] ^= 1;
    let fixture = of_api(Api::Bedrock, Answer::with_body(200, kind, hostile).in_pieces(7));
    let bearer = format!("Bearer {}", api_key());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&crate::client::request("POST", path, &headers, b"{}"));
    assert!(client.ended(), "half a stream passes for a whole one");
    let end = fixture.end();
    assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Failed, Some("upstream_malformed")));
    assert_ne!(end.delivered, Delivered::Whole);
    assert_eq!(end.answered.usage, None, "counts of a frame that was changed are believed");
}

/// Requirement: N22. Paths beside the declared ones, models that nobody configured and models of another interface go nowhere.
#[test]
fn no_other_path_passes() {
    let fixture = of_api(Api::Gemini, Script::by(|_, _| panic!("it was sent")));
    for (path, code) in [
        ("/v1beta/models/gpt-g:batchGenerateContent", "unknown_route"),
        ("/v1beta/models/gpt-g:generateContent/more", "unknown_route"),
        ("/v1beta/cachedContents", "unknown_route"),
        ("/model/gpt-g/invoke", "unknown_route"),
        ("/v1beta/models/other:generateContent", "unknown_model"),
        ("/v1beta/models/house-model:generateContent", "unknown_model"),
        ("/model/gpt-g/converse", "unknown_model"),
        ("/v1beta/models/gpt-g:generateContent?key=secret", "unexpected_query"),
        ("/v1/chat/completions", "malformed_body"),
    ] {
        assert_eq!(ask(&fixture, path).code(), code, "{path}");
    }
}

/// Requirement: N22, N23. What may stand for a file is reserved as one; what the provider counts is charged, and a budget of tokens holds.
#[test]
fn tokens_are_reserved_and_settled() {
    let mut begins_with = organisation();
    begins_with.extend(open_by_records(RouteClass::Passthrough));
    begins_with.push(budget("tokens", BudgetScope::Tenant, Window::Total, tokens(200_000)));
    let answer = r#"{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":6}}"#;
    let setup = Setup { api: Api::Gemini, begins_with: Some(begins_with), ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, answer), setup);
    let path = "/v1beta/models/gpt-g:generateContent";
    assert_eq!(ask(&fixture, path).status, 200);
    let end = fixture.of_type("call.completed").remove(0);
    let Some(Spent::Counted(spent)) = Spent::of(&end.header) else { panic!("{:?}", end.header.clear) };
    assert_eq!((spent.input, spent.output), (4, 6));
    let file = json!({ "contents": [{ "parts": [{ "fileData": { "fileUri": "files/1" } }] }] });
    assert_eq!(
        fixture.send_json(path, &file).code(),
        "budget_exceeded",
        "a long file costs what its address does"
    );
}
