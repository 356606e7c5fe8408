//! Where two people change policies: what one puts forward another confirms, and nobody changes what is in force alone.

use serde_json::{Value, json};
use tabellion_model::body::Role;
use tabellion_tlog::sha256;

use super::client::Answer;
use super::house::House;

const PATH: &str = "/api/v1/policies/base";
const PROPOSAL: &str = "/api/v1/policies/base/proposal";
const OPEN: &str = "@id(\"all\") permit (principal, action, resource);";
const NONE: &str = "@id(\"none\") forbid (principal, action, resource);";
const NARROW: &str =
    "@id(\"all\") permit (principal, action, resource) when { context.purpose == \"support\" };";

impl House {
    /// Puts a text forward, or that nothing is in force; gives the record of it.
    fn forward(&self, token: &str, text: Option<&str>) -> String {
        let body = json!({"text": text, "note": "what the board decided"});
        let put = self.ask("PUT", PROPOSAL).bearer(token).json(&body).send().ok().json();
        put["result"]["proposed"].as_str().expect("a record").to_owned()
    }

    /// Confirms that record by somebody who has looked at what it comes to.
    fn confirm(&self, token: &str, proposed: &str, text: Option<&str>) -> Answer {
        let replay = self.post(token, &format!("{PATH}/replays"), &json!({"text": text})).json();
        let body =
            json!({"proposed": proposed, "reason": "read it line by line", "replay": replay["acknowledge"]});
        self.post(token, &format!("{PROPOSAL}/confirm"), &body)
    }
}

