//! A provider that gives no answer: the next model is asked where everything permits it anew, each attempt on record, and never after a byte was released.

use std::sync::Arc;

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSide, Limits, RetryConfig, UpstreamConfig};
use tabellion_model::StopId;
use tabellion_model::body::{
    BudgetScope, CallAuthorised, CallCompleted, CallDenied, Caps, DataTerms, Delivered, Outcome, StopOrdered,
    StopScope,
};
use tabellion_model::charge::{Spent, Window};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Gate, Script, openai};

use crate::budgets::{budget, draft, organisation, tokens};
use crate::client::Answer as Got;
use crate::fixture::{Fixture, Seen, Setup, body, gate_key, policy, say, say_streaming};

/// Asks model `model-b` of a second provider where the scripted one fails.
pub(crate) fn setup(second: &Upstream, data: DataTerms) -> Setup {
    let other = UpstreamConfig {
        models: vec!["model-b".to_owned()],
        data,
        ..UpstreamConfig::new("second", second.base_url())
    };
    Setup {
        fallback: [("model-a".to_owned(), vec!["model-b".to_owned()])].into(),
        others: vec![other],
        limits: Limits { first_byte_ms: 300, ..Limits::default() },
        ..Setup::default()
    }
}

fn good() -> Script {
    Script::by(|request, _| {
        let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
        if asked["stream"] == true { Answer::events(openai::STREAM) } else { Answer::json(200, openai::CHAT) }
    })
}

fn pair(first: impl Into<Script>) -> (Fixture, Upstream) {
    let second = Upstream::start(good());
    let setup = setup(&second, DataTerms::default());
    (Fixture::with(first, setup), second)
}

fn record_of(answer: &Got) -> &str {
    answer.header("tabellion-record").expect("an answer names its record")
}

/// The parents of a record, by role.
fn parents(seen: &Seen) -> Vec<(String, String)> {
    seen.header.parents.iter().map(|parent| (parent.role.clone(), parent.record_id.to_hex())).collect()
}

fn types(fixture: &Fixture) -> Vec<String> {
    fixture.records().iter().map(|seen| seen.header.record_type.as_str().to_owned()).collect()
}

/// Requirement: N25. Whatever keeps the first provider from answering, the second answers, whole or streamed, and the log holds both attempts in the order in
/// which they were permitted and ended.
#[test]
fn the_next_model_answers_and_both_attempts_are_on_record() {
    let table: [(&str, Answer, &str, Outcome); 5] = [
        ("is broken", Answer::json(500, openai::ERROR_500), "upstream_refused", Outcome::Refused),
        ("is busy", Answer::json(429, openai::ERROR_429), "upstream_refused", Outcome::Refused),
        ("breaks off", Answer::raw(""), "upstream_broke_off", Outcome::Failed),
        ("speaks no HTTP", Answer::raw("220 mail\r\n\r\n"), "upstream_malformed", Outcome::Failed),
        ("says nothing", Answer::silence(), "upstream_timeout", Outcome::Failed),
    ];
    for (what, first, code, outcome) in table {
        for asked in [say("Hello"), say_streaming("Hello")] {
            let (fixture, second) = pair(first.clone());
            let answer = fixture.chat(&asked);
            assert_eq!((answer.status, answer.content()), (200, openai::TEXT.to_owned()), "{what}");
            let sent = second.requests();
            let sent: Value = serde_json::from_slice(&sent[0].body).expect("JSON");
            assert_eq!(
                sent["model"], "model-b",
                "{what}: the second provider does not know the first's model"
            );
            assert_eq!(fixture.ended(2).len(), 2, "{what}: each attempt has one end");
            let [asked, failed, again, ended] = fixture.records().try_into().expect("four records");
            let order = ["call.authorised", "call.completed", "call.authorised", "call.completed"];
            assert_eq!(types(&fixture), order, "{what}: an attempt began before the one before was over");
            let first_id = asked.header.record_id.to_hex();
            let of = ("attempt_of".to_owned(), first_id.clone());
            assert_eq!(parents(&asked), [], "{what}: the first is the call");
            assert_eq!(parents(&failed), [("authorised".to_owned(), first_id.clone())], "{what}");
            assert_eq!(
                parents(&again),
                std::slice::from_ref(&of),
                "{what}: nobody could tell whose attempt it is"
            );
            let second_id = again.header.record_id.to_hex();
            assert_eq!(parents(&ended), [("authorised".to_owned(), second_id.clone()), of], "{what}");
            assert_eq!(
                record_of(&answer),
                second_id,
                "{what}: the client is told of the attempt that answered"
            );
            let failed: CallCompleted = body(&failed);
            assert_eq!(
                (failed.outcome, failed.code.as_deref(), failed.delivered),
                (outcome, Some(code), Delivered::Nothing),
                "{what}"
            );
            let again: CallAuthorised = body(&again);
            assert_eq!((again.model.as_str(), again.upstream.as_str()), ("model-b", "second"), "{what}");
            let attempt = again.attempt.expect("it says which attempt it is");
            assert_eq!((attempt.of.to_hex(), attempt.number, attempt.because.as_str()), (first_id, 2, code));
            assert_eq!(body::<CallCompleted>(&ended).outcome, Outcome::Answered, "{what}");
        }
    }
}

