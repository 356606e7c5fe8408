//! Where two people change policies: what one puts forward another confirms, and nobody changes what is in force alone.

use serde_json::{Value, json};
use tabellion_app::work::proposing::{Confirmation, NewProposal, TakingBack};
use tabellion_app::work::{Actor, Given};
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

/// Requirement: N16. Who put a change forward takes it back, on record; nobody else does, and nobody confirms it after that.
#[test]
fn who_put_a_change_forward_takes_it_back_and_nobody_confirms_it_then() {
    let house = House::of_two_people();
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
    let proposed = house.forward(&gus, Some(OPEN));
    let back = format!("{PROPOSAL}/withdraw");
    let why = json!({"proposed": proposed, "reason": "a rule was missing"});
    house.post(&eva, &back, &why).refused(403, "not_permitted");
    let other = json!({"proposed": "0".repeat(32), "reason": "r"});
    house.post(&gus, &back, &other).refused(409, "not_what_was_shown");
    let taken = house.post(&gus, &back, &why).ok().json();
    let taken = &taken["result"];
    assert_eq!(
        (&taken["waiting"], &taken["taken_back"]["reason"]),
        (&json!(false), &why["reason"]),
        "{taken}"
    );
    assert_eq!(taken["text"], json!(OPEN), "what was taken back cannot be read any more");
    house.post(&gus, &back, &why).refused(409, "already_so");
    house.confirm(&eva, &proposed, Some(OPEN)).refused(409, "already_so");
    assert!(house.desk.views().gate_now().policies.is_empty(), "what was taken back is in force");
    assert_eq!(house.get(&eva, "/api/v1/policy-proposals").ok().json()["proposals"], json!([]));
    assert_eq!(house.count_of("policy.proposal_withdrawn"), 1);
    // The next one goes its own way, over the version that the stream has by then.
    let again = house.forward(&gus, Some(NARROW));
    assert_eq!(
        house.get(&eva, PROPOSAL).ok().json()["taken_back"],
        Value::Null,
        "the next one seems taken back"
    );
    house.confirm(&eva, &again, Some(NARROW)).ok();
}

/// Requirement: N16. The operator is one person: neither alone, nor with whom they let in themselves.
#[test]
fn the_operator_confirms_only_what_somebody_else_let_in_put_forward() {
    let house = House::of_two_people();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (gus_id, by_operator) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (actor, given) = (Actor::Operator, Given::default());
    let confirmation = |proposed: &str| -> Confirmation {
        serde_json::from_value(json!({"proposed": proposed, "reason": "read it"})).expect("a form")
    };
    // Let in by the operator's own link: nobody could tell the two apart.
    let proposed = house.forward(&by_operator, Some(OPEN));
    let refused = house.desk.confirm_policy(&actor, &given, "base", &confirmation(&proposed));
    assert_eq!(refused.expect_err("one pair of hands").code.as_str(), "own_link");
    let own: NewProposal = serde_json::from_value(json!({"text": OPEN, "note": "n"})).expect("a form");
    let version = house.get(&ada, PROPOSAL).ok().json()["version"].as_u64();
    let over = Given { version, ..Given::default() };
    let (own, _) = house.desk.propose_policy(&actor, &over, "base", &own).expect("a proposal");
    let refused = house.desk.confirm_policy(&actor, &given, "base", &confirmation(&own.proposed));
    assert_eq!(refused.expect_err("their own").code.as_str(), "own_work");
    let back: TakingBack =
        serde_json::from_value(json!({"proposed": own.proposed, "reason": "r"})).expect("a form");
    house.desk.take_back_policy(&actor, &given, "base", &back).expect("it is their own");
    // Let in by an administrator: another person, as far as anybody can tell.
    let by_ada = house.let_in(&ada, &gus_id);
    let proposed = house.forward(&by_ada, Some(OPEN));
    house.desk.confirm_policy(&actor, &given, "base", &confirmation(&proposed)).expect("two people");
    assert!(!house.desk.views().gate_now().policies.is_empty());
}
