//! Changes: versions, retries, rules, and that what was answered is true at once.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tabellion_ledger::Clock as _;
use tabellion_model::body::Role;

use super::house::House;

#[test]
fn a_change_names_the_version_that_it_changes() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let path = format!("/api/v1/systems/{system}");
    let read = house.get(&admin, &path).ok();
    let tag = read.header("etag").expect("an ETag").to_owned();
    let body = json!({"name": "Loans", "purposes": ["support", "training"]});
    house.ask("PUT", &path).bearer(&admin).json(&body).send().refused(428, "version_required");
    let changed = house.put(&admin, &path, &tag, &body).ok();
    assert_ne!(changed.header("etag"), Some(tag.as_str()), "a second editor could not tell that it changed");
    house.put(&admin, &path, &tag, &body).refused(412, "stale");
    house.put(&admin, &path, "3", &body).refused(400, "malformed");
    house.put(&admin, &path, "*", &body).refused(400, "malformed");
    let index: u64 =
        changed.header("tabellion-entry").and_then(|index| index.parse().ok()).expect("an entry");
    let entry = house.get(&admin, &format!("/api/v1/entries/{index}")).ok().json();
    assert_eq!(entry["type"], "system.registered", "the answer has to name the record that proves it");
    assert_eq!(entry["units"][0]["fields"]["name"], "Loans", "{entry}");
}

#[test]
fn a_retry_records_nothing_twice_and_a_key_belongs_to_one_request() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let ask = |path: &str, body: &serde_json::Value| {
        house.ask("POST", path).bearer(&admin).header("idempotency-key", "k-1").json(body).send()
    };
    let body = json!({"name": "Loan support", "purposes": ["support"]});
    let first = ask("/api/v1/systems", &body).ok();
    let size = house.ledger.reader().size();
    let again = ask("/api/v1/systems", &body).ok();
    assert_eq!(house.ledger.reader().size(), size, "a retry would register a second system");
    assert_eq!(
        first.json()["result"],
        again.json()["result"],
        "a retry would be answered with another system"
    );
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    ask("/api/v1/systems", &json!({"name": "Other", "purposes": ["support"]}))
        .refused(409, "idempotency_conflict");
    let system = first.json()["result"]["id"].as_str().expect("an id").to_owned();
    // The rule that held then does not hold now; the retry is answered all the same.
    let stage = format!("/api/v1/systems/{system}/stage");
    let live = json!({"stage": "live", "reason": "approved"});
    ask(&stage, &live).ok();
    let again = ask(&stage, &live).ok();
    assert_eq!(
        again.header("idempotency-replayed"),
        Some("true"),
        "a retry would fail although the first try succeeded"
    );
    let keys = format!("/api/v1/systems/{system}/keys");
    let issued = ask(&keys, &json!({"name": "backend"})).ok().json();
    let again = ask(&keys, &json!({"name": "backend"})).ok().json();
    assert_eq!(issued["result"]["key"], again["result"]["key"], "a retry would issue a second key");
    assert!(
        issued["result"]["secret"].is_string() && again["result"]["secret"].is_null(),
        "a secret is shown once"
    );
    let key = issued["result"]["key"]["id"].as_str().expect("an id");
    let rotate = format!("/api/v1/keys/{key}/rotate");
    let rotated = ask(&rotate, &json!({"overlap_s": 60})).ok().json();
    let again = ask(&rotate, &json!({"overlap_s": 60})).ok().json();
    assert_eq!(rotated["result"]["key"], again["result"]["key"], "a retry would rotate twice");
    let revoke = format!("/api/v1/keys/{key}/revoke");
    ask(&revoke, &json!({"reason": "lost"})).ok();
    ask(&revoke, &json!({"reason": "lost"})).ok();
    let person = json!({"name": "Bo", "roles": ["auditor", "approver"]});
    let added = ask("/api/v1/people", &person).ok().json();
    let size = house.ledger.reader().size();
    let again = ask("/api/v1/people", &person).ok().json();
    assert_eq!(
        (added["result"].clone(), size),
        (again["result"].clone(), house.ledger.reader().size()),
        "a retry would add a namesake"
    );
    let links = format!("/api/v1/people/{}/links", added["result"]["id"].as_str().expect("an id"));
    let link = ask(&links, &json!({})).ok().json();
    let again = ask(&links, &json!({})).ok().json();
    assert!(
        link["result"]["token"].is_string() && again["result"]["token"].is_null(),
        "a link is shown once"
    );
}

