//! For which calls rules apply, found by asking the engine that decides real calls about calls that stand for all.
//!
//! Promises: what is said of two rules holds for every call there can be. Must never: say anything of a rule that was not tried on all of them.

use cedar_policy::Policy;

use super::domain::Domain;
use super::reads::Reads;
use crate::case::Case;
use crate::compile::{Effect, PolicySet, Rule};
use crate::verdict::Verdict;

/// How many questions one look at a set of rules may ask: some seconds.
const MAX_QUESTIONS: usize = 150_000;

/// What is left of [`MAX_QUESTIONS`].
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(MAX_QUESTIONS)
    }

    fn spend(&mut self, questions: usize) -> Option<()> {
        self.0 = self.0.checked_sub(questions)?;
        Some(())
    }
}

/// One rule by itself.
#[derive(Debug)]
pub(crate) struct Lone {
    pub(crate) rule: Rule,
    set: PolicySet,
    reads: Option<Reads>,
}

/// How the calls of two rules lie to one another.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// A call that the first applies to and the second does not.
    pub(crate) first_alone: Option<Case>,
    /// A call that the second applies to and the first does not.
    pub(crate) second_alone: Option<Case>,
}

/// What one rule reaches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No call there can be.
    Nothing,
    /// Some calls.
    Some,
    /// Every call of at least one action, whoever asks and for whatever model.
    Everything,
}

impl Lone {
    pub(crate) fn of(rule: Rule, policy: &Policy) -> Self {
        let reads = Reads::of(policy);
        Self { set: PolicySet::single(rule.clone(), policy), rule, reads }
    }

    /// Whether it applies to `case`; `None` where it cannot be evaluated.
    fn applies(&self, case: &Case) -> Option<bool> {
        match self.set.decide(&case.question()) {
            Verdict::Permit { .. } | Verdict::Forbid { .. } => Some(true),
            Verdict::NonePermits => Some(false),
            Verdict::Erred { .. } => None,
        }
    }

    /// What it reaches; `None` where that cannot be said.
    pub(crate) fn reach(&self, budget: &mut Budget) -> Option<Reach> {
        let domain = Domain::of(self.reads.as_ref()?)?;
        let mut all = [true; 3];
        let mut any = false;
        for case in domain.calls() {
            budget.spend(1)?;
            let applies = self.applies(&case)?;
            any |= applies;
            if let Some(all) = all.get_mut(case.action as usize) {
                *all &= applies;
            }
        }
        Some(match (any, all.contains(&true)) {
            (false, _) => Reach::Nothing,
            (true, true) => Reach::Everything,
            (true, false) => Reach::Some,
        })
    }

    /// How the calls of this rule lie to those of `other`; `None` where that cannot be said. Ends as soon as each has a call of its own.
    pub(crate) fn beside(&self, other: &Self, budget: &mut Budget) -> Option<Relation> {
        let domain = Domain::of(&self.reads.as_ref()?.with(other.reads.as_ref()?))?;
        let mut relation = Relation { first_alone: None, second_alone: None };
        for case in domain.calls() {
            budget.spend(2)?;
            match (self.applies(&case)?, other.applies(&case)?) {
                (true, false) => relation.first_alone = relation.first_alone.or(Some(case)),
                (false, true) => relation.second_alone = relation.second_alone.or(Some(case)),
                _ => {}
            }
            if relation.first_alone.is_some() && relation.second_alone.is_some() {
                break;
            }
        }
        Some(relation)
    }

    /// Whether it permits.
    pub(crate) fn permits(&self) -> bool {
        self.rule.effect == Effect::Permit
    }
}
