//! What outside sources sent, and what a package says of it.

use tabellion_model::registry::{
    Facts, GapReason, Heartbeat, HeartbeatSignature, LossReason, SourceKeySet, SourceLife, SourceSpan,
};
use tabellion_model::{
    AspectStanding, KeyInfo, Micros, Outcome, ProducerId, Report, SourceNumber, Withheld, verify,
};
use tabellion_tlog::{Policy, SigningKey};

use super::cut::Cut;
use super::fixture::{Log, START, key};
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

fn say(log: &mut Log, facts: &Facts) -> u64 {
    let mut header = log.header(facts.kind().name(), log.own(), 1, None);
    header.clear = facts.to_clear();
    log.push_record(header)
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
        signed: None,
    })
}

/// Heartbeat `number` of epoch 7, under a signature of `with` that names the key of `named`.
fn signed(number: u64, named: &SigningKey, with: &SigningKey) -> Facts {
    let (at, key) = (Micros(START + number), KeyInfo::of(named.public()));
    let Facts::SourceHeartbeat(mut beat) = beat(7, (0, 0, number), false) else { unreachable!() };
    beat.beat = number;
    let signature = with.sign(&beat.message(at, &key).unwrap());
    beat.signed = Some(Box::new(HeartbeatSignature { at, key, signature }));
    Facts::SourceHeartbeat(beat)
}

/// Heartbeat `number` of epoch 7 with these counts, signed by the source.
fn counting(number: u64, counts: (u64, u64, u64), closed: bool) -> Facts {
    let own = key("source");
    let (at, key) = (Micros(START + number), KeyInfo::of(own.public()));
    let Facts::SourceHeartbeat(mut beat) = beat(7, counts, closed) else { unreachable!() };
    beat.beat = number;
    let signature = own.sign(&beat.message(at, &key).unwrap());
    beat.signed = Some(Box::new(HeartbeatSignature { at, key, signature }));
    Facts::SourceHeartbeat(beat)
}

fn key_set(new: &SigningKey, old: Option<&SigningKey>) -> Facts {
    let old = old.map(|old| KeyInfo::of(old.public()).key_id);
    let key = KeyInfo::of(new.public());
    Facts::SourceKeySet(Box::new(SourceKeySet { producer: life(7).producer, key, old }))
}

/// A log of these records; gives the index of each.
fn told(said: &[Facts]) -> (Log, Vec<u64>) {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    let places = said.iter().map(|facts| say(&mut log, facts)).collect();
    log.seal();
    (log, places)
}

/// A source's heartbeats: before it had a key, under its key, and under the one that a person put in its place.
pub(super) fn signing() -> (Log, Vec<u64>) {
    let (old, new) = (key("source"), key("source second"));
    let without = beat(7, (0, 0, 1), false);
    told(&[without, signed(2, &old, &old), key_set(&new, Some(&old)), signed(3, &new, &new)])
}

/// The same with a signature by another key than the one that the heartbeat names.
pub(super) fn forging() -> (Log, Vec<u64>) {
    let (own, other) = (key("source"), key("other"));
    told(&[signed(1, &own, &own), signed(2, &own, &other)])
}

