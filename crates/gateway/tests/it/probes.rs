//! Probes: canaries through the whole path, on every route, for every guard; and that nothing of them is traffic.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tabellion_gateway::{
    Api, GuardConfig, GuardKind, GuardMode, GuardOnError, GuardServiceConfig, GuardShape, GuardSide,
    MaskingConfig, OnProbeFailure, ProbeConfig, TopicConfig, UpstreamConfig,
};
use tabellion_ledger::Draft;
use tabellion_model::body::{
    Body as _, CallAuthorised, CallCompleted, CallDenied, GuardProbed, ProbeCause, ProbeResult, ProbedPlace,
};
use tabellion_model::probe::{PROBE_SYSTEM, ProbeCounts, is_probe};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, openai};
use tabellion_views::query::{CallFilter, Page};

use crate::fixture::{Fixture, Setup, body, policy, say};

/// How long a round may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes that a guard of the kind `size` lets pass: more than any canary of another guard has.
const MOST: u64 = 40_000;

fn only_asked() -> ProbeConfig {
    ProbeConfig { every_s: None, ..ProbeConfig::default() }
}

fn answers() -> Vec<GuardSide> {
    vec![GuardSide::Answer]
}

fn every_kind() -> Vec<GuardConfig> {
    let topic = TopicConfig {
        name: "medicine".to_owned(),
        terms: vec!["dose".to_owned(), "milligram".to_owned(), "prescription".to_owned()],
        at_least: 2,
    };
    vec![
        GuardConfig {
            words: vec!["Project Heron".to_owned()],
            ..GuardConfig::new("house", GuardKind::Words)
        },
        GuardConfig { topics: vec![topic], ..GuardConfig::new("advice", GuardKind::Topics) },
        GuardConfig::new("taken-over", GuardKind::Injection),
        GuardConfig::new("unseen", GuardKind::Invisible),
        GuardConfig::new("keys", GuardKind::Secrets),
        GuardConfig { max_bytes: Some(MOST), ..GuardConfig::new("short", GuardKind::Size) },
        GuardConfig { on: answers(), ..GuardConfig::new("provider", GuardKind::ProviderFlags) },
        GuardConfig {
            on: vec![GuardSide::Prompt],
            references: Some(1),
            ..GuardConfig::new("sources", GuardKind::References)
        },
    ]
}

fn second() -> UpstreamConfig {
    UpstreamConfig {
        api: Api::Anthropic,
        models: vec!["claude-a".to_owned()],
        ..UpstreamConfig::new("second", "http://127.0.0.1:1/v1")
    }
}

fn unreachable() -> Script {
    Script::by(|_, _| panic!("a canary reached a provider"))
}

fn run(fixture: &Fixture) {
    let probing = fixture.gateway.as_ref().expect("not stopped").probing();
    probing.run(PATIENCE).expect("a round comes to its end");
}

/// The rounds on record.
fn rounds(fixture: &Fixture) -> Vec<GuardProbed> {
    fixture.of_type(GuardProbed::TYPE).iter().map(body).collect()
}

fn newest(fixture: &Fixture) -> GuardProbed {
    rounds(fixture).pop().expect("a round is on record")
}

fn of_guard<'r>(round: &'r GuardProbed, guard: &str) -> Vec<&'r ProbedPlace> {
    round.places.iter().filter(|place| place.guard == guard).collect()
}

/// Requirement: N19, B07. Every guard stops its canary on every route that has text for it, whole and as a stream, by records that are marked in their headers.
#[test]
fn every_guard_is_proven_on_every_route_and_nothing_reaches_a_provider() {
    let setup = Setup { guards: every_kind(), others: vec![second()], ..Setup::default() };
    let fixture = Fixture::with(unreachable(), setup);
    run(&fixture);
    let round = newest(&fixture);
    assert_eq!(round.cause, ProbeCause::Asked);
    for place in &round.places {
        assert_eq!(place.result, ProbeResult::Stopped, "{place:?}");
        assert!(!place.calls.is_empty(), "nothing on record shows it: {place:?}");
    }
    let surfaces: BTreeSet<&str> = round.places.iter().map(|place| place.surface.as_str()).collect();
    let wanted = [
        "anthropic.count_tokens",
        "anthropic.messages",
        "openai.chat_completions",
        "openai.embeddings",
        "openai.responses",
    ];
    assert_eq!(surfaces.into_iter().collect::<Vec<_>>(), wanted, "a route is not tried");
    // Three routes stream: prompts there twice, elsewhere once; answers where they stream alone.
    assert_eq!(of_guard(&round, "house").len(), 8 + 6, "a place is not tried");
    assert_eq!(of_guard(&round, "provider").len(), 6);
    assert_eq!(of_guard(&round, "sources").len(), 8);
    assert_eq!(of_guard(&round, "masking").len(), 8);
    let header = fixture.of_type(GuardProbed::TYPE).pop().expect("a round").header;
    let counts = ProbeCounts { stopped: round.places.len() as u64, ..ProbeCounts::default() };
    assert_eq!(ProbeCounts::of(&header), Some(counts), "the header says something else than the round");
    for kind in [CallAuthorised::TYPE, CallDenied::TYPE, CallCompleted::TYPE] {
        for seen in fixture.of_type(kind) {
            assert!(is_probe(&seen.header), "a canary is not marked: {:?}", seen.header);
            assert_eq!(seen.header.system.map(|(system, _)| system), Some(PROBE_SYSTEM));
        }
    }
    assert_eq!(
        fixture.of_type(CallAuthorised::TYPE).len(),
        fixture.of_type(CallCompleted::TYPE).len(),
        "a canary has no end"
    );
}

