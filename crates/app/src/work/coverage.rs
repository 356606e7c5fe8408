//! What is evidenced in all, and the steps that would raise the most.
//!
//! Promises: the same evaluation as the list of controls gives; what a step raises is found by evaluating once more as if it were done. Must never: say of a
//! step that it raises what it would not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tabellion_model::body::Role;
use tabellion_model::catalogue::Reference;
use tabellion_model::status::facts::{
    ApplicabilityRow, Approval, Decision, Facts, ItemFacts, PolicyFacts, SystemFacts,
};
use tabellion_model::status::rules::{Need, Rules};
use tabellion_model::status::{Overall, Status, Step, Target, evaluate_all};
use tabellion_model::{CredentialId, Micros, SystemId};

use super::Desk;
use super::controls::Counts;
use crate::refusal::Refusal;

/// Steps that are tried out, those first that most clauses and controls ask for: each takes one evaluation, and a page shows fewer.
const MAX_TRIED: usize = 8;
/// How long an approval is taken to hold: no review is due before that.
const YEAR_US: u64 = 365 * 24 * 60 * 60 * 1_000_000;

/// A step, and what it would raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextStep {
    /// What to do.
    pub(crate) text: String,
    /// Where.
    pub(crate) target: Target,
    /// Clauses and controls that ask for it, in the standard's order.
    pub(crate) needed_for: Vec<&'static str>,
    /// Those of them that it raises alone.
    pub(crate) raises: Vec<&'static str>,
    /// Those of them that it raises together with the others of its kind, and how many others these are.
    pub(crate) together: (Vec<&'static str>, usize),
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
        Ok(coverage(&self.facts()?, self.now()))
    }
}

fn coverage(facts: &Facts, now: Micros) -> Coverage {
    let statuses = evaluate_all(Rules::built_in(), facts, now);
    let mut counts = Counts::default();
    for status in &statuses {
        counts.add(status.overall);
    }
    let mut steps = needed(&statuses);
    steps.sort_by_key(|step| Reverse(step.needed_for.len()));
    let stood: BTreeMap<Reference, Overall> =
        statuses.iter().map(|status| (status.reference, status.overall)).collect();
    let raised = |facts: &Facts| -> BTreeSet<&'static str> {
        let then = evaluate_all(Rules::built_in(), facts, now);
        let rises =
            |status: &&Status| stood.get(&status.reference).is_some_and(|before| status.overall > *before);
        then.iter().filter(rises).map(|status| status.reference.as_str()).collect()
    };
    let of = |step: &NextStep, raised: &BTreeSet<&'static str>| -> Vec<&'static str> {
        step.needed_for.iter().copied().filter(|reference| raised.contains(reference)).collect()
    };
    let groups = groups(&steps);
    let mut all_done: BTreeMap<&String, BTreeSet<&'static str>> = BTreeMap::new();
    for (register, systems) in groups.iter().filter(|(_, systems)| systems.len() > 1) {
        let done = approved(facts, register, systems, now);
        all_done.insert(register, raised(&done));
    }
    for step in steps.iter_mut().take(MAX_TRIED) {
        if let Some(done) = done(facts, step, now) {
            step.raises = of(step, &raised(&done));
        }
    }
    for step in &mut steps {
        let Target::Register { register, .. } = &step.target else { continue };
        if let (Some(all), Some(systems)) = (all_done.get(register), groups.get(register)) {
            step.together = (of(step, all), systems.len() - 1);
        }
    }
    steps.sort_by_key(|step| Reverse((step.raises.len(), step.together.0.len(), step.needed_for.len())));
    Coverage { counts, steps }
}

/// Every step that some status names, with the references that ask for it.
fn needed(statuses: &[Status]) -> Vec<NextStep> {
    let mut steps: Vec<NextStep> = Vec::new();
    for status in statuses {
        if matches!(status.overall, Overall::Covered | Overall::NotApplicable) {
            continue;
        }
        for Step { text, target } in &status.would_change {
            // Deciding on one control is the statement's work.
            if matches!(target, Target::Control { .. }) {
                continue;
            }
            let reference = status.reference.as_str();
            match steps.iter_mut().find(|known| known.text == *text && known.target == *target) {
                Some(known) => known.needed_for.push(reference),
                None => steps.push(NextStep {
                    text: text.clone(),
                    target: target.clone(),
                    needed_for: vec![reference],
                    raises: Vec::new(),
                    together: (Vec::new(), 0),
                }),
            }
        }
    }
    steps
}

/// Systems that lack something in each register.
fn groups(steps: &[NextStep]) -> BTreeMap<String, BTreeSet<SystemId>> {
    let mut groups: BTreeMap<String, BTreeSet<SystemId>> = BTreeMap::new();
    for step in steps {
        if let Target::Register { register, system: Some(system) } = &step.target {
            groups.entry(register.clone()).or_default().insert(*system);
        }
    }
    groups
}

