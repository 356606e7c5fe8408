//! One commit: seal what was staged, sign the checkpoint, one write, one sync, then say so.
//!
//! Order, and why it may not change: the vault keys that the batch needs are durable first (else acknowledged content could not be read
//! again); then the batch, checkpoint included, in one write; then one sync; only then does any reader or caller learn of it. A failed
//! write or sync is fatal: what is on disk is unknown and the process must end. While a batch is being written the next one may be staged and
//! sealed on top of it; it is written only once the one before is durable.

use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, PoisonError};

use tabellion_model::{BatchSeal, Purpose, RecordId, SealError, VaultKeyId};
use tabellion_tlog::{
    Checkpoint, CheckpointError, CoseError, Hash, NoteError, SignedCheckpoint, SignerError, leaf_hash,
};

use crate::batch_io::{BatchIo, Job, Written};
use crate::batches::BatchRef;
use crate::error::LedgerError;
use crate::holds;
use crate::keeper::{HeadPlace, HeadSink};
use crate::keyring::{KeyPair, Secrets};
use crate::numbers::Epoch;
use crate::own_records;
use crate::pipeline::Line;
use crate::queue::Done;
use crate::room::{self, Reservation};
use crate::shared::Shared;
use crate::stage::{Ahead, Item, StagedEntry, Staging};
use crate::state::LogState;
use crate::wal::BATCH_ALIGN;
use crate::wal::batch::MAX_BATCH_BYTES;
use crate::wal::segment::SegmentLog;
use crate::wal::segments::Segments;

/// Bytes kept free for the seal and the checkpoint: each is under 1 KiB plus the origin (≤ 255 bytes, named in both).
pub(crate) const SEAL_RESERVE: usize = 4096;

/// A page, at which every batch begins.
const PAGE_BYTES: usize = 4096;
const _: () = assert!(PAGE_BYTES as u64 == BATCH_ALIGN);

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
    /// Leaf hash of the entry: what a record that follows from it names as its parent.
    pub leaf: Hash,
    /// Log size of the checkpoint that covers it: the end of its own batch.
    pub size: u64,
    /// Whether the entry had been there before, under the same idempotency key and for the same request.
    pub duplicate: bool,
}

impl Ack {
    /// Of what was appended nowhere, for whoever plays what would follow: it names no entry, and nobody may be given it.
    pub fn nowhere() -> Self {
        let (record_id, leaf) = (RecordId::from_bytes([0; 16]), Hash([0; 32]));
        Self { index: 0, record_id, leaf, size: 0, duplicate: false }
    }
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
    pub(crate) fn size_bound(&self) -> usize {
        self.items.iter().map(Item::size_bound).sum()
    }

    /// Whether it is within the room promised to it.
    pub(crate) fn has_room(&self) -> bool {
        self.reservation.as_ref().is_some_and(|room| self.size_bound() as u64 <= room.bytes())
    }
}

/// What became of a group once it was decided.
pub type GroupResult = Result<Vec<Ack>, LedgerError>;

/// A caller that is answered when the batch with its items is durable.
pub(crate) struct Answer {
    pub(crate) acks: Vec<Ack>,
    pub(crate) done: Done,
    /// The room it was promised is used up no earlier than its bytes are on disk.
    pub(crate) reservation: Option<Reservation>,
}

/// The one writer of a log. Owned by one thread; no lock that readers need is held over a write or a sync.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) segments: Segments,
    pub(crate) io: BatchIo,
    pub(crate) head: HeadSink,
    pub(crate) signers: Signers,
    /// The epoch that this process opened for the log's own producer.
    pub(crate) own_epoch: Option<u64>,
    /// Set by the first fatal error; nothing is appended afterwards.
    pub(crate) poisoned: Option<String>,
    /// Memory of the batch before, used again.
    pub(crate) buffer: Vec<u8>,
}

