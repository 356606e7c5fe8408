//! The digests of a call say to nobody but its caller which bytes they are of.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tabellion_gateway::{Limits, MaskingConfig, RetryConfig};
use tabellion_model::body::{Capture, Outcome};
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::client::{Answer as Got, salted};
use crate::fixture::{Fixture, Setup, chat_request, say, say_streaming};

/// How many numbers are tried: all that end in four other digits.
const TRIED: u32 = 10_000;

/// A telephone number, by its last four digits.
fn number(last: u32) -> String {
    format!("+49 30 90{last:04}")
}

fn text(last: u32) -> String {
    format!("Call {} today", number(last))
}

/// A provider that says what it was told, whole or in pieces.
fn echo() -> Script {
    Script::by(|request, _| {
        let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
        let said = openai::last_message(&request.body);
        if asked["stream"] == true {
            Answer::events(openai::stream_of(&[said.as_str()]))
        } else {
            Answer::json(200, openai::chat_of(&said))
        }
    })
}

/// Every text on record, of whatever record and field, that could be a digest.
fn digests(fixture: &Fixture) -> BTreeSet<String> {
    fn gather(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if text.len() == 64 => {
                into.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| gather(item, into)),
            Value::Object(members) => members.values().for_each(|item| gather(item, into)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    for seen in fixture.records() {
        seen.fields.values().for_each(|value| gather(value, &mut all));
    }
    all
}

/// What a record commits to of a text with this number: the request, whole and streamed, the answers, and the text by itself.
fn forms(last: u32) -> [Vec<u8>; 6] {
    let text = text(last);
    [
        say(&text),
        say_streaming(&text),
        openai::chat_of(&text).into_bytes(),
        openai::stream_of(&[text.as_str()]).into_bytes(),
        number(last).into_bytes(),
        text.into_bytes(),
    ]
}

fn salt_of(answer: &Got) -> &str {
    answer.header("tabellion-salt").expect("the caller has a salt")
}

/// Requirement: G17. Whoever reads every record of masked calls finds what was masked by no digest, whatever became of the call; its caller does, by its salt.
#[test]
fn a_masked_number_is_found_by_no_digest_on_record() {
    let pass = MaskingConfig {
        name: "numbers".to_owned(),
        purposes: vec!["testing".to_owned()],
        pass: vec!["phone".to_owned()],
        ..MaskingConfig::default()
    };
    let fixture = Fixture::with(echo(), Setup { masking: vec![pass], ..Setup::default() });
    fixture.change_systems(|system| system.capture = Capture::Masked);
    let right = 1820;
    let whole = fixture.chat(&say(&text(right)));
    assert!(!fixture.upstream.requests().remove(0).text().contains(&number(right)), "the mask did not hold");
    assert!(whole.content().contains(&number(right)), "the caller gets its value back: {}", whole.text());
    let streamed = fixture.chat(&say_streaming(&text(right)));
    let passed =
        fixture.call("POST", "/v1/chat/completions", &[("tabellion-purpose", "testing")], &say(&text(right)));
    assert_eq!(passed.status, 200, "{}", passed.text());
    assert_eq!(fixture.ended(3).len(), 3, "every call has its end");
    fixture.change(|gate| gate.policies = Arc::default());
    let denied = fixture.chat(&say(&text(right)));
    assert_eq!(denied.status, 403, "{}", denied.text());

    let known = digests(&fixture);
    for last in 0..TRIED {
        for form in forms(last) {
            let guess = hex::encode(Sha256::digest(&form));
            assert!(!known.contains(&guess), "{} is found by its digest", String::from_utf8_lossy(&form));
        }
    }
    let sent = say(&text(right));
    for (answer, bytes) in [
        (&whole, &sent),
        (&whole, &whole.body),
        (&streamed, &say_streaming(&text(right))),
        (&streamed, &streamed.body),
        (&passed, &sent),
        (&denied, &sent),
    ] {
        let own = answer.salted(bytes).expect("there were bytes");
        assert!(known.contains(&own), "its caller can show nothing of {}", String::from_utf8_lossy(bytes));
    }
    let kept = format!("{:?}", fixture.records());
    for answer in [&whole, &streamed, &passed, &denied] {
        assert!(!kept.contains(salt_of(answer)), "the salt is on record, beside what it hides");
    }
}

/// Requirement: G17. The same text in two conversations, by the same key, cannot be seen to be the same.
#[test]
fn two_conversations_with_the_same_text_share_no_digest() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let sent = say("Hello");
    let two = ["c-1", "c-2"].map(|conversation| {
        let headers = [("tabellion-conversation", conversation)];
        fixture.call("POST", "/v1/chat/completions", &headers, &sent)
    });
    assert_ne!(salt_of(&two[0]), salt_of(&two[1]), "a salt was given twice");
    let ends = fixture.ended(2);
    let calls = fixture.authorised();
    for (number, answer) in two.iter().enumerate() {
        let (call, end) = (&calls[number], &ends[number]);
        assert_eq!(call.received_salted_sha256, answer.salted(&sent));
        assert_eq!(call.forwarded_salted_sha256, call.received_salted_sha256, "it went on as it came");
        assert_eq!(end.received_salted_sha256, answer.salted(openai::CHAT.as_bytes()));
        assert_eq!(end.released_salted_sha256, end.received_salted_sha256, "it was given as it came");
        let plain =
            [&call.received_sha256, &call.forwarded_sha256, &end.received_sha256, &end.released_sha256];
        assert!(plain.iter().all(|digest| digest.is_none()), "both forms of a digest: {plain:?}");
    }
    assert_ne!(calls[0].received_salted_sha256, calls[1].received_salted_sha256);
    assert_ne!(ends[0].released_salted_sha256, ends[1].released_salted_sha256);
}

/// Requirement: G17, N25. A caller has one answer and one salt, which is that of all attempts; a request that it sends again is another.
#[test]
fn the_salt_of_an_answer_opens_the_records_of_all_attempts() {
    let retry = RetryConfig { times: 1, ..RetryConfig::default() };
    let busy = Answer::json(429, openai::ERROR_429).header("retry-after", "0");
    let script = Script::in_order([busy, Answer::json(200, openai::CHAT)]);
    let fixture = Fixture::with(script, Setup { retry, ..Setup::default() });
    let sent = say("Hello");
    let answer = fixture.chat(&sent);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let ends = fixture.ended(2);
    let calls = fixture.authorised();
    assert_eq!(calls.len(), 2, "two attempts");
    for call in &calls {
        assert_eq!(call.received_salted_sha256, answer.salted(&sent), "an attempt that nobody can open");
    }
    let [first, second] = ends.as_slice() else { panic!("{ends:?}") };
    assert_eq!(first.outcome, Outcome::Refused);
    assert_eq!(first.released_salted_sha256, None, "nothing of the first went to the caller");
    assert_eq!(first.released_sha256, Some(crate::fixture::sha256(b"")));
    assert_eq!(
        (first.received_bytes, &first.received_salted_sha256),
        (0, &None),
        "what is tried again is not read"
    );
    assert_eq!(second.released_salted_sha256, answer.salted(&answer.body));
}

/// Requirement: G17. Of a body that was too large, what was read is committed to under the salt as well.
#[test]
fn a_body_that_is_too_large_is_no_easier_to_guess() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let fixture = Fixture::with(Answer::silence(), Setup { limits, ..Setup::default() });
    let sent = say(&"x".repeat(2000));
    let mut client = fixture.connect();
    client.try_send(&chat_request(&sent));
    let answer = client.answer();
    assert_eq!(answer.code(), "body_too_large", "{}", answer.text());
    let record = fixture.denied().remove(0);
    assert_eq!(
        (record.received_sha256, &record.received_salted_sha256),
        (None, &salted(salt_of(&answer), &sent))
    );
}