#[test]
fn the_same_request_at_the_same_time_is_recorded_once() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let body = json!({"name": "Loan support", "purposes": ["support"]});
    let ids: Vec<String> = thread::scope(|scope| {
        let ask =
            || house.ask("POST", "/api/v1/systems").bearer(&admin).header("idempotency-key", "k").json(&body);
        let send = move || ask().send().ok().json()["result"]["id"].as_str().expect("an id").to_owned();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "one request made several systems: {ids:?}");
}

#[test]
fn a_revocation_is_true_once_it_is_answered() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    house.get(&secret, "/api/v1/calls").ok();
    house.post(&admin, &format!("/api/v1/keys/{key}/revoke"), &json!({"reason": "lost"})).ok();
    house.get(&secret, "/api/v1/calls").refused(401, "not_signed_in");
    house
        .post(&admin, &format!("/api/v1/keys/{key}/revoke"), &json!({"reason": "lost"}))
        .refused(409, "already_so");
}

#[test]
fn a_revocation_that_the_gateway_has_not_passed_is_not_answered_as_done() {
    let house = House::impatient();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let path = format!("/api/v1/keys/{key}/revoke");
    let ask = || {
        let ask = house.ask("POST", &path).bearer(&admin).header("idempotency-key", "r-1");
        ask.json(&json!({"reason": "lost"})).send()
    };
    let held = house.hold_views();
    ask().refused(503, "view_behind");
    let size = house.ledger.reader().size();
    assert!(works_for_the_gateway(&house, &key), "the test does not hold what the gateway decides by");
    drop(held);
    let until = Instant::now() + Duration::from_mins(1);
    while house.desk.refresh().is_err() {
        assert!(Instant::now() < until, "the views never go on");
    }
    assert!(!works_for_the_gateway(&house, &key), "a key that was revoked would let calls through");
    let done = ask().ok();
    assert_eq!(
        done.header("idempotency-replayed"),
        Some("true"),
        "the retry that was asked for revokes again"
    );
    assert_eq!(house.ledger.reader().size(), size, "a retry is recorded twice");
}

