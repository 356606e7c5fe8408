//! Rules of masking in the console: read by everybody who reads policies, tried by those who write them, and nothing of what is tried is kept.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tabellion_app::running::{ClassRule, Masking, MaskingRule, MaskingRules, PlaceholderRule, Running};
use tabellion_app::work::masking::{MAX_SAMPLE_BYTES, MaskingPreview, PreviewCount, Sample};
use tabellion_model::body::{CallAuthorised, Role};

use super::browser::Browser;
use crate::api::house::House;

/// Stands in for the program's engine, which this crate does not know: an address is a placeholder, and the word `blocked` keeps a text back.
fn preview(sample: &Sample) -> MaskingPreview {
    let blocked: Vec<String> =
        sample.text.contains("blocked").then(|| "iban".to_owned()).into_iter().collect();
    MaskingPreview {
        sent: blocked.is_empty().then(|| sample.text.replace("ann@example.org", "<EMAIL_*>")),
        found: vec![PreviewCount { class: "email".to_owned(), operator: "hash".to_owned(), count: 1 }],
        blocked,
        rules: sample.upstream.iter().map(|upstream| format!("for-{upstream}@masking.1-abcd")).collect(),
    }
}

fn running() -> Running {
    let class =
        |class: &str, operator: &str| ClassRule { class: class.to_owned(), operator: operator.to_owned() };
    let rule = MaskingRule {
        name: "abroad".to_owned(),
        version: "masking.1-abcd".to_owned(),
        on: vec!["prompt".to_owned()],
        systems: Vec::new(),
        purposes: Vec::new(),
        upstreams: vec!["abroad".to_owned()],
        classes: vec![class("iban", "block"), class("email", "hash")],
        placeholders: Some(PlaceholderRule {
            scope: Some("conversation".to_owned()),
            rehydrate: Some("never".to_owned()),
            keep: Some(true),
            generation: None,
        }),
    };
    let rules = MaskingRules { usual: vec!["email".to_owned(), "phone".to_owned()], rules: vec![rule] };
    Running {
        providers: None,
        masking: Some(Masking { rules, preview: Arc::new(|sample| Ok(preview(sample))) }),
    }
}

/// Requirement: G02.
#[test]
fn a_text_is_tried_by_whoever_writes_rules_and_kept_nowhere() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let house = House::with(move |settings| {
        settings.running = running();
        settings.log = Arc::new(move |line| kept.lock().expect("lines").push(line.to_owned()));
    });
    let gina = Browser::of(&house, "Gina", &[Role::GovernanceEngineer]);
    let page = gina.page("/masking");
    for part in ["abroad", "Keeps a call back", "iban", "no gateway runs in this process", "2 classes"] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let from = page.find("id=\"form-try-masking\"").expect("the form");
    let form = &page[from..from + page[from..].find('>').expect("its end")];
    assert!(!form.contains("data-draft"), "the browser keeps what is tried: {form}");

    let size = house.ledger.reader().size();
    let typed = [("text", "to ann@example.org <script>x</script>"), ("upstream", "abroad")];
    let tried = gina.send("/masking", "try-masking", &typed).ok();
    let page = tried.text();
    for part in [
        "to &#60;EMAIL_*&#62; &#60;script&#62;",
        "for-abroad@masking.1-abcd",
        "1 × email: a digest in its place",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let blocked = gina.send("/masking", "try-masking", &[("text", "blocked")]).ok().text();
    assert!(
        blocked.contains("It would not be sent") && !blocked.contains("As it would be sent"),
        "{blocked}"
    );
    let long = "x".repeat(MAX_SAMPLE_BYTES + 1);
    assert_eq!(gina.send("/masking", "try-masking", &[("text", &long)]).status, 400, "any length is tried");
    assert_eq!(house.ledger.reader().size(), size, "trying a text was recorded");
    let lines = lines.lock().expect("lines").join("\n");
    assert!(
        lines.contains("/masking") && !lines.contains("example.org"),
        "what is tried stands in the log: {lines}"
    );

    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let page = auditor.page("/masking");
    assert!(page.contains("abroad") && !page.contains("form-try-masking"), "{page}");
    let (_, token) = house.person("Del", &[Role::Developer]);
    assert_eq!(house.post(&token, "/api/v1/masking/preview", &json!({"text": "x"})).status, 403);
    let (_, token) = house.person("Gus", &[Role::GovernanceEngineer]);
    let said = house.post(&token, "/api/v1/masking/preview", &json!({"text": "ann@example.org"})).ok().json();
    assert_eq!((&said["sent"], &said["rules"]), (&json!("<EMAIL_*>"), &json!([])), "{said}");
}

#[test]
fn rules_that_cannot_be_read_are_said_to_be_so() {
    let house = House::new();
    let gina = Browser::of(&house, "Gina", &[Role::GovernanceEngineer]);
    assert!(gina.page("/masking").contains("cannot be read"), "no rules look like none that hold");
    let (_, token) = house.person("Gus", &[Role::GovernanceEngineer]);
    assert_eq!(house.get(&token, "/api/v1/masking").status, 503);
}

/// Requirement: G02.
#[test]
fn what_was_replaced_is_counted_by_day_and_class_from_the_records() {
    let house = House::with(|settings| settings.running = running());
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let asked = |masked: serde_json::Value| -> CallAuthorised {
        serde_json::from_value(json!({
            "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
            "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": masked, "policies": [],
            "rules": [], "retry": 0,
        }))
        .expect("a body")
    };
    let abe = Browser::of(&house, "Abe", &[Role::Administrator]);
    assert!(
        abe.page("/masking").contains("Nothing was replaced in 31 days"),
        "no call looks like an unread one"
    );
    let hashed = json!([{"class": "email", "count": 2, "operator": "hash"}, {"class": "iban", "count": 1}]);
    house.append(&asked(hashed), &system, &key, None);
    house.append(&asked(json!([{"class": "iban", "count": 3}])), &system, &key, None);
    house.append(&asked(json!([])), &system, &key, None);
    let said = house.get(&admin, "/api/v1/masking/counts").ok().json();
    assert_eq!((&said["calls"], &said["erased"], &said["partial"]), (&json!(3), &json!(0), &json!(false)));
    let [email, iban] = said["sums"].as_array().expect("sums").as_slice() else { panic!("{said}") };
    assert_eq!(
        (&email["operator"], &email["values"], &email["calls"]),
        (&json!("hash"), &json!(2), &json!(1))
    );
    assert_eq!((&iban["operator"], &iban["values"], &iban["calls"]), (&json!(null), &json!(4), &json!(2)));
    let page = abe.page("/masking");
    assert!(page.contains("2026-03-02") && page.contains("In 3 calls let through"), "{page}");
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    assert_eq!(
        house.get(&owner, "/api/v1/masking/counts").ok().json()["calls"],
        0,
        "foreign calls are counted"
    );
}
