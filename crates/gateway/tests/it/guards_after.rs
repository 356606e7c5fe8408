//! Guards that look when a call is over: no call waits for them, they stop nothing, and whatever nobody looked at is on record as that.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_gateway::{
    Gateway, GatewayConfig, GuardAfterConfig, GuardConfig, GuardKind, GuardMode, GuardServiceConfig,
    GuardSide, Limits, assess_lost,
};
use tabellion_model::SystemId;
use tabellion_model::body::{
    AwaitedLook, Body as _, CallAssessed, CallAuthorised, EnrichedSide, GuardOutcome, Guarded,
};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Gate, Script, openai};
use tabellion_tlog::leaf_hash;
use tabellion_views::query::{Reference, UnassessedCall};

use crate::fixture::{Fixture, SYSTEM, Seen, Setup, body, say, say_streaming};
use crate::grpc_guards;
use crate::grpc_server::{GrpcServer, Reply};
use crate::outside_guards::{guard as outside, provider, service};

const PATIENCE: Duration = Duration::from_secs(30);
const EMAIL: &str = "ada.lovelace@example.org";

/// Looks soon, and by itself alone.
pub(crate) const SOON: GuardAfterConfig =
    GuardAfterConfig { batch: 1, batch_wait_ms: 0, verdict_within_ms: 60_000 };

/// The same guard when the call is over.
pub(crate) fn after(guard: GuardConfig, how: GuardAfterConfig) -> GuardConfig {
    GuardConfig { mode: GuardMode::Flag, after: Some(how), ..guard }
}

fn words(on: &[GuardSide]) -> GuardConfig {
    let words = vec!["kumquats".to_owned()];
    after(GuardConfig { words, on: on.to_vec(), ..GuardConfig::new("words", GuardKind::Words) }, SOON)
}

pub(crate) fn with(script: impl Into<Script>, guards: Vec<GuardConfig>) -> Fixture {
    Fixture::with(script, Setup { guards, ..Setup::default() })
}

/// Waits for so many records of what guards said.
pub(crate) fn assessed(fixture: &Fixture, count: usize) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let size = fixture.ledger.reader().size();
        let seen = fixture.of_type(CallAssessed::TYPE);
        if seen.len() >= count {
            return seen;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nobody looked at the call: {:?}", fixture.records());
        fixture.ledger.reader().wait_for_more(size, left.min(Duration::from_millis(200)));
    }
}

/// What was said of the only call.
fn said(fixture: &Fixture) -> CallAssessed {
    let seen = assessed(fixture, 1);
    assert_eq!(seen.len(), 1, "one call has one record of it");
    body(&seen[0])
}

fn told(said: &[Guarded]) -> Vec<(&str, GuardOutcome, &str)> {
    said.iter()
        .map(|one| (one.guard.as_str(), one.outcome, one.found.first().map_or("", String::as_str)))
        .collect()
}

/// As many verdicts as were asked for, all of them `verdict`.
fn verdicts(asked: &str, verdict: &Value) -> String {
    let asked: Value = serde_json::from_str(asked).expect("a question is JSON");
    let count = asked["questions"].as_array().map_or(1, Vec::len);
    json!({ "verdicts": vec![verdict.clone(); count] }).to_string()
}

/// A service that says the same of everything.
fn says(verdict: Value) -> Upstream {
    Upstream::start(Script::by(move |request, _| Answer::json(200, verdicts(&request.text(), &verdict))))
}

/// Requirement: P13. A verdict that comes when the call is over stops nothing, is on record with what it is of, and says what the guard would have said in its path; of
/// whole answers and of streams, of prompts and of answers.
#[test]
fn what_is_found_afterwards_is_on_record_and_stops_nothing() {
    for streamed in [false, true] {
        let fixture = with(provider(), vec![words(&[GuardSide::Prompt, GuardSide::Answer])]);
        let asked = "do kumquats grow here?";
        let request = if streamed { say_streaming(asked) } else { say(asked) };
        let answer = fixture.chat(&request);
        assert_eq!(answer.status, 200, "it was stopped: {}", answer.text());
        let said = said(&fixture);
        let found = [("words", GuardOutcome::Flagged, "word 1")];
        assert_eq!((told(&said.prompt), told(&said.answer)), (found.to_vec(), found.to_vec()));
        let (calls, ends) = (fixture.of_type("call.authorised"), fixture.ended(1));
        let call: CallAuthorised = body(&calls[0]);
        assert!(call.guards.is_empty() && ends[0].guards.is_empty(), "it looked in the path of the call");
        let named: Vec<_> = call.guards_after.iter().map(|look| (look.guard.as_str(), look.side)).collect();
        assert_eq!(named, [("words", EnrichedSide::Prompt), ("words", EnrichedSide::Answer)]);
        assert_eq!(call.guards_after[0].version, said.prompt[0].version, "another guard than was announced");
        let seen = assessed(&fixture, 1).remove(0);
        let [parent] = seen.header.parents.as_slice() else { panic!("{:?}", seen.header.parents) };
        assert_eq!((parent.role.as_str(), parent.record_id), ("authorised", calls[0].header.record_id));
        let whose = |seen: &Seen| (seen.header.system.map(|(system, _)| system), seen.header.actor);
        assert_eq!(whose(&seen), whose(&calls[0]), "it is on record as another system's");
        let written = serde_json::to_string(&seen.fields).expect("JSON");
        assert!(!written.contains("kumquats"), "text is on record: {written}");
    }
}

