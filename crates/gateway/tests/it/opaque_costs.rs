//! What batches take: reserved of every budget when they are begun, and settled when it is told what they took, also after a restart; silence frees nothing.

use std::thread;

use serde_json::{Value, json};
use tabellion_gateway::{Api, GuardConfig, GuardCostConfig, GuardKind, GuardSide};
use tabellion_ledger::Draft;
use tabellion_model::body::{
    BatchSettled, BatchToldBy, Body as _, BudgetScope, CallAuthorised, GuardOutcome, RouteClass,
};
use tabellion_model::charge::{Currency, Reserved, Spent, Tokens, Window};
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::gate::Used;

use crate::budgets::{MANY, budget, euros, most, organisation, price, tokens};
use crate::client::Answer as Answered;
use crate::fixture::{Fixture, Setup, body};
use crate::opaque::{open_by_records, upload};

/// Requests of the one file, each with this limit of its answer.
const LIMIT: u64 = 50;

fn line(id: usize, model: &str) -> String {
    let body =
        json!({ "model": model, "max_tokens": LIMIT, "messages": [{ "role": "user", "content": "Hello" }] });
    json!({ "custom_id": format!("r-{id}"), "method": "POST", "url": "/v1/chat/completions", "body": body })
        .to_string()
}

/// A line of a file with answers.
fn answer(input: u64, output: u64) -> String {
    let usage =
        json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    let body = json!({ "object": "chat.completion", "usage": usage });
    json!({ "custom_id": "r", "response": { "status_code": 200, "body": body }, "error": null }).to_string()
}

