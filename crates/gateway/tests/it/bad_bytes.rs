//! Personal data where a reader could overlook it: in trailers, behind a body, under a coding that nobody reads, and on the border of each limit.

use tabellion_gateway::{GuardConfig, GuardKind, GuardMode, GuardSide, Limits};
use tabellion_model::body::Capture;
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::client::Client;
use crate::fixture::{Fixture, Setup, api_key, chat_request, say, say_streaming};

const EMAIL: &str = "ada.lovelace@example.org";
/// Of the same, so that a part of it is found as well.
const PART: &str = "lovelace";
/// An empty member of gzip.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
/// How a body can say that it is compressed.
const CODINGS: [&str; 6] = ["gzip", "GZIP", "identity, gzip", "Identity,X-Gzip", "br", "deflate, identity"];

/// A provider that says what it was told, in one piece.
fn echo() -> Script {
    Script::by(|request, _| {
        let told = openai::last_message(&request.body);
        if request.text().contains("\"stream\":true") {
            Answer::events(openai::stream_of(&[told]))
        } else {
            Answer::json(200, openai::chat_of(&told))
        }
    })
}

fn limited(limits: Limits) -> Fixture {
    Fixture::with(echo(), Setup { limits, ..Setup::default() })
}

/// So much text, and the address behind it.
fn behind(bytes: usize) -> String {
    format!("{}{EMAIL}", "a ".repeat(bytes / 2))
}

/// Nothing of the address is in what was sent or written.
fn nowhere(fixture: &Fixture, what: &str) {
    for request in fixture.upstream.requests() {
        assert!(!request.head.contains(PART), "{what}: it left in a header: {}", request.head);
        assert!(!request.text().contains(PART), "{what}: it left: {}", request.text());
    }
    let reader = fixture.ledger.reader();
    for index in 0..reader.size() {
        let bytes = reader.entry(index).expect("an entry").bytes;
        assert!(!String::from_utf8_lossy(&bytes).contains(PART), "{what}: it is in the log");
    }
    for seen in fixture.records() {
        let fields = serde_json::to_string(&seen.fields).expect("JSON");
        assert!(!fields.contains(PART), "{what}: it is on record: {fields}");
    }
}

/// Requirement: G04, G17. What comes behind a body in chunks is nobody's to read: it goes no further, and is not on record.
#[test]
fn what_a_trailer_says_goes_nowhere() {
    let fixture = Fixture::new(echo());
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {}\r\nTrailer: X-Note\r\nTransfer-Encoding: chunked\r\n\r\n",
        api_key()
    );
    let body = say("Hello");
    let mut client: Client = fixture.connect();
    client.send(head.as_bytes());
    client.send(format!("{:x}\r\n", body.len()).as_bytes());
    client.send(&body);
    client.send(format!("\r\n0\r\nX-Note: {EMAIL}\r\nTabellion-Purpose: testing\r\n\r\n").as_bytes());
    let answer = client.answer();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.content(), "Hello");
    assert_eq!(fixture.authorised().remove(0).purpose, "loan-support", "a trailer says what a call is for");
    nowhere(&fixture, "a trailer");
}

/// Requirement: G04. A body that is compressed, or goes on as something that is, is no request, whatever it calls itself.
#[test]
fn what_is_compressed_or_ends_so_is_no_request() {
    let fixture = Fixture::new(Script::by(|_, _| panic!("something was sent")));
    let tailed = [say(EMAIL).as_slice(), GZIP].concat();
    let mut codings: Vec<Option<&str>> = CODINGS.into_iter().map(Some).collect();
    codings.push(None);
    for coding in codings {
        for (what, body) in [("a member of gzip", GZIP), ("one behind plain bytes", tailed.as_slice())] {
            let headers: Vec<(&str, &str)> =
                coding.iter().map(|coding| ("Content-Encoding", *coding)).collect();
            let answer = fixture.call("POST", "/v1/chat/completions", &headers, body);
            assert_eq!(answer.code(), "malformed_body", "{what} as {coding:?}: {}", answer.text());
        }
    }
    assert!(fixture.authorised().is_empty(), "nothing of it was permitted");
    nowhere(&fixture, "a body that is compressed");
}

/// Requirement: G04, G17. Plain bytes that call themselves compressed are read as what they are; and the provider is not told to read them otherwise.
#[test]
fn no_coding_of_a_request_leaves() {
    for coding in CODINGS {
        let fixture = Fixture::new(echo());
        let headers = [("Content-Encoding", coding), ("Content-Type", "application/json")];
        let answer = fixture.call("POST", "/v1/chat/completions", &headers, &say(EMAIL));
        assert_eq!(answer.content(), EMAIL, "{coding}: {}", answer.text());
        let sent = fixture.upstream.requests().remove(0);
        assert_eq!(sent.header("content-encoding"), None, "{coding}: the provider reads something else");
        nowhere(&fixture, coding);
    }
}

