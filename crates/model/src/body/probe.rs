//! Probes: what came of trying whether guards stop what they must.

use serde::{Deserialize, Serialize};

use crate::RecordId;
use crate::probe::ProbeCounts;

/// Why guards were probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeCause {
    /// The gateway began, with the configuration that it has.
    Start,
    /// The time had come.
    Schedule,
    /// The policies changed.
    Change,
    /// Somebody asked for it.
    Asked,
}

/// What came of one canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// It was stopped, and by this guard.
    Stopped,
    /// The guard found it and let it go on, as it is set up to.
    Flagged,
    /// It got past the guard.
    GotThrough,
    /// Nobody knows: why stands beside it.
    Untested,
}

/// One place at which a guard was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedPlace {
    /// The route, as records of calls name it.
    pub surface: String,
    /// The provider in whose place the canary was taken, by its name in the configuration.
    pub upstream: String,
    /// The guard; `masking` for the rules of masking.
    pub guard: String,
    /// Its version, as records of calls name it.
    pub version: String,
    /// `prompt` or `answer`: the side that it looked at.
    pub side: String,
    /// Whether the answer was asked for as a stream.
    pub stream: bool,
    /// What came of it.
    pub result: ProbeResult,
    /// Why it got through, or is not known: one of our own words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
    /// The records of the call, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub calls: Vec<RecordId>,
}

impl ProbedPlace {
    /// Whether `other` is the same place of the same guard in the same version.
    pub fn is_same_place(&self, other: &Self) -> bool {
        (&self.surface, &self.upstream, &self.guard, &self.version, &self.side, self.stream)
            == (&other.surface, &other.upstream, &other.guard, &other.version, &other.side, other.stream)
    }
}

/// `guard.probed`, stream `probes`: every place was tried, with what came of it. The counts stand in `clear`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardProbed {
    /// Why it was done.
    pub cause: ProbeCause,
    /// For how long what it proves counts, in seconds.
    pub valid_s: u64,
    /// The places, in the order in which they were tried.
    pub places: Vec<ProbedPlace>,
}

impl GuardProbed {
    /// How many came to what.
    pub fn counts(&self) -> ProbeCounts {
        let of = |result| self.places.iter().filter(|place| place.result == result).count() as u64;
        ProbeCounts {
            stopped: of(ProbeResult::Stopped),
            flagged: of(ProbeResult::Flagged),
            got_through: of(ProbeResult::GotThrough),
            untested: of(ProbeResult::Untested),
        }
    }
}
