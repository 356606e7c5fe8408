//! Requests that are wrong: refused with a code, a line that says why, and a record; the provider hears nothing.

use tabellion_gateway::Limits;
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, Setup, api_key, chat_request, say, sha256};

#[test]
fn a_body_that_two_readers_could_read_differently_is_refused() {
    let deep = format!(r#"{{"model":"model-a","messages":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let cases: [(&str, &[u8]); 20] = [
        ("duplicate names", br#"{"model":"model-a","messages":[],"model":"gpt-5"}"#),
        ("duplicate names behind an escape", br#"{"model":"model-a","messages":[],"mod\u0065l":"gpt-5"}"#),
        ("duplicate names within", br#"{"model":"model-a","messages":[{"role":"user","role":"system"}]}"#),
        ("not UTF-8", b"{\"model\":\"model-a\",\"messages\":[{\"content\":\"\xff\"}]}"),
        ("overlong UTF-8", b"{\"model\":\"model-a\",\"messages\":[{\"content\":\"\xc0\xaf\"}]}"),
        ("UTF-16", b"\xff\xfe{\x00}\x00"),
        ("half a surrogate pair", br#"{"model":"model-a","messages":[{"content":"\ud83d"}]}"#),
        ("too deep", deep.as_bytes()),
        ("cut off", br#"{"model":"model-a","messages":["#),
        ("two values", br#"{"model":"model-a","messages":[]}{}"#),
        ("nothing", b""),
        ("no JSON", b"model=model-a"),
        ("no object", br#"["model"]"#),
        ("a string", br#""model""#),
        ("no model", br#"{"messages":[]}"#),
        ("a model that is no string", br#"{"model":7,"messages":[]}"#),
        ("no messages", br#"{"model":"model-a"}"#),
        ("messages that are no array", br#"{"model":"model-a","messages":{}}"#),
        ("a stream that is neither true nor false", br#"{"model":"model-a","messages":[],"stream":"true"}"#),
        (
            "stream options that are no object",
            br#"{"model":"model-a","messages":[],"stream":true,"stream_options":[]}"#,
        ),
    ];
    let fixture = Fixture::new(Answer::silence());
    for (number, (what, body)) in cases.into_iter().enumerate() {
        let answer = fixture.chat(body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "malformed_body"),
            "{what}: {}",
            answer.text()
        );
        let record = fixture.denied().pop().expect("a record");
        assert_eq!(
            record.received_salted_sha256,
            answer.salted(body),
            "{what}: the record commits to what came"
        );
        let nothing = body.is_empty().then(|| sha256(b""));
        assert_eq!(
            record.received_sha256, nothing,
            "{what}: what came can be guessed, unless it was nothing"
        );
        assert_eq!(fixture.denied().len(), number + 1, "{what}: one record");
    }
    assert_eq!(fixture.upstream.connections(), 0, "the provider must not hear of it");
    assert!(fixture.authorised().is_empty(), "nothing of it was permitted");
}

#[test]
fn a_compressed_body_is_refused() {
    let fixture = Fixture::new(Answer::silence());
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\x02\x00";
    let answer = fixture.call("POST", "/v1/chat/completions", &[("Content-Encoding", "gzip")], gzip);
    assert_eq!(answer.code(), "malformed_body", "what cannot be read cannot be governed");
}

#[test]
fn a_body_above_the_limit_is_refused_with_its_size_on_record() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), Setup { limits, ..Setup::default() });
    for size in [1000_usize, 1001, 3000, 50_000] {
        let frame = say("").len();
        let body = say(&"x".repeat(size - frame));
        assert_eq!(body.len(), size, "the test makes the size that it means");
        let mut client = fixture.connect();
        client.try_send(&chat_request(&body));
        let answer = client.answer();
        if size <= 1000 {
            assert_eq!(answer.status, 200, "the limit itself is allowed");
        } else {
            assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"), "{}", answer.text());
            assert_eq!(fixture.denied().pop().expect("a record").received_bytes, size as u64, "its size");
        }
    }
    assert_eq!(fixture.upstream.requests().len(), 1, "the provider hears of the first alone");
}

#[test]
fn a_chunked_body_has_the_same_limit() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let fixture = Fixture::with(Answer::json(200, openai::CHAT), Setup { limits, ..Setup::default() });
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        api_key()
    );
    for (size, code) in [(200, 200), (2000, 413)] {
        let body = say(&"x".repeat(size));
        let mut client = fixture.connect();
        client.send(head.as_bytes());
        for piece in body.chunks(64) {
            client.try_send(format!("{:x}\r\n", piece.len()).as_bytes());
            client.try_send(piece);
            client.try_send(b"\r\n");
        }
        client.try_send(b"0\r\n\r\n");
        assert_eq!(client.answer().status, code, "a body of {size} bytes in chunks");
    }
}

#[test]
fn a_client_that_leaves_in_its_body_leaves_nothing_half_recorded() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let whole = chat_request(&say("Hello"));
    for cut in [whole.len() - 1, whole.len() / 2] {
        let mut client = fixture.connect();
        client.send(&whole[..cut]);
        client.leave();
    }
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "others are not disturbed");
    assert_eq!(fixture.authorised().len(), 1, "a request that never came whole is no call");
    assert!(fixture.denied().is_empty(), "and no denial");
}

#[test]
fn a_client_that_is_too_slow_is_not_waited_for() {
    let limits = Limits { body_ms: 200, head_ms: 200, ..Limits::default() };
    let fixture = Fixture::with(Answer::silence(), Setup { limits, ..Setup::default() });
    let whole = chat_request(&say("Hello"));
    let mut client = fixture.connect();
    client.send(&whole[..whole.len() - 1]);
    assert_eq!(client.answer().code(), "malformed_body", "a body that never ends is given up");
    let mut client = fixture.connect();
    client.send(b"POST /v1/chat/compl");
    assert!(client.ended(), "a head that never ends is given up");
    assert_eq!(fixture.upstream.connections(), 0, "the provider hears of neither");
}

#[test]
fn a_head_above_the_limit_is_refused() {
    let fixture = Fixture::new(Answer::silence());
    let mut client = fixture.connect();
    client.try_send(
        format!("GET /v1/models HTTP/1.1\r\nHost: g\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000)).as_bytes(),
    );
    client.read_until("HTTP/1.1 431");
    assert!(client.ended(), "a head of any size would fill the memory");
}
