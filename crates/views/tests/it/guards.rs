//! What guards came to: counted once a call by the gravest outcome, with silence, erasures and missing ends apart, live and rebuilt.

use tabellion_model::body::{CallDenied, GuardOutcome, Guarded};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::query::{GuardReport, GuardSide, GuardedCalls, OutcomeCounts, SpendFilter};

use crate::fixture::{Bench, authorised, completed, denied, guarded};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);

fn report(bench: &Bench) -> GuardReport {
    bench.views().guard_report(&SpendFilter::default()).expect("an answer")
}

/// The counts of the only system.
fn calls(bench: &Bench) -> GuardedCalls {
    report(bench).calls[&Some(SYSTEM)]
}

/// A call whose guards said `asked` of the prompt and `ended` of the answer; without `ended` it has no end.
fn call(
    bench: &Bench,
    asked: &[Guarded],
    ended: Option<&[Guarded]>,
) -> (tabellion_ledger::Ack, Option<tabellion_ledger::Ack>) {
    let mut draft = authorised(SYSTEM, KEY, "small");
    draft.body.insert("guards".to_owned(), serde_json::to_value(asked).expect("plain"));
    let first = bench.append(&draft);
    let end = ended.map(|ended| {
        let mut draft = completed(SYSTEM, KEY, 10);
        draft.body.insert("guards".to_owned(), serde_json::to_value(ended).expect("plain"));
        draft.parents.push(bench.parent(first.record_id, first.index, "authorised"));
        bench.append(&draft)
    });
    (first, end)
}

/// Requirement: V19.
#[test]
fn each_call_counts_once_by_the_gravest_outcome_and_not_run_is_no_pass() {
    let bench = Bench::new();
    let said = |outcome| vec![guarded("words", outcome)];
    call(&bench, &said(GuardOutcome::Passed), Some(&said(GuardOutcome::Passed)));
    call(&bench, &said(GuardOutcome::Flagged), Some(&said(GuardOutcome::Passed)));
    call(&bench, &said(GuardOutcome::Passed), Some(&said(GuardOutcome::Blocked)));
    call(&bench, &said(GuardOutcome::Passed), Some(&said(GuardOutcome::NotRun)));
    // Under way: nobody knows what the answer will be.
    call(&bench, &said(GuardOutcome::Passed), None);
    call(&bench, &[], Some(&[]));
    let mut stopped = denied(SYSTEM, KEY, "guard_blocked");
    stopped
        .body
        .insert("guards".to_owned(), serde_json::to_value(said(GuardOutcome::Blocked)).expect("plain"));
    assert_eq!(stopped.record_type, <CallDenied as tabellion_model::body::Body>::TYPE);
    bench.append(&stopped);
    let outcomes = OutcomeCounts { passed: 1, flagged: 1, blocked: 2, errored: 0, not_run: 2 };
    assert_eq!(calls(&bench), GuardedCalls { calls: 7, without: 1, outcomes, erased: 0 });
    let report = report(&bench);
    let looks = |side| {
        let (_, looks) = report.guards.iter().find(|(key, _)| key.side == side).expect("it looked");
        *looks
    };
    assert_eq!(
        looks(GuardSide::Prompt),
        OutcomeCounts { passed: 4, flagged: 1, blocked: 1, ..OutcomeCounts::default() }
    );
    assert_eq!(
        looks(GuardSide::Answer),
        OutcomeCounts { passed: 2, blocked: 1, not_run: 1, ..OutcomeCounts::default() }
    );
    assert_eq!(report.all(), calls(&bench), "one system is all there is");
    let views = bench.views();
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
}

/// Requirement: V19. What was erased is not passed, and what is left of a call is not taken for all of it.
#[test]
fn an_erasure_makes_no_call_one_that_passed() {
    let bench = Bench::new();
    let said = |outcome| vec![guarded("words", outcome)];
    let (_, end) = call(&bench, &said(GuardOutcome::Passed), Some(&said(GuardOutcome::Blocked)));
    let (first, _) = call(&bench, &said(GuardOutcome::Flagged), Some(&said(GuardOutcome::Passed)));
    let (asked, _) = call(&bench, &said(GuardOutcome::Passed), Some(&said(GuardOutcome::Flagged)));
    for ack in [end.as_ref().expect("an end"), &first, &asked] {
        bench.erase_record(ack);
    }
    let outcomes = OutcomeCounts { flagged: 1, ..OutcomeCounts::default() };
    assert_eq!(calls(&bench), GuardedCalls { calls: 3, without: 0, outcomes, erased: 2 });
    let views = bench.views();
    assert_eq!(
        views.digest().expect("a digest"),
        bench.rebuilt(),
        "a rebuild after an erasure would count otherwise"
    );
}
