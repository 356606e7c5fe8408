//! The three questions that every report answers apart (requirement A19), and how an answer follows from checks.
//!
//! An answer is never better than the worst check behind it.

use super::{Finding, Outcome, Report};

/// Question one.
pub(crate) const EXISTED: &str = "existed at the time";
/// Question two.
pub(crate) const UNALTERED: &str = "unaltered";
/// Question three.
pub(crate) const ISSUED: &str = "issued by whom";

/// What a commit time is worth in this version; said wherever one is relied on.
pub(crate) const CLOCK: &str = "the commit time is the clock of the log's own writer, signed by its writer key; no outside \
clock (time stamp authority, witness or anchor) vouches for it here";

impl Finding {
    /// The answer that the named checks give; `yes` is used only when all of them hold.
    pub(crate) fn from_checks(
        report: &Report,
        question: &'static str,
        checks: &[&str],
        yes: impl Into<String>,
        rests_on: impl Into<String>,
    ) -> Self {
        let outcome = report.outcome_of(checks);
        let open: Vec<&str> = checks
            .iter()
            .copied()
            .filter(|name| report.check(name).is_none_or(|check| check.outcome != Outcome::Holds))
            .collect();
        let answer = match outcome {
            Outcome::Holds => yes.into(),
            Outcome::Broken | Outcome::Malformed => format!("Not shown: see {}.", open.join(", ")),
            Outcome::Undetermined | Outcome::NotRun => format!("Cannot be said: see {}.", open.join(", ")),
        };
        Self { question, outcome, answer, rests_on: rests_on.into() }
    }
}
