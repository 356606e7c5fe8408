//! Rules over numbers: what a number of the ledger must not go beyond, and the records of its crossing and coming back.

use serde::{Deserialize, Serialize};

use crate::charge::Currency;
use crate::{Micros, SystemId};

/// What shares are of: hundredths of a per cent.
pub const RULE_WHOLE: u64 = 10_000;

/// A number that rules are over. Its unit is in its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RuleMetric {
    /// Calls; further attempts of one are none, but for a rule of one provider.
    #[serde(rename = "calls")]
    Calls,
    /// Share of calls that were denied.
    #[serde(rename = "denied_per_10000")]
    Denied,
    /// Share of ended calls that the provider did not answer.
    #[serde(rename = "failed_per_10000")]
    Failed,
    /// Share of ended calls that the gateway cut.
    #[serde(rename = "cut_per_10000")]
    Cut,
    /// Share that guards blocked.
    #[serde(rename = "guards_blocked_per_10000")]
    GuardsBlocked,
    /// Share that guards found something in and let go on.
    #[serde(rename = "guards_flagged_per_10000")]
    GuardsFlagged,
    /// Share that a guard could not look at.
    #[serde(rename = "guards_errored_per_10000")]
    GuardsErrored,
    /// Share that a guard did not look at.
    #[serde(rename = "guards_not_run_per_10000")]
    GuardsNotRun,
    /// Tokens of prompts and answers together.
    #[serde(rename = "tokens")]
    Tokens,
    /// Money, in millionths of the rule's currency.
    #[serde(rename = "cost_micros")]
    Cost,
    /// Half of the answered calls took no longer, microseconds.
    #[serde(rename = "duration_median_us")]
    DurationMedian,
    /// Of a hundred answered calls ninety-five took no longer, microseconds.
    #[serde(rename = "duration_p95_us")]
    Duration95,
}

/// What kind of number it is: what it is rounded to, and whether nothing at all is a number too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleMeasure {
    /// A sum: of no calls it is 0.
    Sum,
    /// A share in ten-thousandths: of no calls there is none.
    Share,
    /// A rank among durations: of no calls there is none.
    Rank,
}

impl RuleMetric {
    /// Every one, in the order in which they are offered.
    pub const ALL: [Self; 12] = [
        Self::Calls,
        Self::Denied,
        Self::Failed,
        Self::Cut,
        Self::GuardsBlocked,
        Self::GuardsFlagged,
        Self::GuardsErrored,
        Self::GuardsNotRun,
        Self::Tokens,
        Self::Cost,
        Self::DurationMedian,
        Self::Duration95,
    ];

    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Denied => "denied_per_10000",
            Self::Failed => "failed_per_10000",
            Self::Cut => "cut_per_10000",
            Self::GuardsBlocked => "guards_blocked_per_10000",
            Self::GuardsFlagged => "guards_flagged_per_10000",
            Self::GuardsErrored => "guards_errored_per_10000",
            Self::GuardsNotRun => "guards_not_run_per_10000",
            Self::Tokens => "tokens",
            Self::Cost => "cost_micros",
            Self::DurationMedian => "duration_median_us",
            Self::Duration95 => "duration_p95_us",
        }
    }

    /// What kind of number it is.
    pub fn measure(self) -> RuleMeasure {
        match self {
            Self::Calls | Self::Tokens | Self::Cost => RuleMeasure::Sum,
            Self::DurationMedian | Self::Duration95 => RuleMeasure::Rank,
            Self::Denied
            | Self::Failed
            | Self::Cut
            | Self::GuardsBlocked
            | Self::GuardsFlagged
            | Self::GuardsErrored
            | Self::GuardsNotRun => RuleMeasure::Share,
        }
    }

    /// Whether it is what guards came to, and can be of one guard.
    pub fn is_of_guards(self) -> bool {
        matches!(self, Self::GuardsBlocked | Self::GuardsFlagged | Self::GuardsErrored | Self::GuardsNotRun)
    }

    /// Whether it can be of one provider. A denied call was at none.
    pub fn can_be_of_upstream(self) -> bool {
        !self.is_of_guards() && self != Self::Denied
    }

    /// Whether it can be of one model, as it was asked for.
    pub fn can_be_of_model(self) -> bool {
        !self.is_of_guards()
    }
}

/// On which side of the threshold a rule fires. A number that is the threshold is on neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleComparison {
    /// It fires when the number is larger.
    Above,
    /// It fires when the number is smaller.
    Below,
}

/// How a number stands to a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerdict {
    /// It is on this side, whatever is not known.
    Within,
    /// It is beyond, whatever is not known.
    Beyond,
    /// What is not known decides.
    Unknown,
}

impl RuleComparison {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    /// How a number stands that is at least `low` and at most `high`, if that has a bound: said only where every number between them stands so.
    pub fn judge(self, low: u64, high: Option<u64>, threshold: u64) -> RuleVerdict {
        let (beyond, within) = match self {
            Self::Above => (low > threshold, high.is_some_and(|high| high <= threshold)),
            Self::Below => (high.is_some_and(|high| high < threshold), low >= threshold),
        };
        match (beyond, within) {
            (true, false) => RuleVerdict::Beyond,
            (false, true) => RuleVerdict::Within,
            _ => RuleVerdict::Unknown,
        }
    }

