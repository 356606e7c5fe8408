//! Records by API key: without a thread that waits, several at a time, each answered with its proof.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tabellion_model::Purpose;
use tabellion_model::body::Role;
use tabellion_tlog::{Hash, SignedCheckpoint, leaf_hash, verify_inclusion};

use super::client::Answer;
use super::house::House;

/// A house with a live system: the administrator's token, the system, its key's id and secret.
fn with_a_key(house: &House) -> (String, String, String, String) {
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    (admin, system, key, secret)
}

fn event(number: u64) -> Value {
    json!({"kind": "event", "event": {"name": "decision", "fields": {"n": number}}})
}

fn batch(numbers: std::ops::Range<u64>) -> Value {
    json!({"records": numbers.map(event).collect::<Vec<_>>()})
}

fn post_once(house: &House, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    house.ask("POST", path).bearer(token).header("idempotency-key", key).json(body).send()
}

/// That what `made` says of its place is true, by the proof in the answer alone and a key of the log.
fn proves(house: &House, made: &Value, checkpoint: &str) {
    let index = made["recorded"]["index"].as_u64().expect("an index");
    let leaf = Hash::from_hex(made["proof"]["leaf"].as_str().expect("a leaf")).expect("a hash");
    let entry = house.ledger.reader().entry(index).expect("the entry");
    assert_eq!(leaf, leaf_hash(&entry.bytes), "the leaf is not the entry's");
    let path: Vec<Hash> = made["proof"]["path"].as_array().expect("a path").iter().map(hash).collect();
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).expect("a checkpoint");
    let keys = house.ledger.reader().keys();
    let log = keys.in_force(Purpose::Log, signed.checkpoint.size).expect("a key in force");
    let log = tabellion_tlog::VerifierKey::new(keys.origin().as_str(), log.public).expect("a key");
    signed.verify_with(&log).expect("the checkpoint is not signed by the log");
    verify_inclusion(&leaf, index, signed.checkpoint.size, &path, &signed.checkpoint.root)
        .expect("the proof that came with the answer leads nowhere");
}

fn hash(text: &Value) -> Hash {
    let bytes = STANDARD.decode(text.as_str().expect("text")).expect("base64");
    Hash(bytes.try_into().expect("32 bytes"))
}

/// What takes long to seal is not worked on where connections are served; the answer is the same.
#[test]
fn a_large_record_by_key_is_recorded_like_a_small_one() {
    let house = House::new();
    let (_, _, _, secret) = with_a_key(&house);
    let content = STANDARD.encode(vec![7; 200_000]);
    let large = json!({"kind": "document", "file": {"name": "large", "content": content}});
    let made = house.post(&secret, "/api/v1/records", &large).ok().json();
    proves(&house, &made, made["proof"]["checkpoint"].as_str().expect("a checkpoint"));
    let several = json!({"records": [large, event(1)]});
    let answer = house.post(&secret, "/api/v1/records/batch", &several).ok().json();
    proves(&house, &answer["records"][1], answer["checkpoint"].as_str().expect("a checkpoint"));
}

/// P05: leaf, path, root, signature, from what came in one answer.
#[test]
fn an_answer_proves_its_place_by_itself() {
    let house = House::new();
    let (admin, _, _, secret) = with_a_key(&house);
    for token in [&secret, &admin] {
        for number in 0..5 {
            let made = house.post(token, "/api/v1/records", &event(number)).ok().json();
            let checkpoint = made["proof"]["checkpoint"].as_str().expect("a checkpoint");
            proves(&house, &made, checkpoint);
            let index = made["recorded"]["index"].as_u64().expect("an index");
            let hashes = made["proof"]["path"].as_array().expect("a path");
            let lines: Vec<&str> = hashes.iter().map(|hash| hash.as_str().expect("text")).collect();
            let path = lines.join("\n");
            let file = house.get(token, &format!("/api/v1/entries/{index}/proof")).ok().text();
            assert_eq!(
                file,
                format!("c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n\n{checkpoint}"),
                "two proofs of one thing"
            );
        }
    }
}

