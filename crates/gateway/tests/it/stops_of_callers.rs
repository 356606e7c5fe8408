//! Emergency stops of a person or an agent: whoever the token or certificate names, and nobody else with the same key.

use serde_json::{Value, json};
use tabellion_model::RecordId;
use tabellion_model::body::{Outcome, StopScope};
use tabellion_testkit::upstream::{Answer, Gate, Script, openai};

use crate::client::{Client, request};
use crate::fixture::{Fixture, Setup, api_key, say, say_streaming};
use crate::identity::{Issuer, Says, ask, public, token};

fn issuer() -> Issuer {
    Issuer::start(Says::Keys(json!([public(1)])))
}

fn gateway(issuer: &Issuer, script: impl Into<Script>) -> Fixture {
    Fixture::with(script, Setup { identities: vec![issuer.config()], ..Setup::default() })
}

fn person(name: &str) -> StopScope {
    StopScope::Person(name.to_owned())
}

fn agent(name: &str) -> StopScope {
    StopScope::Agent(name.to_owned())
}

/// A token for somebody else, of the same client and so of the same key.
fn of_another(issuer: &Issuer) -> String {
    let mut claims = issuer.claims();
    claims["sub"] = json!("4712");
    token(1, &claims)
}

/// Requirement: N11, G04. What a stop of a person or an agent reaches, and what it leaves alone.
#[test]
fn a_stop_of_a_person_or_agent_refuses_their_calls_alone() {
    let issuer = issuer();
    let fixture = gateway(&issuer, Answer::json(200, openai::CHAT));
    let (theirs, others) = (issuer.token(1), of_another(&issuer));
    for (scope, their, other) in [
        (person("corp|4711"), 403, 200),
        (person("corp|4712"), 200, 403),
        (person("4711"), 200, 200),
        (person("other|4711"), 200, 200),
        (person("corp|loans"), 200, 200),
        (agent("corp|loans"), 403, 403),
        (agent("corp|4711"), 200, 200),
    ] {
        fixture.stop_by(Some(scope.clone()));
        let answers = [ask(&fixture, &theirs), ask(&fixture, &others), ask(&fixture, &api_key())];
        let statuses = answers.map(|answer| answer.status);
        assert_eq!(statuses, [their, other, 200], "{scope:?}: of them, of another, of nobody");
    }
    fixture.stop_by(Some(person("corp|4711")));
    let refused = ask(&fixture, &theirs);
    assert_eq!(refused.code(), "stopped");
    assert!(!refused.text().contains("4711"), "who is stopped is told: {}", refused.text());
    assert_eq!(
        fixture.named("call.denied"),
        [RecordId::from_bytes([7; 16])],
        "nobody could tell by which stop"
    );
    fixture.stop_by(None);
    assert_eq!(ask(&fixture, &api_key()).code(), "stopped", "a stop that cannot be read is somebody's");
}

fn stream(fixture: &Fixture, bearer: &str) -> Client {
    let bearer = format!("Bearer {bearer}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&request("POST", "/v1/chat/completions", &headers, &say_streaming("Go on")));
    client.read_until("assistant");
    client
}

/// Requirement: N11, P57, G04. A stream that runs for somebody is cut at once; that of another person beside it, with the same key, is not.
#[test]
fn a_stop_of_a_person_or_agent_cuts_their_streams_alone() {
    for (scope, cuts_both) in [(person("corp|4711"), false), (agent("corp|loans"), true)] {
        let issuer = issuer();
        let gate = Gate::new();
        let first = openai::STREAM.find("\n\n").expect("an event") + 2;
        let fixture = gateway(&issuer, Answer::events(openai::STREAM).pause_after(first, &gate));
        let mut theirs = stream(&fixture, &issuer.token(1));
        let mut others = stream(&fixture, &of_another(&issuer));
        let mut keys = stream(&fixture, &api_key());
        fixture.stop_by(Some(scope.clone()));
        theirs.read_until("\"code\":\"stopped\"");
        if cuts_both {
            others.read_until("\"code\":\"stopped\"");
        }
        gate.open();
        if !cuts_both {
            others.read_until("[DONE]");
        }
        keys.read_until("[DONE]");
        let cut = fixture.ended(3).into_iter().filter(|end| end.outcome == Outcome::Cut).count();
        assert_eq!(cut, 1 + usize::from(cuts_both), "{scope:?} cuts somebody else");
    }
}

/// Requirement: N11, G04. A call that was permitted before the order, and not sent yet, is not sent.
#[test]
fn a_stop_of_a_person_while_the_permission_is_written_sends_nothing() {
    let issuer = issuer();
    let fixture = gateway(&issuer, Answer::json(200, openai::CHAT));
    let (warm, bearer) = (ask(&fixture, &of_another(&issuer)), format!("Bearer {}", issuer.token(1)));
    assert_eq!(warm.status, 200, "the issuer's keys are known from here on");
    fixture.ended(1);
    let heard = fixture.upstream.requests().len();
    fixture.hold.hold();
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&request("POST", "/v1/chat/completions", &headers, &say("Hello")));
    fixture.hold.reached();
    fixture.stop_by(Some(person("corp|4711")));
    fixture.hold.release();
    let answer = client.answer();
    assert_eq!((answer.status, answer.code().as_str()), (403, "stopped"), "{}", answer.text());
    assert_eq!(fixture.upstream.requests().len(), heard, "the provider heard of it");
    let seen = fixture.authorised().pop().and_then(|record| record.caller);
    let named: Option<Value> = seen.map(|caller| json!(caller.chain.person));
    assert_eq!(named, Some(json!("corp|4711")), "the record that was written is of another call");
}
