//! How far the evidence of a record has come, and waiting for more of it on behalf of whoever asked for that.
//!
//! Promises: an answer names the levels that are reached, whatever was asked for, with the receipt that shows each to a verifier, and where to ask again. Must never: let those who wait take the places of
//! those who work, or fail a request whose record is durable.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{Ack, AckLevel, Reached};

use super::{Actor, Desk};
use crate::refusal::Refusal;

/// Wait for witnesses when a request does not say how long: several rounds of theirs, which take about a second each.
const WAIT: Duration = Duration::from_secs(10);
/// Longest wait that may be asked for, in seconds; half of what an answer may take.
pub(crate) const MAX_WAIT_SECONDS: u64 = 60;
/// Requests that may wait for witnesses at a time, of the 64 that are worked on; the others are told at once what is reached.
const MAX_WAITING: usize = 16;

/// What a request wants to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// How far the record has to have come; absent: `included`. `durable` and `included` are reached together and always; `witnessed` is waited for; what
    /// anchors have confirmed is told at once, because they take minutes to hours.
    #[serde(default)]
    pub level: Level,
    /// Longest wait for it, in seconds; absent: 10.
    #[serde(default)]
    #[schemars(range(max = 60))]
    pub within_seconds: Option<u64>,
}

impl Wanted {
    /// Whether more is wanted than every append gives.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.level, Level::Witnessed | Level::Anchored)
    }
}

/// A level, as it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// On this log's disk.
    Durable,
    /// Under a signed checkpoint of this log.
    #[default]
    Included,
    /// Under a checkpoint that enough witnesses cosigned.
    Witnessed,
    /// Under a checkpoint that an anchor confirmed.
    Anchored,
}

impl From<Level> for AckLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Durable => Self::Durable,
            Level::Included => Self::Included,
            Level::Witnessed => Self::Witnessed,
            Level::Anchored => Self::Anchored,
        }
    }
}

impl From<AckLevel> for Level {
    fn from(level: AckLevel) -> Self {
        match level {
            AckLevel::Durable => Self::Durable,
            AckLevel::Included => Self::Included,
            AckLevel::Witnessed => Self::Witnessed,
            AckLevel::Anchored => Self::Anchored,
        }
    }
}

/// An anchor that covers an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnchorForm {
    /// Its name in the configuration.
    pub name: String,
    /// Size of the confirmed checkpoint.
    pub size: u64,
}

/// A file that shows a level to whoever verifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelReceipt {
    /// The level. A verifier names it too, when the trust file of its reader bears it out.
    pub level: Level,
    /// Where the receipt is.
    pub receipt: String,
}

/// How far an entry has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Every level that is reached now.
    pub reached: Vec<Level>,
    /// The level that was asked for; null: none was.
    pub asked: Option<Level>,
    /// Whether that one is reached; null: none was asked for.
    pub met: Option<bool>,
    /// For each level that others can check, the receipt with its evidence inside: that an entry is durable, nobody outside can see.
    pub receipts: Vec<LevelReceipt>,
    /// Size of the cosigned checkpoint that covers the entry; `/api/v1/entries/{index}/receipt/cosigned` proves it.
    pub witnessed_size: Option<u64>,
    /// Anchors that cover it.
    pub anchors: Vec<AnchorForm>,
    /// Where to ask again.
    pub ask_again: String,
}

impl Acknowledgement {
    fn of(reached: &Reached, asked: Option<AckLevel>) -> Self {
        let anchor = |by: &tabellion_ledger::AnchoredBy| AnchorForm { name: by.name.clone(), size: by.size };
        Self {
            reached: reached.levels().map(Level::from).collect(),
            receipts: reached.levels().filter_map(|level| receipt_of(reached.index, level.into())).collect(),
            asked: asked.map(Level::from),
            met: asked.map(|level| reached.has(level)),
            witnessed_size: reached.witnessed,
            anchors: reached.anchored.iter().map(anchor).collect(),
            ask_again: format!("/api/v1/entries/{}/acknowledgement", reached.index),
        }
    }
}

fn receipt_of(index: u64, level: Level) -> Option<LevelReceipt> {
    let part = match level {
        Level::Durable => return None,
        Level::Included => "",
        Level::Witnessed => "/cosigned",
        Level::Anchored => "/anchored",
    };
    Some(LevelReceipt { level, receipt: format!("/api/v1/entries/{index}/receipt{part}") })
}

/// Places of those who wait.
#[derive(Default)]
pub(crate) struct Waiting(AtomicUsize);

impl Waiting {
    fn enter(&self) -> Option<Place<'_>> {
        let place = Place(&self.0);
        (self.0.fetch_add(1, Ordering::AcqRel) < MAX_WAITING).then_some(place)
    }
}

/// One of them, given back when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Desk {
    /// How far an entry that `actor` may see has come.
    pub fn acknowledgement(&self, actor: &Actor, index: u64) -> Result<Acknowledgement, Refusal> {
        self.reach_entry(actor, index)?;
        Ok(Acknowledgement::of(&self.ledger.reader().reached(index)?, None))
    }

    /// How far a durable entry has come once what is wanted is reached or its time is over, counted from `began`.
    pub(crate) fn acknowledged(&self, ack: &Ack, wanted: &Wanted, began: Instant) -> Acknowledgement {
        let index = ack.index;
        let level = AckLevel::from(wanted.level);
        let nothing_more = Reached { index, witnessed: None, anchored: Vec::new() };
        if !wanted.waits() && !ack.duplicate {
            // Others have not seen it yet.
            return Acknowledgement::of(&nothing_more, Some(level));
        }
        let place = self.waiting.enter();
        let wait = wanted.within_seconds.map_or(WAIT, |wait| Duration::from_secs(wait.min(MAX_WAIT_SECONDS)));
        let patience = if place.is_some() { wait.saturating_sub(began.elapsed()) } else { Duration::ZERO };
        // Files of anchors that cannot be read prove nothing: the entry is durable, and that is told.
        let reached = self.ledger.reader().wait_for_level(index, level, patience).unwrap_or(nothing_more);
        Acknowledgement::of(&reached, Some(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_leave_room_for_those_who_work() {
        let waiting = Waiting::default();
        let places: Vec<_> = std::iter::from_fn(|| waiting.enter()).collect();
        assert_eq!(
            places.len(),
            MAX_WAITING,
            "requests that wait for witnesses would keep everybody else out"
        );
        drop(places);
        assert!(waiting.enter().is_some(), "a place that was given back is lost");
    }
}
