//! The number that a rule is over: of the calls of its scope in a window, from the rows of one moment.
//!
//! Promises: the same log size, window and rule give the same reading, as long as nothing is erased in between. What is not known makes a number a span of numbers, the least and
//! the most that it can be; never a smaller or a larger number. Looks at [`MAX_RULE_CALLS`] calls at most. Must never: count a canary, which stands in no table that is
//! read here; give a number of a part of the window.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use tabellion_model::Micros;
use tabellion_model::body::{RuleComparison, RuleMeasure, RuleMetric, RuleTest, RuleVerdict};

use super::call_groups::first_at;
use super::calls::ASKS_A_MODEL;
use super::guards::{self, MAX_GUARD_GROUPS, OutcomeCounts};
use super::{Where, bytes};
use crate::error::ViewsError;
use crate::projection::calls::state;
use crate::values::{int, number, optional_time};
use crate::views::Views;

/// Most calls that one reading is made of: what it costs grows with them. A window with more is not read in part: its number is unknown.
pub const MAX_RULE_CALLS: u64 = 1_000_000;
/// Microseconds of a minute.
const MINUTE_US: u64 = 60 * 1_000_000;

/// Why a reading says nothing of its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleLacking {
    /// There are fewer observations than the rule asks for.
    TooFew,
    /// The window holds more calls than are looked at.
    TooMany,
    /// The first call of the scope is younger than the window is long: how few there are says nothing yet.
    TooYoung,
    /// Some views are being made anew, and do not stand at one log size.
    Behind,
}

/// A rule's number at one log size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleReading {
    /// Entries that it was made from.
    pub size: u64,
    /// Where the window begins, by commit time.
    pub from: Micros,
    /// Before which moment it ends.
    pub to: Micros,
    /// What the number is at least; none: of no observation there is none.
    pub low: Option<u64>,
    /// What it is at most; none: what is not known has no bound.
    pub high: Option<u64>,
    /// Observations that it is made of.
    pub observations: u64,
    /// Calls and looks of which it is not known what they add.
    pub unknown: u64,
    /// Why it says nothing.
    pub lacking: Option<RuleLacking>,
}

impl RuleReading {
    /// How it stands to the rule's threshold.
    pub fn verdict(&self, test: &RuleTest) -> RuleVerdict {
        match (self.lacking, self.low) {
            (None, Some(low)) => test.comparison.judge(low, self.high, test.threshold),
            _ => RuleVerdict::Unknown,
        }
    }
}

impl Views {
    /// The number of `test` in the window that ends before `to`.
    pub fn rule_reading(&self, test: &RuleTest, to: Micros) -> Result<RuleReading, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            Ok(read(&moment, test, to)?)
        })
    }
}

/// What was counted, before it is rounded.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    low: Option<u64>,
    high: Option<u64>,
    observations: u64,
    unknown: u64,
}

fn read(db: &Connection, test: &RuleTest, to: Micros) -> rusqlite::Result<RuleReading> {
    let from = Micros(to.0.saturating_sub(test.window_minutes.saturating_mul(MINUTE_US)));
    let (size, is_one) = position(db)?;
    let mut reading = RuleReading {
        size,
        from,
        to,
        low: None,
        high: None,
        observations: 0,
        unknown: 0,
        lacking: (!is_one).then_some(RuleLacking::Behind),
    };
    if reading.lacking.is_some() {
        return Ok(reading);
    }
    let Some(found) = found(db, test, from, to)? else {
        return Ok(RuleReading { lacking: Some(RuleLacking::TooMany), ..reading });
    };
    (reading.low, reading.high) = (found.low, found.high);
    (reading.observations, reading.unknown) = (found.observations, found.unknown);
    reading.lacking = if found.observations < test.at_least || found.low.is_none() {
        Some(RuleLacking::TooFew)
    } else if is_too_young(db, test, from)? {
        Some(RuleLacking::TooYoung)
    } else {
        None
    };
    Ok(reading)
}

/// The log size that the rows stand at, and whether all do that are read here.
fn position(db: &Connection) -> rusqlite::Result<(u64, bool)> {
    let sql =
        "SELECT min(position) AS low, max(position) AS high FROM views WHERE name IN ('calls', 'spend')";
    db.prepare_cached(sql)?.query_row([], |row| {
        let (low, high) = (number(row, "low")?, number(row, "high")?);
        Ok((low, low == high))
    })
}

