//! Key files under a passphrase: others can open them, we cannot without it, and it is never shown.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Notary, Server, tabellion_with};

const PASSPHRASE: &str = "correct horse battery staple";

fn key_files(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir.join("keys")).expect("the key directory");
    names.map(|name| name.expect("a name").path()).collect()
}

fn is_encrypted(path: &Path) -> bool {
    let text = fs::read_to_string(path).expect("a key file");
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") && !text.contains("\"secret\"")
}

/// The public key that `openssl` finds in the file, base64.
fn opened_by_openssl(path: &Path, passphrase: &str) -> Option<String> {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["pkey", "-pubout", "-outform", "DER", "-passin"])
        .arg(format!("pass:{passphrase}"))
        .arg("-in");
    let ran = openssl.arg(path).output().expect("openssl is installed");
    let raw = ran.stdout.last_chunk::<32>().filter(|_| ran.status.success())?;
    Some(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, raw))
}

#[test]
fn everything_works_with_encrypted_keys_and_openssl_opens_them() {
    let notary = Notary::encrypted(PASSPHRASE);
    let file = notary.file("a.txt", b"content");
    notary.record(&file, &[]);
    notary.run(&["key", "rotate", "log"]).ends(0);
    notary.run(&["key", "rotate", "writer"]).ends(0);
    let package = notary.beside_text("p.zip");
    notary.run(&["export", "--out", &package, "--disclose", "all"]).ends(0);
    notary.verify(&package).ends(0);
    notary.verify(&format!("{file}.receipt")).ends(0);
    let doctor = notary.run(&["doctor"]).ends(0);
    assert!(doctor.out.contains("their files, encrypted"), "the operator cannot see it: {}", doctor.out);
    let server = notary.serve();
    let said = server.said.clone() + &server.stop().err;
    assert!(!said.contains(PASSPHRASE), "the server said the passphrase: {said}");
    notary.is_sound();

    let files = key_files(&notary.dir());
    assert_eq!(files.len(), 10, "five keys, two rotations, three secrets");
    for path in files {
        assert!(is_encrypted(&path), "{} lies in the open", path.display());
        let text = fs::read_to_string(&path).expect("a key file");
        let head: serde_json::Value =
            serde_json::from_str(text.lines().next().expect("a first line")).expect("it is JSON");
        if head["alg"] == "ed25519" {
            assert_eq!(
                opened_by_openssl(&path, PASSPHRASE).as_deref(),
                head["public"].as_str(),
                "without us nobody could open {}",
                path.display()
            );
            assert_eq!(opened_by_openssl(&path, "another passphrase"), None, "any passphrase opens it");
        }
    }
}

#[test]
fn a_wrong_a_missing_and_an_exposed_passphrase_are_told_apart_and_none_is_shown() {
    let notary = Notary::encrypted(PASSPHRASE);
    let file = notary.file("a.txt", b"content");
    let dir = notary.dir_text();
    let record = ["record", &file, "--dir", &dir];
    let (wrong, none) = ("wrong horse battery staple", notary.beside_text("no-such-file"));
    let refused = tabellion_with(&[("NOTARY", wrong), ("TABELLION_KEYS__PASSPHRASE_ENV", "NOTARY")], &record)
        .refused(1, &["keys/", "does not open", "passphrase is wrong"]);
    assert!(!refused.err.contains(wrong), "the passphrase was printed: {}", refused.err);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &none)], &record).refused(1, &["encrypted", &none]);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_ENV", "NOT_SET_AT_ALL")], &record)
        .refused(1, &["NOT_SET_AT_ALL is not set"]);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_ENV", "correct horse")], &record)
        .refused(2, &["passphrase_env", "name of a variable"]);
    let exposed = notary.file("exposed", PASSPHRASE.as_bytes());
    fs::set_permissions(&exposed, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("a mode");
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &exposed)], &record)
        .refused(1, &["chmod 600", &exposed]);
    tabellion_with(&[("NOTARY", PASSPHRASE), ("TABELLION_KEYS__PASSPHRASE_ENV", "NOTARY")], &record).ends(0);

    // As systemd hands it over, with nothing configured.
    let credentials = notary.beside("credentials");
    fs::create_dir(&credentials).expect("a directory");
    fs::write(credentials.join("tabellion-passphrase"), format!("{PASSPHRASE}\n")).expect("a credential");
    let config = fs::read_to_string(notary.dir().join("tabellion.toml")).expect("the configuration");
    assert!(
        config.contains("[keys]\npassphrase_file = "),
        "init did not write down where the passphrase is:\n{config}"
    );
    fs::write(
        notary.dir().join("tabellion.toml"),
        config.replace("[keys]\npassphrase_file", "# passphrase_file"),
    )
    .expect("the configuration");
    tabellion_with(&[("CREDENTIALS_DIRECTORY", &credentials.display().to_string())], &record).ends(0);
    let mut server = Server::launch(&notary.dir());
    let ran = server.wait();
    assert_eq!(ran.code, 1, "a server started without the passphrase: {}", ran.err);
    assert!(ran.err.contains("passphrase_file"), "the operator is not told what to do: {}", ran.err);
}

#[test]
fn keys_in_the_open_are_encrypted_and_get_another_passphrase() {
    let notary = Notary::new();
    let file = notary.file("a.txt", b"content");
    notary.record(&file, &[]);
    let first = notary.private_file("first", PASSPHRASE.as_bytes());
    let second = notary.private_file("second", b"another passphrase entirely\n");
    let short = notary.private_file("short", b"short");
    let dir = notary.dir_text();
    let encrypt = ["key", "encrypt", "--dir", &dir];

    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &short)], &encrypt).refused(1, &["too short", "12"]);
    assert!(!key_files(&notary.dir()).iter().any(|path| is_encrypted(path)), "a refusal changed a key file");
    let server = notary.serve();
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &first)], &encrypt).ends(1);
    server.stop();
    let ran = tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &first)], &encrypt).ends(0);
    assert!(ran.out.contains("encrypted 8 key files"), "{}", ran.out);
    assert!(key_files(&notary.dir()).iter().all(|path| is_encrypted(path)), "a key still lies in the open");
    notary.run(&["record", &file]).ends(1);
    let record = ["record", &file, "--dir", &dir];
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &first)], &record).ends(0);

    let change = [&encrypt[..], &["--new-passphrase-file", &second]].concat();
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &short)], &change).refused(1, &["does not open"]);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &first)], &change).ends(0);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &first)], &record)
        .refused(1, &["passphrase is wrong"]);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &second)], &record).ends(0);
    tabellion_with(&[("TABELLION_KEYS__PASSPHRASE_FILE", &second)], &["fsck", &dir]).ends(0);
}
