//! A stop loses nothing: what has begun is finished in the time given, the rest is cut with a record; a start closes what a kill left open.

use std::sync::Arc;
use std::time::Duration;

use tabellion_gateway::close_open_calls;
use tabellion_model::body::{Body as _, CallBroken, Delivered, Outcome};
use tabellion_model::{CredentialId, SystemId};
use tabellion_testkit::upstream::{Answer, Gate, openai};
use tabellion_tlog::leaf_hash;
use tabellion_views::query::{OpenCall, Reference};

use crate::fixture::{Fixture, KEY, SYSTEM, body, say, say_streaming};

/// Requirement: R25
#[test]
fn calls_that_have_begun_are_finished() {
    let gate = Gate::new();
    let mut fixture = Fixture::new(Answer::json(200, openai::CHAT).held_at(&gate));
    let address = fixture.gateway.as_ref().expect("it serves").address();
    let mut client = fixture.ask(&say("Hello"));
    let mut idle = fixture.connect();
    assert!(gate.reached(), "the call reaches the provider");
    let gateway = fixture.gateway.take().expect("it serves");
    let ready = gateway.readiness();
    assert_eq!(ready(), Ok(()), "a balancer would send nobody here");
    let stopping = std::thread::spawn(move || gateway.stop(Duration::from_secs(30)));
    assert!(idle.ended(), "a connection without a call is closed at once");
    // Each thread closes its own socket, one after the other.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(std::time::Instant::now() < deadline, "somebody new is let in");
    }
    assert!(ready().is_err(), "a balancer would go on sending calls");
    gate.open();
    let answer = client.answer();
    assert_eq!(answer.text(), openai::CHAT, "a stop lost the answer of a call that had begun");
    stopping.join().expect("the stop ends");
    assert_eq!(fixture.end().outcome, Outcome::Answered, "and it is recorded");
}

#[test]
fn calls_that_take_too_long_are_cut_with_a_record() {
    let gate = Gate::new();
    let first = openai::STREAM.find("\n\n").expect("an event") + 2;
    let mut fixture = Fixture::new(Answer::events(openai::STREAM).pause_after(first, &gate));
    let mut stream = fixture.ask(&say_streaming("Hello"));
    stream.read_until("assistant");
    let mut whole = fixture.ask(&say("Hello"));
    assert_eq!(fixture.upstream.wait_for_requests(2).len(), 2, "both calls reach the provider");
    fixture.stop(Duration::from_millis(50));
    let last = stream.answer().events().pop().expect("events");
    assert!(
        last.contains("\"code\":\"stopping\""),
        "the client must not take a cut stream for whole: {last}"
    );
    let answer = whole.answer();
    assert_eq!((answer.status, answer.code().as_str()), (503, "stopping"), "{}", answer.text());
    assert_eq!(answer.header("x-should-retry"), Some("true"), "another gateway may take it");
    let ended = fixture.ended(2);
    for end in &ended {
        assert_eq!(
            (end.outcome, end.code.as_deref()),
            (Outcome::Cut, Some("stopping")),
            "each has its record"
        );
    }
    let mut delivered: Vec<_> = ended.iter().map(|end| format!("{:?}", end.delivered)).collect();
    delivered.sort_unstable();
    assert_eq!(delivered, ["Nothing", "Partial"], "which says what the client got");
}

#[test]
fn a_start_ends_what_a_kill_left_open_once() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "a call to take as the open one");
    let seen = fixture.of_type("call.authorised").remove(0);
    let entry = fixture.ledger.reader().entry(seen.index).expect("its entry");
    let open = OpenCall {
        authorised: Reference {
            entry: seen.index,
            record_id: seen.header.record_id,
            hash: leaf_hash(&entry.bytes),
        },
        system: Some(SystemId::from_bytes(SYSTEM)),
        key: CredentialId::from_bytes(KEY),
        attempt_of: None,
    };
    for _ in 0..2 {
        assert_eq!(
            close_open_calls(&fixture.ledger, std::slice::from_ref(&open)).expect("it is recorded"),
            1,
            "one call"
        );
    }
    let broken = fixture.of_type(CallBroken::TYPE);
    assert_eq!(broken.len(), 1, "a start that was repeated must not end a call twice");
    let parent = &broken[0].header.parents[0];
    assert_eq!(
        (parent.record_id, parent.hash),
        (open.authorised.record_id, open.authorised.hash),
        "it follows from the permission"
    );
    let broken: CallBroken = body(&broken[0]);
    assert_eq!(
        (broken.delivered, broken.code.as_str()),
        (Delivered::Unknown, "process_ended"),
        "nobody knows"
    );
}

fn foundations(fixture: &Fixture) -> tabellion_gateway::Foundations {
    tabellion_gateway::Foundations {
        ledger: Arc::clone(&fixture.ledger),
        gate: Arc::clone(&fixture.gate),
        clock: Arc::new(tabellion_ledger::SystemClock),
        placeholder_key: [7; 32].into(),
        on_fatal: Arc::new(|_| {}),
        log: Arc::new(|_| {}),
        probed: tabellion_gateway::RoundBefore::None,
    }
}

/// Requirement: P13. What a start has to record before it serves is asked for when nothing else can refuse it any more; where it is refused, nobody is served.
#[test]
fn what_comes_before_serving_is_asked_for_last_and_can_refuse_the_start() {
    let fixture = Fixture::new(Answer::silence());
    let taken = fixture.gateway.as_ref().expect("it serves").address();
    let start = |listen: std::net::SocketAddr| {
        let config = tabellion_gateway::GatewayConfig { listen, ..Default::default() };
        let mut asked = false;
        let started = tabellion_gateway::Gateway::start_after(&config, foundations(&fixture), || {
            asked = true;
            Err(tabellion_gateway::StartError::Setting("it cannot be recorded".to_owned()))
        });
        (started.err().map(|error| error.to_string()).unwrap_or_default(), asked)
    };
    let (refused, asked) = start(taken);
    assert!(refused.contains("cannot listen on") && !asked, "a start that fails is on record: {refused}");
    let (refused, asked) = start(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    assert!(refused.contains("it cannot be recorded") && asked, "it serves without its record: {refused}");
}

#[test]
fn another_gateway_on_the_same_port_is_refused() {
    let fixture = Fixture::new(Answer::silence());
    let address = fixture.gateway.as_ref().expect("it serves").address();
    let config = tabellion_gateway::GatewayConfig { listen: address, ..Default::default() };
    let refused = tabellion_gateway::Gateway::start(&config, foundations(&fixture))
        .err()
        .expect("two would share the calls");
    assert!(refused.to_string().contains("cannot listen on"), "{refused}");
}
