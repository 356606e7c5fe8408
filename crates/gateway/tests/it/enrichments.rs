//! What detectors say of calls: when they are over, without holding them up, and never as "nothing" where nobody looked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_gateway::{
    EnrichConfig, EnrichKind, Gateway, GatewayConfig, GuardOnError, GuardServiceConfig, GuardShape,
    GuardSide, Limits, TopicConfig,
};
use tabellion_model::body::{Body as _, CallEnriched, EnrichOutcome, EnrichedSide, Enrichment};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Gate, openai};

use crate::fixture::{Fixture, Seen, Setup, body, say, say_streaming};

const PATIENCE: Duration = Duration::from_secs(30);
const ASKED: &str = "I would like to know why the instalments of my loan have changed since the beginning of the year. Please write to ada@example.org about it, \
    you idiot.";
const ANSWERED: &str = "Die Rate ist gestiegen, weil sich der Zinssatz zu Beginn des Jahres geändert hat. Wenn Sie möchten, erklären wir Ihnen gerne, wie sich die \
    neue Rate zusammensetzt und was Sie dagegen tun können.";

fn every_kind() -> Vec<EnrichConfig> {
    let loans = TopicConfig {
        name: "loans".to_owned(),
        terms: ["loan", "instalments", "interest"].map(str::to_owned).to_vec(),
        at_least: 2,
    };
    vec![
        EnrichConfig::new("lang", EnrichKind::Language),
        EnrichConfig::new("mood", EnrichKind::Sentiment),
        EnrichConfig::new("abuse", EnrichKind::Toxicity),
        EnrichConfig { topics: vec![loans], ..EnrichConfig::new("subject", EnrichKind::Topic) },
        EnrichConfig::new("persons", EnrichKind::Pii),
    ]
}

fn with(answer: Answer, enrichments: Vec<EnrichConfig>) -> Fixture {
    Fixture::with(answer, Setup { enrichments, ..Setup::default() })
}

/// Waits for so many records of detectors.
fn enriched(fixture: &Fixture, count: usize) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let size = fixture.ledger.reader().size();
        let seen = fixture.of_type(CallEnriched::TYPE);
        if seen.len() >= count {
            return seen;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nobody looked at the call: {:?}", fixture.records());
        fixture.ledger.reader().wait_for_more(size, left.min(Duration::from_millis(200)));
    }
}

fn of(seen: &Seen, name: &str, side: EnrichedSide) -> Enrichment {
    let all: CallEnriched = body(seen);
    let found = all.enrichments.iter().find(|said| said.enrichment == name && said.side == side);
    found.unwrap_or_else(|| panic!("{name} says nothing of the {side:?}: {all:?}")).clone()
}

fn labels(said: &Enrichment) -> Vec<&str> {
    said.labels.iter().map(|label| label.label.as_str()).collect()
}

fn not_run(said: &Enrichment) -> Option<&str> {
    assert_eq!(said.outcome == EnrichOutcome::NotRun, said.why.is_some(), "{said:?}");
    assert!(
        said.why.is_none() || said.labels.is_empty(),
        "it found something where it did not look: {said:?}"
    );
    said.why.as_deref()
}

/// Requirement: P15. Each detector says with its version what it found, of whole answers and of streams, after the end and in a record that follows from the call.
#[test]
fn detectors_say_what_a_call_was_like_when_it_is_over() {
    use EnrichedSide::{Answer as Said, Prompt};
    let pieces: Vec<String> = ANSWERED.split_inclusive(' ').map(str::to_owned).collect();
    for (answer, request) in [
        (Answer::json(200, openai::chat_of(ANSWERED)), say(ASKED)),
        (Answer::events(openai::stream_of(&pieces)), say_streaming(ASKED)),
    ] {
        let fixture = with(answer, every_kind());
        assert_eq!(fixture.chat(&request).status, 200);
        let seen = enriched(&fixture, 1).remove(0);
        let (calls, ends) = (fixture.of_type("call.authorised"), fixture.of_type("call.completed"));
        let ([call], [end]) = (calls.as_slice(), ends.as_slice()) else { panic!("{calls:?} {ends:?}") };
        let [parent] = seen.header.parents.as_slice() else { panic!("{:?}", seen.header.parents) };
        assert_eq!((parent.role.as_str(), parent.record_id), ("authorised", call.header.record_id));
        let whose = |seen: &Seen| (seen.header.system.map(|(system, _)| system), seen.header.actor);
        assert_eq!(whose(&seen), whose(call), "it is on record as another system's");
        assert!(seen.index > end.index, "it was said before the call was over");
        assert_eq!(labels(&of(&seen, "lang", Prompt)), ["eng"]);
        assert_eq!(labels(&of(&seen, "lang", Said)), ["deu"]);
        assert_eq!(labels(&of(&seen, "mood", Prompt)), ["neutral"]);
        assert_eq!(not_run(&of(&seen, "mood", Said)), Some("language"), "German was read as English");
        assert_eq!(labels(&of(&seen, "abuse", Prompt)), ["insult"]);
        assert_eq!(labels(&of(&seen, "subject", Prompt)), ["loans"]);
        assert!(labels(&of(&seen, "subject", Said)).is_empty(), "a topic that nobody spoke of");
        let persons = of(&seen, "persons", Prompt);
        assert!(persons.labels.iter().any(|found| found.label == "email" && found.count == 1), "{persons:?}");
        let version = of(&seen, "lang", Prompt).version;
        assert!(
            version.starts_with("language.1-") && version.contains(":whatlang-"),
            "who looked is not on record: {version}"
        );
        let written = serde_json::to_string(&seen.fields).expect("JSON");
        assert!(
            !written.contains("instalments") && !written.contains("idiot") && !written.contains("ada@"),
            "text is on record: {written}"
        );
    }
}

