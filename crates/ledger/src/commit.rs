//! One commit: stage what fits, seal it, sign the checkpoint, one write, one sync, then say so.
//!
//! Order, and why it may not change: the vault keys that the batch needs are durable first (else acknowledged content could not be read
//! again); then the batch, checkpoint included, in one write; then one sync; only then does any reader or caller learn of it. A failed
//! write or sync is fatal: what is on disk is unknown and the process must end.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tabellion_model::{BatchSeal, Purpose, RecordId, VaultKeyId};
use tabellion_tlog::{Checkpoint, Hash, SignedCheckpoint, leaf_hash};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::{LedgerError, RejectCode};
use crate::holds;
use crate::idempotency;
use crate::keeper::{HeadPlace, HeadSink};
use crate::keyring::{KeyPair, Secrets};
use crate::ledger::OpenOptions;
use crate::numbers::Epoch;
use crate::own_records;
use crate::room::{self, Reservation, Room};
use crate::stage::{Item, Placed, StagedEntry, Staging};
use crate::state::{BatchRef, LogState};
use crate::vault::KeyTable;
use crate::wal::batch::{MAX_BATCH_BYTES, MAX_BATCH_ENTRIES};
use crate::wal::segment::SegmentLog;
use crate::wal::segments::Segments;
use crate::wal::spare::Spare;

/// The keys that this process signs with.
#[derive(Clone)]
pub(crate) struct Signers {
    pub(crate) log: KeyPair,
    pub(crate) writer: KeyPair,
}

/// What an append gets once it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Index of the entry.
    pub index: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Log size of the checkpoint that covers it: the end of its own batch.
    pub size: u64,
    /// Whether the entry had been there before, under the same idempotency key and for the same request.
    pub duplicate: bool,
}

/// Several items that are appended together or not at all.
pub(crate) struct Group {
    pub(crate) items: Vec<Item>,
    /// Room that was promised to it.
    pub(crate) reservation: Option<Reservation>,
}

impl Group {
    /// A group without promised room.
    pub(crate) fn plain(items: Vec<Item>) -> Self {
        Self { items, reservation: None }
    }

    /// Upper bound of the bytes it adds to a batch.
    fn size_bound(&self) -> usize {
        self.items.iter().map(Item::size_bound).sum()
    }

    /// Whether it is within the room promised to it.
    fn has_room(&self) -> bool {
        self.reservation.as_ref().is_some_and(|room| self.size_bound() as u64 <= room.bytes())
    }
}

/// What became of a group once it was decided.
pub type GroupResult = Result<Vec<Ack>, LedgerError>;

/// What one commit did with a group.
#[derive(Debug)]
pub(crate) enum GroupOutcome {
    /// Durable, refused, or failed.
    Answered(GroupResult),
    /// Did not fit, or must wait for this batch: stays for the next one.
    Waits,
}

/// What staging did with a group.
enum GroupPlaced {
    Decided(GroupResult),
    /// The same idempotency key is in this batch.
    AfterThisBatch,
    /// No room; nothing after it may overtake it.
    Full,
}

/// Everything that readers and the committer share.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) state: RwLock<LogState>,
    pub(crate) vault: Mutex<KeyTable>,
    /// Checkpoint of the newest commit.
    pub(crate) checkpoint: RwLock<Arc<str>>,
    pub(crate) log_number: u32,
    /// The next segment, made ready.
    pub(crate) spare: Spare,
    /// What is promised of the space there is.
    pub(crate) room: Room,
    /// Size of segments made from now on.
    pub(crate) segment_bytes: u64,
    /// Locked while the committed size moves, for those who wait for it.
    growth: (Mutex<u64>, Condvar),
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
        state: LogState,
        vault: KeyTable,
        checkpoint: String,
    ) -> Self {
        let growth = (Mutex::new(state.size()), Condvar::new());
        Self {
            disk,
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            state: RwLock::new(state),
            vault: Mutex::new(vault),
            checkpoint: RwLock::new(checkpoint.into()),
            log_number: 0,
            spare: Spare::default(),
            room: Room::default(),
            segment_bytes: options.segment_bytes,
            growth,
        }
    }

    /// Says that the log has `size` entries now.
    fn grew(&self, size: u64) {
        *self.growth.0.lock().unwrap_or_else(PoisonError::into_inner) = size;
        self.growth.1.notify_all();
    }

    /// The committed size, as soon as it is above `known` or `patience` is over.
    pub(crate) fn wait_for_more(&self, known: u64, patience: Duration) -> u64 {
        let (size, grown) = &self.growth;
        let guard = size.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = grown.wait_timeout_while(guard, patience, |size| *size <= known);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The vault's key table. A panic while it was held cannot leave it half-changed: every change is made by one call.
    pub(crate) fn vault(&self) -> MutexGuard<'_, KeyTable> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one writer of a log. Owned by one thread; no lock is held over a write or a sync.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) segments: Segments,
    pub(crate) head: HeadSink,
    pub(crate) signers: Signers,
    /// The epoch that this process opened for the log's own producer.
    pub(crate) own_epoch: Option<u64>,
    /// Set by the first fatal error; nothing is appended afterwards.
    pub(crate) poisoned: Option<String>,
}