// Requirement: G05.
#[test]
fn what_takes_authority_away_is_recorded_while_the_views_stand_still() {
    let house = House::impatient();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (other, mine) = house.person("Bo", &[Role::Auditor]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let text = json!({"text": "permit (principal, action, resource);", "note": "first"});
    house.ask("PUT", "/api/v1/policies/base").bearer(&admin).json(&text).send().ok();
    let held = house.hold_views();
    // The views are behind before anybody asks for anything.
    let entry = tabellion_ledger::Draft::new("event.logged").with("what", "something");
    house.ledger.append(&entry).expect("an entry");
    let because = json!({"reason": "stolen"});
    let paused = json!({"stage": "paused", "reason": "an incident"});
    for (path, body, kind) in [
        (format!("/api/v1/keys/{key}/revoke"), &because, "credential.revoked"),
        (format!("/api/v1/systems/{system}/stage"), &paused, "system.stage_changed"),
        (format!("/api/v1/people/{other}/roles/auditor/revoke"), &because, "role.revoked"),
        ("/api/v1/policies/base/withdraw".to_owned(), &because, "policy.withdrawn"),
    ] {
        house.post(&admin, &path, body).refused(503, "view_behind");
        assert_eq!(newest_type(&house), kind, "{path} was not recorded, and nobody is stopped");
    }
    house.ask("DELETE", "/api/v1/session").bearer(&mine).send().refused(503, "view_behind");
    assert_eq!(newest_type(&house), "session.closed", "a session that was left goes on");
    let size = house.ledger.reader().size();
    let live = json!({"stage": "live", "reason": "again"});
    house.post(&admin, &format!("/api/v1/systems/{system}/stage"), &live).refused(503, "unavailable");
    house
        .post(&admin, &format!("/api/v1/systems/{system}/keys"), &json!({"name": "new"}))
        .refused(503, "unavailable");
    assert_eq!(house.ledger.reader().size(), size, "authority was given on what nobody knows to be true");
    drop(held);
    let until = Instant::now() + Duration::from_mins(1);
    while house.desk.refresh().is_err() {
        assert!(Instant::now() < until, "the views never go on");
    }
    assert!(!works_for_the_gateway(&house, &key), "a key that was revoked would let calls through");
    house.get(&secret, "/api/v1/calls").refused(401, "not_signed_in");
    house.get(&mine, "/api/v1/session").refused(401, "not_signed_in");
    let system = house.get(&admin, &format!("/api/v1/systems/{system}")).ok().json();
    assert_eq!(system["stage"], "paused", "a system that was paused would go on");
    let person = house.get(&admin, &format!("/api/v1/people/{other}")).ok().json();
    assert_eq!(person["roles"], json!([]), "a role that was taken away is still held");
    assert_eq!(
        house.get(&admin, "/api/v1/policies/base").ok().json()["in_force"],
        false,
        "a withdrawn policy is in force"
    );
}

// Requirement: G05.
#[test]
fn a_clock_that_steps_back_revives_no_revoked_key_and_no_link() {
    let house = House::new();
    let (person, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let link = house.link(&person);
    house.post(&admin, &format!("/api/v1/keys/{key}/revoke"), &json!({"reason": "stolen"})).ok();
    let now = house.clock.now().0;
    house.clock.set(tabellion_model::Micros(now + 16 * 60 * 1_000_000));
    house.live_system(&admin, "Another one");
    house.clock.set(tabellion_model::Micros(now - 3_600_000_000));
    house.get(&secret, "/api/v1/calls").refused(401, "not_signed_in");
    let id = tabellion_model::CredentialId::from_hex(&key).expect("an id");
    let known = house.desk.views().gate_now().keys[&id].ends_at;
    assert_eq!(known, Some(tabellion_model::Micros(0)), "the end of a revoked key would hang on the clock");
    let body = json!({"link": link, "for": "program"});
    house.ask("POST", "/api/v1/session").json(&body).send().refused(403, "link_unusable");
}

#[test]
fn what_is_wrong_with_a_key_or_a_name_is_said() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let past = json!({"name": "backend", "expires_at": "2020-01-01"});
    let refused =
        house.post(&admin, &format!("/api/v1/systems/{system}/keys"), &past).refused(400, "malformed");
    let detail = refused.json()["detail"].as_str().expect("a detail").to_owned();
    assert!(
        detail.contains("2020-01-01") && detail.contains("2026-03-02"),
        "nobody learns which time was meant: {detail}"
    );
    for name in ["Loan \u{202e}troppus", "\u{200b}", "\u{3164}"] {
        let hidden = json!({"name": name, "purposes": ["support"]});
        house.post(&admin, "/api/v1/systems", &hidden).refused(400, "malformed");
    }
}

/// The type of the newest record.
fn newest_type(house: &House) -> String {
    let reader = house.ledger.reader();
    let headers =
        (0..reader.size()).rev().map(|index| reader.entry(index).expect("an entry").entry.header().cloned());
    headers.flatten().next().expect("a record").record_type.as_str().to_owned()
}

/// Whether the gateway would take the key now.
fn works_for_the_gateway(house: &House, key: &str) -> bool {
    let gate = house.desk.views().gate_now();
    let id = tabellion_model::CredentialId::from_hex(key).expect("an id");
    gate.keys.get(&id).is_some_and(|key| key.ends_at.is_none_or(|ends_at| house.clock.now() < ends_at))
}

#[test]
fn a_rotated_key_works_on_for_the_overlap() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, old) = house.key(&admin, &system);
    let rotated =
        house.post(&admin, &format!("/api/v1/keys/{key}/rotate"), &json!({"overlap_s": 60})).ok().json();
    let new = rotated["result"]["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(rotated["result"]["key"]["replaces"], key.as_str());
    house.get(&old, "/api/v1/calls").ok();
    house.get(&new, "/api/v1/calls").ok();
    let rotated_at = house.clock.now().0;
    house.clock.set(tabellion_model::Micros(rotated_at + 61_000_000));
    house.get(&old, "/api/v1/calls").refused(401, "not_signed_in");
    house.get(&new, "/api/v1/calls").ok();
    // Anything that is recorded in the meantime holds the time that it was.
    house.live_system(&admin, "Another one");
    house.clock.set(tabellion_model::Micros(rotated_at - 3_600_000_000));
    house.get(&old, "/api/v1/calls").refused(401, "not_signed_in");
}

