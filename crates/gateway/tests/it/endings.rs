//! Whatever fails in between: one end record for each call, which says what the client got, and a clear error in the library's form.

use std::time::Duration;

use tabellion_gateway::Limits;
use tabellion_model::body::{Delivered, Outcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, End, Framing, Gate, openai};

use crate::client::salted;
use crate::fixture::{Fixture, Setup, say, say_streaming};

/// Limits that a test can wait for.
fn short() -> Limits {
    Limits {
        first_byte_ms: 300,
        idle_ms: 300,
        client_stall_ms: 300,
        answer_bytes: 64 << 10,
        ..Limits::default()
    }
}

fn fixture(answer: Answer) -> Fixture {
    Fixture::with(answer, Setup { limits: short(), ..Setup::default() })
}

#[test]
fn a_provider_that_fails_is_told_apart_by_its_code() {
    let html = Answer::with_body(502, "text/html", "<h1>Bad Gateway</h1>");
    let table: [(&str, Answer, u16, &str); 13] = [
        ("closes without a word", Answer::raw(""), 502, "upstream_broke_off"),
        ("speaks no HTTP", Answer::raw("220 mail.example ESMTP\r\n\r\n"), 502, "upstream_malformed"),
        ("never answers", Answer::silence(), 504, "upstream_timeout"),
        ("dies in its answer", Answer::json(200, openai::CHAT).cut_after(100), 502, "upstream_broke_off"),
        (
            "is reset in its answer",
            Answer::json(200, openai::CHAT).stop_after(100, End::Reset),
            502,
            "upstream_broke_off",
        ),
        (
            "stops in its answer",
            Answer::json(200, openai::CHAT).stop_after(100, End::Silence),
            504,
            "upstream_timeout",
        ),
        ("answers 200 with rubbish", Answer::json(200, "hello"), 502, "upstream_malformed"),
        ("answers 200 with another object", Answer::json(200, "{}"), 502, "upstream_malformed"),
        ("answers 200 with an error", Answer::json(200, openai::ERROR_500), 502, "upstream_malformed"),
        ("answers with a page", html, 502, "upstream_malformed"),
        (
            "compresses unasked",
            Answer::json(200, openai::CHAT).header("content-encoding", "gzip"),
            502,
            "upstream_malformed",
        ),
        ("streams unasked", Answer::events(openai::STREAM), 502, "upstream_malformed"),
        (
            "answers without end",
            Answer::json(200, "[").framed(Framing::Chunked).then_forever("1,"),
            502,
            "upstream_too_large",
        ),
    ];
    for (what, answer, status, code) in table {
        let fixture = fixture(answer);
        let got = fixture.chat(&say("Hello"));
        assert_eq!(
            (got.status, got.code().as_str()),
            (status, code),
            "a provider that {what}: {}",
            got.text()
        );
        let end = fixture.end();
        assert_eq!(end.code.as_deref(), Some(code), "a provider that {what}: the record says why");
        assert_eq!(
            (end.outcome, end.delivered),
            (Outcome::Failed, Delivered::Nothing),
            "a provider that {what}"
        );
        assert_eq!(
            end.released_salted_sha256,
            got.salted(&got.body),
            "a provider that {what}: what the client got"
        );
    }
}

#[test]
fn nobody_at_the_providers_address_is_said_and_recorded() {
    let setup = Setup { base_url: Some(Upstream::nobody()), ..Setup::default() };
    let fixture = Fixture::with(Answer::silence(), setup);
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_unreachable"), "{}", answer.text());
    assert_eq!(fixture.end().outcome, Outcome::Failed, "the record says that it failed");
}

#[test]
fn the_providers_own_error_is_passed_on() {
    for (status, error) in [
        (400, openai::ERROR_400),
        (429, openai::ERROR_429),
        (500, openai::ERROR_500),
        (503, openai::ERROR_503),
    ] {
        for body in [say("Hello"), say_streaming("Hello")] {
            let fixture = fixture(Answer::json(status, error).header("retry-after", "7"));
            let answer = fixture.chat(&body);
            assert_eq!(
                (answer.status, answer.text()),
                (status, error),
                "the library reads the provider's own words"
            );
            assert_eq!(answer.header("retry-after"), Some("7"), "and when it may try again");
            let end = fixture.end();
            assert_eq!(
                (end.outcome, end.code.as_deref()),
                (Outcome::Refused, Some("upstream_refused")),
                "recorded as refused"
            );
            assert_eq!(end.upstream_status, Some(u64::from(status)), "with the provider's status");
        }
    }
}

