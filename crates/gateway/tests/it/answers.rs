//! Calls that go well: what the provider gets, what the client gets, what is recorded, and that it can be proved.

use serde_json::{Value, json};
use tabellion_model::body::{Capture, Delivered, Outcome};
use tabellion_model::{Micros, verify};
use tabellion_testkit::upstream::{Answer, openai};
use tabellion_tlog::{Policy, VerifierKey};

use crate::fixture::{Fixture, POSITION, SYSTEM, say, say_streaming, sha256};

/// Requirement: G01, G05
#[test]
fn a_call_is_answered_recorded_and_provable() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let sent = say("What is an instalment loan?");
    let answer = fixture.chat(&sent);
    assert_eq!(
        (answer.status, answer.text()),
        (200, openai::CHAT),
        "the answer must come back byte for byte"
    );
    let seen = fixture.upstream.requests().remove(0);
    assert_eq!(seen.body, sent, "a body without personal data leaves byte for byte");
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.surface, "openai.chat_completions", "the route is part of the evidence");
    assert_eq!(
        (authorised.model.as_str(), authorised.upstream.as_str()),
        ("model-a", "scripted"),
        "where it went"
    );
    assert_eq!(authorised.purpose, "loan-support", "a key's first purpose is its default");
    assert_eq!(
        authorised.received_salted_sha256,
        answer.salted(&sent),
        "the bytes received are committed to"
    );
    assert_eq!(authorised.forwarded_salted_sha256, answer.salted(&sent), "the bytes sent are committed to");
    assert_eq!(authorised.rules, ["base.all"], "the record must name the rule that permitted it");
    assert_eq!(
        authorised.prompt_withheld.as_deref(),
        Some("capture_off"),
        "content is kept only when asked for"
    );
    let end = fixture.end();
    assert_eq!(
        (end.outcome, end.delivered, end.status),
        (Outcome::Answered, Delivered::Whole, 200),
        "how it ended"
    );
    assert_eq!(
        end.released_salted_sha256,
        answer.salted(openai::CHAT.as_bytes()),
        "the bytes released are committed to"
    );
    assert_eq!(end.received_bytes, openai::CHAT.len() as u64, "the bytes received are counted");
    let usage = end.answered.usage.expect("the provider counted tokens");
    assert!(usage.prompt_tokens > 0 && usage.completion_tokens > 0, "tokens are what the call costs");
    assert_eq!(end.answered.finish_reason.as_deref(), Some("stop"), "why the model stopped");
}

#[test]
fn the_answer_names_its_record_whose_receipt_holds() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT).header("x-request-id", "req_provider"));
    let answer = fixture.chat(&say("Hello"));
    let record = fixture.of_type("call.authorised").remove(0);
    let id = record.header.record_id.to_hex();
    assert_eq!(answer.header("tabellion-record"), Some(id.as_str()), "the client cannot name the record");
    assert_eq!(answer.header("x-request-id"), Some(id.as_str()), "the library shows this id to its user");
    assert_eq!(
        answer.header("tabellion-entry"),
        Some(record.index.to_string().as_str()),
        "where the record is"
    );
    let receipt = answer.header("tabellion-receipt").expect("a reference of the receipt");
    let size: u64 = receipt.split('/').next().expect("a size").parse().expect("a number");
    assert_eq!(receipt, format!("{size}/{}/{id}", record.index), "where its receipt is");
    assert!(size > record.index, "the log size must cover the entry");
    assert_eq!(record.header.basis, Some(POSITION), "a decision says what it had seen");
    assert_eq!(record.header.system.map(|(system, _)| *system.as_bytes()), Some(SYSTEM), "whose call it is");
    let root = fixture.ledger.reader().keys().root().public;
    let pin = VerifierKey::new(&format!("{}/root", fixture.ledger.origin()), root).expect("a root key");
    let trust = Policy::parse(format!("log {pin}\nquorum none\n")).expect("a trust file");
    for seen in fixture.records() {
        let receipt = fixture.ledger.reader().receipt(seen.index).expect("a receipt");
        let report = verify(&receipt.to_bytes().expect("its bytes"), Some(&trust));
        assert_eq!(report.exit_code(), 0, "an auditor could not check the call: {}", report.to_text());
    }
}

