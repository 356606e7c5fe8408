//! Content goes when its time is over, by the rule of its class; what is on hold stays, and so does every proof.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tabellion_ledger::{
    Clock as _, DailyExpiry, Draft, ErasureTarget, Expired, Expiry, Ledger, MIN_RULE_GRACE, OpenOptions,
    RetentionPlan, RetentionRule, UnitContent, fsck,
};
use tabellion_model::{Micros, SystemId, verify};
use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};

use crate::fixture::{new_log, trust};

/// 2026-09-21.
const START: u64 = 1_790_000_000_000_000;
const DAY: u64 = 86_400 * 1_000_000;

struct Log {
    disk: SimDisk,
    clock: Arc<ManualClock>,
    ledger: Arc<Ledger>,
}

impl Log {
    fn new() -> Self {
        let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(Micros(START))));
        let ledger = Ledger::create(Arc::new(disk.clone()), &new_log(), &Self::options(&clock));
        Self { disk, clock, ledger: Arc::new(ledger.expect("a log can be made")) }
    }

    fn options(clock: &Arc<ManualClock>) -> OpenOptions {
        OpenOptions {
            segment_bytes: 256 << 10,
            background: false,
            ..OpenOptions::new(clock.clone(), Arc::new(SeededEntropy::new(1)))
        }
    }

    /// An entry of that class, about that subject or system.
    fn record(&self, class: &str, subject: Option<&str>, system: Option<SystemId>) -> u64 {
        let mut draft = Draft::new("event.logged").with("text", format!("of {class}"));
        if let Some(subject) = subject {
            draft = Draft::new("event.logged").about(subject, "name", subject);
        }
        draft.retention = Some(class.to_owned());
        draft.system = system.map(|system| system.to_string());
        self.ledger.append(&draft).expect("an append").index
    }

    fn is_there(&self, index: u64) -> bool {
        let entry = self.ledger.reader().entry(index).expect("the entry stays");
        matches!(entry.units.first().expect("it has a unit").content, UnitContent::Shown(_))
    }

    fn expire(&self, rules: &[RetentionRule]) -> Vec<Expired> {
        self.expire_as(&RetentionPlan::of(rules))
    }

    fn expire_as(&self, plan: &RetentionPlan) -> Vec<Expired> {
        let mut all = Vec::new();
        self.ledger.expire_due(plan, |expired| all.push(expired)).expect("what is due goes");
        all
    }

    fn due(&self, rules: &[RetentionRule]) -> Vec<Expiry> {
        self.ledger.reader().expiring(&RetentionPlan::of(rules)).expect("a list")
    }

    /// What a server does that starts with these rules and looks once.
    fn serve(&self, rules: &[RetentionRule]) -> Vec<Expired> {
        self.ledger.record_rules(rules).expect("rules on record");
        self.expire_as(&self.ledger.reader().plan(rules, MIN_RULE_GRACE).expect("a plan"))
    }

    fn pass(&self, hours: u64) {
        self.clock.set(Micros(self.clock.now().0 + hours * DAY / 24));
    }

    fn on(&self, year: u64, month: u64) {
        // The middle of the month; good enough for any of them.
        let days = (year - 1970) * 365 + (year - 1969) / 4 + (month - 1) * 30 + month / 2 + 14;
        self.clock.set(Micros(days * DAY));
        let due = u32::try_from(year * 100 + month).expect("a month");
        assert_eq!(Micros(days * DAY).month(), due, "the test's calendar is wrong");
        // Nothing is recorded in these months; whether the clock is believed is tried in clock.rs.
        self.ledger.confirm_clock("the calendar of the test").expect("a confirmation");
    }
}

fn rule(class: &str, months: u32) -> RetentionRule {
    RetentionRule { class: class.to_owned(), system: None, months, counted_from: None }
}

