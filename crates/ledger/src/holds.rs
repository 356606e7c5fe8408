//! Legal holds: what may not be erased, whoever asks.

use std::collections::BTreeSet;

use tabellion_model::VaultKeyId;

use crate::error::{LedgerError, RejectCode};
use crate::state::LogState;
use crate::vault::KeyTable;

/// Refuses when any of `keys` is on hold: by its id, by its system, or because another key of the same subject is.
pub(crate) fn check(state: &LogState, vault: &KeyTable, keys: &[VaultKeyId]) -> Result<(), LedgerError> {
    if state.holds.is_empty() {
        return Ok(());
    }
    let held: BTreeSet<VaultKeyId> =
        state.holds.values().flat_map(|hold| hold.keys.iter().flatten().copied()).collect();
    let held_subjects: BTreeSet<_> =
        held.iter().filter_map(|key| vault.scope(key)).filter_map(|scope| scope.subject).collect();
    for key in keys {
        let scope = vault.scope(key);
        let subject = scope.as_ref().and_then(|scope| scope.subject);
        let system = scope.as_ref().and_then(|scope| scope.system);
        let by_system = state
            .holds
            .iter()
            .find(|(_, hold)| hold.keys.is_none() && hold.system.is_some() && hold.system == system);
        let by_key = held.contains(key) || subject.is_some_and(|subject| held_subjects.contains(&subject));
        if by_key || by_system.is_some() {
            let name = by_system
                .or_else(|| state.holds.iter().next())
                .map(|(id, _)| id.to_string())
                .unwrap_or_default();
            return Err(LedgerError::rejected(
                RejectCode::OnHold,
                format!(
                    "a legal hold forbids this erasure ({} in force, hold {name}); nothing was destroyed. Release the hold first",
                    state.holds.len()
                ),
            ));
        }
    }
    Ok(())
}
