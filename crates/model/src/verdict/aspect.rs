//! Four aspects of evidence that stay apart (formats §12.1): signature, ledger inclusion, time, live source.
//!
//! Promises that what was not looked at, or could not be decided, is never reported as fine, and that a fault in any check breaks one
//! of the first three.

use super::{Check, KEY_DIRECTORY, Outcome, Report};
use crate::bounds::TIME_BOUNDS;
use crate::package::{ALARMS, ANCHORS, SHARDS, SOURCE_SIGNATURES};
use crate::receipt::LIVE;
use crate::time::Micros;

/// What is said of one aspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AspectStanding {
    /// Every check it rests on holds.
    Holds,
    /// One of them found a fault.
    Broken,
    /// Nothing speaks against it, and something it rests on was not looked at or could not be decided.
    NotChecked,
}

impl AspectStanding {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Broken => "broken",
            Self::NotChecked => "not checked",
        }
    }

    /// The standing of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Holds, Self::Broken, Self::NotChecked].into_iter().find(|one| one.as_str() == name)
    }
}

/// One of the four aspects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aspect {
    /// `signature`, `ledger inclusion`, `time` or `live source`.
    pub name: &'static str,
    /// What is said of it.
    pub standing: AspectStanding,
    /// The same in a sentence.
    pub answer: String,
    /// The checks that it rests on.
    pub rests_on: String,
}

/// The checks that the aspects of one kind of file rest on, by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AspectChecks<'a> {
    pub(crate) signature: &'a [&'static str],
    pub(crate) inclusion: &'a [&'static str],
    pub(crate) time: &'a [&'static str],
}

/// The four aspects of a report whose checks have been set. Checks that only some reports have stand beside those of `checks`.
pub(crate) fn aspects_of(report: &Report, checks: &AspectChecks<'_>) -> Vec<Aspect> {
    let with = |names: &[&'static str], more: &[&str]| -> Vec<&'static str> {
        let more = more.iter().filter_map(|name| report.check(name)).map(|check| check.name);
        names.iter().copied().chain(more).collect()
    };
    vec![
        from_checks(
            report,
            "signature",
            &with(checks.signature, &[SOURCE_SIGNATURES, KEY_DIRECTORY]),
            "Every signature is valid, by a key in force of a log you trust.".to_owned(),
        ),
        from_checks(
            report,
            "ledger inclusion",
            &with(checks.inclusion, &[ALARMS, SHARDS]),
            "Everything stands in the tree that the log signed.".to_owned(),
        ),
        time(report, checks.time),
        live(report),
    ]
}

/// Checked only by a reader who brings a copy of what the live system has.
fn live(report: &Report) -> Aspect {
    if report.check(LIVE).is_some() {
        let holds = "The live copy is what was sealed.".to_owned();
        return from_checks(report, "live source", &[LIVE], holds);
    }
    let answer = "Not asked: this verifier asks nobody; ask the log itself for a newer checkpoint and a consistency proof.";
    Aspect {
        name: "live source",
        standing: AspectStanding::NotChecked,
        answer: answer.to_owned(),
        rests_on: String::new(),
    }
}

fn from_checks(report: &Report, name: &'static str, checks: &[&str], holds: String) -> Aspect {
    let open: Vec<&str> = checks
        .iter()
        .copied()
        .filter(|name| report.check(name).is_none_or(|check| check.outcome != Outcome::Holds))
        .collect();
    let open = open.join(", ");
    let (standing, answer) = match report.outcome_of(checks) {
        Outcome::Holds => (AspectStanding::Holds, holds),
        Outcome::Broken | Outcome::Malformed => (AspectStanding::Broken, format!("Not shown: see {open}.")),
        Outcome::Undetermined | Outcome::NotRun => {
            (AspectStanding::NotChecked, format!("Something it rests on could not be decided: see {open}."))
        }
    };
    Aspect { name, standing, answer, rests_on: checks.join(", ") }
}

/// What clocks outside the log say, in a sentence.
fn dated(report: &Report) -> Option<String> {
    let holds = |name: &str| report.check(name).filter(|check| check.outcome == Outcome::Holds);
    if let (Some(_), Some(bounds)) = (holds(ANCHORS), holds(TIME_BOUNDS)) {
        return Some(format!("Outside clocks bound it: {}.", bounds.detail));
    }
    let (name, seconds) = report.witnessed.as_ref()?;
    Some(format!("Not after {}, by witness {name}.", Micros(seconds.saturating_mul(1_000_000))))
}

/// Holds only when a clock outside the log has dated the evidence.
fn time(report: &Report, checks: &[&'static str]) -> Aspect {
    let dated = dated(report);
    let is_dated = dated.is_some();
    let wrong = |check: &&Check| matches!(check.outcome, Outcome::Broken | Outcome::Malformed);
    // Evidence that nobody could check leaves the time as it is; evidence that is wrong does not.
    let anchors = report.check(ANCHORS).filter(wrong);
    let more = anchors.into_iter().chain(report.check(TIME_BOUNDS)).map(|check| check.name);
    let all: Vec<&str> = checks.iter().copied().chain(more).collect();
    let mut aspect = from_checks(report, "time", &all, dated.unwrap_or_default());
    if checks.is_empty() {
        "This form of receipt carries no time at all.".clone_into(&mut aspect.answer);
    } else if aspect.standing == AspectStanding::Holds && !is_dated {
        aspect.standing = AspectStanding::NotChecked;
        aspect.answer = format!("No outside clock: {}.", super::CLOCK);
    }
    aspect
}
