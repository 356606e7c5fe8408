//! Texts that services have changed: on every route and side, in every shape, whole and streamed, what they name and not a byte beside it.

use serde_json::{Value, json};
use tabellion_gateway::{
    Api, Gateway, GatewayConfig, GuardConfig, GuardKind, GuardOnError, GuardServiceConfig, GuardSide,
};
use tabellion_model::body::{Delivered, GuardOutcome, Guarded, Outcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai};

use crate::client::Answer as Got;
use crate::fixture::{Fixture, Setup, say, say_streaming};
use crate::guard_editor::{Edit, LABEL, Wire, Wish, each_place};
use crate::guards::{routes, told};
use crate::outside_guards::{guard, is_of_numbers, provider, service};

const EMAIL: &str = "ada.lovelace@example.org";

fn fixture(script: impl Into<Script>, api: Api, guards: Vec<GuardConfig>) -> Fixture {
    Fixture::with(script, Setup { guards, api, ..Setup::default() })
}

fn pots(texts: &[String]) -> Vec<Edit> {
    each_place(texts, "pots")
}

/// What one guard said: outcome, labels, and how many edits went in.
fn one(guards: &[Guarded]) -> (GuardOutcome, Vec<&str>, Option<u64>) {
    let [said] = guards else { panic!("{guards:?}") };
    (said.outcome, said.found.iter().map(String::as_str).collect(), said.edits)
}

/// Requirement: N21. What goes is what went without the guard but for what it named, byte for byte; and the records are of what goes.
#[test]
fn what_a_service_names_is_changed_and_nothing_beside_it() {
    for wire in Wire::ALL {
        for stream in [false, true] {
            for (path, api, body) in routes("what grows in pots?", stream) {
                for side in [GuardSide::Prompt, GuardSide::Answer] {
                    if side == GuardSide::Prompt || !is_of_numbers(path) {
                        check(wire, side, (path, api, &body));
                    }
                }
            }
        }
    }
}

fn check(wire: Wire, side: GuardSide, (path, api, body): (&str, Api, &[u8])) {
    let (editor, _server) = wire.editor("editor", side, pots);
    let (plain, edited) = (fixture(provider(), api, Vec::new()), fixture(provider(), api, vec![editor]));
    let [before, after]: [Got; 2] = [&plain, &edited].map(|fixture| fixture.call("POST", path, &[], body));
    let what = format!("{wire:?} {side:?} {path}: {}", after.text());
    assert_eq!(after.status, 200, "{what}");
    let body_of = |fixture: &Fixture| String::from_utf8(fixture.upstream.requests().remove(0).body.clone());
    let [asked, sent] = [&plain, &edited].map(|fixture| body_of(fixture).expect("text"));
    let (put, label) = wire.put();
    let said = (GuardOutcome::Flagged, vec![label], Some(1));
    let (authorised, end) = (edited.authorised().remove(0), edited.end());
    if side == GuardSide::Prompt {
        assert_eq!(sent, asked.replace("pots", put), "{what}");
        assert_eq!(after.text(), before.text(), "{what}");
        assert_eq!(one(&authorised.guards), said, "{what}");
        assert!(end.guards.is_empty(), "{what}");
    } else {
        assert_eq!(sent, asked, "{what}");
        assert_eq!(after.text(), before.text().replace("pots", put), "{what}");
        assert_eq!(one(&end.guards), said, "{what}");
    }
    assert_eq!(authorised.forwarded_salted_sha256, after.salted(sent.as_bytes()), "{what}");
    assert_eq!(
        end.released_salted_sha256,
        after.salted(&after.body),
        "the record is of another answer: {what}"
    );
    assert_eq!((end.outcome, end.delivered), (Outcome::Answered, Delivered::Whole), "{what}");
}