/// A batch that is ready to be written.
struct Sealed {
    bytes: Vec<u8>,
    seal: BatchSeal,
    seal_leaf: Hash,
    checkpoint: String,
    entries: Vec<StagedEntry>,
    first: u64,
    adopted: Vec<KeyPair>,
}

impl Committer {
    /// Commits as many of `groups` as fit into one batch, in order; one outcome per group.
    pub(crate) fn commit(&mut self, groups: &mut [Group]) -> Vec<GroupOutcome> {
        if let Some(reason) = &self.poisoned {
            let fatal = || GroupOutcome::Answered(Err(LedgerError::Fatal(reason.clone())));
            return groups.iter().map(|_| fatal()).collect();
        }
        let tight = match self.check_room() {
            Ok(tight) => tight,
            Err(error) => return self.all_refused(groups, &error),
        };
        let shared = Arc::clone(&self.shared);
        let mut outcomes = Vec::with_capacity(groups.len());
        let sealed = {
            let state = shared.state.read().unwrap_or_else(PoisonError::into_inner);
            let vault = shared.vault();
            let mut staging = Staging::new(&state, &vault, state.own_producer(), shared.log_number);
            if let Err(error) = self.open_epoch(&state, &mut staging) {
                return groups.iter().map(|_| GroupOutcome::Answered(Err(error.clone()))).collect();
            }
            let own_entries = staging.entries.len();
            let mut full = false;
            for group in groups.iter_mut() {
                let placed = if full {
                    GroupPlaced::Full
                } else if tight && !group.has_room() {
                    GroupPlaced::Decided(Err(no_space("make room for the next segment")))
                } else {
                    self.place_group(&state, &mut staging, group)
                };
                full = matches!(placed, GroupPlaced::Full);
                outcomes.push(match placed {
                    GroupPlaced::Decided(result) => GroupOutcome::Answered(result),
                    GroupPlaced::AfterThisBatch | GroupPlaced::Full => GroupOutcome::Waits,
                });
            }
            if staging.entries.len() == own_entries {
                return outcomes;
            }
            self.seal(&state, staging)
        };
        if let Err(error) = sealed.and_then(|sealed| self.write(sealed, &mut outcomes)) {
            if let LedgerError::Fatal(reason) = &error {
                self.poisoned = Some(reason.clone());
            }
            for outcome in &mut outcomes {
                if matches!(outcome, GroupOutcome::Answered(Ok(_))) {
                    *outcome = GroupOutcome::Answered(Err(error.clone()));
                }
            }
        }
        outcomes
    }

    /// Sees to it that what was promised has room, and makes a spare segment where nobody did. `true`: there is no room for anything else.
    fn check_room(&mut self) -> Result<bool, LedgerError> {
        let Shared { disk, spare, room, segment_bytes, .. } = self.shared.as_ref();
        let mut tight = !spare.is_ready() && self.segments.left() < room::kept(*segment_bytes);
        if tight {
            match spare.prepare(disk.as_ref(), *segment_bytes, false) {
                Ok(()) => tight = false,
                Err(error) => match full_or_fatal("make room for the next segment", &error) {
                    LedgerError::Unavailable(_) => {}
                    fatal => return Err(fatal),
                },
            }
        }
        room.set_tight(tight);
        Ok(tight)
    }

