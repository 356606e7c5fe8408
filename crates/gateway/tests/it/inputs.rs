//! What the rules were given of a call is on record, so that they can be asked the very same again, and a record that was changed shows.

use std::sync::Arc;

use serde_json::json;
use tabellion_model::body::{CallAuthorised, CallDenied};
use tabellion_model::{Micros, SystemId};
use tabellion_policy::{Known, KnownSystem, RecordedDecision, Replay, Replayed, Stack};
use tabellion_testkit::upstream::{Answer, openai};

use crate::fixture::{Fixture, SYSTEM, Seen, body, policy, say};

/// Rules over what records did not say before: the tools, whether a stream was asked for, the hour.
const RULES: &str = r#"@id("any-hour") permit (principal, action, resource) when { context.hour_utc < 24 };
    @id("no-pay") forbid (principal, action, resource) when { context.tools.contains("pay") };
    @id("no-streams") forbid (principal, action, resource) when { context.stream };"#;
/// The same without any of these prohibitions.
const OPEN: &str = r#"@id("any-hour") permit (principal, action, resource) when { context.hour_utc < 24 };"#;
/// What else is on record of the system: its name and purposes.
const NAME: &str = "Loan support";

/// What is changed of a recorded decision.
type Changing = fn(&mut RecordedDecision);

fn gateway() -> Fixture {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    fixture.change(|gate| gate.policies = Arc::new(vec![policy(RULES)]));
    fixture
}

/// A request that offers these tools.
fn offering(tools: &[&str], stream: bool) -> Vec<u8> {
    let tools: Vec<_> = tools
        .iter()
        .map(|name| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}))
        .collect();
    let messages = json!([{ "role": "user", "content": "Hello" }]);
    json!({ "model": "model-a", "messages": messages, "tools": tools, "stream": stream })
        .to_string()
        .into_bytes()
}

/// What everybody knows of the system beside the record.
fn known(name: &str) -> Known {
    let purposes = vec!["loan-support".to_owned(), "testing".to_owned()];
    let system = KnownSystem { name: name.to_owned(), purposes };
    Known { systems: [(SystemId::from_bytes(SYSTEM), system)].into(), ..Known::default() }
}

fn decision(seen: &Seen) -> RecordedDecision {
    let name = format!("entry {}", seen.index);
    if seen.header.record_type.as_str() == "call.authorised" {
        return RecordedDecision::of_authorised(name, &seen.header, Some(body::<CallAuthorised>(seen)));
    }
    RecordedDecision::of_denied(name, &seen.header, Some(body::<CallDenied>(seen)))
}

/// From the rules in force to none of the prohibitions.
fn opening() -> Replay {
    let stack = |text: &str| {
        let mut stack = Stack::default();
        stack.publish("base", text);
        stack
    };
    Replay::of(&stack(RULES), vec![policy(RULES).digest], &stack(OPEN))
}

/// Requirement: B09.
#[test]
fn rules_over_tools_streams_and_hours_are_asked_again_exactly() {
    let fixture = gateway();
    assert_eq!(fixture.chat(&offering(&["look_up"], false)).status, 200);
    assert_eq!(fixture.chat(&offering(&["look_up", "pay"], false)).status, 403);
    assert_eq!(fixture.chat(&offering(&[], true)).status, 403);
    fixture.end();
    let (replay, known) = (opening(), known(NAME));
    let came = |seen: &Seen| replay.ask(&decision(seen), &known);
    let permitted = fixture.of_type("call.authorised");
    assert_eq!(came(&permitted[0]), Replayed::Same, "a decision that stays needs somebody's word");
    let denied = fixture.of_type("call.denied");
    assert_eq!(denied.len(), 2);
    for (seen, stream, tools) in [(&denied[0], false, &["look_up", "pay"][..]), (&denied[1], true, &[][..])] {
        let input = body::<CallDenied>(seen).input.expect("what the rules were given");
        assert_eq!(
            (input.stream, input.tools.as_slice(), input.unnamed_tools),
            (stream, &strings(tools)[..], 0)
        );
        assert_eq!(input.purpose.as_deref(), Some("loan-support"), "the purpose that counted is nowhere");
        let Replayed::Turned { after, .. } = came(seen) else {
            panic!("who would be let through by a change is not seen: {:?}", came(seen));
        };
        assert!(after.permits());
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Requirement: B09. Whatever of a record or beside it is not what the rules were given shows, because its digest is another one.
#[test]
fn an_input_that_was_changed_shows() {
    let fixture = gateway();
    assert_eq!(fixture.chat(&offering(&["look_up", "pay"], false)).status, 403);
    let seen = fixture.of_type("call.denied").pop().expect("a denial");
    let replay = opening();
    let is_shown = |decision: &RecordedDecision, known: &Known, what: &str| match replay.ask(decision, known)
    {
        Replayed::NotAsked(why) => assert!(why.contains("digest"), "{what}: {why}"),
        other => panic!("{what} was changed, and an answer was given all the same: {other:?}"),
    };
    assert!(matches!(replay.ask(&decision(&seen), &known(NAME)), Replayed::Turned { .. }));
    let changed = |with: fn(&mut RecordedDecision)| {
        let mut decision = decision(&seen);
        with(&mut decision);
        decision
    };
    let cases: [(&str, Changing); 6] = [
        ("a tool", |decision| decision.input.as_mut().expect("input").tools = strings(&["look_up"])),
        ("the stream", |decision| decision.stream = Some(true)),
        ("the hour", |decision| decision.at = Micros(decision.at.0 + 3_600_000_000)),
        ("the size", |decision| decision.received_bytes = Some(1)),
        ("the purpose", |decision| decision.purpose = Some("testing".to_owned())),
        ("the model", |decision| decision.served_as = Some("model-b".to_owned())),
    ];
    for (what, with) in cases {
        is_shown(&changed(with), &known(NAME), what);
    }
    is_shown(&decision(&seen), &known("Another name"), "the system's name");
}

/// Requirement: B09. What a record may not name is counted, and rules over it are not asked, while all others are.
#[test]
fn a_tool_that_may_not_be_named_is_counted_and_nothing_is_made_up() {
    let fixture = gateway();
    let answer = fixture.chat(&offering(&["look_up", "ada@example.org"], false));
    assert_eq!(answer.status, 200, "{}", answer.text());
    fixture.end();
    let seen = fixture.of_type("call.authorised").pop().expect("a call");
    let input = body::<CallAuthorised>(&seen).input.expect("what the rules were given");
    assert_eq!((input.tools, input.unnamed_tools), (strings(&["look_up"]), 1));
    let kept = serde_json::to_string(&seen.fields).expect("plain");
    assert!(!kept.contains("ada@example.org"), "an address is on record as the name of a tool");
    match opening().ask(&decision(&seen), &known(NAME)) {
        Replayed::NotAsked(why) => assert!(why.contains("not all of their names"), "{why}"),
        other => panic!("a tool that nobody knows was taken for none: {other:?}"),
    }
}

/// Requirement: B09. Records of before say nothing of it, and are read as they were.
#[test]
fn a_record_of_before_is_asked_as_before() {
    let fixture = gateway();
    assert_eq!(fixture.chat(&say("Hello")).status, 200);
    fixture.end();
    let mut seen = fixture.of_type("call.authorised").pop().expect("a call");
    seen.fields.remove("input").expect("what the rules were given");
    match opening().ask(&decision(&seen), &known(NAME)) {
        Replayed::NotAsked(why) => assert!(why.contains("the tools offered"), "{why}"),
        other => panic!("tools that are on no record were made up: {other:?}"),
    }
}
