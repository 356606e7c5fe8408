//! Calls over time: how many were let through, denied or ended badly in each stretch of a window.
//!
//! Promises: one scale for the whole window, chosen so that a chart of it can be read; a count that leaves calls out says so. Its time is bounded: it
//! reads at most [`COUNTED_CALLS`] rows, or one row for each day and system. Must never: fill in how a call ended that was not ended then.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use tabellion_model::{Micros, SystemId};

use super::call_groups::first_at;
use super::calls::{ASKS_A_MODEL, CallFilter, CallState, conditions};
use super::{Where, bytes};
use crate::error::ViewsError;
use crate::projection::tallies::DAY_US;
use crate::values::{int, number, optional_number, time};
use crate::views::Views;

/// Most calls that are counted one by one: some 13 ms of processor, in the development profile. Where there are more, days are added up from tallies, or
/// the newest are counted.
pub const COUNTED_CALLS: u32 = 20_000;
/// Most stretches of a window: bars that can still be told apart, and rows of a table that somebody reads.
const MAX_STRETCHES: u64 = 60;
const MILLISECOND: u64 = 1000;
const SECOND: u64 = 1000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// Lengths that people count in; the shortest for a log that is as young as a test's.
const STEPS: [u64; 20] = [
    50 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    5 * SECOND,
    15 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    DAY_US,
    7 * DAY_US,
    28 * DAY_US,
    84 * DAY_US,
    364 * DAY_US,
    3640 * DAY_US,
    36_400 * DAY_US,
];

/// What happened in one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// Let through: answered, open, or ended in a way that was erased.
    pub passed: u64,
    /// Let through and not answered: refused by the provider, failed, abandoned, cut, or ended nobody knows how.
    pub failed: u64,
    /// Denied.
    pub denied: u64,
    /// Tokens of prompts, as providers counted them.
    pub prompt_tokens: u64,
    /// Tokens of answers, likewise.
    pub completion_tokens: u64,
}

impl Stretch {
    /// Calls in it.
    pub fn calls(&self) -> u64 {
        self.passed + self.failed + self.denied
    }

    fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.denied += other.denied;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
    }
}

/// Calls over time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Length of a stretch, microseconds.
    pub step_us: u64,
    /// Where the first stretch begins, by commit time.
    pub from: Micros,
    /// Where the last one ends.
    pub to: Micros,
    /// Stretches with calls, by where they begin, oldest first.
    pub stretches: Vec<(Micros, Stretch)>,
    /// Only the newest [`COUNTED_CALLS`] calls were looked at, and there are more.
    pub partial: bool,
    /// Whether it is known how calls ended and what they took; days are added up without.
    pub ends_known: bool,
}

impl Traffic {
    /// Sum over all stretches.
    pub fn total(&self) -> Stretch {
        let mut total = Stretch::default();
        self.stretches.iter().for_each(|(_, stretch)| total.add(stretch));
        total
    }
}

/// One call, or a day of them.
struct Counted {
    at: Micros,
    counts: Stretch,
}

impl Views {
    /// How the calls that `filter` lets through lie in time: of entries below `below`, in a window that ends at `until` when the filter names no
    /// end. A window in which all of them fall into one stretch is drawn closer.
    pub fn traffic(
        &self,
        filter: &CallFilter,
        below: Option<u64>,
        until: Option<Micros>,
    ) -> Result<Traffic, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let (counted, partial, ends_known) = counted(&moment, filter, below)?;
            let (Some(first), Some(last)) = (counted.first(), counted.last()) else {
                return Ok(Traffic { ends_known, ..Traffic::default() });
            };
            let (first, last) = (first.at, Micros(last.at.0 + 1));
            let shortest = if ends_known { 0 } else { DAY_US };
            let from = filter.from.filter(|from| *from <= first && !partial).unwrap_or(first);
            let to = filter.to.or(until).map_or(last, |to| to.max(last).min(until.unwrap_or(to).max(last)));
            let wide = drawn(&counted, from, to, shortest);
            let drawn = if wide.stretches.len() < 2 { drawn(&counted, first, last, shortest) } else { wide };
            Ok(Traffic { partial, ends_known, ..drawn })
        })
    }
}

/// What there is to count, oldest first; whether calls are left out; whether it is known how they ended.
fn counted(
    db: &Connection,
    filter: &CallFilter,
    below: Option<u64>,
) -> Result<(Vec<Counted>, bool, bool), ViewsError> {
    let below = match filter.to.map(|to| first_at(db, to)).transpose()?.flatten() {
        Some(end) => Some(below.map_or(end, |below| below.min(end))),
        None => below,
    };
    let begin = oldest_counted(db, filter.system, below)?;
    let left_out = match begin {
        None => false,
        Some((_, at)) => filter.from.is_none_or(|from| from < at),
    };
    if left_out && is_tallied(filter, below) {
        return Ok((days(db, filter)?, false, false));
    }
    let calls = calls(db, filter, begin.map(|(entry, _)| entry), below)?;
    Ok((calls, left_out, true))
}

/// The call before which no call is counted one by one.
fn oldest_counted(
    db: &Connection,
    system: Option<SystemId>,
    below: Option<u64>,
) -> rusqlite::Result<Option<(u64, Micros)>> {
    let mut wanted = Where::default();
    wanted.with("system = ?", system.map(bytes)).with("entry < ?", below.map(int));
    let skipped = COUNTED_CALLS.saturating_sub(1);
    let sql =
        format!("SELECT entry, at FROM calls{} ORDER BY entry DESC LIMIT 1 OFFSET {skipped}", wanted.sql());
    db.prepare_cached(&sql)?
        .query_row(params_from_iter(wanted.values), |row| Ok((number(row, "entry")?, time(row, "at")?)))
        .optional()
}

