//! Probes of translated ways: a provider with the other interface is a path of its own, and canaries take it.

use std::collections::BTreeSet;

use serde_json::json;
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSide, UpstreamConfig};
use tabellion_model::body::{Body as _, CallAuthorised, GuardProbed, ProbeResult, ProbedPlace};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script};

use crate::fixture::{Fixture, Setup, body};
use crate::probes::{PATIENCE, blind};

/// A provider that callers of both interfaces reach.
fn both_ways(api: Api) -> UpstreamConfig {
    UpstreamConfig {
        api,
        models: vec!["other".to_owned()],
        translate: true,
        ..UpstreamConfig::new("other", "http://127.0.0.1:1/v1")
    }
}

fn probed(fixture: &Fixture) -> GuardProbed {
    let probing = fixture.gateway.as_ref().expect("not stopped").probing();
    probing.run(PATIENCE).expect("a round comes to its end");
    fixture.of_type(GuardProbed::TYPE).iter().map(body).next_back().expect("a round is on record")
}

/// The places of a guard that stand for the provider reached by translation alone.
fn translated<'r>(round: &'r GuardProbed, surface: &str, guard: &str) -> Vec<&'r ProbedPlace> {
    let is_there = |place: &&ProbedPlace| {
        (place.surface.as_str(), place.upstream.as_str(), place.guard.as_str()) == (surface, "other", guard)
    };
    round.places.iter().filter(is_there).collect()
}

/// Requirement: N19. Each guard and masking stop their canaries on chats that become messages, whole and as a stream, and what the provider flags crosses as well;
/// the records of these calls say that they were translated.
#[test]
fn canaries_take_the_translated_path_as_well() {
    let guards = vec![
        GuardConfig {
            words: vec!["Project Heron".to_owned()],
            ..GuardConfig::new("house", GuardKind::Words)
        },
        GuardConfig { on: vec![GuardSide::Answer], ..GuardConfig::new("provider", GuardKind::ProviderFlags) },
    ];
    let setup = Setup { guards, others: vec![both_ways(Api::Anthropic)], ..Setup::default() };
    let fixture = Fixture::with(Script::by(|_, _| panic!("a canary reached a provider")), setup);
    let round = probed(&fixture);
    for place in &round.places {
        assert_eq!(place.result, ProbeResult::Stopped, "{place:?}");
    }
    let chat = "openai.chat_completions";
    assert_eq!(translated(&round, chat, "house").len(), 4, "prompts and answers, whole and as a stream");
    assert_eq!(
        translated(&round, chat, "provider").len(),
        2,
        "what the provider says is not tried translated"
    );
    assert_eq!(translated(&round, chat, "masking").len(), 2, "masking is not tried translated");
    // Responses are never translated, and its own interface has every route of its own.
    assert!(translated(&round, "openai.responses", "house").is_empty());
    assert_eq!(translated(&round, "anthropic.messages", "house").len(), 4);
    let crossed: BTreeSet<Option<String>> = fixture
        .of_type(CallAuthorised::TYPE)
        .iter()
        .map(body::<CallAuthorised>)
        .filter(|call| call.surface == chat)
        .map(|call| call.translated)
        .collect();
    assert_eq!(crossed, BTreeSet::from([None, Some("anthropic".to_owned())]), "nothing was translated");
}

/// Requirement: N19. The other way: messages that become chats. Without `translate` there is no such path, and nothing is said of one.
#[test]
fn messages_reach_a_provider_of_chats_where_that_is_set_alone() {
    let house = || GuardConfig {
        words: vec!["Project Heron".to_owned()],
        ..GuardConfig::new("house", GuardKind::Words)
    };
    for translate in [true, false] {
        let other = UpstreamConfig { translate, ..both_ways(Api::OpenAi) };
        let setup = Setup { guards: vec![house()], others: vec![other], ..Setup::default() };
        let fixture = Fixture::with(Script::by(|_, _| panic!("a canary reached a provider")), setup);
        let round = probed(&fixture);
        for place in &round.places {
            assert_eq!(place.result, ProbeResult::Stopped, "{place:?}");
        }
        let wanted = if translate { (4, 2) } else { (0, 0) };
        let tried = ["house", "masking"].map(|guard| translated(&round, "anthropic.messages", guard).len());
        assert_eq!((tried[0], tried[1]), wanted, "translate = {translate}");
    }
}

/// Requirement: N19. A guard that finds nothing is found out on the translated path too, prompt and answer, whole and as a stream.
#[test]
fn a_blind_guard_is_found_out_on_the_translated_path() {
    let service = Upstream::start(Answer::json(200, json!({ "verdict": "pass" }).to_string()));
    let setup =
        Setup { guards: vec![blind(&service)], others: vec![both_ways(Api::Anthropic)], ..Setup::default() };
    let fixture = Fixture::with(Script::by(|_, _| panic!("a canary reached a provider")), setup);
    let round = probed(&fixture);
    let places = translated(&round, "openai.chat_completions", "others");
    assert_eq!(places.len(), 4);
    for place in places {
        assert_eq!(
            (place.result, place.why.as_deref()),
            (ProbeResult::GotThrough, Some("not_found")),
            "{place:?}"
        );
    }
}