/// Whether few calls say only that there were none before: a sum that is to be no smaller needs a window that somebody could have called in.
fn is_too_young(db: &Connection, test: &RuleTest, from: Micros) -> rusqlite::Result<bool> {
    if test.comparison != RuleComparison::Below || test.metric.measure() != RuleMeasure::Sum {
        return Ok(false);
    }
    let mut wanted = Where::default();
    wanted.with("system = ?", test.scope.system.map(bytes));
    let sql = format!("SELECT at FROM calls{} ORDER BY entry LIMIT 1", wanted.sql());
    let first =
        db.prepare_cached(&sql)?.query_row(params_from_iter(wanted.values), |row| optional_time(row, 0));
    Ok(first.optional()?.flatten().is_none_or(|first| first > from))
}

/// The calls of the window and system, at most one more than are looked at: what stands behind FROM, and its values. None: there are none.
fn window(
    db: &Connection,
    test: &RuleTest,
    from: Micros,
    to: Micros,
) -> rusqlite::Result<Option<(String, Vec<Value>)>> {
    let Some(first) = first_at(db, from)? else { return Ok(None) };
    let mut wanted = Where::default();
    wanted
        .with("calls.entry >= ?", Some(int(first)))
        .with("calls.at < ?", Some(int(to.0)))
        .with("calls.system = ?", test.scope.system.map(bytes));
    wanted.only(ASKS_A_MODEL);
    let source = format!("(SELECT * FROM calls{} LIMIT {}) AS calls", wanted.sql(), MAX_RULE_CALLS + 1);
    Ok(Some((source, wanted.values)))
}

/// None: there is too much to look at.
fn found(db: &Connection, test: &RuleTest, from: Micros, to: Micros) -> rusqlite::Result<Option<Found>> {
    let Some((source, mut values)) = window(db, test, from, to)? else {
        let is_sum = test.metric.measure() == RuleMeasure::Sum;
        let nothing = is_sum.then_some(0);
        return Ok(Some(Found { low: nothing, high: nothing, ..Found::default() }));
    };
    if test.metric.is_of_guards() {
        return of_guards(db, test, &source, values);
    }
    let within = within(test, &mut values);
    let groups = groups(db, test, &source, &within, values.clone())?;
    if groups.iter().map(|group| group.calls).sum::<u64>() > MAX_RULE_CALLS {
        return Ok(None);
    }
    Ok(Some(match test.metric {
        RuleMetric::Tokens => tokens(&groups),
        RuleMetric::Cost => cost(&groups),
        RuleMetric::Calls => counted(test, &groups),
        RuleMetric::DurationMedian => ranked(&groups, &durations(db, &source, &within, values)?, 50),
        RuleMetric::Duration95 => ranked(&groups, &durations(db, &source, &within, values)?, 95),
        _ => share(test, &groups),
    }))
}

/// SQL that is 1 for a call of the scope, 0 for another and null where that was erased.
fn within(test: &RuleTest, values: &mut Vec<Value>) -> String {
    let mut parts = Vec::new();
    for (column, wanted) in [("upstream", &test.scope.upstream), ("model", &test.scope.model)] {
        if let Some(wanted) = wanted {
            values.push(Value::Text(wanted.clone()));
            let place = values.len();
            // A denied call was at no provider, and may have named no model; of an erased one nobody knows.
            parts.push(format!(
                "CASE WHEN calls.{column} IS NOT NULL THEN calls.{column} = ?{place} WHEN calls.asked_unit IS NOT NULL THEN 0 END"
            ));
        }
    }
    if parts.is_empty() { "1".to_owned() } else { parts.join(" AND ") }
}

/// Calls that are alike in all that is counted.
struct Group {
    /// Whether they are of the scope; none: erased.
    within: Option<bool>,
    state: i64,
    outcome: Option<String>,
    /// Whether they ended and what says how was erased.
    end_gone: bool,
    /// Whether they are further attempts.
    is_further: bool,
    /// How their charge is known; none: they have none.
    known: Option<String>,
    /// Whether they are charged in the rule's currency.
    is_priced: bool,
    calls: u64,
    tokens: u64,
    micros: u64,
}

impl Group {
    /// Whether nobody knows how they ended: erased, or their process ended.
    fn is_lost(&self) -> bool {
        self.end_gone || self.state == state::BROKEN
    }

    fn has_ended(&self) -> bool {
        self.state == state::COMPLETED || self.state == state::BROKEN
    }

    /// Whether what they took was counted, not only reserved.
    fn is_settled(&self) -> bool {
        self.known.as_deref().is_some_and(|known| known != "open" && known != "reserve")
    }
}

