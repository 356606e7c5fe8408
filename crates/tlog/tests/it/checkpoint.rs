//! Checkpoints: signed by the log only, in one byte form.

use tabellion_tlog::{
    Checkpoint, CheckpointError, Hash, SignatureType, SignedCheckpoint, VerifierKey, cosign, leaf_hash,
};

use crate::reference::key;

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "example.com/log/acme".to_owned(), size: 20_852_163, root: leaf_hash(b"root") }
}

fn signed() -> String {
    SignedCheckpoint::sign(&checkpoint(), &key(1)).unwrap()
}

#[test]
fn only_the_log_of_the_origin_can_sign() {
    let signed = SignedCheckpoint::parse(signed().as_bytes()).unwrap();
    assert_eq!(signed.checkpoint, checkpoint(), "a checkpoint was read differently than written");
    let log = VerifierKey::new("example.com/log/acme", key(1).public()).unwrap();
    assert_eq!(signed.verify_with(&log), Ok(()), "the log's own checkpoint was refused");
    let other_key = VerifierKey::new("example.com/log/acme", key(2).public()).unwrap();
    assert!(signed.verify_with(&other_key).is_err(), "another key passed for the log's");
    let other_name = VerifierKey::new("example.com/log/other", key(1).public()).unwrap();
    assert!(
        matches!(signed.verify_with(&other_name), Err(CheckpointError::OtherOrigin { .. })),
        "a key of another log spoke"
    );
}

#[test]
fn a_witness_does_not_speak_for_the_log() {
    let name = "example.com/log/acme";
    let mut signed = SignedCheckpoint::parse(signed().as_bytes()).unwrap();
    signed.note.signatures = vec![cosign(&signed.note.text, name, 1, &key(1)).unwrap()];
    let witness = VerifierKey::with_type(name, key(1).public(), SignatureType::CosignatureV1).unwrap();
    assert!(
        signed.verify_any(std::slice::from_ref(&witness)).is_ok(),
        "a witness's own cosignature was refused"
    );
    assert!(signed.verify_with(&witness).is_err(), "a cosignature passed for the log's signature");
}

#[test]
fn other_forms_of_a_checkpoint_are_refused() {
    let (good, root) = (checkpoint().text(), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
    assert_eq!(Checkpoint::parse(&good), Ok(checkpoint()), "our own checkpoint was refused");
    let long_origin = "o".repeat(256);
    let refused = [
        (1, String::new()),
        (1, format!("\n1\n{root}\n")),
        (1, format!("a b\n1\n{root}\n")),
        (1, format!("a+b\n1\n{root}\n")),
        (1, format!("{long_origin}\n1\n{root}\n")),
        (2, format!("o\n01\n{root}\n")),
        (2, format!("o\n+1\n{root}\n")),
        (2, format!("o\n\n{root}\n")),
        (2, format!("o\n 1\n{root}\n")),
        (2, format!("o\n-1\n{root}\n")),
        (2, format!("o\n9223372036854775808\n{root}\n")),
        (2, format!("o\n99999999999999999999\n{root}\n")),
        (3, "o\n1\n".to_owned()),
        (3, format!("o\n1\n{root}")),
        (3, "o\n1\nAAAA\n".to_owned()),
        (3, format!("o\n1\n{}\n", root.replace("2I=", "2J="))),
        (3, format!("o\n0\n{root}\n")),
        (4, format!("o\n1\n{root}\nextension\n")),
        (4, format!("o\n1\n{root}\n\n")),
    ];
    for (line, text) in refused {
        let error = Checkpoint::parse(&text);
        let named = matches!(error, Err(CheckpointError::Line { line: found, .. }) if found == line || text.is_empty());
        assert!(named, "{text:?} was read, or line {line} not named: {error:?}");
    }
    let empty = Checkpoint { origin: "o".to_owned(), size: 0, root: Hash::empty_root() };
    assert_eq!(Checkpoint::parse(&empty.text()), Ok(empty), "a log without entries has a checkpoint too");
}

#[test]
fn what_nobody_could_read_is_not_signed() {
    for (origin, size) in [("", 1), ("a b", 1), ("a\nb", 1), ("o", u64::MAX), ("o", 0)] {
        let bad = Checkpoint { origin: origin.to_owned(), size, root: leaf_hash(b"root") };
        assert!(
            SignedCheckpoint::sign(&bad, &key(1)).is_err(),
            "{bad:?} was signed and no verifier would read it"
        );
    }
}

#[test]
fn every_changed_byte_of_a_signed_checkpoint_shows() {
    let good = signed();
    let log = VerifierKey::new("example.com/log/acme", key(1).public()).unwrap();
    for at in 0..good.len() {
        for bit in [1u8, 2, 4, 8, 16, 32] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= bit;
            let held = SignedCheckpoint::parse(&bytes).and_then(|changed| changed.verify_with(&log));
            assert!(held.is_err(), "byte {at} of a checkpoint was changed and it still verifies");
        }
    }
}
