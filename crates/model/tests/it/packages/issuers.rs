//! What a dishonest issuer tries: keys, seals, disclosures, erasures and counts that are not what they say.

use super::cut::{Cut, Parts, stranger};
use super::fixture::{Log, START, erased, key, plain, rotated};
use super::forging::{Lie, assert_broken, faults, pack, relist, relisted, trusted, unpack};
use base64::Engine as _;
use tabellion_model::package::ErasedUnit;
use tabellion_model::registry::Purpose;
use tabellion_model::{Disclosure, Micros, Outcome, to_jcs, verify};
use tabellion_tlog::{Policy, sha256};

#[test]
fn a_package_signed_by_a_foreign_key_is_broken_and_names_both_keys() {
    let log = plain();
    let stranger = stranger();
    let mut files = unpack(&log.package(&Cut::default()));
    relist(&mut files, &stranger, |_| {});
    let report = trusted(&log, &pack(&files));
    let foreign = stranger.public().key_id().to_hex();
    let own = log.keys[&Purpose::Package].public().key_id().to_hex();
    assert_broken(&report, "manifest signature", &[&foreign, &own], "a stranger's signature");
    assert_eq!(faults(&report), ["manifest signature"], "more is blamed than the signature");
}

#[test]
fn a_rotated_out_package_key_signs_nothing_any_more() {
    let log = rotated();
    let old = key("a package");
    let mut files = unpack(&log.package(&Cut::default()));
    relist(&mut files, &old, |_| {});
    assert_broken(
        &trusted(&log, &pack(&files)),
        "manifest signature",
        &["not the package key in force"],
        "a rotated-out key",
    );
}

#[test]
fn checkpoints_of_another_log_or_size_do_not_fit() {
    let log = plain();
    let files = unpack(&log.package(&Cut::default()));
    let with = |checkpoint: String| {
        let mut files = files.clone();
        files.insert("checkpoint".to_owned(), checkpoint.into_bytes());
        relisted(&log, &files, |_| {})
    };
    let other = Log::new("other.example", "b");
    assert_broken(
        &trusted(&log, &with(other.checkpoint(other.size()))),
        "tree",
        &["other.example"],
        "another log's checkpoint",
    );
    let older = log.checkpoint(log.seals[1].0 + 1);
    assert_broken(&trusted(&log, &with(older)), "tree", &["size"], "an older checkpoint");
    // The right tree signed by a key that is not the log's.
    let mut forged = plain();
    forged.keys.insert(Purpose::Log, stranger());
    let report = trusted(&log, &with(forged.checkpoint(log.size())));
    assert_broken(&report, "checkpoint signature", &[], "a checkpoint signed by a stranger");
    assert_eq!(faults(&report), ["checkpoint signature"], "more is blamed than the signature");
}

#[test]
fn key_records_that_are_left_out_are_missed() {
    let mut log = rotated();
    log.revoke(tabellion_model::KeyId::of(&log.keys[&Purpose::Actor].public()));
    log.seal();
    let cut = Cut { batches: (0, 1), ..Cut::default() };
    let parts = log.parts(&cut);
    for dropped in log.key_records.iter().filter(|index| **index > log.seals[1].0) {
        let mut parts = parts.clone();
        parts.proof.extra.retain(|placed| placed.index != *dropped);
        let (bytes, _) = log.write(&cut, &parts);
        let report = trusted(&log, &bytes);
        assert_broken(&report, "keys", &[], &format!("key record {dropped} is left out"));
    }
    // Not even with the manifest adjusted: the last seal of the tree counts them.
    let revocation = *log.key_records.last().unwrap();
    let mut parts = parts;
    parts.proof.extra.retain(|placed| placed.index != revocation);
    parts.keys -= 1;
    let (bytes, _) = log.write(&cut, &parts);
    assert_broken(&trusted(&log, &bytes), "keys", &["left out"], "a hidden revocation");
}

#[test]
fn a_statement_of_a_revoked_key_is_broken() {
    let mut log = plain();
    log.revoke(tabellion_model::KeyId::of(&log.keys[&Purpose::Actor].public()));
    let index = log.statement("after the revocation");
    log.seal();
    let report = trusted(&log, &log.package(&Cut::default()));
    assert_broken(
        &report,
        "statements",
        &[&format!("entry {index}"), "not in force"],
        "a revoked key still speaks",
    );
}

