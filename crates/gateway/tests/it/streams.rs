//! Streams in which nothing is masked pass byte for byte, however the network cut them; token counts are asked for and dropped again.

use tabellion_model::body::Outcome;
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, say_streaming};

#[test]
fn a_stream_passes_byte_for_byte_however_it_was_cut() {
    for (name, stream) in
        [("text", openai::STREAM), ("tools", openai::STREAM_TOOLS), ("odd", openai::STREAM_ODD)]
    {
        for answer in [
            Answer::events(stream),
            Answer::events(stream).every_byte(),
            Answer::events(stream).in_pieces(7),
            Answer::events(stream).in_pieces(1000),
            Answer::events(stream).in_pieces(stream.len()),
        ] {
            let fixture = Fixture::new(answer);
            let answer = fixture.chat(&say_streaming("Hello"));
            assert_eq!(answer.text(), stream, "the {name} stream was changed on its way");
            let end = fixture.end();
            assert_eq!(end.outcome, Outcome::Answered, "the {name} stream is whole");
            assert_eq!(end.released_salted_sha256, answer.salted(stream.as_bytes()), "what the client got");
        }
    }
}

#[test]
fn tool_calls_pass_and_are_named_in_the_record() {
    let fixture = Fixture::new(Answer::events(openai::STREAM_TOOLS).in_pieces(11));
    let answer = fixture.chat(&say_streaming("Hello"));
    assert!(
        answer.arguments().starts_with(openai::TOOL_ARGUMENTS),
        "arguments must reach the client byte for byte"
    );
    let end = fixture.end();
    assert_eq!(
        end.answered.tools.first().map(String::as_str),
        Some("lookup_rate"),
        "what the model asked for"
    );
    assert_eq!(end.answered.finish_reason.as_deref(), Some("tool_calls"), "why it stopped");
}

#[test]
fn token_counts_are_asked_for_and_dropped_when_the_client_did_not_ask() {
    let fixture = Fixture::new(Answer::events(openai::STREAM_USAGE));
    let answer = fixture.chat(&say_streaming("Hello"));
    let sent = fixture.upstream.requests().remove(0).text();
    assert!(
        sent.ends_with(r#","stream_options":{"include_usage":true}}"#),
        "the provider is asked to count: {sent}"
    );
    assert!(!answer.text().contains("\"choices\":[]"), "the client did not ask for this event");
    assert_eq!(answer.content(), openai::TEXT, "all text is there");
    assert_eq!(answer.events().pop().as_deref(), Some("[DONE]"), "and the end");
    assert!(fixture.end().answered.usage.is_some(), "the call's cost is on record");
}

#[test]
fn token_counts_are_passed_on_when_the_client_asked() {
    for (options, sent_options) in [
        (r#"{"include_usage":true}"#, r#"{"include_usage":true}"#),
        (r#"{ "include_usage" : true }"#, r#"{ "include_usage" : true }"#),
        (r#"{"include_usage":false}"#, r#"{"include_usage":true}"#),
        ("{}", r#"{"include_usage":true}"#),
        (r#"{"include_obfuscation":false}"#, r#"{"include_obfuscation":false,"include_usage":true}"#),
        ("null", r#"{"include_usage":true}"#),
    ] {
        let fixture = Fixture::new(Answer::events(openai::STREAM_USAGE));
        let body = format!(r#"{{"stream_options":{options},"model":"model-a","stream":true,"messages":[]}}"#);
        let answer = fixture.chat(body.as_bytes());
        let sent = fixture.upstream.requests().remove(0).text();
        assert_eq!(sent, body.replace(options, sent_options), "nothing but the one member changes");
        let asked = options.replace(' ', "") == r#"{"include_usage":true}"#;
        assert_eq!(
            answer.text().contains("\"choices\":[]"),
            asked,
            "with {options} the client asked: {asked}"
        );
    }
}

#[test]
fn a_stream_has_the_headers_that_keep_it_flowing() {
    let fixture = Fixture::new(Answer::events(openai::STREAM));
    let answer = fixture.chat(&say_streaming("Hello"));
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/event-stream"), "the library reads events: {kind}");
    assert!(answer.header("tabellion-record").is_some(), "its record is named before its first event");
}
