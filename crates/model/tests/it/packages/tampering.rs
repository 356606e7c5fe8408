//! What happens to every change of a package: found, named, and never exit 0.

use std::collections::BTreeMap;

use base64::Engine as _;
use tabellion_model::package::{ErasedUnit, sign_manifest};
use tabellion_model::registry::Purpose;
use tabellion_model::zip::{ZipArchive, ZipWriter};
use tabellion_model::{DisclosurePolicy, FileRow, Manifest, Micros, Outcome, Period, Report, verify};
use tabellion_tlog::{Policy, SigningKey, sha256};

use super::cut::{Cut, Parts, stranger};
use super::fixture::{HOUR, Log, START, at, erased, key, plain, rotated};

type Files = BTreeMap<String, Vec<u8>>;
/// A way to falsify a manifest.
type Lie = fn(&mut Manifest);

fn trusted(log: &Log, bytes: &[u8]) -> Report {
    verify(bytes, Some(&Policy::parse(log.trust()).unwrap()))
}

fn unpack(bytes: &[u8]) -> Files {
    let zip = ZipArchive::parse(bytes).unwrap();
    zip.files().iter().map(|file| (file.name.to_owned(), file.content.to_vec())).collect()
}

fn pack(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Vec::new());
    for (name, content) in files {
        zip.add(name, content).unwrap();
    }
    zip.finish().unwrap()
}

/// Lists the files anew and signs the manifest: what a forger who holds the package key, or an exporter who lies, can do.
fn relist(files: &mut Files, signer: &SigningKey, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::parse(&files["manifest.json"]).unwrap();
    let listed = files.iter().filter(|(name, _)| !name.starts_with("manifest."));
    manifest.files = listed
        .map(|(name, content)| FileRow {
            path: name.clone(),
            sha256: sha256(content),
            size: content.len() as u64,
        })
        .collect();
    change(&mut manifest);
    let bytes = manifest.to_bytes().unwrap();
    files.insert("manifest.cose".to_owned(), sign_manifest(&bytes, signer).unwrap());
    files.insert("manifest.json".to_owned(), bytes);
}

fn relisted(log: &Log, files: &Files, change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    let mut files = files.clone();
    relist(&mut files, &log.keys[&Purpose::Package], change);
    pack(&files)
}

fn faults(report: &Report) -> Vec<&'static str> {
    let fault = |outcome| matches!(outcome, Outcome::Broken | Outcome::Malformed);
    report.checks.iter().filter(|check| fault(check.outcome)).map(|check| check.name).collect()
}

fn assert_caught(report: &Report, what: &str) {
    assert!(matches!(report.exit_code(), 1 | 2), "{what}: exit {}\n{}", report.exit_code(), report.to_text());
    let named = report.checks.iter().any(|check| {
        matches!(check.outcome, Outcome::Broken | Outcome::Malformed) && !check.detail.is_empty()
    });
    assert!(named, "{what}: nothing is named");
}

fn assert_broken(report: &Report, check: &str, words: &[&str], what: &str) {
    assert_eq!(report.exit_code(), 1, "{what}\n{}", report.to_text());
    let found = report.check(check).unwrap();
    assert_eq!(found.outcome, Outcome::Broken, "{what}: {check} does not notice\n{}", report.to_text());
    for word in words {
        assert!(found.detail.contains(word), "{what}: {word:?} is not named in: {}", found.detail);
    }
}

/// Requirement: A16
#[test]
fn every_flipped_byte_is_found_and_named() {
    let log = erased();
    let bytes = log.package(&Cut { batches: (1, 3), ..Cut::default() });
    let trust = Policy::parse(log.trust()).unwrap();
    assert_eq!(verify(&bytes, Some(&trust)).exit_code(), 0);
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1 << (position % 8);
        assert_caught(&verify(&changed, Some(&trust)), &format!("byte {position} of {}", bytes.len()));
    }
}

/// Requirement: A16
///
/// The check sums of the container are no protection; this repairs them, so that only the signed digests are left.
#[test]
fn a_flipped_byte_with_repaired_check_sums_is_found_by_the_signed_digests() {
    let log = erased();
    let files = unpack(&log.package(&Cut { batches: (1, 3), ..Cut::default() }));
    let trust = Policy::parse(log.trust()).unwrap();
    for (name, content) in &files {
        // Every byte of small files, every 17th of the large ones; entries have a test of their own.
        let step = if content.len() > 600 { 17 } else { 1 };
        for position in (0..content.len()).step_by(step) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[position] ^= 1 << (position % 8);
            let report = verify(&pack(&changed), Some(&trust));
            assert_caught(&report, &format!("byte {position} of {name}"));
            let text = report.to_text();
            assert!(text.contains(name.as_str()), "{name} was changed and is not named:\n{text}");
        }
    }
}

