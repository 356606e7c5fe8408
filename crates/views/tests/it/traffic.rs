//! Calls over time: one scale, nothing counted twice, and what is left out is said.

use tabellion_model::Micros;
use tabellion_model::body::Outcome;
use tabellion_views::query::{CallFilter, CallState, Traffic};

use crate::fixture::{Bench, START, completed, credential, denied, organisation, system};

const MINUTE: u64 = 60_000_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn counts(traffic: &Traffic) -> (u64, u64, u64) {
    let total = traffic.total();
    (total.passed, total.failed, total.denied)
}

#[test]
fn calls_lie_where_they_were_decided_and_are_told_apart_by_how_they_ended() {
    let bench = Bench::new();
    let (sys, other, key) = (system(1), system(5), credential(2));
    organisation(&bench, sys, key, credential(3));
    let answered = bench.authorise(sys, key, "small");
    bench.complete(sys, key, &answered, 12);
    bench.clock.set(Micros(START + 10 * MINUTE));
    let failed = bench.authorise(sys, key, "small");
    let mut end = completed(sys, key, 0);
    end.body.insert("outcome".to_owned(), serde_json::to_value(Outcome::Failed).expect("a word"));
    end.parents.push(bench.parent(failed.record_id, failed.index, "authorised"));
    bench.append(&end);
    bench.append(&denied(sys, key, "policy_denied"));
    let size = bench.ledger.reader().size();
    bench.clock.set(Micros(START + 20 * MINUTE));
    bench.authorise(other, key, "small");
    let views = bench.views();
    let all = views.traffic(&CallFilter::default(), None, None).expect("an answer");
    assert_eq!(counts(&all), (2, 1, 1), "a call is counted twice, or not, or as something else: {all:?}");
    assert_eq!(all.total().prompt_tokens, 12, "tokens are lost: {all:?}");
    assert!(all.ends_known && !all.partial);
    assert_eq!(all.stretches.len(), 3, "what happened at three times is drawn as {all:?}");
    for (at, _) in &all.stretches {
        assert!(
            at.0.is_multiple_of(all.step_us) && all.from <= *at && *at < all.to,
            "{at:?} lies outside: {all:?}"
        );
    }
    let span = (all.to.0 - all.from.0) / all.step_us;
    assert!((2..=60).contains(&span), "{span} bars cannot be read");
    let of_one = CallFilter { system: Some(other), ..CallFilter::default() };
    assert_eq!(
        counts(&views.traffic(&of_one, None, None).expect("an answer")),
        (1, 0, 0),
        "another's calls are counted"
    );
    let nobody = CallFilter { within: Some([].into()), ..CallFilter::default() };
    assert_eq!(
        counts(&views.traffic(&nobody, None, None).expect("an answer")),
        (0, 0, 0),
        "somebody who may see no system sees their traffic"
    );
    let within = CallFilter { within: Some([sys].into()), ..CallFilter::default() };
    assert_eq!(counts(&views.traffic(&within, None, None).expect("an answer")), (1, 1, 1));
    let denied = CallFilter { state: Some(CallState::Denied), ..CallFilter::default() };
    assert_eq!(counts(&views.traffic(&denied, None, None).expect("an answer")), (0, 0, 1));
    let text = CallFilter { text: Some("no such model".to_owned()), ..CallFilter::default() };
    assert_eq!(counts(&views.traffic(&text, None, None).expect("an answer")), (0, 0, 0));
    let then = views.traffic(&CallFilter::default(), Some(size), None).expect("an answer");
    assert_eq!(counts(&then), (1, 1, 1), "a call that came later is drawn in the past");
    let before_end = views.traffic(&CallFilter::default(), Some(failed.index + 1), None).expect("an answer");
    assert_eq!(counts(&before_end), (2, 0, 0), "an end that came later is known before it");
}

#[test]
fn a_window_is_as_long_as_asked_unless_all_would_be_one_bar() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    let begin = Micros(START);
    bench.clock.set(Micros(START + 60 * MINUTE));
    bench.authorise(sys, key, "small");
    bench.clock.set(Micros(START + 60 * MINUTE + 2_000_000));
    bench.authorise(sys, key, "small");
    let until = Micros(START + DAY);
    let views = bench.views();
    let filter = CallFilter { from: Some(begin), ..CallFilter::default() };
    let close = views.traffic(&filter, None, Some(until)).expect("an answer");
    assert_eq!(close.stretches.len(), 2, "two calls would be one bar of a day: {close:?}");
    assert!(
        close.to.0 - close.from.0 < MINUTE,
        "the window is not the one in which something happened: {close:?}"
    );
    bench.clock.set(Micros(START + 600 * MINUTE));
    bench.authorise(sys, key, "small");
    bench.catch_up(&views);
    let wide = views.traffic(&filter, None, Some(until)).expect("an answer");
    assert!(wide.from <= begin && wide.to >= until, "what was asked for is not what is drawn: {wide:?}");
    assert_eq!(counts(&wide), (3, 0, 0));
    let part = CallFilter { to: Some(Micros(START + 2 * 60 * MINUTE)), ..filter };
    assert_eq!(
        counts(&views.traffic(&part, None, Some(until)).expect("an answer")),
        (2, 0, 0),
        "a call outside is counted"
    );
}
