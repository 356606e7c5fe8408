//! Budgets and costs in the console: set, raised and ended on pages by whoever may, with what is used and what of that is only reserved.

use serde_json::json;
use tabellion_ledger::{Clock as _, Draft};
use tabellion_model::body::{Body as _, CallAuthorised, Role};
use tabellion_model::charge::Reserved;

use super::browser::Browser;
use crate::api::house::House;

/// A call under way that reserved 1100 tokens and has no price.
fn under_way(house: &House, system: &str, key: &str) {
    let body: CallAuthorised = serde_json::from_value(json!({
        "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
        "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
        "rules": [], "retry": 0,
    }))
    .expect("a body");
    let mut draft = Draft::new(CallAuthorised::TYPE);
    draft.body = body.fields().expect("fields");
    (draft.actor, draft.system) = (Some(key.to_owned()), Some(system.to_owned()));
    draft.observed_at = Some(house.clock.now().0);
    draft.clear = Reserved { input: 1000, output: 100, price: None }.to_clear();
    house.ledger.append(&draft).expect("a record");
}

/// A system with a key, and somebody who may set budgets.
fn organisation(house: &House) -> (String, String, Browser<'_>) {
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    (system, key, Browser::of(house, "Gina", &[Role::GovernanceEngineer]))
}

/// What is typed for a budget of `system` with these amounts.
fn typed<'t>(system: &'t str, money: &'t str, tokens: &'t str) -> [(&'static str, &'t str); 9] {
    [
        ("name", "loans-month"),
        ("scope", "system"),
        ("subject", system),
        ("window", "month"),
        ("micros", money),
        ("currency", "EUR"),
        ("tokens", tokens),
        ("alert_percent", "50"),
        ("note", "a <b>first</b> guess"),
    ]
}

const PATH: &str = "/budgets/loans-month";

/// Requirement: N23.
#[test]
fn a_budget_is_set_on_a_page_and_what_is_no_amount_is_refused_at_its_field() {
    let house = House::new();
    let (system, _, gina) = organisation(&house);
    let before = house.ledger.reader().size();
    assert!(gina.page("/budgets").contains("No budget holds"), "an empty page says nothing");
    for (money, tokens, why) in
        [("2,50", "5000", "Write an amount"), ("2.50", "5 000", "Write a whole number")]
    {
        let refused = gina.send("/budgets/new", "set-budget", &typed(&system, money, tokens));
        assert!(refused.status == 400 && refused.text().contains(why), "{}", refused.text());
    }
    let both = gina.send("/budgets/new", "set-budget", &typed(&system, "2,50", "5 000")).text();
    assert!(
        both.contains("Write an amount") && both.contains("Write a whole number"),
        "one fault is told after the other: {both}"
    );
    let right = typed(&system, "2.50", "5000");
    let page = gina.follow(&gina.send("/budgets/new", "set-budget", &right));
    for part in [
        "Budget loans-month",
        "0.00 of 2.50 EUR used, 0.00 of that reserved",
        "0 of 5,000 used, 0 of that reserved",
        "a &#60;b&#62;first&#60;/b&#62; guess",
        "Loan support",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let again = gina.send("/budgets/new", "set-budget", &right);
    assert!(again.text().contains("was set before"), "a form that has not seen a budget replaces it");
    let then = gina.page(&format!("/budgets?as_of={before}"));
    assert!(then.contains("No budget holds") && !then.contains("loans-month"), "{then}");
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert!(!auditor.page(PATH).contains("form-set-budget"), "an auditor is offered what is refused");
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    assert_eq!(developer.get(PATH).status, 404, "a budget of others is shown");
}

/// Requirement: N23.
#[test]
fn a_budget_shows_what_is_only_reserved_and_is_raised_and_ended() {
    let house = House::new();
    let (system, key, gina) = organisation(&house);
    gina.follow(&gina.send("/budgets/new", "set-budget", &typed(&system, "2.50", "5000")));
    under_way(&house, &system, &key);
    let page = gina.page(PATH);
    assert!(page.contains("1,100 of 5,000 used, 1,100 of that reserved"), "what was reserved: {page}");
    let raised = [
        ("micros", "5"),
        ("currency", "EUR"),
        ("tokens", "2000"),
        ("alert_percent", "50"),
        ("note", "as agreed"),
    ];
    let page = gina.follow(&gina.send(PATH, "set-budget", &raised));
    for part in ["of 5.00 EUR used", "1,100 of 2,000 used", "2.50 EUR, 5,000 tokens", "Nearly used up"] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let own = gina.page(&format!("/systems/{system}"));
    assert!(own.contains(PATH), "the system's page hides it: {own}");
    let costs = gina.page("/costs");
    assert!(
        costs.contains("1 call, money unknown") && costs.contains("No call with a price in this window"),
        "a call without a price cost nothing: {costs}"
    );
    assert!(costs.contains("/costs?by=key"), "nobody finds what each key spent: {costs}");
    assert!(gina.page("/costs?by=key").contains("1 call, money unknown"), "sums by key lose a call");
    let csv = gina.get("/budgets?format=csv").ok().text();
    assert!(csv.starts_with("\"Budget\",\"State\"") && csv.contains("\"loans-month\""), "{csv}");
    let page = gina.follow(&gina.send(PATH, "end-budget", &[("reason", "the year is over")]));
    assert!(page.contains("the year is over") && !page.contains("form-end-budget"), "{page}");
    let list = gina.page("/budgets");
    assert!(list.contains("fold-ended") && list.contains("No budget holds"), "{list}");
}
