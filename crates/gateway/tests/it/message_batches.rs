//! Batches in the interface of Anthropic: each request of one is decided and masked as a call by itself, a batch is its system's, and its results are fetched here.

use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardMode, GuardRegoConfig, GuardSide};
use tabellion_model::SystemId;
use tabellion_model::body::{Body as _, Delivered, GuardOutcome, ObjectKept, Outcome, RouteClass};
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::gate::GateFile;

use crate::client::{Answer as Answered, request};
use crate::fixture::{Fixture, PROVIDER_KEY, Setup, api_key, body, gate, policy};
use crate::opaque::{opened, own};
use crate::opaque_costs::of_api;

/// Where batches are begun.
pub(crate) const BATCHES: &str = "/v1/messages/batches";
/// What Anthropic's library sends with each request.
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

impl Fixture {
    /// Asks as Anthropic's library does.
    pub(crate) fn as_anthropic(&self, method: &str, path: &str, body: Option<&Value>) -> Answered {
        let text = body.map(Value::to_string).unwrap_or_default();
        let kind = ("Content-Type", "application/json");
        let headers = if body.is_some() { vec![VERSION, kind] } else { vec![VERSION] };
        self.call(method, path, &headers, text.as_bytes())
    }
}

/// One request of a batch.
pub(crate) fn one(id: &str, text: &str) -> Value {
    let params =
        json!({ "model": "model-a", "max_tokens": 50, "messages": [{ "role": "user", "content": text }] });
    json!({ "custom_id": id, "params": params })
}

fn batch(requests: &[Value]) -> Value {
    json!({ "requests": requests })
}

/// What the provider says of a batch.
pub(crate) fn said(id: &str, status: &str, results: Option<&str>) -> Value {
    json!({ "id": id, "type": "message_batch", "processing_status": status, "results_url": results })
}

