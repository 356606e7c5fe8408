//! A full disk and a read-only one, made of a small memory file system in a mount namespace of the test's own.

use std::fs;
use std::process::Command;

use super::support::Notary;

/// Fills the file system with a log, frees nothing, tries again; then mounts it read-only. `$1` mount point, `$2` program, `$3` drafts, `$4` file.
const SCRIPT: &str = r#"
set -u
mount -t tmpfs -o size=70m tmpfs "$1" || exit 77
say() { printf '\n== %s\n' "$1"; shift; "$@" 2>&1; printf '[exit %d]\n' "$?"; }
say init "$2" init --dir "$1/n" --origin log.example.org/log/full
say fill "$2" record --drafts "$3" --dir "$1/n"
say again "$2" record "$4" --dir "$1/n"
say fsck "$2" fsck "$1/n"
say doctor "$2" doctor --dir "$1/n"
mount -o remount,ro "$1" || exit 77
say readonly-record "$2" record "$4" --dir "$1/n"
say readonly-serve "$2" serve --dir "$1/n"
say readonly-head "$2" log head --dir "$1/n"
say readonly-fsck "$2" fsck "$1/n"
"#;
/// The script's way to say that this machine allows no mount namespace.
const NOT_HERE: i32 = 77;

fn section<'a>(told: &'a str, name: &str) -> &'a str {
    let begin = told
        .split(&format!("\n== {name}\n"))
        .nth(1)
        .unwrap_or_else(|| panic!("no section {name} in:\n{told}"));
    begin.split("\n== ").next().unwrap_or(begin)
}

#[test]
fn a_full_and_a_read_only_disk_refuse_in_words_and_lose_nothing() {
    let notary = Notary::new();
    let (mount, drafts) = (notary.beside("mount"), notary.beside("drafts.jsonl"));
    fs::create_dir(&mount).expect("a mount point");
    let line = |n: usize| {
        format!("{{\"type\":\"event.logged\",\"body\":{{\"n\":{n},\"text\":\"{}\"}}}}\n", "x".repeat(200_000))
    };
    fs::write(&drafts, (0..400).map(line).collect::<String>()).expect("the drafts");
    let file = notary.file("a.txt", b"1");
    let ran = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .arg(&mount)
        .args([env!("CARGO_BIN_EXE_tabellion")])
        .arg(&drafts)
        .arg(&file)
        .output();
    let Ok(ran) = ran else {
        println!("not tried: there is no unshare(1) here");
        return;
    };
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.status.code() == Some(NOT_HERE) || told.is_empty() {
        println!(
            "not tried: this machine allows no mount namespace: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        return;
    }
    let holds = |name: &str, parts: &[&str]| {
        let text = section(&told, name);
        for part in parts {
            let shown: String = text.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect();
            assert!(text.contains(part), "{name} does not say {part:?}:\n{shown}");
        }
    };
    holds("init", &["[exit 0]"]);
    holds(
        "fill",
        &[
            "line 1  entry",
            "the disk is full",
            "Nothing was recorded; free space",
            "what was printed before is",
            "[exit 1]",
        ],
    );
    holds("fsck", &["sound: nothing is wrong", "[exit 0]"]);
    holds("doctor", &["TO DO  space", "[exit 1]"]);
    holds("readonly-record", &["read-only", "mount it for writing", "[exit 1]"]);
    holds("readonly-serve", &["read-only", "[exit 1]"]);
    holds("readonly-head", &["log.example.org/log/full", "[exit 0]"]);
    holds("readonly-fsck", &["sound: nothing is wrong", "[exit 0]"]);
    let acknowledged = section(&told, "fill").lines().filter(|line| line.starts_with("line ")).count();
    let readable = section(&told, "fsck")
        .lines()
        .find_map(|line| line.trim().strip_suffix("units readable")?.trim().parse::<usize>().ok());
    assert!(
        readable >= Some(acknowledged),
        "{acknowledged} drafts were acknowledged, {readable:?} units can be read"
    );
}
