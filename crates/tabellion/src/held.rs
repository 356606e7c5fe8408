//! A log that this process holds, with what works on it.
//!
//! Promises: one desk for the whole process, whoever asks. Must never: open a second one beside it.

use std::sync::{Arc, Mutex, PoisonError};

use tabellion_app::work::{Desk, OnFatal, PolicyFault, Tools};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{Ledger, OsEntropy, SystemClock};

use crate::failure::Failure;

/// A held log.
pub(crate) struct Held {
    pub(crate) ledger: Arc<Ledger>,
    disk: Arc<dyn Disk>,
    on_fatal: OnFatal,
    /// Opened when it is first asked for: most commands need none.
    desk: Mutex<Option<Arc<Desk>>>,
}

impl Held {
    /// Holds `ledger`, whose files are in `disk`; `on_fatal` is told when it stops for good.
    pub(crate) fn new(ledger: Ledger, disk: Arc<dyn Disk>, on_fatal: OnFatal) -> Self {
        Self { ledger: Arc::new(ledger), disk, on_fatal, desk: Mutex::new(None) }
    }

    /// The desk.
    pub(crate) fn desk(&self) -> Result<Arc<Desk>, Failure> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desk.as_ref() {
            return Ok(Arc::clone(desk));
        }
        let tools = Tools {
            disk: Arc::clone(&self.disk),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            check_policy: Arc::new(check_policy),
            on_fatal: Arc::clone(&self.on_fatal),
            passed: Arc::new(|_| Ok(())), // nothing else in this process acts on the log
        };
        let opened = Desk::open(Arc::clone(&self.ledger), tools).map_err(|error| {
            Failure::failed(format!("the views cannot be built: {error}; run tabellion fsck"))
        })?;
        Ok(Arc::clone(desk.insert(Arc::new(opened))))
    }
}

fn check_policy(text: &str) -> Result<Vec<String>, PolicyFault> {
    match tabellion_policy::check(text) {
        Ok(rules) => Ok(rules.into_iter().map(|rule| rule.id).collect()),
        Err(fault) => Err(PolicyFault {
            line: fault.place.line as u64,
            column: fault.place.column as u64,
            what: format!("{}; {}", fault.what, fault.advice),
        }),
    }
}