    /// `part` of `whole` in ten-thousandths, rounded towards where the rule fires: the comparison with a whole threshold is then that of the fraction itself.
    /// None of nothing.
    pub fn share(self, part: u64, whole: u64) -> Option<u64> {
        let (part, whole) = (u128::from(part) * u128::from(RULE_WHOLE), u128::from(whole));
        let share = match self {
            Self::Above => part.checked_add(whole.checked_sub(1)?)?.checked_div(whole)?,
            Self::Below => part.checked_div(whole)?,
        };
        u64::try_from(share).ok()
    }
}

/// Which calls a rule is over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RuleScope {
    /// Those of this system; none: of all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system: Option<SystemId>,
    /// Looks of this guard, by its name in the configuration; none: calls by all their guards.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub guard: Option<String>,
    /// Attempts at this provider, by its name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream: Option<String>,
    /// Calls that asked for this model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
}

/// What is measured, and against what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTest {
    /// The number.
    pub metric: RuleMetric,
    /// Of which calls.
    pub scope: RuleScope,
    /// The currency of money.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// Length of the window, which ends when the rule is looked at.
    pub window_minutes: u64,
    /// On which side it fires.
    pub comparison: RuleComparison,
    /// The threshold, in the metric's unit.
    pub threshold: u64,
    /// Least number of observations; with fewer nothing is said.
    pub at_least: u64,
}

/// `rule.set`, stream `rule/<name>`: this rule is looked at from here on, in place of the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`; the stream's name after `rule/`.
    pub name: String,
    /// What it is for, in words.
    pub why: String,
    /// What is measured, and against what.
    pub test: RuleTest,
    /// What changed and why, for the reader of the history.
    pub note: String,
}

/// `rule.ended`, stream `rule/<name>`: nothing of this name is looked at any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleEnded {
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What was found when a rule's number crossed its threshold, in either direction: enough to compute it again from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCrossing {
    /// Name of the rule.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The number.
    pub metric: RuleMetric,
    /// On which side of the threshold it fires.
    pub comparison: RuleComparison,
    /// The threshold.
    pub threshold: u64,
    /// What the number was at least.
    pub low: u64,
    /// What it was at most; none: what is not known has no bound. The same as `low` where all is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub high: Option<u64>,
    /// Observations that it was made of.
    pub observations: u64,
    /// Calls and looks of which it is not known what they would have added.
    pub unknown: u64,
    /// Where the window began, by commit time.
    pub from: Micros,
    /// Before which moment it ended.
    pub to: Micros,
    /// Entries of the log that it was computed from.
    pub size: u64,
}

/// `rule.fired`, stream `rule/<name>/state`: the number is beyond the threshold; once until it came back, and once for each version of the rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleFired(pub RuleCrossing);

/// `rule.resolved`, stream `rule/<name>/state`: the number is no longer beyond the threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleResolved(pub RuleCrossing);

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: P32. A word is what is recorded, once for each number.
    #[test]
    fn metrics_are_written_by_their_words() {
        for metric in RuleMetric::ALL {
            let word = serde_json::to_value(metric).expect("plain");
            assert_eq!(word, metric.as_str(), "a rule would be recorded as one over another number");
            assert_eq!(
                word.as_str().expect("a word").ends_with("_per_10000"),
                metric.measure() == RuleMeasure::Share
            );
        }
        for wrong in ["", "denied", "records_per_hour", "NaN"] {
            assert!(
                serde_json::from_value::<RuleMetric>(wrong.into()).is_err(),
                "{wrong} was taken for a number"
            );
        }
    }

    /// Requirement: P32. What is not known never says that a number is beyond, nor that it is not.
    #[test]
    fn a_verdict_is_given_only_where_nothing_unknown_can_change_it() {
        use RuleComparison::{Above, Below};
        use RuleVerdict::{Beyond, Unknown, Within};
        for (comparison, low, high, verdict) in [
            (Above, 11, Some(11), Beyond),
            (Above, 10, Some(10), Within),
            (Above, 9, Some(11), Unknown),
            (Above, 11, None, Beyond),
            (Above, 0, None, Unknown),
            (Below, 9, Some(9), Beyond),
            (Below, 10, Some(10), Within),
            (Below, 9, Some(10), Unknown),
            (Below, 10, None, Within),
            (Below, 0, None, Unknown),
        ] {
            assert_eq!(comparison.judge(low, high, 10), verdict, "{comparison:?} 10: {low} to {high:?}");
        }
    }

    /// Requirement: P32. A share is rounded towards firing: one of very many is above none, and all but one is below all.
    #[test]
    fn shares_compare_as_the_fractions_do() {
        assert_eq!(
            RuleComparison::Above.share(1, 30_000),
            Some(1),
            "one denied call in 30,000 is no share of 0"
        );
        assert_eq!(RuleComparison::Below.share(29_999, 30_000), Some(9_999));
        assert_eq!(RuleComparison::Above.share(1, 4), Some(2_500));
        assert_eq!(RuleComparison::Below.share(1, 4), Some(2_500));
        for comparison in [RuleComparison::Above, RuleComparison::Below] {
            assert_eq!(comparison.share(0, 0), None, "of nothing there is no share");
            assert_eq!(comparison.share(0, 7), Some(0));
            assert_eq!(comparison.share(u64::MAX, u64::MAX), Some(RULE_WHOLE));
        }
    }
}
