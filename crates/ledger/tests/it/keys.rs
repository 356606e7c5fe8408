//! Keys that change while the log goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tabellion_ledger::{Ack, Draft, Ledger, RejectCode, fsck};
use tabellion_model::registry::Revocation;
use tabellion_model::{Purpose, verify};

use crate::fixture::{options, real, trust};

/// Requirement: A14
#[test]
fn rotation_keeps_old_proofs_valid_and_new_ones_follow_from_the_root() {
    let (_dir, disk, ledger) = real();
    let trust = trust(&ledger);
    let draft = Draft::new("document.captured").with("number", 1);
    let before = ledger.append(&draft).expect("an append");
    for purpose in [Purpose::Writer, Purpose::Log, Purpose::Package, Purpose::Writer] {
        ledger.rotate_key(purpose).expect("a rotation");
        let ack = ledger.append(&draft).expect("an append under the new key");
        let receipt = ledger.reader().receipt(ack.index).expect("a receipt").to_bytes().expect("its bytes");
        let report = verify(&receipt, Some(&trust));
        assert_eq!(
            report.exit_code(),
            0,
            "after rotating {purpose} a receipt does not verify: {}",
            report.to_text()
        );
    }
    let receipt = ledger.reader().receipt(before.index).expect("a receipt").to_bytes().expect("its bytes");
    assert_eq!(verify(&receipt, Some(&trust)).exit_code(), 0, "rotation broke an old receipt");
    ledger.close().expect("a clean end");
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("the new keys are found at start");
    again.append(&draft).expect("and sign");
    again.close().expect("a clean end");
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound(), "rotations left the log unsound: {:?}", report.findings);
}

/// Requirement: A14
#[test]
fn keys_rotate_while_others_append_and_no_receipt_is_lost_or_broken() {
    const WRITERS: u64 = 4;
    const ROTATIONS: usize = 12;
    let (_dir, disk, ledger) = real();
    let (trust, running) = (trust(&ledger), AtomicBool::new(true));
    let acks: Vec<Ack> = thread::scope(|scope| {
        let append = |writer: u64| {
            let mut acks = Vec::new();
            for number in 0.. {
                if !running.load(Ordering::SeqCst) {
                    break;
                }
                let draft = Draft::new("document.captured").with("writer", writer).with("number", number);
                acks.push(ledger.append(&draft).expect("an append was lost to a rotation"));
            }
            acks
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || append(writer))).collect();
        for number in 0..ROTATIONS {
            let purpose = [Purpose::Writer, Purpose::Log, Purpose::Package][number % 3];
            ledger.rotate_key(purpose).expect("a rotation under load");
            let size = ledger.reader().size();
            ledger.reader().wait_for_more(size, Duration::from_secs(30));
        }
        running.store(false, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer's thread")).collect()
    });
    assert!(acks.len() > ROTATIONS, "nothing was appended meanwhile: {}", acks.len());
    let indexes: BTreeSet<u64> = acks.iter().map(|ack| ack.index).collect();
    assert_eq!(indexes.len(), acks.len(), "two appends were told the same place");
    // Every proof is made by the same walk; a few hundred of them over the whole run see every key.
    let step = acks.len().div_ceil(300);
    for index in indexes.iter().step_by(step) {
        let receipt = ledger.reader().receipt(*index).expect("a receipt").to_bytes().expect("its bytes");
        let report = verify(&receipt, Some(&trust));
        assert_eq!(report.exit_code(), 0, "entry {index} lost its proof: {}", report.to_text());
    }
    let held = ledger.reader().size();
    assert!(indexes.last().is_some_and(|last| *last < held), "an acknowledged entry is not there");
    ledger.close().expect("a clean end");
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound(), "rotations under load left the log unsound: {:?}", report.findings);
}

#[test]
fn a_stolen_writer_key_is_revoked_and_replaced_in_one_step() {
    let (_dir, _disk, ledger) = real();
    let writer = ledger
        .reader()
        .keys()
        .in_force(Purpose::Writer, ledger.reader().size())
        .expect("a writer key")
        .key_id;
    let (replacement, _) = ledger.revoke_key(&writer, Revocation::Compromised).expect("a revocation");
    assert!(replacement.is_some(), "the log would be left without a writer");
    let now = ledger
        .reader()
        .keys()
        .in_force(Purpose::Writer, ledger.reader().size())
        .expect("a writer key")
        .key_id;
    assert_ne!(now, writer, "the stolen key still signs");
    let ack = ledger.append(&Draft::new("document.captured").with("number", 1)).expect("an append");
    let receipt = ledger.reader().receipt(ack.index).expect("a receipt").to_bytes().expect("its bytes");
    assert_eq!(
        verify(&receipt, Some(&trust(&ledger))).exit_code(),
        0,
        "the new writer's receipts do not verify"
    );
    let again = ledger.revoke_key(&writer, Revocation::Lost).expect_err("it is out of force already");
    assert_eq!(again.code(), Some(RejectCode::NotFound), "{again}");
}