#[test]
fn seals_that_lie_are_broken() {
    let mut log = erased();
    log.record("late");
    log.seal_at(Micros(START));
    let report = trusted(&log, &log.package(&Cut::default()));
    assert_broken(&report, "seals", &["before the seal before it"], "time runs backwards");

    let mut log = erased();
    log.keys.insert(Purpose::Writer, stranger());
    log.record("late");
    let index = log.seal();
    let report = trusted(&log, &log.package(&Cut::default()));
    assert_broken(
        &report,
        "seals",
        &[&format!("seal at entry {index}"), "not the writer key"],
        "a stranger seals",
    );
}

/// Of two faults in one line the form decides, in every verifier: a part is read before it is compared (formats §12).
#[test]
fn disclosures_that_are_foreign_and_out_of_order_are_malformed() {
    let log = plain();
    let mut files = unpack(&log.package(&Cut::default()));
    let name = "disclosures/00000000.jsonl";
    let text = String::from_utf8(files[name].clone()).unwrap();
    let mut lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut foreign: Vec<Disclosure> = lines[1..]
        .iter()
        .flat_map(|line| line["disclosures"].as_array().unwrap())
        .map(|one| Disclosure::parse(one.as_str().unwrap()).unwrap())
        .collect();
    foreign.sort_by_key(Disclosure::digest);
    lines[0]["disclosures"] = foreign.iter().rev().take(2).map(Disclosure::encode).collect();
    let content: String =
        lines.iter().map(|line| String::from_utf8(to_jcs(line).unwrap()).unwrap() + "\n").collect();
    files.insert(name.to_owned(), content.into_bytes());
    let report = trusted(&log, &relisted(&log, &files, |_| {}));
    assert_eq!(report.exit_code(), 2, "two verifiers, two verdicts: {}", report.to_text());
}

/// Requirement: B04
#[test]
fn disclosures_that_were_never_sealed_are_broken() {
    let log = plain();
    let files = unpack(&log.package(&Cut::default()));
    let name = "disclosures/00000000.jsonl";
    let text = String::from_utf8(files[name].clone()).unwrap();
    let with = |content: String| {
        let mut files = files.clone();
        files.insert(name.to_owned(), content.into_bytes());
        trusted(&log, &relisted(&log, &files, |_| {}))
    };
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let shown = first["disclosures"][0].as_str().unwrap();
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(shown).unwrap();
    let forged = String::from_utf8(decoded).unwrap().replace("loan", "loaN").replace("3]", "4]");
    let forged = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(forged);
    let report = with(text.replacen(shown, &forged, 1));
    assert_broken(
        &report,
        "disclosures",
        &[&format!("entry {}", first["index"]), "not among the digests"],
        "a changed value",
    );
    assert_eq!(
        faults(&report),
        ["disclosures", "totals"],
        "more is blamed than the disclosure and its count"
    );

    // A line taken out is withheld, which only the count notices: undisclosed is not missing.
    let rest = text.split_inclusive('\n').skip(1).collect();
    let report = with(rest);
    assert_eq!(faults(&report), ["totals"], "a withheld unit is blamed as missing");

    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(0, 1);
    assert_eq!(
        with(lines.join("\n") + "\n").check("disclosures").unwrap().outcome,
        Outcome::Malformed,
        "two orders pass"
    );
}

/// Requirement: W06
#[test]
fn erasures_that_nothing_proves_are_broken() {
    let log = erased();
    let cut = Cut::default();
    let files = unpack(&log.package(&cut));
    let parts = log.parts(&cut);
    let line = parts.erased[0].clone();
    let with = |line: &ErasedUnit| {
        let json = serde_json::json!({
            "disclosure": line.disclosure, "index": line.index, "tombstone": line.tombstone, "unit": line.unit.to_string(),
        });
        let mut files = files.clone();
        files.insert("erasures.jsonl".to_owned(), format!("{json}\n").into_bytes());
        trusted(&log, &relisted(&log, &files, |_| {}))
    };
    assert_eq!(with(&line).exit_code(), 0, "the way this test writes lines is wrong");
    let elsewhere = ErasedUnit { tombstone: line.tombstone - 1, ..line.clone() };
    assert_broken(
        &with(&elsewhere),
        "erasures",
        &["no erasure.done"],
        "the order is passed off as the tombstone",
    );
    let other = log.held.iter().find(|held| held.has_subject && held.unit != line.unit).unwrap();
    let wrong_unit = ErasedUnit { unit: other.unit, index: other.index, ..line.clone() };
    assert_broken(
        &with(&wrong_unit),
        "erasures",
        &["not the tombstone of this unit"],
        "another unit is called erased",
    );
    let shown = log.held.iter().find(|held| !held.has_subject && held.index == line.index).unwrap();
    let forged = ErasedUnit { unit: shown.unit, ..line.clone() };
    assert_broken(&with(&forged), "erasures", &[], "a unit that is shown is called erased");
    // Without its line the unit is withheld, and the totals say so.
    let mut fewer = files.clone();
    fewer.insert("erasures.jsonl".to_owned(), Vec::new());
    let report = trusted(&log, &relisted(&log, &fewer, |_| {}));
    assert_eq!(faults(&report), ["totals"], "a missing tombstone line is blamed as more than a wrong count");
    let unit = line.unit.to_string();
    let own = relisted(&log, &files, |_| {});
    assert!(
        !unpack(&own)["disclosures/00000000.jsonl"].windows(32).any(|w| w == unit.as_bytes()),
        "erased content is shown"
    );
}

