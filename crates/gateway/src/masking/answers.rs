//! What becomes of personal data that a model brings up itself, by the rules for answers.
//!
//! Promises: what no rule for answers names goes on as it came. Must never: put a placeholder where nobody can give its value back.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_mask::{Class, Operator, Plan};
use tabellion_model::body::{GuardOutcome, Guarded};

use super::pseudonyms::Said;
use super::{AmongGuards, MaskingConfig, is_on};
use crate::guards::config::Side;

/// What holds for the answer of one call.
#[derive(Debug, Clone)]
pub(crate) struct OfAnswers {
    /// What becomes of which class.
    pub(crate) plan: Plan,
    rules: Vec<AmongGuards>,
}

impl OfAnswers {
    pub(super) fn new(plan: Plan, rules: Vec<AmongGuards>) -> Self {
        Self { plan, rules }
    }

    /// The rules that keep an answer with these classes back, as guards are told.
    pub(crate) fn stopped(&self, found: &BTreeSet<Class>) -> Vec<Guarded> {
        self.rules.iter().filter_map(|rule| rule.stops(found.iter().copied())).collect()
    }

    /// That none of the rules could look at the answer, and why.
    pub(crate) fn errored(&self, why: &str) -> Vec<Guarded> {
        self.rules.iter().map(|rule| rule.says(GuardOutcome::Errored, vec![why.to_owned()])).collect()
    }
}

/// Whether a rule for answers says what can hold for one. The error says what to write instead.
pub(super) fn check(
    config: &MaskingConfig,
    operators: &BTreeMap<Class, Operator>,
    said: Said,
) -> Result<(), String> {
    if !is_on(&config.on, Side::Answer) {
        return Ok(());
    }
    let is_alone = !is_on(&config.on, Side::Prompt);
    if operators.values().any(|operator| *operator == Operator::Pseudonymise) {
        return Err("pseudonymise is for prompts: for what a model brings up itself the caller has no value to be given back; write mask, hash, drop or block for answers, in a rule of its own".to_owned());
    }
    if is_alone && !said.is_silent() {
        return Err("scope, rehydrate, keep and generation are of placeholders, which answers do not get; say them in a rule for prompts".to_owned());
    }
    if operators.is_empty() {
        return Err("is for answers and names no class; say what becomes of which: hash, mask, drop or block = [\"phone\"]".to_owned());
    }
    Ok(())
}
