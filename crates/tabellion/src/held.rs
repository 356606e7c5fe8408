//! A log that this process holds, with what works on it.
//!
//! Promises: one desk and one set of views for the whole process, whoever asks; the views end before the log is closed. Must never: open a
//! second one beside it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tabellion_app::work::observing::ObservationRules;
use tabellion_app::work::{Desk, OnFatal, PolicyFault, Tools, VIEWS_WITHIN};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{Ledger, LedgerError, OsEntropy, SystemClock};
use tabellion_model::register::Registers;
use tabellion_views::Views;

use crate::data_path::start_views;
use crate::failure::Failure;

/// A held log.
pub(crate) struct Held {
    pub(crate) ledger: Arc<Ledger>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    on_fatal: OnFatal,
    observation: ObservationRules,
    upstreams: Vec<String>,
    /// Started when they are first asked for: most commands need none.
    views: Mutex<Option<Arc<Views>>>,
    /// Likewise.
    desk: Mutex<Option<Arc<Desk>>>,
}

impl Held {
    /// Holds `ledger`, whose files are in the data directory `dir`, which `disk` reads and writes; `on_fatal` is told when it stops for good. Policies are
    /// observed as `observation` says; `upstreams` are those that the configuration names.
    pub(crate) fn new(
        ledger: Ledger,
        disk: Arc<dyn Disk>,
        dir: &Path,
        on_fatal: OnFatal,
        observation: ObservationRules,
        upstreams: Vec<String>,
    ) -> Self {
        Self {
            ledger: Arc::new(ledger),
            disk,
            dir: dir.to_owned(),
            on_fatal,
            observation,
            upstreams,
            views: Mutex::default(),
            desk: Mutex::default(),
        }
    }

    /// Its files.
    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Its data directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The views, which have read the whole log.
    pub(crate) fn views(&self) -> Result<Arc<Views>, Failure> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(views) = views.as_ref() {
            return Ok(Arc::clone(views));
        }
        let started = start_views(&self.ledger, &self.dir)?;
        Ok(Arc::clone(views.insert(Arc::new(started))))
    }

    /// The desk.
    pub(crate) fn desk(&self) -> Result<Arc<Desk>, Failure> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desk.as_ref() {
            return Ok(Arc::clone(desk));
        }
        let views = self.views()?;
        let tools = Tools {
            disk: Arc::clone(&self.disk),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            registers: Registers::built_in().map_err(|fault| Failure::failed(fault.to_string()))?,
            check_policy: Arc::new(check_policy),
            observation: self.observation,
            on_fatal: Arc::clone(&self.on_fatal),
            views_within: VIEWS_WITHIN,
        };
        let opened = Desk::open(Arc::clone(&self.ledger), views, tools);
        opened.know_upstreams(self.upstreams.clone());
        Ok(Arc::clone(desk.insert(Arc::new(opened))))
    }

    /// Ends the views, unless somebody still works with them, and then the log's epoch.
    pub(crate) fn close(&self) -> Result<(), LedgerError> {
        drop(self.desk.lock().unwrap_or_else(PoisonError::into_inner).take());
        drop(self.views.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.ledger.close()
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
