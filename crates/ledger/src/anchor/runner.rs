//! The thread that anchors.
//!
//! Promises: at each anchor's interval takes the newest checkpoint if the log has grown by anything but anchoring's own records; asks open jobs when they are
//! due, later and later while they fail; ends when told. Must never: hold anything that an append waits for, or ask while another process does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tabellion_model::Micros;

use super::lock::OutboxLock;
use super::outbox::coverage_of;
use super::record::{Growth, growth, record};
use super::{
    Anchor, AnchorFault, Coverage, Job, JobError, JobState, Outbox, OutboxError, Patience, Progress, Target,
};
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::reader::Reader;

/// How often the outboxes are looked at: a command that enqueues is served within it.
const TICK: Duration = Duration::from_secs(1);
/// First wait after a fault; doubles with each one.
const FIRST_WAIT_S: u64 = 5;
/// Longest wait after a fault.
const LONGEST_WAIT_S: u64 = 3_600;
/// The same for an anchor that is asked all the time: it is known to be ours, and what it misses meanwhile is unprotected.
const LONGEST_FREQUENT_WAIT_S: u64 = 30;
/// How long at least between two checkpoints of a log to which nothing came meanwhile but other logs' checkpoints: logs that are each other's root log answer
/// each other no faster than this.
const SHARDS_WAIT_S: u64 = 600;
/// Jobs of one anchor that may wait at a time; while there are as many, no checkpoint is added: the next one covers what it would have.
const MAX_OPEN: usize = 64;
/// How much of an error's text is kept.
const MAX_ERROR_CHARS: usize = 400;
const SECOND: u64 = 1_000_000;

/// Takes lines for the operator.
pub type Note = Arc<dyn Fn(&str) + Send + Sync>;

/// One configured anchor.
pub struct AnchorPlan {
    /// Its name in the configuration.
    pub name: String,
    /// How often a checkpoint is anchored, in seconds, while the log grows. 0: only when somebody asks.
    pub every_s: u64,
    /// How old a checkpoint may be that waits to be confirmed, in seconds, before somebody is told; 0: as old as it likes.
    pub overdue_s: u64,
    /// The service.
    pub anchor: Box<dyn Anchor>,
}

impl AnchorPlan {
    fn patience(&self) -> Patience {
        Patience { every_s: self.every_s, overdue_s: self.overdue_s }
    }
}

struct Line {
    plan: AnchorPlan,
    outbox: Outbox,
    /// Every job by size, as its file was when last looked at; confirmed and recorded ones are not read again.
    jobs: BTreeMap<u64, Job>,
    /// Log size at which the last look found nothing to anchor.
    looked_at: Option<u64>,
    /// Whether it was said that it is overdue.
    overdue: bool,
    told: String,
}

/// The work of anchoring, round by round; [`Anchoring`] runs it. Whoever works on outboxes holds their [`OutboxLock`].
pub struct Round {
    clock: Arc<dyn Clock>,
    lines: Vec<Line>,
    note: Note,
    told: String,
}

impl Round {
    /// Of these anchors, whose outboxes are below `disk`.
    pub fn new(
        disk: &Arc<dyn crate::disk::Disk>,
        clock: Arc<dyn Clock>,
        plans: Vec<AnchorPlan>,
        note: Note,
    ) -> Self {
        let line = |plan: AnchorPlan| {
            let outbox = Outbox::new(Arc::clone(disk), &plan.name);
            Line { plan, outbox, jobs: BTreeMap::new(), looked_at: None, overdue: false, told: String::new() }
        };
        Self { clock, lines: plans.into_iter().map(line).collect(), note, told: String::new() }
    }

    /// Looks at every anchor once and does what is due.
    pub fn turn(&mut self, ledger: &Ledger) {
        self.work(ledger);
        for line in &mut self.lines {
            line.tell_overdue(&self.note, ledger.reader(), self.clock.now());
        }
    }

    fn work(&mut self, ledger: &Ledger) {
        self.each(|line, clock| {
            line.look()?;
            line.take_checkpoint(ledger, clock.now())?;
            let asked = line.ask_due(clock);
            line.record_confirmed(ledger, clock.now())?;
            line.make_room()?;
            asked
        });
    }

    /// Asks what is due, without the log; what is confirmed is not on record before [`Round::record`] or the next [`Round::turn`].
    pub fn ask(&mut self) {
        self.each(|line, clock| {
            line.look()?;
            line.ask_due(clock)
        });
    }

    /// Records what was confirmed.
    pub fn record(&mut self, ledger: &Ledger) {
        self.each(|line, _| {
            line.look()?;
            line.record_confirmed(ledger, Micros(u64::MAX))
        });
    }

    /// Says a line about the whole work once, until it changes.
    fn tell(&mut self, text: String) {
        if text != self.told {
            (self.note)(&text);
            self.told = text;
        }
    }

    fn each(&mut self, mut work: impl FnMut(&mut Line, &dyn Clock) -> Result<(), String>) {
        for line in &mut self.lines {
            match work(line, self.clock.as_ref()) {
                Err(text) => line.tell(&self.note, text),
                Ok(()) => line.told.clear(),
            }
        }
    }

