//! The views on top of a held log.
//!
//! Promises: nothing is asked of the views before they have read the whole log. Must never: touch the log when the views fail; they can
//! always be made again from it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_ledger::Ledger;
use tabellion_views::Views;

use crate::failure::Failure;
use crate::terminal;

/// How long the views may take to read the log at a start: a minute for each million records, with much room.
const CATCH_UP: Duration = Duration::from_mins(30);

/// Starts the views of `ledger` in `dir` and waits until they have read all of it.
pub(crate) fn start_views(ledger: &Ledger, dir: &Path) -> Result<Views, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "the views cannot be read: {error}. The log is not affected: run tabellion rebuild"
        ))
    };
    let views = Views::start(ledger.reader().clone(), dir, Arc::new(terminal::say))
        .map_err(|error| failed(&error))?;
    views.wait_for(ledger.reader().size(), Instant::now() + CATCH_UP).map_err(|error| failed(&error))?;
    Ok(views)
}