fn groups(
    db: &Connection,
    test: &RuleTest,
    source: &str,
    within: &str,
    mut values: Vec<Value>,
) -> rusqlite::Result<Vec<Group>> {
    let currency = test.currency.map_or(Value::Null, |currency| Value::Text(currency.to_string()));
    values.push(currency);
    let sql = format!(
        "SELECT {within} AS within, calls.state, calls.outcome, calls.state = {completed} AND calls.ended_unit IS NULL AS end_gone,
        calls.attempt_of IS NOT NULL AS is_further, charges.known, coalesce(charges.currency = ?{place}, 0) AS is_priced,
        count(*) AS calls, coalesce(sum(charges.input + charges.output), 0) AS tokens, coalesce(sum(charges.micros), 0) AS micros
        FROM {source} LEFT JOIN charges ON charges.entry = calls.entry GROUP BY 1, 2, 3, 4, 5, 6, 7",
        completed = state::COMPLETED,
        place = values.len()
    );
    let mut select = db.prepare_cached(&sql)?;
    let groups = select.query_map(params_from_iter(values), group)?;
    groups.collect()
}

fn group(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        within: row.get("within")?,
        state: row.get("state")?,
        outcome: row.get("outcome")?,
        end_gone: row.get("end_gone")?,
        is_further: row.get("is_further")?,
        known: row.get("known")?,
        is_priced: row.get("is_priced")?,
        calls: number(row, "calls")?,
        tokens: number(row, "tokens")?,
        micros: number(row, "micros")?,
    })
}

/// A share of calls, or nothing where there is none.
fn of_whole(comparison: RuleComparison, part: u64, whole: u64, unknown: u64) -> Found {
    let all = whole.saturating_add(unknown);
    Found {
        low: (whole > 0).then(|| comparison.share(part, all)).flatten(),
        high: comparison.share(part.saturating_add(unknown), all),
        observations: whole,
        unknown,
    }
}

/// Calls: by their first attempts, and all attempts where one provider is asked for.
fn counted(test: &RuleTest, groups: &[Group]) -> Found {
    let mut found = Found::default();
    for group in groups {
        match group.within {
            _ if group.is_further && test.scope.upstream.is_none() => {}
            Some(false) => {}
            Some(true) => found.observations += group.calls,
            None => found.unknown += group.calls,
        }
    }
    let low = found.observations;
    Found { low: Some(low), high: Some(low + found.unknown), ..found }
}

/// Denied calls, or attempts that ended in one way.
fn share(test: &RuleTest, groups: &[Group]) -> Found {
    let (mut part, mut whole, mut unknown) = (0, 0, 0);
    for group in groups.iter().filter(|group| group.within != Some(false)) {
        let (counts, is_part, is_lost) = match test.metric {
            // A denied attempt is no denied call.
            RuleMetric::Denied => (!group.is_further, group.state == state::DENIED, false),
            RuleMetric::Failed => {
                (group.has_ended(), group.outcome.as_deref() == Some("failed"), group.is_lost())
            }
            _ => (group.has_ended(), group.outcome.as_deref() == Some("cut"), group.is_lost()),
        };
        if !counts {
            continue;
        }
        if is_lost || group.within.is_none() {
            unknown += group.calls;
            continue;
        }
        whole += group.calls;
        part += if is_part { group.calls } else { 0 };
    }
    of_whole(test.comparison, part, whole, unknown)
}

/// Calls that were let through to a provider, of the scope or perhaps of it.
fn sent(groups: &[Group]) -> impl Iterator<Item = &Group> {
    groups.iter().filter(|group| group.within != Some(false) && group.state != state::DENIED)
}

/// What was counted is the least, what was reserved or is perhaps of the scope too the most. Of a call without a charge nobody knows.
fn tokens(groups: &[Group]) -> Found {
    let (mut low, mut high) = (0_u64, Some(0_u64));
    let mut found = Found::default();
    for group in sent(groups) {
        let is_known = group.within == Some(true) && group.is_settled();
        let count = if is_known { &mut found.observations } else { &mut found.unknown };
        *count += group.calls;
        low += if is_known { group.tokens } else { 0 };
        high = high.filter(|_| group.known.is_some()).map(|high| high + group.tokens);
    }
    Found { low: Some(low), high, ..found }
}