    fn all_refused(&mut self, groups: &[Group], error: &LedgerError) -> Vec<GroupOutcome> {
        if let LedgerError::Fatal(reason) = error {
            self.poisoned = Some(reason.clone());
        }
        groups.iter().map(|_| GroupOutcome::Answered(Err(error.clone()))).collect()
    }

    /// Commits one group alone.
    fn commit_one(&mut self, group: Group) -> GroupResult {
        match self.commit(&mut [group]).pop() {
            Some(GroupOutcome::Answered(result)) => result,
            _ => Err(LedgerError::Unavailable("the batch was full; try again".to_owned())),
        }
    }

    /// The first batch of a process opens its epoch. The very first batch of a log holds nothing of the log's own.
    fn open_epoch(&self, state: &LogState, staging: &mut Staging<'_>) -> Result<(), LedgerError> {
        if self.own_epoch.is_some() || state.size() == 0 {
            return Ok(());
        }
        let known = staging.own_epoch().clone();
        let mut item = own_records::epoch_opened(&self.shared, &self.signers, state, known.as_ref())?;
        *staging.own_epoch() = Some(Epoch::starting(known.map_or(1, |epoch| epoch.number + 1)));
        staging.place(&mut item)?;
        Ok(())
    }

    /// Stages a whole group or nothing of it.
    fn place_group(&self, state: &LogState, staging: &mut Staging<'_>, group: &mut Group) -> GroupPlaced {
        let bound = group.size_bound();
        let limit = self.segments.max_batch_bytes().min(MAX_BATCH_BYTES).saturating_sub(SEAL_RESERVE);
        if bound + OWN_RESERVE > limit || group.items.len() + OWN_ENTRIES > MAX_BATCH_ENTRIES {
            let count = group.items.len();
            let text = format!(
                "{count} records of {bound} bytes together do not fit into one commit; append them in parts"
            );
            return GroupPlaced::Decided(Err(LedgerError::rejected(RejectCode::TooLarge, text)));
        }
        if staging.batch.position().0 + bound > limit || !staging.has_room(group.items.len()) {
            return GroupPlaced::Full;
        }
        let mark = (group.items.len() > 1 || staging.keys.is_some()).then(|| staging.mark());
        match self.place_items(state, staging, group) {
            Ok(Some(acks)) => GroupPlaced::Decided(Ok(acks)),
            other => {
                if let Some(mark) = mark {
                    staging.roll_back(mark);
                }
                match other {
                    Err(error) => GroupPlaced::Decided(Err(error)),
                    Ok(_) => GroupPlaced::AfterThisBatch,
                }
            }
        }
    }

    fn place_items(
        &self,
        state: &LogState,
        staging: &mut Staging<'_>,
        group: &mut Group,
    ) -> Result<Option<Vec<Ack>>, LedgerError> {
        let mut acks = Vec::with_capacity(group.items.len());
        let begin = staging.edge.end();
        for item in &mut group.items {
            let ack = match staging.place(item)? {
                Placed::New { index, record_id } => Ack { index, record_id, size: 0, duplicate: false },
                Placed::Remembered { original } => idempotency::same_request(
                    self.shared.disk.as_ref(),
                    staging.vault(),
                    &self.secrets,
                    state,
                    item,
                    original,
                )?,
                // Waiting for oneself would never end.
                Placed::Deferred { first } if first >= begin => {
                    let text = "two records of one append carry the same idempotency key; give each its own"
                        .to_owned();
                    return Err(LedgerError::rejected(RejectCode::Malformed, text));
                }
                Placed::Deferred { .. } => return Ok(None),
            };
            acks.push(ack);
        }
        self.check_signers(staging)?;
        Ok(Some(acks))
    }

