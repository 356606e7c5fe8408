//! How a guard looks at calls that are over, as an operator writes it down.

use serde::{Deserialize, Serialize};
use tabellion_guard::service::MAX_BATCH;

/// Questions that are asked together, unless somebody says otherwise.
const BATCH: u32 = 50;
/// How long the first of them waits for others, unless somebody says otherwise and at most, milliseconds.
const BATCH_WAIT_MS: u64 = 1_000;
const MAX_BATCH_WAIT_MS: u64 = 60_000;
/// From a call's end to the verdict on it, unless somebody says otherwise and at most, milliseconds. Texts are kept for as long, in memory alone.
const VERDICT_WITHIN_MS: u64 = 60_000;
pub(crate) const MAX_VERDICT_WITHIN_MS: u64 = 600_000;

/// One that looks when the call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AfterConfig {
    /// How many questions a service is asked together, at most; 1: each alone, in the form that it has in the path of a call.
    pub batch: u32,
    /// How long the first of them waits for others, milliseconds.
    pub batch_wait_ms: u64,
    /// From the end of the call to the verdict, milliseconds: what has none by then is on record as that.
    pub verdict_within_ms: u64,
}

impl Default for AfterConfig {
    fn default() -> Self {
        Self { batch: BATCH, batch_wait_ms: BATCH_WAIT_MS, verdict_within_ms: VERDICT_WITHIN_MS }
    }
}

impl AfterConfig {
    /// What of it cannot work.
    pub(crate) fn fault(self) -> Option<&'static str> {
        let batch = usize::try_from(self.batch).unwrap_or(usize::MAX);
        if !(1..=MAX_BATCH).contains(&batch) {
            return Some("batch is 1 to 500: how many questions a service is asked together");
        }
        if self.batch_wait_ms > MAX_BATCH_WAIT_MS {
            return Some("batch_wait_ms is at most 60000: how long the first question waits for others");
        }
        if !(1..=MAX_VERDICT_WITHIN_MS).contains(&self.verdict_within_ms) {
            return Some("verdict_within_ms is 1 to 600000: from the end of a call to the verdict on it");
        }
        (self.batch_wait_ms >= self.verdict_within_ms).then_some(
            "batch_wait_ms is not less than verdict_within_ms, so that every verdict would be late; set less",
        )
    }
}
