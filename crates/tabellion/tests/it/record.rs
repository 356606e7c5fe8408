//! Recording: statements, drafts, receipts, retries.

use std::fs;

use super::support::{Notary, tabellion};

#[test]
fn a_recorded_file_has_a_receipt_that_verifies_and_shows_what_was_said() {
    let notary = Notary::new();
    let file = notary.file("card.json", b"{\"title\":\"Model card\"}");
    let recorded = notary.record(&file, &[]);
    let receipt = recorded["receipt"].as_str().expect("a receipt's path");
    assert_eq!(receipt, format!("{file}.receipt"), "the receipt must be beside its file");
    notary.verify(receipt).ends(0);
    tabellion(&["verify", receipt]).ends(3);

    let index = recorded["index"].to_string();
    let shown = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    let fields = &shown["units"][0]["fields"];
    assert_eq!(
        fields["name"], "card.json",
        "the record must name the file and nothing of the way to it: {shown}"
    );
    assert_eq!(fields["size"], 22, "{shown}");
    let digest = tabellion_tlog::sha256(b"{\"title\":\"Model card\"}").to_hex();
    assert_eq!(fields["sha256"], digest.as_str(), "the file could not be told from another: {shown}");
    assert!(fields.get("content").is_none(), "content was kept although nobody asked: {shown}");
    assert_eq!(shown["kind"], "statement", "the operator's own key must sign it: {shown}");
    notary.is_sound();
}

#[test]
fn content_is_kept_on_request_and_large_content_is_refused_before_anything_is_recorded() {
    let notary = Notary::new();
    let file = notary.file("note.txt", b"hello");
    let index = notary.record(&file, &["--with-content"])["index"].to_string();
    let shown = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    assert_eq!(shown["units"][0]["fields"]["content"], "aGVsbG8=", "the content is lost: {shown}");

    let size = notary.size();
    let large = notary.file("large.bin", &vec![7; 1 << 20]);
    notary
        .run(&["record", &large, "--with-content"])
        .refused(2, &["large.bin", "1048576", "without --with-content"]);
    assert_eq!(notary.size(), size, "a refused file must leave no trace");
    notary.record(&large, &[]);
}

#[test]
fn several_files_are_one_epoch_of_their_signer_and_the_next_invocation_is_another() {
    let notary = Notary::new();
    let files: Vec<String> =
        (0..300).map(|n| notary.file(&format!("f{n}"), format!("{n}").as_bytes())).collect();
    let mut args = vec!["record", "--json", "--system", "00112233445566778899aabbccddeeff"];
    args.extend(files.iter().map(String::as_str));
    let lines = notary.run(&args).ends(0).json_lines();
    assert_eq!(lines.len(), 300, "every file must be answered for");
    notary.record(&files[0], &[]);
    for file in [&files[0], &files[150], &files[299]] {
        notary.verify(&format!("{file}.receipt")).ends(0);
    }
    let package = notary.beside_text("p.zip");
    notary.run(&["export", "--out", &package]).ends(0);
    notary.verify(&package).ends(0);
    notary.is_sound();
}

#[test]
fn a_retry_gives_the_first_receipt_and_another_request_under_the_key_is_refused() {
    let notary = Notary::new();
    let file = notary.file("a.txt", b"one");
    let first = notary.record(&file, &["--idempotency-key", "k1"]);
    let receipt = fs::read(format!("{file}.receipt")).expect("a receipt");
    let size = notary.size();
    let again = notary.record(&file, &["--idempotency-key", "k1"]);
    assert_eq!(again["duplicate"], true, "the retry was not recognised: {again}");
    assert_eq!(
        (&again["index"], &again["record_id"]),
        (&first["index"], &first["record_id"]),
        "a retry must not become a second record"
    );
    assert_eq!(
        fs::read(format!("{file}.receipt")).expect("a receipt"),
        receipt,
        "the receipt must be the first one, byte by byte"
    );

    fs::write(&file, b"two").expect("the file changes");
    notary
        .run(&["record", &file, "--idempotency-key", "k1"])
        .refused(1, &["idempotency_conflict", "use", "new key"]);
    fs::write(&file, b"one").expect("the file changes back");
    let other_type = ["record", &file, "--idempotency-key", "k1", "--type", "log.captured"];
    notary.run(&other_type).refused(1, &["idempotency_conflict"]);
    let other_subject = ["record", &file, "--idempotency-key", "k1", "--subject", "c"];
    notary.run(&other_subject).refused(1, &["idempotency_conflict"]);
    let grown = notary.size() - size;
    let sessions = notary
        .entries()
        .iter()
        .rev()
        .take(usize::try_from(grown).expect("few"))
        .filter(|entry| entry["type"] == "document.captured")
        .count();
    assert_eq!(sessions, 0, "nothing may be recorded by a refused request");
}

