//! What starts change of safeguards: on record rule by rule, with who and why, or that nobody said.

use serde_json::{Value, json};
use tabellion_app::work::configuration::{Changed, Started};
use tabellion_ledger::{Draft, ErasureTarget};
use tabellion_model::body::{Body as _, ConfigLoaded, Role};

use super::house::House;

const PATH: &str = "/api/v1/configuration-changes";

impl House {
    /// A start under these settings; whether they are others than those that held before.
    pub(crate) fn starts_under(&self, settings: &Value, reason: Option<&str>) -> bool {
        self.takes(settings, reason) == Changed::Differs
    }

    /// A start under these settings, and what it changed.
    fn takes(&self, settings: &Value, reason: Option<&str>) -> Changed {
        let started = Started {
            settings: settings.to_string(),
            account: "notary".to_owned(),
            version: "1.0.0".to_owned(),
            reason: reason.map(str::to_owned),
        };
        self.desk.take_settings(&loaded(settings), &started).expect("a start")
    }
}

/// The record of these settings being taken.
fn loaded(settings: &Value) -> Draft {
    let (digest, settings) = ("0".repeat(64), settings.to_string());
    let body = ConfigLoaded { digest, settings, version: "1.0.0".to_owned() };
    let mut draft = Draft::new(ConfigLoaded::TYPE);
    draft.body = body.fields().expect("fields");
    draft
}

/// Settings with one guard over these words.
pub(crate) fn with_words(words: &[&str]) -> Value {
    json!({"limits": {"body_bytes": 1}, "guard": [{"name": "arms", "kind": "words", "mode": "block", "words": words}]})
}

/// Requirement: P13, N16. A weaker guard is on record with what went, before anything is let through; silence is *not given* until somebody who may says why.
#[test]
fn a_start_that_weakens_a_guard_is_on_record_until_somebody_says_why() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, dev) = house.person("Dee", &[Role::Developer]);
    assert!(
        !house.starts_under(&json!({"limits": {"body_bytes": 1}}), None),
        "a first start without any is none"
    );
    assert!(house.starts_under(&with_words(&["gun", "bomb"]), Some("the board asked for it")));
    assert!(!house.starts_under(&with_words(&["gun", "bomb"]), None), "each start would be a change");
    assert!(house.starts_under(&with_words(&["gun"]), None));
    assert_eq!(house.count_of("configuration.changed"), 2);
    let listed = house.get(&ada, PATH).ok().json();
    let (weaker, added) = (&listed["changes"][0], &listed["changes"][1]);
    assert_eq!((&added["reason"], &added["unexplained"]), (&json!("the board asked for it"), &json!(false)));
    assert_eq!(added["sections"][0]["turn"], "added", "{added}");
    assert_eq!((&weaker["reason"], &weaker["unexplained"]), (&Value::Null, &json!(true)), "{weaker}");
    assert_eq!(weaker["account"], "notary", "nobody sees who ran it");
    assert_eq!(weaker["before"], added["after"], "the two do not follow one another: {listed}");
    let section = json!({"section": "guard.arms", "turn": "changed",
        "members": [{"member": "words", "before": "[\"bomb\"]", "after": null}]});
    assert_eq!(weaker["sections"], json!([section]), "nobody sees what the guard lets through now");
    // Everybody sees that it was changed; settings are for whoever reads entries.
    let seen = house.get(&dev, PATH).ok().json();
    assert_eq!(seen["changes"][0]["withheld"], true, "{seen}");
    assert!(!seen.to_string().contains("bomb"), "a developer reads the guard's words: {seen}");
    let path = format!("{PATH}/{}/explain", weaker["id"].as_str().expect("an id"));
    let why = json!({"reason": "the word hit recipes for bath bombs"});
    house.post(&dev, &path, &why).refused(403, "not_permitted");
    let explained = house.post(&ada, &path, &why).ok().json();
    let explained = &explained["result"];
    assert_eq!(explained["explained"]["by"], json!(ada_id), "{explained}");
    assert_eq!(
        (&explained["explained"]["reason"], &explained["unexplained"]),
        (&why["reason"], &json!(false))
    );
    assert_eq!(explained["reason"], Value::Null, "what was said later passes for what was said at the start");
    assert_eq!(house.count_of("configuration.explained"), 1);
}

/// Requirement: P13. Where what held before is erased, that is said; nothing is invented, and the next change is told from there.
#[test]
fn what_held_before_an_erasure_is_not_known_and_no_change_is_invented() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    house.starts_under(&json!({}), None);
    house.starts_under(&with_words(&["gun"]), Some("first"));
    let newest =
        house.get(&ada, PATH).ok().json()["changes"][0]["recorded"]["index"].as_u64().expect("an entry");
    house.ledger.erase(&ErasureTarget::Record(newest), "a name stood in it").expect("an erasure");
    // The settings of the start before are still there, and say what held.
    assert!(house.starts_under(&with_words(&["gun", "knife"]), None));
    let listed = house.get(&ada, PATH).ok().json();
    assert_eq!(listed["changes"][0]["sections"][0]["members"][0]["after"], "[\"knife\"]", "{listed}");
    let erased = &listed["changes"][1];
    assert_eq!((&erased["after"], &erased["sections"]), (&Value::Null, &json!([])), "{erased}");
    assert_eq!(erased["unexplained"], false, "somebody is asked about what nobody can read");
    assert!(!house.starts_under(&with_words(&["gun", "knife"]), None));
}

