//! Packs of policies as files: built, verified and shown by the built program; and the packs that are shipped.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tabellion_testkit::upstream::{Answer, openai};
use tempfile::TempDir;

use super::organisation::Organisation;
use super::support::{Ran, tabellion};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/packs")
}

fn pack(args: &[&str]) -> Ran {
    tabellion(&[&["policy", "pack"], args].concat())
}

/// A publisher's key in a directory of its own: the directory, the file and the line by which others trust it.
fn publisher() -> (TempDir, String, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("vendor.key").to_str().expect("a plain path").to_owned();
    let line = pack(&["key", "--name", "vendor", "--out", &file]).ends(0).out.trim().to_owned();
    (directory, file, line)
}

/// Builds one of the packs that are shipped.
fn built(directory: &TempDir, key: &str, name: &str) -> String {
    let out = directory.path().join(format!("{name}.pack")).to_str().expect("a plain path").to_owned();
    let source = examples().join(name).to_str().expect("a plain path").to_owned();
    pack(&["build", &source, "--key", key, "--out", &out]).ends(0);
    out
}

/// Every pack that is shipped builds, which takes that its cases come out, and that each of its rules has a case and a source.
///
/// Requirement: N18.
#[test]
fn shipped_packs_carry_tests_and_sources() {
    let (directory, key, line) = publisher();
    let mut seen = 0;
    for entry in fs::read_dir(examples()).expect("packs are shipped") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let file = built(&directory, &key, name);
        pack(&["verify", &file, "--publisher", &line]).ends(0);
        let shown = pack(&["show", &file, "--json"]).ends(0).json();
        assert_eq!(shown["pack"]["name"], name, "a pack is called otherwise than its directory: {shown}");
        assert!(shown["pack"]["sources"].as_array().is_some_and(|sources| !sources.is_empty()), "{shown}");
        seen += 1;
    }
    assert!(seen >= 2, "packs are missing");
}

/// Requirement: N18.
#[test]
fn a_pack_has_one_form_and_nothing_in_it_can_be_changed() {
    let (directory, key, line) = publisher();
    let (_other, _, stranger) = publisher();
    let file = built(&directory, &key, "data-terms");
    let first = fs::read_to_string(&file).expect("the pack");
    built(&directory, &key, "data-terms");
    assert_eq!(fs::read_to_string(&file).expect("the pack"), first, "the same pack has two forms");
    pack(&["verify", &file, "--publisher", &stranger]).ends(1);
    let changed = first.replace("\"version\":1", "\"version\":2");
    assert_ne!(changed, first);
    fs::write(&file, &changed).expect("a file");
    pack(&["verify", &file, "--publisher", &line]).ends(1);
    let (text, _) = first.split_once("\n\n").expect("signatures");
    fs::write(&file, format!("{text}\n")).expect("a file");
    pack(&["verify", &file, "--publisher", &line]).ends(1);
    let shown = pack(&["show", &file]).ends(0);
    assert!(shown.out.contains("signatures none"), "{}", shown.out);
    fs::write(&file, "no pack\n").expect("a file");
    pack(&["show", &file]).ends(2);
}

/// Requirement: N18.
#[test]
fn a_pack_that_fails_its_own_cases_is_not_built() {
    let (directory, key, _) = publisher();
    let copy = directory.path().join("wrong");
    fs::create_dir(&copy).expect("a directory");
    for entry in fs::read_dir(examples().join("data-terms")).expect("a pack") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("a copy");
    }
    let cases = copy.join("cases.toml");
    let text = fs::read_to_string(&cases).expect("its cases");
    fs::write(&cases, text.replace("retention_days = 31", "retention_days = 30")).expect("a file");
    let copy = copy.to_str().expect("a plain path");
    let said = pack(&["build", copy, "--key", &key]).ends(1);
    assert!(said.err.contains("one that keeps for longer"), "nobody could see which case: {}", said.err);
    assert!(said.out.is_empty(), "a pack was made all the same");
}

/// A pack on the running program: put forward, loaded by a second person, deciding, and named in the records of what it decides.
///
/// Requirement: N18.
#[test]
fn a_loaded_pack_decides_calls_and_stands_in_their_records() {
    let organisation = Organisation::new(Answer::json(200, openai::chat_of("48 months.")));
    let (directory, key, line) = publisher();
    let system = organisation.system("Loan support");
    let call_key = organisation.key(&system, &json!({}));
    let second = organisation.person("Eva", "governance-engineer");
    let other = organisation.person("Gus", "governance-engineer");
    let changed = |token: &str, path: &str, body: &serde_json::Value| {
        let (status, answer) = organisation.ask(token, "POST", path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    };
    let publisher = json!({"key": line, "layers": ["system"], "note": "our own"});
    let put = changed(&other.token, "/api/v1/pack-publishers", &publisher);
    let trust = json!({"proposed": put["result"]["waiting"]["proposed"], "reason": "compared"});
    changed(&second.token, "/api/v1/pack-publishers/vendor/trust", &trust);
    let file = fs::read_to_string(built(&directory, &key, "model-list")).expect("the pack");
    let put = json!({"file": file, "systems": [system], "note": "what was assessed"});
    let put = changed(&other.token, "/api/v1/policy-packs", &put);
    assert_eq!(organisation.chat(&call_key.secret, "small", "How long?").status, 200, "what waits decided");
    let found = changed(&second.token, "/api/v1/policy-packs/model-list/replays", &json!({}));
    let load = json!({
        "proposed": put["result"]["waiting"]["proposed"], "reason": "it is what we assessed", "replay": found["acknowledge"],
    });
    changed(&second.token, "/api/v1/policy-packs/model-list/load", &load);
    let denied = organisation.chat(&call_key.secret, "small", "How long?");
    assert_eq!((denied.status, denied.code().as_str()), (403, "policy_denied"), "{denied:?}");
    assert!(denied.body.contains("model-list"), "the application is not told which pack: {}", denied.body);
    let unbound = organisation.system("Another");
    let free = organisation.key(&unbound, &json!({}));
    assert_eq!(
        organisation.chat(&free.secret, "small", "How long?").status,
        200,
        "a pack of one system holds for another"
    );
}
