//! Providers' usage over the API: a planted direct call is found, and nothing else is.

use serde_json::{Value, json};
use tabellion_ledger::{Ack, Clock as _, Draft, DraftParent};
use tabellion_model::Micros;
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, Role};
use tabellion_model::charge::{Reserved, Spent, Tokens};

use super::house::House;

const PATH: &str = "/api/v1/usage-reports";
const HEAD: &str = "start,end,account,key,model,requests,input_tokens,output_tokens";

fn at(time: &str) -> Micros {
    Micros::parse_date(time).expect("a time")
}

/// Records a call of 100 and 50 tokens that `small-2026` answered; `ended`: whether its end is on record.
fn call(house: &House, system: &str, key: &str, ended: bool) {
    let first = begin(house, system, key);
    if ended {
        end(house, system, key, &first);
    }
}

/// Records that a call was let through.
fn begin(house: &House, system: &str, key: &str) -> Ack {
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
    draft.clear = Reserved { input: 1000, output: 500, price: None }.to_clear();
    house.ledger.append(&draft).expect("a record")
}

/// Records its end.
fn end(house: &House, system: &str, key: &str, first: &Ack) {
    let body: CallCompleted = serde_json::from_value(json!({
        "outcome": "answered", "status": 200, "upstream_status": 200, "delivered": "whole",
        "answered": {"tools": [], "model": "small-2026"}, "received_bytes": 3, "received_sha256": "d".repeat(64),
        "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12,
    }))
    .expect("a body");
    let mut draft = Draft::new(CallCompleted::TYPE);
    draft.body = body.fields().expect("fields");
    (draft.actor, draft.system) = (Some(key.to_owned()), Some(system.to_owned()));
    draft.clear = Spent::Counted(Tokens { input: 100, output: 50, ..Tokens::default() }).to_clear();
    let bytes = house.ledger.reader().entry(first.index).expect("the call").bytes;
    draft.parents = vec![DraftParent {
        hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
        record_id: first.record_id.to_hex(),
        role: "authorised".to_owned(),
    }];
    house.ledger.append(&draft).expect("a record");
}

/// An export of 3 March.
fn export(requests: u64, input: u64, output: u64) -> Value {
    json!({"provider": "local", "format": "csv", "name": "march.csv",
        "content": format!("{HEAD}\n2026-03-03,2026-03-04,,,small-2026,{requests},{input},{output}\n")})
}

/// A house with three calls on 3 March, on the day after; the person and a token.
fn with_calls() -> (House, String, String) {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.clock.set(at("2026-03-03T10:00:00Z"));
    (0..3).for_each(|_| call(&house, &system, &key, true));
    house.clock.set(at("2026-03-04T12:00:00Z"));
    let admin = house.session(&ada);
    (house, ada, admin)
}

/// Requirement: B08, W27. A planted direct call is found, once, with what it took, and a person closes it; agreement opens nothing.
#[test]
fn a_planted_direct_call_is_found_once_and_closed_with_a_reason() {
    let (house, _, admin) = with_calls();
    let report = |body: &Value| house.post(&admin, PATH, body).ok().json();
    let agrees = report(&export(3, 300, 150));
    assert_eq!(agrees["days"][0]["verdict"], "agrees", "{agrees}");
    assert_eq!(agrees["days"][0]["reasons"], json!([]), "{agrees}");
    assert_eq!(house.count_of("finding.opened"), 0, "agreement opened a finding");
    let planted = report(&export(4, 340, 170));
    assert_eq!(planted["days"][0]["verdict"], "more_there", "{planted}");
    let beyond = json!({"requests": 1, "input_tokens": 40, "output_tokens": 20});
    assert_eq!(planted["days"][0]["beyond"], beyond, "{planted}");
    assert_eq!(planted["report"]["reconciled"]["off_gateway"], 1, "{planted}");
    report(&export(4, 340, 170));
    assert_eq!(house.count_of("finding.opened"), 1, "one subject has two findings");
    let findings = house.get(&admin, "/api/v1/findings").ok().json();
    let finding = &findings["findings"][0];
    assert_eq!(
        (&finding["kind"], &finding["model"]),
        (&json!("off_gateway"), &json!("small-2026")),
        "{findings}"
    );
    assert_eq!((&finding["beyond"], &finding["closed"]), (&beyond, &Value::Null), "{findings}");
    let close = format!("/api/v1/findings/{}/close", finding["id"].as_str().expect("an id"));
    let closed =
        house.post(&admin, &close, &json!({"reason": "a test of the provider's console"})).ok().json();
    assert_eq!(closed["result"]["closed"]["reason"], "a test of the provider's console", "{closed}");
    house.post(&admin, &close, &json!({"reason": "again"})).refused(409, "already_so");
    report(&export(4, 340, 170));
    assert_eq!(house.count_of("finding.opened"), 1, "what a person closed is opened again for the same");
    report(&export(5, 400, 200));
    assert_eq!(house.count_of("finding.opened"), 2, "closing one hides what comes later");
    let reports = house.get(&admin, PATH).ok().json();
    let superseded: Vec<bool> =
        reports["reports"].as_array().expect("reports").iter().map(|one| one["superseded"] == true).collect();
    assert_eq!(superseded, [false, true, true, true, true], "{reports}");
    assert_eq!(house.count_of("usage.reconciled"), 5);
}

