//! Applications that count what they send: nothing of it is left out unseen.

use serde_json::{Value, json};
use tabellion_app::work::sources::MAX_GAPS_NAMED;
use tabellion_ledger::{Clock as _, Draft};
use tabellion_model::body::Role;
use tabellion_model::registry::{Facts, Heartbeat, SourceLife};
use tabellion_model::{Micros, ProducerId, SourceNumber, to_jcs};
use tabellion_tlog::{leaf_hash, root_of, sha256};
use tabellion_views::Views;

use super::client::Answer;
use super::house::House;
use crate::fixture::text;

const SOURCE: &str = "5050505050505050505050505050505a";
const PATH: &str = "/api/v1/sources/5050505050505050505050505050505a/deliveries";

/// A house with a source: its key, somebody who may read everything, and its system.
fn house_with_source() -> (House, String, String, String) {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (_, secret) = house.key(&admin, &system);
    (house, secret, admin, system)
}

fn event(seq: u64) -> Value {
    json!({"seq": seq, "captured_at": 1_772_000_000_000_000_u64 + seq,
        "record": {"kind": "event", "event": {"name": "loan.decided", "fields": {"number": seq}}}})
}

fn deliver(house: &House, secret: &str, epoch: u64, numbers: &[u64]) -> Answer {
    let records: Vec<Value> = numbers.iter().map(|seq| event(*seq)).collect();
    house.post(secret, PATH, &json!({"epoch": epoch, "records": records}))
}

fn beat(last_seq: u64, sent: u64, spooled: u64) -> Value {
    json!({"beat": last_seq + 1, "last_seq": last_seq, "sent": sent, "sampled": 0, "lost": last_seq - sent - spooled, "spooled": spooled,
        "interval_s": 60, "closed": false})
}

fn later(house: &House, seconds: u64) {
    house.clock.set(Micros(house.clock.now().0 + seconds * 1_000_000));
}

/// How the source stands.
fn standing(house: &House, token: &str) -> (String, Value) {
    let source = house.get(token, &format!("/api/v1/sources/{SOURCE}")).ok().json();
    (source["state"].as_str().unwrap_or_default().to_owned(), source["epochs"][0].clone())
}

/// Records of a type in the log.
fn types(house: &House, wanted: &str) -> usize {
    let reader = house.ledger.reader();
    let headers = (0..reader.size()).filter_map(|index| reader.entry(index).ok()?.entry.header().cloned());
    headers.filter(|header| header.record_type.as_str() == wanted).count()
}

/// Requirement: A06, W07, P14. Rebuilt from the log, everything is as it was; a number that jumps is named.
#[test]
fn a_source_is_complete_up_to_a_number_or_what_is_missing_is_named() {
    let (house, secret, admin, _) = house_with_source();
    let made = deliver(&house, &secret, 3, &[1, 2, 3]).ok().json();
    assert_eq!(made["records"][2]["seq"], 3, "{made}");
    let entry = house.get(&admin, &format!("/api/v1/entries/{}", made["records"][0]["index"])).ok().json();
    assert_eq!(entry["units"][0]["fields"]["event"]["number"], 1, "the content is not kept: {entry}");
    let (state, epoch) = standing(&house, &secret);
    assert_eq!(
        (state.as_str(), &epoch["complete_through"]),
        ("unknown", &json!(3)),
        "without a heartbeat the end is not known: {epoch}"
    );

    house.post(&secret, PATH, &json!({"epoch": 3, "heartbeat": beat(3, 3, 0)})).ok();
    assert_eq!(standing(&house, &secret).0, "complete");

    // 4 and 5 are overtaken: within the grace that is known, after it the log says so.
    deliver(&house, &secret, 3, &[6]).ok();
    assert_eq!(house.desk.name_gaps().expect("a look"), 0, "a retry of seconds would be called a gap");
    let (state, epoch) = standing(&house, &secret);
    assert_eq!(
        (state.as_str(), &epoch["gaps"][0]["first"], &epoch["gaps"][0]["last"]),
        ("gap", &json!(4), &json!(5)),
        "{epoch}"
    );
    assert_eq!(epoch["gaps"][0]["named"], false);
    later(&house, 61);
    assert_eq!(house.desk.name_gaps().expect("a look"), 1, "the log does not say what is missing");
    assert_eq!(house.desk.name_gaps().expect("a look"), 0, "it is said twice");
    assert_eq!(
        (types(&house, "gap.found"), &standing(&house, &secret).1["gaps"][0]["named"]),
        (1, &json!(true))
    );

    // What comes late is taken, and that is said too.
    deliver(&house, &secret, 3, &[4]).ok();
    assert_eq!(types(&house, "gap.filled"), 0, "half of it is called all of it");
    deliver(&house, &secret, 3, &[5]).ok();
    assert_eq!(types(&house, "gap.filled"), 1, "the log does not say that it came after all");
    let (state, epoch) = standing(&house, &secret);
    assert_eq!(
        (state.as_str(), &epoch["complete_through"], &epoch["missing"]),
        ("complete", &json!(6), &json!(0)),
        "{epoch}"
    );

    let rebuilt = tempfile::tempdir().expect("a directory");
    let digests = Views::rebuild(rebuilt.path(), house.ledger.reader()).expect("a rebuild");
    assert_eq!(
        digests.after,
        house.desk.views().digest().expect("a digest"),
        "what is known of sources is not what the log says"
    );
}

