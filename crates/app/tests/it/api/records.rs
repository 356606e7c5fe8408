//! Recording from outside, packages, health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tabellion_ledger::EntryView;
use tabellion_model::Disclosure;
use tabellion_model::Entry;
use tabellion_model::body::Role;
use tabellion_model::package::verify_package;
use tabellion_tlog::sha256;

use super::house::House;

/// Requirement: A11, A13
#[test]
fn files_and_events_are_recorded_by_digest_or_whole_in_every_kind() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let system = house.live_system(&admin, "Loan support");
    let (_, secret) = house.key(&admin, &system);
    // SHA-256 of "hello"
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for (kind, record_type) in [
        ("impact_assessment", "impact_assessment.captured"),
        ("technical_document", "technical_document.captured"),
        ("event_log", "event_log.captured"),
        ("audit_report", "audit_report.captured"),
    ] {
        let by_digest = json!({"kind": kind, "file": {"name": "a.txt", "sha256": digest, "size_bytes": 5}});
        let made = house.post(&secret, "/api/v1/records", &by_digest).ok().json();
        assert_eq!((made["type"].as_str(), made["content_kept"].as_bool()), (Some(record_type), Some(false)));
        assert_eq!(made["system"], system.as_str(), "a key's record belongs to its system");
        let whole = json!({"kind": kind, "file": {"name": "a.txt", "content": "aGVsbG8="}});
        let made = house.post(&secret, "/api/v1/records", &whole).ok().json();
        assert_eq!((made["sha256"].as_str(), made["content_kept"].as_bool()), (Some(digest), Some(true)));
        let entry =
            house.get(&auditor, &format!("/api/v1/entries/{}", made["recorded"]["index"])).ok().json();
        assert_eq!(entry["units"][0]["fields"]["content"], "aGVsbG8=", "what was kept is not there: {entry}");
        let receipt =
            house.get(&secret, &format!("/api/v1/entries/{}/receipt", made["recorded"]["index"])).ok();
        let report = tabellion_model::verify_receipt(&receipt.body, Some(&house.trust()));
        assert_eq!(report.exit_code(), 0, "the receipt does not verify: {}", report.to_text());
    }
    let event = json!({"kind": "event", "event": {"name": "retrained", "fields": {"epochs": 3, "on": {"set": "b"}}}, "subject": "account 4711"});
    let made = house.post(&secret, "/api/v1/records", &event).ok().json();
    let path = format!("/api/v1/entries/{}", made["recorded"]["index"]);
    assert_eq!(house.get(&auditor, &path).ok().json()["units"][0]["fields"]["event"]["epochs"], 3);
    let seen = house.get(&secret, &path).ok().json();
    assert_eq!(
        (seen["units"][0]["state"].as_str(), seen["units"][0]["personal"].as_bool()),
        (Some("withheld"), Some(true)),
        "{seen}"
    );
    let by_digest = json!({"kind": "event", "event": {"name": "retrained", "sha256": digest}});
    house.post(&secret, "/api/v1/records", &by_digest).ok();
}

