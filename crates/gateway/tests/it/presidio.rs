//! Presidio's `/analyze` and `/anonymize`, served: in its form, on record by class and count, and refused rather than half answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tabellion_model::body::{Masked, Outcome, SystemStage};
use tabellion_model::probe::asks_no_model;
use tabellion_testkit::upstream::Answer as Provider;

use crate::client::{Answer, request};
use crate::fixture::{Fixture, api_key, key_of, sha256};

/// An e-mail address and a card's number, behind letters of one, two, three and four bytes.
const TEXT: &str = "a é € 𝄞 ada@example.org, card 4111 1111 1111 1111.";
const EMAIL: &str = "ada@example.org";
const CARD: &str = "4111 1111 1111 1111";

fn fixture() -> Fixture {
    Fixture::new(Provider::silence())
}

impl Fixture {
    fn presidio(&self, tool: &str, body: &Value) -> Answer {
        self.call("POST", &format!("/presidio/{tool}"), &[], body.to_string().as_bytes())
    }
}

fn analyze(fixture: &Fixture, more: &Value) -> Answer {
    let mut body = json!({ "text": TEXT, "language": "en" });
    let members = body.as_object_mut().expect("an object");
    members.extend(more.as_object().cloned().expect("an object"));
    fixture.presidio("analyze", &body)
}

/// What was found, by name and the letters that it stands at.
fn told(found: &Value) -> Vec<(String, String)> {
    let letters: Vec<char> = TEXT.chars().collect();
    let at = |finding: &Value, which: &str| {
        usize::try_from(finding[which].as_u64().expect("a place")).expect("a place in a text")
    };
    let one = |finding: &Value| {
        let text: String = letters[at(finding, "start")..at(finding, "end")].iter().collect();
        (finding["entity_type"].as_str().expect("a name").to_owned(), text)
    };
    found.as_array().expect("a list").iter().map(one).collect()
}

fn masked(class: &str, count: u64, operator: Option<&str>) -> Masked {
    Masked { class: class.to_owned(), count, operator: operator.map(str::to_owned) }
}

/// A key as an address has it (RFC 7617).
fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The sentence of an error in Presidio's form, which holds nothing else.
fn error(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(1),
        "no client of Presidio reads this: {body}"
    );
    body["error"].as_str().expect("a sentence").to_owned()
}

/// Requirement: N21, G04. What is found is told in Presidio's words, by places in code points, and is on record by class and count with nothing that the text
/// could be guessed by.
#[test]
fn a_text_is_analysed_in_presidios_form_and_on_record_by_counts_alone() {
    let fixture = fixture();
    let answer = analyze(&fixture, &json!({}));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let both = [("EMAIL_ADDRESS", EMAIL), ("CREDIT_CARD", CARD)];
    assert_eq!(told(&answer.json()), both.map(|(name, text)| (name.to_owned(), text.to_owned())));
    let first = &answer.json()[0];
    assert_eq!((&first["score"], &first["analysis_explanation"]), (&json!(1.0), &Value::Null));
    assert_eq!(first["recognition_metadata"]["recognizer_name"], "TabellionForms");

    let (authorised, end) = (fixture.authorised().remove(0), fixture.end());
    assert_eq!(authorised.surface, "presidio.analyze");
    assert_eq!(authorised.passed, [masked("email", 1, None), masked("payment_card", 1, None)]);
    assert!(authorised.masked.is_empty(), "nothing was replaced");
    assert_eq!((authorised.upstream.as_str(), authorised.model.as_str()), ("", ""), "nobody was asked");
    assert!(authorised.received_bytes > TEXT.len() as u64, "how much was looked at");
    let nothing = sha256(b"");
    for digest in [
        &authorised.received_sha256,
        &authorised.forwarded_sha256,
        &end.received_sha256,
        &end.released_sha256,
    ] {
        assert_eq!(
            digest.as_ref(),
            Some(&nothing),
            "whoever guesses the text could see that it was this one"
        );
    }
    assert_eq!(answer.header("tabellion-salt"), None, "it opens nothing");
    assert_eq!(end.outcome, Outcome::Answered);
    for seen in fixture.of_type("call.authorised").iter().chain(&fixture.of_type("call.completed")) {
        assert!(asks_no_model(&seen.header), "it is counted as a use of a model: {:?}", seen.header);
    }
    let kept = format!("{:?}", fixture.records());
    assert!(!kept.contains(EMAIL) && !kept.contains("4111"), "a text that was looked at is on record");
    let record = fixture.of_type("call.authorised")[0].header.record_id.to_hex();
    assert_eq!(answer.header("tabellion-record"), Some(record.as_str()), "the answer names its record");
    assert_eq!(fixture.upstream.connections(), 0, "nothing leaves");
}

