//! What got through stays denied until it was stopped: over rounds that try nothing, and over restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tabellion_gateway::{GuardConfig, GuardKind, GuardOnError, ProbeConfig};
use tabellion_model::body::{Body as _, GuardProbed, ProbeCause, ProbeResult, ProbedPlace, StopScope};
use tabellion_model::{RecordId, StopId};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, openai};
use tabellion_tlog::sha256;
use tabellion_views::gate::{Gate, GateStop};
use tabellion_views::query::Reference;

use crate::budgets::organisation;
use crate::fixture::{Fixture, Setup, body, say};
use crate::probes::{PATIENCE, blind};

/// What `probes::blind` has for a canary.
const CANARY: &str = "what must be found";
const PASS: &str = r#"{"verdict":"pass"}"#;
const BLOCK: &str = r#"{"verdict":"block","reason_code":"found"}"#;
const FLAG: &str = r#"{"verdict":"flag","reason_code":"odd"}"#;

/// A service of somebody else's that can be broken and mended.
#[derive(Default)]
struct Service {
    is_down: AtomicBool,
    finds: AtomicBool,
}

impl Service {
    fn is(&self, is_down: bool, finds: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
        self.finds.store(finds, Ordering::SeqCst);
    }

    fn script(self: &Arc<Self>) -> Script {
        let service = Arc::clone(self);
        Script::by(move |request, _| {
            if service.is_down.load(Ordering::SeqCst) {
                return Answer::json(500, "{}");
            }
            let is_found = service.finds.load(Ordering::SeqCst) && request.text().contains(CANARY);
            Answer::json(200, if is_found { BLOCK } else { PASS })
        })
    }
}

fn run(fixture: &Fixture) -> Vec<ProbedPlace> {
    let probing = fixture.gateway.as_ref().expect("not stopped").probing();
    probing.run(PATIENCE).expect("a round comes to its end");
    let rounds = fixture.of_type(GuardProbed::TYPE);
    let newest: GuardProbed = body(rounds.last().expect("a round is on record"));
    newest.places.into_iter().filter(|place| place.guard == "others").collect()
}

fn all_are(places: &[ProbedPlace], result: ProbeResult, why: Option<&str>) {
    assert!(!places.is_empty(), "the guard is tried nowhere");
    for place in places {
        assert_eq!((place.result, place.why.as_deref()), (result, why), "{place:?}");
    }
}

fn trouble(fixture: &Fixture) -> String {
    fixture.gateway.as_ref().expect("not stopped").probing().trouble().unwrap_or_default()
}

/// That calls are denied for the canary, and for nothing else.
fn is_denied(fixture: &Fixture, when: &str) {
    assert_eq!(fixture.chat(&say("hello")).status, 503, "{when}");
    let denied = fixture.denied().pop().expect("a denial");
    assert!(denied.reason.contains("a canary got through others"), "{when}: {}", denied.reason);
    assert!(trouble(fixture).contains("a canary got through others"), "{when}: no operator is told");
}

