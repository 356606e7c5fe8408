//! What an erasure would take, for whoever is to confirm it and for rules about what must not go.
//!
//! Must never: change anything, or be taken for what goes in the end: until an erasure is carried out more may be recorded.

use std::collections::BTreeSet;

use tabellion_model::VaultKeyId;

use super::ErasureTarget;
use crate::error::LedgerError;
use crate::ledger::Ledger;

/// What would go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// Content keys that would be destroyed.
    pub keys: usize,
    /// Entries with content under them, in log order; `None`: they are not counted, since there may be as many as the log has.
    pub entries: Option<Vec<u64>>,
}

impl Ledger {
    /// What would go with `target` if it were erased now.
    pub fn going(&self, target: &ErasureTarget) -> Result<Going, LedgerError> {
        let keys = self.keys_of(target)?;
        let entries = match target {
            ErasureTarget::Record(_) | ErasureTarget::Call(_) if !keys.is_empty() => {
                let keys = keys.iter().copied().collect();
                let entries: BTreeSet<u64> =
                    self.reader().units_under(&keys)?.into_iter().map(|(index, _)| index).collect();
                Some(entries.into_iter().collect())
            }
            ErasureTarget::Record(_) | ErasureTarget::Call(_) => Some(Vec::new()),
            ErasureTarget::Subject(_) | ErasureTarget::System(_) | ErasureTarget::Retention { .. } => None,
        };
        Ok(Going { keys: keys.len(), entries })
    }

    /// The first of `entries` of whose content any would go with `target`.
    pub fn goes_with(&self, target: &ErasureTarget, entries: &[u64]) -> Result<Option<u64>, LedgerError> {
        if entries.is_empty() {
            return Ok(None);
        }
        let keys: BTreeSet<VaultKeyId> = self.keys_of(target)?.into_iter().collect();
        for index in entries {
            let stored = self.reader().stored(*index)?;
            if stored.units.iter().any(|unit| keys.contains(&unit.key)) {
                return Ok(Some(*index));
            }
        }
        Ok(None)
    }
}