/// Requirement: G09
#[test]
fn a_system_without_a_known_owner_does_not_go_live() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (bo, _) = house.person("Bo", &[]);
    let live = json!({"stage": "live", "reason": "approved"});
    for owner in ["7".repeat(32), bo.clone()] {
        let body = json!({"name": "Orphan", "purposes": ["support"], "owner": owner});
        let system = house.post(&admin, "/api/v1/systems", &body).ok().json()["result"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        if owner == bo {
            let target = tabellion_ledger::ErasureTarget::Subject(bo.clone());
            house.ledger.erase(&target, "left the organisation").expect("an erasure");
        }
        house.post(&admin, &format!("/api/v1/systems/{system}/stage"), &live).refused(409, "owner_unknown");
    }
    let system = house.live_system(&admin, "Owned");
    let path = format!("/api/v1/systems/{system}");
    let tag = house.get(&admin, &path).ok().header("etag").expect("an ETag").to_owned();
    let orphaned = json!({"name": "Owned", "purposes": ["support"], "owner": "7".repeat(32)});
    house.put(&admin, &path, &tag, &orphaned).refused(409, "owner_unknown");
    house
        .post(&admin, &format!("{path}/stage"), &json!({"stage": "draft", "reason": "x"}))
        .refused(409, "stage_impossible");
}

/// Requirement: V39, P16
#[test]
fn nothing_is_captured_until_somebody_says_so_and_saying_so_is_a_record() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let read = house.get(&admin, &format!("/api/v1/systems/{system}")).ok().json();
    assert_eq!(read["capture"], "none", "content would be kept that nobody asked for");
    let path = format!("/api/v1/systems/{system}/capture");
    for nobody in [json!({"capture": "masked"}), json!({"capture": "masked", "reason": " "})] {
        house.post(&admin, &path, &nobody).refused(400, "malformed");
    }
    let on = house
        .post(&admin, &path, &json!({"capture": "masked", "reason": "a review of complaints"}))
        .ok()
        .json();
    assert_eq!(on["result"]["capture"], "masked");
    let entry = house.get(&admin, &format!("/api/v1/entries/{}", on["recorded"]["index"])).ok().json();
    assert_eq!(
        (&entry["type"], &entry["units"][0]["fields"]["capture"]),
        (&json!("system.registered"), &json!("masked"))
    );
    assert_eq!(
        entry["units"][0]["fields"]["capture_reason"], "a review of complaints",
        "nobody knows why: {entry}"
    );
    assert_eq!(on["result"]["capture_reason"], "a review of complaints");
    house
        .post(&admin, &path, &json!({"capture": "masked", "reason": "a review of complaints"}))
        .refused(409, "already_so");
    let works = |id: &str| {
        let said = house.get(&admin, &path).ok().json();
        let all = said["capabilities"].as_array().expect("a list").clone();
        all.into_iter().find(|one| one["id"] == id).expect("a capability")["works"].clone()
    };
    assert_eq!((works("read_prompt"), works("review")), (json!(true), json!(true)));
    house.post(&admin, &path, &json!({"capture": "masked_answer", "reason": "a review of complaints"})).ok();
    assert_eq!(
        (works("read_prompt"), works("read_answer")),
        (json!(false), json!(true)),
        "what is lost is not said"
    );
    house
        .post(&admin, &path, &json!({"capture": "prompts", "reason": "a review of complaints"}))
        .refused(400, "malformed");
    house.post(&admin, &path, &json!({"capture": "none", "reason": "a review of complaints"})).ok();
}