/// Requirement: N21. What an operator leaves as it is was not masked, whatever it is called.
#[test]
fn what_stays_is_on_record_as_what_passed() {
    let results = json!([{ "start": 0, "end": 16, "score": 1.0, "entity_type": "CREDIT_CARD" }]);
    let card = "4111111111111111";
    for operator in [
        json!({ "type": "mask", "masking_char": "*", "chars_to_mask": 0, "from_end": false }),
        json!({ "type": "replace", "new_value": card }),
    ] {
        let fixture = fixture();
        let body =
            json!({ "text": card, "anonymizers": { "DEFAULT": operator }, "analyzer_results": results });
        let answer = fixture.presidio("anonymize", &body);
        assert_eq!((answer.status, answer.json()["text"].as_str()), (200, Some(card)), "{}", answer.text());
        let record = fixture.authorised().remove(0);
        assert_eq!(
            (record.masked, record.passed),
            (Vec::new(), vec![masked("payment_card", 1, None)]),
            "{operator}"
        );
    }
    let fixture = fixture();
    let body = json!({ "text": card, "anonymizers": { "DEFAULT": { "type": "redact" } },
        "analyzer_results": [{ "start": 3, "end": 3, "score": 1.0, "entity_type": "CREDIT_CARD" }] });
    assert_eq!(fixture.presidio("anonymize", &body).status, 200);
    let record = fixture.authorised().remove(0);
    assert!(record.masked.is_empty() && record.passed.is_empty(), "a finding without a letter is none");
}

/// Requirement: N21. What a request asks for is done, and several texts at once are answered one by one.
#[test]
fn what_is_asked_for_is_what_is_told() {
    let fixture = fixture();
    let names = |more: Value| -> Vec<String> {
        told(&analyze(&fixture, &more).json()).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(json!({ "entities": ["CREDIT_CARD"] })), ["CREDIT_CARD"]);
    assert_eq!(
        names(json!({ "entities": [] })),
        ["EMAIL_ADDRESS", "CREDIT_CARD"],
        "none is all, as Presidio has it"
    );
    assert_eq!(names(json!({ "allow_list": [EMAIL], "allow_list_match": "exact" })), ["CREDIT_CARD"]);
    let person = |threshold: f64| {
        let body = json!({ "text": "Please call Ada Lovelace tomorrow.", "language": "en", "entities": ["PERSON"], "score_threshold": threshold });
        fixture.presidio("analyze", &body).json()
    };
    assert_eq!(person(0.85)[0]["entity_type"], "PERSON", "a name is not certain, and is told up to there");
    assert_eq!(person(0.86), json!([]));
    let explained = analyze(&fixture, &json!({ "return_decision_process": true })).json();
    assert_eq!(explained[0]["analysis_explanation"]["pattern_name"], "email");
    let texts = json!({ "text": [EMAIL, "nothing", CARD], "language": "en" });
    let found = fixture.presidio("analyze", &texts).json();
    let counts: Vec<usize> =
        found.as_array().expect("a list").iter().map(|text| text.as_array().map_or(9, Vec::len)).collect();
    assert_eq!(counts, [1, 0, 1], "{found}");
    assert_eq!(found[2][0]["start"], 0, "places are those of each text");
    let listed = fixture.call("GET", "/presidio/supportedentities?language=en", &[], b"").json();
    assert!(listed.as_array().is_some_and(|names| names.contains(&json!("US_SSN"))), "{listed}");
    assert_eq!(
        fixture.call("GET", "/presidio/anonymizers", &[], b"").json(),
        json!(["hash", "keep", "mask", "redact", "replace"])
    );
    assert_eq!(fixture.call("GET", "/presidio/deanonymizers", &[], b"").json(), json!([]));
    assert_eq!(fixture.call("GET", "/presidio/health", &[], b"").status, 200);
}