/// A batch that is ready to be written.
pub(crate) struct Sealed {
    bytes: Vec<u8>,
    seal: BatchSeal,
    seal_leaf: Hash,
    checkpoint: String,
    entries: Vec<StagedEntry>,
    first: u64,
    adopted: Vec<KeyPair>,
    ahead: Ahead,
    plain: bool,
}

/// A batch that is being written.
pub(crate) struct Flight {
    sealed: Sealed,
    batch: BatchRef,
    /// Where the batch after it will start.
    end: u64,
    answers: Vec<Answer>,
}

impl Flight {
    /// What the next batch is staged on; `None` when it must wait until this one is in the state, because it changes more than counts.
    pub(crate) fn ahead(&self) -> Option<&Ahead> {
        self.sealed.plain.then_some(&self.sealed.ahead)
    }

    /// Entries in it, the seal left out.
    pub(crate) fn entries(&self) -> usize {
        self.sealed.entries.len()
    }
}

impl Committer {
    /// Commits one group alone and waits for it.
    pub(crate) fn commit_one(&mut self, group: Group) -> GroupResult {
        let (answer, answered) = sync_channel(1);
        let mut line = Line::of(group, Box::new(move |result| drop(answer.send(result))));
        self.pump(&mut line, None);
        answered
            .try_recv()
            .unwrap_or_else(|_| Err(LedgerError::Unavailable("the batch was full; try again".to_owned())))
    }

    /// The first batch of a process opens its epoch. The very first batch of a log holds nothing of the log's own.
    pub(crate) fn open_epoch(&self, state: &LogState, staging: &mut Staging<'_>) -> Result<(), LedgerError> {
        if self.own_epoch.is_some() || state.size() == 0 {
            return Ok(());
        }
        let known = staging.own_epoch().clone();
        let mut item = own_records::epoch_opened(&self.shared, &self.signers, state, known.as_ref())?;
        *staging.own_epoch() = Some(Epoch::starting(known.map_or(1, |epoch| epoch.number + 1)));
        staging.place(&mut item)?;
        Ok(())
    }

    /// Sees to it that what was promised has room: in this segment or in a spare one, which is made where nobody did, and in the vault's key
    /// table. `true`: there is no room for anything else.
    pub(crate) fn check_room(&mut self) -> Result<bool, LedgerError> {
        let Shared { disk, spare, room, segment_bytes, .. } = self.shared.as_ref();
        let largest_batch = self.segments.max_batch_bytes().min(MAX_BATCH_BYTES) as u64;
        let runs_out = self.segments.left() < room::kept(*segment_bytes) + largest_batch;
        room.set_runs_out(runs_out);
        let segment = || {
            if runs_out { spare.prepare(disk.as_ref(), *segment_bytes, false) } else { Ok(()) }
        };
        let tight = match segment().and_then(|()| self.shared.vault().make_room()) {
            Ok(()) => false,
            Err(error) => match full_or_fatal("make room for what must follow", &error) {
                LedgerError::Full(_) => true,
                fatal => return Err(fatal),
            },
        };
        room.set_tight(tight);
        Ok(tight)
    }

