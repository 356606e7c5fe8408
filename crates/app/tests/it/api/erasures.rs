//! Erasures that take two people, over the API.

use serde_json::json;
use tabellion_app::work::erasures::{ErasureDecision, NewErasure};
use tabellion_app::work::{Actor, Given};
use tabellion_ledger::Draft;
use tabellion_model::body::Role;
use tabellion_model::{ErasureRequestId, Micros};

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
        json!("customer-7"),
        "whoever is to confirm cannot tell whom it is about: {waiting}"
    );
    assert_eq!(waiting["erasures"][0]["keys"], json!(1), "nor how much goes: {waiting}");
    house.get(&ida, "/api/v1/erasures").refused(403, "not_permitted");
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
    let refused = house.post(&ada, "/api/v1/erasures", &wanted).refused(409, "on_hold").text();
    assert!(refused.contains(&hold.to_hex()), "which hold forbids it? {refused}");
    house.ledger.release_hold(&hold, "case closed").expect("a release");

    // A hold that comes between the request and its confirmation is met there.
    let asked = house.post(&ada, "/api/v1/erasures", &wanted).ok().json();
    let path = format!("/api/v1/erasures/{}/decision", asked["id"].as_str().expect("an id"));
    let (hold, placed) = house
        .ledger
        .place_hold(&tabellion_ledger::ErasureTarget::Subject("customer-8".to_owned()), "case 13/2026")
        .expect("a hold");
    let refused = house.post(&abe, &path, &yes).refused(409, "on_hold").json();
    let told = format!("{} {}", refused["detail"], refused["remedy"]);
    for part in [
        &hold.to_hex(),
        "the operator placed it",
        &format!("entry {}", placed.index),
        "tabellion hold release",
    ] {
        assert!(told.contains(part), "whoever confirms is not told {part:?}: {told}");
    }
    assert!(house.shows(&ida, index), "held content was erased");
    assert_ne!(ada_id, abe_id, "two people");
}

/// Requirement: P48
#[test]
fn a_request_that_is_sent_again_is_asked_once() {
    let house = House::new();
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    house.about("customer-7");
    let wanted = json!({"subject": "customer-7", "reason": "asked to be forgotten"});
    let ask = |token: &str, body: &serde_json::Value| {
        house.ask("POST", "/api/v1/erasures").bearer(token).header("idempotency-key", "e1").json(body).send()
    };
    let first = ask(&cleo, &wanted).ok().json();
    let size = house.ledger.reader().size();
    let again = ask(&cleo, &wanted).ok().json();
    assert_eq!(again, first, "a retry asked for a second erasure");
    assert_eq!(house.ledger.reader().size(), size, "a retry left a second record");
    let waiting = house.get(&cleo, "/api/v1/erasures").ok().json();
    assert_eq!(waiting["erasures"].as_array().map(Vec::len), Some(1), "{waiting}");
    let other = json!({"subject": "customer-7", "reason": "another reason"});
    ask(&cleo, &other).refused(409, "idempotency_conflict");
    assert_ne!(ask(&ada, &wanted).ok().json()["id"], first["id"], "two people share an idempotency key");
    // Whatever became of it, a retry names the same request.
    let path = format!("/api/v1/erasures/{}/decision", first["id"].as_str().expect("an id"));
    house.post(&cleo, &path, &json!({"confirmed": false, "reason": "a mistake"})).ok();
    assert_eq!(
        ask(&cleo, &wanted).ok().json()["id"],
        first["id"],
        "a retry asked again for what was taken back"
    );
}

