//! What whole packages show: every check on good ones, and the answers without a trust file.

use tabellion_model::package::verify_tree;
use tabellion_model::{DisclosurePolicy, Micros, Outcome, Period, Report, verify};
use tabellion_tlog::Policy;

use super::cut::Cut;
use super::fixture::{HOUR, Log, START, erased, plain, rotated};

fn trusted(log: &Log, bytes: &[u8]) -> Report {
    verify(bytes, Some(&Policy::parse(log.trust()).unwrap()))
}

fn assert_holds(report: &Report, what: &str) {
    assert_eq!(report.exit_code(), 0, "{what}: an honest package is refused\n{}", report.to_text());
    assert!(report.checks.iter().all(|check| check.outcome == Outcome::Holds), "{what}: a check did not run");
    assert!(
        report.findings.iter().all(|finding| finding.outcome == Outcome::Holds),
        "{what}: a finding is open"
    );
}

/// Requirement: A18
///
/// Bytes and a trust file are all there is: no account, no service, no network, not even a file system.
#[test]
fn a_package_verifies_from_its_bytes_and_a_trust_file_alone() {
    for (name, log) in [("plain", plain()), ("erased", erased()), ("rotated", rotated())] {
        let bytes = log.package(&Cut::default());
        for trust in [log.trust(), log.root_trust(), log.log_trust()] {
            assert_holds(&verify(&bytes, Some(&Policy::parse(&trust).unwrap())), name);
        }
    }
}

#[test]
fn every_range_of_whole_batches_verifies_at_every_later_size() {
    for log in [plain(), erased()] {
        for from in 0..log.seals.len() {
            for to in from..log.seals.len() {
                for at in to..log.seals.len() {
                    let cut = Cut { batches: (from, to), size: Some(log.seals[at].0 + 1), ..Cut::default() };
                    assert_holds(
                        &trusted(&log, &log.package(&cut)),
                        &format!("batches {from} to {to} at {at}"),
                    );
                }
            }
        }
    }
}

#[test]
fn a_range_before_rotations_needs_the_key_records_after_it() {
    let log = rotated();
    let bytes = log.package(&Cut { batches: (0, 1), ..Cut::default() });
    assert_holds(&trusted(&log, &bytes), "range before the rotations");
}

#[test]
fn a_period_without_any_batch_is_shown_to_be_empty() {
    let log = plain();
    // Batch 1 is committed after one hour, batch 2 after two: nothing in between.
    let period = Period { from: Micros(START + HOUR + 1), to: Micros(START + 2 * HOUR) };
    let bytes = log.package(&Cut { batches: (2, 1), period: Some(period), ..Cut::default() });
    let report = trusted(&log, &bytes);
    assert_holds(&report, "empty period");
    assert_eq!(report.facts["count"], 0, "the package is not empty");
}

/// Requirement: A19
#[test]
fn the_three_findings_are_answered_apart_with_what_each_rests_on() {
    let log = plain();
    let bytes = log.package(&Cut::default());
    let report = trusted(&log, &bytes);
    let questions: Vec<_> = report.findings.iter().map(|finding| finding.question).collect();
    assert_eq!(questions, ["existed at the time", "unaltered", "issued by whom"]);
    assert!(
        report.findings[0].rests_on.contains("no outside clock"),
        "the reader takes the log's clock for a witness"
    );
    assert!(report.findings[0].answer.contains("2026-01-01T00:00:00"), "the time is not named");
    assert!(report.findings[2].rests_on.contains("trust file"), "the reader is not told whom they believe");

    let untrusted = verify(&bytes, None);
    assert_eq!(
        untrusted.findings[1].outcome,
        Outcome::Holds,
        "alteration does not depend on whom one believes"
    );
    assert_eq!(
        untrusted.findings[2].outcome,
        Outcome::Undetermined,
        "an unknown issuer is reported as known"
    );
    let json = untrusted.to_json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 3, "machines do not get the findings");
}

