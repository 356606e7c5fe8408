//! Services of others that are asked about calls that are over: Presidio with many texts at once, `LiteLLM`'s guardrails side by side, and neither more than it may be.

use serde_json::{Value, json};
use tabellion_gateway::{GuardAfterConfig, GuardConfig, GuardServiceConfig, GuardShape, GuardSide};
use tabellion_model::body::{CallAssessed, GuardOutcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Gate, Request, Script};

use crate::fixture::{Fixture, body, say};
use crate::guards_after::{SOON, after, assessed, with};
use crate::outside_guards::{guard as outside, provider, service};

/// A Presidio that finds a card in every text with a heron in it; an older one takes one text alone.
fn presidio(older: bool) -> Upstream {
    Upstream::start(Script::by(move |request, _| {
        let asked: Value = serde_json::from_str(&request.text()).expect("JSON");
        let found = |text: &Value| {
            let is_found = text.as_str().is_some_and(|text| text.contains("heron"));
            let found = json!({ "entity_type": "CREDIT_CARD", "start": 0, "end": 4, "score": 1.0 });
            Value::from_iter(is_found.then_some(found))
        };
        match asked["text"].as_array() {
            Some(_) if older => Answer::json(500, r#"{"error":"expected string"}"#),
            Some(texts) => Answer::json(200, texts.iter().map(found).collect::<Value>().to_string()),
            None => Answer::json(200, found(&asked["text"]).to_string()),
        }
    }))
}

/// Asks seven times, the third about a heron; gives what was said of each, in order.
fn said_of_seven(guard: GuardConfig) -> Vec<(GuardOutcome, Vec<String>)> {
    let mut fixture = with(provider(), vec![guard]);
    for number in 0..7 {
        let asked = if number == 2 { "what is a heron?" } else { "what is it?" };
        assert_eq!(fixture.chat(&say(asked)).status, 200);
    }
    // What waits for company is asked about when the gateway ends.
    fixture.stop(std::time::Duration::from_secs(30));
    let all = assessed(&fixture, 7);
    let of = |call: &crate::fixture::Seen| {
        let its = |seen: &&crate::fixture::Seen| seen.header.parents[0].record_id == call.header.record_id;
        let said: CallAssessed = body(all.iter().find(its).expect("its record"));
        (said.prompt[0].outcome, said.prompt[0].found.clone())
    };
    fixture.of_type("call.authorised").iter().map(of).collect()
}

/// Requirement: P13. Presidio is asked about the texts of many calls in one request, and each call has its own findings; one that takes no list is asked one by one.
#[test]
fn presidio_is_asked_about_many_calls_at_once() {
    let how = GuardAfterConfig { batch: 5, batch_wait_ms: 59_000, ..GuardAfterConfig::default() };
    let texts = |request: &Request| {
        let asked: Value = serde_json::from_str(&request.text()).expect("JSON");
        asked["text"].as_array().map(Vec::len)
    };
    for (older, due) in [
        (false, vec![Some(5), Some(2)]),
        (true, [vec![Some(5)], vec![None; 5], vec![Some(2)], vec![None; 2]].concat()),
    ] {
        let server = presidio(older);
        let config = GuardServiceConfig {
            shape: GuardShape::Presidio,
            entities: vec!["CREDIT_CARD".to_owned()],
            // So that the requests come in their order.
            at_once: 1,
            ..service(&server)
        };
        let said = said_of_seven(after(outside("pii", GuardSide::Prompt, config), how));
        let asked: Vec<_> = server.requests().iter().map(texts).collect();
        assert_eq!(asked, due, "older: {older}");
        for (number, (outcome, found)) in said.into_iter().enumerate() {
            let due = if number == 2 {
                (GuardOutcome::Flagged, vec!["CREDIT_CARD"])
            } else {
                (GuardOutcome::Passed, vec![])
            };
            assert_eq!(
                (outcome, found.iter().map(String::as_str).collect()),
                due,
                "older: {older}, call {number}"
            );
        }
    }
}

/// Requirement: P13. A guardrail that takes one question at a time is asked several side by side, and never more than it may be.
#[test]
fn a_guardrail_of_litellm_is_asked_side_by_side_within_its_bound() {
    let gate = Gate::new();
    let server = Upstream::start(Answer::json(200, r#"{"action":"NONE"}"#).held_at(&gate));
    let config = GuardServiceConfig { shape: GuardShape::Litellm, at_once: 3, ..service(&server) };
    let fixture: Fixture = with(provider(), vec![after(outside("rail", GuardSide::Prompt, config), SOON)]);
    for _ in 0..8 {
        assert_eq!(fixture.chat(&say("what is it?")).status, 200);
    }
    assert_eq!(server.wait_for_requests(3).len(), 3, "it is asked one by one");
    gate.open();
    for seen in assessed(&fixture, 8) {
        assert_eq!(body::<CallAssessed>(&seen).prompt[0].outcome, GuardOutcome::Passed);
    }
    // Each question has its connection while it is asked, and leaves it to the next.
    assert_eq!(
        (server.requests().len(), server.connections()),
        (8, 3),
        "it was asked more at once than it may be"
    );
}