/// What a guard of others is told to say of everything.
pub(crate) fn blind(service: &Upstream) -> GuardConfig {
    let service = GuardServiceConfig {
        private_network: true,
        ..GuardServiceConfig::new(format!("{}/check", service.base_url()), GuardShape::Tabellion, "1")
    };
    GuardConfig {
        service: Some(service),
        canary: Some("what must be found".to_owned()),
        ..GuardConfig::new("others", GuardKind::Http)
    }
}

/// Requirement: N19. A guard that finds nothing any more is found out; what it is for is denied until it finds its canaries again, and goes on where an operator
/// wants the alarm alone.
#[test]
fn a_guard_that_went_blind_is_found_out_and_denies_what_it_is_for() {
    for (on_failure, status) in [(OnProbeFailure::Deny, 503), (OnProbeFailure::Alarm, 200)] {
        let service = Upstream::start(Answer::json(200, json!({ "verdict": "pass" }).to_string()));
        let setup = Setup {
            guards: vec![blind(&service)],
            probes: ProbeConfig { on_failure, ..only_asked() },
            ..Setup::default()
        };
        let fixture = Fixture::with(Answer::json(200, openai::chat_of("fine")), setup);
        assert_eq!(fixture.chat(&say("hello")).status, 200, "nobody has tried it yet");
        run(&fixture);
        for place in of_guard(&newest(&fixture), "others") {
            assert_eq!(place.result, ProbeResult::GotThrough, "{place:?}");
            assert_eq!(place.why.as_deref(), Some("not_found"), "{place:?}");
        }
        let trouble = fixture.gateway.as_ref().expect("not stopped").probing().trouble();
        assert!(trouble.is_some_and(|said| said.contains("others")), "no operator is told");
        let answer = fixture.chat(&say("hello"));
        assert_eq!(answer.status, status, "{on_failure:?}: {}", String::from_utf8_lossy(&answer.body));
        if on_failure == OnProbeFailure::Deny {
            let denied = fixture.denied().pop().expect("a denial");
            assert_eq!(denied.code, "guard_errored");
            assert!(
                denied.reason.contains("canary") && denied.reason.contains("others"),
                "{}",
                denied.reason
            );
        }
    }
}