#[test]
fn only_what_the_provider_needs_leaves() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT).header("set-cookie", "a=b"));
    let headers = [
        ("Cookie", "session=secret"),
        ("X-Customer", "Ada Lovelace"),
        ("User-Agent", "OpenAI/Python 2.54.0 for Grace Hopper"),
        ("Idempotency-Key", "grace@example.org"),
        ("X-Stainless-Retry-Count", "2"),
        ("X-Stainless-Lang", "python"),
        ("X-Stainless-Os", "grace@example.org"),
        ("Traceparent", "grace@example.org"),
        ("Accept-Encoding", "gzip, deflate"),
    ];
    let answer = fixture.call("POST", "/v1/chat/completions", &headers, &say("Hello"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = fixture.upstream.requests().remove(0);
    assert!(!seen.head.contains("tbl_"), "the client's key reached the provider");
    assert_eq!(
        seen.header("authorization"),
        Some("Bearer sk-provider-secret"),
        "the provider needs its own key"
    );
    assert_eq!(seen.header("accept-encoding"), Some("identity"), "a compressed answer could not be governed");
    assert!(
        !seen.head.contains("secret\r\n") || !seen.head.contains("session="),
        "a cookie reached the provider"
    );
    assert!(!seen.head.contains("Lovelace"), "a header with personal data reached the provider");
    assert!(!seen.head.to_ascii_lowercase().contains("grace"), "a header went past the mask: {}", seen.head);
    let ours = concat!("tabellion/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.header("user-agent"), Some(ours), "the provider sees who really asks");
    assert_eq!(seen.header("x-stainless-lang"), Some("python"), "the provider may know the library");
    let lines = "x-stainless-lang: python\nx-stainless-retry-count: 2\n";
    assert_eq!(
        fixture.authorised()[0].forwarded_headers_sha256,
        Some(sha256(lines.as_bytes())),
        "nobody could show which headers left"
    );
    assert_eq!(answer.header("set-cookie"), None, "a provider's cookie is not for the client");
    assert_eq!(fixture.authorised()[0].retry, 2, "retries are joined by the library's own count");
}

/// Requirement: G08. What a provider says of its answer is recorded when it is a word, and not when it is text.
#[test]
fn a_provider_cannot_write_into_the_log_by_its_model_or_finish_reason() {
    let body = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "ada@example.org",
        "choices": [{"index": 0, "finish_reason": "Ada Lovelace said so", "message": {"role": "assistant", "content": "Hi", "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "mail ada@example.org", "arguments": "{}"}}
        ]}}]
    });
    let fixture = Fixture::new(Answer::json(200, body.to_string().as_str()));
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "the answer passes as it is");
    let answered = fixture.end().answered;
    assert_eq!(answered.model.as_deref(), Some("unrecognised"), "personal data of the provider's making");
    assert_eq!(answered.finish_reason.as_deref(), Some("unrecognised"), "text in place of a word");
    assert_eq!(answered.tools, ["unrecognised"], "a tool's name is no text either");
}

#[test]
fn an_alias_becomes_the_providers_name_and_nothing_else_changes() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let sent = br#"{ "messages" : [ {"role":"user","content":"1.50e3 \u00e9"} ],"seed":9007199254740993,
 "model" : "house-model" , "unknown": {"x": [1.0, null]} }"#;
    let answer = fixture.chat(sent);
    assert_eq!(answer.status, 200, "an alias is a model like any other");
    let seen = fixture.upstream.requests().remove(0);
    let wanted = String::from_utf8(sent.to_vec()).expect("text").replace("house-model", "gpt-real");
    assert_eq!(
        seen.text(),
        wanted,
        "spaces, order, numbers, escapes and unknown members are the client's own"
    );
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.model, "house-model", "the record names what was asked for");
    assert_eq!(
        authorised.forwarded_salted_sha256,
        answer.salted(wanted.as_bytes()),
        "and commits to what was sent"
    );
}

#[test]
fn a_connection_serves_one_call_after_another() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let mut client = fixture.connect();
    for _ in 0..3 {
        client.send(&crate::fixture::chat_request(&say("Hello")));
        assert_eq!(client.answer().status, 200, "the second call of a connection must work like its first");
    }
    assert_eq!(fixture.ended(3).len(), 3, "each call has its own end");
    assert_eq!(fixture.upstream.connections(), 1, "the provider's connection is used again");
}

/// Requirement: V39
#[test]
fn content_is_kept_masked_and_only_where_the_system_wants_it() {
    let fixture = Fixture::new(Answer::json(200, openai::chat_of("Write to new@example.org.")));
    fixture.change_systems(|system| system.capture = Capture::Masked);
    let answered = fixture.chat(&say("I am ada@example.org"));
    assert_eq!(answered.status, 200, "the call goes well");
    let authorised = fixture.authorised().remove(0);
    let prompt = authorised.prompt.expect("the system keeps prompts");
    let kept = answered.salted(prompt.as_bytes());
    assert_eq!(kept, authorised.forwarded_salted_sha256, "what is kept is what was sent");
    assert!(!prompt.contains("ada@"), "personal data in plain text was kept: {prompt}");
    let end = fixture.end();
    let answer = end.answer.expect("the system keeps answers");
    assert!(
        answer.contains("Write to <EMAIL_") && !answer.contains("new@"),
        "an answer is kept masked: {answer}"
    );
    assert_eq!(end.masked.len(), 1, "personal data that the model brought up is counted");
}