#[test]
fn records_of_one_request_are_made_together_or_not_at_all() {
    let house = House::new();
    let (admin, _, _, secret) = with_a_key(&house);
    for token in [&secret, &admin] {
        let answer = house.post(token, "/api/v1/records/batch", &batch(0..40)).ok().json();
        let checkpoint = answer["checkpoint"].as_str().expect("a checkpoint");
        let made = answer["records"].as_array().expect("records");
        assert_eq!(made.len(), 40);
        let first = made[0]["recorded"]["index"].as_u64().expect("an index");
        for (at, made) in (first..).zip(made) {
            assert_eq!(
                made["recorded"]["index"], at,
                "records of one request are torn apart or out of order"
            );
            proves(&house, made, checkpoint);
            let said = house.get(&admin, &format!("/api/v1/entries/{at}")).ok().json();
            assert_eq!(
                said["units"][0]["fields"]["event"]["n"],
                at - first,
                "an answer belongs to another record"
            );
        }
        let size = house.ledger.reader().size();
        let mut wrong = batch(0..3);
        wrong["records"][2]["file"] = json!({"name": "a", "content": "aGVsbG8=", "size_bytes": 4});
        wrong["records"][2].as_object_mut().expect("a record").remove("event");
        let refused =
            house.post(token, "/api/v1/records/batch", &wrong).refused(422, "digest_mismatch").json();
        assert_eq!(refused["pointer"], "/records/2/file", "nobody knows which of them is wrong: {refused}");
        wrong["records"][2]["kind"] = json!("poem");
        house.post(token, "/api/v1/records/batch", &wrong).refused(400, "malformed");
        house.post(token, "/api/v1/records/batch", &json!({"records": []})).refused(400, "malformed");
        house.post(token, "/api/v1/records/batch", &batch(0..257)).refused(400, "malformed");
        assert_eq!(house.ledger.reader().size(), size, "a part of what was refused is on record");
    }
}

#[test]
fn a_repeated_request_is_answered_from_its_first_record() {
    let house = House::new();
    let (admin, _, _, secret) = with_a_key(&house);
    for token in [&secret, &admin] {
        let first = post_once(&house, token, "/api/v1/records/batch", "k1", &batch(0..3)).ok().json();
        post_once(&house, token, "/api/v1/records/batch", "k2", &batch(3..9)).ok();
        let size = house.ledger.reader().size();
        let again = post_once(&house, token, "/api/v1/records/batch", "k1", &batch(0..3)).ok();
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        let again = again.json();
        for (first, again) in first["records"]
            .as_array()
            .expect("records")
            .iter()
            .zip(again["records"].as_array().expect("records"))
        {
            assert_eq!(
                first["recorded"]["index"], again["recorded"]["index"],
                "a retry gives another record"
            );
            assert_eq!(again["recorded"]["repeated"], true);
            proves(
                &house,
                again,
                first_checkpoint(
                    &post_once(&house, token, "/api/v1/records/batch", "k1", &batch(0..3)).json(),
                ),
            );
        }
        post_once(&house, token, "/api/v1/records/batch", "k1", &batch(1..4))
            .refused(409, "idempotency_conflict");
        for other in [batch(0..2), batch(0..4), batch(0..1)] {
            post_once(&house, token, "/api/v1/records/batch", "k1", &other)
                .refused(409, "idempotency_conflict");
        }
        // What a client calls its keys never meets what the records after the first are called.
        let size_before = house.ledger.reader().size();
        let other = post_once(&house, token, "/api/v1/records/batch", "k1/1", &batch(1..2)).ok().json();
        assert_eq!(
            other["records"][0]["recorded"]["repeated"], false,
            "a record is lost in another's answer"
        );
        assert_eq!(house.ledger.reader().size(), size_before + 2, "a record is not there");
        let size = size + 2;
        let one = post_once(&house, token, "/api/v1/records", "k1", &event(0)).ok().json();
        assert_eq!(
            one["recorded"]["repeated"], false,
            "keys of one record and of several are taken for each other"
        );
        let same = post_once(&house, token, "/api/v1/records", "k1", &event(0)).ok().json();
        assert_eq!(same["recorded"]["index"], one["recorded"]["index"]);
        // The one record and its seal.
        assert_eq!(house.ledger.reader().size(), size + 2, "a retry was recorded");
    }
}

fn first_checkpoint(answer: &Value) -> &str {
    answer["checkpoint"].as_str().expect("a checkpoint")
}