/// Requirement: V41
/// Requirement: A16
///
/// The strongest forger: holds the package key, repairs check sums and digests and signs again. Only the log itself speaks
/// against the change, and it names the batch.
#[test]
fn a_changed_entry_is_found_by_the_tree_and_named_by_its_seal_even_when_the_manifest_is_signed_again() {
    let log = erased();
    let cut = Cut { batches: (1, 3), ..Cut::default() };
    let files = unpack(&log.package(&cut));
    let trust = Policy::parse(log.trust()).unwrap();
    let bundle = &files["entries/00000000.bundle"];
    let range = log.range(&cut);
    let mut start = 0;
    for index in range {
        let entry = &log.entries[at(index)];
        start += 2;
        for offset in (0..entry.len()).step_by(11) {
            let mut changed = bundle.clone();
            changed[start + offset] ^= 1 << (offset % 8);
            let mut files = files.clone();
            files.insert("entries/00000000.bundle".to_owned(), changed);
            let report = verify(&relisted(&log, &files, |_| {}), Some(&trust));
            assert_caught(&report, &format!("entry {index}, byte {offset}"));
            let text = report.to_text();
            let batch = log.seals.iter().find(|(seal, _)| *seal >= index).unwrap().0;
            let named =
                text.contains(&format!("entry {index}")) || text.contains(&format!("seal at entry {batch}"));
            assert!(named, "entry {index} was changed and neither it nor its batch is named:\n{text}");
            assert!(
                !report.findings[1].answer.starts_with("Every"),
                "an altered package is called unaltered"
            );
        }
        start += entry.len();
    }
}

/// Requirement: V10
#[test]
fn a_change_in_one_batch_names_that_batch_and_leaves_the_others_standing() {
    let log = plain();
    let mut parts = log.parts(&Cut::default());
    let changed = log.seals[1].1.first;
    let other = Log::new("notary.example", "a");
    let mut forged = other;
    forged.open_epoch(1);
    forged.record("another loan file");
    parts.entries[at(changed + 1)] = forged.entries[at(changed + 1)].clone();
    parts.shown.retain(|line| line.index != changed + 1);
    let (bytes, _) = log.write(&Cut::default(), &parts);
    let report = trusted(&log, &bytes);
    let seals = report.check("seals").unwrap();
    assert_broken(&report, "seals", &[&format!("seal at entry {}", log.seals[1].0)], "a replaced record");
    for (index, _) in log.seals.iter().filter(|(index, _)| *index != log.seals[1].0) {
        assert!(
            !seals.detail.contains(&format!("seal at entry {index}:")),
            "an untouched batch is blamed: {}",
            seals.detail
        );
    }
    assert_eq!(report.check("tree").unwrap().outcome, Outcome::Broken, "the tree does not notice");
}

/// Requirement: V41
#[test]
fn truncation_at_every_length_and_inserted_bytes_are_found() {
    let log = plain();
    let bytes = log.package(&Cut { batches: (1, 1), disclosure: DisclosurePolicy::None, ..Cut::default() });
    let trust = Policy::parse(log.trust()).unwrap();
    for length in 0..bytes.len() {
        assert_eq!(
            verify(&bytes[..length], Some(&trust)).exit_code(),
            2,
            "cut at {length} of {} and it passes",
            bytes.len()
        );
    }
    for position in (0..=bytes.len()).step_by(5) {
        let mut longer = bytes.clone();
        longer.insert(position, b'x');
        assert_caught(&verify(&longer, Some(&trust)), &format!("byte inserted at {position}"));
    }
}

/// Requirement: B01
/// Requirement: V41
#[test]
fn a_record_removed_from_the_range_is_named_by_its_number() {
    let log = plain();
    let removed = log.seals[2].1.first + 1;
    let bundle_of = |entries: &[Vec<u8>]| {
        let mut bundle = Vec::new();
        for entry in entries {
            tabellion_tlog::push_entry(&mut bundle, entry).unwrap();
        }
        bundle
    };
    let cut = Cut { disclosure: DisclosurePolicy::None, ..Cut::default() };
    let files = unpack(&log.package(&cut));
    let mut entries = log.entries.clone();
    entries.remove(at(removed));
    let mut files = files;
    files.insert("entries/00000000.bundle".to_owned(), bundle_of(&entries));
    let bytes = relisted(&log, &files, |manifest| {
        manifest.count -= 1;
        manifest.summary.totals.entries -= 1;
        manifest.summary.totals.records -= 1;
    });
    let report = trusted(&log, &bytes);
    assert_eq!(report.exit_code(), 1, "a record can be taken out");
    assert_broken(&report, "numbers", &["is missing", &log.own().to_string()], "a removed record");
    assert_broken(&report, "tree", &[], "a removed record");
    assert!(faults(&report).contains(&"seals"), "the batch does not notice");
    // The exporter leaves the manifest as it was: the count does not match either.
    let bytes = relisted(&log, &files, |_| {});
    assert_broken(
        &trusted(&log, &bytes),
        "entries",
        &["entries/00000000.bundle"],
        "a removed record, count kept",
    );
}

