//! One file of each format, byte for byte. A change here is a change of a format that somebody already holds.
//!
//! `UPDATE_GOLDEN=1` writes the files instead of comparing them. `receipt.bin`, `statement.bin`, `transparent.bin` and the two PEM
//! files are also what a foreign SCITT verifier is tested with.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fips204::ml_dsa_44::KG;
use fips204::traits::{KeyGen as _, SerDes as _, Signer as _};
use tabellion_tlog::{
    AddCheckpoint, BundleReader, CoseReceipt, MlDsaPublicKey, Note, Policy, PublicKey, Sign1,
    SignedCheckpoint, TlogProof, attach_receipts, cosign, cosign_ml_dsa, leaf_hash, push_entry, sign_note,
};

use crate::cose::{receipt_for, statement};
use crate::policy::spec_policy;
use crate::proof::proof;
use crate::reference::key;

/// An Ed25519 `SubjectPublicKeyInfo` up to the key (RFC 8410 §4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The golden file, after comparing (or writing) it.
fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    let held =
        fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}; write it with UPDATE_GOLDEN=1"));
    assert_eq!(
        held, bytes,
        "{name}: bytes that people hold would no longer be written; add a version instead"
    );
    held
}

fn pem(key: PublicKey) -> String {
    let spki = [SPKI.as_slice(), key.as_bytes()].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki))
}

#[test]
fn note_is_the_golden_one() {
    let note = sign_note("A note.\n\nWith an empty line.\n", "example.com/note", &key(1)).unwrap();
    assert!(Note::parse(&golden("note.txt", note.as_bytes())).is_ok(), "the golden note cannot be read");
}

#[test]
fn checkpoint_is_the_golden_one() {
    let mut signed = proof(None).signed_checkpoint().unwrap();
    let bytes = golden("checkpoint.txt", signed.bytes.as_bytes());
    assert_eq!(
        SignedCheckpoint::parse(&bytes),
        Ok(signed.clone()),
        "the golden checkpoint is read differently"
    );
    signed
        .note
        .signatures
        .push(cosign(&signed.note.text, "witness11.example", 1_767_225_600, &key(11)).unwrap());
    let cosigned = golden("checkpoint-cosigned.txt", signed.note.to_string().as_bytes());
    assert!(SignedCheckpoint::parse(&cosigned).is_ok(), "the golden cosigned checkpoint cannot be read");
    let name = "witness.example/w1";
    let line =
        cosign_ml_dsa(&signed.checkpoint, name, 1_767_225_600, &crate::cosignature::secret(3)).unwrap();
    let both = signed.with_signatures(&[line]).bytes;
    let read = SignedCheckpoint::parse(&golden("checkpoint-cosigned-ml-dsa.txt", both.as_bytes())).unwrap();
    let policy = format!("witness pq {}\nquorum pq\n", crate::cosignature::witness(3));
    let policy = Policy::parse(golden("policy-ml-dsa.txt", policy.as_bytes())).unwrap();
    assert!(policy.report(&read).unwrap().met, "a post-quantum cosignature that was given no longer counts");
}

/// Messages of ML-DSA-44 vectors: none, and lengths around a block of SHAKE256 (136 bytes).
const MESSAGES: [usize; 3] = [0, 135, 137];

/// Requirement: B11. What verifiers in other languages have to accept: two implementations' keys, signatures without and with randomness.
#[test]
fn ml_dsa_vectors_are_the_golden_ones() {
    let mut lines = Vec::new();
    for (number, length) in (1..).zip(MESSAGES) {
        let (public, secret) = KG::keygen_from_seed(&[number; 32]);
        let message: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let ours = crate::cosignature::secret(number).sign(&message).unwrap();
        let hedged = secret.try_sign_with_seed(&[number; 32], &message, &[]).unwrap();
        let public = public.into_bytes();
        for signature in [ours, hedged] {
            let read = MlDsaPublicKey::from_bytes(&public);
            assert_eq!(read.verify(&message, &signature), Ok(()), "a vector does not verify here");
            let parts = [public.as_slice(), &message, &signature].map(|part| STANDARD.encode(part));
            lines.push(parts.join(" ") + "\n");
        }
    }
    golden("ml-dsa-44.txt", lines.concat().as_bytes());
}

#[test]
fn request_to_a_witness_is_the_golden_one() {
    let request = crate::add_checkpoint::request(3, 7);
    let bytes = golden("add-checkpoint.txt", request.to_string().as_bytes());
    assert_eq!(AddCheckpoint::parse(&bytes), Ok(request), "the golden request is read differently");
}

#[test]
fn proof_is_the_golden_one() {
    for (name, extra) in
        [("entry.tlog-proof", None), ("entry-extra.tlog-proof", Some(b"extra data".as_slice()))]
    {
        let proof = proof(extra);
        let bytes = golden(name, proof.to_string().as_bytes());
        assert_eq!(TlogProof::parse(&bytes), Ok(proof), "{name} is read differently");
    }
}

#[test]
fn policy_is_the_golden_one() {
    let policy = Policy::parse(spec_policy()).unwrap();
    let bytes = golden("policy.txt", policy.to_string().as_bytes());
    assert_eq!(Policy::parse(&bytes), Ok(policy), "the golden policy is read differently");
}

#[test]
fn bundle_is_the_golden_one() {
    let mut bundle = Vec::new();
    for entry in [b"{}".as_slice(), &[0xd2, 0x84], &[b'x'; 300]] {
        push_entry(&mut bundle, entry).unwrap();
    }
    let bytes = golden("entries.bundle", &bundle);
    let entries: Result<Vec<_>, _> = BundleReader::new(&bytes).collect();
    assert_eq!(entries.map(|entries| entries.len()), Ok(3), "the golden bundle is read differently");
}

#[test]
fn statement_and_receipt_are_the_golden_ones() {
    let statement = statement();
    let entry = golden("statement.bin", &statement.encode());
    golden("statement.hex", format!("{}\n", hex::encode(&entry)).as_bytes());
    assert_eq!(Sign1::parse(&entry), Ok(statement), "the golden statement is read differently");
    golden("actor-public-key.pem", pem(key(2).public()).as_bytes());

    let (receipt, root) = receipt_for(&entry, 6, 11);
    let receipt = golden("receipt.bin", &receipt);
    golden("receipt.hex", format!("{}\n", hex::encode(&receipt)).as_bytes());
    golden("log-public-key.pem", pem(key(1).public()).as_bytes());
    let facts = CoseReceipt::verify(&receipt, &leaf_hash(&entry), &key(1).public()).unwrap();
    assert_eq!(
        (facts.index, facts.size, facts.root),
        (6, 11, root),
        "the golden receipt proves something else"
    );

    let transparent = attach_receipts(&entry, std::slice::from_ref(&receipt)).unwrap();
    golden("transparent.bin", &transparent);
}
