//! Openings in the console: asked for on a page with what nothing looks into beside it, opened by somebody else, closed by one, and led to from the system.

use serde_json::json;
use tabellion_model::body::{CallAuthorised, Role};

use super::browser::Browser;
use crate::api::house::House;

/// What somebody types who asks for files at one provider.
fn typed(system: &str) -> [(&str, &str); 5] {
    [
        ("system", system),
        ("class", "files"),
        ("provider", "openai"),
        ("until", "2026-06-01"),
        ("reason", "evaluation <files>"),
    ]
}

/// Where the form that was taken led to.
fn led_to(answer: &crate::api::client::Answer) -> String {
    let place = answer.header("location").expect("a place to go on to");
    place.split('?').next().unwrap_or_default().to_owned()
}

/// Requirement: N22.
#[test]
fn an_opening_is_asked_for_on_a_page_opened_by_somebody_else_and_closed_by_one() {
    let house = House::new();
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let before = house.ledger.reader().size();
    let empty = ada.page("/openings");
    assert!(empty.contains("Nothing is open") && empty.contains("no guard looks at"), "{empty}");
    assert!(empty.contains("compliance officer or approver"), "nobody knows who confirms: {empty}");
    assert!(
        !abe.page("/openings").contains("form-request-opening"),
        "a form is shown that can only be refused"
    );
    let mut late = typed(&system);
    late[3].1 = "2020-01-01";
    let refused = ada.send("/openings", "request-opening", &late);
    assert!(refused.status == 400 && refused.text().contains("ends in the future"), "{}", refused.text());
    assert_eq!(house.ledger.reader().size(), before, "what was refused is on record");

    let asked = ada.send("/openings", "request-opening", &typed(&system));
    let path = led_to(&asked);
    let page = ada.follow(&asked);
    for part in [
        "Waits for a second person",
        "Nothing is open by it",
        "Files at the provider",
        "nothing masks it and no guard looks at it",
        "Loan support",
        "evaluation &#60;files&#62;",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let why = [("reason", "seen by the officer")];
    let own = ada.send(&path, "confirm-opening", &why);
    assert!(own.status == 403 && own.text().contains("second person"), "{}", own.text());
    assert_eq!(house.desk.views().gate_now().openings.len(), 0, "who asked opened it");
    let waiting = ada.page(&format!("/openings?state=waiting&system={system}"));
    assert!(waiting.contains(&path), "what waits is not found: {waiting}");
    assert!(!ada.page("/openings?state=open").contains(&path), "what waits is said to be open");

    let page = abe.follow(&abe.send(&path, "confirm-opening", &why));
    assert!(page.contains("Open until 2026-06-01") && page.contains("seen by the officer"), "{page}");
    assert!(!page.contains("form-confirm-opening"), "what is open can be confirmed again");
    assert!(
        !page.contains("form-withdraw-opening"),
        "an approver is offered what their role refuses: {page}"
    );
    assert_eq!(house.desk.views().gate_now().openings.len(), 1, "the gateway does not go by it");
}

/// Requirement: N22.
#[test]
fn a_system_and_an_opening_lead_to_one_another_and_to_the_calls_until_it_is_over() {
    let house = House::new();
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let before = house.ledger.reader().size();
    let path = led_to(&ada.send("/openings", "request-opening", &typed(&system)));
    abe.follow(&abe.send(&path, "confirm-opening", &[("reason", "seen by the officer")]));
    let opened = house.ledger.reader().size();
    let its = ada.page(&format!("/systems/{system}"));
    assert!(its.contains("open until 2026-06-01") && its.contains(&path), "{its}");
    assert!(
        its.contains(&format!("/openings?ask={system}")),
        "a system's page does not lead to the form: {its}"
    );
    let asking = ada.page(&format!("/openings?ask={system}"));
    assert!(asking.contains(&format!("value=\"{system}\" selected")), "the form is not filled in: {asking}");
    let body: CallAuthorised = serde_json::from_value(json!({
        "surface": "opaque.files.create", "model": "none", "upstream": "openai", "purpose": "support", "stream": false, "received_bytes": 3,
        "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [], "rules": [], "retry": 0,
    }))
    .expect("a body");
    let call = house.append(&body, &system, &key, None).1;
    let (other, _) = house.calls(&system, &key);
    house.desk.refresh().expect("the views follow");
    let page = ada.page(&path);
    assert!(page.contains(&format!("/calls/{call}")) && !page.contains(&other), "{page}");
    let list = format!("/calls?system={system}&route=opaque.files&upstream=openai");
    let list = ada.page(&list);
    assert!(list.contains(&call) && !list.contains(&other), "the list has others: {list}");

    let page = ada.follow(&ada.send(&path, "withdraw-opening", &[("reason", "the pilot is over")]));
    assert!(page.contains("Withdrawn") && page.contains("the pilot is over"), "{page}");
    assert_eq!(house.desk.views().gate_now().openings.len(), 0, "it is still open");
    assert!(ada.page("/openings?state=over").contains(&path), "what is over is forgotten");
    let its = ada.page(&format!("/systems/{system}"));
    assert!(!its.contains(&path), "what is over is said to be open: {its}");
    // As of earlier moments it stood otherwise.
    let then = ada.page(&format!("{path}?as_of={opened}"));
    assert!(then.contains("Open until 2026-06-01") && !then.contains("the pilot is over"), "{then}");
    assert!(
        ada.page(&format!("/openings?as_of={before}")).contains("Nothing is open"),
        "it was there before"
    );
}

/// Requirement: N22.
#[test]
fn who_answers_for_no_system_of_others_asks_for_none() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let theirs = house.live_system(&admin, "Foreign system");
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    let page = developer.page(&format!("/systems/{theirs}"));
    assert!(!page.contains("Ask for an opening"), "offered what is refused: {page}");
    let refused = developer.send("/openings", "request-opening", &typed(&theirs));
    assert!(
        refused.status == 403 && refused.text().contains("systems that you answer for"),
        "{}",
        refused.text()
    );
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let page = auditor.page("/openings");
    assert!(page.contains("Nothing is open") && !page.contains("form-request-opening"), "{page}");
}
