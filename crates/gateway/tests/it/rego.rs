//! Policies in Rego beside the rules: they see the facts of a call, only tighten, and stop what they have no answer for.

use serde_json::json;
use tabellion_gateway::{
    Gateway, GatewayConfig, GuardConfig, GuardKind, GuardMode, GuardRegoConfig, GuardSide,
};
use tabellion_model::body::{DataTerms, GuardOutcome, Guarded, RouteClass};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, openai};

use crate::fallback;
use crate::fixture::{Fixture, Setup, say};
use crate::opaque::{opened, upload};

pub(crate) fn rego(name: &str, rules: &str) -> GuardConfig {
    let policy = format!("package house\n\n{rules}\n");
    GuardConfig {
        on: vec![GuardSide::Prompt],
        rego: Some(GuardRegoConfig { policy, query: "data.house.deny".to_owned(), content: false }),
        ..GuardConfig::new(name, GuardKind::Rego)
    }
}

fn reading(name: &str, rules: &str) -> GuardConfig {
    let mut guard = rego(name, rules);
    guard.rego = guard.rego.map(|rego| GuardRegoConfig { content: true, ..rego });
    guard
}

fn with(guards: Vec<GuardConfig>) -> Fixture {
    Fixture::with(Answer::json(200, openai::chat_of("fine")), Setup { guards, ..Setup::default() })
}

fn told(guards: &[Guarded]) -> Vec<(&str, GuardOutcome, Vec<&str>)> {
    guards
        .iter()
        .map(|said| (said.guard.as_str(), said.outcome, said.found.iter().map(String::as_str).collect()))
        .collect()
}

/// Requirement: P32. What a policy is against does not leave; the record says which policy, in which version, and why, and no message of it is repeated.
#[test]
fn a_policy_in_rego_stops_a_call_and_says_why() {
    let rules = r#"deny contains {"id": "mail-to-outside", "message": sprintf("%s may not", [input.system.name])} if {
  input.masked.email > 0
  not input.provider.region
}"#;
    let flagged = GuardConfig {
        mode: GuardMode::Flag,
        ..rego("tried", "deny contains \"long\" if input.received_bytes > 10")
    };
    let fixture = with(vec![rego("residency", rules), flagged]);
    let answer = fixture.call("POST", "/v1/chat/completions", &[], &say("write to ada@example.org"));
    assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"), "{}", answer.text());
    assert!(
        answer.text().contains("mail-to-outside") && !answer.text().contains("may not"),
        "{}",
        answer.text()
    );
    assert!(fixture.upstream.requests().is_empty(), "what a policy is against was sent");
    let denied = fixture.denied().remove(0);
    assert_eq!(
        told(&denied.guards),
        [
            ("residency", GuardOutcome::Blocked, vec!["mail-to-outside"]),
            ("tried", GuardOutcome::Flagged, vec!["long"])
        ]
    );
    assert!(denied.guards[0].version.starts_with("rego.2-"), "{}", denied.guards[0].version);
    assert_eq!(fixture.call("POST", "/v1/chat/completions", &[], &say("hello")).status, 200);
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.guards[0].outcome, GuardOutcome::Passed);
}

/// Requirement: P32, N25. In an attempt at a fallback a policy sees what the application asked for, and beside it what is asked instead.
#[test]
fn a_policy_knows_what_was_asked_for_in_a_fallback() {
    let second = Upstream::start(Answer::json(200, openai::chat_of("fine")));
    let rules = r#"deny contains "moved" if { input.model.asked_as == "model-a"; input.model.attempted_as == "model-b"; input.model.name == "model-b" }
deny contains "asked" if input.model.asked_as != "model-a"
deny contains "before" if { input.provider.name == "scripted"; input.model.attempted_as != input.model.asked_as }"#;
    let plain = fallback::setup(&second, DataTerms::default());
    let fixture = Fixture::with(
        Answer::json(500, openai::ERROR_500),
        Setup { guards: vec![rego("house", rules)], ..plain },
    );
    assert_eq!(
        fixture.chat(&say("hello")).status,
        500,
        "the first failure is the answer where no other model may be asked"
    );
    assert_eq!(told(&fixture.authorised()[0].guards), [("house", GuardOutcome::Passed, vec![])]);
    let denied = fixture.denied().remove(0);
    assert_eq!(told(&denied.guards), [("house", GuardOutcome::Blocked, vec!["moved"])]);
    assert!(second.requests().is_empty(), "what a policy is against was sent to another provider");
}

