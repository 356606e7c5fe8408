//! The upstream over a real socket: what it sends, where it stops, what it keeps of what it received.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use tabellion_testkit::upstream::{Answer, End, Framing, Gate, PATIENCE, Script, Upstream, openai};

const BODY: &str = r#"{"model":"wire-small","messages":[{"role":"user","content":"h\u00e9llo"}]}"#;

fn send(upstream: &Upstream, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(upstream.address()).expect("the upstream listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    ask(&mut stream, body);
    stream
}

fn ask(stream: &mut TcpStream, body: &str) {
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).unwrap();
}

fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the upstream closes in time");
    String::from_utf8(all).unwrap()
}

/// Head and body of an answer whose length is told.
fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).expect("a whole body");
    (head, String::from_utf8(body).unwrap())
}

/// The chunks of a chunked body, and whether its end was told.
fn chunks(wire: &str) -> (Vec<String>, bool) {
    let mut rest = wire.split_once("\r\n\r\n").expect("a whole head").1;
    let mut chunks = Vec::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        if size == 0 {
            return (chunks, true);
        }
        let bytes = after.as_bytes();
        chunks.push(String::from_utf8_lossy(&bytes[..size.min(bytes.len())]).into_owned());
        rest = after.get(size + 2..).unwrap_or_default();
    }
    (chunks, false)
}

#[test]
fn a_connection_is_kept_and_each_request_is_kept_byte_for_byte() {
    let upstream = Upstream::start(Script::in_order([
        Answer::json(429, openai::ERROR_429).header("retry-after", "7"),
        Answer::json(200, openai::CHAT),
    ]));
    let mut stream = send(&upstream, BODY);
    let (head, body) = answer(&mut stream);
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("retry-after: 7\r\n"), "{head}");
    assert_eq!(body, openai::ERROR_429, "a gateway would be judged by another error than the recorded one");
    for _ in 0..2 {
        ask(&mut stream, "{}");
        assert_eq!(answer(&mut stream).1, openai::CHAT, "the last answer of a script stays");
    }
    let requests = upstream.requests();
    assert_eq!(requests.len(), 3, "a retry that is not counted is a retry nobody notices");
    assert_eq!((requests[0].method(), requests[0].path()), ("POST", "/v1/chat/completions"));
    assert_eq!(requests[0].text(), BODY, "a rewritten body would go unnoticed");
    assert_eq!(requests[0].header("hOST"), Some("x"));
    assert!(requests.iter().all(|request| request.connection == 0), "connection reuse could not be shown");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_chunked_request_is_put_together() {
    let upstream = Upstream::start(Answer::json(200, "{}"));
    let mut stream = TcpStream::connect(upstream.address()).unwrap();
    for part in [
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r",
        "\n3;x=1\r\n\":1\r\n1\r\n}\r\n0\r\n\r\n",
    ] {
        stream.write_all(part.as_bytes()).unwrap();
    }
    assert_eq!(answer(&mut stream).1, "{}");
    assert_eq!(upstream.requests()[0].text(), "{\"a\":1}", "a streamed request body would look damaged");
}

#[test]
fn a_stream_goes_out_event_by_event_or_byte_by_byte() {
    for (stream, events) in [(openai::STREAM, 13), (openai::STREAM_ODD, 14)] {
        let upstream = Upstream::start(Answer::events(stream));
        let mut client = send(&upstream, BODY);
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let (chunks, ended) = chunks(&rest(&mut client));
        assert_eq!((chunks.concat().as_str(), chunks.len(), ended), (stream, events, true));
    }
    let upstream = Upstream::start(Answer::events(openai::STREAM_TOOLS).every_byte());
    let mut client = send(&upstream, BODY);
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let wire = rest(&mut client);
    assert_eq!(wire.matches("\r\n1\r\n").count(), openai::STREAM_TOOLS.len(), "a byte shares its chunk");
}

