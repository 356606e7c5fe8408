//! Reading a log: entries, what they disclose, checkpoints, receipts and proofs. Works on an open ledger and, read-only, on the
//! committed prefix of a directory that another process holds.
//!
//! Must never: change anything, or answer from bytes that do not match the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::Duration;

use tabellion_model::body::is_original;
use tabellion_model::registry::{self, Facts};
use tabellion_model::{
    Disclosure, Entry, Env, KeyChain, KeyId, Micros, Origin, PlacedEntry, Purpose, Receipt, RecordId,
    SealProof, SystemId, UnitId, tombstone,
};
use tabellion_tlog::{Hash, TlogProof, consistency_path, inclusion_path, inclusion_path_of, leaf_hash};

use crate::anchor::{OutboxError, evidence_for};
use crate::batches::BatchRef;
use crate::disk::Disk;
use crate::error::{LedgerError, OpenError, RejectCode};
use crate::in_place::HeldLock;
use crate::keyring::Secrets;
use crate::ledger::{self, OpenOptions};
use crate::opening::{self, Looked};
use crate::read::{self, LogBlocks, Stored};
use crate::recover::{self, FoldOnly, Recovered, ScanOptions};
use crate::shared::Shared;
use crate::state::{Deletion, LogState};
use crate::tree::TreeView;
use crate::vault::{Found, KeyTable, decrypt_unit};
use crate::witnessed::COSIGNED_PATH;

/// How far the log's time may be ahead of the clock without a word: clocks of one machine differ by less after a restart.
const CLOCK_TOLERANCE_US: u64 = 60 * 1_000_000;

/// What is left of one unit's content.
#[derive(Debug, Clone, PartialEq)]
pub enum UnitContent {
    /// All that was kept, in digest order.
    Shown(Vec<Disclosure>),
    /// Its key was destroyed.
    Erased,
    /// It was never given to this vault, or its bytes are not readable here.
    Missing,
}

/// One unit of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitView {
    /// The unit.
    pub id: UnitId,
    /// Its content.
    pub content: UnitContent,
    /// Whether it is about a data subject.
    pub personal: bool,
}

/// One committed entry.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// Its index.
    pub index: u64,
    /// Its bytes, as hashed into the tree.
    pub bytes: Vec<u8>,
    /// What they say.
    pub entry: Entry,
    /// Its units, in header order; empty for seals.
    pub units: Vec<UnitView>,
}

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitView {
    /// Index of its first entry.
    pub first: u64,
    /// Log size after it; its seal is the entry before.
    pub size: u64,
    /// Commit time, from its seal.
    pub committed_at: Micros,
}

/// A log open for reading.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

/// A log that was opened with a look at its vault.
pub struct ComparedReader {
    /// The log.
    pub reader: Reader,
    /// For the operator.
    pub notes: Vec<String>,
    /// What is wrong with the keys that content is kept under, which keeps nobody from reading the rest.
    pub lacking: Option<String>,
    /// So many of its first entries were taken from its saved state and not read.
    pub unread: u64,
}

impl Reader {
    /// Opens the committed prefix of the log in `disk` without writing or locking anything.
    pub fn open(disk: Arc<dyn Disk>, options: &OpenOptions) -> Result<(Self, Vec<String>), OpenError> {
        let secrets = Secrets::load(disk.as_ref(), &options.keys);
        let scan = ScanOptions::read_only(options.origin.as_ref());
        let recovered = opening::look(disk.as_ref(), scan, secrets.as_ref().ok())?;
        let vault = ledger::open_vault_unlocked(disk.as_ref(), options, &recovered.state, &secrets?)?;
        Self::start(disk, options, recovered, vault)
    }

    /// The same, from the whole log, whatever was saved of it: for whoever is to say afterwards that all of it was there.
    pub(crate) fn open_whole(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
    ) -> Result<(Self, Vec<String>), OpenError> {
        let scan = ScanOptions::read_only(options.origin.as_ref());
        let recovered = recover::scan(disk.as_ref(), scan, None, &mut FoldOnly)?;
        let secrets = Secrets::load(disk.as_ref(), &options.keys)?;
        let vault = ledger::open_vault_unlocked(disk.as_ref(), options, &recovered.state, &secrets)?;
        Self::start(disk, options, recovered, vault)
    }

