//! Numbers for operators, in the text form that Prometheus reads.
//!
//! Promises: counting never waits and never fails; names and labels are fixed words, never content. Must never: be the evidence. Records are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tabellion_model::body::{GuardOutcome, Guarded, Outcome};

use crate::code::Code;
use crate::stopwatch::{Spent, micros};

/// Upper bounds of the histograms in microseconds: 10 µs to 60 s. Below a millisecond, where the gateway's own time is, the steps are fine.
const BOUNDS_US: [u64; 25] = [
    10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 5_000, 10_000, 20_000, 50_000,
    100_000, 200_000, 500_000, 1_000_000, 5_000_000, 20_000_000, 60_000_000,
];

/// How ended calls are labelled.
const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Answered, "answered"),
    (Outcome::Refused, "refused"),
    (Outcome::Failed, "failed"),
    (Outcome::Abandoned, "abandoned"),
    (Outcome::Cut, "cut"),
];

/// Codes that a denial can have.
const DENIALS: [Code; 25] = [
    Code::SystemNotLive,
    Code::SystemGone,
    Code::PurposeNotPermitted,
    Code::ModelNotPermitted,
    Code::PolicyDenied,
    Code::PolicyError,
    Code::Stopped,
    Code::DataNotPermitted,
    Code::GuardBlocked,
    Code::GuardErrored,
    Code::BudgetExceeded,
    Code::PriceUnknown,
    Code::RateLimited,
    Code::UnknownModel,
    Code::UnknownRoute,
    Code::OpaqueNotEnabled,
    Code::ObjectNotOwn,
    Code::RealtimeNotGoverned,
    Code::UnexpectedQuery,
    Code::MalformedBody,
    Code::NotTranslatable,
    Code::BodyTooLarge,
    Code::EvidenceUnavailable,
    Code::Stopping,
    Code::InvalidApiKey,
];

/// A histogram of times.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    fn observe(&self, time: Duration) {
        let us = micros(time);
        let at = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut below = 0;
        for (bound, bucket) in BOUNDS_US.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {below}", seconds(*bound));
        }
        let count = self.count.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum {}", seconds(self.sum_us.load(Ordering::Relaxed)));
        let _ = writeln!(out, "{name}_count {count}");
    }
}

/// Microseconds as seconds, without a float: `1500` is `0.001500`.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// What comes of a look at a call that is over: it stops none.
const AFTER: [(GuardOutcome, &str); 4] = [
    (GuardOutcome::Passed, "passed"),
    (GuardOutcome::Flagged, "flagged"),
    (GuardOutcome::Errored, "errored"),
    (GuardOutcome::NotRun, "not_run"),
];

/// Everything the gateway counts.
#[derive(Debug, Default)]
pub struct Metrics {
    ended: [AtomicU64; OUTCOMES.len()],
    denied: [AtomicU64; DENIALS.len()],
    noise: AtomicU64,
    open: AtomicI64,
    owed: AtomicI64,
    connections: AtomicI64,
    views_stand_us: AtomicU64,
    held_bytes: AtomicU64,
    released_bytes: AtomicU64,
    own: Histogram,
    sync: Histogram,
    upstream: Histogram,
    guards: Histogram,
    attempts: AtomicU64,
    not_enriched: AtomicU64,
    after_waiting: AtomicI64,
    not_assessed: AtomicU64,
    assessed: [AtomicU64; AFTER.len()],
    /// Whether the circuit to each provider is open, by name. Held for one look or one change.
    circuits: Mutex<BTreeMap<String, bool>>,
}

