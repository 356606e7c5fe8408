//! What happens to every change of a package: found, named, and never exit 0.

use super::cut::Cut;
use super::fixture::{HOUR, Log, START, at, erased, plain};
use super::forging::{assert_broken, assert_caught, faults, pack, relisted, trusted, unpack};
use tabellion_model::package::FRAMEWORK_FILES;
use tabellion_model::{DisclosurePolicy, Micros, Outcome, Period, verify};
use tabellion_tlog::Policy;

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

/// Requirement: V47
#[test]
fn files_about_a_framework_are_signed_for_and_stand_together() {
    let log = plain();
    let mut files = unpack(&log.package(&Cut::default()));
    for (name, _) in FRAMEWORK_FILES {
        files.insert(name.to_owned(), b"{}".to_vec());
    }
    assert_eq!(
        trusted(&log, &relisted(&log, &files, |_| {})).exit_code(),
        0,
        "a package with statuses does not verify"
    );
    assert_broken(&trusted(&log, &pack(&files)), "files", &["framework/index.json"], "they were slipped in");
    let mut other = unpack(&relisted(&log, &files, |_| {}));
    other.insert("framework/status.json".to_owned(), b"[]".to_vec());
    assert_broken(
        &trusted(&log, &pack(&other)),
        "files",
        &["framework/status.json"],
        "a status was rewritten",
    );
    for (name, _) in FRAMEWORK_FILES {
        let mut fewer = files.clone();
        fewer.remove(name);
        let report = trusted(&log, &relisted(&log, &fewer, |_| {}));
        assert_caught(&report, &format!("{name} is gone"));
        assert!(report.to_text().contains(name), "{name} is not named");
    }
    files.insert("framework/extra.json".to_owned(), b"{}".to_vec());
    assert_caught(&trusted(&log, &relisted(&log, &files, |_| {})), "a sixth file");
}
