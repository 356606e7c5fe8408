//! Budgets and prices over the API: set and corrected by whoever may, on record, and what was spent of them.

use serde_json::{Value, json};
use tabellion_ledger::{Clock as _, Draft};
use tabellion_model::body::{Body as _, CallAuthorised, Role};
use tabellion_model::charge::Reserved;

use super::house::House;

fn budget(scope: &str, subject: Option<&str>) -> Value {
    json!({"scope": scope, "subject": subject, "window": "day", "micros": 2000, "currency": "EUR", "tokens": 5000,
        "alert_percent": 50, "note": "a first guess"})
}

fn price(input: u64) -> Value {
    json!({"upstream": "local", "model": "small", "currency": "EUR", "input": input, "output": 1_000_000, "from": "2020-01-01",
        "source": "the provider's list of today"})
}

/// Records a call that is under way, with what it reserved.
fn call(house: &House, system: &str, key: &str, price: Option<&str>) {
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
    let price = price.and_then(tabellion_model::RecordId::from_hex);
    draft.clear = Reserved { input: 1000, output: 100, price }.to_clear();
    house.ledger.append(&draft).expect("a record");
}

/// Requirement: N23, N24. A budget and a price are set by record, and read with what was used; a corrected price is a later version, and the spend follows it while the
/// first figure stays to be seen.
#[test]
fn a_budget_is_read_with_what_is_used_and_a_price_is_corrected() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let none = house.ask("PUT", "/api/v1/prices/small").bearer(&admin).json(&price(2_000_000)).send().ok();
    let version = none.header("etag").expect("an ETag").to_owned();
    let record = none.json()["recorded"]["record_id"].as_str().expect("an id").to_owned();
    house
        .ask("PUT", "/api/v1/budgets/loans")
        .bearer(&admin)
        .json(&budget("system", Some(&system)))
        .send()
        .ok();
    call(&house, &system, &key, Some(&record));
    call(&house, &system, &key, None);
    let path = "/api/v1/budgets/loans";
    let read = |path: &str| {
        house.get(&admin, "/api/v1/systems").ok();
        house.get(&admin, path).ok().json()
    };
    let stands = read(path);
    assert_eq!(stands["used"], json!({"micros": 2100, "tokens": 2200, "calls": 2}), "{stands}");
    assert_eq!(stands["state"], "used", "more than the cap is reserved: {stands}");
    house.put(&admin, "/api/v1/prices/small", &version, &price(500_000)).ok();
    let stands = read(path);
    assert_eq!((&stands["used"]["micros"], &stands["state"]), (&json!(600), &json!("within")), "{stands}");
    let spend = read("/api/v1/spend?by=key")["sums"].clone();
    assert_eq!(spend[1]["of"], json!(key), "{spend}");
    assert_eq!(
        (&spend[1]["reserved_micros"], &spend[1]["first_micros"]),
        (&json!(600), &json!(2100)),
        "{spend}"
    );
    assert_eq!(
        (&spend[0]["currency"], &spend[0]["reserved_micros"]),
        (&Value::Null, &Value::Null),
        "unpriced is not 0: {spend}"
    );
    let csv = house.get(&admin, "/api/v1/spend.csv?by=model").ok();
    assert!(
        csv.text().contains("\"local/small\",\"EUR\",\"1\",\"1\",\"1000\",\"100\",\"0\",\"600\",\"2100\""),
        "{}",
        csv.text()
    );
    let history = read("/api/v1/prices/small/history")["versions"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(2), "the price of before would be gone: {history}");
}

