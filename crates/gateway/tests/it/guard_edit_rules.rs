//! What services may not have changed, and how: each rule denies by its own word, on both sides, whole and streamed, and nothing of what was asked for goes in.

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardOnError, GuardServiceConfig, GuardSide, MaskingConfig};
use tabellion_model::body::{Delivered, GuardOutcome, Outcome};
use tabellion_testkit::upstream::{Answer, Script, anthropic, openai, responses};

use crate::fixture::{Fixture, Setup, say, say_streaming};
use crate::guard_editor::{Edit, Wire, Wish, each_place};
use crate::guards::told;

const EMAIL: &str = "ada.lovelace@example.org";

fn fixture(script: impl Into<Script>, guard: GuardConfig) -> Fixture {
    Fixture::with(script, Setup { guards: vec![guard], api: Api::OpenAi, ..Setup::default() })
}

/// A provider that says what it is asked, whole or as a stream.
fn echo() -> Script {
    Script::by(|request, _| {
        let said = openai::last_message(&request.body);
        if request.text().contains("\"stream\":true") {
            Answer::events(openai::stream_of(&[said]))
        } else {
            Answer::json(200, openai::chat_of(&said))
        }
    })
}

/// The text with a placeholder, where it is, and where the placeholder begins and ends.
fn marked(texts: &[String]) -> (usize, &str, usize, usize) {
    let is_it = |text: &&String| text.contains("<EMAIL_");
    let number = texts.iter().position(|text| is_it(&text)).expect("it is shown");
    let text = texts[number].as_str();
    let start = text.find("<EMAIL_").expect("it is shown");
    (number, text, start, start + "<EMAIL_7Q2K4F>".len())
}

fn edit(text: usize, start: usize, end: usize, new: &str) -> Vec<Edit> {
    vec![(text, start, end, new.to_owned())]
}

/// Wishes that break a rule each, with its word.
const BROKEN: [(&str, Wish); 14] = [
    ("edit_text", |texts| edit(texts.len(), 0, 0, "")),
    ("edit_range", |texts| edit(0, 0, texts[0].len() + 1, "")),
    ("edit_range", |texts| edit(0, 2, 1, &texts[0][..1])),
    ("edit_border", |texts| {
        let (number, text, ..) = marked(texts);
        let at = text.find('ü').expect("a letter of two bytes");
        edit(number, at + 1, at + 2, "")
    }),
    ("edit_order", |texts| {
        let (number, ..) = marked(texts);
        vec![(number, 0, 2, String::new()), (number, 1, 3, String::new())]
    }),
    ("edit_order", |texts| {
        let (number, ..) = marked(texts);
        vec![(number, 2, 3, String::new()), (number, 0, 1, String::new())]
    }),
    ("edit_too_long", |texts| edit(marked(texts).0, 0, 1, &"x".repeat((16 << 10) + 1))),
    ("edit_characters", |texts| edit(marked(texts).0, 0, 1, "\u{1b}[2J")),
    ("edit_count", |texts| vec![(marked(texts).0, 0, 0, String::new()); 1_025]),
    ("edit_placeholder", |texts| {
        let (number, _, start, _) = marked(texts);
        edit(number, start, start + 4, "<")
    }),
    ("edit_placeholder", |texts| {
        let (number, _, _, end) = marked(texts);
        edit(number, end, end, " <EMAIL_AAAAAA>")
    }),
    ("edit_personal_data", |texts| edit(marked(texts).0, 0, 1, "bob@example.org ")),
    ("edit_sealed", |texts| {
        let role = texts.iter().position(|text| ["user", "assistant"].contains(&text.as_str()));
        edit(role.expect("a role"), 0, 4, "tool")
    }),
    // One that breaks a rule takes the one beside it along.
    ("edit_sealed", |texts| {
        let (number, ..) = marked(texts);
        let role = texts.iter().position(|text| ["user", "assistant"].contains(&text.as_str()));
        let mut edits = [(number, 0, 1, "W".to_owned()), (role.expect("a role"), 0, 1, "x".to_owned())];
        edits.sort();
        edits.to_vec()
    }),
];

/// Requirement: N21. In the shapes that name ranges, every rule; whoever is asked, nothing passes.
#[test]
fn each_rule_denies_by_its_word() {
    for (label, wish) in BROKEN {
        for wire in [Wire::Own, Wire::Grpc] {
            for side in [GuardSide::Prompt, GuardSide::Answer] {
                for stream in [false, true] {
                    denied_with(label, (side, stream), wire, wish);
                }
            }
        }
    }
}

