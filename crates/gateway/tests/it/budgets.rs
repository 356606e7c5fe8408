//! Budgets stop: reserved before anything is sent, on every route, whole and streamed, by very many calls at once, over a restart; and what a provider does not
//! count stays reserved.

use std::thread;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_gateway::Api;
use tabellion_ledger::{Draft, DraftStream};
use tabellion_model::body::{
    Body, BudgetScope, BudgetSet, CallAuthorised, CallCompleted, Caps, Capture, CredentialIssued,
    PersonAdded, PersonDetails, PolicyPublished, PriceSet, SystemRegistered, SystemStage, SystemStageChanged,
};
use tabellion_model::charge::{Currency, Rates, Reserved, Spent, Window};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_testkit::upstream::{Answer, Gate, Script, anthropic, openai, responses};

use crate::client::{self, Client, request};
use crate::fixture::{Fixture, KEY, SYSTEM, Setup, api_key, say};

/// Calls at the same time.
pub(crate) const MANY: usize = 200;

/// A draft of a body in a stream.
pub(crate) fn draft<B: Body>(body: &B, stream: String) -> Draft {
    let mut draft = Draft::new(B::TYPE);
    draft.body = body.fields().expect("a body is an object");
    draft.stream = Some(DraftStream { name: stream, expected: None });
    draft
}

fn of_system(mut draft: Draft) -> Draft {
    draft.system = Some(SystemId::from_bytes(SYSTEM).to_hex());
    draft
}

/// A live system with a key and a rule that permits everything.
pub(crate) fn organisation() -> Vec<Draft> {
    let (owner, system, key) =
        (CredentialId::from_bytes([1; 16]), SystemId::from_bytes(SYSTEM), CredentialId::from_bytes(KEY));
    let details = PersonDetails { name: "Olivia".to_owned(), email: String::new() };
    let details = serde_json::to_value(details).expect("plain");
    let mut person = draft(&PersonAdded { person: owner }, format!("person/{owner}"));
    for (field, value) in details.as_object().expect("an object") {
        person = person.about(&owner.to_hex(), field, value.clone());
    }
    let registered = SystemRegistered {
        name: "Loan support".to_owned(),
        owner,
        purposes: vec!["loan-support".to_owned()],
        description: String::new(),
        capture: Capture::None,
        capture_reason: None,
        cost_centre: None,
    };
    let live = SystemStageChanged { stage: SystemStage::Live, reason: "approved".to_owned() };
    let issued = CredentialIssued {
        name: "backend".to_owned(),
        secret_sha256: hex::encode(Sha256::digest(api_key())),
        purposes: vec!["loan-support".to_owned()],
        models: Vec::new(),
        expires_at: None,
        replaces: None,
    };
    let text = r#"@id("all") permit (principal, action, resource);"#;
    let policy = PolicyPublished {
        name: "base".to_owned(),
        text: text.to_owned(),
        digest: hex::encode(Sha256::digest(text)),
        note: "first".to_owned(),
        replay: None,
        confirmed: None,
    };
    vec![
        person,
        of_system(draft(&registered, format!("system/{system}"))),
        of_system(draft(&live, format!("system/{system}"))),
        of_system(draft(&issued, format!("credential/{key}"))),
        draft(&policy, "policy/base".to_owned()),
    ]
}

pub(crate) fn budget(name: &str, scope: BudgetScope, window: Window, caps: Caps) -> Draft {
    let body = BudgetSet {
        name: name.to_owned(),
        scope,
        window,
        caps,
        alert_percent: None,
        alert_at: Vec::new(),
        note: "first".to_owned(),
    };
    draft(&body, format!("budget/{name}"))
}

pub(crate) fn tokens(cap: u64) -> Caps {
    Caps { tokens: Some(cap), ..Caps::default() }
}

pub(crate) fn euros(micros: u64) -> Caps {
    Caps { micros: Some(micros), currency: Currency::parse("EUR"), ..Caps::default() }
}

/// One millionth for each token, of whatever kind.
pub(crate) fn price(model: &str) -> Draft {
    let body = PriceSet {
        name: model.to_owned(),
        upstream: "scripted".to_owned(),
        model: model.to_owned(),
        output_limit: Some(200),
        input_limit: None,
        source: "the provider's list".to_owned(),
    };
    let currency = Currency::parse("EUR").expect("a currency");
    let each = 1_000_000;
    let rates = Rates {
        currency,
        input: each,
        cached: each,
        cache_write: each,
        output: each,
        from: Micros(0),
        until: None,
    };
    let mut draft = draft(&body, format!("price/{model}"));
    draft.clear = rates.to_clear();
    draft
}

