//! Declared routes against those who know how readers differ: forms written anew, batches decided again, answers held to their end, counts that are not believed.

use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_gateway::Api;
use tabellion_model::SystemId;
use tabellion_model::body::{
    BudgetScope, Delivered, FileModel, FileSizes, FileTokens, Outcome, RouteClass, StopScope,
};
use tabellion_model::charge::Window;
use tabellion_testkit::upstream::{Answer, Framing, Gate, Script};
use tabellion_views::gate::GateFile;

use crate::budgets::{budget, organisation, tokens};
use crate::client::{Answer as Answered, request};
use crate::fixture::{Fixture, SYSTEM, Setup, api_key, policy};
use crate::opaque::{open_by_records, opened, upload};

/// Both ends of the batch's way.
const CLASSES: [RouteClass; 2] = [RouteClass::Files, RouteClass::Batches];
/// Where Google's interface is asked.
const GENERATE: &str = "/v1beta/models/gpt-g:generateContent";
const STREAM: &str = "/v1beta/models/gpt-g:streamGenerateContent?alt=sse";

fn line(id: usize, model: &str) -> String {
    json!({
        "custom_id": format!("r-{id}"), "method": "POST", "url": "/v1/chat/completions",
        "body": { "model": model, "messages": [{ "role": "user", "content": "write to ada@example.org" }] },
    })
    .to_string()
}

