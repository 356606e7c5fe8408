//! How far an entry has come, and who waits for more.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tabellion_ledger::anchor::{Anchor, AnchorFault, AnchorPlan, Progress, Round, Target};
use tabellion_ledger::{AckLevel, Draft, Ledger, RejectCode, SystemClock};
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::{SignedCheckpoint, SigningKey, cosign};

use crate::fixture::{options, real};

const NEVER: Duration = Duration::from_mins(10);

fn event() -> Draft {
    Draft::new("event.logged").with("n", 1)
}

fn witness(ledger: &Ledger) {
    let signed = SignedCheckpoint::parse(ledger.reader().checkpoint().as_bytes()).expect("our own");
    let line = cosign(&signed.note.text, "w.example", 1_790_000_000, &SigningKey::from_seed(&[7; 32]));
    ledger.keep_cosigned(&signed.with_signatures(&[line.expect("a line")])).expect("kept");
}

/// A service that confirms when it is told to.
struct Service(bool);

impl Anchor for Service {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Rfc3161
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        if !self.0 {
            return Ok(Progress::Pending { state: b"state".to_vec(), ask_again_s: 0 });
        }
        let checked = "everything".to_owned();
        Ok(Progress::Confirmed { evidence: b"evidence".to_vec(), time: None, checked })
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

#[test]
fn an_append_that_waits_for_witnesses_is_answered_when_they_cover_it_and_not_before() {
    let (_dir, _, ledger) = real();
    let ledger = Arc::new(ledger);
    let before = ledger.append(&event()).expect("an append");
    let (_, reached) = ledger.append_to(&event(), AckLevel::Included, NEVER).expect("an append");
    assert_eq!(
        reached.levels().collect::<Vec<_>>(),
        [AckLevel::Durable, AckLevel::Included],
        "a level that nobody vouches for was named"
    );
    let waiting = Arc::clone(&ledger);
    let size = ledger.reader().size();
    let waiter = thread::spawn(move || waiting.append_to(&event(), AckLevel::Witnessed, NEVER));
    // An older checkpoint does not cover what is waited for; the newer one does.
    ledger.reader().wait_for_more(size, NEVER);
    witness(&ledger);
    let (ack, reached) = waiter.join().expect("woken").expect("an append");
    assert!(
        reached.witnessed.is_some_and(|size| ack.index < size),
        "named as witnessed and is not: {reached:?}"
    );
    let first = ledger.reader().reached(before.index).expect("an answer");
    assert!(first.has(AckLevel::Witnessed), "what a later checkpoint covers is covered: {first:?}");
    let later = ledger.append(&event()).expect("an append");
    let begun = Instant::now();
    let none = ledger.reader().wait_for_level(later.index, AckLevel::Witnessed, Duration::from_millis(20));
    let none = none.expect("an answer, also when nobody came");
    assert!(!none.has(AckLevel::Witnessed), "witnesses were claimed that did not sign");
    assert!(begun.elapsed() < NEVER / 2, "whoever waits is kept for ever");
}

#[test]
fn what_was_reached_is_told_after_a_restart_and_an_anchor_counts_once_it_has_confirmed() {
    let (_dir, disk, ledger) = real();
    let ack = ledger.append(&event()).expect("an append");
    witness(&ledger);
    ledger.close().expect("a clean end");
    let ledger = Arc::new(Ledger::open(Arc::clone(&disk), &options()).expect("the log opens"));
    assert!(
        ledger
            .reader()
            .wait_for_level(ack.index, AckLevel::Witnessed, NEVER)
            .expect("at once")
            .has(AckLevel::Witnessed),
        "a restart forgets its witnesses"
    );
    for confirms in [false, true] {
        let plan = AnchorPlan {
            name: "x".to_owned(),
            every_s: 60,
            overdue_s: 0,
            anchor: Box::new(Service(confirms)),
        };
        let clock = Arc::new(SystemClock);
        Round::new(&disk, clock, vec![plan], Arc::new(|_: &str| {})).turn(&ledger);
        let begun = Instant::now();
        let reached =
            ledger.reader().wait_for_level(ack.index, AckLevel::Anchored, NEVER).expect("an answer");
        assert!(begun.elapsed() < NEVER / 2, "somebody waits for an anchor, which takes hours");
        assert_eq!(reached.has(AckLevel::Anchored), confirms, "pending is not confirmed: {reached:?}");
    }
    let reached = ledger.reader().reached(ack.index).expect("an answer");
    assert!(
        reached.anchored.iter().all(|by| by.name == "x" && ack.index < by.size)
            && reached.anchored.len() == 1,
        "the anchor that covers it is not named: {reached:?}"
    );
    let newest = ledger.reader().size() - 1;
    assert!(
        !ledger.reader().reached(newest).expect("an answer").has(AckLevel::Anchored),
        "what is newer is covered"
    );
    let missing = ledger.reader().reached(newest + 1).expect_err("there is no such entry");
    assert_eq!(missing.code(), Some(RejectCode::NotFound), "an entry that is not there has come far");
}
