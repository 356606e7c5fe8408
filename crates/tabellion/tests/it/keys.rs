//! Keys: what they sign stays valid, what they are stays here.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::support::{Notary, tabellion};

fn in_force(notary: &Notary, purpose: &str) -> Vec<String> {
    let keys = notary.run(&["key", "list", "--json"]).ends(0).json();
    let keys = keys["keys"].as_array().expect("a list").clone();
    let wanted = keys.iter().filter(|key| key["purpose"] == purpose && key["standing"] == "in force");
    wanted.map(|key| key["key_id"].as_str().expect("an id").to_owned()).collect()
}

/// Requirement: A14
#[test]
fn the_operators_own_key_signs_never_leaves_and_its_rotation_keeps_old_proofs_valid() {
    let notary = Notary::new();
    let old = in_force(&notary, "actor").pop().expect("init makes an operator's key");
    let first = notary.file("first.txt", b"1");
    let index = notary.record(&first, &[])["index"].to_string();
    assert_eq!(
        notary.run(&["log", "show", &index, "--json"]).ends(0).json()["signed_by"],
        old.as_str(),
        "another key signed"
    );

    let rotated = notary.run(&["key", "rotate", &old]).ends(0);
    let new = in_force(&notary, "actor").pop().expect("one key took over");
    assert!(rotated.out.contains(&new) && new != old, "the operator must learn the new key: {}", rotated.out);
    let second = notary.file("second.txt", b"2");
    let index = notary.record(&second, &[])["index"].to_string();
    assert_eq!(
        notary.run(&["log", "show", &index, "--json"]).ends(0).json()["signed_by"],
        new.as_str(),
        "the old key still signs"
    );
    let retried = notary.file("retried.txt", b"3");
    let kept = notary.record(&retried, &["--idempotency-key", "k"]);
    notary.run(&["key", "rotate", &new]).ends(0);
    let again = notary.record(&retried, &["--idempotency-key", "k"]);
    assert_eq!(again["index"], kept["index"], "a retry after a rotation became a second record");
    notary.run(&["record", &second, "--actor", &old]).refused(1, &["key_not_in_force", &old]);

    for file in [&first, &second] {
        notary.verify(&format!("{file}.receipt")).ends(0);
    }
    let package = notary.beside_text("p.zip");
    notary.run(&["export", "--out", &package, "--disclose", "all"]).ends(0);
    notary.verify(&package).ends(0);

    let mut secrets = Vec::new();
    for name in fs::read_dir(notary.dir().join("keys")).expect("the key directory") {
        let text = fs::read_to_string(name.expect("a name").path()).expect("a key file");
        let key: serde_json::Value = serde_json::from_str(&text).expect("a key file is JSON");
        secrets.push(key["secret"].as_str().expect("a secret").to_owned());
    }
    assert!(secrets.len() >= 9, "the test must look for every secret there is: {}", secrets.len());
    let outputs = [
        package,
        format!("{first}.receipt"),
        notary.trust(),
        format!("{}/log/segments/00000000.seg", notary.dir_text()),
    ];
    for path in outputs {
        let bytes = fs::read(&path).expect("an output");
        for secret in &secrets {
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
                "{path} holds a secret key"
            );
        }
    }
    let shown = format!(
        "{}{}",
        notary.run(&["key", "list"]).ends(0).out,
        notary.run(&["key", "show", &new]).ends(0).out
    );
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "a secret was printed");
    notary.is_sound();
}

#[test]
fn every_key_of_the_log_can_be_rotated_and_old_and_new_evidence_verifies_with_the_same_trust_file() {
    let notary = Notary::new();
    let trust = notary.file("trust-from-before.txt", &fs::read(notary.trust()).expect("a trust file"));
    let file = notary.file("a.txt", b"1");
    notary.record(&file, &[]);
    let old = notary.file("old.receipt", &fs::read(format!("{file}.receipt")).expect("a receipt"));
    for (round, purpose) in ["log", "writer", "package", "log"].into_iter().enumerate() {
        notary.run(&["key", "rotate", purpose]).ends(0);
        let recorded = notary.record(&file, &[]);
        let receipt = recorded["receipt"].as_str().expect("a receipt's path").to_owned();
        assert_ne!(
            fs::read(&receipt).expect("it"),
            fs::read(&old).expect("it"),
            "the second record got the first receipt"
        );
        let package = notary.beside_text(&format!("{round}.zip"));
        notary.run(&["export", "--out", &package]).ends(0);
        for path in [&old, &receipt, &package] {
            tabellion(&["verify", path, "--trust", &trust]).ends(0);
            notary.verify(path).ends(0);
        }
    }
    notary.is_sound();
    notary.run(&["doctor"]).ends(0);
}