/// Requirement: N21. Each operator does what Presidio's does; items stand where they are in the new text, the last one first; and the record counts by what was done.
#[test]
fn a_text_is_anonymised_by_each_operator() {
    let fixture = fixture();
    let results = json!([
        { "start": 8, "end": 23, "score": 1.0, "entity_type": "EMAIL_ADDRESS", "analysis_explanation": null },
        { "start": 30, "end": 49, "score": 1.0, "entity_type": "CREDIT_CARD" },
        { "start": 0, "end": 1, "score": 0.5, "entity_type": "ada@example.org is a kind of my own" }
    ]);
    let anonymised = |anonymizers: Value| {
        let body = json!({ "text": TEXT, "anonymizers": anonymizers, "analyzer_results": results });
        let answer = fixture.presidio("anonymize", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let mask = json!({ "type": "mask", "masking_char": "€", "chars_to_mask": 9, "from_end": true });
    let new = anonymised(
        json!({ "CREDIT_CARD": mask, "EMAIL_ADDRESS": { "type": "redact" }, "DEFAULT": { "type": "keep" } }),
    );
    assert_eq!(new["text"], "a é € 𝄞 , card 4111 1111 €€€€€€€€€.");
    assert_eq!(
        new["items"][0],
        json!({ "start": 15, "end": 34, "entity_type": "CREDIT_CARD", "text": "4111 1111 €€€€€€€€€", "operator": "mask", "score": 1.0 })
    );
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.surface, "presidio.anonymize");
    assert_eq!(
        authorised.masked,
        [masked("email", 1, Some("drop")), masked("payment_card", 1, Some("mask"))]
    );
    assert_eq!(
        authorised.passed,
        [masked("unrecognised", 1, None)],
        "a name of the caller's own is not kept"
    );
    assert!(!format!("{:?}", fixture.records()).contains("ada@example"), "content of a caller is on record");

    let new = anonymised(json!({ "EMAIL_ADDRESS": { "type": "replace", "new_value": "X" } }));
    assert_eq!(new["text"], "<ada@example.org is a kind of my own> é € 𝄞 X, card <CREDIT_CARD>.");
    let salted = json!({ "DEFAULT": { "type": "hash", "hash_type": "sha256", "salt": "sixteen bytes..!" } });
    let new = anonymised(salted);
    assert_eq!(new["items"][0]["text"], sha256(format!("{CARD}sixteen bytes..!").as_bytes()));
    let digest = |new: Value| new["items"][0]["text"].as_str().expect("a digest").to_owned();
    let unsalted = || digest(anonymised(json!({ "DEFAULT": { "type": "hash", "hash_type": "sha512" } })));
    let (one, other) = (unsalted(), unsalted());
    assert_eq!(one.len(), 128);
    assert_ne!(one, other, "whoever may hash could try every card there is");
}

fn replacing(operator: &Value) -> (&'static str, String) {
    let result = json!({ "start": 8, "end": 23, "score": 1.0, "entity_type": "EMAIL_ADDRESS" });
    let body = json!({ "text": TEXT, "anonymizers": { "DEFAULT": operator }, "analyzer_results": [result] });
    ("anonymize", body.to_string())
}

/// Requirement: N21, G05. What is not served, or could be read in two ways, is refused in Presidio's form with a record that holds neither the text nor its digest.
#[test]
fn what_is_not_served_is_refused_and_never_passed_over() {
    let fixture = fixture();
    let with = |member: &str, value: Value| {
        let mut body = json!({ "text": TEXT, "language": "en" });
        body[member] = value;
        ("analyze", body.to_string())
    };
    let at = |start: i64, end: i64| {
        let result = json!({ "start": start, "end": end, "score": 1.0, "entity_type": "EMAIL_ADDRESS" });
        ("anonymize", json!({ "text": TEXT, "analyzer_results": [result] }).to_string())
    };
    let refused = [
        with("ad_hoc_recognizers", json!([{ "name": "mine" }])),
        with("entities", json!(["EMAIL_ADDRESS", "NRP"])),
        with("entities", json!([EMAIL])),
        with("context", json!(["card"])),
        with("allow_list_match", json!("regex")),
        with("score_threshold", json!(1.5)),
        with("language", json!("")),
        with("text", json!("")),
        with("text", json!(7)),
        with("nlp_artifacts", json!({})),
        ("analyze", format!(r#"{{"text":"{EMAIL}","language":"en","text":"nothing"}}"#)),
        ("analyze", format!(r#"{{"text":"{EMAIL}","#)),
        replacing(&json!({ "type": "encrypt", "key": "WmZq4t7w!z%C&F)J" })),
        replacing(&json!({ "type": "custom" })),
        replacing(&json!({ "type": "surrogate" })),
        replacing(&json!({ "new_value": "X" })),
        replacing(&json!({ "type": "mask", "masking_char": "**", "chars_to_mask": 4, "from_end": true })),
        replacing(&json!({ "type": "mask", "masking_char": "*" })),
        replacing(&json!({ "type": "hash", "hash_type": "md5" })),
        replacing(&json!({ "type": "hash", "salt": "short" })),
        replacing(&json!({ "type": "replace", "newvalue": "X" })),
        replacing(&json!({ "type": "replace", "new_value": "X", "salt": "sixteen bytes..!" })),
        replacing(&json!({ "type": "redact", "new_value": "X" })),
        replacing(&json!({ "type": "keep", "hash_type": "sha256" })),
        replacing(&json!({ "type": "hash", "new_value": "X" })),
        replacing(
            &json!({ "type": "mask", "masking_char": "*", "chars_to_mask": 1, "from_end": true, "key": "k" }),
        ),
        at(9, 8),
        at(8, 10_000),
        at(-1, 3),
        ("anonymize", json!({ "text": TEXT }).to_string()),
    ];
    for (number, (tool, body)) in refused.iter().enumerate() {
        let answer = fixture.call("POST", &format!("/presidio/{tool}"), &[], body.as_bytes());
        assert_eq!(
            (answer.status, answer.header("tabellion-code")),
            (400, Some("malformed_body")),
            "{body}: {}",
            answer.text()
        );
        assert!(!error(&answer).contains(EMAIL), "an error repeats the text: {}", answer.text());
        let denied = fixture.denied();
        assert_eq!(denied.len(), number + 1, "{body}: without a record");
        assert_eq!(denied[number].surface, format!("presidio.{tool}"));
        let digests = (&denied[number].received_sha256, &denied[number].received_salted_sha256);
        assert_eq!(digests, (&Some(sha256(b"")), &None), "the text could be guessed from the record");
    }
    let other = fixture.call("POST", "/presidio/deanonymize", &[], br#"{"text":"ada@example.org"}"#);
    assert_eq!((other.status, other.header("tabellion-code")), (404, Some("unknown_route")));
    assert!(error(&other).contains("/presidio/analyze"), "the caller is not told what there is");
    let query = fixture.call("POST", "/presidio/analyze?text=ada", &[], b"{}");
    assert_eq!(query.header("tabellion-code"), Some("unexpected_query"));
    assert!(fixture.authorised().is_empty(), "something of it was let through");
    let kept = format!("{:?}", fixture.records());
    assert!(!kept.contains(EMAIL) && !kept.contains("4111"), "a text that was refused is on record");
}

/// Requirement: N21, G04. Whatever a caller writes into a request, an error names its place and does not repeat it: errors are logged by clients.
#[test]
fn an_error_names_the_place_and_not_the_word() {
    let fixture = fixture();
    let result = |start: u64, end: u64, kind: &str| {
        let result = json!({ "start": start, "end": end, "score": 1.0, "entity_type": kind });
        ("anonymize", json!({ "text": "x", "analyzer_results": [result] }))
    };
    let card = 4_111_111_111_111_111;
    let entities =
        json!({ "text": "x", "language": "en", "entities": ["PERSON", "Lovelace_4111111111111111"] });
    for ((tool, body), place) in [
        (("analyze", entities), "/entities/1"),
        (result(card, 1, "PERSON"), "/analyzer_results/0"),
        (result(0, card, "PERSON"), "/analyzer_results/0"),
        (result(0, 1, &"Lovelace ".repeat(20)), "/analyzer_results/0"),
    ] {
        let said = error(&fixture.presidio(tool, &body));
        assert!(said.contains(place), "nobody is told where: {said}");
        assert!(
            !said.contains("4111") && !said.contains("Lovelace"),
            "an error repeats what was sent: {said}"
        );
    }
}

/// Requirement: N21. No request makes much of little: texts, findings and what takes their place have limits that are told, and nothing is cut off in silence.
#[test]
fn what_is_too_large_is_refused_whole() {
    let fixture = fixture();
    let long = json!({ "text": "a".repeat((1 << 20) + 1), "language": "en" });
    let many = json!({ "text": "ada@example.org ".repeat(4097), "language": "en" });
    let result = |start: usize, end: usize| json!({ "start": start, "end": end, "score": 1.0, "entity_type": format!("KIND_{start}") });
    let results: Vec<Value> = (0..4097).map(|start| result(start, start + 1)).collect();
    let too_many = json!({ "text": "a".repeat(5000), "analyzer_results": results });
    // Each overlaps the next by nearly all of the text, so that each is kept whole.
    let stairs: Vec<Value> = (0..4000).map(|start| result(start, start + 10_000)).collect();
    let much = json!({ "text": "a".repeat(20_000), "anonymizers": { "DEFAULT": { "type": "keep" } }, "analyzer_results": stairs });
    for (tool, body) in [("analyze", long), ("analyze", many), ("anonymize", too_many), ("anonymize", much)] {
        let answer = fixture.presidio(tool, &body);
        assert_eq!(
            (answer.status, answer.header("tabellion-code")),
            (413, Some("body_too_large")),
            "{}",
            answer.text()
        );
    }
    assert!(fixture.authorised().is_empty());
}

/// Requirement: G04. No route of these is anonymous; a key may come as the password of an address, there and nowhere else; and what denies a system denies it here.
#[test]
fn nobody_without_a_key_of_a_live_system_is_answered() {
    let fixture = fixture();
    let body = json!({ "text": TEXT, "language": "en" }).to_string();
    let send = |path: &str, authorization: Option<&str>| {
        let mut client = fixture.connect();
        let headers: Vec<(&str, &str)> =
            authorization.map(|value| ("Authorization", value)).into_iter().collect();
        let (method, sent): (&str, &[u8]) =
            if path.ends_with("health") { ("GET", b"") } else { ("POST", body.as_bytes()) };
        client.send(&request(method, path, &headers, sent));
        client.answer()
    };
    for path in ["/presidio/analyze", "/presidio/anonymize", "/presidio/health"] {
        let other = basic("tabellion", &key_of([0xee; 16]));
        for authorization in [
            None,
            Some("Bearer tbl_wrong"),
            Some(other.as_str()),
            Some("Basic !"),
            Some("Basic bm9jb2xvbg=="),
        ] {
            let answer = send(path, authorization);
            assert_eq!(
                (answer.status, answer.header("tabellion-code")),
                (401, Some("invalid_api_key")),
                "{path}"
            );
            error(&answer);
        }
    }
    assert!(fixture.records().iter().all(|seen| !seen.header.record_type.as_str().starts_with("call.")));
    for authorization in [basic("tabellion", &api_key()), basic(&api_key(), "")] {
        assert_eq!(
            send("/presidio/analyze", Some(&authorization)).status,
            200,
            "some clients know no other way"
        );
        assert_eq!(
            send("/v1/embeddings", Some(&authorization)).status,
            401,
            "elsewhere a key has its own header"
        );
    }
    let before = fixture.ended(2).len();
    fixture.change_systems(|system| system.stage = SystemStage::Paused);
    let paused = analyze(&fixture, &json!({}));
    assert_eq!((paused.status, paused.header("tabellion-code")), (403, Some("system_not_live")));
    fixture.change_systems(|system| system.stage = SystemStage::Live);
    fixture.stop_by(None);
    let stopped = analyze(&fixture, &json!({}));
    assert_eq!(
        (stopped.status, stopped.header("tabellion-code")),
        (403, Some("stopped")),
        "a stop of everything"
    );
    assert_eq!(fixture.ended(before).len(), before, "something was answered all the same");
}

/// Requirement: G05. What cannot be recorded is not answered.
#[test]
fn without_a_record_nothing_is_told() {
    let fixture = fixture();
    fixture.hold.fail();
    let answer = analyze(&fixture, &json!({}));
    assert_eq!((answer.status, answer.header("tabellion-code")), (503, Some("evidence_unavailable")));
    assert!(error(&answer).len() > 10 && !answer.text().contains("EMAIL"), "{}", answer.text());
}