/// Requirement: P15. An answer is released and its end durable while a detector has not even answered; its word comes later, and what is somebody's is never shown to it.
#[test]
fn nothing_waits_for_a_detector() {
    let gate = Gate::new();
    let answer = r#"{"verdict":"flag","reason_code":"toxic","detector":"tox-net","version":"3.1"}"#;
    let server = Upstream::start(Answer::json(200, answer).held_at(&gate));
    let service = GuardServiceConfig {
        private_network: true,
        timeout_ms: 30_000,
        ..GuardServiceConfig::new(format!("{}/check", server.base_url()), GuardShape::Tabellion, "7")
    };
    let tox = EnrichConfig {
        on: vec![GuardSide::Prompt],
        service: Some(service),
        ..EnrichConfig::new("tox", EnrichKind::Http)
    };
    let fixture = with(Answer::events(openai::stream_of(&["It ", "is ", "late."])), vec![tox]);
    let answer = fixture.chat(&say_streaming(ASKED));
    assert_eq!(answer.content(), "It is late.", "the stream waits for a detector");
    assert_eq!(fixture.ended(1).len(), 1, "the end waits for a detector");
    assert!(gate.reached(), "nobody is asked");
    assert!(fixture.of_type(CallEnriched::TYPE).is_empty(), "it said something before it answered");
    gate.open();
    let seen = enriched(&fixture, 1).remove(0);
    let said = of(&seen, "tox", EnrichedSide::Prompt);
    assert_eq!((said.outcome, labels(&said)), (EnrichOutcome::Ran, vec!["toxic"]));
    assert!(said.version.ends_with(":7 (tox-net 3.1)"), "what judged is not on record: {}", said.version);
    let shown = server.requests().remove(0).text();
    assert!(shown.contains("instalments") && !shown.contains("ada@") && !shown.contains("EMAIL"), "{shown}");
}

/// Requirement: P15. Whatever was not looked at is on record as that, with why.
#[test]
fn what_nobody_looked_at_is_said_to_be_so() {
    let lang = || vec![EnrichConfig::new("lang", EnrichKind::Language)];
    let answer = |fixture: &Fixture| {
        let seen = enriched(fixture, 1).remove(0);
        let said = of(&seen, "lang", EnrichedSide::Answer);
        not_run(&said).unwrap_or_else(|| panic!("it looked: {said:?}")).to_owned()
    };
    let much = "Ein langer Satz. ".repeat(100);
    let limits = Limits { capture_bytes: 1000, ..Limits::default() };
    let setup = Setup { enrichments: lang(), limits, ..Setup::default() };
    let fixture = Fixture::with(Answer::json(200, openai::chat_of(&much)), setup);
    assert_eq!(fixture.chat(&say(ASKED)).status, 200);
    assert_eq!(answer(&fixture), "too_large", "a part was taken for the whole answer");

    let stream = openai::stream_of(&["Ein ", "Satz ", "ohne Ende"]);
    let fixture = with(Answer::events(stream.clone()).cut_after(stream.len() / 2), lang());
    fixture.chat(&say_streaming(ASKED));
    assert_eq!(answer(&fixture), "not_whole", "the beginning of an answer was taken for all of it");

    let fixture = with(Answer::raw(""), lang());
    assert_eq!(fixture.chat(&say(ASKED)).status, 502);
    assert_eq!(answer(&fixture), "no_answer");

    let vector = json!({ "object": "embedding", "index": 0, "embedding": [0.5] });
    let vectors = json!({ "object": "list", "data": [vector], "model": "m", "usage": { "prompt_tokens": 1, "total_tokens": 1 } });
    let fixture = with(Answer::json(200, vectors.to_string()), lang());
    let request = json!({ "model": "model-a", "input": ASKED }).to_string();
    assert_eq!(fixture.call("POST", "/v1/embeddings", &[], request.as_bytes()).status, 200);
    assert_eq!(answer(&fixture), "no_text");
    assert_eq!(labels(&of(&enriched(&fixture, 1)[0], "lang", EnrichedSide::Prompt)), ["eng"]);

    let down = GuardServiceConfig {
        private_network: true,
        ..GuardServiceConfig::new(Upstream::nobody(), GuardShape::Tabellion, "7")
    };
    let tox = EnrichConfig { service: Some(down), ..EnrichConfig::new("lang", EnrichKind::Http) };
    let fixture = with(Answer::json(200, openai::chat_of(ANSWERED)), vec![tox]);
    assert_eq!(fixture.chat(&say(ASKED)).status, 200, "a call is denied because a detector is down");
    assert_eq!(answer(&fixture), "unreachable", "silence was taken for nothing found");
}

