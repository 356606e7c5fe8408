//! Usage, findings and unknown models in the views: as the log says them, live and rebuilt, also after erasures.

use tabellion_model::body::{FindingClosed, FindingKind, FindingOpened, UsageReconciled, UsageReported};
use tabellion_model::charge::Reserved;
use tabellion_model::usage::{Amounts, Counted, DAY_US, UsageAccount, UsageCell, UsageFormat, UsageSpan};
use tabellion_model::{CredentialId, FindingId, Micros, RecordId, SystemId};
use tabellion_views::query::Page;

use crate::fixture::{Bench, START, authorised, denied, draft, on};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);

fn reported(provider: &str) -> UsageReported {
    UsageReported {
        provider: provider.to_owned(),
        format: UsageFormat::Csv,
        from: Micros(0),
        until: Micros(DAY_US),
        covered: vec![UsageSpan { from: Micros(0), until: Micros(DAY_US) }],
        buckets: 1,
        accounts: vec![UsageAccount { upstream: "local".to_owned(), account: Some("proj".to_owned()) }],
        tolerance_per_mille: 3,
        cells: vec![UsageCell {
            day: Micros(0),
            account: None,
            key: Some("key".to_owned()),
            model: "small-1".to_owned(),
            requests: None,
            input: 5,
            output: 6,
        }],
        name: Some("march.csv".to_owned()),
        sha256: "ab".repeat(32),
        size: 12,
        supersedes: Some(RecordId::from_bytes([9; 16])),
        content: "the export".to_owned(),
    }
}

fn opened(finding: FindingId, model: &str) -> FindingOpened {
    FindingOpened {
        finding,
        kind: FindingKind::OffGateway,
        provider: Some("local".to_owned()),
        account: None,
        model: Some(model.to_owned()),
        from: Some(Micros(0)),
        until: Some(Micros(DAY_US)),
        beyond: Some(Amounts { requests: 1, input: 2, output: 3 }),
        micros: None,
        currency: None,
        cause: RecordId::from_bytes([9; 16]),
    }
}

/// Requirement: B08. Exports, comparisons and findings stand as the log says them; what was erased is there without its words; a rebuild says the same.
#[test]
fn usage_and_findings_stand_as_the_log_says_and_a_rebuild_says_the_same() {
    let bench = Bench::new();
    let views = bench.views();
    let now = || {
        bench.catch_up(&views);
        &views
    };
    let report = bench.append(&on(draft(&reported("local")), "usage/local".to_owned()));
    // One that speaks of another provider than its stream says nothing of this one.
    let foreign = bench.append(&on(draft(&reported("others")), "usage/local".to_owned()));
    let due = || now().usage_reports_due().expect("an answer");
    assert_eq!(due().iter().map(|row| row.record_id).collect::<Vec<_>>(), [report.record_id]);
    let body = UsageReconciled {
        provider: "local".to_owned(),
        size: 3,
        agrees: 1,
        more_there: 2,
        more_here: 3,
        not_comparable: 4,
        off_gateway: 5,
        open: Some(0),
    };
    let mut compared = on(draft(&body), "usage/local/reconciled".to_owned());
    compared.parents = vec![bench.parent(report.record_id, report.index, "report")];
    let compared = bench.append(&compared);
    assert!(due().is_empty(), "an export would be compared again and again");
    let (first, second) = (FindingId::from_bytes([4; 16]), FindingId::from_bytes([5; 16]));
    let found = bench.append(&on(draft(&opened(first, "m")), format!("finding/{first}")));
    bench.append(&on(draft(&opened(first, "of another")), format!("finding/{second}")));
    let closed = FindingClosed { finding: first, reason: "a test of ours".to_owned() };
    let closed = bench.append(&on(draft(&closed), format!("finding/{first}")));
    let views = now();
    let rows = views.usage_reports(Page::default()).expect("an answer").rows;
    assert_eq!(
        rows.iter().map(|row| row.record_id).collect::<Vec<_>>(),
        [foreign.record_id, report.record_id]
    );
    let said = UsageReported { content: String::new(), ..reported("local") };
    assert_eq!((rows[0].said.clone(), rows[1].said.clone()), (None, Some(said)));
    assert_eq!(views.usage_version("local").expect("an answer"), 2);
    let comparison = views.usage_comparison(&report.record_id).expect("an answer").expect("a comparison");
    assert_eq!((comparison.record_id, comparison.said), (compared.record_id, Some(body)));
    let finding = |id| now().finding(&id).expect("an answer").expect("a finding");
    assert_eq!(finding(first).said, Some(opened(first, "m")));
    assert_eq!(finding(first).closed_reason.as_deref(), Some("a test of ours"));
    assert_eq!((finding(second).said, finding(second).closed_at), (None, None));
    for record in [&report, &compared, &found, &closed] {
        bench.erase_record(record);
    }
    let after = finding(first);
    assert_eq!((after.said, after.closed_reason), (None, None), "erased words are still there");
    assert!(after.closed_at.is_some(), "an erasure opened a finding again");
    let views = now();
    assert_eq!(views.usage_report(&report.record_id).expect("an answer").expect("a row").said, None);
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}

