//! How far the evidence inside a receipt goes: included, witnessed, anchored (formats §9.2).
//!
//! Promises: a level is what the checks of this very file found for this reader; the log's word counts for nothing. Must never: name a level without
//! a trust file, or for evidence that was not checked.

use super::plan::{CHECKPOINT, ENTRY, FORM, INCLUSION, ISSUER, KEYS, SEAL};
use crate::package::ANCHORS;
use crate::verdict::{Outcome, Report};

/// The name of the fact.
const LEVELS: &str = "levels";

/// Names the levels among the facts. `anchors`: how many of them date the checkpoint.
pub(super) fn note(report: &mut Report, anchors: usize) {
    let included =
        report.outcome_of(&[FORM, ENTRY, INCLUSION, KEYS, ISSUER, CHECKPOINT, SEAL]) == Outcome::Holds;
    let anchored = anchors > 0 && report.outcome_of(&[ANCHORS]) == Outcome::Holds;
    let reached = [
        ("included", included),
        ("witnessed", included && report.witnessed.is_some()),
        ("anchored", included && anchored),
    ];
    let reached: Vec<&str> =
        reached.iter().filter(|(_, is_reached)| *is_reached).map(|(name, _)| *name).collect();
    report.fact(LEVELS, reached);
}
