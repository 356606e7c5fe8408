//! One file per format. A change that moves a byte shows here as a diff; a format is never edited, a new version stands beside it.
//!
//! Written anew with `UPDATE_GOLDEN=1`.

use std::path::PathBuf;

use serde_json::json;
use tabellion_model::key::rotate;
use tabellion_model::registry::{ErasureDone, Facts, Purpose, Revocation, Revoked};
use tabellion_model::{
    BatchSeal, Disclosure, Entry, Header, KeyChain, Micros, RecordId, SealedRecord, Statement, UnitId,
    derive_seed, seal_unit, tombstone, unit_plaintext,
};
use tabellion_tlog::leaf_hash;

use crate::records::fixture::{
    actor_key, bytes_of, credential, full_header, genesis, grant_facts, hash, key, key_id, log_key, origin,
    root_statement, small_header, writer_key,
};
use crate::records::registry::{every_fact, header_of, signed_beat};

fn check(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let kept = std::fs::read(&path).expect("a golden file; UPDATE_GOLDEN=1 writes it");
    assert!(
        kept == bytes,
        "{name} has changed: whoever holds the old bytes could no longer verify them\n kept: {}\n now:  {}",
        kept.escape_ascii(),
        bytes.escape_ascii()
    );
}

#[test]
fn records() {
    let headers = [full_header(), small_header("document.captured")];
    for (name, header) in ["record-full.json", "record-small.json"].into_iter().zip(headers) {
        let bytes = bytes_of(header.clone());
        check(name, &bytes);
        let read = SealedRecord::parse(&bytes).unwrap().header;
        assert_eq!(read, header, "a record kept for years must still be read");
    }
    check("record-full.leaf", format!("{}\n", leaf_hash(&bytes_of(full_header()))).as_bytes());
}

#[test]
fn one_record_of_every_type() {
    for said in every_fact().iter().filter(|said| !said.kind().is_key_record()) {
        let bytes = bytes_of(header_of(said));
        check(&format!("{}.json", said.kind().name()), &bytes);
        assert!(
            matches!(Entry::parse(&bytes), Ok(Entry::Record(_))),
            "a record kept for years must still be read"
        );
    }
}

/// A heartbeat that its source signed, and the bytes that were signed: clients and verifiers in other languages are held against both.
#[test]
fn a_signed_heartbeat() {
    let (beat, message) = signed_beat();
    check("source.heartbeat-signed.json", &bytes_of(header_of(&Facts::SourceHeartbeat(beat))));
    check("source.heartbeat-signed.message", &message);
}

#[test]
fn a_unit_and_its_disclosures() {
    let id = UnitId::from_bytes([0x71; 16]);
    let fields = vec![
        ("prompt".to_owned(), json!("Wie hoch ist die Prämie? 😀\n\"genau\"")),
        ("tokens".to_owned(), json!({"in": 12, "out": 345, "\u{fb33}": null, "😀": [true, false]})),
    ];
    let seed = derive_seed(&[0x42; 32], &id);
    let (unit, disclosures) = seal_unit(id, &seed, &fields).unwrap();
    check("disclosures.txt", lines(&disclosures).as_bytes());
    check("unit-plaintext.json", &unit_plaintext(&disclosures));
    let header = Header { units: vec![unit], ..small_header("document.captured") };
    check("record-with-unit.json", &bytes_of(header));
}

#[test]
fn a_tombstone() {
    let erased = [0x71, 0x72].map(|id| UnitId::from_bytes([id; 16]));
    let fields: Vec<_> = erased.iter().map(tombstone::field).collect();
    let id = UnitId::from_bytes([0x73; 16]);
    let (unit, disclosures) = seal_unit(id, &derive_seed(&[0x43; 32], &id), &fields).unwrap();
    check("tombstones.txt", lines(&disclosures).as_bytes());
    let order = RecordId::from_bytes([0xf1; 16]);
    let done = Facts::ErasureDone(ErasureDone { erased: 2, last: true, order });
    let stream = Some((tombstone::stream_of(&order).unwrap(), 1));
    check(
        "erasure.done-with-tombstones.json",
        &bytes_of(Header { units: vec![unit], stream, ..header_of(&done) }),
    );
}

/// Digest and disclosure, a line each.
fn lines(disclosures: &[Disclosure]) -> String {
    disclosures
        .iter()
        .flat_map(|shown| [shown.digest(), " ".to_owned(), shown.encode(), "\n".to_owned()])
        .collect()
}

#[test]
fn a_statement_and_a_seal() {
    let statement = Statement::sign(&SealedRecord { header: full_header() }, &actor_key()).unwrap();
    check("statement.cose", &statement);
    let seal = BatchSeal {
        log: origin(),
        first: 10,
        count: 5,
        root: hash("root"),
        committed_at: Micros(1_767_323_046_000_000),
        keys: 4,
    };
    check("seal.json", &seal.to_payload().unwrap());
    check("seal.cose", &seal.sign(&writer_key()).unwrap());
}

#[test]
fn key_records() {
    let rotated = rotate(credential(0xbb), &origin(), Purpose::Log, &log_key(), &key(6)).unwrap();
    let revoked = Revoked { key_id: key_id(&key(6)), reason: Revocation::Compromised };
    let records = [
        ("key.granted.cose", grant_facts(&log_key(), Purpose::Log, 0xbb)),
        ("key.rotated.cose", Facts::KeyRotated(Box::new(rotated))),
        ("key.revoked.cose", Facts::KeyRevoked(revoked)),
    ];
    check("log.genesis.cose", &genesis());
    let mut chain = KeyChain::genesis(&genesis()).unwrap();
    for (version, (name, facts)) in (2..).zip(&records) {
        let bytes = root_statement(facts, version);
        check(name, &bytes);
        let statement = Statement::parse(&bytes).unwrap();
        chain.apply(version - 1, &statement).expect("the kept key records form a chain");
    }
    assert_eq!(chain.version(), 4, "the kept key records form a chain");
}
