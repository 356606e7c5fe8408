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
