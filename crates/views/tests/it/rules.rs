//! Rules over numbers in the views: versions and crossings as the log says them, and readings that are a function of log, window and rule.

use tabellion_ledger::{Ack, Draft};
use tabellion_model::body::{
    Body as _, CallCompleted, GuardOutcome, Outcome, RuleComparison, RuleCrossing, RuleEnded, RuleFired,
    RuleMetric, RuleResolved, RuleScope, RuleSet, RuleTest, RuleVerdict,
};
use tabellion_model::charge::Currency;
use tabellion_model::probe::{PROBE_KEY, PROBE_SYSTEM, mark};
use tabellion_model::{Micros, SystemId};
use tabellion_views::Views;
use tabellion_views::query::{Page, RuleLacking, RuleReading};

use crate::fixture::{
    Bench, START, authorised, completed, credential, denied, draft, guarded, on, priced, rates, system,
};

/// An hour, in microseconds.
const HOUR: u64 = 3_600_000_000;
/// Where windows end: behind everything that a test records.
const END: Micros = Micros(START + HOUR);

fn test(metric: RuleMetric, comparison: RuleComparison, threshold: u64) -> RuleTest {
    RuleTest {
        metric,
        scope: RuleScope::default(),
        currency: None,
        window_minutes: 24 * 60,
        comparison,
        threshold,
        at_least: 1,
    }
}

fn above(metric: RuleMetric, threshold: u64) -> RuleTest {
    test(metric, RuleComparison::Above, threshold)
}

fn of(test: RuleTest, system: SystemId) -> RuleTest {
    RuleTest { scope: RuleScope { system: Some(system), ..test.scope }, ..test }
}

fn set(threshold: u64) -> RuleSet {
    RuleSet {
        name: "denials".to_owned(),
        why: "somebody tries what is forbidden".to_owned(),
        test: of(above(RuleMetric::Denied, threshold), system(1)),
        note: "first".to_owned(),
    }
}

/// What becomes of a rule in a random history: it is set, ended, fires or resolves, whether or not it could.
pub(crate) fn rule_step(name: &str, act: u8) -> Draft {
    let name = name.to_owned();
    let (stream, state) = (format!("rule/{name}"), format!("rule/{name}/state"));
    match act {
        0 => on(draft(&RuleSet { name, ..set(100) }), stream),
        1 => on(draft(&RuleEnded { name, reason: "over".to_owned() }), stream),
        2 => on(draft(&RuleFired(RuleCrossing { name, ..crossing(1) })), state),
        _ => on(draft(&RuleResolved(RuleCrossing { name, ..crossing(1) })), state),
    }
}

fn crossing(version: u64) -> RuleCrossing {
    RuleCrossing {
        name: "denials".to_owned(),
        version,
        metric: RuleMetric::Denied,
        comparison: RuleComparison::Above,
        threshold: 2_500,
        low: 5_000,
        high: None,
        observations: 4,
        unknown: 1,
        from: Micros(START),
        to: END,
        size: 7,
    }
}

/// A call that ended in one way; the place of its end.
fn ended(bench: &Bench, of: SystemId, outcome: Outcome, guard: GuardOutcome) -> Ack {
    let call = bench.authorise(of, credential(1), "small");
    let mut draft = completed(of, credential(1), 10);
    let parent = bench.parent(call.record_id, call.index, "authorised");
    draft.parents.push(parent);
    let body = CallCompleted::read(draft.body.clone()).expect("its own body");
    let body = CallCompleted { outcome, guards: vec![guarded("house-words", guard)], ..body };
    draft.body = body.fields().expect("plain");
    bench.append(&draft)
}

/// The number of everything that is recorded.
fn read(bench: &Bench, views: &Views, test: &RuleTest) -> RuleReading {
    bench.catch_up(views);
    views.rule_reading(test, END).expect("an answer")
}

fn span(reading: &RuleReading) -> (Option<u64>, Option<u64>, u64, u64) {
    (reading.low, reading.high, reading.observations, reading.unknown)
}

