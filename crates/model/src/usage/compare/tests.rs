//! Comparisons of small exports with small traffic.

use proptest::prelude::*;

use super::super::{UsageAccount, UsageCell, UsageFormat, UsageSpan, read};
use super::*;

const DAY: u64 = 20_000 * DAY_US;

fn cell(day: u64, account: Option<&str>, model: &str, requests: Option<u64>, tokens: u64) -> UsageCell {
    UsageCell {
        day: Micros(DAY + day * DAY_US),
        account: account.map(str::to_owned),
        key: None,
        model: model.to_owned(),
        requests,
        input: tokens,
        output: tokens / 2,
    }
}

fn lane(day: u64, asked: &str, answered: Option<&str>, counted: Counted, requests: u64, tokens: u64) -> Lane {
    Lane {
        first_day: Micros(DAY + day * DAY_US),
        last_day: Micros(DAY + day * DAY_US),
        upstream: Some("openai".to_owned()),
        asked: Some(asked.to_owned()),
        answered: answered.map(str::to_owned),
        counted,
        amounts: Amounts { requests, input: tokens, output: tokens / 2 },
    }
}

fn whole(requests: u64, tokens: u64) -> Lane {
    lane(0, "small", Some("small-2026"), Counted::Whole, requests, tokens)
}

fn accounts(account: Option<&str>) -> Vec<UsageAccount> {
    vec![UsageAccount { upstream: "openai".to_owned(), account: account.map(str::to_owned) }]
}

fn days(count: u64) -> Vec<UsageSpan> {
    vec![UsageSpan { from: Micros(DAY), until: Micros(DAY + count * DAY_US) }]
}

fn compared(cells: &[UsageCell], lanes: &[Lane]) -> Comparison {
    let (covered, accounts) = (days(1), accounts(None));
    let wanted =
        Wanted { cells, covered: &covered, accounts: &accounts, log_from: Micros(0), tolerance_per_mille: 0 };
    compare(&wanted, lanes)
}

fn verdicts(lines: &[Compared]) -> Vec<Verdict> {
    lines.iter().map(|line| line.verdict).collect()
}

/// Requirement: B08, W27. One call past the gateway is found among thousands, and what is not certain is never called agreement.
#[test]
fn one_direct_call_is_found_and_doubt_is_no_agreement() {
    let there = |requests, tokens| [cell(0, None, "small-2026", Some(requests), tokens)];
    let agrees = compared(&there(1000, 5000), &[whole(1000, 5000)]);
    assert_eq!(verdicts(&agrees.days), [Verdict::Agrees]);
    assert!(off_gateway(&agrees).is_empty(), "agreement would open a finding");
    let planted = compared(&there(1001, 5040), &[whole(1000, 5000)]);
    assert_eq!(verdicts(&planted.days), [Verdict::MoreThere]);
    let found = off_gateway(&planted);
    assert_eq!(found[0].beyond, Amounts { requests: 1, input: 40, output: 20 }, "the planted call is lost");
    // A call that was cut may be the one that is too many: nobody can say.
    let cut = lane(0, "small", None, Counted::AtMost, 1, 100);
    let doubt = compared(&there(1001, 5040), &[whole(1000, 5000), cut.clone()]);
    assert_eq!(verdicts(&doubt.days), [Verdict::NotComparable]);
    assert_eq!(doubt.days[0].reasons, [Reason::NotCounted]);
    // Two are too many for it.
    let two = compared(&there(1002, 5040), &[whole(1000, 5000), cut.clone()]);
    assert_eq!(off_gateway(&two)[0].beyond, Amounts { requests: 1, input: 0, output: 0 });
    // A cut call that the provider did not count either changes nothing.
    assert_eq!(verdicts(&compared(&there(1000, 5000), &[whole(1000, 5000), cut]).days), [Verdict::Agrees]);
    let less = compared(&there(999, 5000), &[whole(1000, 5000)]);
    assert_eq!(verdicts(&less.days), [Verdict::MoreHere]);
}

/// Requirement: B08. What was not looked at is said to be so.
#[test]
fn days_that_either_side_does_not_cover_are_not_comparable() {
    let cells = [cell(0, None, "small-2026", Some(3), 10)];
    let half = [UsageSpan { from: Micros(DAY), until: Micros(DAY + DAY_US / 2) }];
    let compared_over = |covered: &[UsageSpan], log_from: u64, lanes: &[Lane]| {
        let accounts = accounts(None);
        let log_from = Micros(log_from);
        compare(
            &Wanted { cells: &cells, covered, accounts: &accounts, log_from, tolerance_per_mille: 0 },
            lanes,
        )
    };
    let lanes = [whole(3, 10)];
    let partly = compared_over(&half, 0, &lanes);
    assert_eq!(verdicts(&partly.days), [Verdict::NotComparable], "half a day would pass for a whole one");
    assert_eq!(partly.days[0].reasons, [Reason::PartlyCovered]);
    // More than the gateway had in the whole day is too much for half of it too.
    assert_eq!(verdicts(&compared_over(&half, 0, &[whole(2, 10)]).days), [Verdict::MoreThere]);
    // The log began in the day and before the first moment that the export speaks of: nothing is missing here but the rest of the day there.
    let first_day = [UsageSpan { from: Micros(DAY + DAY_US / 2), until: Micros(DAY + DAY_US) }];
    let began = compared_over(&first_day, DAY + DAY_US / 4, &[whole(2, 10)]);
    assert_eq!(
        verdicts(&began.days),
        [Verdict::MoreThere],
        "the log was there at every moment of the export"
    );
    assert_eq!(began.days[0].reasons, [Reason::PartlyCovered]);
    let early = compared_over(&days(1), DAY + 1, &lanes);
    assert_eq!(early.days[0].reasons, [Reason::BeforeLog]);
    let nobody = off_gateway(&compared_over(&days(1), DAY + 1, &[]));
    assert!(nobody.is_empty(), "what was before the log is nobody's finding");
    // An empty day of the export, in which calls went out.
    let silent = compared(&[], &lanes);
    let day = &silent.days[0];
    assert_eq!((day.verdict, day.reasons.as_slice()), (Verdict::MoreHere, [Reason::NotInExport].as_slice()));
}

