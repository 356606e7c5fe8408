//! A disk whose syncs wait for the test, or fail, and whose space ends where the test says.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tabellion_ledger::disk::Disk;
use tabellion_testkit::{Change, Fate, HookedDisk};

/// How long a test waits for what must happen; a healthy run needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    held: bool,
    waiting: usize,
    fails: bool,
    /// Below this path nothing can be written; how often that was said.
    full: Option<(&'static str, usize)>,
}

/// Holds syncs. Clones are the same hold.
#[derive(Clone, Default)]
pub(crate) struct Hold(Arc<(Mutex<State>, Condvar)>);

impl Hold {
    /// From now on a sync waits until [`Hold::release`].
    pub(crate) fn hold(&self) {
        self.change(|state| state.held = true);
    }

    /// Lets syncs go on.
    pub(crate) fn release(&self) {
        self.change(|state| state.held = false);
    }

    /// From now on a sync fails: the ledger no longer knows what is on the disk.
    pub(crate) fn fail(&self) {
        self.change(|state| {
            state.fails = true;
            state.held = false;
        });
    }

    /// Waits until a sync waits.
    pub(crate) fn reached(&self) {
        let (state, changed) = &*self.0;
        let state = state.lock().expect("no test panics with this lock");
        let (state, late) =
            changed.wait_timeout_while(state, PATIENCE, |state| state.waiting == 0).expect("not poisoned");
        assert!(!late.timed_out() && state.waiting > 0, "no record was on its way to the disk");
    }

    fn change(&self, with: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.0;
        with(&mut state.lock().expect("no test panics with this lock"));
        changed.notify_all();
    }

    /// From now on there is no space below `path`, until [`Hold::give_space`].
    pub(crate) fn take_space(&self, path: &'static str) {
        self.change(|state| state.full = Some((path, 0)));
    }

    /// There is space again.
    pub(crate) fn give_space(&self) {
        self.change(|state| state.full = None);
    }

    /// Waits until a write found no space.
    pub(crate) fn found_full(&self) {
        let (state, changed) = &*self.0;
        let state = state.lock().expect("no test panics with this lock");
        let none = |state: &mut State| state.full.is_none_or(|(_, refused)| refused == 0);
        let (state, late) = changed.wait_timeout_while(state, PATIENCE, none).expect("not poisoned");
        assert!(!late.timed_out() && state.full.is_some(), "nothing needed the space that was taken");
    }

    /// `inner` with its syncs and its space under this hold.
    pub(crate) fn over(&self, inner: Arc<dyn Disk>) -> Arc<dyn Disk> {
        let hold = self.clone();
        Arc::new(HookedDisk::new(inner, move |path, change| {
            match change {
                Change::Sync => hold.pass()?,
                Change::Write | Change::Allocate => hold.fill(path)?,
            }
            Ok(Fate::Made)
        }))
    }

    fn fill(&self, path: &str) -> io::Result<()> {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("no test panics with this lock");
        let Some((full, refused)) = &mut state.full else { return Ok(()) };
        if !path.starts_with(*full) {
            return Ok(());
        }
        *refused += 1;
        changed.notify_all();
        Err(io::ErrorKind::StorageFull.into())
    }

    fn pass(&self) -> io::Result<()> {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("no test panics with this lock");
        state.waiting += 1;
        changed.notify_all();
        let (mut state, _) =
            changed.wait_timeout_while(state, PATIENCE, |state| state.held).expect("not poisoned");
        state.waiting -= 1;
        if state.fails { Err(io::Error::other("the test lets this sync fail")) } else { Ok(()) }
    }
}
