//! The provider's key in what the provider says back in pieces: it goes nowhere, and the record says that the answer was none.

use serde_json::json;
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSide};
use tabellion_model::body::{Body as _, CallCompleted, Delivered, Outcome, RouteClass};
use tabellion_testkit::upstream::{Answer, anthropic, openai, responses};

use crate::fixture::{Fixture, PROVIDER_KEY, Setup, say_streaming};
use crate::opaque::opened;

/// How the one call ended, with its code.
fn ended(fixture: &Fixture) -> (CallCompleted, String) {
    let end = fixture.end();
    let seen = fixture.of_type(CallCompleted::TYPE).remove(0);
    (end, seen.fields.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned())
}

/// The key, each of its characters as an escape of JSON.
fn escaped() -> String {
    let escapes: Vec<String> = PROVIDER_KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    escapes.concat()
}

/// Requirement: G19. A key that a stream's events bring, in a text or beside it, as it is or as escapes, goes nowhere; what came before it does.
#[test]
fn a_key_in_an_event_of_a_stream_goes_nowhere() {
    let good = openai::content_event("fine");
    let beside = |key: &str| {
        format!(
            "data: {{\"id\":\"{key}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"x\"}}}}]}}\n\n"
        )
    };
    for told in [
        openai::content_event(&format!("my key is {PROVIDER_KEY}")),
        beside(PROVIDER_KEY),
        beside(&escaped()),
        format!(": {PROVIDER_KEY}\n\n"),
        format!("data: [DONE]\n: {PROVIDER_KEY}\n\n"),
    ] {
        for size in [1, 7, 4096] {
            let stream = format!("{good}{told}{}", openai::STREAM);
            let fixture = Fixture::new(Answer::events(stream).in_pieces(size));
            let answer = fixture.chat(&say_streaming("Hello"));
            let text = answer.text();
            assert!(text.starts_with(&good), "what came before is kept back: {text}");
            assert!(!text.contains(PROVIDER_KEY) && !text.contains(&escaped()), "it got out: {text}");
            assert!(text.contains("upstream_malformed") && !text.contains("[DONE]"), "{text}");
            let (end, code) = ended(&fixture);
            assert_eq!((end.outcome, code.as_str()), (Outcome::Failed, "upstream_malformed"), "{told}");
            assert_eq!(end.delivered, Delivered::Partial, "{told}");
            assert_eq!(end.released_salted_sha256, answer.salted(&answer.body), "what the caller got");
        }
    }
}

/// Requirement: G19. A key in a text that two events bring is found wherever it is cut, on every interface; of its characters the caller sees three at most.
#[test]
fn a_key_in_pieces_of_a_text_goes_nowhere() {
    type Stream = fn(&[String]) -> String;
    let surfaces: [(Api, &str, Stream); 4] = [
        (Api::OpenAi, "/v1/chat/completions", |pieces| openai::stream_of(pieces)),
        (Api::OpenAi, "/v1/chat/completions", |pieces| openai::tool_stream_of("t", pieces)),
        (Api::OpenAi, "/v1/responses", |pieces| responses::stream_of(pieces)),
        (Api::Anthropic, "/v1/messages", |pieces| anthropic::stream_of(pieces)),
    ];
    for (api, path, stream) in surfaces {
        for cut in (1..PROVIDER_KEY.len()).step_by(3) {
            let (one, two) = PROVIDER_KEY.split_at(cut);
            let pieces = ["Look: ", one, two, " and more"].map(str::to_owned);
            let fixture = Fixture::with(Answer::events(stream(&pieces)), Setup { api, ..Setup::default() });
            let said = json!([{ "role": "user", "content": "Hello" }]);
            let (messages, input) =
                if path.ends_with("responses") { (None, Some(said)) } else { (Some(said), None) };
            let mut body = json!({ "model": "model-a", "stream": true });
            for (name, value) in [("messages", messages), ("input", input)] {
                if let Some(value) = value {
                    body[name] = value;
                }
            }
            if api == Api::Anthropic {
                body["max_tokens"] = 9.into();
            }
            let answer = fixture.send_json(path, &body);
            let text = answer.text();
            assert!(text.contains("Look: "), "{path} {cut}: what came before is kept back: {text}");
            assert!(!text.contains(&format!("\"{two}\"")), "{path} {cut}: its end got out: {text}");
            assert!(cut <= 3 || !text.contains(&one[..4]), "{path} {cut}: its beginning got out: {text}");
            let (end, code) = ended(&fixture);
            assert_eq!((end.outcome, code.as_str()), (Outcome::Failed, "upstream_malformed"), "{path} {cut}");
        }
    }
}

