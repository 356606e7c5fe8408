//! The circuit to each provider: closed while it answers, open for a while after it failed too often, then tried by one call.
//!
//! Promises: while it is open nothing is sent; one call at a time tries; what opens and closes it is on record, at most two records for each time that it
//! stands open. It is this process's own: a start begins with every circuit closed. Must never: wait, or judge a provider by a call whose own side ended it.

mod now;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tabellion_ledger::Ack;
use tabellion_model::Micros;
use tabellion_model::body::{CircuitClosed, CircuitOpened};

use crate::code::Code;
use crate::config::{CircuitConfig, UpstreamConfig};
use crate::evidence::{self, Evidence};
use crate::metrics::Metrics;

pub use now::{CircuitNow, OpenCircuit};

/// Microseconds of a millisecond.
const MS_US: u64 = 1_000;

/// How a provider took one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answered, if only that it will not do this.
    Answered,
    /// It did not, or with an error of its own.
    Failed(Code),
    /// Nobody knows: the client or the gateway ended the wait.
    Unknown,
}

/// Leave to send one request; how that went must be told to [`Circuits::report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    /// It tries whether the provider answers again.
    is_trial: bool,
}

/// What a report changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Opened { failures: u64, code: Code },
    Closed { open_us: u64, trials: u64, refused: u64, opened: Option<Ack> },
}

/// One that stands open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    since: Micros,
    /// When a call may try.
    until: Micros,
    /// One tries now.
    is_tried: bool,
    trials: u64,
    /// Requests that were not sent.
    refused: u64,
    /// The record of its opening, once there is one.
    opened: Option<Ack>,
}

/// One provider's, as a machine without I/O or clock.
#[derive(Debug, Default)]
struct Circuit {
    /// When the failures of the run were, no more of them than open it.
    failures: VecDeque<Micros>,
    open: Option<Open>,
}

impl Circuit {
    fn admit(&mut self, now: Micros) -> Option<Pass> {
        let Some(open) = &mut self.open else { return Some(Pass { is_trial: false }) };
        if now < open.until || open.is_tried {
            open.refused += 1;
            return None;
        }
        open.is_tried = true;
        open.trials += 1;
        Some(Pass { is_trial: true })
    }

    fn report(&mut self, config: &CircuitConfig, pass: Pass, health: Health, now: Micros) -> Option<Change> {
        match &mut self.open {
            // What was sent before it opened says nothing of now.
            Some(_) if !pass.is_trial => None,
            Some(open) => {
                open.is_tried = false;
                match health {
                    Health::Answered => {
                        let Open { since, trials, refused, opened, .. } = self.open.take()?;
                        self.failures.clear();
                        Some(Change::Closed { open_us: now.since(since), trials, refused, opened })
                    }
                    Health::Failed(_) => {
                        open.until = later(now, config.open_ms);
                        None
                    }
                    Health::Unknown => None,
                }
            }
            None => self.count(config, health, now),
        }
    }

    /// Counts a failure of a closed circuit, or ends their run.
    fn count(&mut self, config: &CircuitConfig, health: Health, now: Micros) -> Option<Change> {
        let code = match health {
            Health::Unknown => return None,
            Health::Answered => {
                self.failures.clear();
                return None;
            }
            Health::Failed(code) => code,
        };
        let enough = usize::try_from(config.failures).unwrap_or(usize::MAX);
        if enough == 0 {
            return None;
        }
        self.failures.push_back(now);
        if self.failures.len() > enough {
            self.failures.pop_front();
        }
        let first = self.failures.front().copied().filter(|_| self.failures.len() == enough)?;
        if now.since(first) > config.window_ms.saturating_mul(MS_US) {
            return None;
        }
        self.failures.clear();
        self.open = Some(Open {
            since: now,
            until: later(now, config.open_ms),
            is_tried: false,
            trials: 0,
            refused: 0,
            opened: None,
        });
        Some(Change::Opened { failures: enough as u64, code })
    }
}

fn later(now: Micros, ms: u64) -> Micros {
    Micros(now.0.saturating_add(ms.saturating_mul(MS_US)))
}

/// Those of all providers, by their numbers; shared by all threads.
pub(crate) struct Circuits {
    config: CircuitConfig,
    // INVARIANT: held for one step of the machine; never over I/O or an await.
    each: Vec<(String, Mutex<Circuit>)>,
    metrics: Arc<Metrics>,
}

impl Circuits {
    /// All closed.
    pub(crate) fn new(config: CircuitConfig, upstreams: &[UpstreamConfig], metrics: Arc<Metrics>) -> Self {
        let each = upstreams.iter().map(|upstream| {
            metrics.circuit(&upstream.name, false);
            (upstream.name.clone(), Mutex::default())
        });
        Self { config, each: each.collect(), metrics }
    }

    /// The same providers with circuits of their own that never open: how calls go by these moves none of the others.
    pub(crate) fn beside(&self) -> Self {
        let each = self.each.iter().map(|(name, _)| (name.clone(), Mutex::default())).collect();
        Self { config: CircuitConfig { failures: 0, ..self.config }, each, metrics: Arc::default() }
    }

