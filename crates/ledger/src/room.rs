//! Room that is promised: a record that must follow another one is recorded even when the disk fills up in between.
//!
//! Promises: while a [`Reservation`] is held, the log keeps that much of its own preallocated space free of everything that has none. Half a
//! segment is kept for this; when the current segment is half full and no spare can be made, plain appends are refused and reserved ones
//! go on. Must never: be counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::commit::SEAL_RESERVE;
use crate::error::LedgerError;
use crate::shared::Shared;
use crate::wal::BATCH_ALIGN;

/// What is promised, and whether more can be.
#[derive(Default)]
pub(crate) struct Room {
    /// Bytes promised.
    promised: AtomicU64,
    /// Set by the committer: neither this segment nor a spare has room for more than the promises.
    tight: AtomicBool,
    /// Set by the committer: this segment has no room for more than the promises and one batch, so that the next is needed.
    runs_out: AtomicBool,
}

impl Room {
    /// Whether the next commit needs more than this segment has.
    pub(crate) fn runs_out(&self) -> bool {
        self.runs_out.load(Ordering::Acquire)
    }

    pub(crate) fn set_runs_out(&self, runs_out: bool) {
        self.runs_out.store(runs_out, Ordering::Release);
    }

    /// Whether plain appends must be refused.
    pub(crate) fn is_tight(&self) -> bool {
        self.tight.load(Ordering::Acquire)
    }

    pub(crate) fn set_tight(&self, tight: bool) {
        self.tight.store(tight, Ordering::Release);
    }

    fn promise(&self, bytes: u64, limit: u64) -> bool {
        self.promised
            .try_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                now.checked_add(bytes).filter(|sum| *sum <= limit)
            })
            .is_ok()
    }
}

/// Bytes of a segment that are kept for promises.
pub(crate) fn kept(segment_bytes: u64) -> u64 {
    segment_bytes / 2
}

/// Room for one append. Clones are the same promise, so that an append that was refused can be tried again in it; it is given back when the last
/// of them is dropped.
#[derive(Clone)]
pub struct Reservation(Arc<Promise>);

struct Promise {
    shared: Arc<Shared>,
    bytes: u64,
    counted: u64,
}

impl Reservation {
    /// Promises room for an append of `bytes` bytes, as if it were alone in its commit.
    pub(crate) fn take(shared: &Arc<Shared>, bytes: u64, segment_bytes: u64) -> Result<Self, LedgerError> {
        let counted = (bytes + SEAL_RESERVE as u64).next_multiple_of(BATCH_ALIGN);
        if shared.room.is_tight() || !shared.room.promise(counted, kept(segment_bytes)) {
            return Err(LedgerError::Unavailable(
                "no room can be promised for the record that ends this: the disk is full or too much is in flight. Nothing was recorded; free \
                 space below the data directory, or try again later"
                    .to_owned(),
            ));
        }
        Ok(Self(Arc::new(Promise { shared: Arc::clone(shared), bytes, counted })))
    }

    /// Bytes of sealed records and units that it has room for.
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.shared.room.promised.fetch_sub(self.counted, Ordering::AcqRel);
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "room for {} bytes", self.0.bytes)
    }
}
