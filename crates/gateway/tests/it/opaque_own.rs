//! Files and batches of one account of a provider: each is the system's whose call made it, by the record, and nobody else's.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_gateway::Api;
use tabellion_model::SystemId;
use tabellion_model::body::{Body as _, ObjectKept, RouteClass};
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::gate::GateFile;

use crate::budgets::organisation;
use crate::fixture::{Fixture, Setup};
use crate::opaque::{open_by_records, opened, own, upload};
use crate::outside_guards;

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

/// Requests of each interface, each with a file named as that has it.
fn naming(file: &str) -> [(&'static str, Api, Value); 4] {
    let source = json!({ "type": "document", "source": { "type": "file", "file_id": file } });
    let message = |block: Value| json!({ "model": "model-a", "max_tokens": 9, "messages": [{ "role": "user", "content": [block] }] });
    let input = json!([{ "role": "user", "content": [{ "type": "input_file", "file_id": file }] }]);
    [
        (
            "/v1/chat/completions",
            Api::OpenAi,
            message(json!({ "type": "file", "file": { "file_id": file } })),
        ),
        ("/v1/responses", Api::OpenAi, json!({ "model": "model-a", "input": input })),
        ("/v1/messages", Api::Anthropic, message(source.clone())),
        ("/v1/messages/count_tokens", Api::Anthropic, message(source)),
    ]
}

/// Requirement: N22. A prompt that names another system's file, or one that nobody has a record of, is refused before anything is sent, as if there were none; its own is sent.
#[test]
fn a_prompt_names_no_file_but_its_systems_own() {
    let other = GateFile { system: SystemId::from_bytes([0xee; 16]), ..own("file-other", RouteClass::Files) };
    let elsewhere = GateFile { provider: "beside".to_owned(), ..own("file-elsewhere", RouteClass::Files) };
    let files = Arc::new(vec![
        own("file-1", RouteClass::Files),
        own("batch_1", RouteClass::Batches),
        other,
        elsewhere,
    ]);
    for api in [Api::OpenAi, Api::Anthropic] {
        let fixture = Fixture::with(outside_guards::provider(), Setup { api, ..Setup::default() });
        fixture.change(|gate| gate.files = Arc::clone(&files));
        let mut told = BTreeSet::new();
        for file in ["file-other", "file-elsewhere", "file-unknown", "batch_1"] {
            for (path, _, body) in naming(file).into_iter().filter(|(_, of, _)| *of == api) {
                let answer = fixture.send_json(path, &body);
                let text = answer.text();
                assert_eq!(answer.status, 403, "{path} {file}: {text}");
                assert!(text.contains("object_not_own") && !text.contains(file), "{text}");
                told.insert(answer.json()["error"]["message"].as_str().expect("a sentence").to_owned());
            }
        }
        assert_eq!(told.len(), 1, "the difference tells whether a file exists: {told:?}");
        assert!(fixture.upstream.requests().is_empty(), "a model was given another system's file");
        assert_eq!(fixture.denied().len(), 8, "an attempt leaves no trace");
        for (path, _, body) in naming("file-1").into_iter().filter(|(_, of, _)| *of == api) {
            let answer = fixture.send_json(path, &body);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
}

/// Requirement: N22. Lines of a batch's file name no other system's either.
#[test]
fn a_line_of_a_batch_names_no_file_but_its_systems_own() {
    let [(_, _, body), ..] = naming("file-other");
    let line = json!({ "custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": body });
    let fixture = opened(Script::by(|_, _| panic!("something was sent")), &CLASSES, Setup::default());
    let answer = fixture.send_form("/v1/files", &upload("batch", &line.to_string()));
    assert_eq!((answer.status, answer.code().as_str()), (403, "object_not_own"), "{}", answer.text());
}