/// Requirement: W07, B01. Who reads only the report of a package sees which numbers of a source are not there.
#[test]
fn the_report_of_a_package_has_a_table_of_sources_with_what_is_missing() {
    let (house, secret, ..) = house_with_source();
    deliver(&house, &secret, 3, &[1, 2, 4]).ok();
    deliver(&house, &secret, 4, &[1, 2]).ok();
    let mut closed = beat(2, 2, 0);
    closed["closed"] = json!(true);
    house.post(&secret, PATH, &json!({"epoch": 4, "heartbeat": closed})).ok();
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let built = house.post(&auditor, "/api/v1/packages", &json!({"disclose": "none"})).ok();
    let page = text(&built.body, "report.html");
    let (_, table) =
        page.split_once("<caption>Numbers per source and epoch</caption>").expect("a table of sources");
    let (table, _) = table.split_once("</table>").expect("its end");
    assert_eq!(table.matches(SOURCE).count(), 2, "an epoch of the source is not in the table: {table}");
    for words in ["1–4, 1 missing: 3, unknown after 4", "1–2, complete, closed"] {
        assert!(table.contains(words), "the table does not say {words:?}: {table}");
    }
    assert!(page.contains("2 epochs of sources: 1 numbers are missing"), "the sentence above says otherwise");
}

/// Requirement: W07
#[test]
fn losses_are_declared_and_a_heartbeat_that_claims_too_much_opens_a_gap() {
    let (house, secret, ..) = house_with_source();
    deliver(&house, &secret, 3, &[1, 2]).ok();
    let lost = json!({"epoch": 3, "lost": [{"first": 3, "last": 5, "reason": "spool_full"}], "heartbeat": beat(6, 2, 1)});
    house.post(&secret, PATH, &lost).ok();
    let (state, epoch) = standing(&house, &secret);
    assert_eq!(
        (state.as_str(), &epoch["lost"], &epoch["stated"]["spooled"]),
        ("complete", &json!(3), &json!(1)),
        "{epoch}"
    );
    assert_eq!(types(&house, "gap.declared"), 1);
    // It says that 6 and 7 were acknowledged; they were not, as after a log that was put back to an earlier state.
    house.post(&secret, PATH, &json!({"epoch": 3, "heartbeat": beat(7, 4, 0)})).ok();
    assert_eq!(types(&house, "gap.found"), 1, "acknowledged records are gone and the log says nothing");
    let (state, epoch) = standing(&house, &secret);
    assert_eq!(
        (state.as_str(), &epoch["gaps"][0]["first"], &epoch["gaps"][0]["last"]),
        ("gap", &json!(6), &json!(7)),
        "{epoch}"
    );
    let wrong = json!({"epoch": 3, "heartbeat": {"beat": 9, "last_seq": 9, "sent": 1, "sampled": 0, "lost": 0, "spooled": 0, "interval_s": 60, "closed": false}});
    house.post(&secret, PATH, &wrong).refused(400, "malformed");
}