/// The same with another key that nobody put in the place of the first.
pub(super) fn taking_over() -> (Log, Vec<u64>) {
    let (own, other) = (key("source"), key("other"));
    told(&[signed(1, &own, &own), signed(2, &other, &other)])
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

/// Requirement: W07, B01. Whoever has the API key can declare losses, and they do not overrule what the source signed.
#[test]
fn losses_beyond_what_a_source_signed_are_named() {
    let with = |beats: &[Facts]| {
        let mut log = Log::new("notary.example", "a");
        log.open_epoch(1);
        send(&mut log, 7, 1, None);
        say(&mut log, &Facts::GapDeclared(span(7, 2, 9), LossReason::Other));
        send(&mut log, 7, 3, None);
        for beat in beats {
            say(&mut log, beat);
        }
        log.seal();
        report(&log, &Cut::default())
    };
    let overruled = with(&[counting(1, (5, 4, 0), true)]);
    let (outcome, detail) = standing(&overruled).unwrap();
    assert_eq!(
        (outcome, overruled.exit_code()),
        (Outcome::Undetermined, 3),
        "a script would take it for complete: {detail}"
    );
    assert!(detail.contains("epoch 7: 3 more of its numbers are declared lost than it signed"), "{detail}");
    let waiting = with(&[counting(1, (3, 0, 6), false)]);
    assert!(standing(&waiting).unwrap().1.contains("1 more of its numbers"), "{}", waiting.to_text());
    for own in [
        vec![counting(1, (2, 7, 0), true)],
        vec![counting(1, (3, 0, 0), false), counting(2, (2, 7, 0), true)],
    ] {
        let told = with(&own);
        assert_eq!(told.exit_code(), 0, "its own word is held against the source: {}", told.to_text());
    }
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

fn source_check<'r>(report: &'r Report, name: &str) -> Option<(Outcome, bool, &'r str)> {
    report.check(name).map(|check| (check.outcome, check.required, check.detail.as_str()))
}

/// Requirement: W07, A18. A heartbeat's receipt alone says whether it is the source's own word or the notary's account of it.
#[test]
fn a_receipt_tells_a_sources_own_word_from_the_notarys_account() {
    let policy = Policy::parse(signing().0.trust()).unwrap();
    let of = |log: &Log, index| verify(&log.receipt(index).to_bytes().unwrap(), Some(&policy));
    let signature = |report: &Report| {
        report.aspects.iter().find(|aspect| aspect.name == "signature").map(|aspect| aspect.standing)
    };
    let (log, places) = signing();
    let own = of(&log, places[1]);
    let (outcome, required, detail) = source_check(&own, "source signature").expect("it is a heartbeat");
    assert_eq!((outcome, required, own.exit_code()), (Outcome::Holds, true, 0), "{detail}");
    assert!(own.aspects[0].rests_on.contains("source signature"), "no aspect answers for it");
    let account = of(&log, places[0]);
    let (outcome, required, detail) = source_check(&account, "source signature").expect("it is a heartbeat");
    assert_eq!((outcome, required), (Outcome::NotRun, false), "{detail}");
    assert!(detail.contains("did not sign"), "the notary's account passes for the source's word: {detail}");
    assert_eq!(
        (account.exit_code(), signature(&account)),
        (0, Some(AspectStanding::Holds)),
        "a heartbeat of before is no good"
    );
    let (log, places) = forging();
    let forged = of(&log, places[1]);
    let (outcome, _, detail) = source_check(&forged, "source signature").expect("it is a heartbeat");
    assert_eq!((outcome, forged.exit_code()), (Outcome::Broken, 1), "a forged word passes: {detail}");
    assert_eq!(signature(&forged), Some(AspectStanding::Broken), "no aspect is broken by it");
    assert_eq!(source_check(&of(&log, 0), "source signature"), None, "what is no heartbeat is called one");
}

/// Requirement: W07. Who holds the API key and even the log's writer key cannot sign for a source, nor drop its signature unseen.
#[test]
fn a_package_names_signatures_that_are_wrong_of_another_key_or_missing() {
    let read = |log: &Log| report(log, &Cut::default());
    let name = "source signatures";
    let whole = read(&signing().0);
    let (outcome, _, detail) = source_check(&whole, name).expect("heartbeats are signed");
    assert_eq!((outcome, whole.exit_code()), (Outcome::Holds, 0), "{detail}");
    assert!(detail.contains("signed by their source: 2") && detail.contains("alone: 1"), "{detail}");
    let (own, other) = (key("source"), key("other"));
    let dropped = told(&[signed(1, &own, &own), beat(7, (0, 0, 2), false)]);
    let slipped = told(&[signed(1, &own, &own), key_set(&own, Some(&other))]);
    for ((log, places), words) in [
        (forging(), "is not signed by the key that it names"),
        (taking_over(), "another key than the one before"),
        (dropped, "is not signed, and those before it are"),
        (slipped, "in the place of another than the source's"),
    ] {
        let told = read(&log);
        let (outcome, _, detail) = source_check(&told, name).expect("heartbeats are signed");
        assert_eq!((outcome, told.exit_code()), (Outcome::Broken, 1), "{words}: {detail}");
        assert!(detail.contains(words) && detail.contains(&format!("entry {}", places[1])), "{detail}");
    }
    assert_eq!(source_check(&read(&counted(true)), name), None, "a source without a key is held to one");
}
