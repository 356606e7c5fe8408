//! Where the time of one call went: to the gateway itself, to the disk, to the provider, to the client, to guards that others run.
//!
//! Promises: every moment between start and end counts for exactly one of them.

use std::time::{Duration, Instant};

/// Who is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The gateway computes.
    Own,
    /// A record is being made durable.
    Sync,
    /// The provider works.
    Upstream,
    /// The client takes what it is given.
    Client,
    /// Guards of others look.
    Guards,
}

/// The sums so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    began: Instant,
    since: Instant,
    phase: Phase,
    sums: Spent,
}

/// Time spent, by phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) own: Duration,
    pub(crate) sync: Duration,
    pub(crate) upstream: Duration,
    pub(crate) client: Duration,
    pub(crate) guards: Duration,
}

impl Stopwatch {
    /// Starts with the gateway at work.
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { began: now, since: now, phase: Phase::Own, sums: Spent::default() }
    }

    /// From now on time counts for `phase`; gives the phase before.
    pub(crate) fn enter(&mut self, phase: Phase) -> Phase {
        let now = Instant::now();
        let passed = now.duration_since(self.since);
        match self.phase {
            Phase::Own => self.sums.own += passed,
            Phase::Sync => self.sums.sync += passed,
            Phase::Upstream => self.sums.upstream += passed,
            Phase::Client => self.sums.client += passed,
            Phase::Guards => self.sums.guards += passed,
        }
        self.since = now;
        std::mem::replace(&mut self.phase, phase)
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The sums up to now.
    pub(crate) fn spent(&mut self) -> Spent {
        let phase = self.phase;
        self.enter(phase);
        self.sums
    }
}

/// Microseconds, as records count time.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
