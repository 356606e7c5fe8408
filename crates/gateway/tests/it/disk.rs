//! A disk whose syncs wait for the test, or fail.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tabellion_ledger::disk::{Disk, DiskFile, OpenMode};

/// How long a test waits for what must happen; a healthy run needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct State {
    held: bool,
    waiting: usize,
    fails: bool,
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

/// Like the disk inside, with its syncs under a [`Hold`].
pub(crate) struct HeldDisk {
    pub(crate) inner: Arc<dyn Disk>,
    pub(crate) hold: Hold,
}

impl Disk for HeldDisk {
    fn open(&self, path: &str, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let file = self.inner.open(path, mode)?;
        Ok(Box::new(HeldFile { file, hold: self.hold.clone() }))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn create_dir_all(&self, dir: &str) -> io::Result<()> {
        self.inner.create_dir_all(dir)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }
}

struct HeldFile {
    file: Box<dyn DiskFile>,
    hold: Hold,
}

impl DiskFile for HeldFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.hold.pass()?;
        self.file.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }
}
