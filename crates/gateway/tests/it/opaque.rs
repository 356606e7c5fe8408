//! Declared routes: closed unless two people opened them for the system, recorded as what nothing looked into, budgeted, stopped and cut as every call.

use std::sync::Arc;

use serde_json::json;
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSide, Limits, UpstreamConfig};
use tabellion_ledger::Draft;
use tabellion_model::body::{
    BudgetScope, Caps, Delivered, GuardOutcome, Guarded, OpeningConfirmed, OpeningRequested,
    OpeningWithdrawn, Outcome, RouteClass,
};
use tabellion_model::charge::Window;
use tabellion_model::{Micros, OpeningId, RecordId, SystemId};
use tabellion_testkit::upstream::{Answer, Gate, Script};
use tabellion_views::gate::{GateFile, GateOpening};

use crate::budgets::{budget, draft, organisation};
use crate::client::Answer as Answered;
use crate::fixture::{Fixture, LONG_AGO, SYSTEM, Setup, gate, policy};

/// A day far away, and still a number that a record can hold.
const LATER: Micros = Micros(8_000_000_000_000_000);
/// A form with one file.
const BOUNDARY: &str = "the-boundary";

pub(crate) fn opening(class: RouteClass) -> GateOpening {
    GateOpening {
        opening: OpeningId::from_bytes([9; 16]),
        system: SystemId::from_bytes(SYSTEM),
        class,
        provider: None,
        until: LATER,
    }
}

/// Something at the provider that is the one system's.
pub(crate) fn own(id: &str, class: RouteClass) -> GateFile {
    GateFile {
        system: SystemId::from_bytes(SYSTEM),
        class,
        provider: "scripted".to_owned(),
        file: id.to_owned(),
        asked: None,
        of_batch: None,
    }
}

/// A gateway whose one system may use these classes, and has the file `file-1` and the batch `batch_1`.
pub(crate) fn opened(script: impl Into<Script>, classes: &[RouteClass], setup: Setup) -> Fixture {
    let openings = classes.iter().map(|class| opening(*class)).collect();
    let files = Arc::new(vec![own("file-1", RouteClass::Files), own("batch_1", RouteClass::Batches)]);
    let gate = tabellion_views::gate::Gate { openings: Arc::new(openings), files, ..setup.gate };
    Fixture::with(script, Setup { gate, ..setup })
}

/// A form with a purpose and a file.
pub(crate) fn upload(purpose: &str, content: &str) -> Vec<u8> {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: application/octet-stream\r\n\r\n{content}\r\n--{BOUNDARY}--\r\n"
    )
    .into_bytes()
}

impl Fixture {
    /// Sends a form.
    pub(crate) fn send_form(&self, path: &str, body: &[u8]) -> Answered {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.call("POST", path, &[("Content-Type", kind.as_str())], body)
    }

