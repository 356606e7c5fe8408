//! Erasing one call, or one export of a provider's usage, by its id; and what is in force, which is not erased.

use serde_json::{Value, json};
use tabellion_ledger::{Draft, DraftParent, OfCall, UnitContent};
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, Role};

use super::house::House;

const PATH: &str = "/api/v1/erasures";

/// Records a call whose prompt and answer are kept, as the gateway does: the entries of its permission and its end, and its id.
pub(crate) fn kept_call(house: &House, system: &str, key: &str) -> ([u64; 2], String) {
    let permission: CallAuthorised = serde_json::from_value(json!({
        "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
        "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
        "rules": [], "retry": 0, "prompt": "the flat in the Rue Morgue",
    }))
    .expect("a body");
    let end: CallCompleted = serde_json::from_value(json!({
        "outcome": "answered", "status": 200, "delivered": "whole", "answered": {"tools": []}, "received_bytes": 3,
        "received_sha256": "d".repeat(64), "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12, "answer": "on the fourth floor",
    }))
    .expect("a body");
    let draft = |body, record_type: &str, call: OfCall| Draft {
        actor: Some(key.to_owned()),
        assurance: Some("observed".to_owned()),
        system: Some(system.to_owned()),
        body,
        call: Some(call),
        ..Draft::new(record_type)
    };
    let permission = draft(permission.fields().expect("fields"), CallAuthorised::TYPE, OfCall::First).about(
        "corp|4711",
        "caller_person",
        json!({"person": "corp|4711"}),
    );
    let ack = house.ledger.append(&permission).expect("a record");
    let mut end = draft(end.fields().expect("fields"), CallCompleted::TYPE, OfCall::Of(ack.record_id));
    end.parents = vec![DraftParent {
        hash: ack.leaf.to_hex(),
        record_id: ack.record_id.to_hex(),
        role: "authorised".to_owned(),
    }];
    let end = house.ledger.append(&end).expect("a record");
    ([ack.index, end.index], ack.record_id.to_hex())
}

fn shows(house: &House, index: u64) -> bool {
    let units = house.ledger.reader().entry(index).expect("an entry").units;
    units.iter().any(|unit| matches!(unit.content, UnitContent::Shown(_)))
}

fn decision(asked: &Value) -> String {
    format!("{PATH}/{}/decision", asked["id"].as_str().expect("an id"))
}

/// Requirement: P48, V39. One person asks by the call's id, another sees which entries lose their content and confirms; the call beside it stays.
#[test]
fn a_call_is_erased_by_its_id_by_two_people() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&ada, "Loan support");
    let (key, _) = house.key(&ada, &system);
    let ((mine, call), (beside, _)) = (kept_call(&house, &system, &key), kept_call(&house, &system, &key));
    let wanted = json!({"call": call, "reason": "asked to be forgotten"});
    house.post(&abe, PATH, &wanted).refused(403, "not_permitted");
    let unknown = json!({"call": "0".repeat(32), "reason": "r"});
    house.post(&ada, PATH, &unknown).refused(404, "not_found");
    let both = json!({"call": call, "record": mine[0], "reason": "r"});
    house.post(&ada, PATH, &both).refused(400, "malformed");
    let asked = house.post(&ada, PATH, &wanted).ok().json();
    assert_eq!((&asked["scope"], &asked["call"]), (&json!("call"), &json!(call)), "{asked}");
    assert_eq!(asked["entries"], json!(mine), "whoever confirms is not shown what goes: {asked}");
    assert!(mine.iter().all(|index| shows(&house, *index)), "a request alone erased content");
    let yes = json!({"confirmed": true, "reason": "the request is genuine"});
    house.post(&ada, &decision(&asked), &yes).refused(403, "own_work");
    let done = house.post(&abe, &decision(&asked), &yes).ok().json();
    assert_eq!((&done["erased"], &done["units"]), (&json!(true), &json!(3)), "{done}");
    assert!(!mine.iter().any(|index| shows(&house, *index)), "prompt or answer can still be read");
    assert!(beside.iter().all(|index| shows(&house, *index)), "the call beside it went, too");
    let shown = house.get(&ada, &format!("/api/v1/calls/{call}")).ok().json();
    assert_eq!(shown["state"], "erased", "that there was a call is gone: {shown}");
    house.post(&ada, PATH, &wanted).refused(404, "not_found");
}

