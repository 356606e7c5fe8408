//! Everything that follows a commit without anyone waiting for it: the head record, the published checkpoint, tiles and bundles.
//!
//! Promises: the head is written and synced soon after each commit; a checkpoint is published at most once a second; tiles and bundles are
//! made from committed batches only and a derived file that exists already has these very bytes. Must never: delay a commit, or publish
//! anything that is not durable.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tabellion_tlog::Hash;

use crate::derive;
use crate::error::LedgerError;
use crate::head::HeadFile;
use crate::shared::Shared;

/// Shortest time between two syncs of the head: recovery needs a recent one, not each one.
const HEAD_INTERVAL: Duration = Duration::from_millis(100);
/// Shortest time between two published checkpoints (design: at most one a second).
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);

/// Where the log stands after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadPlace {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) segment: u32,
    /// Offset at which the next batch would start.
    pub(crate) end: u64,
}

/// What the committer hands over.
#[derive(Default)]
pub(crate) struct Inbox {
    head: Option<HeadPlace>,
    stop: bool,
    /// Why the keeper's thread ended before it was told to.
    failed: Option<String>,
}

/// Handle to the keeper's thread.
pub(crate) struct Keeper {
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// The committer's side: where the newest head goes.
pub(crate) enum HeadSink {
    /// To the keeper's thread, which writes and syncs it soon.
    Keeper(Arc<(Mutex<Inbox>, Condvar)>),
    /// Written at once, not synced: for one-shot commands and for simulated disks, where no thread may interleave.
    Inline(HeadFile),
}

impl HeadSink {
    /// Hands over the newest head. It only sharpens recovery's verdict, so nobody waits for it; but a disk that refuses it is not to be
    /// trusted with the next batch.
    pub(crate) fn put(&mut self, head: HeadPlace) -> Result<(), LedgerError> {
        match self {
            Self::Keeper(inbox) => {
                let mut guard = inbox.0.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(failed) = &guard.failed {
                    return Err(LedgerError::Fatal(failed.clone()));
                }
                guard.head = Some(head);
                inbox.1.notify_one();
                Ok(())
            }
            Self::Inline(file) => file
                .write(head.segment, head.end, head.size, head.root)
                .map_err(|error| LedgerError::fatal_io("writing head failed", &error)),
        }
    }
}

impl Keeper {
    pub(crate) fn start(shared: Arc<Shared>, head: HeadFile) -> io::Result<Self> {
        let inbox = Arc::new((Mutex::new(Inbox::default()), Condvar::new()));
        let theirs = Arc::clone(&inbox);
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            let ended = run(&shared, head, &theirs);
            if let Err(error) = &ended {
                let text =
                    format!("writing head failed: {error}. The ledger stops here; start again to recover");
                theirs.0.lock().unwrap_or_else(PoisonError::into_inner).failed = Some(text);
            }
            ended
        })?;
        Ok(Self { inbox, thread: Some(thread) })
    }

    pub(crate) fn sink(&self) -> HeadSink {
        HeadSink::Keeper(Arc::clone(&self.inbox))
    }

    /// Writes what is left and ends the thread.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.inbox.0.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.inbox.1.notify_one();
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the keeper's thread panicked")))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // A ledger that is dropped without being closed lost nothing; there is nobody left to tell about a failure here.
        let _ = self.stop();
    }
}

fn run(shared: &Shared, mut head_file: HeadFile, inbox: &(Mutex<Inbox>, Condvar)) -> io::Result<()> {
    let mut published = Instant::now().checked_sub(PUBLISH_INTERVAL).unwrap_or_else(Instant::now);
    let (mut unpublished, mut behind) = (true, true);
    loop {
        let due =
            if behind { Some(Instant::now()) } else { unpublished.then_some(published + PUBLISH_INTERVAL) };
        let (head, stop) = wait(inbox, due);
        if let Some(head) = head {
            head_file.write(head.segment, head.end, head.size, head.root)?;
            head_file.sync()?;
            unpublished = true;
        }
        if unpublished && (stop || published.elapsed() >= PUBLISH_INTERVAL) {
            published = Instant::now();
            unpublished = is_put_off(derive::publish(shared).map(|()| false))?;
            behind = true;
        }
        if behind {
            behind = is_put_off(derive::advance(shared))?;
        }
        if !stop && !shared.spare.is_ready() {
            make_spare(shared)?;
        }
        if stop {
            return Ok(());
        }
        pause(inbox);
    }
}

/// Makes the next segment ready. A full disk puts it off; what that means for appends is for the committer.
fn make_spare(shared: &Shared) -> io::Result<()> {
    match shared.spare.prepare(shared.disk.as_ref(), shared.segment_bytes, true) {
        Err(error) if is_full(&error) => Ok(()),
        done => done,
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether there is more to do. What is derived can be made again, so a full disk only puts it off.
fn is_put_off(done: io::Result<bool>) -> io::Result<bool> {
    match done {
        Err(error) if is_full(&error) => Ok(true),
        done => done,
    }
}

/// Waits for a head, the end, or `until`.
fn wait(inbox: &(Mutex<Inbox>, Condvar), until: Option<Instant>) -> (Option<HeadPlace>, bool) {
    let (lock, wake) = inbox;
    let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
    while guard.head.is_none() && !guard.stop {
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(left) if left.is_zero() => break,
            Some(left) => guard = wake.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0,
            None => guard = wake.wait(guard).unwrap_or_else(PoisonError::into_inner),
        }
    }
    (guard.head.take(), guard.stop)
}

/// Lets [`HEAD_INTERVAL`] pass, unless the end is asked for.
fn pause(inbox: &(Mutex<Inbox>, Condvar)) {
    let (lock, wake) = inbox;
    let until = Instant::now() + HEAD_INTERVAL;
    let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
    while !guard.stop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        guard = wake.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}