    /// The same, and compares the keys that content is kept under with those that the vault knows.
    pub fn open_and_compare_keys(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
    ) -> Result<ComparedReader, OpenError> {
        let secrets = Secrets::load(disk.as_ref(), &options.keys);
        let scan = ScanOptions::read_only(options.origin.as_ref());
        let Looked { recovered, vault, lacking, unread } =
            opening::look_at_keys(disk.as_ref(), scan, secrets)?;
        let (reader, notes) = Self::start(disk, options, recovered, vault)?;
        Ok(ComparedReader { reader, notes, lacking, unread })
    }

    fn start(
        disk: Arc<dyn Disk>,
        options: &OpenOptions,
        recovered: Recovered,
        vault: KeyTable,
    ) -> Result<(Self, Vec<String>), OpenError> {
        let shared = Arc::new(Shared::new(
            disk,
            options,
            HeldLock::none(),
            recovered.state,
            vault,
            recovered.checkpoint,
        ));
        let second = shared.load_hybrid()?;
        let (reader, mut notes) = (Self { shared }, recovered.notes);
        notes.extend(second.notes());
        notes.extend(reader.load_cosigned().map_err(OpenError::io("read", COSIGNED_PATH))?);
        Ok((reader, notes))
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, LogState> {
        self.shared.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of the log.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.shared.disk)
    }

    /// The log's origin.
    pub fn origin(&self) -> Origin {
        self.state().origin.clone()
    }

    /// The log's environment.
    pub fn env(&self) -> Env {
        self.state().env
    }

    /// Leaf hash of the genesis.
    pub fn genesis(&self) -> Hash {
        self.state().genesis
    }

    /// Entries in the log, seals included.
    pub fn size(&self) -> u64 {
        self.state().size()
    }

    /// Commit time of the newest entry. Commit times never go back.
    pub fn committed_at(&self) -> Micros {
        self.state().committed_at
    }

    /// What time it is for whatever ends at a time: the clock's, and never before the newest commit; where that is ahead of the clock, it goes on at
    /// half the clock's pace and does not stand still.
    pub fn now(&self) -> Micros {
        self.shared.time.now().max(self.committed_at())
    }

    /// How far the log's time is ahead of this machine's clock, in whole seconds.
    pub fn clock_ahead_seconds(&self) -> u64 {
        self.shared.time.ahead_us() / 1_000_000
    }

    /// Log size of the newest saved state, 0 without one; and how many saves failed since then. Nothing is lost where saving fails: the next start reads all
    /// entries since.
    pub fn saved(&self) -> (u64, u64) {
        (self.shared.saved_size.load(Ordering::Relaxed), self.shared.saves_failed.load(Ordering::Relaxed))
    }

    /// What there is to say of the clock: `None` when the log's time is less than a minute ahead of it.
    pub fn clock_trouble(&self) -> Option<String> {
        let ahead = self.shared.time.ahead_us();
        (ahead > CLOCK_TOLERANCE_US).then(|| {
            format!(
                "the log's time is {} ahead of this machine's clock, because a commit was once dated so. Until the clock has caught up it goes at half \
                 pace: keys, links and sessions may last twice their time, what is to end at a date ends early, and periods miss what is recorded \
                 meanwhile. Check the clock",
                in_words(ahead)
            )
        })
    }

    /// The committed size, as soon as it is above `known` or `patience` is over. Only a log that this process writes to grows.
    pub fn wait_for_more(&self, known: u64, patience: Duration) -> u64 {
        self.shared.wait_for_more(known, patience)
    }

