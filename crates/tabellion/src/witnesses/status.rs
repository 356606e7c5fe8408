//! What is known of the witnesses, for whoever looks after the log: numbers, and a sentence when something should be looked at.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tabellion_tlog::{Policy, SignedCheckpoint};

use super::policy::WitnessPolicy;

/// Entries may wait this long for a quorum before there is a word to say about it, in seconds.
const LATE_SECONDS: u64 = 3600;

/// One witness.
struct One {
    name: String,
    size: u64,
    failures: u64,
    failure: Option<String>,
}

#[derive(Default)]
struct Known {
    witnesses: Vec<One>,
    /// Size and time (seconds since 1970, by the witnesses' clocks) of the newest quorum.
    quorum: Option<(u64, u64)>,
}

/// What is known of all of them.
pub(crate) struct Status {
    known: Mutex<Known>,
    /// Seconds since 1970.
    started: u64,
}

impl Status {
    pub(super) fn new(policy: &WitnessPolicy) -> Self {
        let one = |name: &String| One { name: name.clone(), size: 0, failures: 0, failure: None };
        let witnesses = policy.peers.iter().map(|peer| one(&peer.name)).collect();
        Self { known: Mutex::new(Known { witnesses, quorum: None }), started: now() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an answer: the size that the witness has, and why it failed.
    pub(super) fn heard(&self, witness: usize, size: u64, failure: Option<&str>) {
        let mut known = self.known();
        let Some(one) = known.witnesses.get_mut(witness) else { return };
        one.size = size;
        one.failures += u64::from(failure.is_some());
        one.failure = failure.map(str::to_owned);
    }

    /// Notes a checkpoint whose cosignatures meet the quorum.
    pub(super) fn cosigned(&self, policy: &Policy, signed: &SignedCheckpoint) {
        let Ok(report) = policy.report(signed) else { return };
        let at = report.met_at(policy).or_else(|| report.seen.iter().map(|(_, time)| *time).max());
        if let (true, Some(at)) = (report.met, at) {
            self.known().quorum = Some((signed.checkpoint.size, at));
        }
    }

    /// Seconds since the newest quorum; since the start, when there was none.
    fn age(&self) -> u64 {
        now().saturating_sub(self.known().quorum.map_or(self.started, |(_, at)| at))
    }

    /// Entries of a log of `size` that no quorum covers.
    fn uncovered(&self, size: u64) -> u64 {
        size.saturating_sub(self.known().quorum.map_or(0, |(size, _)| size))
    }

    /// The numbers, in the Prometheus text format. Writing to memory does not fail.
    pub(crate) fn numbers(&self, text: &mut String, size: u64) {
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        };
        let help = "Time since enough witnesses cosigned a checkpoint, or since the start when none did";
        gauge("tabellion_witness_quorum_age_seconds", help, self.age());
        gauge(
            "tabellion_witness_uncovered_entries",
            "Entries that no such checkpoint covers",
            self.uncovered(size),
        );
        let known = self.known();
        let _ = writeln!(
            text,
            "# HELP tabellion_witness_size Entries in the newest checkpoint that a witness cosigned\n# TYPE tabellion_witness_size gauge"
        );
        for (number, one) in known.witnesses.iter().enumerate() {
            let _ =
                writeln!(text, "tabellion_witness_size{{witness=\"{}\"}} {}", label(number, one), one.size);
        }
        let _ = writeln!(
            text,
            "# HELP tabellion_witness_failures_total Questions that a witness did not answer with a cosignature\n# TYPE tabellion_witness_failures_total counter"
        );
        for (number, one) in known.witnesses.iter().enumerate() {
            let _ = writeln!(
                text,
                "tabellion_witness_failures_total{{witness=\"{}\"}} {}",
                label(number, one),
                one.failures
            );
        }
    }

    /// What an operator should look at.
    pub(crate) fn trouble(&self, size: u64) -> Option<String> {
        let (age, uncovered) = (self.age(), self.uncovered(size));
        if uncovered == 0 || age < LATE_SECONDS {
            return None;
        }
        let known = self.known();
        let why: Vec<String> = known
            .witnesses
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.name, one.failure.as_ref()?)))
            .collect();
        Some(format!("{uncovered} entries wait for witnesses since {} min ({})", age / 60, why.join("; ")))
    }
}

/// A name that a label may hold; names in a policy may hold quotation marks.
fn label(number: usize, one: &One) -> String {
    if one.name.contains(['"', '\\', '\n']) { number.to_string() } else { one.name.clone() }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
