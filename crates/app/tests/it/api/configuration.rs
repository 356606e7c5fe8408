//! What starts change of safeguards: on record rule by rule, with who and why, or that nobody said.

use serde_json::{Value, json};
use tabellion_app::work::configuration::Started;
use tabellion_ledger::{Draft, ErasureTarget};
use tabellion_model::body::{Body as _, ConfigLoaded, Role};

use super::house::House;

const PATH: &str = "/api/v1/configuration-changes";

impl House {
    /// A start under these settings; whether it changed a safeguard.
    pub(crate) fn starts_under(&self, settings: &Value, reason: Option<&str>) -> bool {
        let settings = settings.to_string();
        let body =
            ConfigLoaded { digest: "0".repeat(64), settings: settings.clone(), version: "1.0.0".to_owned() };
        let mut draft = Draft::new(ConfigLoaded::TYPE);
        draft.body = body.fields().expect("fields");
        self.ledger.append(&draft).expect("a record");
        let started = Started {
            settings,
            account: "notary".to_owned(),
            version: "1.0.0".to_owned(),
            reason: reason.map(str::to_owned),
        };
        self.desk.note_safeguards(&started).expect("a start")
    }
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
