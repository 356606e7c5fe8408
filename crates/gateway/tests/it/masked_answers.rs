//! Personal data that a model brings up itself: masked by rules for answers on every governed route, whole and in whatever pieces a stream comes.

use serde_json::{Value, json};
use tabellion_gateway::{
    Api, Gateway, GatewayConfig, GuardSide, MaskingConfig, MaskingOperator, UpstreamConfig,
};
use tabellion_model::body::{Capture, Delivered, GuardOutcome, Outcome, PseudonymScope};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::client::Answer as Got;
use crate::fixture::{Fixture, Setup, gate, say, say_streaming};
use crate::guard_editor::{Wire, each_place};
use crate::guards::routes;

/// What the caller sends.
const OWN: &str = "bob@example.com";
/// What the model brings up.
const NEW: &str = "ada.lovelace@example.org";
const CARD: &str = "4111 1111 1111 1111";

fn rule(operator: MaskingOperator, classes: &[&str]) -> MaskingConfig {
    let mut rule = MaskingConfig {
        name: "nothing-new".to_owned(),
        on: vec![GuardSide::Answer],
        ..MaskingConfig::default()
    };
    *rule.list_mut(operator) = classes.iter().map(|class| (*class).to_owned()).collect();
    rule
}

fn masked(script: impl Into<Script>, api: Api, rule: MaskingConfig) -> Fixture {
    Fixture::with(script, Setup { masking: vec![rule], api, ..Setup::default() })
}

/// Everything that a stream or a whole answer of any route says in text, in order.
fn said(got: &Got) -> String {
    if let Ok(whole) = serde_json::from_slice::<Value>(&got.body) {
        let places = ["/choices/0/message/content", "/content/0/text", "/output/0/content/0/text"];
        let text = places.iter().find_map(|place| whole.pointer(place)?.as_str());
        return text.unwrap_or_default().to_owned();
    }
    let events = got.events().into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    let pieces = events.filter_map(|event| {
        let delta = event.pointer("/choices/0/delta/content").or_else(|| event.pointer("/delta/text"));
        delta.or_else(|| event.get("delta")).and_then(Value::as_str).map(str::to_owned)
    });
    pieces.collect()
}

/// A whole answer of a route.
fn whole_of(path: &str, text: &str) -> Answer {
    Answer::json(
        200,
        match path {
            "/v1/messages" => anthropic::message_of(text),
            "/v1/responses" => responses::response_of(text).to_string(),
            _ => openai::chat_of(text),
        },
    )
}

/// The same as a stream.
fn stream_of<T: AsRef<str>>(path: &str, pieces: &[T]) -> Answer {
    Answer::events(match path {
        "/v1/messages" => anthropic::stream_of(pieces),
        "/v1/responses" => responses::stream_of(pieces),
        _ => openai::stream_of(pieces),
    })
}

