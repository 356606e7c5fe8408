//! The control plane's own numbers, in the Prometheus text format.
//!
//! Must never: name a person, a system or a path with ids in it; labels are the names of routes and statuses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::work::Desk;

/// Requests by route and status: how many, and how long they took together.
#[derive(Default)]
pub(super) struct Requests(Mutex<Counts>);

/// By route and status.
type Counts = BTreeMap<(&'static str, u16), (u64, Duration)>;

impl Requests {
    /// Counts one answered request.
    pub(super) fn count(&self, route: &'static str, status: u16, took: Duration) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, total) = requests.entry((route, status)).or_default();
        *count += 1;
        *total += took;
    }
}

/// Writes the numbers. Writing to memory does not fail.
pub(super) fn write(text: &mut String, requests: &Requests, desk: &Desk) {
    let requests = requests.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    head(text, "tabellion_api_requests_total", "Requests answered by the control plane", "counter");
    for ((route, status), (count, _)) in &requests {
        let _ =
            writeln!(text, "tabellion_api_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
    }
    head(text, "tabellion_api_request_seconds_total", "Time spent on them", "counter");
    for ((route, status), (_, total)) in &requests {
        let seconds = total.as_secs_f64();
        let _ = writeln!(
            text,
            "tabellion_api_request_seconds_total{{route=\"{route}\",status=\"{status}\"}} {seconds:.6}"
        );
    }
    for (name, value) in desk.ledger().reader().counts() {
        head(text, &format!("tabellion_log_{name}"), "Of the log, as tabellion fsck counts", "gauge");
        let _ = writeln!(text, "tabellion_log_{name} {value}");
    }
    let (size, failed) = desk.ledger().reader().saved();
    head(text, "tabellion_saved_state_size", "Entries that the next start need not read again", "gauge");
    let _ = writeln!(text, "tabellion_saved_state_size {size}");
    let help = "Saves of the state that failed since one did not; a start reads more";
    head(text, "tabellion_saved_state_failures", help, "gauge");
    let _ = writeln!(text, "tabellion_saved_state_failures {failed}");
    head(
        text,
        "tabellion_clock_ahead_seconds",
        "How far the log's time is ahead of this machine's clock",
        "gauge",
    );
    let _ = writeln!(text, "tabellion_clock_ahead_seconds {}", desk.ledger().reader().clock_ahead_seconds());
    let conflict = u8::from(desk.ledger().reader().conflict().is_some());
    head(
        text,
        "tabellion_witness_conflict",
        "Whether a witness knows another tree and the log is stopped",
        "gauge",
    );
    let _ = writeln!(text, "tabellion_witness_conflict {conflict}");
    head(text, "tabellion_stops_in_force", "Emergency stops in force, as the gateway has them", "gauge");
    let _ = writeln!(text, "tabellion_stops_in_force {}", desk.views().gate_now().stops.len());
    sources(text, desk);
    budgets(text, desk);
    rules(text, desk);
    head(text, "tabellion_views_position", "Entries that the views have seen", "gauge");
    let _ = writeln!(text, "tabellion_views_position {}", desk.views().position());
}

/// Outside sources. Where the views cannot be asked the numbers are left out, and `/readyz` says why.
fn sources(text: &mut String, desk: &Desk) {
    let Ok(counts) = desk.views().source_counts(desk.now()) else { return };
    let rows = [
        ("tabellion_sources", "Outside sources ever heard of", counts.sources),
        (
            "tabellion_sources_silent",
            "Sources that were not heard of for twice their interval",
            counts.silent,
        ),
        (
            "tabellion_source_gaps",
            "Gaps in the numbers of sources that the log names and that are open",
            counts.gaps,
        ),
    ];
    for (name, help, value) in rows {
        head(text, name, help, "gauge");
        let _ = writeln!(text, "{name} {value}");
    }
}

/// Budgets, in the same way.
fn budgets(text: &mut String, desk: &Desk) {
    let Ok(standing) = desk.standing_alerts() else { return };
    let help = "Shares of budgets' caps that were passed in the windows of now";
    head(text, "tabellion_budget_alerts", help, "gauge");
    let _ = writeln!(text, "tabellion_budget_alerts {standing}");
}

/// Rules over numbers. Where the views cannot be asked the counts are left out, and looking at rules counts as failing.
fn rules(text: &mut String, desk: &Desk) {
    let counts = desk.rule_counts();
    let failing = counts.as_ref().map_or(1, |counts| u64::from(counts.failing));
    let help = "Whether rules in force are not looked at, so that none of them fires";
    head(text, "tabellion_rules_failing", help, "gauge");
    let _ = writeln!(text, "tabellion_rules_failing {failing}");
    let Ok(counts) = counts else { return };
    let rows = [
        ("tabellion_rules", "Rules over numbers in force", counts.in_force),
        ("tabellion_rules_fired", "Rules that fired and have not resolved", counts.fired),
        ("tabellion_rules_unknown", "Rules whose number is not known", counts.unknown),
    ];
    for (name, help, value) in rows {
        head(text, name, help, "gauge");
        let _ = writeln!(text, "{name} {value}");
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
