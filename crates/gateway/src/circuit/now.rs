//! How circuits stand at this moment, for whoever looks.
//!
//! Must never: change one, or be decided by.

use std::sync::PoisonError;

use tabellion_model::Micros;

use super::Circuits;

/// How the circuit to one provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitNow {
    /// The provider.
    pub upstream: String,
    /// Failures in a row that are counted now; none are while it is open.
    pub failures: u64,
    /// Where it is open: how.
    pub open: Option<OpenCircuit>,
}

/// A circuit that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCircuit {
    /// Since when.
    pub since: Micros,
    /// From when on a call may try.
    pub until: Micros,
    /// Calls that tried.
    pub trials: u64,
    /// Requests that were not sent.
    pub refused: u64,
}

impl Circuits {
    /// All of them, in the order of the configuration.
    pub(crate) fn now(&self) -> Vec<CircuitNow> {
        let each = self.each.iter().map(|(upstream, circuit)| {
            let circuit = circuit.lock().unwrap_or_else(PoisonError::into_inner);
            CircuitNow {
                upstream: upstream.clone(),
                failures: circuit.failures.len() as u64,
                open: circuit.open.as_ref().map(|open| OpenCircuit {
                    since: open.since,
                    until: open.until,
                    trials: open.trials,
                    refused: open.refused,
                }),
            }
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::circuit::Health;
    use crate::code::Code;
    use crate::config::{CircuitConfig, UpstreamConfig};

    /// Requirement: N25.
    #[test]
    fn whoever_looks_sees_failures_an_opening_and_what_was_not_sent() {
        let config = CircuitConfig { failures: 2, window_ms: 1_000, open_ms: 500 };
        let upstreams = ["main", "spare"].map(|name| UpstreamConfig::new(name, "http://127.0.0.1:1/v1"));
        let circuits = Circuits::new(config, &upstreams, Arc::default());
        let fail = |ms: u64| {
            let now = Micros(1_000_000_000 + ms * 1_000);
            let (_, mut circuit) = circuits.of(0).expect("the first provider");
            if let Some(pass) = circuit.admit(now) {
                let health = Health::Failed(Code::UpstreamUnreachable);
                circuit.report(&config, pass, health, now);
            }
        };
        let main = || circuits.now().into_iter().next().expect("the first provider");
        fail(0);
        assert_eq!((main().failures, main().open), (1, None), "one failure is not seen");
        fail(1);
        fail(2);
        let open = main().open.expect("two failures open it");
        assert_eq!((open.since, open.refused), (Micros(1_000_001_000), 1), "what was not sent is not seen");
        assert_eq!(open.until, Micros(1_000_501_000));
        let spare = circuits.now().pop().expect("the second provider");
        assert_eq!((spare.upstream.as_str(), spare.open), ("spare", None));
    }
}