fn letters(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

/// Requirement: V40. Of a value that nobody sent no letter reaches the caller, wherever its stream is cut, and what does is what a whole answer gives.
#[test]
fn wherever_a_stream_is_cut_it_is_masked_as_a_whole_answer_is() {
    let text = format!("Grüße an {NEW}, Karte {CARD}. Ende: {NEW}");
    let due = text.replace(NEW, "<EMAIL>").replace(CARD, "<CARD>");
    let cuts: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    for (path, api, body) in routes("who?", false).into_iter().take(3) {
        let whole =
            masked(whole_of(path, &text), api, rule(MaskingOperator::Mask, &["email", "payment_card"]));
        assert_eq!(said(&whole.call("POST", path, &[], &body)), due, "{path}");
        let (all, places) = (text.clone(), cuts.clone());
        let script = Script::by(move |_, number| match places.get(number) {
            Some(at) => stream_of(path, &[&all[..*at], &all[*at..]]),
            None => stream_of(path, &letters(&all)),
        });
        let streamed = masked(script, api, rule(MaskingOperator::Mask, &["email", "payment_card"]));
        let (_, _, body) =
            routes("who?", true).into_iter().find(|(known, ..)| *known == path).expect("a route");
        for number in 0..=cuts.len() {
            let got = streamed.call("POST", path, &[], &body);
            assert_eq!(said(&got), due, "{path}, cut {number}: {}", got.text());
            assert!(
                !got.text().contains("lovelace") && !got.text().contains("1111"),
                "{path}: {}",
                got.text()
            );
            if path == "/v1/responses" {
                let again = got.text().matches(&format!("\"text\":\"{due}\"")).count();
                assert_eq!(again, 3, "it is said again otherwise: {}", got.text());
            }
        }
        for end in streamed.ended(cuts.len() + 1) {
            // What else was found in it is counted, and no rule of this one's.
            let treated = end.masked.iter().filter(|it| it.operator.is_some());
            let told: Vec<_> =
                treated.map(|it| (it.class.as_str(), it.count, it.operator.as_deref())).collect();
            assert_eq!(told, [("email", 2, Some("mask")), ("payment_card", 1, Some("mask"))], "{path}");
            assert_eq!((end.outcome, end.delivered), (Outcome::Answered, Delivered::Whole), "{path}");
        }
    }
}

/// Requirement: V40. What the caller sent comes back as it was, beside what the model brought up.
#[test]
fn what_the_caller_sent_comes_back() {
    for (operator, due) in [
        (MaskingOperator::Mask, format!("{OWN} knows <EMAIL> well.")),
        (MaskingOperator::Drop, format!("{OWN} knows  well.")),
        (MaskingOperator::Pass, format!("{OWN} knows {NEW} well.")),
    ] {
        for stream in [false, true] {
            let script = Script::by(move |request, _| {
                let asked = openai::last_message(&request.body);
                let text = format!("{asked} knows {NEW} well.");
                if stream {
                    Answer::events(openai::stream_of(&letters(&text)))
                } else {
                    Answer::json(200, openai::chat_of(&text))
                }
            });
            let fixture = masked(script, Api::OpenAi, rule(operator, &["email"]));
            let got = fixture.chat(&if stream { say_streaming(OWN) } else { say(OWN) });
            assert_eq!(got.content(), due, "{}", got.text());
            let sent = fixture.upstream.requests().remove(0).text();
            assert!(sent.contains("<EMAIL_"), "a rule for answers changed what is sent: {sent}");
            let record = fixture.authorised().remove(0);
            assert!(
                record.masking.first().is_some_and(|rule| rule.starts_with("nothing-new@")),
                "{record:?}"
            );
            let end = fixture.end();
            let passes = operator == MaskingOperator::Pass;
            let [told] = end.masked.as_slice() else { panic!("{:?}", end.masked) };
            let name = (!passes).then(|| operator.name());
            assert_eq!((told.class.as_str(), told.count, told.operator.as_deref()), ("email", 1, name));
            assert_eq!(end.released_salted_sha256, got.salted(&got.body), "the record is of another answer");
        }
    }
}

/// Requirement: V40. A digest is the same in both forms, and another rule's calls are none of this one's.
#[test]
fn a_digest_stands_for_one_value_and_a_rule_is_for_its_calls() {
    let text = format!("{NEW} and {NEW}");
    let script = Script::by(move |request, _| {
        if request.text().contains("\"stream\":true") {
            Answer::events(openai::stream_of(&letters(&text)))
        } else {
            Answer::json(200, openai::chat_of(&text))
        }
    });
    let of_testing =
        MaskingConfig { purposes: vec!["testing".to_owned()], ..rule(MaskingOperator::Hash, &["email"]) };
    let fixture = masked(script, Api::OpenAi, of_testing);
    let ask = |purpose, body: &[u8]| {
        fixture.call("POST", "/v1/chat/completions", &[("tabellion-purpose", purpose)], body)
    };
    let whole = ask("testing", &say("who?")).content();
    let (one, other) = whole.split_once(" and ").expect("two digests");
    assert!(one == other && one.starts_with("<EMAIL#"), "{whole}");
    assert_eq!(ask("testing", &say_streaming("who?")).content(), whole);
    assert_eq!(ask("loan-support", &say("who?")).content(), format!("{NEW} and {NEW}"));
    let told = fixture.ended(3).pop().expect("three").masked;
    assert_eq!(told.first().and_then(|told| told.operator.clone()), None, "what went on is told as changed");
}

/// Requirement: V40, G02. What a rule blocks ends as what a guard stops, on every route, and no letter of it has left.
#[test]
fn what_is_blocked_goes_to_nobody() {
    let text = format!("So, the card is {CARD}, you know");
    for stream in [false, true] {
        for (path, api, body) in routes("what is it?", stream).into_iter().take(3) {
            let script = if stream { stream_of(path, &letters(&text)) } else { whole_of(path, &text) };
            let fixture = masked(script, api, rule(MaskingOperator::Block, &["payment_card"]));
            let got = fixture.call("POST", path, &[], &body);
            let all = got.text();
            assert_eq!(got.status, if stream { 200 } else { 403 }, "{path}: {all}");
            assert!(all.contains("guard_blocked") && !all.contains("4111"), "{path}: {all}");
            assert!(
                !all.contains("you know") && !all.contains("message_stop") && !all.contains("[DONE]"),
                "{path}: {all}"
            );
            let end = fixture.end();
            assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Cut, Some("guard_blocked")), "{path}");
            let [told] = end.guards.as_slice() else { panic!("{path}: {:?}", end.guards) };
            assert_eq!(
                (told.guard.as_str(), told.outcome),
                ("masking.nothing-new", GuardOutcome::Blocked),
                "{path}"
            );
            assert_eq!(told.found, ["payment_card"], "{path}");
            assert_eq!(end.delivered == Delivered::Nothing, !stream, "{path}");
        }
    }
}

