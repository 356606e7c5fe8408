//! Statements as SCITT has them, from the command line: a large file by its digest, registered under a known key, proved to others; and a second key.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::support::{Notary, tabellion};

/// The public key of the log's operator, as openssl would write it.
pub(super) fn operator_pem(notary: &Notary) -> String {
    let keys = fs::read_dir(notary.dir().join("keys")).expect("the keys' directory");
    let file = keys
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("actor-")))
        .expect("the operator's key");
    let key: serde_json::Value =
        serde_json::from_slice(&fs::read(file).expect("a key file")).expect("one line of JSON");
    let public = STANDARD.decode(key["public"].as_str().expect("its public half")).expect("base64");
    let spki =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &public].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki))
}

#[test]
fn a_large_file_is_stated_by_its_digest_registered_and_proved() {
    let notary = Notary::new();
    let file = notary.file("weights.bin", &vec![7; 3 << 20]);
    let statement = format!("{file}.cose");
    notary
        .run(&["statement", "hash", &file, "--issuer", "ml.example", "--media-type", "application/x-weights"])
        .ends(0);
    tabellion(&["statement", "check", &statement, &file]).ends(0);

    let size = notary.size();
    notary.run(&["statement", "register", &statement]).refused(1, &["ml.example", "no key"]);
    assert_eq!(notary.size(), size, "a statement of nobody we know left something in the log");
    let key = notary.file("operator.pem", operator_pem(&notary).as_bytes());
    notary.run(&["issuer", "add", "ml.example", "--key", &key, "--note", "our own"]).ends(0);
    let listed = notary.run(&["issuer", "list", "--json"]).ends(0).json()[0].clone();
    assert_eq!((listed["issuer"].as_str(), listed["counts"].as_bool()), (Some("ml.example"), Some(true)));

    let registered = notary.run(&["statement", "register", &statement, "--json"]).ends(0).json();
    assert!(
        fs::metadata(format!("{statement}.cose-receipt")).is_ok(),
        "the receipt is not beside its statement"
    );
    let again = notary.run(&["statement", "register", &statement, "--json"]).ends(0).json();
    assert_eq!(
        (&again["index"], again["duplicate"].as_bool()),
        (&registered["index"], Some(true)),
        "registered twice"
    );
    let index = registered["index"].to_string();
    let transparent = notary.beside_text("weights.transparent");
    notary.run(&["log", "prove", &index, "--format", "transparent", "--out", &transparent]).ends(0);
    let report = notary.verify(&transparent).ends(0);
    assert!(
        report.out.contains("statement.registered"),
        "the reader is not told what was verified: {}",
        report.out
    );

    fs::write(&file, vec![8; 3 << 20]).expect("the file is changed");
    tabellion(&["statement", "check", &statement, &file]).refused(1, &["another file"]);
    let id = listed["id"].as_str().expect("an id").to_owned();
    notary.run(&["issuer", "remove", &id, "--reason", "no longer"]).ends(0);
    notary.run(&["issuer", "remove", &id, "--reason", "no longer"]).refused(1, &["removed before"]);
    let draft = br#"{"type":"statement.registered","clear":{"issuer_key":"00","statement_sha256":"00"}}"#;
    let draft = notary.file("draft.json", draft);
    notary.run(&["record", "--drafts", &draft]).refused(2, &["statement.registered", "not appended by hand"]);
    notary.is_sound();
}

/// Requirement: A20
#[test]
fn an_auditor_signs_beside_the_one_who_made_a_finding_and_both_signatures_verify() {
    let (notary, auditor) = (Notary::new(), Notary::new());
    let finding = notary.file("finding.json", br#"{"clause":"9.2","text":"no review since March"}"#);
    let recorded = notary.record(&finding, &["--with-content"]);
    let receipt = recorded["receipt"].as_str().expect("a receipt").to_owned();
    let first = tabellion(&["verify", &receipt, "--trust", &notary.trust(), "--json"]).ends(0).json();
    let checks = first["checks"].as_array().expect("checks");
    let signed =
        checks.iter().find(|check| check["name"] == "statement").expect("the signature of who made it");
    assert_eq!((&signed["outcome"], &signed["required"]), (&"holds".into(), &true.into()), "{signed}");

    // The auditor's own key, in a directory of their own, over the finding with its proof.
    let beside =
        ["statement", "hash", &receipt, "--issuer", "auditor.example", "--subject", "finding 9.2, seen"];
    auditor.run(&beside).ends(0);
    let counter = format!("{receipt}.cose");
    let key = notary.file("auditor.pem", operator_pem(&auditor).as_bytes());
    let said = tabellion(&["statement", "check", &counter, &receipt, "--key", &key]).ends(0);
    assert!(said.out.contains("signed by auditor.example"), "{}", said.out);
    let own = notary.file("own.pem", operator_pem(&notary).as_bytes());
    tabellion(&["statement", "check", &counter, &receipt, "--key", &own])
        .refused(1, &["not signed by the key"]);
    notary.run(&["issuer", "add", "auditor.example", "--key", &key, "--note", "met in person"]).ends(0);
    let registered = notary.run(&["statement", "register", &counter, "--json"]).ends(0).json();
    let both = notary.beside_text("both.transparent");
    let index = registered["index"].to_string();
    notary.run(&["log", "prove", &index, "--format", "transparent", "--out", &both]).ends(0);
    notary.verify(&both).ends(0);

    // Neither stands for the other: a finding that was changed is not the one that the auditor signed.
    let mut changed = fs::read(&receipt).expect("the receipt");
    let last = changed.len() - 10;
    changed[last] ^= 1;
    let changed = notary.file("changed.receipt", &changed);
    tabellion(&["statement", "check", &counter, &changed, "--key", &key]).refused(1, &["another file"]);
    let mut forged = fs::read(&counter).expect("the counter-signature");
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = notary.file("forged.cose", &forged);
    tabellion(&["statement", "check", &forged, &receipt, "--key", &key])
        .refused(1, &["not signed by the key"]);
    notary.run(&["statement", "register", &forged]).refused(1, &["signature"]);
}

/// Requirement: B12
#[test]
fn a_log_with_a_second_key_says_so_to_whoever_verifies() {
    let notary = Notary::with(&["--hybrid"]);
    let file = notary.file("card.json", b"{}");
    let recorded = notary.record(&file, &[]);
    let receipt = recorded["receipt"].as_str().expect("a receipt");
    let report = notary.verify(receipt).ends(0);
    assert!(
        report.out.contains("ML-DSA-44"),
        "the reader is not told of the second signature: {}",
        report.out
    );
    notary.run(&["key", "hybrid"]).refused(1, &["never replaced"]);
    notary.is_sound();

    let later = Notary::new();
    let before = later.record(&later.file("a.json", b"{}"), &[]);
    later.run(&["key", "hybrid"]).ends(0);
    let after = later.record(&later.file("b.json", b"[]"), &[]);
    for recorded in [before, after] {
        later.verify(recorded["receipt"].as_str().expect("a receipt")).ends(0);
    }
    later.is_sound();
}
