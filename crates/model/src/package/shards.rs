//! What a root log's records of a range say of its shards (formats §8, §12).
//!
//! Promises that checkpoints of one shard that contradict each other are broken and named, that a conflict on record is named and never passes for nothing, and
//! that what could not be checked is counted. No record lifts a conflict: which of two histories is the right one nobody can say from a package.

use crate::header::Header;
use crate::registry::{Divergence, Facts, Kind, Recognition, facts, recognise};
use crate::shards::{ShardLife, ShardLives};
use crate::time::Micros;
use crate::verdict::{CheckPlan, Problems, Report};

pub(crate) const SHARDS: &str = "shards";
/// The check, which a report has when the range tells of shards.
const SHARDS_PLAN: CheckPlan = CheckPlan {
    name: SHARDS,
    proves: "The checkpoints of each shard that this range tells of never shrink and have one root for each size, its key signed them where the range shows \
             that key, and no conflict is on record here.",
    does_not_prove: "That a larger tree continues a smaller one: the root log was shown that when it took the checkpoint. Nothing about a shard before or after \
                     the range.",
};

/// What one record says of a shard.
#[derive(Clone, Debug)]
pub(crate) struct ShardWord {
    index: u64,
    at: Micros,
    said: Facts,
}

/// What a sealed record says of a shard, if it is about one. What an actor signed is that actor's word and not the root log's.
pub(crate) fn shard_word(index: u64, header: &Header) -> Option<ShardWord> {
    let is_about_shards = matches!(
        recognise(header),
        Recognition::Known(
            Kind::ShardRegistered
                | Kind::ShardKeyRotated
                | Kind::ShardCheckpointRecorded
                | Kind::ShardConflictFound
        )
    );
    let said = if is_about_shards { facts(header).ok().flatten() } else { None };
    said.map(|said| ShardWord { index, at: header.observed_at, said })
}

/// The shards of a range, record by record in the order of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct RangeShards {
    lives: ShardLives,
}

impl RangeShards {
    pub(crate) fn take(&mut self, word: &ShardWord) {
        self.lives.take(word.index, word.at, &word.said);
    }

    /// Reports the shards, when there are any.
    pub(crate) fn check(self, report: &mut Report) {
        if self.lives.shards.is_empty() {
            return;
        }
        let mut problems = Problems::default();
        let mut named = self.lives.problems.iter();
        for _ in 0..self.lives.problem_count {
            problems.broken(|| named.next().cloned().unwrap_or_default());
        }
        for (index, text) in self.conflicts() {
            problems.undetermined(|| format!("entry {index}: {text}"));
        }
        report.plan_required(&SHARDS_PLAN);
        report.settle(SHARDS, &problems, self.summary());
    }

    /// Every conflict on record, in the order of the log.
    fn conflicts(&self) -> Vec<(u64, String)> {
        let mut found: Vec<(u64, String)> = Vec::new();
        for (origin, life) in &self.lives.shards {
            found.extend(life.alarms.iter().map(|alarm| {
                let kind = match alarm.kind {
                    Divergence::Forked => "forked",
                    Divergence::RolledBack => "rolled back",
                };
                let how = if alarm.proved { "proved by its own signatures" } else { "not proved" };
                (
                    alarm.index,
                    format!("{origin} showed another history: {kind}, at size {}, {how}", alarm.size),
                )
            }));
        }
        found.sort_by_key(|(index, _)| *index);
        found
    }

    fn summary(&self) -> String {
        let sum = |of: fn(&ShardLife) -> u64| self.lives.shards.values().map(of).sum::<u64>();
        format!(
            "shards: {}, checkpoints: {}; not checked, because the range does not show the shard's key before them, are the signatures of {} records",
            self.lives.shards.len(),
            sum(|life| life.checkpoints),
            sum(|life| life.unchecked)
        )
    }
}
