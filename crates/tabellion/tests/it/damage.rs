//! A directory that somebody or something changed behind the log's back.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::control::{address, ask};
use super::support::{Notary, command, copy_dir, tabellion};

fn segment(notary: &Notary) -> PathBuf {
    notary.dir().join("log/segments/00000000.seg")
}

/// A log with a few records, and where the text of one of them is in the segment.
fn with_records() -> (Notary, String) {
    let notary = Notary::new();
    let file = notary.file("a.txt", b"1");
    notary.record(&file, &[]);
    for n in 0..5 {
        notary.drafts(&format!("{{\"type\":\"event.logged\",\"body\":{{\"n\":{n}}}}}\n"));
    }
    (notary, format!("{file}.receipt"))
}

fn change(path: &PathBuf, offset: u64, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("the segment opens");
    file.write_all_at(bytes, offset).expect("the segment can be written");
}

/// Requirement: V41
#[test]
fn a_changed_entry_is_found_at_its_place_and_nothing_is_appended_after_it() {
    let (notary, _) = with_records();
    let path = segment(&notary);
    let bytes = fs::read(&path).expect("the segment");
    let target = bytes.windows(12).position(|part| part == b"event.logged").expect("a record in the segment");
    let size = notary.size();
    change(&path, target as u64, b"event.forged");

    let file = notary.file("more.txt", b"2");
    let refused = notary
        .run(&["record", &file])
        .refused(1, &["00000000.seg", "offset", "entries from", "Nothing was changed", "backup"]);
    assert!(refused.err.contains("fsck"), "the way out is missing: {}", refused.err);
    let fsck = tabellion(&["fsck", &notary.dir_text()]).ends(1);
    assert!(
        fsck.out.contains("NOT SOUND") && fsck.out.contains("damaged at offset"),
        "the row must be named:\n{}",
        fsck.out
    );
    notary.run(&["log", "head"]).refused(1, &["damaged"]);

    change(&path, target as u64, b"event.logged");
    notary.is_sound();
    assert_eq!(notary.size(), size, "a refused start changed the log");
}

/// Requirement: V41
#[test]
fn a_shortened_log_and_a_missing_segment_are_refused() {
    let (notary, receipt) = with_records();
    let path = segment(&notary);
    let bytes = fs::read(&path).expect("the segment");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("a log") + 1;
    let last_batch = used / 4096 * 4096;
    change(&path, last_batch as u64, &vec![0; used - last_batch]);
    let file = notary.file("more.txt", b"2");
    notary.run(&["record", &file]).refused(1, &["head remembers", "gone", "backup"]);
    tabellion(&["fsck", &notary.dir_text(), "--against", &receipt]).ends(1);

    let (notary, _) = with_records();
    fs::remove_file(segment(&notary)).expect("the segment goes");
    notary.run(&["record", &file]).ends(2);
    let (notary, _) = with_records();
    fs::rename(segment(&notary), notary.dir().join("log/segments/00000001.seg")).expect("the segment moves");
    notary.run(&["record", &file]).refused(1, &["00000000.seg is missing", "backup"]);
}

#[test]
fn an_older_copy_of_the_directory_is_told_from_the_log_by_a_receipt_or_checkpoint_kept_elsewhere() {
    let (notary, _) = with_records();
    let copy = notary.beside("copy");
    copy_dir(&notary.dir(), &copy);
    let file = notary.file("later.txt", b"later");
    notary.record(&file, &[]);
    let receipt = format!("{file}.receipt");
    let head = notary.run(&["log", "head", "--json"]).ends(0).json();
    let checkpoint = notary.file("checkpoint", head["checkpoint"].as_str().expect("text").as_bytes());
    tabellion(&["fsck", &notary.dir_text(), "--against", &receipt, &checkpoint]).ends(0);
    for kept in [&receipt, &checkpoint] {
        let ran = tabellion(&["fsck", &copy.display().to_string(), "--against", kept]).ends(1);
        assert!(ran.out.contains("older copy"), "an operator could go on with the older copy:\n{}", ran.out);
    }
    let text = notary.file("note.txt", b"hello");
    tabellion(&["fsck", &notary.dir_text(), "--against", &text]).refused(2, &["note.txt", "neither"]);

    // The segments of the older copy under the newer head: the mistake of a partial restore.
    fs::remove_dir_all(notary.dir().join("log/segments")).expect("segments go");
    copy_dir(&copy.join("log/segments"), &notary.dir().join("log/segments"));
    notary.run(&["record", &file]).refused(1, &["older", "backup"]);
}