#[test]
fn a_source_that_goes_silent_is_named_in_its_list_and_in_a_number() {
    let (house, secret, admin, _) = house_with_source();
    deliver(&house, &secret, 3, &[1]).ok();
    house.post(&secret, PATH, &json!({"epoch": 3, "heartbeat": beat(2, 1, 1)})).ok();
    later(&house, 100);
    assert_eq!(standing(&house, &secret).0, "complete", "one late heartbeat is called silence");
    later(&house, 30);
    let listed = house.get(&admin, "/api/v1/sources").ok().json();
    let words = listed["sources"][0]["words"].as_str().unwrap_or_default().to_owned();
    assert_eq!(listed["sources"][0]["state"], "silent", "{listed}");
    assert!(words.contains("1 more had been counted"), "what it kept to itself is not told: {words}");
    let numbers = house.get(&admin, "/metrics").ok().text();
    assert!(numbers.contains("tabellion_sources_silent 1"), "nobody would be woken: {numbers}");
    house.get(&admin, "/readyz").ok();
}

/// Requirement: P03
#[test]
fn a_wrong_batch_root_leaves_nothing_behind() {
    let (house, secret, ..) = house_with_source();
    let records: Vec<Value> = (1..=3).map(event).collect();
    let leaves = records.iter().map(|record| leaf_hash(&sha256(&to_jcs(record).expect("JSON")).0));
    let root = root_of(leaves.collect::<Vec<_>>()).to_hex();
    let size = house.ledger.reader().size();
    let wrong = json!({"epoch": 3, "records": records, "batch_root": "0".repeat(64)});
    house.post(&secret, PATH, &wrong).refused(422, "digest_mismatch");
    let other = json!({"epoch": 3, "records": [records[0], records[1]], "batch_root": root});
    house.post(&secret, PATH, &other).refused(422, "digest_mismatch");
    assert_eq!(house.ledger.reader().size(), size, "a part of a batch was recorded");
    house.post(&secret, PATH, &json!({"epoch": 3, "records": records, "batch_root": root})).ok();
}

#[test]
fn repeats_are_answered_with_the_first_record_and_nothing_is_recorded_twice() {
    let (house, secret, admin, system) = house_with_source();
    let first = deliver(&house, &secret, 3, &[1, 2]).ok().json();
    let size = house.ledger.reader().size();
    let again = deliver(&house, &secret, 3, &[1, 2]).ok().json();
    assert_eq!(house.ledger.reader().size(), size, "a repeat was recorded");
    assert_eq!(
        (&again["records"][0]["index"], &again["records"][0]["repeated"]),
        (&first["records"][0]["index"], &json!(true))
    );
    let mixed = deliver(&house, &secret, 3, &[2, 3]).ok().json();
    assert_eq!(
        (&mixed["records"][0]["repeated"], &mixed["records"][1]["repeated"]),
        (&json!(true), &json!(false)),
        "{mixed}"
    );
    let mut other = event(1);
    other["record"]["event"]["name"] = json!("loan.granted");
    house.post(&secret, PATH, &json!({"epoch": 3, "records": [other]})).refused(409, "idempotency_conflict");
    // Another key of the same system goes on where the first one left off; another system's does not.
    let (_, newer) = house.key(&admin, &system);
    let under_another_key = deliver(&house, &newer, 3, &[1]).ok().json();
    assert_eq!(
        under_another_key["records"][0]["repeated"], true,
        "a rotated key makes a repeat a new record"
    );
    let other_system = house.live_system(&admin, "Other");
    let (_, stranger) = house.key(&admin, &other_system);
    deliver(&house, &stranger, 3, &[4]).refused(403, "not_permitted");
    house.get(&stranger, &format!("/api/v1/sources/{SOURCE}")).refused(404, "not_found");
}