/// Requirement: P13. A start that ended before it put on record what it changed never served: what held before is what the start before it brought, also where the
/// newest change cannot be read any more.
#[test]
fn a_start_that_ended_before_it_served_is_not_what_held_before() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    house.starts_under(&json!({}), None);
    assert!(house.starts_under(&with_words(&["gun", "bomb"]), Some("first")));
    let change = house.get(&ada, PATH).ok().json()["changes"][0]["recorded"]["index"].as_u64();
    house.ledger.erase(&ErasureTarget::Record(change.expect("an entry")), "a name").expect("an erasure");
    // Killed between the two records, as a program of before could be.
    house.ledger.append(&loaded(&with_words(&["gun"]))).expect("a record");
    assert!(house.starts_under(&with_words(&["gun"]), None), "nobody sees that a word is gone");
    let newest = house.get(&ada, PATH).ok().json()["changes"][0].clone();
    assert_eq!(newest["sections"][0]["members"][0]["before"], "[\"bomb\"]", "{newest}");
    assert_eq!(newest["unexplained"], true, "{newest}");
}

/// Requirement: P13. Safeguards that are too long for a change's record are compared with the settings that the change's own start took.
#[test]
fn settings_too_long_for_a_change_are_found_where_they_were_taken() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let long = "x".repeat(300 << 10);
    house.starts_under(&json!({}), None);
    assert!(house.starts_under(&with_words(&["gun", long.as_str()]), Some("first")));
    house.ledger.append(&loaded(&with_words(&[long.as_str()]))).expect("a record");
    assert!(house.starts_under(&with_words(&[long.as_str()]), None), "nobody sees that a word is gone");
    let newest = house.get(&ada, PATH).ok().json()["changes"][0].clone();
    assert_eq!(newest["sections"][0]["members"][0]["before"], "[\"gun\"]", "{newest}");
}

/// Requirement: P13. Where no change is on record, settings that a start took do not vouch that it served.
#[test]
fn a_log_without_a_change_on_record_gets_one_by_its_next_start() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    house.ledger.append(&loaded(&with_words(&["gun"]))).expect("a record");
    assert_eq!(house.takes(&with_words(&["gun"]), None), Changed::First, "nothing says under what it serves");
    let newest = house.get(&ada, PATH).ok().json()["changes"][0].clone();
    assert_eq!((&newest["first"], &newest["unexplained"]), (&json!(true), &json!(false)), "{newest}");
    assert_eq!(newest["sections"][0]["turn"], "added", "{newest}");
    assert_eq!(house.takes(&with_words(&["gun"]), None), Changed::Nothing, "each start would be the first");
}

/// Requirement: P13. What a start takes and what that changes are one write: both are there or neither.
#[test]
fn settings_and_what_they_change_are_recorded_together() {
    let house = House::new();
    house.starts_under(&with_words(&["gun", "bomb"]), None);
    assert!(house.starts_under(&with_words(&["gun"]), None));
    let reader = house.ledger.reader();
    let types = |first: u64, size: u64| -> Vec<String> {
        let entries = (first..size).map(|index| reader.entry(index).expect("an entry").entry);
        entries.filter_map(|entry| Some(entry.header()?.record_type.as_str().to_owned())).collect()
    };
    let commits = reader.commits().expect("commits");
    let together = |first: u64, size: u64| {
        let types = types(first, size);
        ["config.loaded", "configuration.changed"].iter().all(|name| types.iter().any(|one| one == name))
    };
    let count = commits.iter().filter(|commit| together(commit.first, commit.size)).count();
    assert_eq!(count, 2, "a start that ends between the two changes a guard without a word");
}

/// Requirement: P13. Whoever may not read settings cannot find them by trying what their digest may be of either.
#[test]
fn digests_of_settings_are_for_whoever_reads_settings() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, dev) = house.person("Dee", &[Role::Developer]);
    house.starts_under(&with_words(&["gun", "bomb"]), None);
    house.starts_under(&with_words(&["gun"]), None);
    let seen = house.get(&ada, PATH).ok().json()["changes"][0].clone();
    let after = seen["after"].as_str().expect("who reads entries sees the digest").to_owned();
    let seen = house.get(&dev, PATH).ok().json();
    let change = &seen["changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&Value::Null, &Value::Null), "{change}");
    assert!(!seen.to_string().contains(&after), "the settings can be guessed: {seen}");
}