/// Requirement: B01
#[test]
fn a_batch_left_out_of_a_period_is_noticed_at_the_edges() {
    let log = plain();
    let period = Period { from: Micros(START + HOUR), to: Micros(START + 3 * HOUR) };
    let whole = Cut { batches: (1, 2), period: Some(period), ..Cut::default() };
    assert_eq!(trusted(&log, &log.package(&whole)).exit_code(), 0);
    let late = Cut { batches: (2, 2), ..whole };
    assert_broken(
        &trusted(&log, &log.package(&late)),
        "period edges",
        &["left out"],
        "the first batch is left out",
    );
    let short = Cut { batches: (1, 1), period: Some(period), ..Cut::default() };
    assert_broken(
        &trusted(&log, &log.package(&short)),
        "period edges",
        &["left out"],
        "the last batch is left out",
    );
    let wide = Cut { batches: (1, 3), period: Some(period), ..Cut::default() };
    assert_broken(
        &trusted(&log, &log.package(&wide)),
        "period edges",
        &["outside the period"],
        "a batch too many",
    );
}

#[test]
fn a_range_that_is_not_whole_batches_is_broken() {
    let log = plain();
    let mut parts = log.parts(&Cut { disclosure: DisclosurePolicy::None, ..Cut::default() });
    let first = log.seals[1].1.first + 1;
    parts.entries = log.entries[at(first)..].to_vec();
    parts.proof = log.proof(&(first..log.size()), log.size(), &[]);
    parts.first = first;
    let cut = Cut { disclosure: DisclosurePolicy::None, ..Cut::default() };
    let (bytes, _) = log.write(&cut, &parts);
    assert_broken(
        &trusted(&log, &bytes),
        "period edges",
        &["inside a batch"],
        "a range that begins inside a batch",
    );
}

#[test]
fn reordered_entries_and_swapped_files_are_broken() {
    let log = plain();
    let mut parts = log.parts(&Cut { disclosure: DisclosurePolicy::None, ..Cut::default() });
    let sealed = at(log.seals[0].0);
    let files = unpack(&log.package(&Cut { disclosure: DisclosurePolicy::None, ..Cut::default() }));
    parts.entries.swap(sealed + 2, sealed + 3);
    let mut bundle = Vec::new();
    for entry in &parts.entries {
        tabellion_tlog::push_entry(&mut bundle, entry).unwrap();
    }
    let mut swapped = files.clone();
    swapped.insert("entries/00000000.bundle".to_owned(), bundle);
    let report = trusted(&log, &relisted(&log, &swapped, |_| {}));
    assert_broken(&report, "tree", &["moved"], "two entries change places");
    assert_broken(&report, "numbers", &["does not come after"], "two entries change places");

    let mut swapped = files.clone();
    let (report_html, verify_html) = (files["report.html"].clone(), files["verify.html"].clone());
    swapped.insert("report.html".to_owned(), verify_html);
    swapped.insert("verify.html".to_owned(), report_html);
    assert_broken(
        &trusted(&log, &pack(&swapped)),
        "files",
        &["report.html", "verify.html"],
        "two files change places",
    );
}

#[test]
fn files_too_many_or_too_few_are_malformed_by_name() {
    let log = plain();
    let files = unpack(&log.package(&Cut::default()));
    for name in files.keys() {
        let mut fewer = files.clone();
        fewer.remove(name);
        let report = trusted(&log, &pack(&fewer));
        assert_caught(&report, &format!("{name} is gone"));
    }
    for name in ["notes.txt", "entries/00000001.bundle", "entries/x", "disclosures/00000007.jsonl", "zz"] {
        let mut more = files.clone();
        more.insert(name.to_owned(), b"x".to_vec());
        let report = trusted(&log, &pack(&more));
        assert_caught(&report, &format!("{name} was added"));
        assert!(
            report.to_text().contains(name) || report.to_text().contains("entries"),
            "{name} is not named"
        );
    }
}

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
