//! A policy is observed before it is enforced: its time, its calls, and a second person.

use serde_json::{Value, json};
use tabellion_ledger::Clock as _;
use tabellion_model::Micros;
use tabellion_model::body::{CallAuthorised, CallDenied, Observed, Role};
use tabellion_tlog::sha256;

use super::client::Answer;
use super::house::House;

/// Microseconds of the hours that a house observes for.
const WINDOW_US: u64 = 24 * 3_600_000_000;
const PATH: &str = "/api/v1/policies/base/observation";
const TEXT: &str = "forbid (principal, action, resource == Model::\"large\");";

impl House {
    /// Puts a text under observation; gives its digest.
    fn observe(&self, token: &str, text: &str) -> String {
        let body = json!({"text": text, "note": "the large one goes"});
        self.ask("PUT", PATH).bearer(token).json(&body).send().ok();
        sha256(text.as_bytes()).to_hex()
    }

    /// Enforces a text by somebody who has looked at what that comes to.
    fn enforce(&self, token: &str, digest: &str) -> Answer {
        let replay = self.post(token, "/api/v1/policies/base/replays", &json!({"text": TEXT})).ok().json();
        let body = json!({
            "digest": digest, "reason": "nobody is hit who should not be", "replay": replay["acknowledge"],
        });
        self.post(token, &format!("{PATH}/enforce"), &body)
    }

    /// A call that was tried on the text of `digest`, as the gateway records it.
    fn tried_call(&self, system: &str, key: &str, digest: &str, permitted: bool, would: &str) {
        let rules: &[&str] = if would == "none_permits" { &[] } else { &["base.rule1"] };
        let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
        let observed = Observed { policies: vec![digest.to_owned()], verdict: would.to_owned(), rules };
        if permitted {
            let body = json!({
                "surface": "openai.chat_completions", "model": "large", "upstream": "local", "purpose": "support", "stream": false,
                "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
                "rules": [], "retry": 0, "observed": observed,
            });
            self.append(&serde_json::from_value::<CallAuthorised>(body).expect("a body"), system, key, None);
        } else {
            let body = json!({
                "code": "policy_denied", "reason": "no rule permits it", "status": 403, "surface": "openai.chat_completions", "model": "large",
                "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0, "observed": observed,
            });
            self.append(&serde_json::from_value::<CallDenied>(body).expect("a body"), system, key, None);
        }
    }

    fn wait(&self, micros: u64) {
        self.clock.set(Micros(self.clock.now().0 + micros));
    }

    fn state(&self, token: &str) -> Value {
        self.get(token, PATH).ok().json()
    }
}

