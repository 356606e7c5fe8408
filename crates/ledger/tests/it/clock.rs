//! By rule nothing goes that only this machine's clock says is over its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tabellion_ledger::anchor::{Anchor, AnchorFault, AnchorPlan, JobTime, Progress, Round, Target};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{
    Clock as _, Draft, Ledger, LedgerError, MIN_RULE_GRACE, OpenOptions, RejectCode, RetentionPlan,
    RetentionRule, UnitContent,
};
use tabellion_model::body::{Body as _, RetentionClockConfirmed, RetentionClockDoubted};
use tabellion_model::{Micros, SystemId};
use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};
use tabellion_tlog::anchor::AnchorKind;

use crate::fixture::new_log;

/// 2026-09-21.
const START: u64 = 1_790_000_000_000_000;
const DAY: u64 = 86_400 * 1_000_000;

struct Log {
    disk: SimDisk,
    clock: Arc<ManualClock>,
    ledger: Ledger,
    life: AtomicU64,
}

impl Log {
    fn new() -> Self {
        let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(Micros(START))));
        let made = Ledger::create(Arc::new(disk.clone()), &new_log(), &options(&clock, 1));
        Self { disk, clock, ledger: made.expect("a log can be made"), life: AtomicU64::new(1) }
    }

    fn open_again(self) -> Self {
        let Self { disk, clock, ledger, life } = self;
        ledger.close().expect("a clean end");
        let options = options(&clock, life.fetch_add(1, Ordering::SeqCst) + 1);
        let ledger = Ledger::open(Arc::new(disk.clone()), &options).expect("the log opens");
        Self { disk, clock, ledger, life }
    }

    fn record(&self) -> u64 {
        let mut draft = Draft::new("event.logged").with("text", "of the loan");
        draft.retention = Some("logs".to_owned());
        self.ledger.append(&draft).expect("an append").index
    }

    /// Days from the start of the log.
    fn on_day(&self, day: u64) {
        self.clock.set(Micros(START + day * DAY));
    }

    fn expire(&self, months: u32) -> Result<usize, LedgerError> {
        let rule = RetentionRule { class: "logs".to_owned(), system: None, months, counted_from: None };
        let mut units = 0;
        self.ledger.expire_due(&RetentionPlan::of(&[rule]), |expired| units += expired.erasure.units)?;
        Ok(units)
    }

    fn refused(&self, months: u32) -> String {
        let refused = self.expire(months).expect_err("content went by the clock's word alone");
        assert_eq!(refused.code(), Some(RejectCode::ClockInDoubt), "{refused}");
        refused.to_string()
    }

    fn is_there(&self, index: u64) -> bool {
        let entry = self.ledger.reader().entry(index).expect("the entry stays");
        matches!(entry.units.first().expect("it has a unit").content, UnitContent::Shown(_))
    }

    fn count(&self, record_type: &str) -> usize {
        let (reader, mut count) = (self.ledger.reader(), 0);
        let each = |view: tabellion_ledger::EntryView| {
            let header = view.entry.header();
            count += usize::from(header.is_some_and(|header| header.record_type.as_str() == record_type));
            Ok(())
        };
        reader.entries(0, reader.size(), each).expect("the log reads");
        count
    }
}

fn options(clock: &Arc<ManualClock>, life: u64) -> OpenOptions {
    OpenOptions {
        segment_bytes: 256 << 10,
        background: false,
        ..OpenOptions::new(clock.clone(), Arc::new(SeededEntropy::new(life)))
    }
}

