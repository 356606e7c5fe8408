//! The playground of the running program: a call is tried, and neither log, nor anchors, nor views, nor the provider know of it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tabellion_testkit::upstream::{Answer, openai};

use super::organisation::Organisation;

const PATH: &str = "/api/v1/playground/calls";
const SECRET: &str = "ada.lovelace@example.org";

/// The bytes of every file below a directory of the notary, by path.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(directory) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

/// Requirement: P36.
#[test]
fn a_tried_call_leaves_log_anchors_views_and_provider_as_they_were() {
    let organisation = Organisation::new(Answer::json(200, openai::chat_of("48 months.")));
    let system = organisation.system("Loan support");
    let key = organisation.key(&system, &json!({}));
    assert_eq!(organisation.chat(&key.secret, "small", "How long?").status, 200);
    let developer = organisation.person("Dev", "developer");
    let auditor = organisation.person("Aud", "auditor");
    let admin = &organisation.admin.token;
    let state = || {
        let dir = organisation.notary.dir();
        let read = |path: &str| organisation.read(admin, path);
        (
            organisation.notary.run(&["log", "head", "--json"]).ends(0).json(),
            files(&dir.join("anchors")),
            (read("/api/v1/policies"), read("/api/v1/calls"), read(&format!("/api/v1/keys/{}", key.id))),
            organisation.provider.requests().len(),
        )
    };
    let before = state();
    let body = json!({"model": "large", "messages": [{"role": "user", "content": format!("I am {SECRET}")}]})
        .to_string();
    let call = json!({"key": key.id, "surface": "openai.chat_completions", "body": body});
    let trial = organisation.done("POST", PATH, &call);
    assert_eq!((&trial["permitted"], &trial["rules"]), (&json!(true), &json!(["base.all"])), "{trial}");
    let sent = trial["sent"]["body"].as_str().expect("a body");
    assert!(!sent.contains(SECRET) && trial["sent"]["masked"] != json!([]), "{trial}");
    let mut drafted = call.clone();
    drafted["policies"] = json!([{"name": "house", "text": "@id(\"no-large\") forbid (principal, action, resource == Model::\"large\");"}]);
    let trial = organisation.done("POST", PATH, &drafted);
    assert_eq!(
        (&trial["permitted"], &trial["code"], &trial["rules"]),
        (&json!(false), &json!("policy_denied"), &json!(["house.no-large"])),
        "{trial}"
    );
    let mut asks = call.clone();
    asks["ask"] = true.into();
    let asked = organisation.done("POST", PATH, &asks);
    let answered = &asked["answered"];
    assert_eq!((&answered["outcome"], &answered["status"]), (&json!("answered"), &json!(200)), "{asked}");
    assert!(answered["body"].as_str().is_some_and(|body| body.contains("48 months")), "{asked}");
    let sent = organisation.provider.requests().len();
    assert_eq!(sent, before.3 + 1, "the provider was not asked");
    drafted["policies"] = json!([{"name": "house", "text": "forbid (principal"}]);
    let (status, answer) = organisation.ask(admin, "POST", PATH, &drafted);
    assert_eq!((status, answer.to_string().contains("policy_faulty")), (422, true), "{answer}");
    assert!(!answer.to_string().contains(SECRET), "an error repeats what was tried: {answer}");
    for (who, expected) in [(&auditor.token, 403), (&developer.token, 403)] {
        let (status, answer): (u16, Value) = organisation.ask(who, "POST", PATH, &call);
        assert_eq!(status, expected, "whoever does not answer for a system tries its calls: {answer}");
    }
    // The provider was asked once, by whoever asked for that.
    let after = state();
    assert_eq!(
        (after.0, after.1, after.2, after.3),
        (before.0, before.1, before.2, before.3 + 1),
        "a tried call left something behind"
    );
}
