//! Backup and restore, rehearsed as an operator does it.

use std::fs;

use super::support::{Notary, tabellion, tabellion_with};

/// A log with a backup of it and of its keys, and one record more than the backup has.
fn backed_up() -> (Notary, String, String) {
    let notary = Notary::new();
    notary.record(&notary.file("a.txt", b"a"), &[]);
    let (backup, keys) = (notary.beside_text("backup"), notary.beside_text("keys-backup"));
    let told = notary.run(&["backup", "--to", &backup, "--keys-to", &keys, "--json"]).ends(0).json();
    assert_eq!(told["size"], notary.size(), "the backup has another size than the log");
    (notary, backup, keys)
}

/// Requirement: P17
#[test]
fn a_lost_machine_is_restored_and_goes_on_under_its_own_name() {
    let (notary, backup, keys) = backed_up();
    let size = notary.size();
    let receipt = format!("{}.receipt", notary.beside_text("a.txt"));
    let receipt =
        if fs::metadata(&receipt).is_ok() { receipt } else { notary.file("a.txt", b"a") + ".receipt" };
    fs::remove_dir_all(notary.dir()).expect("the machine burns");
    let dir = notary.dir_text();
    tabellion(&["restore", "--from", &backup, "--keys", &keys, "--dir", &dir]).ends(2);
    let told = tabellion(&[
        "restore",
        "--from",
        &backup,
        "--keys",
        &keys,
        "--dir",
        &dir,
        "--against",
        &receipt,
        "--json",
    ])
    .ends(0)
    .json();
    assert_eq!((&told["size"], &told["read_only"]), (&size.into(), &false.into()), "{told}");
    notary.record(&notary.file("b.txt", b"b"), &[]);
    notary.is_sound();
    tabellion(&["restore", "--from", &backup, "--keys", &keys, "--dir", &dir, "--nothing-newer"])
        .refused(2, &["exists"]);
}

#[test]
fn a_backup_is_taken_while_a_server_runs() {
    let notary = Notary::new();
    let server = notary.serve();
    notary.drafts("{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n");
    let (backup, keys) = (notary.beside_text("backup"), notary.beside_text("keys-backup"));
    notary.run(&["backup", "--to", &backup, "--keys-to", &keys]).ends(0);
    notary.drafts("{\"type\":\"event.logged\",\"body\":{\"n\":2}}\n");
    let there = notary.beside_text("there");
    tabellion(&["restore", "--from", &backup, "--keys", &keys, "--dir", &there, "--nothing-newer"]).ends(0);
    tabellion(&["fsck", &there]).ends(0);
    server.stop().ends(0);
    notary.run(&["backup", "--to", &backup]).refused(2, &["exists"]);
}

/// Going on with an older copy would fork the log: it is restored to be read, and a new log cites it.
#[test]
fn a_backup_older_than_a_known_checkpoint_is_restored_to_be_read_and_cited() {
    let (notary, backup, keys) = backed_up();
    notary.record(&notary.file("later.txt", b"later"), &[]);
    let newest = notary.file("later.txt", b"later") + ".receipt";
    let there = notary.beside_text("there");
    let restore = ["restore", "--from", &backup, "--keys", &keys, "--dir", &there, "--against", &newest];
    tabellion(&restore).refused(1, &["older copy", "fork", "--older-copy"]);
    assert!(fs::metadata(&there).is_err(), "a refused restore leaves something");
    tabellion(&[&restore[..], &["--older-copy"]].concat())
        .refused(1, &["erasures_unknown", "--erasures-from", "--without-content"]);
    let dir = notary.dir_text();
    let told = tabellion(&[&restore[..], &["--older-copy", "--erasures-from", &dir]].concat()).ends(0);
    assert!(told.err.contains("--continues"), "nobody is told how to go on: {}", told.err);
    tabellion(&["record", &newest, "--dir", &there])
        .refused(1, &["nothing is appended to this copy", "--continues"]);
    tabellion(&["log", "head", "--dir", &there]).ends(0);
    stays_retired(&notary, &there);
    let next = notary.beside_text("next");
    let init = ["init", "--dir", &next, "--continues", &there];
    let origin = notary.run(&["log", "head", "--json"]).ends(0).json()["origin"]
        .as_str()
        .expect("an origin")
        .to_owned();
    tabellion(&[&init[..], &["--origin", &origin]].concat()).refused(2, &["same origin", "--origin"]);
    assert!(fs::metadata(&next).is_err(), "a refused log was made all the same");
    tabellion(&[&init[..], &["--origin", "localhost/log/second"]].concat()).ends(0);
    let entries = tabellion(&["log", "tail", "-n", "100", "--dir", &next, "--json"]).ends(0).json_lines();
    let cited =
        entries.iter().find(|entry| entry["type"] == "log.continued").expect("the old log is not cited");
    assert!(cited["index"].as_u64().is_some_and(|index| index > 0), "{cited}");
    let live = tabellion(&[
        "init",
        "--dir",
        &notary.beside_text("third"),
        "--continues",
        &notary.dir_text(),
        "--origin",
        "localhost/log/third",
    ]);
    live.refused(2, &["may still be appended to"]);
}