/// Requirement: P32. Versions and crossings are what the log says, live and rebuilt, also after an erasure; whether a rule fired stands in the header.
#[test]
fn versions_and_crossings_are_told_as_the_log_says_and_a_rebuild_says_the_same() {
    let bench = Bench::new();
    let (stream, state) = (|| "rule/denials".to_owned(), || "rule/denials/state".to_owned());
    bench.append(&on(draft(&set(2_500)), stream()));
    let fired = bench.append(&on(draft(&RuleFired(crossing(1))), state()));
    let before = bench.ledger.reader().size();
    bench.append(&on(draft(&RuleResolved(crossing(1))), state()));
    bench.append(&on(draft(&RuleEnded { name: "denials".to_owned(), reason: "over".to_owned() }), stream()));
    let again = bench.append(&on(draft(&set(4_000)), stream()));
    // One that speaks of another rule than its stream says nothing of this one.
    let other = RuleCrossing { name: "others".to_owned(), ..crossing(3) };
    bench.append(&on(draft(&RuleFired(other)), state()));
    let views = bench.views();
    let row = views.rule("denials").expect("an answer").expect("the rule");
    assert_eq!((row.version, row.since, row.ended), (3, 2, false));
    assert_eq!(row.said.as_ref().map(|said| &said.test), Some(&set(4_000).test), "another rule is looked at");
    assert_eq!(views.rule_versions("denials", Page::default()).expect("a list").rows.len(), 3);
    let told: Vec<_> = views
        .rule_crossings("denials", 9)
        .expect("an answer")
        .iter()
        .map(|row| (row.step, row.fired, row.said.map(|said| (said.version, said.high))))
        .collect();
    assert_eq!(told, [(3, true, None), (2, false, Some((1, None))), (1, true, Some((1, None)))]);
    let past = views.past(before, 1000).expect("a past").expect("a short log");
    let then = past.views.rule("denials").expect("an answer").expect("the rule");
    assert_eq!((then.version, then.since), (1, 0), "the past knows what came later");
    assert_eq!(past.views.rule_crossings("denials", 9).expect("an answer").len(), 1);
    bench.erase_record(&again);
    bench.erase_record(&fired);
    bench.catch_up(&views);
    let row = views.rule("denials").expect("an answer").expect("the rule");
    assert_eq!((row.ended, row.said), (false, None), "an erased rule has ended");
    let oldest = views.rule_crossings("denials", 9).expect("an answer").pop().expect("the first");
    assert_eq!((oldest.fired, oldest.said), (true, None), "an erasure took an alarm back");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuild would say otherwise");
}

/// Requirement: P32. A rule of a system does not see another's calls, none sees a canary, and what was so at a log size is so whenever somebody asks.
#[test]
fn a_reading_is_of_its_scope_and_of_its_log_size() {
    let bench = Bench::new();
    ended(&bench, system(1), Outcome::Answered, GuardOutcome::Passed);
    bench.append(&denied(system(2), credential(1), "policy_denied"));
    bench.append(&denied(system(2), credential(1), "policy_denied"));
    let mut canary = authorised(PROBE_SYSTEM, PROBE_KEY, "tabellion-probe/local");
    canary.clear = mark();
    bench.append(&canary);
    let views = bench.views();
    let denials = above(RuleMetric::Denied, 2_500);
    let then = read(&bench, &views, &denials);
    assert_eq!(then.size, bench.ledger.reader().size(), "nobody could compute it again");
    assert_eq!(span(&then), (Some(6_667), Some(6_667), 3, 0), "a share is rounded towards firing");
    assert_eq!(then.verdict(&denials), RuleVerdict::Beyond);
    let own = read(&bench, &views, &of(denials.clone(), system(1)));
    assert_eq!(span(&own), (Some(0), Some(0), 1, 0), "denials of another system fire a rule");
    let calls = read(&bench, &views, &above(RuleMetric::Calls, 2));
    assert_eq!(span(&calls), (Some(3), Some(3), 3, 0), "a canary is traffic");
    ended(&bench, system(1), Outcome::Answered, GuardOutcome::Passed);
    assert_eq!(span(&read(&bench, &views, &denials)).0, Some(5_000));
    let past = views.past(then.size, 1000).expect("a past").expect("a short log");
    let of_then = past.views.rule_reading(&denials, END).expect("an answer");
    assert_eq!(of_then, then, "the same log gave another number");
    let other = tempfile::tempdir().expect("a directory");
    let anew = bench.start_in(other.path());
    bench.catch_up(&anew);
    assert_eq!(
        read(&bench, &anew, &denials),
        read(&bench, &views, &denials),
        "views made anew gave another number"
    );
}

