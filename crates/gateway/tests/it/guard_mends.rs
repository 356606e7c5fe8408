//! Holes of guards that were closed: what a caller can do with a prompt or the answer that it asks for switches none off.

use serde_json::{Value, json};
use tabellion_gateway::{
    Gateway, GatewayConfig, GuardConfig, GuardKind, GuardMode, GuardOnError, GuardSchemaConfig,
    GuardSchemaOf, GuardServiceConfig, GuardSide,
};
use tabellion_model::body::{Delivered, GuardOutcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, openai, responses};

use crate::fixture::{Fixture, Setup, say};
use crate::guards::told;
use crate::outside_guards::{guard, service};

const PASS: &str = r#"{"verdict":"pass"}"#;
/// One more than a service is shown.
const TEXTS: usize = 65_537;

/// A guard that lets calls go on which its service gives no verdict on.
fn lenient(server: &Upstream, on: GuardSide, mode: GuardMode) -> GuardConfig {
    let service = GuardServiceConfig { on_error: GuardOnError::Flag, ..service(server) };
    GuardConfig { mode, ..guard("outside", on, service) }
}

fn fixture(script: impl Into<Script>, guard: GuardConfig) -> Fixture {
    Fixture::with(script, Setup { guards: vec![guard], ..Setup::default() })
}

/// A chat of very many texts.
fn many() -> Vec<u8> {
    let parts: Vec<Value> =
        (0..TEXTS).map(|number| json!({ "type": "text", "text": format!("n{number}") })).collect();
    json!({ "model": "model-a", "messages": [{ "role": "user", "content": parts }] }).to_string().into_bytes()
}

/// Requirement: N21. More than a service is shown, or than is read of what it says, is the caller's doing: it is refused whatever becomes of errors of the service.
#[test]
fn a_caller_switches_no_guard_off_by_sending_much() {
    let passes = Upstream::start(Answer::json(200, PASS));
    let talks = Upstream::start(Answer::json(200, " ".repeat(2 << 20)));
    for (server, body, label) in [(&passes, many(), "too_much"), (&talks, say("what?"), "too_large")] {
        let fixture =
            fixture(Answer::json(200, openai::CHAT), lenient(server, GuardSide::Prompt, GuardMode::Block));
        let answer = fixture.chat(&body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (413, "body_too_large"),
            "{label}: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-should-retry"), Some("false"), "the same is sent again and again");
        assert!(answer.text().contains("send less"), "nobody is told what to do: {}", answer.text());
        assert!(fixture.upstream.requests().is_empty(), "a prompt that the guard did not see was sent");
        assert_eq!(told(&fixture.denied()[0].guards), [("outside", GuardOutcome::Errored, vec![label])]);
    }
    assert!(passes.requests().is_empty(), "a part was shown as if it were all");
    // One that could stop nothing has its record, and the call goes on.
    let fixture =
        fixture(Answer::json(200, openai::CHAT), lenient(&passes, GuardSide::Prompt, GuardMode::Flag));
    assert_eq!(fixture.chat(&many()).status, 200);
    assert_eq!(told(&fixture.authorised()[0].guards), [("outside", GuardOutcome::Errored, vec!["too_much"])]);
}

/// Requirement: N21. Who asks can ask for an answer of very many texts, too.
#[test]
fn a_caller_switches_no_guard_off_by_asking_for_much() {
    let server = Upstream::start(Answer::json(200, PASS));
    let mut much: Value = serde_json::from_str(openai::CHAT).expect("JSON");
    much["notes"] = (0..TEXTS).map(|number| format!("n{number}")).collect::<Vec<_>>().into();
    let fixture =
        fixture(Answer::json(200, much.to_string()), lenient(&server, GuardSide::Answer, GuardMode::Block));
    let answer = fixture.chat(&say("list them"));
    assert_eq!((answer.status, answer.code().as_str()), (503, "guard_errored"), "{}", answer.text());
    assert!(answer.text().contains("does not change by waiting"), "{}", answer.text());
    let end = fixture.end();
    assert_eq!(end.delivered, Delivered::Nothing, "an answer that the guard did not see was released");
    assert_eq!(told(&end.guards), [("outside", GuardOutcome::Errored, vec!["too_much"])]);
}

/// Requirement: N19. A side that is named twice would be looked at twice, and counted twice.
#[test]
fn a_side_that_stands_twice_refuses_the_start() {
    for on in [vec![GuardSide::Prompt; 2], vec![GuardSide::Answer, GuardSide::Prompt, GuardSide::Answer]] {
        let twice = GuardConfig { on, ..GuardConfig::new("twice", GuardKind::Injection) };
        let config = GatewayConfig { guards: vec![twice], ..GatewayConfig::default() };
        let said = Gateway::check(&config).expect_err("it is taken").to_string();
        assert!(said.contains("[guard.twice] on names a side twice"), "{said}");
    }
}

/// Requirement: N21, N24. Some servers put all that a response says beside its items, and some clients read nothing else: guards, schemas and values of placeholders
/// are of that too.
#[test]
fn a_text_beside_the_items_of_a_response_is_no_way_around() {
    let beside = |items: &str, beside: &str| {
        let mut response = responses::response_of(items);
        response["output_text"] = beside.into();
        Answer::json(200, response.to_string())
    };
    let ask = |fixture: &Fixture, text: &str| {
        let body = json!({ "model": "model-a", "input": text }).to_string();
        fixture.call("POST", "/v1/responses", &[("Content-Type", "application/json")], body.as_bytes())
    };
    let schema =
        GuardSchemaConfig { of: Some(GuardSchemaOf::Given(r#"{"type":"object"}"#.to_owned())), tools: false };
    let schema = GuardConfig {
        on: vec![GuardSide::Answer],
        schema: Some(schema),
        ..GuardConfig::new("form", GuardKind::Schema)
    };
    let words =
        GuardConfig { words: vec!["heron".to_owned()], ..GuardConfig::new("words", GuardKind::Words) };
    for (guard, said) in [(schema, "no"), (words, "{\"a\":\"heron\"}")] {
        let name = guard.name.clone();
        let fixture = fixture(beside("{}", said), guard);
        assert_eq!(ask(&fixture, "what?").code(), "guard_blocked", "{name} did not look");
        assert_eq!(fixture.end().delivered, Delivered::Nothing);
    }
    let echo = Script::by(move |request, _| {
        let text = request.text();
        let from = text.find("<EMAIL_").expect("it is masked");
        beside("fine", &text[from..from + "<EMAIL_7Q2K4F>".len()])
    });
    let fixture = Fixture::with(echo, Setup::default());
    let answer = ask(&fixture, "write to ada.lovelace@example.org");
    assert_eq!(answer.json()["output_text"], "ada.lovelace@example.org", "its reader gets a placeholder");
}