    /// The log's key records, folded.
    pub fn keys(&self) -> KeyChain {
        self.state().keys.clone()
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.shared.checkpoint.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Systems on their way out: with the time their content goes, or `None` when it is gone.
    pub fn deletions(&self) -> Vec<(SystemId, Option<Micros>)> {
        let due = |deletion: &Deletion| match deletion {
            Deletion::Requested { due, .. } => Some(*due),
            Deletion::Purged => None,
        };
        self.state().deletions.iter().map(|(system, deletion)| (*system, due(deletion))).collect()
    }

    /// Counts for the operator.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let live = self.shared.vault().live_keys();
        let state = self.state();
        BTreeMap::from([
            ("commits", state.batches.len() as u64),
            ("entries", state.size()),
            ("holds", state.holds.len() as u64),
            ("pending_erasures", state.orders.len() as u64),
            ("producers", state.numbers.producers() as u64),
            ("streams", state.streams.len() as u64),
            ("vault_keys", live as u64),
        ])
    }

    /// Bytes on disk of the commits from entry `from` on, units and checkpoints included.
    pub fn committed_bytes_since(&self, from: u64) -> u64 {
        let state = self.state();
        let begun = state.batches.from(state.batches.ended_by(from));
        begun.filter(|batch| batch.first >= from).map(|batch| u64::from(batch.bytes)).sum()
    }

    /// One entry with what it discloses here.
    pub fn entry(&self, index: u64) -> Result<EntryView, LedgerError> {
        let stored = self.stored(index)?;
        self.view(index, stored)
    }

    /// The entries `from … to − 1`, in order, read batch by batch.
    pub fn entries(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(EntryView) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let (mut next, mut bytes, mut segment) = (from, Vec::new(), read::OpenSegment::default());
        while next < to {
            let batch = self.batch_of(next)?;
            segment.read(self.shared.disk.as_ref(), &batch, &mut bytes).map_err(LedgerError::Unavailable)?;
            let parsed = read::parse_batch(&batch, &bytes).map_err(|what| self.shared.damage(&what))?;
            for (position, stored) in parsed.entries.iter().enumerate() {
                let index = batch.first + position as u64;
                if index >= next && index < to {
                    each(self.view(index, read::owned(stored).map_err(LedgerError::Fatal)?)?)?;
                }
            }
            next = batch.size_after();
        }
        Ok(())
    }

    pub(crate) fn stored(&self, index: u64) -> Result<Stored, LedgerError> {
        let batch = self.batch_of(index)?;
        read::stored_entry(self.shared.disk.as_ref(), &batch, index).map_err(|fault| self.shared.fault(fault))
    }

    fn view(&self, index: u64, stored: Stored) -> Result<EntryView, LedgerError> {
        let entry = Entry::parse(&stored.entry)
            .map_err(|error| LedgerError::Fatal(format!("entry {index} does not read back: {error}")))?;
        let units = match entry.header() {
            None => Vec::new(),
            Some(header) => {
                header.units.iter().map(|unit| self.unit(&header.record_id, &unit.id, &stored)).collect()
            }
        };
        Ok(EntryView { index, bytes: stored.entry, entry, units })
    }

    fn unit(&self, record: &RecordId, id: &UnitId, stored: &Stored) -> UnitView {
        let Some(unit) = stored.units.iter().find(|unit| unit.id == *id) else {
            return UnitView { id: *id, content: UnitContent::Missing, personal: false };
        };
        let vault = self.shared.vault();
        let personal = vault.scope(&unit.key).is_some_and(|scope| scope.subject.is_some());
        let content = match vault.get(&unit.key) {
            Found::Destroyed => UnitContent::Erased,
            Found::Unknown => UnitContent::Missing,
            Found::Live(key) => match decrypt_unit(&key, id, record, &unit.ciphertext) {
                Ok(disclosures) => UnitContent::Shown(disclosures),
                Err(_) => UnitContent::Missing,
            },
        };
        UnitView { id: *id, content, personal }
    }

    /// Log size after the commit that holds entry `index`: where a reader that takes whole commits may stop.
    pub fn commit_end(&self, index: u64) -> Result<u64, LedgerError> {
        Ok(self.batch_of(index)?.size_after())
    }

    pub(crate) fn batch_of(&self, index: u64) -> Result<BatchRef, LedgerError> {
        let state = self.state();
        state.batch_of(index).ok_or_else(|| {
            LedgerError::rejected(
                RejectCode::NotFound,
                format!("there is no entry {index}; the log has {} entries", state.size()),
            )
        })
    }

