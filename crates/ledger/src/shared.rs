//! What the committer, the keeper and every reader of one open log share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tabellion_tlog::SignedCheckpoint;

use crate::clock::{Clock, LogTime};
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::hybrid::Hybrid;
use crate::keyring::KeyAccess;
use crate::ledger::OpenOptions;
use crate::room::Room;
use crate::state::LogState;
use crate::vault::KeyTable;
use crate::wal::spare::Spare;

/// Everything of an open log that is not the committer's alone.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What commits are dated by.
    pub(crate) time: LogTime,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: KeyAccess,
    pub(crate) erase_by_two: bool,
    pub(crate) state: RwLock<LogState>,
    pub(crate) vault: Mutex<KeyTable>,
    /// Checkpoint of the newest commit.
    pub(crate) checkpoint: RwLock<Arc<str>>,
    /// The newest checkpoint that witnesses have cosigned.
    pub(crate) cosigned: RwLock<Option<Arc<SignedCheckpoint>>>,
    /// The key of the second signature on checkpoints that are handed out.
    pub(crate) hybrid: RwLock<Option<Arc<Hybrid>>>,
    /// Whether a witness's conflict was found; the log's state says so too, once its record is durable.
    pub(crate) stopped: AtomicBool,
    pub(crate) log_number: u32,
    /// The next segment, made ready.
    pub(crate) spare: Spare,
    /// What is promised of the space there is.
    pub(crate) room: Room,
    /// Size of segments made from now on.
    pub(crate) segment_bytes: u64,
    /// The committed size, for those who wait until it grows.
    growth: Mark,
    /// Size of the newest cosigned checkpoint, likewise.
    pub(crate) cosigned_size: Mark,
}

/// A size that only grows, and those who wait until it does.
#[derive(Default)]
pub(crate) struct Mark {
    size: Mutex<u64>,
    grown: Condvar,
}

impl Mark {
    /// Says that it is `size` now.
    pub(crate) fn set(&self, size: u64) {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = size;
        self.grown.notify_all();
    }

    /// The size, as soon as it is above `known` or `patience` is over.
    pub(crate) fn wait_above(&self, known: u64, patience: Duration) -> u64 {
        let guard = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.grown.wait_timeout_while(guard, patience, |size| *size <= known);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
        state: LogState,
        vault: KeyTable,
        checkpoint: String,
    ) -> Self {
        let growth = Mark::default();
        growth.set(state.size());
        Self {
            disk,
            clock: Arc::clone(&options.clock),
            time: LogTime::new(Arc::clone(&options.clock), state.committed_at),
            entropy: Arc::clone(&options.entropy),
            keys: options.keys.clone(),
            erase_by_two: options.erase_by_two.contains(&state.env),
            state: RwLock::new(state),
            vault: Mutex::new(vault),
            checkpoint: RwLock::new(checkpoint.into()),
            cosigned: RwLock::default(),
            hybrid: RwLock::default(),
            stopped: AtomicBool::new(false),
            log_number: 0,
            spare: Spare::default(),
            room: Room::default(),
            segment_bytes: options.segment_bytes,
            growth,
            cosigned_size: Mark::default(),
        }
    }

    /// The vault's key table. A panic while it was held cannot leave it half-changed: every change is made by one call.
    pub(crate) fn vault(&self) -> MutexGuard<'_, KeyTable> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the log has `size` entries now.
    pub(crate) fn grew(&self, size: u64) {
        self.growth.set(size);
    }

    /// The committed size, as soon as it is above `known` or `patience` is over.
    pub(crate) fn wait_for_more(&self, known: u64, patience: Duration) -> u64 {
        self.growth.wait_above(known, patience)
    }
}
