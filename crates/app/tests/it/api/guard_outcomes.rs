//! What guards came to, over the API: within reach, in a window, as a table.

use serde_json::json;
use tabellion_model::body::{CallDenied, Role};

use super::house::House;

/// Requirement: V19.
#[test]
fn outcomes_of_guards_are_counted_within_reach() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    let theirs = house.live_system(&owner, "Triage");
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let blocked = |outcome: &str| {
        let body: CallDenied = serde_json::from_value(json!({
            "code": "guard_blocked", "reason": "no", "status": 403, "surface": "openai.chat_completions", "model": "small", "received_bytes": 3,
            "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
            "guards": [{"guard": "house-words", "version": "words.1-abcd", "outcome": outcome, "found": []}],
        }))
        .expect("a body");
        house.append(&body, &system, &key, None);
    };
    for outcome in ["blocked", "not_run", "errored"] {
        blocked(outcome);
    }
    // A call on which no guard says anything, and one that a rule denied.
    house.calls(&system, &key);
    let path = "/api/v1/guards/outcomes";
    let said = house.get(&admin, path).ok().json();
    let all = &said["all"];
    assert_eq!((&all["calls"], &all["without"], &all["erased"]), (&json!(5), &json!(2), &json!(0)), "{said}");
    let counts = &all["outcomes"];
    assert_eq!(
        (&counts["blocked"], &counts["errored"], &counts["not_run"], &counts["passed"]),
        (&json!(1), &json!(1), &json!(1), &json!(0)),
        "what nobody looked at passed: {said}"
    );
    assert_eq!(counts["blocked_per_10000"], 3333, "{said}");
    assert_eq!(
        (&said["guards"][0]["guard"], &said["guards"][0]["side"], &said["guards"][0]["looks"]),
        (&json!("house-words"), &json!("prompt"), &json!(3)),
        "{said}"
    );
    assert_eq!(
        house.get(&secret, path).ok().json()["all"]["calls"],
        5,
        "a key counts its own system's calls"
    );
    for (token, query) in [
        (&owner, String::new()),
        (&owner, format!("?system={system}")),
        (&admin, format!("?system={theirs}")),
    ] {
        let seen = house.get(token, &format!("{path}{query}")).ok().json();
        assert_eq!(
            seen["all"]["calls"], 0,
            "what lies out of reach, or is of another system, was counted: {seen}"
        );
    }
    let table = house.get(&admin, "/api/v1/guards/outcomes.csv").ok().text();
    let row = ["house-words", "words.1-abcd", "prompt", &system, "3", "0", "0", "1", "1", "1"];
    let row = row.map(|cell| format!("\"{cell}\"")).join(",");
    assert!(table.contains(&row), "{table}");
    house.get(&admin, &format!("{path}?from=2020-01-01&to=2026-03-03")).refused(400, "malformed");
    let past = house.get(&admin, &format!("{path}?from=2026-01-01&to=2026-02-01")).ok().json();
    assert_eq!(
        (&past["all"]["calls"], &past["all"]["outcomes"]["blocked_per_10000"]),
        (&json!(0), &json!(null)),
        "{past}"
    );
}
