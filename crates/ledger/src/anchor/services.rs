//! Several services that do the same for one anchor, in the order of the configuration.
//!
//! Promises: one that cannot be reached, is busy or answers what cannot be used is passed over for the next, and who served and who was passed over for what
//! is told. Must never: take from one what another's answer was checked for.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::exchange::Exchange;
use super::{AnchorFault, JobError};

/// Most services of one anchor. Each may take the time of a request before the next is asked, and other anchors wait meanwhile.
pub const MAX_SERVICES: usize = 8;
/// How much is kept of why one was passed over.
const MAX_TEXT_CHARS: usize = 200;

/// Who served since last told, and who was passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// URLs of those whose answer was taken.
    pub served_by: Vec<String>,
    /// Those whose answer was not, with their URL in the text.
    pub passed_over: Vec<JobError>,
}

impl Told {
    /// With what another group of services told.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.served_by.extend(other.served_by);
        self.passed_over.extend(other.passed_over);
        self
    }
}

/// The services.
pub struct Services {
    all: Vec<(String, Box<dyn Exchange>)>,
    told: Mutex<Told>,
}

impl Services {
    /// Of these URLs, each with what reaches it.
    pub fn new(all: Vec<(String, Box<dyn Exchange>)>) -> Self {
        Self { all, told: Mutex::new(Told::default()) }
    }

    /// What is to be told since it was last asked for.
    pub(crate) fn take_told(&self) -> Told {
        mem::take(&mut *self.told())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self, url: &str) {
        let mut told = self.told();
        if !told.served_by.iter().any(|known| known == url) {
            told.served_by.push(url.to_owned());
        }
    }

    /// Asks one after the other until one gives something. `None`: none has it yet. The fault says what was wrong with each.
    pub(crate) fn first<T>(
        &self,
        ask: impl Fn(&dyn Exchange) -> Result<Option<T>, AnchorFault>,
    ) -> Result<Option<T>, AnchorFault> {
        let (mut faults, mut waits) = (Vec::new(), false);
        for (url, exchange) in &self.all {
            match ask(exchange.as_ref()) {
                Ok(Some(value)) => {
                    self.served(url);
                    self.pass_over(&faults);
                    return Ok(Some(value));
                }
                Ok(None) => waits = true,
                Err(fault) => faults.push((url.as_str(), fault)),
            }
        }
        if !waits {
            return Err(together(faults));
        }
        self.pass_over(&faults);
        Ok(None)
    }

    /// Asks all of them. A fault where none of them gives what it is asked for.
    pub(crate) fn each(
        &self,
        mut ask: impl FnMut(&dyn Exchange) -> Result<(), AnchorFault>,
    ) -> Result<(), AnchorFault> {
        let (mut faults, mut served) = (Vec::new(), false);
        for (url, exchange) in &self.all {
            match ask(exchange.as_ref()) {
                Ok(()) => {
                    self.served(url);
                    served = true;
                }
                Err(fault) => faults.push((url.as_str(), fault)),
            }
        }
        if !served {
            return Err(together(faults));
        }
        self.pass_over(&faults);
        Ok(())
    }

    fn pass_over(&self, faults: &[(&str, AnchorFault)]) {
        let mut told = self.told();
        for (url, fault) in faults {
            let text: String = format!("{url}: {fault}").chars().take(MAX_TEXT_CHARS).collect();
            // Of several questions in a row, one word about each service is enough.
            if !told.passed_over.iter().any(|known| known.text == text) {
                told.passed_over.push(JobError { code: fault.code().to_owned(), text });
            }
        }
    }
}

/// One fault of all. An answer that cannot be used outweighs one that did not come: somebody should look.
fn together(mut faults: Vec<(&str, AnchorFault)>) -> AnchorFault {
    if faults.len() < 2 {
        let none = || AnchorFault::Unavailable("no service is configured".to_owned());
        return faults.pop().map_or_else(none, |(_, fault)| fault);
    }
    let texts: Vec<String> = faults.iter().map(|(url, fault)| format!("{url}: {fault}")).collect();
    let text = texts.join("; ");
    let refused = faults.iter().find_map(|(_, fault)| match fault {
        AnchorFault::Refused { code, .. } => Some(*code),
        AnchorFault::Unavailable(_) => None,
    });
    refused.map_or_else(
        || AnchorFault::Unavailable(text.clone()),
        |code| AnchorFault::Refused { code, text: text.clone() },
    )
}
