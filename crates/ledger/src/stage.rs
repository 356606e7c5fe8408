//! Deciding what goes into the next batch, on top of the committed state and without touching it.
//!
//! Everything staged is either written whole by the commit that follows or dropped; a refused submission leaves no trace. Must never:
//! write, sync, sign or wait.

use std::sync::{Arc, MutexGuard};

use tabellion_model::body::{Body as _, CallBroken, CallCompleted};
use tabellion_model::registry::{Kind, is_key_record};
use tabellion_model::{
    Header, KeyChain, KeyId, Micros, Numbers as RecordNumbers, ProducerId, Purpose, RecordId, RecordTemplate,
    Statement, VaultKeyId,
};
use tabellion_tlog::{CompactRange, Hash, MAX_ENTRY_BYTES, leaf_hash};

use crate::error::{LedgerError, RejectCode};
use crate::idempotency;
use crate::keyring::KeyPair;
use crate::numbers::{self, Epoch};
use crate::overlay::Overlay;
use crate::shared::Shared;
use crate::state::{Deletion, LogState};
use crate::vault::KeyTable;
use crate::wal::batch::{BatchWriter, MAX_BATCH_ENTRIES};
use crate::witnessed::check_running;

/// How a call ends: these are recorded for systems that are gone, too.
const ENDS_OF_CALLS: [&str; 2] = [CallCompleted::TYPE, CallBroken::TYPE];

/// The ciphertext of one unit, ready for the log, and the vault key it needs.
pub(crate) struct SealedUnit {
    /// Payload of the unit frame.
    pub(crate) frame: Vec<u8>,
    pub(crate) key: VaultKeyId,
}

/// The keys that a record's content is kept under: by them a later record tells whether any of it was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentKeys(Arc<[VaultKeyId]>);

impl ContentKeys {
    /// Of a record that is kept nowhere.
    pub fn none() -> Self {
        Self(Arc::new([]))
    }

    pub(crate) fn of(units: &[SealedUnit]) -> Self {
        Self(units.iter().map(|unit| unit.key).collect())
    }

    pub(crate) fn any_gone(&self, vault: &KeyTable) -> bool {
        self.0.iter().any(|key| !vault.is_live(key))
    }
}

/// A sealed record that still lacks its numbers.
pub(crate) struct RecordItem {
    /// Shared with the staged entry, so that placing a record copies nothing.
    pub(crate) header: Arc<Header>,
    pub(crate) template: RecordTemplate,
    /// Compare-and-swap on the header's stream.
    pub(crate) expected: Option<u64>,
    pub(crate) units: Vec<SealedUnit>,
    /// Keys of another record without any of which this one is not recorded as it is.
    pub(crate) only_while: Option<ContentKeys>,
    /// The canonical request, kept to compare with an earlier one; only with an idempotency key.
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) fingerprint: Option<[u8; 32]>,
}

/// A statement, signed elsewhere, whose signature and disclosures were checked.
pub(crate) struct StatementItem {
    pub(crate) statement: Statement,
    pub(crate) bytes: Vec<u8>,
    pub(crate) units: Vec<SealedUnit>,
    /// The key that a key record brings into force here, when this process is to sign with it from now on.
    pub(crate) adopts: Option<KeyPair>,
}

/// One entry to be.
pub(crate) enum Item {
    Record(Box<RecordItem>),
    Statement(Box<StatementItem>),
}

impl Item {
    /// Whether it is refused, when it is, before it has changed anything. A statement brings numbers of its own, which are looked at one after the other.
    pub(crate) fn is_refused_clean(&self) -> bool {
        matches!(self, Self::Record(_))
    }

    pub(crate) fn header(&self) -> &Header {
        match self {
            Self::Record(record) => &record.header,
            Self::Statement(statement) => &statement.statement.record.header,
        }
    }

    /// Upper bound of the bytes this item adds to a batch.
    pub(crate) fn size_bound(&self) -> usize {
        let (entry, units) = match self {
            Self::Record(record) => (record.template.max_len(), &record.units),
            Self::Statement(statement) => (statement.bytes.len(), &statement.units),
        };
        // Per frame: 16 bytes of header and at most 7 of padding; 64 for the fingerprint frame.
        entry + 23 + 64 + units.iter().map(|unit| unit.frame.len() + 23).sum::<usize>()
    }
}

