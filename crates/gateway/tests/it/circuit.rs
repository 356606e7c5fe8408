//! The circuit to a provider: open after failures in a row, tried by one call, closed by an answer, each on record; and the way round it.

use std::sync::Arc;

use tabellion_gateway::{CircuitConfig, UpstreamConfig};
use tabellion_ledger::Clock as _;
use tabellion_model::Micros;
use tabellion_model::body::{CircuitClosed, CircuitOpened};
use tabellion_testkit::upstream::{Answer, Script, openai};
use tabellion_testkit::{ManualClock, Upstream};

use crate::fixture::{Fixture, Setup, body, say, say_streaming};

const CIRCUIT: CircuitConfig = CircuitConfig { failures: 2, window_ms: 60_000, open_ms: 30_000 };

fn gauge(fixture: &Fixture) -> String {
    let page = fixture.gateway.as_ref().expect("it serves").metrics().render();
    let line =
        page.lines().find(|line| line.starts_with("tabellion_gateway_circuit_open{upstream=\"scripted\"}"));
    line.expect("each provider has its gauge").rsplit(' ').next().unwrap_or_default().to_owned()
}

/// Requirement: N25.
#[test]
fn a_circuit_opens_is_tried_and_closes_on_record() {
    let clock = Arc::new(ManualClock::at(Micros(1_790_000_000_000_000)));
    let down = || Answer::json(503, openai::ERROR_503);
    let script = Script::in_order([down(), down(), down(), Answer::json(200, openai::CHAT)]);
    let setup = Setup { circuit: CIRCUIT, clock: Arc::clone(&clock) as _, ..Setup::default() };
    let fixture = Fixture::with(script, setup);
    let status = || fixture.chat(&say("Hello")).status;
    assert_eq!((status(), gauge(&fixture).as_str()), (503, "0"), "one failure is none");
    assert_eq!((status(), gauge(&fixture).as_str()), (503, "1"), "two open it");
    for asked in [say("Hello"), say_streaming("Hello")] {
        let answer = fixture.chat(&asked);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "upstream_circuit_open"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), Some("false"), "a library would ask on and on");
    }
    assert_eq!(fixture.upstream.requests().len(), 2, "a provider that is down is left alone");
    let unsent = fixture.ended(4).pop().expect("the last");
    assert_eq!((unsent.code.as_deref(), unsent.upstream_status), (Some("upstream_circuit_open"), None));
    let later = |ms: u64| clock.set(Micros(clock.now().0 + ms * 1_000));
    later(31_000);
    assert_eq!((status(), gauge(&fixture).as_str()), (503, "1"), "the trial failed, so it stays open");
    assert_eq!(fixture.chat(&say("Hello")).code(), "upstream_circuit_open", "for the whole time again");
    later(31_000);
    assert_eq!((status(), gauge(&fixture).as_str()), (200, "0"), "an answer closes it");
    assert_eq!(status(), 200, "and all go on");
    let opened = fixture.of_type("provider.circuit_opened");
    let closed = fixture.of_type("provider.circuit_closed");
    assert_eq!((opened.len(), closed.len()), (1, 1), "a failed trial is no news");
    let said: CircuitOpened = body(&opened[0]);
    assert_eq!(
        (said.upstream.as_str(), said.failures, said.code.as_str()),
        ("scripted", 2, "upstream_refused")
    );
    let said: CircuitClosed = body(&closed[0]);
    assert_eq!((said.upstream.as_str(), said.trials, said.refused), ("scripted", 2, 3));
    let [parent] = closed[0].header.parents.as_slice() else { panic!("it closes what was opened") };
    assert_eq!((parent.role.as_str(), parent.record_id), ("opened", opened[0].header.record_id));
}

/// Requirement: N25. Calls go round an open circuit at once, where another model is named and everything permits it.
#[test]
fn an_open_circuit_leaves_its_calls_to_the_next_model() {
    let second = Upstream::start(Answer::json(200, openai::CHAT));
    let other = UpstreamConfig {
        models: vec!["model-b".to_owned()],
        ..UpstreamConfig::new("second", second.base_url())
    };
    let setup = Setup {
        circuit: CircuitConfig { failures: 1, ..CIRCUIT },
        fallback: [("model-a".to_owned(), vec!["model-b".to_owned()])].into(),
        others: vec![other],
        clock: Arc::new(ManualClock::at(Micros(1_790_000_000_000_000))),
        ..Setup::default()
    };
    let fixture = Fixture::with(Answer::json(503, openai::ERROR_503), setup);
    for _ in 0..3 {
        assert_eq!(fixture.chat(&say("Hello")).status, 200, "the second answers");
    }
    assert_eq!(fixture.upstream.requests().len(), 1, "the first was asked once, and then left alone");
    let because: Vec<_> =
        fixture.authorised().into_iter().filter_map(|call| Some(call.attempt?.because)).collect();
    assert_eq!(because, ["upstream_refused", "upstream_circuit_open", "upstream_circuit_open"]);
}

/// Requirement: N25. A provider that refuses a request, or has too many of them, is not down.
#[test]
fn refusals_open_no_circuit() {
    for (status, error) in [(400, openai::ERROR_400), (429, openai::ERROR_429)] {
        let circuit = CircuitConfig { failures: 1, ..CIRCUIT };
        let fixture = Fixture::with(Answer::json(status, error), Setup { circuit, ..Setup::default() });
        for _ in 0..3 {
            assert_eq!(
                fixture.chat(&say("Hello")).status,
                status,
                "one caller's limit would stop all others"
            );
        }
        assert!(fixture.of_type("provider.circuit_opened").is_empty());
    }
}
