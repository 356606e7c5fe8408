//! Batches: each request of a file is decided and masked as a call by itself, and a batch is begun of such a file alone.

use serde_json::{Value, json};
use tabellion_model::body::{Capture, RouteClass};
use tabellion_testkit::upstream::{Answer, Script};

use crate::budgets::organisation;
use crate::fixture::{Fixture, Setup, gate, policy};
use crate::opaque::{open_by_records, opened, upload};

/// A request that names nobody.
const PLAIN: &str = r#"{"custom_id":"r-2","method":"POST","url":"/v1/embeddings","body":{"model":"model-a","input":"Hello"}}"#;

fn line(id: &str, text: &str) -> String {
    json!({
        "custom_id": id, "method": "POST", "url": "/v1/chat/completions",
        "body": { "model": "model-a", "messages": [{ "role": "user", "content": text }] },
    })
    .to_string()
}

fn script() -> Script {
    Script::by(|request, _| match request.path() {
        "/v1/files" => Answer::json(200, r#"{"id":"file-42","object":"file"}"#),
        _ => Answer::json(200, r#"{"id":"batch_1","status":"validating"}"#),
    })
}

fn begin(fixture: &Fixture, file: &str) -> crate::client::Answer {
    let body = json!({
        "input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
    });
    fixture.send_json("/v1/batches", &body)
}

/// Requirement: N22. Each line is masked and counted by itself; the provider gets the file with placeholders, and the record says how many requests it holds.
#[test]
fn every_request_of_a_batch_is_masked_by_itself() {
    let fixture = opened(script(), &[RouteClass::Files], Setup::default());
    let file = format!(
        "{}\n{PLAIN}\n\n{}\n",
        line("r-1", "write to ada@example.org"),
        line("r-3", "and to bob@example.org and ada@example.org")
    );
    let answer = fixture.send_form("/v1/files", &upload("batch", &file));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = fixture.upstream.requests().remove(0).text();
    assert!(!sent.contains("ada@") && !sent.contains("bob@"), "an address left: {sent}");
    let ids: Vec<Value> = sent
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON")["custom_id"].clone())
        .collect();
    assert_eq!(ids, ["r-1", "r-2", "r-3"], "a request was lost or doubled: {sent}");
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.opened.expect("opened").lines, Some(3));
    let emails: u64 =
        authorised.masked.iter().filter(|masked| masked.class == "email").map(|masked| masked.count).sum();
    assert_eq!(emails, 3, "a count that nobody could compare: {:?}", authorised.masked);
}

/// Requirement: N22. One line that may not go keeps the whole file here, and its number says which.
#[test]
fn a_line_that_may_not_go_refuses_the_file_with_its_number() {
    let mut in_force = gate();
    let text = r#"@id("all") permit (principal, action, resource);
@id("no-large") forbid (principal, action == Action::"chat", resource == Model::"gpt-large");"#;
    in_force.policies = std::sync::Arc::new(vec![policy(text)]);
    let setup = Setup { gate: in_force, ..Setup::default() };
    let fixture = opened(Script::by(|_, _| panic!("a file was sent")), &[RouteClass::Files], setup);
    let good = line("r-1", "Hello");
    for (bad, code) in [
        (good.replace("r-1", "r-9").replace("/v1/chat/completions", "/v1/completions"), "malformed_body"),
        (good.replace("r-1", "r-9").replace("model-a", "gpt-large"), "policy_denied"),
        (good.replace("r-1", "r-9").replace("model-a", "nobody-has-it"), "unknown_model"),
        (good.replace("r-1", "r-9").replace("model-a", "house-model"), "unknown_model"),
        (good.replace("r-1", "r-9").replace("\"model\"", "\"stream\":true,\"model\""), "malformed_body"),
        (good.clone(), "malformed_body"),
        ("no JSON".to_owned(), "malformed_body"),
    ] {
        let answer = fixture.send_form("/v1/files", &upload("batch", &format!("{good}\n{bad}\n")));
        assert_eq!(answer.code(), code, "{bad}: {}", answer.text());
        assert!(answer.text().contains("line 2 of the batch"), "which line? {}", answer.text());
    }
    let answer = fixture.send_form("/v1/files", &upload("fine-tuning", &good));
    assert_eq!(
        answer.code(),
        "malformed_body",
        "a purpose that nobody knows may be another word for a batch"
    );
    assert!(fixture.authorised().is_empty());
}

/// Requirement: N22. A batch of a file that did not come this way is refused; of one that did it is begun, also after a restart, which knows it from the log.
#[test]
fn a_batch_is_begun_of_a_file_that_was_masked_alone() {
    let mut begins_with = organisation();
    let [files, batches] = [RouteClass::Files, RouteClass::Batches].map(open_by_records);
    begins_with.extend(files);
    begins_with.extend(batches.into_iter().map(|mut draft| {
        // Another opening than that of files.
        let other = "08".repeat(16);
        draft.body.insert("opening".to_owned(), other.clone().into());
        if let Some(stream) = &mut draft.stream {
            stream.name = format!("opening/{other}");
        }
        draft
    }));
    let setup = Setup { begins_with: Some(begins_with), ..Setup::default() };
    let mut fixture = Fixture::with(script(), setup);
    let refused = begin(&fixture, "file-42");
    assert_eq!(refused.code(), "malformed_body", "{}", refused.text());
    assert_eq!(fixture.send_form("/v1/files", &upload("assistants", "notes")).status, 200);
    assert_eq!(begin(&fixture, "file-42").code(), "malformed_body", "a file that nobody masked is a batch");

    assert_eq!(fixture.send_form("/v1/files", &upload("batch", &line("r-1", "Hello"))).status, 200);
    let begun = begin(&fixture, "file-42");
    assert_eq!(begun.status, 200, "{}", begun.text());
    assert_eq!(begin(&fixture, "file-43").code(), "malformed_body");
    let elsewhere = json!({ "input_file_id": "file-42", "endpoint": "/v1/completions" });
    assert_eq!(fixture.send_json("/v1/batches", &elsewhere).code(), "malformed_body");
    fixture.restart();
    assert_eq!(begin(&fixture, "file-42").status, 200, "a restart forgets what the log knows");
}

/// Requirement: N22. Nothing of a file is kept, whatever the system keeps of prompts; the record says why.
#[test]
fn content_is_not_kept() {
    let mut in_force = gate();
    for system in std::sync::Arc::make_mut(&mut in_force.systems).values_mut() {
        system.capture = Capture::Masked;
    }
    let setup = Setup { gate: in_force, ..Setup::default() };
    let fixture = opened(script(), &[RouteClass::Files], setup);
    assert_eq!(fixture.send_form("/v1/files", &upload("assistants", "notes")).status, 200);
    let authorised = fixture.authorised().remove(0);
    assert_eq!((authorised.prompt, authorised.prompt_withheld.as_deref()), (None, Some("opaque")));
    assert_eq!(fixture.end().answer, None);
}
