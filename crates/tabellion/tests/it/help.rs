//! What `--help` says is part of the product: a change shows in the diff.

use std::fs;
use std::path::Path;

use super::support::{tabellion, tabellion_verify};

const COMMANDS: [&[&str]; 92] = [
    &[],
    &["init"],
    &["record"],
    &["log"],
    &["log", "head"],
    &["log", "show"],
    &["log", "prove"],
    &["log", "tail"],
    &["log", "resume"],
    &["log", "verify"],
    &["export"],
    &["verify"],
    &["envelope"],
    &["envelope", "verify"],
    &["envelope", "import"],
    &["envelope", "export"],
    &["fsck"],
    &["backup"],
    &["restore"],
    &["erase"],
    &["erase", "pending"],
    &["erase", "confirm"],
    &["erase", "decline"],
    &["hold"],
    &["hold", "place"],
    &["hold", "release"],
    &["hold", "list"],
    &["retain"],
    &["system"],
    &["system", "delete"],
    &["system", "cancel"],
    &["system", "purge-due"],
    &["system", "list"],
    &["policy"],
    &["policy", "lint"],
    &["policy", "test"],
    &["policy", "diff"],
    &["policy", "propose"],
    &["policy", "proposals"],
    &["policy", "replay"],
    &["policy", "confirm"],
    &["policy", "take-back"],
    &["configuration"],
    &["configuration", "list"],
    &["configuration", "explain"],
    &["mask"],
    &["mask", "text"],
    &["mask", "test"],
    &["person"],
    &["person", "add"],
    &["person", "link"],
    &["person", "sign-out"],
    &["shard"],
    &["shard", "register"],
    &["log", "shards"],
    &["stop"],
    &["stop", "order"],
    &["stop", "list"],
    &["stop", "lift"],
    &["issuer"],
    &["issuer", "add"],
    &["issuer", "remove"],
    &["issuer", "list"],
    &["statement"],
    &["statement", "hash"],
    &["statement", "register"],
    &["statement", "check"],
    &["key"],
    &["key", "list"],
    &["key", "show"],
    &["key", "trust"],
    &["key", "create"],
    &["key", "hybrid"],
    &["key", "rotate"],
    &["key", "encrypt"],
    &["key", "revoke"],
    &["vault"],
    &["vault", "rotate"],
    &["vault", "restore"],
    &["anchor"],
    &["anchor", "status"],
    &["anchor", "list"],
    &["anchor", "now"],
    &["anchor", "trust"],
    &["anchor", "key"],
    &["doctor"],
    &["serve"],
    &["witness"],
    &["witness", "init"],
    &["witness", "show"],
    &["demo"],
    &["help"],
];

fn compare(name: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("the golden directory can be made");
        fs::write(&path, shown).expect("a golden file can be written");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        shown, golden,
        "the help of {name} changed; users read it, scripts/check-docs.py reads it (UPDATE_GOLDEN=1 to accept)"
    );
}

#[test]
fn every_command_explains_itself_as_reviewed() {
    for command in COMMANDS {
        let ran = if command == ["help"] {
            tabellion(command)
        } else {
            tabellion(&[command, &["--help"]].concat())
        };
        let ran = ran.ends(0);
        let name = if command.is_empty() {
            "tabellion".to_owned()
        } else {
            format!("tabellion-{}", command.join("-"))
        };
        compare(&name, &ran.out);
    }
    let here = tempfile::tempdir().expect("a temporary directory");
    compare("tabellion-verify-alone", &tabellion_verify(here.path(), &["--help"]).ends(0).out);
    for action in ["attest", "quorum"] {
        let ran = tabellion_verify(here.path(), &[action, "--help"]).ends(0);
        compare(&format!("tabellion-verify-alone-{action}"), &ran.out);
    }
}

#[test]
fn wrong_use_is_refused_with_exit_status_two() {
    for wrong in [
        &["recrod"][..],
        &["log", "show"],
        &["log", "show", "x"],
        &["erase", "--reason", "r"],
        &["record"],
        &[],
    ] {
        let ran = tabellion(wrong).ends(2);
        assert!(!ran.err.is_empty(), "{wrong:?} was refused without a word");
    }
    let ran = tabellion(&["recrod"]);
    assert!(
        ran.err.contains("record"),
        "a misspelt command must be answered with the nearest one: {}",
        ran.err
    );
}
