//! Calls: from their records to rows, lists, details and sums.

use tabellion_model::Micros;
use tabellion_model::body::Outcome;
use tabellion_views::query::{CallEnd, CallFilter, CallRow, CallState, Overview, Page};

use crate::fixture::{Bench, START, credential, denied, organisation, system};

fn states(rows: &[CallRow]) -> Vec<CallState> {
    rows.iter().map(|row| row.state).collect()
}

// Requirement: G01.
#[test]
fn a_call_is_found_with_everything_that_was_recorded_of_it() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let call = bench.authorise(sys, key, "small");
    let end = bench.complete(sys, key, &call, 12);
    let refused = bench.append(&denied(sys, key, "policy_denied"));
    let views = bench.views();
    let detail = views.call(&call.record_id).expect("an answer").expect("a call is known by its id");
    let row = &detail.row;
    assert_eq!(row.state, CallState::Completed, "an ended call would look open");
    assert_eq!((row.entry, row.end_entry), (call.index, Some(end.index)), "its receipts would not be found");
    assert_eq!(row.system_name.as_deref(), Some("Loan support"), "the list would show a bare id");
    assert_eq!(row.basis, Some(3), "what the decision saw would be lost");
    let masked = row.asked.as_ref().and_then(|asked| asked.masked);
    assert_eq!(masked, Some(3), "replaced values are not counted");
    let ended = row.ended.as_ref().expect("its end is disclosed");
    assert_eq!((ended.outcome, ended.status), (Some(Outcome::Answered), Some(200)), "how it ended is lost");
    assert_eq!(ended.prompt_tokens, Some(12), "tokens are lost");
    let rules = detail.authorised.map(|body| body.rules);
    assert_eq!(rules, Some(vec!["house.rule0".to_owned()]), "why it was permitted is lost");
    let Some(CallEnd::Completed(body)) = detail.end else { panic!("its end is lost") };
    assert_eq!(body.received_bytes, 4000, "the end is another's");
    let denial = views.call(&refused.record_id).expect("an answer").expect("a denial is a call");
    let Some(CallEnd::Denied(body)) = denial.end else { panic!("why it was denied is lost") };
    assert_eq!(body.code, "policy_denied", "the denial is another's");
    assert_eq!(views.call(&end.record_id).expect("an answer"), None, "an end is no call");
}

// Requirement: R25.
#[test]
fn a_call_without_an_end_is_open_until_it_is_ended_once() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let call = bench.authorise(sys, key, "small");
    bench.complete(sys, key, &call, 12);
    bench.append(&denied(sys, key, "policy_denied"));
    let open = bench.authorise(sys, key, "small");
    let views = bench.views();
    let all = views.calls(&CallFilter::default(), Page::default()).expect("a list");
    assert_eq!(states(&all.rows), [CallState::Open, CallState::Denied, CallState::Completed], "newest first");
    assert_eq!(all.next, None, "there is no further page");
    let size = bench.ledger.reader().size();
    let found = views.open_calls(size).expect("a list");
    assert_eq!(found.len(), 1, "exactly the call without an end");
    assert_eq!(found[0].authorised.record_id, open.record_id, "another call would be closed");
    let parent = bench.parent(open.record_id, open.index, "authorised");
    assert_eq!(found[0].authorised.hash.to_hex(), parent.hash, "call.broken could not name its parent");
    assert!(views.open_calls(open.index).expect("a list").is_empty(), "a call of this start would be broken");
    bench.break_off(sys, key, &open);
    let second = bench.complete(sys, key, &open, 1);
    bench.catch_up(&views);
    assert!(views.open_calls(size).expect("a list").is_empty(), "a broken call would be broken again");
    let row = &views.call(&open.record_id).expect("an answer").expect("known").row;
    assert_eq!(row.state, CallState::Broken, "a second end replaced the first");
    let unplaced: Vec<u64> =
        views.unplaced(Page::default()).expect("a list").rows.iter().map(|row| row.entry).collect();
    assert_eq!(unplaced, [second.index], "a second end must be told, and not taken");
}

