//! Traffic in numbers: how calls ended, why they were denied, for which systems, models and providers, and how long answers took.
//!
//! Promises: each attempt at a provider is a call of its own, as in lists of calls, so that every number is the length of a list. Must never: count what
//! was erased as answered, or show what lies outside the reader's reach.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::SystemId;
use tabellion_model::body::Outcome;
use tabellion_views::query::{CallFilter, CallGroup, CallState, CallTimes, MAX_CALL_GROUPS, Took, TookKey};

use super::forms::{IdForm, Time};
use super::windows::check_kinds;
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::Refusal;

/// The window when nobody names one, in days: a week.
const USUAL_DAYS: u64 = 7;

/// Which calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficQuery {
    /// Of calls decided at or after; absent: 7 days before `to`.
    #[serde(default)]
    pub from: Option<Time>,
    /// Of calls decided before; absent: now.
    #[serde(default)]
    pub to: Option<Time>,
    /// Of this system alone.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
}

/// Calls that ended alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSum {
    /// Where they stand, as calls say it.
    #[schemars(extend("enum" = ["open", "answered", "refused", "failed", "abandoned", "cut", "broken", "denied", "erased"]))]
    pub state: &'static str,
    /// Why they were denied or did not end well; null: they ended well, are open, or what says so was erased.
    pub code: Option<String>,
    /// How many.
    pub calls: u64,
}

/// Calls of one system, model or provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallSum {
    /// The id of the system, or the name of the model or provider; null: none was named, or that was erased.
    pub of: Option<String>,
    /// How many.
    pub calls: u64,
    /// Of these, answered.
    pub answered: u64,
    /// Let through and not answered: refused by the provider, failed, abandoned, cut, or ended nobody knows how.
    pub not_answered: u64,
    /// Without an end.
    pub open: u64,
    /// Denied.
    pub denied: u64,
    /// Ended, and what says how was erased.
    pub erased: u64,
}

/// Why calls to a provider were not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureSum {
    /// The provider; null: erased.
    pub provider: Option<String>,
    /// Why; null: no record says, or it was erased.
    pub code: Option<String>,
    /// How many.
    pub calls: u64,
}

/// How long a provider took to answer with a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimesOf {
    /// The provider; null: erased.
    pub provider: Option<String>,
    /// The model asked for; null: erased.
    pub model: Option<String>,
    /// Answered calls that were looked at.
    pub calls: u64,
    /// Half of them took no longer, from the request's last byte to the end, in microseconds.
    pub median_us: u64,
    /// Of a hundred, ninety-five took no longer.
    pub p95_us: u64,
    /// The longest.
    pub longest_us: u64,
    /// Half of them had the provider's first byte by then; null: no record says.
    pub first_byte_median_us: Option<u64>,
}

/// Traffic in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficSums {
    /// Where the window begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// Calls; each attempt at a provider is one.
    pub calls: u64,
    /// Of these, further attempts of calls that another provider or try had not answered.
    pub further_attempts: u64,
    /// By how they ended, most first.
    pub ends: Vec<EndSum>,
    /// By system, most first.
    pub systems: Vec<CallSum>,
    /// By the model asked for, most first.
    pub models: Vec<CallSum>,
    /// By provider, of calls let through, most first.
    pub providers: Vec<CallSum>,
    /// Calls that providers did not answer, by provider and code, most first.
    pub failures: Vec<FailureSum>,
    /// How long answers took, by provider and model.
    pub times: Vec<TimesOf>,
    /// Whether only the newest answers were looked at for that.
    pub times_partial: bool,
}