/// A copy that must not go on says so, can be exported, and stays one through a backup of its own.
fn stays_retired(notary: &Notary, there: &str) {
    let doctor = tabellion(&["doctor", "--dir", there]).ends(1);
    assert!(doctor.out.contains("nothing is appended to this copy"), "doctor is silent: {}", doctor.out);
    let fsck = tabellion(&["fsck", there]).ends(0);
    assert!(fsck.err.contains("nothing is appended to this copy"), "fsck is silent: {}", fsck.err);
    tabellion(&["key", "hybrid", "--dir", there]).refused(1, &["copy of the log", "goes on"]);
    let package = notary.beside_text("retired.zip");
    let told = tabellion(&["export", "--dir", there, "--out", &package, "--json"]).ends(0);
    assert!(
        told.json()["entry"].is_null(),
        "an export is said to be on record where nothing is: {}",
        told.out
    );
    assert!(told.json()["not_recorded"].is_string(), "nobody is told that it is not on record: {}", told.out);
    notary.verify(&package).ends(0);

    let (copy, again) = (notary.beside_text("copy-of-the-copy"), notary.beside_text("again"));
    tabellion(&["backup", "--dir", there, "--to", &copy]).ends(0);
    let keys = format!("{there}/keys");
    let restore = ["restore", "--from", &copy, "--keys", &keys, "--dir", &again];
    tabellion(&[&restore[..], &["--nothing-newer", "--older-copy"]].concat()).ends(2);
    let told = tabellion(&[&restore[..], &["--nothing-newer", "--json"]].concat()).ends(0).json();
    assert_eq!(told["read_only"], true, "the mark washes off in a backup: {told}");
    let letter = notary.file("more.txt", b"more");
    tabellion(&["record", &letter, "--dir", &again]).refused(1, &["nothing is appended to this copy"]);
}

/// What is asked for as a copy to be read only is one, whatever it is compared with.
#[test]
fn an_older_copy_is_read_only_also_when_nothing_newer_was_named() {
    let (notary, backup, keys) = backed_up();
    let (there, kept) = (notary.beside_text("there"), notary.beside_text("a.txt.receipt"));
    let restore = ["restore", "--from", &backup, "--keys", &keys, "--dir", &there, "--older-copy"];
    tabellion(&restore).ends(2);
    tabellion(&[&restore[..], &["--against", &kept]].concat()).ends(0);
    let letter = notary.file("more.txt", b"more");
    tabellion(&["record", &letter, "--dir", &there]).refused(1, &["nothing is appended to this copy"]);
}

#[test]
fn a_restore_believes_no_checkpoint_of_another_log_and_takes_no_keys_of_before_a_rotation() {
    let (notary, backup, keys) = backed_up();
    let there = notary.beside_text("there");
    let against = |file: &str| {
        tabellion(&["restore", "--from", &backup, "--keys", &keys, "--dir", &there, "--against", file])
    };
    // The same origin under other keys is what anybody could make up.
    let forger = Notary::new();
    let paper = forger.file("b.txt", b"b");
    for _ in 0..4 {
        forger.record(&paper, &[]);
    }
    against(&format!("{paper}.receipt")).refused(1, &["b.txt.receipt", "no log key", "nothing was restored"]);
    let elsewhere = notary.beside_text("elsewhere");
    tabellion(&["init", "--dir", &elsewhere, "--origin", "localhost/log/other"]).ends(0);
    let other = notary.file("other.txt", b"other");
    tabellion(&["record", &other, "--dir", &elsewhere]).ends(0);
    against(&format!("{other}.receipt")).refused(1, &["localhost/log/other", "nothing was restored"]);

    notary.run(&["key", "rotate", "log"]).ends(0);
    let newer = notary.beside_text("newer");
    notary.run(&["backup", "--to", &newer]).ends(0);
    // The older copy of the keys, with the key of the newer backup.
    for name in fs::read_dir(notary.dir().join("keys")).expect("keys").map(|name| name.expect("a name")) {
        if name.file_name().to_string_lossy().starts_with("backup-") {
            fs::copy(name.path(), notary.beside("keys-backup").join(name.file_name())).expect("a copy");
        }
    }
    let restore = |keys: &str| {
        tabellion(&["restore", "--from", &newer, "--keys", keys, "--dir", &there, "--nothing-newer"])
    };
    restore(&keys).refused(1, &["older copy of the keys", "nothing was restored"]);
    assert!(fs::metadata(&there).is_err(), "a log that cannot go on is there");
    fs::create_dir(format!("{there}.part")).expect("what a restore leaves that is killed");
    let newer_keys = notary.dir().join("keys").display().to_string();
    restore(&newer_keys).refused(2, &["rm -r", ".part"]);
    fs::remove_dir(format!("{there}.part")).expect("removed as told");
    restore(&newer_keys).ends(0);
    tabellion(&["record", &other, "--dir", &there]).ends(0);
    let inside = notary.dir().join("backup").display().to_string();
    notary.run(&["backup", "--to", &inside]).refused(2, &["inside", "outside"]);
}

