//! Our witness, by the rules of C2SP tlog-witness.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::{fs, thread};

use tabellion_tlog::{MAX_ADD_CHECKPOINT_BYTES, SignedCheckpoint, parse_signature_lines, sha256};

use super::peer::{SmallLog, Witness, http};
use crate::support::tabellion;

const ORIGIN: &str = "example.com/log/acme";

fn accepted(witness: &Witness, log: &SmallLog, old: usize, new: usize) -> SignedCheckpoint {
    let answer = witness.add(&log.request(old, new).to_string());
    assert_eq!(answer.status, 200, "an honest log is refused: {}", answer.body);
    let lines = parse_signature_lines(answer.body.as_bytes()).expect("signature lines");
    assert_eq!(lines.len(), 2, "a line of each key");
    let signed = log.checkpoint(new).with_signatures(&lines);
    let verified = signed.verify_any(&witness.keys).expect("cosignatures that verify");
    assert_eq!(verified.len(), 2, "a reader of one kind of key alone would have nothing");
    assert!(verified.iter().all(|one| one.timestamp.is_some()), "a witness says when");
    signed
}

/// Requirement: B02. Every status of the specification, and what is served to monitors.
#[test]
fn each_answer_has_the_status_of_the_specification() {
    let log = SmallLog::new(ORIGIN, 1, 20, "a");
    let witness = Witness::start("witness.example/w1", &[&log.trust()]);
    let monitored = format!("/{}/checkpoint", sha256(ORIGIN.as_bytes()));
    assert_eq!(http(&witness.address, "GET", &monitored, "").status, 404, "nothing was cosigned yet");
    let status = |request: &str| witness.add(request).status;
    let good = log.request(0, 5).to_string();

    assert_eq!(
        status(&SmallLog::new("example.com/log/other", 1, 5, "a").request(0, 5).to_string()),
        404,
        "an unknown log"
    );
    assert_eq!(status(&SmallLog::new(ORIGIN, 2, 5, "a").request(0, 5).to_string()), 403, "a stranger's key");
    let mut forged = log.request(0, 5);
    forged.checkpoint.note.signatures[0].signature[9] ^= 1;
    forged.checkpoint.bytes = forged.checkpoint.note.to_string();
    assert_eq!(status(&forged.to_string()), 403, "a signature that does not verify");
    for (what, bad) in [("rubbish", "rubbish"), ("nothing", ""), ("no note", "old 0\n\n")] {
        assert_eq!(status(bad), 400, "{what}");
    }
    assert_eq!(status(&good.replacen("old 0", "old 6", 1)), 400, "an old size above the new one");
    assert_eq!(status(&log.request(3, 5).to_string()), 409, "an old size that was never cosigned");

    let signed = accepted(&witness, &log, 0, 5);
    let shown = http(&witness.address, "GET", &monitored, "");
    assert_eq!((shown.status, shown.body), (200, signed.bytes.clone()), "a monitor would see something else");

    let conflict = witness.add(&good);
    assert_eq!(
        (conflict.status, conflict.media_type.as_str(), conflict.body.as_str()),
        (409, "text/x.tlog.size", "5\n"),
        "a log that lost count could not find back"
    );
    let other = SmallLog::new(ORIGIN, 1, 20, "b");
    assert_eq!(status(&other.request(5, 9).to_string()), 422, "another history");
    assert_eq!(status(&other.request(5, 5).to_string()), 422, "another root of the same size");
    let mut padded = log.request(5, 9);
    padded.proof.pop();
    assert_eq!(status(&padded.to_string()), 422, "a proof that is too short");
    accepted(&witness, &log, 5, 9);
    accepted(&witness, &log, 9, 9);
    accepted(&witness, &log, 9, 20);

    assert_eq!(http(&witness.address, "GET", "/add-checkpoint", "").status, 405, "another method");
    assert_eq!(http(&witness.address, "GET", "/", "").status, 404, "another path");
    assert_eq!(status(&"x".repeat(MAX_ADD_CHECKPOINT_BYTES + 1)), 413, "a body without an end");
}

/// Requirement: B02
#[test]
fn killed_at_any_moment_it_never_goes_back() {
    let log = SmallLog::new(ORIGIN, 1, 12, "a");
    let other = SmallLog::new(ORIGIN, 1, 12, "b");
    let mut witness = Witness::start("witness.example/w1", &[&log.trust()]);
    for size in 1..=12 {
        accepted(&witness, &log, size - 1, size);
        witness.kill();
        witness.run();
        let forked = witness.add(&other.request(size - 1, size).to_string());
        assert_eq!((forked.status, forked.body), (409, format!("{size}\n")), "a second root of size {size}");
        if size > 1 {
            let back = witness.add(&log.request(0, size - 1).to_string());
            assert_eq!(
                (back.status, back.body),
                (409, format!("{size}\n")),
                "a smaller tree after a larger one"
            );
        }
    }
    witness.kill();
    let state = fs::read_dir(witness.dir().join("state"))
        .expect("its state")
        .next()
        .expect("a file")
        .expect("a file")
        .path();
    fs::write(&state, "").expect("damaged");
    let refused =
        tabellion(&["witness", "--listen", "127.0.0.1:0", "--dir", &witness.dir().display().to_string()]);
    refused.refused(1, &["state/", "Restore"]);
}

#[test]
fn of_many_histories_at_once_one_is_cosigned() {
    let trust = SmallLog::new(ORIGIN, 1, 8, "0").trust();
    let witness = Witness::start("witness.example/w1", &[&trust]);
    let roots = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for taste in 0..16 {
            let (witness, roots) = (&witness, &roots);
            scope.spawn(move || {
                let log = SmallLog::new(ORIGIN, 1, 8, &taste.to_string());
                let answer = witness.add(&log.request(0, 8).to_string());
                assert!(matches!(answer.status, 200 | 409), "{} {}", answer.status, answer.body);
                if answer.status == 200 {
                    roots.lock().expect("no panic").push(log.checkpoint(8).checkpoint.root);
                }
            });
        }
    });
    assert_eq!(
        roots.into_inner().expect("no panic").len(),
        1,
        "a witness that vouches for two histories vouches for none"
    );
}

#[test]
fn a_witness_keeps_its_key_to_itself() {
    let log = SmallLog::new(ORIGIN, 1, 1, "a");
    let mut witness = Witness::start("witness.example/w1", &[&log.trust()]);
    let dir = witness.dir().display().to_string();
    let key = witness.dir().join("witness.key");
    assert_eq!(
        fs::metadata(&key).expect("its key").permissions().mode() & 0o777,
        0o600,
        "others could sign as this witness"
    );
    let second = tabellion(&["witness", "--listen", "127.0.0.1:0", "--dir", &dir]);
    assert_eq!(second.code, 1, "two processes would remember two things: {}", second.err);
    tabellion(&["witness", "init", "--dir", &dir, "--name", "witness.example/w2"])
        .refused(2, &["never replaced"]);
    let shown = tabellion(&["witness", "show", "--dir", &dir]).ends(0).out;
    assert_eq!(
        shown.lines().next(),
        Some(witness.keys[0].to_string().as_str()),
        "its keys could not be found again"
    );
    witness.kill();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("opened");
    tabellion(&["witness", "--listen", "127.0.0.1:0", "--dir", &dir]).refused(1, &["chmod 600"]);
    tabellion(&["witness", "--dir", "/nowhere"]).refused(2, &["witness init"]);
}