/// Requirement: P13. Fifty questions together, unless somebody says otherwise: 120 calls are three requests over HTTP and over gRPC, and each call has its own verdict.
#[test]
fn a_hundred_and_twenty_calls_are_asked_about_in_three_batches() {
    let how = GuardAfterConfig { batch_wait_ms: 59_000, ..GuardAfterConfig::default() };
    // Blocks what speaks of herons, and passes the rest.
    let http = Upstream::start(Script::by(|request, _| {
        let asked: Value = serde_json::from_str(&request.text()).expect("JSON");
        assert_eq!(asked["format"], "tabellion.guard-batch/1");
        let one = |question: &Value| {
            let is_found = question["texts"].to_string().contains("heron");
            if is_found {
                json!({ "verdict": "block", "reason_code": "bird" })
            } else {
                json!({ "verdict": "pass" })
            }
        };
        let all: Vec<Value> = asked["questions"].as_array().expect("questions").iter().map(one).collect();
        Answer::json(200, json!({ "verdicts": all }).to_string())
    }));
    let grpc = GrpcServer::start(|asked| Reply::message(&passes(questions(&asked.body).len())));
    let guards = vec![
        after(outside("over-http", GuardSide::Prompt, service(&http)), how),
        after(grpc_guards::guard("over-grpc", GuardSide::Answer, grpc_guards::service(&grpc)), how),
    ];
    let mut fixture = with(provider(), guards);
    for number in 0..120 {
        let asked =
            if number % 40 == 7 { format!("what is heron {number}?") } else { format!("what is {number}?") };
        assert_eq!(fixture.chat(&say(&asked)).status, 200);
    }
    // What waits for company is asked about when the gateway ends.
    fixture.stop(PATIENCE);
    let sizes = |of: Vec<usize>| assert_eq!(of, [50, 50, 20], "calls were not asked about together");
    let http_sizes = |request: &tabellion_testkit::upstream::Request| {
        let asked: Value = serde_json::from_str(&request.text()).expect("JSON");
        asked["questions"].as_array().map_or(0, Vec::len)
    };
    sizes(http.requests().iter().map(http_sizes).collect());
    sizes(grpc.asked().iter().map(|asked| questions(&asked.body).len()).collect());
    assert!(grpc.asked().iter().all(|asked| asked.path == "/tabellion.guard.v1.Guard/CheckBatch"));
    let all = assessed(&fixture, 120);
    assert_eq!(all.len(), 120, "a call has no verdict");
    let calls = fixture.of_type("call.authorised");
    for (number, call) in calls.iter().enumerate() {
        let its = |seen: &&Seen| seen.header.parents[0].record_id == call.header.record_id;
        let said: CallAssessed = body(all.iter().find(its).expect("its record"));
        let outcome = if number % 40 == 7 { GuardOutcome::Flagged } else { GuardOutcome::Passed };
        assert_eq!(said.prompt[0].outcome, outcome, "call {number} has the verdict of another");
        assert_eq!(said.answer[0].outcome, GuardOutcome::Passed);
    }
}

