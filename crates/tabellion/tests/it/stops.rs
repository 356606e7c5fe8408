//! Emergency stops with the program itself: one command at three in the morning, and a second person to lift it.

use serde_json::json;
use tabellion_testkit::upstream::{Answer, openai};

use super::control::session;
use super::organisation::Organisation;

/// Requirement: N11, P57. One command stops everything of a running server; neither a restart nor the operator alone ends that; a person whom somebody else let
/// in does.
#[test]
fn the_operator_stops_everything_with_one_command_and_a_person_lifts_it() {
    let mut house = Organisation::new(Answer::json(200, openai::CHAT));
    let system = house.system("Loan support");
    let key = house.key(&system, &json!({}));
    assert_eq!(house.chat(&key.secret, "small", "Hello").status, 200);
    let quiet = house.notary.run(&["doctor"]).ends(0).out;
    assert!(quiet.contains("no emergency stop is in force"), "{quiet}");
    house.notary.run(&["stop", "order"]).ends(2);
    assert_eq!(
        house.chat(&key.secret, "small", "Hello").status,
        200,
        "a forgotten option stopped everything"
    );

    house.notary.run(&["stop", "order", "--person", "corp|4711", "--agent", "corp|loans"]).ends(2);
    let said = house.notary.run(&["stop", "order", "--agent", "corp|loans"]).ends(0).out;
    assert!(said.contains("agent corp|loans"), "{said}");
    let answer = house.chat(&key.secret, "small", "Hello");
    assert_eq!(answer.status, 200, "a stop of an agent stopped a call that has none");

    let said = house.notary.run(&["stop", "order", "--all"]).ends(0).out;
    let stop = said.split(' ').nth(1).expect("its id").to_owned();
    assert!(said.contains("every call"), "{said}");
    let refused = house.chat(&key.secret, "small", "Hello");
    assert_eq!((refused.status, refused.code().as_str()), (403, "stopped"), "{refused:?}");
    assert_eq!(house.provider.requests().len(), 3, "the provider heard of it");
    let doctor = house.notary.run(&["doctor"]).ends(0).out;
    assert!(doctor.contains("in force, so that calls are refused") && doctor.contains(&stop), "{doctor}");
    let listed = house.notary.run(&["stop", "list"]).ends(0).out;
    assert!(listed.contains("calls refused: 1,") && listed.contains("no call was cut"), "{listed}");

    house.restart();
    assert_eq!(house.chat(&key.secret, "small", "Hello").code(), "stopped", "a restart lifts a stop");
    let lift = ["stop", "lift", stop.as_str(), "--reason", "it was mended"];
    let alone = house.notary.run(&lift).ends(1).err;
    assert!(alone.contains("second person"), "{alone}");
    // Whoever came in by the operator's link alone might be the operator.
    let path = format!("/api/v1/stops/{stop}/lift");
    let why = json!({"reason": "it was mended"});
    let (status, answer) = house.ask(&house.admin.token, "POST", &path, &why);
    assert_eq!((status, answer["code"].as_str()), (403, Some("own_link")), "{answer}");
    let cleo = house.person("Cleo", "compliance-officer").id;
    let link = house.done("POST", &format!("/api/v1/people/{cleo}/links"), &json!({}));
    let (status, opened) = session(&house.control, link["result"]["url"].as_str().expect("a link"));
    assert_eq!(status, 201, "{opened}");
    let (status, answer) = house.ask(opened["token"].as_str().expect("a token"), "POST", &path, &why);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(house.chat(&key.secret, "small", "Hello").status, 200, "a stop that was lifted goes on");
    let listed = house.notary.run(&["stop", "list", "--json"]).ends(0).json();
    assert_eq!(listed["stops"][0]["calls_refused"], 2, "{listed}");
    assert!(listed["stops"][0]["lifted_at"].is_string(), "{listed}");
}