/// Requirement: N25. A provider that is not there costs nothing; one that may have computed keeps its reserve.
#[test]
fn each_attempt_is_charged_by_what_is_known_of_it() {
    let spent = |first: Answer, base_url: Option<String>| {
        let second = Upstream::start(good());
        let setup = Setup { base_url, ..setup(&second, DataTerms::default()) };
        let fixture = Fixture::with(first, setup);
        assert_eq!(fixture.chat(&say("Hello")).status, 200);
        fixture.ended(2);
        let ended = fixture.of_type("call.completed");
        ended.iter().map(|seen| Spent::of(&seen.header).expect("charged")).collect::<Vec<_>>()
    };
    let unsent = spent(Answer::silence(), Some(Upstream::nobody()));
    assert!(matches!(unsent[..], [Spent::Nothing, Spent::Counted(_)]), "{unsent:?}");
    let computed = spent(Answer::json(503, openai::ERROR_503), None);
    assert!(matches!(computed[..], [Spent::Reserve, Spent::Counted(_)]), "{computed:?}");
}

/// Requirement: N25, G19. The rules decide over the second provider's own terms; where they forbid it, the client gets the first one's error, word for word.
#[test]
fn a_fallback_that_the_rules_forbid_is_not_asked_and_the_first_error_stands() {
    let only_eu = r#"@id("all") permit (principal, action, resource);
        @id("eu") forbid (principal, action, resource)
        when { context.purpose == "loan-support" && resource in Upstream::"second" }
        unless { resource has region && resource.region == "eu" };"#;
    let of = |region: Option<&str>| DataTerms { region: region.map(str::to_owned), ..DataTerms::default() };
    for (region, permitted) in [(Some("eu"), true), (Some("us"), false), (None, false)] {
        for asked in [say("Hello"), say_streaming("Hello")] {
            let second = Upstream::start(good());
            let mut setup = setup(&second, of(region));
            setup.gate.policies = Arc::new(vec![policy(only_eu)]);
            let fixture = Fixture::with(Answer::json(503, openai::ERROR_503), setup);
            let answer = fixture.chat(&asked);
            if permitted {
                assert_eq!(answer.status, 200, "{region:?}: {}", answer.text());
                let again = fixture.authorised().remove(1);
                assert_eq!(again.terms, Some(of(region)), "the terms that it was permitted by");
                continue;
            }
            assert_eq!((answer.status, answer.text()), (503, openai::ERROR_503), "{region:?}");
            assert_eq!(second.connections(), 0, "{region:?}: data left for where the rules forbid it");
            let order = ["call.authorised", "call.denied", "call.completed"];
            assert_eq!(types(&fixture), order, "{region:?}");
            let [first, denied, _] = fixture.records().try_into().expect("three records");
            assert_eq!(record_of(&answer), first.header.record_id.to_hex(), "the error is the first's");
            assert_eq!(
                parents(&denied),
                [("attempt_of".to_owned(), first.header.record_id.to_hex())],
                "{region:?}"
            );
            let denied: CallDenied = body(&denied);
            assert_eq!((denied.code.as_str(), denied.rules), ("policy_denied", vec!["base.eu".to_owned()]));
            assert_eq!(
                (denied.upstream.as_deref(), denied.model.as_deref()),
                (Some("second"), Some("model-b"))
            );
            assert_eq!(denied.terms, region.map(|region| of(Some(region))), "what the rules looked at");
            assert_eq!(denied.attempt.expect("an attempt").number, 2);
        }
    }
}

