//! Who may call is what the log says: views that stand still, slow bodies and clocks that step back do not keep a key alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_gateway::Limits;
use tabellion_ledger::{Clock as _, Draft};
use tabellion_model::body::{Outcome, SystemStage};
use tabellion_model::{Micros, SystemId};
use tabellion_policy::MAX_CONDITIONALS;
use tabellion_testkit::ManualClock;
use tabellion_testkit::upstream::{Answer, Gate, openai};
use tabellion_views::gate::GatePolicy;

use crate::client::{Client, request};
use crate::fixture::{Fixture, POSITION, SYSTEM, Setup, api_key, policy, say, say_streaming};

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requirement: G05. Views that have not read the revocation let nothing through, and let calls through again once they have gone on.
#[test]
fn views_that_stand_behind_the_log_deny_everything() {
    let limits = Limits { lag_ms: 100, ..Limits::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), Setup { limits, ..Setup::default() });
    let ready = fixture.gateway.as_ref().expect("not stopped").readiness();
    assert_eq!(ready(), Ok(()), "a gateway that can see everything takes calls");
    let stand_at = |position| fixture.change(|gate| gate.position = position);
    stand_at(0);
    fixture.ledger.append(&Draft::new("event.logged").with("what", "something")).expect("an entry");
    let until = Instant::now() + PATIENCE;
    while ready().is_ok() {
        assert!(Instant::now() < until, "a revoked key would work as long as the views stand still");
    }
    let heard = fixture.upstream.connections();
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (503, "evidence_unavailable"), "{}", answer.text());
    assert_eq!(answer.header("x-should-retry"), Some("true"), "views go on after a moment, mostly");
    assert_eq!(fixture.upstream.connections(), heard, "the provider heard of it");
    assert_eq!(fixture.denied()[0].code, "evidence_unavailable", "a call that was refused is on record");
    assert_eq!(
        fixture.call("GET", "/v1/models", &[], b"").status,
        503,
        "what a key may use is no better known"
    );
    let why = ready().expect_err("it still stands");
    assert!(why.contains("views"), "the operator is not told where to look: {why}");
    stand_at(POSITION);
    assert_eq!(ready(), Ok(()), "views that went on are decided by");
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "nobody could call again");
}

/// Requirement: P46. Nothing more is recorded for a system that goes, so nothing is let through, and trying again does not help; others are not kept waiting.
#[test]
fn a_system_that_is_being_deleted_is_told_so() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    assert_eq!(fixture.chat(&say("Hello")).status, 200);
    let heard = fixture.upstream.connections();
    let due = Micros(u64::MAX >> 12);
    fixture.ledger.request_deletion(&SystemId::from_bytes(SYSTEM), due, "retired").expect("a deletion");
    let check = |when: &str| {
        let answer = fixture.chat(&say("Hello"));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (410, "system_gone"),
            "{when}: {}",
            answer.text()
        );
        assert_eq!(
            answer.header("x-should-retry"),
            Some("false"),
            "{when}: its library would try again for days"
        );
        assert!(answer.text().contains("being deleted"), "{when}: {}", answer.text());
        let ready = fixture.gateway.as_ref().expect("not stopped").readiness();
        assert_eq!(ready(), Ok(()), "{when}: one system that goes stops everybody's calls");
    };
    check("before the views have passed it");
    fixture.change(|gate| gate.systems = Arc::default());
    check("afterwards");
    assert_eq!(fixture.upstream.connections(), heard, "the provider heard of it");
}

/// Requirement: G05. The time counts from the entry that was missed, not from the call that comes after it.
#[test]
fn the_first_call_after_a_quiet_time_is_denied_too() {
    let limits = Limits { lag_ms: 1, ..Limits::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), Setup { limits, ..Setup::default() });
    fixture.change(|gate| gate.position = 0);
    // What the watch saw, without a look of our own, which would count as one.
    let stood = || {
        let page = fixture.gateway.as_ref().expect("it serves").metrics().render();
        let line = page.lines().find_map(|line| line.strip_prefix("tabellion_gateway_views_stand_seconds "));
        line.expect("the gauge").parse::<f64>().expect("seconds")
    };
    let until = Instant::now() + PATIENCE;
    while stood() <= 0.001 {
        assert!(Instant::now() < until, "nobody looks while nobody calls");
        std::thread::yield_now();
    }
    assert_eq!(
        fixture.chat(&say("Hello")).status,
        503,
        "a quiet night would give a revoked key one more call"
    );
}