/// Requirement: N16. Invariant 6.
#[test]
fn where_two_people_change_policies_nobody_does_it_alone() {
    let house = House::of_two_people();
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (eva_id, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
    let alone = json!({"text": OPEN, "note": "the first"});
    house.ask("PUT", PATH).bearer(&gus).json(&alone).send().refused(409, "second_person_needed");
    let proposed = house.forward(&gus, Some(OPEN));
    house.get(&gus, PATH).refused(404, "not_found");
    assert!(house.desk.views().gate_now().policies.is_empty(), "what one person put forward decides calls");
    let seen = house.get(&eva, PROPOSAL).ok().json();
    assert_eq!(
        (&seen["waiting"], &seen["withdraws"], &seen["text"], &seen["note"]),
        (&json!(true), &json!(false), &json!(OPEN), &json!("what the board decided")),
        "nobody sees what they are to confirm"
    );
    let listed = house.get(&eva, "/api/v1/policy-proposals").ok().json();
    assert_eq!(listed["proposals"][0]["proposed"], json!(proposed), "what waits is in no list");
    house.confirm(&gus, &proposed, Some(OPEN)).refused(403, "own_work");
    house.confirm(&gus, &proposed, Some(OPEN)).refused(403, "own_work");
    assert_eq!(house.count_of("policy.refused"), 1, "an attempt on one's own work leaves no trace, or two");
    house.confirm(&eva, &"0".repeat(32), Some(OPEN)).refused(409, "not_what_was_shown");
    house.confirm(&eva, &proposed, Some(OPEN)).ok();
    let policy = house.get(&eva, PATH).ok().json();
    assert_eq!(policy["digest"], json!(sha256(OPEN.as_bytes()).to_hex()), "another text is in force");
    house.confirm(&eva, &proposed, Some(OPEN)).refused(409, "already_so");
    // The record says both: who put it forward, and who confirmed it and why.
    let versions = house.get(&eva, &format!("{PATH}/history")).ok().json();
    let version = &versions["versions"][0];
    assert_eq!((&version["by"], &version["confirmed"]), (&json!(eva_id), &json!("read it line by line")));
    assert_eq!(version["note"], "what the board decided", "{version}");
    assert!(version["proposed_by"].is_string() && version["proposed_by"] != version["by"], "{version}");
}

/// Requirement: N16. Invariant 6.
#[test]
fn whom_the_proposer_let_in_is_no_second_person() {
    let house = House::of_two_people();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (gus_id, _) = house.person("Gus", &[Role::GovernanceEngineer]);
    let proposed = house.forward(&ada, Some(OPEN));
    let as_gus = house.let_in(&ada, &gus_id);
    house.confirm(&as_gus, &proposed, Some(OPEN)).refused(403, "own_link");
    assert_eq!(
        house.count_of("policy.refused"),
        1,
        "that one pair of hands tried to publish leaves no trace"
    );
    assert!(house.desk.views().gate_now().policies.is_empty(), "one pair of hands published a policy");
    house.confirm(&house.session(&gus_id), &proposed, Some(OPEN)).ok();
}

/// Requirement: N16. Taking a policy out of force may open what it closed, so that takes two as well.
#[test]
fn the_end_of_a_policy_takes_two_people_too_and_the_last_that_was_put_forward_counts() {
    let house = House::of_two_people();
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
    let end = json!({"text": null, "note": "no longer needed"});
    let refused = house.ask("PUT", PROPOSAL).bearer(&gus).json(&end).send();
    refused.refused(404, "not_found");
    house.confirm(&eva, &house.forward(&gus, Some(OPEN)), Some(OPEN)).ok();
    house
        .post(&gus, &format!("{PATH}/withdraw"), &json!({"reason": "n"}))
        .refused(409, "second_person_needed");
    let first = house.forward(&gus, Some(NARROW));
    // Something else in its place says over which version; what was put forward before is decided on no more.
    house.ask("PUT", PROPOSAL).bearer(&gus).json(&end).send().refused(428, "version_required");
    let version = house.get(&gus, PROPOSAL).ok().json()["version"].as_u64().expect("a version");
    house.put(&gus, PROPOSAL, &format!("\"{version}\""), &end).ok();
    house.confirm(&eva, &first, Some(NARROW)).refused(409, "not_what_was_shown");
    let waits = house.get(&eva, PROPOSAL).ok().json();
    assert_eq!((&waits["withdraws"], &waits["text"]), (&json!(true), &Value::Null), "{waits}");
    assert!(!house.desk.views().gate_now().policies.is_empty(), "one person took a policy out of force");
    house.confirm(&eva, waits["proposed"].as_str().expect("a record"), None).ok();
    assert!(house.desk.views().gate_now().policies.is_empty(), "what two people ended decides on");
    let versions = house.get(&eva, &format!("{PATH}/history")).ok().json();
    assert_eq!(versions["versions"][1]["withdrawn"], true, "{versions}");
}

/// Requirement: N16, B09.
#[test]
fn the_second_person_acknowledges_what_it_turns() {
    let house = House::of_two_people();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
    house.confirm(&eva, &house.forward(&gus, Some(OPEN)), Some(OPEN)).ok();
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.calls(&system, &key);
    let proposed = house.forward(&gus, Some(NONE));
    let blind = json!({"proposed": proposed, "reason": "it will be fine"});
    house.post(&eva, &format!("{PROPOSAL}/confirm"), &blind).refused(409, "replay_needed");
    house.confirm(&eva, &proposed, Some(NONE)).ok();
    assert_eq!(house.count_of("policy.published"), 2, "a change that was acknowledged is not made");
}

/// One person may put forward also where nothing asks for two; then it takes the second all the same.
#[test]
fn what_is_put_forward_waits_also_where_one_person_may_publish() {
    let house = House::new();
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
    let proposed = house.forward(&gus, Some(OPEN));
    house.confirm(&gus, &proposed, Some(OPEN)).refused(403, "own_work");
    // What was changed meanwhile is not what was thought of.
    house.ask("PUT", PATH).bearer(&gus).json(&json!({"text": NARROW, "note": "meanwhile"})).send().ok();
    house.confirm(&eva, &proposed, Some(OPEN)).refused(409, "already_so");
    assert_eq!(house.get(&eva, PROPOSAL).ok().json()["waiting"], false);
}
