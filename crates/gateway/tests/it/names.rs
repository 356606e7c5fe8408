//! Names of people, places and organisations: out of what a provider sees, back in what the client reads, and never out of an identifier.

use serde_json::json;
use tabellion_gateway::MaskedName;
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::fixture::{Fixture, Setup, say, say_streaming};

const TEXT: &str = "Dear Maria Jensen, your parcel for Halvorsen Logistics Ltd has left Oslo.";

fn echo() -> Script {
    Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))))
}

fn counts(fixture: &Fixture) -> Vec<(String, u64)> {
    let masked = fixture.authorised().remove(0).masked;
    masked.into_iter().map(|masked| (masked.class, masked.count)).collect()
}

/// Requirement: G02.
#[test]
fn names_are_hidden_from_the_provider_counted_and_given_back() {
    let fixture = Fixture::new(echo());
    let answer = fixture.chat(&say(TEXT));
    assert_eq!(answer.content(), TEXT, "the client must read its own names");
    let sent = fixture.upstream.requests().remove(0).text();
    for name in ["Maria", "Jensen", "Halvorsen", "Oslo"] {
        assert!(!sent.contains(name), "{name} reached the provider: {sent}");
    }
    let wanted =
        [("person", 1), ("location", 1), ("organisation", 1)].map(|(class, count)| (class.to_owned(), count));
    assert_eq!(counts(&fixture), wanted, "the record counts what was replaced");
}

#[test]
fn names_come_back_in_a_stream() {
    let script = Script::by(|request, _| {
        let text = openai::last_message(&request.body);
        let pieces: Vec<String> = text.chars().map(String::from).collect();
        Answer::events(openai::stream_of(&pieces))
    });
    let fixture = Fixture::new(script);
    let answer = fixture.chat(&say_streaming(TEXT));
    assert_eq!(answer.content(), TEXT, "the client must read its own names");
    assert!(!fixture.upstream.requests().remove(0).text().contains("Maria"), "a name reached the provider");
}

#[test]
fn an_operator_chooses_which_names_are_masked() {
    for (names, kept, gone) in [
        (vec![], &["Maria", "Halvorsen", "Oslo"][..], &[][..]),
        (vec![MaskedName::Person], &["Halvorsen", "Oslo"][..], &["Maria", "Jensen"][..]),
    ] {
        let fixture = Fixture::with(echo(), Setup { names, ..Setup::default() });
        assert_eq!(fixture.chat(&say(TEXT)).content(), TEXT);
        let sent = fixture.upstream.requests().remove(0).text();
        assert!(kept.iter().all(|name| sent.contains(name)), "what is switched off is masked: {sent}");
        assert!(!gone.iter().any(|name| sent.contains(name)), "what is switched on is not: {sent}");
    }
}

#[test]
fn identifiers_of_the_interface_leave_as_they_came() {
    let function = json!({"name": "Jordan", "description": "asks Maria Jensen in Oslo", "parameters": {"type": "object", "properties": {"Paris": {
        "type": "string", "enum": ["Anna Berg", "Oslo"]}}, "required": ["Paris"]}});
    let body = json!({
        "model": "model-a",
        "messages": [
            {"role": "user", "name": "Maria", "content": "hello"},
            {"role": "assistant", "tool_calls": [{"id": "Anna", "type": "function", "function": {
                "name": "Jordan", "arguments": "{\"Paris\": \"x\", \"city\": \"Oslo\", \"first_name\": \"Jo\"}"}}]},
            {"role": "tool", "tool_call_id": "Anna", "content": "{\"Paris\": {\"guest\": \"Maria Jensen\"}}"},
        ],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": "Jordan"}},
    });
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    assert_eq!(fixture.chat(body.to_string().as_bytes()).status, 200, "{body}");
    let sent: serde_json::Value =
        serde_json::from_str(&fixture.upstream.requests().remove(0).text()).expect("JSON");
    let tool = &sent["tools"][0]["function"];
    assert_eq!(tool["name"], "Jordan", "a tool would be called by another name");
    assert_eq!(tool["parameters"], body["tools"][0]["function"]["parameters"], "a schema would be another");
    assert!(
        tool["description"].as_str().is_some_and(|text| text.contains("<PERSON_")),
        "what it says is text: {tool}"
    );
    assert_eq!(sent["tool_choice"], body["tool_choice"], "the choice would be none");
    assert_eq!(sent["messages"][0]["name"], "Maria", "a participant's name has a form that providers check");
    let call = &sent["messages"][1]["tool_calls"][0];
    assert_eq!(
        (&call["id"], &call["function"]["name"]),
        (&json!("Anna"), &json!("Jordan")),
        "a call would be lost"
    );
    let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
    assert!(arguments.starts_with("{\"Paris\": \"x\", \"city\": \"<LOCATION_"), "{arguments}");
    assert!(
        arguments.contains("\"first_name\": \"<PERSON_"),
        "a tool's data would reach the provider: {arguments}"
    );
    let told = sent["messages"][2]["content"].as_str().unwrap_or_default();
    assert!(told.starts_with("{\"Paris\": {\"guest\": \"<PERSON_"), "a tool's answer would: {told}");
}