// Requirement: P46.
#[test]
fn content_goes_by_the_rule_of_its_class_and_every_proof_stays() {
    let log = Log::new();
    let system = SystemId::from_bytes([7; 16]);
    let rules = [
        RetentionRule { system: Some(system), ..rule("logs", 12) },
        rule("logs", 6),
        RetentionRule { counted_from: Some(202_701), ..rule("documents", 6) },
    ];
    let logs = log.record("logs", None, None);
    let of_system = log.record("logs", None, Some(system));
    let documents = log.record("documents", None, None);
    let unruled = log.record("standard", None, None);
    let receipt = log.ledger.reader().receipt(logs).expect("a receipt from before");

    log.on(2027, 3);
    assert_eq!(log.due(&rules), [], "six whole months have not passed");
    assert!(log.expire(&rules).is_empty(), "content went before its time");
    log.on(2027, 4);
    let due = log.due(&rules);
    assert_eq!(
        (due.len(), due[0].until, due[0].keys),
        (1, 202_609, 1),
        "what goes is not said before: {due:?}"
    );
    assert!(log.is_there(logs), "a list destroyed content");
    let size = log.ledger.reader().size();
    let gone = log.expire(&rules);
    assert_eq!((gone.len(), gone[0].erasure.units), (1, 1), "{gone:?}");
    assert!(log.ledger.reader().size() > size, "nothing on record says what went");
    let order = log.ledger.reader().entry(gone[0].erasure.orders[0].index).expect("the order");
    let header = order.entry.header().expect("a record").clone();
    assert_eq!(header.record_type.to_string(), "erasure.ordered", "a batch that went has no record");
    assert!(!log.is_there(logs), "content outlived its time");
    assert!(log.is_there(of_system), "the system's longer rule did not win");
    assert!(log.is_there(documents), "content went before the month that its time counts from");
    assert!(log.is_there(unruled), "content without a rule went");

    log.on(2027, 8);
    assert_eq!(log.expire(&rules).len(), 1, "what counts from a later month goes then");
    assert!(!log.is_there(documents) && log.is_there(of_system));
    log.on(2027, 10);
    log.expire(&rules);
    assert!(!log.is_there(of_system), "the system's content outlived its own rule");
    let bytes = receipt.to_bytes().expect("a receipt file");
    let report = verify(&bytes, Some(&trust(&log.ledger)));
    assert_eq!(report.exit_code(), 0, "a proof from before no longer holds: {report:?}");
    let bytes = log.ledger.reader().receipt(logs).expect("a receipt from after").to_bytes().expect("a file");
    assert_eq!(verify(&bytes, Some(&trust(&log.ledger))).exit_code(), 0, "the entry can no longer be proved");
    let disk: Arc<dyn tabellion_ledger::disk::Disk> = Arc::new(log.disk.clone());
    log.ledger.close().expect("a clean end");
    let report = fsck(&disk, &Log::options(&log.clock), &[]);
    assert!(report.is_sound(), "{:?}", report.findings);
}

// Requirement: P46.
#[test]
fn a_legal_hold_wins_over_the_rule_and_only_what_it_names_stays() {
    let log = Log::new();
    let system = SystemId::from_bytes([9; 16]);
    let ada = log.record("logs", Some("ada"), None);
    let other = log.record("logs", Some("bob"), None);
    let of_system = log.record("logs", None, Some(system));
    let (hold, _) =
        log.ledger.place_hold(&ErasureTarget::Subject("ada".to_owned()), "court order").expect("a hold");
    let (second, _) = log.ledger.place_hold(&ErasureTarget::System(system), "court order").expect("a hold");
    log.on(2030, 1);
    let gone = log.expire(&[rule("logs", 6)]);
    assert_eq!(gone[0].erasure.keys, 1, "{gone:?}");
    assert_eq!(gone[0].expiry.held, 2, "the operator must be told what stays: {gone:?}");
    assert!(log.is_there(ada) && log.is_there(of_system), "held content was destroyed");
    assert!(!log.is_there(other), "a hold on somebody else kept this content");
    log.ledger.release_hold(&hold, "case closed").expect("a release");
    log.ledger.release_hold(&second, "case closed").expect("a release");
    log.expire(&[rule("logs", 6)]);
    assert!(!log.is_there(ada) && !log.is_there(of_system), "nothing goes once the hold is gone");
}

