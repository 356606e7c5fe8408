//! What time it is: a seam, so that a test can move time.
//!
//! Promises: microseconds since 1970, UTC. Must never: be asked by code that folds the log; time enters it only through records.

use std::time::{SystemTime, UNIX_EPOCH};

use tabellion_model::Micros;

/// A clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Micros;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        // A clock set before 1970 reads as 1970: seals never go back, and fsck shows the jump.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}
