//! How long an evaluation may take, counted in steps.
//!
//! Promises: the same policy and input end at the same step on every machine, however busy it is. Must never: read a clock.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::Once;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};

/// Most steps of one evaluation: expressions, statements and calls of functions. A loop over the most tools that a call may offer within a list of a hundred
/// takes a fifth of it; all of it takes a small part of a second.
pub const MAX_STEPS: u64 = 1 << 18;
/// Steps between two looks at the count.
const INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(63);

thread_local! {
    /// Looks at the time on this thread. An evaluation stays on one thread.
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

/// The engine limits an evaluation by the time; this time goes on by one whenever it is looked at, which is every [`INTERVAL`] steps.
struct Steps;

static STEPS: Steps = Steps;
static INSTALLED: Once = Once::new();

impl TimeSource for Steps {
    fn now(&self) -> Option<Duration> {
        let looks = LOOKS.get().wrapping_add(1);
        LOOKS.set(looks);
        Some(Duration::from_nanos(looks))
    }
}

/// The limit, in the engine's terms. Without the standard library the engine has no time of its own, so the first to set one is here.
pub(super) fn limit() -> ExecutionTimerConfig {
    INSTALLED.call_once(|| {
        // Nobody else sets one: this is the only place that knows the engine.
        let _is_set_before = set_time_source(&STEPS);
    });
    ExecutionTimerConfig {
        limit: Duration::from_nanos(MAX_STEPS / u64::from(INTERVAL.get())),
        check_interval: INTERVAL,
    }
}
