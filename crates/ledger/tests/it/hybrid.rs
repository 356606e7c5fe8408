//! A log that takes up a second, post-quantum key in the middle of its life.

use std::sync::Arc;

use tabellion_ledger::disk::Disk;
use tabellion_ledger::keyring::{KeyAccess, MlDsaFile};
use tabellion_ledger::{Clock as _, Draft, Ledger, OpenError, OsEntropy, Reader, SystemClock, fsck};
use tabellion_model::registry::Revocation;
use tabellion_model::{KeyId, Outcome, SecondKeyEnd, verify};
use tabellion_tlog::{Policy, SignatureType, SignedCheckpoint};

use crate::fixture::{options, real, trust};

/// A second key's file that no record names.
fn unrecorded(disk: &dyn Disk) -> MlDsaFile {
    KeyAccess::default().create_ml_dsa(disk, SystemClock.now(), &OsEntropy).expect("a key")
}

/// One under the name that earlier versions gave it.
fn as_before_records(disk: &dyn Disk) -> KeyId {
    let file = unrecorded(disk);
    disk.rename(&file.path, "keys/ml-dsa-44.key").expect("the file is moved");
    file.key_id
}

fn receipt_of(ledger: &Ledger, index: u64) -> Vec<u8> {
    ledger.reader().receipt(index).expect("a receipt").to_bytes().expect("its bytes")
}

/// The root and the second key in force, as a trust file names them.
fn trust_now(ledger: &Ledger) -> Policy {
    let key = ledger.reader().hybrid_key().expect("a second key");
    Policy::parse(format!("log {key}\n{}", trust(ledger))).expect("a trust file with both")
}

fn issuer_of(bytes: &[u8], policy: &Policy) -> (u8, String) {
    let report = verify(bytes, Some(policy));
    (report.exit_code(), report.check("issuer").expect("the check").detail.clone())
}

/// Requirement: B12. The log itself says which second key held when, and a replacement spoils no proof.
#[test]
fn a_rotated_second_key_is_on_record_and_spoils_no_proof() {
    let (_dir, disk, ledger) = real();
    let draft = Draft::new("document.captured").with("number", 1);
    let (first, introduced) = ledger.introduce_second_key().expect("a second key");
    assert!(ledger.introduce_second_key().is_err(), "a second key was replaced without a word");
    let before = ledger.append(&draft).expect("an append").index;
    let (old_receipt, old_trust) = (receipt_of(&ledger, before), trust_now(&ledger));
    let (second, rotated) = ledger.rotate_second_key().expect("a rotation");
    let after = ledger.append(&draft).expect("an append").index;
    let (receipt, trust) = (receipt_of(&ledger, after), trust_now(&ledger));
    let again = receipt_of(&ledger, before);
    for (bytes, policy, said) in [
        (&old_receipt, &old_trust, "ML-DSA-44 signature was checked too"),
        (&old_receipt, &trust, "did not sign this checkpoint"),
        (&receipt, &old_trust, "did not sign this checkpoint"),
        (&receipt, &trust, "ML-DSA-44 signature was checked too"),
        (&again, &trust, "ML-DSA-44 signature was checked too"),
    ] {
        let (exit, issuer) = issuer_of(bytes, policy);
        assert_eq!(exit, 0, "a proof was lost to a rotation of the second key: {issuer}");
        assert!(issuer.contains(said), "the reader is not told what was checked: {issuer}");
    }
    ledger.save_state().expect("the state is saved");
    let on_record = ledger.reader().second_keys();
    ledger.close().expect("a clean end");

    let reader = Reader::open(Arc::clone(&disk), &options()).expect("it reads").0;
    assert_eq!(reader.second_keys(), on_record, "a reader sees other keys than the writer");
    let ledger = Ledger::open(Arc::clone(&disk), &options()).expect("it opens from its saved state");
    assert_eq!(ledger.reader().second_keys(), on_record, "a restart forgets which key held when");
    let held: Vec<_> = on_record.all().iter().map(|one| (one.info.key_id, one.since, one.end)).collect();
    let end = Some(SecondKeyEnd::Rotated { index: rotated.index });
    assert_eq!(held, [(first, introduced.index, end), (second, rotated.index, None)]);
    ledger.withdraw_second_key(&second, Revocation::Retired).expect("it is withdrawn");
    assert!(ledger.withdraw_second_key(&second, Revocation::Retired).is_err(), "it is withdrawn twice");
    assert!(ledger.rotate_second_key().is_err(), "a key that is gone was rotated");
    let alone = SignedCheckpoint::parse(
        ledger.reader().checkpoint_at(ledger.reader().size()).expect("one").as_bytes(),
    );
    assert_eq!(alone.expect("it reads").note.signatures.len(), 1, "a key that was withdrawn goes on signing");
    assert_eq!(ledger.reader().hybrid_key(), None, "a trust file would name a key that was withdrawn");
    ledger.introduce_second_key().expect("another may follow");
    ledger.close().expect("a clean end");
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound() && report.beside.is_empty(), "{:?} {:?}", report.findings, report.beside);
}