pub(crate) fn with(script: impl Into<Script>, more: Vec<Draft>) -> Fixture {
    of_api(Api::OpenAi, script, more)
}

fn of_api(api: Api, script: impl Into<Script>, more: Vec<Draft>) -> Fixture {
    let begins_with = Some([organisation(), more].concat());
    // What is kept elsewhere counts as the most that there can be; whose it is is not asked here.
    let unrecorded = ["item", "container"].map(str::to_owned).to_vec();
    Fixture::with(script, Setup { api, unrecorded, begins_with, ..Setup::default() })
}

/// The most calls and tokens that the log held at any of its sizes, each call by what it reserved until its end says otherwise.
pub(crate) fn most(fixture: &Fixture) -> (u64, u64) {
    let mut open: std::collections::BTreeMap<String, Reserved> = std::collections::BTreeMap::new();
    let (mut calls, mut sum, mut most) = (0, 0, 0);
    for seen in fixture.records() {
        match seen.header.record_type.as_str() {
            CallAuthorised::TYPE => {
                let reserved = Reserved::of(&seen.header).expect("what is sent has a reserve");
                calls += 1;
                sum += reserved.tokens().total();
                open.insert(seen.header.record_id.to_hex(), reserved);
            }
            CallCompleted::TYPE => {
                let reserved = open.remove(&seen.header.parents[0].record_id.to_hex()).expect("it was open");
                let spent = Spent::of(&seen.header).expect("an end says what was spent");
                sum = sum - reserved.tokens().total() + spent.tokens(reserved).total();
            }
            _ => {}
        }
        most = most.max(sum);
    }
    (calls, most)
}

/// A route, whole or streamed, and what its provider answers.
pub(crate) fn routes() -> Vec<(Api, &'static str, Value, Answer)> {
    let hello = json!([{ "role": "user", "content": "Hello" }]);
    let streamed = |mut body: Value| {
        body["stream"] = true.into();
        body
    };
    let chat = json!({ "model": "model-a", "max_tokens": 64, "messages": hello });
    let response = json!({ "model": "model-a", "max_output_tokens": 64, "input": "Hello" });
    let embedding = json!({ "model": "model-a", "input": "Hello" });
    let embedded = r#"{"object":"list","data":[{"index":0,"embedding":[1]}],"model":"model-a","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
    vec![
        (Api::OpenAi, "/v1/chat/completions", chat.clone(), Answer::json(200, openai::chat_of("Hi"))),
        (Api::OpenAi, "/v1/chat/completions", streamed(chat.clone()), Answer::events(openai::STREAM_USAGE)),
        (
            Api::OpenAi,
            "/v1/responses",
            response.clone(),
            Answer::json(200, responses::response_of("Hi").to_string()),
        ),
        (Api::OpenAi, "/v1/responses", streamed(response), Answer::events(responses::stream_of(&["Hi"]))),
        (Api::OpenAi, "/v1/embeddings", embedding, Answer::json(200, embedded)),
        (Api::Anthropic, "/v1/messages", chat.clone(), Answer::json(200, anthropic::message_of("Hi"))),
        (Api::Anthropic, "/v1/messages", streamed(chat), Answer::events(anthropic::stream_of(&["Hi"]))),
    ]
}