/// Requirement: N21. Pieces of a stream, cut anywhere: a change over several of them, values given back beside it, and as many events as came.
#[test]
fn a_stream_is_changed_across_its_pieces() {
    let echo = || {
        Script::by(|request, _| {
            let said = openai::last_message(&request.body);
            let letters: Vec<String> = said.chars().map(String::from).collect();
            Answer::events(openai::stream_of(&letters))
        })
    };
    let asked = format!("write to {EMAIL}, who grows \"kümquats\" in pots");
    for wire in Wire::ALL {
        let (editor, _server) =
            wire.editor("editor", GuardSide::Answer, |texts| each_place(texts, "\"kümquats\" in"));
        let edited = fixture(echo(), Api::OpenAi, vec![editor]);
        let answer = edited.chat(&say_streaming(&asked));
        let due = asked.replace("\"kümquats\" in", wire.put().0);
        assert_eq!(answer.content(), due, "{wire:?}: {}", answer.text());
        let end = edited.end();
        assert_eq!(one(&end.guards).2, Some(1), "{wire:?}");
        assert_eq!(end.released_salted_sha256, answer.salted(&answer.body), "{wire:?}");
        assert!(answer.text().ends_with(openai::DONE), "{wire:?}");
    }
    // Without anything to give back each event but those of the change is what came.
    let letters: Vec<String> = "It grows in pots.".chars().map(String::from).collect();
    let came = openai::stream_of(&letters);
    let (editor, _server) = Wire::Own.editor("editor", GuardSide::Answer, pots);
    let edited = fixture(Answer::events(came.clone()), Api::OpenAi, vec![editor]);
    let went = edited.chat(&say_streaming("what?"));
    assert_eq!(went.content(), "It grows in [x].");
    let (before, after): (Vec<&str>, Vec<&str>) =
        (came.split("\n\n").collect(), went.text().split("\n\n").collect());
    assert_eq!(before.len(), after.len(), "{}", went.text());
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert_eq!(changed, "pots".len(), "{}", went.text());
}

