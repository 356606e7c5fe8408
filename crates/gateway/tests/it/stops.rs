//! Emergency stops: whatever is in scope is refused and cut at once, on record, over a restart, and until the last stop that holds is lifted.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tabellion_gateway::Limits;
use tabellion_ledger::{Ack, Draft};
use tabellion_model::body::{Delivered, Outcome, StopLifted, StopOrdered, StopScope};
use tabellion_model::{CredentialId, RecordId, StopId, SystemId};
use tabellion_testkit::upstream::{Answer, Gate, Script, openai};
use tabellion_tlog::sha256;
use tabellion_views::gate::GateStop;
use tabellion_views::query::Reference;

use crate::budgets::{draft, organisation};
use crate::fixture::{Fixture, KEY, SYSTEM, Setup, say, say_streaming};

/// How long after the order everything in its scope has ended.
const AT_ONCE: Duration = Duration::from_secs(2);

fn stop_id(byte: u8) -> StopId {
    StopId::from_bytes([byte; 16])
}

fn ordered(byte: u8, scope: StopScope) -> Draft {
    let stop = stop_id(byte);
    let body = StopOrdered { stop, scope, reason: "it tells secrets".to_owned(), drill: true };
    draft(&body, format!("stop/{stop}"))
}

fn lifted(byte: u8, order: &Ack) -> Draft {
    let stop = stop_id(byte);
    let body = StopLifted { stop, ordered: order.record_id, reason: "it was mended".to_owned() };
    draft(&body, format!("stop/{stop}"))
}

/// A stop as a snapshot has it, without a log behind it.
fn gate_stop(byte: u8, scope: Option<StopScope>) -> GateStop {
    let ordered =
        Reference { entry: 0, record_id: RecordId::from_bytes([byte; 16]), hash: sha256(b"an entry") };
    GateStop { stop: stop_id(byte), ordered, scope }
}

impl Fixture {
    fn append(&self, draft: &Draft) -> Ack {
        self.ledger.append(draft).expect("an append")
    }

    pub(crate) fn stop_by(&self, scope: Option<StopScope>) {
        self.change(|gate| gate.stops = Arc::new(vec![gate_stop(7, scope)]));
    }

    /// The stops that the record of the newest denial or end names.
    pub(crate) fn named(&self, kind: &str) -> Vec<RecordId> {
        let seen = self.of_type(kind).pop().expect("a record");
        let stops = seen.header.parents.into_iter().filter(|parent| parent.role == "stop");
        stops.map(|parent| parent.record_id).collect()
    }
}