/// Requirement: B08. What is certain, what may be, and what was erased are told apart, by headers that no erasure takes away.
#[test]
fn calls_are_counted_by_how_much_is_known_of_them() {
    let bench = Bench::new();
    let call = |bench: &Bench, model: &str| {
        let mut draft = authorised(SYSTEM, KEY, model);
        draft.clear = Reserved { input: 1000, output: 500, price: None }.to_clear();
        bench.append(&draft)
    };
    let whole = call(&bench, "small");
    let end = bench.complete(SYSTEM, KEY, &whole, 10);
    call(&bench, "small");
    let broken = call(&bench, "small");
    bench.break_off(SYSTEM, KEY, &broken);
    let day = START - START % DAY_US;
    let lanes = |bench: &Bench| {
        let views = bench.views();
        let lanes = views.usage_lanes(Micros(day), Micros(day + DAY_US), Micros(START)).expect("an answer");
        let mut lanes: Vec<_> = lanes
            .into_iter()
            .map(|lane| {
                (
                    lane.upstream,
                    lane.answered,
                    lane.counted == Counted::Whole,
                    lane.amounts.requests,
                    lane.amounts.input,
                )
            })
            .collect();
        lanes.sort();
        lanes
    };
    let local = || Some("local".to_owned());
    assert_eq!(
        lanes(&bench),
        [(local(), None, false, 2, 2000), (local(), Some("small-1".to_owned()), true, 1, 10)],
        "a call that nobody saw the end of would count as one that was counted"
    );
    bench.erase_record(&end);
    bench.erase_record(&whole);
    assert_eq!(
        lanes(&bench),
        [(None, None, true, 1, 10), (local(), None, false, 2, 2000)],
        "an erasure takes a call out of the count, and traffic through the gateway would be found outside of it"
    );
}

/// Requirement: B08. Models that were only asked for, and denied, are seen; a name that another one answers for is an alias.
#[test]
fn models_that_were_denied_are_seen_too() {
    let bench = Bench::new();
    let call = bench.authorise(SYSTEM, KEY, "small");
    bench.complete(SYSTEM, KEY, &call, 10);
    bench.append(&denied(SYSTEM, KEY, "unknown_model"));
    let (asked, more) = bench.views().models_asked().expect("an answer");
    assert!(!more);
    let small = asked.iter().find(|asked| asked.model == "small").expect("the model that was asked for");
    assert!(small.is_alias, "small-1 answered for it");
    assert_eq!((small.first.entry, small.last.entry), (call.index, call.index));
    assert!(asked.len() > 1, "what was denied is not looked at: {asked:?}");
    assert_eq!(bench.views().denied_with("no_such_code").expect("an answer"), None);
}