/// Requirement: G05.
#[test]
fn a_key_that_ends_while_its_body_is_on_the_way_is_refused() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let body = say("Hello");
    let mut client = fixture.connect();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        api_key(),
        body.len()
    );
    client.send(head.as_bytes());
    // The gateway asks for the body: it has taken the key.
    client.read_until("100 Continue\r\n\r\n");
    client.buffer.clear();
    fixture.change_keys(|key| key.ends_at = Some(Micros(0)));
    client.send(&body);
    let answer = client.answer();
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "invalid_api_key"),
        "a slow body outlives a revocation"
    );
    assert_eq!(fixture.upstream.connections(), 0, "the provider heard of it");
}

/// Requirement: G05. What has ended stays ended when the clock is set back.
#[test]
fn a_clock_that_steps_back_revives_no_key() {
    let noon = Micros(1_790_000_000_000_000);
    let clock = Arc::new(ManualClock::at(noon));
    let fixture = Fixture::with(
        Answer::json(200, openai::CHAT),
        Setup { clock: Arc::clone(&clock) as _, ..Setup::default() },
    );
    let ends = Micros(noon.0 + 60_000_000);
    fixture.change_keys(|key| key.ends_at = Some(ends));
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "a key works until it ends");
    clock.set(Micros(ends.0 + 1_000_000));
    assert_eq!(fixture.chat(&say("Hello")).status, 401, "and then no longer");
    fixture.ledger.append(&Draft::new("event.logged").with("what", "something")).expect("an entry");
    clock.set(Micros(noon.0 - 3_600_000_000));
    assert!(clock.now() < ends, "the clock is back");
    assert_eq!(fixture.chat(&say("Hello")).status, 401, "a clock that steps back would revive a key");
}

/// Requirement: G05. A stream that is under way ends with the key that asked for it, and its record says how much of it was given.
#[test]
fn an_open_stream_is_cut_when_its_key_or_system_ends() {
    for (code, end) in [("invalid_api_key", true), ("system_not_live", false)] {
        let (gate, events) = (Gate::new(), openai::stream_of(&["One ", "two ", "three"]));
        let fixture = Fixture::new(Answer::events(events).pause_after(200, &gate));
        let mut client = fixture.ask(&say_streaming("Count"));
        client.read_until("\r\n\r\n");
        assert!(gate.reached(), "the stream is under way");
        if end {
            fixture.change_keys(|key| key.ends_at = Some(Micros(0)));
        } else {
            fixture.change_systems(|system| system.stage = SystemStage::Paused);
        }
        gate.open();
        client.read_until(code);
        let ended = fixture.end();
        assert_eq!(
            (ended.outcome, ended.code.as_deref()),
            (Outcome::Cut, Some(code)),
            "who ended it is on record"
        );
        let said = String::from_utf8_lossy(&client.buffer).into_owned();
        assert!(
            !said.contains("three") && !said.contains("[DONE]"),
            "a stolen key reads on to the end: {said}"
        );
    }
}

/// Rules that take long to read are read on a thread that serves nobody: who needs none is answered meanwhile, and a call that needs them gets in under
/// these or not at all.
#[test]
fn rules_that_take_long_to_read_hold_up_nobody_else() {
    let names = vec!["\"support\""; 4000].join(",");
    let (opening, closing) =
        ("if true then ".repeat(MAX_CONDITIONALS), " else false".repeat(MAX_CONDITIONALS));
    let heavy = |number: usize| {
        let condition = format!("{opening}[{names}, \"{number}\"].contains(\"support\"){closing}");
        policy(&format!("permit (principal, action, resource) when {{ {condition} }};"))
    };
    let policies: Vec<GatePolicy> =
        (0..8).map(|number| GatePolicy { name: format!("p{number}"), ..heavy(number) }).collect();
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    assert_eq!(fixture.chat(&say("Hello")).status, 200);
    fixture.change(|gate| gate.policies = Arc::new(policies));
    // On every thread of the gateway, each waiting for rules that take far longer to read than a stranger takes to be refused.
    let mut waiting: Vec<_> = (0..8).map(|_| fixture.ask(&say("Hello"))).collect();
    let mut nobody = fixture.connect();
    nobody.send(&request("GET", "/v1/models", &[], b""));
    assert!([401, 429].contains(&nobody.answer().status), "strangers are refused, whatever the rules are");
    assert!(
        waiting.iter_mut().any(|call| !call.has_answered()),
        "whoever needs no rules waited until they were read for everybody else"
    );
    for call in waiting.iter_mut().map(Client::answer) {
        assert!([200, 503].contains(&call.status), "decided by other rules: {}", call.text());
    }
    let until = Instant::now() + PATIENCE;
    while fixture.chat(&say("Hello")).status != 200 {
        assert!(Instant::now() < until, "the new rules never come into force");
    }
}
