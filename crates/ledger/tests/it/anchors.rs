//! Anchoring from outside: jobs that survive, services that fail, a log that never waits.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use tabellion_ledger::anchor::{
    Anchor, AnchorFault, AnchorPlan, Job, JobState, Outbox, Progress, Round, Target, anchored,
};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{Clock as _, Draft, fsck};
use tabellion_model::registry::{Facts, ShardCheckpoint};
use tabellion_model::{KeyId, Micros, Origin};
use tabellion_testkit::{Fault, ManualClock, SimDisk};
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::sha256;

use crate::fixture::real;

const START: u64 = 1_790_000_000_000_000;
const SECOND: u64 = 1_000_000;

/// A service that answers what it was told to, and then confirms.
struct Scripted(VecDeque<Result<Progress, AnchorFault>>);

fn confirmed() -> Progress {
    Progress::Confirmed { evidence: b"evidence".to_vec(), time: None, checked: "everything".to_owned() }
}

impl Anchor for Scripted {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Rfc3161
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        self.0.pop_front().unwrap_or_else(|| Ok(confirmed()))
    }

    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault> {
        assert_eq!(state, b"state", "what a pending anchor left was lost");
        self.begin(target)
    }
}

fn round(
    disk: &Arc<dyn Disk>,
    clock: &Arc<ManualClock>,
    answers: impl IntoIterator<Item = Result<Progress, AnchorFault>>,
) -> Round {
    let anchor = Box::new(Scripted(answers.into_iter().collect()));
    let plan = AnchorPlan { name: "x".to_owned(), every_s: 60, overdue_s: 0, anchor };
    Round::new(disk, Arc::clone(clock) as _, vec![plan], Arc::new(|_: &str| {}))
}

fn jobs(disk: &Arc<dyn Disk>) -> Vec<Job> {
    Outbox::new(Arc::clone(disk), "x").jobs().unwrap()
}

/// Requirement: R20, W22
#[test]
fn a_failing_service_is_asked_later_and_later_and_a_job_keeps_its_state() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let down = || Err(AnchorFault::Unavailable("down".to_owned()));
    let pending = Progress::Pending { state: b"state".to_vec(), ask_again_s: 7 };
    let mut work = round(&disk, &clock, [down(), down(), down(), Ok(pending), down()]);
    for (wait_s, attempts) in [(5, 1), (10, 2), (20, 3)] {
        work.turn(&ledger);
        work.turn(&ledger);
        let job = jobs(&disk).remove(0);
        assert_eq!(
            (job.state, job.attempts),
            (JobState::Queued, attempts),
            "a service that is down is asked at once again"
        );
        // Each look at the clock moves it by a microsecond.
        let wait = (job.next_at - clock.now().0).div_ceil(SECOND);
        assert_eq!(wait, wait_s, "the wait does not grow");
        clock.set(Micros(job.next_at));
    }
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!((job.state, job.attempts), (JobState::Pending, 0), "progress is not kept");
    clock.set(Micros(job.next_at));
    work.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!(job.state, JobState::Pending, "a fault undid what the service had taken");
    assert_eq!(job.error.as_ref().map(|error| error.code.as_str()), Some("unavailable"), "a fault is hidden");
    clock.set(Micros(job.next_at));
    // Another process goes on with what this one left.
    let mut later = round(&disk, &clock, []);
    later.turn(&ledger);
    let job = jobs(&disk).remove(0);
    assert_eq!((job.state, job.error), (JobState::Confirmed, None), "a job was lost with its process");
    assert_eq!(later.coverage()[0].size, job.size, "what is covered is not told");
    assert_eq!(
        anchored(&disk, ledger.reader().size()).unwrap().whole.len(),
        1,
        "a package would lack the evidence"
    );
}

#[test]
fn anchoring_does_not_call_for_anchoring_and_is_recorded_once() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let mut work = round(&disk, &clock, []);
    for turn in 0..5 {
        clock.set(Micros(START + turn * 3_600 * SECOND));
        work.turn(&ledger);
    }
    assert_eq!(jobs(&disk).len(), 1, "the record of an anchor is anchored, and so on");
    let size = ledger.reader().size();
    round(&disk, &clock, []).turn(&ledger);
    assert_eq!(ledger.reader().size(), size, "a restart records an anchor again");
    ledger.append(&Draft::new("event.logged")).unwrap();
    work.turn(&ledger);
    assert_eq!(jobs(&disk).len(), 2, "what is new is not anchored");
}