impl Metrics {
    /// A call was authorised.
    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// A call ended, and where its time went.
    pub(crate) fn ended(&self, outcome: Outcome, spent: Spent) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        let mut counters = OUTCOMES.iter().zip(&self.ended);
        if let Some((_, counter)) = counters.find(|((known, _), _)| *known == outcome) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.own.observe(spent.own);
        self.sync.observe(spent.sync);
        self.upstream.observe(spent.upstream);
        // Most calls wait for none.
        if !spent.guards.is_zero() {
            self.guards.observe(spent.guards);
        }
    }

    /// A call was denied.
    pub(crate) fn denied(&self, code: Code) {
        if let Some((_, counter)) = DENIALS.iter().zip(&self.denied).find(|(known, _)| **known == code) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A request that nobody stands behind.
    pub(crate) fn noise(&self) {
        self.noise.fetch_add(1, Ordering::Relaxed);
    }

    /// An end record could not be made durable and is tried again (`1`), or was at last (`-1`).
    pub(crate) fn owed(&self, change: i64) {
        self.owed.fetch_add(change, Ordering::Relaxed);
    }

    /// A connection came (`1`) or went (`-1`).
    pub(crate) fn connections(&self, change: i64) {
        self.connections.fetch_add(change, Ordering::Relaxed);
    }

    /// How long views have stood behind the log, as the watch over them last saw it.
    pub(crate) fn views_stand(&self, time: Duration) {
        self.views_stand_us.store(micros(time), Ordering::Relaxed);
    }

    /// Bytes of streams that had to wait: for the rest of a placeholder, or for their end record.
    pub(crate) fn held(&self, bytes: usize) {
        self.held_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes of answers given to clients.
    pub(crate) fn released(&self, bytes: u64) {
        self.released_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A call is tried once more, at another provider or the same.
    pub(crate) fn tried_again(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// A call that detectors are for has no record of what they say.
    pub(crate) fn not_enriched(&self) {
        self.not_enriched.fetch_add(1, Ordering::Relaxed);
    }

    /// A call waits for guards that look when it is over (`1`), or no longer (`-1`).
    pub(crate) fn after_waits(&self, change: i64) {
        self.after_waiting.fetch_add(change, Ordering::Relaxed);
    }

    /// A call that such guards are for has no record of what they say.
    pub(crate) fn not_assessed(&self) {
        self.not_assessed.fetch_add(1, Ordering::Relaxed);
    }

    /// What such guards said of a call is on record.
    pub(crate) fn assessed<'a>(&self, said: impl Iterator<Item = &'a Guarded>) {
        for said in said {
            let mut counters = AFTER.iter().zip(&self.assessed);
            if let Some((_, counter)) = counters.find(|((known, _), _)| *known == said.outcome) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write_after(&self, out: &mut String) {
        let name = "tabellion_gateway_after_looks_total";
        let _ = writeln!(
            out,
            "# HELP {name} Looks of guards at calls that were over, by outcome.\n# TYPE {name} counter"
        );
        for ((_, outcome), counter) in AFTER.iter().zip(&self.assessed) {
            let _ = writeln!(out, "{name}{{outcome=\"{outcome}\"}} {}", counter.load(Ordering::Relaxed));
        }
    }

    /// The circuit to `upstream` is open, or is not.
    pub(crate) fn circuit(&self, upstream: &str, is_open: bool) {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.insert(upstream.to_owned(), is_open);
    }

    fn write_circuits(&self, out: &mut String) {
        let name = "tabellion_gateway_circuit_open";
        let _ = writeln!(
            out,
            "# HELP {name} Whether nothing is sent to a provider because it failed too often.\n# TYPE {name} gauge"
        );
        // Names of providers are of a-z, 0-9 and -.
        for (upstream, is_open) in self.circuits.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(out, "{name}{{upstream=\"{upstream}\"}} {}", u8::from(*is_open));
        }
    }

    /// Calls that are authorised and not yet ended.
    pub fn open_calls(&self) -> i64 {
        self.open.load(Ordering::Relaxed)
    }

    fn write_plain(&self, out: &mut String) {
        let plain: [(&str, &str, &str, i128); 10] = [
            (
                "noise_total",
                "counter",
                "Requests that nobody stands behind.",
                self.noise.load(Ordering::Relaxed).into(),
            ),
            (
                "released_bytes_total",
                "counter",
                "Bytes of answers given to clients.",
                self.released_bytes.load(Ordering::Relaxed).into(),
            ),
            (
                "held_bytes_total",
                "counter",
                "Bytes of streams that waited for a placeholder's rest or the end record.",
                self.held_bytes.load(Ordering::Relaxed).into(),
            ),
            (
                "open_calls",
                "gauge",
                "Calls that are authorised and not yet ended.",
                self.open.load(Ordering::Relaxed).into(),
            ),
            (
                "owed_end_records",
                "gauge",
                "End records that could not be made durable yet.",
                self.owed.load(Ordering::Relaxed).into(),
            ),
            (
                "further_attempts_total",
                "counter",
                "Attempts of calls beyond the first.",
                self.attempts.load(Ordering::Relaxed).into(),
            ),
            (
                "not_enriched_total",
                "counter",
                "Calls that enrichments are for and that have no record of them.",
                self.not_enriched.load(Ordering::Relaxed).into(),
            ),
            (
                "after_waiting",
                "gauge",
                "Calls that are over and wait for guards that look then.",
                self.after_waiting.load(Ordering::Relaxed).into(),
            ),
            (
                "not_assessed_total",
                "counter",
                "Calls that guards look at when they are over and that have no record of it.",
                self.not_assessed.load(Ordering::Relaxed).into(),
            ),
            ("connections", "gauge", "Open connections.", self.connections.load(Ordering::Relaxed).into()),
        ];
        for (name, kind, help, value) in plain {
            let _ = writeln!(
                out,
                "# HELP tabellion_gateway_{name} {help}\n# TYPE tabellion_gateway_{name} {kind}\ntabellion_gateway_{name} {value}"
            );
        }
    }

    /// The page that Prometheus reads.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(8 << 10);
        let _ = writeln!(
            out,
            "# HELP tabellion_gateway_calls_total Calls that ended, by outcome.\n# TYPE tabellion_gateway_calls_total counter"
        );
        for ((_, name), counter) in OUTCOMES.iter().zip(&self.ended) {
            let value = counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "tabellion_gateway_calls_total{{outcome=\"{name}\"}} {value}");
        }
        let _ = writeln!(
            out,
            "# HELP tabellion_gateway_denied_total Calls that were denied, by code.\n# TYPE tabellion_gateway_denied_total counter"
        );
        for (code, counter) in DENIALS.iter().zip(&self.denied) {
            let value = counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "tabellion_gateway_denied_total{{code=\"{}\"}} {value}", code.as_str());
        }
        self.write_plain(&mut out);
        self.write_after(&mut out);
        self.write_circuits(&mut out);
        let _ = writeln!(
            out,
            "# HELP tabellion_gateway_views_stand_seconds How long views have stood behind the log; 0 while they move.\n\
             # TYPE tabellion_gateway_views_stand_seconds gauge\ntabellion_gateway_views_stand_seconds {}",
            seconds(self.views_stand_us.load(Ordering::Relaxed))
        );
        self.own.write(
            &mut out,
            "tabellion_gateway_own_seconds",
            "Time of a call spent in the gateway itself, without waiting for disk, provider or client.",
        );
        self.sync.write(
            &mut out,
            "tabellion_gateway_sync_seconds",
            "Time of a call spent waiting for its records to be durable.",
        );
        self.upstream.write(
            &mut out,
            "tabellion_gateway_upstream_seconds",
            "Time of a call spent waiting for the provider.",
        );
        self.guards.write(
            &mut out,
            "tabellion_gateway_guards_seconds",
            "Time of a call spent waiting for guards that others run.",
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_is_at_most_its_bound() {
        let metrics = Metrics::default();
        metrics.opened();
        let spent = Spent { own: Duration::from_micros(200), ..Spent::default() };
        metrics.ended(Outcome::Answered, spent);
        let page = metrics.render();
        for line in [
            "tabellion_gateway_calls_total{outcome=\"answered\"} 1",
            "tabellion_gateway_own_seconds_bucket{le=\"0.000150\"} 0",
            "tabellion_gateway_own_seconds_bucket{le=\"0.000200\"} 1",
            "tabellion_gateway_own_seconds_bucket{le=\"+Inf\"} 1",
            "tabellion_gateway_own_seconds_sum 0.000200",
            "tabellion_gateway_open_calls 0",
        ] {
            assert!(page.lines().any(|known| known == line), "an operator would read a wrong number: {line}");
        }
    }
}
