//! Receipts and transparent statements: what they show, and that no change of them passes.

use tabellion_model::registry::Purpose;
use tabellion_model::{Outcome, Receipt, Report, verify};
use tabellion_tlog::Policy;

use super::cut::stranger;
use super::fixture::{Log, key, plain, rotated};

fn trusted(log: &Log, bytes: &[u8]) -> Report {
    verify(bytes, Some(&Policy::parse(log.trust()).unwrap()))
}

fn receipt(log: &Log, index: u64) -> Vec<u8> {
    log.receipt(index).to_bytes().unwrap()
}

/// Requirement: A18
#[test]
fn every_entry_has_a_receipt_that_verifies_alone() {
    for log in [plain(), rotated()] {
        for index in 0..log.size() {
            let bytes = receipt(&log, index);
            let report = trusted(&log, &bytes);
            assert_eq!(report.exit_code(), 0, "entry {index}: its receipt is refused\n{}", report.to_text());
            assert_eq!(Receipt::parse(&bytes).unwrap().to_bytes().unwrap(), bytes, "a receipt has two forms");
            assert_eq!(verify(&bytes, None).exit_code(), 3, "entry {index}: a stranger's receipt passes");
        }
    }
}

/// Requirement: A19
#[test]
fn a_receipt_answers_the_three_questions_apart() {
    let log = plain();
    let report = trusted(&log, &receipt(&log, log.seals[1].1.first + 1));
    assert_eq!(report.findings.len(), 3);
    assert!(
        report.findings.iter().all(|finding| finding.outcome == Outcome::Holds),
        "an honest receipt leaves a question open"
    );
    assert!(report.findings[0].rests_on.contains("no outside clock"), "the log's clock passes for a witness");
    let statement = report.check("statement").unwrap();
    assert!(
        !statement.required && statement.outcome == Outcome::NotRun,
        "an unsigned record passes for signed"
    );
}

/// Requirement: A16
#[test]
fn every_flipped_byte_of_a_receipt_is_found() {
    let log = plain();
    let trust = Policy::parse(log.trust()).unwrap();
    // Every byte of one receipt; of another, which has a signed entry, every fifth.
    for (index, step) in [(log.seals[1].1.first + 1, 1), (log.seals[2].1.first, 5)] {
        let bytes = receipt(&log, index);
        for position in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let report = verify(&changed, Some(&trust));
            assert!(
                matches!(report.exit_code(), 1 | 2),
                "byte {position}: exit {}\n{}",
                report.exit_code(),
                report.to_text()
            );
        }
        for length in (0..bytes.len()).step_by(13) {
            assert_eq!(
                verify(&bytes[..length], Some(&trust)).exit_code(),
                2,
                "cut at {length} and it passes"
            );
        }
    }
}

#[test]
fn parts_of_another_receipt_do_not_fit() {
    let log = plain();
    let (one, two) = (log.seals[1].1.first + 1, log.seals[2].1.first);
    let base = log.receipt(one);
    let other = log.receipt(two);
    let broken = |receipt: &Receipt, check: &str, what: &str| {
        let report = trusted(&log, &receipt.to_bytes().unwrap());
        assert_eq!(report.exit_code(), 1, "{what}\n{}", report.to_text());
        assert_eq!(
            report.check(check).unwrap().outcome,
            Outcome::Broken,
            "{what}: {check}\n{}",
            report.to_text()
        );
    };
    broken(&Receipt { entry: other.entry.clone(), ..base.clone() }, "inclusion", "another entry");
    broken(&Receipt { index: two, ..base.clone() }, "inclusion", "another index");
    broken(&Receipt { seal: other.seal.clone(), ..base.clone() }, "seal", "another batch's seal");
    let seal_less = Receipt { seal: None, ..base.clone() };
    let report = trusted(&log, &seal_less.to_bytes().unwrap());
    assert_eq!(
        report.check("form").unwrap().outcome,
        Outcome::Malformed,
        "a record without its seal has a receipt"
    );
    broken(
        &Receipt { disclosures: other.disclosures.clone(), ..base.clone() },
        "disclosures",
        "another record's content",
    );
    broken(
        &Receipt { checkpoint: log.checkpoint(log.seals[1].0 + 1), ..base.clone() },
        "inclusion",
        "an older checkpoint",
    );
    let no_genesis = Receipt { keys: base.keys[1..].to_vec(), ..base.clone() };
    broken(&no_genesis, "keys", "no genesis");
    for dropped in 1..base.keys.len() {
        let mut fewer = base.clone();
        fewer.keys.remove(dropped);
        let report = trusted(&log, &fewer.to_bytes().unwrap());
        assert_eq!(report.exit_code(), 1, "a needed key record can be left out");
    }
    let mut foreign = plain();
    foreign.keys.insert(Purpose::Log, stranger());
    broken(
        &Receipt { checkpoint: foreign.checkpoint(log.size()), ..base },
        "checkpoint signature",
        "a stranger's checkpoint",
    );
}

