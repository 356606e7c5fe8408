//! A pause that the test ends: the upstream arrives and waits, the test sees it there, looks around, and opens.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::PATIENCE;

/// A gate in an answer. Clones are the same gate; once open, it stays open.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    arrived: bool,
    open: bool,
}

impl Gate {
    /// A closed gate at which nobody has arrived.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until an answer has arrived at the gate, so that all its bytes before the gate are sent; says whether one did
    /// within [`PATIENCE`].
    #[must_use]
    pub fn reached(&self) -> bool {
        self.wait(|state| state.arrived)
    }

    /// Lets every answer through, those that wait and those to come.
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    /// Arrives and waits until it is open; says whether it opened within [`PATIENCE`].
    pub(super) fn pass(&self) -> bool {
        self.change(|state| state.arrived = true);
        self.wait(|state| state.open)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, with: impl FnOnce(&mut State)) {
        with(&mut self.state());
        self.0.1.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while !until(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.0.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