/// Requirement: R16
#[test]
fn without_a_trust_file_nothing_is_more_than_consistent() {
    let log = plain();
    let bytes = log.package(&Cut::default());
    let report = verify(&bytes, None);
    assert_eq!(report.exit_code(), 3, "a stranger's package passes");
    let issuer = report.check("issuer").unwrap();
    assert_eq!(issuer.outcome, Outcome::Undetermined);
    assert!(issuer.detail.contains("--trust"), "the reader is not told what to do: {}", issuer.detail);
}

#[test]
fn a_trust_file_of_another_log_leaves_the_issuer_open_and_names_both() {
    let log = plain();
    let bytes = log.package(&Cut::default());
    let other = Log::new("other.example", "b");
    let report = verify(&bytes, Some(&Policy::parse(other.trust()).unwrap()));
    assert_eq!(report.exit_code(), 3, "a package of a log that nobody pinned passes");
    let detail = &report.check("issuer").unwrap().detail;
    assert!(
        detail.contains("notary.example/log/demo") && detail.contains("other.example/log/demo"),
        "unhelpful: {detail}"
    );
}

#[test]
fn the_same_name_with_other_keys_is_never_believed() {
    let log = plain();
    let impostor = Log::new("notary.example", "impostor");
    let bytes = log.package(&Cut::default());
    for trust in [impostor.trust(), impostor.root_trust(), impostor.log_trust()] {
        let report = verify(&bytes, Some(&Policy::parse(&trust).unwrap()));
        assert_eq!(report.exit_code(), 3, "keys of the same name but another holder are believed");
        assert!(report.check("issuer").unwrap().detail.contains("somebody else"), "the reader is not warned");
    }
    // A pinned root that the genesis contradicts outweighs a pinned log key.
    let mixed = format!("{}{}", log.log_trust().replace("quorum none\n", ""), impostor.root_trust());
    assert_eq!(
        verify(&bytes, Some(&Policy::parse(&mixed).unwrap())).exit_code(),
        3,
        "a contradicting root is ignored"
    );
}

#[test]
fn a_quorum_that_nobody_meets_leaves_the_issuer_open() {
    let log = plain();
    let witness = tabellion_tlog::VerifierKey::with_type(
        "witness.example",
        super::fixture::key("witness").public(),
        tabellion_tlog::SignatureType::CosignatureV1,
    )
    .unwrap();
    let trust = log.trust().replace("quorum none", &format!("witness w {witness}\nquorum w"));
    let report = verify(&log.package(&Cut::default()), Some(&Policy::parse(&trust).unwrap()));
    assert_eq!(report.exit_code(), 3, "a checkpoint without the witnesses asked for passes");
    assert!(report.check("issuer").unwrap().detail.contains("witnesses"), "the missing witness is not named");
}

/// Requirement: A21
#[test]
fn every_report_says_what_it_does_not_show() {
    let log = plain();
    let bytes = log.package(&Cut::default());
    let receipt = log.receipt(log.seals[1].1.first).to_bytes().unwrap();
    let statement = log.transparent(log.seals[2].1.first);
    for bytes in [bytes, receipt, statement, b"something else".to_vec()] {
        let report = verify(&bytes, None);
        // Lines are wrapped.
        let text = report.to_text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("not a certification body"), "the scope is missing:\n{text}");
        assert!(report.to_json()["scope"].as_str().unwrap().contains("not a certification body"));
        for word in ["compliant", "certified", "tamper-proof"] {
            assert!(!text.to_lowercase().contains(word), "{word:?} is not ours to say:\n{text}");
        }
        assert!(
            report.checks.iter().all(|check| !check.does_not_prove.is_empty()),
            "a check hides its limits"
        );
    }
}

/// Requirement: B04
#[test]
fn any_selection_of_units_verifies_and_what_is_withheld_is_not_there() {
    let log = plain();
    for (policy, shown, hidden) in [
        (DisclosurePolicy::All, "subject of loan file", None),
        (DisclosurePolicy::Business, "loan file", Some("subject of loan file")),
        (DisclosurePolicy::None, "", Some("loan file")),
    ] {
        let bytes = log.package(&Cut { disclosure: policy, ..Cut::default() });
        let report = trusted(&log, &bytes);
        assert_holds(&report, policy.as_str());
        let plaintext = decoded_disclosures(&bytes);
        assert!(plaintext.contains(shown), "what was chosen is not shown");
        if let Some(hidden) = hidden {
            assert!(!plaintext.contains(hidden), "withheld content is in the package");
        }
    }
}

