//! A vault that is gone for good: what its operator says by an empty key table in its place, or, of a table that came from a backup and lacks what was
//! added since, by an empty file `vault/lost` beside it.
//!
//! Promises: whatever was kept under a lost key is erased by record, with an order and tombstones like any erasure, so that every proof stays valid and no
//! reader takes it for withheld; a start that was cut short in between goes on at the next one. Must never: take a table that is missing or damaged for the
//! operator's word.

use std::collections::BTreeSet;
use std::io;

use tabellion_model::VaultKeyId;

use crate::disk::{self, Disk};
use crate::error::{LedgerError, OpenError};
use crate::ledger::Ledger;
use crate::recover::{KeysUsed, Recovered};
use crate::vault::{KeyTable, MasterKeys, TABLE_PATH, VAULT_DIR};

/// What the orders say; nobody else may say it for the operator.
const REASON: &str = "the vault was lost with its keys; the operator said so by an empty vault/keys";

/// The same of keys that a restored table lacks.
const SOME_REASON: &str =
    "keys were lost that the restored vault does not have; the operator said so by a file vault/lost";
/// What says it. It is taken away once it is recorded, so that it speaks of no later loss.
const SAID_PATH: &str = "vault/lost";

/// What the operator said of lost keys that the next opening for writing carries out: the file that says it, and what then happens.
pub fn loss_said(disk: &dyn Disk) -> Result<Option<String>, OpenError> {
    let said = if is_said(disk)? {
        format!("{TABLE_PATH} is empty, which says that the whole vault is lost: everything that is kept")
    } else if are_missing_ones_said(disk)? {
        format!(
            "{SAID_PATH} says that keys are lost: everything that is kept under keys which the vault lacks"
        )
    } else {
        return Ok(None);
    };
    Ok(Some(format!("{said} is recorded as erased for good at the next start")))
}

/// Whether the operator says that whatever the table lacks is lost.
pub(crate) fn are_missing_ones_said(disk: &dyn Disk) -> Result<bool, OpenError> {
    disk.exists(SAID_PATH).map_err(OpenError::io("look for", SAID_PATH))
}

/// Enters every key that the log needs and `vault` lacks as one that is known and gone, durably.
pub(crate) fn enter_missing(vault: &mut KeyTable, used: &KeysUsed) -> Result<(), OpenError> {
    let missing: Vec<VaultKeyId> = used.keys().filter(|key| !vault.knows(key)).copied().collect();
    vault.enter_lost(&missing).map_err(OpenError::io("enter what is lost in", VAULT_DIR))
}

/// Whether the operator says that the vault is lost.
pub(crate) fn is_said(disk: &dyn Disk) -> Result<bool, OpenError> {
    let empty = |error| OpenError::io("look at", TABLE_PATH)(error);
    if !disk.exists(TABLE_PATH).map_err(empty)? {
        return Ok(false);
    }
    // Anything but a file that can be read and holds nothing is for whoever opens the table to refuse.
    Ok(disk::read_all(disk, TABLE_PATH, 1).is_ok_and(|bytes| bytes.is_empty()))
}

/// A table in place of the lost one, durably: it knows every key that the log needs, and has none.
pub(crate) fn table(
    disk: &dyn Disk,
    recovered: &Recovered,
    masters: MasterKeys,
    used: &KeysUsed,
) -> Result<KeyTable, OpenError> {
    let origin = tabellion_tlog::sha256(recovered.state.origin.as_str().as_bytes());
    KeyTable::lost(disk, &origin, masters, used.keys())
}

impl Ledger {
    /// Records what was lost, unless that is on record.
    pub(crate) fn record_lost(&self) -> Result<(), LedgerError> {
        let disk = self.shared.disk.as_ref();
        let failed = |error: io::Error| {
            LedgerError::Unavailable(format!("{SAID_PATH} cannot be looked for or removed: {error}"))
        };
        let is_said = disk.exists(SAID_PATH).map_err(failed)?;
        let known: BTreeSet<VaultKeyId> = self.state().erased_keys.iter().copied().collect();
        let lost: Vec<VaultKeyId> = self.shared.vault().lost_keys();
        // All of them, also those erased before: the tombstones that said so were kept under keys that may be lost with them.
        if lost.iter().any(|key| !known.contains(key)) {
            self.order_lost(&lost, if is_said { SOME_REASON } else { REASON })?;
        }
        if is_said {
            disk.remove(SAID_PATH).and_then(|()| disk.sync_dir(VAULT_DIR)).map_err(failed)?;
        }
        Ok(())
    }
}