    /// A batch that takes a signing key away must bring the one that signs from now on.
    fn check_signers(&self, staging: &Staging<'_>) -> Result<(), LedgerError> {
        if staging.keys.is_none() {
            return Ok(());
        }
        for (purpose, current) in [(Purpose::Log, &self.signers.log), (Purpose::Writer, &self.signers.writer)]
        {
            let pair = signer(purpose, current, &staging.adopted);
            // The seal comes after every staged entry, the checkpoint after the seal.
            let position = staging.edge.end() + u64::from(purpose == Purpose::Log);
            let in_force = staging.key_chain().in_force(purpose, position);
            if in_force.is_none_or(|key| key.key_id != pair.key_id()) {
                let text = format!(
                    "after this there would be no {} key in force that this process holds; revoke and grant in one step",
                    purpose.as_str()
                );
                return Err(LedgerError::rejected(RejectCode::KeyNotInForce, text));
            }
        }
        Ok(())
    }

    /// Ends the staged batch with its seal and checkpoint.
    fn seal(&self, state: &LogState, mut staging: Staging<'_>) -> Result<Sealed, LedgerError> {
        let fatal =
            |what: &str, error: &dyn std::fmt::Display| LedgerError::Fatal(format!("cannot {what}: {error}"));
        let first = state.size();
        let writer = signer(Purpose::Writer, &self.signers.writer, &staging.adopted);
        let log = signer(Purpose::Log, &self.signers.log, &staging.adopted);
        let seal = BatchSeal {
            log: state.origin.clone(),
            first,
            count: staging.leaves.end(),
            root: staging.leaves.root().map_err(|error| fatal("compute the batch's root", &error))?,
            committed_at: self.shared.clock.now().max(state.committed_at),
            keys: staging.key_chain().version(),
        };
        let entry = seal.sign(writer.key.as_ref()).map_err(|error| fatal("sign the seal", &error))?;
        let seal_leaf = leaf_hash(&entry);
        staging.edge.push(seal_leaf);
        staging.batch.push_entry(&entry);
        let root = staging.edge.root().map_err(|error| fatal("compute the tree's root", &error))?;
        let checkpoint =
            Checkpoint { origin: state.origin.as_str().to_owned(), size: staging.edge.end(), root };
        let checkpoint = SignedCheckpoint::sign(&checkpoint, log.key.as_ref())
            .map_err(|error| fatal("sign the checkpoint", &error))?;
        let Staging { batch, entries, adopted, .. } = staging;
        let bytes = batch.finish(checkpoint.as_bytes());
        Ok(Sealed { bytes, seal, seal_leaf, checkpoint, entries, first, adopted })
    }

    /// Makes the batch durable, then visible, then answers.
    fn write(&mut self, sealed: Sealed, outcomes: &mut [GroupOutcome]) -> Result<(), LedgerError> {
        self.shared
            .vault()
            .make_durable()
            .map_err(|error| full_or_fatal("write the vault's key table", &error))?;
        let logs = || {
            let log = sealed.seal.log.as_str().to_owned();
            vec![SegmentLog { log, number: self.shared.log_number, size: sealed.first }]
        };
        let place = self
            .segments
            .reserve(self.shared.disk.as_ref(), &self.shared.spare, logs, sealed.bytes.len())
            .map_err(|error| full_or_fatal("make room for the next segment", &error))?;
        let file = self.segments.file();
        file.write_at(place.offset, &sealed.bytes)
            .map_err(|error| LedgerError::fatal_io("writing the batch failed", &error))?;
        file.sync().map_err(|error| LedgerError::fatal_io("making the batch durable failed", &error))?;

        let entries = u32::try_from(sealed.entries.len() + 1).unwrap_or(u32::MAX);
        let bytes = u32::try_from(sealed.bytes.len()).unwrap_or(u32::MAX);
        let batch =
            BatchRef { first: sealed.first, entries, bytes, segment: place.segment, offset: place.offset };
        let size = batch.size_after();
        for outcome in outcomes {
            if let GroupOutcome::Answered(Ok(acks)) = outcome {
                acks.iter_mut().filter(|ack| !ack.duplicate).for_each(|ack| ack.size = size);
            }
        }
        self.segments.written(&sealed.checkpoint, sealed.bytes.len());
        self.adopt(&sealed.adopted);
        self.publish(batch, sealed)
    }