/// Requirement: N19. What kept a canary from being sent is not taken for the guard; a guard that only flags, one that nobody can try, and a class that a rule
/// lets pass are told apart.
#[test]
fn what_was_not_tried_is_never_taken_for_stopped() {
    let flags = GuardConfig { mode: GuardMode::Flag, ..GuardConfig::new("injected", GuardKind::Injection) };
    let huge = GuardConfig { max_bytes: Some(1 << 30), ..GuardConfig::new("huge", GuardKind::Size) };
    let pass = MaskingConfig {
        name: "open".to_owned(),
        pass: vec!["personal".to_owned()],
        ..MaskingConfig::default()
    };
    let setup = Setup { guards: vec![flags, huge], masking: vec![pass], ..Setup::default() };
    let fixture = Fixture::with(unreachable(), setup);
    run(&fixture);
    let round = newest(&fixture);
    assert!(of_guard(&round, "injected").iter().all(|place| place.result == ProbeResult::Flagged));
    let untested = |guard: &str, why: &str| {
        for place in of_guard(&newest(&fixture), guard) {
            assert_eq!((place.result, place.why.as_deref()), (ProbeResult::Untested, Some(why)), "{place:?}");
        }
    };
    untested("huge", "too_large");
    untested("masking", "passes_by_rule");
    let forbid = policy(r#"@id("none") forbid (principal, action, resource);"#);
    fixture.change(|gate| gate.policies = Arc::new(vec![forbid]));
    run(&fixture);
    untested("injected", "policy_denied");
}

/// Requirement: N19. A guard for one system and purpose is tried as that system's, and masking that refuses is tried as refusing.
#[test]
fn a_guard_for_one_system_is_tried_as_its_own() {
    let own = GuardConfig {
        systems: vec!["51".repeat(16)],
        purposes: vec!["loan-support".to_owned()],
        words: vec!["heron".to_owned()],
        ..GuardConfig::new("own", GuardKind::Words)
    };
    let block = MaskingConfig {
        name: "no-cards".to_owned(),
        block: vec!["payment_card".to_owned()],
        ..MaskingConfig::default()
    };
    let setup = Setup { guards: vec![own], masking: vec![block], ..Setup::default() };
    let fixture = Fixture::with(unreachable(), setup);
    run(&fixture);
    for place in &newest(&fixture).places {
        assert_eq!(place.result, ProbeResult::Stopped, "{place:?}");
    }
}

/// Requirement: N19, B07. Canaries are in no list of calls, in no sum, among no outcomes of guards; and views that are made again from the log say the same.
#[test]
fn no_canary_is_traffic_and_a_rebuild_says_the_same() {
    let house =
        GuardConfig { words: vec!["heron".to_owned()], ..GuardConfig::new("house", GuardKind::Words) };
    let begun = Draft::new("event.logged").with("what", "the log begins");
    let setup = Setup { guards: vec![house], begins_with: Some(vec![begun]), ..Setup::default() };
    let mut fixture = Fixture::with(unreachable(), setup);
    run(&fixture);
    fixture.catch_up();
    let seen = |fixture: &Fixture| {
        let views = fixture.views.as_ref().expect("views");
        let calls = views.calls(&CallFilter::default(), Page { before: None, limit: 10 }).expect("calls");
        assert!(calls.rows.is_empty(), "a canary is listed as a call");
        let size = fixture.ledger.reader().size();
        assert!(views.open_calls(size).expect("calls").is_empty(), "a canary is open as a call");
        assert!(views.open_probes(size).expect("probes").is_empty(), "a canary has no end");
        let newest = views.newest_probe_round().expect("rounds").expect("a round");
        let places = newest.said.as_ref().map_or(0, |said| said.places.len() as u64);
        assert_eq!(newest.counts.stopped, places, "a canary was not stopped");
        newest
    };
    let before = seen(&fixture);
    fixture.restart();
    assert_eq!(seen(&fixture), before, "views made again say something else");
}

/// Requirement: N19. Without being asked: at the start, and when the policies change.
#[test]
fn guards_are_tried_at_the_start_and_when_policies_change() {
    let setup = Setup {
        guards: vec![GuardConfig::new("unseen", GuardKind::Invisible)],
        probes: ProbeConfig::default(),
        ..Setup::default()
    };
    let fixture = Fixture::with(unreachable(), setup);
    let wait = |count: usize| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let size = fixture.ledger.reader().size();
            let rounds = rounds(&fixture);
            if rounds.len() >= count {
                return rounds;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "guards are never tried: {rounds:?}");
            fixture.ledger.reader().wait_for_more(size, left.min(Duration::from_millis(200)));
        }
    };
    assert_eq!(wait(1).remove(0).cause, ProbeCause::Start);
    fixture.change(|_| {});
    assert_eq!(wait(2).remove(1).cause, ProbeCause::Change, "a change of policies goes untried");
}

/// Requirement: N19. A guard of others that does not answer: where it denies what it could not look at, nobody knows of it; where it lets that go on, it can be
/// bypassed, and nothing is denied beyond what its operator chose.
#[test]
fn a_guard_that_cannot_look_is_not_proven() {
    for (on_error, result, why) in [
        (GuardOnError::Deny, ProbeResult::Untested, "errored"),
        (GuardOnError::Flag, ProbeResult::GotThrough, "unseen"),
    ] {
        let service = Upstream::start(Answer::json(500, "{}"));
        let mut guard = blind(&service);
        if let Some(service) = &mut guard.service {
            service.on_error = on_error;
        }
        let setup = Setup { guards: vec![guard], ..Setup::default() };
        let fixture = Fixture::with(Answer::json(200, openai::chat_of("fine")), setup);
        run(&fixture);
        let round = newest(&fixture);
        let prompts = of_guard(&round, "others").into_iter().filter(|place| place.side == "prompt");
        for place in prompts {
            assert_eq!((place.result, place.why.as_deref()), (result, Some(why)), "{place:?}");
        }
        let status = if on_error == GuardOnError::Deny { 503 } else { 200 };
        assert_eq!(fixture.chat(&say("hello")).status, status, "{on_error:?}");
    }
}
