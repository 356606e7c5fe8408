//! Guards that ask services of others over gRPC: what differs from HTTP. That nothing passes without a verdict is tried for both in `guard_matrix.rs`.

use std::time::{Duration, Instant};

use tabellion_gateway::{
    Api, Gateway, GatewayConfig, GuardConfig, GuardKind, GuardServiceConfig, GuardShape, GuardSide,
};
use tabellion_model::body::GuardOutcome;
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, Setup, chat_request, make_private, say};
use crate::grpc_server::{BLOCK, GRPC, GrpcServer, PASS, Reply, framed};
use crate::guards::told;

const EMAIL: &str = "ada.lovelace@example.org";
const PATIENCE: Duration = Duration::from_secs(30);

/// A service on this machine.
pub(crate) fn service_at(url: impl Into<String>) -> GuardServiceConfig {
    GuardServiceConfig {
        private_network: true,
        // A loaded machine is no reason for an error.
        timeout_ms: 30_000,
        ..GuardServiceConfig::new(url, GuardShape::Grpc, "7")
    }
}

pub(crate) fn service(server: &GrpcServer) -> GuardServiceConfig {
    service_at(format!("http://{}", server.address()))
}

pub(crate) fn guard(name: &str, on: GuardSide, service: GuardServiceConfig) -> GuardConfig {
    GuardConfig { on: vec![on], service: Some(service), ..GuardConfig::new(name, GuardKind::Grpc) }
}

fn fixture(service: GuardServiceConfig) -> Fixture {
    let guards = vec![guard("outside", GuardSide::Prompt, service)];
    Fixture::with(Answer::json(200, openai::CHAT), Setup { guards, api: Api::OpenAi, ..Setup::default() })
}

/// What is on record of one call that such a service keeps back.
fn label_of(service: GuardServiceConfig) -> String {
    let fixture = fixture(service);
    let answer = fixture.chat(&say("what grows in pots?"));
    assert!(fixture.upstream.requests().is_empty(), "the prompt was sent");
    let denied = fixture.denied().remove(0);
    let [said] = denied.guards.as_slice() else { panic!("{:?}", denied.guards) };
    assert_eq!(said.outcome, GuardOutcome::Errored);
    let label = said.found.join(" ");
    // More than is read of it depends on what was sent.
    let due = if label == "too_large" { (413, "body_too_large") } else { (503, "guard_errored") };
    assert_eq!((answer.status, answer.code().as_str()), due, "{}", answer.text());
    label
}