#[test]
fn what_proves_erasures_never_expires_whatever_a_rule_says() {
    let log = Log::new();
    log.record("logs", None, None);
    log.on(2030, 1);
    log.expire(&[rule("logs", 6)]);
    log.on(2090, 1);
    assert!(
        log.ledger.expire_due(&RetentionPlan::of(&[rule("evidence", 0)]), |_| {}).is_err(),
        "nobody could tell erased from lost any more"
    );
    assert_eq!(
        log.ledger.reader().tombstones(log.ledger.reader().size()).expect("tombstones").len(),
        1,
        "the proof of an erasure went with it"
    );
}

// Requirement: P46.
#[test]
fn it_is_looked_at_once_a_day() {
    let log = Log::new();
    let looks = Arc::new(AtomicUsize::new(0));
    let notes = Arc::new(Mutex::new(Vec::new()));
    let note: tabellion_ledger::anchor::Note = {
        let (notes, looks) = (Arc::clone(&notes), Arc::clone(&looks));
        Arc::new(move |line: &str| {
            looks.fetch_add(1, Ordering::SeqCst);
            notes.lock().expect("notes").push(line.to_owned());
        })
    };
    let index = log.record("logs", None, None);
    let daily = DailyExpiry::start(
        Arc::clone(&log.ledger),
        vec![rule("logs", 1)],
        MIN_RULE_GRACE,
        Duration::from_millis(1),
        note,
        Arc::new(|what: &str| panic!("{what}")),
    )
    .expect("a thread");
    let size = log.ledger.reader().size();
    let patience = Instant::now() + Duration::from_secs(20);
    while log.ledger.reader().size() == size {
        assert!(Instant::now() < patience, "its rules are not put on record");
        std::thread::yield_now();
    }
    log.on(2026, 11);
    while log.is_there(index) || looks.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < patience, "a month turned and nothing went by itself");
        std::thread::yield_now();
    }
    daily.stop();
    assert!(log.ledger.reader().size() > size, "what went is not on record");
    let notes = notes.lock().expect("notes").join("\n");
    assert!(notes.contains("1 units of class logs up to 202609"), "the operator is not told: {notes}");
}

/// Requirement: P46
#[test]
fn a_rule_lets_nothing_go_before_it_has_been_on_record_for_its_time_of_grace() {
    let log = Log::new();
    let old = log.record("logs", None, None);
    log.on(2027, 6);
    assert!(log.serve(&[rule("logs", 84)]).is_empty(), "seven years have not passed");
    log.pass(100);
    // Somebody types 0 for 84 and starts the server again.
    let mistyped = [rule("logs", 0)];
    let found = log.serve(&mistyped);
    assert!(log.is_there(old), "a slip of the hand erased content at once: {found:?}");
    let waiting = found[0].expiry.waiting.expect("the operator must be told what is going to go, and when");
    assert_eq!((waiting.keys, found[0].expiry.keys, found[0].erasure.keys), (1, 0, 0), "{found:?}");
    log.pass(23);
    assert!(log.serve(&mistyped)[0].expiry.waiting == Some(waiting), "another start counted the time anew");
    assert!(log.is_there(old), "starting again went past the time of grace");
    assert!(log.serve(&[rule("logs", 84)]).is_empty(), "setting it back has to keep everything");
    log.pass(48);
    assert!(log.serve(&[rule("logs", 84)]).is_empty() && log.is_there(old));
    // The mistyped rule was on record more than a day ago, and not since: it has to wait again.
    assert!(log.serve(&mistyped)[0].expiry.waiting.is_some(), "time under another rule counted for this one");
    log.pass(23);
    assert!(log.serve(&mistyped)[0].erasure.keys == 0 && log.is_there(old), "an hour too early");
    log.pass(2);
    assert_eq!(log.serve(&mistyped)[0].erasure.keys, 1, "a rule that is meant has to be carried out");
    assert!(!log.is_there(old));
}

