//! The views and the gateway on top of a held log.
//!
//! Promises: calls that the process before left open are closed before the first new one is let through; the gateway ends before the views,
//! and both before the log. Must never: let a call through on views that have not read the whole log.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_app::work::Desk;
use tabellion_app::work::probes::GatewayProbes;
use tabellion_gateway::{
    ASSESSED_WITHIN_US, Foundations, Gateway, GatewayConfig, OnFatal, assess_lost, close_open_calls,
};
use tabellion_ledger::{Clock as _, Ledger, SystemClock};
use tabellion_views::query::Page;
use tabellion_views::{Views, ViewsError};

use crate::failure::Failure;
use crate::held::Held;
use crate::terminal;

/// How long the views may take to read the log at a start: a minute for each million records, with much room.
const CATCH_UP: Duration = Duration::from_mins(30);
/// How long calls may go on after the gateway was told to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Names the secret that placeholders derive from.
const PLACEHOLDER_PURPOSE: &str = "gateway placeholders";

/// Starts the views of `ledger` in `dir` and waits until they have read all of it.
pub(crate) fn start_views(ledger: &Ledger, dir: &Path) -> Result<Views, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "the views cannot be read: {error}. The log is not affected: run tabellion rebuild"
        ))
    };
    let views = Views::start(ledger.reader().clone(), dir, Arc::new(terminal::say))
        .map_err(|error| failed(&error))?;
    views.wait_for(ledger.reader().size(), Instant::now() + CATCH_UP).map_err(|error| failed(&error))?;
    Ok(views)
}

/// Refuses to start a gateway that could only deny, because nothing is in force of the policies that there were; `wanted`: somebody said that it is to start all
/// the same. A log that never had any starts: they are published over the running program.
fn check_policies(views: &Views, wanted: bool) -> Result<(), Failure> {
    let gate = views.gate_now();
    if !gate.policies.is_empty() || !gate.packs.is_empty() {
        return Ok(());
    }
    let were = had_policies(views)
        .map_err(|error| Failure::failed(format!("whether there were policies cannot be read: {error}")))?;
    if were && !wanted {
        return Err(Failure::failed(
            "no policy is in force any more: what there was is withdrawn, removed or erased, and every call would be denied. Nothing was started. Start with tabellion serve --without-policy, which denies every call, and publish a policy in the console or over the API",
        ));
    }
    terminal::say(
        "no policy is in force, so every call is denied: publish one in the console, or over the API",
    );
    Ok(())
}

/// Whether the log ever had a policy or a pack of them, also one that is gone.
fn had_policies(views: &Views) -> Result<bool, ViewsError> {
    let newest = Page { limit: 1, ..Page::default() };
    Ok(!views.policies(newest)?.rows.is_empty() || !views.packs(newest)?.rows.is_empty())
}

/// Records with `record` under what it serves once nothing of it can refuse the start any more, closes what was left open and starts the gateway, without a policy only
/// where none ever was or `without_policy` says so; whoever asks at the desk of `held` finds how its guards are tried.
pub(crate) fn start_gateway(
    config: &GatewayConfig,
    held: &Held,
    views: &Views,
    on_fatal: OnFatal,
    without_policy: bool,
    record: impl FnOnce() -> Result<(), Failure>,
) -> Result<Gateway, Failure> {
    check_policies(views, without_policy)?;
    let ledger = &held.ledger;
    let newest_round = views
        .newest_probe_round()
        .map_err(|error| Failure::failed(format!("the newest round of probes cannot be read: {error}")))?;
    let foundations = Foundations {
        ledger: Arc::clone(ledger),
        gate: views.gate(),
        clock: Arc::new(SystemClock),
        placeholder_key: ledger.derived_key(PLACEHOLDER_PURPOSE),
        on_fatal,
        log: Arc::new(terminal::say),
        probed: newest_round.into(),
    };
    let gateway = Gateway::start_after(config, foundations, || -> Result<(), Failure> {
        record()?;
        close_what_is_open(ledger, views)
    })?;
    tell_of_probes(&gateway, held.desk()?.as_ref());
    tell_of_measurement(&gateway, views)?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    terminal::say(&format!("gateway at {scheme}://{}/v1", gateway.address()));
    Ok(gateway)
}

/// Closes the calls and probes that the process before left open, and says how many calls there were.
fn close_what_is_open(ledger: &Ledger, views: &Views) -> Result<(), Failure> {
    let open = views
        .open_calls(ledger.reader().size())
        .map_err(|error| Failure::failed(format!("the calls left open cannot be found: {error}")))?;
    let unassessed = views.unassessed(ASSESSED_WITHIN_US).map_err(|error| {
        Failure::failed(format!("the calls that guards owe a word on cannot be found: {error}"))
    })?;
    let closed = close_open_calls(ledger, &open)?;
    let unseen = assess_lost(ledger, &unassessed)?;
    let probes = views
        .open_probes(ledger.reader().size())
        .map_err(|error| Failure::failed(format!("the probes left open cannot be found: {error}")))?;
    close_open_calls(ledger, &probes)?;
    if closed > 0 {
        terminal::say(&format!(
            "{closed} calls were open when the process before ended; each is recorded as broken: what their clients got is unknown"
        ));
    }
    if unseen > 0 {
        terminal::say(&format!(
            "{unseen} calls ended before the guards with when = \"after\" had looked at them; each is recorded as not looked at"
        ));
    }
    Ok(())
}

/// Has the desk know how guards are tried, and says where they are not by themselves.
fn tell_of_probes(gateway: &Gateway, desk: &Desk) {
    let probing = gateway.probing();
    if probing.every_s().is_none() {
        terminal::say(
            "probes are off: whether guards stop what they must is tried only when somebody asks ([probes] every_minutes)",
        );
    }
    let measuring = probing.clone();
    desk.know_probes(GatewayProbes {
        places: probing.places().to_vec(),
        every_s: probing.every_s(),
        denies: probing.denies(),
        subjects: probing.subjects().to_vec(),
        corpus_s: probing.corpus_s(),
        measure: Arc::new(move |within| measuring.measure(within).map_err(|error| error.to_string())),
        run: Arc::new(move |within| probing.run(within).map_err(|error| error.to_string())),
    });
}

/// Has guards measured when that is due after what the log says of it.
fn tell_of_measurement(gateway: &Gateway, views: &Views) -> Result<(), Failure> {
    let newest = views.newest_measurement().map_err(|error| {
        Failure::failed(format!("the newest measurement of guards cannot be read: {error}"))
    })?;
    let now = SystemClock.now();
    let newest = newest.as_ref().and_then(|row| {
        let age = Duration::from_micros(now.since(row.at));
        Some((age, row.said.as_ref()?.guards.as_slice()))
    });
    gateway.probing().measured_before(newest);
    Ok(())
}

/// Lets calls finish, then stops.
pub(crate) fn stop_gateway(gateway: Gateway) {
    gateway.stop(DRAIN);
}