/// An entry that will be in the batch.
pub(crate) struct StagedEntry {
    pub(crate) header: Arc<Header>,
    pub(crate) leaf: Hash,
    /// Those that its content is kept under.
    pub(crate) keys: Vec<VaultKeyId>,
    /// Present for key records, which the state folds whole.
    pub(crate) key_record: Option<Statement>,
}

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    New {
        index: u64,
        record_id: RecordId,
        leaf: Hash,
    },
    /// Committed before under the same idempotency key, at this index; whether the request is the same is for the caller to find out.
    Remembered {
        original: u64,
    },
    /// The same idempotency key is in this very batch, at this index: decide after the commit.
    Deferred {
        first: u64,
    },
}

/// The next batch in the making.
pub(crate) struct Staging<'a> {
    state: &'a LogState,
    shared: &'a Shared,
    ahead: Option<&'a Ahead>,
    own: ProducerId,
    pub(crate) batch: BatchWriter,
    pub(crate) edge: CompactRange,
    /// Leaves of this batch alone: the seal's subtree.
    pub(crate) leaves: CompactRange,
    pub(crate) entries: Vec<StagedEntry>,
    pub(crate) keys: Option<KeyChain>,
    pub(crate) adopted: Vec<KeyPair>,
    pub(crate) overlay: Overlay,
    /// Whether every entry changes nothing but counts, streams and idempotency keys.
    plain: bool,
    /// The bytes of the record being placed, used again for the next.
    scratch: Vec<u8>,
}

/// What staging on top of a batch that is still being written must know of it.
pub(crate) struct Ahead {
    pub(crate) edge: CompactRange,
    pub(crate) overlay: Overlay,
    pub(crate) committed_at: Micros,
}

/// Where a submission began, to take it back whole.
pub(crate) struct Mark {
    batch: (usize, u32),
    edge: CompactRange,
    leaves: CompactRange,
    entries: usize,
    keys: Option<KeyChain>,
    adopted: usize,
    plain: bool,
}

impl<'a> Staging<'a> {
    /// The next batch on top of the committed state or, where there is one, of the batch being written. `buffer`: memory to use again.
    pub(crate) fn new(
        state: &'a LogState,
        ahead: Option<&'a Ahead>,
        shared: &'a Shared,
        buffer: Vec<u8>,
    ) -> Self {
        let own = state.own_producer();
        let edge = ahead.map_or_else(|| state.tree.edge(), |ahead| &ahead.edge).clone();
        let epoch =
            ahead.map_or_else(|| state.numbers.get(&own).cloned(), |ahead| ahead.overlay.own().cloned());
        Self {
            state,
            shared,
            ahead,
            own,
            batch: BatchWriter::new(shared.log_number, edge.end(), buffer),
            edge,
            leaves: CompactRange::new(0),
            entries: Vec::new(),
            keys: None,
            adopted: Vec::new(),
            overlay: Overlay::starting(epoch),
            plain: true,
            scratch: Vec::new(),
        }
    }

    /// Where things stand before a submission; to be given back to [`Staging::keep`] or [`Staging::roll_back`].
    pub(crate) fn mark(&mut self) -> Mark {
        self.overlay.begin();
        Mark {
            batch: self.batch.position(),
            edge: self.edge.clone(),
            leaves: self.leaves.clone(),
            entries: self.entries.len(),
            keys: self.keys.clone(),
            adopted: self.adopted.len(),
            plain: self.plain,
        }
    }

    /// Keeps what was placed since the mark.
    pub(crate) fn keep(&mut self) {
        self.overlay.keep();
    }

    /// Takes back what was placed since `mark`.
    pub(crate) fn roll_back(&mut self, mark: Mark) {
        self.batch.truncate(mark.batch);
        self.edge = mark.edge;
        self.leaves = mark.leaves;
        self.entries.truncate(mark.entries);
        self.keys = mark.keys;
        self.adopted.truncate(mark.adopted);
        self.plain = mark.plain;
        self.overlay.take_back();
    }

