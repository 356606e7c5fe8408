//! Invoices of providers: what they ask for beside what calls took, and a finding where that differs.

use serde_json::{Value, json};
use tabellion_ledger::{Ack, Clock as _, Draft, DraftParent};
use tabellion_model::Micros;
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, Role};
use tabellion_model::charge::{Reserved, Spent, Tokens};

use super::house::House;

const PATH: &str = "/api/v1/invoices";

fn at(time: &str) -> Micros {
    Micros::parse_date(time).expect("a time")
}

/// Records that a call was let through that may take 1,000 tokens of input.
fn begin(house: &House, system: &str, key: &str, price: Option<&str>) -> Ack {
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
    draft.clear = Reserved { input: 1000, output: 0, price }.to_clear();
    house.ledger.append(&draft).expect("a record")
}

/// Records its end: 500 tokens of input.
fn end(house: &House, system: &str, key: &str, first: &Ack) {
    let body: CallCompleted = serde_json::from_value(json!({
        "outcome": "answered", "status": 200, "upstream_status": 200, "delivered": "whole",
        "answered": {"tools": [], "model": "small"}, "received_bytes": 3, "received_sha256": "d".repeat(64),
        "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12,
    }))
    .expect("a body");
    let mut draft = Draft::new(CallCompleted::TYPE);
    draft.body = body.fields().expect("fields");
    (draft.actor, draft.system) = (Some(key.to_owned()), Some(system.to_owned()));
    draft.clear = Spent::Counted(Tokens { input: 500, output: 0, ..Tokens::default() }).to_clear();
    let bytes = house.ledger.reader().entry(first.index).expect("the call").bytes;
    draft.parents = vec![DraftParent {
        hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
        record_id: first.record_id.to_hex(),
        role: "authorised".to_owned(),
    }];
    house.ledger.append(&draft).expect("a record");
}

/// An invoice for 3 March.
fn invoice(number: &str, micros: u64) -> Value {
    json!({"provider": "local", "number": number, "from": "2026-03-03", "until": "2026-03-04", "micros": micros,
        "currency": "EUR", "tolerance_per_mille": 10, "note": "for March"})
}

/// Requirement: N24. An invoice that calls explain agrees; one that differs beyond its tolerance opens a finding, once; what is not known makes it undetermined, and is
/// looked at again when it is known.
#[test]
fn an_invoice_is_held_against_what_calls_took_and_a_difference_is_found_once() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let (dee, _) = house.person("Dee", &[Role::Developer]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let price = json!({"upstream": "local", "model": "small", "currency": "EUR", "input": 2_000_000, "output": 1_000_000, "from": "2020-01-01",
        "source": "the provider's list"});
    let set = house.ask("PUT", "/api/v1/prices/small").bearer(&admin).json(&price).send().ok();
    let priced = set.json()["recorded"]["record_id"].as_str().expect("an id").to_owned();
    house.clock.set(at("2026-03-03T10:00:00Z"));
    for _ in 0..2 {
        end(&house, &system, &key, &begin(&house, &system, &key, Some(&priced)));
    }
    house.clock.set(at("2026-03-04T12:00:00Z"));
    let admin_now = house.session(&ada);
    let send = |body: &Value| house.post(&admin_now, PATH, body).ok().json();
    let agrees = send(&invoice("1", 2010));
    assert_eq!(agrees["compared"]["verdict"], "agrees", "{agrees}");
    assert_eq!(
        (&agrees["compared"]["settled_micros"], &agrees["compared"]["calls"]),
        (&json!(2000), &json!(2))
    );
    assert_eq!(house.count_of("finding.opened"), 0, "agreement opened a finding");
    let more = send(&invoice("2", 2600));
    assert_eq!(more["compared"]["verdict"], "more_there", "{more}");
    assert_eq!(house.count_of("finding.opened"), 1);
    assert_eq!(house.desk.reconcile_invoices().expect("a look"), 0, "it is found again and again");
    let findings = house.get(&admin_now, "/api/v1/findings").ok().json();
    let finding = &findings["findings"][0];
    assert_eq!(
        (&finding["kind"], &finding["micros"], &finding["currency"], &finding["cause"]),
        (&json!("invoice_differs"), &json!(600), &json!("EUR"), &more["id"]),
        "{findings}"
    );
    // Put right under its number: the one before is looked at no more.
    let right = send(&invoice("2", 2000));
    assert_eq!(right["compared"]["verdict"], "agrees");
    let findings = house.get(&admin_now, "/api/v1/findings").ok().json();
    let closed = &findings["findings"][0]["closed"];
    assert!(
        closed["reason"].as_str().is_some_and(|reason| reason.contains("recorded anew")),
        "somebody looks for a difference that was put right: {findings}"
    );
    assert_eq!(house.desk.reconcile_invoices().expect("a look"), 0);
    assert_eq!(
        (house.count_of("finding.closed"), house.count_of("finding.opened")),
        (1, 1),
        "it is closed twice"
    );
    for hidden in ["2\u{200b}", "2\u{2060}3", "2\u{a0}3"] {
        house.post(&admin_now, PATH, &invoice(hidden, 1)).refused(400, "malformed");
    }
    let listed = house.get(&admin_now, PATH).ok().json();
    let superseded: Vec<&Value> =
        listed["invoices"].as_array().expect("invoices").iter().map(|one| &one["superseded"]).collect();
    assert_eq!(superseded, [&json!(false), &json!(true), &json!(false)], "{listed}");
    house.get(&house.session(&dee), PATH).refused(403, "not_permitted");
    let mut early = invoice("3", 1);
    early["until"] = json!("2026-03-05");
    house.post(&admin_now, PATH, &early).refused(400, "malformed");
}

/// Requirement: N24.
#[test]
fn what_is_under_way_or_has_no_price_leaves_an_invoice_undetermined() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let price = json!({"upstream": "local", "model": "small", "currency": "EUR", "input": 2_000_000, "output": 1_000_000, "from": "2020-01-01",
        "source": "the provider's list"});
    let set = house.ask("PUT", "/api/v1/prices/small").bearer(&admin).json(&price).send().ok();
    let priced = set.json()["recorded"]["record_id"].as_str().expect("an id").to_owned();
    house.clock.set(at("2026-03-03T10:00:00Z"));
    let open = begin(&house, &system, &key, Some(&priced));
    house.clock.set(at("2026-03-04T12:00:00Z"));
    let admin = house.session(&ada);
    let doubt = house.post(&admin, PATH, &invoice("1", 1500)).ok().json();
    assert_eq!(doubt["compared"]["verdict"], "undetermined", "{doubt}");
    assert_eq!(doubt["compared"]["reserved_micros"], 2000, "{doubt}");
    assert_eq!(house.count_of("finding.opened"), 0, "doubt opened a finding");
    end(&house, &system, &key, &open);
    assert_eq!(
        house.desk.reconcile_invoices().expect("a look"),
        1,
        "a difference that shows later is in no finding"
    );
    house.clock.set(at("2026-03-04T13:00:00Z"));
    begin(&house, &system, &key, None);
    house.clock.set(at("2026-03-05T12:00:00Z"));
    let admin = house.session(&ada);
    let mut unpriced = invoice("2", 9000);
    (unpriced["from"], unpriced["until"]) = (json!("2026-03-04"), json!("2026-03-05"));
    let unpriced = house.post(&admin, PATH, &unpriced).ok().json();
    let compared = &unpriced["compared"];
    assert_eq!(
        (&compared["verdict"], &compared["calls_unpriced"]),
        (&json!("undetermined"), &json!(1)),
        "{unpriced}"
    );
}