/// Requirement: N11, P57, W26. Streams that would never end, one whose provider never pauses and one whose provider is silent, and an answer that is waited for
/// are cut within two seconds of the order, and nobody new is let in; the records say by which stop, and its report is their sum. A restart knows it.
#[test]
fn a_stop_cuts_what_runs_and_refuses_what_comes_and_outlives_a_restart() {
    let (silent, held) = (Gate::new(), Gate::new());
    let first = openai::STREAM.find("\n\n").expect("an event") + 2;
    let event = openai::STREAM[..first].to_owned();
    let (waits, holds) = (silent.clone(), held.clone());
    let script = Script::by(move |_, number| match number {
        0 => Answer::events(event.clone()).then_forever(event.clone()),
        1 => Answer::events(openai::STREAM).pause_after(first, &waits),
        2 => Answer::json(200, openai::CHAT).held_at(&holds),
        _ => Answer::json(200, openai::CHAT),
    });
    // The stream that never pauses is to meet no other limit first.
    let limits = Limits { answer_bytes: 1 << 40, ..Limits::default() };
    let setup = Setup { begins_with: Some(organisation()), limits, ..Setup::default() };
    let mut fixture = Fixture::with(script, setup);
    let mut endless = fixture.ask(&say_streaming("Go on"));
    endless.read_until("assistant");
    let endless = thread::spawn(move || endless.drain_until("\"code\":\"stopped\""));
    let mut quiet = fixture.ask(&say_streaming("Wait"));
    quiet.read_until("assistant");
    let mut whole = fixture.ask(&say("Hello"));
    assert!(held.reached(), "the third call reaches the provider");

    let began = Instant::now();
    let order = fixture.append(&ordered(1, StopScope::Tenant));
    endless.join().expect("a stream without an end is cut");
    quiet.read_until("\"code\":\"stopped\"");
    let answer = whole.answer();
    let refused = fixture.chat(&say("Hello"));
    let took = began.elapsed();
    assert!(took < AT_ONCE, "somebody who pulls the cord waits {took:?}");
    assert_eq!((answer.status, answer.code().as_str()), (403, "stopped"), "{}", answer.text());
    assert_eq!((refused.status, refused.code().as_str()), (403, "stopped"), "{}", refused.text());
    assert_eq!(refused.header("x-should-retry"), Some("false"), "its library would try again and again");
    assert!(refused.text().contains("somebody other than who ordered it"), "{}", refused.text());
    assert!(!refused.text().contains("secrets"), "a caller is told why: {}", refused.text());

    let ended = fixture.ended(3);
    for end in &ended {
        assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Cut, Some("stopped")), "{end:?}");
    }
    let nothing = ended.iter().filter(|end| end.delivered == Delivered::Nothing).count();
    assert_eq!(nothing, 1, "what the streams had given is forgotten: {ended:?}");
    assert_eq!(fixture.named("call.completed"), [order.record_id], "nobody could tell which stop cut it");
    assert_eq!(fixture.named("call.denied"), [order.record_id], "nobody could tell which stop refused it");
    fixture.catch_up();
    let row = fixture
        .views
        .as_ref()
        .expect("views")
        .emergency_stop(&stop_id(1))
        .expect("an answer")
        .expect("the stop");
    assert_eq!((row.refused, row.cut), (1, 3), "a report that is not the sum of its records: {row:?}");
    let last = row.last_cut.expect("one was cut").at.since(row.durable_at);
    assert!(last < 2_000_000, "the report says otherwise than the clock: {last} µs");
    let page = fixture.gateway.as_ref().expect("it serves").metrics().render();
    assert!(page.contains("tabellion_gateway_denied_total{code=\"stopped\"} 1"), "{page}");

    let heard = fixture.upstream.requests().len();
    fixture.restart();
    assert_eq!(fixture.chat(&say("Hello")).code(), "stopped", "a restart lifts a stop");
    assert_eq!(fixture.upstream.requests().len(), heard, "the provider heard of it");
    silent.open();
    held.open();
}

/// Requirement: N11. Of stops that overlap each holds until it is lifted, and a record names all of them.
#[test]
fn lifting_one_stop_leaves_the_others() {
    let setup = Setup { begins_with: Some(organisation()), ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), setup);
    let tenant = fixture.append(&ordered(1, StopScope::Tenant));
    let model = fixture.append(&ordered(2, StopScope::Model("model-*".to_owned())));
    fixture.catch_up();
    assert_eq!(fixture.chat(&say("Hello")).code(), "stopped");
    fixture.append(&lifted(1, &tenant));
    fixture.catch_up();
    assert_eq!(fixture.chat(&say("Hello")).code(), "stopped", "lifting one stop lifted another");
    assert_eq!(fixture.named("call.denied"), [model.record_id], "a stop that was lifted is blamed");
    fixture.append(&lifted(2, &model));
    fixture.catch_up();
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "a stop that was lifted goes on");
    assert_eq!(fixture.upstream.requests().len(), 1, "the provider heard of what was stopped");
}