#[test]
fn a_damaged_backup_and_the_wrong_keys_leave_nothing_behind() {
    let (notary, backup, keys) = backed_up();
    let other = Notary::new();
    let wrong = other.dir().join("keys").display().to_string();
    let there = notary.beside_text("there");
    let restore = |keys: &str| {
        tabellion(&["restore", "--from", &backup, "--keys", keys, "--dir", &there, "--nothing-newer"])
    };
    restore(&wrong).refused(1, &["nothing was restored"]);
    assert!(fs::metadata(&there).is_err(), "what was refused is there");
    fs::write(notary.beside("backup").join("vault/keys"), b"x").expect("damage");
    restore(&keys).refused(1, &["vault/keys", "another backup"]);
    fs::remove_file(notary.beside("backup").join("backup.json")).expect("cut short");
    restore(&keys).refused(2, &["backup.json", "cut short"]);
    assert!(
        fs::metadata(&there).is_err() && fs::metadata(format!("{there}.part")).is_err(),
        "remains lie about"
    );
}

#[test]
fn a_log_with_encrypted_keys_is_restored_by_its_passphrase() {
    let notary = Notary::encrypted("correct horse battery staple");
    notary.record(&notary.file("a.txt", b"a"), &[]);
    let (backup, keys) = (notary.beside_text("backup"), notary.beside_text("keys-backup"));
    notary.run(&["backup", "--to", &backup, "--keys-to", &keys]).ends(0);
    let there = notary.beside_text("there");
    let restore = ["restore", "--from", &backup, "--keys", &keys, "--dir", &there, "--nothing-newer"];
    let wrong = notary.private_file("wrong", b"another passphrase altogether");
    let refused = tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &wrong)], &restore);
    refused.refused(1, &["nothing was restored", "passphrase"]);
    assert!(fs::metadata(&there).is_err(), "what nobody could open is there");
    tabellion(&restore).ends(0);
    tabellion(&["fsck", &there]).ends(0);
}

/// The log alone comes back where a backup's content ended, and only where that is asked for.
///
/// Requirement: P18
#[test]
fn a_backup_whose_key_is_gone_gives_the_log_alone_and_only_when_asked() {
    let (notary, backup, keys) = backed_up();
    let there = notary.beside_text("there");
    let names = || fs::read_dir(&keys).expect("keys").map(|name| name.expect("a name"));
    let of_backup = names().find(|name| name.file_name().to_string_lossy().starts_with("backup-"));
    fs::remove_file(of_backup.expect("the backup's key").path()).expect("its day is over");
    let restore = ["restore", "--from", &backup, "--keys", &keys, "--dir", &there, "--nothing-newer"];
    tabellion(&restore).refused(1, &["backup_key_missing", "--without-content", "nothing was restored"]);
    assert!(fs::metadata(&there).is_err(), "a refused restore leaves something");
    tabellion(&[&restore[..], &["--without-content"]].concat()).ends(0);
    tabellion(&["fsck", &there]).ends(0);
    tabellion(&["record", &notary.file("b.txt", b"b"), "--dir", &there]).ends(0);
    tabellion(&["fsck", &there]).ends(0);
    notary.run(&["backup", "--to", &notary.beside_text("other"), "--content-days", "0"]).ends(2);
}
