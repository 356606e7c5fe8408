//! Checking a whole data directory, read-only: everything recovery checks, and everything it leaves out for speed.
//!
//! Recomputes the tree, verifies every signature with the key in force at its place, opens every unit that can be opened and compares it
//! with its digests, compares derived files with the log, and the log with a checkpoint that somebody outside kept. Must never: change
//! anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use tabellion_model::registry;
use tabellion_model::{Disclosure, Entry, Header, Purpose, SealedRecord};
use tabellion_tlog::SignedCheckpoint;

use crate::derive;
use crate::disk::{self, Disk};
use crate::error::OpenError;
use crate::keyring::Secrets;
use crate::ledger::{self, OpenOptions};
use crate::read::{self, Stored};
use crate::reader::Reader;
use crate::recover::{self, Access, Inspect};
use crate::state::{BatchRef, LogState};
use crate::vault::{Found, KeyTable, decrypt_unit};
use crate::wal::batch::Batch;

/// Most findings that are listed: a broken disk would otherwise fill the terminal.
const MAX_FINDINGS: usize = 1000;
/// Largest published checkpoint: a note with a few signatures.
const MAX_CHECKPOINT_FILE: u64 = 64 << 10;

/// What a check of a directory found.
#[derive(Debug, Default)]
pub struct FsckReport {
    /// What is wrong; empty when nothing is.
    pub findings: Vec<String>,
    /// What is worth knowing but not wrong.
    pub notes: Vec<String>,
    /// How much was looked at, by name.
    pub counts: BTreeMap<&'static str, u64>,
}

impl FsckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, what: String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(what);
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// Checks the directory in `disk`. `against`: signed checkpoints (or whole receipts' checkpoints) of this log that were kept elsewhere.
pub fn fsck(disk: &Arc<dyn Disk>, options: &OpenOptions, against: &[String]) -> FsckReport {
    let mut report = FsckReport::default();
    let vault = open_vault(disk, options, &mut report);
    let mut inspector = Inspector { vault: vault.as_ref(), report: &mut report };
    match recover::scan(disk.as_ref(), Access::ReadOnly, options.origin.as_ref(), &mut inspector) {
        Ok(recovered) => {
            report.notes.extend(recovered.notes.iter().cloned());
            if let Some(vault) = vault {
                let shared = crate::commit::Shared::new(
                    Arc::clone(disk),
                    options,
                    recovered.state,
                    vault,
                    recovered.checkpoint,
                );
                let reader = Reader { shared: Arc::new(shared) };
                check_derived(disk.as_ref(), &reader, &mut report);
                for kept in against {
                    check_against(&reader, kept, &mut report);
                }
            }
        }
        Err(error) => report.find(error.to_string()),
    }
    report
}

fn open_vault(disk: &Arc<dyn Disk>, options: &OpenOptions, report: &mut FsckReport) -> Option<KeyTable> {
    let opened = || -> Result<KeyTable, OpenError> {
        let state =
            recover::scan(disk.as_ref(), Access::ReadOnly, options.origin.as_ref(), &mut recover::FoldOnly)?
                .state;
        let secrets = Secrets::load(disk.as_ref())?;
        ledger::open_vault(disk.as_ref(), &state, &secrets)
    };
    match opened() {
        Ok(vault) => Some(vault),
        // The scan that follows names damage of the log itself; here only what is wrong with keys and vault is news.
        Err(OpenError::Corrupt(_) | OpenError::Io { .. }) if report.findings.is_empty() => None,
        Err(error) => {
            report.find(error.to_string());
            None
        }
    }
}

struct Inspector<'a> {
    vault: Option<&'a KeyTable>,
    report: &'a mut FsckReport,
}

