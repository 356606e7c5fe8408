//! Measurements: how much of what each guard must find it finds, and how often it finds something where there is nothing.

use serde::{Deserialize, Serialize};

use crate::body::ProbeCause;
use crate::measure::MeasureCounts;

/// What one guard made of its part of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MeasuredGuard {
    /// The guard; `masking` for the rules of masking.
    pub guard: String,
    /// Its version, as records of calls name it.
    pub version: String,
    /// Of masking, the class that was looked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<String>,
    /// The route that the inputs took, as records of calls name it.
    pub surface: String,
    /// The provider in whose place they were taken.
    pub upstream: String,
    /// How it came out.
    pub counts: MeasureCounts,
    /// Inputs that it must find and did not, by their names in the corpus.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missed: Vec<String>,
    /// Benign inputs in which it found something, by their names in the corpus.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub hit: Vec<String>,
    /// Why some or all could not be tested: one of our own words, the first of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

impl MeasuredGuard {
    /// Whether `other` is the same guard in the same version, looking for the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.guard, &self.version, &self.class) == (&other.guard, &other.version, &other.class)
    }
}

/// `guard.measured`, stream `probes`: the corpus was sent through every guard, with what came of it. The sums stand in `clear`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardMeasured {
    /// Why it was done.
    pub cause: ProbeCause,
    /// The corpus: its inputs follow from this name and the guard's settings alone.
    pub corpus: String,
    /// For how long it counts, in seconds.
    pub valid_s: u64,
    /// The guards, in the order of the configuration, masking by class last.
    pub guards: Vec<MeasuredGuard>,
}

impl GuardMeasured {
    /// The sums over all guards.
    pub fn counts(&self) -> MeasureCounts {
        self.guards.iter().fold(MeasureCounts::default(), |sum, guard| sum.and(guard.counts))
    }
}
