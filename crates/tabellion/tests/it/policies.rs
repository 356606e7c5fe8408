//! Policies as files: linted, tested and compared by the built program, without a server or a data directory.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tabellion_testkit::upstream::{Answer, openai};
use tempfile::TempDir;

use super::control;
use super::organisation::Organisation;
use super::support::{Ran, tabellion, wait_until};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies")
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("plain paths")
}

/// A directory with policies in it.
fn policies(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn policy(args: &[&str]) -> Ran {
    tabellion(&[&["policy"], args].concat())
}

const OPEN: &str = "@id(\"all\")\npermit (principal, action, resource);\n";
const WIDE: &str = "@id(\"local\")\npermit (principal, action, resource in Upstream::\"local\");\n@id(\"none\")\nforbid (principal, action, resource);\n";

/// Requirement: N17.
#[test]
fn lint_ends_as_a_pipeline_needs_it() {
    policy(&["lint", text_of(&examples()), "--strict"]).ends(0);
    let broken = policies(&[(
        "house.cedar",
        "permit (principal, action, resource)\nwhen { context.purpos == \"a\" };",
    )]);
    let said = policy(&["lint", text_of(broken.path())]).ends(1);
    assert!(said.out.contains("house.cedar:2:8: error: "), "an editor could not go there: {}", said.out);
    assert!(said.out.contains("[policy_schema]"), "{}", said.out);
    let doubtful = policies(&[("house.cedar", WIDE)]);
    policy(&["lint", text_of(doubtful.path())]).ends(0);
    let said = policy(&["lint", text_of(doubtful.path()), "--strict", "--format", "json"]).ends(1).json();
    let codes: Vec<&str> =
        said["findings"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["policy_unreachable", "policy_permits_nothing"], "{said}");
    policy(&["lint", "/nonexistent/x.cedar"]).refused(2, &["x.cedar"]);
}

/// SARIF 2.1.0, §3: the members that a reader relies on, each of its type, and references that resolve.
/// Requirement: N17.
#[test]
fn sarif_has_the_form_of_the_standard() {
    let files = policies(&[("house rules.cedar", OPEN), ("other.cedar", WIDE)]);
    let directory = text_of(files.path());
    // A name with a space is refused as a policy's name, and its address has to be a reference all the same.
    let document = policy(&["lint", directory, "--format", "sarif"]).ends(1).json();
    assert_eq!(document["version"], "2.1.0");
    assert!(document["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("reportingDescriptors");
    assert!(run["tool"]["driver"]["name"].is_string());
    assert!(["unicodeCodePoints", "utf16CodeUnits"].contains(&run["columnKind"].as_str().unwrap()));
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string(), "{rule}");
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["none", "note", "warning", "error"].contains(&level), "{rule}");
    }
    let results = run["results"].as_array().expect("results, also when there are none");
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"], "{result}");
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains(' ') && uri.starts_with("file:///"), "no reference: {uri}");
        assert!(
            place["region"]["startLine"].as_u64() >= Some(1)
                && place["region"]["startColumn"].as_u64() >= Some(1)
        );
    }
    let clean = policy(&["lint", text_of(&examples()), "--format", "sarif"]).ends(0).json();
    assert_eq!(clean["runs"][0]["results"], json!([]));
}

/// The table that stands beside the examples, as the documents say to run it.
/// Requirement: N17.
#[test]
fn the_examples_pass_their_table_and_a_wrong_expectation_fails() {
    let table = examples().join("cases.toml");
    let (examples, table) = (examples(), text_of(&table).to_owned());
    let said = policy(&["test", text_of(&examples), "--cases", &table, "--strict"]).ends(0);
    assert!(said.out.contains("0 wrong, 0 not asked"), "{}", said.out);
    let wrong =
        fs::read_to_string(&table).unwrap().replace("expect = \"none_permits\"", "expect = \"permitted\"");
    let other = policies(&[("cases.toml", &wrong)]);
    let other = other.path().join("cases.toml");
    let said = policy(&["test", text_of(&examples), "--cases", text_of(&other)]).ends(1);
    assert!(said.out.contains("expected permitted, came none_permits"), "{}", said.out);
    let report =
        policy(&["test", text_of(&examples), "--cases", text_of(&other), "--format", "junit"]).ends(1);
    assert!(
        report.out.contains("<failure message=\"expected permitted, came none_permits\"/>"),
        "{}",
        report.out
    );
    // A rule that no case tries is named, and fails where that is asked for.
    let few =
        fs::read_to_string(&table).unwrap().split("[[case]]").take(2).collect::<Vec<_>>().join("[[case]]");
    let few = policies(&[("cases.toml", &few)]);
    let few = few.path().join("cases.toml");
    let said = policy(&["test", text_of(&examples), "--cases", text_of(&few)]).ends(0);
    assert!(said.out.contains("not tried: night-batch.night decided no case"), "{}", said.out);
    policy(&["test", text_of(&examples), "--cases", text_of(&few), "--strict"]).ends(1);
    let typo = policies(&[("cases.toml", &wrong.replace("purpose =", "purpos ="))]);
    let typo = typo.path().join("cases.toml");
    policy(&["test", text_of(&examples), "--cases", text_of(&typo)]).refused(2, &["purpos"]);
}

