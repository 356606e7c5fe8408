//! Files and batches of one account of a provider: each is the system's whose call made it, by the record, and nobody else's.

use std::sync::Arc;

use serde_json::json;
use tabellion_model::SystemId;
use tabellion_model::body::{Body as _, ObjectKept, RouteClass};
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::gate::GateFile;

use crate::budgets::organisation;
use crate::fixture::{Fixture, Setup};
use crate::opaque::{open_by_records, opened, own, upload};

/// Both ends of a batch's way.
const CLASSES: [RouteClass; 2] = [RouteClass::Files, RouteClass::Batches];

fn line() -> String {
    json!({
        "custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions",
        "body": { "model": "model-a", "messages": [{ "role": "user", "content": "hello" }] },
    })
    .to_string()
}

fn script() -> Script {
    Script::by(|request, _| match (request.method(), request.path()) {
        ("POST", "/v1/files") if request.text().contains("batch.jsonl") => {
            Answer::json(200, r#"{"id":"file-in","object":"file"}"#)
        }
        ("POST", "/v1/files") => Answer::json(200, r#"{"id":"file-notes","object":"file"}"#),
        ("POST", "/v1/batches") => Answer::json(200, r#"{"id":"batch_9","output_file_id":null}"#),
        ("GET", "/v1/batches/batch_9") => {
            Answer::json(200, r#"{"id":"batch_9","output_file_id":"file-out","error_file_id":"file-err"}"#)
        }
        _ => Answer::json(200, r#"{"object":"file"}"#),
    })
}

/// Requirement: N22. What nobody has a record of, what is another system's, and what is known under another class or provider is refused before anything is sent, and so are
/// lists; each attempt is on record.
#[test]
fn what_is_not_on_record_as_own_is_refused() {
    let fixture = opened(Script::by(|_, _| panic!("something was sent")), &CLASSES, Setup::default());
    let other = GateFile { system: SystemId::from_bytes([0xee; 16]), ..own("file-1", RouteClass::Files) };
    let elsewhere = GateFile { provider: "beside".to_owned(), ..own("file-1", RouteClass::Files) };
    let as_batch = own("file-1", RouteClass::Batches);
    let attempts = [
        ("GET", "/v1/files/file-1"),
        ("GET", "/v1/files/file-1/content"),
        ("DELETE", "/v1/files/file-1"),
        ("GET", "/v1/batches/batch_1"),
        ("POST", "/v1/batches/batch_1/cancel"),
        ("GET", "/v1/files"),
        ("GET", "/v1/batches?limit=2"),
    ];
    let mut denied = 0;
    for known in [Vec::new(), vec![other], vec![elsewhere], vec![as_batch]] {
        fixture.change(|gate| gate.files = Arc::new(known.clone()));
        for (method, path) in attempts {
            let answer = fixture.call(method, path, &[], b"");
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "object_not_own"),
                "{method} {path} with {known:?}: {}",
                answer.text()
            );
            denied += 1;
        }
    }
    assert_eq!(fixture.denied().len(), denied, "an attempt leaves no trace");
}

/// Requirement: N22. What a system's calls make is its own from the answer on and over a restart, with what comes of its batches; each is recorded once, however often somebody
/// looks.
#[test]
fn what_calls_made_is_their_systems_from_the_answer_on() {
    let mut begins_with = organisation();
    for (number, class) in CLASSES.into_iter().enumerate() {
        begins_with.extend(open_by_records(class).into_iter().map(|mut draft| {
            // Each class has an opening of its own.
            let other = format!("{:02x}", 16 + number).repeat(16);
            draft.body.insert("opening".to_owned(), other.clone().into());
            if let Some(stream) = &mut draft.stream {
                stream.name = format!("opening/{other}");
            }
            draft
        }));
    }
    let mut fixture = Fixture::with(script(), Setup { begins_with: Some(begins_with), ..Setup::default() });
    let get = |fixture: &Fixture, path: &str| fixture.call("GET", path, &[], b"").status;
    assert_eq!(get(&fixture, "/v1/files/file-notes"), 403, "nobody made it yet");
    assert_eq!(fixture.send_form("/v1/files", &upload("assistants", "notes")).status, 200);
    assert_eq!(get(&fixture, "/v1/files/file-notes"), 200, "who made it cannot read it");
    assert_eq!(fixture.send_form("/v1/files", &upload("batch", &line())).status, 200);
    assert_eq!(get(&fixture, "/v1/files/file-in/content"), 200, "a batch's file is nobody's");
    let body = json!({ "input_file_id": "file-in", "endpoint": "/v1/chat/completions" });
    assert_eq!(fixture.send_json("/v1/batches", &body).status, 200);
    assert_eq!(get(&fixture, "/v1/files/file-out/content"), 403, "nobody knows yet whose it is");
    for _ in 0..2 {
        assert_eq!(get(&fixture, "/v1/batches/batch_9"), 200);
    }
    fixture.restart();
    for path in ["/v1/files/file-notes", "/v1/files/file-out/content", "/v1/files/file-err/content"] {
        assert_eq!(get(&fixture, path), 200, "{path}: a restart forgets whose it is");
    }
    assert_eq!(get(&fixture, "/v1/batches/batch_9"), 200);
    let kept: Vec<String> = fixture
        .of_type(ObjectKept::TYPE)
        .iter()
        .map(|seen| crate::fixture::body::<ObjectKept>(seen).object)
        .collect();
    assert_eq!(kept, ["file-notes", "batch_9", "file-out", "file-err"], "recorded twice, or not at all");
}
