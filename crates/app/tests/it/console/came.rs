//! The page of a call says how it came: who was behind its key, through which opening, translated for whom, as which attempt.

use serde_json::{Value, json};
use tabellion_ledger::{Clock as _, Draft, DraftParent, ErasureTarget, SubjectFields};
use tabellion_model::body::{Body as _, CallAuthorised, CallDenied, Role, set_apart};

use super::browser::{Browser, plain};
use crate::api::house::House;

/// A permission as the gateway records it, with `more` in it.
fn permitted(more: Value) -> CallAuthorised {
    let mut body = json!({
        "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
        "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
        "rules": [], "retry": 0,
    });
    let Value::Object(more) = more else { panic!("an object is added") };
    body.as_object_mut().expect("an object").extend(more);
    serde_json::from_value(body).expect("a body")
}

/// Records a further attempt of the call `first`; its record id.
fn further(house: &House, body: &CallAuthorised, [system, key]: [&str; 2], first: (u64, &str)) -> String {
    let bytes = house.ledger.reader().entry(first.0).expect("the first attempt").bytes;
    let mut draft = Draft::new(CallAuthorised::TYPE);
    draft.body = body.fields().expect("fields");
    (draft.actor, draft.system) = (Some(key.to_owned()), Some(system.to_owned()));
    (draft.assurance, draft.observed_at) = (Some("observed".to_owned()), Some(house.clock.now().0));
    draft.erasable_alone = true;
    draft.parents = vec![DraftParent {
        hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
        record_id: first.1.to_owned(),
        role: "attempt_of".to_owned(),
    }];
    house.ledger.append(&draft).expect("a record").record_id.to_hex()
}

/// Requirement: G01. Who was behind a key is shown with what they showed, and a key alone is said to be one.
#[test]
fn a_call_says_who_was_behind_its_key_and_how_they_showed_it() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let caller = |kind: &str| {
        json!({"caller": {
            "person": "corp|<4711>", "agent": "corp|loan-agent", "groups": ["corp|loans", "corp|night"],
            "proof": {"kind": kind, "by": "corp", "sha256": "7".repeat(64)},
        }})
    };
    let by_token = house.append(&permitted(caller("token_id")), &system, &key, None).1;
    let by_certificate = house.append(&permitted(caller("certificate")), &system, &key, None).1;
    let salted = json!({
        "received_sha256": null, "received_salted_sha256": "1".repeat(64), "forwarded_sha256": null, "forwarded_salted_sha256": "2".repeat(64),
    });
    let by_key = house.append(&permitted(salted), &system, &key, None).1;
    let mut denied = json!({
        "code": "policy_denied", "reason": "no rule permits it", "status": 403, "surface": "openai.chat_completions", "model": "large",
        "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
    });
    denied["caller"] = caller("token")["caller"].clone();
    let denied: CallDenied = serde_json::from_value(denied).expect("a body");
    let denied = house.append(&denied, &system, &key, None).1;
    house.desk.refresh().expect("the views follow");

    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    for (call, shown) in [
        (&by_token, "a token of corp, known by the digest of its identifier"),
        (&by_certificate, "a client's certificate (corp), known by its digest"),
        (&denied, "a token of corp, known by its digest"),
    ] {
        let page = plain(&auditor.page(&format!("/calls/{call}")));
        for part in ["corp|<4711>", "corp|loan-agent", "corp|night", shown] {
            assert!(page.contains(part), "{part} is not shown: {page}");
        }
    }
    let page = auditor.page(&format!("/calls/{by_key}"));
    assert!(page.contains("secret") && !page.contains("corp|"), "a key alone has somebody behind it: {page}");
    assert!(
        page.contains("whoever made the call has the salt"),
        "the digest looks like one of the text: {page}"
    );
    let (_, token) = house.person("Ida", &[Role::Auditor]);
    let call = house.get(&token, &format!("/api/v1/calls/{by_token}")).ok().json();
    assert_eq!(
        (&call["caller"]["person"], &call["caller"]["shown"], &call["caller"]["by"]),
        (&json!("corp|<4711>"), &json!("token_id"), &json!("corp")),
        "the API says another: {call}"
    );
    let call = house.get(&token, &format!("/api/v1/calls/{by_key}")).ok().json();
    assert_eq!(call["caller"], Value::Null, "somebody is made up: {call}");
    let digests = |call: &Value| {
        ["request_sha256", "request_salted_sha256", "forwarded_sha256", "forwarded_salted_sha256"]
            .map(|name| call["evidence"][name].as_str().map(str::to_owned))
    };
    let of = |digit: &str| Some(digit.repeat(64));
    assert_eq!(digests(&call), [None, of("1"), None, of("2")], "a salted digest passes for a plain one");
    let before = house.get(&token, &format!("/api/v1/calls/{by_token}")).ok().json();
    assert_eq!(digests(&before), [of("a"), None, of("b"), None], "a record of before cannot be read");
}