/// Requirement: B08. A call without an end makes the day undecidable, in neither direction a verdict; days of before the log are nobody's finding.
#[test]
fn what_too_little_is_known_of_is_not_comparable() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.clock.set(at("2026-03-03T10:00:00Z"));
    call(&house, &system, &key, true);
    call(&house, &system, &key, false);
    house.clock.set(at("2026-03-04T12:00:00Z"));
    let admin = house.session(&ada);
    let doubt = house.post(&admin, PATH, &export(2, 140, 70)).ok().json();
    assert_eq!(doubt["days"][0]["verdict"], "not_comparable", "{doubt}");
    assert_eq!(doubt["days"][0]["reasons"], json!(["not_counted"]), "{doubt}");
    let early = json!({"provider": "local", "format": "csv",
        "content": format!("{HEAD}\n2026-03-01,2026-03-02,,,small-2026,9,9,9\n")});
    let early = house.post(&admin, PATH, &early).ok().json();
    assert_eq!(early["days"][0]["reasons"], json!(["before_log"]), "{early}");
    assert_eq!(house.count_of("finding.opened"), 0, "doubt opened a finding");
    // A key at the provider that no upstream calls with.
    let mut stranger = export(1, 1, 1);
    stranger["content"] = format!("{HEAD}\n2026-03-03,2026-03-04,proj,key_9,small-2026,1,1,1\n").into();
    stranger["accounts"] = json!([{"upstream": "local", "account": "key_1"}]);
    let stranger = house.post(&admin, PATH, &stranger).ok().json();
    let off: Vec<&Value> = stranger["days"]
        .as_array()
        .expect("days")
        .iter()
        .filter(|day| day["verdict"] == "more_there")
        .collect();
    assert_eq!(off.len(), 1, "{stranger}");
    assert_eq!((&off[0]["account"], &off[0]["reasons"]), (&json!("key_9"), &json!(["unknown_account"])));
    assert_eq!(house.count_of("finding.opened"), 1);
}

/// Requirement: B08. Traffic past the gateway that a call without an end could explain is found when that call has ended, once, also after that.
#[test]
fn what_shows_only_when_a_call_ends_is_found_then() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.clock.set(at("2026-03-03T10:00:00Z"));
    call(&house, &system, &key, true);
    let (first, second) = (begin(&house, &system, &key), begin(&house, &system, &key));
    house.clock.set(at("2026-03-04T12:00:00Z"));
    let admin = house.session(&ada);
    // Three went through, with 300 and 150 at the end; the calls under way could take what is beyond that.
    let doubt = house.post(&admin, PATH, &export(3, 340, 170)).ok().json();
    assert_eq!(doubt["days"][0]["reasons"], json!(["not_counted"]), "{doubt}");
    assert_eq!(
        doubt["report"]["reconciled"]["open"], 2,
        "nobody is told that it is not certain yet: {doubt}"
    );
    let look = || house.desk.reconcile_usage().expect("a look");
    assert_eq!(look(), 0, "an export is compared again although nothing has changed");
    end(&house, &system, &key, &first);
    assert_eq!((look(), house.count_of("finding.opened")), (0, 0), "each end of a busy day is a look");
    house.clock.set(at("2026-03-04T12:11:00Z"));
    assert_eq!((look(), house.count_of("finding.opened")), (1, 0), "what is still in doubt opened a finding");
    end(&house, &system, &key, &second);
    assert_eq!(look(), 1, "a comparison stays as it was while calls were under way");
    assert_eq!(
        house.count_of("finding.opened"),
        1,
        "traffic past the gateway that showed later is in no finding"
    );
    assert_eq!((look(), house.count_of("finding.opened")), (0, 1), "it is found again and again");
    let path = format!("{PATH}/{}", doubt["report"]["id"].as_str().expect("an id"));
    let now = house.get(&admin, &path).ok().json();
    let said = &now["report"]["reconciled"];
    assert_eq!((&said["off_gateway"], &said["open"]), (&json!(1), &json!(0)), "{now}");
    assert_eq!(house.count_of("usage.reconciled"), 3);
}

