//! Alerts of budgets in the views: as the log says them, live and rebuilt, also after an erasure.

use tabellion_model::Micros;
use tabellion_model::body::{BudgetCrossed, CapKind};
use tabellion_views::query::CrossedSaid;

use crate::fixture::{Bench, draft, on};

fn crossed(percent: u64) -> BudgetCrossed {
    BudgetCrossed {
        name: "loans".to_owned(),
        version: 1,
        cap: CapKind::Tokens,
        limit: 1000,
        percent,
        used: 900,
        window_start: Micros(86_400_000_000),
    }
}

/// Requirement: P55.
#[test]
fn alerts_are_listed_as_the_log_says_and_a_rebuild_says_the_same() {
    let bench = Bench::new();
    let stream = || "budget/loans/crossed".to_owned();
    bench.append(&on(draft(&crossed(50)), stream()));
    let gone = bench.append(&on(draft(&crossed(80)), stream()));
    // One that speaks of another budget than its stream says nothing of this one.
    bench.append(&on(draft(&BudgetCrossed { name: "others".to_owned(), ..crossed(90) }), stream()));
    let said = |limit: u64| -> Vec<Option<CrossedSaid>> {
        let alerts = bench.views().budget_alerts("loans", limit).expect("an answer");
        alerts.into_iter().map(|alert| alert.said).collect()
    };
    let of = |percent| {
        let BudgetCrossed { cap, limit, used, window_start, .. } = crossed(percent);
        Some(CrossedSaid { cap, limit, percent, used, window_start })
    };
    assert_eq!(said(9), [None, of(80), of(50)]);
    assert_eq!(said(2).len(), 2, "a list has a limit");
    bench.erase_record(&gone);
    assert_eq!(said(9), [None, None, of(50)], "an alert whose content is gone is still one");
    let views = bench.views();
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}