    fn batch_ending_at(&self, size: u64) -> Result<BatchRef, LedgerError> {
        let state = self.state();
        state.batch_ending_at(size).ok_or_else(|| {
            let near = state.batch_of(size.saturating_sub(1).min(state.size().saturating_sub(1)));
            let near = near.map(|batch| {
                format!("; the nearest sizes with one are {} and {}", batch.first, batch.size_after())
            });
            LedgerError::rejected(
                RejectCode::NotFound,
                format!("no checkpoint of size {size} was signed{}", near.unwrap_or_default()),
            )
        })
    }

    /// The signed checkpoint of exactly `size`, as it was signed then, with the log's second signature where it has a key for that.
    pub fn checkpoint_at(&self, size: u64) -> Result<String, LedgerError> {
        self.logged_checkpoint(size).map(|text| self.shared.handed_out(&text))
    }

    /// The checkpoint of the commit that ended at `size`, as it stands in the log: signed by Ed25519 alone.
    fn logged_checkpoint(&self, size: u64) -> Result<Arc<str>, LedgerError> {
        if let Some(text) = self.shared.newest_checkpoint(size) {
            return Ok(text);
        }
        let batch = self.batch_ending_at(size)?;
        let bytes = read::batch_bytes(self.shared.disk.as_ref(), &batch).map_err(LedgerError::Unavailable)?;
        let parsed = read::parse_batch(&batch, &bytes).map_err(|what| self.shared.damage(&what))?;
        str::from_utf8(parsed.checkpoint)
            .map(Arc::from)
            .map_err(|_| LedgerError::Fatal("a checkpoint is not text".to_owned()))
    }

    /// The plain C2SP proof of entry `index` in the tree of `size` entries, where a commit ended, with the checkpoint as it stands in the log. For the newest
    /// entries nothing is read from the disk.
    pub fn logged_proof(&self, index: u64, size: u64) -> Result<TlogProof, LedgerError> {
        let checkpoint = self.logged_checkpoint(size)?.as_ref().to_owned();
        Ok(TlogProof { extra: None, index, path: self.inclusion(index, size)?, checkpoint })
    }