    fn of(&self, upstream: usize) -> Option<(&str, MutexGuard<'_, Circuit>)> {
        let (name, circuit) = self.each.get(upstream)?;
        Some((name, circuit.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Whether something may be sent to the provider now.
    pub(crate) fn admit(&self, upstream: usize, now: Micros) -> Option<Pass> {
        self.of(upstream)?.1.admit(now)
    }

    /// How it went; records what changed by it. A change that cannot be recorded has happened all the same: it holds calls back or lets them
    /// go, and permits none.
    pub(crate) async fn report(
        &self,
        evidence: &Evidence,
        upstream: usize,
        pass: Pass,
        health: Health,
        now: Micros,
    ) {
        let Some((name, change)) = self.of(upstream).and_then(|(name, mut circuit)| {
            circuit.report(&self.config, pass, health, now).map(|change| (name, change))
        }) else {
            return;
        };
        self.metrics.circuit(name, matches!(change, Change::Opened { .. }));
        let CircuitConfig { window_ms, open_ms, .. } = self.config;
        let draft = match &change {
            Change::Opened { failures, code } => {
                let (upstream, failures, code) = (name.to_owned(), *failures, code.as_str().to_owned());
                evidence::circuit(&CircuitOpened { upstream, failures, window_ms, code, open_ms }, None)
            }
            Change::Closed { open_us, trials, refused, opened } => {
                let (upstream, open_us) = (name.to_owned(), *open_us);
                let body = CircuitClosed { upstream, open_us, trials: *trials, refused: *refused };
                evidence::circuit(&body, opened.as_ref())
            }
        };
        let Ok(draft) = draft else { return };
        let Ok(ack) = evidence.append(&draft).await else { return };
        if matches!(change, Change::Opened { .. })
            && let Some((_, mut circuit)) = self.of(upstream)
            && let Some(open) = circuit.open.as_mut().filter(|open| open.since == now)
        {
            open.opened = Some(ack);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: CircuitConfig = CircuitConfig { failures: 3, window_ms: 1_000, open_ms: 500 };
    const DOWN: Health = Health::Failed(Code::UpstreamUnreachable);

    fn at(ms: u64) -> Micros {
        Micros(1_000_000_000 + ms * MS_US)
    }

    /// One call that is let through and goes so; whether it was, and what changed.
    fn call(circuit: &mut Circuit, health: Health, ms: u64) -> (bool, Option<Change>) {
        match circuit.admit(at(ms)) {
            Some(pass) => (true, circuit.report(&CONFIG, pass, health, at(ms))),
            None => (false, None),
        }
    }

    /// Requirement: N25.
    #[test]
    fn failures_in_a_row_open_it_one_call_tries_and_an_answer_closes_it() {
        let mut circuit = Circuit::default();
        for ms in [0, 10] {
            assert_eq!(call(&mut circuit, DOWN, ms), (true, None), "two are not enough");
        }
        let opened = Change::Opened { failures: 3, code: Code::UpstreamUnreachable };
        assert_eq!(call(&mut circuit, DOWN, 20), (true, Some(opened)), "the third opens it");
        assert_eq!(call(&mut circuit, DOWN, 519), (false, None), "nothing is sent while it is open");
        let trial = circuit.admit(at(520)).expect("one may try");
        assert_eq!(circuit.admit(at(521)), None, "one alone");
        assert_eq!(circuit.report(&CONFIG, trial, DOWN, at(530)), None, "it stays open, and that is no news");
        assert_eq!(call(&mut circuit, DOWN, 1_029), (false, None), "for the whole time again");
        let closed = Change::Closed { open_us: 1_010 * MS_US, trials: 2, refused: 3, opened: None };
        assert_eq!(call(&mut circuit, Health::Answered, 1_030), (true, Some(closed)), "an answer closes it");
        assert_eq!(call(&mut circuit, DOWN, 1_031), (true, None), "and the count begins anew");
    }

    /// Requirement: N25.
    #[test]
    fn what_is_no_run_of_failures_opens_nothing() {
        let mut circuit = Circuit::default();
        for (health, ms) in [(DOWN, 0), (DOWN, 1), (Health::Answered, 2), (DOWN, 3), (DOWN, 4)] {
            assert_eq!(call(&mut circuit, health, ms), (true, None), "an answer in between ends the run");
        }
        assert_eq!(call(&mut circuit, Health::Unknown, 5), (true, None), "a client that left says nothing");
        assert_eq!(call(&mut circuit, DOWN, 1_004), (true, None), "the first of the three is too long ago");
        assert!(call(&mut circuit, DOWN, 1_004).1.is_some(), "three within the window");
        let mut off = Circuit::default();
        let never = CircuitConfig { failures: 0, ..CONFIG };
        for ms in 0..100 {
            let pass = off.admit(at(ms)).expect("it never opens");
            assert_eq!(off.report(&never, pass, DOWN, at(ms)), None, "it was switched off");
        }
    }

    /// Requirement: N25. A trial whose client left must not keep the circuit open for ever, and what was sent before must not close it.
    #[test]
    fn a_trial_that_says_nothing_lets_the_next_one_try() {
        let mut circuit = Circuit::default();
        let early = circuit.admit(at(0)).expect("closed");
        for ms in [0, 1, 2] {
            call(&mut circuit, DOWN, ms);
        }
        assert_eq!(circuit.report(&CONFIG, early, Health::Answered, at(3)), None, "it was sent before");
        let trial = circuit.admit(at(600)).expect("one may try");
        assert_eq!(circuit.report(&CONFIG, trial, Health::Unknown, at(601)), None, "nobody knows");
        let (let_through, change) = call(&mut circuit, Health::Answered, 602);
        assert!(let_through && matches!(change, Some(Change::Closed { trials: 2, .. })), "{change:?}");
    }
}
