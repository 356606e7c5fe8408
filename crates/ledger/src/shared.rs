//! What the committer, the keeper and every reader of one open log share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use tabellion_model::Micros;
use tabellion_tlog::SignedCheckpoint;

use crate::clock::{Clock, LogTime};
use crate::disk::{Disk, DiskFile};
use crate::entropy::Entropy;
use crate::error::LedgerError;
use crate::hybrid::Hybrid;
use crate::in_place::{self, HeldLock};
use crate::keyring::KeyAccess;
use crate::ledger::OpenOptions;
use crate::read::ReadFault;
use crate::room::Room;
use crate::state::LogState;
use crate::vault::KeyTable;
use crate::wal::segment::segment_path;
use crate::wal::spare::Spare;

/// Checkpoints kept in memory, half a kilobyte each: of as many commits as happen while an answer with its proof is written.
const NEWEST_CHECKPOINTS: usize = 1024;

/// Everything of an open log that is not the committer's alone.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What commits are dated by.
    pub(crate) time: LogTime,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: KeyAccess,
    /// Whether this process was opened so that erasures take two people; [`crate::Ledger::erases_by_two`] asks the log as well.
    pub(crate) configured_by_two: bool,
    /// What keeps a second writer out.
    pub(crate) lock: HeldLock,
    pub(crate) state: RwLock<LogState>,
    pub(crate) vault: Mutex<KeyTable>,
    /// The segment that is being written and its file, for whoever asks whether it still stands under its name.
    segment: Mutex<Option<(u32, Arc<dyn DiskFile>)>>,
    /// Why nothing could be recorded, and when that was; `None` once something was recorded again.
    refused: Mutex<Option<(Micros, String)>>,
    /// What was found damaged after the start; nothing is appended any more.
    damaged: OnceLock<String>,
    /// The latest time, microseconds since 1970, at which this process found the clock in no doubt.
    pub(crate) clock_seen: AtomicU64,
    /// The latest that the clocks of others told this process.
    pub(crate) outside_time: AtomicU64,
    /// Whether a file of postings could not be read: then this process saves nothing more, and the next start makes them again.
    pub(crate) postings_failed: AtomicBool,
    /// Log size of the newest saved state; 0 without one.
    pub(crate) saved_size: AtomicU64,
    /// Saves that failed since the one before that did not.
    pub(crate) saves_failed: AtomicU64,
    /// Checkpoint of the newest commit.
    pub(crate) checkpoint: RwLock<Arc<str>>,
    /// Those of the commits before it, newest last, by log size.
    pub(crate) newest_checkpoints: RwLock<VecDeque<(u64, Arc<str>)>>,
    /// The newest checkpoint that witnesses have cosigned.
    pub(crate) cosigned: RwLock<Option<Arc<SignedCheckpoint>>>,
    /// The key of the second signature on checkpoints that are handed out.
    pub(crate) hybrid: RwLock<Option<Arc<Hybrid>>>,
    /// Held from a change of that key to its effect, so that two changes take effect in the order of their records.
    pub(crate) second_key_change: Mutex<()>,
    /// Held while the vault's keys are moved to another wrapping key.
    pub(crate) vault_rotation: Mutex<()>,
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
        lock: HeldLock,
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
            configured_by_two: options.erase_by_two.contains(&state.env),
            lock,
            state: RwLock::new(state),
            vault: Mutex::new(vault),
            segment: Mutex::default(),
            refused: Mutex::default(),
            damaged: OnceLock::new(),
            clock_seen: AtomicU64::new(0),
            outside_time: AtomicU64::new(0),
            postings_failed: AtomicBool::new(false),
            saved_size: AtomicU64::new(0),
            saves_failed: AtomicU64::new(0),
            checkpoint: RwLock::new(checkpoint.into()),
            newest_checkpoints: RwLock::default(),
            cosigned: RwLock::default(),
            hybrid: RwLock::default(),
            second_key_change: Mutex::default(),
            vault_rotation: Mutex::default(),
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

    /// The log's state, to be read. A panic while it was held leaves it as the last whole step made it.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, LogState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to be changed.
    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, LogState> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `checkpoint`, of `size` entries, the newest.
    pub(crate) fn set_checkpoint(&self, size: u64, checkpoint: Arc<str>) {
        let mut newest = self.newest_checkpoints.write().unwrap_or_else(PoisonError::into_inner);
        if newest.len() == NEWEST_CHECKPOINTS {
            newest.pop_front();
        }
        newest.push_back((size, Arc::clone(&checkpoint)));
        drop(newest);
        *self.checkpoint.write().unwrap_or_else(PoisonError::into_inner) = checkpoint;
    }

    /// The checkpoint of `size` entries as it stands in the log, when it is one of the newest.
    pub(crate) fn newest_checkpoint(&self, size: u64) -> Option<Arc<str>> {
        let newest = self.newest_checkpoints.read().unwrap_or_else(PoisonError::into_inner);
        let at = newest.binary_search_by_key(&size, |(size, _)| *size).ok()?;
        newest.get(at).map(|(_, checkpoint)| Arc::clone(checkpoint))
    }

    /// Says that segment `number` is written from now on.
    pub(crate) fn writes_into(&self, number: u32, file: &Arc<dyn DiskFile>) {
        let mut segment = self.segment.lock().unwrap_or_else(PoisonError::into_inner);
        if segment.as_ref().is_none_or(|(known, _)| *known != number) {
            *segment = Some((number, Arc::clone(file)));
        }
    }

    /// Refuses when the lock, the segment being written or the vault's table no longer stands under its name.
    pub(crate) fn in_place(&self) -> Result<(), LedgerError> {
        let disk = self.disk.as_ref();
        self.lock.check(disk)?;
        let segment = self.segment.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((number, file)) = segment {
            in_place::check(disk, &segment_path(number), file.as_ref())?;
        }
        self.vault().in_place(disk)
    }

    /// Notes that committed entries are damaged.
    pub(crate) fn damage(&self, what: &str) -> LedgerError {
        let text = self.damaged.get_or_init(|| {
            format!(
                "{what}: the disk changed or lost what was committed, and nothing more is recorded. Run tabellion fsck for the full list, then restore the \
                 directory from a backup"
            )
        });
        LedgerError::Fatal(text.clone())
    }

    /// What a reading that failed means: what lies on the disk and is not what was committed stops the log, also when a reader meets it first.
    pub(crate) fn fault(&self, fault: ReadFault) -> LedgerError {
        match fault {
            ReadFault::Unreadable(why) => LedgerError::Unavailable(why),
            ReadFault::Damaged(what) => self.damage(&what),
        }
    }

    /// Fails once damage was found.
    pub(crate) fn undamaged(&self) -> Result<(), LedgerError> {
        self.damaged.get().map_or(Ok(()), |what| Err(LedgerError::Fatal(what.clone())))
    }

    /// Notes why nothing could be recorded now, or that something was.
    pub(crate) fn note_refused(&self, why: Option<String>) {
        let noted = why.map(|why| (self.clock.now(), why));
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = noted;
    }

    /// Why nothing could be recorded when that was tried last, and when.
    pub(crate) fn refused(&self) -> Option<(Micros, String)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
