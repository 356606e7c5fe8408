//! What placeholders of a call stand for: shown once, to few, after the reason is on record; and nowhere else.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};
use tabellion_ledger::{Draft, ErasureTarget};
use tabellion_model::Receipt;
use tabellion_model::body::{Body as _, CallAuthorised, Role};
use tabellion_model::package::verify_package;
use tabellion_testkit::{Change, Fate};

use super::house::House;

pub(crate) const EMAIL: &str = "zebulon.quagmire@example.org";
const IBAN: &str = "DE89 3704 0044 0532 0130 00";
pub(crate) const OF_EMAIL: &str = "<EMAIL_7Q2K4F>";
const OF_IBAN: &str = "<IBAN_000000>";

/// Records a call as the gateway does under a rule with `keep = true`: entry and id.
pub(crate) fn kept_call(house: &House, system: &str, key: &str) -> (u64, String) {
    let body: CallAuthorised = serde_json::from_value(json!({
        "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
        "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
        "masking": ["desk@masking.1-abcd"], "pseudonyms": {"scope": "conversation", "given_back": false, "kept": 2},
        "rules": [], "retry": 0, "prompt": format!("mail {OF_EMAIL}, account {OF_IBAN}"),
    }))
    .expect("a body");
    let mut draft = Draft::new(CallAuthorised::TYPE);
    draft.body = body.fields().expect("fields");
    draft.actor = Some(key.to_owned());
    draft.assurance = Some("observed".to_owned());
    draft.system = Some(system.to_owned());
    draft.erasable_alone = true;
    let original = |placeholder: &str, class: &str, value: &str| json!({"placeholder": placeholder, "class": class, "value": value});
    let draft = draft.about(EMAIL, "original_email_7q2k4f", original(OF_EMAIL, "email", EMAIL)).about(
        "DE89370400440532013000",
        "original_iban_000000",
        original(OF_IBAN, "iban", IBAN),
    );
    let ack = house.ledger.append(&draft).expect("a record");
    (ack.index, ack.record_id.to_hex())
}

struct Scene {
    house: House,
    admin: String,
    officer: (String, String),
    system: String,
    secret: String,
    index: u64,
    call: String,
}

impl Scene {
    fn new() -> Self {
        Self::of(House::new())
    }

    fn of(house: House) -> Self {
        let (_, admin) = house.person("Ada", &[Role::Administrator]);
        let system = house.live_system(&admin, "Loan support");
        let (key, secret) = house.key(&admin, &system);
        let (index, call) = kept_call(&house, &system, &key);
        let officer = house.person("Cleo Marsh", &[Role::ComplianceOfficer]);
        Self { house, admin, officer, system, secret, index, call }
    }

    fn path(&self, last: &str) -> String {
        format!("/api/v1/calls/{}/{last}", self.call)
    }

    fn unmask(&self, body: &Value) -> super::client::Answer {
        self.house.post(&self.officer.1, &self.path("unmask"), body)
    }
}

fn has_value(text: &str) -> bool {
    text.contains("quagmire") || text.contains("3704 0044")
}

