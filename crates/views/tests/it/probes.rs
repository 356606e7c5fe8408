//! Probes in the views: rounds as the log says them, live and rebuilt, also after an erasure; and canaries that are no calls.

use tabellion_ledger::Draft;
use tabellion_model::body::{GuardProbed, ProbeCause, ProbeResult, ProbedPlace};
use tabellion_model::probe::{PROBE_KEY, PROBE_SYSTEM, ProbeCounts, mark};
use tabellion_views::query::{CallFilter, Page, SpendBy, SpendFilter};

use crate::fixture::{Bench, authorised, completed, draft, on};

fn place(guard: &str, result: ProbeResult) -> ProbedPlace {
    ProbedPlace {
        surface: "openai.chat_completions".to_owned(),
        upstream: "local".to_owned(),
        guard: guard.to_owned(),
        version: "words.1-abcd".to_owned(),
        side: "prompt".to_owned(),
        stream: false,
        result,
        why: None,
        calls: Vec::new(),
    }
}

fn round(places: Vec<ProbedPlace>) -> (GuardProbed, Draft) {
    let body = GuardProbed { cause: ProbeCause::Schedule, valid_s: 7200, places };
    let mut draft = on(draft(&body), "probes".to_owned());
    draft.clear = body.counts().to_clear();
    (body, draft)
}

/// Requirement: N19. That a canary got through is known from the header: erasing what the round says ends no alarm.
#[test]
fn rounds_are_told_as_the_log_says_and_a_rebuild_says_the_same() {
    let bench = Bench::new();
    assert_eq!(bench.views().newest_probe_round().expect("an answer"), None, "a round that never was");
    bench.append(&round(vec![place("house", ProbeResult::Stopped)]).1);
    let (body, draft) =
        round(vec![place("house", ProbeResult::GotThrough), place("other", ProbeResult::Untested)]);
    let gone = bench.append(&draft);
    let newest = || bench.views().newest_probe_round().expect("an answer").expect("a round");
    let counts = ProbeCounts { got_through: 1, untested: 1, ..ProbeCounts::default() };
    assert_eq!((newest().counts, newest().entry), (counts, gone.index));
    let said = newest().said.expect("it can be read");
    assert_eq!((said.cause, said.valid_s, &said.places), (body.cause, body.valid_s, &body.places));
    bench.erase_record(&gone);
    assert_eq!((newest().counts, newest().said), (counts, None), "an erasure ends an alarm");
    assert_eq!(bench.views().canaries_through().expect("an answer"), 1);
    assert_eq!(bench.views().digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}

/// Requirement: N19, B07. A canary is in no list and no sum, by its header alone; one that a process left open is found by the next.
#[test]
fn a_canary_is_no_call_and_is_not_left_open() {
    let bench = Bench::new();
    let mut canary = authorised(PROBE_SYSTEM, PROBE_KEY, "tabellion-probe/local");
    canary.clear = mark();
    let open = bench.append(&canary);
    let views = bench.views();
    let size = bench.ledger.reader().size();
    assert!(views.calls(&CallFilter::default(), Page::default()).expect("calls").rows.is_empty());
    assert!(views.open_calls(size).expect("calls").is_empty());
    assert!(
        views.spend(&SpendFilter::default(), SpendBy::System).expect("sums").is_empty(),
        "it was charged"
    );
    let left = views.open_probes(size).expect("probes");
    assert_eq!(left.len(), 1, "a canary would never have an end");
    assert_eq!((left[0].authorised.entry, left[0].key), (open.index, PROBE_KEY));
    drop(views);
    let mut end = completed(PROBE_SYSTEM, PROBE_KEY, 3);
    end.parents.push(bench.parent(open.record_id, open.index, "authorised"));
    end.clear = mark();
    bench.append(&end);
    let views = bench.views();
    assert!(views.open_probes(bench.ledger.reader().size()).expect("probes").is_empty(), "it has its end");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}