/// Requirement: P46. The clock is years ahead: nothing goes, whatever is recorded and restarted under it, that is on record once, and all is well when it is right again.
#[test]
fn a_clock_that_jumps_ahead_destroys_nothing() {
    let log = Log::new();
    let old = log.record();
    log.on_day(5 * 365);
    let why = log.refused(24);
    assert!(why.contains("2026-09-2") && why.contains("--clock-is-right"), "nobody knows what to do: {why}");
    assert!(log.is_there(old), "content went years early");
    assert_eq!(log.count(RetentionClockDoubted::TYPE), 1, "nothing on record says that retention waits");
    log.record();
    log.refused(24);
    // What was recorded under the wrong clock is no evidence for it, in this process or the next.
    let log = log.open_again();
    for day in 1..60 {
        log.on_day(5 * 365 + day);
        log.record();
    }
    log.refused(24);
    log.ledger.save_state().expect("the state can be saved");
    let log = log.open_again();
    log.refused(24);
    assert!(log.is_there(old), "a restart forgot that the clock is in doubt");
    assert_eq!(log.count(RetentionClockDoubted::TYPE), 1, "it is recorded again and again");
    assert!(
        log.ledger.reader().clock_doubt().expect("an answer").is_some(),
        "the doctor says that all is well"
    );
    // Somebody sets it right: nothing is due, and nobody is asked for anything.
    log.on_day(30);
    assert_eq!(log.expire(24).expect("a look"), 0, "content went early");
    assert!(log.is_there(old));
}

/// Requirement: P46. The server was off for long: a person says that the clock is right, on record, and what is due goes.
#[test]
fn a_person_who_gives_a_reason_lets_it_go_on() {
    let log = Log::new();
    let old = log.record();
    let log = log.open_again();
    log.on_day(100);
    log.refused(1);
    for nothing in ["", "  ", &"x".repeat(1_001)] {
        let refused = log.ledger.confirm_clock(nothing).expect_err("a confirmation without a reason");
        assert_eq!(refused.code(), Some(RejectCode::Malformed), "{refused}");
    }
    log.refused(1);
    log.ledger.confirm_clock("compared with the church tower").expect("on record");
    assert_eq!(log.count(RetentionClockConfirmed::TYPE), 1, "nobody can tell why it went");
    let log = log.open_again();
    assert_eq!(log.expire(1).expect("it goes"), 1, "what is due stays for ever");
    assert!(!log.is_there(old));
    // The word was for that day, not for every later one.
    let young = log.record();
    let log = log.open_again();
    log.on_day(100 + 5 * 365);
    log.refused(1);
    assert!(log.is_there(young), "one word let content go for ever");
    assert_eq!(log.count(RetentionClockDoubted::TYPE), 2, "another doubt is not on record");
    for forged in [RetentionClockConfirmed::TYPE, RetentionClockDoubted::TYPE] {
        assert!(
            log.ledger.prepare(&Draft::new(forged)).is_err(),
            "whoever may append could confirm the clock"
        );
    }
}

/// Requirement: P46
#[test]
fn a_log_in_use_and_a_server_that_looks_every_day_are_asked_for_nothing() {
    let log = Log::new();
    let old = log.record();
    for month in 1..30 {
        log.on_day(month * 40);
        log.record();
    }
    let log = log.open_again();
    assert!(log.expire(24).expect("commits follow each other for years") >= 1, "a log in use waits");
    assert!(!log.is_there(old));
    // Nothing is recorded for a year, and the server looks.
    let quiet = Log::new();
    let old = quiet.record();
    for day in (0..400).step_by(20) {
        quiet.on_day(day);
        assert_eq!(quiet.ledger.reader().clock_doubt().expect("an answer"), None, "on day {day}");
    }
    assert_eq!(quiet.expire(6).expect("a look"), 1, "a quiet server waits for a person each month");
    assert!(!quiet.is_there(old));
}

/// Requirement: P46. Whoever else has a clock vouches; for no longer than they can.
#[test]
fn an_outside_time_vouches_for_the_clock() {
    let log = Log::new();
    let old = log.record();
    log.on_day(200);
    log.refused(2);
    log.ledger.note_outside_time(Micros(START + 100 * DAY));
    log.refused(2);
    log.ledger.note_outside_time(Micros(START + 199 * DAY));
    assert_eq!(log.expire(2).expect("a witness vouches"), 1, "a witness's time counts for nothing");
    assert!(!log.is_there(old));
}

/// A time-stamp authority whose clock is its own.
struct Authority(Micros);