/// Requirement: N21. Whatever is no verdict denies, and says in one of our words why.
#[test]
fn what_is_no_verdict_over_grpc_denies() {
    let with = |status: u16,
                headers: &[(&'static str, &'static str)],
                body: Vec<u8>,
                trailers: Option<&[(&'static str, &'static str)]>| {
        Reply::With { status, headers: headers.to_vec(), body, trailers: trailers.map(<[_]>::to_vec) }
    };
    let good: &[(&str, &str)] = &[("grpc-status", "0")];
    let two = [framed(PASS), framed(BLOCK)].concat();
    let compressed = [b"\x01\0\0\0\x02".as_slice(), PASS].concat();
    let cases = [
        (Reply::status("14"), "grpc_14"),
        (Reply::status("4"), "grpc_4"),
        (Reply::status("16"), "grpc_16"),
        (Reply::status("99"), "malformed"),
        (Reply::status("+0"), "malformed"),
        (Reply::status("00"), "malformed"),
        (Reply::status("fine"), "malformed"),
        (Reply::Reset, "broke_off"),
        (with(200, &[GRPC], framed(PASS), None), "broke_off"),
        (with(200, &[GRPC], framed(PASS), Some(&[("x", "y")])), "broke_off"),
        (with(200, &[GRPC], framed(PASS), Some(&[("grpc-status", "0"), ("grpc-status", "0")])), "broke_off"),
        (with(200, &[GRPC, ("grpc-status", "12")], vec![], None), "grpc_12"),
        (with(200, &[GRPC, ("grpc-status", "0")], vec![], None), "malformed"),
        (with(200, &[("content-type", "application/json")], framed(PASS), Some(good)), "no_grpc"),
        (with(200, &[GRPC, ("grpc-encoding", "gzip")], framed(PASS), Some(good)), "no_grpc"),
        (with(503, &[GRPC], framed(PASS), Some(good)), "status_503"),
        (with(302, &[GRPC, ("location", "http://127.0.0.1:1/")], vec![], None), "redirected"),
        (with(200, &[GRPC], vec![], Some(good)), "malformed"),
        (with(200, &[GRPC], two, Some(good)), "malformed"),
        (with(200, &[GRPC], compressed, Some(good)), "malformed"),
        (with(200, &[GRPC], framed(&vec![0; 2 << 20]), Some(good)), "too_large"),
        (Reply::message(b""), "malformed"),
        (Reply::message(b"\x08\x00"), "malformed"),
        (Reply::message(b"\x08\x01\x28\x01"), "malformed"),
        (Reply::message(b"\x08\x03\x12\x104111111111111111"), "malformed"),
    ];
    for (reply, label) in cases {
        let (what, server) = (format!("{reply:?}"), GrpcServer::start(move |_| reply.clone()));
        assert_eq!(label_of(service(&server)), label, "{}", what.get(..200).unwrap_or(&what));
        assert_eq!(server.asked().len(), 1, "{label}: it is asked again");
    }
    // A server that speaks HTTP/1 alone.
    let old = Upstream::start(Answer::json(200, r#"{"verdict":"pass"}"#));
    let label = label_of(service_at(format!("http://{}", old.address())));
    assert!(["broke_off", "unreachable"].contains(&label.as_str()), "{label}");
}

/// Requirement: N21, P15. The same question as over HTTP, with the key beside it, on one connection; and one that has ended is replaced.
#[test]
fn a_service_is_asked_as_the_description_has_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let key_file = dir.path().join("service.key");
    std::fs::write(&key_file, "of-the-service\n").expect("a file");
    make_private(&key_file);
    let server = GrpcServer::start(|asked| {
        let finds = asked.text().contains("heron");
        Reply::message(if finds { BLOCK } else { b"\x08\x01\x1a\x09topic-net\x22\x037.1" })
    });
    let asking = GuardServiceConfig { key_file: Some(key_file), timeout_ms: 29_000, ..service(&server) };
    let fixture = fixture(asking);
    assert_eq!(fixture.chat(&say(&format!("write to {EMAIL}"))).status, 200);
    let said = &fixture.authorised()[0].guards;
    assert_eq!(told(said), [("outside", GuardOutcome::Passed, vec![])]);
    let version = &said[0].version;
    assert!(version.starts_with("grpc.1-") && version.ends_with(":7 (topic-net 7.1)"), "{version}");
    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "/tabellion.guard.v1.Guard/Check");
    let sent =
        ["content-type", "te", "grpc-timeout", "authorization"].map(|name| asked.header(name).to_owned());
    let [content, trailers, timeout, key] = sent;
    assert_eq!([content, trailers, key], ["application/grpc", "trailers", "Bearer of-the-service"]);
    let left: Option<u32> = timeout.strip_suffix('m').and_then(|millis| millis.parse().ok());
    assert!(left.is_some_and(|left| left < 29_000), "it is told of time that has passed: {timeout}");
    let text = asked.text();
    // Prompt, the model, the purpose, the system: tag, length, value.
    for part in ["\u{a}\u{7}outside", "\u{12}\u{1}7", "\u{18}\u{1}", "\"\u{7}model-a", "*\u{c}loan-support"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert!(text.contains(&format!("2\u{20}{}", "51".repeat(16))), "{text:?}");
    assert!(text.contains("write to <EMAIL_") && !text.contains("lovelace"), "{text:?}");
    let length = u32::try_from(asked.body.len() - 5).expect("a short one").to_be_bytes();
    assert_eq!(asked.body[..5], [&[0], length.as_slice()].concat(), "a prefix and one message");
    assert_eq!(fixture.chat(&say("what of the heron?")).code(), "guard_blocked");
    assert_eq!(told(&fixture.denied()[0].guards), [("outside", GuardOutcome::Blocked, vec!["off-topic"])]);

    let address = server.address();
    drop(server);
    let server = loop_until(|| std::net::TcpListener::bind(address).ok().map(drop))
        .map(|()| GrpcServer::at(address, None, |_| Reply::message(PASS)));
    let server = server.expect("its port is free again");
    let came_back = loop_until(|| (fixture.chat(&say("again")).status == 200).then_some(()));
    assert!(came_back.is_some(), "a connection that ended is used for ever");
    let before = server.connections();
    let mut client = fixture.connect();
    for _ in 0..3 {
        client.send(&chat_request(&say("and again")));
        assert_eq!(client.answer().status, 200);
    }
    // One thread serves the client, and may have had no connection yet.
    assert!(server.connections() <= before + 1, "every question makes a connection of its own");
}

/// Tries until it comes to something, or for too long.
fn loop_until<T>(attempt: impl Fn() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(done) = attempt() {
            return Some(done);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::yield_now();
    }
}

/// Requirement: N21. Over TLS, by authorities of one's own; and nowhere that it may not be.
#[test]
fn a_service_shows_who_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let file = |name: &str, pem: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem).expect("a file");
        path
    };
    let (ours, theirs) = (file("ours.pem", certified.cert.pem()), file("theirs.pem", other.cert.pem()));
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
    let identity = (certified.cert.der().clone(), key);
    let anywhere = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let server = GrpcServer::at(anywhere, Some(identity), |_| Reply::message(PASS));
    let url = format!("https://localhost:{}", server.address().port());
    let trusting = |ca_file: &std::path::Path| GuardServiceConfig {
        ca_file: Some(ca_file.to_owned()),
        ..service_at(&url)
    };
    assert_eq!(fixture(trusting(&ours)).chat(&say("what?")).status, 200);
    assert_eq!(label_of(trusting(&theirs)), "untrusted");
    let before = server.connections();
    assert_eq!(label_of(GuardServiceConfig { private_network: false, ..trusting(&ours) }), "out_of_reach");
    assert_eq!(server.connections(), before, "a name leads into this machine without anybody saying so");
}

/// Requirement: N19, N21.
#[test]
fn a_grpc_service_that_could_not_be_asked_refuses_the_start() {
    let refused = |guard: GuardConfig| {
        let config = GatewayConfig { guards: vec![guard], ..GatewayConfig::default() };
        Gateway::check(&config).expect_err("it is taken").to_string()
    };
    let of = |service: GuardServiceConfig| guard("outside", GuardSide::Prompt, service);
    let plain = || service_at("http://127.0.0.1:1");
    let cases = [
        (of(service_at("http://127.0.0.1:1/check")), "no use for"),
        (of(GuardServiceConfig { private_network: false, ..plain() }), "private_network"),
        (of(GuardServiceConfig { shape: GuardShape::Tabellion, ..plain() }), "one shape"),
        (GuardConfig { kind: GuardKind::Http, ..of(plain()) }, "one shape"),
        (GuardConfig { service: None, ..of(plain()) }, "kind grpc url and version"),
        (of(GuardServiceConfig { language: Some("en".to_owned()), ..plain() }), "presidio"),
    ];
    for (guard, why) in cases {
        let said = refused(guard);
        assert!(said.contains("[guard.outside]") && said.contains(why), "{said}");
    }
}
