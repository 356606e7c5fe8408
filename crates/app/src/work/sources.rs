//! Outside sources: applications that count what they send, so that nothing of it can be left out unseen (docs/completeness.md).
//!
//! Promises: a source is complete up to a number, or what is missing is named; one that went silent is called so. Must never: take a number for here
//! because a later one is, or let one system's key count for another's source.

pub(crate) mod delivering;
mod gaps;
mod keys;
mod sent;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::registry::SourceSpan;
use tabellion_model::{Micros, ProducerId};
use tabellion_views::query::{GapFound, Loss, MAX_ROWS, Page, SourceEpochSeen, SourceEpochs, SourceSeen};

use super::forms::{IdForm, Time};
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::Refusal;

pub use delivering::{Delivered, DeliveredRecord};
pub use gaps::MAX_GAPS_NAMED;
pub use keys::{NewSourceKey, SourceKey};
pub use sent::{Commitment, Delivery, HeartbeatForm, Lost, NumberedRecord, Sent, SignedForm};

/// How long numbers may be behind a later one before the log says that they are missing: a retry of theirs takes seconds.
pub const GRACE_US: u64 = 60_000_000;
/// Heartbeats that may be late before a source is called silent: one may be on its way.
const SILENT_INTERVALS: u64 = 2;
/// Most gaps of one epoch in an answer; the rest is in `missing`.
const MAX_GAPS_SHOWN: usize = 64;

/// Numbers from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GapForm {
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// Since when a later number, or the source itself, says that they should be here.
    pub since: Time,
    /// Whether the log says so in a record of its own.
    pub named: bool,
}

/// What an epoch's newest heartbeat said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedForm {
    /// Which heartbeat of the epoch it was.
    pub beat: u64,
    /// When it was committed.
    pub at: Time,
    /// The last number that was given out.
    pub last_seq: u64,
    /// Numbers that waited to be sent.
    pub spooled: u64,
    /// How long it takes, at most, until the source is heard of again, in seconds.
    pub interval_s: u64,
}

/// One life of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceEpoch {
    /// Which life.
    pub epoch: u64,
    /// Every number up to here is here or declared lost.
    pub complete_through: u64,
    /// The last number that is here or declared lost.
    pub last_seq: u64,
    /// Numbers that are here.
    pub records: u64,
    /// Of those, without content by sampling.
    pub sampled: u64,
    /// Numbers that the source declared lost.
    pub lost: u64,
    /// Numbers that are neither here nor declared lost.
    pub missing: u64,
    /// What is missing, the first 64 stretches.
    pub gaps: Vec<GapForm>,
    /// Its newest heartbeat; null: none came.
    pub stated: Option<StatedForm>,
    /// Whether the source said that it gives out no more numbers in it; else what came after `last_seq` is unknown.
    pub closed: bool,
}

/// How a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Everything up to the last number is here or declared lost, and the source is heard of as it said.
    Complete,
    /// Numbers are missing.
    Gap,
    /// It was not heard of for twice the time that it named; what it saw since is unknown.
    Silent,
    /// An earlier life ended without a word, or no heartbeat ever came: what came after its last number is unknown.
    Unknown,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its id, which it drew for itself.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// The system that it belongs to; null: none.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// How it stands.
    pub state: SourceState,
    /// The same in words.
    pub words: String,
    /// When it was last heard of.
    pub last_at: Time,
    /// The key that it signs its heartbeats with; null: it signs nothing, and its heartbeats are the notary's account of what it sent.
    pub key: Option<SourceKey>,
    /// Its lives, the latest first: the 400 latest, and up to 400 earlier ones in which numbers are missing or that ended without a word.
    pub epochs: Vec<SourceEpoch>,
    /// Earlier lives that are not listed: closed, and nothing is missing in them.
    pub epochs_settled: u64,
    /// Earlier lives that are not listed and were not looked at: of what they hold nothing is said here. A package names what is missing in them.
    pub epochs_not_looked_at: u64,
}

/// Sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// The sources, the one heard of last for the first time comes first.
    pub sources: Vec<Source>,
    /// `before` of the next page; null: this is the last.
    pub next: Option<u64>,
}

/// Which sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceQuery {
    /// Those first heard of before this entry: `next` of the page before.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub before: Option<u64>,
    /// How many; absent: 50.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
}

impl Desk {
    /// The sources within reach.
    pub fn sources(&self, actor: &Actor, query: &SourceQuery) -> Result<Sources, Refusal> {
        let systems = self.systems_within(actor, Permission::ReadEntries)?;
        let limit = query.limit.unwrap_or(50).clamp(1, MAX_ROWS);
        let rows = self.views.sources(systems.as_ref(), Page { before: query.before, limit })?;
        let sources = rows.rows.iter().map(|row| self.shown_source(row)).collect::<Result<_, _>>()?;
        Ok(Sources { sources, next: rows.next })
    }

