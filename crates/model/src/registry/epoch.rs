//! What the records that open and close epochs say (`docs/formats.md` §7).

use serde_json::{Map, Value as Json};

use super::object;
use crate::form::{FormFault, Members};
use crate::id::SystemId;

/// Begins an epoch; its own number is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochOpened {
    /// The producer's epoch before this one; absent in its first.
    pub previous: Option<PreviousEpoch>,
}

/// How a producer's epoch ended, as its next epoch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousEpoch {
    /// Whether it was closed; else more may have been lost after `last_seq`.
    pub closed: bool,
    /// Its number.
    pub epoch: u64,
    /// Its last number that is known.
    pub last_seq: u64,
}

impl EpochOpened {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        let Some(previous) = self.previous else { return Map::new() };
        let previous = object([
            ("closed", previous.closed.into()),
            ("epoch", previous.epoch.into()),
            ("last_seq", previous.last_seq.into()),
        ]);
        object([("previous", Json::Object(previous))])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let Some(previous) = members.optional("previous") else { return Ok(Self { previous: None }) };
        let mut previous = Members::of("`previous` of an epoch.opened record", previous)?;
        let facts = PreviousEpoch {
            closed: previous.flag("closed")?,
            epoch: previous.count("epoch")?,
            last_seq: previous.count("last_seq")?,
        };
        previous.finish()?;
        Ok(Self { previous: Some(facts) })
    }
}

/// Ends an epoch; its own number is `last_seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochClosed {
    /// The last number of the epoch, this record's own.
    pub last_seq: u64,
    /// The last number per system, for every system of the epoch, by ascending id.
    pub systems: Vec<(SystemId, u64)>,
}

impl EpochClosed {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        let system = |(system, last_seq): &(SystemId, u64)| {
            Json::Object(object([("last_seq", (*last_seq).into()), ("system", system.to_hex().into())]))
        };
        object([
            ("last_seq", self.last_seq.into()),
            ("systems", Json::Array(self.systems.iter().map(system).collect())),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let last_seq = members.count("last_seq")?;
        let systems: Vec<_> = members.list("systems")?.into_iter().map(system).collect::<Result<_, _>>()?;
        if !systems.is_sorted_by(|(left, _), (right, _)| left < right) {
            return Err(members.fault("systems", "is not sorted by system without repeats"));
        }
        Ok(Self { last_seq, systems })
    }
}

fn system(value: Json) -> Result<(SystemId, u64), FormFault> {
    let mut members = Members::of("an element of `systems` of an epoch.closed record", value)?;
    let system = (members.id("system")?, members.count("last_seq")?);
    members.finish()?;
    Ok(system)
}