/// The questions of a batch over gRPC, each as its bytes: fields of number 1 with a length.
fn questions(framed: &[u8]) -> Vec<Vec<u8>> {
    let mut left = &framed[5..];
    let mut all = Vec::new();
    while let [0x0a, rest @ ..] = left {
        let (mut length, mut shift, mut at) = (0_usize, 0, 0);
        loop {
            let byte = rest[at];
            length |= usize::from(byte & 0x7f) << shift;
            (shift, at) = (shift + 7, at + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        all.push(rest[at..at + length].to_vec());
        left = &rest[at + length..];
    }
    assert!(left.is_empty(), "something else stands among the questions");
    all
}

/// So many verdicts that pass.
fn passes(count: usize) -> Vec<u8> {
    b"\x0a\x02\x08\x01".repeat(count)
}

/// Requirement: P13. No call waits: answers come and ends are durable while the service hangs, streamed or not.
#[test]
fn no_call_waits_for_a_guard_that_hangs() {
    let gate = Gate::new();
    let verdict = r#"{"verdict":"block","reason_code":"off-topic","detector":"topic-net","version":"7.1"}"#;
    let server = Upstream::start(Answer::json(200, verdict).held_at(&gate));
    let guard = after(outside("outside", GuardSide::Answer, service(&server)), SOON);
    let fixture = with(provider(), vec![guard]);
    for request in [say("what grows?"), say_streaming("what grows?")] {
        assert_eq!(fixture.chat(&request).status, 200, "a call waits for a guard that hangs");
    }
    assert_eq!(fixture.ended(2).len(), 2, "the end waits for a guard that hangs");
    assert!(gate.reached(), "nobody is asked");
    assert!(fixture.of_type(CallAssessed::TYPE).is_empty(), "it said something before it answered");
    gate.open();
    for seen in assessed(&fixture, 2) {
        let said: CallAssessed = body(&seen);
        assert_eq!(told(&said.answer), [("outside", GuardOutcome::Flagged, "off-topic")]);
        let version = &said.answer[0].version;
        assert!(version.ends_with(":7 (topic-net 7.1)"), "what judged is not on record: {version}");
        assert!(said.prompt.is_empty(), "it looked at what it is not for");
    }
}

/// Requirement: P13. It sees what a guard in the path sees: a prompt with placeholders, an answer before values are given back.
#[test]
fn a_service_sees_placeholders_alone() {
    let server = says(json!({ "verdict": "pass" }));
    let echo =
        Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))));
    let how = GuardAfterConfig { batch: 2, batch_wait_ms: 10, ..GuardAfterConfig::default() };
    let both = GuardConfig {
        on: vec![GuardSide::Prompt, GuardSide::Answer],
        ..outside("outside", GuardSide::Prompt, service(&server))
    };
    let fixture = with(echo, vec![after(both, how)]);
    let answer = fixture.chat(&say(&format!("write to {EMAIL}")));
    assert!(answer.text().contains(EMAIL), "the caller did not get the value back: {}", answer.text());
    let said = said(&fixture);
    let passed = [("outside", GuardOutcome::Passed, "")];
    assert_eq!((told(&said.prompt), told(&said.answer)), (passed.to_vec(), passed.to_vec()));
    let shown: String = server.requests().iter().map(tabellion_testkit::upstream::Request::text).collect();
    assert!(!shown.contains("ada.lovelace"), "somebody else saw it: {shown}");
    assert_eq!(shown.matches("<EMAIL_").count(), 2, "not both sides were shown: {shown}");
}

