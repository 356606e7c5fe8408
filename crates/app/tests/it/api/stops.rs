//! Emergency stops over the API: ordered by one person, lifted by another, and reported from records.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_app::work::stops::NewStop;
use tabellion_app::work::{Actor, Given};
use tabellion_ledger::{Clock as _, Draft, DraftParent};
use tabellion_model::Micros;
use tabellion_model::body::{Body as _, CallDenied, Role};
use tabellion_tlog::leaf_hash;

use super::client::Answer;
use super::house::House;

const PATH: &str = "/api/v1/stops";

fn everything() -> Value {
    json!({"scope": "tenant", "reason": "it tells secrets"})
}

impl House {
    /// Orders a stop; gives its id.
    fn order(&self, token: &str, body: &Value) -> String {
        let made = self.post(token, PATH, body).ok().json();
        made["result"]["id"].as_str().expect("an id").to_owned()
    }

    fn lift(&self, token: &str, stop: &str) -> Answer {
        self.post(token, &format!("{PATH}/{stop}/lift"), &json!({"reason": "it was mended"}))
    }

    fn stop(&self, token: &str, stop: &str) -> Value {
        self.get(token, &format!("{PATH}/{stop}")).ok().json()
    }

    /// How many stops the gateway obeys.
    fn obeyed(&self) -> usize {
        self.desk.views().gate_now().stops.len()
    }

    /// Records a denial as the gateway does for a stop.
    fn refused_by(&self, stop: &Value, system: &str, key: &str) {
        let body = json!({
            "code": "stopped", "reason": "a stop is in force", "status": 403, "surface": "openai.chat_completions",
            "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
        });
        let body: CallDenied = serde_json::from_value(body).expect("a body");
        let mut draft = Draft::new(CallDenied::TYPE);
        draft.body = body.fields().expect("fields");
        (draft.actor, draft.system) = (Some(key.to_owned()), Some(system.to_owned()));
        draft.observed_at = Some(self.clock.now().0);
        let order = &stop["recorded"];
        let bytes = self.ledger.reader().entry(order["index"].as_u64().expect("an index")).expect("it").bytes;
        draft.parents = vec![DraftParent {
            hash: leaf_hash(&bytes).to_hex(),
            record_id: order["record_id"].as_str().expect("an id").to_owned(),
            role: "stop".to_owned(),
        }];
        self.ledger.append(&draft).expect("a record");
        self.desk.refresh().expect("the views follow");
    }
}

/// Requirement: N11, P57. One person stops, at once; a second one lifts; both and every attempt are on record.
#[test]
fn one_person_stops_and_another_lifts() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let made = house.post(&ada, PATH, &everything()).ok();
    assert_eq!(house.obeyed(), 1, "the answer came before the gateway obeys");
    let version = made.header("etag").expect("an ETag").to_owned();
    let made = made.json();
    let stop = made["result"]["id"].as_str().expect("an id").to_owned();
    let shown = house.stop(&cleo, &stop);
    assert_eq!(
        (&shown["state"], &shown["scope"], &shown["drill"]),
        (&json!("in_force"), &json!("tenant"), &json!(false)),
        "{shown}"
    );
    let beside = house.order(&cleo, &json!({"scope": "model", "subject": "small", "reason": "r"}));
    house.lift(&ada, &stop).refused(403, "own_work");
    house.lift(&ada, &stop).refused(403, "own_work");
    assert_eq!(house.count_of("stop.refused"), 1, "an attempt leaves no trace, or two");
    assert_eq!(house.obeyed(), 2, "an attempt lifted it");
    let why = json!({"reason": "r"});
    let path = format!("{PATH}/{stop}/lift");
    house
        .ask("POST", &path)
        .bearer(&cleo)
        .header("if-match", "\"9\"")
        .json(&why)
        .send()
        .refused(412, "stale");
    house.ask("POST", &path).bearer(&cleo).header("if-match", &version).json(&why).send().ok();
    house.lift(&cleo, &stop).refused(409, "already_so");
    let shown = house.stop(&ada, &stop);
    assert_eq!((&shown["state"], &shown["lifted"]["reason"]), (&json!("lifted"), &json!("r")), "{shown}");
    let listed = house.get(&ada, PATH).ok().json();
    let states: Vec<&Value> =
        listed["stops"].as_array().expect("stops").iter().map(|stop| &stop["state"]).collect();
    assert_eq!(states, ["in_force", "lifted"], "lifting one lifts another, or hides it: {listed}");
    assert_eq!(house.stop(&ada, &beside)["subject"], "small");
    assert_eq!(house.obeyed(), 1, "the gateway obeys what was lifted");
}