/// Requirement: B08. An export in whose place another stands, with the account that it belongs to, opens nothing later.
#[test]
fn an_export_that_was_superseded_opens_nothing_later() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.clock.set(at("2026-03-03T10:00:00Z"));
    let open = begin(&house, &system, &key);
    house.clock.set(at("2026-03-04T12:00:00Z"));
    let admin = house.session(&ada);
    house.post(&admin, PATH, &export(1, 140, 70)).ok();
    house.post(&admin, PATH, &export(1, 100, 50)).ok();
    end(&house, &system, &key, &open);
    assert_eq!(house.desk.reconcile_usage().expect("a look"), 2);
    assert_eq!(house.count_of("finding.opened"), 0, "numbers that were corrected opened a finding");
}

/// Requirement: W27. What is no export of a time that is over is refused with its place and leaves nothing; who may not brings none; a retry is the first again.
#[test]
fn an_export_that_cannot_be_read_leaves_nothing() {
    let (house, _, admin) = with_calls();
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let line =
        |line: &str| json!({"provider": "local", "format": "csv", "content": format!("{HEAD}\n{line}\n")});
    for (body, what) in [
        (line("2026-03-03,2026-03-04,,,m,1,x,1"), "line 2"),
        (line("2026-03-04,2026-03-05,,,m,1,1,1"), "not over"),
        (json!({"provider": "local", "format": "openai_usage", "content": "{\"data\": ["}), "line 1"),
        (json!({"provider": "local", "format": "csv", "content": ""}), "line 1"),
    ] {
        let refused = house.post(&admin, PATH, &body);
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains(what), "{what}: {}", refused.text());
    }
    let mut twice = export(3, 300, 150);
    twice["accounts"] = json!([{"upstream": "local", "account": "a"}, {"upstream": "local"}]);
    house.post(&admin, PATH, &twice).refused(400, "malformed");
    let mut loose = export(3, 300, 150);
    loose["tolerance_per_mille"] = 51.into();
    house.post(&admin, PATH, &loose).refused(400, "malformed");
    assert_eq!(house.count_of("usage.reported"), 0, "something that was refused is on record");
    house.post(&developer, PATH, &export(3, 300, 150)).refused(403, "not_permitted");
    house.get(&developer, PATH).refused(403, "not_permitted");
    house.get(&developer, "/api/v1/findings").refused(403, "not_permitted");
    let send = || {
        let ask = house.ask("POST", PATH).bearer(&admin).header("idempotency-key", "march");
        ask.json(&export(3, 300, 150)).send().ok().json()
    };
    let (first, again) = (send(), send());
    assert_eq!(first["report"]["id"], again["report"]["id"], "a retry is another export");
    assert_eq!((house.count_of("usage.reported"), house.count_of("usage.reconciled")), (1, 1));
}

/// Requirement: W27. Models in traffic that no approved entry names: listed, and a finding is opened once there is an inventory to hold them against.
#[test]
fn a_model_in_no_inventory_is_listed_and_without_an_inventory_nothing_is_opened() {
    let (house, _, admin) = with_calls();
    let unknown = house.get(&admin, "/api/v1/inventory/unknown").ok().json();
    assert_eq!(unknown["inventory_approved"], false, "{unknown}");
    let names: Vec<&Value> =
        unknown["unknown"].as_array().expect("a list").iter().map(|one| &one["model"]).collect();
    assert_eq!(names, [&json!("small-2026")], "an alias is looked at by what answers: {unknown}");
    assert_eq!(
        house.desk.open_unknowns().expect("a look"),
        0,
        "before there is an inventory everything would be a finding"
    );
    assert_eq!(house.count_of("finding.opened"), 0);
}
