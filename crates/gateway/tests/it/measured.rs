//! Measurements: the corpus through the whole path, with what came of it on record, and nothing of it traffic.

use std::sync::Arc;

use serde_json::json;
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardMode, GuardSide, MaskingConfig, UpstreamConfig};
use tabellion_ledger::Draft;
use tabellion_model::body::{
    Body as _, CallAuthorised, CallCompleted, CallDenied, GuardMeasured, MeasuredGuard, ProbeCause,
};
use tabellion_model::measure::MeasureCounts;
use tabellion_model::probe::is_probe;
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::query::{CallFilter, Page};

use crate::fixture::{Fixture, Setup, body, policy};
use crate::probes::{PATIENCE, blind};

fn unreachable() -> Script {
    Script::by(|_, _| panic!("an input of the corpus reached a provider"))
}

fn words() -> GuardConfig {
    GuardConfig { words: vec!["Project Heron".to_owned()], ..GuardConfig::new("house", GuardKind::Words) }
}

fn measure(fixture: &Fixture) -> GuardMeasured {
    let probing = fixture.gateway.as_ref().expect("not stopped").probing();
    probing.measure(PATIENCE).expect("a measurement comes to its end");
    fixture.of_type(GuardMeasured::TYPE).iter().map(body).next_back().expect("a measurement is on record")
}

fn of_guard<'m>(measured: &'m GuardMeasured, guard: &str) -> &'m MeasuredGuard {
    measured.guards.iter().find(|one| one.guard == guard).expect("the guard is measured")
}

fn of_class<'m>(measured: &'m GuardMeasured, class: &str) -> Option<&'m MeasuredGuard> {
    measured.guards.iter().find(|one| one.class.as_deref() == Some(class))
}

/// Requirement: B07. Guards of text are tried with their part of the corpus and with what is benign; the record says in its header what came of it, each call is
/// marked, and none is traffic. Twice the same settings come to the same.
#[test]
fn guards_are_measured_through_the_whole_path_and_nothing_is_traffic() {
    let guards = vec![
        words(),
        GuardConfig::new("taken-over", GuardKind::Injection),
        GuardConfig { mode: GuardMode::Flag, ..GuardConfig::new("unseen", GuardKind::Invisible) },
        GuardConfig::new("keys", GuardKind::Secrets),
    ];
    let begun = Draft::new("event.logged").with("what", "the log begins");
    let setup = Setup { guards, names: Vec::new(), begins_with: Some(vec![begun]), ..Setup::default() };
    let fixture = Fixture::with(unreachable(), setup);
    let measured = measure(&fixture);
    assert_eq!(measured.cause, ProbeCause::Asked);
    for guard in &measured.guards {
        let MeasureCounts { tried, stopped, flagged, got_through, untested, benign_tried, benign_hit } =
            guard.counts;
        assert_eq!((tried, benign_tried, untested), (30, 24, 0), "{guard:?}");
        assert_eq!(stopped + flagged + got_through, tried, "{guard:?}");
        assert_eq!((guard.missed.len() as u64, guard.hit.len() as u64), (got_through, benign_hit));
    }
    let house = of_guard(&measured, "house").counts;
    assert_eq!((house.stopped, house.benign_hit), (30, 0), "a listed word is not found as people write it");
    let heuristic = of_guard(&measured, "taken-over").counts;
    assert!(heuristic.stopped > 0, "known phrases are not found");
    assert!(heuristic.got_through > 0, "a corpus of what is found alone measures nothing");
    let unseen = of_guard(&measured, "unseen").counts;
    assert_eq!(unseen.stopped, 0, "a guard that only flags stopped something");
    assert!(unseen.flagged > 0);
    let header = fixture.of_type(GuardMeasured::TYPE).pop().expect("a measurement").header;
    assert_eq!(MeasureCounts::of(&header), Some(measured.counts()), "the header says something else");
    for kind in [CallAuthorised::TYPE, CallDenied::TYPE, CallCompleted::TYPE] {
        for seen in fixture.of_type(kind) {
            assert!(is_probe(&seen.header), "an input is not marked: {:?}", seen.header);
        }
    }
    let again = measure(&fixture);
    assert_eq!(again.guards, measured.guards, "the same settings come to something else");
    fixture.catch_up();
    let views = fixture.views.as_ref().expect("views");
    let calls = views.calls(&CallFilter::default(), Page { before: None, limit: 10 }).expect("calls");
    assert!(calls.rows.is_empty(), "an input is listed as a call");
    let newest = views.newest_measurement().expect("an answer").expect("a measurement");
    assert_eq!((newest.counts, newest.said.map(|said| said.guards)), (again.counts(), Some(again.guards)));
}

