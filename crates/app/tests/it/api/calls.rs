//! Calls and entries, read by people and by the runtime.

use serde_json::json;
use tabellion_model::body::Role;

use super::house::House;

/// Requirement: Q12
#[test]
fn the_runtime_and_an_auditor_read_the_same_record_through_the_same_routes() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let (answered, denied) = house.calls(&system, &key);
    // A person says why they read what was kept; the runtime reads its own.
    let viewings = format!("/api/v1/calls/{answered}/viewings");
    house.post(&auditor, &viewings, &json!({"reason": "the yearly audit"})).ok();
    let looked = house.get(&auditor, &viewings).ok().json();
    assert_eq!(looked["viewings"][0]["reason"], "the yearly audit", "who looked is not listed: {looked}");
    house.post(&secret, &viewings, &json!({"reason": "none"})).refused(403, "not_permitted");
    let nothing = format!("/api/v1/calls/{denied}/viewings");
    house.post(&auditor, &nothing, &json!({"reason": "none"})).refused(409, "already_so");
    house.post(&admin, &viewings, &json!({"reason": "curious"})).refused(403, "not_permitted");
    for id in [&answered, &denied] {
        let path = format!("/api/v1/calls/{id}");
        let (runtime, audit) =
            (house.get(&secret, &path).ok().json(), house.get(&auditor, &path).ok().json());
        assert_eq!(runtime, audit, "the runtime's decision and the audit's are not the same");
        let entry = format!("/api/v1/entries/{}", runtime["proof"]["decided"]["index"]);
        assert_eq!(
            house.get(&secret, &entry).ok().json(),
            house.get(&auditor, &entry).ok().json(),
            "nor are their records"
        );
        let (a, b) = (
            house.get(&secret, &format!("{entry}/receipt")).ok(),
            house.get(&auditor, &format!("{entry}/receipt")).ok(),
        );
        assert_eq!(a.body, b.body, "nor are their receipts");
        house.get(&secret, &format!("{entry}/proof")).ok();
    }
    let call = house.get(&auditor, &format!("/api/v1/calls/{answered}")).ok().json();
    assert_eq!(
        (call["state"].as_str(), call["evidence"]["prompt"].as_str()),
        (Some("answered"), Some("what the provider saw"))
    );
    assert!(call["proof"]["ended"]["index"].is_u64(), "the end of the call could not be proved: {call}");
    let call = house.get(&auditor, &format!("/api/v1/calls/{denied}")).ok().json();
    assert_eq!((call["state"].as_str(), call["code"].as_str()), (Some("denied"), Some("policy_denied")));
    let call = house.get(&admin, &format!("/api/v1/calls/{answered}")).ok().json();
    assert_eq!(
        (call["evidence"]["prompt"].as_str(), call["evidence"]["withheld"].as_str()),
        (None, Some("not_permitted")),
        "whoever runs the installation would read prompts"
    );
}

/// Requirement: Q12
#[test]
fn a_key_of_another_system_finds_nothing() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let other = house.live_system(&admin, "Other");
    let (key, _) = house.key(&admin, &system);
    let (_, stranger) = house.key(&admin, &other);
    let (answered, _) = house.calls(&system, &key);
    let call = house.get(&admin, &format!("/api/v1/calls/{answered}")).ok().json();
    let index = call["proof"]["decided"]["index"].as_u64().expect("an index");
    for path in [
        format!("/api/v1/calls/{answered}"),
        format!("/api/v1/systems/{system}"),
        format!("/api/v1/entries/{index}"),
        format!("/api/v1/entries/{index}/receipt"),
        format!("/api/v1/entries/{index}/proof"),
        "/api/v1/entries/0".to_owned(),
    ] {
        house.get(&stranger, &path).refused(404, "not_found");
    }
    let calls = house.get(&stranger, &format!("/api/v1/calls?system={system}")).ok().json();
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(0), "a key would list another system's calls");
    let entries = house.get(&stranger, "/api/v1/entries").ok().json();
    let foreign = entries["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["system"] != other.as_str())
        .count();
    assert_eq!(foreign, 0, "a key would list another system's records");
    let systems = house.get(&stranger, "/api/v1/systems").ok().json();
    assert_eq!(systems["systems"].as_array().map(Vec::len), Some(1), "a key would list the inventory");
}

#[test]
fn calls_are_filtered_and_turned_page_by_page() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    for _ in 0..4 {
        house.calls(&system, &key);
    }
    let count = |path: &str| house.get(&admin, path).ok().json()["calls"].as_array().expect("calls").len();
    assert_eq!(count("/api/v1/calls"), 8);
    assert_eq!(count("/api/v1/calls?state=denied"), 4, "a filter lets others through");
    assert_eq!(count("/api/v1/calls?code=policy_denied&model=large"), 4);
    assert_eq!(count("/api/v1/calls?model=none"), 0);
    assert_eq!(count(&format!("/api/v1/calls?key={key}&from=2026-03-02&to=2026-03-03")), 8);
    assert_eq!(count("/api/v1/calls?to=2026-03-02"), 0);
    let mut seen = Vec::new();
    let mut path = "/api/v1/calls?limit=3".to_owned();
    loop {
        let page = house.get(&admin, &path).ok().json();
        seen.extend(page["calls"].as_array().expect("calls").iter().map(|call| call["id"].to_string()));
        match page["next"].as_u64() {
            Some(next) => path = format!("/api/v1/calls?limit=3&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 8, "turning pages loses or repeats calls");
    seen.dedup();
    assert_eq!(seen.len(), 8, "turning pages repeats calls");
}