/// Requirement: N17.
#[test]
fn diff_names_rules_by_meaning_and_cases_by_system() {
    let examples = examples();
    let copy = |change: &dyn Fn(&str, String) -> String| {
        let files = tempfile::tempdir().expect("a directory");
        for name in ["house-rules.cedar", "loan-support.cedar", "night-batch.cedar"] {
            let text = fs::read_to_string(examples.join(name)).unwrap();
            fs::write(files.path().join(name), change(name, text)).unwrap();
        }
        files
    };
    let table = examples.join("cases.toml");
    let spaced = copy(&|_, text| text.replace("  ", "      ").replace("permit (", "// so\npermit ("));
    let said =
        policy(&["diff", text_of(&examples), text_of(spaced.path()), "--cases", text_of(&table)]).ends(0);
    assert!(said.out.contains("0 changes of meaning; 0 of 9 cases"), "{}", said.out);
    let smaller = copy(&|_, text| text.replace("1048576", "512"));
    let said =
        policy(&["diff", text_of(&examples), text_of(smaller.path()), "--cases", text_of(&table)]).ends(1);
    assert!(said.out.contains("changed    house-rules.one-megabyte, for example of chat"), "{}", said.out);
    assert!(
        said.out.contains("\nLoan support assistant\n  would now deny: a customer's question"),
        "{}",
        said.out
    );
    let changes =
        policy(&["diff", text_of(&examples), text_of(smaller.path()), "--format", "json"]).ends(1).json();
    assert_eq!(changes["rules"][0]["change"], "changed", "{changes}");
}

/// Decisions of a real gateway, as the API gives them and as a package holds them, come out the same by the same texts; where a record does not say enough
/// for other texts, that is said.
/// Requirement: N17.
#[test]
fn recorded_decisions_are_asked_again() {
    let mut organisation = Organisation::new(Answer::json(200, openai::chat_of("48 months.")));
    let system = organisation.system("Loan support");
    let key = organisation.key(&system, &json!({}));
    let narrow = "@id(\"all\") permit (principal, action, resource);\n@id(\"no-large\") forbid (principal, action, resource == Model::\"large\");\n";
    let change = json!({"text": narrow, "note": "without the large one"});
    organisation.done("POST", "/api/v1/policies/base/withdraw", &json!({"reason": "published anew"}));
    organisation.done("PUT", "/api/v1/policies/house", &change);
    assert_eq!(organisation.chat(&key.secret, "small", "How long?").status, 200);
    assert_eq!(organisation.chat(&key.secret, "large", "How long?").status, 403);
    let listed = organisation.read(&organisation.admin.token, "/api/v1/calls");
    let calls = listed["calls"].as_array().unwrap();
    let lines = calls.iter().map(|call| format!("{call}\n")).collect::<Vec<_>>().concat();
    organisation.stop();
    let lines = organisation.notary.file("decisions.jsonl", lines.as_bytes());
    let package = organisation.notary.beside_text("evidence.zip");
    organisation.notary.run(&["export", "--out", &package]).ends(0);
    let table = "[models]\nsmall = { upstream = \"local\" }\nlarge = { upstream = \"local\" }\n";
    let table = organisation.notary.file("known.toml", table.as_bytes());
    let same = organisation.notary.file("house.cedar", narrow.as_bytes());
    for recorded in [&lines, &package] {
        let said = policy(&["test", &same, "--recorded", recorded, "--cases", &table]).ends(0);
        assert!(
            said.out.contains("2 cases: 2 as expected, 0 wrong, 0 not asked"),
            "{recorded}: {}",
            said.out
        );
    }
    // Records say which model the application's word stands for; the list of calls does not, and without the table nobody knows.
    let said = policy(&["test", &same, "--recorded", &package]).ends(0);
    assert!(said.out.contains("2 cases: 2 as expected, 0 wrong, 0 not asked"), "{}", said.out);
    let said = policy(&["test", &same, "--recorded", &lines]).ends(3);
    assert!(said.out.contains("add it under [models]"), "{}", said.out);
    let open = organisation.notary.file("open.cedar", OPEN.as_bytes());
    let said = policy(&["diff", &same, &open, "--recorded", &package, "--cases", &table]).ends(1);
    assert!(said.out.contains("\nLoan support\n  would now permit: entry "), "{}", said.out);
    let sized = organisation
        .notary
        .file("sized.cedar", b"permit (principal, action, resource) when { context.received_bytes < 9000 };");
    policy(&["test", &sized, "--recorded", &lines, "--cases", &table]).ends(3);
    // Of the package the size is known, so that this is an answer: the second call is permitted now.
    let said = policy(&["test", &sized, "--recorded", &package, "--cases", &table]).ends(1);
    assert!(said.out.contains("expected forbidden by house.no-large, came permitted"), "{}", said.out);
    let tools = organisation
        .notary
        .file("tools.cedar", b"permit (principal, action, resource) when { context.tools.isEmpty() && !context.stream && context.hour_utc < 24 };");
    // What the rules were given is on record: tools, stream and hour are no riddle, and who would be let through is said.
    let said = policy(&["diff", &same, &tools, "--recorded", &package, "--cases", &table]).ends(1);
    assert!(said.out.contains("\nLoan support\n  would now permit: entry "), "{}", said.out);
    let said = policy(&["test", &tools, "--recorded", &lines, "--cases", &table]).ends(3);
    assert!(said.out.contains("a rule looks at the tools offered, which"), "{}", said.out);
    // A table that says something else than what the rules were given makes nothing up.
    let other = "[models]\nsmall = { upstream = \"elsewhere\" }\nlarge = { upstream = \"elsewhere\" }\n";
    let other = organisation.notary.file("other.toml", other.as_bytes());
    let said = policy(&["test", &same, "--recorded", &package, "--cases", &other]).ends(3);
    assert!(said.out.contains("its digest is another one than on record"), "{}", said.out);
}