    /// Ends the staged batch with its seal and checkpoint.
    pub(crate) fn seal(&self, state: &LogState, mut staging: Staging<'_>) -> Result<Sealed, LedgerError> {
        let fatal =
            |what: &str, error: &dyn std::fmt::Display| LedgerError::Fatal(format!("cannot {what}: {error}"));
        let first = staging.first();
        let writer = signer(Purpose::Writer, &self.signers.writer, &staging.adopted);
        let log = signer(Purpose::Log, &self.signers.log, &staging.adopted);
        let seal = BatchSeal {
            log: state.origin.clone(),
            first,
            count: staging.leaves.end(),
            root: staging.leaves.root().map_err(|error| fatal("compute the batch's root", &error))?,
            committed_at: self.shared.time.now().max(staging.committed_at()),
            keys: staging.key_chain().version(),
        };
        let entry = seal.sign(writer.key.as_ref()).map_err(|error| match error {
            SealError::Cose(CoseError::Signer(error)) => no_signature(writer, &error),
            other => fatal("sign the seal", &other),
        })?;
        let seal_leaf = leaf_hash(&entry);
        staging.edge.push(seal_leaf);
        staging.batch.push_entry(&entry);
        let root = staging.edge.root().map_err(|error| fatal("compute the tree's root", &error))?;
        let checkpoint =
            Checkpoint { origin: state.origin.as_str().to_owned(), size: staging.edge.end(), root };
        let checkpoint =
            SignedCheckpoint::sign(&checkpoint, log.key.as_ref()).map_err(|error| match error {
                CheckpointError::Note(NoteError::Signer(error)) => no_signature(log, &error),
                other => fatal("sign the checkpoint", &other),
            })?;
        let plain = staging.is_plain();
        let Staging { batch, entries, adopted, edge, overlay, .. } = staging;
        let bytes = batch.finish(checkpoint.as_bytes());
        let ahead = Ahead { edge, overlay, committed_at: seal.committed_at };
        Ok(Sealed { bytes, seal, seal_leaf, checkpoint, entries, first, adopted, ahead, plain })
    }

    /// Begins to write a batch. On an error its callers are answered and nothing was written.
    pub(crate) fn dispatch(&mut self, mut sealed: Sealed, answers: Vec<Answer>) -> Option<Flight> {
        let mut bytes = std::mem::take(&mut sealed.bytes);
        match self.place_batch(&sealed, bytes.len()) {
            Ok((batch, offset)) => {
                self.segments.written(&sealed.checkpoint, bytes.len());
                // To the end of its page: what a cut that could not be synced left there must not come back behind this batch.
                bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
                self.io.begin(Job { file: self.segments.file(), offset, bytes });
                Some(Flight { sealed, batch, end: self.segments.end(), answers })
            }
            Err(error) => {
                self.note(&error);
                refuse(answers, &error);
                None
            }
        }
    }

    /// Makes the keys durable that the batch needs, and finds its place.
    fn place_batch(&mut self, sealed: &Sealed, len: usize) -> Result<(BatchRef, u64), LedgerError> {
        self.alive()?;
        self.shared.in_place()?;
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
            .reserve(self.shared.disk.as_ref(), &self.shared.spare, logs, len)
            .map_err(|error| full_or_fatal("make room for the next segment", &error))?;
        self.shared.writes_into(place.segment, &self.segments.file());
        let entries = u32::try_from(sealed.entries.len() + 1).unwrap_or(u32::MAX);
        let bytes = u32::try_from(len).unwrap_or(u32::MAX);
        let (segment, offset) = (place.segment, place.offset);
        Ok((BatchRef { first: sealed.first, entries, bytes, segment, offset }, offset))
    }

    /// Makes a batch visible that is durable, and answers; or says what became of it.
    pub(crate) fn land(&mut self, flight: Flight, written: Written) {
        self.buffer = written.bytes;
        let size = flight.batch.size_after();
        let landed = written.result.and_then(|()| self.alive()).and_then(|()| {
            self.adopt(&flight.sealed.adopted);
            self.publish(flight.batch, flight.sealed, flight.end)
        });
        if let Err(error) = landed {
            self.note(&error);
            return refuse(flight.answers, &error);
        }
        self.shared.note_refused(None);
        for Answer { mut acks, done, reservation } in flight.answers {
            acks.iter_mut().filter(|ack| !ack.duplicate).for_each(|ack| ack.size = size);
            drop(reservation);
            done(Ok(acks));
        }
    }

    /// Fails once anything fatal has happened.
    pub(crate) fn alive(&self) -> Result<(), LedgerError> {
        self.poisoned.as_ref().map_or(Ok(()), |reason| Err(LedgerError::Fatal(reason.clone())))?;
        self.shared.undamaged()
    }

