//! What prompts name that a provider keeps: each is the system's whose call was answered with it, by the record, and nobody else's.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_gateway::Api;
use tabellion_ledger::{Draft, UnitContent};
use tabellion_model::body::{
    CredentialIssued, RouteClass, SystemRegistered, SystemStage, SystemStageChanged,
};
use tabellion_model::{CredentialId, SystemId};
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::budgets::{draft, organisation};
use crate::client::{self, request};
use crate::fixture::{Fixture, KEY, Setup, key_of};
use crate::opaque::{opened, upload};
use crate::outside_guards;
use crate::rego::rego;

const SECOND_SYSTEM: [u8; 16] = [0x52; 16];
const SECOND_KEY: [u8; 16] = [0x6c; 16];

/// A second system of the same organisation, with a key.
fn second() -> Vec<Draft> {
    let (system, key) = (SystemId::from_bytes(SECOND_SYSTEM), CredentialId::from_bytes(SECOND_KEY));
    let registered = SystemRegistered {
        name: "Claims".to_owned(),
        owner: CredentialId::from_bytes([1; 16]),
        purposes: vec!["loan-support".to_owned()],
        description: String::new(),
        capture: tabellion_model::body::Capture::None,
        capture_reason: None,
        cost_centre: None,
    };
    let live = SystemStageChanged { stage: SystemStage::Live, reason: "approved".to_owned() };
    let issued = CredentialIssued {
        name: "backend".to_owned(),
        secret_sha256: hex::encode(Sha256::digest(key_of(SECOND_KEY))),
        purposes: vec!["loan-support".to_owned()],
        models: Vec::new(),
        expires_at: None,
        replaces: None,
    };
    let of_second = |mut draft: Draft| {
        draft.system = Some(system.to_hex());
        draft
    };
    vec![
        of_second(draft(&registered, format!("system/{system}"))),
        of_second(draft(&live, format!("system/{system}"))),
        of_second(draft(&issued, format!("credential/{key}"))),
    ]
}

/// A gateway with two systems that share a provider, over views of its log.
fn shared(api: Api, script: Script, unrecorded: &[&str]) -> Fixture {
    let begins_with = Some([organisation(), second()].concat());
    let unrecorded = unrecorded.iter().map(|entry| (*entry).to_owned()).collect();
    Fixture::with(script, Setup { api, unrecorded, begins_with, ..Setup::default() })
}

/// A provider that keeps what it answers, and lends a container.
fn keeping() -> Script {
    Script::by(|request, _| {
        let is_stream = request.text().contains("\"stream\":true");
        match (request.path(), is_stream) {
            ("/v1/responses", false) => Answer::json(200, lent(responses::response_of("Hi")).to_string()),
            ("/v1/responses", true) => Answer::events(responses::stream_of(&["H", "i"])),
            ("/v1/chat/completions", false) => Answer::json(200, spoken(&openai::chat_of("Hi"), "message")),
            ("/v1/chat/completions", true) => Answer::events(
                openai::stream_of(&["Hi"])
                    .replace("\"content\":\"Hi\"", "\"audio\":{\"id\":\"audio_1\"},\"content\":\"Hi\""),
            ),
            ("/v1/messages", false) => Answer::json(200, in_container(&anthropic::message_of("Hi"))),
            _ => {
                let end = "\"stop_reason\":\"end_turn\"";
                let named = format!(
                    "\"container\":{{\"id\":\"container_1\",\"expires_at\":\"2026-12-01T00:00:00Z\"}},{end}"
                );
                Answer::events(anthropic::stream_of(&["Hi"]).replace(end, &named))
            }
        }
    })
}

fn lent(mut response: Value) -> Value {
    let call = json!({ "id": "ci_1", "type": "code_interpreter_call", "status": "completed", "container_id": "cntr_1", "code": "1" });
    let shell = json!({ "id": "sh_1", "type": "shell_call", "call_id": "c", "status": "completed", "action": { "commands": ["ls"] },
        "environment": { "type": "container_reference", "container_id": "cntr_2" } });
    let output = response["output"].as_array_mut().expect("a list");
    output.insert(0, shell);
    output.insert(0, call);
    response
}

