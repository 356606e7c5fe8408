//! The decision: Cedar's evaluation, and our rule that an error denies.
//!
//! Promises: a forbid that holds is final; an error anywhere else denies, also beside a permit. Cedar by itself passes over a rule that errs,
//! so that a forbid which cannot be evaluated would not forbid.

use std::sync::LazyLock;

use cedar_policy::{AuthorizationError, Authorizer, Decision, EvaluationError, PolicyId, Request};

use crate::compile::PolicySet;
use crate::question::{MAX_TOOLS, Question};
use crate::scene::Scene;
use crate::verdict::Verdict;

static AUTHORIZER: LazyLock<Authorizer> = LazyLock::new(Authorizer::new);

impl PolicySet {
    /// What the rules say of one call.
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        if question.tools.len() > MAX_TOOLS {
            let what = format!("the call offers {} tools, {MAX_TOOLS} at most", question.tools.len());
            return Verdict::Erred { rules: Vec::new(), what };
        }
        if let Some(verdict) = self.verdicts.as_ref().and_then(|verdicts| verdicts.find(question)) {
            return verdict;
        }
        let asked = self.scenes.of(question).and_then(|scene| Ok((question.request(&scene)?, scene)));
        let (request, scene) = match asked {
            Ok(asked) => asked,
            Err(what) => return Verdict::Erred { rules: Vec::new(), what: what.to_owned() },
        };
        let verdict = self.evaluate(&request, &scene);
        if let Some(verdicts) = &self.verdicts {
            verdicts.keep(question, &scene, &verdict);
        }
        verdict
    }

    /// Asks every rule.
    fn evaluate(&self, request: &Request, scene: &Scene) -> Verdict {
        let response = AUTHORIZER.is_authorized(request, &self.compiled, &scene.entities);
        let found = response.diagnostics();
        let holding = self.named(found.reason());
        // Cedar's reasons for Deny are the forbids that hold; there are none when nothing permitted.
        if response.decision() == Decision::Deny && !holding.is_empty() {
            return Verdict::Forbid { rules: holding };
        }
        if let Some(error) = found.errors().next() {
            let what = in_words(error).to_owned();
            return Verdict::Erred { rules: self.named(found.errors().map(rule_of)), what };
        }
        match response.decision() {
            Decision::Allow if !holding.is_empty() => Verdict::Permit { rules: holding },
            _ => Verdict::NonePermits,
        }
    }

    /// Ids of rules in the order of the set.
    fn named<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<String> {
        let mut positions: Vec<usize> =
            ids.filter_map(|id| self.positions.get(id.as_ref() as &str).copied()).collect();
        positions.sort_unstable();
        positions
            .into_iter()
            .filter_map(|position| self.rules.get(position))
            .map(|rule| rule.id.clone())
            .collect()
    }
}

fn rule_of(error: &AuthorizationError) -> &PolicyId {
    let AuthorizationError::PolicyEvaluationError(error) = error;
    error.policy_id()
}

/// What went wrong, in words of ours: Cedar's own repeat values of the call.
fn in_words(error: &AuthorizationError) -> &'static str {
    let AuthorizationError::PolicyEvaluationError(error) = error;
    match error.inner() {
        EvaluationError::IntegerOverflow(_) => "a number became too large to count with (64 bits)",
        EvaluationError::RecursionLimit(_) => "the condition is nested too deeply to evaluate",
        _ => "the condition needs a value that is not there or is of another type",
    }
}