/// Requirement: N21. Arguments of tools stay JSON, with their names and numbers; a model's thinking stays as it came.
#[test]
fn arguments_stay_json_and_thinking_stays() {
    let arguments = r#"{"where":"in pots","key pots":1}"#;
    let values: Wish = |texts| {
        let at = |(number, text): (usize, &String)| Some((number, text.find("in pots")?));
        let found = texts.iter().enumerate().filter_map(at);
        found.map(|(number, at)| (number, at, at + 7, "[x]".to_owned())).collect()
    };
    let names: Wish = |texts| each_place(texts, "key pots");
    let pieces: Vec<String> = arguments.chars().map(String::from).collect();
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": arguments } });
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "tool_calls" });
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 });
    let whole = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage });
    for (stream, answer) in [
        (false, Answer::json(200, whole.to_string())),
        (true, Answer::events(openai::tool_stream_of("f", &pieces))),
    ] {
        let ask = if stream { say_streaming("what?") } else { say("what?") };
        let (editor, _server) = Wire::Own.editor("editor", GuardSide::Answer, values);
        let edited = fixture(answer.clone(), Api::OpenAi, vec![editor]);
        let got = edited.chat(&ask);
        let said = if stream {
            got.arguments()
        } else {
            let calls = got.json()["choices"][0]["message"]["tool_calls"].clone();
            calls[0]["function"]["arguments"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(said, arguments.replace("in pots", "[x]"), "{}", got.text());
        let (editor, _server) = Wire::Own.editor("editor", GuardSide::Answer, names);
        let sealed = fixture(answer, Api::OpenAi, vec![editor]);
        let got = sealed.chat(&ask);
        assert!(!got.text().contains("where") && got.text().contains("guard_errored"), "{}", got.text());
        assert_eq!(one(&sealed.end().guards), (GuardOutcome::Errored, vec!["edit_json"], None));
    }
    let thinking = json!({ "type": "thinking", "thinking": "pots, I think", "signature": "c2ln" });
    let block = json!({ "type": "text", "text": "in pots" });
    let begun = json!({ "type": "thinking", "thinking": "", "signature": "" });
    let thought = vec![json!({ "type": "thinking_delta", "thinking": "pots, I think" })];
    let said = vec![json!({ "type": "text_delta", "text": "in pots" })];
    let streamed = anthropic::stream(&[(begun, thought), (json!({ "type": "text", "text": "" }), said)]);
    let asked = |stream: bool| json!({ "model": "model-a", "max_tokens": 9, "stream": stream, "messages": [{ "role": "user", "content": "what?" }] });
    for (stream, answer) in
        [(false, Answer::json(200, anthropic::message(&[thinking, block]))), (true, Answer::events(streamed))]
    {
        let ask = asked(stream).to_string();
        let only: Wish = |texts| {
            let number = texts.iter().position(|text| text == "in pots");
            number.map(|number| (number, 3, 7, "[x]".to_owned())).into_iter().collect()
        };
        for (wish, label) in [(only, None), (pots as Wish, Some("edit_sealed"))] {
            let (editor, _server) = Wire::Own.editor("editor", GuardSide::Answer, wish);
            let edited = fixture(answer.clone(), Api::Anthropic, vec![editor]);
            let got = edited.call("POST", "/v1/messages", &[], ask.as_bytes());
            assert_eq!(got.text().contains("pots, I think"), label.is_none(), "{}", got.text());
            assert_eq!(got.text().contains("in [x]"), label.is_none(), "{}", got.text());
            let said = edited.end().guards;
            assert_eq!(one(&said).1, [label.unwrap_or(LABEL)], "{}", got.text());
        }
    }
}

/// Requirement: N21. Two at once see the same text: what does not overlap goes in together, the same twice once, and different things of the same bytes stop the
/// call, whatever their settings.
#[test]
fn two_services_are_put_together_or_neither() {
    let kumquats: Wish = |texts| each_place(texts, "grows");
    let wider: Wish = |texts| each_place(texts, "in pots");
    let lenient = |guard: GuardConfig| {
        let service = guard.service.clone().expect("a service");
        let service = GuardServiceConfig { on_error: GuardOnError::Flag, ..service };
        GuardConfig { service: Some(service), ..guard }
    };
    for side in [GuardSide::Prompt, GuardSide::Answer] {
        for stream in [false, true] {
            let says = |text: &str| if stream { say_streaming(text) } else { say(text) };
            for (second, due) in [
                (kumquats, Some("what [x] in [x]?")),
                (pots as Wish, Some("what grows in [x]?")),
                (wider, None),
            ] {
                let script = Script::by(move |request, _| {
                    let said = openai::last_message(&request.body);
                    if stream {
                        Answer::events(openai::stream_of(&[said]))
                    } else {
                        Answer::json(200, openai::chat_of(&said))
                    }
                });
                let (one, _one) = Wire::Own.editor("one", side, pots);
                let (other, _other) = Wire::Grpc.editor("other", side, second);
                let both = fixture(script, Api::OpenAi, vec![lenient(one), lenient(other)]);
                let got = both.chat(&says("what grows in pots?"));
                let what = format!("{side:?} stream={stream}: {}", got.text());
                let Some(due) = due else {
                    assert!(got.text().contains("guard_blocked") && !got.text().contains("grows"), "{what}");
                    let said = if side == GuardSide::Prompt {
                        assert!(both.upstream.requests().is_empty(), "{what}");
                        both.denied().remove(0).guards
                    } else {
                        both.end().guards
                    };
                    let conflict = |name| (name, GuardOutcome::Blocked, vec!["edit_conflict"]);
                    assert_eq!(told(&said), [conflict("one"), conflict("other")], "{what}");
                    assert!(said.iter().all(|said| said.edits.is_none()), "nothing went in: {what}");
                    continue;
                };
                assert_eq!(got.content(), due, "{what}");
                let said = if side == GuardSide::Prompt {
                    both.authorised().remove(0).guards
                } else {
                    both.end().guards
                };
                assert!(said.iter().all(|said| said.edits == Some(1)), "{said:?}");
            }
        }
    }
}

/// Requirement: N21. A service that may not is what it always was: no verdict, or in Presidio's shape one that stops.
#[test]
fn who_may_not_changes_nothing() {
    for (wire, label) in [(Wire::Grpc, "malformed"), (Wire::Presidio, "PLACE"), (Wire::Litellm, "edited")] {
        let (editor, _server) = wire.editor("editor", GuardSide::Prompt, pots);
        let may_not = fixture(provider(), Api::OpenAi, vec![GuardConfig { may_edit: false, ..editor }]);
        let got = may_not.chat(&say("what grows in pots?"));
        assert!([403, 503].contains(&got.status), "{wire:?}: {}", got.text());
        assert!(may_not.upstream.requests().is_empty(), "{wire:?}: it was sent");
        assert_eq!(one(&may_not.denied()[0].guards).1, [label], "{wire:?}");
    }
    let edits: Value = json!([{ "text": 0, "start": 0, "end": 1, "replacement": "", "label": "x" }]);
    for edits in [edits, json!([]), Value::Null] {
        let server =
            Upstream::start(Answer::json(200, json!({ "verdict": "flag", "edits": edits }).to_string()));
        let may_not =
            fixture(provider(), Api::OpenAi, vec![guard("editor", GuardSide::Prompt, service(&server))]);
        assert_eq!(may_not.chat(&say("what?")).code(), "guard_errored", "{edits}");
        assert_eq!(one(&may_not.denied()[0].guards).1, ["malformed"], "{edits}");
        assert!(!server.requests()[0].text().contains("may_edit"), "a question is another than it was");
    }
    let words = GuardConfig {
        may_edit: true,
        words: vec!["x".to_owned()],
        ..GuardConfig::new("words", GuardKind::Words)
    };
    let config = GatewayConfig { guards: vec![words], ..GatewayConfig::default() };
    let refused = Gateway::check(&config).expect_err("it is taken").to_string();
    assert!(refused.contains("[guard.words]") && refused.contains("may_edit"), "{refused}");
}