/// Requirement: P32. Without observations, or with too few, and where only few calls were possible, nothing is said.
#[test]
fn too_little_says_nothing() {
    let bench = Bench::new();
    let denials = above(RuleMetric::Denied, 0);
    let views = bench.views();
    let nothing = read(&bench, &views, &denials);
    assert_eq!(
        (nothing.lacking, nothing.low),
        (Some(RuleLacking::TooFew), None),
        "of no call a share was made"
    );
    bench.append(&denied(system(1), credential(1), "policy_denied"));
    let two = RuleTest { at_least: 2, ..denials.clone() };
    let one = read(&bench, &views, &two);
    assert_eq!((one.lacking, one.verdict(&two)), (Some(RuleLacking::TooFew), RuleVerdict::Unknown));
    assert_eq!(read(&bench, &views, &denials).verdict(&denials), RuleVerdict::Beyond);
    let quiet = RuleTest { at_least: 0, ..test(RuleMetric::Calls, RuleComparison::Below, 5) };
    let young = read(&bench, &views, &quiet);
    assert_eq!(
        (young.lacking, young.low),
        (Some(RuleLacking::TooYoung), Some(1)),
        "a young log is a silent one"
    );
    let short = RuleTest { window_minutes: 10, ..quiet };
    let silent = read(&bench, &views, &short);
    assert_eq!((silent.lacking, silent.low, silent.high), (None, Some(0), Some(0)));
    assert_eq!(silent.verdict(&short), RuleVerdict::Beyond, "silence is not told of");
    let never = of(short.clone(), system(9));
    assert_eq!(
        read(&bench, &views, &never).lacking,
        Some(RuleLacking::TooYoung),
        "a system that never called fell silent"
    );
    let loud = RuleTest { at_least: 0, ..above(RuleMetric::Calls, 0) };
    let past = RuleTest { window_minutes: 10, ..loud };
    assert_eq!(
        read(&bench, &views, &past).verdict(&past),
        RuleVerdict::Within,
        "calls of before count for ever"
    );
}

/// Requirement: P32. How calls ended is counted over those that ended; an erased end and a call that broke off may have been either.
#[test]
fn an_erased_end_makes_a_share_a_span() {
    let bench = Bench::new();
    ended(&bench, system(1), Outcome::Failed, GuardOutcome::Passed);
    ended(&bench, system(1), Outcome::Cut, GuardOutcome::Blocked);
    ended(&bench, system(1), Outcome::Answered, GuardOutcome::Flagged);
    let gone = ended(&bench, system(1), Outcome::Answered, GuardOutcome::Passed);
    bench.authorise(system(1), credential(1), "small");
    let views = bench.views();
    let failed = above(RuleMetric::Failed, 2_500);
    assert_eq!(
        span(&read(&bench, &views, &failed)),
        (Some(2_500), Some(2_500), 4, 0),
        "a call under way has ended"
    );
    assert_eq!(span(&read(&bench, &views, &above(RuleMetric::Cut, 0))), (Some(2_500), Some(2_500), 4, 0));
    assert_eq!(read(&bench, &views, &failed).verdict(&failed), RuleVerdict::Within);
    bench.erase_record(&gone);
    let known = read(&bench, &views, &failed);
    assert_eq!(span(&known), (Some(2_500), Some(5_000), 3, 1));
    assert_eq!(known.verdict(&failed), RuleVerdict::Unknown, "an erased call is one that did not fail");
    let broken = bench.authorise(system(1), credential(1), "small");
    bench.break_off(system(1), credential(1), &broken);
    assert_eq!(read(&bench, &views, &failed).unknown, 2, "a call that nobody saw end did not fail");
    let longest = above(RuleMetric::Duration95, 120_000);
    let took = read(&bench, &views, &longest);
    assert_eq!(
        (took.low, took.high, took.observations),
        (Some(120_000), None, 1),
        "what is not known took no time"
    );
    let at_local = |name: &str, metric| {
        let scope = RuleScope { upstream: Some(name.to_owned()), ..RuleScope::default() };
        RuleTest { scope, ..above(metric, 0) }
    };
    assert_eq!(read(&bench, &views, &at_local("local", RuleMetric::Calls)).observations, 6);
    assert_eq!(span(&read(&bench, &views, &at_local("other", RuleMetric::Failed))), (None, None, 0, 0));
}