#[test]
fn what_a_key_may_not_record_is_refused_as_soon_as_that_was_decided() {
    let house = House::new();
    let (admin, system, key, secret) = with_a_key(&house);
    let other = house.live_system(&admin, "Claims");
    let (_, second) = house.key(&admin, &system);
    let mut foreign = event(1);
    foreign["system"] = json!(other);
    house.post(&secret, "/api/v1/records", &foreign).refused(422, "unknown_reference");
    let foreign = json!({"records": [event(0), foreign]});
    let refused =
        house.post(&secret, "/api/v1/records/batch", &foreign).refused(422, "unknown_reference").json();
    assert_eq!(refused["pointer"], "/records/1/system");
    house.post(&secret, "/api/v1/records", &event(2)).ok();
    house.post(&admin, &format!("/api/v1/keys/{key}/revoke"), &json!({"reason": "leaked"})).ok();
    house.post(&secret, "/api/v1/records", &event(3)).refused(401, "not_signed_in");
    house.post(&second, "/api/v1/records", &event(4)).ok();
    let stage = json!({"stage": "retired", "reason": "replaced"});
    house.post(&admin, &format!("/api/v1/systems/{system}/stage"), &stage).ok();
    let size = house.ledger.reader().size();
    let refused = house.post(&second, "/api/v1/records", &event(5));
    assert!(refused.status >= 400, "a retired system goes on recording: {}", refused.text());
    assert_eq!(house.ledger.reader().size(), size);
}

#[test]
fn nobody_is_let_in_for_long_by_views_that_stand_still() {
    let house = House::impatient();
    let (_, _, _, secret) = with_a_key(&house);
    let held = house.hold_views();
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let answer = house.post(&secret, "/api/v1/records", &event(1));
        if answer.status == 503 {
            break;
        }
        answer.ok();
        assert!(
            Instant::now() < until,
            "a key that was revoked meanwhile would work for as long as the views stand"
        );
    }
    drop(held);
    let until = Instant::now() + Duration::from_mins(1);
    while house.post(&secret, "/api/v1/records", &event(2)).status != 201 {
        assert!(Instant::now() < until, "views that move again are not noticed");
    }
}

/// Requirement: A11. However two requests under one key meet: one of them is recorded, whole, and the other is refused.
#[test]
fn two_requests_of_different_length_under_one_key_never_mix() {
    let house = House::new();
    let (_, _, _, secret) = with_a_key(&house);
    for round in 0..12 {
        let key = format!("race-{round}");
        let before = records(&house);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let ask = |count| {
                let (house, secret, key) = (&house, &secret, &key);
                scope.spawn(move || post_once(house, secret, "/api/v1/records/batch", key, &batch(0..count)))
            };
            let asked = [ask(2), ask(5), ask(3)];
            asked.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        let taken: Vec<usize> = answers
            .iter()
            .filter(|answer| answer.status == 201)
            .map(|answer| answer.json()["records"].as_array().expect("records").len())
            .collect();
        assert_eq!(taken.len(), 1, "two requests share one key: {taken:?}");
        for other in answers.iter().filter(|answer| answer.status != 201) {
            assert!(other.text().contains("idempotency_conflict"), "{}", other.text());
        }
        assert_eq!(records(&house) - before, taken[0], "a part of a refused request is on record");
    }
}

/// Events in the log.
fn records(house: &House) -> usize {
    let reader = house.ledger.reader();
    let headers = (0..reader.size()).filter_map(|index| reader.entry(index).ok()?.entry.header().cloned());
    headers.filter(|header| header.record_type.as_str() == "event.captured").count()
}

/// A key that names a system is answered without asking on the thread that serves connections what only a row could tell; the answer is the other way's.
#[test]
fn a_key_that_names_a_system_is_answered_as_on_the_way_that_waits() {
    let house = House::new();
    let (admin, system, _, secret) = with_a_key(&house);
    let other = house.live_system(&admin, "Another");
    let naming = |system: &str| {
        let mut record = event(1);
        record["system"] = system.into();
        record
    };
    house.post(&secret, "/api/v1/records", &naming(&system)).ok();
    for foreign in [other.as_str(), "00112233445566778899aabbccddeeff"] {
        house.post(&secret, "/api/v1/records", &naming(foreign)).refused(422, "unknown_reference");
        let several = json!({"records": [event(1), naming(foreign)]});
        let refused =
            house.post(&secret, "/api/v1/records/batch", &several).refused(422, "unknown_reference").json();
        assert_eq!(refused["pointer"], "/records/1/system", "{refused}");
    }
    let desk = &house.desk;
    let actor = |system: &str| tabellion_app::work::Actor::Key {
        id: tabellion_model::CredentialId::from_bytes([1; 16]),
        system: tabellion_model::SystemId::from_hex(system).expect("an id"),
    };
    let new = |record: Value| serde_json::from_value(record).expect("a record");
    assert!(desk.knows_target(&actor(&system), &new(event(1))), "the usual case waits for a thread");
    assert!(
        !desk.knows_target(&actor(&system), &new(naming(&other))),
        "SQLite is asked where connections are served"
    );
}
