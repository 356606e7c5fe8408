//! What batches of messages take: reserved of every budget when they are begun, and settled when their results pass whole; what cannot be known stays reserved.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use tabellion_gateway::Api;
use tabellion_ledger::Draft;
use tabellion_model::body::{BatchToldBy, BudgetScope};
use tabellion_model::charge::{Spent, Tokens, Window};
use tabellion_testkit::upstream::{Answer, Script};
use tabellion_views::gate::Used;

use crate::budgets::{MANY, budget, euros, most, price, tokens};
use crate::client::{Answer as Answered, request};
use crate::fixture::{Fixture, api_key};
use crate::message_batches::{BATCHES, one, said};
use crate::opaque_costs::{day, of_api, reserved, settled, used};

/// The limit of the answer to each request.
const LIMIT: u64 = 50;

/// The result of a request that was answered.
fn answered(input: u64, output: u64) -> String {
    let usage = json!({ "input_tokens": input, "output_tokens": output, "service_tier": "batch" });
    let message =
        json!({ "id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage });
    json!({ "custom_id": "r", "result": { "type": "succeeded", "message": message } }).to_string()
}

/// The result of one that was not.
fn not_answered(how: &str) -> String {
    json!({ "custom_id": "r", "result": { "type": how } }).to_string()
}

/// A provider that says `batch` of every batch and has these `results` of it.
fn script(batch: Value, results: Vec<String>) -> Script {
    Script::by(move |request, number| match (request.method(), request.path()) {
        ("POST", BATCHES) => {
            Answer::json(200, said(&format!("msgbatch_{number}"), "in_progress", None).to_string())
        }
        (_, path) if path.ends_with("/results") => {
            Answer::with_body(200, "application/x-jsonl", results.join("\n").into_bytes())
        }
        (_, path) => {
            let mut said = batch.clone();
            said["id"] = path.trim_start_matches("/v1/messages/batches/").into();
            Answer::json(200, said.to_string())
        }
    })
}

/// What the provider says of a batch that is over.
fn ended([processing, succeeded, errored, canceled, expired]: [u64; 5]) -> Value {
    let mut over = said("", "ended", Some("https://api.anthropic.com/v1/messages/batches/b/results"));
    over["request_counts"] = json!({ "processing": processing, "succeeded": succeeded,
        "errored": errored, "canceled": canceled, "expired": expired });
    over
}

fn with(script: Script, more: Vec<Draft>) -> Fixture {
    of_api(Api::Anthropic, script, Vec::new(), more)
}

/// A batch with a request for each of these models.
fn of_models(models: &[&str]) -> Value {
    let requests = models.iter().enumerate().map(|(id, model)| {
        let mut one = one(&format!("r-{id}"), "Hello");
        one["params"]["model"] = (*model).into();
        one["params"]["max_tokens"] = LIMIT.into();
        one
    });
    json!({ "requests": requests.collect::<Vec<_>>() })
}

fn begin(fixture: &Fixture, models: &[&str]) -> Answered {
    fixture.as_anthropic("POST", BATCHES, Some(&of_models(models)))
}

fn begun(fixture: &Fixture, models: &[&str]) -> String {
    let answer = begin(fixture, models);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn get(fixture: &Fixture, path: &str) {
    let answer = fixture.as_anthropic("GET", path, None);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
}

/// Requirement: N22, N23. A batch of messages reserves what its requests may take, over a restart and however long nobody looks; when its results pass, what they took is charged, once.
#[test]
fn a_batch_of_messages_is_reserved_and_settled_by_its_results() {
    let over = ended([0, 2, 1, 0, 0]);
    let results = vec![answered(7, 9), not_answered("errored"), answered(11, 13)];
    let mut fixture = with(script(over, results), day());
    let batch = begun(&fixture, &["model-a", "model-a", "model-a"]);
    let reserve = reserved(&fixture);
    assert!(reserve > 3 * LIMIT, "{reserve}: a batch reserves less than its answers may be");
    assert_eq!(used(&fixture), Used { micros: reserve, tokens: reserve, calls: 1 });
    fixture.restart();
    assert_eq!(used(&fixture).tokens, reserve, "a restart forgets what a batch may take");
    get(&fixture, &format!("{BATCHES}/{batch}"));
    assert!(settled(&fixture).is_empty(), "nobody told yet what it took");
    fixture.restart();
    for _ in 0..2 {
        get(&fixture, &format!("{BATCHES}/{batch}/results"));
    }
    let all = settled(&fixture);
    let [(record, spent)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((record.batch.as_str(), record.told_by), (batch.as_str(), BatchToldBy::Answers));
    assert_eq!((record.requests, record.uncounted), (3, 0), "what its provider takes nothing for is charged");
    assert_eq!(*spent, Spent::Counted(Tokens { input: 18, output: 22, ..Tokens::default() }));
    assert_eq!((used(&fixture).tokens, used(&fixture).micros), (40, 40), "what was reserved stands for ever");
    fixture.restart();
    get(&fixture, &format!("{BATCHES}/{batch}/results"));
    assert_eq!(settled(&fixture).len(), 1, "a restart settles it again");
}

/// Requirement: N23. A request without a result, or whose result says nothing, is charged as the most that one may take.
#[test]
fn what_has_no_result_is_charged_as_the_most() {
    let silent = json!({ "custom_id": "r", "result": { "type": "succeeded", "message": { "usage": null } } });
    let results = vec![answered(7, 9), silent.to_string(), not_answered("canceled"), "{}".to_owned()];
    let fixture = with(script(ended([0, 2, 0, 1, 1]), results), day());
    let batch = begun(&fixture, &["model-a"; 4]);
    let one = reserved(&fixture) / 4;
    get(&fixture, &format!("{BATCHES}/{batch}/results"));
    let (record, _) = settled(&fixture).remove(0);
    assert_eq!((record.requests, record.uncounted), (4, 2));
    assert_eq!(used(&fixture).tokens, 16 + 2 * one, "what nobody counted is free");
}

/// Requirement: N23. Results that break off on their way settle nothing, however much of them was read; fetched again, they do.
#[test]
fn results_that_break_off_settle_nothing() {
    let results = [answered(7, 9), answered(11, 13), answered(1, 1)].join("\n");
    let (cut, fetched) = (results.len() - 30, AtomicUsize::new(0));
    let whole = Answer::with_body(200, "application/x-jsonl", results.into_bytes());
    let script = Script::by(move |request, _| match (request.method(), request.path()) {
        ("GET", path) if path.ends_with("/results") && fetched.fetch_add(1, Ordering::SeqCst) == 0 => {
            whole.clone().cut_after(cut)
        }
        ("GET", path) if path.ends_with("/results") => whole.clone(),
        _ => Answer::json(200, said("msgbatch_1", "in_progress", None).to_string()),
    });
    let fixture = with(script, day());
    let batch = begun(&fixture, &["model-a"; 3]);
    let reserve = reserved(&fixture);
    let path = format!("{BATCHES}/{batch}/results");
    let bearer = format!("Bearer {}", api_key());
    let mut client = fixture.connect();
    client.send(&request("GET", &path, &[("Authorization", &bearer)], b""));
    while !client.is_over() {}
    assert_eq!(fixture.ended(2).len(), 2);
    assert_eq!((settled(&fixture).len(), used(&fixture).tokens), (0, reserve), "a part is taken for all");
    get(&fixture, &path);
    assert_eq!(used(&fixture).tokens, 42);
}

/// Requirement: N23. Where its provider says that a batch is over and nothing in it was answered, nothing is charged; where its words leave a doubt, what was reserved stands.
#[test]
fn a_batch_in_which_nothing_was_answered_costs_nothing() {
    let mut going = ended([0, 0, 1, 1, 0]);
    going["processing_status"] = "canceling".into();
    for (said, is_free) in [
        (ended([0, 0, 1, 1, 0]), true),
        (ended([0, 0, 0, 0, 2]), true),
        (ended([0, 1, 1, 0, 0]), false),
        (ended([0, 0, 1, 0, 0]), false),
        (ended([0, 0, 3, 0, 0]), false),
        (ended([1, 0, 1, 1, 0]), false),
        (going, false),
        (said("", "ended", None), false),
    ] {
        let fixture = with(script(said.clone(), Vec::new()), day());
        let batch = begun(&fixture, &["model-a", "model-a"]);
        let reserve = reserved(&fixture);
        get(&fixture, &format!("{BATCHES}/{batch}"));
        let due = if is_free { 0 } else { reserve };
        assert_eq!((used(&fixture).tokens, settled(&fixture).len()), (due, usize::from(is_free)), "{said}");
    }
}

/// Requirement: N23. A batch that is deleted before anybody fetched its results stays charged with what it reserved.
#[test]
fn a_batch_that_is_deleted_unread_stays_reserved() {
    let fixture = with(script(ended([0, 1, 0, 0, 0]), vec![answered(1, 1)]), day());
    let batch = begun(&fixture, &["model-a"]);
    let reserve = reserved(&fixture);
    let deleted = fixture.as_anthropic("DELETE", &format!("{BATCHES}/{batch}"), None);
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert_eq!((used(&fixture).tokens, settled(&fixture).len()), (reserve, 0), "a way around every budget");
}

/// Requirement: N23. Two hundred batches begun at once: at no size of the log is more reserved than the cap, and what has no room is not sent.
#[test]
fn very_many_batches_of_messages_at_once_never_pass_a_cap() {
    let probe = with(script(json!({}), Vec::new()), day());
    begun(&probe, &["model-a", "model-a"]);
    let each = reserved(&probe);
    let cap = 5 * each;
    let caps = vec![
        budget("all-tokens", BudgetScope::Tenant, Window::Total, tokens(cap)),
        budget("money", BudgetScope::Tenant, Window::Day, euros(cap)),
        price("model-a"),
    ];
    let fixture = with(script(json!({}), Vec::new()), caps);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> =
            (0..MANY).map(|_| scope.spawn(|| begin(&fixture, &["model-a", "model-a"]).status)).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let begun = statuses.iter().filter(|status| **status == 200).count();
    let denied = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(begun + denied, MANY, "{statuses:?}");
    assert!((1..=5).contains(&begun), "{begun} batches of 5");
    assert_eq!(fixture.upstream.requests().len(), begun, "what no budget has room for was sent");
    let (_, tokens) = most(&fixture);
    assert!(tokens <= cap && used(&fixture).tokens <= cap, "{tokens} tokens of {cap}");
}

/// Requirement: N23, N24. A batch of several prices, or at another tier, is unpriced; a text that merely speaks of tiers is not.
#[test]
fn a_batch_of_messages_without_one_price_is_unpriced() {
    let money = || vec![budget("day", BudgetScope::Tenant, Window::Day, euros(10_000_000))];
    for (models, prices) in
        [(&["gpt-a"][..], vec![]), (&["model-a", "gpt-a"][..], vec![price("model-a"), price("gpt-a")])]
    {
        let fixture = with(script(json!({}), Vec::new()), [money(), prices].concat());
        let answer = begin(&fixture, models);
        assert_eq!(answer.header("tabellion-code"), Some("price_unknown"), "{models:?} would be free");
    }
    let fixture = with(script(json!({}), Vec::new()), [money(), vec![price("model-a")]].concat());
    let send = |tier: &str, text: &str| {
        let mut one = one("r-1", text);
        one["params"]["service_tier"] = tier.into();
        fixture.as_anthropic("POST", BATCHES, Some(&json!({ "requests": [one] })))
    };
    assert_eq!(send("standard_only", "What is a service_tier?").status, 200);
    assert_eq!(send("priority", "Hello").header("tabellion-code"), Some("price_unknown"));
}