/// Requirement: P13. What is no verdict is none: with one of our words for it, by its bound.
#[test]
fn without_a_verdict_it_is_on_record_that_there_is_none() {
    let soon = GuardAfterConfig { batch: 2, batch_wait_ms: 0, verdict_within_ms: 400 };
    let label = |service: GuardServiceConfig| {
        let fixture = with(provider(), vec![after(outside("outside", GuardSide::Prompt, service), soon)]);
        assert_eq!(
            fixture.chat(&say("what grows?")).status,
            200,
            "a call is stopped for a guard that is not asked in its path"
        );
        let said = said(&fixture).prompt.remove(0);
        assert_eq!(said.outcome, GuardOutcome::Errored, "silence was taken for a pass");
        said.found.join(" ")
    };
    let at = |answer: Answer| {
        let server = Upstream::start(answer);
        label(service(&server))
    };
    let nobody =
        GuardServiceConfig { url: format!("{}/check", Upstream::nobody()), ..service(&says(json!({}))) };
    assert_eq!(label(nobody), "late unreachable");
    assert_eq!(at(Answer::silence()), "late");
    assert_eq!(at(Answer::json(503, "{}")), "late status_503");
    assert_eq!(at(Answer::json(400, "{}")), "status_400", "it is asked again what it does not understand");
    assert_eq!(
        at(Answer::json(200, r#"{"verdict":"pass"}"#)),
        "malformed",
        "a verdict on one was taken for all"
    );
    assert_eq!(at(Answer::json(200, r#"{"verdicts":[]}"#)), "miscounted");
    let two = r#"{"verdicts":[{"verdict":"pass"},{"verdict":"pass"}]}"#;
    assert_eq!(at(Answer::json(200, two)), "miscounted");
    assert_eq!(at(Answer::json(200, r#"{"verdicts":[{"verdict":"allow"}]}"#)), "malformed");
    let card = r#"{"verdicts":[{"verdict":"flag","reason_code":"4111111111111111"}]}"#;
    assert_eq!(at(Answer::json(200, card)), "malformed", "a card's number is on record");
}

/// Requirement: P13. A service that comes back within the bound is asked again, and what it says counts.
#[test]
fn a_service_that_comes_back_is_asked_again() {
    let answers = [Answer::json(503, "{}"), Answer::json(200, r#"{"verdicts":[{"verdict":"pass"}]}"#)];
    let server = Upstream::start(Script::in_order(answers));
    let how = GuardAfterConfig { batch_wait_ms: 0, ..GuardAfterConfig::default() };
    let fixture = with(provider(), vec![after(outside("outside", GuardSide::Prompt, service(&server)), how)]);
    assert_eq!(fixture.chat(&say("what grows?")).status, 200);
    assert_eq!(told(&said(&fixture).prompt), [("outside", GuardOutcome::Passed, "")]);
    assert_eq!(server.requests().len(), 2, "it was given up at once");
}

/// Requirement: P13. What does not fit into the queue is on record as not looked at, and the call goes on.
#[test]
fn what_does_not_fit_is_on_record_as_not_looked_at() {
    for limits in [
        Limits { after_calls: 1, ..Limits::default() },
        // Room for the short prompt alone.
        Limits { after_bytes: 200, ..Limits::default() },
    ] {
        let gate = Gate::new();
        let server = Upstream::start(Answer::json(200, r#"{"verdict":"pass"}"#).held_at(&gate));
        let guard = after(outside("outside", GuardSide::Prompt, service(&server)), SOON);
        let setup = Setup { guards: vec![guard], limits, ..Setup::default() };
        let fixture = Fixture::with(provider(), setup);
        assert_eq!(fixture.chat(&say("first")).status, 200);
        assert_eq!(
            fixture.chat(&say(&"more ".repeat(100))).status,
            200,
            "a call is denied because a queue is full"
        );
        let said = said(&fixture);
        assert_eq!(told(&said.prompt), [("outside", GuardOutcome::NotRun, "queue_full")]);
        gate.open();
        assert_eq!(assessed(&fixture, 2).len(), 2, "what was in the queue is lost");
    }
}

/// Requirement: P13. An orderly stop leaves no call without a word: what has no verdict by then is on record as not looked at.
#[test]
fn a_stop_leaves_no_call_without_a_word() {
    let server = Upstream::start(Answer::silence());
    let guard = after(outside("outside", GuardSide::Prompt, service(&server)), SOON);
    let mut fixture = with(provider(), vec![guard, words(&[GuardSide::Answer])]);
    assert_eq!(fixture.chat(&say("what grows?")).status, 200);
    fixture.stop(PATIENCE);
    let said = said(&fixture);
    assert_eq!(told(&said.prompt), [("outside", GuardOutcome::NotRun, "stopping")]);
    assert_eq!(told(&said.answer), [("words", GuardOutcome::Flagged, "word 1")], "what was found is lost");
}

/// Requirement: P13. What a killed process owed is on record at the next start as not looked at, once.
#[test]
fn a_start_records_what_nobody_looked_at() {
    let fixture = with(provider(), Vec::new());
    assert_eq!(fixture.chat(&say("what grows?")).status, 200, "a call to take as the one that was left");
    let seen = fixture.of_type("call.authorised").remove(0);
    let entry = fixture.ledger.reader().entry(seen.index).expect("its entry");
    let look = |side| AwaitedLook { guard: "outside".to_owned(), version: "http.1-abcd:7".to_owned(), side };
    let lost = UnassessedCall {
        authorised: Reference {
            entry: seen.index,
            record_id: seen.header.record_id,
            hash: leaf_hash(&entry.bytes),
        },
        system: Some(SystemId::from_bytes(SYSTEM)),
        awaited: vec![look(EnrichedSide::Prompt), look(EnrichedSide::Answer)],
    };
    for _ in 0..2 {
        let lost = std::slice::from_ref(&lost);
        assert_eq!(assess_lost(&fixture.ledger, lost).expect("it is recorded"), 1);
    }
    let said = said(&fixture);
    let nobody = [("outside", GuardOutcome::NotRun, "restart")];
    assert_eq!((told(&said.prompt), told(&said.answer)), (nobody.to_vec(), nobody.to_vec()));
    assert_eq!(said.prompt[0].version, "http.1-abcd:7");
}

/// Requirement: P13. Nobody gets an answer: a guard of answers did not look, one of prompts did.
#[test]
fn what_was_never_answered_is_no_pass() {
    let fixture = with(Answer::raw(""), vec![words(&[GuardSide::Prompt, GuardSide::Answer])]);
    assert_eq!(fixture.chat(&say("what grows?")).status, 502);
    let said = said(&fixture);
    assert_eq!(told(&said.prompt), [("words", GuardOutcome::Passed, "")]);
    assert_eq!(told(&said.answer), [("words", GuardOutcome::NotRun, "no_answer")]);
    let stream = openai::stream_of(&["Bananas ", "grow ", "on"]);
    let cut = Answer::events(stream.clone()).cut_after(stream.len() / 2);
    let fixture = with(cut, vec![words(&[GuardSide::Answer])]);
    fixture.chat(&say_streaming("what grows?"));
    let broken = self::said(&fixture);
    assert_eq!(broken.answer[0].outcome, GuardOutcome::NotRun, "half an answer was taken for all of it");
}

/// Requirement: P13. It is for the calls that it is set up for, and one that stops calls and one that looks later do not take each other's place.
#[test]
fn a_guard_in_the_path_stops_what_one_afterwards_would_only_tell() {
    let blocking =
        GuardConfig { words: vec!["heron".to_owned()], ..GuardConfig::new("stops", GuardKind::Words) };
    let elsewhere = GuardConfig { purposes: vec!["testing".to_owned()], ..words(&[GuardSide::Prompt]) };
    let mut fixture = with(provider(), vec![elsewhere, blocking]);
    assert_eq!(fixture.chat(&say("a heron")).status, 403, "what looks later took the place of what stops");
    assert_eq!(fixture.chat(&say("kumquats")).status, 200);
    let purpose = [("tabellion-purpose", "testing")];
    assert_eq!(fixture.call("POST", "/v1/chat/completions", &purpose, &say("kumquats")).status, 200);
    fixture.stop(PATIENCE);
    let call = fixture.of_type("call.authorised").pop().expect("the last call");
    let parents: Vec<_> =
        fixture.of_type(CallAssessed::TYPE).iter().map(|seen| seen.header.parents[0].record_id).collect();
    assert_eq!(parents, [call.header.record_id], "it looked at what it is not for");
}

/// Requirement: P13. What cannot work keeps the gateway from starting, and says what to do.
#[test]
fn a_guard_that_could_not_look_afterwards_refuses_the_start() {
    let plain = |kind| after(GuardConfig::new("it", kind), GuardAfterConfig::default());
    let injection = || plain(GuardKind::Injection);
    let batch = |batch| GuardAfterConfig { batch, ..GuardAfterConfig::default() };
    let prompts = |guard: GuardConfig| GuardConfig { on: vec![GuardSide::Prompt], ..guard };
    let references = GuardConfig { references: Some(1), ..prompts(plain(GuardKind::References)) };
    for (guards, why) in [
        (vec![GuardConfig { mode: GuardMode::Block, ..injection() }], "stops nothing"),
        (vec![references], "references, rego and cost"),
        (vec![GuardConfig { after: Some(batch(0)), ..injection() }], "batch is 1 to 500"),
        (vec![GuardConfig { after: Some(batch(501)), ..injection() }], "batch is 1 to 500"),
        (vec![injection(), GuardConfig::new("it", GuardKind::Secrets)], "there twice"),
        (vec![injection(), injection()], "there twice"),
        (vec![injection(); 17], "more than 16"),
    ] {
        let config = GatewayConfig { guards, ..GatewayConfig::default() };
        let said = Gateway::check(&config).expect_err("it is taken").to_string();
        assert!(said.contains(why), "{said}");
    }
}

/// Requirement: P13. A canary shows what is stopped, so that no place counts as guarded by what looks later.
#[test]
fn probes_leave_out_what_looks_afterwards() {
    let blocking =
        GuardConfig { words: vec!["heron".to_owned()], ..GuardConfig::new("stops", GuardKind::Words) };
    let fixture = with(provider(), vec![words(&[GuardSide::Prompt]), blocking]);
    let places = fixture.gateway.as_ref().expect("it serves").probing().places().to_vec();
    let of = |name: &str| places.iter().filter(|place| place.guard == name).count();
    assert!(of("stops") > 0, "what stops calls is not tried: {places:?}");
    assert_eq!(of("words"), 0, "a route seems guarded by what stops nothing");
}
