//! Looking for entries and commits in a long log without reading all of it.
//!
//! Must never: stand for a reading of the entry itself; what is found here is parsed and checked by whoever goes on with it.

use std::ops::Range;

use tabellion_model::{Entry, RecordId, UnitId};
use zeroize::Zeroizing;

use crate::batches::BatchRef;
use crate::error::LedgerError;
use crate::read::{self, StoredUnit};
use crate::reader::{CommitView, Reader};
use crate::vault::{Found, decrypt_plain};

/// What is left of one unit's content, as it was sealed.
#[derive(Debug, Clone)]
pub enum PlainContent {
    /// The plaintext of docs/formats.md §13.3: canonical JSON, an array of `[salt, name, value]`.
    Shown(Zeroizing<Vec<u8>>),
    /// Its key was destroyed.
    Erased,
    /// It does not open with its key.
    Missing,
}

/// One unit that is kept beside an entry.
#[derive(Debug, Clone)]
pub struct PlainUnit {
    /// The unit.
    pub id: UnitId,
    /// Its content.
    pub content: PlainContent,
}

/// One stored entry, of which nothing was parsed.
pub struct RawEntry<'a> {
    /// Its index.
    pub index: u64,
    /// Its bytes, as hashed into the tree.
    pub bytes: &'a [u8],
    reader: &'a Reader,
    units: &'a [&'a [u8]],
}

impl RawEntry<'_> {
    /// Opens the units that are kept beside it, for whoever knows from its bytes that it is the record `record`.
    pub fn open(&self, record: &RecordId) -> Result<Vec<PlainUnit>, LedgerError> {
        let open = |payload: &&[u8]| {
            let unit = read::parse_unit_frame(payload).map_err(LedgerError::Fatal)?;
            Ok(PlainUnit { id: unit.id, content: self.reader.plain(record, &unit) })
        };
        self.units.iter().map(open).collect()
    }
}

impl Reader {
    /// The entries `from … to − 1` as they lie there, in order, read batch by batch: nothing of them is parsed or decrypted.
    pub fn raw_entries(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(&RawEntry<'_>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let (mut next, mut bytes) = (from, Vec::new());
        while next < to {
            let batch = self.batch_of(next)?;
            read::read_batch(self.shared.disk.as_ref(), &batch, &mut bytes)
                .map_err(LedgerError::Unavailable)?;
            let parsed = read::parse_batch(&batch, &bytes).map_err(|what| self.shared.damage(&what))?;
            for (index, stored) in (batch.first..).zip(&parsed.entries) {
                if index >= next && index < to {
                    each(&RawEntry { index, bytes: stored.entry, reader: self, units: &stored.units })?;
                }
            }
            next = batch.size_after();
        }
        Ok(())
    }

    /// The entries that were committed together with entry `index`: read, damaged and lost as one.
    pub fn committed_with(&self, index: u64) -> Result<Range<u64>, LedgerError> {
        let batch = self.batch_of(index)?;
        Ok(batch.first..batch.size_after())
    }

    fn plain(&self, record: &RecordId, unit: &StoredUnit) -> PlainContent {
        // The table is held for a copy of the key, and not while anything is decrypted.
        let key = match self.shared.vault().get(&unit.key) {
            Found::Destroyed => return PlainContent::Erased,
            Found::Unknown => return PlainContent::Missing,
            Found::Live(key) => key,
        };
        decrypt_plain(&key, &unit.id, record, &unit.ciphertext)
            .map_or(PlainContent::Missing, PlainContent::Shown)
    }

    /// How many commits there were when the log had `size` entries.
    pub fn commits_below(&self, size: u64) -> u64 {
        self.state().batches.ended_by(size) as u64
    }

    /// The commit of this number, from 0. Commit times never go back, so that whoever looks for one need not read them all.
    pub fn commit(&self, number: u64) -> Result<Option<CommitView>, LedgerError> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let batch = self.state().batches.get(place);
        batch.map(|batch| self.commit_view(&batch)).transpose()
    }

    pub(crate) fn commit_view(&self, batch: &BatchRef) -> Result<CommitView, LedgerError> {
        let index = batch.size_after() - 1;
        let stored = read::stored_entry(self.shared.disk.as_ref(), batch, index)
            .map_err(|fault| self.shared.fault(fault))?;
        match Entry::parse(&stored.entry) {
            Ok(Entry::Seal(seal)) => Ok(CommitView {
                first: batch.first,
                size: batch.size_after(),
                committed_at: seal.seal.committed_at,
            }),
            _ => Err(LedgerError::Fatal(format!("entry {index} is not a seal"))),
        }
    }
}