#[test]
fn a_statement_without_its_actors_key_record_is_undetermined() {
    let log = plain();
    let base = log.receipt(log.seals[2].1.first);
    let actor = *log.key_records.last().unwrap();
    let fewer =
        Receipt { keys: base.keys.iter().filter(|placed| placed.index != actor).cloned().collect(), ..base };
    let report = trusted(&log, &fewer.to_bytes().unwrap());
    assert_eq!(
        report.check("statement").unwrap().outcome,
        Outcome::Undetermined,
        "an unknown key speaks for the actor"
    );
    assert_eq!(report.exit_code(), 3, "a signature that nobody checked passes");
}

#[test]
fn a_statement_signed_with_a_key_that_was_rotated_out_is_broken() {
    let mut log = plain();
    let rotation = log.rotate(Purpose::Actor);
    log.seal();
    log.keys.insert(Purpose::Actor, key("a actor"));
    let index = log.statement("with the old key");
    log.seal();
    let mut receipt = log.receipt(index);
    receipt.keys.push(log.placed(rotation, log.size()));
    let report = trusted(&log, &receipt.to_bytes().unwrap());
    let statement = report.check("statement").unwrap();
    assert_eq!(
        statement.outcome,
        Outcome::Broken,
        "a key that was rotated out still speaks\n{}",
        report.to_text()
    );
    assert!(statement.detail.contains("not in force"), "the reason is not named: {}", statement.detail);
}

#[test]
fn a_key_record_that_cannot_be_read_is_malformed_after_its_place_was_checked() {
    let mut log = plain();
    let junk = log.push(vec![b'x'; 100]);
    log.seal();
    let mut receipt = log.receipt(log.seals[1].1.first + 1);
    receipt.keys.push(log.placed(junk, log.size()));
    let report = trusted(&log, &receipt.to_bytes().unwrap());
    assert_eq!(report.check("keys").unwrap().outcome, Outcome::Malformed, "{}", report.to_text());
    assert_eq!(report.exit_code(), 2, "an unreadable key record passes");
}

#[test]
fn a_transparent_statement_needs_the_pinned_log_key_and_says_what_it_leaves_open() {
    let log = plain();
    let bytes = log.transparent(log.seals[2].1.first);
    let report = trusted(&log, &bytes);
    assert_eq!(report.exit_code(), 0, "an honest transparent statement is refused\n{}", report.to_text());
    let signature = report.check("statement signature").unwrap();
    assert!(
        !signature.required && signature.outcome == Outcome::Undetermined,
        "the actor's signature passes unchecked"
    );
    assert_eq!(verify(&bytes, None).exit_code(), 3, "a stranger's statement passes");
    let root_only = verify(&bytes, Some(&Policy::parse(log.root_trust()).unwrap()));
    assert_eq!(root_only.exit_code(), 3, "a root key alone vouches for a receipt without key records");
    assert_eq!(
        trusted(&Log::new("other.example", "b"), &bytes).exit_code(),
        3,
        "another log's key is believed"
    );
}

/// Requirement: A16
#[test]
fn no_flipped_byte_of_a_transparent_statement_passes() {
    let log = plain();
    let trust = Policy::parse(log.trust()).unwrap();
    let bytes = log.transparent(log.seals[2].1.first);
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        assert_ne!(verify(&changed, Some(&trust)).exit_code(), 0, "byte {position} can be changed unnoticed");
    }
}