/// Requirement: P47
#[test]
fn a_system_is_deleted_by_two_people_and_its_content_goes_when_the_grace_is_over() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&ada, "Loan support");
    let event =
        json!({"kind": "event", "system": system, "event": {"name": "n", "fields": {"text": "Lovelace"}}});
    let made = house.post(&ada, "/api/v1/records", &event).ok().json();
    let index = made["result"]["recorded"]["index"]
        .as_u64()
        .or(made["recorded"]["index"].as_u64())
        .expect("an index");
    let no_system = json!({"record": index, "grace_hours": 1, "reason": "r"});
    house.post(&ada, "/api/v1/erasures", &no_system).refused(400, "malformed");
    let wanted = json!({"system": system, "grace_hours": 2, "reason": "retired"});
    let asked = house.post(&ada, "/api/v1/erasures", &wanted).ok().json();
    assert_eq!(asked["grace_hours"], 2, "whoever confirms does not see what: {asked}");
    house.post(&ada, "/api/v1/records", &event).ok();
    let path = format!("/api/v1/erasures/{}/decision", asked["id"].as_str().expect("an id"));
    let yes = json!({"confirmed": true, "reason": "it is switched off"});
    house.post(&ada, &path, &yes).refused(403, "own_work");
    let done = house.post(&abe, &path, &yes).ok().json();
    assert_eq!((&done["erased"], &done["keys"]), (&json!(false), &json!(0)), "no grace: {done}");
    let due = Micros::parse_date(done["due"].as_str().expect("when it goes")).expect("a time");
    house.post(&ada, "/api/v1/records", &event).refused(410, "system_gone");
    let text = || house.get(&ada, &format!("/api/v1/entries/{index}")).ok().text();
    assert!(
        house.ledger.purge_due().expect("a look").purged.is_empty() && text().contains("Lovelace"),
        "no grace"
    );
    house.clock.set(due);
    assert_eq!(house.ledger.purge_due().expect("a purge").purged.len(), 1, "what is due stays");
    assert!(!house.ledger.reader().entry(index).is_ok_and(|view| format!("{view:?}").contains("Lovelace")));
}

/// Invariant 6. Whoever runs the program hands out the first links, and could use one.
#[test]
fn the_operator_and_a_session_by_a_link_of_theirs_alone_are_not_two() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (abe_id, abe) = house.person("Abe", &[Role::Approver]);
    let (cleo_id, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let index = house.about("customer-7");
    let wanted = json!({"subject": "customer-7", "reason": "asked to be forgotten"});
    let yes = json!({"confirmed": true, "reason": "r"});
    let new: NewErasure = serde_json::from_value(wanted.clone()).expect("a request");
    let (asked, _) =
        house.desk.request_erasure(&Actor::Operator, &Given::default(), &new).expect("the operator may ask");
    assert_eq!(asked.by, None, "the operator is no person of the log");
    let path = format!("/api/v1/erasures/{}/decision", asked.id);
    let refused = house.post(&abe, &path, &yes).refused(403, "own_link").json();
    assert!(refused["remedy"].as_str().is_some_and(|text| text.contains("administrator")), "{refused}");
    assert!(house.shows(&cleo, index), "the operator alone erased, as two");
    // In a session that an administrator let in there is somebody between the two.
    let as_abe = house.let_in(&ada, &abe_id);
    house.post(&as_abe, &path, &yes).ok();
    assert!(!house.shows(&cleo, index), "two people could not erase");
    // The link that the operator made is on record, with who made it.
    let links: Vec<_> = (0..house.ledger.reader().size())
        .filter_map(|index| house.ledger.reader().entry(index).ok()?.entry.header().cloned())
        .filter(|header| header.record_type.as_str() == "link.issued")
        .collect();
    assert!(
        links.iter().any(|link| link.parents.is_empty() && house.ledger.is_operator(&link.actor)),
        "nobody could find out that the operator let somebody in"
    );

    // The other way round: what was asked for in a session by the operator's link, the operator does not confirm.
    let confirm = |id: &str| {
        let id = ErasureRequestId::from_hex(id).expect("an id");
        let decision: ErasureDecision = serde_json::from_value(yes.clone()).expect("a decision");
        house.desk.decide_erasure(&Actor::Operator, id, &decision)
    };
    let index = house.about("customer-7");
    let asked = house.post(&cleo, "/api/v1/erasures", &wanted).ok().json();
    let refused =
        confirm(asked["id"].as_str().expect("an id")).expect_err("the operator alone erased, as two");
    assert_eq!(refused.code.as_str(), "own_link", "{refused}");
    assert!(house.shows(&cleo, index), "the operator alone erased, as two");
    let as_cleo = house.let_in(&ada, &cleo_id);
    let asked = house.post(&as_cleo, "/api/v1/erasures", &wanted).ok().json();
    confirm(asked["id"].as_str().expect("an id"))
        .expect("the operator and a person whom an administrator let in");
    assert!(!house.shows(&cleo, index), "two people could not erase");
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