/// Requirement: P32, V19. What guards came to is counted as the page of guards does, of one guard or of all.
#[test]
fn what_guards_came_to_is_counted_over_what_they_say() {
    let bench = Bench::new();
    for outcome in [GuardOutcome::Blocked, GuardOutcome::Flagged, GuardOutcome::Errored, GuardOutcome::NotRun]
    {
        ended(&bench, system(1), Outcome::Answered, outcome);
    }
    bench.authorise(system(1), credential(1), "small");
    let views = bench.views();
    for metric in [
        RuleMetric::GuardsBlocked,
        RuleMetric::GuardsFlagged,
        RuleMetric::GuardsErrored,
        RuleMetric::GuardsNotRun,
    ] {
        let of_calls = read(&bench, &views, &above(metric, 0));
        assert_eq!(
            span(&of_calls),
            (Some(2_500), Some(2_500), 4, 0),
            "{metric:?}: a call under way is counted"
        );
        let scope = RuleScope { guard: Some("house-words".to_owned()), ..RuleScope::default() };
        let of_looks = read(&bench, &views, &RuleTest { scope, ..above(metric, 0) });
        assert_eq!(span(&of_looks), (Some(1_250), Some(1_250), 8, 0), "{metric:?}: a look at each side");
        let scope = RuleScope { guard: Some("nobody".to_owned()), ..RuleScope::default() };
        let of_nobody = read(&bench, &views, &RuleTest { scope, ..above(metric, 0) });
        assert_eq!(of_nobody.lacking, Some(RuleLacking::TooFew), "a guard that is not there passes all");
    }
}

/// Requirement: P32. Money and tokens are at least what was counted; what was only reserved may be more, and what has no price is never none.
#[test]
fn money_without_a_price_has_no_bound() {
    let bench = Bench::new();
    let price = bench.append(&priced("small", &rates(1)));
    let call = |price: Option<&Ack>| {
        let mut draft = authorised(system(1), credential(1), "small");
        let price = price.map(|ack| ack.record_id);
        draft.clear = tabellion_model::charge::Reserved { input: 1000, output: 500, price }.to_clear();
        bench.append(&draft)
    };
    let first = call(Some(&price));
    bench.complete(system(1), credential(1), &first, 100);
    let money = RuleTest { currency: Currency::parse("EUR"), ..above(RuleMetric::Cost, 600) };
    let tokens = above(RuleMetric::Tokens, 299);
    let views = bench.views();
    // 100 tokens of a prompt at 1 EUR and 200 of an answer at 3 EUR a million.
    assert_eq!(span(&read(&bench, &views, &money)), (Some(700), Some(700), 1, 0));
    assert_eq!(span(&read(&bench, &views, &tokens)), (Some(300), Some(300), 1, 0));
    call(Some(&price));
    assert_eq!(span(&read(&bench, &views, &tokens)), (Some(300), Some(1_800), 1, 1));
    assert_eq!(span(&read(&bench, &views, &money)), (Some(700), Some(3_200), 1, 1));
    call(None);
    let unpriced = read(&bench, &views, &money);
    assert_eq!(span(&unpriced), (Some(700), None, 1, 2), "what has no price cost nothing");
    assert_eq!(unpriced.verdict(&money), RuleVerdict::Beyond, "what is known is enough to fire");
    let more = RuleTest { threshold: 1_000_000, ..money };
    assert_eq!(
        read(&bench, &views, &more).verdict(&more),
        RuleVerdict::Unknown,
        "what has no price is below any threshold"
    );
    let dollars = RuleTest { currency: Currency::parse("USD"), ..more };
    assert_eq!(span(&read(&bench, &views, &dollars)), (Some(0), None, 0, 3), "euros are no dollars");
}
