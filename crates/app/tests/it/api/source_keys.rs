//! Sources that sign their heartbeats: whoever has the API key alone cannot speak for one, nor make it silent about its key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tabellion_model::body::Role;
use tabellion_model::registry::{Heartbeat, SourceLife};
use tabellion_model::{KeyInfo, Micros, Outcome, ProducerId, verify};
use tabellion_tlog::SigningKey;
use tabellion_views::Views;

use super::house::House;

const SOURCE: &str = "5050505050505050505050505050505a";
const PATH: &str = "/api/v1/sources/5050505050505050505050505050505a/deliveries";
const KEY: &str = "/api/v1/sources/5050505050505050505050505050505a/key";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.public().as_bytes())
}

/// A delivery with heartbeat `beat` of epoch 3 and nothing counted yet.
fn unsigned(beat: u64) -> Value {
    json!({"epoch": 3, "heartbeat": {"beat": beat, "last_seq": 0, "sent": 0, "sampled": 0, "lost": 0, "spooled": 0, "interval_s": 60,
        "closed": false}})
}

/// The same, signed.
fn signed(beat: u64, key: &SigningKey) -> Value {
    counting((beat, 0, 0, false), key)
}

/// A delivery with the signed heartbeat `beat` of epoch 3, by which `sent` numbers were sent, `lost` are lost and none waits.
fn counting((beat, sent, lost, closed): (u64, u64, u64, bool), key: &SigningKey) -> Value {
    let producer = ProducerId::from_hex(SOURCE).expect("an id");
    let said = Heartbeat {
        life: SourceLife { producer, epoch: 3 },
        beat,
        last_seq: sent + lost,
        sent,
        sampled: 0,
        lost,
        spooled: 0,
        interval_s: 60,
        closed,
        signed: None,
    };
    let message = said.message(Micros(1_772_000_000_000_000), &KeyInfo::of(key.public())).expect("numbers");
    json!({"epoch": 3, "heartbeat": {"beat": beat, "last_seq": sent + lost, "sent": sent, "sampled": 0, "lost": lost, "spooled": 0, "interval_s": 60,
        "closed": closed, "signed": {"at": 1_772_000_000_000_000_u64, "public_key": public(key), "signature": STANDARD.encode(key.sign(&message))}}})
}

/// These numbers of epoch 3, each with a record.
fn records(numbers: &[u64]) -> Value {
    let one =
        |seq: &u64| json!({"seq": seq, "record": {"kind": "event", "event": {"name": "x", "fields": {}}}});
    json!({"epoch": 3, "records": numbers.iter().map(one).collect::<Vec<_>>()})
}

/// These numbers of epoch 3, declared lost.
fn losses(first: u64, last: u64) -> Value {
    json!({"epoch": 3, "lost": [{"first": first, "last": last, "reason": "other"}]})
}

/// Records of a type in the log.
fn types(house: &House, wanted: &str) -> usize {
    let reader = house.ledger.reader();
    let headers = (0..reader.size()).filter_map(|index| reader.entry(index).ok()?.entry.header().cloned());
    headers.filter(|header| header.record_type.as_str() == wanted).count()
}

fn standing(house: &House, token: &str) -> (String, Value) {
    let source = house.get(token, &format!("/api/v1/sources/{SOURCE}")).ok().json();
    (source["state"].as_str().unwrap_or_default().to_owned(), source["epochs"][0].clone())
}

/// A house, somebody who may change keys, and the API key of the source's system.
fn house() -> (House, String, String) {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (_, secret) = house.key(&admin, &system);
    (house, admin, secret)
}

fn key_on_record(house: &House, token: &str) -> Value {
    house.get(token, &format!("/api/v1/sources/{SOURCE}")).ok().json()["key"].clone()
}

