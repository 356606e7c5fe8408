//! Changing the key that wraps the vault's keys, while the log goes on.
//!
//! Order, and why: the record that says who has it changed is durable before anything is; the new key's file is durable before a key is wrapped under it;
//! the file of the key before goes only after nothing is wrapped under it; the record that says how many keys were moved comes after that, and the table says
//! that it is over after that. Whatever is cut short is gone on with by the next start for writing, which takes the same steps from where it finds them.

use std::sync::{MutexGuard, PoisonError, TryLockError};

use tabellion_model::body::{Body as _, VaultRotated, VaultRotationBegun};
use tabellion_tlog::{Hash, leaf_hash, sha256};

use crate::commit::Ack;
use crate::draft::{Draft, DraftParent, malformed};
use crate::erase::by_two::By;
use crate::error::{LedgerError, OpenError};
use crate::keyring::{adopt_next_vault_key, make_next_vault_key, protect_backup_keys, tidy_next_vault_key};
use crate::ledger::Ledger;
use crate::shared::Shared;
use crate::vault::{EVIDENCE_CLASS, KeyTable, MasterKey, Phase};

/// Longest reason: a paragraph.
const MAX_REASON_BYTES: usize = 4_000;
/// First slot that holds a key.
const FIRST_SLOT: u64 = 1;

/// A change of the vault's wrapping key that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultRotation {
    /// How often the key was changed, this time included.
    pub generation: u64,
    /// How many keys of content were moved.
    pub moved: u64,
    /// Entry of `vault.rotation_begun`.
    pub begun: u64,
    /// `vault.rotated`.
    pub ended: Ack,
}