fn denied_with(label: &str, (side, stream): (GuardSide, bool), wire: Wire, wish: Wish) {
    let (editor, _server) = wire.editor("editor", side, wish);
    let fixture = fixture(echo(), editor);
    let text = format!("write über {EMAIL} in pots");
    let got = fixture.chat(&if stream { say_streaming(&text) } else { say(&text) });
    let what = format!("{label} {wire:?} {side:?} stream={stream}: {}", got.text());
    assert!(got.text().contains("guard_errored") && !got.text().contains("in pots"), "{what}");
    let said = if side == GuardSide::Prompt {
        assert_eq!(got.status, 503, "{what}");
        assert!(fixture.upstream.requests().is_empty(), "the prompt was sent: {what}");
        fixture.denied().remove(0).guards
    } else {
        let end = fixture.end();
        assert_eq!((end.outcome, end.delivered), (Outcome::Cut, Delivered::Nothing), "{what}");
        end.guards
    };
    assert_eq!(told(&said), [("editor", GuardOutcome::Errored, vec![label])], "{what}");
    assert_eq!(said[0].edits, None, "{what}");
}

/// Requirement: N21. In the shapes that give back texts, or kinds, the same rules hold.
#[test]
fn texts_and_kinds_are_held_to_the_same_rules() {
    let role: Wish = |texts| each_place(texts, "user");
    let said: Wish = |texts| each_place(texts, "assistant");
    let person: Wish = |texts| {
        let (number, ..) = marked(texts);
        edit(number, 0, 1, "bob@example.org ")
    };
    let issued: Wish = |texts| {
        let (number, _, _, end) = marked(texts);
        edit(number, end, end, " <EMAIL_AAAAAA>")
    };
    // Two texts are one to Presidio: a range over both is in neither.
    let both: Wish = |texts| {
        let at = texts[0].find('\n').expect("a line for each text");
        edit(0, at - 1, at + 2, "")
    };
    let cut: Wish = |texts| {
        let (number, _, start, end) = marked(texts);
        edit(number, start + 3, end - 1, "")
    };
    for side in [GuardSide::Prompt, GuardSide::Answer] {
        let sealed = if side == GuardSide::Prompt { role } else { said };
        for stream in [false, true] {
            for (wire, wish, label) in [
                (Wire::Litellm, sealed, "edit_sealed"),
                (Wire::Litellm, person, "edit_personal_data"),
                (Wire::Litellm, issued, "edit_placeholder"),
                (Wire::Presidio, sealed, "edit_sealed"),
                (Wire::Presidio, both, "edit_range"),
                (Wire::Presidio, cut, "edit_placeholder"),
            ] {
                denied_with(label, (side, stream), wire, wish);
            }
        }
    }
}

/// Requirement: N21. A guard that lets calls go on unseen lets them go on unchanged, all of them.
#[test]
fn what_may_go_on_unseen_goes_on_as_it_was() {
    let sealed: Wish = |texts| {
        let (number, ..) = marked(texts);
        let role = texts.iter().position(|text| text == "user").expect("a role");
        let mut edits = [(number, 0, 1, "W".to_owned()), (role, 0, 1, "x".to_owned())];
        edits.sort();
        edits.to_vec()
    };
    let (editor, _server) = Wire::Own.editor("editor", GuardSide::Prompt, sealed);
    let service = editor.service.clone().expect("a service");
    let service = GuardServiceConfig { on_error: GuardOnError::Flag, ..service };
    let lenient = fixture(echo(), GuardConfig { service: Some(service), ..editor });
    let text = format!("write to {EMAIL}");
    assert_eq!(lenient.chat(&say(&text)).content(), text);
    let said = lenient.authorised().remove(0).guards;
    assert_eq!(told(&said), [("editor", GuardOutcome::Errored, vec!["edit_sealed"])]);
    assert_eq!(said[0].edits, None);
}

/// Requirement: N21, P15. Where a rule of masking lets data pass, a text with it is another one than was shown, and is not changed; others are, in what is sent.
#[test]
fn a_text_with_data_that_passes_is_not_changed() {
    let masking = || MaskingConfig {
        name: "lenient".to_owned(),
        pass: vec!["email".to_owned()],
        ..MaskingConfig::default()
    };
    let body = json!({ "model": "model-a", "messages": [
        { "role": "user", "content": format!("write to {EMAIL}") }, { "role": "user", "content": "what grows in pots?" } ] });
    let with: Wish = |texts| edit(marked(texts).0, 0, 5, "[x]");
    let without: Wish = |texts| each_place(texts, "pots");
    for (wish, passes) in [(with, false), (without, true)] {
        let (editor, _server) = Wire::Own.editor("editor", GuardSide::Prompt, wish);
        let setup = Setup { guards: vec![editor], masking: vec![masking()], ..Setup::default() };
        let fixture = Fixture::with(echo(), setup);
        let got = fixture.chat(body.to_string().as_bytes());
        if passes {
            assert_eq!(got.content(), "what grows in [x]?", "{}", got.text());
            let sent = fixture.upstream.requests().remove(0).text();
            assert!(sent.contains(EMAIL) && !sent.contains("pots"), "{sent}");
        } else {
            let said = fixture.denied().remove(0).guards;
            assert_eq!(
                told(&said),
                [("editor", GuardOutcome::Errored, vec!["edit_passed"])],
                "{}",
                got.text()
            );
        }
    }
}

