//! Sums of calls are the lengths of lists, each attempt a call of its own; what was erased is no answer.

use tabellion_model::body::Outcome;
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_views::Views;
use tabellion_views::query::{CallFilter, CallGroup, CallState, Page};

use crate::fixture::{Bench, authorised, completed, denied, organisation};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const OTHER: SystemId = SystemId::from_bytes([3; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);
/// Later than any record.
const END: Micros = Micros(u64::MAX >> 12);

fn length(views: &Views, filter: &CallFilter) -> u64 {
    let page = views.calls(filter, Page { before: None, limit: 200 }).expect("a list");
    assert_eq!(page.next, None, "the list is longer than its page");
    page.rows.len() as u64
}

fn sum(groups: &[CallGroup], counts: impl Fn(&CallGroup) -> bool) -> u64 {
    groups.iter().filter(|group| counts(group)).map(|group| group.calls).sum()
}

/// An answered call, one that failed and was tried again elsewhere, one denied, one of another system.
fn made() -> Bench {
    let bench = Bench::new();
    organisation(&bench, SYSTEM, KEY, CredentialId::from_bytes([9; 16]));
    let plain = bench.authorise(SYSTEM, KEY, "small");
    bench.complete(SYSTEM, KEY, &plain, 10);
    let first = bench.authorise(SYSTEM, KEY, "small");
    let mut failed = completed(SYSTEM, KEY, 10);
    failed.body.insert("outcome".to_owned(), "failed".into());
    failed.body.insert("code".to_owned(), "upstream_unreachable".into());
    failed.parents.push(bench.parent(first.record_id, first.index, "authorised"));
    bench.append(&failed);
    let mut again = authorised(SYSTEM, KEY, "other");
    again.body.insert("upstream".to_owned(), "spare".into());
    again.parents.push(bench.parent(first.record_id, first.index, "attempt_of"));
    let second = bench.append(&again);
    let mut answered = completed(SYSTEM, KEY, 10);
    answered.parents.push(bench.parent(second.record_id, second.index, "authorised"));
    answered.parents.push(bench.parent(first.record_id, first.index, "attempt_of"));
    bench.append(&answered);
    bench.append(&denied(SYSTEM, KEY, "policy_denied"));
    bench.append(&denied(OTHER, KEY, "unknown_model"));
    bench
}

/// Requirement: N25, G04. A number that opens a list of another length would be doubted for good.
#[test]
fn every_sum_is_the_length_of_the_list_with_each_attempt_a_call() {
    let bench = made();
    let views = bench.views();
    let all = CallFilter::default();
    let groups = views.call_sums(&all, None).expect("sums");
    assert_eq!(sum(&groups, |_| true), 5, "{groups:?}");
    assert_eq!(sum(&groups, |_| true), length(&views, &all));
    assert_eq!(sum(&groups, |group| group.is_further), 1, "{groups:?}");
    let answered = CallFilter { outcome: Some(Outcome::Answered), ..all.clone() };
    assert_eq!(sum(&groups, |group| group.outcome == Some(Outcome::Answered)), length(&views, &answered));
    let failed = CallFilter {
        outcome: Some(Outcome::Failed),
        code: Some("upstream_unreachable".to_owned()),
        ..all.clone()
    };
    assert_eq!(sum(&groups, |group| group.code.as_deref() == Some("upstream_unreachable")), 1);
    assert_eq!(length(&views, &failed), 1);
    for upstream in ["local", "spare"] {
        let through = CallFilter { upstream: Some(upstream.to_owned()), ..all.clone() };
        let counted = sum(&groups, |group| group.upstream.as_deref() == Some(upstream));
        assert_eq!(counted, length(&views, &through), "{upstream}");
        let model = CallFilter { model: Some("small".to_owned()), ..through };
        let counted = sum(&groups, |group| {
            group.upstream.as_deref() == Some(upstream) && group.model.as_deref() == Some("small")
        });
        assert_eq!(
            counted,
            length(&views, &model),
            "{upstream}: a provider asked for with a model is left out"
        );
    }
    let own = CallFilter { within: Some([OTHER].into()), ..all.clone() };
    let groups = views.call_sums(&own, None).expect("sums");
    assert_eq!(sum(&groups, |group| group.state == CallState::Denied), 1, "{groups:?}");
    assert_eq!(groups.len(), 1, "calls out of reach are counted: {groups:?}");
    let nothing = CallFilter { from: Some(END), ..all };
    assert!(views.call_sums(&nothing, None).expect("sums").is_empty());
    let (calls, attempts) = (
        views.overview(Micros(0), END).expect("sums"),
        views.overview_of_attempts(Micros(0), END).expect("sums"),
    );
    assert_eq!((calls.authorised, attempts.authorised), (2, 3), "an attempt is a call in a list");
    assert_eq!((calls.denied, attempts.denied), (2, 2));
}

#[test]
fn answers_alone_have_times_and_an_erased_end_is_no_answer() {
    let bench = made();
    let views = bench.views();
    let times = views.call_times(&CallFilter::default(), None).expect("times");
    assert!(!times.partial);
    let local = times.by.get(&(Some("local".to_owned()), Some("small".to_owned()))).expect("an answer");
    assert_eq!(
        (local.calls, local.median_us, local.most_us, local.first_byte_us),
        (1, 120_000, 120_000, Some(40_000))
    );
    assert_eq!(times.by.len(), 2, "a call that failed is among the answers: {times:?}");
    let open = bench.authorise(SYSTEM, KEY, "small");
    let end = bench.complete(SYSTEM, KEY, &open, 10);
    bench.erase_record(&end);
    bench.catch_up(&views);
    let groups = views.call_sums(&CallFilter::default(), None).expect("sums");
    assert_eq!(sum(&groups, |group| group.end_erased), 1, "{groups:?}");
    let erased = CallFilter { end_erased: true, ..CallFilter::default() };
    assert_eq!(length(&views, &erased), 1);
    assert_eq!(sum(&groups, |group| group.outcome == Some(Outcome::Answered)), 2, "{groups:?}");
}
