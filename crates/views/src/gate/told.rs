//! Who is told of each new snapshot, so that nobody has to look again and again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Gate;

/// Told of a snapshot; answers whether it wants to hear of the next.
pub(super) type Listener = Box<dyn Fn(&Gate) -> bool + Send>;

/// Those who are told.
#[derive(Default)]
pub(super) struct Told(Mutex<Vec<Listener>>);

impl Told {
    /// Tells everybody of `gate`.
    pub(super) fn tell(&self, gate: &Gate) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|listener| listener(gate));
    }

    /// One more, who is told of the newest at once: taken while nobody else is told, so that none is missed and an older one never comes last.
    pub(super) fn add(&self, listener: Listener, newest: impl FnOnce() -> Arc<Gate>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if listener(&newest()) {
            told.push(listener);
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}