impl Anchor for Authority {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Rfc3161
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        let time = Some(JobTime { earliest: self.0.0, latest: self.0.0 + 1 });
        Ok(Progress::Confirmed { evidence: b"stamp".to_vec(), time, checked: "everything".to_owned() })
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

/// Requirement: P46. An anchor's evidence tells a server that was off for long from a clock that is wrong, and outlives a restart.
#[test]
fn an_anchors_evidence_vouches_for_the_clock() {
    for (says, goes) in [(START + 199 * DAY, 1), (START + DAY, 0)] {
        let Log { disk, clock, ledger, .. } = Log::new();
        let ledger = Arc::new(ledger);
        let mut draft = Draft::new("event.logged").with("text", "of the loan");
        draft.retention = Some("logs".to_owned());
        ledger.append(&draft).expect("an append");
        clock.set(Micros(START + 200 * DAY));
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let plan = AnchorPlan {
            name: "tsa".to_owned(),
            every_s: 60,
            overdue_s: 3_600,
            anchor: Box::new(Authority(Micros(says))),
        };
        Round::new(&shared, clock.clone(), vec![plan], Arc::new(|_: &str| {})).turn(&ledger);
        let ledger = Arc::into_inner(ledger).expect("nobody else holds it");
        let log = Log { disk, clock, ledger, life: AtomicU64::new(1) }.open_again();
        match goes {
            0 => drop(log.refused(2)),
            units => {
                assert_eq!(log.expire(2).expect("it is vouched for"), units, "evidence counts for nothing");
            }
        }
    }
}

/// Requirement: P46. A clock that goes back and comes forward again lets nothing go that was recorded meanwhile.
#[test]
fn what_is_recorded_while_the_clock_is_behind_stays_for_its_time() {
    let log = Log::new();
    log.record();
    log.clock.set(Micros(START - 20 * 365 * DAY));
    let behind = log.record();
    assert_eq!(log.expire(6).expect("a look"), 0, "a clock that is behind erases");
    log.on_day(1);
    assert_eq!(log.expire(6).expect("a look"), 0, "content of yesterday counted as twenty years old");
    assert!(log.is_there(behind), "content of yesterday counted as twenty years old");
}

/// Requirement: P47. The end of a system's time of grace is a time as well.
#[test]
fn a_system_does_not_go_by_a_clock_in_doubt() {
    let log = Log::new();
    let system = SystemId::from_bytes([7; 16]);
    let mut draft = Draft::new("event.logged").with("text", "of the system");
    draft.system = Some(system.to_string());
    let index = log.ledger.append(&draft).expect("an append").index;
    log.ledger.request_deletion(&system, Micros(START + 7 * DAY), "retired").expect("a request");
    log.on_day(3_000);
    let refused = log.ledger.purge_due().expect_err("a system went eight years early");
    assert_eq!(refused.code(), Some(RejectCode::ClockInDoubt), "{refused}");
    assert!(log.is_there(index));
    log.on_day(8);
    assert_eq!(log.ledger.purge_due().expect("a purge").purged.len(), 1, "what is due stays");
    assert!(!log.is_there(index));
}

/// Requirement: P46. Rules that were on record are known after a start from the saved state: their time of grace does not begin again.
#[test]
fn rules_on_record_are_known_after_a_start_from_the_saved_state() {
    let log = Log::new();
    let rules = [RetentionRule { class: "logs".to_owned(), system: None, months: 84, counted_from: None }];
    assert!(log.ledger.record_rules(&rules).expect("rules on record"));
    log.on_day(3);
    log.ledger.save_state().expect("the state can be saved");
    let log = log.open_again();
    let _ = log.clock.now();
    assert!(
        !log.ledger.record_rules(&rules).expect("an answer"),
        "the same rules are recorded at every start"
    );
    let plan = log.ledger.reader().plan(&rules, MIN_RULE_GRACE).expect("a plan");
    assert_eq!(plan.earlier, [], "every restart puts off what is due");
}