/// Requirement: G17. Who may, says why, and has that on record, sees it; the record names who, which call, which placeholders, and no value.
#[test]
fn a_value_is_shown_once_its_reason_is_on_record() {
    let scene = Scene::new();
    let house = &scene.house;
    let size = house.ledger.reader().size();
    let body = json!({"reason": "Complaint 2026-114", "placeholders": [OF_EMAIL]});
    let ask = || {
        house
            .ask("POST", &scene.path("unmask"))
            .bearer(&scene.officer.1)
            .header("idempotency-key", "one")
            .json(&body)
            .send()
    };
    let answer = ask().ok();
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let shown = answer.json();
    assert_eq!(
        shown["result"],
        json!({"values": [{"placeholder": OF_EMAIL, "class": "email", "value": EMAIL}], "erased": 0}),
        "more or less than was asked for: {shown}"
    );
    assert_eq!(shown["recorded"]["index"], json!(size), "it was shown before it was on record");
    let entry = house.get(&scene.admin, &format!("/api/v1/entries/{size}")).ok();
    let record = entry.json();
    assert_eq!(
        (record["type"].as_str(), record["actor"].as_str(), record["system"].as_str()),
        (Some("masking.unmasked"), Some(scene.officer.0.as_str()), Some(scene.system.as_str()))
    );
    assert_eq!(
        record["units"][0]["fields"],
        json!({"reason": "Complaint 2026-114", "placeholders": [OF_EMAIL]})
    );
    assert!(!has_value(&entry.text()), "the record of the unmasking holds what was unmasked");
    let recorded = house.ledger.reader().size();
    let again = ask().ok().json();
    assert_eq!(again["result"]["values"], Value::Null, "one record stands for two looks: {again}");
    assert_eq!(house.ledger.reader().size(), recorded, "one request is recorded twice");

    let all = scene.unmask(&json!({"reason": "Data subject access request"})).ok().json();
    assert_eq!(all["result"]["values"].as_array().map(Vec::len), Some(2), "{all}");
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let listed = house.get(&auditor, &scene.path("unmaskings")).ok();
    let list = listed.json();
    assert_eq!(list["unmaskings"][1]["reason"], "Complaint 2026-114", "{list}");
    assert_eq!(list["unmaskings"][0]["placeholders"], json!([OF_EMAIL, OF_IBAN]), "{list}");
    assert!(!has_value(&listed.text()));
}

/// Requirement: G17. The permission is one of its own: whoever runs, develops, owns or audits a system does not have it, nor does a key; and no reason is none.
#[test]
fn few_may_and_nobody_without_a_reason() {
    let scene = Scene::new();
    let house = &scene.house;
    let size = house.ledger.reader().size();
    let body = json!({"reason": "curious"});
    for role in Role::ALL.into_iter().filter(|role| *role != Role::ComplianceOfficer) {
        let (_, token) = house.person(role.as_str(), &[role]);
        let refused = house.post(&token, &scene.path("unmask"), &body).refused(403, "not_permitted");
        assert!(!has_value(&refused.text()));
    }
    house.post(&scene.secret, &scene.path("unmask"), &body).refused(403, "not_permitted");
    for (body, status, code) in [
        (json!({}), 400, "malformed"),
        (json!({"reason": ""}), 400, "malformed"),
        (json!({"reason": " \u{200b}"}), 400, "malformed"),
        (json!({"reason": "x", "placeholders": []}), 400, "malformed"),
        (json!({"reason": "x", "placeholders": ["<EMAIL_ZZZZZZ>"]}), 422, "unknown_reference"),
        (json!({"reason": "x", "placeholders": [OF_EMAIL, EMAIL]}), 422, "unknown_reference"),
    ] {
        let refused = scene.unmask(&body).refused(status, code);
        assert!(!has_value(&refused.json()["detail"].to_string()), "{body}: {}", refused.text());
    }
    let (key, _) = house.key(&scene.admin, &scene.system);
    let (plain, denied) = house.calls(&scene.system, &key);
    for call in [plain, denied] {
        let path = format!("/api/v1/calls/{call}/unmask");
        house.post(&scene.officer.1, &path, &body).refused(409, "already_so");
    }
    let read = house.ledger.reader();
    let unmasked = (size..read.size()).filter(|index| {
        let entry = read.entry(*index).expect("an entry");
        entry.entry.header().is_some_and(|header| header.record_type.as_str() == "masking.unmasked")
    });
    assert_eq!(unmasked.count(), 0, "a refusal is on record as an unmasking");
}