fn spoken(chat: &str, at: &str) -> String {
    let mut chat: Value = serde_json::from_str(chat).expect("JSON");
    chat["choices"][0][at]["audio"] =
        json!({ "id": "audio_1", "data": "", "transcript": "Hi", "expires_at": 1 });
    chat.to_string()
}

fn in_container(message: &str) -> String {
    let mut message: Value = serde_json::from_str(message).expect("JSON");
    message["container"] = json!({ "id": "container_1", "expires_at": "2026-12-01T00:00:00Z" });
    message.to_string()
}

fn ask_as(fixture: &Fixture, key: [u8; 16], path: &str, body: &Value) -> client::Answer {
    let bearer = format!("Bearer {}", key_of(key));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&request("POST", path, &headers, body.to_string().as_bytes()));
    client.answer()
}

/// A request of the route, with more members.
fn asking(path: &str, is_stream: bool, more: Value) -> Value {
    let mut body = match path {
        "/v1/responses" => json!({ "model": "model-a", "input": "hello" }),
        _ => {
            json!({ "model": "model-a", "max_tokens": 64, "messages": [{ "role": "user", "content": "hello" }] })
        }
    };
    let members = body.as_object_mut().expect("an object");
    if is_stream {
        members.insert("stream".to_owned(), true.into());
    }
    if let Value::Object(more) = more {
        members.extend(more);
    }
    body
}

/// What each interface can name, by a name that no record has.
fn namings() -> Vec<(Api, &'static str, &'static str, Value)> {
    let input = |item: Value| json!({ "input": [{ "role": "user", "content": "hello" }, item] });
    let tool = |tool: Value| json!({ "tools": [tool] });
    let said = json!({ "role": "assistant", "audio": { "id": "x-1" } });
    let spoken = json!({ "messages": [{ "role": "user", "content": "hello" }, said] });
    let skill = json!({ "container": { "skills": [{ "type": "custom", "skill_id": "x-1" }] } });
    vec![
        (Api::OpenAi, "/v1/responses", "response", json!({ "previous_response_id": "x-1" })),
        (Api::OpenAi, "/v1/responses", "conversation", json!({ "conversation": "x-1" })),
        (Api::OpenAi, "/v1/responses", "conversation", json!({ "conversation": { "id": "x-1" } })),
        (Api::OpenAi, "/v1/responses", "prompt", json!({ "prompt": { "id": "x-1" } })),
        (Api::OpenAi, "/v1/responses", "item", input(json!({ "type": "item_reference", "id": "x-1" }))),
        (Api::OpenAi, "/v1/responses", "item", input(json!({ "id": "x-1" }))),
        (
            Api::OpenAi,
            "/v1/responses",
            "vector_store",
            tool(json!({ "type": "file_search", "vector_store_ids": ["x-1"] })),
        ),
        (
            Api::OpenAi,
            "/v1/responses",
            "container",
            tool(json!({ "type": "code_interpreter", "container": "x-1" })),
        ),
        (Api::OpenAi, "/v1/chat/completions", "audio", spoken),
        (Api::Anthropic, "/v1/messages", "container", json!({ "container": "x-1" })),
        (Api::Anthropic, "/v1/messages", "container", json!({ "container": { "id": "x-1" } })),
        (Api::Anthropic, "/v1/messages", "skill", skill.clone()),
        (Api::Anthropic, "/v1/messages/count_tokens", "skill", skill),
    ]
}