pub(crate) fn post(fixture: &Fixture, path: &str, body: &Value) -> client::Answer {
    fixture.call("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

/// Requirement: N23. Two hundred calls at once, on every route, whole and streamed: at no size of the log is more reserved and spent than any cap.
#[test]
fn very_many_calls_at_once_never_pass_a_cap() {
    for (api, path, body, answer) in routes() {
        let (key, system) = (
            BudgetScope::Key(CredentialId::from_bytes(KEY)),
            BudgetScope::System(SystemId::from_bytes(SYSTEM)),
        );
        let caps = vec![
            budget("of-the-key", key, Window::Day, Caps { calls: Some(40), ..Caps::default() }),
            budget("of-the-system", system, Window::Month, tokens(900)),
            budget("of-the-tenant", BudgetScope::Tenant, Window::Total, euros(800)),
            price("model-a"),
        ];
        let begins_with = Some([organisation(), caps].concat());
        let fixture = Fixture::with(answer, Setup { api, begins_with, ..Setup::default() });
        let statuses: Vec<u16> = thread::scope(|scope| {
            let calls: Vec<_> =
                (0..MANY).map(|_| scope.spawn(|| post(&fixture, path, &body).status)).collect();
            calls.into_iter().map(|call| call.join().expect("an answer")).collect()
        });
        let answered = statuses.iter().filter(|status| **status == 200).count();
        let denied = statuses.iter().filter(|status| **status == 429).count();
        assert_eq!(answered + denied, MANY, "{path}: {statuses:?}");
        assert!(answered > 0 && denied > 0, "{path}: {answered} were answered and {denied} denied");
        let (calls, tokens) = most(&fixture);
        assert!(calls <= 40, "{path}: {calls} calls of 40");
        assert!(tokens <= 800, "{path}: {tokens} millionths, a token each, of 800");
        assert_eq!(
            fixture.upstream.requests().len(),
            answered,
            "{path}: the provider heard of a denied call"
        );
        fixture.catch_up();
        let gate = fixture.gate.load();
        let used = gate
            .budgets
            .iter()
            .find(|budget| budget.name == "of-the-tenant")
            .and_then(|budget| budget.held.clone());
        let used = used.expect("it can be read").used;
        assert_eq!(used.micros, used.tokens, "a token is a millionth, to the last one");
        assert!(used.micros <= 800 && used.calls == calls, "{path}: {used:?}");
    }
}

/// Requirement: N20, N23. Who is denied is told by which budget, when it begins anew and what would help, in the error of their own library, which does not try again.
#[test]
fn a_stop_says_which_budget_and_what_would_help() {
    for (api, path, place) in
        [(Api::OpenAi, "/v1/chat/completions", "code"), (Api::Anthropic, "/v1/messages", "type")]
    {
        let caps = vec![budget("small-day", BudgetScope::Tenant, Window::Day, tokens(50))];
        let begins_with = Some([organisation(), caps].concat());
        let fixture =
            Fixture::with(Answer::json(200, openai::CHAT), Setup { api, begins_with, ..Setup::default() });
        let body = json!({ "model": "model-a", "max_tokens": 64, "messages": [{ "role": "user", "content": "My secret" }] });
        let answer = post(&fixture, path, &body);
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.header("tabellion-code"), Some("budget_exceeded"));
        assert_eq!(answer.header("x-should-retry"), Some("false"), "one stop would become three records");
        assert!(answer.json()["error"][place].is_string(), "{}", answer.text());
        for told in ["small-day", "50 tokens", "64 of answer", "begins anew at", "max_tokens", "raised"] {
            assert!(answer.text().contains(told), "it does not say {told}: {}", answer.text());
        }
        assert!(!answer.text().contains("secret"), "content has no place in an error");
        assert_eq!(fixture.denied()[0].code, "budget_exceeded", "the stop is on record");
        assert_eq!(fixture.upstream.connections(), 0, "nothing was sent");
    }
}

/// Requirement: N23. A provider that does not say what it used has used what was reserved; so has one that broke off in the middle of a stream, and one that a
/// client left.
#[test]
fn what_nobody_counted_stays_reserved() {
    let silent = json!({ "object": "chat.completion", "model": "model-a",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hi" }, "finish_reason": "stop" }] });
    let body =
        json!({ "model": "model-a", "max_tokens": 64, "messages": [{ "role": "user", "content": "Hello" }] });
    let mut streamed = body.clone();
    streamed["stream"] = true.into();
    for (answer, body) in [
        (Answer::json(200, silent.to_string()), body.clone()),
        (Answer::events(openai::STREAM_USAGE).cut_after(700), streamed.clone()),
        (Answer::events(openai::STREAM), streamed),
        (Answer::json(500, openai::ERROR_500), body.clone()),
    ] {
        let fixture = with(answer, vec![budget("day", BudgetScope::Tenant, Window::Day, tokens(100_000))]);
        post(&fixture, "/v1/chat/completions", &body);
        fixture.ended(1);
        let reserved = Reserved::of(&fixture.of_type(CallAuthorised::TYPE)[0].header).expect("a reserve");
        let end = &fixture.of_type(CallCompleted::TYPE)[0];
        assert_eq!(Spent::of(&end.header), Some(Spent::Reserve), "{:?}", end.fields);
        fixture.catch_up();
        let used = fixture.gate.load().budgets[0].held.as_ref().expect("it can be read").used;
        assert_eq!(used.tokens, reserved.tokens().total(), "what may have been used would be free");
    }
    let refused = with(Answer::json(400, openai::ERROR_400), vec![]);
    post(&refused, "/v1/chat/completions", &body);
    refused.ended(1);
    let end = &refused.of_type(CallCompleted::TYPE)[0];
    assert_eq!(Spent::of(&end.header), Some(Spent::Nothing), "a request that was refused is not paid");
}

/// Requirement: N23. A process that ends in the middle of a window, with a call under way, loses nothing: the next one knows what was spent and what is reserved.
#[test]
fn a_restart_in_the_middle_of_a_window_loses_nothing() {
    let gate = Gate::new();
    let held = gate.clone();
    let script = Script::by(move |_, number| {
        let answer = Answer::json(200, openai::chat_of("Hi"));
        if number == 1 { answer.held_at(&held) } else { answer }
    });
    let body =
        json!({ "model": "model-a", "max_tokens": 40, "messages": [{ "role": "user", "content": "Hello" }] });
    let bytes = body.to_string().len() as u64;
    // Room for one call that is over and two that are under way.
    let cap = 2 + 2 * (bytes + 40);
    let mut fixture = with(script, vec![budget("all", BudgetScope::Tenant, Window::Total, tokens(cap))]);
    assert_eq!(post(&fixture, "/v1/chat/completions", &body).status, 200, "the first call");
    let waiting: Client = fixture.ask(body.to_string().as_bytes());
    assert!(gate.reached(), "the second call is under way");
    fixture.restart();
    // The first took two tokens, the second's end is not known: what it reserved stands.
    assert_eq!(post(&fixture, "/v1/chat/completions", &body).status, 200, "there is room for one more");
    let mut larger = body.clone();
    larger["max_tokens"] = 41.into();
    let (calls, before) = most(&fixture);
    assert_eq!((calls, before <= cap), (3, true), "{before} of {cap}");
    let after = post(&fixture, "/v1/chat/completions", &larger);
    let used = 2 + (bytes + 40) + 2;
    assert_eq!(
        after.status == 200,
        used + bytes + 41 <= cap,
        "the new process forgot what was reserved or spent: {}",
        after.text()
    );
    gate.open();
    drop(waiting);
}

/// Requirement: N24. A model without a price is stopped by a budget in money alone, and by tokens where there is a cap on them.
#[test]
fn a_model_without_a_price_is_never_free() {
    let fixture = with(
        Answer::json(200, openai::CHAT),
        vec![budget("money", BudgetScope::Tenant, Window::Day, euros(1 << 40))],
    );
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (403, "price_unknown"), "{}", answer.text());
    let both = Caps { tokens: Some(1 << 40), ..euros(1 << 40) };
    let fixture =
        with(Answer::json(200, openai::CHAT), vec![budget("both", BudgetScope::Tenant, Window::Day, both)]);
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "tokens hold it");
    let reserved = Reserved::of(&fixture.of_type(CallAuthorised::TYPE)[0].header).expect("a reserve");
    assert_eq!(reserved.price, None, "no price is made up");
}

/// Requirement: N23. Aliases are rated as the model that the provider is given, and the record names the budgets that held.
#[test]
fn the_price_is_that_of_the_model_sent_on() {
    let caps = vec![price("gpt-real"), budget("day", BudgetScope::Tenant, Window::Day, euros(1 << 40))];
    let fixture = with(Answer::json(200, openai::CHAT), caps);
    let body = json!({ "model": "house-model", "messages": [{ "role": "user", "content": "Hello" }] });
    assert_eq!(post(&fixture, "/v1/chat/completions", &body).status, 200);
    let authorised = fixture.authorised().remove(0);
    assert_eq!(authorised.upstream_model.as_deref(), Some("gpt-real"));
    assert_eq!(authorised.budgets, ["day@1"], "nobody could tell which budgets held");
    let reserved = Reserved::of(&fixture.of_type(CallAuthorised::TYPE)[0].header).expect("a reserve");
    assert!(reserved.price.is_some(), "it would be unpriced");
    assert_eq!(reserved.output, 200, "the model's own limit is reserved where the request names none");
    fixture.ended(1);
    fixture.catch_up();
    let used = fixture.gate.load().budgets[0].held.as_ref().expect("it can be read").used;
    assert_eq!((used.micros, used.calls), (43, 1), "19 and 24 tokens, a millionth each");
}

/// Too many calls in a minute, or at once, are told when to try again.
#[test]
fn rates_and_concurrency_are_limited() {
    let rate = Caps { calls_per_minute: Some(2), ..Caps::default() };
    let fixture =
        with(Answer::json(200, openai::CHAT), vec![budget("rate", BudgetScope::Tenant, Window::Total, rate)]);
    for _ in 0..2 {
        assert_eq!(fixture.chat(&say("Hello")).status, 200, "within the rate");
    }
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"), "{}", answer.text());
    assert_eq!(answer.header("x-should-retry"), Some("true"), "it passes by itself");
    let wait: u64 = answer.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&wait), "a minute at most: {wait}");

    let gate = Gate::new();
    let at_once = Caps { calls_at_once: Some(1), ..Caps::default() };
    let fixture = with(
        Answer::json(200, openai::CHAT).held_at(&gate),
        vec![budget("one", BudgetScope::Tenant, Window::Total, at_once)],
    );
    let mut first = fixture.ask(&say("Hello"));
    assert!(gate.reached(), "the first call is under way");
    let answer = fixture.chat(&say("Hello"));
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"), "{}", answer.text());
    gate.open();
    assert_eq!(first.answer().status, 200, "the first goes on");
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "its place is free again");
}

