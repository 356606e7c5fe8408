//! Emergency stops of a person or an agent over the API: who may order one, and how they are named.

use serde_json::{Value, json};
use tabellion_ledger::ErasureTarget;
use tabellion_model::body::{Role, StopScope};

use super::house::House;

const PATH: &str = "/api/v1/stops";

fn of(scope: &str, subject: &str) -> Value {
    json!({"scope": scope, "subject": subject, "reason": "its calls go round in circles"})
}

/// Requirement: N11, G04. The gateway is given them as they are ordered; they are nobody's system, so that only whoever may stop everything stops them.
#[test]
fn a_person_or_agent_is_stopped_as_calls_name_them() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    house.live_system(&developer, "Own");
    for scope in ["person", "agent"] {
        house.post(&developer, PATH, &of(scope, "corp|4711")).refused(403, "not_permitted");
        for subject in ["4711", "|4711", "corp|", "Corp|4711", "corp x|4711"] {
            house.post(&ada, PATH, &of(scope, subject)).refused(400, "malformed");
        }
        let none = json!({"scope": scope, "reason": "r"});
        house.post(&ada, PATH, &none).refused(400, "malformed");
    }
    assert!(house.desk.views().gate_now().stops.is_empty(), "something was stopped that nobody named");
    let mut ordered = Vec::new();
    for (scope, subject) in [("person", "corp|4711"), ("agent", "mtls|uri:spiffe://corp.example/loans")] {
        let made = house.post(&ada, PATH, &of(scope, subject)).ok().json();
        let id = made["result"]["id"].as_str().expect("an id").to_owned();
        let shown = house.get(&cleo, &format!("{PATH}/{id}")).ok().json();
        assert_eq!((&shown["scope"], &shown["subject"]), (&json!(scope), &json!(subject)), "{shown}");
        ordered.push(id);
    }
    let gate = house.desk.views().gate_now();
    let scopes: Vec<Option<StopScope>> = gate.stops.iter().map(|stop| stop.scope.clone()).collect();
    let (person, agent) = ("corp|4711".to_owned(), "mtls|uri:spiffe://corp.example/loans".to_owned());
    assert_eq!(scopes, [Some(StopScope::Person(person)), Some(StopScope::Agent(agent))]);
    for id in ordered {
        let why = json!({"reason": "r"});
        house.post(&ada, &format!("{PATH}/{id}/lift"), &why).refused(403, "own_work");
        house.post(&cleo, &format!("{PATH}/{id}/lift"), &why).ok();
    }
    assert!(house.desk.views().gate_now().stops.is_empty(), "what two people lifted is obeyed");
}

/// Requirement: N11, G04. Whoever is stopped is erased as a person is, without the other records of the month. What holds then holds for every call, and is lifted as
/// every stop is; once it is lifted, nobody is stopped by an erasure.
#[test]
fn whoever_is_stopped_can_be_erased_and_nobody_is_let_through_by_it() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let order = |scope: &str, subject: &str| {
        let made = house.post(&ada, PATH, &of(scope, subject)).ok().json();
        let index = made["recorded"]["index"].as_u64().expect("an index");
        (made["result"]["id"].as_str().expect("an id").to_owned(), index)
    };
    let read = |id: &str| house.get(&cleo, &format!("{PATH}/{id}")).ok().json();
    let erase = |target: ErasureTarget| {
        house.ledger.erase(&target, "they asked").expect("it has keys of its own");
        house.desk.refresh().expect("the views follow");
    };
    let obeyed = || {
        let stops = house.desk.views().gate_now().stops.clone();
        stops.iter().map(|stop| stop.scope.clone()).collect::<Vec<_>>()
    };
    let ((model, _), (person, _), (agent, of_agent)) =
        (order("model", "small"), order("person", "corp|4711"), order("agent", "corp|loans"));
    erase(ErasureTarget::Subject("corp|4711".to_owned()));
    erase(ErasureTarget::Record(of_agent));
    let small = Some(StopScope::Model("small".to_owned()));
    assert_eq!(
        obeyed(),
        [small.clone(), None, None],
        "an erasure lets somebody through, or changes another stop"
    );
    for id in [&person, &agent] {
        let shown = read(id);
        assert_eq!(
            (&shown["state"], &shown["scope"], &shown["subject"], &shown["reason"]),
            (&json!("in_force"), &Value::Null, &Value::Null, &Value::Null),
            "what is erased is shown, or the stop is not: {shown}"
        );
        house.post(&cleo, &format!("{PATH}/{id}/lift"), &json!({"reason": "erased"})).ok();
    }
    assert_eq!(read(&model)["subject"], "small", "another record of the month went with it");

    let (person, _) = order("person", "corp|4712");
    house.post(&cleo, &format!("{PATH}/{person}/lift"), &json!({"reason": "4712 came back"})).ok();
    erase(ErasureTarget::Subject("corp|4712".to_owned()));
    let shown = read(&person);
    assert_eq!((&shown["state"], &shown["lifted"]["reason"]), (&json!("lifted"), &Value::Null), "{shown}");
    assert_eq!(obeyed(), [small], "erasing who was stopped once stops everybody");
}
