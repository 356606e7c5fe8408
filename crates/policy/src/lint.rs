//! What is doubtful about policies that will be in force together, before they are.
//!
//! Promises: an error is what publication refuses, in the same words; a warning is true of every call there can be, because the rules were tried on calls that
//! stand for all ([`domain`]); what cannot be said is said to be so. Must never: guess from how a rule looks.

mod domain;
pub(crate) mod extent;
mod patterns;
mod reads;

use std::collections::HashSet;

use extent::{Budget, Lone, Reach};

use crate::compile::{NamedPolicy, PolicySet, lone_rules};
use crate::fault::{Place, PolicyFault};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Publication refuses it.
    Error,
    /// It can be published and does not do what it seems to.
    Warning,
    /// It is not known whether there is something to warn of.
    Note,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What a warning or note is about; stable words.
pub const LINT_CODES: [(&str, &str); 8] = [
    ("policy_never_applies", "The conditions of a rule contradict each other"),
    ("policy_unreachable", "A permission that one prohibition always defeats"),
    ("policy_conflict", "A permission and a prohibition of the very same calls"),
    ("policy_shadowed", "A rule that a wider one of the same effect makes superfluous"),
    ("policy_repeated", "Two rules of the same effect for the very same calls"),
    ("policy_unbounded", "A permission for everybody, every model and every case of an action"),
    ("policy_permits_nothing", "Rules that together permit no call at all"),
    ("policy_not_examined", "A rule whose reach could not be worked out"),
];

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable word.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The policy it is found in.
    pub policy: String,
    /// The rule, where it is about one, as records name it.
    pub rule: Option<String>,
    /// Where.
    pub place: Place,
    /// What is found, without a full stop.
    pub what: String,
    /// What to do, without a full stop.
    pub advice: String,
}

impl Finding {
    fn of_fault(fault: PolicyFault, policy: &str) -> Self {
        let (code, severity) = (fault.kind.code(), Severity::Error);
        let policy = if fault.policy.is_empty() { policy.to_owned() } else { fault.policy };
        Self {
            code,
            severity,
            policy,
            rule: None,
            place: fault.place,
            what: fault.what,
            advice: fault.advice,
        }
    }
}

/// Everything found in `policies`, which would be in force together: in their order, each by place. Warnings are looked for once there is no error.
pub fn lint(policies: &[NamedPolicy<'_>]) -> Vec<Finding> {
    let mut errors: Vec<Finding> = Vec::new();
    let mut rules = Vec::new();
    for policy in policies {
        match lone_rules(policy) {
            Ok(more) => rules.extend(more.into_iter().map(|(rule, compiled)| Lone::of(rule, &compiled))),
            Err(fault) => errors.push(Finding::of_fault(fault, policy.name)),
        }
    }
    if errors.is_empty()
        && let Err(fault) = PolicySet::compile(policies)
    {
        errors.push(Finding::of_fault(fault, ""));
    }
    if !errors.is_empty() || rules.is_empty() {
        return errors;
    }
    let mut found = Look { rules: &rules, found: Vec::new(), settled: HashSet::new(), budget: Budget::new() };
    found.each();
    found.pairs();
    found.whole();
    let mut found = found.found;
    let order = |name: &str| policies.iter().position(|policy| policy.name == name);
    found.sort_by_key(|finding| (order(&finding.policy), finding.place));
    found
}

/// One look at rules.
struct Look<'r> {
    rules: &'r [Lone],
    found: Vec<Finding>,
    /// Rules of which the worst is said, so that nothing less is said of them.
    settled: HashSet<&'r str>,
    budget: Budget,
}

impl<'r> Look<'r> {
    fn say(&mut self, code: &'static str, rule: &'r Lone, what: String, advice: &str) {
        let severity = if code == "policy_not_examined" { Severity::Note } else { Severity::Warning };
        let policy = rule.rule.id.split_once('.').map_or("", |(policy, _)| policy).to_owned();
        let (id, place, advice) = (Some(rule.rule.id.clone()), rule.rule.place, advice.to_owned());
        self.found.push(Finding { code, severity, policy, rule: id, place, what, advice });
    }