fn script() -> Script {
    Script::by(|request, _| match (request.method(), request.path()) {
        ("DELETE", _) => Answer::json(200, r#"{"id":"msgbatch_1","type":"message_batch_deleted"}"#),
        (_, path) if path.ends_with("/results") => Answer::with_body(
            200,
            "application/x-jsonl",
            r#"{"custom_id":"r-1","result":{"type":"expired"}}"#,
        ),
        ("GET", _) => {
            let address = "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results";
            Answer::json(200, said("msgbatch_1", "ended", Some(address)).to_string())
        }
        _ => Answer::json(200, said("msgbatch_1", "in_progress", None).to_string()),
    })
}

fn never() -> Script {
    Script::by(|_, _| panic!("something was sent"))
}

fn with(script: Script, setup: Setup) -> Fixture {
    opened(script, &[RouteClass::Batches], Setup { api: Api::Anthropic, ..setup })
}

/// The word of an error, which has the form of Anthropic's.
fn code(answer: &Answered) -> &str {
    assert_eq!(answer.json()["type"], "error", "its library reads nothing of {}", answer.text());
    answer.header("tabellion-code").expect("a word")
}

/// Requirement: N22. Each request is masked and counted by itself; the provider gets the batch with placeholders and its own key, and the record says how many requests it holds.
#[test]
fn every_request_of_a_batch_of_messages_is_masked_by_itself() {
    let fixture = with(script(), Setup::default());
    let requests = [
        one("r-1", "write to ada@example.org"),
        one("r-2", "Hello"),
        one("r-3", "and to bob@example.org and ada@example.org"),
    ];
    let answer = fixture.as_anthropic("POST", "/v1/messages/batches?beta=true", Some(&batch(&requests)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = fixture.upstream.requests().remove(0);
    assert_eq!((sent.method(), sent.path()), ("POST", BATCHES));
    assert_eq!(sent.header("x-api-key"), Some(PROVIDER_KEY), "the client's key left");
    assert_eq!(sent.header("anthropic-version"), Some("2023-06-01"));
    let text = sent.text();
    assert!(!text.contains("ada@") && !text.contains("bob@"), "an address left: {text}");
    let held: Value = serde_json::from_str(&text).expect("the batch is JSON");
    let ids: Vec<&Value> =
        held["requests"].as_array().expect("a list").iter().map(|one| &one["custom_id"]).collect();
    assert_eq!(ids, ["r-1", "r-2", "r-3"], "a request was lost or doubled: {text}");
    assert_eq!(held["requests"][1], requests[1], "what names nobody was changed");

    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.surface, "opaque.batches.anthropic.create");
    let opened = authorised.opened.expect("opened");
    assert_eq!((opened.class, opened.target.as_str()), (RouteClass::Batches, "POST /messages/batches"));
    assert_eq!(opened.lines, Some(3));
    assert_eq!(authorised.forwarded_salted_sha256, answer.salted(text.as_bytes()), "it is of something else");
    let emails: u64 =
        authorised.masked.iter().filter(|masked| masked.class == "email").map(|masked| masked.count).sum();
    assert_eq!(emails, 3, "a count that nobody could compare: {:?}", authorised.masked);
    let masking = authorised.guards.iter().find(|guard| guard.guard == "masking.opaque");
    assert_eq!(masking, None, "it was masked, and the record says that nobody looked");
}

/// Requirement: N22. One request that may not go keeps the whole batch here, and its number says which; so does a batch that could be read in two ways.
#[test]
fn a_request_that_may_not_go_refuses_the_batch_with_its_number() {
    let mut in_force = gate();
    let text = r#"@id("all") permit (principal, action, resource);
@id("no-large") forbid (principal, action == Action::"chat", resource == Model::"gpt-large");"#;
    in_force.policies = Arc::new(vec![policy(text)]);
    let fixture = with(never(), Setup { gate: in_force, ..Setup::default() });
    let good = one("r-1", "Hello");
    let bad = |member: &str, value: Value| {
        let mut bad = one("r-9", "Hello");
        bad["params"][member] = value;
        bad
    };
    let beside = json!({ "custom_id": "r-9", "params": good["params"], "note": "ada@example.org" });
    let unnamed = json!({ "params": good["params"] });
    let mut denied = 0;
    for (bad, due) in [
        (bad("stream", json!(true)), "malformed_body"),
        (bad("model", json!("gpt-large")), "policy_denied"),
        (bad("model", json!("nobody-has-it")), "unknown_model"),
        (bad("model", json!("house-model")), "unknown_model"),
        (bad("messages", json!("Hello")), "malformed_body"),
        (bad("max_tokens", json!("50")), "malformed_body"),
        (beside, "malformed_body"),
        (unnamed, "malformed_body"),
        (json!("r-9"), "malformed_body"),
        (one("ada@example.org", "Hello"), "malformed_body"),
        (good.clone(), "malformed_body"),
    ] {
        let answer = fixture.as_anthropic("POST", BATCHES, Some(&batch(&[good.clone(), bad.clone()])));
        assert_eq!(code(&answer), due, "{bad}: {}", answer.text());
        assert!(answer.text().contains("request 2 of the batch"), "which request? {}", answer.text());
        denied += 1;
    }
    let many = batch(&vec![json!({}); 50_001]);
    for (body, why) in [
        (batch(&[]), "no request"),
        (json!({ "requests": { "custom_id": "r-1" } }), "no list"),
        (json!({ "requests": [good], "model": "model-a" }), "something beside the requests"),
        (json!([good]), "a list"),
        (many, "too many requests"),
    ] {
        let answer = fixture.as_anthropic("POST", BATCHES, Some(&body));
        assert_eq!(code(&answer), "malformed_body", "{why}: {}", answer.text());
        denied += 1;
    }
    let twice = format!("{{\"requests\":[{good}],\"requests\":[]}}");
    let answer =
        fixture.call("POST", BATCHES, &[VERSION, ("Content-Type", "application/json")], twice.as_bytes());
    assert_eq!(code(&answer), "malformed_body", "{}", answer.text());
    assert!(fixture.authorised().is_empty());
    assert_eq!(fixture.denied().len(), denied + 1, "an attempt leaves no trace");
}

/// Requirement: N22. Where the class is not open everything is refused in the form that the caller's library reads, and recorded; a query is too.
#[test]
fn a_class_that_is_closed_has_no_batches_of_messages() {
    let setup = Setup { api: Api::Anthropic, ..Setup::default() };
    let fixture = opened(never(), &[RouteClass::Files], setup);
    let body = batch(&[one("r-1", "Hello")]);
    let routes = [
        ("POST", BATCHES, Some(&body), "create"),
        ("GET", "/v1/messages/batches/batch_1", None, "read"),
        ("POST", "/v1/messages/batches/batch_1/cancel", None, "cancel"),
        ("DELETE", "/v1/messages/batches/batch_1", None, "delete"),
        ("GET", "/v1/messages/batches/batch_1/results", None, "results"),
    ];
    for (method, path, body, _) in routes {
        let answer = fixture.as_anthropic(method, path, body);
        assert_eq!((answer.status, code(&answer)), (403, "opaque_not_enabled"), "{method} {path}");
    }
    let surfaces: Vec<String> = fixture.denied().into_iter().map(|denied| denied.surface).collect();
    assert_eq!(surfaces, routes.map(|(.., name)| format!("opaque.batches.anthropic.{name}")));
    let answer = fixture.as_anthropic("GET", "/v1/messages/batches/batch_1?user=ada", None);
    assert_eq!(code(&answer), "unexpected_query");
}

/// Requirement: N22. What nobody has a record of, and what is another system's, is refused before anything is sent, and so are lists.
#[test]
fn a_batch_of_messages_that_is_not_on_record_as_own_is_refused() {
    let fixture = with(never(), Setup::default());
    let other =
        GateFile { system: SystemId::from_bytes([0xee; 16]), ..own("msgbatch_1", RouteClass::Batches) };
    let elsewhere = GateFile { provider: "beside".to_owned(), ..own("msgbatch_1", RouteClass::Batches) };
    let as_file = own("msgbatch_1", RouteClass::Files);
    let mut told = std::collections::BTreeSet::new();
    for known in [Vec::new(), vec![other], vec![elsewhere], vec![as_file]] {
        fixture.change(|gate| gate.files = Arc::new(known.clone()));
        for (method, path) in [
            ("GET", "/v1/messages/batches/msgbatch_1"),
            ("POST", "/v1/messages/batches/msgbatch_1/cancel"),
            ("DELETE", "/v1/messages/batches/msgbatch_1"),
            ("GET", "/v1/messages/batches/msgbatch_1/results"),
        ] {
            let answer = fixture.as_anthropic(method, path, None);
            assert_eq!((answer.status, code(&answer)), (403, "object_not_own"), "{method} {path}: {known:?}");
            told.insert(answer.json()["error"]["message"].to_string());
        }
    }
    assert_eq!(told.len(), 1, "the difference tells whether a batch exists: {told:?}");
    for path in [BATCHES, "/v1/messages/batches?limit=2"] {
        let answer = fixture.as_anthropic("GET", path, None);
        assert_eq!((answer.status, code(&answer)), (403, "object_not_own"), "everybody's are shown");
    }
    assert_eq!(fixture.denied().len(), 18, "an attempt leaves no trace");
}

/// Requirement: N22. A batch is its system's from the answer on and over a restart, and is recorded once however often somebody looks.
#[test]
fn a_batch_of_messages_is_its_systems_from_the_answer_on() {
    let mut fixture = of_api(Api::Anthropic, script(), Vec::new(), Vec::new());
    let read = "/v1/messages/batches/msgbatch_1";
    assert_eq!(fixture.as_anthropic("GET", read, None).status, 403, "nobody made it yet");
    let body_of = batch(&[one("r-1", "Hello")]);
    assert_eq!(fixture.as_anthropic("POST", BATCHES, Some(&body_of)).status, 200);
    assert_eq!(fixture.as_anthropic("GET", read, None).status, 200, "who made it cannot read it");
    fixture.restart();
    for (method, path) in [
        ("GET", read.to_owned()),
        ("POST", format!("{read}/cancel")),
        ("GET", format!("{read}/results")),
        ("DELETE", read.to_owned()),
    ] {
        let answer = fixture.as_anthropic(method, &path, None);
        assert_eq!(answer.status, 200, "{method} {path}: a restart forgets whose it is: {}", answer.text());
    }
    let kept: Vec<ObjectKept> = fixture.of_type(ObjectKept::TYPE).iter().map(body).collect();
    let [kept] = kept.as_slice() else { panic!("recorded twice, or not at all: {kept:?}") };
    assert_eq!((kept.object.as_str(), kept.class), ("msgbatch_1", RouteClass::Batches));
    assert_eq!(kept.requests.expect("what it may take").count, 1);
}

/// Requirement: N22. Requests of a batch name no other system's file, and nothing else that the provider keeps and no record says is the system's.
#[test]
fn a_request_of_a_batch_names_nothing_but_its_systems_own() {
    let fixture = with(script(), Setup::default());
    let naming = |file: &str| {
        let mut one = one("r-2", "Hello");
        let source = json!({ "type": "document", "source": { "type": "file", "file_id": file } });
        one["params"]["messages"][0]["content"] = json!([source]);
        batch(&[self::one("r-1", "Hello"), one])
    };
    let mut container = one("r-1", "Hello");
    container["params"]["container"] = json!("container_of_another");
    for (body, number) in [(naming("file-other"), 2), (batch(&[container]), 1)] {
        let answer = fixture.as_anthropic("POST", BATCHES, Some(&body));
        assert_eq!((answer.status, code(&answer)), (403, "object_not_own"), "{}", answer.text());
        assert!(answer.text().contains(&format!("request {number} of the batch")), "{}", answer.text());
    }
    assert!(fixture.upstream.requests().is_empty(), "a model was given another system's");
    let answer = fixture.as_anthropic("POST", BATCHES, Some(&naming("file-1")));
    assert_eq!(answer.status, 200, "its own is refused: {}", answer.text());
}

/// Requirement: N22. Libraries fetch results where the batch says: that is here, and the record has digests of what came and of what was given.
#[test]
fn results_are_fetched_through_the_gateway() {
    let fixture = with(script(), Setup::default());
    let answer = fixture.as_anthropic("GET", "/v1/messages/batches/batch_1", None);
    assert_eq!(answer.json()["results_url"], "/v1/messages/batches/msgbatch_1/results", "a key would leave");
    let end = fixture.end();
    assert_eq!(end.released_salted_sha256, answer.salted(&answer.body), "the record is of something else");
    assert_ne!(end.received_salted_sha256, end.released_salted_sha256);
    let results = fixture.as_anthropic("GET", "/v1/messages/batches/batch_1/results", None);
    assert_eq!(results.text(), r#"{"custom_id":"r-1","result":{"type":"expired"}}"#, "it was changed");

    let missing = r#"{"type":"error","error":{"type":"not_found_error","message":"no such batch"}}"#;
    let fixture = with(Answer::json(404, missing).into(), Setup::default());
    let answer = fixture.as_anthropic("GET", "/v1/messages/batches/batch_1", None);
    assert_eq!((answer.status, answer.text()), (404, missing), "the provider's own words were changed");
}

/// Requirement: N22. An answer about a batch that cannot be read, or that repeats the provider's key, goes nowhere.
#[test]
fn an_answer_about_a_batch_that_cannot_be_read_breaks_off() {
    let address = "https://elsewhere.example/results";
    let mut telling = said("msgbatch_1", "ended", Some(address));
    telling["note"] = PROVIDER_KEY.into();
    for (text, why) in [
        (format!("{{\"results_url\":\"{address}\"}}"), "a batch without a name"),
        (format!("{} {}", said("b", "ended", None), said("b", "ended", Some(address))), "two batches"),
        (telling.to_string(), "the provider's key"),
        (json!({ "id": "b", "note": "a".repeat(1 << 17) }).to_string(), "a very long one"),
    ] {
        let fixture = with(Answer::json(200, text).in_pieces(9).into(), Setup::default());
        let bearer = format!("Bearer {}", api_key());
        let mut client = fixture.connect();
        let headers = [("Authorization", bearer.as_str()), VERSION];
        client.send(&request("GET", "/v1/messages/batches/batch_1", &headers, b""));
        while !client.is_over() {}
        assert!(!client.buffer.ends_with(b"0\r\n\r\n"), "{why}: it passes for a whole answer");
        assert!(!String::from_utf8_lossy(&client.buffer).contains("elsewhere.example"), "{why}");
        let end = fixture.end();
        assert_eq!(
            (end.outcome, end.code.as_deref()),
            (Outcome::Failed, Some("upstream_malformed")),
            "{why}"
        );
        assert_eq!(end.delivered, Delivered::Nothing, "{why}: a part of it was given");
    }
}

/// Requirement: P32, N22. A policy that flags is asked of each request, and the one record says by what and where; one that blocks keeps the batch here.
#[test]
fn a_policy_is_asked_of_each_request() {
    let mails = |mode| GuardConfig {
        mode,
        on: vec![GuardSide::Prompt],
        rego: Some(GuardRegoConfig {
            policy: "package house\n\ndeny contains \"mail\" if input.masked.email > 0\n".to_owned(),
            query: "data.house.deny".to_owned(),
            content: false,
        }),
        routes: vec!["anthropic.messages".to_owned()],
        ..GuardConfig::new("mails", GuardKind::Rego)
    };
    let requests = batch(&[one("r-1", "Hello"), one("r-2", "write to ada@example.org")]);
    let fixture = with(script(), Setup { guards: vec![mails(GuardMode::Flag)], ..Setup::default() });
    assert_eq!(fixture.as_anthropic("POST", BATCHES, Some(&requests)).status, 200, "a flag stopped it");
    let guards = fixture.authorised().remove(0).guards;
    let said = guards.iter().find(|said| said.guard == "mails").expect("what the policy said");
    assert_eq!(said.outcome, GuardOutcome::Flagged, "what was flagged is on no record: {guards:?}");
    assert!(said.found.contains(&"lines 1, first 2".to_owned()), "nobody knows where: {said:?}");

    let fixture = with(never(), Setup { guards: vec![mails(GuardMode::Block)], ..Setup::default() });
    let answer = fixture.as_anthropic("POST", BATCHES, Some(&requests));
    assert_eq!(code(&answer), "guard_blocked");
    assert!(answer.text().contains("request 2 of the batch"), "{}", answer.text());
}