/// Requirement: N19. A guard that went blind is denied over a round in which its service is down, and over a restart without a round, until it stops its canaries.
#[test]
fn a_guard_that_went_blind_is_denied_until_it_stops_its_canaries() {
    let behind = Arc::<Service>::default();
    let service = Upstream::start(behind.script());
    let setup =
        Setup { guards: vec![blind(&service)], begins_with: Some(organisation()), ..Setup::default() };
    let mut fixture = Fixture::with(Answer::json(200, openai::chat_of("fine")), setup);
    assert_eq!(fixture.chat(&say("hello")).status, 200, "nobody has tried it yet");
    all_are(&run(&fixture), ProbeResult::GotThrough, Some("not_found"));
    is_denied(&fixture, "blind");
    behind.is(true, false);
    all_are(&run(&fixture), ProbeResult::GotThrough, Some("not_tried_since"));
    assert!(!trouble(&fixture).contains("no verdict"), "one round is a restart of the service");
    all_are(&run(&fixture), ProbeResult::GotThrough, Some("not_tried_since"));
    assert!(trouble(&fixture).contains("others gave no verdict"), "{}", trouble(&fixture));
    // Its service answers again, as blind as before: were it not for the round before, calls would go on.
    behind.is(false, false);
    is_denied(&fixture, "after rounds that tried nothing");
    fixture.catch_up();
    fixture.restart();
    is_denied(&fixture, "after a restart");
    behind.is(false, true);
    all_are(&run(&fixture), ProbeResult::Stopped, None);
    assert_eq!(trouble(&fixture), "", "the alarm stays");
    assert_eq!(fixture.chat(&say("hello")).status, 200, "a guard that was mended is denied for ever");
    fixture.catch_up();
    fixture.restart();
    assert_eq!(fixture.chat(&say("hello")).status, 200, "a restart brings back what was mended");
}

/// Requirement: N19. A service that lets calls go on when it is down clears nothing by being down.
#[test]
fn an_error_that_is_let_through_does_not_clear_a_blind_guard() {
    let behind = Arc::<Service>::default();
    let service = Upstream::start(behind.script());
    let mut guard = blind(&service);
    if let Some(service) = &mut guard.service {
        service.on_error = GuardOnError::Flag;
    }
    let setup = Setup { guards: vec![guard], ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, openai::chat_of("fine")), setup);
    all_are(&run(&fixture), ProbeResult::GotThrough, Some("not_found"));
    behind.is(true, false);
    all_are(&run(&fixture), ProbeResult::GotThrough, Some("not_tried_since"));
    is_denied(&fixture, "down, and set up to let go on");
}

/// Requirement: N19. Where a guard is set up to block, a canary that it only flags went on.
#[test]
fn a_canary_that_is_only_flagged_proves_no_guard_that_blocks() {
    let service = Upstream::start(Answer::json(200, FLAG));
    let setup = Setup { guards: vec![blind(&service)], ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, openai::chat_of("fine")), setup);
    let places = run(&fixture);
    assert!(places.iter().any(|place| place.side == "answer"), "answers are not tried");
    all_are(&places, ProbeResult::GotThrough, Some("only_flagged"));
    is_denied(&fixture, "only flagged");
}

/// Requirement: N19. A stop keeps canaries back; when it is lifted, guards are tried at once, though no policy changed.
#[test]
fn a_stop_that_is_lifted_causes_a_round() {
    let setup = Setup {
        guards: vec![GuardConfig::new("unseen", GuardKind::Invisible)],
        probes: ProbeConfig::default(),
        ..Setup::default()
    };
    let fixture = Fixture::with(Script::by(|_, _| panic!("a canary reached a provider")), setup);
    let wait = |count: usize| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let size = fixture.ledger.reader().size();
            let rounds: Vec<GuardProbed> = fixture.of_type(GuardProbed::TYPE).iter().map(body).collect();
            if rounds.len() >= count {
                return rounds;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "guards are not tried: {rounds:?}");
            fixture.ledger.reader().wait_for_more(size, left.min(Duration::from_millis(200)));
        }
    };
    assert_eq!(wait(1).remove(0).cause, ProbeCause::Start);
    let store = |stops: Vec<GateStop>| {
        let gate = Gate::clone(&fixture.gate.load());
        fixture.gate.store(Gate { stops: Arc::new(stops), ..gate });
    };
    let ordered = Reference { entry: 0, record_id: RecordId::from_bytes([7; 16]), hash: sha256(b"an entry") };
    let scope = Some(StopScope::Model("tabellion-probe/*".to_owned()));
    store(vec![GateStop { stop: StopId::from_bytes([7; 16]), ordered, scope }]);
    store(Vec::new());
    assert_eq!(wait(2).remove(1).cause, ProbeCause::Change, "nobody looks whether guards still stop");
}
