//! What the API says of a further attempt and of declared terms: what is on record, and nothing made up.

use serde_json::{Value, json};
use tabellion_model::body::{CallAuthorised, CallDenied, Role};

use super::house::House;

/// Requirement: N25, G19.
#[test]
fn a_call_shows_which_attempt_it_is_and_by_which_terms_it_was_decided() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let permitted = |terms: Value, attempt: Value| {
        let body = json!({
            "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
            "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
            "rules": [], "retry": 0, "terms": terms, "attempt": attempt,
        });
        let body: CallAuthorised = serde_json::from_value(body).expect("a body");
        house.append(&body, &system, &key, None).1
    };
    let denied = |upstream: Value, attempt: Value| {
        let body = json!({
            "code": "policy_denied", "reason": "no rule permits it", "status": 403, "surface": "openai.chat_completions", "model": "large",
            "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0, "upstream": upstream,
            "attempt": attempt,
        });
        let body: CallDenied = serde_json::from_value(body).expect("a body");
        house.append(&body, &system, &key, None).1
    };
    let first = permitted(Value::Null, Value::Null);
    let attempt = |number: u64| json!({ "of": first, "number": number, "because": "upstream_timeout" });
    let declared = json!({ "region": "eu", "retention_days": 0, "training": "no" });
    let silent = json!({ "region": null, "retention_days": null, "training": "unknown" });
    let recorded = [
        (first.clone(), silent.clone(), Value::Null),
        (permitted(declared.clone(), attempt(2)), declared, attempt(2)),
        (denied("local".into(), attempt(3)), silent, attempt(3)),
        (denied(Value::Null, Value::Null), Value::Null, Value::Null),
    ];
    house.desk.refresh().expect("the views follow");
    for (id, terms, said) in recorded {
        let call = house.get(&auditor, &format!("/api/v1/calls/{id}")).ok().json();
        assert_eq!(call["evidence"]["terms"], terms, "what was declared when it was decided: {call}");
        assert_eq!(call["attempt"], said, "which attempt it was: {call}");
    }
}
