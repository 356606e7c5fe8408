//! Exact idempotency (docs/formats.md §13.5): the same key with the same request gives the original receipt, with another request it is
//! refused, and once the content is erased nobody can test a guess against what is kept.

use tabellion_model::{Entry, UnitId, VaultKeyId, derive_idem_key};
use tabellion_tlog::{Hash, leaf_hash};

use crate::commit::Ack;
use crate::error::{LedgerError, RejectCode};
use crate::keyring::Secrets;
use crate::read;
use crate::saved;
use crate::shared::Shared;
use crate::stage::Item;
use crate::state::LogState;
use crate::vault::{Found, KeyTable};

/// The fingerprint of `request`, keyed with every vault key that seals its content. `None` when one of them is destroyed.
pub(crate) fn fingerprint(
    secret: &[u8; 32],
    vault: &KeyTable,
    units: &[(UnitId, VaultKeyId)],
    request: &[u8],
) -> Option<[u8; 32]> {
    let mut keys = Vec::with_capacity(units.len());
    for (unit, key) in units {
        let Found::Live(vault_key) = vault.get(key) else { return None };
        keys.push(derive_idem_key(&vault_key, unit));
    }
    Some(tabellion_model::fingerprint(secret, &keys, request))
}

/// The entry that was appended under the idempotency key whose tag in its header is `idem`.
pub(crate) fn original(shared: &Shared, state: &LogState, idem: &Hash) -> Result<Option<u64>, LedgerError> {
    let Some(marks) = &state.marks else { return Ok(None) };
    let disk = shared.disk.as_ref();
    let candidates = marks.idempotency.candidates(disk, idem.as_bytes());
    let candidates = candidates
        .map_err(|error| saved::unreadable("whether the idempotency key was used before", shared, &error))?;
    for index in candidates {
        let batch = state.batch_of(index);
        let stored = batch.map(|batch| read::stored_entry(disk, &batch, index)).transpose();
        let Some(stored) = stored.map_err(|fault| shared.fault(fault))? else { continue };
        let entry = Entry::parse(&stored.entry)
            .map_err(|error| LedgerError::Fatal(format!("entry {index}: {error}")))?;
        if entry.header().is_some_and(|header| header.idem == Some(*idem)) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Compares `item` with entry `index`, which was appended under the same idempotency key.
pub(crate) fn same_request(
    shared: &Shared,
    vault: &KeyTable,
    secrets: &Secrets,
    state: &LogState,
    item: &Item,
    index: u64,
) -> Result<Ack, LedgerError> {
    let batch = state
        .batch_of(index)
        .ok_or_else(|| LedgerError::Fatal(format!("entry {index} is not in any batch")))?;
    let disk = shared.disk.as_ref();
    let stored = read::stored_entry(disk, &batch, index).map_err(|fault| shared.fault(fault))?;
    let entry =
        Entry::parse(&stored.entry).map_err(|error| LedgerError::Fatal(format!("entry {index}: {error}")))?;
    let same = match item {
        Item::Statement(statement) => statement.bytes == stored.entry,
        Item::Record(record) => {
            let units: Vec<(UnitId, VaultKeyId)> =
                stored.units.iter().map(|unit| (unit.id, unit.key)).collect();
            let request = record.request.as_deref().unwrap_or_default();
            let Some(now) = fingerprint(&secrets.idempotency, vault, &units, request) else {
                return Err(LedgerError::rejected(
                    RejectCode::IdempotencyErased,
                    format!(
                        "the idempotency key belongs to entry {index}, whose content is erased; use a new key for a new record"
                    ),
                ));
            };
            stored.fingerprint == Some(now)
        }
    };
    let Some(header) = entry.header().filter(|_| same) else {
        return Err(LedgerError::rejected(
            RejectCode::IdempotencyConflict,
            format!(
                "the idempotency key was used for another request (entry {index}); use a new key for a new record"
            ),
        ));
    };
    Ok(Ack {
        index,
        record_id: header.record_id,
        leaf: leaf_hash(&stored.entry),
        size: batch.size_after(),
        duplicate: true,
    })
}