/// Requirement: N11. Each scope reaches its calls, on every route, and no others.
#[test]
fn each_scope_stops_its_calls_alone() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let house = br#"{"model":"house-model","messages":[{"role":"user","content":"Hello"}]}"#;
    let model = |name: &str| StopScope::Model(name.to_owned());
    let provider = |name: &str| StopScope::Provider(name.to_owned());
    for (scope, plain, alias) in [
        (StopScope::Tenant, 403, 403),
        (StopScope::System(SystemId::from_bytes(SYSTEM)), 403, 403),
        (StopScope::System(SystemId::from_bytes([9; 16])), 200, 200),
        (StopScope::Key(CredentialId::from_bytes(KEY)), 403, 403),
        (StopScope::Key(CredentialId::from_bytes([9; 16])), 200, 200),
        (model("model-a"), 403, 200),
        (model("house-model"), 200, 403),
        // What the provider is given for the other name.
        (model("gpt-real"), 200, 403),
        (model("gpt-*"), 200, 403),
        (provider("scripted"), 403, 403),
        (provider("another"), 200, 200),
    ] {
        fixture.stop_by(Some(scope.clone()));
        let answers = [fixture.chat(&say("Hello")), fixture.chat(house)];
        assert_eq!(answers.map(|answer| answer.status), [plain, alias], "{scope:?}");
    }
    fixture.stop_by(Some(StopScope::Tenant));
    let heard = fixture.upstream.requests().len();
    let json = [("Content-Type", "application/json")];
    for (method, path) in [
        ("POST", "/v1/responses"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/model-a"),
        ("POST", "/v1/nothing-here"),
    ] {
        let answer = fixture.call(method, path, &json, b"{}");
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        assert!(answer.text().contains("emergency stop"), "{path}: {}", answer.text());
    }
    assert_eq!(fixture.upstream.requests().len(), heard, "the provider heard of it");
}

/// Requirement: N11. The list of models names those that may be asked for, and no stopped one.
#[test]
fn a_stopped_model_is_not_listed() {
    let fixture = Fixture::new(Answer::silence());
    fixture.stop_by(Some(StopScope::Model("house-model".to_owned())));
    let listed = fixture.call("GET", "/v1/models", &[], b"");
    assert_eq!(listed.status, 200, "one stopped model hides all others: {}", listed.text());
    assert!(listed.text().contains("model-a") && !listed.text().contains("house-model"), "{}", listed.text());
    let one = fixture.call("GET", "/v1/models/house-model", &[], b"");
    assert_eq!((one.status, one.code().as_str()), (403, "stopped"), "{}", one.text());
}

/// Requirement: N11. What a stop is for cannot be read any more, so it may be for anybody.
#[test]
fn a_stop_that_cannot_be_read_stops_everything() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    fixture.stop_by(None);
    assert_eq!(fixture.chat(&say("Hello")).code(), "stopped", "an erasure lifts a stop");
    assert_eq!(fixture.call("GET", "/v1/models", &[], b"").code(), "stopped");
    assert_eq!(fixture.upstream.connections(), 0, "the provider heard of it");
}

/// Requirement: N11, P57. A call that was permitted before the order, and not sent yet, is not sent.
#[test]
fn a_stop_while_the_permission_is_written_sends_nothing() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    fixture.hold.hold();
    let mut client = fixture.ask(&say("Hello"));
    fixture.hold.reached();
    fixture.stop_by(Some(StopScope::Model("model-a".to_owned())));
    fixture.hold.release();
    let answer = client.answer();
    assert_eq!((answer.status, answer.code().as_str()), (403, "stopped"), "{}", answer.text());
    assert_eq!(fixture.upstream.connections(), 0, "the provider heard of it");
    let end = fixture.end();
    assert_eq!((end.outcome, end.delivered), (Outcome::Cut, Delivered::Nothing), "{end:?}");
    assert_eq!(fixture.named("call.completed"), [RecordId::from_bytes([7; 16])]);
}

/// Requirement: N11. A stop of others leaves a call alone that runs beside it.
#[test]
fn a_stop_of_others_cuts_nobody_else() {
    let gate = Gate::new();
    let first = openai::STREAM.find("\n\n").expect("an event") + 2;
    let fixture = Fixture::new(Answer::events(openai::STREAM).pause_after(first, &gate));
    let mut client = fixture.ask(&say_streaming("Hello"));
    client.read_until("assistant");
    fixture.stop_by(Some(StopScope::Model("another".to_owned())));
    gate.open();
    client.read_until("[DONE]");
    assert_eq!(fixture.end().outcome, Outcome::Answered, "somebody else's stop cut it");
}
