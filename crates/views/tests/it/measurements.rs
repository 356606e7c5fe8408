//! Measurements of guards in the views: as the log says them, live and rebuilt, also after an erasure.

use tabellion_ledger::Draft;
use tabellion_model::body::{GuardMeasured, MeasuredGuard, ProbeCause};
use tabellion_model::measure::MeasureCounts;

use crate::fixture::{Bench, draft, on};

fn measured(stopped: u64) -> (GuardMeasured, Draft) {
    let counts = MeasureCounts {
        tried: stopped + 3,
        stopped,
        got_through: 3,
        benign_tried: 20,
        benign_hit: 1,
        ..MeasureCounts::default()
    };
    let guard = MeasuredGuard {
        guard: "house".to_owned(),
        version: "words.1-abcd".to_owned(),
        surface: "openai.chat_completions".to_owned(),
        upstream: "local".to_owned(),
        counts,
        missed: vec!["words-04".to_owned()],
        ..MeasuredGuard::default()
    };
    let body = GuardMeasured {
        cause: ProbeCause::Schedule,
        corpus: "corpus".to_owned(),
        valid_s: 691_200,
        guards: vec![guard],
    };
    let mut draft = on(draft(&body), "probes".to_owned());
    draft.clear = body.counts().to_clear();
    (body, draft)
}

/// Requirement: B07. The newest counts; its sums are known from the header when what it says was erased; a rebuild says the same.
#[test]
fn measurements_are_told_as_the_log_says_and_a_rebuild_says_the_same() {
    let bench = Bench::new();
    assert_eq!(bench.views().newest_measurement().expect("an answer"), None, "one that never was");
    bench.append(&measured(20).1);
    let (body, draft) = measured(12);
    let gone = bench.append(&draft);
    let newest = || bench.views().newest_measurement().expect("an answer").expect("a measurement");
    assert_eq!((newest().counts, newest().entry), (body.counts(), gone.index));
    let said = newest().said.expect("it can be read");
    assert_eq!((said.cause, said.valid_s, &said.corpus), (body.cause, body.valid_s, &body.corpus));
    assert_eq!(said.guards, body.guards);
    assert_eq!(bench.views().digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
    bench.erase_record(&gone);
    assert_eq!((newest().counts, newest().said), (body.counts(), None), "an erasure leaves what was said");
    assert_eq!(bench.views().digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}
