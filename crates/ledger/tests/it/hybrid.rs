//! A log that takes up a second, post-quantum key in the middle of its life.

use std::sync::Arc;

use tabellion_ledger::keyring::KeyAccess;
use tabellion_ledger::{Clock as _, Draft, Ledger, OsEntropy, SystemClock, fsck};
use tabellion_model::{Outcome, verify};
use tabellion_tlog::{Policy, SignatureType, SignedCheckpoint};

use crate::fixture::{options, real, trust};

/// Requirement: B12. What was handed out before stays valid under the new trust file, and what is handed out now under the old one.
#[test]
fn a_second_key_signs_what_is_handed_out_and_keeps_old_proofs_valid() {
    let (_dir, disk, ledger) = real();
    let old_trust = trust(&ledger);
    let draft = Draft::new("document.captured").with("number", 1);
    let before = ledger.append(&draft).expect("an append").index;
    let old_receipt = ledger.reader().receipt(before).expect("a receipt").to_bytes().expect("its bytes");
    ledger.close().expect("a clean end");

    KeyAccess::default().create_ml_dsa(disk.as_ref(), SystemClock.now(), &OsEntropy).expect("a key");
    assert!(
        KeyAccess::default().create_ml_dsa(disk.as_ref(), SystemClock.now(), &OsEntropy).is_err(),
        "a key file was replaced, and nothing verifies under the key of before"
    );
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("the log opens with two keys");
    let after = again.append(&draft).expect("an append").index;
    let key = again.reader().hybrid_key().expect("the log says which key signs");
    assert_eq!(key.kind(), SignatureType::MlDsa44);
    let both = Policy::parse(format!("log {key}\n{old_trust}")).expect("a trust file with both");
    let alone =
        Policy::parse(format!("log {key}\nquorum none\n")).expect("a trust file with the second key alone");

    let receipt = again.reader().receipt(after).expect("a receipt").to_bytes().expect("its bytes");
    assert_eq!(
        again.reader().receipt(after).expect("a receipt").to_bytes().expect("its bytes"),
        receipt,
        "a receipt has other bytes each time"
    );
    for (bytes, policy, said) in [
        (&old_receipt, &old_trust, None),
        (&old_receipt, &both, Some("did not sign this checkpoint")),
        (&receipt, &old_trust, None),
        (&receipt, &both, Some("ML-DSA-44 signature was checked too")),
        (&receipt, &alone, Some("pins the ML-DSA-44 log key")),
    ] {
        let report = verify(bytes, Some(policy));
        assert_eq!(report.exit_code(), 0, "{}", report.to_text());
        let issuer = &report.check("issuer").expect("the check").detail;
        assert!(
            said.is_none_or(|said| issuer.contains(said)),
            "the reader is not told what was checked: {issuer}"
        );
    }
    assert_eq!(
        verify(&old_receipt, Some(&alone)).exit_code(),
        3,
        "a key that did not sign makes an issuer known"
    );

    // The second signature wrong, the first right: under the trust file that pins the second, nothing is believed.
    let checkpoint = again.reader().checkpoint_at(again.reader().size()).expect("a checkpoint");
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).expect("it reads");
    assert_eq!(signed.note.signatures.len(), 2, "a checkpoint that is handed out carries one signature");
    let mut forged = again.reader().receipt(after).expect("a receipt");
    let mut note = SignedCheckpoint::parse(forged.checkpoint.as_bytes()).expect("it reads").note;
    note.signatures[1].signature[1000] ^= 1;
    forged.checkpoint = note.to_string();
    let forged = forged.to_bytes().expect("its bytes");
    let report = verify(&forged, Some(&both));
    assert_eq!(report.check("issuer").expect("the check").outcome, Outcome::Broken, "{}", report.to_text());
    assert_eq!(verify(&forged, Some(&old_trust)).exit_code(), 0, "a line that nobody pinned decides");
    assert_eq!(verify(&forged, Some(&alone)).exit_code(), 3, "a wrong signature makes an issuer known");

    again.close().expect("a clean end");
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound(), "the second key left the log unsound: {:?}", report.findings);
}
