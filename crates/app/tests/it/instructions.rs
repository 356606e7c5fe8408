//! `VERIFY.txt` is run as a stranger would run it: extracted with `sed`, by `/bin/sh`, with the tools of the machine.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tabellion_app::ExportRequest;
use tabellion_ledger::Draft;
use tabellion_model::{DisclosurePolicy, Env, Micros, Purpose};
use tabellion_testkit::Random;

use crate::fixture::{Log, day, document, files, manifest, text};

/// The one program that a minimal machine may lack. The tests say so and stop; `make test` runs where it is.
fn openssl_is_missing() -> bool {
    let missing = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err();
    if missing {
        eprintln!("openssl is not installed: the commands of VERIFY.txt were not run");
    }
    missing
}

/// Writes the files of a package below `dir`, as `unzip` does.
fn unpack(package: &[u8], dir: &Path) {
    for (name, content) in files(package) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a file is in a directory"))
            .expect("a directory can be made");
        fs::write(path, content).expect("a file can be written");
    }
}

/// Runs all commands of the page in `dir`, the way the page says.
fn run(dir: &Path) -> Output {
    Command::new("/bin/sh")
        .args(["-c", r"sed -n 's/^    //p' VERIFY.txt | sh -e"])
        .current_dir(dir)
        .output()
        .expect("a shell can be started")
}

/// What the page says its commands print.
fn promised(page: &str) -> String {
    page.lines().filter_map(|line| line.strip_prefix("  => ")).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}

/// Runs the page of `package` and asks for exactly what it promises.
fn check(package: &[u8], what: &str) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    unpack(package, dir.path());
    let output = run(dir.path());
    let (printed, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: a good package would be refused: {printed}{complained}");
    assert_eq!(
        printed,
        promised(&text(package, "VERIFY.txt")),
        "{what}: the commands print something else than the page says"
    );
    assert_eq!(complained, "", "{what}: the commands complain about a good package");
}

#[test]
fn the_commands_accept_every_kind_of_package() {
    if openssl_is_missing() {
        return;
    }
    let log = Log::sample();
    for policy in [DisclosurePolicy::All, DisclosurePolicy::Business, DisclosurePolicy::None] {
        check(&log.export_all(policy).1, policy.as_str());
    }
    // Every range of whole batches, so that paths of every shape are folded.
    let commits = log.reader().commits().expect("commits");
    for (position, commit) in commits.iter().enumerate() {
        for later in commits.iter().skip(position) {
            let period = Some((commit.committed_at, Micros(later.committed_at.0 + 1)));
            let request = ExportRequest { period, ..ExportRequest::everything(DisclosurePolicy::Business) };
            if (position + usize::try_from(later.size).expect("small")) % 3 == 0 {
                check(&log.export(&request).1, &format!("entries {} to {}", commit.first, later.size));
            }
        }
    }
    let framework = Some("iso42001".to_owned());
    let request = ExportRequest { framework, ..ExportRequest::everything(DisclosurePolicy::Business) };
    check(&log.export(&request).1, "statuses of clauses and controls");
    check(&Log::new().export_all(DisclosurePolicy::All).1, "a log of its first commit");
    check(&Log::in_env(Env::Sandbox).export_all(DisclosurePolicy::All).1, "a sandbox");
    log.ledger.rotate_key(Purpose::Log).expect("the log key can be rotated");
    check(&log.export_all(DisclosurePolicy::All).1, "a log with a rotated log key");
}

#[test]
fn the_commands_accept_a_package_of_several_bundles() {
    if openssl_is_missing() {
        return;
    }
    let log = Log::new();
    let drafts: Vec<_> = (0..1_000).map(document).collect();
    for _ in 0..5 {
        log.append(&drafts);
    }
    // One record in a batch of its own at the end: the last record and its seal lie in the second bundle.
    log.clock.set(day("2026-04-01"));
    log.append(&[document(1)]);
    check(&log.export_all(DisclosurePolicy::None).1, "a package of two bundles");
}

#[test]
fn the_commands_accept_a_manifest_of_more_than_64_kib() {
    if openssl_is_missing() {
        return;
    }
    let log = Log::new();
    // Each type is a member of the manifest.
    let names = (0..1_000).map(|number| Draft::new(&format!("family{number}.{}", "x".repeat(50))));
    log.append(&names.collect::<Vec<_>>());
    let (_, package) = log.export_all(DisclosurePolicy::All);
    assert!(
        manifest(&package).to_bytes().expect("a manifest").len() > 65_535,
        "the test must need a length of four bytes"
    );
    check(&package, "a long manifest");
}

#[test]
fn the_commands_refuse_a_changed_byte_in_any_file() {
    if openssl_is_missing() {
        return;
    }
    let log = Log::sample();
    let request = ExportRequest {
        period: Some((day("2026-03-03"), day("2026-03-25"))),
        ..ExportRequest::everything(DisclosurePolicy::All)
    };
    let (_, package) = log.export(&request);
    let dir = tempfile::tempdir().expect("a temporary directory");
    unpack(&package, dir.path());
    let seed = 7;
    let mut random = Random::new(seed);
    for (name, content) in files(&package) {
        // A page without its commands is no check; whoever runs it sees that nothing is printed.
        let places = if content.is_empty() { 0 } else { 12 };
        for _ in 0..places {
            let place = usize::try_from(random.below(content.len() as u64)).expect("an offset");
            let bit = 1 << random.below(8);
            let mut changed = content.clone();
            changed[place] ^= bit;
            fs::write(dir.path().join(&name), &changed).expect("a file can be written");
            let output = run(dir.path());
            let whole = String::from_utf8_lossy(&output.stdout) == promised(&text(&package, "VERIFY.txt"));
            assert!(
                !output.status.success() || !whole,
                "seed {seed}: bit {bit:#x} of byte {place} of {name} was changed and every command was content"
            );
        }
        fs::write(dir.path().join(&name), &content).expect("a file can be written");
    }
    assert!(run(dir.path()).status.success(), "the package itself must pass, or the test shows nothing");
}

#[test]
fn the_commands_refuse_added_and_missing_files() {
    if openssl_is_missing() {
        return;
    }
    let (_, package) = Log::sample().export_all(DisclosurePolicy::All);
    let dir = tempfile::tempdir().expect("a temporary directory");
    unpack(&package, dir.path());
    fs::write(dir.path().join("entries/00000001.bundle"), b"\0\x02{}").expect("a file can be written");
    assert!(
        !run(dir.path()).status.success(),
        "a file that nobody signed for would pass as part of the package"
    );
    fs::remove_file(dir.path().join("entries/00000001.bundle")).expect("a file can be removed");
    fs::remove_file(dir.path().join("erasures.jsonl")).expect("a file can be removed");
    assert!(!run(dir.path()).status.success(), "a file could be taken away unseen");
}

#[test]
fn the_page_names_the_lines_of_the_trust_file() {
    let log = Log::sample();
    let page = text(&log.export_all(DisclosurePolicy::All).1, "VERIFY.txt");
    for line in log.trust_lines() {
        assert!(
            page.lines().any(|of_page| of_page.trim() == line),
            "a reader could not find {line} in the page"
        );
    }
}
