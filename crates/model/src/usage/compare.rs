//! What a provider counted, held against the calls that the gateway let through to it.
//!
//! Promises: `more_there` is said only where no reading of our own records could make up for it; `agrees` only where both sides are whole. Must never: let a call
//! of which too little is known count as one that was counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DAY_US, UsageAccount, UsageCell, UsageSpan};
use crate::Micros;

/// Requests and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amounts {
    /// Requests.
    pub requests: u64,
    /// Tokens of prompts.
    pub input: u64,
    /// Tokens of answers.
    pub output: u64,
}

impl Amounts {
    fn add(&mut self, other: Self) {
        *self = Self {
            requests: self.requests.saturating_add(other.requests),
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        };
    }

    /// The larger of each.
    fn largest(self, other: Self) -> Self {
        Self {
            requests: self.requests.max(other.requests),
            input: self.input.max(other.input),
            output: self.output.max(other.output),
        }
    }
}

/// How much is known of some calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The provider answered and counted.
    Whole,
    /// It was sent and what became of it is not known: under way, cut, broken off, answered without counts. The amounts are the most that it can have taken.
    AtMost,
    /// The provider answered with a refusal, or the route counts no tokens: it may count as a request.
    Request,
}

/// Calls that are alike, added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The first day that they may count in.
    pub first_day: Micros,
    /// The last: another one where they ran about midnight.
    pub last_day: Micros,
    /// The upstream; none: erased.
    pub upstream: Option<String>,
    /// The model that was asked for; none: erased.
    pub asked: Option<String>,
    /// The model that answered, by its own word; none: it named none, or that was erased.
    pub answered: Option<String>,
    /// How much is known of them.
    pub counted: Counted,
    /// What they come to.
    pub amounts: Amounts,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What the provider counted.
    pub cells: &'a [UsageCell],
    /// The times that it speaks of.
    pub covered: &'a [UsageSpan],
    /// Which upstream calls with which account.
    pub accounts: &'a [UsageAccount],
    /// The first moment of which our log could hold calls.
    pub log_from: Micros,
    /// Difference in tokens that is let pass as rounding, in thousandths of what was counted here.
    pub tolerance_per_mille: u64,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both counted the same.
    Agrees,
    /// The provider counted more than went through the gateway, whatever became of the calls of which too little is known.
    MoreThere,
    /// More went through the gateway than the provider counted.
    MoreHere,
    /// It cannot be said: the reasons say why.
    NotComparable,
}

/// What a verdict has to be read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The export speaks of a moment of this time at which there was no log yet.
    BeforeLog,
    /// The export covers a part of this time.
    PartlyCovered,
    /// Calls of which too little is known could make up for the difference.
    NotCounted,
    /// The provider says nothing of requests: tokens alone were compared.
    NoRequests,
    /// The export names no such model in this time.
    NotInExport,
    /// The account is none of those that an upstream calls with.
    UnknownAccount,
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The day; none: the whole window.
    pub day: Option<Micros>,
    /// The account; none: that of upstreams which name none.
    pub account: Option<String>,
    /// The model, as the provider names it.
    pub model: String,
    /// What the provider counted.
    pub there: Amounts,
    /// Whether it counts requests.
    pub has_requests: bool,
    /// What was counted here for certain.
    pub here: Amounts,
    /// What may come to that: of calls of which too little is known.
    pub perhaps: Amounts,
    /// What it comes to.
    pub verdict: Verdict,
    /// What to read it with.
    pub reasons: Vec<Reason>,
    /// What the provider counted beyond everything that can have come from here.
    pub beyond: Amounts,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// By account, model and day.
    pub days: Vec<Compared>,
    /// By account and model, over the whole window.
    pub totals: Vec<Compared>,
}

/// Cells and upstreams of one account.
struct Side<'a> {
    account: Option<String>,
    is_known: bool,
    upstreams: BTreeSet<&'a str>,
    cells: Vec<&'a UsageCell>,
}

/// Compares what the provider counted with `lanes`.
pub fn compare(wanted: &Wanted<'_>, lanes: &[Lane]) -> Comparison {
    let mut comparison = Comparison::default();
    for side in sides(wanted) {
        // An account that no upstream calls with has no calls of ours, also none whose upstream was erased.
        let own: Vec<&Lane> = lanes
            .iter()
            .filter(|lane| {
                side.is_known
                    && lane.upstream.as_deref().is_none_or(|upstream| side.upstreams.contains(upstream))
            })
            .collect();
        let names = Names::of(&side, &own);
        let window = window(wanted.covered);
        for model in names.all(&own) {
            for (from, until) in window.days() {
                comparison.days.extend(line(wanted, &side, &names, &own, (Some(from), from, until), model));
            }
            let whole = (None, window.from, window.until);
            comparison.totals.extend(line(wanted, &side, &names, &own, whole, model));
        }
    }
    comparison
}

