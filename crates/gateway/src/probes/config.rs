//! How guards are probed, as an operator writes it down.

use serde::{Deserialize, Serialize};

/// An hour: what was broken by a change from outside is known within it, and a round is a few hundred records at most.
const DEFAULT_EVERY_S: u64 = 60 * 60;
/// A week: what is proven less often is hardly ever proven.
pub const MAX_EVERY_S: u64 = 7 * 24 * 60 * 60;

/// A week: what a guard finds changes when somebody changes it or what is sent to it, not by the hour.
pub const MAX_CORPUS_S: u64 = 7 * 24 * 60 * 60;

/// What becomes of calls for which a guard is set up that let its canary through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnProbeFailure {
    /// They are denied until its canaries are stopped again.
    #[default]
    Deny,
    /// They go on; the alarm stands.
    Alarm,
}

/// When guards and masking are tried with canaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeConfig {
    /// How often, in seconds; none: never by itself, also not at a start.
    pub every_s: Option<u64>,
    /// What becomes of calls when a canary gets through.
    pub on_failure: OnProbeFailure,
    /// How often guards are measured with the corpus, in seconds; none: never by itself.
    pub corpus_s: Option<u64>,
}

impl Default for ProbeConfig {
    fn default() -> Self {
        Self {
            every_s: Some(DEFAULT_EVERY_S),
            on_failure: OnProbeFailure::Deny,
            corpus_s: Some(MAX_CORPUS_S),
        }
    }
}

impl ProbeConfig {
    /// Whether nobody said otherwise.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// For how long what a round proves counts: two rounds, so that one that is late does not make everything stale. Without a schedule as long as by default.
    pub(crate) fn valid_s(self) -> u64 {
        2 * self.every_s.unwrap_or(DEFAULT_EVERY_S)
    }
}