/// Requirement: V40. What a tool is called with stays JSON: numbers give way to strings, escapes hide nothing, and a stream gives what a whole answer gives.
#[test]
fn arguments_of_tools_stay_json() {
    let arguments = format!(
        r#"{{"to":"ada\u002elovelace@example.org","note":"for {OWN}","card": 4111111111111111,"n":1}}"#
    );
    let due = json!({ "to": "<EMAIL>", "note": "for <EMAIL>", "card": "<CARD>", "n": 1 });
    let rules = || rule(MaskingOperator::Mask, &["email", "payment_card"]);
    let call =
        json!({ "id": "c", "type": "function", "function": { "name": "send", "arguments": arguments } });
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
    let whole = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": message, "finish_reason": "tool_calls" }] });
    let fixture = masked(Answer::json(200, whole.to_string()), Api::OpenAi, rules());
    let got = fixture.chat(&say("send it")).json();
    let got = got["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(serde_json::from_str::<Value>(&got).expect("JSON"), due);
    for pieces in [letters(&arguments), vec![arguments.clone()]] {
        let fixture = masked(Answer::events(openai::tool_stream_of("send", &pieces)), Api::OpenAi, rules());
        let streamed = fixture.chat(&say_streaming("send it"));
        assert_eq!(streamed.arguments(), got, "{}", streamed.text());
    }
    let input: Value = serde_json::from_str(&arguments).expect("JSON");
    let block = json!({ "type": "tool_use", "id": "t", "name": "send", "input": input });
    let ask = |stream: bool| {
        json!({ "model": "model-a", "max_tokens": 9, "stream": stream, "messages": [{ "role": "user", "content": "send it" }] }).to_string()
    };
    let fixture = masked(Answer::json(200, anthropic::message(&[block])), Api::Anthropic, rules());
    let got = fixture.call("POST", "/v1/messages", &[], ask(false).as_bytes());
    assert_eq!(got.json()["content"][0]["input"], due, "{}", got.text());
    let fixture = masked(
        Answer::events(anthropic::tool_stream_of("send", &letters(&arguments))),
        Api::Anthropic,
        rules(),
    );
    let got = fixture.call("POST", "/v1/messages", &[], ask(true).as_bytes());
    let events = got.events().into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    let input: String =
        events.filter_map(|event| event["delta"]["partial_json"].as_str().map(str::to_owned)).collect();
    assert_eq!(serde_json::from_str::<Value>(&input).expect("JSON"), due, "{}", got.text());
    let held = got.text().find("<CARD>").expect("the input");
    let stop = got.text().find("content_block_stop").expect("its end");
    assert!(held < stop, "an input came behind its end: {}", got.text());
}

/// Requirement: V40. A text that is JSON stays JSON as well, in whatever pieces it comes.
#[test]
fn a_text_that_is_json_stays_json() {
    let text = r#" {"card": 4111111111111111, "mail":"ada\u002elovelace@example.org"}"#;
    let due = json!({ "card": "<CARD>", "mail": "<EMAIL>" });
    for pieces in [letters(text), vec![text.to_owned()]] {
        let script = Answer::events(openai::stream_of(&pieces));
        let fixture = masked(script, Api::OpenAi, rule(MaskingOperator::Mask, &["email", "payment_card"]));
        let got = fixture.chat(&say_streaming("which?"));
        assert_eq!(serde_json::from_str::<Value>(&got.content()).expect("JSON"), due, "{}", got.text());
    }
}

/// Requirement: V40. A model's thinking goes on as it came, byte for byte; what it then says does not.
#[test]
fn thinking_stays_as_it_came() {
    let thought = format!("I think of {NEW}");
    let begun = json!({ "type": "thinking", "thinking": "", "signature": "" });
    let deltas = vec![
        json!({ "type": "thinking_delta", "thinking": thought }),
        json!({ "type": "signature_delta", "signature": "c2ln" }),
    ];
    let spoken = vec![json!({ "type": "text_delta", "text": format!("ask {NEW}") })];
    let stream = anthropic::stream(&[(begun, deltas), (json!({ "type": "text", "text": "" }), spoken)]);
    let blocks = [
        json!({ "type": "thinking", "thinking": thought, "signature": "c2ln" }),
        json!({ "type": "text", "text": format!("ask {NEW}") }),
    ];
    for (stream, answer) in
        [(true, Answer::events(stream)), (false, Answer::json(200, anthropic::message(&blocks)))]
    {
        let fixture = masked(answer, Api::Anthropic, rule(MaskingOperator::Mask, &["email"]));
        let body = json!({ "model": "model-a", "max_tokens": 9, "stream": stream, "messages": [{ "role": "user", "content": "who?" }] });
        let got = fixture.call("POST", "/v1/messages", &[], body.to_string().as_bytes());
        let text = got.text();
        assert!(text.contains(&thought) && text.contains("c2ln"), "the conversation cannot go on: {text}");
        assert_eq!(text.matches("lovelace").count(), 1, "{text}");
        assert!(text.contains("<EMAIL>"), "{text}");
    }
}

/// Requirement: V40. Tokens with their probabilities would say what is masked.
#[test]
fn tokens_with_their_probabilities_do_not_leak_it() {
    let tokens = json!({ "content": [{ "token": NEW, "logprob": -0.1, "bytes": null, "top_logprobs": [] }], "refusal": null });
    let choice = |member: &str| json!({ "index": 0, member: { "role": "assistant", "content": format!("ask {NEW}") }, "logprobs": tokens, "finish_reason": "stop" });
    let whole = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice("message")] });
    let event = json!({ "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice("delta")] });
    let stream = format!("data: {event}\n\ndata: [DONE]\n\n");
    for (body, answer) in
        [(say("who?"), Answer::json(200, whole.to_string())), (say_streaming("who?"), Answer::events(stream))]
    {
        let fixture = masked(answer, Api::OpenAi, rule(MaskingOperator::Mask, &["email"]));
        let got = fixture.chat(&body);
        assert_eq!(got.content(), "ask <EMAIL>", "{}", got.text());
        assert!(
            !got.text().contains("lovelace") && got.text().contains("\"logprobs\":null"),
            "{}",
            got.text()
        );
    }
}

/// Requirement: V40. What was held back goes to nobody when the stream breaks off or ends in an error, and a text that goes on after its end is no answer.
#[test]
fn what_is_held_back_does_not_leave_by_a_broken_stream() {
    let begun = format!("{}{}", openai::content_event("Ask "), openai::content_event("ada.lovelace@exam"));
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    let piece = |content: &str, reason: Option<&str>| {
        let choice = json!({ "index": 0, "delta": { "content": content }, "finish_reason": reason });
        format!(
            "data: {}\n\n",
            json!({ "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] })
        )
    };
    let over = [piece("Ask ada.love", Some("stop")), piece("lace@example.org", None)].concat();
    for (stream, outcome, code) in [
        (format!("{begun}{error}"), Outcome::Refused, "upstream_refused"),
        (begun, Outcome::Failed, "upstream_broke_off"),
        (format!("{over}{}", openai::DONE), Outcome::Failed, "upstream_malformed"),
    ] {
        let fixture = masked(Answer::events(stream), Api::OpenAi, rule(MaskingOperator::Mask, &["email"]));
        let got = fixture.chat(&say_streaming("who?"));
        assert!(got.text().contains("Ask ") && !got.text().contains("lace"), "{code}: {}", got.text());
        let end = fixture.end();
        assert_eq!((end.outcome, end.code.as_deref()), (outcome, Some(code)), "{}", got.text());
    }
}

/// Requirement: V39, V40. What a caller is not given is not kept either.
#[test]
fn what_is_kept_of_an_answer_has_no_more_than_the_caller_got() {
    let mut gate = gate();
    for system in std::sync::Arc::make_mut(&mut gate.systems).values_mut() {
        system.capture = Capture::Masked;
    }
    let masking = vec![rule(MaskingOperator::Mask, &["url", "email"])];
    let script = Answer::json(200, openai::chat_of(&format!("see https://people.example/ada or {NEW}")));
    let fixture = Fixture::with(script, Setup { gate, masking, ..Setup::default() });
    let got = fixture.chat(&say("where?"));
    assert_eq!(got.content(), "see <URL> or <EMAIL>", "{}", got.text());
    let kept = fixture.end().answer.expect("the system keeps what was answered");
    assert!(!kept.contains("people.example") && !kept.contains("lovelace"), "{kept}");
}

/// Requirement: N21, V40. Where a guard changes an answer, masking is of what comes of that; where it changes nothing, of what came.
#[test]
fn masking_follows_the_edits_of_guards() {
    for word in ["pots", "pans"] {
        let text = format!("In {word}, says {NEW}.");
        for stream in [false, true] {
            let script = if stream {
                Answer::events(openai::stream_of(&letters(&text)))
            } else {
                Answer::json(200, openai::chat_of(&text))
            };
            let (editor, _server) =
                Wire::Own.editor("editor", GuardSide::Answer, |texts| each_place(texts, "pots"));
            let masking = vec![rule(MaskingOperator::Mask, &["email"])];
            let fixture = Fixture::with(script, Setup { guards: vec![editor], masking, ..Setup::default() });
            let got = fixture.chat(&if stream { say_streaming("where?") } else { say("where?") });
            let due = text.replace("pots", "[x]").replace(NEW, "<EMAIL>");
            assert_eq!(got.content(), due, "{word} stream={stream}: {}", got.text());
            let told = fixture.end().masked;
            assert_eq!(told.first().and_then(|told| told.operator.as_deref()), Some("mask"), "{told:?}");
        }
    }
}

/// Requirement: V40, G17. What is masked is what the caller will get: the translated answer.
#[test]
fn a_translated_answer_is_masked() {
    let text = format!("ask {NEW} now");
    for stream in [false, true] {
        let script = if stream {
            Answer::events(anthropic::stream_of(&letters(&text)))
        } else {
            Answer::json(200, anthropic::message_of(&text))
        };
        let provider = Upstream::start(script);
        let other = UpstreamConfig {
            api: Api::Anthropic,
            models: vec!["model-t".to_owned()],
            translate: true,
            ..UpstreamConfig::new("translated", provider.base_url())
        };
        let masking = vec![rule(MaskingOperator::Mask, &["email"])];
        let fixture =
            Fixture::with(Answer::silence(), Setup { others: vec![other], masking, ..Setup::default() });
        let body = json!({ "model": "model-t", "stream": stream, "messages": [{ "role": "user", "content": "who?" }] });
        let got = fixture.chat(body.to_string().as_bytes());
        assert_eq!(got.content(), "ask <EMAIL> now", "{}", got.text());
    }
}

/// Requirement: V40. Where a URL has another operator than what is in it, a stream gives what a whole answer gives all the same.
#[test]
fn a_url_of_another_operator_is_treated_in_a_stream_as_in_a_whole() {
    let text = format!("see https://people.example/?to={NEW} or {NEW}.");
    let rules = || MaskingConfig { drop: vec!["url".to_owned()], ..rule(MaskingOperator::Mask, &["email"]) };
    let whole = masked(whole_of("", &text), Api::OpenAi, rules()).chat(&say("where?"));
    assert_eq!(whole.content(), "see  or <EMAIL>.", "{}", whole.text());
    for pieces in [letters(&text), vec![text.clone()]] {
        let got = masked(stream_of("", &pieces), Api::OpenAi, rules()).chat(&say_streaming("where?"));
        assert_eq!(got.content(), whole.content(), "{}", got.text());
    }
}

/// Requirement: V40. What cannot be looked at is not given, and the record says which rules could not look, and why.
#[test]
fn an_answer_that_cannot_be_looked_at_is_not_given() {
    let deep = (0..10).fold(format!("\"{NEW}\""), |inner, _| json!([inner]).to_string());
    for stream in [false, true] {
        let script = if stream { stream_of("", &[&deep]) } else { whole_of("", &deep) };
        let fixture = masked(script, Api::OpenAi, rule(MaskingOperator::Mask, &["email"]));
        let got = fixture.chat(&if stream { say_streaming("what?") } else { say("what?") });
        assert!(got.text().contains("guard_errored") && !got.text().contains("lovelace"), "{}", got.text());
        let end = fixture.end();
        assert_eq!((end.outcome, end.code.as_deref()), (Outcome::Cut, Some("guard_errored")));
        let [told] = end.guards.as_slice() else { panic!("{:?}", end.guards) };
        assert_eq!(
            (told.outcome, told.found.as_slice()),
            (GuardOutcome::Errored, &["too_deep".to_owned()][..])
        );
    }
}

/// Requirement: N19. A rule for answers that could not do what it says refuses the start.
#[test]
fn a_rule_that_answers_cannot_keep_refuses_the_start() {
    let with = |rule: MaskingConfig| {
        let models = vec!["model-a".to_owned()];
        let upstream = UpstreamConfig { models, ..UpstreamConfig::new("scripted", "http://127.0.0.1:1/v1") };
        let config =
            GatewayConfig { masking: vec![rule], upstreams: vec![upstream], ..GatewayConfig::default() };
        Gateway::check(&config).map_err(|error| error.to_string())
    };
    let both = vec![GuardSide::Prompt, GuardSide::Answer];
    with(MaskingConfig { on: both.clone(), ..rule(MaskingOperator::Drop, &["email"]) })
        .expect("a rule for both");
    for (refused, why) in [
        (rule(MaskingOperator::Pseudonymise, &["email"]), "pseudonymise is for prompts"),
        (
            MaskingConfig { on: both, ..rule(MaskingOperator::Pseudonymise, &["email"]) },
            "in a rule of its own",
        ),
        (rule(MaskingOperator::Mask, &[]), "names no class"),
        (
            MaskingConfig { scope: Some(PseudonymScope::Call), ..rule(MaskingOperator::Mask, &["email"]) },
            "are of placeholders",
        ),
    ] {
        let said = with(refused).expect_err("it starts");
        assert!(said.contains(why), "{said} does not say {why:?}");
    }
}