/// Requirement: P46
#[test]
fn a_new_rule_and_the_end_of_an_exact_one_wait_too_and_a_longer_period_applies_at_once() {
    let log = Log::new();
    let system = SystemId::from_bytes([7; 16]);
    let exact = RetentionRule { system: Some(system), ..rule("logs", 84) };
    let of_system = log.record("logs", None, Some(system));
    let general = log.record("logs", None, None);
    log.on(2027, 6);
    let both = [rule("logs", 1), exact];
    assert_eq!(log.serve(&both)[0].erasure.keys, 0, "a rule that is new erased at once");
    log.pass(25);
    assert_eq!(log.serve(&both)[0].erasure.keys, 1);
    assert!(!log.is_there(general) && log.is_there(of_system));
    // The system's own rule is left out: now the general one covers its content.
    let found = log.serve(&both[..1]);
    assert_eq!(found[0].expiry.waiting.map(|waiting| waiting.keys), Some(1), "{found:?}");
    assert!(log.is_there(of_system), "leaving a rule out erased what it kept");
    assert!(log.serve(&[rule("logs", 84)]).is_empty(), "a longer period has to apply at once");
    // Who only looks sees the same before any server has put it on record.
    let plan = log.ledger.reader().plan(&both[..1], MIN_RULE_GRACE).expect("a plan");
    let seen = log.ledger.reader().expiring(&plan).expect("a list");
    assert_eq!((seen[0].keys, seen[0].waiting.map(|waiting| waiting.keys)), (0, Some(1)), "{seen:?}");
    let disk: Arc<dyn tabellion_ledger::disk::Disk> = Arc::new(log.disk.clone());
    log.ledger.close().expect("a clean end");
    // The record is the source of the time: another process reads the same.
    let (reader, _) = tabellion_ledger::Reader::open(disk, &Log::options(&log.clock)).expect("a reader");
    let plan = reader.plan(&[rule("logs", 84)], MIN_RULE_GRACE).expect("a plan");
    assert_eq!(plan.earlier.len(), 2, "what was in force until lately is forgotten at a restart: {plan:?}");
    let forged = log.ledger.prepare(&Draft::new("retention.rules_set"));
    assert!(forged.is_err(), "whoever may append could say that a rule has been there for long");
}

/// Requirement: P46
#[test]
fn a_rule_by_hand_leaves_alone_what_a_configured_rule_for_one_system_is_about() {
    let log = Log::new();
    let system = SystemId::from_bytes([7; 16]);
    let (of_system, general) = (log.record("logs", None, Some(system)), log.record("logs", None, None));
    log.on(2028, 6);
    let beside = vec![RetentionRule { system: Some(system), ..rule("logs", 84) }];
    let plan = RetentionPlan { beside, ..RetentionPlan::of(&[rule("logs", 1)]) };
    assert_eq!(log.expire_as(&plan)[0].erasure.keys, 1);
    assert!(log.is_there(of_system), "a general order erased what an exact rule keeps");
    assert!(!log.is_there(general));
}

#[test]
fn content_is_kept_for_whole_months_after_its_own() {
    for (now, months, from, expected) in [
        (202_611, 0, None, Some(202_610)),
        (202_611, 6, None, Some(202_604)),
        (202_601, 0, None, Some(202_512)),
        (202_603, 24, None, Some(202_402)),
        (202_611, 6, Some(202_604), Some(202_604)),
        (202_611, 6, Some(202_605), None),
        (2, 1200, None, None),
    ] {
        let rule = RetentionRule { counted_from: from, ..rule("c", months) };
        assert_eq!(
            rule.last_due(now),
            expected,
            "content would go too early or stay too long ({now}, {months}, {from:?})"
        );
    }
}