/// Requirement: N22, G17. What a provider keeps is named by its own system alone, from the answer on and over a restart, whole and streamed; by another it is refused, in the
/// words for what nobody knows, before anything is sent.
#[test]
fn an_answer_is_gone_on_with_by_its_own_system_alone() {
    for is_stream in [false, true] {
        let mut fixture = shared(Api::OpenAi, keeping(), &[]);
        let goes_on = asking("/v1/responses", is_stream, json!({ "previous_response_id": "resp_made" }));
        let item = json!({ "input": [{ "role": "user", "content": "go on" }, { "type": "item_reference", "id": "msg_made" }] });
        let refers = asking("/v1/responses", is_stream, item);
        let unknown = ask_as(&fixture, KEY, "/v1/responses", &goes_on);
        assert_eq!((unknown.status, unknown.code().as_str()), (403, "object_not_own"), "{}", unknown.text());
        assert!(fixture.upstream.requests().is_empty(), "it went to the provider");
        assert_eq!(
            ask_as(&fixture, KEY, "/v1/responses", &asking("/v1/responses", is_stream, Value::Null)).status,
            200
        );
        for round in ["at once", "once the views know", "after a restart"] {
            for body in [&goes_on, &refers] {
                let own = ask_as(&fixture, KEY, "/v1/responses", body);
                assert_eq!(own.status, 200, "{round}: its own conversation ends here: {}", own.text());
                let sent = fixture.upstream.requests().len();
                let other = ask_as(&fixture, SECOND_KEY, "/v1/responses", body);
                assert_eq!(
                    (other.status, other.code().as_str()),
                    (403, "object_not_own"),
                    "{round}: {}",
                    other.text()
                );
                assert_eq!(
                    fixture.upstream.requests().len(),
                    sent,
                    "{round}: another system's words went to a model"
                );
            }
            let other = ask_as(&fixture, SECOND_KEY, "/v1/responses", &goes_on);
            assert_eq!(
                other.json()["error"]["message"],
                unknown.json()["error"]["message"],
                "the words tell that it exists"
            );
            if round == "at once" {
                fixture.catch_up();
            } else {
                fixture.restart();
            }
        }
        assert_eq!(fixture.denied().len(), 10, "an attempt leaves no trace");
    }
}

/// Requirement: N22. Wherever an interface lets something be named that a provider keeps, a name that no record has is refused, in the form of that interface, and nothing is sent.
#[test]
fn what_nobody_has_a_record_of_is_refused_wherever_it_can_be_named() {
    for api in [Api::OpenAi, Api::Anthropic] {
        let fixture = shared(api, Script::by(|_, _| panic!("something was sent")), &[]);
        let mut tried = 0;
        for (_, path, kind, more) in namings().into_iter().filter(|(of, ..)| *of == api) {
            for is_stream in [false, true] {
                let body = asking(path, is_stream && !path.ends_with("count_tokens"), more.clone());
                let answer = ask_as(&fixture, KEY, path, &body);
                let text = answer.text();
                assert_eq!(answer.status, 403, "{path} {body}: {text}");
                assert!(
                    text.contains("object_not_own") && text.contains(kind) && !text.contains("x-1"),
                    "{text}"
                );
                assert_eq!(
                    answer.json()["type"] == "error",
                    api == Api::Anthropic,
                    "not in its caller's form: {text}"
                );
                assert_eq!(
                    answer.header("x-should-retry"),
                    Some("false"),
                    "a library would ask again and again"
                );
                tried += 1;
            }
        }
        assert_eq!(fixture.denied().len(), tried, "an attempt leaves no trace");
    }
}

/// Requirement: N22. What the configuration lets pass goes on by its kind or by its own name, and by its kind never where it is on record as another system's.
#[test]
fn what_is_let_pass_is_never_another_systems() {
    for (_, path, kind, more) in namings().into_iter().filter(|(of, ..)| *of == Api::OpenAi) {
        let body = asking(path, false, more);
        for (entry, status) in
            [(kind.to_owned(), 200), (format!("{kind}:x-1"), 200), (format!("{kind}:x-2"), 403)]
        {
            let fixture = shared(Api::OpenAi, keeping(), &[entry.as_str()]);
            let answer = ask_as(&fixture, KEY, path, &body);
            assert_eq!(answer.status, status, "{entry} {body}: {}", answer.text());
        }
    }
    let fixture = shared(Api::OpenAi, keeping(), &["response"]);
    assert_eq!(
        ask_as(&fixture, KEY, "/v1/responses", &asking("/v1/responses", false, Value::Null)).status,
        200
    );
    let goes_on = asking("/v1/responses", false, json!({ "previous_response_id": "resp_made" }));
    assert_eq!(ask_as(&fixture, KEY, "/v1/responses", &goes_on).status, 200);
    let foreign = ask_as(&fixture, SECOND_KEY, "/v1/responses", &goes_on);
    assert_eq!(
        (foreign.status, foreign.code().as_str()),
        (403, "object_not_own"),
        "a setting opens what is another's"
    );
}