/// Requirement: G17. A provider cannot give the caller another salt, by which nothing could be shown.
#[test]
fn a_salt_of_the_providers_is_not_passed_on() {
    let other = "00".repeat(16);
    let fixture = Fixture::new(Answer::json(200, openai::CHAT).header("tabellion-salt", &other));
    let answer = fixture.chat(&say("Hello"));
    let salts = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("tabellion-salt")).count();
    assert_eq!(salts, 1, "which one is it?");
    assert_ne!(salt_of(&answer), other);
    assert_eq!(fixture.authorised().remove(0).received_salted_sha256, answer.salted(&say("Hello")));
}

/// Requirement: G04, N21. Of a text that is handed over to be looked at there is no digest, also where it is more than the gateway reads.
#[test]
fn a_text_for_presidio_that_is_too_large_has_no_digest() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let fixture = Fixture::with(Answer::silence(), Setup { limits, ..Setup::default() });
    let body = serde_json::json!({ "text": "x".repeat(2000), "language": "en" }).to_string();
    let answer = fixture.call("POST", "/presidio/analyze", &[], body.as_bytes());
    assert_eq!(answer.header("tabellion-code"), Some("body_too_large"), "{}", answer.text());
    assert_eq!(answer.header("tabellion-salt"), None, "it opens nothing");
    let record = fixture.denied().remove(0);
    let nothing = Some(crate::fixture::sha256(b""));
    assert_eq!((record.received_sha256, record.received_salted_sha256), (nothing, None));
}
