//! How much of Presidio's work one caller may have done: by the rates of budgets, and not on the threads that serve calls.

use serde_json::{Value, json};
use tabellion_model::body::{BudgetScope, Caps};
use tabellion_model::charge::Window;
use tabellion_model::probe::asks_no_model;
use tabellion_testkit::upstream::Answer as Provider;

use crate::budgets::{budget, organisation};
use crate::client::Answer;
use crate::fixture::{Fixture, Setup};

fn analyze(fixture: &Fixture, text: &str) -> Answer {
    let body = json!({ "text": text, "language": "en" });
    fixture.call("POST", "/presidio/analyze", &[], body.to_string().as_bytes())
}

fn under(caps: Caps) -> Fixture {
    let mut begins_with = organisation();
    begins_with.push(budget("pace", BudgetScope::Tenant, Window::Total, caps));
    Fixture::with(Provider::silence(), Setup { begins_with: Some(begins_with), ..Setup::default() })
}

/// Requirement: N21, N23. Rates of a budget hold for texts that are looked at, each refusal is on record and says when to ask again; what only tells of itself is in nobody's way.
#[test]
fn rates_of_budgets_hold_for_texts() {
    let fixture = under(Caps { calls_per_minute: Some(2), ..Caps::default() });
    for _ in 0..2 {
        assert_eq!(analyze(&fixture, "ada@example.org").status, 200);
    }
    let answer = analyze(&fixture, "ada@example.org");
    assert_eq!(answer.status, 429, "a key has as much looked at as it likes: {}", answer.text());
    assert!(answer.header("retry-after").is_some(), "nobody is told when to ask again");
    assert_eq!(
        fixture.denied().iter().map(|denied| denied.code.as_str()).collect::<Vec<_>>(),
        ["rate_limited"]
    );
    assert_eq!(fixture.call("GET", "/presidio/health", &[], b"").status, 200);
}

/// Requirement: N21, N23. A cap is of what providers are asked, and a text that is looked at here takes nothing of one.
#[test]
fn texts_take_nothing_of_a_cap() {
    let fixture = under(Caps { calls: Some(1), ..Caps::default() });
    for _ in 0..3 {
        assert_eq!(analyze(&fixture, "ada@example.org").status, 200, "a cap on calls counts texts");
    }
    let charged = fixture.of_type("call.authorised").iter().any(|seen| !asks_no_model(&seen.header));
    assert!(!charged, "a text is charged for");
}

/// Requirement: N21. A text that is looked at on another thread is answered and recorded as every other.
#[test]
fn a_long_text_is_answered_as_a_short_one() {
    let fixture = Fixture::new(Provider::silence());
    let before = "x ".repeat(100_000);
    let answer = analyze(&fixture, &format!("{before}ada@example.org"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found: Value = answer.json();
    assert_eq!((&found[0]["entity_type"], &found[0]["start"]), (&json!("EMAIL_ADDRESS"), &json!(200_000)));
    let authorised = fixture.authorised().remove(0);
    let emails = authorised.passed.iter().find(|passed| passed.class == "email").map(|passed| passed.count);
    assert_eq!(emails, Some(1), "{:?}", authorised.passed);
    assert!(authorised.received_bytes > 200_000);
}