/// Requirement: B12. A key that the log does not name signs nothing, and whoever starts is told what to do.
#[test]
fn a_start_with_another_second_key_than_the_one_on_record_is_refused() {
    let (_dir, disk, ledger) = real();
    let (key, _) = ledger.introduce_second_key().expect("a second key");
    ledger.close().expect("a clean end");
    let path = format!("keys/ml-dsa-44-{}.key", &key.to_hex()[..16]);
    disk.rename(&path, "keys/kept-elsewhere").expect("its file is moved away");

    // Without a file the log goes on with its first signature, and says so.
    let ledger = Ledger::open(Arc::clone(&disk), &options()).expect("it opens");
    assert!(
        ledger.notes().iter().any(|note| note.contains("--reason lost")),
        "nobody is told that the second signature is missing: {:?}",
        ledger.notes()
    );
    assert!(ledger.rotate_second_key().is_err(), "a key was rotated that is not here to sign for it");
    ledger.close().expect("a clean end");

    let foreign = unrecorded(disk.as_ref());
    match Ledger::open(Arc::clone(&disk), &options()) {
        Err(OpenError::Mismatch(text)) => {
            let told = [key.to_hex(), foreign.path.clone(), "key revoke".to_owned()];
            assert!(told.iter().all(|one| text.contains(one)), "the refusal says too little: {text}");
        }
        Err(error) => panic!("refused for another reason: {error}"),
        Ok(_) => panic!("a log signs with a second key that it has not on record"),
    }
    let reader = Reader::open(Arc::clone(&disk), &options()).expect("reading goes on").0;
    let signed = SignedCheckpoint::parse(reader.checkpoint_at(reader.size()).expect("one").as_bytes());
    assert_eq!(signed.expect("it reads").note.signatures.len(), 1, "a foreign key signs for the log");
    assert!(
        fsck(&disk, &options(), &[]).beside.iter().any(|what| what.contains(&foreign.path)),
        "fsck finds nothing wrong with the foreign key"
    );

    // The remedy that the refusal names.
    disk.remove(&foreign.path).expect("the foreign file goes");
    let ledger = Ledger::open(Arc::clone(&disk), &options()).expect("it opens");
    ledger.withdraw_second_key(&key, Revocation::Lost).expect("a lost key is withdrawn");
    let (next, _) = ledger.introduce_second_key().expect("another follows");
    ledger.close().expect("a clean end");

    // A key that was made for a rotation and never recorded, because the process died, stops nobody and signs nothing.
    let stranger = unrecorded(disk.as_ref());
    let ledger = Ledger::open(Arc::clone(&disk), &options()).expect("it opens");
    assert!(ledger.notes().iter().any(|note| note.contains(&stranger.path)), "{:?}", ledger.notes());
    assert_eq!(ledger.reader().second_keys().in_force().expect("one").info.key_id, next);
    ledger.close().expect("a clean end");
}

/// Requirement: B12. Of several keys that no record names, none is taken at a guess.
#[test]
fn several_unrecorded_second_keys_are_refused() {
    let (_dir, disk, ledger) = real();
    ledger.close().expect("a clean end");
    let first = as_before_records(disk.as_ref());
    let other = unrecorded(disk.as_ref());
    assert!(Ledger::open(Arc::clone(&disk), &options()).is_err(), "one of two keys was taken at a guess");
    disk.remove(&other.path).expect("the other goes");
    let ledger = Ledger::open(Arc::clone(&disk), &options()).expect("it opens");
    assert_eq!(ledger.reader().second_keys().in_force().expect("one").info.key_id, first);
    ledger.close().expect("a clean end");
}

/// Requirement: B12. What was handed out before stays valid under the new trust file, and what is handed out now under the old one.
#[test]
fn a_second_key_signs_what_is_handed_out_and_keeps_old_proofs_valid() {
    let (_dir, disk, ledger) = real();
    let old_trust = trust(&ledger);
    let draft = Draft::new("document.captured").with("number", 1);
    let before = ledger.append(&draft).expect("an append").index;
    let old_receipt = ledger.reader().receipt(before).expect("a receipt").to_bytes().expect("its bytes");
    ledger.close().expect("a clean end");

    // As an earlier version left it: the file alone, under its old name.
    as_before_records(disk.as_ref());
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("the log opens with two keys");
    let on_record = again.reader().second_keys();
    assert_eq!(on_record.all().len(), 1, "the first key was not put on record: {on_record:?}");
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
    assert_eq!(
        verify(&forged, Some(&alone)).exit_code(),
        1,
        "a wrong line under the only key pinned is let pass"
    );

    again.close().expect("a clean end");
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound(), "the second key left the log unsound: {:?}", report.findings);
}