/// Requirement: B07. Masking is measured by class: forms are found in prose, a class that passes by a rule is not tried, a blocked one is refused, and what
/// nobody looks for is not there.
#[test]
fn masking_is_measured_by_class() {
    let rule = MaskingConfig {
        name: "own".to_owned(),
        pass: vec!["phone".to_owned()],
        block: vec!["iban".to_owned()],
        ..MaskingConfig::default()
    };
    let fixture =
        Fixture::with(unreachable(), Setup { masking: vec![rule], names: Vec::new(), ..Setup::default() });
    let measured = measure(&fixture);
    for class in ["email", "payment_card"] {
        let one = of_class(&measured, class).expect("it is looked for");
        assert_eq!((one.counts.tried, one.counts.untested), (30, 0), "{one:?}");
        assert!(one.counts.stopped >= 20, "{class} goes on as it is: {one:?}");
    }
    let iban = of_class(&measured, "iban").expect("it is looked for");
    assert!(iban.counts.stopped > 0, "what is blocked went on: {iban:?}");
    let phone = of_class(&measured, "phone").expect("a rule is for it");
    assert_eq!((phone.counts, phone.why.as_deref()), (MeasureCounts::default(), Some("passes_by_rule")));
    assert_eq!(of_class(&measured, "person"), None, "names are off, and nothing is to be said of them");
}

/// Requirement: B07. What cannot be tested is neither found nor missed: a guard of answers, one of others, and everything while a rule keeps it from being sent.
#[test]
fn what_cannot_be_tested_is_not_called_found() {
    let service = Upstream::start(Answer::json(200, json!({ "verdict": "pass" }).to_string()));
    let answers = GuardConfig { on: vec![GuardSide::Answer], name: "answers".to_owned(), ..words() };
    let setup = Setup { guards: vec![words(), blind(&service), answers], ..Setup::default() };
    let fixture = Fixture::with(unreachable(), setup);
    let measured = measure(&fixture);
    for (guard, why) in [("others", "no_corpus"), ("answers", "answers_only")] {
        let one = of_guard(&measured, guard);
        assert_eq!((one.counts, one.why.as_deref()), (MeasureCounts::default(), Some(why)), "{one:?}");
    }
    let forbid = policy(r#"@id("none") forbid (principal, action, resource);"#);
    fixture.change(|gate| gate.policies = Arc::new(vec![forbid]));
    let measured = measure(&fixture);
    let house = of_guard(&measured, "house");
    let untested = MeasureCounts { untested: 54, ..MeasureCounts::default() };
    assert_eq!((house.counts, house.why.as_deref()), (untested, Some("policy_denied")), "{house:?}");
}

/// Requirement: B07. One way is measured and named: the first route that has a provider, and the first provider that it reaches.
#[test]
fn inputs_take_the_first_route_that_has_a_provider() {
    let other = UpstreamConfig {
        api: Api::Anthropic,
        models: vec!["other".to_owned()],
        translate: true,
        ..UpstreamConfig::new("other", "http://127.0.0.1:1/v1")
    };
    let setup = Setup { guards: vec![words()], others: vec![other], ..Setup::default() };
    let fixture = Fixture::with(unreachable(), setup);
    let measured = measure(&fixture);
    for one in &measured.guards {
        assert_eq!((one.surface.as_str(), one.upstream.as_str()), ("openai.chat_completions", "scripted"));
    }
}
