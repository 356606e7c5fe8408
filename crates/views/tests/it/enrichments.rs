//! What detectors said of calls in the views: found by the call, counted apart where nobody looked, the same after a rebuild and an erasure.

use tabellion_ledger::{Ack, Draft};
use tabellion_model::Micros;
use tabellion_model::body::{CallEnriched, EnrichLabel, EnrichOutcome, EnrichedSide, Enrichment};
use tabellion_views::query::{EnrichmentCounts, SpendFilter};

use crate::fixture::{Bench, START, by, credential, draft, of_system, system};

fn said(name: &str, side: EnrichedSide, result: Result<&[&str], &str>) -> Enrichment {
    let labels = result.unwrap_or_default().iter();
    Enrichment {
        enrichment: name.to_owned(),
        // What a service calls itself may be another word each time.
        version: "http.1-abcd:7 (net 7.1)".to_owned(),
        side,
        outcome: if result.is_ok() { EnrichOutcome::Ran } else { EnrichOutcome::NotRun },
        why: result.err().map(str::to_owned),
        labels: labels.map(|label| EnrichLabel { label: (*label).to_owned(), count: 2 }).collect(),
        score_per_10000: None,
    }
}

fn enriched(bench: &Bench, of: u8, call: &Ack, enrichments: Vec<Enrichment>) -> Draft {
    let mut draft = of_system(by(draft(&CallEnriched { enrichments }), credential(2)), system(of));
    draft.parents.push(bench.parent(call.record_id, call.index, "authorised"));
    draft
}

fn counts(labels: &[(&str, u64)], ran: u64, nothing: u64, not_run: &[(&str, u64)]) -> EnrichmentCounts {
    let map =
        |pairs: &[(&str, u64)]| pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
    EnrichmentCounts { ran, nothing, labels: map(labels), not_run: map(not_run) }
}

/// Requirement: P15. Each call's record is found by the call; texts that nobody looked at are counted by why, and never as texts without a finding.
#[test]
fn what_detectors_said_is_told_by_call_and_counted() {
    use EnrichedSide::{Answer, Prompt};
    let bench = Bench::new();
    let call = |of: u8| bench.authorise(system(of), credential(2), "small");
    let (first, second, third, silent) = (call(1), call(1), call(2), call(1));
    let all = vec![said("lang", Prompt, Ok(&["deu"])), said("lang", Answer, Err("too_large"))];
    bench.append(&enriched(&bench, 1, &first, all.clone()));
    let before = bench.ledger.reader().size();
    let gone = bench.append(&enriched(&bench, 1, &second, vec![said("lang", Prompt, Ok(&["deu", "fra"]))]));
    bench.append(&enriched(&bench, 2, &third, vec![said("lang", Prompt, Ok(&[]))]));
    // A second record of one call says nothing.
    bench.append(&enriched(&bench, 1, &first, vec![said("lang", Prompt, Ok(&["eng"]))]));
    let views = bench.views();
    let of = |call: &Ack| views.enriched(&call.record_id).expect("an answer");
    assert_eq!(of(&first).expect("its record").body, Some(CallEnriched { enrichments: all }));
    assert_eq!(of(&silent), None, "a call that nobody looked at seems looked at");
    let detail = views.call(&first.record_id).expect("an answer").expect("the call");
    assert_eq!(detail.enriched.map(|enriched| enriched.entry), of(&first).map(|enriched| enriched.entry));
    let report = |filter: &SpendFilter| views.enrichment_report(filter).expect("a report");
    let whole = report(&SpendFilter::default());
    assert_eq!((whole.calls, whole.erased), (3, 0));
    let by_key: Vec<_> =
        whole.enrichments.iter().map(|(key, counts)| (key.system, key.side, counts.clone())).collect();
    let wanted = [
        (Some(system(1)), Prompt, counts(&[("deu", 2), ("fra", 1)], 2, 0, &[])),
        (Some(system(1)), Answer, counts(&[], 0, 0, &[("too_large", 1)])),
        (Some(system(2)), Prompt, counts(&[], 1, 1, &[])),
    ];
    assert_eq!(by_key, wanted);
    assert!(
        whole.enrichments.keys().all(|key| key.version == "http.1-abcd:7"),
        "one detector is counted as several"
    );
    let of_two = SpendFilter { systems: Some(vec![system(2)]), ..SpendFilter::default() };
    assert_eq!(report(&of_two).calls, 1, "calls of another system were counted");
    let earlier = SpendFilter { to: Some(Micros(START - 1)), ..SpendFilter::default() };
    assert_eq!(report(&earlier).calls, 0, "calls of another time were counted");
    let past = views.past(before, 1000).expect("a past").expect("a short log");
    assert_eq!(
        past.views.enriched(&second.record_id).expect("an answer"),
        None,
        "it was known before it was said"
    );
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
    bench.erase_record(&gone);
    bench.catch_up(&views);
    assert_eq!(of(&second).expect("the row stays").body, None, "an erasure leaves what was said");
    let after = report(&SpendFilter::default());
    assert_eq!(
        (after.calls, after.erased),
        (3, 1),
        "what was erased is counted as said, or as never having been"
    );
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}