fn script() -> Script {
    Script::by(|request, _| match request.path() {
        "/v1/files" => Answer::json(200, r#"{"id":"file-42","object":"file"}"#),
        _ => Answer::json(200, r#"{"id":"batch_1","status":"validating"}"#),
    })
}

fn begin(fixture: &Fixture) -> Answered {
    let body = json!({ "input_file_id": "file-42", "endpoint": "/v1/chat/completions" });
    fixture.send_json("/v1/batches", &body)
}

fn google(script: impl Into<Script>) -> Fixture {
    opened(script, &[RouteClass::Passthrough], Setup { api: Api::Gemini, ..Setup::default() })
}

/// A form of these parts: what stands in the head after the disposition's type, and the content.
fn form(parts: &[(&str, &str)]) -> Vec<u8> {
    let part = |(head, content): &(&str, &str)| {
        format!("--the-boundary\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    (parts.concat() + "--the-boundary--\r\n").into_bytes()
}

/// Requirement: N22. Of a batch's form only what was looked at goes on, and it is written here: nothing stands beside it, in whatever way a reader reads.
#[test]
fn a_batchs_form_is_written_anew() {
    let fixture = opened(script(), &CLASSES, Setup::default());
    let file = line(1, "model-a");
    let file = file.as_str();
    let (purpose, named) =
        (("name=\"purpose\"", "batch"), "name=\"file\"; filename=\"ada@example.org.jsonl\"");
    let expiry =
        [("name=\"expires_after[anchor]\"", "created_at"), ("name=\"expires_after[seconds]\"", "86400")];
    let answer = fixture.send_form("/v1/files", &form(&[purpose, expiry[0], expiry[1], (named, file)]));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = fixture.upstream.requests().remove(0).text();
    assert!(!sent.contains("ada@"), "an address left, in the file or in its name: {sent}");
    assert!(sent.contains(
        "name=\"file\"; filename=\"batch.jsonl\"\r\nContent-Type: application/octet-stream\r\n\r\n{"
    ));
    assert!(sent.contains("name=\"expires_after[seconds]\"\r\n\r\n86400\r\n"), "a field was lost: {sent}");

    let odd = format!("{named}\r\nContent-Type: text/plain\n\n{file}");
    let returned = "name=\"file\"; filename=\"a\rb\"";
    for (parts, why) in [
        (vec![purpose, ("name=\"note\"", "ada@example.org"), (named, file)], "a field nobody reads"),
        (vec![purpose, ("name=\"file\"", file), ("name=\"files\"; filename=\"a\"", file)], "two"),
        (vec![purpose, ("name=\"files\"; filename=\"a\"", file)], "a file of another name"),
        (vec![purpose, (named, file), ("name=\"more\"; filename=\"b\"", file)], "two files"),
        (
            vec![purpose, ("name=\"expires_after[anchor]\"", "ada@example.org"), (named, file)],
            "no plain word",
        ),
        (vec![purpose, (odd.as_str(), file)], "a head that ends twice"),
        (vec![purpose, (returned, file)], "a name with a carriage return"),
    ] {
        let answer = fixture.send_form("/v1/files", &form(&parts));
        assert_eq!(answer.code(), "malformed_body", "{why}: {}", answer.text());
    }
    assert_eq!(fixture.upstream.requests().len(), 1, "a form that could be read in two ways was sent");
}

/// Requirement: N22. A carriage return between two members makes no line of its own for any reader.
#[test]
fn a_request_of_a_batch_is_one_line_to_every_reader() {
    let fixture = opened(script(), &CLASSES, Setup::default());
    let hidden = line(1, "model-a").replace("\"body\":{", "\"body\":{\r\"user\":\"u1\",\r");
    assert_eq!(fixture.send_form("/v1/files", &upload("batch", &hidden)).status, 200);
    let sent = fixture.upstream.requests().remove(0).text();
    let requests = sent.split(['\r', '\n']).filter(|line| line.starts_with(['{', '"'])).count();
    assert_eq!(requests, 1, "{sent}");
}

/// Requirement: N22. Between a file and its batch a model may be stopped, forbidden, or taken from the key: then no batch is begun of it.
#[test]
fn a_batch_is_decided_again_when_it_is_begun() {
    let fixture = opened(script(), &CLASSES, Setup::default());
    let file = format!("{}\n{}\n", line(1, "model-a"), line(2, "gpt-later"));
    assert_eq!(fixture.send_form("/v1/files", &upload("batch", &file)).status, 200);
    assert_eq!(begin(&fixture).status, 200);

    fixture.stop_by(Some(StopScope::Model("gpt-later".to_owned())));
    assert_eq!(begin(&fixture).code(), "stopped", "what is stopped runs in a batch");
    fixture.change(|gate| gate.stops = Arc::default());
    assert_eq!(begin(&fixture).status, 200);

    let before = fixture.gate.load().policies.clone();
    let text = r#"@id("all") permit (principal, action, resource);
@id("no-later") forbid (principal, action == Action::"chat", resource == Model::"gpt-later");"#;
    fixture.change(|gate| gate.policies = Arc::new(vec![policy(text)]));
    let answer = begin(&fixture);
    assert_eq!(answer.code(), "policy_denied");
    assert!(answer.text().contains("gpt-later"), "which model? {}", answer.text());
    fixture.change(|gate| gate.policies = before);
    fixture.change_keys(|key| key.models = vec!["model-a".to_owned(), "none".to_owned()]);
    assert_eq!(begin(&fixture).code(), "model_not_permitted");
}

/// Requirement: N22. A file of which nobody knows what it asks for begins no batch; nor does one of another system, which is not shown either.
#[test]
fn a_file_that_is_not_known_or_anothers_begins_nothing() {
    let fixture = opened(script(), &CLASSES, Setup::default());
    let told = FileTokens { requests: 1, input: 40, most_input: 40, ..FileTokens::default() };
    let asking = |bytes, tokens| {
        let asked = FileModel {
            surface: "openai.chat_completions".to_owned(),
            model: "model-a".to_owned(),
            tools: Vec::new(),
            bytes,
            tokens,
        };
        serde_json::to_string(&[asked]).expect("plain")
    };
    let sizes = Some(FileSizes { least: 40, most: 40 });
    let (asked, of_before) = (asking(sizes, Some(told)), asking(None, Some(told)));
    let untold = asking(sizes, None);
    let other = SystemId::from_bytes([0xee; 16]);
    for (system, asked, code) in [
        (SystemId::from_bytes(SYSTEM), None, Some("malformed_body")),
        (SystemId::from_bytes(SYSTEM), Some("[]"), Some("malformed_body")),
        (SystemId::from_bytes(SYSTEM), Some(of_before.as_str()), Some("malformed_body")),
        (SystemId::from_bytes(SYSTEM), Some(untold.as_str()), Some("malformed_body")),
        (other, Some(asked.as_str()), Some("malformed_body")),
        (SystemId::from_bytes(SYSTEM), Some(asked.as_str()), None),
    ] {
        let file = GateFile {
            system,
            class: RouteClass::Files,
            provider: "scripted".to_owned(),
            file: "file-42".to_owned(),
            asked: asked.map(str::to_owned),
            of_batch: None,
        };
        fixture.change(|gate| gate.files = Arc::new(vec![file]));
        let answer = begin(&fixture);
        match code {
            Some(code) => assert_eq!(answer.code(), code, "{asked:?}"),
            None => assert_eq!(answer.status, 200, "{}", answer.text()),
        }
        let due = if system == other { 403 } else { 200 };
        for (method, path) in [("GET", "/v1/files/file-42/content"), ("DELETE", "/v1/files/file-42")] {
            assert_eq!(fixture.call(method, path, &[], b"").status, due, "{method} {path}");
        }
    }
}

/// Requirement: N22. Each model of a file is decided again later, so there are not more than a record holds.
#[test]
fn a_file_asks_for_so_many_models_and_no_more() {
    let fixture = opened(script(), &CLASSES, Setup::default());
    let file = |count: usize| {
        let lines: Vec<String> = (0..count).map(|number| line(number, &format!("gpt-{number}"))).collect();
        lines.join("\n")
    };
    let answer = fixture.send_form("/v1/files", &upload("batch", &file(64)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = fixture.send_form("/v1/files", &upload("batch", &file(65)));
    assert_eq!(answer.code(), "malformed_body");
    assert!(answer.text().contains("64 models"), "{}", answer.text());
}

/// Requirement: N22. A request whose body is sent takes no room while its answer is awaited: more are awaited at once than bodies may be there.
#[test]
fn answers_that_come_slowly_keep_nobody_out() {
    const ANSWERS: usize = 9;
    let held = Gate::new();
    let answer = Answer::with_body(200, "application/json", r#"{"candidates":[]}"#).framed(Framing::Chunked);
    let fixture = google(answer.held_at(&held));
    let bearer = format!("Bearer {}", api_key());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut clients: Vec<_> = (0..ANSWERS)
        .map(|_| {
            let mut client = fixture.connect();
            client.send(&request("POST", GENERATE, &headers, b"{\"contents\":[]}"));
            client
        })
        .collect();
    let asked = fixture.upstream.wait_for_requests(ANSWERS).len();
    held.open();
    assert_eq!(asked, ANSWERS, "requests wait for answers of others");
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
}

/// Requirement: N22. What is closed while nothing comes holds for the piece that waits for the end.
#[test]
fn a_withdrawal_while_the_end_is_awaited_keeps_the_last_piece() {
    let held = Gate::new();
    let answer = Answer::with_body(200, "application/octet-stream", "first|-last|-")
        .in_pieces(7)
        .framed(Framing::Chunked)
        .pause_after(usize::MAX, &held);
    let fixture = opened(answer, &CLASSES, Setup::default());
    let bearer = format!("Bearer {}", api_key());
    let mut client = fixture.connect();
    let headers = [("Authorization", bearer.as_str())];
    client.send(&request("GET", "/v1/files/file-1/content", &headers, b""));
    client.read_until("first");
    fixture.change(|gate| gate.openings = Arc::default());
    held.open();
    assert!(client.ended(), "what was closed is given to its end");
    let end = fixture.end();
    assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Cut, Some("opaque_not_enabled")), "{end:?}");
    assert_eq!(end.delivered, Delivered::Partial);
}

/// Requirement: N22, N23. A stream in which the provider says that it failed is no answer, and what it counted before is not believed.
#[test]
fn a_stream_that_failed_is_recorded_as_that() {
    let stream = "data: {\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":1}}\n\ndata: {\"error\":{\"code\":500,\"message\":\"no\"}}\n\n";
    let fixture = google(Answer::events(stream));
    let answer = fixture.send_json(STREAM, &json!({ "contents": [] }));
    assert_eq!(
        (answer.status, answer.text()),
        (200, stream),
        "the client is not told what the provider said"
    );
    let end = fixture.end();
    assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Refused, Some("upstream_refused")), "{end:?}");
    assert_eq!(end.answered.usage, None, "half a count is taken for all");
}

/// Requirement: N22. A stream of frames that comes without them has no checksums and no counts: it is none.
#[test]
fn a_stream_without_frames_is_none() {
    let setup = Setup { api: Api::Bedrock, ..Setup::default() };
    let answer = Answer::json(200, r#"{"usage":{"inputTokens":1,"outputTokens":1}}"#);
    let fixture = opened(answer, &[RouteClass::Passthrough], setup);
    let answer = fixture.send_json("/model/gpt-b/converse-stream", &json!({ "messages": [] }));
    assert_eq!(answer.code(), "upstream_malformed");
    assert_eq!(fixture.end().outcome, Outcome::Failed);
}

/// Requirement: N22, N23. What a provider follows, or multiplies, is reserved as what it may come to.
#[test]
fn what_a_body_stands_for_is_reserved() {
    let bodies: [Value; 5] = [
        json!({ "contents": [], "tools": [{ "url_context": {} }] }),
        json!({ "contents": [{ "parts": [{ "text": "read https://a.example/" }] }] }),
        json!({ "contents": [], "tools": [{ "google_search": {} }] }),
        json!({ "contents": [{ "parts": [{ "inline_data": { "data": "AAAA" } }] }] }),
        json!({ "contents": [], "generationConfig": { "candidateCount": 1000 } }),
    ];
    for body in bodies {
        let mut begins_with = organisation();
        begins_with.extend(open_by_records(RouteClass::Passthrough));
        begins_with.push(budget("tokens", BudgetScope::Tenant, Window::Total, tokens(200_000)));
        let setup = Setup { api: Api::Gemini, begins_with: Some(begins_with), ..Setup::default() };
        let fixture = Fixture::with(Script::by(|_, _| panic!("it was sent")), setup);
        assert_eq!(fixture.send_json(GENERATE, &body).code(), "budget_exceeded", "{body}");
    }
    let fixture = google(Script::by(|_, _| panic!("it was sent")));
    for count in [json!("8"), json!(8.0), json!([8]), json!(-1)] {
        let body = json!({ "contents": [], "generation_config": { "candidate_count": count } });
        assert_eq!(fixture.send_json(GENERATE, &body).code(), "malformed_body", "{body}");
    }
}

/// Requirement: N22. A member that some reader takes for another is refused.
#[test]
fn a_member_in_other_letters_is_refused() {
    let fixture = opened(Script::by(|_, _| panic!("it was sent")), &CLASSES, Setup::default());
    for name in ["Input_File_Id", "ENDPOINT", "Model"] {
        let mut body = json!({ "input_file_id": "file-42", "endpoint": "/v1/chat/completions" });
        body[name] = json!("file-evil");
        let answer = fixture.send_json("/v1/batches", &body);
        assert_eq!(answer.code(), "malformed_body", "{name}");
        assert!(answer.text().contains("letters"), "{name} is refused for another reason: {}", answer.text());
    }
}
