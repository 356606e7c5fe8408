//! What a signer outside the ledger must know before it signs: where its count stands, and whether a request was recorded before.
//!
//! Must never: give out a key, or anything about content.

use tabellion_model::registry::PreviousEpoch;
use tabellion_model::{ProducerId, idem_tag};
use tabellion_tlog::Hash;

use crate::draft::{checked_name, malformed};
use crate::error::LedgerError;
use crate::idempotency;
use crate::ledger::Ledger;
use crate::vault::subject_tag;

/// An idempotency key of one producer, as the log knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyTag {
    /// What stands in the header of a record made under the key.
    pub tag: Hash,
    /// The entry that was made under it, when there is one.
    pub index: Option<u64>,
}

impl Ledger {
    /// How the last epoch of `producer` stands; `None` when it never wrote to this log.
    pub fn last_epoch(&self, producer: &ProducerId) -> Option<PreviousEpoch> {
        self.state().numbers.get(producer).and_then(|epoch| epoch.previous_facts().previous)
    }

    /// The tag of an idempotency key of `producer`, and what was recorded under it.
    pub fn idempotency_tag(&self, producer: &ProducerId, key: &str) -> Result<IdempotencyTag, LedgerError> {
        let key = checked_name("idempotency key", key)?;
        let tag = idem_tag(&self.secrets.idempotency, producer, key)
            .map_err(|error| malformed(error.to_string()))?;
        let index = idempotency::original(&self.shared, &self.state(), &tag)?;
        Ok(IdempotencyTag { tag, index })
    }

    /// Whether the content of entry `index` is kept about `subject`, and about nobody else; without one: about nobody.
    pub fn is_about(&self, index: u64, subject: Option<&str>) -> Result<bool, LedgerError> {
        let tag = subject.map(|subject| subject_tag(&self.secrets.pseudonym, subject));
        let stored = self.reader().stored(index)?;
        let vault = self.shared.vault();
        Ok(stored.units.iter().filter_map(|unit| vault.scope(&unit.key)).all(|scope| scope.subject == tag))
    }
}
