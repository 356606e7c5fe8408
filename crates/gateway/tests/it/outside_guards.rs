//! Guards that ask services of others: nothing of what one says is taken over but a short word. That nothing passes without a verdict, on any route, is tried in
//! `guard_matrix.rs`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_gateway::{
    Api, Gateway, GatewayConfig, GuardConfig, GuardKind, GuardMode, GuardOnError, GuardServiceConfig,
    GuardShape, GuardSide,
};
use tabellion_model::body::{CallDenied, GuardOutcome, Outcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Gate, Script, anthropic, openai, responses};

use crate::fixture::{Fixture, Setup, make_private, say, say_streaming};
use crate::guards::told;

/// What the provider says.
const ANSWER: &str = "Kumquats grow in pots.";
const EMAIL: &str = "ada.lovelace@example.org";
const PASS: &str = r#"{"verdict":"pass"}"#;
const BLOCK: &str = r#"{"verdict":"block","reason_code":"off-topic"}"#;
/// Has the form of a word.
const CARD: &str = "4111111111111111";
const PATIENCE: Duration = Duration::from_secs(30);

/// A service on this machine, in our own form.
pub(crate) fn service_at(url: impl Into<String>) -> GuardServiceConfig {
    GuardServiceConfig {
        private_network: true,
        // A loaded machine is no reason for an error.
        timeout_ms: 30_000,
        ..GuardServiceConfig::new(url, GuardShape::Tabellion, "7")
    }
}

pub(crate) fn service(server: &Upstream) -> GuardServiceConfig {
    service_at(format!("{}/check", server.base_url()))
}

pub(crate) fn guard(name: &str, on: GuardSide, service: GuardServiceConfig) -> GuardConfig {
    GuardConfig { on: vec![on], service: Some(service), ..GuardConfig::new(name, GuardKind::Http) }
}