/// Requirement: N25. After one byte of a stream was released there is no second attempt, nor after the head of any answer.
#[test]
fn what_has_begun_to_answer_is_never_tried_again() {
    let first = openai::STREAM.find("\n\n").expect("an event") + 2;
    for (what, answer, asked) in [
        ("a stream", Answer::events(openai::STREAM).cut_after(first), say_streaming("Hello")),
        ("an answer", Answer::json(200, openai::CHAT).cut_after(100), say("Hello")),
        ("an answer that is none", Answer::json(200, "hello"), say("Hello")),
        ("a refusal of the request", Answer::json(400, openai::ERROR_400), say("Hello")),
        ("a refusal of the gateway's key", Answer::json(401, openai::ERROR_401), say("Hello")),
    ] {
        let (fixture, second) = pair(answer);
        let got = fixture.chat(&asked);
        assert!(got.text().contains("error"), "{what}: the client must hear of it: {}", got.text());
        fixture.end();
        assert_eq!(second.connections(), 0, "{what} was asked for twice");
        assert_eq!(fixture.authorised().len(), 1, "{what}");
    }
}

/// Requirement: N25. What the provider may have done by itself is done once, unless it certainly never heard of it.
#[test]
fn a_request_for_which_the_provider_acts_goes_out_again_only_if_it_was_not_sent() {
    let chat = |more: Value| {
        let mut body = json!({ "model": "model-a", "messages": [{ "role": "user", "content": "x" }] });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body.to_string().into_bytes()
    };
    let ours = json!([{ "type": "function", "function": { "name": "pay", "parameters": {} } }]);
    for (asked, acts) in [
        (chat(json!({ "web_search_options": {} })), true),
        (chat(json!({ "tools": [{ "type": "mcp", "server_label": "crm" }] })), true),
        (chat(json!({ "tools": ours })), false),
    ] {
        let (fixture, second) = pair(Answer::json(503, openai::ERROR_503));
        let status = if acts { 503 } else { 200 };
        assert_eq!(fixture.chat(&asked).status, status, "{}", String::from_utf8_lossy(&asked));
        assert_eq!(second.connections(), usize::from(!acts), "a tool of the provider's ran twice");
        let second = Upstream::start(good());
        let away = Setup { base_url: Some(Upstream::nobody()), ..setup(&second, DataTerms::default()) };
        let fixture = Fixture::with(Answer::silence(), away);
        assert_eq!(fixture.chat(&asked).status, 200, "what nobody got can go elsewhere");
    }
}

/// Requirement: N25. The key's own models and its end hold for every attempt, as they stand by then.
#[test]
fn a_key_that_may_not_use_the_other_model_or_has_ended_goes_no_further() {
    let (fixture, second) = pair(Answer::json(503, openai::ERROR_503));
    fixture.change_keys(|key| key.models = vec!["model-a".to_owned()]);
    assert_eq!(fixture.chat(&say("Hello")).status, 503);
    assert_eq!(fixture.denied()[0].code, "model_not_permitted", "the refusal is on record");
    assert_eq!(second.connections(), 0, "the key may not use that model");
    let gate = Gate::new();
    let (fixture, second) = pair(Answer::json(503, openai::ERROR_503).held_at(&gate));
    let mut client = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the first attempt is under way");
    fixture.change_keys(|key| {
        *key = tabellion_views::gate::GateKey {
            ends_at: Some(crate::fixture::LONG_AGO),
            ..gate_key(crate::fixture::KEY)
        }
    });
    gate.open();
    assert_eq!(client.answer().status, 503, "the first provider's error");
    fixture.end();
    assert_eq!(second.connections(), 0, "a revoked key went on to the next provider");
}