/// Requirement: N23. A budget names somebody who is there and one limit at least; what it counts does not change under its name; who may not, sets none.
#[test]
fn a_budget_is_set_by_whoever_may_and_makes_sense() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let set =
        |token: &str, body: &Value| house.ask("PUT", "/api/v1/budgets/b").bearer(token).json(body).send();
    set(&developer, &budget("tenant", None)).refused(403, "not_permitted");
    set(&admin, &budget("system", Some(&"0".repeat(32)))).refused(422, "unknown_reference");
    set(&admin, &json!({"scope": "tenant", "window": "day", "note": "n"})).refused(400, "malformed");
    set(&admin, &json!({"scope": "tenant", "window": "day", "micros": 5, "note": "n"}))
        .refused(400, "malformed");
    let made = set(&admin, &budget("tenant", None)).ok();
    set(&admin, &budget("tenant", None)).refused(428, "version_required");
    let version = made.header("etag").expect("an ETag").to_owned();
    let mut other = budget("tenant", None);
    other["window"] = "month".into();
    house.put(&admin, "/api/v1/budgets/b", &version, &other).refused(409, "state_impossible");
    let listed = house.get(&developer, "/api/v1/budgets").ok().json();
    assert_eq!(listed["budgets"], json!([]), "what everybody spends is not a developer's to see");
    house.post(&admin, "/api/v1/budgets/b/end", &json!({"reason": "over"})).ok();
    assert_eq!(house.get(&admin, "/api/v1/budgets/b").ok().json()["state"], "ended");
    let history = house.get(&admin, "/api/v1/budgets/b/history").ok().json();
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(2), "{history}");
}

/// Requirement: N24. Costs are added up by the cost centre that a system has: every call in one sum, those of systems without one apart, and all of them as much as
/// the systems together.
#[test]
fn costs_by_cost_centre_are_those_of_the_systems_together() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let put = house.ask("PUT", "/api/v1/prices/small").bearer(&admin).json(&price(2_000_000)).send().ok();
    let record = put.json()["recorded"]["record_id"].as_str().expect("an id").to_owned();
    for (name, centre) in [
        ("Loans", Some("retail-4711")),
        ("Cards", Some("retail-4711")),
        ("Treasury", None),
        ("Audit", Some("staff")),
    ] {
        let system = house.live_system(&admin, name);
        let path = format!("/api/v1/systems/{system}");
        let version = house.get(&admin, &path).ok().json()["version"].as_u64().expect("a version");
        let said = json!({"name": name, "owner": ada, "purposes": ["support"], "cost_centre": centre});
        let said = house.put(&admin, &path, &format!("\"{version}\""), &said).ok().json();
        assert_eq!(said["result"]["cost_centre"], json!(centre), "{said}");
        let (key, _) = house.key(&admin, &system);
        call(&house, &system, &key, Some(&record));
        // What is switched of a system leaves where its costs are booked.
        let capture = json!({"capture": "masked", "reason": "complaints"});
        house.post(&admin, &format!("{path}/capture"), &capture).ok();
    }
    house.get(&admin, "/api/v1/systems").ok();
    let spend = house.get(&admin, "/api/v1/spend?by=cost_centre").ok().json()["sums"].clone();
    let sums: Vec<Value> = spend
        .as_array()
        .expect("sums")
        .iter()
        .map(|sum| json!([sum["of"], sum["calls"], sum["reserved_micros"]]))
        .collect();
    assert_eq!(
        sums,
        [json!([null, 1, 2100]), json!(["retail-4711", 2, 4200]), json!(["staff", 1, 2100])],
        "a cost centre pays for another, or somebody's calls are in no sum: {spend}"
    );
    let of_systems = house.get(&admin, "/api/v1/spend?by=system").ok().json()["sums"].clone();
    let all = |sums: &Value| -> u64 {
        sums.as_array().expect("sums").iter().filter_map(|sum| sum["reserved_micros"].as_u64()).sum()
    };
    assert_eq!(all(&spend), all(&of_systems), "the sums are not those of the invoice");
    let csv = house.get(&admin, "/api/v1/spend.csv?by=cost_centre").ok().text();
    assert!(csv.contains("\"retail-4711\",\"EUR\",\"2\""), "{csv}");
    house
        .post(
            &admin,
            "/api/v1/systems",
            &json!({"name": "X", "purposes": ["support"], "cost_centre": "No Word!"}),
        )
        .refused(400, "malformed");
}