    /// What each rule is by itself.
    fn each(&mut self) {
        for rule in self.rules {
            let id = &rule.rule.id;
            match rule.reach(&mut self.budget) {
                None => self.say(
                    "policy_not_examined",
                    rule,
                    format!("{id}: for which calls it applies could not be worked out"),
                    "try it with cases: tabellion policy test",
                ),
                Some(Reach::Nothing) => {
                    self.settled.insert(id);
                    let what = format!("{id} applies to no call: its conditions contradict each other");
                    self.say("policy_never_applies", rule, what, "correct a condition, or delete the rule");
                }
                Some(Reach::Everything) if rule.permits() => {
                    let what =
                        format!("{id} permits an action to every system, on every model, in every case");
                    let advice = "name the system or the model, or add a condition";
                    self.say("policy_unbounded", rule, what, advice);
                }
                Some(_) => {}
            }
        }
    }

    /// What rules are to one another.
    fn pairs(&mut self) {
        let (permits, forbids): (Vec<&Lone>, Vec<&Lone>) = self.rules.iter().partition(|rule| rule.permits());
        for permit in &permits {
            for forbid in &forbids {
                self.against(permit, forbid);
            }
        }
        for group in [permits, forbids] {
            for (at, rule) in group.iter().enumerate() {
                for later in group.iter().skip(at + 1) {
                    self.alike(rule, later);
                }
            }
        }
    }

    /// Whether `forbid` leaves anything of `permit`.
    fn against(&mut self, permit: &'r Lone, forbid: &'r Lone) {
        if self.is_settled(permit) || self.is_settled(forbid) {
            return;
        }
        let Some(relation) = permit.beside(forbid, &mut self.budget) else { return };
        if relation.first_alone.is_some() {
            return;
        }
        self.settled.insert(&permit.rule.id);
        let (permit_id, forbid_id) = (&permit.rule.id, &forbid.rule.id);
        if relation.second_alone.is_some() {
            let what = format!("{permit_id} permits nothing: {forbid_id} forbids every call that it permits");
            self.say("policy_unreachable", permit, what, "narrow the prohibition, or delete the permission");
        } else {
            let what = format!("{permit_id} permits the very calls that {forbid_id} forbids");
            self.say("policy_conflict", permit, what, "keep one of them; as they are, the prohibition holds");
        }
    }

    /// Whether one of two rules of the same effect says nothing of its own.
    fn alike(&mut self, rule: &'r Lone, later: &'r Lone) {
        if self.is_settled(rule) || self.is_settled(later) {
            return;
        }
        let Some(relation) = rule.beside(later, &mut self.budget) else { return };
        let verb = if rule.permits() { "permits" } else { "forbids" };
        let advice = "delete the narrower rule, or narrow the wider one";
        let (one, other) = (&rule.rule.id, &later.rule.id);
        match (relation.first_alone, relation.second_alone) {
            (None, None) => {
                self.settled.insert(other);
                let what = format!("{other} {verb} the very calls that {one} {verb}");
                self.say("policy_repeated", later, what, "delete one of them");
            }
            (None, Some(_)) => {
                self.settled.insert(one);
                let what = format!("{one} changes nothing: {other} {verb} every call that it {verb}");
                self.say("policy_shadowed", rule, what, advice);
            }
            (Some(_), None) => {
                self.settled.insert(other);
                let what = format!("{other} changes nothing: {one} {verb} every call that it {verb}");
                self.say("policy_shadowed", later, what, advice);
            }
            (Some(_), Some(_)) => {}
        }
    }

    /// What all rules are together.
    fn whole(&mut self) {
        let says_nothing =
            |code: &str| matches!(code, "policy_never_applies" | "policy_unreachable" | "policy_conflict");
        let dead: HashSet<&str> = self
            .found
            .iter()
            .filter(|finding| says_nothing(finding.code))
            .filter_map(|finding| finding.rule.as_deref())
            .collect();
        let some = |rule: &Lone| rule.permits() && !dead.contains(rule.rule.id.as_str());
        if self.rules.iter().any(some) {
            return;
        }
        let Some(first) = self.rules.first() else { return };
        let what = "no rule of these policies permits any call, so every call would be denied".to_owned();
        let advice = "look at these policies together with those that permit, or add a permission";
        self.say("policy_permits_nothing", first, what, advice);
        if let Some(finding) = self.found.last_mut() {
            finding.rule = None;
        }
    }

    fn is_settled(&self, rule: &Lone) -> bool {
        self.settled.contains(rule.rule.id.as_str())
    }
}
