//! What calls are charged: exact sums, rated anew when a price is corrected, and whole after every erasure.

use tabellion_ledger::{Ack, Draft};
use tabellion_model::body::{BatchSettled, BatchToldBy, BudgetScope, Caps};
use tabellion_model::charge::{Currency, Rates, Reserved, Spent, Tokens, Window};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::gate::Used;
use tabellion_views::query::{SpendBy, SpendFilter, SpendRow};

use crate::fixture::{Bench, authorised, budgeted, by, completed, draft, of_system, priced, rates, unpriced};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);

fn call(bench: &Bench, price: Option<&Ack>) -> Ack {
    let mut draft = authorised(SYSTEM, KEY, "small");
    let price = price.map(|price| price.record_id);
    draft.clear = Reserved { input: 1000, output: 500, price }.to_clear();
    bench.append(&draft)
}

fn spend(bench: &Bench, by: SpendBy) -> Vec<SpendRow> {
    let views = bench.views();
    views.spend(&SpendFilter::default(), by).expect("an answer")
}

fn used(bench: &Bench) -> Used {
    let views = bench.views();
    let gate = views.gate_now();
    gate.budgets[0].held.as_ref().expect("it can be read").used
}

/// Requirement: N24. A mistyped price that used a budget up is corrected by a record: the calls are rated anew, the budget has room again, and what each had
/// cost by the first price can still be seen.
#[test]
fn a_corrected_price_rates_its_calls_anew() {
    let bench = Bench::new();
    let currency = Currency::parse("EUR");
    let caps = Caps { micros: Some(1_000_000), currency, ..Caps::default() };
    bench.append(&budgeted("tenant-day", BudgetScope::Tenant, Window::Day, caps));
    let wrong = bench.append(&priced("small", &rates(500)));
    let ended = call(&bench, Some(&wrong));
    bench.complete(SYSTEM, KEY, &ended, 10);
    call(&bench, Some(&wrong));
    // 10 + 20 tokens counted, 1000 + 500 reserved; a token of prompt costs 500 millionths, one of answer three times that.
    let settled = 10 * 500 + 20 * 1500;
    let reserved = 1000 * 500 + 500 * 1500;
    assert_eq!(used(&bench), Used { micros: settled + reserved, tokens: 1530, calls: 2 });
    bench.append(&priced("small", &rates(5)));
    let anew = (10 * 5 + 20 * 15, 1000 * 5 + 500 * 15);
    assert_eq!(used(&bench).micros, anew.0 + anew.1, "the mistyped price would block callers until midnight");
    let rows = spend(&bench, SpendBy::System);
    assert_eq!(rows.len(), 1, "one system, one currency: {rows:?}");
    let row = &rows[0];
    assert_eq!((row.settled_micros, row.reserved_micros), anew, "counted and reserved stand apart");
    assert_eq!(row.first_micros, settled + reserved, "what was charged at first is still to be seen");
    assert_eq!(bench.ledger.reader().size(), bench.views().position(), "nothing was taken out of the log");
}