/// Requirement: P14. Sampled content, never sampled counts: only a commitment of 32 bytes comes here.
#[test]
fn a_sampled_event_is_counted_and_committed_to() {
    let (house, secret, admin, _) = house_with_source();
    let commitment = sha256(b"salted").to_hex();
    let sampled = json!({"seq": 1, "commitment": {"sha256": commitment, "withheld": "sampled"}});
    let made = house.post(&secret, PATH, &json!({"epoch": 3, "records": [sampled, event(2)]})).ok().json();
    let (_, epoch) = standing(&house, &secret);
    assert_eq!(
        (&epoch["records"], &epoch["sampled"]),
        (&json!(2), &json!(1)),
        "sampling changed the count: {epoch}"
    );
    let entry = house.get(&admin, &format!("/api/v1/entries/{}", made["records"][0]["index"])).ok().json();
    let fields = &entry["units"][0]["fields"];
    assert_eq!(
        (&fields["commitment"], &fields["content_withheld"]),
        (&json!(commitment), &json!("sampled")),
        "{entry}"
    );
    let both = json!({"seq": 3, "commitment": {"sha256": commitment, "withheld": "sampled"}, "record": event(3)["record"]});
    house.post(&secret, PATH, &json!({"epoch": 3, "records": [both]})).refused(400, "malformed");
}

#[test]
fn what_contradicts_itself_is_refused_whole() {
    let (house, secret, ..) = house_with_source();
    let size = house.ledger.reader().size();
    for bad in [
        json!({"epoch": 3}),
        json!({"epoch": 0, "records": [event(1)]}),
        json!({"epoch": 3, "records": [event(2), event(1)]}),
        json!({"epoch": 3, "records": [event(1), event(1)]}),
        json!({"epoch": 3, "lost": [{"first": 3, "last": 2, "reason": "other"}]}),
        json!({"epoch": 3, "records": [event(1), {"seq": 2, "record": {"kind": "event"}}]}),
        json!({"epoch": 3, "records": [{"seq": 1, "record": {"kind": "event", "system": "0".repeat(32), "event": {"name": "x", "fields": {}}}}]}),
        json!({"epoch": 3, "records": [{"seq": 9_007_199_254_740_992_u64, "record": event(1)["record"]}]}),
        json!({"epoch": 3, "records": (1..=33).map(event).collect::<Vec<_>>()}),
    ] {
        house.post(&secret, PATH, &bad).refused(400, "malformed");
    }
    assert_eq!(house.ledger.reader().size(), size, "a part of a refused delivery was recorded");
    // An epoch that its source closed stays closed.
    deliver(&house, &secret, 3, &[1]).ok();
    let mut end = beat(1, 1, 0);
    end["closed"] = json!(true);
    house.post(&secret, PATH, &json!({"epoch": 3, "heartbeat": end})).ok();
    deliver(&house, &secret, 3, &[2]).refused(409, "conflict");
    deliver(&house, &secret, 4, &[1]).ok();
}

/// Records of a source, put into the log as a delivery would have been.
fn log_numbers(house: &House, producer: ProducerId, numbers: &[(u64, u64)]) {
    let draft = |(epoch, seq): &(u64, u64)| {
        let number = SourceNumber { life: SourceLife { producer, epoch: *epoch }, seq: *seq, withheld: None };
        let mut draft = Draft::new("event.captured").with("name", "x");
        draft.clear = number.to_clear();
        draft
    };
    for part in numbers.chunks(100) {
        house.ledger.append_all(&part.iter().map(draft).collect::<Vec<_>>()).expect("an append");
    }
}