/// Requirement: W07. The first signature says which key the source has; from then on no other key and no missing signature passes, whoever has the API key.
#[test]
fn the_api_key_alone_does_not_speak_for_a_source_that_signs() {
    let (house, admin, secret) = house();
    house.post(&secret, PATH, &unsigned(1)).ok();
    assert_eq!(key_on_record(&house, &admin), Value::Null, "a source without a key has one");
    house.post(&secret, PATH, &signed(2, &key(1))).ok();
    let known = key_on_record(&house, &admin);
    assert_eq!(known["public_key"], json!(public(&key(1))), "{known}");
    assert_eq!(known["id"], json!(KeyInfo::of(key(1).public()).key_id.to_hex()), "{known}");

    let size = house.ledger.reader().size();
    let told = house.post(&secret, PATH, &unsigned(3)).refused(403, "heartbeat_unsigned").json();
    assert_eq!(told["pointer"], "/heartbeat/signed", "{told}");
    house.post(&secret, PATH, &signed(3, &key(2))).refused(403, "heartbeat_unsigned");
    let mut other_counts = signed(3, &key(1));
    other_counts["heartbeat"]["interval_s"] = json!(61);
    house.post(&secret, PATH, &other_counts).refused(403, "heartbeat_unsigned");
    let mut of_another_beat = signed(2, &key(1));
    of_another_beat["heartbeat"]["beat"] = json!(3);
    house.post(&secret, PATH, &of_another_beat).refused(403, "heartbeat_unsigned");
    let with_a_record = json!({"epoch": 3, "heartbeat": unsigned(3)["heartbeat"],
        "records": [{"seq": 1, "record": {"kind": "event", "event": {"name": "x", "fields": {}}}}]});
    house.post(&secret, PATH, &with_a_record).refused(403, "heartbeat_unsigned");
    assert_eq!(house.ledger.reader().size(), size, "something of a refused delivery was recorded");
    house.post(&secret, PATH, &signed(3, &key(1))).ok();
    for (member, value) in
        [("public_key", json!("A".repeat(44))), ("signature", json!("A".repeat(88))), ("at", json!("now"))]
    {
        let mut bad = signed(4, &key(1));
        bad["heartbeat"]["signed"][member] = value;
        house.post(&secret, PATH, &bad).refused(400, "malformed");
    }
    let rebuilt = tempfile::tempdir().expect("a directory");
    let digests = Views::rebuild(rebuilt.path(), house.ledger.reader()).expect("a rebuild");
    assert_eq!(
        digests.after,
        house.desk.views().digest().expect("a digest"),
        "the key on record is not what the log says"
    );
}

/// Requirement: W07. Another key takes a person with the right to change keys; the API key is not enough, and the log says who did it.
#[test]
fn a_person_puts_another_key_in_the_place_of_a_sources_key() {
    let (house, admin, secret) = house();
    let new =
        json!({"public_key": public(&key(2)), "reason": "its machine was lost; read out by its operator"});
    house.post(&admin, KEY, &new).refused(404, "not_found");
    house.post(&secret, PATH, &signed(1, &key(1))).ok();
    house.post(&secret, KEY, &new).refused(403, "not_permitted");
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    house.post(&auditor, KEY, &new).refused(403, "not_permitted");
    let (_, stranger) = house.person("Dev", &[Role::Developer]);
    house.post(&stranger, KEY, &new).refused(404, "not_found");
    house.post(&admin, KEY, &json!({"public_key": "AAAA", "reason": "x"})).refused(400, "malformed");

    let once =
        |key: &str| house.ask("POST", KEY).bearer(&admin).header("idempotency-key", key).json(&new).send();
    assert_eq!(once("a").ok().json()["key"]["public_key"], json!(public(&key(2))));
    let size = house.ledger.reader().size();
    once("a").ok();
    assert_eq!(house.ledger.reader().size(), size, "the same request was recorded twice");
    once("b").refused(409, "already_so");
    house.post(&secret, PATH, &signed(2, &key(1))).refused(403, "heartbeat_unsigned");
    let size = house.ledger.reader().size();
    house.post(&secret, PATH, &signed(1, &key(1))).ok();
    assert_eq!(
        house.ledger.reader().size(),
        size,
        "a heartbeat of before, sent once more, is recorded twice"
    );
    house.post(&secret, PATH, &unsigned(1)).refused(409, "idempotency_conflict");
    let index =
        house.post(&secret, PATH, &signed(2, &key(2))).ok().json()["size"].as_u64().expect("a size") - 2;
    let receipt = house.get(&admin, &format!("/api/v1/entries/{index}/receipt")).ok();
    let report = verify(&receipt.body, Some(&house.trust()));
    let check = report.check("source signature").expect("the receipt of a heartbeat");
    assert_eq!((check.outcome, report.exit_code()), (Outcome::Holds, 0), "{}", report.to_text());
    assert!(check.detail.contains(&KeyInfo::of(key(2).public()).key_id.to_hex()), "{}", check.detail);
}

