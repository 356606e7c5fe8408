//! What witnesses say of a log: cosigned checkpoints that are kept, receipts under them, and a conflict that stops everything.

use std::sync::Arc;

use tabellion_ledger::disk::OpenMode;
use tabellion_ledger::{Draft, Ledger, LedgerError, NewConflict, RejectCode};
use tabellion_model::registry::{ConflictFound, Divergence};
use tabellion_model::verify;
use tabellion_tlog::{Hash, Policy, SignatureType, SignedCheckpoint, SigningKey, VerifierKey, cosign};

use crate::fixture::{options, real, trust};

/// 2100-01-01: after whatever these tests commit, because a batch from after its witness's time is named.
const TIME: u64 = 4_102_444_800;

fn event() -> Draft {
    Draft::new("event.logged").with("n", 1)
}

fn witness() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// The newest checkpoint with the witness's line.
fn cosigned(ledger: &Ledger) -> SignedCheckpoint {
    let signed = SignedCheckpoint::parse(ledger.reader().checkpoint().as_bytes()).expect("our own");
    let line = cosign(&signed.note.text, "w.example", TIME, &witness()).expect("a cosignature");
    signed.with_signatures(&[line])
}

/// A trust file that asks for the witness.
fn witnessed_trust(ledger: &Ledger) -> Policy {
    let key =
        VerifierKey::with_type("w.example", witness().public(), SignatureType::CosignatureV1).expect("a key");
    let text = trust(ledger).to_string().replace("quorum none", &format!("witness w {key}\nquorum w"));
    Policy::parse(text).expect("a trust file")
}

fn conflict() -> NewConflict {
    NewConflict {
        found: ConflictFound { kind: Divergence::Forked, proved: false, size: 3 },
        witness: "w (https://w.example)".to_owned(),
        said: "it refuses the proof".to_owned(),
        shown: None,
    }
}

/// Requirement: W14
#[test]
fn every_entry_can_be_proved_under_a_checkpoint_that_a_witness_cosigned() {
    let (_dir, disk, ledger) = real();
    let first = ledger.append(&event()).expect("an append").index;
    assert!(
        matches!(ledger.reader().witnessed_receipt(first), Err(error) if error.code() == Some(RejectCode::NotFound)),
        "nobody has cosigned anything"
    );
    // The keys in force at the seal and at the checkpoint are different ones.
    ledger.rotate_key(tabellion_model::Purpose::Writer).expect("a rotation");
    ledger.rotate_key(tabellion_model::Purpose::Log).expect("a rotation");
    let second = ledger.append(&event()).expect("an append").index;
    let signed = cosigned(&ledger);
    ledger.keep_cosigned(&signed).expect("kept");
    let later = ledger.append(&event()).expect("an append").index;

    let check = |ledger: &Ledger| {
        let trust = witnessed_trust(ledger);
        for index in [0, 1, first, first + 1, second] {
            let receipt =
                ledger.reader().witnessed_receipt(index).expect("a receipt").to_bytes().expect("bytes");
            let report = verify(&receipt, Some(&trust));
            assert_eq!(report.exit_code(), 0, "entry {index}: {}", report.to_text());
        }
        let plain = ledger.reader().receipt(first).expect("a receipt").to_bytes().expect("bytes");
        assert_eq!(
            verify(&plain, Some(&trust)).exit_code(),
            3,
            "a checkpoint that nobody cosigned met a quorum"
        );
        assert!(
            ledger.reader().witnessed_receipt(later).is_err(),
            "an entry that the checkpoint does not cover"
        );
        let at = ledger.reader().cosigned_at(signed.checkpoint.size).expect("a checkpoint");
        assert_eq!(at, signed.bytes, "a package would lose the cosignature");
    };
    check(&ledger);
    ledger.close().expect("a clean end");
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("it opens");
    assert!(again.notes().is_empty(), "{:?}", again.notes());
    check(&again);
}