/// Requirement: V39, G17. Of an answer its texts are kept, masked: what else is in it says the same again, token by token, or what the request said.
#[test]
fn nothing_of_an_answer_is_kept_unmasked_beside_its_text() {
    let said = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "model-a",
        "choices": [{ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": "Her mail is zed@example.org",
                "annotations": [{ "type": "url_citation", "url_citation": { "title": "zed@example.org" } }] },
            "logprobs": { "content": [{ "token": "zed@example.org", "logprob": -0.1, "bytes": [122, 101, 100], "top_logprobs": [] }] } }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
        "metadata": { "who": "zed@example.org" },
    });
    let fixture = Fixture::new(Answer::json(200, said.to_string()));
    fixture.change_systems(|system| system.capture = Capture::Masked);
    assert_eq!(fixture.chat(&say("Hello")).status, 200);
    let kept = fixture.end().answer.expect("the system keeps answers");
    assert!(kept.contains("Her mail is <EMAIL_"), "{kept}");
    assert!(!kept.contains("zed") && !kept.contains("122"), "an address stands beside its text: {kept}");
}

/// Requirement: V39. What is kept is chosen field by field, for streams as for whole answers; the record says why the other is not there.
#[test]
fn prompts_and_answers_are_kept_each_by_itself() {
    for (capture, prompt, answer) in [
        (Capture::None, false, false),
        (Capture::MaskedPrompt, true, false),
        (Capture::MaskedAnswer, false, true),
        (Capture::Masked, true, true),
    ] {
        for streamed in [false, true] {
            let said = if streamed {
                Answer::events(openai::stream_of(&["It is ", "late."]))
            } else {
                Answer::json(200, openai::chat_of("It is late."))
            };
            let fixture = Fixture::new(said);
            fixture.change_systems(|system| system.capture = capture);
            let body = if streamed { say_streaming("What time is it?") } else { say("What time is it?") };
            assert_eq!(fixture.chat(&body).status, 200, "{capture:?}");
            let end = fixture.end();
            let authorised = fixture.authorised().remove(0);
            let kept = (authorised.prompt.is_some(), end.answer.is_some());
            assert_eq!(kept, (prompt, answer), "{capture:?}, streamed: {streamed}");
            let off = Some("capture_off");
            assert_eq!(authorised.prompt_withheld.as_deref() == off, !prompt, "{capture:?}");
            assert_eq!(end.answer_withheld.as_deref() == off, !answer, "{capture:?}");
        }
    }
}

#[test]
fn a_stream_is_kept_as_the_text_it_says() {
    let fixture = Fixture::new(Answer::events(openai::stream_of(&["Write to new@exa", "mple.org."])));
    fixture.change_systems(|system| system.capture = Capture::Masked);
    let answer = fixture.chat(&say_streaming("Hello"));
    assert_eq!(answer.content(), "Write to new@example.org.", "what the model says itself is passed on");
    let kept: Value = serde_json::from_str(&fixture.end().answer.expect("kept")).expect("JSON");
    let content = kept["choices"][0]["content"].as_str().expect("its text");
    assert!(content.starts_with("Write to <EMAIL_"), "the text is kept whole and masked: {content}");
}

#[test]
fn the_list_of_models_is_what_the_caller_may_use() {
    let fixture = Fixture::new(Answer::silence());
    let listed = fixture.call("GET", "/v1/models", &[], b"");
    let ids = |answer: &crate::client::Answer| -> Vec<String> {
        let json = answer.json();
        let data = json["data"].as_array().cloned().unwrap_or_default();
        data.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(ids(&listed), ["house-model", "model-a"], "every configured name, in order");
    assert_eq!(listed.json()["object"], "list", "the library expects this form");
    let one = fixture.call("GET", "/v1/models/model-a", &[], b"");
    assert_eq!(
        one.json(),
        json!({
            "id": "model-a", "object": "model", "created": 0, "owned_by": "scripted",
            "surfaces": ["openai.chat_completions", "openai.responses", "openai.embeddings"]
        }),
        "one model"
    );
    assert_eq!(fixture.call("GET", "/v1/models/secret", &[], b"").code(), "unknown_model", "not configured");
    fixture.change_keys(|key| key.models = vec!["model-a".to_owned()]);
    assert_eq!(
        ids(&fixture.call("GET", "/v1/models", &[], b"")),
        ["model-a"],
        "a key sees its own models alone"
    );
    assert!(fixture.upstream.requests().is_empty(), "the list is the gateway's own");
    assert_eq!(fixture.ended(3).len(), 3, "a list is recorded as every call is");
    assert_eq!(fixture.authorised()[0].surface, "openai.models", "under the name of its route");
}

#[test]
fn a_key_works_until_its_end() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    fixture.change_keys(|key| key.ends_at = Some(Micros(u64::MAX)));
    assert_eq!(
        fixture.chat(&say("Hello")).status,
        200,
        "a key whose end is ahead works: rotation needs the overlap"
    );
    fixture.change_keys(|key| key.ends_at = Some(crate::fixture::LONG_AGO));
    assert_eq!(fixture.chat(&say("Hello")).code(), "invalid_api_key", "a key whose end is past does not");
}
