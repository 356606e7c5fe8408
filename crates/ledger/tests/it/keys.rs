//! Keys that change while the log goes on.

use std::sync::Arc;

use tabellion_ledger::{Draft, Ledger, RejectCode, fsck};
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
