//! The entries outside the range that `proof.json` brings along: key records, tombstones, alarms and the seals at the edges.
//!
//! Takes an entry only for one of these purposes; anything else has no place in a package and is refused, so that the exporter
//! cannot smuggle in what the range does not hold.

use std::collections::BTreeSet;

use tabellion_tlog::SignedCheckpoint;

use super::alarms::{Alarms, is_alarm};
use super::fold::{Claims, check_claims};
use super::proof::RangeProof;
use crate::entry::Entry;
use crate::manifest::Manifest;
use crate::registry::is_key_record;
use crate::seal::BatchSealEntry;
use crate::verdict::Problems;

/// Entries outside the range by purpose.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Index of every entry that was brought along.
    pub(crate) placed: BTreeSet<u64>,
    /// Seals with their index, ascending.
    pub(crate) seals: Vec<(u64, BatchSealEntry)>,
    /// What they say of alarms.
    pub(crate) alarms: Alarms,
    /// Entries whose inclusion path does not lead to the checkpoint's root.
    pub(crate) tree: Problems,
    /// Entries that cannot be read or are not needed.
    pub(crate) entries: Problems,
    /// Tombstones that do not prove what is said of them.
    pub(crate) erasures: Problems,
}

impl Outside {
    /// Reads and places every extra entry. Without `claims` nobody can say which tombstones are needed.
    pub(crate) fn read(
        proof: &RangeProof,
        manifest: &Manifest,
        checkpoint: &SignedCheckpoint,
        claims: Option<&Claims<'_>>,
    ) -> Self {
        let mut outside = Self::default();
        for placed in &proof.extra {
            let index = placed.index;
            outside.placed.insert(index);
            if (manifest.first..manifest.end()).contains(&index) {
                outside.entries.broken(|| format!("proof.json: `extra` repeats entry {index} of the range"));
                continue;
            }
            if let Err(error) = placed.verify(manifest.size, &checkpoint.checkpoint.root) {
                outside.tree.broken(|| {
                    format!("proof.json: `extra` entry {index} is not in the checkpoint's tree: {error}")
                });
            }
            match Entry::parse(&placed.entry) {
                Err(error) => {
                    outside.entries.malformed(|| format!("proof.json: `extra` entry {index}: {error}"));
                }
                Ok(Entry::Seal(seal)) => outside.take_seal(manifest, index, seal),
                Ok(entry) => {
                    let lines = claims.and_then(|claims| claims.get(&index)).map(Vec::as_slice);
                    if let (Some(header), Some(lines)) = (entry.header(), lines) {
                        check_claims(&mut outside.erasures, index, header, lines);
                    }
                    if let Some(header) = entry.header() {
                        outside.alarms.observe(index, header);
                    }
                    let needed =
                        entry.header().is_some_and(|header| is_key_record(header) || is_alarm(header));
                    if claims.is_some() && lines.is_none() && !needed {
                        outside.entries.broken(|| {
                            format!("proof.json: `extra` entry {index} is no key record, seal, tombstone or alarm that this package needs")
                        });
                    }
                }
            }
        }
        outside
    }

    fn take_seal(&mut self, manifest: &Manifest, index: u64, seal: BatchSealEntry) {
        let before = index.checked_add(1) == Some(manifest.first);
        let after = index > manifest.end() && seal.seal.first == manifest.end();
        let last = index.checked_add(1) == Some(manifest.size);
        if before || after || last {
            self.seals.push((index, seal));
        } else {
            self.entries.broken(|| {
                format!("proof.json: `extra` entry {index} is a seal that this package does not need")
            });
        }
    }

    /// The seal right before the range.
    pub(crate) fn before(&self, manifest: &Manifest) -> Option<&BatchSealEntry> {
        self.at(manifest.first.checked_sub(1)?)
    }

    /// The first seal after the range.
    pub(crate) fn after(&self, manifest: &Manifest) -> Option<(u64, &BatchSealEntry)> {
        self.seals.iter().find(|(index, _)| *index >= manifest.end()).map(|(index, seal)| (*index, seal))
    }

    /// The seal at an index.
    pub(crate) fn at(&self, index: u64) -> Option<&BatchSealEntry> {
        self.seals.iter().find(|(at, _)| *at == index).map(|(_, seal)| seal)
    }
}
