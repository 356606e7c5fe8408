//! The part of the log that a start did not read, because a saved state spoke for it: read in the background, so that damage to it is found as it is by a start
//! that reads everything, only later.
//!
//! Promises: every entry below that size is hashed again and compared with the tree; what does not fit stops the log, and the next start reads everything. Must
//! never: take the disk for itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tabellion_tlog::{CompactRange, leaf_hash};

use crate::error::LedgerError;
use crate::recover::MAX_SEGMENT_BYTES;
use crate::saved;
use crate::shared::Shared;
use crate::tree::BLOCK;
use crate::wal::BATCH_ALIGN;
use crate::wal::segment::{SegmentHeader, segment_path};
use crate::wal::window::Window;

/// Batches after which others get their turn.
const BATCHES_AT_ONCE: u32 = 64;
/// Of the time it takes, this many times as long is left to others.
const REST: u32 = 3;
/// How long to wait before what cannot be read is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads again what lies below one log size.
pub(crate) struct Rereading {
    shared: Arc<Shared>,
    until: u64,
    stop: AtomicBool,
}

impl Rereading {
    /// `until`: log size of the saved state that the log was opened from; 0 where everything was read.
    pub(crate) fn new(shared: Arc<Shared>, until: u64) -> Self {
        Self { shared, until, stop: AtomicBool::new(false) }
    }

    /// Reads it, and gives its size; or says what is damaged, and stops the log. What cannot be read for now is tried again after `patience`, and without any it
    /// ends there.
    pub(crate) fn run(&self, rest: u32, patience: Option<Duration>) -> Result<u64, LedgerError> {
        let mut reading =
            Reading { block: CompactRange::new(0), next: 0, previous: String::new(), begun: Instant::now() };
        let mut number = 0;
        while reading.next < self.until && !self.stop.load(Ordering::Relaxed) {
            let path = segment_path(number);
            let before = reading.clone();
            match (self.segment(&path, number, &mut reading, rest), patience) {
                (Ok(()), _) => number += 1,
                (Err(Fault::Unreadable(_)), Some(patience)) => {
                    // It says nothing of what lies there: a process may have too many files open.
                    reading = before;
                    thread::park_timeout(patience);
                }
                (Err(Fault::Unreadable(error)), None) => {
                    return Err(LedgerError::Unavailable(format!("{path} cannot be read: {error}")));
                }
                (Err(Fault::Damaged(what)), _) => {
                    let error =
                        self.shared.damage(&format!("{path}, entries from {} on: {what}", reading.next));
                    // Where it cannot be removed the next start finds the same again, a little later.
                    let _ = saved::forget(self.shared.disk.as_ref());
                    return Err(error);
                }
            }
        }
        Ok(reading.next)
    }

    /// Reads one segment to its end, or to where the saved state ends.
    fn segment(&self, path: &str, number: u32, reading: &mut Reading, rest: u32) -> Result<(), Fault> {
        let unreadable = Fault::Unreadable;
        let damaged = |what: &str| Fault::Damaged(what.to_owned());
        let mut window =
            Window::open(self.shared.disk.as_ref(), path, MAX_SEGMENT_BYTES).map_err(unreadable)?;
        let page = usize::try_from(BATCH_ALIGN).unwrap_or(usize::MAX);
        let header = SegmentHeader::read(window.at(0, page).map_err(unreadable)?);
        let header = header.filter(|header| header.number == number && header.previous == reading.previous);
        let mut end =
            header.ok_or_else(|| damaged("its header is damaged, or of another segment"))?.frame_bytes;
        let mut checkpoints = Sha256::new();
        let (mut at, mut batches) = (BATCH_ALIGN, 0);
        loop {
            if window.used(end, at).map_err(unreadable)?.is_some() {
                return Err(damaged("there are bytes where nothing was written"));
            }
            let due = self.shared.state().batches.holding(reading.next);
            let Some(due) = due.filter(|due| due.segment == number && due.first < self.until) else { break };
            let batch = window.batch(at).map_err(unreadable)?;
            let batch = batch.filter(|batch| due.offset == at && batch.header.first == due.first);
            let batch = batch.ok_or_else(|| damaged("a batch is damaged"))?;
            for stored in &batch.entries {
                reading.block.push(leaf_hash(stored.entry));
                if reading.block.end().is_multiple_of(BLOCK) {
                    self.compare(&reading.block)?;
                    reading.block = CompactRange::new(reading.block.end());
                }
            }
            checkpoints.update(batch.checkpoint);
            reading.next = due.size_after();
            (end, at) = (at + u64::from(due.bytes), due.end());
            batches += 1;
            if batches % BATCHES_AT_ONCE == 0 {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                thread::park_timeout(reading.begun.elapsed() * rest);
                reading.begun = Instant::now();
            }
        }
        // What follows in this segment where it goes on was read at the start, or written since.
        let next = self.shared.state().batches.holding(reading.next);
        let is_closed = next.is_some_and(|next| next.segment > number);
        let len = window.len();
        if is_closed && window.used(at, len).map_err(unreadable)?.is_some() {
            return Err(damaged("there are bytes behind its last batch"));
        }
        reading.previous = hex::encode(checkpoints.finalize());
        Ok(())
    }

    /// A full block has one node, the tree's own.
    fn compare(&self, block: &CompactRange) -> Result<(), Fault> {
        let (begin, end) = (block.begin(), block.end());
        let kept = self.shared.state().tree.kept_block(begin / BLOCK);
        match (block.nodes(), kept) {
            ([node], Some(kept)) if *node == kept => Ok(()),
            _ => Err(Fault::Damaged(format!("entries {begin}…{} do not hash to the log's tree", end - 1))),
        }
    }

    /// Reads it in a thread of its own; `None` where there is nothing to read.
    pub(crate) fn start(self: &Arc<Self>) -> io::Result<Option<RereadThread>> {
        if self.until == 0 {
            return Ok(None);
        }
        let reading = Arc::clone(self);
        let run = move || drop(reading.run(REST, Some(PATIENCE)));
        let thread = thread::Builder::new().name("reread".to_owned()).spawn(run)?;
        Ok(Some(RereadThread { reading: Arc::clone(self), thread: Some(thread) }))
    }
}

/// Why a segment was not read to its end.
enum Fault {
    Unreadable(io::Error),
    Damaged(String),
}

/// How far it has come.
#[derive(Clone)]
struct Reading {
    /// Leaves of the block that is not full yet.
    block: CompactRange,
    /// The entry that comes next.
    next: u64,
    /// What the next segment's header must name.
    previous: String,
    /// When the present stretch began.
    begun: Instant,
}

/// Handle to the thread.
pub(crate) struct RereadThread {
    reading: Arc<Rereading>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for RereadThread {
    fn drop(&mut self) {
        self.reading.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It says what it finds through the log.
            let _ = thread.join();
        }
    }
}