impl Desk {
    /// The calls within reach in numbers.
    pub fn traffic_sums(&self, actor: &Actor, query: &TrafficQuery) -> Result<TrafficSums, Refusal> {
        let (from, to) = self.window(query.from, query.to, USUAL_DAYS)?;
        let filter = CallFilter {
            system: query.system,
            // A system out of reach has no calls, like one that is not there.
            within: self.systems_within(actor, Permission::ReadCalls)?,
            from: Some(from),
            to: Some(to),
            ..CallFilter::default()
        };
        let groups = self.views.call_sums(&filter, None)?;
        check_kinds(groups.len(), MAX_CALL_GROUPS)?;
        let times = self.views.call_times(&filter, None)?;
        Ok(TrafficSums {
            from: Time(from),
            to: Time(to),
            calls: groups.iter().map(|group| group.calls).sum(),
            further_attempts: groups.iter().filter(|group| group.is_further).map(|group| group.calls).sum(),
            ends: ends(&groups),
            systems: sums(groups.iter(), |group| group.system.map(|system| system.to_hex())),
            models: sums(groups.iter(), |group| group.model.clone()),
            providers: sums(groups.iter().filter(|group| group.state != CallState::Denied), |group| {
                group.upstream.clone()
            }),
            failures: failures(&groups),
            times_partial: times.partial,
            times: times_of(times),
        })
    }
}

/// One word for where such calls stand.
fn state(group: &CallGroup) -> &'static str {
    match (group.state, group.outcome) {
        (CallState::Open, _) => "open",
        (CallState::Broken, _) => "broken",
        (CallState::Denied, _) => "denied",
        (CallState::Completed, Some(Outcome::Answered)) => "answered",
        (CallState::Completed, Some(Outcome::Refused)) => "refused",
        (CallState::Completed, Some(Outcome::Failed)) => "failed",
        (CallState::Completed, Some(Outcome::Abandoned)) => "abandoned",
        (CallState::Completed, Some(Outcome::Cut)) => "cut",
        (CallState::Completed, None) => "erased",
    }
}

fn ends(groups: &[CallGroup]) -> Vec<EndSum> {
    let mut counts: BTreeMap<(&'static str, Option<String>), u64> = BTreeMap::new();
    for group in groups {
        *counts.entry((state(group), group.code.clone())).or_default() += group.calls;
    }
    let mut ends: Vec<EndSum> =
        counts.into_iter().map(|((state, code), calls)| EndSum { state, code, calls }).collect();
    ends.sort_by_key(|end| std::cmp::Reverse(end.calls));
    ends
}

/// `groups` by what `of` says of each.
fn sums<'a>(
    groups: impl Iterator<Item = &'a CallGroup>,
    of: impl Fn(&CallGroup) -> Option<String>,
) -> Vec<CallSum> {
    let mut sums: BTreeMap<Option<String>, CallSum> = BTreeMap::new();
    for group in groups {
        let named = of(group);
        let sum = sums.entry(named.clone()).or_insert_with(|| CallSum { of: named, ..CallSum::default() });
        sum.calls += group.calls;
        let count = match state(group) {
            "open" => &mut sum.open,
            "answered" => &mut sum.answered,
            "denied" => &mut sum.denied,
            "erased" => &mut sum.erased,
            _ => &mut sum.not_answered,
        };
        *count += group.calls;
    }
    let mut sums: Vec<CallSum> = sums.into_values().collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.calls));
    sums
}

fn failures(groups: &[CallGroup]) -> Vec<FailureSum> {
    let failed = |group: &&CallGroup| !matches!(state(group), "open" | "answered" | "denied" | "erased");
    let mut counts: BTreeMap<(Option<String>, Option<String>), u64> = BTreeMap::new();
    for group in groups.iter().filter(failed) {
        *counts.entry((group.upstream.clone(), group.code.clone())).or_default() += group.calls;
    }
    let sum = |((provider, code), calls)| FailureSum { provider, code, calls };
    let mut failures: Vec<FailureSum> = counts.into_iter().map(sum).collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.calls));
    failures
}

fn times_of(times: CallTimes) -> Vec<TimesOf> {
    let one = |((provider, model), took): (TookKey, Took)| TimesOf {
        provider,
        model,
        calls: took.calls,
        median_us: took.median_us,
        p95_us: took.most_us,
        longest_us: took.longest_us,
        first_byte_median_us: took.first_byte_us,
    };
    times.by.into_iter().map(one).collect()
}