/// Requirement: N22. Where a server lets its callers say what their answers are called, whoever has a known name said has nothing of what is under it, and takes it from nobody.
#[test]
fn a_name_that_is_said_again_stays_the_firsts() {
    let mut fixture = shared(Api::OpenAi, keeping(), &[]);
    let fresh = asking("/v1/responses", false, Value::Null);
    let goes_on = asking("/v1/responses", false, json!({ "previous_response_id": "resp_made" }));
    for key in [KEY, SECOND_KEY] {
        assert_eq!(ask_as(&fixture, key, "/v1/responses", &fresh).status, 200);
    }
    for round in ["at once", "once the views know", "after a restart"] {
        let own = ask_as(&fixture, KEY, "/v1/responses", &goes_on);
        assert_eq!(own.status, 200, "{round}: its conversation was taken from it: {}", own.text());
        let other = ask_as(&fixture, SECOND_KEY, "/v1/responses", &goes_on);
        assert_eq!(
            (other.status, other.code().as_str()),
            (403, "object_not_own"),
            "{round}: {}",
            other.text()
        );
        // Said again, by a record that the views do not have while they have the first.
        assert_eq!(ask_as(&fixture, SECOND_KEY, "/v1/responses", &fresh).status, 200);
        if round == "at once" {
            fixture.catch_up();
        } else {
            fixture.restart();
        }
    }
}

/// Requirement: N22. A prompt that the provider keeps stands in the place of what is asked: it is looked at for its name, and goes on where it may.
#[test]
fn a_stored_prompt_needs_no_input() {
    let body = json!({ "model": "model-a", "prompt": { "id": "x-1", "variables": { "city": "Graz" } } });
    for (let_pass, status, code) in [(&["prompt"][..], 200, ""), (&[], 403, "object_not_own")] {
        let fixture = shared(Api::OpenAi, keeping(), let_pass);
        let answer = ask_as(&fixture, KEY, "/v1/responses", &body);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(code), "{}", answer.text());
    }
    let fixture = shared(Api::OpenAi, keeping(), &["prompt"]);
    for nothing in [json!({ "model": "model-a" }), json!({ "model": "model-a", "prompt": {} })] {
        assert_eq!(ask_as(&fixture, KEY, "/v1/responses", &nothing).status, 400, "{nothing}");
    }
    let chat = json!({ "model": "model-a", "prompt": { "id": "x-1" } });
    assert_eq!(ask_as(&fixture, KEY, "/v1/chat/completions", &chat).status, 400, "a chat has no such prompt");
}

/// Requirement: N22. What the configuration names one by one is every system's, also once an answer to one of them named it.
#[test]
fn what_is_named_one_by_one_stays_every_systems() {
    let fixture = shared(Api::OpenAi, keeping(), &["container:cntr_1"]);
    let tool = json!({ "tools": [{ "type": "code_interpreter", "container": "cntr_1" }] });
    let names = asking("/v1/responses", false, tool);
    for key in [KEY, SECOND_KEY, KEY] {
        let answer = ask_as(&fixture, key, "/v1/responses", &names);
        assert_eq!(answer.status, 200, "one system's answer took it from the others: {}", answer.text());
    }
}

/// Requirement: N22. Containers and answers in sound are told by answers as well, whole and streamed, in either interface.
#[test]
fn containers_and_sound_are_their_systems_too() {
    let spoken = json!({ "messages": [{ "role": "assistant", "audio": { "id": "audio_1" } }, { "role": "user", "content": "go on" }] });
    let tool = json!({ "tools": [{ "type": "code_interpreter", "container": "cntr_1" }] });
    let environment = json!({ "type": "container_reference", "container_id": "cntr_2" });
    let shell = json!({ "tools": [{ "type": "shell", "environment": environment }] });
    for (api, path, more, streams) in [
        (Api::OpenAi, "/v1/responses", tool, &[false][..]),
        (Api::OpenAi, "/v1/responses", shell, &[false]),
        (Api::OpenAi, "/v1/chat/completions", spoken, &[false, true]),
        (Api::Anthropic, "/v1/messages", json!({ "container": "container_1" }), &[false, true]),
    ] {
        for is_stream in streams {
            let fixture = shared(api, keeping(), &[]);
            let names = asking(path, *is_stream, more.clone());
            assert_eq!(ask_as(&fixture, KEY, path, &names).status, 403, "{path}: nobody made it yet");
            assert_eq!(ask_as(&fixture, KEY, path, &asking(path, *is_stream, Value::Null)).status, 200);
            let own = ask_as(&fixture, KEY, path, &names);
            assert_eq!(own.status, 200, "{path} stream {is_stream}: {}", own.text());
            assert_eq!(ask_as(&fixture, SECOND_KEY, path, &names).status, 403, "{path} stream {is_stream}");
        }
    }
}