/// A provider that answers on every route, whole or as a stream.
pub(crate) fn provider() -> Script {
    Script::by(|request, _| {
        let pieces = ["Kumquats ", "grow ", "in pots."];
        match (request.path(), request.text().contains("\"stream\":true")) {
            ("/v1/chat/completions", false) => Answer::json(200, openai::chat_of(ANSWER)),
            ("/v1/chat/completions", true) => Answer::events(openai::stream_of(&pieces)),
            ("/v1/responses", false) => Answer::json(200, responses::response_of(ANSWER).to_string()),
            ("/v1/responses", true) => Answer::events(responses::stream_of(&pieces)),
            ("/v1/messages", false) => Answer::json(200, anthropic::message_of(ANSWER)),
            ("/v1/messages", true) => Answer::events(anthropic::stream_of(&pieces)),
            ("/v1/messages/count_tokens", _) => Answer::json(200, r#"{"input_tokens":3}"#),
            _ => {
                let vector = json!({ "object": "embedding", "index": 0, "embedding": [0.5] });
                let usage = json!({ "prompt_tokens": 1, "total_tokens": 1 });
                Answer::json(
                    200,
                    json!({ "object": "list", "data": [vector], "model": "m", "usage": usage }).to_string(),
                )
            }
        }
    })
}

fn fixture(api: Api, guards: Vec<GuardConfig>) -> Fixture {
    Fixture::with(provider(), Setup { guards, api, ..Setup::default() })
}

pub(crate) fn is_of_numbers(path: &str) -> bool {
    path.ends_with("embeddings") || path.ends_with("count_tokens")
}

/// Requirement: N21. Whatever is no verdict denies, and says in one of our words why.
#[test]
fn what_is_no_verdict_denies() {
    let elsewhere = Upstream::start(Answer::json(200, PASS));
    let moved = Answer::json(302, PASS).header("location", &elsewhere.base_url());
    let lies = json!({ "verdict": "block", "reason_code": CARD }).to_string();
    let cases = [
        (Answer::json(500, PASS), "status_500"),
        (Answer::json(503, "{}"), "status_503"),
        (Answer::json(401, "{}"), "status_401"),
        (Answer::json(204, ""), "status_204"),
        (Answer::json(201, PASS), "status_201"),
        (moved, "redirected"),
        (Answer::with_body(200, "text/html", PASS), "no_json"),
        (Answer::json(200, PASS).header("content-encoding", "gzip"), "no_json"),
        (Answer::json(200, ""), "malformed"),
        (Answer::json(200, "null"), "malformed"),
        (Answer::json(200, r#"{"verdict":"block","verdict":"pass"}"#), "malformed"),
        (Answer::json(200, r#"{"verdict":"pass","edits":[{"from":0,"to":4}]}"#), "malformed"),
        (Answer::json(200, r#"{"verdict":"block","reason_code":"They asked about Heron"}"#), "malformed"),
        (Answer::json(200, lies), "malformed"),
        (Answer::json(200, " ".repeat(2 << 20)), "too_large"),
        (Answer::json(200, PASS).cut_after(5), "broke_off"),
        (Answer::raw("nonsense\r\n\r\n"), "broke_off"),
        (Answer::raw(""), "broke_off"),
    ];
    for (answer, label) in cases {
        let server = Upstream::start(answer);
        let fixture = fixture(Api::OpenAi, vec![guard("outside", GuardSide::Prompt, service(&server))]);
        let answer = fixture.chat(&say("what grows in pots?"));
        // More than is read of it depends on what was sent.
        let due = if label == "too_large" { (413, "body_too_large") } else { (503, "guard_errored") };
        assert_eq!((answer.status, answer.code().as_str()), due, "{label}");
        let text = answer.text();
        assert!(!text.contains("Heron") && !text.contains(CARD), "a service talks to callers: {text}");
        assert!(fixture.upstream.requests().is_empty(), "{label}: the prompt was sent");
        let denied = fixture.denied().remove(0);
        assert_eq!(told(&denied.guards), [("outside", GuardOutcome::Errored, vec![label])]);
        assert_eq!(server.requests().len(), 1, "{label}: it is asked again");
    }
    assert!(elsewhere.requests().is_empty(), "texts are sent to where nobody wanted them");
}

/// Requirement: N21. All at once, none before the other, and the worst that any says holds.
#[test]
fn services_are_asked_side_by_side_and_the_most_restrictive_holds() {
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let words = [
        r#"{"verdict":"pass"}"#,
        r#"{"verdict":"flag","reason_code":"odd"}"#,
        r#"{"verdict":"block","reason_code":"off-topic","detector":"topic-net","version":"7.1"}"#,
    ];
    let answers = gates.iter().zip(words).map(|(gate, word)| Answer::json(200, word).held_at(gate));
    let servers: Vec<Upstream> = answers.map(Upstream::start).collect();
    let mut guards: Vec<GuardConfig> = ["passes", "flags", "blocks"]
        .into_iter()
        .zip(&servers)
        .map(|(name, server)| guard(name, GuardSide::Prompt, service(server)))
        .collect();
    guards.push(guard("down", GuardSide::Prompt, service_at(Upstream::nobody())));
    let fixture = fixture(Api::OpenAi, guards);
    let mut client = fixture.ask(&say("what grows in pots?"));
    for gate in &gates {
        assert!(gate.reached(), "one is asked only when another has answered");
    }
    // The last one opened first: the order of answers is nobody's.
    for gate in gates.iter().rev() {
        gate.open();
    }
    let answer = client.answer();
    assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"));
    assert!(answer.text().contains("blocks (off-topic)"), "{}", answer.text());
    let denied = fixture.denied().remove(0);
    let wanted = [
        ("passes", GuardOutcome::Passed, vec![]),
        ("flags", GuardOutcome::Flagged, vec!["odd"]),
        ("blocks", GuardOutcome::Blocked, vec!["off-topic"]),
        ("down", GuardOutcome::Errored, vec!["unreachable"]),
    ];
    assert_eq!(told(&denied.guards), wanted);
    let versions: Vec<&str> = denied.guards.iter().map(|said| said.version.as_str()).collect();
    assert!(versions[0].starts_with("http.1-") && versions[0].ends_with(":7"), "{versions:?}");
    assert!(versions[2].ends_with(":7 (topic-net 7.1)"), "what judged is not on record: {versions:?}");
}

/// Requirement: N21, P15. A service sees what the provider will, and nothing that a guard of ours stops.
#[test]
fn a_service_is_shown_what_will_be_sent_and_no_more() {
    let server = Upstream::start(Answer::json(200, PASS));
    let words = GuardConfig {
        words: vec!["heron".to_owned()],
        on: vec![GuardSide::Prompt],
        ..GuardConfig::new("words", GuardKind::Words)
    };
    let outside =
        GuardConfig { service: Some(service(&server)), ..GuardConfig::new("outside", GuardKind::Http) };
    let guards = vec![words, outside];
    let echo =
        Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))));
    let fixture = Fixture::with(echo, Setup { guards, ..Setup::default() });
    let answer = fixture.chat(&say(&format!("write to {EMAIL}")));
    assert_eq!(answer.content(), format!("write to {EMAIL}"), "{}", answer.text());
    let seen = server.requests();
    assert_eq!(seen.len(), 2, "prompt and answer");
    for (request, of) in seen.iter().zip(["prompt", "answer"]) {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!((request.method(), request.path()), ("POST", "/v1/check"));
        assert_eq!((body["of"].as_str(), body["guard"].as_str()), (Some(of), Some("outside")));
        assert_eq!(
            (body["model"].as_str(), body["purpose"].as_str()),
            (Some("model-a"), Some("loan-support"))
        );
        assert_eq!(body["system"].as_str(), Some("51".repeat(16).as_str()));
        assert!(!request.text().contains("lovelace"), "{of}: personal data is shown: {}", request.text());
        assert!(
            request.text().contains("write to <EMAIL_"),
            "{of}: the text is not shown: {}",
            request.text()
        );
        assert!(!request.head.contains("tbl_"), "the caller's key is shown");
    }
    assert_eq!(fixture.chat(&say("what of the heron?")).code(), "guard_blocked");
    assert_eq!(server.requests().len(), 2, "a text that is stopped anyway is shown to others");
    let denied = fixture.denied();
    let said =
        told(&denied[0].guards).into_iter().map(|(name, outcome, _)| (name, outcome)).collect::<Vec<_>>();
    assert_eq!(said, [("words", GuardOutcome::Blocked), ("outside", GuardOutcome::NotRun)]);
}

/// Requirement: N21. An escape, a name of a member and the arguments of a tool are shown as they read; a stream is put together again.
#[test]
fn nothing_that_is_text_is_left_out() {
    let finds = || {
        Script::by(|request, _| {
            let found = request.text().contains("nasty phrase");
            Answer::json(200, if found { BLOCK } else { PASS })
        })
    };
    let tool = json!({ "model": "model-a", "messages": [{ "role": "assistant", "tool_calls": [{ "id": "1", "type": "function",
        "function": { "name": "f", "arguments": "{\"q\":\"nas\\u0074y phrase\"}" } }] }] });
    let named = json!({ "model": "model-a", "messages": [], "metadata": { "a nasty phrase": "x" } });
    for body in [tool, named] {
        let server = Upstream::start(finds());
        let fixture = fixture(Api::OpenAi, vec![guard("outside", GuardSide::Prompt, service(&server))]);
        assert_eq!(fixture.chat(body.to_string().as_bytes()).code(), "guard_blocked", "{body}");
    }
    let letters: Vec<String> = "It is a nasty phrase indeed.".chars().map(String::from).collect();
    let events = openai::stream_of(&letters).replace("\"object\"", "\"obfuscation\":\"aX9\",\"object\"");
    let server = Upstream::start(finds());
    let guards = vec![guard("outside", GuardSide::Answer, service(&server))];
    let fixture = Fixture::with(Answer::events(events), Setup { guards, ..Setup::default() });
    let answer = fixture.chat(&say_streaming("what?"));
    assert!(answer.text().contains("guard_blocked"), "{}", answer.text());
    assert!(answer.content().is_empty(), "some of it was let go: {}", answer.text());
    assert!(!server.requests()[0].text().contains("aX9"), "padding is no text");
    let refused = json!({ "error": { "message": "a nasty phrase", "type": "invalid_request_error" } });
    let server = Upstream::start(finds());
    let guards = vec![guard("outside", GuardSide::Answer, service(&server))];
    let fixture = Fixture::with(Answer::json(400, refused.to_string()), Setup { guards, ..Setup::default() });
    assert_eq!(
        fixture.chat(&say("what?")).code(),
        "guard_blocked",
        "an error of the provider goes past the guard"
    );
}

/// Requirement: N21. What is only to be flagged waits for nobody but at its end, and is on record as it was.
#[test]
fn a_guard_that_flags_lets_calls_go_on() {
    let lenient = |service: GuardServiceConfig| GuardConfig {
        mode: GuardMode::Flag,
        ..guard("outside", GuardSide::Answer, GuardServiceConfig { on_error: GuardOnError::Flag, ..service })
    };
    let gate = Gate::new();
    let server = Upstream::start(Answer::json(200, BLOCK).held_at(&gate));
    let flagging = fixture(Api::OpenAi, vec![lenient(service(&server))]);
    let mut client = flagging.ask(&say_streaming("what grows in pots?"));
    client.read_until("in pots.");
    assert!(gate.reached(), "it is not asked");
    assert!(!String::from_utf8_lossy(&client.buffer).contains("[DONE]"), "the end went before the verdict");
    gate.open();
    assert_eq!(client.answer().content(), ANSWER);
    assert_eq!(told(&flagging.end().guards), [("outside", GuardOutcome::Flagged, vec!["off-topic"])]);

    let unseen = fixture(Api::OpenAi, vec![lenient(service_at(Upstream::nobody()))]);
    assert_eq!(unseen.chat(&say("what grows in pots?")).content(), ANSWER);
    let said = unseen.end();
    assert_eq!(told(&said.guards), [("outside", GuardOutcome::Errored, vec!["unreachable"])]);
    assert_eq!(said.outcome, Outcome::Answered, "the record does not show that it went on unseen");
}

/// A limit of questions at once, connections that are used again, and a wait that ends with the client and the stop.
#[test]
fn a_service_is_asked_so_often_at_once_and_waited_for_by_somebody() {
    let server = Upstream::start(Answer::json(200, PASS));
    let fixture = fixture(Api::OpenAi, vec![guard("outside", GuardSide::Prompt, service(&server))]);
    let mut client = fixture.connect();
    for _ in 0..3 {
        client.send(&crate::fixture::chat_request(&say("what grows in pots?")));
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(server.connections(), 1, "every question makes a connection of its own");
    drop(fixture);

    let gate = Gate::new();
    let server = Upstream::start(Answer::json(200, PASS).held_at(&gate));
    let one = GuardServiceConfig { at_once: 1, ..service(&server) };
    let busy = self::fixture(Api::OpenAi, vec![guard("outside", GuardSide::Prompt, one)]);
    let mut first = busy.ask(&say("first"));
    assert!(gate.reached());
    assert_eq!(busy.chat(&say("second")).code(), "guard_errored");
    assert_eq!(told(&busy.denied()[0].guards), [("outside", GuardOutcome::Errored, vec!["busy"])]);
    gate.open();
    assert_eq!(first.answer().status, 200);

    let server = Upstream::start(Answer::silence());
    let mut waiting = self::fixture(Api::OpenAi, vec![guard("outside", GuardSide::Prompt, service(&server))]);
    let client = waiting.ask(&say("and gone"));
    assert_eq!(server.wait_for_requests(1).len(), 1);
    client.leave();
    assert!(server.wait_for_hang_ups(1), "the service works for nobody");
    assert_eq!(denied(&waiting, 1)[0].code, "client_gone");
    let client = waiting.ask(&say("and stopped"));
    assert_eq!(server.wait_for_requests(2).len(), 2);
    waiting.stop(Duration::ZERO);
    let denied = denied(&waiting, 2);
    assert_eq!(denied[1].code, "stopping");
    assert_eq!(told(&denied[1].guards), [("outside", GuardOutcome::NotRun, vec![])]);
    assert!(waiting.upstream.requests().is_empty(), "what nobody judged was sent");
    drop(client);
}

fn denied(fixture: &Fixture, count: usize) -> Vec<CallDenied> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let size = fixture.ledger.reader().size();
        let denied = fixture.denied();
        if denied.len() >= count {
            return denied;
        }
        assert!(
            Instant::now() < deadline,
            "a call that was given up is not on record: {:?}",
            fixture.records()
        );
        fixture.ledger.reader().wait_for_more(size, Duration::from_millis(200));
    }
}

/// Requirement: N21. A service is where it was said to be, whatever its name leads to.
#[test]
fn a_service_is_not_asked_where_it_may_not_be() {
    let server = Upstream::start(Answer::json(200, PASS));
    let dir = tempfile::tempdir().expect("a directory");
    let authority = dir.path().join("authority.pem");
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(&authority, certified.cert.pem()).expect("a file");
    let public = GuardServiceConfig {
        private_network: false,
        ca_file: Some(authority),
        ..service_at(format!("https://localhost:{}/check", server.address().port()))
    };
    let fixture = fixture(Api::OpenAi, vec![guard("outside", GuardSide::Prompt, public)]);
    assert_eq!(fixture.chat(&say("what?")).code(), "guard_errored");
    assert_eq!(told(&fixture.denied()[0].guards), [("outside", GuardOutcome::Errored, vec!["out_of_reach"])]);
    assert_eq!(server.connections(), 0, "a name leads into this machine without anybody saying so");
}

/// Requirement: N19, N21. What cannot work keeps the gateway from starting, and says what to do.
#[test]
fn a_service_that_could_not_be_asked_refuses_the_start() {
    let refused = |service: GuardServiceConfig| {
        let guards = vec![guard("outside", GuardSide::Prompt, service)];
        let config = GatewayConfig { guards, ..GatewayConfig::default() };
        Gateway::check(&config).expect_err("it is taken").to_string()
    };
    let plain = || service_at("http://127.0.0.1:1/check");
    let presidio = || GuardServiceConfig { shape: GuardShape::Presidio, ..plain() };
    let cases = [
        (GuardServiceConfig { private_network: false, ..plain() }, "private_network"),
        (GuardServiceConfig { private_network: false, ..service_at("http://guard.example/check") }, "https"),
        (service_at("http://169.254.169.254/latest"), "never asked"),
        (service_at("ftp://127.0.0.1/check"), "neither http nor https"),
        (service_at("http://key@127.0.0.1/check"), "more than host and path"),
        (service_at("/check"), "names no host"),
        (GuardServiceConfig { version: "the newest".to_owned(), ..plain() }, "version"),
        (GuardServiceConfig { timeout_ms: 0, ..plain() }, "timeout_ms"),
        (GuardServiceConfig { timeout_ms: 60_001, ..plain() }, "timeout_ms"),
        (GuardServiceConfig { at_once: 0, ..plain() }, "at_once"),
        (GuardServiceConfig { key_file: Some("/no/such/key".into()), ..plain() }, "/no/such/key"),
        (GuardServiceConfig { language: Some("en".to_owned()), ..plain() }, "presidio"),
        (presidio(), "entities"),
        (GuardServiceConfig { entities: vec!["person".to_owned()], ..presidio() }, "entities"),
    ];
    for (service, why) in cases {
        let said = refused(service);
        assert!(said.contains("[guard.outside]") && said.contains(why), "{said}");
    }
    for misfit in [
        GuardConfig::new("outside", GuardKind::Http),
        GuardConfig { service: Some(plain()), ..GuardConfig::new("outside", GuardKind::Injection) },
    ] {
        let config = GatewayConfig { guards: vec![misfit], ..GatewayConfig::default() };
        let said = Gateway::check(&config).expect_err("it is taken").to_string();
        assert!(said.contains("kind http takes a service"), "{said}");
    }
}

/// Requirement: N21. Services that others built are asked as they are used to.
#[test]
fn services_of_others_are_asked_in_their_own_form() {
    let dir = tempfile::tempdir().expect("a directory");
    let key_file = dir.path().join("service.key");
    std::fs::write(&key_file, "of-the-service\n").expect("a file");
    make_private(&key_file);
    let found = json!([{ "analysis_explanation": null, "entity_type": "US_ITIN", "start": 0, "end": 4, "score": 0.6 }]);
    let server = Upstream::start(Answer::json(200, found.to_string()));
    let presidio = GuardServiceConfig {
        shape: GuardShape::Presidio,
        entities: vec!["US_ITIN".to_owned()],
        threshold_percent: Some(60),
        ..service(&server)
    };
    let fixture = fixture(Api::OpenAi, vec![guard("pii", GuardSide::Prompt, presidio)]);
    assert_eq!(fixture.chat(&say("what grows in pots?")).code(), "guard_blocked");
    assert_eq!(told(&fixture.denied()[0].guards), [("pii", GuardOutcome::Blocked, vec!["US_ITIN"])]);
    let asked: Value = serde_json::from_slice(&server.requests()[0].body).expect("JSON");
    assert_eq!((&asked["language"], &asked["score_threshold"]), (&json!("en"), &json!(0.6)));
    assert!(asked["text"].as_str().is_some_and(|text| text.contains("what grows in pots?")), "{asked}");

    let answers = [
        r#"{"action":"NONE"}"#,
        r#"{"action":"BLOCKED","blocked_reason":"of Heron"}"#,
        r#"{"action":"GUARDRAIL_INTERVENED","texts":["***"]}"#,
    ];
    let server = Upstream::start(Script::in_order(answers.map(|answer| Answer::json(200, answer))));
    let litellm =
        GuardServiceConfig { shape: GuardShape::Litellm, key_file: Some(key_file), ..service(&server) };
    let fixture = self::fixture(Api::OpenAi, vec![guard("rail", GuardSide::Prompt, litellm)]);
    assert_eq!(fixture.chat(&say("one")).status, 200);
    assert_eq!(server.requests()[0].header("x-api-key"), Some("of-the-service"));
    let blocked = fixture.chat(&say("two"));
    assert_eq!(blocked.code(), "guard_blocked");
    assert!(!blocked.text().contains("Heron"), "{}", blocked.text());
    assert_eq!(
        fixture.chat(&say("three")).code(),
        "guard_errored",
        "a text that was changed is sent unchanged"
    );
    let denied = fixture.denied();
    assert_eq!(told(&denied[0].guards), [("rail", GuardOutcome::Blocked, vec!["blocked"])]);
    assert_eq!(told(&denied[1].guards), [("rail", GuardOutcome::Errored, vec!["edited"])]);
}
