//! What a round of probes writes, as docs/probes.md counts it.

use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardMode, GuardSide, ProbeConfig, UpstreamConfig};
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, CallDenied, GuardProbed, ProbeResult};
use tabellion_testkit::upstream::Script;

use crate::fixture::{Fixture, Setup, body};
use crate::probes::PATIENCE;

/// Requirement: N19. A round writes one record for each canary that is refused, two for each that is sent, and one for itself; with a seal for each they are as many entries
/// again at most.
#[test]
fn a_round_writes_what_its_formula_says() {
    let words = |name: &str| GuardConfig {
        words: vec!["Project Heron".to_owned()],
        on: vec![GuardSide::Prompt, GuardSide::Answer],
        ..GuardConfig::new(name, GuardKind::Words)
    };
    let flags =
        GuardConfig { mode: GuardMode::Flag, words: vec!["Project Otter".to_owned()], ..words("flags") };
    let second = UpstreamConfig {
        api: Api::Anthropic,
        models: vec!["claude-a".to_owned()],
        ..UpstreamConfig::new("second", "http://127.0.0.1:1/v1")
    };
    let setup = Setup {
        guards: vec![words("house"), flags],
        others: vec![second],
        probes: ProbeConfig { every_s: None, ..ProbeConfig::default() },
        ..Setup::default()
    };
    let fixture = Fixture::with(Script::by(|_, _| panic!("a canary reached a provider")), setup);
    let before = fixture.ledger.reader().size();
    let probing = fixture.gateway.as_ref().expect("not stopped").probing();
    probing.run(PATIENCE).expect("a round comes to its end");
    let entries = fixture.ledger.reader().size() - before;
    let count = |kind: &str| fixture.of_type(kind).len() as u64;
    let (denied, sent) = (count(CallDenied::TYPE), count(CallAuthorised::TYPE));
    assert_eq!(count(CallCompleted::TYPE), sent, "a canary has no end");
    let round: GuardProbed = body(fixture.of_type(GuardProbed::TYPE).last().expect("a round"));
    let of = |result: ProbeResult| round.places.iter().filter(move |place| place.result == result);
    let records: usize = round.places.iter().map(|place| place.calls.len()).sum();
    assert_eq!(records as u64, denied + 2 * sent, "a canary writes more, or less, than the page says");
    assert!(of(ProbeResult::Flagged).count() > 0, "what is only flagged is not counted here");
    assert!(of(ProbeResult::Flagged).all(|place| place.calls.len() == 2), "a flagged canary is sent");
    let written = denied + 2 * sent + 1;
    let seals = (before..before + entries).filter(|index| {
        let entry = fixture.ledger.reader().entry(*index).expect("a committed entry");
        entry.entry.header().is_none()
    });
    let seals = seals.count() as u64;
    assert!(seals <= entries - seals, "a batch has more than one seal");
    let others: Vec<String> = (before..before + entries)
        .filter_map(|index| {
            let entry = fixture.ledger.reader().entry(index).expect("a committed entry").entry;
            let kind = entry.header()?.record_type.to_string();
            kind.starts_with("epoch.").then_some(kind)
        })
        .collect();
    // The notary may begin its epoch meanwhile.
    assert_eq!(entries - seals - others.len() as u64, written, "others: {others:?}");
}