fn log_end(house: &House, producer: ProducerId, epochs: std::ops::Range<u64>) {
    let draft = |epoch| {
        let life = SourceLife { producer, epoch };
        let beat = Heartbeat {
            life,
            beat: 1,
            last_seq: 1,
            sent: 1,
            sampled: 0,
            lost: 0,
            spooled: 0,
            interval_s: 60,
            closed: true,
            signed: None,
        };
        let mut draft = Draft::new("source.heartbeat");
        draft.clear = Facts::SourceHeartbeat(beat).to_clear().expect("a heartbeat is in clear");
        draft
    };
    let drafts: Vec<Draft> = epochs.map(draft).collect();
    for part in drafts.chunks(100) {
        house.ledger.append_all(part).expect("an append");
    }
}

/// Requirement: W07
#[test]
fn a_source_with_many_holes_keeps_no_gap_of_another_unnamed() {
    let house = House::new();
    let (quiet, busy) = (ProducerId::from_bytes([1; 16]), ProducerId::from_bytes([2; 16]));
    log_numbers(&house, quiet, &[(1, 2)]);
    log_numbers(&house, busy, &(1..=300).map(|epoch| (epoch, 2)).collect::<Vec<_>>());
    later(&house, 61);
    let named = house.desk.name_gaps().expect("a look") + house.desk.name_gaps().expect("a second look");
    assert_eq!(named, 301, "gaps stay unnamed behind those of a busy source");
    assert_eq!(house.desk.name_gaps().expect("a look"), 0, "they are said twice");
}

/// Requirement: W07
#[test]
fn one_heartbeat_causes_a_limited_number_of_records_and_the_rest_follows() {
    let (house, secret, ..) = house_with_source();
    let producer = ProducerId::from_hex(SOURCE).expect("an id");
    deliver(&house, &secret, 3, &[1]).ok();
    let odd: Vec<(u64, u64)> = (1..200).map(|number| (3, 2 * number + 1)).collect();
    log_numbers(&house, producer, &odd);
    let all = json!({"beat": 9, "last_seq": 399, "sent": 399, "sampled": 0, "lost": 0, "spooled": 0, "interval_s": 60, "closed": false});
    house.post(&secret, PATH, &json!({"epoch": 3, "heartbeat": all})).ok();
    assert_eq!(types(&house, "gap.found"), MAX_GAPS_NAMED, "one request fills the log");
    let looks: Vec<usize> = (0..4).map(|_| house.desk.name_gaps().expect("a look")).collect();
    assert_eq!(looks, [64, 64, 7, 0], "what one request may not cause is never said");
}

/// Requirement: W07
#[test]
fn a_gap_of_long_ago_is_a_gap_and_what_nobody_looked_at_is_not_called_complete() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let source = |producer: ProducerId| {
        house.get(&admin, &format!("/api/v1/sources/{}", producer.to_hex())).ok().json()
    };
    let first = ProducerId::from_bytes([1; 16]);
    log_numbers(&house, first, &[(1, 2)]);
    log_end(&house, first, 1..2);
    log_numbers(&house, first, &(2..=420).map(|epoch| (epoch, 1)).collect::<Vec<_>>());
    log_end(&house, first, 2..421);
    let seen = source(first);
    assert_eq!(seen["state"], "gap", "a gap of a year ago is called complete: {}", seen["words"]);
    let epochs = seen["epochs"].as_array().expect("epochs");
    let last = epochs.last().expect("an epoch");
    assert_eq!((&last["epoch"], &last["gaps"][0]["first"]), (&json!(1), &json!(1)), "{last}");
    assert_eq!((epochs.len(), &seen["epochs_settled"]), (401, &json!(19)), "{}", seen["words"]);

    // More epochs that may have something to say than are looked at: so it is said.
    let second = ProducerId::from_bytes([2; 16]);
    log_numbers(&house, second, &(1..=900).map(|epoch| (epoch, 1)).collect::<Vec<_>>());
    log_end(&house, second, 850..901);
    let seen = source(second);
    assert_eq!(seen["epochs_not_looked_at"], 100, "{}", seen["words"]);
    assert_ne!(seen["state"], "complete", "{}", seen["words"]);
}
