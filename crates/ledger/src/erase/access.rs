//! What is kept about one data subject: the same units that an erasure of them would take, and those that one has taken.
//!
//! Promises: finds by the keys that content is sealed under, so that nobody else's content is ever found; a receipt of some units shows these units and no other of their entry. Must never: show what a
//! placeholder stands for, or tell by a name what was kept about somebody else.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_model::{Receipt, UnitId, VaultKeyId};

use crate::batches::BatchRef;
use crate::error::LedgerError;
use crate::keyring::Secrets;
use crate::ledger::Ledger;
use crate::read;
use crate::reader::Reader;
use crate::saved;
use crate::vault::{KeyFilter, subject_tag};

/// What a log keeps about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AboutSubject {
    /// Entries with content about them, in log order, each with those of its units that are.
    pub entries: Vec<(u64, BTreeSet<UnitId>)>,
    /// Entries whose content about them was erased, in log order; the same entry may have other content about them still.
    pub erased: Vec<u64>,
    /// Log size that was looked at.
    pub size: u64,
    /// Every name that was looked for, exactly as it stands here, in their order.
    pub names: Vec<SoughtName>,
}

/// A name that was looked for, and whether content was ever recorded under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoughtName {
    /// The name.
    pub name: String,
    /// Whether a key of content under it is still there.
    pub kept: bool,
    /// Whether a key of content under it was destroyed.
    pub erased: bool,
}

impl AboutSubject {
    /// The name to record something about them under, so that it goes with what is kept of them: `asked` where content is kept under it, else the first name under which some is; `None`: nothing is.
    pub fn kept_as(&self, asked: &str) -> Option<&str> {
        let kept = || self.names.iter().filter(|sought| sought.kept);
        let found = kept().find(|sought| sought.name == asked).or_else(|| kept().next());
        found.map(|sought| sought.name.as_str())
    }
}

impl Ledger {
    /// What is kept about `subject`, under every name that [`OpenOptions::subject_names`](crate::OpenOptions::subject_names) gives for this one; `None`: nothing ever was.
    pub fn about_subject(&self, subject: &str) -> Result<Option<AboutSubject>, LedgerError> {
        self.reader().about_subject(&self.subject_names(subject))
    }

    /// The names that are looked for when somebody names `subject`: itself, and what [`OpenOptions::subject_names`](crate::OpenOptions::subject_names) gives for it.
    pub fn subject_names(&self, subject: &str) -> BTreeSet<String> {
        let mut names = (self.names)(subject);
        names.insert(subject.to_owned());
        names
    }
}

impl Reader {
    /// What is kept about whoever goes by any of `names`; `None`: no key was ever made for content about them.
    pub fn about_subject(&self, names: &BTreeSet<String>) -> Result<Option<AboutSubject>, LedgerError> {
        let size = self.size();
        let secrets = Secrets::load(self.shared.disk.as_ref(), &self.shared.keys)
            .map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        let (mut live, mut gone) = (BTreeSet::new(), BTreeSet::new());
        let mut sought = Vec::with_capacity(names.len());
        for name in names {
            let subject = Some(subject_tag(&secrets.pseudonym, name));
            let filter = KeyFilter { subject, ..KeyFilter::default() };
            // Each name is a look through the whole table; appends go on between two.
            let vault = self.shared.vault();
            let (kept, erased): (BTreeSet<VaultKeyId>, BTreeSet<VaultKeyId>) =
                vault.ever(&filter).into_iter().partition(|key| vault.is_live(key));
            drop(vault);
            sought.push(SoughtName {
                name: name.clone(),
                kept: !kept.is_empty(),
                erased: !erased.is_empty(),
            });
            live.extend(kept);
            gone.extend(erased);
        }
        if live.is_empty() && gone.is_empty() {
            return Ok(None);
        }
        let mut about = AboutSubject { size, names: sought, ..AboutSubject::default() };
        for (index, unit) in self.units_under(&live)? {
            match about.entries.last_mut().filter(|(last, _)| *last == index) {
                Some((_, units)) => drop(units.insert(unit)),
                None => about.entries.push((index, BTreeSet::from([unit]))),
            }
        }
        about.erased = self.units_under(&gone)?.into_iter().map(|(index, _)| index).collect();
        about.erased.dedup();
        Ok(Some(about))
    }

    /// The receipt of entry `index` that discloses these of its units and no other.
    pub fn receipt_of_units(&self, index: u64, units: &BTreeSet<UnitId>) -> Result<Receipt, LedgerError> {
        let receipt = self.receipt(index)?;
        let view = self.entry(index)?;
        let theirs: BTreeSet<&str> = view
            .entry
            .header()
            .into_iter()
            .flat_map(|header| &header.units)
            .filter(|unit| units.contains(&unit.id))
            .flat_map(|unit| unit.digests.iter().map(String::as_str))
            .collect();
        let disclosures = receipt.disclosures.into_iter().filter(|text| {
            let digest = tabellion_model::digest(text);
            theirs.contains(digest.as_str())
        });
        Ok(Receipt { disclosures: disclosures.collect(), ..receipt })
    }

    /// Every unit in the log that is sealed under one of `keys`, with its entry, in log order.
    pub(crate) fn units_under(&self, keys: &BTreeSet<VaultKeyId>) -> Result<Vec<(u64, UnitId)>, LedgerError> {
        let mut units = Vec::new();
        if keys.is_empty() {
            return Ok(units);
        }
        let (mut segment, mut bytes) = (read::OpenSegment::default(), Vec::new());
        for batch in self.batches_under(keys) {
            segment.read(self.shared.disk.as_ref(), &batch, &mut bytes).map_err(LedgerError::Unavailable)?;
            let parsed = read::parse_batch(&batch, &bytes).map_err(|what| self.shared.damage(&what))?;
            let frames = (batch.first..).zip(&parsed.entries);
            for (index, frame) in
                frames.flat_map(|(index, stored)| stored.units.iter().map(move |frame| (index, frame)))
            {
                let (unit, key, _) = read::unit_of(frame).map_err(LedgerError::Fatal)?;
                if keys.contains(&key) {
                    units.push((index, unit));
                }
            }
        }
        Ok(units)
    }

    /// The batches that may hold units sealed under one of `keys`, in log order. Where that cannot be looked up, all of them: of destroyed keys
    /// every unit under them needs its tombstone.
    fn batches_under(&self, keys: &BTreeSet<VaultKeyId>) -> Vec<BatchRef> {
        let state = self.state();
        let Some(marks) = &state.marks else { return state.batches.iter().collect() };
        let mut found = BTreeMap::new();
        for key in keys {
            let entries = match marks.units.candidates(self.shared.disk.as_ref(), key.as_bytes()) {
                Ok(entries) => entries,
                Err(error) => {
                    saved::note_unreadable(&self.shared, &error);
                    return state.batches.iter().collect();
                }
            };
            // One batch holds many of them.
            let mut next = 0;
            for index in entries {
                if let Some(batch) = state.batch_of(index).filter(|_| index >= next) {
                    next = batch.size_after();
                    found.insert(batch.first, batch);
                }
            }
        }
        found.into_values().collect()
    }
}