/// Requirement: A10. What leaves the customer is a fingerprint and a name; what anybody can copy, the log's entry, holds not even the fingerprint,
/// so that somebody who guesses a short text learns nothing from it.
#[test]
fn a_file_recorded_by_its_fingerprint_is_nowhere_and_cannot_be_guessed_from_the_log() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (_, secret) = house.key(&admin, &system);
    let text = b"salary: 4711";
    let digest = sha256(text);
    let sent = json!({"kind": "document", "file": {"name": "a.txt", "sha256": digest.to_hex(), "size_bytes": text.len()}});
    let entries = [0, 1].map(|_| {
        let made = house.post(&secret, "/api/v1/records", &sent).ok().json();
        assert_eq!(made["content_kept"], false, "content was kept that was never sent: {made}");
        made["recorded"]["index"].as_u64().expect("an entry")
    });
    let [first, second] = entries.map(|index| house.ledger.reader().entry(index).expect("the entry"));
    for entry in [&first, &second] {
        let holds = |part: &[u8]| entry.bytes.windows(part.len()).any(|found| found == part);
        assert!(
            !holds(digest.to_hex().as_bytes()) && !holds(&digest.0),
            "a guess could be checked against the entry"
        );
    }
    let marks = |entry: &EntryView| -> Vec<String> {
        let Entry::Record(record) = &entry.entry else { panic!("a record became {:?}", entry.entry) };
        record.header.units.iter().flat_map(|unit| unit.digests.clone()).collect()
    };
    let (first, second) = (marks(&first), marks(&second));
    assert!(
        !first.is_empty() && first.iter().all(|mark| !second.contains(mark)),
        "nothing salts what is sealed"
    );
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let other = house.live_system(&admin, "Other");
    let (_, secret) = house.key(&admin, &system);
    let file = json!({"name": "a.txt", "content": "aGVsbG8="});
    let ask = |body| house.post(&secret, "/api/v1/records", &body);
    ask(json!({"kind": "call.authorised", "file": file})).refused(400, "malformed");
    ask(json!({"kind": "document"})).refused(400, "malformed");
    ask(json!({"kind": "document", "file": file, "event": {"name": "x", "fields": {}}}))
        .refused(400, "malformed");
    ask(json!({"kind": "document", "file": {"name": "a.txt"}})).refused(400, "malformed");
    ask(json!({"kind": "document", "file": {"name": "a.txt", "content": "%%%"}})).refused(400, "malformed");
    ask(json!({"kind": "document", "file": {"name": "a.txt", "content": "aGVsbG8=", "sha256": "0".repeat(64)}})).refused(422, "digest_mismatch");
    ask(json!({"kind": "document", "file": {"name": "a.txt", "content": "aGVsbG8=", "size_bytes": 6}}))
        .refused(422, "digest_mismatch");
    ask(json!({"kind": "document", "file": file, "system": other})).refused(422, "unknown_reference");
    ask(json!({"kind": "event", "event": {"name": "x", "fields": {"ratio": 0.5}}})).refused(400, "malformed");
    house
        .post(&admin, "/api/v1/records", &json!({"kind": "document", "file": file, "system": "9".repeat(32)}))
        .refused(422, "unknown_reference");
}

#[test]
fn a_package_is_built_downloaded_verified_and_recorded() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.calls(&system, &key);
    let built =
        house.post(&auditor, "/api/v1/packages", &json!({"system": system, "framework": "iso42001"})).ok();
    let report = verify_package(&built.body, Some(&house.trust()));
    assert_eq!(report.exit_code(), 0, "the auditor's download does not verify: {}", report.to_text());
    let index = built.header("tabellion-entry").expect("the record of the export");
    let entry = house.get(&auditor, &format!("/api/v1/entries/{index}")).ok().json();
    assert_eq!(entry["type"], "package.exported", "an export would leave no trace");
    let seen = everything_readable(&built.body);
    assert!(seen.contains("Loan support"), "the system's own content is missing");
    assert!(!seen.contains("Ida"), "a package for business shows a person's name");
    assert!(
        !seen.contains("what the provider saw"),
        "prompts hold what no mask finds; they leave without anybody having asked for them"
    );
    let asked = house.post(&auditor, "/api/v1/packages", &json!({"system": system, "disclose": "all"})).ok();
    assert!(
        everything_readable(&asked.body).contains("what the provider saw"),
        "whoever may see prompts and asks gets none"
    );
    let other = house.live_system(&admin, "Other");
    let built = house.post(&auditor, "/api/v1/packages", &json!({"system": other, "disclose": "all"})).ok();
    assert!(
        !everything_readable(&built.body).contains("what the provider saw"),
        "another system's content is shown"
    );
    assert_eq!(
        verify_package(&built.body, Some(&house.trust())).exit_code(),
        0,
        "what is withheld makes the package fail"
    );
    house.post(&admin, "/api/v1/packages", &json!({"disclose": "all"})).refused(403, "not_permitted");
    house
        .post(&auditor, "/api/v1/packages", &json!({"from": "2030-01-01", "to": "2030-01-02"}))
        .refused(422, "nothing_to_export");
    for never_signed in [0, 1, 3, 99_999_999] {
        house
            .post(&auditor, "/api/v1/packages", &json!({"at": never_signed}))
            .refused(422, "nothing_to_export");
    }
    house.post(&auditor, "/api/v1/packages", &json!({"framework": "ä"})).refused(400, "malformed");
}