/// What a request may take is known before anything is sent, or it is refused.
#[test]
fn a_limit_that_is_no_number_is_refused() {
    let fixture = with(Answer::json(200, openai::CHAT), vec![]);
    for wrong in ["1e9", "-1", "\"64\"", "1.5", "[9]", "{\"a\":1}"] {
        let body = format!(
            r#"{{"model":"model-a","max_tokens":{wrong},"messages":[{{"role":"user","content":"Hello"}}]}}"#
        );
        let mut client = fixture.connect();
        let bearer = format!("Bearer {}", api_key());
        client.send(&request("POST", "/v1/chat/completions", &[("Authorization", &bearer)], body.as_bytes()));
        let answer = client.answer();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "malformed_body"),
            "{wrong}: {}",
            answer.text()
        );
    }
}

/// Requirement: N23. A limit of another interface limits nothing, and what is not in the body is not counted by its bytes.
#[test]
fn what_a_provider_would_not_heed_is_not_reserved_by() {
    let scope = BudgetScope::System(SystemId::from_bytes(SYSTEM));
    let chat = |more: &Value| {
        let mut body = json!({ "model": "model-a", "messages": [{ "role": "user", "content": "x" }] });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        ("/v1/chat/completions", Api::OpenAi, body)
    };
    let asked = |content: Value| {
        chat(&json!({ "max_tokens": 1, "messages": [{ "role": "user", "content": [content] }] }))
    };
    let input = |item: Value| {
        ("/v1/responses", Api::OpenAi, json!({ "model": "model-a", "max_output_tokens": 1, "input": [item] }))
    };
    let beyond = [
        chat(&json!({ "max_output_tokens": 1 })),
        ("/v1/responses", Api::OpenAi, json!({ "model": "model-a", "max_tokens": 1, "input": "x" })),
        (
            "/v1/messages",
            Api::Anthropic,
            json!({ "model": "model-a", "max_output_tokens": 1, "messages": [] }),
        ),
        chat(&json!({ "max_tokens": 1, "web_search_options": {} })),
        chat(&json!({ "max_tokens": 1, "tools": [{ "type": "browser_search" }] })),
        asked(json!({ "type": "video_url", "video_url": { "url": "https://example.org/film" } })),
        asked(
            json!({ "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(9)) } }),
        ),
        input(json!({ "type": "item_reference", "id": "msg_1" })),
        (
            "/v1/messages",
            Api::Anthropic,
            json!({ "model": "model-a", "max_tokens": 1, "container": "c1", "messages": [] }),
        ),
    ];
    for (path, api, body) in beyond {
        let fixture = of_api(
            api,
            Script::by(|_, _| panic!("sent")),
            vec![budget("b", scope.clone(), Window::Total, tokens(100_000))],
        );
        let answer = post(&fixture, path, &body);
        assert_eq!(
            (answer.status, answer.header("tabellion-code")),
            (429, Some("budget_exceeded")),
            "{body}"
        );
    }
    let small = chat(&json!({ "max_tokens": 1 }));
    let fixture = of_api(
        Api::OpenAi,
        Answer::json(200, openai::chat_of("x")),
        vec![budget("b", scope, Window::Total, tokens(100_000))],
    );
    assert_eq!(post(&fixture, small.0, &small.2).status, 200, "a small request fits");
}
