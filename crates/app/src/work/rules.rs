//! Rules over numbers: set, ended; every version stays readable. When one fires is decided in `rule_watch.rs` (docs/rules.md).
//!
//! Promises: a rule names a system that is there, and a threshold that its number can cross. Must never: change a version that was recorded, show a rule to somebody who may
//! not see the calls that it is over, or one whose number is unknown as one that holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::SystemId;
use tabellion_model::body::{
    RULE_WHOLE, RuleComparison, RuleEnded, RuleMeasure, RuleMetric, RuleScope, RuleSet, RuleTest, RuleVerdict,
};
use tabellion_model::charge::Currency;
use tabellion_views::query::{MAX_RULE_CALLS, RuleSaid, RuleVersion as Recorded};

use super::asking::all;
use super::forms::{CurrencyForm, IdForm, Line, Reason, Reference, Time, Word};
use super::prose::Prose;
use super::rule_forms::{ComparisonForm, Crossing, MetricForm, Reading};
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Most rules in force: each is looked at again and again.
pub const MAX_RULES: usize = 32;
/// Shortest window, in minutes: two looks fit into it.
pub const MIN_WINDOW_MINUTES: u64 = 1;
/// Longest window, in minutes: 31 days.
pub const MAX_WINDOW_MINUTES: u64 = 31 * 24 * 60;
/// Observations that a share or a duration takes where nobody says otherwise: one call of one is no share of all.
pub const USUAL_AT_LEAST: u64 = 20;

/// A rule to be looked at from now on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// What it is for, in words.
    pub why: Prose,
    /// The number; its unit is in its name.
    #[schemars(with = "MetricForm")]
    pub metric: RuleMetric,
    /// Of calls of this system alone; absent: of all.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// Of looks of this guard alone, by its name in the configuration; for what guards came to.
    #[serde(default)]
    pub guard: Option<Line>,
    /// Of attempts at this provider alone, by its name in the configuration; not for denials and guards.
    #[serde(default)]
    pub upstream: Option<Line>,
    /// Of calls that asked for this model alone; not for guards.
    #[serde(default)]
    pub model: Option<Line>,
    /// The currency, of money.
    #[serde(default)]
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// Length of the window in minutes, up to 31 days; it ends when the rule is looked at.
    #[schemars(range(min = 1, max = 44_640))]
    pub window_minutes: u64,
    /// On which side of the threshold it fires.
    #[schemars(with = "ComparisonForm")]
    pub comparison: RuleComparison,
    /// The threshold, in the metric's unit.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub threshold: u64,
    /// Least number of observations; with fewer nothing is said. Absent: 20 for shares and durations, 0 for sums.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub at_least: Option<u64>,
    /// What changed and why.
    pub note: Prose,
}

/// How a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RuleState")]
pub enum StateForm {
    /// Its number is known, and not beyond the threshold.
    Holds,
    /// It fired, and nothing has shown since that the number came back.
    Fired,
    /// It has not fired, and whether its number is beyond the threshold is not known, or not on record yet.
    Unknown,
    /// It was ended.
    Ended,
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    #[schemars(with = "Word")]
    pub name: String,
    /// How it stands.
    pub state: StateForm,
    /// Since when it fired, or holds; null: neither.
    pub since: Option<Time>,
    /// What it says; null: ended, or erased.
    pub says: Option<RuleSays>,
    /// Its number, as it was looked at last; null: ended, erased, or not known of that moment.
    pub now: Option<Reading>,
    /// When it fired and resolved, newest first.
    pub crossings: Vec<Crossing>,
    /// What changed last and why; null: erased.
    pub note: Option<String>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record of the newest change.
    pub changed: Reference,
}

/// What a version of a rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSays {
    /// What it is for.
    pub why: String,
    /// The number.
    #[schemars(with = "MetricForm")]
    pub metric: RuleMetric,
    /// The system; null: all.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// The guard; null: all.
    pub guard: Option<String>,
    /// The provider; null: all.
    pub upstream: Option<String>,
    /// The model; null: all.
    pub model: Option<String>,
    /// The currency, of money.
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// Length of the window in minutes.
    pub window_minutes: u64,
    /// On which side it fires.
    #[schemars(with = "ComparisonForm")]
    pub comparison: RuleComparison,
    /// The threshold.
    pub threshold: u64,
    /// Least number of observations.
    pub at_least: u64,
}

/// Rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// By name; those ended too.
    pub rules: Vec<Rule>,
}

