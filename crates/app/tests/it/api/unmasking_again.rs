//! An unmasking that is asked for again, and one of a call of which nothing is kept: what is said is the reason.

use serde_json::{Value, json};
use tabellion_ledger::{Draft, ErasureTarget};
use tabellion_model::body::{Body as _, CallAuthorised, Role};

use super::house::House;
use super::unmasking::{EMAIL, OF_EMAIL, kept_call};

/// Requirement: G17. A request is the same one when it comes again, whatever was erased since: it shows nothing, and says what is gone.
#[test]
fn the_same_request_is_told_after_an_erasure() {
    for body in
        [json!({"reason": "a complaint"}), json!({"reason": "a complaint", "placeholders": [OF_EMAIL]})]
    {
        let house = House::new();
        let (_, admin) = house.person("Ada", &[Role::Administrator]);
        let system = house.live_system(&admin, "Loan support");
        let (key, _) = house.key(&admin, &system);
        let (_, call) = kept_call(&house, &system, &key);
        let (_, officer) = house.person("Cleo Marsh", &[Role::ComplianceOfficer]);
        let ask = |body: &Value| {
            let path = format!("/api/v1/calls/{call}/unmask");
            house.ask("POST", &path).bearer(&officer).header("idempotency-key", "one").json(body).send()
        };
        let first = ask(&body).ok();
        assert!(first.text().contains(EMAIL), "{}", first.text());
        let person = ErasureTarget::Subject(EMAIL.to_owned());
        house.ledger.erase(&person, "asked for").expect("an erasure");
        let size = house.ledger.reader().size();
        let again = ask(&body).ok();
        assert_eq!(again.json()["result"], json!({"values": null, "erased": 1}), "{}", again.text());
        assert_eq!(again.json()["recorded"]["repeated"], true, "{}", again.text());
        for part in ["index", "record_id"] {
            let of = |answer: &Value| answer["recorded"][part].clone();
            assert_eq!(of(&again.json()), of(&first.json()), "it is another record");
        }
        assert_eq!(house.ledger.reader().size(), size, "one request is recorded twice");
        let other = ask(&json!({"reason": "another one"}));
        assert!(other.status >= 400, "the key of one request serves another: {}", other.text());
    }
}

/// Requirement: G17. Of a call of which nothing could be kept, why is said.
#[test]
fn why_nothing_is_kept_is_said() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let (_, officer) = house.person("Cleo Marsh", &[Role::ComplianceOfficer]);
    let cases = [
        (json!({"scope": "system", "given_back": true, "kept": 0, "kept_withheld": "too_many"}), "too_many"),
        (json!({"scope": "system", "given_back": true, "kept": 0}), "secrets never are"),
        (json!({"scope": "system", "given_back": true}), "keep = true"),
    ];
    for (pseudonyms, why) in cases {
        let body: CallAuthorised = serde_json::from_value(json!({
            "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
            "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
            "masking": ["desk@masking.1-abcd"], "pseudonyms": pseudonyms, "rules": [], "retry": 0,
        }))
        .expect("a body");
        let mut draft = Draft::new(CallAuthorised::TYPE);
        draft.body = body.fields().expect("fields");
        draft.actor = Some(key.clone());
        draft.assurance = Some("observed".to_owned());
        draft.system = Some(system.clone());
        draft.erasable_alone = true;
        let call = house.ledger.append(&draft).expect("a record").record_id.to_hex();
        let path = format!("/api/v1/calls/{call}/unmask");
        let refused = house.post(&officer, &path, &json!({"reason": "x"})).refused(409, "already_so");
        let detail = refused.json()["detail"].as_str().expect("a sentence").to_owned();
        assert!(detail.contains(why), "{pseudonyms}: {detail}");
        assert!(why == "keep = true" || !detail.contains("keep = true"), "a wrong reason: {detail}");
    }
}