/// Requirement: N16.
#[test]
fn a_policy_is_enforced_after_its_time_its_calls_and_by_a_second_person() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (gus_id, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (eva_id, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let digest = house.observe(&gus, TEXT);
    house.get(&gus, "/api/v1/policies/base").refused(404, "not_found");
    house.enforce(&eva, &digest).refused(409, "still_observed");
    for (permitted, would) in [
        (true, "forbidden"),
        (true, "forbidden"),
        (true, "permitted"),
        (false, "permitted"),
        (false, "none_permits"),
    ] {
        house.tried_call(&system, &key, &digest, permitted, would);
    }
    // Of another text, and so none of this one's.
    house.tried_call(&system, &key, &"0".repeat(64), true, "forbidden");
    let state = house.state(&eva);
    assert_eq!((&state["calls"], &state["observed"]), (&json!(5), &json!(true)), "{state}");
    let deny = &state["would_deny"][0];
    assert_eq!(
        (&deny["name"], &deny["calls"], &deny["rules"]),
        (&json!("Loan support"), &json!(2), &json!({"base.rule1": 2})),
        "{state}"
    );
    assert_eq!(
        (&state["would_permit"][0]["calls"], &state["would_permit"][0]["system"]),
        (&json!(1), &json!(system)),
        "{state}"
    );
    // Enough calls, and not enough time.
    let missing = state["missing"].as_array().expect("a list");
    assert!(missing.len() == 1 && missing[0].as_str().unwrap().contains("24 hours"), "{state}");
    house.enforce(&eva, &digest).refused(409, "still_observed");
    house.wait(WINDOW_US);
    let (gus, eva) = (house.session(&gus_id), house.session(&eva_id));
    house.enforce(&gus, &digest).refused(403, "own_work");
    house.enforce(&gus, &digest).refused(403, "own_work");
    house.enforce(&eva, &"0".repeat(64)).refused(409, "not_what_was_shown");
    house.enforce(&eva, &digest).ok();
    let policy = house.get(&eva, "/api/v1/policies/base").ok().json();
    assert_eq!((&policy["in_force"], &policy["digest"]), (&json!(true), &json!(digest)), "{policy}");
    let state = house.state(&eva);
    assert_eq!(
        (&state["observed"], &state["text"]),
        (&json!(false), &Value::Null),
        "it would be tried for ever: {state}"
    );
    house.enforce(&eva, &digest).refused(409, "already_so");
    // What the attempt and the end leave on record.
    assert_eq!(house.count_of("policy.refused"), 1, "an attempt on one's own work leaves no trace, or two");
    assert_eq!(house.count_of("policy.observation_ended"), 1);
}

/// Requirement: N16.
#[test]
fn an_observed_name_takes_no_other_text_and_an_observation_ends_by_a_person_alone() {
    let house = House::new();
    let (gus_id, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let publish = |text: &str| {
        house
            .ask("PUT", "/api/v1/policies/base")
            .bearer(&gus)
            .json(&json!({"text": text, "note": "n"}))
            .send()
    };
    let digest = house.observe(&gus, TEXT);
    publish("permit (principal, action, resource);").refused(409, "still_observed");
    // A further text begins the observation anew, over the version that its author saw.
    let other = json!({"text": "forbid (principal, action, resource);", "note": "more"});
    house.ask("PUT", PATH).bearer(&gus).json(&other).send().refused(428, "version_required");
    house.put(&gus, PATH, "\"1\"", &other).ok();
    house.enforce(&gus, &digest).refused(409, "not_what_was_shown");
    let end = format!("{PATH}/end");
    house.post(&gus, &end, &json!({"reason": "it hit the wrong ones"})).ok();
    house.post(&gus, &end, &json!({"reason": "again"})).refused(409, "already_so");
    publish("permit (principal, action, resource);").ok();
    // Putting a text of an enforced name under observation leaves in force what is in force.
    let before = house.get(&gus, "/api/v1/policies/base").ok().json();
    house.put(&gus, PATH, "\"3\"", &other).ok();
    let after = house.get(&gus, "/api/v1/policies/base").ok().json();
    assert_eq!(before["digest"], after["digest"], "an observation took a policy out of force");
    assert_eq!(after["in_force"], true);
    // Nothing but a person's act ends it: time alone changes nothing.
    house.wait(100 * WINDOW_US);
    let state = house.state(&house.session(&gus_id));
    assert_eq!((&state["observed"], &state["calls"]), (&json!(true), &json!(0)), "{state}");
    assert_eq!(house.count_of("policy.observation_ended"), 1);
}

/// Requirement: N16.
#[test]
fn whom_the_observer_let_in_is_no_second_person() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (gus_id, _) = house.person("Gus", &[Role::GovernanceEngineer]);
    let system = house.live_system(&ada, "Loan support");
    let (key, _) = house.key(&ada, &system);
    let digest = house.observe(&ada, TEXT);
    for _ in 0..3 {
        house.tried_call(&system, &key, &digest, true, "permitted");
    }
    house.wait(WINDOW_US);
    let ada = house.session(&ada_id);
    let as_gus = house.let_in(&ada, &gus_id);
    house.enforce(&as_gus, &digest).refused(403, "own_link");
    assert_eq!(house.count_of("policy.refused"), 1);
    house.enforce(&house.session(&gus_id), &digest).ok();
}
