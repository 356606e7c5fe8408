//! Calls that are tried: what would come of them, and that they are none.

use std::sync::Arc;

use tabellion_gateway::{NotTried, TriedCall, TryCall};
use tabellion_model::CredentialId;
use tabellion_model::body::{BudgetScope, Caps};
use tabellion_model::charge::Window;
use tabellion_testkit::upstream::{Answer, openai};

use crate::budgets::{budget, organisation};
use crate::fixture::{Fixture, KEY, Setup, say};

const EMAIL: &str = "ada.lovelace@example.org";

fn call(text: &str) -> TryCall {
    TryCall {
        key: CredentialId::from_bytes(KEY),
        surface: "openai.chat_completions".to_owned(),
        purpose: None,
        body: String::from_utf8(say(text)).expect("text"),
        drafts: Vec::new(),
    }
}

fn tried(fixture: &Fixture, call: &TryCall) -> TriedCall {
    let gateway = fixture.gateway.as_ref().expect("not stopped");
    gateway.playground().try_call(call).unwrap_or_else(|why| panic!("{why}"))
}

/// Requirement: P36.
#[test]
fn a_tried_call_says_what_a_call_would_and_leaves_nothing() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let text = format!("I am {EMAIL}");
    let before = (fixture.ledger.reader().size(), fixture.gate.load());
    let trial = tried(&fixture, &call(&text));
    let sent = trial.sent.clone().unwrap_or_else(|| panic!("it would be sent: {:?}", trial.refused));
    assert_eq!((trial.refused.clone(), trial.rules.as_slice()), (None, &["base.all".to_owned()][..]));
    assert!(
        !sent.body.contains(EMAIL) && !sent.masked.is_empty(),
        "what is shown is not what the provider would get"
    );
    assert_eq!((sent.model.as_str(), sent.upstream.as_str()), ("model-a", "scripted"));
    // A draft in place of what is in force, which goes on.
    let draft = r#"@id("never") forbid (principal, action, resource);"#;
    let drafted = TryCall { drafts: vec![("base".to_owned(), draft.to_owned())], ..call(&text) };
    let trial = tried(&fixture, &drafted);
    assert_eq!(trial.refused.as_ref().map(|(code, _)| *code), Some("policy_denied"), "{:?}", trial.refused);
    assert_eq!((trial.rules.as_slice(), trial.sent.is_none()), (&["base.never".to_owned()][..], true));
    let unknown = TryCall { purpose: Some("somewhere-else".to_owned()), ..call(&text) };
    assert_eq!(tried(&fixture, &unknown).refused.map(|(code, _)| code), Some("purpose_not_permitted"));
    assert_eq!(fixture.ledger.reader().size(), before.0, "a tried call is on record");
    assert!(Arc::ptr_eq(&fixture.gate.load(), &before.1), "a draft came into force");
    assert!(fixture.upstream.requests().is_empty(), "a tried call was sent");
    // The same call, made: the provider gets what the trial showed, but for the placeholder, by which nobody may find out whose value it is.
    assert_eq!(fixture.chat(&say(&text)).status, 200);
    let made = fixture.upstream.requests().remove(0).text();
    let around = |body: &str| {
        let (before, rest) = body.split_once("<EMAIL_").expect("a placeholder");
        let (name, after) = rest.split_once('>').expect("its end");
        (before.to_owned(), name.to_owned(), after.to_owned())
    };
    let (tried, called) = (around(&sent.body), around(&made));
    assert_eq!((&tried.0, &tried.2), (&called.0, &called.2), "the trial went another way than a call");
    assert_ne!(tried.1, called.1, "whoever tries calls can tell whose placeholder is whose");
}

/// Requirement: P36.
#[test]
fn a_tried_call_looks_at_budgets_and_takes_nothing() {
    let caps = Caps { calls: Some(1), ..Caps::default() };
    let mut drafts = organisation();
    drafts.push(budget("all", BudgetScope::Tenant, Window::Day, caps));
    let fixture = Fixture::with(
        Answer::json(200, openai::CHAT),
        Setup { begins_with: Some(drafts), ..Setup::default() },
    );
    for _ in 0..3 {
        let trial = tried(&fixture, &call("Hello"));
        assert_eq!(
            (trial.refused, trial.budgets),
            (None, Some(vec!["all@1".to_owned()])),
            "a trial took of a budget"
        );
    }
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "trials took what was left");
    let trial = tried(&fixture, &call("Hello"));
    assert_eq!(trial.refused.map(|(code, _)| code), Some("budget_exceeded"));
    assert!(trial.sent.is_some(), "what a budget stops passed all before it");
}

/// Requirement: P36.
#[test]
fn trials_are_few_and_of_keys_that_may_call() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let gateway = fixture.gateway.as_ref().expect("not stopped");
    let playground = gateway.playground();
    let no_key = TryCall { key: CredentialId::from_bytes([0; 16]), ..call("Hello") };
    assert!(matches!(playground.try_call(&no_key), Err(NotTried::NoKey)));
    let no_route = TryCall { surface: "openai.images".to_owned(), ..call("Hello") };
    assert!(matches!(playground.try_call(&no_route), Err(NotTried::NoSurface)));
    let refused =
        (0..40).filter(|_| matches!(playground.try_call(&call("Hello")), Err(NotTried::TooFast))).count();
    assert_eq!(refused, 12, "thirty a minute, two of which were none");
}