    /// How much each anchor covers, as of the last turn.
    pub fn coverage(&self) -> Vec<Coverage> {
        self.lines.iter().map(|line| coverage_of(&line.plan.name, line.jobs.values())).collect()
    }
}

impl Line {
    /// Asks the service about every job whose time has come; the last fault.
    fn ask_due(&mut self, clock: &dyn Clock) -> Result<(), String> {
        let due: Vec<u64> = self
            .jobs
            .values()
            .filter(|job| job.state != JobState::Confirmed && job.next_at <= clock.now().0)
            .map(|job| job.size)
            .collect();
        let mut fault = None;
        for size in due {
            let Some(job) = self.jobs.get_mut(&size) else { continue };
            match ask(self.plan.anchor.as_mut(), &self.outbox, job, clock)? {
                Asked::Settled if job.passed_over.is_empty() => {}
                Asked::Settled => {
                    let passed: Vec<&str> = job.passed_over.iter().map(|one| one.text.as_str()).collect();
                    fault = Some(format!(
                        "anchor {:?}, checkpoint of size {size}: served by {}; passed over: {}",
                        self.plan.name,
                        job.served_by.join(", "),
                        passed.join("; ")
                    ));
                }
                Asked::Superseded => {
                    self.jobs.remove(&size);
                }
                Asked::Failed(error) => {
                    fault = Some(format!(
                        "anchor {:?}, checkpoint of size {size}: {error}; it is tried again",
                        self.plan.name
                    ));
                }
            }
        }
        fault.map_or(Ok(()), Err)
    }

    /// Reads the jobs that are new or may have changed.
    fn look(&mut self) -> Result<(), String> {
        let text = |error: OutboxError| error.to_string();
        for size in self.outbox.sizes().map_err(text)? {
            if !self.jobs.contains_key(&size) {
                self.jobs.insert(size, self.outbox.job(size).map_err(text)?);
            }
        }
        Ok(())
    }

    /// Puts the newest checkpoint in when its time has come and there is something new in it.
    fn take_checkpoint(&mut self, ledger: &Ledger, now: Micros) -> Result<(), String> {
        let open = self.jobs.values().filter(|job| job.state != JobState::Confirmed);
        // A checkpoint that the service has not even taken stands for those after it, until it is taken.
        let waits = open.clone().any(|job| job.state == JobState::Queued) || open.count() >= MAX_OPEN;
        let last = self.jobs.values().next_back();
        let due_at =
            last.map_or(0, |job| job.created_at.saturating_add(self.plan.every_s.saturating_mul(SECOND)));
        let reader = ledger.reader();
        let size = reader.size();
        if self.plan.every_s == 0 || waits || now.0 < due_at || self.looked_at == Some(size) {
            return Ok(());
        }
        if let Some(last) = last {
            match growth(reader, last.size).map_err(|error| error.to_string())? {
                Growth::None => {
                    self.looked_at = Some(size);
                    return Ok(());
                }
                Growth::OfShards if now.0 < last.created_at.saturating_add(SHARDS_WAIT_S * SECOND) => {
                    return Ok(());
                }
                Growth::OfShards | Growth::OfItsOwn => {}
            }
        }
        self.outbox
            .enqueue(self.plan.anchor.kind(), &reader.checkpoint(), now)
            .map_err(|error| error.to_string())?;
        self.look()
    }

