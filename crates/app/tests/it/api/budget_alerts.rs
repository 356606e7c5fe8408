//! Alerts of budgets: on record once for each share, cap and window, and for as long as they are of now.

use serde_json::{Value, json};
use tabellion_ledger::{Clock as _, Draft};
use tabellion_model::Micros;
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, Role};
use tabellion_model::charge::{Reserved, Spent};

use super::house::House;

/// Microseconds of a day.
const DAY_US: u64 = 24 * 3_600_000_000;
const PATH: &str = "/api/v1/budgets/loans";

fn budget(tokens: u64) -> Value {
    json!({"scope": "tenant", "window": "day", "tokens": tokens, "alert_at": [80, 50, 80], "alert_percent": 100, "note": "n"})
}

/// Records a call under way that reserves `tokens`; gives its place.
fn call(house: &House, system: &str, key: &str, tokens: u64) -> (u64, String) {
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
    draft.clear = Reserved { input: tokens, output: 0, price: None }.to_clear();
    let ack = house.ledger.append(&draft).expect("a record");
    (ack.index, ack.record_id.to_hex())
}

/// Its end: nothing was counted, so it takes nothing.
fn settle(house: &House, system: &str, key: &str, call: &(u64, String)) {
    let body: CallCompleted = serde_json::from_value(json!({
        "outcome": "refused", "status": 400, "delivered": "nothing", "answered": {"tools": []}, "received_bytes": 0,
        "received_sha256": "d".repeat(64), "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12,
    }))
    .expect("a body");
    let mut draft = Draft::new(CallCompleted::TYPE);
    draft.body = body.fields().expect("fields");
    (draft.actor, draft.system) = (Some(key.to_owned()), Some(system.to_owned()));
    draft.clear = Spent::Nothing.to_clear();
    let bytes = house.ledger.reader().entry(call.0).expect("the call").bytes;
    draft.parents = vec![tabellion_ledger::DraftParent {
        hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
        record_id: call.1.clone(),
        role: "authorised".to_owned(),
    }];
    house.ledger.append(&draft).expect("a record");
}

/// Requirement: P55.
#[test]
fn a_share_of_a_cap_is_on_record_once_a_window_and_until_the_cap_is_another() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let crossed = || house.desk.cross_budgets().expect("a look");
    let stand = |token: &str| -> Value {
        let alerts = house.get(token, PATH).ok().json()["alerts"].clone();
        let alerts = alerts.as_array().expect("alerts").iter().filter(|alert| alert["stands"] == true);
        alerts.map(|alert| json!([alert["cap"], alert["percent"], alert["used"], alert["limit"]])).collect()
    };
    house.ask("PUT", PATH).bearer(&admin).json(&budget(1000)).send().ok();
    assert_eq!(house.get(&admin, PATH).ok().json()["says"]["alert_at"], json!([50, 80]));
    assert_eq!(crossed(), 0, "a budget that nobody used would be told of");
    let first = call(&house, &system, &key, 600);
    assert_eq!((crossed(), crossed()), (1, 0), "one share, and once");
    assert_eq!(stand(&admin), json!([["tokens", 50, 600, 1000]]));
    // A late settlement brings it below, and another call above it again: the same window, the same share.
    settle(&house, &system, &key, &first);
    assert_eq!(crossed(), 0);
    call(&house, &system, &key, 700);
    assert_eq!(crossed(), 0, "the same share of the same window was told of twice");
    call(&house, &system, &key, 300);
    assert_eq!(crossed(), 2, "80 and 100 were passed together");
    assert_eq!(house.count_of("budget.crossed"), 3);
    let metrics = house.ask("GET", "/metrics").send().ok().text();
    assert!(metrics.contains("\ntabellion_budget_alerts 3\n"), "{metrics}");
    // A raised cap is another one: what was passed of the old one stands no more.
    house.put(&admin, PATH, "\"1\"", &budget(4000)).ok();
    assert_eq!((crossed(), stand(&admin)), (0, json!([])));
    let over = |token: &str| -> Vec<String> {
        let alerts = house.get(token, PATH).ok().json()["alerts"].clone();
        let ends = alerts.as_array().expect("alerts").iter().map(|alert| alert["resolved"]["end"].clone());
        ends.filter_map(|end| end.as_str().map(str::to_owned)).collect()
    };
    assert_eq!(over(&admin), ["cap_changed"; 3], "that an alert is over is on no record");
    assert_eq!((crossed(), house.count_of("budget.alert_resolved")), (0, 3), "it is on record twice");
    call(&house, &system, &key, 1000);
    assert_eq!((crossed(), stand(&admin)), (1, json!([["tokens", 50, 2000, 4000]])));
    // So is a new day.
    house.clock.set(Micros(house.clock.now().0 + DAY_US));
    let admin = house.session(&ada);
    assert_eq!((crossed(), stand(&admin)), (0, json!([])), "yesterday's alert would stand for ever");
    assert_eq!(over(&admin), ["window_over", "cap_changed", "cap_changed", "cap_changed"]);
    call(&house, &system, &key, 2000);
    assert_eq!((crossed(), crossed()), (1, 0));
    let older = house.get(&admin, PATH).ok().json();
    assert_eq!(older["alerts"].as_array().map(Vec::len), Some(5), "what was passed is forgotten: {older}");
    // The end of the budget resolves what stands, once, also at the next start.
    house.ask("POST", &format!("{PATH}/end")).bearer(&admin).json(&json!({"reason": "over"})).send().ok();
    assert_eq!((crossed(), crossed()), (0, 0));
    assert_eq!(over(&admin).first().map(String::as_str), Some("budget_ended"));
    assert_eq!(house.count_of("budget.alert_resolved"), 5);
}

