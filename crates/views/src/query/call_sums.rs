//! Calls of a window, added up by what they have in common, and how long they took.
//!
//! Promises: each attempt at a provider counts as a call of its own, as lists of calls have it, so that a sum is the length of the list that it leads to;
//! what was erased stands apart. Its time grows with the calls of the window; how long they took is read of the newest [`COUNTED_CALLS`] of them. Must never:
//! take a call that was not answered for one that took no time.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params_from_iter};
use tabellion_model::SystemId;
use tabellion_model::body::Outcome;

use super::call_groups::bounds;
use super::calls::{ASKS_A_MODEL, CallFilter, CallState, conditions};
use super::traffic::{COUNTED_CALLS, literals};
use super::{Page, Where};
use crate::error::ViewsError;
use crate::values::{number, optional_id, optional_number, optional_word};
use crate::views::Views;

/// Most groups of one answer; one with so many may leave some out.
pub const MAX_CALL_GROUPS: usize = 10_000;
/// Of a hundred calls, this many took no longer.
const MOST_PERCENT: usize = 95;

/// Calls that are alike in all that is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallGroup {
    /// The system.
    pub system: Option<SystemId>,
    /// How they stand.
    pub state: CallState,
    /// How they ended; none: they have no end, or what it says was erased.
    pub outcome: Option<Outcome>,
    /// Whether they ended and what says how was erased.
    pub end_erased: bool,
    /// Why they were denied or not answered.
    pub code: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// The provider; denials have none.
    pub upstream: Option<String>,
    /// Whether they are further attempts of calls.
    pub is_further: bool,
    /// How many.
    pub calls: u64,
}

/// Whose answers took so long: provider, and model as it was asked for; none: it was erased.
pub type TookKey = (Option<String>, Option<String>);

/// How long answered calls took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Took {
    /// Calls that were looked at.
    pub calls: u64,
    /// Half of them took no longer, microseconds.
    pub median_us: u64,
    /// Of a hundred, ninety-five took no longer, microseconds.
    pub most_us: u64,
    /// The longest, microseconds.
    pub longest_us: u64,
    /// Half of them had the provider's first byte by then, microseconds; none: no record says.
    pub first_byte_us: Option<u64>,
}

/// How long the calls of a window took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallTimes {
    /// By provider and model.
    pub by: BTreeMap<TookKey, Took>,
    /// Only the newest [`COUNTED_CALLS`] answered calls were looked at, and there are more.
    pub partial: bool,
}

impl Views {
    /// How many calls of entries below `below` that `filter` lets through are alike.
    pub fn call_sums(&self, filter: &CallFilter, below: Option<u64>) -> Result<Vec<CallGroup>, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let Some(wanted) = wanted(&moment, filter, below)? else { return Ok(Vec::new()) };
            let sql = format!(
                "SELECT calls.system, calls.state, calls.outcome, calls.state = 1 AND calls.ended_unit IS NULL AS end_erased, calls.code,
                calls.model, calls.upstream, calls.attempt_of IS NOT NULL AS is_further, count(*) AS calls FROM calls
                LEFT JOIN systems ON systems.system = calls.system{} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 LIMIT {MAX_CALL_GROUPS}",
                wanted.sql()
            );
            let mut select = moment.prepare_cached(&sql)?;
            let groups = select.query_map(params_from_iter(wanted.values), group)?;
            Ok(groups.collect::<Result<_, _>>()?)
        })
    }

    /// How long the answered calls of entries below `below` that `filter` lets through took.
    pub fn call_times(&self, filter: &CallFilter, below: Option<u64>) -> Result<CallTimes, ViewsError> {
        let answered = CallFilter {
            state: Some(CallState::Completed),
            outcome: Some(Outcome::Answered),
            ..filter.clone()
        };
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let Some(mut wanted) = wanted(&moment, &answered, below)? else {
                return Ok(CallTimes::default());
            };
            wanted.only("calls.duration_us IS NOT NULL");
            let sql = format!(
                "SELECT calls.upstream, calls.model, calls.duration_us, calls.first_byte_us FROM calls
                LEFT JOIN systems ON systems.system = calls.system{} ORDER BY calls.entry DESC LIMIT {}",
                wanted.sql(),
                COUNTED_CALLS + 1
            );
            let mut select = moment.prepare_cached(&sql)?;
            let rows = select.query_map(params_from_iter(wanted.values), |row| {
                let key: TookKey = (row.get("upstream")?, row.get("model")?);
                Ok((key, number(row, "duration_us")?, optional_number(row, "first_byte_us")?))
            })?;
            let mut read = rows.collect::<Result<Vec<_>, _>>()?;
            let counted = usize::try_from(COUNTED_CALLS).unwrap_or(usize::MAX);
            let partial = read.len() > counted;
            read.truncate(counted);
            Ok(CallTimes { by: took(read), partial })
        })
    }
}

/// What a filter asks for, its systems included; none: there is nothing in its window.
fn wanted(db: &Connection, filter: &CallFilter, below: Option<u64>) -> Result<Option<Where>, ViewsError> {
    let Some(bounds) = bounds(db, filter, Page { before: below, ..Page::default() })? else {
        return Ok(None);
    };
    let mut wanted = conditions(filter, filter.system);
    bounds.add(&mut wanted);
    wanted.only(ASKS_A_MODEL);
    if let Some(within) = &filter.within {
        wanted.only(&format!("calls.system IN ({})", literals(within.iter())));
    }
    Ok(Some(wanted))
}

fn group(row: &Row<'_>) -> rusqlite::Result<CallGroup> {
    Ok(CallGroup {
        system: optional_id(row, "system")?,
        state: CallState::of(row.get("state")?)?,
        outcome: optional_word(row, "outcome")?,
        end_erased: row.get("end_erased")?,
        code: row.get("code")?,
        model: row.get("model")?,
        upstream: row.get("upstream")?,
        is_further: row.get("is_further")?,
        calls: number(row, "calls")?,
    })
}

fn took(read: Vec<(TookKey, u64, Option<u64>)>) -> BTreeMap<TookKey, Took> {
    let mut times: BTreeMap<TookKey, (Vec<u64>, Vec<u64>)> = BTreeMap::new();
    for (key, whole, first_byte) in read {
        let (wholes, first_bytes) = times.entry(key).or_default();
        wholes.push(whole);
        first_bytes.extend(first_byte);
    }
    let of = |(mut wholes, mut first_bytes): (Vec<u64>, Vec<u64>)| {
        wholes.sort_unstable();
        first_bytes.sort_unstable();
        Took {
            calls: wholes.len() as u64,
            median_us: within(&wholes, 50).unwrap_or_default(),
            most_us: within(&wholes, MOST_PERCENT).unwrap_or_default(),
            longest_us: wholes.last().copied().unwrap_or_default(),
            first_byte_us: within(&first_bytes, 50),
        }
    };
    times.into_iter().map(|(key, times)| (key, of(times))).collect()
}

/// The nearest rank: what `percent` of the values, which are sorted, do not exceed.
fn within(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_calls_and_ninety_five_of_a_hundred_took_no_longer() {
        let all: Vec<u64> = (1..=100).collect();
        assert_eq!((within(&all, 50), within(&all, MOST_PERCENT)), (Some(50), Some(95)));
        assert_eq!(within(&[7], MOST_PERCENT), Some(7), "one call is all there is to say");
        assert_eq!(within(&[], 50), None, "no call would read as one that took no time");
    }
}