#[test]
fn a_provider_that_refuses_the_gateways_key_does_not_blame_the_clients() {
    for status in [401, 403] {
        for answer in [
            Answer::json(status, openai::ERROR_401).header("www-authenticate", "Bearer"),
            Answer::with_body(status, "text/html", "<h1>Who are you?</h1>"),
        ] {
            for body in [say("Hello"), say_streaming("Hello")] {
                let fixture = fixture(answer.clone());
                let got = fixture.chat(&body);
                assert_eq!(
                    (got.status, got.code().as_str()),
                    (502, "upstream_refused"),
                    "a library would tell its user that their key is wrong: {}",
                    got.text()
                );
                assert_eq!(got.header("x-should-retry"), Some("false"), "the same key will not do better");
                assert_eq!(
                    got.header("www-authenticate"),
                    None,
                    "the provider asks the gateway, not its client"
                );
                let message = got.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
                assert!(message.contains("operator"), "nobody knows whose turn it is: {message}");
                assert!(
                    !got.text().contains("Incorrect API key"),
                    "words about a key that is not the client's"
                );
                let end = fixture.end();
                assert_eq!(
                    (end.outcome, end.code.as_deref(), end.delivered),
                    (Outcome::Refused, Some("upstream_refused"), Delivered::Nothing),
                    "recorded as refused by the provider"
                );
                assert_eq!(
                    (end.status, end.upstream_status),
                    (502, Some(u64::from(status))),
                    "with both statuses"
                );
                assert_eq!(end.released_salted_sha256, got.salted(&got.body), "and what the client got");
            }
        }
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_ends_in_an_error() {
    let stream = openai::STREAM;
    let cuts: Vec<usize> = (0..stream.len() - openai::DONE.len() - 1).step_by(97).collect();
    for cut in cuts {
        let fixture = fixture(Answer::events(stream).cut_after(cut));
        let answer = fixture.chat(&say_streaming("Hello"));
        let last = answer.events().pop().expect("at least the error");
        assert!(
            last.contains("\"code\":\"upstream_broke_off\""),
            "cut after {cut} bytes the client saw: {last}"
        );
        assert!(!answer.text().contains("[DONE]"), "cut after {cut} bytes the answer looked whole");
        let end = fixture.end();
        assert_eq!(end.outcome, Outcome::Failed, "cut after {cut} bytes");
        let first = stream.find("\n\n").expect("an event") + 2;
        let delivered = if cut < first { Delivered::Nothing } else { Delivered::Partial };
        assert_eq!(end.delivered, delivered, "cut after {cut} bytes: what the client got");
        assert_eq!(
            end.released_salted_sha256,
            answer.salted(&answer.body),
            "cut after {cut} bytes: what the client got"
        );
    }
}

#[test]
fn a_stream_that_goes_wrong_is_cut_with_its_reason() {
    let start = openai::content_event("Hello");
    let table: [(&str, Answer, &str, Outcome); 6] = [
        (
            "holds rubbish",
            Answer::events(format!("{start}data: {{nonsense}}\n\n")),
            "upstream_malformed",
            Outcome::Failed,
        ),
        (
            "holds no object",
            Answer::events(format!("{start}data: 7\n\n")),
            "upstream_malformed",
            Outcome::Failed,
        ),
        (
            "stalls",
            Answer::events(start.clone()).stop_after(start.len(), End::Silence),
            "upstream_timeout",
            Outcome::Failed,
        ),
        (
            "never ends",
            Answer::events(start.clone()).then_forever(start.clone()),
            "upstream_too_large",
            Outcome::Failed,
        ),
        ("ends in the middle", Answer::events(start.clone()), "upstream_broke_off", Outcome::Failed),
        (
            "has a line without end",
            Answer::events(start.clone()).then_forever("x".repeat(4096)),
            "upstream_too_large",
            Outcome::Failed,
        ),
    ];
    for (what, answer, code, outcome) in table {
        let fixture = fixture(answer);
        let answer = fixture.chat(&say_streaming("Hello"));
        assert!(answer.content().starts_with("Hello"), "a stream that {what}: what came before is passed on");
        let last = answer.events().pop().expect("events");
        assert!(last.contains(&format!("\"code\":\"{code}\"")), "a stream that {what}: {last}");
        let end = fixture.end();
        assert_eq!((end.outcome, end.code.as_deref()), (outcome, Some(code)), "a stream that {what}");
        assert_eq!(end.delivered, Delivered::Partial, "a stream that {what}");
        assert_eq!(
            end.released_salted_sha256,
            answer.salted(&answer.body),
            "a stream that {what}: what the client got"
        );
    }
}

#[test]
fn the_providers_error_in_a_stream_is_passed_on_as_its_end() {
    let fixture = fixture(Answer::events(openai::STREAM_ERROR));
    let answer = fixture.chat(&say_streaming("Hello"));
    assert_eq!(answer.text(), openai::STREAM_ERROR, "the provider's own words, and nothing after them");
    let end = fixture.end();
    assert_eq!((end.outcome, end.delivered), (Outcome::Refused, Delivered::Partial), "it is no whole answer");
}

#[test]
fn a_provider_that_forgets_the_last_event_has_answered_all_the_same() {
    let stream = openai::STREAM.strip_suffix(openai::DONE).expect("a whole stream");
    let fixture = fixture(Answer::events(stream));
    let answer = fixture.chat(&say_streaming("Hello"));
    assert_eq!(answer.text(), stream, "nothing is added to what the provider said");
    assert_eq!(fixture.end().outcome, Outcome::Answered, "every choice said why it stopped");
}

#[test]
fn a_client_that_leaves_before_the_answer_is_recorded_and_the_provider_is_told() {
    let gate = Gate::new();
    let fixture = Fixture::new(Answer::json(200, openai::CHAT).held_at(&gate));
    let client = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the call reaches the provider");
    client.leave();
    let end = fixture.end();
    assert_eq!(
        (end.outcome, end.delivered),
        (Outcome::Abandoned, Delivered::Nothing),
        "nobody got an answer"
    );
    assert_eq!(end.code.as_deref(), Some("client_gone"), "and why");
    // Only when it writes again does the provider see that nobody reads.
    gate.open();
    assert!(fixture.upstream.wait_for_hang_ups(1), "the provider works on for nobody");
}

#[test]
fn a_client_that_leaves_a_stream_has_got_a_part_and_the_record_says_which() {
    let gate = Gate::new();
    let first = openai::STREAM.match_indices("\n\n").nth(2).expect("three events").0 + 2;
    let fixture = Fixture::new(Answer::events(openai::STREAM).pause_after(first, &gate));
    let mut client = fixture.ask(&say_streaming("Hello"));
    client.read_until("instal");
    let salt = client.salt();
    client.leave();
    let end = fixture.end();
    assert_eq!((end.outcome, end.delivered), (Outcome::Abandoned, Delivered::Partial), "it got a part");
    let part = salted(&salt, &openai::STREAM.as_bytes()[..first]);
    assert_eq!(end.released_salted_sha256, part, "exactly this part");
    // Only when it writes again does the provider see that nobody reads.
    gate.open();
    assert!(fixture.upstream.wait_for_hang_ups(1), "the provider works on for nobody");
}

#[test]
fn a_client_that_takes_nothing_does_not_hold_the_stream_for_ever() {
    let event = openai::content_event(&"word ".repeat(2000));
    let limits = Limits { answer_bytes: 1 << 30, ..short() };
    let setup = Setup { limits, ..Setup::default() };
    let fixture = Fixture::with(Answer::events(event.clone()).then_forever(event), setup);
    let client = fixture.ask(&say_streaming("Hello"));
    let end = fixture.end();
    assert_eq!(
        (end.outcome, end.delivered),
        (Outcome::Abandoned, Delivered::Partial),
        "its connection is as good as gone"
    );
    client.leave();
}

#[test]
fn a_call_has_an_end_in_time() {
    let event = openai::content_event("word ");
    let limits = Limits { answer_bytes: 1 << 30, total_ms: 400, ..Limits::default() };
    let setup = Setup { limits, ..Setup::default() };
    let fixture = Fixture::with(Answer::events(event.clone()).then_forever(event), setup);
    let answer = fixture.chat(&say_streaming("Hello"));
    assert!(answer.events().pop().expect("events").contains("upstream_timeout"), "an endless stream is cut");
    assert_eq!(fixture.end().outcome, Outcome::Cut, "by the gateway");
}

#[test]
fn many_calls_at_once_each_have_their_end() {
    let script = tabellion_testkit::upstream::Script::by(|_, number| match number % 5 {
        0 => Answer::json(200, openai::CHAT),
        1 => Answer::json(200, "rubbish"),
        2 => Answer::raw(""),
        3 => Answer::json(429, openai::ERROR_429),
        _ => Answer::json(200, openai::CHAT).cut_after(50),
    });
    let fixture = Fixture::new(script);
    std::thread::scope(|scope| {
        for number in 0..40 {
            let fixture = &fixture;
            scope.spawn(move || {
                let client = fixture.ask(&say("Hello"));
                if number % 4 == 0 { client.leave() } else { drop({ client }.answer()) }
            });
        }
    });
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while fixture.gateway.as_ref().expect("it serves").metrics().open_calls() > 0 {
        assert!(std::time::Instant::now() < deadline, "a call stayed open");
        std::thread::yield_now();
    }
    fixture.check_pairs();
    let (begun, ended) = (fixture.authorised().len(), fixture.ended(0).len());
    assert_eq!(begun, ended, "a call has no end on record");
}