    /// Room for `more` entries besides the seal.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.entries.len() + more < MAX_BATCH_ENTRIES
    }

    /// The vault's keys; see [`Shared::vault`].
    pub(crate) fn vault(&self) -> MutexGuard<'_, KeyTable> {
        self.shared.vault()
    }

    /// Index of the batch's first entry.
    pub(crate) fn first(&self) -> u64 {
        self.batch.first()
    }

    /// The newest commit time that this batch may not be before.
    pub(crate) fn committed_at(&self) -> Micros {
        self.ahead.map_or(self.state.committed_at, |ahead| ahead.committed_at)
    }

    /// Whether the next batch may be staged on top of this one before it is durable.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain && self.keys.is_none() && self.adopted.is_empty()
    }

    /// Key records as they stand with this batch.
    pub(crate) fn key_chain(&self) -> &KeyChain {
        self.keys.as_ref().unwrap_or(&self.state.keys)
    }

    /// Epoch of the log's own producer as it stands with this batch.
    pub(crate) fn own_epoch(&mut self) -> &mut Option<Epoch> {
        self.overlay.own_mut()
    }

    /// Stages one item, or says why not. An `Err` may leave a part behind: roll back to the submission's mark.
    pub(crate) fn place(&mut self, item: &mut Item) -> Result<Placed, LedgerError> {
        if let Some(idem) = item.header().idem {
            let ahead = || self.ahead.and_then(|ahead| ahead.overlay.idem(&idem));
            if let Some(first) = self.overlay.idem(&idem).or_else(ahead) {
                return Ok(Placed::Deferred { first });
            }
            if let Some(original) = idempotency::original(self.shared, self.state, &idem)? {
                return Ok(Placed::Remembered { original });
            }
        }
        check_running(self.shared, self.state.conflict.as_ref(), item.header())?;
        self.check_system(item.header())?;
        match item {
            Item::Record(record) => self.place_record(record),
            Item::Statement(statement) => self.place_statement(statement),
        }
    }

    fn check_system(&self, header: &Header) -> Result<(), LedgerError> {
        let Some((system, _)) = header.system else { return Ok(()) };
        let Some(deletion) = self.state.deletions.get(&system) else { return Ok(()) };
        // A call that was let through before has its end: without it nobody could tell what became of it.
        let is_end = ENDS_OF_CALLS.contains(&header.record_type.as_str());
        if is_end || matches!(header.record_type.family(), "system" | "erasure" | "hold") {
            return Ok(());
        }
        let detail = match deletion {
            Deletion::Requested { due, .. } => {
                format!(
                    "system {system} is being deleted (content goes at {due}); cancel the deletion to go on recording for it"
                )
            }
            Deletion::Purged => {
                format!("system {system} was deleted; its records stay provable, new ones are refused")
            }
        };
        Err(LedgerError::rejected(RejectCode::SystemGone, detail))
    }

    fn place_record(&mut self, record: &mut RecordItem) -> Result<Placed, LedgerError> {
        self.check_vault_keys(&record.units)?;
        // INVARIANT: asked here, since an order that is durable by now has destroyed its keys: nothing is staged between the two.
        if record.only_while.as_ref().is_some_and(|keys| keys.any_gone(&self.vault())) {
            return Err(LedgerError::SealAgain);
        }
        let version = self.next_version(&record.header, record.expected)?;
        let Some(epoch) = self.own_epoch() else {
            return Err(LedgerError::Fatal(
                "the log's own epoch must be open before a record is staged".to_owned(),
            ));
        };
        let header = Arc::make_mut(&mut record.header);
        header.epoch = epoch.number;
        header.seq = epoch.last_seq + 1;
        if let Some((system, seq)) = &mut header.system {
            *seq = epoch.next_for(system);
        }
        epoch.count(header);
        if let (Some((stream, slot)), Some(version)) = (&mut header.stream, version) {
            *slot = version;
            self.overlay.set_stream(stream, version);
        }
        let numbers = RecordNumbers {
            epoch: header.epoch,
            seq: header.seq,
            system_seq: header.system.map(|(_, seq)| seq),
            stream_version: version,
        };
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        record.template.fill(&numbers, &mut bytes).map_err(|error| {
            LedgerError::Fatal(format!("the record's numbers do not fit its template: {error}"))
        })?;
        let header = Arc::clone(&record.header);
        let placed = self.push(&bytes, header, record.fingerprint, None, &record.units);
        self.scratch = bytes;
        placed
    }

    fn place_statement(&mut self, item: &StatementItem) -> Result<Placed, LedgerError> {
        self.check_vault_keys(&item.units)?;
        let header = &item.statement.record.header;
        let index = self.edge.end();
        if index == 0 {
            // The genesis: the state it begins was made from it.
        } else if is_key_record(header) {
            let mut keys = self.key_chain().clone();
            keys.apply(index, &item.statement).map_err(|error| {
                LedgerError::rejected(
                    RejectCode::Malformed,
                    format!("the key record does not fit the log's keys: {error}"),
                )
            })?;
            self.keys = Some(keys);
        } else if !self.may_speak(&item.statement.kid, index) {
            return Err(LedgerError::rejected(
                RejectCode::KeyNotInForce,
                format!(
                    "the statement's key {} is not an actor key in force in this log; grant it first",
                    item.statement.kid.0
                ),
            ));
        }
        let expected = header.stream.as_ref().map(|(_, version)| version.saturating_sub(1));
        if let (Some((stream, _)), Some(version)) = (&header.stream, self.next_version(header, expected)?) {
            self.overlay.set_stream(stream, version);
        }
        let epoch = self.epoch_of(header.producer);
        numbers::observe(epoch, header).map_err(|due| {
            LedgerError::rejected(
                RejectCode::SequenceConflict,
                format!("producer {}: {due}", header.producer),
            )
        })?;
        let key_record = (index > 0 && is_key_record(header)).then(|| item.statement.clone());
        if let Some(pair) = &item.adopts {
            self.adopted.push(pair.clone());
        }
        self.push(&item.bytes, Arc::new(header.clone()), None, key_record, &item.units)
    }

    /// The current epoch of any producer, as it stands with this batch.
    fn epoch_of(&mut self, producer: ProducerId) -> &mut Option<Epoch> {
        if producer == self.own {
            return self.overlay.own_mut();
        }
        let (state, ahead) = (self.state, self.ahead);
        self.overlay.epoch_mut(producer, || {
            let ahead = ahead.and_then(|ahead| ahead.overlay.epoch(&producer));
            ahead.cloned().unwrap_or_else(|| state.numbers.get(&producer).cloned())
        })
    }

    /// Actors speak; the root also opens and closes the epochs of its key records.
    fn may_speak(&self, kid: &KeyId, index: u64) -> bool {
        let keys = self.key_chain();
        keys.root().key_id == *kid || keys.may_sign(Purpose::Actor, kid, index)
    }

    fn push(
        &mut self,
        bytes: &[u8],
        header: Arc<Header>,
        fingerprint: Option<[u8; 32]>,
        key_record: Option<Statement>,
        units: &[SealedUnit],
    ) -> Result<Placed, LedgerError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            let size = bytes.len();
            return Err(LedgerError::rejected(
                RejectCode::TooLarge,
                format!(
                    "the sealed record has {size} bytes, an entry holds {MAX_ENTRY_BYTES}; use fewer fields or parents"
                ),
            ));
        }
        let index = self.edge.end();
        let leaf = leaf_hash(bytes);
        self.edge.push(leaf);
        self.leaves.push(leaf);
        self.batch.push_entry(bytes);
        for unit in units {
            self.batch.push_unit(&unit.frame);
        }
        if let Some(fingerprint) = &fingerprint {
            self.batch.push_fingerprint(fingerprint);
        }
        if let Some(idem) = header.idem {
            self.overlay.set_idem(idem, index);
        }
        self.plain &= changes_counts_only(&header);
        let record_id = header.record_id;
        let keys = units.iter().map(|unit| unit.key).collect();
        self.entries.push(StagedEntry { header, leaf, keys, key_record });
        Ok(Placed::New { index, record_id, leaf })
    }

    fn check_vault_keys(&self, units: &[SealedUnit]) -> Result<(), LedgerError> {
        if units.is_empty() {
            return Ok(());
        }
        let vault = self.vault();
        if units.iter().all(|unit| vault.is_live(&unit.key)) {
            return Ok(());
        }
        Err(LedgerError::SealAgain)
    }

    /// The version that `header`'s stream gets, when it is at the expected one.
    fn next_version(&self, header: &Header, expected: Option<u64>) -> Result<Option<u64>, LedgerError> {
        let Some((stream, _)) = &header.stream else { return Ok(None) };
        let ahead = || self.ahead.and_then(|ahead| ahead.overlay.stream(stream));
        let committed = || self.state.streams.get(stream).copied();
        let current = self.overlay.stream(stream).or_else(ahead).or_else(committed).unwrap_or(0);
        match expected {
            Some(expected) if expected != current => Err(LedgerError::rejected(
                RejectCode::StreamConflict,
                format!(
                    "stream {stream} is at version {current}, not {expected}; read it again and decide anew"
                ),
            )),
            _ => Ok(Some(current + 1)),
        }
    }
}

/// Whether a record changes nothing that staging looks at besides what [`Overlay`] holds. An opened epoch does: the process that opens its own
/// remembers that once it is durable.
fn changes_counts_only(header: &Header) -> bool {
    matches!(
        Kind::of(&header.record_type),
        None | Some(
            Kind::PackageExported
                | Kind::RecordRead
                | Kind::AnchorConfirmed
                | Kind::StatementRegistered
                | Kind::EnvelopeImported
                | Kind::SourceHeartbeat
                | Kind::GapDeclared
                | Kind::GapFound
                | Kind::GapFilled
                | Kind::ShardRegistered
                | Kind::ShardKeyRotated
                | Kind::ShardCheckpointRecorded
                | Kind::ShardConflictFound
        )
    )
}
