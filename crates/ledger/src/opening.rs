//! What it takes to write to a log that is there: its state, its vault and its secrets, from what was saved or from the whole log.
//!
//! Promises: whatever is wrong with the saved state costs time only; then the whole log is read, and that says what is wrong with the log.

use std::sync::Arc;

use crate::disk::Disk;
use crate::error::OpenError;
use crate::keyring::Secrets;
use crate::ledger::{OpenOptions, open_vault};
use crate::lost;
use crate::recover::{self, Access, FoldOnly, KeysUsed, Recovered, ScanOptions};
use crate::saved::{self, Found, Place, Saved};
use crate::vault::{KeyTable, VAULT_DIR};

/// A log that is about to be written to.
pub(crate) struct Opened {
    pub(crate) recovered: Recovered,
    pub(crate) vault: KeyTable,
    pub(crate) secrets: Arc<Secrets>,
    /// Log size of the saved state that was gone on from; 0 where the whole log was read.
    pub(crate) resumed_at: u64,
}

/// Opens the log in `disk`.
pub(crate) fn open(disk: &dyn Disk, options: &OpenOptions) -> Result<Opened, OpenError> {
    let secrets = Secrets::load(disk, &options.keys).map(Arc::new);
    let scan = ScanOptions {
        access: Access::Write,
        expected: options.origin.as_ref(),
        tags: secrets.as_ref().ok().map(|secrets| secrets.tag_key()),
    };
    let mut known = None;
    let mut notes = Vec::new();
    if let Ok(secrets) = &secrets {
        match saved::load(disk, secrets, true) {
            Found::Nothing => {}
            Found::Useless(why, place) => {
                notes.push(format!("{why}. It was left aside and the whole log was read"));
                known = place;
            }
            Found::Whole(saved) => {
                let place = saved.place.clone();
                match resume(disk, scan, secrets, *saved) {
                    Ok(Resumed { recovered, mut vault, used, slots }) => {
                        settle(&mut vault, slots, &used, &recovered)?;
                        saved::tidy(disk, &recovered.state);
                        let (secrets, resumed_at) = (Arc::clone(secrets), place.size);
                        return Ok(Opened { recovered, vault, secrets, resumed_at });
                    }
                    Err(why) => notes.push(format!(
                        "the saved state of {} entries was left aside and the whole log was read: {why}",
                        place.size
                    )),
                }
                known = Some(place);
            }
        }
    }
    let (mut recovered, vault, secrets) = whole(disk, scan, known, secrets)?;
    recovered.notes.extend(notes);
    Ok(Opened { recovered, vault, secrets, resumed_at: 0 })
}

/// The state of the log in `disk`, for whoever only reads it.
pub(crate) fn look(
    disk: &dyn Disk,
    scan: ScanOptions<'_>,
    secrets: Option<&Secrets>,
) -> Result<Recovered, OpenError> {
    let known = match secrets.map(|secrets| saved::load(disk, secrets, false)) {
        None | Some(Found::Nothing) => None,
        Some(Found::Useless(_, place)) => place,
        Some(Found::Whole(saved)) => {
            let Saved { state, place, .. } = *saved;
            if let Ok(recovered) = recover::resume(disk, scan, state, place.clone(), &mut FoldOnly) {
                return Ok(recovered);
            }
            Some(place)
        }
    };
    recover::scan(disk, scan, known, &mut FoldOnly)
}

/// A log that was looked at with its vault.
pub(crate) struct Looked {
    pub(crate) recovered: Recovered,
    pub(crate) vault: KeyTable,
    /// What is wrong with the vault's keys.
    pub(crate) lacking: Option<String>,
    /// Entries that a saved state spoke for and that were not read.
    pub(crate) unread: u64,
}

/// The same, with the vault and what is wrong with its keys.
pub(crate) fn look_at_keys(
    disk: &dyn Disk,
    scan: ScanOptions<'_>,
    secrets: Result<Secrets, OpenError>,
) -> Result<Looked, OpenError> {
    let mut known = None;
    if let Ok(secrets) = &secrets
        && let Found::Whole(saved) = saved::load(disk, secrets, false)
    {
        let (place, unread) = (saved.place.clone(), saved.place.size);
        if let Ok(Resumed { recovered, vault, .. }) = resume(disk, scan, secrets, *saved) {
            return Ok(Looked { recovered, vault, lacking: None, unread });
        }
        known = Some(place);
    }
    let mut used = KeysUsed::default();
    let recovered = recover::scan(disk, scan, known, &mut used)?;
    let vault = open_vault(disk, &recovered.state, &secrets?)?;
    let lacking = used.check(&vault).err().map(|error| error.to_string());
    Ok(Looked { recovered, vault, lacking, unread: 0 })
}

/// What was gone on from a saved state.
struct Resumed {
    recovered: Recovered,
    vault: KeyTable,
    /// The keys of what came since.
    used: KeysUsed,
    /// Slots of the vault that the saved state speaks for.
    slots: u64,
}

fn resume(
    disk: &dyn Disk,
    scan: ScanOptions<'_>,
    secrets: &Secrets,
    Saved { state, place, vault: extent }: Saved,
) -> Result<Resumed, OpenError> {
    if lost::is_said(disk)? || lost::are_missing_ones_said(disk)? {
        return Err(OpenError::Mismatch("its operator says that keys are lost".to_owned()));
    }
    let mut used = KeysUsed::default();
    let recovered = recover::resume(disk, scan, state, place, &mut used)?;
    let vault = open_vault(disk, &recovered.state, secrets)?;
    if !vault.has(&extent) {
        return Err(OpenError::Mismatch("the vault lacks keys that it had then".to_owned()));
    }
    used.check(&vault)?;
    Ok(Resumed { recovered, vault, used, slots: extent.slots })
}

fn whole(
    disk: &dyn Disk,
    scan: ScanOptions<'_>,
    known: Option<Place>,
    secrets: Result<Arc<Secrets>, OpenError>,
) -> Result<(Recovered, KeyTable, Arc<Secrets>), OpenError> {
    let mut used = KeysUsed::default();
    let recovered = recover::scan(disk, scan, known, &mut used)?;
    let secrets = secrets?;
    let is_lost = lost::is_said(disk)?;
    let mut vault = if is_lost {
        lost::table(disk, &recovered, secrets.masters(), &used)?
    } else {
        open_vault(disk, &recovered.state, &secrets)?
    };
    if lost::are_missing_ones_said(disk)? {
        lost::enter_missing(&mut vault, &used)?;
    }
    used.check(&vault)?;
    settle(&mut vault, 0, &used, &recovered)?;
    Ok((recovered, vault, secrets))
}

/// `slots`: those that are durable whatever the log says.
fn settle(vault: &mut KeyTable, slots: u64, used: &KeysUsed, recovered: &Recovered) -> Result<(), OpenError> {
    let last_batch = recovered.state.batches.last().map_or(0, |batch| batch.first);
    vault
        .settle(slots, |key| used.used_below(last_batch, key))
        .map_err(OpenError::io("make durable the newest keys in", VAULT_DIR))
}
