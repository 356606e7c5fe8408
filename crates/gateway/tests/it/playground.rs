//! Calls that are tried: what would come of them, and that they are none.

use std::sync::Arc;
use std::thread;

use serde_json::json;
use tabellion_gateway::{GuardConfig, GuardKind, GuardMode, GuardSide, NotTried, TriedCall, TryCall};
use tabellion_model::CredentialId;
use tabellion_model::body::{BudgetScope, Caps, Delivered, GuardOutcome, Outcome, StopScope, SystemStage};
use tabellion_model::charge::Window;
use tabellion_testkit::upstream::{Answer, Gate, Script, openai, responses};

use crate::budgets::{budget, organisation};
use crate::fixture::{Fixture, KEY, Setup, say, say_streaming};

const EMAIL: &str = "ada.lovelace@example.org";

fn call(text: &str) -> TryCall {
    TryCall {
        key: CredentialId::from_bytes(KEY),
        surface: "openai.chat_completions".to_owned(),
        purpose: None,
        body: String::from_utf8(say(text)).expect("text"),
        drafts: Vec::new(),
        asks: false,
    }
}

fn tried(fixture: &Fixture, call: &TryCall) -> TriedCall {
    let gateway = fixture.gateway.as_ref().expect("not stopped");
    gateway.playground().try_call(call).unwrap_or_else(|why| panic!("{why}"))
}

/// Requirement: P36.
#[test]
fn a_tried_call_says_what_a_call_would_and_leaves_nothing() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let text = format!("I am {EMAIL}");
    let before = (fixture.ledger.reader().size(), fixture.gate.load());
    let trial = tried(&fixture, &call(&text));
    let sent = trial.sent.clone().unwrap_or_else(|| panic!("it would be sent: {:?}", trial.refused));
    assert_eq!((trial.refused.clone(), trial.rules.as_slice()), (None, &["base.all".to_owned()][..]));
    assert!(
        !sent.body.contains(EMAIL) && !sent.masked.is_empty(),
        "what is shown is not what the provider would get"
    );
    assert_eq!((sent.model.as_str(), sent.upstream.as_str()), ("model-a", "scripted"));
    // A draft in place of what is in force, which goes on.
    let draft = r#"@id("never") forbid (principal, action, resource);"#;
    let drafted = TryCall { drafts: vec![("base".to_owned(), draft.to_owned())], ..call(&text) };
    let trial = tried(&fixture, &drafted);
    assert_eq!(trial.refused.as_ref().map(|(code, _)| *code), Some("policy_denied"), "{:?}", trial.refused);
    assert_eq!((trial.rules.as_slice(), trial.sent.is_none()), (&["base.never".to_owned()][..], true));
    let unknown = TryCall { purpose: Some("somewhere-else".to_owned()), ..call(&text) };
    assert_eq!(tried(&fixture, &unknown).refused.map(|(code, _)| code), Some("purpose_not_permitted"));
    assert_eq!(fixture.ledger.reader().size(), before.0, "a tried call is on record");
    assert!(Arc::ptr_eq(&fixture.gate.load(), &before.1), "a draft came into force");
    assert!(fixture.upstream.requests().is_empty(), "a tried call was sent");
    // The same call, made: the provider gets what the trial showed, but for the placeholder, by which nobody may find out whose value it is.
    assert_eq!(fixture.chat(&say(&text)).status, 200);
    let made = fixture.upstream.requests().remove(0).text();
    let around = |body: &str| {
        let (before, rest) = body.split_once("<EMAIL_").expect("a placeholder");
        let (name, after) = rest.split_once('>').expect("its end");
        (before.to_owned(), name.to_owned(), after.to_owned())
    };
    let (tried, called) = (around(&sent.body), around(&made));
    assert_eq!((&tried.0, &tried.2), (&called.0, &called.2), "the trial went another way than a call");
    assert_ne!(tried.1, called.1, "whoever tries calls can tell whose placeholder is whose");
}

