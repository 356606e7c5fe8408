//! A log that asks witnesses: evidence with their signatures, and what a witness that is down does to it.

use std::fs;

use super::peer::{Witness, ask_for_witnesses, cosigned, http, policy};
use crate::control::address;
use crate::support::{Notary, Server, tabellion, wait_until};

const DRAFT: &str = "{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n";

/// Requirement: W14, W08. Two witnesses of which one is down, then both; receipts and packages carry them, and a verifier counts.
#[test]
fn evidence_carries_the_cosignatures_that_a_verifier_asks_for() {
    let notary = Notary::new();
    let trust = fs::read_to_string(notary.trust()).expect("a trust file");
    let (one, mut two) = (Witness::start("one.example", &[&trust]), Witness::start("two.example", &[&trust]));
    two.kill();
    ask_for_witnesses(
        &notary,
        &[&one.lines(), &two.lines()],
        "group both any one.example two.example\nquorum both",
    );
    let server = notary.serve();
    let covers = |index: u64| cosigned(&notary.dir()).is_some_and(|signed| signed.checkpoint.size > index);
    let first = notary.drafts(DRAFT)[0]["index"].as_u64().expect("an index");
    wait_until("the witness that is up", || covers(first));
    let report =
        policy(&notary).report(&cosigned(&notary.dir()).expect("cosigned")).expect("lines that verify");
    assert!(report.met, "one of two is enough: {report:?}");
    assert!(
        report.seen.iter().all(|(name, _)| name.starts_with("one.example")),
        "who did not sign counts: {report:?}"
    );
    assert_eq!(report.missing, ["two.example"], "who is missing has to be known");

    // All four keys: only when the second is back.
    let all = "group all4 all one.example one.example-pq two.example two.example-pq\nquorum all4";
    server.stop().ends(0);
    two.run();
    ask_for_witnesses(&notary, &[&one.lines(), &two.lines()], all);
    let trust_file =
        notary.file("witnessed.txt", notary.run(&["key", "trust", "--witnessed"]).ends(0).out.as_bytes());
    let server = notary.serve();
    let index = notary.drafts(DRAFT)[0]["index"].as_u64().expect("an index");
    wait_until("both witnesses", || covers(index));
    let numbers = http(&address(&server), "GET", "/metrics", "").body;
    for name in [
        "tabellion_witness_quorum_age_seconds",
        "tabellion_witness_conflict 0",
        "tabellion_witness_size{witness=\"one.example",
    ] {
        assert!(numbers.contains(name), "an operator could not see {name}");
    }
    let shown = notary.run(&["doctor"]);
    assert!(shown.out.contains("2 are asked to cosign"), "{}", shown.out);

    let receipt = notary.beside_text("w.receipt");
    notary.run(&["log", "prove", &index.to_string(), "--witnessed", "--out", &receipt]).ends(0);
    let said = issuer(&receipt, &trust_file, 0);
    for name in ["one.example at", "one.example-pq at", "two.example at", "two.example-pq at"] {
        assert!(said.contains(name), "a reader has to learn who signed and when: {said}");
    }
    assert!(
        !issuer(&receipt, &notary.trust(), 0).contains("witness"),
        "who asks for no witnesses hears of none"
    );
    // The plain receipt has no cosignatures: what was asked for is then unknown, and that is said.
    let plain = notary.beside_text("p.receipt");
    notary.run(&["log", "prove", &index.to_string(), "--out", &plain]).ends(0);
    let said = issuer(&plain, &trust_file, 3);
    assert!(
        said.contains("not met") && said.contains("not by one.example"),
        "what is missing has to be said: {said}"
    );

    // A witness's line that was tampered with is a fault of its own.
    let text = fs::read_to_string(&receipt).expect("a receipt");
    let line = text.lines().find(|line| line.contains("one.example ")).expect("its line").to_owned();
    let tampered = notary.file("tampered.receipt", text.replace(&line, &changed(&line)).as_bytes());
    let said = issuer(&tampered, &trust_file, 1);
    assert!(said.contains("one.example"), "whose signature is false has to be said: {said}");

    // A package at the cosigned size.
    let package = notary.beside_text("p.zip");
    notary.run(&["export", "--witnessed", "--out", &package]).ends(0);
    assert!(
        issuer(&package, &trust_file, 0).contains("two.example-pq at"),
        "a package lost its cosignatures"
    );
    server.stop().ends(0);
    notary.is_sound();
}

/// What the verifier says of the issuer, once it ended with `code`.
fn issuer(path: &str, trust: &str, code: i32) -> String {
    let report = tabellion(&["verify", path, "--trust", trust, "--json"]).ends(code).json();
    let checks = report["checks"].as_array().expect("checks");
    let issuer = checks.iter().find(|check| check["name"] == "issuer").expect("who issued it");
    issuer["detail"].as_str().expect("a sentence").to_owned()
}

/// The same line with one byte of its signature changed.
fn changed(line: &str) -> String {
    let at = line.len() - 20;
    let other = if line.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &line[..at], &line[at + 1..])
}

/// A witness that is down blocks nothing, is asked again after a restart of the log, and misses nothing.
#[test]
fn appends_do_not_wait_for_a_witness_that_is_down() {
    let notary = Notary::new();
    let trust = fs::read_to_string(notary.trust()).expect("a trust file");
    let mut witness = Witness::start("one.example", &[&trust]);
    witness.kill();
    ask_for_witnesses(&notary, &[&witness.lines()], "quorum one.example");
    let mut server = notary.serve();
    for _ in 0..20 {
        notary.drafts(DRAFT);
    }
    assert_eq!(
        http(&address(&server), "GET", "/readyz", "").status,
        200,
        "a log without its witness does its work"
    );
    assert!(cosigned(&notary.dir()).is_none(), "nobody cosigned");
    server.kill();
    witness.run();
    let server = Server::start(&notary.dir());
    wait_until("the witness to be asked again", || {
        cosigned(&notary.dir()).is_some_and(|signed| signed.checkpoint.size >= 40)
    });
    server.stop().ends(0);
}