/// Requirement: N21. A text that is there once more in pieces with their probabilities would be read there.
#[test]
fn an_answer_with_its_probabilities_is_not_changed() {
    let mut chat: Value = serde_json::from_str(&openai::chat_of("in pots")).expect("JSON");
    chat["choices"][0]["logprobs"] =
        json!({ "content": [{ "token": "in", "logprob": -0.5 }, { "token": " pots", "logprob": -0.5 }] });
    let event = json!({ "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{ "index": 0,
        "delta": { "content": "in pots" }, "logprobs": { "content": [{ "token": "in pots", "logprob": -0.5 }] }, "finish_reason": "stop" }] });
    let streamed = format!("data: {event}\n\n{}", openai::DONE);
    let said: Wish = |texts| {
        let number = texts.iter().position(|text| text == "in pots").expect("it is shown");
        edit(number, 3, 7, "[x]")
    };
    for (answer, ask) in [
        (Answer::json(200, chat.to_string()), say("what?")),
        (Answer::events(streamed), say_streaming("what?")),
    ] {
        let (editor, _server) = Wire::Own.editor("editor", GuardSide::Answer, said);
        let fixture = fixture(answer, editor);
        let got = fixture.chat(&ask);
        assert!(!got.text().contains("pots"), "{}", got.text());
        assert_eq!(told(&fixture.end().guards), [("editor", GuardOutcome::Errored, vec!["edit_logprobs"])]);
    }
}

/// Requirement: N21. What a model reasoned goes on as it came, also where the stream says it again.
#[test]
fn what_a_model_reasoned_stays() {
    let stream = responses::stream_of(&["in ", "pots"]);
    let reasoned = json!({ "type": "response.reasoning_summary_text.done", "item_id": "rs", "output_index": 1, "summary_index": 0,
        "text": "in pots", "sequence_number": 99 });
    let thought = format!("event: response.reasoning_summary_text.done\ndata: {reasoned}\n\n");
    let place = stream.find("event: response.completed").expect("an end");
    let with_thought = [&stream[..place], &thought, &stream[place..]].concat();
    let body = json!({ "model": "model-a", "stream": true, "input": "what?" }).to_string();
    for (stream, label) in [(stream, "place"), (with_thought, "edit_sealed")] {
        let (editor, _server) =
            Wire::Own.editor("editor", GuardSide::Answer, |texts| each_place(texts, "pots"));
        let fixture = fixture(Answer::events(stream), editor);
        let got = fixture.call("POST", "/v1/responses", &[], body.as_bytes());
        assert_eq!(fixture.end().guards[0].found, [label], "{}", got.text());
        assert!(!got.text().contains("pots"), "{}", got.text());
        assert_eq!(got.text().matches("[x]").count(), if label == "place" { 4 } else { 0 }, "{}", got.text());
    }
}

/// Requirement: N21, P15. What is nobody's by itself is somebody's under the name of its field: masking looks at it there, and so is it here.
#[test]
fn the_name_of_a_field_counts() {
    let call = json!({ "type": "tool_use", "id": "call", "name": "look_up", "input": { "ssn": "none given", "note": "nothing" } });
    let body = json!({ "model": "model-a", "max_tokens": 9, "messages": [
        { "role": "user", "content": "who?" }, { "role": "assistant", "content": [call] }, { "role": "user", "content": "and?" } ] });
    let under_ssn: Wish = |texts| {
        let number = texts.iter().position(|text| text == "none given").expect("it is shown");
        edit(number, 0, 10, "472961046")
    };
    let under_note: Wish = |texts| {
        let number = texts.iter().position(|text| text == "nothing").expect("it is shown");
        edit(number, 0, 7, "472961046")
    };
    for (wish, label) in [(under_ssn, Some("edit_personal_data")), (under_note, None)] {
        let (editor, _server) = Wire::Own.editor("editor", GuardSide::Prompt, wish);
        let answer = Answer::json(200, anthropic::message_of("fine"));
        let setup = Setup { guards: vec![editor], api: Api::Anthropic, ..Setup::default() };
        let fixture = Fixture::with(answer, setup);
        let got = fixture.call("POST", "/v1/messages", &[], body.to_string().as_bytes());
        if let Some(label) = label {
            let said = fixture.denied().remove(0).guards;
            assert_eq!(told(&said), [("editor", GuardOutcome::Errored, vec![label])], "{}", got.text());
        } else {
            assert_eq!(got.status, 200, "{}", got.text());
            assert!(fixture.upstream.requests()[0].text().contains("472961046"));
        }
    }
}
