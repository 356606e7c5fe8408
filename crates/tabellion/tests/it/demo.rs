//! The demo is a user's first look.

use std::fs;

use super::support::{Notary, tabellion};

#[test]
fn the_demo_tells_the_whole_story_twice_and_leaves_evidence_that_verifies() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let dir = scratch.path().join("demo").display().to_string();
    for run in 1..=2 {
        let told = tabellion(&["demo", "--once", "--dir", &dir]).ends(0);
        for part in [
            format!("(run {run})"),
            "Each ended as its data says".to_owned(),
            "answers of a real model          0  there is none here".to_owned(),
            "denied by the gateway           10  invalid_api_key 1, malformed_body 2".to_owned(),
            "values kept from providers      14  email 7, iban 4, payment_card 3".to_owned(),
            (if run == 1 {
                "9 people, systems and policies were entered, 0 were there"
            } else {
                "0 people, systems and policies were entered, 9 were there"
            })
            .to_owned(),
            "exit 3".to_owned(),
            "exit 0".to_owned(),
            "changed".to_owned(),
            "report.html".to_owned(),
        ] {
            assert!(told.out.contains(&part), "the story does not say {part:?}:\n{}", told.out);
        }
        let package = format!("{dir}/evidence.zip");
        tabellion(&["verify", &package, "--trust", &format!("{dir}/trust.txt")]).ends(0);
        tabellion(&["verify", &package]).ends(3);
        let report =
            tabellion(&["verify", &package, "--trust", &format!("{dir}/trust.txt"), "--json"]).ends(0).json();
        let records = report["facts"].to_string();
        assert!(records.contains("erased"), "the report must account for what was erased: {records}");
    }
    tabellion(&["fsck", &dir]).ends(0);
    tabellion(&["doctor", "--dir", &dir]).ends(0);
}

#[test]
fn the_demo_leaves_another_log_alone() {
    let notary = Notary::new();
    let size = notary.size();
    notary.run(&["demo", "--once"]).refused(2, &["not the demo's", "--dir"]);
    assert_eq!(notary.size(), size, "the demo wrote into somebody's log");
    assert!(
        !fs::exists(notary.dir().join("evidence.zip")).expect("a look"),
        "the demo left a file in somebody's directory"
    );
}

#[test]
fn a_demo_whose_calls_end_otherwise_than_its_data_says_fails_and_names_them() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let dir = scratch.path().join("demo").display().to_string();
    // Nobody listens there.
    let told = tabellion(&["demo", "--once", "--dir", &dir, "--model", "http://127.0.0.1:9/v1"]).ends(1);
    for part in [
        "12 requests ended otherwise",
        "instalment-loan: expected answered, got failed:upstream_unreachable",
        "letter-with-address-streamed: expected streamed",
    ] {
        assert!(told.err.contains(part), "the demo hides that {part:?}:\n{}", told.err);
    }
    assert!(told.out.contains("answers of a real model          0  http://127.0.0.1:9/v1"), "{}", told.out);
    tabellion(&["fsck", &dir]).ends(0);
}