    /// Sends JSON.
    pub(crate) fn send_json(&self, path: &str, body: &serde_json::Value) -> Answered {
        self.call("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }
}

fn names(guards: &[Guarded]) -> Vec<(&str, GuardOutcome)> {
    guards.iter().map(|guarded| (guarded.guard.as_str(), guarded.outcome)).collect()
}

/// Requirement: N22. Nobody opened it, another class is open, it is for another provider or system, its day is over: nothing leaves, and each attempt is on record.
#[test]
fn what_is_not_open_is_refused_and_recorded() {
    let script = Script::by(|_, _| panic!("something was sent"));
    let fixture = opened(script, &[RouteClass::Audio], Setup::default());
    let other = |change: &dyn Fn(&mut GateOpening)| {
        let mut opening = opening(RouteClass::Files);
        change(&mut opening);
        opening
    };
    let openings = [
        vec![opening(RouteClass::Audio)],
        vec![other(&|opening| opening.system = SystemId::from_bytes([0xee; 16]))],
        vec![other(&|opening| opening.provider = Some("another".to_owned()))],
        vec![other(&|opening| opening.until = LONG_AGO)],
    ];
    let attempts = openings.len();
    for openings in openings {
        fixture.change(|gate| gate.openings = Arc::new(openings.clone()));
        let answer = fixture.send_form("/v1/files", &upload("assistants", "secret"));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "opaque_not_enabled"),
            "{openings:?}: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), Some("false"), "a library would ask again and again");
    }
    let denied = fixture.denied();
    assert_eq!(denied.len(), attempts, "an attempt leaves no trace");
    assert!(denied.iter().all(|denied| denied.surface == "opaque.files.create"), "{denied:?}");
}

/// Requirement: N22. An open route passes bytes both ways as they are, with their sizes and digests on record, and says of every guard, and of masking, that it did
/// not look.
#[test]
fn what_is_open_passes_and_is_on_record_as_not_looked_into() {
    let sound: Vec<u8> = (0..300_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let guards = vec![
        GuardConfig { words: vec!["heron".to_owned()], ..GuardConfig::new("house-words", GuardKind::Words) },
        GuardConfig {
            on: vec![GuardSide::Answer],
            words: vec!["heron".to_owned()],
            ..GuardConfig::new("answers", GuardKind::Words)
        },
    ];
    let script = Answer::with_body(200, "audio/mpeg", sound.clone());
    let fixture = opened(script, &[RouteClass::Audio], Setup { guards, ..Setup::default() });
    let body = json!({ "model": "model-a", "input": "heron, ada@example.org", "voice": "alloy" });
    let answer = fixture.send_json("/v1/audio/speech", &body);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("audio/mpeg")));
    assert!(answer.body == sound, "the sound was changed on its way");
    let sent = fixture.upstream.requests().remove(0);
    assert_eq!((sent.method(), sent.path()), ("POST", "/v1/audio/speech"));
    assert_eq!(sent.text(), body.to_string(), "what passes is not written into");
    assert_eq!(sent.header("authorization"), Some("Bearer sk-provider-secret"), "the client's key left");

    let (authorised, end) = (fixture.authorised().remove(0), fixture.end());
    let opened = authorised.opened.expect("by which opening it passed");
    assert_eq!((opened.class, opened.target.as_str()), (RouteClass::Audio, "POST /audio/speech"));
    assert_eq!(opened.opening, OpeningId::from_bytes([9; 16]));
    assert_eq!(authorised.received_salted_sha256, answer.salted(body.to_string().as_bytes()));
    assert_eq!(authorised.forwarded_salted_sha256, authorised.received_salted_sha256);
    let not_run = |name| (name, GuardOutcome::NotRun);
    assert_eq!(names(&authorised.guards), [not_run("house-words"), not_run("masking.opaque")]);
    assert!(names(&end.guards).contains(&not_run("answers")), "{:?}", end.guards);
    assert!(names(&end.guards).iter().all(|(_, outcome)| *outcome == GuardOutcome::NotRun));
    assert_eq!((end.outcome, end.delivered), (Outcome::Answered, Delivered::Whole));
    assert_eq!((end.received_bytes, &end.received_salted_sha256), (300_000, &answer.salted(&sound)));
    assert_eq!(
        end.released_salted_sha256,
        answer.salted(&sound),
        "the record is of something else than was given"
    );
}