/// Requirement: P36.
#[test]
fn a_tried_call_looks_at_budgets_and_takes_nothing() {
    let caps = Caps { calls: Some(1), ..Caps::default() };
    let mut drafts = organisation();
    drafts.push(budget("all", BudgetScope::Tenant, Window::Day, caps));
    let fixture = Fixture::with(
        Answer::json(200, openai::CHAT),
        Setup { begins_with: Some(drafts), ..Setup::default() },
    );
    for _ in 0..3 {
        let trial = tried(&fixture, &call("Hello"));
        assert_eq!(
            (trial.refused, trial.budgets),
            (None, Some(vec!["all@1".to_owned()])),
            "a trial took of a budget"
        );
    }
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "trials took what was left");
    let trial = tried(&fixture, &call("Hello"));
    assert_eq!(trial.refused.map(|(code, _)| code), Some("budget_exceeded"));
    assert!(trial.sent.is_some(), "what a budget stops passed all before it");
}

/// Requirement: P36. On request the provider is asked by the very path of a call: masked on the way there, looked at and given its values on the way back, whole and streamed;
/// nothing of it is recorded, charged or counted.
#[test]
fn a_tried_call_is_answered_and_leaves_nothing() {
    for is_stream in [false, true] {
        let script = Script::by(|request, _| {
            let text = request.text();
            let placeholder = text.split_once("<EMAIL_").and_then(|(_, rest)| rest.split_once('>'));
            let said =
                placeholder.map_or("nothing".to_owned(), |(name, _)| format!("I wrote to <EMAIL_{name}>."));
            if text.contains("\"stream\":true") {
                Answer::events(openai::stream_of(&[said.as_str()]))
            } else {
                Answer::json(200, openai::chat_of(&said))
            }
        });
        let caps = Caps { calls: Some(1), ..Caps::default() };
        let drafts = [organisation(), vec![budget("all", BudgetScope::Tenant, Window::Day, caps)]].concat();
        let guards = vec![GuardConfig {
            on: vec![GuardSide::Answer],
            mode: GuardMode::Flag,
            words: vec!["wrote".to_owned()],
            ..GuardConfig::new("answers", GuardKind::Words)
        }];
        let fixture = Fixture::with(script, Setup { begins_with: Some(drafts), guards, ..Setup::default() });
        let size = fixture.ledger.reader().size();
        let text = format!("I am {EMAIL}");
        let body = if is_stream { say_streaming(&text) } else { say(&text) };
        let body = String::from_utf8(body).expect("text");
        let asks = TryCall { body, asks: true, ..call("") };
        for _ in 0..2 {
            let trial = tried(&fixture, &asks);
            let answer = trial.answered.unwrap_or_else(|| panic!("it was not sent: {:?}", trial.refused));
            assert_eq!((answer.outcome, answer.status, answer.code), (Outcome::Answered, 200, None));
            assert!(answer.body.contains(EMAIL), "the application would have had the value: {}", answer.body);
            let said: Vec<_> = answer.guards.iter().map(|said| (said.guard.as_str(), said.outcome)).collect();
            assert_eq!(said, [("answers", GuardOutcome::Flagged)], "a guard did not look at the answer");
        }
        let requests = fixture.upstream.requests();
        assert_eq!(requests.len(), 2, "the provider was not asked, or twice");
        assert!(!requests[0].text().contains(EMAIL), "the provider got what is masked");
        assert_eq!(fixture.ledger.reader().size(), size, "a tried call is on record");
        let numbers = fixture.gateway.as_ref().expect("it serves").metrics().render();
        assert!(!numbers.contains("outcome=\"answered\"} 1"), "a tried call is counted: {numbers}");
        assert_eq!(fixture.chat(&say("Hello")).status, 200, "trials took what was left of a budget");
        let trial = tried(&fixture, &asks);
        assert_eq!(
            trial.refused.map(|(code, _)| code),
            Some("budget_exceeded"),
            "a budget holds no trial back"
        );
        assert!(trial.answered.is_none() && fixture.upstream.requests().len() == 3);
    }
}