/// Requirement: G17. The values are in no answer but that of unmasking: not in the call, its entry, receipt or SD-JWT, nor in a package that shows everything else.
#[test]
fn the_values_leave_by_no_other_way() {
    let scene = Scene::new();
    let house = &scene.house;
    let (_, auditor) = house.person("Ida", &[Role::Auditor]);
    let entry = format!("/api/v1/entries/{}", scene.index);
    for token in [&auditor, &scene.officer.1] {
        house.post(token, &scene.path("viewings"), &json!({"reason": "the yearly audit"})).ok();
        let call = house.get(token, &format!("/api/v1/calls/{}", scene.call)).ok();
        assert!(call.text().contains(OF_EMAIL), "whoever may sees the prompt: {}", call.text());
        let read = house.get(token, &entry).ok();
        let states: Vec<Value> = read.json()["units"]
            .as_array()
            .expect("units")
            .iter()
            .map(|unit| unit["state"].clone())
            .collect();
        assert_eq!(states.iter().filter(|state| **state == json!("withheld")).count(), 2, "{states:?}");
        for text in [call.text(), read.text(), house.get(token, "/api/v1/entries").ok().text()] {
            assert!(!has_value(&text), "{text}");
        }
        let receipt = house.get(token, &format!("{entry}/receipt")).ok();
        let receipt = Receipt::parse(&receipt.body).expect("a receipt");
        for text in &receipt.disclosures {
            let shown = tabellion_model::Disclosure::parse(text).expect("its form");
            assert!(!shown.name().starts_with("original_"), "a receipt takes {} along", shown.name());
        }
        let named = format!("{entry}/sd-jwt?fields=original_email_7q2k4f");
        house.get(token, &named).refused(404, "not_found");
        let asked = json!({"system": scene.system, "disclose": "all"});
        let built = house.post(token, "/api/v1/packages", &asked).ok();
        assert_eq!(verify_package(&built.body, Some(&house.trust())).exit_code(), 0, "it does not verify");
        let seen = super::records::everything_readable(&built.body);
        assert!(seen.contains(OF_EMAIL), "a package of everything shows prompts");
        assert!(!has_value(&seen), "and what their placeholders stand for");
    }
}

/// Requirement: G17. What is erased is shown to nobody, and that is said: of one person, and of the call.
#[test]
fn erasure_ends_unmasking() {
    let scene = Scene::new();
    let erase = |target: ErasureTarget| scene.house.ledger.erase(&target, "asked for").expect("an erasure");
    erase(ErasureTarget::Subject(EMAIL.to_owned()));
    let left = scene.unmask(&json!({"reason": "a complaint"})).ok();
    assert_eq!(left.json()["result"]["erased"], 1, "{}", left.text());
    assert!(left.text().contains(IBAN) && !left.text().contains("quagmire"), "{}", left.text());
    let size = scene.house.ledger.reader().size();
    scene
        .unmask(&json!({"reason": "a complaint", "placeholders": [OF_EMAIL]}))
        .refused(422, "unknown_reference");
    erase(ErasureTarget::Record(scene.index));
    scene.unmask(&json!({"reason": "a complaint"})).refused(410, "content_erased");
    let after = scene.house.ledger.reader().size();
    let of_erasure = (size..after).filter(|index| {
        let entry = scene.house.ledger.reader().entry(*index).expect("an entry");
        entry.entry.header().is_some_and(|header| header.record_type.as_str() == "masking.unmasked")
    });
    assert_eq!(of_erasure.count(), 0, "a record says that something was shown that is gone");
    let (_, auditor) = scene.house.person("Ida", &[Role::Auditor]);
    let list = scene.house.get(&auditor, &scene.path("unmaskings")).ok().json();
    assert_eq!(list["unmaskings"][0]["reason"], "a complaint", "who asked before is forgotten with the call");
}

/// Requirement: G17. What could not be put on record is not shown.
#[test]
fn a_value_whose_reason_could_not_be_recorded_is_not_shown() {
    for (broken, kind) in [(Change::Write, io::ErrorKind::StorageFull), (Change::Sync, io::ErrorKind::Other)]
    {
        let fails = Arc::new(AtomicU8::new(0));
        let failing = Arc::clone(&fails);
        let scene = Scene::of(House::hooked(move |path, change| {
            if failing.load(Ordering::SeqCst) > 0 && change == broken && path.starts_with("log/") {
                failing.fetch_add(1, Ordering::SeqCst);
                return Err(kind.into());
            }
            Ok(Fate::Made)
        }));
        let size = scene.house.ledger.reader().size();
        fails.store(1, Ordering::SeqCst);
        let refused = scene.unmask(&json!({"reason": "Complaint 2026-114"}));
        assert!(
            fails.load(Ordering::SeqCst) > 1,
            "{broken:?}: the disk failed nothing, and nothing is tried"
        );
        assert!(refused.status >= 500, "{broken:?}: taken for recorded: {}", refused.status);
        assert!(!has_value(&refused.text()), "{broken:?}: shown without a record: {}", refused.text());
        assert_eq!(scene.house.ledger.reader().size(), size, "{broken:?}: counted, and on no disk");
    }
}