/// The text of every file in a package, with its disclosures decoded.
pub(crate) fn everything_readable(package: &[u8]) -> String {
    let mut text = String::new();
    for (name, content) in crate::fixture::files(package) {
        let content = String::from_utf8_lossy(&content).into_owned();
        if name.starts_with("disclosures/") {
            for encoded in content.split(|byte: char| !(byte.is_ascii_alphanumeric() || "-_".contains(byte)))
            {
                let decoded = Disclosure::parse(encoded).map(|shown| shown.value().to_string());
                text.push_str(&decoded.unwrap_or_default());
            }
        }
        text.push_str(&content);
    }
    text
}

/// Requirement: R25
#[test]
fn health_readiness_and_numbers_say_how_it_stands() {
    let listening = Arc::new(AtomicBool::new(true));
    let gateway = Arc::clone(&listening);
    let house = House::with(move |settings| {
        let ready =
            move || if gateway.load(Ordering::SeqCst) { Ok(()) } else { Err("not listening".to_owned()) };
        settings.ready.push(("gateway", Arc::new(ready)));
        settings.numbers.push(Arc::new(|text| text.push_str("tabellion_calls_total 0\n")));
    });
    assert_eq!(house.ask("GET", "/healthz").send().ok().text(), "up\n");
    house.ask("GET", "/readyz").send().ok();
    listening.store(false, Ordering::SeqCst);
    let refused = house.ask("GET", "/readyz").send().refused(503, "unavailable");
    assert!(
        refused.text().contains("gateway: not listening"),
        "the operator is not told which part: {}",
        refused.text()
    );
    let numbers = house.ask("GET", "/metrics").send().ok().text();
    for part in [
        "tabellion_api_requests_total{route=\"health\",status=\"200\"} 1",
        "tabellion_log_entries",
        "tabellion_saved_state_failures 0",
        "tabellion_calls_total 0",
    ] {
        assert!(numbers.contains(part), "{part} is missing: {numbers}");
    }
}

/// Requirement: R25
#[test]
fn a_stop_answers_what_was_read_and_the_access_log_names_nobody() {
    use std::io::{Read as _, Write as _};
    use std::sync::Mutex;
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&lines);
    let house = House::with(move |settings| {
        settings.log = Arc::new(move |line| log.lock().expect("lines").push(line.to_owned()));
    });
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    house.get(&admin, &format!("/api/v1/people/{ada}")).ok();
    let body = json!({"name": "Loan support", "purposes": ["support"]}).to_string();
    let mut stream = std::net::TcpStream::connect(house.server.address()).expect("a connection");
    let head = format!(
        "POST /api/v1/systems HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the head");
    stream.write_all(&body.as_bytes()[..5]).expect("a part of the body");
    // The server has read the head once it has answered somebody who came later on another connection, twice over.
    house.ask("GET", "/healthz").send().ok();
    let size = house.ledger.reader().size();
    house.server.stopper().now();
    stream.write_all(&body.as_bytes()[5..]).expect("the rest");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    if answer.is_empty() {
        assert_eq!(house.ledger.reader().size(), size, "something was recorded and its answer lost");
    } else {
        assert!(answer.starts_with("HTTP/1.1 201"), "a request that was read is answered: {answer}");
    }
    let House { server, .. } = house;
    server.stop();
    for line in lines.lock().expect("lines").iter() {
        assert!(
            !line.contains(&ada) && !line.contains("Ada") && !line.contains("tbs_"),
            "the log names somebody: {line}"
        );
    }
}

#[test]
fn an_answer_names_the_levels_that_are_reached_and_where_to_ask_again() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let event =
        |wanted| json!({"kind": "event", "event": {"name": "e", "fields": {"n": 1}}, "acknowledge": wanted});
    let plain = json!({"kind": "event", "event": {"name": "e", "fields": {"n": 1}}});
    let made = house.post(&admin, "/api/v1/records", &plain).ok().json()["acknowledged"].clone();
    assert_eq!((&made["asked"], &made["met"]), (&json!("included"), &json!(true)), "{made}");
    // Nobody witnesses or anchors here: what is asked for is told as not reached, and the record is there all the same.
    for level in ["witnessed", "anchored"] {
        let answer =
            house.post(&admin, "/api/v1/records", &event(json!({"level": level, "within_seconds": 0})));
        let made = answer.ok().json();
        let told = &made["acknowledged"];
        assert_eq!(told["met"], false, "{level} is claimed without anybody behind it: {told}");
        assert_eq!(told["reached"], json!(["durable", "included"]), "{told}");
        let again = told["ask_again"].as_str().expect("a place to ask again");
        let again = house.get(&admin, again).ok().json();
        assert_eq!((&again["asked"], &again["reached"]), (&json!(null), &told["reached"]), "{again}");
    }
    house
        .post(&admin, "/api/v1/records", &event(json!({"level": "carved in stone"})))
        .refused(400, "malformed");
    house
        .post(&admin, "/api/v1/records", &event(json!({"level": "witnessed", "within_seconds": 61})))
        .refused(400, "malformed");
}