    /// Inclusion path of entry `index` in the tree of `size` entries.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        let state = self.state();
        let blocks = LogBlocks { disk: self.shared.disk.as_ref(), state: &state };
        inclusion_path(index, size, &TreeView::new(&state.tree, &blocks)).map_err(|error| {
            LedgerError::Unavailable(format!("no proof of entry {index} at size {size}: {error}"))
        })
    }

    /// Consistency path between two sizes.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
        let state = self.state();
        let blocks = LogBlocks { disk: self.shared.disk.as_ref(), state: &state };
        consistency_path(old, new, &TreeView::new(&state.tree, &blocks)).map_err(|error| {
            LedgerError::Unavailable(format!("no consistency proof from {old} to {new}: {error}"))
        })
    }

    /// Roots of the maximal perfect subtrees of `[begin, end)`, left to right.
    pub fn subtrees(&self, begin: u64, end: u64) -> Result<Vec<Hash>, LedgerError> {
        read::subtrees(self.shared.disk.as_ref(), &self.state(), begin, end).map_err(LedgerError::Unavailable)
    }

    /// Root of the tree of the first `size` entries.
    pub fn root_at(&self, size: u64) -> Result<Hash, LedgerError> {
        read::root_at(self.shared.disk.as_ref(), &self.state(), size).map_err(LedgerError::Unavailable)
    }

    /// Entry `index` with its inclusion path at `size`.
    pub fn placed(&self, index: u64, size: u64) -> Result<PlacedEntry, LedgerError> {
        Ok(PlacedEntry { entry: self.stored(index)?.entry, index, path: self.inclusion(index, size)? })
    }

    /// The plain C2SP proof of entry `index`, at the checkpoint of its own batch.
    pub fn proof(&self, index: u64) -> Result<TlogProof, LedgerError> {
        let size = self.batch_of(index)?.size_after();
        Ok(TlogProof {
            extra: None,
            index,
            path: self.inclusion(index, size)?,
            checkpoint: self.checkpoint_at(size)?,
        })
    }

    /// The receipt of entry `index`: always the same bytes while its content is not erased.
    pub fn receipt(&self, index: u64) -> Result<Receipt, LedgerError> {
        let size = self.batch_of(index)?.size_after();
        self.receipt_under(index, size, self.checkpoint_at(size)?)
    }

    /// The receipt of entry `index` under the newest checkpoint that witnesses have cosigned, with their lines.
    pub fn witnessed_receipt(&self, index: u64) -> Result<Receipt, LedgerError> {
        self.batch_of(index)?;
        let cosigned = self.cosigned().filter(|cosigned| cosigned.checkpoint.size > index).ok_or_else(|| {
            LedgerError::rejected(
                RejectCode::NotFound,
                format!(
                    "no checkpoint with entry {index} in it has been cosigned by the witnesses yet; ask again later, or take the plain receipt"
                ),
            )
        })?;
        self.receipt_under(index, cosigned.checkpoint.size, self.shared.handed_out(&cosigned.bytes))
    }

    /// The receipt of entry `index` under a checkpoint that anchors have confirmed, with their evidence.
    pub fn anchored_receipt(&self, index: u64) -> Result<Receipt, LedgerError> {
        self.batch_of(index)?;
        let unreadable = |error: OutboxError| LedgerError::Unavailable(error.to_string());
        let (size, anchors) = evidence_for(&self.shared.disk, index).map_err(unreadable)?.ok_or_else(|| {
            LedgerError::rejected(
                RejectCode::NotFound,
                format!("no anchor has confirmed a checkpoint with entry {index} in it yet; ask again later, or take the plain receipt"),
            )
        })?;
        let receipt = self.receipt_under(index, size, self.checkpoint_at(size)?)?;
        Ok(Receipt { anchors, ..receipt })
    }

    /// The receipt of entry `index` under `checkpoint`, which is the log's own of `size` entries.
    fn receipt_under(&self, index: u64, size: u64, checkpoint: String) -> Result<Receipt, LedgerError> {
        let batch = self.batch_of(index)?;
        let sealed_at = batch.size_after() - 1;
        let view = self.entry(index)?;
        let shown = view.units.iter().filter_map(|unit| match &unit.content {
            UnitContent::Shown(disclosures) => Some(disclosures),
            UnitContent::Erased | UnitContent::Missing => None,
        });
        // What a placeholder stands for goes nowhere but to who said why (docs/masking.md): a receipt proves the record without it.
        let is_kept_back = |disclosure: &Disclosure| {
            let header = view.entry.header();
            header.is_some_and(|header| is_original(header.record_type.as_str(), disclosure.name()))
        };
        let shown = shown.flatten().filter(|disclosure| !is_kept_back(disclosure));
        // One order over all units (docs/formats.md §9), so that the receipt has one byte form.
        let disclosures: BTreeMap<String, String> =
            shown.map(|disclosure| (disclosure.digest(), disclosure.encode())).collect();
        Ok(Receipt {
            index,
            path: self.inclusion(index, size)?,
            checkpoint,
            entry: view.bytes.clone(),
            disclosures: disclosures.into_values().collect(),
            keys: self.receipt_keys(&view.entry, sealed_at, size)?,
            seal: if index == sealed_at { None } else { Some(self.receipt_seal(&batch, index, size)?) },
            anchors: Vec::new(),
        })
    }

    fn receipt_seal(&self, batch: &BatchRef, index: u64, size: u64) -> Result<SealProof, LedgerError> {
        let bytes = read::batch_bytes(self.shared.disk.as_ref(), batch).map_err(LedgerError::Unavailable)?;
        let parsed = read::parse_batch(batch, &bytes).map_err(|what| self.shared.damage(&what))?;
        let count = parsed.entries.len().saturating_sub(1);
        let leaves: Vec<Hash> =
            parsed.entries.iter().take(count).map(|stored| leaf_hash(stored.entry)).collect();
        let batch_path = inclusion_path_of(&leaves, index - batch.first)
            .ok_or_else(|| LedgerError::Fatal(format!("entry {index} is not under its seal")))?;
        Ok(SealProof { batch_path, placed: self.placed(batch.size_after() - 1, size)? })
    }

    /// The genesis and the records that brought in the log key in force at `size`, the writer key in force at the seal and the key that signed `entry`: for a
    /// rotated key also the records back to its grant, because each old key vouches for the next.
    fn receipt_keys(
        &self,
        entry: &Entry,
        sealed_at: u64,
        size: u64,
    ) -> Result<Vec<PlacedEntry>, LedgerError> {
        let keys = self.keys();
        let in_force = [(Purpose::Log, size), (Purpose::Writer, sealed_at)];
        let mut waiting: Vec<KeyId> = in_force
            .iter()
            .filter_map(|(purpose, position)| keys.in_force(*purpose, *position))
            .map(|key| key.key_id)
            .collect();
        if let Entry::Statement(statement) = entry {
            waiting.push(statement.kid);
        }
        let mut indexes = BTreeSet::from([0]);
        while let Some(key) = waiting.pop() {
            let Some(since) = keys.grant_of(&key).map(|grant| grant.since) else { continue };
            if indexes.insert(since) {
                waiting.extend(self.rotated_from(since)?);
            }
        }
        indexes.into_iter().map(|index| self.placed(index, size)).collect()
    }

    /// The key that the key record `index` replaces, when it is a rotation.
    fn rotated_from(&self, index: u64) -> Result<Option<KeyId>, LedgerError> {
        let unreadable = |error: String| {
            LedgerError::Fatal(format!("the key record at entry {index} does not read back: {error}"))
        };
        let entry =
            Entry::parse(&self.stored(index)?.entry).map_err(|error| unreadable(error.to_string()))?;
        let facts =
            entry.header().map(registry::facts).transpose().map_err(|error| unreadable(error.to_string()))?;
        Ok(match facts.flatten() {
            Some(Facts::KeyRotated(rotated)) => Some(rotated.old),
            _ => None,
        })
    }

    /// Every commit in order, with its time.
    pub fn commits(&self) -> Result<Vec<CommitView>, LedgerError> {
        let batches = self.state().batches.clone();
        batches.iter().map(|batch| self.commit_view(&batch)).collect()
    }

    /// For every unit proved erased: the tombstone's entry and the disclosure that shows it.
    pub fn tombstones(&self, size: u64) -> Result<BTreeMap<UnitId, (u64, Disclosure)>, LedgerError> {
        let indexes = self.state().tombstones.clone();
        let mut found = BTreeMap::new();
        for index in indexes.into_iter().filter(|index| *index < size) {
            for unit in self.entry(index)?.units {
                let UnitContent::Shown(disclosures) = unit.content else { continue };
                for disclosure in disclosures {
                    if let Some(erased) = tombstone::erased_unit(&disclosure) {
                        found.entry(erased).or_insert((index, disclosure));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Indexes of the records about alarms that a package of the entries `first … end − 1` at `size` needs: every alarm that is not lifted, and what lifts
    /// one of the range.
    pub fn alarm_records(&self, first: u64, end: u64, size: u64) -> Vec<u64> {
        let state = self.state();
        let below = state.alarms.iter().filter(|(index, ..)| *index < size);
        let needed = |(index, _, lifted): &(u64, RecordId, Option<u64>)| match lifted
            .filter(|lifted| *lifted < size)
        {
            None => vec![*index],
            Some(lifted) if (first..end).contains(index) => vec![*index, lifted],
            Some(_) => Vec::new(),
        };
        below.flat_map(needed).collect()
    }

    /// Indexes of all key records below `size`, the genesis first.
    pub fn key_records(&self, size: u64) -> Vec<u64> {
        self.state().key_records.iter().copied().filter(|index| *index < size).collect()
    }
}

/// A span in the largest unit of which it has two.
fn in_words(span_us: u64) -> String {
    let seconds = span_us / 1_000_000;
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.into_iter().find(|(unit, _)| seconds / unit >= 2);
    unit.map_or_else(|| format!("{seconds} seconds"), |(unit, name)| format!("{} {name}", seconds / unit))
}
