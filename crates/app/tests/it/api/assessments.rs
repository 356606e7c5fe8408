//! What guards said of calls when they were over, over the API: with its call, counted for it, and never a pass before it is said.

use serde_json::{Value, json};
use tabellion_model::body::{CallAssessed, CallAuthorised, Role};

use super::house::House;

/// A call that a guard looks at when it is over.
pub(crate) fn awaiting(house: &House, system: &str, key: &str) -> (u64, String) {
    let look = json!({ "guard": "later", "version": "http.1-abcd:7", "side": "prompt" });
    let authorised: CallAuthorised = serde_json::from_value(json!({
        "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false, "received_bytes": 3,
        "masked": [], "policies": [], "rules": [], "guards_after": [look], "retry": 0,
    }))
    .expect("a body");
    house.append(&authorised, system, key, None)
}

/// What was said of it.
pub(crate) fn assessment() -> CallAssessed {
    let flagged =
        json!({ "guard": "later", "version": "http.1-abcd:7", "outcome": "flagged", "found": ["off-topic"] });
    let unseen = json!({ "guard": "slow", "version": "grpc.1-abcd:2", "outcome": "errored", "found": ["late", "unreachable"] });
    serde_json::from_value(json!({ "prompt": [flagged], "answer": [unseen], "after_ms": 1200 }))
        .expect("a body")
}

/// Requirement: P13.
#[test]
fn what_guards_said_afterwards_is_read_with_its_call_and_counted() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let (plain, _) = house.calls(&system, &key);
    let read = |id: &str| house.get(&admin, &format!("/api/v1/calls/{id}")).ok().json();
    let none = read(&plain);
    assert_eq!((&none["assessments"], &none["proof"]["assessed"]), (&Value::Null, &Value::Null), "{none}");
    let call = awaiting(&house, &system, &key);
    house.desk.refresh().expect("views follow");
    let before = read(&call.1);
    let nothing = json!({ "state": "awaited", "guards": [], "after_ms": null });
    assert_eq!((&before["assessments"], &before["proof"]["assessed"]), (&nothing, &Value::Null), "{before}");
    let looks = |outcome: &str| {
        let sums = house.get(&admin, "/api/v1/guards/outcomes").ok().json();
        let guards = sums["guards"].as_array().expect("a list").clone();
        let later = guards.iter().find(|looks| looks["guard"] == "later");
        later.unwrap_or_else(|| panic!("{sums}"))["outcomes"][outcome].clone()
    };
    assert_eq!((looks("not_run"), looks("passed")), (json!(1), json!(0)), "nobody looked at it yet");
    let (entry, _) = house.append(&assessment(), &system, &key, Some(&call));
    house.desk.refresh().expect("views follow");
    let after = read(&call.1);
    assert_eq!(after["proof"]["assessed"]["index"], json!(entry), "{after}");
    assert_eq!(
        after["assessments"],
        json!({ "state": "recorded", "after_ms": 1200, "guards": [
            { "guard": "later", "version": "http.1-abcd:7", "side": "prompt", "outcome": "flagged", "found": ["off-topic"], "edits": null },
            { "guard": "slow", "version": "grpc.1-abcd:2", "side": "answer", "outcome": "errored", "found": ["late", "unreachable"], "edits": null },
        ] })
    );
    assert_eq!(after["evidence"]["guards"], json!([]), "it seems to have looked in the path of the call");
    assert_eq!((looks("flagged"), looks("not_run")), (json!(1), json!(0)), "a late verdict does not count");
}
