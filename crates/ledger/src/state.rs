//! What the log says, folded entry by entry: the same fold at recovery and after every commit, so that a restarted ledger knows exactly
//! what the one before it knew.
//!
//! Must never: read a clock, a disk or a key; change for anything that is not committed.

use std::collections::{BTreeMap, HashMap};

use tabellion_model::body::{
    Body as _, ErasureConfirmed, ErasureDeclined, ErasureRequested, ErasureRuleSet, RetentionClockConfirmed,
    RetentionClockDoubted, RetentionRulesSet,
};
use tabellion_model::registry::{self, Facts};
use tabellion_model::{
    BatchSeal, Entry, Env, ErasureRequestId, Header, HoldId, KeyChain, Micros, Origin, ProducerId, RecordId,
    SecondKeys, Statement, StreamName, SystemId, VaultKeyId,
};
use tabellion_tlog::{Hash, leaf_hash};

use crate::batches::{BatchRef, Batches};
use crate::erase::by_two;
use crate::numbers::Numbers;
use crate::postings::{Postings, TagKey};
use crate::tree::TreeIndex;
use crate::witnessed::Conflict;

/// What a writer looks up by tag. Whoever only reads needs none of it.
pub(crate) struct Marks {
    /// The entry with an idempotency key.
    pub(crate) idempotency: Postings,
    /// The entries with content under a vault key.
    pub(crate) units: Postings,
}

impl Marks {
    /// Those of a log of which nothing is folded yet.
    pub(crate) fn new(key: TagKey) -> Self {
        Self { idempotency: Postings::new(key), units: Postings::new(key) }
    }
}

/// A legal hold in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The keys it keeps; `None`: everything of `system`.
    pub(crate) keys: Option<Vec<VaultKeyId>>,
    pub(crate) system: Option<SystemId>,
    /// Index of its record.
    pub(crate) index: u64,
}

/// Where a system stands on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// Asked for; appends naming the system are refused; content goes at `due`.
    Requested {
        /// When.
        due: Micros,
        /// Whether one person asked for it and another confirmed it.
        by_two: bool,
    },
    /// Content is gone.
    Purged,
}

/// State of one log.
pub(crate) struct LogState {
    pub(crate) origin: Origin,
    pub(crate) env: Env,
    pub(crate) genesis: Hash,
    pub(crate) tree: TreeIndex,
    pub(crate) batches: Batches,
    pub(crate) keys: KeyChain,
    pub(crate) numbers: Numbers,
    pub(crate) streams: HashMap<StreamName, u64>,
    /// `None` where nothing is ever written.
    pub(crate) marks: Option<Marks>,
    pub(crate) committed_at: Micros,
    /// Erasures that are ordered and not yet recorded as done, with the keys they destroy.
    pub(crate) orders: BTreeMap<RecordId, Vec<VaultKeyId>>,
    /// Every vault key that was ever ordered to be destroyed.
    pub(crate) erased_keys: Vec<VaultKeyId>,
    /// Erasures that somebody asked for and nobody has decided on, with the index of the record of each.
    pub(crate) requests: BTreeMap<ErasureRequestId, u64>,
    /// Whether it is on record that an erasure takes two people.
    pub(crate) erase_by_two: bool,
    /// Indexes of the records that say by which rules content expires, one for each time they were changed.
    pub(crate) rule_records: Vec<u64>,
    /// Indexes of the records that say that the clock is in doubt, or that it is right.
    pub(crate) clock_records: Vec<u64>,
    pub(crate) holds: BTreeMap<HoldId, Hold>,
    pub(crate) deletions: BTreeMap<SystemId, Deletion>,
    /// Indexes of all `erasure.done` records.
    pub(crate) tombstones: Vec<u64>,
    /// Alarms of witnesses: index and record of each, and the index of the record that lifted it.
    pub(crate) alarms: Vec<(u64, RecordId, Option<u64>)>,
    /// Indexes of all key records.
    pub(crate) key_records: Vec<u64>,
    /// Which second key signed checkpoints from which entry on.
    pub(crate) second_keys: SecondKeys,
    /// Indexes of the records that say so.
    pub(crate) second_key_records: Vec<u64>,
    /// The witness's conflict that stopped the log.
    pub(crate) conflict: Option<Conflict>,
}

impl LogState {
    /// State before the genesis entry is folded in.
    pub(crate) fn new(genesis: &[u8]) -> Result<Self, String> {
        let keys =
            KeyChain::genesis(genesis).map_err(|error| format!("entry 0 is not a genesis: {error}"))?;
        Ok(Self::empty(leaf_hash(genesis), keys))
    }

