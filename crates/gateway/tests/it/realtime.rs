//! Conversations in real time: a socket that is opened for a system, recorded in both directions, counted, cut and ended on record.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use tabellion_gateway::{GuardConfig, GuardKind, Limits};
use tabellion_ledger::ErasureTarget;
use tabellion_model::SystemId;
use tabellion_model::body::{
    BudgetScope, CallCompleted, Caps, Delivered, GuardOutcome, Outcome, RouteClass, StopScope,
};
use tabellion_model::charge::Window;
use tabellion_testkit::upstream::Answer;

use crate::budgets::{budget, organisation};
use crate::client::{Client, salted};
use crate::fixture::{Fixture, LONG_AGO, PROVIDER_KEY, SYSTEM, Setup, api_key, gate};
use crate::opaque::{open_by_records, opening};

/// How long a read waits; a healthy run needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// The key of the standard's own example, and what it is agreed to by.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const AGREED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [1, 2, 3, 4];

/// A provider's end of a socket, moved by the test.
struct Provider {
    listener: TcpListener,
}

/// One connection of it.
struct Peer {
    stream: TcpStream,
    /// The request that asked for it.
    head: String,
}

impl Provider {
    fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("a port") }
    }

    fn base_url(&self) -> String {
        format!("http://{}/v1", self.listener.local_addr().expect("an address"))
    }

    /// The next connection, with the request on it read.
    fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().expect("the gateway connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut peer = Peer { stream, head: String::new() };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(peer.read(1));
        }
        peer.head = String::from_utf8(head).expect("a head is text");
        peer
    }

    fn nobody_came(&self) -> bool {
        self.listener.set_nonblocking(true).expect("a setting");
        self.listener.accept().is_err()
    }
}

impl Peer {
    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the gateway reads");
    }

    fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).expect("the gateway sends");
        bytes
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Agrees to the socket, with these headers more.
    fn agree(&mut self, more: &str) {
        let key = self.header("sec-websocket-key").expect("a key").to_owned();
        let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        let accept = STANDARD.encode(Sha1::digest(format!("{key}{guid}")));
        self.send(format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n").as_bytes());
    }
}

/// A short frame, masked or not.
fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    let mut frame = match (length, mask) {
        (0..126, None) => vec![first, length],
        (0..126, Some(_)) => vec![first, 0x80 | length],
        (_, None) => vec![first, 126, 0, length],
        (_, Some(_)) => vec![first, 0xfe, 0, length],
    };
    frame.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn said(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes(), None)
}

fn asked(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes(), Some(MASK))
}

const CREATED: &str = r#"{"type":"response.created","response":{"id":"r1"}}"#;

fn done(input: u64, output: u64) -> String {
    format!(
        r#"{{"type":"response.done","response":{{"id":"r1","usage":{{"input_tokens":{input},"output_tokens":{output}}}}}}}"#
    )
}

/// A gateway that may hold conversations with `provider`.
fn live(provider: &Provider, setup: Setup) -> Fixture {
    crate::opaque::opened(
        Answer::json(500, "{}"),
        &[RouteClass::Realtime],
        Setup { base_url: Some(provider.base_url()), ..setup },
    )
}

/// Sends the wish for a socket, with these headers more.
fn wish(fixture: &Fixture, path: &str, more: &str) -> Client {
    let mut client = fixture.connect();
    client.send(
        format!(
            "GET {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n",
            api_key()
        )
        .as_bytes(),
    );
    client
}

const PATH: &str = "/v1/realtime?model=model-a";

/// An open socket: client, provider, and the salt of the call.
fn open(fixture: &Fixture, provider: &Provider) -> (Client, Peer, String) {
    let mut client = wish(fixture, PATH, "");
    let mut peer = provider.accept();
    peer.agree("");
    let answer = client.answer();
    assert_eq!(answer.status, 101, "{}", String::from_utf8_lossy(&answer.body));
    (client, peer, answer.header("tabellion-salt").expect("a salt").to_owned())
}

impl Client {
    /// Reads exactly `due`.
    fn reads(&mut self, due: &[u8]) {
        while self.buffer.len() < due.len() {
            assert!(!self.is_over(), "the socket ended: {:?}", self.buffer);
        }
        let got: Vec<u8> = self.buffer.drain(..due.len()).collect();
        assert!(got == due, "{} for {}", String::from_utf8_lossy(&got), String::from_utf8_lossy(due));
    }