/// Requirement: N22, G17. The record holds digests of names and no name; whoever has one can find its call.
#[test]
fn records_have_digests_of_names_alone() {
    for is_stream in [false, true] {
        let fixture = shared(Api::OpenAi, keeping(), &[]);
        let body = asking("/v1/responses", is_stream, Value::Null);
        assert_eq!(ask_as(&fixture, KEY, "/v1/responses", &body).status, 200);
        let digest =
            |kind: &str, id: &str| hex::encode(&Sha256::digest(format!("{kind}\nscripted\n{id}"))[..16]);
        let kept: BTreeSet<String> = fixture.end().answered.kept.into_iter().collect();
        let mut due = vec![digest("response", "resp_made"), digest("item", "msg_made")];
        if !is_stream {
            due.extend([digest("item", "ci_1"), digest("container", "cntr_1")]);
            due.extend([digest("item", "sh_1"), digest("container", "cntr_2")]);
        }
        assert_eq!(kept, due.into_iter().collect(), "stream {is_stream}");
        let reader = fixture.ledger.reader();
        for index in 0..reader.size() {
            for unit in reader.entry(index).expect("an entry").units {
                let UnitContent::Shown(fields) = unit.content else { continue };
                for field in fields {
                    assert!(
                        !field.value().to_string().contains("_made"),
                        "a name is on record: {}",
                        field.name()
                    );
                }
            }
        }
    }
}

/// Requirement: N22. Lines of a batch's file name nothing of another system's either; the line is told.
#[test]
fn a_line_of_a_batch_names_nothing_but_its_systems_own() {
    let classes = [RouteClass::Files, RouteClass::Batches];
    let line = |id: &str, more: Value| {
        let body = asking("/v1/responses", false, more);
        json!({ "custom_id": id, "method": "POST", "url": "/v1/responses", "body": body }).to_string()
    };
    let file =
        [line("r-1", Value::Null), line("r-2", json!({ "previous_response_id": "resp_other" }))].join("\n");
    let fixture = opened(Script::by(|_, _| panic!("something was sent")), &classes, Setup::default());
    let answer = fixture.send_form("/v1/files", &upload("batch", &file));
    assert_eq!((answer.status, answer.code().as_str()), (403, "object_not_own"), "{}", answer.text());
    assert!(answer.text().contains("line 2 of the batch"), "{}", answer.text());
    let unrecorded = vec!["response".to_owned()];
    let script = Answer::json(200, r#"{"id":"file-in","object":"file"}"#);
    let fixture = opened(script, &classes, Setup { unrecorded, ..Setup::default() });
    assert_eq!(fixture.send_form("/v1/files", &upload("batch", &file)).status, 200);
}

/// Requirement: N22, P32. A policy in Rego is asked before, and can be against what is let pass.
#[test]
fn a_policy_can_be_against_what_is_let_pass() {
    let body = asking("/v1/responses", false, json!({ "previous_response_id": "resp_1" }));
    let guards = vec![rego("kept", "deny contains kind if some kind in input.refers_to")];
    let unrecorded = vec!["response".to_owned()];
    let fixture = Fixture::with(outside_guards::provider(), Setup { guards, unrecorded, ..Setup::default() });
    let answer = fixture.send_json("/v1/responses", &body);
    assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"), "{}", answer.text());
    assert_eq!(fixture.denied()[0].guards[0].found, ["response"]);
    let fresh = asking("/v1/responses", false, Value::Null);
    assert_eq!(fixture.send_json("/v1/responses", &fresh).status, 200, "what names nothing is stopped");
}