    /// Folds the durable batch into the state that everybody reads.
    fn publish(&mut self, batch: BatchRef, sealed: Sealed) -> Result<(), LedgerError> {
        let broken =
            |error: String| LedgerError::Fatal(format!("the committed batch does not fold: {error}"));
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        for entry in &sealed.entries {
            let index = state.size();
            if let Some(statement) = &entry.key_record {
                state.apply_key(index, statement).map_err(broken)?;
            }
            state.apply_header(index, &entry.header, entry.fingerprint).map_err(broken)?;
            state.tree.push(entry.leaf);
        }
        state.apply_seal(&sealed.seal).map_err(broken)?;
        state.tree.push(sealed.seal_leaf);
        state.end_batch(batch);
        let own =
            state.numbers.get(&state.own_producer()).filter(|epoch| epoch.open).map(|epoch| epoch.number);
        self.own_epoch = own;
        let place = HeadPlace {
            size: state.size(),
            root: state.tree.root(),
            segment: batch.segment,
            end: self.segments.end(),
        };
        drop(state);
        *self.shared.checkpoint.write().unwrap_or_else(PoisonError::into_inner) = sealed.checkpoint.into();
        self.shared.grew(place.size);
        self.head.put(place)
    }

    fn adopt(&mut self, adopted: &[KeyPair]) {
        for pair in adopted {
            match pair.purpose {
                Purpose::Log => self.signers.log = pair.clone(),
                Purpose::Writer => self.signers.writer = pair.clone(),
                Purpose::Root | Purpose::Package | Purpose::Actor => {}
            }
        }
    }
}

/// Bytes kept free for the seal and the checkpoint: each is under 1 KiB plus the origin (≤ 255 bytes, named in both).
pub(crate) const SEAL_RESERVE: usize = 4096;
/// Bytes and entries kept free for what the log itself adds to a batch: `epoch.opened`, and the seal.
const OWN_RESERVE: usize = 4096;
const OWN_ENTRIES: usize = 2;

fn signer<'a>(purpose: Purpose, current: &'a KeyPair, adopted: &'a [KeyPair]) -> &'a KeyPair {
    adopted.iter().rev().find(|pair| pair.purpose == purpose).unwrap_or(current)
}

/// A full disk refuses the append and changes nothing; any other failure leaves the disk unknown.
pub(crate) fn full_or_fatal(what: &str, error: &io::Error) -> LedgerError {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        return no_space(what);
    }
    LedgerError::fatal_io(&format!("cannot {what}"), error)
}

fn no_space(what: &str) -> LedgerError {
    LedgerError::Unavailable(format!(
        "cannot {what}: the disk is full. Nothing was recorded; free space below the data directory and try again"
    ))
}

impl Committer {
    /// Appends an erasure order and, once it is durable, destroys the keys it names. Whatever was sealed under them and is not yet
    /// committed is refused by the staging of the next batch and sealed again.
    pub(crate) fn destroy(&mut self, order: Item, keys: &[VaultKeyId]) -> GroupResult {
        {
            let state = self.shared.state.read().unwrap_or_else(PoisonError::into_inner);
            holds::check(&state, &self.shared.vault(), keys)?;
        }
        let acks = self.commit_one(Group::plain(vec![order]))?;
        let destroyed = self.shared.vault().destroy(keys);
        if let Err(error) = destroyed {
            let error = LedgerError::fatal_io(
                "destroying keys failed; the order is recorded and is finished at the next start",
                &error,
            );
            self.poisoned = Some(error.to_string());
            return Err(error);
        }
        Ok(acks)
    }

    /// Ends the process's epoch, when it opened one.
    pub(crate) fn close(&mut self) -> Result<(), LedgerError> {
        if self.own_epoch.is_none() || self.poisoned.is_some() {
            return Ok(());
        }
        let item = {
            let state = self.shared.state.read().unwrap_or_else(PoisonError::into_inner);
            let Some(epoch) = state.numbers.get(&state.own_producer()) else { return Ok(()) };
            own_records::epoch_closed(&self.shared, &self.signers, &state, epoch)?
        };
        self.commit_one(Group::plain(vec![item])).map(|_| ())
    }
}
