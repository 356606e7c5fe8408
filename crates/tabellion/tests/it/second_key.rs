//! The log's second key, as an operator meets it.

use std::fs;

use crate::support::{Notary, tabellion};

/// The path of the one second key's file whose id begins so.
fn file_of(notary: &Notary, key: &str) -> std::path::PathBuf {
    notary.dir().join(format!("keys/ml-dsa-44-{}.key", &key[..16]))
}

fn second_keys(notary: &Notary) -> Vec<serde_json::Value> {
    let listed = notary.run(&["key", "list", "--json"]).ends(0).json();
    let rows = listed["keys"].as_array().expect("keys").clone();
    rows.into_iter().filter(|row| row["purpose"] == "hybrid").collect()
}

fn in_force(notary: &Notary) -> String {
    let keys = second_keys(notary);
    let row = keys.iter().find(|row| row["standing"] == "in force").expect("one is in force");
    row["key_id"].as_str().expect("an id").to_owned()
}

/// Requirement: B12. While a server runs: both keys are on record, and each trust file vouches for what was handed out under it.
#[test]
fn a_second_key_is_rotated_under_a_running_server_and_old_evidence_stays_valid() {
    // Encrypted, so that the passphrase has to be at hand for the new key too.
    let notary = Notary::encrypted("correct horse battery staple");
    let server = notary.serve();
    notary.run(&["key", "hybrid"]).ends(0);
    let before = notary.record(&notary.file("a.json", b"{}"), &[]);
    let before = before["receipt"].as_str().expect("a receipt").to_owned();
    let old_trust = notary.file("old-trust.txt", &fs::read(notary.trust()).expect("a trust file"));
    let old = in_force(&notary);

    let said = notary.run(&["key", "rotate", "hybrid"]).ends(0).out;
    let new = in_force(&notary);
    assert!(said.contains(&old) && said.contains(&new), "the operator is not told what changed: {said}");
    let after = notary.record(&notary.file("b.json", b"[]"), &[]);
    let after = after["receipt"].as_str().expect("a receipt").to_owned();
    for (path, trust, checked) in [
        (&before, &old_trust, true),
        (&before, &notary.trust(), false),
        (&after, &old_trust, false),
        (&after, &notary.trust(), true),
    ] {
        let report = tabellion(&["verify", path, "--trust", trust]).ends(0).out;
        // A report breaks its lines where they are full.
        let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
        let words =
            if checked { "ML-DSA-44 signature was checked too" } else { "did not sign this checkpoint" };
        assert!(report.contains(words), "{path} under {trust}: {report}");
    }
    drop(server.stop().ends(0));
    notary.run(&["doctor"]).ends(0);
    notary.is_sound();
    let text = fs::read_to_string(file_of(&notary, &new)).expect("a key file");
    assert!(text.contains("ENCRYPTED PRIVATE KEY"), "the new key lies in the open");
    let standings: Vec<String> = second_keys(&notary).iter().map(|row| row["standing"].to_string()).collect();
    assert!(standings[0].contains("rotated out at entry"), "{standings:?}");
    // A package of all of it holds for all verifiers; here the first of them.
    let package = notary.beside_text("all.zip");
    notary.run(&["export", "--out", &package]).ends(0);
    notary.verify(&package).ends(0);
}

/// Requirement: B12. A key file that is not the one on record stops the start, and the remedy that is named works.
#[test]
fn another_second_key_than_the_one_on_record_is_refused_with_its_remedy() {
    let (notary, other) = (Notary::with(&["--hybrid"]), Notary::with(&["--hybrid"]));
    let (key, foreign) = (in_force(&notary), in_force(&other));
    fs::rename(file_of(&notary, &key), notary.beside("kept.key")).expect("the file is moved");
    fs::copy(file_of(&other, &foreign), file_of(&notary, &foreign)).expect("another comes");
    let remedy = format!("tabellion key revoke {key} --reason lost");
    let refused =
        notary.run(&["record", &notary.file("a.json", b"{}")]).refused(1, &[&key, &foreign, &remedy]);
    assert!(refused.out.is_empty());
    let doctor = notary.run(&["doctor"]).ends(1);
    assert!(doctor.out.contains(&remedy), "doctor does not say what to do: {}", doctor.out);

    fs::remove_file(file_of(&notary, &foreign)).expect("the foreign file goes");
    notary.run(&["key", "revoke", &key, "--reason", "lost"]).ends(0);
    let trust = fs::read_to_string(notary.trust()).expect("a trust file");
    assert!(!trust.contains("ML-DSA-44"), "the trust file names a key that was withdrawn: {trust}");
    notary.run(&["key", "hybrid"]).ends(0);
    assert_ne!(in_force(&notary), key);
    notary.run(&["doctor"]).ends(0);
    notary.is_sound();
}
