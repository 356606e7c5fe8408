//! The server: commands go through it, its end loses nothing, strangers on the socket cannot hurt it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use tabellion_ledger::Draft;
use tabellion_program::request::{Answer, Request, Response};
use tabellion_program::socket::{Client, MAX_CONNECTIONS};

use super::support::{Notary, Server, wait_until};

fn append(client: &mut Client, text: &str) -> Option<u64> {
    let draft = Draft::new("event.logged").with("text", text);
    match client.ask(&Request::Append { drafts: vec![draft] }) {
        Ok(Response::Done(Answer::Appended { records })) => records.first().map(|record| record.index),
        _ => None,
    }
}

fn connect(dir: &Path) -> Client {
    Client::connect(dir).expect("the socket answers").expect("there is a server")
}

#[test]
fn every_writing_command_works_the_same_through_a_server() {
    let notary = Notary::new();
    let server = notary.serve();
    let socket = fs::metadata(notary.dir().join("tabellion.sock")).expect("the socket");
    assert_eq!(socket.permissions().mode() & 0o777, 0o600, "others could append through the socket");
    let file = notary.file("a.txt", b"1");
    let first = notary.record(&file, &["--subject", "s", "--idempotency-key", "k"]);
    assert_eq!(
        notary.record(&file, &["--subject", "s", "--idempotency-key", "k"])["index"],
        first["index"],
        "a retry became a second record"
    );
    notary.verify(&format!("{file}.receipt")).ends(0);
    notary.drafts("{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n");
    let placed = notary.run(&["hold", "place", "--subject", "s", "--reason", "r"]).ends(0).out;
    notary.run(&["erase", "--subject", "s", "--reason", "r"]).refused(1, &["on_hold"]);
    notary
        .run(&["hold", "release", placed.split_whitespace().nth(1).expect("an id"), "--reason", "r"])
        .ends(0);
    notary.run(&["erase", "--subject", "s", "--reason", "r"]).ends(0);
    notary.run(&["key", "rotate", "writer"]).ends(0);
    notary.run(&["key", "create"]).ends(0);
    let package = notary.beside_text("p.zip");
    notary.run(&["export", "--out", &package]).ends(0);
    notary.verify(&package).ends(0);
    let doctor = notary.run(&["doctor"]).ends(0).out;
    assert!(doctor.contains(&server.id().to_string()), "the doctor must say who holds the log: {doctor}");
    let bad = notary.file("bad.jsonl", b"{\"type\":\"Event\"}\n");
    notary.run(&["record", "--drafts", &bad]).refused(2, &["malformed"]);
    server.stop().ends(0);
    notary.is_sound();
}

/// Requirement: R25
#[test]
fn sigterm_under_load_loses_nothing_and_closes_the_epoch() {
    let notary = Notary::new();
    let server = notary.serve();
    let dir = notary.dir();
    let acked = Mutex::new(Vec::new());
    let ended = thread::scope(|scope| {
        for client in 0..4 {
            let (acked, dir) = (&acked, &dir);
            scope.spawn(move || {
                let mut connection = connect(dir);
                for n in 0.. {
                    let text = format!("client {client} number {n}");
                    let Some(index) = append(&mut connection, &text) else { return };
                    acked.lock().expect("the journal").push((index, text));
                }
            });
        }
        wait_until("the load to begin", || acked.lock().expect("the journal").len() > 200);
        server.stop()
    });
    let ended = ended.ends(0);
    assert!(ended.err.contains("stopped"), "the server must say that it ended well: {}", ended.err);
    let acked = acked.into_inner().expect("the journal");
    let indexes: BTreeSet<u64> = acked.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes.len(), acked.len(), "two records were acknowledged at one place");
    for (index, text) in &acked {
        let found = notary_text(&notary, *index);
        assert_eq!(found.as_deref(), Some(text.as_str()), "entry {index} was acknowledged and is gone");
    }
    let entries = notary.entries();
    let last = entries.iter().rev().find(|entry| entry["kind"] != "seal").expect("an entry");
    assert_eq!(last["type"], "epoch.closed", "an end that was asked for must read as one: {last}");
    let again = notary.serve();
    assert!(!again.said.contains("note:"), "a clean end leaves nothing to recover: {}", again.said);
    again.stop().ends(0);
    notary.is_sound();
}

/// The text of a record, read through the library (one process per entry would take minutes).
fn notary_text(notary: &Notary, index: u64) -> Option<String> {
    thread_local! {
        static READER: std::cell::RefCell<Option<(std::path::PathBuf, tabellion_ledger::Reader)>> = const { std::cell::RefCell::new(None) };
    }
    READER.with_borrow_mut(|reader| {
        let dir = notary.dir();
        if reader.as_ref().is_none_or(|(known, _)| *known != dir) {
            *reader = Some((dir.clone(), super::kill::reader(&dir)));
        }
        let (_, reader) = reader.as_ref()?;
        super::kill::text_of(&reader.entry(index).ok()?)
    })
}

