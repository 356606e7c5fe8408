//! Budgets of persons, teams and agents over the API: who may set and see one, how they are named, and what is told of them.

use serde_json::{Value, json};
use tabellion_ledger::{Clock as _, Draft, ErasureTarget};
use tabellion_model::body::{Body as _, BudgetScope, CallAuthorised, Role};
use tabellion_model::charge::{Charged, Reserved};

use super::house::House;

const PATH: &str = "/api/v1/budgets/q7";

fn of(scope: &str, subject: &str) -> Value {
    json!({"scope": scope, "subject": subject, "window": "day", "tokens": 1000, "alert_at": [50], "note": "as agreed"})
}

/// Records a call under way that version `version` of the budget `q7` held for, with the tokens that it reserved.
fn call(house: &House, (system, key): (&str, &str), tokens: u64, version: u64) {
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
    let reserved = Reserved { input: tokens, output: 0, price: None };
    draft.clear = Charged::to_clear(reserved, &[Charged { budget: "q7".to_owned(), version }]);
    house.ledger.append(&draft).expect("a record");
}

/// Requirement: N23, G04. A caller is taken as calls name them, and the gateway is given them so; whoever sees their own systems alone sees none of it.
#[test]
fn a_budget_of_a_caller_is_set_as_calls_name_them() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let set = |token: &str, name: &str, body: &Value| {
        house.ask("PUT", &format!("/api/v1/budgets/{name}")).bearer(token).json(body).send()
    };
    for scope in ["person", "team", "agent"] {
        set(&developer, "q7", &of(scope, "corp|4711")).refused(403, "not_permitted");
        for subject in ["4711", "|4711", "corp|", "Corp|4711", "corp x|4711"] {
            set(&ada, "q7", &of(scope, subject)).refused(400, "malformed");
        }
        let none = json!({"scope": scope, "window": "day", "tokens": 1, "note": "n"});
        set(&ada, "q7", &none).refused(400, "malformed");
    }
    set(&ada, "month-of-4711", &of("person", "corp|4711")).refused(400, "malformed");
    assert!(house.desk.views().gate_now().budgets.is_empty(), "somebody was capped whom nobody named");
    let scopes = [
        ("person", "corp|4711", BudgetScope::Person("corp|4711".to_owned())),
        ("team", "corp|night shift", BudgetScope::Team("corp|night shift".to_owned())),
        ("agent", "mtls|uri:spiffe://corp.example/loans", {
            BudgetScope::Agent("mtls|uri:spiffe://corp.example/loans".to_owned())
        }),
    ];
    for (number, (scope, subject, _)) in scopes.iter().enumerate() {
        let name = format!("b{number}");
        set(&ada, &name, &of(scope, subject)).ok();
        let says = house.get(&ada, &format!("/api/v1/budgets/{name}")).ok().json()["says"].clone();
        assert_eq!((&says["scope"], &says["subject"]), (&json!(scope), &json!(subject)), "{says}");
        house.get(&developer, &format!("/api/v1/budgets/{name}")).refused(404, "not_found");
        let other = of(scope, "corp|somebody-else");
        house.put(&ada, &format!("/api/v1/budgets/{name}"), "\"1\"", &other).refused(409, "state_impossible");
    }
    let gate = house.desk.views().gate_now();
    let held: Vec<_> = gate.budgets.iter().map(|budget| budget.held.clone().map(|held| held.scope)).collect();
    assert_eq!(held, scopes.map(|(_, _, scope)| Some(scope)));
    let listed = house.get(&developer, "/api/v1/budgets").ok().json();
    assert_eq!(listed["budgets"], json!([]), "what somebody may spend is everybody's to read");
    house.get(&developer, "/api/v1/spend?by=budget").refused(403, "not_permitted");
}

/// Requirement: N23, P55. What was used is read, told of once, and begins anew with a name that was ended and set for somebody else, who is told of for themselves.
#[test]
fn what_a_person_used_is_read_and_told_of_and_is_nobody_elses() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&ada, "Loan support");
    let (key, _) = house.key(&ada, &system);
    let of_key = (system.as_str(), key.as_str());
    let read = || {
        house.get(&ada, "/api/v1/systems").ok();
        house.get(&ada, PATH).ok().json()
    };
    let crossed = || house.desk.cross_budgets().expect("a look");
    let stand = |shown: &Value| {
        let alerts = shown["alerts"].as_array().expect("alerts").iter();
        alerts.filter(|alert| alert["stands"] == true).count()
    };
    house.ask("PUT", PATH).bearer(&ada).json(&of("person", "corp|4711")).send().ok();
    call(&house, of_key, 600, 1);
    assert_eq!((crossed(), crossed()), (1, 0), "one share, and once");
    let shown = read();
    assert_eq!(shown["used"], json!({"micros": 0, "tokens": 600, "calls": 1}), "{shown}");
    assert_eq!(shown["reserved"]["tokens"], 600, "{shown}");
    assert_eq!(stand(&shown), 1, "{shown}");
    let spend = house.get(&ada, "/api/v1/spend?by=budget").ok().json()["sums"].clone();
    assert_eq!((&spend[0]["of"], &spend[0]["input_tokens"]), (&json!("q7"), &json!(600)), "{spend}");
    house.post(&ada, &format!("{PATH}/end"), &json!({"reason": "left"})).ok();
    house.put(&ada, PATH, "\"2\"", &of("person", "corp|4712")).ok();
    let shown = read();
    assert_eq!(shown["used"]["tokens"], 0, "somebody pays what another used: {shown}");
    assert_eq!((crossed(), stand(&shown)), (0, 0), "{shown}");
    call(&house, of_key, 700, 3);
    assert_eq!((crossed(), crossed()), (1, 0), "what was told of another was taken for theirs");
    assert_eq!(stand(&read()), 1);
}

/// Requirement: N23, G04, P48. Whom a budget is for can be erased without the other records of the month. It says nothing then, and every call is denied until it is ended.
#[test]
fn whom_a_budget_is_for_can_be_erased_alone() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    house.ask("PUT", PATH).bearer(&ada).json(&of("person", "corp|4711")).send().ok();
    let changed = house.get(&ada, PATH).ok().json()["changed"]["index"].as_u64().expect("an index");
    house.ledger.erase(&ErasureTarget::Record(changed), "they asked").expect("it has a key of its own");
    house.get(&ada, "/api/v1/systems").ok();
    let shown = house.get(&ada, PATH).ok().json();
    assert_eq!((&shown["state"], &shown["says"]), (&json!("unreadable"), &Value::Null), "{shown}");
    let history = house.get(&ada, &format!("{PATH}/history")).ok().text();
    assert!(!history.contains("corp|"), "{history}");
    assert_eq!(house.desk.views().gate_now().budgets[0].held, None, "an erasure lifted the cap");
    house.post(&ada, &format!("{PATH}/end"), &json!({"reason": "left"})).ok();
    assert!(house.desk.views().gate_now().budgets.is_empty());
}