#[test]
fn drafts_are_recorded_in_order_and_a_refusal_names_the_line() {
    let notary = Notary::new();
    let lines = "{\"type\":\"event.logged\",\"body\":{\"text\":\"a\"}}\n\n{\"type\":\"event.logged\",\"body\":{\"text\":\"b\"},\"idempotency_key\":\"k\"}\n";
    let recorded = notary.drafts(lines);
    assert_eq!(recorded.len(), 2, "an empty line is no draft");
    assert!(recorded[0]["index"].as_u64() < recorded[1]["index"].as_u64(), "order is lost: {recorded:?}");
    assert_eq!(notary.drafts(lines)[1]["duplicate"], true, "a retry under the key must be recognised");

    for (bad, parts) in [
        ("{\"type\":\"event.logged\",\"bdoy\":{}}", &["line 2", "bdoy"][..]),
        ("not json", &["line 2"]),
        ("{\"type\":\"Event\"}", &["Lines 2 to 2", "type"]),
        ("{\"type\":\"event.logged\",\"body\":{\"x\":1.5}}", &["Lines 2 to 2"]),
        ("{\"type\":\"key.granted\",\"clear\":{\"a\":1}}", &["Lines 2 to 2"]),
    ] {
        let file = notary.file("bad.jsonl", format!("\n{bad}\n").as_bytes());
        let size = notary.size();
        notary.run(&["record", "--drafts", &file]).refused(2, parts);
        let kinds: Vec<_> =
            notary.entries().into_iter().filter(|e| e["index"].as_u64() >= Some(size)).collect();
        let only_own = kinds.iter().all(|entry| {
            entry["type"] == "epoch.opened" || entry["type"] == "epoch.closed" || entry["kind"] == "seal"
        });
        assert!(only_own, "a refused draft left a record: {kinds:?}");
    }
    let long = format!("{{\"type\":\"event.logged\",\"body\":{{\"text\":\"{}\"}}}}\n", "x".repeat(1 << 20));
    let file = notary.file("long.jsonl", long.as_bytes());
    notary.run(&["record", "--drafts", &file]).refused(2, &["line 1", "1048576"]);
}

#[test]
fn drafts_can_come_from_standard_input() {
    let notary = Notary::new();
    let mut command = super::support::command(&["record", "-", "--json", "--dir", &notary.dir_text()]);
    let input = notary.file("in.jsonl", b"{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n");
    let output =
        command.stdin(fs::File::open(input).expect("the input")).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        notary.entries().iter().any(|entry| entry["type"] == "event.logged"),
        "what was piped in was not recorded"
    );
}

#[test]
fn a_level_that_is_not_reached_is_not_claimed_and_the_record_is_there() {
    let notary = Notary::new();
    let file = notary.file("a.txt", b"1");
    notary.run(&["record", &file, "--ack", "included"]).ends(0);
    for level in ["witnessed", "anchored"] {
        let lines = notary.run(&["record", &file, "--ack", level, "--json"]).ends(3).json_lines();
        let (record, told) = (&lines[0], &lines[1]);
        assert_eq!(told["met"], false, "{level} is claimed without anybody behind it: {told}");
        assert_eq!(told["reached"], serde_json::json!(["durable", "included"]), "{told}");
        let index = record["index"].to_string();
        let again = notary.run(&["log", "level", &index, "--json"]).ends(0).json();
        assert_eq!(again["reached"], told["reached"], "asked again, it is another: {again}");
    }
    let said = notary.run(&["record", &file, "--ack", "witnessed"]);
    said.refused(3, &["everything is recorded", "tabellion log level"]);
    notary.is_sound();
}
