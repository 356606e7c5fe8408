//! What guards said of calls that had ended, in the views: counted for their call, never a pass before it is said, found missing at a start, the same after a rebuild.

use tabellion_ledger::{Ack, Draft};
use tabellion_model::body::{AwaitedLook, CallAssessed, EnrichedSide, GuardOutcome, Guarded};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::query::{GuardReport, GuardSide, GuardedCalls, OutcomeCounts, SpendFilter};

use crate::fixture::{Bench, authorised, by, completed, draft, guarded, of_system};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);
/// An hour, in microseconds.
const HOUR_US: u64 = 3_600_000_000;

fn report(bench: &Bench) -> GuardReport {
    bench.views().guard_report(&SpendFilter::default()).expect("an answer")
}

fn calls(bench: &Bench) -> GuardedCalls {
    report(bench).calls[&Some(SYSTEM)]
}

fn awaited(side: EnrichedSide) -> AwaitedLook {
    AwaitedLook { guard: "later".to_owned(), version: "words.1-abcd".to_owned(), side }
}

/// A call that passed a guard in its path and waits for one on its answer.
fn call(bench: &Bench) -> Ack {
    let mut draft = authorised(SYSTEM, KEY, "small");
    let looks = [awaited(EnrichedSide::Answer)];
    draft.body.insert("guards_after".to_owned(), serde_json::to_value(looks).expect("plain"));
    bench.append(&draft)
}

fn end(bench: &Bench, call: &Ack) -> Ack {
    let mut draft = completed(SYSTEM, KEY, 10);
    draft.body.insert("guards".to_owned(), serde_json::json!([]));
    draft.parents.push(bench.parent(call.record_id, call.index, "authorised"));
    bench.append(&draft)
}

fn assessment(bench: &Bench, call: &Ack, answer: Vec<Guarded>) -> Draft {
    let body = CallAssessed { prompt: Vec::new(), answer, after_ms: 12 };
    let mut draft = of_system(by(draft(&body), KEY), SYSTEM);
    draft.parents.push(bench.parent(call.record_id, call.index, "authorised"));
    draft
}

/// Requirement: P13. A late verdict counts for its call; until then, and once it is erased, the call has not passed.
#[test]
fn a_late_verdict_counts_for_its_call_and_silence_is_no_pass() {
    let bench = Bench::new();
    let all: Vec<Ack> = (0..4).map(|_| call(&bench)).collect();
    for call in &all {
        end(&bench, call);
    }
    let none = OutcomeCounts { not_run: 4, ..OutcomeCounts::default() };
    assert_eq!(calls(&bench).outcomes, none, "a call passed at which nobody looked yet");
    let outcomes = [GuardOutcome::Passed, GuardOutcome::Flagged, GuardOutcome::Errored];
    let mut said: Vec<Ack> = Vec::new();
    for (call, outcome) in all.iter().zip(outcomes) {
        // What a service calls itself is nothing to count by.
        let guarded = Guarded { version: "words.1-abcd (net 7.1)".to_owned(), ..guarded("later", outcome) };
        said.push(bench.append(&assessment(&bench, call, vec![guarded])));
    }
    // A second record of one call says nothing.
    bench.append(&assessment(&bench, &all[1], vec![guarded("later", GuardOutcome::Passed)]));
    let outcomes = OutcomeCounts { passed: 1, flagged: 1, errored: 1, not_run: 1, blocked: 0 };
    assert_eq!(calls(&bench), GuardedCalls { calls: 4, without: 0, outcomes, erased: 0 });
    let report = report(&bench);
    let (key, looks) = report.guards.iter().find(|(key, _)| key.guard == "later").expect("it looked");
    assert_eq!((key.side, key.version.as_str(), *looks), (GuardSide::Answer, "words.1-abcd", outcomes));
    let views = bench.views();
    let detail = views.call(&all[1].record_id).expect("an answer").expect("the call");
    let body = detail.assessed.expect("its record").body.expect("it is there");
    assert_eq!((body.answer[0].outcome, body.after_ms), (GuardOutcome::Flagged, 12));
    assert_eq!(views.assessed(&all[3].record_id).expect("an answer"), None, "nobody said it");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
    drop(views);
    bench.erase_record(&said[0]);
    let outcomes = OutcomeCounts { passed: 0, ..outcomes };
    assert_eq!(calls(&bench), GuardedCalls { calls: 4, without: 0, outcomes, erased: 1 });
    let views = bench.views();
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
}

/// Requirement: P13. A start finds the calls of which nobody said what guards saw: open ones, and those that are over.
#[test]
fn calls_without_a_word_of_their_guards_are_found() {
    let bench = Bench::new();
    let (open, over, told, none) =
        (call(&bench), call(&bench), call(&bench), authorised(SYSTEM, KEY, "small"));
    let none = bench.append(&none);
    for call in [&over, &told, &none] {
        end(&bench, call);
    }
    bench.append(&assessment(&bench, &told, vec![guarded("later", GuardOutcome::Passed)]));
    let views = bench.views();
    let found = views.unassessed(HOUR_US).expect("an answer");
    let ids: Vec<_> = found.iter().map(|call| call.authorised.record_id).collect();
    assert_eq!(ids, [open.record_id, over.record_id], "a call is lost, or would be recorded twice");
    assert!(found.iter().all(|call| call.system == Some(SYSTEM)));
    assert_eq!(found[1].awaited, [awaited(EnrichedSide::Answer)]);
}
