//! How long the snapshot that decisions are made from ([`crate::gate`]) has stood behind the log.
//!
//! Views that gather records for some milliseconds are behind all the time and move all the time. What counts is that they have not come, within a
//! limit, to where the log was: then a revocation may be durable that decisions know nothing of, and everything is denied. Promises: views
//! that stand still are found out within the limit and one [`LOOK_EVERY`] of the first entry that they miss, also when nobody calls meanwhile.
//! Must never: use the wall clock, which can be set.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often somebody looks who decides nothing.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The watch over one snapshot.
#[derive(Debug)]
pub struct Lag {
    limit: Duration,
    missed: Mutex<Option<Missed>>,
}

/// A log size that the snapshot had not reached.
#[derive(Debug, Clone, Copy)]
struct Missed {
    size: u64,
    since: Instant,
}

impl Lag {
    /// A watch that calls a snapshot stale once it has stood still for longer than `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, missed: Mutex::new(None) }
    }

    /// Whether a snapshot at `position` of a log of `size` entries may still be decided by at `now`.
    pub fn is_fresh(&self, position: u64, size: u64, now: Instant) -> bool {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if position >= size {
            *missed = None;
            return true;
        }
        match *missed {
            Some(still) if position < still.size => now.saturating_duration_since(still.since) <= self.limit,
            _ => {
                *missed = Some(Missed { size, since: now });
                true
            }
        }
    }

    /// How long the snapshot has not come to where the log was when somebody last looked; nothing while it moves.
    pub fn standing(&self, now: Instant) -> Duration {
        let missed = *self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.map_or(Duration::ZERO, |missed| now.saturating_duration_since(missed.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_that_move_are_fresh_however_far_they_are_behind_and_views_that_stand_are_not() {
        let (lag, start) = (Lag::new(Duration::from_secs(2)), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        for step in 0..100 {
            let (position, size) = (step * 50, (step + 1) * 50);
            assert!(lag.is_fresh(position, size, at(step * 100)), "a loaded gateway would refuse calls");
        }
        assert!(lag.is_fresh(5000, 5000, at(10_000)), "views at the end of the log are as fresh as can be");
        assert_eq!(lag.standing(at(10_500)), Duration::ZERO, "nothing is missed");
        assert!(lag.is_fresh(5000, 5001, at(11_000)), "a revocation takes a moment");
        assert!(lag.is_fresh(5000, 5009, at(13_000)), "the limit counts from the first entry missed");
        assert!(!lag.is_fresh(5000, 5009, at(13_001)), "a revoked key would work for as long as views stand");
        assert!(!lag.is_fresh(5000, 5001, at(60_000)), "and go on working");
        assert_eq!(lag.standing(at(60_000)), Duration::from_secs(49), "an operator would not see how long");
        assert!(lag.is_fresh(5001, 5009, at(60_001)), "views that move again can be decided by");
        assert!(!lag.is_fresh(5001, 5009, at(62_002)), "each entry missed has its own time");
    }
}
