//! How far a check has come, and whether somebody wants it to end.
//!
//! Promises: whoever watches is told after every batch or bundle, from whichever thread did it, and can end the check there; nothing was changed
//! then, and the report says where it ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tabellion_model::Entry;

use crate::batches::BatchRef;
use crate::disk::{Disk, OpenMode};
use crate::head::HeadFile;
use crate::recover::Inspect;
use crate::state::LogState;
use crate::wal::batch::Batch;
use crate::wal::segment::{SEGMENT_DIR, segment_number, segment_path};

/// Why a scan ended early; never shown, because whoever reads it knows that it was ended.
const ENDED: &str = "the check was ended";

/// What the numbers of a step count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsckUnit {
    /// Bytes on disk.
    Bytes,
    /// Entries.
    Entries,
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FsckProgress {
    /// What is being looked at.
    pub step: &'static str,
    /// Which step that is, from 1.
    pub number: u8,
    /// How many there are.
    pub steps: u8,
    /// How much of it was looked at.
    pub done: u64,
    /// How much there is; of a log that is being written to, what there was when the step began.
    pub total: u64,
    /// What the two count.
    pub unit: FsckUnit,
}

/// Is told how far a check has come, from any thread; `false` ends the check.
pub type FsckWatch<'a> = &'a (dyn Fn(&FsckProgress) -> bool + Sync);

/// One step of a check.
pub(super) struct Meter<'a> {
    watch: FsckWatch<'a>,
    progress: FsckProgress,
    done: AtomicU64,
    ended: AtomicBool,
}

impl<'a> Meter<'a> {
    pub(super) fn new(
        watch: FsckWatch<'a>,
        step: &'static str,
        (number, steps): (u8, u8),
        (total, unit): (u64, FsckUnit),
    ) -> Self {
        let progress = FsckProgress { step, number, steps, done: 0, total, unit };
        Self { watch, progress, done: AtomicU64::new(0), ended: AtomicBool::new(false) }
    }

    /// Goes on by `more`; `false`: somebody wants an end.
    pub(super) fn goes_on(&self, more: u64) -> bool {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let total = self.progress.total.max(done);
        if !(self.watch)(&FsckProgress { done, total, ..self.progress }) {
            self.ended.store(true, Ordering::Relaxed);
        }
        !self.has_ended()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Where it ended, when somebody ended it.
    pub(super) fn ended_at(&self) -> Option<FsckProgress> {
        let done = self.done.load(Ordering::Relaxed);
        self.has_ended().then_some(FsckProgress { done, ..self.progress })
    }
}

/// Inspects what another one does, and says how far that is.
pub(super) struct Watched<'a> {
    pub(super) inner: &'a mut dyn Inspect,
    pub(super) meter: &'a Meter<'a>,
}

impl Inspect for Watched<'_> {
    fn batch(
        &mut self,
        at: &BatchRef,
        batch: &Batch<'_>,
        entries: &[Entry],
        state: &LogState,
    ) -> Result<(), String> {
        self.inner.batch(at, batch, entries, state)?;
        if self.meter.goes_on(u64::from(at.bytes)) { Ok(()) } else { Err(ENDED.to_owned()) }
    }
}

/// About how many bytes of the segments a scan reads; what cannot be read is named by the scan.
pub(super) fn segment_bytes(disk: &dyn Disk) -> u64 {
    let names = disk.list(SEGMENT_DIR).unwrap_or_default();
    let head = HeadFile::load(disk).ok().flatten();
    let mut total = 0;
    for number in names.iter().filter_map(|name| segment_number(name)) {
        total += match head.as_ref().filter(|head| head.segment == number) {
            Some(head) => head.end,
            None if head.as_ref().is_some_and(|head| head.segment < number) => 0,
            None => disk
                .open(&segment_path(number), OpenMode::Read)
                .and_then(|file| file.len())
                .unwrap_or_default(),
        };
    }
    total
}
