//! What is evidenced in all, and the steps that would raise the most.
//!
//! Promises: one evaluation, the same as the list of controls gives. Must never: count a step that raises nothing.

use tabellion_model::status::rules::Rules;
use tabellion_model::status::{Overall, Target, evaluate_all};

use super::Desk;
use super::controls::Counts;
use crate::refusal::Refusal;

/// A step, and what it would raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextStep {
    /// What to do.
    pub(crate) text: String,
    /// Where.
    pub(crate) target: Target,
    /// Clauses and controls that ask for it, in the standard's order.
    pub(crate) raises: Vec<&'static str>,
}

/// What is evidenced, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// How many stand how.
    pub(crate) counts: Counts,
    /// The steps, those that raise most first.
    pub(crate) steps: Vec<NextStep>,
}

impl Desk {
    /// What is evidenced, and what to do next.
    pub(crate) fn coverage(&self) -> Result<Coverage, Refusal> {
        let statuses = evaluate_all(Rules::built_in(), &self.facts()?, self.now());
        let mut counts = Counts::default();
        let mut steps: Vec<NextStep> = Vec::new();
        for status in statuses {
            counts.add(status.overall);
            if matches!(status.overall, Overall::Covered | Overall::NotApplicable) {
                continue;
            }
            for step in status.would_change {
                // Deciding on one control is the statement's work.
                if matches!(step.target, Target::Control { .. }) {
                    continue;
                }
                let reference = status.reference.as_str();
                match steps.iter_mut().find(|known| known.text == step.text && known.target == step.target) {
                    Some(known) => known.raises.push(reference),
                    None => {
                        steps.push(NextStep {
                            text: step.text,
                            target: step.target,
                            raises: vec![reference],
                        });
                    }
                }
            }
        }
        steps.sort_by_key(|step| std::cmp::Reverse(step.raises.len()));
        Ok(Coverage { counts, steps })
    }
}
