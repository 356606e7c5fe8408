//! Personal data does not reach the provider, and comes back to whoever sent it: whole or streamed, text or arguments of tools.

use serde_json::json;
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::fixture::{Fixture, say, say_streaming};

const EMAIL: &str = "ada.lovelace@example.org";
const CARD: &str = "4111 1111 1111 1111";
const IBAN: &str = "DE89 3704 0044 0532 0130 00";

/// A provider that says what it was told.
fn echo() -> Script {
    Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))))
}

/// The same as a stream, in pieces of so many characters.
fn echo_stream(size: usize) -> Script {
    Script::by(move |request, _| {
        let text: Vec<char> = openai::last_message(&request.body).chars().collect();
        let pieces: Vec<String> = text.chunks(size).map(|piece| piece.iter().collect()).collect();
        Answer::events(openai::stream_of(&pieces))
    })
}

/// Nothing of what is personal may be in what was sent.
fn assert_masked(sent: &str) {
    for value in [EMAIL, CARD, IBAN, "lovelace", "4111111111111111", "4.111", "1111 1111", "0044 0532"] {
        assert!(!sent.contains(value), "{value} reached the provider: {sent}");
    }
}

#[test]
fn the_provider_sees_placeholders_and_the_client_its_own_values() {
    let fixture = Fixture::new(echo());
    let text = format!("I am {EMAIL}, card {CARD}, account {IBAN}; again {EMAIL}.");
    let answer = fixture.chat(&say(&text));
    assert_eq!(answer.content(), text, "the values must come back as they were");
    let sent = fixture.upstream.requests().remove(0).text();
    assert_masked(&sent);
    assert_eq!(sent.matches("<EMAIL_").count(), 2, "each place is masked: {sent}");
    let masked = fixture.authorised().remove(0).masked;
    let counts: Vec<(String, u64)> = masked.into_iter().map(|masked| (masked.class, masked.count)).collect();
    let wanted =
        [("email", 2), ("payment_card", 1), ("iban", 1)].map(|(class, count)| (class.to_owned(), count));
    assert_eq!(counts, wanted, "the record counts what was replaced");
    assert!(fixture.end().masked.is_empty(), "the model brought nothing up by itself");
}

#[test]
fn no_escape_and_no_place_hides_a_value() {
    let bodies = [
        r#"{"model":"model-a","messages":[{"role":"user","content":"ada.lovelace\u0040example.org"}]}"#.to_owned(),
        r#"{"model":"model-a","messages":[{"role":"user","content":"\u0061da.lovelace@example\u002eorg \ud83d\ude00"}]}"#.to_owned(),
        json!({"model":"model-a","messages":[{"role":"system","content":format!("User: {EMAIL}")}]}).to_string(),
        json!({"model":"model-a","messages":[{"role":"user","content":[{"type":"text","text":EMAIL}]}]}).to_string(),
        json!({"model":"model-a","messages":[{"role":"tool","tool_call_id":"c","content":format!("{{\"mail\":\"{EMAIL}\"}}")}]}).to_string(),
        json!({"model":"model-a","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":r#"{"to":"ada.lovelace\u0040example.org"}"#}}]}]}).to_string(),
        json!({"model":"model-a","messages":[],"user":EMAIL}).to_string(),
        json!({"model":"model-a","messages":[],"metadata":{EMAIL:"x"}}).to_string(),
        json!({"model":"model-a","messages":[],"tools":[{"type":"function","function":{"name":"f","description":format!("asks {EMAIL}")}}]}).to_string(),
        r#"{"model":"model-a","messages":[],"metadata":{"card":4111111111111111}}"#.to_owned(),
        r#"{"model":"model-a","messages":[],"metadata":{"card":4.111111111111111e15}}"#.to_owned(),
        json!({"model":"model-a","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":EMAIL,"format":"wav"}}]}]}).to_string(),
        json!({"model":"model-a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":format!("data:image/png;base64,QUJD {EMAIL}")}}]}]}).to_string(),
        json!({"model":"model-a","messages":[{"role":"tool","tool_call_id":"c","content":json!({"p": r#"{"to":"ada.lov\u0065lace\u0040example.org"}"#}).to_string()}]}).to_string(),
        json!({"model":"model-a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":format!("https://x.example/?u={EMAIL}")}}]}]}).to_string(),
    ];
    for body in bodies {
        let fixture = Fixture::new(Answer::json(200, openai::CHAT));
        assert_eq!(fixture.chat(body.as_bytes()).status, 200, "{body}");
        let sent = fixture.upstream.requests().remove(0).text();
        assert_masked(&sent);
        assert!(!sent.contains("\\u0040") && sent.contains('<'), "an escape hid the value: {sent}");
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&sent);
        assert!(parsed.is_ok(), "masking broke the body: {sent}");
    }
}

