//! Probes over the API and in the console: proven by a record, and by nothing else; run by whom it is permitted.

use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_app::work::probes::GatewayProbes;
use tabellion_ledger::{Clock as _, Draft, DraftStream, Ledger};
use tabellion_model::Micros;
use tabellion_model::body::{
    Body as _, GuardMeasured, GuardProbed, MeasuredGuard, ProbeCause, ProbeResult, ProbedPlace, Role,
};
use tabellion_model::measure::MeasureCounts;

use super::house::House;

const PATH: &str = "/api/v1/probes";
/// Where guards are measured.
const MEASURE_PATH: &str = "/api/v1/probes/measurements";
/// The version of the guard that is set up.
const VERSION: &str = "words.1-abcd";
/// For how long a round counts.
const VALID_S: u64 = 100;

fn place(guard: &str, result: ProbeResult) -> ProbedPlace {
    ProbedPlace {
        surface: "openai.chat_completions".to_owned(),
        upstream: "local".to_owned(),
        guard: guard.to_owned(),
        version: "words.1-abcd".to_owned(),
        side: "prompt".to_owned(),
        stream: false,
        result,
        why: None,
        calls: Vec::new(),
    }
}

/// Records a round in which the guard came to `result`.
pub(crate) fn record(ledger: &Ledger, result: ProbeResult) {
    let places = vec![place("house", result), place("masking", ProbeResult::Stopped)];
    let body = GuardProbed { cause: ProbeCause::Asked, valid_s: VALID_S, places };
    let mut draft = Draft::new(GuardProbed::TYPE);
    draft.body = body.fields().expect("fields");
    draft.clear = body.counts().to_clear();
    draft.stream = Some(DraftStream { name: "probes".to_owned(), expected: None });
    ledger.append(&draft).expect("a record");
}

fn subject(version: &str) -> MeasuredGuard {
    MeasuredGuard {
        guard: "house".to_owned(),
        version: version.to_owned(),
        surface: "openai.chat_completions".to_owned(),
        upstream: "local".to_owned(),
        ..MeasuredGuard::default()
    }
}

/// Records a measurement of the guard in `version`, which found 27 of 30.
pub(crate) fn record_measured(ledger: &Ledger, version: &str) {
    let counts = MeasureCounts {
        tried: 30,
        stopped: 27,
        got_through: 3,
        benign_tried: 24,
        benign_hit: 1,
        ..MeasureCounts::default()
    };
    let missed = ["words-03", "words-09", "words-21"].map(str::to_owned).to_vec();
    let guards = vec![MeasuredGuard { counts, missed, ..subject(version) }];
    let cause = ProbeCause::Asked;
    let body = GuardMeasured { cause, corpus: "corpus".to_owned(), valid_s: VALID_S, guards };
    let mut draft = Draft::new(GuardMeasured::TYPE);
    draft.body = body.fields().expect("fields");
    draft.clear = body.counts().to_clear();
    draft.stream = Some(DraftStream { name: "probes".to_owned(), expected: None });
    ledger.append(&draft).expect("a record");
}

pub(crate) fn known(house: &House) {
    let ledger = Arc::clone(&house.ledger);
    let measuring = Arc::clone(&house.ledger);
    house.desk.know_probes(GatewayProbes {
        places: vec![place("house", ProbeResult::Untested), place("masking", ProbeResult::Untested)],
        every_s: Some(VALID_S / 2),
        denies: true,
        subjects: vec![subject(VERSION)],
        corpus_s: Some(VALID_S),
        measure: Arc::new(move |_| {
            record_measured(&measuring, VERSION);
            Ok(())
        }),
        run: Arc::new(move |_| {
            record(&ledger, ProbeResult::Stopped);
            Ok(())
        }),
    });
}

/// How the first route and its first place stand.
fn state(said: &Value) -> (&str, &str) {
    (
        said["routes"][0]["state"].as_str().expect("a route's state"),
        said["places"][0]["state"].as_str().expect("a place's state"),
    )
}

/// Requirement: N19. A configuration alone is never more than configured; a canary that was stopped proves, for as long as its record says; one that got through is
/// told on every page.
#[test]
fn a_guard_is_proven_by_a_record_and_only_for_its_time() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!((&said["has_gateway"], &said["places"]), (&json!(false), &json!([])), "{said}");
    house.ask("POST", PATH).bearer(&admin).send().refused(409, "no_gateway");
    known(&house);
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!(state(&said), ("configured", "configured"), "a configuration proves itself: {said}");
    house.ask("POST", PATH).bearer(&auditor).send().refused(403, "not_permitted");
    let said = house.ask("POST", PATH).bearer(&admin).send().ok().json();
    assert_eq!(state(&said), ("proven", "proven"), "{said}");
    assert_eq!(
        (&said["newest"]["stopped"], &said["newest"]["cause"]),
        (&json!(2), &json!("asked")),
        "{said}"
    );
    house.clock.set(Micros(house.clock.now().0 + (VALID_S + 1) * 1_000_000));
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!(state(&said), ("configured", "configured"), "an old proof counts for ever: {said}");
    record(&house.ledger, ProbeResult::GotThrough);
    house.desk.refresh().expect("views follow");
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!(state(&said), ("bypassable", "bypassable"), "{said}");
    assert_eq!(house.desk.views().canaries_through().expect("an answer"), 1);
}

/// Requirement: B07. Recall and false hits are told with what they are of, while they count for the version that is set up, and to those who may; measuring is for
/// those who may probe.
#[test]
fn what_guards_found_of_the_corpus_is_told_while_it_counts() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    house.ask("POST", MEASURE_PATH).bearer(&admin).send().refused(409, "no_gateway");
    known(&house);
    let guard = |said: &Value| {
        let guard = &said["measured"][0];
        (guard["state"].clone(), guard["found_percent"].clone(), guard["false_percent"].clone())
    };
    let none = |state: &str| (json!(state), Value::Null, Value::Null);
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!(guard(&said), none("unmeasured"), "{said}");
    assert_eq!(said["measurement"], Value::Null, "{said}");
    house.ask("POST", MEASURE_PATH).bearer(&auditor).send().refused(403, "not_permitted");
    let said = house.ask("POST", MEASURE_PATH).bearer(&admin).send().ok().json();
    assert_eq!(guard(&said), (json!("measured"), json!(90), json!(5)), "{said}");
    let row = &said["measured"][0];
    assert_eq!((&row["tried"], &row["stopped"], &row["got_through"]), (&json!(30), &json!(27), &json!(3)));
    assert_eq!(row["missed"][0], "words-03", "nobody could look at what was missed: {said}");
    assert_eq!(said["measurement"]["corpus"], "corpus", "{said}");
    record_measured(&house.ledger, "words.1-other");
    house.desk.refresh().expect("views follow");
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!(guard(&said), none("stale"), "another version's numbers count: {said}");
    record_measured(&house.ledger, VERSION);
    house.desk.refresh().expect("views follow");
    house.clock.set(Micros(house.clock.now().0 + (VALID_S + 1) * 1_000_000));
    let said = house.get(&auditor, PATH).ok().json();
    assert_eq!(guard(&said), none("stale"), "an old number counts: {said}");
    assert_eq!(said["measured"][0]["tried"], 30, "what was measured is hidden: {said}");
}
