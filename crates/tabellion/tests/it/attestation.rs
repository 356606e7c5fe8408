//! Attestations of other organisations, as they make and count them.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::{Notary, Ran, tabellion_verify};

/// An Ed25519 key as `openssl genpkey` writes it.
fn key_file(notary: &Notary, name: &str, seed: u8) -> String {
    let mut der =
        vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend([seed; 32]);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    notary.private_file(name, pem.as_bytes())
}

/// The key id that an attester was told.
fn key_of(ran: &Ran) -> String {
    let (_, rest) = ran.err.split_once("Signed with key ").expect("the attester is told its key");
    rest[..64].to_owned()
}

/// Requirement: R22. From receipts and content to a count, with the exit status of every other verifier.
#[test]
fn receipts_are_attested_by_two_and_counted_by_a_third() {
    let notary = Notary::new();
    let file = notary.file("card.json", b"{\"score\": 7}");
    let receipt = notary.record(&file, &[])["receipt"].as_str().expect("a receipt").to_owned();
    let here = notary.beside("");
    let attest = |key: &str, out: &str, more: &[&str]| {
        let trust = notary.trust();
        tabellion_verify(
            &here,
            &[&["attest", &receipt, "--trust", &trust, "--key", key, "--out", out], more].concat(),
        )
    };
    let (one, two) = (key_file(&notary, "one.pem", 1), key_file(&notary, "two.pem", 2));
    let first = attest(&one, "one.txt", &["--content", &file]).ends(0);
    assert!(
        first.out.starts_with("level 3 "),
        "the content that was sealed is not found to be so: {}",
        first.out
    );
    let second = attest(&two, "two.txt", &[]).ends(0);
    attest(&two, "two.txt", &[]).refused(2, &["exists"]);

    let rows = [("One", key_of(&first)), ("Two", key_of(&second))]
        .map(|(who, key)| json!({"key_id": key, "organisation": who, "valid_from": "2020-01-01"}));
    let directory =
        |rows: &[serde_json::Value]| json!({"format": "tabellion.key-directory/1", "keys": rows}).to_string();
    fs::write(notary.beside("both.json"), directory(&rows)).expect("a directory");
    fs::write(notary.beside("one.json"), directory(&rows[..1])).expect("a directory");
    let count = |signers: &str, need: &str, files: &[&str]| {
        tabellion_verify(&here, &[&["quorum", "--signers", signers, "--need", need][..], files].concat())
    };
    let counted = count("both.json", "2", &["one.txt", "two.txt"]).ends(0);
    assert!(counted.out.starts_with("HOLDS"), "{}", counted.out);
    let counted = count("one.json", "2", &["one.txt", "two.txt"]).ends(3);
    assert!(counted.out.contains("not counted: two.txt, not known"), "{}", counted.out);
    count("both.json", "2", &["one.txt", "one.txt"]).ends(3);

    // One who is given other content says so, and no majority hides it.
    let third = key_file(&notary, "three.pem", 3);
    let other = notary.file("other.json", b"{\"score\": 8}");
    let broken = attest(&third, "three.txt", &["--content", &other]).ends(1);
    let row = json!({"key_id": key_of(&broken), "organisation": "Three", "valid_from": "2020-01-01"});
    fs::write(notary.beside("all.json"), directory(&[&rows[..], &[row]].concat())).expect("a directory");
    let counted = count("all.json", "2", &["one.txt", "two.txt", "three.txt", "--json"]).ends(1).json();
    let said = counted["items"][0]["contradictions"][0].as_str().expect("a contradiction");
    assert!(said.contains("Three says broken"), "{said}");

    // Entries that have to be there, files that are something else, keys that others can read.
    let items = notary.file("items.txt", b"example.org/log/acme 100000\n");
    count("both.json", "1", &["one.txt", "--items", &items]).ends(3);
    fs::write(notary.beside("junk.txt"), "tabellion.attestation/1\n{}\n").expect("a file");
    count("both.json", "1", &["one.txt", "junk.txt"]).ends(2);
    fs::set_permissions(&third, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("permissions");
    attest(&third, "four.txt", &[]).refused(1, &["chmod 600"]);
    // A file to verify is still just that.
    tabellion_verify(&here, &[&receipt, "--trust", &notary.trust()]).ends(0);
    tabellion_verify(&here, &[]).ends(2);
}