/// Requirement: P55. A cap that is raised and brought back is told of again while it is used up: an alert that is over does not stand for one that nobody gave.
#[test]
fn a_cap_that_comes_back_is_told_of_anew() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let crossed = || house.desk.cross_budgets().expect("a look");
    let alerts = || -> Vec<Value> {
        let alerts = house.get(&admin, PATH).ok().json()["alerts"].clone();
        alerts.as_array().expect("alerts").clone()
    };
    house.ask("PUT", PATH).bearer(&admin).json(&budget(500)).send().ok();
    call(&house, &system, &key, 600);
    assert_eq!(crossed(), 3, "50, 80 and 100 were passed");
    house.put(&admin, PATH, "\"1\"", &budget(50_000)).ok();
    assert_eq!((crossed(), house.count_of("budget.alert_resolved")), (0, 3));
    house.put(&admin, PATH, "\"2\"", &budget(500)).ok();
    assert!(alerts().iter().all(|alert| alert["stands"] == false), "what is over stands: {:?}", alerts());
    assert_eq!((crossed(), crossed()), (3, 0), "the budget is used up, and nobody is told, or told twice");
    assert_eq!((house.count_of("budget.crossed"), house.count_of("budget.alert_resolved")), (6, 3));
    let standing = alerts().iter().filter(|alert| alert["stands"] == true).count();
    let over = alerts().iter().filter(|alert| alert["resolved"].is_object()).count();
    assert_eq!((standing, over), (3, 3), "{:?}", alerts());
    // And once more: each crossing is a record of its own.
    house.put(&admin, PATH, "\"3\"", &budget(50_000)).ok();
    assert_eq!(crossed(), 0);
    house.put(&admin, PATH, "\"4\"", &budget(500)).ok();
    assert_eq!((crossed(), crossed(), house.count_of("budget.crossed")), (3, 0, 9));
}

/// Requirement: P55. What somebody may set, and what an ended budget is told of.
#[test]
fn shares_are_per_cent_and_an_ended_budget_is_told_of_no_more() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    for shares in [json!([0]), json!([101]), json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), json!("50")] {
        let mut body = budget(10);
        body["alert_at"] = shares;
        house.ask("PUT", PATH).bearer(&admin).json(&body).send().refused(400, "malformed");
    }
    house.ask("PUT", PATH).bearer(&admin).json(&budget(10)).send().ok();
    house.post(&admin, &format!("{PATH}/end"), &json!({"reason": "over"})).ok();
    call(&house, &system, &key, 100);
    assert_eq!(house.desk.cross_budgets().expect("a look"), 0);
    assert_eq!(house.count_of("budget.crossed"), 0);
}
