//! Files at a provider with the interface of Anthropic: on the paths of `OpenAI`'s interface, told apart by what the caller speaks.

use std::sync::Arc;

use serde_json::json;
use tabellion_gateway::{Api, UpstreamConfig};
use tabellion_model::SystemId;
use tabellion_model::body::{Body as _, GuardOutcome, ObjectKept, RouteClass};
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::gate::GateFile;

use crate::client::Answer as Answered;
use crate::fixture::{Fixture, PROVIDER_KEY, Setup, body};
use crate::opaque::{opened, own};
use crate::opaque_costs::of_api;
use crate::outside_guards;

/// What Anthropic's library sends with a file.
const HEADERS: [(&str, &str); 3] = [
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "files-api-2025-04-14"),
    ("Content-Type", "multipart/form-data; boundary=b"),
];
/// A form with one file.
const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\nContent-Type: text/plain\r\n\r\nwrite to ada@example.org\r\n--b--\r\n";

fn script() -> Script {
    Script::by(|request, _| match (request.method(), request.path()) {
        ("POST", _) => Answer::json(200, r#"{"id":"file_011","type":"file","filename":"notes.txt"}"#),
        (_, path) if path.ends_with("/content") => Answer::with_body(200, "text/plain", "notes"),
        _ => Answer::json(200, r#"{"id":"file_011","type":"file"}"#),
    })
}

fn send(fixture: &Fixture, form: &str) -> Answered {
    fixture.call("POST", "/v1/files", &HEADERS, form.as_bytes())
}

fn code(answer: &Answered) -> &str {
    assert_eq!(answer.json()["type"], "error", "its library reads nothing of {}", answer.text());
    answer.header("tabellion-code").expect("a word")
}

/// Requirement: N22. A file passes as it came to the provider of the caller's interface, with that one's own key, and is on record as what nothing looked into.
#[test]
fn a_file_goes_to_the_provider_of_the_callers_interface() {
    let beside = UpstreamConfig {
        models: vec!["model-b".to_owned()],
        ..UpstreamConfig::new("beside", "http://127.0.0.1:9/v1")
    };
    let setup = Setup { api: Api::Anthropic, others: vec![beside], ..Setup::default() };
    let fixture = opened(script(), &[RouteClass::Files], setup);
    let answer = send(&fixture, FORM);
    assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some("file_011")), "{}", answer.text());
    let sent = fixture.upstream.requests().remove(0);
    assert_eq!((sent.method(), sent.path(), sent.text()), ("POST", "/v1/files", FORM.to_owned()));
    assert_eq!(sent.header("x-api-key"), Some(PROVIDER_KEY));
    assert_eq!(sent.header("anthropic-beta"), Some("files-api-2025-04-14"), "the provider refuses it");
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.surface, "opaque.files.anthropic.create");
    let masking = authorised.guards.iter().find(|guard| guard.guard == "masking.opaque");
    assert_eq!(
        masking.map(|guard| guard.outcome),
        Some(GuardOutcome::NotRun),
        "it says that somebody looked"
    );

    // Whoever speaks the other interface means the other provider.
    assert_eq!(fixture.call("GET", "/v1/files/file_011", &[], b"").code(), "object_not_own");
    let denied = fixture.denied();
    assert_eq!(denied[0].surface, "opaque.files.read");
    assert_eq!(fixture.upstream.requests().len(), 1);
}

/// Requirement: N22. A form holds a file and what is known beside it, and nothing else.
#[test]
fn a_form_holds_a_file_and_what_is_known() {
    let setup = || Setup { api: Api::Anthropic, ..Setup::default() };
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n{FORM}")
    };
    let fixture = opened(script(), &[RouteClass::Files], setup());
    assert_eq!(send(&fixture, &field("expires_in_seconds", "3600")).status, 200);
    let fixture = opened(Script::by(|_, _| panic!("it was sent")), &[RouteClass::Files], setup());
    let second = FORM.replace("--b--\r\n", &FORM.replace("name=\"file\"", "name=\"more\""));
    for (form, why) in [
        (field("purpose", "batch"), "a field of another interface"),
        (field("note", "ada@example.org"), "a field nobody reads"),
        (field("expires_in_seconds", "ada@example.org"), "no plain word"),
        (FORM.replace("name=\"file\"", "name=\"files\""), "a file of another name"),
        (FORM.replace("; filename=\"notes.txt\"", ""), "no file"),
        (second, "two files"),
    ] {
        assert_eq!(code(&send(&fixture, &form)), "malformed_body", "{why}");
    }
    let closed = opened(Script::by(|_, _| panic!("it was sent")), &[RouteClass::Batches], setup());
    assert_eq!(code(&send(&closed, FORM)), "opaque_not_enabled");
}

/// Requirement: N22. A file is its system's from the answer on and over a restart; every other's is refused before anything is sent, and so are lists.
#[test]
fn a_file_of_anthropics_is_its_systems() {
    let mut fixture = of_api(Api::Anthropic, script(), Vec::new(), Vec::new());
    let ask = |fixture: &Fixture, method: &str, path: &str| fixture.as_anthropic(method, path, None);
    assert_eq!(code(&ask(&fixture, "GET", "/v1/files/file_011")), "object_not_own");
    assert_eq!(send(&fixture, FORM).status, 200);
    fixture.restart();
    for (method, path) in [
        ("GET", "/v1/files/file_011"),
        ("GET", "/v1/files/file_011/content"),
        ("DELETE", "/v1/files/file_011"),
    ] {
        assert_eq!(ask(&fixture, method, path).status, 200, "{method} {path}: a restart forgets whose it is");
    }
    let kept: Vec<ObjectKept> = fixture.of_type(ObjectKept::TYPE).iter().map(body).collect();
    assert_eq!((kept.len(), kept[0].object.as_str(), kept[0].class), (1, "file_011", RouteClass::Files));

    let setup = Setup { api: Api::Anthropic, ..Setup::default() };
    let fixture = opened(Script::by(|_, _| panic!("it was sent")), &[RouteClass::Files], setup);
    let other = GateFile { system: SystemId::from_bytes([0xee; 16]), ..own("file_011", RouteClass::Files) };
    fixture.change(|gate| gate.files = Arc::new(vec![other]));
    for (method, path) in [
        ("GET", "/v1/files/file_011"),
        ("GET", "/v1/files/file_011/content"),
        ("DELETE", "/v1/files/file_011"),
        ("GET", "/v1/files"),
        ("GET", "/v1/files?limit=3"),
    ] {
        let answer = ask(&fixture, method, path);
        assert_eq!((answer.status, code(&answer)), (403, "object_not_own"), "{method} {path}");
    }
}

/// Requirement: N22. A file that was sent here may be named in a prompt of the same system.
#[test]
fn a_prompt_may_name_a_file_that_was_sent_here() {
    let answers = outside_guards::provider();
    let setup = Setup { api: Api::Anthropic, ..Setup::default() };
    let fixture = opened(answers, &[RouteClass::Files], setup);
    let source = json!({ "type": "document", "source": { "type": "file", "file_id": "file-1" } });
    let message = json!({ "model": "model-a", "max_tokens": 9,
        "messages": [{ "role": "user", "content": [source] }] });
    let answer = fixture.as_anthropic("POST", "/v1/messages", Some(&message));
    assert_eq!(answer.status, 200, "{}", answer.text());
}
