//! What stays as it is under the name of a price or a budget, so that nothing that was used is forgotten.

use serde_json::{Value, json};
use tabellion_ledger::{ErasureTarget, UnitContent};
use tabellion_model::body::Role;

use super::house::House;

fn price(currency: &str, model: &str) -> Value {
    json!({"upstream": "local", "model": model, "currency": currency, "input": 1, "output": 1, "from": "2020-01-01", "source": "a list"})
}

fn budget(caps: &Value) -> Value {
    let mut budget = json!({"scope": "tenant", "window": "day", "note": "n"});
    let all = budget.as_object_mut().expect("an object");
    all.extend(caps.as_object().expect("an object").clone());
    budget
}

/// Requirement: N24. A correction is of the same model in the same money, also after the price was withdrawn: its calls stay its own.
#[test]
fn a_correction_keeps_model_and_currency() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let path = "/api/v1/prices/small";
    house.ask("PUT", path).bearer(&ada).json(&price("USD", "small")).send().ok();
    house.put(&ada, path, "\"1\"", &price("GBP", "small")).refused(409, "state_impossible");
    house.put(&ada, path, "\"1\"", &price("USD", "large")).refused(409, "state_impossible");
    house.post(&ada, &format!("{path}/withdraw"), &json!({"reason": "over"})).ok();
    house.put(&ada, path, "\"2\"", &price("GBP", "small")).refused(409, "state_impossible");
    house.put(&ada, path, "\"2\"", &price("USD", "large")).refused(409, "state_impossible");
    house.put(&ada, path, "\"2\"", &price("USD", "small")).ok();
    house.ask("PUT", "/api/v1/prices/small-gbp").bearer(&ada).json(&price("GBP", "small")).send().ok();
}

/// Requirement: N23. A budget stays in its currency, in one step and in two; ended, the name may be in another.
#[test]
fn a_budget_keeps_its_currency() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let path = "/api/v1/budgets/b";
    let put = |version: &str, caps: Value| house.put(&ada, path, version, &budget(&caps));
    house.ask("PUT", path).bearer(&ada).json(&budget(&json!({"tokens": 5}))).send().ok();
    put("\"1\"", json!({"tokens": 5, "micros": 9, "currency": "USD"})).ok();
    put("\"2\"", json!({"micros": 9, "currency": "GBP"})).refused(409, "state_impossible");
    put("\"2\"", json!({"tokens": 5})).refused(409, "state_impossible");
    put("\"2\"", json!({"micros": 90, "currency": "USD"})).ok();
    house.post(&ada, &format!("{path}/end"), &json!({"reason": "over"})).ok();
    put("\"4\"", json!({"micros": 9, "currency": "GBP"})).ok();
}

/// Requirement: N23, P48. What was erased cannot be compared: under its name nothing is set before it is ended, and until then all calls are denied.
#[test]
fn an_erased_budget_is_ended_before_it_is_set_again() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let path = "/api/v1/budgets/q7";
    let of = |person: &str, window: &str| json!({"scope": "person", "subject": person, "window": window, "tokens": 10, "note": "n"});
    house.ask("PUT", path).bearer(&ada).json(&of("corp|4711", "day")).send().ok();
    let changed = house.get(&ada, path).ok().json()["changed"]["index"].as_u64().expect("an index");
    house.ledger.erase(&ErasureTarget::Record(changed), "they asked").expect("it has a key of its own");
    house.get(&ada, "/api/v1/systems").ok();
    for other in [of("corp|4712", "total"), of("corp|4711", "day")] {
        house.put(&ada, path, "\"1\"", &other).refused(409, "state_impossible");
    }
    assert_eq!(house.desk.views().gate_now().budgets[0].held, None, "a cap was lifted by an erasure");
    house.post(&ada, &format!("{path}/end"), &json!({"reason": "erased"})).ok();
    house.put(&ada, path, "\"2\"", &of("corp|4712", "total")).ok();
}

/// Requirement: G04, N23, P48. All that a person's budget says is about them: packages of business content have none of it, and erasing them takes it.
#[test]
fn a_persons_budget_is_about_them() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let path = "/api/v1/budgets/q7";
    let of = |scope: &str| json!({"scope": scope, "subject": "corp|4711", "window": "day", "tokens": 10, "note": "n"});
    house.ask("PUT", path).bearer(&ada).json(&of("person")).send().ok();
    house.ask("PUT", "/api/v1/budgets/q8").bearer(&ada).json(&of("agent")).send().ok();
    let index = house.get(&ada, path).ok().json()["changed"]["index"].as_u64().expect("an index");
    let units = house.ledger.reader().entry(index).expect("an entry").units;
    assert_eq!(units.len(), 1, "a part of it would stand where nobody looks for people");
    assert_eq!(house.get(&ada, path).ok().json()["says"]["subject"], "corp|4711");
    house
        .ledger
        .erase(&ErasureTarget::Subject("corp|4711".to_owned()), "they asked")
        .expect("it is found by their name");
    let units = house.ledger.reader().entry(index).expect("an entry").units;
    assert!(
        units.iter().all(|unit| !matches!(unit.content, UnitContent::Shown(_))),
        "they asked for it to go"
    );
    house.get(&ada, "/api/v1/systems").ok();
    assert_eq!(house.get(&ada, path).ok().json()["state"], "unreadable");
    assert_eq!(
        house.get(&ada, "/api/v1/budgets/q8").ok().json()["state"],
        "within",
        "a program is no person"
    );
}