/// A provider that says `batch` of every batch and has these `answers` of it.
fn script(batch: Value, answers: Vec<String>) -> Script {
    Script::by(move |request, number| match (request.method(), request.path()) {
        ("POST", "/v1/files") => Answer::json(200, r#"{"id":"file-in","object":"file"}"#),
        ("POST", "/v1/batches") => {
            Answer::json(200, json!({ "id": format!("batch_{number}"), "status": "validating" }).to_string())
        }
        ("GET", "/v1/files/file-out/content") => {
            Answer::with_body(200, "application/octet-stream", answers.join("\n").into_bytes())
        }
        (_, path) => {
            let mut said = batch.clone();
            said["id"] = path.trim_start_matches("/v1/batches/").into();
            Answer::json(200, said.to_string())
        }
    })
}

fn with(script: Script, guards: Vec<GuardConfig>, more: Vec<Draft>) -> Fixture {
    of_api(Api::OpenAi, script, guards, more)
}

/// A gateway in front of a provider with this interface, whose one system may use files and batches, and whose log goes on with `more`.
pub(crate) fn of_api(
    api: Api,
    script: impl Into<Script>,
    guards: Vec<GuardConfig>,
    more: Vec<Draft>,
) -> Fixture {
    let mut begins_with = organisation();
    for (number, class) in [RouteClass::Files, RouteClass::Batches].into_iter().enumerate() {
        begins_with.extend(open_by_records(class).into_iter().map(|mut draft| {
            // Each class has an opening of its own.
            let other = format!("{:02x}", 16 + number).repeat(16);
            draft.body.insert("opening".to_owned(), other.clone().into());
            if let Some(stream) = &mut draft.stream {
                stream.name = format!("opening/{other}");
            }
            draft
        }));
    }
    begins_with.extend(more);
    Fixture::with(script, Setup { api, begins_with: Some(begins_with), guards, ..Setup::default() })
}

fn send(fixture: &Fixture, models: &[&str]) {
    let lines: Vec<String> = models.iter().enumerate().map(|(id, model)| line(id, model)).collect();
    let sent = fixture.send_form("/v1/files", &upload("batch", &lines.join("\n")));
    assert_eq!(sent.status, 200, "{}", sent.text());
}

fn begin(fixture: &Fixture) -> Answered {
    let body = json!({ "input_file_id": "file-in", "endpoint": "/v1/chat/completions" });
    fixture.send_json("/v1/batches", &body)
}

fn begun(fixture: &Fixture) -> String {
    let answer = begin(fixture);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn get(fixture: &Fixture, path: &str) {
    let answer = fixture.call("GET", path, &[], b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
}

pub(crate) fn used(fixture: &Fixture) -> Used {
    fixture.catch_up();
    fixture.gate.load().budgets[0].held.as_ref().expect("it can be read").used
}

/// What the newest batch reserved.
pub(crate) fn reserved(fixture: &Fixture) -> u64 {
    let calls = fixture.of_type(CallAuthorised::TYPE);
    let reserves = calls.iter().filter_map(|call| Reserved::of(&call.header));
    reserves.map(|reserved| reserved.tokens().total()).max().expect("a reserve")
}

pub(crate) fn day() -> Vec<Draft> {
    vec![budget("day", BudgetScope::Tenant, Window::Day, euros(10_000)), price("model-a")]
}

pub(crate) fn settled(fixture: &Fixture) -> Vec<(BatchSettled, Spent)> {
    let seen = fixture.of_type(BatchSettled::TYPE);
    seen.iter().map(|seen| (body(seen), Spent::of(&seen.header).expect("what was spent"))).collect()
}

/// Requirement: N22, N23. A batch reserves what its requests may take, over a restart and however long nobody looks; when its answers pass, what they took is charged, once.
#[test]
fn a_batch_is_reserved_and_settled_by_its_answers() {
    let over = json!({ "status": "completed", "output_file_id": "file-out" });
    let answers = vec![answer(7, 9), answer(11, 13)];
    let mut fixture = with(script(over, answers), Vec::new(), day());
    send(&fixture, &["model-a", "model-a"]);
    assert_eq!(used(&fixture).tokens, 0, "a file asks no model");
    let batch = begun(&fixture);
    let least = 2 * LIMIT;
    let reserve = reserved(&fixture);
    assert!(reserve > least, "{reserve}: a batch reserves less than its answers may be");
    assert_eq!(used(&fixture), Used { micros: reserve, tokens: reserve, calls: 2 });
    fixture.restart();
    assert_eq!(used(&fixture).tokens, reserve, "a restart forgets what a batch may take");
    get(&fixture, &format!("/v1/batches/{batch}"));
    assert!(settled(&fixture).is_empty(), "nobody told yet what it took");
    fixture.restart();
    for _ in 0..2 {
        get(&fixture, "/v1/files/file-out/content");
    }
    let all = settled(&fixture);
    let [(record, spent)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((record.batch.as_str(), record.told_by), (batch.as_str(), BatchToldBy::Answers));
    assert_eq!((record.requests, record.uncounted), (2, 0));
    assert_eq!(*spent, Spent::Counted(Tokens { input: 18, output: 22, ..Tokens::default() }));
    assert_eq!((used(&fixture).tokens, used(&fixture).micros), (40, 40), "what was reserved stands for ever");
    fixture.restart();
    get(&fixture, "/v1/files/file-out/content");
    assert_eq!(settled(&fixture).len(), 1, "a restart settles it again");
    assert_eq!(used(&fixture).tokens, 40);
}

/// Requirement: N23. A request without an answer in the file is charged as the most that one may take, and a part of the file settles nothing.
#[test]
fn what_has_no_answer_is_charged_as_the_most() {
    let over = json!({ "status": "expired", "output_file_id": "file-out" });
    let fixture = with(script(over, vec![answer(7, 9)]), Vec::new(), day());
    send(&fixture, &["model-a", "model-a"]);
    let batch = begun(&fixture);
    let one = reserved(&fixture) / 2;
    get(&fixture, &format!("/v1/batches/{batch}"));
    get(&fixture, "/v1/files/file-out/content");
    let (record, _) = settled(&fixture).remove(0);
    assert_eq!((record.requests, record.uncounted), (2, 1));
    assert_eq!(used(&fixture).tokens, 16 + one, "what nobody counted is free");
}

/// Requirement: N23. Where its provider says what a batch took once it is over, or that nothing was done, that is charged without a look at any answer.
#[test]
fn a_provider_that_tells_settles_the_batch() {
    let usage = json!({ "input_tokens": 30, "output_tokens": 12, "total_tokens": 42 });
    for (said, took) in [
        (json!({ "status": "completed", "usage": usage }), Some(42)),
        (json!({ "status": "failed", "request_counts": { "completed": 0, "failed": 0 } }), Some(0)),
        (json!({ "status": "in_progress", "usage": usage }), None),
        (json!({ "status": "cancelled", "request_counts": { "completed": 1, "failed": 0 } }), None),
        (json!({ "status": "cancelled" }), None),
    ] {
        let fixture = with(script(said.clone(), Vec::new()), Vec::new(), day());
        send(&fixture, &["model-a"]);
        let batch = begun(&fixture);
        let reserve = reserved(&fixture);
        get(&fixture, &format!("/v1/batches/{batch}"));
        assert_eq!(used(&fixture).tokens, took.unwrap_or(reserve), "{said}");
        assert_eq!(settled(&fixture).len(), usize::from(took.is_some()), "{said}");
    }
}

/// Requirement: N23. Two hundred batches begun at once: at no size of the log is more reserved than the cap.
#[test]
fn very_many_batches_at_once_never_pass_a_cap() {
    let probe = with(script(json!({}), Vec::new()), Vec::new(), day());
    send(&probe, &["model-a", "model-a"]);
    begun(&probe);
    let each = reserved(&probe);
    let cap = 5 * each;
    let caps = vec![
        budget("all-tokens", BudgetScope::Tenant, Window::Total, tokens(cap)),
        budget("money", BudgetScope::Tenant, Window::Day, euros(cap)),
        price("model-a"),
    ];
    let fixture = with(script(json!({}), Vec::new()), Vec::new(), caps);
    send(&fixture, &["model-a", "model-a"]);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..MANY).map(|_| scope.spawn(|| begin(&fixture).status)).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let begun = statuses.iter().filter(|status| **status == 200).count();
    let denied = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(begun + denied, MANY, "{statuses:?}");
    assert!((1..=5).contains(&begun), "{begun} batches of 5");
    let (_, tokens) = most(&fixture);
    assert!(tokens <= cap, "{tokens} tokens of {cap}");
    assert!(used(&fixture).tokens <= cap);
}

/// Requirement: N23, N24. A batch without one price is stopped by a cap in money alone, and held by one in tokens.
#[test]
fn a_batch_without_one_price_is_unpriced() {
    let money = || vec![budget("day", BudgetScope::Tenant, Window::Day, euros(10_000_000))];
    for (models, prices) in
        [(&["gpt-a"][..], vec![]), (&["model-a", "gpt-a"][..], vec![price("model-a"), price("gpt-a")])]
    {
        let fixture = with(script(json!({}), Vec::new()), Vec::new(), [money(), prices].concat());
        send(&fixture, models);
        assert_eq!(begin(&fixture).code(), "price_unknown", "{models:?} would be free");
    }
    let small = vec![budget("day", BudgetScope::Tenant, Window::Day, tokens(LIMIT))];
    let fixture = with(script(json!({}), Vec::new()), Vec::new(), small);
    send(&fixture, &["gpt-a"]);
    assert_eq!(begin(&fixture).code(), "budget_exceeded", "no budget sees a batch");
}

/// Requirement: N21, N23. A guard over costs looks at each line as at a call, and at the batch as a whole.
#[test]
fn a_guard_over_costs_looks_at_batches() {
    let limits = |most| GuardCostConfig {
        max_per_call: Some(most),
        currency: Currency::parse("EUR"),
        ..GuardCostConfig::default()
    };
    let guard = |most| GuardConfig {
        on: vec![GuardSide::Prompt],
        cost: Some(limits(most)),
        ..GuardConfig::new("dear", GuardKind::Cost)
    };
    let strict = with(script(json!({}), Vec::new()), vec![guard(LIMIT)], vec![price("model-a")]);
    let refused = strict.send_form("/v1/files", &upload("batch", &line(1, "model-a")));
    assert_eq!(refused.code(), "guard_blocked", "{}", refused.text());
    assert!(refused.text().contains("line 1") && refused.text().contains("too_dear"), "{}", refused.text());
    let fixture = with(script(json!({}), Vec::new()), vec![guard(400)], vec![price("model-a")]);
    send(&fixture, &["model-a"]);
    let file = fixture.authorised().remove(0);
    let said = file.guards.iter().find(|said| said.guard == "dear").expect("what it said of the line");
    assert_eq!(said.outcome, GuardOutcome::Passed);
    assert_eq!(begin(&fixture).status, 200);
    send(&fixture, &["model-a"; 8]);
    let refused = begin(&fixture);
    assert_eq!(refused.code(), "guard_blocked", "many small requests are dear too: {}", refused.text());
}
