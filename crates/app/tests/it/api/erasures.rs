//! Erasures that take two people, over the API.

use serde_json::json;
use tabellion_ledger::Draft;
use tabellion_model::body::Role;

use super::house::House;

impl House {
    /// Records something about a subject; its entry.
    fn about(&self, subject: &str) -> u64 {
        let draft =
            Draft::new("loan.requested").with("amount_cents", 1).about(subject, "name", "Ada Lovelace");
        self.ledger.append(&draft).expect("an append").index
    }

    fn shows(&self, token: &str, index: u64) -> bool {
        self.get(token, &format!("/api/v1/entries/{index}")).ok().text().contains("Ada Lovelace")
    }
}

/// Requirement: P48
#[test]
fn one_person_asks_and_another_confirms() {
    let house = House::new();
    let (cleo_id, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    let index = house.about("customer-7");
    let wanted = json!({"subject": "customer-7", "reason": "asked to be forgotten"});
    house.post(&ida, "/api/v1/erasures", &wanted).refused(403, "not_permitted");
    house.post(&abe, "/api/v1/erasures", &wanted).refused(403, "not_permitted");
    let both = json!({"subject": "customer-7", "record": 3, "reason": "r"});
    house.post(&cleo, "/api/v1/erasures", &both).refused(400, "malformed");
    let nobody = json!({"subject": "nobody-at-all", "reason": "r"});
    house.post(&cleo, "/api/v1/erasures", &nobody).refused(404, "not_found");

    let asked = house.post(&cleo, "/api/v1/erasures", &wanted).ok().json();
    assert_eq!((&asked["by"], &asked["scope"]), (&json!(cleo_id), &json!("subject")), "{asked}");
    assert!(house.shows(&ida, index), "a request alone erased content");
    let path = format!("/api/v1/erasures/{}/decision", asked["id"].as_str().expect("an id"));
    let yes = json!({"confirmed": true, "reason": "the request is genuine"});
    house.post(&cleo, &path, &yes).refused(403, "own_work");
    let waiting = house.get(&abe, "/api/v1/erasures").ok().json();
    assert_eq!(waiting["erasures"][0]["id"], asked["id"], "who is to confirm does not see it: {waiting}");
    assert_eq!(
        waiting["erasures"][0]["subject"],
        json!(null),
        "an approver sees personal data by this: {waiting}"
    );
    let done = house.post(&abe, &path, &yes).ok().json();
    assert_eq!(done["erased"], true, "{done}");
    assert!(!house.shows(&ida, index), "confirmed content is still shown");
    house.post(&abe, &path, &yes).refused(404, "not_found");
    assert_eq!(
        house.get(&abe, "/api/v1/erasures").ok().json()["erasures"],
        json!([]),
        "it waits although it is done"
    );
}

/// Invariant 6.
#[test]
fn nobody_confirms_in_a_session_that_the_other_let_in_and_who_asked_may_take_it_back() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (abe_id, abe) = house.person("Abe", &[Role::Approver]);
    let index = house.about("customer-8");
    let wanted = json!({"subject": "customer-8", "reason": "r"});
    let asked = house.post(&ada, "/api/v1/erasures", &wanted).ok().json();
    let path = format!("/api/v1/erasures/{}/decision", asked["id"].as_str().expect("an id"));
    let yes = json!({"confirmed": true, "reason": "r"});
    let as_abe = house.let_in(&ada, &abe_id);
    house.post(&as_abe, &path, &yes).refused(403, "own_link");
    let no = json!({"confirmed": false, "reason": "a mistake"});
    let back = house.post(&ada, &path, &no).ok().json();
    assert_eq!(back["erased"], false, "{back}");
    house.post(&abe, &path, &yes).refused(404, "not_found");
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    assert!(house.shows(&ida, index), "what was taken back is gone");

    let (hold, _) = house
        .ledger
        .place_hold(&tabellion_ledger::ErasureTarget::Subject("customer-8".to_owned()), "case 12/2026")
        .expect("a hold");
    let refused = house.post(&ada, "/api/v1/erasures", &wanted).refused(409, "conflict").text();
    assert!(refused.contains(&hold.to_hex()), "which hold forbids it? {refused}");
    assert_ne!(ada_id, abe_id, "two people");
}

/// Requirement: B04
#[test]
fn a_record_becomes_an_sd_jwt_with_the_fields_that_its_reader_may_see_and_asked_for() {
    let house = House::new();
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let index = house.about("customer-9");
    let ask = |token: &str, query: &str| house.get(token, &format!("/api/v1/entries/{index}/sd-jwt{query}"));
    let parts = |text: String| text.matches('~').count() - 1;
    assert_eq!(parts(ask(&ida, "").ok().text()), 2, "an auditor sees both fields");
    assert_eq!(
        parts(ask(&ida, "?fields=amount_cents").ok().text()),
        1,
        "more than was asked for is disclosed"
    );
    assert_eq!(parts(ask(&ida, "?fields=").ok().text()), 0, "nothing was asked for");
    assert_eq!(parts(ask(&gus, "").ok().text()), 1, "a name reached whoever may not see it");
    ask(&gus, "?fields=name").refused(404, "not_found");
}