/// A real gateway tries an observed text on every call and answers as if it were not there; each call's record says what would have come.
/// Requirement: N16.
#[test]
fn an_observed_policy_changes_no_answer_and_stands_in_every_record() {
    let organisation = Organisation::new(Answer::json(200, openai::chat_of("48 months.")));
    let system = organisation.system("Loan support");
    let key = organisation.key(&system, &json!({}));
    let text = "@id(\"all\") permit (principal, action, resource);\n@id(\"no-large\") forbid (principal, action, resource == Model::\"large\");\n";
    let before = organisation.chat(&key.secret, "large", "How long?");
    organisation.done(
        "PUT",
        "/api/v1/policies/base/observation",
        &json!({"text": text, "note": "to be tried"}),
    );
    let after = organisation.chat(&key.secret, "large", "How long?");
    assert_eq!((before.status, after.status), (200, 200), "an observed rule stopped a call: {after:?}");
    assert_eq!(organisation.chat(&key.secret, "small", "How long?").status, 200);
    let admin = &organisation.admin.token;
    let state = || organisation.read(admin, "/api/v1/policies/base/observation");
    wait_until("the views have both calls", || state()["calls"] == 2);
    let state = state();
    assert_eq!(state["would_deny"][0]["calls"], 1, "{state}");
    assert_eq!(state["would_deny"][0]["rules"], json!({"base.no-large": 1}), "{state}");
    assert_eq!(
        (&state["would_deny"][0]["name"], &state["would_permit"]),
        (&json!("Loan support"), &json!([])),
        "{state}"
    );
    let index = &organisation.call(admin, after.record())["proof"]["decided"]["index"];
    let entry = organisation.read(admin, &format!("/api/v1/entries/{index}"));
    let fields = &entry["units"][0]["fields"];
    assert_eq!(fields["rules"], json!(["base.all"]), "what decided is what is in force: {entry}");
    let observed = &fields["observed"];
    assert_eq!(
        (&observed["verdict"], &observed["rules"]),
        (&json!("forbidden"), &json!(["base.no-large"])),
        "{entry}"
    );
    assert_eq!(observed["policies"], json!([state["digest"]]), "{entry}");
    // Without an observation nothing of it is in a record, as it was before there were any.
    organisation.done("POST", "/api/v1/policies/base/observation/end", &json!({"reason": "seen enough"}));
    let index = &organisation.call(admin, organisation.chat(&key.secret, "large", "How long?").record())["proof"]
        ["decided"]["index"];
    let entry = organisation.read(admin, &format!("/api/v1/entries/{index}"));
    assert_eq!(entry["units"][0]["fields"].get("observed"), None, "{entry}");
}

/// A gateway whose policies were all taken away is not started by mistake; a first start, and one that somebody asks for, are possible.
/// Requirement: N19.
#[test]
fn a_start_without_a_policy_is_refused_where_there_were_some_with_what_to_do() {
    let mut organisation = Organisation::new(Answer::json(200, openai::chat_of("48 months.")));
    organisation.done("POST", "/api/v1/policies/base/withdraw", &json!({"reason": "to be rewritten"}));
    organisation.stop();
    let refused = organisation.notary.run(&["serve"]).ends(1);
    assert!(
        refused.err.contains("tabellion serve --without-policy"),
        "nobody is told how to go on: {}",
        refused.err
    );
    assert!(!refused.err.contains("serving the log"), "it served all the same: {}", refused.err);
    organisation.start_with(&["--without-policy"]);
    let system = organisation.system("Loan support");
    let key = organisation.key(&system, &json!({}));
    assert_eq!(
        organisation.chat(&key.secret, "small", "How long?").status,
        403,
        "a call passed without a policy"
    );
    let text = "@id(\"all\") permit (principal, action, resource);";
    let replay = organisation.done("POST", "/api/v1/policies/base/replays", &json!({"text": text}));
    let policy = json!({"text": text, "note": "again", "replay": replay["acknowledge"]});
    let (admin, version) = (organisation.admin.token.clone(), json!(2));
    let (status, answer) =
        control::change(&organisation.control, "/api/v1/policies/base", &admin, &version, &policy);
    assert_eq!(status, 200, "it could not be mended: {answer}");
    organisation.restart();
}