/// One change of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleVersion {
    /// The version it made.
    pub version: u64,
    /// When.
    pub at: Time,
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Whether it ended the rule.
    pub ended: bool,
    /// What it says; null: it ended the rule, or was erased.
    pub says: Option<RuleSays>,
    /// What changed and why; null: erased.
    pub note: Option<String>,
    /// Its record.
    pub recorded: Reference,
}

/// The history of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleHistory {
    /// Oldest first.
    pub versions: Vec<RuleVersion>,
}

impl Desk {
    /// All rules within reach.
    pub fn rules(&self, actor: &Actor) -> Result<Rules, Refusal> {
        let mut rows = all(|page| self.views.rules(page))?;
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut rules = Vec::new();
        for row in rows {
            if self.is_rule_within(actor, &row)? {
                rules.push(self.shown_rule(&row)?);
            }
        }
        Ok(Rules { rules })
    }

    /// One rule.
    pub fn rule(&self, actor: &Actor, name: &str) -> Result<Rule, Refusal> {
        self.shown_rule(&self.rule_row(actor, name)?)
    }

    /// Every change of one rule.
    pub fn rule_history(&self, actor: &Actor, name: &str) -> Result<RuleHistory, Refusal> {
        self.rule_row(actor, name)?;
        let newest_first = all(|page| self.views.rule_versions(name, page))?;
        let mut versions = Vec::new();
        for row in newest_first.into_iter().rev() {
            // Versions of before may have been over calls of another system.
            let is_seen = row.ended || self.is_rule_within(actor, &row)?;
            versions.push(RuleVersion {
                version: row.version,
                at: Time(row.at),
                by: row.by.to_hex(),
                ended: row.ended,
                says: row.said.as_ref().filter(|_| is_seen).map(says),
                note: row.note.filter(|_| is_seen),
                recorded: self.reference(row.entry)?,
            });
        }
        Ok(RuleHistory { versions })
    }

    /// Sets a rule in place of the version before.
    pub fn set_rule(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewRule,
    ) -> Result<(Rule, Written), Refusal> {
        let body = RuleSet {
            name: name.to_owned(),
            why: new.why.to_text(),
            test: test_of(new)?,
            note: new.note.to_text(),
        };
        // How many there are is a rule over several streams.
        let _one_by_one = self.looked.setting();
        let written = self.once(actor, "set-rule", given, |earlier| {
            let current = self.views.rule(name)?;
            if earlier.is_none() {
                if given.version.is_none() && current.is_some() {
                    return Err(Refusal::new(Code::VersionRequired, "a rule of this name was set before"));
                }
                self.check_system(new.system)?;
                if current.as_ref().is_none_or(|row| row.ended) {
                    self.check_room()?;
                }
            }
            let version = current.map_or(0, |row| row.version);
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, version))?])
        })?;
        Ok((self.rule(actor, name)?, written))
    }

    /// Ends a rule.
    pub fn end_rule(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Reason,
    ) -> Result<(Rule, Written), Refusal> {
        let written = self.once(actor, "end-rule", given, |earlier| {
            let row = self.rule_row(actor, name)?;
            if earlier.is_none() && row.ended {
                return Err(Refusal::new(Code::AlreadySo, "the rule has ended"));
            }
            let body = RuleEnded { name: name.to_owned(), reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.rule(actor, name)?, written))
    }

    fn check_system(&self, system: Option<SystemId>) -> Result<(), Refusal> {
        match system {
            Some(system) if self.views.system(&system)?.is_none() => {
                Err(Refusal::at(Code::UnknownReference, "/system", "there is no such system"))
            }
            _ => Ok(()),
        }
    }

    fn check_room(&self) -> Result<(), Refusal> {
        let in_force = all(|page| self.views.rules(page))?.iter().filter(|row| !row.ended).count();
        if in_force < MAX_RULES {
            return Ok(());
        }
        let what = format!("{MAX_RULES} rules are in force, and more are not looked at: end one first");
        Err(Refusal::new(Code::StateImpossible, what))
    }

    fn rule_row(&self, actor: &Actor, name: &str) -> Result<Recorded, Refusal> {
        let row = self.views.rule(name)?.ok_or_else(|| Refusal::not_found("rule"))?;
        if self.is_rule_within(actor, &row)? { Ok(row) } else { Err(Refusal::not_found("rule")) }
    }

    /// Whether a rule is seen: with the whole log's reach all are, else those over calls of own systems.
    fn is_rule_within(&self, actor: &Actor, row: &Recorded) -> Result<bool, Refusal> {
        let Some(within) = self.systems_within(actor, Permission::ReadRules)? else { return Ok(true) };
        let system = row.said.as_ref().and_then(|said| said.test.scope.system);
        Ok(system.is_some_and(|system| within.contains(&system)))
    }

    fn shown_rule(&self, row: &Recorded) -> Result<Rule, Refusal> {
        let said = row.said.as_ref().filter(|_| !row.ended);
        let reading = said.map(|said| self.rule_reading(row, said)).transpose()?.flatten();
        let verdict = said.zip(reading).map(|(said, reading)| reading.verdict(&said.test));
        let crossings = self.crossings_of(row)?;
        let standing = crossings.own.first().filter(|crossing| crossing.fired);
        let (state, since) = match (standing, verdict) {
            _ if row.ended => (StateForm::Ended, None),
            (Some(fired), _) => (StateForm::Fired, Some(Time(fired.at))),
            (None, Some(RuleVerdict::Within)) => {
                let resolved = crossings.own.first().map_or(row.at, |resolved| resolved.at.max(row.at));
                (StateForm::Holds, Some(Time(resolved)))
            }
            (None, _) => (StateForm::Unknown, None),
        };
        Ok(Rule {
            name: row.name.clone(),
            state,
            since,
            says: said.map(says),
            now: said.zip(reading).map(|(said, reading)| Reading::of(&said.test, &reading)),
            crossings: crossings.shown,
            note: row.note.clone(),
            version: row.version,
            changed: self.reference(row.entry)?,
        })
    }
}

