//! What outside sources sent, and what a package says of it.

use tabellion_model::registry::{Facts, GapReason, Heartbeat, LossReason, SourceLife, SourceSpan};
use tabellion_model::{Outcome, ProducerId, Report, SourceNumber, Withheld, verify};
use tabellion_tlog::Policy;

use super::cut::Cut;
use super::fixture::Log;
use super::forging::{Lie, relisted, unpack};

/// A source in its life `epoch`.
fn life(epoch: u64) -> SourceLife {
    SourceLife { producer: ProducerId::from_bytes([0x50; 16]), epoch }
}

fn send(log: &mut Log, epoch: u64, seq: u64, withheld: Option<Withheld>) {
    let mut header = log.header("event.captured", log.own(), 1, None);
    header.clear = Some(SourceNumber { life: life(epoch), seq, withheld }.to_clear());
    log.push_record(header);
}

fn say(log: &mut Log, facts: &Facts) {
    let mut header = log.header(facts.kind().name(), log.own(), 1, None);
    header.clear = facts.to_clear();
    log.push_record(header);
}

fn span(epoch: u64, first: u64, last: u64) -> SourceSpan {
    SourceSpan { life: life(epoch), first, last }
}

fn beat(epoch: u64, (sent, lost, spooled): (u64, u64, u64), closed: bool) -> Facts {
    let last_seq = sent + lost + spooled;
    let life = life(epoch);
    Facts::SourceHeartbeat(Heartbeat {
        life,
        beat: 1,
        last_seq,
        sent,
        sampled: 0,
        lost,
        spooled,
        interval_s: 60,
        closed,
    })
}

/// A log with two lives of a source. Numbers come late, twice, sampled and declared lost; `filled`: and in the end all are accounted for.
pub(super) fn counted(filled: bool) -> Log {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    for seq in [1, 2, 4] {
        send(&mut log, 7, seq, None);
    }
    log.seal();
    say(&mut log, &Facts::GapFound(span(7, 3, 3), GapReason::Jump));
    send(&mut log, 7, 5, Some(Withheld::Sampled));
    say(&mut log, &Facts::GapDeclared(span(7, 6, 7), LossReason::SpoolFull));
    log.seal();
    if filled {
        send(&mut log, 7, 3, None);
        say(&mut log, &Facts::GapFilled(span(7, 3, 3)));
    }
    say(&mut log, &beat(7, (5, 2, 0), true));
    send(&mut log, 9, 1, Some(Withheld::Private));
    say(&mut log, &beat(9, (1, 0, 4), false));
    log.seal();
    log
}

fn report(log: &Log, cut: &Cut<'_>) -> Report {
    verify(&log.package(cut), Some(&Policy::parse(log.trust()).unwrap()))
}

fn standing(report: &Report) -> Option<(Outcome, &str)> {
    report.check("sources").map(|check| (check.outcome, check.detail.as_str()))
}

/// Requirement: B01, W07. Sampled numbers count; lost ones are counted as lost.
#[test]
fn a_package_says_that_everything_a_source_counted_is_here() {
    let report = report(&counted(true), &Cut::default());
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    let said = "epochs of sources: 2, records: 6, of those without content by sampling: 1, declared lost: 2, missing: 0; not closed, so unknown after \
                their last number: 1";
    assert_eq!(standing(&report), Some((Outcome::Holds, said)), "a reader is told other numbers");
}

/// Requirement: B01. What never came is named, and the package does not pass for complete.
#[test]
fn a_number_that_never_came_is_named_in_the_verdict() {
    let report = report(&counted(false), &Cut::default());
    let (outcome, detail) = standing(&report).expect("the range holds numbers of a source");
    assert_eq!(outcome, Outcome::Undetermined, "a hole passes for nothing: {detail}");
    assert!(detail.contains("epoch 7: 1 of its numbers are missing: 3"), "the hole is not named: {detail}");
    assert_eq!(report.exit_code(), 3, "a script would take the package for complete");
    let quiet = verify(&Log::new("notary.example", "a").package(&Cut::default()), None);
    assert_eq!(standing(&quiet), None, "a package without sources is told of a check about them");
}

#[test]
fn a_range_is_judged_by_what_it_can_show() {
    let log = counted(false);
    let last = log.seals.len() - 1;
    // The batch with 4, 5, 6 and 7 alone: what was before it is another package's.
    let middle = report(&log, &Cut { batches: (2, 2), ..Cut::default() });
    assert_eq!(standing(&middle).map(|said| said.0), Some(Outcome::Holds), "{}", middle.to_text());
    // A later life that begins in the range begins with 1.
    let mut late = counted(true);
    send(&mut late, 12, 2, None);
    late.seal();
    let cut = Cut { batches: (last, last + 1), ..Cut::default() };
    let (outcome, detail) = {
        let report = report(&late, &cut);
        let (outcome, detail) = standing(&report).unwrap();
        (outcome, detail.to_owned())
    };
    assert_eq!(
        outcome,
        Outcome::Undetermined,
        "the beginning of a life is missing and nobody is told: {detail}"
    );
    assert!(detail.contains("epoch 12: 1 of its numbers are missing: 1"), "{detail}");
}

#[test]
fn a_heartbeat_that_says_more_than_is_here_opens_a_gap() {
    let mut log = counted(true);
    say(&mut log, &beat(9, (3, 0, 2), false));
    log.seal();
    let report = report(&log, &Cut::default());
    let (outcome, detail) = standing(&report).unwrap();
    assert_eq!(outcome, Outcome::Undetermined, "acknowledged numbers are gone and nobody is told: {detail}");
    assert!(detail.contains("epoch 9: 2 of its numbers are missing: 2 to 3"), "{detail}");
}

#[test]
fn a_number_that_is_used_twice_is_named() {
    let mut log = counted(true);
    send(&mut log, 9, 1, None);
    log.seal();
    let report = report(&log, &Cut::default());
    let (outcome, detail) = standing(&report).unwrap();
    assert_eq!(outcome, Outcome::Undetermined, "one of two records could hide the other: {detail}");
    assert!(detail.contains("repeat a number"), "{detail}");
}

/// Requirement: B01. The exporter cannot count otherwise than the entries say, not even with its own key.
#[test]
fn a_manifest_that_counts_otherwise_is_broken() {
    let log = counted(false);
    let policy = Policy::parse(log.trust()).unwrap();
    let files = unpack(&log.package(&Cut::default()));
    let lies: [Lie; 4] = [
        |manifest| manifest.summary.sources[0].missing = 0,
        |manifest| manifest.summary.sources[0].gaps.clear(),
        |manifest| manifest.summary.sources[0].count += 1,
        |manifest| manifest.summary.sources.clear(),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let report = verify(&relisted(&log, &files, lie), Some(&policy));
        let totals = report.check("totals").unwrap();
        assert_eq!(totals.outcome, Outcome::Broken, "lie {number} passes: {}", report.to_text());
        assert!(totals.detail.contains("`sources`"), "{}", totals.detail);
    }
}