/// Requirement: N25. An attempt is reserved at its own model, beside what the one before keeps; and the two are not two calls at the same time.
#[test]
fn budgets_hold_for_each_attempt() {
    let begun = |more: Vec<tabellion_ledger::Draft>, first: Answer| {
        let second = Upstream::start(good());
        let begins_with = Some([organisation(), more].concat());
        let setup = Setup { begins_with, ..setup(&second, DataTerms::default()) };
        (Fixture::with(first, setup), second)
    };
    let asked =
        json!({ "model": "model-a", "max_tokens": 50, "messages": [{ "role": "user", "content": "x" }] });
    let asked = asked.to_string().into_bytes();
    // Bytes of the prompt and fifty tokens of the answer: one attempt fits, two do not.
    let one = tokens(asked.len() as u64 + 60);
    let failing = || Answer::json(503, openai::ERROR_503);
    let (fixture, second) = begun(vec![budget("one", BudgetScope::Tenant, Window::Total, one)], failing());
    let answer = fixture.chat(&asked);
    assert_eq!((answer.status, answer.text()), (503, openai::ERROR_503), "the first error stands");
    assert_eq!(fixture.denied()[0].code, "budget_exceeded", "the reason is on record");
    assert_eq!(second.connections(), 0, "the cap was passed");
    let at_once = Caps { calls_at_once: Some(1), ..Caps::default() };
    let (mut fixture, _second) =
        begun(vec![budget("alone", BudgetScope::Tenant, Window::Total, at_once)], failing());
    assert_eq!(fixture.chat(&asked).status, 200, "an attempt would stand in its own way");
    assert_eq!(fixture.chat(&asked).status, 200, "its place is free again");
    fixture.ended(4);
    fixture.catch_up();
    let overview = |fixture: &Fixture| {
        let views = fixture.views.as_ref().expect("views");
        views
            .overview(tabellion_model::Micros(0), tabellion_model::Micros(u64::MAX >> 12))
            .expect("an answer")
    };
    let live = overview(&fixture);
    assert_eq!((live.authorised, live.completed, live.open), (2, 2, 0), "two calls, of two attempts each");
    fixture.restart();
    assert_eq!(overview(&fixture), live, "views made anew count otherwise");
}

/// Requirement: N25. The next attempt is not sent before the end of the one before and its own permission are durable.
#[test]
fn nothing_is_sent_again_before_the_record_that_permits_it() {
    let gate = Gate::new();
    let (fixture, second) = pair(Answer::json(503, openai::ERROR_503).held_at(&gate));
    let mut client = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the first attempt is under way");
    fixture.hold.hold();
    gate.open();
    fixture.hold.reached();
    assert_eq!(second.connections(), 0, "sent before its record");
    fixture.hold.release();
    assert_eq!(client.answer().status, 200, "once recorded, it goes on");
    let gate = Gate::new();
    let (fixture, second) = pair(Answer::json(503, openai::ERROR_503).held_at(&gate));
    let mut client = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the first attempt is under way");
    fixture.hold.fail();
    gate.open();
    let answer = client.answer();
    assert_eq!((answer.status, answer.code().as_str()), (503, "evidence_unavailable"), "{}", answer.text());
    assert_eq!(second.connections(), 0, "sent without a record");
}

/// Requirement: N25. The same provider is asked again only where somebody wants that, it did not get the request or says itself when, and no more often.
#[test]
fn the_same_provider_is_asked_again_as_it_says_itself() {
    let later = |status, error, seconds: &str| Answer::json(status, error).header("retry-after", seconds);
    for (what, first, times, requests) in [
        ("busy, and soon free", later(429, openai::ERROR_429, "0"), 1, 2),
        ("down, and soon up", later(503, openai::ERROR_503, "0"), 1, 2),
        ("busy for long", later(429, openai::ERROR_429, "60"), 1, 1),
        ("busy until a date", later(429, openai::ERROR_429, "Fri, 31 Dec 1999 23:59:59 GMT"), 1, 1),
        ("busy, and says not how long", Answer::json(429, openai::ERROR_429), 1, 1),
        ("broken", later(500, openai::ERROR_500, "0"), 1, 1),
        ("gone in mid-answer", Answer::raw(""), 1, 1),
        ("busy, and nobody wants it", later(429, openai::ERROR_429, "0"), 0, 1),
    ] {
        let retry = RetryConfig { times, ..RetryConfig::default() };
        let script = Script::in_order([first, Answer::json(200, openai::CHAT)]);
        let fixture = Fixture::with(script, Setup { retry, ..Setup::default() });
        let status = fixture.chat(&say("Hello")).status;
        assert_eq!(status == 200, requests == 2, "{what}: {status}");
        assert_eq!(fixture.upstream.requests().len(), requests, "{what}");
        assert_eq!(fixture.ended(requests).len(), requests, "{what}: each try has its records");
    }
    let retry = RetryConfig { times: 2, ..RetryConfig::default() };
    let always = Answer::json(429, openai::ERROR_429).header("retry-after", "0");
    let fixture = Fixture::with(always, Setup { retry, ..Setup::default() });
    assert_eq!(fixture.chat(&say("Hello")).status, 429, "its last word goes to the client");
    assert_eq!(fixture.upstream.requests().len(), 3, "no more often than it was told");
    let numbers: Vec<_> =
        fixture.authorised().into_iter().map(|call| call.attempt.map(|at| at.number)).collect();
    assert_eq!(numbers, [None, Some(2), Some(3)]);
}