/// What is measured and against what, checked.
fn test_of(new: &NewRule) -> Result<RuleTest, Refusal> {
    let malformed = |at: &str, what: &str| Err(Refusal::at(Code::Malformed, at, what));
    let (metric, measure) = (new.metric, new.metric.measure());
    if new.guard.is_some() && !metric.is_of_guards() {
        return malformed("/guard", "only what guards came to can be of one guard");
    }
    if new.upstream.is_some() && !metric.can_be_of_upstream() {
        return malformed(
            "/upstream",
            "a denied call was at no provider, and guards look before and after one",
        );
    }
    if new.model.is_some() && !metric.can_be_of_model() {
        return malformed("/model", "what guards came to is of all models");
    }
    if new.currency.is_some() != (metric == RuleMetric::Cost) {
        return malformed("/currency", "money has a currency, and nothing else has one");
    }
    if !(MIN_WINDOW_MINUTES..=MAX_WINDOW_MINUTES).contains(&new.window_minutes) {
        return malformed("/window_minutes", "a window has 1 to 44640 minutes, which are 31 days");
    }
    let never = match new.comparison {
        RuleComparison::Above => measure == RuleMeasure::Share && new.threshold >= RULE_WHOLE,
        RuleComparison::Below => new.threshold == 0,
    };
    if never || measure == RuleMeasure::Share && new.threshold > RULE_WHOLE {
        return malformed(
            "/threshold",
            "no number can be beyond it: shares are 0 to 10000, and nothing is below 0",
        );
    }
    let usual = if measure == RuleMeasure::Sum { 0 } else { USUAL_AT_LEAST };
    let at_least = new.at_least.unwrap_or(usual);
    if at_least > MAX_RULE_CALLS || at_least == 0 && measure != RuleMeasure::Sum {
        return malformed(
            "/at_least",
            "a share or duration is of 1 to 1000000 observations, a sum of 0 to 1000000",
        );
    }
    let text = |line: &Option<Line>| line.as_ref().map(|line| line.as_str().trim().to_owned());
    Ok(RuleTest {
        metric,
        scope: RuleScope {
            system: new.system,
            guard: text(&new.guard),
            upstream: text(&new.upstream),
            model: text(&new.model),
        },
        currency: new.currency,
        window_minutes: new.window_minutes,
        comparison: new.comparison,
        threshold: new.threshold,
        at_least,
    })
}

fn says(said: &RuleSaid) -> RuleSays {
    let RuleTest { metric, scope, currency, window_minutes, comparison, threshold, at_least } =
        said.test.clone();
    RuleSays {
        why: said.why.clone(),
        metric,
        system: scope.system.map(|system| system.to_hex()),
        guard: scope.guard,
        upstream: scope.upstream,
        model: scope.model,
        currency,
        window_minutes,
        comparison,
        threshold,
        at_least,
    }
}

fn stream(name: &str) -> String {
    format!("rule/{name}")
}
