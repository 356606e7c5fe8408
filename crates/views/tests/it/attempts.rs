//! A call that was tried more than once is one call: counted once, drawn by how it ended, charged for each attempt, and the same from a rebuild.

use tabellion_ledger::Ack;
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_views::query::{CallFilter, SpendBy, SpendFilter};

use crate::fixture::{Bench, authorised, completed, denied, organisation};

const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);
const KEY: CredentialId = CredentialId::from_bytes([2; 16]);
/// Later than any record.
const END: Micros = Micros(u64::MAX >> 12);

/// A further attempt of `call`.
fn again(bench: &Bench, call: &Ack) -> Ack {
    let mut draft = authorised(SYSTEM, KEY, "other");
    draft.parents.push(bench.parent(call.record_id, call.index, "attempt_of"));
    bench.append(&draft)
}

/// Its end.
fn ended(bench: &Bench, call: &Ack, attempt: &Ack) -> Ack {
    let mut draft = completed(SYSTEM, KEY, 10);
    draft.parents.push(bench.parent(attempt.record_id, attempt.index, "authorised"));
    draft.parents.push(bench.parent(call.record_id, call.index, "attempt_of"));
    bench.append(&draft)
}

/// Requirement: N25.
#[test]
fn attempts_are_counted_as_one_call_and_charged_each() {
    let bench = Bench::new();
    organisation(&bench, SYSTEM, KEY, CredentialId::from_bytes([9; 16]));
    let plain = bench.authorise(SYSTEM, KEY, "small");
    bench.complete(SYSTEM, KEY, &plain, 10);
    let first = bench.authorise(SYSTEM, KEY, "small");
    bench.complete(SYSTEM, KEY, &first, 10);
    let mut refused = denied(SYSTEM, KEY, "policy_denied");
    refused.parents.push(bench.parent(first.record_id, first.index, "attempt_of"));
    bench.append(&refused);
    let second = again(&bench, &first);
    ended(&bench, &first, &second);
    let views = bench.views();
    let overview = views.overview(Micros(0), END).expect("an answer");
    assert_eq!((overview.authorised, overview.completed, overview.denied), (2, 2, 0), "two calls were made");
    assert!(overview.denied_by_code.is_empty(), "no call was denied: {:?}", overview.denied_by_code);
    let drawn = views.traffic(&CallFilter::default(), None, None).expect("an answer").total();
    assert_eq!((drawn.passed, drawn.failed, drawn.denied), (2, 0, 0), "each call by how it ended");
    assert_eq!(drawn.prompt_tokens, 30, "the tokens of each attempt were spent");
    let spend = views.spend(&SpendFilter::default(), SpendBy::System).expect("an answer");
    assert_eq!(spend.iter().map(|row| row.calls).sum::<u64>(), 3, "a provider was asked three times");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
}

/// Requirement: N25. A start that finds an attempt open ends it as one of its call.
#[test]
fn an_open_attempt_names_its_call_and_stays_uncounted_when_content_is_erased() {
    let bench = Bench::new();
    organisation(&bench, SYSTEM, KEY, CredentialId::from_bytes([9; 16]));
    let first = bench.authorise(SYSTEM, KEY, "small");
    bench.complete(SYSTEM, KEY, &first, 10);
    let second = again(&bench, &first);
    let views = bench.views();
    let open = views.open_calls(u64::MAX >> 1).expect("an answer");
    let [open] = open.as_slice() else { panic!("one attempt is open: {open:?}") };
    assert_eq!(open.authorised.record_id, second.record_id);
    assert_eq!(
        open.attempt_of.map(|of| of.record_id),
        Some(first.record_id),
        "its end would count as a call's"
    );
    bench.erase_record(&second);
    bench.catch_up(&views);
    let overview = views.overview(Micros(0), END).expect("an answer");
    assert_eq!((overview.authorised, overview.open), (1, 0), "erasure made an attempt a call");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would count otherwise");
}