/// Requirement: N25. A provider of another interface is none to fall back on: nothing is translated.
#[test]
fn a_fallback_of_another_interface_refuses_the_start() {
    let second = Upstream::start(good());
    let mut setup = setup(&second, DataTerms::default());
    setup.others[0].api = Api::Anthropic;
    let config = tabellion_gateway::GatewayConfig {
        upstreams: vec![
            UpstreamConfig {
                models: vec!["model-a".to_owned()],
                fallback: setup.fallback,
                ..UpstreamConfig::new("first", second.base_url())
            },
            setup.others.remove(0),
        ],
        ..Default::default()
    };
    let refused =
        tabellion_gateway::Gateway::check(&config).expect_err("it could never be asked").to_string();
    assert!(refused.contains("interface") && refused.contains("model-b"), "{refused}");
}

/// Requirement: N25, N20. A failure that stays the answer since nothing else is permitted is read by the guards as without any fallback.
#[test]
fn a_failure_that_stays_the_answer_is_read_by_the_guards() {
    let second = Upstream::start(good());
    let error =
        openai::ERROR_500.replacen("\"message\":", "\"hint\": \"Project Heron is down\", \"message\":", 1);
    assert!(error.contains("Heron"));
    let guard = GuardConfig {
        on: vec![GuardSide::Answer],
        words: vec!["Project Heron".to_owned()],
        ..GuardConfig::new("house-words", GuardKind::Words)
    };
    let mut setup = Setup { guards: vec![guard], ..setup(&second, DataTerms::default()) };
    setup.gate.policies = Arc::new(vec![policy(
        r#"@id("main") permit (principal, action, resource in Upstream::"scripted");"#,
    )]);
    let fixture = Fixture::with(Answer::json(500, error.as_str()), setup);
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"), "{}", answer.text());
    assert!(!answer.text().contains("Heron") && second.requests().is_empty());
    assert_eq!(fixture.end().guards.len(), 1, "the record says nothing of the guard");
}

/// Requirement: N11, N25. Whoever stops the model that was asked for stops what stands in for it as well.
#[test]
fn a_stop_of_the_model_asked_for_reaches_its_fallback() {
    let held = Gate::new();
    let holds = held.clone();
    let second = Upstream::start(Script::by(move |_, _| Answer::json(200, openai::CHAT).held_at(&holds)));
    let setup = Setup { begins_with: Some(organisation()), ..setup(&second, DataTerms::default()) };
    let fixture = Fixture::with(Answer::json(500, openai::ERROR_500), setup);
    let mut asked = fixture.ask(&say("Hello"));
    assert!(held.reached(), "the second provider is asked");
    let stop = StopId::from_bytes([9; 16]);
    let scope = StopScope::Model("model-a".to_owned());
    let body = StopOrdered { stop, scope, reason: "it tells secrets".to_owned(), drill: false };
    fixture.ledger.append(&draft(&body, format!("stop/{stop}"))).expect("an append");
    let answer = asked.answer();
    assert_eq!((answer.status, answer.code().as_str()), (403, "stopped"), "{}", answer.text());
    held.open();
    let ends = fixture.ended(2);
    assert_eq!(ends[1].code.as_deref(), Some("stopped"), "{ends:?}");
}