/// The same of money. What has no price in the rule's currency took nobody knows how much, unless it took no tokens.
fn cost(groups: &[Group]) -> Found {
    let (mut low, mut high) = (0_u64, Some(0_u64));
    let mut found = Found::default();
    for group in sent(groups) {
        let is_free = group.is_settled() && group.tokens == 0;
        let is_rated = group.is_priced || is_free;
        let is_known = group.within == Some(true) && group.is_settled() && is_rated;
        let count = if is_known { &mut found.observations } else { &mut found.unknown };
        *count += group.calls;
        let micros = if group.is_priced { group.micros } else { 0 };
        low += if is_known { micros } else { 0 };
        high = high.filter(|_| is_rated).map(|high| high + micros);
    }
    Found { low: Some(low), high, ..found }
}

/// How long answered calls of the scope took, shortest first.
fn durations(db: &Connection, source: &str, within: &str, values: Vec<Value>) -> rusqlite::Result<Vec<u64>> {
    let sql = format!(
        "SELECT calls.duration_us FROM {source} WHERE calls.outcome = 'answered' AND calls.duration_us IS NOT NULL AND {within}"
    );
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(values), |row| number(row, 0))?;
    let mut durations = rows.collect::<rusqlite::Result<Vec<u64>>>()?;
    durations.sort_unstable();
    Ok(durations)
}

/// What `percent` of them did not exceed: at least as if all others had taken no time, at most as if those had never ended.
fn ranked(groups: &[Group], sorted: &[u64], percent: u64) -> Found {
    let observations = sorted.len() as u64;
    let ended = groups.iter().filter(|group| group.within != Some(false) && group.has_ended());
    let perhaps = ended.filter(|group| {
        let may_be_answered = group.outcome.as_deref() == Some("answered") || group.is_lost();
        may_be_answered && (group.is_lost() || group.within.is_none())
    });
    let unknown = perhaps.map(|group| group.calls).sum::<u64>();
    if observations == 0 {
        return Found { unknown, ..Found::default() };
    }
    let rank = (observations + unknown).saturating_mul(percent).div_ceil(100).max(1);
    let at = |rank: u64| usize::try_from(rank - 1).ok().and_then(|place| sorted.get(place).copied());
    let low = if rank <= unknown { Some(0) } else { at(rank - unknown) };
    Found { low, high: at(rank), observations, unknown }
}

/// Of calls at which no guard will look any more: neither one under way, nor one that is over and of which guards owe what they say.
const LOOKED_AT: &str = "(calls.after_guards IS NULL OR EXISTS (SELECT 1 FROM assessments WHERE assessments.call = calls.record_id))";

/// What guards came to: looks of one guard, or calls by the gravest outcome of all their guards. Calls of which more will be said are not counted yet.
fn of_guards(
    db: &Connection,
    test: &RuleTest,
    source: &str,
    values: Vec<Value>,
) -> rusqlite::Result<Option<Found>> {
    let ended = format!("{source} WHERE calls.state <> {} AND {LOOKED_AT}", state::OPEN);
    let report = guards::report(db, &ended, values.clone())?;
    let all = report.all();
    if report.groups >= MAX_GUARD_GROUPS || all.calls > MAX_RULE_CALLS {
        return Ok(None);
    }
    let (outcomes, unknown) = match &test.scope.guard {
        None => (all.outcomes, all.erased),
        Some(guard) => {
            let mut outcomes = OutcomeCounts::default();
            for (_, counts) in report.guards.iter().filter(|(key, _)| key.guard == *guard) {
                outcomes.passed += counts.passed;
                outcomes.flagged += counts.flagged;
                outcomes.blocked += counts.blocked;
                outcomes.errored += counts.errored;
                outcomes.not_run += counts.not_run;
            }
            (outcomes, erased_looks(db, &ended, values)?)
        }
    };
    let part = match test.metric {
        RuleMetric::GuardsBlocked => outcomes.blocked,
        RuleMetric::GuardsFlagged => outcomes.flagged,
        RuleMetric::GuardsErrored => outcomes.errored,
        _ => outcomes.not_run,
    };
    Ok(Some(of_whole(test.comparison, part, outcomes.sum(), unknown)))
}

/// Looks of which what guards said was erased, one for each side of a call: perhaps those of the guard that is asked for.
fn erased_looks(db: &Connection, ended: &str, values: Vec<Value>) -> rusqlite::Result<u64> {
    let sql = format!(
        "SELECT coalesce(sum(asked_unit IS NULL), 0) + coalesce(sum(state = {} AND ended_unit IS NULL), 0)
        + coalesce(sum(EXISTS (SELECT 1 FROM assessments WHERE assessments.call = calls.record_id AND assessments.unit IS NULL)), 0) AS looks
        FROM {ended}",
        state::COMPLETED
    );
    db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| number(row, "looks"))
}

#[cfg(test)]
mod tests;
