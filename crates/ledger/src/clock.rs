//! What time it is: a seam, so that a test can move time.
//!
//! Promises: microseconds since 1970, UTC. Must never: be asked by code that folds the log; time enters it only through records.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tabellion_model::Micros;

/// While the log's time is ahead of the clock, it goes one in this many steps of the clock: so it never stands still, and the clock catches up.
const PACE: u64 = 2;

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

/// The log's time: what commits are dated by, and what ends keys, links and sessions.
///
/// It is the clock's, but for a log whose newest commit is ahead of it, because the clock was ahead once or was set back. Commit times cannot go
/// back; were they to wait for the clock, nothing would end meanwhile that was issued for hours, and that can be years. So time then goes on at half the
/// clock's pace. What was issued ends after twice its time at the latest, and a clock that was set back by a second is caught up with after two.
pub(crate) struct LogTime {
    clock: Arc<dyn Clock>,
    reached: Mutex<Reached>,
}

/// The log's time when the clock said `clock`.
struct Reached {
    time: Micros,
    clock: Micros,
}

impl LogTime {
    /// The time of a log whose newest commit is dated `newest`.
    pub(crate) fn new(clock: Arc<dyn Clock>, newest: Micros) -> Self {
        let now = clock.now();
        Self { clock, reached: Mutex::new(Reached { time: newest.max(now), clock: now }) }
    }

    /// Now; never before what it was.
    pub(crate) fn now(&self) -> Micros {
        let now = self.clock.now();
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.since(reached.clock);
        let time = now.max(Micros(reached.time.0.saturating_add(passed / PACE)));
        if time > reached.time || now < reached.clock {
            *reached = Reached { time, clock: now };
        }
        time
    }

    /// How far it is ahead of the clock, in microseconds.
    pub(crate) fn ahead_us(&self) -> u64 {
        self.now().since(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Set(AtomicU64);

    impl Clock for Set {
        fn now(&self) -> Micros {
            Micros(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn time_follows_the_clock_never_goes_back_and_never_stands_still() {
        let clock = Arc::new(Set::default());
        let at = |micros: u64| clock.0.store(micros, Ordering::SeqCst);
        at(1_000);
        let time = LogTime::new(Arc::clone(&clock) as _, Micros(900));
        assert_eq!(time.now(), Micros(1_000));
        at(3_000);
        assert_eq!((time.now(), time.ahead_us()), (Micros(3_000), 0), "a clock that runs well is followed");
        at(2_000);
        assert_eq!(time.now(), Micros(3_000), "time went back with the clock");
        at(2_600);
        assert_eq!(
            (time.now(), time.ahead_us()),
            (Micros(3_300), 700),
            "nothing would end for as long as it was set back"
        );
        at(4_000);
        assert_eq!(
            (time.now(), time.ahead_us()),
            (Micros(4_000), 0),
            "a step back stays in the log's times for ever"
        );
        for micros in 4_000..4_400 {
            at(micros);
            time.now();
        }
        let far = LogTime::new(Arc::clone(&clock) as _, Micros(1_000_000));
        for micros in 4_400..4_600 {
            at(micros);
            far.now();
        }
        assert!(far.now() >= Micros(1_000_099), "asking often makes time stand still: {:?}", far.now());
    }
}