    /// The code and word of the frame that closes.
    fn closed(&mut self) -> (u16, String) {
        while !self.is_over() {}
        let &[first, length, high, low, ref why @ ..] = self.buffer.as_slice() else {
            panic!("no frame that closes: {:?}", self.buffer)
        };
        assert_eq!((first, usize::from(length)), (0x88, why.len() + 2), "another frame");
        (u16::from_be_bytes([high, low]), String::from_utf8_lossy(why).into_owned())
    }
}

/// Requirement: N22, N23. What is said passes both ways byte for byte; the record has both sizes and digests, what was not looked at, and the tokens; what closes the
/// conversation comes after its record.
#[test]
fn a_conversation_passes_and_is_on_record_from_both_sides() {
    let provider = Provider::start();
    let guards = vec![GuardConfig {
        words: vec!["heron".to_owned()],
        ..GuardConfig::new("house-words", GuardKind::Words)
    }];
    let fixture = live(&provider, Setup { guards, ..Setup::default() });
    let mut client = wish(
        &fixture,
        PATH,
        "Sec-WebSocket-Protocol: realtime\r\nSec-WebSocket-Extensions: permessage-deflate\r\nOpenAI-Beta: realtime=v1\r\nCookie: a=b\r\n",
    );
    let mut peer = provider.accept();
    assert!(peer.head.starts_with("GET /v1/realtime?model=model-a HTTP/1.1\r\n"), "{}", peer.head);
    assert_eq!(peer.header("authorization"), Some("Bearer sk-provider-secret"), "the client's key left");
    assert_eq!(peer.header("openai-beta"), Some("realtime=v1"));
    for gone in ["sec-websocket-extensions", "cookie"] {
        assert_eq!(peer.header(gone), None, "{gone} left");
    }
    assert_ne!(peer.header("sec-websocket-key"), Some(KEY), "two sockets have one key");
    peer.agree("Sec-WebSocket-Protocol: realtime\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("sec-websocket-accept")), (101, Some(AGREED)));
    assert_eq!(answer.header("sec-websocket-protocol"), Some("realtime"));
    let salt = answer.header("tabellion-salt").expect("a salt").to_owned();

    let question = asked(r#"{"type":"response.create","note":"heron"}"#);
    client.send(&question);
    assert!(peer.read(question.len()) == question, "what passes is not written into");
    let answers = [said(CREATED), frame(0x82, &[9; 200], None), said(&done(20, 10))].concat();
    peer.send(&answers);
    client.reads(&answers);
    let ping = frame(0x89, b"", None);
    peer.send(&ping);
    client.reads(&ping);
    let bye = frame(0x88, &1000_u16.to_be_bytes(), Some(MASK));
    client.send(&bye);
    assert!(peer.read(bye.len()) == bye);
    let agreed = frame(0x88, &1000_u16.to_be_bytes(), None);
    peer.send(&agreed);
    client.reads(&agreed);
    assert_eq!(fixture.of_type("call.completed").len(), 1, "the last word came before the record of the end");

    let (authorised, end) = (fixture.authorised().remove(0), fixture.end());
    let opened = authorised.opened.expect("by which opening");
    assert_eq!((opened.class, opened.target.as_str()), (RouteClass::Realtime, "GET /realtime"));
    assert_eq!(
        (authorised.surface.as_str(), authorised.model.as_str()),
        ("opaque.realtime.session", "model-a")
    );
    let not_run = [&authorised.guards, &end.guards];
    assert!(not_run.iter().all(|guards| !guards.is_empty()), "{not_run:?}");
    assert!(not_run.into_iter().flatten().all(|guard| guard.outcome == GuardOutcome::NotRun));
    assert_eq!((end.outcome, end.delivered, end.status), (Outcome::Answered, Delivered::Whole, 101));
    let received = [answers, ping, agreed].concat();
    assert_eq!(end.received_bytes, received.len() as u64);
    assert_eq!(end.received_salted_sha256, salted(&salt, &received));
    assert_eq!(end.released_salted_sha256, salted(&salt, &received));
    let sent = [question, bye].concat();
    let conversed = end.conversed.expect("what was said");
    assert_eq!(
        (conversed.sent_bytes, conversed.sent_salted_sha256),
        (sent.len() as u64, salted(&salt, &sent))
    );
    assert_eq!((conversed.sent_messages, conversed.received_messages), (1, 3));
    assert_eq!((conversed.responses, conversed.unfinished), (1, 0));
    let usage = end.answered.usage.expect("tokens");
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (20, 10));
}

/// Requirement: N22. Nobody opened it, or it is asked for in a way that leads past the gateway: nothing leaves, and each attempt is on record.
#[test]
fn what_is_not_open_or_no_such_wish_is_refused_and_recorded() {
    let provider = Provider::start();
    let fixture = live(&provider, Setup::default());
    let cases = [
        (wish(&fixture, "/v1/realtime", ""), 400, "malformed_body"),
        (wish(&fixture, "/v1/realtime?model=model-a&model=model-a", ""), 400, "unexpected_query"),
        (wish(&fixture, "/v1/realtime?model=model-a&user=ada", ""), 400, "unexpected_query"),
        (
            wish(&fixture, PATH, "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.tbl_x\r\n"),
            400,
            "malformed_body",
        ),
        (wish(&fixture, PATH, "Sec-WebSocket-Key: AAAA\r\n"), 400, "malformed_body"),
        (wish(&fixture, "/v1/realtime/calls", ""), 403, "realtime_not_governed"),
        (wish(&fixture, "/v1/models", ""), 404, "unknown_route"),
    ];
    let mut attempts = cases.len();
    for (mut client, status, code) in cases {
        let answer = client.answer();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
    }
    let secret = fixture.call("POST", "/v1/realtime/client_secrets", &[], b"{}");
    assert_eq!(secret.code(), "realtime_not_governed", "a secret would lead past everything");
    let plain = fixture.call("GET", PATH, &[], b"");
    assert_eq!(plain.code(), "malformed_body", "{}", plain.text());
    fixture.change(|gate| gate.openings = std::sync::Arc::new(vec![opening(RouteClass::Audio)]));
    let closed = wish(&fixture, PATH, "").answer();
    assert_eq!((closed.status, closed.code().as_str()), (403, "opaque_not_enabled"));
    attempts += 3;
    assert_eq!(fixture.denied().len(), attempts, "an attempt leaves no trace");
    assert!(provider.nobody_came(), "something left");
}

/// Requirement: N22. A provider that does not agree, or agrees to something else, has no conversation; its refusal is not charged.
#[test]
fn a_provider_that_does_not_agree_is_on_record() {
    for (answer, status, outcome, code) in [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 502, Outcome::Refused, "upstream_refused"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 502, Outcome::Failed, "upstream_malformed"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            502,
            Outcome::Failed,
            "upstream_malformed",
        ),
    ] {
        let provider = Provider::start();
        let fixture = live(&provider, Setup::default());
        let mut client = wish(&fixture, PATH, "");
        let mut peer = provider.accept();
        peer.send(answer.as_bytes());
        let got = client.answer();
        assert_eq!((got.status, got.code().as_str()), (status, code), "{answer}");
        let end = fixture.end();
        assert_eq!((end.outcome, end.delivered), (outcome, Delivered::Nothing), "{answer}");
        drop(peer);
    }
}