/// Requirement: N23, N24. A log in which a price was "corrected" into another currency gives no budget of the first its money back: what was charged stays in the
/// currency in which it was let through, and is rated by corrections in that one alone.
#[test]
fn a_price_in_other_money_rates_no_call_of_before() {
    let bench = Bench::new();
    let (euros, pounds) = (Currency::parse("EUR"), Currency::parse("GBP").expect("a currency"));
    let caps = Caps { micros: Some(1_000_000), currency: euros, ..Caps::default() };
    bench.append(&budgeted("tenant-day", BudgetScope::Tenant, Window::Day, caps));
    let first = bench.append(&priced("small", &rates(500)));
    let ended = call(&bench, Some(&first));
    bench.complete(SYSTEM, KEY, &ended, 10);
    let open = call(&bench, Some(&first));
    let before = used(&bench);
    bench.append(&priced("small", &Rates { currency: pounds, ..rates(1) }));
    assert_eq!(used(&bench), before, "a currency was changed, and the budget was empty again");
    bench.complete(SYSTEM, KEY, &open, 10);
    let settled = 2 * (10 * 500 + 20 * 1500);
    assert_eq!(used(&bench).micros, settled, "a call that ended later would cost nothing in its budget");
    bench.append(&priced("small", &rates(5)));
    assert_eq!(used(&bench).micros, settled / 100, "a correction in their own currency holds");
    let rows = spend(&bench, SpendBy::System);
    assert_eq!((rows.len(), rows[0].currency, rows[0].first_micros), (1, euros, settled), "{rows:?}");
    assert_eq!(bench.views().digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
}

/// Requirement: N24. A call without a price is unpriced, with its tokens, and never one that cost nothing.
#[test]
fn a_call_without_a_price_is_unpriced() {
    let bench = Bench::new();
    let price = bench.append(&priced("small", &rates(5)));
    let known = call(&bench, Some(&price));
    bench.complete(SYSTEM, KEY, &known, 10);
    let unknown = call(&bench, None);
    bench.complete(SYSTEM, KEY, &unknown, 7);
    bench.append(&unpriced("small"));
    let rows = spend(&bench, SpendBy::Key);
    let of = |currency: Option<&str>| {
        rows.iter()
            .find(|row| row.currency.map(|known| known.to_string()).as_deref() == currency)
            .expect("a row")
    };
    assert_eq!((of(None).calls, of(None).input + of(None).output), (1, 21), "its tokens are known");
    assert_eq!(of(None).settled_micros, 0, "no money is made up for it");
    assert_eq!(
        of(Some("EUR")).settled_micros,
        10 * 5 + 20 * 15,
        "a price that was withdrawn still rates its calls"
    );
    assert!(bench.views().gate_now().prices.is_empty(), "no further call is rated by it");
}

/// Requirement: N23, N24. Erasing what a call said, and what a price said of its model, changes no sum.
#[test]
fn no_erasure_changes_a_sum() {
    let bench = Bench::new();
    let caps = Caps { tokens: Some(5000), ..Caps::default() };
    bench.append(&budgeted("tenant", BudgetScope::Tenant, Window::Total, caps));
    let price = bench.append(&priced("small", &rates(5)));
    let ended = call(&bench, Some(&price));
    let end = bench.complete(SYSTEM, KEY, &ended, 10);
    let (before, sums) = (used(&bench), spend(&bench, SpendBy::Day));
    for ack in [&ended, &end, &price] {
        bench.erase_record(ack);
    }
    assert_eq!(used(&bench), before, "an erasure would give budget back");
    assert_eq!(spend(&bench, SpendBy::Day), sums, "an erasure would change the books");
    let views = bench.views();
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
    assert!(views.gate_now().prices.is_empty(), "nobody knows any more which model it is of");
    let models = spend(&bench, SpendBy::Model);
    assert_eq!(models[0].of, None, "the model was erased, the sum is not: {models:?}");
}

/// Requirement: N23. A budget whose content was erased is there and cannot be read, so that the gateway denies by it.
#[test]
fn an_erased_budget_is_not_forgotten() {
    let bench = Bench::new();
    let set = bench.append(&budgeted("tenant", BudgetScope::Tenant, Window::Day, Caps::default()));
    bench.erase_record(&set);
    let gate = bench.views().gate_now();
    assert_eq!((gate.budgets.len(), gate.budgets[0].held.as_ref()), (1, None), "an erasure would lift a cap");
}

/// Requirement: N23, N24. What a batch took takes the place of what was reserved when it was begun, in the window of that, once; a price that is corrected later rates it anew.
#[test]
fn a_batch_is_charged_what_it_took_and_once() {
    let bench = Bench::new();
    let caps = Caps { micros: Some(1_000_000), currency: Currency::parse("EUR"), ..Caps::default() };
    bench.append(&budgeted("tenant-day", BudgetScope::Tenant, Window::Day, caps));
    let price = bench.append(&priced("small", &rates(5)));
    let begun = call(&bench, Some(&price));
    let of_call = |mut draft: Draft| {
        draft.parents.push(bench.parent(begun.record_id, begun.index, "authorised"));
        bench.append(&draft)
    };
    let settle = |spent: Spent| {
        let body = BatchSettled {
            batch: "batch-1".to_owned(),
            provider: "local".to_owned(),
            call: begun.record_id,
            told_by: BatchToldBy::Answers,
            requests: 2,
            uncounted: 0,
        };
        let mut draft = of_system(by(draft(&body), KEY), SYSTEM);
        draft.clear = spent.to_clear();
        of_call(draft)
    };
    let counted = Spent::Counted(Tokens { input: 10, output: 20, ..Tokens::default() });
    settle(counted);
    assert_eq!(used(&bench).tokens, 1500, "a batch is settled before the call that began it ended");
    let mut ended = completed(SYSTEM, KEY, 1);
    ended.clear = Spent::Reserve.to_clear();
    of_call(ended);
    assert_eq!(used(&bench).tokens, 1500, "what a batch may take is free");
    let record = settle(counted);
    assert_eq!(used(&bench), Used { micros: 10 * 5 + 20 * 15, tokens: 30, calls: 1 });
    settle(Spent::Nothing);
    assert_eq!(used(&bench).tokens, 30, "it was settled twice");
    bench.append(&priced("small", &rates(7)));
    assert_eq!(used(&bench).micros, 10 * 7 + 20 * 21);
    bench.erase_record(&record);
    assert_eq!(used(&bench).tokens, 30, "an erasure gave something back");
    assert_eq!(bench.views().digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
}
