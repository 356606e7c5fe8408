//! No key ever in a log line: everything that the programs print and write is searched for every secret there is, in every form it could have.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::support::{Notary, Ran, tabellion_with};

/// Every form in which a secret could get out.
pub(crate) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(secret);
    let bytes = format!("{secret:?}");
    let texts = [
        hex.to_uppercase(),
        hex,
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        bytes.trim_matches(['[', ']']).to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).chain([secret.to_vec()]).collect()
}

fn secrets(notary: &Notary) -> Vec<(String, Vec<u8>)> {
    let names = fs::read_dir(notary.dir().join("keys")).expect("the key directory");
    let read = names.map(|name| {
        let path = name.expect("a name").path();
        let file: Value = serde_json::from_slice(&fs::read(&path).expect("a key file")).expect("JSON");
        let secret = STANDARD.decode(file["secret"].as_str().expect("it is in the open")).expect("base64");
        (path.display().to_string(), secret)
    });
    read.collect()
}

/// Every file below a directory, those with keys aside.
pub(crate) fn files_below(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for name in fs::read_dir(dir).expect("a directory") {
        let path = name.expect("a name").path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "keys") {
            files_below(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Whether `part` stands in `text`.
pub(crate) fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn no_secret_is_in_anything_that_was_printed_or_written() {
    const PASSPHRASE: &str = "a passphrase nobody would say";
    let notary = Notary::new();
    let file = notary.file("a.txt", b"content");
    let mut printed = Vec::new();
    let mut keep = |ran: Ran| printed.extend([ran.out.into_bytes(), ran.err.into_bytes()]);
    keep(notary.run(&["record", &file, "--json"]));
    for purpose in ["log", "writer", "package"] {
        keep(notary.run(&["key", "rotate", purpose]).ends(0));
    }
    keep(notary.run(&["key", "create"]).ends(0));
    keep(notary.run(&["key", "list", "--json"]).ends(0));
    keep(notary.run(&["log", "tail", "-n", "1000", "--json"]).ends(0));
    keep(notary.run(&["log", "show", "1", "--json"]).ends(0));
    keep(notary.run(&["doctor"]).ends(0));
    let package = notary.beside_text("p.zip");
    keep(notary.run(&["export", "--out", &package, "--disclose", "all"]).ends(0));

    let mut server = notary.serve();
    keep(Ran { code: 0, out: String::new(), err: server.said.clone() });
    keep(notary.run(&["record", &file]).ends(0));
    server.kill();
    keep(server.wait());
    let server = notary.serve();
    keep(server.stop());

    let all = secrets(&notary);
    assert_eq!(all.len(), 12, "the test must look for every secret there is");
    // Files that are damaged around their secret: what complains about them must not quote it.
    for (number, (path, _)) in all.iter().enumerate() {
        let kept = fs::read_to_string(path).expect("a key file");
        let broken = match number % 2 {
            0 => kept.replace("\"purpose\"", "\"purpos\""),
            _ => kept.replace("\"secret\":\"", "\"secret\":\"@"),
        };
        fs::write(path, broken).expect("a file can be written");
        keep(notary.run(&["doctor"]));
        keep(notary.run(&["record", &file]));
        fs::write(path, kept).expect("a file can be written");
    }

    let place = notary.private_file("passphrase", PASSPHRASE.as_bytes());
    let dir = notary.dir_text();
    for (variable, args) in
        [(&place, ["key", "encrypt", "--dir", &dir]), (&place, ["log", "head", "--dir", &dir])]
    {
        keep(tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", variable)], &args).ends(0));
    }
    keep(notary.run(&["log", "head"]).ends(1));

    let mut written = Vec::new();
    files_below(&notary.dir(), &mut written);
    written.push(package.into());
    let written = written.into_iter().map(|path| fs::read(path).expect("a file"));
    let everything: Vec<Vec<u8>> = printed.into_iter().chain(written).collect();
    assert!(everything.len() > 60, "the test looked at too little: {}", everything.len());
    for (path, secret) in &all {
        for form in forms(secret) {
            assert!(!everything.iter().any(|text| holds(text, &form)), "the secret of {path} got out");
        }
    }
    assert!(!everything.iter().any(|text| holds(text, PASSPHRASE.as_bytes())), "the passphrase got out");
}