/// What is traffic off the gateway, one line for each account and model: what the provider counted beyond everything that can have come from here.
pub fn off_gateway(comparison: &Comparison) -> Vec<Compared> {
    let mut found = Vec::new();
    for total in &comparison.totals {
        let is_of = |day: &&Compared| (&day.account, &day.model) == (&total.account, &total.model);
        let days = comparison.days.iter().filter(is_of).filter(|day| day.verdict == Verdict::MoreThere);
        let mut beyond = Amounts::default();
        days.for_each(|day| beyond.add(day.beyond));
        if total.verdict == Verdict::MoreThere {
            beyond = beyond.largest(total.beyond);
        }
        if beyond != Amounts::default() {
            found.push(Compared { beyond, verdict: Verdict::MoreThere, ..total.clone() });
        }
    }
    found
}

/// Accounts that upstreams name, what is left, and accounts that nobody here calls with.
fn sides<'a>(wanted: &Wanted<'a>) -> Vec<Side<'a>> {
    let named: BTreeSet<&str> =
        wanted.accounts.iter().filter_map(|account| account.account.as_deref()).collect();
    let takes_rest = wanted.accounts.iter().any(|account| account.account.is_none());
    let of = |cell: &UsageCell| -> Option<String> {
        let ids = [cell.key.as_deref(), cell.account.as_deref()];
        let known = ids.into_iter().flatten().find(|id| named.contains(id));
        if known.is_some() || takes_rest {
            return known.map(str::to_owned);
        }
        // Nobody here calls with it; an export without accounts has none to name.
        Some(cell.key.clone().or_else(|| cell.account.clone()).unwrap_or_default())
    };
    let mut sides: BTreeMap<Option<String>, Side<'a>> = BTreeMap::new();
    let empty = |account: Option<String>, is_known| Side {
        account,
        is_known,
        upstreams: BTreeSet::new(),
        cells: Vec::new(),
    };
    for account in wanted.accounts {
        let side = sides.entry(account.account.clone());
        side.or_insert_with(|| empty(account.account.clone(), true)).upstreams.insert(&account.upstream);
    }
    for cell in wanted.cells {
        let account = of(cell);
        sides.entry(account.clone()).or_insert_with(|| empty(account, false)).cells.push(cell);
    }
    sides.into_values().collect()
}

