//! Split views: a log put back to an earlier state, and a log with two histories, are found out by their witness and stop.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::peer::{Witness, ask_for_witnesses, cosigned, http};
use crate::control::address;
use crate::support::{Notary, Server, copy_dir, wait_until};

const DRAFT: &str = "{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n";

/// A log that its witness has cosigned, and a copy of an earlier state of it.
fn with_snapshot() -> (Notary, Witness) {
    let notary = Notary::new();
    let trust = fs::read_to_string(notary.trust()).expect("a trust file");
    let witness = Witness::start("one.example", &[&trust]);
    ask_for_witnesses(&notary, &[&witness.lines()], "quorum one.example");
    notary.serve().stop().ends(0);
    copy_dir(&notary.dir(), &notary.beside("snapshot"));
    let server = notary.serve();
    for _ in 0..10 {
        notary.drafts(DRAFT);
    }
    let size = notary.size();
    wait_until("the witness", || {
        cosigned(&notary.dir()).is_some_and(|signed| signed.checkpoint.size >= size)
    });
    server.stop().ends(0);
    (notary, witness)
}

fn restore(notary: &Notary) {
    fs::rename(notary.dir(), notary.beside("whole")).expect("moved away");
    copy_dir(&notary.beside("snapshot"), &notary.dir());
}

fn conflicts(notary: &Notary) -> Vec<Value> {
    notary.entries().into_iter().filter(|entry| entry["type"] == "witness.conflict_found").collect()
}

/// The record of the only conflict, in clear.
fn found(notary: &Notary) -> Value {
    let conflicts = conflicts(notary);
    assert_eq!(conflicts.len(), 1, "one alarm, recorded once: {conflicts:?}");
    let index = conflicts[0]["index"].to_string();
    notary.run(&["log", "show", &index, "--json"]).ends(0).json()
}

fn assert_stopped(notary: &Notary, server: &Server) {
    let size = notary.size();
    let file = notary.file("draft.jsonl", DRAFT.as_bytes());
    notary
        .run(&["record", "--drafts", &file])
        .refused(1, &["a witness knows a tree", "tabellion log resume"]);
    assert_eq!(notary.size(), size, "a log that may be a fork signed more");
    let ready = http(&address(server), "GET", "/readyz", "");
    assert!(
        ready.status == 503 && ready.body.contains("witness"),
        "a supervisor would send traffic: {}",
        ready.body
    );
    let numbers = http(&address(server), "GET", "/metrics", "").body;
    assert!(numbers.contains("tabellion_witness_conflict 1"), "no alert would go off");
    let doctor = notary.run(&["doctor"]).ends(1).out;
    assert!(doctor.contains("TO DO  witnesses"), "an operator would look in vain: {doctor}");
}

/// Requirement: B02. An old snapshot restored.
#[test]
fn a_log_put_back_to_an_earlier_state_stops_before_it_signs_anything_but_the_alarm() {
    let (notary, witness) = with_snapshot();
    let known = cosigned(&notary.dir()).expect("cosigned").checkpoint.size;
    restore(&notary);
    let before = notary.size();
    let server = notary.serve();
    assert!(server.said.contains("ALARM"), "nobody would notice: {}", server.said);
    let record = found(&notary);
    let clear = &record["clear"];
    assert_eq!(
        (&clear["kind"], &clear["proved"], &clear["size"]),
        (&"rolled_back".into(), &true.into(), &known.into()),
        "{record:#}"
    );
    assert_eq!(notary.size(), before + 3, "the epoch, the alarm and their seal: nothing else is signed");
    assert_stopped(&notary, &server);
    server.stop().ends(0);

    // Stopped it stays, whatever restarts.
    let server = notary.serve();
    assert_eq!(found(&notary)["clear"]["size"], known, "the alarm is recorded once");
    assert_stopped(&notary, &server);
    let again = notary.run(&["log", "resume", "--reason", " "]);
    assert_eq!(again.code, 2, "a reason is asked for: {}", again.err);
    server.stop().ends(0);

    // The operator answers for it: the witness is no longer asked, and why is recorded.
    fs::write(notary.dir().join("tabellion.toml"), "").expect("no witnesses");
    notary.run(&["log", "resume", "--reason", "test copy, continued without its witness"]).ends(0);
    notary.drafts(DRAFT);
    notary.run(&["log", "resume", "--reason", "again"]).refused(1, &["not stopped"]);
    let lifted = notary.entries().iter().filter(|entry| entry["type"] == "witness.conflict_lifted").count();
    assert_eq!(lifted, 1, "who let it go on has to stand in the log");
    notary.is_sound();
    drop(witness);
}

/// Requirement: B02. The same earlier state, grown on until it is as large: two histories.
#[test]
fn two_histories_of_one_log_are_found_out_and_proved() {
    let (notary, _witness) = with_snapshot();
    restore(&notary);
    let with_witness = fs::read_to_string(notary.dir().join("tabellion.toml")).expect("its configuration");
    fs::write(notary.dir().join("tabellion.toml"), "").expect("no witnesses");
    while notary.size() < 60 {
        notary.drafts(DRAFT);
    }
    fs::write(notary.dir().join("tabellion.toml"), with_witness).expect("witnesses again");
    let server = notary.serve();
    let record = found(&notary);
    assert_eq!(record["clear"]["kind"], "forked", "{record:#}");
    assert_eq!(record["clear"]["proved"], true, "the log's own signature stands on the other tree");
    assert_stopped(&notary, &server);
    let text = record.to_string();
    assert!(
        text.contains("one.example") && text.contains("log.example.org/log/acme\\n"),
        "the other checkpoint is the evidence: {text}"
    );
    server.stop().ends(0);
}

/// While it runs, too: somebody else shows the witness another history under the log's key.
#[test]
fn a_split_view_is_found_out_while_the_log_runs() {
    let (notary, witness) = with_snapshot();
    // The other copy goes on with the same witness: it is the one that the witness believes.
    copy_dir(&notary.dir(), &notary.beside("twin"));
    let server = notary.serve();
    let size = notary.size();
    wait_until("the witness", || {
        cosigned(&notary.dir()).is_some_and(|signed| signed.checkpoint.size >= size)
    });
    let twin = Server::start(&notary.beside("twin"));
    assert!(twin.said.contains("ALARM"), "the second copy is the one that is late: {}", twin.said);
    notary.drafts(DRAFT);
    drop((twin, witness));
    server.stop().ends(0);
    assert!(Path::new(&notary.beside("twin")).exists(), "nothing is repaired by itself");
}