fn decoded_disclosures(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let zip = tabellion_model::zip::ZipArchive::parse(bytes).unwrap();
    let mut text = String::new();
    for file in zip.files().iter().filter(|file| file.name.starts_with("disclosures/")) {
        for line in std::str::from_utf8(file.content).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            for encoded in line["disclosures"].as_array().unwrap() {
                let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
                    .decode(encoded.as_str().unwrap())
                    .unwrap();
                text.push_str(&String::from_utf8(bytes).unwrap());
            }
        }
    }
    text
}

/// Requirement: W06
#[test]
fn after_an_erasure_every_proof_still_holds_and_the_tombstone_says_why_content_is_gone() {
    let log = erased();
    let bytes = log.package(&Cut::default());
    let report = trusted(&log, &bytes);
    assert_holds(&report, "erased");
    assert!(
        report.check("erasures").unwrap().detail.starts_with("units erased: 1"),
        "the erasure is not counted"
    );
    // Erased, withheld and shown are three different things.
    let totals = &log.write(&Cut::default(), &log.parts(&Cut::default())).1.manifest.summary.totals;
    assert_eq!(
        (totals.units, totals.erased, totals.withheld),
        (7 + 1, 1, 0),
        "an erased unit is counted as something else"
    );
    let business = Cut { disclosure: DisclosurePolicy::Business, ..Cut::default() };
    let totals = &log.write(&business, &log.parts(&business)).1.manifest.summary.totals;
    assert_eq!((totals.erased, totals.withheld), (1, 2), "withheld and erased are mixed up");
    // A package from before the erasure took effect shows it as withheld, not as erased.
    let early = Cut { batches: (0, 2), size: Some(log.seals[2].0 + 1), ..Cut::default() };
    assert_holds(&trusted(&log, &log.package(&early)), "before the erasure");
    // The tombstone may stand outside the range.
    let range = Cut { batches: (1, 1), ..Cut::default() };
    assert_holds(&trusted(&log, &log.package(&range)), "tombstone outside the range");
}

#[test]
fn an_epoch_without_its_close_reads_unknown_after_its_last_number() {
    let log = erased();
    let report = trusted(&log, &log.package(&Cut::default()));
    let detail = &report.check("numbers").unwrap().detail;
    assert!(detail.contains("unknown after"), "an open epoch is reported as complete: {detail}");
}

#[test]
fn the_tree_check_alone_agrees_with_the_full_one() {
    let log = plain();
    let bytes = log.package(&Cut { batches: (1, 2), ..Cut::default() });
    let figures = verify_tree(&bytes).unwrap();
    assert_eq!(figures.root, log.root_at(log.size()), "another root than the log's");
    assert_eq!(figures.size, log.size());
    let mut changed = bytes.clone();
    let at = bytes.windows(8).position(|window| window == b"observed").unwrap();
    changed[at + 20] ^= 1;
    assert!(verify_tree(&changed).is_err(), "a changed entry gives the same root");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(
        plain().package(&Cut::default()),
        plain().package(&Cut::default()),
        "an export cannot be reproduced"
    );
}

#[test]
fn many_bundles_are_one_range() {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    for batch in 0..9 {
        for number in 0..500 {
            log.record(&format!("{batch} {number}"));
        }
        log.seal();
    }
    let cut = Cut { batches: (1, usize::MAX), ..Cut::default() };
    let bytes = log.package(&cut);
    let zip = tabellion_model::zip::ZipArchive::parse(&bytes).unwrap();
    assert!(zip.get("entries/00000001.bundle").is_some(), "the range fits one bundle; this proves nothing");
    assert_holds(&trusted(&log, &bytes), "two bundles");
    assert_eq!(verify_tree(&bytes).unwrap().entries, log.size() - log.seals[1].1.first);
}