/// Requirement: P06
#[test]
fn what_expired_is_shown_as_gone_and_its_existence_is_proved_as_before() {
    let house = House::new();
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let event = json!({"kind": "event", "event": {"name": "n", "fields": {"text": "Lovelace"}}});
    let made = house.post(&admin, "/api/v1/records", &event).ok().json();
    let recorded = if made["result"].is_object() { &made["result"]["recorded"] } else { &made["recorded"] };
    let index = recorded["index"].as_u64().expect("an index");
    let path = format!("/api/v1/entries/{index}");
    let before = house.get(&auditor, &format!("{path}/proof")).ok().body;
    assert!(house.get(&auditor, &path).ok().text().contains("Lovelace"), "nothing to expire");
    let expired = tabellion_ledger::ErasureTarget::Retention { class: "standard".to_owned(), until: 209_912 };
    house.ledger.erase(&expired, "its time is over").expect("expired");
    house.desk.refresh().expect("the views follow");
    let shown = house.get(&auditor, &path).ok().json();
    assert!(!shown.to_string().contains("Lovelace"), "expired content is still shown");
    assert!(shown.to_string().contains("erased"), "nobody is told that the content is gone: {shown}");
    let receipt = house.get(&auditor, &format!("{path}/receipt")).ok().body;
    let report = tabellion_model::verify(&receipt, Some(&house.trust()));
    assert_eq!(report.exit_code(), 0, "the proof of existence went with the content: {}", report.to_text());
    assert_eq!(house.get(&auditor, &format!("{path}/proof")).ok().body, before, "another proof than before");
}

/// What an answer says of levels is what the receipt that it names shows to a verifier.
#[test]
fn every_level_that_is_named_has_a_receipt_that_shows_it() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let event = json!({"kind": "event", "event": {"name": "n", "fields": {"a": 1}}});
    let made = house.post(&admin, "/api/v1/records", &event).ok().json();
    let made = if made["result"].is_object() { made["result"].clone() } else { made };
    let index = made["recorded"]["index"].as_u64().expect("an index");
    let acknowledged = &made["acknowledged"];
    assert_eq!(
        acknowledged["receipts"],
        json!([{"level": "included", "receipt": format!("/api/v1/entries/{index}/receipt")}])
    );
    let signed = tabellion_tlog::SignedCheckpoint::parse(house.ledger.reader().checkpoint().as_bytes())
        .expect("our own");
    let key = tabellion_tlog::SigningKey::from_seed(&[7; 32]);
    let line = tabellion_tlog::cosign(&signed.note.text, "w.example", 1_772_438_400, &key).expect("a line");
    house.ledger.keep_cosigned(&signed.with_signatures(&[line])).expect("kept");
    let now = house.get(&auditor, &format!("/api/v1/entries/{index}/acknowledgement")).ok().json();
    let vkey = tabellion_tlog::VerifierKey::with_type(
        "w.example",
        key.public(),
        tabellion_tlog::SignatureType::CosignatureV1,
    );
    let asks = house
        .trust()
        .to_string()
        .replace("quorum none", &format!("witness w {}\nquorum w", vkey.expect("a key")));
    let asks = tabellion_tlog::Policy::parse(asks).expect("a trust file");
    let listed = now["receipts"].as_array().expect("receipts");
    assert_eq!(listed.len(), 2, "a level was reached that nothing shows: {now}");
    for named in listed {
        let receipt = house.get(&auditor, named["receipt"].as_str().expect("a path")).ok().body;
        let trust = if named["level"] == "witnessed" { &asks } else { &house.trust() };
        let report = tabellion_model::verify(&receipt, Some(trust));
        let levels = report.facts["levels"].as_array().expect("levels");
        assert!(levels.contains(&named["level"]), "the log says {named}, the file shows {levels:?}");
    }
    house.get(&auditor, &format!("/api/v1/entries/{index}/receipt/anchored")).refused(404, "not_found");
}
