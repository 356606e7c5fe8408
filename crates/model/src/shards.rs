//! What a root log says of its shards, one after the other: that each only grew, under its own signature (`docs/shards.md`).
//!
//! Promises: a fold over the records alone, in the order of the log; each contradiction is named with its entry. Where the records do not begin with the shard's
//! registration its key is unknown, and signatures are counted as not checked. Must never: take a conflict for settled because the shard went on.

use std::collections::BTreeMap;

use tabellion_tlog::{Hash, PublicKey};

use crate::origin::Origin;
use crate::registry::{Divergence, Facts, ShardCheckpoint};
use crate::time::Micros;

/// Most contradictions that are kept in words; the count tells the rest.
const MAX_PROBLEMS: usize = 20;

/// A checkpoint of a shard, and where the root log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardStep {
    /// The entry.
    pub index: u64,
    /// When its batch was committed.
    pub at: Micros,
    /// Size of the shard.
    pub size: u64,
    /// Root of the shard.
    pub root: Hash,
}

/// A conflict on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardAlarm {
    /// The entry.
    pub index: u64,
    /// When its batch was committed.
    pub at: Micros,
    /// How the trees differ.
    pub kind: Divergence,
    /// Whether the shard's signatures prove it.
    pub proved: bool,
    /// Size of what the shard showed.
    pub size: u64,
}

/// One shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardLife {
    /// The key that signs its checkpoints, where the records say.
    pub key: Option<PublicKey>,
    /// Its newest checkpoint.
    pub newest: Option<ShardStep>,
    /// How many there are.
    pub checkpoints: u64,
    /// Records about it whose signatures could not be checked, because its key is not known before them.
    pub unchecked: u64,
    /// Longest time between two of them, microseconds.
    pub longest_us: u64,
    /// Conflicts on record.
    pub alarms: Vec<ShardAlarm>,
}

impl ShardLife {
    /// Whether the shard's key says yes; where it is not known nothing speaks against it, and that is counted.
    fn is_right(&mut self, by: impl FnOnce(&PublicKey) -> bool) -> bool {
        if let Some(key) = &self.key {
            return by(key);
        }
        self.unchecked += 1;
        true
    }
}

/// Every shard of a root log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardLives {
    /// By origin.
    pub shards: BTreeMap<Origin, ShardLife>,
    /// What contradicts itself, the first of it in words.
    pub problems: Vec<String>,
    /// How much does.
    pub problem_count: u64,
}

impl ShardLives {
    /// Takes what the record at `index`, of a batch committed at `at`, says; all but records about shards are passed over. The shard's step, when it is one.
    pub fn take(&mut self, index: u64, at: Micros, facts: &Facts) -> Option<(Origin, ShardStep)> {
        match facts {
            Facts::ShardRegistered(said) => {
                self.shards.entry(said.origin.clone()).or_default().key = Some(said.key.public);
            }
            Facts::ShardKeyRotated(said) => {
                let life = self.shards.entry(said.origin.clone()).or_default();
                let agreed = life.is_right(|key| said.is_agreed(key));
                life.key = Some(said.rotation.key.public);
                if !agreed {
                    self.problem(format!(
                        "entry {index}: the key of {} did not sign for its successor",
                        said.origin
                    ));
                }
            }
            Facts::ShardCheckpointRecorded(said) => return Some(self.step(index, at, said)),
            Facts::ShardConflictFound(said) => {
                let life = self.shards.entry(said.shown.origin.clone()).or_default();
                let wrong = !life.is_right(|key| said.shown.is_signed_by(key));
                let (kind, proved, size) = (said.kind, said.proved, said.shown.size);
                life.alarms.push(ShardAlarm { index, at, kind, proved, size });
                if wrong {
                    self.problem(format!(
                        "entry {index}: the conflict of {} is not signed by its key",
                        said.shown.origin
                    ));
                }
            }
            _ => {}
        }
        None
    }

    fn step(&mut self, index: u64, at: Micros, said: &ShardCheckpoint) -> (Origin, ShardStep) {
        let life = self.shards.entry(said.origin.clone()).or_default();
        let step = ShardStep { index, at, size: said.size, root: said.root };
        let before = life.newest.replace(step);
        life.checkpoints += 1;
        let mut wrong = None;
        if !life.is_right(|key| said.is_signed_by(key)) {
            wrong = Some(format!("entry {index}: not signed by the key of {}", said.origin));
        }
        if let Some(before) = before {
            life.longest_us = life.longest_us.max(at.0.saturating_sub(before.at.0));
            let (size, at) = (said.size, before.index);
            if before.size > size {
                let had = before.size;
                wrong = Some(format!(
                    "entry {index}: {} has {size} entries, and had {had} in entry {at}",
                    said.origin
                ));
            } else if before.size == size && before.root != said.root {
                wrong = Some(format!(
                    "entry {index}: {} has another root for {size} entries than in entry {at}",
                    said.origin
                ));
            }
        }
        if let Some(text) = wrong {
            self.problem(text);
        }
        (said.origin.clone(), step)
    }

    /// Notes a contradiction.
    pub fn problem(&mut self, text: String) {
        self.problem_count += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(text);
        }
    }
}
