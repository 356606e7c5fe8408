//! Streams that are cut so that a guard would read them otherwise than a reader does.

use std::fmt::Write as _;

use serde_json::json;
use tabellion_gateway::{Api, GuardConfig, GuardKind, GuardSide};
use tabellion_testkit::upstream::Answer;

use crate::fixture::{Fixture, Setup, say_streaming};

fn guards() -> Vec<GuardConfig> {
    let words = GuardConfig {
        on: vec![GuardSide::Answer],
        words: vec!["heron".to_owned()],
        ..GuardConfig::new("house-words", GuardKind::Words)
    };
    vec![words]
}

fn chunk(index: &str, content: &str, reason: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"{content}\"}},\"finish_reason\":{reason}}}]}}\n\n"
    )
}

/// A text that goes on after its end, and one whose index readers may take for another's, are no answer: nobody could say what the guard has read.
#[test]
fn a_text_that_goes_on_after_its_end_is_no_answer() {
    for (what, stream) in [
        ("after its end", [chunk("0", "a her", "\"stop\""), chunk("0", "on b", "null")].concat()),
        ("under another index", [chunk("0", "a her", "null"), chunk("0.0", "on b", "null")].concat()),
    ] {
        let stream = format!("{stream}{}data: [DONE]\n\n", chunk("0", "", "\"stop\""));
        let fixture = Fixture::with(Answer::events(stream), Setup { guards: guards(), ..Setup::default() });
        let answer = fixture.chat(&say_streaming("Hello"));
        assert!(!answer.content().contains("heron"), "{what}: {}", answer.text());
        assert_eq!(fixture.end().code.as_deref(), Some("upstream_malformed"), "{what}");
    }
}

/// What stands beside the data of an event is looked at by nobody, and goes to nobody where a guard is to look; the name of an event stays where its data says it.
#[test]
fn lines_beside_the_data_do_not_pass_a_guard() {
    let start = json!({"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}});
    let block = json!({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}});
    let text = json!({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a crane"}});
    let stop = json!({"type":"content_block_stop","index":0});
    let ends = json!({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}});
    let end = json!({"type":"message_stop"});
    let mut stream = String::new();
    for event in [&start, &block, &text, &stop, &ends, &end] {
        let name = event["type"].as_str().expect("a type");
        write!(stream, ": heron\nid: heron\nfoo: heron\nevent: {name}\ndata: {event}\nretry: 1\n\n")
            .expect("a text takes it");
    }
    stream = stream.replacen("event: content_block_delta", "event: heron", 1);
    let setup = Setup { guards: guards(), api: Api::Anthropic, ..Setup::default() };
    let fixture = Fixture::with(Answer::events(stream), setup);
    let body =
        json!({"model":"model-a","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]});
    let answer = fixture.call("POST", "/v1/messages", &[], body.to_string().as_bytes());
    let said = answer.text();
    assert!(said.contains("a crane") && said.contains("event: message_stop\ndata: "), "{said}");
    assert!(!said.contains("heron") && !said.contains("retry"), "{said}");
}