/// Requirement: B08. A call about midnight counts in one of two days, and a shift is no finding; over both days it is exact.
#[test]
fn a_call_about_midnight_belongs_to_either_day() {
    let mut late = whole(1, 10);
    late.last_day = Micros(DAY + DAY_US);
    let covered = days(2);
    let accounts = accounts(None);
    let cells = [cell(1, None, "small-2026", Some(1), 10)];
    let wanted = Wanted {
        cells: &cells,
        covered: &covered,
        accounts: &accounts,
        log_from: Micros(0),
        tolerance_per_mille: 0,
    };
    let shifted = compare(&wanted, std::slice::from_ref(&late));
    assert_eq!(verdicts(&shifted.days), [Verdict::NotComparable]);
    assert_eq!(verdicts(&shifted.totals), [Verdict::Agrees], "over the window nothing is in doubt");
    assert!(off_gateway(&shifted).is_empty());
}

/// Requirement: W27. Calls with a key that no upstream has went past the gateway, all of them; a key that one has is compared with its calls alone.
#[test]
fn accounts_are_told_apart() {
    let cells =
        [cell(0, Some("proj_ours"), "m", Some(2), 10), cell(0, Some("proj_theirs"), "m", Some(5), 50)];
    let (covered, accounts) = (days(1), accounts(Some("proj_ours")));
    let wanted = Wanted {
        cells: &cells,
        covered: &covered,
        accounts: &accounts,
        log_from: Micros(0),
        tolerance_per_mille: 0,
    };
    let young = Wanted { log_from: Micros(DAY + DAY_US / 2), ..wanted };
    let strange =
        compare(&young, &[]).days.into_iter().find(|day| day.account.as_deref() == Some("proj_theirs"));
    assert_eq!(
        strange.map(|day| day.verdict),
        Some(Verdict::MoreThere),
        "a log of today hides a stranger's key"
    );
    let mut erased = lane(0, "m", Some("m"), Counted::Whole, 5, 50);
    (erased.upstream, erased.asked, erased.answered) = (None, None, None);
    let comparison = compare(&wanted, &[lane(0, "m", Some("m"), Counted::Whole, 2, 10), erased]);
    let found = off_gateway(&comparison);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].account.as_deref(), Some("proj_theirs"));
    assert_eq!(found[0].beyond.requests, 5, "an erased call would hide a stranger's key");
    assert!(found[0].reasons.contains(&Reason::UnknownAccount));
}

/// Requirement: W27. Tokens may differ by what was named, requests never.
#[test]
fn a_tolerance_is_for_tokens_alone() {
    let (covered, accounts) = (days(1), accounts(None));
    let verdict = |cells: &[UsageCell]| {
        let wanted = Wanted {
            cells,
            covered: &covered,
            accounts: &accounts,
            log_from: Micros(0),
            tolerance_per_mille: 10,
        };
        compare(&wanted, &[whole(1000, 1000)]).days[0].verdict
    };
    assert_eq!(verdict(&[cell(0, None, "small-2026", Some(1000), 1010)]), Verdict::Agrees);
    assert_eq!(verdict(&[cell(0, None, "small-2026", Some(1001), 1000)]), Verdict::MoreThere);
    assert_eq!(verdict(&[cell(0, None, "small-2026", None, 1012)]), Verdict::MoreThere);
    assert_eq!(verdict(&[cell(0, None, "small-2026", None, 990)]), Verdict::Agrees);
}

proptest! {
    /// Requirement: B08. Taking information away from our own records never turns another verdict into agreement, and never opens a finding.
    #[test]
    fn less_knowledge_never_looks_better(requests in 0_u64..6, tokens in 0_u64..60, ours in proptest::collection::vec((1_u64..3, 0_u64..20), 0..4), which in 0_usize..4) {
        let lanes: Vec<Lane> = ours.iter().map(|(requests, tokens)| whole(*requests, *tokens)).collect();
        let cells = [cell(0, None, "small-2026", Some(requests), tokens)];
        let before = compared(&cells, &lanes);
        let mut less = lanes.clone();
        if let Some(lane) = less.get_mut(which) {
            (lane.upstream, lane.asked, lane.answered) = (None, None, None);
        }
        let after = compared(&cells, &less);
        prop_assert!(
            after.days[0].verdict != Verdict::Agrees || before.days[0].verdict != Verdict::MoreThere,
            "forgetting a call made a finding an agreement"
        );
        prop_assert!(off_gateway(&after).is_empty() || !off_gateway(&before).is_empty(), "forgetting a call opened a finding");
    }

    /// Requirement: W27. Whatever is read, it ends in an answer.
    #[test]
    fn no_text_breaks_the_reading(text in ".{0,200}") {
        for format in [UsageFormat::OpenaiUsage, UsageFormat::AnthropicUsage, UsageFormat::Csv] {
            let _ = read(format, &text);
        }
    }
}