/// Requirement: N11. Who may order, and for what; a typing error stops nothing by accident.
#[test]
fn people_stop_what_they_answer_for_and_name_what_is_there() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let (_, auditor) = house.person("Au", &[Role::Auditor]);
    let (_, engineer) = house.person("Gus", &[Role::GovernanceEngineer]);
    let theirs = house.live_system(&admin, "Somebody else's");
    let own = house.live_system(&developer, "Own");
    let (foreign, secret) = house.key(&admin, &theirs);
    let (key, _) = house.key(&developer, &own);
    let of = |scope: &str, subject: &str| json!({"scope": scope, "subject": subject, "reason": "r"});
    for body in [everything(), of("system", &theirs), of("key", &foreign), of("provider", "local")] {
        house.post(&developer, PATH, &body).refused(403, "not_permitted");
    }
    house.post(&auditor, PATH, &everything()).refused(403, "not_permitted");
    house.post(&secret, PATH, &everything()).refused(403, "not_permitted");
    house.post(&admin, PATH, &of("system", &"0".repeat(32))).refused(422, "unknown_reference");
    house.post(&admin, PATH, &of("system", "loans")).refused(400, "malformed");
    house.post(&admin, PATH, &of("tenant", &own)).refused(400, "malformed");
    house.post(&admin, PATH, &json!({"scope": "key", "reason": "r"})).refused(400, "malformed");
    assert_eq!(house.obeyed(), 0, "something was stopped that nobody named");
    for body in [of("system", &own), of("key", &key)] {
        house.order(&developer, &body);
    }
    let stop = house.order(&engineer, &everything());
    house.lift(&developer, &stop).refused(403, "not_permitted");
    let read = house.get(&auditor, PATH).ok().json();
    assert_eq!(read["stops"].as_array().map(Vec::len), Some(3), "what is stopped is hidden: {read}");
}

/// Requirement: N11. Neither lets the other in, and the operator is one of the two at most.
#[test]
fn who_lifts_and_who_ordered_let_neither_the_other_in() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (bo_id, bo) = house.person("Bo", &[Role::Approver]);
    let stop = house.order(&ada, &everything());
    let let_in_by_ada = house.let_in(&ada, &bo_id);
    house.lift(&let_in_by_ada, &stop).refused(403, "own_link");
    assert_eq!(house.count_of("stop.refused"), 1);
    let id = tabellion_model::StopId::from_hex(&stop).expect("an id");
    let why = serde_json::from_value(json!({"reason": "r"})).expect("a reason");
    let operator = |id| house.desk.lift_stop(&Actor::Operator, &Given::default(), id, &why);
    let refused = operator(id).expect_err("Ada came in by the operator's link alone");
    assert_eq!(refused.code.as_str(), "own_link", "{refused}");
    house.lift(&bo, &stop).ok();

    let new: NewStop = serde_json::from_value(everything()).expect("a stop");
    let (ordered, _) = house.desk.order_stop(&Actor::Operator, &Given::default(), &new).expect("a stop");
    let id = tabellion_model::StopId::from_hex(&ordered.id).expect("an id");
    let refused = operator(id).expect_err("the operator ordered it");
    assert_eq!(refused.code.as_str(), "own_work", "{refused}");
    house.lift(&bo, &ordered.id).refused(403, "own_link");
    assert_eq!(house.obeyed(), 1, "an attempt lifted it");
    house.lift(&let_in_by_ada, &ordered.id).ok();
    assert_eq!(house.obeyed(), 0, "a stop that was lifted is obeyed");
}

/// Requirement: N11. A drill is in force, and its report tells what records say and nothing else.
#[test]
fn a_drill_is_reported_from_records() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&ada, "Loan support");
    let (key, _) = house.key(&ada, &system);
    let stop = house.order(&ada, &json!({"scope": "tenant", "reason": "a drill", "drill": true}));
    let shown = house.stop(&ada, &stop);
    let report = &shown["report"];
    assert_eq!((&shown["drill"], house.obeyed()), (&json!(true), 1), "{shown}");
    assert_eq!(
        (&report["calls_refused"], &report["first_refused"], &report["last_cut"], &report["lifted_at"]),
        (&json!(0), &Value::Null, &Value::Null, &Value::Null),
        "a time is told that no record has: {report}"
    );
    for _ in 0..2 {
        house.clock.set(Micros(house.ledger.reader().now().0 + 700_000));
        house.refused_by(&shown, &system, &key);
    }
    let report = house.stop(&ada, &stop)["report"].clone();
    assert_eq!((&report["calls_refused"], &report["calls_cut"]), (&json!(2), &json!(0)), "{report}");
    assert_eq!(report["first_refused"]["after_ms"], 700, "another call than the first is told: {report}");
    assert_eq!(report["last_cut"], Value::Null, "{report}");
    let metrics = house.ask("GET", "/metrics").send().ok().text();
    assert!(metrics.contains("\ntabellion_stops_in_force 1\n"), "{metrics}");
    let ready = house.ask("GET", "/readyz").send().ok().text();
    assert!(ready.contains("stops: 1 in force"), "a stop is no trouble, and has to be said: {ready}");
}

/// Requirement: N11. Views that stand still are no reason not to stop, and a repeated request stops once; lifting waits for them.
#[test]
fn a_stop_is_recorded_while_the_views_stand_still() {
    let house = House::impatient();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let first = house.order(&ada, &everything());
    let ask =
        || house.ask("POST", PATH).bearer(&ada).header("idempotency-key", "s-1").json(&everything()).send();
    let held = house.hold_views();
    house.ledger.append(&Draft::new("event.logged").with("what", "something")).expect("an entry");
    ask().refused(503, "view_behind");
    assert_eq!(house.count_of("stop.ordered"), 2, "it was not recorded, and nobody is stopped");
    house.lift(&cleo, &first).refused(503, "unavailable");
    drop(held);
    let until = Instant::now() + Duration::from_mins(1);
    while house.desk.refresh().is_err() {
        assert!(Instant::now() < until, "the views never go on");
    }
    assert_eq!(house.obeyed(), 2, "a stop that was recorded is not obeyed");
    let again = ask().ok();
    assert_eq!(
        again.header("idempotency-replayed"),
        Some("true"),
        "the retry that was asked for stops again"
    );
    assert_eq!(house.count_of("stop.ordered"), 2);
    house.lift(&cleo, &first).ok();
}
