//! What a call is charged is no less than what its provider bills, whatever the provider counts and how it says so.

use serde_json::{Value, json};
use tabellion_model::body::{Body as _, BudgetScope, CallAuthorised, CallCompleted};
use tabellion_model::charge::{Reserved, Spent, Tokens, Window};
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::budgets::{budget, euros, post, price, tokens, with};

const PATH: &str = "/v1/chat/completions";

fn asked(more: &Value) -> Value {
    let mut body =
        json!({ "model": "model-a", "max_tokens": 64, "messages": [{ "role": "user", "content": "Hello" }] });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

fn counted(usage: &Value) -> String {
    json!({ "object": "chat.completion", "model": "model-a", "usage": usage,
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hi" }, "finish_reason": "stop" }] })
    .to_string()
}

/// Requirement: N22, N23. Zeros are no count; a total above its parts is paid, and the record keeps what was said beside what was charged.
#[test]
fn an_answer_is_charged_no_less_than_it_is_billed() {
    let usage = |prompt: u64, answer: u64, total: u64| json!({"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": total});
    for (said, spent) in [
        (usage(0, 0, 0), Spent::Reserve),
        (usage(0, 5, 5), Spent::Reserve),
        (usage(9, 5, 514), Spent::Counted(Tokens { input: 9, output: 505, ..Tokens::default() })),
        (usage(9, 5, 3), Spent::Counted(Tokens { input: 9, output: 5, ..Tokens::default() })),
    ] {
        let fixture = with(
            Answer::json(200, counted(&said)),
            vec![budget("day", BudgetScope::Tenant, Window::Day, tokens(100_000))],
        );
        post(&fixture, PATH, &asked(&json!({})));
        fixture.ended(1);
        let end = &fixture.of_type(CallCompleted::TYPE)[0];
        assert_eq!(Spent::of(&end.header), Some(spent), "{said}");
        assert_eq!(
            end.fields["answered"]["usage"]["completion_tokens"], said["completion_tokens"],
            "what the provider said: {said}"
        );
        let reserved = Reserved::of(&fixture.of_type(CallAuthorised::TYPE)[0].header).expect("a reserve");
        fixture.catch_up();
        let used = fixture.gate.load().budgets[0].held.as_ref().expect("it can be read").used;
        assert_eq!(used.tokens, spent.tokens(reserved).total(), "{said}");
    }
}

/// Requirement: N22, N23. A stream that says its counts twice, the second time less, is charged the larger ones.
#[test]
fn a_stream_is_charged_its_largest_counts() {
    let event = |usage: Value| {
        let chunk = json!({ "id": "c", "object": "chat.completion.chunk", "model": "model-a", "choices": [], "usage": usage });
        format!("data: {chunk}\n\n")
    };
    let stream = openai::STREAM_USAGE.replace(
        openai::DONE,
        &(event(json!({ "prompt_tokens": 30, "completion_tokens": 40 }))
            + &event(json!({ "prompt_tokens": 1, "completion_tokens": 1 }))
            + openai::DONE),
    );
    let fixture =
        with(Answer::events(stream), vec![budget("day", BudgetScope::Tenant, Window::Day, tokens(100_000))]);
    post(&fixture, PATH, &asked(&json!({ "stream": true })));
    fixture.ended(1);
    let end = &fixture.of_type(CallCompleted::TYPE)[0];
    let spent = Spent::Counted(Tokens { input: 30, output: 40, ..Tokens::default() });
    assert_eq!(Spent::of(&end.header), Some(spent), "{:?}", end.fields);
}

/// Requirement: N23, N24. The list's price is of the ordinary tier: another has none, so that money alone cannot hold it, and its money is never 0.
#[test]
fn another_tier_is_unpriced() {
    let money =
        || vec![budget("money", BudgetScope::Tenant, Window::Day, euros(1_000_000)), price("model-a")];
    for tier in [json!("priority"), json!("flex"), json!(1), json!({ "type": "priority" })] {
        let fixture = with(Script::by(|_, _| panic!("sent")), money());
        let answer = post(&fixture, PATH, &asked(&json!({ "service_tier": tier })));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "price_unknown"),
            "{tier}: {}",
            answer.text()
        );
    }
    for tier in [json!("auto"), json!("default"), Value::Null] {
        let fixture = with(Answer::json(200, openai::chat_of("Hi")), money());
        assert_eq!(post(&fixture, PATH, &asked(&json!({ "service_tier": tier }))).status, 200, "{tier}");
    }
    let both = tabellion_model::body::Caps { tokens: Some(1000), ..euros(1_000_000) };
    let fixture = with(
        Answer::json(200, openai::chat_of("Hi")),
        vec![budget("both", BudgetScope::Tenant, Window::Day, both), price("model-a")],
    );
    assert_eq!(
        post(&fixture, PATH, &asked(&json!({ "service_tier": "flex" }))).status,
        200,
        "its tokens hold it"
    );
    fixture.ended(1);
    let reserved = Reserved::of(&fixture.of_type(CallAuthorised::TYPE)[0].header).expect("a reserve");
    assert_eq!((reserved.price, reserved.output), (None, 64), "it would be rated by the wrong price");
}

/// Requirement: N23. A limit of 0 reserves what no limit would, and tools what their provider says of them.
#[test]
fn no_limit_and_tools_are_reserved() {
    let reserved = |more: Value| {
        let fixture = with(Answer::json(200, openai::chat_of("Hi")), vec![price("model-a")]);
        let body = asked(&more);
        post(&fixture, PATH, &body);
        fixture.ended(1);
        let reserved = Reserved::of(&fixture.of_type(CallAuthorised::TYPE)[0].header).expect("a reserve");
        (reserved.input - body.to_string().len() as u64, reserved.output)
    };
    assert_eq!(reserved(json!({})), (0, 64));
    assert_eq!(reserved(json!({ "max_tokens": 0 })).1, 200, "the price's limit of an answer");
    assert_eq!(
        reserved(json!({ "max_tokens": 0, "max_completion_tokens": 9 })).1,
        200,
        "a provider takes one of them"
    );
    let tool =
        json!({ "type": "function", "function": { "name": "look_up", "parameters": { "type": "object" } } });
    assert_eq!(
        reserved(json!({ "tools": [tool] })).0,
        1024,
        "what is said of tools is in no byte of the request"
    );
}
