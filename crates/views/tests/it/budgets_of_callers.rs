//! Budgets of persons, teams and agents: sums by the budget's own name, whole after every erasure, and nobody's name where it was erased.

use std::time::Instant;

use tabellion_ledger::Ack;
use tabellion_model::body::{BudgetEnded, BudgetScope, CallerShown, Caps, Chain, Proof, ProofKind};
use tabellion_model::charge::{Charged, Currency, Reserved, Window};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::Views;
use tabellion_views::gate::Used;
use tabellion_views::query::{BudgetVersion, Page, SpendBy, SpendFilter};

use crate::erasure::{SECRET, in_files};
use crate::fixture::{Bench, PATIENCE, authorised, budgeted, draft, on, priced, rates};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);

fn tokens(cap: u64) -> Caps {
    Caps { tokens: Some(cap), ..Caps::default() }
}

fn scopes() -> [(&'static str, BudgetScope); 3] {
    [
        ("q7", BudgetScope::Person(format!("corp|{SECRET}"))),
        ("night", BudgetScope::Team("corp|night".to_owned())),
        ("robot", BudgetScope::Agent("corp|loans".to_owned())),
    ]
}

/// A call that these versions of budgets held for; 1500 tokens are reserved.
fn call(bench: &Bench, budgets: &[(&str, u64)], price: Option<&Ack>) -> Ack {
    let price = price.map(|price| price.record_id);
    let charged: Vec<Charged> = budgets
        .iter()
        .map(|(name, version)| Charged { budget: (*name).to_owned(), version: *version })
        .collect();
    let mut draft = authorised(SYSTEM, KEY, "small");
    let caller = CallerShown {
        chain: Chain { person: Some(format!("corp|{SECRET}")), ..Chain::default() },
        proof: Proof { kind: ProofKind::Token, by: "corp".to_owned(), sha256: "ab".repeat(32) },
        input_salt: None,
        person_apart: false,
    };
    draft.body.insert("caller".to_owned(), serde_json::to_value(caller).expect("plain"));
    draft.clear = Charged::to_clear(Reserved { input: 1000, output: 500, price }, &charged);
    bench.append(&draft)
}

/// What is used of the budget `name`, as the gateway is told; none: it cannot be read.
fn used(bench: &Bench, views: &Views, name: &str) -> Option<Used> {
    bench.catch_up(views);
    let gate = views.gate_now();
    let budget = gate.budgets.iter().find(|budget| budget.name == name).expect("it holds");
    budget.held.as_ref().map(|held| held.used)
}

fn end(bench: &Bench, name: &str) -> Ack {
    let body = BudgetEnded { name: name.to_owned(), reason: "over".to_owned() };
    bench.append(&on(draft(&body), format!("budget/{name}")))
}

/// Requirement: N23. A call counts in every budget that its permission names and in no other, by what it reserved until its end says what it took.
#[test]
fn a_call_counts_in_the_budgets_that_it_names_and_in_no_other() {
    let bench = Bench::new();
    let views = bench.views();
    for (name, scope) in scopes() {
        bench.append(&budgeted(name, scope, Window::Day, tokens(9000)));
    }
    let both = call(&bench, &[("night", 1), ("q7", 1)], None);
    call(&bench, &[("night", 1)], None);
    call(&bench, &[], None);
    bench.complete(SYSTEM, KEY, &both, 10);
    let of = |tokens, calls| Some(Used { micros: 0, tokens, calls });
    assert_eq!(used(&bench, &views, "q7"), of(30, 1));
    assert_eq!(used(&bench, &views, "night"), of(1530, 2));
    assert_eq!(used(&bench, &views, "robot"), of(0, 0), "calls of nobody were charged to somebody");
    let row = views.budget("night").expect("an answer").expect("the budget");
    let said = row.said.clone().expect("it can be read");
    assert_eq!(said.scope, BudgetScope::Team("corp|night".to_owned()));
    let (start, _) = views.budget_used(&row, &said).expect("an answer");
    let reserved = views.budget_reserved(&row, &said, start).expect("an answer");
    assert_eq!((reserved.tokens, reserved.calls), (1500, 1), "what is under way is told apart");
    let sums = views.spend(&SpendFilter::default(), SpendBy::Budget).expect("an answer");
    let sums: Vec<_> =
        sums.iter().map(|sum| (sum.of.as_deref(), sum.calls, sum.input + sum.output)).collect();
    assert_eq!(sums, [(Some("night"), 2, 1530), (Some("q7"), 1, 30)]);
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a restart would count otherwise");
}

/// Requirement: N23, N24. A corrected price rates the calls of a person's budget anew, as all others.
#[test]
fn a_corrected_price_reaches_budgets_of_callers() {
    let bench = Bench::new();
    let views = bench.views();
    let caps = Caps { micros: Some(1_000_000), currency: Currency::parse("EUR"), ..Caps::default() };
    let (name, scope) = scopes()[0].clone();
    bench.append(&budgeted(name, scope, Window::Month, caps));
    let wrong = bench.append(&priced("small", &rates(500)));
    let ended = call(&bench, &[(name, 1)], Some(&wrong));
    bench.complete(SYSTEM, KEY, &ended, 10);
    call(&bench, &[(name, 1)], Some(&wrong));
    // 10 + 20 tokens counted, 1000 + 500 reserved; a token of prompt costs 500 millionths, one of answer three times that.
    let micros = |each: u64| (10 + 3 * 20 + 1000 + 3 * 500) * each;
    assert_eq!(used(&bench, &views, name).map(|used| used.micros), Some(micros(500)));
    bench.append(&priced("small", &rates(5)));
    assert_eq!(
        used(&bench, &views, name).map(|used| used.micros),
        Some(micros(5)),
        "the mistyped price would stand"
    );
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
}

/// Requirement: N23, G04, P48. Erasing who called gives nothing back; erasing whom the budget is for takes the name out of every row and file, and the gateway denies by
/// what it cannot read.
#[test]
fn an_erasure_gives_no_budget_back_and_leaves_no_name() {
    let bench = Bench::new();
    let views = bench.views();
    let (name, scope) = scopes()[0].clone();
    let set = bench.append(&budgeted(name, scope.clone(), Window::Total, tokens(9000)));
    let permitted = call(&bench, &[(name, 1)], None);
    let ended = bench.complete(SYSTEM, KEY, &permitted, 10);
    bench.catch_up(&views);
    assert!(in_files(&bench), "the test looks in the wrong place");
    let before = used(&bench, &views, name);
    assert_eq!(before.map(|used| used.tokens), Some(30));
    for ack in [&permitted, &ended] {
        bench.erase_record(ack);
    }
    bench.catch_up(&views);
    assert_eq!(used(&bench, &views, name), before, "an erasure gave budget back");
    bench.erase_record(&set);
    bench.catch_up(&views);
    assert_eq!(used(&bench, &views, name), None, "an erasure lifted the cap");
    let history = views.budget_versions(name, Page::default()).expect("a list").rows;
    assert!(history.iter().all(|version| version.said.is_none()), "{history:?}");
    let until = Instant::now() + PATIENCE;
    while in_files(&bench) {
        assert!(Instant::now() < until, "whom the budget was for can still be read from the views' files");
        std::thread::yield_now();
    }
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
    // Set again, it goes on where it was.
    bench.append(&budgeted(name, scope, Window::Total, tokens(9000)));
    bench.catch_up(&views);
    assert_eq!(used(&bench, &views, name), before, "erasing a budget and setting it again gave budget back");
}

/// Requirement: N23. A name that was ended and set for somebody else begins with nothing; what calls of before give back, and a late end of theirs, is not theirs.
#[test]
fn a_name_that_was_ended_begins_anew() {
    let bench = Bench::new();
    let views = bench.views();
    let person = |who: &str| BudgetScope::Person(format!("corp|{who}"));
    bench.append(&budgeted("q7", person("1"), Window::Total, tokens(9000)));
    let open = call(&bench, &[("q7", 1)], None);
    bench.append(&budgeted("q7", person("1"), Window::Total, tokens(8000)));
    let last = call(&bench, &[("q7", 2)], None);
    assert_eq!(
        used(&bench, &views, "q7").map(|used| used.tokens),
        Some(3000),
        "a raised budget forgot what was used"
    );
    let ended = end(&bench, "q7");
    bench.append(&budgeted("q7", person("2"), Window::Total, tokens(9000)));
    assert_eq!(
        used(&bench, &views, "q7").map(|used| used.tokens),
        Some(0),
        "somebody pays what another used"
    );
    call(&bench, &[("q7", 4)], None);
    // One that was permitted under the budget of before, and recorded now.
    call(&bench, &[("q7", 2)], None);
    bench.complete(SYSTEM, KEY, &open, 10);
    assert_eq!(
        used(&bench, &views, "q7").map(|used| used.tokens),
        Some(1500),
        "what another gave back is theirs"
    );
    let row: BudgetVersion = views.budget("q7").expect("an answer").expect("the budget");
    assert_eq!((row.version, row.since, row.since_entry), (4, 4, ended.index));
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt());
    // As of before the end it is what it was then.
    let past = views.past(last.size, 1000).expect("a past").expect("a short log");
    let then = past.views.budget("q7").expect("an answer").expect("the budget");
    let said = then.said.clone().expect("it can be read");
    assert_eq!((then.version, then.since, said.scope.clone()), (2, 1, person("1")));
    let (_, used) = past.views.budget_used(&then, &said).expect("an answer");
    assert_eq!(used.tokens, 3000, "a past shows what was used since");
}
