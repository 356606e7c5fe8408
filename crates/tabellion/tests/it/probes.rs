//! Probes with the program itself: whether what is configured is enforced, from the command line and over the API.

use serde_json::json;
use tabellion_testkit::upstream::{Answer, openai};

use super::organisation::Organisation;

/// Requirement: N19. Before a canary was stopped nothing is proven; afterwards a record proves it; and none of that is traffic, a call to a provider, or spent.
#[test]
fn what_is_configured_is_proven_by_a_command_and_is_no_traffic() {
    let house = Organisation::new(Answer::json(200, openai::CHAT));
    let system = house.system("Loan support");
    let key = house.key(&system, &json!({}));
    assert_eq!(house.chat(&key.secret, "small", "Hello").status, 200);
    let asked = house.provider.requests().len();
    let listed = house.notary.run(&["probe", "list", "--json"]).ends(0).json();
    assert_eq!((&listed["has_gateway"], &listed["every_s"]), (&json!(true), &json!(null)), "{listed}");
    let states = |said: &serde_json::Value| -> Vec<String> {
        let places = said["places"].as_array().expect("places");
        places.iter().map(|place| place["state"].as_str().expect("a state").to_owned()).collect()
    };
    assert!(!states(&listed).is_empty(), "masking is not among what is tried: {listed}");
    assert!(states(&listed).iter().all(|state| state == "configured"), "it proves itself: {listed}");

    let ran = house.notary.run(&["probe", "run", "--json"]).ends(0).json();
    assert!(states(&ran).iter().all(|state| state == "proven"), "{ran}");
    let said = house.notary.run(&["probe", "list"]).ends(0).out;
    assert!(said.contains("proven") && said.contains("masking"), "{said}");
    assert_eq!(house.provider.requests().len(), asked, "a provider heard of a canary");
    let calls = house.read(&house.admin.token, "/api/v1/calls").to_string();
    assert!(!calls.contains("tabellion-probe"), "a canary is listed as a call: {calls}");
    let probes = house.read(&house.admin.token, "/api/v1/probes");
    assert_eq!(probes["newest"]["cause"], "asked", "{probes}");
    assert_eq!(probes["routes"][0]["state"], "bypassable", "masking alone guards no route: {probes}");
}

/// Requirement: B07. Guards and classes of masking are measured by a command; what came of it is on record with its counts, and is no traffic and no call to a
/// provider.
#[test]
fn guards_are_measured_by_a_command_and_that_is_no_traffic() {
    let house = Organisation::new(Answer::json(200, openai::CHAT));
    let before = house.provider.requests().len();
    let said = house.notary.run(&["probe", "measure", "--json"]).ends(0).json();
    let guards = said["guards"].as_array().expect("guards");
    let email = guards.iter().find(|guard| guard["class"] == "email").expect("masking is measured by class");
    assert_eq!((&email["state"], &email["tried"]), (&json!("measured"), &json!(30)), "{email}");
    assert_eq!(email["stopped"], 30, "an address goes on as it is: {email}");
    assert_eq!(house.provider.requests().len(), before, "a provider heard of it");
    let calls = house.read(&house.admin.token, "/api/v1/calls").to_string();
    assert!(!calls.contains("tabellion-probe"), "an input is listed as a call: {calls}");
    let probes = house.read(&house.admin.token, "/api/v1/probes");
    assert_eq!(probes["measurement"]["cause"], "asked", "{probes}");
    assert_eq!(probes["measured"][0]["state"], "measured", "{probes}");
}
