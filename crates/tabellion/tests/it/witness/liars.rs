//! Witnesses that lie, stall, or answer 200 with rubbish: the log goes on, unless there is reason to stop.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tabellion_tlog::{SignatureType, SigningKey, VerifierKey, cosign};

use super::peer::{ask_for_witnesses, cosigned, http};
use crate::control::address;
use crate::support::{Notary, wait_until};

const DRAFT: &str = "{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n";

/// Answers every request with the same bytes; `None`: never answers. Gives its address and a count of requests.
fn liar(answer: Option<&'static str>) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut some = vec![0; 1 << 16];
            let _ = stream.read(&mut some);
            counted.fetch_add(1, Ordering::Relaxed);
            match answer {
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => kept.push(stream),
            }
        }
    });
    (address, count)
}

/// A policy's line for a witness there.
fn line(address: &str) -> String {
    let key = SigningKey::from_seed(&[7; 32]).public();
    let key = VerifierKey::with_type("liar.example", key, SignatureType::CosignatureV1).expect("a key");
    format!("witness liar.example {key} http://{address}\n")
}

/// Requirement: B02. None of these is a reason to stop, and none of them counts.
#[test]
fn a_witness_that_answers_rubbish_or_not_at_all_stops_nothing_and_counts_for_nothing() {
    for answer in [
        Some("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nrubbish\n"),
        Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        Some("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\nx"),
        Some(
            "HTTP/1.1 200 OK\r\ncontent-length: 71\r\n\r\n\u{2014} somebody.else AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        ),
        Some("HTTP/1.1 409 Conflict\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n999999999\n"),
        Some("HTTP/1.1 409 Conflict\r\ncontent-type: text/x.tlog.size\r\ncontent-length: 3\r\n\r\nxx\n"),
        Some("HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"),
        Some("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"),
        Some("this is not HTTP\r\n\r\n"),
        None,
    ] {
        let notary = Notary::new();
        let (liar, asked) = liar(answer);
        ask_for_witnesses(&notary, &[&line(&liar)], "quorum liar.example");
        let server = notary.serve();
        notary.drafts(DRAFT);
        wait_until("the witness to be asked", || asked.load(Ordering::Relaxed) > 0);
        notary.drafts(DRAFT);
        assert!(cosigned(&notary.dir()).is_none(), "{answer:?} passed for a cosignature");
        assert_eq!(http(&address(&server), "GET", "/readyz", "").status, 200, "{answer:?} stopped the log");
        server.stop().ends(0);
    }
}

/// Cosigns the first checkpoint that it is asked about, and refuses every later proof. Gives its address and a count of requests.
fn turncoat() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let answer = match read_checkpoint(&mut stream) {
                Some(text) if counted.fetch_add(1, Ordering::Relaxed) == 0 => {
                    let line = cosign(&text, "liar.example", 1_790_000_000, &SigningKey::from_seed(&[7; 32]));
                    let line = format!("{}\n", line.expect("a cosignature"));
                    format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{line}",
                        line.len()
                    )
                }
                Some(_) => "HTTP/1.1 422 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
                None => "HTTP/1.1 404 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    (address, count)
}

/// The text that is to be cosigned, of a request to add a checkpoint; `None`: it is another request.
fn read_checkpoint(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    let mut some = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut some).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        if !head.starts_with("POST ") {
            return None;
        }
        let length =
            head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            let (_, checkpoint) = body.split_once("\n\n")?;
            return Some(format!("{}\n", checkpoint.split_once("\n\n")?.0));
        }
    }
}

/// What it signed itself weighs more than what it says afterwards.
#[test]
fn a_witness_that_refuses_what_it_has_signed_stops_nothing() {
    let notary = Notary::new();
    let (liar, asked) = turncoat();
    ask_for_witnesses(&notary, &[&line(&liar)], "quorum liar.example");
    let server = notary.serve();
    notary.drafts(DRAFT);
    wait_until("the first cosignature", || cosigned(&notary.dir()).is_some());
    let before = asked.load(Ordering::Relaxed);
    notary.drafts(DRAFT);
    wait_until("the witness to be asked again", || asked.load(Ordering::Relaxed) > before);
    server.stop().ends(0);
    let again = notary.serve();
    notary.drafts(DRAFT);
    assert_eq!(
        http(&address(&again), "GET", "/readyz", "").status,
        200,
        "its own signature was not believed over its word"
    );
    again.stop().ends(0);
    notary.is_sound();
}

/// A witness's word alone stops the log, and the record says that it was its word alone.
#[test]
fn a_witness_that_claims_more_than_there_is_stops_the_log_and_nothing_is_proved() {
    let notary = Notary::new();
    let (liar, _) = liar(Some(
        "HTTP/1.1 409 Conflict\r\ncontent-type: text/x.tlog.size\r\nconnection: close\r\ncontent-length: 10\r\n\r\n999999999\n",
    ));
    ask_for_witnesses(&notary, &[&line(&liar)], "quorum liar.example");
    let server = notary.serve();
    assert!(
        server.said.contains("on its word alone"),
        "an operator has to know what it rests on: {}",
        server.said
    );
    server.stop().ends(0);
    fs::write(notary.dir().join("tabellion.toml"), "").expect("no witnesses");
    notary.run(&["log", "resume", "--reason", "the witness is wrong; it is no longer asked"]).ends(0);
    notary.drafts(DRAFT);
    notary.is_sound();
}