/// 25 calls, a second apart: every fifth denied, every third of the others ended.
fn two_systems(bench: &Bench) {
    let (loans, cards, key, other) = (system(1), system(9), credential(2), credential(4));
    organisation(bench, loans, key, credential(3));
    for number in 0..25u64 {
        bench.clock.set(Micros(START + number * 1_000_000));
        if number % 5 == 0 {
            let code = if number % 2 == 0 { "policy_denied" } else { "unknown_model" };
            bench.append(&denied(loans, key, code));
            continue;
        }
        let (sys, by) = if number % 2 == 0 { (loans, key) } else { (cards, other) };
        let call = bench.authorise(sys, by, if number < 10 { "small" } else { "Medium" });
        if number % 3 == 0 {
            bench.complete(sys, by, &call, number);
        }
    }
}

#[test]
fn pages_have_every_call_once() {
    let bench = Bench::new();
    two_systems(&bench);
    let views = bench.views();
    let of_both = CallFilter { within: Some([system(1), system(9)].into()), ..CallFilter::default() };
    for filter in [CallFilter::default(), of_both] {
        let mut seen = Vec::new();
        let mut page = Page { before: None, limit: 7 };
        loop {
            let rows = views.calls(&filter, page).expect("a page");
            seen.extend(rows.rows.iter().map(|row| row.entry));
            let Some(next) = rows.next else { break };
            page.before = Some(next);
        }
        assert_eq!(seen.len(), 25, "paging skips or repeats calls: {filter:?}");
        assert!(seen.is_sorted_by(|left, right| left > right), "newest first over all pages: {filter:?}");
    }
}

#[test]
fn lists_are_filtered_by_everything_at_once() {
    let bench = Bench::new();
    two_systems(&bench);
    let views = bench.views();
    let page = Page { before: None, limit: 200 };
    let count = |filter: &CallFilter| views.calls(filter, page).expect("a list").rows.len();
    let all = CallFilter::default();
    let text = |text: &str| CallFilter { text: Some(text.to_owned()), ..CallFilter::default() };
    assert_eq!(count(&all), 25, "a call is missing");
    assert_eq!(count(&CallFilter { state: Some(CallState::Denied), ..all.clone() }), 5, "by state");
    assert_eq!(count(&CallFilter { code: Some("unknown_model".to_owned()), ..all.clone() }), 2, "by code");
    assert_eq!(count(&CallFilter { key: Some(credential(4)), ..all.clone() }), 10, "by key");
    let neither = CallFilter { system: Some(system(9)), key: Some(credential(2)), ..all.clone() };
    assert_eq!(count(&neither), 0, "one system's list would show another's calls");
    let within = |systems: &[u8]| CallFilter {
        within: Some(systems.iter().copied().map(system).collect()),
        ..all.clone()
    };
    assert_eq!(count(&within(&[1, 9])), 25, "calls of several systems are one list");
    assert_eq!(count(&within(&[9, 7])), 10, "by a set of systems");
    assert_eq!(count(&within(&[])), 0, "whoever may see no system would see all calls");
    assert_eq!(
        count(&CallFilter { system: Some(system(1)), ..within(&[9]) }),
        0,
        "a system outside the set is shown"
    );
    assert_eq!(count(&CallFilter { model: Some("small".to_owned()), ..all.clone() }), 8, "by model");
    assert_eq!(count(&CallFilter { outcome: Some(Outcome::Answered), ..all.clone() }), 7, "by outcome");
    assert_eq!(count(&text("MEDIUM")), 12, "letter case is no matter");
    assert_eq!(count(&text("loan supp")), 15, "by the system's name");
    assert_eq!(count(&text("loan-supp")), 20, "by the purpose, which denials here do not know");
    assert_eq!(count(&text("100%_'\"")), 0, "no text is ever SQL");
    let (from, to) = (Some(Micros(START + 10_000_000)), Some(Micros(START + 20_000_000)));
    assert_eq!(count(&CallFilter { from, to, ..all }), 10, "a period has its begin and not its end");
}

#[test]
fn sums_are_those_of_the_period() {
    let bench = Bench::new();
    two_systems(&bench);
    let views = bench.views();
    let sums = views.overview(Micros(START), Micros(START + 3_600_000_000)).expect("sums");
    assert_eq!(
        (sums.authorised, sums.completed, sums.denied, sums.open),
        (20, 7, 5, 13),
        "calls are miscounted"
    );
    let by_code: Vec<(Option<&str>, u64)> =
        sums.denied_by_code.iter().map(|line| (line.code.as_deref(), line.calls)).collect();
    assert_eq!(by_code, [(Some("policy_denied"), 3), (Some("unknown_model"), 2)], "most first");
    let before = views.overview(Micros(0), Micros(START)).expect("sums");
    assert_eq!(before, Overview::default(), "nothing happened before");
}
