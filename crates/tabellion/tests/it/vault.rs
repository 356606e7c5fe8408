//! The key that content's keys are wrapped under, changed as an operator does it.

use std::fs;
use std::process::Command;

use super::support::Notary;

/// Requirement: P18
#[test]
fn the_wrapping_key_is_changed_with_and_without_a_server_and_the_one_before_opens_nothing() {
    let notary = Notary::new();
    let path = notary.dir().join("keys/vault.key");
    let key = || fs::read(&path).expect("the key");
    notary.record(&notary.file("a.txt", b"a"), &[]);
    let first = key();
    let told = notary.run(&["vault", "rotate", "--reason", "yearly", "--json"]).ends(0).json();
    assert_eq!(told["generation"], 1, "{told}");
    assert!(told["moved"].as_u64().is_some_and(|moved| moved > 0), "nothing was moved: {told}");
    let second = key();
    assert_ne!(first, second, "the key is the same");
    let server = notary.serve();
    let told = notary.run(&["vault", "rotate", "--reason", "somebody left", "--json"]).ends(0).json();
    assert_eq!(told["generation"], 2, "{told}");
    let begun = notary.run(&["log", "show", &told["begun"].to_string(), "--json"]).ends(0).out;
    assert!(begun.contains("vault.rotation_begun") && begun.contains("somebody left"), "{begun}");
    // Done through the server, and still it says under which account, and from what to what.
    for part in [account(), "\"account\"".to_owned(), "\"from\"".to_owned(), "\"to\"".to_owned()] {
        assert!(begun.contains(&part), "the record does not say {part}: {begun}");
    }
    let size = notary.size();
    notary.run(&["vault", "rotate", "--reason", ""]).refused(2, &["reason"]);
    assert_eq!(notary.size(), size, "a change without a reason is on record");
    notary.record(&notary.file("b.txt", b"b"), &[]);
    server.stop().ends(0);
    notary.is_sound();
    let third = key();
    for before in [first, second] {
        fs::write(&path, before).expect("put back");
        notary.run(&["log", "show", "1"]).refused(1, &["keys/vault.key"]);
    }
    fs::write(&path, third).expect("put back");
    notary.is_sound();

    // Without the file that says under which key the vault is, the key is not to blame.
    let wrapping = notary.dir().join("vault/wrapping");
    let aside = notary.dir().join("wrapping");
    fs::rename(&wrapping, &aside).expect("moved away");
    notary.run(&["log", "show", "1"]).refused(1, &["vault/wrapping is missing"]);
    fs::rename(&aside, &wrapping).expect("put back");
    notary.is_sound();
}

/// The account of whoever runs this, as the operating system names it.
pub(super) fn account() -> String {
    let named = Command::new("id").arg("-un").output().expect("id");
    let name = String::from_utf8_lossy(&named.stdout).trim().to_owned();
    if named.status.success() && !name.is_empty() {
        name
    } else {
        format!("uid {}", rustix::process::getuid().as_raw())
    }
}