#[test]
fn an_unfinished_last_batch_is_cut_and_reported_and_the_log_goes_on() {
    let (notary, _) = with_records();
    let path = segment(&notary);
    let bytes = fs::read(&path).expect("the segment");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("a log") + 1;
    let size = notary.size();
    change(&path, used.next_multiple_of(4096) as u64, b"torn by a power cut");
    let read_only = notary.run(&["log", "head"]).ends(0);
    assert!(
        read_only.err.contains("unfinished batch"),
        "a reader must say what it leaves out: {}",
        read_only.err
    );
    let file = notary.file("more.txt", b"2");
    let ran = notary.run(&["record", &file]).ends(0);
    assert!(ran.err.contains("cut an unfinished batch"), "the operator must learn what was cut: {}", ran.err);
    assert!(notary.size() > size, "the log must go on");
    notary.is_sound();
}

#[test]
fn a_rebuild_after_a_clean_stop_has_something_to_compare_with_and_fsck_names_views_that_are_not_the_logs() {
    let notary = Notary::new();
    notary.serve().stop().ends(0);
    let fsck = tabellion(&["fsck", &notary.dir_text()]).ends(0);
    assert!(fsck.out.contains("the views have the rows that the log gives"), "{}", fsck.out);
    let rebuilt = notary.run(&["rebuild"]).ends(0).out;
    assert!(
        rebuilt.contains("the ones before had the same rows"),
        "a stop leaves views that nobody can compare: {rebuilt}"
    );

    let file = notary.dir().join("views/views.sqlite");
    let mut bytes = fs::read(&file).expect("the views");
    bytes[4096..].fill(0xa5);
    fs::write(&file, bytes).expect("somebody writes over them");
    let fsck = tabellion(&["fsck", &notary.dir_text()]).ends(1);
    assert!(
        fsck.out.contains("WRONG: the views") && fsck.out.contains("sound, but not its views"),
        "{}",
        fsck.out
    );
    let doctor = notary.run(&["doctor"]).ends(1).out;
    assert!(doctor.contains("TO DO  views"), "{doctor}");
    notary.run(&["rebuild"]).ends(0);
    tabellion(&["fsck", &notary.dir_text()]).ends(0);
    notary.run(&["doctor"]).ends(0);
}

#[test]
fn the_tree_alone_is_checked_over_stored_bundles_and_a_changed_bundle_is_named() {
    let notary = Notary::new();
    let lines = "{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n".repeat(700);
    let file = notary.file("many.jsonl", lines.as_bytes());
    notary.run(&["record", "--drafts", &file]).ends(0);
    // Bundles are made by whoever serves the log.
    notary.serve().stop().ends(0);
    let dir = notary.dir_text();
    let receipt = notary.beside_text("kept.receipt");
    notary.run(&["log", "prove", "5", "--out", &receipt]).ends(0);
    let checked = tabellion(&["fsck", &dir, "--tree", "--json", "--progress", "--against", &receipt]).ends(0);
    let report = checked.json();
    assert_eq!((&report["sound"], &report["checked"]), (&true.into(), &"tree".into()), "{report}");
    assert!(report["counts"]["entries from bundles"].as_u64() >= Some(512), "no bundle was read: {report}");
    assert!(
        report["counts"]["roots compared"].as_u64() >= Some(3),
        "hashes were compared with nothing: {report}"
    );
    assert!(
        report["notes"].to_string().contains("signatures"),
        "what was not checked has to be said: {report}"
    );
    let progress =
        checked.err.lines().find(|line| line.contains("\"progress\"")).expect("a line of progress");
    assert!(serde_json::from_str::<Value>(progress).is_ok(), "no program can read {progress:?}");
    let whole = tabellion(&["fsck", &dir, "--progress"]).ends(0);
    assert!(whole.err.contains("2/3 entries and signatures: "), "nothing says how far it is: {}", whole.err);

    let bundle = notary.dir().join("log/tiles/tile/entries/000");
    let mut bytes = fs::read(&bundle).expect("a stored bundle");
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&bundle, &bytes).expect("a changed bundle");
    let wrong = tabellion(&["fsck", &dir, "--tree"]).ends(1);
    assert!(wrong.out.contains("NOT SOUND") && wrong.out.contains("log/tiles/tile/"), "{}", wrong.out);
}

