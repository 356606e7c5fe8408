//! A thread that looks, on a clock of its own, whether what happened asks for a new look at approved items, whether a share of a budget was passed, whether
//! traffic shows what nobody declared, whether numbers of a source are missing, and whether the number of a rule crossed its threshold.
//!
//! Promises: looks at items and budgets only when something was recorded since; what it records it records once, also after a restart; ends when it is told to or dropped.
//! Must never: be waited for by a call or a request.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::refresh::Settled;
use crate::refusal::Refusal;
use crate::work::Desk;
use crate::work::rule_watch::RULES_EVERY;

/// Takes lines for the operator.
type Note = Arc<dyn Fn(&str) + Send + Sync>;

/// How often invoices are held against the calls again: what changes their sums are corrected prices and late ends of calls, of which nobody waits for a finding.
const INVOICES_EVERY: Duration = Duration::from_mins(30);

/// The running watch.
pub struct Watch {
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

impl Watch {
    /// How often it looks, when nobody says otherwise: soon enough for a person, rare enough to cost nothing.
    pub const EVERY: Duration = Duration::from_secs(5);

    /// Starts to look at `desk`, at once and then `every` so often. What fails is told to `note` and tried again.
    pub fn start(desk: Arc<Desk>, every: Duration, note: Note) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new().name("register-watch".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || run(&desk, &shared, every, &note)
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

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(desk: &Desk, shared: &Shared, every: Duration, note: &Note) {
    let mut settled = Settled::default();
    let mut looked_at = None;
    let mut told = String::new();
    let mut told_of_sources = String::new();
    let mut told_of_budgets = String::new();
    let mut told_of_findings = String::new();
    let mut rules = Rules { due: Instant::now(), told: String::new() };
    let (mut invoices_due, mut told_of_invoices) = (Instant::now(), String::new());
    loop {
        let size = desk.ledger().reader().size();
        if looked_at != Some(size) {
            match desk.open_refreshes_after(&mut settled) {
                Ok(_) => {
                    looked_at = Some(size);
                    told.clear();
                }
                Err(refusal) => tell("registers", &refusal, &mut told, note),
            }
            if let Err(refusal) = desk.cross_budgets() {
                looked_at = None;
                tell("budgets", &refusal, &mut told_of_budgets, note);
            }
            for refusal in [desk.reconcile_usage(), desk.open_unknowns()].into_iter().filter_map(Result::err)
            {
                looked_at = None;
                tell("findings", &refusal, &mut told_of_findings, note);
            }
        }
        if let Err(refusal) = desk.name_gaps() {
            tell("sources", &refusal, &mut told_of_sources, note);
        }
        rules.look(desk, note);
        if Instant::now() >= invoices_due {
            if let Err(refusal) = desk.reconcile_invoices() {
                tell("invoices", &refusal, &mut told_of_invoices, note);
            }
            invoices_due = Instant::now() + INVOICES_EVERY;
        }
        if shared.pause(every) {
            return;
        }
    }
}

/// When rules are looked at next. Their windows move on while nothing is recorded.
struct Rules {
    due: Instant,
    told: String,
}

impl Rules {
    /// Looks at them when it is time. What took long is done less often: rules take at most a fifth of one core.
    fn look(&mut self, desk: &Desk, note: &Note) {
        let begun = Instant::now();
        if begun < self.due {
            return;
        }
        match desk.look_at_rules() {
            Ok(_) => self.told.clear(),
            Err(refusal) => tell("rules", &refusal, &mut self.told, note),
        }
        self.due = Instant::now() + RULES_EVERY.max(begun.elapsed() * 4);
    }
}

/// Says what is not watched and why, once as long as it stays the same.
fn tell(what: &str, refusal: &Refusal, told: &mut String, note: &Note) {
    let line = format!("{what} are not watched: {refusal}; trying again");
    if line != *told {
        note(&line);
        *told = line;
    }
}