#[test]
fn what_is_not_this_logs_own_checkpoint_is_never_kept_as_cosigned() {
    let (_dir, disk, ledger) = real();
    ledger.append(&event()).expect("an append");
    let good = cosigned(&ledger);
    let changes: [fn(&mut SignedCheckpoint); 3] = [
        |signed| signed.checkpoint.origin.push('x'),
        |signed| signed.checkpoint.root = Hash([1; 32]),
        |signed| signed.checkpoint.size += 1,
    ];
    for change in changes {
        let mut other = good.clone();
        change(&mut other);
        let refused = ledger.keep_cosigned(&other).expect_err("another tree would be handed out as ours");
        assert_eq!(refused.code(), Some(RejectCode::Malformed), "{refused}");
    }
    ledger.keep_cosigned(&good).expect("our own");
    ledger.close().expect("a clean end");
    // Whatever became of the file: it is no part of the log.
    for bytes in [&b"rubbish"[..], &[0xff; 100], b""] {
        disk.remove("log/cosigned").expect("removed");
        let file = disk.open("log/cosigned", OpenMode::CreateNew).expect("a file");
        file.write_at(0, bytes).expect("written");
        let again = Ledger::open(Arc::clone(&disk), &options()).expect("a log opens without its witnesses");
        assert!(again.reader().cosigned().is_none(), "rubbish would be handed out");
        assert!(again.notes().iter().any(|note| note.contains("log/cosigned")), "{:?}", again.notes());
        again.close().expect("a clean end");
    }
}

/// Requirement: B02
#[test]
fn a_conflict_stops_the_log_for_good_until_somebody_answers_for_it() {
    let (_dir, disk, ledger) = real();
    ledger.append(&event()).expect("an append");
    let stopped = ledger.stop_for_conflict(&conflict()).expect("the alarm is recorded");
    let size = ledger.reader().size();
    assert_eq!(
        ledger.stop_for_conflict(&conflict()).expect("again").record_id,
        stopped.record_id,
        "one alarm"
    );
    let is_refused = |ledger: &Ledger| match ledger.append(&event()) {
        Err(LedgerError::Unavailable(text)) => text.contains("resume") && text.contains("on its word alone"),
        other => panic!("a log that may be a fork went on: {other:?}"),
    };
    assert!(is_refused(&ledger), "whoever is refused has to learn why and what to do");
    assert!(ledger.rotate_key(tabellion_model::Purpose::Log).is_err(), "a key record is an append too");
    ledger.close().expect("an end");
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("it opens");
    assert_eq!(again.reader().conflict(), Some(stopped), "a restart lifted the alarm");
    assert!(again.notes().iter().any(|note| note.contains("a witness knows")), "{:?}", again.notes());
    assert!(is_refused(&again), "a restart lifted the alarm");
    assert_eq!(again.reader().size(), size, "a stopped log signed more");
    let alarm = size - 2;
    let brought = |ledger: &Ledger, first, end, size| ledger.reader().alarm_records(first, end, size);
    assert_eq!(brought(&again, 0, 3, size), [alarm], "a package of older entries says nothing of the alarm");
    assert_eq!(brought(&again, 0, 3, alarm), [0; 0], "a tree from before the alarm would hold it");
    assert!(matches!(again.lift_conflict(" "), Err(LedgerError::Rejected { .. })), "no reason was given");
    let lifted = again.lift_conflict("the other copy is given up").expect("lifted").index;
    again.append(&event()).expect("the log goes on");
    let now = again.reader().size();
    assert_eq!(brought(&again, 0, 3, now), [0; 0], "an alarm that was lifted stays with every package");
    assert_eq!(
        brought(&again, 0, size, now),
        [alarm, lifted],
        "a package shows the alarm and not that it was lifted"
    );
    assert_eq!(brought(&again, 0, 3, size), [alarm], "as of then it stood");
    let none = again.lift_conflict("again").expect_err("there is nothing to lift");
    assert_eq!(none.code(), Some(RejectCode::NotFound), "{none}");
    again.close().expect("a clean end");
    let last = Ledger::open(disk, &options()).expect("it opens");
    assert_eq!(last.reader().conflict(), None, "a restart brought the alarm back");
    // By hand, nobody can raise an alarm or end one.
    for record_type in ["witness.conflict_found", "witness.conflict_lifted"] {
        assert!(
            last.append(&Draft::new(record_type)).is_err(),
            "{record_type} could be forged through the API"
        );
    }
}