    /// Remembers a fatal error: nothing is appended after it; and why nothing could be recorded for now.
    pub(crate) fn note(&mut self, error: &LedgerError) {
        match error {
            LedgerError::Fatal(reason) => {
                self.poisoned.get_or_insert_with(|| reason.clone());
            }
            LedgerError::Unavailable(reason) => self.shared.note_refused(Some(reason.clone())),
            _ => {}
        }
    }

    /// Folds the durable batch into the state that everybody reads.
    fn publish(&mut self, batch: BatchRef, sealed: Sealed, end: u64) -> Result<(), LedgerError> {
        let broken =
            |error: String| LedgerError::Fatal(format!("the committed batch does not fold: {error}"));
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        for entry in &sealed.entries {
            let index = state.size();
            if let Some(statement) = &entry.key_record {
                state.apply_key(index, statement).map_err(broken)?;
            }
            state.apply_header(index, &entry.header).map_err(broken)?;
            state.note_units(index, entry.keys.iter().copied());
            state.tree.push(entry.leaf);
        }
        state.apply_seal(&sealed.seal).map_err(broken)?;
        state.tree.push(sealed.seal_leaf);
        state.end_batch(batch);
        let own =
            state.numbers.get(&state.own_producer()).filter(|epoch| epoch.open).map(|epoch| epoch.number);
        self.own_epoch = own;
        let place = HeadPlace { size: state.size(), root: state.tree.root(), segment: batch.segment, end };
        drop(state);
        self.shared.set_checkpoint(place.size, sealed.checkpoint.into());
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

pub(crate) fn signer<'a>(purpose: Purpose, current: &'a KeyPair, adopted: &'a [KeyPair]) -> &'a KeyPair {
    adopted.iter().rev().find(|pair| pair.purpose == purpose).unwrap_or(current)
}

/// A key that is kept elsewhere may be out of reach for a while: nothing was written, so nothing is unknown.
fn no_signature(pair: &KeyPair, error: &SignerError) -> LedgerError {
    LedgerError::Unavailable(format!(
        "nothing can be recorded: {error} ({} key {}). Make the key available again and repeat the request",
        pair.purpose,
        pair.key_id().0
    ))
}

/// A full disk refuses the append and changes nothing; any other failure leaves the disk unknown.
pub(crate) fn full_or_fatal(what: &str, error: &io::Error) -> LedgerError {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        return no_space(what);
    }
    LedgerError::fatal_io(&format!("cannot {what}"), error)
}

pub(crate) fn no_space(what: &str) -> LedgerError {
    LedgerError::Full(format!(
        "cannot {what}: the disk is full. Nothing was recorded; free space below the data directory and try again"
    ))
}

/// Tells every caller of a batch that it was not recorded.
pub(crate) fn refuse(answers: Vec<Answer>, error: &LedgerError) {
    for answer in answers {
        (answer.done)(Err(error.clone()));
    }
}

impl Committer {
    /// Appends an erasure order and, once it is durable, destroys the keys it names. Whatever was sealed under them and is not yet
    /// committed is refused by the staging of the next batch and sealed again.
    pub(crate) fn destroy(&mut self, order: Vec<Item>, keys: &[VaultKeyId]) -> GroupResult {
        {
            let state = self.shared.state.read().unwrap_or_else(PoisonError::into_inner);
            let vault = self.shared.vault();
            // What is gone already no hold brings back, and that it is gone has to be recorded.
            let live: Vec<VaultKeyId> = keys.iter().filter(|key| vault.is_live(key)).copied().collect();
            holds::check(&state, &vault, &live)?;
        }
        let acks = self.commit_one(Group::plain(order))?;
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
            // A log that a conflict stopped signs nothing more, its own end included.
            if state.conflict.is_some() {
                return Ok(());
            }
            let Some(epoch) = state.numbers.get(&state.own_producer()) else { return Ok(()) };
            own_records::epoch_closed(&self.shared, &self.signers, &state, epoch)?
        };
        self.commit_one(Group::plain(vec![item])).map(|_| ())
    }
}