/// Requirement: G04, P48. Who a person is stands in a unit about them: who reads nothing about people is not shown it, also of records of before, and when they are
/// erased the rest of the call stays.
#[test]
fn who_somebody_is_is_shown_to_whoever_reads_about_people_until_it_is_erased() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, officer) = house.person("Olga", &[Role::ComplianceOfficer]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let body = permitted(json!({"caller": {
        "person": "corp|4711", "agent": "corp|loan-agent", "groups": ["corp|night"],
        "proof": {"kind": "token_id", "by": "corp", "sha256": "7".repeat(64)},
    }}));
    let before = house.append(&body, &system, &key, None).1;
    let mut draft = Draft::new(CallAuthorised::TYPE);
    draft.body = body.fields().expect("fields");
    let (person, fields) = set_apart(&mut draft.body).expect("somebody is named");
    draft.subjects = vec![SubjectFields { subject: person, fields }];
    (draft.actor, draft.system) = (Some(key.clone()), Some(system.clone()));
    draft.observed_at = Some(house.clock.now().0);
    let call = house.ledger.append(&draft).expect("a record").record_id.to_hex();
    house.desk.refresh().expect("the views follow");
    let caller = |token: &str, call: &str| {
        house.get(token, &format!("/api/v1/calls/{call}")).ok().json()["caller"].clone()
    };
    for call in [&before, &call] {
        let seen = caller(&officer, call);
        assert_eq!(
            (&seen["person"], &seen["groups"]),
            (&json!("corp|4711"), &json!(["corp|night"])),
            "{seen}"
        );
        let seen = caller(&admin, call);
        assert_eq!((&seen["person"], &seen["groups"]), (&Value::Null, &json!([])), "{seen}");
        assert_eq!(
            (&seen["person_withheld"], &seen["agent"]),
            (&json!("not_permitted"), &json!("corp|loan-agent"))
        );
    }
    let page = plain(&Browser::of(&house, "Abe", &[Role::Administrator]).page(&format!("/calls/{call}")));
    assert!(!page.contains("corp|4711") && page.contains("sees nothing about people"), "{page}");
    house
        .ledger
        .erase(&ErasureTarget::Subject("corp|4711".to_owned()), "they asked")
        .expect("it is found by their name");
    house.desk.refresh().expect("the views follow");
    let seen = house.get(&officer, &format!("/api/v1/calls/{call}")).ok().json();
    assert_eq!(
        (&seen["caller"]["person"], &seen["caller"]["person_withheld"]),
        (&Value::Null, &json!("erased")),
        "{seen}"
    );
    assert_eq!(seen["model"], "small", "the call went with whom it was for: {seen}");
    let officer = Browser::of(&house, "Otto", &[Role::ComplianceOfficer]);
    assert!(
        !officer.page(&format!("/calls/{call}")).contains("nobody was named"),
        "an erasure made somebody nobody"
    );
}

/// Requirement: N22. What nothing looked into is not said to be clean.
#[test]
fn a_call_through_an_opening_says_what_did_not_look() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let opening = "5".repeat(32);
    let through = |class: &str, lines: Value| {
        let mut opened = json!({"opening": opening, "class": class, "target": "POST /v1/files", "content_type": "multipart/form-data"});
        if !lines.is_null() {
            opened["lines"] = lines;
        }
        permitted(json!({
            "surface": "opaque.files.create", "opened": opened, "prompt_withheld": "opaque",
            "guards": [{"guard": "leaks", "version": "words.1-ab", "outcome": "not_run", "found": []}],
        }))
    };
    let unread = house.append(&through("files", Value::Null), &system, &key, None).1;
    let batch = house.append(&through("files", json!(12)), &system, &key, None).1;
    let governed = house.append(&permitted(json!({"translated": "anthropic"})), &system, &key, None).1;
    house.desk.refresh().expect("the views follow");

    let abe = Browser::of(&house, "Abe", &[Role::Administrator]);
    let page = abe.page(&format!("/calls/{unread}"));
    for part in [
        "Not looked into",
        &format!("/openings/{opening}"),
        "Files at the provider",
        "POST /v1/files",
        "Did not look",
        "nothing looks into what passes here",
        "No guard looked into it",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    assert!(!page.contains("No personal data was found"), "what was not read is said to be clean: {page}");
    let page = abe.page(&format!("/calls/{batch}"));
    assert!(page.contains("12 requests of the batch"), "{page}");
    let page = abe.page(&format!("/calls/{governed}"));
    assert!(!page.contains("Not looked into") && page.contains("No personal data was found"), "{page}");

    // The list of its routes has these two alone; a beginning is of whole words.
    let count = |route: &str| {
        let (_, token) = house.person("Ida", &[Role::Auditor]);
        let found = house.get(&token, &format!("/api/v1/calls?system={system}&route={route}")).ok().json();
        found["calls"].as_array().map(Vec::len)
    };
    assert_eq!(
        ["opaque.files", "opaque.files.create", "opaque.file", "opaque.images", "openai"].map(count),
        [Some(2), Some(2), Some(0), Some(0), Some(1)],
        "a route's calls are others'"
    );
}

/// Requirement: N25, G19.
#[test]
fn a_call_names_every_attempt_and_for_whose_interface_it_was_translated() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let alone = house.append(&permitted(json!({})), &system, &key, None).1;
    let (entry, first) = house.append(&permitted(json!({})), &system, &key, None);
    let of = json!({"of": first, "number": 2, "because": "upstream_timeout"});
    let more = json!({"attempt": of, "translated": "anthropic"});
    let second = further(&house, &permitted(more), [&system, &key], (entry, &first));
    house.desk.refresh().expect("the views follow");

    let abe = Browser::of(&house, "Abe", &[Role::Administrator]);
    for call in [&first, &second] {
        let page = abe.page(&format!("/calls/{call}"));
        for part in ["Attempts", &format!("/calls/{first}"), &format!("/calls/{second}")] {
            assert!(page.contains(part), "{call} does not lead to its attempts, {part}: {page}");
        }
    }
    let page = abe.page(&format!("/calls/{second}"));
    assert!(page.contains("2, after upstream_timeout"), "nobody says why there are two: {page}");
    let page = abe.page(&format!("/calls/{alone}"));
    assert!(!page.contains("id=\"part-attempts\"") && !page.contains(&second), "{page}");
    // As of before the second, there was one.
    let then = abe.page(&format!("/calls/{first}?as_of={}", entry + 1));
    assert!(!then.contains(&second), "an attempt is shown before it was made: {then}");
}