    /// Records what is confirmed and not yet on record; a crash in between does it at the next start. Of an anchor that does not keep everything the newest,
    /// once its time has come.
    fn record_confirmed(&mut self, ledger: &Ledger, now: Micros) -> Result<(), String> {
        let keeps_us = self.plan.anchor.keeps_every_s().saturating_mul(SECOND);
        let kept = self.jobs.values().rev().find(|job| job.record.is_some());
        let waits = kept.is_some_and(|job| now.0.saturating_sub(job.created_at) < keeps_us);
        let newest = self.jobs.values().rev().find(|job| job.state == JobState::Confirmed);
        let newest = newest.map_or(0, |job| job.size);
        for job in self.jobs.values_mut() {
            let is_due = keeps_us == 0 || (!waits && job.size == newest);
            if is_due && job.state == JobState::Confirmed && job.record.is_none() {
                let index = record(ledger, &self.plan.name, job).map_err(|error| error.to_string())?;
                job.record = index;
                self.outbox.save(job).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Of an anchor that does not keep everything, removes what stands below a confirmed checkpoint and is not on record: that one covers it.
    fn make_room(&mut self) -> Result<(), String> {
        if self.plan.anchor.keeps_every_s() == 0 {
            return Ok(());
        }
        let newest = self.jobs.values().rev().find(|job| job.state == JobState::Confirmed);
        let newest = newest.map_or(0, |job| job.size);
        let covered: Vec<u64> = self
            .jobs
            .range(..newest)
            .filter(|(_, job)| job.record.is_none())
            .map(|(size, _)| *size)
            .collect();
        for size in covered {
            if let Some(job) = self.jobs.remove(&size) {
                self.outbox.withdraw(&job).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Says once that what waits is overdue, and once that it no longer is.
    fn tell_overdue(&mut self, note: &Note, reader: &Reader, now: Micros) {
        let coverage = coverage_of(&self.plan.name, self.jobs.values());
        let since = coverage.overdue_since(reader, self.plan.patience(), now.0);
        if since.is_some() == self.overdue {
            return;
        }
        self.overdue = since.is_some();
        let name = &self.plan.name;
        note(&match since {
            Some(since) => format!(
                "anchor {name:?} is overdue: what the log held at {} is not confirmed after {} s. tabellion anchor status says why",
                Micros(since),
                self.plan.overdue_s
            ),
            None => format!("anchor {name:?} is no longer overdue"),
        });
    }

    /// Says a line once, until it changes.
    fn tell(&mut self, note: &Note, text: String) {
        if text != self.told {
            note(&text);
            self.told = text;
        }
    }
}

/// What came of asking.
enum Asked {
    /// It got on.
    Settled,
    /// The job is gone: a later checkpoint covers it.
    Superseded,
    /// It did not.
    Failed(AnchorFault),
}

/// Asks the service about one job and keeps what comes of it.
fn ask(anchor: &mut dyn Anchor, outbox: &Outbox, job: &mut Job, clock: &dyn Clock) -> Result<Asked, String> {
    let target = Target::of(&job.checkpoint).map_err(|error| error.to_string())?;
    let asked = if job.kind() == Some(anchor.kind()) {
        match job.working() {
            Some(state) => anchor.resume(&target, &state),
            None => anchor.begin(&target),
        }
    } else {
        Err(AnchorFault::refused(
            "kind",
            "was enqueued for another kind of anchor; give the new one a name of its own",
        ))
    };
    let told = anchor.told();
    if asked.is_ok() && !told.served_by.is_empty() {
        job.served_by = told.served_by;
    }
    job.passed_over = told.passed_over;
    let now = clock.now().0;
    let done = match asked {
        Ok(Progress::Pending { state, ask_again_s }) => {
            job.state = JobState::Pending;
            job.set_working(Some(&state));
            settle(job, now.saturating_add(ask_again_s.saturating_mul(SECOND)));
            Asked::Settled
        }
        Ok(Progress::Superseded) => {
            outbox.withdraw(job).map_err(|error| error.to_string())?;
            return Ok(Asked::Superseded);
        }
        Ok(Progress::Confirmed { evidence, time, checked }) => {
            job.time = time;
            job.checked = Some(checked);
            settle(job, now);
            outbox.confirm(job, &evidence).map_err(|error| error.to_string())?;
            return Ok(Asked::Settled);
        }
        Err(fault) => {
            let text = fault.to_string().chars().take(MAX_ERROR_CHARS).collect();
            job.error = Some(JobError { code: fault.code().to_owned(), text });
            let wait_s = FIRST_WAIT_S << job.attempts.min(10);
            job.attempts = job.attempts.saturating_add(1);
            let longest_s =
                if anchor.keeps_every_s() == 0 { LONGEST_WAIT_S } else { LONGEST_FREQUENT_WAIT_S };
            job.next_at = now.saturating_add(wait_s.min(longest_s).saturating_mul(SECOND));
            Asked::Failed(fault)
        }
    };
    outbox.save(job).map_err(|error| error.to_string())?;
    Ok(done)
}

fn settle(job: &mut Job, next_at: u64) {
    job.error = None;
    job.attempts = 0;
    job.next_at = next_at;
}

/// The running thread.
pub struct Anchoring {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopped: Mutex<bool>,
    changed: Condvar,
    coverage: Mutex<Vec<Coverage>>,
}

impl Shared {
    fn stopped(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_coverage(&self, coverage: Vec<Coverage>) {
        *self.coverage.lock().unwrap_or_else(PoisonError::into_inner) = coverage;
    }

    /// Waits for a tick; `true` when it was told to stop.
    fn pause(&self) -> bool {
        let waited = self.changed.wait_timeout_while(self.stopped(), TICK, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Anchoring {
    /// Starts to work for `ledger` of the data directory `dir`, at once and then every second; while another process works on the outboxes, it waits.
    pub fn start(mut round: Round, ledger: Arc<Ledger>, dir: PathBuf) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new().name("anchors".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let mut lock = None;
                loop {
                    if lock.is_none() {
                        lock = OutboxLock::acquire(&dir).map_err(|busy| round.tell(busy.to_string())).ok();
                    }
                    if lock.is_some() {
                        round.turn(&ledger);
                        shared.set_coverage(round.coverage());
                    }
                    if shared.pause() {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What each anchor covers, for whoever asks while it runs.
    pub fn coverage(&self) -> Arc<dyn Fn() -> Vec<Coverage> + Send + Sync> {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || shared.coverage.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Ends it and waits for it: at most as long as one request may take.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        *self.shared.stopped() = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Anchoring {
    fn drop(&mut self) {
        self.end();
    }
}