/// Requirement: N22. A route without a model goes to the one provider that has it, or to the one that the header names; never to a guess.
#[test]
fn a_route_without_a_model_goes_where_it_is_told() {
    let file = Answer::json(200, r#"{"object":"file","id":"file-1"}"#);
    let fixture = opened(file.clone(), &[RouteClass::Files], Setup::default());
    let answer = fixture.call("GET", "/v1/files/file-1", &[], b"");
    assert_eq!((answer.status, answer.text()), (200, r#"{"object":"file","id":"file-1"}"#));
    assert_eq!(fixture.upstream.requests().remove(0).path(), "/v1/files/file-1");
    assert_eq!(fixture.authorised().remove(0).model, "none");
    let answer = fixture.call("GET", "/v1/files?user=ada", &[], b"");
    assert_eq!(answer.code(), "unexpected_query");

    let beside = UpstreamConfig {
        models: vec!["model-b".to_owned()],
        ..UpstreamConfig::new("beside", "http://127.0.0.1:9/v1")
    };
    let setup = Setup { others: vec![beside], ..Setup::default() };
    let fixture = opened(file, &[RouteClass::Files], setup);
    assert_eq!(fixture.call("GET", "/v1/files/file-1", &[], b"").code(), "unknown_model");
    let named = [("tabellion-provider", "scripted")];
    assert_eq!(fixture.call("GET", "/v1/files/file-1", &named, b"").status, 200);
    assert_eq!(fixture.upstream.requests().len(), 1);
}

/// Requirement: N22, N23. Rules know the route by its action and its name, and a budget counts it as a call.
#[test]
fn rules_and_budgets_hold_for_it() {
    let mut in_force = gate();
    let text = r#"@id("all") permit (principal, action, resource);
@id("no-deletes") forbid (principal, action == Action::"opaque", resource) when { context.surface == "opaque.files.delete" };"#;
    in_force.policies = Arc::new(vec![policy(text)]);
    let setup = Setup { gate: in_force, ..Setup::default() };
    let fixture = opened(Answer::json(200, "{}"), &[RouteClass::Files], setup);
    let answer = fixture.call("DELETE", "/v1/files/file-1", &[], b"");
    assert_eq!((answer.status, answer.code().as_str()), (403, "policy_denied"), "{}", answer.text());
    assert_eq!(fixture.call("GET", "/v1/files/file-1", &[], b"").status, 200);

    let mut begins_with = organisation();
    begins_with.extend(open_by_records(RouteClass::Files));
    let caps = Caps { calls: Some(1), ..Caps::default() };
    begins_with.push(budget("one-call", BudgetScope::Tenant, Window::Total, caps));
    let setup = Setup { begins_with: Some(begins_with), ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, "{}"), setup);
    let send = || fixture.send_form("/v1/files", &upload("assistants", "notes"));
    assert_eq!(send().status, 200);
    let answer = send();
    assert_eq!((answer.status, answer.code().as_str()), (429, "budget_exceeded"), "{}", answer.text());
}

/// What two people record to open a class.
pub(crate) fn open_by_records(class: RouteClass) -> Vec<Draft> {
    let opening = OpeningId::from_bytes([9; 16]);
    let requested = OpeningRequested {
        opening,
        system: SystemId::from_bytes(SYSTEM),
        class,
        provider: None,
        until: LATER,
        reason: "a trial".to_owned(),
    };
    let confirmed = OpeningConfirmed {
        opening,
        requested: RecordId::from_bytes([0; 16]),
        reason: "it is worth one".to_owned(),
    };
    let stream = format!("opening/{opening}");
    vec![draft(&requested, stream.clone()), draft(&confirmed, stream)]
}

/// Requirement: N22. A withdrawal closes at once: an answer on its way breaks off, so that nobody takes it for whole, and the next call is refused; a restart knows.
#[test]
fn a_withdrawal_closes_at_once_and_over_a_restart() {
    let held = Gate::new();
    let content = Answer::with_body(200, "application/octet-stream", vec![7; 4096])
        .in_pieces(1024)
        .pause_after(2048, &held);
    let script = Script::by(move |request, _| match request.method() {
        "POST" => Answer::json(200, r#"{"id":"file-1","object":"file"}"#),
        _ => content.clone(),
    });
    let mut begins_with = organisation();
    begins_with.extend(open_by_records(RouteClass::Files));
    let setup = Setup { begins_with: Some(begins_with), ..Setup::default() };
    let mut fixture = Fixture::with(script, setup);
    assert_eq!(fixture.send_form("/v1/files", &upload("assistants", "notes")).status, 200);
    let mut client = fixture.connect();
    let bearer = format!("Bearer {}", crate::fixture::api_key());
    client.send(&crate::client::request(
        "GET",
        "/v1/files/file-1/content",
        &[("Authorization", bearer.as_str())],
        b"",
    ));
    assert!(held.reached(), "the answer is on its way");
    let opening = OpeningId::from_bytes([9; 16]);
    let withdrawn = OpeningWithdrawn {
        opening,
        requested: RecordId::from_bytes([0; 16]),
        reason: "it went wrong".to_owned(),
    };
    fixture.ledger.append(&draft(&withdrawn, format!("opening/{opening}"))).expect("an append");
    fixture.catch_up();
    held.open();
    assert!(client.ended(), "the client waits for the rest of what was cut");
    let end = fixture.ended(2).pop().expect("the second end");
    assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Cut, Some("opaque_not_enabled")), "{end:?}");
    assert_ne!(end.delivered, Delivered::Whole, "{end:?}");
    assert_eq!(fixture.call("GET", "/v1/files", &[], b"").code(), "opaque_not_enabled");
    fixture.restart();
    assert_eq!(fixture.call("GET", "/v1/files", &[], b"").code(), "opaque_not_enabled", "a restart opens it");
}

/// Requirement: N22. A body above the limit is refused; below it, it may be larger than on governed routes, where it is open.
#[test]
fn sizes_have_limits_of_their_own() {
    let limits = Limits { body_bytes: 1024, opaque_body_bytes: 4096, ..Limits::default() };
    let file = "x".repeat(2048);
    let fixture = opened(
        Answer::json(200, r#"{"id":"file-1"}"#),
        &[RouteClass::Files],
        Setup { limits, ..Setup::default() },
    );
    assert_eq!(fixture.send_form("/v1/files", &upload("assistants", &file)).status, 200);
    let large = "x".repeat(8192);
    assert_eq!(fixture.send_form("/v1/files", &upload("assistants", &large)).code(), "body_too_large");
    let body = json!({ "model": "model-a", "input": file });
    assert_eq!(
        fixture.send_json("/v1/audio/speech", &body).code(),
        "body_too_large",
        "a class that is closed"
    );
}

/// Requirement: N22. The provider's own errors pass; that it refuses the gateway's key is not the client's fault.
#[test]
fn errors_of_the_provider_pass() {
    let error = r#"{"error":{"message":"no such file"}}"#;
    let fixture = opened(Answer::json(404, error), &[RouteClass::Files], Setup::default());
    let answer = fixture.call("GET", "/v1/files/file-1", &[], b"");
    assert_eq!((answer.status, answer.text()), (404, error));
    assert_eq!(fixture.end().outcome, Outcome::Refused);
    let fixture = opened(Answer::json(401, error), &[RouteClass::Files], Setup::default());
    let answer = fixture.call("GET", "/v1/files/file-1", &[], b"");
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_refused"));
    let compressed = Answer::json(200, "{}").header("content-encoding", "gzip");
    let fixture = opened(compressed, &[RouteClass::Files], Setup::default());
    let answer = fixture.call("GET", "/v1/files/file-1", &[], b"");
    assert_eq!(answer.code(), "upstream_malformed", "the digest would be of what nobody can compare");
}

/// Requirement: N22. A provider of another interface has none of these routes.
#[test]
fn a_provider_of_another_interface_is_not_asked() {
    let setup = Setup { api: Api::Anthropic, ..Setup::default() };
    let fixture = opened(Script::by(|_, _| panic!("it was asked")), &[RouteClass::Images], setup);
    let body = json!({ "model": "model-a", "prompt": "a heron" });
    assert_eq!(fixture.send_json("/v1/images/generations", &body).code(), "unknown_model");
}