fn ended(fixture: &Fixture) -> (CallCompleted, Option<String>) {
    let end = fixture.end();
    let code = end.code.clone();
    (end, code)
}

/// Requirement: N11, N22. A stop, a key that ended and an opening that was withdrawn cut it, and the record says which.
#[test]
fn what_takes_the_permission_away_cuts_it() {
    let provider = Provider::start();
    let fixture = live(&provider, Setup::default());
    let (mut client, mut peer, _) = open(&fixture, &provider);
    peer.send(&said(CREATED));
    client.reads(&said(CREATED));
    // Nobody says anything: the order alone ends it.
    fixture.stop_by(Some(StopScope::Tenant));
    assert_eq!(client.closed(), (1008, "stopped".to_owned()), "a stop waits for somebody to speak");
    let (end, code) = ended(&fixture);
    assert_eq!((end.outcome, code.as_deref()), (Outcome::Cut, Some("stopped")));
    assert_eq!(end.delivered, Delivered::Partial);
    assert_eq!(fixture.named("call.completed").len(), 1, "the record names no stop");
    assert_eq!(end.conversed.expect("what was said").unfinished, 1);

    for due in ["opaque_not_enabled", "invalid_api_key"] {
        let fixture = live(&provider, Setup::default());
        let (mut client, mut peer, _) = open(&fixture, &provider);
        match due {
            "invalid_api_key" => fixture.change_keys(|key| key.ends_at = Some(LONG_AGO)),
            _ => fixture.change(|gate| gate.openings = std::sync::Arc::default()),
        }
        peer.send(&said(CREATED));
        assert_eq!(client.closed(), (1008, due.to_owned()), "what is said after that still comes");
        let (end, code) = ended(&fixture);
        assert_eq!((end.outcome, code.as_deref()), (Outcome::Cut, Some(due)));
        assert_eq!(end.delivered, Delivered::Nothing);
    }
}

