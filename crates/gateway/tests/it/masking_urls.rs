//! Rules of masking that name URLs beside rules that name what is in them, at the gateway: the strictest holds, and what Presidio's clients are told hides nothing.

use serde_json::{Value, json};
use tabellion_gateway::{MaskingConfig, MaskingOperator};
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::fixture::{Fixture, Setup, say};

const URLS: [&str; 3] = [
    "https://h.example/cb?api_key=sk-proj-abcDEF123ghiJKL456mnoPQR789stuVWX012yzA",
    "https://h.example/u?mail=ada@example.org&c=4111111111111111",
    "https://ann:hunter2secret9@h.example/",
];

fn rule(name: &str, operator: MaskingOperator, classes: &[&str]) -> MaskingConfig {
    let mut rule = MaskingConfig { name: name.to_owned(), ..MaskingConfig::default() };
    *rule.list_mut(operator) = classes.iter().map(|class| (*class).to_owned()).collect();
    rule
}

/// Requirement: G02, V40. A rule that lets URLs pass lets nothing in them pass that another blocks.
#[test]
fn a_rule_that_lets_urls_pass_loosens_no_other() {
    for url in URLS {
        let masking = vec![
            rule("a", MaskingOperator::Block, &["secrets", "email", "payment_card"]),
            rule("b", MaskingOperator::Pass, &["url"]),
        ];
        let script = Script::by(|_, _| panic!("it was sent"));
        let fixture = Fixture::with(script, Setup { masking, ..Setup::default() });
        let answer = fixture.chat(&say(&format!("open {url} please")));
        assert_eq!(answer.status, 403, "{url}: {}", answer.text());
        assert_eq!(fixture.denied().remove(0).code, "data_not_permitted", "{url}");
    }
}

/// Requirement: V40. Where nothing is blocked the URL goes on without the value in it, which the answer is given back.
#[test]
fn a_url_passes_without_what_is_in_it() {
    let script =
        Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))));
    let masking = vec![rule("b", MaskingOperator::Pass, &["url"])];
    let fixture = Fixture::with(script, Setup { masking, ..Setup::default() });
    let text = format!("open {} please", URLS.join(" and "));
    let answer = fixture.chat(&say(&text));
    assert_eq!((answer.status, answer.content()), (200, text), "what was replaced comes back");
    let sent = fixture.upstream.requests().remove(0).text();
    for value in ["sk-proj", "ada@", "41111", "hunter2"] {
        assert!(!sent.contains(value), "{value} was sent: {sent}");
    }
    assert!(sent.contains("https://h.example/u?mail=<EMAIL_"), "the rest passes: {sent}");
    let record = fixture.authorised().remove(0);
    let classes: Vec<&str> = record.masked.iter().map(|masked| masked.class.as_str()).collect();
    for class in ["api_key", "email", "payment_card", "password"] {
        assert!(classes.contains(&class), "the record says nothing of {class}: {classes:?}");
    }
    assert!(record.passed.iter().all(|passed| passed.class == "url"), "{:?}", record.passed);
}

/// Requirement: N21. Whoever asks for URLs and for what may be in them is told of both.
#[test]
fn a_client_of_presidio_is_told_of_a_url_and_of_what_is_in_it() {
    let fixture = Fixture::new(Answer::silence());
    let body =
        json!({"text": URLS[1], "language": "en", "entities": ["URL", "EMAIL_ADDRESS", "CREDIT_CARD"]});
    let answer = fixture.call("POST", "/presidio/analyze", &[], body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let found = answer.json();
    let mut names: Vec<&str> =
        found.as_array().expect("a list").iter().filter_map(|one| one["entity_type"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["CREDIT_CARD", "EMAIL_ADDRESS", "URL"], "{found}");
    let all = found.as_array().expect("a list").iter().find(|one| one["entity_type"] == "URL");
    assert_eq!(
        all.map(|one| (&one["start"], &one["end"])),
        Some((&Value::from(0), &Value::from(URLS[1].len())))
    );
}