impl Inspect for Inspector<'_> {
    fn batch(
        &mut self,
        at: &BatchRef,
        batch: &Batch<'_>,
        entries: &[Entry],
        state: &LogState,
    ) -> Result<(), String> {
        self.report.count("commits");
        let checkpoint = std::str::from_utf8(batch.checkpoint).map_err(|_| "a checkpoint is not text")?;
        if let Err(what) = recover::check_signature(state, checkpoint) {
            self.report.find(format!("the checkpoint {what}"));
        }
        for (position, (stored, entry)) in batch.entries.iter().zip(entries).enumerate() {
            let index = at.first + position as u64;
            self.report.count("entries");
            match entry {
                Entry::Seal(seal) => {
                    let key = state.keys.in_force(Purpose::Writer, index);
                    if key.is_none_or(|key| seal.verify(&key.public).is_err()) {
                        self.report.find(format!(
                            "the seal at entry {index} is not signed by the writer key in force there"
                        ));
                    }
                }
                Entry::Statement(statement) => {
                    self.report.count("statements");
                    if !registry::is_key_record(&statement.record.header)
                        && statement.kid != state.keys.root().key_id
                        && let Err(error) = state.keys.check_statement(index, statement)
                    {
                        self.report.find(format!("the statement at entry {index}: {error}"));
                    }
                }
                Entry::Record(SealedRecord { .. }) => self.report.count("records"),
            }
            if let Some(header) = entry.header() {
                let stored = read::owned(stored)?;
                self.units(index, header, &stored);
            }
        }
        Ok(())
    }
}

impl Inspector<'_> {
    fn units(&mut self, index: u64, header: &Header, stored: &Stored) {
        let Some(vault) = self.vault else { return };
        for unit in &stored.units {
            let Some(listed) = header.units.iter().find(|listed| listed.id == unit.id) else {
                self.report.find(format!(
                    "entry {index} is followed by a unit {} that its header does not list",
                    unit.id
                ));
                continue;
            };
            match vault.get(&unit.key) {
                Found::Destroyed => self.report.count("units erased"),
                Found::Unknown => {
                    self.report.find(format!(
                        "entry {index}: the vault has no key {} for unit {}; restore vault/keys",
                        unit.key, unit.id
                    ));
                }
                Found::Live(key) => match decrypt_unit(&key, &unit.id, &header.record_id, &unit.ciphertext) {
                    Ok(disclosures) if all_listed(&disclosures, &listed.digests) => {
                        self.report.count("units readable");
                    }
                    Ok(_) => self.report.find(format!(
                        "entry {index}: unit {} holds fields that its digests do not name",
                        unit.id
                    )),
                    Err(_) => self
                        .report
                        .find(format!("entry {index}: unit {} cannot be opened with its key", unit.id)),
                },
            }
        }
    }
}

fn all_listed(disclosures: &[Disclosure], digests: &[String]) -> bool {
    disclosures.iter().all(|disclosure| digests.contains(&disclosure.digest()))
}

/// The published checkpoint must be one of the log's own; derived tiles must be those of its tree.
fn check_derived(disk: &dyn Disk, reader: &Reader, report: &mut FsckReport) {
    if disk.exists(derive::CHECKPOINT_PATH).unwrap_or(false) {
        match disk::read_all(disk, derive::CHECKPOINT_PATH, MAX_CHECKPOINT_FILE) {
            Ok(bytes) => check_against(reader, &String::from_utf8_lossy(&bytes), report),
            Err(error) => report.find(format!("{} cannot be read: {error}", derive::CHECKPOINT_PATH)),
        }
    }
    match derive::check(&reader.shared) {
        Ok(tiles) => {
            report.counts.insert("blocks derived", tiles);
        }
        Err(what) => report.find(what),
    }
}

/// The log must contain what `kept` (a signed checkpoint of it) says.
fn check_against(reader: &Reader, kept: &str, report: &mut FsckReport) {
    let signed = match SignedCheckpoint::parse(kept.as_bytes()) {
        Ok(signed) => signed,
        Err(error) => return report.find(format!("a checkpoint to compare with cannot be read: {error}")),
    };
    let theirs = &signed.checkpoint;
    if theirs.origin != reader.origin().as_str() {
        return report.find(format!(
            "a checkpoint to compare with is of {}, this log is {}",
            theirs.origin,
            reader.origin()
        ));
    }
    if let Err(what) = recover::check_signature(&reader.state(), kept) {
        return report.find(format!("a checkpoint to compare with {what}"));
    }
    let size = reader.size();
    if theirs.size > size {
        return report.find(format!(
            "this log signed a checkpoint of {} entries and now has {size}: it is an older copy. Restore the newest backup; do not append",
            theirs.size
        ));
    }
    match reader.root_at(theirs.size) {
        Ok(root) if root == theirs.root => report.count("checkpoints compared"),
        Ok(_) => report.find(format!(
            "the log's root at size {} is not the one it signed: this is a fork of the log",
            theirs.size
        )),
        Err(error) => report.find(error.to_string()),
    }
}
