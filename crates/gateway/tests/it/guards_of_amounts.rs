//! Guards over how much a call asks for: its cost, its tokens, its tools; the order of guards, and the routes that they are for.

use serde_json::{Value, json};
use tabellion_gateway::{GuardConfig, GuardCostConfig, GuardKind, GuardMode, GuardSide};
use tabellion_model::body::GuardOutcome;
use tabellion_model::charge::Currency;
use tabellion_testkit::upstream::{Answer, openai};

use crate::budgets::{organisation, post, price};
use crate::fixture::{Fixture, Setup, say};
use crate::guards::told;

const CHAT: &str = "/v1/chat/completions";

fn asking(model: &str, max_tokens: u64) -> Value {
    json!({ "model": model, "max_tokens": max_tokens, "messages": [{ "role": "user", "content": "Hello" }] })
}

fn dear(limits: GuardCostConfig, mode: GuardMode) -> GuardConfig {
    let on = vec![GuardSide::Prompt];
    GuardConfig { on, mode, cost: Some(limits), ..GuardConfig::new("dear", GuardKind::Cost) }
}

fn money(most: u64) -> GuardCostConfig {
    let currency = Currency::parse("EUR");
    GuardCostConfig { max_per_call: Some(most), currency, ..GuardCostConfig::default() }
}

/// A token is a millionth.
fn priced(guards: Vec<GuardConfig>) -> Fixture {
    let begins_with = Some([organisation(), vec![price("model-a")]].concat());
    let setup = Setup { guards, begins_with, ..Setup::default() };
    Fixture::with(Answer::json(200, openai::chat_of("Hi")), setup)
}

/// Requirement: N21, N23. What a call may cost is judged before anything is reserved or sent, and one whose price nobody knows is not let through.
#[test]
fn a_call_that_is_too_dear_does_not_leave() {
    let fixture = priced(vec![dear(money(1_000), GuardMode::Block)]);
    assert_eq!(post(&fixture, CHAT, &asking("model-a", 10)).status, 200);
    let refused = post(&fixture, CHAT, &asking("model-a", 2_000));
    assert_eq!((refused.status, refused.code().as_str()), (403, "guard_blocked"), "{}", refused.text());
    for part in ["dear (too_dear)", "max_tokens"] {
        assert!(refused.text().contains(part), "nobody knows what helps: {}", refused.text());
    }
    let unknown = post(&fixture, CHAT, &asking("gpt-a", 10));
    assert_eq!((unknown.status, unknown.code().as_str()), (503, "guard_errored"), "{}", unknown.text());
    let flex = post(&fixture, CHAT, &{
        let mut body = asking("model-a", 10);
        body["service_tier"] = "flex".into();
        body
    });
    assert_eq!(flex.code(), "guard_errored", "another tier has no price");
    let denied = fixture.denied();
    assert_eq!(told(&denied[0].guards), [("dear", GuardOutcome::Blocked, vec!["too_dear"])]);
    assert_eq!(told(&denied[1].guards), [("dear", GuardOutcome::Errored, vec!["price_unknown"])]);
    assert_eq!(told(&fixture.authorised()[0].guards), [("dear", GuardOutcome::Passed, vec![])]);
    assert_eq!(fixture.upstream.requests().len(), 1, "what was stopped was sent");

    let flagging = priced(vec![dear(money(1_000), GuardMode::Flag)]);
    for (body, outcome) in
        [(asking("model-a", 2_000), GuardOutcome::Flagged), (asking("gpt-a", 10), GuardOutcome::Errored)]
    {
        assert_eq!(post(&flagging, CHAT, &body).status, 200, "a guard that only flags stops nothing");
        assert_eq!(flagging.authorised().pop().expect("a record").guards[0].outcome, outcome);
    }
}

/// Requirement: N21.
#[test]
fn tokens_and_tools_have_limits() {
    let limits = GuardCostConfig { max_output_tokens: Some(100), ..GuardCostConfig::default() };
    let tools = GuardConfig {
        on: vec![GuardSide::Prompt],
        max_tools: Some(1),
        ..GuardConfig::new("few-tools", GuardKind::Size)
    };
    let fixture = priced(vec![dear(limits, GuardMode::Block), tools]);
    let offering = |names: &[&str]| {
        let mut body = asking("model-a", 10);
        let tool =
            |name: &&str| json!({ "type": "function", "function": { "name": name, "parameters": {} } });
        body["tools"] = names.iter().map(tool).collect();
        body
    };
    assert_eq!(post(&fixture, CHAT, &offering(&["pay"])).status, 200);
    for (body, label) in [
        (asking("model-a", 101), "dear (too_many_tokens)"),
        (offering(&["pay", "refund"]), "few-tools (too_many_tools)"),
    ] {
        let refused = post(&fixture, CHAT, &body);
        assert_eq!(refused.code(), "guard_blocked", "{label}: {}", refused.text());
        assert!(refused.text().contains(label), "{label}: {}", refused.text());
    }
    let bare = say("Hello");
    let unlimited = fixture.chat(&bare);
    assert!(unlimited.text().contains("too_many_tokens"), "an answer without a limit: {}", unlimited.text());
}

/// Requirement: N21. Of two guards that stop a call the one is named that comes first in the configured order, and records list them so.
#[test]
fn the_order_of_guards_is_configured() {
    let words = |name: &str, order| GuardConfig {
        on: vec![GuardSide::Prompt],
        words: vec!["heron".to_owned()],
        order,
        ..GuardConfig::new(name, GuardKind::Words)
    };
    for (orders, names) in [
        ([None, None], ["a-words", "b-words"]),
        ([None, Some(10)], ["b-words", "a-words"]),
        ([Some(200), None], ["b-words", "a-words"]),
        ([Some(7), Some(7)], ["a-words", "b-words"]),
    ] {
        let fixture = priced(vec![words("a-words", orders[0]), words("b-words", orders[1])]);
        let refused = fixture.chat(&say("about the heron"));
        assert!(refused.text().contains(names[0]), "{orders:?}: {}", refused.text());
        let denied = fixture.denied().remove(0);
        let listed: Vec<&str> = denied.guards.iter().map(|said| said.guard.as_str()).collect();
        assert_eq!(listed, names, "{orders:?}");
    }
}

/// Requirement: N21, G18. A guard that is for some routes is for no others: grounding references are required on the chosen ones.
#[test]
fn a_guard_is_for_the_routes_that_it_names() {
    let grounded = GuardConfig {
        on: vec![GuardSide::Prompt],
        references: Some(1),
        routes: vec!["openai.chat_completions".to_owned()],
        ..GuardConfig::new("grounded", GuardKind::References)
    };
    let fixture = priced(vec![grounded]);
    let refused = fixture.chat(&say("what does our policy say?"));
    assert_eq!(refused.code(), "guard_blocked", "{}", refused.text());
    post(&fixture, "/v1/embeddings", &json!({ "model": "model-a", "input": "Hello" }));
    let [permitted] = &fixture.authorised()[..] else { panic!("a guard of another route stopped it") };
    assert!(permitted.guards.is_empty(), "it is on record as having looked");
}