#[test]
fn keys_are_created_granted_to_others_revoked_and_named_by_their_beginning() {
    let notary = Notary::new();
    notary.run(&["key", "create"]).ends(0);
    let actors = in_force(&notary, "actor");
    assert_eq!(actors.len(), 2, "a second operator's key: {actors:?}");
    let public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="; // the public key of RFC 8032 §7.1 test 1
    notary.run(&["key", "create", "--public", public]).ends(0);
    notary.run(&["key", "create", "--public", "AAAA"]).refused(2, &["public key"]);
    notary.run(&["key", "create", "--purpose", "log", "--public", public]).refused(2, &["actor keys"]);
    notary.run(&["key", "rotate", "actor"]).refused(2, &["key id"]);

    notary.run(&["key", "revoke", &actors[0][..12], "--reason", "lost"]).ends(0);
    let shown = notary.run(&["key", "show", &actors[0][..12], "--json"]).ends(0).json();
    assert!(shown["standing"].as_str().expect("text").contains("revoked"), "{shown}");
    let file = notary.file("a.txt", b"1");
    notary.run(&["record", &file, "--actor", &actors[0]]).refused(1, &["key_not_in_force"]);
    notary.record(&file, &[]);
    let pem = notary.run(&["key", "show", &actors[0][..12], "--pem"]).ends(0).out;
    assert!(
        pem.starts_with("-----BEGIN PUBLIC KEY-----\n") && pem.ends_with("-----END PUBLIC KEY-----\n"),
        "{pem}"
    );
    let file = notary.file("actor.pem", pem.as_bytes());
    notary.run(&["issuer", "add", "ml.example", "--key", &file, "--note", "our own"]).ends(0);
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).expect("base64");
    assert_eq!(
        der[12..],
        *STANDARD.decode(shown["public"].as_str().expect("a key")).expect("base64"),
        "another key"
    );
    notary.run(&["key", "show", ""]).refused(2, &["no key id"]);
    notary.run(&["key", "show", "zz"]).refused(2, &["zz"]);
    let log_key = in_force(&notary, "log").pop().expect("a log key");
    notary.run(&["key", "revoke", &log_key, "--reason", "compromised"]).ends(0);
    let recorded = notary.record(&file, &[]);
    notary.verify(recorded["receipt"].as_str().expect("a receipt's path")).ends(0);
    notary.is_sound();
}

#[test]
fn a_missing_or_wrong_key_file_is_named_with_the_key_that_is_needed() {
    let notary = Notary::new();
    let writer = in_force(&notary, "writer").pop().expect("a writer key");
    let path = notary.dir().join(format!("keys/writer-{}.key", &writer[..16]));
    let kept = fs::read(&path).expect("the writer's key file");
    let file = notary.file("a.txt", b"1");
    fs::remove_file(&path).expect("the key file goes");
    notary.run(&["record", &file]).refused(1, &["keys/writer-", &writer, "backup"]);
    notary.run(&["doctor"]).ends(1);

    let log = in_force(&notary, "log").pop().expect("a log key");
    let foreign =
        fs::read(notary.dir().join(format!("keys/log-{}.key", &log[..16]))).expect("another key file");
    write_private(&path, &foreign);
    notary.run(&["record", &file]).refused(1, &["holds the log key", &writer]);
    write_private(&path, b"{\"secret\":\"do-not-print-me\"}\n");
    let refused = notary.run(&["record", &file]).refused(1, &["keys/writer-", "not a key file"]);
    assert!(!refused.err.contains("do-not-print-me"), "a damaged key file was quoted: {}", refused.err);

    write_private(&path, &kept);
    notary.record(&file, &[]);
    let vault = notary.dir().join("keys/vault.key");
    let kept = fs::read(&vault).expect("the vault key file");
    let other = Notary::new();
    write_private(&vault, &fs::read(other.dir().join("keys/vault.key")).expect("another vault's key"));
    notary.run(&["record", &file]).refused(1, &["vault"]);
    write_private(&vault, &kept);
    notary.is_sound();
}

fn write_private(path: &std::path::Path, bytes: &[u8]) {
    drop(fs::remove_file(path));
    fs::write(path, bytes).expect("a file can be written");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(path, private).expect("permissions can be set");
}