/// Requirement: W22
#[test]
fn evidence_that_is_damaged_is_named_by_everything_that_looks_and_hides_no_other() {
    let (dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let mut work = round(&disk, &clock, []);
    for turn in 1..=3 {
        ledger.append(&Draft::new("event.logged")).unwrap();
        clock.set(Micros(START + turn * 3_600 * SECOND));
        work.turn(&ledger);
    }
    let outbox = Outbox::new(Arc::clone(&disk), "x");
    let paths: Vec<String> = jobs(&disk).iter().map(|job| outbox.evidence_path(job)).collect();
    assert_eq!(paths.len(), 3, "not every checkpoint was anchored");
    std::fs::write(dir.path().join(&paths[0]), b"other").unwrap();
    std::fs::remove_file(dir.path().join(&paths[1])).unwrap();
    let found = ledger.reader().anchored(ledger.reader().size()).unwrap();
    assert_eq!(found.whole.len(), 1, "damage to one file hides the evidence of others");
    let report = fsck(&disk, &crate::fixture::options(), &[]);
    assert!(report.is_sound(), "the log is called damaged, and is not: {:?}", report.findings);
    for (path, named) in paths.iter().take(2).zip(&found.damaged) {
        assert!(named.contains(path.as_str()), "{path} is left out without a word: {named}");
        assert!(report.beside.iter().any(|found| found.contains(path.as_str())), "fsck does not see {path}");
    }
    assert_eq!(report.counts.get("anchors confirmed"), Some(&1), "fsck does not say what it looked at");
    let named = |reached: &tabellion_ledger::Reached| {
        reached.anchored.iter().map(|anchor| anchor.size).collect::<Vec<_>>()
    };
    let whole = found.whole[0].size;
    assert_eq!(outbox.coverage().unwrap().size, whole, "damage to one file hides what others cover");
    let reached = ledger.reader().reached(0).unwrap();
    assert_eq!(named(&reached), [whole], "an anchor is named whose evidence is gone");
    std::fs::write(dir.path().join(outbox.evidence_path(&jobs(&disk)[2])), b"other").unwrap();
    let reached = ledger.reader().reached(0).unwrap();
    assert!(named(&reached).is_empty(), "an entry is called anchored, and nothing is left that proves it");
    let coverage = outbox.coverage().unwrap();
    assert_eq!(
        (coverage.size, coverage.taken_at),
        (0, None),
        "the status says confirmed, and nothing proves it"
    );
    assert_eq!(coverage.error.expect("a fault").code, "damaged", "nobody is told that evidence is damaged");
}

/// A service that stalls until the test lets it go on.
struct Stalling(Sender<()>, Mutex<Receiver<()>>);

impl Anchor for Stalling {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Rfc3161
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        self.0.send(()).unwrap();
        self.1.lock().unwrap().recv().unwrap();
        Ok(confirmed())
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

#[test]
fn appends_go_on_while_a_service_stalls() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let ((begun, waiting), (let_go, go_on)) = (channel(), channel());
    let plan = AnchorPlan {
        name: "x".to_owned(),
        every_s: 60,
        overdue_s: 0,
        anchor: Box::new(Stalling(begun, Mutex::new(go_on))),
    };
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let mut work = Round::new(&disk, clock, vec![plan], Arc::new(|_: &str| {}));
    let thread = thread::spawn({
        let ledger = Arc::clone(&ledger);
        move || work.turn(&ledger)
    });
    waiting.recv().unwrap();
    let appended = ledger.append(&Draft::new("event.logged"));
    assert!(appended.is_ok(), "an anchor that stalls holds up the log: {appended:?}");
    let_go.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(jobs(&disk)[0].state, JobState::Confirmed, "what the service said in the end was lost");
}

/// Requirement: W22
#[test]
fn an_enqueued_job_outlives_power_cuts_at_every_step() {
    let (_dir, _, ledger) = real();
    let checkpoint = ledger.reader().checkpoint();
    let enqueue = |disk: &SimDisk| {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        Outbox::new(shared, "x").enqueue(AnchorKind::Rfc3161, &checkpoint, Micros(START))
    };
    let whole = SimDisk::new();
    enqueue(&whole).unwrap();
    let steps = whole.operations();
    assert!(steps > 4, "nothing was written: {steps} steps");
    for step in 0..steps {
        for seed in 0..8 {
            let disk = SimDisk::new();
            disk.fail_at(step, Fault::PowerOff, seed);
            let told = enqueue(&disk).is_ok();
            disk.crash(seed);
            let shared: Arc<dyn Disk> = Arc::new(disk);
            let kept = Outbox::new(shared, "x").jobs();
            let kept =
                kept.unwrap_or_else(|error| panic!("step {step}, seed {seed}: half a job is left: {error}"));
            assert!(!told || kept.len() == 1, "step {step}, seed {seed}: a job that was enqueued is gone");
        }
    }
}

/// A service that is asked all the time and gives what it said again.
struct Frequent(VecDeque<Progress>);

impl Anchor for Frequent {
    fn kind(&self) -> AnchorKind {
        AnchorKind::RootLog
    }

    fn keeps_every_s(&self) -> u64 {
        3_600
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        Ok(self.0.pop_front().unwrap_or_else(confirmed))
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

fn frequent(disk: &Arc<dyn Disk>, clock: &Arc<ManualClock>, answers: Vec<Progress>) -> Round {
    let plan = AnchorPlan {
        name: "x".to_owned(),
        every_s: 1,
        overdue_s: 0,
        anchor: Box::new(Frequent(answers.into())),
    };
    Round::new(disk, Arc::clone(clock) as _, vec![plan], Arc::new(|_: &str| {}))
}

/// Requirement: B02. An anchor that is asked every second fills neither the disk nor the log, and the newest evidence is always there.
#[test]
fn what_a_frequent_anchor_says_in_between_makes_room_for_its_successor() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let mut work = frequent(&disk, &clock, Vec::new());
    let records = || {
        let mut count = 0;
        let reader = ledger.reader();
        let is_anchor = |name: &str| u64::from(name == "anchor.confirmed");
        reader
            .entries(0, reader.size(), |view| {
                count += view.entry.header().map_or(0, |header| is_anchor(header.record_type.as_str()));
                Ok(())
            })
            .unwrap();
        count
    };
    for second in 0..5 {
        ledger.append(&Draft::new("event.logged")).unwrap();
        clock.set(Micros(START + second * 2 * SECOND));
        work.turn(&ledger);
    }
    let kept = jobs(&disk);
    assert_eq!(kept.len(), 2, "the first, which is on record, and the newest: {kept:?}");
    assert_eq!((kept[0].record.is_some(), kept[1].record), (true, None), "each answer is put on record");
    assert_eq!(records(), 1, "the log grows by what it is anchored with");
    let files = disk.list("anchors").unwrap();
    assert_eq!(files.len(), 4, "evidence without a job, or a job without evidence: {files:?}");
    assert_eq!(work.coverage()[0].size, kept[1].size, "the newest covers nothing");
    clock.set(Micros(START + 3_700 * SECOND));
    work.turn(&ledger);
    assert_eq!((records(), jobs(&disk).len()), (2, 2), "an hour later the newest is put on record");
}

#[test]
fn a_checkpoint_that_a_later_one_covers_waits_for_nothing() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let mut work = frequent(&disk, &clock, vec![Progress::Superseded]);
    work.turn(&ledger);
    assert!(jobs(&disk).is_empty(), "a job waits for an answer that never comes");
    ledger.append(&Draft::new("event.logged")).unwrap();
    clock.set(Micros(START + 2 * SECOND));
    work.turn(&ledger);
    assert_eq!(jobs(&disk).len(), 1, "and keeps its successor from being taken");
}

/// Requirement: B02. Two logs that are each other's root log do not call for each other's next checkpoint without end; a log that only gathers others' is
/// anchored all the same.
#[test]
fn checkpoints_of_other_logs_alone_wait_longer_for_an_anchor() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let clock = Arc::new(ManualClock::at(Micros(START)));
    let mut work = frequent(&disk, &clock, Vec::new());
    ledger.append(&Draft::new("event.logged")).unwrap();
    work.turn(&ledger);
    let taken = || work_size(&disk);
    let first = taken();
    ledger.append(&of_a_shard()).unwrap();
    for second in 1..60 {
        clock.set(Micros(START + second * 10 * SECOND - SECOND));
        work.turn(&ledger);
        assert_eq!(taken(), first, "after {second} times ten seconds it answers another log's answer");
    }
    clock.set(Micros(START + 601 * SECOND));
    work.turn(&ledger);
    assert!(taken() > first, "a log of shards alone is never anchored");
    let second = taken();
    ledger.append(&of_a_shard()).unwrap();
    ledger.append(&Draft::new("event.logged")).unwrap();
    clock.set(Micros(START + 603 * SECOND));
    work.turn(&ledger);
    assert!(taken() > second, "what is the log's own waits for the others");
}

/// Size of the newest checkpoint that was taken.
fn work_size(disk: &Arc<dyn Disk>) -> u64 {
    jobs(disk).last().map_or(0, |job| job.size)
}

/// Another log's checkpoint, as a root log records it.
fn of_a_shard() -> Draft {
    let facts = Facts::ShardCheckpointRecorded(ShardCheckpoint {
        key: KeyId::from_hex(&"01".repeat(32)).unwrap(),
        origin: Origin::new("shard.example/log/a").unwrap(),
        root: sha256(b"a tree"),
        signature: [2; 64],
        size: 7,
    });
    Draft { clear: facts.to_clear().unwrap(), ..Draft::new(facts.kind().name()) }
}
