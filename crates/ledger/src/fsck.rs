//! Checking a whole data directory, read-only: everything recovery checks, and everything it leaves out for speed.
//!
//! Recomputes the tree, verifies every signature with the key in force at its place, opens every unit that can be opened and compares it
//! with its digests, compares derived files with the log, and the log with a checkpoint that somebody outside kept. Must never: change
//! anything.

mod progress;
mod saved;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tabellion_model::registry;
use tabellion_model::{Disclosure, Entry, Header, Purpose, SealedRecord, VaultKeyId};
use tabellion_tlog::SignedCheckpoint;

use crate::anchor::anchored;
use crate::batches::BatchRef;
use crate::derive;
use crate::disk::{self, Disk};
use crate::hybrid::Held;
use crate::keyring::Secrets;
use crate::ledger::{self, OpenOptions};
use crate::read::{self, Stored};
use crate::recover::{self, Inspect, KeysUsed, ScanOptions};
use crate::state::LogState;
use crate::tree::BLOCK;
use crate::vault::{Found, KeyTable, TABLE_PATH, decrypt_unit};
use crate::wal::batch::Batch;
pub use progress::{FsckProgress, FsckUnit, FsckWatch};
use progress::{Meter, Watched, segment_bytes};
use saved::Compared;
pub use tree::fsck_tree;

/// Most findings that are listed: a broken disk would otherwise fill the terminal.
const MAX_FINDINGS: usize = 1000;
/// Steps of a whole check: the keys that content needs, everything in the segments, what is derived from them.
const STEPS: u8 = 3;

/// What a check of a directory found.
#[derive(Debug, Default)]
pub struct FsckReport {
    /// What is wrong; empty when nothing is.
    pub findings: Vec<String>,
    /// What is wrong beside the log, which is not touched by it: evidence that anchors gave, the file of its second key.
    pub beside: Vec<String>,
    /// What is worth knowing but not wrong.
    pub notes: Vec<String>,
    /// How much was looked at, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// Where somebody ended the check: what comes after it was not looked at.
    pub stopped: Option<FsckProgress>,
}

impl FsckReport {
    /// Whether everything was looked at and nothing is wrong with the log.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.stopped.is_none()
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
    fsck_watched(disk, options, against, &|_| true)
}

/// The same, and tells `watch` how far it has come; it ends where `watch` says so.
pub fn fsck_watched(
    disk: &Arc<dyn Disk>,
    options: &OpenOptions,
    against: &[String],
    watch: FsckWatch<'_>,
) -> FsckReport {
    let mut report = FsckReport::default();
    let bytes = (segment_bytes(disk.as_ref()), FsckUnit::Bytes);
    let meter = Meter::new(watch, "content keys", (1, STEPS), bytes);
    let (vault, gone) = open_vault(disk, options, &meter, &mut report).unzip();
    let gone = gone.unwrap_or_default();
    report.stopped = meter.ended_at();
    if report.stopped.is_some() {
        return report;
    }
    report.notes.extend(vault.iter().flat_map(|vault| vault.notes().to_vec()));
    let meter = Meter::new(watch, "entries and signatures", (2, STEPS), bytes);
    let mut inspector = Inspector { vault: vault.as_ref(), gone: &gone, report: &mut report };
    let secrets = Secrets::load(disk.as_ref(), &options.keys).ok();
    let mut compared = Compared::new(&mut inspector, disk.as_ref(), secrets.as_ref());
    // A start holds the log against what was saved of it: entries that are gone since are told here as well.
    let known = compared.place.take();
    let mut watched = Watched { inner: &mut compared, meter: &meter };
    let scanned =
        recover::scan(disk.as_ref(), ScanOptions::read_only(options.origin.as_ref()), known, &mut watched);
    let differs = compared.findings;
    report.beside.extend(differs);
    report.stopped = meter.ended_at();
    if report.stopped.is_some() {
        return report;
    }
    match scanned {
        Ok(recovered) => {
            report.notes.extend(recovered.notes.iter().cloned());
            let log = ScannedLog { disk: disk.as_ref(), state: &recovered.state };
            let entries = (derive::derived(disk.as_ref()).unwrap_or_default(), FsckUnit::Entries);
            let meter = Meter::new(watch, "tiles and bundles", (3, STEPS), entries);
            log.check_derived(&meter, &mut report);
            report.stopped = meter.ended_at();
            check_anchors(disk, recovered.state.size(), &mut report);
            match Held::compare(disk.as_ref(), &recovered.state.second_keys) {
                Ok(held) => report.beside.extend(held.notes()),
                Err(error) => report.beside.push(error.to_string()),
            }
            for kept in against {
                log.check_against(kept, &mut report);
            }
        }
        Err(error) => {
            report.find(error.to_string());
            if !against.is_empty() {
                report.find(
                    "what was kept elsewhere could not be compared with a log that does not read".to_owned(),
                );
            }
        }
    }
    report
}