/// Requirement: N22. Frames that two readers could read in two ways, and messages that are too large, end it; not a byte of them goes on.
#[test]
fn hostile_frames_end_it() {
    let large = Limits { session_message_bytes: 100, ..Limits::default() };
    for (what, limits, bytes) in [
        ("a mask from a provider", Limits::default(), frame(0x81, b"a", Some(MASK))),
        ("a bit of an extension", Limits::default(), frame(0xc1, b"a", None)),
        ("a message that is too large", large, frame(0x81, &[b'a'; 101], None)),
    ] {
        let provider = Provider::start();
        let fixture = live(&provider, Setup { limits, ..Setup::default() });
        let (mut client, mut peer, _) = open(&fixture, &provider);
        peer.send(&bytes);
        assert!(client.ended(), "{what}: the socket goes on");
        let (end, code) = ended(&fixture);
        assert_eq!((end.outcome, code.as_deref()), (Outcome::Failed, Some("upstream_malformed")), "{what}");
        assert_eq!(end.delivered, Delivered::Nothing, "{what}");
    }
    let provider = Provider::start();
    let fixture = live(&provider, Setup::default());
    let (mut client, _peer, _) = open(&fixture, &provider);
    client.send(&frame(0x81, b"without a mask", None));
    assert_eq!(client.closed(), (1008, "malformed_body".to_owned()));
    let (end, _) = ended(&fixture);
    assert_eq!(end.conversed.expect("what was said").sent_bytes, 0, "it went on to the provider");
}

/// Requirement: N22. Whoever goes away without a word, on either side, is on record as that; a client's end in order that the provider says nothing to is one in order.
#[test]
fn whoever_goes_away_is_on_record_as_that() {
    let provider = Provider::start();
    let fixture = live(&provider, Setup::default());
    let (client, mut peer, _) = open(&fixture, &provider);
    client.leave();
    let (end, code) = ended(&fixture);
    assert_eq!((end.outcome, code.as_deref()), (Outcome::Abandoned, Some("client_gone")));
    let last = peer.read(8);
    assert_eq!(last.first(), Some(&0x88), "the provider is not told: {last:?}");

    let fixture = live(&provider, Setup::default());
    let (mut client, peer, _) = open(&fixture, &provider);
    drop(peer);
    assert_eq!(client.closed(), (1008, "upstream_broke_off".to_owned()));
    let (end, code) = ended(&fixture);
    assert_eq!((end.outcome, code.as_deref()), (Outcome::Failed, Some("upstream_broke_off")));

    let fixture = live(&provider, Setup::default());
    let (mut client, mut peer, _) = open(&fixture, &provider);
    let bye = frame(0x88, &1000_u16.to_be_bytes(), Some(MASK));
    client.send(&bye);
    assert!(peer.read(bye.len()) == bye);
    drop(peer);
    let (end, code) = ended(&fixture);
    assert_eq!((end.outcome, code), (Outcome::Answered, None));
}

/// Requirement: N22, N23. It reserves what it may take, is settled by what its responses took, and ends when it has taken all of it; where a response was not over,
/// what was reserved stands.
#[test]
fn a_budget_holds_a_conversation() {
    let provider = Provider::start();
    let limits = Limits { session_input_tokens: 100, session_output_tokens: 50, ..Limits::default() };
    let mut begins_with = organisation();
    begins_with.extend(open_by_records(RouteClass::Realtime));
    let caps = Caps { tokens: Some(400), ..Caps::default() };
    begins_with.push(budget("tokens", BudgetScope::Tenant, Window::Total, caps));
    let setup = Setup {
        begins_with: Some(begins_with),
        base_url: Some(provider.base_url()),
        limits,
        gate: gate(),
        ..Setup::default()
    };
    let fixture = Fixture::with(Answer::json(500, "{}"), setup);
    // 60 of 150 that were reserved.
    let (mut client, mut peer, _) = open(&fixture, &provider);
    peer.send(&[said(CREATED), said(&done(40, 20)), frame(0x88, &[], None)].concat());
    client.reads(&[said(CREATED), said(&done(40, 20)), frame(0x88, &[], None)].concat());
    // 190: more than was reserved, and it ends with that.
    let (mut client, mut peer, _) = open(&fixture, &provider);
    peer.send(&said(&done(150, 40)));
    client.reads(&said(&done(150, 40)));
    assert_eq!(client.closed(), (1008, "budget_exceeded".to_owned()));
    // 250 are taken, so 150 are left, and all of them are reserved by one that never says what it took.
    let (mut client, mut peer, _) = open(&fixture, &provider);
    peer.send(&[said(CREATED), frame(0x88, &[], None)].concat());
    client.reads(&[said(CREATED), frame(0x88, &[], None)].concat());
    assert_eq!(fixture.ended(3).len(), 3);
    let refused = wish(&fixture, PATH, "").answer();
    assert_eq!(refused.code(), "budget_exceeded", "what nobody counted was given back: {}", refused.text());
}