/// Requirement: G19. The same where a guard looks at the stream, and where its error tells the key.
#[test]
fn a_guard_lets_no_key_through_and_an_error_that_tells_it_is_a_refusal() {
    let guards = vec![GuardConfig {
        on: vec![GuardSide::Answer],
        words: vec!["heron".to_owned()],
        ..GuardConfig::new("house-words", GuardKind::Words)
    }];
    let (one, two) = PROVIDER_KEY.split_at(9);
    let stream = openai::stream_of(&["Look: ", one, two, " and more"]);
    let fixture = Fixture::with(Answer::events(stream), Setup { guards, ..Setup::default() });
    let answer = fixture.chat(&say_streaming("Hello"));
    let text = answer.text();
    assert!(!text.contains(two) && !text.contains(one), "it got out: {text}");
    assert_eq!(ended(&fixture).1, "upstream_malformed");

    for key in [PROVIDER_KEY.to_owned(), escaped()] {
        let error = format!("data: {{\"error\":{{\"message\":\"no: {key}\",\"type\":\"x\"}}}}\n\n");
        let fixture = Fixture::new(Answer::events(format!("{}{error}", openai::content_event("fine"))));
        let answer = fixture.chat(&say_streaming("Hello"));
        let text = answer.text();
        assert!(!text.contains(&key), "it got out: {text}");
        let (end, code) = ended(&fixture);
        assert_eq!((end.outcome, code.as_str()), (Outcome::Refused, "upstream_refused"));
    }
    let whole = openai::chat_of("fine").replace("fine", &escaped());
    let fixture = Fixture::new(Answer::json(200, whole));
    let answer = fixture.chat(&crate::fixture::say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_malformed"));
}

/// Requirement: G19. A stream of which texts end as keys begin passes byte for byte, whatever comes after them.
#[test]
fn what_merely_begins_as_a_key_passes() {
    let (begin, _) = PROVIDER_KEY.split_at(9);
    for pieces in [vec!["its", " s", "sk", "-", "x"], vec!["Look: ", begin, " no"], vec!["ends with ", begin]]
    {
        let stream = openai::stream_of(&pieces);
        let fixture = Fixture::new(Answer::events(stream.clone()).in_pieces(50));
        assert_eq!(fixture.chat(&say_streaming("Hello")).text(), stream, "{pieces:?} was changed on its way");
        assert_eq!(fixture.end().outcome, Outcome::Answered);
    }
}

/// Requirement: G19, N22. On a declared route nothing of a key goes on, however the answer is cut; it breaks off, and is on record as no answer. One that has none passes as it came.
#[test]
fn a_key_in_an_answer_that_nothing_looks_into_breaks_it_off() {
    let refused = (Outcome::Refused, "upstream_refused");
    let malformed = (Outcome::Failed, "upstream_malformed");
    for (status, key, due) in [
        (200, PROVIDER_KEY.to_owned(), malformed),
        (200, escaped(), malformed),
        (400, PROVIDER_KEY.to_owned(), refused),
    ] {
        for size in [1, 5, 11, 4096] {
            let body = format!("{{\"text\":\"{} {key} and more\"}}", "words sk-provider- ".repeat(3));
            let script = Answer::json(status, body.clone()).in_pieces(size);
            let fixture = opened(script, &[RouteClass::Files], Setup::default());
            let mut client = fixture.connect();
            let bearer = format!("Bearer {}", crate::fixture::api_key());
            client.send(&crate::client::request(
                "GET",
                "/v1/files/file-1/content",
                &[("Authorization", &bearer)],
                b"",
            ));
            while !client.is_over() {}
            let got = String::from_utf8_lossy(&client.buffer).into_owned();
            assert!(!got.contains(&key) && !got.contains("and more"), "by {size} it got out: {got}");
            let (end, code) = ended(&fixture);
            assert_eq!((end.outcome, code.as_str()), due, "{status} by {size}");
            assert_ne!(end.delivered, Delivered::Whole);
        }
    }
    let sound = format!("sk-provider-{}sk-provider-secre", "x".repeat(70_000)).into_bytes();
    for size in [1000, 70_012, 100_000] {
        let script = Answer::with_body(200, "audio/mpeg", sound.clone()).in_pieces(size);
        let fixture = opened(script, &[RouteClass::Files], Setup::default());
        let answer = fixture.call("GET", "/v1/files/file-1/content", &[], b"");
        assert!(answer.body == sound, "what is no key was changed on its way, by {size}");
        assert_eq!(fixture.end().outcome, Outcome::Answered);
    }
}

/// Requirement: G19. A header that holds a key goes no further, also where its name does, which is in small letters however it was sent; the answer does.
#[test]
fn a_header_that_tells_a_key_is_taken_away() {
    let shouted = PROVIDER_KEY.to_ascii_uppercase();
    let (one, two) = (format!("x-req-{PROVIDER_KEY}"), format!("{shouted}-Id"));
    for script in [Answer::json(200, openai::chat_of("fine")), Answer::events(openai::STREAM)] {
        let is_stream = script.body() == openai::STREAM.as_bytes();
        let script =
            script.header(&one, "1").header(&two, "2").header("x-echo", PROVIDER_KEY).header("x-kept", "3");
        let fixture = Fixture::new(script);
        let asked = if is_stream { say_streaming("Hello") } else { crate::fixture::say("Hello") };
        let answer = fixture.chat(&asked);
        assert_eq!((answer.status, answer.header("x-kept")), (200, Some("3")));
        for gone in [one.as_str(), two.to_ascii_lowercase().as_str(), "x-echo"] {
            assert_eq!(answer.header(gone), None, "{gone} got out");
        }
        assert_eq!(fixture.end().outcome, Outcome::Answered);
    }
}