    /// One source.
    pub fn source(&self, actor: &Actor, id: ProducerId) -> Result<Source, Refusal> {
        let row = self.views.source(&id)?.ok_or_else(|| Refusal::not_found("source"))?;
        if !self.may(actor, Permission::ReadEntries, row.system)? {
            return Err(Refusal::not_found("source"));
        }
        self.shown_source(&row)
    }

    /// The gaps of a source that the log named, and what the source declared lost, the latest of each.
    pub(crate) fn source_gaps(
        &self,
        actor: &Actor,
        id: ProducerId,
    ) -> Result<(Vec<GapFound>, Vec<Loss>), Refusal> {
        self.source(actor, id)?;
        Ok((self.views.source_gaps(&id)?, self.views.source_losses(&id)?))
    }

    fn shown_source(&self, row: &SourceSeen) -> Result<Source, Refusal> {
        let SourceEpochs { epochs, settled, not_looked_at } = self.views.source_epochs(&row.producer)?;
        let (state, words) = standing(row, &epochs, not_looked_at, self.now());
        Ok(Source {
            id: row.producer.to_hex(),
            system: row.system.map(|system| system.to_hex()),
            state,
            words,
            last_at: Time(row.last_at),
            key: self.shown_source_key(row.key)?,
            epochs: epochs.iter().map(shown_epoch).collect(),
            epochs_settled: settled,
            epochs_not_looked_at: not_looked_at,
        })
    }
}

fn shown_epoch(epoch: &SourceEpochSeen) -> SourceEpoch {
    let is_named = |span: &SourceSpan| {
        epoch.found.iter().any(|found| found.first <= span.first && span.last <= found.last)
    };
    let gaps = epoch.gaps.iter().take(MAX_GAPS_SHOWN).map(|gap| GapForm {
        first: gap.span.first,
        last: gap.span.last,
        since: Time(gap.since),
        named: is_named(&gap.span),
    });
    SourceEpoch {
        epoch: epoch.life.epoch,
        complete_through: epoch.complete_through,
        last_seq: epoch.last_seq,
        records: epoch.seen.count(),
        sampled: epoch.sampled,
        lost: epoch.lost,
        missing: missing(epoch),
        gaps: gaps.collect(),
        stated: epoch.stated.map(|stated| StatedForm {
            beat: stated.beat,
            at: Time(stated.at),
            last_seq: stated.last_seq,
            spooled: stated.spooled,
            interval_s: stated.interval_s,
        }),
        closed: epoch.closed,
    }
}

fn missing(epoch: &SourceEpochSeen) -> u64 {
    epoch.gaps.iter().map(|gap| gap.span.last - gap.span.first + 1).sum()
}

/// The worst that is to be said: numbers missing, then silence, then an end that nobody told, or lives that nobody looked at.
fn standing(
    source: &SourceSeen,
    epochs: &[SourceEpochSeen],
    not_looked_at: u64,
    now: Micros,
) -> (SourceState, String) {
    let holed: Vec<&SourceEpochSeen> = epochs.iter().filter(|epoch| !epoch.gaps.is_empty()).collect();
    if let Some(epoch) = holed.first()
        && let Some(gap) = epoch.gaps.first()
    {
        let total: u64 = holed.iter().map(|epoch| missing(epoch)).sum();
        let (first, last) = (gap.span.first, gap.span.last);
        let words =
            format!("numbers missing: {total}, the first {first} to {last} of epoch {}", epoch.life.epoch);
        return (SourceState::Gap, words);
    }
    let Some(latest) = epochs.first() else {
        return (SourceState::Unknown, "nothing is known of it".to_owned());
    };
    let through = format!("epoch {} is complete up to {}", latest.life.epoch, latest.complete_through);
    if let Some(stated) = latest.stated.filter(|_| !latest.closed) {
        let patience = stated.interval_s.saturating_mul(SILENT_INTERVALS * 1_000_000);
        if now.since(source.last_at) > patience {
            let waiting = stated.last_seq.saturating_sub(latest.last_seq);
            let words =
                format!("silent since {}; {through}; {waiting} more had been counted", source.last_at);
            return (SourceState::Silent, words);
        }
    }
    let unended = epochs.iter().skip(1).find(|epoch| !epoch.closed);
    if let Some(epoch) = unended {
        let words = format!("epoch {} is unknown after {}; {through}", epoch.life.epoch, epoch.last_seq);
        return (SourceState::Unknown, words);
    }
    if not_looked_at > 0 {
        let words = format!("{through}; {not_looked_at} earlier epochs were not looked at");
        return (SourceState::Unknown, words);
    }
    if latest.stated.is_none() {
        return (SourceState::Unknown, format!("{through} and unknown after it: no heartbeat came"));
    }
    (SourceState::Complete, through)
}