/// Requirement: N22, P48. Of one whose system is erased while it goes on nothing is recorded that what was said could be held against.
#[test]
fn an_end_after_the_erasure_has_no_digest_of_either_side() {
    let provider = Provider::start();
    let fixture = live(&provider, Setup::default());
    let (mut client, mut peer, _) = open(&fixture, &provider);
    let question = asked(r#"{"type":"response.create"}"#);
    client.send(&question);
    assert!(peer.read(question.len()) == question);
    let target = ErasureTarget::System(SystemId::from_bytes(SYSTEM));
    fixture.ledger.erase(&target, "it is over").expect("an erasure");
    let bye = frame(0x88, &[], None);
    peer.send(&bye);
    client.reads(&bye);
    let end = fixture.end();
    assert_eq!((end.outcome, end.answer_withheld.as_deref()), (Outcome::Answered, Some("erased")));
    let conversed = end.conversed.expect("how much was said");
    assert_eq!(conversed.sent_bytes, question.len() as u64);
    let digests = [
        conversed.sent_sha256,
        conversed.sent_salted_sha256,
        end.received_salted_sha256,
        end.released_salted_sha256,
    ];
    assert!(
        digests.iter().all(Option::is_none),
        "whoever has the salt can confirm what was said: {digests:?}"
    );
}

/// Requirement: N22. One in which nothing is said ends by itself.
#[test]
fn a_silent_conversation_ends() {
    let provider = Provider::start();
    let limits = Limits { session_idle_ms: 50, ..Limits::default() };
    let fixture = live(&provider, Setup { limits, ..Setup::default() });
    let (mut client, _peer, _) = open(&fixture, &provider);
    assert_eq!(client.closed(), (1008, "upstream_timeout".to_owned()));
    let fixture = live(
        &provider,
        Setup { limits: Limits { session_ms: 1_000, ..Limits::default() }, ..Setup::default() },
    );
    let (mut client, _peer, _) = open(&fixture, &provider);
    assert_eq!(client.closed(), (1008, "upstream_timeout".to_owned()), "one without an end");
}

/// Requirement: G19, N22. A provider's key in a text, in one frame or in two, in a sign of life or in the frame that closes goes no further; sound with the same bytes passes.
/// Where the client has whole frames alone it is told why, else the connection breaks off.
#[test]
fn a_key_that_the_provider_repeats_cuts_it() {
    let (one, two) = PROVIDER_KEY.split_at(9);
    let whole = said(&format!(r#"{{"type":"error","message":"{PROVIDER_KEY}"}}"#));
    let begun = frame(0x01, format!(r#"{{"type":"{one}"#).as_bytes(), None);
    let further = frame(0x80, format!(r#"{two}"}}"#).as_bytes(), None);
    let sign = frame(0x89, PROVIDER_KEY.as_bytes(), None);
    let close = frame(0x88, &[&1008_u16.to_be_bytes()[..], PROVIDER_KEY.as_bytes()].concat(), None);
    for (told, closes) in
        [(vec![whole], true), (vec![begun, further], false), (vec![sign], true), (vec![close], true)]
    {
        let provider = Provider::start();
        let fixture = live(&provider, Setup::default());
        let (mut client, mut peer, salt) = open(&fixture, &provider);
        let sound = frame(0x82, PROVIDER_KEY.as_bytes(), None);
        let mut before = [said(CREATED), sound].concat();
        peer.send(&before);
        client.reads(&before);
        for (number, bytes) in told.iter().enumerate() {
            peer.send(bytes);
            if number + 1 < told.len() {
                // What comes before the key goes on at once.
                let (goes, _) = bytes.split_at(bytes.len() - one.len());
                client.reads(goes);
                before.extend_from_slice(goes);
            }
        }
        while !client.is_over() {}
        let got = client.buffer.clone();
        let shown = String::from_utf8_lossy(&got).into_owned();
        assert!(!shown.contains("sk-p") && !shown.contains(two), "it got out: {shown}");
        let last = frame(0x88, &[&1008_u16.to_be_bytes()[..], b"upstream_malformed"].concat(), None);
        assert_eq!(got == last, closes, "{shown}");
        let (end, code) = ended(&fixture);
        assert_eq!((end.outcome, code.as_deref()), (Outcome::Failed, Some("upstream_malformed")));
        assert_eq!(end.delivered, Delivered::Partial);
        assert_eq!(end.released_salted_sha256, salted(&salt, &[before, got].concat()), "what the client got");
    }
}