    /// State of a log with these keys of which nothing is folded.
    pub(crate) fn empty(genesis: Hash, keys: KeyChain) -> Self {
        Self {
            origin: keys.origin().clone(),
            env: keys.env(),
            genesis,
            tree: TreeIndex::new(),
            batches: Batches::default(),
            keys,
            numbers: Numbers::default(),
            streams: HashMap::new(),
            marks: None,
            committed_at: Micros(0),
            orders: BTreeMap::new(),
            erased_keys: Vec::new(),
            requests: BTreeMap::new(),
            erase_by_two: false,
            rule_records: Vec::new(),
            clock_records: Vec::new(),
            holds: BTreeMap::new(),
            deletions: BTreeMap::new(),
            tombstones: Vec::new(),
            alarms: Vec::new(),
            key_records: Vec::new(),
            second_keys: SecondKeys::default(),
            second_key_records: Vec::new(),
            conflict: None,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The batch that holds entry `index`.
    pub(crate) fn batch_of(&self, index: u64) -> Option<BatchRef> {
        self.batches.holding(index)
    }

    /// The batch that ends at log size `size`.
    pub(crate) fn batch_ending_at(&self, size: u64) -> Option<BatchRef> {
        self.batch_of(size.checked_sub(1)?).filter(|batch| batch.size_after() == size)
    }

    /// Folds one parsed entry; `index` must be the log's size so far. Only [`LogState::end_batch`] makes it visible as committed.
    pub(crate) fn apply(&mut self, index: u64, entry: &Entry, leaf: Hash) -> Result<(), String> {
        match entry {
            Entry::Seal(seal) => self.apply_seal(&seal.seal)?,
            Entry::Record(record) => self.apply_header(index, &record.header)?,
            Entry::Statement(statement) => {
                if index > 0 && registry::is_key_record(&statement.record.header) {
                    self.apply_key(index, statement)?;
                }
                self.apply_header(index, &statement.record.header)?;
            }
        }
        self.tree.push(leaf);
        Ok(())
    }

    pub(crate) fn apply_key(&mut self, index: u64, statement: &Statement) -> Result<(), String> {
        self.keys.apply(index, statement).map_err(|error| format!("key record at entry {index}: {error}"))
    }

    /// Folds a batch's seal: only its time is state; its root and signature are checked where they are read or made.
    pub(crate) fn apply_seal(&mut self, seal: &BatchSeal) -> Result<(), String> {
        if seal.committed_at < self.committed_at {
            return Err(format!("the seal's time {} is before the seal before it", seal.committed_at));
        }
        self.committed_at = seal.committed_at;
        Ok(())
    }

    /// Folds the header of a record or statement (its bytes' leaf is pushed by the caller).
    pub(crate) fn apply_header(&mut self, index: u64, header: &Header) -> Result<(), String> {
        self.numbers.observe(header).map_err(|due| format!("entry {index}: {due}"))?;
        if let Some((stream, version)) = &header.stream {
            let known = self.streams.get(stream).copied().unwrap_or(0);
            if *version != known + 1 {
                return Err(format!("entry {index}: stream {stream} goes from version {known} to {version}"));
            }
            self.streams.insert(stream.clone(), *version);
        }
        if let (Some(idem), Some(marks)) = (header.idem, &mut self.marks) {
            marks.idempotency.insert(idem.as_bytes(), index);
        }
        self.apply_meaning(index, header)
    }

    /// Notes that entry `index` has content under `keys`.
    pub(crate) fn note_units(&mut self, index: u64, keys: impl IntoIterator<Item = VaultKeyId>) {
        if let Some(marks) = &mut self.marks {
            keys.into_iter().for_each(|key| marks.units.insert(key.as_bytes(), index));
        }
    }

    /// The few record types that the ledger itself acts on.
    fn apply_meaning(&mut self, index: u64, header: &Header) -> Result<(), String> {
        self.apply_request(index, header);
        let Some(facts) = registry::facts(header).map_err(|error| format!("entry {index}: {error}"))? else {
            return Ok(());
        };
        let system = header.system.map(|(system, _)| system);
        match facts {
            Facts::Genesis(_) | Facts::KeyGranted(_) | Facts::KeyRotated(_) | Facts::KeyRevoked(_) => {
                self.key_records.push(index);
            }
            Facts::ErasureOrdered(order) => {
                self.erased_keys.extend(&order.keys);
                self.orders.insert(header.record_id, order.keys);
            }
            Facts::ErasureDone(done) => {
                self.tombstones.push(index);
                if done.last {
                    self.orders.remove(&done.order);
                }
            }
            Facts::HoldPlaced(placed) => {
                self.holds.insert(placed.hold, Hold { keys: placed.keys, system, index });
            }
            Facts::HoldReleased(hold) => {
                self.holds.remove(&hold);
            }
            Facts::DeletionRequested(due) => {
                let by_two = header.producer == self.own_producer() && by_two::request_of(header).is_some();
                self.set_deletion(system, Some(Deletion::Requested { due, by_two }));
            }
            Facts::DeletionCancelled => self.set_deletion(system, None),
            Facts::SystemPurged(_) => self.set_deletion(system, Some(Deletion::Purged)),
            Facts::ConflictFound(found) => {
                self.alarms.push((index, header.record_id, None));
                self.conflict = Some(Conflict::of(header, found));
            }
            Facts::ConflictLifted(lifted) => {
                let alarm = self.alarms.iter_mut().rev().find(|(_, record, _)| *record == lifted);
                if let Some((_, _, lifted_at)) = alarm {
                    lifted_at.get_or_insert(index);
                }
                self.conflict = self.conflict.filter(|conflict| conflict.record_id != lifted);
            }
            facts @ (Facts::SecondKeyIntroduced(_)
            | Facts::SecondKeyRotated(_)
            | Facts::SecondKeyWithdrawn(_)) => {
                self.apply_second_key(index, &facts)?;
            }
            Facts::EpochOpened(_)
            | Facts::EpochClosed(_)
            | Facts::PackageExported(_)
            | Facts::RecordRead(_)
            | Facts::ShardRegistered(_)
            | Facts::ShardKeyRotated(_)
            | Facts::ShardCheckpointRecorded(_)
            | Facts::ShardConflictFound(_)
            | Facts::AnchorConfirmed(_)
            | Facts::StatementRegistered(_)
            | Facts::EnvelopeImported(_)
            | Facts::SourceHeartbeat(_)
            | Facts::SourceKeySet(_)
            | Facts::GapDeclared(..)
            | Facts::GapFound(..)
            | Facts::GapFilled(_) => {}
        }
        Ok(())
    }

    /// Folds what a record says of the log's second key.
    pub(crate) fn apply_second_key(&mut self, index: u64, facts: &Facts) -> Result<(), String> {
        let applied = self.second_keys.apply(index, facts, &self.origin);
        applied.map_err(|error| format!("entry {index}: {error}"))?;
        self.second_key_records.push(index);
        Ok(())
    }

    /// Follows erasures that take two people, and the rules by which content expires. Only what this log wrote by itself counts: anybody may sign a statement of any type.
    fn apply_request(&mut self, index: u64, header: &Header) {
        let is_rule = header.record_type.as_str() == ErasureRuleSet::TYPE;
        let sets_rules = header.record_type.as_str() == RetentionRulesSet::TYPE;
        let on_clock = [RetentionClockConfirmed::TYPE, RetentionClockDoubted::TYPE];
        let is_on_clock = on_clock.contains(&header.record_type.as_str());
        let request = by_two::request_of(header);
        if !(is_rule || sets_rules || is_on_clock || request.is_some())
            || header.producer != self.own_producer()
        {
            return;
        }
        self.erase_by_two |= is_rule;
        if sets_rules {
            self.rule_records.push(index);
        }
        if is_on_clock {
            self.clock_records.push(index);
        }
        let Some(request) = request else { return };
        match header.record_type.as_str() {
            ErasureRequested::TYPE => {
                self.requests.insert(request, index);
            }
            ErasureConfirmed::TYPE | ErasureDeclined::TYPE => {
                self.requests.remove(&request);
            }
            _ => {}
        }
    }

    fn set_deletion(&mut self, system: Option<SystemId>, deletion: Option<Deletion>) {
        // The registry lets no such record pass without a system.
        let Some(system) = system else { return };
        match deletion {
            Some(deletion) => self.deletions.insert(system, deletion),
            None => self.deletions.remove(&system),
        };
    }

    /// Makes the batch that was just folded part of what is committed.
    pub(crate) fn end_batch(&mut self, batch: BatchRef) {
        assert!(batch.size_after() == self.size(), "a batch ends exactly where the folded tree ends");
        self.batches.push(batch);
    }

    /// The producer id of the log's own records (docs/formats.md §7).
    pub(crate) fn own_producer(&self) -> ProducerId {
        ProducerId::of_log(&self.genesis)
    }
}