#[test]
fn every_number_of_the_manifest_is_counted_again() {
    let log = erased();
    let files = unpack(&log.package(&Cut::default()));
    let lies: [(&str, &str, Lie); 12] = [
        ("totals", "totals.records", |m| m.summary.totals.records += 1),
        ("totals", "totals.shown", |m| m.summary.totals.shown += 1),
        ("totals", "totals.erased", |m| m.summary.totals.erased -= 1),
        ("totals", "totals.withheld", |m| m.summary.totals.withheld += 1),
        ("totals", "document.captured", |m| *m.summary.types.get_mut("document.captured").unwrap() += 1),
        ("totals", "invented.type", |m| {
            m.summary.types.insert("invented.type".to_owned(), 1);
        }),
        ("totals", "epochs", |m| m.summary.epochs[0].closed = true),
        ("totals", "epochs", |m| {
            m.summary.epochs.pop();
        }),
        ("keys", "keys", |m| m.keys += 1),
        ("keys", "env", |m| m.env = tabellion_model::Env::Sandbox),
        ("keys", "tenant", |m| m.tenant = "other".to_owned()),
        ("keys", "genesis", |m| m.genesis = sha256(b"other")),
    ];
    for (check, word, lie) in lies {
        assert_broken(&trusted(&log, &relisted(&log, &files, lie)), check, &[word], word);
    }
}

#[test]
fn a_forged_log_under_the_same_name_is_consistent_and_never_believed() {
    let mut forged = Log::new("notary.example", "forger");
    forged.open_epoch(1);
    forged.record("a better loan file");
    forged.seal();
    let bytes = forged.package(&Cut::default());
    let report = verify(&bytes, Some(&Policy::parse(plain().trust()).unwrap()));
    assert_eq!(report.exit_code(), 3, "a forged log passes for the pinned one");
    assert_eq!(verify(&bytes, None).exit_code(), 3, "a forged log passes without a trust file");
}

#[test]
fn a_range_proof_with_other_hashes_is_broken() {
    let log = plain();
    let cut = Cut { batches: (2, 2), ..Cut::default() };
    let parts = log.parts(&cut);
    assert!(
        !parts.proof.left.is_empty() && !parts.proof.right.is_empty(),
        "this range has no sides to change"
    );
    let write = |parts: &Parts| log.write(&cut, parts).0;
    let mut wrong = parts.clone();
    wrong.proof.left[0] = sha256(b"other");
    assert_broken(&trusted(&log, &write(&wrong)), "tree", &["root"], "another left side");
    let mut fewer = parts.clone();
    fewer.proof.right.pop();
    assert_broken(&trusted(&log, &write(&fewer)), "tree", &["right"], "a hash too few");
    let mut more = parts.clone();
    more.proof.left.push(sha256(b"more"));
    assert_broken(&trusted(&log, &write(&more)), "tree", &["left"], "a hash too many");
    let mut path = parts.clone();
    path.proof.extra[1].path[0] = sha256(b"other");
    let index = path.proof.extra[1].index;
    assert_broken(
        &trusted(&log, &write(&path)),
        "tree",
        &[&format!("entry {index}")],
        "another path of an extra entry",
    );
    let mut spare = parts;
    let spare_index = log.seals[3].1.first;
    spare.proof.extra.push(log.placed(spare_index, log.size()));
    spare.proof.extra.sort_by_key(|placed| placed.index);
    assert_broken(
        &trusted(&log, &write(&spare)),
        "entries",
        &[&format!("entry {spare_index}")],
        "an entry nobody needs",
    );
}
