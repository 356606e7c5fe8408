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

/// Requirement: N23.
#[test]
fn a_budget_is_set_raised_and_ended_on_its_page_and_shows_what_is_only_reserved() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let gina = Browser::of(&house, "Gina", &[Role::GovernanceEngineer]);
    let before = house.ledger.reader().size();
    assert!(gina.page("/budgets").contains("No budget holds"), "an empty page says nothing");
    let typed = [
        ("name", "loans-month"),
        ("scope", "system"),
        ("subject", system.as_str()),
        ("window", "month"),
        ("currency", "EUR"),
        ("tokens", "5000"),
        ("alert_percent", "50"),
        ("note", "a <b>first</b> guess"),
    ];
    for (amount, tokens, why) in
        [("2,50", "5000", "Write an amount"), ("2.50", "5 000", "Write a whole number")]
    {
        let mut wrong = typed.to_vec();
        wrong.retain(|(name, _)| *name != "tokens");
        wrong.extend([("micros", amount), ("tokens", tokens)]);
        let refused = gina.send("/budgets/new", "set-budget", &wrong);
        assert!(refused.status == 400 && refused.text().contains(why), "{}", refused.text());
    }
    let mut right = typed.to_vec();
    right.push(("micros", "2.50"));
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
    assert!(
        gina.send("/budgets/new", "set-budget", &right).text().contains("was set before"),
        "a budget is replaced by a form that has not seen it"
    );

    under_way(&house, &system, &key);
    let path = "/budgets/loans-month";
    let page = gina.page(path);
    assert!(
        page.contains("1,100 of 5,000 used, 1,100 of that reserved"),
        "what calls under way reserved: {page}"
    );
    let raised = [
        ("micros", "5"),
        ("currency", "EUR"),
        ("tokens", "2000"),
        ("alert_percent", "50"),
        ("note", "as agreed"),
    ];
    let page = gina.follow(&gina.send(path, "set-budget", &raised));
    for part in ["of 5.00 EUR used", "1,100 of 2,000 used", "2.50 EUR, 5,000 tokens", "Nearly used up"] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    assert!(
        gina.page(&format!("/systems/{system}")).contains("/budgets/loans-month"),
        "the system's page hides it"
    );
    let costs = gina.page("/costs");
    assert!(
        costs.contains("1 call, money unknown") && costs.contains("No call with a price in this window"),
        "a call without a price cost nothing: {costs}"
    );
    let csv = gina.get("/budgets?format=csv").ok().text();
    assert!(csv.starts_with("\"Budget\",\"State\"") && csv.contains("\"loans-month\""), "{csv}");

    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert!(!auditor.page(path).contains("form-set-budget"), "an auditor is offered what is refused");
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    assert_eq!(developer.get(path).status, 404, "a budget of others is shown");
    let then = gina.page(&format!("/budgets?as_of={before}"));
    assert!(then.contains("No budget holds") && !then.contains("loans-month"), "{then}");

    let page = gina.follow(&gina.send(path, "end-budget", &[("reason", "the year is over")]));
    assert!(page.contains("the year is over") && !page.contains("form-end-budget"), "{page}");
    let list = gina.page("/budgets");
    assert!(list.contains("fold-ended") && list.contains("No budget holds"), "{list}");
}