#[test]
fn sigterm_while_recovering_or_idle_ends_the_server_too() {
    let notary = Notary::new();
    let server = notary.serve();
    let idle = connect(&notary.dir()); // a client that says nothing must not keep the server
    server.terminate();
    server.terminate(); // an impatient operator
    let mut server = server;
    server.wait().ends(0);
    drop(idle);
    let mut early = Server::launch(&notary.dir());
    let holder = format!("{}\n", early.id());
    wait_until("the server to take the lock", || {
        fs::read_to_string(notary.dir().join("lock")).is_ok_and(|text| text == holder)
    });
    early.terminate();
    early.wait().ends(0);
    notary.is_sound();
}

#[test]
fn malformed_oversized_and_unfinished_messages_are_refused_and_others_go_on() {
    let notary = Notary::new();
    let server = notary.serve();
    let path = notary.dir().join("tabellion.sock");
    let send = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&path).expect("the server listens");
        stream.write_all(bytes).expect("the bytes leave");
        stream.shutdown(std::net::Shutdown::Write).expect("nothing more comes");
        let mut answer = Vec::new();
        // A server that closes with bytes of ours unread resets the connection; what it said before is what counts.
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    };
    let framed =
        |text: &str| [&u32::try_from(text.len()).expect("short").to_le_bytes()[..], text.as_bytes()].concat();
    for bad in [
        "",
        "{}",
        "[]",
        "{\"op\":\"drop_everything\"}",
        "{\"op\":\"status\",\"more\":1}",
        "{\"op\":\"receipt\",\"index\":-1}",
    ] {
        let answer = send(&framed(bad));
        assert!(
            answer.contains("cannot be read") && answer.contains("rejected"),
            "{bad:?} was answered with {answer:?}"
        );
    }
    let answer = send(&[0xff, 0xff, 0xff, 0xff, b'{']);
    assert!(answer.contains("more than the"), "an announced 4 GiB must be refused: {answer:?}");
    assert_eq!(send(&[10, 0, 0, 0, b'{']), "", "half a request is no request");
    // Each of these is served, so the server knows of it; the one after them is one too many.
    let mut open: Vec<Client> = Vec::new();
    let refused = (0..=MAX_CONNECTIONS).find_map(|_| {
        let mut client = connect(&notary.dir());
        let response = client.ask(&Request::Status {});
        open.push(client);
        match response {
            Ok(Response::Done(_)) => None,
            other => Some(other),
        }
    });
    assert_eq!(open.len(), MAX_CONNECTIONS + 1, "the named number of connections must be possible");
    assert!(
        refused.is_some(),
        "{} connections at once were all let in: a client could exhaust the server",
        open.len()
    );
    drop(open);
    wait_until("the server to notice that they are gone", || {
        matches!(connect(&notary.dir()).ask(&Request::Status {}), Ok(Response::Done(_)))
    });
    let file = notary.file("a.txt", b"1");
    notary.record(&file, &[]);
    server.stop().ends(0);
    notary.is_sound();
}

#[test]
fn a_follower_sees_what_is_appended_with_and_without_a_server() {
    use std::io::{BufRead as _, BufReader};
    let notary = Notary::new();
    let mut child = super::support::command(&[
        "log",
        "tail",
        "-n",
        "100",
        "--follow",
        "--json",
        "--dir",
        &notary.dir_text(),
    ])
    .stdout(std::process::Stdio::piped())
    .spawn()
    .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut next = |kind: &str| loop {
        let line = lines.next().expect("the follower goes on").expect("a line");
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if line["type"] == kind {
            return line["index"].as_u64().expect("an index");
        }
    };
    // Whenever the follower begins, it shows what is there and goes on from it.
    let one = notary.drafts("{\"type\":\"event.one\",\"body\":{\"n\":1}}\n")[0]["index"].as_u64();
    notary.drafts("{\"type\":\"event.two\",\"body\":{\"n\":1}}\n");
    let two = next("event.two");
    assert!(one < Some(two), "order is lost");
    let server = notary.serve();
    notary.drafts("{\"type\":\"event.three\",\"body\":{\"n\":1}}\n");
    assert!(next("event.three") > two, "order is lost");
    child.kill().expect("the follower ends");
    child.wait().expect("the follower ends");
    server.stop().ends(0);
}

#[test]
fn a_server_whose_socket_was_removed_ends_when_it_is_told_to() {
    let notary = Notary::new();
    for replaced in [false, true] {
        let mut server = notary.serve();
        let socket = notary.dir().join("tabellion.sock");
        fs::remove_file(&socket).expect("somebody tidies up");
        if replaced {
            fs::write(&socket, b"").expect("somebody leaves a file");
        }
        server.terminate();
        wait_until("a server to end whose socket is gone; only SIGKILL would", || server.has_ended());
        let ended = server.wait().ends(0);
        assert!(ended.err.contains("the epoch is closed"), "it did not end in good order: {}", ended.err);
        drop(fs::remove_file(&socket));
    }
    notary.is_sound();
}