#[test]
fn a_check_that_is_stopped_says_so_and_is_not_called_sound() {
    let (notary, _) = with_records();
    // The check reads its configuration first: while it waits for that, it can be told to stop at a known moment.
    let pipe = notary.beside_text("configuration.pipe");
    assert!(
        Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success(),
        "no named pipe can be made"
    );
    let mut check = command(&["fsck", &notary.dir_text(), "--json", "--config", &pipe]);
    let child = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut configuration = fs::OpenOptions::new().write(true).open(&pipe).expect("the check opens the pipe");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("the check can be told to stop");
    configuration.write_all(b"[log]\n").expect("the check reads on");
    drop(configuration);
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report all the same");
    assert_eq!(output.status.code(), Some(3), "a script would take it for checked: {report}");
    assert_eq!((&report["sound"], &report["findings"]), (&false.into(), &serde_json::json!([])), "{report}");
    assert!(report["stopped"]["step"].is_string(), "nobody is told how far it came: {report}");
    notary.is_sound();
}

/// What a server holds open may be the last copy: any other advice than to keep it would lose it.
#[test]
fn doctor_says_first_what_a_running_server_still_holds() {
    let notary = Notary::new();
    let server = notary.serve();
    let address = address(&server);
    for path in ["vault/keys", "log/segments"] {
        let (there, away) = (notary.dir().join(path), notary.beside("away"));
        fs::rename(&there, &away).expect("moved away");
        let ready = ask(&address, "GET", "/readyz", "", &Value::Null).0;
        assert_eq!(ready, 503, "a server that can record nothing calls itself ready ({path} is gone)");
        let told = notary.run(&["doctor"]).ends(1).out;
        assert!(
            told.contains("Do not stop the process") && told.contains(&format!("/proc/{}/fd", server.id())),
            "the operator is not told to keep the server: {told}"
        );
        assert!(
            !told.contains("backup") && !told.contains("init"),
            "the advice would lose the last copy: {told}"
        );
        fs::rename(&away, &there).expect("put back");
    }
    notary.run(&["doctor"]).ends(0);
    server.stop().ends(0);
}

/// Requirement: V41
#[test]
fn the_doctor_holds_the_vaults_keys_against_the_log_and_says_what_the_next_start_will_take_for_lost() {
    let notary = Notary::new();
    let about = |name: &str| {
        format!(
            "{{\"type\":\"event.logged\",\"subjects\":[{{\"subject\":\"{name}\",\"fields\":{{\"name\":\"A\"}}}}]}}\n"
        )
    };
    notary.drafts(&about("first"));
    let (keys, lost) = (notary.dir().join("vault/keys"), notary.dir().join("vault/lost"));
    let older = fs::read(&keys).expect("the vault");
    notary.drafts(&about("second"));
    let newest = fs::read(&keys).expect("the vault");
    let doctor = notary.run(&["doctor"]).ends(0).out;
    assert!(doctor.contains("ok     vault keys") && doctor.contains("tabellion fsck"), "{doctor}");

    fs::write(&keys, &older).expect("an older vault");
    let doctor = notary.run(&["doctor"]).ends(1).out;
    assert!(
        doctor.contains("TO DO  vault keys") && doctor.contains("older copy"),
        "the doctor passes it over: {doctor}"
    );
    fs::write(&lost, b"").expect("a file");
    fs::set_permissions(&lost, fs::Permissions::from_mode(0o600)).expect("its owner's alone");
    let doctor = notary.run(&["doctor"]).ends(1).out;
    assert!(
        doctor.contains("TO DO  vault/lost") && doctor.contains("erased for good at the next start"),
        "{doctor}"
    );
    fs::remove_file(&lost).expect("taken away");
    fs::write(&keys, b"").expect("an empty vault");
    let doctor = notary.run(&["doctor"]).ends(1).out;
    assert!(doctor.contains("TO DO  vault/lost") && doctor.contains("whole vault"), "{doctor}");
    fs::write(&keys, &newest).expect("the newest vault");
    notary.run(&["doctor"]).ends(0);
    notary.is_sound();
}