/// The vault, when it and its keys can be opened. What keeps it shut is a finding of its own, whatever the log is like; a log that does not
/// read is named by the scan that follows.
fn open_vault(
    disk: &Arc<dyn Disk>,
    options: &OpenOptions,
    meter: &Meter<'_>,
    report: &mut FsckReport,
) -> Option<(KeyTable, BTreeSet<VaultKeyId>)> {
    let mut used = KeysUsed::default();
    let mut watched = Watched { inner: &mut used, meter };
    let scanned =
        recover::scan(disk.as_ref(), ScanOptions::read_only(options.origin.as_ref()), None, &mut watched);
    let state = scanned.ok()?.state;
    let opened = Secrets::load(disk.as_ref(), &options.keys).and_then(|secrets| {
        let vault = ledger::open_vault(disk.as_ref(), &state, &secrets)?;
        used.check(&vault).map(|()| vault)
    });
    let vault = opened.map_err(|error| report.find(error.to_string())).ok()?;
    let gone = destroyed(&state, &vault, report);
    Some((vault, gone))
}

/// The keys that the log says are destroyed, after saying which of them `vault` has all the same.
fn destroyed(state: &LogState, vault: &KeyTable, report: &mut FsckReport) -> BTreeSet<VaultKeyId> {
    // An order that was cut short is no fault: the next start for writing goes on with it.
    let unfinished: BTreeSet<VaultKeyId> = state.orders.values().flatten().copied().collect();
    let live = unfinished.iter().filter(|key| vault.is_live(key)).count();
    if live > 0 {
        report.notes.push(format!(
            "an erasure was cut short: {live} keys are ordered destroyed and still there; the next start for writing destroys them"
        ));
    }
    let ended = state.erased_keys.iter().filter(|key| !unfinished.contains(key));
    let gone: BTreeSet<VaultKeyId> = ended.copied().collect();
    for key in gone.iter().filter(|key| vault.is_live(key)) {
        report.find(format!(
            "{TABLE_PATH} has the key {key}, which the log says is destroyed: the table, or this slot of it, was put back from an older copy. The next start for \
             writing destroys it again; destroy the copy that it came from, too"
        ));
    }
    gone
}

/// Evidence that anchors gave must be what was confirmed.
fn check_anchors(disk: &Arc<dyn Disk>, size: u64, report: &mut FsckReport) {
    match anchored(disk, size) {
        Ok(found) => {
            report.counts.insert("anchors confirmed", found.whole.len() as u64);
            report.beside.extend(found.damaged.into_iter().take(MAX_FINDINGS));
        }
        Err(error) => report.beside.push(error.to_string()),
    }
}

struct Inspector<'a> {
    vault: Option<&'a KeyTable>,
    /// Keys that the log says are destroyed.
    gone: &'a BTreeSet<VaultKeyId>,
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
                    Ok(_) if self.gone.contains(&unit.key) => self.report.find(format!(
                        "entry {index}: unit {} was erased, and can be read again with the key {}",
                        unit.id, unit.key
                    )),
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

/// A log that was read whole; compared with what is derived from it and with what was kept elsewhere. Needs no vault.
struct ScannedLog<'a> {
    disk: &'a dyn Disk,
    state: &'a LogState,
}

impl ScannedLog<'_> {
    /// The published checkpoint must be one of the log's own; derived tiles must be those of its tree.
    fn check_derived(&self, meter: &Meter<'_>, report: &mut FsckReport) {
        if self.disk.exists(derive::CHECKPOINT_PATH).unwrap_or(false) {
            match disk::read_all(self.disk, derive::CHECKPOINT_PATH, derive::MAX_CHECKPOINT_FILE) {
                Ok(bytes) => self.check_against(&String::from_utf8_lossy(&bytes), report),
                Err(error) => report.find(format!("{} cannot be read: {error}", derive::CHECKPOINT_PATH)),
            }
        }
        match derive::check(self.disk, self.state, &|| meter.goes_on(BLOCK)) {
            Ok(tiles) => {
                report.counts.insert("blocks derived", tiles);
            }
            Err(what) => report.find(what),
        }
    }

    /// The log must contain what `kept` (a signed checkpoint of it) says.
    fn check_against(&self, kept: &str, report: &mut FsckReport) {
        let signed = match SignedCheckpoint::parse(kept.as_bytes()) {
            Ok(signed) => signed,
            Err(error) => {
                return report.find(format!("a checkpoint to compare with cannot be read: {error}"));
            }
        };
        let theirs = &signed.checkpoint;
        if theirs.origin != self.state.origin.as_str() {
            return report.find(format!(
                "a checkpoint to compare with is of {}, this log is {}",
                theirs.origin, self.state.origin
            ));
        }
        if let Err(what) = recover::check_signature(self.state, kept) {
            return report.find(format!("a checkpoint to compare with {what}"));
        }
        let size = self.state.size();
        if theirs.size > size {
            return report.find(format!(
                "this log signed a checkpoint of {} entries and now has {size}: it is an older copy. Restore the newest backup; do not append",
                theirs.size
            ));
        }
        match read::root_at(self.disk, self.state, theirs.size) {
            Ok(root) if root == theirs.root => report.count("checkpoints compared"),
            Ok(_) => report.find(format!(
                "the log's root at size {} is not the one it signed: this is a fork of the log",
                theirs.size
            )),
            Err(error) => report.find(error),
        }
    }
}