/// Requirement: P32. No result, a failing rule and an endless one stop the call as an error, also where findings would only be flagged.
#[test]
fn a_policy_without_an_answer_stops_the_call() {
    for (rules, label) in [
        ("deny := [\"a\"] if input.purpose == \"other\"", "undefined"),
        ("deny contains \"a\" if to_number(input.purpose) > 1", "failed"),
        ("default deny := false", "form"),
    ] {
        let guard = GuardConfig { mode: GuardMode::Flag, ..rego("house", rules) };
        let fixture = with(vec![guard]);
        let answer = fixture.call("POST", "/v1/chat/completions", &[], &say("hello"));
        assert_eq!((answer.status, answer.code().as_str()), (503, "guard_errored"), "{rules}");
        assert!(fixture.upstream.requests().is_empty(), "{rules}: it was sent unseen");
        assert_eq!(told(&fixture.denied()[0].guards), [("house", GuardOutcome::Errored, vec![label])]);
    }
}

/// Requirement: P32. Texts are shown where they are asked for alone, as they came.
#[test]
fn content_is_shown_where_it_is_asked_for() {
    let rules = r#"deny contains "heron" if { some text in input.content; contains(lower(text), "heron") }"#;
    let fixture = with(vec![reading("words", rules)]);
    let ask = |text| fixture.call("POST", "/v1/chat/completions", &[], &say(text)).code();
    assert_eq!(ask("what of Project HERON?"), "guard_blocked");
    assert_eq!(fixture.call("POST", "/v1/chat/completions", &[], &say("what of pots?")).status, 200);
}

/// Requirement: P32. Declared routes and lines of batches are asked about as calls are; a policy that reads has not run where nobody reads.
#[test]
fn declared_routes_and_lines_of_batches_are_asked_about() {
    let models = rego(
        "models",
        r#"deny contains "model" if { input.action == "chat"; input.model.name == "model-a" }"#,
    );
    let reads = reading("reads", r#"deny contains "any" if { some text in input.content; text != "" }"#);
    let files = || Answer::json(200, r#"{"id":"file-42","object":"file"}"#);
    let setup = |guards| Setup { guards, ..Setup::default() };
    let line = json!({
        "custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions",
        "body": { "model": "model-a", "messages": [{ "role": "user", "content": "hello" }] },
    });
    let fixture = opened(files(), &[RouteClass::Files], setup(vec![models]));
    let answer = fixture.send_form("/v1/files", &upload("batch", &line.to_string()));
    assert_eq!(answer.status, 403, "a line goes past the policy: {}", answer.text());
    assert!(fixture.upstream.requests().is_empty());
    let fixture = opened(files(), &[RouteClass::Files], setup(vec![reads]));
    let answer = fixture.send_form("/v1/files", &upload("user_data", "hello"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(fixture.authorised()[0].guards[0].outcome, GuardOutcome::NotRun);
    let closed = rego("closed", r#"deny contains "no-files" if startswith(input.surface, "openai.files")"#);
    let open = rego("open", r#"deny contains "opaque" if input.action == "opaque""#);
    let fixture = opened(files(), &[RouteClass::Files], setup(vec![closed, open]));
    let answer = fixture.send_form("/v1/files", &upload("user_data", "hello"));
    assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"), "{}", answer.text());
    assert!(fixture.upstream.requests().is_empty(), "a declared route goes past the policy");
}

/// Requirement: P32. A policy that could not work refuses the start, with line and column.
#[test]
fn a_policy_that_could_not_work_refuses_the_start() {
    let answers =
        GuardConfig { on: vec![GuardSide::Answer], ..rego("house", "deny contains \"a\" if false") };
    let none = GuardConfig { on: vec![GuardSide::Prompt], ..GuardConfig::new("house", GuardKind::Rego) };
    for (guard, why) in [
        (rego("house", "deny contains \"a\" if {"), "line"),
        (rego("house", "deny contains \"a\" if input.modle"), "line 3, column 22"),
        (rego("house", "dney contains \"a\" if true"), "data.house.deny"),
        (answers, "before a call is sent"),
        (none, "kind rego takes a policy"),
    ] {
        let config = GatewayConfig { guards: vec![guard], ..GatewayConfig::default() };
        let said = Gateway::check(&config).expect_err("it is taken").to_string();
        assert!(said.contains("[guard.house]") && said.contains(why), "{said}");
    }
}
