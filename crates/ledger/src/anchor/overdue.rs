//! When an anchor is later than it may be.
//!
//! Promises: what waits too long is overdue whatever the reason: a service that is down, one that takes and never confirms, a thread that stands still. Must
//! never: be told by the service itself.

use super::Coverage;
use crate::reader::Reader;

const SECOND: u64 = 1_000_000;
/// All of a log, in thousandths.
const WHOLE_PERMILLE: u64 = 1000;

/// How long an anchor may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a checkpoint is anchored, in seconds, while the log grows; 0: only when somebody asks.
    pub every_s: u64,
    /// How old a checkpoint may be that waits to be confirmed, in seconds; 0: as old as it likes.
    pub overdue_s: u64,
}

impl Coverage {
    /// Since when the anchor owes something, in microseconds since 1970, where that is longer than it may: the time at which its oldest waiting checkpoint was
    /// taken; or, when none waits although the log grew, the time at which the next was due.
    pub fn overdue_since(&self, reader: &Reader, patience: Patience, now: u64) -> Option<u64> {
        let allowed = patience.overdue_s.checked_mul(SECOND).filter(|allowed| *allowed > 0)?;
        let late = |since: u64| (now.saturating_sub(since) > allowed).then_some(since);
        if let Some(since) = self.waiting_since {
            return late(since);
        }
        if patience.every_s == 0 {
            return None;
        }
        let since = late(self.taken_at?.saturating_add(patience.every_s.saturating_mul(SECOND)))?;
        // A log that cannot be read is not known to be covered.
        let covered = reader.covered_permille(self.size).is_ok_and(|permille| permille >= WHOLE_PERMILLE);
        (!covered).then_some(since)
    }
}