/// Requirement: V39. What is said of a system anew cannot switch capture without a reason, and carries on the one that was given.
#[test]
fn capture_is_not_switched_in_passing() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let path = format!("/api/v1/systems/{system}");
    let tag = || house.get(&admin, &path).ok().header("etag").expect("an ETag").to_owned();
    let said = |capture: &str| json!({"name": "Loans", "purposes": ["support"], "capture": capture});
    let refused = house.put(&admin, &path, &tag(), &said("masked")).refused(400, "malformed").json();
    assert_eq!(refused["pointer"], "/capture_reason", "nobody is told what is missing: {refused}");
    let mut why = said("masked");
    why["capture_reason"] = json!("a review of complaints");
    house.put(&admin, &path, &tag(), &why).ok();
    house.put(&admin, &path, &tag(), &said("masked")).ok();
    let read = house.get(&admin, &path).ok().json();
    assert_eq!(
        (&read["capture"], &read["capture_reason"]),
        (&json!("masked"), &json!("a review of complaints")),
        "why this much is kept is lost with the next description"
    );
    house
        .put(&admin, &path, &tag(), &json!({"name": "Loans", "purposes": ["support"]}))
        .refused(400, "malformed");
    assert_eq!(house.get(&admin, &path).ok().json()["capture"], "masked", "it was switched off in passing");
}

#[test]
fn a_system_that_begins_with_capture_says_why() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let said = |capture: &str| json!({"name": "Loans", "purposes": ["support"], "capture": capture});
    for capture in ["masked", "masked_prompt", "masked_answer"] {
        let refused = house.post(&admin, "/api/v1/systems", &said(capture)).refused(400, "malformed").json();
        assert_eq!(refused["pointer"], "/capture_reason", "content is kept and nobody says why: {refused}");
    }
    assert_eq!(house.count_of("system.registered"), 0, "what was refused is on record");
    house.post(&admin, "/api/v1/systems", &said("none")).ok();
    let mut why = said("masked");
    why["capture_reason"] = json!("a review of complaints");
    let made = house.post(&admin, "/api/v1/systems", &why).ok().json();
    assert_eq!(made["result"]["capture_reason"], "a review of complaints", "{made}");
}

#[test]
fn the_name_of_the_gateways_own_rule_is_taken() {
    let house = House::new();
    let (_, engineer) = house.person("Gus", &[Role::GovernanceEngineer]);
    let text = json!({"text": "permit(principal, action, resource);", "note": "first"});
    for path in ["/api/v1/policies/tabellion-probe", "/api/v1/policies/tabellion-probe/observation"] {
        let refused = house.ask("PUT", path).bearer(&engineer).json(&text).send().refused(400, "malformed");
        assert!(refused.text().contains("canaries"), "nobody is told why: {}", refused.text());
    }
    assert_eq!((house.count_of("policy.published"), house.count_of("policy.observed")), (0, 0));
}

#[test]
fn policies_are_checked_published_and_withdrawn_and_every_version_stays() {
    let house = House::new();
    let (_, engineer) = house.person("Gus", &[Role::GovernanceEngineer]);
    house.post(&engineer, "/api/v1/policies/check", &json!({"text": "allow"})).refused(422, "policy_faulty");
    let checked = house
        .post(&engineer, "/api/v1/policies/check", &json!({"text": "permit(principal, action, resource);"}))
        .ok()
        .json();
    let ask = |text: &str| json!({"text": text, "note": "first"});
    let path = "/api/v1/policies/base";
    house.get(&engineer, path).refused(404, "not_found");
    let first = house
        .ask("PUT", path)
        .bearer(&engineer)
        .json(&ask("permit(principal, action, resource);"))
        .send()
        .ok();
    assert_eq!(first.json()["result"]["digest"], checked["digest"], "decisions would name another text");
    house.ask("PUT", path).bearer(&engineer).json(&ask("forbid();")).send().refused(428, "version_required");
    house.put(&engineer, path, "\"1\"", &ask("nonsense")).refused(422, "policy_faulty");
    house.put(&engineer, path, "\"1\"", &ask("forbid(principal, action, resource);")).ok();
    house.post(&engineer, &format!("{path}/withdraw"), &json!({"reason": "replaced"})).ok();
    assert_eq!(house.get(&engineer, path).ok().json()["in_force"], false);
    let history = house.get(&engineer, &format!("{path}/history")).ok().json();
    let texts: Vec<bool> = history["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|version| version["text"].is_string())
        .collect();
    assert_eq!(texts, [true, true, false], "a text that decided calls could not be read any more: {history}");
}
