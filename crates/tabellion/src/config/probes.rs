//! The section `[probes]`: how often guards are tried with canaries and measured with the corpus, and what follows when a canary gets through.

use tabellion_gateway::{MAX_CORPUS_S, MAX_PROBE_EVERY_S, OnProbeFailure, ProbeConfig};

use super::{OFF, Setting};
use crate::failure::Failure;

/// Keys of `[probes]`.
pub(super) const PROBE_KEYS: &[&str] = &["every_minutes", "on_failure", "corpus_days"];
/// Seconds of a minute.
const MINUTE_S: u64 = 60;
/// Seconds of a day.
const DAY_S: u64 = 24 * 60 * MINUTE_S;

/// One key.
pub(super) fn apply(probes: &mut ProbeConfig, setting: &Setting) -> Result<(), Failure> {
    match (setting.key.as_str(), setting.value.as_str()) {
        ("every_minutes", OFF) => probes.every_s = None,
        ("every_minutes", value) => {
            let most = MAX_PROBE_EVERY_S / MINUTE_S;
            let minutes = value.parse().ok().filter(|minutes| (1..=most).contains(minutes));
            let minutes: u64 = minutes.ok_or_else(|| {
                setting.refused(&format!("is not a number of minutes from 1 to {most}, nor off"))
            })?;
            probes.every_s = Some(minutes * MINUTE_S);
        }
        ("corpus_days", OFF) => probes.corpus_s = None,
        ("corpus_days", value) => {
            let most = MAX_CORPUS_S / DAY_S;
            let days = value.parse().ok().filter(|days| (1..=most).contains(days));
            let days: u64 = days.ok_or_else(|| {
                setting.refused(&format!("is not a number of days from 1 to {most}, nor off"))
            })?;
            probes.corpus_s = Some(days * DAY_S);
        }
        ("on_failure", "deny") => probes.on_failure = OnProbeFailure::Deny,
        ("on_failure", "alarm") => probes.on_failure = OnProbeFailure::Alarm,
        ("on_failure", _) => {
            return Err(
                setting.refused("is not deny or alarm: what becomes of calls when a canary gets through")
            );
        }
        _ => return Err(setting.unknown()),
    }
    Ok(())
}