/// Requirement: G17. An answer under a coding was not read here, so it is none; in each of the ways to say it, in two headers too.
#[test]
fn an_answer_that_is_compressed_is_none() {
    let whole = || Answer::json(200, openai::CHAT);
    let streamed = || Answer::events(openai::STREAM);
    for coding in CODINGS {
        for (what, answer, body) in [
            ("whole", whole().header("content-encoding", coding), say("Hello")),
            ("a stream", streamed().header("content-encoding", coding), say_streaming("Hello")),
            (
                "whole, in two headers",
                whole().header("content-encoding", "identity").header("content-encoding", coding),
                say("Hello"),
            ),
        ] {
            let fixture = Fixture::new(answer);
            let answer = fixture.chat(&body);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (502, "upstream_malformed"),
                "{what} as {coding}: {}",
                answer.text()
            );
        }
    }
    let tailed = [openai::CHAT.as_bytes(), GZIP].concat();
    let answer = Fixture::new(Answer::json(200, tailed)).chat(&say("Hello"));
    assert_eq!(answer.code(), "upstream_malformed", "something behind an answer is passed on unread");
    let plain = whole().header("content-encoding", "Identity");
    assert_eq!(Fixture::new(plain).chat(&say("Hello")).status, 200, "that is none");
}

/// Requirement: G17. A value on the border of the largest body is not half there: the request is refused, and nothing of it is anywhere.
#[test]
fn a_value_on_the_border_of_the_largest_body_is_nowhere() {
    let frame = say("|");
    let before = frame.iter().position(|byte| *byte == b'|').expect("where the text stands");
    for inside in 1..EMAIL.len() {
        let fixture = limited(Limits { body_bytes: 1000, ..Limits::default() });
        let body = say(&format!("{}{EMAIL}", " ".repeat(1000 - inside - before)));
        let cut = String::from_utf8_lossy(&body[..1000]).into_owned();
        assert!(cut.ends_with(&EMAIL[..inside]), "the test makes the border that it means: {cut}");
        let mut client = fixture.connect();
        client.try_send(&chat_request(&body));
        assert_eq!(client.answer().code(), "body_too_large", "{inside} within the limit");
        nowhere(&fixture, "a body that is too large");
    }
}

/// Requirement: V39, G17. A value on the border of what a record keeps is kept as its placeholder or withheld with all the rest, prompt and answer alike.
#[test]
fn a_value_on_the_border_of_what_is_kept_is_kept_masked_or_not_at_all() {
    let fixture = limited(Limits { capture_bytes: 1000, ..Limits::default() });
    fixture.change_systems(|system| system.capture = Capture::Masked);
    let sizes: Vec<usize> = (700..=1000).step_by(10).collect();
    for size in &sizes {
        let text = behind(*size);
        assert_eq!(fixture.chat(&say(&text)).content(), text, "the caller gets something else");
    }
    let prompts = fixture.authorised().into_iter().map(|call| (call.prompt, call.prompt_withheld));
    let answers = fixture.ended(sizes.len()).into_iter().map(|end| (end.answer, end.answer_withheld));
    for (which, all) in [("prompts", prompts.collect::<Vec<_>>()), ("answers", answers.collect())] {
        let (kept, withheld): (Vec<_>, Vec<_>) = all.into_iter().partition(|(text, _)| text.is_some());
        assert!(!kept.is_empty() && !withheld.is_empty(), "{which}: the border was not met");
        for (text, _) in kept {
            let text = text.unwrap_or_default();
            assert!(text.contains("<EMAIL_"), "{which}: a part is kept: {text}");
        }
        for (_, why) in withheld {
            assert_eq!(why.as_deref(), Some("too_large"), "{which}");
        }
    }
    nowhere(&fixture, "what is kept");
}

/// Requirement: G17. A value on the border of the largest event or answer comes back whole, or an error and nothing of it.
#[test]
fn a_value_on_the_border_of_an_event_or_an_answer_is_whole_or_not_there() {
    let (events, answers) = (
        Limits { event_bytes: 600, ..Limits::default() },
        Limits { answer_bytes: 1000, ..Limits::default() },
    );
    for (what, limits, sizes, streamed) in
        [("an event", events, 200..600, true), ("an answer", answers, 400..1000, false)]
    {
        let fixture = limited(limits);
        let (mut whole, mut none) = (0, 0);
        for size in sizes.step_by(10) {
            let text = behind(size);
            let body = if streamed { say_streaming(&text) } else { say(&text) };
            let answer = fixture.chat(&body);
            if answer.text().contains("upstream_too_large") {
                none += 1;
                for part in ["<EMAIL_", "lovelace"] {
                    assert!(!answer.text().contains(part), "{what} of {size}: {}", answer.text());
                }
            } else {
                whole += 1;
                assert_eq!(answer.content(), text, "{what} of {size}");
            }
        }
        assert!(whole > 0 && none > 0, "{what}: the border was not met: {whole} whole, {none} not");
        nowhere(&fixture, what);
    }
}

/// Requirement: N20. A word that a guard looks for is found across the pieces of a stream, however much came before it.
#[test]
fn a_word_on_the_border_of_what_a_guard_holds_back_is_found() {
    for before in [0, 64, 256, 1024, 4096, 16_384, 65_536] {
        for cut in 1..5 {
            let (first, second) = "heron".split_at(cut);
            let text = "a ".repeat(before / 2);
            let words = GuardConfig {
                mode: GuardMode::Block,
                on: vec![GuardSide::Answer],
                words: vec!["heron".to_owned()],
                ..GuardConfig::new("house-words", GuardKind::Words)
            };
            let stream = openai::stream_of(&[text.as_str(), first, second, " flew off."]);
            let setup = Setup { guards: vec![words], ..Setup::default() };
            let fixture = Fixture::with(Answer::events(stream), setup);
            let answer = fixture.chat(&say_streaming("Hello"));
            assert!(!answer.content().contains("heron"), "cut at {cut} behind {before} bytes");
            assert!(answer.text().contains("guard_blocked"), "{before} {cut}: the caller is not told");
        }
    }
}
