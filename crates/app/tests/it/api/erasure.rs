//! What is erased while a server runs is gone from its next answer.

use serde_json::Value;
use tabellion_ledger::ErasureTarget;
use tabellion_model::body::Role;

use super::house::House;

fn found(list: &Value, id: &str) -> Value {
    let rows = list.as_array().expect("a list");
    rows.iter().find(|row| row["id"] == id).expect("what was erased leaves a row behind").clone()
}

#[test]
fn a_person_who_is_erased_is_nobody_in_the_next_answer_and_is_signed_out() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (bo, token) = house.person("Bo Quagmire", &[Role::Auditor]);
    let link = house.link(&bo);
    assert!(house.get(&admin, "/api/v1/people").ok().text().contains("Quagmire"), "the test erases nothing");
    house.ledger.erase(&ErasureTarget::Subject(bo.clone()), "they asked").expect("an erasure");
    let people = house.get(&admin, "/api/v1/people").ok();
    assert!(!people.text().contains("Quagmire"), "an erased name is still shown: {}", people.text());
    let row = found(&people.json()["people"], &bo);
    assert_eq!((&row["name"], &row["email"]), (&Value::Null, &Value::Null), "{row}");
    let one = house.get(&admin, &format!("/api/v1/people/{bo}")).ok().json();
    assert_eq!(one, row, "the list and the person differ");
    house.get(&token, "/api/v1/session").refused(401, "not_signed_in");
    let body = serde_json::json!({"link": link, "for": "program"});
    house.ask("POST", "/api/v1/session").json(&body).send().refused(403, "link_unusable");
}

#[test]
fn a_call_that_is_erased_says_what_its_headers_say_and_no_more() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let (answered, denied) = house.calls(&system, &key);
    let before = house.get(&auditor, &format!("/api/v1/calls/{answered}")).ok().json();
    let (decided, ended) = (&before["proof"]["decided"]["index"], &before["proof"]["ended"]["index"]);
    let refused = house.get(&auditor, &format!("/api/v1/calls/{denied}")).ok().json();
    for index in [decided, ended, &refused["proof"]["decided"]["index"]] {
        let target = ErasureTarget::Record(index.as_u64().expect("an index"));
        house.ledger.erase(&target, "it was a mistake").expect("an erasure");
    }
    let list = house.get(&auditor, "/api/v1/calls").ok();
    for gone in
        ["what the provider saw", "small", "large", "base.rule1", "no rule permits it", &"a".repeat(64)]
    {
        assert!(!list.text().contains(gone), "{gone:?} was erased and is still shown: {}", list.text());
    }
    let call = found(&list.json()["calls"], &answered);
    assert_eq!(
        (&call["state"], &call["evidence"]["withheld"]),
        (&"erased".into(), &"erased".into()),
        "{call}"
    );
    assert_eq!(call["decision"]["permitted"], true, "that it was permitted is in the log for ever: {call}");
    assert_eq!(call["proof"], before["proof"], "an erasure takes no proof away");
    assert_eq!(
        call,
        house.get(&auditor, &format!("/api/v1/calls/{answered}")).ok().json(),
        "list and call differ"
    );
    let call = found(&list.json()["calls"], &denied);
    assert_eq!((&call["state"], &call["decision"]["permitted"]), (&"denied".into(), &false.into()), "{call}");
    let count = |path: &str| house.get(&auditor, path).ok().json()["calls"].as_array().expect("calls").len();
    assert_eq!(count("/api/v1/calls?state=erased"), 1, "nobody could look for what was erased");
    assert_eq!(
        count("/api/v1/calls?state=answered") + count("/api/v1/calls?model=small"),
        0,
        "a filter would tell"
    );
}