/// Requirement: W07. Whoever has the API key alone cannot call lost what the source has yet to send, and its records would show that it had sent.
#[test]
fn losses_above_what_a_source_signed_for_are_refused() {
    let (house, admin, secret) = house();
    house.post(&secret, PATH, &signed(1, &key(1))).ok();
    house.post(&secret, PATH, &records(&[1])).ok();
    let size = house.ledger.reader().size();
    let told = house.post(&secret, PATH, &losses(2, 9_007_199_254_740_991)).refused(409, "conflict").json();
    assert_eq!(told["pointer"], "/lost/0", "the client cannot tell what to do: {told}");
    let mut beyond = counting((2, 1, 1, false), &key(1));
    beyond["lost"] = losses(2, 3)["lost"].clone();
    house.post(&secret, PATH, &beyond).refused(409, "conflict");
    assert_eq!(house.ledger.reader().size(), size, "something of a refused delivery was recorded");

    // What the source signs for in the same delivery, or signed for before, is taken.
    let mut within = counting((2, 1, 1, false), &key(1));
    within["lost"] = losses(2, 2)["lost"].clone();
    house.post(&secret, PATH, &within).ok();
    house.post(&secret, PATH, &losses(2, 2)).ok();
    let (state, epoch) = standing(&house, &admin);
    assert_eq!(
        (state.as_str(), &epoch["lost"], &epoch["missing"]),
        ("complete", &json!(1), &json!(0)),
        "{epoch}"
    );
    house.post(&secret, PATH, &losses(3, 3)).refused(409, "conflict");
    house.post(&secret, PATH, &counting((3, 1, 1, true), &key(1))).ok();
    house.post(&secret, PATH, &losses(3, 3)).refused(409, "conflict");
}

/// Requirement: W07, A06. Losses declared under the API key do not overrule the count that the source signed: the log names them as missing until they come.
#[test]
fn losses_that_a_signed_count_does_not_know_are_a_gap() {
    let (house, admin, secret) = house();
    house.post(&secret, PATH, &records(&[1])).ok();
    // The source has no key yet, so nobody can tell whose word this is.
    house.post(&secret, PATH, &losses(2, 5)).ok();
    house.post(&secret, PATH, &counting((1, 3, 1, false), &key(1))).ok();
    let (state, epoch) = standing(&house, &admin);
    assert_eq!(
        (state.as_str(), &epoch["lost"]),
        ("gap", &json!(1)),
        "declared losses pass for the source's word: {epoch}"
    );
    let gap = &epoch["gaps"][0];
    assert_eq!((&gap["first"], &gap["last"], &gap["named"]), (&json!(2), &json!(4), &json!(true)), "{epoch}");
    assert_eq!(types(&house, "gap.found"), 1, "the log does not say that the source counted otherwise");
    assert_eq!(house.desk.name_gaps().expect("a look"), 0, "it is said twice");

    house.post(&secret, PATH, &records(&[2, 4])).ok();
    let (state, epoch) = standing(&house, &admin);
    assert_eq!(
        (state.as_str(), &epoch["lost"]),
        ("complete", &json!(2)),
        "as many are lost as the source signed: {epoch}"
    );
    assert_eq!(types(&house, "gap.filled"), 1, "the log does not say that they came after all");
    // Its last word: it lost nothing. Number 3 and 5 are declared lost all the same.
    house.post(&secret, PATH, &counting((2, 5, 0, true), &key(1))).ok();
    let (state, epoch) = standing(&house, &admin);
    assert_eq!(
        (state.as_str(), &epoch["missing"], &epoch["closed"]),
        ("gap", &json!(2), &json!(true)),
        "{epoch}"
    );
    let rebuilt = tempfile::tempdir().expect("a directory");
    let digests = Views::rebuild(rebuilt.path(), house.ledger.reader()).expect("a rebuild");
    assert_eq!(
        digests.after,
        house.desk.views().digest().expect("a digest"),
        "what is known of the count is not what the log says"
    );
}