#[test]
fn nothing_passes_a_gate_before_the_test_opens_it() {
    let (first, second) = (Gate::new(), Gate::new());
    let upstream = Upstream::start(
        Answer::events(openai::STREAM).held_at(&first).in_pieces(7).pause_after(100, &second).cut_after(150),
    );
    let mut client = send(&upstream, BODY);
    assert!(first.reached(), "the request arrived");
    client.set_nonblocking(true).unwrap();
    let early = client.read(&mut [0; 1]).expect_err("nothing is sent before the gate");
    assert_eq!(early.kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
    first.open();
    assert!(second.reached(), "100 bytes are out");
    let mut sent = Vec::new();
    // The piece that the pause has cut to 100 - 14 * 7 = 2 bytes is the last that may arrive.
    while !String::from_utf8_lossy(&sent).contains("\r\n2\r\n") {
        let mut block = [0; 4096];
        let read = client.read(&mut block).expect("what was sent before the gate arrives");
        sent.extend(&block[..read]);
    }
    let (before, _) = chunks(std::str::from_utf8(&sent).unwrap());
    assert_eq!(before.concat(), openai::STREAM[..100], "a pause is not where the test put it");
    second.open();
    let wire = String::from_utf8(sent).unwrap() + &rest(&mut client);
    let (all, ended) = chunks(&wire);
    assert_eq!((all.concat().as_str(), ended), (&openai::STREAM[..150], false), "it must die where told");
}

#[test]
fn an_answer_dies_as_told() {
    let cut = Upstream::start(Answer::json(200, openai::CHAT).cut_after(20));
    let wire = rest(&mut send(&cut, BODY));
    assert!(wire.contains(&format!("content-length: {}\r\n", openai::CHAT.len())), "the whole is promised");
    assert!(wire.ends_with(&openai::CHAT[..20]), "and 20 bytes of it are sent: {wire}");

    let reset = Upstream::start(Answer::json(200, openai::CHAT).stop_after(0, End::Reset));
    let error = send(&reset, BODY).read_to_end(&mut Vec::new()).expect_err("a reset is no end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let raw = Upstream::start(Answer::raw("\0\x01 not HTTP"));
    assert_eq!(rest(&mut send(&raw, BODY)), "\0\x01 not HTTP");

    let untold = Upstream::start(Answer::json(200, "{}").framed(Framing::UntilClose));
    let wire = rest(&mut send(&untold, BODY));
    assert!(wire.ends_with("\r\n\r\n{}") && !wire.contains("content-length"), "{wire}");

    let refused = Upstream::nobody();
    let address = refused.trim_start_matches("http://").trim_end_matches("/v1");
    assert!(TcpStream::connect(address).is_err(), "somebody listens at {refused}");
}

#[test]
fn a_client_that_hangs_up_is_noticed_in_silence_and_in_an_endless_stream() {
    for endless in [
        Answer::events(openai::content_event("on ")).stop_after(usize::MAX, End::Silence),
        Answer::events("").then_forever(openai::content_event("and on ")),
        Answer::silence(),
    ] {
        let upstream = Upstream::start(endless);
        let client = send(&upstream, BODY);
        assert_eq!(upstream.wait_for_requests(1).len(), 1);
        assert_eq!(upstream.hang_ups(), 0);
        drop(client);
        assert!(
            upstream.wait_for_hang_ups(1),
            "a gateway that leaves its upstream running would go unnoticed"
        );
    }
}

#[test]
fn dropping_an_upstream_ends_its_connections_and_threads() {
    let upstream = Upstream::start(Answer::events("").then_forever("x".repeat(1 << 20)));
    let mut unread = send(&upstream, BODY);
    let held = Upstream::start(Answer::silence().held_at(&Gate::new()));
    let mut waiting = send(&held, BODY);
    assert_eq!((upstream.wait_for_requests(1).len(), held.wait_for_requests(1).len()), (1, 1));
    drop(upstream); // would hang here, with a writer that nobody reads
    drop(held);
    let _ = unread.read_to_end(&mut Vec::new());
    let _ = waiting.read_to_end(&mut Vec::new());
}

#[test]
fn a_script_answers_from_the_request() {
    let upstream = Upstream::start(Script::by(|request, _| match request.path() {
        "/v1/models" => Answer::json(200, openai::MODELS),
        _ => Answer::events(openai::stream_of(&["You said: ", &openai::last_message(&request.body)])),
    }));
    let mut client = send(&upstream, BODY);
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(rest(&mut client).contains("\"content\":\"héllo\""), "an echo that does not echo");
}

#[test]
fn recorded_streams_say_what_recorded_answers_say() {
    let said = |stream: &str, pointer: &str| {
        let joined = stream.replace("\r\n", "\n").replace(",\ndata: \"", ",\"");
        let events = joined.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        let chunks = events.filter(|data| *data != "[DONE]").map(|data| {
            serde_json::from_str::<serde_json::Value>(data).unwrap_or_else(|error| panic!("{error}: {data}"))
        });
        chunks
            .filter(|chunk| {
                chunk.pointer("/choices/0/delta/tool_calls/0/index").is_none_or(|index| index == 0)
            })
            .filter_map(|chunk| Some(chunk.pointer(pointer)?.as_str()?.to_owned()))
            .collect::<String>()
    };
    for stream in [openai::STREAM, openai::STREAM_USAGE, openai::STREAM_ODD] {
        assert_eq!(said(stream, "/choices/0/delta/content"), openai::TEXT);
        assert!(stream.replace("\r\n", "\n").ends_with(openai::DONE), "a whole stream ends with [DONE]");
    }
    let arguments = "/choices/0/delta/tool_calls/0/function/arguments";
    assert_eq!(said(openai::STREAM_TOOLS, arguments), openai::TOOL_ARGUMENTS);
    assert!(!openai::STREAM_ERROR.contains("[DONE]") && openai::STREAM_ERROR.contains("{\"error\":"));

    let whole = |text: &str, pointer: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned).unwrap()
    };
    assert_eq!(whole(openai::CHAT, "/choices/0/message/content"), openai::TEXT);
    let arguments = "/choices/0/message/tool_calls/0/function/arguments";
    assert_eq!(whole(openai::CHAT_TOOLS, arguments), openai::TOOL_ARGUMENTS);
}
