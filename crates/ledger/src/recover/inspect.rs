//! Those who look on while a log is read.

use std::collections::BTreeMap;

use tabellion_model::{Entry, VaultKeyId};

use crate::batches::BatchRef;
use crate::error::OpenError;
use crate::read;
use crate::state::LogState;
use crate::vault::KeyTable;
use crate::wal::batch::Batch;

/// Sees every committed batch while the log is scanned.
pub(crate) trait Inspect {
    /// One batch that folded well; `entries` are its entries parsed, the seal last.
    fn batch(
        &mut self,
        at: &BatchRef,
        batch: &Batch<'_>,
        entries: &[Entry],
        state: &LogState,
    ) -> Result<(), String>;
}

/// Looks at nothing more than the fold itself does.
pub(crate) struct FoldOnly;

impl Inspect for FoldOnly {
    fn batch(&mut self, _: &BatchRef, _: &Batch<'_>, _: &[Entry], _: &LogState) -> Result<(), String> {
        Ok(())
    }
}

/// Collects the vault keys that the log's content needs.
#[derive(Default)]
pub(crate) struct KeysUsed(BTreeMap<VaultKeyId, u64>);

impl Inspect for KeysUsed {
    fn batch(&mut self, at: &BatchRef, batch: &Batch<'_>, _: &[Entry], _: &LogState) -> Result<(), String> {
        for (position, stored) in batch.entries.iter().enumerate() {
            for frame in &stored.units {
                self.0.entry(read::unit_of(frame)?.1).or_insert(at.first + position as u64);
            }
        }
        Ok(())
    }
}

impl KeysUsed {
    /// A vault that lacks a key of the log is older than the log, or damaged.
    pub(crate) fn check(&self, vault: &KeyTable) -> Result<(), OpenError> {
        match self.0.iter().find(|(key, _)| !vault.knows(key)) {
            None => Ok(()),
            Some((key, index)) => Err(OpenError::Corrupt(format!(
                "the vault has no whole key {key}, which entry {index} needs: the vault is damaged or an older copy. Put the newest vault back, \
                 from its disk or a newer backup\n\
                 If there is none, what was kept under the keys that this one lacks is lost (entries, proofs and receipts are not): make vault/lost an empty \
                 file of the owner's alone, and the next start records that"
            ))),
        }
    }

    /// Every vault key that the log needs.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &VaultKeyId> {
        self.0.keys()
    }

    /// Whether content below `index` is kept under this key: then the key was durable before the batch that ends there.
    pub(crate) fn used_below(&self, index: u64, key: &VaultKeyId) -> bool {
        self.0.get(key).is_some_and(|first| *first < index)
    }
}