fn calls(
    db: &Connection,
    filter: &CallFilter,
    begin: Option<u64>,
    below: Option<u64>,
) -> Result<Vec<Counted>, ViewsError> {
    let mut wanted = conditions(filter, filter.system);
    wanted.with("calls.entry >= ?", begin.map(int)).with("calls.entry < ?", below.map(int));
    wanted.only(ASKS_A_MODEL);
    if let Some(within) = &filter.within {
        wanted.only(&format!("calls.system IN ({})", literals(within.iter())));
    }
    let sql = format!(
        "SELECT calls.at, calls.state, calls.outcome, calls.end_entry, calls.prompt_tokens, calls.completion_tokens,
        {} AS is_followed, calls.attempt_of IS NOT NULL AS is_further FROM calls
        LEFT JOIN systems ON systems.system = calls.system{} ORDER BY calls.entry LIMIT {COUNTED_CALLS}",
        is_followed(below),
        wanted.sql()
    );
    let values: Vec<Value> = wanted.values;
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(values), |row| call(row, below))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a later attempt of the same call was let through, of entries below `below`.
fn is_followed(below: Option<u64>) -> String {
    let below = below.map_or(i64::MAX, int);
    format!(
        "EXISTS (SELECT 1 FROM calls AS later INDEXED BY calls_attempts WHERE later.attempt_of = coalesce(calls.attempt_of, calls.record_id)
        AND later.entry > calls.entry AND later.entry < {below} AND later.state <> 3)"
    )
}

fn call(row: &Row<'_>, below: Option<u64>) -> rusqlite::Result<Counted> {
    let state = CallState::of(row.get("state")?)?;
    let ended = optional_number(row, "end_entry")?.is_some_and(|end| below.is_none_or(|below| end < below));
    let outcome: Option<String> = row.get("outcome")?;
    let mut counts = Stretch::default();
    let (is_followed, is_further): (bool, bool) = (row.get("is_followed")?, row.get("is_further")?);
    match state {
        // Another attempt says how the call ended; and a denied attempt is no denied call.
        _ if is_followed => {}
        CallState::Denied if is_further => {}
        CallState::Denied => counts.denied = 1,
        CallState::Broken if ended => counts.failed = 1,
        CallState::Completed if ended && outcome.is_some_and(|outcome| outcome != "answered") => {
            counts.failed = 1;
        }
        _ => counts.passed = 1,
    }
    if ended {
        counts.prompt_tokens = optional_number(row, "prompt_tokens")?.unwrap_or(0);
        counts.completion_tokens = optional_number(row, "completion_tokens")?.unwrap_or(0);
    }
    Ok(Counted { at: time(row, "at")?, counts })
}

/// Whether days say all that `filter` asks.
fn is_tallied(filter: &CallFilter, below: Option<u64>) -> bool {
    let whole_days = |at: Option<Micros>| at.is_none_or(|at| at.0.is_multiple_of(DAY_US));
    let plain = CallFilter {
        system: filter.system,
        within: filter.within.clone(),
        state: filter.state.filter(|state| *state == CallState::Denied),
        from: filter.from,
        to: filter.to,
        ..CallFilter::default()
    };
    plain == *filter
        && whole_days(filter.from)
        && whole_days(filter.to)
        && (below.is_none() || filter.to.is_some())
}

fn days(db: &Connection, filter: &CallFilter) -> Result<Vec<Counted>, ViewsError> {
    let mut wanted = Where::default();
    let day = |at: Micros| int(at.0 / DAY_US);
    wanted
        .with("system = ?", filter.system.map(bytes))
        .with("day >= ?", filter.from.map(day))
        .with("day < ?", filter.to.map(day));
    if let Some(within) = &filter.within {
        wanted.only(&format!("system IN ({})", literals(within.iter())));
    }
    let sql = format!(
        "SELECT day, sum(permitted) AS passed, sum(denied) AS denied FROM tallies{} GROUP BY day ORDER BY day",
        wanted.sql()
    );
    let denials_alone = filter.state == Some(CallState::Denied);
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(wanted.values), |row| {
        let passed = if denials_alone { 0 } else { number(row, "passed")? };
        let counts = Stretch { passed, denied: number(row, "denied")?, ..Stretch::default() };
        Ok(Counted { at: Micros(number(row, "day")? * DAY_US), counts })
    })?;
    let mut days = rows.collect::<Result<Vec<_>, _>>()?;
    days.retain(|day| day.counts.calls() > 0);
    Ok(days)
}

/// Ids as literals of SQL: hexadecimal digits, which nobody else chose.
pub(super) fn literals<'a>(ids: impl Iterator<Item = &'a SystemId>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("x'{}'", id.to_hex())).collect();
    ids.join(", ")
}

/// `counted` in stretches that no window of people's reading has too many of.
fn drawn(counted: &[Counted], from: Micros, to: Micros, shortest: u64) -> Traffic {
    let fits = |step: &&u64| {
        **step >= shortest
            && (to.0.saturating_sub(from.0 / **step * **step)).div_ceil(**step) <= MAX_STRETCHES
    };
    let step = STEPS.iter().find(fits).copied().unwrap_or(36_400 * DAY_US);
    let begin = |at: Micros| at.0 / step * step;
    let mut stretches: BTreeMap<u64, Stretch> = BTreeMap::new();
    for one in counted {
        stretches.entry(begin(one.at)).or_default().add(&one.counts);
    }
    Traffic {
        step_us: step,
        from: Micros(begin(from)),
        to: Micros(begin(Micros(to.0.saturating_sub(1).max(from.0))) + step),
        stretches: stretches.into_iter().map(|(at, stretch)| (Micros(at), stretch)).collect(),
        ..Traffic::default()
    }
}
