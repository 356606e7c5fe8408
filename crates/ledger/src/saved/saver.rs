//! When a state is saved: whenever reading what came since would take a start about half a second, and at a clean end.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::keyring::Secrets;
use crate::shared::Shared;

/// Entries after which the state is saved again.
const SAVE_AFTER_ENTRIES: u64 = 32_768;
/// Bytes of batches after which it is, however few entries they hold.
const SAVE_AFTER_BYTES: u64 = 64 << 20;
/// Most bytes that are written again and again for each entry: a state that is large itself is saved more seldom.
const BYTES_PER_ENTRY: u64 = 256;
/// Fewer entries than this are not worth a saved state at a clean end.
const WORTH_SAVING: u64 = 4_096;
/// How often the thread looks whether it is to end; and after a save that failed, how long it waits.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// After how many looks it tries again.
const RETRY_LOOKS: u32 = 150;

/// Saves the state of one open log.
pub(crate) struct Saver {
    shared: Arc<Shared>,
    secrets: Arc<Secrets>,
    /// Bytes of the newest saved state.
    bytes: AtomicU64,
    /// One save at a time.
    saving: Mutex<()>,
    stop: AtomicBool,
}

impl Saver {
    /// `saved`: size of the saved state that the log was opened from; 0 without one.
    pub(crate) fn new(shared: Arc<Shared>, secrets: Arc<Secrets>, saved: u64) -> Self {
        shared.saved_size.store(saved, Ordering::Relaxed);
        Self {
            shared,
            secrets,
            bytes: AtomicU64::new(0),
            saving: Mutex::new(()),
            stop: AtomicBool::new(false),
        }
    }

    /// Saves now. `take_up`: whether older runs may be written anew with the newest.
    pub(crate) fn save(&self, take_up: bool) -> io::Result<()> {
        let _one = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let written = super::save(&self.shared, &self.secrets, take_up).inspect_err(|_| {
            self.shared.saves_failed.fetch_add(1, Ordering::Relaxed);
        })?;
        self.shared.saves_failed.store(0, Ordering::Relaxed);
        self.bytes.store(written.bytes, Ordering::Relaxed);
        self.shared.saved_size.store(written.size, Ordering::Relaxed);
        Ok(())
    }

    fn saved(&self) -> u64 {
        self.shared.saved_size.load(Ordering::Relaxed)
    }

    /// Entries that a start would have to read.
    fn behind(&self) -> u64 {
        self.shared.state().size().saturating_sub(self.saved())
    }

    /// Whether reading them would take a start long.
    fn is_due(&self) -> bool {
        let behind = self.behind();
        if self.bytes.load(Ordering::Relaxed) / BYTES_PER_ENTRY > behind {
            return false;
        }
        if behind >= SAVE_AFTER_ENTRIES {
            return true;
        }
        let state = self.shared.state();
        let since = state.batches.ended_by(self.saved());
        state.batches.from(since).map(|batch| u64::from(batch.bytes)).sum::<u64>() >= SAVE_AFTER_BYTES
    }

    /// At a clean end. Nothing is lost where it fails: the next start reads more.
    pub(crate) fn end(&self) {
        if self.behind() >= WORTH_SAVING {
            // Whoever ends a process waits for it: nothing is written twice now.
            let _ = self.save(false);
        }
    }

    /// Saves from time to time, in a thread of its own.
    pub(crate) fn start(self: &Arc<Self>) -> io::Result<SaverThread> {
        let saver = Arc::clone(self);
        let thread = thread::Builder::new().name("state-saver".to_owned()).spawn(move || saver.run())?;
        Ok(SaverThread { saver: Arc::clone(self), thread: Some(thread) })
    }

    fn run(&self) {
        let (mut known, mut wait_looks) = (0, 0);
        while !self.stop.load(Ordering::Relaxed) {
            known = self.shared.wait_for_more(known, LOOK_INTERVAL);
            if wait_looks > 0 {
                wait_looks -= 1;
            } else if self.is_due() && self.save(true).is_err() {
                // A full disk, most likely: what is to be saved can wait, and what is recorded needs the room.
                wait_looks = RETRY_LOOKS;
            }
            // Commits come faster than anybody has to look.
            thread::park_timeout(LOOK_INTERVAL);
        }
    }
}

/// Handle to the thread.
pub(crate) struct SaverThread {
    saver: Arc<Saver>,
    thread: Option<JoinHandle<()>>,
}

impl SaverThread {
    /// Ends the thread, after the save that it may be at.
    pub(crate) fn stop(&mut self) {
        self.saver.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there is no news here: nothing depends on it.
            let _ = thread.join();
        }
    }
}

impl Drop for SaverThread {
    fn drop(&mut self) {
        self.stop();
    }
}
