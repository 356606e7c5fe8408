//! A thread that lets content expire, once a day, and carries out deletions of systems whose time of grace is over.
//!
//! Promises: puts its rules on record and erases nothing by one before it has been there for its time of grace; does its work at once, and then looks for deletions each time it looks and for what expires whenever the clock's day is another one; tries again what failed; ends when it is told to or dropped.
//! Must never: be waited for by an append.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tabellion_model::Micros;

use super::Purge;
use super::expire::{Expired, RetentionRule};
use crate::anchor::Note;
use crate::error::LedgerError;
use crate::ledger::Ledger;

const MICROS_PER_DAY: u64 = 86_400 * 1_000_000;

/// The running thread.
pub struct DailyExpiry {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Shared {
    fn stopped(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; true when it was told to stop.
    fn pause(&self, time: Duration) -> bool {
        let wait = self.changed.wait_timeout_while(self.stopped(), time, |stopped| !*stopped);
        *wait.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl DailyExpiry {
    /// How often it looks whether the day is another one: a minute late is nothing against months.
    pub const EVERY: Duration = Duration::from_mins(1);

    /// Purges in `ledger` the systems whose deletion is due, and lets expire what is due by `rules`, each once it has been on record for `grace`. What is done and what fails is told to `note`, what ends the log to `fatal`.
    pub fn start(
        ledger: Arc<Ledger>,
        rules: Vec<RetentionRule>,
        grace: Duration,
        every: Duration,
        note: Note,
        fatal: Note,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new().name("retention".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || run(&ledger, (&rules, grace), &shared, every, (&note, &fatal))
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Ends it and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        *self.shared.stopped() = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported by its own thread; the log is as it was.
            drop(thread.join());
        }
    }
}

impl Drop for DailyExpiry {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(
    ledger: &Ledger,
    rules: (&[RetentionRule], Duration),
    shared: &Shared,
    every: Duration,
    (note, fatal): (&Note, &Note),
) {
    let (mut done_on, mut goes_at, mut told, mut told_of_systems) =
        (None, None, String::new(), String::new());
    let mut told_of_waiting = String::new();
    loop {
        match ledger.purge_due() {
            Ok(purge) => tell_of_systems(&purge, &mut told_of_systems, note),
            Err(error @ LedgerError::Fatal(_)) => return fatal(&error.to_string()),
            Err(error) => {
                say_once(
                    &mut told_of_systems,
                    format!("systems whose deletion is due stay: {error}; trying again"),
                    note,
                );
            }
        }
        let now = ledger.shared.clock.now();
        let today = now.0 / MICROS_PER_DAY;
        if done_on != Some(today) || goes_at.is_some_and(|at| at <= now) {
            end_backups(ledger, note);
            match expire(ledger, rules, note) {
                Ok(waiting) => {
                    (done_on, goes_at) = (Some(today), waiting.goes_at);
                    told.clear();
                    say_once(&mut told_of_waiting, waiting.lines.join("; "), note);
                }
                Err(error @ LedgerError::Fatal(_)) => return fatal(&error.to_string()),
                Err(error) => {
                    let line = format!("retention: what is due has not all gone: {error}; trying again");
                    say_once(&mut told, line, note);
                }
            }
        }
        if shared.pause(every) {
            return;
        }
    }
}

/// Destroys the keys of backups whose day is over; what cannot be destroyed is tried again tomorrow and at the next start.
fn end_backups(ledger: &Ledger, note: &Note) {
    match ledger.reader().end_backups() {
        Ok(ended) => ended.lines().iter().for_each(|line| note(line)),
        Err(error) => note(&format!("the keys of backups whose day is over are still there: {error}")),
    }
}

/// What goes later, by rules that are young.
#[derive(Default)]
struct Later {
    goes_at: Option<Micros>,
    lines: Vec<String>,
}

/// Puts the rules on record and lets go what they and the ones before them let go.
fn expire(
    ledger: &Ledger,
    (rules, grace): (&[RetentionRule], Duration),
    note: &Note,
) -> Result<Later, LedgerError> {
    ledger.record_rules(rules)?;
    let plan = ledger.reader().plan(rules, grace)?;
    let mut later = Later::default();
    ledger.expire_due(&plan, |expired| {
        tell(&expired, note);
        let Some(waiting) = expired.expiry.waiting else { return };
        later.goes_at = Some(later.goes_at.map_or(waiting.from, |at: Micros| at.min(waiting.from)));
        let rule = &expired.expiry.rule;
        later.lines.push(format!(
            "retention: {} keys of class {}{} go from {} on, when the rule of {} months has been on record for its time of grace. To keep them, set the \
             rule back as it was and start the server again",
            waiting.keys,
            rule.class,
            rule.system.map(|system| format!(" of system {system}")).unwrap_or_default(),
            waiting.from,
            rule.months
        ));
    })?;
    Ok(later)
}

/// Says `line`, unless it was the last thing said or is empty.
fn say_once(told: &mut String, line: String, note: &Note) {
    if line != *told {
        if !line.is_empty() {
            note(&line);
        }
        *told = line;
    }
}

fn tell_of_systems(purge: &Purge, told: &mut String, note: &Note) {
    for (system, erasure) in &purge.purged {
        note(&format!("the deletion of system {system} is carried out: {} units have gone", erasure.units));
    }
    let held: Vec<String> =
        purge.held.iter().map(|(system, why)| format!("system {system} stays: {why}")).collect();
    if held.is_empty() {
        told.clear();
    } else {
        say_once(told, held.join("; "), note);
    }
}

fn tell(expired: &Expired, note: &Note) {
    let Expired { expiry, erasure } = expired;
    let class = &expiry.rule.class;
    if erasure.keys > 0 {
        note(&format!(
            "retention: {} units of class {class} up to {} have gone after their time, {} orders on record",
            erasure.units,
            expiry.until,
            erasure.orders.len()
        ));
    }
    if expiry.held > 0 {
        note(&format!(
            "retention: {} keys of class {class} stay beyond their time under {} legal holds",
            expiry.held,
            expiry.holds.len()
        ));
    }
}