/// Which models the calls of a side may be counted under by the provider.
struct Names<'a> {
    /// Names in the export.
    in_export: BTreeSet<&'a str>,
    /// Names that answered for what was asked.
    answered: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(side: &Side<'a>, lanes: &[&'a Lane]) -> Self {
        let in_export = side.cells.iter().map(|cell| cell.model.as_str()).collect();
        let mut names = Self { in_export, answered: BTreeMap::new() };
        for lane in lanes {
            let (Some(asked), Some(name)) = (lane.asked.as_deref(), names.certain(lane)) else { continue };
            names.answered.entry(asked).or_default().insert(name);
        }
        names
    }

    /// The model that a provider counts a call under: the one that answered, or the one asked for where its export names that and not the other.
    fn certain<'b>(&self, lane: &'b Lane) -> Option<&'b str> {
        let (asked, answered) = (lane.asked.as_deref(), lane.answered.as_deref());
        let is_there = |name: &&str| self.in_export.contains(name);
        answered.filter(is_there).or(asked.filter(is_there)).or(answered)
    }

    /// Every model that either side names.
    fn all(&self, lanes: &[&'a Lane]) -> BTreeSet<&'a str> {
        let ours = lanes.iter().filter_map(|lane| self.certain(lane).or(lane.asked.as_deref()));
        self.in_export.iter().copied().chain(ours).collect()
    }

    /// Whether calls whose model is not certain may count under `model`.
    fn may(&self, lane: &Lane, model: &str) -> bool {
        let answered = lane.asked.as_deref().and_then(|asked| self.answered.get(asked));
        // Where nothing says what it is called there, it may be any.
        answered.is_none_or(|names| names.contains(model))
    }
}

/// The days of an export.
struct Window {
    from: Micros,
    until: Micros,
}

fn window(covered: &[UsageSpan]) -> Window {
    let from = covered.first().map_or(0, |span| span.from.0);
    let until = covered.last().map_or(0, |span| span.until.0);
    Window { from: Micros(from - from % DAY_US), until: Micros(until.div_ceil(DAY_US) * DAY_US) }
}

impl Window {
    fn days(&self) -> impl Iterator<Item = (Micros, Micros)> {
        let (first, last) = (self.from.0 / DAY_US, self.until.0 / DAY_US);
        (first..last).map(|day| (Micros(day * DAY_US), Micros((day + 1) * DAY_US)))
    }
}

/// One line: what both sides counted of `model` from `from` until `until`.
fn line(
    wanted: &Wanted<'_>,
    side: &Side<'_>,
    names: &Names<'_>,
    lanes: &[&Lane],
    (day, from, until): (Option<Micros>, Micros, Micros),
    model: &str,
) -> Option<Compared> {
    let is_it = |cell: &&&UsageCell| cell.model == model && from <= cell.day && cell.day < until;
    let (mut there, mut has_requests, mut in_export) = (Amounts::default(), true, false);
    for cell in side.cells.iter().filter(is_it) {
        in_export = true;
        has_requests &= cell.requests.is_some();
        let requests = cell.requests.unwrap_or(0);
        there.add(Amounts { requests, input: cell.input, output: cell.output });
    }
    let (here, perhaps) = ours(names, lanes, from, until, model);
    if !in_export && here == Amounts::default() {
        // What perhaps was of this model is said with those that are there.
        return None;
    }
    let held = held(there, here, perhaps, has_requests, wanted.tolerance_per_mille);
    // What the export leaves out was nobody's, and an account that no upstream calls with never had a call in the log, whenever that began.
    let is_strange = !side.is_known && side.account.as_deref() != Some("");
    let early = !is_strange
        && first_covered(wanted.covered, from, until).is_some_and(|first| first < wanted.log_from);
    let partly = !is_covered(wanted.covered, from, until);
    let verdict = if early {
        Verdict::NotComparable
    } else if held.beyond != Amounts::default() {
        Verdict::MoreThere
    } else if partly || held.between {
        Verdict::NotComparable
    } else if held.under {
        Verdict::MoreHere
    } else {
        Verdict::Agrees
    };
    let reasons = [
        (Reason::BeforeLog, early),
        (Reason::PartlyCovered, partly),
        (Reason::NotCounted, held.between),
        (Reason::NoRequests, !has_requests),
        (Reason::NotInExport, !in_export),
        (Reason::UnknownAccount, !side.is_known),
    ];
    Some(Compared {
        day,
        account: side.account.clone(),
        model: model.to_owned(),
        there,
        has_requests,
        here,
        perhaps,
        verdict,
        reasons: reasons.into_iter().filter_map(|(reason, holds)| holds.then_some(reason)).collect(),
        beyond: held.beyond,
    })
}

/// What went to `model` through the gateway from `from` until `until`: for certain, and perhaps.
fn ours(names: &Names<'_>, lanes: &[&Lane], from: Micros, until: Micros, model: &str) -> (Amounts, Amounts) {
    let (mut here, mut perhaps) = (Amounts::default(), Amounts::default());
    for lane in lanes.iter().filter(|lane| lane.last_day >= from && lane.first_day < until) {
        let name = names.certain(lane);
        if !name.map_or_else(|| names.may(lane, model), |name| name == model) {
            continue;
        }
        let within = lane.first_day >= from && lane.last_day < until;
        let sure = within && name.is_some() && lane.counted == Counted::Whole;
        if sure { here.add(lane.amounts) } else { perhaps.add(lane.amounts) }
    }
    (here, perhaps)
}

/// The first moment from `from` until `until` that the export speaks of.
fn first_covered(covered: &[UsageSpan], from: Micros, until: Micros) -> Option<Micros> {
    let within = |span: &&UsageSpan| span.from < until && span.until > from;
    covered.iter().find(within).map(|span| span.from.max(from))
}

fn is_covered(covered: &[UsageSpan], from: Micros, until: Micros) -> bool {
    covered.iter().any(|span| span.from <= from && until <= span.until)
}

/// How numbers stand to each other.
struct Held {
    /// What is beyond everything that can have come from here.
    beyond: Amounts,
    /// Whether calls of which too little is known are needed to explain what is there.
    between: bool,
    /// Whether less was counted there than here.
    under: bool,
}

/// Requests are exact; of tokens, so many thousandths are let pass.
fn held(there: Amounts, here: Amounts, perhaps: Amounts, has_requests: bool, per_mille: u64) -> Held {
    let (mut between, mut under) = (false, false);
    let mut one = |there: u64, here: u64, perhaps: u64, per_mille: u64| -> u64 {
        let slack = u64::try_from(u128::from(here) * u128::from(per_mille) / 1000).unwrap_or(u64::MAX);
        let (most, least) = (here.saturating_add(slack), here.saturating_sub(slack));
        let possible = most.saturating_add(perhaps);
        between |= there > most && there <= possible;
        under |= there < least;
        if there > possible { there.saturating_sub(here.saturating_add(perhaps)) } else { 0 }
    };
    let requests = if has_requests { one(there.requests, here.requests, perhaps.requests, 0) } else { 0 };
    let input = one(there.input, here.input, perhaps.input, per_mille);
    let output = one(there.output, here.output, perhaps.output, per_mille);
    Held { beyond: Amounts { requests, input, output }, between, under }
}

#[cfg(test)]
mod tests;