#[test]
fn a_picture_is_not_read_as_text() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let url = format!("data:image/png;base64,{}", "4111111111111111".repeat(64));
    let body = json!({"model":"model-a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":url}}]}]});
    let body = body.to_string();
    assert_eq!(fixture.chat(body.as_bytes()).status, 200, "pictures pass");
    assert_eq!(fixture.upstream.requests().remove(0).text(), body, "a picture must leave as it came");
}

#[test]
fn values_split_over_the_events_of_a_stream_come_back_whole() {
    let text = format!("Dear {EMAIL}, <b>card</b> {CARD} <EMAIL_ZZZZZZ> 1 < 2 {IBAN}");
    for size in [1, 2, 3, 5, 8, 13, 200] {
        let fixture = Fixture::new(echo_stream(size));
        let answer = fixture.chat(&say_streaming(&text));
        assert_masked(&fixture.upstream.requests().remove(0).text());
        assert_eq!(answer.content(), text, "in pieces of {size} the client read something else");
        assert_eq!(answer.events().pop().as_deref(), Some("[DONE]"), "and the stream is whole");
        assert_eq!(fixture.end().released_salted_sha256, answer.salted(&answer.body), "what the client got");
    }
}

#[test]
fn what_is_held_back_is_given_out_before_the_stream_ends() {
    let fixture = Fixture::new(Answer::events(openai::stream_of(&["mail ", "<EMA"])));
    let answer = fixture.chat(&say_streaming(EMAIL));
    assert_eq!(answer.content(), "mail <EMA", "the end of the text is lost");
    let events = answer.events();
    let last = events.iter().position(|event| event.contains("<EMA")).expect("the held text");
    let finish = events.iter().position(|event| event.contains("\"stop\"")).expect("the finish");
    assert!(last < finish, "text after its own end is not shown by clients");
    let own: serde_json::Value = serde_json::from_str(&events[last]).expect("our own event is JSON");
    assert_eq!(own["id"], "chatcmpl-made", "our own event has the stream's id");
}

#[test]
fn arguments_of_tools_get_their_values_as_json() {
    let fixture = Fixture::new(Script::by(|request, _| {
        let told = openai::last_message(&request.body);
        let arguments = json!({ "to": told }).to_string();
        let pieces: Vec<String> = arguments.chars().map(String::from).collect();
        Answer::events(openai::tool_stream_of("send_mail", &pieces))
    }));
    let answer = fixture.chat(&say_streaming(&format!("{EMAIL} and {CARD}")));
    let arguments: serde_json::Value = serde_json::from_str(&answer.arguments()).expect("arguments are JSON");
    assert_eq!(arguments["to"], format!("{EMAIL} and {CARD}"), "a tool would act on a placeholder");
    assert_eq!(fixture.end().answered.tools, ["send_mail"], "the record names the tools asked for");
}

#[test]
fn a_placeholder_of_another_call_is_not_given_a_value() {
    let fixture = Fixture::new(echo());
    assert_eq!(fixture.chat(&say(EMAIL)).content(), EMAIL, "the first caller gets its own value");
    let sent = openai::last_message(&fixture.upstream.requests()[0].body);
    let fished = fixture.chat(&say(&format!("What is {sent}?")));
    assert_eq!(fished.content(), format!("What is {sent}?"), "a prompt could fish for other people's values");
}

#[test]
fn the_same_value_has_the_same_placeholder_on_every_turn() {
    let fixture = Fixture::new(echo());
    for _ in 0..2 {
        assert_eq!(fixture.chat(&say(EMAIL)).status, 200, "each turn goes well");
    }
    let requests = fixture.upstream.requests();
    assert_eq!(
        requests[0].body, requests[1].body,
        "a conversation would lose the provider's cache on every turn"
    );
}

#[test]
fn nothing_personal_is_in_the_log() {
    // Invariant 7: the entries are what anybody may read.
    let fixture = Fixture::new(echo());
    assert_eq!(fixture.chat(&say(&format!("{EMAIL} {CARD} {IBAN}"))).status, 200, "the call goes well");
    let reader = fixture.ledger.reader();
    for index in 0..reader.size() {
        let bytes = reader.entry(index).expect("an entry").bytes;
        assert_masked(&String::from_utf8_lossy(&bytes));
    }
    for seen in fixture.records() {
        assert_masked(&serde_json::to_string(&seen.fields).expect("JSON"));
    }
}