/// Requirement: P48, B08. An export goes by its id, and no other record of its month with it.
#[test]
fn an_export_of_usage_is_erased_by_its_id() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&ada, "Loan support");
    let (key, _) = house.key(&ada, &system);
    let (answered, _) = house.calls(&system, &key);
    let head = "start,end,account,key,model,requests,input_tokens,output_tokens";
    let export = json!({"provider": "local", "format": "csv", "content": format!("{head}\n2026-03-01,2026-03-02,ada-project,,small,1,10,5\n")});
    let report = |body: &Value| {
        let made = house.post(&ada, "/api/v1/usage-reports", body).ok().json();
        made["report"]["id"].as_str().expect("an id").to_owned()
    };
    let (gone, stays) = (report(&export), report(&export));
    let asked =
        house.post(&ada, PATH, &json!({"usage_report": gone, "reason": "it names a person"})).ok().json();
    house.post(&abe, &decision(&asked), &json!({"confirmed": true, "reason": "it does"})).ok();
    let read = |id: &str| house.get(&ada, &format!("/api/v1/usage-reports/{id}")).ok().json();
    assert_eq!(read(&gone)["report"]["sha256"], Value::Null, "the export is still there");
    assert!(read(&stays)["report"]["sha256"].is_string(), "another export went with it");
    let call = house.get(&ada, &format!("/api/v1/calls/{answered}")).ok().json();
    assert_eq!(call["state"], "answered", "a call of the month went with it: {call}");
}

/// Requirement: N23, N11, P48. Whoever has a budget or a stop in force is not erased before that is over, whichever of the two people comes upon it: every call would be denied.
#[test]
fn what_is_in_force_is_not_erased() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let yes = json!({"confirmed": true, "reason": "r"});
    let wanted = |subject: &str| json!({"subject": subject, "reason": "asked to be forgotten"});
    let set = |name: &str| {
        let budget =
            json!({"scope": "person", "subject": "corp|4711", "window": "day", "tokens": 10, "note": "n"});
        house.ask("PUT", &format!("/api/v1/budgets/{name}")).bearer(&ada).json(&budget).send().ok()
    };
    let end = |name: &str| {
        house.post(&ada, &format!("/api/v1/budgets/{name}/end"), &json!({"reason": "over"})).ok()
    };
    set("q7");
    let index =
        house.get(&ada, "/api/v1/budgets/q7").ok().json()["changed"]["index"].as_u64().expect("an index");
    for target in [wanted("corp|4711"), json!({"record": index, "reason": "r"})] {
        let refused = house.post(&ada, PATH, &target).refused(409, "in_force").json();
        let told = refused["detail"].as_str().expect("a sentence");
        assert!(told.contains("budget q7") && told.contains("end"), "nobody is told what to end: {told}");
    }
    assert!(shows(&house, index), "it was erased");
    end("q7");
    let asked = house.post(&ada, PATH, &wanted("corp|4711")).ok().json();
    set("q8");
    let refused = house.post(&abe, &decision(&asked), &yes).refused(409, "in_force").json();
    assert!(refused["detail"].as_str().is_some_and(|told| told.contains("budget q8")), "{refused}");
    end("q8");
    house.post(&abe, &decision(&asked), &yes).ok();
    assert!(!shows(&house, index), "it could not be erased after all");

    let stop = json!({"scope": "person", "subject": "corp|4712", "reason": "its calls go round in circles"});
    let made = house.post(&ada, "/api/v1/stops", &stop).ok().json();
    let stop = made["result"]["id"].as_str().expect("an id");
    let refused = house.post(&ada, PATH, &wanted("corp|4712")).refused(409, "in_force").json();
    assert!(refused["detail"].as_str().is_some_and(|told| told.contains(stop)), "which stop? {refused}");
    house.post(&cleo, &format!("/api/v1/stops/{stop}/lift"), &json!({"reason": "r"})).ok();
    let asked = house.post(&ada, PATH, &wanted("corp|4712")).ok().json();
    house.post(&abe, &decision(&asked), &yes).ok();
}