/// Requirement: P15. Optional: a detector that is not for a call says nothing of it, and without one there is no record.
#[test]
fn detectors_are_for_the_calls_that_they_are_set_up_for() {
    let elsewhere = EnrichConfig {
        purposes: vec!["testing".to_owned()],
        ..EnrichConfig::new("lang", EnrichKind::Language)
    };
    let mut fixture = with(Answer::json(200, openai::chat_of(ANSWERED)), vec![elsewhere]);
    assert_eq!(fixture.chat(&say(ASKED)).status, 200);
    let tested =
        fixture.call("POST", "/v1/chat/completions", &[("tabellion-purpose", "testing")], &say(ASKED));
    assert_eq!(tested.status, 200);
    // A stop looks at what still waits.
    fixture.stop(PATIENCE);
    let seen = fixture.of_type(CallEnriched::TYPE);
    let call = fixture.of_type("call.authorised").pop().expect("the second call");
    assert_eq!(call.fields["purpose"], Value::from("testing"));
    let parents: Vec<_> = seen.iter().map(|seen| seen.header.parents[0].record_id).collect();
    assert_eq!(parents, [call.header.record_id], "a detector looked at what it is not for");
}

/// Requirement: P15. What cannot work keeps the gateway from starting, and says what to do.
#[test]
fn a_detector_that_could_not_look_refuses_the_start() {
    let plain = |kind| EnrichConfig::new("it", kind);
    let topic = TopicConfig { name: "Loans".to_owned(), terms: vec!["loan".to_owned()], at_least: 1 };
    let outside = GuardServiceConfig::new("http://127.0.0.1:1/check", GuardShape::Tabellion, "7");
    let flags = GuardServiceConfig { on_error: GuardOnError::Flag, ..outside.clone() };
    for (enrichments, why) in [
        (vec![plain(EnrichKind::Topic)], "kind topic takes topics"),
        (
            vec![EnrichConfig { topics: vec![topic.clone()], ..plain(EnrichKind::Topic) }],
            "a topic is named with",
        ),
        (vec![EnrichConfig { topics: vec![topic], ..plain(EnrichKind::Pii) }], "kind topic takes topics"),
        (vec![plain(EnrichKind::Http)], "kind http takes a service"),
        (vec![EnrichConfig { service: Some(outside), ..plain(EnrichKind::Http) }], "private_network"),
        (vec![EnrichConfig { on: Vec::new(), ..plain(EnrichKind::Pii) }], "on names nothing"),
        (
            vec![EnrichConfig { on: vec![GuardSide::Answer; 2], ..plain(EnrichKind::Pii) }],
            "on names a side twice",
        ),
        (vec![EnrichConfig { service: Some(flags), ..plain(EnrichKind::Http) }], "on_error is for guards"),
        (vec![EnrichConfig { systems: vec!["x".to_owned()], ..plain(EnrichKind::Pii) }], "no id of a system"),
        (vec![plain(EnrichKind::Pii), plain(EnrichKind::Language)], "there twice"),
        (vec![EnrichConfig::new("It", EnrichKind::Pii)], "named with a-z"),
        (vec![plain(EnrichKind::Pii); 9], "more than 8"),
    ] {
        let config = GatewayConfig { enrichments, ..GatewayConfig::default() };
        let said = Gateway::check(&config).expect_err("it is taken").to_string();
        assert!(said.contains(why), "{said}");
    }
}
