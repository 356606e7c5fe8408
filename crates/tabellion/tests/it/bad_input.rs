//! Circumstances and input that must be refused: one or two lines, what, where, what to do, and nothing lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::support::{Notary, ORIGIN, Server, command, tabellion};

#[test]
fn a_command_without_a_log_says_how_to_make_one_and_makes_none() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let dir = scratch.path().join("nothing").display().to_string();
    let file = scratch.path().join("a.txt");
    fs::write(&file, "1").expect("a file");
    let file = file.display().to_string();
    for args in [
        &["record", &file, "--dir", &dir][..],
        &["log", "head", "--dir", &dir],
        &["export", "--out", &file, "--dir", &dir],
        &["erase", "--subject", "s", "--reason", "r", "--dir", &dir],
        &["key", "list", "--dir", &dir],
        &["serve", "--dir", &dir],
        &["fsck", &dir],
    ] {
        tabellion(args).refused(2, &["there is no log", "tabellion init --dir"]);
    }
    assert!(!fs::exists(&dir).expect("a look"), "a directory appeared that nobody asked for");
    tabellion(&["doctor", "--dir", &dir]).ends(1);
}

#[test]
fn a_log_is_made_once() {
    let notary = Notary::new();
    let genesis = notary.run(&["log", "show", "0", "--json"]).ends(0).json();
    notary.run(&["init", "--origin", ORIGIN]).refused(2, &["there is a log", "another directory"]);
    assert_eq!(
        notary.run(&["log", "show", "0", "--json"]).ends(0).json(),
        genesis,
        "the refused init touched the log"
    );
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let dir = scratch.path().join("d").display().to_string();
    tabellion(&["init", "--dir", &dir, "--origin", "no slash"]).refused(2, &["--origin"]);
    tabellion(&["init", "--dir", &dir, "--tenant", "UPPER"]).refused(2, &["UPPER"]);
    tabellion(&["init", "--dir", &dir, "--env", "prod"]).ends(2);
    assert!(!fs::exists(&dir).expect("a look"), "a refused init left a directory");
}

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    let notary = Notary::new();
    let server = notary.serve();
    let second = tabellion(&["serve", "--dir", &notary.dir_text()]).refused(1, &["is in use by process"]);
    assert!(second.err.contains(&server.id().to_string()), "which process is it? {}", second.err);
    server.stop().ends(0);
    let server = notary.serve();
    server.stop().ends(0);
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_with_the_reason() {
    // /sys takes no new directories from anybody, root included.
    let ran = tabellion(&["init", "--dir", "/sys/tabellion-test"]).refused(1, &["/sys/tabellion-test"]);
    assert!(
        ran.err.contains("denied") || ran.err.contains("permitted") || ran.err.contains("ead-only"),
        "why? {}",
        ran.err
    );
    let notary = Notary::new();
    let file = notary.file("file", b"x");
    tabellion(&["init", "--dir", &file]).refused(1, &["file"]);
    tabellion(&["record", &file, "--dir", &file]).ends(1);
}

#[test]
fn keys_that_others_can_read_are_refused_with_the_command_to_run() {
    let notary = Notary::new();
    let set = |path: &str, mode: u32| {
        fs::set_permissions(notary.dir().join(path), fs::Permissions::from_mode(mode))
            .expect("permissions can be set");
    };
    let file = notary.file("a.txt", b"1");
    for (path, open, private) in [
        ("keys", 0o755, 0o700),
        ("keys/vault.key", 0o644, 0o600),
        ("vault", 0o750, 0o700),
        ("vault/keys", 0o660, 0o600),
    ] {
        set(path, open);
        notary.run(&["record", &file]).refused(1, &[path, &format!("{open:04o}"), "chmod -R go="]);
        notary.run(&["serve"]).refused(1, &["chmod"]);
        notary.run(&["doctor"]).ends(1);
        set(path, private);
    }
    notary.record(&file, &[]);
}

#[test]
fn files_that_cannot_be_recorded_are_named_and_nothing_is_recorded() {
    let notary = Notary::new();
    let size = notary.size();
    let good = notary.file("good.txt", b"1");
    notary.run(&["record", &good, "no/such/file"]).refused(2, &["no/such/file"]);
    notary.run(&["record", &good, &notary.dir_text()]).refused(2, &["is a directory"]);
    notary.run(&["record", &good, "--type", "Document"]).refused(2, &["--type", "Document"]);
    notary.run(&["record", &good, "--system", "x"]).refused(2, &["--system"]);
    notary.run(&["record", &good, "--actor", "x"]).refused(2, &["--actor"]);
    notary.run(&["record", &good, "--actor", &"0".repeat(64)]).refused(1, &["missing"]);
    notary.run(&["record", &good, &good, "--idempotency-key", "k"]).refused(2, &["one FILE"]);
    notary.run(&["record", &good, "--idempotency-key", &"k".repeat(600)]).refused(2, &["600 bytes"]);
    notary.run(&["record", "-", &good]).refused(2, &["stands alone"]);
    let kinds = notary.entries();
    let new: Vec<_> = kinds.iter().filter(|e| e["index"].as_u64() >= Some(size)).collect();
    assert!(
        new.iter().all(|entry| entry["type"] != "document.captured"),
        "a refused command recorded something: {new:?}"
    );
}

#[test]
fn a_receipt_that_cannot_be_written_does_not_lose_the_record() {
    let notary = Notary::new();
    let file = notary.file("a.txt", b"1");
    fs::create_dir(format!("{file}.receipt")).expect("a directory in the way");
    let refused = notary
        .run(&["record", &file])
        .refused(1, &["a.txt.receipt", "durable as entry", "tabellion log prove"]);
    let index = refused
        .err
        .split("durable as entry ")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .expect("an index");
    let out = notary.beside_text("other.receipt");
    notary.run(&["log", "prove", index, "--out", &out]).ends(0);
    notary.verify(&out).ends(0);
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let notary = Notary::new();
    let mut child = command(&["log", "tail", "-n", "1000", "--dir", &notary.dir_text()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "piping into head must not look like a failure: {ended:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "nobody is there to be told");
}

#[test]
fn the_socket_of_a_killed_server_does_not_stand_in_the_way() {
    let notary = Notary::new();
    let mut server = notary.serve();
    server.kill();
    assert!(notary.dir().join("tabellion.sock").exists(), "the test needs a socket without a server");
    let file = notary.file("a.txt", b"1");
    notary.record(&file, &[]);
    let server = Server::start(&notary.dir());
    notary.record(&file, &[]);
    server.stop().ends(0);
    assert!(!notary.dir().join("tabellion.sock").exists(), "a server that ends well leaves no socket");
    notary.is_sound();
}