/// The facts as they would be with `step` done, as well as it can be; none: that cannot be said beforehand.
fn done(facts: &Facts, step: &NextStep, now: Micros) -> Option<Facts> {
    match &step.target {
        Target::Register { register, system: Some(system) } => {
            Some(approved(facts, register, &[*system].into(), now))
        }
        Target::People => {
            let role =
                Role::ALL.into_iter().find(|role| step.text.ends_with(&role.as_str().replace('_', " ")))?;
            let mut then = facts.clone();
            *then.holders.entry(role).or_default() += 1;
            Some(then)
        }
        Target::Policies => {
            let mut then = facts.clone();
            let PolicyFacts { in_force, changes, explained } = &mut then.policies;
            *in_force += 1;
            for count in changes.iter_mut().chain(explained) {
                *count += 1;
            }
            Some(then)
        }
        Target::Applicability => Some(statement_approved(facts, now)),
        _ => None,
    }
}

/// With an approval by a second person, complete and in date, for each of `systems` in `register`.
fn approved(facts: &Facts, register: &str, systems: &BTreeSet<SystemId>, now: Micros) -> Facts {
    let mut then = facts.clone();
    for system in facts.systems.iter().filter(|system| systems.contains(&system.system)) {
        then.items.push(Arc::new(item(facts, register, system, now)));
    }
    then
}

fn item(facts: &Facts, register: &str, system: &SystemFacts, now: Micros) -> ItemFacts {
    let earlier =
        facts.items.iter().filter(|item| item.register == register && item.system == Some(system.system));
    let first = earlier.filter_map(|item| item.approved.as_ref()).map(|approval| approval.first_at).min();
    let approval = Approval {
        entry: facts.size,
        at: now,
        first_at: first.unwrap_or(now),
        by: CredentialId::from_bytes([1; 16]),
        authors: [CredentialId::from_bytes([2; 16])].into(),
        review_at: Some(Micros(now.0.saturating_add(YEAR_US))),
        models: system.models.iter().filter_map(|seen| seen.model.clone()).collect(),
        missing: BTreeSet::new(),
        adverse: false,
    };
    let state = state_of_use(register);
    ItemFacts {
        register: register.to_owned(),
        item: String::new(),
        system: Some(system.system),
        first_in: state.iter().map(|state| (state.clone(), now)).collect(),
        state,
        unreadable: false,
        approved: Some(approval),
        refresh_since: None,
    }
}

/// The state that rules ask for in a register, where one names any.
fn state_of_use(register: &str) -> Option<String> {
    let mut needs = Rules::built_in().iter().flat_map(|rule| &rule.needs);
    needs.find_map(|need| match need {
        Need::ItemOfEachSystem { register: named, states, .. } if named == register => {
            states.first().cloned()
        }
        _ => None,
    })
}

/// With every control decided and the whole approved; a control that nobody decided on is taken to apply.
fn statement_approved(facts: &Facts, now: Micros) -> Facts {
    let mut then = facts.clone();
    for control in Reference::controls() {
        let row = then.applicability.rows.entry(control).or_insert(ApplicabilityRow {
            entry: facts.size,
            at: now,
            decision: Some(Decision::Applied),
            reasoned: true,
            evidenced: false,
            approved: true,
        });
        row.approved = true;
    }
    then.applicability.approved = Some((now, facts.size));
    then
}

#[cfg(test)]
mod tests {
    use tabellion_model::body::SystemStage;
    use tabellion_model::status::facts::LedgerFacts;

    use super::*;

    const NOW: Micros = Micros(YEAR_US * 60);

    fn facts(systems: u8) -> Facts {
        let system = |number: u8| SystemFacts {
            system: SystemId::from_bytes([number; 16]),
            name: Some(format!("system {number}")),
            stage: Some(SystemStage::Live),
            owner_known: true,
            calls: Default::default(),
            models: Vec::new(),
        };
        let ledger = LedgerFacts {
            records: 9,
            missing: Some(0),
            proved: Some(10),
            contradicted: false,
            calls_without_end: Some(0),
        };
        Facts {
            size: 10,
            systems: (1..=systems).map(system).collect(),
            systems_counted: Some(u64::from(systems)),
            ledger,
            ..Facts::default()
        }
    }

    fn assessments(facts: &Facts) -> Vec<NextStep> {
        let of_register = |step: &NextStep| matches!(&step.target, Target::Register { register, .. } if register == "impact_assessment");
        coverage(facts, NOW).steps.into_iter().filter(of_register).collect()
    }

    #[test]
    fn a_step_raises_what_it_raises_when_it_is_done() {
        let one = facts(1);
        let steps = assessments(&one);
        let step = steps.first().expect("a step");
        assert!(step.raises.contains(&"8.4") && step.raises.contains(&"A.5.3"), "{step:?}");
        let then = approved(&one, "impact_assessment", &[SystemId::from_bytes([1; 16])].into(), NOW);
        for (before, after) in
            evaluate_all(Rules::built_in(), &one, NOW).iter().zip(evaluate_all(Rules::built_in(), &then, NOW))
        {
            let said = step.raises.contains(&before.reference.as_str());
            assert_eq!(after.overall > before.overall, said, "{}: home promises otherwise", before.reference);
        }
    }

    #[test]
    fn one_of_three_assessments_raises_nothing_and_says_with_how_many_others_it_would() {
        let steps = assessments(&facts(3));
        assert_eq!(steps.len(), 3);
        for step in &steps {
            assert_eq!(step.raises, Vec::<&str>::new(), "home promises what does not come: {step:?}");
            assert!(step.needed_for.contains(&"8.4"), "{step:?}");
            assert_eq!(step.together.1, 2, "{step:?}");
            assert!(step.together.0.contains(&"8.4"), "all of them together raise nothing: {step:?}");
        }
    }
}