impl Ledger {
    /// Makes a new wrapping key and moves every key of content to it; appends, reads and erasures go on meanwhile. `by` has it done, for `reason`; both are on
    /// record before anything changes, and how the key was kept and will be. When this returns the key before opens nothing of the vault any more.
    ///
    /// Errors: `Rejected` without a reason, `Unavailable` where it is being changed already, or the new key's file cannot be made, and then nothing has changed. `Fatal` where the table
    /// could not be written: the next start goes on with it.
    pub fn rotate_vault_key(&self, reason: &str, by: &By) -> Result<VaultRotation, LedgerError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON_BYTES {
            return Err(malformed(format!("give a reason of 1 to {MAX_REASON_BYTES} bytes: it is recorded")));
        }
        let _alone = self.alone()?;
        if self.shared.vault().is_moving() {
            // One that could not be recorded to its end before.
            return self.go_on_rotating();
        }
        let generation = u64::from(self.shared.vault().wrapping().generation());
        let mut draft = Draft::new(VaultRotationBegun::TYPE);
        draft.actor = by.credential.map(|credential| credential.to_hex());
        draft.parents.clone_from(&by.parents);
        let Shared { disk, keys, clock, entropy, .. } = self.shared.as_ref();
        let (from, to) =
            keys.vault_keeping(disk.as_ref(), entropy.as_ref()).map_err(|error| unavailable(&error))?;
        let account = by.account_said()?;
        let begun = VaultRotationBegun { generation, reason: reason.to_owned(), account, from, to: Some(to) };
        draft.body = begun.fields().map_err(|fault| malformed(fault.to_string()))?;
        let begun = self.append_one_own(&own(draft))?;
        let next = make_next_vault_key(disk.as_ref(), keys, clock.now(), entropy.as_ref())
            .map_err(|error| unavailable(&error))?;
        let origin = self.origin_hash();
        self.on_table(|table| {
            table.begin_moving(disk.as_ref(), &origin, MasterKey::new(&next), begun.index)
        })?;
        self.go_on_rotating()
    }

    /// Goes on with a change that was cut short, where there is one.
    pub(crate) fn finish_vault_rotation(&self) -> Result<(), LedgerError> {
        let _alone = self.alone()?;
        if self.shared.vault().is_moving() {
            return match self.go_on_rotating() {
                // What keeps it from being recorded keeps nobody from reading; the next start tries again.
                Err(LedgerError::Unavailable(_) | LedgerError::Full(_) | LedgerError::Rejected { .. }) => {
                    Ok(())
                }
                done => done.map(drop),
            };
        }
        let disk = self.shared.disk.as_ref();
        let is_in_next_file = self.shared.vault().wrapping().is_in_next_file();
        let tidied = if is_in_next_file { adopt_next_vault_key(disk) } else { tidy_next_vault_key(disk) };
        tidied.map_err(|error| unavailable(&error))
    }

    /// Every step from the one that the table is at.
    fn go_on_rotating(&self) -> Result<VaultRotation, LedgerError> {
        let (disk, entropy) = (self.shared.disk.as_ref(), self.shared.entropy.as_ref());
        let origin = self.origin_hash();
        if self.shared.vault().wrapping().phase() == Phase::Moving {
            self.slot_by_slot(|table, from| table.move_some(from, entropy))?;
            self.on_table(|table| table.all_moved(disk, &origin))?;
        }
        self.slot_by_slot(KeyTable::clear_some)?;
        adopt_next_vault_key(disk).map_err(|error| unavailable(&error))?;
        protect_backup_keys(disk, &self.shared.keys, entropy).map_err(|error| unavailable(&error))?;
        let (generation, (begun, moved)) = {
            let vault = self.shared.vault();
            (vault.wrapping().generation(), vault.wrapping().newest_change())
        };
        let ended = self.record_rotated(u64::from(generation), moved, begun)?;
        self.on_table(|table| table.all_cleared(disk, &origin))?;
        Ok(VaultRotation { generation: u64::from(generation), moved, begun, ended })
    }

    /// Records that it is over, once: asking again gives the same entry.
    fn record_rotated(&self, generation: u64, moved: u64, begun: u64) -> Result<Ack, LedgerError> {
        let mut draft = Draft::new(VaultRotated::TYPE);
        let view = self.reader().entry(begun)?;
        draft.parents.extend(view.entry.header().map(|header| DraftParent {
            hash: leaf_hash(&view.bytes).to_hex(),
            record_id: header.record_id.to_hex(),
            role: "begun".to_owned(),
        }));
        let body = VaultRotated { generation, moved };
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        // By its beginning: generations are counted anew in a restored log.
        draft.idempotency_key = Some(format!("vault/rotated/{begun}"));
        self.append_one_own(&own(draft))
    }

    /// Has a step done to all slots, some at a time; between them others get at the table.
    fn slot_by_slot(
        &self,
        step: impl Fn(&mut KeyTable, u64) -> std::io::Result<Option<u64>>,
    ) -> Result<(), LedgerError> {
        let mut from = Some(FIRST_SLOT);
        while let Some(at) = from {
            from = self.on_table(|table| step(table, at))?;
            std::thread::yield_now();
        }
        Ok(())
    }

    fn on_table<T>(&self, step: impl FnOnce(&mut KeyTable) -> std::io::Result<T>) -> Result<T, LedgerError> {
        step(&mut self.shared.vault()).map_err(|error| {
            LedgerError::fatal_io("the vault's keys could not be moved to another wrapping key", &error)
        })
    }

    fn alone(&self) -> Result<MutexGuard<'_, ()>, LedgerError> {
        match self.shared.vault_rotation.try_lock() {
            Ok(alone) => Ok(alone),
            Err(TryLockError::Poisoned(poisoned)) => Ok(PoisonError::into_inner(poisoned)),
            Err(TryLockError::WouldBlock) => Err(LedgerError::Unavailable(
                "the vault's wrapping key is being changed already; ask again when that is over".to_owned(),
            )),
        }
    }

    fn origin_hash(&self) -> Hash {
        sha256(self.origin().as_str().as_bytes())
    }
}

/// A record of the ledger's own, whose content proves what happened to the vault and stays.
fn own(mut draft: Draft) -> Draft {
    draft.assurance = Some("observed".to_owned());
    draft.retention = Some(EVIDENCE_CLASS.to_owned());
    draft
}

fn unavailable(error: &OpenError) -> LedgerError {
    LedgerError::Unavailable(error.to_string())
}