/// Requirement: P36, N11. What stops a call stops a tried one before anything is sent: a draft's rule, a guard, an emergency stop; a guard of answers keeps back what
/// came; and an answer that is none says so.
#[test]
fn what_stops_a_call_stops_one_that_is_tried() {
    let guards = vec![
        GuardConfig { words: vec!["heron".to_owned()], ..GuardConfig::new("prompts", GuardKind::Words) },
        GuardConfig {
            on: vec![GuardSide::Answer],
            words: vec!["kumquat".to_owned()],
            ..GuardConfig::new("answers", GuardKind::Words)
        },
    ];
    let script = Script::by(|request, _| {
        if request.text().contains("fail") {
            Answer::json(500, r#"{"error":{"message":"busy"}}"#)
        } else {
            Answer::json(200, openai::chat_of("A kumquat."))
        }
    });
    let fixture = Fixture::with(script, Setup { guards, ..Setup::default() });
    let size = fixture.ledger.reader().size();
    let asks = |text: &str| TryCall { asks: true, ..call(text) };
    let forbids = r#"@id("never") forbid (principal, action, resource);"#;
    let drafted = TryCall { drafts: vec![("base".to_owned(), forbids.to_owned())], ..asks("Hello") };
    let trial = tried(&fixture, &drafted);
    assert_eq!(
        (trial.refused.map(|(code, _)| code), trial.answered.is_none()),
        (Some("policy_denied"), true)
    );
    let trial = tried(&fixture, &asks("a heron"));
    assert_eq!(
        (trial.refused.map(|(code, _)| code), trial.answered.is_none()),
        (Some("guard_blocked"), true)
    );
    assert!(fixture.upstream.requests().is_empty(), "what is stopped was sent");
    let kept_back = tried(&fixture, &asks("Hello")).answered.expect("it was sent");
    assert_eq!(kept_back.code.as_deref(), Some("guard_blocked"));
    assert!(
        kept_back.delivered == Delivered::Nothing && !kept_back.body.contains("kumquat"),
        "{}",
        kept_back.body
    );
    let failed = tried(&fixture, &asks("fail")).answered.expect("it was sent");
    assert_eq!((failed.outcome, failed.code.as_deref()), (Outcome::Refused, Some("upstream_refused")));
    fixture.change_systems(|system| system.stage = SystemStage::Paused);
    let trial = tried(&fixture, &asks("Hello"));
    assert_eq!(
        (trial.refused.is_some(), trial.answered.is_none()),
        (true, true),
        "a paused system's call was sent"
    );
    assert_eq!(fixture.ledger.reader().size(), size, "a tried call is on record");
}

/// Requirement: P36, N11. An emergency stop cuts what a trial asked for while it is under way, before a byte of the answer and in the midst of a stream, and leaves nothing on record.
#[test]
fn a_stop_cuts_a_trial_that_is_under_way() {
    let first = openai::STREAM.find("\n\n").expect("an event") + 2;
    for is_stream in [false, true] {
        let gate = Gate::new();
        let answer = if is_stream {
            Answer::events(openai::STREAM).pause_after(first, &gate)
        } else {
            Answer::json(200, openai::CHAT).held_at(&gate)
        };
        let fixture = Fixture::new(answer);
        let size = fixture.ledger.reader().size();
        let body = if is_stream { say_streaming("Go on") } else { say("Go on") };
        let asks = TryCall { body: String::from_utf8(body).expect("text"), asks: true, ..call("") };
        let playground = fixture.gateway.as_ref().expect("it serves").playground();
        let trial = thread::scope(|scope| {
            let trial = scope.spawn(|| playground.try_call(&asks));
            assert!(gate.reached(), "the provider was not asked");
            fixture.stop_by(Some(StopScope::Tenant));
            trial.join().expect("a trial that ends")
        });
        gate.open();
        let cut = trial.unwrap_or_else(|why| panic!("{why}")).answered.expect("it was sent");
        assert_eq!(
            (cut.outcome, cut.code.as_deref()),
            (Outcome::Cut, Some("stopped")),
            "a stop cut calls and no trials"
        );
        assert!(!cut.body.contains("[DONE]"), "what came after the stop was shown: {}", cut.body);
        assert_eq!(fixture.ledger.reader().size(), size, "a tried call is on record");
        let trial = tried(&fixture, &asks);
        assert_eq!(
            trial.refused.map(|(code, _)| code),
            Some("stopped"),
            "a trial is sent while everything stands still"
        );
    }
}

/// Requirement: P36, N22. What a provider keeps, an earlier answer of the system's own among it, is read to nobody by a trial: that would be past every record of who
/// reads what.
#[test]
fn a_tried_call_that_is_sent_names_nothing_that_is_kept() {
    let script = Script::by(|_, _| Answer::json(200, responses::response_of("Hi").to_string()));
    let unrecorded = vec!["conversation".to_owned()];
    let begins_with = Some(organisation());
    let fixture = Fixture::with(script, Setup { unrecorded, begins_with, ..Setup::default() });
    let fresh = json!({ "model": "model-a", "input": "hello" });
    assert_eq!(fixture.send_json("/v1/responses", &fresh).status, 200);
    fixture.catch_up();
    for (kind, more) in [
        ("response", json!({ "previous_response_id": "resp_made" })),
        ("item", json!({ "input": [{ "type": "item_reference", "id": "msg_made" }] })),
        ("conversation", json!({ "conversation": "conv_1" })),
    ] {
        let mut body = fresh.clone();
        let members = body.as_object_mut().expect("an object");
        members.extend(more.as_object().cloned().expect("an object"));
        let names = TryCall { surface: "openai.responses".to_owned(), body: body.to_string(), ..call("") };
        assert_eq!(tried(&fixture, &names).refused, None, "{kind}: it is the system's, or let pass");
        let trial = tried(&fixture, &TryCall { asks: true, ..names });
        let (code, why) = trial.refused.unwrap_or_else(|| panic!("{kind} is read off the record"));
        assert!(code == "object_not_own" && why.contains(kind) && why.contains("tried"), "{why}");
        assert!(trial.answered.is_none());
    }
    assert_eq!(fixture.upstream.requests().len(), 1, "a trial was sent");
    let plain = TryCall { surface: "openai.responses".to_owned(), body: fresh.to_string(), ..call("") };
    assert!(tried(&fixture, &TryCall { asks: true, ..plain }).answered.is_some());
}

/// Requirement: P36.
#[test]
fn trials_that_are_sent_are_fewer() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let playground = fixture.gateway.as_ref().expect("not stopped").playground();
    let asks = TryCall { asks: true, ..call("Hello") };
    let refused = (0..8).filter(|_| matches!(playground.try_call(&asks), Err(NotTried::SentTooFast))).count();
    assert_eq!((refused, fixture.upstream.requests().len()), (2, 6), "six a minute");
    assert!(playground.try_call(&call("Hello")).is_ok(), "trials that are not sent have their own number");
}

/// Requirement: P36.
#[test]
fn trials_are_few_and_of_keys_that_may_call() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let gateway = fixture.gateway.as_ref().expect("not stopped");
    let playground = gateway.playground();
    let no_key = TryCall { key: CredentialId::from_bytes([0; 16]), ..call("Hello") };
    assert!(matches!(playground.try_call(&no_key), Err(NotTried::NoKey)));
    let no_route = TryCall { surface: "openai.images".to_owned(), ..call("Hello") };
    assert!(matches!(playground.try_call(&no_route), Err(NotTried::NoSurface)));
    let refused =
        (0..40).filter(|_| matches!(playground.try_call(&call("Hello")), Err(NotTried::TooFast))).count();
    assert_eq!(refused, 12, "thirty a minute, two of which were none");
}
